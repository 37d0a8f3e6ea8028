"""The extractor against the definitions, on drawn configurations of every stage; and one frame, one answer."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import melfeat
from melfeat.config import Config
from melfeat.config.presets import presets
from melfeat.errors import ParameterError
from melfeat.extractor import Extractor
from melfeat.kernels._jit import JIT_DISABLED
from melfeat.kernels.prepare import add_noise
from melfeat.stages import Cepstrum, Compression, Energy, Filterbank, Framing, Post, Preprocessing, Spectrum
from tests.oracles import dialects as oracle
from tests.support import assert_same_bytes, eps, slow_interpreted

KINDS = {
    "preprocessing": Preprocessing,
    "framing": Framing,
    "spectrum": Spectrum,
    "filterbank": Filterbank,
    "compression": Compression,
    "cepstrum": Cepstrum,
    "energy": Energy,
    "post": Post,
}

N_DRAWS = 12 if JIT_DISABLED else 250


def draw(rng: np.random.Generator) -> tuple[float, dict[str, dict[str, Any] | None]]:
    """Return a sampling rate and the stages of a configuration that is well conditioned, with every kind of option."""

    def one(*choices: Any) -> Any:
        return choices[rng.integers(len(choices))]

    sr = float(one(8000, 11025, 16000))
    left = bool(rng.random() < 0.6)
    n_fft = int(one(32, 64, 60, 61, 74, 128)) if rng.random() < 0.8 else int(rng.integers(8, 300))
    win_length = max(2, n_fft - int(rng.integers(0, n_fft // 2)))
    pad_modes = ("constant", "reflect", "symmetric", "edge")
    framing = {
        "n_fft": n_fft,
        "hop_length": int(rng.integers(1, n_fft)),
        "win_length": win_length,
        "window": one("hann", "hamming", "povey", "boxcar", ("blackman", 0.42), "sine"),
        "window_symmetric": bool(rng.random() < 0.5),
        "window_align": "left" if left else "center",
        "window_scale": one(None, "2/sum"),
        "frames": one("center", "valid", "valid_minus_one", "pad_end", "pad_all", "no_snip", "center_ceil"),
        "pad_mode": one(*pad_modes),
        "drop_last": int(one(0, 0, 1)),
    }
    scope = one("frame", "signal")
    preprocessing = {
        "input_scale": one(1.0, 32768.0),
        "remove_dc": bool(rng.random() < 0.5),
        "preemphasis": one(0.0, 0.97, 0.9),
        "preemphasis_scope": scope,
        "preemphasis_first": one("zero", "scaled", "previous" if scope == "frame" else "extrapolate"),
        "offset_filter": one(None, None, 0.999),
        "normalize_signal": bool(rng.random() < 0.15),
        "fixed_samples": one(None, None, None, 700),
    }
    power = one(1.0, 2.0, 2.0, 1.5)
    filterbank = {
        "n_mels": int(rng.integers(4, 30)),
        "fmin": one(0.0, 20.0, 100.0),
        "fmax": one(None, -200.0, 3500.0),
        "mel_scale": one("slaney", "htk", "htk_ln"),
        "mel_norm": one("slaney", None, "sum", 1.0),
        "triangles": one("hz", "mel"),
        "bins": one("all", "no_nyquist", "no_dc"),
        "weights_dtype": one(None, "float32"),
        "band_power": one(1, 1, 2),
    }
    logarithm = one("db", "db20", "ln", "log10", None)
    compression = {
        "logarithm": logarithm,
        "floor": one(1e-6, 1.0),
        "floor_kind": one("clamp", "add", "if_zero"),
        "top_db": one(None, 80.0, 30.0) if logarithm else None,
        "peak_scope": one("channel", "array"),
    }
    cepstrum = {
        "n_mfcc": int(rng.integers(1, filterbank["n_mels"])),
        "dct_norm": one("ortho", "htk", "unit", None),
        "lifter": one(0.0, 22.0),
        "lifter_offset": one(0, 1),
        "c0": one("first", "last", "none"),
        "c0_scale": one(1.0, 2.0**0.5),
    }
    energy = {
        "energy_place": one("replace_c0", "first", "last"),
        "energy_point": one("raw", "windowed", "spectrum"),
        "energy_floor": one(0.0, 1.0),
        "energy_normalize": bool(rng.random() < 0.3),
    }
    post = {
        "cmn": one(None, None, "mean", "mean_var"),
        "cmn_eps": 1e-5,
        "cmn_columns": one("static", "all", "no_energy"),
        "delta_order": int(one(0, 0, 1, 2)),
        "delta_edges": one("replicate", "kaldi", "opensmile"),
        "fixed_frames": one(None, None, 9),
        "shift": one(0.0, 4.0),
        "scale": one(1.0, 0.25),
        "pad_to": one(1, 4),
        "stack": one(1, 2),
    }
    stages: dict[str, dict[str, Any] | None] = {
        "preprocessing": preprocessing,
        "framing": framing,
        "spectrum": {"power": power, "spectrum_scale": one(None, "1/n_fft")},
        "filterbank": filterbank,
        "compression": compression,
        "cepstrum": cepstrum if rng.random() < 0.6 else None,
        "energy": energy if rng.random() < 0.5 else None,
        "post": post if rng.random() < 0.5 else {},
    }
    if rng.random() < 0.1:
        stages.update(compression=None, cepstrum=None)
        if rng.random() < 0.5:
            stages.update(filterbank=None, energy=None)
            filterbank["band_power"] = 1
    if stages["cepstrum"] is None and stages["energy"] and energy["energy_place"] == "replace_c0":
        energy["energy_place"] = "last"
    if stages["cepstrum"] and cepstrum["c0"] == "none" and energy["energy_place"] == "replace_c0":
        energy["energy_place"] = "first"
    return sr, stages


def config_of(sr: float, stages: dict[str, dict[str, Any] | None]) -> Config:
    made = {name: None if fields is None else KINDS[name](**fields) for name, fields in stages.items()}
    return Config(sr, **made)


def tune(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Return noise with an offset, in [-1, 1), of samples that 16 bits hold exactly: every band has something in it."""
    y = 0.1 * rng.standard_normal(shape) + 0.02
    return np.round(np.clip(y, -1, 1 - 2**-15) * 32768) / 32768


