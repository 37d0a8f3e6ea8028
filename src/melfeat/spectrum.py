"""Short-time Fourier transforms and decibels: the doors `stft`, `istft`, `magphase`, `power_to_db` and relatives."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from ._arrays import as_channels
from ._checks import check_bool, check_float, check_int
from .config import Config
from .dsp.windows import WindowSpec
from .errors import MelfeatWarning, ParameterError
from .pipeline import clips_of_channels, spectra
from .stages import Framing, hashable_window

__all__ = [
    "amplitude_to_db",
    "db_to_amplitude",
    "db_to_power",
    "istft",
    "magphase",
    "power_to_db",
    "stft",
]


@lru_cache(maxsize=128, typed=True)
def _framing_plan(
    n_fft: int, hop_length: Any, win_length: Any, window: Any, center: bool, pad_mode: Any, dtype: np.dtype
) -> Any:
    from .plan import plan

    framing = Framing(n_fft, hop_length, win_length, window, center_rule(center), pad_mode)
    return plan(Config(framing=framing), dtype, complex_spectra=True)


def center_rule(center: Any) -> str:
    """Return the rule of framing that `center` stands for in librosa's functions."""
    return "center" if check_bool("center", center) else "valid"


def require_frames(config: Config, n_samples: int) -> int:
    """Return the number of frames of a signal of `n_samples`; raise if it is too short for one."""
    count = config.n_analysis_frames(n_samples)
    if count == 0:
        framing = config.framing
        centred = framing.frames == "center"
        remedy = "use center=True or pad the signal, e.g. with melfeat.util.fix_length"
        if centred:
            remedy = "pad the signal, e.g. with melfeat.util.fix_length, or use an even n_fft"
        raise ParameterError(
            f"n_fft={framing.n_fft} is too large for {'' if centred else 'uncentred '}frames of a signal of "
            f"{n_samples} samples; {remedy}"
        )
    return count


