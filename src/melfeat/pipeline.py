"""Runs a plan over signals: blocks of frames through the kernels, then the steps that need the whole signal."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ._arrays import check_finite
from .dsp.framing import edges
from .plan import Bank, Cosines, Plan
from .workers import share

__all__ = [
    "Clips",
    "analyse",
    "apply_bank",
    "apply_cosines",
    "bands",
    "clips_of_channels",
    "clips_of_list",
    "features",
    "features_of_levels",
    "levels",
    "padded",
    "ragged",
    "spectra",
]

_local = threading.local()

#: Scratch kept per thread, in elements; larger requests are allocated and dropped.
_KEEP = 1 << 20

#: Levels held at once between the passes of `features`, in elements: 4 MB of float32, three minutes at the defaults.
CHUNK = 1 << 20

#: Where `kernels.framing.JOB` has what this file sets, and how long its head is; tests hold them together.
_NEXT, _DONE, _NEXT_2, _DONE_2, _SUSPECTS, _SEED, _HEAD = 8, 9, 10, 11, 12, 13, 16

#: Samples of clips that are copied together: 2 MB of float32.
_GROUP = 1 << 19


def scratch(name: str, size: int, dtype: np.dtype) -> np.ndarray:
    """Return `size` elements of this thread's scratch `name`, aligned to a cache line, whatever was in them before."""
    key = name + dtype.char
    held: np.ndarray | None = _local.__dict__.get(key)
    if held is not None and held.size >= size:
        return held
    raw = np.empty(size * dtype.itemsize + 64, dtype=np.uint8)
    start = -raw.ctypes.data % 64
    made: np.ndarray = raw[start : start + size * dtype.itemsize].view(dtype)
    if size <= _KEEP:
        _local.__dict__[key] = made
    return made


@dataclass(frozen=True, eq=False)
class Clips:
    """Signals one behind the other: `y` flat, and in `table` the first sample and the first frame of each, and the end.

    `shape` is ``(n_clips, n)`` if all are channels of one signal. `counts` are the frames of each clip, `first` is the
    number that errors give the first one. Of a piece of a stream, `frames_before` have come before. `is_finite` says
    that all samples have been looked at, so that nobody need do it again, `is_covered` that those beside all frames
    have been, or that there are none: the kernels look at the others.
    """

    y: np.ndarray
    table: np.ndarray
    counts: Sequence[int]
    n_frames: int
    shape: tuple[int, int] | None = None
    first: int = 0
    frames_before: int = 0
    is_finite: bool = False
    is_covered: bool = False

    @property
    def n_clips(self) -> int:
        """How many clips there are."""
        return len(self.counts)

    def clip(self, index: int) -> np.ndarray:
        """Return the samples of a clip."""
        return self.y[self.table[2 * index] : self.table[2 * index + 2]]

    def split(self, flat: np.ndarray, n_rows: int) -> list[np.ndarray]:
        """Return flat rows as one array ``(n_rows, frames)`` per clip."""
        starts = self.table[1::2]
        return [
            flat[starts[i] * n_rows : starts[i + 1] * n_rows].reshape(n_rows, count)
            for i, count in enumerate(self.counts)
        ]


def clips_of_channels(y: np.ndarray, n_frames: int) -> Clips:
    """Return the channels ``(n_channels, n)`` of `n_frames` frames each as clips."""
    n_channels, n = y.shape
    if n_channels == 1:
        table = np.array([0, 0, n, n_frames])
    else:
        table = np.empty(2 * n_channels + 2, dtype=np.int64)
        table[0::2] = np.arange(n_channels + 1) * n
        table[1::2] = np.arange(n_channels + 1) * n_frames
    return Clips(y.reshape(-1), table, (n_frames,) * n_channels, n_channels * n_frames, y.shape)


