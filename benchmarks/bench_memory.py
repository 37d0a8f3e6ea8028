"""Measure working memory and cost per frame from one second to one hour of audio, each length in a fresh process.

    python benchmarks/bench_memory.py [--quick] [--json OUT]

Working memory is what `mfcc` needs beyond the signal and its result: the growth of the process's peak resident size,
and the peak of Python's and NumPy's own allocations. The kernels are compiled and warm before.
"""

from __future__ import annotations

import harness  # isort: skip

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

LENGTHS = (1, 10, 60, 600, 1800, 3600)


def resident() -> tuple[int, int]:
    """Return the present and the peak resident size of this process [bytes]; zeros where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0, 0
    found = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.startswith(("VmRSS", "VmHWM"))}
    return found["VmRSS"], found["VmHWM"]


def one(seconds: int, runs: int) -> dict[str, Any]:
    """Measure one length in this process."""
    import tracemalloc

    import melfeat

    sr = 22050
    rng = np.random.default_rng(0)
    y = rng.standard_normal(seconds * sr, dtype=np.float32)
    melfeat.mfcc(y[:sr], sr)
    before, peak_before = resident()
    result = melfeat.mfcc(y, sr)
    _, peak = resident()
    # The peak of before may hide growth: making the signal needs no more than the signal, so it is at most a little.
    growth = max(0, peak - max(before, peak_before)) if peak > peak_before else 0
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        result = melfeat.mfcc(y, sr)
        times.append(time.perf_counter() - start)
    output, n_frames = result.nbytes, result.shape[1]
    del result
    tracemalloc.start()
    melfeat.mfcc(y, sr)
    traced = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return {
        "seconds": seconds,
        "frames": n_frames,
        "output_mb": output / 1e6,
        "hidden_mb": (peak_before - before) / 1e6,
        "resident_mb": max(0, growth - output) / 1e6,
        "allocated_mb": (traced - output) / 1e6,
        "us_per_frame": 1e6 * min(times) / n_frames,
        "us_per_frame_median": 1e6 * statistics.median(times) / n_frames,
    }


def measure(lengths: tuple[int, ...], rounds: int) -> list[dict[str, Any]]:
    """Measure all lengths, each in fresh processes; memory is the largest seen, cost the median over processes."""
    found: dict[int, list[dict[str, Any]]] = {seconds: [] for seconds in lengths}
    for _ in range(rounds):
        for seconds in lengths:
            runs = max(3, min(200, 600 // seconds))
            command = [sys.executable, __file__, "--one", str(seconds), str(runs)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found[seconds].append(json.loads(done.stdout))
    rows = []
    for entries in found.values():
        row = dict(entries[0])
        for name in ("resident_mb", "allocated_mb"):
            row[name] = max(entry[name] for entry in entries)
        for name in ("us_per_frame", "us_per_frame_median"):
            row[name] = statistics.median(entry[name] for entry in entries)
        rows.append(row)
    return rows


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(one(int(sys.argv[2]), int(sys.argv[3]))))
        return
    options = harness.parser(__doc__, "memory.json").parse_args()
    rows = measure(LENGTHS, 1 if options.quick else 3)
    base = next(row["us_per_frame"] for row in rows if row["seconds"] == 10)
    print("  seconds   frames  resident MB  allocated MB  us/frame   to 10 s")
    for row in rows:
        row["relative_cost"] = row["us_per_frame"] / base
        print(
            f"{row['seconds']:9} {row['frames']:8} {row['resident_mb']:12.2f} {row['allocated_mb']:13.2f}"
            f" {row['us_per_frame']:9.3f} {row['relative_cost']:9.2f}"
        )
    limits = {"working_mb_at_most": 32, "working_mb_aim": 8, "cost_flat_within": 0.15}
    harness.store(options.json, "memory", options.quick, {"rows": rows, "limits": limits})


if __name__ == "__main__":
    main()
