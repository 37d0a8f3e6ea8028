"""What the tests of dialects share: golden answers of peers and the signals that they were asked about."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent / "golden" / "dialects"


@cache
def answers(peer: str) -> dict[str, np.ndarray]:
    """Return the arrays of a peer's golden file."""
    with np.load(FOLDER / f"{peer}.npz") as stored:
        return {name: stored[name] for name in stored.files}


@cache
def index(peer: str) -> dict[str, Any]:
    """Return the questions that a peer was asked."""
    return json.loads(str(answers(peer)["index"]))


@cache
def signals() -> dict[str, tuple[int, np.ndarray]]:
    """Return sampling rate and float64 samples in [-1, 1) of every signal."""
    with np.load(FOLDER / "signals.npz") as stored:
        return {name.split("@")[0]: (int(name.split("@")[1]), stored[name] / 32768.0) for name in stored.files}
