"""Manifests: CSV, TSV, JSON lines and Parquet with a column of paths, and others that are carried along."""

from __future__ import annotations

import csv
import json
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..errors import FormatError, ParameterError
from ._extras import extra
from ._rows import Row, Source

__all__ = ["MANIFESTS", "columns_of", "manifest_source", "mappings_source"]

MANIFESTS = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet")

#: Names of the columns that mean something, as manifests of various tools call them.
_PATHS = (
    "path",
    "file",
    "filename",
    "file_name",
    "filepath",
    "file_path",
    "audio",
    "audio_path",
    "audio_filepath",
    "wav",
)
_IDS = ("id", "utt_id", "utt", "key", "uid")
_OFFSETS, _DURATIONS = ("offset",), ("duration",)

Rows = Callable[[], Iterator[Mapping[str, Any]]]


def columns_of(path: str) -> list[str]:
    """Return the names of the columns of a manifest."""
    ending = os.path.splitext(path)[1].lower()
    if ending == ".parquet":
        return list(extra("pyarrow.parquet", "a Parquet manifest").read_schema(path).names)
    if ending in (".csv", ".tsv"):
        with open(path, encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            return next(csv.reader(file, delimiter="\t" if ending == ".tsv" else _delimiter(path)), [])
    names: dict[str, None] = {}
    for row in _json_lines(path):
        names.update(dict.fromkeys(row))
    return list(names)


def manifest_source(
    path: str,
    root: Any,
    *,
    where: Callable[[Mapping[str, Any]], str] | None = None,
) -> Source:
    """Return the rows of a manifest; relative paths are relative to `root`, or to the folder of the manifest.

    `where` makes the path of a row.
    """
    base = os.path.abspath(os.path.dirname(os.path.abspath(path)) if root is None else os.fspath(root))
    ending = os.path.splitext(path)[1].lower()
    names = columns_of(path)
    read: Rows
    if ending == ".parquet":
        read = lambda: _parquet_rows(path)  # noqa: E731
    elif ending in (".csv", ".tsv"):
        read = lambda: _csv_rows(path, names, "\t" if ending == ".tsv" else _delimiter(path))  # noqa: E731
    else:
        read = lambda: _json_lines(path)  # noqa: E731
    return mappings_source(names, read, base, where=where, name=path)


def mappings_source(
    names: list[str],
    read: Rows,
    base: str,
    *,
    where: Callable[[Mapping[str, Any]], str] | None = None,
    name: str = "source",
) -> Source:
    """Return rows of mappings from names to values."""
    path_column = _first(names, _PATHS)
    if where is None and path_column is None:
        listed = ", ".join(map(repr, names)) or "none"
        raise ParameterError(f"{name}: has no column of paths; expected one of {', '.join(_PATHS)}; it has: {listed}")
    id_column, offset_column, duration_column = _first(names, _IDS), _first(names, _OFFSETS), _first(names, _DURATIONS)
    used = {path_column if where is None else None, id_column, offset_column, duration_column}
    carried = tuple(column for column in names if column not in used)

    def rows() -> Iterator[Row]:
        for found in read():
            labels = tuple(_scalar(found.get(column)) for column in carried)
            shown = where(found) if where is not None else found.get(path_column or "")
            given = None if id_column is None else found.get(id_column)
            identity = None if given in (None, "") else str(given)
            problem = None
            if not isinstance(shown, (str, os.PathLike)) or not os.fspath(shown):
                shown, problem = "", "its row has no path"
            text = os.fsdecode(shown)
            offset, problem = _seconds("offset", offset_column, found, 0.0, problem)
            duration, problem = _seconds("duration", duration_column, found, None, problem)
            real = os.path.join(base, text)
            yield Row(identity, text, real, labels, offset or 0.0, duration, problem=problem)

    return Source(carried, rows)


def _first(names: list[str], wanted: tuple[str, ...]) -> str | None:
    return next((name for name in wanted if name in names), None)


def _seconds(
    what: str, column: str | None, found: Mapping[str, Any], missing: float | None, problem: str | None
) -> tuple[float | None, str | None]:
    """Return a time of a row, or what is wrong with it."""
    value = None if column is None else found.get(column)
    if value is None or value == "":
        return missing, problem
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if math.isnan(number) and isinstance(value, float):  # how pandas writes what is missing
        return missing, problem
    if not (math.isfinite(number) and number >= 0):
        return missing, problem or f"{what}={value!r}: expected a number >= 0 [s]"
    return number, problem


def _scalar(value: Any) -> Any:
    """Return what a cell of a table can hold: what is more than a number or a text becomes JSON."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError):
        return str(value)


def _delimiter(path: str) -> str:
    """Return what stands between the cells of a CSV: a comma, unless its first line has semicolons or tabs only."""
    with open(path, encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        line = file.readline()
    return next((mark for mark in (";", "\t") if mark in line and "," not in line), ",")


_INTEGER, _REAL = re.compile(r"0|-?[1-9]\d*", re.ASCII), re.compile(r"-?\d*\.?\d+([eE][+-]?\d+)?", re.ASCII)


def _number(text: str) -> Any:
    """Return a cell as a number if it is one: ``007`` is none. An empty one is None."""
    if text == "":
        return None
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if "." in text and _REAL.fullmatch(text) else text


def _csv_rows(path: str, names: list[str], delimiter: str) -> Iterator[Mapping[str, Any]]:
    meaning = {*_PATHS, *_IDS}
    convert = [str if name in meaning else _number for name in names]
    with open(path, encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter)
        next(reader, None)
        for cells in reader:
            if not cells:
                continue
            if len(cells) > len(names):
                raise FormatError(
                    f"{path}, line {reader.line_num}: has {len(cells)} cells, the first line {len(names)}"
                )
            yield {name: to(cell) for name, to, cell in zip(names, convert, cells, strict=False)}


def _json_lines(path: str) -> Iterator[Mapping[str, Any]]:
    with open(path, encoding="utf-8-sig", errors="surrogateescape", newline="\n") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                raise FormatError(f"{path}, line {number}: not JSON ({error}); expected one object per line") from None
            if not isinstance(row, dict):
                raise FormatError(f'{path}, line {number}: expected an object, as in {{"path": "a.wav"}}')
            yield row


def _parquet_rows(path: str) -> Iterator[Mapping[str, Any]]:
    parquet = extra("pyarrow.parquet", "a Parquet manifest")
    with parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(4096):
            yield from batch.to_pylist()
