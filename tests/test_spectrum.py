"""The doors of `melfeat.spectrum`: transforms and decibels, against plain NumPy, and their refusals."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import melfeat
from melfeat import ParameterError
from melfeat.errors import MelfeatWarning
from tests.oracles import decibels as decibel_oracle, librosa_like as oracle
from tests.support import assert_near, assert_same_bytes, eps, growth

CONFIGURATIONS = [
    {"n_fft": 64},
    {"n_fft": 64, "hop_length": 100},
    {"n_fft": 63, "hop_length": 20, "win_length": 40, "window": "hamming", "pad_mode": "reflect"},
    {"n_fft": 61, "hop_length": 7, "center": False},
    {"n_fft": 80, "win_length": 33, "window": np.hanning(33), "pad_mode": "symmetric"},
    {"n_fft": 96, "hop_length": 24, "window": 8.6, "pad_mode": "linear_ramp"},
    {"n_fft": 1, "hop_length": 3, "window": "boxcar"},
    {"n_fft": 2, "hop_length": 1, "pad_mode": "edge"},
]


@pytest.fixture
def y(rng, dtype):
    """Two channels of 500 samples of noise."""
    return rng.standard_normal((2, 500)).astype(dtype)


class TestStft:
    @pytest.mark.parametrize("options", CONFIGURATIONS, ids=range(len(CONFIGURATIONS)))
    def test_values(self, y, dtype, options):
        expected = oracle.stft(y, **options)
        got = melfeat.stft(y, **options)
        assert got.dtype == np.result_type(dtype, np.complex64)
        n_fft = options["n_fft"]
        assert_near(got, expected, growth(n_fft) * eps(dtype) * 3 * np.sqrt(n_fft))

    def test_defaults(self, rng, dtype):
        y = rng.standard_normal(3000).astype(dtype)
        got = melfeat.stft(y)
        assert got.shape == (1025, 6)
        assert_near(got, oracle.stft(y), growth(2048) * eps(dtype) * np.sqrt(2048))

    @pytest.mark.parametrize("lead", [(), (1,), (2, 3), (0,), (2, 0)])
    def test_leading_dimensions(self, rng, dtype, lead):
        y = rng.standard_normal((*lead, 100)).astype(dtype)
        got = melfeat.stft(y, 64)
        assert got.shape == (*lead, 33, 7)
        for index in np.ndindex(*lead):
            assert_same_bytes(got[index], melfeat.stft(y[index], 64))

    @pytest.mark.parametrize("n", [0, 1, 63, 64, 65, 127, 499])
    def test_lengths(self, rng, dtype, n):
        y = rng.standard_normal(n).astype(dtype)
        assert_near(melfeat.stft(y, 64), oracle.stft(y, 64), growth(64) * eps(dtype) * 24)
        if n < 64:
            with pytest.raises(ParameterError, match=f"n_fft=64 is too large for uncentred frames of a signal of {n}"):
                melfeat.stft(y, 64, center=False)

    def test_a_signal_too_short_for_an_odd_frame(self):
        with pytest.raises(ParameterError, match="n_fft=15 is too large for frames of a signal of 0 samples; pad"):
            melfeat.stft(np.zeros(0), 15)

    def test_positional_calls_and_layouts(self, y):
        expected = melfeat.stft(y=y, n_fft=64, hop_length=20, win_length=50, window="hamming", center=False)
        assert_same_bytes(melfeat.stft(y, 64, 20, 50, "hamming", False), expected)
        for same in (np.asfortranarray(y), np.repeat(y, 2, axis=1)[:, ::2], np.ascontiguousarray(y[:, ::-1])[:, ::-1]):
            assert_same_bytes(melfeat.stft(same, 64, 20, 50, "hamming", False), expected)

    def test_input_is_untouched_and_may_be_read_only(self, y):
        before = y.copy()
        y.setflags(write=False)
        window = np.hanning(64)
        melfeat.stft(y, 64, window=window)
        assert_same_bytes(y, before)
        assert_same_bytes(window, np.hanning(64))
        assert window.flags.writeable

    def test_dtype(self, y):
        exact = melfeat.stft(y, 64)
        assert_same_bytes(melfeat.stft(y, 64, dtype=np.complex64), exact.astype(np.complex64))
        assert_same_bytes(melfeat.stft(y, 64, dtype="complex128"), exact.astype(np.complex128))
        assert melfeat.stft(y.astype(np.float16), 64).dtype == np.complex64
        assert melfeat.stft(y.astype(np.longdouble), 64).dtype == np.complex128
        with pytest.raises(ParameterError, match=r"expected a complex dtype such as np\.complex64"):
            melfeat.stft(y, 64, dtype=np.float32)

    def test_out(self, y):
        exact = melfeat.stft(y, 64)
        out = np.full(exact.shape, np.nan, exact.dtype)
        assert melfeat.stft(y, 64, out=out) is out
        assert_same_bytes(out, exact)
        longer = np.full((*exact.shape[:-1], exact.shape[-1] + 3), 7, exact.dtype)
        view = melfeat.stft(y, 64, out=longer)
        assert view.base is longer
        assert_same_bytes(view.copy(), exact)
        assert (longer[..., -3:] == 7).all()
        with pytest.raises(ParameterError, match=r"out has shape .* expected \(2, 33, 32\), or more"):
            melfeat.stft(y, 64, out=out[..., :-1])
        with pytest.raises(ParameterError, match="out has dtype float64: expected a complex"):
            melfeat.stft(y, 64, out=np.zeros(exact.shape))

    def test_an_impulse_is_the_window(self, dtype):
        y = np.zeros(64, dtype)
        y[32] = 1
        got = melfeat.stft(y, 64, 64, window="hann", center=False)
        assert_near(np.abs(got[:, 0]), np.ones(33), 8 * eps(dtype))

    @pytest.mark.parametrize(
        ("options", "text"),
        [
            ({"n_fft": 0}, "n_fft=0: expected an integer >= 1"),
            ({"hop_length": 0}, "hop_length=0"),
            ({"win_length": 65}, "win_length=65: .*raise n_fft"),
            ({"window": "hanning"}, "did you mean 'hann'"),
            ({"pad_mode": "wrap"}, "pad_mode='wrap': expected one of"),
            ({"center": 3}, "center=3: expected True or False"),
        ],
    )
    def test_refusals(self, options, text):
        with pytest.raises(ParameterError, match=text):
            melfeat.stft(np.ones(300), **{"n_fft": 64, **options})

    @pytest.mark.parametrize(
        ("y", "text"),
        [
            (np.zeros(300, np.int16), "y has dtype int16: .*divide"),
            (np.zeros(300, complex), "y has dtype complex128"),
            (np.array(1.0), r"y has shape \(\)"),
            ([1.0, 2.0], "y has type list"),
            (None, "y has type NoneType"),
        ],
    )
    def test_signals(self, y, text):
        with pytest.raises(ParameterError, match=text):
            melfeat.stft(y, 64)


class TestIstft:
    @pytest.mark.parametrize("options", CONFIGURATIONS[:6], ids=range(6))
    def test_round_trip(self, y, dtype, options):
        if options.get("hop_length", 0) > options["n_fft"] or options.get("pad_mode") in ("reflect", "symmetric"):
            options = {**options, "hop_length": 16, "pad_mode": "constant"}
        D = melfeat.stft(y, **options)
        back = {name: value for name, value in options.items() if name not in ("pad_mode",)}
        z = melfeat.istft(D, **back, length=500)
        assert z.shape == y.shape
        assert z.dtype == dtype
        edge = 64 if options.get("center") is False else 0
        inner = slice(edge, 500 - 2 * edge if edge else 500)
        assert_near(z[:, inner], y[:, inner].astype(float), 100 * eps(dtype))

    @pytest.mark.parametrize("n", [0, 1, 63, 64, 65, 499])
    def test_lengths(self, rng, n):
        y = rng.standard_normal(n)
        assert_near(melfeat.istft(melfeat.stft(y, 64), length=n), y, 1e-13)

    def test_length_pads_and_cuts(self, y):
        D = melfeat.stft(y, 64)
        whole = melfeat.istft(D)
        assert whole.shape == (2, 496)
        assert_same_bytes(melfeat.istft(D, length=100), whole[:, :100].copy())
        longer = melfeat.istft(D, length=600)
        assert longer.shape == (2, 600)
        assert not longer[:, 530:].any()

    def test_out_and_dtype(self, y, dtype):
        D = melfeat.stft(y, 64)
        out = np.full((2, 500), np.nan, dtype)
        assert melfeat.istft(D, length=500, out=out) is out
        assert_same_bytes(out, melfeat.istft(D, length=500))
        assert melfeat.istft(D, dtype=np.float64).dtype == np.float64
        with pytest.raises(ParameterError, match=r"out has shape \(2, 500\): expected \(2, 496\)"):
            melfeat.istft(D, out=out)

    def test_input_is_untouched(self, y):
        D = melfeat.stft(y, 64)
        before = D.copy()
        D.setflags(write=False)
        melfeat.istft(D)
        assert_same_bytes(D, before)

    def test_refusals(self, y):
        D = melfeat.stft(y, 64)
        with pytest.raises(ParameterError, match="stft_matrix: expected a complex"):
            melfeat.istft(np.abs(D))
        with pytest.raises(ParameterError, match="stft_matrix: expected a complex"):
            melfeat.istft(D[0, 0])
        with pytest.raises(ParameterError, match=r"n_fft=128: expected 1 \+ n_fft // 2 = 33"):
            melfeat.istft(D, n_fft=128)
        with pytest.raises(ParameterError, match="length=-1"):
            melfeat.istft(D, length=-1)
        with pytest.raises(ParameterError, match="hop_length=0"):
            melfeat.istft(D, hop_length=0)
        with pytest.raises(ParameterError, match="expected a floating-point dtype"):
            melfeat.istft(D, dtype=np.complex64)


class TestMagphase:
    @pytest.mark.parametrize("power", [1, 2, 0.5])
    def test_product_is_the_input(self, y, dtype, power):
        D = melfeat.stft(y, 64)
        D[0, 0, 0] = 0
        S, P = melfeat.magphase(D, power)
        assert S.dtype == dtype
        assert P.dtype == D.dtype
        assert_near(S, np.abs(D) ** power, 8 * eps(dtype) * S.max())
        assert_near(np.abs(P), np.ones(P.shape), 4 * eps(dtype))
        assert P[0, 0, 0] == 1
        assert_near(S ** (1 / power) * P, D, 8 * eps(dtype) * np.abs(D).max())

    def test_power_is_positive(self):
        for power in (0, -1, np.nan):
            with pytest.raises(ParameterError, match="power="):
                melfeat.magphase(np.ones((2, 2), complex), power)


class TestDecibels:
    @pytest.mark.parametrize(
        "options", [{}, {"ref": 3.0}, {"ref": -3.0}, {"amin": 1e-3, "top_db": 20}, {"top_db": None}, {"top_db": 0}]
    )
    @pytest.mark.parametrize("shape", [(), (1,), (17,), (9, 13), (3, 9, 13), (0,), (3, 0), (2, 0, 4)])
    def test_values(self, rng, dtype, shape, options):
        S = np.asarray(10 ** rng.uniform(-12, 2, shape), dtype=dtype)
        got = melfeat.power_to_db(S, **options)
        assert got.dtype == dtype
        assert_near(np.asarray(got), decibel_oracle.power_to_db(S, **options), 250 * eps(dtype))
        got = melfeat.amplitude_to_db(S, **options)
        assert_near(np.asarray(got), decibel_oracle.amplitude_to_db(S, **options), 500 * eps(dtype))

    def test_reference_by_channel(self, rng, dtype):
        S = (10 ** rng.uniform(-6, 2, (3, 9, 13))).astype(dtype)
        got = melfeat.power_to_db(S, ref=np.max)
        for channel, level in zip(S, got, strict=True):
            assert_near(level, decibel_oracle.power_to_db(channel, ref=channel.max()), 250 * eps(dtype))
            assert_near(level, melfeat.power_to_db(channel, ref=np.max).astype(float), 64 * eps(dtype))
        assert_near(got.max(axis=(1, 2)), np.zeros(3), 64 * eps(dtype))  # the level of the peak, less itself

    def test_reference_function_of_one_argument(self, rng):
        S = rng.random((9, 13))
        assert_near(melfeat.power_to_db(S, ref=lambda x: x.mean()), melfeat.power_to_db(S, ref=S.mean()), 1e-13)
        with pytest.raises(ParameterError, match="expected a function that takes axis and keepdims"):
            melfeat.power_to_db(S[np.newaxis], ref=lambda x: x.mean())

    def test_input_is_untouched(self, rng, dtype):
        S = rng.random((4, 9)).astype(dtype)
        before = S.copy()
        S.setflags(write=False)
        melfeat.power_to_db(S, ref=np.max)
        melfeat.amplitude_to_db(S)
        melfeat.db_to_power(S)
        assert_same_bytes(S, before)

    def test_layout_changes_nothing(self, rng, dtype):
        S = rng.random((6, 9, 4)).astype(dtype)
        expected = melfeat.power_to_db(S)
        assert_same_bytes(melfeat.power_to_db(np.asfortranarray(S)), expected)
        assert_same_bytes(melfeat.power_to_db(np.ascontiguousarray(S[:, ::-1])[:, ::-1]), expected)

    def test_a_batch_is_its_channels(self, rng, dtype):
        S = (10 ** rng.uniform(-12, 2, (5, 9, 13))).astype(dtype)
        for channel, level in zip(S, melfeat.power_to_db(S), strict=True):
            assert_same_bytes(melfeat.power_to_db(channel), np.ascontiguousarray(level))

    def test_lists_integers_and_scalars(self):
        assert melfeat.power_to_db([1, 10, 100]).tolist() == [0, 10, 20]
        assert float(melfeat.power_to_db(1000)) == pytest.approx(30, rel=1e-15)
        assert melfeat.power_to_db(np.arange(3)).dtype == np.float64
        assert melfeat.power_to_db(np.float16(10)).dtype == np.float32

    def test_complex_warns_and_points_here(self, rng):
        D = rng.standard_normal((3, 4)) + 1j
        for door in (melfeat.power_to_db, melfeat.amplitude_to_db):
            with pytest.warns(MelfeatWarning, match="got complex input and takes its magnitude") as caught:
                got = door(D)
            assert caught[0].filename == __file__
            assert_near(got, door(np.abs(D)), 0.0)

    @pytest.mark.parametrize("door", [melfeat.power_to_db, melfeat.amplitude_to_db])
    @pytest.mark.parametrize(
        ("options", "text"),
        [
            ({"amin": 0}, "amin=0: expected a finite number > 0"),
            ({"amin": -1}, "amin=-1"),
            ({"amin": np.nan}, "amin=nan"),
            ({"top_db": -1}, r"top_db=-1: .* >= 0 \[dB\]"),
            ({"top_db": "loud"}, "top_db='loud'"),
        ],
    )
    def test_refusals(self, door, options, text):
        with pytest.raises(ParameterError, match=text):
            door(np.ones((3, 4)), **options)
        with pytest.raises(ParameterError, match="S has dtype <U1: expected real numbers"):
            door(np.array(["a"]))

    def test_amin_below_the_dtype(self):
        with pytest.raises(ParameterError, match="amin=1e-60: is 0 in float32; use a larger amin or float64"):
            melfeat.power_to_db(np.ones(3, np.float32), amin=1e-60)

    @pytest.mark.parametrize("ref", [1.0, 2.5])
    def test_inverses(self, rng, dtype, ref):
        S = (10 ** rng.uniform(-4, 4, (9, 13))).astype(dtype)
        there = melfeat.power_to_db(S, ref=ref, top_db=None)
        back = melfeat.db_to_power(there, ref=ref)
        assert back.dtype == dtype
        # 40 dB are told apart to eps · 40, and 1 dB is a factor of e^0.23.
        assert (np.abs(back - S) <= 60 * eps(dtype) * S).all()
        back = melfeat.db_to_amplitude(melfeat.amplitude_to_db(S, ref=ref, top_db=None), ref=ref)
        assert back.dtype == dtype
        assert (np.abs(back - S) <= 60 * eps(dtype) * S).all()

    @settings(max_examples=60)
    @given(st.lists(st.floats(1e-9, 1e9), min_size=1, max_size=30), st.floats(1e-3, 1e3))
    def test_monotone_and_a_gain_is_a_shift(self, values, gain):
        S = np.sort(np.array(values))
        level = melfeat.power_to_db(S, top_db=None, amin=1e-20)
        assert np.isfinite(level).all()
        assert (np.diff(level) >= -1e-13).all()
        shifted = melfeat.power_to_db(S * gain**2, top_db=None, amin=1e-20)
        assert_near(shifted - level, np.full(S.shape, 20 * np.log10(gain)), 1e-11)

    def test_nan_and_infinity_pass_through(self, dtype):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            got = melfeat.power_to_db(np.array([np.inf, 1, 0], dtype), top_db=None)
        assert got[0] == np.inf
        assert np.isfinite(got[1:]).all()
