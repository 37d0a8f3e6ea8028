"""An executor of processes that tells which call a dead process was at, and goes on with a new one.

Of a broken `ProcessPoolExecutor` nobody knows what broke it, and all its calls are lost. Processes are started afresh,
not forked, and do not import the caller's main module, so scripts need no guard.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from typing import Any

from ._worker import LENGTH, read_message

__all__ = ["LocalProcesses", "WorkerDiedError"]

_ONE_THREAD = ("MELFEAT_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

#: glibc keeps so much freed memory; else it goes back to the system after each clip, and the next one pays for every
#: page of it.
_KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(64 << 20)}


class WorkerDiedError(BrokenExecutor):
    """A worker process ended in the middle of a call."""


def _of_what(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"{name}, perhaps out of memory" if name == "SIGKILL" else name


class LocalProcesses(Executor):
    """`size` processes of this machine, one thread each. They end with this process, however that ends."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._calls: queue.SimpleQueue[tuple[Future[Any], bytes] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._children: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._over = self._drop = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call ``fn(*args)`` in one of the processes."""
        if self._over:
            raise RuntimeError("cannot submit after shutdown")
        if kwargs:
            raise TypeError("only positional arguments are passed on")
        future: Future[Any] = Future()
        self._calls.put((future, pickle.dumps((fn, args))))
        if len(self._threads) < self._size:
            thread = threading.Thread(target=self._serve, name=f"melfeat-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End all processes: when they have done what was submitted, or at once with `cancel_futures`."""
        self._over, self._drop = True, self._drop or cancel_futures
        for _ in self._threads:
            self._calls.put(None)
        if cancel_futures:
            with self._lock:
                children = list(self._children)
            for child in children:
                child.kill()
        if wait:
            for thread in self._threads:
                thread.join()

    def _start(self) -> subprocess.Popen[bytes]:
        path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
        environment = {**_KEEP_MEMORY, **os.environ, **dict.fromkeys(_ONE_THREAD, "1"), "PYTHONPATH": path}
        command = [sys.executable, "-P", "-c", "from melfeat.dataset._worker import main; main()"]
        child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, start_new_session=True
        )  # a session of its own: Ctrl-C in the terminal is for the one who started it
        with self._lock:
            self._children.add(child)
        return child

    def _end(self, child: subprocess.Popen[bytes]) -> None:
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    pass
        child.wait()
        with self._lock:
            self._children.discard(child)

    def _serve(self) -> None:
        """Hand calls to one process after the other."""
        child: subprocess.Popen[bytes] | None = None
        while (call := self._calls.get()) is not None:
            future, message = call
            if self._drop:
                future.cancel()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                child = child or self._start()
                body = self._ask(child, message)
            except OSError as error:  # no process to be had
                future.set_exception(error)
                continue
            if body is None:
                self._end(child)
                future.set_exception(WorkerDiedError(f"its worker process died ({_of_what(child.returncode)})"))
                child = None
                continue
            well, result = pickle.loads(body)
            if well:
                future.set_result(result)
            else:
                future.set_exception(result)
        if child is not None:
            self._end(child)

    @staticmethod
    def _ask(child: subprocess.Popen[bytes], message: bytes) -> bytes | None:
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            child.stdin.write(LENGTH.pack(len(message)) + message)
            child.stdin.flush()
        except OSError:
            return None
        return read_message(child.stdout)
