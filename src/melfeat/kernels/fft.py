"""The real FFT of L frames at once, executing a plan of `dsp/fft.py` on lane blocks.

Scratch is one array `work`. A *real point* is one lane vector (L elements), a *complex point* two, real part first:

    gathered samples (real) | rows 0 … A//2, B + 1 points each | two rows of ping-pong | direct-sum scratch

Inside this file `work`, `table`, `source` and `window` are bare pointers (`raw`), offsets count elements, and a row is
one point longer than its content, so that the rows do not fall on the same cache sets.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ._dft import real_dft
from ._jit import entry, kernel
from ._lanes import cmul, cursor, fma, load, load_tile, splat, store, width, zero
from ._passes import FIRST, LAST, MID, pass_direct, write_points
from ._simd import codelet, invoke7, invoke10, lanes, peek
from ._words import get, put, zeros

__all__ = ["bind"]

_PAD = 1  # dsp.fft.ROW_PAD
_HEAD = 10  # dsp.fft.SPEC_HEAD
_FIELDS = 5  # dsp.fft.SPEC_FIELDS


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
def _column16(work: Any, x: Any, apart: Any, out: Any, row: Any, table: Any, tw: Any) -> None:
    """Transform 16 real points that stand `apart` elements apart, twiddle, write one point into rows 0 … 8."""
    here = cursor(work, x)
    bins = real_dft([load(here, apart * j) for j in range(16)])
    nothing = zero(work)
    factors = cursor(table, tw)
    points = [(bins[0][0], nothing)]
    for k in range(1, 8):
        points.append(cmul(*bins[k], splat(factors, 2 * k - 2), splat(factors, 2 * k - 1)))
    points.append((bins[8][0] * splat(factors, 14), bins[8][0] * splat(factors, 15)))
    write_points(work, out, row, points)


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
            _column16(work, c * step, 4 * step, base + (c0 + c) * 2 * step, row, table, tw + (c0 + c) * 16)
    return 0


@entry("ffqffii")
def _columns16_gathered(source, window, spec, table, work, start, stride):  # type: ignore[no-untyped-def]
    """Fill the rows from the gathered samples, for A = 16."""
    step = lanes(work)
    rows = peek(spec, 2)
    base = (16 * rows + 4) * step
    for c in range(rows):
        out = base + c * 2 * step
        _column16(work, c * step, rows * step, out, (rows + _PAD) * 2 * step, table, peek(spec, 5) + c * 16)
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
    gathered = peek(spec, 7) > 0
    if group < 4 and not gathered:
        for j in range(0, n, 4):
            _gather4(work, j * step, source, start + j, stride, window, j)
    for c0 in range(0, rows, group):
        if group == 4 and not gathered:
            for n1 in range(count):
                j = c0 + rows * n1
                _gather4(work, 4 * n1 * step, source, start + j, stride, window, j)
        for c in range(min(group, rows - c0)):
            x = c * step
            out = base + (c0 + c) * 2 * step
            tw = peek(spec, 5) + (c0 + c) * 2 * (count // 2)
            total = get(work, x)
            for j in range(1, half + 1):
                total = _fold(work, x + j * xs, x + (count - j) * xs, scratch + 2 * j * step, total)
            middle = x + (count // 2) * xs
            if count % 2 == 0:
                total = _alternate(work, middle, total, 1.0)
            put(work, out, total)
            put(work, out + step, zeros(work))
            for k in range(1, count // 2 + 1):
                re = get(work, x)
                im = zeros(work)
                t = peek(spec, 6) + 2 * half * k
                for j in range(1, half + 1):
                    re, im = _real_mac(work, scratch + 2 * j * step, table, t + 2 * (j - 1), re, im)
                if count % 2 == 0:
                    re = _alternate(work, middle, re, 1.0 - 2.0 * (k % 2))
                _put_twiddled(work, re, im, out + k * row, table, tw + 2 * (k - 1))
    return 0


# ---------------------------------------------------------------------------------------------------------------------
# Rows: the passes of a plan, one after the other
# ---------------------------------------------------------------------------------------------------------------------


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
    if peek(spec, 7) == 0:
        for j in range(0, n, 4):
            _gather4(work, j * step, source, start + j, stride, window, j)
    chirp, spectrum = peek(spec, 5), peek(spec, 6)
    for j in range(n):
        _chirp_in(work, j * step, table, chirp + 2 * j, base + j * 2 * step)
    for j in range(2 * n, 2 * length):
        put(work, base + j * step, zeros(work))
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
        codelet16 = _columns16_gathered if spec[7] else _columns16
        bound[8] = (codelet16 if spec[1] == 16 and spec[2] >= 4 else _columns_direct).address(dtype)
    n_passes = int(spec[4])
    for i in range(n_passes):
        here = _HEAD + _FIELDS * i
        radix = int(spec[here])
        is_last = i == n_passes - 1 and not chirp and not spectrum and radix in LAST
        if is_last:
            bound[here + 4] = LAST[radix].address(dtype)
        else:
            chosen = (FIRST if i == 0 else MID).get(radix, pass_direct)
            bound[here + 3] = chosen.address(dtype)
    bound.setflags(write=False)
    if chirp:
        return bound, (_spectrum_chirp if spectrum else _power_chirp).address(dtype)
    return bound, (_spectrum_mixed if spectrum else _power_mixed).address(dtype)
