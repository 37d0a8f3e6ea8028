"""Memory runs out at each of many sizes: a call works or raises MemoryError, and the next one works."""

from __future__ import annotations

import json
import resource
import warnings
from pathlib import Path

import numpy as np
from work import SHAPE, digest, eager, mfcc

import melfeat

STEP = 2 << 20

warnings.simplefilter("ignore", melfeat.EmptyFilterWarning)
eager(3)
expected = digest(mfcc())
y = np.zeros(1 << 21, np.float32)
melfeat.mfcc(y, n_mfcc=3, **SHAPE)
pages = int(Path("/proc/self/statm").read_text().split()[0])
outcomes = []
for extra in range(0, 30 * STEP, STEP):
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + extra, resource.RLIM_INFINITY))
    try:
        melfeat.mfcc(y, n_mfcc=3, **{**SHAPE, "n_mels": 4 + extra // STEP})  # another plan, other scratch
        outcomes.append(True)
    except MemoryError:
        outcomes.append(False)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert digest(mfcc()) == expected
print(json.dumps({"worked": sum(outcomes), "failed": len(outcomes) - sum(outcomes)}))
