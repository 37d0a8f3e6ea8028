"""Which samples a lane block is made of, and where its results go.

Frames of all channels are numbered through: frame ``g`` is frame ``g % n_frames`` of channel ``g // n_frames``. A block
is L consecutive numbers, whatever channels they fall into, so short clips of a batch share blocks.
"""

from __future__ import annotations

from typing import Any

from ._jit import kernel
from ._lanes import load, store, store_interleaved, zero
from ._simd import codelet, lanes, raw
from ._words import copy

__all__ = ["assemble", "is_interior", "scatter_complex", "scatter_rows"]


@kernel
def is_interior(g, count, n_samples, n_frames, n_channels, hop, pad, n_fft):  # type: ignore[no-untyped-def]
    """Whether frames g … g + count - 1 are of one channel and lie inside the signal, 3 readable samples behind each."""
    t = g % n_frames
    if t + count > n_frames or g + count > n_frames * n_channels:
        return False
    start = t * hop - pad
    return start >= 0 and start + (count - 1) * hop + n_fft + 3 <= n_samples


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
def assemble(y, head, tail, g, n_samples, n_frames, n_channels, hop, pad, n_fft, work, at):  # type: ignore[no-untyped-def]
    """Write frames g … g + L - 1 one behind the other, n_fft + 4 apart, at ``work[at]``; zeros past the last frame.

    `head` and `tail` ``(n_channels, pad)`` are the samples before and after each channel.
    """
    for lane in range(lanes(work)):
        slot = at + lane * (n_fft + 4)
        if g + lane >= n_frames * n_channels:
            _clear_run(n_fft + 4, work, slot)
            continue
        channel = (g + lane) // n_frames
        start = ((g + lane) % n_frames) * hop - pad
        first = min(max(0, -start), n_fft)
        last = max(first, min(n_fft, n_samples - start))
        _copy_run(head.reshape(-1), channel * pad + start + pad, first, work, slot)
        _copy_run(y.reshape(-1), channel * n_samples + start + first, last - first, work, slot + first)
        _copy_run(tail.reshape(-1), channel * pad + start + last - n_samples, n_fft - last, work, slot + last)
        for j in range(n_fft, n_fft + 4):
            work[slot + j] = 0.0


@codelet()
def _move_complex(out: Any, to: Any, work: Any, re: Any, im: Any) -> None:
    store_interleaved(out, to, load(work, re), load(work, im))


@kernel
def scatter_rows(work, at, n_rows, g, n_frames, n_channels, out):  # type: ignore[no-untyped-def]
    """Write the lane block ``(n_rows, L)`` at ``work[at]`` to frames g … of flat ``(n_channels, n_rows, n_frames)``."""
    step = lanes(work)
    t = g % n_frames
    if t + step <= n_frames:
        to = (g // n_frames) * n_rows * n_frames + t
        target, source = raw(out), raw(work)
        for row in range(n_rows):
            copy(target, to + row * n_frames, source, at + row * step)
        return
    for lane in range(min(step, n_frames * n_channels - g)):
        to = ((g + lane) // n_frames) * n_rows * n_frames + (g + lane) % n_frames
        for row in range(n_rows):
            out[to + row * n_frames] = work[at + row * step + lane]


@kernel
def scatter_complex(work, at, n_rows, g, n_frames, n_channels, out):  # type: ignore[no-untyped-def]
    """Write real parts at ``work[at]`` and imaginary parts behind them as complex numbers, as `scatter_rows`.

    `out` is the flat complex array seen as pairs of floats.
    """
    step = lanes(work)
    t = g % n_frames
    im = at + n_rows * step
    if t + step <= n_frames:
        to = (g // n_frames) * n_rows * n_frames + t
        target, source = raw(out), raw(work)
        for row in range(n_rows):
            _move_complex(target, 2 * (to + row * n_frames), source, at + row * step, im + row * step)
        return
    for lane in range(min(step, n_frames * n_channels - g)):
        to = ((g + lane) // n_frames) * n_rows * n_frames + (g + lane) % n_frames
        for row in range(n_rows):
            out[2 * (to + row * n_frames)] = work[at + row * step + lane]
            out[2 * (to + row * n_frames) + 1] = work[im + row * step + lane]
