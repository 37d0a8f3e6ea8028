"""Threads inside a call: how many, and how they share its blocks.

Threads are Python threads that run kernels without the global interpreter lock, from one small pool per process. They
take pieces of the work from a counter, the caller's thread among them, so one that wakes up late delays nobody. Blocks
are independent of each other, so the number of threads changes no bit of any result.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

import numpy as np

from . import _forks  # noqa: F401  from now on, forks wait for imports that are going on
from ._checks import check_int
from .errors import ParameterError

__all__ = ["available_cpus", "cpu_quota", "get_num_threads", "set_num_threads", "share", "threads"]

#: Samples of frames (frames times n_fft) that are worth a thread: about a third of a millisecond of work, against some
#: 50 microseconds that waking a thread can cost.
_WORTH = 1 << 19

_VARIABLE = "MELFEAT_NUM_THREADS"

#: Pieces per thread: small enough that threads end together, large enough that counting them costs nothing.
_PIECES = 16

_local = threading.local()
_chosen: int | None = None
_by_default: int | None = None


def cpu_quota(read: Callable[[str], str] = lambda path: Path(path).read_text()) -> float | None:
    """Return how many CPUs the cgroups of this process may use (version 2 or 1), or None without a limit."""
    try:
        lines = read("/proc/self/cgroup").splitlines()
        group = next(line.split(":", 2)[2].strip() for line in lines if line[:1] == "0")
    except (OSError, ValueError, StopIteration, IndexError):
        group = "/"
    quotas = []
    here = Path("/sys/fs/cgroup") / group.lstrip("/")
    for folder in (here, *here.parents):
        if "cgroup" not in folder.parts:
            break
        try:
            quota, period = read(str(folder / "cpu.max")).split()
            quotas.append(int(quota) / int(period))
        except (OSError, ValueError):
            continue  # no limit here ("max"), or version 1
    try:
        quota_us = int(read("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"))
        if quota_us > 0:
            quotas.append(quota_us / int(read("/sys/fs/cgroup/cpu/cpu.cfs_period_us")))
    except (OSError, ValueError):
        pass
    return min(quotas, default=None)


def available_cpus() -> int:
    """Return how many CPUs this process may use: affinity and container quota respected, at least 1."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(cpus, cpu_quota() or math.inf)))


def _default() -> int:
    """Return the threads of a process that chose none: one per CPU, but one in a child of a process pool."""
    asked = os.environ.get(_VARIABLE)
    if asked:
        try:
            return check_int(_VARIABLE, int(asked), low=1)
        except ValueError:
            raise ParameterError(f"{_VARIABLE}={asked!r}: expected an integer >= 1, the number of threads") from None
    import multiprocessing

    return 1 if multiprocessing.parent_process() is not None else available_cpus()


def get_num_threads() -> int:
    """Return how many threads a call may use.

    Returns
    -------
    int, >= 1
        The number of `threads` around the call, else of `set_num_threads`, else of the environment variable
        ``MELFEAT_NUM_THREADS``, else the CPUs that this process may use (1 in the workers of a process pool).

    Raises
    ------
    ParameterError
        If the environment variable is not a positive integer.

    Examples
    --------
    >>> import melfeat
    >>> with melfeat.threads(1):
    ...     melfeat.get_num_threads()
    1
    """
    global _by_default
    inner: int | None = getattr(_local, "count", None)
    if inner is not None:
        return inner
    if _chosen is not None:
        return _chosen
    if _by_default is None:
        _by_default = _default()
    return _by_default


def set_num_threads(n: int) -> None:
    """Set how many threads a call may use, for this process.

    Short clips use one thread whatever the number: more would not pay. The number changes no bit of any result.

    Parameters
    ----------
    n : int, >= 1
        Number of threads.

    Returns
    -------
    None
        Nothing; `get_num_threads` tells the number.

    Raises
    ------
    ParameterError
        If `n` is not a positive integer.

    Examples
    --------
    >>> import melfeat
    >>> before = melfeat.get_num_threads()
    >>> melfeat.set_num_threads(2)
    >>> melfeat.get_num_threads()
    2
    >>> melfeat.set_num_threads(before)
    """
    global _chosen
    _chosen = check_int("n", n, low=1, unit="threads")


@contextmanager
def threads(n: int) -> Iterator[None]:
    """Set how many threads calls in a ``with`` block may use, for the thread that runs it.

    Parameters
    ----------
    n : int, >= 1
        Number of threads.

    Yields
    ------
    None
        Nothing to bind with ``as``.

    Raises
    ------
    ParameterError
        If `n` is not a positive integer.

    Examples
    --------
    >>> import melfeat
    >>> import numpy as np
    >>> y = np.ones(22050, dtype=np.float32)
    >>> with melfeat.threads(2):
    ...     melfeat.mfcc(y).shape
    (20, 44)
    """
    before = getattr(_local, "count", None)
    _local.count = check_int("n", n, low=1, unit="threads")
    try:
        yield
    finally:
        _local.count = before


class _Pool:
    """Daemon threads that wait for tasks. A task is tried at most once; whoever put it in sees to what is left over."""

    def __init__(self) -> None:
        self.tasks: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self.size = 0

    def grow(self, size: int) -> None:
        """Start threads until there are `size`; RuntimeError where the system has no more."""
        while self.size < size:
            threading.Thread(target=self._work, name=f"melfeat-{self.size}", daemon=True).start()
            self.size += 1

    def _work(self) -> None:
        while True:
            task = self.tasks.get()
            task()
            del task  # so that an idle thread holds no arrays


_lock = threading.Lock()
_pool = _Pool()


def _forget_pool() -> None:
    """After a fork the child has none of the parent's threads: make a new pool when one is needed.

    A number of threads that nobody chose is found out anew, since the child may be one of a process pool.
    """
    global _pool, _lock, _by_default
    _pool, _lock, _by_default = _Pool(), threading.Lock(), None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)


class _Help:
    """A call that other threads may join: `run` takes pieces of a job until none are left."""

    def __init__(self, run: Callable[[], bool]) -> None:
        self.run: Callable[[], bool] | None = run
        self.failure: BaseException | None = None

    def __call__(self) -> None:
        run = self.run
        if run is not None:
            try:
                run()
            except BaseException as error:
                self.failure = error


def share(job: np.ndarray, work: int, run: Callable[[], bool]) -> None:
    """Call `run` on as many threads as pay, until one of its calls has returned True: all of `job` is done.

    `job` is that of `kernels.framing.JOB`; its pieces are made smaller where several threads take them. `work` is the
    samples of its frames. `run` returns False if other threads still hold pieces.
    """
    first, end = int(job[4]), int(job[5])
    count = min(work // _WORTH, end - first)
    if count > 1:
        count = min(count, get_num_threads())
    if count <= 1:
        run()
        return
    job[6] = max(1, (end - first) // (count * _PIECES))
    others = _Help(run)
    try:
        with _lock:
            _pool.grow(count - 1)
        for _ in range(count - 1):
            _pool.tasks.put(others)
    except RuntimeError:  # no more threads to be had: those that there are will do
        pass
    try:
        while not run():
            if others.failure is not None:
                raise others.failure
            time.sleep(5e-5)
    finally:
        others.run = None  # a thread that comes too late holds nothing and does nothing
