"""`Config`: changing, writing and reading, printing, fingerprints, and what it knows about frames and features."""

from __future__ import annotations

import dataclasses
import json
import math
import pickle
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, strategies as st

import melfeat
from melfeat.config import Config
from melfeat.config._fields import STAGE_OF, STAGES
from melfeat.config.presets import presets
from melfeat.errors import ParameterError
from melfeat.extractor import Extractor
from melfeat.stages import (
    Cepstrum,
    Compression,
    Energy,
    Filterbank,
    Framing,
    Post,
    Preprocessing,
    Spectrum,
)
from tests.config_cases import CASES, signal
from tests.oracles.config import frame_starts, n_output_frames
from tests.support import slow_interpreted

GOLDEN = Path(__file__).parent / "golden" / "fingerprints.json"
NAMES = [name for name in presets() if name not in ("acme", "half-kaldi")]  # not those that examples register

#: Changes that any configuration with all stages takes, for drawing.
CHANGES = {
    "input_scale": [1.0, 32768.0],
    "dither": [0.0, 0.1],
    "preemphasis": [0.0, 0.97],
    "n_fft": [512, 600, 2048],
    "hop_length": [160, 200],
    "window": ["hamming", 14.0, ("kaiser", 3), ("samples", (0.25, 1.0, 0.5))],
    "frames": ["center", "valid", "no_snip"],
    "drop_last": [0, 1],
    "power": [1.0, 2.0],
    "n_mels": [23, 40],
    "fmin": [0.0, 0.1 + 0.2],
    "fmax": [None, 3400.0],
    "mel_norm": [None, "sum", 1.0, math.inf, -math.inf],
    "floor": [None, 1e-10, 2.0**-149],
    "top_db": [None, 80.0],
    "lifter": [0.0, 22.0],
    "energy_place": ["first", "last"],
    "delta_order": [0, 2],
    "cmn": [None, "mean_var"],
    "pad_value": [-0.0, 1.5],
    "stack": [1, 3],
    "filterbank": [Filterbank(n_mels=30)],
    "energy": [None, Energy(energy_place="first")],
    "cepstrum": [None, Cepstrum(n_mfcc=5)],
}
drawn_changes = st.lists(st.sampled_from(sorted(CHANGES)), max_size=6, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: st.sampled_from(CHANGES[name]) for name in names})
)
drawn_rates = st.sampled_from([None, 8000, 11025, 16000.5, 44100])


def drawn(name: str, sr: float | None, changes: dict) -> Config | None:
    """Return the configuration, None if these changes contradict each other."""
    try:
        return Config.preset(name).replace(**changes, **({} if sr is None else {"sr": sr}))
    except ParameterError:
        return None


