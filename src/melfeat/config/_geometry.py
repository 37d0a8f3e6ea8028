"""What can be said of a configuration without a signal: frames, times, names of features, how far a frame sees."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

import numpy as np

from .._checks import check_int
from ..dsp.bank import band_edges_hz
from ..dsp.cepstrum import n_cepstra
from ..dsp.delta import delta_reach
from ..dsp.framing import count_frames, first_sample
from ..errors import ParameterError

if TYPE_CHECKING:
    from ._config import Config

__all__ = [
    "feature_names",
    "first_time",
    "frame_times",
    "latency",
    "mel_frequencies",
    "n_analysis_frames",
    "n_features",
    "n_frames",
    "receptive_field",
    "whole_signal_reasons",
]


def _n_raw(config: Config, n_samples: int) -> int:
    n = check_int("n_samples", n_samples, low=0, unit="samples")
    f = config.framing
    n = n if config.preprocessing.fixed_samples is None else config.preprocessing.fixed_samples
    return count_frames(n, f.frames, f.frame_length, f.n_fft or 0, f.hop_length or 0)


def n_analysis_frames(config: Config, n_samples: int) -> int:
    """Return how many frames of the signal are analysed."""
    return max(0, _n_raw(config, n_samples) - config.framing.drop_last)


def n_frames(config: Config, n_samples: int) -> int:
    """Return how many frames come out."""
    post = config.post
    count = _n_raw(config, n_samples) if post.pad_dropped else n_analysis_frames(config, n_samples)
    count = count if post.fixed_frames is None else post.fixed_frames
    return -(-count // post.pad_to) * post.pad_to // post.stack


def _support(config: Config) -> tuple[int, int]:
    """Return the first sample of a frame that counts, relative to the frame's, and how many do."""
    f = config.framing
    n_fft, length = f.n_fft or 0, f.win_length or 0
    return ((n_fft - length) // 2 if f.window_align == "center" else 0), length


def _first_centre(config: Config) -> float:
    """Return the centre of the first frame's window [samples]."""
    f = config.framing
    hop = f.hop_length or 0
    offset, length = _support(config)
    first = first_sample(f.frames, f.frame_length, f.n_fft or 0, hop)
    return first + offset + length / 2 + (config.post.stack - 1) * hop / 2


def first_time(config: Config) -> float:
    """Return the centre of the first frame's window [s]."""
    return _first_centre(config) / config.sr


def frame_times(config: Config, n_samples: int) -> np.ndarray:
    """Return the centre of each frame's window [s]."""
    step = (config.framing.hop_length or 0) * config.post.stack
    return (_first_centre(config) + np.arange(n_frames(config, n_samples)) * step) / config.sr


def _static_names(config: Config) -> list[str]:
    if config.filterbank is None:
        names = [f"bin_{k}" for k in range(1 + (config.framing.n_fft or 0) // 2)]
    elif config.cepstrum is None:
        names = [f"mel_{m}" for m in range(config.filterbank.n_mels)]
    else:
        c0 = config.cepstrum.c0
        rows = n_cepstra(config.filterbank.n_mels, config.cepstrum.n_mfcc, c0)
        numbers = list(range(rows)) if c0 == "first" else list(range(1, rows + (c0 == "none")))
        names = [f"c{i}" for i in ([*numbers, 0] if c0 == "last" else numbers)]
    if config.energy is None:
        return names
    if config.energy.energy_place == "replace_c0":
        return ["energy" if name == "c0" else name for name in names]
    return ["energy", *names] if config.energy.energy_place == "first" else [*names, "energy"]


def feature_names(config: Config) -> tuple[str, ...]:
    """Return the names of the rows of the output."""
    statics = _static_names(config)
    prefixes = ["", *("delta_" if order == 1 else f"delta{order}_" for order in range(1, config.post.delta_order + 1))]
    names = [prefix + name for prefix in prefixes for name in statics]
    if config.post.stack == 1:
        return tuple(names)
    return tuple(f"{name}@{k}" for k in range(config.post.stack) for name in names)


def n_features(config: Config) -> int:
    """Return the number of rows of the output."""
    return len(_static_names(config)) * (1 + config.post.delta_order) * config.post.stack


def mel_frequencies(config: Config) -> np.ndarray:
    """Return the centres of the bands [Hz], warped as the bands are."""
    bank = config.filterbank
    if bank is None:
        raise ParameterError("mel_frequencies: this configuration has no filterbank, its features are bins of the FFT")
    edges = band_edges_hz(
        config.sr,
        n_mels=bank.n_mels,
        fmin=bank.fmin,
        fmax=bank.fmax,
        mel_scale=bank.mel_scale,
        band_edges=bank.band_edges,
        nyquist=bank.nyquist,
        vtln_warp=bank.vtln_warp,
        vtln_kind=bank.vtln_kind,
        vtln_low=bank.vtln_low,
        vtln_high=bank.vtln_high,
    )
    return edges[1:-1]


def whole_signal_reasons(config: Config) -> tuple[str, ...]:
    """Return the options because of which no frame is known before the signal has ended."""
    p, post, reasons = config.preprocessing, config.post, []
    if p.fixed_samples is not None:
        reasons.append(f"fixed_samples={p.fixed_samples}")
    if p.normalize_signal:
        reasons.append("normalize_signal=True")
    if callable(config.framing.pad_mode):
        reasons.append("pad_mode is a function")
    if config.compression is not None and config.compression.top_db is not None:
        reasons.append(f"top_db={config.compression.top_db:g}")
    if config.energy is not None and config.energy.energy_normalize:
        reasons.append("energy_normalize=True")
    if post.cmn is not None and not post.cmn.startswith("sliding"):
        reasons.append(f"cmn={post.cmn!r}")
    if post.fixed_frames is not None:
        reasons.append(f"fixed_frames={post.fixed_frames}")
    return tuple(reasons)


def _neighbours(config: Config) -> tuple[int, int]:
    """Return how many frames before and after it a frame depends on, far from the ends."""
    post = config.post
    before = after = delta_reach(post.delta_order, post.delta_window, post.delta_window_2)
    if post.cmn is not None:
        reach = post.cmn_window // 2 if post.cmn_center else post.cmn_window
        before, after = before + reach, after + (post.cmn_window - 1 - reach if post.cmn_center else 0)
    return before, after


def _steps_in_frame(config: Config) -> bool:
    """Return whether something looks at all samples of a frame, under the window or not."""
    energy = config.energy
    return config.preprocessing.remove_dc or (energy is not None and energy.energy_point == "raw")


def _seen(config: Config) -> tuple[int, int]:
    offset, length = _support(config)
    return (0, config.framing.frame_length) if _steps_in_frame(config) else (offset, length)


def receptive_field(config: Config) -> int | None:
    """Return how many samples a frame depends on, None if that is all of them, or all before it."""
    p = config.preprocessing
    if whole_signal_reasons(config) or p.offset_filter is not None:
        return None
    before, after = _neighbours(config)
    reaches_back = p.preemphasis > 0 and (p.preemphasis_scope == "signal" or p.preemphasis_first == "previous")
    span = (before + after + config.post.stack - 1) * (config.framing.hop_length or 0)
    return span + _seen(config)[1] + reaches_back


def latency(config: Config) -> int | None:
    """Return how many samples behind a frame's centre must be known before it can be put out, None for all."""
    if whole_signal_reasons(config):
        return None
    f, stack = config.framing, config.post.stack
    n_fft, hop = f.n_fft or 0, f.hop_length or 0
    # Of the last frame that this one needs, far from the beginning: until when it lasts, and until when it may yet be
    # one of those that are dropped at the end of the signal.
    start, (offset, length) = first_sample(f.frames, f.frame_length, n_fft, hop), _support(config)
    seen_from, seen = _seen(config)
    t = 2 + f.drop_last + n_fft // hop
    last = t + stack - 1 + _neighbours(config)[1]
    limit = range((last + f.drop_last + 3) * hop + 2 * n_fft)

    def certain(n: int) -> int:
        """Return how many frames are sure to be put out once `n` samples are known, whatever follows."""
        return count_frames(n, f.frames, f.frame_length, n_fft, hop) - f.drop_last

    exists = bisect_left(limit, last + 1, key=certain)
    needed = max(start + last * hop + seen_from + seen, exists)
    centre = start + offset + length / 2 + (t + (stack - 1) / 2) * hop
    return max(0, int(np.ceil(needed - centre)))
