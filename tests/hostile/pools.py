"""Processes and threads of every kind, after this process has used its own threads: all must get the same digests.

python pools.py fork | spawn | forkserver | futures | threads | loky | torch
"""

from __future__ import annotations

import json
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

from work import digest, eager, mfcc

import melfeat

SEEDS = list(range(6))
LENGTH = 60000  # so that a call is cut into pieces


def task(seed: int) -> tuple[str, int]:
    return digest(mfcc(seed, LENGTH)), melfeat.get_num_threads()


class Clips:
    """A data set as PyTorch wants it."""

    def __len__(self) -> int:
        return len(SEEDS)

    def __getitem__(self, index: int) -> tuple[int, int]:
        found, threads = task(SEEDS[index])
        return int(found, 16) & (2**62 - 1), threads


def with_torch() -> list[tuple[int, int]]:
    from torch.utils.data import DataLoader

    kinds = ("fork", "spawn")
    loaders = [DataLoader(Clips(), batch_size=2, num_workers=2, multiprocessing_context=kind) for kind in kinds]
    found = [[(int(a), int(b)) for batch in loader for a, b in zip(*batch, strict=True)] for loader in loaders]
    assert found[0] == found[1]
    return found[0]


def run(kind: str) -> list[tuple[str | int, int]]:
    if kind in ("fork", "spawn", "forkserver"):
        with multiprocessing.get_context(kind).Pool(2) as pool:
            return pool.map(task, SEEDS)
    if kind == "futures":
        with ProcessPoolExecutor(2) as processes:
            return list(processes.map(task, SEEDS))
    if kind == "threads":
        with ThreadPoolExecutor(4) as threads:
            return list(threads.map(task, SEEDS))
    if kind == "loky":
        from joblib import Parallel, delayed

        return Parallel(n_jobs=2)(delayed(task)(seed) for seed in SEEDS)
    return with_torch()


if __name__ == "__main__":
    kind = sys.argv[1]
    melfeat.get_num_threads()  # what was found out here holds for this process, not for its children
    with melfeat.threads(1):
        expected = [(Clips()[i] if kind == "torch" else task(seed))[0] for i, seed in enumerate(SEEDS)]
    from melfeat import workers

    workers._WORTH = 1
    with melfeat.threads(3):  # the pool of this process is running when children are made
        assert [(Clips()[i] if kind == "torch" else task(seed))[0] for i, seed in enumerate(SEEDS)] == expected
    assert workers._pool.size == 2
    found = run(kind)
    print(json.dumps({"same": [name for name, _ in found] == expected, "threads": sorted({n for _, n in found})}))
    eager(2)
    assert [task(seed)[0] for seed in SEEDS] == [task(seed)[0] for seed in SEEDS]
