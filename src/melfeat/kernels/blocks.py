"""The drivers: loops over lane blocks that chain the stages while a block is in the cache. Python calls only these.

Three records hold what a driver needs: `data` and `ints` of the plan (floats and integers, `DATA` and `INTS` name their
heads; window, tables, weights and matrix stand behind), and `job` of the call (`framing.JOB`). Inside, stages get `raw`
pointers.

Blocks are taken in pieces by all threads that run a driver, whoever comes first (`framing.JOB` counts them), so a
thread that starts late or is held up costs the others nothing. A piece in which the first bin of a frame times 0 is NaN
raises `suspects`: a sample, or the power of the first bin, is not finite. That is the finite check, for free.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ._jit import kernel
from ._lanes import fma, load, splat, store, vmax, zero
from ._simd import codelet, fetch_add, invoke8, lanes, part, raw
from ._words import get, put, zeros
from .cepstrum import block_cosines
from .compress import N_CONSTANTS, block_levels, block_root, block_square
from .filterbank import apply_bank
from .framing import (
    BASE,
    CLIPS,
    DONE,
    DONE_2,
    END,
    FIRST,
    N_CLIPS,
    N_FRAMES,
    NEXT,
    NEXT_2,
    PIECE,
    SUSPECTS,
    assemble,
    clip_of,
    is_interior,
    scatter_complex,
    scatter_rows,
)
from .prepare import gather, prepare

__all__ = [
    "DATA",
    "DATA_HEAD",
    "INTS",
    "INTS_HEAD",
    "band_blocks",
    "bank_blocks",
    "cosine_rows",
    "feature_blocks",
    "spectrum_blocks",
]

#: Floats of a plan: pre-emphasis, dither, half the spectrum's exponent, the parameters of `block_levels`, how far below
#: the peak a level may lie, and what levels that are the result are shifted and multiplied by.
DATA = ("preemphasis", "dither", "exponent", "levels", *(f"levels_{i}" for i in range(1, 3 + N_CONSTANTS)),
        "below_peak", "shift", "scale")  # fmt: skip
DATA_HEAD = 32
_EXPONENT, _LEVELS = DATA.index("exponent"), DATA.index("levels")
_BELOW_PEAK, _SHIFT, _SCALE = (DATA.index(name) for name in ("below_peak", "shift", "scale"))

#: Integers of a plan. ``at_*`` are offsets: of the scratch `work` (edge, power, bands, rows), of `data` (window, table,
#: weights, matrix, ones), of the integers themselves (spec, band_table, prepare). `power` is 2 for power, 1 for
#: magnitude, 0 for `DATA`'s exponent; `n_levels` is `n_bands` without the band that sums up the energy; `squared` says
#: that bands are squared; `floor` is 0 where levels have none, 1 below the peak of their clip, 2 below that of all.
INTS = (
    "hop", "left", "n_fft", "reach", "transform", "power", "n_bands", "n_levels", "logarithm", "floor", "n_rows",
    "n_groups", "at_edge", "at_power", "at_bands", "at_rows", "at_window", "at_table", "at_weights", "at_matrix",
    "at_ones", "at_spec", "at_band_table", "at_prepare", "squared",
)  # fmt: skip
INTS_HEAD = 32
(
    _HOP, _LEFT, _N_FFT, _REACH, _TRANSFORM, _POWER, _N_BANDS, _N_LEVELS, _LOGARITHM, _FLOOR, _N_ROWS,
    _N_GROUPS, _AT_EDGE, _AT_POWER, _AT_BANDS, _AT_ROWS, _AT_WINDOW, _AT_TABLE, _AT_WEIGHTS, _AT_MATRIX,
    _AT_ONES, _AT_SPEC, _AT_BAND_TABLE, _AT_PREPARE, _SQUARED,
) = range(len(INTS))  # fmt: skip

#: How often a thread looks whether the others have finished their pieces before it gives up its processor.
_PATIENCE = 1 << 14


@codelet(returns=1)
def _watch(work: Any, at: Any, suspect: Any) -> Any:
    return fma(load(work, at), zero(work), suspect)


@kernel
def _note_suspects(job, work, suspect):  # type: ignore[no-untyped-def]
    put(work, 0, suspect)
    total = work[0]
    for lane in range(1, lanes(work)):
        total += work[lane]
    if total != 0:  # NaN is not 0
        fetch_add(job, SUSPECTS, 1)


@kernel
def _transform(y, head, tail, data, ints, job, clip, g, work, energies):  # type: ignore[no-untyped-def]
    """Write power or spectrum of frames g … g + L - 1 at ``work[at_power]``."""
    step = lanes(work)
    hop, left, n_fft, reach, at_edge = ints[_HOP], ints[_LEFT], ints[_N_FFT], ints[_REACH], ints[_AT_EDGE]
    window, spec = part(data, ints[_AT_WINDOW]), part(ints, ints[_AT_SPEC])
    table = part(data, ints[_AT_TABLE])
    inside = is_interior(job, clip, g, step, hop, left, n_fft)
    start, stride = at_edge, n_fft + 4
    if inside:
        start = job[CLIPS + 2 * clip] + (g - job[CLIPS + 2 * clip + 1]) * hop - left
        stride = hop
    else:
        assemble(y, head, tail, job, clip, g, hop, left, n_fft, reach, work, at_edge)
    source = raw(y) if inside else raw(work)
    if ints[_AT_PREPARE] > 0:
        gather(source, start, stride, part(data, ints[_AT_ONES]), reach, raw(work))
        prepare(y, job, clip, g, part(ints, ints[_AT_PREPARE]), data, work, energies)
    invoke8(ints[_TRANSFORM], source, window, spec, table, raw(work), start, stride, ints[_AT_POWER])


@kernel
def spectrum_blocks(y, head, tail, data, ints, job, work, energies, out):  # type: ignore[no-untyped-def]
    """Write the spectra to the flat complex `out`, seen as pairs of floats."""
    step = lanes(work)
    end, piece = job[END], job[PIECE]
    while True:
        first = fetch_add(job, NEXT, piece)
        if first >= end:
            break
        suspect = zeros(work)
        for block in range(first, min(first + piece, end)):
            g = block * step
            clip = clip_of(job, g)
            _transform(y, head, tail, data, ints, job, clip, g, work, energies)
            suspect = _watch(work, ints[_AT_POWER], suspect)
            scatter_complex(work, ints[_AT_POWER], ints[_N_FFT] // 2 + 1, job, clip, g, out)
        _note_suspects(job, work, suspect)
        fetch_add(job, DONE, min(piece, end - first))
    return _wait(job, DONE)


@kernel
def _wait(job, counter):  # type: ignore[no-untyped-def]
    """Return whether all blocks of a step are done, having waited a little for it."""
    wanted = job[END] - job[FIRST]
    for _ in range(_PATIENCE):  # noqa: SIM110 - a kernel
        if fetch_add(job, counter, 0) == wanted:
            return True
    return False


@kernel
def _bands(y, head, tail, data, ints, job, clip, g, work, energies):  # type: ignore[no-untyped-def]
    """Write the bands of frames g … at ``work[at_bands]``: their spectrum, if the plan has no filterbank."""
    step = lanes(work)
    at_power, n_bins, n_bands = ints[_AT_POWER], ints[_N_FFT] // 2 + 1, ints[_N_BANDS]
    _transform(y, head, tail, data, ints, job, clip, g, work, energies)
    if ints[_POWER] == 1:
        block_root(raw(work), at_power, n_bins, step)
    elif ints[_POWER] == 0:
        for i in range(at_power, at_power + n_bins * step):
            work[i] = work[i] ** data[_EXPONENT]
    if n_bands > 0:
        table, weights = part(ints, ints[_AT_BAND_TABLE]), part(data, ints[_AT_WEIGHTS])
        apply_bank(raw(work), at_power, step, table, n_bands, weights, ints[_AT_BANDS])
        if ints[_SQUARED] > 0:
            block_square(raw(work), ints[_AT_BANDS], ints[_N_LEVELS], step)
        if n_bands > ints[_N_LEVELS]:
            put(energies, g, get(work, ints[_AT_BANDS] + ints[_N_LEVELS] * step))


@kernel
def band_blocks(y, head, tail, data, ints, job, work, energies, out):  # type: ignore[no-untyped-def]
    """Write bands without a logarithm to the flat rows `out`, or where there is no filterbank the spectrum."""
    step = lanes(work)
    end, piece = job[END], job[PIECE]
    n_rows = ints[_N_LEVELS] if ints[_N_BANDS] > 0 else ints[_N_FFT] // 2 + 1
    while True:
        first = fetch_add(job, NEXT, piece)
        if first >= end:
            break
        suspect = zeros(work)
        for block in range(first, min(first + piece, end)):
            g = block * step
            clip = clip_of(job, g)
            _bands(y, head, tail, data, ints, job, clip, g, work, energies)
            suspect = _watch(work, ints[_AT_POWER], suspect)
            scatter_rows(work, ints[_AT_BANDS], n_rows, job, clip, g, out)
        _note_suspects(job, work, suspect)
        fetch_add(job, DONE, min(piece, end - first))
    return _wait(job, DONE)


@codelet()
def _finish_step(work: Any, floor: Any, levels: Any, at: Any, to: Any, shift: Any, scale: Any) -> None:
    store(work, to, (vmax(load(levels, at), load(work, floor)) + splat(shift, 0)) * splat(scale, 0))


@kernel
def _finish(levels, at, data, ints, job, clip, g, work, out):  # type: ignore[no-untyped-def]
    """Turn the levels ``(n_levels, L)``, raised to ``work[0 : L]``, into the result: transformed or as they are."""
    step = lanes(work)
    n_levels, at_rows = ints[_N_LEVELS], ints[_AT_ROWS]
    if ints[_N_GROUPS] > 0:
        matrix = part(data, ints[_AT_MATRIX])
        block_cosines(levels, at, raw(work), step, n_levels, step, 0, matrix, ints[_N_GROUPS], at_rows)
        scatter_rows(work, at_rows, ints[_N_ROWS], job, clip, g, out)
    else:
        for row in range(n_levels):
            to = at_rows + row * step
            _finish_step(work, 0, levels, at + row * step, to, part(data, _SHIFT), part(data, _SCALE))
        scatter_rows(work, at_rows, n_levels, job, clip, g, out)


@kernel
def _find_floors(peaks, tops, data, ints, job, step, floors):  # type: ignore[no-untyped-def]
    """Write the least level of each clip that has frames in these blocks.

    It lies below the peak of the clip in these blocks, and in those before (`tops`).
    """
    first, end = job[FIRST] * step, min(job[END] * step, job[N_FRAMES])
    base = job[BASE] * step
    clip = clip_of(job, first)
    top = tops[clip]
    highest = top
    for g in range(first, end):
        while g >= job[CLIPS + 2 * clip + 3]:
            floors[clip] = top - data[_BELOW_PEAK]
            clip += 1
            top = tops[clip]
        top = max(top, peaks[g - base])
        highest = max(highest, top)
    floors[clip] = top - data[_BELOW_PEAK]
    if ints[_FLOOR] == 2:
        for i in range(job[N_CLIPS]):
            highest = max(highest, tops[i])
        floors[:] = highest - data[_BELOW_PEAK]


@kernel
def feature_blocks(y, head, tail, data, ints, job, work, energies, levels, peaks, tops, floors, out):  # type: ignore[no-untyped-def]
    """Write the levels of bands, or their cosine transform, to the flat rows `out`; return whether all is done.

    Without a floor that depends on other frames a block goes through at once. With one, the first step writes lane
    blocks of `levels` ``(block, band, L)`` and the largest level of each frame to `peaks`, the second the result.
    False means that other threads still hold pieces of the first step: call again when they have returned.
    """
    step = lanes(work)
    end, piece, n_levels = job[END], job[PIECE], ints[_N_LEVELS]
    at_power, at_bands, logarithm = ints[_AT_POWER], ints[_AT_BANDS], ints[_LOGARITHM]
    low = zero_floor(work)
    while True:
        first = fetch_add(job, NEXT, piece)
        if first >= end:
            break
        suspect = zeros(work)
        for block in range(first, min(first + piece, end)):
            g = block * step
            clip = clip_of(job, g)
            _bands(y, head, tail, data, ints, job, clip, g, work, energies)
            suspect = _watch(work, at_power, suspect)
            if ints[_FLOOR] == 0:
                block_levels(raw(work), at_bands, n_levels, step, part(data, _LEVELS), logarithm,
                             raw(work), at_bands, raw(work), 0)  # fmt: skip
                put(work, 0, low)
                _finish(raw(work), at_bands, data, ints, job, clip, g, work, out)
            else:
                to = (block - job[BASE]) * n_levels * step
                block_levels(raw(work), at_bands, n_levels, step, part(data, _LEVELS), logarithm,
                             raw(levels), to, raw(peaks), g - job[BASE] * step)  # fmt: skip
        _note_suspects(job, work, suspect)
        fetch_add(job, DONE, min(piece, end - first))
    if not _wait(job, DONE):
        return False
    if ints[_FLOOR] == 0 or fetch_add(job, NEXT_2, 0) >= end:
        return ints[_FLOOR] == 0 or _wait(job, DONE_2)
    _find_floors(peaks, tops, data, ints, job, step, floors)
    while True:
        first = fetch_add(job, NEXT_2, piece)
        if first >= end:
            break
        for block in range(first, min(first + piece, end)):
            g = block * step
            clip = clip_of(job, g)
            here = clip
            for lane in range(step):
                while here + 1 < job[N_CLIPS] and g + lane >= job[CLIPS + 2 * here + 3]:
                    here += 1
                work[lane] = floors[here]
            _finish(raw(levels), (block - job[BASE]) * n_levels * step, data, ints, job, clip, g, work, out)
        fetch_add(job, DONE_2, min(piece, end - first))
    return _wait(job, DONE_2)


@codelet(returns=1)
def zero_floor(work: Any) -> Any:
    """Return a vector of minus infinity."""
    return zero(work, -np.inf)


@kernel
def gather_rows(values, n_rows, job, g, work, at):  # type: ignore[no-untyped-def]
    """Write frames g … of the flat rows `values` as a lane block; zeros past the last."""
    step = lanes(work)
    clip = clip_of(job, g)
    for lane in range(step):
        inside = g + lane < job[N_FRAMES]
        while inside and g + lane >= job[CLIPS + 2 * clip + 3]:
            clip += 1
        first, end = job[CLIPS + 2 * clip + 1], job[CLIPS + 2 * clip + 3]
        source = first * n_rows + g + lane - first
        for row in range(n_rows):
            work[at + row * step + lane] = values[source + row * (end - first)] if inside else 0.0


@kernel
def bank_blocks(values, n_bins, bands, n_bands, weights, job, work, out):  # type: ignore[no-untyped-def]
    """Apply the filterbank to spectra given as rows ``(n_bins, frames)`` of one clip after the other."""
    step = lanes(work)
    at_bins = 0 * step  # not 0: Numba would compile what it is passed to once more for the literal
    at_bands = n_bins * step
    for g in range(0, job[N_FRAMES], step):
        gather_rows(values, n_bins, job, g, work, at_bins)
        apply_bank(raw(work), at_bins, step, raw(bands), n_bands, raw(weights), at_bands)
        scatter_rows(work, at_bands, n_bands, job, clip_of(job, g), g, out)


@kernel
def cosine_rows(values, n_bands, matrix, n_rows, n_groups, job, work, out):  # type: ignore[no-untyped-def]
    """Apply the cosine transform to levels given as rows, without a floor; shapes as `bank_blocks`."""
    step = lanes(work)
    at_rows = step + (n_bands + 1) * step
    for lane in range(step):
        work[lane] = -np.inf
    for g in range(0, job[N_FRAMES], step):
        gather_rows(values, n_bands, job, g, work, step)
        block_cosines(raw(work), step, raw(work), step, n_bands, step, 0, raw(matrix), n_groups, at_rows)
        scatter_rows(work, at_rows, n_rows, job, clip_of(job, g), g, out)
