"""Turn the stored results into tables and a chart.

    python benchmarks/report.py

Reads ``benchmarks/results/*.json``; writes the tables of ``benchmarks/README.md`` and the short one of ``README.md``
between their markers (a page without markers is left alone), and ``docs/benchmark.png``. What was not measured is said.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).parent / "results"

#: Drawn in the chart and listed in the short table: workload, label.
HIGHLIGHTS = (
    ("default", "MFCC, 30 s, defaults"),
    ("float64", "the same in float64"),
    ("speech", "speech: 25/10 ms, 13 coefficients"),
    ("whisper", "Whisper-shaped log mel"),
    ("clip", "MFCC, 1 s clip"),
)

COLOURS = {"librosa": "#4C72B0", "torch": "#DD8452", "audioflux": "#55A868", "MKL rfft": "#9A9A9A"}


def read(name: str) -> dict[str, Any] | None:
    """Return a stored result, or None."""
    path = RESULTS / f"{name}.json"
    return dict(json.loads(path.read_text())) if path.exists() else None


def with_best_floor(rows: dict[str, Any]) -> dict[str, Any]:
    """Return rows where MKL's FFT is the faster of its two layouts."""
    measured = [row for name, row in rows.items() if name.startswith("MKL rfft") and "ratio" in row]
    return {**rows, "MKL rfft": min(measured, key=lambda row: row["ratio"])} if measured else rows


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a markdown table; the first column is text, the others are numbers."""
    names = list(head)
    lines = [names, ["---", *["---:"] * (len(names) - 1)], *(list(row) for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def ratio(row: dict[str, Any]) -> str:
    """Return a ratio with its quartiles."""
    low, high = row["ratio_quartiles"]
    return f"{row['ratio']:.1f}x ({low:.1f}–{high:.1f})"


def mark(target: dict[str, Any]) -> str:
    """Return what a target is and whether it is reached."""
    wanted = f"{target['at_least']:g}x" + (f", aim {target['aim']:g}x" if target.get("aim") else "")
    if target.get("ratio") is None:
        return f"{wanted}: not measured"
    reached = "reached" if target["ratio"] >= target["at_least"] else "**short**"
    return f"{wanted}: {reached} ({target['ratio']:.1f}x {target['fastest']})"


def about(result: dict[str, Any]) -> str:
    """Return a sentence on the machine and the versions."""
    machine = result["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    quick = " A quick run: a first look, not a result." if result["quick"] else ""
    return (
        f"{machine['cpu']} ({machine['cpu_target']}), {machine['cores']} cores, one thread used; {machine['system']}, "
        f"Python {machine['python']}; {versions}; {machine['date']}, load {machine['load_average']}.{quick}"
    )


# ---------------------------------------------------------------------------------------------------------------------
# Sections of benchmarks/README.md
# ---------------------------------------------------------------------------------------------------------------------


def peers_section(result: dict[str, Any]) -> str:
    """Return one table a workload."""
    parts = [about(result), "Ratio: time of the peer over the time of melfeat; median (quartiles) over rounds."]
    absent = [f"{name}: {peer['absent']}" for name, peer in result["peers"].items() if peer["absent"]]
    parts += ["Absent: " + "; ".join(absent) + "."] if absent else []
    for name, workload in result["workloads"].items():
        if not name.startswith("n_fft-"):
            parts.append(_workload(name, workload))
    parts.append(_lengths(result))
    notes = [
        f"* **{name}** {peer['version']}: {peer['note']}." for name, peer in result["peers"].items() if peer["note"]
    ]
    return "\n\n".join([*parts, "The peers:\n\n" + "\n".join(notes)])


def _workload(name: str, workload: dict[str, Any]) -> str:
    lines = [f"### {workload['title']} (`{name}`)"]
    if workload.get("note"):
        lines.append(workload["note"][0].upper() + workload["note"][1:] + ".")
    if "failed" in workload:
        lines.append(f"Not measured: {workload['failed']}.")
    if "overhead_us" in workload:
        low, high = workload["overhead_us_quartiles"]
        lines.append(
            f"{workload['overhead_us']:.1f} µs ({low:.1f}–{high:.1f}) of {workload['call_us']:.1f} µs are spent "
            f"outside the kernels; at most {workload['at_most']} µs, aim {workload['aim']} µs."
        )
    if workload["rows"]:
        lines.append(table(("", "ms", "ratio", "error", "tolerance"), map(_peer_row, workload["rows"].items())))
    lines += [f"* At least {mark(target)}" for target in workload["targets"]]
    return "\n\n".join([*lines[:1], "\n".join(lines[1:])]) if len(lines) == 2 else _joined(lines)


def _joined(lines: list[str]) -> str:
    text = ""
    for line in lines:
        text += ("\n" if line.startswith("* ") and text.rpartition("\n")[2].startswith("* ") else "\n\n") + line
    return text.strip()


def _peer_row(item: tuple[str, dict[str, Any]]) -> list[str]:
    name, row = item
    if "ms" not in row:
        return [name, "absent" if "absent" in row else f"failed: {row.get('failed')}", "", "", ""]
    error = f"{row['error']:.1e}" if "error" in row else ""
    tolerance = f"{row['tolerance']:.0e}" if "tolerance" in row else ""
    return [name, f"{row['ms']:.3f}", ratio(row), error, tolerance]


def _lengths(result: dict[str, Any]) -> str:
    rows = []
    for name, workload in result["workloads"].items():
        measured = workload["rows"]
        if name.startswith("n_fft-") and "ms" in measured.get("melfeat", {}):
            peer = measured["librosa"]
            times = (
                [f"{measured['melfeat']['ms']:.3f}", f"{peer['ms']:.3f}", ratio(peer)]
                if "ms" in peer
                else ["", "", "absent"]
            )
            rows.append([name.removeprefix("n_fft-"), *times])
    text = "### Transform lengths: `mfcc` of 10 s at 22 050 Hz, hop n_fft / 4 (`n_fft-…`), against librosa\n\n"
    return text + table(("n_fft", "melfeat [ms]", "librosa [ms]", "ratio"), rows) + "\n\nAt least 4x, aim 8x, for each."


def sweep_section(result: dict[str, Any]) -> str:
    """Return the summary of the sweep over lengths."""
    ratios = result["ratios"]
    which = "Every" if result["all"] else f"A sample of {len(ratios)} lengths of every kind from the"
    slower = ", ".join(map(str, result["slower"])) or "none"
    worst = sorted(ratios.items(), key=lambda item: float(item[1]))[:8]
    rows = [[n, f"{value:.1f}x"] for n, value in worst]
    return (
        f"{about(result)}\n\n{which} n_fft from 16 to 8192 against librosa: median {result['median']:.1f}x, least "
        f"{result['worst']['ratio']:.1f}x at {result['worst']['n_fft']}; slower than librosa: {slower}.\n\n"
        f"The least favourable:\n\n{table(('n_fft', 'ratio'), rows)}"
    )


def cold_section(result: dict[str, Any]) -> str:
    """Return the times of fresh processes."""
    rows = []
    for name, row in result["rows"].items():
        if "absent" in row:
            rows.append([name, "absent", "", ""])
            continue
        low, high = row["ms_quartiles"]
        rows.append(
            [
                name,
                f"{row['ms']:.0f} ({low:.0f}–{high:.0f})",
                str(row["runs"]),
                f"{row['ratio']:.1f}x" if "ratio" in row else "",
            ]
        )
    target = result["target"]
    text = (
        f"At least {target['at_least']}x and at most {target['at_most_ms']} ms for melfeat's first `mfcc`, aim "
        f"{target['aim']}x."
    )
    return f"{about(result)}\n\n{table(('process', 'ms', 'runs', 'ratio'), rows)}\n\n{text}"


def load_section(result: dict[str, Any]) -> str:
    """Return the times of files on disk."""
    parts = [about(result)]
    for rate, found in result["rates"].items():
        rows = []
        for name, row in found["rows"].items():
            rows.append([name, f"{row['ms']:.3f}", ratio(row)] if "ms" in row else [name, "absent", ""])
        targets = "\n".join(f"* At least {mark(target)}" for target in found["targets"])
        parts.append(f"### {int(rate) / 1000:g} kHz\n\n{table(('', 'ms per file', 'ratio'), rows)}\n\n{targets}")
    return "\n\n".join(parts)


def stages_section(result: dict[str, Any]) -> str:
    """Return the time of each stage beside the machine's ceilings."""
    parts = [about(result)]
    for name, case in result["cases"].items():
        about_case, peak, fft = case["case"], case["ceilings"], case["fft"]
        head = (
            f"### {name}: 30 s at {about_case['sr']} Hz, n_fft {about_case['n_fft']}, hop {about_case['hop']}, "
            f"{about_case['n_mels']} mels, {about_case['n_mfcc']} coefficients, {about_case['dtype']}"
        )
        lanes = case["lanes"]
        ceiling = (
            f"{lanes} lanes; transform = {fft['columns']} columns' samples × rows of {fft['rows']} points in passes of "
            f"{', '.join(map(str, fft['radices']))}; its scratch is {case['scratch_kb']:.0f} KB. Measured ceilings: "
            f"fused multiply-adds {peak['fma'] * lanes * 2e-9:.0f} Gflop/s, separate additions and multiplications "
            f"{peak['add_mul'] * lanes * 1e-9:.0f} Gflop/s; loads {peak['load_l1'] / 1e9:.0f} GB/s from the first "
            f"cache, {peak['load_l2'] / 1e9:.0f} from the second; stores {peak['store_l1'] / 1e9:.0f} and "
            f"{peak['store_l2'] / 1e9:.0f}."
        )
        rows = [_stage_row(stage, row, case["whole_ms"]) for stage, row in case["stages"].items()]
        rest, whole = case["rest_ms"], case["whole_ms"]
        rows.append(
            ["rest (edges, finite check, copies, output, Python)", f"{rest:.3f}", f"{rest / whole:.0%}", *[""] * 5]
        )
        rows.append(["**whole**", f"{whole:.3f}", "", *[""] * 5])
        names = (
            "stage",
            "ms",
            "of the whole",
            "Mflop",
            "load [MB]",
            "store [MB]",
            "bound [ms]",
            "share of the ceiling",
        )
        parts.append(f"{head}\n\n{ceiling}\n\n{table(names, rows)}")
    return "\n\n".join(parts)


