"""Time melfeat against its peers on every workload, each result checked first.

    python benchmarks/bench_peers.py [--quick] [--workload NAME …] [--json OUT]

A ratio is the time of a peer over the time of melfeat in the same round; printed and stored are its median and
quartiles.
"""

from __future__ import annotations

import harness  # isort: skip

import statistics
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from peers import PEERS, Job, Peer, error_of, signal

BY_NAME = {peer.name: peer for peer in PEERS}


@dataclass(frozen=True)
class Target:
    """A ratio to be reached against the fastest of some peers."""

    against: tuple[str, ...]
    at_least: float
    aim: float | None = None


@dataclass(frozen=True)
class Workload:
    """A row of the benchmark: a job, who does it, and what is to be reached.

    `contenders` are names of peers; ``name:quantity`` is one that computes another quantity than the job's.
    """

    title: str
    job: Job
    contenders: tuple[str, ...]
    targets: tuple[Target, ...] = ()
    note: str = ""


_SPEECH = {"n_fft": 512, "win_length": 400, "hop_length": 160, "n_mels": 40, "n_mfcc": 13}
_WHISPER = {"n_fft": 400, "hop_length": 160, "n_mels": 80, "pad_mode": "reflect"}
_FLOOR = ("MKL rfft:rfft", "MKL rfft, blocks:rfft", "SciPy rfft:rfft")
_MKL = ("MKL rfft", "MKL rfft, blocks")
_NATIVE = ("torch", "audioflux")


