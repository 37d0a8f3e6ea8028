"""Window functions: cosine sums in closed form, the rest from SciPy, loaded only when one is asked for.

Names mean what they mean in SciPy. Those that SciPy does not have come from the front ends that use them:

* ``'povey'``: Hann to the power 0.85, ``'sine'``: half a period of a sine, ``('blackman', c)``: Blackman with
  coefficients c, 0.5, 0.5 - c, all of Kaldi, which has them symmetric;
* ``'matlab_hanning'``: MATLAB's ``hanning``, the symmetric Hann window of two more samples without its zeros (the
  periodic form is MATLAB's too: it begins with a zero and equals ``'hann'``).

Essentia's Hamming window is ``('general_hamming', 0.53836)``.

References
----------
D. Povey et al., "The Kaldi speech recognition toolkit", ASRU 2011 (its ``feature-window.cc``). MathWorks, ``hanning``,
Signal Processing Toolbox.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from .._checks import check_bool, check_float, check_int
from ..errors import ParameterError

__all__ = ["COSINE_SUMS", "WindowSpec", "samples_of_window", "window"]

#: A name, ``(name, parameter, ...)``, the beta of a Kaiser window, a function of the length, or the values themselves.
WindowSpec: TypeAlias = str | tuple[Any, ...] | float | Callable[[int], Any] | np.ndarray | Sequence[float]

#: Coefficients a_k of the sums a_0 + a_1 cos(x) + a_2 cos(2x) + ..., x from -pi to pi: Harris (1978), Nuttall (1981),
#: D'Antona and Ferrero (2006) for the flat top.
COSINE_SUMS: dict[str, tuple[float, ...]] = {
    "hann": (0.5, 0.5),
    "hamming": (0.54, 1.0 - 0.54),
    "blackman": (0.42, 0.50, 0.08),
    "nuttall": (0.3635819, 0.4891775, 0.1365995, 0.0106411),
    "blackmanharris": (0.35875, 0.48829, 0.14128, 0.01168),
    "flattop": (0.21557895, 0.41663158, 0.277263158, 0.083578947, 0.006947368),
}

#: SciPy's other spellings of the windows that are computed here.
_ALIASES = {
    "han": "hann",
    "hamm": "hamming",
    "ham": "hamming",
    "black": "blackman",
    "blk": "blackman",
    "nutl": "nuttall",
    "nut": "nuttall",
    "blackharr": "blackmanharris",
    "bkh": "blackmanharris",
    "flat": "flattop",
    "flt": "flattop",
    "box": "boxcar",
    "ones": "boxcar",
    "rect": "boxcar",
    "rectangular": "boxcar",
    "bart": "bartlett",
    "brt": "bartlett",
    "triang": "triangle",
    "tri": "triangle",
}

#: Only suggestions for a misspelt name; SciPy decides what it knows.
_SCIPY_NAMES = (
    *("barthann", "bohman", "chebwin", "cosine", "dpss", "exponential", "gaussian", "general_cosine"),
    *("general_gaussian", "general_hamming", "kaiser", "kaiser_bessel_derived", "lanczos", "parzen", "taylor", "tukey"),
)


def _cosine_sum(coefficients: tuple[float, ...], m: int) -> np.ndarray:
    # The phase runs from -pi, not from 0, so that values and roundings are those of SciPy.
    phase = np.linspace(-np.pi, np.pi, m)
    total = np.zeros(m)
    for k, a in enumerate(coefficients):
        total += a * np.cos(k * phase)
    return total


def _bartlett(m: int) -> np.ndarray:
    n = np.arange(m, dtype=np.float64)
    rise = 2.0 * n / (m - 1)
    return np.where(n <= (m - 1) / 2.0, rise, 2.0 - rise)


def _triangle(m: int) -> np.ndarray:
    half = np.arange(1, (m + 1) // 2 + 1, dtype=np.float64)
    rise = 2.0 * half / (m + 1.0) if m % 2 else (2.0 * half - 1.0) / m
    return np.concatenate((rise, rise[::-1][m % 2 :]))


def _povey(m: int) -> np.ndarray:
    return np.power(np.maximum(_cosine_sum(COSINE_SUMS["hann"], m), 0.0), 0.85)


def _sine(m: int) -> np.ndarray:
    k = np.arange(m)
    return np.sin(np.pi * np.minimum(k, m - 1 - k) / (m - 1))  # the smaller angle: symmetric to the last bit


def _matlab_hanning(m: int) -> np.ndarray:
    return _cosine_sum(COSINE_SUMS["hann"], m + 2)[1:-1]


#: Symmetric windows of m > 1 samples.
_CLOSED: dict[str, Callable[[int], np.ndarray]] = {
    **{name: partial(_cosine_sum, coefficients) for name, coefficients in COSINE_SUMS.items()},
    "bartlett": _bartlett,
    "boxcar": np.ones,
    "triangle": _triangle,
}

#: The same, of names that SciPy does not know.
_DIALECTS: dict[str, Callable[[int], np.ndarray]] = {
    "matlab_hanning": _matlab_hanning,
    "povey": _povey,
    "sine": _sine,
}

#: Windows with one parameter: coefficients of the cosine sum.
_WITH_COEFFICIENT: dict[str, Callable[[float], tuple[float, ...]]] = {
    "blackman": lambda c: (c, 0.5, 0.5 - c),
    "general_hamming": lambda alpha: (alpha, 1.0 - alpha),
}


def _strip_suffix(name: str, fftbins: bool) -> tuple[str, bool]:
    """Split SciPy's suffix ``_periodic`` or ``_symmetric`` off; it overrides `fftbins`."""
    if name.endswith("_periodic"):
        return name.removesuffix("_periodic"), True
    if name.endswith("_symmetric"):
        return name.removesuffix("_symmetric"), False
    return name, fftbins


