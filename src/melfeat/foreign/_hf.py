"""Hugging Face: `preprocessor_config.json` of the audio feature extractors that compute mel features."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..config import Config
from ..errors import ParameterError
from ..stages import Compression, Filterbank, Framing, Post, Preprocessing, Spectrum
from ._options import Options, read_text

__all__ = ["config_from_hf"]

_FLOOR = 1.192092955078125e-07  # as written there; Kaldi's is 2**-23, which is smaller by 5e-9 of itself
_ABOUT = (  # what every extractor's file may say about itself and its processor
    *("feature_extractor_type", "processor_class", "auto_map", "_name_or_path", "transformers_version", "name_or_path"),
    *("return_attention_mask", "image_processor_type", "return_tensors", "_processor_class", "feature_size"),
)
_NO_FEATURES = {
    "Wav2Vec2FeatureExtractor": "it passes the waveform on, perhaps normalised, and computes no features",
    "EncodecFeatureExtractor": "it passes the waveform on and computes no features",
    "DacFeatureExtractor": "it passes the waveform on and computes no features",
}


def _is_text(config: str) -> bool:
    return config.lstrip().startswith("{")


def _load(config: Any) -> Mapping[str, Any]:
    if isinstance(config, Mapping):
        return config
    if isinstance(config, str | os.PathLike) and not _is_text(str(config)) and os.path.isdir(config):
        config = Path(config) / "preprocessor_config.json"
    text = read_text(config, "a preprocessor_config.json", is_text=_is_text)
    try:
        loaded = json.loads(text)
    except json.JSONDecodeError as error:
        raise ParameterError(
            f"the preprocessor_config.json is no JSON: {error}; expected an object of options"
        ) from None
    if not isinstance(loaded, dict):
        raise ParameterError(
            f"the preprocessor_config.json holds a {type(loaded).__name__}: expected an object of options"
        )
    return loaded


def config_from_hf(config: Any) -> Config:
    """Return the configuration that computes what a feature extractor of Hugging Face's transformers computes.

    What is computed is the result of calling the extractor with one recording and no other argument: Whisper's is
    cut or padded to ``chunk_length`` seconds, for example (``config.replace(fixed_samples=None)`` leaves it as it is).

    Parameters
    ----------
    config : str, path or dict
        A model's ``preprocessor_config.json``: its text, its path, the folder in which it is, or its content. Known
        are WhisperFeatureExtractor, SeamlessM4TFeatureExtractor (w2v-BERT too), ASTFeatureExtractor,
        Speech2TextFeatureExtractor and ParakeetFeatureExtractor.

    Returns
    -------
    Config
        Configuration; features come as (n_features, n_frames), while most of these extractors have frames first.

    Raises
    ------
    ParameterError
        If the extractor is another one, or an option is unknown, out of its range or not supported; each is refused by
        its name, none is ignored.
    OSError
        If the file cannot be read.

    Notes
    -----
    Accepted because the extractor does not use them for the features: names of classes and versions,
    ``return_attention_mask``; ``n_samples``, ``nb_max_frames`` and ``mel_filters`` of Whisper, which it computes anew;
    ``feature_size`` where ``num_mel_bins`` counts.

    References
    ----------
    T. Wolf et al., Transformers: state-of-the-art natural language processing, EMNLP 2020; huggingface.co/docs, 5.23.

    Examples
    --------
    >>> from melfeat.foreign import config_from_hf
    >>> config = config_from_hf('{"feature_extractor_type": "WhisperFeatureExtractor", "feature_size": 128}')
    >>> config.filterbank.n_mels, config.n_frames(16000), config.preprocessing.fixed_samples
    (128, 3000, 480000)
    """
    values = _load(config)
    nested = values.get("feature_extractor")
    if isinstance(nested, Mapping):  # processor_config.json of newer versions
        values = nested
    kind = values.get("feature_extractor_type")
    if kind is None:
        raise ParameterError(
            "feature_extractor_type is missing: expected the preprocessor_config.json of a model of audio"
        )
    if kind not in _EXTRACTORS:
        why = _NO_FEATURES.get(str(kind), "it is not one that melfeat reproduces")
        raise ParameterError(
            f"feature_extractor_type={kind!r} is not supported: {why}; expected one of {', '.join(_EXTRACTORS)}"
        )
    options = Options(str(kind).removesuffix("FeatureExtractor"), values)
    options.no_effect(*_ABOUT)
    options.only("padding_side", ("right",), "pad the signal yourself")
    made = _EXTRACTORS[kind](options)
    options.finish()
    return made


def _whisper(options: Options) -> Config:
    options.no_effect("n_samples", "nb_max_frames", "mel_filters")
    options.only("padding_value", (0.0,), "pad the signal yourself")
    sr = options.int("sampling_rate", 16000, low=1, unit="Hz")
    options.only("do_normalize", (False, None), "give a recording of mean 0 and variance 1")
    return Config(
        sr=sr,
        preprocessing=Preprocessing(
            fixed_samples=options.int("chunk_length", 30, low=1, unit="s") * sr,
            dither=options.float("dither", 0.0, low=0),
            dither_scope="signal",
        ),
        framing=Framing(
            n_fft=options.int("n_fft", 400, low=2),
            hop_length=options.int("hop_length", 160, low=1),
            pad_mode="reflect",
            drop_last=1,
        ),
        filterbank=Filterbank(n_mels=options.int("feature_size", 80, low=1), fmax=8000.0, weights_dtype="float32"),
        compression=Compression("log10", 1e-10, top_db=80.0),
        post=Post(shift=4.0, scale=0.25),
    )


def _kaldi_like(
    options: Options, *, input_scale: float, window: str, post: Post, n_mels: int = 80, dither: float = 0.0
) -> Config:
    """Return what Kaldi's filterbank is in these extractors: frames of 400 samples every 160, whatever the rate is."""
    sr = options.int("sampling_rate", 16000, low=1, unit="Hz")
    return Config(
        sr=sr,
        preprocessing=Preprocessing(
            input_scale=input_scale,
            dither=dither,
            remove_dc=True,
            preemphasis=0.97,
            preemphasis_scope="frame",
            preemphasis_first="scaled",
        ),
        framing=Framing(
            n_fft=512,
            hop_length=160,
            win_length=400,
            window=window,
            frames="valid",
            pad_mode="symmetric",
            window_symmetric=True,
            window_align="left",
        ),
        filterbank=Filterbank(
            n_mels=options.int("num_mel_bins", n_mels, low=1),
            fmin=20.0,
            fmax=None if sr % 2 == 0 else float(sr // 2),
            mel_scale="htk_ln",
            mel_norm=None,
            triangles="mel",
            bins="no_nyquist",
        ),
        compression=Compression("ln", _FLOOR, top_db=None),
        post=post,
    )


def _rate_16000(options: Options) -> None:
    # With torchaudio frames last 25 ms there, without it they have 400 samples: only at 16 kHz it is the same.
    options.only("sampling_rate", (16000,), "its frames depend on what is installed beside transformers at other rates")


def _seamless(options: Options) -> Config:
    options.no_effect("language_code", "tgt_lang", "src_lang", "unit_tokens")
    post = Post(
        cmn="mean_var",
        cmn_ddof=1,
        cmn_eps=1e-7,
        cmn_eps_kind="var_add",
        pad_to=2,
        pad_value=options.float("padding_value", 0.0),
        stack=options.int("stride", 2, low=1),
    )
    return _kaldi_like(options, input_scale=32768.0, window="povey", post=post)


def _ast(options: Options) -> Config:
    options.no_effect("padding_value")  # it pads with zeros whatever this says
    _rate_16000(options)
    mean, std = options.float("mean", -4.2677393), options.float("std", 4.5689974, low=0, strict=True)
    normalize = options.bool("do_normalize", True)
    post = Post(
        fixed_frames=options.int("max_length", 1024, low=1),
        shift=-mean if normalize else 0.0,
        scale=1.0 / (2.0 * std) if normalize else 1.0,
    )
    return _kaldi_like(options, input_scale=1.0, window="hann", post=post, n_mels=128)


def _speech2text(options: Options) -> Config:
    _rate_16000(options)
    options.no_effect("padding_value")  # one recording is not padded
    means, variances = options.bool("normalize_means", True), options.bool("normalize_vars", True)
    normalize = options.bool("do_ceptral_normalize", True)
    if normalize and variances and not means:
        raise ParameterError(
            f"{options.name('normalize_means')}=False with normalize_vars=True is not supported; divide by the "
            "standard deviation afterwards"
        )
    cmn = "mean_var" if variances else "mean" if means else None
    return _kaldi_like(
        options,
        input_scale=32768.0,
        window="povey",
        dither=options.float("dither", 0.0, low=0),
        post=Post(cmn=cmn if normalize else None),
    )


def _parakeet(options: Options) -> Config:
    options.no_effect("padding_value")  # one recording is not padded
    n_fft = options.int("n_fft", 512, low=2)
    if n_fft % 2:
        raise ParameterError(f"{options.name('n_fft')}={n_fft}: expected an even number")
    emphasis = options.get("preemphasis", 0.97)
    return Config(
        sr=options.int("sampling_rate", 16000, low=1, unit="Hz"),
        preprocessing=Preprocessing(
            preemphasis=0.0 if emphasis is None else options.float("preemphasis", 0.97, low=0, high=1)
        ),
        framing=Framing(
            n_fft=n_fft,
            hop_length=options.int("hop_length", 160, low=1),
            win_length=options.int("win_length", 400, low=1),
            window_symmetric=True,
            drop_last=1,
        ),
        spectrum=Spectrum(),
        filterbank=Filterbank(n_mels=options.int("feature_size", 80, low=1), weights_dtype="float32"),
        compression=Compression("ln", 2.0**-24, "add", top_db=None),
        post=Post(cmn="mean_var", cmn_ddof=1, cmn_eps=1e-5, cmn_eps_kind="std_add", pad_dropped=True),
    )


_EXTRACTORS: dict[str, Callable[[Options], Config]] = {
    "WhisperFeatureExtractor": _whisper,
    "SeamlessM4TFeatureExtractor": _seamless,
    "ASTFeatureExtractor": _ast,
    "Speech2TextFeatureExtractor": _speech2text,
    "ParakeetFeatureExtractor": _parakeet,
}
