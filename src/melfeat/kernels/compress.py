"""Logarithms of lane blocks and of whole arrays."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ._jit import kernel
from ._lanes import fma, frexp_sqrt2, load, scalar_name, select_less, splat, store, vmax, vsqrt, zero
from ._simd import codelet, lanes, raw
from ._words import put

__all__ = [
    "N_CONSTANTS",
    "UNITS",
    "block_levels",
    "block_root",
    "block_square",
    "clip_rows",
    "decibels",
    "log_constants",
]

#: Units of a logarithm: what one neper of power is in it.
UNITS = {"db": 10 / math.log(10), "db20": 20 / math.log(10), "ln": 1.0, "log10": 1 / math.log(10)}


def _split(value: float, dtype: str) -> tuple[float, float]:
    """Return `value` as the sum of two numbers of `dtype`."""
    high = float(np.dtype(dtype).type(value))
    return high, float(np.dtype(dtype).type(value - high))


_PARAMETERS = {
    # terms of the series, smallest normal number, a power of two that lifts subnormal numbers above it
    "float32": (4, float(np.finfo(np.float32).tiny), 24),
    "float64": (10, float(np.finfo(np.float64).tiny), 54),
}

#: Constants of a logarithm: octave high and low, 2 nepers high and low, then the series.
N_CONSTANTS = 16


def log_constants(unit: str, dtype: str) -> list[float]:
    """Return the `N_CONSTANTS` numbers that make `_log` a logarithm in a unit."""
    terms, _, _ = _PARAMETERS[dtype]
    neper = UNITS[unit]
    octave = neper * math.log(2) if unit != "db" else 10 * math.log10(2)
    series = [2 * neper / (2 * k + 1) for k in range(1, terms + 1)]
    values = [*_split(octave, dtype), *_split(2 * neper, dtype), *series]
    return values + [0.0] * (N_CONSTANTS - len(values))


def _log(x: Any, like: Any, constants: Any) -> Any:
    """Return the logarithm of x > 0 in the unit of `constants`, a list of vectors; infinite and NaN pass through.

    ``x = m 2^e``, ``ln m = 2 atanh(s)``, ``s = (m - 1) / (m + 1)``, ``|s| <= 0.172``: the odd power series of atanh
    needs no fitted coefficients, and its first omitted term is below a tenth of a unit in the last place.
    """
    terms, tiny, lift = _PARAMETERS[scalar_name(like)]
    octave_high, octave_low, first_high, first_low = constants[:4]
    normal = select_less(x, tiny, x * 2.0**lift, x)
    m, e = frexp_sqrt2(normal)
    e = select_less(x, tiny, e - float(lift), e)
    s = (m - 1.0) / (m + 1.0)
    square = s * s
    series = constants[3 + terms]
    for k in range(terms - 1, 0, -1):
        series = fma(series, square, constants[3 + k])
    small = fma(series * square, s, s * first_low)
    result = fma(e, octave_high, fma(s, first_high, fma(e, octave_low, small)))
    return select_less(x, math.inf, result, x)


def _floored(work: Any, at: Any, data: Any) -> Any:
    threshold, replacement, addend = (splat(data, i, constant=True) for i in range(3))
    x = load(work, at)
    return select_less(x, threshold, replacement, x) + addend


@codelet(returns=1)
def _level_step(work: Any, at: Any, data: Any, out: Any, to: Any, peak: Any) -> Any:
    """Write the logarithm of a vector; return the running maximum.

    ``data``: values below ``data[0]`` become ``data[1]``, ``data[2]`` is added to all, constants of the logarithm.
    """
    x = _floored(work, at, data)
    level = _log(x, work, [splat(data, 3 + i, constant=True) for i in range(N_CONSTANTS)])
    level = select_less(x, _SMALLEST[scalar_name(work)], zero(work, -math.inf), level)
    store(out, to, level)
    return vmax(level, peak)


_SMALLEST = {name: float(np.finfo(name).smallest_subnormal) for name in ("float32", "float64")}


@codelet(returns=1)
def _floor_step(work: Any, at: Any, data: Any, out: Any, to: Any, peak: Any) -> Any:
    """As `_level_step`, but without a logarithm."""
    x = _floored(work, at, data)
    store(out, to, x)
    return vmax(x, peak)


@codelet(returns=1)
def _minus_infinity(work: Any) -> Any:
    return zero(work, -math.inf)


@kernel
def block_levels(work, at, n_rows, step, data, logarithm, out, to, peaks, g):  # type: ignore[no-untyped-def]
    """Write the levels of ``(n_rows, L)`` bands at ``out[to]``, the largest of each frame at ``peaks[g]``."""
    peak = _minus_infinity(work)
    if logarithm > 0:
        for row in range(n_rows):
            peak = _level_step(work, at + row * step, data, out, to + row * step, peak)
    else:
        for row in range(n_rows):
            peak = _floor_step(work, at + row * step, data, out, to + row * step, peak)
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
def _square_step(work: Any, at: Any) -> None:
    x = load(work, at)
    store(work, at, x * x)


@kernel
def block_square(work, at, n_rows, step):  # type: ignore[no-untyped-def]
    """Square ``(n_rows, L)`` bands in place."""
    for row in range(n_rows):
        _square_step(work, at + row * step)


@codelet()
def _db_to(out: Any, to: Any, source: Any, at: Any, floors: Any) -> None:
    constants = [zero(out, value) for value in log_constants("db", scalar_name(out))]
    store(out, to, _log(vmax(load(source, at), splat(floors, 0)), out, constants) - splat(floors, 1))


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
