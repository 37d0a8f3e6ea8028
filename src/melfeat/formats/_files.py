"""Binary files that are read forwards and know where they are, so that every complaint names the file and the byte."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any, BinaryIO, TypeAlias

from .._atomic import open_atomic
from ..errors import FormatError, ParameterError

__all__ = ["BinaryFile", "Source", "open_output", "open_source"]

#: Where features are read from or written to: the name of a file, or an open binary file.
BinaryFile: TypeAlias = str | os.PathLike[str] | BinaryIO

_LOOK_AHEAD = 1 << 16
_PIECE = 1 << 24  # a header's promise is believed one piece at a time: a false one runs into the end, not out of memory


class Source:
    """A binary stream with a name, a position, and bytes that were looked at but not taken."""

    def __init__(self, stream: BinaryIO, name: str, position: int = 0) -> None:
        self.name = name
        self.position = position
        self._stream = stream
        self._ahead = b""

    def error(self, message: str, at: int | None = None) -> FormatError:
        """Return an error that names the file and the byte, the current one or `at`."""
        return FormatError(f"{self.name}, byte {self.position if at is None else at}: {message}")

    def _pull(self, n: int) -> bytes:
        piece = self._stream.read(n)
        if isinstance(piece, str):
            raise ParameterError(f"{self.name} is open as text: expected a binary file; open it with mode 'rb'")
        return bytes(piece or b"")

    def peek(self, n: int) -> bytes:
        """Return the next `n` bytes, fewer at the end, without taking them."""
        while len(self._ahead) < n and (piece := self._pull(_LOOK_AHEAD)):
            self._ahead += piece
        return self._ahead[:n]

    def take(self, n: int, what: str) -> bytes:
        """Return the next `n` bytes; if the file ends before that, raise `FormatError` saying `what` is cut off."""
        start = self.position
        parts = [self._ahead[:n]]
        self._ahead = self._ahead[n:]
        have = len(parts[0])
        while have < n and (piece := self._pull(min(n - have, _PIECE))):
            parts.append(piece)
            have += len(piece)
        self.position += have
        if have < n:
            raise self.error(f"the file ends after {have} of the {n} bytes of {what}; it is cut off or damaged", start)
        return b"".join(parts)

    def take_until(self, stop: bytes, what: str, *, or_end: bool = False) -> bytes:
        """Return the bytes before the next `stop` (one byte) and take it too; else raise, or take the rest."""
        start = self.position
        parts: list[bytes] = []
        while True:
            piece = self._ahead or self._pull(_LOOK_AHEAD)
            if not piece:
                body = b"".join(parts)
                self.position += len(body)
                if or_end:
                    return body
                raise self.error(f"the file ends within {what}: no {stop.decode()!r} follows; it is cut off", start)
            found = piece.find(stop)
            if found >= 0:
                parts.append(piece[:found])
                self._ahead = piece[found + 1 :]
                body = b"".join(parts)
                self.position += len(body) + 1
                return body
            parts.append(piece)
            self._ahead = b""

    def skip(self, n: int) -> None:
        """Take `n` bytes that were looked at."""
        self._ahead = self._ahead[n:]
        self.position += n


def _refuse(path: Any, mode: str) -> ParameterError:
    return ParameterError(f"path={path!r}: expected a file name or an open binary file (mode {mode!r})")


def stream_name(stream: Any) -> str:
    """Return what to call an open file in messages."""
    name = getattr(stream, "name", None)
    return name if isinstance(name, str) else f"<{type(stream).__name__}>"


@contextlib.contextmanager
def open_source(path: BinaryFile) -> Iterator[Source]:
    """Open `path` for reading; a file that was passed in open is read from where it stands, and stays open."""
    if isinstance(path, str | os.PathLike):
        with open(path, "rb") as stream:
            yield Source(stream, os.fspath(path))
        return
    if not hasattr(path, "read"):
        raise _refuse(path, "rb")
    position = 0
    with contextlib.suppress(OSError, AttributeError, ValueError):  # a pipe has no position: count from here
        position = path.tell()
    yield Source(path, stream_name(path), position)


@contextlib.contextmanager
def open_output(path: BinaryFile) -> Iterator[BinaryIO]:
    """Open `path` for writing, atomically; into a file that was passed in open, write at its position."""
    if isinstance(path, str | os.PathLike):
        with open_atomic(path) as stream:
            yield stream
        return
    if not hasattr(path, "write"):
        raise _refuse(path, "wb")
    yield path
