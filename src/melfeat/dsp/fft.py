"""Plans of the real FFT: which factors, which tables. The kernels of `kernels/fft.py` execute them.

A transform of `n` real samples is cut into ``n = A * B`` (Cooley and Tukey 1965, decimation in time):

    X[k1 + A k2] = sum_n2 W_B^(n2 k2) * [ W_n^(n2 k1) * sum_n1 W_A^(n1 k1) x[n2 + B n1] ],    W_m = exp(-2 pi i / m)

* *columns*: B real transforms of A samples, fused with load, window and transposition. The input is real, so only rows
  ``k1 = 0 … A//2`` are needed: row ``A - k1`` holds the conjugates. No real/complex split is left to do, for any n.
* *rows*: complex transforms of B points (Stockham autosort, mixed radix), fused with the power of the last pass. One
  row fits the L1 cache.

Lengths with a prime factor too large for a direct sum use the chirp algorithm (Bluestein 1970).

References
----------
J. W. Cooley, J. W. Tukey, "An algorithm for the machine calculation of complex Fourier series", Math. Comp. 19, 1965.
T. G. Stockham, "High-speed convolution and correlation", AFIPS 28, 1966 (the autosort form: Swarztrauber, 1982).
L. I. Bluestein, "A linear filtering approach to the computation of discrete Fourier transform", IEEE TAU 18, 1970.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

__all__ = ["RADICES", "ROW_PAD", "SPEC_FIELDS", "SPEC_HEAD", "FFTPlan", "plan_fft", "row_radices"]

#: Radices with a codelet of their own, in the order in which a length is divided by them.
RADICES = (8, 5, 4, 3, 2)

#: Integers before the passes in `FFTPlan.spec`.
SPEC_HEAD = 10

#: Integers of each pass in `FFTPlan.spec`.
SPEC_FIELDS = 5

#: Points behind each row, so that rows do not fall on the same cache sets.
ROW_PAD = 1

_LARGEST_DIRECT = 64


@dataclass(frozen=True)
class FFTPlan:
    """What the kernels need to transform frames of `n` samples, as plain data.

    Attributes
    ----------
    n, columns, rows : int
        Length ``n = columns * rows`` of the frame, and ``A`` and ``B`` of the module's text. With the chirp algorithm
        ``columns`` is 1 and ``rows`` the length of the convolution.
    radices : tuple of int
        Passes of one row, first to last.
    chirp : bool
        Whether this is a Bluestein plan.
    spec : np.ndarray of int64, read-only
        ``[n, A, B, is chirp, n_passes, twiddles, direct table, is gathered, 0, group]``, then ``[radix, twiddles,
        direct table, 0, 0]`` for each pass: offsets into `table`, zeros for the addresses that the kernels fill in. Of
        a chirp plan, twiddles and direct table are the chirp and the spectrum of its conjugate.
    table : np.ndarray of float64, read-only
        All twiddles and tables.
    """

    n: int
    columns: int
    rows: int
    radices: tuple[int, ...]
    chirp: bool
    spec: np.ndarray
    table: np.ndarray

    @property
    def n_bins(self) -> int:
        """Bins of the half spectrum, ``1 + n // 2``."""
        return 1 + self.n // 2

    def work_vectors(self) -> int:
        """Return the lane vectors of scratch that the kernels use, laid out as `kernels.fft` documents."""
        group = int(self.spec[9])
        gathered = self.columns * group + 4 if not self.chirp else self.n + 4
        n_rows = self.columns // 2 + 1
        row = self.rows + ROW_PAD
        direct = 4 * max((r for r in self.radices if r not in RADICES), default=0)
        return gathered + 2 * n_rows * row + 4 * row + max(direct, 2 * self.columns) + 8


def _twiddle(numerator: np.ndarray, denominator: int) -> np.ndarray:
    """Return ``exp(-2 pi i numerator / denominator)`` as interleaved re, im; the angle is reduced exactly first."""
    reduced = np.asarray(numerator, dtype=np.int64) % denominator
    # Fold into the first octant, where sine and cosine are most accurate, by integer arithmetic.
    eighth = 8 * reduced
    octant = eighth // denominator
    angle = np.where(octant % 2 == 0, eighth - octant * denominator, (octant + 1) * denominator - eighth)
    phi = angle * (np.pi / (4 * denominator))
    c, s = np.cos(phi), np.sin(phi)
    swap = np.isin(octant, (1, 2, 5, 6))
    c, s = np.where(swap, s, c), np.where(swap, c, s)
    c = np.where(np.isin(octant, (2, 3, 4, 5)), -c, c)
    s = np.where(octant >= 4, -s, s)
    return np.stack([c, -s], axis=-1).reshape(-1)


def _prime_factors(n: int) -> list[int]:
    factors, p = [], 2
    while p * p <= n:
        while n % p == 0:
            factors.append(p)
            n //= p
        p += 1
    return factors + ([n] if n > 1 else [])


@lru_cache(maxsize=4096)
def row_radices(length: int) -> tuple[int, ...]:
    """Return the passes of a complex transform of `length` points: large radices first, primes above 5 last."""
    odd = tuple(p for p in _prime_factors(length) if p > 5)
    rest = length // int(np.prod(odd, dtype=np.int64)) if odd else length
    threes_fives: list[int] = []
    for p in (5, 3):
        while rest % p == 0:
            threes_fives.append(p)
            rest //= p
    twos = rest.bit_length() - 1
    return tuple(odd) + tuple(threes_fives) + _twos(twos)


