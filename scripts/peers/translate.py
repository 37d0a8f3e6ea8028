"""What each peer's options are called in melfeat: a preset's name and the fields of `melfeat.stages` to override.

Written from the peers' documentation, apart from melfeat's own readers of foreign configurations, so that the two can
be held against each other. An option that is not translated is an error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Translation = tuple[str, dict[str, Any]]

BEYOND_BANDS = ("logarithm", "floor", "n_mfcc", "dct_norm", "lifter")


def _refuse(left: dict[str, Any], peer: str) -> None:
    if left:
        raise ValueError(f"{peer}: no translation of {sorted(left)}")


def _power_of_two(n: int) -> int:
    return 1 << (n - 1).bit_length()


def _kaldi_window(name: str, coefficient: float) -> dict[str, Any]:
    if name == "hann":  # kaldi-native-fbank only
        return {"window": "hann", "window_symmetric": False}
    known = {"hanning": "hann", "rectangular": "boxcar", "blackman": ("blackman", coefficient)}
    return {"window": known.get(name, name), "window_symmetric": True}


def kaldi(kind: str, sr: float, scale: float, o: dict[str, Any], preset: str) -> Translation:
    """Kaldi's options under Kaldi's names, in one dictionary."""
    o = dict(o)
    length = int(sr * 0.001 * o.pop("frame_length_ms", 25.0))
    fields: dict[str, Any] = {
        "sr": sr,
        "input_scale": scale,
        "win_length": length,
        "hop_length": int(sr * 0.001 * o.pop("frame_shift_ms", 10.0)),
        "n_fft": _power_of_two(length) if o.pop("round_to_power_of_two", True) else length,
        "frames": "valid" if o.pop("snip_edges", True) else "no_snip",
        **_kaldi_window(o.pop("window_type", "povey"), o.pop("blackman_coeff", 0.42)),
        "fmin": o.pop("low_freq", 20.0),
        "fmax": o.pop("high_freq", 0.0) or None,
        "n_mels": o.pop("num_bins", 23),
        "power": 2.0 if o.pop("use_power", True) else 1.0,
    }
    rename = {"preemph_coeff": "preemphasis", "remove_dc_offset": "remove_dc", "vtln_warp": "vtln_warp"}
    rename |= {"vtln_low": "vtln_low", "vtln_high": "vtln_high"}
    fields |= {rename[name]: o.pop(name) for name in list(o) if name in rename}
    htk = o.pop("htk_compat", False)
    energy = o.pop("use_energy", kind == "mfcc")
    floor = o.pop("energy_floor", 0.0)
    point = "raw" if o.pop("raw_energy", True) else "windowed"
    if energy:
        place = "replace_c0" if kind == "mfcc" else "last" if htk else "first"
        fields |= {"energy_place": place, "energy_point": point, "energy_floor": floor}
    else:
        fields["energy"] = None
    if kind == "mfcc":
        n_ceps = o.pop("num_ceps", 13)
        fields |= {"n_mfcc": n_ceps - htk, "lifter": o.pop("cepstral_lifter", 22.0)}
        if htk:
            fields |= {"c0": "last", "c0_scale": 1.0 if energy else 2.0**0.5}
    elif not o.pop("use_log_fbank", True):
        fields["compression"] = None
    if o.pop("subtract_mean", False):
        fields["cmn"] = "mean"
    _refuse(o, "kaldi")
    return preset, fields


def knf(sr: float, scale: float, o: dict[str, Any]) -> Translation:
    """kaldi-native-fbank."""
    o = dict(o)
    kind = o.pop("kind", "fbank")
    order, window, cmvn = o.pop("delta_order", 0), o.pop("delta_window", 2), o.pop("cmvn", None)
    preset, fields = kaldi(kind, sr, scale, {**o.pop("frame_opts", {}), **o.pop("mel_opts", {}), **o}, f"kaldi-{kind}")
    if order:
        fields |= {"delta_order": order, "delta_window": window, "delta_edges": "kaldi"}
    if cmvn:
        fields |= {"cmn": cmvn}
    return preset, fields


def compliance(sr: float, scale: float, o: dict[str, Any]) -> Translation:
    """torchaudio.compliance.kaldi: Kaldi's names with units left out, an energy floor of 1."""
    o = dict(o)
    kind = o.pop("kind", "fbank")
    o.pop("exact", False)
    order, sliding = o.pop("delta_order", 0), o.pop("sliding", None)
    rename = {"frame_length": "frame_length_ms", "frame_shift": "frame_shift_ms", "num_mel_bins": "num_bins"}
    rename |= {"preemphasis_coefficient": "preemph_coeff"}
    kaldis = {rename.get(name, name): value for name, value in o.items()}
    kaldis.setdefault("energy_floor", 1.0)
    kaldis.setdefault("use_energy", False)
    preset, fields = kaldi(kind, sr, scale, kaldis, f"torchaudio-kaldi-{kind}")
    if order:
        fields |= {"delta_order": order, "delta_window": 2, "delta_edges": "replicate"}
    if sliding is not None:
        fields["cmn"] = "sliding_mean_var" if sliding.get("norm_vars") else "sliding_mean"
        rename = {"cmn_window": "cmn_window", "min_cmn_window": "cmn_min_window", "center": "cmn_center"}
        fields |= {rename[name]: value for name, value in sliding.items() if name != "norm_vars"}
    return preset, fields


