"""stft, melspectrogram and mfcc in float64, channel by channel: librosa 0.11's chain, with top_db per channel."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from scipy.signal import get_window

from . import bank, cepstrum, decibels
from .dft import dft
from .framing import frames, padded_window

#: Up to here the transform is the DFT's own sum, above NumPy's.
LARGEST_SUM = 300


@lru_cache(maxsize=64)
def _dct(n_out: int, n_in: int, kind: int, norm: str | None) -> np.ndarray:
    return cepstrum.dct(n_out, n_in, kind, norm)


def _window(window: Any, length: int) -> np.ndarray:
    if callable(window):
        return np.asarray(window(length), dtype=np.float64)
    if isinstance(window, (np.ndarray, list)):
        return np.asarray(window, dtype=np.float64)
    return np.asarray(get_window(window, length, fftbins=True))


def _channels(function: Any, y: np.ndarray) -> np.ndarray:
    lead = y.shape[:-1]
    rows = [function(row) for row in y.reshape(int(np.prod(lead)), y.shape[-1]).astype(np.float64)]
    return np.stack(rows).reshape(*lead, *rows[0].shape)


def stft(
    y: np.ndarray,
    n_fft: int = 2048,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Any = "hann",
    center: bool = True,
    pad_mode: str = "constant",
) -> np.ndarray:
    win_length = win_length or n_fft
    hop_length = hop_length or max(1, win_length // 4)
    w = padded_window(_window(window, win_length), n_fft)

    def one(row: np.ndarray) -> np.ndarray:
        cut = frames(row, n_fft, hop_length, center, pad_mode) * w
        return (dft(cut) if n_fft <= LARGEST_SUM else np.fft.rfft(cut)).T

    return _channels(one, y)


def melspectrogram(
    y: np.ndarray,
    sr: float = 22050,
    *,
    n_fft: int = 2048,
    hop_length: int = 512,
    power: float = 2.0,
    n_mels: int = 128,
    fmin: float = 0.0,
    fmax: float | None = None,
    htk: bool = False,
    norm: Any = "slaney",
    **framing: Any,
) -> np.ndarray:
    S = np.abs(stft(y, n_fft, hop_length, **framing)) ** power
    return np.asarray(bank.mel(sr, n_fft, n_mels, fmin, sr / 2 if fmax is None else fmax, htk, norm) @ S)


def mfcc(
    y: np.ndarray,
    sr: float = 22050,
    *,
    n_mfcc: int = 20,
    dct_type: int = 2,
    norm: str | None = "ortho",
    lifter: float = 0,
    mel_norm: Any = "slaney",
    top_db: float | None = 80.0,
    **mel: Any,
) -> np.ndarray:
    levels = decibels.power_to_db(melspectrogram(y, sr, norm=mel_norm, **mel), top_db=top_db)
    return cepstra(levels, n_mfcc=n_mfcc, dct_type=dct_type, norm=norm, lifter=lifter)


def cepstra(
    S: np.ndarray, *, n_mfcc: int = 20, dct_type: int = 2, norm: str | None = "ortho", lifter: float = 0
) -> np.ndarray:
    rows = min(n_mfcc, S.shape[-2])
    matrix = _dct(rows, S.shape[-2], dct_type, norm) * cepstrum.lifter(rows, lifter)[:, np.newaxis]
    return np.asarray(matrix @ np.asarray(S, dtype=np.float64))