class TestReplace:
    def test_options_of_any_stage(self):
        config = Config.preset("kaldi-mfcc").replace(n_mels=80, preemphasis=0.5, sr=8000, delta_order=2)
        assert (config.filterbank.n_mels, config.preprocessing.preemphasis) == (80, 0.5)
        assert (config.sr, config.post.delta_order, config.based_on) == (8000.0, 2, "kaldi-mfcc")
        assert config.framing == Config.preset("kaldi-mfcc").framing

    def test_nothing_is_the_same(self):
        for name in NAMES:
            assert Config.preset(name).replace() == Config.preset(name)

    def test_whole_stages_and_none(self):
        config = Config.preset("kaldi-mfcc").replace(post=Post(delta_order=1), energy=None)
        assert config.post == Post(delta_order=1)
        assert config.energy is None
        assert config.replace(cepstrum=None).n_features == 2 * 23

    def test_a_stage_and_its_options(self):
        config = Config.preset("whisper").replace(filterbank=Filterbank(n_mels=10), fmin=50.0)
        assert config.filterbank == Filterbank(n_mels=10, fmin=50.0)

    def test_an_option_brings_its_stage_with_defaults(self):
        config = Config.preset("whisper").replace(n_mfcc=13)
        assert config.cepstrum == Cepstrum(n_mfcc=13)

    def test_left_out_and_set_at_once_is_refused(self):
        with pytest.raises(ParameterError, match=r"energy=None and energy_floor=1.0: expected"):
            Config.preset("kaldi-mfcc").replace(energy=None, energy_floor=1.0)

    def test_a_window_that_filled_the_fft_follows_it(self):
        assert Config.preset("whisper").replace(n_fft=512).framing.win_length == 512
        assert Config.preset("whisper").replace(n_fft=512, win_length=400).framing.win_length == 400
        assert Config.preset("kaldi-mfcc").replace(n_fft=1024).framing.win_length == 400
        with pytest.raises(ParameterError, match="win_length=400"):
            Config.preset("kaldi-mfcc").replace(n_fft=256)

    @pytest.mark.parametrize(
        ("name", "meant"),
        [
            ("n_mel", "n_mels"),
            ("nMels", "n_mels"),
            ("num_mel_bins", "n_mels"),
            ("sample_rate", "sr"),
            ("winlen", "win_length"),
            ("pre_emphasis", "preemphasis"),
            ("cepstral_lifter", "lifter"),
            ("delta-window", "delta_window"),
            ("Filterbank", "filterbank"),
        ],
    )
    def test_unknown_names_are_refused_with_the_nearest(self, name, meant):
        with pytest.raises(ParameterError, match=rf"unknown option '{name}' \(did you mean '{meant}'\?\)"):
            Config().replace(**{name: 1})

    def test_unknown_names_without_a_near_one_are_refused(self):
        with pytest.raises(ParameterError, match=r"unknown option 'xyzzy'; see docs"):
            Config().replace(xyzzy=1)

    def test_values_are_checked(self):
        with pytest.raises(ParameterError, match="preemphasis=2"):
            Config().replace(preemphasis=2)
        with pytest.raises(ParameterError, match=r"framing=512: expected a Framing; its options"):
            Config().replace(framing=512)
        with pytest.raises(ParameterError, match=r"framing=None: expected a Framing"):
            Config().replace(framing=None)
        with pytest.raises(ParameterError, match=r"post=Framing"):
            Config().replace(post=Framing())


class TestChecks:
    def test_stages_before_others(self):
        with pytest.raises(ParameterError, match="cepstrum without compression"):
            Config(filterbank=Filterbank(), cepstrum=Cepstrum())
        with pytest.raises(ParameterError, match="compression without filterbank"):
            Config(compression=Compression())

    def test_contradictions(self):
        with pytest.raises(ParameterError, match=r"energy_place='replace_c0': there is no c0"):
            Config(filterbank=Filterbank(), energy=Energy())
        with pytest.raises(ParameterError, match=r"there is no c0"):
            Config.preset("kaldi-mfcc", c0="none")
        with pytest.raises(ParameterError, match=r"top_db=80: levels without a logarithm"):
            Config.preset("librosa", logarithm=None)
        with pytest.raises(ParameterError, match=r"fmax=8000\.0"):
            Config.preset("whisper", sr=8000)
        with pytest.raises(ParameterError, match=r"based_on=3"):
            Config(based_on=3)

    def test_frozen_hashable_and_picklable(self):
        config = Config.preset("whisper")
        with pytest.raises(dataclasses.FrozenInstanceError):
            config.sr = 3
        assert {config: 1}[Config.preset("whisper")] == 1
        assert pickle.loads(pickle.dumps(config)) == config
        assert pickle.loads(pickle.dumps(config)).based_on == "whisper"

    def test_based_on_does_not_count(self):
        config = Config.preset("whisper")
        other = dataclasses.replace(config, based_on=None)
        assert config == other
        assert hash(config) == hash(other)
        assert config.fingerprint == other.fingerprint


