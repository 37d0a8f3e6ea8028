"""The work that is done in hostile places: a small call or two, and a report as JSON on stdout.

    python work.py [bank | mfcc | both] [name=value …]

Reported are a digest of the results, what was compiled and what was read from the cache, and threads.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys

import numpy as np

import melfeat

#: Small enough that few kernels are compiled: an odd, direct column transform and one mixed row.
SHAPE = {"n_fft": 16, "hop_length": 8, "n_mels": 3}


def bank() -> np.ndarray:
    """Two kernels that compile in a second, of which one calls the other from another file."""
    return melfeat.melspectrogram(S=np.ones((9, 4)), sr=8000, n_mels=3)


def signal(seed: int = 0, n: int = 3000) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(n).astype(np.float32)


def mfcc(seed: int = 0, n: int = 3000) -> np.ndarray:
    return melfeat.mfcc(signal(seed, n), n_mfcc=3, **SHAPE)


def digest(*arrays: np.ndarray) -> str:
    return hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)).hexdigest()[:16]


def eager(threads: int) -> None:
    """Make every call worth that many threads."""
    from melfeat import workers

    workers._WORTH = 1
    melfeat.set_num_threads(threads)


def is_writable(folder: str) -> bool:
    """Return whether a file can be made there, by trying: root's rights and read-only mounts count."""
    path = os.path.join(folder, f"melfeat-test-{os.getpid()}")
    try:
        with open(path, "w"):
            pass
    except OSError:
        return False
    os.unlink(path)
    return True


def report(*arrays: np.ndarray, **more: object) -> None:
    from melfeat.cli._exercise import count_kernels

    compiled, cached = count_kernels()
    facts = {
        "digest": digest(*arrays),
        "compiled": sum(compiled.values()),
        "cached": cached,
        "threads": melfeat.get_num_threads(),
        "file": melfeat.__file__,
        "uid": os.getuid() if hasattr(os, "getuid") else None,
        **more,
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    task, *folders = [*sys.argv[1:], "both"][: max(1, len(sys.argv) - 1)]
    results = {"bank": [bank], "mfcc": [mfcc], "both": [bank, mfcc]}[task]
    arrays = [call() for call in results]
    from melfeat.kernels._jit import writable_cache_folder

    place = writable_cache_folder()
    report(*arrays, writable=[folder for folder in folders if is_writable(folder)], cache=place and str(place))