def _stage_row(stage: str, row: dict[str, Any], whole: float) -> list[str]:
    cells = [stage, f"{row['ms']:.3f}", f"{row['ms'] / whole:.0%}"]
    if "share" not in row:
        return [*cells, "", "", "", "not counted", ""]
    bound = f"{row[row['limit'] + '_ms']:.3f} ({row['limit']})"
    return [
        *cells,
        f"{row['mflop']:.1f}",
        f"{row['load_mb']:.1f}",
        f"{row['store_mb']:.1f}",
        bound,
        f"{row['share']:.0%}",
    ]


def memory_section(result: dict[str, Any]) -> str:
    """Return working memory and cost per frame over the length."""
    rows = []
    for row in result["rows"]:
        cells = [f"{row['resident_mb']:.1f}", f"{row['allocated_mb']:.1f}", f"{row['us_per_frame']:.2f}"]
        rows.append([f"{row['seconds']} s", str(row["frames"]), *cells, f"{row['relative_cost']:.2f}"])
    limits = result["limits"]
    names = ("audio", "frames", "resident [MB]", "allocated [MB]", "µs per frame", "relative to 10 s")
    return (
        f"{about(result)}\n\n{table(names, rows)}\n\nWorking memory: at most {limits['working_mb_at_most']} MB, aim "
        f"{limits['working_mb_aim']} MB. Cost per frame: flat within {limits['cost_flat_within']:.0%} from 10 s on."
    )


