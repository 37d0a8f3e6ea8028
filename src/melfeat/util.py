"""Helpers for arrays: framing, padding, normalising, checking."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import numpy as np

from ._arrays import check_finite
from ._checks import check_bool, check_choice, check_int
from .dsp.arrays import PadSpec, check_axis, check_norm, check_threshold, normalize as _normalize, pad, pad_widths
from .errors import ParameterError

__all__ = [
    "buf_to_float",
    "dtype_c2r",
    "dtype_r2c",
    "expand_to",
    "fix_length",
    "frame",
    "is_positive_int",
    "normalize",
    "pad_center",
    "tiny",
    "valid_audio",
]


def frame(
    x: np.ndarray, frame_length: int, hop_length: int, axis: int = -1, writeable: bool = False, subok: bool = False
) -> np.ndarray:
    """Cut an array into overlapping frames, without copying it.

    Parameters
    ----------
    x : np.ndarray, shape (..., n, ...)
        The array.
    frame_length : int, >= 1
        Length of a frame [samples].
    hop_length : int, >= 1
        Distance of neighbouring frames [samples].
    axis : int
        The axis to cut. A negative one gives the new axis of frames behind the samples, another before them.
    writeable : bool
        Whether the view may be written to. Overlapping frames share memory: writing to one changes its neighbours.
    subok : bool
        Whether a subclass of `np.ndarray` stays one.

    Returns
    -------
    np.ndarray, shape (..., frame_length, n_frames, ...), or (..., n_frames, frame_length, ...) if axis >= 0
        A view of `x`, with ``n_frames = 1 + (n - frame_length) // hop_length``.

    Raises
    ------
    ParameterError
        If `x` is shorter than one frame or a scalar, or `frame_length` or `hop_length` is not a positive integer.

    Examples
    --------
    >>> import numpy as np
    >>> import melfeat
    >>> melfeat.util.frame(np.arange(7), frame_length=3, hop_length=2)
    array([[0, 2, 4],
           [1, 3, 5],
           [2, 4, 6]])
    """
    array = np.asanyarray(x) if subok else np.asarray(x)
    frame_length = check_int("frame_length", frame_length, low=1, unit="samples")
    hop_length = check_int("hop_length", hop_length, low=1, unit="samples")
    where = check_axis(axis, array.ndim)
    n = array.shape[where]
    if n < frame_length:
        raise ParameterError(
            f"frame_length={frame_length}: expected at most the {n} samples along axis {axis} of x; "
            "pad x first, e.g. with melfeat.util.fix_length"
        )
    sizes = (frame_length, 1 + (n - frame_length) // hop_length)
    stride = array.strides[where]
    strides = (stride, stride * hop_length)
    if axis >= 0:
        sizes, strides = sizes[::-1], strides[::-1]
    return np.lib.stride_tricks.as_strided(
        array,
        shape=(*array.shape[:where], *sizes, *array.shape[where + 1 :]),
        strides=(*array.strides[:where], *strides, *array.strides[where + 1 :]),
        subok=subok,
        writeable=writeable,
    )


def fix_length(
    data: np.ndarray,
    size: int,
    axis: int = -1,
    *,
    mode: PadSpec = "constant",
    constant_values: Any = 0,
    end_values: Any = 0,
    stat_length: Any = None,
    reflect_type: Literal["even", "odd"] = "even",
) -> np.ndarray:
    """Cut or pad an array at its end to a given length.

    Parameters
    ----------
    data : np.ndarray, shape (..., n, ...)
        The array.
    size : int, >= 0
        The length wanted along `axis`.
    axis : int
        The axis to cut or pad.
    mode, constant_values, end_values, stat_length, reflect_type
        How the padding is made, as in `numpy.pad`; by default zeros.

    Returns
    -------
    np.ndarray, shape (..., size, ...)
        `data` itself if it has that length, a view if it is longer, a padded copy if it is shorter.

    Raises
    ------
    ParameterError
        If `size` is negative, `data` has no such axis, or `mode` is unknown or cannot pad this `data`.

    Examples
    --------
    >>> import numpy as np
    >>> import melfeat
    >>> melfeat.util.fix_length(np.array([1, 2, 3]), size=5).tolist()
    [1, 2, 3, 0, 0]
    """
    data = np.asanyarray(data)
    size = check_int("size", size, low=0)
    axis = check_axis(axis, data.ndim)
    n = data.shape[axis]
    if n == size:
        return data
    if n > size:
        return data[(slice(None),) * axis + (slice(0, size),)]
    return pad(
        data,
        pad_widths(data.ndim, axis, 0, size - n),
        mode,
        constant_values=constant_values,
        end_values=end_values,
        stat_length=stat_length,
        reflect_type=reflect_type,
    )


def pad_center(
    data: np.ndarray,
    size: int,
    axis: int = -1,
    *,
    mode: PadSpec = "constant",
    constant_values: Any = 0,
    end_values: Any = 0,
    stat_length: Any = None,
    reflect_type: Literal["even", "odd"] = "even",
) -> np.ndarray:
    """Pad an array on both sides to a given length; an odd value goes to the end.

    Parameters
    ----------
    data : np.ndarray, shape (..., n, ...)
        The array.
    size : int, >= n
        The length wanted along `axis`.
    axis : int
        The axis to pad.
    mode, constant_values, end_values, stat_length, reflect_type
        How the padding is made, as in `numpy.pad`; by default zeros.

    Returns
    -------
    np.ndarray, shape (..., size, ...)
        A padded copy.

    Raises
    ------
    ParameterError
        If `size` is below n, `data` has no such axis, or `mode` is unknown or cannot pad this `data`.

    Examples
    --------
    >>> import numpy as np
    >>> import melfeat
    >>> melfeat.util.pad_center(np.array([1, 2, 3]), size=6).tolist()
    [0, 1, 2, 3, 0, 0]
    """
    data = np.asanyarray(data)
    axis = check_axis(axis, data.ndim)
    n = data.shape[axis]
    size = check_int(
        "size", size, low=n, remedy=f"data has {n} values along axis {axis}; melfeat.util.fix_length can cut"
    )
    before = (size - n) // 2
    return pad(
        data,
        pad_widths(data.ndim, axis, before, size - n - before),
        mode,
        constant_values=constant_values,
        end_values=end_values,
        stat_length=stat_length,
        reflect_type=reflect_type,
    )


def normalize(
    S: np.ndarray,
    norm: float | None = np.inf,
    axis: int | None = 0,
    threshold: float | None = None,
    fill: bool | None = None,
) -> np.ndarray:
    """Scale the vectors of an array to unit norm.

    Parameters
    ----------
    S : np.ndarray, shape (..., n, ...)
        Finite real or complex values.
    norm : number or None
        Order of the norm: np.inf for the largest magnitude, -np.inf for the smallest, 0 for the number of nonzero
        values, p > 0 for ``sum(|S|**p) ** (1/p)``; None changes nothing.
    axis : int or None
        The axis that the vectors lie along; None takes the whole array as one vector.
    threshold : float, > 0, optional
        Vectors whose norm is below this count as zero; by default the smallest normal number of the dtype.
    fill : bool or None
        What becomes of those: None leaves them as they are, False sets them to zero, True to a constant of unit norm.

    Returns
    -------
    np.ndarray, same shape
        The scaled array, a copy: in the dtype of `S` if that is floating or complex, otherwise float64.

    Raises
    ------
    ParameterError
        If `S` is not finite, `norm`, `axis`, `threshold` or `fill` is not as above, or `fill` is True with ``norm=0``.

    Examples
    --------
    >>> import numpy as np
    >>> import melfeat
    >>> melfeat.util.normalize(np.array([3.0, -4.0]), norm=2).tolist()
    [0.6, -0.8]
    """
    array = np.asarray(S)
    if array.dtype.kind not in "fciub":
        raise ParameterError(f"S has dtype {array.dtype}: expected real or complex numbers")
    if array.dtype.kind not in "fc":
        array = array.astype(np.float64)
    limit = check_threshold(threshold, array)
    if fill is not None:
        fill = check_bool("fill", fill)
    check_finite(array, name="S")
    order = check_norm(norm)
    if axis is not None:
        axis = check_axis(axis, array.ndim)
    if order == 0 and fill:
        raise ParameterError("fill=True: no constant has the unit norm when norm=0; use fill=False or another norm")
    return _normalize(array, order, axis, limit, fill)


def valid_audio(y: np.ndarray) -> bool:
    """Check that an array can be taken as a signal.

    Parameters
    ----------
    y : np.ndarray, shape (..., n)
        The candidate.

    Returns
    -------
    bool
        Always True.

    Raises
    ------
    ParameterError
        If `y` is not a `np.ndarray`, not floating point, a scalar, or contains NaN or infinity.

    Examples
    --------
    >>> import numpy as np
    >>> import melfeat
    >>> melfeat.util.valid_audio(np.zeros(1024))
    True
    """
    if not isinstance(y, np.ndarray):
        raise ParameterError(f"y has type {type(y).__name__}: expected a numpy.ndarray; use np.asarray(y)")
    if y.dtype.kind != "f":
        raise ParameterError(
            f"y has dtype {y.dtype}: expected floating point; divide integer PCM by its full scale, e.g. y / 32768.0"
        )
    if y.ndim == 0:
        raise ParameterError(f"y has shape {y.shape}: expected at least one dimension, the samples")
    check_finite(y)
    return True


def tiny(x: np.ndarray | float) -> Any:
    """Return the smallest normal number of an array's dtype.

    Parameters
    ----------
    x : array_like
        The array; one that is neither floating nor complex counts as float32.

    Returns
    -------
    floating-point scalar
        ``np.finfo(dtype).tiny``.

    Examples
    --------
    >>> import numpy as np
    >>> import melfeat
    >>> float(melfeat.util.tiny(np.zeros(3, dtype=np.float64)))
    2.2250738585072014e-308
    """
    dtype = np.asarray(x).dtype
    return np.finfo(dtype if dtype.kind in "fc" else np.float32).tiny


def dtype_r2c(d: Any, *, default: Any = np.complex64) -> np.dtype[Any]:
    """Return the complex dtype of the precision of a real one.

    Parameters
    ----------
    d : dtype
        float32 or float64; a complex dtype is returned as it is.
    default : dtype
        The answer for every other dtype.

    Returns
    -------
    np.dtype
        complex64 or complex128.

    Examples
    --------
    >>> import numpy as np
    >>> import melfeat
    >>> melfeat.util.dtype_r2c(np.float64)
    dtype('complex128')
    """
    dtype = np.dtype(d)
    if dtype.kind == "c":
        return dtype
    return np.dtype({"f4": np.complex64, "f8": np.complex128}.get(dtype.str[1:], default))


def dtype_c2r(d: Any, *, default: Any = np.float32) -> np.dtype[Any]:
    """Return the real dtype of the precision of a complex one.

    Parameters
    ----------
    d : dtype
        complex64 or complex128; a floating-point dtype is returned as it is.
    default : dtype
        The answer for every other dtype.

    Returns
    -------
    np.dtype
        float32 or float64.

    Examples
    --------
    >>> import numpy as np
    >>> import melfeat
    >>> melfeat.util.dtype_c2r(np.complex128)
    dtype('float64')
    """
    dtype = np.dtype(d)
    if dtype.kind == "f":
        return dtype
    return np.dtype({"c8": np.float32, "c16": np.float64}.get(dtype.str[1:], default))


def buf_to_float(x: Any, *, n_bytes: Literal[1, 2, 4, 8] = 2, dtype: Any = np.float32) -> np.ndarray:
    """Convert a buffer of little-endian signed integers to floating point in [-1, 1).

    Parameters
    ----------
    x : np.ndarray or bytes-like
        The buffer, contiguous.
    n_bytes : {1, 2, 4, 8}
        Size of one integer [bytes].
    dtype : floating-point dtype
        The dtype of the result.

    Returns
    -------
    np.ndarray, shape (n,)
        The integers divided by ``2 ** (8 * n_bytes - 1)``.

    Raises
    ------
    ParameterError
        If `n_bytes` is another number or the buffer is not a whole number of integers.

    Examples
    --------
    >>> import numpy as np
    >>> import melfeat
    >>> melfeat.util.buf_to_float(np.array([16384, -32768], dtype=np.int16)).tolist()
    [0.5, -1.0]
    """
    n_bytes = check_choice("n_bytes", n_bytes, (1, 2, 4, 8))
    try:
        integers = np.frombuffer(x, dtype=f"<i{n_bytes}")
    except (ValueError, TypeError, BufferError) as error:
        raise ParameterError(f"x: expected a contiguous buffer of integers of {n_bytes} byte(s) ({error})") from error
    return integers.astype(dtype) * (1.0 / (1 << (8 * n_bytes - 1)))


def is_positive_int(x: Any) -> bool:
    """Return whether a value is an integer above zero.

    Parameters
    ----------
    x : object
        The value.

    Returns
    -------
    bool
        True for positive integers of Python and NumPy, False for everything else, 3.0 included.

    Examples
    --------
    >>> import melfeat
    >>> melfeat.util.is_positive_int(3), melfeat.util.is_positive_int(3.0)
    (True, False)
    """
    return isinstance(x, int | np.integer) and bool(x > 0)


def expand_to(x: np.ndarray, *, ndim: int, axes: int | Iterable[int]) -> np.ndarray:
    """Give an array more dimensions of size 1, for broadcasting.

    Parameters
    ----------
    x : np.ndarray
        The array.
    ndim : int, >= x.ndim
        The number of dimensions wanted.
    axes : int or iterable of int
        Where each axis of `x` goes.

    Returns
    -------
    np.ndarray, `ndim` dimensions
        A view of `x`.

    Raises
    ------
    ParameterError
        If `axes` does not name one distinct place for every axis of `x`, or `ndim` is below ``x.ndim``.

    Examples
    --------
    >>> import numpy as np
    >>> import melfeat
    >>> melfeat.util.expand_to(np.zeros(5), ndim=3, axes=1).shape
    (1, 5, 1)
    """
    places = tuple(axes) if isinstance(axes, Iterable) else (axes,)
    if len(places) != x.ndim:
        raise ParameterError(f"axes={axes!r}: expected {x.ndim} place(s), one for each axis of x with shape {x.shape}")
    ndim = check_int("ndim", ndim, low=x.ndim)
    chosen = [check_axis(place, ndim) for place in places]
    if len(set(chosen)) != len(chosen):
        raise ParameterError(f"axes={axes!r}: expected distinct places")
    shape = [1] * ndim
    for place, size in zip(chosen, x.shape, strict=True):
        shape[place] = size
    return x.reshape(shape)
