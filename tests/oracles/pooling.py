"""Statistics of a list of numbers, by their definitions, with exact sums."""

from __future__ import annotations

import math
from collections.abc import Sequence


def mean(x: Sequence[float]) -> float:
    return math.fsum(x) / len(x)


def moment(x: Sequence[float], order: int) -> float:
    """Mean of (x - mean)**order, of the numbers as a population."""
    centre = mean(x)
    return math.fsum((value - centre) ** order for value in x) / len(x)


def median(x: Sequence[float]) -> float:
    ordered = sorted(x)
    half = len(x) // 2
    return ordered[half] if len(x) % 2 else (ordered[half - 1] + ordered[half]) / 2


STATS = {
    "mean": mean,
    "std": lambda x: math.sqrt(moment(x, 2)),
    "var": lambda x: moment(x, 2),
    "min": min,
    "max": max,
    "median": median,
    "skew": lambda x: moment(x, 3) / moment(x, 2) ** 1.5,
    "kurtosis": lambda x: moment(x, 4) / moment(x, 2) ** 2 - 3,
}
