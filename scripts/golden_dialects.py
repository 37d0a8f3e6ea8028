"""Write `tests/golden/dialects/*.npz`: what other front ends make of short signals, for machines without them.

::

    python scripts/golden_dialects.py [--venv FOLDER] [--hcopy PROGRAM] [--only PEER ...]

makes a virtual environment with the pinned peers of `scripts/peers` (or uses the one in FOLDER), asks every case of
`scripts/peers/cases.py` there, and stores the answers, one file a peer: under a case's name the kept frames, in
``index`` (JSON) the question and the number of frames, in ``versions`` (JSON) those of all peers. `counts` are numbers
of frames for many lengths of signal, -1 where the peer refuses. `signals.npz` has the signals. HTK's HCopy has to be
built by hand; without it, its file stays as it is.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from scripts.peers.cases import CASES, COUNTS, Case, kept_frames, question
from scripts.peers.environment import DEFAULT, python, run_jobs
from scripts.peers.signals import make_signals

FOLDER = Path(__file__).parents[1] / "tests" / "golden" / "dialects"


def case_job(case: Case, rates: dict[str, int]) -> dict[str, Any]:
    """Return what `run.py` is told of a case."""
    name = case.signal if case.n is None else f"{case.signal}:{case.n}"
    return {"name": case.name, **question(case), "signal": name, "sr": rates[case.signal]}


def ask(peers: list[str], venv: Path) -> int:
    """Store the answers of some peers; return how many were refused."""
    made = make_signals()
    rates = {name: sr for name, (sr, _) in made.items()}
    signals = {name: y for name, (_, y) in made.items()}
    cases = [case for case in CASES if case.peer in peers]
    signals |= {f"{c.signal}:{c.n}": signals[c.signal][: c.n] for c in cases if c.n is not None}
    counts = [count for count in COUNTS if count.peer in peers]
    longest = max((count.lengths()[-1] for count in counts), default=0)
    signals["counted"] = np.resize(signals["noise16"], longest)
    jobs = [case_job(case, rates) for case in cases]
    for count in counts:
        asked = {"name": f"counts:{count.name}", "peer": count.peer, "options": count.options, "signal": "counted"}
        jobs.append({**asked, "sr": 16000, "scale": 32768.0, "dtype": "float32", "lengths": count.lengths()})
    answers, refusals, versions = run_jobs(python(venv), jobs, signals)
    for name, why in refusals.items():
        print(f"{name}: refused, {why}", file=sys.stderr)

    FOLDER.mkdir(exist_ok=True)
    np.savez_compressed(FOLDER / "signals.npz", **{f"{n}@{sr}": y for n, (sr, y) in made.items()})
    for peer in peers:
        index = {}
        stored: dict[str, Any] = {"versions": json.dumps(versions)}
        for case in cases:
            if case.peer == peer and case.name in answers:
                whole = answers[case.name]
                stored[case.name] = whole[:, kept_frames(whole.shape[1])]
                index[case.name] = {**question(case), "n_frames": whole.shape[1]}
        for count in counts:
            if count.peer == peer:
                stored[f"counts:{count.name}"] = answers[f"counts:{count.name}"].astype(np.int16)
                index[f"counts:{count.name}"] = {"options": count.options, "lengths": count.lengths()}
        stored["index"] = json.dumps(index)
        np.savez_compressed(FOLDER / f"{peer}.npz", **stored)
    size = sum(path.stat().st_size for path in FOLDER.iterdir())
    print(f"{len(answers)} answers, {size / 1024:.0f} KB in {FOLDER}")
    return len(refusals)


def main() -> int:
    known = list(dict.fromkeys(case.peer for case in CASES))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--venv", type=Path, default=DEFAULT, help="the peers' environment (default: %(default)s)")
    parser.add_argument("--hcopy", default=os.environ.get("HCOPY"), help="HTK's program (default: $HCOPY)")
    parser.add_argument("--only", nargs="+", choices=known, default=known, help="ask these peers only")
    chosen = parser.parse_args()
    if chosen.hcopy:
        os.environ["HCOPY"] = chosen.hcopy
    return 1 if ask([peer for peer in chosen.only if peer != "hcopy" or chosen.hcopy], chosen.venv) else 0


if __name__ == "__main__":
    sys.exit(main())
