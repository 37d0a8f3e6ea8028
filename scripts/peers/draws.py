"""Drawn options for the peers that take some: what `dialect_table.py` measures beside the defaults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .cases import EXACT_ROWS, INT16, UNIT

Draw = tuple[int, float, str, str, dict[str, Any]]
"""Sampling rate, scale, dtype, row of `cases.ERRORS`, options."""


class Drawer:
    """Choices from one seeded generator."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def one(self, *choices: Any) -> Any:
        """Return one of the choices."""
        return choices[int(self.rng.integers(len(choices)))]

    def maybe(self, p: float = 0.5) -> bool:
        """Return True with probability p."""
        return bool(self.rng.random() < p)

    def whole(self, low: int, high: int) -> int:
        """Return an integer from low to high, both included."""
        return int(self.rng.integers(low, high + 1))


def _kaldi(
    d: Drawer, names: dict[str, str], windows: tuple[str, ...]
) -> tuple[int, str, dict[str, Any], dict[str, Any]]:
    sr = d.one(8000, 16000, 16000, 22050, 44100)
    length, shift = d.one(20.0, 25.0, 30.0, 32.0), d.one(5.0, 8.0, 10.0, 12.5)
    kind = d.one("fbank", "mfcc")
    samples = int(sr * 0.001 * length)
    frames = {
        names["length"]: length,
        names["shift"]: shift,
        "window_type": d.one(*windows),
        names["preemphasis"]: d.one(0.0, 0.5, 0.97),
        "remove_dc_offset": d.maybe(0.8),
        "round_to_power_of_two": samples % 2 == 1 or d.maybe(0.7),
        "snip_edges": d.maybe(0.6),
    }
    bank = {names["bins"]: d.whole(15, 30), "low_freq": d.one(0.0, 20.0, 60.0), "high_freq": d.one(0.0, -200.0, -400.0)}
    rest: dict[str, Any] = {"kind": kind, "use_energy": d.maybe(), "raw_energy": d.maybe(), "htk_compat": d.maybe(0.3)}
    rest["energy_floor"] = d.one(0.0, 1.0, 1e5)
    if kind == "mfcc":
        rest |= {"num_ceps": d.whole(5, bank[names["bins"]]), "cepstral_lifter": d.one(0.0, 10.0, 22.0)}
    else:
        rest["use_power"] = d.maybe(0.8)
    return sr, kind, {**frames, **({} if names["length"].endswith("_ms") else bank)}, {**rest, "bank": bank}


def knf(d: Drawer) -> Draw:
    """kaldi-native-fbank."""
    names = {"length": "frame_length_ms", "shift": "frame_shift_ms", "preemphasis": "preemph_coeff", "bins": "num_bins"}
    windows = ("povey", "hamming", "hanning", "hann", "blackman", "rectangular", "sine")
    sr, kind, frames, rest = _kaldi(d, names, windows)
    options = {"frame_opts": frames, "mel_opts": rest.pop("bank"), **rest}
    if d.maybe(0.3):
        options |= {"delta_order": d.whole(1, 2), "delta_window": d.whole(1, 3)}
    return sr, d.one(INT16, INT16, UNIT), "float32", f"kaldi {kind}", options


def compliance(d: Drawer) -> Draw:
    """torchaudio.compliance.kaldi."""
    names = {"length": "frame_length", "shift": "frame_shift", "bins": "num_mel_bins"}
    names["preemphasis"] = "preemphasis_coefficient"
    sr, kind, frames, rest = _kaldi(d, names, ("povey", "hamming", "hanning", "blackman", "rectangular"))
    options = {**frames, **rest.pop("bank"), **rest, "subtract_mean": d.maybe(0.3)}
    if d.maybe(0.5):
        options["vtln_warp"] = round(float(d.rng.uniform(0.85, 1.2)), 3)
    if d.maybe():
        return sr, INT16, "float64", "exact", {**options, "exact": True}
    return sr, INT16, "float32", f"compliance {kind}", options


