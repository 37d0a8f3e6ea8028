"""What happens to a signal before it is cut into frames: its length, level, dither, filters.

Each sample of a result depends on the samples before it alone, except for the length and the level, which need the
whole signal.
"""

from __future__ import annotations

import numpy as np

from .stages import Preprocessing

__all__ = ["condition", "is_conditioned"]


def is_conditioned(p: Preprocessing) -> bool:
    """Return whether `condition` does anything."""
    dithers = p.dither > 0 and p.dither_scope == "signal"
    emphasises = p.preemphasis > 0 and p.preemphasis_scope == "signal"
    filters = p.offset_filter is not None
    return p.fixed_samples is not None or p.normalize_signal or dithers or filters or emphasises


def condition(y: np.ndarray, p: Preprocessing) -> np.ndarray:
    """Return the signals ``(n_channels, n)``, already scaled, after the steps of `Preprocessing` that need no frames.

    What `fixed_samples` adds is silence behind a normalised signal, as in Hugging Face's extractors.
    """
    if p.fixed_samples is not None:
        y = y[:, : p.fixed_samples]
    if p.normalize_signal and y.size:
        wide = y.astype(np.float64)
        mean = wide.mean(axis=1, keepdims=True)
        y = ((wide - mean) / np.sqrt(wide.var(axis=1, keepdims=True) + 1e-7)).astype(y.dtype)
    if p.fixed_samples is not None:
        fixed = np.zeros((y.shape[0], p.fixed_samples), dtype=y.dtype)
        fixed[:, : y.shape[1]] = y
        y = fixed
    if y.size == 0:
        return y
    if p.dither > 0 and p.dither_scope == "signal":
        from .kernels.prepare import add_noise

        y = y.copy()
        for channel in y:
            add_noise(channel, p.dither_seed, 0, p.dither, p.dither_kind == "gaussian")
    if p.offset_filter is not None:
        from scipy.signal import lfilter

        wide = y.astype(np.float64)
        y = lfilter([1.0, -1.0], [1.0, -p.offset_filter], wide, axis=1).astype(y.dtype)
    if p.preemphasis > 0 and p.preemphasis_scope == "signal":
        y = _emphasised(y, p.preemphasis, p.preemphasis_first)
    return y


def _emphasised(y: np.ndarray, coefficient: float, first: str) -> np.ndarray:
    """Return ``y[n] - k y[n - 1]``; before the first sample stands a zero, itself, or a rule of librosa's."""
    k = y.dtype.type(coefficient)
    out = np.empty_like(y)
    np.multiply(y[:, :-1], -k, out=out[:, 1:])
    out[:, 1:] += y[:, 1:]
    if first == "zero":
        out[:, 0] = y[:, 0]
    elif first == "scaled":
        out[:, 0] = y[:, 0] - k * y[:, 0]
    else:
        out[:, 0] = 3 * y[:, 0] - y[:, 1] if y.shape[1] > 1 else y[:, 0]
    return out
