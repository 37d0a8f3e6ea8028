"""The drivers: loops over lane blocks that chain the stages while a block is in the cache. Python calls only these.

`job` holds what shape the work has (`JOB` names its entries), `floors` the real parameters in the dtype of the signal.
Arrays come as arrays; inside, stages get `raw` pointers. Each driver returns 0 times the sum of the first bin of every
frame: NaN if and only if a sample, or the power of the first bin, is not finite. That is the finite check, for free.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ._jit import kernel
from ._lanes import fma, load, zero
from ._simd import codelet, invoke8, lanes, raw
from ._words import put, zeros
from .cepstrum import block_cosines
from .compress import block_db, block_root
from .filterbank import apply_bank
from .framing import assemble, is_interior, scatter_complex, scatter_rows

__all__ = ["JOB", "bank_blocks", "cepstrum_blocks", "cosine_rows", "mel_blocks", "spectrum_blocks"]

#: Entries of `job`. ``at_*`` are offsets in `work`; ``exponent`` is 2 for power, 1 for magnitude, 0 for ``floors[1]``;
#: ``base`` is the block that the lane blocks of levels begin with.
JOB = (
    "n_samples",
    "n_frames",
    "n_channels",
    "hop",
    "pad",
    "n_fft",
    "transform",
    "exponent",
    "n_bands",
    "decibels",
    "at_edge",
    "at_power",
    "at_bands",
    "n_rows",
    "n_groups",
    "base",
)
(
    _N_SAMPLES, _N_FRAMES, _N_CHANNELS, _HOP, _PAD, _N_FFT, _TRANSFORM, _EXPONENT, _N_BANDS, _DECIBELS,
    _AT_EDGE, _AT_POWER, _AT_BANDS, _N_ROWS, _N_GROUPS, _BASE,
) = range(len(JOB))  # fmt: skip


@codelet(returns=1)
def _watch(work: Any, at: Any, suspect: Any) -> Any:
    return fma(load(work, at), zero(work), suspect)


@kernel
def _transform(y, head, tail, window, spec, table, job, work, g):  # type: ignore[no-untyped-def]
    """Write power or spectrum of frames g … g + L - 1 at ``work[at_power]``."""
    step = lanes(work)
    n_samples, n_frames, n_channels, hop = job[_N_SAMPLES], job[_N_FRAMES], job[_N_CHANNELS], job[_HOP]
    pad, n_fft, at_edge, at_power = job[_PAD], job[_N_FFT], job[_AT_EDGE], job[_AT_POWER]
    if is_interior(g, step, n_samples, n_frames, n_channels, hop, pad, n_fft):
        start = (g // n_frames) * n_samples + (g % n_frames) * hop - pad
        invoke8(job[_TRANSFORM], raw(y), raw(window), raw(spec), raw(table), raw(work), start, hop, at_power)
    else:
        assemble(y, head, tail, g, n_samples, n_frames, n_channels, hop, pad, n_fft, work, at_edge)
        invoke8(job[_TRANSFORM], raw(work), raw(window), raw(spec), raw(table), raw(work), at_edge, n_fft + 4, at_power)


@kernel
def _total(work, at):  # type: ignore[no-untyped-def]
    total = work[at]
    for lane in range(1, lanes(work)):
        total += work[at + lane]
    return total


@kernel
def spectrum_blocks(y, head, tail, window, spec, table, job, work, out, first, last):  # type: ignore[no-untyped-def]
    """Write the spectra of blocks ``first … last - 1`` to the flat complex `out`, seen as pairs of floats."""
    step = lanes(work)
    at_power, n_rows = job[_AT_POWER], job[_N_FFT] // 2 + 1
    suspect = zeros(work)
    for block in range(first, last):
        g = block * step
        _transform(y, head, tail, window, spec, table, job, work, g)
        suspect = _watch(work, at_power, suspect)
        scatter_complex(work, at_power, n_rows, g, job[_N_FRAMES], job[_N_CHANNELS], out)
    put(work, 0, suspect)
    return _total(work, 0)


@kernel
def mel_blocks(y, head, tail, window, spec, table, bands, weights, job, floors, work, out, peaks, first, last):  # type: ignore[no-untyped-def]
    """Write the mel powers of blocks ``first … last - 1`` to the flat rows `out`.

    With ``decibels`` set, write decibels in lane blocks ``(block, band, L)`` instead, and each frame's largest to
    `peaks`. With no bands, write the spectrum itself.
    """
    step = lanes(work)
    at_power, at_bands, n_bands, n_bins = job[_AT_POWER], job[_AT_BANDS], job[_N_BANDS], job[_N_FFT] // 2 + 1
    suspect = zeros(work)
    for block in range(first, last):
        g = block * step
        _transform(y, head, tail, window, spec, table, job, work, g)
        suspect = _watch(work, at_power, suspect)
        if job[_EXPONENT] == 1:
            block_root(raw(work), at_power, n_bins, step)
        elif job[_EXPONENT] == 0:
            for i in range(at_power, at_power + n_bins * step):
                work[i] = work[i] ** floors[1]
        rows, n_rows = at_power, n_bins
        if n_bands > 0:
            apply_bank(raw(work), at_power, step, raw(bands), n_bands, raw(weights), at_bands)
            rows, n_rows = at_bands, n_bands
        if job[_DECIBELS] == 1:
            to = (block - job[_BASE]) * n_rows * step
            block_db(raw(work), rows, n_rows, step, raw(floors), raw(out), to, raw(peaks), g)
        else:
            scatter_rows(work, rows, n_rows, g, job[_N_FRAMES], job[_N_CHANNELS], out)
    put(work, 0, suspect)
    return _total(work, 0)


@kernel
def cepstrum_blocks(levels, floors, matrix, job, work, out, first, last):  # type: ignore[no-untyped-def]
    """Write the cepstra of the lane blocks `levels` ``(block, band, L)``, raised to ``floors[channel]``, to rows `out`.

    `work` is laid out as: floor (L) | bands and their mean | rows, ``8 n_groups`` of them.
    """
    step = lanes(work)
    n_frames, n_channels, n_bands = job[_N_FRAMES], job[_N_CHANNELS], job[_N_BANDS]
    at_rows = step + (n_bands + 1) * step
    for block in range(first, last):
        g = block * step
        for lane in range(step):
            work[lane] = floors[min((g + lane) // n_frames, n_channels - 1)]
        at = (block - job[_BASE]) * n_bands * step
        block_cosines(raw(levels), at, raw(work), step, n_bands, step, 0, raw(matrix), job[_N_GROUPS], at_rows)
        scatter_rows(work, at_rows, job[_N_ROWS], g, n_frames, n_channels, out)


@kernel
def gather_rows(values, n_rows, n_frames, n_channels, g, work, at):  # type: ignore[no-untyped-def]
    """Write frames g … of the flat ``(n_channels, n_rows, n_frames)`` `values` as a lane block; zeros past the last."""
    step = lanes(work)
    for lane in range(step):
        inside = g + lane < n_frames * n_channels
        source = ((g + lane) // n_frames) * n_rows * n_frames + (g + lane) % n_frames
        for row in range(n_rows):
            work[at + row * step + lane] = values[source + row * n_frames] if inside else 0.0


@kernel
def bank_blocks(values, bands, weights, job, work, out):  # type: ignore[no-untyped-def]
    """Apply the filterbank to spectra given as flat rows ``(n_channels, n_bins, n_frames)``."""
    step = lanes(work)
    n_frames, n_channels, n_bands, n_bins = job[_N_FRAMES], job[_N_CHANNELS], job[_N_BANDS], job[_N_ROWS]
    at_bins = 0 * step  # not 0: Numba would compile what it is passed to once more for the literal
    at_bands = n_bins * step
    for g in range(0, n_frames * n_channels, step):
        gather_rows(values, n_bins, n_frames, n_channels, g, work, at_bins)
        apply_bank(raw(work), at_bins, step, raw(bands), n_bands, raw(weights), at_bands)
        scatter_rows(work, at_bands, n_bands, g, n_frames, n_channels, out)


@kernel
def cosine_rows(values, matrix, job, work, out):  # type: ignore[no-untyped-def]
    """Apply the cosine transform to levels given as rows, without a floor; shapes as `bank_blocks`."""
    step = lanes(work)
    n_frames, n_channels, n_bands = job[_N_FRAMES], job[_N_CHANNELS], job[_N_BANDS]
    at_rows = step + (n_bands + 1) * step
    for lane in range(step):
        work[lane] = -np.inf
    for g in range(0, n_frames * n_channels, step):
        gather_rows(values, n_bands, n_frames, n_channels, g, work, step)
        block_cosines(raw(work), step, raw(work), step, n_bands, step, 0, raw(matrix), job[_N_GROUPS], at_rows)
        scatter_rows(work, at_rows, job[_N_ROWS], g, n_frames, n_channels, out)
