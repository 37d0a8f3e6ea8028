"""How a process ends, or does not, while a call is running.

python ending.py idle | daemon | thread | interrupt
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

from work import SHAPE, digest, eager, mfcc, signal as noise

import melfeat

eager(4)
y = noise(0, 1 << 23)
expected = digest(mfcc())
started = threading.Event()


def long_call() -> None:
    started.set()
    melfeat.mfcc(y, n_mfcc=3, **SHAPE)


kind = sys.argv[1]
if kind == "idle":
    sys.exit(0)  # with threads of the pool waiting for work
if kind in ("daemon", "thread"):
    threading.Thread(target=long_call, daemon=kind == "daemon").start()
    started.wait()
    time.sleep(0.02)
    sys.exit(0)  # in the middle of the call
if kind == "interrupt":
    timer = threading.Timer(0.03, os.kill, (os.getpid(), signal.SIGINT))
    try:
        for _ in range(100):
            if not timer.ident:
                timer.start()
            long_call()
        sys.exit("the signal did not come through")
    except KeyboardInterrupt:
        pass
    assert digest(mfcc()) == expected, "the call after it is as any other"
    melfeat.set_num_threads(1)
    assert digest(mfcc()) == expected
