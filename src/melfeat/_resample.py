"""Sampling-rate conversion: one backend call per signal, with librosa's lengths and scaling."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal, get_args

import numpy as np

from ._checks import check_choice
from .errors import MissingExtraError, ParameterError

__all__ = ["ResType", "check_res_type", "resample_signal"]

SoxrType = Literal["soxr_vhq", "soxr_hq", "soxr_mq", "soxr_lq", "soxr_qq"]
ScipyType = Literal["fft", "scipy", "polyphase"]
ResampyType = Literal["kaiser_best", "kaiser_fast"]
SamplerateType = Literal["sinc_best", "sinc_medium", "sinc_fastest", "linear", "zero_order_hold"]
ResType = SoxrType | ScipyType | ResampyType | SamplerateType

_SOXR, _RESAMPY, _SAMPLERATE = get_args(SoxrType), get_args(ResampyType), get_args(SamplerateType)
_CHOICES = (*_SOXR, *get_args(ScipyType), *_RESAMPY, *_SAMPLERATE)


def check_res_type(res_type: Any) -> str:
    """Return `res_type` if it names a method of resampling."""
    return str(check_choice("res_type", res_type, _CHOICES))


def resample_signal(
    y: np.ndarray, orig_sr: float, target_sr: float, res_type: str, *, fix: bool, scale: bool, axis: int
) -> np.ndarray:
    """Resample `y`, finite floats, between different rates > 0; without samples or channels it has none afterwards."""
    if res_type == "polyphase":
        for name, rate in (("orig_sr", orig_sr), ("target_sr", target_sr)):
            if int(rate) != rate:
                raise ParameterError(
                    f"{name}={rate!r}: expected a whole number of Hz for res_type='polyphase'; use res_type='soxr_hq'"
                )
    # The expressions and their order are librosa's: the length and the last bit depend on them.
    ratio = float(target_sr) / orig_sr
    n_samples = math.ceil(y.shape[axis] * ratio)
    if y.size == 0:
        shape = list(y.shape)
        shape[axis] = n_samples
        return np.zeros(shape, y.dtype)
    if res_type in _SOXR:
        y_hat = _along_axis(_soxr(orig_sr, target_sr, res_type), y, axis)
    elif res_type == "polyphase":
        y_hat = _polyphase(y, int(orig_sr), int(target_sr), axis)
    elif res_type in _RESAMPY:
        y_hat = _resampy(y, orig_sr, target_sr, res_type, axis)
    elif res_type in _SAMPLERATE:
        y_hat = _along_axis(_samplerate(ratio, res_type), y, axis)
    else:
        from scipy.signal import resample

        y_hat = resample(y, n_samples, axis=axis)
    if fix:
        y_hat = _fix_length(y_hat, n_samples, axis)
    if scale:
        y_hat /= np.sqrt(ratio)
    return np.ascontiguousarray(y_hat, dtype=y.dtype)


def _along_axis(row_function: Callable[[np.ndarray], np.ndarray], y: np.ndarray, axis: int) -> np.ndarray:
    """Apply a function of contiguous 1-D signals to every signal along `axis`."""
    if y.ndim == 1:
        return row_function(np.ascontiguousarray(y))
    moved = np.moveaxis(y, axis, -1)
    lead = moved.shape[:-1]
    rows = [row_function(row) for row in np.ascontiguousarray(moved).reshape(-1, moved.shape[-1])]
    return np.moveaxis(np.stack(rows).reshape(*lead, -1), -1, axis)


def _soxr(orig_sr: float, target_sr: float, quality: str) -> Callable[[np.ndarray], np.ndarray]:
    import soxr

    return lambda row: soxr.resample(row, orig_sr, target_sr, quality=quality)


def _samplerate(ratio: float, converter: str) -> Callable[[np.ndarray], np.ndarray]:
    samplerate = _extra("samplerate", converter)
    return lambda row: samplerate.resample(row, ratio, converter)


def _polyphase(y: np.ndarray, orig_sr: int, target_sr: int, axis: int) -> np.ndarray:
    from scipy.signal import resample_poly

    gcd = math.gcd(orig_sr, target_sr)
    return resample_poly(y, target_sr // gcd, orig_sr // gcd, axis=axis)


def _resampy(y: np.ndarray, orig_sr: float, target_sr: float, window: str, axis: int) -> np.ndarray:
    resampy = _extra("resampy", window)
    n = y.shape[axis]
    # It refuses signals that give no whole sample; beyond its end a signal is silent, so silence is appended.
    shortest = math.ceil(orig_sr / float(target_sr)) + 1
    if int(n * (float(target_sr) / orig_sr)) < 1:
        y = _fix_length(y, shortest, axis)
    return resampy.resample(y, orig_sr, target_sr, filter=window, axis=axis)


def _extra(module: str, res_type: str) -> Any:
    """Import the optional package behind `res_type`, or say how to get it."""
    from importlib import import_module

    try:
        return import_module(module)
    except ImportError:
        raise MissingExtraError(
            f'res_type={res_type!r} needs the package {module}: run pip install "melfeat[{module}]", '
            "or use res_type='soxr_hq' or 'soxr_vhq', which need nothing more"
        ) from None


def _fix_length(y: np.ndarray, size: int, axis: int) -> np.ndarray:
    """Cut `y` along `axis` to `size` samples or append zeros."""
    n = y.shape[axis]
    if n == size:
        return y
    if n > size:
        return np.moveaxis(np.moveaxis(y, axis, 0)[:size], 0, axis)
    widths = [(0, 0)] * y.ndim
    widths[axis] = (0, size - n)
    return np.pad(y, widths)
