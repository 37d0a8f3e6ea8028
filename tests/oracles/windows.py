"""Windows as their papers print them: w(n) = sum of (-1)^k a_k cos(2 pi k n / M)."""

from __future__ import annotations

import math

import numpy as np

COSINE_SUMS = {
    "hann": (0.5, 0.5),
    "hamming": (0.54, 0.46),
    "blackman": (0.42, 0.5, 0.08),
    "nuttall": (0.3635819, 0.4891775, 0.1365995, 0.0106411),
    "blackmanharris": (0.35875, 0.48829, 0.14128, 0.01168),
    "flattop": (0.21557895, 0.41663158, 0.277263158, 0.083578947, 0.006947368),
}


def cosine_sum(name: str, length: int, periodic: bool) -> np.ndarray:
    period = length if periodic else length - 1
    return np.array(
        [
            sum((-1) ** k * a * math.cos(2.0 * math.pi * k * n / period) for k, a in enumerate(COSINE_SUMS[name]))
            for n in range(length)
        ]
    )


def sum_of_squares(window: np.ndarray, n_frames: int, hop_length: int, n_fft: int) -> np.ndarray:
    """Return the overlap-add of the squared window, centred in frames of `n_fft`."""
    start = (n_fft - window.size) // 2
    total = np.zeros(n_fft + hop_length * (n_frames - 1))
    for i in range(n_frames):
        for n, w in enumerate(window):
            total[i * hop_length + start + n] += w * w
    return total
