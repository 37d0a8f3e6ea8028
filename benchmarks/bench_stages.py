"""Show where the time of an MFCC goes, and how near each stage is to what this machine can do.

    python benchmarks/bench_stages.py [--quick] [--json OUT]

Three measurements meet here:

* time of each stage over all lane blocks of 30 s, each alone in a loop; and of the whole call, for what is left;
* operations and bytes of each stage, counted by running the very kernels interpreted on one block, with lane vectors
  that count (in a child process with ``NUMBA_DISABLE_JIT=1``);
* the machine's ceilings, from small kernels of the same vector type: fused multiply-adds, separate additions and
  multiplications, loads and stores in the first and the second cache.

The bound of a stage is the largest of: its arithmetic at full rate, its loads, its stores. Loads and stores count at
the first cache's rate, the stores of the columns at the second's if the transform's scratch does not fit the first; a
scalar that is broadcast occupies a load port like 32 bytes. Shuffles, integer operations, the slowness of divisions
(each counted as one operation) and address arithmetic are not in the bound.
"""

from __future__ import annotations

import harness  # isort: skip

import importlib
import json
import os
import pkgutil
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from peers import signal

CASES = {
    "default": {"sr": 22050, "n_fft": 2048, "hop": 512, "n_mels": 128, "n_mfcc": 20, "dtype": "float32"},
    "speech": {"sr": 16000, "n_fft": 512, "hop": 160, "n_mels": 40, "n_mfcc": 13, "dtype": "float32"},
    "float64": {"sr": 22050, "n_fft": 2048, "hop": 512, "n_mels": 128, "n_mfcc": 20, "dtype": "float64"},
}

STAGES = ("columns", "rows", "bank", "decibels", "cosines")


def make_plan(case: dict[str, Any]) -> Any:
    """Return melfeat's plan for a case."""
    from melfeat.config import Config
    from melfeat.plan import plan
    from melfeat.stages import Cepstrum, Compression, Filterbank, Framing

    config = Config(
        case["sr"],
        framing=Framing(case["n_fft"], case["hop"]),
        filterbank=Filterbank(case["n_mels"]),
        compression=Compression(),
        cepstrum=Cepstrum(case["n_mfcc"]),
    )
    return plan(config, np.dtype(case["dtype"]))


# ---------------------------------------------------------------------------------------------------------------------
# Counting, in a child process without the JIT
# ---------------------------------------------------------------------------------------------------------------------


class Counted(np.ndarray):
    """A lane vector that counts the vector operations done with it."""

    counts: ClassVar[Counter] = Counter()
    stage = "driver"

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        plain = [np.asarray(value) if isinstance(value, Counted) else value for value in inputs]
        result = getattr(ufunc, method)(*plain, **options)
        if ufunc in (np.add, np.subtract, np.multiply, np.divide, np.maximum, np.sqrt):
            Counted.note("ops")
        if isinstance(result, tuple):
            return tuple(part.view(Counted) for part in result)
        return result.view(Counted) if isinstance(result, np.ndarray) else result

    @classmethod
    def note(cls, what: str, amount: int = 1) -> None:
        """Count for the present stage."""
        cls.counts[cls.stage, what] += amount


def _counting_words(simd: Any) -> dict[str, Callable[..., Any]]:
    """Return the vocabulary of codelets with counters."""

    def load(array: Any, index: Any) -> Any:
        result = simd_load(array, index).view(Counted)
        Counted.note("load_bytes", result.nbytes)
        return result

    def store(array: Any, index: Any, value: Any) -> None:
        Counted.note("store_bytes", LANES[array.dtype.name] * array.dtype.itemsize)
        simd_store(array, index, np.asarray(value))

    def splat(array: Any, index: Any, *, constant: bool = False) -> Any:
        Counted.note("scalar_loads", not constant)  # a constant is read once, before the loop
        return simd_splat(array, index).view(Counted)

    def zero(array: Any, value: float = 0.0) -> Any:
        return simd_zero(array, value).view(Counted)

    def fma(a: Any, b: Any, c: Any) -> Any:
        before = Counted.counts[Counted.stage, "ops"]
        result = a * b + c
        Counted.counts[Counted.stage, "ops"] = before
        Counted.note("fmas")
        return result

    def select_less(a: Any, b: Any, if_less: Any, otherwise: Any) -> Any:
        return simd_select(np.asarray(a), b, if_less, otherwise).view(Counted)

    def load_tile(array: Any, index: Any, stride: Any, weights: Any, at: Any) -> list[Any]:
        tile = [lane.view(Counted) for lane in simd_tile(array, index, stride, weights, at)]
        Counted.note("load_bytes", (len(tile[0]) + 1) * 4 * tile[0].itemsize)
        Counted.note("ops", 4)
        return tile

    def raw(array: np.ndarray) -> np.ndarray:
        return array.reshape(-1)

    def part(array: np.ndarray, offset: int) -> np.ndarray:
        return array.reshape(-1)[offset:]

    LANES = simd.LANES
    simd_load, simd_store, simd_splat, simd_zero = simd.load, simd.store, simd.splat, simd.zero
    simd_select, simd_tile = simd.select_less, simd.load_tile
    words = (load, store, splat, zero, fma, select_less, load_tile, raw, part)
    return {word.__name__: word for word in words}


