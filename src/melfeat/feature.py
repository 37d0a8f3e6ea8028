"""Mel and cepstral features: the doors `melspectrogram` and `mfcc`, and with them `delta` and `stack_memory`."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from ._arrays import as_channels, as_float_array
from ._checks import check_bool, check_choice
from .config import Config
from .dsp.mel import resolve_band
from .dsp.windows import WindowSpec
from .errors import EmptyFilterWarning, ParameterError
from .pipeline import bands, clips_of_channels, features
from .spectrum import center_rule, require_frames
from .stages import Cepstrum, Compression, Filterbank, Framing, Spectrum, hashable_window
from .temporal import delta, stack_memory

__all__ = ["delta", "melspectrogram", "mfcc", "stack_memory"]

MelNorm = Literal["slaney"] | float | None


@lru_cache(maxsize=128, typed=True)
def _mel_plan(
    sr: Any, n_fft: Any, hop_length: Any, win_length: Any, window: Any, center: Any, pad_mode: Any, power: Any,
    n_mels: Any, fmin: Any, fmax: Any, htk: Any, mel_norm: Any, dtype: np.dtype,
) -> Any:  # fmt: skip
    from .plan import plan

    config = Config(
        sr,
        framing=Framing(n_fft, hop_length, win_length, window, center_rule(center), pad_mode),
        spectrum=Spectrum(power),
        filterbank=_filterbank(n_mels, fmin, fmax, htk, mel_norm),
    )
    return plan(config, dtype)


@lru_cache(maxsize=128, typed=True)
def mfcc_plan(
    sr: Any, n_mfcc: Any, dct_type: Any, norm: Any, lifter: Any, mel_norm: Any, n_fft: Any, hop_length: Any,
    win_length: Any, window: Any, center: Any, pad_mode: Any, power: Any, n_mels: Any, fmin: Any, fmax: Any, htk: Any,
    top_db: Any, dtype: np.dtype,
) -> Any:  # fmt: skip
    from .plan import plan

    config = Config(
        sr,
        framing=Framing(n_fft, hop_length, win_length, window, center_rule(center), pad_mode),
        spectrum=Spectrum(power),
        filterbank=_filterbank(n_mels, fmin, fmax, htk, mel_norm),
        compression=Compression(top_db=top_db),
        cepstrum=_cepstrum(n_mfcc, dct_type, norm, lifter),
    )
    return plan(config, dtype)


def _filterbank(n_mels: Any, fmin: Any, fmax: Any, htk: Any, mel_norm: Any) -> Filterbank:
    if fmax is not None and not fmax > 0:
        raise ParameterError(f"fmax={fmax!r}: expected a frequency > 0 [Hz]; fmax=None takes sr/2")
    return Filterbank(n_mels, fmin, fmax, "htk" if check_bool("htk", htk) else "slaney", mel_norm)


def _cepstrum(n_mfcc: Any, dct_type: Any, norm: Any, lifter: Any) -> Cepstrum:
    return Cepstrum(n_mfcc, dct_type, check_choice("norm", norm, ("ortho", None)), lifter)


def warn_of_empty_bands(n_empty: int, n_mels: int, *, stacklevel: int = 3) -> None:
    if n_empty:
        warnings.warn(
            f"{n_empty} of {n_mels} mel bands contain no FFT bin and are zero everywhere; use fewer bands (n_mels), a "
            "longer FFT (n_fft) or a wider range (fmin, fmax)",
            EmptyFilterWarning,
            stacklevel=stacklevel,
        )


def _as_spectra(S: Any) -> tuple[np.ndarray, tuple[int, ...]]:
    """Return ``(..., rows, t)`` as ``(n_channels, rows, t)`` floats, and the leading shape."""
    array = as_float_array(S, name="S", min_ndim=2)
    lead = array.shape[:-2]
    return array.reshape(math.prod(lead), *array.shape[-2:]), lead


def melspectrogram(
    y: np.ndarray | None = None,
    sr: float = 22050,
    S: np.ndarray | None = None,
    n_fft: int = 2048,
    hop_length: int = 512,
    win_length: int | None = None,
    window: WindowSpec = "hann",
    center: bool = True,
    pad_mode: str | Callable[..., Any] = "constant",
    power: float = 2.0,
    *,
    n_mels: int = 128,
    fmin: float = 0.0,
    fmax: float | None = None,
    htk: bool = False,
    norm: MelNorm = "slaney",
) -> np.ndarray:
    """Return the mel spectrogram of a signal, or of a spectrogram.

    Parameters
    ----------
    y : np.ndarray of float32 or float64, shape (..., n)
        The signal.
    sr : float, > 0
        Its sampling rate [Hz].
    S : np.ndarray of float32 or float64, shape (..., 1 + n_fft // 2, t), optional
        A spectrogram to be used instead of `y`; it decides `n_fft`, and all framing parameters are ignored.
    n_fft : int, >= 1
        Length of a frame and of its transform [samples]; any length is fast.
    hop_length : int, >= 1
        Distance of neighbouring frames [samples].
    win_length : int, 1 <= win_length <= n_fft, optional
        Length of the window [samples], centred in the frame; by default `n_fft`.
    window : str, tuple, float, callable or array_like
        The window, as in `melfeat.filters.get_window`.
    center : bool
        Whether frame t is centred on sample ``t * hop_length``; if not, it begins there.
    pad_mode : {'constant', 'edge', 'linear_ramp', 'reflect', 'symmetric', 'empty'} or callable
        What a centred frame sees beyond the ends of the signal, as in `numpy.pad`.
    power : float, > 0
        Exponent of the magnitude: 2 for power, 1 for amplitude.
    n_mels : int, >= 1
        Number of mel bands.
    fmin, fmax : float, 0 <= fmin < fmax <= sr / 2
        Lowest and highest frequency of the bands [Hz]; `fmax` is by default sr / 2.
    htk : bool
        Use HTK's mel scale instead of Slaney's.
    norm : {'slaney', None} or number
        Scale of the bands: unit area in Hz, unit height, or unit vector norm of that order.

    Returns
    -------
    np.ndarray, shape (..., n_mels, t)
        Mel spectrogram in the dtype of the input.

    Raises
    ------
    ParameterError
        If neither `y` nor `S` is given, the signal is not a finite floating-point array or too short, or a parameter is
        out of its range.

    Warns
    -----
    EmptyFilterWarning
        If a band is so narrow that no frequency of the transform falls into it.

    References
    ----------
    S. S. Stevens, J. Volkmann, E. B. Newman, "A scale for the measurement of the psychological magnitude pitch",
    JASA 8, 1937; scale and bands as in M. Slaney, "Auditory Toolbox", 1998.

    Examples
    --------
    >>> import melfeat
    >>> import numpy as np
    >>> y = np.sin(2 * np.pi * 440 * np.arange(22050) / 22050).astype(np.float32)
    >>> S = melfeat.melspectrogram(y, sr=22050)
    >>> S.shape, int(S.mean(axis=1).argmax())
    ((128, 44), 16)
    """
    if S is not None:
        return _mel_of_spectra(S, sr, n_mels, fmin, fmax, htk, norm)
    if y is None:
        raise ParameterError("y=None and S=None: expected a signal y or a spectrogram S")
    channels, lead = as_channels(y)
    made = _mel_plan(
        sr, n_fft, hop_length, win_length, hashable_window(window), center, pad_mode, power,
        n_mels, fmin, fmax, htk, norm, channels.dtype,
    )  # fmt: skip
    warn_of_empty_bands(made.bank.n_empty, made.bank.n_bands)
    n_frames = require_frames(made.config, channels.shape[1])
    flat, _ = bands(clips_of_channels(channels, n_frames), made)
    return flat.reshape(*lead, made.n_rows, n_frames)


def _mel_of_spectra(
    S: np.ndarray, sr: float, n_mels: int, fmin: float, fmax: float | None, htk: bool, norm: MelNorm
) -> np.ndarray:
    from .pipeline import apply_bank
    from .plan import bank_of_filterbank

    channels, lead = _as_spectra(S)
    n_bins = channels.shape[1]
    if n_bins < 1:
        raise ParameterError(f"S has shape {S.shape}: expected (..., 1 + n_fft // 2, t)")
    filterbank = _filterbank(n_mels, fmin, fmax, htk, norm)
    resolve_band(sr, filterbank.fmin, filterbank.fmax)
    bank = bank_of_filterbank(filterbank, float(sr), max(1, 2 * (n_bins - 1)), channels.dtype)
    warn_of_empty_bands(bank.n_empty, bank.n_bands, stacklevel=4)
    result = apply_bank(channels, bank)
    return result.reshape(*lead, *result.shape[1:])


def mfcc(
    y: np.ndarray | None = None,
    sr: float = 22050,
    S: np.ndarray | None = None,
    n_mfcc: int = 20,
    dct_type: Literal[1, 2, 3] = 2,
    norm: Literal["ortho"] | None = "ortho",
    lifter: float = 0,
    mel_norm: MelNorm = "slaney",
    *,
    n_fft: int = 2048,
    hop_length: int = 512,
    win_length: int | None = None,
    window: WindowSpec = "hann",
    center: bool = True,
    pad_mode: str | Callable[..., Any] = "constant",
    power: float = 2.0,
    n_mels: int = 128,
    fmin: float = 0.0,
    fmax: float | None = None,
    htk: bool = False,
    top_db: float | None = 80.0,
) -> np.ndarray:
    """Return the mel-frequency cepstral coefficients of a signal.

    A cosine transform of the decibels of the mel spectrogram, with librosa's parameters, defaults and values.

    Parameters
    ----------
    y : np.ndarray of float32 or float64, shape (..., n)
        The signal.
    sr : float, > 0
        Its sampling rate [Hz].
    S : np.ndarray of float32 or float64, shape (..., n_mels, t), optional
        Log-power mel bands [dB] to be used instead of `y`; only `n_mfcc`, `dct_type`, `norm` and `lifter` then count.
    n_mfcc : int, >= 1
        Number of coefficients. There are never more than mel bands: a larger number returns ``n_mels`` rows.
    dct_type : {1, 2, 3}
        Type of the cosine transform, as in `scipy.fft.dct`.
    norm : {'ortho', None}
        Its scale: orthonormal, or none.
    lifter : float, >= 0
        Multiply coefficient i = 0 … by ``1 + (lifter / 2) sin(pi (i + 1) / lifter)``; 0 for none. (HTK, Kaldi and
        python_speech_features have ``i`` where librosa, and so this function, has ``i + 1``.)
    mel_norm : {'slaney', None} or number
        Scale of the mel bands, `norm` of `melspectrogram`.
    n_fft, hop_length, win_length, window, center, pad_mode, power, n_mels, fmin, fmax, htk
        As in `melspectrogram`.
    top_db : float, >= 0, optional
        Raise the decibels to at least so much below the peak of their channel [dB]; None for no floor.

    Returns
    -------
    np.ndarray, shape (..., n_mfcc, t)
        Coefficients in the dtype of the input.

    Raises
    ------
    ParameterError
        If neither `y` nor `S` is given, the signal is not a finite floating-point array or too short, or a parameter is
        out of its range.

    Warns
    -----
    EmptyFilterWarning
        If a band is so narrow that no frequency of the transform falls into it.

    References
    ----------
    S. B. Davis, P. Mermelstein, "Comparison of parametric representations for monosyllabic word recognition in
    continuously spoken sentences", IEEE TASSP 28, 1980.

    Examples
    --------
    >>> import melfeat
    >>> import numpy as np
    >>> y = np.sin(2 * np.pi * 440 * np.arange(22050) / 22050).astype(np.float32)
    >>> M = melfeat.mfcc(y, sr=22050, n_mfcc=13)
    >>> M.shape, M.dtype.name
    ((13, 44), 'float32')
    """
    if S is not None:
        return _mfcc_of_levels(S, n_mfcc, dct_type, norm, lifter)
    if y is None:
        raise ParameterError("y=None and S=None: expected a signal y or log-power mel bands S")
    channels, lead = as_channels(y)
    made = mfcc_plan(
        sr, n_mfcc, dct_type, norm, lifter, mel_norm, n_fft, hop_length, win_length, hashable_window(window), center,
        pad_mode, power, n_mels, fmin, fmax, htk, top_db, channels.dtype,
    )  # fmt: skip
    warn_of_empty_bands(made.bank.n_empty, made.bank.n_bands)
    n_frames = require_frames(made.config, channels.shape[1])
    flat, _ = features(clips_of_channels(channels, n_frames), made)
    return flat.reshape(*lead, made.n_rows, n_frames)


def _mfcc_of_levels(S: np.ndarray, n_mfcc: int, dct_type: Any, norm: Any, lifter: float) -> np.ndarray:
    from .pipeline import apply_cosines
    from .plan import cosines

    channels, lead = _as_spectra(S)
    n_bands = channels.shape[1]
    if n_bands < 1:
        raise ParameterError(f"S has shape {S.shape}: expected (..., n_mels, t) with at least one band")
    transform = cosines(_cepstrum(n_mfcc, dct_type, norm, lifter), n_bands, channels.dtype)
    result = apply_cosines(channels, n_bands, transform)
    return result.reshape(*lead, *result.shape[1:])
