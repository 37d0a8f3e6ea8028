"""One vector per sound file: statistics over time of its features, for many files on several threads."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from functools import cached_property
from inspect import signature
from itertools import groupby
from operator import length_hint
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, cast, get_args

import numpy as np

from ._arrays import as_float_array
from ._checks import check_choice, check_float, check_int
from ._decode import check_dtype, check_span
from ._diagnose import source_name
from ._resample import check_res_type
from .config import Config
from .dsp.windows import WindowSpec
from .errors import MelfeatError, ParameterError
from .extractor import Extractor
from .feature import MelNorm, mfcc_plan, warn_of_empty_bands
from .io import load
from .pipeline import clips_of_channels, features, ragged
from .spectrum import require_frames
from .stages import hashable_window
from .workers import get_num_threads, threads

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from ._decode import AudioSource
    from ._resample import ResType

__all__ = ["mfcc_stats"]

Stat = Literal["mean", "std", "var", "min", "max", "median", "skew", "kurtosis"]
Source: TypeAlias = "AudioSource | np.ndarray"

#: Values that are pooled at a time in float64, 2 MB of them, so that hours of frames need no float64 copy.
_POOLED = 1 << 18

#: Sources that a thread works on at once at most, and the samples of theirs that are enough: 3 s.
_TOGETHER, _TOGETHER_SAMPLES = 16, 1 << 16

#: Samples of signals that are worth a thread, which must be started and woken: about 0.7 ms of work.
_WORTH_SAMPLES = 1 << 18

#: Sources without a state that another thread could disturb.
_STATELESS = (str, os.PathLike, bytes, bytearray, memoryview, np.ndarray)


def mfcc_stats(
    source: Source | Iterable[Source],
    sr: float | None = 22050,
    *,
    stats: Stat | Iterable[Stat] = ("mean",),
    n_mfcc: int = 40,
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
    offset: float = 0.0,
    duration: float | None = None,
    dtype: DTypeLike = np.float32,
    res_type: ResType = "soxr_hq",
    extractor: Extractor | Config | str | None = None,
) -> np.ndarray:
    """Return statistics over time of the MFCCs of sound files, one vector per file.

    For one file it is ``melfeat.mfcc(*melfeat.load(path, sr), n_mfcc=40).mean(axis=-1)``, on the same coefficients bit
    for bit, with the sum taken in float64. Of many files each thread that `get_num_threads` allows takes the next one.
    Neither the number of threads nor the other files change a bit.

    Parameters
    ----------
    source : path, file descriptor, open binary file, bytes, soundfile.SoundFile or np.ndarray (n,), or iterable of them
        What `melfeat.load` reads, mixed down and resampled, or a signal at the rate `sr`. From an iterator a thread
        takes the next source when it is free, so it is never far ahead; it must not change what it has given.
    sr : float, > 0, or None
        Sampling rate at which features are computed [Hz]; None keeps that of each file.
    stats : str or iterable of {'mean', 'std', 'var', 'min', 'max', 'median', 'skew', 'kurtosis'}
        What is taken over the frames. Moments are those of the frames as a population (``ddof=0``), kurtosis is in
        excess of a normal distribution's; both shapes are 0 where all frames are equal.
    n_mfcc : int, >= 1
        Number of coefficients, never more than mel bands.
    dct_type, norm, lifter, mel_norm, n_fft, hop_length, win_length, window, center, pad_mode, power, n_mels, fmin, fmax
        As in `melfeat.mfcc`.
    htk, top_db
        As in `melfeat.mfcc`.
    offset, duration : float, >= 0 [s]
        Where to start, and how much to use at most (None: up to the end).
    dtype : np.float32 or np.float64
        Type in which files are loaded; a signal has its own.
    res_type : str
        How files are resampled, see `melfeat.resample`.
    extractor : Extractor, Config or str, optional
        Features to be used instead of MFCCs with the parameters above: an extractor, a configuration, or the name of a
        preset. `sr` must be its sampling rate.

    Returns
    -------
    np.ndarray, shape (n_stats * n_features,), or (n_sources, n_stats * n_features) for an iterable
        All features' first statistic, then all features' second one, …; sources in the order given. Computed in float64
        and rounded to the dtype of the signal.

    Raises
    ------
    AudioFileMissingError, AudioFileError
        If a file cannot be read, see `melfeat.load`.
    ParameterError
        If a parameter is out of its range, or a signal is too short for a frame or not finite.
    MissingExtraError
        If the package behind `res_type` is not installed.

    Warns
    -----
    EmptyFilterWarning
        If a band is so narrow that no frequency of the transform falls into it.

    Notes
    -----
    The error of one of several sources names its position. It is that of the first one that fails, in their order, and
    comes when the files that other threads are at are done. The rest is not begun.

    References
    ----------
    G. Tzanetakis, P. Cook, "Musical genre classification of audio signals", IEEE TSAP 10, 2002: means and variances of
    features over time as the description of a recording.

    Examples
    --------
    >>> import melfeat
    >>> path = melfeat.demo_path()
    >>> melfeat.mfcc_stats(path).shape
    (40,)
    >>> X = melfeat.mfcc_stats([path, path], stats=("mean", "std"), n_mfcc=13)
    >>> X.shape, X.dtype.name
    ((2, 26), 'float32')
    """
    # fmt: off
    options = {
        "n_mfcc": n_mfcc, "dct_type": dct_type, "norm": norm, "lifter": lifter, "mel_norm": mel_norm, "n_fft": n_fft,
        "hop_length": hop_length, "win_length": win_length, "window": hashable_window(window), "center": center,
        "pad_mode": pad_mode, "power": power, "n_mels": n_mels, "fmin": fmin, "fmax": fmax, "htk": htk,
        "top_db": top_db,
    }
    # fmt: on
    names = _check_stats(stats)
    if sr is not None:
        check_float("sr", sr, low=0, strict=True, unit="Hz", remedy="or None for the rate of each file")
    span, kind = check_span(offset, duration), check_dtype(dtype)
    frames = _Coefficients(options) if extractor is None else _Extracted(extractor, sr, options)
    n_features = frames.prepare(sr, kind)
    if frames.empty is not None:
        warn_of_empty_bands(*frames.empty)
    recipe = _Recipe(names, frames, sr, *span, kind, check_res_type(res_type))
    one, sources = _is_one(source), cast("Iterable[Any]", source)
    rows = [recipe.row_of(source)] if one else _Team(recipe, sources).run()
    if sr is None and frames.empty is not None:  # only the files have told
        warn_of_empty_bands(*frames.empty)
    if one:
        return rows[0]
    return np.stack(rows) if rows else np.empty((0, len(names) * n_features), kind)


def _check_stats(stats: Any) -> tuple[str, ...]:
    names = (stats,) if isinstance(stats, str) or not isinstance(stats, Iterable) else tuple(stats)
    if not names:
        raise ParameterError(f"stats={stats!r}: expected at least one of {', '.join(map(repr, get_args(Stat)))}")
    return tuple(check_choice("stats", name, get_args(Stat)) for name in names)


def _is_one(source: Any) -> bool:
    """Return whether `source` is one source; if not, it is an iterable of them."""
    if isinstance(source, np.ndarray):
        return source.ndim == 0 or (source.ndim == 1 and source.dtype.kind not in "OU")  # rows, or names of files
    if isinstance(source, (Mapping, Set)):
        raise ParameterError(f"source has type {type(source).__name__}: expected an order, e.g. a list of paths")
    return isinstance(source, _STATELESS) or callable(getattr(source, "read", None)) or not isinstance(source, Iterable)


class _Coefficients:
    """Computes MFCCs, by the parameters of `mfcc`."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        self.empty: tuple[int, int] | None = None

    def _plan(self, sr: float, dtype: np.dtype) -> Any:
        made = mfcc_plan(sr=sr, dtype=dtype, **self._options)
        if made.bank is not None and made.bank.n_empty:
            self.empty = made.bank.n_empty, made.bank.n_bands
        return made

    def prepare(self, sr: float | None, dtype: np.dtype) -> int:
        """Return the number of coefficients; refuse what no file could make right."""
        if sr is not None:
            return int(self._plan(sr, dtype).n_rows)
        n_mels = check_int("n_mels", self._options["n_mels"], low=1)
        return min(check_int("n_mfcc", self._options["n_mfcc"], low=1), n_mels)

    def __call__(self, signals: list[np.ndarray], sr: float) -> Iterator[np.ndarray]:
        """Yield the coefficients ``(n_mfcc, n_frames)`` of signals ``(n,)`` of one dtype."""
        floats = [as_float_array(y) for y in signals]
        made = self._plan(sr, floats[0].dtype)
        if len(floats) == 1:  # errors call it y
            n_frames = require_frames(made.config, floats[0].size)
            flat, _ = features(clips_of_channels(floats[0].reshape(1, -1), n_frames), made)
            yield flat.reshape(made.n_rows, n_frames)
            return
        for rows, _ in ragged(floats, lambda dtype: made, lambda i, n: require_frames(made.config, n)):
            yield rows


