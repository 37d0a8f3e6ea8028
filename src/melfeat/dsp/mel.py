"""Mel scales, the frequencies of FFT bins, triangular mel filterbanks, and the bands of a filterbank."""

from __future__ import annotations

import itertools
import warnings
from functools import lru_cache
from typing import Any, Literal, TypeAlias

import numpy as np

from .._checks import check_bool, check_float, check_int
from ..errors import EmptyFilterWarning, ParameterError
from .arrays import check_norm, normalize

__all__ = [
    "MelNorm",
    "banded",
    "check_band",
    "check_band_edges",
    "check_mel_norm",
    "fft_frequencies",
    "hz_to_mel",
    "mel_basis",
    "mel_frequencies",
    "mel_to_hz",
    "resolve_band",
    "warn_if_empty",
]

#: How the triangles are scaled: to constant energy per band ('slaney': by 2 / width in Hz), to a sum of 1, by 2 / width
#: in what their sides are linear in (Essentia's unit_sum and unit_tri), to a vector norm per band, or not at all.
MelNorm: TypeAlias = Literal["slaney", "sum", "tri"] | float | None

# Slaney's scale: 3 mel per 200 Hz up to 1000 Hz, then 27 mel per factor of 6.4.
_HZ_PER_MEL = 200.0 / 3
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _HZ_PER_MEL
_LOG_STEP = np.float64(np.log(6.4) / 27.0)  # not a float: with float32 arrays the logarithmic part is then float64


def hz_to_mel(frequencies: Any, *, htk: bool = False) -> Any:
    """Return `frequencies` [Hz] in mel: Slaney's scale, or with `htk` 2595 log10(1 + f / 700)."""
    hz = np.asarray(frequencies)
    if htk:
        return 2595.0 * np.log10(1.0 + hz / 700.0)
    # The maximum keeps the logarithm of the values below the break, which are not used, defined.
    linear = np.asarray(hz / _HZ_PER_MEL)
    above = _BREAK_MEL + np.log(np.maximum(hz, _BREAK_HZ) / _BREAK_HZ) / _LOG_STEP
    return np.where(hz >= _BREAK_HZ, above, linear).astype(linear.dtype)[()]


def mel_to_hz(mels: Any, *, htk: bool = False) -> Any:
    """Return `mels` in Hz, the inverse of `hz_to_mel`."""
    mel = np.asarray(mels)
    if htk:
        return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
    linear = np.asarray(_HZ_PER_MEL * mel)
    above = _BREAK_HZ * np.exp(_LOG_STEP * (np.maximum(mel, _BREAK_MEL) - _BREAK_MEL))
    return np.where(mel >= _BREAK_MEL, above, linear).astype(linear.dtype)[()]


def mel_frequencies(n_mels: int, *, fmin: float, fmax: float, htk: bool) -> np.ndarray:
    """Return `n_mels` frequencies [Hz] from `fmin` to `fmax` inclusive, equally spaced in mel."""
    return np.asarray(mel_to_hz(np.linspace(hz_to_mel(fmin, htk=htk), hz_to_mel(fmax, htk=htk), n_mels), htk=htk))


