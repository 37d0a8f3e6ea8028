"""The passes of a complex FFT on lane blocks: Stockham, decimation in frequency, twiddles on the output.

`work` and `table` are bare pointers, offsets count elements; a point is two lane vectors, real part first. Every pass
is an entry with the argument pattern `PASS`, so that only the radices that a plan has are compiled.
"""

from __future__ import annotations

from typing import Any

from ._dft import dft
from ._jit import Entry, entry
from ._lanes import cmul, cursor, fma, imin, load, splat, store, width
from ._simd import codelet, lanes
from ._words import get, put, zeros

__all__ = ["FIRST", "LAST", "MID", "pass_direct", "write_points"]

#: Arguments of a pass: work, table; x, y, m, s, radix, twiddles, direct table, scratch. Of a last pass: work, table;
#: x, out, k1, columns, s, n and two unused.
PASS = "ffiiiiiiii"


def _fan(array: Any, at: Any, distance: Any, count: int) -> list[tuple[Any, Any]]:
    """Return ``(array, index)`` of `count` places `distance` apart: one pointer for four, as x86 addresses like it."""
    places = []
    here = array
    for j in range(count):
        if j % 4 == 0:
            here = cursor(array, at + distance * j if j else at)
        places.append((here, distance * (j % 4) if j % 4 else 0))
    return places


def _read(work: Any, at: Any, distance: Any, count: int) -> list[tuple[Any, Any]]:
    step = width(work)
    return [(load(a, i), load(a, i + step)) for a, i in _fan(work, at, distance, count)]


def write_points(work: Any, at: Any, distance: Any, points: list[tuple[Any, Any]]) -> None:
    step = width(work)
    for (a, i), (re, im) in zip(_fan(work, at, distance, len(points)), points, strict=True):
        store(a, i, re)
        store(a, i + step, im)


def _twiddled(points: list[tuple[Any, Any]], table: Any, tw: Any) -> list[tuple[Any, Any]]:
    """Multiply all points but the first by consecutive twiddles."""
    here = cursor(table, tw)
    turned = [cmul(*z, splat(here, 2 * j), splat(here, 2 * j + 1)) for j, z in enumerate(points[1:])]
    return [points[0], *turned]


def _make_first(radix: int) -> Entry:
    """Return the first pass of one radix: one input stride, contiguous output."""

    @codelet()
    def butterfly(work: Any, x: Any, d: Any, y: Any, table: Any, tw: Any) -> None:
        write_points(work, y, 2 * width(work), _twiddled(dft(_read(work, x, d, radix)), table, tw))

    def run(work, table, x, y, m, s, r, tw, direct, scratch):  # type: ignore[no-untyped-def]
        point = 2 * lanes(work)
        for p in range(m):
            butterfly(work, x + p * point, m * point, y + radix * p * point, table, tw + 2 * (radix - 1) * p)
        return 0

    run.__name__ = run.__qualname__ = f"_first{radix}"
    return entry(PASS)(run)


def _make_mid(radix: int) -> Entry:
    """Return any later pass of one radix."""

    @codelet()
    def butterfly(work: Any, x: Any, d: Any, y: Any, e: Any, table: Any, tw: Any) -> None:
        write_points(work, y, e, _twiddled(dft(_read(work, x, d, radix)), table, tw))

    def run(work, table, x, y, m, s, r, tw, direct, scratch):  # type: ignore[no-untyped-def]
        point = 2 * lanes(work)
        d, e = s * m * point, s * point
        for p in range(m):
            i, o, w = x + s * p * point, y + s * radix * p * point, tw + 2 * (radix - 1) * p
            for q in range(s):
                butterfly(work, i + q * point, d, o + q * point, e, table, w)
        return 0

    run.__name__ = run.__qualname__ = f"_mid{radix}"
    return entry(PASS)(run)


