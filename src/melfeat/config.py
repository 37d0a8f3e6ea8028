"""What is computed, stage by stage: the last place where names and defaults of different vocabularies differ.

Each stage is a frozen dataclass that refuses nonsense when it is made. A `Config` is hashable: plans are cached by it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._checks import check_bool, check_choice, check_float, check_int
from .dsp.framing import check_pad_mode, count_frames
from .dsp.mel import check_band, check_mel_norm
from .errors import ParameterError

__all__ = ["Cepstrum", "Compression", "Config", "Filterbank", "Framing", "Spectrum", "hashable_window"]

DCT_TYPES = (1, 2, 3)
DCT_NORMS = ("ortho", None)


def hashable_window(window: Any) -> Any:
    """Return a window specification in a form that can be a key: arrays and lists of samples become tuples.

    A tuple of samples is told from a named window with parameters by its first entry.
    """
    if isinstance(window, (list, np.ndarray)):
        if np.ndim(window) != 1:
            raise ParameterError(f"window has shape {np.shape(window)}: expected a name or one dimension of samples")
        return ("samples", tuple(np.asarray(window, dtype=np.float64).tolist()))
    return window


@dataclass(frozen=True, slots=True)
class Framing:
    """Frames of `n_fft` samples every `hop_length`, weighted by a window of `win_length` samples in their middle."""

    n_fft: int = 2048
    hop_length: int = 512
    win_length: int | None = None
    window: Any = "hann"
    center: bool = True
    pad_mode: str | Callable[..., Any] = "constant"

    def __post_init__(self) -> None:
        n_fft = check_int("n_fft", self.n_fft, low=1, unit="samples")
        win_length = n_fft if self.win_length is None else self.win_length
        win_length = check_int(
            "win_length", win_length, low=1, high=n_fft, unit="samples", remedy="raise n_fft or shorten the window"
        )
        hop_length = max(1, win_length // 4) if self.hop_length is None else self.hop_length
        object.__setattr__(self, "n_fft", n_fft)
        object.__setattr__(self, "win_length", win_length)
        object.__setattr__(self, "hop_length", check_int("hop_length", hop_length, low=1, unit="samples"))
        object.__setattr__(self, "window", hashable_window(self.window))
        object.__setattr__(self, "center", check_bool("center", self.center))
        object.__setattr__(self, "pad_mode", check_pad_mode(self.pad_mode))

    def n_frames(self, n_samples: int) -> int:
        """Return the number of frames of a signal of `n_samples`; raise if it is too short for one."""
        count = count_frames(n_samples, self.n_fft, self.hop_length, center=self.center)
        if count == 0:
            remedy = "use center=True or pad the signal, e.g. with melfeat.util.fix_length"
            if self.center:
                remedy = "pad the signal, e.g. with melfeat.util.fix_length, or use an even n_fft"
            raise ParameterError(
                f"n_fft={self.n_fft} is too large for {'' if self.center else 'uncentred '}frames of a signal of "
                f"{n_samples} samples; {remedy}"
            )
        return count


@dataclass(frozen=True, slots=True)
class Spectrum:
    """The magnitude of the spectrum to the power `power`."""

    power: float = 2.0

    def __post_init__(self) -> None:
        remedy = "use stft for the complex spectrum" if self.power is None else "2 is power, 1 is magnitude"
        object.__setattr__(self, "power", check_float("power", self.power, low=0, strict=True, remedy=remedy))


@dataclass(frozen=True, slots=True)
class Filterbank:
    """Triangular mel bands between `fmin` and `fmax` [Hz]."""

    sr: float = 22050
    n_mels: int = 128
    fmin: float = 0.0
    fmax: float | None = None
    htk: bool = False
    norm: Any = "slaney"

    def __post_init__(self) -> None:
        fmin, fmax = check_band(self.sr, self.fmin, self.fmax)
        object.__setattr__(self, "sr", float(self.sr))
        object.__setattr__(self, "n_mels", check_int("n_mels", self.n_mels, low=1))
        object.__setattr__(self, "fmin", fmin)
        object.__setattr__(self, "fmax", fmax)
        object.__setattr__(self, "htk", check_bool("htk", self.htk))
        object.__setattr__(self, "norm", check_mel_norm(self.norm))


@dataclass(frozen=True, slots=True)
class Compression:
    """Decibels of power, at least `amin`, at most `top_db` below the peak of the channel."""

    amin: float = 1e-10
    top_db: float | None = 80.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "amin", check_float("amin", self.amin, low=0, strict=True))
        if self.top_db is not None:
            object.__setattr__(self, "top_db", check_float("top_db", self.top_db, low=0, unit="dB"))


@dataclass(frozen=True, slots=True)
class Cepstrum:
    """The first `n_mfcc` rows of a cosine transform, liftered."""

    n_mfcc: int = 20
    dct_type: int = 2
    norm: str | None = "ortho"
    lifter: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "n_mfcc", check_int("n_mfcc", self.n_mfcc, low=1))
        object.__setattr__(self, "dct_type", check_choice("dct_type", self.dct_type, DCT_TYPES))
        object.__setattr__(self, "norm", check_choice("norm", self.norm, DCT_NORMS))
        lifter = check_float("lifter", self.lifter, low=0, remedy="0 is no liftering")
        object.__setattr__(self, "lifter", lifter)

    def rows(self, n_bands: int) -> int:
        """Return how many coefficients there are: `n_mfcc`, or `n_bands` if that is fewer."""
        if self.dct_type == 1 and n_bands < 2:
            raise ParameterError(
                f"n_mels={n_bands}: a cosine transform of type 1 needs at least 2 bands; use dct_type=2"
            )
        return min(self.n_mfcc, n_bands)


@dataclass(frozen=True, slots=True)
class Config:
    """All stages of a feature; a stage that is None is left out, and everything behind it."""

    framing: Framing
    spectrum: Spectrum = Spectrum()
    filterbank: Filterbank | None = None
    compression: Compression | None = None
    cepstrum: Cepstrum | None = None
