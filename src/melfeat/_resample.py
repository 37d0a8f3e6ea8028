"""Sampling-rate conversion: one backend call per signal, with librosa's lengths and scaling; or piece by piece."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal, get_args

import numpy as np

from ._checks import check_choice
from .errors import MissingExtraError, ParameterError

__all__ = ["PieceResampler", "ResType", "check_res_type", "resample_signal", "resampled_length"]

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


def resampled_length(n: int, orig_sr: float, target_sr: float) -> int:
    """Return how many samples `n` become; the expressions and their order are librosa's."""
    return math.ceil(n * (float(target_sr) / orig_sr))


class PieceResampler:
    """Resamples a signal that comes in pieces, by a method of soxr, to the bits of `resample_signal` with `fix`.

    soxr computes in blocks of its own and keeps time in integers: how the signal is cut makes no difference.
    """

    def __init__(self, orig_sr: float, target_sr: float, res_type: str, n_rows: int, dtype: np.dtype[Any]) -> None:
        if res_type not in _SOXR:
            raise ParameterError(
                f"res_type={res_type!r}: needs the whole signal in memory; use one of {', '.join(map(repr, _SOXR))}, "
                "or load the file and call the extractor"
            )
        import soxr

        self._rates = orig_sr, target_sr
        self._rows = [soxr.ResampleStream(orig_sr, target_sr, 1, dtype=dtype, quality=res_type) for _ in range(n_rows)]
        self._taken = self._given = 0

    def push(self, y: np.ndarray, *, last: bool = False) -> np.ndarray:
        """Take the next samples ``(n_rows, n)``, n >= 0, and return those ``(n_rows, m)`` that are certain now."""
        self._taken += y.shape[1]
        given = [stream.resample_chunk(row, last=last) for stream, row in zip(self._rows, y, strict=True)]
        out = np.stack(given) if len(given) > 1 else given[0][np.newaxis]
        if last:
            out = _fix_length(out, resampled_length(self._taken, *self._rates) - self._given, 1)
        self._given += out.shape[1]
        return out


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
    ratio = float(target_sr) / orig_sr
    n_samples = resampled_length(y.shape[axis], orig_sr, target_sr)
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

        # One by one: from SciPy 1.18 on, the bits of a channel depend on whether there are others.
        y_hat = _along_axis(lambda row: resample(row, n_samples), y, axis)
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
