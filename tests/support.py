"""Helpers that several test files share, in plain NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from melfeat.dsp.fft import RADICES, plan_fft
from melfeat.kernels._jit import JIT_DISABLED

#: For tests that are right but take minutes where the kernels are interpreted.
slow_interpreted = pytest.mark.skipif(JIT_DISABLED, reason="too slow with NUMBA_DISABLE_JIT=1; the compiled run has it")

#: For tests of compilation itself.
needs_jit = pytest.mark.skipif(JIT_DISABLED, reason="nothing is compiled with NUMBA_DISABLE_JIT=1")


def fewer(items: list, keep: int) -> list:
    """Return `items`, or about `keep` of them, evenly chosen, where the kernels are interpreted."""
    if not JIT_DISABLED or len(items) <= keep:
        return items
    return [items[i * len(items) // keep] for i in range(keep)]


def eps(dtype: np.dtype | type) -> float:
    return float(np.finfo(dtype).eps)


def growth(n: int) -> float:
    """How many roundings a bin collects at most, in units of eps times the length of the frame as a vector.

    A mixed-radix FFT adds one rounding for each halving of the length, also where two of them make a chirp transform;
    a direct sum over p points adds √p. The constants are twice the worst seen over all lengths here, of six seeds.
    """
    passes = (2.0 + np.log2(n)) * (1.5 if plan_fft(n).chirp else 1.0)
    return float(passes + 0.8 * np.sqrt(direct_terms(n)))


def direct_terms(n: int) -> int:
    """Return the length of the longest direct sum in a transform of n samples."""
    plan = plan_fft(n)
    return max((r for r in (plan.columns, *plan.radices) if r not in (16, *RADICES)), default=1)


class Guarded:
    """An array between two guard zones, filled with NaN; `check` tells whether anything was written outside of it."""

    ZONE = 96

    def __init__(self, size: int, dtype: np.dtype | type) -> None:
        self._whole = np.full(size + 2 * self.ZONE, 12345.0, dtype=dtype)
        self.array = self._whole[self.ZONE : self.ZONE + size]
        self.array[:] = np.nan

    def check(self) -> None:
        assert (self._whole[: self.ZONE] == 12345.0).all(), "written before the array"
        assert (self._whole[-self.ZONE :] == 12345.0).all(), "written behind the array"


def assert_same_bytes(got: np.ndarray, expected: np.ndarray) -> None:
    """Equal bits, dtype and shape; NaN equals NaN of the same bits, 0.0 does not equal -0.0."""
    assert got.dtype == expected.dtype
    assert got.shape == expected.shape
    got, expected = np.ascontiguousarray(got), np.ascontiguousarray(expected)
    if got.tobytes() != expected.tobytes():
        differ = np.argwhere(got != expected)
        raise AssertionError(f"{len(differ)} of {got.size} values differ, the first at {differ[:1].tolist()}")


def assert_near(got: np.ndarray, expected: np.ndarray, tolerance: float) -> None:
    """``|got - expected| <= tolerance`` everywhere, shapes equal, nothing NaN."""
    assert got.shape == expected.shape
    if got.size == 0:
        return
    error = np.abs(got.astype(expected.dtype) - expected).max()
    assert error <= tolerance, f"error {error:.3g} > {tolerance:.3g}"
