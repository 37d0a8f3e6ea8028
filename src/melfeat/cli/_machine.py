"""`melfeat demo`, `melfeat warmup` and `melfeat doctor`: is this installation well, and is it fast already?"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ._common import CannotRunError, Exit, print_json, say

__all__ = ["add_demo", "add_doctor", "add_warmup", "cpu_quota", "doctor_report"]

_REQUIRED = ("numpy", "scipy", "numba", "llvmlite", "soundfile", "soxr")
_EXTRAS = {"display": "matplotlib", "resampy": "resampy", "samplerate": "samplerate"}
# Of the CPU's features, those that change how fast the kernels are; --json has them all.
_FEATURES = {"sse2", "sse4.2", "avx", "avx2", "fma", "avx512f", "avx512dq", "avx512vl", "neon", "sve", "asimd"}
_VARIABLES = ("NUMBA_", "MELFEAT_", "OMP_NUM_THREADS", "XDG_CACHE_HOME")


def add_demo(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `melfeat demo`."""
    parser.add_argument("-o", "--out", metavar="DIR", help="folder for the picture (the current one)")
    parser.set_defaults(run=_demo)


def add_warmup(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `melfeat warmup`."""
    parser.add_argument("--dtype", choices=("float32", "float64", "all"), default="float32", help="(float32)")
    parser.add_argument("--check", action="store_true", help="exit with 1 if anything was still to be compiled")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.set_defaults(run=_warmup)


def add_doctor(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `melfeat doctor`."""
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.set_defaults(run=_doctor)


def _demo(args: argparse.Namespace) -> int:
    from ..demo import run_demo

    run_demo(args.out)
    return Exit.OK


def _exercise(dtype: str) -> None:
    """Run every kernel that `load`, `mfcc` and their options can reach, on short signals."""
    from io import BytesIO

    import numpy as np
    import soundfile

    from .. import demo, feature, io, spectrum
    from ..kernels._jit import KERNELS, Entry

    y, sr = io.load(demo.demo_path(), dtype=dtype)
    short = y[:8192]
    both = np.stack([short, short[::-1]])
    for subtype in ("PCM_16", "PCM_24"):
        file = BytesIO()
        soundfile.write(file, both.T, int(sr), format="WAV", subtype=subtype)
        for mono in (True, False):
            io.load(BytesIO(file.getvalue()), mono=mono, dtype=dtype)

    feature.delta(feature.mfcc(y, sr))
    feature.mfcc(S=spectrum.power_to_db(feature.melspectrogram(both, sr)))
    feature.melspectrogram(S=np.abs(spectrum.stft(both)) ** 2, sr=sr)
    for options in (
        {"power": 1.0},
        {"power": 1.5, "lifter": 22, "top_db": None},
        {"n_fft": 512, "hop_length": 160, "win_length": 400, "n_mels": 40, "pad_mode": "reflect"},
        {"n_fft": 1200, "center": False, "htk": True, "mel_norm": None, "dct_type": 3, "norm": None},
        {"n_fft": 1001, "n_mels": 40},
        {"n_fft": 2 * 1009, "n_mels": 40},
        {"n_fft": 1009, "n_mels": 40, "dct_type": 1},
    ):
        feature.mfcc(both, sr, **options)
    for kernel in KERNELS.values():
        if isinstance(kernel, Entry):  # the FFT's passes: which of them are needed depends on n_fft
            kernel.address(dtype)


def _counts() -> tuple[int, int]:
    """Return how many kernels have been compiled and how many were read from the cache, in this process."""
    from ..kernels._jit import KERNELS, Entry

    compiled = cached = 0
    for kernel in KERNELS.values():
        if isinstance(kernel, Entry):
            hits = sum(function.cache_hits for function in kernel.compiled.values())
            cached += hits
            compiled += len(kernel.compiled) - hits
        elif hasattr(kernel, "stats"):
            cached += sum(kernel.stats.cache_hits.values())
            compiled += sum(kernel.stats.cache_misses.values())
    return compiled, cached


def _warmup(args: argparse.Namespace) -> int:
    from ..kernels import _jit

    if _jit.JIT_DISABLED:
        raise CannotRunError("NUMBA_DISABLE_JIT is set: nothing is compiled, and everything is slow; unset it")
    start = time.perf_counter()
    for dtype in ("float32", "float64") if args.dtype == "all" else (args.dtype,):
        _exercise(dtype)
    seconds = time.perf_counter() - start
    compiled, cached = _counts()
    folder = _jit.writable_cache_folder()
    report = {
        "dtype": args.dtype,
        "seconds": round(seconds, 3),
        "compiled": compiled,
        "from_cache": cached,
        "cache": None if folder is None else str(folder),
    }
    if args.json:
        print_json(report)
    else:
        print(f"{compiled} kernels compiled, {cached} read from the cache, in {seconds:.2f} s ({args.dtype})")
        print(f"cache: {'none' if folder is None else folder}")
    if compiled and folder is None:
        raise CannotRunError(
            "no cache folder can be written, so every process compiles again; set MELFEAT_CACHE_DIR to one that can"
        )
    if args.check and compiled:
        say(f"check: {compiled} kernels were still to be compiled")
        return Exit.SOME_FAILED
    return Exit.OK


def _quota_from(read: Callable[[str], str]) -> float | None:
    try:
        group = next(
            line.split(":", 2)[2].strip() for line in read("/proc/self/cgroup").splitlines() if line[:1] == "0"
        )
    except (OSError, StopIteration, IndexError):
        group = "/"
    quotas = []
    here = Path("/sys/fs/cgroup") / group.lstrip("/")
    for folder in (here, *here.parents):
        if "cgroup" not in folder.parts:
            break
        try:
            quota, period = read(str(folder / "cpu.max")).split()
            quotas.append(int(quota) / int(period))
        except (OSError, ValueError):
            continue  # no limit here ("max"), or version 1
    try:
        quota_us = int(read("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"))
        if quota_us > 0:
            quotas.append(quota_us / int(read("/sys/fs/cgroup/cpu/cpu.cfs_period_us")))
    except (OSError, ValueError):
        pass
    return min(quotas, default=None)


def cpu_quota(read: Callable[[str], str] = lambda path: Path(path).read_text()) -> float | None:
    """Return how many CPUs the container may use (cgroup version 1 or 2), or None without a limit."""
    return _quota_from(read) if sys.platform == "linux" else None


def _version(package: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None


def doctor_report() -> dict[str, Any]:
    """Return everything that `melfeat doctor` says; ``problems`` is empty if all is well."""
    from .. import __version__

    problems: list[str] = []
    versions: dict[str, str | None] = {"melfeat": __version__, "python": platform.python_version()}
    for package in _REQUIRED:
        versions[package] = _version(package)
        if versions[package] is None:
            problems.append(f"{package} is not installed: pip install --force-reinstall melfeat")
    try:
        import soundfile

        versions["libsndfile"] = soundfile.__libsndfile_version__
    except (ImportError, OSError) as error:
        versions["libsndfile"] = None
        problems.append(f"soundfile does not work, no file can be read: {error}")

    report: dict[str, Any] = {
        "versions": versions,
        "platform": {
            "system": platform.platform(),
            "executable": sys.executable,
            "package": str(Path(__file__).parents[1]),
        },
        "extras": {extra: _version(package) for extra, package in _EXTRAS.items()},
        "cpu": {},
        "threads": {
            "cpus": os.cpu_count(),
            "affinity": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
            "quota": cpu_quota(),
        },
        "cache": {},
        "environment": {name: os.environ[name] for name in sorted(os.environ) if name.startswith(_VARIABLES)},
        "problems": problems,
    }
    try:
        from ..kernels import _jit

        report["cpu"] = _jit.cpu_info()
        folder = _jit.writable_cache_folder()
        report["cache"] = {
            "writable": None if folder is None else str(folder),
            "searched": [str(each) for each in _jit.cache_folders()],
            "kernels": sum(1 for each in _jit.cache_folders() for _ in each.glob("*.kernel")),
        }
        if folder is None:
            problems.append("no cache folder can be written, so every process compiles again: set MELFEAT_CACHE_DIR")
        if _jit.JIT_DISABLED:
            problems.append("NUMBA_DISABLE_JIT is set: everything works and is very slow")
    except Exception as error:  # a doctor must not faint
        problems.append(f"numba does not work here: {type(error).__name__}: {error}")
    return report


def _print_section(title: str, facts: dict[str, Any]) -> None:
    print(f"{title}:")
    if not facts:
        print("  (none)")
    for name, value in facts.items():
        if isinstance(value, list):
            value = " ".join(map(str, value))
        print(f"  {name:<12} {'-' if value is None else value}")


def _doctor(args: argparse.Namespace) -> int:
    report = doctor_report()
    if args.json:
        print_json(report)
    else:
        told = (feature for feature in report["cpu"].get("features", ()) if feature in _FEATURES)
        report["cpu"] = {**report["cpu"], "features": list(told)}
        for title in ("versions", "platform", "extras", "cpu", "threads", "cache", "environment"):
            _print_section(title, report[title])
        print(f"problems: {'none' if not report['problems'] else ''}".rstrip())
        for problem in report["problems"]:
            print(f"  {problem}")
    return Exit.SOME_FAILED if report["problems"] else Exit.OK