class TestJson:
    @given(st.sampled_from(NAMES), drawn_rates, drawn_changes)
    def test_round_trip(self, name, sr, changes):
        config = drawn(name, sr, changes)
        if config is None:
            return
        again = Config.from_json(config.to_json())
        assert again == config
        assert again.based_on == config.based_on
        assert again.to_json() == config.to_json()  # -0.0, 1 and 1.0 too
        assert again.fingerprint == config.fingerprint

    @given(st.floats(min_value=5e-324, max_value=1e300), st.lists(st.floats(-1, 1), min_size=400, max_size=400))
    def test_floats_are_exact(self, value, samples):
        config = Config.preset("whisper", window=samples, floor=value, shift=-value)
        again = Config.from_json(config.to_json())
        assert again.compression.floor == value
        assert again.post.shift == -value
        assert again.framing.window == ("samples", tuple(samples))

    @pytest.mark.parametrize(
        "window", ["hann", 14.0, ("kaiser", 14), ("general_cosine", (0.5, 0.5)), ("samples", (0.1, 0.2, 0.3))]
    )
    def test_every_kind_of_window(self, window):
        config = Config(framing=Framing(n_fft=3, window=window))
        assert Config.from_json(config.to_json()).framing.window == window

    @pytest.mark.parametrize("norm", [None, "sum", 2.0, math.inf, -math.inf])
    def test_every_kind_of_norm(self, norm):
        config = Config.preset("librosa", mel_norm=norm)
        assert Config.from_json(config.to_json()).filterbank.mel_norm == norm

    def test_says_its_version_and_all_options(self):
        data = json.loads(Config.preset("kaldi-mfcc").to_json())
        assert data.pop("melfeat_config") == 1
        assert list(data) == ["based_on", "sr", *STAGES]
        assert {name for stage in STAGES for name in data[stage]} == set(STAGE_OF)

    def test_what_is_missing_has_its_default(self):
        assert Config.from_json('{"melfeat_config": 1}') == Config()
        text = '{"melfeat_config": 1, "sr": 8000, "filterbank": {"n_mels": 40}, "compression": null}'
        assert Config.from_json(text) == Config(8000, filterbank=Filterbank(n_mels=40))
        assert Config.from_json(text.encode()) == Config.from_json(text)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "not JSON"),
            ("[1]", "expected an object with the key 'melfeat_config'"),
            ('{"sr": 8000}', "expected an object with the key 'melfeat_config'"),
            ('{"melfeat_config": 2}', "melfeat_config=2: expected 1"),
            ('{"melfeat_config": true}', "melfeat_config=True: expected 1"),
            ('{"melfeat_config": 1, "filterbanks": {}}', r"unknown key 'filterbanks' \(did you mean 'filterbank'\?\)"),
            ('{"melfeat_config": 1, "n_mels": 3}', "unknown key 'n_mels'"),
            ('{"melfeat_config": 1, "post": {"n_mels": 3}}', "unknown option of post 'n_mels'"),
            ('{"melfeat_config": 1, "framing": {"nfft": 3}}', r"option of framing 'nfft' \(did you mean 'n_fft'\?\)"),
            ('{"melfeat_config": 1, "framing": null}', "framing is null: expected an object"),
            ('{"melfeat_config": 1, "framing": 3}', "framing is 3: expected an object of options"),
            ('{"melfeat_config": 1, "sr": 1, "sr": 2}', "'sr' is given twice"),
            ('{"melfeat_config": 1, "sr": NaN}', "NaN is not a number in JSON"),
            ('{"melfeat_config": 1, "sr": -1}', "sr=-1: expected"),
            ('{"melfeat_config": 1, "framing": {"window": {"samples": 3}}}', "window: expected a name"),
            ('{"melfeat_config": 1, "framing": {"window": {"name": 3}}}', "window: expected a name"),
            ('{"melfeat_config": 1, "framing": {"n_fft": 2.5}}', "n_fft=2.5: expected an integer"),
        ],
    )
    def test_refusals(self, text, message):
        with pytest.raises(ParameterError, match=message):
            Config.from_json(text)

    def test_functions_cannot_be_written(self):
        with pytest.raises(ParameterError, match=r"window=.*: a function cannot be written as JSON; give its samples"):
            Config.preset("whisper", window=np.hanning).to_json()
        with pytest.raises(
            ParameterError, match=r"pad_mode=.*: a function cannot be written as JSON; use a named mode"
        ):
            Config.preset("whisper", pad_mode=np.clip).to_json()
        with pytest.raises(ParameterError, match=r"window=.*: cannot be written as JSON"):
            Config.preset("whisper", window=("general_hamming", Fraction(27, 50))).to_json()


