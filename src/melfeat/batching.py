"""Many clips of any lengths in one call: the door `batch`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal, overload

import numpy as np

from ._arrays import as_float_array, named_clips
from .dsp.windows import WindowSpec
from .errors import ParameterError
from .feature import MelNorm, mfcc_plan, warn_of_empty_bands
from .pipeline import padded, ragged
from .plan import Plan
from .spectrum import require_frames
from .stages import hashable_window

__all__ = ["batch"]

Clips = Iterable[np.ndarray]


@overload
def batch(clips: Clips, sr: float = ..., *, pad: Literal[False] = ..., **options: Any) -> list[np.ndarray]: ...


@overload
def batch(clips: Clips, sr: float = ..., *, pad: Literal[True], **options: Any) -> tuple[np.ndarray, np.ndarray]: ...


def batch(  # type: ignore[misc]
    clips: Clips,
    sr: float = 22050,
    *,
    pad: bool = False,
    n_mfcc: int = 20,
    dct_type: Literal[1, 2, 3] = 2,
    norm: Literal["ortho"] | None = "ortho",
    lifter: float = 0,
    mel_norm: MelNorm = "slaney",
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
) -> list[np.ndarray] | tuple[np.ndarray, np.ndarray]:
    """Return the mel-frequency cepstral coefficients of clips of any lengths, the same bits as one call each.

    Short clips share vectors and threads, so many of them cost little more than one clip of their total length.

    Parameters
    ----------
    clips : iterable of np.ndarray of float32 or float64, shape (n,)
        The signals; an array (n_clips, n) is as good as a list.
    sr : float, > 0
        Their sampling rate [Hz].
    pad : bool
        Return one array, padded with zeros, and the lengths.
    n_mfcc, dct_type, norm, lifter, mel_norm, n_fft, hop_length, win_length, window, center, pad_mode, power, n_mels
        As in `melfeat.mfcc`.
    fmin, fmax, htk, top_db
        As in `melfeat.mfcc`.

    Returns
    -------
    list of np.ndarray, shape (n_mfcc, n_frames)
        The coefficients of each clip in its dtype. With `pad`: an array (n_clips, n_mfcc, largest n_frames), and the
        number of frames of each clip as integers (n_clips,).

    Raises
    ------
    ParameterError
        If a clip is not a finite floating-point array of one dimension or is too short, or a parameter is out of its
        range; the message names the clip.

    Warns
    -----
    EmptyFilterWarning
        If a band is so narrow that no frequency of the transform falls into it.

    References
    ----------
    As in `melfeat.mfcc`.

    Examples
    --------
    >>> import melfeat
    >>> import numpy as np
    >>> clips = [np.ones(n, dtype=np.float32) for n in (22050, 8000, 300)]
    >>> [M.shape for M in melfeat.batch(clips, sr=22050)]
    [(20, 44), (20, 16), (20, 1)]
    >>> M, lengths = melfeat.batch(clips, sr=22050, pad=True)
    >>> M.shape, lengths.tolist()
    ((3, 20, 44), [44, 16, 1])
    """
    signals = [as_float_array(clip, name=name) for name, clip in named_clips(clips)]
    key = hashable_window(window)
    plans: dict[np.dtype, Plan] = {}

    def planned(dtype: np.dtype) -> Plan:
        if dtype not in plans:
            plans[dtype] = mfcc_plan(
                sr, n_mfcc, dct_type, norm, lifter, mel_norm, n_fft, hop_length, win_length, key, center, pad_mode,
                power, n_mels, fmin, fmax, htk, top_db, dtype,
            )  # fmt: skip
        return plans[dtype]

    def count(index: int, n_samples: int) -> int:
        try:
            return require_frames(made.config, n_samples)
        except ParameterError as error:
            raise ParameterError(f"clips[{index}]: {error}") from None

    made = planned(signals[0].dtype if signals else np.dtype(np.float32))
    if made.bank is not None:
        warn_of_empty_bands(made.bank.n_empty, made.bank.n_bands)
    results = [rows for rows, _ in ragged(signals, planned, count)]
    return padded(results, made.n_rows) if pad else results
