"""The run: which shards are to be made, who makes them, and the manifest at the end.

It knows `concurrent.futures.Executor` and nothing of how its calls are distributed.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from ..errors import MelfeatError
from ._local import LocalProcesses
from ._progress import Progress
from ._rows import Row, Source, Survey, numbered, survey
from ._shard import Job, row_of_crumb, run_shard
from ._spec import Spec, key_of, mismatch
from ._store import ERRORS, MANIFEST, Store

__all__ = ["Report", "Run"]

#: Shards that another executor has at a time, if nobody says how many.
_IN_FLIGHT = 256

#: Deaths at one shard that did not tell at which row, after which it is given up.
_MOST_DEATHS = 4


class DeadShardError(MelfeatError, RuntimeError):
    """Workers die at a shard, whatever is left out of it."""


@dataclass(frozen=True)
class Report:
    """What a run did: rows in all, in the table, failed, kept from runs before; where; seconds."""

    out: str
    format: str
    n_rows: int
    n_ok: int
    n_failed: int
    n_reused: int
    seconds: float


class _InThisProcess(Executor):
    """Runs each call at once, here."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def local(n_jobs: int) -> Executor:
    """Return an executor of `n_jobs` processes, or of this one for 0."""
    return LocalProcesses(n_jobs) if n_jobs else _InThisProcess()


class Run:
    """A run over a source into a folder."""

    def __init__(
        self,
        source: Source,
        store: Store,
        spec: Callable[[Survey], Spec],
        *,
        n_jobs: int,
        executor: Executor | None,
        stop_at_error: bool = False,
        retry_failed: bool = False,
        show: Callable[[Progress], None] | None = None,
    ) -> None:
        self._source, self._store, self._spec_of = source, store, spec
        self._n_jobs, self._executor = n_jobs, executor
        self._stop_at_error, self._retry_failed, self._show = stop_at_error, retry_failed, show
        self._start = time.perf_counter()
        self._n_ok = self._n_failed = self._n_reused = 0

    def run(self) -> Report:
        """Make what is missing, and return what was done."""
        store, source = self._store, self._source
        found = survey(source)
        self._survey, self._spec = found, self._spec_of(found)
        before = store.spec()
        if before is not None and (error := mismatch(before, self._spec, str(store.path))) is not None:
            raise error
        store.create()
        with store.locked():
            store.begin(self._spec)
            n_shards = self._make_all()
            store.drop_beyond(n_shards)
            self._publish(n_shards)
        seconds = time.perf_counter() - self._start
        counts = (found.n_rows, self._n_ok, self._n_failed, self._n_reused)
        return Report(str(store.path), self._spec.format, *counts, seconds)

    def _tell(self) -> None:
        if self._show is not None:
            done = self._n_ok + self._n_failed
            seconds = time.perf_counter() - self._start
            self._show(Progress(done, self._survey.n_rows, self._n_failed, self._n_reused, seconds))

    def _jobs(self) -> Iterator[Job]:
        """Yield the shards that are not there, or not as they should be; one shard's rows are held at a time."""
        rows = numbered(self._source, self._survey)
        self._n_shards = 0
        while some := tuple(islice(rows, self._spec.rows_per_shard)):
            number, self._n_shards = self._n_shards, self._n_shards + 1
            key = key_of(self._spec, (_identity(row) for row in some))
            record = self._store.valid(number, key)
            if record is not None and not (record.errors and self._retry_failed):
                self._count(record.n_ok, len(record.errors))
                self._n_reused += record.n_rows
                continue
            self._store.forget(number)
            (self._store.path / MANIFEST).unlink(missing_ok=True)  # from now on it would not be true
            out = str(self._store.path)
            yield Job(out, self._spec, number, key, some, stop_at_error=self._stop_at_error)

    def _count(self, n_ok: int, n_failed: int) -> None:
        self._n_ok += n_ok
        self._n_failed += n_failed

    def _make_all(self) -> int:
        """Make the shards that are missing and return how many there are in all."""
        jobs = self._jobs()
        own = self._executor is None
        team = _Team(self._store, self._executor or local(self._n_jobs), self._n_jobs, own=own)
        try:
            made = 0
            for _, n_ok, n_failed in team.results(jobs):
                made += 1
                self._count(n_ok, n_failed)
                self._tell()
            if not made:
                self._tell()
        finally:
            team.close()
        return self._n_shards

    def _publish(self, n_shards: int) -> None:
        """Write the list of errors, and the manifest, last of all."""
        store, shards = self._store, []
        scripts = []
        lines = []
        first = 0
        for number in range(n_shards):
            record = store.record(number)
            if record is None:
                raise DeadShardError(f"{store.record_path(number)}: is gone; another run must have removed it")
            shards.append(record.summary())
            for row, name, path, reason in record.errors:
                item = {"row": first + row, "id": name, "path": path, "reason": reason}
                lines.append(json.dumps(item, ensure_ascii=False) + "\n")
            first += record.n_rows
            scripts += [name for name, _, _ in record.files if name.endswith(".scp")]
        if self._spec.format == "ark":
            text = "".join((store.path / name).read_text(encoding="utf-8") for name in scripts)
            store.write_text("feats.scp", text)
        store.write_text(ERRORS, "".join(lines))
        counts = {"n_rows": self._survey.n_rows, "n_ok": self._n_ok, "n_failed": self._n_failed}
        manifest = {**counts, "spec": self._spec.to_dict(), "versions": versions(), "shards": shards}
        store.sweep()
        store.write_text(MANIFEST, json.dumps(manifest, indent=1) + "\n")