def stream_section(result: dict[str, Any]) -> str:
    """Return what live audio costs."""
    rows = []
    for name, row in result["rows"].items():
        one, many, padded = row["stream"], row["pool"], row["pool_padded"]
        cells = [f"{one['median_us']:.0f}", f"{one['p99_us']:.0f}", f"{many['median_ms']:.2f}", f"{many['p99_ms']:.2f}"]
        rows.append([name, *cells, f"{padded['median_ms']:.2f}", f"{many['streams_per_core']:.0f}"])
    n = result["n_streams"]
    names = ("", "a stream [µs]", "p99", f"pool of {n} [ms]", "p99", "one array out [ms]", "streams a core")
    left = [
        f"{row['pushes']:,} pushes of a {name} leave {row['resident_kb']:.0f} KB of resident memory, {row['blocks']} "
        f"blocks of Python's and {row['garbage']} objects of garbage."
        for name, row in result["growth"].items()
    ]
    return f"{about(result)}\n\n{table(names, rows)}\n\n{' '.join(left)}"


def long_section(result: dict[str, Any]) -> str:
    """Return what a long file costs beside an hour in memory."""
    rows = []
    for threads, found in result["threads"].items():
        for name, row in found.items():
            speeds = [f"{row[key]:,.0f}" for key in ("file_speed", "memory_speed", "memory_speed_alone")]
            cpu = f"{row['file_cpu_s_per_hour']:.2f} / {row['memory_cpu_s_per_hour']:.2f}"
            rows.append([name, threads, *speeds, f"{row['ratio']:.2f}", cpu, f"{row['file_peak_mb']:.0f}"])
    names = (
        "",
        "threads",
        "file to file",
        "1 h: load and compute",
        "compute alone",
        "ratio",
        "CPU [s an hour]",
        "peak [MB]",
    )
    size = f"{result['hours']:g} hours, {result['format']}, {result['file_gb']:.1f} GB"
    return f"{about(result)}\n\n{size}; speeds in times real time.\n\n{table(names, rows)}"


