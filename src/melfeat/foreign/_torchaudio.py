"""torchaudio: keywords of `transforms.MFCC`, `transforms.MelSpectrogram`, `compliance.kaldi.mfcc` and `.fbank`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .._checks import check_float
from ..config import Config
from ..errors import ParameterError
from ..stages import Cepstrum, Compression, Filterbank, Framing, Spectrum
from ._kaldi import build_kaldi
from ._options import Options, check_feature

__all__ = ["build_transform", "config_from_torchaudio"]

_WINDOWS = {
    "hann_window": "hann",
    "hamming_window": "hamming",
    "blackman_window": "blackman",
    "bartlett_window": "bartlett",
    "ones": "boxcar",
}
_PAD_MODES = {"reflect": "reflect", "constant": "constant", "replicate": "edge"}
_FEATURES = ("mfcc", "melspectrogram", "kaldi_mfcc", "kaldi_fbank")
_REFUSED = {"spectrogram": "use melfeat.stft", "lfcc": "linear bands are not computed by melfeat"}


def config_from_torchaudio(
    options: Mapping[str, Any], *, feature: str = "mfcc", input_scale: float | None = None
) -> Config:
    """Return the configuration that computes what a torchaudio transform or function computes with these keywords.

    Parameters
    ----------
    options : dict
        Keywords of ``torchaudio.transforms.MFCC`` (with its ``melkwargs``), ``torchaudio.transforms.MelSpectrogram``,
        ``torchaudio.compliance.kaldi.mfcc`` or ``torchaudio.compliance.kaldi.fbank``.
    feature : {'mfcc', 'melspectrogram', 'kaldi_mfcc', 'kaldi_fbank'}
        Which of them.
    input_scale : float, > 0, optional
        What a sample of 1.0 is multiplied by first. By default 1 for the transforms, and 32768 for
        ``compliance.kaldi``, whose users multiply waveforms by that; 1 is for those who do not.

    Returns
    -------
    Config
        Configuration at the rate of the options.

    Raises
    ------
    ParameterError
        If a keyword is unknown, out of its range or not supported; each is refused by its name, none is ignored.

    Notes
    -----
    ``onesided`` of the transforms is accepted and has no effect, as in torchaudio.

    References
    ----------
    Y.-Y. Yang et al., TorchAudio: building blocks for audio and speech processing, ICASSP 2022; pytorch.org/audio.

    Examples
    --------
    >>> from melfeat.foreign import config_from_torchaudio
    >>> config = config_from_torchaudio({"n_mfcc": 13, "melkwargs": {"n_fft": 512, "hop_length": 160, "n_mels": 64}})
    >>> config.framing.n_fft, config.filterbank.n_mels, config.cepstrum.n_mfcc
    (512, 64, 13)
    """
    feature = check_feature(feature, _FEATURES, _REFUSED)
    if not isinstance(options, Mapping):
        raise ParameterError(f"options has type {type(options).__name__}: expected a dict of torchaudio's keywords")
    if feature.startswith("kaldi"):
        scale = 32768.0 if input_scale is None else check_float("input_scale", input_scale, low=0, strict=True)
        return _compliance(Options("torchaudio", options), feature.removeprefix("kaldi_"), scale)
    scale = 1.0 if input_scale is None else check_float("input_scale", input_scale, low=0, strict=True)
    if feature == "melspectrogram":
        config = build_transform(Options("torchaudio", options), None)
    else:
        config = _mfcc(Options("torchaudio", options))
    return config.replace(input_scale=scale) if scale != 1.0 else config


def _compliance(options: Options, feature: str, input_scale: float) -> Config:
    options.refuse({"waveform": "these are options; pass the signal to the Extractor"})
    options.only("channel", (-1, 0), "pass y[channel]")
    options.only("min_duration", (0.0,), "leave out short recordings before")
    return build_kaldi(
        options,
        feature,
        dither=options.float("dither", 0.0, low=0),
        input_scale=input_scale,
        energy_floor=1.0,
        use_energy=False,
        spelling="_",
        windows=("povey", "hamming", "hanning", "rectangular", "blackman"),
        fewest_bands=4,
    )


def _mfcc(options: Options) -> Config:
    melkwargs = options.get("melkwargs") or {}
    if not isinstance(melkwargs, Mapping):
        raise ParameterError(f"torchaudio option melkwargs={melkwargs!r}: expected a dict of MelSpectrogram's keywords")
    if "sample_rate" in melkwargs:
        raise ParameterError(
            "torchaudio option melkwargs['sample_rate']: expected in sample_rate itself; move it there"
        )
    log = options.bool("log_mels", False)
    options.only("dct_type", (2,), "torchaudio has no other either")
    n_mfcc = options.int("n_mfcc", 40, low=1)
    norm = options.choice("norm", "ortho", ("ortho", None))
    mel = Options("torchaudio melkwargs", {**melkwargs, "sample_rate": options.float("sample_rate", 16000, low=0)})
    options.finish()
    floor = Compression("ln", 1e-6, "add", top_db=None) if log else Compression(peak_scope="array")
    config = build_transform(mel, floor, Cepstrum(n_mfcc, dct_norm=norm))
    if config.filterbank is not None and n_mfcc > config.filterbank.n_mels:
        raise ParameterError(
            f"torchaudio option n_mfcc={n_mfcc}: expected at most n_mels = {config.filterbank.n_mels}, as in torchaudio"
        )
    return config


def _window(options: Options, win_length: int) -> tuple[Any, bool]:
    """Return the window and whether it is symmetric."""
    function = options.get("window_fn", "hann_window")
    keywords = dict(options.get("wkwargs") or {})
    name = function if isinstance(function, str) else getattr(function, "__name__", "")
    if name in _WINDOWS and not set(keywords) - {"periodic"}:
        return _WINDOWS[name], not keywords.get("periodic", True)
    if not callable(function):
        raise ParameterError(
            f"{options.name('window_fn')}={function!r} with wkwargs={keywords!r}: expected one of torch's functions, "
            f"by itself or by its name ({', '.join(_WINDOWS)}), or another function of the length"
        )
    return np.asarray(function(win_length, **keywords), dtype=np.float64), False


def build_transform(
    options: Options, compression: Compression | None, cepstrum: Cepstrum | None = None, *, weights: str = "float32"
) -> Config:
    """Return the configuration of a MelSpectrogram with what follows it."""
    sr = options.float("sample_rate", 16000, low=0, strict=True, unit="Hz")
    n_fft = options.int("n_fft", 400, low=1)
    win_length = options.int("win_length", n_fft, low=1) if options.get("win_length") is not None else n_fft
    hop = options.int("hop_length", 0, low=1) if options.get("hop_length") is not None else max(1, win_length // 2)
    options.only("pad", (0,), "pad the signal with numpy.pad")
    options.only("normalized", (False,), "divide by the window's norm afterwards")
    options.no_effect("onesided")
    window, symmetric = _window(options, win_length)
    f_max = options.get("f_max")
    norm = options.choice("norm", None, (None, "slaney"))
    power = options.get("power", 2.0)
    if power is None:
        raise ParameterError(f"{options.name('power')}=None: expected a number > 0; a complex spectrogram has no bands")
    config = Config(
        sr=sr,
        framing=Framing(
            n_fft=n_fft,
            hop_length=hop,
            win_length=win_length,
            window=window,
            frames="center" if options.bool("center", True) else "valid",
            pad_mode=_PAD_MODES[options.choice("pad_mode", "reflect", tuple(_PAD_MODES))],
            window_symmetric=symmetric,
        ),
        spectrum=Spectrum(power=options.float("power", 2.0, low=0, strict=True)),
        filterbank=Filterbank(
            n_mels=options.int("n_mels", 128, low=1),
            fmin=options.float("f_min", 0.0, low=0, unit="Hz"),
            fmax=None if f_max is None else options.float("f_max", 0.0, low=0, strict=True, unit="Hz"),
            mel_scale=options.choice("mel_scale", "htk", ("htk", "slaney")),
            mel_norm=norm,
            nyquist="floor",  # the bins lie between 0 and sr // 2: 5512 Hz at 11025 Hz
            weights_dtype=weights,
        ),
        compression=compression,
        cepstrum=cepstrum,
    )
    options.finish()
    return config
