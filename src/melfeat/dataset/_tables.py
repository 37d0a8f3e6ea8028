"""Tables as text: CSV with a row of statistics per clip, and JSON lines."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FormatError
from ._formats import FORMATS, Block
from ._spec import Spec

__all__ = ["CsvWriter", "IndexWriter", "JsonlWriter", "read_csv", "read_index", "read_jsonl"]

#: Rows that are read at a time.
_ROWS = 4096

#: Enough digits to read the same bits back.
_DIGITS = "%.9g"


def _plain(value: Any) -> str:
    """Return a value as a cell: None is empty, a float keeps its bits."""
    if value is None:
        return ""
    return repr(value) if isinstance(value, float) else str(value)


class CsvWriter:
    """A row per clip: the index, then the statistics."""

    def __init__(self, spec: Spec, folder: Path, name: str) -> None:
        self._name = name + FORMATS["csv"].suffix
        self._file = open(folder / self._name, "w", encoding="utf-8", newline="")  # noqa: SIM115 - closed by close()
        names = [*(column for column, _ in spec.index), *spec.value_names]
        csv.writer(self._file, lineterminator="\n").writerow(names)
        self._line = ",".join([_DIGITS] * len(spec.value_names)) + "\n"
        self._front = io.StringIO()
        self._fronts = csv.writer(self._front, lineterminator="\n")

    def add(self, index: list[Any], values: np.ndarray) -> None:
        """Write a row."""
        self._front.seek(0)
        self._front.truncate()
        self._fronts.writerow(map(_plain, index))
        self._file.write(self._front.getvalue()[:-1] + "," + self._line % tuple(values.tolist()))

    def close(self) -> list[str]:
        """Finish the file."""
        self._file.close()
        return [self._name]


class JsonlWriter:
    """An object per clip: the index, then a number for each statistic, or ``features``, a list of frames."""

    def __init__(self, spec: Spec, folder: Path, name: str) -> None:
        self._name, self._spec = name + FORMATS["jsonl"].suffix, spec
        self._file = open(folder / self._name, "w", encoding="utf-8", newline="\n")  # noqa: SIM115 - closed by close()

    def add(self, index: list[Any], values: np.ndarray) -> None:
        """Write a line."""
        names = [column for column, _ in self._spec.index]
        front = json.dumps(dict(zip(names, index, strict=True)), ensure_ascii=False)[:-1]
        if self._spec.stats is not None:
            numbers = zip(map(json.dumps, self._spec.value_names), map(_json_number, values.tolist()), strict=True)
            rest = ", ".join(f"{name}: {number}" for name, number in numbers)
            self._file.write(f"{front}, {rest}}}\n")
            return
        frames = ", ".join("[" + ", ".join(map(_json_number, frame)) + "]" for frame in values.T.tolist())
        self._file.write(f'{front}, "features": [{frames}]}}\n')

    def close(self) -> list[str]:
        """Finish the file."""
        self._file.close()
        return [self._name]


def _json_number(value: float) -> str:
    text = _DIGITS % value
    return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(text, text)


class IndexWriter:
    """The index of a shard whose values are in files of another kind: JSON lines, the name of the file at the end."""

    def __init__(self, spec: Spec, path: Path, last: str) -> None:
        self._names = [*(column for column, _ in spec.index), last]
        self._file = open(path, "w", encoding="utf-8", newline="\n")  # noqa: SIM115 - closed by close()

    def add(self, index: list[Any], last: str) -> None:
        """Write a line."""
        self._file.write(json.dumps(dict(zip(self._names, [*index, last], strict=True)), ensure_ascii=False) + "\n")

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with open(path, encoding="utf-8", newline="\n") as file:
        for number, line in enumerate(file, 1):
            try:
                yield json.loads(line)
            except ValueError as error:
                raise FormatError(f"{path}, line {number}: not JSON ({error}); it is cut off or damaged") from None


def _batches(rows: Iterable[Any], size: int = _ROWS) -> Iterator[list[Any]]:
    rows = iter(rows)
    while batch := list(islice(rows, size)):
        yield batch


def read_index(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines that `IndexWriter` wrote."""
    return _lines(path)


def read_jsonl(spec: Spec, folder: Path, name: str) -> Iterator[Block]:
    """Yield what `JsonlWriter` wrote."""
    size = _ROWS if spec.stats is not None else 64
    for batch in _batches(_lines(folder / (name + FORMATS["jsonl"].suffix)), size):
        columns = {column: [row[column] for row in batch] for column, _ in spec.index}
        if spec.stats is not None:
            values: Any = np.array([[row[column] for column in spec.value_names] for row in batch], np.float32)
        else:
            values = [np.ascontiguousarray(np.array(row["features"], np.float32).T) for row in batch]
        yield Block(columns, values)


def read_csv(spec: Spec, folder: Path, name: str) -> Iterator[Block]:
    """Yield what `CsvWriter` wrote."""
    path = folder / (name + FORMATS["csv"].suffix)
    kinds: dict[str, Any] = {"int": int, "float": float, "bool": lambda text: text == "True", "str": str}
    n_index, n = len(spec.index), len(spec.index) + len(spec.value_names)
    with open(path, encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        if next(rows, None) != [*(column for column, _ in spec.index), *spec.value_names]:
            raise FormatError(f"{path}: its first line does not name the columns of this table")
        for batch in _batches(rows):
            if any(len(row) != n for row in batch):
                raise FormatError(f"{path}: a row has not {n} cells; it is cut off or damaged")
            columns: dict[str, list[Any]] = {}
            for k, (column, kind) in enumerate(spec.index):
                columns[column] = [None if row[k] == "" and kind != "str" else kinds[kind](row[k]) for row in batch]
            yield Block(columns, np.array([row[n_index:] for row in batch], np.float32))


def csv_text(rows: Iterable[Iterable[Any]]) -> str:
    """Return rows as CSV."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([[_plain(value) for value in row] for row in rows])
    return out.getvalue()
