"""Mel filterbanks and the window envelope: oracles, golden values of librosa 0.11.0, librosa itself, refusals."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st

from melfeat import EmptyFilterWarning, ParameterError, filters
from melfeat.dsp.mel import banded, check_band, mel_basis, warn_if_empty
from tests.oracles import mel as oracle, windows as window_oracle

EPS32, EPS64 = float(np.finfo(np.float32).eps), float(np.finfo(np.float64).eps)

CASES = [
    # sr, n_fft, n_mels, fmin, fmax, htk, norm
    (22050, 2048, 128, 0.0, 11025.0, False, "slaney"),
    (16000, 400, 80, 0.0, 8000.0, False, "slaney"),
    (16000, 512, 40, 20.0, 7600.0, True, None),
    (8000, 255, 23, 64.0, 4000.0, True, 1.0),
    (44100, 999, 26, 300.0, 8000.0, False, 2.0),
    (11025.5, 601, 10, 0.0, 5512.75, False, np.inf),
    (8000, 16, 1, 0.0, 4000.0, False, "slaney"),
]

# Of librosa 0.11.0: sum of all float32 weights; (band, bin, weight) of the peaks of three bands.
GOLDEN = [
    (
        {"sr": 22050, "n_fft": 2048},
        11.886681291211517,
        [(0, 2, 0.03236570581793785), (64, 187, 0.01727883145213127), (127, 997, 0.0034852505195885897)],
    ),
    (
        {"sr": 16000, "n_fft": 400, "n_mels": 80},
        1.999024092387117,
        [(0, 1, 0.02486259490251541), (40, 43, 0.014735566452145576), (79, 192, 0.0031647118739783764)],
    ),
    (
        {"sr": 16000, "n_fft": 512, "n_mels": 40, "fmin": 20.0, "fmax": 7600.0, "htk": True, "norm": None},
        234.22836407576688,
        [(0, 2, 0.9607086181640625), (20, 58, 0.9583886861801147), (39, 228, 0.9886600971221924)],
    ),
    (
        {"sr": 44100, "n_fft": 999, "n_mels": 26, "fmin": 300.0, "fmax": 8000.0, "htk": True},
        0.5888103542765748,
        [(0, 9, 0.00974062830209732), (13, 54, 0.0038445363752543926), (25, 166, 0.0015470716170966625)],
    ),
    (
        {"sr": 8000, "n_fft": 256, "n_mels": 23, "norm": 2.0},
        62.636985992779955,
        [(0, 3, 0.6594199538230896), (11, 38, 0.5872867107391357), (22, 116, 0.35074737668037415)],
    ),
]


@pytest.fixture
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EmptyFilterWarning)
        yield


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.usefixtures("quiet")
def test_mel_is_its_definition(case, dtype):
    got = filters.mel(*case, dtype=dtype)
    expected = oracle.mel(*case)
    assert got.dtype == dtype
    assert got.shape == expected.shape
    # Corners carry some 16 eps of fmax, which the narrowest slope (40 Hz or more) divides; float32 rounds twice.
    rounding = 16 * EPS64 * case[4] / 40 + 2 * np.finfo(dtype).eps
    np.testing.assert_allclose(got, expected, rtol=0, atol=rounding * expected.max())


@pytest.mark.parametrize(("arguments", "total", "peaks"), GOLDEN)
def test_mel_golden_values(arguments, total, peaks):
    got = filters.mel(**arguments)
    for band, k, weight in peaks:
        # One ulp is left for another machine's logarithm.
        assert got[band, k] == pytest.approx(weight, rel=EPS32)
    assert got.sum(dtype=np.float64) == pytest.approx(total, rel=EPS32)


@pytest.mark.usefixtures("quiet")
def test_mel_equals_librosa_to_the_last_bit():
    librosa = pytest.importorskip("librosa")
    rng = np.random.default_rng(3)
    for _ in range(300):
        sr = float(rng.choice([8000, 11025, 16000, 22050, 44100, 48000, 22050.5, 12345.6]))
        fmin, fmax = np.sort(rng.uniform(0, sr / 2, 2))
        arguments = {
            "sr": sr,
            "n_fft": int(rng.choice([1, 2, 16, 37, 255, 400, 512, 999, 1024, 2048, 4096])),
            "n_mels": int(rng.integers(1, 140)),
            "fmin": 0.0 if rng.integers(2) else float(fmin),
            "fmax": None if rng.integers(2) else float(fmax),
            "htk": bool(rng.integers(2)),
            "norm": [None, "slaney", "slaney", 1, 2.0, np.inf, 0, 0.5, -np.inf][rng.integers(9)],
            "dtype": [np.float32, np.float64][rng.integers(2)],
        }
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            expected = librosa.filters.mel(**arguments)
        np.testing.assert_array_equal(filters.mel(**arguments), expected, strict=True, err_msg=str(arguments))


@given(
    sr=st.integers(4000, 96000),
    n_fft=st.integers(1, 700),
    n_mels=st.integers(1, 64),
    htk=st.booleans(),
    low=st.floats(0, 0.9),
    high=st.floats(0.01, 1),
    norm=st.sampled_from(["slaney", None, 1.0, 2.0]),
)
@settings(deadline=None)
def test_mel_properties(sr, n_fft, n_mels, htk, low, high, norm):
    assume(low < high - 1e-3)
    weights = mel_basis(sr, n_fft, n_mels, low * sr / 2, high * sr / 2, htk, norm, np.float64)
    assert (weights >= 0).all()
    bins = np.arange(1 + n_fft // 2) * sr / n_fft
    slack = 1e-6 * sr
    assert not weights[:, (bins < low * sr / 2 - slack) | (bins > high * sr / 2 + slack)].any()
    starts, counts, values = banded(weights)
    assert starts.dtype == counts.dtype == np.int64
    assert (starts >= 0).all()
    assert (starts + counts <= weights.shape[1]).all()
    np.testing.assert_array_equal(oracle.unbanded(starts, counts, values, weights.shape[1]), weights)
    if norm is None:
        # Without scaling, neighbouring triangles add up to 1 between the first and the last centre; nowhere more.
        assert weights.sum(axis=0).max(initial=0) <= 1 + 1e-9


def test_mel_results_are_the_callers():
    first = filters.mel(16000, 512, 40)
    first[:] = -1.0
    assert filters.mel(16000, 512, 40).min() == 0.0
    cached = mel_basis(16000, 512, 40)
    assert cached is mel_basis(16000.0, 512, 40, 0, 8000)
    assert not cached.flags.writeable


def test_banded_of_any_matrix():
    matrix = np.array([[0, 1, 0, 2, 0], [0, 0, 0, 0, 0], [3, 0, 0, 0, 0], [0, 0, 0, 0, 4], [1, 1, 1, 1, np.nan]])
    starts, counts, values = banded(matrix)
    assert starts.tolist() == [1, 0, 0, 4, 0]
    assert counts.tolist() == [3, 0, 1, 1, 5]
    assert values[:5].tolist() == [1, 0, 2, 3, 4]
    for dtype in (np.float32, np.float64):
        strided = np.asfortranarray(np.random.default_rng(0).normal(size=(6, 9)).astype(dtype))[::2, ::-1]
        parts = banded(strided)
        np.testing.assert_array_equal(oracle.unbanded(*parts, 9), strided, strict=True)
    for shape in ((0, 5), (5, 0), (0, 0)):
        starts, counts, values = banded(np.zeros(shape))
        assert starts.tolist() == counts.tolist() == [0] * shape[0]
        assert values.size == 0
    with pytest.raises(ParameterError, match=r"filterbank has shape \(3,\): expected \(n_bands, n_bins\)"):
        banded(np.zeros(3))


def test_empty_bands_warn_once_where_the_caller_stands():
    with pytest.warns(EmptyFilterWarning) as caught:
        weights = filters.mel(16000, 64, n_mels=80)
    empty = int((weights.max(axis=1) == 0).sum())
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert f"{empty} of 80 mel bands contain no FFT bin" in str(caught[0].message)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        filters.mel(16000, 512, n_mels=40)
        warnings.simplefilter("ignore", EmptyFilterWarning)
        filters.mel(16000, 64, n_mels=80)
    with pytest.warns(EmptyFilterWarning, match=r"1 of 2 mel bands .* \(the first: band 1\)") as caught:
        warn_if_empty(np.array([[1.0], [0.0]]), stacklevel=1)
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sr": 0}, r"sr=0: expected a finite number > 0 \[Hz\]"),
        ({"sr": np.nan}, "sr=nan: expected a finite number"),
        ({"n_fft": 0}, r"n_fft=0: expected an integer >= 1 \[samples\]"),
        ({"n_fft": 512.0}, "n_fft=512.0: expected an integer"),
        ({"n_mels": 0}, "n_mels=0: expected an integer >= 1"),
        ({"fmin": -1.0}, r"fmin=-1.0: expected a finite number >= 0 \[Hz\]"),
        ({"fmin": 8000}, r"fmin=8000: expected fmin < sr/2 = 8000 \[Hz\]"),
        ({"fmax": 8001}, r"fmax=8001: expected fmin < fmax <= sr/2, that is 0 < fmax <= 8000 \[Hz\]"),
        ({"fmin": 300, "fmax": 300}, "fmax=300: expected fmin < fmax"),
        ({"fmin": 300, "fmax": 200}, "fmax=200: expected fmin < fmax"),
        ({"fmax": np.inf}, "fmax=inf: expected a finite number"),
        ({"htk": "no"}, "htk='no': expected True or False"),
        ({"norm": "Slaney"}, "norm='Slaney': expected 'slaney', None, or the order"),
        ({"norm": -1}, "norm=-1: expected None, 0, a positive number"),
        ({"norm": True}, "norm=True: expected None, 0, a positive number"),
        ({"norm": np.nan}, "norm=nan: expected None, 0, a positive number"),
        ({"dtype": np.int16}, "dtype=.*int16.*: expected a floating-point dtype"),
        ({"dtype": np.complex64}, "dtype=.*complex64.*: expected a floating-point dtype"),
        ({"dtype": "no such"}, "dtype='no such': expected a floating-point dtype"),
    ],
)
def test_mel_refusals(arguments, message):
    with pytest.raises(ParameterError, match=message):
        filters.mel(**{"sr": 16000, "n_fft": 512, **arguments})


def test_check_band():
    assert check_band(16000) == (0.0, 8000.0)
    assert check_band(22050.5, 20, 11025.25) == (20.0, 11025.25)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_frames", [1, 2, 3, 4, 5, 17])
@pytest.mark.parametrize(("hop", "win", "n_fft"), [(3, 6, 8), (4, 8, 8), (1, 5, 5), (9, 4, 7), (8, 8, 8), (5, 7, 16)])
def test_window_sumsquare_is_its_definition(n_frames, hop, win, n_fft, dtype):
    got = filters.window_sumsquare("hann", n_frames, hop, win, n_fft, dtype)
    assert got.dtype == dtype
    expected = window_oracle.sum_of_squares(window_oracle.cosine_sum("hann", win, True), n_frames, hop, n_fft)
    # At most 8 positive terms, each rounded once into the sum; the float64 window itself is good to a few eps.
    np.testing.assert_allclose(got, expected, rtol=0, atol=8 * np.finfo(dtype).eps * expected.max() + 16 * EPS64)


def test_window_sumsquare_equals_librosa():
    librosa = pytest.importorskip("librosa")
    rng = np.random.default_rng(5)
    for _ in range(60):
        n_fft = int(rng.integers(1, 300))
        arguments = {
            "window": ["hann", "boxcar", ("kaiser", 4.0), 3.0][rng.integers(4)],
            "n_frames": int(rng.integers(1, 40)),
            "hop_length": int(rng.integers(1, 350)),
            "win_length": None if rng.integers(2) else int(rng.integers(1, n_fft + 1)),
            "n_fft": n_fft,
            "dtype": [np.float32, np.float64][rng.integers(2)],
            "norm": [None, np.inf, 1, 2][rng.integers(4)],
        }
        expected = librosa.filters.window_sumsquare(**arguments)
        np.testing.assert_array_equal(
            filters.window_sumsquare(**arguments), expected, strict=True, err_msg=str(arguments)
        )


def test_window_sumsquare_edges_and_refusals():
    assert filters.window_sumsquare("hann", 0, hop_length=2, n_fft=8).tolist() == [0.0] * 6
    assert filters.window_sumsquare("hann", 0, hop_length=9, n_fft=8).shape == (0,)
    with pytest.raises(ParameterError, match="win_length=9: expected an integer with 1 <= value <= 8"):
        filters.window_sumsquare("hann", 3, win_length=9, n_fft=8)
    with pytest.raises(ParameterError, match="hop_length=0: expected an integer >= 1"):
        filters.window_sumsquare("hann", 3, hop_length=0)
    with pytest.raises(ParameterError, match="n_frames=-1: expected an integer >= 0"):
        filters.window_sumsquare("hann", -1)
    with pytest.raises(ParameterError, match=r"dtype=.*: expected a floating-point dtype"):
        filters.window_sumsquare("hann", 1, dtype=int)
