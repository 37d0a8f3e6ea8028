"""HDF5, through h5py: columns as datasets, frames of all clips one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FormatError
from ._extras import extra
from ._formats import FORMATS, Block
from ._spec import Spec

__all__ = ["Hdf5Writer", "read_hdf5"]

#: Bytes of values that are held before they are written.
_HELD_BYTES = 16 << 20
_CHUNK_ROWS = 256

_KINDS: dict[str, Any] = {"int": np.int64, "float": np.float64, "bool": np.bool_}
_MISSING: dict[str, Any] = {"int": 0, "float": float("nan"), "bool": False, "str": ""}


class Hdf5Writer:
    """One file. ``features`` are rows: those of a clip with statistics, or frames ``first_frame[i] : + n_frames[i]``.

    What is missing is NaN, 0 or empty, and True in a dataset ``missing/<column>``.
    """

    def __init__(self, spec: Spec, folder: Path, name: str) -> None:
        h5py = extra("h5py", "format='hdf5'")
        self._spec, self._name, self._text = spec, name + FORMATS["hdf5"].suffix, h5py.string_dtype()
        self._file = h5py.File(folder / self._name, "w", track_order=True)
        self._file.attrs["melfeat"] = spec.text
        width = len(spec.value_names)
        options = {"maxshape": (None, width), "chunks": (_CHUNK_ROWS, width), "track_times": False}
        self._values = self._file.create_dataset("features", (0, width), np.float32, **options)
        self._values.attrs["names"] = list(spec.value_names)
        self._held: list[np.ndarray] = []
        self._bytes = 0
        self._index: list[list[Any]] = []

    def add(self, index: list[Any], values: np.ndarray) -> None:
        """Keep the values until there are enough to be written."""
        self._index.append(index)
        self._held.append(values[np.newaxis] if self._spec.stats is not None else np.ascontiguousarray(values.T))
        self._bytes += values.nbytes
        if self._bytes >= _HELD_BYTES:
            self._flush()

    def _flush(self) -> None:
        rows = np.concatenate(self._held)
        before = len(self._values)
        self._values.resize(before + len(rows), axis=0)
        self._values[before:] = rows
        self._held, self._bytes = [], 0

    def _column(self, name: str, data: Any, kind: Any) -> None:
        self._file.create_dataset(name, data=data, dtype=kind, track_times=False)

    def close(self) -> list[str]:
        """Write the columns and finish the file."""
        if self._held:
            self._flush()
        columns = list(zip(*self._index, strict=True)) or [()] * len(self._spec.index)
        for (name, kind), column in zip(self._spec.index, columns, strict=True):
            missing = [value is None for value in column]
            data = [_MISSING[kind] if value is None else value for value in column]
            self._column(f"index/{name}", data, self._text if kind == "str" else _KINDS[kind])
            if any(missing):
                self._column(f"missing/{name}", missing, np.bool_)
        if self._spec.stats is None:
            counts = np.array(columns[-1], np.int64)
            self._column("first_frame", np.cumsum(counts) - counts, np.int64)
        self._file.close()
        return [self._name]


def read_hdf5(spec: Spec, folder: Path, name: str) -> Iterator[Block]:
    """Yield what `Hdf5Writer` wrote."""
    h5py = extra("h5py", "reading HDF5")
    path = folder / (name + FORMATS["hdf5"].suffix)
    try:
        with h5py.File(path, "r") as file:
            columns = {column: _read_column(file, column, kind) for column, kind in spec.index}
            n = len(columns["id"])
            if spec.stats is not None:
                yield Block(columns, file["features"][:])
                return
            bounds = np.append(file["first_frame"][:], len(file["features"]))
            for first in range(0, n, 64):
                some = {column: found[first : first + 64] for column, found in columns.items()}
                spans = zip(bounds[first : first + 64], bounds[first + 1 : first + 65], strict=False)
                yield Block(some, [np.ascontiguousarray(file["features"][a:b].T) for a, b in spans])
    except (OSError, KeyError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise FormatError(f"{path}: not an HDF5 file of this table, or damaged ({error})") from error


def _read_column(file: Any, name: str, kind: str) -> list[Any]:
    dataset = file[f"index/{name}"]
    found = dataset.asstr()[:].tolist() if kind == "str" else dataset[:].tolist()
    if f"missing/{name}" in file:
        gone = file[f"missing/{name}"][:].tolist()
        found = [None if is_gone else value for value, is_gone in zip(found, gone, strict=True)]
    return found
