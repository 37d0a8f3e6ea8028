"""Float64 definitions of what the peers compute, in plain NumPy and slow: results are checked against these.

They import nothing of melfeat and nothing of a peer. The formulas are those of the peers' documentation and sources.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

Array = np.ndarray


def hann(n: int, *, symmetric: bool = False) -> Array:
    """Return the Hann window of n samples."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / (n - 1 if symmetric else n))


def centred(window: Array, n: int) -> Array:
    """Return a window in the middle of n samples."""
    left = (n - window.size) // 2
    return np.pad(window, (left, n - window.size - left))


def framed(y: Array, length: int, hop: int, *, pad: int = 0, mode: str = "constant") -> Array:
    """Return all whole frames ``(t, length)`` of a signal extended by `pad` samples on both sides."""
    padded = np.pad(np.asarray(y, dtype=np.float64), pad, mode=mode)  # type: ignore[call-overload]
    return np.lib.stride_tricks.sliding_window_view(padded, length)[::hop]


def power(frames: Array, n_fft: int) -> Array:
    """Return the power spectra ``(t, 1 + n_fft // 2)`` of windowed frames."""
    spectra = np.fft.rfft(frames, n_fft, axis=-1)
    return spectra.real**2 + spectra.imag**2


def slaney_mel(hz: Array) -> Array:
    """Return Slaney's mel of frequencies: linear below 1000 Hz, logarithmic above."""
    return np.where(hz < 1000, 3 * hz / 200, 15 + 27 * np.log(np.maximum(hz, 1000) / 1000) / np.log(6.4))


def slaney_hz(mel: Array) -> Array:
    """Return the inverse of `slaney_mel`."""
    return np.where(mel < 15, 200 * mel / 3, 1000 * 6.4 ** ((np.maximum(mel, 15) - 15) / 27))


def log_mel(hz: Array) -> Array:
    """Return the mel of HTK and Kaldi."""
    return 1127 * np.log1p(hz / 700)


def log_hz(mel: Array) -> Array:
    """Return the inverse of `log_mel`."""
    return 700 * np.expm1(mel / 1127)