BAD_WINDOWS = [
    (None, "cannot be given as NoneType"),
    (True, "cannot be given as bool"),
    (b"hann", "cannot be given as bytes"),
    ("povy", "did you mean 'povey'"),
    ((), "the first entry of a tuple is the window's name"),
    ((None,), "the first entry of a tuple is the window's name"),
    (("samples",), r"expected \('samples', values\)"),
    (("samples", "hann"), r"expected \('samples', values\)"),
    (["hann"], "has dtype <U4; expected real numbers"),
    ([[1.0, 2.0], [3.0]], "not an array of numbers"),
    ([1.0] * 10, r"has shape \(10,\); expected \(400,\)"),
    ([math.nan] * 400, "not finite everywhere"),
    (np.ones((2, 3)), r"has shape \(2, 3\)"),
    (("kaiser",), "no such window of 400 samples"),
    (("kaiser", "x"), "no such window of 400 samples"),
    (("kaiser", math.nan), "400 samples are not finite everywhere"),
    (("kaiser", {}), r"expected a name, \(name, number, ...\), a number"),
    ({}, r"expected a name, \(name, number, ...\), a number"),
    (("hann", 1.0), "takes no parameters"),
    (lambda n: None, "the function's result has dtype object"),
]


class TestRefusedAtOnce:
    """What cannot be computed is refused when it is said, not when the first signal comes."""

    @pytest.mark.parametrize(("window", "text"), BAD_WINDOWS, ids=[str(w)[:24] for w, _ in BAD_WINDOWS])
    def test_windows(self, window, text):
        with pytest.raises(ParameterError, match=text):
            Config.preset("whisper", window=window)

    def test_nested_parameters_are_values(self):
        window = ("general_cosine", [0.5, np.float32(0.5)])
        config = Config.preset("whisper", window=window)
        assert config.framing.window == ("general_cosine", (0.5, 0.5))
        assert Config.from_json(config.to_json()) == config

    def test_windows_that_cannot_be_scaled(self):
        with pytest.raises(ParameterError, match="the sum of its samples is 0; expected another one"):
            Config.preset("whisper", window=np.tile([1.0, -1.0], 200), window_scale="2/sum")

    def test_longest_transform(self):
        with pytest.raises(ParameterError, match="n_fft=1000000000: expected at most 16777216"):
            Config.preset("librosa", n_fft=10**9)

    @pytest.mark.parametrize("sr", [1e-320, 1e-7, 1e13, 1e308])
    def test_rates(self, sr):
        with pytest.raises(ParameterError, match=r"sr=.*: expected 1e-06 to 1e\+12 \[Hz\]"):
            Config.preset("librosa", sr=sr)
        with pytest.raises(ParameterError, match=r"sr=.*: expected 1e-06 to 1e\+12 \[Hz\]"):
            melfeat.mfcc(np.zeros(3000), sr)

    @pytest.mark.parametrize("sr", [1e-6, 1.0, 1e12])
    def test_rates_at_the_limits(self, sr):
        x = melfeat.Extractor("librosa", sr=sr)(np.linspace(-0.5, 0.5, 3000))
        assert np.isfinite(x).all()

    def test_largest_exponent(self):
        with pytest.raises(ParameterError, match=r"power=1e\+308: expected at most 1000; 2 is power"):
            Config.preset("librosa", power=1e308)

    @pytest.mark.parametrize("warp", [1e-10, 2000.0])
    def test_warps(self, warp):
        with pytest.raises(ParameterError, match=f"vtln_warp={warp:g}"):
            Config.preset("kaldi-mfcc", vtln_warp=warp)


