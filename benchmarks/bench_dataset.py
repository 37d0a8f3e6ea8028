"""Time a data set: 2,000 clips like UrbanSound8K's to a table of 40 MFCC means, against the loop of the tutorials.

    python benchmarks/bench_dataset.py [--quick] [--json OUT] [--parts throughput,memory,kill,million]

* throughput: `melfeat.dataset.extract` with one and two processes, their start and the writing of the table included,
  against ``librosa.load`` + ``mfcc`` + ``mean`` in one process, without its imports and its first clip; and as
  programs: ``melfeat extract`` from the shell against the loop with what a fresh process needs for imports and a clip.
  Everything takes turns; a ratio is taken within a round;
* memory: the largest resident size of the worker and of the coordinator, at a quarter of the clips and at all of them;
* kill: a tree of 5,000 files, good and bad; runs are killed with SIGKILL at 20 random moments and resumed, and the
  bytes compared with those of an undisturbed run;
* million: a manifest of a million rows; what the run costs beyond the clips, and a second run that finds all done.
"""

from __future__ import annotations

import harness  # isort: skip

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

#: Rates, bits and channels, with their shares in a hundred clips, roughly those of UrbanSound8K.
RATES = {44100: 62, 48000: 29, 96000: 7, 22050: 1, 16000: 1}
SUBTYPES = {"PCM_16": 66, "PCM_24": 32, "FLOAT": 1, "PCM_U8": 1}
CHANNELS = {2: 92, 1: 8}


def drawn(shares: dict[Any, int], rng: random.Random) -> Any:
    return rng.choices(list(shares), list(shares.values()))[0]


def write_clips(folder: Path, n: int) -> list[Path]:
    """Write clips of up to 4 s, most of them as long."""
    import soundfile

    rng = random.Random(8)
    noise = np.random.default_rng(8).standard_normal((96000 * 5, 2)).astype(np.float32) * 0.1
    tone = 0.3 * np.sin(np.cumsum(np.linspace(0.02, 0.6, len(noise)))).astype(np.float32)
    whole = noise + tone[:, np.newaxis]
    paths = []
    for k in range(n):
        rate, channels = drawn(RATES, rng), drawn(CHANNELS, rng)
        seconds = 4.0 if rng.random() < 0.85 else rng.uniform(0.1, 4.0)
        start = rng.randrange(96000)
        path = folder / f"fold{1 + k % 10}" / f"{k}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, whole[start : start + int(seconds * rate), :channels], rate, drawn(SUBTYPES, rng))
        paths.append(path)
    os.sync()  # or they are still on their way to the disk while the runs are timed
    return paths


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def throughput(folder: Path, n: int, rounds: int) -> dict[str, Any]:
    """Time our runs and the loops; check that they agree."""
    import librosa

    from melfeat import Config
    from melfeat.dataset import extract, load_features

    paths = write_clips(folder / "clips", n)
    config = Config.preset("librosa", n_mfcc=40)
    files = [str(path) for path in paths]

    def ours(jobs: int) -> None:
        shutil.rmtree(folder / f"out{jobs}", ignore_errors=True)
        extract(files, folder / f"out{jobs}", config, pool="mean", format="csv", n_jobs=jobs)

    def loop(some: list[str], res_type: str = "soxr_hq") -> list[np.ndarray]:
        found = []
        for path in some:
            y, sr = librosa.load(path, res_type=res_type)
            found.append(np.mean(librosa.feature.mfcc(y=y, sr=sr, n_mfcc=40), axis=1))
        return found

    def program(jobs: int) -> None:
        command = [sys.executable, "-m", "melfeat", "extract", str(folder / "clips"), "-o", str(folder / "out")]
        options = ["--n-mfcc", "40", "--stats", "mean", "--format", "csv", "--overwrite", "--quiet", "--jobs"]
        subprocess.run([*command, *options, str(jobs)], check=True, stderr=subprocess.DEVNULL)

    tenth = files[::10]
    expected = np.stack(loop(tenth))
    loop(files[:1], "kaiser_fast")
    ours(1)
    got = load_features(folder / "out1").X[::10]
    error = float(np.abs(got - expected).max() / np.abs(expected).max())
    if error > 1e-5:
        raise SystemExit(f"differs from librosa by {error:.1e} of the largest value")
    first = [sys.executable, "-c", FIRST, files[0]]
    names = ("one job", "two jobs", "librosa", "librosa, kaiser_fast", "program, one job", "program, two jobs")
    times: dict[str, list[float]] = {name: [] for name in (*names, "program, librosa", "program, librosa, kaiser_fast")}
    for k in range(rounds):
        some, few = files[k % 4 :: 4], files[k % 20 :: 20]
        start = seconds(lambda: subprocess.run(first, check=True)) / n  # imports and first clip, spread over all
        runs: dict[str, tuple[int, Callable[[], object]]] = {
            "one job": (n, lambda: ours(1)),
            "librosa": (len(some), lambda some=some: loop(some)),
            "two jobs": (n, lambda: ours(2)),
            "librosa, kaiser_fast": (len(few), lambda few=few: loop(few, "kaiser_fast")),
            "program, one job": (n, lambda: program(1)),
            "program, two jobs": (n, lambda: program(2)),
        }
        for name in (*names[k % len(names) :], *names[: k % len(names)]):
            count, run = runs[name]
            times[name].append(seconds(run) / count)
        for name in ("librosa", "librosa, kaiser_fast"):
            times[f"program, {name}"].append(start + times[name][-1])

    def ratio(peer: str, own: str) -> dict[str, Any]:
        found = [a / b for a, b in zip(times[peer], times[own], strict=True)]
        low, middle, high = np.percentile(found, (25, 50, 75))
        return {"ratio": float(middle), "ratio_quartiles": [float(low), float(high)], "at_least": AT_LEAST[own, peer]}

    return {
        "n_clips": n,
        "ms_per_clip": {name: 1e3 * float(np.median(values)) for name, values in times.items()},
        "ratios": {f"{own}, against {peer}": ratio(peer, own) for own, peer in AT_LEAST},
        "difference": error,
    }


