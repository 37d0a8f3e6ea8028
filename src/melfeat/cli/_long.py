"""`melfeat mfcc` of long files: from file to file, block by block, with a bar where somebody is watching."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any, BinaryIO

from ._common import CannotRunError

if TYPE_CHECKING:
    from ..config import Config
    from ..extractor import Extractor

__all__ = ["bar", "config_if_long", "extract_into"]

#: From how many seconds on memory is worth saving. The bytes are the same on both sides of it.
LONG = 600.0

#: Seconds before a bar appears, and between its changes.
_DELAY, _EVERY = 1.0, 0.2


def config_if_long(
    path: str, load: dict[str, Any], parameters: dict[str, Any], extractor: Extractor | None
) -> Config | None:
    """Return the configuration of a long file that can be read in blocks, else None."""
    from .. import io

    if not (os.path.isfile(path) and str(load["res_type"]).startswith("soxr")):
        return None
    seconds = io.get_duration(path=path) - load["offset"]
    seconds = seconds if load["duration"] is None else min(seconds, load["duration"])
    if seconds < LONG:
        return None
    if extractor is not None:
        config = extractor.config
        defined = config.framing.pad_mode == "constant" or config.preprocessing.preemphasis_first != "previous"
        return config if defined else None
    return _config_of_mfcc(path, load, parameters, seconds)


def _config_of_mfcc(path: str, load: dict[str, Any], parameters: dict[str, Any], seconds: float) -> Config:
    """Return what `melfeat.mfcc` computes; it warns and refuses as that does."""
    import numpy as np

    from .. import io
    from ..feature import mfcc_plan, warn_of_empty_bands
    from ..spectrum import require_frames
    from ..stages import hashable_window

    sr = io.get_samplerate(path) if load["sr"] is None else load["sr"]
    p = {**parameters, "window": hashable_window(parameters["window"])}
    made = mfcc_plan(sr=sr, **p, dtype=np.dtype(load["dtype"]))
    require_frames(made.config, int(seconds * sr))
    warn_of_empty_bands(made.bank.n_empty, made.bank.n_bands)
    return made.config  # type: ignore[no-any-return]


def extract_into(file: BinaryIO, where: str, path: str, config: Config, load: dict[str, Any]) -> tuple[int, ...]:
    """Write the features of a file to an open one, called `where`, and return their shape."""
    from ..errors import MelfeatError
    from ..long_files import extract_file

    options = {name: load[name] for name in ("offset", "duration", "res_type", "dtype")}
    try:
        with bar(os.path.basename(path)) as progress:
            extract_file(path, file, config, progress=progress, **options)
        return _shape(file)
    except OSError as error:
        if isinstance(error, MelfeatError):
            raise
        raise CannotRunError(f"{error.filename or where}: {error.strerror or error}") from error


def _shape(file: BinaryIO) -> tuple[int, ...]:
    """Return the shape of the array in an open .npy file."""
    import numpy as np

    file.seek(0)
    np.lib.format.read_magic(file)
    return tuple(np.lib.format.read_array_header_1_0(file)[0])


@contextlib.contextmanager
def bar(label: str) -> Iterator[Callable[[float, float], None] | None]:
    """Give what shows how far a file is: tqdm's bar if it is installed, a line without it, None without a terminal."""
    stream = sys.stderr
    if stream is None or not stream.isatty():
        yield None
        return
    shown: _Bar | _Line
    try:
        shown = _Bar(import_module("tqdm").tqdm, label, stream)
    except ImportError:
        shown = _Line(label, stream)
    try:
        yield shown
    finally:
        shown.close()


class _Bar:
    """A bar of tqdm, which goes away at the end."""

    def __init__(self, tqdm: Any, label: str, stream: Any) -> None:
        form = "{desc} {percentage:3.0f}%|{bar}| {n:.0f}/{total:.0f} s [{elapsed}<{remaining}]"
        self._make = lambda total: tqdm(
            total=total, desc=label, file=stream, delay=_DELAY, leave=False, dynamic_ncols=True, bar_format=form
        )
        self._bar: Any = None

    def __call__(self, done: float, total: float) -> None:
        if self._bar is None:
            self._bar = self._make(total)
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


class _Line:
    """A line of text that is written over."""

    def __init__(self, label: str, stream: Any) -> None:
        self._label, self._stream, self._width = label, stream, 0
        self._start = time.monotonic()
        self._next = self._start + _DELAY

    def __call__(self, done: float, total: float) -> None:
        now = time.monotonic()
        if now < self._next or not total:
            return
        self._next = now + _EVERY
        text = f"{self._label}: {100 * done / total:3.0f} % of {_clock(total)}"
        if done:
            text += f", {_clock((now - self._start) * (total - done) / done)} left"
        self._write(text)
        self._width = len(text)

    def _write(self, text: str) -> None:
        self._stream.write("\r" + text.ljust(self._width))
        self._stream.flush()

    def close(self) -> None:
        if self._width:
            self._write("")
            self._stream.write("\r")
            self._stream.flush()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