def count(case: dict[str, Any]) -> dict[str, dict[str, int]]:
    """Return per stage the vector operations and bytes of one lane block; needs ``NUMBA_DISABLE_JIT=1``."""
    import melfeat
    from melfeat.kernels import _jit, _lanes, blocks

    y = signal(2, case["sr"], case["dtype"])
    from melfeat import kernels

    for info in pkgutil.iter_modules(kernels.__path__, "melfeat.kernels."):
        importlib.import_module(info.name)
    words = _counting_words(_lanes)
    for name, module in list(sys.modules.items()):
        if name.startswith("melfeat.kernels."):
            for word, function in words.items():
                if hasattr(module, word):
                    setattr(module, word, function)

    def staged(function: Callable[..., Any], stage: str) -> Callable[..., Any]:
        def run(*args: Any) -> Any:
            outer, Counted.stage = Counted.stage, stage
            try:
                return function(*args)
            finally:
                Counted.stage = outer

        return run

    for name, entry in _jit.KERNELS.items():
        short = name.rpartition(".")[2]
        if isinstance(entry, _jit.Entry):
            stage = "columns" if short.startswith("_columns") else "rows"
            if stage == "columns" or short.startswith(("_power", "_spectrum")):
                entry.func = staged(entry.func, stage)
    for name, stage in (("apply_bank", "bank"), ("block_levels", "decibels"), ("block_cosines", "cosines")):
        setattr(blocks, name, staged(getattr(blocks, name), stage))

    # One whole block of interior frames more: what it adds is what a block costs.
    totals = []
    for n_blocks in (2, 3):
        lanes = _lanes.LANES[case["dtype"]]
        n = case["n_fft"] + (n_blocks * lanes - 1) * case["hop"] + 8
        Counted.counts.clear()
        melfeat.mfcc(
            y[:n], case["sr"], n_fft=case["n_fft"], hop_length=case["hop"], n_mels=case["n_mels"],
            n_mfcc=case["n_mfcc"], center=False,
        )  # fmt: skip
        totals.append(Counter(Counted.counts))
    added = {key: totals[1][key] - totals[0][key] for key in totals[1]}
    kinds = ("ops", "fmas", "load_bytes", "store_bytes", "scalar_loads")
    found = {stage: {what: added.get((stage, what), 0) for what in kinds} for stage in (*STAGES, "driver")}
    return {**found, "lanes": {"lanes": _lanes.LANES[case["dtype"]]}}


def counted(name: str) -> dict[str, dict[str, int]] | None:
    """Return `count` of a case from a child process without the JIT, or None if the kernels cannot be counted."""
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    command = [sys.executable, __file__, "--count", name]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        print("  counting failed:", done.stderr.strip().splitlines()[-1])
        return None
    return dict(json.loads(done.stdout))


# ---------------------------------------------------------------------------------------------------------------------
# Ceilings
# ---------------------------------------------------------------------------------------------------------------------


