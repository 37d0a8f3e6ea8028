"""Measure a 10-hour file (44.1 kHz, stereo, 16 bit) from disk to disk against one hour loaded into memory.

    python benchmarks/bench_long.py [--quick] [--json OUT] [--hours H] [--format RF64|W64|FLAC] [--folder DIR] [--whole]

Both start with a file and end with its coefficients: `extract_file` of the long one writes them to a file, `load` and
the extractor leave those of the hour in memory. Each measurement is a process of its own, in turns, and so is its peak
resident size; kernels have been compiled before. The files are loops of a minute of sound of changing loudness; they
are in the system's file cache as far as that has room for them. --whole also computes the long file in memory, which
takes about 12 GB, and compares the bytes.
"""

from __future__ import annotations

import harness  # isort: skip

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from bench_memory import resident
from peers import signal

SR = 44100
CONFIGS = {
    "20 MFCCs at 22 050 Hz": ("librosa", {}),
    "20 MFCCs at the file's rate": ("librosa", {"sr": float(SR)}),
    "kaldi-mfcc with deltas and normalisation": ("kaldi-mfcc", {"delta_order": 2, "cmn": "mean_var"}),
}
BYTES = {"RF64": 4.0, "W64": 4.0, "FLAC": 3.5}  # of a frame of two channels, at most


def write_loop(path: Path, minutes: int, form: str) -> None:
    """Write a file of some minutes."""
    import soundfile

    left = signal(60, SR) * np.repeat(np.float32([1.0, 0.02, 0.3]), 20 * SR)
    minute = np.stack([left, np.roll(left, 1234) * np.float32(0.8)], axis=1)
    pcm = (minute * 32767).astype(np.int16)
    with soundfile.SoundFile(path, "w", SR, 2, "PCM_16", format=form) as file:
        for i in range(minutes):
            file.write(np.roll(pcm, i * 997, axis=0))  # so that no two minutes have the same frames


def extractor(name: str) -> Any:
    """Return the extractor of one of `CONFIGS`."""
    import melfeat

    preset, overrides = CONFIGS[name]
    return melfeat.Extractor(preset, **overrides)


def one(kind: str, name: str, path: str, out: str, threads: int) -> dict[str, Any]:
    """Measure one way in this process."""
    import melfeat
    from melfeat.long_files import extract_file

    melfeat.set_num_threads(threads)
    fx = extractor(name)
    seconds = melfeat.get_duration(path=path)
    fx(melfeat.load(path, sr=fx.config.sr, duration=5.0)[0])  # loads all kernels and packages, for either way
    extract_file(path, None, fx, duration=5.0)
    cpu, start = time.process_time(), time.perf_counter()
    if kind == "file":
        extract_file(path, out, fx)
        elapsed = alone = time.perf_counter() - start  # fsync included
    else:
        y, _ = melfeat.load(path, sr=fx.config.sr)
        between = time.perf_counter()
        result = fx(y)
        elapsed, alone = time.perf_counter() - start, time.perf_counter() - between
        if kind == "whole":
            same = np.load(out, mmap_mode="r")
            equal = same.shape == result.shape and all(map(np.array_equal, same, result))
            return {"same_bytes": bool(equal and same.dtype == result.dtype)}
    peak = resident()[1] / 1e6
    used = (time.process_time() - cpu) / (seconds / 3600)
    return {"speed": seconds / elapsed, "speed_alone": seconds / alone, "cpu_s_per_hour": used, "peak_mb": peak}


def run(*arguments: Any) -> dict[str, Any]:
    """Measure in a new process."""
    command = [sys.executable, __file__, "--one", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr or f"{' '.join(command)}: ended with {done.returncode}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def measure(folder: Path, hour: Path, long: Path, threads: int, rounds: int, whole: bool) -> dict[str, Any]:
    """Return a row for each configuration, both ways measured in turns."""
    rows = {}
    for name in CONFIGS:
        out, short = str(folder / "out.npy"), str(folder / "hour.npy")
        run("file", name, hour, short, threads)  # compiles what is not there yet, and is checked against memory
        if not run("whole", name, hour, short, threads)["same_bytes"]:
            raise SystemExit(f"{name}: the file's bytes are not those of memory")
        ways: dict[str, list[dict[str, Any]]] = {"file": [], "memory": []}
        for i in range(rounds):
            order = ("file", "memory") if i % 2 else ("memory", "file")
            for kind in order:
                ways[kind].append(run(kind, name, long if kind == "file" else hour, out, threads))
        row: dict[str, Any] = {
            f"{kind}_{key}": statistics.median(entry[key] for entry in entries)
            for kind, entries in ways.items()
            for key in ("speed", "speed_alone", "cpu_s_per_hour")
        }
        pairs = zip(ways["file"], ways["memory"], strict=True)
        row["ratio"] = statistics.median(file["speed"] / memory["speed"] for file, memory in pairs)
        row["file_peak_mb"] = max(entry["peak_mb"] for entry in ways["file"])
        row["memory_peak_mb"] = max(entry["peak_mb"] for entry in ways["memory"])
        if whole:
            row.update(run("whole", name, long, out, threads))
        rows[name] = row
        speeds = f"{row['file_speed']:7.0f}x real time  {row['memory_speed']:7.0f}x in memory  {row['ratio']:5.2f}"
        cpu = f"CPU {row['file_cpu_s_per_hour']:.2f} and {row['memory_cpu_s_per_hour']:.2f} s an hour"
        peaks = f"peak {row['file_peak_mb']:.0f} and {row['memory_peak_mb']:.0f} MB"
        same = "  same bytes" if row.get("same_bytes") else ""
        print(f"{threads} thread(s)  {name:42} {speeds}  {cpu}  {peaks}{same}", flush=True)
    return rows


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        kind, name, path, out, threads = sys.argv[2:]
        print(json.dumps(one(kind, name, path, out, int(threads))))
        return
    parser = harness.parser(__doc__, "long.json")
    parser.add_argument("--hours", type=float, default=10.0, help="length of the long file (10)")
    parser.add_argument("--format", choices=BYTES, default="RF64", help="its format (RF64)")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="where files are written")
    parser.add_argument("--whole", action="store_true", help="compare with the long file in memory: needs 12 GB")
    options = parser.parse_args()
    minutes = round(60 * (1.0 if options.quick else options.hours))
    needed = 60 * SR * BYTES[options.format] * (minutes + 60) * 1.5
    free = shutil.disk_usage(options.folder).free
    if free < needed:
        raise SystemExit(
            f"{options.folder}: {free / 1e9:.1f} GB free, {needed / 1e9:.1f} needed; use --hours, --folder"
        )
    body: dict[str, Any] = {"hours": minutes / 60, "format": options.format, "threads": {}}
    with tempfile.TemporaryDirectory(prefix="melfeat-bench-", dir=options.folder) as name:
        folder = Path(name)
        hour, long = folder / "hour.audio", folder / "long.audio"
        write_loop(hour, 60, options.format)
        write_loop(long, minutes, options.format)
        body["file_gb"] = os.path.getsize(long) / 1e9
        for threads in sorted({1, harness.usable_cores()}):
            rounds = 1 if options.quick else 3
            body["threads"][str(threads)] = measure(folder, hour, long, threads, rounds, options.whole)
    body["limits"] = {"peak_mb": 200, "ratio": 0.9}
    harness.store(options.json, "long", options.quick, body)


if __name__ == "__main__":
    main()
