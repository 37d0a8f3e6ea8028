"""A folder for each shard with one file per clip, ``.npy``, ``.npz`` or HTK, and an index beside them."""

from __future__ import annotations

import io
import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FormatError
from ..formats import read_htk, write_htk
from ._formats import FORMATS, Block
from ._spec import Spec
from ._tables import IndexWriter, _batches, read_index

__all__ = ["FolderWriter", "file_name", "read_folder"]

INDEX_NAME = "index.jsonl"


def file_name(number: int, clip: str, suffix: str) -> str:
    """Return the name of a clip's file: its number in the shard, and what of its id every file system takes."""
    stem = re.sub(r"[^\w.=-]+", "_", os.path.splitext(clip)[0].replace("\\", "/").rpartition("/")[2])
    while len(stem.encode()) > 120:
        stem = stem[:-1]
    return f"{number:06d}-{stem}{suffix}" if stem else f"{number:06d}{suffix}"


class FolderWriter:
    """One folder; the arrays are those of `Extractor`, ``(n_features, n_frames)``, or statistics ``(n,)``."""

    def __init__(self, spec: Spec, folder: Path, name: str) -> None:
        self._spec, self._name, self._folder = spec, name, folder / name
        self._folder.mkdir()
        self._suffix = FORMATS[spec.format].suffix
        self._index = IndexWriter(spec, self._folder / INDEX_NAME, "file")
        self._count = 0

    def add(self, index: list[Any], values: np.ndarray) -> None:
        """Write the file of a clip."""
        name = file_name(self._count, str(index[0]), self._suffix)
        with open(self._folder / name, "wb") as stream:
            if self._spec.format == "npy":
                np.save(stream, np.ascontiguousarray(values), allow_pickle=False)
            elif self._spec.format == "npz":
                columns = dict(zip([column for column, _ in self._spec.index], index, strict=True))
                write_npz(stream, {"features": values}, self._spec, columns)
            else:
                write_htk(stream, values, kind="USER", period=frame_period(self._spec))
        self._index.add(index, name)
        self._count += 1

    def close(self) -> list[str]:
        """Finish the index and return the names of all files."""
        self._index.close()
        return [f"{self._name}/{name}" for name in sorted(os.listdir(self._folder))]


def frame_period(spec: Spec) -> float:
    """Return the time from frame to frame [s]."""
    config = spec.parsed
    return (config.framing.hop_length or 1) * config.post.stack / config.sr


def write_npz(stream: Any, arrays: dict[str, np.ndarray], spec: Spec, columns: dict[str, Any]) -> None:
    """Write an archive whose entries carry no date: the same input gives the same bytes."""
    texts = {"melfeat": np.array(spec.text)}
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        scalars = {name: np.array(value) for name, value in columns.items() if value is not None}
        for name, array in {**arrays, **scalars, **texts}.items():
            memory = io.BytesIO()
            np.lib.format.write_array(memory, np.ascontiguousarray(array) if array.ndim else array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), memory.getvalue())


def read_folder(spec: Spec, folder: Path, name: str) -> Iterator[Block]:
    """Yield what `FolderWriter` wrote."""
    place = folder / name
    for batch in _batches(read_index(place / INDEX_NAME), 64):
        values = [_read(spec.format, place / row["file"]) for row in batch]
        columns = {column: [row[column] for row in batch] for column, _ in spec.index}
        yield Block(columns, np.stack(values) if spec.stats is not None else values)


def _read(kind: str, path: Path) -> np.ndarray:
    if kind == "htk":
        return read_htk(path)[0]
    try:
        found = np.load(path, allow_pickle=False)
        if kind == "npy":
            return found
        with found:
            return found["features"]
    except (ValueError, EOFError, zipfile.BadZipFile, KeyError) as error:
        raise FormatError(f"{path}: not an array of features, or damaged ({error})") from error
