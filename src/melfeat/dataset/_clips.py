"""From a row to its features: one clip, or several short ones that share the costs of a call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from .._arrays import check_finite
from .._decode import open_signal
from .._resample import resample_signal
from .._wav import borrowed
from ..errors import AudioFileError, MelfeatError, ParameterError
from ..extractor import Extractor
from ..pooling import pooled
from ..workers import threads
from ._rows import Row
from ._spec import Spec

if TYPE_CHECKING:
    from .._resample import ResType

__all__ = ["Failure", "Made", "Maker"]

#: Clips that are worked on at once at most, and the samples of theirs that are enough: 3 s.
_TOGETHER, _TOGETHER_SAMPLES = 16, 1 << 16

#: Longer clips are not held in memory, where the resampler does not need the whole signal.
_LONG_SECONDS = 300.0
_IN_A_STREAM = ("soxr_vhq", "soxr_hq", "soxr_mq", "soxr_lq", "soxr_qq")

_DTYPE = np.dtype(np.float32)


class Made(NamedTuple):
    """What is known of a clip, and its values: statistics ``(n,)``, or frames ``(n_features, n_frames)``."""

    number: int
    row: Row
    sample_rate: int
    duration: float
    n_frames: int
    values: np.ndarray


class Failure(NamedTuple):
    """A clip that gave no features, and why."""

    number: int
    row: Row
    reason: str


class _Loaded(NamedTuple):
    number: int
    row: Row
    sample_rate: int
    duration: float
    y: np.ndarray | None  # None for a long clip


class Maker:
    """Computes features by a specification."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._extractor = Extractor(spec.parsed)
        self._sr = spec.parsed.sr

    def run(self, rows: list[tuple[int, Row]], together: int = _TOGETHER) -> Iterator[Made | Failure]:
        """Yield one result for each numbered row, in order."""
        waiting: list[_Loaded | Failure] = []
        n_samples = 0
        for number, row in rows:
            loaded = self._try_load(number, row)
            waiting.append(loaded)
            n_samples += _size(loaded)
            if len(waiting) >= together or n_samples >= _TOGETHER_SAMPLES:
                yield from self._finish(waiting)
                waiting, n_samples = [], 0
        yield from self._finish(waiting)

    def _try_load(self, number: int, row: Row) -> _Loaded | Failure:
        if row.problem is not None:
            return Failure(number, row, row.problem)
        try:
            return self._load(number, row)
        except Exception as error:
            return Failure(number, row, _reason(row, error))

    def _load(self, number: int, row: Row) -> _Loaded:
        """Return the signal at the rate of the features, as `melfeat.load` does."""
        source = _source(row)
        whole = not row.offset and row.duration is None
        with open_signal(source, mono=True, dtype=_DTYPE, whole=whole) as reader:
            native, n = reader.samplerate, reader.begin(row.offset, row.duration)
            if n > _LONG_SECONDS * native and self._spec.res_type in _IN_A_STREAM:
                return _Loaded(number, row, native, n / native, None)
            if native == self._sr:
                y = np.empty(n, _DTYPE)
                y = y[: reader.read_into(y, 0, n)]
                used = y.size
            else:
                with borrowed("signal", n, _DTYPE) as memory:
                    some = memory[: reader.read_into(memory, 0, n)]
                    used = some.size
                    if not reader.finite:
                        check_finite(some, name="the signal")
                    y = some[:0] if not used else self._resampled(some, native)
        if used == 0:
            raise AudioFileError("holds no samples" if whole else f"has no samples from {row.offset:g} s on")
        return _Loaded(number, row, native, used / native, y)

    def _resampled(self, y: np.ndarray, native: int) -> np.ndarray:
        return resample_signal(y, native, self._sr, self._spec.res_type, fix=True, scale=False, axis=-1)

    def _finish(self, waiting: list[_Loaded | Failure]) -> list[Made | Failure]:
        # Not around a `yield`: an iterator that nobody exhausts may be closed by any thread, or never.
        with threads(1):
            return self._results(waiting)

    def _results(self, waiting: list[_Loaded | Failure]) -> list[Made | Failure]:
        clips = [each for each in waiting if isinstance(each, _Loaded) and each.y is not None]
        done: dict[int, Made | Failure] = {}
        if len(clips) > 1:
            try:
                signals = [clip.y for clip in clips if clip.y is not None]
                for clip, x in zip(clips, self._extractor.batch(signals), strict=True):
                    done[clip.number] = self._made(clip, x)
            except Exception:
                pass  # which one is it? each alone will tell
        return [each if isinstance(each, Failure) else done.get(each.number) or self._alone(each) for each in waiting]

    def _alone(self, clip: _Loaded) -> Made | Failure:
        try:
            if clip.y is None:
                return self._made_of_long(clip)
            return self._made(clip, self._extractor(clip.y))
        except Exception as error:
            return Failure(clip.number, clip.row, _reason(clip.row, error))

    def _made_of_long(self, clip: _Loaded) -> Made:
        """Compute a clip piece by piece; its frames are in a file that is gone when they are no longer used."""
        from tempfile import TemporaryFile

        from ..long_files import extract_file  # most workers never need it

        row, fx, res_type = clip.row, self._extractor, cast("ResType", self._spec.res_type)
        with TemporaryFile() as file:
            extract_file(_source(row), file, fx, offset=row.offset, duration=row.duration, res_type=res_type)
            file.seek(0)
            return self._made(clip, _mapped(file))

    def _made(self, clip: _Loaded, x: np.ndarray) -> Made:
        n_frames = x.shape[1]
        if n_frames == 0:
            raise ParameterError(f"its {clip.duration:g} s are too short for a frame")
        values = x if self._spec.stats is None else pooled(x, self._spec.stats)
        return Made(clip.number, clip.row, clip.sample_rate, clip.duration, n_frames, values)


def _source(row: Row) -> str | bytes:
    """Return what `melfeat.load` reads: a path, or the bytes of a member of an archive."""
    if row.begin < 0:
        return row.real
    with open(row.real, "rb") as archive:
        archive.seek(row.begin)
        return archive.read(row.size)


def _size(clip: _Loaded | Failure) -> int:
    """Return the samples of a clip that are held; a long one is worth a call of its own."""
    if isinstance(clip, Failure):
        return 0
    return _TOGETHER_SAMPLES if clip.y is None else clip.y.size


def _mapped(file: Any) -> np.ndarray:
    """Return the array in an open .npy file without reading it; it may outlive the file."""
    version = np.lib.format.read_magic(file)
    shape, _, dtype = getattr(np.lib.format, f"read_array_header_{version[0]}_{version[1]}")(file)
    if 0 in shape:
        return np.empty(shape, dtype)
    return np.memmap(file, dtype, "r", file.tell(), shape)


def _reason(row: Row, error: Exception) -> str:
    """Return why a clip failed, without its path in front: that stands beside it."""
    text = str(error)
    for name in (repr(row.real), row.real, f"<{row.size} bytes>"):
        if text.startswith(f"{name}: "):
            text = text[len(name) + 2 :]
    if text.startswith("y is not finite"):
        text = f"the signal {text[2:].split(';')[0]}"
    if not isinstance(error, MelfeatError):
        text = f"unexpected {type(error).__name__}: {text}"
    return text.encode("utf-8", "backslashreplace").decode()
