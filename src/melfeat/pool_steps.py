"""The steps of `live_steps` for many streams at once: what a stream remembers is an entry of arrays.

Streams are at different places. Those for which the same has to be done, frames held and frames new alike, go through
together, so the work of a call grows with the number of such groups and not with the number of streams.
"""

from __future__ import annotations

import numpy as np

from .dsp.post import stack_frames
from .live_steps import Deltas, Groups, LiveSteps, Sliding
from .rows import fast_deltas
from .sliding import Windows
from .slots import Part, Slots, split

__all__ = ["Conditioning", "PoolDeltas", "PoolGroups", "PoolSliding"]


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


class PoolSliding(Windows):
    """`Sliding` of many streams."""

    def __init__(self, step: Sliding, n_rows: int, dtype: np.dtype) -> None:
        super().__init__(n_rows, dtype, **step.options)

    def save(self, slot: int, step: Sliding) -> None:
        """Let `step` remember what the stream in a slot does."""
        table = step.windows(1, self.recent.shape[1], self.recent.dtype)
        table.remember(0, *self.frames(slot))

    def load(self, slot: int, step: Sliding) -> None:
        """Remember for a slot what `step` does."""
        if step.table is not None:
            self.remember(slot, *step.table.frames(0))