@slow_interpreted
@pytest.mark.filterwarnings("ignore")
class TestAgainstTheDefinitions:
    @pytest.mark.parametrize("seed", range(N_DRAWS))
    def test_drawn(self, seed):
        rng = np.random.default_rng([seed, 20])
        sr, stages = draw(rng)
        try:
            fx = Extractor(config_of(sr, stages))
        except ParameterError:
            pytest.skip("this combination is refused")
        y = tune(rng, (2, int(rng.integers(1, 1500))))
        with np.errstate(all="ignore"):
            got, expected = fx(y), oracle.features(y, sr, stages)
        assert got.shape == expected.shape == (2, fx.n_features, fx.n_frames(y.shape[1]))
        if not got.size:
            return
        # Where the definition itself is infinite or NaN (the logarithm of nothing), so is the feature.
        finite = np.isfinite(expected)
        assert_same_bytes(np.isnan(got), np.isnan(expected))
        scale = np.abs(expected[finite]).max(initial=1e-3)
        assert np.abs(got - expected)[finite].max(initial=0) <= 3e-9 * scale
        single = fx(y.astype(np.float32))
        assert single.dtype == np.float32
        rough = np.abs(single - expected)[finite & np.isfinite(single)]
        # A band 60 dB under its frame keeps 4 of float32's 7 digits.
        assert rough.size == 0 or np.median(rough) <= 1e-4 * scale

    @pytest.mark.parametrize("n", [0, 1, 15, 16, 17, 64, 400])
    @pytest.mark.parametrize(
        "frames", ["center", "valid", "valid_minus_one", "pad_end", "pad_all", "no_snip", "center_ceil"]
    )
    def test_every_rule_and_length(self, frames, n, rng):
        stages = {
            "preprocessing": {"preemphasis": 0.9, "preemphasis_scope": "frame", "preemphasis_first": "previous"},
            "framing": {"n_fft": 32, "win_length": 20, "hop_length": 7, "frames": frames, "window_align": "left"},
            "filterbank": {"n_mels": 6},
            "compression": {"top_db": None},
        }
        fx = Extractor(config_of(8000.0, stages))
        y = tune(rng, (n,))
        expected = oracle.features(y, 8000.0, stages)
        got = fx(y)
        assert got.shape == expected.shape == (6, fx.n_frames(n))
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-9)


