"""Normalisation by windows of frames, as frames come: the bits of `dsp.post.slide_frames`, sums in the same order."""

from __future__ import annotations

import numpy as np

from ._jit import kernel
from .rows import inverse_scale

__all__ = ["slide"]


@kernel
def _end_block(recent, at, block, zero, scaled, tail):  # type: ignore[no-untyped-def]
    """Sum up the `block` frames from ``recent[at]`` from their end, and their squares."""
    total = squares = 0.0
    for i in range(block - 1, -1, -1):
        value = np.float64(recent[at + i]) - zero
        total = value if i == block - 1 else total + value
        tail[0, i] = total
        if scaled:
            squares = value * value if i == block - 1 else squares + value * value
            tail[1, i] = squares


@kernel
def _window_start(t, n, window, least, center):  # type: ignore[no-untyped-def]
    """Return the first frame of the window of frame `t`, of `n` that there are; it ends at the last of them."""
    if center:
        start = max(t - window // 2, 0)
        stop = start + window
    else:
        start = max(t - window, 0)
        stop = max(t + 1, least)
    return max(start - max(stop - n, 0), 0)


@kernel
def slide(slots, x, last, total, origin, recent, heads, tails, ints, eps, out):  # type: ignore[no-untyped-def]
    """Take frames ``x[i]`` of the stream in ``slots[i]`` and write those that are known then to ``out[i]``.

    `total` frames of a stream came before (the caller counts on), the first of them being `origin` ``(slots, rows)``.
    ``recent (slots, rows, 2 block)`` holds frame t at t modulo two blocks; ``heads`` and ``tails (slots, sums, rows,
    block)`` the running sums from the beginning of the present block and from the end of the one before. `ints`:
    window, least frames, centred, block, ddof, kind of `eps` (`kernels.rows`), row that is left alone or -1, and when
    frames are known: the first when so many are there, then each so far behind the newest.
    """
    window, least, center, block, ddof, eps_kind, skip = ints[0], ints[1], ints[2], ints[3], ints[4], ints[5], ints[6]
    scaled, k, wait, lag = heads.shape[1] == 2, x.shape[2], ints[7], ints[8]
    for i in range(slots.size):
        slot = slots[i]
        before = total[slot]
        for row in range(x.shape[1]):
            if before == 0 and k > 0:
                origin[slot, row] = np.float64(x[i, row, 0])
            zero = origin[slot, row]
            ring, tail = recent[slot, row], tails[slot, :, row]
            head, squares = heads[slot, 0, row], heads[slot, -1, row]
            base = max(before - 1, 0) // block * block  # where the block of the newest frame begins,
            half = base // block % 2 * block  # in the ring
            done, to = (before - lag if before >= wait else 0), 0
            for j in range(k + 1):
                n = before + j
                if j < k:
                    n += 1
                    at = n - 1 - base
                    if at == block:
                        _end_block(ring, half, block, zero, scaled, tail)
                        base, half, at = base + block, block - half, 0
                    ring[half + at] = x[i, row, j]
                    value = np.float64(x[i, row, j]) - zero
                    head[at] = head[at - 1] + value if at > 0 else value
                    if scaled:
                        squares[at] = squares[at - 1] + value * value if at > 0 else value * value
                    known = n - lag if n >= wait else 0
                else:
                    known = n if last else 0
                for t in range(done, known):
                    start = _window_start(t, n, window, least, center)
                    count, at, newest = np.float64(n - start), start - base, n - 1 - base
                    if at >= 0:
                        mean = (head[newest] - (head[at - 1] if at > 0 else 0.0)) / count
                    else:
                        mean = (tail[0, at + block] + head[newest]) / count
                    here = half + t - base if t >= base else block - half + t - base + block
                    if row == skip:
                        out[i, row, to] = ring[here]
                    else:
                        normal = (np.float64(ring[here]) - zero) - mean
                        if scaled:
                            if at >= 0:
                                power = squares[newest] - (squares[at - 1] if at > 0 else 0.0)
                            else:
                                power = tail[1, at + block] + squares[newest]
                            variance = power - count * mean * mean
                            variance = 0.0 if variance < 0.0 else variance
                            normal *= inverse_scale(variance / max(count - ddof, 1.0), eps, eps_kind)
                        out[i, row, to] = normal
                    to += 1
                done = max(done, known)
