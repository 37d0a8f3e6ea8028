"""The peers' own virtual environment, and how jobs are run in it. Standard library and NumPy only."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
DEFAULT = HERE.parents[1] / "build" / "peers"


def python(folder: Path) -> Path:
    """Return the interpreter of the environment in `folder`, which is made and filled if it is not there."""
    interpreter = folder / "bin" / "python"
    if interpreter.exists():
        return interpreter
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [interpreter, "-m", "pip", "install"]
    subprocess.run([*pip, "-r", HERE / "requirements.txt"], check=True)
    subprocess.run([*pip, "--no-deps", "-r", HERE / "requirements-torchaudio.txt"], check=True)
    if subprocess.run([interpreter, "-c", "import torchaudio"], capture_output=True).returncode:
        # Its compiled part wants another torch; transforms and compliance.kaldi are Python and do without it.
        for lib in folder.glob("lib/python*/site-packages/torchaudio/lib"):
            shutil.rmtree(lib)
    return interpreter


def run_jobs(
    interpreter: Path, jobs: Iterable[Mapping[str, Any]], signals: Mapping[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], dict[str, str], dict[str, str]]:
    """Run jobs (see `run.py`), one process per peer: some do not live together. Return answers, refusals, versions."""
    jobs = list(jobs)
    answers: dict[str, np.ndarray] = {}
    refusals: dict[str, str] = {}
    versions: dict[str, str] = {}
    for peer in dict.fromkeys(job["peer"] for job in jobs):
        chosen = [job for job in jobs if job["peer"] == peer]
        with tempfile.TemporaryDirectory() as folder:
            asked, heard, said = (Path(folder) / name for name in ("jobs.json", "signals.npz", "results.npz"))
            asked.write_text(json.dumps(chosen), encoding="utf-8")
            np.savez(heard, **{name: signals[name] for name in {job["signal"] for job in chosen}})
            environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
            command = [interpreter, HERE / "run.py", asked, heard, said]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(f"{peer}: the peer's process ended with {done.returncode}:\n{done.stderr[-2000:]}")
            with np.load(said) as results:
                for name in results.files:
                    if name == "versions":
                        versions = json.loads(str(results[name]))
                    elif name.endswith("!"):
                        refusals[name[:-1]] = str(results[name])
                    else:
                        answers[name] = results[name]
    return answers, refusals, versions
