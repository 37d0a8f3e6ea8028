"""librosa: keywords of `feature.mfcc` and `feature.melspectrogram`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..config import Config
from ..errors import ParameterError
from ..stages import Cepstrum, Compression, Filterbank, Framing, Spectrum
from ._options import Options, check_feature

__all__ = ["config_from_librosa"]


def config_from_librosa(options: Mapping[str, Any], *, feature: str = "mfcc") -> Config:
    """Return the configuration that computes what librosa computes with these keywords.

    `melfeat.mfcc` and `melfeat.melspectrogram` take the same keywords by themselves; this is for an `Extractor`.

    Parameters
    ----------
    options : dict
        Keywords of ``librosa.feature.mfcc`` (with those that it passes on) or ``librosa.feature.melspectrogram``,
        version 0.11, without the signal.
    feature : {'mfcc', 'melspectrogram'}
        Which of them.

    Returns
    -------
    Config
        Configuration at the rate ``sr``, by default 22 050 Hz.

    Raises
    ------
    ParameterError
        If a keyword is unknown, out of its range or not supported; each is refused by its name, none is ignored.

    Notes
    -----
    ``top_db`` counts from the peak of each channel, as in `melfeat.mfcc`; librosa 0.11 takes the peak of all channels,
    which is ``config.replace(peak_scope="array")``.

    References
    ----------
    B. McFee et al., librosa: audio and music signal analysis in Python, SciPy 2015; librosa.org, version 0.11.

    Examples
    --------
    >>> from melfeat.foreign import config_from_librosa
    >>> config = config_from_librosa({"sr": 16000, "n_mfcc": 13, "n_fft": 512, "hop_length": 160})
    >>> config.sr, config.framing.hop_length, config.cepstrum.n_mfcc, config.compression.top_db
    (16000.0, 160, 13, 80.0)
    """
    feature = check_feature(feature, ("mfcc", "melspectrogram"), {"delta": "see melfeat.delta"})
    if not isinstance(options, Mapping):
        raise ParameterError(f"options has type {type(options).__name__}: expected a dict of librosa's keywords")
    given = Options("librosa", options)
    given.refuse(
        {
            "y": "these are options; pass the signal to the Extractor",
            "S": "give a spectrogram to melfeat.mfcc or melfeat.melspectrogram",
        }
    )
    is_mfcc = feature == "mfcc"
    try:
        kind = np.dtype(given.get("dtype", np.float32)).name
    except TypeError:
        kind = repr(given.get("dtype"))
    if kind not in ("float32", "float64"):
        raise ParameterError(f"librosa option dtype={kind}: expected np.float32 or np.float64, for the filterbank")
    fmax, center = given.get("fmax"), given.bool("center", True)
    hop = given.get("hop_length", 512)
    win_length = given.get("win_length")
    n_fft = given.int("n_fft", 2048, low=1)
    config = Config(
        sr=given.float("sr", 22050, low=0, strict=True, unit="Hz"),
        framing=Framing(
            n_fft=n_fft,
            hop_length=None if hop is None else given.int("hop_length", 512, low=1),
            win_length=None if win_length is None else given.int("win_length", n_fft, low=1),
            window=given.get("window", "hann"),
            frames="center" if center else "valid",
            pad_mode=given.get("pad_mode", "constant"),
        ),
        spectrum=Spectrum(power=given.float("power", 2.0, low=0, strict=True)),
        filterbank=Filterbank(
            n_mels=given.int("n_mels", 128, low=1),
            fmin=given.float("fmin", 0.0, low=0, unit="Hz"),
            fmax=None if fmax is None else given.float("fmax", 0.0, low=0, strict=True, unit="Hz"),
            mel_scale="htk" if given.bool("htk", False) else "slaney",
            mel_norm=given.get("mel_norm" if is_mfcc else "norm", "slaney"),
            weights_dtype=kind,
        ),
        compression=Compression() if is_mfcc else None,
        cepstrum=_cepstrum(given) if is_mfcc else None,
    )
    given.finish()
    return config


def _cepstrum(given: Options) -> Cepstrum:
    return Cepstrum(
        n_mfcc=given.int("n_mfcc", 20, low=1),
        dct_type=given.choice("dct_type", 2, (1, 2, 3)),
        dct_norm=given.choice("norm", "ortho", ("ortho", None)),
        lifter=given.float("lifter", 0.0, low=0),
    )
