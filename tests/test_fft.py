"""The real FFT: plans as plain data, and the kernels against the DFT's sum, for every length, in dirty scratch."""

from __future__ import annotations

from functools import lru_cache

import numba
import numpy as np
import pytest

from melfeat.dsp.fft import RADICES, ROW_PAD, SPEC_FIELDS, SPEC_HEAD, plan_fft, row_radices
from melfeat.kernels import fft as fft_kernels
from melfeat.kernels._jit import JIT_DISABLED
from melfeat.kernels._lanes import LANES
from melfeat.kernels._simd import invoke8, raw
from melfeat.kernels.fft import bind
from tests.oracles.dft import dft
from tests.support import Guarded, assert_near, assert_same_bytes, eps, fewer, growth, slow_interpreted

SMALL = list(range(1, 131))
LARGE = [
    *(256, 512, 1024, 2048, 4096, 8192),  # powers of two
    *(243, 375, 405, 625, 729, 1125, 2025, 2187, 3125, 3375, 6075),  # 3^a 5^b
    *(160, 240, 320, 400, 441, 480, 551, 600, 640, 800, 882, 960, 1000, 1103, 1200, 1323, 1600, 1920, 2205, 4410),
    *(131, 137, 251, 257, 499, 509, 521, 997, 1009, 1021, 2003, 2039, 2053, 4093, 8191),  # primes: chirp plans
    *(262, 514, 998, 1994, 4006, 8186),  # twice a prime
    *(11**2, 11 * 13, 13**2, 17 * 19, 23 * 29, 31 * 31, 31 * 32, 37 * 16, 61 * 4, 61 * 61, 59 * 64, 67 * 64),
    *(127 * 2, 127 * 16, 128 * 3, 129 * 2, 16 * 3, 16 * 5, 16 * 7, 7**4, 4095, 4097, 8190, 8189),
]
SIZES = sorted({*SMALL, *LARGE})
RUN_SIZES = fewer([n for n in SIZES if n < 800], 50) if JIT_DISABLED else SIZES


@numba.njit(error_model="numpy")
def run(address, y, start, stride, window, spec, table, work, out):
    """Transform one lane block."""
    invoke8(address, raw(y), raw(window), raw(spec), raw(table), raw(work), start, stride, out)


@lru_cache(maxsize=512)
def bound(n: int, name: str, spectrum: bool):
    plan = plan_fft(n)
    spec, address = bind(plan.spec, name, spectrum=spectrum)
    return plan, spec, address, plan.table.astype(name)


def transform(frames: np.ndarray, *, spectrum: bool, start: int = 0, window: np.ndarray | None = None) -> np.ndarray:
    """Return power or spectrum ``(L, n_bins)`` of L frames ``(L, n)`` whose neighbours in memory are NaN."""
    dtype, (lanes, n) = frames.dtype, frames.shape
    assert lanes == LANES[dtype.name]
    plan, spec, address, table = bound(n, dtype.name, spectrum)
    source = np.full((lanes, n + 3), np.nan, dtype=dtype)
    source[:, :n] = frames
    source = np.concatenate([np.full(start, np.nan, dtype=dtype), source.reshape(-1)])
    weights = np.append(np.ones(n) if window is None else window, np.zeros(4)).astype(dtype)
    out = plan.work_vectors() * lanes
    work = Guarded(out + plan.n_bins * lanes * (1 + spectrum), dtype)
    before = source.copy(), weights.copy(), table.copy()
    run(address, source, start, n + 3, weights, spec, table, work.array, out)
    work.check()
    for array, copy in zip((source, weights, table), before, strict=True):
        assert_same_bytes(array, copy)
    result = work.array[out:].reshape(-1, plan.n_bins, lanes).transpose(0, 2, 1)
    return result[0] + 1j * result[1] if spectrum else result[0].copy()


def noise(rng: np.random.Generator, n: int, dtype: np.dtype) -> np.ndarray:
    return rng.standard_normal((LANES[dtype.name], n)).astype(dtype)


def truth(frames: np.ndarray) -> np.ndarray:
    frames = frames.astype(np.float64)
    return dft(frames) if frames.shape[1] <= 512 else np.fft.rfft(frames.astype(np.longdouble)).astype(complex)


