"""Parquet, through pyarrow: a row per clip, statistics as columns or frames as a list."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FormatError
from ._extras import extra
from ._formats import FORMATS, Block
from ._spec import Spec

__all__ = ["KEY", "ParquetWriter", "read_parquet"]

#: Under which the specification stands in the metadata of the file.
KEY = b"melfeat"

#: Bytes of values after which a row group is written, so that no shard of long clips is held as a whole.
_GROUP_BYTES = 16 << 20


def _schema(pa: Any, spec: Spec) -> Any:
    kinds = {"int": pa.int64(), "float": pa.float64(), "bool": pa.bool_(), "str": pa.string()}
    found = [pa.field(name, kinds[kind]) for name, kind in spec.index]
    if spec.stats is not None:
        found += [pa.field(name, pa.float32()) for name in spec.value_names]
    else:
        found.append(pa.field("features", pa.list_(pa.list_(pa.float32(), len(spec.feature_names)))))
    return pa.schema(found, metadata={KEY: spec.text.encode()})


class ParquetWriter:
    """One file; its metadata hold the specification."""

    def __init__(self, spec: Spec, folder: Path, name: str) -> None:
        self._pa = extra("pyarrow", "format='parquet'")
        parquet = extra("pyarrow.parquet", "format='parquet'")
        self._spec, self._name = spec, name + FORMATS["parquet"].suffix
        self._schema = _schema(self._pa, spec)
        self._file = parquet.ParquetWriter(folder / self._name, self._schema)
        self._index: list[list[Any]] = []
        self._values: list[np.ndarray] = []
        self._bytes = 0

    def add(self, index: list[Any], values: np.ndarray) -> None:
        """Keep a row until there are enough for a group."""
        self._index.append(index)
        self._values.append(values if self._spec.stats is not None else np.ascontiguousarray(values.T))
        self._bytes += values.nbytes
        if self._bytes >= _GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        pa, columns = self._pa, [list(column) for column in zip(*self._index, strict=True)]
        arrays = [pa.array(column, field.type) for column, field in zip(columns, self._schema, strict=False)]
        if self._spec.stats is not None:
            arrays += [pa.array(column) for column in np.stack(self._values, axis=1)]
        else:
            lengths = [len(frames) for frames in self._values]
            flat = pa.array(np.concatenate(self._values).reshape(-1))
            frames = pa.FixedSizeListArray.from_arrays(flat, len(self._spec.feature_names))
            offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
            arrays.append(pa.ListArray.from_arrays(offsets, frames))
        # Element names differ between pyarrow's versions and constructors; the schema's are what is written.
        arrays = [array.cast(field.type) for array, field in zip(arrays, self._schema, strict=True)]
        self._file.write_batch(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
        self._index, self._values, self._bytes = [], [], 0

    def close(self) -> list[str]:
        """Finish the file."""
        if self._index:
            self._flush()
        self._file.close()
        return [self._name]


def read_parquet(spec: Spec, folder: Path, name: str) -> Iterator[Block]:
    """Yield what `ParquetWriter` wrote."""
    parquet = extra("pyarrow.parquet", "reading Parquet")
    path = folder / (name + FORMATS["parquet"].suffix)
    try:
        file = parquet.ParquetFile(path)
        with file:
            for k in range(file.num_row_groups):
                group = file.read_row_group(k)
                columns = {column: group.column(column).to_pylist() for column, _ in spec.index}
                yield Block(columns, _values(spec, group))
    except (extra("pyarrow", "reading Parquet").ArrowException, KeyError) as error:
        raise FormatError(f"{path}: not a Parquet file of this table, or damaged ({error})") from error


def _values(spec: Spec, group: Any) -> Any:
    if spec.stats is not None:
        return np.stack([group.column(name).to_numpy() for name in spec.value_names], axis=1)
    found = []
    for chunk in group.column("features").chunks:
        flat = chunk.values.values.to_numpy(zero_copy_only=False)
        rows = flat.reshape(-1, len(spec.feature_names))
        bounds = chunk.offsets.to_numpy()
        found += [np.ascontiguousarray(rows[a:b].T) for a, b in pairwise(bounds.tolist())]
    return found
