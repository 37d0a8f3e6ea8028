"""Time files on disk: WAV, 4 s, 44.1 and 48 kHz, stereo, 16 bit, to the mean over time of 40 MFCCs.

    python benchmarks/bench_load.py [--quick] [--json OUT]

The files are written to a temporary folder first and are in the system's file cache when they are timed. Each contender
handles all files in one turn; times are per file. melfeat's are one call of `mfcc_stats` on one thread, and on two.
"""

from __future__ import annotations

import harness  # isort: skip

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from peers import PEERS, signal

N_FILES = 8


def write_files(folder: Path, sr: int) -> list[Path]:
    """Write stereo files of 4 s and 16 bit, all different."""
    import soundfile

    paths = []
    for i in range(N_FILES):
        left = signal(6, sr)[i * sr // 8 : i * sr // 8 + 4 * sr]
        right = np.roll(left, 7 * i + 3) * np.float32(0.8)
        paths.append(folder / f"{sr}-{i}.wav")
        soundfile.write(paths[-1], np.stack([left, right], axis=1), sr, subtype="PCM_16")
    return paths


def contenders(paths: list[Path]) -> dict[str, Callable[[], Any]]:
    """Return what is timed: a function of no arguments that handles all files."""
    import melfeat

    def on_two_threads() -> np.ndarray:
        with melfeat.threads(2):
            return melfeat.mfcc_stats(paths)

    made: dict[str, Callable[[], Any]] = {
        "melfeat": lambda: melfeat.mfcc_stats(paths),
        "melfeat, two threads": on_two_threads,
        "melfeat, load only": lambda: [melfeat.load(path)[0] for path in paths],
    }
    if any(peer.name == "librosa" and peer.absent() is None for peer in PEERS):
        import librosa

        def peer_mean(path: Path, res_type: str = "soxr_hq") -> np.ndarray:
            y, sr = librosa.load(path, res_type=res_type)
            return np.mean(librosa.feature.mfcc(y=y, sr=sr, n_mfcc=40), axis=1)

        made["librosa"] = lambda: [peer_mean(path) for path in paths]
        made["librosa, load only"] = lambda: [librosa.load(path)[0] for path in paths]
        try:
            import resampy  # noqa: F401
        except ImportError:
            return made
        made["librosa, kaiser_fast"] = lambda: [peer_mean(path, "kaiser_fast") for path in paths]
        made["melfeat, kaiser_fast"] = lambda: melfeat.mfcc_stats(paths, res_type="kaiser_fast")
    return made


def check(made: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Return the largest differences between melfeat's and librosa's results, relative to the largest value."""
    errors = {}
    for ours in [name for name in made if name.startswith("melfeat")]:
        theirs = ours.replace("melfeat", "librosa").replace(", two threads", "")
        if theirs not in made:
            continue
        pairs = zip(made[ours](), made[theirs](), strict=True)
        errors[ours] = max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in pairs)
        if errors[ours] > 1e-5:
            raise SystemExit(f"{ours}: differs from {theirs} by {errors[ours]:.1e} of the largest value")
    return errors


def measure(paths: list[Path], rounds: int) -> dict[str, Any]:
    """Check and time all contenders on some files."""
    made = contenders(paths)
    errors = check(made)
    rows = harness.summary(harness.interleaved(made, rounds=rounds), "melfeat")
    for name, row in rows.items():
        row["ms"] /= len(paths)
        row["ms_quartiles"] = [q / len(paths) for q in row["ms_quartiles"]]
        if name in errors:
            row["difference"] = errors[name]
    for name in ("librosa", "librosa, load only", "librosa, kaiser_fast", "melfeat, kaiser_fast"):
        rows.setdefault(name, {"absent": "librosa or resampy is not installed (pip install librosa==0.11.0 resampy)"})
    return rows


def main() -> None:
    options = harness.parser(__doc__, "load.json").parse_args()
    rates = {}
    for sr in (44100, 48000):
        with tempfile.TemporaryDirectory(prefix="melfeat-bench-") as folder:
            rows = measure(write_files(Path(folder), sr), 5 if options.quick else 21)
        targets = []
        for peer, at_least, aim in (("librosa", 6, 9), ("librosa, kaiser_fast", 20, 30)):
            ratio = rows[peer].get("ratio")
            targets.append({"against": [peer], "fastest": peer, "at_least": at_least, "aim": aim, "ratio": ratio})
        rates[str(sr)] = {"rows": rows, "targets": targets}
        print(f"{sr} Hz")
        for name, row in rows.items():
            text = f"absent: {row['absent']}" if "absent" in row else f"{row['ms']:8.3f} ms  {row['ratio']:6.2f}x"
            print(f"  {name:24} {text}")
    harness.store(options.json, "load", options.quick, {"rates": rates})


if __name__ == "__main__":
    main()
