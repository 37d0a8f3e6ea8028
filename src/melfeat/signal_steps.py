"""What happens to a signal before it is cut into frames: its length, level, dither, filters.

Each sample of a result depends on the samples before it alone, except for the length and the level, which need the
whole signal.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from .dsp.sums import Take, in_order, total
from .stages import Preprocessing

__all__ = ["condition", "is_conditioned", "leveled", "signal_level"]


def is_conditioned(p: Preprocessing) -> bool:
    """Return whether `condition` does anything."""
    dithers = p.dither > 0 and p.dither_scope == "signal"
    emphasises = p.preemphasis > 0 and p.preemphasis_scope == "signal"
    filters = p.offset_filter is not None
    return p.fixed_samples is not None or p.normalize_signal or dithers or filters or emphasises


def signal_level(begin: Callable[[], Take], n: int) -> tuple[np.float64, np.float64]:
    """Return mean and deviation of a signal of `n` > 0 samples that `begin` gives, piece by piece, from its start."""
    take, again = begin(), begin()
    mean = total(lambda count: take(count).astype(np.float64), n) / n

    def squares(count: int) -> np.ndarray:
        values = again(count).astype(np.float64) - mean
        return values * values

    return mean, np.sqrt(total(squares, n) / n + 1e-7)


def leveled(y: np.ndarray, mean: np.float64, deviation: np.float64) -> np.ndarray:
    """Return samples less their mean, divided by the deviation, in their dtype."""
    return ((y.astype(np.float64) - mean) / deviation).astype(y.dtype)


def condition(y: np.ndarray, p: Preprocessing, scale: float = 1.0) -> np.ndarray:
    """Return the signals ``(n_channels, n)``, times `scale`, after the steps of `Preprocessing` that need no frames.

    What `fixed_samples` adds is silence behind a normalised signal, as in Hugging Face's extractors.
    """
    if p.fixed_samples is not None:
        y = y[:, : p.fixed_samples]
    if p.normalize_signal and y.size:
        y = np.stack([leveled(row, *signal_level(partial(in_order, row), row.size)) for row in _scaled(y, scale)])
        scale = 1.0
    if p.fixed_samples is not None:
        fixed = np.zeros((y.shape[0], p.fixed_samples), dtype=y.dtype)
        fixed[:, : y.shape[1]] = y
        y = fixed
    if y.size == 0:
        return y
    if p.dither > 0 and p.dither_scope == "signal":
        from .kernels.prepare import add_noise

        y, scale = y * y.dtype.type(scale), 1.0
        for channel in y:
            add_noise(channel, p.dither_seed, 0, p.dither, p.dither_kind == "gaussian")
    if p.offset_filter is not None:
        from .kernels.rows import OFFSET_STATE, remove_offset

        source, y, scale = np.require(_scaled(y, scale), requirements="W"), np.empty(y.shape, dtype=y.dtype), 1.0
        for channel, out in zip(source, y, strict=True):
            remove_offset(channel, p.offset_filter, np.zeros(OFFSET_STATE), out)
    if p.preemphasis > 0 and p.preemphasis_scope == "signal":
        return _emphasised(y, p.preemphasis, p.preemphasis_first, scale)
    return _scaled(y, scale)


def _scaled(y: np.ndarray, scale: float) -> np.ndarray:
    return y if scale == 1.0 else y * y.dtype.type(scale)


def _emphasised(y: np.ndarray, coefficient: float, first: str, scale: float) -> np.ndarray:
    """Return ``y[n] - k y[n - 1]``, y scaled; before the first sample stands a zero, itself, or a rule of librosa's."""
    from .kernels.rows import emphasize

    kind = y.dtype.type
    source, out = np.require(y, requirements="W"), np.empty(y.shape, dtype=y.dtype)
    for channel, target in zip(source, out, strict=True):
        emphasize(channel, kind(scale), -kind(coefficient), first == "scaled", target)
    if first == "extrapolate" and y.shape[1] > 1:
        start = y[:, :2] * kind(scale)
        out[:, 0] = 3 * start[:, 0] - start[:, 1]
    return out
