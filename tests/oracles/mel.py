"""The triangular mel filterbank, band by band and bin by bin."""

from __future__ import annotations

import numpy as np

from .scales import fft_frequencies, mel_frequencies


def mel(
    sr: float, n_fft: int, n_mels: int, fmin: float, fmax: float, htk: bool, norm: str | float | None
) -> np.ndarray:
    edges = mel_frequencies(n_mels + 2, fmin, fmax, htk)
    bins = fft_frequencies(sr, n_fft)
    bank = np.zeros((n_mels, bins.size))
    for b in range(n_mels):
        left, centre, right = edges[b : b + 3]
        for k, f in enumerate(bins):
            bank[b, k] = max(0.0, min((f - left) / (centre - left), (right - f) / (right - centre)))
        if norm == "slaney":
            bank[b] *= 2.0 / (right - left)
        elif norm is not None and bank[b].any():
            bank[b] /= bank[b].max() if norm == np.inf else (bank[b] ** norm).sum() ** (1.0 / norm)
    return bank


def unbanded(starts: np.ndarray, counts: np.ndarray, weights: np.ndarray, n_bins: int) -> np.ndarray:
    """Return the dense matrix of a banded one."""
    dense = np.zeros((len(starts), n_bins), dtype=weights.dtype)
    taken = 0
    for b, (start, count) in enumerate(zip(starts, counts, strict=True)):
        dense[b, start : start + count] = weights[taken : taken + count]
        taken += count
    assert taken == len(weights)
    return dense