class _Extracted:
    """Computes the features of an extractor."""

    empty: tuple[int, int] | None = None

    def __init__(self, extractor: Any, sr: float | None, options: dict[str, Any]) -> None:
        defaults = {name: parameter.default for name, parameter in signature(mfcc_stats).parameters.items()}
        for name, value in options.items():
            if value != defaults[name]:
                raise ParameterError(
                    f"{name}={value!r}: expected its default where an extractor is given; "
                    f"make it an option of the extractor, as in melfeat.Extractor(config, {name}=…)"
                )
        self._extractor = extractor if isinstance(extractor, Extractor) else Extractor(extractor)
        rate = self._extractor.config.sr
        if sr != rate:
            raise ParameterError(f"sr={sr!r}: expected sr={rate:g}, the rate of the extractor [Hz]")

    def prepare(self, sr: float | None, dtype: np.dtype) -> int:
        """Return the number of features."""
        return self._extractor.n_features

    def __call__(self, signals: list[np.ndarray], sr: float) -> Iterator[np.ndarray]:
        """Yield the features ``(n_features, n_frames)`` of signals ``(n,)`` of one dtype."""
        fx = self._extractor
        for y, x in zip(signals, fx.batch(signals) if len(signals) > 1 else [fx(signals[0])], strict=True):
            if x.shape[1] == 0:
                raise ParameterError(
                    f"a signal of {y.size} samples is too short for a frame, so there is nothing to take statistics "
                    "of; leave it out or pad it, e.g. with melfeat.util.fix_length"
                )
            yield x


