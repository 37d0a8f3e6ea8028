"""Frames of a signal, by padding all of it and cutting."""

from __future__ import annotations

import numpy as np


def n_frames(n: int, n_fft: int, hop: int, center: bool) -> int:
    """Count the starts 0, hop, 2 hop, … whose frame ends inside the padded signal."""
    length = n + (2 * (n_fft // 2) if center else 0)
    count = 0
    while count * hop + n_fft <= length:
        count += 1
    return count


def frames(y: np.ndarray, n_fft: int, hop: int, center: bool, pad_mode: str = "constant") -> np.ndarray:
    """Return the frames ``(n_frames, n_fft)`` of one channel."""
    if center:
        y = np.pad(y, n_fft // 2, mode=pad_mode)
    count = 1 + (len(y) - n_fft) // hop if len(y) >= n_fft else 0
    return np.stack([y[t * hop : t * hop + n_fft] for t in range(count)]) if count else np.zeros((0, n_fft))


def padded_window(window: np.ndarray, n_fft: int) -> np.ndarray:
    """Return the window in the middle of `n_fft` samples, the odd zero behind it."""
    result = np.zeros(n_fft)
    start = (n_fft - len(window)) // 2
    result[start : start + len(window)] = window
    return result
