"""Configurations of other programs: each option becomes what it means there, and what is not known is refused by name.

Three judges: HCopy's outputs (`tests/golden/foreign/htk`, and the shared references), Kaldi's own outputs, and the
catalogue of `scripts/peers`, which says in melfeat's words what each option of each peer means, was written apart from
the readers here, and is itself proved against the peers (`test_dialects.py`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from melfeat.config import Config
from melfeat.config.presets import preset
from melfeat.errors import ParameterError
from melfeat.extractor import Extractor
from melfeat.foreign import (
    config_from_hf,
    config_from_htk,
    config_from_kaldi,
    config_from_librosa,
    config_from_nemo,
    config_from_psf,
    config_from_torchaudio,
)
from melfeat.foreign._yaml import parse_yaml
from melfeat.formats import read_ark, read_htk
from scripts.golden_foreign import HTK, signal
from scripts.peers.cases import CASES, Case
from tests.support import slow_interpreted

GOLDEN = Path(__file__).parent / "golden" / "foreign"
MEL_TARGET = {"_target_": "nemo.collections.asr.modules.AudioToMelSpectrogramPreprocessor"}
MFCC_TARGET = {"_target_": "nemo.collections.asr.modules.AudioToMFCCPreprocessor"}
RATES = {"voice8": 8000, "voice11": 11025, "voice11k": 11000, "voice22": 22050, "voice44": 44100}


# ---------------------------------------------------------------------------------------------------------------------
# The catalogue
# ---------------------------------------------------------------------------------------------------------------------

KALDI_NAMES = {
    "frame_length_ms": "frame-length",
    "frame_shift_ms": "frame-shift",
    "preemph_coeff": "preemphasis-coefficient",
    "num_bins": "num-mel-bins",
}
HTK_NAMES = {"window_seconds": "WINDOWSIZE", "step_seconds": "TARGETRATE", "target": "TARGETKIND"}
#: What the catalogue adds to a peer's features by other functions of it.
ADDED = ("delta_order", "delta_window", "delta_window_2", "delta_edges")


def from_knf(case: Case, sr: int) -> Config:
    options = dict(case.options)
    kind = options.pop("kind", "fbank")
    flat = {**options.pop("frame_opts", {}), **options.pop("mel_opts", {}), **options}
    for name in ("delta_order", "delta_window"):
        flat.pop(name, None)
    lines = [f"--sample-frequency={sr}"]
    for name, value in flat.items():
        text = str(value).lower() if isinstance(value, bool) else value
        lines.append(f"--{KALDI_NAMES.get(name, name)}={text}  # {case.name}")
    return config_from_kaldi("\n".join(lines), feature=kind)


def from_compliance(case: Case, sr: int) -> Config:
    options = {name: value for name, value in case.options.items() if name != "delta_order"}
    kind = options.pop("kind", "fbank")
    return config_from_torchaudio({**options, "sample_frequency": sr}, feature=f"kaldi_{kind}")


def from_torchaudio(case: Case, sr: int) -> Config:
    options = dict(case.options, sample_rate=sr)
    options.pop("delta_order", None)
    feature = {"MFCC": "mfcc", "MelSpectrogram": "melspectrogram"}[options.pop("kind", "MFCC")]
    return config_from_torchaudio(options, feature=feature)


def from_transformers(case: Case, sr: int) -> Config:
    options = dict(case.options, feature_extractor_type=case.options["extractor"], sampling_rate=sr)
    del options["extractor"]
    return config_from_hf(json.dumps(options))


def from_psf(case: Case, sr: int) -> Config:
    options = {name: value for name, value in case.options.items() if name != "deltas"}
    if "winfunc" in options:
        options["winfunc"] = getattr(np, options["winfunc"])
    kind = options.pop("kind", "mfcc")
    return config_from_psf({**options, "samplerate": sr}, feature=kind)


def from_librosa(case: Case, sr: int) -> Config:
    options = dict(case.options, sr=sr)
    if options.pop("float64_bank", False):
        options["dtype"] = np.float64
    kind = options.pop("kind", "mfcc")
    return config_from_librosa(options, feature=kind)


def from_formula(case: Case, sr: int) -> Config:
    options = {name: value for name, value in case.options.items() if name != "kind"}
    if case.options["kind"] == "nemo":
        return config_from_nemo({**MEL_TARGET, "sample_rate": sr, **options})
    lines = [f"SOURCERATE = {1e7 / sr!r}"]
    options = {"target": "MFCC_0", "step_seconds": 0.01, **options}
    for name, value in options.items():
        text = {True: "T", False: "F"}[value] if isinstance(value, bool) else value
        lines.append(f"{HTK_NAMES.get(name, name.upper())} = {round(value * 1e7) if 'seconds' in name else text}")
    return config_from_htk("\n".join(lines))


READERS = {
    "knf": from_knf,
    "compliance": from_compliance,
    "torchaudio": from_torchaudio,
    "transformers": from_transformers,
    "python_speech_features": from_psf,
    "librosa": from_librosa,
    "formula": from_formula,
}


def in_the_catalogue() -> list[Case]:
    cases = []
    for case in CASES:
        hann = case.options.get("frame_opts", {}).get("window_type") == "hann"  # of kaldi-native-fbank alone
        # What is said to functions around a peer, such as to run it in float64, is in no configuration.
        beside = {"call", "numpy_path", "cmvn", "sliding", "exact"} & set(case.options) or "truncated" in case.name
        of_others = case.peer == "formula" and case.options["kind"] not in ("htk", "nemo")
        if case.peer in READERS and not (hann or beside or of_others):
            cases.append(case)
    return cases


@pytest.mark.parametrize("case", in_the_catalogue(), ids=lambda case: case.name)
def test_every_option_is_what_the_catalogue_says(case):
    expected = preset(case.preset, **case.fields)
    config = READERS[case.peer](case, RATES.get(case.signal, 16000))
    added = {name: value for name, value in case.fields.items() if name in ADDED}
    config = config.replace(input_scale=case.scale, **added) if case.peer != "transformers" else config.replace(**added)
    if case.peer == "torchaudio" and config.filterbank is not None:
        # Its bank is float32, which float64 features show.
        config = config.replace(weights_dtype=expected.filterbank.weights_dtype)
    if case.name == "psf-fbank":
        assert (config.compression.logarithm, config.compression.floor_kind) == (None, "if_zero")
        config = config.replace(compression=None)  # a band of silence is eps there, and 0 in the catalogue
    if case.options.get("float64_bank"):
        config = config.replace(weights_dtype=None)  # float64 where the signal is
    assert config.fingerprint == expected.fingerprint, config


def test_the_catalogue_is_large():
    names = [case.peer for case in in_the_catalogue()]
    assert {peer: names.count(peer) for peer in READERS if names.count(peer) < 20} == {}


# ---------------------------------------------------------------------------------------------------------------------
# Values, beside HTK and Kaldi themselves
# ---------------------------------------------------------------------------------------------------------------------


@slow_interpreted
@pytest.mark.parametrize("name", HTK)
def test_htk_golden(name):
    """HCopy computes in float32: 1.5e-4 is twice what its errors are here, 1e-6 of the largest for linear bands."""
    sr = HTK[name][0]
    expected, header = read_htk(GOLDEN / "htk" / f"{name}.htk")
    fx = Extractor(config_from_htk(GOLDEN / "htk" / f"{name}.conf", sr=sr))
    got = fx(signal(sr) / 32768.0)
    assert got.shape == expected.shape == (fx.n_features, header.n_frames)
    tolerance = 2e-6 * expected.max() if name == "mel_spectrum" else 3e-4 if sr == 44100 else 1.5e-4
    assert np.abs(got - expected).max() <= tolerance


@slow_interpreted
@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 6])
def test_htk_references(shared_data, number):
    folder = shared_data / "reference" / "htk"
    conf, output = (f"hcopy{number}", "fea_htk") if number < 5 else (f"fbank{number - 4}", "fbank_htk")
    expected, _ = read_htk(folder / f"test.wav.{output}.{number if number < 5 else number - 4}")
    y, sr = soundfile.read(folder / "test.wav", dtype="int16")
    for rate in (None, sr):
        got = Extractor(config_from_htk(folder / f"{conf}.conf", sr=rate))(y / 32768.0)
        assert got.shape == expected.shape
        assert np.abs(got - expected).max() <= 2.3e-4


@slow_interpreted
@pytest.mark.parametrize(
    ("name", "conf", "feature", "error"),
    [
        ("test", "", "fbank", 0.036),
        ("test-40", "--num_mel_bins=40", "fbank", 0.06),
        ("test-40-no-snip-edges", "--num-mel-bins=40\n--snip-edges=false", "fbank", 0.062),
        ("test-with-energy", "--use-energy=1", "fbank", 0.036),
        ("test-mfcc", "# nothing\n", "mfcc", 0.144),
    ],
)
def test_kaldi_references(shared_data, name, conf, feature, error):
    """Largest errors as measured: bands at -90 dB of a sweep hold the rounding noise of Kaldi's float32 transform."""
    folder = shared_data / "reference" / "kaldi"
    ((_, expected),) = read_ark(folder / f"{name}.txt")
    y, _ = soundfile.read(folder / "test.wav", dtype="int16")
    got = Extractor(config_from_kaldi(conf, feature=feature))(y / 32768.0)
    assert got.shape == expected.shape
    off = np.abs(got - expected)
    assert off.max() <= error
    assert np.median(off) <= 3e-3