@dataclass(frozen=True)
class _Recipe:
    """What a call does to each source."""

    stats: tuple[str, ...]
    frames: _Coefficients | _Extracted
    sr: float | None
    offset: float
    duration: float | None
    dtype: np.dtype
    res_type: Any

    def signal(self, source: Any) -> tuple[np.ndarray, float]:
        """Return the signal ``(n,)`` of a source, and its sampling rate."""
        if not isinstance(source, np.ndarray):
            return load(source, self.sr, True, self.offset, self.duration, self.dtype, self.res_type)
        if source.ndim != 1:
            raise ParameterError(
                f"the signal has shape {source.shape}: expected one dimension of samples; "
                "melfeat.to_mono mixes channels"
            )
        if self.sr is None:
            raise ParameterError("sr=None: expected the sampling rate [Hz] of a signal that comes as an array")
        first = int(self.offset * self.sr)
        last = None if self.duration is None else first + int(self.duration * self.sr)
        return source[first:last], self.sr

    def rows(self, signals: list[np.ndarray], sr: float) -> list[np.ndarray]:
        """Return the statistics of each of some signals of one dtype."""
        return [pooled(x, self.stats) for x in self.frames(signals, sr)]

    def row_of(self, source: Any) -> np.ndarray:
        """Return the statistics of the only source of a call."""
        try:
            y, sr = self.signal(source)
            return self.rows([y], sr)[0]
        except MelfeatError as error:
            raise _named(error, source, "")  # noqa: B904 - it has its cause


def _named(error: BaseException, source: Any, place: str) -> BaseException:
    """Return the exception with `place` and the name of its source in front; one that is not ours has them behind."""
    name = "" if isinstance(source, np.ndarray) else source_name(source)
    if not isinstance(error, MelfeatError):
        error.add_note(f"melfeat.mfcc_stats: {place}{name}")
        return error
    text = str(error)
    named = place + (text if not name or name in text else f"{name}: {text}")
    if named == text:
        return error
    result = type(error)(named)
    result.__cause__ = error
    return result


