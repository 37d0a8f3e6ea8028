"""Geometry of frames: how many there are, where they start, what stands beyond the ends of the signal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._checks import check_choice
from ..errors import ParameterError

__all__ = ["PAD_MODES", "check_pad_mode", "count_frames", "covered_samples", "edges"]

#: The extensions of a centred signal; `numpy.pad`'s other modes look at the whole signal and are refused.
PAD_MODES = ("constant", "edge", "empty", "linear_ramp", "reflect", "symmetric")


def check_pad_mode(pad_mode: Any) -> str | Callable[..., Any]:
    """Return `pad_mode` if a centred transform can extend a signal by it."""
    if callable(pad_mode):
        return pad_mode  # type: ignore[no-any-return]
    return str(check_choice("pad_mode", pad_mode, PAD_MODES))


def count_frames(n_samples: int, n_fft: int, hop_length: int, *, center: bool) -> int:
    """Return the number of frames of a signal of `n_samples`, 0 if it is too short for one."""
    length = n_samples + 2 * (n_fft // 2) * center
    return 1 + (length - n_fft) // hop_length if length >= n_fft else 0


def covered_samples(n_samples: int, n_frames: int, n_fft: int, hop_length: int, *, center: bool) -> int:
    """Return how many leading samples of a signal are in some frame, or 0 if there are gaps between frames."""
    if hop_length > n_fft or n_frames == 0:
        return 0
    return min(n_samples, (n_frames - 1) * hop_length - (n_fft // 2) * center + n_fft)


def edges(y: np.ndarray, pad: int, mode: str | Callable[..., Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return the `pad` samples before and after each row of ``(n_channels, n)``; the signal itself is not copied.

    Raises
    ------
    ParameterError
        If the signal is empty and the mode needs samples to extend.
    """
    n_channels, n = y.shape
    if pad == 0 or mode == "constant":
        silence = np.zeros((n_channels, pad), dtype=y.dtype)
        return silence, silence
    if n == 0 and mode != "empty":
        raise ParameterError(
            f"y has 0 samples: pad_mode={mode!r} has nothing to extend; use pad_mode='constant' or skip empty clips"
        )
    if callable(mode) or n <= 2 * pad + 1:
        whole = np.pad(y, ((0, 0), (pad, pad)), mode=mode)  # type: ignore[call-overload]
        return np.ascontiguousarray(whole[:, :pad]), np.ascontiguousarray(whole[:, pad + n :])
    if mode == "reflect":
        return np.ascontiguousarray(y[:, pad:0:-1]), np.ascontiguousarray(y[:, -2 : -pad - 2 : -1])
    head = np.pad(y[:, : pad + 1], ((0, 0), (pad, 0)), mode=mode)[:, :pad]  # type: ignore[call-overload]
    tail = np.pad(y[:, -pad - 1 :], ((0, 0), (0, pad)), mode=mode)[:, -pad:]  # type: ignore[call-overload]
    return np.ascontiguousarray(head), np.ascontiguousarray(tail)
