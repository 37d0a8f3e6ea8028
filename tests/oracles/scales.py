"""Mel scales and unit conversions, one number at a time."""

from __future__ import annotations

import math

import numpy as np


def hz_to_mel(hz: float, htk: bool) -> float:
    if htk:
        return 2595.0 * math.log10(1.0 + hz / 700.0)
    if hz < 1000.0:
        return 3.0 * hz / 200.0
    return 15.0 + 27.0 * math.log(hz / 1000.0) / math.log(6.4)


def mel_to_hz(mel: float, htk: bool) -> float:
    if htk:
        return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
    if mel < 15.0:
        return 200.0 * mel / 3.0
    return 1000.0 * 6.4 ** ((mel - 15.0) / 27.0)


def mel_frequencies(n: int, fmin: float, fmax: float, htk: bool) -> np.ndarray:
    low, high = hz_to_mel(fmin, htk), hz_to_mel(fmax, htk)
    return np.array([mel_to_hz(low + (high - low) * i / (n - 1), htk) for i in range(n)])


def fft_frequencies(sr: float, n_fft: int) -> np.ndarray:
    return np.array([k * sr / n_fft for k in range(n_fft // 2 + 1)])
