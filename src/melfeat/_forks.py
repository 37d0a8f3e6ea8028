"""Forks that leave no lock behind: a child inherits the locks that other threads hold, but not those threads.

Before a fork, the first calls of other threads are waited for: imports, which Python locks module by module, and
whatever holds a lock that was registered here, such as Numba's compiler. Without that the child would wait for ever.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import threading
from typing import Protocol

__all__ = ["hold_during_forks"]


class Lock(Protocol):
    """What has the two methods of a lock."""

    def acquire(self) -> object:
        """Take the lock."""

    def release(self) -> object:
        """Give it back."""


_PACKAGES = frozenset(("melfeat", "numba", "llvmlite", "numpy", "scipy", "soundfile", "soxr"))

#: How often imports are waited for: one that is still going on then is the one that forks.
_ATTEMPTS = 5

#: The first makes threads that fork at the same time take turns.
_locks: list[Lock] = [threading.RLock()]
_taken: list[Lock] = []


def hold_during_forks(*locks: Lock) -> None:
    """Take these locks, in this order and after those before them, for the time of each fork."""
    _locks.extend(locks)


def _being_imported() -> list[str]:
    """Return the modules that melfeat needs and that a thread is importing."""
    return [
        name
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] in _PACKAGES and getattr(getattr(module, "__spec__", None), "_initializing", False)
    ]


def _begin() -> None:
    for attempt in range(_ATTEMPTS):
        for name in _being_imported():
            with contextlib.suppress(Exception):  # that thread is told what is wrong
                importlib.import_module(name)  # waits for its lock
        _take()
        if attempt + 1 == _ATTEMPTS or not _being_imported():
            return
        _end()  # an import has begun, and may need one of the locks


def _take() -> None:
    locks = list(_locks)
    for lock in locks:
        lock.acquire()
    _taken[:] = locks


def _end() -> None:
    for lock in reversed(_taken):
        lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_begin, after_in_parent=_end, after_in_child=_end)
