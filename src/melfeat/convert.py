"""Conversions between units: Hz and mel, FFT bins and Hz, frames, samples and seconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from ._checks import check_bool, check_float, check_int
from .dsp import mel as _mel
from .dsp.arrays import check_axis
from .errors import ParameterError

__all__ = [
    "fft_frequencies",
    "frames_to_samples",
    "frames_to_time",
    "hz_to_mel",
    "mel_frequencies",
    "mel_to_hz",
    "samples_like",
    "samples_to_frames",
    "samples_to_time",
    "time_to_frames",
    "time_to_samples",
    "times_like",
]

#: One number, a sequence of numbers, or an array of them.
Numbers: TypeAlias = float | Sequence[float] | np.ndarray


def _as_numbers(name: str, value: Any) -> np.ndarray:
    """Return `value` as a real array; integers become int64, which a product with a hop length does not overflow."""
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ParameterError(f"{name}: expected numbers or a rectangular array of them ({error})") from error
    if array.dtype.kind not in "fiub":
        raise ParameterError(f"{name}={value!r}: expected real numbers, got dtype {array.dtype}")
    return array if array.dtype.kind == "f" else array.astype(np.int64)


def _as_int(name: str, array: np.ndarray) -> Any:
    """Return `array` truncated towards zero to integers; a 0-d array as a scalar."""
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ParameterError(f"{name}: not finite everywhere; expected finite numbers")
    return array.astype(np.int64)[()]


def _offset(n_fft: Any) -> int:
    return 0 if n_fft is None else check_int("n_fft", n_fft, low=1, unit="samples") // 2


def _hop(hop_length: Any) -> int:
    return check_int("hop_length", hop_length, low=1, unit="samples")


def _rate(sr: Any) -> float:
    return check_float("sr", sr, low=0, strict=True, unit="Hz")


def hz_to_mel(frequencies: Numbers, *, htk: bool = False) -> Any:
    """Convert frequencies to mel.

    Parameters
    ----------
    frequencies : number or array_like, any shape
        Frequencies [Hz].
    htk : bool
        False: Slaney's scale, linear below 1000 Hz and logarithmic above. True: O'Shaughnessy's formula
        ``2595 log10(1 + f / 700)``, as HTK.

    Returns
    -------
    number or np.ndarray, same shape
        Frequencies [mel].

    Raises
    ------
    ParameterError
        If `frequencies` are not real numbers.

    References
    ----------
    M. Slaney, Auditory Toolbox, Version 2, Interval Research Corporation, Technical Report 1998-010.
    S. Young et al., The HTK Book, section 5.4.

    Examples
    --------
    >>> import melfeat
    >>> float(melfeat.hz_to_mel(440.0))
    6.6
    """
    return _mel.hz_to_mel(_as_numbers("frequencies", frequencies), htk=check_bool("htk", htk))


def mel_to_hz(mels: Numbers, *, htk: bool = False) -> Any:
    """Convert mel to frequencies, the inverse of `hz_to_mel`.

    Parameters
    ----------
    mels : number or array_like, any shape
        Frequencies [mel].
    htk : bool
        The scale: False for Slaney's, True for HTK's.

    Returns
    -------
    number or np.ndarray, same shape
        Frequencies [Hz].

    Raises
    ------
    ParameterError
        If `mels` are not real numbers.

    References
    ----------
    Those of `hz_to_mel`.

    Examples
    --------
    >>> import melfeat
    >>> float(melfeat.mel_to_hz(6.6))
    440.0
    """
    return _mel.mel_to_hz(_as_numbers("mels", mels), htk=check_bool("htk", htk))


def mel_frequencies(n_mels: int = 128, fmin: float = 0.0, fmax: float = 11025.0, htk: bool = False) -> np.ndarray:
    """Return frequencies equally spaced on the mel scale.

    Parameters
    ----------
    n_mels : int, >= 0
        Number of frequencies. A filterbank of B bands has B + 2 edges.
    fmin, fmax : float
        The first and the last frequency [Hz].
    htk : bool
        The scale: False for Slaney's, True for HTK's.

    Returns
    -------
    np.ndarray, shape (n_mels,), float64
        Frequencies [Hz].

    Raises
    ------
    ParameterError
        If `n_mels` is negative or `fmin` or `fmax` not a finite number.

    Examples
    --------
    >>> import melfeat
    >>> melfeat.mel_frequencies(5, fmax=8000).round(1).tolist()
    [0.0, 754.1, 1688.9, 3675.8, 8000.0]
    """
    return _mel.mel_frequencies(
        check_int("n_mels", n_mels, low=0),
        fmin=check_float("fmin", fmin, unit="Hz"),
        fmax=check_float("fmax", fmax, unit="Hz"),
        htk=check_bool("htk", htk),
    )


def fft_frequencies(sr: float = 22050, n_fft: int = 2048) -> np.ndarray:
    """Return the centre frequencies of the bins of a real FFT.

    Parameters
    ----------
    sr : float, > 0
        Sampling rate [Hz].
    n_fft : int, >= 1
        FFT length [samples].

    Returns
    -------
    np.ndarray, shape (1 + n_fft // 2,), float64
        ``k * sr / n_fft`` [Hz].

    Raises
    ------
    ParameterError
        If `sr` is not positive or `n_fft` not a positive integer.

    Examples
    --------
    >>> import melfeat
    >>> melfeat.fft_frequencies(sr=16000, n_fft=8).tolist()
    [0.0, 2000.0, 4000.0, 6000.0, 8000.0]
    """
    return _mel.fft_frequencies(_rate(sr), check_int("n_fft", n_fft, low=1, unit="samples"))


def frames_to_samples(frames: Numbers, hop_length: int = 512, n_fft: int | None = None) -> Any:
    """Return the sample at which frames start.

    Parameters
    ----------
    frames : number or array_like, any shape
        Frame indices.
    hop_length : int, >= 1
        Distance of neighbouring frames [samples].
    n_fft : int, >= 1, optional
        If given, ``n_fft // 2`` is added: the centres of frames of a spectrogram made with ``center=False``.

    Returns
    -------
    int or np.ndarray of int64, same shape
        Sample indices, truncated towards zero.

    Raises
    ------
    ParameterError
        If `frames` are not finite real numbers, or `hop_length` or `n_fft` not a positive integer.

    Examples
    --------
    >>> import melfeat
    >>> melfeat.frames_to_samples([0, 1, 2], hop_length=160).tolist()
    [0, 160, 320]
    """
    return _as_int("frames", _as_numbers("frames", frames) * _hop(hop_length) + _offset(n_fft))


def samples_to_frames(samples: Numbers, hop_length: int = 512, n_fft: int | None = None) -> Any:
    """Return the last frame that starts at or before each sample.

    Parameters
    ----------
    samples : number or array_like, any shape
        Sample indices.
    hop_length : int, >= 1
        Distance of neighbouring frames [samples].
    n_fft : int, >= 1, optional
        If given, ``n_fft // 2`` is subtracted first: for frames of a spectrogram made with ``center=False``. The first
        samples then belong to negative frames.

    Returns
    -------
    int or np.ndarray of int64, same shape
        Frame indices.

    Raises
    ------
    ParameterError
        If `samples` are not finite real numbers, or `hop_length` or `n_fft` not a positive integer.

    Examples
    --------
    >>> import melfeat
    >>> melfeat.samples_to_frames([0, 159, 160], hop_length=160).tolist()
    [0, 0, 1]
    """
    return _as_int("samples", (_as_numbers("samples", samples) - _offset(n_fft)) // _hop(hop_length))


def samples_to_time(samples: Numbers, sr: float = 22050) -> Any:
    """Convert sample indices to seconds.

    Parameters
    ----------
    samples : number or array_like, any shape
        Sample indices.
    sr : float, > 0
        Sampling rate [Hz].

    Returns
    -------
    float or np.ndarray, same shape
        Times [s].

    Raises
    ------
    ParameterError
        If `samples` are not real numbers or `sr` is not positive.

    Examples
    --------
    >>> import melfeat
    >>> float(melfeat.samples_to_time(11025))
    0.5
    """
    return (_as_numbers("samples", samples) / _rate(sr))[()]


def time_to_samples(times: Numbers, sr: float = 22050) -> Any:
    """Convert seconds to sample indices.

    Parameters
    ----------
    times : number or array_like, any shape
        Times [s].
    sr : float, > 0
        Sampling rate [Hz].

    Returns
    -------
    int or np.ndarray of int64, same shape
        Sample indices, truncated towards zero. A product that rounds to just below an integer loses one sample.

    Raises
    ------
    ParameterError
        If `times` are not finite real numbers or `sr` is not positive.

    Examples
    --------
    >>> import melfeat
    >>> int(melfeat.time_to_samples(0.5, sr=16000))
    8000
    """
    return _as_int("times", _as_numbers("times", times) * _rate(sr))


def frames_to_time(frames: Numbers, sr: float = 22050, hop_length: int = 512, n_fft: int | None = None) -> Any:
    """Convert frame indices to seconds.

    Parameters
    ----------
    frames : number or array_like, any shape
        Frame indices.
    sr : float, > 0
        Sampling rate [Hz].
    hop_length, n_fft
        As in `frames_to_samples`.

    Returns
    -------
    float or np.ndarray of float64, same shape
        Times [s].

    Raises
    ------
    ParameterError
        If `frames` are not finite real numbers, `sr` is not positive, or `hop_length` or `n_fft` not an integer >= 1.

    Examples
    --------
    >>> import melfeat
    >>> melfeat.frames_to_time([0, 50, 100], sr=16000, hop_length=160).tolist()
    [0.0, 0.5, 1.0]
    """
    return samples_to_time(frames_to_samples(frames, hop_length=hop_length, n_fft=n_fft), sr=sr)


def time_to_frames(times: Numbers, sr: float = 22050, hop_length: int = 512, n_fft: int | None = None) -> Any:
    """Convert seconds to frame indices.

    Parameters
    ----------
    times : number or array_like, any shape
        Times [s].
    sr : float, > 0
        Sampling rate [Hz].
    hop_length, n_fft
        As in `samples_to_frames`.

    Returns
    -------
    int or np.ndarray of int64, same shape
        Frame indices.

    Raises
    ------
    ParameterError
        If `times` are not finite real numbers, `sr` is not positive, or `hop_length` or `n_fft` not a positive integer.

    Examples
    --------
    >>> import melfeat
    >>> int(melfeat.time_to_frames(1.0, sr=16000, hop_length=160))
    100
    """
    return samples_to_frames(time_to_samples(times, sr=sr), hop_length=hop_length, n_fft=n_fft)


def samples_like(X: np.ndarray | float, hop_length: int = 512, n_fft: int | None = None, axis: int = -1) -> np.ndarray:
    """Return the sample at which each frame of a feature matrix starts.

    Parameters
    ----------
    X : np.ndarray, shape (..., t, ...), or number
        Features with frames along `axis`, or the number of frames itself.
    hop_length, n_fft
        As in `frames_to_samples`.
    axis : int
        The axis of `X` that counts frames, by default the last.

    Returns
    -------
    np.ndarray, shape (t,), int64
        Sample indices.

    Raises
    ------
    ParameterError
        If `X` has no such axis, or `hop_length` or `n_fft` is not a positive integer.

    Examples
    --------
    >>> import numpy as np
    >>> import melfeat
    >>> melfeat.samples_like(np.zeros((20, 4))).tolist()
    [0, 512, 1024, 1536]
    """
    if np.isscalar(X):
        count = np.ceil(check_float("X", X, low=0, unit="frames"))
    else:
        shape = np.shape(X)
        count = shape[check_axis(axis, len(shape))]
    return np.asarray(frames_to_samples(np.arange(int(count)), hop_length=hop_length, n_fft=n_fft))


def times_like(
    X: np.ndarray | float, sr: float = 22050, hop_length: int = 512, n_fft: int | None = None, axis: int = -1
) -> np.ndarray:
    """Return the time of each frame of a feature matrix.

    Parameters
    ----------
    X : np.ndarray, shape (..., t, ...), or number
        Features with frames along `axis`, or the number of frames itself.
    sr : float, > 0
        Sampling rate [Hz].
    hop_length, n_fft
        As in `frames_to_samples`.
    axis : int
        The axis of `X` that counts frames, by default the last.

    Returns
    -------
    np.ndarray, shape (t,), float64
        Times [s].

    Raises
    ------
    ParameterError
        If `X` has no such axis, `sr` is not positive, or `hop_length` or `n_fft` is not a positive integer.

    Examples
    --------
    >>> import melfeat
    >>> melfeat.times_like(4, sr=16000, hop_length=160).tolist()
    [0.0, 0.01, 0.02, 0.03]
    """
    return np.asarray(samples_to_time(samples_like(X, hop_length=hop_length, n_fft=n_fft, axis=axis), sr=sr))
