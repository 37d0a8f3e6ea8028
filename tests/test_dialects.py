"""Every dialect beside its reference: stored answers of the peers themselves, and the references' own files.

`scripts/golden_dialects.py` asked the peers and stored what they said. The float64 path may be off by twice the error
that was measured when the formulas were verified, the float32 path by four times that, or by roundings of the values;
to both comes what roundings in the peer's own precision do to a value (`roundings`): a band 90 dB below
its frame is mostly the rounding noise of a float32 transform.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from melfeat.config.presets import preset, presets
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
    return max(4 * error, 16 * eps(np.float32) * scale) if single else max(2 * error, 16 * eps(np.float64) * scale)


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


#: Options of a default case, each of which has to be seen as wrong.
WRONG: list[tuple[str, str, Any]] = [
    ("kaldi-fbank-defaults", "preemphasis", 0.9701),
    ("kaldi-fbank-defaults", "window", "hann"),
    ("kaldi-fbank-defaults", "fmin", 20.1),
    ("kaldi-fbank-silence16", "floor", 2.0**-52),
    ("kaldi-mfcc-defaults", "lifter_offset", 1),
    ("kaldi-mfcc-defaults", "energy_point", "windowed"),
    ("kaldi-mfcc-deltas", "delta_edges", "replicate"),
    ("compliance-fbank-vtln-1.1-exact", "vtln_low", 101.0),
    ("compliance-fbank-vtln-1.1-exact", "vtln_warp", 1.1001),
    ("torchaudio-mfcc-defaults-exact", "pad_mode", "constant"),
    ("torchaudio-mel-voice11-exact", "nyquist", "exact"),
    ("torchaudio-mfcc-log-mels-exact", "floor", 1.1e-6),
    ("whisper-formula-exact", "drop_last", 0),
    ("whisper-formula-exact", "weights_dtype", "float64"),
    ("seamless-defaults", "cmn_ddof", 0),
    ("speech2text-defaults", "cmn_ddof", 1),
    ("ast-exact", "window", "povey"),
    ("nemo-defaults", "window_symmetric", False),
    ("nemo-defaults", "cmn_eps", 1e-3),
    ("psf-defaults", "preemphasis_first", "scaled"),
    ("psf-defaults", "spectrum_scale", None),
    ("psf-silence16", "energy_eps", 1e-16),
    ("essentia-defaults", "window_scale", None),
    ("essentia-defaults", "mel_norm", "slaney"),
    ("librosa64-lifter", "lifter_offset", 0),
    ("tf-odd-frame-exact", "window_symmetric", False),
    ("tf-defaults-exact", "floor_kind", "clamp"),
    ("opensmile-0_D_A", "delta_edges", "replicate"),
    ("opensmile-E_D_A", "energy_point", "windowed"),
    ("htk-defaults", "preemphasis_first", "zero"),
    ("htk-band-20", "triangles", "mel"),
    ("htk-E-normalised", "energy_scale", 0.11),
    ("htk-warp-0.85-narrow", "vtln_kind", "kaldi"),
    ("slaney-voice16", "frames", "valid"),
    ("rastamat-defaults", "window", "hann"),
    ("etsi-voice8", "preemphasis_first", "zero"),
    ("nemo-formula-defaults", "pad_to", 1),
]


@slow_interpreted
@pytest.mark.parametrize(("name", "option", "value"), WRONG)
def test_a_wrong_option_is_seen(name, option, value):
    case = BY_NAME[name]
    with pytest.raises((AssertionError, ParameterError)):
        compare(replace(case, fields={**case.fields, option: value}), np.float64)


def test_every_preset_is_compared_as_it_is():
    """For each preset a case in which nothing is changed."""
    own = {name: preset(name) for name in presets()}
    made = [(case.preset, Extractor(case.preset, **case.fields).config) for case in CASES]
    assert {name for name, config in made if config == own[name]} == set(own)


@pytest.mark.parametrize("count", COUNTS, ids=lambda count: count.name)
def test_frame_counts(count):
    """For every length the peer's number of frames, except where the peer refuses the signal."""
    fx = Extractor(count.preset, **count.fields)
    theirs = answers(count.peer)[f"counts:{count.name}"]
    stored = index(count.peer)[f"counts:{count.name}"]
    assert stored["lengths"] == count.lengths()
    assert stored["options"] == json.loads(json.dumps(count.options))
    ours = [fx.n_frames(n) for n in count.lengths()]
    pairs = zip(count.lengths(), ours, theirs.tolist(), strict=True)
    wrong = [(n, mine, other) for n, mine, other in pairs if other not in (-1, mine)]
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