def dataset_section(result: dict[str, Any]) -> str:
    """Return what a folder of clips costs, and what was found by killing runs and by very many rows."""
    parts = [about(result)]
    if found := result.get("throughput"):
        per_clip = [[name, f"{value:.2f}"] for name, value in found["ms_per_clip"].items()]
        compared = [[name, f"{row['at_least']:g}x", ratio(row)] for name, row in found["ratios"].items()]
        parts.append(f"### {found['n_clips']:,} clips of up to 4 s to a table of 40 MFCC means")
        parts += [table(("", "ms per clip"), per_clip), table(("", "at least", "ratio"), compared)]
        parts.append(f"The tables agree within {found['difference']:.0e} of the largest value.")
    if found := result.get("memory"):
        rows = [[f"{int(n):,}", f"{row['worker_mb']:.0f}", f"{row['coordinator_mb']:.0f}"] for n, row in found.items()]
        parts += ["### Memory", table(("clips", "largest worker [MB]", "coordinator [MB]"), rows)]
    if found := result.get("kill"):
        kept = found["rows_kept"]
        parts.append(
            f"### Killed and resumed\n\nA tree of {found['n_files']:,} files, {found['n_bad']:,} of them bad: "
            f"{found['kills']} runs were killed with SIGKILL at random moments, {found['interrupted']} of them before "
            f"their end, and resumed; from {min(kept):,} to {max(kept):,} rows had been kept. Every byte was that of "
            "an undisturbed run."
        )
    if found := result.get("million"):
        parts.append(
            f"### Very many rows\n\nA manifest of {found['n_rows']:,} rows of tiny clips, two jobs: it is read and "
            f"checked in {found['survey_s']:.1f} s, the whole run takes {found['extract_s']:.0f} s, and a second run, "
            f"which finds that all is there, {found['resume_check_s']:.1f} s."
        )
    return "\n\n".join(parts)


def presets_section(result: dict[str, Any]) -> str:
    """Return what each dialect costs beside the librosa-shaped pipeline on its frames."""
    rows = [
        [name, f"{row['ms']:.2f}", f"{row['plain_ms']:.2f}", f"{row['ratio']:.2f}x", row["more"]]
        for name, row in result["rows"].items()
    ]
    names = ("preset", "30 s [ms]", "plain pipeline [ms]", "ratio", "does more: it")
    return f"{about(result)}\n\n{table(names, rows)}"


