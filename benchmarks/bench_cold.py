"""Time fresh processes: importing, the first call, the first compilation. Whole processes, from start to exit.

    python benchmarks/bench_cold.py [--quick] [--json OUT]

Caches are warm unless the name says otherwise: each command runs once before it is timed. Both libraries compute the
MFCCs of one second of a signal.
"""

from __future__ import annotations

import harness  # isort: skip

import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

_SIGNAL = "import numpy as np; y = np.sin(np.arange(22050, dtype=np.float32)); "
_MELFEAT = _SIGNAL + "import melfeat; melfeat.mfcc(y, sr=22050)"
_LIBROSA = _SIGNAL + "import librosa; librosa.feature.mfcc(y=y, sr=22050)"

#: Name, code, whether the compiler's cache is emptied before every run.
CASES = (
    ("python", "pass", False),
    ("import numpy", "import numpy", False),
    ("import melfeat", "import melfeat", False),
    ("melfeat: first mfcc", _MELFEAT, False),
    ("melfeat: first mfcc, float64", _MELFEAT.replace("float32", "float64"), False),
    ("melfeat: first mfcc, nothing compiled yet", _MELFEAT, True),
    ("import librosa", "import librosa", False),
    ("librosa: first mfcc", _LIBROSA, False),
)


def seconds(code: str, environment: dict[str, str]) -> float:
    """Return how long a fresh interpreter takes to run `code`."""
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    elapsed = time.perf_counter() - start
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    return elapsed


def measure(rounds: int, folder: Path) -> dict[str, Any]:
    """Return median and quartiles of every case, and librosa's ratio to melfeat's first call."""
    environment = {**os.environ, "MELFEAT_CACHE_DIR": str(folder / "warm")}
    environment.pop("NUMBA_DISABLE_JIT", None)
    rows: dict[str, dict[str, Any]] = {}
    times: dict[str, list[float]] = {}
    for name, code, _ in CASES:
        if "librosa" in code and importlib.util.find_spec("librosa") is None:
            rows[name] = {"absent": "librosa is not installed (pip install librosa==0.11.0)"}
            continue
        seconds(code, environment)
        times[name] = []
    for i in range(rounds):
        for name, code, empty in CASES:
            if name not in times or (empty and i >= max(2, rounds // 3)):
                continue
            own = {**environment, "MELFEAT_CACHE_DIR": str(folder / f"empty{i}")} if empty else environment
            times[name].append(seconds(code, own))
    base = times["melfeat: first mfcc"]
    for name, values in times.items():
        rows[name] = {"ms": 1e3 * statistics.median(values), "runs": len(values)}
        rows[name]["ms_quartiles"] = [1e3 * q for q in harness.quartiles(values)]
        if name == "librosa: first mfcc":
            ratios = [value / own for value, own in zip(values, base, strict=True)]
            rows[name].update(ratio=statistics.median(ratios), ratio_quartiles=list(harness.quartiles(ratios)))
    return rows


def main() -> None:
    options = harness.parser(__doc__, "cold.json").parse_args()
    with tempfile.TemporaryDirectory(prefix="melfeat-bench-") as folder:
        rows = measure(3 if options.quick else 11, Path(folder))
    for name, row in rows.items():
        if "absent" in row:
            print(f"{name:44} absent: {row['absent']}")
            continue
        ratio = f"  {row['ratio']:.2f}x melfeat's" if "ratio" in row else ""
        print(f"{name:44} {row['ms']:8.0f} ms{ratio}")
    target = {"against": ["librosa: first mfcc"], "at_least": 3, "aim": 4, "at_most_ms": 600}
    harness.store(options.json, "cold", options.quick, {"rows": rows, "target": target})


if __name__ == "__main__":
    main()
