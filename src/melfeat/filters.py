"""Filterbanks and windows: `mel`, `get_window`, `window_sumsquare`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._checks import check_int
from .dsp.arrays import check_norm, check_threshold, normalize
from .dsp.mel import MelNorm, mel_basis, warn_if_empty
from .dsp.windows import WindowSpec, window as _window
from .errors import ParameterError

__all__ = ["get_window", "mel", "window_sumsquare"]


def mel(
    sr: float,
    n_fft: int,
    n_mels: int = 128,
    fmin: float = 0.0,
    fmax: float | None = None,
    htk: bool = False,
    norm: MelNorm = "slaney",
    dtype: Any = np.float32,
) -> np.ndarray:
    """Return a mel filterbank: triangles, linear in Hz, whose corners are equally spaced in mel.

    Values are those of librosa 0.11 to the last bit. A band that librosa takes silently and that makes no sense (`fmax`
    above sr/2 or not above `fmin`, negative `fmin`) is refused.

    Parameters
    ----------
    sr : float, > 0
        Sampling rate [Hz].
    n_fft : int, >= 1
        FFT length [samples].
    n_mels : int, >= 1
        Number of bands.
    fmin, fmax : float, 0 <= fmin < fmax <= sr/2
        The lower corner of the first and the upper corner of the last band [Hz]; `fmax` None is sr/2.
    htk : bool
        The mel scale: False for Slaney's, True for HTK's (see `melfeat.hz_to_mel`).
    norm : {'slaney', None} or number
        'slaney' divides each triangle by half its width in Hz, so that bands of white noise have equal energy; None
        leaves peaks of 1; a number scales each band to that vector norm (1, 2, np.inf, ...).
    dtype : floating-point dtype
        The dtype of the result.

    Returns
    -------
    np.ndarray, shape (n_mels, 1 + n_fft // 2)
        Weights, to be multiplied with a power spectrum from the left.

    Raises
    ------
    ParameterError
        If one of the conditions above does not hold.

    Warns
    -----
    EmptyFilterWarning
        If bands are so narrow that no FFT bin falls into them.

    References
    ----------
    M. Slaney, Auditory Toolbox, Version 2, Interval Research Corporation, Technical Report 1998-010.

    Examples
    --------
    >>> import melfeat
    >>> basis = melfeat.filters.mel(sr=16000, n_fft=512, n_mels=40)
    >>> basis.shape, round(float(basis.max()), 4)
    ((40, 257), 0.0132)
    """
    weights = mel_basis(sr, n_fft, n_mels, fmin, fmax, htk, norm, dtype).copy()
    warn_if_empty(weights, stacklevel=2)
    return weights


def get_window(window: WindowSpec, Nx: int, fftbins: bool = True) -> np.ndarray:
    """Return a window function.

    Parameters
    ----------
    window : str, tuple, float, callable or array_like
        A name ('hann', 'hamming', 'blackman', ... and every other that `scipy.signal.get_window` knows); a tuple
        ``(name, parameter, ...)``; the beta of a Kaiser window; a function of the length; or the `Nx` values.
    Nx : int, >= 1
        Length [samples].
    fftbins : bool
        True for the periodic form, made for spectra, False for the symmetric one, made for filter design. Functions and
        arrays are taken as they are.

    Returns
    -------
    np.ndarray, shape (Nx,), float64
        The window, a new array.

    Raises
    ------
    ParameterError
        If the window is unknown, lacks a parameter, or has another length than `Nx`.

    References
    ----------
    F. J. Harris, On the use of windows for harmonic analysis with the discrete Fourier transform, Proceedings of the
    IEEE 66 (1), 1978, pp. 51-83.

    Examples
    --------
    >>> import melfeat
    >>> melfeat.filters.get_window("hann", 4).tolist()
    [0.0, 0.5, 1.0, 0.5]
    """
    return _window(window, Nx, fftbins=fftbins)


def window_sumsquare(
    window: WindowSpec,
    n_frames: int,
    hop_length: int = 512,
    win_length: int | None = None,
    n_fft: int = 2048,
    dtype: Any = np.float32,
    norm: float | None = None,
) -> np.ndarray:
    """Return the sum of squared windows over overlapping frames, which an inverse STFT divides by.

    Parameters
    ----------
    window : str, tuple, float, callable or array_like
        The window, as in `get_window`.
    n_frames : int, >= 0
        Number of frames.
    hop_length : int, >= 1
        Distance of neighbouring frames [samples].
    win_length : int, 1 <= win_length <= n_fft, optional
        Length of the window [samples], which is centred in the frame; by default `n_fft`.
    n_fft : int, >= 1
        Length of a frame [samples].
    dtype : floating-point dtype
        The dtype of the result and of its partial sums.
    norm : number, optional
        Scales the window to this vector norm first.

    Returns
    -------
    np.ndarray, shape (n_fft + hop_length * (n_frames - 1),)
        The envelope.

    Raises
    ------
    ParameterError
        If the window is unknown or one of the conditions above does not hold.

    Examples
    --------
    >>> import melfeat
    >>> melfeat.filters.window_sumsquare("hann", n_frames=4, hop_length=2, n_fft=4).tolist()
    [0.0, 0.25, 1.0, 0.5, 1.0, 0.5, 1.0, 0.5, 1.0, 0.25]
    """
    n_frames = check_int("n_frames", n_frames, low=0)
    hop_length = check_int("hop_length", hop_length, low=1, unit="samples")
    n_fft = check_int("n_fft", n_fft, low=1, unit="samples")
    length = n_fft if win_length is None else check_int("win_length", win_length, low=1, high=n_fft, unit="samples")
    order = check_norm(norm)
    kind = np.dtype(dtype)
    if kind.kind != "f":
        raise ParameterError(f"dtype={dtype!r}: expected a floating-point dtype such as np.float32")
    values = _window(window, length)
    square = normalize(values, order, -1, check_threshold(None, values), None) ** 2

    # Cut the frame into chunks of one hop: chunk j of frame i falls into row i + j, so all frames add theirs at once.
    # From the last chunk to the first, each row receives its frames in order of time: the rounding of a plain loop.
    # Rows that all chunks reach are equal: a few frames are enough, and the middle row is repeated.
    n_chunks = -(-n_fft // hop_length)
    chunks = np.zeros((n_chunks, hop_length))
    start = (n_fft - length) // 2
    chunks.reshape(-1)[start : start + length] = square
    few = min(n_frames, n_chunks)
    rows = np.zeros((few + n_chunks, hop_length), dtype=kind)
    for j in range(n_chunks - 1, -1, -1):
        rows[j : j + few] += chunks[j]
    out = np.empty((n_frames + n_chunks, hop_length), dtype=kind)
    out[:few] = rows[:few]
    out[few:n_frames] = rows[few - 1]
    out[n_frames:] = rows[few:]
    return out.reshape(-1)[: max(0, n_fft + hop_length * (n_frames - 1))]