def ceilings(dtype: str, rounds: int) -> dict[str, float]:
    """Return the vector instructions and bytes per second that small kernels reach."""
    import numba

    from melfeat.kernels._lanes import LANES, fma, load, store
    from melfeat.kernels._simd import codelet, raw

    @codelet(returns=12)
    def all_fma(work, m, s, a, b, c, d, e, f, g, h, i, j, k, n):  # type: ignore[no-untyped-def]
        return tuple(fma(x, m, s) for x in (a, b, c, d, e, f, g, h, i, j, k, n))

    @codelet(returns=12)
    def half_half(work, m, s, a, b, c, d, e, f, g, h, i, j, k, n):  # type: ignore[no-untyped-def]
        return tuple(x * m if at % 2 else x + s for at, x in enumerate((a, b, c, d, e, f, g, h, i, j, k, n)))

    @codelet(returns=1)
    def get(work, at):  # type: ignore[no-untyped-def]
        return load(work, at)

    @codelet()
    def put(work, at, lane):  # type: ignore[no-untyped-def]
        store(work, at, lane)

    lanes, itemsize = LANES[dtype], np.dtype(dtype).itemsize

    @codelet(returns=8)
    def load8(work, at, a, b, c, d, e, f, g, h):  # type: ignore[no-untyped-def]
        return tuple(x + load(work, at + i * lanes) for i, x in enumerate((a, b, c, d, e, f, g, h)))

    @codelet()
    def store8(work, at, a):  # type: ignore[no-untyped-def]
        for i in range(8):
            store(work, at + i * lanes, a)

    jit = numba.njit(nogil=True, error_model="numpy")

    @jit
    def run_fma(work, times):  # type: ignore[no-untyped-def]
        p = raw(work)
        m, s = get(p, 0), get(p, lanes)
        a = b = c = d = e = f = g = h = i = j = k = n = get(p, 2 * lanes)
        for _ in range(times):
            a, b, c, d, e, f, g, h, i, j, k, n = all_fma(p, m, s, a, b, c, d, e, f, g, h, i, j, k, n)
        for at, x in enumerate((a, b, c, d, e, f, g, h, i, j, k, n)):
            put(p, (3 + at) * lanes, x)

    @jit
    def run_half(work, times):  # type: ignore[no-untyped-def]
        p = raw(work)
        m, s = get(p, 0), get(p, lanes)
        a = b = c = d = e = f = g = h = i = j = k = n = get(p, 2 * lanes)
        for _ in range(times):
            a, b, c, d, e, f, g, h, i, j, k, n = half_half(p, m, s, a, b, c, d, e, f, g, h, i, j, k, n)
        for at, x in enumerate((a, b, c, d, e, f, g, h, i, j, k, n)):
            put(p, (3 + at) * lanes, x)

    @jit
    def run_load(work, size, times):  # type: ignore[no-untyped-def]
        p = raw(work)
        a = b = c = d = e = f = g = h = get(p, 0)
        for _ in range(times):
            for at in range(0, size, 8 * lanes):
                a, b, c, d, e, f, g, h = load8(p, at, a, b, c, d, e, f, g, h)
        for at, x in enumerate((a, b, c, d, e, f, g, h)):
            put(p, at * lanes, x)

    @jit
    def run_store(work, size, times):  # type: ignore[no-untyped-def]
        p = raw(work)
        a = get(p, 0)
        for _ in range(times):
            for at in range(0, size, 8 * lanes):
                store8(p, at, a)

    raw_memory = np.zeros((1 << 20) + 64, dtype=np.uint8)
    start = -raw_memory.ctypes.data % 64
    work = raw_memory[start : start + (1 << 20)].view(dtype)
    small, large = 16384 // itemsize, 262144 // itemsize
    # Instructions or bytes of each run; about a millisecond each.
    loops = 200_000
    runs = {
        "fma": (lambda: run_fma(work, loops), 12 * loops),
        "add_mul": (lambda: run_half(work, loops), 12 * loops),
        "load_l1": (lambda: run_load(work, small, 4000), 16384 * 4000),
        "load_l2": (lambda: run_load(work, large, 200), 262144 * 200),
        "store_l1": (lambda: run_store(work, small, 3000), 16384 * 3000),
        "store_l2": (lambda: run_store(work, large, 150), 262144 * 150),
    }
    times = harness.interleaved({name: run for name, (run, _) in runs.items()}, rounds=rounds)
    # A ceiling is what the machine can do: the best of all rounds, not their middle.
    return {name: amount / min(times[name]) for name, (_, amount) in runs.items()}


# ---------------------------------------------------------------------------------------------------------------------
# Times
# ---------------------------------------------------------------------------------------------------------------------


