"""A sound file as pieces of its signal at the rate of the features: what `load` gives, never held whole."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

from ._arrays import check_finite
from ._decode import Reader, open_signal
from ._diagnose import source_name
from ._resample import PieceResampler, resampled_length
from ._wav import PlainWav
from .errors import ParameterError

__all__ = ["Pieces", "ahead", "open_pieces"]

T = TypeVar("T")


class Pieces:
    """An open file: how many samples it will give at `sr`, and an iterator over them."""

    def __init__(
        self, source: Any, reader: Reader | PlainWav, span: tuple[float, float | None], dtype: np.dtype[Any]
    ) -> None:
        self._source, self._reader, self._dtype = source, reader, dtype
        self._n = reader.begin(*span)
        self.native, self.n_rows = reader.samplerate, reader.n_rows
        self._resampler: PieceResampler | None = None
        self.n_samples = self._n

    @property
    def seconds(self) -> float:
        """How long the signal is [s], as far as the file's header tells."""
        return self._n / self.native

    def resample(self, sr: float, res_type: str) -> None:
        """Deliver the signal at `sr`."""
        if sr != self.native:
            self._resampler = PieceResampler(self.native, sr, res_type, self.n_rows, self._dtype)
            self.n_samples = resampled_length(self._n, self.native, sr)

    def read(self, block: int) -> Generator[tuple[np.ndarray, float], None, None]:
        """Yield the signal as new arrays ``(n_rows, m)``, and the seconds read; `block` samples of the file at once."""
        done = 0
        while done < self._n:
            count = min(block, self._n - done)
            y = np.empty((self.n_rows, count), self._dtype)
            got = self._reader.read_into(y[0] if self.n_rows == 1 else y, 0, count)
            self._check(y[:, :got], done)
            done += got
            if got < count:
                self._n = done  # the header promised more than there is; `load` too gives what is there
            ended = done >= self._n
            y = np.ascontiguousarray(y[:, :got])
            if self._resampler is not None:
                y = self._resampler.push(y, last=ended)
                if not self._reader.finite:
                    check_finite(y, name=f"the resampled signal of {source_name(self._source)}")
            yield y, done / self.native

    def _check(self, y: np.ndarray, done: int) -> None:
        if self._reader.finite or np.isfinite(y).all():
            return
        row, at = (int(i) for i in np.argwhere(~np.isfinite(y))[0])
        where = done + at if self.n_rows == 1 else (row, done + at)
        raise ParameterError(
            f"the signal of {source_name(self._source)} is not finite everywhere: sample {where} of what was read is "
            f"{y[row, at]}; load the file and replace such samples first, e.g. with np.nan_to_num"
        )


def ahead(items: Iterator[T]) -> Generator[T, None, None]:
    """Yield the items, each made by another thread while the one before is used."""
    from concurrent.futures import ThreadPoolExecutor

    end = object()
    with ThreadPoolExecutor(1, "melfeat-reader") as pool:
        coming = pool.submit(next, items, end)
        while (item := coming.result()) is not end:
            coming = pool.submit(next, items, end)
            yield item  # type: ignore[misc]


@contextmanager
def open_pieces(source: Any, *, mono: bool, span: tuple[float, float | None], dtype: np.dtype[Any]) -> Iterator[Pieces]:
    """Open a sound file of any kind that `load` takes; `span` is offset and duration [s]."""
    with _reading_on(source), open_signal(source, mono=mono, dtype=dtype, whole=False) as reader:
        yield Pieces(source, reader, span, dtype)


@contextmanager
def _reading_on(source: Any) -> Iterator[None]:
    """Keep a caller's own handle from going, after each read, to where it is: that restarts some decoders."""
    import soundfile

    if not isinstance(source, soundfile.SoundFile) or "seekable" in source.__dict__:
        yield
        return
    source.__dict__["seekable"] = lambda: False
    try:
        yield
    finally:
        del source.__dict__["seekable"]