# ---------------------------------------------------------------------------------------------------------------------
# Files as they are in the field
# ---------------------------------------------------------------------------------------------------------------------

MFCC_HIRES = """\
# For neural networks: as many cepstra as bands, so that nothing is lost.
--use-energy=false   # the average of the log energies instead
--num-mel-bins=40
--num-ceps=40
--low-freq=20        # may be lower for wide-band data
--high-freq=-400     # from the Nyquist frequency: 7600
"""
HTK_BOOK = """\
# Coding parameters
TARGETKIND = MFCC_0
TARGETRATE = 100000.0
SAVECOMPRESSED = T
SAVEWITHCRC = T
WINDOWSIZE = 250000.0
USEHAMMING = T
PREEMCOEF = 0.97
NUMCHANS = 26
CEPLIFTER = 22
NUMCEPS = 12
ENORMALISE = F
"""
WHISPER = {
    "chunk_length": 30,
    "dither": 0.0,
    "feature_extractor_type": "WhisperFeatureExtractor",
    "feature_size": 128,
    "hop_length": 160,
    "mel_filters": [[0.0, 0.0], [0.1, 0.2]],
    "n_fft": 400,
    "n_samples": 480000,
    "nb_max_frames": 3000,
    "padding_side": "right",
    "padding_value": 0.0,
    "processor_class": "WhisperProcessor",
    "return_attention_mask": False,
    "sampling_rate": 16000,
}
CONFORMER = """\
name: "Conformer-CTC-BPE"   # a comment

model:
  sample_rate: 16000
  log_prediction: true
  train_ds:
    manifest_filepath: ???
    labels: [" ", "a", "b"]
    bucketing_weights: null
  preprocessor:
    _target_: nemo.collections.asr.modules.AudioToMelSpectrogramPreprocessor
    sample_rate: ${model.sample_rate}
    normalize: "per_feature"
    window_size: 0.025
    window_stride: 0.01
    window: "hann"
    features: 80
    n_fft: 512
    log: true
    frame_splicing: 1
    dither: 0.00001
    pad_to: 0
    pad_value: 0.0

  spec_augment:
    _target_: nemo.collections.asr.modules.SpectrogramAugmentation
    freq_masks: 2
"""
QUARTZNET = """\
sample_rate: &sample_rate 16000
preprocessor:
  _target_: nemo.collections.asr.modules.AudioToMelSpectrogramPreprocessor
  normalize: "per_feature"
  window_size: 0.02
  sample_rate: *sample_rate
  window_stride: 0.01
  window: "hann"
  features: &n_mels 64
  n_fft: 512
  frame_splicing: 1
  dither: 0.00001
  stft_conv: false
encoder:
  feat_in: *n_mels
"""


