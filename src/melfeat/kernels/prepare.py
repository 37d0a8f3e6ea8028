"""What happens to a frame before its transform: dither, DC removal, energy, pre-emphasis, window. On lane blocks.

The frames are gathered first: sample j of L frames is one vector at ``work[j * L]``. Sums run in chains of 16, whose
sums are then added, because the error of a chain grows with its length.
"""

from __future__ import annotations

import math
from typing import Any

from ._jit import kernel
from ._lanes import fma, load, load_tile, splat, store, width
from ._simd import codelet, lanes, part, peek
from ._words import add, get, put, zeros
from .framing import CLIPS, FRAMES_BEFORE, N_FRAMES, SEED

__all__ = ["FIRST_PREVIOUS", "FIRST_SCALED", "FIRST_ZERO", "add_noise", "gather", "prepare"]

_CHAIN = 16

#: What stands before the first sample of a frame for the pre-emphasis: itself, nothing, or the signal's sample.
FIRST_SCALED, FIRST_ZERO, FIRST_PREVIOUS = range(3)


@codelet()
def _gather4(work: Any, out: Any, source: Any, index: Any, stride: Any, ones: Any) -> None:
    for j, lane in enumerate(load_tile(source, index, stride, ones, 0)):
        store(work, out + width(work) * j, lane)


@codelet(returns=1)
def _divide(work: Any, lane: Any, divisor: Any) -> Any:
    return lane / divisor


@codelet(returns=2)
def _step(
    work: Any, at: Any, before: Any, mean: Any, data: Any, k: Any, w: Any, raw_energy: Any, energy: Any
) -> tuple[Any, Any]:
    """Pre-emphasise and window one sample of L frames; return both energies with it added."""
    sample = load(work, at) - mean
    weighted = fma(-splat(data, k), before - mean, sample) * splat(data, w)
    store(work, at, weighted)
    return fma(sample, sample, raw_energy), fma(weighted, weighted, energy)


@codelet(returns=1)
def _step_alone(work: Any, at: Any, before: Any, mean: Any, data: Any, k: Any, w: Any) -> Any:
    """As `_step`, without energies; return the sample as it was."""
    sample = load(work, at)
    store(work, at, fma(-splat(data, k), before - mean, sample - mean) * splat(data, w))
    return sample


@codelet(returns=4)
def _add4(work: Any, at: Any, a: Any, b: Any, c: Any, d: Any) -> tuple[Any, ...]:
    """Add four consecutive samples to four sums, so that none waits for another."""
    step = width(work)
    return tuple(total + load(work, at + step * i) for i, total in enumerate((a, b, c, d)))


