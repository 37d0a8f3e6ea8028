"""Sampling-rate conversion: librosa's bits with every backend, and what conversion means."""

from __future__ import annotations

import os
import sys
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import melfeat
from melfeat.errors import MissingExtraError, ParameterError
from tests.oracles import pcm as oracle

SOXR = ["soxr_vhq", "soxr_hq", "soxr_mq", "soxr_lq", "soxr_qq"]
RESAMPY = ["kaiser_best", "kaiser_fast"]
SAMPLERATE = ["sinc_best", "sinc_medium", "sinc_fastest", "linear", "zero_order_hold"]
CORE = [*SOXR, "fft", "scipy", "polyphase"]
RATES = [(44100, 22050), (22050, 44100), (16000, 11025), (8000, 48000), (1000, 999)]


def need(res_type: str) -> None:
    if res_type in RESAMPY:
        pytest.importorskip("resampy")
        if os.environ.get("NUMBA_DISABLE_JIT", "0") != "0":
            pytest.skip("resampy itself does not run without the JIT")
    if res_type in SAMPLERATE:
        pytest.importorskip("samplerate")


@pytest.mark.parametrize("res_type", [*CORE, *RESAMPY, *SAMPLERATE])
def test_values_of_librosa(res_type: str) -> None:
    need(res_type)
    librosa = pytest.importorskip("librosa")
    rng = np.random.default_rng(5)
    for dtype in (np.float32, np.float64):
        for shape, axis in (((997,), -1), ((2, 3, 400), -1), ((500, 2), 0), ((2, 301, 3), 1)):
            y = rng.standard_normal(shape).astype(dtype)
            for orig_sr, target_sr in RATES:
                for options in ({}, {"fix": False}, {"scale": True}):
                    named = {"orig_sr": orig_sr, "target_sr": target_sr, "res_type": res_type, "axis": axis, **options}
                    expected = librosa.resample(y, **named)
                    if res_type in ("fft", "scipy") and y.ndim > 1:  # SciPy 1.18: channels together have other bits
                        alone = partial(librosa.resample, **{**named, "axis": -1})
                        expected = np.apply_along_axis(alone, axis, y)
                    before = y.copy()
                    got = melfeat.resample(y, **named)
                    assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
                    np.testing.assert_array_equal(got, expected)
                    np.testing.assert_array_equal(y, before)


def test_fractional_rates_and_strides() -> None:
    librosa = pytest.importorskip("librosa")
    y = np.random.default_rng(6).standard_normal((3, 1200))
    for layout in (y[:, ::2], np.asfortranarray(y), y[::-1]):
        expected = librosa.resample(layout, orig_sr=22050.5, target_sr=16000)
        np.testing.assert_array_equal(melfeat.resample(layout, 22050.5, 16000), expected)


