"""A server's live audio: a `StreamPool` advances streams that come and go, each at its own place, in one call."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Any, Literal, overload

import numpy as np

from ._arrays import as_float_array, check_finite
from .config import Config
from .errors import ParameterError
from .live_steps import Deltas, Sliding
from .pool_frames import PoolFrames
from .pool_steps import Conditioning, PoolDeltas, PoolGroups, PoolSliding
from .slots import Part, Slots, split
from .streaming import Stream

__all__ = ["StreamPool"]

#: An id is the number of a slot, and how many streams have had it before times this.
_SLOTS = 1 << 32


class _Entries(Slots):
    """What the pool itself knows of each stream."""

    def __init__(self) -> None:
        self.id = np.zeros(0, dtype=np.int64)
        self.is_open = np.zeros(0, dtype=bool)
        self.frames_ready = np.zeros(0, dtype=np.int64)
        self.row = np.zeros(0, dtype=np.int64)  # of the result of the present call


class StreamPool:
    """Streams of one configuration that come and go, advanced together; each has the bits of a `Stream` of its own.

    Made by `Extractor.pool`. A pool belongs to one thread at a time. Its memory is that of the largest number of
    streams that it ever had.

    Parameters
    ----------
    config : Config
        What is computed.
    dtype : np.float32 or np.float64
        The dtype of the samples and of the features; 16-bit samples are taken as well.

    Attributes
    ----------
    config : Config
        What is computed.
    dtype : np.dtype
        The dtype of samples and features.

    Raises
    ------
    ParameterError
        If the configuration needs the whole signal; the message names what to choose instead.

    Examples
    --------
    >>> import melfeat
    >>> import numpy as np
    >>> fx = melfeat.Extractor("kaldi-fbank")
    >>> pool = fx.pool()
    >>> a, b = pool.open(), pool.open()
    >>> [x.shape for x in pool.push([a, b], np.zeros((2, 400), np.int16))]
    [(23, 1), (23, 1)]
    >>> [x.shape for x in pool.push([b], [np.zeros(320, np.int16)])]
    [(23, 2)]
    >>> pool.close(a)
    >>> pool.flush(b).shape, len(pool)
    ((23, 0), 0)
    """

    def __init__(self, config: Config, dtype: Any = np.float32) -> None:
        self._like = like = Stream(config, None, dtype)
        self.config, self.dtype = config, np.dtype(dtype)
        self._conditioning = Conditioning(like._steps)
        self._frames = PoolFrames(like)
        self._steps: list[PoolDeltas | PoolSliding | PoolGroups] = []
        rows = like._n_statics()
        for step in like._stages:
            if isinstance(step, Deltas):
                self._steps.append(PoolDeltas(step, rows, self.dtype))
                rows *= 1 + step.order
            elif isinstance(step, Sliding):
                self._steps.append(PoolSliding(step, rows, self.dtype))
            else:
                self._steps.append(PoolGroups(like._groups, rows, self.dtype))
        self._at = _Entries()
        self._tables = (self._at, self._conditioning, self._frames, *self._steps)
        self._free: list[int] = []
        self._uses: list[int] = []

    def __len__(self) -> int:
        return len(self._uses) - len(self._free)

    def __contains__(self, stream: object) -> bool:
        try:
            self._slots([stream])  # type: ignore[list-item]
        except ParameterError:
            return False
        return True

    def __repr__(self) -> str:
        return f"<StreamPool of {len(self)} streams, {self.config!r}>"

    @property
    def ids(self) -> list[int]:
        """The streams that are open."""
        return [int(i) for i in self._at.id[self._at.is_open]]

    @property
    def latency_samples(self) -> int:
        """How many samples must follow the centre of a frame until it is returned, far from a stream's beginning."""
        return self._like.latency_samples

    # ------------------------------------------------------------------------------------------------ come and go

    def open(self) -> int:
        """Begin a stream.

        Returns
        -------
        int
            Its id, for all other methods. A pool never gives the same id again.

        Examples
        --------
        >>> import melfeat
        >>> pool = melfeat.Extractor("kaldi-fbank").pool()
        >>> pool.open(), pool.open()
        (0, 1)
        """
        if not self._free:
            self._grow(max(16, 2 * len(self._uses)))
        slot = heappop(self._free)
        stream = slot + _SLOTS * self._uses[slot]
        self._uses[slot] += 1
        for table in self._tables:
            table.clear(slot)
        self._at.id[slot], self._at.is_open[slot] = stream, True
        return stream

    def close(self, stream: int) -> None:
        """Let go of a stream and of what it has not given yet.

        Parameters
        ----------
        stream : int
            Its id.

        Raises
        ------
        ParameterError
            If no such stream is open.

        Examples
        --------
        >>> import melfeat
        >>> pool = melfeat.Extractor("kaldi-fbank").pool()
        >>> pool.close(pool.open())
        >>> len(pool)
        0
        """
        slot = int(self._slots([stream])[0])
        self._at.is_open[slot] = False
        heappush(self._free, slot)

    def flush(self, stream: int) -> np.ndarray:
        """End a stream: return all frames that are left, and let go of it.

        Parameters
        ----------
        stream : int
            Its id.

        Returns
        -------
        np.ndarray, shape (n_features, k)
            The last frames.

        Raises
        ------
        ParameterError
            If no such stream is open, or its padding cannot be made of so few samples; it stays open then.

        Examples
        --------
        >>> import melfeat, numpy as np
        >>> pool = melfeat.Extractor("librosa", top_db=None).pool()
        >>> i = pool.open()
        >>> pool.push([i], np.zeros((1, 1500), np.float32))[0].shape, pool.flush(i).shape, i in pool
        ((20, 1), (20, 2), False)
        """
        left = self._stream(int(self._slots([stream])[0])).flush()
        self.close(stream)
        return left

    def state(self, stream: int) -> dict[str, Any]:
        """Return everything that is remembered of a stream, as a dict that can be pickled.

        Parameters
        ----------
        stream : int
            Its id.

        Returns
        -------
        dict
            For `restore` of a pool, or of a `Stream`, of the same configuration, here or in another process.

        Raises
        ------
        ParameterError
            If no such stream is open.

        Examples
        --------
        >>> import melfeat, numpy as np
        >>> fx = melfeat.Extractor("kaldi-fbank")
        >>> pool, stream = fx.pool(), fx.stream()
        >>> i = pool.open()
        >>> x = pool.push([i], np.ones((1, 500), np.float32))
        >>> stream.restore(pool.state(i))
        >>> stream.frames_ready
        1
        """
        return self._stream(int(self._slots([stream])[0])).state()

    def restore(self, state: dict[str, Any]) -> int:
        """Begin a stream that goes on where another one was.

        Parameters
        ----------
        state : dict
            What `state` of a pool or of a `Stream` without channels returned.

        Returns
        -------
        int
            The id of the new stream.

        Raises
        ------
        ParameterError
            If the state is of another configuration or dtype, or of a stream that has ended.

        Examples
        --------
        >>> import melfeat, numpy as np
        >>> fx = melfeat.Extractor("kaldi-fbank")
        >>> stream, pool = fx.stream(), fx.pool()
        >>> x = stream.push(np.ones(500, np.float32))
        >>> i = pool.restore(stream.state())
        >>> pool.push([i], np.ones((1, 60), np.float32))[0].shape
        (23, 1)
        """
        stream = Stream(self.config, None, self.dtype)
        stream.restore(state)
        stream._refuse_if_ended()
        new = self.open()
        slot = new % _SLOTS
        self._conditioning.load(slot, stream._steps)
        self._frames.load(slot, stream)
        for mine, its in zip(self._steps, stream._stages, strict=True):
            mine.load(slot, its)  # type: ignore[arg-type]
        self._at.frames_ready[slot] = stream.frames_ready
        return new

    def _grow(self, n_slots: int) -> None:
        for table in self._tables:
            table.grow(n_slots)
        for slot in range(len(self._uses), n_slots):
            self._uses.append(0)
            heappush(self._free, slot)

    def _slots(self, ids: Any) -> np.ndarray:
        """Return the slots of streams, in the order of their ids."""
        try:
            array = np.asarray(ids)
        except ValueError:  # nested, of different lengths
            array = np.zeros((1, 1))
        if array.shape == (0,):
            array = np.zeros(0, dtype=np.int64)
        if array.ndim != 1 or array.dtype.kind not in "iu":
            raise ParameterError(f"ids={ids!r}: expected the integers that open() or restore() returned, one a stream")
        array = array.astype(np.int64, copy=False)
        slots = array % _SLOTS
        known = (array >= 0) & (slots < len(self._uses))
        known[known] = self._at.is_open[slots[known]] & (self._at.id[slots[known]] == array[known])
        if not known.all():
            raise ParameterError(
                f"ids: no stream {int(array[~known][0])} is open in this pool; use what open() or restore() returned, "
                "until close() or flush()"
            )
        return slots

    def _stream(self, slot: int) -> Stream:
        """Return a stream that is where the one in a slot is."""
        stream = Stream(self.config, None, self.dtype)
        self._conditioning.save(slot, stream._steps)
        self._frames.save(slot, stream)
        for mine, its in zip(self._steps, stream._stages, strict=True):
            mine.save(slot, its)  # type: ignore[arg-type]
        stream.samples_pushed = int(self._conditioning.position[slot])
        stream.frames_ready = int(self._at.frames_ready[slot])
        return stream

    # ------------------------------------------------------------------------------------------------------ frames

    @overload
    def push(
        self, ids: Sequence[int] | np.ndarray, chunks: np.ndarray | Sequence[np.ndarray], *, pad: Literal[False] = False
    ) -> list[np.ndarray]: ...

    @overload
    def push(
        self, ids: Sequence[int] | np.ndarray, chunks: np.ndarray | Sequence[np.ndarray], *, pad: Literal[True]
    ) -> tuple[np.ndarray, np.ndarray]: ...

    def push(
        self, ids: Sequence[int] | np.ndarray, chunks: np.ndarray | Sequence[np.ndarray], *, pad: bool = False
    ) -> list[np.ndarray] | tuple[np.ndarray, np.ndarray]:
        """Take the next samples of some streams and return the frames that are known now.

        Parameters
        ----------
        ids : sequence of int, length m
            The streams, each at most once, in any order.
        chunks : np.ndarray (m, n) or sequence of m np.ndarray (n_i,), of the pool's dtype or int16
            Any number of samples of each, also none. One array is the fast way.
        pad : bool
            Return one array, padded with zeros, and the numbers of frames: the fast way for a model that takes all
            streams at once.

        Returns
        -------
        list of np.ndarray, shape (n_features, k_i)
            The next k_i >= 0 frames of each stream. With `pad`: an array (m, n_features, largest k_i) and the number of
            frames of each, an integer array (m,).

        Raises
        ------
        ParameterError
            If an id is not that of an open stream or there twice, or a chunk has another shape or dtype or is not
            finite; nothing has been taken of any stream then.

        Examples
        --------
        >>> import melfeat, numpy as np
        >>> pool = melfeat.Extractor("kaldi-mfcc").pool()
        >>> ids = [pool.open() for _ in range(3)]
        >>> x, counts = pool.push(ids, np.zeros((3, 400), np.int16), pad=True)
        >>> x.shape, counts.tolist()
        ((3, 13, 1), [1, 1, 1])
        >>> [x.shape[1] for x in pool.push(ids[:2], [np.zeros(160, np.int16), np.zeros(0, np.int16)])]
        [1, 0]
        """
        slots = self._slots(ids)
        order = None if (slots[1:] > slots[:-1]).all() else np.argsort(slots)
        taken = slots if order is None else slots[order]
        if order is not None and (taken[1:] == taken[:-1]).any():
            twice = taken[1:][taken[1:] == taken[:-1]][0]
            raise ParameterError(f"ids: stream {int(self._at.id[twice])} is there twice; join its chunks first")
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite then is refused
            x, lengths = self._samples(chunks, slots.size, order)
            some = lengths > 0
            taken, lengths = (taken, lengths) if some.all() else (taken[some], lengths[some])
            x, lengths, changes = self._conditioning.run(taken, x, lengths)
        if not np.isfinite(x).all():
            self._refuse(chunks)
        for array, values in changes:
            array[taken] = values
        self._at.row[slots] = np.arange(slots.size)
        parts = self._frames.push(taken, x, lengths)
        for step in self._steps:
            parts = [found for part in parts for found in step.push(*part)]
        for own, found in parts:
            self._at.frames_ready[own] += found.shape[-1]
        return self._together(parts, slots.size) if pad else self._apart(parts, slots.size)

    def _samples(self, chunks: Any, m: int, order: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """Return the scaled samples of all chunks one behind the other, in `order`, and their lengths."""
        if isinstance(chunks, np.ndarray):
            if chunks.ndim != 2 or chunks.shape[0] != m:
                raise ParameterError(f"chunks has shape {chunks.shape}: expected ({m}, n), a row for each of the ids")
            self._check_dtype("chunks", chunks)
            rows = chunks if order is None else chunks[order]
            return self._scaled(np.ascontiguousarray(rows).reshape(-1)), np.full(m, chunks.shape[1])
        if not isinstance(chunks, (list, tuple)) or len(chunks) != m:
            size = f"{len(chunks)} chunks" if isinstance(chunks, (list, tuple)) else f"type {type(chunks).__name__}"
            raise ParameterError(f"chunks has {size}: expected an array ({m}, n), or a list of {m}, one for each id")
        for i, chunk in enumerate(chunks):
            if not isinstance(chunk, np.ndarray) or chunk.ndim != 1:
                what = f"shape {chunk.shape}" if isinstance(chunk, np.ndarray) else f"type {type(chunk).__name__}"
                raise ParameterError(f"chunks[{i}] has {what}: expected a numpy.ndarray (n,)")
            self._check_dtype(f"chunks[{i}]", chunk)
        if m == 0:
            return np.zeros(0, dtype=self.dtype), np.zeros(0, dtype=np.int64)
        parts = chunks if order is None else [chunks[i] for i in order.tolist()]
        if len({part.dtype for part in parts}) > 1:
            parts = [self._scaled(part) for part in parts]
            flat = np.concatenate(parts)
        else:
            flat = self._scaled(np.concatenate(parts))
        return flat, np.array([part.size for part in parts], dtype=np.int64)

    def _check_dtype(self, name: str, chunk: np.ndarray) -> None:
        if chunk.dtype in (self.dtype, np.dtype(np.int16)):
            return
        if chunk.dtype.kind == "f":
            raise ParameterError(
                f"{name} has dtype {chunk.dtype}: this pool is of {self.dtype}; convert it, or make the pool with "
                f"dtype=np.{chunk.dtype}"
            )
        as_float_array(chunk, name=name)

    def _scaled(self, x: np.ndarray) -> np.ndarray:
        scale = self.config.preprocessing.input_scale
        return x.astype(self.dtype) * self.dtype.type(scale / 32768.0 if x.dtype == np.int16 else scale)

    def _refuse(self, chunks: np.ndarray | Sequence[np.ndarray]) -> None:
        """Raise the error of samples that are not finite, or no longer so after the steps of the signal."""
        for i, chunk in enumerate(chunks):
            check_finite(chunk, name=f"chunks[{i}]")
        largest = max(float(np.abs(chunk.astype(np.float64)).max(initial=0)) for chunk in chunks)
        raise ParameterError(
            f"chunks has samples of {largest:g}: scaled and filtered, they overflow {self.dtype}; expected floating "
            "point in [-1, 1), or 16-bit samples"
        )

    def _apart(self, parts: list[Part], m: int) -> list[np.ndarray]:
        """Return the frames of each row of the call in memory of their own."""
        found: list[list[np.ndarray]] = [[] for _ in range(m)]
        for slots, x in parts:
            for row, frames in zip(self._at.row[slots].tolist(), x, strict=True):
                found[row].append(frames)
        none = np.empty((self.config.n_features, 0), dtype=self.dtype)
        return [np.concatenate(own, axis=1) if len(own) > 1 else (own[0] if own else none).copy() for own in found]

    def _together(self, parts: list[Part], m: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the frames of all rows of the call in one array, and how many each has."""
        counts = np.zeros(m, dtype=np.int64)
        for slots, x in parts:
            counts[self._at.row[slots]] += x.shape[-1]
        out = np.zeros((m, self.config.n_features, max(counts.tolist(), default=0)), dtype=self.dtype)
        done = np.zeros(m, dtype=np.int64)
        for slots, x in parts:
            rows = self._at.row[slots]
            for at, here in split(done[rows]):
                out[rows[here], :, at : at + x.shape[-1]] = x[here]
            done[rows] += x.shape[-1]
        return out, counts
