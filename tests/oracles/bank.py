"""Filterbanks as dense products, term by term."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .mel import mel as _mel

#: The mel filterbank, written band by band and bin by bin, kept because that is slow.
mel = lru_cache(maxsize=64)(_mel)


def apply(bank: np.ndarray, S: np.ndarray) -> np.ndarray:
    """Return ``(n_bands, t)``: for each band the weighted sum over bins of ``S (n_bins, t)``."""
    out = np.zeros((bank.shape[0], S.shape[1]))
    for band, weights in enumerate(np.asarray(bank, dtype=np.float64)):
        for k in np.flatnonzero(weights):
            out[band] += weights[k] * S[k].astype(np.float64)
    return out
