"""Sums over rows of any length, taken in order and in small pieces, with bits that depend on the values alone.

NumPy's own sum is pairwise too, but how it divides a long row has changed between its versions; and it needs the row.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

__all__ = ["Take", "in_order", "total"]

#: Returns the next so many values of a row, as a contiguous array.
Take = Callable[[int], np.ndarray]

#: Values that NumPy sums at once. More than that, and versions before 2 would not do it pairwise.
_LEAF = 8192


def in_order(row: np.ndarray) -> Take:
    """Return what takes the values of a row ``(n,)`` from its beginning."""
    at = 0

    def take(count: int) -> np.ndarray:
        nonlocal at
        at += count
        return row[at - count : at]

    return take


def total(take: Take, n: int) -> np.float64:
    """Return the pairwise sum of the next `n` float64 values."""
    if n <= _LEAF:
        return np.float64(take(n).sum())
    half = n // 2
    half -= half % 8  # where NumPy divides
    first = total(take, half)
    return first + total(take, n - half)
