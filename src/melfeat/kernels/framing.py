"""Which samples a lane block is made of, and where its results go.

Frames of all clips are numbered through. A block is L consecutive numbers, whatever clips they fall into, so short
clips of a batch share blocks. `job` tells where the clips are: its header is named by `JOB`, behind it, from `CLIPS`
on, stand the first sample and the first frame of each clip, and behind the last what they would be of one more.
"""

from __future__ import annotations

from typing import Any

from ._jit import kernel
from ._lanes import load, store, store_interleaved, zero
from ._simd import codelet, lanes, raw
from ._words import copy

__all__ = ["CLIPS", "JOB", "assemble", "clip_of", "is_interior", "scatter_complex", "scatter_rows"]

#: The integers of a call. The strides are the distances of neighbouring clips in `head` and `tail` (0: all the same).
#: Blocks ``first … end - 1`` are taken in pieces of `piece` by whoever comes, counted by `next` and `done`, for each of
#: the two steps; `base` is the block that the levels begin with; `suspects` counts pieces that met a NaN. Dither
#: is that of `seed` and the frame's number in its clip, `frames_before` (of a stream) added.
JOB = (
    "n_frames", "n_clips", "head_stride", "tail_stride", "first", "end", "piece", "base",
    "next", "done", "next_2", "done_2", "suspects", "seed", "frames_before",
)  # fmt: skip
(
    N_FRAMES, N_CLIPS, HEAD_STRIDE, TAIL_STRIDE, FIRST, END, PIECE, BASE,
    NEXT, DONE, NEXT_2, DONE_2, SUSPECTS, SEED, FRAMES_BEFORE,
) = range(len(JOB))  # fmt: skip

#: Where the clips begin in the integers of a call.
CLIPS = 16


@kernel
def clip_of(job, g):  # type: ignore[no-untyped-def]
    """Return the clip that frame g < n_frames belongs to."""
    low, high = 0 * g, job[N_CLIPS]
    while high - low > 1:
        middle = (low + high) // 2
        if job[CLIPS + 2 * middle + 1] <= g:
            low = middle
        else:
            high = middle
    return low


@kernel
def is_interior(job, clip, g, count, hop, left, n_fft):  # type: ignore[no-untyped-def]
    """Whether frames g … g + count - 1 are of one clip and lie inside it, 3 readable samples behind each."""
    at = CLIPS + 2 * clip
    if g + count > job[at + 3]:
        return False
    start = (g - job[at + 1]) * hop - left
    return start >= 0 and start + (count - 1) * hop + n_fft + 3 <= job[at + 2] - job[at]


@codelet()
def _clear(out: Any, to: Any) -> None:
    store(out, to, zero(out))


@kernel
def _copy_run(source, at, count, out, to):  # type: ignore[no-untyped-def]
    """Copy ``source[at : at + count]`` to ``out[to:]``, both flat arrays: whole vectors, the last one overlapping."""
    step = lanes(out)
    if count < step:
        for j in range(count):
            out[to + j] = source[at + j]
        return
    target, origin = raw(out), raw(source)
    for j in range(0, count - step, step):
        copy(target, to + j, origin, at + j)
    copy(target, to + count - step, origin, at + count - step)


@kernel
def _clear_run(count, out, to):  # type: ignore[no-untyped-def]
    """Write `count` zeros at ``out[to:]``."""
    step = lanes(out)
    if count < step:
        for j in range(count):
            out[to + j] = 0.0
        return
    for j in range(0, count - step, step):
        _clear(raw(out), to + j)
    _clear(raw(out), to + count - step)


@kernel
def assemble(y, head, tail, job, clip, g, hop, left, n_fft, reach, work, at):  # type: ignore[no-untyped-def]
    """Write frames g … g + L - 1 one behind the other, n_fft + 4 apart, at ``work[at]``; zeros past the last frame.

    Only the first `reach` samples of a frame are read, the others are zeros: the window is zero there. `head` and
    `tail` hold what stands before and after each clip.
    """
    for lane in range(lanes(work)):
        slot = at + lane * (n_fft + 4)
        if g + lane >= job[N_FRAMES]:
            _clear_run(n_fft + 4, work, slot)
            continue
        while g + lane >= job[CLIPS + 2 * clip + 3]:
            clip += 1
        here = CLIPS + 2 * clip
        n_samples = job[here + 2] - job[here]
        start = (g + lane - job[here + 1]) * hop - left
        first = min(max(0, -start), reach)
        last = max(first, min(reach, n_samples - start))
        _copy_run(head, clip * job[HEAD_STRIDE] + start + left, first, work, slot)
        _copy_run(y, job[here] + start + first, last - first, work, slot + first)
        _copy_run(tail, clip * job[TAIL_STRIDE] + start + last - n_samples, reach - last, work, slot + last)
        for j in range(reach, n_fft + 4):
            work[slot + j] = 0.0


@codelet()
def _move_complex(out: Any, to: Any, work: Any, re: Any, im: Any) -> None:
    store_interleaved(out, to, load(work, re), load(work, im))


@kernel
def scatter_rows(work, at, n_rows, job, clip, g, out):  # type: ignore[no-untyped-def]
    """Write the lane block ``(n_rows, L)`` at ``work[at]`` to frames g … of `out`, clips ``(n_rows, frames)`` in a row.

    `clip` is the clip of frame g.
    """
    step = lanes(work)
    first, end = job[CLIPS + 2 * clip + 1], job[CLIPS + 2 * clip + 3]
    if g + step <= end:
        to = first * n_rows + g - first
        target, source = raw(out), raw(work)
        for row in range(n_rows):
            copy(target, to + row * (end - first), source, at + row * step)
        return
    for lane in range(min(step, job[N_FRAMES] - g)):
        while g + lane >= end:
            clip += 1
            first, end = job[CLIPS + 2 * clip + 1], job[CLIPS + 2 * clip + 3]
        to = first * n_rows + g + lane - first
        for row in range(n_rows):
            out[to + row * (end - first)] = work[at + row * step + lane]


@kernel
def scatter_complex(work, at, n_rows, job, clip, g, out):  # type: ignore[no-untyped-def]
    """Write real parts at ``work[at]`` and imaginary parts behind them as complex numbers, as `scatter_rows`.

    `out` is the flat complex array seen as pairs of floats.
    """
    step = lanes(work)
    first, end = job[CLIPS + 2 * clip + 1], job[CLIPS + 2 * clip + 3]
    im = at + n_rows * step
    if g + step <= end:
        to = first * n_rows + g - first
        target, source = raw(out), raw(work)
        for row in range(n_rows):
            _move_complex(target, 2 * (to + row * (end - first)), source, at + row * step, im + row * step)
        return
    for lane in range(min(step, job[N_FRAMES] - g)):
        while g + lane >= end:
            clip += 1
            first, end = job[CLIPS + 2 * clip + 1], job[CLIPS + 2 * clip + 3]
        to = first * n_rows + g + lane - first
        for row in range(n_rows):
            out[2 * (to + row * (end - first))] = work[at + row * step + lane]
            out[2 * (to + row * (end - first)) + 1] = work[im + row * step + lane]