def _length(n_fft: int) -> Workload:
    job = Job("mfcc", 22050, 10, {"n_fft": n_fft, "hop_length": max(1, n_fft // 4)})
    title = f"`mfcc`, n_fft {n_fft}, hop {max(1, n_fft // 4)}, 10 s"
    return Workload(title, job, ("melfeat", "librosa"), (Target(("librosa",), 4, 8),))


WORKLOADS: dict[str, Workload] = {
    "default": Workload(
        "`mfcc`, 30 s at 22 050 Hz, defaults",
        Job("mfcc", 22050, 30),
        ("melfeat", "librosa", *_NATIVE, "essentia", *_FLOOR),
        (Target(("librosa",), 12, 16), Target(_NATIVE, 5, 8), Target(_MKL, 1.6, 2.2)),
    ),
    "mel": Workload(
        "`melspectrogram`, 30 s at 22 050 Hz, defaults",
        Job("mel", 22050, 30),
        ("melfeat", "librosa", "torch", *_FLOOR),
    ),
    "float64": Workload(
        "`mfcc` in float64, 30 s at 22 050 Hz, defaults",
        Job("mfcc", 22050, 30, dtype="float64"),
        ("melfeat", "librosa", "torch", *_FLOOR),
        (Target(("librosa",), 6, 9),),
    ),
    "speech": Workload(
        "speech `mfcc`: 30 s at 16 kHz, 25 ms / 10 ms, n_fft 512, 40 mels, 13 coefficients",
        Job("mfcc", 16000, 30, _SPEECH),
        ("melfeat", "librosa", "torch", "essentia", "python_speech_features:psf", *_FLOOR),
        (Target(("librosa",), 9, 14),),
    ),
    "kaldi": Workload(
        "the frames of `speech`, uncentred",
        Job("mfcc", 16000, 30, {**_SPEECH, "center": False, "fmin": 20.0}),
        ("melfeat:kaldi", "kaldi-native-fbank:kaldi"),
        (Target(("kaldi-native-fbank",), 20, 30),),
        note="both compute Kaldi's dialect: melfeat.Extractor('kaldi-mfcc', …)",
    ),
    "psf": Workload(
        "the frames of `speech`, python_speech_features' dialect",
        Job("mfcc", 16000, 30, _SPEECH),
        ("melfeat:psf", "python_speech_features:psf"),
        (Target(("python_speech_features",), 15, 30),),
        note="both compute its dialect: melfeat.Extractor('python_speech_features', …)",
    ),
    "whisper": Workload(
        "Whisper-shaped log mel: 30 s at 16 kHz, n_fft 400, hop 160, 80 mels",
        Job("logmel", 16000, 30, _WHISPER),
        ("melfeat:whisper", "librosa", "torch", *_FLOOR),
        (Target(("torch",), 4, 8),),
        note="melfeat.Extractor('whisper'); librosa: power_to_db(melspectrogram(…)), the same but for scale and offset",
    ),
    "clip": Workload(
        "`mfcc`, 1 s at 22 050 Hz, defaults",
        Job("mfcc", 22050, 1),
        ("melfeat", "librosa", *_NATIVE, *_FLOOR),
        (Target(("librosa",), 12, 20),),
    ),
    **{f"n_fft-{n}": _length(n) for n in (400, 480, 551, 1102, 1103, 3000, 4096)},
}


def contend(workload: Workload, rounds: int) -> dict[str, Any]:
    """Check and time all contenders of a workload; return what is stored of it."""
    rows: dict[str, dict[str, Any]] = {}
    runs: dict[str, Callable[[], object]] = {}
    for entry in workload.contenders:
        name, _, quantity = entry.partition(":")
        peer = BY_NAME[name]
        job = replace(workload.job, quantity=quantity or workload.job.quantity)
        rows[name] = row = {}
        if reason := peer.absent():
            row["absent"] = reason
            continue
        try:
            case = peer.prepare[job.quantity](job)
            row["error"], row["tolerance"] = _shared_error(peer, case, job, workload), peer.limit(job)
        except Exception as error:  # a peer that breaks must not hide the others
            row["failed"] = f"{type(error).__name__}: {error}"
            continue
        if row["error"] > row["tolerance"]:
            row["failed"] = f"error {row['error']:.1e} is above the tolerance {row['tolerance']:.0e}"
            continue
        runs[name] = case.run
    return {"rows": rows, **_race(workload, rows, runs, rounds)}


def _shared_error(peer: Peer, case: Any, job: Job, workload: Workload) -> float:
    """Return the error of a case; the job's own truth is computed once for all contenders."""
    return error_of(case, workload.job if job.quantity == workload.job.quantity else job)


def _race(
    workload: Workload, rows: dict[str, dict[str, Any]], runs: dict[str, Callable[[], object]], rounds: int
) -> dict[str, Any]:
    targets = []
    if "melfeat" in runs:
        for name, measured in harness.summary(harness.interleaved(runs, rounds=rounds), "melfeat").items():
            rows[name].update(measured)
    for target in workload.targets:
        found = harness.verdict(list(target.against), rows)
        entry = {"against": list(target.against), "at_least": target.at_least, "aim": target.aim}
        targets.append({**entry, "fastest": found[0] if found else None, "ratio": found[1] if found else None})
    job = workload.job
    about = {"sr": job.sr, "seconds": job.seconds, "dtype": job.dtype, **job.parameters}
    return {"title": workload.title, "job": about, "note": workload.note, "targets": targets, "rounds": rounds}


# ---------------------------------------------------------------------------------------------------------------------
# Workloads that are not a race
# ---------------------------------------------------------------------------------------------------------------------


def _kernel_of(call: Callable[[], object]) -> Callable[[], object] | None:
    """Return a function that does again what a call did inside its kernel, with the same arguments; None if nothing."""
    from melfeat import feature
    from melfeat.plan import Drivers

    seen: list[tuple[Callable[..., object], tuple[Any, ...], np.ndarray]] = []
    original = feature.features

    def record(clips: Any, plan: Any) -> object:
        drivers = plan.drivers

        def driver(*args: Any) -> object:
            seen.append((drivers.features, args, args[5].copy()))
            return drivers.features(*args)

        object.__setattr__(plan, "drivers", Drivers(drivers.spectra, drivers.bands, driver))
        try:
            return original(clips, plan)
        finally:
            object.__setattr__(plan, "drivers", drivers)

    feature.features = record
    try:
        call()
    finally:
        feature.features = original
    if len(seen) != 1:
        return None
    driver, args, job = seen[0]

    def again() -> object:
        args[5][:] = job  # the counters of the pieces
        return driver(*args)

    return again


def overhead(rounds: int) -> dict[str, Any]:
    """Return how much longer a call of `mfcc` on 4 000 samples takes than the kernels inside it."""
    import melfeat

    y = signal(4000 / 22050, 22050)
    melfeat.mfcc(y, 22050)
    kernels = _kernel_of(lambda: melfeat.mfcc(y, 22050))
    if kernels is None:
        return {"title": "overhead per call", "failed": "not one call into a kernel", "rows": {}, "targets": []}
    contenders = {"call": lambda: melfeat.mfcc(y, 22050), "kernels": kernels}
    times = harness.interleaved(contenders, rounds=rounds)
    extra = [1e6 * (whole - inside) for whole, inside in zip(times["call"], times["kernels"], strict=True)]
    return {
        "title": "`mfcc` of 4 000 samples: time per call beyond the kernels",
        "kernel_calls": 1,
        "call_us": 1e6 * statistics.median(times["call"]),
        "kernels_us": 1e6 * statistics.median(times["kernels"]),
        "overhead_us": statistics.median(extra),
        "overhead_us_quartiles": list(harness.quartiles(extra)),
        "at_most": 30,
        "aim": 10,
        "rows": {},
        "targets": [],
    }


def threads(rounds: int) -> dict[str, Any]:
    """Return the time of two threads beside that of one."""
    import melfeat

    title = "`mfcc`, 30 s at 22 050 Hz: two threads against one"
    target = {"against": ["one thread"], "at_least": 1.7, "aim": 1.9, "fastest": None, "ratio": None}
    if not hasattr(melfeat, "set_num_threads"):
        return {"title": title, "failed": "melfeat has no set_num_threads", "rows": {}, "targets": [target]}
    y = signal(30, 22050)
    melfeat.set_num_threads(2)
    two = melfeat.mfcc(y, 22050)
    melfeat.set_num_threads(1)
    if not np.array_equal(two, melfeat.mfcc(y, 22050)):
        return {"title": title, "failed": "two threads give other bits than one", "rows": {}, "targets": [target]}
    contenders = {"two threads": lambda: melfeat.mfcc(y, 22050), "one thread": lambda: melfeat.mfcc(y, 22050)}
    before = {name: lambda n=n: melfeat.set_num_threads(n) for n, name in ((1, "one thread"), (2, "two threads"))}
    try:
        times = harness.interleaved(contenders, rounds=rounds, before=before)
    finally:
        melfeat.set_num_threads(1)
    rows = harness.summary(times, "two threads")
    target.update(fastest="one thread", ratio=rows["one thread"]["ratio"])
    return {"title": title, "rows": rows, "targets": [target], "cores": harness.usable_cores()}


def ragged(rounds: int) -> dict[str, Any]:
    """Return the time of 1 000 short clips of different lengths, as one batch and one by one."""
    import melfeat

    whole = signal(30, 22050)
    lengths = np.random.default_rng(2).integers(2000, 30000, 1000)
    clips = [whole[i * 500 : i * 500 + n] for i, n in enumerate(lengths)]
    loop = {"melfeat, one by one": lambda: [melfeat.mfcc(y, 22050) for y in clips]}
    contenders: dict[str, Callable[[], object]] = dict(loop)
    expected = [melfeat.mfcc(y, 22050) for y in clips]
    rows: dict[str, dict[str, Any]] = {}
    batch = getattr(melfeat, "batch", None)
    if callable(batch):
        got = batch(clips, 22050)
        if all(np.array_equal(a, b) for a, b in zip(got, expected, strict=True)):
            contenders["melfeat.batch"] = lambda: batch(clips, 22050)
        else:
            rows["melfeat.batch"] = {"failed": "other bits than one by one"}
    else:
        rows["melfeat.batch"] = {"absent": "melfeat has no batch"}
    if reason := BY_NAME["librosa"].absent():
        rows["librosa"] = {"absent": reason}
    else:
        import librosa

        contenders["librosa"] = lambda: [librosa.feature.mfcc(y=y, sr=22050) for y in clips]
    base = "melfeat.batch" if "melfeat.batch" in contenders else "melfeat, one by one"
    rows.update(harness.summary(harness.interleaved(contenders, rounds=max(3, rounds // 4)), base))
    return {"title": "`mfcc` of 1 000 clips of 0.1 s to 1.4 s", "rows": rows, "targets": [], "base": base}


SPECIAL = {"overhead": overhead, "threads": threads, "ragged": ragged}


def _print(name: str, result: dict[str, Any]) -> None:
    print(f"\n{name}: {result['title']}")
    if "failed" in result:
        print(f"  {result['failed']}")
    if "overhead_us" in result:
        print(f"  {result['overhead_us']:.1f} us of {result['call_us']:.1f} us (at most 30, aim 10)")
    for peer, row in result["rows"].items():
        if "ms" not in row:
            print(f"  {peer:24} {'absent' if 'absent' in row else 'FAILED'}: {row.get('absent', row.get('failed'))}")
            continue
        low, high = row["ratio_quartiles"]
        error = f"  error {row['error']:.1e}" if "error" in row else ""
        print(f"  {peer:24} {row['ms']:9.3f} ms  {row['ratio']:6.2f}x  ({low:.2f} … {high:.2f}){error}")
    for target in result["targets"]:
        if target["ratio"] is not None:
            word = "ok" if target["ratio"] >= target["at_least"] else "SHORT"
            print(f"  {word:5} {target['ratio']:.2f}x {target['fastest']}, at least {target['at_least']}x")


def main() -> None:
    parser = harness.parser(__doc__, "peers.json")
    names = [*WORKLOADS, *SPECIAL]
    parser.add_argument("--workload", nargs="+", choices=names, metavar="NAME", help=", ".join(names))
    options = parser.parse_args()
    rounds = 7 if options.quick else 41
    chosen = options.workload or names
    results = {}
    for name in chosen:
        results[name] = SPECIAL[name](rounds) if name in SPECIAL else contend(WORKLOADS[name], rounds)
        _print(name, results[name])
    peers = {
        peer.name: {"version": harness.version(peer.distribution), "install": peer.install, "note": peer.note,
                    "absent": peer.absent()}
        for peer in PEERS
    }  # fmt: skip
    if options.workload and options.json == parser.get_default("json"):
        print("\nnot stored: some workloads only (give --json to store them)")
        return
    harness.store(options.json, "peers", options.quick, {"peers": peers, "workloads": results})


if __name__ == "__main__":
    main()