def _make_last(radix: int) -> Entry:
    """Return the last pass of one radix, fused with the power and the placement of the bins of one row.

    Bin ``k = k1 + A (q + s j)`` of the whole transform is its own mirror image ``n - k`` in power: the first half of
    the outputs j fall below n/2, the second above; only the middle one of an odd radix needs a look.
    """

    @codelet()
    def butterfly(work: Any, x: Any, d: Any, out: Any, k: Any, stride: Any, n: Any) -> None:
        step = width(work)
        powers = [fma(re, re, im * im) for re, im in dft(_read(work, x, d, radix))]
        half = radix // 2
        for (a, i), lane in zip(_fan(work, out + k * step, stride * step, half), powers[:half], strict=True):
            store(a, i, lane)
        if radix % 2:
            middle = k + stride * half
            store(work, out + imin(middle, n - middle) * step, powers[half])
        upper = out + (n - k - stride * (radix - 1)) * step
        for (a, i), lane in zip(_fan(work, upper, stride * step, half), powers[::-1][:half], strict=True):
            store(a, i, lane)

    def run(work, table, x, out, k1, columns, s, n, unused, scratch):  # type: ignore[no-untyped-def]
        point = 2 * lanes(work)
        for q in range(s):
            butterfly(work, x + q * point, s * point, out, k1 + columns * q, columns * s, n)
        return 0

    run.__name__ = run.__qualname__ = f"_last{radix}"
    return entry(PASS)(run)


FIRST = {radix: _make_first(radix) for radix in (2, 3, 4, 5, 8)}
MID = {radix: _make_mid(radix) for radix in (2, 3, 4, 5, 8)}
LAST = {radix: _make_last(radix) for radix in (2, 3, 4, 5, 8)}


@codelet(returns=2)
def _fold_points(work: Any, x: Any, d: Any, j: Any, radix: Any, out: Any, tr: Any, ti: Any) -> tuple[Any, Any]:
    """Write sum and difference of points j and radix - j and add the sum to the totals."""
    step = width(work)
    low, high, here = cursor(work, x + d * j), cursor(work, x + d * (radix - j)), cursor(work, out)
    ar, ai, br, bi = load(low, 0), load(low, step), load(high, 0), load(high, step)
    for i, lane in enumerate((ar + br, ai + bi, ar - br, ai - bi)):
        store(here, step * i, lane)
    return tr + (ar + br), ti + (ai + bi)


@codelet(returns=4)
def _complex_mac(work: Any, at: Any, table: Any, t: Any, ar: Any, ai: Any, br: Any, bi: Any) -> tuple[Any, ...]:
    step, here = width(work), cursor(work, at)
    c, s = splat(table, t), splat(table, t + 1)
    totals = ((ar, c), (ai, c), (br, s), (bi, s))
    return tuple(fma(load(here, step * i), factor, total) for i, (total, factor) in enumerate(totals))


@codelet()
def _put_pair(work: Any, ar: Any, ai: Any, br: Any, bi: Any, low: Any, high: Any, table: Any, w: Any, v: Any) -> None:
    """Write bins k and p - k of a direct sum, twiddled."""
    for out, re, im, t in ((low, ar + bi, ai - br, w), (high, ar - bi, ai + br, v)):
        turned = cmul(re, im, splat(table, t), splat(table, t + 1))
        store(work, out, turned[0])
        store(work, out + width(work), turned[1])


@entry(PASS)
def pass_direct(work, table, x, y, m, s, radix, tw, direct, scratch):  # type: ignore[no-untyped-def]
    """The pass of an odd prime radix, by symmetric sums."""
    step = lanes(work)
    half = (radix - 1) // 2
    d, e = s * m * 2 * step, s * 2 * step
    for p in range(m):
        w = tw + 2 * (radix - 1) * p
        for q in range(s):
            i = x + (q + s * p) * 2 * step
            o = y + (q + s * radix * p) * 2 * step
            first_r = get(work, i)
            first_i = get(work, i + step)
            tr, ti = first_r, first_i
            for j in range(1, half + 1):
                tr, ti = _fold_points(work, i, d, j, radix, scratch + 4 * (j - 1) * step, tr, ti)
            put(work, o, tr)
            put(work, o + step, ti)
            for k in range(1, half + 1):
                ar, ai = first_r, first_i
                br, bi = zeros(work), zeros(work)
                for j in range(half):
                    t = direct + 2 * (half * k + j)
                    ar, ai, br, bi = _complex_mac(work, scratch + 4 * j * step, table, t, ar, ai, br, bi)
                v = w + 2 * (radix - k - 1)
                _put_pair(work, ar, ai, br, bi, o + k * e, o + (radix - k) * e, table, w + 2 * (k - 1), v)
    return 0
