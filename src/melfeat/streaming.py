"""Live audio: a `Stream` gives, piece by piece, the bits that the extractor gives for the whole signal.

The samples pass the steps that need no frames, with the state those leave behind, into a buffer that begins with the
next frame. Frames that are complete go through the same kernels as any others; what looks at neighbouring frames waits
for them. What stands beyond the ends of the signal is put into the buffer: before the first samples as soon as they
tell it, behind the last when the stream is flushed.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from ._arrays import as_float_array, check_finite
from ._checks import check_int
from .config import Config
from .dsp.framing import PLAIN_RULES, count_frames, edges
from .energies import energy_row, place_energy
from .errors import ParameterError
from .live_steps import Deltas, Groups, LiveSteps, Sliding, Step
from .pipeline import Clips, analyse
from .plan import stream_lead, stream_plan

__all__ = ["Stream"]

_REMEDIES = {
    "top_db": "top_db=None",
    "cmn": "cmn='sliding_mean' or cmn=None",
    "energy_normalize": "energy_normalize=False",
    "normalize_signal": "normalize_signal=False",
    "fixed_samples": "fixed_samples=None",
    "fixed_frames": "fixed_frames=None",
    "pad_mode is a function": "a named pad_mode such as 'constant'",
}


def refuse_whole_signal(config: Config) -> None:
    """Raise if no frame of this configuration is known before the end of the signal; say what to choose instead."""
    reasons = config.whole_signal_reasons
    if reasons:
        remedies = [remedy for name, remedy in _REMEDIES.items() if any(r.startswith(name) for r in reasons)]
        raise ParameterError(
            f"{', '.join(reasons)}: such features are known only when the whole signal is, so there can be no stream; "
            f"use {' and '.join(remedies)}, or collect the signal and call the extractor"
        )
    framing = config.framing
    if stream_lead(config) and framing.pad_mode != "constant" and framing.frames not in PLAIN_RULES:
        raise ParameterError(
            f"pad_mode={framing.pad_mode!r} with preemphasis_first='previous': not defined for a stream; use 'constant'"
        )


class Stream:
    """Features of live audio, the same bits as the extractor gives for the whole signal.

    Made by `Extractor.stream`. A stream belongs to one thread at a time; any number of streams may run side by side.

    Attributes
    ----------
    config : Config
        What is computed.
    frames_ready : int
        How many frames have been returned so far.
    samples_pushed : int
        How many samples have been taken so far.
    latency_samples : int
        How many samples must follow the centre of a frame until it is returned, far from the beginning.

    Raises
    ------
    ParameterError
        If the configuration needs the whole signal; the message names what to choose instead.

    Examples
    --------
    >>> import melfeat
    >>> import numpy as np
    >>> fx = melfeat.Extractor("kaldi-fbank")
    >>> y = np.sin(2 * np.pi * 440 * np.arange(16000) / 16000).astype(np.float32)
    >>> with fx.stream() as stream:
    ...     parts = [stream.push(y[i : i + 160]) for i in range(0, 16000, 160)] + [stream.flush()]
    >>> x = np.concatenate(parts, axis=1)
    >>> x.shape, bool((x == fx(y)).all())
    ((23, 98), True)
    """

    def __init__(self, config: Config, channels: int | None = None, dtype: Any = np.float32) -> None:
        refuse_whole_signal(config)
        kind = np.dtype(dtype)
        if kind not in (np.dtype(np.float32), np.dtype(np.float64)):
            raise ParameterError(f"dtype={dtype!r}: expected np.float32 or np.float64")
        self.config = config
        self._channels = None if channels is None else check_int("channels", channels, low=1)
        self._dtype = kind
        self._plan = stream_plan(config, kind)
        framing = config.framing
        self._hop, self._lead = framing.hop_length or 1, stream_lead(config)
        self._first, self._reach = config.first_sample(), self._plan.reach
        self._left = max(0, -self._first)
        self._constant = framing.pad_mode == "constant" or framing.frames in PLAIN_RULES
        # Samples that the padding behind the signal may be made of.
        self._back = 0 if self._constant else max(self._left, self._reach + self._hop) + 2
        self.reset()

    # ------------------------------------------------------------------------------------------------------- state

    def reset(self) -> None:
        """Begin again, as if nothing had been pushed.

        Examples
        --------
        >>> import melfeat, numpy as np
        >>> stream = melfeat.Extractor("kaldi-fbank").stream()
        >>> stream.push(np.zeros(800, np.float32)).shape
        (23, 3)
        >>> stream.reset()
        >>> stream.samples_pushed
        0
        """
        rows = self._channels or 1
        post = asdict(self.config.post)
        self._steps = LiveSteps(self.config.preprocessing, rows, self._dtype)
        # The buffer holds samples `_begin` … of the signal with its padding in front (and a lead of zeros).
        before = self._lead + (self._left if self._constant else 0)
        self._buffer = np.zeros((rows, max(1024, 2 * (before + self._reach + self._hop))), dtype=self._dtype)
        self._filled, self._begin = before, -before if self._constant else -self._lead
        self._headed = self._constant or self._left == 0
        self.samples_pushed = 0
        self.frames_ready = 0
        self._analysed = self._conditioned = 0
        self._ended = False
        row = energy_row(self.config, self._plan.n_rows)
        sliding: list[Step] = [Sliding(post, row)] if post["cmn"] is not None else []
        deltas: list[Step] = [Deltas(post)] if post["delta_order"] else []
        order = [*deltas, *sliding] if post["cmn_columns"] == "all" else [*sliding, *deltas]
        self._groups = Groups(post, self.config)
        self._stages: list[Step] = [*order, self._groups]

    def state(self) -> dict[str, Any]:
        """Return everything that the stream remembers, as a dict that can be pickled.

        Returns
        -------
        dict
            For `restore`, of this stream or one of the same configuration, here or in another process.

        Examples
        --------
        >>> import melfeat, numpy as np
        >>> fx = melfeat.Extractor("kaldi-fbank")
        >>> stream, other = fx.stream(), fx.stream()
        >>> x = stream.push(np.ones(500, np.float32))
        >>> other.restore(stream.state())
        >>> other.frames_ready
        1
        """
        import pickle

        held = {name: value for name, value in self.__dict__.items() if name not in _NOT_STATE}
        return {
            "melfeat_stream": 1,
            "fingerprint": self.config.fingerprint,
            "channels": self._channels,
            "dtype": self._dtype.name,
            "held": pickle.loads(pickle.dumps({**held, "_buffer": self._buffer[:, : self._filled]})),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where the stream that gave `state` was.

        Parameters
        ----------
        state : dict
            What `state` returned.

        Raises
        ------
        ParameterError
            If it is of another configuration, number of channels or dtype.

        Examples
        --------
        >>> import melfeat
        >>> stream = melfeat.Extractor("kaldi-fbank").stream()
        >>> stream.restore(stream.state())
        """
        import pickle

        if not isinstance(state, dict) or state.get("melfeat_stream") != 1:
            raise ParameterError("state: expected what Stream.state() returned, of this version of melfeat")
        own = {"fingerprint": self.config.fingerprint, "channels": self._channels, "dtype": self._dtype.name}
        for name, value in own.items():
            if state.get(name) != value:
                raise ParameterError(f"state is of a stream with {name}={state.get(name)!r}: this one has {value!r}")
        held = pickle.loads(pickle.dumps(state["held"]))
        self.__dict__.update(held)
        self._groups = self._stages[-1]  # type: ignore[assignment]

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.reset()
        self._ended = True

    @property
    def latency_samples(self) -> int:
        """How many samples must follow the centre of a frame until it is returned, far from the beginning."""
        latency = self.config.latency
        assert latency is not None
        return latency

    # ------------------------------------------------------------------------------------------------------ frames

    def push(self, chunk: np.ndarray) -> np.ndarray:
        """Take the next samples and return the frames that are known now.

        Parameters
        ----------
        chunk : np.ndarray of the stream's dtype or int16, shape (n,) or (channels, n)
            Any number of samples, also none.

        Returns
        -------
        np.ndarray, shape (n_features, k) or (channels, n_features, k)
            The next k >= 0 frames.

        Raises
        ------
        ParameterError
            If the chunk has another shape or dtype or is not finite (it is not taken then), or the stream has been
            flushed.

        Examples
        --------
        >>> import melfeat, numpy as np
        >>> stream = melfeat.Extractor("kaldi-mfcc").stream()
        >>> stream.push(np.zeros(399, np.int16)).shape, stream.push(np.zeros(1, np.int16)).shape
        ((13, 0), (13, 1))
        """
        rows = self._checked(chunk)
        self.samples_pushed += rows.shape[1]
        self._append(self._steps.push(rows))
        return self._emit(last=False)

    def flush(self) -> np.ndarray:
        """End the signal and return all frames that are left.

        Returns
        -------
        np.ndarray, shape (n_features, k) or (channels, n_features, k)
            The last frames. `reset` makes the stream ready for another signal.

        Raises
        ------
        ParameterError
            If the stream has been flushed already, or its padding cannot be made of so few samples.

        Examples
        --------
        >>> import melfeat, numpy as np
        >>> stream = melfeat.Extractor("librosa", top_db=None).stream()
        >>> stream.push(np.zeros(1500, np.float32)).shape, stream.flush().shape
        ((20, 1), (20, 2))
        """
        self._refuse_if_ended()
        self._append(self._steps.flush())
        n = self._conditioned
        first, hop, framing = self._first, self._hop, self.config.framing
        count = self.config.n_analysis_frames(self.samples_pushed)
        right = max(0, first + (count - 1) * hop + self._reach - n)
        if count and not (self._constant and not right):
            self._pad(right, n)
        whole = count_frames(n, framing.frames, framing.frame_length, framing.n_fft or 1, hop)
        self._groups.n_dropped = whole - count if self.config.post.pad_dropped else 0
        self._ended = True
        return self._emit(last=True, count=count)

    def _refuse_if_ended(self) -> None:
        if self._ended:
            raise ParameterError("this stream has ended: call reset() to begin another signal")

    def _checked(self, chunk: Any) -> np.ndarray:
        """Return a chunk as ``(rows, n)`` in the stream's dtype and unit scale; it is never the caller's memory."""
        self._refuse_if_ended()
        wanted = "(n,)" if self._channels is None else f"({self._channels}, n)"
        if not isinstance(chunk, np.ndarray):
            raise ParameterError(f"chunk has type {type(chunk).__name__}: expected a numpy.ndarray")
        if chunk.ndim != (1 if self._channels is None else 2) or (
            self._channels is not None and chunk.shape[0] != self._channels
        ):
            raise ParameterError(f"chunk has shape {chunk.shape}: expected {wanted}")
        rows = chunk[np.newaxis] if self._channels is None else chunk
        if chunk.dtype == np.int16:
            return rows.astype(self._dtype) * self._dtype.type(self.config.preprocessing.input_scale / 32768.0)
        if chunk.dtype != self._dtype:
            if chunk.dtype.kind == "f":
                raise ParameterError(
                    f"chunk has dtype {chunk.dtype}: this stream is of {self._dtype}; convert it, or make the stream "
                    f"with dtype=np.{chunk.dtype}"
                )
            as_float_array(chunk, name="chunk")
        with np.errstate(over="ignore"):
            scaled: np.ndarray = rows * self._dtype.type(self.config.preprocessing.input_scale)
        check_finite(scaled[0] if self._channels is None else scaled, name="chunk")
        return scaled

    def _append(self, rows: np.ndarray) -> None:
        """Put conditioned samples behind the buffer, and the padding in front as soon as it can be told."""
        n = rows.shape[1]
        if self._filled + n > self._buffer.shape[1]:
            larger = np.zeros((rows.shape[0], 2 * (self._filled + n)), dtype=self._dtype)
            larger[:, : self._filled] = self._buffer[:, : self._filled]
            self._buffer = larger
        self._buffer[:, self._filled : self._filled + n] = rows
        self._filled += n
        self._conditioned += n
        if not self._headed and self._conditioned > self._left:
            start = self._buffer[:, self._lead : self._lead + self._left + 1]
            head, _ = edges(np.ascontiguousarray(start), self._left, 0, self.config.framing.pad_mode)
            self._put_head(head)

    def _put_head(self, head: np.ndarray) -> None:
        samples = self._buffer[:, self._lead : self._filled]
        self._buffer = np.concatenate([np.zeros_like(samples[:, : self._lead]), head, samples], axis=1)
        self._filled = self._buffer.shape[1]
        self._begin, self._headed = -self._lead - self._left, True

    def _pad(self, right: int, n: int) -> None:
        """Put the padding behind the last sample, and in front if the signal was too short to tell it before."""
        mode = "constant" if self._constant else self.config.framing.pad_mode
        if self.config.framing.frames == "center" and not self._constant:
            right = self._left
        if self._headed:
            kept = min(n, self._back)
            tail_of = self._buffer[:, self._filled - kept : self._filled]
            if kept < n and mode != "constant":
                _, tail = edges(np.ascontiguousarray(tail_of), 0, right, mode)
            else:
                _, tail = edges(np.ascontiguousarray(tail_of), 0 if kept < n else self._left, right, mode)
        else:
            signal = np.ascontiguousarray(self._buffer[:, self._lead : self._filled])
            head, tail = edges(signal, self._left, right, mode)
            self._put_head(head)
        self._buffer = np.concatenate([self._buffer[:, : self._filled], tail], axis=1)
        self._filled = self._buffer.shape[1]

    def _emit(self, *, last: bool, count: int | None = None) -> np.ndarray:
        """Analyse the frames that are complete and return what becomes known by them."""
        if count is None:
            n = self._conditioned
            complete = 1 + (n - self._first - self._reach) // self._hop if n >= self._first + self._reach else 0
            count = min(complete, self.config.n_analysis_frames(n)) if self._headed and complete > 0 else 0
            count = max(count, self._analysed)
        x = self._frames(count - self._analysed)
        for stage in self._stages:
            x = stage.push(x, last)
        self.frames_ready += x.shape[-1]
        return x[0] if self._channels is None else x

    def _frames(self, k: int) -> np.ndarray:
        """Analyse the next k frames and let go of the samples that no later one needs."""
        rows = self._buffer.shape[0]
        if k <= 0:
            return np.empty((rows, self._n_statics(), 0), dtype=self._dtype)
        at = self._first + self._analysed * self._hop - self._lead - self._begin
        m = self._lead + (k - 1) * self._hop + self._reach
        piece = np.ascontiguousarray(self._buffer[:, at : at + m])
        table = np.empty(2 * rows + 2, dtype=np.int64)
        table[0::2] = np.arange(rows + 1) * m
        table[1::2] = np.arange(rows + 1) * k
        before = self._analysed
        clips = Clips(piece.reshape(-1), table, (k,) * rows, rows * k, (rows, m), frames_before=before, is_covered=True)
        x = self._features_of(clips, k)
        self._analysed += k
        self._forget()
        return x

    def _features_of(self, clips: Clips, k: int) -> np.ndarray:
        made, rows = self._plan, clips.n_clips
        flat, energies = analyse(clips, made)
        x = flat.reshape(rows, made.n_rows, k)
        return place_energy(x, energies[: rows * k].reshape(rows, k), self.config) if made.has_energy else x

    def _forget(self) -> None:
        keep_from = self._first + self._analysed * self._hop - self._lead
        if self._back:
            keep_from = min(keep_from, self._conditioned - self._back)
        drop = min(keep_from - self._begin, self._filled)
        if drop > 0:
            left = self._filled - drop
            self._buffer[:, :left] = self._buffer[:, drop : self._filled].copy()
            self._filled, self._begin = left, self._begin + drop

    def _n_statics(self) -> int:
        energy = self.config.energy
        return self._plan.n_rows + (energy is not None and energy.energy_place != "replace_c0")


_NOT_STATE = {
    "config", "_plan", "_channels", "_dtype", "_hop", "_lead", "_first", "_reach", "_left", "_constant", "_back",
    "_groups",
}  # fmt: skip
