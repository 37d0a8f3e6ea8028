"""Kaldi archives with a script file, and an index beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FormatError
from ..formats import read_ark, write_ark
from ._formats import FORMATS, Block
from ._spec import Spec
from ._tables import IndexWriter, _batches, read_index

__all__ = ["ArkWriter", "kaldi_key", "read_arks"]


def kaldi_key(name: str) -> str:
    """Return an id as Kaldi can hold it: spaces, and the percent sign, become ``%20`` and the like."""
    return re.sub(r"[\s%\0]", lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), name)


class ArkWriter:
    """`name`.ark, `name`.scp, whose lines name the archive relative to its folder, and `name`.index.jsonl."""

    def __init__(self, spec: Spec, folder: Path, name: str) -> None:
        self._name = name + FORMATS["ark"].suffix
        self._others = [f"{name}.scp", f"{name}.index.jsonl"]
        self._ark = open(folder / self._name, "wb")  # noqa: SIM115 - closed by close()
        self._scp = open(folder / self._others[0], "w", encoding="utf-8", newline="\n")  # noqa: SIM115 - closed by close()
        self._index = IndexWriter(spec, folder / self._others[1], "key")

    def add(self, index: list[Any], values: np.ndarray) -> None:
        """Append a matrix with frames as rows, or a vector."""
        key = kaldi_key(str(index[0]))
        begin = self._ark.tell() + len(key.encode()) + 1
        write_ark(self._ark, [(key, values)])
        self._scp.write(f"{key} {self._name}:{begin}\n")
        self._index.add(index, key)

    def close(self) -> list[str]:
        """Finish the files."""
        for file in (self._ark, self._scp, self._index):
            file.close()
        return [self._name, *self._others]


def read_arks(spec: Spec, folder: Path, name: str) -> Iterator[Block]:
    """Yield what `ArkWriter` wrote."""
    path = folder / (name + FORMATS["ark"].suffix)
    matrices = read_ark(path)
    for batch in _batches(read_index(folder / f"{name}.index.jsonl"), 64):
        values = []
        for row in batch:
            key, found = next(matrices, (None, None))
            if key != row["key"] or found is None:
                raise FormatError(f"{path}: expected {row['key']!r} next, found {key!r}; archive and index differ")
            values.append(found)
        columns = {column: [row[column] for row in batch] for column, _ in spec.index}
        yield Block(columns, np.stack(values) if spec.stats is not None else values)
    if next(matrices, None) is not None:
        raise FormatError(f"{path}: holds more than its index")