#: What is compared with what, and how many times faster it shall be at least.
AT_LEAST: dict[tuple[str, str], float] = {
    ("one job", "librosa"): 6,
    ("two jobs", "librosa"): 11,
    ("one job", "librosa, kaiser_fast"): 25,
    ("two jobs", "librosa, kaiser_fast"): 25,
    ("program, one job", "program, librosa"): 6,
    ("program, two jobs", "program, librosa"): 11,
    ("program, one job", "program, librosa, kaiser_fast"): 25,
    ("program, two jobs", "program, librosa, kaiser_fast"): 25,
}

FIRST = """
import sys, librosa, numpy as np
y, sr = librosa.load(sys.argv[1])
np.mean(librosa.feature.mfcc(y=y, sr=sr, n_mfcc=40), axis=1)
"""

MEMORY = """
import json, resource, sys
from melfeat import Config
from melfeat.dataset import extract
files = json.load(open(sys.argv[1]))
extract(files, sys.argv[2], Config.preset("librosa", n_mfcc=40), pool="mean", format="csv", n_jobs=1)
worker = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
own = next(int(line.split()[1]) / 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({"worker_mb": worker, "coordinator_mb": own}))
"""


def memory(folder: Path, n: int) -> dict[str, Any]:
    """Return the largest resident sizes at a quarter of the clips, and at all of them."""
    paths = [str(path) for path in write_clips(folder / "clips", n)]
    found = {}
    for count in (n // 4, n):
        listed = folder / "files.json"
        listed.write_text(json.dumps(paths[:count]))
        command = [sys.executable, "-c", MEMORY, str(listed), str(folder / f"memory{count}")]
        found[str(count)] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


KILLED = """
import sys
from melfeat.dataset import extract
extract(sys.argv[1], sys.argv[2], pool=("mean", "std"), format="npy", n_jobs=int(sys.argv[3]), rows_per_shard=100)
"""


def kill(folder: Path, n_files: int, times: int) -> dict[str, Any]:
    """Kill runs at random moments, resume them, and compare the bytes with those of a run that nothing happened to."""
    from melfeat.dataset import extract
    from tests.dataset_tree import contents, make_tree

    good, bad = make_tree(folder / "tree", n_files)
    options: dict[str, Any] = {"pool": ("mean", "std"), "format": "npy", "rows_per_shard": 100}
    start = time.perf_counter()
    report = extract(folder / "tree", folder / "undisturbed", n_jobs=2, **options)
    whole = time.perf_counter() - start
    if (report.n_ok, report.n_failed) != (len(good), len(bad)):
        raise SystemExit(f"{report}: expected {len(good)} good files and {len(bad)} bad ones")
    expected = contents(folder / "undisturbed")
    rng = random.Random(4)
    interrupted, kept = 0, []
    for k in range(times):
        out = folder / f"out{k}"
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(folder / "tree"), str(out), str(1 + k % 2)])
        time.sleep(rng.uniform(0.1, 1.0) * whole)
        process.kill()
        process.wait()
        interrupted += not (out / "_manifest.json").exists()
        kept.append(extract(folder / "tree", out, n_jobs=1 + (k + 1) % 2, **options).n_reused)
        if contents(out) != expected:
            raise SystemExit(f"{out}: other bytes than those of the undisturbed run")
        shutil.rmtree(out)
    return {"n_files": n_files, "n_bad": len(bad), "kills": times, "interrupted": interrupted, "rows_kept": kept}