class TestKaldiFiles:
    def test_hires(self):
        config = config_from_kaldi(MFCC_HIRES)
        assert config.sr == 16000
        f, bank, cepstrum = config.framing, config.filterbank, config.cepstrum
        assert (f.win_length, f.hop_length, f.n_fft, f.frames, f.window) == (400, 160, 512, "valid", "povey")
        assert (bank.n_mels, bank.fmin, bank.fmax, bank.triangles, bank.mel_scale) == (40, 20, -400, "mel", "htk_ln")
        assert (cepstrum.n_mfcc, cepstrum.lifter, cepstrum.lifter_offset, cepstrum.c0) == (40, 22, 0, "first")
        assert config.energy is None
        assert (config.preprocessing.input_scale, config.preprocessing.remove_dc) == (32768, True)
        assert config == config_from_kaldi(MFCC_HIRES.replace("-bins", "_bins").replace("\n", "\r\n"))

    def test_paths_and_dicts(self, tmp_path):
        path = tmp_path / "mfcc.conf"
        path.write_text(MFCC_HIRES, encoding="utf-8")
        expected = config_from_kaldi(MFCC_HIRES)
        assert config_from_kaldi(path) == config_from_kaldi(str(path)) == expected
        options = {"use_energy": False, "num-mel-bins": 40, "--num-ceps": "40", "low_freq": 20.0, "high_freq": -400}
        assert config_from_kaldi(options) == expected
        with pytest.raises(FileNotFoundError):
            config_from_kaldi(str(tmp_path / "missing.conf"))

    def test_defaults_are_kaldis(self):
        assert config_from_kaldi("").fingerprint == preset("kaldi-mfcc").fingerprint
        assert config_from_kaldi({}, feature="fbank").fingerprint == preset("kaldi-fbank").fingerprint

    def test_htk_compat_moves_what_stands_first(self):
        with_energy = config_from_kaldi("--htk-compat")
        assert (with_energy.cepstrum.n_mfcc, with_energy.cepstrum.c0, with_energy.cepstrum.c0_scale) == (
            12,
            "last",
            1.0,
        )
        assert with_energy.energy.energy_place == "replace_c0"
        assert with_energy.n_features == 13
        with_c0 = config_from_kaldi("--htk-compat=true\n--use-energy=false")
        assert with_c0.cepstrum.c0_scale == 2**0.5
        assert config_from_kaldi("--htk-compat\n--use-energy", feature="fbank").energy.energy_place == "last"

    def test_dither_only_where_it_is_asked_for(self):
        assert config_from_kaldi("").preprocessing.dither == 0
        asked = config_from_kaldi("--dither=1.0").preprocessing
        assert (asked.dither, asked.dither_kind, asked.dither_scope) == (1.0, "gaussian", "frame")
        assert config_from_kaldi("--dither=1.0", dither=0).preprocessing.dither == 0
        assert config_from_kaldi("", dither=0.5).preprocessing.dither == 0.5

    @pytest.mark.parametrize(
        "line",
        [
            *(
                "--allow-downsample=true",
                "--allow_upsample=true",
                "--max-feature-vectors=100",
                "--debug-mel",
                "--verbose=2",
            ),
            *("--output-format=htk", "--write-utt2dur=ark:x", "--channel=-1", "--channel=0", "--min-duration=0"),
            *("--print-args=false", "--vtln-warp=1", "--blackman-coeff=0.3", "--vtln-low=60"),
        ],
    )
    def test_options_without_effect(self, line):
        assert config_from_kaldi(line).fingerprint == config_from_kaldi("").fingerprint

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("--num-mel-bin=40", r"Kaldi option --num-mel-bin is unknown; did you mean --num-mel-bins\?"),
            ("--use-log-fbank=true", "--use-log-fbank is unknown"),  # of the other program
            ("--num-mel-bins=many", "--num-mel-bins='many': expected an integer >= 3"),
            ("--num-mel-bins=2", "expected an integer >= 3"),
            ("--use-energy=yes", "--use-energy='yes': expected one of true, t, 1"),
            ("--use-energy=", "--use-energy"),
            ("--window-type=kaiser", "expected one of 'povey', 'hamming'"),
            ("--window-type=hann", "expected one of 'povey', 'hamming'"),
            ("--num-ceps=30", r"--num-ceps=30: expected at most .*--num-mel-bins = 23"),
            ("--num-ceps=1\n--htk-compat", "--num-ceps=1 with htk-compat"),
            ("--frame-shift=0.01", "frames of 400 samples every 0"),
            ("--round-to-power-of-two=false\n--frame-length=25.0625", "expected an even number"),
            ("--vtln-map=ark:map", "--vtln-map='ark:map' is not supported; give one --vtln-warp"),
            ("--utt2spk=ark:map", "--utt2spk"),
            ("--config=other.conf", "read that file"),
            ("--channel=1", r"--channel='1' is not supported; pass y\[channel\]"),
            ("--min-duration=0.5", "leave out short recordings"),
            ("use-energy=false\n", "line 1 of the Kaldi configuration is 'use-energy=false': expected --option=value"),
            ("--use-energy=false --num-ceps=12", "expected one option to a line"),
            ("--=1", "expected --option=value"),
            ("--low-freq=9000", "fmin=9000"),
            ("--high-freq=9000", "fmax=9000"),
            ("--dither=-1", "--dither='?-1"),
            ("--num-ceps=13\n--num_ceps=12", "--num-ceps is given twice"),
        ],
    )
    def test_refuses(self, text, message):
        with pytest.raises(ParameterError, match=message):
            config_from_kaldi(text)

    def test_refuses_other_programs(self):
        with pytest.raises(ParameterError, match="feature='plp': perceptual linear prediction is not computed"):
            config_from_kaldi("", feature="plp")
        with pytest.raises(ParameterError, match="expected one of 'mfcc', 'fbank'"):
            config_from_kaldi("", feature="spectrogram")
        with pytest.raises(ParameterError, match="config has type int"):
            config_from_kaldi(5)