@slow_interpreted
@pytest.mark.parametrize("name", list(presets()))
def test_every_preset_has_the_frames_that_it_counts(name):
    """For every length from nothing to four transforms."""
    fx = Extractor(name)
    y = np.linspace(-0.5, 0.5, 4 * fx.config.framing.n_fft, dtype=np.float32)
    wrong = []
    framing = fx.config.framing
    reflects = framing.pad_mode != "constant" and framing.frames == "center"  # which nothing does not
    for n in range(int(reflects), y.size + 1):
        got = fx(y[:n]).shape
        if got != (fx.n_features, fx.n_frames(n)):
            wrong.append((n, got, fx.n_frames(n)))
    assert not wrong


def small(**overrides: Any) -> Extractor:
    """Return an extractor with steps in the signal and in the frames, energy, floor and deltas."""
    fields = {"preemphasis": 0.97, "preemphasis_scope": "frame", "preemphasis_first": "scaled", "remove_dc": True}
    config = Config(
        8000.0,
        Preprocessing(**fields),
        Framing(64, 16, 50, window_align="left", frames="no_snip", pad_mode="symmetric"),
        filterbank=Filterbank(12),
        compression=Compression(),
        cepstrum=Cepstrum(7),
        energy=Energy(),
        post=Post(delta_order=1),
    )
    return Extractor(config.replace(**overrides))


class TestOneFrameOneAnswer:
    @pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16])
    @pytest.mark.parametrize(
        "overrides", [{}, {"cepstrum": None, "energy_place": "last"}, {"peak_scope": "channel", "top_db": None}]
    )
    def test_batches(self, rng, dtype, overrides):
        """Clips of any lengths in any company are clips alone."""
        fx = small(**overrides)
        lengths = [1, 700, 0, 33, 49, 50, 51, 64, 900, 7, 8, 9, 200]
        clips = [(tune(rng, (n,)) * (32768 if dtype == np.int16 else 1)).astype(dtype) for n in lengths]
        alone = [fx(clip) for clip in clips]
        for order in (np.arange(13), rng.permutation(13), np.array([2, 2, 0, 8, 8])):
            for got, i in zip(fx.batch([clips[i] for i in order]), order, strict=True):
                assert_same_bytes(got, alone[i])
        padded, counts = fx.batch(clips, pad=True)
        assert padded.shape == (13, fx.n_features, max(x.shape[1] for x in alone))
        for row, count, expected in zip(padded, counts, alone, strict=True):
            assert_same_bytes(row[:, :count].copy(), expected)
            assert not row[:, count:].any()

    def test_channels(self, rng):
        fx = small()
        y = tune(rng, (3, 2, 500)).astype(np.float32)
        whole = fx(y)
        assert whole.shape == (3, 2, fx.n_features, fx.n_frames(500))
        for i in range(3):
            for j in range(2):
                assert_same_bytes(fx(y[i, j]), whole[i, j])

    def test_threads(self, rng, monkeypatch):
        from melfeat import workers

        fx, y = small(), tune(rng, (9000 if not JIT_DISABLED else 900,)).astype(np.float32)
        with melfeat.threads(1):
            expected = fx(y)
        monkeypatch.setattr(workers, "_WORTH", 1)
        for n in (2, 4):
            with melfeat.threads(n):
                assert_same_bytes(fx(y), expected)

    def test_int16_is_float_of_its_scale(self, rng):
        pcm = (tune(rng, (800,)) * 32768).astype(np.int16)
        for scale in (1.0, 32768.0):
            fx = small(input_scale=scale)
            assert_same_bytes(fx(pcm), fx((pcm / 32768).astype(np.float32)))

    def test_the_input_stays_as_it_was(self, rng):
        fx = small(input_scale=32768.0, offset_filter=0.999, dither=1.0, dither_scope="signal")
        y = tune(rng, (400,))
        before = y.copy()
        first, second = fx(y), fx(y)
        assert_same_bytes(y, before)
        assert_same_bytes(first, second)
        y.setflags(write=False)
        assert_same_bytes(fx(y), first)

    def test_melfeat_mfcc_is_a_configuration(self, rng):
        y = tune(rng, (3000,)).astype(np.float32)
        config = Config(8000.0, framing=Framing(256, 64), filterbank=Filterbank(20), compression=Compression(),
                        cepstrum=Cepstrum(13))  # fmt: skip
        assert_same_bytes(Extractor(config)(y), melfeat.mfcc(y, 8000, n_mfcc=13, n_fft=256, hop_length=64, n_mels=20))