def torchaudio(sr: float, scale: float, o: dict[str, Any]) -> Translation:
    """torchaudio.transforms.MelSpectrogram and MFCC."""
    o = dict(o)
    kind, order = o.pop("kind", "MFCC"), o.pop("delta_order", 0)
    o.pop("exact", False)
    mel = o.pop("melkwargs", {}) if kind == "MFCC" else {n: o.pop(n) for n in list(o)}
    mel = dict(mel)
    n_fft = mel.pop("n_fft", 400)
    length = mel.pop("win_length", None) or n_fft
    fields: dict[str, Any] = {
        "sr": sr,
        "input_scale": scale,
        "n_fft": n_fft,
        "win_length": length,
        "hop_length": mel.pop("hop_length", None) or length // 2,
        "n_mels": mel.pop("n_mels", 128),
        "fmin": mel.pop("f_min", 0.0),
        "fmax": mel.pop("f_max", None),
        "power": mel.pop("power", 2.0),
        "mel_norm": mel.pop("norm", None),
        "mel_scale": mel.pop("mel_scale", "htk"),
        "pad_mode": mel.pop("pad_mode", "reflect"),
        "frames": "center" if mel.pop("center", True) else "valid",
    }
    _refuse(mel, "torchaudio")
    if kind == "MelSpectrogram":
        fields |= {"compression": None, "cepstrum": None}
    else:
        fields |= {"n_mfcc": o.pop("n_mfcc", 40), "dct_norm": o.pop("norm", "ortho")}
        if o.pop("log_mels", False):
            fields |= {"logarithm": "ln", "floor": 1e-6, "floor_kind": "add", "top_db": None}
    _refuse(o, "torchaudio")
    if order:
        fields |= {"delta_order": order, "delta_window": 2, "delta_edges": "replicate"}
    return "torchaudio", fields


def whisper(sr: float, scale: float, o: dict[str, Any]) -> Translation:
    """Whisper's log mel spectrogram of 80 or 128 bands."""
    o = dict(o)
    preset = {80: "whisper", 128: "whisper-v3"}[o.pop("n_mels", 80)]
    fields = {"fixed_samples": o.pop("length", None)}
    _refuse(o, "whisper")
    return preset, {"input_scale": scale, **fields}


