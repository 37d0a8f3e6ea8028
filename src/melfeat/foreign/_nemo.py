"""NVIDIA NeMo: the preprocessor section of a model's configuration."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..config import Config
from ..errors import ParameterError
from ..stages import Cepstrum, Compression, Filterbank, Framing, Post, Preprocessing, Spectrum
from ._options import Options, read_text
from ._torchaudio import build_transform
from ._yaml import parse_yaml, resolve

__all__ = ["config_from_nemo"]

_CLASSES = ("AudioToMelSpectrogramPreprocessor", "AudioToMFCCPreprocessor")
_WINDOWS = ("hann", "hamming", "blackman", "bartlett")


def _is_text(config: str) -> bool:
    return "\n" in config or config.lstrip().startswith("{")


def _section(config: Any) -> dict[str, Any]:
    """Return the preprocessor section of whatever is given, references resolved."""
    if not isinstance(config, Mapping):
        text = read_text(config, "a NeMo configuration", is_text=_is_text)
        if text.lstrip().startswith("{"):
            try:
                config = json.loads(text)
            except json.JSONDecodeError as error:
                raise ParameterError(
                    f"the NeMo configuration is no JSON: {error}; expected a JSON object or YAML"
                ) from None
        else:
            config = parse_yaml(text)
    root = dict(config)
    section = root
    for name in ("model", "preprocessor"):
        if isinstance(section.get(name), Mapping):
            section = dict(section[name])
    found = {str(name): resolve(value, root) for name, value in section.items()}
    if "_target_" not in found and "cls" not in found:
        raise ParameterError(
            "the NeMo configuration has no preprocessor section with '_target_': expected e.g. "
            "{'_target_': 'nemo.collections.asr.modules.AudioToMelSpectrogramPreprocessor', 'features': 80}"
        )
    return found


def config_from_nemo(config: Any) -> Config:
    """Return the configuration that computes what a preprocessor of NVIDIA NeMo computes, in evaluation mode.

    Parameters
    ----------
    config : str, path or dict
        The ``preprocessor`` section of a model's configuration, or the whole configuration: as a dict, JSON, YAML
        (nested names and scalars, anchors, ``${...}`` references), or a path to a file of one of these. ``_target_``
        names AudioToMelSpectrogramPreprocessor or AudioToMFCCPreprocessor.

    Returns
    -------
    Config
        Configuration. As in NeMo, a mel spectrogram has one frame of ``pad_value`` behind ``n // hop`` valid ones.

    Raises
    ------
    ParameterError
        If the class is another one, or an option is unknown, out of its range or not supported (``exact_pad``,
        ``use_torchaudio``, ``frame_splicing`` above 1, ``pad_to='max'``, normalisation with stored values, …); each is
        refused by its name, none is ignored.
    OSError
        If the file cannot be read.

    Notes
    -----
    Accepted because they act in training only, or never: ``dither``, ``nb_augmentation_prob``, ``nb_max_freq``,
    ``rng``, ``stft_conv``, ``stft_exact_pad``. NeMo of 2023 and before padded with reflections and normalised over one
    frame more; this is what it does since.

    References
    ----------
    O. Kuchaiev et al., NeMo: a toolkit for building AI applications using neural modules, 2019; arXiv:1909.09577.

    Examples
    --------
    >>> from melfeat.foreign import config_from_nemo
    >>> section = {"_target_": "nemo.collections.asr.modules.AudioToMelSpectrogramPreprocessor", "window_size": 0.025}
    >>> config = config_from_nemo({**section, "features": 80, "n_fft": 512, "pad_to": 0})
    >>> config.framing.win_length, config.filterbank.n_mels, config.post.cmn
    (400, 80, 'mean_var')
    """
    values = _section(config)
    target = str(values.get("_target_", values.get("cls"))).rpartition(".")[2]
    if target not in _CLASSES:
        raise ParameterError(f"NeMo _target_={target!r} is not supported; expected one of {', '.join(_CLASSES)}")
    options = Options("NeMo", values)
    options.no_effect("_target_", "cls", "params")
    sr = options.int("sample_rate", 16000, low=1, unit="Hz")
    win_length = _length(options, "window_size", "n_window_size", 0.02, sr)
    hop = _length(options, "window_stride", "n_window_stride", 0.01, sr)
    n_fft = options.get("n_fft")
    n_fft = options.int("n_fft", 0, low=1) if n_fft else max(1, 1 << (win_length - 1).bit_length())
    if win_length > n_fft:
        raise ParameterError(f"NeMo option n_fft={n_fft}: expected at least the window of {win_length} samples")
    build = _mel if target == _CLASSES[0] else _mfcc
    return build(options, sr, win_length, hop, n_fft)


def _length(options: Options, seconds: str, samples: str, default: float, sr: int) -> int:
    """Return a length in samples, given in one of two units."""
    count = options.get(samples)
    if not count:
        length = int(options.float(seconds, default, low=0, strict=True, unit="s") * sr)
        if length < 1:
            raise ParameterError(f"{options.name(seconds)}: expected at least one sample at {sr} Hz")
        return length
    if options.get(seconds):
        raise ParameterError(f"{options.name(samples)} and {seconds} are both given; NeMo takes one of them: drop one")
    return options.int(samples, 0, low=1)


def _normalize(options: Options) -> dict[str, Any]:
    kind = options.get("normalize", "per_feature")
    if isinstance(kind, Mapping):
        raise ParameterError(
            f"{options.name('normalize')} with stored mean and deviation is not supported; use null, and apply them "
            "afterwards"
        )
    known = {"per_feature": "mean_var", "all_features": "all_mean_var", "none": None, "na": None, "null": None}
    words = str(kind).lower()
    if kind is not None and kind is not False and words not in known:
        raise ParameterError(f"{options.name('normalize')}={kind!r}: expected per_feature, all_features or null")
    cmn = known.get(words)
    return {"cmn": cmn, "cmn_ddof": 1, "cmn_eps": 1e-5, "cmn_eps_kind": "std_add"} if cmn else {}


def _compression(options: Options) -> Compression | None:
    floor = options.get("log_zero_guard_value", 2.0**-24)
    if floor in ("tiny", "eps"):
        value = float(getattr(np.finfo(np.float32), str(floor)))
    else:
        value = options.float("log_zero_guard_value", 2.0**-24, low=0, strict=True)
    kind = options.choice("log_zero_guard_type", "add", ("add", "clamp"))
    return Compression("ln", value, kind, top_db=None) if options.bool("log", True) else None


def _mel(options: Options, sr: int, win_length: int, hop: int, n_fft: int) -> Config:
    options.no_effect("dither", "nb_augmentation_prob", "nb_max_freq", "rng", "stft_conv", "stft_exact_pad")
    options.only("exact_pad", (False,), "NeMo's other framing is not reproduced")
    options.only("use_torchaudio", (False,), "NeMo's other implementation differs, and is not reproduced")
    options.only("frame_splicing", (1,), "its copies of a frame are not made")
    if n_fft % 2:
        raise ParameterError(f"{options.name('n_fft')}={n_fft}: expected an even number")
    if options.get("pad_to", 16) == "max":
        raise ParameterError(f"{options.name('pad_to')}='max' is not supported; give a number, or pad the features")
    emphasis, high = options.get("preemph", 0.97), options.get("highfreq")
    config = Config(
        sr=sr,
        preprocessing=Preprocessing(
            preemphasis=0.0 if emphasis is None else options.float("preemph", 0.97, low=0, high=1)
        ),
        framing=Framing(
            n_fft=n_fft,
            hop_length=hop,
            win_length=win_length,
            window=options.choice("window", "hann", _WINDOWS),
            window_symmetric=True,
            drop_last=1,
        ),
        spectrum=Spectrum(power=options.float("mag_power", 2.0, low=0, strict=True)),
        filterbank=Filterbank(
            n_mels=options.int("features", 64, low=1),
            fmin=options.float("lowfreq", 0.0, low=0, unit="Hz"),
            fmax=options.float("highfreq", 0.0, low=0, strict=True, unit="Hz") if high else None,
            mel_norm=options.get("mel_norm", "slaney"),
            weights_dtype="float32",
        ),
        compression=_compression(options),
        post=Post(
            **_normalize(options),
            pad_dropped=True,
            pad_to=max(1, options.int("pad_to", 16, low=0)),
            pad_value=options.float("pad_value", 0.0),
        ),
    )
    options.finish()
    return config


def _mfcc(options: Options, sr: int, win_length: int, hop: int, n_fft: int) -> Config:
    log = options.bool("log", True)
    n_mels = options.int("n_mels", 64, low=1)
    n_mfcc = options.int("n_mfcc", 64, low=1, high=n_mels)
    options.only("dct_type", (2,), "torchaudio has no other either")
    window = options.choice("window", "hann", (*_WINDOWS, "ones"))
    keywords = {
        "sample_rate": sr,
        "n_fft": n_fft,
        "win_length": win_length,
        "hop_length": hop,
        "n_mels": n_mels,
        "f_min": options.float("lowfreq", 0.0, low=0, unit="Hz"),
        "f_max": options.get("highfreq"),
        "window_fn": "ones" if window == "ones" else f"{window}_window",
    }
    norm = options.choice("norm", "ortho", ("ortho", None))
    options.finish()
    floor = Compression("ln", 1e-6, "add", top_db=None) if log else Compression(peak_scope="array")
    return build_transform(Options("NeMo", keywords), floor, Cepstrum(n_mfcc, dct_norm=norm))