def versions() -> dict[str, str]:
    """Return the versions of what the values and the bytes of the files depend on."""
    from importlib.metadata import PackageNotFoundError, version

    from .. import __version__

    found = {"melfeat": __version__}
    for name in ("numpy", "scipy", "numba", "soundfile", "soxr", "pyarrow", "h5py"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            pass
    return found


def _identity(row: Row) -> tuple[Any, ...]:
    """Return what of a row its features and its place in the table depend on: not where its folder is."""
    return (row.id, row.shown, row.labels, row.offset, row.duration, row.begin, row.size, row.problem)


class _Team:
    """Keeps an executor busy, and deals with workers that die."""

    def __init__(self, store: Store, executor: Executor, n_jobs: int, *, own: bool) -> None:
        self._store, self._executor, self._n_jobs, self._own = store, executor, n_jobs, own
        self._most = 2 * max(1, n_jobs) if own else _IN_FLIGHT
        self._jobs: dict[Future[Any], Job] = {}
        self._deaths: dict[int, int] = {}

    def close(self) -> None:
        """Stop what is not done."""
        for future in self._jobs:
            future.cancel()
        if self._own:
            self._executor.shutdown(wait=True, cancel_futures=True)

    def results(self, jobs: Iterator[Job]) -> Iterator[tuple[int, int, int]]:
        """Submit jobs, a few at a time, and yield what comes back."""
        waiting = True
        while waiting or self._jobs:
            while waiting and len(self._jobs) < self._most:
                job = next(jobs, None)
                waiting = job is not None
                if job is not None:
                    self._submit(job)
            if not self._jobs:
                return
            done, _ = wait(self._jobs, return_when=FIRST_COMPLETED)
            for future in done:
                job = self._jobs.pop(future)
                try:
                    yield future.result()
                except Exception as error:
                    if not _is_death(error):
                        raise
                    self._submit(self._after_death(job, error))

    def _submit(self, job: Job) -> None:
        try:
            future = self._executor.submit(run_shard, job)
        except BrokenExecutor:  # a ProcessPoolExecutor that lost a process takes nothing any more
            if self._own:
                raise
            from ..workers import available_cpus

            self._n_jobs = self._n_jobs or available_cpus()
            self._executor, self._own = local(self._n_jobs), True
            self._most = 2 * self._n_jobs
            future = self._executor.submit(run_shard, job)
        self._jobs[future] = job

    def _after_death(self, job: Job, error: BaseException) -> Job:
        """Return the job that is to be done instead: clip by clip, and without the one at which a worker died so."""
        row = row_of_crumb(self._store, job.number) if job.careful else None
        if row is None or row in job.skip or not 0 <= row < len(job.rows):
            deaths = self._deaths[job.number] = self._deaths.get(job.number, 0) + 1
            if deaths >= _MOST_DEATHS:
                raise DeadShardError(
                    f"workers died {deaths} times at shard {job.number}, which begins with {job.rows[0].shown!r}, "
                    f"without reaching a clip; the last time: {error}"
                ) from error
            return replace(job, careful=True)
        reason = str(error) if isinstance(error, BrokenExecutor) else ""
        if not reason.startswith("its worker process"):
            reason = "its worker process died"
        os.unlink(self._store.crumb_path(job.number))
        return replace(job, careful=True, skip={**job.skip, row: reason})


def _is_death(error: BaseException) -> bool:
    """Return whether an exception says that a worker died; those of Dask are told by their names."""
    return isinstance(error, BrokenExecutor) or type(error).__name__ in ("KilledWorker", "WorkerCrashedError")