def psf(sr: float, scale: float, o: dict[str, Any]) -> Translation:
    """python_speech_features."""
    o = dict(o)
    kind, deltas = o.pop("kind", "mfcc"), o.pop("deltas", ())
    n_fft = o.pop("nfft", 512)
    window = {None: "boxcar", "hamming": "hamming", "hanning": "hann", "blackman": "blackman", "bartlett": "bartlett"}
    length = int(o.pop("winlen", 0.025) * sr + 0.5)
    fields: dict[str, Any] = {
        "sr": sr,
        "input_scale": scale,
        "n_fft": n_fft,
        "win_length": length,
        "hop_length": int(o.pop("winstep", 0.01) * sr + 0.5),
        "window": window[o.pop("winfunc", None)],
        "window_symmetric": True,
        "n_mels": o.pop("nfilt", 26),
        "fmin": o.pop("lowfreq", 0.0),
        "fmax": o.pop("highfreq", None),
        "preemphasis": o.pop("preemph", 0.97),
    }
    if length > n_fft:  # the peer cuts the frame, window and all, to the length of its transform
        raise ValueError("frames longer than the transform: say the case's fields yourself")
    if kind == "mfcc":
        fields |= {"n_mfcc": o.pop("numcep", 13), "lifter": float(o.pop("ceplifter", 22))}
        if not o.pop("appendEnergy", True):
            fields["energy"] = None
    else:
        fields |= {"cepstrum": None, "energy": None}
        if kind == "fbank":
            fields["compression"] = None
    if deltas:
        fields |= {"delta_order": len(deltas), "delta_window": deltas[0], "delta_edges": "replicate"}
        fields["delta_window_2"] = deltas[1] if len(deltas) > 1 else None
    _refuse(o, "python_speech_features")
    return "python_speech_features", fields


def essentia(sr: float, scale: float, o: dict[str, Any]) -> Translation:
    """Essentia's chain from FrameGenerator to MFCC."""
    o = dict(o)
    frame, hop = o.pop("frame", 2048), o.pop("hop", 1024)
    window, cut = dict(o.pop("window", None) or {}), dict(o.pop("cut", None) or {})
    shapes = {"hann": "hann", "hamming": ("general_hamming", 0.53836), "square": "boxcar"}
    shapes |= {"blackmanharris92": "blackmanharris"}
    from_zero, to_end = cut.pop("startFromZero", False), cut.pop("lastFrameToEndOfFile", False)
    weighting = o.pop("weighting", "warping")
    logs = {"dbamp": "db20", "dbpow": "db", "log": "ln", "natural": None}
    norms = {"unit_sum": "sum", "unit_max": None, "unit_tri": "tri"}
    logarithm = logs[o.pop("logType", "dbamp")]
    fields: dict[str, Any] = {
        "sr": sr,
        "input_scale": scale,
        "win_length": frame,
        "n_fft": frame + window.pop("zeroPadding", 0),
        "hop_length": hop,
        "frames": ("pad_all" if to_end else "pad_end") if from_zero else "center_ceil",
        "window": shapes[window.pop("type", "hann")],
        "window_symmetric": window.pop("symmetric", True),
        "window_scale": "2/sum" if window.pop("normalized", True) else None,
        "n_mels": o.pop("numberBands", 40),
        "fmin": o.pop("lowFrequencyBound", 0.0),
        "fmax": o.pop("highFrequencyBound", 11000.0),
        "triangles": {"warping": "mel", "linear": "hz"}[weighting],
        "mel_scale": {"htkMel": "htk_ln", "slaneyMel": "slaney"}[o.pop("warpingFormula", "htkMel")],
        "mel_norm": norms[o.pop("normalize", "unit_sum")],
        "power": {"power": 2.0, "magnitude": 1.0}[o.pop("type", "power")],
        "logarithm": logarithm,
        "floor": o.pop("silenceThreshold", 1e-10) if logarithm else None,
        "n_mfcc": o.pop("numberCoefficients", 13),
        "dct_norm": {2: "ortho", 3: "htk"}[o.pop("dctType", 2)],
        "lifter": o.pop("liftering", 0),
    }
    if fields["n_fft"] != frame:
        fields["window_align"] = "left"  # frames are counted before zeros are added
    if o.pop("bands", False):
        fields = {n: v for n, v in fields.items() if n not in BEYOND_BANDS} | {"cepstrum": None, "compression": None}
    _refuse({**o, **window, **cut}, "essentia")
    return "essentia", fields


