"""Savitzky-Golay derivatives from least squares in rational arithmetic, and regression deltas."""

from __future__ import annotations

from fractions import Fraction
from math import factorial

import numpy as np

EXTENSIONS = {"nearest": "edge", "mirror": "reflect", "constant": "constant", "wrap": "wrap"}


def weights(width: int, degree: int, order: int, at: int) -> np.ndarray:
    """Return the weights of the derivative, `at` points right of the centre, of the polynomial fitted to a window.

    Exact: with the design matrix A[i, j] = i**j and the row p of derivatives, the solution of (A'A) z = p' gives A z.
    """
    half = width // 2
    points = range(-half, half + 1)
    rows = [[Fraction(sum(i ** (a + b) for i in points)) for b in range(degree + 1)] for a in range(degree + 1)]
    for j, row in enumerate(rows):
        slope = (
            Fraction(factorial(j), factorial(j - order)) * Fraction(at) ** (j - order) if j >= order else Fraction(0)
        )
        row.append(slope)
    for j in range(degree + 1):
        pivot = next(r for r in range(j, degree + 1) if rows[r][j])
        rows[j], rows[pivot] = rows[pivot], rows[j]
        rows[j] = [value / rows[j][j] for value in rows[j]]
        for r in range(degree + 1):
            if r != j:
                rows[r] = [value - rows[r][j] * base for value, base in zip(rows[r], rows[j], strict=True)]
    return np.array([float(sum(rows[j][-1] * Fraction(i) ** j for j in range(degree + 1))) for i in points])


def savgol(x: np.ndarray, width: int, degree: int, order: int, mode: str, cval: float = 0.0) -> np.ndarray:
    """Return the derivative of a vector of float64."""
    half, n = width // 2, len(x)
    centre = weights(width, degree, order, 0)
    if mode == "interp":
        middle = [float(centre @ x[t - half : t + half + 1]) for t in range(half, n - half)]
        head = [float(weights(width, degree, order, at) @ x[:width]) for at in range(-half, 0)]
        tail = [float(weights(width, degree, order, at) @ x[n - width :]) for at in range(1, half + 1)]
        return np.array(head + middle + tail)
    keywords = {"constant_values": cval} if mode == "constant" else {}
    padded = np.pad(x, half, mode=EXTENSIONS[mode], **keywords)  # type: ignore[call-overload]
    return np.array([float(centre @ padded[t : t + width]) for t in range(n)])


def regression(x: np.ndarray, reach: int) -> np.ndarray:
    """Return the delta of speech recognition: sum of k (x[t+k] - x[t-k]) / (2 sum of k^2), indices clamped."""
    n = len(x)
    total = [
        sum(k * (x[min(t + k, n - 1)] - x[max(t - k, 0)]) for k in range(1, reach + 1))
        / (2 * sum(k * k for k in range(1, reach + 1)))
        for t in range(n)
    ]
    return np.array(total)
