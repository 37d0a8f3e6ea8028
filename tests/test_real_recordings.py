"""Every real recording of the shared folder against librosa: defaults in float32, a rotating configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.librosa_peer import DEFAULTS, Tally, compare, show
from tests.support import slow_interpreted

pytest.importorskip("librosa")

pytestmark = slow_interpreted

#: librosa takes most of the time: of long clips, these first seconds.
SECONDS = 5.0

ROTATING: list[dict[str, Any]] = [
    {},
    {"n_fft": 512, "hop_length": 160, "win_length": 400, "n_mels": 40, "n_mfcc": 13, "lifter": 22, "htk": True},
    {"n_fft": 400, "hop_length": 160, "n_mels": 80, "pad_mode": "reflect", "top_db": None},
    {"n_fft": 1103, "hop_length": 441, "window": "hamming", "n_mels": 26, "power": 1.0, "dct_type": 3},
    {"n_fft": 1024, "hop_length": 256, "center": False, "mel_norm": None, "norm": None},
    {"n_fft": 599, "hop_length": 200, "n_mels": 23, "fmin": 64.0, "fmax": 3800.0, "dct_type": 1, "pad_mode": "edge"},
]

TALLIES = {name: Tally() for name in ("speech_digits", "sounds", "speech")}


@pytest.fixture(scope="module", autouse=True)
def report(request):
    yield
    for name, tally in TALLIES.items():
        if tally.ratios["mfcc"]:
            show(request, f"recordings in {name}", tally)


def check(files: list[Path], tally: Tally) -> None:
    assert files, "the shared folder is there but holds no recordings"
    failures = []
    for index, file in enumerate(files):
        y, sr = soundfile.read(file, dtype="float32", frames=-1, always_2d=True)
        y = np.ascontiguousarray(y[: int(SECONDS * sr)].T)
        y = y[0] if len(y) == 1 else y
        options = {**DEFAULTS, **ROTATING[index % len(ROTATING)]}
        for chosen in (DEFAULTS, options) if options != DEFAULTS else (DEFAULTS,):
            try:
                compare(y, sr, chosen, tally, float64=chosen is options or options == DEFAULTS)
            except AssertionError as error:
                failures.append(f"{file.name}: {error}, with {chosen}")
    assert not failures, f"{len(failures)} of {len(files)} recordings:\n" + "\n".join(failures)


def recordings(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in (".wav", ".ogg", ".flac", ".mp3"))


@pytest.mark.parametrize("digit", range(10))
def test_spoken_digits(shared_data, digit):
    check(
        [path for path in recordings(shared_data / "speech_digits") if path.name.startswith(f"{digit}_")],
        TALLIES["speech_digits"],
    )


@pytest.mark.parametrize("fold", range(1, 5))
def test_sounds(shared_data, fold):
    check([path for path in recordings(shared_data / "sounds") if path.name.startswith(f"{fold}-")], TALLIES["sounds"])


def test_speech(shared_data):
    check(recordings(shared_data / "speech"), TALLIES["speech"])


def test_every_recording_was_in_one_of_these(shared_data):
    digits, sounds = recordings(shared_data / "speech_digits"), recordings(shared_data / "sounds")
    assert {path.name[:2] for path in digits} <= {f"{digit}_" for digit in range(10)}
    assert {path.name[:2] for path in sounds} <= {f"{fold}-" for fold in range(1, 5)}