def librosa(sr: float, scale: float, o: dict[str, Any]) -> Translation:
    """librosa.feature.mfcc and melspectrogram."""
    o = dict(o)
    kind = o.pop("kind", "mfcc")
    rename = {"norm": "dct_norm"} if kind == "mfcc" else {"norm": "mel_norm"}
    fields: dict[str, Any] = {
        "sr": sr,
        "input_scale": scale,
        "weights_dtype": None if o.pop("float64_bank", False) else "float32",
        "mel_scale": "htk" if o.pop("htk", False) else "slaney",
        "frames": "center" if o.pop("center", True) else "valid",
    }
    if kind == "melspectrogram":
        fields |= {"compression": None, "cepstrum": None}
    return "librosa", fields | {rename.get(name, name): value for name, value in o.items()}


def tf_signal(sr: float, scale: float, o: dict[str, Any]) -> Translation:
    """The pipeline of tf.signal's documentation."""
    o = dict(o)
    length = o.pop("frame_length", 400)
    n_mels, n_mfcc = o.pop("n_mels", 80), o.pop("n_mfcc", 13)
    fields: dict[str, Any] = {
        "sr": sr,
        "input_scale": scale,
        "win_length": length,
        "hop_length": o.pop("frame_step", 160),
        "n_fft": o.pop("fft_length", None) or _power_of_two(length),
        "frames": "pad_all" if o.pop("pad_end", False) else "valid",
        "window_symmetric": length % 2 == 1,  # tf.signal's periodic Hann of an odd length is the symmetric one
        "n_mels": n_mels,
        "fmin": o.pop("low", 80.0),
        "fmax": o.pop("high", 7600.0),
        **({"cepstrum": None} if n_mfcc is None else {"n_mfcc": n_mfcc}),
    }
    _refuse(o, "tf.signal")
    return "tf", fields


def opensmile(sr: float, scale: float, o: dict[str, Any]) -> Translation:
    """openSMILE's MFCC12_0_D_A and its variants."""
    o = dict(o)
    length = round(0.025 * sr)
    mel = o.pop("mel", {})
    fields: dict[str, Any] = {
        "sr": sr,
        "input_scale": scale,
        "win_length": length,
        "hop_length": round(0.01 * sr),
        "n_fft": _power_of_two(length),
        "preemphasis": o.pop("k", 0.97),
        "n_mels": mel.get("nBands", 26),
        "power": 2.0 if mel.get("usePower", 1) else 1.0,
        "fmin": float(mel.get("lofreq", 0)),
        "fmax": float(mel.get("hifreq", 8000)),
        "lifter": o.pop("lifter", 22.0),
    }
    if o.pop("energy", False):
        fields |= {"c0": "none", "energy_place": "last", "energy_point": "raw"}
    if o.pop("mean", False):
        fields |= {"cmn": "mean", "cmn_columns": "no_energy"}
    _refuse(o, "opensmile")
    return "opensmile", fields


def transformers(sr: float, scale: float, o: dict[str, Any]) -> Translation:
    """Feature extractors of transformers, each of which is a preset."""
    o = dict(o)
    name, call, _ = o.pop("extractor"), o.pop("call", {}), o.pop("numpy_path", False)
    o.pop("exact", False)
    fields: dict[str, Any] = {"input_scale": scale} if name == "WhisperFeatureExtractor" else {}
    if name == "WhisperFeatureExtractor":
        preset = {80: "whisper", 128: "whisper-v3"}[o.pop("feature_size", 80)]
        fields["fixed_samples"] = None if _ or call.get("padding") is False else 480000
        fields["normalize_signal"] = call.get("do_normalize", False)
        _refuse(o, name)
        return preset, fields
    presets = {"SeamlessM4T": "seamless", "AST": "ast", "Speech2Text": "speech2text", "Parakeet": "nemo"}
    preset = presets[name.removesuffix("FeatureExtractor")]
    if preset == "ast":
        if o.pop("do_normalize", True) is False:
            fields |= {"shift": 0.0, "scale": 1.0}
        rename = {"num_mel_bins": "n_mels", "max_length": "fixed_frames"}
        fields |= {rename[name]: o.pop(name) for name in list(o) if name in rename}
    if preset == "speech2text":
        means, variances = o.pop("normalize_means", True), o.pop("normalize_vars", True)
        if not o.pop("do_ceptral_normalize", True):
            fields["cmn"] = None
        elif means and not variances:
            fields["cmn"] = "mean"
    if preset == "seamless" and not call.get("do_normalize_per_mel_bins", True):
        fields["cmn"] = None
    if preset == "nemo":
        fields |= {"n_mels": o.pop("feature_size", 80), "win_length": 400, "hop_length": 160, "n_fft": 512, "pad_to": 1}
        fields["preemphasis"] = o.pop("preemphasis", 0.97) or 0.0
    if "num_mel_bins" in o:
        fields["n_mels"] = o.pop("num_mel_bins")
    _refuse(o, name)
    return preset, fields


