"""The cosine transform of lane blocks, as a dense product in groups of eight rows."""

from __future__ import annotations

from typing import Any

from ._jit import kernel
from ._lanes import cursor, fma, load, splat, store, vmax, width, zero
from ._simd import codelet
from ._words import add, get, zeros

__all__ = ["GROUP", "block_cosines"]

#: Rows computed together; `dsp.cepstrum` packs the matrix accordingly.
GROUP = 8


#: Bands summed before their sum joins the total: the error of a chain grows with its length.
_CHAIN = 16


@codelet(returns=8)
def _zeros8(work: Any) -> tuple[Any, ...]:
    return (zero(work),) * GROUP


@codelet(returns=8)
def _mac8(
    work: Any, at: Any, matrix: Any, w: Any,
    a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any,
) -> tuple[Any, ...]:  # fmt: skip
    """Add one band to eight sums."""
    level = load(work, at)
    factors = cursor(matrix, w)
    return tuple(fma(level, splat(factors, i), total) for i, total in enumerate((a, b, c, d, e, f, g, h)))


@codelet()
def _put8(work: Any, out: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any) -> None:
    here = cursor(work, out)
    for i, total in enumerate((a, b, c, d, e, f, g, h)):
        store(here, width(work) * i, total)


@codelet()
def _add8(work: Any, out: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any) -> None:
    here = cursor(work, out)
    for i, total in enumerate((a, b, c, d, e, f, g, h)):
        store(here, width(work) * i, load(here, width(work) * i) + total)


@codelet(returns=1)
def _raise(levels: Any, source: Any, work: Any, at: Any, floor: Any, total: Any) -> Any:
    """Write a band raised to the floor; return the total with it added."""
    level = vmax(load(levels, source), load(work, floor))
    store(work, at, level)
    return total + level


@codelet()
def _subtract(work: Any, at: Any, mean: Any) -> None:
    store(work, at, load(work, at) - mean)


@codelet()
def _put_scaled(work: Any, at: Any, lane: Any, factor: Any) -> None:
    store(work, at, lane * factor)


@kernel
def _center(levels, source, work, bands, n_bands, step, floor):  # type: ignore[no-untyped-def]
    """Copy the levels, raised to the floor, take their mean out and put it behind them."""
    total = zeros(work)
    for first in range(0, n_bands, _CHAIN):
        part = zeros(work)
        for band in range(first, min(first + _CHAIN, n_bands)):
            part = _raise(levels, source + band * step, work, bands + band * step, floor, part)
        total = add(work, total, part)
    behind = bands + n_bands * step
    _put_scaled(work, behind, total, 1.0 / n_bands)
    mean = get(work, behind)
    for band in range(n_bands):
        _subtract(work, bands + band * step, mean)


@kernel
def block_cosines(levels, source, work, bands, n_bands, step, floor, matrix, n_groups, out):  # type: ignore[no-untyped-def]
    """Write ``(8 n_groups, L)`` at ``work[out]``: the packed `matrix` times ``max(levels[source:], work[floor])``.

    At ``work[bands]`` the levels are put, their mean taken out, and the mean behind them: for it the matrix has one
    column more, the sums of its rows. So a large common level, or a silent frame's equal ones, cost no digits.
    """
    _center(levels, source, work, bands, n_bands, step, floor)
    for group in range(n_groups):
        w = group * (n_bands + 1) * 8
        to = out + group * 8 * step
        for first in range(0, n_bands + 1, _CHAIN):
            a, b, c, d, e, f, g, h = _zeros8(work)
            for band in range(first, min(first + _CHAIN, n_bands + 1)):
                a, b, c, d, e, f, g, h = _mac8(work, bands + band * step, matrix, w + band * 8, a, b, c, d, e, f, g, h)
            if first == 0:
                _put8(work, to, a, b, c, d, e, f, g, h)
            else:
                _add8(work, to, a, b, c, d, e, f, g, h)