def targets_section() -> str:
    """Return every target beside what was measured."""
    rows: list[list[str]] = []

    def add(what: str, wanted: str, measured: str, reached: bool | None) -> None:
        rows.append([what, wanted, measured, "" if reached is None else "yes" if reached else "**no**"])

    def add_ratio(what: str, target: dict[str, Any]) -> None:
        wanted = f"{target['at_least']:g}x" + (f" (aim {target['aim']:g}x)" if target.get("aim") else "")
        if target.get("ratio") is None:
            add(what, wanted, "not measured", None)
        else:
            add(what, wanted, f"{target['ratio']:.1f}x", target["ratio"] >= target["at_least"])

    for workload in (read("peers") or {"workloads": {}})["workloads"].values():
        for target in workload["targets"]:
            against = (
                "MKL's FFT alone" if "MKL rfft" in target["against"] else target["fastest"] or target["against"][0]
            )
            alone = target["against"] == ["one thread"]
            add_ratio(workload["title"] if alone else f"{workload['title']}, against {against}", target)
        if "overhead_us" in workload:
            reached = workload["overhead_us"] <= workload["at_most"]
            wanted = f"≤ {workload['at_most']} µs (aim {workload['aim']} µs)"
            add(workload["title"], wanted, f"{workload['overhead_us']:.0f} µs", reached)
    if sweep := read("sweep"):
        measured = f"{sweep['worst']['ratio']:.1f}x at {sweep['worst']['n_fft']}"
        which = "any n_fft" if sweep["all"] else f"any of {len(sweep['ratios'])} n_fft"
        add(f"{which} from 16 to 8192, against librosa", "never slower", measured, not sweep["slower"])
    for rate, found in (read("load") or {"rates": {}})["rates"].items():
        for target in found["targets"]:
            add_ratio(f"WAV at {int(rate) / 1000:g} kHz to mean MFCCs, against {target['against'][0]}", target)
    if cold := read("cold"):
        what = "fresh process: import and first `mfcc`"
        target, own = cold["target"], cold["rows"]["melfeat: first mfcc"]["ms"]
        add_ratio(f"{what}, against librosa", {**target, "ratio": cold["rows"]["librosa: first mfcc"].get("ratio")})
        add(what, f"≤ {target['at_most_ms']} ms", f"{own:.0f} ms", own <= target["at_most_ms"])
    if memory := read("memory"):
        limits, last = memory["limits"], memory["rows"][-1]
        most = max(last["resident_mb"], last["allocated_mb"])
        wanted = f"≤ {limits['working_mb_at_most']} MB (aim {limits['working_mb_aim']} MB)"
        add("working memory for 1 h of audio", wanted, f"{most:.0f} MB", most <= limits["working_mb_at_most"])
        costs = [row["relative_cost"] for row in memory["rows"] if row["seconds"] >= 10]
        spread = max(abs(cost / statistics.median(costs) - 1) for cost in costs)
        within = limits["cost_flat_within"]
        add(
            "cost per frame, 10 s to 1 h",
            f"flat within {within:.0%}",
            f"within {spread:.0%} of the median",
            spread <= within,
        )
    if presets := read("presets"):
        over = {name: row for name, row in presets["rows"].items() if row["ratio"] > row["at_most"]}
        alone = [f"{row['ratio']:.2f}x {name}" for name, row in over.items()]
        within = f"{len(presets['rows']) - len(over)} of {len(presets['rows'])} presets"
        measured = f"{within}; {', '.join(alone)}" if alone else within
        add("a preset beside the librosa-shaped pipeline on its frames", "≤ 1.3x", measured, not over)
    if long := read("long"):
        limits = long["limits"]
        for threads, found in long["threads"].items():
            what = f"{long['hours']:g} h at 44.1 kHz, stereo, {threads} thread{'s' if threads != '1' else ''}: "
            worst = min(row["ratio"] for row in found.values())
            add(f"{what}speed, to 1 h in memory", f"≥ {limits['ratio']:g}", f"{worst:.2f}", worst >= limits["ratio"])
            peak = max(row["file_peak_mb"] for row in found.values())
            add(f"{what}peak memory", f"≤ {limits['peak_mb']} MB", f"{peak:.0f} MB", peak <= limits["peak_mb"])
    dataset = read("dataset") or {}
    for name, row in dataset.get("throughput", {}).get("ratios", {}).items():
        add_ratio(f"clips to a table of mean MFCCs, {name}", row)
    if million := dataset.get("million"):
        what, spent = f"a manifest of {million['n_rows']:,} rows", million["survey_s"] + million["resume_check_s"]
        add(f"{what}: reading it, and checking all shards", "≤ 60 s", f"{spent:.0f} s", spent <= 60)
    if stream := read("stream"):
        limits, left = stream["limits"], stream["growth"]["stream"]
        for name, row in stream["rows"].items():
            if row["has_target"]:
                what, one, many = f"live audio, {name}, 10 ms of 16 kHz", row["stream"], row["pool"]["streams_per_core"]
                for key, kind in (("median_us", "median"), ("p99_us", "p99")):
                    measured = f"{one[key]:.0f} µs"
                    add(f"{what}: {kind} of a push", f"≤ {limits[key]} µs", measured, one[key] <= limits[key])
                wanted = f"≥ {limits['streams_per_core']}"
                add(f"{what}: streams of a pool a core", wanted, f"{many:.0f}", many >= limits["streams_per_core"])
        reached = left["resident_kb"] <= limits["resident_kb"] and left["garbage"] <= limits["garbage"]
        measured = f"{left['resident_kb']:.0f} KB, {left['garbage']} objects of garbage"
        add(f"{left['pushes']:,} pushes leave", f"≤ {limits['resident_kb']} KB, no garbage", measured, reached)
    return table(("", "wanted", "measured", "reached"), rows)