class TestHTKFiles:
    def test_the_htk_book(self):
        config = config_from_htk(HTK_BOOK, sr=16000)
        f, bank, cepstrum = config.framing, config.filterbank, config.cepstrum
        assert (f.win_length, f.hop_length, f.n_fft, f.window, f.window_symmetric) == (400, 160, 512, "hamming", True)
        assert (bank.n_mels, bank.triangles, bank.nyquist) == (26, "htk", "exact")
        assert (cepstrum.n_mfcc, cepstrum.dct_norm, cepstrum.lifter, cepstrum.c0) == (12, "htk", 22, "last")
        assert config.spectrum.power == 1
        assert config.energy is None
        assert config.compression.floor == 1.0
        assert config.feature_names[-1] == "c0"

    def test_defaults_are_htks(self):
        text = "TARGETRATE = 100000\nTARGETKIND = "
        assert config_from_htk(text + "MFCC", sr=16000).fingerprint == preset("htk").fingerprint
        expected = preset("htk", energy_place="last", sr=8000)
        assert config_from_htk(text + "MFCC_E", sr=8000).fingerprint == expected.fingerprint

    def test_energy_and_normalisation(self):
        text = (
            "TARGETRATE = 100000\nTARGETKIND = MFCC_E_D_A_Z\nESCALE = 0.5\nSILFLOOR = 30\nRAWENERGY = F\nACCWINDOW = 3"
        )
        config = config_from_htk(text, sr=16000)
        e, post = config.energy, config.post
        assert (e.energy_normalize, e.energy_scale, e.energy_silence_floor, e.energy_point) == (
            True,
            0.5,
            30,
            "windowed",
        )
        assert (post.cmn, post.cmn_columns, post.delta_order) == ("mean", "no_energy", 2)
        assert (post.delta_window, post.delta_window_2) == (2, 3)
        assert config.n_features == 39

    def test_rates(self):
        text = "TARGETKIND = FBANK\nTARGETRATE = 100000\nSOURCERATE = 625"
        assert config_from_htk(text).sr == 16000
        assert config_from_htk(text, sr=16000).sr == 16000
        assert config_from_htk(text.replace("625", "226.757369")).sr == 44100
        with pytest.raises(ParameterError, match="sr=8000 Hz, but HTK option SOURCERATE=625"):
            config_from_htk(text, sr=8000)
        with pytest.raises(ParameterError, match="pass sr"):
            config_from_htk(text.replace("SOURCERATE = 625", ""))

    def test_bands_of_a_period_that_is_not_whole(self):
        text = "TARGETKIND = FBANK\nTARGETRATE = 100000"
        assert config_from_htk(text, sr=22050).filterbank.nyquist == "period"
        assert config_from_htk(text, sr=8000).filterbank.nyquist == "exact"

    def test_names_of_modules(self):
        text = "HPARM: NUMCHANS = 24\nNUMCHANS = 30\nhparm:targetkind = FBANK\nTARGETRATE=100000\nHREC: X = 1"
        assert config_from_htk(text, sr=16000).filterbank.n_mels == 24
        assert (
            config_from_htk(
                {"HPARM: NUMCHANS": 24, "TARGETKIND": "FBANK", "TARGETRATE": 1e5}, sr=16000
            ).filterbank.n_mels
            == 24
        )
        with pytest.raises(ParameterError, match="no module of HTK is called 'HPRAM'"):
            config_from_htk("HPRAM: NUMCHANS = 24\n", sr=16000)

    def test_dither(self):
        text = "TARGETKIND = FBANK\nTARGETRATE = 100000\nADDDITHER = 0.5"
        p = config_from_htk(text, sr=16000).preprocessing
        assert (p.dither, p.dither_kind, p.dither_scope) == (0.5, "uniform", "frame")
        assert config_from_htk(text, sr=16000, dither=0).preprocessing.dither == 0

    @pytest.mark.parametrize(
        "line",
        [
            *("SOURCEKIND = WAVEFORM", "SOURCEFORMAT = NIST", "BYTEORDER = VAX", "HEADERSIZE = 44", "TRACE = 1"),
            *("TARGETFORMAT = HTK", "SAVECOMPRESSED = T", "SAVEWITHCRC = F", "NATURALREADORDER = T", "LPCORDER = 16"),
            *("SPEECHTHRESH = 9", "USESILDET = F", "V1COMPAT = F", "SIMPLEDIFFS = F", "CEPSCALE = 1.0", "NUMCEPS = 14"),
            *("CEPLIFTER = 30", "ENORMALISE = F", "DELTAWINDOW = 5", "WARPUCUTOFF = 3000", "MEASURESIL = F"),
        ],
    )
    def test_options_without_effect(self, line):
        text = "TARGETKIND = FBANK_C_K\nTARGETRATE = 100000\n"
        assert config_from_htk(text + line, sr=16000).fingerprint == config_from_htk(text, sr=16000).fingerprint

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("ENORMALIZE = T", r"HTK option ENORMALIZE is unknown; did you mean ENORMALISE\?"),
            ("NUMCHANS = 1", "NUMCHANS=.*expected an integer"),
            ("NUMCEPS = 20", "NUMCEPS=20: expected less than NUMCHANS = 20"),
            ("USEPOWER = maybe", "USEPOWER='maybe': expected one of t, true, f, false"),
            ("USESILDET = T", "USESILDET='T' is not supported"),
            ("V1COMPAT = T", "V1COMPAT"),
            ("SIMPLEDIFFS = T", "SIMPLEDIFFS"),
            ("CEPSCALE = 10", "CEPSCALE='10' is not supported; multiply the cepstra"),
            ("SOURCEKIND = MFCC", "SOURCEKIND='MFCC': expected WAVEFORM"),
            ("STEREOMODE = LEFT", "STEREOMODE='LEFT' is not supported; pass one channel"),
            ("MATTRANFN = x", "MATTRANFN"),
            ("CMEANDIR = x", "CMEANDIR"),
            ("VARSCALEFN = x", "VARSCALEFN"),
            ("HPARMFILTER = 'cat $'", "HPARMFILTER"),
            ("WARPFREQ = 0.9", "expected 0 < WARPLCUTOFF <= WARPUCUTOFF"),
            ("WARPFREQ = 3", "WARPFREQ"),
            ("LOFREQ = 300\nHIFREQ = 200", "HIFREQ=200: expected a frequency above LOFREQ=300"),
            ("HIFREQ = 9000", "fmax=9000"),
            ("WINDOWSIZE = 25.0", "WINDOWSIZE and TARGETRATE are in 100 ns"),
            ("NUMCHANS 26", "line 3 of the HTK configuration is 'NUMCHANS 26': expected NAME = value"),
            ("TARGETKIND = PLP_0", "'PLP' is not computed by melfeat; expected one of MFCC, FBANK, MELSPEC"),
            ("TARGETKIND = MFCC_N", "qualifier '_N' is not supported"),
            ("TARGETKIND = MFCC_V", "qualifier '_V' is not supported"),
            ("TARGETKIND = MFCC_X", "qualifier '_X' is not supported"),
            ("TARGETKIND = MFCC_A", "_A only with _D"),
            ("TARGETKIND = FBANK_0", "only cepstra have a zeroth coefficient"),
            ("TARGETKIND = MFCC_E_0_D", "HTK refuses _E together with _0 and _D"),
            ("TARGETKIND = MFCC_D_A_T\nTHIRDWINDOW = 3", "THIRDWINDOW=3 with ACCWINDOW=2 is not supported"),
        ],
    )
    def test_refuses(self, line, message):
        with pytest.raises(ParameterError, match=message):
            config_from_htk(f"TARGETKIND = MFCC\nTARGETRATE = 100000\n{line}", sr=16000)

    def test_refuses_what_does_not_say_enough(self):
        with pytest.raises(ParameterError, match="TARGETKIND is missing"):
            config_from_htk("TARGETRATE = 100000\n", sr=16000)
        with pytest.raises(ParameterError, match="TARGETRATE is missing"):
            config_from_htk("TARGETKIND = MFCC\n", sr=16000)