class TestDither:
    def test_is_off_unless_asked_for(self):
        assert small().config.preprocessing.dither == 0

    @pytest.mark.parametrize("scope", ["frame", "signal"])
    @pytest.mark.parametrize("kind", ["gaussian", "uniform"])
    def test_seeded(self, rng, scope, kind):
        y = tune(rng, (600,))
        options = {"dither": 0.01, "dither_scope": scope, "dither_kind": kind}
        one, other = small(**options), small(**options, dither_seed=1)
        assert_same_bytes(one(y), one(y))
        assert (one(y) != other(y)).any()
        assert (one(y) != small()(y)).any()
        assert_same_bytes(one.batch([y[:77], y])[1], one(y))

    @pytest.mark.parametrize(("gaussian", "deviation"), [(True, 1.0), (False, 3**-0.5)])
    def test_distribution(self, gaussian, deviation):
        n = 2000 if JIT_DISABLED else 200_000
        x = np.zeros(n)
        add_noise(x, 7, 0, 1.0, gaussian)
        assert abs(x.mean()) < 5 * deviation / n**0.5
        assert abs(x.std() / deviation - 1) < 5 / n**0.5
        neighbours = np.corrcoef(x[1:], x[:-1])[0, 1]
        assert abs(neighbours) < 5 / n**0.5
        if not gaussian:
            assert -1 <= x.min() <= x.max() < 1

    def test_noise_belongs_to_the_sample(self):
        whole, part = np.zeros(50), np.zeros(20)
        add_noise(whole, 3, 0, 2.0, True)
        add_noise(part, 3, 30, 2.0, True)
        assert_same_bytes(part, whole[30:].copy())

    def test_frames_of_dithered_silence_differ(self):
        fx = small(dither=1.0, top_db=None, cepstrum=None, energy=None, delta_order=0)
        x = fx(np.zeros(2000))
        assert np.unique(x[3]).size == x.shape[1]


class TestRefusals:
    @pytest.mark.parametrize(
        ("y", "text"),
        [
            ([0.0, 1.0], "y has type list"),
            (np.zeros(9, np.int32), "y has dtype int32"),
            (np.zeros(9, complex), "y has dtype complex128"),
            (np.float32(1), "y has type float32"),
            (np.r_[np.zeros(99), np.nan], r"y is not finite .* \(99,\)"),
        ],
    )
    def test_signals(self, y, text):
        with np.errstate(all="ignore"), pytest.raises(ParameterError, match=text):
            small()(y)
        with np.errstate(all="ignore"), pytest.raises(ParameterError, match="not finite"):
            small(offset_filter=0.9)(np.r_[np.ones(70), np.inf, np.ones(9)])

    def test_clips(self):
        with pytest.raises(ParameterError, match=r"clips\[1\] has shape \(2, 3\)"):
            small().batch([np.zeros(9), np.zeros((2, 3))])
        with pytest.raises(ParameterError, match=r"clips\[1\] has dtype int64"):
            small().batch([np.zeros(9), np.zeros(5, np.int64)])
        clips = [np.zeros(200), np.zeros(200), np.array([0.0] * 60 + [np.nan])]
        with pytest.raises(ParameterError, match=r"clips\[2\] is not finite everywhere: 1 .* index \(60,\)"):
            small().batch(clips)
        with pytest.raises(ParameterError, match="clips has shape"):
            small().batch(np.zeros(9))

    def test_configurations(self):
        with pytest.raises(ParameterError, match="config has type int"):
            Extractor(3)
        with pytest.raises(ParameterError, match="wisper"):
            Extractor("wisper")
        with pytest.raises(ParameterError, match="n_mel"):
            Extractor("whisper", n_mel=4)

    def test_empty_list(self):
        assert small().batch([]) == []
        padded, counts = small().batch([], pad=True)
        assert padded.shape == (0, 14, 0)
        assert counts.shape == (0,)


def test_pickles_and_tells_what_it_is(rng):
    fx = small()
    again = pickle.loads(pickle.dumps(fx))
    y = tune(rng, (300,))
    assert again.config == fx.config
    assert_same_bytes(again(y), fx(y))
    assert repr(fx).startswith("Extractor(")
    assert len(fx.feature_names) == fx.n_features == 14
    assert fx.times(300).shape == (fx.n_frames(300),)


def test_precision_of_the_energy(rng):
    """Energies are sums of many squares: float32 keeps them to a few units in the last place."""
    fx = small(top_db=None, delta_order=0)
    y = tune(rng, (4000,))
    double, single = fx(y)[0], fx(y.astype(np.float32))[0]
    assert np.abs(single - double).max() <= 8 * eps(np.float32) * np.abs(double).max()
