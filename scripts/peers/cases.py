"""The catalogue: every front end's defaults and each option of it that changes output, as one list of cases.

A case says what a peer is given and what melfeat is given; its `row` in `ERRORS` is the class of its tolerance. Names
are stable: golden files are keyed by them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .translate import TRANSLATORS

INT16, UNIT = 32768.0, 1.0

#: Largest error of melfeat's float64 path beside each reference, as measured when the formulas were verified: the
#: reference's own float32 for most. Twice these is what the tests allow.
ERRORS: dict[str, float] = {
    "librosa": 3.2e-7,
    "librosa, float64 bank": 1.7e-13,
    "librosa, float32": 6.5e-5,
    "kaldi fbank": 1.6e-4,
    "kaldi mfcc": 1.1e-4,
    "compliance fbank": 1e-5,
    "compliance mfcc": 2.5e-4,
    "compliance mfcc, variance": 3e-3,
    "torchaudio mfcc": 2.9e-4,
    "torchaudio mfcc, log_mels": 2e-5,
    "torchaudio mfcc, norm None": 1.6e-3,
    "torchaudio mel": 1e-5,
    "python_speech_features": 4.4e-13,
    "whisper": 9e-6,
    "whisper-v3": 1.3e-5,
    "whisper, numpy": 7e-8,
    "seamless": 9e-7,
    "ast": 7e-6,
    "ast, levels": 6.4e-5,
    "speech2text": 2.6e-5,
    "nemo": 1.2e-5,
    "essentia": 3.3e-4,
    "essentia, lifter": 9e-4,
    "opensmile": 9e-5,
    "tf": 3e-5,
    "htk": 1.13e-4,
    "htk fbank": 4.3e-5,
    "kaldi text": 0.031,
    "kaldi text, mfcc": 0.072,
    "slaney": 1.8e-14,
    "rastamat": 6e-14,
    "etsi": 6e-5,
    # Not in that table: the same code run in float64, tables and all, which is as good as a formula.
    "exact": 1e-12,
    "exact, sliding variance": 1e-10,
    "exact, norm None": 1e-11,
    "ast, exact": 5e-9,  # of the floor: melfeat has the one that transformers takes where torchaudio is missing
    "speech2text, exact": 3e-7,  # rounded to float32 at last
    "kaldi-native-fbank nemo": 1.6e-4,
    "formula": 1e-12,
}


@dataclass(frozen=True)
class Case:
    """One configuration on one signal: `options` for the peer, `preset` and `fields` for melfeat.

    `scale` takes samples in [-1, 1) to what the peer expects; `n` is how many samples of the signal are given;
    `relative` compares levels that are not logarithms with their largest value. `shows` is what the case is about.
    """

    name: str
    peer: str
    row: str
    signal: str
    preset: str
    fields: dict[str, Any]
    options: dict[str, Any] = field(default_factory=dict)
    scale: float = INT16
    dtype: str = "float32"
    n: int | None = None
    relative: bool = False
    shows: str = ""


RATES = {"voice8": 8000, "voice11": 11025, "voice11k": 11000, "voice22": 22050, "voice44": 44100}

CASES: list[Case] = []

#: Peers whose every case is also run in float64, and how they are told so.
EXACT: dict[str, dict[str, Any]] = {"compliance": {"exact": True}, "torchaudio": {"exact": True}, "tf.signal": {}}
EXACT_ROWS = {"compliance mfcc, variance": "exact, sliding variance", "torchaudio mfcc, norm None": "exact, norm None"}


def add(
    name: str,
    peer: str,
    row: str,
    signal: str = "voice16",
    *,
    scale: float = UNIT,
    dtype: str = "float32",
    n: int | None = None,
    relative: bool = False,
    fields: dict[str, Any] | None = None,
    **options: Any,
) -> None:
    """Add a case; what it is in melfeat is translated from the options unless `fields` say more."""
    preset, translated = TRANSLATORS[peer](RATES.get(signal, 16000), scale, options)
    chosen = {**translated, **(fields or {})}
    CASES.append(Case(name, peer, row, signal, preset, chosen, options, scale, dtype, n, relative))
    if peer in EXACT and dtype == "float32":
        options = {**options, **EXACT[peer]}
        CASES.append(
            Case(
                f"{name}-exact",
                peer,
                EXACT_ROWS.get(row, "exact"),
                signal,
                preset,
                chosen,
                options,
                scale,
                "float64",
                n,
                relative,
            )
        )


# ---------------------------------------------------------------------------------------------------------------------
# Kaldi, by kaldi-native-fbank
# ---------------------------------------------------------------------------------------------------------------------

FRAME_OPTIONS: dict[str, dict[str, Any]] = {
    "no-snip": {"snip_edges": False},
    "hamming": {"window_type": "hamming"},
    "hanning": {"window_type": "hanning"},
    "hann": {"window_type": "hann"},
    "blackman": {"window_type": "blackman"},
    "blackman-0.4": {"window_type": "blackman", "blackman_coeff": 0.4},
    "rectangular": {"window_type": "rectangular"},
    "sine": {"window_type": "sine"},
    "no-preemphasis": {"preemph_coeff": 0.0},
    "preemphasis-0.5": {"preemph_coeff": 0.5},
    "keep-dc": {"remove_dc_offset": False},
    "any-length-fft": {"round_to_power_of_two": False},
    "20ms-5ms": {"frame_length_ms": 20.0, "frame_shift_ms": 5.0},
    "25.6ms-7.7ms": {"frame_length_ms": 25.6, "frame_shift_ms": 7.7},
}
MEL_OPTIONS: dict[str, dict[str, Any]] = {
    "80": {"num_bins": 80},
    "40-low0-high-400": {"num_bins": 40, "low_freq": 0.0, "high_freq": -400.0},
    "15-300-3400": {"num_bins": 15, "low_freq": 300.0, "high_freq": 3400.0},
}
ODD_SIGNALS = ("silence16", "noise16", "dc16", "clicks16")


def _kaldi(kind: str) -> None:
    row, at = f"kaldi {kind}", f"kaldi-{kind}"

    def case(name: str, signal: str = "voice16", scale: float = INT16, n: int | None = None, **options: Any) -> None:
        linear = not options.get("use_log_fbank", True)
        add(f"{at}-{name}", "knf", row, signal, scale=scale, n=n, relative=linear, kind=kind, **options)

    case("defaults")
    case("unit-scale", scale=UNIT)
    for name, options in FRAME_OPTIONS.items():
        case(name, frame_opts=options)
    for name, options in MEL_OPTIONS.items():
        case(name, mel_opts=options)
    if kind == "fbank":
        case("magnitude", use_power=False)
    else:
        case("23-ceps", num_ceps=23)
    for signal in ("voice8", "voice44"):
        case(signal, signal)
        case(f"{signal}-no-snip", signal, frame_opts={"snip_edges": False})
    for signal in ODD_SIGNALS:
        case(signal, signal)
    for n in (399, 400, 559, 560):
        case(f"n{n}", n=n)
    for n in (80, 100, 250, 399):
        case(f"no-snip-n{n}", n=n, frame_opts={"snip_edges": False})
    case("deltas", delta_order=2)
    case("deltas-3", delta_order=2, delta_window=3)
    case("deltas-short", n=560, delta_order=2)
    case("cmvn-mean", cmvn="mean")
    case("cmvn-mean-var", cmvn="mean_var")


_kaldi("fbank")
_kaldi("mfcc")
for _name, _options in {
    "linear": {"use_log_fbank": False},
    "energy": {"use_energy": True},
    "energy-last": {"use_energy": True, "htk_compat": True},
    "windowed-energy": {"use_energy": True, "raw_energy": False},
    "energy-floor": {"use_energy": True, "energy_floor": 1e6},
}.items():
    add(f"kaldi-fbank-{_name}", "knf", "kaldi fbank", scale=INT16, relative=_name == "linear", **_options)
for _name, _options in {
    "c0": {"use_energy": False},
    "c0-last": {"use_energy": False, "htk_compat": True},
    "energy-last": {"htk_compat": True},
    "windowed-energy": {"raw_energy": False},
    "energy-floor": {"energy_floor": 1e6},
    "no-lifter": {"cepstral_lifter": 0.0},
    "lifter-10": {"cepstral_lifter": 10.0, "num_ceps": 20},
    "5-ceps-of-30": {"num_ceps": 5, "mel_opts": {"num_bins": 30}},
}.items():
    add(f"kaldi-mfcc-{_name}", "knf", "kaldi mfcc", scale=INT16, kind="mfcc", **_options)
add("kaldi-fbank-silence-energy", "knf", "kaldi fbank", "silence16", scale=INT16, use_energy=True)

# ---------------------------------------------------------------------------------------------------------------------
# torchaudio.compliance.kaldi
# ---------------------------------------------------------------------------------------------------------------------

for _kind in ("fbank", "mfcc"):
    for _name, _options in {
        "defaults": {},
        "no-snip": {"snip_edges": False},
        "hamming": {"window_type": "hamming"},
        "hanning": {"window_type": "hanning"},
        "blackman": {"window_type": "blackman"},
        "rectangular": {"window_type": "rectangular"},
        "no-preemphasis": {"preemphasis_coefficient": 0.0},
        "keep-dc": {"remove_dc_offset": False},
        "any-length-fft": {"round_to_power_of_two": False},
        "20ms-5ms": {"frame_length": 20.0, "frame_shift": 5.0},
        "40-low0-high-400": {"num_mel_bins": 40, "low_freq": 0.0, "high_freq": -400.0},
        "vtln-0.9": {"vtln_warp": 0.9},
        "vtln-1.1": {"vtln_warp": 1.1},
        "vtln-1.2-60-7000": {"vtln_warp": 1.2, "vtln_low": 60.0, "vtln_high": 7000.0},
        "subtract-mean": {"subtract_mean": True},
        "energy": {"use_energy": True},
        "energy-last": {"use_energy": True, "htk_compat": True},
        "windowed-energy": {"use_energy": True, "raw_energy": False},
        "energy-floor": {"use_energy": True, "energy_floor": 1e7},
        "deltas": {"delta_order": 2},
    }.items():
        add(f"compliance-{_kind}-{_name}", "compliance", f"compliance {_kind}", scale=INT16, kind=_kind, **_options)
    _row = f"compliance {_kind}"
    for _signal in ("voice8", "voice44", *ODD_SIGNALS):
        add(f"compliance-{_kind}-{_signal}", "compliance", _row, _signal, scale=INT16, kind=_kind)
add("compliance-fbank-linear", "compliance", "compliance fbank", scale=INT16, relative=True, use_log_fbank=False)
add("compliance-fbank-magnitude", "compliance", "compliance fbank", scale=INT16, use_power=False)
for _name, _options in {
    "c0-last": {"htk_compat": True},
    "no-lifter": {"cepstral_lifter": 0.0},
    "20-ceps": {"num_ceps": 20},
    "sliding": {"sliding": {"cmn_window": 30, "min_cmn_window": 10}},
    "sliding-centred": {"sliding": {"cmn_window": 30, "min_cmn_window": 10, "center": True}},
    "sliding-variance": {"sliding": {"cmn_window": 30, "min_cmn_window": 10, "norm_vars": True}},
}.items():
    # float32 sums of squares leave little of the variance of c0.
    add(
        f"compliance-mfcc-{_name}", "compliance", "compliance mfcc, variance" if _name == "sliding-variance" else
        "compliance mfcc", scale=INT16, kind="mfcc", **_options,
    )  # fmt: skip

# ---------------------------------------------------------------------------------------------------------------------
# torchaudio.transforms
# ---------------------------------------------------------------------------------------------------------------------

for _name, _options in {
    "defaults": {},
    "13-of-40": {"n_mfcc": 13, "melkwargs": {"n_mels": 40}},
    "norm-none": {"norm": None, "melkwargs": {"n_mels": 40}},
    "log-mels": {"log_mels": True, "melkwargs": {"n_mels": 40}},
    "slaney-bank": {"melkwargs": {"n_mels": 40, "norm": "slaney", "mel_scale": "slaney"}},
    "speech": {"n_mfcc": 13, "melkwargs": {"n_fft": 512, "win_length": 400, "hop_length": 160, "n_mels": 40}},
    "uncentred": {"melkwargs": {"center": False, "n_mels": 40}},
    "zero-padded": {"melkwargs": {"pad_mode": "constant", "n_mels": 40}},
    "magnitude": {"melkwargs": {"power": 1.0, "n_mels": 40}},
    "band": {"n_mfcc": 20, "melkwargs": {"f_min": 60.0, "f_max": 7000.0, "n_mels": 40}},
    "deltas": {"delta_order": 2, "melkwargs": {"n_mels": 40}},
}.items():
    _row = "torchaudio mfcc" + {"norm-none": ", norm None", "log-mels": ", log_mels"}.get(_name, "")
    add(f"torchaudio-mfcc-{_name}", "torchaudio", _row, **_options)
for _signal in ("voice8", "voice11", "voice44", *ODD_SIGNALS):
    _options = {"n_mfcc": 20, "melkwargs": {"n_mels": 40}}
    add(f"torchaudio-mfcc-{_signal}", "torchaudio", "torchaudio mfcc", _signal, **_options)
add("torchaudio-mfcc-n201", "torchaudio", "torchaudio mfcc", n=201, melkwargs={"n_mels": 40})
for _name, _options in {
    "defaults": {},
    "slaney": {"norm": "slaney", "mel_scale": "slaney", "n_mels": 64},
    "magnitude": {"power": 1.0, "n_mels": 64},
}.items():
    add(f"torchaudio-mel-{_name}", "torchaudio", "torchaudio mel", relative=True, kind="MelSpectrogram", **_options)
for _signal in ("voice11", "voice22"):
    _options = {"kind": "MelSpectrogram", "n_fft": 512, "n_mels": 64}
    add(f"torchaudio-mel-{_signal}", "torchaudio", "torchaudio mel", _signal, relative=True, **_options)

# ---------------------------------------------------------------------------------------------------------------------
# Speech models
# ---------------------------------------------------------------------------------------------------------------------

for _n, _row in ((80, "whisper"), (128, "whisper-v3")):
    add(f"{_row}-formula", "whisper", _row, n_mels=_n)
    add(f"{_row}-formula-exact", "whisper", "exact", dtype="float64", n_mels=_n)
    add(f"{_row}-30s", "whisper", _row, n_mels=_n, length=480000)
    add(f"{_row}-transformers", "transformers", _row, extractor="WhisperFeatureExtractor", feature_size=_n)
    for _signal in ODD_SIGNALS:
        add(f"{_row}-{_signal}", "whisper", _row, _signal, n_mels=_n)
    add(
        f"{_row}-transformers-numpy", "transformers", "whisper, numpy", dtype="float64",
        extractor="WhisperFeatureExtractor", feature_size=_n, numpy_path=True,
    )  # fmt: skip
add("whisper-n201", "whisper", "whisper", n=201)
add("whisper-unpadded", "transformers", "whisper", extractor="WhisperFeatureExtractor", call={"padding": False})
add("whisper-normalised", "transformers", "whisper", extractor="WhisperFeatureExtractor", call={"do_normalize": True})
for _name, _peer in (("seamless", "SeamlessM4T"), ("ast", "AST"), ("speech2text", "Speech2Text"), ("nemo", "Parakeet")):
    add(f"{_name}-defaults", "transformers", _name, extractor=f"{_peer}FeatureExtractor")
    add(f"{_name}-noise16", "transformers", _name, "noise16", extractor=f"{_peer}FeatureExtractor")
    add(f"{_name}-odd-frames", "transformers", _name, n=400 + 160 * 24, extractor=f"{_peer}FeatureExtractor")
    add(f"{_name}-few-frames", "transformers", _name, n=400 + 160 * 3, extractor=f"{_peer}FeatureExtractor")
add(
    "seamless-levels", "transformers", "seamless", extractor="SeamlessM4TFeatureExtractor",
    call={"do_normalize_per_mel_bins": False},
)  # fmt: skip
for _name, _options in {"ast": {}, "speech2text": {}, "speech2text-levels": {"do_ceptral_normalize": False}}.items():
    _peer, _row = ("AST", "ast, exact") if _name == "ast" else ("Speech2Text", "speech2text, exact")
    add(
        f"{_name}-exact", "transformers", "exact" if _name.endswith("levels") else _row, dtype="float64",
        extractor=f"{_peer}FeatureExtractor", exact=True, **_options,
    )  # fmt: skip
for _name, _options in {
    "levels": {"do_normalize": False},
    "64-bands": {"num_mel_bins": 64},
    "100-frames": {"max_length": 100},
    "20-frames": {"max_length": 20},
}.items():
    _row = "ast, levels" if _name == "levels" else "ast"
    add(f"ast-{_name}", "transformers", _row, extractor="ASTFeatureExtractor", **_options)
for _signal in ("silence16", "clicks16"):
    add(f"ast-{_signal}", "transformers", "ast", _signal, extractor="ASTFeatureExtractor")
for _name, _options in {
    "levels": {"do_ceptral_normalize": False},
    "mean": {"normalize_vars": False},
    "40-bands": {"num_mel_bins": 40},
}.items():
    add(f"speech2text-{_name}", "transformers", "speech2text", extractor="Speech2TextFeatureExtractor", **_options)
add("nemo-128", "transformers", "nemo", extractor="ParakeetFeatureExtractor", feature_size=128)
add("nemo-no-preemphasis", "transformers", "nemo", extractor="ParakeetFeatureExtractor", preemphasis=None)
add("nemo-clicks16", "transformers", "nemo", "clicks16", extractor="ParakeetFeatureExtractor")

for _signal in ("voice16", "noise16", "clicks16"):
    add(f"knf-nemo-{_signal}", "knf-nemo", "kaldi-native-fbank nemo", _signal)

# ---------------------------------------------------------------------------------------------------------------------
# python_speech_features
# ---------------------------------------------------------------------------------------------------------------------

for _name, _options in {
    "defaults": {},
    "c0": {"appendEnergy": False},
    "hamming": {"winfunc": "hamming"},
    "hanning": {"winfunc": "hanning"},
    "blackman": {"winfunc": "blackman"},
    "40-filters": {"nfilt": 40, "numcep": 20},
    "nfft-1024": {"nfft": 1024},
    "band": {"lowfreq": 300.0, "highfreq": 3400.0},
    "no-preemphasis": {"preemph": 0.0},
    "no-lifter": {"ceplifter": 0},
    "lifter-11": {"ceplifter": 11},
    "20ms-7.5ms": {"winlen": 0.02, "winstep": 0.0075},
    "deltas-2": {"deltas": [2, 2]},
    "deltas-9-3": {"deltas": [9, 3]},
    "logfbank": {"kind": "logfbank"},
    "fbank": {"kind": "fbank"},
}.items():
    add(
        f"psf-{_name}", "python_speech_features", "python_speech_features", scale=INT16, dtype="float64",
        relative=_name == "fbank", **_options,
    )  # fmt: skip
_psf: dict[str, Any] = {"peer": "python_speech_features", "row": "python_speech_features", "dtype": "float64"}
add("psf-unit-scale", **_psf)
for _signal in ("voice8", "voice11", "voice22", *ODD_SIGNALS):
    add(f"psf-{_signal}", signal=_signal, scale=INT16, nfft=1024 if _signal == "voice22" else 512, **_psf)
for _n in (1, 100, 400, 401, 560, 561):
    add(f"psf-n{_n}", n=_n, scale=INT16, **_psf)
# At 44.1 kHz frames of 1103 samples meet a transform of 512: all but the first 512 samples of a frame are dropped.
_cut = {"win_length": 512, "hop_length": 441, "n_fft": 512, "drop_last": 1}
_psf_name = "python_speech_features"
CASES.append(
    Case(
        "psf-voice44-truncated", _psf_name, _psf_name, "voice44", _psf_name,
        {"sr": 44100, "input_scale": INT16, **_cut},
        dtype="float64",
    )
)  # fmt: skip
add("psf-voice44", signal="voice44", scale=INT16, nfft=2048, **_psf)

# ---------------------------------------------------------------------------------------------------------------------
# Essentia
# ---------------------------------------------------------------------------------------------------------------------

_low: dict[str, Any] = {"frame": 512, "hop": 256, "highFrequencyBound": 7500}
for _name, _options in {
    "linear": {"weighting": "linear"},
    "slaney-warping": {"warpingFormula": "slaneyMel"},
    "slaney-linear": {"warpingFormula": "slaneyMel", "weighting": "linear"},
    "unit-max": {"normalize": "unit_max"},
    "unit-tri": {"normalize": "unit_tri"},
    "unit-tri-linear": {"normalize": "unit_tri", "weighting": "linear"},
    "dbpow": {"logType": "dbpow"},
    "log": {"logType": "log"},
    "no-log": {"logType": "natural"},
    "dct3": {"dctType": 3},
    "magnitude": {"type": "magnitude"},
    "26-of-60": {"numberBands": 60, "numberCoefficients": 26},
    "floor": {"silenceThreshold": 1e-7},
    "hamming": {"window": {"type": "hamming"}},
    "square": {"window": {"type": "square"}},
    "blackmanharris": {"window": {"type": "blackmanharris92"}},
    "unnormalised": {"window": {"normalized": False}},
    "zero-padded": {"window": {"zeroPadding": 512}},
    "from-zero": {"cut": {"startFromZero": True}},
    "to-end": {"cut": {"startFromZero": True, "lastFrameToEndOfFile": True}},
    "odd-frame": {"frame": 400, "hop": 160},
}.items():
    add(f"essentia-{_name}", "essentia", "essentia", relative=_name == "no-log", **{**_low, **_options})
add("essentia-lifter", "essentia", "essentia, lifter", liftering=22, **_low)
add("essentia-bands", "essentia", "essentia", relative=True, bands=True, **_low)
add("essentia-defaults", "essentia", "essentia", "voice44")
add("essentia-voice22", "essentia", "essentia", "voice22", hop=512)
for _signal in ODD_SIGNALS:
    add(f"essentia-{_signal}", "essentia", "essentia", _signal, **_low)
for _n in (1, 100, 512, 513):
    add(f"essentia-n{_n}", "essentia", "essentia", n=_n, **_low)

# ---------------------------------------------------------------------------------------------------------------------
# librosa
# ---------------------------------------------------------------------------------------------------------------------

_librosa: dict[str, Any] = {"peer": "librosa", "dtype": "float64"}
_short: dict[str, Any] = {"n_fft": 1024, "hop_length": 400, "n_mels": 40}
for _name, _options in {
    "defaults": {},
    "dct1": {**_short, "dct_type": 1},
    "dct3": {**_short, "dct_type": 3},
    "norm-none": {**_short, "norm": None},
    "lifter": {**_short, "lifter": 22},
    "htk": {**_short, "htk": True},
    "mel-norm-none": {**_short, "mel_norm": None},
    "mel-norm-1": {**_short, "mel_norm": 1},
    "magnitude": {**_short, "power": 1.0},
    "uncentred": {**_short, "center": False},
    "speech": {"n_fft": 512, "win_length": 400, "hop_length": 160, "n_mels": 40, "n_mfcc": 13, "window": "hamming"},
    "reflect": {**_short, "pad_mode": "reflect"},
}.items():
    add(f"librosa-{_name}", row="librosa", signal="voice22", **_librosa, **_options)
    add(f"librosa64-{_name}", row="librosa, float64 bank", signal="voice22", float64_bank=True, **_librosa, **_options)
add("librosa-mel", row="librosa", signal="voice22", relative=True, kind="melspectrogram", **_librosa, **_short)
add("librosa-mfcc-float32", "librosa", "librosa, float32", "voice22")
for _signal in ODD_SIGNALS:
    add(f"librosa64-{_signal}", row="librosa, float64 bank", signal=_signal, float64_bank=True, **_librosa, **_short)

# ---------------------------------------------------------------------------------------------------------------------
# tf.signal, openSMILE
# ---------------------------------------------------------------------------------------------------------------------

for _name, _options in {
    "defaults": {},
    "levels": {"n_mfcc": None},
    "pad-end": {"pad_end": True},
    "odd-frame": {"frame_length": 401},
    "1024": {"frame_length": 1024, "frame_step": 256, "fft_length": 1024},
    "all-cepstra": {"n_mels": 20, "n_mfcc": 20, "low": 125.0, "high": 3800.0},
    "wide": {"low": 0.0, "high": 8000.0, "n_mels": 40},
}.items():
    add(f"tf-{_name}", "tf.signal", "tf", **_options)
for _signal in ("voice8", "voice44", *ODD_SIGNALS):
    add(f"tf-{_signal}", "tf.signal", "tf", _signal, high=3800.0)
for _name, _options in {
    "0_D_A": {},
    "E_D_A": {"energy": True},
    "0_D_A_Z": {"mean": True},
    "E_D_A_Z": {"energy": True, "mean": True},
    "no-preemphasis": {"k": 0.0},
    "magnitude": {"mel": {"usePower": 0}},
    "20-bands": {"mel": {"nBands": 20, "lofreq": 100, "hifreq": 6000}},
    "no-lifter": {"lifter": 0.0},
}.items():
    add(f"opensmile-{_name}", "opensmile", "opensmile", scale=INT16, **_options)
add("opensmile-voice8", "opensmile", "opensmile", "voice8", scale=INT16, mel={"hifreq": 4000})
for _signal in ("noise16", "clicks16"):
    add(f"opensmile-{_signal}", "opensmile", "opensmile", _signal, scale=INT16)

# ---------------------------------------------------------------------------------------------------------------------
# HTK, by HCopy and by its formula; from formulas: Auditory Toolbox, rastamat, ETSI, NeMo's other options
# ---------------------------------------------------------------------------------------------------------------------

_formula: dict[str, Any] = {"peer": "formula", "dtype": "float64"}
for _name, _options in {
    "defaults": {"target": "MFCC"},
    "0": {},
    "0_D_A": {"target": "MFCC_0_D_A"},
    "E_D_A": {"target": "MFCC_E_D_A", "enormalise": False},
    "E-normalised": {"target": "MFCC_E"},
    "E-normalised-30dB": {"target": "MFCC_E_D", "silfloor": 30.0, "escale": 0.2},
    "E-windowed": {"target": "MFCC_E", "enormalise": False, "rawenergy": False},
    "0_Z": {"target": "MFCC_0_Z"},
    "E_D_A_Z": {"target": "MFCC_E_D_A_Z", "enormalise": False},
    "fbank": {"target": "FBANK"},
    "power": {"target": "MFCC_0", "usepower": True, "numchans": 26},
    "no-hamming": {"usehamming": False},
    "zmeansource": {"zmeansource": True},
    "no-preemphasis": {"preemcoef": 0.0},
    "band-125-7800": {"lofreq": 125.0, "hifreq": 7800.0},
    "band-20": {"lofreq": 20.0, "hifreq": 8000.0},
    "warp-0.9": {"warpfreq": 0.9, "warplcutoff": 100.0, "warpucutoff": 7500.0, "lofreq": 0.0, "hifreq": 8000.0},
    "warp-1.1": {"warpfreq": 1.1, "warplcutoff": 100.0, "warpucutoff": 7500.0, "lofreq": 0.0, "hifreq": 8000.0},
    "warp-0.85-narrow": {"warpfreq": 0.85, "warplcutoff": 300.0, "warpucutoff": 5e3, "lofreq": 80.0, "hifreq": 7800.0},
    "25ms": {"window_seconds": 0.025, "numceps": 15, "ceplifter": 0.0},
    "deltas-3-4": {"target": "MFCC_0_D_A", "deltawindow": 3, "accwindow": 4},
}.items():
    add(f"htk-{_name}", row="formula", scale=INT16, kind="htk", **_formula, **_options)
    add(f"hcopy-{_name}", "hcopy", "htk", scale=INT16, **_options)
for _signal in ("voice8", *ODD_SIGNALS):
    add(f"htk-{_signal}", row="formula", signal=_signal, scale=INT16, kind="htk", **_formula)
    add(f"hcopy-{_signal}", "hcopy", "htk", _signal, scale=INT16)
for _signal in ("voice16", "voice8", "voice22", "noise16"):
    _options = {"frame_rate": 98.0} if _signal == "voice22" else {}
    add(f"slaney-{_signal}", row="slaney", signal=_signal, kind="slaney", **_formula, **_options)
for _n in (255, 256, 416):
    add(f"slaney-n{_n}", row="slaney", n=_n, kind="slaney", **_formula)
for _name, _options in {
    "defaults": {},
    "htkmel": {"fbtype": "htkmel", "maxfreq": 8000.0},
    "fcmel": {"fbtype": "fcmel"},
    "sumpower-0": {"sumpower": False},
    "like-htk": {
        "fbtype": "htkmel", "sumpower": False, "dcttype": 3, "lifterexp": -22.0, "nbands": 20, "maxfreq": 8000.0,
        "old_window": True,
    },
    "dct1": {"dcttype": 1},
    "no-lifter": {"lifterexp": 0.0},
    "20-of-30": {"numcep": 20, "nbands": 30, "minfreq": 100.0, "maxfreq": 7000.0},
    "no-preemphasis": {"preemph": 0.0},
    "32ms-16ms": {"wintime": 0.032, "hoptime": 0.016},
}.items():  # fmt: skip
    add(f"rastamat-{_name}", row="rastamat", kind="rastamat", **_formula, **_options)
for _signal in ("voice8", "voice44", "noise16"):
    add(f"rastamat-{_signal}", row="rastamat", signal=_signal, kind="rastamat", **_formula)
for _signal in ("voice8", "voice11k", "voice16", *ODD_SIGNALS):
    add(f"etsi-{_signal}", row="formula", signal=_signal, scale=INT16, kind="etsi", **_formula)

for _name, _options in {
    "defaults": {},
    "80-of-25ms": {"features": 80, "window_size": 0.025},
    "128-unpadded": {"features": 128, "window_size": 0.025, "n_fft": 512, "pad_to": 0},
    "all-features": {"normalize": "all_features"},
    "not-normalised": {"normalize": None},
    "magnitude": {"mag_power": 1.0},
    "band": {"lowfreq": 80.0, "highfreq": 7000.0},
    "no-preemphasis": {"preemph": None},
    "no-log": {"log": False, "normalize": None},
}.items():
    add(f"nemo-formula-{_name}", row="formula", kind="nemo", relative=_name == "no-log", **_formula, **_options)
for _signal in ("voice8", "voice44", "noise16"):
    add(f"nemo-formula-{_signal}", row="formula", signal=_signal, kind="nemo", **_formula)

# ---------------------------------------------------------------------------------------------------------------------
# Frame counts
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Count:
    """Lengths for which a peer's number of frames is compared: `frame`, `hop` [samples] say where they matter."""

    name: str
    peer: str
    frame: int
    hop: int
    preset: str
    fields: dict[str, Any]
    options: dict[str, Any]
    n_fft: int

    def lengths(self) -> list[int]:
        """Return lengths from 0 to four transforms: all short ones, and those beside every change of the count."""
        last = 4 * self.n_fft
        beside = {
            start + k * self.hop + d
            for start in (0, self.hop // 2, self.frame, self.frame // 2, self.n_fft)
            for k in range(last // self.hop + 2)
            for d in (-1, 0, 1)
        }
        return sorted(n for n in beside | set(range(0, last, 97)) | {0, 1, 2, 3, last} if 0 <= n <= last)


COUNTS: list[Count] = []


def _count(name: str, peer: str, frame: int, hop: int, n_fft: int, /, **options: Any) -> None:
    preset, fields = TRANSLATORS[peer](16000, INT16, options)
    COUNTS.append(Count(name, peer, frame, hop, preset, fields, options, n_fft))


_low = {"frame": 512, "hop": 256, "highFrequencyBound": 7500}
_odd = {"frame_length_ms": 24.95, "frame_shift_ms": 4.85}
_few = {"n_mels": 40, "hop_length": 160}
_count("kaldi", "knf", 400, 160, 512)
_count("kaldi-no-snip", "knf", 400, 160, 512, frame_opts={"snip_edges": False})
_count("kaldi-no-snip-odd", "knf", 399, 77, 512, frame_opts={"snip_edges": False, **_odd})
_count("compliance", "compliance", 400, 160, 512)
_count("compliance-no-snip", "compliance", 400, 160, 512, snip_edges=False)
_count("torchaudio", "torchaudio", 400, 200, 400, melkwargs={"n_mels": 40})
_count("torchaudio-uncentred", "torchaudio", 400, 160, 400, melkwargs={**_few, "center": False})
_count("torchaudio-odd", "torchaudio", 401, 160, 401, melkwargs={**_few, "n_fft": 401})
_count("whisper", "whisper", 400, 160, 400)
_count("seamless", "transformers", 400, 160, 512, extractor="SeamlessM4TFeatureExtractor")
_count("speech2text", "transformers", 400, 160, 512, extractor="Speech2TextFeatureExtractor")
_count("ast", "transformers", 400, 160, 512, extractor="ASTFeatureExtractor")
_count("nemo", "transformers", 400, 160, 512, extractor="ParakeetFeatureExtractor")
_count("knf-nemo", "knf-nemo", 400, 160, 512)
_count("nemo-formula", "formula", 320, 160, 512, kind="nemo")
_count("python_speech_features", "python_speech_features", 400, 160, 512)
_count("essentia", "essentia", 512, 256, 512, **_low)
_count("essentia-odd", "essentia", 401, 160, 402, **{**_low, "frame": 401, "hop": 160, "window": {"zeroPadding": 1}})
_count("essentia-long-hop", "essentia", 512, 400, 512, **{**_low, "hop": 400})
_count("essentia-from-zero", "essentia", 512, 256, 512, **_low, cut={"startFromZero": True})
_count(
    "essentia-to-end", "essentia", 512, 256, 512, **_low, cut={"startFromZero": True, "lastFrameToEndOfFile": True}
)  # fmt: skip
_count("librosa", "librosa", 512, 160, 512, n_fft=512, hop_length=160, n_mels=40)
_count("librosa-uncentred", "librosa", 512, 160, 512, n_fft=512, hop_length=160, n_mels=40, center=False)
_count("tf", "tf.signal", 400, 160, 512)
_count("tf-pad-end", "tf.signal", 400, 160, 512, pad_end=True)
_count("opensmile", "opensmile", 400, 160, 512)
_count("hcopy", "hcopy", 409, 160, 512)
_count("htk", "formula", 409, 160, 512, kind="htk")
_count("slaney", "formula", 256, 160, 512, kind="slaney")
_count("rastamat", "formula", 400, 160, 512, kind="rastamat")
_count("etsi", "formula", 400, 160, 512, kind="etsi")

#: Frames of a case that a golden file keeps: the first, the last, and as many between.
KEEP = 8


def kept_frames(n_frames: int) -> list[int]:
    """Return the frames that are kept of so many, in order."""
    if n_frames <= 3 * KEEP:
        return list(range(n_frames))
    inner = [KEEP + (i + 1) * (n_frames - 2 * KEEP) // (KEEP + 1) for i in range(KEEP)]
    return [*range(KEEP), *inner, *range(n_frames - KEEP, n_frames)]


def question(case: Case) -> dict[str, Any]:
    """Return what the peer is asked, as it is stored beside its answer."""
    asked = {"peer": case.peer, "options": case.options, "signal": case.signal, "n": case.n}
    return {**asked, "scale": case.scale, "dtype": case.dtype}
