"""Runs a plan over a signal: blocks of frames through the kernels, then the steps that need the whole signal."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from ._arrays import check_finite
from .dsp.framing import covered_samples, edges
from .plan import Bank, Cosines, Plan
from .workers import run_ranges

__all__ = ["apply_bank", "apply_cosines", "cepstra", "mel_power", "spectra"]

_local = threading.local()

#: Scratch kept per thread, in elements; larger requests are allocated and dropped.
_KEEP = 1 << 20

#: Levels held at once between the passes of `cepstra`, in elements: 4 MB of float32, three minutes at the defaults.
CHUNK = 1 << 20


def scratch(name: str, size: int, dtype: np.dtype) -> np.ndarray:
    """Return `size` elements of this thread's scratch `name`, aligned to a cache line, whatever was in them before."""
    key = name + dtype.char
    held: np.ndarray | None = _local.__dict__.get(key)
    if held is not None and held.size >= size:
        return held[:size]
    raw = np.empty(size * dtype.itemsize + 64, dtype=np.uint8)
    start = -raw.ctypes.data % 64
    made: np.ndarray = raw[start : start + size * dtype.itemsize].view(dtype)
    if size <= _KEEP:
        _local.__dict__[key] = made
    return made


@lru_cache(maxsize=256)
def _job_template(plan: Plan, decibels: bool) -> tuple[np.ndarray, int]:
    """Return the kernels' integers but for the signal's shape, and the size of their scratch."""
    framing, power = plan.config.framing, plan.config.spectrum.power
    lanes, n_bins = plan.lanes, plan.fft.n_bins
    n_bands = plan.bank.n_bands if plan.bank else 0
    at_edge = -(-plan.fft.work_vectors() * lanes // 16) * 16
    at_power = at_edge + -(-lanes * (framing.n_fft + 4) // 16) * 16
    at_bands = at_power + n_bins * lanes * (1 if plan.bank else 2)
    job = np.array(
        [
            0,
            0,
            0,
            framing.hop_length,
            framing.n_fft // 2 if framing.center else 0,
            framing.n_fft,
            plan.transform,
            2 if power == 2 else 1 if power == 1 else 0,
            n_bands,
            int(decibels),
            at_edge,
            at_power,
            at_bands,
            plan.cosines.n_rows if plan.cosines else 0,
            plan.cosines.n_groups if plan.cosines else 0,
            0,
        ],
        dtype=np.int64,
    )
    return job, at_bands + n_bands * lanes


def _job(plan: Plan, shape: tuple[int, int], n_frames: int, *, decibels: bool) -> tuple[np.ndarray, int]:
    """Return the kernels' integers for a signal of ``(n_channels, n)``, and the size of their scratch."""
    template, size = _job_template(plan, decibels)
    job = template.copy()
    job[0], job[1], job[2] = shape[1], n_frames, shape[0]
    return job, size


def _refuse_if_not_finite(y: np.ndarray, plan: Plan, n_frames: int, suspect: float) -> None:
    """Raise if the signal holds a NaN or infinity: in a frame, as the kernels saw, or beside all frames."""
    framing = plan.config.framing
    named = y[0] if y.shape[0] == 1 else y  # so that the index of a one-dimensional signal is one number
    if suspect != 0:  # NaN: a sample is not finite, or the first bin's power overflowed
        check_finite(named)
    covered = covered_samples(y.shape[1], n_frames, framing.n_fft, framing.hop_length, center=framing.center)
    if covered < y.shape[1] and not np.isfinite(y[:, covered:]).all():
        check_finite(named)


def _blocks(shape: tuple[int, int], n_frames: int, lanes: int) -> int:
    return -(-shape[0] * n_frames // lanes)


def _edges_of(y: np.ndarray, plan: Plan) -> tuple[np.ndarray, np.ndarray]:
    framing = plan.config.framing
    return edges(y, framing.n_fft // 2 if framing.center else 0, framing.pad_mode)


def _spread(plan: Plan, first: int, last: int, run: Callable[[int, int], float]) -> float:
    """Run blocks ``first … last - 1`` on the threads that pay; return the sum of what the ranges return."""
    work = plan.lanes * plan.config.framing.n_fft
    return sum(run_ranges(last - first, work, lambda start, stop: run(first + start, first + stop)))


def spectra(y: np.ndarray, plan: Plan) -> np.ndarray:
    """Return the complex spectra ``(n_channels, n_bins, n_frames)`` of ``(n_channels, n)``."""
    from .kernels.blocks import spectrum_blocks

    n_frames = plan.config.framing.n_frames(y.shape[1])
    out = np.empty((y.shape[0], plan.fft.n_bins, n_frames), dtype=np.result_type(y.dtype, np.complex64))
    if out.size == 0:
        return out
    head, tail = _edges_of(y, plan)
    job, size = _job(plan, y.shape, n_frames, decibels=False)
    flat = out.reshape(-1).view(y.dtype)

    def run(first: int, last: int) -> float:
        work = scratch("work", size, y.dtype)
        args = (y, head, tail, plan.window, plan.spec, plan.table, job, work, flat, first, last)
        return spectrum_blocks(*args)  # type: ignore[no-any-return]

    suspect = _spread(plan, 0, _blocks(y.shape, n_frames, plan.lanes), run)
    _refuse_if_not_finite(y, plan, n_frames, suspect)
    return out


def _mel_runner(
    y: np.ndarray, plan: Plan, job: np.ndarray, size: int, out: np.ndarray, peaks: np.ndarray
) -> Callable[[int, int], float]:
    """Return a function that runs `mel_blocks` over a range of blocks."""
    from .kernels.blocks import mel_blocks

    config, bank = plan.config, plan.stage_bank()
    head, tail = _edges_of(y, plan)
    amin = config.compression.amin if config.compression else 0.0
    floors = np.array([amin, config.spectrum.power / 2], dtype=y.dtype)
    fixed = (y, head, tail, plan.window, plan.spec, plan.table, bank.bands, bank.weights, job, floors)

    def run(first: int, last: int) -> float:
        work = scratch("work", size, y.dtype)
        return mel_blocks(*fixed, work, out, peaks, first, last)  # type: ignore[no-any-return]

    return run


def mel_power(y: np.ndarray, plan: Plan) -> np.ndarray:
    """Return the mel spectrogram ``(n_channels, n_mels, n_frames)`` of ``(n_channels, n)``."""
    n_frames = plan.config.framing.n_frames(y.shape[1])
    out = np.empty((y.shape[0], plan.stage_bank().n_bands, n_frames), dtype=y.dtype)
    if out.size:
        job, size = _job(plan, y.shape, n_frames, decibels=False)
        run = _mel_runner(y, plan, job, size, out.reshape(-1), np.empty(0, dtype=y.dtype))
        suspect = _spread(plan, 0, _blocks(y.shape, n_frames, plan.lanes), run)
        _refuse_if_not_finite(y, plan, n_frames, suspect)
    return out


def cepstra(y: np.ndarray, plan: Plan) -> np.ndarray:
    """Return the cepstra ``(n_channels, n_mfcc, n_frames)`` of ``(n_channels, n)``.

    The levels of a long signal are never held whole: a chunk at a time is computed and transformed with the floor that
    the peaks so far give, loud chunks first. Chunks for which the final floor makes a difference are computed again.
    """
    from .kernels.blocks import cepstrum_blocks

    transform = plan.stage_cosines()
    n_channels, n_bands, lanes = y.shape[0], plan.stage_bank().n_bands, plan.lanes
    n_frames = plan.config.framing.n_frames(y.shape[1])
    out = np.empty((n_channels, transform.n_rows, n_frames), dtype=y.dtype)
    if out.size == 0:
        return out
    n_blocks = _blocks(y.shape, n_frames, lanes)
    chunk = min(n_blocks, max(1, CHUNK // (n_bands * lanes)))
    job, size = _job(plan, y.shape, n_frames, decibels=True)
    levels = scratch("levels", chunk * n_bands * lanes, y.dtype)
    peaks = scratch("peaks", n_blocks * lanes, y.dtype)
    if chunk < n_blocks:
        peaks[:] = -np.inf
    run_mel = _mel_runner(y, plan, job, size, levels, peaks)
    flat = out.reshape(-1)
    top_db = plan.config.compression.top_db if plan.config.compression else None

    def floors_now() -> np.ndarray:
        if top_db is None:
            return np.full(n_channels, -np.inf, dtype=y.dtype)
        so_far: np.ndarray = np.maximum.reduce(peaks[: n_channels * n_frames].reshape(n_channels, n_frames), axis=1)
        so_far -= top_db
        return so_far

    def compute(first: int) -> tuple[float, np.ndarray, int]:
        last = min(first + chunk, n_blocks)
        job[-1] = first
        suspect = _spread(plan, first, last, run_mel)
        floors = floors_now()

        def run_cepstrum(start: int, stop: int) -> float:
            work = scratch("work", (2 + n_bands + transform.n_groups * 8) * lanes, y.dtype)
            cepstrum_blocks(levels, floors, transform.matrix, job, work, flat, start, stop)
            return 0.0

        _spread(plan, first, last, run_cepstrum)
        return suspect, floors, last

    if chunk == n_blocks:
        suspect, _, _ = compute(0)
        _refuse_if_not_finite(y, plan, n_frames, suspect)
        return out

    suspect, used = 0.0, {}
    for first in _loud_first(y, plan, n_frames, n_blocks, chunk):
        bad, floors, last = compute(first)
        suspect += bad
        used[first] = floors, levels[: (last - first) * n_bands * lanes].min()
    _refuse_if_not_finite(y, plan, n_frames, suspect)
    final = floors_now()
    for first, (floors, lowest) in used.items():
        channels = slice(first * lanes // n_frames, (min(first + chunk, n_blocks) * lanes - 1) // n_frames + 1)
        changed = floors[channels] != final[channels]
        if (changed & (lowest < final[channels])).any():
            compute(first)
    return out


def _loud_first(y: np.ndarray, plan: Plan, n_frames: int, n_blocks: int, chunk: int) -> list[int]:
    """Return the first blocks of all chunks, those with the loudest samples (one in 509 is looked at) first."""
    hop, flat = plan.config.framing.hop_length, y.reshape(-1)
    starts = range(0, n_blocks, chunk)

    def at(block: int) -> int:
        channel, frame = divmod(block * plan.lanes, n_frames)
        return min(channel, y.shape[0]) * y.shape[1] + min(frame * hop, y.shape[1])

    def loudness(first: int) -> float:
        part = flat[at(first) : at(first + chunk) : 509]  # a prime: in step with no period
        return float(max(part.max(), -part.min())) if part.size else 0.0

    return sorted(starts, key=loudness, reverse=True)


def _rows_job(shape: tuple[int, int, int], n_bands: int, n_rows: int, n_groups: int) -> np.ndarray:
    job = np.zeros(16, dtype=np.int64)
    job[[1, 2, 8, 13, 14]] = shape[2], shape[0], n_bands, n_rows, n_groups
    return job


def apply_bank(S: np.ndarray, bank: Bank) -> np.ndarray:
    """Return the bands ``(n_channels, n_bands, n_frames)`` of spectra ``(n_channels, n_bins, n_frames)``."""
    from .kernels._lanes import LANES
    from .kernels.blocks import bank_blocks

    out = np.empty((S.shape[0], bank.n_bands, S.shape[2]), dtype=S.dtype)
    if out.size:
        work = scratch("work", (bank.n_bins + bank.n_bands) * LANES[S.dtype.name], S.dtype)
        job = _rows_job(S.shape, bank.n_bands, bank.n_bins, 0)
        bank_blocks(S.reshape(-1), bank.bands, bank.weights, job, work, out.reshape(-1))
    return out


def apply_cosines(S: np.ndarray, n_bands: int, transform: Cosines) -> np.ndarray:
    """Return the cepstra ``(n_channels, n_rows, n_frames)`` of levels ``(n_channels, n_bands, n_frames)``."""
    from .kernels._lanes import LANES
    from .kernels.blocks import cosine_rows

    out = np.empty((S.shape[0], transform.n_rows, S.shape[2]), dtype=S.dtype)
    if out.size:
        work = scratch("work", (2 + n_bands + 8 * transform.n_groups) * LANES[S.dtype.name], S.dtype)
        job = _rows_job(S.shape, n_bands, transform.n_rows, transform.n_groups)
        cosine_rows(S.reshape(-1), transform.matrix, job, work, out.reshape(-1))
    return out