def _twos(exponent: int) -> tuple[int, ...]:
    """Split ``2**exponent`` into radices 8, 4 and 2: as few passes as possible, no 2 unless alone, 8 last.

    No radix 16: its 32 vectors and their temporaries are more than there are registers.
    """
    if exponent <= 0:
        return ()
    if exponent == 1:
        return (2,)
    passes = -(-exponent // 3)
    fours = 3 * passes - exponent
    return (4,) * fours + (8,) * (passes - fours)


#: Estimated cost of one pass per complex point, in vector operations (arithmetic, loads and stores).
_PASS_COST = {2: 7.0, 3: 9.0, 4: 8.0, 5: 11.0, 8: 9.5}


def _row_cost(length: int) -> float:
    return length * sum(_PASS_COST.get(r, 10.0 + 1.1 * r) for r in row_radices(length))


def _column_cost(columns: int) -> float:
    return 10.0 if columns == 16 else 9.0 + 0.6 * columns


def _split_cost(columns: int, rows: int) -> float:
    return columns * rows * _column_cost(columns) + (columns // 2 + 1) * _row_cost(rows)


def _chirp_length(n: int) -> int:
    """Return the cheapest length of at least ``n + n // 2`` with factors 2, 3 and 5 only."""
    least = n + n // 2 + 1
    candidates = []
    for fives in (1, 5, 25):
        for threes in (1, 3, 9, 27):
            length = fives * threes
            while length < least:
                length *= 2
            candidates.append(length)
    return min(candidates, key=_row_cost)


def _choose(n: int) -> tuple[int, int, bool]:
    """Return ``(A, B, chirp)`` of the cheapest way to transform n samples."""
    divisors = (columns for columns in range(1, min(n, 2 * _LARGEST_DIRECT) + 1) if n % columns == 0)
    best = min((_split_cost(columns, n // columns), columns, n // columns, False) for columns in divisors)
    if max(_prime_factors(n), default=1) > _LARGEST_DIRECT // 2:
        length = _chirp_length(n)
        cost = 2 * _row_cost(length) + 12.0 * length + 9.0 * n
        if cost < best[0]:
            best = (cost, 1, length, True)
    return best[1:]


class _Tables:
    """Collects tables into one array and hands out their offsets."""

    def __init__(self) -> None:
        self.parts: list[np.ndarray] = []
        self.size = 0

    def add(self, values: np.ndarray) -> int:
        offset = self.size
        flat = np.ascontiguousarray(values, dtype=np.float64).reshape(-1)
        self.parts.append(flat)
        self.size += flat.size
        return offset

    def array(self) -> np.ndarray:
        joined = np.concatenate(self.parts) if self.parts else np.zeros(1)
        joined.setflags(write=False)
        return joined


def _direct_table(p: int) -> np.ndarray:
    """Return cosine and sine of ``2 pi j k / p`` for ``k = 0 … p//2`` and ``j = 1 … (p-1)//2``, interleaved."""
    k = np.arange(p // 2 + 1)[:, None]
    j = np.arange(1, (p - 1) // 2 + 1)[None, :]
    pairs = _twiddle(k * j, p).reshape(-1, 2)
    return pairs * np.array([1.0, -1.0])


def _passes(radices: tuple[int, ...], length: int, tables: _Tables) -> list[int]:
    entries: list[int] = []
    left = length
    for radix in radices:
        m = left // radix
        p, j = np.arange(m)[:, None], np.arange(1, radix)[None, :]
        twiddles = tables.add(_twiddle(p * j, left))
        direct = tables.add(_direct_table(radix)) if radix not in RADICES else 0
        entries += [radix, twiddles, direct, 0, 0]
        left = m
    return entries


@lru_cache(maxsize=256)
def plan_fft(n: int, gathered: bool = False) -> FFTPlan:
    """Return the plan for frames of ``n >= 1`` real samples, which stand `gathered` in the scratch or in the signal."""
    columns, rows, chirp = _choose(n)
    radices = row_radices(rows)
    tables = _Tables()
    group = rows if gathered or rows < 4 else 4
    if chirp:
        squares = np.arange(n, dtype=np.int64) ** 2
        twiddles = tables.add(_twiddle(squares, 2 * n))
        kernel = np.zeros(rows, dtype=np.complex128)
        conjugate = _twiddle(squares, 2 * n).reshape(-1, 2) @ np.array([1, -1j])
        kernel[: n // 2 + 1] = conjugate[: n // 2 + 1]
        kernel[rows - n + 1 :] = conjugate[:0:-1]
        spectrum = np.fft.fft(kernel) / rows
        direct = tables.add(np.stack([spectrum.real, spectrum.imag], axis=-1))
    else:
        k1, n2 = np.arange(1, columns // 2 + 1)[None, :], np.arange(rows)[:, None]
        twiddles = tables.add(_twiddle(n2 * k1, n))
        direct = tables.add(_direct_table(columns)) if columns != 16 or rows < 4 else 0
    passes = _passes(radices, rows, tables)
    head = [n, columns, rows, int(chirp), len(radices), twiddles, direct, int(gathered), 0, group]
    spec = np.array(head + passes, dtype=np.int64)
    spec.setflags(write=False)
    return FFTPlan(n, columns, rows, radices, chirp, spec, tables.array())
