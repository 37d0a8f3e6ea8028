"""The other kernels against their oracles, in dirty scratch: framing, bank, decibels, cosines, the lane words."""

from __future__ import annotations

import numba
import numpy as np
import pytest
import scipy.fft

from melfeat import pipeline
from melfeat.dsp.cepstrum import dct_matrix, lifter_weights, packed
from melfeat.dsp.framing import count_frames, edges
from melfeat.kernels._jit import JIT_DISABLED
from melfeat.kernels._lanes import (
    LANES,
    cmul,
    cursor,
    fma,
    frexp_sqrt2,
    imin,
    load,
    load_tile,
    select_less,
    splat,
    store,
    store_interleaved,
    vmax,
    vsqrt,
    width,
    zero,
)
from melfeat.kernels._simd import codelet, lanes, peek, raw
from melfeat.kernels.blocks import bank_blocks, cosine_rows
from melfeat.kernels.cepstrum import GROUP
from melfeat.kernels.compress import UNITS, block_levels, block_root, clip_rows, decibels, log_constants
from melfeat.kernels.framing import CLIPS, JOB, assemble, clip_of, is_interior, scatter_complex, scatter_rows
from melfeat.plan import bank_of_matrix
from tests.oracles import (
    bank as bank_oracle,
    cepstrum as cepstrum_oracle,
    decibels as decibel_oracle,
    framing as framing_oracle,
)
from tests.support import Guarded, assert_near, assert_same_bytes, eps, fewer

PAD_MODES = ("constant", "edge", "linear_ramp", "reflect", "symmetric")


# ---------------------------------------------------------------------------------------------------------------------
# The vocabulary of codelets
# ---------------------------------------------------------------------------------------------------------------------


def jit(func):
    return numba.njit(error_model="numpy")(func)


@codelet()
def _arithmetic(a, i, j, out):
    x, y = load(a, i), load(a, j)
    results = (
        x + y,
        x - y,
        x * y,
        x / y,
        -x,
        2.0 + x,
        2.0 - x,
        3.0 * x,
        x - 1.0,
        vsqrt(x * x),
        fma(x, y, x),
        vmax(x, y),
    )
    for k, lane in enumerate(results):
        store(out, k * width(a), lane)


@jit
def run_arithmetic(a, i, j, out):
    _arithmetic(raw(a), i, j, raw(out))


@codelet()
def _places(a, at, out):
    step = width(a)
    here = cursor(a, at)
    store(out, 0, load(here, 3))
    store(out, step, splat(here, -1))
    store(out, 2 * step, splat(cursor(here, 2), 0))
    store(out, 3 * step, zero(a))
    store(out, 4 * step, zero(a, 0.1))
    store_interleaved(out, 5 * step, load(a, 0), load(a, step))
    store(cursor(out, 6 * step), step, load(a, 1))


@jit
def run_places(a, at, out):
    _places(raw(a), at, raw(out))


@codelet()
def _blend(a, b, out):
    x, y = load(a, 0), load(b, 0)
    step = width(a)
    store(out, 0, vmax(x, y))
    store(out, step, vmax(y, x))
    store(out, 2 * step, select_less(x, y, zero(a, 1.0), zero(a, 2.0)))
    store(out, 3 * step, select_less(x, 0.5, x * 2.0, y))


@jit
def run_blend(a, b, out):
    _blend(raw(a), raw(b), raw(out))


@codelet()
def _frexp(a, at, out):
    m, e = frexp_sqrt2(load(a, at))
    store(out, 0, m)
    store(out, width(a), e)


@jit
def run_frexp(a, out):
    for i in range(0, a.size, lanes(a)):
        _frexp(raw(a), i, raw(out[2 * i :]))


@codelet()
def _tile(a, at, stride, weights, w, out):
    for j, lane in enumerate(load_tile(a, at, stride, weights, w)):
        store(out, j * width(a), lane)


@jit
def run_tile(a, at, stride, weights, w, out):
    _tile(raw(a), at, stride, raw(weights), w, raw(out))


@codelet()
def _complex_product(a, out):
    step = width(a)
    re, im = cmul(load(a, 0), load(a, step), load(a, 2 * step), load(a, 3 * step))
    store(out, 0, re)
    store(out, step, im)


