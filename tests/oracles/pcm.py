"""What sound files and channels mean, in plain float64 NumPy: nothing here comes from melfeat."""

from __future__ import annotations

import struct

import numpy as np


def mean_of_pcm16(frames: np.ndarray) -> np.ndarray:
    """Mean over the channels of int16 ``(n, channels)``, full scale 1: integers are summed exactly, then divided."""
    return frames.astype(np.int64).sum(axis=1) / (32768.0 * frames.shape[1])


def channels_of_pcm16(frames: np.ndarray) -> np.ndarray:
    """The channels of int16 ``(n, channels)`` as ``(channels, n)``, full scale 1."""
    return np.stack([frames[:, c] / 32768.0 for c in range(frames.shape[1])])


def mean_of_floats(frames: np.ndarray) -> np.ndarray:
    """Mean over the channels of float ``(n, channels)``, in float64."""
    total = np.zeros(len(frames))
    for c in range(frames.shape[1]):
        total += frames[:, c].astype(np.float64)
    return total / frames.shape[1]


def blocks(y: np.ndarray, block_length: int, frame_length: int, hop_length: int) -> list[np.ndarray]:
    """The blocks of whole frames that a stream of `y` consists of, by their definition: where each one begins and ends.

    Block b holds frames b * block_length … (b + 1) * block_length - 1; there is one as long as it brings a new sample.
    """
    size = frame_length + (block_length - 1) * hop_length
    found: list[np.ndarray] = []
    start = 0
    while start < y.shape[-1] and (start == 0 or start + max(0, frame_length - hop_length) < y.shape[-1]):
        found.append(y[..., start : start + size])
        start += block_length * hop_length
    return found


def wav_bytes(data: bytes, *, tag: int, bits: int, channels: int = 1, rate: int = 8000) -> bytes:
    """A minimal WAV file around `data`: tag 1 is integer PCM, 3 is float, 0x55 is MP3, …"""
    align = channels * bits // 8
    fmt = struct.pack("<HHIIHH", tag, channels, rate, rate * align, align, bits)
    chunks = b"fmt " + struct.pack("<I", len(fmt)) + fmt + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def pcm24_bytes(values: np.ndarray) -> bytes:
    """24-bit little-endian samples of integers in [-2**23, 2**23)."""
    return b"".join(int(value).to_bytes(3, "little", signed=True) for value in values)


def resampled_sine(freq: float, rate: float, n: int) -> np.ndarray:
    """A sine of `freq` Hz sampled `n` times at `rate`: what resampling a sine must give, away from its ends."""
    return np.sin(2 * np.pi * freq * np.arange(n) / rate)