def _worth(sources: Iterable[Any], most: int) -> int:
    """Return how many threads the sources are worth: one for each file, fewer for signals that are short together."""
    if isinstance(sources, (list, tuple)):
        sizes = (source.size if isinstance(source, np.ndarray) else _WORTH_SAMPLES for source in sources)
        return max(1, sum(sizes) // _WORTH_SAMPLES)
    return most


class _Clip(NamedTuple):
    """A signal that waits for others to be worked on with it."""

    place: int
    source: Any
    y: np.ndarray
    sr: float


class _Team:
    """Threads that take sources from one iterator, each the next ones when it is free, and keep the rows in order.

    A thread works on several short clips at once: they share lanes, and the costs of a call.
    """

    def __init__(self, recipe: _Recipe, sources: Iterable[Any]) -> None:
        self._recipe = recipe
        self._sources = iter(sources)
        allowed = get_num_threads()
        count = length_hint(sources, allowed * _TOGETHER)
        self._size = max(1, min(allowed, count, _worth(sources, allowed)))
        self._threads_of_each = allowed // self._size
        # So few that a short list is shared out evenly.
        self._together = min(_TOGETHER, max(1, count // (2 * self._size)))
        self._lock = threading.Lock()
        self._rows: list[np.ndarray | None] = []
        self._errors: list[tuple[int, BaseException]] = []
        self._over = False

    def run(self) -> list[Any]:
        """Return the rows of all sources, in order; raise the first one's error if there is any."""
        helpers: list[threading.Thread] = []
        try:
            try:
                while len(helpers) < self._size - 1:
                    helper = threading.Thread(target=self._work, name=f"melfeat-file-{len(helpers)}", daemon=True)
                    helper.start()
                    helpers.append(helper)
            except RuntimeError:  # no more threads to be had: those that there are will do
                pass
            self._work()
        finally:
            self._over = True
            for helper in helpers:
                helper.join()
        if self._errors:
            raise min(self._errors, key=lambda failed: failed[0])[1]
        return self._rows

    def _work(self) -> None:
        while not self._over:
            self._take_some()

    def _take_some(self) -> None:
        """Take sources and load them, until their signals are worth a call, and work on them."""
        clips: list[_Clip] = []
        n_samples = 0
        while n_samples < _TOGETHER_SAMPLES and len(clips) < self._together:
            taken = self._take()
            if taken is None:
                break
            place, source, signal = taken
            try:
                y, sr = signal or self._recipe.signal(source)
            except BaseException as error:
                self._fail(place, error, source)
                break
            clips.append(_Clip(place, source, y, sr))
            n_samples += y.size
        with threads(self._threads_of_each):
            for _, alike in groupby(clips, key=lambda clip: (clip.y.dtype, clip.sr)):
                self._finish(list(alike))

    def _finish(self, clips: list[_Clip]) -> None:
        try:
            rows = self._recipe.rows([clip.y for clip in clips], clips[0].sr)
            for clip, row in zip(clips, rows, strict=True):
                self._rows[clip.place] = row
        except BaseException as error:
            if len(clips) == 1 or not isinstance(error, Exception):
                self._fail(clips[0].place, error, clips[0].source)
                return
            for clip in clips:  # which one is it?
                self._finish([clip])

    def _take(self) -> tuple[int, Any, tuple[np.ndarray, float] | None] | None:
        """Return the next source with its number, and its signal too if nobody else may touch anything meanwhile."""
        with self._lock:
            if self._over:
                return None
            place = len(self._rows)
            try:
                source = next(self._sources)
            except StopIteration:
                self._over = True
                return None
            except BaseException as error:
                self._fail(place, error, self)
                return None
            self._rows.append(None)
            if isinstance(source, _STATELESS):
                return place, source, None
            try:  # two open files can be views of one, as the members of an archive are
                return place, source, self._recipe.signal(source)
            except BaseException as error:
                self._fail(place, error, source)
                return None

    def _fail(self, place: int, error: BaseException, source: Any) -> None:
        """Keep an error, and let nobody take another source; an interrupt goes before the errors of all sources."""
        if source is not self:  # the iterator's own error is nobody's
            error = _named(error, source, f"source[{place}]: ")
        self._errors.append((place if isinstance(error, Exception) else -1, error))
        self._over = True


def pooled(x: np.ndarray, stats: Iterable[str]) -> np.ndarray:
    """Return statistics over the frames of features ``(n_features, n_frames)``, one behind the other, in their dtype.

    Moments are taken about the first frame: features that never change then have a deviation of exactly 0.
    """
    stats = tuple(stats)
    out = np.empty((len(stats), x.shape[0]), x.dtype)
    step = max(1, _POOLED // x.shape[1])
    with np.errstate(invalid="ignore"):  # features without a floor can be -inf
        for first in range(0, x.shape[0], step):
            values = _Values(np.array(x[first : first + step], dtype=np.float64, order="C"))
            for row, name in enumerate(stats):
                out[row, first : first + step] = getattr(values, name)()
    return out.reshape(-1)


class _Values:
    """Statistics of the rows of a float64 array."""

    def __init__(self, x: np.ndarray) -> None:
        self._x = x

    @cached_property
    def _deviations(self) -> np.ndarray:
        shifted = self._x - self._x[:, :1]
        return shifted - shifted.mean(axis=1, keepdims=True)

    @cached_property
    def _scores(self) -> np.ndarray:
        scale = self.std()[:, np.newaxis]
        return np.divide(self._deviations, scale, out=np.zeros_like(self._x), where=scale != 0)

    def mean(self) -> np.ndarray:
        return self._x.mean(axis=1)

    def var(self) -> np.ndarray:
        return np.square(self._deviations).mean(axis=1)

    def std(self) -> np.ndarray:
        return np.sqrt(self.var())

    def min(self) -> np.ndarray:
        return self._x.min(axis=1)

    def max(self) -> np.ndarray:
        return self._x.max(axis=1)

    def median(self) -> np.ndarray:
        return np.median(self._x, axis=1)

    def skew(self) -> np.ndarray:
        return (self._scores * self._scores * self._scores).mean(axis=1)

    def kurtosis(self) -> np.ndarray:
        return np.where(self.std() == 0, 0.0, np.square(np.square(self._scores)).mean(axis=1) - 3.0)