def knf_nemo(sr: float, scale: float, o: dict[str, Any]) -> Translation:
    """kaldi-native-fbank's NeMo front end: no normalisation, all frames."""
    _refuse(o, "knf-nemo")
    frames = {"win_length": 400, "hop_length": 160, "n_fft": 512}
    return "nemo", {"n_mels": 80, **frames, "cmn": None, "pad_to": 1, "pad_dropped": False}


def hcopy(sr: float, scale: float, o: dict[str, Any]) -> Translation:
    """HTK's HCopy."""
    return _htk(sr, scale, dict(o))


def formula(sr: float, scale: float, o: dict[str, Any]) -> Translation:
    """The formulas of `formulas.py`."""
    o = dict(o)
    kind = o.pop("kind")
    return {"htk": _htk, "slaney": _slaney, "rastamat": _rastamat, "etsi": _etsi, "nemo": _nemo}[kind](sr, scale, o)


def _htk(sr: float, scale: float, o: dict[str, Any]) -> Translation:
    base, *qualifiers = o.pop("target", "MFCC_0").split("_")
    length, hop = int(o.pop("window_seconds", 0.0256) * sr + 1e-6), int(o.pop("step_seconds", 0.01) * sr + 1e-6)
    low, high = o.pop("lofreq", -1.0), o.pop("hifreq", -1.0)
    fields: dict[str, Any] = {
        "sr": sr,
        "input_scale": scale,
        "win_length": length,
        "hop_length": hop,
        "n_fft": _power_of_two(length),
        "window": "hamming" if o.pop("usehamming", True) else "boxcar",
        "window_symmetric": True,
        "preemphasis": o.pop("preemcoef", 0.97),
        "power": 2.0 if o.pop("usepower", False) else 1.0,
        "n_mels": o.pop("numchans", 20),
        "remove_dc": o.pop("zmeansource", False),
        "fmin": max(low, 0.0),
        "fmax": None if high < 0 else high,
        "delta_order": ("D" in qualifiers) + ("A" in qualifiers),
        "delta_window": o.pop("deltawindow", 2),
    }
    if (second := o.pop("accwindow", 2)) != fields["delta_window"]:
        fields["delta_window_2"] = second
    if o.get("warpfreq", 1.0) != 1.0:
        fields |= {"vtln_kind": "htk", "vtln_warp": o["warpfreq"]}
        fields |= {"vtln_low": o["warplcutoff"], "vtln_high": o["warpucutoff"]}
    for name in ("warpfreq", "warplcutoff", "warpucutoff"):
        o.pop(name, None)
    raw, normalised = o.pop("rawenergy", True), o.pop("enormalise", True)
    scaling, floor = o.pop("escale", 0.1), o.pop("silfloor", 50.0)
    if base == "FBANK":
        fields |= {"cepstrum": None, "energy": None}
    else:
        fields |= {"n_mfcc": o.pop("numceps", 12), "lifter": o.pop("ceplifter", 22.0)}
        fields["c0"] = "last" if "0" in qualifiers else "none"
        if "E" in qualifiers:
            fields |= {"energy_place": "last", "energy_point": "raw" if raw else "windowed"}
            fields |= {"energy_normalize": normalised, "energy_scale": scaling, "energy_silence_floor": floor}
        else:
            fields["energy"] = None
    if "Z" in qualifiers:
        fields |= {"cmn": "mean", "cmn_columns": "no_energy"}
    _refuse(o, "htk")
    return "htk", fields


