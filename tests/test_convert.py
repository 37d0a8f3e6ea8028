"""Scales and units: against their definitions, against librosa, and round trips."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

import melfeat
from melfeat import ParameterError, convert
from tests.oracles import scales

EPS = np.finfo(np.float64).eps
HZ = np.array([0.0, 1e-3, 440.0, 999.9999, 1000.0, 1000.0001, 4000.0, 11025.0, 96000.0])


@pytest.mark.parametrize("htk", [False, True])
def test_scales_are_their_definitions(htk):
    # One logarithm or power and a few roundings: 8 or 16 eps of the value, and of the constants where HTK's cancels.
    expected = np.array([scales.hz_to_mel(f, htk) for f in HZ])
    got = convert.hz_to_mel(HZ, htk=htk)
    np.testing.assert_allclose(got, expected, rtol=8 * EPS, atol=2595 * EPS if htk else 0)
    back = np.array([scales.mel_to_hz(m, htk) for m in expected])
    np.testing.assert_allclose(convert.mel_to_hz(expected, htk=htk), back, rtol=16 * EPS, atol=700 * EPS if htk else 0)


@pytest.mark.parametrize("htk", [False, True])
@given(hz=st.floats(0, 1e6))
def test_mel_round_trip(htk, hz):
    # The inverse multiplies the rounding of the mel value by d ln f / d mel * mel, below 64 up to 1 MHz.
    assert convert.mel_to_hz(convert.hz_to_mel(hz, htk=htk), htk=htk) == pytest.approx(hz, rel=64 * EPS, abs=1400 * EPS)


def test_known_values():
    assert convert.hz_to_mel(1000.0) == pytest.approx(15.0, rel=2 * EPS)
    assert convert.hz_to_mel(60) == pytest.approx(0.9, rel=4 * EPS)
    assert convert.mel_to_hz(42.0) == pytest.approx(6400.0, rel=16 * EPS)
    assert convert.hz_to_mel(700.0, htk=True) == pytest.approx(2595 * np.log10(2.0), rel=4 * EPS)


@pytest.mark.parametrize("function", [convert.hz_to_mel, convert.mel_to_hz])
@pytest.mark.parametrize("htk", [False, True])
def test_scales_keep_shape_and_dtype(function, htk):
    for dtype in (np.float32, np.float64):
        values = np.linspace(0, 50, 24, dtype=dtype).reshape(2, 3, 4)
        before = values.copy()
        got = function(values[:, ::2].T, htk=htk)
        assert got.shape == (4, 2, 2)
        assert got.dtype == dtype
        np.testing.assert_array_equal(values, before)
    assert np.ndim(function(7, htk=htk)) == 0
    assert not isinstance(function(7, htk=htk), np.ndarray)
    assert function([], htk=htk).shape == (0,)


def test_frequencies_are_their_definitions():
    for sr, n_fft in ((22050, 2048), (16000, 1), (8000, 7), (44100.5, 400)):
        got = convert.fft_frequencies(sr, n_fft)
        np.testing.assert_allclose(got, scales.fft_frequencies(sr, n_fft), rtol=4 * EPS)
    for n_mels, fmin, fmax, htk in ((128, 0, 11025, False), (40, 20, 7600, True), (2, 300, 8000, False)):
        expected = scales.mel_frequencies(n_mels, fmin, fmax, htk)
        np.testing.assert_allclose(
            convert.mel_frequencies(n_mels, fmin, fmax, htk), expected, rtol=64 * EPS, atol=1e-12
        )
    assert convert.mel_frequencies(0).shape == (0,)
    assert convert.mel_frequencies(1, fmin=100.0).tolist() == pytest.approx([100.0])


@given(
    frame=st.integers(-(10**6), 10**6),
    hop=st.integers(1, 4096),
    n_fft=st.one_of(st.none(), st.integers(1, 8192)),
)
def test_frames_samples_round_trip(frame, hop, n_fft):
    sample = convert.frames_to_samples(frame, hop, n_fft)
    assert sample == frame * hop + (n_fft or 0) // 2
    assert convert.samples_to_frames(sample, hop, n_fft) == frame
    assert convert.samples_to_frames(sample + hop - 1, hop, n_fft) == frame
    assert convert.samples_to_frames(sample - 1, hop, n_fft) == frame - 1


def test_narrow_integers_do_not_overflow():
    assert convert.frames_to_samples(np.array([10**7], dtype=np.int32), 512).tolist() == [512 * 10**7]
    assert convert.frames_to_samples(np.array([200], dtype=np.uint8), 512).tolist() == [102400]
    assert convert.samples_to_frames(np.array([3], dtype=np.uint8), 512, n_fft=2048).tolist() == [-2]


def test_times():
    assert convert.frames_to_time(100, 16000, 160) == 1.0
    assert convert.frames_to_time([0, 1], sr=16000, hop_length=160, n_fft=400).tolist() == [0.0125, 0.0225]
    assert convert.time_to_frames([0.0, 0.0099, 0.01], 16000, 160).tolist() == [0, 0, 1]
    assert convert.time_to_samples(0.25, 22050) == 5512
    assert convert.samples_to_time(np.array([0, 22050])).tolist() == [0.0, 1.0]
    X = np.zeros((2, 13, 5))
    assert convert.samples_like(X, 160).tolist() == [0, 160, 320, 480, 640]
    assert convert.samples_like(X, axis=0).tolist() == [0, 512]
    assert convert.times_like(X, 16000, 160, n_fft=320).tolist() == [0.01, 0.02, 0.03, 0.04, 0.05]
    assert convert.times_like(3, 100, 10).tolist() == [0.0, 0.1, 0.2]
    assert convert.samples_like(np.zeros((20, 0))).shape == (0,)
    assert convert.times_like(0).shape == (0,)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: convert.hz_to_mel("a"), r"frequencies='a': expected real numbers"),
        (lambda: convert.mel_to_hz(1j), r"mels=1j: expected real numbers"),
        (lambda: convert.hz_to_mel([[1], [2, 3]]), "frequencies: expected numbers or a rectangular array"),
        (lambda: convert.hz_to_mel(1.0, htk="yes"), "htk='yes': expected True or False"),
        (lambda: convert.mel_frequencies(-1), "n_mels=-1: expected an integer >= 0"),
        (lambda: convert.mel_frequencies(4, fmax=np.inf), "fmax=inf: expected a finite number"),
        (lambda: convert.fft_frequencies(0), "sr=0: expected a finite number > 0"),
        (lambda: convert.fft_frequencies(8000, 0), "n_fft=0: expected an integer >= 1"),
        (lambda: convert.frames_to_samples(1, 0), "hop_length=0: expected an integer >= 1"),
        (lambda: convert.frames_to_samples(np.nan), "frames: not finite everywhere"),
        (lambda: convert.time_to_samples([0.0, np.inf]), "times: not finite everywhere"),
        (lambda: convert.samples_to_time(1, sr=-1), "sr=-1: expected a finite number > 0"),
        (lambda: convert.samples_to_frames(1, n_fft=2.0), "n_fft=2.0: expected an integer"),
        (lambda: convert.samples_like(np.zeros(3), axis=1), "axis=1: expected an integer"),
        (lambda: convert.samples_like(np.zeros(())), "axis=-1: expected an array with at least one dimension"),
        (lambda: convert.times_like(-1), "X=-1: expected a finite number >= 0"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ParameterError, match=message):
        call()


def test_every_name_is_at_the_top_level():
    for name in convert.__all__:
        assert getattr(melfeat, name) is getattr(convert, name)


def test_equals_librosa():
    librosa = pytest.importorskip("librosa")
    rng = np.random.default_rng(20)
    for dtype in (np.float64, np.float32):
        hz = rng.uniform(0, 20000, 500).astype(dtype)
        for htk in (False, True):
            for ours, theirs in ((convert.hz_to_mel, librosa.hz_to_mel), (convert.mel_to_hz, librosa.mel_to_hz)):
                x = hz if ours is convert.hz_to_mel else hz / dtype(5 if htk else 300)
                np.testing.assert_array_equal(ours(x, htk=htk), theirs(x, htk=htk), strict=True)
                assert ours(float(x[0]), htk=htk) == theirs(float(x[0]), htk=htk)
    for _ in range(100):
        sr, n_fft, hop = float(rng.uniform(1000, 96000)), int(rng.integers(1, 5000)), int(rng.integers(1, 2000))
        np.testing.assert_array_equal(convert.fft_frequencies(sr, n_fft), librosa.fft_frequencies(sr=sr, n_fft=n_fft))
        n_mels, low, htk = int(rng.integers(0, 200)), float(rng.uniform(0, 500)), bool(rng.integers(2))
        np.testing.assert_array_equal(
            convert.mel_frequencies(n_mels, fmin=low, fmax=sr, htk=htk),
            librosa.mel_frequencies(n_mels, fmin=low, fmax=sr, htk=htk),
            strict=True,
        )
        frames = rng.integers(-1000, 100000, (3, 4))
        times = rng.uniform(-5, 1000, 20)
        offset = None if rng.integers(2) else n_fft
        geometry = {"hop_length": hop, "n_fft": offset}
        for name, x, keywords in (
            ("frames_to_samples", frames, geometry),
            ("frames_to_samples", times, geometry),
            ("samples_to_frames", frames, geometry),
            ("samples_to_frames", times, geometry),
            ("frames_to_time", frames, {"sr": sr, **geometry}),
            ("time_to_frames", times, {"sr": sr, **geometry}),
            ("time_to_frames", times.astype(np.float32), {"sr": sr, **geometry}),
            ("time_to_samples", times, {"sr": sr}),
            ("samples_to_time", frames, {"sr": sr}),
            ("samples_like", frames, {"axis": 0, **geometry}),
            ("times_like", frames, {"sr": sr, **geometry}),
            ("times_like", 7, {"sr": sr, **geometry}),
        ):
            got, expected = getattr(convert, name)(x, **keywords), getattr(librosa, name)(x, **keywords)
            np.testing.assert_array_equal(got, expected, strict=True)
            if np.ndim(x) and not name.endswith("like"):
                scalar = x.ravel()[0].item()
                assert getattr(convert, name)(scalar, **keywords) == getattr(librosa, name)(scalar, **keywords)
