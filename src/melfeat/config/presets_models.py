"""Presets of models: what Whisper, NeMo and the speech models of Hugging Face are fed with. Options only.

References
----------
OpenAI Whisper (``audio.py``: ``log_mel_spectrogram``); NVIDIA NeMo (``AudioToMelSpectrogramPreprocessor``,
``FilterbankFeatures``); Hugging Face transformers 5 (``SeamlessM4TFeatureExtractor``, ``ASTFeatureExtractor``,
``Speech2TextFeatureExtractor``, ``WhisperFeatureExtractor``).
"""

from __future__ import annotations

from ._registry import Options, register
from .presets_toolkits import kaldi_frames, kaldi_levels

HF_FLOOR = 1.192092955078125e-07  # what transformers writes for the epsilon of float32, 1.1920929e-07


def whisper_options(n_mels: int) -> Options:
    """Return the options of all versions of Whisper."""
    return {
        "dither_scope": "signal",
        "n_fft": 400,
        "hop_length": 160,
        "window": "hann",
        "frames": "center",
        "pad_mode": "reflect",
        "drop_last": 1,
        "n_mels": n_mels,
        "fmax": 8000.0,
        "weights_dtype": "float32",
        "logarithm": "log10",
        "floor": 1e-10,
        "top_db": 80.0,  # 8 in log10 of power
        "shift": 4.0,
        "scale": 0.25,
    }


@register("whisper", "OpenAI Whisper: 80 log-mel bands, 100 frames a second", sr=16000, aliases=("openai-whisper",))
def whisper(sr: float) -> Options:
    """Of the signal as it is: what the model is given, 30 s, is fixed_samples=480000; do_normalize normalize_signal."""
    return whisper_options(80)


@register("whisper-v3", "OpenAI Whisper large-v3: 128 log-mel bands", sr=16000, aliases=("whisper-large-v3",))
def whisper_v3(sr: float) -> Options:
    """As whisper."""
    return whisper_options(128)


@register("nemo", "NVIDIA NeMo AudioToMelSpectrogramPreprocessor: 64 normalised log-mel bands, padded to 16", sr=16000)
def nemo(sr: float, win_length_ms: float = 20.0, hop_length_ms: float = 10.0) -> Options:
    """Many models have win_length_ms=25, n_mels=80 or 128, pad_to=1; all_features is cmn='all_mean_var'."""
    return {
        "dither_scope": "signal",
        "preemphasis": 0.97,
        "win_length": int(win_length_ms * 0.001 * sr),
        "hop_length": int(hop_length_ms * 0.001 * sr),
        "n_fft": None,
        "window": "hann",
        "window_symmetric": True,
        "frames": "center",
        "drop_last": 1,
        "n_mels": 64,
        "weights_dtype": "float32",
        "logarithm": "ln",
        "floor": 2.0**-24,
        "floor_kind": "add",
        "top_db": None,
        "cmn": "mean_var",
        "cmn_ddof": 1,
        "cmn_eps": 1e-5,
        "cmn_eps_kind": "std_add",
        "pad_dropped": True,
        "pad_to": 16,
    }


def hugging_face_fbank(n_mels: int, sr: float) -> Options:
    """Return the options of transformers' copy of Kaldi's filterbank: 400 and 160 samples at any rate."""
    return {**kaldi_frames(400, 160), **kaldi_levels(n_mels, HF_FLOOR), "fmax": float(sr // 2)}


@register(
    "seamless", "SeamlessM4T and w2v-BERT: 80 normalised log-mel bands, frames in pairs", sr=16000,
    aliases=("seamless-m4t", "w2v-bert", "w2v-bert-2"),
)  # fmt: skip
def seamless(sr: float) -> Options:
    """stride is pad_to and stack."""
    return {
        **hugging_face_fbank(80, sr),
        "cmn": "mean_var",
        "cmn_ddof": 1,
        "cmn_eps": 1e-7,
        "cmn_eps_kind": "var_add",
        "pad_to": 2,
        "stack": 2,
    }


@register("ast", "Audio Spectrogram Transformer: 128 log-mel bands, 1024 frames", sr=16000,
          aliases=("audio-spectrogram-transformer",))  # fmt: skip
def ast(sr: float) -> Options:
    """On the scale of [-1, 1), unlike the others of Kaldi's kind. max_length is fixed_frames."""
    return {
        **hugging_face_fbank(128, sr),
        "input_scale": 1.0,
        "window": "hann",
        "fixed_frames": 1024,
        "shift": 4.2677393,
        "scale": 1.0 / (2.0 * 4.5689974),
    }


@register("speech2text", "Speech2Text (S2T): 80 log-mel bands, normalised per utterance", sr=16000,
          aliases=("s2t", "speech-to-text"))  # fmt: skip
def speech2text(sr: float) -> Options:
    """normalize_vars=False is cmn='mean'."""
    return {**hugging_face_fbank(80, sr), "cmn": "mean_var"}
