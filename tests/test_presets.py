"""Presets: the numbers of each front end as its reference states them, what follows the sampling rate, overrides."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from melfeat import foreign
from melfeat.config import Config, _registry as registry
from melfeat.config._fields import STAGE_OF, STAGES
from melfeat.config.explain import diff
from melfeat.config.presets import preset, presets, register
from melfeat.errors import ParameterError
from melfeat.stages import Energy, Filterbank

EPS_32 = 1.1920928955078125e-07

#: What the references say of themselves: sampling rate, window, hop, FFT, bands, features; then by option.
FACTS = {
    "librosa": ((22050, 2048, 512, 2048, 128, 20), {"logarithm": "db", "floor": 1e-10, "top_db": 80.0}),
    "htk": ((16000, 409, 160, 512, 20, 12), {"power": 1.0, "floor": 1.0, "lifter": 22.0, "dct_norm": "htk"}),
    "kaldi-fbank": ((16000, 400, 160, 512, 23, 23), {"fmin": 20.0, "floor": EPS_32, "window": "povey"}),
    "kaldi-mfcc": ((16000, 400, 160, 512, 23, 13), {"lifter": 22.0, "lifter_offset": 0, "energy_place": "replace_c0"}),
    "torchaudio": ((16000, 400, 200, 400, 128, 40), {"pad_mode": "reflect", "mel_scale": "htk", "mel_norm": None}),
    "torchaudio-kaldi-fbank": ((16000, 400, 160, 512, 23, 23), {"floor": EPS_32, "remove_dc": True}),
    "torchaudio-kaldi-mfcc": ((16000, 400, 160, 512, 23, 13), {"c0": "first", "dct_norm": "ortho"}),
    "python_speech_features": ((16000, 400, 160, 512, 26, 13), {"window": "boxcar", "energy_point": "spectrum"}),
    "slaney": ((16000, 256, 160, 512, 40, 13), {"power": 1.0, "logarithm": "log10", "floor": None}),
    "rastamat": ((16000, 400, 160, 512, 40, 13), {"fmax": 4000.0, "lifter": 0.6, "lifter_kind": "exponential"}),
    "essentia": ((44100, 2048, 1024, 2048, 40, 13), {"fmax": 11000.0, "logarithm": "db20", "window_scale": "2/sum"}),
    "opensmile": ((16000, 400, 160, 512, 26, 39), {"power": 2.0, "c0": "last", "delta_edges": "opensmile"}),
    "tf": ((16000, 1024, 256, 1024, 80, 13), {"power": 1.0, "floor": 1e-6, "floor_kind": "add", "bins": "no_dc"}),
    "etsi": ((8000, 200, 80, 256, 23, 14), {"offset_filter": 0.999, "fmin": 64.0, "dct_norm": "unit"}),
    "whisper": ((16000, 400, 160, 400, 80, 80), {"drop_last": 1, "shift": 4.0, "scale": 0.25, "fmax": 8000.0}),
    "whisper-v3": ((16000, 400, 160, 400, 128, 128), {"drop_last": 1, "shift": 4.0, "scale": 0.25, "fmax": 8000.0}),
    "nemo": ((16000, 320, 160, 512, 64, 64), {"window_symmetric": True, "cmn_eps": 1e-5, "floor": 2.0**-24}),
    "seamless": ((16000, 400, 160, 512, 80, 160), {"cmn_eps": 1e-7, "cmn_eps_kind": "var_add", "stack": 2}),
    "ast": ((16000, 400, 160, 512, 128, 128), {"input_scale": 1.0, "window": "hann", "shift": 4.2677393}),
    "speech2text": ((16000, 400, 160, 512, 80, 80), {"cmn": "mean_var", "cmn_ddof": 0, "cmn_eps": 0.0}),
}
ON_INT16 = {
    *("htk", "kaldi-fbank", "kaldi-mfcc", "torchaudio-kaldi-fbank", "torchaudio-kaldi-mfcc", "python_speech_features"),
    *("rastamat", "opensmile", "etsi", "seamless", "speech2text"),
}


def option(config: Config, name: str):
    return getattr(getattr(config, STAGE_OF[name]), name)


class TestFacts:
    @pytest.mark.parametrize("name", FACTS)
    def test_of_each(self, name):
        sizes, options = FACTS[name]
        config = preset(name)
        f = config.framing
        assert (config.sr, f.win_length, f.hop_length, f.n_fft, config.filterbank.n_mels, config.n_features) == sizes
        assert {key: option(config, key) for key in options} == options
        assert config.based_on == name
        assert config.preprocessing.input_scale == (32768.0 if name in ON_INT16 else 1.0)

    def test_all_are_listed_with_a_line(self):
        homes = {name: registry.PRESETS[name].options.__module__ or "" for name in presets()}
        assert list(FACTS) == [name for name, home in homes.items() if home.startswith("melfeat.config.presets_")]
        assert all(len(about) < 100 and "\n" not in about for about in presets().values())

    def test_dither_is_off_everywhere(self):
        assert all(preset(name).preprocessing.dither == 0 for name in FACTS)

    @pytest.mark.parametrize("name", FACTS)
    def test_options_are_those_of_stages(self, name):
        entry = registry.PRESETS[name]
        assert set(entry.options(entry.sr)) <= set(STAGE_OF)
        assert set(entry.without) <= set(STAGES)
        assert entry.options.__doc__

    def test_slaneys_edges(self):
        edges = preset("slaney").filterbank.band_edges
        assert edges[:3] == pytest.approx((133.3333, 200.0, 266.6667), abs=1e-4)
        assert edges[13] / edges[12] == pytest.approx(1.0711703)
        assert edges[-1] == pytest.approx(6853.8, abs=0.1)

    def test_kaldi_and_torchaudios_kaldi_agree(self):
        assert preset("kaldi-fbank").fingerprint == preset("torchaudio-kaldi-fbank").fingerprint
        without = preset("kaldi-mfcc", energy=None)
        assert without.fingerprint == preset("torchaudio-kaldi-mfcc").fingerprint
        assert preset("kaldi-mfcc", energy_floor=1.0) == preset("torchaudio-kaldi-mfcc", energy_floor=1.0).replace(
            pad_mode="symmetric", cmn_eps=1e-20, delta_edges="kaldi"
        )


#: What the readers of other programs' options make of their defaults: written apart from the presets.
FOREIGN = {
    "librosa": (lambda: foreign.config_from_librosa({}), {}),
    "htk": (lambda: foreign.config_from_htk("TARGETKIND = MFCC\nTARGETRATE = 100000\n", sr=16000), {}),
    "htk 22050": (lambda: foreign.config_from_htk("TARGETKIND=MFCC\nTARGETRATE=1e5\n", sr=22050), {"sr": 22050}),
    "htk E_D_A_Z": (
        lambda: foreign.config_from_htk({"TARGETKIND": "MFCC_E_D_A_Z", "TARGETRATE": 1e5}, sr=16000),
        {"energy_place": "last", "delta_order": 2, "cmn": "mean"},
    ),
    "htk 0_D": (
        lambda: foreign.config_from_htk({"TARGETKIND": "MFCC_0_D", "TARGETRATE": 1e5}, sr=16000),
        {"c0": "last", "delta_order": 1},
    ),
    "kaldi-fbank": (lambda: foreign.config_from_kaldi("", feature="fbank"), {}),
    "kaldi-fbank 22050": (
        lambda: foreign.config_from_kaldi({"sample-frequency": 22050, "use-energy": True}, feature="fbank"),
        {"sr": 22050, "energy_place": "first"},
    ),
    "kaldi-mfcc": (lambda: foreign.config_from_kaldi(""), {}),
    "kaldi-mfcc no-snip": (lambda: foreign.config_from_kaldi({"snip_edges": False}), {"frames": "no_snip"}),
    # Its weights are float32, which the preset leaves to the dtype of the signal.
    "torchaudio": (lambda: foreign.config_from_torchaudio({}).replace(weights_dtype=None), {}),
    "torchaudio-kaldi-fbank": (lambda: foreign.config_from_torchaudio({}, feature="kaldi_fbank"), {}),
    "torchaudio-kaldi-mfcc": (lambda: foreign.config_from_torchaudio({}, feature="kaldi_mfcc"), {}),
    "python_speech_features": (lambda: foreign.config_from_psf({}), {}),
    "whisper": (lambda: _from_hf("Whisper"), {"fixed_samples": 480000}),
    "whisper-v3": (lambda: _from_hf("Whisper", feature_size=128), {"fixed_samples": 480000}),
    "seamless": (lambda: _from_hf("SeamlessM4T"), {}),
    "ast": (lambda: _from_hf("AST"), {}),
    "speech2text": (lambda: _from_hf("Speech2Text"), {}),
    "nemo": (lambda: foreign.config_from_nemo({"_target_": "AudioToMelSpectrogramPreprocessor"}), {}),
    "nemo parakeet": (lambda: _from_hf("Parakeet"), {"n_mels": 80, "win_length_ms": 25, "pad_to": 1}),
}


def _from_hf(name: str, **options) -> Config:
    return foreign.config_from_hf({"feature_extractor_type": f"{name}FeatureExtractor", **options})


@pytest.mark.parametrize("name", FOREIGN)
def test_readers_of_other_programs_options_agree(name):
    read, overrides = FOREIGN[name]
    made, expected = read(), preset(name.split()[0], **overrides)
    assert made.fingerprint == expected.fingerprint, diff(made, expected)


class TestNames:
    @pytest.mark.parametrize(
        ("given", "name"),
        [
            ("WHISPER", "whisper"),
            ("whisper_v3", "whisper-v3"),
            ("kaldi_mfcc", "kaldi-mfcc"),
            ("psf", "python_speech_features"),
            ("python-speech-features", "python_speech_features"),
            ("s2t", "speech2text"),
            ("w2v-bert-2.0"[:10], "seamless"),
            ("ta-kaldi-fbank", "torchaudio-kaldi-fbank"),
            ("tensorflow", "tf"),
            ("auditory toolbox", "slaney"),
        ],
    )
    def test_spellings(self, given, name):
        assert preset(given) == preset(name)
        assert preset(given).based_on == name

    @pytest.mark.parametrize(
        ("given", "meant"),
        [("wisper", "whisper"), ("kaldi-mfc", "kaldi-mfcc"), ("Librosa2", "librosa"), ("htk3", "htk")],
    )
    def test_unknown_ones_are_refused_with_the_nearest(self, given, meant):
        with pytest.raises(ParameterError, match=re.escape(f"unknown preset {given!r} (did you mean {meant!r}?)")):
            preset(given)

    def test_other_things_are_refused(self):
        with pytest.raises(ParameterError, match="unknown preset 'xyzzy'; see"):
            preset("xyzzy")
        with pytest.raises(ParameterError, match="preset 3: expected a name, one of librosa, htk"):
            preset(3)

    def test_config_preset_is_the_same(self):
        assert Config.preset("htk", sr=8000) == preset("htk", sr=8000)


class TestSamplingRate:
    """Lengths as each reference rounds them: Kaldi and HTK down, python_speech_features and rastamat halves up."""

    @pytest.mark.parametrize(
        ("name", "sr", "win_length", "hop_length", "n_fft"),
        [
            ("kaldi-fbank", 8000, 200, 80, 256),
            ("kaldi-fbank", 11025, 275, 110, 512),
            ("kaldi-mfcc", 44100, 1102, 441, 2048),
            ("torchaudio-kaldi-mfcc", 22050, 551, 220, 1024),
            ("htk", 8000, 204, 80, 256),
            ("htk", 44100, 1128, 441, 2048),
            ("htk", 11025, 282, 110, 512),
            ("python_speech_features", 8000, 200, 80, 512),
            ("python_speech_features", 11025, 276, 110, 512),
            ("rastamat", 22050, 551, 221, 1024),
            ("rastamat", 44100, 1103, 441, 2048),
            ("opensmile", 44100, 1103, 441, 2048),
            ("nemo", 8000, 160, 80, 256),
            ("nemo", 44100, 882, 441, 1024),
            ("slaney", 8000, 256, 80, 512),
            ("etsi", 11000, 256, 110, 256),
            ("etsi", 16000, 400, 160, 512),
            ("librosa", 16000, 2048, 512, 2048),
            ("torchaudio", 8000, 400, 200, 400),
            ("whisper", 22050, 400, 160, 400),
            ("seamless", 22050, 400, 160, 512),
            ("essentia", 48000, 2048, 1024, 2048),
        ],
    )
    def test_lengths_follow(self, name, sr, win_length, hop_length, n_fft):
        f = preset(name, sr=sr).framing
        assert (f.win_length, f.hop_length, f.n_fft) == (win_length, hop_length, n_fft)

    def test_upper_ends_follow_where_they_do(self):
        assert preset("opensmile", sr=8000).filterbank.fmax == 4000
        assert preset("opensmile", sr=44100).filterbank.fmax == 8000
        assert preset("seamless", sr=22050).filterbank.fmax == 11025
        with pytest.raises(ParameterError, match=r"fmax=11000\.0: expected"):
            preset("essentia", sr=16000)

    def test_what_a_reference_cannot_do_is_refused(self):
        with pytest.raises(ParameterError, match="ES 201 108 is defined for 8000, 11000 and 16000"):
            preset("etsi", sr=22050)
        with pytest.raises(ParameterError, match=r"sr=22050: the Auditory Toolbox advances by sr/100 = 220.5"):
            preset("slaney", sr=22050)
        with pytest.raises(ParameterError, match=r"win_length=1103: .* give n_fft=2048 for whole frames"):
            preset("psf", sr=44100)
        assert preset("slaney", sr=22050, hop_length=220).framing.hop_length == 220
        assert preset("psf", sr=44100, n_fft=2048).framing.win_length == 1103
        assert preset("psf", sr=44100, win_length=512).framing.n_fft == 512

    @pytest.mark.parametrize("sr", [0, -1, math.nan, "x"])
    def test_is_checked(self, sr):
        with pytest.raises(ParameterError, match="sr="):
            preset("kaldi-fbank", sr=sr)


class TestOverrides:
    def test_lengths_that_follow_others(self):
        assert preset("kaldi-fbank", win_length=800).framing.n_fft == 1024
        assert preset("kaldi-fbank", win_length=800, n_fft=800).framing.n_fft == 800
        assert preset("kaldi-fbank", n_fft=400).framing.n_fft == 400
        assert preset("librosa", n_fft=400).framing.win_length == 400
        assert preset("torchaudio", n_fft=512).framing.hop_length == 256
        assert preset("torchaudio", n_fft=512, win_length=400).framing.hop_length == 200
        assert preset("tf", win_length=401).framing.window_symmetric
        assert preset("tf", win_length=401).framing.n_fft == 512
        assert not preset("tf", win_length=400).framing.window_symmetric

    def test_lengths_in_milliseconds(self):
        config = preset("kaldi-fbank", sr=11025, win_length_ms=20, hop_length_ms=7.7)
        assert (config.framing.win_length, config.framing.hop_length) == (220, 84)
        assert preset("nemo", win_length_ms=25).framing.win_length == 400
        with pytest.raises(ParameterError, match=r"win_length_ms=20 and win_length=320: expected one of them"):
            preset("kaldi-fbank", win_length_ms=20, win_length=320)
        with pytest.raises(ParameterError, match="unknown option 'win_length_ms'"):
            preset("whisper", win_length_ms=20)

    def test_a_stage_that_is_left_out_comes_as_the_reference_has_it(self):
        assert preset("htk").energy is None
        energy = preset("htk", energy_place="last").energy
        assert (energy.energy_normalize, energy.energy_scale, energy.energy_silence_floor) == (True, 0.1, 50.0)
        assert preset("torchaudio-kaldi-fbank", energy_place="first").energy.energy_floor == 1.0
        cepstrum = preset("kaldi-fbank", n_mfcc=13).cepstrum
        assert (cepstrum.lifter, cepstrum.lifter_offset) == (22.0, 0)
        assert preset("whisper", n_mfcc=13).cepstrum.lifter == 0.0

    def test_whole_stages(self):
        assert preset("htk", energy=Energy(energy_place="first")).energy == Energy(energy_place="first")
        assert preset("kaldi-mfcc", energy=None).energy is None
        assert preset("kaldi-fbank", filterbank=Filterbank(n_mels=5), fmin=1.0).filterbank == Filterbank(
            n_mels=5, fmin=1.0
        )

    def test_floors_of_variances_follow_kaldis_kind_of_normalisation(self):
        assert preset("kaldi-mfcc", cmn="mean_var").post.cmn_eps == 1e-20
        assert preset("kaldi-mfcc", cmn="sliding_mean_var").post.cmn_eps == 1e-10
        assert preset("kaldi-mfcc", cmn="sliding_mean_var", cmn_eps=1e-5).post.cmn_eps == 1e-5

    def test_unknown_ones_are_refused(self):
        with pytest.raises(ParameterError, match=r"unknown option 'n_mel' \(did you mean 'n_mels'\?\)"):
            preset("whisper", n_mel=3)

    @pytest.mark.parametrize("name", FACTS)
    def test_same_as_replacing(self, name):
        changes = {"n_mels": 40, "band_edges": None, "preemphasis": 0.5, "delta_order": 2, "shift": 1.0}
        assert preset(name, **changes) == preset(name).replace(**changes)


class TestRegister:
    @pytest.fixture(autouse=True)
    def clean(self, monkeypatch):
        monkeypatch.setattr(registry, "PRESETS", dict(registry.PRESETS))
        monkeypatch.setattr(registry, "ALIASES", dict(registry.ALIASES))

    def test_one_of_your_own(self):
        @register("Mine 2", "of my own", sr=8000, without=("cepstrum",), aliases=("m2",))
        def mine(sr, n_mels=10):
            return {"n_mels": n_mels, "logarithm": "ln", "top_db": None, "fmax": sr / (2 + n_mels / 100), "n_mfcc": 5}

        assert mine(100.0)["n_mels"] == 10
        config = preset("mine_2")
        assert (config.sr, config.n_features, config.filterbank.fmax) == (8000.0, 10, 8000 / 2.1)
        assert preset("M2", n_mels=20).filterbank.fmax == 8000 / 2.2
        assert preset("m2", n_mfcc=4).n_features == 4
        assert registry.PRESETS["Mine 2"].about == "of my own"

    def test_again_replaces_it(self):
        for sr in (8000, 16000):
            register("mine", "of my own", sr=sr)(lambda sr: {"n_mels": 10})
        assert preset("mine").sr == 16000

    @pytest.mark.parametrize("name", ["whisper", "Whisper_V3", "psf", "kaldi"])
    def test_melfeats_own_are_not_replaced(self, name):
        with pytest.raises(ParameterError, match="is taken"):
            register(name, "", sr=8000)
        with pytest.raises(ParameterError, match="is taken"):
            register("mine", "", sr=8000, aliases=(name,))

    def test_wrong_options_are_refused(self):
        register("mine", "", sr=8000)(lambda sr: {"n_mel": 10})
        with pytest.raises(ParameterError, match=r"unknown option 'n_mel' \(did you mean 'n_mels'\?\)"):
            preset("mine")


def test_the_page_shows_names_that_exist():
    page = (Path(__file__).parents[1] / "docs" / "config.md").read_text(encoding="utf-8")
    for name in re.findall(r'Config\.preset\("([^"]+)"', page):
        assert name == "acme" or preset(name)
