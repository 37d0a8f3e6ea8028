"""Normalisation over windows of frames, of whole signals and of streams: one kernel, and what it remembers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .dsp.post import sliding_block
from .slots import Part, Slots, split

__all__ = ["EPS_KINDS", "Windows", "slide_whole"]

#: Frames for which there is room at first.
_ROOM = 64

#: The numbers that kernels know the kinds of epsilon by.
EPS_KINDS = {"std_add": 0, "var_add": 1, "var_clamp": 2}


class Windows(Slots):
    """What is remembered of the frames of many streams; a frame costs each the same, however long the window is."""

    def __init__(
        self,
        n_rows: int,
        dtype: np.dtype,
        kind: str,
        *,
        ddof: int = 0,
        eps: float = 0.0,
        eps_kind: str = "var_clamp",
        window: int = 600,
        min_window: int = 100,
        center: bool = False,
        skip: int | None = None,
    ) -> None:
        self.block = block = sliding_block(window, min_window)
        self.eps = float(eps)
        #: The first frames come when `wait` are there; then each is `lag` frames behind the newest.
        self.wait = window if center else min_window
        self.lag = window - window // 2 - 1 if center else 0
        left_alone = -1 if skip is None else skip
        ints = window, min_window, int(center), block, ddof, EPS_KINDS[eps_kind], left_alone, self.wait, self.lag
        self.numbers = (np.array(ints, dtype=np.int64),)  # in a tuple: no entry per slot
        n_sums, room = (2 if kind == "sliding_mean_var" else 1), min(block, _ROOM)
        self.total = np.zeros(0, dtype=np.int64)
        self.origin = np.zeros((0, n_rows))
        #: Two blocks of frames and the sums of one (`kernels.sliding`), or as much as the longest stream needs.
        self.recent = np.zeros((0, n_rows, 2 * room), dtype=dtype)
        self.head = np.zeros((0, n_sums, n_rows, room))
        self.tail = np.zeros((0, n_sums, n_rows, room))

    def push(self, slots: np.ndarray, x: np.ndarray, last: bool = False) -> list[Part]:
        """Take frames ``(m, n_rows, k)`` of streams and return those that are known now, or all that are left."""
        from .kernels.sliding import slide

        k, found = x.shape[-1], []
        for count, here in self._alike(slots, k, last):
            own, came = slots[here], np.require(x[here], requirements=("C", "W"))
            out = np.empty((own.size, x.shape[1], count), dtype=x.dtype)
            tables = self.total, self.origin, self.recent, self.head, self.tail
            with np.errstate(invalid="ignore"):  # interpreted: infinite levels become NaN, here as anywhere
                slide(own, came, last, *tables, *self.numbers, self.eps, out)
            self.total[own] += k
            found.append((own, out))
        return found

    def _make_room(self, n: int) -> None:
        """Make room for streams of `n` frames: a window may be longer than any stream will ever be."""
        room = self.head.shape[-1]
        if n <= room or room == self.block:
            return
        new = min(self.block, max(n, 2 * room))
        for name, size in (("recent", 2 * new), ("head", new), ("tail", new)):
            array = getattr(self, name)
            larger = np.zeros((*array.shape[:-1], size), dtype=array.dtype)
            larger[..., : array.shape[-1]] = array
            setattr(self, name, larger)

    def _alike(self, slots: np.ndarray, k: int, last: bool) -> Iterator[tuple[int, Any]]:
        """Yield numbers of frames, and the streams that return so many of them when `k` more come."""
        if slots.size == 1:  # in plain numbers: most of what a live stream's push costs is the way to the kernel
            total = int(self.total[slots[0]])
            self._make_room(total + k)
            given, ready = (n - self.lag if n >= self.wait else 0 for n in (total, total + k))
            yield (total + k if last else ready) - given, slice(None)
            return
        totals = self.total[slots]
        self._make_room(int(totals.max(initial=0)) + k)
        before, after = (np.where(n >= self.wait, n - self.lag, 0) for n in (totals, totals + k))
        yield from split((totals + k if last else after) - before)

    def frames(self, slot: int) -> tuple[int, np.ndarray, np.ndarray]:
        """Return all that `remember` needs: how many frames came, the first, and those of the last two blocks."""
        total = int(self.total[slot])
        offset = max(0, (total - 1) // self.block - 1) * self.block
        held = self.recent[slot][:, np.arange(offset, total) % (2 * self.block)]
        return total, self.origin[slot].copy(), held

    def remember(self, slot: int, total: int, origin: np.ndarray, held: np.ndarray) -> None:
        """Let a slot be where the one was that `frames` is of."""
        self.clear(slot)
        if total:
            self.total[slot], self.origin[slot] = total - held.shape[-1], origin
            self.push(np.array([slot]), held[np.newaxis])


def slide_whole(x: np.ndarray, kind: str, **options: Any) -> np.ndarray:
    """Return what `dsp.post.slide_frames` returns for ``(..., n_features, n)``, not empty."""
    frames = x.reshape(-1, *x.shape[-2:])
    table = Windows(x.shape[-2], x.dtype, kind, **options)
    table.grow(1)
    out = np.empty_like(frames)
    for i in range(frames.shape[0]):
        table.total[0] = 0
        ((_, out[i]),) = table.push(np.zeros(1, dtype=np.int64), frames[i : i + 1], last=True)
    return out.reshape(x.shape)