class TestHuggingFaceFiles:
    def test_whisper(self, tmp_path):
        config = config_from_hf(WHISPER)
        assert config.fingerprint == preset("whisper-v3", fixed_samples=480000).fingerprint
        assert config.n_frames(12345) == 3000
        (tmp_path / "preprocessor_config.json").write_text(json.dumps(WHISPER, indent=2), encoding="utf-8")
        assert config_from_hf(tmp_path) == config_from_hf(str(tmp_path / "preprocessor_config.json")) == config
        assert (
            config_from_hf(json.dumps({"feature_extractor": WHISPER, "processor_class": "WhisperProcessor"})) == config
        )

    @pytest.mark.parametrize(
        ("name", "options", "fields"),
        [
            ("SeamlessM4T", {"padding_value": 1, "stride": 2, "num_mel_bins": 80}, ("seamless", {"pad_value": 1.0})),
            (
                "AST",
                {"max_length": 512, "mean": -5.0, "std": 2.0},
                ("ast", {"fixed_frames": 512, "shift": 5.0, "scale": 0.25}),
            ),
            ("Speech2Text", {"normalize_vars": False}, ("speech2text", {"cmn": "mean"})),
            ("Speech2Text", {"do_ceptral_normalize": False, "normalize_means": False}, ("speech2text", {"cmn": None})),
            (
                "Whisper",
                {"chunk_length": 10, "hop_length": 320},
                ("whisper", {"fixed_samples": 160000, "hop_length": 320}),
            ),
            ("Whisper", {"dither": 1e-4}, ("whisper", {"fixed_samples": 480000, "dither": 1e-4})),
        ],
    )
    def test_options(self, name, options, fields):
        config = config_from_hf({"feature_extractor_type": f"{name}FeatureExtractor", "feature_size": 80, **options})
        assert config.fingerprint == preset(fields[0], **fields[1]).fingerprint

    @pytest.mark.parametrize(
        ("name", "options", "message"),
        [
            ("Whisper", {"n_ftt": 512}, r"Whisper option n_ftt is unknown; did you mean n_fft\?"),
            ("Whisper", {"padding_side": "left"}, "padding_side='left' is not supported"),
            ("Whisper", {"padding_value": 1.0}, "padding_value=1.0 is not supported"),
            ("Whisper", {"do_normalize": True}, "do_normalize=True is not supported"),
            ("Whisper", {"n_fft": 400.5}, "n_fft=400.5: expected an integer"),
            ("AST", {"sampling_rate": 8000}, "sampling_rate=8000 is not supported"),
            ("AST", {"std": 0}, "std=0"),
            (
                "Speech2Text",
                {"normalize_means": False},
                "normalize_means=False with normalize_vars=True is not supported",
            ),
            ("SeamlessM4T", {"num_mel_bins": "80 bands"}, "num_mel_bins='80 bands': expected an integer"),
            ("Parakeet", {"n_fft": 511}, "n_fft=511: expected an even number"),
            ("Wav2Vec2", {}, "Wav2Vec2FeatureExtractor' is not supported: it passes the waveform on"),
            (
                "Clap",
                {},
                "ClapFeatureExtractor' is not supported: it is not one that melfeat reproduces",
            ),
        ],
    )
    def test_refuses(self, name, options, message):
        with pytest.raises(ParameterError, match=message):
            config_from_hf({"feature_extractor_type": f"{name}FeatureExtractor", **options})

    def test_refuses_other_files(self, tmp_path):
        with pytest.raises(ParameterError, match="feature_extractor_type is missing"):
            config_from_hf({"image_processor_type": "CLIPImageProcessor"})
        with pytest.raises(ParameterError, match="no JSON"):
            config_from_hf("{")
        (tmp_path / "list.json").write_text("[1]", encoding="utf-8")
        with pytest.raises(ParameterError, match="holds a list"):
            config_from_hf(tmp_path / "list.json")
        with pytest.raises(FileNotFoundError):
            config_from_hf(tmp_path)


