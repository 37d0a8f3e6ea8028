"""The real FFT of L frames at once, executing a plan of `dsp/fft.py` on lane blocks.

Scratch is one array `work`. A *real point* is one lane vector (L elements), a *complex point* two, real part first:

    gathered samples (real) | rows 0 … A//2, B + 1 points each | two rows of ping-pong | direct-sum scratch

Inside this file `work`, `table`, `source` and `window` are bare pointers (`raw`), offsets count elements, and a row is
one point longer than its content, so that the rows do not fall on the same cache sets.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ._dft import dft, real_dft
from ._jit import Entry, entry, kernel
from ._simd import (
    cmul,
    codelet,
    cursor,
    fma,
    imin,
    invoke7,
    invoke10,
    lanes,
    load,
    load_tile,
    peek,
    splat,
    store,
    width,
    zero,
)

__all__ = ["bind"]

_PAD = 1  # dsp.fft.ROW_PAD
_HEAD = 10  # dsp.fft.SPEC_HEAD
_FIELDS = 5  # dsp.fft.SPEC_FIELDS

#: Arguments of a pass: work, table; x, y, m, s, radix, twiddles, direct table, scratch. Of a last pass: work, table;
#: x, out, k1, columns, s, n and two unused.
_PASS = "ffiiiiiiii"


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


def _write(work: Any, at: Any, distance: Any, points: list[tuple[Any, Any]]) -> None:
    step = width(work)
    for (a, i), (re, im) in zip(_fan(work, at, distance, len(points)), points, strict=True):
        store(a, i, re)
        store(a, i + step, im)


def _twiddled(points: list[tuple[Any, Any]], table: Any, tw: Any) -> list[tuple[Any, Any]]:
    """Multiply all points but the first by consecutive twiddles."""
    here = cursor(table, tw)
    turned = [cmul(*z, splat(here, 2 * j), splat(here, 2 * j + 1)) for j, z in enumerate(points[1:])]
    return [points[0], *turned]


# ---------------------------------------------------------------------------------------------------------------------
# Columns: gather, window, transpose, real transform, twiddle
# ---------------------------------------------------------------------------------------------------------------------


@codelet()
def _gather4(work: Any, out: Any, source: Any, index: Any, stride: Any, window: Any, at: Any) -> None:
    """Write four consecutive windowed samples of L frames as real points."""
    here = cursor(work, out)
    for j, lane in enumerate(load_tile(source, index, stride, window, at)):
        store(here, width(work) * j, lane)


@codelet()
def _column16(work: Any, x: Any, out: Any, row: Any, table: Any, tw: Any) -> None:
    """Transform 16 real points that stand 4 apart, twiddle, write one point into each of rows 0 … 8."""
    step = width(work)
    here = cursor(work, x)
    bins = real_dft([load(here, 4 * step * j) for j in range(16)])
    nothing = zero(work)
    factors = cursor(table, tw)
    points = [(bins[0][0], nothing)]
    for k in range(1, 8):
        points.append(cmul(*bins[k], splat(factors, 2 * k - 2), splat(factors, 2 * k - 1)))
    points.append((bins[8][0] * splat(factors, 14), bins[8][0] * splat(factors, 15)))
    _write(work, out, row, points)


@codelet(returns=1)
def _get(work: Any, at: Any) -> Any:
    return load(work, at)


@codelet()
def _put(work: Any, at: Any, lane: Any) -> None:
    store(work, at, lane)


@codelet(returns=1)
def _zero(work: Any) -> Any:
    return zero(work)


@codelet(returns=1)
def _fold(work: Any, first: Any, last: Any, out: Any, total: Any) -> Any:
    """Write sum and difference of two real points; return the total with the sum added."""
    a, b = load(work, first), load(work, last)
    store(work, out, a + b)
    store(work, out + width(work), a - b)
    return total + (a + b)


@codelet(returns=2)
def _real_mac(work: Any, at: Any, table: Any, t: Any, re: Any, im: Any) -> tuple[Any, Any]:
    """Add one folded pair to one bin: cosine times sum, minus sine times difference."""
    return fma(load(work, at), splat(table, t), re), fma(load(work, at + width(work)), -splat(table, t + 1), im)


@codelet(returns=1)
def _alternate(work: Any, at: Any, total: Any, sign: Any) -> Any:
    return fma(load(work, at), sign, total)


@codelet()
def _put_twiddled(work: Any, re: Any, im: Any, out: Any, table: Any, tw: Any) -> None:
    tr, ti = cmul(re, im, splat(table, tw), splat(table, tw + 1))
    store(work, out, tr)
    store(work, out + width(work), ti)


@entry("ffqffii")
def _columns16(source, window, spec, table, work, start, stride):  # type: ignore[no-untyped-def]
    """Gather L frames and fill the rows, for A = 16. Reads up to 3 samples past each frame; `window` is 0 there."""
    step = lanes(work)
    rows = peek(spec, 2)
    row = (rows + _PAD) * 2 * step
    base = (16 * 4 + 4) * step
    tw = peek(spec, 5)
    for c0 in range(0, rows, 4):
        for n1 in range(16):
            j = c0 + rows * n1
            _gather4(work, 4 * n1 * step, source, start + j, stride, window, j)
        for c in range(min(4, rows - c0)):
            _column16(work, c * step, base + (c0 + c) * 2 * step, row, table, tw + (c0 + c) * 16)
    return 0


@entry("ffqffii")
def _columns_direct(source, window, spec, table, work, start, stride):  # type: ignore[no-untyped-def]
    """Gather L frames and fill the rows by the symmetric sums, for the A that have no codelet."""
    step = lanes(work)
    n, count, rows, group = peek(spec, 0), peek(spec, 1), peek(spec, 2), peek(spec, 9)
    row = (rows + _PAD) * 2 * step
    base = (count * group + 4) * step
    scratch = base + (count // 2 + 3) * row
    half = (count - 1) // 2
    xs = group * step
    if group < 4:
        for j in range(0, n, 4):
            _gather4(work, j * step, source, start + j, stride, window, j)
    for c0 in range(0, rows, group):
        if group == 4:
            for n1 in range(count):
                j = c0 + rows * n1
                _gather4(work, 4 * n1 * step, source, start + j, stride, window, j)
        for c in range(min(group, rows - c0)):
            x = c * step
            out = base + (c0 + c) * 2 * step
            tw = peek(spec, 5) + (c0 + c) * 2 * (count // 2)
            total = _get(work, x)
            for j in range(1, half + 1):
                total = _fold(work, x + j * xs, x + (count - j) * xs, scratch + 2 * j * step, total)
            middle = x + (count // 2) * xs
            if count % 2 == 0:
                total = _alternate(work, middle, total, 1.0)
            _put(work, out, total)
            _put(work, out + step, _zero(work))
            for k in range(1, count // 2 + 1):
                re = _get(work, x)
                im = _zero(work)
                t = peek(spec, 6) + 2 * half * k
                for j in range(1, half + 1):
                    re, im = _real_mac(work, scratch + 2 * j * step, table, t + 2 * (j - 1), re, im)
                if count % 2 == 0:
                    re = _alternate(work, middle, re, 1.0 - 2.0 * (k % 2))
                _put_twiddled(work, re, im, out + k * row, table, tw + 2 * (k - 1))
    return 0


# ---------------------------------------------------------------------------------------------------------------------
# Rows: Stockham passes, decimation in frequency, twiddles on the output
# ---------------------------------------------------------------------------------------------------------------------


def _make_first(radix: int) -> Entry:
    """Return the first pass of one radix: one input stride, contiguous output."""

    @codelet()
    def butterfly(work: Any, x: Any, d: Any, y: Any, table: Any, tw: Any) -> None:
        _write(work, y, 2 * width(work), _twiddled(dft(_read(work, x, d, radix)), table, tw))

    def run(work, table, x, y, m, s, r, tw, direct, scratch):  # type: ignore[no-untyped-def]
        point = 2 * lanes(work)
        for p in range(m):
            butterfly(work, x + p * point, m * point, y + radix * p * point, table, tw + 2 * (radix - 1) * p)
        return 0

    run.__name__ = run.__qualname__ = f"_first{radix}"
    return entry(_PASS)(run)


def _make_mid(radix: int) -> Entry:
    """Return any later pass of one radix."""

    @codelet()
    def butterfly(work: Any, x: Any, d: Any, y: Any, e: Any, table: Any, tw: Any) -> None:
        _write(work, y, e, _twiddled(dft(_read(work, x, d, radix)), table, tw))

    def run(work, table, x, y, m, s, r, tw, direct, scratch):  # type: ignore[no-untyped-def]
        point = 2 * lanes(work)
        d, e = s * m * point, s * point
        for p in range(m):
            i, o, w = x + s * p * point, y + s * radix * p * point, tw + 2 * (radix - 1) * p
            for q in range(s):
                butterfly(work, i + q * point, d, o + q * point, e, table, w)
        return 0

    run.__name__ = run.__qualname__ = f"_mid{radix}"
    return entry(_PASS)(run)


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
    return entry(_PASS)(run)


_FIRST = {radix: _make_first(radix) for radix in (2, 3, 4, 5, 8)}
_MID = {radix: _make_mid(radix) for radix in (2, 3, 4, 5, 8)}
_LAST = {radix: _make_last(radix) for radix in (2, 3, 4, 5, 8)}


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
def _put_pair(
    work: Any, ar: Any, ai: Any, br: Any, bi: Any, low: Any, high: Any, table: Any, w: Any, v: Any
) -> None:
    """Write bins k and p - k of a direct sum, twiddled."""
    for out, re, im, t in ((low, ar + bi, ai - br, w), (high, ar - bi, ai + br, v)):
        turned = cmul(re, im, splat(table, t), splat(table, t + 1))
        store(work, out, turned[0])
        store(work, out + width(work), turned[1])


@entry(_PASS)
def _pass_direct(work, table, x, y, m, s, radix, tw, direct, scratch):  # type: ignore[no-untyped-def]
    """The pass of an odd prime radix, by symmetric sums."""
    step = lanes(work)
    half = (radix - 1) // 2
    d, e = s * m * 2 * step, s * 2 * step
    for p in range(m):
        w = tw + 2 * (radix - 1) * p
        for q in range(s):
            i = x + (q + s * p) * 2 * step
            o = y + (q + s * radix * p) * 2 * step
            first_r = _get(work, i)
            first_i = _get(work, i + step)
            tr, ti = first_r, first_i
            for j in range(1, half + 1):
                tr, ti = _fold_points(work, i, d, j, radix, scratch + 4 * (j - 1) * step, tr, ti)
            _put(work, o, tr)
            _put(work, o + step, ti)
            for k in range(1, half + 1):
                ar, ai = first_r, first_i
                br, bi = _zero(work), _zero(work)
                for j in range(half):
                    t = direct + 2 * (half * k + j)
                    ar, ai, br, bi = _complex_mac(work, scratch + 4 * j * step, table, t, ar, ai, br, bi)
                v = w + 2 * (radix - k - 1)
                _put_pair(work, ar, ai, br, bi, o + k * e, o + (radix - k) * e, table, w + 2 * (k - 1), v)
    return 0


@kernel
def _row(work, x, spec, table, n_passes, t0, row, scratch):  # type: ignore[no-untyped-def]
    """Run the first `n_passes` passes of a row; return where the points then are."""
    left = peek(spec, 2)
    s = 1
    for i in range(n_passes):
        here = _HEAD + _FIELDS * i
        radix, tw, direct = peek(spec, here), peek(spec, here + 1), peek(spec, here + 2)
        m = left // radix
        y = t0 + row * (i % 2)
        invoke10(peek(spec, here + 3), work, table, x, y, m, s, radix, tw, direct, scratch)
        x = y
        left = m
        s *= radix
    return x


@codelet()
def _power(work: Any, x: Any, out: Any) -> None:
    re, im = load(work, x), load(work, x + width(work))
    store(work, out, fma(re, re, im * im))


@codelet()
def _copy_bin(work: Any, x: Any, out_r: Any, out_i: Any, sign: Any) -> None:
    store(work, out_r, load(work, x))
    store(work, out_i, load(work, x + width(work)) * sign)


@kernel
def _rows_power(work, base, spec, table, out):  # type: ignore[no-untyped-def]
    """Transform rows 0 … A//2 and write the power of bins 0 … n//2 at `out`."""
    step = lanes(work)
    n, columns, rows, n_passes = peek(spec, 0), peek(spec, 1), peek(spec, 2), peek(spec, 4)
    row = (rows + _PAD) * 2 * step
    t0 = base + (columns // 2 + 1) * row
    scratch = t0 + 2 * row
    final = _HEAD + _FIELDS * (n_passes - 1)
    last = peek(spec, final + 4) if n_passes > 0 else 0
    s = rows // peek(spec, final) if n_passes > 0 else 1
    for k1 in range(columns // 2 + 1):
        x = base + k1 * row
        if last:
            x = _row(work, x, spec, table, n_passes - 1, t0, row, scratch)
            invoke10(last, work, table, x, out, k1, columns, s, n, 0, 0)
        else:
            x = _row(work, x, spec, table, n_passes, t0, row, scratch)
            for k2 in range(rows):
                k = k1 + columns * k2
                _power(work, x + k2 * 2 * step, out + min(k, n - k) * step)


@kernel
def _rows_spectrum(work, base, spec, table, out_r, out_i):  # type: ignore[no-untyped-def]
    """Transform rows 0 … A//2 and write bins 0 … n//2 at `out_r` and `out_i`."""
    step = lanes(work)
    n, columns, rows, n_passes = peek(spec, 0), peek(spec, 1), peek(spec, 2), peek(spec, 4)
    row = (rows + _PAD) * 2 * step
    t0 = base + (columns // 2 + 1) * row
    for k1 in range(columns // 2 + 1):
        x = _row(work, base + k1 * row, spec, table, n_passes, t0, row, t0 + 2 * row)
        for k2 in range(rows):
            k = k1 + columns * k2
            if 2 * k <= n:
                _copy_bin(work, x + k2 * 2 * step, out_r + k * step, out_i + k * step, 1.0)
            elif k1 > 0 and 2 * k1 != columns:
                _copy_bin(work, x + k2 * 2 * step, out_r + (n - k) * step, out_i + (n - k) * step, -1.0)


# ---------------------------------------------------------------------------------------------------------------------
# Bluestein: any length as a convolution with a chirp
# ---------------------------------------------------------------------------------------------------------------------


@codelet()
def _chirp_in(work: Any, x: Any, table: Any, at: Any, out: Any) -> None:
    sample = load(work, x)
    store(work, out, sample * splat(table, at))
    store(work, out + width(work), sample * splat(table, at + 1))


@codelet()
def _multiply_swap(work: Any, x: Any, table: Any, at: Any, out: Any) -> None:
    """Multiply a point by a factor and exchange its real and imaginary parts."""
    step = width(work)
    re, im = cmul(load(work, x), load(work, x + step), splat(table, at), splat(table, at + 1))
    store(work, out, im)
    store(work, out + step, re)


@codelet()
def _multiply_out(work: Any, x: Any, table: Any, at: Any, out_r: Any, out_i: Any) -> None:
    """Multiply a point, its parts exchanged, by a factor."""
    re, im = cmul(load(work, x + width(work)), load(work, x), splat(table, at), splat(table, at + 1))
    store(work, out_r, re)
    store(work, out_i, im)


@kernel
def _chirp(source, start, stride, window, spec, table, work):  # type: ignore[no-untyped-def]
    """Convolve L frames with the chirp; return where the result is, real and imaginary parts exchanged."""
    step = lanes(work)
    n, length, n_passes = peek(spec, 0), peek(spec, 2), peek(spec, 4)
    row = (length + _PAD) * 2 * step
    base = (n + 4) * step
    for j in range(0, n, 4):
        _gather4(work, j * step, source, start + j, stride, window, j)
    chirp, spectrum = peek(spec, 5), peek(spec, 6)
    for j in range(n):
        _chirp_in(work, j * step, table, chirp + 2 * j, base + j * 2 * step)
    for j in range(2 * n, 2 * length):
        _put(work, base + j * step, _zero(work))
    t0 = base + row
    x = _row(work, base, spec, table, n_passes, t0, row, t0 + 2 * row)
    for j in range(length):
        _multiply_swap(work, x + j * 2 * step, table, spectrum + 2 * j, base + j * 2 * step)
    # The inverse transform is the forward one with real and imaginary parts exchanged before and after.
    return _row(work, base, spec, table, n_passes, t0, row, t0 + 2 * row)


# ---------------------------------------------------------------------------------------------------------------------
# The transforms: power or spectrum of L frames
#
# Frame l is ``source[start + l * stride :][:n]``, with 3 readable samples behind it; `window` has n + 4 entries, the
# last four 0. The power ``(n//2 + 1, L)`` is written at ``work[out]``; of a spectrum the real parts there, the
# imaginary parts behind them.
# ---------------------------------------------------------------------------------------------------------------------


@entry("ffqffiii")
def _power_mixed(source, window, spec, table, work, start, stride, out):  # type: ignore[no-untyped-def]
    invoke7(peek(spec, 8), source, window, spec, table, work, start, stride)
    _rows_power(work, (peek(spec, 1) * peek(spec, 9) + 4) * lanes(work), spec, table, out)
    return 0


@entry("ffqffiii")
def _spectrum_mixed(source, window, spec, table, work, start, stride, out):  # type: ignore[no-untyped-def]
    invoke7(peek(spec, 8), source, window, spec, table, work, start, stride)
    out_i = out + (peek(spec, 0) // 2 + 1) * lanes(work)
    _rows_spectrum(work, (peek(spec, 1) * peek(spec, 9) + 4) * lanes(work), spec, table, out, out_i)
    return 0


@entry("ffqffiii")
def _power_chirp(source, window, spec, table, work, start, stride, out):  # type: ignore[no-untyped-def]
    step = lanes(work)
    x = _chirp(source, start, stride, window, spec, table, work)
    for k in range(peek(spec, 0) // 2 + 1):
        _power(work, x + k * 2 * step, out + k * step)
    return 0


@entry("ffqffiii")
def _spectrum_chirp(source, window, spec, table, work, start, stride, out):  # type: ignore[no-untyped-def]
    step = lanes(work)
    x = _chirp(source, start, stride, window, spec, table, work)
    chirp = peek(spec, 5)
    out_i = out + (peek(spec, 0) // 2 + 1) * step
    for k in range(peek(spec, 0) // 2 + 1):
        _multiply_out(work, x + k * 2 * step, table, chirp + 2 * k, out + k * step, out_i + k * step)
    return 0


def bind(spec: np.ndarray, dtype: str, *, spectrum: bool) -> tuple[np.ndarray, int]:
    """Compile what a plan's `spec` needs; return the spec with addresses filled in, and the transform's address."""
    bound = spec.copy()
    chirp = bool(spec[3])
    if not chirp:
        bound[8] = (_columns16 if spec[1] == 16 and spec[9] == 4 else _columns_direct).address(dtype)
    n_passes = int(spec[4])
    for i in range(n_passes):
        here = _HEAD + _FIELDS * i
        radix = int(spec[here])
        is_last = i == n_passes - 1 and not chirp and not spectrum and radix in _LAST
        if is_last:
            bound[here + 4] = _LAST[radix].address(dtype)
        else:
            chosen = (_FIRST if i == 0 else _MID).get(radix, _pass_direct)
            bound[here + 3] = chosen.address(dtype)
    bound.setflags(write=False)
    if chirp:
        return bound, (_spectrum_chirp if spectrum else _power_chirp).address(dtype)
    return bound, (_spectrum_mixed if spectrum else _power_mixed).address(dtype)
