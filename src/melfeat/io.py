"""Audio in: load, stream, mix down and resample sound files, and ask them for rate and duration."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np

from ._arrays import as_float_array, check_finite
from ._checks import check_bool, check_float, check_int
from ._decode import Reader, check_dtype, check_span, count_frames, open_audio, open_signal
from ._describe import describe
from ._diagnose import source_name
from ._resample import check_res_type, resample_signal
from ._wav import borrowed
from .errors import AudioFileError, ParameterError

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from ._decode import AudioSource
    from ._resample import ResType

__all__ = ["describe", "get_duration", "get_samplerate", "load", "resample", "stream", "to_mono"]

#: How many samples `load` makes of one of the file's at most: a header that says 1 Hz fills any memory.
_MOST_SAMPLES_OF_ONE = 1000


def load(
    path: AudioSource,
    sr: float | None = 22050,
    mono: bool = True,
    offset: float = 0.0,
    duration: float | None = None,
    dtype: DTypeLike = np.float32,
    res_type: ResType = "soxr_hq",
) -> tuple[np.ndarray, float]:
    """Load a sound file as a floating-point signal, mixed down and resampled.

    Every format of libsndfile is read (WAV, FLAC, OGG Vorbis and Opus, MP3, AIFF, AU, CAF, …). 16-bit files are scaled
    and mixed down in one pass, block by block: no float copy of all channels exists.

    Parameters
    ----------
    path : path, file descriptor, open binary file, bytes of a file, or soundfile.SoundFile
        What to read. A handle that is passed in stays open; a ``SoundFile`` is read from its current position.
    sr : number > 0 [Hz] or None
        Sampling rate of the result; None keeps the file's.
    mono : bool
        Average the channels.
    offset : number >= 0 [s]
        Where to start; at or after the end the signal is empty.
    duration : number >= 0 [s] or None
        How much to read at most; None reads to the end.
    dtype : np.float32 or np.float64
        Type of the result.
    res_type : str
        How to resample, see `resample`.

    Returns
    -------
    y : np.ndarray [shape=(n,) or (n_channels, n)]
        The signal, full scale being 1; ``(n,)`` for one channel even if ``mono=False``.
    sr : number > 0 [Hz]
        Its sampling rate: `sr`, or the file's rate as an ``int``.

    Raises
    ------
    AudioFileMissingError
        If there is no such file.
    AudioFileError
        If it is empty, damaged, not readable for this user, no audio or in a format that libsndfile does not know, or
        if its rate is less than a thousandth of `sr`.
    ParameterError
        If an argument is out of its range, or the file holds NaN or infinite samples and must be resampled (without
        resampling they are returned as they are).
    MissingExtraError
        If the package behind `res_type` is not installed.

    Notes
    -----
    A WAV or Vorbis file that was cut off gives the samples that are there.

    Examples
    --------
    >>> import melfeat
    >>> y, sr = melfeat.load(melfeat.demo_path(), sr=16000, duration=0.5)
    >>> y.shape, y.dtype.name, sr
    ((8000,), 'float32', 16000)
    """
    if sr is not None:
        check_float("sr", sr, low=0, strict=True, unit="Hz", remedy="or None for the file's own rate")
    mono = check_bool("mono", mono)
    start, length = check_span(offset, duration)
    kind = check_dtype(dtype)
    check_res_type(res_type)
    with ExitStack() as stack:
        with open_signal(path, mono=mono, dtype=kind, whole=not start and length is None) as reader:
            native, n, n_rows = reader.samplerate, reader.begin(start, length), reader.n_rows
            keep = sr is None or sr == native
            if sr is not None and sr > _MOST_SAMPLES_OF_ONE * native:
                raise AudioFileError(
                    f"{source_name(path)}: says that its rate is {native} Hz, of which {sr:g} Hz would be more than "
                    f"{_MOST_SAMPLES_OF_ONE} times as many samples; if it is not damaged, load it with sr=None"
                )

            def memory(n: int) -> np.ndarray:
                size = n_rows * n
                flat = np.empty(size, kind) if keep else stack.enter_context(borrowed("signal", size, kind))
                return flat if n_rows == 1 else flat.reshape(n_rows, n)

            try:
                y = memory(n)
            except MemoryError:  # what a damaged header promises, perhaps
                n = reader.count_rest(n)
                y = memory(n)
            y = y[..., : reader.read_into(y, 0, n)]
            if keep and 2 * y.shape[-1] < n:
                y = y.copy()  # gives back what was not needed
        if sr is None or sr == native:
            return y, native if sr is None else sr
        if not reader.finite:
            check_finite(y, name=f"the signal of {source_name(path)}")
        return resample_signal(y, native, sr, res_type, fix=True, scale=False, axis=-1), sr


def stream(
    path: AudioSource,
    block_length: int,
    frame_length: int,
    hop_length: int,
    mono: bool = True,
    offset: float = 0.0,
    duration: float | None = None,
    fill_value: float | None = None,
    dtype: DTypeLike = np.float32,
) -> Iterator[np.ndarray]:
    """Read a sound file of any length block by block, at its own rate.

    Each block holds `block_length` whole frames: analysed with ``center=False``, the blocks together give exactly the
    frames of the whole file.

    Parameters
    ----------
    path : path, file descriptor, open binary file, bytes of a file, or soundfile.SoundFile
        What to read; see `load`.
    block_length : int > 0 [frames]
        Frames per block.
    frame_length : int > 0 [samples]
        Samples per frame.
    hop_length : int > 0 [samples]
        Samples from one frame to the next; more than `frame_length` leaves samples out between the blocks too.
    mono : bool
        Average the channels.
    offset : number >= 0 [s]
        Where to start.
    duration : number >= 0 [s] or None
        How much to read at most; with `fill_value`, how much to deliver.
    fill_value : number or None
        What the last block is filled up with; None leaves it short.
    dtype : np.float32 or np.float64
        Type of the blocks.

    Yields
    ------
    y : np.ndarray [shape=(m,) or (n_channels, m)]
        A new array of ``m = frame_length + (block_length - 1) * hop_length`` samples; the last one may be shorter.

    Raises
    ------
    AudioFileMissingError, AudioFileError
        As in `load`, at the call and not at the first block; damage inside a file when the stream gets there.
    ParameterError
        If an argument is out of its range.

    Examples
    --------
    >>> import melfeat
    >>> path = melfeat.demo_path()
    >>> blocks = melfeat.stream(path, block_length=16, frame_length=1024, hop_length=256, duration=0.5)
    >>> next(blocks).shape
    (4864,)
    """
    block_length = check_int("block_length", block_length, low=1, unit="frames")
    frame_length = check_int("frame_length", frame_length, low=1, unit="samples")
    hop_length = check_int("hop_length", hop_length, low=1, unit="samples")
    mono = check_bool("mono", mono)
    start, length = check_span(offset, duration)
    try:
        fill = None if fill_value is None else float(fill_value)
    except (TypeError, ValueError):
        raise ParameterError(f"fill_value={fill_value!r}: expected a number, or None for a short last block") from None
    kind = check_dtype(dtype)
    stack = ExitStack()  # opened here, so that errors come at the call; closed when the blocks are through
    handle = stack.enter_context(open_audio(path))

    def blocks() -> Iterator[np.ndarray]:
        with stack:
            reader = Reader(handle, mono=mono, dtype=kind)
            n = reader.begin(start, length, beyond=fill is not None)
            size = frame_length + (block_length - 1) * hop_length
            yield from reader.blocks(n, size, frame_length - hop_length, fill)

    return blocks()


def to_mono(y: np.ndarray) -> np.ndarray:
    """Average the channels of a signal.

    Parameters
    ----------
    y : np.ndarray [shape=(..., n)]
        The signal, float32 or float64.

    Returns
    -------
    y_mono : np.ndarray [shape=(n,)]
        The mean over all leading axes; `y` itself if it has none.

    Raises
    ------
    ParameterError
        If `y` is not floating point, has no axis or no channel, or is not finite everywhere.

    Examples
    --------
    >>> import melfeat
    >>> import numpy as np
    >>> melfeat.to_mono(np.array([[0.5, 0.25], [0.0, 0.75]]))
    array([0.25, 0.5 ])
    """
    signal = as_float_array(y)
    check_finite(signal)
    if signal.ndim == 1:
        return signal
    if 0 in signal.shape[:-1]:
        raise ParameterError(f"y has shape {signal.shape}: expected at least one channel")
    # The mean over the caller's own layout: NumPy's order of summation, hence the last bit, depends on it.
    mean = np.mean(y, axis=tuple(range(y.ndim - 1)), dtype=signal.dtype)
    return np.asarray(mean, dtype=signal.dtype)


def resample(
    y: np.ndarray,
    orig_sr: float,
    target_sr: float,
    res_type: ResType = "soxr_hq",
    fix: bool = True,
    scale: bool = False,
    axis: int = -1,
) -> np.ndarray:
    """Convert a signal from one sampling rate to another.

    Parameters
    ----------
    y : np.ndarray [shape=(..., n, ...)]
        The signal, float32 or float64, with `n` samples along `axis`.
    orig_sr : number > 0 [Hz]
        Its sampling rate.
    target_sr : number > 0 [Hz]
        The sampling rate of the result.
    res_type : str
        The method:

        - ``'soxr_vhq'``, ``'soxr_hq'``, ``'soxr_mq'``, ``'soxr_lq'``: band-limited, from best to fastest;
          ``'soxr_qq'``: cubic interpolation, which aliases.
        - ``'fft'`` or ``'scipy'``: the Fourier method, which takes the signal for periodic.
        - ``'polyphase'``: a short FIR filter, whole rates only.
        - ``'kaiser_best'``, ``'kaiser_fast'``: windowed sinc, ``pip install "melfeat[resampy]"``.
        - ``'sinc_best'``, ``'sinc_medium'``, ``'sinc_fastest'``, and the aliasing ``'linear'`` and
          ``'zero_order_hold'``: ``pip install "melfeat[samplerate]"``.
    fix : bool
        Cut or zero-pad the result to exactly ``ceil(n * target_sr / orig_sr)`` samples.
    scale : bool
        Divide by ``sqrt(target_sr / orig_sr)``, which keeps the energy (the sum of squares) about the same.
    axis : int
        The axis of time.

    Returns
    -------
    y_hat : np.ndarray [shape=(..., ceil(n * target_sr / orig_sr), ...)]
        The signal at `target_sr`, in the dtype of `y`; `y` itself if the rates are equal.

    Raises
    ------
    ParameterError
        If `y` is not floating point or not finite everywhere, a rate is not positive (or not whole, for
        ``'polyphase'``), or `res_type` or `axis` does not exist.
    MissingExtraError
        If the package behind `res_type` is not installed.

    Examples
    --------
    >>> import melfeat
    >>> import numpy as np
    >>> melfeat.resample(np.zeros(44100, dtype=np.float32), 44100, 16000).shape
    (16000,)
    """
    signal = as_float_array(y)
    check_res_type(res_type)
    fix, scale = check_bool("fix", fix), check_bool("scale", scale)
    for name, rate in (("orig_sr", orig_sr), ("target_sr", target_sr)):
        check_float(name, rate, low=0, strict=True, unit="Hz")
    axis = check_int("axis", axis, low=-signal.ndim, high=signal.ndim - 1)
    check_finite(signal)
    if orig_sr == target_sr:
        return signal
    return resample_signal(signal, orig_sr, target_sr, res_type, fix=fix, scale=scale, axis=axis)


def get_duration(
    y: np.ndarray | None = None,
    sr: float = 22050,
    S: np.ndarray | None = None,
    n_fft: int = 2048,
    hop_length: int = 512,
    center: bool = True,
    path: AudioSource | None = None,
) -> float:
    """Return how long a signal, a spectrogram or a sound file lasts.

    Parameters
    ----------
    y : np.ndarray [shape=(..., n)] or None
        A signal.
    sr : number > 0 [Hz]
        Its sampling rate.
    S : np.ndarray [shape=(..., d, t)] or None
        A spectrogram, or features made from one; used if `y` is None, and exact up to a hop.
    n_fft : int > 0 [samples]
        Frame length of `S`.
    hop_length : int > 0 [samples]
        Samples from one column of `S` to the next.
    center : bool
        Whether the frames of `S` were centred, that is, the signal padded.
    path : path, file descriptor, open binary file, bytes of a file, soundfile.SoundFile or None
        A sound file, whose header is read; then nothing else counts.

    Returns
    -------
    d : float >= 0 [s]
        The duration.

    Raises
    ------
    AudioFileMissingError, AudioFileError
        As in `load`.
    ParameterError
        If there is neither `y` nor `S` nor `path`, or an argument is out of its range.

    Examples
    --------
    >>> import melfeat
    >>> import numpy as np
    >>> melfeat.get_duration(np.zeros(33075), sr=22050)
    1.5
    """
    if path is not None:
        with open_audio(path) as handle:
            return float(count_frames(handle)) / handle.samplerate
    rate = check_float("sr", sr, low=0, strict=True, unit="Hz")
    if y is not None:
        return float(_last_axis("y", y)) / rate
    if S is None:
        raise ParameterError("neither y, S nor path is given: expected a signal, a spectrogram or a sound file")
    n_fft = check_int("n_fft", n_fft, low=1, unit="samples")
    hop_length = check_int("hop_length", hop_length, low=1, unit="samples")
    n_frames = _last_axis("S", S)
    if n_frames == 0:
        return 0.0
    padding = 2 * (n_fft // 2) if check_bool("center", center) else 0
    return float(n_fft + hop_length * (n_frames - 1) - padding) / rate


def get_samplerate(path: AudioSource) -> int:
    """Return the sampling rate of a sound file, from its header.

    Parameters
    ----------
    path : path, file descriptor, open binary file, bytes of a file, or soundfile.SoundFile
        The sound file.

    Returns
    -------
    sr : int > 0 [Hz]
        Its sampling rate.

    Raises
    ------
    AudioFileMissingError, AudioFileError
        As in `load`.

    Examples
    --------
    >>> import melfeat
    >>> melfeat.get_samplerate(melfeat.demo_path()) > 0
    True
    """
    with open_audio(path) as handle:
        return int(handle.samplerate)


def _last_axis(name: str, array: Any) -> int:
    shape = np.shape(array)
    if not shape:
        raise ParameterError(f"{name} has shape (): expected at least 1 dimension(s)")
    return int(shape[-1])
