"""Run peers: the part that executes in the peers' environment, where melfeat is not.

::

    python run.py JOBS.json SIGNALS.npz RESULTS.npz

A job is ``{"name", "peer", "options", "signal", "sr", "scale", "dtype"}``. It gives the named function of `PEERS` the
signal (int16 in SIGNALS, here divided by 32768, times `scale`, in `dtype`) and the options, and stores what comes back
as ``(n_features, n_frames)`` under the job's name; a job with a list of ``lengths`` stores the number of frames of the
first so many samples instead, -1 where the peer refuses. What raised is stored as text under ``name + "!"``.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import warnings
from importlib.metadata import PackageNotFoundError, version
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"
os.environ["TF_NUM_INTRAOP_THREADS"] = "1"

import classic
import hub
import kaldi
import numpy as np

PEERS = {**kaldi.PEERS, **hub.PEERS, **classic.PEERS}

DISTRIBUTIONS = (
    "numpy",
    "scipy",
    "soundfile",
    "torch",
    "torchaudio",
    "transformers",
    "librosa",
    "kaldi-native-fbank",
    "python_speech_features",
    "essentia",
    "opensmile",
    "tensorflow-cpu",
)


def versions() -> dict[str, str]:
    """Return the versions of what is installed here."""
    found = {"python": platform.python_version()}
    for name in DISTRIBUTIONS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def run(job: dict[str, Any], samples: np.ndarray) -> np.ndarray:
    """Return the features, or the frame counts, of one job."""
    y = (samples / np.float64(32768.0) * job["scale"]).astype(job["dtype"])
    peer = PEERS[job["peer"]]
    if "lengths" not in job:
        return np.ascontiguousarray(peer(y, job["sr"], **job["options"]))
    counts = []
    for n in job["lengths"]:
        try:
            counts.append(peer(y[:n], job["sr"], **job["options"]).shape[-1])
        except Exception:  # a refusal is an answer, whatever its type
            counts.append(-1)
    return np.array(counts, dtype=np.int32)


def main() -> int:
    warnings.simplefilter("ignore")
    with open(sys.argv[1], encoding="utf-8") as file:
        jobs = json.load(file)
    results: dict[str, Any] = {"versions": json.dumps(versions())}
    with np.load(sys.argv[2]) as signals:
        loaded = {name: signals[name] for name in {job["signal"] for job in jobs}}
    for job in jobs:
        try:
            results[job["name"]] = run(job, loaded[job["signal"]])
        except Exception as error:  # the caller decides whether this was expected
            results[job["name"] + "!"] = f"{type(error).__name__}: {error}"[:500]
    np.savez(sys.argv[3], **results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