def test_differences_of_any_size():
    a = Config.preset("etsi", power=100.0, logarithm="log10")
    assert "levels of b are 451.5 (log10) lower" in str(melfeat.diff(a, "librosa"))
    bands = {"compression": None, "cepstrum": None, "energy": None}
    assert "10^" in str(melfeat.diff(a.replace(**bands), a.replace(input_scale=1.0, **bands)))


class TestRepr:
    NAMESPACE: ClassVar = {kind.__name__: kind for kind in (Config, *STAGES.values())} | {"inf": math.inf}

    @given(st.sampled_from(NAMES), drawn_rates, drawn_changes)
    def test_evaluates_to_an_equal_configuration(self, name, sr, changes):
        config = drawn(name, sr, changes)
        if config is None:
            return
        again = eval(repr(config), dict(self.NAMESPACE))
        assert again == config
        assert again.based_on == name
        plain = dataclasses.replace(config, based_on=None)
        assert eval(repr(plain), dict(self.NAMESPACE)) == plain

    @pytest.mark.parametrize(
        "text",
        [
            "Config.preset('whisper')",
            "Config.preset('whisper', n_mels=128)",
            "Config.preset('kaldi-mfcc', sr=8000.0)",
            "Config.preset('kaldi-mfcc', win_length=800)",
            "Config.preset('kaldi-mfcc', energy=None)",
            "Config.preset('htk', c0='last', energy_place='last')",
            "Config.preset('librosa', n_fft=400)",
            "Config.preset('librosa', n_fft=4096, win_length=2048)",
            "Config.preset('torchaudio', sr=8000.0, n_fft=512)",
            "Config.preset('kaldi-fbank', cepstrum=Cepstrum())",
            "Config(sr=22050.0)",
            "Config(sr=8000.0, framing=Framing(n_fft=256, hop_length=80, win_length=200), filterbank=Filterbank())",
            "Config(sr=8000.0, based_on='gone')",
        ],
    )
    def test_says_only_what_differs(self, text):
        assert repr(eval(text, dict(self.NAMESPACE))) == text

    def test_long_windows_are_not_written_out(self):
        assert repr(Config.preset("whisper", window=[1.0] * 400)) == "Config.preset('whisper', window=<400 samples>)"
        assert repr(Config(framing=Framing(2, 1, window=[1.0, 0.5]))).count("window=[1.0, 0.5]") == 1

    def test_of_a_preset_that_does_not_take_these_options(self):
        config = Config.preset("etsi").replace(sr=44100)  # the standard knows no such rate
        assert repr(config).startswith("Config(sr=44100.0, preprocessing=Preprocessing(input_scale=32768.0")
        assert eval(repr(config), dict(self.NAMESPACE)) == config


class TestFingerprint:
    @pytest.mark.parametrize("case", CASES, ids=str)
    @slow_interpreted
    def test_tells_outputs_apart_and_nothing_else(self, case):
        a, b = case.configs()
        one, other = (Extractor(config)(signal()) for config in (a, b))
        same = one.shape == other.shape and np.array_equal(one, other, equal_nan=True)
        assert same is not case.matters, "the case is wrong, or the engine"
        assert (a.fingerprint == b.fingerprint) is same

    def test_every_option_is_tried(self):
        tried = {name for case in CASES if case.matters for name in case.change}
        assert set(STAGE_OF) <= tried

    def test_form(self):
        assert len(Config().fingerprint) == 32
        assert int(Config().fingerprint, 16) >= 0

    def test_does_not_change_from_version_to_version(self):
        """Features are kept with it: a change of these values invalidates stored ones, and belongs in the changelog."""
        frozen = json.loads(GOLDEN.read_text(encoding="utf-8"))
        assert {name: Config.preset(name).fingerprint for name in NAMES} == frozen

    def test_a_window_that_is_a_function_counts_by_its_samples(self):
        one, other = (Config.preset("whisper", window=window) for window in (np.hanning, np.hanning(400).tolist()))
        assert one.fingerprint == other.fingerprint != Config.preset("whisper", window=np.hamming).fingerprint

    def test_padding_by_a_function_has_none(self):
        with pytest.raises(ParameterError, match="use a named mode"):
            _ = Config.preset("whisper", pad_mode=lambda *_: None).fingerprint