def stft(
    y: np.ndarray,
    n_fft: int = 2048,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: WindowSpec = "hann",
    center: bool = True,
    dtype: Any = None,
    pad_mode: str | Callable[..., Any] = "constant",
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Return the short-time Fourier transform of a signal.

    Parameters
    ----------
    y : np.ndarray of float32 or float64, shape (..., n)
        The signal.
    n_fft : int, >= 1
        Length of a frame and of its transform [samples]; any length is fast, even an odd or prime one.
    hop_length : int, >= 1, optional
        Distance of neighbouring frames [samples], by default ``win_length // 4``.
    win_length : int, 1 <= win_length <= n_fft, optional
        Length of the window [samples], centred in the frame; by default `n_fft`.
    window : str, tuple, float, callable or array_like
        The window, as in `melfeat.filters.get_window`.
    center : bool
        Whether frame t is centred on sample ``t * hop_length``; if not, it begins there.
    dtype : complex dtype, optional
        The dtype of the result, by default complex64 for float32 and complex128 for float64.
    pad_mode : {'constant', 'edge', 'linear_ramp', 'reflect', 'symmetric', 'empty'} or callable
        What a centred frame sees beyond the ends of the signal, as in `numpy.pad`.
    out : np.ndarray, complex, shape (..., 1 + n_fft // 2, >= n_frames), optional
        Written instead of a new array; if it has more frames, a view of the first ones is returned.

    Returns
    -------
    np.ndarray, shape (..., 1 + n_fft // 2, n_frames)
        The spectra; ``n_frames`` is ``1 + n // hop_length`` for a centred transform with even `n_fft`.

    Raises
    ------
    ParameterError
        If the signal is not a finite floating-point array, is too short for a frame that is not centred, or if a
        parameter or the shape of `out` does not fit.

    References
    ----------
    J. B. Allen, L. R. Rabiner, "A unified approach to short-time Fourier analysis and synthesis", Proc. IEEE 65, 1977.

    Examples
    --------
    >>> import melfeat
    >>> import numpy as np
    >>> y = np.cos(2 * np.pi * 1000 * np.arange(8000) / 8000).astype(np.float32)
    >>> D = melfeat.stft(y, n_fft=256)
    >>> D.shape, int(np.abs(D[:, 60]).argmax()) * 8000 // 256
    ((129, 126), 1000)
    """
    channels, lead = as_channels(y)
    made = _framing_plan(n_fft, hop_length, win_length, hashable_window(window), center, pad_mode, channels.dtype)
    n_frames = require_frames(made.config, channels.shape[1])
    result = spectra(clips_of_channels(channels, n_frames), made).reshape(-1, made.fft.n_bins, n_frames)
    result = result.reshape(*lead, *result.shape[1:])
    if out is not None:
        return _into(out, result)
    if dtype is None:
        return result
    kind = np.dtype(dtype)
    if kind.kind != "c":
        raise ParameterError(f"dtype={dtype!r}: expected a complex dtype such as np.complex64")
    return result.astype(kind, copy=False)


def _into(out: np.ndarray, result: np.ndarray) -> np.ndarray:
    """Copy `result` to the first frames of `out` and return them."""
    if not isinstance(out, np.ndarray) or out.dtype.kind != "c":
        raise ParameterError(
            f"out has dtype {getattr(out, 'dtype', type(out).__name__)}: expected a complex numpy.ndarray"
        )
    if out.shape[:-1] != result.shape[:-1] or out.shape[-1:] < result.shape[-1:]:
        raise ParameterError(f"out has shape {out.shape}: expected {result.shape}, or more in the last dimension")
    view = out[..., : result.shape[-1]]
    view[...] = result
    return out if view.shape == out.shape else view


def istft(
    stft_matrix: np.ndarray,
    hop_length: int | None = None,
    win_length: int | None = None,
    n_fft: int | None = None,
    window: WindowSpec = "hann",
    center: bool = True,
    dtype: Any = None,
    length: int | None = None,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Return the signal whose short-time Fourier transform is nearest to the one given, in the least-squares sense.

    Parameters
    ----------
    stft_matrix : np.ndarray, complex, shape (..., 1 + n_fft // 2, n_frames)
        Spectra as `stft` returns them.
    hop_length, win_length, window, center
        As they were in `stft`.
    n_fft : int, optional
        Length of a frame [samples], by default ``2 * (n_bins - 1)``; needed for odd lengths.
    dtype : floating-point dtype, optional
        The dtype of the result, by default that of the real parts.
    length : int, >= 0, optional
        Cut or pad the result with zeros to so many samples.
    out : np.ndarray, shape (..., n), optional
        Written instead of a new array.

    Returns
    -------
    np.ndarray, shape (..., n)
        The signal.

    Raises
    ------
    ParameterError
        If the spectra are not complex ``(..., n_bins, n_frames)``, or a parameter does not fit.

    References
    ----------
    D. W. Griffin, J. S. Lim, "Signal estimation from modified short-time Fourier transform", IEEE TASSP 32, 1984.

    Examples
    --------
    >>> import melfeat
    >>> import numpy as np
    >>> y = np.sin(np.arange(4000) / 7)
    >>> z = melfeat.istft(melfeat.stft(y, n_fft=512), length=4000)
    >>> bool(np.abs(z - y).max() < 1e-12)
    True
    """
    import scipy.fft

    from .filters import window_sumsquare
    from .plan import padded_window
    from .util import dtype_c2r, tiny

    if not isinstance(stft_matrix, np.ndarray) or stft_matrix.dtype.kind != "c" or stft_matrix.ndim < 2:
        raise ParameterError("stft_matrix: expected a complex numpy.ndarray of shape (..., n_bins, n_frames)")
    lead, (n_bins, n_frames) = stft_matrix.shape[:-2], stft_matrix.shape[-2:]
    n_fft = 2 * (n_bins - 1) if n_fft is None else check_int("n_fft", n_fft, low=1, unit="samples")
    if n_bins != 1 + n_fft // 2 or n_fft < 1:
        raise ParameterError(f"n_fft={n_fft}: expected 1 + n_fft // 2 = {n_bins}, the number of bins of stft_matrix")
    framing = Framing(n_fft, hop_length, win_length, window, center_rule(center))
    hop, half = framing.hop_length or 1, n_fft // 2 if center else 0
    wanted = n_fft + hop * (n_frames - 1) - 2 * half
    if length is not None:
        wanted = check_int("length", length, low=0, unit="samples")
        n_frames = min(n_frames, -(-(wanted + 2 * half) // hop))
    real = dtype_c2r(stft_matrix.dtype) if dtype is None else np.dtype(dtype)
    if real.kind != "f":
        raise ParameterError(f"dtype={dtype!r}: expected a floating-point dtype such as np.float32")

    frames = scipy.fft.irfft(np.moveaxis(stft_matrix[..., :n_frames], -1, -2), n=n_fft, axis=-1)
    frames = frames * padded_window(framing)[:n_fft].astype(real)
    whole = np.zeros((*lead, max(0, n_fft + hop * (n_frames - 1)) if n_frames else 0), dtype=real)
    _overlap_add(whole, frames, hop)
    envelope = window_sumsquare(
        window=window, n_frames=n_frames, hop_length=hop, win_length=win_length, n_fft=n_fft, dtype=real
    )
    loud = envelope[: whole.shape[-1]] > tiny(envelope)
    whole[..., loud] /= envelope[: whole.shape[-1]][loud]

    result = whole[..., half : half + max(0, wanted)]
    if result.shape[-1] < wanted:
        result = np.concatenate([result, np.zeros((*lead, wanted - result.shape[-1]), dtype=real)], axis=-1)
    if out is None:
        return np.ascontiguousarray(result)
    if not isinstance(out, np.ndarray) or out.shape != result.shape:
        raise ParameterError(f"out has shape {np.shape(out)}: expected {result.shape}")
    out[...] = result
    return out


def _overlap_add(whole: np.ndarray, frames: np.ndarray, hop: int) -> None:
    """Add frames ``(..., n_frames, n_fft)`` into ``(..., n)``: all frames' j-th hop at once, j by j."""
    n_frames, n_fft = frames.shape[-2:]
    if n_frames == 0:
        return
    n_chunks = -(-n_fft // hop)
    rows = np.zeros((*whole.shape[:-1], n_frames + n_chunks - 1, hop), dtype=whole.dtype)
    for j in range(n_chunks):
        piece = frames[..., j * hop : (j + 1) * hop]
        rows[..., j : j + n_frames, : piece.shape[-1]] += piece
    flat = rows.reshape(*whole.shape[:-1], -1)
    whole[...] = flat[..., : whole.shape[-1]]


def magphase(D: np.ndarray, power: float = 1) -> tuple[np.ndarray, np.ndarray]:
    """Split complex spectra into magnitude and phase, ``D = S * P`` for ``power=1``.

    Parameters
    ----------
    D : np.ndarray, complex
        Spectra of any shape.
    power : float, > 0
        Exponent of the magnitude, 1 for amplitude, 2 for power.

    Returns
    -------
    S : np.ndarray, real, the shape of `D`
        ``|D| ** power``.
    P : np.ndarray, complex, the shape of `D`
        ``exp(i arg D)``, 1 where `D` is 0.

    Raises
    ------
    ParameterError
        If `power` is not positive.

    Examples
    --------
    >>> import melfeat
    >>> import numpy as np
    >>> S, P = melfeat.magphase(np.array([3 + 4j]))
    >>> S.tolist(), P.round(12).tolist()
    ([5.0], [(0.6+0.8j)])
    """
    exponent = check_float("power", power, low=0, strict=True)
    D = np.asarray(D)
    magnitude = np.abs(D)
    silent = magnitude == 0
    divisor = np.where(silent, 1, magnitude)
    phase = np.where(silent, 1, D / divisor).astype(np.result_type(D.dtype, np.complex64), copy=False)
    return magnitude**exponent, phase


Reference = float | Callable[..., Any]


def _peak_axes(ndim: int) -> tuple[int, ...] | None:
    """Return the axes of one channel: the last two, as librosa 1.0 counts."""
    return (-2, -1) if ndim >= 2 else (-1,) if ndim == 1 else None


def _reference(S: np.ndarray, ref: Reference) -> Any:
    """Return the reference power: a number, or one per channel from a callable, as librosa 1.0 does."""
    if not callable(ref):
        return np.abs(ref)
    if S.size == 0:
        raise ParameterError(f"S has shape {S.shape}: there is nothing to take ref={ref!r} of; give a number")
    axes = _peak_axes(S.ndim)
    try:
        return ref(S, axis=axes, keepdims=True)
    except TypeError:
        if S.ndim <= 2:  # librosa 0.11 called it with the array alone, and for one channel that is the same
            return np.abs(ref(S))
        raise ParameterError(
            f"ref={ref!r}: for several channels expected a function that takes axis and keepdims, as np.max does"
        ) from None


def _as_levels(S: Any, name: str, squared: bool) -> np.ndarray:
    """Return `S` as C-contiguous floats; complex input warns and loses its phase."""
    S = np.asarray(S)
    if S.dtype.kind == "c":
        hint = "np.abs(D)" if squared else "np.abs(D) ** 2"
        warnings.warn(
            f"{name} got complex input and takes its magnitude; to say so, call {name}({hint})",
            MelfeatWarning,
            stacklevel=3,
        )
        S = np.abs(S)
    if S.dtype.kind not in "fiub":
        raise ParameterError(f"S has dtype {S.dtype}: expected real numbers")
    single = S.dtype.kind == "f" and S.dtype.itemsize <= 4
    return np.require(S, dtype=np.float32 if single else np.float64, requirements=("C", "A", "W"))


def _decibels(S: np.ndarray, reference: Any, amin: float, top_db: float | None) -> Any:
    from .kernels.compress import clip_rows, decibels

    offset = 10.0 * np.log10(np.maximum(amin, reference))
    one = np.ndim(offset) == 0 or np.size(offset) == 1
    floors = np.array([amin, offset.reshape(-1)[0] if one else 0.0], dtype=S.dtype)  # type: ignore[union-attr]
    if not floors[0] > 0:
        raise ParameterError(f"amin={amin!r}: is 0 in {S.dtype}; use a larger amin or float64")
    out = np.empty(S.shape, dtype=S.dtype)
    decibels(S.reshape(-1), floors, out.reshape(-1), np.empty(32, dtype=S.dtype))
    if not one:
        out -= offset.astype(S.dtype)
    if top_db is not None and out.size:
        peaks = np.max(out, axis=_peak_axes(out.ndim), keepdims=True) if out.ndim else out
        floor = (peaks - S.dtype.type(top_db)).reshape(-1)
        clip_rows(out.reshape(floor.size, -1), floor)
    return out[()]


def power_to_db(S: Any, ref: Reference = 1.0, amin: float = 1e-10, top_db: float | None = 80.0) -> Any:
    """Return power in decibels relative to `ref`: ``10 log10(max(S, amin)) - 10 log10(max(ref, amin))``.

    Parameters
    ----------
    S : array_like, real
        Power, any shape; the last two dimensions are one channel.
    ref : float or callable
        Reference power; 0 dB is where ``S == ref``. A callable such as ``np.max`` gets one channel at a time (it is
        called with ``axis`` and ``keepdims``).
    amin : float, > 0
        Smallest power told apart.
    top_db : float, >= 0, optional
        Raise everything to at least so much below the peak of its channel [dB]; None for no floor.

    Returns
    -------
    np.ndarray or scalar
        Decibels, float32 for float32, else float64.

    Raises
    ------
    ParameterError
        If `amin` is not positive, `top_db` is negative, or `ref` cannot work by channel.

    Notes
    -----
    librosa 0.11 takes peak and reference over all channels, librosa 1.0 per channel, and so does melfeat: the decibels
    of a clip do not depend on what it is batched with.

    Examples
    --------
    >>> import melfeat
    >>> import numpy as np
    >>> melfeat.power_to_db(np.array([1.0, 10.0, 1e-12])).tolist()
    [0.0, 10.0, -70.0]
    """
    amin = check_float("amin", amin, low=0, strict=True)
    if top_db is not None:
        top_db = check_float("top_db", top_db, low=0, unit="dB")
    levels = _as_levels(S, "power_to_db", squared=False)
    return _decibels(levels, _reference(levels, ref), amin, top_db)


def db_to_power(S_db: Any, ref: float = 1.0) -> Any:
    """Return the power of decibels, ``ref * 10 ** (S_db / 10)``: the inverse of `power_to_db` above its floors.

    Parameters
    ----------
    S_db : array_like, real
        Decibels.
    ref : float
        Power of 0 dB.

    Returns
    -------
    np.ndarray or scalar
        Power, of the dtype of `S_db` if that is floating-point.

    Examples
    --------
    >>> import melfeat
    >>> float(melfeat.db_to_power(20.0))
    100.0
    """
    S_db = np.asarray(S_db)
    return (ref * np.power(10.0, S_db * 0.1))[()]


def amplitude_to_db(S: Any, ref: Reference = 1.0, amin: float = 1e-5, top_db: float | None = 80.0) -> Any:
    """Return amplitude in decibels relative to `ref`: `power_to_db` of the squares.

    Parameters
    ----------
    S : array_like, real
        Amplitude, any shape; the last two dimensions are one channel. Signs are ignored.
    ref : float or callable
        Reference amplitude, as in `power_to_db`.
    amin : float, > 0
        Smallest amplitude told apart.
    top_db : float, >= 0, optional
        Raise everything to at least so much below the peak of its channel [dB]; None for no floor.

    Returns
    -------
    np.ndarray or scalar
        Decibels, float32 for float32, else float64.

    Raises
    ------
    ParameterError
        As `power_to_db`.

    Examples
    --------
    >>> import melfeat
    >>> float(melfeat.amplitude_to_db(100.0))
    40.0
    """
    amin = check_float("amin", amin, low=0, strict=True)
    if top_db is not None:
        top_db = check_float("top_db", top_db, low=0, unit="dB")
    magnitude = np.abs(_as_levels(S, "amplitude_to_db", squared=True))
    return _decibels(np.square(magnitude), _reference(magnitude, ref) ** 2, amin**2, top_db)


def db_to_amplitude(S_db: Any, ref: float = 1.0) -> Any:
    """Return the amplitude of decibels, ``ref * 10 ** (S_db / 20)``: the inverse of `amplitude_to_db`.

    Parameters
    ----------
    S_db : array_like, real
        Decibels.
    ref : float
        Amplitude of 0 dB.

    Returns
    -------
    np.ndarray or scalar
        Amplitude, of the dtype of `S_db` if that is floating-point.

    Examples
    --------
    >>> import melfeat
    >>> float(melfeat.db_to_amplitude(40.0))
    100.0
    """
    return np.asarray(db_to_power(S_db, ref=ref**2) ** 0.5)[()]
