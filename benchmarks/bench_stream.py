"""Time live audio: what a push of 10 ms costs, how many streams a core advances together, and that nothing grows.

    python benchmarks/bench_stream.py [--quick] [--json OUT]

Signals are 16 kHz float32, chunks 160 samples. What comes is first compared with the features of the whole signal, bit
by bit. Memory is looked at before and after a million pushes of one stream, the garbage collector being off: resident
size, blocks that Python holds, and what the collector finds when it runs afterwards.
"""

from __future__ import annotations

import harness  # isort: skip

import gc
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from bench_memory import resident

SR, CHUNK, N_STREAMS = 16000, 160, 1000

#: Presets and what more they do; the first two are the ones with a target.
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "kaldi-fbank": ("kaldi-fbank", {}),
    "kaldi-mfcc": ("kaldi-mfcc", {}),
    "kaldi-mfcc, deltas of two orders": ("kaldi-mfcc", {"delta_order": 2}),
    "kaldi-mfcc, sliding mean of 3 s": ("kaldi-mfcc", {"cmn": "sliding_mean", "cmn_window": 300}),
}
N_WITH_TARGET = 2


def noise(n_rows: int, seconds: float, seed: int = 0) -> np.ndarray:
    """Return noise ``(n_rows, n)``."""
    return 0.1 * np.random.default_rng(seed).standard_normal((n_rows, int(seconds * SR)), dtype=np.float32)


def chunks_of(y: np.ndarray) -> list[np.ndarray]:
    """Return the chunks of ``(n_rows, n)``, each in memory of its own, as they come from a network."""
    return [np.ascontiguousarray(y[:, i : i + CHUNK]) for i in range(0, y.shape[1], CHUNK)]


def check(fx: Any) -> None:
    """Stop unless a stream, and streams of a pool that begin one after the other, give the bits of the whole signal."""
    y = noise(8, 5)
    with fx.stream() as stream:
        parts = [stream.push(chunk[0]) for chunk in chunks_of(y[:1])]
        same = np.array_equal(np.concatenate([*parts, stream.flush()], axis=1), fx(y[0]))
    pool, ids = fx.pool(), []
    found: list[list[np.ndarray]] = [[] for _ in y]
    for i, row in enumerate(y):
        ids.append(pool.open())
        found[i] += pool.push(ids[i : i + 1], row[np.newaxis, : 57 * i])
    for begin in range(0, y.shape[1], CHUNK):
        chunks = [row[57 * i :][begin : begin + CHUNK] for i, row in enumerate(y)]
        for own, frames in zip(found, pool.push(ids, chunks), strict=True):
            own.append(frames)
    for i, row in enumerate(y):
        same &= np.array_equal(np.concatenate([*found[i], pool.flush(ids[i])], axis=1), fx(row))
    if not same:
        raise SystemExit("the frames of a stream are not those of the whole signal")


def each(push: Callable[[int], object], count: int) -> np.ndarray:
    """Return the seconds of each of `count` calls, some calls after the first."""
    for i in range(min(count, 500)):
        push(i)
    seconds = np.empty(count)
    for i in range(count):
        start = time.perf_counter()
        push(i)
        seconds[i] = time.perf_counter() - start
    return seconds


def one_stream(fx: Any, count: int) -> dict[str, float]:
    """Return what a push of 10 ms to a stream costs [us]; the collector is on, as in a server."""
    chunks = [chunk[0] for chunk in chunks_of(noise(1, 10))]
    stream = fx.stream()
    seconds = each(lambda i: stream.push(chunks[i % len(chunks)]), count)
    return {"median_us": 1e6 * float(np.median(seconds)), "p99_us": 1e6 * float(np.quantile(seconds, 0.99))}


def many_streams(fx: Any, count: int, pad: bool) -> dict[str, float]:
    """Return what 10 ms of all streams of a pool cost [ms], and how many streams that is per core."""
    chunks = chunks_of(noise(N_STREAMS, 1))
    pool = fx.pool()
    ids = np.array([pool.open() for _ in range(N_STREAMS)])
    # They begin at different times: no two thirds of them are at the same place of a frame or of their slots.
    for part in range(3):
        pool.push(ids[part::3], chunks[0][part::3, : 53 * part])
    seconds = each(lambda i: pool.push(ids, chunks[i % len(chunks)], pad=pad), count)
    median, p99 = float(np.median(seconds)), float(np.quantile(seconds, 0.99))
    budget = CHUNK / SR
    return {
        "median_ms": 1e3 * median,
        "p99_ms": 1e3 * p99,
        "streams_per_core": N_STREAMS * budget / median,
        "streams_per_core_at_p99": N_STREAMS * budget / p99,
    }


def growth(push: Callable[[int], object], count: int) -> dict[str, Any]:
    """Return what `count` calls leave behind, the garbage collector being off."""
    for i in range(1000):
        push(i)
    gc.collect()
    gc.disable()
    try:
        before, blocks = resident()[0], sys.getallocatedblocks()
        for i in range(count):
            push(i)
        blocks, after = sys.getallocatedblocks() - blocks, resident()[0]
        garbage = gc.collect()
    finally:
        gc.enable()
    return {"pushes": count, "resident_kb": (after - before) / 1024, "blocks": blocks, "garbage": garbage}


def main() -> None:
    options = harness.parser(__doc__, "stream.json").parse_args()
    import melfeat

    n_single, n_pool, n_growth = (2000, 40, 20_000) if options.quick else (20_000, 400, 1_000_000)
    rows: dict[str, Any] = {}
    for name, (preset, extra) in CASES.items():
        fx = melfeat.Extractor(preset, **extra)
        check(fx)
        rows[name] = {
            "has_target": len(rows) < N_WITH_TARGET,
            "stream": one_stream(fx, n_single // (10 if "sliding" in name else 1)),
            "pool": many_streams(fx, n_pool, pad=False),
            "pool_padded": many_streams(fx, n_pool, pad=True),
        }
        one, many = rows[name]["stream"], rows[name]["pool"]
        print(
            f"{name:34} a push {one['median_us']:6.1f} us, p99 {one['p99_us']:6.1f} us; {N_STREAMS} streams "
            f"{many['median_ms']:5.2f} ms, p99 {many['p99_ms']:5.2f} ms: {many['streams_per_core']:6.0f} a core",
            flush=True,
        )
    fx = melfeat.Extractor("kaldi-mfcc")
    chunks, stream = [chunk[0] for chunk in chunks_of(noise(1, 10))], fx.stream()
    left = {"stream": growth(lambda i: stream.push(chunks[i % len(chunks)]), n_growth)}
    pool = fx.pool()
    ids, together = [pool.open() for _ in range(100)], chunks_of(noise(100, 1))
    left["pool"] = growth(lambda i: pool.push(ids, together[i % len(together)]), n_growth // 100)
    for name, row in left.items():
        print(f"{name}: {row['pushes']} pushes leave {row['resident_kb']:.0f} KB, {row['blocks']} blocks", end="")
        print(f", {row['garbage']} objects of garbage")
    limits = {"median_us": 60, "p99_us": 300, "streams_per_core": N_STREAMS, "resident_kb": 1024, "garbage": 0}
    body = {"n_streams": N_STREAMS, "chunk": CHUNK, "sr": SR, "rows": rows, "growth": left, "limits": limits}
    harness.store(options.json, "stream", options.quick, body)


if __name__ == "__main__":
    main()
