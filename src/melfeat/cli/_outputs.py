"""Where results of `melfeat mfcc` go: one array, many named arrays, a table, a folder of arrays, or stdout.

Each writer is a context manager with ``add(result)``. A single file appears complete or not at all (`open_atomic`);
leaving the block with `NothingToWrite` leaves no file.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import sys
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from .._atomic import open_atomic
from ._common import CannotRunError, UsageError, writing_to

__all__ = ["NothingToWrite", "Result", "Writer", "open_writer", "unique_names"]

METADATA = "metadata"  # the name of the JSON text inside an .npz


class NothingToWrite(Exception):
    """Leaves a writer's block without writing a file."""


@dataclass(frozen=True)
class Result:
    """The features ``(n_features, n_frames)`` of one file, their names, and the centre of each frame [s]."""

    name: str
    path: str
    values: np.ndarray
    times: np.ndarray
    sr: float
    columns: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Writer:
    """`add` takes one result after another and returns the file it is in, or None for stdout.

    Where an array stands in a file alone, `room` gives that for a name, open and empty, with what it will be called.
    """

    add: Callable[[Result], str | None]
    room: Callable[[str], AbstractContextManager[tuple[BinaryIO, str]]] | None = None


def _short_name(path: str, depth: int) -> str:
    """Return the stem of `path` after up to `depth` of its parent folders."""
    given = Path(path)
    folders = [part for part in given.parent.parts if part not in (given.anchor, "..")]
    name = "_".join([*folders[max(0, len(folders) - depth) :], given.stem])
    return name.encode(errors="replace").decode()  # an archive's names are text, which those of files need not be


def unique_names(paths: Sequence[str]) -> list[str]:
    """Return one short name per path: its stem, with parent folders and then a number where stems are the same.

    Names are compared without regard to case, because they become file names; the order of `paths` decides.
    """
    depths = [0] * len(paths)
    for _ in range(4):
        counts = Counter(_short_name(path, depth).casefold() for path, depth in zip(paths, depths, strict=True))
        depths = [
            depth + (counts[_short_name(path, depth).casefold()] > 1) for path, depth in zip(paths, depths, strict=True)
        ]

    taken = {METADATA}
    unique = []
    for path, depth in zip(paths, depths, strict=True):
        name = candidate = _short_name(path, depth)
        number = 2
        while candidate.casefold() in taken:
            candidate, number = f"{name}_{number}", number + 1
        taken.add(candidate.casefold())
        unique.append(candidate)
    return unique


def _write_npy(stream: Any, values: np.ndarray) -> None:
    # Through a buffer, not np.save on the file: that reports a full disk without saying so.
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(values), allow_pickle=False)
    stream.write(buffer.getbuffer())


@contextlib.contextmanager
def _npy(target: str) -> Iterator[Writer]:
    with open_atomic(target) as stream:

        def add(result: Result) -> str:
            _write_npy(stream, result.values)
            return target

        yield Writer(add, lambda _: contextlib.nullcontext((stream, target)))


@contextlib.contextmanager
def _npz(target: str, parameters: dict[str, Any]) -> Iterator[Writer]:
    from .. import __version__

    files: dict[str, Any] = {}
    # Entries carry no date: the same input gives the same bytes.
    with open_atomic(target) as stream, zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:

        def add(result: Result) -> str:
            with archive.open(zipfile.ZipInfo(f"{result.name}.npy"), "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.ascontiguousarray(result.values), allow_pickle=False)
            files[result.name] = {"path": result.path, "sr": result.sr, "shape": list(result.values.shape)}
            return target

        yield Writer(add)
        metadata = json.dumps({"melfeat": __version__, "parameters": parameters, "files": files})
        with archive.open(zipfile.ZipInfo(f"{METADATA}.npy"), "w") as entry:
            np.lib.format.write_array(entry, np.array(metadata), allow_pickle=False)


class _Utf8:
    """The one method that `csv.writer` needs; a `TextIOWrapper` would close a stream that is not its own."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write(text.encode("utf-8", "surrogateescape"))


def _csv_rows(text: Any, many: bool, target: str | None) -> Writer:
    table = csv.writer(text, lineterminator="\n")
    header_written = False

    def add(result: Result) -> str | None:
        nonlocal header_written
        if not header_written:
            columns = result.columns or [f"mfcc_{k}" for k in range(result.values.shape[0])]
            table.writerow([*(["file"] if many else []), "time", *columns])
            header_written = True
        digits = "%.9g" if result.values.dtype == np.float32 else "%.17g"  # enough to read the same bits back
        for time, row in zip(result.times.tolist(), result.values.T.tolist(), strict=True):
            table.writerow([*([result.path] if many else []), f"{time:.6f}", *(digits % value for value in row)])
        return target

    return Writer(add)


@contextlib.contextmanager
def _csv_file(target: str, many: bool) -> Iterator[Writer]:
    with open_atomic(target) as stream:
        yield _csv_rows(_Utf8(stream), many, target)


@contextlib.contextmanager
def _stdout(many: bool) -> Iterator[Writer]:
    if sys.stdout is None:
        raise CannotRunError("stdout is closed, so there is no place for the CSV; name a file with -o OUT")
    yield _csv_rows(sys.stdout, many, None)
    with writing_to("stdout"):
        sys.stdout.flush()  # what the buffer held till now


@contextlib.contextmanager
def _folder(target: str) -> Iterator[Writer]:
    folder = Path(target)
    if not folder.is_dir():
        folder.mkdir()

    def add(result: Result) -> str:
        path = folder / f"{result.name}.npy"
        with open_atomic(path) as stream:
            _write_npy(stream, result.values)
        return str(path)

    @contextlib.contextmanager
    def room(name: str) -> Iterator[tuple[BinaryIO, str]]:
        path = folder / f"{name}.npy"
        with open_atomic(path) as stream:
            yield stream, str(path)

    yield Writer(add, room)


def _check_place(out: str) -> None:
    folder = Path(out).parent
    if not folder.is_dir():
        raise CannotRunError(f"{out}: the folder {folder} does not exist; create it first")


def open_writer(
    out: str | None, n_inputs: int, parameters: dict[str, Any]
) -> Callable[[], AbstractContextManager[Writer]]:
    """Decide from `out` how results are written; nothing is opened before the returned function is called.

    Raises
    ------
    UsageError
        If the extension is unknown, or an ``.npy`` would have to hold several arrays.
    CannotRunError
        If the folder that `out` lies in does not exist.
    """
    if out is None or out == "-":
        return partial(_stdout, n_inputs > 1)
    if out.endswith(("/", os.sep)) or os.path.isdir(out):
        _check_place(out.rstrip("/" + os.sep) or out)
        return partial(_folder, out)
    suffix = Path(out).suffix.lower()
    if suffix == ".npy" and n_inputs > 1:
        raise UsageError(
            f"-o {out}: an .npy file holds one array, {n_inputs} files were given; use .npz, .csv, or a folder: "
            f"-o {Path(out).with_suffix('')}/"
        )
    writers: dict[str, Callable[[], AbstractContextManager[Writer]]] = {
        ".npy": partial(_npy, out),
        ".npz": partial(_npz, out, parameters),
        ".csv": partial(_csv_file, out, n_inputs > 1),
    }
    if suffix not in writers:
        raise UsageError(
            f"-o {out}: expected a name that ends in .npy, .npz or .csv, a folder (existing, or ending in /), or - for "
            "CSV on stdout"
        )
    _check_place(out)
    return writers[suffix]