def groups_of(signals: Sequence[np.ndarray]) -> Iterator[Sequence[np.ndarray]]:
    """Yield signals ``(n,)`` in groups whose samples are worth copying together; a long one is a group of its own."""
    start, size = 0, 0
    for i, signal in enumerate(signals):
        if i > start and (size + signal.size > _GROUP or signal.dtype != signals[start].dtype):
            yield signals[start:i]
            start, size = i, 0
        size += signal.size
    if start < len(signals):
        yield signals[start:]


def clips_of_list(signals: Sequence[np.ndarray], counts: Sequence[int], first: int = 0) -> Clips:
    """Return signals ``(n,)`` of one dtype, with the frames of each, as clips; several are copied together."""
    table = np.zeros(2 * len(signals) + 2, dtype=np.int64)
    np.cumsum([signal.size for signal in signals], out=table[2::2])
    np.cumsum(counts, out=table[3::2])
    flat = np.concatenate(signals) if len(signals) > 1 else signals[0]
    return Clips(flat, table, counts, int(table[-1]), None, first)


def ragged(
    signals: Sequence[np.ndarray], planned: Callable[[np.dtype], Plan], count: Callable[[int, int], int]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield rows ``(n_rows, frames)`` and energies ``(frames,)`` of signals ``(n,)`` of any lengths, in order.

    `planned` gives the plan of a dtype, `count` the frames of the signal of a number and length.
    """
    done = 0
    for group in groups_of(signals):
        made = planned(group[0].dtype)
        counts = [count(done + i, signal.size) for i, signal in enumerate(group)]
        clips = clips_of_list(group, counts, first=done)
        flat, energies = analyse(clips, made)
        starts = clips.table[1::2]
        for i, rows in enumerate(clips.split(flat, made.n_rows)):
            yield rows, energies[starts[i] : starts[i] + counts[i]]
        done += len(group)


def _refuse_if_not_finite(clips: Clips, plan: Plan, suspects: int) -> None:
    """Raise if a signal holds a NaN or infinity: in a frame, as the kernels saw, or beside all frames."""
    if clips.is_finite:
        return
    hop, first = plan.config.framing.hop_length or 1, plan.config.first_sample()
    if suspects:  # a sample is not finite, or the first bin's power overflowed
        _name_what_is_not_finite(clips)
    if clips.is_covered:
        return
    if clips.shape is not None:
        count, n = clips.counts[0], clips.shape[1]
        if hop <= plan.reach and first + (count - 1) * hop + plan.reach >= n:
            return
    elif hop <= plan.reach:
        ends = first + (np.diff(clips.table[1::2]) - 1) * hop + plan.reach
        if (ends >= np.diff(clips.table[0::2])).all():
            return
    if not np.isfinite(clips.y).all():
        _name_what_is_not_finite(clips)


def _name_what_is_not_finite(clips: Clips) -> None:
    if clips.shape is not None:
        # So that the index of a one-dimensional signal is one number.
        check_finite(clips.y if clips.n_clips == 1 else clips.y.reshape(clips.shape))
    else:
        for i in range(clips.n_clips):
            check_finite(clips.clip(i), name=f"clips[{clips.first + i}]")


def _edges_of(clips: Clips, plan: Plan) -> tuple[np.ndarray, np.ndarray, int, int]:
    """Return what stands before and after the clips, flat, and how far apart that of neighbouring clips is."""
    if plan.silence is not None:
        return plan.silence, plan.silence, 0, 0
    framing, left = plan.config.framing, plan.left
    if framing.frames == "center":
        right = left
    else:
        hop, first = framing.hop_length or 1, plan.config.first_sample()
        lengths, counts = np.diff(clips.table[0::2]), np.diff(clips.table[1::2])
        right = max(0, int((first + (counts - 1) * hop + plan.reach - lengths).max(initial=0)))
    if clips.shape is not None:
        head, tail = edges(clips.y.reshape(clips.shape), left, right, framing.pad_mode)
        return head.reshape(-1), tail.reshape(-1), left, right
    head = np.empty((clips.n_clips, left), dtype=clips.y.dtype)
    tail = np.empty((clips.n_clips, right), dtype=clips.y.dtype)
    for i in range(clips.n_clips):
        if clips.counts[i]:
            head[i], tail[i] = (edge[0] for edge in edges(clips.clip(i)[np.newaxis], left, right, framing.pad_mode))
    return head.reshape(-1), tail.reshape(-1), left, right


class _Run:
    """One call: the arguments that its drivers have in common, and the job of a range of blocks."""

    def __init__(self, clips: Clips, plan: Plan) -> None:
        self.clips, self.plan = clips, plan
        self.n_blocks = -(-clips.n_frames // plan.lanes)
        self.head, self.tail, head_stride, tail_stride = _edges_of(clips, plan)
        self.template = np.zeros(_HEAD + clips.table.size, dtype=np.int64)
        self.template[:4] = clips.n_frames, clips.n_clips, head_stride, tail_stride
        self.template[_SEED:_HEAD] = plan.config.preprocessing.dither_seed, clips.frames_before, 0
        self.template[_HEAD:] = clips.table
        self.energies = np.empty(self.n_blocks * plan.lanes if plan.has_energy else 0, dtype=plan.dtype)
        self.suspects = 0

    def blocks(
        self, first: int, last: int, driver: Callable[..., bool], *more: np.ndarray, steps: tuple[int, ...] = (1, 2)
    ) -> None:
        """Run the steps of a driver over blocks ``first … last - 1`` on the threads that pay."""
        plan = self.plan
        job = self.template.copy()
        # first, end, piece, base, next, done, next_2
        job[4:11] = first, last, last - first, first, first, 0, first
        if 1 not in steps:
            job[_NEXT], job[_DONE] = last, last - first
        if 2 not in steps:
            job[_NEXT_2], job[_DONE_2] = last, last - first
        y, head, tail, data, ints, energies = self.clips.y, self.head, self.tail, plan.data, plan.ints, self.energies

        def run() -> bool:
            work = scratch("work", plan.work, plan.dtype)
            return driver(y, head, tail, data, ints, job, work, energies, *more)

        share(job, (last - first) * plan.lanes * (plan.config.framing.n_fft or 1), run)
        self.suspects += int(job[_SUSPECTS])


def spectra(clips: Clips, plan: Plan) -> np.ndarray:
    """Return the complex spectra of clips, flat rows ``(n_bins, frames)`` of each."""
    out = np.empty(clips.n_frames * plan.fft.n_bins, dtype=np.result_type(plan.dtype, np.complex64))
    if out.size:
        run = _Run(clips, plan)
        run.blocks(0, run.n_blocks, plan.drivers.spectra, out.view(plan.dtype))
        _refuse_if_not_finite(clips, plan, run.suspects)
    return out


def bands(clips: Clips, plan: Plan) -> tuple[np.ndarray, np.ndarray]:
    """Return bands without a logarithm, or the spectrum, flat rows ``(n_rows, frames)`` of each clip, and energies."""
    out = np.empty(clips.n_frames * plan.n_rows, dtype=plan.dtype)
    if not out.size:
        return out, out[:0]
    run = _Run(clips, plan)
    run.blocks(0, run.n_blocks, plan.drivers.bands, out)
    _refuse_if_not_finite(clips, plan, run.suspects)
    config = plan.config
    if plan.bank is None and config.spectrum.spectrum_scale == "1/n_fft":  # that of bands is in their weights
        out /= config.framing.n_fft
    return out, run.energies


def analyse(clips: Clips, plan: Plan) -> tuple[np.ndarray, np.ndarray]:
    """Return `features` of clips, or `bands` where the configuration ends with those."""
    return (features if plan.config.compression else bands)(clips, plan)


def features(clips: Clips, plan: Plan) -> tuple[np.ndarray, np.ndarray]:
    """Return levels or cepstra, flat rows ``(n_rows, frames)`` of each clip, and the energies of all frames.

    Where levels have a floor below the peak, those of long signals are never held whole: a chunk at a time is computed
    and finished with the floor that the peaks so far give, loud chunks first. Chunks for which the final floor makes a
    difference are computed again.
    """
    out = np.empty(clips.n_frames * plan.n_rows, dtype=plan.dtype)
    if not out.size:
        return out, out[:0]
    run = _Run(clips, plan)
    none = run.energies[:0]
    if not plan.has_floor:
        run.blocks(0, run.n_blocks, plan.drivers.features, none, none, none, none, out)
        _refuse_if_not_finite(clips, plan, run.suspects)
        return out, run.energies

    lanes, per_block = plan.lanes, plan.n_levels * plan.lanes
    chunk = min(run.n_blocks, max(1, CHUNK // per_block))
    levels = scratch("levels", chunk * per_block, plan.dtype)
    peaks = scratch("peaks", chunk * lanes, plan.dtype)
    tops = np.full(clips.n_clips, -np.inf, dtype=plan.dtype)

    def compute(first: int) -> int:
        last = min(first + chunk, run.n_blocks)
        floors = np.empty(clips.n_clips, dtype=plan.dtype)
        run.blocks(first, last, plan.drivers.features, levels, peaks, tops, floors, out)
        return last

    if chunk == run.n_blocks:
        compute(0)
        _refuse_if_not_finite(clips, plan, run.suspects)
        return out, run.energies

    depth, used = plan.dtype.type(plan.below_peak), {}
    for first in _loud_first(clips, plan, run.n_blocks, chunk):
        last = compute(first)
        begin, end = first * lanes, min(last * lanes, clips.n_frames)
        low, high = (int(i) for i in np.searchsorted(clips.table[1::2], [begin, end - 1], side="right") - 1)
        starts = np.maximum(clips.table[1 + 2 * low : 2 + 2 * high : 2] - begin, 0)
        here = slice(low, high + 1)
        tops[here] = np.maximum(tops[here], np.maximum.reduceat(peaks[: end - begin], starts))
        used[first] = here, _tops(plan, tops)[here] - depth, levels[: (last - first) * per_block].min()
    _refuse_if_not_finite(clips, plan, run.suspects)
    final = _tops(plan, tops) - depth
    for first, (here, floors, lowest) in used.items():
        if ((floors != final[here]) & (lowest < final[here])).any():
            compute(first)
    return out, run.energies


def levels(clips: Clips, plan: Plan) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what `features_of_levels` takes, the peak of each clip, and the energies of all frames.

    Clips have frames, and the plan has a floor. The levels are blocks of frames as the kernels have them, flat.
    """
    run = _Run(clips, plan)
    flat = np.empty(run.n_blocks * plan.n_levels * plan.lanes, dtype=plan.dtype)
    peaks = np.empty(run.n_blocks * plan.lanes, dtype=plan.dtype)
    none = run.energies[:0]
    run.blocks(0, run.n_blocks, plan.drivers.features, flat, peaks, none, none, none, steps=(1,))
    _refuse_if_not_finite(clips, plan, run.suspects)
    return flat, np.maximum.reduceat(peaks[: clips.n_frames], clips.table[1:-1:2]), run.energies


def features_of_levels(flat: np.ndarray, tops: np.ndarray, n_frames: int, plan: Plan) -> np.ndarray:
    """Return what `features` does, of the levels of clips of `n_frames` each, whose peaks are `tops`."""
    table = np.zeros(2 * tops.size + 2, dtype=np.int64)
    table[1::2] = np.arange(tops.size + 1) * n_frames
    run = _Run(Clips(flat[:0], table, (n_frames,) * tops.size, tops.size * n_frames, (tops.size, 0)), plan)
    out = np.empty(tops.size * n_frames * plan.n_rows, dtype=plan.dtype)
    peaks = np.full(tops.size * n_frames, -np.inf, dtype=plan.dtype)
    floors = np.empty(tops.size, dtype=plan.dtype)
    run.blocks(0, run.n_blocks, plan.drivers.features, flat, peaks, _tops(plan, tops), floors, out, steps=(2,))
    return out


def _tops(plan: Plan, tops: np.ndarray) -> np.ndarray:
    """Return the peak that each clip's floor lies below: its own, or that of all."""
    compression = plan.config.compression
    if compression is not None and compression.peak_scope == "array":
        return np.full_like(tops, tops.max())
    return tops.copy()


def _loud_first(clips: Clips, plan: Plan, n_blocks: int, chunk: int) -> list[int]:
    """Return the first blocks of all chunks, those with the loudest samples (one in 509 is looked at) first."""
    hop = plan.config.framing.hop_length or 1
    samples, frames = clips.table[0::2], clips.table[1::2]

    def at(block: int) -> int:
        frame = block * plan.lanes
        clip = min(int(np.searchsorted(frames, frame, side="right")) - 1, clips.n_clips - 1)
        return min(int(samples[clip] + (frame - frames[clip]) * hop), int(samples[clip + 1]))

    def loudness(first: int) -> float:
        part = clips.y[at(first) : at(min(first + chunk, n_blocks)) : 509]  # a prime: in step with no period
        return float(max(part.max(), -part.min())) if part.size else 0.0

    return sorted(range(0, n_blocks, chunk), key=loudness, reverse=True)


def padded(parts: Sequence[np.ndarray], n_features: int) -> tuple[np.ndarray, np.ndarray]:
    """Return arrays ``(n_features, frames)`` as one ``(n, n_features, largest)``, zeros behind them, and lengths."""
    lengths = np.array([part.shape[-1] for part in parts], dtype=np.int64)
    dtype = parts[0].dtype if parts else np.dtype(np.float32)
    out = np.zeros((len(parts), n_features, max(lengths.tolist(), default=0)), dtype=dtype)
    for i, part in enumerate(parts):
        out[i, :, : part.shape[-1]] = part
    return out, lengths


def _rows_job(n_clips: int, n_frames: int) -> np.ndarray:
    from .kernels.framing import CLIPS

    job = np.zeros(CLIPS + 2 * n_clips + 2, dtype=np.int64)
    job[:2] = n_clips * n_frames, n_clips
    job[CLIPS + 1 :: 2] = np.arange(n_clips + 1) * n_frames
    return job


def apply_bank(S: np.ndarray, bank: Bank) -> np.ndarray:
    """Return the bands ``(n_channels, n_bands, n_frames)`` of spectra ``(n_channels, n_bins, n_frames)``."""
    from .kernels._lanes import LANES
    from .kernels.blocks import bank_blocks

    out = np.empty((S.shape[0], bank.n_bands, S.shape[2]), dtype=S.dtype)
    if out.size:
        work = scratch("work", (bank.n_bins + bank.n_bands) * LANES[S.dtype.name], S.dtype)
        job = _rows_job(S.shape[0], S.shape[2])
        bank_blocks(S.reshape(-1), bank.n_bins, bank.bands, bank.n_bands, bank.weights, job, work, out.reshape(-1))
    return out


def apply_cosines(S: np.ndarray, n_bands: int, transform: Cosines) -> np.ndarray:
    """Return the cepstra ``(n_channels, n_rows, n_frames)`` of levels ``(n_channels, n_bands, n_frames)``."""
    from .kernels._lanes import LANES
    from .kernels.blocks import cosine_rows

    out = np.empty((S.shape[0], transform.n_rows, S.shape[2]), dtype=S.dtype)
    if out.size:
        work = scratch("work", (2 + n_bands + 8 * transform.n_groups) * LANES[S.dtype.name], S.dtype)
        job = _rows_job(S.shape[0], S.shape[2])
        flat = S.reshape(-1), n_bands, transform.matrix, transform.n_rows, transform.n_groups
        cosine_rows(*flat, job, work, out.reshape(-1))
    return out
