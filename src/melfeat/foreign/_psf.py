"""python_speech_features: arguments of `mfcc`, `fbank` and `logfbank`."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np

from .._checks import check_float
from ..config import Config
from ..errors import ParameterError
from ..stages import Cepstrum, Compression, Energy, Filterbank, Framing, Preprocessing, Spectrum
from ._options import Options, check_feature

__all__ = ["config_from_psf"]

_EPSILON = float(np.finfo(np.float64).eps)
_NUMPY = {np.hamming: "hamming", np.hanning: "hann", np.blackman: "blackman", np.bartlett: "bartlett"}
_REFUSED = {"ssc": "spectral subband centroids are not computed by melfeat", "delta": "see melfeat.stages.Post"}


def config_from_psf(options: Mapping[str, Any], *, feature: str = "mfcc", input_scale: float = 32768.0) -> Config:
    """Return the configuration that computes what python_speech_features computes with these arguments.

    Parameters
    ----------
    options : dict
        Arguments of ``mfcc``, ``fbank`` or ``logfbank`` by name, version 0.6, without the signal.
    feature : {'mfcc', 'fbank', 'logfbank'}
        Which of them; of the two results of ``fbank`` the bands, without the energy.
    input_scale : float, > 0
        What a sample of 1.0 is multiplied by first. python_speech_features takes samples as they are: 32768 is for code
        that passes it 16-bit integers, as most does, 1 for code that passes floats.

    Returns
    -------
    Config
        Configuration at the rate ``samplerate``, by default 16 kHz.

    Raises
    ------
    ParameterError
        If an argument is unknown, out of its range or not supported; each is refused by its name, none is ignored.
        Frames that are longer than ``nfft``, which python_speech_features cuts off with a warning, are refused.

    References
    ----------
    J. Lyons et al., python_speech_features 0.6, 2020, doi:10.5281/zenodo.3607820.

    Examples
    --------
    >>> import numpy as np
    >>> from melfeat.foreign import config_from_psf
    >>> config = config_from_psf({"samplerate": 8000, "nfft": 256, "winfunc": np.hamming})
    >>> config.framing.win_length, config.framing.n_fft, config.cepstrum.n_mfcc
    (200, 256, 13)
    """
    feature = check_feature(feature, ("mfcc", "fbank", "logfbank"), _REFUSED)
    if not isinstance(options, Mapping):
        raise ParameterError(f"options has type {type(options).__name__}: expected a dict of arguments")
    given = Options("python_speech_features", options)
    given.refuse({"signal": "these are options; pass the signal to the Extractor"})
    sr = given.float("samplerate", 16000, low=0, strict=True, unit="Hz")
    n = _samples(given, "winlen", 0.025, sr)
    n_fft = given.int("nfft", 512, low=1)
    if n > n_fft:
        raise ParameterError(
            f"python_speech_features option nfft={n_fft}: frames of {n} samples would be cut off; expected nfft >= {n}"
        )
    high = given.get("highfreq")
    is_mfcc = feature == "mfcc"
    config = Config(
        sr=sr,
        preprocessing=Preprocessing(
            input_scale=check_float("input_scale", input_scale, low=0, strict=True),
            preemphasis=given.float("preemph", 0.97, low=0, high=1),
        ),
        framing=Framing(
            n_fft=n_fft,
            hop_length=_samples(given, "winstep", 0.01, sr),
            win_length=n,
            window=_window(given, n) if feature != "logfbank" else "boxcar",  # logfbank has no winfunc
            frames="pad_end",
            window_symmetric=True,
            window_align="left",
        ),
        spectrum=Spectrum(spectrum_scale="1/n_fft"),
        filterbank=Filterbank(
            n_mels=given.int("nfilt", 26, low=1),
            fmin=given.float("lowfreq", 0.0, low=0, unit="Hz"),
            fmax=given.float("highfreq", 0.0, low=0, strict=True, unit="Hz") if high else None,
            mel_scale="htk",
            mel_norm=None,
            triangles="psf",
        ),
        compression=Compression(None if feature == "fbank" else "ln", _EPSILON, "if_zero", top_db=None),
        cepstrum=_cepstrum(given) if is_mfcc else None,
        energy=_energy(given) if is_mfcc else None,
    )
    given.finish()
    return config


def _samples(given: Options, name: str, default: float, sr: float) -> int:
    """Return a duration [s] in samples, halves rounded up as there."""
    seconds = given.float(name, default, low=0, strict=True, unit="s")
    n = int(Decimal(seconds * sr).quantize(Decimal("1"), rounding=ROUND_HALF_UP))
    if n < 1:
        raise ParameterError(f"{given.name(name)}={seconds:g} [s]: expected at least one sample at {sr:g} Hz")
    return n


def _window(given: Options, n: int) -> Any:
    function = given.get("winfunc")
    if function is None:
        return "boxcar"
    if not callable(function):
        raise ParameterError(
            f"{given.name('winfunc')}={function!r}: expected a function of the length, e.g. np.hamming"
        )
    return _NUMPY.get(function) or np.asarray(function(n), dtype=np.float64)


def _cepstrum(given: Options) -> Cepstrum:
    return Cepstrum(
        n_mfcc=given.int("numcep", 13, low=1),
        lifter=given.float("ceplifter", 22.0, low=0),
        lifter_offset=0,
    )


def _energy(given: Options) -> Energy | None:
    if not given.bool("appendEnergy", True):
        return None
    return Energy(energy_point="spectrum", energy_eps=_EPSILON, energy_eps_kind="if_zero")
