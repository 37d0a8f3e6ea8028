"""Cosine transforms by their sums, and the lifter."""

from __future__ import annotations

import math

import numpy as np


def _cos(numerator: int, denominator: int) -> float:
    """Return ``cos(pi numerator / denominator)``, the angle reduced to one turn exactly."""
    return math.cos(math.pi * (numerator % (2 * denominator)) / denominator)


def dct(n_out: int, n_in: int, kind: int, norm: str | None) -> np.ndarray:
    """Return the matrix ``(n_out, n_in)`` of the transform, each entry by its definition."""
    matrix = np.zeros((n_out, n_in))
    for k in range(n_out):
        for m in range(n_in):
            if kind == 1:
                ends = m in (0, n_in - 1)
                entry = (1.0 if ends else 2.0) * _cos(k * m, n_in - 1)
                if norm == "ortho":
                    entry = _cos(k * m, n_in - 1) * math.sqrt(2 / (n_in - 1))
                    entry *= math.sqrt(0.5) if ends else 1.0
                    entry *= math.sqrt(0.5) if k in (0, n_in - 1) else 1.0
            elif kind == 2:
                entry = 2 * _cos(k * (2 * m + 1), 2 * n_in)
                if norm == "ortho":
                    entry *= math.sqrt(1 / (4 * n_in)) if k == 0 else math.sqrt(1 / (2 * n_in))
            else:
                entry = (1.0 if m == 0 else 2.0) * _cos((2 * k + 1) * m, 2 * n_in)
                if norm == "ortho":
                    entry = _cos((2 * k + 1) * m, 2 * n_in) * math.sqrt(2 / n_in)
                    entry *= math.sqrt(0.5) if m == 0 else 1.0
            matrix[k, m] = entry
    return matrix


def lifter(n: int, L: float) -> np.ndarray:
    return np.array([1 + L / 2 * math.sin(math.pi * (i + 1) / L) if L else 1.0 for i in range(n)])
