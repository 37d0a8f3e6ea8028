"""The door for every dialect: an `Extractor` computes what a `Config` describes, as fast as `mfcc`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Literal, overload

import numpy as np

from ._arrays import as_channels, check_finite, named_clips
from .config import Config
from .dsp.framing import count_frames
from .dsp.post import postprocess
from .energies import energy_row, place_energy
from .errors import ParameterError
from .pipeline import analyse, clips_of_channels, padded, ragged
from .plan import Plan, fuses_affine, is_prepared, plan
from .rows import fast_deltas, fast_normalize
from .signal_steps import condition, is_conditioned
from .stream_pool import StreamPool
from .streaming import Stream

__all__ = ["Extractor"]

_INT16_SCALE = 1.0 / 32768.0


class Extractor:
    """Computes the features that a configuration describes.

    Parameters
    ----------
    config : Config or str
        A configuration, or the name of a preset (see `melfeat.presets`).
    **overrides
        Options of any stage by their names, as in `Config.replace`: ``n_mels=80``, ``preemphasis=0.97``, …

    Attributes
    ----------
    config : Config
        What is computed, overrides included.

    Raises
    ------
    ParameterError
        If the preset or an option is unknown, or a value is out of its range.

    References
    ----------
    The page ``docs/dialects.md`` names the reference of each preset, with the errors against it.

    Examples
    --------
    >>> import melfeat
    >>> import numpy as np
    >>> fx = melfeat.Extractor("whisper", n_mels=80)
    >>> y = np.sin(2 * np.pi * 440 * np.arange(16000) / 16000).astype(np.float32)
    >>> fx(y).shape, fx.n_frames(16000)
    ((80, 100), 100)
    """

    def __init__(self, config: Config | str, **overrides: Any) -> None:
        if isinstance(config, str):
            from .config.presets import preset

            config = preset(config, **overrides)
        elif isinstance(config, Config):
            config = config.replace(**overrides) if overrides else config
        else:
            raise ParameterError(
                f"config has type {type(config).__name__}: expected a melfeat.Config or the name of a preset"
            )
        self.config = config
        self._plans: dict[tuple[np.dtype, float], Plan] = {}
        self._prepares = is_prepared(config)
        self._post = asdict(config.post)
        if fuses_affine(config):
            self._post.update(shift=0.0, scale=1.0)
        idle = {
            "cmn": None,
            "delta_order": 0,
            "fixed_frames": None,
            "pad_to": 1,
            "stack": 1,
            "shift": 0.0,
            "scale": 1.0,
        }
        self._is_plain = (
            all(self._post[name] == value for name, value in idle.items()) and not self._post["pad_dropped"]
        )
        self._conditions = is_conditioned(config.preprocessing)

    def __repr__(self) -> str:
        return f"Extractor({self.config!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Extractor, (self.config,)

    @property
    def n_features(self) -> int:
        """Number of features of a frame."""
        return self.config.n_features

    @property
    def feature_names(self) -> tuple[str, ...]:
        """A name for each feature."""
        return tuple(self.config.feature_names)

    def n_frames(self, n_samples: int) -> int:
        """Return the number of frames of a signal of `n_samples`."""
        return self.config.n_frames(n_samples)

    def times(self, n_samples: int) -> np.ndarray:
        """Return the centre [s] of each frame of a signal of `n_samples`."""
        return self.config.times(n_samples)

    def __call__(self, y: np.ndarray) -> np.ndarray:
        """Return the features of a signal.

        Parameters
        ----------
        y : np.ndarray of float32, float64 or int16, shape (..., n)
            The signal at the sampling rate of the configuration; floating point in [-1, 1), or 16-bit samples. A
            configuration that counts in 16-bit units (Kaldi, HTK, …) scales by itself.

        Returns
        -------
        np.ndarray, shape (..., n_features, n_frames)
            Features in the dtype of the signal, float32 for 16-bit samples. A signal too short for a frame has none.

        Raises
        ------
        ParameterError
            If the signal has another dtype or is not finite.
        """
        channels, lead, scale = self._signal(y)
        made = self._plan(channels.dtype, scale)
        n_frames = self.config.n_analysis_frames(channels.shape[1])
        clips = clips_of_channels(channels, n_frames)
        try:
            flat, energies = analyse(clips, made)
        except ParameterError:
            if self._conditions:  # tell of the samples that were given, not of what became of them
                check_finite(y)
            raise
        x = flat.reshape(*lead, made.n_rows, n_frames)
        energy = energies[: clips.n_frames].reshape(*lead, n_frames) if made.has_energy else None
        return self._finished(x, energy, channels.shape[1])

    @overload
    def batch(self, clips: Iterable[np.ndarray], *, pad: Literal[False] = False) -> list[np.ndarray]: ...

    @overload
    def batch(self, clips: Iterable[np.ndarray], *, pad: Literal[True]) -> tuple[np.ndarray, np.ndarray]: ...

    def batch(
        self, clips: Iterable[np.ndarray], *, pad: bool = False
    ) -> list[np.ndarray] | tuple[np.ndarray, np.ndarray]:
        """Return the features of clips of any lengths, the same bits as one call each.

        Short clips share vectors and threads, so many of them cost what one of their total length does.

        Parameters
        ----------
        clips : iterable of np.ndarray of float32, float64 or int16, shape (n,)
            The signals, all of one dtype.
        pad : bool
            Return one array, padded with zeros, and the lengths.

        Returns
        -------
        list of np.ndarray, shape (n_features, n_frames)
            The features of each clip. With `pad`: an array (n_clips, n_features, largest n_frames) and the number of
            frames of each clip, an integer array (n_clips,).

        Raises
        ------
        ParameterError
            If a clip has another dtype than the first, more than one dimension, or is not finite.
        """
        signals = []
        for name, clip in named_clips(clips):
            channels, _, scale = self._signal(clip, name=name)
            signals.append(channels[0] if scale == 1.0 else channels[0] * channels.dtype.type(scale))
        config = self.config
        results = []
        runs = ragged(signals, lambda dtype: self._plan(dtype, 1.0), lambda _, n: config.n_analysis_frames(n))
        for signal, (rows, energies) in zip(signals, runs, strict=True):
            energy = energies if config.energy is not None else None
            results.append(self._finished(rows, energy, signal.size))
        return padded(results, config.n_features) if pad else results

    def stream(self, *, channels: int | None = None, dtype: Any = np.float32) -> Stream:
        """Return a stream: the same features of live audio, piece by piece, to the bit.

        Parameters
        ----------
        channels : int, >= 1, optional
            Number of signals that advance together, sharing vectors; by default one, without a channel axis.
        dtype : np.float32 or np.float64
            The dtype of the samples and of the features; 16-bit samples are taken as well.

        Returns
        -------
        melfeat.streaming.Stream
            With `push`, `flush`, `reset`, `state` and `restore`.

        Raises
        ------
        ParameterError
            If the configuration needs the whole signal; the message names what to choose instead.
        """
        return Stream(self.config, channels, dtype)

    def pool(self, *, dtype: Any = np.float32) -> StreamPool:
        """Return a pool of streams for a server: they come and go, and advance together in one call.

        Parameters
        ----------
        dtype : np.float32 or np.float64
            The dtype of the samples and of the features; 16-bit samples are taken as well.

        Returns
        -------
        melfeat.stream_pool.StreamPool
            With `open`, `push`, `flush`, `close`, `state` and `restore`.

        Raises
        ------
        ParameterError
            If the configuration needs the whole signal; the message names what to choose instead.
        """
        return StreamPool(self.config, dtype)

    def _plan(self, dtype: np.dtype, scale: float) -> Plan:
        made = self._plans.get((dtype, scale))
        if made is None:
            made = self._plans[dtype, scale] = plan(self.config, dtype, scale=scale)
        return made

    def _signal(self, y: Any, name: str = "y") -> tuple[np.ndarray, tuple[int, ...], float]:
        """Return the signal as ``(n_channels, n)`` floats after all steps without frames, and a scale left to do."""
        scale = self.config.preprocessing.input_scale
        if isinstance(y, np.ndarray) and y.dtype == np.int16 and y.ndim:
            y, scale = y.astype(np.float32), scale * _INT16_SCALE
        channels, lead = as_channels(y, name=name)
        if self._conditions:
            conditioned = condition(channels, self.config.preprocessing, scale)
            return conditioned, lead, 1.0
        if scale != 1.0 and not self._prepares:
            channels, scale = channels * channels.dtype.type(scale), 1.0
        return channels, lead, scale

    def _finished(self, x: np.ndarray, energy: np.ndarray | None, n_samples: int) -> np.ndarray:
        """Put the energy in its place and run all steps that follow; `x` is this call's own array."""
        row = None
        if energy is not None:
            row = energy_row(self.config, x.shape[-2])
            x = place_energy(x, energy, self.config)
        if self._is_plain:
            return x
        framing = self.config.framing
        whole = count_frames(
            n_samples, framing.frames, framing.frame_length, framing.n_fft or 1, framing.hop_length or 1
        )
        dropped = whole - self.config.n_analysis_frames(n_samples)
        return postprocess(
            x, energy_row=row, n_dropped=dropped, **self._post, normalize=fast_normalize, deltas_of=fast_deltas
        )