def stage_runs(case: dict[str, Any]) -> tuple[dict[str, Callable[[], object]], int, Any]:
    """Return a loop over all lane blocks for each stage, the number of blocks, and the plan."""
    import numba

    from melfeat import pipeline
    from melfeat.kernels._simd import invoke7, invoke8, part, peek, raw
    from melfeat.kernels.blocks import DATA, INTS
    from melfeat.kernels.cepstrum import block_cosines
    from melfeat.kernels.compress import block_levels
    from melfeat.kernels.filterbank import apply_bank

    jit = numba.njit(nogil=True, error_model="numpy")

    @jit
    def columns(y, data, ints, places, work, n_blocks, step):  # type: ignore[no-untyped-def]
        window, table, spec = part(data, places[0]), part(data, places[1]), part(ints, places[2])
        for block in range(n_blocks):
            start = block * step * places[3]
            invoke7(peek(spec, 8), raw(y), window, spec, table, raw(work), start, places[3])

    @jit
    def transform(y, data, ints, places, work, n_blocks, step, address, at):  # type: ignore[no-untyped-def]
        window, table, spec = part(data, places[0]), part(data, places[1]), part(ints, places[2])
        for block in range(n_blocks):
            start = block * step * places[3]
            invoke8(address, raw(y), window, spec, table, raw(work), start, places[3], at)

    @jit
    def bank(work, at, bands, n_bands, weights, out, n_blocks, step):  # type: ignore[no-untyped-def]
        for _ in range(n_blocks):
            apply_bank(raw(work), at, step, raw(bands), n_bands, raw(weights), out)

    @jit
    def levels(work, at, n_bands, data, peaks, n_blocks, step):  # type: ignore[no-untyped-def]
        for _ in range(n_blocks):
            # The logarithm of a logarithm would soon be of nothing: start from the same power each time.
            for i in range(n_bands * step):
                work[at + i] = 0.5
            block_levels(raw(work), at, n_bands, step, raw(data), 1, raw(work), at, raw(peaks), 0)

    @jit
    def refill(work, at, n_bands, n_blocks, step):  # type: ignore[no-untyped-def]
        for _ in range(n_blocks):
            for i in range(n_bands * step):
                work[at + i] = 0.5

    @jit
    def cosines(work, n_bands, matrix, n_groups, out, n_blocks, step):  # type: ignore[no-untyped-def]
        for _ in range(n_blocks):
            block_cosines(raw(work), step, raw(work), step, n_bands, step, 0, raw(matrix), n_groups, out)

    plan = make_plan(case)
    dtype, step, hop, n_bands = np.dtype(case["dtype"]), plan.lanes, case["hop"], case["n_mels"]
    y = signal(30, case["sr"], case["dtype"])
    n_frames = 1 + y.size // hop
    at = dict(zip(INTS, plan.ints.tolist(), strict=False))
    places = np.array([at["at_window"], at["at_table"], at["at_spec"], hop])
    # As many blocks as fit into the signal without its edges; the few at the edges are left to the whole call.
    n_blocks = (y.size - case["n_fft"] - 8) // hop // step
    size = plan.work + 64 * step
    memory = np.zeros(size * dtype.itemsize + 64, dtype=np.uint8)
    start = -memory.ctypes.data % 64
    work = memory[start:][: size * dtype.itemsize].view(dtype)
    work[:] = 0.5
    floors, peaks = plan.data[DATA.index("levels") :].copy(), np.zeros(64, dtype=dtype)
    out = (n_bands + 2) * step
    fixed = (y, plan.data, plan.ints, places, work, n_blocks, step)
    runs: dict[str, Callable[[], object]] = {
        "columns": lambda: columns(*fixed),
        "transform": lambda: transform(*fixed, at["transform"], at["at_power"]),
        "bank": lambda: bank(
            work, at["at_power"], plan.bank.bands, n_bands, plan.bank.weights, at["at_bands"], n_blocks, step
        ),
        "decibels": lambda: levels(work, at["at_bands"], n_bands, floors, peaks, n_blocks, step),
        "refill": lambda: refill(work, at["at_bands"], n_bands, n_blocks, step),
        "cosines": lambda: cosines(work, n_bands, plan.cosines.matrix, plan.cosines.n_groups, out, n_blocks, step),
        "mfcc": lambda: pipeline.features(pipeline.clips_of_channels(y[None], n_frames), plan),
    }
    return runs, n_blocks, plan


