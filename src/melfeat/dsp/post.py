"""What is done to the features of all frames: normalising them, adding deltas, cutting, padding and stacking.

Arrays are ``(..., n_features, n_frames)``, float32 or float64; statistics are float64. A normalisation whose scale is
zero (a constant row, no epsilon) leaves zeros, not NaN.

References
----------
O. Viikki, K. Laurila, "Cepstral domain segmental feature vector normalization", Speech Communication 25, 1998. Windows
and floors of the sliding form: D. Povey et al., Kaldi, 2011 (``SlidingWindowCmn``). Energy: S. Young et al., The HTK
Book, version 3.4, 2006, section 5.8.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .delta import regression_deltas
from .sums import Take, in_order, total

__all__ = [
    "CMN_KINDS",
    "Statistics",
    "append_frames",
    "fix_frames",
    "frame_statistics",
    "inverse_scale",
    "normalize_energy",
    "normalize_frames",
    "pad_frames",
    "postprocess",
    "slide_frames",
    "sliding_block",
    "sliding_bounds",
    "stack_frames",
]

#: Normalisations of features: by each row's mean over the frames, or mean and deviation; by one mean and deviation for
#: all rows; by those of a window of frames.
CMN_KINDS = ("mean", "mean_var", "all_mean_var", "sliding_mean", "sliding_mean_var")


def inverse_scale(variance: np.ndarray | np.float64, eps: float, eps_kind: str) -> np.ndarray:
    """Return ``1 / (sqrt(v) + eps)`` ('std_add'), ``1 / sqrt(v + eps)`` or ``1 / sqrt(max(v, eps))``; 1 for 1 / 0."""
    if eps_kind == "std_add":
        scale = np.sqrt(variance) + eps
    else:
        scale = np.sqrt(variance + eps if eps_kind == "var_add" else np.maximum(variance, eps))
    return 1.0 / np.where(scale > 0.0, scale, 1.0)


class Statistics(NamedTuple):
    """What normalises a row: its first value, the mean of what that leaves, and the factor of what that leaves."""

    origin: np.float64
    mean: np.float64
    scale: Any

    def normalized(self, x: np.ndarray) -> np.ndarray:
        """Return values of the row normalised, in float64."""
        values = x.astype(np.float64) - self.origin
        values -= self.mean
        if self.scale is not None:
            values *= self.scale
        return values


def frame_statistics(
    begin: Callable[[], Take], n: int, kind: str, *, ddof: int = 0, eps: float = 0.0, eps_kind: str = "var_clamp"
) -> Statistics:
    """Return the statistics of a row of `n` > 0 values that `begin` gives, a piece at a time, from its beginning."""
    # The first frame is taken out before any sum: a row that never changes becomes exactly zero.
    origin = np.float64(begin()(1)[0])
    take = begin()
    mean = total(lambda count: take(count).astype(np.float64) - origin, n) / n
    centred, again = Statistics(origin, mean, None), begin()
    if not kind.endswith("var"):
        return centred

    def squares(count: int) -> np.ndarray:
        values = centred.normalized(again(count))
        return values * values  # not a BLAS dot, which depends on threads

    variance = total(squares, n) / max(n - ddof, 1)
    return Statistics(origin, mean, inverse_scale(variance, eps, eps_kind))


def normalize_frames(
    x: np.ndarray,
    kind: str = "mean_var",
    *,
    ddof: int = 0,
    eps: float = 0.0,
    eps_kind: str = "var_clamp",
    window: int = 600,
    min_window: int = 100,
    center: bool = False,
) -> np.ndarray:
    """Return `x` normalised over its frames by one of `CMN_KINDS`, in its dtype; `ddof` is taken from the frame counts.

    A row is never influenced by other rows of the array, except by those of its own channel with 'all_mean_var'.
    """
    if kind.startswith("sliding"):
        options = {"ddof": ddof, "eps": eps, "eps_kind": eps_kind, "window": window, "min_window": min_window}
        return slide_frames(x, kind, **options, center=center)  # type: ignore[arg-type]
    out = np.empty(x.shape, dtype=x.dtype)
    if x.size == 0:
        return out
    n_features, n = x.shape[-2:]
    length = n_features * n if kind == "all_mean_var" else n
    rows, target = x.reshape(-1, length), out.reshape(-1, length)
    with np.errstate(invalid="ignore"):  # infinite levels of a logarithm without a floor become NaN, here as anywhere
        for row, result in zip(rows, target, strict=True):
            found = frame_statistics(partial(in_order, row), length, kind, ddof=ddof, eps=eps, eps_kind=eps_kind)
            result[:] = found.normalized(row)
    return out


def sliding_block(window: int, min_window: int) -> int:
    """Return the frames of the blocks that the sums of windows are made of."""
    return max(window + 1, min_window)


def slide_frames(
    x: np.ndarray,
    kind: str,
    *,
    ddof: int = 0,
    eps: float = 0.0,
    eps_kind: str = "var_clamp",
    window: int = 600,
    min_window: int = 100,
    center: bool = False,
) -> np.ndarray:
    """Return `x` normalised over the window of frames around or before each frame."""
    out = np.empty(x.shape, dtype=x.dtype)
    if out.size == 0:
        return out
    starts, stops = sliding_bounds(x.shape[-1], window, min_window, center)
    rows, target = x.reshape(-1, x.shape[-1]), out.reshape(-1, out.shape[-1])
    block = sliding_block(window, min_window)
    count = (stops - starts).astype(np.float64)
    with np.errstate(invalid="ignore"):
        for row, result in zip(rows, target, strict=True):
            values = row.astype(np.float64) - np.float64(row[0])
            mean = _window_sums(values, starts, stops, block) / count
            normal = values - mean
            if kind == "sliding_mean_var":
                squares = _window_sums(values * values, starts, stops, block)
                variance = np.maximum(squares - count * mean * mean, 0.0) / np.maximum(count - ddof, 1.0)
                normal *= inverse_scale(variance, eps, eps_kind)
            result[:] = normal
    return out


def sliding_bounds(n: int, window: int, min_window: int, center: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return first frame and end of the windows of `n` frames, as Kaldi's sliding normalisation has them.

    Centred: `window` frames around t. Else the frame and up to `window` before it, and at the beginning at least the
    first `min_window`. What would lie outside of the frames is taken from the other side, as far as there are any.
    """
    t = np.arange(n, dtype=np.int64)
    if center:
        start = np.maximum(t - window // 2, 0)
        stop = start + window
    else:
        start = np.maximum(t - window, 0)
        stop = np.maximum(t + 1, min_window)
    start = np.maximum(start - np.maximum(stop - n, 0), 0)
    return start, np.minimum(stop, n)


def _window_sums(values: np.ndarray, starts: np.ndarray, stops: np.ndarray, block: int) -> np.ndarray:
    """Return ``values[a:b].sum()`` for windows of 1 ... `block` values, from running sums within blocks of that length.

    A window meets at most two blocks: the end of one and the beginning of the next. Unlike a running sum over
    everything, no rounding depends on what lies before the window's blocks, and errors do not grow with the length.
    """
    block = min(block, values.size)
    n_blocks = -(-values.size // block)
    padded = np.zeros(n_blocks * block)
    padded[: values.size] = values
    table = padded.reshape(n_blocks, block)
    head = np.cumsum(table, axis=1).reshape(-1)
    tail = np.cumsum(table[:, ::-1], axis=1)[:, ::-1].reshape(-1)
    last = stops - 1
    same = starts // block == last // block
    before = np.where(starts % block > 0, head[starts - 1], 0.0)
    return np.where(same, head[last] - before, tail[starts] + head[last])


def normalize_energy(
    energy: np.ndarray, scale: float, silence_floor: float, peak: np.ndarray | None = None
) -> np.ndarray:
    """Return log energies ``(..., n_frames)`` with their peak at 1, as HTK's ENORMALISE.

    What lies more than `silence_floor` [dB] below the peak is raised to that; distances from it shrink by `scale`. The
    `peak` ``(..., 1)`` is that of all frames, if these are only some.
    """
    if energy.shape[-1] == 0:
        return energy.copy()
    level = energy.astype(np.float64)
    if peak is None:
        peak = level.max(axis=-1, keepdims=True)
    level = np.maximum(level, peak - silence_floor * np.log(10.0) / 10.0)
    return (1.0 - (peak - level) * scale).astype(energy.dtype)


def append_frames(x: np.ndarray, count: int, value: float) -> np.ndarray:
    """Return `x` with `count` frames of `value` behind it; `x` itself if there are none to add."""
    if count <= 0:
        return x
    out = np.empty((*x.shape[:-1], x.shape[-1] + count), dtype=x.dtype)
    out[..., : x.shape[-1]] = x
    out[..., x.shape[-1] :] = value
    return out


def fix_frames(x: np.ndarray, n_frames: int, value: float) -> np.ndarray:
    """Return the first `n_frames` of `x`, completed by frames of `value`."""
    if x.shape[-1] >= n_frames:
        return np.ascontiguousarray(x[..., :n_frames])
    return append_frames(x, n_frames - x.shape[-1], value)


def pad_frames(x: np.ndarray, multiple: int, value: float) -> np.ndarray:
    """Return `x`, completed by frames of `value` to a multiple of `multiple` frames."""
    return append_frames(x, -x.shape[-1] % multiple, value)


def stack_frames(x: np.ndarray, count: int) -> np.ndarray:
    """Return groups of `count` frames as one, ``(..., count * n_features, n_frames // count)``, earlier ones first.

    Frames that do not fill a group are left out.
    """
    if count == 1:
        return x
    *lead, n_features, n = x.shape
    groups = x[..., : n - n % count].reshape(*lead, n_features, n // count, count)
    return np.ascontiguousarray(np.moveaxis(groups, -1, -3)).reshape(*lead, count * n_features, n // count)


def postprocess(
    x: np.ndarray,
    *,
    energy_row: int | None = None,
    n_dropped: int = 0,
    cmn: str | None = None,
    cmn_columns: str = "static",
    cmn_ddof: int = 0,
    cmn_eps: float = 0.0,
    cmn_eps_kind: str = "var_clamp",
    cmn_window: int = 600,
    cmn_min_window: int = 100,
    cmn_center: bool = False,
    delta_order: int = 0,
    delta_window: int = 2,
    delta_window_2: int | None = None,
    delta_edges: str = "replicate",
    pad_dropped: bool = False,
    fixed_frames: int | None = None,
    pad_to: int = 1,
    pad_value: float = 0.0,
    stack: int = 1,
    shift: float = 0.0,
    scale: float = 1.0,
    normalize: Callable[..., np.ndarray] = normalize_frames,
    deltas_of: Callable[..., Sequence[np.ndarray]] = regression_deltas,
) -> np.ndarray:
    """Return what `stages.Post`, whose fields the keywords are, makes of the features of all frames.

    `energy_row` is the row that ``cmn_columns='no_energy'`` leaves alone, `n_dropped` the frames that framing left out.
    `normalize` and `deltas_of` are ways to compute the same. `x` is never written to; the result may be `x` itself if
    there is nothing to do.
    """

    def normalized(features: np.ndarray) -> np.ndarray:
        keywords: dict[str, Any] = {"ddof": cmn_ddof, "eps": cmn_eps, "eps_kind": cmn_eps_kind}
        keywords |= {"window": cmn_window, "min_window": cmn_min_window, "center": cmn_center}
        if cmn_columns != "no_energy" or energy_row is None:
            return normalize(features, str(cmn), **keywords)
        others = np.delete(np.arange(features.shape[-2]), energy_row)
        out = features.copy()
        out[..., others, :] = normalize(features[..., others, :], str(cmn), **keywords)
        return out

    if cmn is not None and cmn_columns != "all":
        x = normalized(x)
    if delta_order:
        deltas = deltas_of(x, delta_order, window=delta_window, window_2=delta_window_2, edges=delta_edges)
        x = np.concatenate([x, *deltas], axis=-2)
    if cmn is not None and cmn_columns == "all":
        x = normalized(x)
    if pad_dropped:
        x = append_frames(x, n_dropped, pad_value)
    if fixed_frames is not None:
        x = fix_frames(x, fixed_frames, pad_value)
    if shift != 0.0 or scale != 1.0:
        x = (x + x.dtype.type(shift)) * x.dtype.type(scale)
    return stack_frames(pad_frames(x, pad_to, pad_value), stack)
