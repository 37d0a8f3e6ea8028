"""The samples of many streams and the frames that are complete: what `Stream` does, for all of them in one call.

The samples stand in one array, a slot for each stream. The kernels are told where each stream's next frame begins and
read it there, so vectors are filled with frames of whatever streams there are. What is still needed of a stream is
moved to the front of its slot only when the slot is full.
"""

from __future__ import annotations

import numpy as np

from .config import Config
from .dsp.framing import edges
from .energies import place_energy
from .pipeline import Clips, analyse
from .pool_steps import Part, Slots, split
from .streaming import Stream

__all__ = ["PoolFrames", "counts_of_frames"]

#: Samples that a slot takes beyond those that a stream must keep, at least.
_ROOM = 1024


def counts_of_frames(n_samples: np.ndarray, config: Config) -> np.ndarray:
    """Return `Config.n_analysis_frames` of several lengths: `dsp.framing.count_frames` for arrays, `drop_last` off."""
    f = config.framing
    n, hop, length, n_fft = n_samples, f.hop_length or 1, f.frame_length, f.n_fft or 1
    if f.frames == "center":
        counts = 1 + (n + 2 * (n_fft // 2) - n_fft) // hop
    elif f.frames == "valid":
        counts = 1 + (n - length) // hop
    elif f.frames == "valid_minus_one":
        counts = (n - length) // hop
    elif f.frames == "pad_end":
        counts = np.where(n > 0, 1 + np.maximum(-((length - n) // hop), 0), 0)
    elif f.frames == "pad_all":
        counts = -(-n // hop)
    elif f.frames == "no_snip":
        counts = (n + hop // 2) // hop
    else:
        counts = np.minimum(1 - (-(n + length % 2) // hop), -(-(n + (length + 1) // 2) // hop))
    return np.maximum(counts - f.drop_last, 0)


def _windows(flat: np.ndarray, n: int) -> np.ndarray:
    """Return a view of all n neighbouring values, ``(flat.size - n + 1, n)``; through it they can be written to."""
    return np.ndarray((flat.size - n + 1, n), flat.dtype, flat, strides=(flat.itemsize, flat.itemsize))


class _Places(Slots):
    """Where each stream is: `filled` samples stand in its slot, from `begin` on, its padding in front counted in."""

    def __init__(self) -> None:
        self.headed = np.zeros(0, dtype=bool)
        self.begin = np.zeros(0, dtype=np.int64)
        self.filled = np.zeros(0, dtype=np.int64)
        self.analysed = np.zeros(0, dtype=np.int64)


class PoolFrames:
    """The samples of streams like `like`, from which frames are taken as soon as they are complete.

    `flat` is finite everywhere, and behind its last slot stands one that stays empty: a kernel may read a few samples
    past a frame, of this stream or of the next, and multiplies them by zero.
    """

    def __init__(self, like: Stream) -> None:
        self.config, self.plan, self.dtype = like.config, like._plan, like._plan.dtype
        self.first, self.reach, self.hop = like._first, like._reach, like._hop
        self.lead, self.left, self.back, self.is_headed = like._lead, like._left, like._back, like._headed
        self.before = self.lead + self.left  # samples in front of a stream's first one
        p, framing = self.config.preprocessing, self.config.framing
        self.dithers = p.dither > 0 and p.dither_scope == "frame"
        frame = max(self.reach, framing.n_fft or 0) + (framing.drop_last + 2) * self.hop
        least = max(self.lead + frame, self.before + self.left, self.back)
        # An odd number of cache lines: slots do not fall on the same cache sets.
        self.cap = 16 * (-(-(least + max(least, _ROOM)) // 16) | 1)
        self.room = self.cap - least
        self.at = _Places()
        self.flat = np.zeros(self.cap, dtype=self.dtype)

    def grow(self, n_slots: int) -> None:
        """Make room for slots up to `n_slots`."""
        self.at.grow(n_slots)
        flat = np.zeros((n_slots + 1) * self.cap, dtype=self.dtype)
        flat[: self.flat.size] = self.flat
        self.flat = flat

    def clear(self, slot: int) -> None:
        """Let a stream begin in a slot."""
        at = self.at
        at.clear(slot)
        at.headed[slot] = self.is_headed
        at.begin[slot], at.filled[slot] = -self.before, self.before
        self.flat[slot * self.cap : slot * self.cap + self.before] = 0

    def save(self, slot: int, stream: Stream) -> None:
        """Let `stream` be where the one in a slot is."""
        at, headed = self.at, bool(self.at.headed[slot])
        skipped = 0 if headed else self.left  # a stream makes room for its padding in front when that can be told
        begin, filled = int(at.begin[slot]) + skipped, int(at.filled[slot]) - skipped
        start = slot * self.cap + skipped
        stream._buffer = self.flat[np.newaxis, start : start + filled].copy()
        stream._begin, stream._filled, stream._headed = begin, filled, headed
        stream._conditioned, stream._analysed = begin + filled, int(at.analysed[slot])

    def load(self, slot: int, stream: Stream) -> None:
        """Let the stream in a slot, which has just begun, be where `stream` is."""
        at = self.at
        at.headed[slot], at.analysed[slot] = stream._headed, stream._analysed
        skipped = 0 if stream._headed else self.left
        start, held = slot * self.cap + skipped, stream._buffer[0, : stream._filled]
        at.begin[slot], at.filled[slot] = stream._begin - skipped, stream._filled + skipped
        self.flat[start : start + held.size] = held

    def push(self, slots: np.ndarray, x: np.ndarray, lengths: np.ndarray) -> list[Part]:
        """Take samples of `slots`, ascending, `lengths` of each one behind the other; return the frames, in order.

        As many samples at a time as the slots have room for.
        """
        longest = int(lengths.max(initial=0))
        if longest <= self.room:
            self._append(slots, x, lengths)
            return self._emit(slots)
        parts, starts = [], np.cumsum(lengths) - lengths
        for begin in range(0, longest, self.room):
            here = np.flatnonzero(lengths > begin)
            count = np.minimum(lengths[here] - begin, self.room)
            ends = np.cumsum(count)
            piece = x[np.repeat(starts[here] + begin - (ends - count), count) + np.arange(ends[-1])]
            self._append(slots[here], piece, count)
            parts += self._emit(slots[here])
        return parts

    def _append(self, slots: np.ndarray, x: np.ndarray, lengths: np.ndarray) -> None:
        """Put samples behind those of their streams, and the padding in front as soon as it can be told."""
        at = self.at
        full = at.filled[slots] + lengths > self.cap
        if full.any():
            self._compact(slots[full])
        filled = at.filled[slots]
        assert (filled + lengths <= self.cap).all(), "a stream keeps more than it may"
        to = slots * self.cap + filled
        if x.size == 0:
            return
        if (lengths == lengths[0]).all():
            _windows(self.flat, int(lengths[0]))[to] = x.reshape(slots.size, -1)
        else:
            self.flat[np.repeat(to - (np.cumsum(lengths) - lengths), lengths) + np.arange(x.size)] = x
        at.filled[slots] = filled + lengths
        waits = ~at.headed[slots]
        if waits.any():
            self._put_heads(slots[waits])

    def _put_heads(self, slots: np.ndarray) -> None:
        at, left, lead = self.at, self.left, self.lead
        slots = slots[at.filled[slots] - self.before > left]
        if slots.size:
            start = _windows(self.flat, left + 1)[slots * self.cap + self.before]
            head, _ = edges(start, left, 0, self.config.framing.pad_mode)
            _windows(self.flat, left)[slots * self.cap + lead] = head
            at.headed[slots] = True

    def _compact(self, slots: np.ndarray) -> None:
        """Move what is still needed of streams to the front of their slots."""
        at = self.at
        begin, filled = at.begin[slots], at.filled[slots]
        keep_from = self.first + at.analysed[slots] * self.hop - self.lead
        if self.back:
            keep_from = np.minimum(keep_from, begin + filled - self.back)
        drop = np.clip(keep_from - begin, 0, filled)  # 0 where the padding in front cannot be told yet
        at.begin[slots], at.filled[slots] = begin + drop, filled - drop
        largest = int((filled - drop).max())
        if largest:
            windows = _windows(self.flat, largest)
            windows[slots * self.cap] = windows[slots * self.cap + drop]

    def _emit(self, slots: np.ndarray) -> list[Part]:
        """Analyse the frames that are complete."""
        at, first = self.at, self.first
        n = at.begin[slots] + at.filled[slots]
        counts = np.minimum(1 + (n - first - self.reach) // self.hop, counts_of_frames(n, self.config))
        k = np.where(at.headed[slots], counts - at.analysed[slots], 0)
        own, k = slots[k > 0], k[k > 0]
        if own.size == 0:
            return []
        done = at.analysed[own]
        begins = own * self.cap + first + done * self.hop - self.lead - at.begin[own]
        parts: list[Part] = []
        for before, here in split(done if self.dithers else np.zeros_like(done)):
            parts += self._frames(own[here], begins[here], k[here], before)
        at.analysed[own] = done + k
        return parts

    def _frames(self, slots: np.ndarray, begins: np.ndarray, k: np.ndarray, before: int) -> list[Part]:
        """Analyse the next `k` frames of streams, ascending, whose pieces begin at ``flat[begins]``."""
        made, config = self.plan, self.config
        table = np.zeros(2 * slots.size + 2, dtype=np.int64)
        table[:-2:2], table[-2] = begins, self.flat.size
        np.cumsum(k, out=table[3::2])
        clips = Clips(self.flat, table, k.tolist(), int(table[-1]), frames_before=before, is_finite=True)
        flat, energies = analyse(clips, made)
        parts = []
        for count, here in split(k):
            starts, own = table[1:-2:2][here], slots[here]
            x = _windows(flat, made.n_rows * count)[starts * made.n_rows].reshape(own.size, made.n_rows, count)
            if made.has_energy:
                x = place_energy(x, _windows(energies, count)[starts], config)
            parts.append((own, x))
        return parts