def measure(name: str, rounds: int) -> dict[str, Any]:
    """Return times, counts, ceilings and shares of a case."""
    case = CASES[name]
    runs, n_blocks, plan = stage_runs(case)
    times = {key: 1e3 * statistics.median(value) for key, value in harness.interleaved(runs, rounds=rounds).items()}
    peak = ceilings(case["dtype"], rounds)
    amounts = counted(name)
    scratch = plan.fft.work_vectors() * plan.lanes * np.dtype(case["dtype"]).itemsize
    stage_ms = {
        "columns": times["columns"],
        "rows": times["transform"] - times["columns"],
        "bank": times["bank"],
        "decibels": times["decibels"] - times["refill"],
        "cosines": times["cosines"],
    }
    rows = {}
    for stage, ms in stage_ms.items():
        rows[stage] = {"ms": ms}
        if amounts:
            far = stage == "columns" and scratch > 32768
            # Interpreted vectors may be shorter than compiled ones: as many operations, fewer bytes.
            wider = plan.lanes // amounts["lanes"]["lanes"]
            rows[stage].update(_bound(amounts[stage], n_blocks, plan.lanes, wider, peak, ms, far))
    whole = times["mfcc"]
    rest = whole - sum(stage_ms.values())
    return {
        "case": case,
        "blocks": n_blocks,
        "lanes": plan.lanes,
        "scratch_kb": scratch / 1024,
        "fft": {"columns": plan.fft.columns, "rows": plan.fft.rows, "radices": list(plan.fft.radices)},
        "ceilings": peak,
        "stages": rows,
        "whole_ms": whole,
        "rest_ms": rest,
    }


def _bound(
    amounts: dict[str, int], n_blocks: int, lanes: int, wider: int, peak: dict[str, float], ms: float, far: bool
) -> dict[str, Any]:
    """Return the totals of a stage, the least time they need and what of the measured time that is."""
    arithmetic = amounts["fmas"] / peak["fma"] + amounts["ops"] / peak["add_mul"]
    load_bytes, store_bytes = amounts["load_bytes"] * wider, amounts["store_bytes"] * wider
    loads = (load_bytes + 32 * amounts["scalar_loads"]) / peak["load_l1"]
    stores = store_bytes / peak["store_l2" if far else "store_l1"]
    parts = {"arithmetic": arithmetic, "loads": loads, "stores": stores}
    limit = max(parts, key=lambda part: parts[part])
    bounds = {f"{part}_ms": 1e3 * n_blocks * value for part, value in parts.items()}
    return {
        "mflop": 1e-6 * n_blocks * lanes * (2 * amounts["fmas"] + amounts["ops"]),
        "fma_share": amounts["fmas"] / max(1, amounts["fmas"] + amounts["ops"]),
        "load_mb": 1e-6 * n_blocks * load_bytes,
        "store_mb": 1e-6 * n_blocks * store_bytes,
        **bounds,
        "limit": limit,
        "share": bounds[f"{limit}_ms"] / ms,
    }


def main() -> None:
    if sys.argv[1:2] == ["--count"]:
        print(json.dumps(count(CASES[sys.argv[2]])))
        return
    options = harness.parser(__doc__, "stages.json").parse_args()
    results = {}
    for name in CASES:
        results[name] = result = measure(name, 7 if options.quick else 31)
        peak = result["ceilings"]
        print(
            f"{name}: {result['lanes']} lanes, Gflop/s fma {peak['fma'] * result['lanes'] * 2e-9:.0f}, add/mul "
            f"{peak['add_mul'] * result['lanes'] * 1e-9:.0f}, GB/s load "
            f"{peak['load_l1'] / 1e9:.0f} / {peak['load_l2'] / 1e9:.0f}, store {peak['store_l1'] / 1e9:.0f} / "
            f"{peak['store_l2'] / 1e9:.0f} (first / second cache)"
        )
        for stage, row in result["stages"].items():
            text = f"  {stage:9} {row['ms']:6.3f} ms"
            if "share" in row:
                text += f"  {row['mflop']:6.1f} Mflop  load {row['load_mb']:5.1f} MB  store {row['store_mb']:5.1f} MB"
                text += f"  bound {row[row['limit'] + '_ms']:.3f} ms ({row['limit']}): {row['share']:.0%}"
            print(text)
        print(f"  rest      {result['rest_ms']:6.3f} ms of {result['whole_ms']:.3f} ms")
    harness.store(options.json, "stages", options.quick, {"cases": results})


if __name__ == "__main__":
    main()
