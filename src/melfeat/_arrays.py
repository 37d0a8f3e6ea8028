"""The last place where dtypes and memory layouts differ: arrays become C-contiguous float32 or float64."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from .errors import ParameterError

__all__ = ["as_channels", "as_float_array", "check_finite", "named_clips"]


_SINGLE, _DOUBLE = np.dtype(np.float32), np.dtype(np.float64)


def _refuse_dtype(name: str, dtype: np.dtype[Any]) -> ParameterError:
    if np.issubdtype(dtype, np.integer) and name != "S":
        hint = f"divide integer PCM by its full scale first, e.g. {name} / 32768.0 for int16 (melfeat.load does so)"
    elif np.issubdtype(dtype, np.complexfloating):
        hint = "take the real part or the magnitude first"
    else:
        hint = "convert it with np.asarray(..., dtype=np.float32)"
    return ParameterError(f"{name} has dtype {dtype}: expected floating point; {hint}")


def as_float_array(array: Any, *, name: str = "y", min_ndim: int = 1) -> np.ndarray:
    """Return `array` as C-contiguous float32 or float64, copying only if it must.

    float16 becomes float32, long double becomes float64; anything else that is not float32 or float64 is refused.
    """
    if not isinstance(array, np.ndarray):
        raise ParameterError(
            f"{name} has type {type(array).__name__}: expected a numpy.ndarray; use np.asarray({name})"
        )
    if array.dtype.kind != "f":
        raise _refuse_dtype(name, array.dtype)
    if array.ndim < min_ndim:
        raise ParameterError(f"{name} has shape {array.shape}: expected at least {min_ndim} dimension(s)")
    if array.dtype in (_SINGLE, _DOUBLE) and array.flags.carray:
        return array
    target = np.float32 if array.dtype.itemsize <= 4 else np.float64
    return np.require(array, dtype=target, requirements=("C", "A", "W"))


def as_channels(y: Any, *, name: str = "y") -> tuple[np.ndarray, tuple[int, ...]]:
    """Return the signal as ``(n_channels, n)`` C-contiguous floats, and its leading shape ``(...)``."""
    array = as_float_array(y, name=name)
    lead = array.shape[:-1]
    return array.reshape(math.prod(lead), array.shape[-1]), lead


def named_clips(clips: Iterable[np.ndarray]) -> Iterator[tuple[str, np.ndarray]]:
    """Yield each clip ``(n,)`` with the name that errors call it by, ``clips[0]`` …"""
    if isinstance(clips, np.ndarray) and clips.ndim < 2:
        raise ParameterError(f"clips has shape {clips.shape}: expected a list of signals, or an array (n_clips, n)")
    for i, clip in enumerate(clips):
        if np.ndim(clip) != 1:
            raise ParameterError(f"clips[{i}] has shape {np.shape(clip)}: expected one dimension of samples")
        yield f"clips[{i}]", clip


def check_finite(y: np.ndarray, *, name: str = "y") -> None:
    """Raise `ParameterError` naming the first NaN or infinite sample of `y`."""
    finite = np.isfinite(y)
    if finite.all():
        return
    where = tuple(int(i) for i in np.argwhere(~finite)[0])
    count = int(y.size - np.count_nonzero(finite))
    raise ParameterError(
        f"{name} is not finite everywhere: {count} NaN or infinite sample(s), the first at index {where}; "
        f"replace them first, e.g. with np.nan_to_num({name})"
    )