def torchaudio(d: Drawer) -> Draw:
    """torchaudio.transforms."""
    sr = d.one(8000, 11025, 16000, 22050, 44100)
    n_fft = d.one(256, 400, 441, 512, 1000, 1024, 2048)
    mel: dict[str, Any] = {
        "n_fft": n_fft,
        "win_length": d.one(None, n_fft * 3 // 4),
        "hop_length": d.one(None, n_fft // 3, 160),
        "n_mels": d.whole(12, 64),
        "f_min": d.one(0.0, 60.0),
        "f_max": d.one(None, sr / 2 - 300.0),
        "power": d.one(1.0, 2.0, 2.0),
        "norm": d.one(None, "slaney"),
        "mel_scale": d.one("htk", "slaney"),
        "center": d.maybe(0.7),
        "pad_mode": d.one("reflect", "constant"),
    }
    exact = d.maybe()
    dtype = "float64" if exact else "float32"
    if d.maybe(0.2):
        return sr, UNIT, dtype, "torchaudio mel", {"kind": "MelSpectrogram", "exact": exact, **mel}
    logs, norm = d.maybe(0.3), d.one("ortho", "ortho", None)
    row = "torchaudio mfcc, norm None" if norm is None else "torchaudio mfcc, log_mels" if logs else "torchaudio mfcc"
    options = {"n_mfcc": d.whole(5, mel["n_mels"]), "log_mels": logs, "norm": norm, "melkwargs": mel, "exact": exact}
    return sr, UNIT, dtype, EXACT_ROWS.get(row, "exact") if exact else row, options


def psf(d: Drawer) -> Draw:
    """python_speech_features."""
    sr = d.one(8000, 11025, 16000, 22050)
    nfilt = d.whole(15, 40)
    options: dict[str, Any] = {
        "winlen": d.one(0.015, 0.02, 0.0225, 0.025),
        "winstep": d.one(0.005, 0.0075, 0.01, 0.0125),
        "nfft": d.one(1024, 2048) if sr > 16000 else d.one(512, 1024),
        "nfilt": nfilt,
        "lowfreq": d.one(0, 100, 300),
        "highfreq": d.one(None, sr / 2 - 200, 3400),
        "preemph": d.one(0.0, 0.95, 0.97),
    }
    if d.maybe(0.7):
        options |= {"numcep": d.whole(5, nfilt), "ceplifter": d.one(0, 11, 22), "appendEnergy": d.maybe()}
        options["winfunc"] = d.one(None, "hamming", "hanning", "blackman", "bartlett")
    else:
        options["kind"] = "logfbank"
    if d.maybe(0.4):
        options["deltas"] = [d.whole(1, 4) for _ in range(d.whole(1, 2))]
    return sr, d.one(INT16, UNIT), "float64", "python_speech_features", options


def essentia(d: Drawer) -> Draw:
    """Essentia."""
    sr = d.one(16000, 22050, 44100)
    frame = d.one(512, 1024, 2048)
    liftering = d.one(0, 0, 22)
    options = {
        "frame": frame,
        "hop": d.one(frame // 2, frame // 4, 200),
        "window": {
            "type": d.one("hann", "hamming", "square", "blackmanharris92"),
            "normalized": d.maybe(0.8),
            "zeroPadding": d.one(0, 0, frame),
        },
        "cut": d.one({}, {}, {"startFromZero": True}, {"startFromZero": True, "lastFrameToEndOfFile": True}),
        "numberBands": d.whole(15, 40),
        "numberCoefficients": d.whole(5, 15),
        "lowFrequencyBound": d.one(0, 60, 133),
        "highFrequencyBound": d.one(sr / 2 - 500, 4000, sr / 2),
        "weighting": d.one("warping", "linear"),
        "warpingFormula": d.one("htkMel", "slaneyMel"),
        "normalize": d.one("unit_sum", "unit_max", "unit_tri"),
        "logType": d.one("dbamp", "dbpow", "log"),
        "type": d.one("power", "power", "magnitude"),
        "dctType": d.one(2, 3),
        "liftering": liftering,
    }
    return sr, UNIT, "float32", "essentia, lifter" if liftering else "essentia", options


def librosa(d: Drawer) -> Draw:
    """librosa, in float64 with a float64 filterbank."""
    sr = d.one(8000, 16000, 22050, 44100)
    n_fft, n_mels = d.one(256, 400, 512, 1024, 1103, 2048), d.whole(10, 64)
    options = {
        "n_fft": n_fft,
        "win_length": d.one(None, n_fft * 3 // 4),
        "hop_length": d.one(n_fft // 4, n_fft // 2, 160),
        "window": d.one("hann", "hamming", "blackman"),
        "center": d.maybe(0.8),
        "pad_mode": d.one("constant", "linear_ramp", "edge"),  # it mirrors some ends twice: no reflection
        "power": d.one(1.0, 2.0),
        "n_mels": n_mels,
        "n_mfcc": d.whole(5, n_mels),
        "fmin": d.one(0.0, 60.0),
        "fmax": d.one(None, 3700.0),
        "htk": d.maybe(),
        "mel_norm": d.one("slaney", None, 1),
        "norm": d.one("ortho", None),
        "dct_type": d.whole(1, 3),
        "lifter": d.one(0, 0, 22),
    }
    if options["dct_type"] == 1 and n_mels == options["n_mfcc"]:
        options["norm"] = "ortho"
    return sr, UNIT, "float64", "librosa, float64 bank", {**options, "float64_bank": True}


def tf_signal(d: Drawer) -> Draw:
    """tf.signal."""
    sr = d.one(8000, 16000, 44100)
    length = d.one(200, 400, 401, 512, 1024)
    n_mels = d.whole(15, 60)
    options = {
        "frame_length": length,
        "frame_step": d.one(80, 160, length // 2),
        "fft_length": d.one(None, 1024),
        "pad_end": d.maybe(0.4),
        "n_mels": n_mels,
        "low": d.one(0.0, 80.0, 125.0),
        "high": d.one(3800.0, sr / 2),
        "n_mfcc": d.one(None, d.whole(5, n_mels)),
    }
    dtype = d.one("float32", "float64")
    return sr, UNIT, dtype, "exact" if dtype == "float64" else "tf", options


def opensmile(d: Drawer) -> Draw:
    """openSMILE."""
    sr = d.one(8000, 16000)
    mel = {"nBands": d.whole(15, 30), "lofreq": d.one(0, 100), "hifreq": d.one(3500, sr // 2)}
    mel["usePower"] = d.whole(0, 1)
    options = {"energy": d.maybe(), "mean": d.maybe(0.3), "k": d.one(0.0, 0.9, 0.97), "mel": mel}
    return sr, INT16, "float32", "opensmile", {**options, "lifter": d.one(0.0, 22.0, 30.0)}


def hcopy(d: Drawer) -> Draw:
    """HTK's HCopy."""
    sr = d.one(8000, 16000)
    numchans = d.whole(15, 28)
    base = d.one("MFCC", "MFCC", "FBANK")
    options: dict[str, Any] = {
        "window_seconds": d.one(0.02, 0.025, 0.0256, 0.032),
        "step_seconds": d.one(0.005, 0.01, 0.0125),
        "preemcoef": d.one(0.0, 0.9, 0.97),
        "usehamming": d.maybe(0.8),
        "usepower": d.maybe(),
        "numchans": numchans,
        "lofreq": d.one(-1.0, 20.0, 125.0, 300.0),
        "hifreq": d.one(3400.0, sr / 2.0 - 200.0),
        "zmeansource": d.maybe(),
    }
    if options["lofreq"] < 0 and d.maybe():  # it takes both limits, the upper one, or none
        options["hifreq"] = -1.0
    if d.maybe(0.4):
        options |= {"warpfreq": round(float(d.rng.uniform(0.85, 1.15)), 2), "warplcutoff": 400.0, "warpucutoff": 2900.0}
    if base == "FBANK":
        return sr, INT16, "float32", "htk fbank", {"target": "FBANK", **options}
    target = base + d.one("", "_0", "_E") + d.one("", "_D", "_D_A") + d.one("", "_Z")
    options |= {"numceps": d.whole(5, min(20, numchans - 1)), "ceplifter": d.one(0.0, 15.0, 22.0)}
    if "_E" in target:
        options |= {"rawenergy": d.maybe(), "enormalise": d.maybe()}
        options |= {"escale": d.one(0.1, 1.0), "silfloor": d.one(30.0, 50.0)}
    if "_D" in target:
        options["deltawindow"] = d.whole(1, 4)
    return sr, INT16, "float32", "htk", {"target": target, **options}


DRAWS: dict[str, Callable[[Drawer], Draw]] = {
    "knf": knf,
    "compliance": compliance,
    "torchaudio": torchaudio,
    "python_speech_features": psf,
    "essentia": essentia,
    "librosa": librosa,
    "tf.signal": tf_signal,
    "opensmile": opensmile,
    "hcopy": hcopy,
}