@pytest.mark.parametrize("res_type", ["soxr_vhq", "soxr_hq", "fft", "polyphase", "kaiser_best"])
@pytest.mark.parametrize(("orig_sr", "target_sr"), [(44100, 22050), (16000, 22050), (8000, 44100)])
def test_a_sine_stays_a_sine(res_type: str, orig_sr: int, target_sr: int) -> None:
    need(res_type)
    y = oracle.resampled_sine(1000.0, orig_sr, orig_sr)
    got = melfeat.resample(y, orig_sr, target_sr, res_type)
    expected = oracle.resampled_sine(1000.0, target_sr, target_sr)
    assert got.shape == expected.shape
    # Away from the ends every backend's pass band is flat to 60 dB or better; the worst, polyphase, has 10 periods.
    middle = slice(target_sr // 4, -target_sr // 4)
    assert np.abs(got - expected)[middle].max() < 2e-3


def test_scale_keeps_the_energy() -> None:
    y = np.random.default_rng(7).standard_normal(8000)
    kept = melfeat.resample(y, 8000, 32000, scale=True)
    # Upsampling loses only the transition band (soxr_hq passes 91 % of it), of white noise 9 % of the energy at most.
    assert 0.9 < np.sum(kept**2) / np.sum(y**2) < 1.01


@given(n=st.integers(0, 300), orig_sr=st.integers(1, 50), target_sr=st.integers(1, 50))
@settings(max_examples=80, deadline=None)
def test_length(n: int, orig_sr: int, target_sr: int) -> None:
    y = np.ones((2, n), np.float32)
    for res_type in ("soxr_hq", "polyphase", "fft"):
        got = melfeat.resample(y, orig_sr, target_sr, res_type)
        assert got.shape == (2, int(np.ceil(n * (target_sr / orig_sr))))
        assert got.dtype == np.float32
        assert np.isfinite(got).all()


@pytest.mark.parametrize("res_type", [*CORE, *RESAMPY, *SAMPLERATE])
@pytest.mark.parametrize("n", [0, 1, 2])
def test_tiny_signals(res_type: str, n: int) -> None:
    need(res_type)
    for target_sr in (1000, 22050, 96000):
        for dtype in (np.float32, np.float64):
            got = melfeat.resample(np.ones(n, dtype), 44100, target_sr, res_type)
            assert (got.dtype, got.shape) == (dtype, (-(-n * target_sr // 44100),))
            assert np.isfinite(got).all()
    assert melfeat.resample(np.ones((0, 5)), 44100, 22050, res_type).shape == (0, 3)
    assert melfeat.resample(np.ones((n, 3)), 2, 4, res_type, axis=0).shape == (2 * n, 3)


def test_equal_rates_give_the_signal_itself() -> None:
    y = np.ones(5)
    assert melfeat.resample(y, 8000, 8000.0) is y
    assert melfeat.resample(y, 22050.5, 22050.5, "polyphase") is y


def test_channels_alone_equal_channels_together() -> None:
    y = np.random.default_rng(8).standard_normal((3, 2000)).astype(np.float32)
    for res_type in CORE:
        together = melfeat.resample(y, 44100, 16000, res_type)
        for c in range(3):
            np.testing.assert_array_equal(together[c], melfeat.resample(y[c], 44100, 16000, res_type))


@pytest.mark.parametrize("res_type", [*RESAMPY, *SAMPLERATE])
def test_missing_extra(res_type: str, monkeypatch: pytest.MonkeyPatch) -> None:
    package = "resampy" if res_type in RESAMPY else "samplerate"
    monkeypatch.setitem(sys.modules, package, None)  # what makes `import` fail
    text = rf"res_type='{res_type}' needs the package {package}: run pip install \"melfeat\[{package}\]\", or use"
    with pytest.raises(MissingExtraError, match=text) as caught:
        melfeat.resample(np.ones(100), 44100, 22050, res_type)
    assert isinstance(caught.value, ImportError)
    with pytest.raises(MissingExtraError, match=text):
        melfeat.load(oracle.wav_bytes(bytes(400), tag=1, bits=16), res_type=res_type)


@pytest.mark.parametrize(
    ("kwargs", "text"),
    [
        ({"y": [1.0]}, "y has type list: expected a numpy.ndarray"),
        ({"y": np.ones(3, np.int16)}, "y has dtype int16: expected floating point"),
        ({"y": np.ones(3, complex)}, "y has dtype complex128"),
        ({"y": np.array(1.0)}, r"y has shape \(\)"),
        ({"y": np.array([0.0, np.inf])}, r"y is not finite everywhere: 1 .*index \(1,\)"),
        ({"orig_sr": 0}, r"orig_sr=0: expected a finite number > 0 \[Hz\]"),
        ({"target_sr": -1}, r"target_sr=-1: expected a finite number > 0 \[Hz\]"),
        ({"target_sr": "x"}, "target_sr='x': expected"),
        ({"orig_sr": float("inf")}, "orig_sr=inf: expected"),
        ({"res_type": "kaiser"}, "res_type='kaiser': expected one of 'soxr_vhq', .*'zero_order_hold'"),
        ({"res_type": "polyphase", "target_sr": 0.5}, r"target_sr=0\.5: expected a whole number of Hz for"),
        ({"res_type": "polyphase", "orig_sr": 7.5}, r"orig_sr=7\.5: expected a whole number.*use res_type='soxr_hq'"),
        ({"axis": 1}, "axis=1: expected an integer with -1 <= value <= 0"),
        ({"fix": "no"}, "fix='no': expected True or False"),
        ({"scale": None}, "scale=None: expected True or False"),
    ],
)
def test_refuses(kwargs: dict[str, object], text: str) -> None:
    with pytest.raises(ParameterError, match=text):
        melfeat.resample(**{"y": np.ones(9), "orig_sr": 8000, "target_sr": 4000, **kwargs})