SECTIONS: dict[str, tuple[str, Callable[[dict[str, Any]], str]]] = {
    "peers": ("python benchmarks/bench_peers.py", peers_section),
    "sweep": ("python benchmarks/bench_sweep.py --all", sweep_section),
    "load": ("python benchmarks/bench_load.py", load_section),
    "cold": ("python benchmarks/bench_cold.py", cold_section),
    "memory": ("python benchmarks/bench_memory.py", memory_section),
    "stream": ("python benchmarks/bench_stream.py", stream_section),
    "long": ("python benchmarks/bench_long.py", long_section),
    "dataset": ("python benchmarks/bench_dataset.py", dataset_section),
    "presets": ("python benchmarks/bench_presets.py", presets_section),
    "stages": ("python benchmarks/bench_stages.py", stages_section),
}


# ---------------------------------------------------------------------------------------------------------------------
# The short table and the chart
# ---------------------------------------------------------------------------------------------------------------------


def short_table() -> str:
    """Return the table of README.md."""
    result = read("peers")
    if result is None:
        return ""
    peers = ("librosa", "torch", "audioflux", "MKL rfft")
    rows = []
    for name, label in HIGHLIGHTS:
        measured = with_best_floor(result["workloads"].get(name, {"rows": {}})["rows"])
        if "ms" in measured.get("melfeat", {}):
            found = [f"{measured[peer]['ratio']:.1f}x" if "ratio" in measured.get(peer, {}) else "–" for peer in peers]
            rows.append([label, f"{measured['melfeat']['ms']:.2f} ms", *found])
    rows += _other_rows(len(peers))
    heads = ("", "melfeat", "librosa", "torch (MKL)", "audioFlux", "MKL's FFT alone")
    machine = result["machine"]
    versions = machine["versions"]
    named = ", ".join(f"{name} {versions[name]}" for name in ("librosa", "torch", "audioflux") if name in versions)
    below = (
        f"How many times longer others take; one thread, {machine['cpu']} ({machine['cpu_target']}), float32 unless "
        f"said, {named}. Medians of interleaved rounds, every result checked first; how, and more, in "
        "[benchmarks](benchmarks/README.md)."
    )
    return f"{table(heads, rows)}\n\n{below}"


def _other_rows(n_peers: int) -> list[list[str]]:
    rows = []
    if load := read("load"):
        found = load["rates"]["44100"]["rows"]
        if "ratio" in found.get("librosa", {}):
            line = [
                "WAV file of 4 s to mean MFCCs",
                f"{found['melfeat']['ms']:.2f} ms",
                f"{found['librosa']['ratio']:.1f}x",
            ]
            rows.append(line + ["–"] * (n_peers - 1))
    if found := (read("dataset") or {}).get("throughput"):
        own, times = found["ms_per_clip"]["two jobs"], found["ratios"]["two jobs, against librosa"]["ratio"]
        line = [f"{found['n_clips']:,} clips to a table, 2 processes", f"{own:.2f} ms a clip", f"{times:.1f}x"]
        rows.append(line + ["–"] * (n_peers - 1))
    if cold := read("cold"):
        found = cold["rows"]
        peer, own = found.get("librosa: first mfcc", {}), found["melfeat: first mfcc"]
        if "ratio" in peer:
            line = ["fresh process: import and first MFCC", f"{own['ms'] / 1000:.2f} s", f"{peer['ratio']:.1f}x"]
            rows.append(line + ["–"] * (n_peers - 1))
    return rows


