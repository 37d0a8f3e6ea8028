"""Compare melfeat with librosa over transform lengths from 16 to 8192: is any of them slower?

    python benchmarks/bench_sweep.py [--all | --quick] [--json OUT]

Without options a sample of lengths that holds powers of two, round numbers, products of small primes, primes and
neighbours of all these; ``--all`` takes every length, about an hour.
"""

from __future__ import annotations

import harness  # isort: skip

import time
from typing import Any

import numpy as np
from peers import PEERS, Job, error_of

LOWEST, HIGHEST = 16, 8192


def is_prime(n: int) -> bool:
    """Return whether n is prime."""
    return n > 1 and all(n % p for p in range(2, int(n**0.5) + 1))


def sample(count: int) -> list[int]:
    """Return lengths of every kind, the kinds that are hard for an FFT among them."""
    chosen = {2**k + d for k in range(4, 14) for d in (-1, 0, 1)}
    chosen |= {400, 441, 480, 551, 600, 882, 1000, 1102, 1103, 1200, 1764, 1920, 2205, 2400, 3000, 4410, 4800, 6000}
    for around in np.geomspace(LOWEST, HIGHEST, count).astype(int):
        prime = next(n for n in range(int(around), 2 * HIGHEST) if is_prime(n))
        chosen |= {int(around), prime, 2 * (prime // 2), 2 * prime, 4 * prime}
    return sorted(n for n in chosen if LOWEST <= n <= HIGHEST)


def ratio_of(n_fft: int, rounds: int, turn: float) -> dict[str, Any]:
    """Return melfeat's and librosa's time for one length, checked."""
    seconds = 3 if n_fft >= 256 else 1
    job = Job("mfcc", 22050, seconds, {"n_fft": n_fft, "hop_length": max(1, n_fft // 4), "n_mels": 40})
    by_name = {peer.name: peer for peer in PEERS}
    cases = {name: by_name[name].prepare["mfcc"](job) for name in ("melfeat", "librosa")}
    error = error_of(cases["melfeat"], job)
    if error > by_name["melfeat"].tolerance:
        raise SystemExit(f"n_fft={n_fft}: melfeat's error is {error:.1e}")
    times = harness.interleaved({name: case.run for name, case in cases.items()}, rounds=rounds, turn=turn)
    row = harness.summary(times, "melfeat")
    return {"n_fft": n_fft, "ratio": row["librosa"]["ratio"], "melfeat_ms": row["melfeat"]["ms"], "error": error}


def main() -> None:
    parser = harness.parser(__doc__, "sweep.json")
    parser.add_argument("--all", action="store_true", help="every length from 16 to 8192")
    options = parser.parse_args()
    lengths = list(range(LOWEST, HIGHEST + 1)) if options.all else sample(4 if options.quick else 24)
    start = time.perf_counter()
    rows = []
    for n_fft in lengths:
        row = ratio_of(n_fft, 3, 0.01)
        if row["ratio"] < 1.3:  # close: look again, longer
            row = ratio_of(n_fft, 11, 0.03)
        rows.append(row)
        if row["ratio"] < 1.3 or options.all is False:
            print(f"n_fft {n_fft:5}: {row['ratio']:6.2f}x  melfeat {row['melfeat_ms']:8.3f} ms", flush=True)
    ratios = [row["ratio"] for row in rows]
    worst = min(rows, key=lambda row: row["ratio"])
    slower = [row["n_fft"] for row in rows if row["ratio"] < 1]
    print(
        f"{len(rows)} lengths in {time.perf_counter() - start:.0f} s: median {np.median(ratios):.1f}x, least "
        f"{worst['ratio']:.2f}x at n_fft {worst['n_fft']}, slower than librosa: {slower or 'none'}"
    )
    ratio_by_length = {str(row["n_fft"]): round(row["ratio"], 2) for row in rows}
    body = {"all": options.all, "median": float(np.median(ratios)), "worst": worst, "slower": slower}
    body["ratios"] = ratio_by_length
    harness.store(options.json, "sweep", options.quick, body)


if __name__ == "__main__":
    main()