class TestValues:
    @pytest.mark.parametrize("spectrum", [False, True], ids=["power", "spectrum"])
    @pytest.mark.parametrize("n", RUN_SIZES)
    def test_equals_the_dft(self, n, spectrum, dtype, rng):
        frames = noise(rng, n, dtype)
        expected = truth(frames)
        size = np.linalg.norm(frames.astype(np.float64), axis=1).max()
        bound = growth(n) * eps(dtype) * size
        if spectrum:
            assert_near(transform(frames, spectrum=True), expected, bound)
        else:  # |X + e|² - |X|² is 2 |X| |e| and two roundings of |X|²
            peak = np.abs(expected).max()
            assert_near(
                transform(frames, spectrum=False), np.abs(expected) ** 2, 2 * peak * bound + 2 * eps(dtype) * peak**2
            )

    @pytest.mark.parametrize("n", [16, 100, 127, 251, 2048])
    def test_window_is_applied(self, n, dtype, rng):
        frames, window = noise(rng, n, dtype), rng.random(n).astype(dtype)
        expected = truth(frames * window)
        assert_near(transform(frames, spectrum=True, window=window), expected, growth(n) * eps(dtype) * np.sqrt(n) * 3)

    @pytest.mark.parametrize("start", [0, 1, 5, 31])
    def test_frames_may_start_anywhere_in_memory(self, start, dtype, rng):
        frames = noise(rng, 96, dtype)
        expected = transform(frames, spectrum=False)
        assert_same_bytes(transform(frames, spectrum=False, start=start), expected)

    @pytest.mark.parametrize("n", [2, 12, 48, 90, 127, 256, 499])
    @pytest.mark.parametrize("stride", [0, 1, 7, 64])
    def test_overlapping_frames_are_the_same_as_separate_ones(self, n, stride, dtype, rng):
        lanes = LANES[dtype.name]
        plan, spec, address, table = bound(n, dtype.name, False)
        y = rng.standard_normal((lanes - 1) * stride + n + 3).astype(dtype)
        work = np.full(plan.work_vectors() * lanes + plan.n_bins * lanes, np.nan, dtype=dtype)
        run(
            address,
            y,
            0,
            stride,
            np.append(np.ones(n), np.zeros(4)).astype(dtype),
            spec,
            table,
            work,
            len(work) - plan.n_bins * lanes,
        )
        got = work[-plan.n_bins * lanes :].reshape(plan.n_bins, lanes).T
        frames = np.stack([y[lane * stride : lane * stride + n] for lane in range(lanes)])
        assert_same_bytes(got, transform(frames, spectrum=False))


