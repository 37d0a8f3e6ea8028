"""From a `Config` and a dtype to the frozen records and compiled entries that the kernels need, cached."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .config import Config
from .dsp.bank import filterbank_matrix
from .dsp.cepstrum import cepstral_matrix, packed
from .dsp.fft import FFTPlan, plan_fft
from .dsp.framing import PLAIN_RULES
from .dsp.mel import banded
from .errors import ParameterError
from .stages import Cepstrum, Compression, Filterbank, Framing, Spectrum, window_values

__all__ = [
    "Bank",
    "Cosines",
    "Drivers",
    "Plan",
    "bank_of_filterbank",
    "bank_of_matrix",
    "cosines",
    "fuses_affine",
    "is_prepared",
    "padded_window",
    "plan",
    "stream_lead",
    "stream_plan",
]


def _frozen(array: np.ndarray, dtype: np.dtype | type) -> np.ndarray:
    result = np.array(array, dtype=dtype, order="C", copy=True)
    result.setflags(write=False)
    return result


@dataclass(frozen=True, eq=False)
class Bank:
    """A banded filterbank: ``(first bin, number of bins, offset)`` per band, flat, and the weights."""

    n_bands: int
    n_bins: int
    n_empty: int
    bands: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True, eq=False)
class Cosines:
    """A cosine transform with its lifter: `n_rows` rows, packed in groups by `dsp.cepstrum.packed`."""

    n_rows: int
    n_groups: int
    matrix: np.ndarray


class Drivers(NamedTuple):
    """The kernels that Python calls."""

    spectra: Callable[..., bool]
    bands: Callable[..., bool]
    features: Callable[..., bool]


@dataclass(frozen=True, eq=False)
class Plan:
    """What a configuration needs in one dtype; the pipeline adds only the signal.

    `ints` and `data` are the records of `kernels.blocks`. `left` and `reach` are the samples before the first frame's
    origin and those of a frame that count; `silence` is what stands beyond the ends of a clip where that is zeros.
    """

    config: Config
    dtype: np.dtype
    lanes: int
    fft: FFTPlan
    data: np.ndarray
    ints: np.ndarray
    work: int
    left: int
    reach: int
    silence: np.ndarray | None
    n_rows: int
    n_levels: int
    has_floor: bool
    has_energy: bool
    below_peak: float
    bank: Bank | None
    cosines: Cosines | None
    drivers: Drivers


def padded_window(framing: Framing) -> np.ndarray:
    """Return the window in its place among `n_fft` samples and four zeros behind them, in float64."""
    n_fft, win_length = framing.n_fft or 0, framing.win_length or 0
    values = window_values(framing.window, win_length, framing.window_symmetric)
    if framing.window_scale == "2/sum":
        values = values * (2 / values.sum())
    result = np.zeros(n_fft + 4)
    start = (n_fft - win_length) // 2 if framing.window_align == "center" else 0
    result[start : start + win_length] = values
    return result


def bank_of_matrix(matrix: np.ndarray, dtype: np.dtype) -> Bank:
    """Return a dense ``(n_bands, n_bins)`` filterbank as bands."""
    starts, counts, weights = banded(matrix)
    offsets = np.concatenate([[0], np.cumsum(counts)])[:-1]
    bands = np.stack([starts, counts, offsets], axis=1).reshape(-1)
    n_empty = int(np.count_nonzero(counts == 0))
    return Bank(
        matrix.shape[0], matrix.shape[1], n_empty, _frozen(bands, np.int64), _frozen(np.append(weights, 0.0), dtype)
    )


@lru_cache(maxsize=256)
def bank_of_filterbank(
    filterbank: Filterbank, sr: float, n_fft: int, dtype: np.dtype, scale: float = 1.0, energy: bool = False
) -> Bank:
    """Return the bands in the dtype of the signal, times `scale`; with `energy` one more that sums up all bins."""
    options = asdict(filterbank)
    del options["band_power"]
    if scale == 1.0 and not energy:
        return bank_of_matrix(filterbank_matrix(sr, n_fft, **options, dtype=dtype), dtype)
    matrix = filterbank_matrix(sr, n_fft, **options, dtype=np.float64) * scale
    if energy:
        matrix = np.concatenate([matrix, np.full((1, matrix.shape[1]), scale)])
    return bank_of_matrix(matrix.astype(dtype), dtype)


@lru_cache(maxsize=256)
def cosines(cepstrum: Cepstrum, n_bands: int, dtype: np.dtype) -> Cosines:
    """Return the cosine transform of `n_bands` bands; lifter and scaling are folded into the matrix."""
    from .kernels.cepstrum import GROUP

    matrix = cepstral_matrix(n_bands, **asdict(cepstrum))
    return Cosines(len(matrix), -(-len(matrix) // GROUP), _frozen(packed(matrix, GROUP), dtype))


def _level_data(compression: Compression, dtype: np.dtype) -> list[float]:
    """Return the parameters of `kernels.compress.block_levels`: threshold, replacement, addend, then the logarithm."""
    from .kernels.compress import N_CONSTANTS, log_constants

    floor = compression.floor
    threshold, replacement, addend = -1.0, 0.0, 0.0
    if floor is not None:
        if compression.floor_kind == "add":
            addend = floor
        else:
            replacement = floor
            threshold = floor if compression.floor_kind == "clamp" else float(np.finfo(dtype).smallest_subnormal)
    if compression.logarithm is None:
        return [threshold, replacement, addend] + [0.0] * N_CONSTANTS
    return [threshold, replacement, addend, *log_constants(compression.logarithm, dtype.name)]


def below_peak(compression: Compression | None) -> float:
    """Return how far below the peak a level may lie, in the unit of the levels; infinite for no floor."""
    if compression is None or compression.top_db is None:
        return math.inf
    if compression.logarithm is None:
        raise ParameterError(f"top_db={compression.top_db:g}: levels without a logarithm have none; use top_db=None")
    return compression.top_db * {"db": 1.0, "db20": 1.0, "log10": 0.1, "ln": math.log(10) / 10}[compression.logarithm]


def is_prepared(config: Config) -> bool:
    """Return whether frames go through steps of their own before their transform."""
    p, energy = config.preprocessing, config.energy
    in_frames = (p.preemphasis > 0 and p.preemphasis_scope == "frame") or (p.dither > 0 and p.dither_scope == "frame")
    return p.remove_dc or in_frames or (energy is not None and energy.energy_point != "spectrum")


def _prepare_ints(config: Config, reach: int, at_scratch: int, at_window: int, at_scale: int) -> list[int]:
    """Return the integers of `kernels.prepare.prepare`."""
    from .kernels.prepare import FIRST_PREVIOUS, FIRST_SCALED, FIRST_ZERO

    p, energy = config.preprocessing, config.energy
    rules = {"scaled": FIRST_SCALED, "zero": FIRST_ZERO, "previous": FIRST_PREVIOUS}
    own = p.preemphasis > 0 and p.preemphasis_scope == "frame"
    point = {"raw": 0, "windowed": 1, "spectrum": -1}[energy.energy_point] if energy is not None else -1
    dither = {"gaussian": 1, "uniform": 2}[p.dither_kind] if p.dither > 0 and p.dither_scope == "frame" else 0
    rule = rules[p.preemphasis_first] if own else FIRST_ZERO
    framing = config.framing
    return [
        framing.hop_length or 0, -config.first_sample(), framing.n_fft or 0, reach, at_scratch, at_window,
        int(p.remove_dc), rule, point, dither, at_scale,
    ]  # fmt: skip


def _reach(framing: Framing, prepared: bool) -> int:
    if prepared or framing.window_align == "left":
        return framing.frame_length
    n_fft, win_length = framing.n_fft or 0, framing.win_length or 0
    return (n_fft - win_length) // 2 + win_length


@lru_cache(maxsize=64)
def plan(config: Config, dtype: np.dtype, complex_spectra: bool = False, scale: float = 1.0) -> Plan:
    """Return the plan of `config` for signals of `dtype`; compiles the FFT's passes if this process has not yet.

    With `complex_spectra` it is a plan for `pipeline.spectra`, and the configuration ends with its framing. `scale`
    multiplies the samples as frames are gathered, where they are (`is_prepared`).
    """
    from .kernels._lanes import LANES
    from .kernels.blocks import (
        DATA,
        DATA_HEAD,
        INTS,
        INTS_HEAD,
        band_blocks,
        feature_blocks,
        spectrum_blocks,
    )
    from .kernels.fft import bind

    framing, p, energy = config.framing, config.preprocessing, config.energy
    n_fft, hop = framing.n_fft or 0, framing.hop_length or 0
    lanes, prepared = LANES[dtype.name], is_prepared(config)
    fft = plan_fft(n_fft, prepared)
    spec, transform = bind(fft.spec, dtype.name, spectrum=complex_spectra)
    reach, left = _reach(framing, prepared), max(0, -config.first_sample())

    spectral = energy is not None and energy.energy_point == "spectrum"
    bank, cepstral = None, None
    if config.filterbank is not None:
        bank = bank_of_filterbank(config.filterbank, config.sr, n_fft, dtype, _scale(config.spectrum, n_fft), spectral)
    n_bands = bank.n_bands if bank else 0
    n_levels = n_bands - spectral
    if config.cepstrum is not None:
        cepstral = cosines(config.cepstrum, n_levels, dtype)

    parts: list[np.ndarray] = [np.zeros(DATA_HEAD)]

    def behind(values: np.ndarray) -> int:
        parts.append(values)
        return sum(part.size for part in parts[:-1])

    at_window, at_table = behind(padded_window(framing)), behind(fft.table)
    at_weights = behind(bank.weights) if bank else 0
    at_matrix = behind(cepstral.matrix) if cepstral else 0
    at_ones = behind(np.full(4, scale))
    depth = below_peak(config.compression)
    head = {"preemphasis": p.preemphasis if p.preemphasis_scope == "frame" else 0.0, "dither": p.dither}
    head |= {"exponent": config.spectrum.power / 2, "below_peak": depth if depth < math.inf else 0.0}
    fused = fuses_affine(config)
    head |= {"shift": config.post.shift if fused else 0.0, "scale": config.post.scale if fused else 1.0}
    for name, value in head.items():
        parts[0][DATA.index(name)] = value
    if config.compression is not None:
        values = _level_data(config.compression, dtype)
        parts[0][DATA.index("levels") : DATA.index("levels") + len(values)] = values

    def aligned(n: int) -> int:
        return -(-n // 16) * 16

    at_edge = aligned(max(fft.work_vectors(), n_levels + 2) * lanes)
    at_power = at_edge + aligned(lanes * (n_fft + 4))
    at_bands = at_power + (fft.n_bins * lanes if bank else 0)
    at_rows = at_bands + max(n_bands, 0 if bank else 2 * fft.n_bins) * lanes
    work = at_rows + max(8 * cepstral.n_groups if cepstral else n_levels, 1) * lanes

    power = config.spectrum.power
    at_spec = INTS_HEAD
    at_band_table = at_spec + spec.size
    at_prepare = at_band_table + (bank.bands.size if bank else 0)
    floor = 0 if depth == math.inf else 2 if config.compression and config.compression.peak_scope == "array" else 1
    entries = {
        "hop": hop, "left": -config.first_sample(), "n_fft": n_fft, "reach": reach, "transform": transform,
        "power": 2 if power == 2 else 1 if power == 1 else 0, "n_bands": n_bands, "n_levels": n_levels,
        "logarithm": int(config.compression is not None and config.compression.logarithm is not None),
        "floor": floor, "n_rows": cepstral.n_rows if cepstral else n_levels,
        "n_groups": cepstral.n_groups if cepstral else 0, "at_edge": at_edge, "at_power": at_power,
        "at_bands": at_bands, "at_rows": at_rows, "at_window": at_window, "at_table": at_table,
        "at_weights": at_weights, "at_matrix": at_matrix, "at_ones": at_ones, "at_spec": at_spec,
        "at_band_table": at_band_table, "at_prepare": at_prepare if prepared else 0,
        "squared": int(config.filterbank is not None and config.filterbank.band_power == 2),
    }  # fmt: skip
    ints = np.zeros(INTS_HEAD, dtype=np.int64)
    ints[: len(INTS)] = [entries[name] for name in INTS]
    table = bank.bands if bank else np.zeros(0, dtype=np.int64)
    steps = _prepare_ints(config, reach, at_edge, at_window, at_ones) if prepared else []
    silent = framing.pad_mode == "constant" or framing.frames in PLAIN_RULES
    return Plan(
        config=config,
        dtype=dtype,
        lanes=lanes,
        fft=fft,
        data=_frozen(np.concatenate(parts), dtype),
        ints=_frozen(np.concatenate([ints, spec, table, steps]), np.int64),
        work=work,
        left=left,
        reach=reach,
        silence=np.zeros(max(left, reach + hop), dtype=dtype) if silent else None,
        n_rows=cepstral.n_rows if cepstral else n_levels if bank else fft.n_bins,
        n_levels=n_levels,
        has_floor=floor > 0,
        has_energy=energy is not None,
        below_peak=depth,
        bank=bank,
        cosines=cepstral,
        drivers=Drivers(spectrum_blocks, band_blocks, feature_blocks),
    )


@lru_cache(maxsize=64)
def stream_plan(config: Config, dtype: np.dtype) -> Plan:
    """Return the plan of `config` for pieces of a stream, whose first frame begins `lead` samples into the piece.

    The stream itself puts what stands beyond the ends into the pieces; the sample before a frame is its lead.
    """
    from .kernels.blocks import INTS

    made = plan(config, dtype)
    ints = made.ints.copy()
    lead = stream_lead(config)
    ints[INTS.index("left")] = -lead
    if at := int(ints[INTS.index("at_prepare")]):
        ints[at + 1] = -lead
    ints.setflags(write=False)
    silence = np.zeros(made.reach + (config.framing.hop_length or 0), dtype=dtype)
    return replace(made, ints=ints, silence=silence, left=0)


def stream_lead(config: Config) -> int:
    """Return how many samples before a frame its steps look at."""
    p = config.preprocessing
    return int(p.preemphasis > 0 and p.preemphasis_scope == "frame" and p.preemphasis_first == "previous")


def _scale(spectrum: Spectrum, n_fft: int) -> float:
    return 1.0 / n_fft if spectrum.spectrum_scale == "1/n_fft" else 1.0


def fuses_affine(config: Config) -> bool:
    """Return whether the kernels can shift and scale the features: levels to which nothing else happens before."""
    post = config.post
    idle = post.cmn is None and post.delta_order == 0 and post.fixed_frames is None
    return config.compression is not None and config.cepstrum is None and config.energy is None and idle
