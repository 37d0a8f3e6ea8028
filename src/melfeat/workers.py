"""The only file that knows threads: how many, and how a range of lane blocks is spread over them.

Threads are Python threads that run kernels without the global interpreter lock, from one small pool per process. Blocks
are independent of each other, so the number of threads changes no bit of any result.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._checks import check_int
from .errors import ParameterError

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

__all__ = ["available_cpus", "get_num_threads", "run_ranges", "set_num_threads", "threads"]

#: Samples of frames (frames times n_fft) that are worth a thread: about a third of a millisecond of work, against some
#: 50 microseconds that waking a thread can cost.
_WORTH = 1 << 19

_VARIABLE = "MELFEAT_NUM_THREADS"

_local = threading.local()
_lock = threading.Lock()
_chosen: int | None = None
_pool: ThreadPoolExecutor | None = None
_pool_size = 0


def _cgroup_quota() -> float:
    """Return the CPUs that a container's quota allows, infinite where there is none (cgroup v2, then v1)."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()[:2]
        return math.inf if quota == "max" else float(quota) / float(period)
    except (OSError, ValueError):
        pass
    try:
        quota = Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us").read_text()
        period = Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us").read_text()
        return float(quota) / float(period) if float(quota) > 0 else math.inf
    except (OSError, ValueError):
        return math.inf


def available_cpus() -> int:
    """Return how many CPUs this process may use: affinity and container quota respected, at least 1."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(cpus, _cgroup_quota())))


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
    global _chosen
    inner: int | None = getattr(_local, "count", None)
    if inner is not None:
        return inner
    if _chosen is None:
        _chosen = _default()
    return _chosen


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


def _forget_pool() -> None:
    """After a fork the child has none of the parent's threads: make a new pool when one is needed."""
    global _pool, _pool_size, _lock
    _pool, _pool_size, _lock = None, 0, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)


def _executor(size: int) -> ThreadPoolExecutor:
    """Return a pool whose threads, at least `size`, have all been started; RuntimeError if they cannot be.

    Started at once, because a pool that fails to start a thread for a task keeps the task and may run it later, when
    its caller has long gone on.
    """
    from concurrent.futures import ThreadPoolExecutor

    global _pool, _pool_size
    with _lock:
        if _pool is None or _pool_size < size:
            # A smaller pool that calls still wait for finishes its work and ends by itself.
            made = ThreadPoolExecutor(size, thread_name_prefix="melfeat")
            all_asked_for = threading.Event()
            try:
                for _ in range(size):
                    made.submit(all_asked_for.wait)
            finally:
                all_asked_for.set()
            _pool, _pool_size = made, size
        return _pool


def run_ranges(n_blocks: int, block_work: int, run: Callable[[int, int], Any]) -> list[Any]:
    """Call ``run(first, last)`` over contiguous ranges that make up ``0 … n_blocks``, on as many threads as pay.

    `block_work` is the samples of frames in a block. The caller's thread takes the first range. Results come in order
    of the ranges; an exception of any range is raised when all have ended.
    """
    count = min(n_blocks * block_work // _WORTH, n_blocks)
    if count > 1:
        count = min(count, get_num_threads())
    if count <= 1:
        return [run(0, n_blocks)]
    ends = [n_blocks * i // count for i in range(count + 1)]
    try:
        pool = _executor(count - 1)
        rest = [pool.submit(run, ends[i], ends[i + 1]) for i in range(1, count)]
    except RuntimeError:  # no more threads to be had, or the interpreter is shutting down
        return [run(0, n_blocks)]
    try:
        first = run(0, ends[1])
    finally:
        for other in rest:
            other.exception()  # waits
    return [first, *(other.result() for other in rest)]
