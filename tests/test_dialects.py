"""Every dialect beside its reference: stored answers of the peers themselves, and the references' own files.

`scripts/golden_dialects.py` asked the peers and stored what they said. The float64 path may be off by twice the error
that was measured when the formulas were verified, the float32 path by four times that, or by roundings of the values;
to both comes what roundings in the peer's own precision do to a value (`roundings`): a band 90 dB below
its frame is mostly the rounding noise of a float32 transform.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from melfeat.errors import ParameterError
from melfeat.extractor import Extractor
from scripts.peers.cases import CASES, COUNTS, ERRORS, Case, kept_frames, question
from scripts.peers.roundings import roundings
from tests.dialect_support import FOLDER, answers, index, signals
from tests.support import eps, fewer, slow_interpreted

BY_NAME = {case.name: case for case in CASES}
PEERS = list(dict.fromkeys(case.peer for case in CASES))


def samples(case: Case) -> np.ndarray:
    return signals()[case.signal][1][: case.n]


def tolerance(case: Case, expected: np.ndarray, *, single: bool) -> float:
    scale = np.abs(expected).max(initial=0.0)
    error = ERRORS[case.row] * (scale if case.relative else 1.0)
    return max(4 * error, 8 * eps(np.float32) * scale) if single else max(2 * error, 8 * eps(np.float64) * scale)


def compare(case: Case, dtype: type) -> None:
    fx = Extractor(case.preset, **case.fields)
    y = samples(case)
    expected = answers(case.peer)[case.name]
    got = fx(y.astype(dtype))
    assert got.dtype == dtype
    assert got.shape == (expected.shape[0], index(case.peer)[case.name]["n_frames"])
    assert fx.n_frames(len(y)) == got.shape[1]
    if expected.size == 0:
        return
    kept = kept_frames(got.shape[1])
    precision = max(eps(dtype), eps(expected.dtype))
    allowed = tolerance(case, expected, single=dtype == np.float32) + roundings(fx, y, precision)[:, kept]
    error = np.abs(got[:, kept].astype(np.float64) - expected)
    assert np.isfinite(error).all()
    worst = np.unravel_index(np.argmax(error - allowed), error.shape)
    what = f"feature {worst[0]}, frame {kept[worst[1]]}: error {error[worst]:.3g} > {allowed[worst]:.3g}"
    assert (error <= allowed).all(), what


@slow_interpreted
@pytest.mark.parametrize("case", fewer(CASES, 20), ids=lambda case: case.name)
@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
def test_peers(case, dtype):
    compare(case, dtype)


@pytest.mark.parametrize("count", COUNTS, ids=lambda count: count.name)
def test_frame_counts(count):
    """For every length the peer's number of frames; where the peer refuses a signal, at most one frame, or as padded."""
    fx = Extractor(count.preset, **count.fields)
    theirs = answers(count.peer)[f"counts:{count.name}"]
    stored = index(count.peer)[f"counts:{count.name}"]
    assert stored["lengths"] == count.lengths()
    assert stored["options"] == json.loads(json.dumps(count.options))
    ours = [fx.n_frames(n) for n in count.lengths()]
    wrong = [(n, mine, theirs) for n, mine, theirs in zip(count.lengths(), ours, theirs, strict=True) if theirs not in (-1, mine)]
    assert not wrong, f"(samples, melfeat's frames, the peer's): {wrong[:5]} of {len(wrong)}"
    assert (theirs >= 0).sum() > len(theirs) / 2


@pytest.mark.parametrize("count", COUNTS, ids=lambda count: count.name)
def test_counts_are_what_comes_out(count):
    fx = Extractor(count.preset, **count.fields)
    y = np.random.default_rng(1966).uniform(-1, 1, 4 * count.n_fft)
    for n in count.lengths()[:: 8 if count.name == "ast" else 3]:
        try:
            frames = fx(y[:n]).shape[-1]
        except ParameterError:  # nothing to reflect
            continue
        assert frames == fx.n_frames(n), n


def test_every_question_is_the_one_that_was_asked():
    """A case that was changed without asking the peer again is no proof."""
    for case in CASES:
        stored = dict(index(case.peer)[case.name])
        del stored["n_frames"]
        assert stored == json.loads(json.dumps(question(case))), case.name


def test_the_files_are_small_and_say_what_made_them():
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 2_000_000
    pins = dict(
        line.split("==")
        for file in ("requirements.txt", "requirements-torchaudio.txt")
        for line in (Path(__file__).parents[1] / "scripts" / "peers" / file).read_text(encoding="utf-8").splitlines()
        if "==" in line
    )
    for peer in PEERS:
        versions = json.loads(str(answers(peer)["versions"]))
        assert {name: versions[name].split("+")[0] for name in pins} == pins, peer
