"""Geometry of frames: how many there are, where they start, what stands beyond the ends of the signal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._checks import check_choice
from ..errors import ParameterError

__all__ = ["FRAME_RULES", "PAD_MODES", "PLAIN_RULES", "check_pad_mode", "count_frames", "edges", "first_sample"]

#: The extensions of a centred signal; `numpy.pad`'s other modes look at the whole signal and are refused.
PAD_MODES = ("constant", "edge", "empty", "linear_ramp", "reflect", "symmetric")


def check_pad_mode(pad_mode: Any) -> str | Callable[..., Any]:
    """Return `pad_mode` if a centred transform can extend a signal by it."""
    if callable(pad_mode):
        return pad_mode  # type: ignore[no-any-return]
    return str(check_choice("pad_mode", pad_mode, PAD_MODES))


#: Rules of framing, in terms of n samples, frames of N (the window where it stands left, else the FFT's length M) and
#: hop H: how many frames there are, and where the first begins.
#:
#: ================ ======================== ==================
#: rule             frames                   first begins at
#: ================ ======================== ==================
#: center           1 + (n + 2 (M//2) - M)//H  -(M // 2)          librosa, torch
#: valid            1 + (n - N) // H         0                  HTK, Kaldi with snip_edges
#: valid_minus_one  (n - N) // H             0                  Auditory Toolbox
#: pad_end          1 + ceil((n - N) / H)    0                  python_speech_features
#: pad_all          ceil(n / H)              0                  tf.signal with pad_end
#: no_snip          (n + H//2) // H          H//2 - N//2        Kaldi without snip_edges
#: center_ceil      1 + ceil(n / H), see below -((N + 1) // 2)  Essentia
#: ================ ======================== ==================
FRAME_RULES = ("center", "valid", "valid_minus_one", "pad_end", "pad_all", "no_snip", "center_ceil")

#: Rules whose frames begin with the signal; beyond its end they see zeros, whatever the mode of padding.
PLAIN_RULES = ("valid", "valid_minus_one", "pad_end", "pad_all")


def count_frames(n_samples: int, rule: str, frame_length: int, n_fft: int, hop_length: int) -> int:
    """Return the number of frames of a signal of `n_samples`, 0 if it is too short for one."""
    n, hop = n_samples, hop_length
    spare = n - frame_length
    if rule == "center":
        spare = n + 2 * (n_fft // 2) - n_fft
        return 1 + spare // hop if spare >= 0 else 0
    if rule == "valid":
        return 1 + spare // hop if spare >= 0 else 0
    if rule == "valid_minus_one":
        return max(0, spare // hop)
    if rule == "pad_end":
        return 0 if n == 0 else 1 + max(0, -(-spare // hop))
    if rule == "pad_all":
        return -(-n // hop)
    if rule == "no_snip":
        return (n + hop // 2) // hop
    # Essentia's generator stops when a frame's centre, or for odd N its first sample, would lie behind the signal.
    odd = frame_length % 2
    return min(1 + -(-(n + odd) // hop), -(-(n + (frame_length + 1) // 2) // hop))


def first_sample(rule: str, frame_length: int, n_fft: int, hop_length: int) -> int:
    """Return where the first frame begins, relative to the first sample."""
    if rule == "center":
        return -(n_fft // 2)
    if rule == "no_snip":
        return hop_length // 2 - frame_length // 2
    if rule == "center_ceil":
        return -((frame_length + 1) // 2)
    return 0


def edges(y: np.ndarray, left: int, right: int, mode: str | Callable[..., Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return the samples before and after each row of ``(n_channels, n)``; the signal itself is not copied.

    Raises
    ------
    ParameterError
        If the signal is empty and the mode needs samples to extend.
    """
    n_channels, n = y.shape
    if left == right == 0 or mode == "constant":
        return np.zeros((n_channels, left), dtype=y.dtype), np.zeros((n_channels, right), dtype=y.dtype)
    if n == 0 and mode != "empty":
        raise ParameterError(
            f"y has 0 samples: pad_mode={mode!r} has nothing to extend; use pad_mode='constant' or skip empty clips"
        )
    wide = max(left, right)
    if callable(mode) or n <= 2 * wide + 1:
        whole = np.pad(y, ((0, 0), (left, right)), mode=mode)  # type: ignore[call-overload]
        return np.ascontiguousarray(whole[:, :left]), np.ascontiguousarray(whole[:, left + n :])
    if mode == "reflect":
        return np.ascontiguousarray(y[:, left:0:-1]), np.ascontiguousarray(y[:, -2 : -right - 2 : -1])
    head = np.pad(y[:, : left + 1], ((0, 0), (left, 0)), mode=mode)[:, :left]  # type: ignore[call-overload]
    tail = np.pad(y[:, -right - 1 :], ((0, 0), (0, right)), mode=mode)[:, right + 1 :]  # type: ignore[call-overload]
    return np.ascontiguousarray(head), np.ascontiguousarray(tail)