def mel_matrix(
    sr: float,
    n_fft: int,
    n_mels: int,
    fmin: float = 0.0,
    fmax: float | None = None,
    *,
    scale: Literal["slaney", "log"] = "slaney",
    triangle: Literal["hz", "mel"] = "hz",
    norm: Literal["slaney", "sum"] | None = "slaney",
) -> Array:
    """Return triangular mel bands ``(n_mels, 1 + n_fft // 2)``, straight in hertz or in mel."""
    to_mel, to_hz = (slaney_mel, slaney_hz) if scale == "slaney" else (log_mel, log_hz)
    edges_mel = np.linspace(*to_mel(np.array([fmin, sr / 2 if fmax is None else fmax])), n_mels + 2)
    edges_hz = to_hz(edges_mel)
    bins = np.arange(n_fft // 2 + 1) * sr / n_fft
    edges, at = (edges_hz, bins) if triangle == "hz" else (edges_mel, to_mel(bins))
    low, mid, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    weights = np.maximum(0.0, np.minimum((at - low) / (mid - low), (high - at) / (high - mid)))
    if norm == "slaney":
        weights *= 2 / (edges_hz[2:] - edges_hz[:-2])[:, None]
    elif norm == "sum":
        weights /= weights.sum(axis=1, keepdims=True)
    return weights


def cosines(n_rows: int, n_bands: int) -> Array:
    """Return the first rows of the orthonormal cosine transform of type 2."""
    rows = np.cos(np.pi * np.arange(n_rows)[:, None] * (np.arange(n_bands) + 0.5) / n_bands) * np.sqrt(2 / n_bands)
    rows[0] /= np.sqrt(2)
    return rows


def lifter(n_rows: int, strength: float) -> Array:
    """Return the lifter of HTK, Kaldi and python_speech_features."""
    return 1 + strength / 2 * np.sin(np.pi * np.arange(n_rows) / strength)


def melspectrogram(
    y: Array,
    sr: float,
    *,
    n_fft: int = 2048,
    hop_length: int = 512,
    win_length: int | None = None,
    center: bool = True,
    pad_mode: str = "constant",
    n_mels: int = 128,
    fmin: float = 0.0,
    fmax: float | None = None,
) -> Array:
    """Return the mel spectrogram ``(n_mels, t)`` as librosa defines it."""
    frames = framed(y, n_fft, hop_length, pad=n_fft // 2 if center else 0, mode=pad_mode)
    window = centred(hann(win_length or n_fft), n_fft)
    bank = mel_matrix(sr, n_fft, n_mels, fmin, fmax)
    parts = [bank @ power(frames[i : i + 1024] * window, n_fft).T for i in range(0, len(frames), 1024)]
    return np.concatenate(parts, axis=1)


def decibels(S: Array, top_db: float | None = 80.0) -> Array:
    """Return decibels of power, at most `top_db` below their peak."""
    level = 10 * np.log10(np.maximum(S, 1e-10))
    return level if top_db is None else np.maximum(level, level.max() - top_db)


def mfcc(y: Array, sr: float, *, n_mfcc: int = 20, top_db: float | None = 80.0, **parameters: object) -> Array:
    """Return the cepstra ``(n_mfcc, t)`` as librosa defines them."""
    S = melspectrogram(y, sr, **parameters)  # type: ignore[arg-type]
    return cosines(n_mfcc, S.shape[0]) @ decibels(S, top_db)


def kaldi_mfcc(y: Array, sr: float, *, length: int, hop: int, n_fft: int, n_mels: int, n_mfcc: int) -> Array:
    """Return ``(t, n_mfcc)`` as Kaldi defines them: the log energy of the raw frame replaces coefficient 0."""
    frames = framed(y, length, hop)
    frames = frames - frames.mean(axis=1, keepdims=True)
    floor = 2.0**-23
    energy = np.log(np.maximum((frames**2).sum(axis=1), floor))
    previous = np.concatenate([frames[:, :1], frames[:, :-1]], axis=1)
    window = hann(length, symmetric=True) ** 0.85
    spectra = power((frames - 0.97 * previous) * window, n_fft)
    bank = mel_matrix(sr, n_fft, n_mels, 20.0, scale="log", triangle="mel", norm=None)
    bank[:, -1] = 0
    cepstra = np.log(np.maximum(spectra @ bank.T, floor)) @ cosines(n_mfcc, n_mels).T * lifter(n_mfcc, 22)
    cepstra[:, 0] = energy
    return cepstra


def psf_mfcc(y: Array, sr: float, *, length: int, hop: int, n_fft: int, n_mels: int, n_mfcc: int) -> Array:
    """Return ``(t, n_mfcc)`` as python_speech_features defines them: no window, bands of whole bins, energy first."""
    y = np.asarray(y, dtype=np.float64)
    y = np.append(y[:1], y[1:] - 0.97 * y[:-1])
    count = 1 + -(-(y.size - length) // hop)
    frames = framed(np.pad(y, (0, (count - 1) * hop + length - y.size)), length, hop)
    spectra = power(frames, n_fft) / n_fft
    edges = np.floor((n_fft + 1) * log_hz(np.linspace(0, log_mel(np.array(sr / 2)), n_mels + 2)) / sr)
    bank = np.zeros((n_mels, n_fft // 2 + 1))
    for band, (low, mid, high) in enumerate(zip(edges, edges[1:], edges[2:], strict=False)):
        for k in range(int(low), int(mid)):
            bank[band, k] = (k - low) / (mid - low)
        for k in range(int(mid), int(high)):
            bank[band, k] = (high - k) / (high - mid)
    tiny = np.finfo(np.float64).eps
    levels, energy = spectra @ bank.T, spectra.sum(axis=1)
    cepstra = np.log(np.where(levels == 0, tiny, levels)) @ cosines(n_mfcc, n_mels).T * lifter(n_mfcc, 22)
    cepstra[:, 0] = np.log(np.where(energy == 0, tiny, energy))
    return cepstra


def audioflux_mfcc(y: Array, sr: float, *, n_fft: int, hop: int, n_mels: int, n_mfcc: int) -> Array:
    """Return ``(n_mfcc, t)`` as audioFlux defines them, its bands summing real powers."""
    spectra = power(framed(y, n_fft, hop) * hann(n_fft), n_fft)
    bank = mel_matrix(sr, n_fft, n_mels, scale="log", norm="sum")
    return cosines(n_mfcc, n_mels) @ np.log10(np.maximum(spectra @ bank.T, 1e-8)).T
