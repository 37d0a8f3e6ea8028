"""From a `Config` and a dtype to the frozen arrays and compiled entries that the kernels need, cached."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .config import Cepstrum, Config, Filterbank, Framing
from .dsp.cepstrum import dct_matrix, lifter_weights, packed
from .dsp.fft import FFTPlan, plan_fft
from .dsp.mel import banded, mel_basis
from .dsp.windows import window as make_window

__all__ = ["Bank", "Cosines", "Plan", "bank_of_filterbank", "bank_of_matrix", "cosines", "plan"]


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


@dataclass(frozen=True, eq=False)
class Plan:
    """What a configuration needs in one dtype; the pipeline adds only the signal."""

    config: Config
    dtype: np.dtype
    lanes: int
    fft: FFTPlan
    window: np.ndarray
    table: np.ndarray
    spec: np.ndarray
    transform: int
    bank: Bank | None
    cosines: Cosines | None

    def stage_bank(self) -> Bank:
        """Return the filterbank of a configuration that has one."""
        if self.bank is None:
            raise TypeError("this plan has no filterbank")
        return self.bank

    def stage_cosines(self) -> Cosines:
        """Return the cosine transform of a configuration that has one."""
        if self.cosines is None:
            raise TypeError("this plan has no cosine transform")
        return self.cosines


def padded_window(framing: Framing) -> np.ndarray:
    """Return the window in the middle of `n_fft` samples and four zeros behind it, in float64."""
    n_fft, win_length = framing.n_fft, framing.win_length or framing.n_fft
    spec = framing.window
    if isinstance(spec, tuple) and spec and spec[0] == "samples":
        spec = list(spec[1])
    result = np.zeros(n_fft + 4)
    start = (n_fft - win_length) // 2
    result[start : start + win_length] = make_window(spec, win_length)
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
def bank_of_filterbank(filterbank: Filterbank, n_fft: int, dtype: np.dtype) -> Bank:
    """Return the mel bands in the dtype of the signal."""
    f = filterbank
    matrix = mel_basis(
        sr=f.sr, n_fft=n_fft, n_mels=f.n_mels, fmin=f.fmin, fmax=f.fmax, htk=f.htk, norm=f.norm, dtype=dtype
    )
    return bank_of_matrix(matrix, dtype)


@lru_cache(maxsize=256)
def cosines(cepstrum: Cepstrum, n_bands: int, dtype: np.dtype) -> Cosines:
    """Return the cosine transform of `n_bands` bands; lifter and scaling are folded into the matrix."""
    from .kernels.cepstrum import GROUP

    n_rows = cepstrum.rows(n_bands)
    matrix = dct_matrix(n_rows, n_bands, kind=cepstrum.dct_type, norm=cepstrum.norm)
    matrix = matrix * lifter_weights(n_rows, cepstrum.lifter)[:, None]
    return Cosines(n_rows, -(-n_rows // GROUP), _frozen(packed(matrix, GROUP), dtype))


@lru_cache(maxsize=64)
def plan(config: Config, dtype: np.dtype) -> Plan:
    """Return the plan of `config` for signals of `dtype`; compiles the FFT's passes if this process has not yet."""
    from .kernels._lanes import LANES
    from .kernels.fft import bind

    fft = plan_fft(config.framing.n_fft)
    bank = None
    if config.filterbank is not None:
        bank = bank_of_filterbank(config.filterbank, config.framing.n_fft, dtype)
    cepstral = None
    if config.cepstrum is not None and bank is not None:
        cepstral = cosines(config.cepstrum, bank.n_bands, dtype)
    spec, transform = bind(fft.spec, dtype.name, spectrum=config.filterbank is None)
    return Plan(
        config=config,
        dtype=dtype,
        lanes=LANES[dtype.name],
        fft=fft,
        window=_frozen(padded_window(config.framing), dtype),
        table=_frozen(fft.table, dtype),
        spec=spec,
        transform=transform,
        bank=bank,
        cosines=cepstral,
    )
