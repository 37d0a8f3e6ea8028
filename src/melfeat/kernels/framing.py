"""Which samples a lane block is made of, and where its results go.

Frames of all channels are numbered through: frame ``g`` is frame ``g % n_frames`` of channel ``g // n_frames``. A block
is L consecutive numbers, whatever channels they fall into, so short clips of a batch share blocks.
"""

from __future__ import annotations

from typing import Any

from ._jit import kernel
from ._lanes import load, store, store_interleaved
from ._simd import codelet, lanes, raw

__all__ = ["assemble", "is_interior", "scatter_complex", "scatter_rows"]


@kernel
def is_interior(g, count, n_samples, n_frames, n_channels, hop, pad, n_fft):  # type: ignore[no-untyped-def]
    """Whether frames g … g + count - 1 are of one channel and lie inside the signal, 3 readable samples behind each."""
    t = g % n_frames
    if t + count > n_frames or g + count > n_frames * n_channels:
        return False
    start = t * hop - pad
    return start >= 0 and start + (count - 1) * hop + n_fft + 3 <= n_samples


@kernel
def assemble(y, head, tail, g, n_samples, n_frames, n_channels, hop, pad, n_fft, work, at):  # type: ignore[no-untyped-def]
    """Write frames g … g + L - 1 one behind the other, n_fft + 4 apart, at ``work[at]``; zeros past the last frame.

    `head` and `tail` ``(n_channels, pad)`` are the samples before and after each channel.
    """
    for lane in range(lanes(work)):
        slot = at + lane * (n_fft + 4)
        if g + lane >= n_frames * n_channels:
            for j in range(n_fft + 4):
                work[slot + j] = 0.0
            continue
        channel = (g + lane) // n_frames
        start = ((g + lane) % n_frames) * hop - pad
        first = min(max(0, -start), n_fft)
        last = max(first, min(n_fft, n_samples - start))
        for j in range(first):
            work[slot + j] = head[channel, start + j + pad]
        for j in range(first, last):
            work[slot + j] = y[channel, start + j]
        for j in range(last, n_fft):
            work[slot + j] = tail[channel, start + j - n_samples]
        for j in range(n_fft, n_fft + 4):
            work[slot + j] = 0.0


@codelet()
def _move(out: Any, to: Any, work: Any, at: Any) -> None:
    store(out, to, load(work, at))


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
            _move(target, to + row * n_frames, source, at + row * step)
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
