"""librosa 0.11.0's values, stored by `scripts/make_golden.py`, for machines where librosa is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import melfeat
from tests.librosa_peer import DEFAULTS, Float32Bound, melfeat_chain
from tests.oracles import librosa_like as oracle
from tests.support import assert_near, slow_interpreted

FOLDER = Path(__file__).parent / "golden"
FILES = sorted(FOLDER.glob("*.npz"))


def read(file: Path) -> tuple[np.ndarray, int, dict[str, Any], dict[str, np.ndarray]]:
    with np.load(file) as stored:
        values = {name: stored[name] for name in stored.files}
    options = json.loads(str(values.pop("options")))
    options = {name: tuple(value) if isinstance(value, list) else value for name, value in options.items()}
    return values.pop("y"), int(values.pop("sr")), {**DEFAULTS, **options}, values


def test_the_files_are_here_and_small():
    assert len(FILES) >= 12
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 1_000_000
    assert json.loads((FOLDER / "versions.json").read_text(encoding="utf-8"))["librosa"] == "0.11.0"


@slow_interpreted
@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
class TestGolden:
    def test_float64(self, file):
        y, sr, options, golden = read(file)
        got = melfeat_chain(y.astype(np.float64), sr, options)
        for stage in ("stft", "mel", "mfcc"):
            values = got[stage] if stage == "mfcc" else got[stage][..., golden["frames"]]
            assert values.dtype == golden[stage].dtype
            assert_near(values, golden[stage], 1e-9 * np.abs(golden[stage]).max())

    def test_float32(self, file):
        """Within twice librosa's own error, or the bound of a transform that is float32 throughout."""
        y, sr, options, golden = read(file)
        names = ("n_fft", "hop_length", "win_length", "window", "center", "pad_mode")
        truth = {"stft": oracle.stft(y, **{name: options[name] for name in names})}
        bound = Float32Bound(truth, sr, options)
        got = melfeat_chain(y, sr, options)
        own = np.abs(golden["mfcc32"] - golden["mfcc"])
        assert got["mfcc"].dtype == golden["mfcc32"].dtype
        assert got["mfcc"].shape == golden["mfcc32"].shape
        assert (np.abs(got["mfcc"] - golden["mfcc"]) <= np.maximum(2 * own, bound.mfcc)).all()
        for stage in ("stft", "mel"):
            error = np.abs(got[stage][..., golden["frames"]] - golden[stage])
            assert (error <= getattr(bound, stage)[..., golden["frames"]]).all()

    def test_oracle(self, file):
        """The oracle of the other tests is librosa's chain, to the last bits."""
        y, sr, options, golden = read(file)
        assert_near(oracle.mfcc(y, sr, **options), golden["mfcc"], 1e-10 * np.abs(golden["mfcc"]).max())


def test_a_changed_option_is_seen():
    """The comparison can fail: another lifter is far outside of its tolerance."""
    y, sr, options, golden = read(FOLDER / "stereo.npz")
    got = melfeat.mfcc(y.astype(np.float64), sr, **{**options, "lifter": 3})
    assert np.abs(got - golden["mfcc"]).max() > 1e-3
