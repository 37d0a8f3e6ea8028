"""How far the roundings of a reference, or of a float32 path, can move each value of a feature."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.signal import lfilter

from melfeat.extractor import Extractor

__all__ = ["roundings"]

#: Draws of noise that stand for roundings, and how many of their standard deviations a value may be off.
DRAWS, SIGMAS = 6, 4.0


def _local_level(y: np.ndarray, length: int) -> np.ndarray:
    return np.sqrt(np.maximum(uniform_filter1d(y**2, 2 * length + 1, mode="constant"), 0.0))


def roundings(fx: Extractor, y: np.ndarray, eps: float) -> np.ndarray:
    """Return how far a peer with this machine epsilon may be off, for each value of ``fx(y)``.

    A peer rounds samples, frames after pre-emphasis, and the passes of its FFT. Seen from a frame that is white noise
    `eps` below its level: before pre-emphasis, and after it, where the noise that the signal needs to have it there is
    white noise through the inverse filter. The spread of the features of such noisy signals is the answer, and two
    roundings of the largest value, for the sums that follow.
    """
    rng = np.random.default_rng(1966)
    framing, k = fx.config.framing, fx.config.preprocessing.preemphasis
    passes = np.sqrt(np.log2(2 + (framing.n_fft or 2)))
    emphasised = lfilter([1.0, -k], [1.0], y)
    before = eps * _local_level(y, framing.win_length or 1)
    after = eps * passes * _local_level(emphasised, framing.win_length or 1)
    clean, total = fx(y), 0.0
    for _ in range(DRAWS):
        noise = before * rng.standard_normal(len(y))
        noise += lfilter([1.0], [1.0, -k], after * rng.standard_normal(len(y)))
        total = total + (fx(y + noise) - clean) ** 2
    sums = 2 * eps * np.abs(clean).max(initial=0.0)
    return np.asarray(SIGMAS * np.sqrt(total / DRAWS)) + sums + _normalised(fx, y, eps)


def _normalised(fx: Extractor, y: np.ndarray, eps: float) -> np.ndarray | float:
    """Return what rounded means of levels come to after a division by their spread, ``(n_features, 1)``."""
    if fx.config.post.cmn is None or "var" not in fx.config.post.cmn:
        return 0.0
    idle = {"cmn": None, "delta_order": 0, "stack": 1, "pad_to": 1, "fixed_frames": None, "shift": 0.0, "scale": 1.0}
    levels = Extractor(fx.config, **idle)(y)
    rows = SIGMAS * eps * np.abs(levels).max() / np.maximum(levels.std(axis=1), eps)
    return np.tile(rows, fx.n_features // len(rows))[:, np.newaxis]
