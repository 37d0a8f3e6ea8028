"""Filterbanks and cosine transforms of every dialect: against the oracle, peers' numbers, and what they must obey."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, strategies as st

from melfeat import ParameterError
from melfeat.dsp.bank import band_edges_hz, bin_rate, filterbank_matrix
from melfeat.dsp.cepstrum import cepstral_matrix, dct_matrix, lifter_weights, n_cepstra
from melfeat.dsp.mel import mel_basis
from tests.oracles import dialects as oracle

EPS = np.finfo(np.float64).eps
TRIANGLES = ("hz", "mel", "htk", "psf", "etsi")
SCALES = ("slaney", "htk", "htk_ln")
KALDI = {"mel_scale": "htk_ln", "mel_norm": None, "triangles": "mel", "bins": "no_nyquist", "fmin": 20.0}


def expected_bank(sr, n_fft, **fields):
    return oracle.filterbank(sr, n_fft, SimpleNamespace(**{**oracle.DEFAULTS["filterbank"], **fields}))


def assert_is_oracle(sr, n_fft, fields):
    got = filterbank_matrix(sr, n_fft, **fields)
    expected = expected_bank(sr, n_fft, **fields)
    assert got.shape == (fields["n_mels"], 1 + n_fft // 2)
    # A side is a difference of frequencies up to sr / 2, each good to some eps, over its width; mirrored up to sr.
    edges = band_edges_hz(sr, **{k: v for k, v in fields.items() if k not in ("mel_norm", "triangles", "bins")})
    error = 32 * EPS * sr / np.diff(edges).min()
    np.testing.assert_allclose(got, expected, rtol=0, atol=error * max(1.0, np.abs(expected).max()))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("norm", ["slaney", None, 1, 2.0, np.inf])
@pytest.mark.parametrize("htk", [False, True])
def test_librosas_case_is_the_mel_basis_to_the_last_bit(htk, norm, dtype):
    scale = "htk" if htk else "slaney"
    for sr, n_fft, n_mels, fmin, fmax in ((22050, 2048, 128, 0.0, None), (16000, 400, 40, 20.0, 7600.0)):
        band = {"n_mels": n_mels, "fmin": fmin, "fmax": fmax}
        got = filterbank_matrix(sr, n_fft, **band, mel_scale=scale, mel_norm=norm, dtype=dtype)
        basis = mel_basis(sr, n_fft, n_mels, fmin, fmax, htk, norm, dtype)
        np.testing.assert_array_equal(got, basis, strict=True)
        assert not got.flags.writeable
        through = filterbank_matrix(sr, n_fft, **band, mel_scale=scale, mel_norm=norm, weights_dtype="float32")
        single = mel_basis(sr, n_fft, n_mels, fmin, fmax, htk, norm, np.float32)
        np.testing.assert_array_equal(through, single.astype(np.float64), strict=True)


@pytest.mark.parametrize("triangles", TRIANGLES)
@pytest.mark.parametrize("scale", SCALES)
def test_is_the_oracle(triangles, scale):
    for sr, n_fft, n_mels, fmin, fmax in (
        (16000, 512, 23, 0.0, None),
        (16000, 512, 26, 133.0, 7800.0),
        (8000, 256, 13, 64.0, 0.0),
        (44100, 2047, 40, 20.0, -400.0),
        (11025, 400, 10, 0.0, 5000.0),
    ):
        band = {"n_mels": n_mels, "fmin": fmin, "fmax": fmax, "mel_scale": scale, "triangles": triangles}
        for bins, norm in zip(("all", "no_nyquist", "no_dc", "inner"), (None, "slaney", "tri", "sum"), strict=True):
            assert_is_oracle(sr, n_fft, {**band, "bins": bins, "mel_norm": norm})


@pytest.mark.parametrize("kind", ["kaldi", "htk"])
@pytest.mark.parametrize("warp", [0.85, 0.97, 1.2])
def test_warped_is_the_oracle(warp, kind):
    for triangles, (low, high) in itertools.product(("mel", "htk", "hz"), ((100.0, -1500.0), (300.0, 6000.0))):
        fields = {"n_mels": 20, "mel_scale": "htk_ln", "mel_norm": None, "triangles": triangles, "fmin": 20.0}
        fields |= {"vtln_warp": warp, "vtln_kind": kind, "vtln_low": low, "vtln_high": high}
        assert_is_oracle(16000, 512, fields)
        unwarped = filterbank_matrix(16000, 512, **{**fields, "vtln_warp": 1.0})
        assert np.abs(filterbank_matrix(16000, 512, **fields) - unwarped).max() > 0.1


def test_htks_warp_leaves_the_lowest_edge():
    fields = {"n_mels": 20, "mel_scale": "htk_ln", "mel_norm": None, "triangles": "htk", "fmin": 200.0}
    fields |= {"vtln_warp": 0.9, "vtln_kind": "htk", "vtln_low": 0.0, "vtln_high": 6000.0}
    assert_is_oracle(16000, 512, fields)
    del fields["triangles"], fields["mel_norm"]
    edges = band_edges_hz(16000, **fields)
    np.testing.assert_allclose(edges[[0, -1]], [200.0, 8000.0], rtol=1e-12)


def test_warp_is_that_of_torchaudio():
    # torchaudio 2.11, compliance.kaldi.get_mel_banks(8, 512, 16000, fmin, fmax, low, high, warp): of each band the sum
    # of the weights and the mean bin; its weights are float32.
    for warp, fmin, fmax, low, high, sums, means in (
        (1.1, 20.0, 0.0, 100.0, -500.0, [7.6637, 10.1668, 13.3809, 17.6748, 23.2934, 30.7354, 40.5367, 63.957],
         [7.818, 16.791, 28.641, 44.266, 64.883, 92.068, 127.933, 182.477]),
        (0.9, 20.0, 0.0, 100.0, -500.0, [9.4618, 12.4009, 16.3759, 21.5866, 28.4766, 37.5641, 49.5449, 52.1584],
         [9.484, 20.493, 34.972, 54.075, 79.264, 112.495, 156.329, 205.181]),
        (0.85, 100.0, 7000.0, 300.0, 6000.0, [10.1057, 12.5981, 16.2019, 20.8482, 26.7938, 34.4713, 42.5327, 38.1635],
         [12.774, 24.229, 38.703, 57.328, 81.276, 112.068, 150.451, 188.769]),
    ):  # fmt: skip
        options = {**KALDI, "fmin": fmin, "fmax": fmax, "vtln_warp": warp, "vtln_low": low, "vtln_high": high}
        got = filterbank_matrix(16000, 512, n_mels=8, **options)
        np.testing.assert_allclose(got.sum(axis=1), sums, rtol=0, atol=1e-4)
        np.testing.assert_allclose(got @ np.arange(257) / got.sum(axis=1), means, rtol=0, atol=1e-3)


def test_htks_bins():
    # HTK counts bins from 1: LOFREQ 20 Hz rounds up past bin 1, 47 Hz (1.5) past bin 2; DC and Nyquist are unused.
    options = {"n_mels": 23, "mel_scale": "htk_ln", "mel_norm": None, "triangles": "htk"}
    for fmin, first in ((0.0, 1), (15.0, 1), (20.0, 2), (25.0, 2), (46.0, 2), (47.0, 3), (125.0, 5)):
        used = filterbank_matrix(16000, 512, fmin=fmin, **options).any(axis=0)
        assert used.argmax() == first, fmin
        assert not used[256]
        assert used[255]
    for fmax, last in ((7999.0, 255), (7980.0, 254), (4000.0, 127)):
        used = filterbank_matrix(16000, 512, fmax=fmax, **options).any(axis=0)
        assert np.flatnonzero(used)[-1] == last, fmax


def test_htks_period_of_whole_units():
    assert bin_rate(16000.0, "period") == 16000.0  # 625 units of 100 ns
    assert bin_rate(22050.0, "period") == 1e7 / 453
    assert bin_rate(22050.0, "exact") == 22050.0
    for sr in (22050, 44100, 11025):
        fields = {"n_mels": 23, "mel_scale": "htk_ln", "mel_norm": None, "triangles": "htk", "nyquist": "period"}
        assert_is_oracle(sr, 1024, fields)
        exact = filterbank_matrix(sr, 1024, **{**fields, "nyquist": "exact"})
        assert np.abs(filterbank_matrix(sr, 1024, **fields) - exact).max() > 1e-6


def test_bins_that_are_left_out():
    options = {"n_mels": 4, "fmin": 0.0, "mel_scale": "htk", "mel_norm": None, "triangles": "etsi"}
    whole = filterbank_matrix(8000, 64, **options)
    assert whole[0, 0] > 0
    assert whole[-1, 32] > 0
    for bins, dc, nyquist in (("no_dc", False, True), ("no_nyquist", True, False), ("inner", False, False)):
        got = filterbank_matrix(8000, 64, **options, bins=bins)
        assert (got[0, 0] > 0, got[-1, 32] > 0) == (dc, nyquist)
        np.testing.assert_array_equal(got[:, 1:-1], whole[:, 1:-1])
    odd = filterbank_matrix(8000, 63, **options, bins="no_nyquist")  # has no bin at sr/2
    np.testing.assert_array_equal(odd, filterbank_matrix(8000, 63, **options))


def test_bin_triangles_by_hand():
    # Bins of 100 Hz. python_speech_features: edges floor(41 f / 4000); ETSI: round(40 f / 4000), sides with both ends.
    options = {"n_mels": 2, "band_edges": (0.0, 400.0, 700.0, 1000.0), "mel_norm": None}
    psf = filterbank_matrix(4000, 40, triangles="psf", **options)
    assert psf[0, :8].tolist() == [0, 1 / 4, 2 / 4, 3 / 4, 1, 2 / 3, 1 / 3, 0]
    assert psf[1, 4:11].tolist() == [0, 1 / 3, 2 / 3, 1, 2 / 3, 1 / 3, 0]
    etsi = filterbank_matrix(4000, 40, triangles="etsi", **options)
    np.testing.assert_allclose(etsi[0, :9], [0.2, 0.4, 0.6, 0.8, 1, 0.75, 0.5, 0.25, 0], rtol=0, atol=EPS)
    np.testing.assert_allclose(etsi[1, 3:12], [0, 0.25, 0.5, 0.75, 1, 0.75, 0.5, 0.25, 0], rtol=0, atol=EPS)


def test_a_side_without_width_is_left_out():
    got = filterbank_matrix(8000, 16, n_mels=2, band_edges=(0.0, 600.0, 610.0, 1500.0), mel_norm=None, triangles="psf")
    assert got[0].tolist() == [0.0] * 9  # bins 0, 1, 1: the rising side is bin 0, where it is 0
    assert got[1, :4].tolist() == [0, 1, 1 / 2, 0]


@pytest.mark.parametrize("sr", [16000, 8000, 11025])
@pytest.mark.parametrize("n_fft", [512, 511])
def test_explicit_edges_count_mirrored_bins(sr, n_fft, rng):
    edges = [400 / 3 + 200 / 3 * k for k in range(13)]
    edges += [edges[-1] * 1.0711703**k for k in range(1, 30)]
    got = filterbank_matrix(sr, n_fft, n_mels=40, band_edges=tuple(edges))
    magnitude = np.abs(np.fft.fft(rng.normal(size=n_fft)))
    f = np.arange(n_fft) * sr / n_fft
    expected = [
        2 / (right - left) * np.interp(f, (left, centre, right), (0.0, 1.0, 0.0)) @ magnitude
        for left, centre, right in zip(edges, edges[1:], edges[2:], strict=False)
    ]
    # Frequencies up to sr carry eps each; the narrowest side is 66 Hz; sums of 512 magnitudes up to 100.
    np.testing.assert_allclose(got @ magnitude[: 1 + n_fft // 2], expected, rtol=1e-12)
    assert_is_oracle(sr, n_fft, {"n_mels": 40, "band_edges": tuple(edges), "triangles": "mel", "mel_norm": "tri"})


def test_norms():
    options = {"n_mels": 12, "mel_scale": "htk", "triangles": "mel", "fmin": 50.0}
    plain = filterbank_matrix(16000, 512, **options, mel_norm=None)
    np.testing.assert_allclose(filterbank_matrix(16000, 512, **options, mel_norm="sum").sum(axis=1), 1.0, rtol=8 * EPS)
    mel_width = 2 * 2595 * np.log10((1 + 8000 / 700) / (1 + 50 / 700)) / 13
    np.testing.assert_allclose(
        filterbank_matrix(16000, 512, **options, mel_norm="tri"), plain * 2 / mel_width, rtol=1e-12
    )
    edges = band_edges_hz(16000, n_mels=12, fmin=50.0, mel_scale="htk")
    expected = plain * (2 / (edges[2:] - edges[:-2]))[:, np.newaxis]
    np.testing.assert_allclose(filterbank_matrix(16000, 512, **options, mel_norm="slaney"), expected, rtol=1e-12)
    hz = {**options, "triangles": "hz", "bins": "no_dc"}
    np.testing.assert_array_equal(
        filterbank_matrix(16000, 512, **hz, mel_norm="tri"), filterbank_matrix(16000, 512, **hz, mel_norm="slaney")
    )
    # The same names in the case that is librosa's.
    np.testing.assert_array_equal(mel_basis(16000, 512, 12, norm="tri"), mel_basis(16000, 512, 12, norm="slaney"))
    np.testing.assert_array_equal(mel_basis(16000, 512, 12, norm="sum"), mel_basis(16000, 512, 12, norm=1))


def test_odd_rates_as_torchaudio():
    got = filterbank_matrix(11025, 400, n_mels=40, mel_scale="htk", mel_norm=None, nyquist="floor")
    assert_is_oracle(11025, 400, {"n_mels": 40, "mel_scale": "htk", "mel_norm": None, "nyquist": "floor"})
    exact = filterbank_matrix(11025, 400, n_mels=40, mel_scale="htk", mel_norm=None)
    assert 1e-4 < np.abs(got - exact).max() < 1e-3
    even = {"n_mels": 40, "mel_scale": "htk", "mel_norm": None}
    np.testing.assert_allclose(
        filterbank_matrix(16000, 400, **even, nyquist="floor"),
        filterbank_matrix(16000, 400, **even),
        rtol=0,
        atol=1e-12,
    )


@given(
    n_mels=st.integers(2, 60),
    sr=st.sampled_from([8000, 16000, 44100]),
    n_fft=st.sampled_from([256, 400, 512, 1023]),
    triangles=st.sampled_from(["hz", "mel", "htk"]),
    scale=st.sampled_from(SCALES),
)
def test_overlapping_triangles_sum_to_one(n_mels, sr, n_fft, triangles, scale):
    options = {"n_mels": n_mels, "mel_scale": scale, "triangles": triangles, "mel_norm": None}
    edges = band_edges_hz(sr, n_mels=n_mels, mel_scale=scale)
    f = np.arange(1 + n_fft // 2) * sr / n_fft
    inside = (f >= edges[1]) & (f <= edges[-2])
    inside[0] = inside[-1] = False
    weights = filterbank_matrix(sr, n_fft, **options)
    assert (weights >= 0).all()
    # Sides as narrow as a few Hz, of frequencies up to 22 kHz.
    np.testing.assert_allclose(weights.sum(axis=0)[inside], 1.0, rtol=0, atol=16 * EPS * sr / np.diff(edges).min())


def test_dtypes_and_caching():
    options = {**KALDI, "n_mels": 23}
    single = filterbank_matrix(16000, 512, **options, dtype=np.float32)
    double = filterbank_matrix(16000, 512, **options)
    assert (single.dtype, double.dtype) == (np.float32, np.float64)
    np.testing.assert_array_equal(single, double.astype(np.float32))
    rounded = filterbank_matrix(16000, 512, **options, weights_dtype="float32")
    assert rounded.dtype == np.float64
    np.testing.assert_array_equal(rounded, single)
    assert filterbank_matrix(16000.0, 512, **options) is double
    with pytest.raises(ValueError, match="read-only"):
        double[0, 0] = 1.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fmin": 9000.0}, r"fmin=9000.0: expected fmin < sr/2"),
        ({"fmax": 9000.0}, r"fmax=9000.0: expected fmin < fmax <= sr/2"),
        ({"fmax": -8000.0}, r"fmax=0.0: expected fmin < fmax"),
        ({"vtln_warp": 1.1, "vtln_low": 0.0}, r"vtln_low=0, vtln_high=7500: expected fmin < vtln_low .*negative"),
        ({"vtln_warp": 1.1, "vtln_high": 9000.0}, r"vtln_high=9000: expected"),
        ({"vtln_warp": 0.01}, r"vtln_warp=0.01: moves the cut frequencies to 100 and 75 \[Hz\]"),
        ({"vtln_warp": 0.2, "vtln_kind": "htk", "vtln_high": 7900.0}, r"vtln_warp=0.2: the warped edges .* increase"),
        ({"band_edges": (0.0, 1.0)}, r"band_edges has 2 entries: expected n_mels \+ 2 = 6"),
        ({"band_edges": (0, 1e3, 2e3, 3e3, 4e3, 9e3), "triangles": "psf"}, r"band edges up to sr/2 = 8000 .* got 9000"),
        ({"mel_norm": "unit"}, "norm='unit': expected 'slaney', None, .* Essentia's 'sum' or 'tri'"),
        ({"n_mels": 0}, r"n_mels=0: expected an integer >= 1"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(ParameterError, match=message):
        filterbank_matrix(16000, 512, **{"n_mels": 4, **options})


class TestCepstralMatrix:
    @pytest.mark.parametrize("norm", ["ortho", None])
    @pytest.mark.parametrize("kind", [1, 2, 3])
    def test_librosas_case_keeps_its_bits(self, kind, norm):
        for n_mfcc, lifter in itertools.product((1, 13, 40, 50), (0.0, 22.0)):
            got = cepstral_matrix(40, n_mfcc=n_mfcc, dct_type=kind, dct_norm=norm, lifter=lifter)
            rows = min(n_mfcc, 40)
            expected = dct_matrix(rows, 40, kind=kind, norm=norm) * lifter_weights(rows, lifter)[:, None]
            np.testing.assert_array_equal(got, expected, strict=True)
            assert len(got) == n_cepstra(40, n_mfcc)

    @pytest.mark.parametrize("c0", ["first", "last", "none"])
    @pytest.mark.parametrize("norm", ["ortho", "htk", "unit", None])
    @pytest.mark.parametrize("kind", [1, 2, 3])
    def test_is_the_oracle(self, kind, norm, c0, rng):
        level = rng.normal(size=(23, 5))
        for n_mfcc, lifter, lifter_kind, offset in itertools.product(
            (1, 12, 23, 30), (0.0, 22.0, 0.6), ("sine", "exponential"), (0, 1)
        ):
            fields = {"n_mfcc": n_mfcc, "dct_type": kind, "dct_norm": norm, "lifter": lifter, "c0": c0}
            fields |= {"lifter_kind": lifter_kind, "lifter_offset": offset, "c0_scale": 2**0.5}
            got = cepstral_matrix(23, **fields)
            assert len(got) == n_cepstra(23, n_mfcc, c0)
            expected = oracle.cepstra(level.copy(), SimpleNamespace(**fields))
            # Cosine sums of 23 levels, times lifters up to 22 ** 22 only where the exponent says so.
            scale = np.abs(got).sum(axis=1, keepdims=True) * np.abs(level).max()
            assert got.shape[0] == expected.shape[0]
            assert (np.abs(got @ level - expected) <= 32 * EPS * np.maximum(scale, 1e-300)).all()

    def test_conventions(self):
        """HTK's C0 is sqrt(2) times the orthonormal one, unliftered, and last; librosa's lifter starts at 1."""
        ortho = cepstral_matrix(26, n_mfcc=13, lifter=22.0, lifter_offset=0)
        htk = cepstral_matrix(26, n_mfcc=12, dct_norm="htk", lifter=22.0, lifter_offset=0, c0="last")
        np.testing.assert_allclose(htk[:12], ortho[1:], rtol=8 * EPS, atol=8 * EPS)
        np.testing.assert_allclose(htk[12], np.sqrt(2) * ortho[0], rtol=8 * EPS)
        np.testing.assert_allclose(htk[12], np.sqrt(2 / 26), rtol=8 * EPS)
        assert lifter_weights(3, 22.0)[0] == 1 + 11 * np.sin(np.pi / 22)
        assert lifter_weights(3, 22.0, offset=0)[0] == 1.0
        np.testing.assert_allclose(lifter_weights(4, 0.6, "exponential"), [1, 1, 2**0.6, 3**0.6], rtol=4 * EPS)
        unit = cepstral_matrix(23, n_mfcc=12, dct_norm="unit", c0="last")
        np.testing.assert_array_equal(unit[12], 1.0)
        np.testing.assert_allclose(unit[0], np.cos(np.pi * (np.arange(23) + 0.5) / 23), rtol=0, atol=4 * EPS)

    @pytest.mark.parametrize("kind", [2, 3])
    def test_orthonormal(self, kind):
        matrix = cepstral_matrix(40, n_mfcc=40, dct_type=kind)
        np.testing.assert_allclose(matrix @ matrix.T, np.eye(40), rtol=0, atol=64 * EPS)

    def test_refusals(self):
        with pytest.raises(ParameterError, match=r"n_mels=1: expected at least 2 bands for dct_type=1"):
            cepstral_matrix(1, n_mfcc=1, dct_type=1)
        with pytest.raises(ParameterError, match=r"n_mels=1: expected at least 2 bands for c0='none'"):
            cepstral_matrix(1, n_mfcc=1, c0="none")
        assert cepstral_matrix(1, n_mfcc=5, c0="last").shape == (1, 1)
