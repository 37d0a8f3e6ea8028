"""Normalisation over windows of frames, of whole signals and of streams: one kernel, and what it remembers."""

from __future__ import annotations

from typing import Any

import numpy as np

from .dsp.post import sliding_block
from .slots import Part, Slots, split

__all__ = ["EPS_KINDS", "Windows", "slide_whole"]

#: The numbers that kernels know the kinds of epsilon by.
EPS_KINDS = {"std_add": 0, "var_add": 1, "var_clamp": 2}


class Windows(Slots):
    """What is remembered of the frames of many streams; a frame costs each the same, however long the window is.

    No stream may have more than `longest` frames, if that is given.
    """

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
        longest: int | None = None,
    ) -> None:
        block = sliding_block(window, min_window)
        self.block = block = block if longest is None else min(block, longest)
        self.eps = float(eps)
        self.ints = (window, min_window, int(center), block, ddof, EPS_KINDS[eps_kind], -1 if skip is None else skip)
        #: The first frames come when `wait` are there; then each is `lag` frames behind the newest.
        self.wait = window if center else min_window
        self.lag = window - window // 2 - 1 if center else 0
        n_sums = 2 if kind == "sliding_mean_var" else 1
        self.total = np.zeros(0, dtype=np.int64)
        self.origin = np.zeros((0, n_rows))
        self.recent = np.zeros((0, n_rows, 2 * block), dtype=dtype)
        self.head = np.zeros((0, n_sums, n_rows, block))
        self.tail = np.zeros((0, n_sums, n_rows, block))

    def push(self, slots: np.ndarray, x: np.ndarray, last: bool = False) -> list[Part]:
        """Take frames ``(m, n_rows, k)`` of streams and return those that are known now, or all that are left."""
        from .kernels.sliding import slide

        k, found = x.shape[-1], []
        ints = np.array(self.ints, dtype=np.int64)
        # Alike are streams that return as many frames.
        totals = self.total[slots]
        counts = self._known(totals + k, last) - self._known(totals, False)
        for count, here in split(counts):
            own, came = slots[here], np.require(x[here], requirements=("C", "W"))
            out = np.empty((own.size, x.shape[1], count), dtype=x.dtype)
            with np.errstate(invalid="ignore"):  # interpreted: infinite levels become NaN, here as anywhere
                slide(own, came, last, self.total, self.origin, self.recent, self.head, self.tail, ints, self.eps, out)
            self.total[own] += k
            found.append((own, out))
        return found

    def _known(self, totals: np.ndarray, last: bool) -> np.ndarray:
        return totals if last else np.where(totals >= self.wait, totals - self.lag, 0)

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
    table = Windows(x.shape[-2], x.dtype, kind, longest=x.shape[-1], **options)
    table.grow(1)
    out = np.empty_like(frames)
    for i in range(frames.shape[0]):
        table.total[0] = 0
        ((_, out[i]),) = table.push(np.zeros(1, dtype=np.int64), frames[i : i + 1], last=True)
    return out.reshape(x.shape)
