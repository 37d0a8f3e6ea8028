"""The discrete Fourier transform of real frames, by its sum, in long double where the platform has it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

_PI = np.arccos(np.longdouble(-1))


@lru_cache(maxsize=8)
def _turns(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return cosine and sine of ``2 pi r / n`` for r = 0 … n - 1."""
    angle = 2 * _PI * np.arange(n) / n
    return np.cos(angle), np.sin(angle)


def dft(x: np.ndarray) -> np.ndarray:
    """Return bins 0 … n // 2 of ``(..., n)`` as complex128; every angle is reduced to one turn exactly."""
    n = x.shape[-1]
    index = np.outer(np.arange(n // 2 + 1), np.arange(n)) % n
    cosine, sine = _turns(n)
    x = np.asarray(x, dtype=np.longdouble)
    return (x @ cosine[index].T - 1j * (x @ sine[index].T)).astype(np.complex128)