class TestFrames:
    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize("extra", [{}, {"drop_last": 3, "pad_dropped": True}, {"pad_to": 4, "stack": 3}])
    def test_counts_and_starts(self, name, extra):
        config = Config.preset(name, **extra)
        f, post = config.framing, dataclasses.asdict(config.post)
        for n in [*range(0, 8 * f.hop_length, 37), f.win_length, f.n_fft - 1, f.n_fft, f.n_fft + 1, 4 * f.n_fft]:
            starts = frame_starts(n, f.frames, f.frame_length, f.n_fft, f.hop_length)
            kept = max(0, len(starts) - f.drop_last)
            assert config.n_analysis_frames(n) == kept
            assert config.n_frames(n) == n_output_frames(kept, len(starts) - kept, post)
            assert not starts or starts[0] == config.first_sample()

    @given(
        st.sampled_from(["center", "valid", "valid_minus_one", "pad_end", "pad_all", "no_snip", "center_ceil"]),
        st.integers(1, 12),
        st.integers(1, 12),
        st.integers(1, 12),
        st.sampled_from(["left", "center"]),
        st.integers(0, 60),
    )
    def test_every_rule(self, rule, win_length, more, hop, align, n):
        n_fft = win_length + more
        config = Config(framing=Framing(n_fft, hop, win_length, frames=rule, window_align=align))
        length = win_length if align == "left" else n_fft
        starts = frame_starts(n, rule, length, n_fft, hop)
        assert config.n_frames(n) == len(starts)
        offset = (n_fft - win_length) // 2 if align == "center" else 0
        centres = [(start + offset + win_length / 2) / 22050 for start in starts]
        np.testing.assert_allclose(config.times(n), centres, rtol=0, atol=1e-12)

    def test_fixed_lengths(self):
        config = Config.preset("whisper", fixed_samples=480000)
        assert [config.n_frames(n) for n in (0, 1, 16000, 10**7)] == [3000] * 4
        assert [Config.preset("ast").n_frames(n) for n in (0, 16000, 10**7)] == [1024] * 3
        assert Config.preset("ast").n_analysis_frames(16000) == 98

    @pytest.mark.parametrize("n", [-1, 2.5, None])
    def test_lengths_are_checked(self, n):
        with pytest.raises(ParameterError, match="n_samples"):
            Config().n_frames(n)

    def test_times(self):
        np.testing.assert_array_equal(Config.preset("librosa").times(2000), np.arange(4) * 512 / 22050)
        np.testing.assert_allclose(Config.preset("kaldi-fbank").times(720), [0.0125, 0.0225, 0.0325], rtol=1e-15)
        np.testing.assert_allclose(Config.preset("seamless").times(1040), [0.0175, 0.0375, 0.0575], rtol=1e-15)
        assert Config.preset("nemo").times(1600).shape == (16,)