class TestNeMoFiles:
    def test_conformer(self, tmp_path):
        config = config_from_nemo(CONFORMER)
        assert config.fingerprint == preset("nemo", win_length_ms=25, n_mels=80, pad_to=1).fingerprint
        assert config.framing.win_length == 400
        (tmp_path / "model_config.yaml").write_text(CONFORMER, encoding="utf-8")
        assert config_from_nemo(tmp_path / "model_config.yaml") == config
        section = {**parse_yaml(CONFORMER)["model"]["preprocessor"], "sample_rate": 16000}
        assert config_from_nemo(section) == config_from_nemo(json.dumps({"preprocessor": section})) == config

    def test_anchors(self):
        config = config_from_nemo(QUARTZNET)
        assert config.fingerprint == preset("nemo", n_fft=512, pad_to=16).fingerprint
        assert config.framing.win_length == 320

    def test_yaml_is_what_a_reader_of_yaml_says(self):
        yaml = pytest.importorskip("yaml")
        for text in (CONFORMER, QUARTZNET):
            section = yaml.safe_load(text)
            ours = parse_yaml(text)
            for part in ("model", "preprocessor"):
                if part in section:
                    section, ours = section[part], ours[part]
            assert ours == section

    def test_scalars_of_yaml(self):
        text = "a: 1\nb: 1e-5\nc: 'x # y'\nd: \"#\"  # z\ne: ~\nf: off\ng:\n  h: &n 3\n  i: *n\nj: a b\nk: 0.5 # c\n"
        text += "# l: 1\nm:\n"
        expected: dict[str, Any] = {
            "a": 1,
            "b": 1e-5,
            "c": "x # y",
            "d": "#",
            "e": None,
            "f": False,
            "g": {"h": 3, "i": 3},
        }
        assert parse_yaml(text) == expected | {"j": "a b", "k": 0.5, "m": {}}

    @pytest.mark.parametrize(
        ("options", "fields"),
        [
            ({"normalize": "all_features"}, {"cmn": "all_mean_var"}),
            ({"normalize": "NA"}, {"cmn": None}),
            ({"normalize": None}, {"cmn": None}),
            ({"window_size": None, "n_window_size": 400, "window_stride": None, "n_window_stride": 200},
             {"win_length": 400, "hop_length": 200, "n_fft": 512}),
            ({"log_zero_guard_type": "clamp", "log_zero_guard_value": "tiny"},
             {"floor_kind": "clamp", "floor": float(np.finfo(np.float32).tiny)}),
            ({"log_zero_guard_value": "eps"}, {"floor": 2.0**-23}),
            ({"mel_norm": None, "pad_value": -1.0}, {"mel_norm": None, "pad_value": -1.0}),
            ({"window": "blackman", "mag_power": 1}, {"window": "blackman", "power": 1.0}),
        ],
    )  # fmt: skip
    def test_options(self, options, fields):
        assert config_from_nemo({**MEL_TARGET, **options}).fingerprint == preset("nemo", **fields).fingerprint

    def test_mfcc(self):
        config = config_from_nemo({**MFCC_TARGET, "window_size": 0.025, "n_mels": 64, "n_mfcc": 64, "n_fft": 512})
        mel = {"n_fft": 512, "win_length": 400, "hop_length": 160, "n_mels": 64}
        assert config == config_from_torchaudio({"n_mfcc": 64, "log_mels": True, "melkwargs": mel})
        decibels = config_from_nemo({**MFCC_TARGET, "log": False})
        assert (decibels.compression.logarithm, decibels.compression.top_db) == ("db", 80)

    def test_options_of_training_have_no_effect(self):
        plain = config_from_nemo(MEL_TARGET)
        options = {"dither": 0.1, "nb_augmentation_prob": 0.5, "nb_max_freq": 3000, "rng": None, "stft_conv": True}
        assert config_from_nemo({**MEL_TARGET, **options, "stft_exact_pad": True}) == plain

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"feature": 80}, r"NeMo option feature is unknown; did you mean features\?"),
            ({"exact_pad": True}, "exact_pad=True is not supported"),
            ({"use_torchaudio": True}, "use_torchaudio=True is not supported"),
            ({"frame_splicing": 3}, "frame_splicing=3 is not supported"),
            ({"pad_to": "max"}, "pad_to='max' is not supported"),
            ({"normalize": {"fixed_mean": [0], "fixed_std": [1]}}, "stored mean and deviation is not supported"),
            ({"normalize": "per_band"}, "normalize='per_band': expected per_feature, all_features or null"),
            ({"n_window_size": 400, "window_size": 0.025}, "both given"),
            ({"n_fft": 256}, "n_fft=256: expected at least the window of 320 samples"),
            ({"n_fft": 401}, "n_fft=401: expected an even number"),
            ({"window": "kaiser"}, "window='kaiser': expected one of 'hann'"),
            ({"window": None}, "window=None"),
            ({"log": "maybe"}, "log='maybe': expected one of"),
            ({"log_zero_guard_type": "max"}, "expected one of 'add', 'clamp'"),
            (
                {"_target_": "nemo.collections.asr.modules.AudioToSpectrogram"},
                "_target_='AudioToSpectrogram' is not supported",
            ),
            ({"sample_rate": "${model.sample_rate}"}, r"the reference '\$\{model.sample_rate\}', but no such value"),
        ],
    )
    def test_refuses(self, options, message):
        with pytest.raises(ParameterError, match=message):
            config_from_nemo({**MEL_TARGET, **options})

    def test_refuses_other_files(self):
        with pytest.raises(ParameterError, match="no preprocessor section"):
            config_from_nemo("encoder:\n  feat_in: 80\n")
        with pytest.raises(ParameterError, match="no JSON"):
            config_from_nemo('{"a": \n')
        with pytest.raises(ParameterError, match=r"alias '\*rate'"):
            config_from_nemo("preprocessor:\n  sample_rate: *rate\n")
        with pytest.raises(ParameterError, match="n_mfcc=65: expected an integer with 1 <= value <= 64"):
            config_from_nemo({**MFCC_TARGET, "n_mfcc": 65})