class TestPhysics:
    N = fewer([5, 16, 60, 77, 128, 251, 400, 1021], 6)

    @pytest.mark.parametrize("n", N)
    def test_linear(self, n, dtype, rng):
        x, y = noise(rng, n, dtype), noise(rng, n, dtype)
        expected = 2.0 * transform(x, spectrum=True).astype(np.complex128) - transform(y, spectrum=True)
        got = transform((2 * x - y).astype(dtype), spectrum=True)
        assert_near(got, expected, 5 * growth(n) * eps(dtype) * np.sqrt(n) * 2)

    @pytest.mark.parametrize("n", N)
    def test_parseval(self, n, dtype, rng):
        x = noise(rng, n, dtype)
        power = transform(x, spectrum=False).astype(np.float64)
        twice = np.full(power.shape[1], 2.0)
        twice[0] = 1.0
        if n % 2 == 0:
            twice[-1] = 1.0
        energy = n * (x.astype(np.float64) ** 2).sum(axis=1)
        assert_near((power * twice).sum(axis=1) / energy, np.ones(len(x)), 2 * growth(n) * eps(dtype))

    @pytest.mark.parametrize("n", N)
    def test_a_shift_is_a_phase(self, n, dtype, rng):
        x = noise(rng, n, dtype)
        k = np.arange(n // 2 + 1)
        expected = transform(x, spectrum=True) * np.exp(-2j * np.pi * 3 * k / n)
        got = transform(np.roll(x, 3, axis=1), spectrum=True)
        assert_near(got, expected, 2 * growth(n) * eps(dtype) * np.sqrt(n) * 2)

    @pytest.mark.parametrize("n", N)
    def test_power_is_the_square_of_the_spectrum(self, n, dtype, rng):
        x = noise(rng, n, dtype)
        spectrum, power = transform(x, spectrum=True), transform(x, spectrum=False)
        assert_near(power, np.abs(spectrum) ** 2, 16 * growth(n) * eps(dtype) * power.max())

    @pytest.mark.parametrize("n", [1, 2, 9, 16, 131, 512])
    def test_impulse_has_a_flat_spectrum(self, n, dtype):
        x = np.zeros((LANES[dtype.name], n), dtype=dtype)
        x[:, 0] = 1
        ones = np.ones((len(x), n // 2 + 1))
        assert_near(transform(x, spectrum=False), ones, 2 * growth(n) * eps(dtype))

    @pytest.mark.parametrize("n", [1, 2, 9, 16, 131, 512])
    def test_silence_is_exactly_zero(self, n, dtype):
        assert not transform(np.zeros((LANES[dtype.name], n), dtype=dtype), spectrum=False).any()


class TestIsolation:
    """The bits of a frame do not depend on which lane it is in, nor on what is in the others."""

    LENGTHS = (1, 3, 7, 16, 48, 77, 96, 127, 160, 243, 251, 400, 509, 512, 1103, 2048, 4093)[
        : 11 if JIT_DISABLED else None : 2 if JIT_DISABLED else 1
    ]

    @pytest.mark.parametrize("spectrum", [False, True], ids=["power", "spectrum"])
    @pytest.mark.parametrize("n", LENGTHS)
    def test_lanes_do_not_mix(self, n, spectrum, dtype, rng):
        frames = noise(rng, n, dtype)
        expected = transform(frames, spectrum=spectrum)
        huge = dtype.type(np.finfo(dtype).max)
        for strangers in (
            rng.standard_normal(frames.shape),
            np.full(frames.shape, huge),
            np.full(frames.shape, np.nan),
        ):
            for lane in {0, 1, len(frames) - 1}:
                mixed = strangers.astype(dtype)
                mixed[lane] = frames[lane]
                with np.errstate(all="ignore"):
                    got = transform(mixed, spectrum=spectrum)
                assert_same_bytes(got[lane], expected[lane])

    @pytest.mark.parametrize("n", fewer([1, 2, 5, 16, 48, 100, 131, 400, 1024], 5))
    def test_every_lane_gives_the_same_bits(self, n, dtype, rng):
        frame = rng.standard_normal(n).astype(dtype)
        got = transform(np.tile(frame, (LANES[dtype.name], 1)), spectrum=False)
        assert_same_bytes(got, np.tile(got[0], (len(got), 1)))


class TestPlan:
    @pytest.mark.parametrize("n", SIZES)
    def test_factors_and_offsets(self, n):
        plan = plan_fft(n)
        assert plan.n == n
        assert plan.n_bins == n // 2 + 1
        assert int(np.prod(plan.radices, dtype=np.int64)) == plan.rows
        assert plan.columns * plan.rows == n or plan.chirp
        if plan.chirp:
            assert plan.columns == 1
            assert plan.rows >= n + n // 2  # the bins above n // 2 may wrap around, they are not wanted
            assert set(plan.radices) <= set(RADICES)
        assert len(plan.spec) == SPEC_HEAD + SPEC_FIELDS * len(plan.radices)
        assert tuple(plan.spec[:3]) == (n, plan.columns, plan.rows)
        offsets = [plan.spec[5], plan.spec[6]]
        offsets += [plan.spec[SPEC_HEAD + SPEC_FIELDS * i + j] for i in range(len(plan.radices)) for j in (1, 2)]
        assert all(0 <= offset <= len(plan.table) for offset in offsets)
        assert np.isfinite(plan.table).all()

    def test_plans_cannot_be_changed(self):
        plan = plan_fft(400)
        with pytest.raises(ValueError, match="read-only"):
            plan.table[0] = 1
        with pytest.raises(ValueError, match="read-only"):
            plan.spec[0] = 1
        assert plan_fft(400) is plan

    @pytest.mark.parametrize("n", [12, 16, 77, 400, 499, 2048, 6075, 8192])
    def test_tables_are_roots_of_unity(self, n):
        plan = plan_fft(n)

        def check(offset: int, numerator: np.ndarray, denominator: int) -> None:
            pairs = plan.table[offset : offset + 2 * numerator.size].reshape(-1, 2)
            angle = 2 * np.longdouble(np.pi) * (numerator.reshape(-1) % denominator) / denominator
            assert_near(pairs[:, 0], np.cos(angle).astype(float), 1e-15)
            assert_near(pairs[:, 1], -np.sin(angle).astype(float), 1e-15)

        if plan.chirp:
            check(plan.spec[5], np.arange(n, dtype=np.int64) ** 2, 2 * n)
        else:
            check(plan.spec[5], np.outer(np.arange(plan.rows), np.arange(1, plan.columns // 2 + 1)), n)
        left = plan.rows
        for i, radix in enumerate(plan.radices):
            left //= radix
            check(
                plan.spec[SPEC_HEAD + SPEC_FIELDS * i + 1], np.outer(np.arange(left), np.arange(1, radix)), left * radix
            )

    @pytest.mark.parametrize("length", [1, 2, 3, 4, 7, 8, 16, 49, 64, 1024, 3**5, 2 * 3 * 5 * 7 * 11 * 13])
    def test_row_radices_multiply_to_the_length(self, length):
        assert int(np.prod(row_radices(length), dtype=np.int64)) == length

    def test_no_length_costs_a_square(self):
        """Work of the worst length, counted in table entries and passes, stays near that of its neighbours."""
        for n in (4093, 8191, 8186, 61 * 61):
            plan = plan_fft(n)
            butterflies = plan.rows * sum(plan.radices) * (plan.columns // 2 + 1)
            assert butterflies < 200 * n
            assert len(plan.table) < 200 * n

    @slow_interpreted
    def test_a_very_long_frame(self, rng):
        frames = noise(rng, 1 << 16, np.dtype(np.float64))
        assert_near(transform(frames, spectrum=True), np.fft.rfft(frames), growth(1 << 16) * eps(np.float64) * 300)


def test_planner_and_kernels_agree_on_the_layout():
    """Neither floor imports the other, so the three numbers that both need stand twice."""
    assert fft_kernels._HEAD == SPEC_HEAD
    assert fft_kernels._FIELDS == SPEC_FIELDS
    assert fft_kernels._PAD == ROW_PAD