class TestFeatures:
    @pytest.mark.parametrize(
        ("config", "names"),
        [
            (Config.preset("librosa", n_mfcc=3), "c0 c1 c2"),
            (Config.preset("kaldi-mfcc", n_mfcc=3, delta_order=1), "energy c1 c2 delta_energy delta_c1 delta_c2"),
            (Config.preset("htk", n_mfcc=2, c0="last", energy_place="last"), "c1 c2 c0 energy"),
            (Config.preset("htk", n_mfcc=2, delta_order=2), "c1 c2 delta_c1 delta_c2 delta2_c1 delta2_c2"),
            (Config.preset("htk", n_mfcc=1, delta_order=3), "c1 delta_c1 delta2_c1 delta3_c1"),
            (Config.preset("kaldi-mfcc", n_mfcc=2, c0="last"), "c1 c2 energy"),
            (Config.preset("kaldi-fbank", n_mels=2, energy_place="first"), "energy mel_0 mel_1"),
            (Config.preset("seamless", n_mels=2), "mel_0@0 mel_1@0 mel_0@1 mel_1@1"),
            (Config.preset("librosa", n_mels=2, n_mfcc=20), "c0 c1"),
            (Config.preset("htk", n_mels=3, n_mfcc=20, c0="last"), "c1 c2 c0"),
            (Config(framing=Framing(4, 2)), "bin_0 bin_1 bin_2"),
        ],
    )
    def test_names(self, config, names):
        assert config.feature_names == tuple(names.split())
        assert config.n_features == len(names.split())

    @slow_interpreted
    @pytest.mark.parametrize("name", NAMES)
    def test_shape_is_that_of_the_output(self, name):
        y = signal()[0]
        for config in (Config.preset(name), Config.preset(name, delta_order=2, stack=2)):
            assert Extractor(config)(y).shape == (config.n_features, config.n_frames(y.size))

    def test_mel_frequencies(self):
        for name, scale in (("kaldi-fbank", 1127.0 / math.log(math.e)), ("torchaudio", 2595.0 / math.log(10))):
            config = Config.preset(name)
            low, high = (scale * math.log(1 + f / 700) for f in (config.filterbank.fmin, 8000.0))
            n = config.filterbank.n_mels
            expected = [700 * math.expm1((low + (high - low) * m / (n + 1)) / scale) for m in range(1, n + 1)]
            np.testing.assert_allclose(config.mel_frequencies, expected, rtol=1e-12)
        assert Config.preset("slaney").mel_frequencies[0] == pytest.approx(200.0, abs=1e-3)
        assert Config.preset("kaldi-fbank", fmax=-400).mel_frequencies[-1] < 7600

    def test_mel_frequencies_are_warped(self):
        plain, warped = (Config.preset("kaldi-fbank", vtln_warp=warp).mel_frequencies for warp in (1.0, 1.25))
        inner = (plain > 200) & (plain < 5000)
        np.testing.assert_allclose(warped[inner], plain[inner] / 1.25, rtol=1e-12)

    def test_no_bands_no_frequencies(self):
        with pytest.raises(ParameterError, match="no filterbank"):
            _ = Config().mel_frequencies


