"""Ask which differences between two machines change a bit of a result, by making them on this one.

    python scripts/same_bits.py            # a table: what was changed, how many calls gave other bits, by how much

The calls are those of `melfeat warmup`: every public function that computes, every preset, float32 and float64. Each
row is a process of its own that believes to be on another processor, or has another C library or NumPy, as far as
environment variables can make it believe so. Errors are the largest over all results, relative to the largest value of
each.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

_NO_AVX512 = "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR X86_V4"
_GENERAL = {"NUMBA_CPU_FEATURES": "", "MELFEAT_VECTOR_BITS": "256"}

VARIATIONS: dict[str, dict[str, str]] = {
    "nothing": {},
    "one thread, four threads": {"MELFEAT_NUM_THREADS": "4"},
    "vectors of 256 bits": {"MELFEAT_VECTOR_BITS": "256"},
    "code for AVX2 (x86-64-v3)": {**_GENERAL, "NUMBA_CPU_NAME": "x86-64-v3"},
    "code for SSE4 (x86-64-v2), without FMA": {**_GENERAL, "NUMBA_CPU_NAME": "x86-64-v2"},
    "NumPy without AVX-512": {"NPY_DISABLE_CPU_FEATURES": _NO_AVX512},
    "NumPy without AVX2 and FMA": {"NPY_DISABLE_CPU_FEATURES": f"{_NO_AVX512} AVX2 FMA3 X86_V3"},
    "C library without FMA": {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4,-AVX512F"},
    "soxr without SIMD": {"SOXR_USE_SIMD": "0", "SOXR_USE_SIMD32": "0", "SOXR_USE_SIMD64": "0"},
    "no compiler (NUMBA_DISABLE_JIT=1)": {"NUMBA_DISABLE_JIT": "1"},
}


def arrays_of(result: Any) -> Iterator[np.ndarray]:
    if isinstance(result, list | tuple):
        for part in result:
            yield from arrays_of(part)
    elif isinstance(result, np.ndarray | np.generic):
        yield np.asarray(result)


def compute(path: str) -> None:
    """Make every call and save the results: the task of a child."""
    from melfeat import workers
    from melfeat.cli._exercise import DTYPES, calls

    workers._WORTH = 1 << 12  # so that threads are used
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for dtype in DTYPES:
            for i, (name, call) in enumerate(calls(dtype)):
                for j, array in enumerate(arrays_of(call())):
                    found[f"{name} ({dtype}) {i}.{j}"] = array
    np.savez(path, **{name.replace("/", "_"): array for name, array in found.items()})


def run(changes: dict[str, str], path: Path) -> dict[str, np.ndarray]:
    environment = {**os.environ, "MELFEAT_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore", **changes}
    subprocess.run([sys.executable, __file__, "--compute", str(path)], env=environment, check=True)
    with np.load(path) as archive:
        return {name: archive[name] for name in archive}


def compared(got: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> tuple[list[str], float]:
    """Return the names of what differs, and the largest error."""
    differ, worst = [], 0.0
    for name, array in expected.items():
        other = got[name]
        if other.dtype == array.dtype and other.tobytes() == array.tobytes():
            continue
        differ.append(name)
        if other.shape == array.shape and array.size:
            scale = float(np.abs(array.astype(complex)).max()) or 1.0
            worst = max(worst, float(np.abs(other.astype(complex) - array.astype(complex)).max()) / scale)
    return differ, worst


def of_dtype(results: dict[str, np.ndarray], dtype: str) -> dict[str, np.ndarray]:
    return {name: array for name, array in results.items() if f"({dtype})" in name}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compute", help=argparse.SUPPRESS)
    parser.add_argument("--names", action="store_true", help="name the calls that differ")
    parser.add_argument("--skip-interpreted", action="store_true", help="leave out the last row, which takes minutes")
    args = parser.parse_args()
    if args.compute:
        compute(args.compute)
        return
    variations = dict(list(VARIATIONS.items())[: -1 if args.skip_interpreted else None])
    with tempfile.TemporaryDirectory() as folder:
        expected = run({}, Path(folder, "expected.npz"))
        print(f"{len(expected)} results; in each row: how many differ, and the error, in float32 and in float64")
        for name, changes in variations.items():
            got = run(changes, Path(folder, "got.npz"))
            found = [compared(of_dtype(got, dtype), of_dtype(expected, dtype)) for dtype in ("float32", "float64")]
            columns = "".join(f"{len(differ):5}  {worst:7.1e}" for differ, worst in found)
            print(f"{name:42}{columns}", flush=True)
            if args.names:
                for differ, _ in found:
                    for each in differ:
                        print(f"    {each}")


if __name__ == "__main__":
    main()
