"""What a worker does: one shard, from its rows to its files. The bytes depend on rows and specification only."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from ._clips import Failure, Made, Maker
from ._formats import open_writer
from ._rows import Row
from ._spec import Spec
from ._store import Record, Store, part_name

__all__ = ["Job", "row_of_crumb", "run_shard"]

_CRUMB_BYTES = 20


@dataclass(frozen=True)
class Job:
    """A shard to be made. A careful one goes clip by clip and notes where it is; `skip` are rows that killed before."""

    out: str
    spec: Spec
    number: int
    key: str
    rows: tuple[Row, ...]
    careful: bool = False
    skip: dict[int, str] = field(default_factory=dict)
    stop_at_error: bool = False


@lru_cache(maxsize=4)
def _maker(spec: Spec) -> Maker:
    return Maker(spec)


def run_shard(job: Job) -> tuple[int, int, int]:
    """Make a shard and return its number, and how many of its rows are in the table and how many failed."""
    from ..errors import AudioFileError

    store = Store(job.out)
    maker = _maker(job.spec)
    record = Record(job.number, job.key, len(job.rows), 0)
    folder = store.temporary(job.number)
    crumb = _Crumb(store, job.number) if job.careful else None
    try:
        writer = open_writer(job.spec, folder, part_name(job.number))
        rows = [(k, _or_skipped(row, job.skip.get(k))) for k, row in enumerate(job.rows)]
        if crumb is None:
            results = maker.run(rows)
        else:
            results = (result for row in rows for result in _one_by_one(maker, row, crumb))
        for result in results:
            if isinstance(result, Failure):
                if job.stop_at_error:
                    raise AudioFileError(f"{result.row.shown}: {result.reason}")
                record.errors.append([result.number, result.row.id, result.row.shown, result.reason])
            else:
                writer.add(_index_of(result), result.values)
                record.n_ok += 1
        store.publish(folder, writer.close(), record)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    finally:
        if crumb is not None:
            crumb.close()
    return job.number, record.n_ok, len(record.errors)


def _or_skipped(row: Row, reason: str | None) -> Row:
    return row if reason is None else row._replace(problem=reason)


def _one_by_one(maker: Maker, row: tuple[int, Row], crumb: _Crumb) -> Any:
    crumb.note(row[0])
    return list(maker.run([row], together=1))


def _index_of(made: Made) -> list[Any]:
    row = made.row
    return [row.id, row.shown, *row.labels, made.sample_rate, made.duration, made.n_frames]


class _Crumb:
    """The number of the row that a worker is at, in a file that outlives it."""

    def __init__(self, store: Store, number: int) -> None:
        self._path = store.crumb_path(number)
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)

    def note(self, row: int) -> None:
        os.lseek(self._file, 0, os.SEEK_SET)
        os.write(self._file, f"{row:<{_CRUMB_BYTES}}".encode())

    def close(self) -> None:
        os.close(self._file)
        self._path.unlink(missing_ok=True)


def row_of_crumb(store: Store, number: int) -> int | None:
    """Return the row at which a careful worker of a shard ended, if it did."""
    try:
        return int(store.crumb_path(number).read_bytes())
    except (OSError, ValueError):
        return None