class TestReach:
    """What a frame sees, measured by changing samples and cutting the signal; Hamming windows weigh all samples."""

    CONFIGS: ClassVar = {
        "kaldi": ("kaldi-mfcc", {"window": "hamming"}),
        "deltas": ("kaldi-fbank", {"window": "hamming", "delta_order": 2, "delta_window_2": 3}),
        "htk": ("htk", {"win_length": 401}),
        "stacked": ("speech2text", {"window": "hamming", "cmn": None, "stack": 3, "delta_order": 1}),
        "psf": ("psf", {"window": "hamming"}),
        "no-snip": ("kaldi-fbank", {"window": "hamming", "frames": "no_snip"}),
        "dropped": ("whisper", {"window": "hamming_symmetric", "top_db": None, "drop_last": 3}),
        "centred": ("librosa", {"window": "hamming_symmetric", "n_fft": 512, "win_length": 300, "top_db": None}),
        "in-frame": ("nemo", {"window": "hamming", "cmn": None, "pad_to": 1, "pad_dropped": False, "remove_dc": True}),
        "slaney": ("slaney", {}),
        "sliding": ("kaldi-mfcc", {"window": "hamming", "cmn": "sliding_mean", "cmn_window": 4, "cmn_min_window": 2}),
        "sliding-centred": (
            "kaldi-mfcc",
            {"window": "hamming", "cmn": "sliding_mean", "cmn_window": 5, "cmn_center": True},
        ),
        "essentia": ("essentia", {"window": "hamming", "n_fft": 512, "hop_length": 256}),
        "pad-all": ("tf", {"window": "hamming", "window_symmetric": True, "frames": "pad_all", "win_length": 400}),
    }

    @pytest.fixture(params=CONFIGS.values(), ids=CONFIGS)
    def fx(self, request):
        name, overrides = request.param
        return Extractor(name, **overrides)

    @slow_interpreted
    def test_receptive_field(self, fx, rng):
        config = fx.config
        y = rng.standard_normal(40 * config.framing.hop_length + 2000)
        t = config.n_frames(y.size) // 2
        base = fx(y)[:, t]

        def matters(sample: int) -> bool:
            changed = y.copy()
            changed[sample] += 10.0
            return not np.allclose(fx(changed)[:, t], base, rtol=0, atol=1e-9)  # sums over windows are rounded

        middle = int(config.times(y.size)[t] * config.sr)
        seen = config.receptive_field
        assert matters(middle)
        first = next(s for s in range(middle - seen - 2, middle) if matters(s))
        assert matters(first + seen - 1)
        assert not any(matters(s) for s in (first - 1, first - 50, first + seen, first + seen + 50))

    @slow_interpreted
    def test_latency(self, fx, rng):
        config = fx.config
        y = rng.standard_normal(40 * config.framing.hop_length + 4000)
        t = config.n_frames(y.size) // 2
        whole = fx(y)[:, t]
        known = math.ceil(config.times(y.size)[t] * config.sr - 1e-6 + config.latency)

        def is_out(n: int) -> bool:
            got = fx(y[:n])
            return got.shape[1] > t and np.array_equal(got[:, t], whole)

        assert all(is_out(n) for n in range(known, known + 5))
        slack = 1 if (config.times(y.size)[t] * config.sr) % 1 else 0  # half samples are rounded up
        assert not is_out(known - 1 - slack)

    def test_no_bound(self):
        assert Config.preset("etsi").receptive_field is None
        assert Config.preset("etsi").latency == 100
        assert Config.preset("etsi", offset_filter=None).receptive_field == 201

    @pytest.mark.parametrize(
        ("name", "overrides", "reasons"),
        [
            ("kaldi-mfcc", {}, ()),
            ("kaldi-mfcc", {"cmn": "sliding_mean", "delta_order": 2, "frames": "no_snip"}, ()),
            ("librosa", {}, ("top_db=80",)),
            ("librosa", {"top_db": None}, ()),
            ("librosa", {"top_db": None, "pad_mode": np.clip}, ("pad_mode is a function",)),
            ("whisper", {"fixed_samples": 480000}, ("fixed_samples=480000", "top_db=80")),
            ("whisper", {"normalize_signal": True}, ("normalize_signal=True", "top_db=80")),
            ("htk", {"energy_place": "last"}, ("energy_normalize=True",)),
            ("nemo", {}, ("cmn='mean_var'",)),
            ("ast", {}, ("fixed_frames=1024",)),
        ],
    )
    def test_reasons(self, name, overrides, reasons):
        config = Config.preset(name, **overrides)
        assert config.whole_signal_reasons == reasons
        assert config.needs_whole_signal is bool(reasons)
        assert (config.latency is None) is bool(reasons)
        assert (config.receptive_field is None) is bool(reasons)


def test_the_page_names_every_option():
    page = (Path(__file__).parents[1] / "docs" / "config.md").read_text(encoding="utf-8")
    missing = [name for name in STAGE_OF if f"`{name}`" not in page]
    assert not missing
    assert all(f"### `{kind.__name__}`" in page for kind in (Preprocessing, Spectrum, *STAGES.values()))
