"""Children of os.fork: while threads compute, and while a thread compiles. Prints what the children found.

python forks.py computing | compiling
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import warnings

from work import bank, digest, eager, mfcc

LENGTH = 60000


def child(call: object) -> int:
    """Fork; the child exits with 0 if its call gives the digest of this process, and is killed if it hangs."""
    pid = os.fork()
    if pid == 0:
        signal.alarm(60)
        try:
            os._exit(0 if call() else 1)
        except BaseException:
            os._exit(2)
    return pid


def has_helpers() -> bool:
    """Return whether this process has threads of melfeat's: those of the parent are not there."""
    return any(thread.name.startswith("melfeat-") for thread in threading.enumerate())


def codes(children: list[int]) -> list[int]:
    return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]


def computing() -> list[int]:
    """Fork again and again while two other threads compute, with a pool of threads of their own."""
    eager(3)
    expected, stop = digest(mfcc(0, LENGTH)), threading.Event()

    def keep_computing() -> None:
        while not stop.is_set():
            assert digest(mfcc(0, LENGTH)) == expected

    threads = [threading.Thread(target=keep_computing) for _ in range(2)]
    for thread in threads:
        thread.start()
    found = []
    for _ in range(6):
        time.sleep(0.01)
        found += codes([child(lambda: digest(mfcc(0, LENGTH)) == expected and has_helpers()) for _ in range(2)])
    stop.set()
    for thread in threads:
        thread.join()
    return found


def compiling() -> list[int]:
    """Fork while another thread has the compiler's lock; the child needs the same kernels."""
    from melfeat.kernels import _jit

    results: list[str] = []
    thread = threading.Thread(target=lambda: results.append(digest(bank())))
    thread.start()
    import numba.core.compiler_lock as compiler

    lock = compiler.global_compiler_lock._lock
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:  # until the thread is at it
        if not lock.acquire(blocking=False):
            break
        lock.release()
        time.sleep(0.001)
    assert not results, "the thread was too fast, this tests nothing"
    pid = child(lambda: digest(bank()))
    found = codes([pid])
    thread.join()
    assert _jit.KERNELS
    return found


if __name__ == "__main__":
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)  # since Python 3.12
    print(json.dumps({"computing": computing, "compiling": compiling}[sys.argv[1]]()))
