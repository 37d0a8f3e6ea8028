"""The steps of `live_steps` for many streams at once: what a stream remembers is an entry of arrays.

Streams are at different places. Those for which the same has to be done, frames held and frames new alike, go through
together, so the work of a call grows with the number of such groups and not with the number of streams.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .dsp.post import inverse_scale, sliding_block, sliding_bounds, stack_frames
from .live_steps import Deltas, Groups, LiveSteps, Sliding
from .rows import fast_deltas

__all__ = ["Conditioning", "Part", "PoolDeltas", "PoolGroups", "PoolSliding", "Slots", "split"]

#: Slots ``(m,)``, each at most once, and as many frames of each, ``(m, n_rows, k)``.
Part = tuple[np.ndarray, np.ndarray]

#: Streams whose blocks of frames are summed up together: bounds the temporary arrays.
_TOGETHER = 64


def split(key: np.ndarray) -> Iterator[tuple[int, Any]]:
    """Yield each value of the integers `key` and an index of the places that have it."""
    if key.size and (key == key[0]).all():
        yield int(key[0]), slice(None)
        return
    for value in np.unique(key).tolist():
        yield value, np.flatnonzero(key == value)


class Slots:
    """Its attributes that are arrays have one entry per slot, zero for a stream that begins."""

    def grow(self, n_slots: int) -> None:
        """Make room for slots up to `n_slots`."""
        for name, array in vars(self).items():
            if isinstance(array, np.ndarray):
                larger = np.zeros((n_slots, *array.shape[1:]), dtype=array.dtype)
                larger[: len(array)] = array
                setattr(self, name, larger)

    def clear(self, slot: int) -> None:
        """Let a stream begin in a slot."""
        for array in vars(self).values():
            if isinstance(array, np.ndarray):
                array[slot] = 0


class Conditioning(Slots):
    """What `LiveSteps` does to the samples of one stream: dither, offset filter, pre-emphasis."""

    def __init__(self, steps: LiveSteps) -> None:
        self.p, self.dithers, self.emphasises = steps.p, steps.dithers, steps.emphasises
        self.is_idle = not (self.dithers or self.emphasises or self.p.offset_filter is not None)
        self.position = np.zeros(0, dtype=np.int64)
        self.memory = np.zeros((0, steps.memory.shape[1]))
        self.before = np.zeros(0, dtype=steps.before.dtype)
        self.first = np.zeros(0, dtype=steps.before.dtype)
        self.holds_first = np.zeros(0, dtype=bool)

    def run(
        self, slots: np.ndarray, x: np.ndarray, lengths: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
        """Return samples and lengths after all steps, and what is to be remembered if they are taken.

        `x` are the samples of `slots` one behind the other, `lengths` > 0 of each, already scaled; neither is written
        to. The last result are arrays and their new values at `slots`.
        """
        changes: list[tuple[np.ndarray, np.ndarray]] = [(self.position, self.position[slots] + lengths)]
        if self.is_idle:
            return x, lengths, changes
        starts = np.cumsum(lengths) - lengths
        if self.dithers:
            x = self._dithered(x.copy(), slots, starts, lengths)
        if self.p.offset_filter is not None:
            x, memory = self._filtered(x, slots, starts, lengths)
            changes.append((self.memory, memory))
        if self.emphasises:
            changes.append((self.before, x[starts + lengths - 1]))
            x, lengths = self._emphasised(x, slots, starts, lengths, changes)
        return x, lengths, changes

    def _dithered(self, x: np.ndarray, slots: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        from .kernels.prepare import add_noise

        p, ends = self.p, starts + lengths
        for begin, end, position in zip(starts.tolist(), ends.tolist(), self.position[slots].tolist(), strict=True):
            add_noise(x[begin:end], p.dither_seed, position, p.dither, p.dither_kind == "gaussian")
        return x

    def _filtered(
        self, x: np.ndarray, slots: np.ndarray, starts: np.ndarray, lengths: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        from .kernels.rows import remove_offset

        out, memory = np.empty_like(x), self.memory[slots]
        for row, begin, end in zip(memory, starts.tolist(), (starts + lengths).tolist(), strict=True):
            remove_offset(x[begin:end], self.p.offset_filter, row, out[begin:end])
        return out, memory

    def _emphasised(
        self,
        x: np.ndarray,
        slots: np.ndarray,
        starts: np.ndarray,
        lengths: np.ndarray,
        changes: list[tuple[np.ndarray, np.ndarray]],
    ) -> tuple[np.ndarray, np.ndarray]:
        k, rule = x.dtype.type(self.p.preemphasis), self.p.preemphasis_first
        out = np.empty_like(x)
        np.multiply(x[:-1], -k, out=out[1:])
        out[starts] = self.before[slots] * -k
        out += x
        begins = self.position[slots] == 0
        fresh = starts[begins]
        if rule == "zero":
            out[fresh] = x[fresh]
            return out, lengths
        if rule == "scaled":
            out[fresh] = x[fresh] - k * x[fresh]
            return out, lengths
        # The rule looks at the second sample: a first one that comes alone is held back until that is there.
        alone, held = begins & (lengths == 1), self.holds_first[slots]
        two = starts[begins & ~alone]
        out[two] = 3 * x[two] - x[two + 1]
        changes += [(self.first, np.where(alone, x[starts], self.first[slots])), (self.holds_first, alone)]
        if not (alone.any() or held.any()):
            return out, lengths
        times = np.ones(out.size, dtype=np.int64)
        times[starts[alone]], times[starts[held]] = 0, 2
        out, lengths = np.repeat(out, times), lengths - alone + held
        out[(np.cumsum(lengths) - lengths)[held]] = 3 * self.first[slots[held]] - x[starts[held]]
        return out, lengths

    def save(self, slot: int, steps: LiveSteps) -> None:
        """Let `steps` remember what the stream in a slot does."""
        steps.position = int(self.position[slot])
        steps.memory[:] = self.memory[slot]
        steps.before[:] = self.before[slot]
        steps.first = np.full_like(steps.before, self.first[slot]) if self.holds_first[slot] else None

    def load(self, slot: int, steps: LiveSteps) -> None:
        """Remember for a slot what `steps` do."""
        self.position[slot], self.memory[slot] = steps.position, steps.memory[0]
        self.before[slot], self.holds_first[slot] = steps.before[0, 0], steps.first is not None
        if steps.first is not None:
            self.first[slot] = steps.first[0, 0]


class PoolDeltas(Slots):
    """`Deltas` of many streams: each holds its last frames, as far as a delta reaches to both sides."""

    def __init__(self, step: Deltas, n_rows: int, dtype: np.dtype) -> None:
        self.order, self.options, self.reach = step.order, step.options, step.reach
        self.count = np.zeros(0, dtype=np.int64)
        self.held = np.zeros((0, n_rows, 2 * step.reach), dtype=dtype)

    def push(self, slots: np.ndarray, x: np.ndarray) -> list[Part]:
        """Take frames ``(m, n_rows, k)`` and return those that are known now."""
        found = []
        for count, here in split(self.count[slots]):
            own = slots[here]
            every = np.concatenate([self.held[own, :, :count], x[here]], axis=-1)
            total = every.shape[-1]
            begin, end = max(0, count - self.reach), max(0, total - self.reach)
            if end > begin:
                parts = [every, *fast_deltas(every, self.order, **self.options)]
                found.append((own, np.concatenate([part[..., begin:end] for part in parts], axis=-2)))
            kept = min(total, 2 * self.reach)
            self.held[own, :, :kept] = every[..., total - kept :]
            self.count[own] = kept
        return found

    def save(self, slot: int, step: Deltas) -> None:
        """Let `step` remember what the stream in a slot does; it counts frames from the first one held."""
        count = int(self.count[slot])
        if count:
            step.held = self.held[slot, np.newaxis, :, :count].copy()
            step.done = max(0, count - self.reach)

    def load(self, slot: int, step: Deltas) -> None:
        """Remember for a slot what `step` does."""
        if step.held is not None:
            self.count[slot] = count = step.held.shape[-1]
            self.held[slot, :, :count] = step.held[0]


class PoolGroups(Slots):
    """`Groups` of many streams."""

    def __init__(self, step: Groups, n_rows: int, dtype: np.dtype) -> None:
        self.shift, self.scale, self.stack = step.shift, step.scale, step.stack
        self.count = np.zeros(0, dtype=np.int64)
        self.held = np.zeros((0, n_rows, step.stack - 1), dtype=dtype)

    def push(self, slots: np.ndarray, x: np.ndarray) -> list[Part]:
        """Take frames ``(m, n_rows, k)`` and return groups that are complete."""
        if self.shift != 0.0 or self.scale != 1.0:
            x = (x + x.dtype.type(self.shift)) * x.dtype.type(self.scale)
        before = self.count[slots] % self.stack
        self.count[slots] += x.shape[-1]
        if self.stack == 1:
            return [(slots, x)]
        found = []
        for count, here in split(before):
            own = slots[here]
            every = np.concatenate([self.held[own, :, :count], x[here]], axis=-1)
            rest = every.shape[-1] % self.stack
            whole = every.shape[-1] - rest
            self.held[own, :, :rest] = every[..., whole:]
            if whole:
                found.append((own, stack_frames(every[..., :whole], self.stack)))
        return found

    def save(self, slot: int, step: Groups) -> None:
        """Let `step` remember what the stream in a slot does."""
        step.count = int(self.count[slot])
        if self.stack > 1:
            step.held = self.held[slot, np.newaxis, :, : step.count % self.stack].copy()

    def load(self, slot: int, step: Groups) -> None:
        """Remember for a slot what `step` does."""
        self.count[slot] = step.count
        if step.held is not None:
            self.held[slot, :, : step.held.shape[-1]] = step.held[0]


class PoolSliding(Slots):
    """`Sliding` of many streams; a frame costs each of them the same, however long the window is.

    The sums of windows are those of `dsp.post.slide_frames`, from the same running sums in the same order: within the
    block of `sliding_block` frames that the window ends in (`head`), and from the end of the one before (`tail`).
    """

    def __init__(self, step: Sliding, n_rows: int, dtype: np.dtype) -> None:
        self.options, self.skip = step.options, step.skip
        self.window, self.least, self.center = step.window, step.least, step.center
        self.block = sliding_block(step.window, step.least)
        self.length = step.window if step.center else step.window + 1
        #: The first frames come when `wait` are there; then each is `lag` frames behind the newest.
        self.wait = step.window if step.center else step.least
        self.lag = step.window - step.window // 2 - 1 if step.center else 0
        self.n_sums = 2 if step.kind == "sliding_mean_var" else 1
        self.total = np.zeros(0, dtype=np.int64)
        self.origin = np.zeros((0, n_rows))
        self.recent = np.zeros((0, n_rows, 2 * self.block), dtype=dtype)  # frame t at t modulo two blocks
        self.head = np.zeros((0, self.n_sums, n_rows, self.block))
        self.tail = np.zeros((0, self.n_sums, n_rows, self.block))

    def push(self, slots: np.ndarray, x: np.ndarray) -> list[Part]:
        """Take frames ``(m, n_rows, k)`` and return those that are known now."""
        k, found = x.shape[-1], []
        with np.errstate(invalid="ignore"):  # infinite levels become NaN, here as anywhere
            # Streams are alike if they wait for the same one of these frames, for a later one, or no more.
            for missing, here in split(np.clip(self.wait - self.total[slots], 0, k + 1)):
                own, came = slots[here], x[here]
                known = []
                for j in range(k):
                    self._take(own, came[..., j])
                    if j == missing - 1:
                        pieces = [own[i : i + _TOGETHER] for i in range(0, own.size, _TOGETHER)]
                        known.append(np.concatenate([self._first(piece) for piece in pieces]))
                    elif j >= missing:
                        known.append(self._next(own))
                if known:
                    found.append((own, np.concatenate(known, axis=-1)))
        return found

    def _values(self, frames: np.ndarray, origin: np.ndarray) -> np.ndarray:
        """Return frames ``(..., n_rows, k)`` less the first, and their squares: ``(..., n_sums, n_rows, k)``."""
        values = frames.astype(np.float64) - origin[..., np.newaxis]
        return np.stack([values, values * values][: self.n_sums], axis=-3)

    def _take(self, own: np.ndarray, frame: np.ndarray) -> None:
        t = self.total[own]
        begins = t == 0
        if begins.any():
            self.origin[own[begins]] = frame[begins]
        at = t % self.block
        turns = own[(at == 0) & ~begins]
        for i in range(0, turns.size, _TOGETHER):
            self._end_block(turns[i : i + _TOGETHER])
        values = self._values(frame[..., np.newaxis], self.origin[own])[..., 0]
        sums = np.where((at > 0)[:, np.newaxis, np.newaxis], self.head[own, :, :, at - 1] + values, values)
        self.head[own, :, :, at] = sums
        self.recent[own, :, t % (2 * self.block)] = frame
        self.total[own] = t + 1

    def _end_block(self, own: np.ndarray) -> None:
        """Sum up the block that is complete from its end."""
        half = (self.total[own] // self.block + 1) % 2
        blocks = self.recent[own].reshape(own.size, -1, 2, self.block)
        values = self._values(blocks[np.arange(own.size), :, half], self.origin[own])
        self.tail[own] = np.cumsum(values[..., ::-1], axis=-1)[..., ::-1]

    def _next(self, own: np.ndarray) -> np.ndarray:
        total = self.total[own]
        last, start = total - 1, np.maximum(total - self.length, 0)
        head = self.head[own, :, :, last % self.block]
        is_inner = (start % self.block > 0)[:, np.newaxis, np.newaxis]
        before = np.where(is_inner, self.head[own, :, :, start % self.block - 1], 0.0)
        same = (start // self.block == last // self.block)[:, np.newaxis, np.newaxis]
        sums = np.where(same, head - before, self.tail[own, :, :, start % self.block] + head)
        frame = self.recent[own, :, (last - self.lag) % (2 * self.block)]
        count = (total - start).astype(np.float64)[:, np.newaxis, np.newaxis]
        return self._normal(frame[..., np.newaxis], self.origin[own], sums[..., np.newaxis], count)

    def _first(self, own: np.ndarray) -> np.ndarray:
        """Return the frames that come when `wait` are there; all windows end there, in the first block."""
        known = self.wait - self.lag
        starts = sliding_bounds(self.wait, self.window, self.least, self.center)[0][:known]
        head = self.head[own, :, :, : self.wait]
        sums = head[..., self.wait - 1 :] - np.where(starts > 0, head[..., starts - 1], 0.0)
        count = (self.wait - starts).astype(np.float64)
        return self._normal(self.recent[own, :, :known], self.origin[own], sums, count)

    def _normal(self, frames: np.ndarray, origin: np.ndarray, sums: np.ndarray, count: np.ndarray) -> np.ndarray:
        """Return frames ``(m, n_rows, k)`` normalised by sums ``(m, n_sums, n_rows, k)`` over `count` frames."""
        mean = sums[:, 0] / count
        values = frames.astype(np.float64) - origin[..., np.newaxis] - mean
        if self.n_sums == 2:
            ddof, eps, eps_kind = self.options["ddof"], self.options["eps"], self.options["eps_kind"]
            variance = np.maximum(sums[:, 1] - count * mean * mean, 0.0) / np.maximum(count - ddof, 1.0)
            values *= inverse_scale(variance, eps, eps_kind)
        out = values.astype(frames.dtype)
        if self.skip is not None:
            out[:, self.skip] = frames[:, self.skip]
        return out

    def save(self, slot: int, step: Sliding) -> None:
        """Let `step` remember what the stream in a slot does."""
        total = int(self.total[slot])
        if total:
            step.offset = max(0, (total - 1) // self.block - 1) * self.block
            step.held = self.recent[slot][np.newaxis, :, np.arange(step.offset, total) % (2 * self.block)]
            step.origin = self.origin[slot, np.newaxis].astype(self.recent.dtype)
            step.done = total - self.lag if total >= self.wait else 0

    def load(self, slot: int, step: Sliding) -> None:
        """Remember for a slot what `step` does."""
        if step.held is None or step.origin is None:
            return
        total = step.offset + step.held.shape[-1]
        self.total[slot], self.origin[slot] = total, step.origin[0]
        current = (total - 1) // self.block * self.block - step.offset
        frames = step.held[0, :, max(0, current - self.block) :]
        self.recent[slot, :, np.arange(total - frames.shape[-1], total) % (2 * self.block)] = frames.T
        sums = self._values(step.held[0, :, current:], self.origin[slot])
        self.head[slot, ..., : sums.shape[-1]] = np.cumsum(sums, axis=-1)
        if current >= self.block:  # else no window reaches back into the block before
            sums = self._values(step.held[0, :, current - self.block : current], self.origin[slot])
            self.tail[slot] = np.cumsum(sums[..., ::-1], axis=-1)[..., ::-1]
