"""Normalising and padding along an axis: the array operations that several stages share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from .._checks import check_choice, check_float, check_int
from ..errors import ParameterError

__all__ = ["PadMode", "PadSpec", "check_axis", "check_norm", "check_threshold", "normalize", "pad", "pad_widths"]

#: The extensions that `numpy.pad` knows by name.
PadMode = Literal[
    "constant",
    "edge",
    "linear_ramp",
    "maximum",
    "mean",
    "median",
    "minimum",
    "reflect",
    "symmetric",
    "wrap",
    "empty",
]
PadSpec: TypeAlias = PadMode | Callable[..., Any]

_STAT_MODES = ("maximum", "mean", "median", "minimum")
_REFLECT_MODES = ("reflect", "symmetric")


def check_axis(axis: Any, ndim: int) -> int:
    """Return `axis` counted from the front, or raise if an array of `ndim` dimensions has no such axis."""
    return check_int("axis", axis, low=-ndim, high=ndim - 1) % ndim if ndim else _no_axis(axis)


def _no_axis(axis: Any) -> int:
    raise ParameterError(f"axis={axis!r}: expected an array with at least one dimension, got a scalar")


def check_norm(norm: Any) -> float | None:
    """Return the order of a vector norm: None, 0, a positive number or an infinity of either sign."""
    if norm is None:
        return None
    number = isinstance(norm, int | float | np.integer | np.floating) and not isinstance(norm, bool)
    if number and (norm >= 0 or norm == -np.inf):
        return float(norm)
    raise ParameterError(f"norm={norm!r}: expected None, 0, a positive number, np.inf or -np.inf")


def _lengths(magnitude: np.ndarray, norm: float, axis: int | None) -> Any:
    """Return the `norm` of each vector of `magnitude` along `axis`, that axis kept with size 1."""
    if norm == np.inf:
        return np.max(magnitude, axis=axis, keepdims=True)
    if norm == -np.inf:
        return np.min(magnitude, axis=axis, keepdims=True)
    if norm == 0:
        return np.sum(magnitude > 0, axis=axis, keepdims=True, dtype=np.float64)
    return np.sum(magnitude**norm, axis=axis, keepdims=True) ** (1.0 / norm)


def normalize(S: np.ndarray, norm: float | None, axis: int | None, threshold: float, fill: bool | None) -> np.ndarray:
    """Return finite floating or complex `S` with every vector along `axis` scaled to unit `norm`, in the dtype of `S`.

    The vectors shorter than `threshold` stay as they are (`fill` None), become zero (False), or become a constant of
    unit norm (True). Lengths and quotients are float64 whatever the dtype of `S`: the order of roundings is librosa's.
    """
    if norm is None or S.size == 0:
        return S.copy()
    length = _lengths(np.abs(S).astype(np.float64), norm, axis)
    small = length < threshold
    length[small] = np.inf if fill is False else 1.0
    out = np.empty_like(S)
    out[...] = S / length
    if fill:
        count = S.size if axis is None else S.shape[axis]
        out[np.broadcast_to(small, S.shape)] = 1.0 if np.isinf(norm) else count ** (-1.0 / norm)
    return out


def pad(
    data: np.ndarray,
    widths: list[tuple[int, int]],
    mode: PadSpec,
    *,
    constant_values: Any = 0,
    end_values: Any = 0,
    stat_length: Any = None,
    reflect_type: Literal["even", "odd"] = "even",
) -> np.ndarray:
    """Return `numpy.pad` of `data`, its keywords spelled out; one that `mode` does not read must keep its default."""
    if callable(mode):
        return np.pad(data, widths, mode)
    check_choice("mode", mode, get_args(PadMode))
    check_choice("reflect_type", reflect_type, ("even", "odd"))
    options: tuple[tuple[str, Any, Any, tuple[str, ...]], ...] = (
        ("constant_values", constant_values, 0, ("constant",)),
        ("end_values", end_values, 0, ("linear_ramp",)),
        ("stat_length", stat_length, None, _STAT_MODES),
        ("reflect_type", reflect_type, "even", _REFLECT_MODES),
    )
    for name, value, default, readers in options:
        if mode not in readers and not (value is default or np.array_equal(value, default)):
            raise ParameterError(
                f"{name}={value!r}: has no effect with mode={mode!r}; use it with {' or '.join(readers)}"
            )
    keywords: dict[str, Any] = {}
    if mode == "constant":
        keywords["constant_values"] = constant_values
    elif mode == "linear_ramp":
        keywords["end_values"] = end_values
    elif mode in _STAT_MODES:
        keywords["stat_length"] = stat_length
    elif mode in _REFLECT_MODES:
        keywords["reflect_type"] = reflect_type
    try:
        return np.pad(data, widths, mode=mode, **keywords)
    except ValueError as error:
        raise ParameterError(
            f"mode={mode!r}: cannot pad an array of shape {data.shape} by {widths}; {error}"
        ) from error


def pad_widths(ndim: int, axis: int, before: int, after: int) -> list[tuple[int, int]]:
    """Return `numpy.pad`'s widths for `before` and `after` values along `axis` alone."""
    widths = [(0, 0)] * ndim
    widths[axis] = (before, after)
    return widths


def check_threshold(threshold: Any, S: np.ndarray) -> float:
    """Return the length below which a vector counts as zero: by default the smallest normal number of the dtype."""
    if threshold is None:
        return float(np.finfo(S.dtype).tiny)
    return check_float("threshold", threshold, low=0, strict=True)
