"""`melfeat demo`, `melfeat warmup` and `melfeat doctor`: is this installation well, and is it fast already?"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

from ._common import CannotRunError, Exit, print_json, say

__all__ = ["add_demo", "add_doctor", "add_warmup", "doctor_report"]

_REQUIRED = ("numpy", "scipy", "numba", "llvmlite", "soundfile", "soxr")
_EXTRAS = {
    "display": "matplotlib",
    "resampy": "resampy",
    "samplerate": "samplerate",
    "parquet": "pyarrow",
    "hdf5": "h5py",
    "dask": "distributed",
    "progress": "tqdm",
}
# Of the CPU's features, those that change how fast the kernels are; --json has them all.
_FEATURES = {"sse2", "sse4.2", "avx", "avx2", "fma", "avx512f", "avx512dq", "avx512vl", "neon", "sve", "asimd"}
_VARIABLES = ("NUMBA_", "MELFEAT_", "OMP_NUM_THREADS", "XDG_CACHE_HOME")


def add_demo(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `melfeat demo`."""
    parser.add_argument("-o", "--out", metavar="DIR", help="folder for the picture (the current one)")
    parser.set_defaults(run=_demo)


def add_warmup(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `melfeat warmup`."""
    parser.add_argument("--dtype", choices=("float32", "float64", "all"), default="all", help="of the signals (all)")
    parser.add_argument("--check", action="store_true", help="then prove in a fresh process that nothing is compiled")
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


def _warmup(args: argparse.Namespace) -> int:
    from ..kernels import _jit
    from ._exercise import DTYPES, check_in_fresh_process, count_kernels, exercise

    if _jit.JIT_DISABLED:
        raise CannotRunError("NUMBA_DISABLE_JIT is set: nothing is compiled, and everything is slow; unset it")
    dtypes = list(DTYPES) if args.dtype == "all" else [args.dtype]
    start = time.perf_counter()
    for dtype in dtypes:
        exercise(dtype)
    seconds = time.perf_counter() - start
    by_kernel, cached = count_kernels()
    compiled = sum(by_kernel.values())
    folder = _jit.writable_cache_folder()
    report: dict[str, Any] = {
        "dtype": args.dtype,
        "seconds": round(seconds, 3),
        "compiled": compiled,
        "from_cache": cached,
        "cache": None if folder is None else str(folder),
    }
    lost = bool(compiled) and folder is None
    if args.check and not lost:
        start = time.perf_counter()
        report["check"] = check_in_fresh_process(dtypes)
        report["check"]["seconds"] = round(time.perf_counter() - start, 3)
    if args.json:
        print_json(report)
    else:
        print(f"{compiled} kernels compiled, {cached} read from the cache, in {seconds:.2f} s ({args.dtype})")
        print(f"cache: {'not writable' if folder is None else folder}")
    if lost:
        raise CannotRunError(
            "no cache folder can be written, so every process compiles again; set MELFEAT_CACHE_DIR to one that can"
        )
    return _verdict(report["check"], args.json) if args.check else Exit.OK


def _verdict(check: dict[str, Any], quiet: bool) -> int:
    if check["compiled"]:
        culprits = "; ".join(f"{call}: {', '.join(kernels)}" for call, kernels in list(check["calls"].items())[:3])
        say(
            f"check: a fresh process still compiled {check['compiled']} kernels ({culprits}); is the cache folder "
            "full, or does something else empty it? See melfeat doctor"
        )
        return Exit.SOME_FAILED
    if not quiet:
        print(f"check: a fresh process compiled nothing: {check['from_cache']} kernels, all read from the cache")
    return Exit.OK


def _version(package: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None


def doctor_report() -> dict[str, Any]:
    """Return everything that `melfeat doctor` says; ``problems`` is empty if all is well."""
    from .. import __version__
    from ..errors import ParameterError
    from ..workers import cpu_quota, get_num_threads

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
            "used": None,
        },
        "cache": {},
        "environment": {name: os.environ[name] for name in sorted(os.environ) if name.startswith(_VARIABLES)},
        "problems": problems,
    }
    try:
        report["threads"]["used"] = get_num_threads()
    except ParameterError as error:
        problems.append(str(error))
    try:
        from ..kernels import _jit

        report["cpu"] = _jit.cpu_info()
        folder = _jit.writable_cache_folder()
        kernels, foreign = _jit.cached_kernels()
        report["cache"] = {
            "writable": None if folder is None else str(folder),
            "searched": [str(each) for each in _jit.cache_folders()],
            "kernels": kernels,
            "other_cpus": foreign,
        }
        if folder is None and not kernels:
            whose = ", and the kernels there are for another processor" if foreign else ""
            problems.append(
                f"no cache folder can be written{whose}, so every process compiles again: set MELFEAT_CACHE_DIR to a "
                "folder that can be written, or run melfeat warmup where the image is built"
            )
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
