"""Savitzky-Golay differentiators: the coefficients, and the samples beyond the ends of an axis."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np

__all__ = ["DeltaMode", "extend", "savgol_weights"]

#: What lies beyond the ends: a polynomial fitted to the first and last `width` values, or an extension of the data.
DeltaMode = Literal["interp", "nearest", "mirror", "constant", "wrap"]


@lru_cache(maxsize=64)
def savgol_weights(width: int, polyorder: int, deriv: int, spacing: float) -> tuple[np.ndarray, np.ndarray]:
    """Return read-only float64 ``(centre, edges)`` of a least-squares polynomial differentiator.

    With h = width // 2: ``centre`` (h + 1,) are the weights at distance 0 ... h, those on the left being the same times
    (-1)**deriv; ``edges`` (h, width) estimate the derivative at each of the first h points of a window. Both from a QR
    factorisation in a Legendre basis, well conditioned where the powers of a Vandermonde matrix are not.
    """
    from numpy.polynomial import legendre

    half = width // 2
    if deriv > polyorder:
        centre, edges = np.zeros(half + 1), np.zeros((half, width))
    else:
        u = np.arange(-half, half + 1) / half
        q, r = np.linalg.qr(legendre.legvander(u, polyorder))
        slopes = legendre.legvander(u, polyorder - deriv) @ legendre.legder(np.eye(polyorder + 1), deriv)
        weights = np.linalg.solve(r.T, slopes.T).T @ q.T / (half * spacing) ** deriv
        sign = -1.0 if deriv % 2 else 1.0
        # Exact symmetry: the derivative of a constant is then exactly zero for odd orders.
        centre = 0.5 * (weights[half, half:] + sign * weights[half, half::-1])
        edges = np.ascontiguousarray(weights[:half])
    centre.setflags(write=False)
    edges.setflags(write=False)
    return centre, edges


def extend(x: np.ndarray, start: int, stop: int, mode: DeltaMode, cval: float) -> np.ndarray:
    """Return the values of `x` ``(rows, n, inner)``, n > 0, at any positions `start` to `stop` of axis 1."""
    n = x.shape[1]
    position = np.arange(start, stop)
    if mode == "mirror":
        folded = position % max(2 * n - 2, 1)
        source = np.minimum(folded, 2 * n - 2 - folded)
    elif mode == "wrap":
        source = position % n
    else:
        source = np.clip(position, 0, n - 1)
    out = np.take(x, source, axis=1)
    if mode == "constant":
        out[:, source != position] = cval
    return out
