"""Clips of any lengths in one call: the same bits as one call each, in any company."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import melfeat
from melfeat import pipeline
from melfeat.errors import EmptyFilterWarning, ParameterError
from melfeat.kernels._jit import JIT_DISABLED
from tests.support import assert_same_bytes

SMALL = {"n_mfcc": 5, "n_fft": 64, "hop_length": 16, "n_mels": 8}
LENGTHS = [0, 1, 63, 64, 65, 500, 1, 16, 15, 17, 900, 31, 0, 128]


def clips_of(rng, lengths, dtype=np.float32):
    gains = 10.0 ** rng.integers(-3, 2, len(lengths))
    return [(g * rng.standard_normal(n)).astype(dtype) for n, g in zip(lengths, gains, strict=True)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "options",
    [{}, {"pad_mode": "constant", "top_db": None}, {"center": True, "lifter": 22, "power": 1.0}, {"n_fft": 61}],
)
def test_each_clip_is_the_clip_alone(rng, dtype, options):
    clips = clips_of(rng, [n for n in LENGTHS if n or options.get("n_fft") != 61], dtype)
    expected = [melfeat.mfcc(clip, 8000, **{**SMALL, **options}) for clip in clips]
    got = melfeat.batch(clips, 8000, **{**SMALL, **options})
    assert isinstance(got, list)
    for one, other in zip(got, expected, strict=True):
        assert_same_bytes(one, other)


@pytest.mark.parametrize("mode", ["reflect", "edge", "symmetric", "linear_ramp", "empty"])
def test_edges_are_those_of_the_clip(rng, mode):
    clips = clips_of(rng, [1, 5, 64, 400, 33])
    if mode == "empty":  # what stands there is anything, but each clip has its frames
        assert [x.shape[1] for x in melfeat.batch(clips, **SMALL, pad_mode=mode, window="boxcar")] == [1, 1, 5, 26, 3]
        return
    for got, clip in zip(melfeat.batch(clips, **SMALL, pad_mode=mode), clips, strict=True):
        assert_same_bytes(got, melfeat.mfcc(clip, **SMALL, pad_mode=mode))


@settings(max_examples=5 if JIT_DISABLED else 60, deadline=None)
@given(st.lists(st.integers(0, 300), max_size=12), st.integers(0, 2**32 - 1), st.sampled_from([1, 40, 1000]))
def test_groups_change_nothing(lengths, seed, group):
    """However clips are copied together, each has its own bits."""
    clips = clips_of(np.random.default_rng(seed), lengths)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "_GROUP", group)
        got = melfeat.batch(clips, **SMALL)
    for one, clip in zip(got, clips, strict=True):
        assert_same_bytes(one, melfeat.mfcc(clip, **SMALL))


def test_chunks_of_levels_change_nothing(rng, monkeypatch):
    clips = clips_of(rng, [900, 3000, 20, 0, 1500])
    expected = melfeat.batch(clips, **SMALL)
    monkeypatch.setattr(pipeline, "CHUNK", 32 * SMALL["n_mels"])
    for got, other in zip(melfeat.batch(clips, **SMALL), expected, strict=True):
        assert_same_bytes(got, other)


def test_dtypes_side_by_side(rng):
    clips = [*clips_of(rng, [100, 200]), *clips_of(rng, [50], np.float64), *clips_of(rng, [70])]
    got = melfeat.batch(clips, **SMALL)
    assert [x.dtype for x in got] == [np.float32, np.float32, np.float64, np.float32]
    for one, clip in zip(got, clips, strict=True):
        assert_same_bytes(one, melfeat.mfcc(clip, **SMALL))


def test_padded(rng):
    clips = clips_of(rng, [300, 0, 64])
    x, lengths = melfeat.batch(clips, **SMALL, pad=True)
    assert x.shape == (3, 5, 19)
    assert lengths.tolist() == [19, 1, 5]
    for row, n, clip in zip(x, lengths, clips, strict=True):
        assert_same_bytes(row[:, :n].copy(), melfeat.mfcc(clip, **SMALL))
        assert not row[:, n:].any()


def test_an_array_and_a_generator(rng):
    y = rng.standard_normal((4, 200)).astype(np.float32)
    expected = melfeat.mfcc(y, **SMALL)
    assert_same_bytes(np.stack(melfeat.batch(y, **SMALL)), expected)
    assert_same_bytes(np.stack(melfeat.batch((row for row in y), **SMALL)), expected)
    assert_same_bytes(np.stack(melfeat.batch(y[:, ::2], **SMALL)), melfeat.mfcc(y[:, ::2], **SMALL))


def test_nothing():
    assert melfeat.batch([]) == []
    x, lengths = melfeat.batch([], n_mfcc=7, pad=True)
    assert x.shape == (0, 7, 0)
    assert lengths.size == 0


@pytest.mark.parametrize(
    ("clips", "options", "text"),
    [
        (np.zeros(9), {}, r"clips has shape \(9,\): expected a list of signals"),
        ([np.zeros(9), np.zeros((2, 9))], {}, r"clips\[1\] has shape \(2, 9\): expected one dimension"),
        ([np.zeros(9), np.zeros(9, np.int16)], {}, r"clips\[1\] has dtype int16.*32768"),
        ([np.zeros(9), [1.0, 2.0]], {}, r"clips\[1\] has type list"),
        ([np.zeros(9000), np.zeros(9)], {"center": False}, r"clips\[1\]: n_fft=2048 is too large .* 9 samples"),
        ([np.zeros(9), np.r_[np.zeros(5), np.inf]], {}, r"clips\[1\] is not finite everywhere: 1 .* index \(5,\)"),
        ([np.zeros(9)], {"n_mels": 0}, "n_mels=0"),
        ([], {"n_mels": 0}, "n_mels=0"),
        ([np.zeros(9)], {"norm": "htk"}, "norm='htk': expected one of 'ortho', None"),
    ],
)
def test_refusals_name_the_clip(clips, options, text):
    with np.errstate(all="ignore"), pytest.raises(ParameterError, match=text):
        melfeat.batch(clips, **options)


def test_the_clip_with_a_nan_is_found_in_any_group(rng, monkeypatch):
    monkeypatch.setattr(pipeline, "_GROUP", 100)
    clips = clips_of(rng, [60] * 9)
    clips[7][33] = np.nan
    with pytest.raises(ParameterError, match=r"clips\[7\] is not finite everywhere: 1 .* index \(33,\)"):
        melfeat.batch(clips, **SMALL)


def test_empty_bands_are_told_once():
    with pytest.warns(EmptyFilterWarning) as caught:
        melfeat.batch([np.zeros(900, np.float32)] * 3, n_fft=64, n_mels=60)
    assert len(caught) == 1
    assert caught[0].filename == __file__