def _slaney(sr: float, scale: float, o: dict[str, Any]) -> Translation:
    hop = int(sr / o.pop("frame_rate", 100.0))
    _refuse(o, "slaney")
    return "slaney", {"sr": sr, "input_scale": scale, "hop_length": hop}


def _rastamat(sr: float, scale: float, o: dict[str, Any]) -> Translation:
    length = round(o.pop("wintime", 0.025) * sr)
    kind, bands, dct = o.pop("fbtype", "mel"), o.pop("nbands", 40), o.pop("dcttype", 2)
    lifter = o.pop("lifterexp", 0.6)
    old = o.pop("old_window", False)
    fields: dict[str, Any] = {
        "sr": sr,
        "input_scale": scale * 32768.0,  # melfcc does it itself
        "win_length": length,
        "hop_length": round(o.pop("hoptime", 0.01) * sr),
        "n_fft": _power_of_two(length),
        "window": "hamming" if old else "matlab_hanning",
        "window_symmetric": True,
        "preemphasis": o.pop("preemph", 0.97),
        "fmin": o.pop("minfreq", 0.0),
        "fmax": o.pop("maxfreq", 4000.0),
        "n_mels": bands,
        "mel_scale": "slaney" if kind == "mel" else "htk",
        "mel_norm": None if kind == "htkmel" else "slaney",
        "n_mfcc": o.pop("numcep", 13),
        "lifter": abs(lifter),
        "lifter_kind": "exponential" if lifter >= 0 else "sine",
    }
    fields |= {1: {"dct_type": 1, "dct_norm": None}, 2: {"dct_norm": "ortho"}, 3: {"dct_norm": "htk"}}[dct]
    if dct == 1:
        fields["scale"] = 1.0 / (2 * (bands - 1))
    if not o.pop("sumpower", True):
        fields |= {"power": 1.0, "band_power": 2}
    _refuse(o, "rastamat")
    return "rastamat", fields


def _nemo(sr: float, scale: float, o: dict[str, Any]) -> Translation:
    length = int(o.pop("window_size", 0.02) * sr)
    norms = {"per_feature": "mean_var", "all_features": "all_mean_var", None: None}
    fields: dict[str, Any] = {
        "sr": sr,
        "input_scale": scale,
        "win_length": length,
        "hop_length": int(o.pop("window_stride", 0.01) * sr),
        "n_fft": o.pop("n_fft", None) or _power_of_two(length),
        "n_mels": o.pop("features", 64),
        "preemphasis": o.pop("preemph", 0.97) or 0.0,
        "cmn": norms[o.pop("normalize", "per_feature")],
        "pad_to": max(1, o.pop("pad_to", 16)),
        "power": o.pop("mag_power", 2.0),
        "fmin": o.pop("lowfreq", 0.0),
        "fmax": o.pop("highfreq", None),
    }
    if not o.pop("log", True):
        fields["compression"] = None
    _refuse(o, "nemo")
    return "nemo", fields


def _etsi(sr: float, scale: float, o: dict[str, Any]) -> Translation:
    length, hop, n_fft = {8000: (200, 80, 256), 11000: (256, 110, 256), 16000: (400, 160, 512)}[int(sr)]
    _refuse(o, "etsi")
    return "etsi", {"sr": sr, "input_scale": scale, "win_length": length, "hop_length": hop, "n_fft": n_fft}


TRANSLATORS: dict[str, Callable[[float, float, dict[str, Any]], Translation]] = {
    "knf": knf,
    "knf-nemo": knf_nemo,
    "compliance": compliance,
    "torchaudio": torchaudio,
    "whisper": whisper,
    "transformers": transformers,
    "python_speech_features": psf,
    "essentia": essentia,
    "librosa": librosa,
    "tf.signal": tf_signal,
    "opensmile": opensmile,
    "hcopy": hcopy,
    "formula": formula,
}