def million(folder: Path, n: int) -> dict[str, Any]:
    """Run over a manifest of many rows of a few tiny clips."""
    import soundfile

    import melfeat
    from melfeat.dataset import extract
    from melfeat.dataset._rows import survey
    from melfeat.dataset._sources import resolve

    for k in range(100):
        path = folder / "tiny" / f"{k}.wav"
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, 0.1 * np.random.default_rng(k).standard_normal(800), 8000, subtype="PCM_16")
    manifest = folder / "manifest.csv"
    with open(manifest, "w") as file:
        file.write("path,class,fold\n")
        file.writelines(f"tiny/{k % 100}.wav,class{k % 7},{k % 10}\n" for k in range(n))
    small = {"sr": 8000, "n_fft": 256, "win_length": 256, "hop_length": 128, "n_mels": 20, "n_mfcc": 13}
    config = melfeat.Config.preset("librosa", **small)
    options: dict[str, Any] = {"pool": "mean", "format": "csv", "n_jobs": 2}
    first = seconds(lambda: survey(resolve(manifest)))
    whole = extract(manifest, folder / "out", config, **options).seconds
    again = extract(manifest, folder / "out", config, **options)
    if again.n_reused != n:
        raise SystemExit(f"{again}: expected all rows to be kept")
    return {"n_rows": n, "survey_s": first, "extract_s": whole, "resume_check_s": again.seconds}


def main() -> None:
    parser = harness.parser(__doc__, "dataset.json")
    parser.add_argument("--parts", default="throughput,memory,kill,million", help="which ones, commas between")
    options = parser.parse_args()
    quick = options.quick
    parts: dict[str, Callable[[Path], dict[str, Any]]] = {
        "throughput": lambda folder: throughput(folder, 200 if quick else 2000, 2 if quick else 7),
        "memory": lambda folder: memory(folder, 200 if quick else 2000),
        "kill": lambda folder: kill(folder, 500 if quick else 5000, 3 if quick else 20),
        "million": lambda folder: million(folder, 20_000 if quick else 1_000_000),
    }
    body = {}
    for name in options.parts.split(","):
        with tempfile.TemporaryDirectory(prefix="melfeat-bench-") as folder:
            body[name] = parts[name](Path(folder))
        print(name, json.dumps(body[name], indent=1))
    harness.store(options.json, "dataset", quick, body)


if __name__ == "__main__":
    main()