def draw(target: Path) -> bool:
    """Draw the bar chart of the highlights; return whether there was something to draw."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib.ticker import MaxNLocator

    result = read("peers")
    if result is None:
        return False
    groups = [(label, result["workloads"][name]["rows"]) for name, label in HIGHLIGHTS if name in result["workloads"]]
    groups = [(label, with_best_floor(rows)) for label, rows in groups if "ms" in rows.get("melfeat", {})]
    labels = {"librosa": "librosa", "torch": "torch (MKL), as torchaudio", "audioflux": "audioFlux (C)"}
    labels["MKL rfft"] = "MKL's FFT, nothing else"
    figure, axes = plt.subplots(figsize=(9, 5.6), layout="constrained")
    at, ticks, seen = 0.0, [], set()
    for label, rows in groups:
        present = [name for name in COLOURS if "ratio" in rows.get(name, {})]
        ticks.append((at + (len(present) - 1) / 2, f"{label}\nmelfeat: {rows['melfeat']['ms']:.2f} ms"))
        for name in present:
            value, (low, high) = rows[name]["ratio"], rows[name]["ratio_quartiles"]
            shown = None if name in seen else labels[name]
            seen.add(name)
            spread = [[max(0.0, value - low)], [max(0.0, high - value)]]
            axes.barh(
                at, value, 0.82, color=COLOURS[name], label=shown,
                xerr=spread, error_kw={"ecolor": "#333333", "elinewidth": 1, "capsize": 2},
            )  # fmt: skip
            axes.text(
                max(high, 1.0 if value < 1 else value) + 0.15,
                at,
                f"{value:.1f}x",
                va="center",
                fontsize=9,
                color="#333333",
            )
            at += 1
        at += 0.7
    axes.axvline(1, color="#C44E52", linewidth=1.8)
    axes.text(1, -0.85, "melfeat", color="#C44E52", ha="center", va="bottom", fontsize=9, fontweight="bold")
    axes.set_yticks([place for place, _ in ticks], [text for _, text in ticks], fontsize=9)
    axes.set_ylim(at - 0.9, -0.8)
    axes.set_xlim(0, axes.get_xlim()[1] * 1.06)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.xaxis.set_major_formatter("{x:.0f}x")
    axes.set_xlabel("time relative to melfeat, one thread (longer bars are slower)")
    axes.grid(axis="x", color="#DDDDDD", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=9, columnspacing=1.4, handlelength=1.2)
    machine = result["machine"]
    versions = machine["versions"]
    named = ", ".join(f"{name} {versions[name]}" for name in ("librosa", "torch", "audioflux") if name in versions)
    figure.suptitle("How many times longer others take", fontsize=13, fontweight="bold")
    note = f"{machine['cpu']} ({machine['cpu_target']}), {named}; median and quartiles over rounds"
    axes.set_title(note, fontsize=9, color="#666666", pad=20)
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target, dpi=130, metadata={"Software": None})
    plt.close(figure)
    return True


def fill(page: Path, name: str, text: str) -> bool:
    """Replace what stands between the markers `name` of a page; return whether it has them."""
    if not page.exists():
        return False
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    content = page.read_text()
    if begin not in content or end not in content:
        return False
    before, rest = content.split(begin, 1)
    after = rest.split(end, 1)[1]
    page.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}")
    return True


def main() -> None:
    page = Path(__file__).parent / "README.md"
    for name, (command, section) in SECTIONS.items():
        result = read(name)
        text = section(result) if result else f"Not measured yet: `{command}`."
        print(f"{name}: {'written' if fill(page, name, text) else 'no markers in ' + page.name}")
    print(f"targets: {'written' if fill(page, 'targets', targets_section()) else 'no markers'}")
    for other in (ROOT / "README.md", ROOT / "docs" / "index.md"):
        if fill(other, "benchmarks", short_table()):
            print(f"{other.relative_to(ROOT)}: written")
    if draw(ROOT / "docs" / "benchmark.png"):
        print("docs/benchmark.png: drawn")


if __name__ == "__main__":
    main()
