"""Rows of a source: what each clip is called, where its sound is, and what is carried along."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..errors import ParameterError
from ._spec import INDEX

__all__ = ["Row", "Source", "Survey", "as_text", "numbered", "survey"]


class Row(NamedTuple):
    """One clip. `begin` and `size` are its bytes in an archive, -1 for a file of its own; `problem` why it is bad.

    `shown` is the path in the table, `real` where the file is, `id` None if the source gives none. A duration of None
    means up to the end.
    """

    id: str | None
    shown: str
    real: str
    labels: tuple[Any, ...] = ()
    offset: float = 0.0
    duration: float | None = None
    begin: int = -1
    size: int = -1
    problem: str | None = None


@dataclass(frozen=True)
class Source:
    """Columns by their names, and a function that begins to yield the rows anew, always in the same order."""

    columns: tuple[str, ...]
    rows: Callable[[], Iterator[Row]]


def as_text(path: str) -> str:
    """Return a path as text that every format can hold: bytes of a name that are not UTF-8 become ``\\xff``."""
    try:
        path.encode()
        return path
    except UnicodeEncodeError:
        return os.fsencode(path).decode("utf-8", "backslashreplace")


_KINDS = {bool: "bool", int: "int", float: "float", str: "str"}


class _Kind:
    """The kind of a column, from its values: the narrowest that keeps every one of them as it is written."""

    def __init__(self) -> None:
        self.kind: str | None = None

    def see(self, value: Any) -> None:
        if value is None or self.kind == "str":
            return
        kind = _KINDS.get(type(value), "str")
        if kind == "int" and not -(2**63) <= value < 2**63:
            kind = "str"
        if self.kind is None or self.kind == kind:
            self.kind = kind
        else:
            self.kind = "float" if {self.kind, kind} == {"int", "float"} else "str"


@dataclass(frozen=True)
class Survey:
    """The first walk over a source: how many rows, of which kinds the columns are, which ids come twice (by hash)."""

    n_rows: int
    columns: tuple[tuple[str, str], ...]
    twice: frozenset[int]


def survey(source: Source) -> Survey:
    """Walk over a source; eight bytes are kept for each row."""
    kinds = [_Kind() for _ in source.columns]
    hashes = np.empty(1 << 10, np.int64)
    n = 0
    for row in source.rows():
        if n == hashes.size:
            hashes = np.resize(hashes, 2 * n)
        hashes[n] = hash(row.shown if row.id is None else row.id)
        n += 1
        for kind, value in zip(kinds, row.labels, strict=True):
            kind.see(value)
    ordered = np.sort(hashes[:n])
    twice = frozenset(ordered[1:][ordered[1:] == ordered[:-1]].tolist())
    names = _free_names(source.columns)
    return Survey(n, tuple((name, kind.kind or "str") for name, kind in zip(names, kinds, strict=True)), twice)


def _free_names(columns: tuple[str, ...]) -> list[str]:
    """Return the names of carried columns; those that the table has itself get ``source_`` in front."""
    taken = {"id", "path", "features", *(name for name, _ in INDEX)}
    names = [f"source_{name}" if name in taken else name for name in columns]
    for name in names:
        if names.count(name) > 1:
            raise ParameterError(f"the source has two columns {name!r}: expected different names")
    return names


def numbered(source: Source, found: Survey) -> Iterator[Row]:
    """Yield the rows of a source with ids and values as they will be in the table.

    A path that comes again without an id of its own gets ``#2``; an id that was given twice is a problem of the second.
    """
    seen: dict[str, int] = {}
    kinds = [kind for _, kind in found.columns]
    for row in source.rows():
        name = row.shown if row.id is None else row.id
        problem = row.problem
        shown = name
        if hash(name) in found.twice:
            count = seen[name] = seen.get(name, 0) + 1
            if count > 1 and row.id is None:
                shown = f"{name}#{count}"
            elif count > 1:
                problem = problem or f"the id {as_text(name)!r} was given before; expected an id of its own"
        labels = tuple(_as_kind(value, kind) for value, kind in zip(row.labels, kinds, strict=True))
        yield row._replace(id=as_text(shown), shown=as_text(row.shown), labels=labels, problem=problem)


def _as_kind(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind == "str":
        return as_text(value if isinstance(value, str) else str(value))
    return float(value) if kind == "float" else value
