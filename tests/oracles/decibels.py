"""Decibels of power, with NumPy's logarithm."""

from __future__ import annotations

import numpy as np


def power_to_db(
    S: np.ndarray, ref: float = 1.0, amin: float = 1e-10, top_db: float | None = 80.0, n_axes: int = 2
) -> np.ndarray:
    """Return decibels, floored per channel; a channel is the last `n_axes` dimensions."""
    S = np.asarray(S, dtype=np.float64)
    with np.errstate(divide="ignore"):
        level = 10 * np.log10(np.maximum(amin, S)) - 10 * np.log10(max(amin, abs(ref)))
    if top_db is None or level.size == 0:
        return level
    axes = tuple(range(-min(n_axes, level.ndim), 0))
    return np.maximum(level, level.max(axis=axes, keepdims=True) - top_db)


def amplitude_to_db(S: np.ndarray, ref: float = 1.0, amin: float = 1e-5, top_db: float | None = 80.0) -> np.ndarray:
    return power_to_db(np.abs(np.asarray(S, dtype=np.float64)) ** 2, ref**2, amin**2, top_db)