@jit
def run_complex_product(a, out):
    _complex_product(raw(a), raw(out))


@codelet()
def _smaller(a, i, j, out):
    store(out, 0, splat(a, imin(i, j)))
    store(out, width(a), splat(a, imin(i, 2)))


@jit
def run_smaller(a, i, j, out):
    _smaller(raw(a), i, j, raw(out))


@jit
def run_peek(a, i):
    return peek(a, i) + peek(raw(a), i + 1)


class TestLaneWords:
    def test_arithmetic(self, dtype, rng):
        L = LANES[dtype.name]
        a = rng.standard_normal(3 * L + 5).astype(dtype)
        out = Guarded(12 * L, dtype)
        run_arithmetic(a, 3, L + 4, out.array)
        out.check()
        x, y = a[3 : 3 + L], a[L + 4 : 2 * L + 4]
        got = out.array.reshape(12, L)
        exact = (x + y, x - y, x * y, x / y, -x, 2 + x, 2 - x, 3 * x, x - 1, np.abs(x))
        for lane, expected in zip(got, exact, strict=False):
            assert_same_bytes(lane, expected.astype(dtype))
        x, y = x.astype(np.longdouble), y.astype(np.longdouble)
        assert_near(got[10], (x * y + x).astype(float), 1.01 * eps(dtype) * np.abs(x * y).max() + eps(dtype))
        assert_same_bytes(got[11], np.maximum(x, y).astype(dtype))

    def test_places(self, dtype, rng):
        L = LANES[dtype.name]
        a = rng.standard_normal(4 * L).astype(dtype)
        out = Guarded(8 * L, dtype)
        run_places(a, 4, out.array)
        out.check()
        got = out.array
        assert_same_bytes(got[:L], a[7 : 7 + L])
        assert_same_bytes(got[L : 2 * L], np.full(L, a[3]))
        assert_same_bytes(got[2 * L : 3 * L], np.full(L, a[6]))
        assert_same_bytes(got[3 * L : 4 * L], np.zeros(L, dtype))
        assert_same_bytes(got[4 * L : 5 * L], np.full(L, 0.1, dtype))
        assert_same_bytes(got[5 * L : 7 * L], np.stack([a[:L], a[L : 2 * L]], axis=1).reshape(-1))
        assert_same_bytes(got[7 * L :], a[1 : 1 + L])

    def test_comparisons_and_nan(self, dtype):
        """The larger of two is NaN where either is, whatever the order; a comparison with NaN is false."""
        L = LANES[dtype.name]
        pairs = [
            (1, 2),
            (2, 1),
            (np.nan, 1),
            (1, np.nan),
            (np.nan, np.nan),
            (np.inf, 1),
            (-np.inf, np.inf),
            (0.25, 0.25),
        ]
        for first in range(0, len(pairs), L):
            a, b = np.resize(np.array(pairs[first : first + L], dtype=dtype), (L, 2)).T.copy()
            out = Guarded(4 * L, dtype)
            run_blend(a, b, out.array)
            out.check()
            got = out.array.reshape(4, L)
            with np.errstate(invalid="ignore"):
                np.testing.assert_array_equal(got[0], np.maximum(a, b))
                np.testing.assert_array_equal(got[1], np.maximum(a, b))
                np.testing.assert_array_equal(got[2], np.where(a < b, 1, 2))
                np.testing.assert_array_equal(got[3], np.where(a < 0.5, a * 2, b))

    def test_frexp_puts_the_fraction_around_one(self, dtype, rng):
        info = np.finfo(dtype)
        ends = [info.tiny, info.max, 1, 2, 0.5, np.sqrt(0.5), np.nextafter(dtype.type(np.sqrt(0.5)), dtype.type(0))]
        x = np.concatenate([ends, np.exp2(rng.uniform(info.minexp + 1, info.maxexp - 1, 57))]).astype(dtype)
        out = np.full(2 * x.size, np.nan, dtype)
        run_frexp(x, out)
        m, e = out.reshape(-1, 2, LANES[dtype.name]).transpose(1, 0, 2).reshape(2, -1)
        assert_same_bytes(np.ldexp(m, e.astype(int)), x)
        half = float(dtype.type(np.sqrt(0.5)))
        assert (m >= half).all()
        assert (m < 2 * half).all()
        assert (e == np.round(e)).all()

    @pytest.mark.parametrize("stride", [0, 1, 4, 13])
    def test_tile_is_a_weighted_transposition(self, stride, dtype, rng):
        L = LANES[dtype.name]
        a = rng.standard_normal(5 + (L - 1) * stride + 4).astype(dtype)
        weights = rng.standard_normal(9).astype(dtype)
        out = Guarded(4 * L, dtype)
        run_tile(a, 5, stride, weights, 3, out.array)
        out.check()
        rows = np.stack([a[5 + lane * stride :][:4] for lane in range(L)])
        assert_same_bytes(out.array.reshape(4, L), np.ascontiguousarray((rows * weights[3:7]).T))

    def test_complex_product(self, dtype, rng):
        L = LANES[dtype.name]
        a = rng.standard_normal(4 * L).astype(dtype)
        out = Guarded(2 * L, dtype)
        run_complex_product(a, out.array)
        out.check()
        x, y = (a.reshape(4, L)[i].astype(float) + 1j * a.reshape(4, L)[i + 1] for i in (0, 2))
        got = out.array.reshape(2, L)
        assert_near(got[0] + 1j * got[1], x * y, 2 * eps(dtype) * np.abs(x * y).max())

    def test_integers(self, dtype):
        L = LANES[dtype.name]
        a = np.arange(8).astype(dtype)
        for i, j in ((1, 5), (5, 1), (-1 + 4, 3)):
            out = Guarded(2 * L, dtype)
            run_smaller(a, i, j, out.array)
            out.check()
            assert_same_bytes(out.array, np.repeat(np.array([min(i, j), min(i, 2)], dtype), L))
        assert run_peek(np.array([3, 40, 500]), 1) == 540