def hann_window(n: int, periodic: bool = True) -> np.ndarray:
    """Stands for torch.hann_window, which is known by its name."""
    raise AssertionError


class TestKeywords:
    @pytest.mark.parametrize(
        ("options", "window", "symmetric"),
        [
            ({"window_fn": hann_window}, "hann", False),
            ({"window_fn": hann_window, "wkwargs": {"periodic": False}}, "hann", True),
            ({"window_fn": "hamming_window"}, "hamming", False),
            ({"wkwargs": None}, "hann", False),
            ({"window_fn": np.bartlett}, ("samples", tuple(np.bartlett(400))), False),
        ],
    )
    def test_windows_of_torchaudio(self, options, window, symmetric):
        framing = config_from_torchaudio(options, feature="melspectrogram").framing
        assert (framing.window, framing.window_symmetric) == (window, symmetric)

    def test_defaults(self):
        defaults, expected = config_from_torchaudio({}), preset("torchaudio")
        assert defaults.replace(weights_dtype=expected.filterbank.weights_dtype).fingerprint == expected.fingerprint
        for kind in ("fbank", "mfcc"):
            config = config_from_torchaudio({}, feature=f"kaldi_{kind}")
            assert config.fingerprint == preset(f"torchaudio-kaldi-{kind}").fingerprint
        assert config_from_librosa({}).fingerprint == preset("librosa").fingerprint
        assert config_from_psf({}).fingerprint == preset("python_speech_features").fingerprint

    def test_scales(self):
        assert config_from_torchaudio({}, feature="kaldi_mfcc", input_scale=1).preprocessing.input_scale == 1
        assert config_from_torchaudio({}, input_scale=32768).preprocessing.input_scale == 32768
        assert config_from_psf({}, input_scale=1).preprocessing.input_scale == 1

    @pytest.mark.parametrize("feature", ["mfcc", "melspectrogram"])
    def test_librosa_is_what_melfeat_says_to_the_same_keywords(self, feature, rng):
        import melfeat

        options = {"sr": 8000, "n_fft": 300, "hop_length": 75, "n_mels": 20, "fmax": 3000.0, "window": ("kaiser", 4.0)}
        options |= {"htk": True, "power": 1.0, "center": False} | (
            {"n_mfcc": 9, "lifter": 5} if feature == "mfcc" else {}
        )
        y = rng.uniform(-1, 1, (2, 3000)).astype(np.float32)
        got = Extractor(config_from_librosa(options, feature=feature))(y)
        np.testing.assert_array_equal(got, getattr(melfeat, feature)(y=y, **options))

    def test_psf_rounds_halves_up(self):
        framing = config_from_psf({"samplerate": 8000, "winlen": 0.0250625, "winstep": 0.0100625}).framing
        assert (framing.win_length, framing.hop_length) == (201, 81)

    @pytest.mark.parametrize(
        ("function", "options", "keywords", "message"),
        [
            (config_from_torchaudio, {"n_mfccs": 13}, {}, r"torchaudio option n_mfccs is unknown; did you mean n_mfcc"),
            (config_from_torchaudio, {"n_mfcc": 129}, {}, "n_mfcc=129: expected at most n_mels = 128"),
            (config_from_torchaudio, {"dct_type": 3}, {}, "dct_type=3 is not supported"),
            (config_from_torchaudio, {"norm": "slaney"}, {}, "norm='slaney': expected one of 'ortho', None"),
            (config_from_torchaudio, {"melkwargs": {"n_mel": 4}}, {}, "melkwargs option n_mel is unknown"),
            (config_from_torchaudio, {"melkwargs": {"pad": 4}}, {}, "pad=4 is not supported"),
            (config_from_torchaudio, {"melkwargs": {"normalized": True}}, {}, "normalized=True is not supported"),
            (config_from_torchaudio, {"melkwargs": {"normalized": "window"}}, {}, "normalized='window'"),
            (config_from_torchaudio, {"melkwargs": {"pad_mode": "circular"}}, {}, "pad_mode='circular'"),
            (config_from_torchaudio, {"melkwargs": {"power": None}}, {}, "power=None"),
            (config_from_torchaudio, {"melkwargs": {"window_fn": "kaiser_window"}}, {}, "window_fn='kaiser_window'"),
            (config_from_torchaudio, {"melkwargs": {"sample_rate": 1}}, {}, "move it there"),
            (config_from_torchaudio, {"melkwargs": 5}, {}, "melkwargs=5"),
            (config_from_torchaudio, [], {}, "options has type list"),
            (config_from_torchaudio, {}, {"feature": "lfcc"}, "linear bands are not computed"),
            (config_from_torchaudio, {"waveform": 0}, {"feature": "kaldi_fbank"}, "pass the signal to the Extractor"),
            (config_from_torchaudio, {"num_mel_bins": 3}, {"feature": "kaldi_fbank"}, "expected an integer >= 4"),
            (config_from_torchaudio, {"window_type": "sine"}, {"feature": "kaldi_mfcc"}, "expected one of 'povey'"),
            (config_from_torchaudio, {"use_power": True}, {"feature": "kaldi_mfcc"}, "use_power is unknown"),
            (config_from_torchaudio, {"num-ceps": 3}, {"feature": "kaldi_mfcc"}, r"did you mean num_ceps\?"),
            (config_from_torchaudio, {"channel": 1}, {"feature": "kaldi_mfcc"}, r"pass y\[channel\]"),
            (config_from_librosa, {"n_mel": 40}, {}, r"librosa option n_mel is unknown; did you mean n_mels\?"),
            (config_from_librosa, {"y": 0}, {}, "pass the signal to the Extractor"),
            (config_from_librosa, {"S": 0}, {}, "give a spectrogram to melfeat.mfcc"),
            (config_from_librosa, {"dct_type": 4}, {}, "dct_type=4: expected one of 1, 2, 3"),
            (config_from_librosa, {"mel_norm": "slaney"}, {"feature": "melspectrogram"}, "mel_norm is unknown"),
            (config_from_librosa, {"dtype": "int16"}, {}, "dtype=int16"),
            (config_from_librosa, {"dtype": object()}, {}, "dtype="),
            (config_from_librosa, {"fmax": 0}, {}, "fmax=0"),
            (config_from_librosa, 5, {}, "options has type int"),
            (config_from_psf, {"nfilters": 40}, {}, "option nfilters is unknown; did you mean nfilt"),
            (config_from_psf, {"samplerate": 44100}, {}, "nfft=512: frames of 1103 samples would be cut off"),
            (config_from_psf, {"winfunc": "hamming"}, {}, r"expected a function of the length, e\.g\. np\.hamming"),
            (config_from_psf, {"winfunc": np.hamming}, {"feature": "logfbank"}, "winfunc is unknown"),
            (config_from_psf, {"numcep": 13}, {"feature": "fbank"}, "numcep is unknown"),
            (config_from_psf, {"signal": 0}, {}, "pass the signal to the Extractor"),
            (config_from_psf, {"winstep": 0}, {}, "winstep=0"),
            (config_from_psf, {"winstep": 1e-5}, {}, "at least one sample"),
            (config_from_psf, {"highfreq": 9000}, {}, "fmax=9000"),
            (config_from_psf, {"appendEnergy": "no"}, {}, "appendEnergy='no': expected one of True or False"),
            (config_from_psf, {}, {"feature": "ssc"}, "spectral subband centroids are not computed"),
            (config_from_psf, 5, {}, "options has type int"),
        ],
    )  # fmt: skip
    def test_refuses(self, function, options, keywords, message):
        with pytest.raises(ParameterError, match=message):
            function(options, **keywords)
