"""What all benchmarks share: one thread, interleaved rounds, ratios with their spread, the machine, stored results.

Import this before NumPy: the threads of the numerical libraries are fixed when they are loaded.
"""

from __future__ import annotations

import argparse
import datetime
import gc
import importlib.metadata
import json
import os
import platform
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

THREAD_VARIABLES = (
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "MELFEAT_NUM_THREADS",
)

if "numpy" in sys.modules and any(os.environ.get(name) != "1" for name in THREAD_VARIABLES):
    raise ImportError("import harness before NumPy: it fixes the number of threads")
for _name in THREAD_VARIABLES:
    os.environ[_name] = "1"

# Narrow mel bands without a bin: librosa and melfeat both say so, once; here it would only clutter the output.
warnings.filterwarnings("ignore", message=".*(empty filters|mel bands contain no FFT bin).*")

RESULTS = Path(__file__).parent / "results"

DISTRIBUTIONS = (
    "melfeat",
    "numpy",
    "scipy",
    "numba",
    "llvmlite",
    "soundfile",
    "soxr",
    "librosa",
    "resampy",
    "torch",
    "audioflux",
    "essentia",
    "kaldi-native-fbank",
    "python_speech_features",
)


def version(distribution: str) -> str | None:
    """Return the installed version of a distribution, or None."""
    if distribution == "melfeat":
        import melfeat

        return melfeat.__version__
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def cpu_model() -> str:
    """Return the name of the CPU as the system gives it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def usable_cores() -> int:
    """Return the number of cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def machine() -> dict[str, Any]:
    """Return what a reader needs to judge the figures: CPU, system, versions, threads, load, date."""
    try:
        import llvmlite.binding as llvm

        target = llvm.get_host_cpu_name()
    except ImportError:
        target = None
    return {
        "cpu": cpu_model(),
        "cpu_target": target,
        "cores": usable_cores(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: found for name in DISTRIBUTIONS if (found := version(name))},
        "threads": 1,
        "load_average": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }


def interleaved(
    contenders: Mapping[str, Callable[[], object]],
    *,
    rounds: int,
    turn: float = 0.03,
    most: int = 2000,
    before: Mapping[str, Callable[[], object]] | None = None,
) -> dict[str, list[float]]:
    """Time contenders turn by turn; return the seconds of each one's best call in every round.

    In every round each contender has one turn of about `turn` seconds: at least three calls, or one if a call takes
    longer than 0.3 s. The order rotates, so a disturbance of the machine, or a warm cache, meets all of them alike. The
    garbage collector is off. ``before[name]`` is called, untimed, before the turn of `name`.
    """
    before = before or {}
    counts = {}
    for name, run in contenders.items():
        before.get(name, int)()
        run()
        start = time.perf_counter()
        run()
        once = max(time.perf_counter() - start, 1e-7)
        counts[name] = 1 if once > 0.3 else max(3, min(most, int(turn / once)))
    names = list(contenders)
    times: dict[str, list[float]] = {name: [] for name in names}
    gc.collect()
    gc.disable()
    try:
        for i in range(rounds):
            for name in names[i % len(names) :] + names[: i % len(names)]:
                before.get(name, int)()
                run, best = contenders[name], float("inf")
                for _ in range(counts[name]):
                    start = time.perf_counter()
                    run()
                    best = min(best, time.perf_counter() - start)
                times[name].append(best)
    finally:
        gc.enable()
    return times


def quartiles(values: list[float]) -> tuple[float, float]:
    """Return the first and third quartile."""
    if len(values) < 2:
        return values[0], values[0]
    q = statistics.quantiles(values, n=4, method="inclusive")
    return q[0], q[2]


def summary(times: Mapping[str, list[float]], base: str) -> dict[str, dict[str, Any]]:
    """Return median and quartiles of the times [ms], and of the ratios to `base`, taken round by round."""
    result = {}
    for name, values in times.items():
        ratios = [value / own for value, own in zip(values, times[base], strict=True)]
        result[name] = {
            "ms": statistics.median(values) * 1e3,
            "ms_quartiles": [q * 1e3 for q in quartiles(values)],
            "ratio": statistics.median(ratios),
            "ratio_quartiles": list(quartiles(ratios)),
        }
    return result


def verdict(against: list[str], rows: Mapping[str, Mapping[str, Any]]) -> tuple[str, float] | None:
    """Return the fastest measured peer of `against` and how many times longer it takes, or None."""
    measured = [(rows[name]["ratio"], name) for name in against if "ratio" in rows.get(name, {})]
    if not measured:
        return None
    ratio, name = min(measured)
    return name, ratio


def parser(description: str | None, default: str) -> argparse.ArgumentParser:
    """Return a parser with the options of every benchmark; `default` names the result file in ``results``."""
    made = argparse.ArgumentParser(description=(description or "").split("\n", 1)[0])
    made.add_argument("--quick", action="store_true", help="few rounds: a first look, not a result")
    made.add_argument("--json", metavar="OUT", type=Path, default=RESULTS / default, help="where to store the result")
    return made


def store(path: Path, kind: str, quick: bool, body: dict[str, Any]) -> None:
    """Write a result with the machine it was measured on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {"kind": kind, "quick": quick, "machine": machine(), **body}
    beside = path.with_suffix(".tmp")
    beside.write_text(json.dumps(document, indent=1) + "\n")
    beside.replace(path)
    print(f"stored in {path}")