@codelet(returns=1)
def _sum4(work: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    return (a + b) + (c + d)


@kernel
def _mean(work, count):  # type: ignore[no-untyped-def]
    """Return the mean of `count` gathered samples."""
    step = lanes(work)
    total = zeros(work)
    for first in range(0, count, 4 * _CHAIN):
        a, b, c, d = zeros(work), zeros(work), zeros(work), zeros(work)
        end = min(first + 4 * _CHAIN, count)
        j = first
        while j + 4 <= end:
            a, b, c, d = _add4(work, j * step, a, b, c, d)
            j += 4
        while j < end:
            a = add(work, a, get(work, j * step))
            j += 1
        total = add(work, total, _sum4(work, a, b, c, d))
    return _divide(work, total, 1.0 * count)


@kernel
def gather(source, start, stride, ones, count, work):  # type: ignore[no-untyped-def]
    """Write `count` samples of L frames, transposed, at ``work[0]``; up to 3 more are read and written."""
    step = lanes(work)
    for j in range(0, count, 4):
        _gather4(work, j * step, source, start + j, stride, ones)


@kernel
def _mixed(x):  # type: ignore[no-untyped-def]
    """Return a hash of the low 32 bits of x, in 32 bits."""
    x = int(x) & 0xFFFFFFFF  # interpreted, a Python integer: products of NumPy's would warn when they wrap
    x = x ^ (x >> 16)
    x = (x * 0x7FEB352D) & 0xFFFFFFFF
    x = x ^ (x >> 15)
    x = (x * 0x846CA68B) & 0xFFFFFFFF
    return x ^ (x >> 16)


@kernel
def _noise(seed, stream, index, gaussian):  # type: ignore[no-untyped-def]
    """Return number `index` of a stream of noise: standard normal, or uniform in [-1, 1)."""
    key = _mixed(_mixed(_mixed(_mixed(seed) + (seed >> 32)) + stream) + (stream >> 32))
    first = _mixed(_mixed(key + 2 * index) + (index >> 31))
    if not gaussian:
        return first / 2147483648.0 - 1.0
    second = _mixed(_mixed(key + 2 * index + 1) + (index >> 31))
    return math.sqrt(-2.0 * math.log((first + 0.5) / 4294967296.0)) * math.cos(second * (2 * math.pi / 4294967296.0))


@kernel
def add_noise(values, seed, first, amount, gaussian):  # type: ignore[no-untyped-def]
    """Add noise to samples ``first …`` of a signal, in place; the noise of a sample depends on its number alone."""
    for i in range(values.size):
        values[i] += amount * _noise(seed, -1, first + i, gaussian)


@kernel
def _dither(job, clip, g, count, amount, gaussian, work):  # type: ignore[no-untyped-def]
    """Add noise that depends on the frame's number in its clip and the sample's number in the frame."""
    step = lanes(work)
    for lane in range(min(step, job[N_FRAMES] - g)):
        while g + lane >= job[CLIPS + 2 * clip + 3]:
            clip += 1
        frame = g + lane - job[CLIPS + 2 * clip + 1] + job[FRAMES_BEFORE]
        for j in range(count):
            work[j * step + lane] += amount * _noise(job[SEED], frame, j, gaussian)


@kernel
def _put_previous(y, job, clip, g, hop, left, scale, work, at):  # type: ignore[no-untyped-def]
    """Write the signal's sample before each frame, 0 where there is none, at ``work[at]``."""
    for lane in range(lanes(work)):
        work[at + lane] = 0.0
        if g + lane < job[N_FRAMES]:
            while g + lane >= job[CLIPS + 2 * clip + 3]:
                clip += 1
            here = CLIPS + 2 * clip
            before = (g + lane - job[here + 1]) * hop - left - 1
            if 0 <= before < job[here + 2] - job[here]:
                work[at + lane] = y[job[here] + before] * scale


@kernel
def prepare(y, job, clip, g, ints, data, work, energies):  # type: ignore[no-untyped-def]
    """Run all steps on the gathered frames g … g + L - 1 and write their energies at ``energies[g]``.

    ``ints``: hop, left, n_fft, samples of a frame, offset of 4 vectors of scratch, of the window in `data`, then flags:
    remove DC, rule of the first sample, windowed energy (1), raw energy (0) or none (-1), dither (0 none, 1 normal, 2
    uniform); offset of the scale of the samples in `data`. ``data``: pre-emphasis, dither.
    """
    step = lanes(work)
    hop, left, n_fft, count = peek(ints, 0), peek(ints, 1), peek(ints, 2), peek(ints, 3)
    scratch, window, mode = peek(ints, 4), peek(ints, 5), peek(ints, 7)
    if peek(ints, 9) > 0:
        _dither(job, clip, g, count, data[1], peek(ints, 9) == 1, work)
    mean = zeros(work)
    if peek(ints, 6) > 0:
        mean = _mean(work, count)
    if mode == FIRST_PREVIOUS:
        _put_previous(y, job, clip, g, hop, left, data[peek(ints, 10)], work, scratch)
    factors = part(data, 0)
    before = get(work, 0)
    if mode == FIRST_ZERO:
        before = mean
    elif mode == FIRST_PREVIOUS:
        before = get(work, scratch)
    if peek(ints, 8) < 0:
        for j in range(count):
            before = _step_alone(work, j * step, before, mean, factors, 0, window + j)
    else:
        raw_energy, energy = zeros(work), zeros(work)
        for first in range(0, count, _CHAIN):
            raw_part, part_energy = zeros(work), zeros(work)
            for j in range(first, min(first + _CHAIN, count)):
                here = get(work, j * step)
                raw_part, part_energy = _step(
                    work, j * step, before, mean, factors, 0, window + j, raw_part, part_energy
                )
                before = here
            raw_energy, energy = add(work, raw_energy, raw_part), add(work, energy, part_energy)
        put(energies, g, raw_energy if peek(ints, 8) == 0 else energy)
    nothing = zeros(work)
    for j in range(count, n_fft):
        put(work, j * step, nothing)
