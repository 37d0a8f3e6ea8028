"""The stages of a feature in order, as one hashable value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from itertools import pairwise
from typing import Any

import numpy as np

from .._checks import check_float
from ..dsp.framing import first_sample
from ..dsp.mel import resolve_band
from ..errors import ParameterError
from ..stages import (
    Cepstrum,
    Compression,
    Energy,
    Filterbank,
    Framing,
    Post,
    Preprocessing,
    Spectrum,
)
from . import _geometry
from ._effective import fingerprint
from ._fields import STAGES, check_stages, replaced
from ._json import from_text, to_text

__all__ = ["Config"]

#: Rates with room on both sides for the arithmetic of float64.
_LEAST_HZ, _MOST_HZ = 1e-6, 1e12


@dataclass(frozen=True, slots=True, repr=False)
class Config:
    """All stages of a feature, checked, hashable and complete.

    A stage that is None is left out: without `cepstrum` the features are levels of bands, without `compression` bands,
    without `filterbank` the spectrum. The options of all stages have different names, so that `replace` and `preset`
    take them flat.

    Parameters
    ----------
    sr : float > 0 [Hz]
        The sampling rate of the signals.
    preprocessing, framing, spectrum, post : Preprocessing, Framing, Spectrum, Post
        The stages that are always there.
    filterbank, compression, cepstrum, energy : Filterbank, Compression, Cepstrum, Energy, or None
        Those that can be left out, each of the first three with those behind it.
    based_on : str, optional
        The name of the preset that this was made from, for `repr`. It is no part of equality, hash and fingerprint.

    Raises
    ------
    ParameterError
        If stages are missing before others, or options of different stages contradict each other.

    Examples
    --------
    >>> from melfeat.config import Config
    >>> config = Config.preset("kaldi-fbank", n_mels=80, sr=8000)
    >>> config
    Config.preset('kaldi-fbank', sr=8000.0, n_mels=80)
    >>> config.framing.win_length, config.n_features, config.n_frames(8000)
    (200, 80, 98)
    """

    sr: float = 22050.0
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    framing: Framing = field(default_factory=Framing)
    spectrum: Spectrum = field(default_factory=Spectrum)
    filterbank: Filterbank | None = None
    compression: Compression | None = None
    cepstrum: Cepstrum | None = None
    energy: Energy | None = None
    post: Post = field(default_factory=Post)
    based_on: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        sr = check_float("sr", self.sr, low=0, strict=True, unit="Hz")
        if not _LEAST_HZ <= sr <= _MOST_HZ:
            raise ParameterError(f"sr={sr:g}: expected {_LEAST_HZ:g} to {_MOST_HZ:g} [Hz]")
        object.__setattr__(self, "sr", sr)
        check_stages({stage: getattr(self, stage) for stage in STAGES})
        if not (self.based_on is None or isinstance(self.based_on, str)):
            raise ParameterError(f"based_on={self.based_on!r}: expected the name of a preset, or None")
        if self.filterbank is not None and self.filterbank.band_edges is None:
            resolve_band(self.sr, self.filterbank.fmin, self.filterbank.fmax)
        if self.filterbank is not None and self.filterbank.vtln_warp != 1:
            _geometry.mel_frequencies(self)  # refuses warps that the band has no room for
        for before, after in pairwise(("filterbank", "compression", "cepstrum")):
            if getattr(self, before) is None and getattr(self, after) is not None:
                raise ParameterError(f"{after} without {before}: expected both stages, or neither")
        level = self.compression
        if level is not None and level.logarithm is None and level.top_db is not None:
            raise ParameterError(f"top_db={level.top_db:g}: levels without a logarithm have none; use top_db=None")
        has_c0 = self.cepstrum is not None and self.cepstrum.c0 != "none"
        if self.energy is not None and self.energy.energy_place == "replace_c0" and not has_c0:
            raise ParameterError(
                "energy_place='replace_c0': there is no c0; use energy_place='first' or 'last', or energy=None"
            )

    @classmethod
    def preset(cls, name: str, **overrides: Any) -> Config:
        """Return the configuration of a known front end, see `melfeat.config.presets.preset`.

        Parameters
        ----------
        name : str
            One of `melfeat.config.presets.presets`.
        **overrides : any options
            As in `replace`; unknown names are refused.

        Returns
        -------
        config : Config

        Raises
        ------
        ParameterError
            If the name, or the name or value of an option, is not known.

        Examples
        --------
        >>> from melfeat.config import Config
        >>> Config.preset("whisper").n_features
        80
        """
        from .presets import preset

        return preset(name, **overrides)

    @classmethod
    def from_kaldi(cls, config: Any, *, feature: str = "mfcc", dither: float | None = None) -> Config:
        """Return what Kaldi's ``--option=value`` lines describe: `melfeat.foreign.config_from_kaldi`."""
        from ..foreign import config_from_kaldi

        return config_from_kaldi(config, feature=feature, dither=dither)

    @classmethod
    def from_htk(cls, config: Any, *, sr: float | None = None, dither: float | None = None) -> Config:
        """Return what an HCopy configuration describes: `melfeat.foreign.config_from_htk`."""
        from ..foreign import config_from_htk

        return config_from_htk(config, sr=sr, dither=dither)

    @classmethod
    def from_hf(cls, config: Any) -> Config:
        """Return what a Hugging Face ``preprocessor_config.json`` describes: `melfeat.foreign.config_from_hf`."""
        from ..foreign import config_from_hf

        return config_from_hf(config)

    @classmethod
    def from_nemo(cls, config: Any) -> Config:
        """Return what a NeMo model's preprocessor section describes: `melfeat.foreign.config_from_nemo`."""
        from ..foreign import config_from_nemo

        return config_from_nemo(config)

    @classmethod
    def from_torchaudio(
        cls, options: Mapping[str, Any], *, feature: str = "mfcc", input_scale: float | None = None
    ) -> Config:
        """Return what keywords of torchaudio describe: `melfeat.foreign.config_from_torchaudio`."""
        from ..foreign import config_from_torchaudio

        return config_from_torchaudio(options, feature=feature, input_scale=input_scale)

    @classmethod
    def from_librosa(cls, options: Mapping[str, Any], *, feature: str = "mfcc") -> Config:
        """Return what keywords of librosa describe: `melfeat.foreign.config_from_librosa`."""
        from ..foreign import config_from_librosa

        return config_from_librosa(options, feature=feature)

    @classmethod
    def from_psf(cls, options: Mapping[str, Any], *, feature: str = "mfcc", input_scale: float = 32768.0) -> Config:
        """Return what arguments of python_speech_features describe: `melfeat.foreign.config_from_psf`."""
        from ..foreign import config_from_psf

        return config_from_psf(options, feature=feature, input_scale=input_scale)

    def replace(self, **changes: Any) -> Config:
        """Return a configuration in which some options are others.

        Parameters
        ----------
        **changes : any options
            ``sr``, options of any stage by their names (``n_mels=80``, ``preemphasis=0.97``), whole stages
            (``post=Post(delta_order=2)``), or None for a stage to leave it out. An option of a stage that is not there
            brings the stage, its other options at the defaults of its class. Only what is named changes, but for one
            thing: a window that was as long as the FFT follows `n_fft`.

        Returns
        -------
        config : Config

        Raises
        ------
        ParameterError
            If a name is unknown (the message suggests the nearest one) or a value is refused.

        Examples
        --------
        >>> from melfeat.config import Config
        >>> config = Config.preset("whisper").replace(n_mels=128, top_db=None)
        >>> config.n_features
        128
        >>> config.replace(n_mel=64)
        Traceback (most recent call last):
        melfeat.errors.ParameterError: unknown option 'n_mel' (did you mean 'n_mels'?); see docs/config.md for all names
        """
        stages = replaced({stage: getattr(self, stage) for stage in STAGES}, changes)
        return Config(changes.get("sr", self.sr), **stages, based_on=self.based_on)

    def to_json(self) -> str:
        """Return all options as JSON text, from which `from_json` makes an equal configuration.

        Returns
        -------
        text : str
            An object with ``"melfeat_config": 1``, ``"sr"``, ``"based_on"``, and one object or null for each stage.

        Raises
        ------
        ParameterError
            If the window or the padding is a function.

        Examples
        --------
        >>> from melfeat.config import Config
        >>> config = Config.preset("htk", sr=8000)
        >>> Config.from_json(config.to_json()) == config
        True
        """
        return to_text({f.name: getattr(self, f.name) for f in fields(self)})

    @classmethod
    def from_json(cls, text: str | bytes) -> Config:
        """Return the configuration that `to_json` wrote; options that are not there have their defaults.

        Parameters
        ----------
        text : str or bytes
            JSON text.

        Returns
        -------
        config : Config

        Raises
        ------
        ParameterError
            If the text is not JSON, of another version, has unknown keys, or values that are refused.

        Examples
        --------
        >>> from melfeat.config import Config
        >>> Config.from_json('{"melfeat_config": 1, "sr": 8000, "filterbank": {"n_mels": 40}}').n_features
        40
        """
        return cls(**from_text(text))

    def __repr__(self) -> str:
        from ._text import text_of

        return text_of(self)

    @property
    def fingerprint(self) -> str:
        """32 hexadecimal digits that tell configurations apart whose output differs.

        A digest of all options that have an effect, with their values resolved: `fmax` None is half the sampling rate,
        the kind of a lifter counts only where there is one. A window that is a function is taken by its samples.

        Raises
        ------
        ParameterError
            If the padding is a function.

        Examples
        --------
        >>> from melfeat.config import Config
        >>> a, b = Config.preset("whisper"), Config.preset("whisper", delta_window=3)
        >>> a == b, a.fingerprint == b.fingerprint
        (False, True)
        """
        return fingerprint(self)

    def n_frames(self, n_samples: int) -> int:
        """Return the number of frames that come out for a signal of `n_samples`, 0 if it is too short for one.

        All that changes their number is counted in: fixed lengths, frames that are dropped, padding, stacking.

        Examples
        --------
        >>> from melfeat.config import Config
        >>> Config.preset("whisper").n_frames(16000), Config.preset("seamless").n_frames(16000)
        (100, 49)
        """
        return _geometry.n_frames(self, n_samples)

    def n_analysis_frames(self, n_samples: int) -> int:
        """Return the number of frames that are analysed of a signal of `n_samples`: without padding and stacking.

        `fixed_samples` and `drop_last` are counted in.
        """
        return _geometry.n_analysis_frames(self, n_samples)

    def first_sample(self) -> int:
        """Return where frame 0 begins, relative to the first sample: negative for centred frames."""
        f = self.framing
        return first_sample(f.frames, f.frame_length, f.n_fft or 0, f.hop_length or 0)

    def times(self, n_samples: int) -> np.ndarray:
        """Return the centre of each frame of a signal of `n_samples` [s], float64, shape ``(n_frames,)``.

        It is the centre of the window: `win_length` / 2 samples behind the window's first one. For centred frames of
        even length frame t is at ``t * hop_length / sr``. Frames that are padding continue in the same steps; a stack
        of frames is at the middle of their centres.

        Examples
        --------
        >>> from melfeat.config import Config
        >>> Config.preset("kaldi-mfcc").times(800).tolist()
        [0.0125, 0.0225, 0.0325]
        """
        return _geometry.frame_times(self, n_samples)

    @property
    def n_features(self) -> int:
        """The number of features of a frame, rows of the output."""
        return _geometry.n_features(self)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """A name for each row of the output: all statics, then all deltas, then all deltas of deltas.

        Coefficients are ``c0``, ``c1``, ..., bands ``mel_0``, bins ``bin_0``; ``energy``, ``delta_c1``, ``delta2_c1``.
        Of stacked frames the names end in ``@0``, ``@1``, ..., the earliest frame first.
        """
        return _geometry.feature_names(self)

    @property
    def mel_frequencies(self) -> np.ndarray:
        """The centre of each band [Hz], ``(n_mels,)``, as designed: before they are rounded to bins, if they are."""
        return _geometry.mel_frequencies(self)

    @property
    def whole_signal_reasons(self) -> tuple[str, ...]:
        """The options because of which no frame is known before the end of the signal; empty if there are none."""
        return _geometry.whole_signal_reasons(self)

    @property
    def needs_whole_signal(self) -> bool:
        """Whether no frame is known before the end of the signal."""
        return bool(self.whole_signal_reasons)

    @property
    def receptive_field(self) -> int | None:
        """How many samples a frame depends on, those of its neighbours included; None if there is no bound.

        Far from the ends of the signal, where no frames are missing. There is no bound if the whole signal is needed,
        or all that came before (`offset_filter`).
        """
        return _geometry.receptive_field(self)

    @property
    def latency(self) -> int | None:
        """How many samples must follow a frame's centre (see `times`) until the frame is known; None if all must.

        Far from the beginning of the signal. At the beginning a sliding normalisation needs up to `cmn_min_window`
        frames, or half a centred window more.
        """
        return _geometry.latency(self)