def _refused(spec: Any, reason: str) -> ParameterError:
    name = spec[0] if isinstance(spec, tuple) and spec else spec
    hint = ""
    if isinstance(name, str) and (
        near := get_close_matches(name, (*_CLOSED, *_ALIASES, *_DIALECTS, *_SCIPY_NAMES), n=1)
    ):
        hint = f" (did you mean {near[0]!r}?)" if near[0] != name else ""
    return ParameterError(
        f"window={spec!r}: {reason}{hint}. Expected a name such as 'hann', a tuple (name, parameter, ...), a number "
        "(beta of a Kaiser window), a function of the length, or an array of the window's length"
    )


def _from_scipy(spec: Any, length: int, fftbins: bool) -> np.ndarray:
    from scipy.signal import get_window

    try:
        found = np.asarray(get_window(spec, length, fftbins=fftbins), dtype=np.float64)
    except Exception as error:  # whatever its functions make of parameters that nobody checked
        raise _refused(spec, f"no such window of {length} samples ({error})") from error
    if not np.isfinite(found).all():
        raise _refused(spec, f"its {length} samples are not finite everywhere")
    return found


def samples_of_window(values: Any, origin: str = "the array") -> np.ndarray:
    """Return finite samples ``(n,)`` in float64; `origin` says in errors where they are from."""
    try:
        array = np.array(values)
    except ValueError as error:
        raise ParameterError(f"window: {origin} is not an array of numbers ({error})") from error
    if array.dtype.kind not in "fiub":
        raise ParameterError(f"window: {origin} has dtype {array.dtype}; expected real numbers")
    if array.ndim != 1:
        raise ParameterError(f"window: {origin} has shape {array.shape}; expected one dimension of samples")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise ParameterError(f"window: {origin} is not finite everywhere; expected finite numbers")
    return array


def _from_values(values: Any, length: int, origin: str) -> np.ndarray:
    array = samples_of_window(values, origin)
    if array.shape != (length,):
        raise ParameterError(f"window: {origin} has shape {array.shape}; expected ({length},), one value per sample")
    return array


def _named(spec: str | tuple[Any, ...], length: int, fftbins: bool) -> np.ndarray:
    name, *parameters = (spec,) if isinstance(spec, str) else spec or (None,)
    if not isinstance(name, str):
        raise _refused(spec, "the first entry of a tuple is the window's name")
    name, fftbins = _strip_suffix(name, fftbins)
    name = _ALIASES.get(name, name)
    if name in _WITH_COEFFICIENT and len(parameters) == 1:
        if length == 1:
            return np.ones(1)
        coefficients = _WITH_COEFFICIENT[name](check_float(f"window={spec!r}: coefficient", parameters[0]))
        return _cosine_sum(coefficients, length + fftbins)[:length].copy()
    closed = _CLOSED.get(name) or _DIALECTS.get(name)
    if closed is None:
        return _from_scipy((name, *parameters) if parameters else name, length, fftbins)
    if parameters:
        raise _refused(spec, "this window takes no parameters")
    if length == 1:
        return np.ones(1)
    if name == "matlab_hanning" and fftbins:
        closed = _CLOSED["hann"]
    return closed(length + fftbins)[:length].copy()


def window(spec: WindowSpec, length: int, *, fftbins: bool = True) -> np.ndarray:
    """Return the window `spec` as a new float64 array of `length` samples.

    `fftbins` chooses the periodic form (one period of length + 1 points without the last) over the symmetric one, for
    names, tuples and numbers; functions and arrays are taken as they are.
    """
    length = check_int("window length", length, low=1, unit="samples")
    fftbins = check_bool("fftbins", fftbins)
    if callable(spec):
        return _from_values(spec(length), length, "the function's result")
    if isinstance(spec, np.ndarray | list):
        return _from_values(spec, length, "the array")
    if isinstance(spec, str | tuple):
        return _named(spec, length, fftbins)
    if isinstance(spec, bool | np.bool_ | complex | np.complexfloating | bytes) or not np.isscalar(spec):
        raise _refused(spec, f"a window cannot be given as {type(spec).__name__}")
    return _from_scipy(float(spec), length, fftbins)  # type: ignore[arg-type]
