"""Interleaved samples, as decoders deliver them, to float signals: scaling, mixing and de-interleaving in one pass.

The samples come flat (``x[i * n_channels + c]``): a constant stride of one or two is what the vectoriser needs.
The order of the additions is NumPy's, so that the mean over channels has the bits of ``np.mean(frames.T, axis=0)``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ._jit import kernel

__all__ = [
    "float_to_channels",
    "float_to_mono",
    "pcm16_to_channels",
    "pcm16_to_mono",
    "pcm24_to_float",
    "pcm24_to_mono2",
]


@kernel
def pcm16_to_mono(x: np.ndarray, n_channels: int, scale: float, count: float, out: np.ndarray) -> None:
    """Mean of the channels times `scale`, a power of two; `count` is `n_channels` in out's dtype.

    x (n * n_channels,) int16, out (n,). Sums of up to 512 channels are exact, so there is one rounding: the division's.
    """
    n = out.shape[0]
    if n_channels == 1:
        for i in range(n):
            out[i] = x[i] * scale
    elif n_channels == 2:
        half = scale / count
        for i in range(n):
            out[i] = x[2 * i] * half + x[2 * i + 1] * half
    else:
        for i in range(n):
            first = i * n_channels
            total = x[first] * scale
            for c in range(1, n_channels):
                total += x[first + c] * scale
            out[i] = total / count


@kernel
def pcm16_to_channels(x: np.ndarray, n_channels: int, scale: float, start: int, out: np.ndarray) -> None:
    """Scale and de-interleave: x (n * n_channels,) int16 to columns start … start + n - 1 of out (n_channels, N)."""
    n = x.shape[0] // n_channels
    if n_channels == 2:  # a constant stride vectorises: 2x the general loop
        left = out[0, start : start + n]
        right = out[1, start : start + n]
        for i in range(n):
            left[i] = x[2 * i] * scale
            right[i] = x[2 * i + 1] * scale
    else:
        for c in range(n_channels):
            row = out[c, start : start + n]
            for i in range(n):
                row[i] = x[i * n_channels + c] * scale


#: NumPy's stubs do not let one integer be shifted by another.
_int32: Any = np.int32
_uint32: Any = np.uint32


@kernel
def _four24(a, b, c):  # type: ignore[no-untyped-def]
    """Return the four samples that three words hold, the lowest byte first."""
    return (
        _int32(_int32(a << 8) >> 8),
        _int32(_int32(_int32(b << 16) >> 8) | _int32(_uint32(a) >> 24)),
        _int32(_int32(_int32(c << 24) >> 8) | _int32(_uint32(b) >> 16)),
        _int32(c >> 8),
    )


@kernel
def _sample24(x, at):  # type: ignore[no-untyped-def]
    bits = _int32(x[at]) | _int32(x[at + 1]) << 8 | _int32(x[at + 2]) << 16
    return (bits ^ 0x800000) - 0x800000


@kernel
def pcm24_to_float(x: np.ndarray, words: np.ndarray, scale: float, out: np.ndarray) -> None:
    """Scale samples of three bytes, the lowest first: x (3 * n,) uint8, out (n,). A power of two makes it exact.

    `words` are as many of the same bytes as fill groups of three int32: vectors are made of these. A product of an
    integer and a float would be one of doubles.
    """
    n = words.size // 3
    for i in range(n):
        first, second, third, fourth = _four24(words[3 * i], words[3 * i + 1], words[3 * i + 2])
        out[4 * i], out[4 * i + 1], out[4 * i + 2], out[4 * i + 3] = first, second, third, fourth
        for k in range(4 * i, 4 * i + 4):
            out[k] *= scale
    for i in range(4 * n, out.shape[0]):
        out[i] = _sample24(x, 3 * i) * scale


@kernel
def pcm24_to_mono2(x: np.ndarray, words: np.ndarray, half: float, out: np.ndarray) -> None:
    """Mean of two channels, like `pcm24_to_float`; `half` of its scale. Sums of integers are exact, so is one rounding.

    The sum of two floats is rounded alike: they hold 24 bits.
    """
    n = words.size // 3
    for i in range(n):
        first, second, third, fourth = _four24(words[3 * i], words[3 * i + 1], words[3 * i + 2])
        out[2 * i], out[2 * i + 1] = _int32(first + second), _int32(third + fourth)
        out[2 * i] *= half
        out[2 * i + 1] *= half
    for i in range(2 * n, out.shape[0]):
        out[i] = _int32(_sample24(x, 6 * i) + _sample24(x, 6 * i + 3)) * half


@kernel
def float_to_mono(x: np.ndarray, n_channels: int, count: float, out: np.ndarray) -> None:
    """Mean of the channels; x (n * n_channels,), out (n,) of one dtype; `count` is `n_channels` in that dtype.

    From eight channels on NumPy adds in eight interleaved partial sums; its recursion above 128 is not followed.
    """
    n = out.shape[0]
    if n_channels == 2:
        half = 1 / count
        for i in range(n):
            out[i] = (x[2 * i] + x[2 * i + 1]) * half
    elif n_channels < 8:
        for i in range(n):
            first = i * n_channels
            total = x[first]
            for c in range(1, n_channels):
                total += x[first + c]
            out[i] = total / count
    else:
        whole = n_channels - n_channels % 8
        for i in range(n):
            f = i * n_channels
            r0, r1, r2, r3 = x[f], x[f + 1], x[f + 2], x[f + 3]
            r4, r5, r6, r7 = x[f + 4], x[f + 5], x[f + 6], x[f + 7]
            for c in range(f + 8, f + whole, 8):
                r0 += x[c]
                r1 += x[c + 1]
                r2 += x[c + 2]
                r3 += x[c + 3]
                r4 += x[c + 4]
                r5 += x[c + 5]
                r6 += x[c + 6]
                r7 += x[c + 7]
            total = ((r0 + r1) + (r2 + r3)) + ((r4 + r5) + (r6 + r7))
            for c in range(f + whole, f + n_channels):
                total += x[c]
            out[i] = total / count


@kernel
def float_to_channels(x: np.ndarray, n_channels: int, start: int, out: np.ndarray) -> None:
    """De-interleave: x (n * n_channels,) to columns start … start + n - 1 of out (n_channels, N) of the same dtype."""
    n = x.shape[0] // n_channels
    if n_channels == 2:
        left = out[0, start : start + n]
        right = out[1, start : start + n]
        for i in range(n):
            left[i] = x[2 * i]
            right[i] = x[2 * i + 1]
    else:
        for c in range(n_channels):
            row = out[c, start : start + n]
            for i in range(n):
                row[i] = x[i * n_channels + c]