# ---------------------------------------------------------------------------------------------------------------------
# Framing
# ---------------------------------------------------------------------------------------------------------------------


def shapes():
    """Yield ``(n, n_fft, hop, center)``: all short signals around a frame, and some long ones."""
    for n_fft in (1, 2, 5, 8):
        for hop in (1, 3, 11):
            for n in (0, 1, n_fft - 1, n_fft, n_fft + 1, 23, 64):
                for center in (False, True):
                    yield n, n_fft, hop, center


def rule(center):
    return "center" if center else "valid"


def job_of(lengths, counts) -> np.ndarray:
    """Return the job of clips of these lengths and numbers of frames; everything else in it is nonsense."""
    job = np.full(CLIPS + 2 * len(lengths) + 2, -1, dtype=np.int64)
    job[JOB.index("n_frames")], job[JOB.index("n_clips")] = sum(counts), len(lengths)
    job[CLIPS] = job[CLIPS + 1] = 0
    job[CLIPS + 2 :: 2], job[CLIPS + 3 :: 2] = np.cumsum(lengths), np.cumsum(counts)
    return job


class TestFraming:
    def test_places_that_the_pipeline_knows(self):
        names = ("n_frames", "n_clips", "head_stride", "tail_stride", "first", "end", "piece", "base")
        assert JOB[:11] == (*names, "next", "done", "next_2")
        assert (JOB.index("suspects"), JOB.index("seed"), CLIPS) == (pipeline._SUSPECTS, pipeline._SEED, pipeline._HEAD)
        counters = (pipeline._NEXT, pipeline._DONE, pipeline._NEXT_2, pipeline._DONE_2)
        assert tuple(JOB.index(name) for name in ("next", "done", "next_2", "done_2")) == counters

    @pytest.mark.parametrize("center", [False, True])
    @pytest.mark.parametrize("hop", [1, 2, 3, 7, 8, 20])
    @pytest.mark.parametrize("n_fft", [1, 2, 7, 8])
    def test_frame_count_for_every_length(self, n_fft, hop, center):
        for n in range(40):
            expected = framing_oracle.n_frames(n, n_fft, hop, center)
            assert count_frames(n, rule(center), n_fft, n_fft, hop) == expected

    @pytest.mark.parametrize("mode", PAD_MODES)
    @pytest.mark.parametrize(("left", "right"), [(0, 0), (1, 1), (4, 4), (9, 9), (0, 5), (7, 0), (3, 12)])
    def test_edges_are_those_of_padding_everything(self, left, right, mode, dtype, rng):
        for n in (1, 2, 3, 5, 9, 10, 19, 20, 50):
            y = rng.standard_normal((2, n)).astype(dtype)
            before = y.copy()
            head, tail = edges(y, left, right, mode)
            whole = np.pad(y, ((0, 0), (left, right)), mode=mode)
            assert_same_bytes(head, whole[:, :left])
            assert_same_bytes(tail, whole[:, left + n :])
            assert_same_bytes(y, before)

    def test_clip_of_every_frame(self):
        counts = [3, 0, 1, 0, 0, 5, 2, 0]
        job = job_of([10] * len(counts), counts)
        expected = np.repeat(np.arange(len(counts)), counts)
        assert [clip_of(job, g) for g in range(sum(counts))] == expected.tolist()

    @pytest.mark.parametrize("mode", PAD_MODES)
    def test_assemble_builds_the_frames_of_any_block(self, mode, dtype, rng):
        """Every block of every shape, in clips of three lengths: lanes run across borders and past the last frame."""
        L = LANES[dtype.name]
        for n, n_fft, hop, center in fewer(list(shapes()), 30):
            pad = n_fft // 2 if center else 0
            lengths = [n, n + 5, max(0, n - 1)]
            counts = [count_frames(m, rule(center), n_fft, n_fft, hop) for m in lengths]
            if sum(counts) == 0 or (min(lengths) == 0 and mode != "constant"):
                continue
            clips = [rng.standard_normal((1, m)).astype(dtype) for m in lengths]
            sides = [edges(y, pad, pad, mode) for y in clips]
            head, tail = (np.concatenate([side[i][0] for side in sides]) for i in (0, 1))
            expected = np.concatenate([framing_oracle.frames(y[0], n_fft, hop, center, mode)[:c]
                                       for y, c in zip(clips, counts, strict=True)])  # fmt: skip
            y = np.concatenate([y[0] for y in clips])
            job = job_of(lengths, counts)
            job[JOB.index("head_stride")] = job[JOB.index("tail_stride")] = pad
            for reach in {n_fft, max(1, n_fft - 2)}:
                for g in range(0, sum(counts), L):
                    work = Guarded(7 + L * (n_fft + 4), dtype)
                    assemble(y, head, tail, job, clip_of(job, g), g, hop, pad, n_fft, reach, work.array, 7)
                    work.check()
                    assert np.isnan(work.array[:7]).all()
                    got = work.array[7:].reshape(L, n_fft + 4)
                    assert (got[:, reach:] == 0).all()
                    count = min(L, sum(counts) - g)
                    assert_same_bytes(got[:count, :reach].copy(), expected[g : g + count, :reach].astype(dtype))
                    assert (got[count:] == 0).all()

    def test_silence_stands_for_the_edges_of_all_clips(self, dtype):
        y, silence = np.arange(1.0, 7.0).astype(dtype), np.zeros(4, dtype)
        job = job_of([3, 3], [1, 1])
        job[JOB.index("head_stride")] = job[JOB.index("tail_stride")] = 0
        work = np.full(8 + 12 * LANES[dtype.name], np.nan, dtype)
        assemble(y, silence, silence, job, 0, 0, 3, 2, 8, 8, work, 0)
        expected = [[0, 0, 1, 2, 3, 0, 0, 0], [0, 0, 4, 5, 6, 0, 0, 0]]
        np.testing.assert_array_equal(work[:24].reshape(2, 12)[:, :8], expected)

    def test_interior_blocks_lie_inside_the_signal(self):
        """Whatever is called interior can be read in place: one clip, no edge, 3 samples behind each frame."""
        for n, n_fft, hop, center in shapes():
            pad = n_fft // 2 if center else 0
            lengths = [n, n + 9]
            counts = [count_frames(m, rule(center), n_fft, n_fft, hop) for m in lengths]
            job = job_of(lengths, counts)
            for g in range(sum(counts)):
                clip = clip_of(job, g)
                for count in (1, 4, 8):
                    same = g + count <= (counts[0] if clip == 0 else sum(counts))
                    first = (g - counts[0] * clip) * hop - pad
                    last = first + (count - 1) * hop
                    expected = same and first >= 0 and last + n_fft + 3 <= lengths[clip]
                    assert bool(is_interior(job, clip, g, count, hop, pad, n_fft)) == expected

    @pytest.mark.parametrize("counts", [[1, 1, 1], [3, 0, 8], [9], [21, 1, 20, 0, 4]], ids=str)
    def test_scatter_puts_every_frame_in_its_place(self, counts, dtype, rng):
        L, n_rows, total = LANES[dtype.name], 2, sum(counts)
        blocks = -(-total // L)
        job = job_of([7] * len(counts), counts)
        values = rng.standard_normal((blocks, 2 * n_rows, L)).astype(dtype)
        out = Guarded(total * n_rows, dtype)
        pairs = Guarded(2 * total * n_rows, dtype)
        for block in range(blocks):
            work = np.concatenate([np.full(5, np.nan, dtype), values[block].reshape(-1)])
            clip = clip_of(job, block * L)
            scatter_rows(work, 5, n_rows, job, clip, block * L, out.array)
            scatter_complex(work, 5, n_rows, job, clip, block * L, pairs.array)
        out.check()
        pairs.check()
        flat = values.transpose(1, 0, 2).reshape(2 * n_rows, -1)[:, :total]
        first = 0
        for count in counts:
            here = slice(first * n_rows, (first + count) * n_rows)
            expected = flat[:, first : first + count]
            assert_same_bytes(out.array[here].reshape(n_rows, count), expected[:n_rows].copy())
            got = pairs.array.reshape(-1, 2)[here].reshape(n_rows, count, 2)
            assert_same_bytes(got[..., 0].copy(), expected[:n_rows].copy())
            assert_same_bytes(got[..., 1].copy(), expected[n_rows:].copy())
            first += count


# ---------------------------------------------------------------------------------------------------------------------
# Filterbank and cosines, as the pipeline calls them on given spectra
# ---------------------------------------------------------------------------------------------------------------------


class TestFilterbank:
    @pytest.mark.parametrize("density", [0.0, 0.02, 0.3, 1.0])
    @pytest.mark.parametrize("n_bins", [1, 2, 7, 40, 129])
    def test_banded_equals_dense(self, n_bins, density, dtype, rng):
        n_bands, n_frames = 9, 5
        matrix = rng.random((n_bands, n_bins)) * (rng.random((n_bands, n_bins)) < density)
        matrix[4] = 0  # an empty band
        matrix = matrix.astype(dtype)
        bank = bank_of_matrix(matrix, dtype)
        assert bank.n_empty == int((~matrix.any(axis=1)).sum())
        S = (rng.standard_normal((2, n_bins, n_frames)) ** 2).astype(dtype)
        out, work = Guarded(2 * n_bands * n_frames, dtype), Guarded((n_bins + n_bands) * LANES[dtype.name], dtype)
        job = job_of([1, 1], [n_frames] * 2)
        bank_blocks(S.reshape(-1), n_bins, bank.bands, n_bands, bank.weights, job, work.array, out.array)
        out.check()
        work.check()
        expected = np.stack([bank_oracle.apply(matrix, channel) for channel in S])
        got = out.array.reshape(2, n_bands, n_frames)
        # All terms are positive: a sum of k of them is off by at most k roundings of itself.
        assert (np.abs(got - expected) <= eps(dtype) * (n_bins + 1) * expected).all()
        assert (got[:, 4] == 0).all()

    def test_a_bin_outside_of_a_band_is_never_read(self, dtype):
        matrix = np.zeros((2, 9), dtype)
        matrix[0, 2:5], matrix[1, 6] = 1, 2
        bank = bank_of_matrix(matrix, dtype)
        S = np.full((1, 9, 3), np.nan, dtype)
        S[0, 2:5], S[0, 6] = 1, 4
        out = np.full(6, np.nan, dtype)
        work = np.full(11 * LANES[dtype.name], np.nan, dtype)
        bank_blocks(S.reshape(-1), 9, bank.bands, 2, bank.weights, job_of([1], [3]), work, out)
        np.testing.assert_array_equal(out.reshape(2, 3), [[3, 3, 3], [8, 8, 8]])


DCTS = [(kind, norm) for kind in (1, 2, 3) for norm in ("ortho", None)]


class TestCosines:
    @pytest.mark.parametrize(("kind", "norm"), DCTS)
    @pytest.mark.parametrize("n", [2, 3, 8, 23, 40, 128])
    def test_matrix_is_scipys_and_the_definitions(self, n, kind, norm):
        matrix = dct_matrix(n, n, kind=kind, norm=norm)
        assert_near(matrix, scipy.fft.dct(np.eye(n), type=kind, norm=norm, axis=0), 16 * eps(float))
        assert_near(matrix, cepstrum_oracle.dct(n, n, kind, norm), 16 * eps(float))
        assert_same_bytes(dct_matrix(2, n, kind=kind, norm=norm), matrix[:2].copy())

    @pytest.mark.parametrize("kind", [1, 2, 3])
    @pytest.mark.parametrize("n", [2, 5, 40, 128])
    def test_orthonormal(self, n, kind):
        matrix = dct_matrix(n, n, kind=kind, norm="ortho")
        assert_near(matrix @ matrix.T, np.eye(n), 16 * eps(float))

    @pytest.mark.parametrize("L", [0, 1, 12, 22, 22.5, 100])
    def test_lifter(self, L):
        assert_near(lifter_weights(20, L), cepstrum_oracle.lifter(20, L), 8 * eps(float) * (1 + L))
        if L == 0:
            assert (lifter_weights(20, 0) == 1).all()

    @pytest.mark.parametrize(("n_out", "n_in"), [(1, 1), (1, 7), (7, 7), (8, 40), (9, 40), (20, 128), (40, 40)])
    def test_kernel_is_the_product(self, n_out, n_in, dtype, rng):
        matrix = rng.standard_normal((n_out, n_in))
        groups = -(-n_out // GROUP)
        S = rng.uniform(-80, 0, (2, n_in, 5)).astype(dtype)
        out, work = Guarded(2 * n_out * 5, dtype), Guarded((2 + n_in + groups * GROUP) * LANES[dtype.name], dtype)
        job, table = job_of([1, 1], [5, 5]), packed(matrix, GROUP).astype(dtype)
        cosine_rows(S.reshape(-1), n_in, table, n_out, groups, job, work.array, out.array)
        out.check()
        work.check()
        rounded = matrix.astype(dtype).astype(float)
        bound = eps(dtype) * n_in * (np.abs(rounded) @ np.abs(S.astype(float)))
        assert (np.abs(out.array.reshape(2, n_out, 5) - rounded @ S.astype(float)) <= bound).all()


# ---------------------------------------------------------------------------------------------------------------------
# Decibels
# ---------------------------------------------------------------------------------------------------------------------


def to_db(x: np.ndarray, amin: float, offset: float = 0.0) -> np.ndarray:
    out = Guarded(x.size, x.dtype)
    scratch = Guarded(2 * LANES[x.dtype.name], x.dtype)
    before = x.copy()
    with np.errstate(all="ignore"):  # interpreted, NumPy warns of infinity
        decibels(x, np.array([amin, offset], x.dtype), out.array, scratch.array)
    out.check()
    scratch.check()
    assert_same_bytes(x, before)
    return out.array.copy()


class TestDecibels:
    def test_accurate_at_every_exponent(self, dtype, rng):
        """In units in the last place of the result (of 0.1 dB near 0 dB), subnormal numbers too.

        Near 0 dB the division's rounding shows in full; from 3 dB on the power of two dominates, which is exact.
        """
        info = np.finfo(dtype)
        exponents = np.arange(info.minexp - info.nmant, info.maxexp)
        fraction = rng.uniform(1, 2, (4 if JIT_DISABLED else 200, 1))
        x = np.ldexp(fraction, exponents).astype(dtype).reshape(-1)
        x = np.concatenate([x[x > 0], [info.smallest_subnormal, info.tiny, info.max, 1, 10, 100, 1e-10]]).astype(dtype)
        expected = 10 * np.log10(x.astype(np.longdouble))
        error = np.abs(to_db(x, info.smallest_subnormal) - expected)
        unit = np.spacing(np.maximum(np.abs(expected), 0.1).astype(dtype)).astype(np.longdouble)
        slack = 2 if JIT_DISABLED else 1  # interpreted, a fused multiply-add rounds twice
        assert float((error / unit).max()) <= slack * (2 if dtype == np.float32 else 4)
        assert float((error / unit)[np.abs(expected) > 3].max()) <= slack * 1.5

    def test_relative_near_one(self, dtype):
        """Near 0 dB the error is small in relation to the result as well."""
        x = (1 + np.arange(-200, 201) * eps(dtype)).astype(dtype)
        expected = 10 * np.log1p(x.astype(np.longdouble) - 1) / np.log(np.longdouble(10))
        got = to_db(x, 1e-10)
        assert (np.abs(got - expected) <= 4 * eps(dtype) * np.abs(expected)).all()
        assert got[200] == 0

    def test_powers_of_ten(self, dtype):
        x = 10.0 ** np.arange(-9, 10)
        assert_near(to_db(x.astype(dtype), 1e-10), 10.0 * np.arange(-9, 10), 90 * eps(dtype))

    def test_special_values(self, dtype):
        x = np.array([0, -0.0, -1, -np.inf, np.inf, np.nan, 1e-30, 1], dtype)
        floor = 10 * np.log10(float(dtype.type(1e-10)))
        got = to_db(x, 1e-10)
        np.testing.assert_allclose(got[[0, 1, 2, 3, 6]], floor, rtol=2 * eps(dtype))
        assert got[4] == np.inf
        assert np.isnan(got[5])
        assert got[7] == 0

    def test_monotone(self, dtype, rng):
        x = np.sort(np.concatenate([10 ** rng.uniform(-12, 12, 4000), 1 + np.arange(-500, 500) * eps(dtype)])).astype(
            dtype
        )
        # Neighbouring numbers may round either way; a step of 4 units in x is more than the error of the result.
        got = to_db(x, 1e-10).astype(float)
        assert (np.diff(got) >= -2 * np.spacing(np.abs(got[1:]).astype(dtype))).all()
        assert (to_db(x * dtype.type(1.001), 1e-10) > got)[x > 1e-9].all()

    @pytest.mark.parametrize("gain", [1e-3, 0.5, 7.0, 1e4])
    def test_a_gain_shifts_the_level(self, gain, dtype, rng):
        x = (10 ** rng.uniform(-3, 3, 500)).astype(dtype)
        shifted = to_db((x.astype(float) * gain**2).astype(dtype), 1e-30)
        assert_near(shifted - to_db(x, 1e-30).astype(float), np.full(500, 20 * np.log10(gain)), 120 * 4 * eps(dtype))

    def test_offset_is_subtracted(self, dtype, rng):
        x = rng.random(37).astype(dtype) + dtype.type(0.1)
        assert_same_bytes(to_db(x, 1e-10, 2.5), to_db(x, 1e-10) - dtype.type(2.5))

    @pytest.mark.parametrize("n", range(20))
    def test_any_length_has_the_same_bits(self, n, dtype, rng):
        x = (rng.standard_normal(n) ** 2).astype(dtype)
        one_by_one = np.concatenate([to_db(x[i : i + 1], 1e-10) for i in range(n)] or [np.zeros(0, dtype)])
        assert_same_bytes(to_db(x, 1e-10), one_by_one)
        expected = decibel_oracle.power_to_db(x, top_db=None)
        assert_near(to_db(x, 1e-10), expected, 200 * eps(dtype))

    def test_block_and_peaks(self, dtype, rng):
        L, n_rows = LANES[dtype.name], 6
        power = (10 ** rng.uniform(-14, 3, (n_rows, L))).astype(dtype)
        power[2, 1], power[3, 2] = 0, np.inf
        work = Guarded(3 + n_rows * L, dtype)
        work.array[3:] = power.reshape(-1)
        peaks = Guarded(3 * L, dtype)
        with np.errstate(all="ignore"):
            run_block_levels(work.array, n_rows, level_data("db", dtype, 1e-10, 1e-10), 1, peaks.array, L)
        work.check()
        peaks.check()
        got = work.array[3:].reshape(n_rows, L)
        assert_same_bytes(got, to_db(power.reshape(-1), 1e-10).reshape(n_rows, L))
        assert_same_bytes(peaks.array[L : 2 * L], got.max(axis=0))
        assert np.isnan(peaks.array[:L]).all()
        assert np.isnan(peaks.array[2 * L :]).all()

    @pytest.mark.parametrize("unit", UNITS)
    def test_every_unit(self, unit, dtype, rng):
        """Natural and decimal logarithms and decibels of amplitude, with each kind of floor."""
        L, n_rows = LANES[dtype.name], 9
        x = (10 ** rng.uniform(-12, 12, (n_rows, L))).astype(dtype)
        x[0, 0], x[1, 1], x[2, 0] = 0, np.nan, np.inf
        factor, log = {"db": (10, np.log10), "db20": (20, np.log10), "ln": (1, np.log), "log10": (1, np.log10)}[unit]
        smallest = float(np.finfo(dtype).smallest_subnormal)
        cases = [
            ((1e-3, 1e-3, 0.0), lambda v: np.maximum(v, float(dtype.type(1e-3)))),
            ((-1.0, 0.0, 1e-6), lambda v: v + float(dtype.type(1e-6))),
            ((smallest, 1e-8, 0.0), lambda v: np.where(v == 0, float(dtype.type(1e-8)), v)),
            ((-1.0, 0.0, 0.0), lambda v: v),
        ]
        for floor, floored in cases:
            work, peaks = np.concatenate([np.full(3, np.nan, dtype), x.reshape(-1)]), np.full(L, np.nan, dtype)
            with np.errstate(all="ignore"):
                run_block_levels(work, n_rows, level_data(unit, dtype, *floor), 1, peaks, 0)
                expected = factor * log(floored(x.astype(np.float64)))
            got = work[3:].reshape(n_rows, L)
            where = np.isfinite(expected)
            assert_same_bytes(got[~where].astype(float), expected[~where])
            allowed = 4 * eps(dtype) * np.maximum(np.abs(expected[where]), UNITS[unit])
            if floor[2]:  # the sum has been rounded
                allowed += UNITS[unit] * eps(dtype)
            assert (np.abs(got[where] - expected[where]) <= allowed).all()

    def test_levels_without_a_logarithm(self, dtype):
        L = LANES[dtype.name]
        work, peaks = np.concatenate([np.full(3, np.nan), np.linspace(0, 2, 2 * L)]).astype(dtype), np.zeros(L, dtype)
        before = work.copy()
        run_block_levels(work, 2, level_data("db", dtype, 0.5, 0.75), 0, peaks, 0)
        expected = np.where(before < 0.5, dtype.type(0.75), before)[3:]
        assert_same_bytes(work[3:].copy(), expected)
        assert_same_bytes(peaks, expected.reshape(2, L).max(axis=0))

    def test_root(self, dtype, rng):
        L = LANES[dtype.name]
        power = (rng.standard_normal(3 * L) ** 2).astype(dtype)
        work = Guarded(3 + 3 * L, dtype)
        work.array[3:] = power
        run_block_root(work.array, 3)
        work.check()
        assert_same_bytes(work.array[3:].copy(), np.sqrt(power))

    def test_clip_keeps_nan(self, dtype):
        values = np.array([[1, -5, np.nan], [0, 9, -np.inf]], dtype)
        clip_rows(values, np.array([-1, 3], dtype))
        np.testing.assert_array_equal(values, np.array([[1, -1, np.nan], [3, 9, 3]], dtype))


def level_data(unit, dtype, threshold, replacement, addend=0.0):
    return np.array([threshold, replacement, addend, *log_constants(unit, dtype.name)], dtype)


@jit
def run_block_levels(work, n_rows, data, logarithm, peaks, g):
    block_levels(raw(work), 3, n_rows, lanes(work), raw(data), logarithm, raw(work), 3, raw(peaks), g)


@jit
def run_block_root(work, n_rows):
    block_root(raw(work), 3, n_rows, lanes(work))
