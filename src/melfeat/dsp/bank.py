"""Filterbanks of every dialect as one matrix: what the triangles are linear in, which bins they use, how they scale.

The triangles of band b stand on the edges b, b + 1, b + 2, which are equally spaced in mel or given in Hz:

=========== ================================================================================================
triangles   sides
=========== ================================================================================================
hz          linear in Hz (Slaney, librosa, torchaudio, rastamat)
mel         linear in HTK's mel (Kaldi, tf.signal; Essentia too, even where its edges are spaced on Slaney's scale)
htk         as 'mel', on the bins that HTK's `InitFBank` leaves by rounding `fmin` and `fmax`
psf         linear in the bin number, edges rounded down to bins (python_speech_features)
etsi        linear in the bin number, edges rounded to bins, both ends of a side counted (ETSI ES 201 108)
=========== ================================================================================================

References
----------
S. Young et al., The HTK Book, version 3.4, Cambridge University, 2006, sections 5.4 and 5.5 (filterbank and vocal tract
length normalisation). D. Povey et al., "The Kaldi speech recognition toolkit", ASRU 2011 (its piecewise linear warp).
ETSI ES 201 108 v1.1.3, 2003, section 4.2.9. M. Slaney, Auditory Toolbox, Version 2, Interval Research Corporation,
Technical Report 1998-010.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from .._checks import check_int
from ..errors import ParameterError
from .arrays import normalize
from .mel import check_band_edges, check_mel_norm, fft_frequencies, hz_to_mel, mel_basis, mel_to_hz, resolve_band

__all__ = ["band_edges_hz", "bin_rate", "filterbank_matrix"]


def bin_rate(sr: float, nyquist: str) -> float:
    """Return the sampling rate [Hz] that a bank is laid out for: `sr`, or that of a period in whole units of 100 ns.

    'period' is HTK, whose `InitFBank` takes the sampling period as an integer: at 22 050 Hz it is 453 and not 453.5.
    """
    return 1e7 / int(1e7 / sr * (1 + 1e-12)) if nyquist == "period" else sr


def _to_mel(frequencies: Any, scale: str) -> Any:
    if scale == "htk_ln":
        return 1127.0 * np.log(1.0 + np.asarray(frequencies) / 700.0)
    return hz_to_mel(frequencies, htk=scale == "htk")


def _to_hz(mels: Any, scale: str) -> Any:
    if scale == "htk_ln":
        return 700.0 * (np.exp(np.asarray(mels) / 1127.0) - 1.0)
    return mel_to_hz(mels, htk=scale == "htk")


def _warp_kaldi(hz: np.ndarray, warp: float, cut: tuple[float, float], band: tuple[float, float]) -> np.ndarray:
    """Scale frequencies by ``1 / warp`` between two cuts, and linearly from there to the ends of the band."""
    (low, high), (left, right) = cut, band
    if not left < low < high < right:
        raise ParameterError(
            f"vtln_low={low:g}, vtln_high={high:g}: expected fmin < vtln_low < vtln_high < fmax, that is inside "
            f"{left:g} to {right:g} [Hz], for vtln_warp={warp:g}; a negative vtln_high counts from sr/2"
        )
    low, high = low * max(1.0, warp), high * min(1.0, warp)
    if not left < low < high < right:
        raise ParameterError(
            f"vtln_warp={warp:g}: moves the cut frequencies to {low:g} and {high:g} [Hz], expected "
            f"{left:g} < low < high < {right:g}; use a factor nearer to 1"
        )
    return np.interp(hz, (left, low, high, right), (left, low / warp, high / warp, right))


def _warp_htk(hz: np.ndarray, warp: float, cut: tuple[float, float], band: tuple[float, float]) -> np.ndarray:
    """Scale frequencies by ``s = 1 / warp`` between the cuts times ``2 / (1 + s)``; the lowest edge stays."""
    (low, high), (left, right) = cut, band
    s = 1.0 / warp
    low, high = 2.0 * low / (1.0 + s), 2.0 * high / (1.0 + s)
    out = s * hz
    if low > left:
        below = hz < low
        out[below] = (low * s - left) / (low - left) * (hz[below] - left) + left
    if high < right:
        above = hz > high
        out[above] = (right - high * s) / (right - high) * (hz[above] - high) + s * high
    out[0] = hz[0]
    return out


def band_edges_hz(
    sr: float,
    *,
    n_mels: int,
    fmin: float = 0.0,
    fmax: float | None = None,
    mel_scale: str = "slaney",
    band_edges: tuple[float, ...] | None = None,
    nyquist: str = "exact",
    vtln_warp: float = 1.0,
    vtln_kind: str = "kaldi",
    vtln_low: float = 100.0,
    vtln_high: float = -500.0,
) -> np.ndarray:
    """Return the ``n_mels + 2`` edges of the bands [Hz], warped; `vtln_high` below 0 counts from sr/2."""
    sr = bin_rate(sr, nyquist)
    if band_edges is not None:
        edges = np.array(check_band_edges(band_edges, n_mels))
    else:
        if nyquist == "floor" and fmax is None:
            fmax = float(sr // 2)
        low, high = resolve_band(sr, fmin, fmax)
        edges = np.asarray(
            _to_hz(np.linspace(_to_mel(low, mel_scale), _to_mel(high, mel_scale), n_mels + 2), mel_scale)
        )
    if vtln_warp == 1.0:
        return edges
    cut = (vtln_low, vtln_high + sr / 2 if vtln_high < 0 else vtln_high)
    band = (float(edges[0]), float(edges[-1]))
    warped = (_warp_htk if vtln_kind == "htk" else _warp_kaldi)(edges, vtln_warp, cut, band)
    if not (np.diff(warped) > 0).all():
        raise ParameterError(
            f"vtln_warp={vtln_warp!r}: the warped edges of the bands do not increase with vtln_low={vtln_low:g} and "
            f"vtln_high={vtln_high:g} [Hz]; use a factor nearer to 1 or other cut frequencies"
        )
    return warped


def filterbank_matrix(
    sr: float,
    n_fft: int,
    *,
    n_mels: int = 128,
    fmin: float = 0.0,
    fmax: float | None = None,
    mel_scale: str = "slaney",
    mel_norm: Any = "slaney",
    triangles: str = "hz",
    bins: str = "all",
    band_edges: tuple[float, ...] | None = None,
    nyquist: str = "exact",
    weights_dtype: str | None = None,
    vtln_warp: float = 1.0,
    vtln_kind: str = "kaldi",
    vtln_low: float = 100.0,
    vtln_high: float = -500.0,
    dtype: Any = np.float64,
) -> np.ndarray:
    """Return the cached read-only filterbank ``(n_mels, 1 + n_fft // 2)`` that `stages.Filterbank` describes.

    Weights are computed in float64, rounded to `weights_dtype` if that is given, then to `dtype`. Slaney's and
    librosa's case is `mel_basis`, with its order of roundings. Explicit edges may exceed sr/2 where triangles are
    linear in Hz or mel: what they weigh in the mirrored half of the spectrum is added to the bins it mirrors, as the
    Auditory Toolbox does, whose product runs over all `n_fft` bins.
    """
    return _filterbank_matrix(
        float(sr),
        check_int("n_fft", n_fft, low=1, unit="samples"),
        check_int("n_mels", n_mels, low=1),
        float(fmin),
        None if fmax is None else float(fmax),
        mel_scale,
        check_mel_norm(mel_norm),
        triangles,
        bins,
        None if band_edges is None else check_band_edges(band_edges, n_mels),
        nyquist,
        weights_dtype,
        (float(vtln_warp), vtln_kind, float(vtln_low), float(vtln_high)),
        np.dtype(dtype),
    )


@lru_cache(maxsize=32)
def _filterbank_matrix(
    sr: float,
    n_fft: int,
    n_mels: int,
    fmin: float,
    fmax: float | None,
    scale: str,
    norm: Any,
    triangles: str,
    bins: str,
    explicit: tuple[float, ...] | None,
    nyquist: str,
    weights_dtype: str | None,
    vtln: tuple[float, str, float, float],
    dtype: np.dtype[Any],
) -> np.ndarray:
    sr = bin_rate(sr, nyquist)
    plain = (triangles, bins, explicit, nyquist, vtln[0]) == ("hz", "all", None, "exact", 1.0)
    if plain and scale != "htk_ln":
        low, high = resolve_band(sr, fmin, fmax)
        basis = mel_basis(sr, n_fft, n_mels, low, high, scale == "htk", norm, weights_dtype or dtype)
        return _frozen(basis, dtype)

    warp, kind, low_cut, high_cut = vtln
    edges = band_edges_hz(
        sr,
        n_mels=n_mels,
        fmin=fmin,
        fmax=fmax,
        mel_scale=scale,
        band_edges=explicit,
        nyquist=nyquist,
        vtln_warp=warp,
        vtln_kind=kind,
        vtln_low=low_cut,
        vtln_high=high_cut,
    )
    if triangles in ("htk", "psf", "etsi") and edges[-1] > sr / 2 * (1 + 1e-12):
        raise ParameterError(
            f"triangles={triangles!r}: expected band edges up to sr/2 = {sr / 2:g} [Hz], got {edges[-1]:g}; "
            "use triangles='hz' or 'mel', or lower edges"
        )
    if triangles == "psf":
        weights = _bins_down(edges, sr, n_fft)
    elif triangles == "etsi":
        weights = _bins_nearest(edges, sr, n_fft)
    else:
        weights = _triangles(edges, sr, n_fft, scale, triangles, nyquist, mirrored=explicit is not None)
    if triangles == "htk":
        low, high = resolve_band(sr, fmin, fmax) if explicit is None else (explicit[0], explicit[-1])
        weights[:, ~_htk_bins(sr, n_fft, low, high)] = 0.0
    if bins in ("no_dc", "inner"):
        weights[:, 0] = 0.0
    if bins in ("no_nyquist", "inner") and n_fft % 2 == 0:
        weights[:, -1] = 0.0
    weights = _scaled(weights, edges, norm, scale if triangles in ("mel", "htk") else None)
    return _frozen(weights.astype(weights_dtype) if weights_dtype else weights, dtype)


def _frozen(weights: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    weights = weights.astype(dtype, copy=False)
    weights.setflags(write=False)
    return weights


def _side_scale(scale: str) -> str:
    """Return the mel scale in which sides are linear: HTK's, whatever the edges are spaced on."""
    return "htk" if scale == "slaney" else scale


def _triangles(
    edges: np.ndarray, sr: float, n_fft: int, scale: str, triangles: str, nyquist: str, *, mirrored: bool
) -> np.ndarray:
    """Return triangles that are linear in Hz or mel, on the bins 0 … n_fft // 2."""
    half = 1 + n_fft // 2
    frequencies = np.linspace(0.0, sr // 2, half) if nyquist == "floor" else fft_frequencies(sr, n_fft)
    if mirrored and edges[-1] > sr / 2:
        frequencies = np.concatenate([frequencies, sr - frequencies[(n_fft - 1) // 2 : 0 : -1]])
    position, corner = frequencies, edges
    if triangles != "hz":
        position, corner = _to_mel(frequencies, _side_scale(scale)), _to_mel(edges, _side_scale(scale))
    width = np.diff(corner)[:, np.newaxis]
    rise = (position - corner[:-2, np.newaxis]) / width[:-1]
    fall = (corner[2:, np.newaxis] - position) / width[1:]
    weights = np.maximum(0.0, np.minimum(rise, fall))
    if position.size > half:
        weights[:, 1 : 1 + position.size - half] += weights[:, : half - 1 : -1]
    return np.ascontiguousarray(weights[:, :half])


def _htk_bins(sr: float, n_fft: int, low: float, high: float) -> np.ndarray:
    """Return which bins HTK uses: never 0 or n_fft // 2, and those between the rounded ends of the band."""
    k = np.arange(1, 2 + n_fft // 2)  # counted from 1, as in InitFBank
    first = max(2, int(low * n_fft / sr + 2.5))
    last = min(n_fft // 2, int(high * n_fft / sr + 0.5))
    return (k >= first) & (k <= last)


def _bins_down(edges: np.ndarray, sr: float, n_fft: int) -> np.ndarray:
    """Return python_speech_features' triangles; a side of no width is left out, a band may be empty."""
    corner = np.floor((n_fft + 1) * edges / sr)
    j = np.arange(1 + n_fft // 2, dtype=np.float64)
    left, centre, right = (corner[i : len(corner) - 2 + i, np.newaxis] for i in range(3))
    rise = np.where((left <= j) & (j < centre), (j - left) / np.maximum(centre - left, 1.0), 0.0)
    return np.where((centre <= j) & (j < right), (right - j) / np.maximum(right - centre, 1.0), rise)


def _bins_nearest(edges: np.ndarray, sr: float, n_fft: int) -> np.ndarray:
    """Return the triangles of ES 201 108: a side from bin a to b has b - a + 1 steps, and both ends weigh some."""
    corner = np.floor(n_fft * edges / sr + 0.5)
    j = np.arange(1 + n_fft // 2, dtype=np.float64)
    left, centre, right = (corner[i : len(corner) - 2 + i, np.newaxis] for i in range(3))
    rise = np.where((left <= j) & (j <= centre), (j - left + 1) / (centre - left + 1), 0.0)
    return np.where((centre < j) & (j <= right), 1 - (j - centre) / (right - centre + 1), rise)


def _scaled(weights: np.ndarray, edges: np.ndarray, norm: Any, side_scale: str | None) -> np.ndarray:
    """Return the rows scaled by `norm`; 'tri' takes the width in what the sides are linear in, 'slaney' in Hz."""
    if norm == "tri" and side_scale is not None:
        edges = _to_mel(edges, _side_scale(side_scale))
    if norm in ("slaney", "tri"):
        return weights * (2.0 / (edges[2:] - edges[:-2]))[:, np.newaxis]
    return normalize(weights, 1.0 if norm == "sum" else norm, -1, float(np.finfo(np.float64).tiny), None)
