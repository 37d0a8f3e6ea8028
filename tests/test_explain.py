"""`explain`, `diff`, and the commands of these names and `presets`: what they say is true, nothing is left out."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from melfeat.cli import main
from melfeat.cli._dialects import read_settings
from melfeat.config import Config
from melfeat.config._difference import _EFFECTS
from melfeat.config._fields import STAGE_OF
from melfeat.config.explain import diff, explain
from melfeat.config.presets import presets
from melfeat.errors import ParameterError
from melfeat.extractor import Extractor
from melfeat.stages import Framing
from tests.config_cases import CASES
from tests.support import slow_interpreted

NAMES = [name for name in presets() if name not in ("acme", "half-kaldi")]  # not those that examples register


def line(text: str, label: str) -> str:
    """Return what stands behind a label, its lines joined."""
    lines = text[text.index("\n\n") :].splitlines()
    start = next(i for i, row in enumerate(lines) if row.startswith(f"{label} "))
    rest = lines[start + 1 :]
    more = next((i for i, row in enumerate(rest) if not row.startswith("  ")), len(rest))
    return " ".join(row.strip() for row in [lines[start].removeprefix(label), *rest[:more]])


class TestExplain:
    @pytest.mark.parametrize("name", NAMES)
    def test_numbers_of_each(self, name):
        config = Config.preset(name)
        text = explain(name)
        f, sr = config.framing, config.sr
        assert text == explain(config)
        assert text.startswith(f"Config.preset({name!r})\n{presets()[name]}"[:60])
        assert line(text, "signal").startswith(f"{sr:g} Hz, samples in [-1, 1)")
        assert line(text, "frames").startswith(
            f"{f.win_length} samples ({1000 * f.win_length / sr:.4g} ms) every {f.hop_length}"
        )
        assert line(text, "FFT").startswith(f"{f.n_fft} points: {1 + f.n_fft // 2} bins every {sr / f.n_fft:.6g} Hz")
        assert line(text, "bands").startswith(f"{config.filterbank.n_mels} triangles")
        assert line(text, "features").startswith(f"{config.n_features} in a frame: {config.feature_names[0]}, ")
        assert ("cepstrum " in text) == (config.cepstrum is not None)
        assert ("\nenergy " in text) == (config.energy is not None)
        assert max(map(len, text.splitlines())) <= 100

    def test_whisper_word_by_word(self):
        assert explain("whisper").splitlines() == [
            "Config.preset('whisper')",
            "OpenAI Whisper: 80 log-mel bands, 100 frames a second. Of the signal as it is: what the model is",
            "given, 30 s, is fixed_samples=480000; do_normalize normalize_signal.",
            "",
            "signal    16000 Hz, samples in [-1, 1)",
            "frames    400 samples (25 ms) every 160 (10 ms); frame t is centred at sample 160 t; beyond the ends",
            "          the signal mirrored about its first and last sample; the last 1 left out",
            "window    hann, periodic, 400 samples",
            "FFT       400 points: 201 bins every 40 Hz; power |X|²",
            "bands     80 triangles from 0 to 8000 Hz, equally spaced on Slaney's mel scale; sides linear in Hz;",
            "          centres 37.239, 74.478, ..., 7698.6 Hz; heights 2 / width in Hz; weights rounded to",
            "          float32",
            "levels    log10(max(x, 1e-10)); raised to 8 (80 dB) below the peak of its channel",
            "then      (x + 4) times 0.25",
            "features  80 in a frame: mel_0, mel_1, ..., mel_79; 100 frames a second",
            "timing    frame 0 is centred at 0 ms; needs the whole signal: top_db=80",
        ]

    @pytest.mark.parametrize(
        ("name", "overrides", "label", "words"),
        [
            ("whisper", {"fixed_samples": 480000}, "signal", "completed by zeros, to 480000 samples (30 s)"),
            ("whisper", {"normalize_signal": True}, "signal", "mean 0 and variance 1"),
            ("nemo", {"dither": 1e-5}, "signal", "gaussian noise of deviation 1e-05 added (seed 0)"),
            ("htk", {"dither": 2.0}, "each", "uniform noise of up to ±2 added"),
            ("etsi", {}, "signal", "y[n] = x[n] - x[n-1] + 0.999 y[n-1]"),
            ("psf", {}, "signal", "times 32768; pre-emphasis x[n] - 0.97 x[n-1], the sample before the first is 0"),
            ("kaldi-fbank", {}, "each", "its mean subtracted; pre-emphasis x[n] - 0.97 x[n-1], the first sample times"),
            ("kaldi-fbank", {"frames": "no_snip"}, "frames", "at sample 160 t - 120; beyond the ends the signal"),
            ("kaldi-fbank", {}, "window", "at the beginning of the FFT's 512, zeros elsewhere"),
            ("whisper", {"pad_mode": np.clip}, "frames", "beyond the ends what a function puts there"),
            ("whisper", {"window": np.hanning}, "window", "a function of its length, 400 samples"),
            ("whisper", {"window": 14.0}, "window", "kaiser, beta 14, periodic"),
            ("whisper", {"window": ("tukey", 0.5)}, "window", "tukey (0.5), periodic"),
            ("whisper", {"window": [1.0] * 400}, "window", "given by its samples, 400 samples"),
            ("psf", {}, "window", "boxcar, 400 samples"),
            ("essentia", {}, "window", "scaled to a sum of 2"),
            ("psf", {}, "FFT", "power |X|² / 512"),
            ("whisper", {"power": 1.5}, "FFT", "|X| to the power 1.5"),
            ("slaney", {}, "bands", "between given edges from 133.333 to 6853.84 Hz"),
            ("kaldi-fbank", {"fmax": -400, "vtln_warp": 1.1}, "bands", "from 20 to 7600 Hz"),
            ("kaldi-fbank", {"vtln_warp": 1.1}, "bands", "warped by 1.1 as Kaldi does"),
            ("rastamat", {"power": 1, "band_power": 2}, "bands", "then squared"),
            ("librosa", {"mel_norm": 2}, "bands", "weights of 2.0-norm 1"),
            ("librosa", {}, "levels", "10 log10(max(x, 1e-10)) [dB]; raised to 80 dB below the peak of its channel"),
            ("tf", {}, "levels", "ln(x + 1e-06)"),
            ("tf", {"top_db": 80, "peak_scope": "array"}, "levels", "18.42 (80 dB) below the peak of the whole array"),
            ("psf", {}, "levels", "ln(x), zeros as 2.22045e-16"),
            ("slaney", {}, "levels", "log10(x), no floor: -inf for empty bands"),
            ("kaldi-fbank", {"logarithm": None}, "levels", "bands as they are: max(x, 1.19209e-07)"),
            ("kaldi-mfcc", {}, "cepstrum", "c0, c1, ..., c12 of a DCT-II, orthonormal; lifter 22: row i times"),
            ("librosa", {"lifter": 22}, "cepstrum", "1 + 11 sin(pi (i + 1) / 22)"),
            ("kaldi-mfcc", {"lifter": 22}, "cepstrum", "1 + 11 sin(pi i / 22)"),
            ("rastamat", {}, "cepstrum", "row i > 0 times i ** 0.6"),
            ("opensmile", {"c0_scale": 2}, "cepstrum", "c1, c2, ..., c0 of a DCT-II, times sqrt(2 / 26); lifter 22"),
            ("opensmile", {"c0_scale": 2}, "cepstrum", "c0 times 2"),
            ("kaldi-mfcc", {"energy_floor": 1.0}, "energy", "in place of c0; at least 1.19209e-07; not below ln(1)"),
            ("htk", {"energy_place": "last"}, "energy", "the peak of the signal at 1, the rest 0.1 times its distance"),
            ("kaldi-mfcc", {"cmn": "sliding_mean"}, "then", "mean of a window subtracted (600 frames)"),
            ("seamless", {}, "then", "each row to mean 0 and variance 1; variance over n - 1 frames; variance + 1e-07"),
            ("opensmile", {}, "then", "deltas of order 1 to 2 over ±2 and ±2 frames, at the ends as openSMILE does"),
            ("ast", {}, "then", "cut, or completed by 0, to 1024 frames"),
            ("kaldi-mfcc", {}, "timing", "frame 0 is centred at 12.5 ms; a frame depends on 400 samples (25 ms)"),
            ("kaldi-mfcc", {}, "timing", "is known 200 samples (12.5 ms) after its centre"),
            ("etsi", {}, "timing", "a frame depends on all samples before it"),
        ],
    )  # fmt: skip
    def test_options_are_told(self, name, overrides, label, words):
        assert words in line(explain(Config.preset(name, **overrides)), label)

    def test_without_stages(self):
        text = explain(Config(16000, framing=Framing(8, 4)))
        labels = [row.split(" ")[0] for row in text.splitlines()[2:] if not row.startswith(" ")]
        assert labels == ["signal", "frames", "window", "FFT", "features", "timing"]
        assert line(text, "features").startswith("5 in a frame: bin_0, bin_1, ..., bin_4; 4000 frames")

    def test_stages_are_told_in_order(self):
        rows = explain("kaldi-mfcc").splitlines()
        labels = [row.split(" ")[0] for row in rows[rows.index("") + 1 :] if not row.startswith(" ")]
        assert labels == [
            *("signal", "frames", "each", "window", "FFT", "bands", "levels", "cepstrum"),
            "energy",
            "features",
            "timing",
        ]

    def test_what_it_takes(self):
        assert explain(Extractor("whisper")) == explain("whisper")
        with pytest.raises(ParameterError, match="unknown preset 'wisper'"):
            explain("wisper")
        with pytest.raises(ParameterError, match="config has type int: expected a Config"):
            explain(3)

    @pytest.mark.parametrize("case", CASES, ids=str)
    def test_every_configuration_has_words(self, case):
        assert all(explain(config) for config in case.configs())


#: What can differ because another option does.
FOLLOW = ("win_length", "window_align", "n_fft", "fmax")


class TestDiff:
    @pytest.mark.parametrize("case", CASES, ids=str)
    def test_says_all_that_matters_and_nothing_else(self, case):
        a, b = case.configs()
        text = diff(a, b)
        if not case.matters:
            assert text.splitlines()[3:] == ["no difference in the output"]
            return
        told = {row.split("  ")[0] for row in text.splitlines()[3:] if not row.startswith(" ")}
        meant = {*case.change, *(STAGE_OF.get(name) for name in case.change)}  # the stage, where one side has none
        assert told & meant
        assert told <= {*meant, "features", "frames of 1 s", *FOLLOW}
        assert "no difference" not in text

    def test_every_option_has_an_effect_in_words(self):
        assert set(_EFFECTS) == {"sr", *STAGE_OF}

    @pytest.mark.parametrize("a", NAMES)
    def test_all_pairs(self, a):
        for b in NAMES:
            rows = diff(a, b).splitlines()
            assert rows[:2] == [f"a  Config.preset({a!r})", f"b  Config.preset({b!r})"]
            assert max(map(len, rows)) <= 100
            one, other = Config.preset(a), Config.preset(b)
            assert (rows[3:] == ["no difference in the output"]) == (one.fingerprint == other.fingerprint)

    @pytest.mark.parametrize(
        ("a", "b", "words"),
        [
            ("kaldi-fbank", {"input_scale": 1.0}, "levels of b are 20.79 (ln) lower but for those at the floor"),
            ("kaldi-mfcc", {"input_scale": 1.0}, "of the cepstrum that moves c0 alone; the energy by -20.79"),
            ("librosa", {"input_scale": 10.0}, "levels of b are 20 dB higher"),
            ("kaldi-fbank", {"logarithm": "db"}, "levels and cepstra of b are 4.34294 times those of a"),
            ("kaldi-fbank", {"spectrum_scale": "1/n_fft"}, "levels of b are 6.238 (ln) lower"),
            ("kaldi-fbank", {"power": 1.0}, "levels of b are about 0.5 times those of a"),
            ("kaldi-fbank", {"preemphasis": 0.0}, "a raises levels by 36.3 dB, b by 0 dB"),
            ("librosa", {"dct_norm": "htk"}, "C0 of b is larger by sqrt(2); the rest is equal"),
            ("librosa", {"dct_norm": None}, "coefficients of b are 16 times those of a, C0 22.6274 times"),
            ("librosa", {"n_fft": 1024, "win_length": 1024}, "bins every 10.767 Hz | 21.533 Hz"),
            ("librosa", {"hop_length": 256}, "43.0664 | 86.1328 frames a second"),
            ("kaldi-fbank", {"frames": "no_snip"}, "at sample 200 | 80; samples beyond the ends: none | symmetric"),
            ("kaldi-fbank", {"window": "boxcar"}, "without a window strong frequencies leak into all others"),
            ("librosa", {"window_symmetric": True}, "a period of 2047 samples if symmetric, 2048 if periodic"),
            ("htk", {"window_align": "center"}, "the window 51 samples later"),
            ("kaldi-fbank", {"mel_scale": "htk"}, "differ by a factor of 1 + 5e-6"),
            ("kaldi-fbank", {"triangles": "htk"}, "HTK rounds the ends of the range to bins"),
            ("kaldi-fbank", {"energy_place": "first"}, "one side has the energy of each frame as a feature"),
            ("kaldi-mfcc", {"cepstrum": None, "energy": None}, "without a cepstrum the features are levels of bands"),
        ],
    )  # fmt: skip
    def test_effects_in_numbers(self, a, b, words):
        text = " ".join(diff(a, Config.preset(a, **b)).split())
        assert words in text

    def test_the_lifter_that_is_off_by_one(self):
        a, b = Config.preset("librosa", lifter=22), Config.preset("librosa", lifter=22, lifter_offset=0)
        assert "librosa's lifter is off by one: a gives row i the factor that others give row i + 1" in diff(a, b)
        assert "off by one: b gives" in diff(b, a)

    @slow_interpreted
    def test_numbers_are_true(self, rng):
        """The shifts and factors that are told are those of the features."""
        y = 0.1 * rng.standard_normal(8000)
        base = Extractor("kaldi-fbank")(y)
        np.testing.assert_allclose(Extractor("kaldi-fbank", input_scale=1.0)(y), base - math.log(2**30), atol=1e-9)
        np.testing.assert_allclose(Extractor("kaldi-fbank", logarithm="db")(y), base * (10 / math.log(10)), rtol=1e-9)
        base = Extractor("librosa")(y)
        other = Extractor("librosa", dct_norm=None)(y)
        np.testing.assert_allclose(other[1:], 16 * base[1:], atol=1e-9)
        np.testing.assert_allclose(other[0], 16 * math.sqrt(2) * base[0], rtol=1e-12)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


class TestCommands:
    def test_presets(self, capsys):
        assert main(["presets"]) == 0
        rows = capsys.readouterr().out.splitlines()
        assert len(rows) == len(presets())
        assert f"whisper{' ' * 17}{presets()['whisper']}" in rows
        assert main(["presets", "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == presets()

    def test_explain(self, capsys):
        assert main(["explain", "whisper"]) == 0
        assert capsys.readouterr().out == explain("whisper") + "\n"
        assert main(["explain", "whisper", "--set", "n_mels=128", "--set", "top-db=none"]) == 0
        assert capsys.readouterr().out == explain(Config.preset("whisper", n_mels=128, top_db=None)) + "\n"

    def test_diff(self, capsys):
        assert main(["diff", "kaldi-mfcc", "htk"]) == 0
        assert capsys.readouterr().out == diff("kaldi-mfcc", "htk") + "\n"
        assert main(["diff", "whisper", "whisper-v3", "--set", "n_mels=40"]) == 0
        assert capsys.readouterr().out.endswith("no difference in the output\n")

    def test_files(self, folder, capsys):
        assert main(["explain", "psf", "--set", "sr=8000", "--json"]) == 0
        Path("mine.json").write_text(capsys.readouterr().out, encoding="utf-8")
        Path("plain").write_bytes(Path("mine.json").read_bytes())
        config = Config.preset("psf", sr=8000)
        assert Config.from_json(Path("mine.json").read_text(encoding="utf-8")) == config
        for given in ("mine.json", "plain", "./plain"):
            assert main(["explain", given, "--set", "n_mels=40"]) == 0
            assert capsys.readouterr().out == explain(config.replace(n_mels=40)) + "\n"
        assert main(["diff", "psf", "mine.json"]) == 0
        assert "sr  16000 | 8000 Hz" in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("argv", "code", "message"),
        [
            (["explain", "wisper"], 2, "unknown preset 'wisper' (did you mean 'whisper'?)"),
            (["explain", "whisper", "--set", "n_mel=3"], 2, "unknown option 'n_mel' (did you mean 'n_mels'?)"),
            (["explain", "whisper", "--set", "n_mels=many"], 2, "n_mels='many': expected an integer"),
            (["explain", "whisper", "--set", "n_mels"], 2, "--set n_mels: expected NAME=VALUE"),
            (["explain", "whisper", "--set", "=3"], 2, "--set =3: expected NAME=VALUE"),
            (["diff", "whisper", "missing.json"], 3, "missing.json: No such file or directory"),
            (["explain", "bad.json"], 2, "bad.json: configuration: expected an object with the key 'melfeat_config'"),
        ],
    )
    def test_refusals(self, folder, capsys, argv, code, message):
        Path("bad.json").write_text("{}", encoding="utf-8")
        assert main(argv) == code
        out, err = capsys.readouterr()
        assert out == ""
        assert message in err

    def test_values(self):
        settings = [
            "a=1",
            "b=1.5",
            "c=none",
            "d=True",
            "e=hann",
            "f=kaiser:14",
            "g=[1, 2]",
            "h=inf",
            "i-j=1e-5",
            "k=a:b",
        ]
        assert read_settings(settings) == {
            "a": 1, "b": 1.5, "c": None, "d": True, "e": "hann", "f": ("kaiser", 14.0), "g": (1, 2), "h": math.inf,
            "i_j": 1e-5, "k": "a:b",
        }  # fmt: skip
