"""How far a run is: a bar where tqdm and a terminal are, else a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TextIO

from ..errors import ParameterError
from ._extras import is_there

__all__ = ["Progress", "shower"]


@dataclass(frozen=True)
class Progress:
    """Rows that are done, of all; how many failed, or were there from a run before; seconds since the start."""

    n_done: int
    n_rows: int
    n_failed: int
    n_reused: int
    seconds: float

    @property
    def rate(self) -> float:
        """Rows per second of this run."""
        return (self.n_done - self.n_reused) / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the end at this rate, None if it is not known."""
        return (self.n_rows - self.n_done) / self.rate if self.rate > 0 else None

    def __str__(self) -> str:
        left = self.seconds_left
        text = f"{self.n_done} of {self.n_rows} clips, {self.rate:.0f}/s"
        if left is not None and self.n_done < self.n_rows:
            text += f", {_time(left)} left"
        return f"{text}, {self.n_failed} failed"


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class _Lines:
    """A line at the beginning, every few seconds, and at the end."""

    def __init__(self, stream: TextIO, every: float) -> None:
        self._stream, self._every, self._last = stream, every, time.monotonic()

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if now - self._last >= self._every or progress.n_done >= progress.n_rows:
            self._last = now
            print(f"melfeat: {progress}", file=self._stream, flush=True)


class _Bar:
    """A bar of tqdm."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._bar: Any = None

    def __call__(self, progress: Progress) -> None:
        if self._bar is None:
            from tqdm import tqdm

            self._bar = tqdm(
                total=progress.n_rows, initial=progress.n_reused, unit=" clips", file=self._stream, dynamic_ncols=True
            )
        self._bar.update(progress.n_done - self._bar.n)
        self._bar.set_postfix_str(f"{progress.n_failed} failed", refresh=False)
        if progress.n_done >= progress.n_rows:
            self._bar.close()


def shower(progress: Any, stream: TextIO | None = None, every: float = 10.0) -> Callable[[Progress], None] | None:
    """Return the function that shows progress: None for None or False, the caller's own, or one that writes."""
    if progress is None or progress is False:
        return None
    if callable(progress):
        return progress
    if progress is not True:
        raise ParameterError(f"progress={progress!r}: expected True, False, None or a function of a Progress")
    stream = stream or sys.stderr
    if stream.isatty() and is_there("tqdm"):
        return _Bar(stream)
    return _Lines(stream, every)
