"""The formats of a table: their names, what they can hold, and how one is chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from .._checks import check_choice
from ..errors import ParameterError
from ._extras import extra, is_there
from ._spec import Spec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["FORMATS", "Block", "Format", "Writer", "check_format", "open_writer", "read_blocks"]


@dataclass(frozen=True)
class Format:
    """`suffix` of a file; `per_clip`: a folder with a file of each clip; `needs` an optional package."""

    suffix: str
    per_clip: bool = False
    needs: str | None = None
    frames: bool = True
    stats: bool = True


FORMATS = {
    "parquet": Format(".parquet", needs="pyarrow"),
    "csv": Format(".csv", frames=False),
    "jsonl": Format(".jsonl"),
    "npz": Format(".npz", per_clip=True),
    "npy": Format(".npy", per_clip=True),
    "hdf5": Format(".h5", needs="h5py"),
    "ark": Format(".ark"),
    "htk": Format(".htk", per_clip=True, stats=False),
}


class Writer(Protocol):
    """Writes one shard: rows one after the other, then `close`, which returns the names of what it wrote."""

    def add(self, index: list[Any], values: np.ndarray) -> None:
        """Write the values ``(n,)`` or ``(n_features, n_frames)`` of a clip with its `Spec.index` columns."""

    def close(self) -> list[str]:
        """Finish all files and return their names, the one with the values first."""


@dataclass
class Block:
    """Some rows of a table: the columns of the index as lists, and the values of each row.

    Statistics are one array ``(n_rows, n)``, frames a list of arrays ``(n_features, n_frames)``.
    """

    columns: dict[str, list[Any]]
    values: Any

    def __len__(self) -> int:
        return len(self.columns["id"])


def check_format(name: str | None, stats: tuple[str, ...] | None) -> str:
    """Return the name of a format that can hold what is asked for and is installed; None chooses one."""
    if name is None:
        if is_there("pyarrow"):
            return "parquet"
        return "npz" if stats is None else "csv"
    check_choice("format", name, FORMATS)
    chosen = FORMATS[name]
    if stats is None and not chosen.frames:
        raise ParameterError(f"format={name!r} holds statistics, one row per clip: expected pool=..., e.g. pool='mean'")
    if stats is not None and not chosen.stats:
        raise ParameterError(f"format={name!r} holds frames: expected pool=None; other formats take statistics")
    if chosen.needs is not None:
        extra(chosen.needs, f"format={name!r}")
    return name


def open_writer(spec: Spec, folder: Path, name: str) -> Writer:
    """Return a writer of the shard `name` into a folder, in the format of the specification."""
    if spec.format == "parquet":
        from ._parquet import ParquetWriter

        return ParquetWriter(spec, folder, name)
    if spec.format == "hdf5":
        from ._hdf5 import Hdf5Writer

        return Hdf5Writer(spec, folder, name)
    if spec.format in ("csv", "jsonl"):
        from ._tables import CsvWriter, JsonlWriter

        return (CsvWriter if spec.format == "csv" else JsonlWriter)(spec, folder, name)
    if spec.format == "ark":
        from ._arks import ArkWriter

        return ArkWriter(spec, folder, name)
    from ._arrays_of_clips import FolderWriter

    return FolderWriter(spec, folder, name)


def read_blocks(spec: Spec, folder: Path, name: str) -> Iterator[Block]:
    """Yield the rows of the shard `name` in a folder."""
    if spec.format == "parquet":
        from ._parquet import read_parquet

        return read_parquet(spec, folder, name)
    if spec.format == "hdf5":
        from ._hdf5 import read_hdf5

        return read_hdf5(spec, folder, name)
    if spec.format in ("csv", "jsonl"):
        from ._tables import read_csv, read_jsonl

        return (read_csv if spec.format == "csv" else read_jsonl)(spec, folder, name)
    if spec.format == "ark":
        from ._arks import read_arks

        return read_arks(spec, folder, name)
    from ._arrays_of_clips import read_folder

    return read_folder(spec, folder, name)