def fft_frequencies(sr: float, n_fft: int) -> np.ndarray:
    """Return the 1 + n_fft // 2 bin frequencies [Hz] of a real FFT of length `n_fft`."""
    # Not k * sr / n_fft, whose last bits differ: librosa's mel basis rests on numpy.fft.rfftfreq(n_fft, 1 / sr).
    return np.arange(1 + n_fft // 2) * (1.0 / (n_fft * (1.0 / sr)))


def check_band(sr: Any, fmin: Any = 0.0, fmax: Any = None) -> tuple[float, float]:
    """Return ``(fmin, fmax)`` [Hz] as floats, `fmax` None being sr/2; require 0 <= fmin < fmax <= sr/2."""
    sr = check_float("sr", sr, low=0, strict=True, unit="Hz")
    nyquist = sr / 2
    low = check_float("fmin", fmin, low=0, unit="Hz")
    if fmax is None:
        if low >= nyquist:
            raise ParameterError(
                f"fmin={fmin!r}: expected fmin < sr/2 = {nyquist:g} [Hz]; lower fmin or check sr={sr:g}"
            )
        return low, nyquist
    high = check_float("fmax", fmax, unit="Hz")
    if not low < high <= nyquist:
        raise ParameterError(
            f"fmax={fmax!r}: expected fmin < fmax <= sr/2, that is {low:g} < fmax <= {nyquist:g} [Hz]; "
            f"fmax=None takes sr/2, or check sr={sr:g}"
        )
    return low, high


def resolve_band(sr: float, fmin: float, fmax: float | None) -> tuple[float, float]:
    """Return ``(fmin, fmax)`` [Hz] as `check_band`, an `fmax` of zero or below counting from sr/2 as in Kaldi."""
    return check_band(sr, fmin, sr / 2 + fmax if fmax is not None and fmax <= 0 else fmax)


def check_band_edges(band_edges: Any, n_mels: int) -> tuple[float, ...]:
    """Return `band_edges` as floats: ``n_mels + 2`` increasing frequencies [Hz] >= 0."""
    try:
        edges = tuple(float(edge) for edge in band_edges)
    except (TypeError, ValueError):
        raise ParameterError(f"band_edges={band_edges!r}: expected n_mels + 2 frequencies [Hz]") from None
    if len(edges) != n_mels + 2:
        raise ParameterError(
            f"band_edges has {len(edges)} entries: expected n_mels + 2 = {n_mels + 2} frequencies [Hz]"
        )
    if not all(0 <= a < b < np.inf for a, b in itertools.pairwise(edges)):
        raise ParameterError(f"band_edges={edges!r}: expected finite increasing frequencies >= 0 [Hz]")
    return edges


def check_mel_norm(norm: Any) -> MelNorm:
    """Return `norm` if a mel filterbank can be scaled by it."""
    if isinstance(norm, str):
        if norm in ("slaney", "sum", "tri"):
            return norm  # type: ignore[return-value]
        raise ParameterError(
            f"norm={norm!r}: expected 'slaney', None, or the order of a vector norm such as 1 or np.inf; or Essentia's "
            "'sum' or 'tri'"
        )
    return check_norm(norm)


def mel_basis(
    sr: float,
    n_fft: int,
    n_mels: int = 128,
    fmin: float = 0.0,
    fmax: float | None = None,
    htk: bool = False,
    norm: MelNorm = "slaney",
    dtype: Any = np.float32,
) -> np.ndarray:
    """Return the cached read-only mel filterbank ``(n_mels, 1 + n_fft // 2)``, to the last bit that of librosa 0.11."""
    low, high = check_band(sr, fmin, fmax)
    n_fft = check_int("n_fft", n_fft, low=1, unit="samples")
    n_mels = check_int("n_mels", n_mels, low=1)
    htk = check_bool("htk", htk)
    try:
        kind = np.dtype(dtype)
    except TypeError as error:
        raise ParameterError(f"dtype={dtype!r}: expected a floating-point dtype such as np.float32") from error
    if kind.kind != "f":
        raise ParameterError(f"dtype={dtype!r}: expected a floating-point dtype such as np.float32")
    return _mel_basis(float(sr), n_fft, n_mels, low, high, htk, check_mel_norm(norm), kind)


@lru_cache(maxsize=16)
def _mel_basis(
    sr: float, n_fft: int, n_mels: int, fmin: float, fmax: float, htk: bool, norm: MelNorm, dtype: np.dtype[Any]
) -> np.ndarray:
    edges = mel_frequencies(n_mels + 2, fmin=fmin, fmax=fmax, htk=htk)
    widths = np.diff(edges)[:, np.newaxis]
    ramps = np.subtract.outer(edges, fft_frequencies(sr, n_fft))
    rise = -ramps[:-2] / widths[:-1]
    fall = ramps[2:] / widths[1:]
    # The order of the roundings is librosa's: triangles to dtype first, then times a float64 factor, then dtype again.
    # Scaling in float64 and rounding once would be nearer the truth, and move some hundred float32 weights by one ulp.
    weights = np.maximum(0, np.minimum(rise, fall)).astype(dtype)
    if norm in ("slaney", "tri"):  # one and the same where sides are linear in Hz
        weights *= (2.0 / (edges[2:] - edges[:-2]))[:, np.newaxis]
    else:
        order = 1.0 if norm == "sum" else norm
        weights = normalize(weights, order, -1, float(np.finfo(dtype).tiny), None)  # type: ignore[arg-type]
    weights.setflags(write=False)
    return weights


def warn_if_empty(weights: np.ndarray, *, stacklevel: int = 2) -> None:
    """Warn once if rows of a filterbank are zero; `stacklevel` as in `warnings.warn`, 1 being the caller of this."""
    empty = np.flatnonzero(~(weights != 0).any(axis=-1))
    if empty.size:
        warnings.warn(
            f"{empty.size} of {len(weights)} mel bands contain no FFT bin and are zero everywhere (the first: band "
            f"{empty[0]}); use fewer bands (n_mels), a longer FFT (n_fft) or a wider range (fmin, fmax)",
            EmptyFilterWarning,
            stacklevel=stacklevel + 1,
        )


def banded(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ``(starts, counts, weights)`` of a dense filterbank ``(n_bands, n_bins)``.

    Band b is ``weights[counts[:b].sum():][:counts[b]]`` on the bins ``starts[b], starts[b] + 1, ...``, from its first
    to its last nonzero weight; an empty band has start 0 and count 0. The weights keep the dtype of `matrix`.
    """
    matrix = np.asarray(matrix)
    if matrix.ndim != 2:
        raise ParameterError(f"filterbank has shape {matrix.shape}: expected (n_bands, n_bins)")
    if matrix.size == 0:
        nothing = np.zeros(len(matrix), dtype=np.int64)
        return nothing, nothing.copy(), np.zeros(0, dtype=matrix.dtype)
    used = matrix != 0
    filled = used.any(axis=1)
    starts = used.argmax(axis=1)
    stops = matrix.shape[1] - used[:, ::-1].argmax(axis=1)
    counts = np.where(filled, stops - starts, 0)
    bins = np.arange(matrix.shape[1])
    inside = (bins >= starts[:, np.newaxis]) & (bins < (starts + counts)[:, np.newaxis])
    return starts.astype(np.int64), counts.astype(np.int64), matrix[inside]
