"""Arrays that come in blocks of columns and need not fit in memory: kept in a file without a name, or written as .npy.

Plain reads and writes, no memory map: what is written to a map counts as the process's own memory until the system has
stored it, and a disk that is full ends the process.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any, Self

import numpy as np

__all__ = ["NpyColumns", "Spool"]

#: Bytes moved at once.
_BYTES = 1 << 21


def _write_at(file: IO[bytes], place: int, array: np.ndarray) -> None:
    left = array.data.cast("B") if array.size else memoryview(b"")
    file.seek(place)
    while left:
        left = left[file.write(left) :]


def _read_at(file: IO[bytes], place: int, count: int, dtype: np.dtype) -> np.ndarray:
    out = np.empty(count, dtype=dtype)
    left = out.data.cast("B") if count else memoryview(b"")
    file.seek(place)
    while left:
        got = file.readinto(left)  # type: ignore[attr-defined]
        if not got:
            raise OSError(f"a temporary file ended {len(left)} bytes early")
        left = left[got:]
    return out


class Spool:
    """Blocks ``(..., k)`` that differ in k alone, kept in a temporary file; iterating gives them back.

    The file is in `folder`, by default where the system has temporary files, and gone when this process is.
    """

    def __init__(self, folder: str | None) -> None:
        self._folder = folder or tempfile.gettempdir()
        self._places: list[tuple[int, int]] = []
        self._lead: tuple[int, ...] = ()
        self._dtype: np.dtype[Any] = np.dtype(np.float32)
        self.n_columns = 0
        with self._named():
            self._file = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115 - closed at the exit

    def fill(self, blocks: Iterable[np.ndarray]) -> Self:
        """Take all blocks, of which there is at least one."""
        end = 0
        for block in blocks:
            self._lead, self._dtype = block.shape[:-1], block.dtype
            with self._named():
                _write_at(self._file, end, np.ascontiguousarray(block))
            self._places.append((end, block.shape[-1]))
            self.n_columns += block.shape[-1]
            end += block.nbytes
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Say in errors of the system where the file is."""
        try:
            yield
        except OSError as error:
            if error.errno is not None:
                error.filename = os.path.join(self._folder, "(temporary file)")
            raise

    @property
    def lead(self) -> tuple[int, ...]:
        """The shape of a block without its columns."""
        return self._lead

    def __iter__(self) -> Iterator[np.ndarray]:
        n_rows = int(np.prod(self._lead))
        for place, k in self._places:
            with self._named():
                flat = _read_at(self._file, place, n_rows * k, self._dtype)
            yield flat.reshape(*self._lead, k)

    def in_order(self, rows: Sequence[int]) -> Any:
        """Return what takes the values of some rows, one after the other; they count through all leading axes."""
        size = self._dtype.itemsize

        def segments() -> Iterator[np.ndarray]:
            for row in rows:
                for place, k in self._places:
                    with self._named():
                        segment = _read_at(self._file, place + row * k * size, k, self._dtype)
                    yield segment

        coming, held = segments(), np.empty(0, dtype=self._dtype)

        def take(count: int) -> np.ndarray:
            nonlocal held
            parts, missing = [held[:count]], count - held.size
            held = held[count:]
            while missing > 0:
                held = next(coming)
                parts.append(held[:missing])
                missing, held = missing - held.size, held[missing:]
            return np.concatenate(parts)

        return take


class NpyColumns:
    """Writes an array ``(*lead, n_columns)`` as `numpy.save` does, to an open file, blocks of columns in order."""

    def __init__(self, file: IO[bytes], lead: tuple[int, ...], n_columns: int, dtype: np.dtype) -> None:
        self._file, self._lead, self._stride, self._dtype = file, lead, n_columns, dtype
        self._base = self._write_header(n_columns)
        self._held: list[np.ndarray] = []
        self.n_columns = self._written = 0

    def _write_header(self, n_columns: int) -> int:
        header = io.BytesIO()
        fields = {
            "descr": np.lib.format.dtype_to_descr(self._dtype),
            "fortran_order": False,
            "shape": (*self._lead, n_columns),
        }
        np.lib.format.write_array_header_1_0(header, fields)
        self._file.seek(0)
        self._file.write(header.getvalue())
        return header.tell()

    def append(self, block: np.ndarray) -> None:
        """Write the next columns ``(*lead, k)``; several small blocks are written together."""
        self._held.append(block)
        self.n_columns += block.shape[-1]
        if (self.n_columns - self._written) * (block.nbytes // max(block.shape[-1], 1)) >= _BYTES:
            self._write()

    def _write(self) -> None:
        k, size = self.n_columns - self._written, self._dtype.itemsize
        if k:
            rows = np.concatenate(self._held, axis=-1).reshape(-1, k)
            for row, values in enumerate(rows):
                _write_at(self._file, self._base + (row * self._stride + self._written) * size, values)
        self._held, self._written = [], self.n_columns

    def close_up(self) -> None:
        """End the array: where there were fewer columns than expected, move the rows together."""
        self._write()
        if self.n_columns == self._stride:
            return
        before, after, size = self._base, self._write_header(self.n_columns), self._dtype.itemsize
        step = _BYTES // size
        for row in range(int(np.prod(self._lead))):
            for column in range(0, self.n_columns, step):
                count = min(step, self.n_columns - column)
                place = before + (row * self._stride + column) * size
                values = _read_at(self._file, place, count, self._dtype)
                _write_at(self._file, after + (row * self.n_columns + column) * size, values)
        self._file.truncate(after + int(np.prod(self._lead)) * self.n_columns * size)
