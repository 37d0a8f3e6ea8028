"""Logarithms of lane blocks and of whole arrays."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ._jit import kernel
from ._lanes import fma, frexp_sqrt2, load, scalar_name, select_less, splat, store, vmax, vsqrt, zero
from ._simd import codelet, lanes, raw
from ._words import put

__all__ = ["block_db", "block_root", "clip_rows", "decibels"]

_DB_PER_OCTAVE = 10 * math.log10(2)
_DB_PER_NEPER = 10 / math.log(10)


def _split(value: float, dtype: str) -> tuple[float, float]:
    """Return `value` as the sum of two numbers of `dtype`."""
    high = float(np.dtype(dtype).type(value))
    return high, float(np.dtype(dtype).type(value - high))


_PARAMETERS = {
    # terms of the series, smallest normal number, a power of two that lifts subnormal numbers above it
    "float32": (4, float(np.finfo(np.float32).tiny), 24),
    "float64": (10, float(np.finfo(np.float64).tiny), 54),
}


def _log_db(x: Any, like: Any) -> Any:
    """Return ``10 log10(x)`` for x > 0; infinite and NaN pass through.

    ``x = m 2^e``, ``ln m = 2 atanh(s)``, ``s = (m - 1) / (m + 1)``, ``|s| <= 0.172``: the odd power series of atanh
    needs no fitted coefficients, and its first omitted term is below a tenth of a unit in the last place.
    """
    name = scalar_name(like)
    terms, tiny, lift = _PARAMETERS[name]
    normal = select_less(x, tiny, x * 2.0**lift, x)
    m, e = frexp_sqrt2(normal)
    e = select_less(x, tiny, e - float(lift), e)
    s = (m - 1.0) / (m + 1.0)
    square = s * s
    series = zero(like, 2 * _DB_PER_NEPER / (2 * terms + 1))
    for k in range(terms - 1, 0, -1):
        series = fma(series, square, zero(like, 2 * _DB_PER_NEPER / (2 * k + 1)))
    high, low = _split(_DB_PER_OCTAVE, name)
    first_high, first_low = _split(2 * _DB_PER_NEPER, name)
    small = fma(series * square, s, s * first_low)
    result = fma(e, zero(like, high), fma(s, zero(like, first_high), fma(e, zero(like, low), small)))
    return select_less(x, math.inf, result, x)


@codelet(returns=1)
def _db_step(work: Any, at: Any, floors: Any, out: Any, to: Any, peak: Any) -> Any:
    """Write the decibels of a vector, at least those of ``floors[0]``; return the running maximum."""
    level = _log_db(vmax(load(work, at), splat(floors, 0)), work)
    store(out, to, level)
    return vmax(level, peak)


@codelet(returns=1)
def _minus_infinity(work: Any) -> Any:
    return zero(work, -math.inf)


@kernel
def block_db(work, at, n_rows, step, floors, out, to, peaks, g):  # type: ignore[no-untyped-def]
    """Write the decibels of ``(n_rows, L)`` powers at ``out[to]``, the largest of each frame at ``peaks[g]``."""
    peak = _minus_infinity(work)
    for row in range(n_rows):
        peak = _db_step(work, at + row * step, floors, out, to + row * step, peak)
    put(peaks, g, peak)


@codelet()
def _root_step(work: Any, at: Any) -> None:
    store(work, at, vsqrt(load(work, at)))


@kernel
def block_root(work, at, n_rows, step):  # type: ignore[no-untyped-def]
    """Turn ``(n_rows, L)`` powers into magnitudes in place."""
    for row in range(n_rows):
        _root_step(work, at + row * step)


@codelet()
def _db_to(out: Any, to: Any, source: Any, at: Any, floors: Any) -> None:
    store(out, to, _log_db(vmax(load(source, at), splat(floors, 0)), out) - splat(floors, 1))


@kernel
def decibels(source, floors, out, scratch):  # type: ignore[no-untyped-def]
    """Write ``10 log10(max(source, floors[0])) - floors[1]`` to `out`; flat arrays of one length, scratch of 2 L."""
    step = lanes(source)
    whole = source.size - source.size % step
    for i in range(0, whole, step):
        _db_to(raw(out), i, raw(source), i, raw(floors))
    if whole < source.size:
        for j in range(step):
            scratch[j] = source[whole + j] if whole + j < source.size else floors[0]
        _db_to(raw(scratch), step, raw(scratch), 0, raw(floors))
        for j in range(source.size - whole):
            out[whole + j] = scratch[step + j]


@kernel
def clip_rows(values, floors):  # type: ignore[no-untyped-def]
    """Raise ``values[c]`` to at least ``floors[c]`` in place, NaN kept; ``(n_channels, n)``."""
    for c in range(values.shape[0]):
        floor = floors[c]
        for i in range(values.shape[1]):
            if values[c, i] < floor:
                values[c, i] = floor
