"""Features of features over time: derivatives (`delta`, `regression_delta`), delayed copies (`stack_memory`)."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np

from ._checks import check_choice, check_float, check_int
from .dsp.arrays import PadSpec, check_axis, pad, pad_widths
from .dsp.delta import DELTA_EDGES, DeltaMode, extend, regression_deltas, savgol_weights
from .errors import ParameterError

__all__ = ["delta", "regression_delta", "stack_memory"]


def _as_real(data: Any) -> np.ndarray:
    """Return `data` with at least one axis: float32 stays, every other real dtype becomes float64."""
    array = np.atleast_1d(np.asarray(data))
    if array.dtype.kind not in "fiub":
        raise ParameterError(
            f"data has dtype {array.dtype}: expected real numbers; take the real part or the magnitude"
        )
    single = array.dtype.kind == "f" and array.dtype.itemsize == 4  # in either byte order
    return np.ascontiguousarray(array, dtype=np.float32 if single else np.float64)


def delta(
    data: np.ndarray,
    width: int = 9,
    order: int = 1,
    *,
    axis: int = -1,
    mode: DeltaMode = "interp",
    polyorder: int | None = None,
    delta: float = 1.0,
    cval: float = 0.0,
) -> np.ndarray:
    """Return the local derivative of `data` along an axis, by a Savitzky-Golay filter.

    A polynomial of degree `polyorder` is fitted to the `width` values around each point; the result is its derivative
    of order `order` there. For ``order=1`` this is the regression delta of speech recognition; ``order=2`` differs from
    the delta of a delta.

    Parameters
    ----------
    data : np.ndarray, shape (..., n, ...)
        Real values, usually features ``(..., n_features, t)``. A scalar counts as one value.
    width : int, odd, >= 3
        Number of values [frames] that enter each fit.
    order : int, >= 1
        Order of the derivative.
    axis : int
        The axis to differentiate along, by default the last.
    mode : {'interp', 'nearest', 'mirror', 'constant', 'wrap'}
        What happens at the ends. 'interp' evaluates the polynomials of the first and the last full window. The others
        extend the data: by its first and last value, by its reflection about them, by `cval`, or periodically.
    polyorder : int, 0 <= polyorder < width, optional
        Degree of the polynomial, by default `order`. A degree below `order` gives zeros.
    delta : float, nonzero
        Distance of neighbouring values, in the unit the derivative is to be taken by; 1.0 gives a change per frame.
    cval : float
        The value beyond the ends for ``mode='constant'``.

    Returns
    -------
    np.ndarray, shape (..., n, ...)
        The derivative: float32 for float32 `data`, otherwise float64. Sums are float64 for both.

    Raises
    ------
    ParameterError
        If `width` is even or below 3, `order` below 1, `polyorder` not below `width`, `mode` unknown, `data` not real,
        or ``mode='interp'`` with fewer than `width` values along `axis`.

    References
    ----------
    A. Savitzky and M. J. E. Golay, Smoothing and differentiation of data by simplified least squares procedures,
    Analytical Chemistry 36 (8), 1964, pp. 1627-1639.

    Examples
    --------
    >>> import numpy as np
    >>> import melfeat
    >>> ramp = 2.5 * np.arange(12.0)
    >>> melfeat.delta(ramp).round(6)[:4]
    array([2.5, 2.5, 2.5, 2.5])
    """
    array = _as_real(data)
    axis = check_axis(axis, array.ndim)
    n = array.shape[axis]
    width = check_int("width", width, low=3, unit="frames")
    if width % 2 == 0:
        raise ParameterError(f"width={width!r}: expected an odd integer >= 3 [frames]; use {width - 1} or {width + 1}")
    order = check_int("order", order, low=1)
    degree = check_int("polyorder", order if polyorder is None else polyorder, low=0)
    if degree >= width:
        culprit = f"order={order!r}" if polyorder is None else f"polyorder={polyorder!r}"
        raise ParameterError(f"{culprit}: expected a polynomial degree below width={width}; use a larger width")
    mode = check_choice("mode", mode, get_args(DeltaMode))
    spacing = check_float("delta", delta)
    if spacing == 0:
        raise ParameterError(f"delta={delta!r}: expected a nonzero distance between neighbouring values")
    cval = check_float("cval", cval)
    if mode == "interp" and n < width:
        raise ParameterError(
            f"width={width}: expected at most the {n} values along axis {axis} when mode='interp'; "
            "use a smaller width, or mode='nearest', which works for any number of values"
        )
    out = np.empty_like(array)
    if array.size:
        lead = int(np.prod(array.shape[:axis]))
        _savgol_into(array.reshape(lead, n, -1), width, degree, order, spacing, mode, cval, out)
    return out


def _savgol_into(
    x: np.ndarray, width: int, degree: int, order: int, spacing: float, mode: DeltaMode, cval: float, out: np.ndarray
) -> None:
    """Fill `out` with the derivative of `x` ``(rows, n, step)`` along axis 1; not one of the three sizes is 0."""
    from .kernels.delta import edge_dot, mirrored_fir

    rows, n, step = x.shape
    half = width // 2
    centre, edges = savgol_weights(width, degree, order, spacing)
    sign = -1.0 if order % 2 else 1.0
    flat, target = x.reshape(rows, n * step), out.reshape(rows, n * step)
    inner = n - 2 * half
    if inner > 0:
        mirrored_fir(flat, centre, sign, step, target, half * step, inner * step)
    if mode == "interp":
        edge_dot(flat, 0, edges, False, 1.0, step, target, 0)
        edge_dot(flat, (n - width) * step, edges, True, sign, step, target, (n - half) * step)
        return
    # Only the ends are copied. Too short for two separate ends: one stretch over all of it.
    for begin, end in ((0, half), (n - half, n)) if inner > 0 else ((0, n),):
        stretch = extend(x, begin - half, end + half, mode, cval).reshape(rows, -1)
        mirrored_fir(stretch, centre, sign, step, target, begin * step, (end - begin) * step)


def regression_delta(
    data: np.ndarray,
    window: int = 2,
    order: int = 1,
    *,
    axis: int = -1,
    edges: Literal["replicate", "kaldi", "opensmile"] = "replicate",
) -> np.ndarray:
    """Return the delta of speech recognition front ends: the slope of a line through the neighbouring frames.

    ``d[t] = sum k (x[t + k] - x[t - k]) / (2 sum k^2)`` with k from 1 to `window`; of higher orders the same of the
    delta before. It differs from `delta` at the ends, and for ``order > 1`` everywhere.

    Parameters
    ----------
    data : np.ndarray, shape (..., n, ...)
        Real values, usually features ``(..., n_features, t)``.
    window : int, >= 1
        Values [frames] to either side that enter.
    order : int, >= 1
        1 for the delta, 2 for the delta of the delta (acceleration), and so on.
    axis : int
        The axis to differentiate along, by default the last.
    edges : {'replicate', 'kaldi', 'opensmile'}
        What lies beyond the ends of a delta whose delta is taken: its first and last value (HTK, torchaudio,
        python_speech_features); its continuation, where only `data` is repeated (Kaldi); or the first at the beginning
        and the second at the end (openSMILE). The same for `order` 1.

    Returns
    -------
    np.ndarray, shape (..., n, ...)
        The delta: float32 for float32 `data`, otherwise float64. Sums are float64 for both.

    Raises
    ------
    ParameterError
        If `window` or `order` is below 1, `edges` unknown, or `data` not real.

    References
    ----------
    S. Young et al., The HTK Book, version 3.4, Cambridge University, 2006, section 5.9. D. Povey et al., The Kaldi
    speech recognition toolkit, ASRU 2011. F. Eyben et al., openSMILE, ACM Multimedia 2010.

    Examples
    --------
    >>> import numpy as np
    >>> import melfeat
    >>> melfeat.regression_delta(np.array([0.0, 1.0, 2.0, 3.0, 4.0])).round(6).tolist()
    [0.5, 0.8, 1.0, 0.8, 0.5]
    """
    array = _as_real(data)
    axis = check_axis(axis, array.ndim)
    window = check_int("window", window, low=1, unit="frames")
    order = check_int("order", order, low=1)
    edges = check_choice("edges", edges, DELTA_EDGES)
    rows = np.ascontiguousarray(np.moveaxis(array, axis, -1))
    result = regression_deltas(rows, order, window=window, edges=edges)[-1]
    return np.ascontiguousarray(np.moveaxis(result, -1, axis))


def stack_memory(
    data: np.ndarray,
    n_steps: int = 2,
    delay: int = 1,
    *,
    mode: PadSpec = "constant",
    constant_values: Any = 0,
    end_values: Any = 0,
    stat_length: Any = None,
    reflect_type: Literal["even", "odd"] = "even",
) -> np.ndarray:
    """Return `data` stacked with delayed copies of itself, so that each column holds its own recent history.

    Column t of the result is ``data[..., t]``, below it ``data[..., t - delay]``, and so on to
    ``data[..., t - (n_steps - 1) * delay]``. Columns beyond the ends are padded.

    Parameters
    ----------
    data : np.ndarray, shape (..., d, t)
        Features of at least one frame, any dtype. A vector ``(t,)`` counts as ``(1, t)``.
    n_steps : int, >= 1
        Number of copies, the undelayed one included.
    delay : int, nonzero
        Distance of neighbouring copies [frames]: positive looks into the past, negative into the future.
    mode, constant_values, end_values, stat_length, reflect_type
        How columns beyond the ends are made, as in `numpy.pad`; by default zeros.

    Returns
    -------
    np.ndarray, shape (..., n_steps * d, t)
        The stacked features, in the dtype of `data`.

    Raises
    ------
    ParameterError
        If `n_steps` is below 1, `delay` is 0, `data` has no column, or `mode` is unknown or cannot pad this `data`.

    Examples
    --------
    >>> import numpy as np
    >>> import melfeat
    >>> melfeat.stack_memory(np.array([1, 2, 3, 4]), n_steps=3)
    array([[1, 2, 3, 4],
           [0, 1, 2, 3],
           [0, 0, 1, 2]])
    """
    n_steps = check_int("n_steps", n_steps, low=1, unit="copies")
    delay = check_int("delay", delay, unit="frames")
    if delay == 0:
        raise ParameterError("delay=0: expected a nonzero integer [frames]; n_steps=1 makes no delayed copy")
    array = np.atleast_2d(np.asarray(data))
    *lead, d, t = array.shape
    if t < 1:
        raise ParameterError(f"data has shape {array.shape}: expected at least one column to stack")
    reach = (n_steps - 1) * abs(delay)
    before, after = (reach, 0) if delay > 0 else (0, reach)
    padded = pad(
        array,
        pad_widths(array.ndim, -1, before, after),
        mode,
        constant_values=constant_values,
        end_values=end_values,
        stat_length=stat_length,
        reflect_type=reflect_type,
    )
    out = np.empty((*lead, n_steps * d, t), dtype=array.dtype)
    for step in range(n_steps):
        start = before - step * delay
        out[..., step * d : (step + 1) * d, :] = padded[..., start : start + t]
    return out
