"""The oracle of the front ends against their own output: HTK's HCopy, Kaldi's text files, frozen values of the peers.

Bounds are the errors of float32 references, rounded up; what a reference computed in float64 is met to some eps.
"""

from __future__ import annotations

import dataclasses
import struct
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from melfeat import stages as melfeat_stages
from tests.oracles import dialects as oracle

SPEECH = {"n_fft": 512, "win_length": 400, "hop_length": 160}
LN = {"logarithm": "ln", "top_db": None}
EPS32 = 2.0**-23


def merged(base: dict[str, Any], **stages: Any) -> dict[str, Any]:
    """Return `base` with fields of its stages replaced, and stages added."""
    return {**base, **{name: {**(base.get(name) or {}), **fields} for name, fields in stages.items()}}


FRAMES = {"preemphasis_scope": "frame", "preemphasis_first": "scaled"}
HTK: dict[str, Any] = {
    "preprocessing": FRAMES,
    "framing": {**SPEECH, "window": "hamming", "window_symmetric": True, "window_align": "left", "frames": "valid"},
    "filterbank": {"n_mels": 23, "mel_scale": "htk_ln", "mel_norm": None, "triangles": "htk"},
    "compression": {**LN, "floor": 1.0},
}
EMPHASIS = {"preemphasis": 0.97}
HTK_CEPSTRUM = {"n_mfcc": 12, "dct_norm": "htk", "lifter": 22.0, "lifter_offset": 0}
HTK_C0 = {**HTK_CEPSTRUM, "c0": "last"}
HTK_E = merged(
    HTK,
    cepstrum={**HTK_CEPSTRUM, "c0": "none"},
    energy={"energy_place": "last", "energy_eps": 1e-300},
    post={"delta_order": 2},
)
HTK_FILES = {
    "fea_htk.1": merged(HTK, cepstrum=HTK_C0, post={"delta_order": 2}),
    "fea_htk.2": HTK_E,
    "fea_htk.3": merged(HTK_E, filterbank={"fmin": 20.0}),
    "fea_htk.4": merged(HTK_E, preprocessing=EMPHASIS),
    "fbank_htk.1": HTK,
    "fbank_htk.2": merged(HTK, filterbank={"fmin": 25.0}),
}

KALDI: dict[str, Any] = {
    "preprocessing": {**FRAMES, **EMPHASIS, "remove_dc": True},
    "framing": {
        **SPEECH,
        "window": "povey",
        "window_symmetric": True,
        "window_align": "left",
        "frames": "valid",
        "pad_mode": "symmetric",
    },
    "filterbank": {
        "n_mels": 23,
        "fmin": 20.0,
        "fmax": 0.0,
        "mel_scale": "htk_ln",
        "mel_norm": None,
        "triangles": "mel",
        "bins": "no_nyquist",
    },
    "compression": {**LN, "floor": EPS32},
}
KALDI_40 = merged(KALDI, filterbank={"n_mels": 40})
KALDI_80 = merged(KALDI, filterbank={"n_mels": 80})
CEPSTRUM = {"n_mfcc": 13, "lifter": 22.0, "lifter_offset": 0}
KALDI_MFCC = merged(KALDI, cepstrum=CEPSTRUM, energy={})
#: The largest error anywhere, and of features within 12 nepers of their frame's largest; below is Kaldi's own noise.
KALDI_FILES = {
    "test.txt": (KALDI, 0.02, 1.1e-4),
    "test-40.txt": (KALDI_40, 0.031, 1e-4),
    "test-40-no-snip-edges.txt": (merged(KALDI_40, framing={"frames": "no_snip"}), 0.031, 1e-4),
    "test-with-energy.txt": (merged(KALDI, energy={"energy_place": "first"}), 0.02, 1.1e-4),
    "test-mfcc.txt": (KALDI_MFCC, 0.072, 0.072),
}

LIBROSA = {"filterbank": {"weights_dtype": "float32"}, "compression": {"peak_scope": "array"}, "cepstrum": {}}
PSF = {
    "preprocessing": EMPHASIS,
    "framing": {**SPEECH, "window": "boxcar", "window_align": "left", "frames": "pad_end"},
    "spectrum": {"spectrum_scale": "1/n_fft"},
    "filterbank": {"n_mels": 26, "mel_scale": "htk", "mel_norm": None, "triangles": "psf"},
    "compression": {**LN, "floor": 2.0**-52, "floor_kind": "if_zero"},
}
TORCHAUDIO = {
    "framing": {"n_fft": 400, "hop_length": 200, "pad_mode": "reflect"},
    "filterbank": {"mel_scale": "htk", "mel_norm": None, "nyquist": "floor", "weights_dtype": "float32"},
    "compression": {"peak_scope": "array"},
    "cepstrum": {"n_mfcc": 40},
}
WHISPER = {
    "preprocessing": {"fixed_samples": 480000},
    "framing": {"n_fft": 400, "hop_length": 160, "pad_mode": "reflect", "drop_last": 1},
    "filterbank": {"n_mels": 80, "weights_dtype": "float32"},
    "compression": {"logarithm": "log10"},
    "post": {"shift": 4.0, "scale": 0.25},
}
NEMO = {
    "preprocessing": EMPHASIS,
    "framing": {**SPEECH, "window_symmetric": True, "drop_last": 1},
    "filterbank": {"n_mels": 80, "weights_dtype": "float32"},
    "compression": {**LN, "floor": 2.0**-24, "floor_kind": "add"},
    "post": {"cmn": "mean_var", "cmn_ddof": 1, "cmn_eps": 1e-5, "cmn_eps_kind": "std_add", "pad_dropped": True},
}
SCALED_80 = merged(KALDI_80, preprocessing={"input_scale": 32768.0})
SEAMLESS_POST = {"cmn": "mean_var", "cmn_ddof": 1, "cmn_eps": 1e-7, "cmn_eps_kind": "var_add", "pad_to": 2, "stack": 2}
OPENSMILE_0 = merged(
    HTK,
    preprocessing=EMPHASIS,
    filterbank={"n_mels": 26},
    cepstrum=HTK_C0,
    post={"delta_order": 2, "delta_edges": "opensmile"},
)
OPENSMILE_E = merged(OPENSMILE_0, cepstrum={"c0": "none"}, energy={"energy_place": "last", "energy_eps": 1e-300})
ESSENTIA = {
    "framing": {"window_symmetric": True, "window_scale": "2/sum", "frames": "center_ceil"},
    "filterbank": {"n_mels": 40, "fmax": 8000.0, "mel_scale": "htk", "mel_norm": "sum", "triangles": "mel"},
    "compression": {"logarithm": "db20", "top_db": None},
    "cepstrum": {"n_mfcc": 13},
}
#: Configuration, whether its input is int16, whether the peer has frames first, largest error.
PEERS: dict[str, tuple[dict[str, Any], bool, bool, float]] = {
    "librosa_mfcc": (LIBROSA, False, False, 6.5e-5),
    "librosa_mfcc_lifter22_htk": (
        merged(
            LIBROSA,
            framing=SPEECH,
            filterbank={"n_mels": 40, "mel_scale": "htk"},
            cepstrum={"n_mfcc": 13, "lifter": 22.0},
        ),
        False,
        False,
        3e-4,
    ),
    "knf_fbank80_int16": (KALDI_80, True, True, 1.6e-4),
    "knf_fbank80_float": (KALDI_80, False, True, 1.6e-4),
    "knf_mfcc_int16": (KALDI_MFCC, True, True, 1.2e-4),
    "knf_mfcc_c0_htkcompat_int16": (
        merged(KALDI, cepstrum={**CEPSTRUM, "n_mfcc": 12, "c0": "last", "c0_scale": 2**0.5}),
        True,
        True,
        1.2e-4,
    ),
    "knf_whisper80_linear": (
        {
            "framing": {"n_fft": 400, "hop_length": 160, "frames": "no_snip", "pad_mode": "symmetric"},
            "filterbank": {"n_mels": 80},
        },
        False,
        True,
        5e-6,
    ),
    "psf_logfbank_int16": (PSF, True, True, 1e-13),
    "psf_mfcc_int16": (
        merged(
            PSF,
            cepstrum=CEPSTRUM,
            energy={"energy_point": "spectrum", "energy_eps": 2.0**-52, "energy_eps_kind": "if_zero"},
        ),
        True,
        True,
        4.4e-13,
    ),
    "ta_kaldi_fbank23_int16": (KALDI, True, True, 1e-5),
    "ta_kaldi_mfcc_int16": (merged(KALDI, cepstrum=CEPSTRUM), True, True, 2.6e-4),
    "ta_MFCC_default": (TORCHAUDIO, False, False, 2.9e-4),
    "ta_MFCC_logmels": (
        merged(
            TORCHAUDIO,
            framing={"hop_length": 160, "frames": "valid"},
            filterbank={"n_mels": 23},
            compression={**LN, "floor": 1e-6, "floor_kind": "add"},
            cepstrum={"n_mfcc": 13},
        ),
        False,
        False,
        2.2e-5,
    ),
    "hf_whisper80_first200": (WHISPER, False, False, 1e-5),
    "hf_whisper128_first200": (merged(WHISPER, filterbank={"n_mels": 128}), False, False, 1.3e-5),
    "hf_seamless": (merged(SCALED_80, post=SEAMLESS_POST), False, True, 1e-6),
    "hf_ast_first200": (
        merged(
            KALDI,
            framing={"window": "hann"},
            filterbank={"n_mels": 128},
            post={"fixed_frames": 1024, "shift": 4.2677393, "scale": 1 / (2 * 4.5689974)},
        ),
        False,
        True,
        7.5e-6,
    ),
    "hf_s2t": (merged(SCALED_80, post={"cmn": "mean_var"}), False, True, 2.6e-5),
    "hf_parakeet_nemo": (NEMO, False, True, 1.2e-5),
    "opensmile_MFCC12_0_D_A": (OPENSMILE_0, True, True, 9.2e-5),
    "opensmile_MFCC12_E_D_A": (OPENSMILE_E, True, True, 9.2e-5),
    # Only the static features, and not the energy, have their mean removed.
    "opensmile_MFCC12_0_D_A_Z": (merged(OPENSMILE_0, post={"cmn": "mean"}), True, True, 1.6e-4),
    "opensmile_MFCC12_E_D_A_Z": (
        merged(OPENSMILE_E, post={"cmn": "mean", "cmn_columns": "no_energy"}),
        True,
        True,
        1.6e-4,
    ),
    "essentia_mfcc_2048_512": (ESSENTIA, False, True, 3.4e-4),
}
TF = {
    "framing": {**SPEECH, "window_align": "left", "frames": "valid"},
    "spectrum": {"power": 1.0},
    "filterbank": {
        "n_mels": 80,
        "fmin": 80.0,
        "fmax": 7600.0,
        "mel_scale": "htk_ln",
        "mel_norm": None,
        "triangles": "mel",
        "bins": "no_dc",
    },
    "compression": {**LN, "floor": 1e-6, "floor_kind": "add"},
}
TF_MFCC = merged(TF, cepstrum={"n_mfcc": 13, "dct_norm": "htk"})


@pytest.fixture(scope="module")
def reference(shared_data: Path) -> Path:
    return shared_data / "reference"


def read_wav(path: Path) -> tuple[np.ndarray, int]:
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float64), file.getframerate()


def read_htk(path: Path) -> np.ndarray:
    stored = path.read_bytes()
    n_frames, _, n_bytes, _ = struct.unpack(">iihh", stored[:12])
    return np.frombuffer(stored[12:], ">f4").reshape(n_frames, n_bytes // 4)


def read_kaldi_text(path: Path) -> np.ndarray:
    text = path.read_text(encoding="ascii")
    lines = text[text.index("[") + 1 : text.index("]")].strip().splitlines()
    return np.array([[float(word) for word in line.split()] for line in lines])


@pytest.mark.parametrize("name", HTK_FILES)
def test_htk(reference, name):
    y, sr = read_wav(reference / "htk" / "test.wav")
    got = oracle.features(y, sr, HTK_FILES[name]).T
    np.testing.assert_allclose(got, read_htk(reference / "htk" / f"test.wav.{name}"), rtol=0, atol=1.13e-4)


@pytest.mark.parametrize("name", KALDI_FILES)
def test_kaldi(reference, name):
    y, sr = read_wav(reference / "kaldi" / "test.wav")
    stages, everywhere, loud = KALDI_FILES[name]
    got, expected = oracle.features(y, sr, stages).T, read_kaldi_text(reference / "kaldi" / name)
    np.testing.assert_allclose(got, expected, rtol=0, atol=everywhere)
    near = got >= got.max(axis=1, keepdims=True) - 12
    np.testing.assert_allclose(got[near], expected[near], rtol=0, atol=loud)


@pytest.mark.parametrize("name", PEERS)
def test_peer(reference, name):
    stages, is_int16, frames_first, error = PEERS[name]
    y, sr = read_wav(reference / "htk" / "test.wav")
    with np.load(reference / "peers" / "golden_peers.npz") as stored:
        expected = stored[name].T if frames_first else stored[name]
    got = oracle.features(y if is_int16 else y / 32768, sr, stages)
    if name.endswith("first200"):
        got = got[:, :200]
    np.testing.assert_allclose(got, expected, rtol=0, atol=error)
    assert np.abs(got - expected).max() > error / 40 or error < 1e-12  # a bound that means something


@pytest.mark.parametrize(
    ("name", "stages", "error"),
    [
        ("log_mel", TF, 1.2e-4),
        ("mfcc", TF_MFCC, 3.1e-5),
        ("mfcc_pad_end", merged(TF_MFCC, framing={"frames": "pad_all"}), 3.1e-5),
    ],
)
def test_tf_signal(reference, name, stages, error):
    y, sr = read_wav(reference / "htk" / "test.wav")
    with np.load(reference / "peers" / "tf_signal_golden.npz") as stored:
        expected, weights = stored[name].T, stored["mel_weights"].T
    np.testing.assert_allclose(oracle.features(y / 32768, sr, stages), expected, rtol=0, atol=error)
    got = oracle.run(y[:400], sr, stages).weights
    np.testing.assert_allclose(got, weights, rtol=0, atol=1.3e-5)


def test_defaults_are_those_of_the_stages():
    for name, fields in oracle.DEFAULTS.items():
        stage = getattr(melfeat_stages, name.capitalize())
        declared = {field.name: field.default for field in dataclasses.fields(stage)}
        assert declared == fields, name


def test_unknown_names_are_refused():
    with pytest.raises(AssertionError, match="no such field of framing"):
        oracle.features(np.zeros(4000), 16000, {"framing": {"n_ftt": 512}})
    with pytest.raises(AssertionError, match="no such stage"):
        oracle.features(np.zeros(4000), 16000, {"frame": {}})


def test_what_lies_between_fits_together(rng):
    y = rng.normal(size=(2, 3000))
    stages = merged(KALDI_MFCC, post={"delta_order": 1})
    parts = oracle.run(y, 16000, stages)
    T = 1 + (3000 - 400) // 160
    assert parts.frames.shape == (2, T, 400)
    assert parts.spectrum.shape == (2, 257, T)
    assert parts.bands.shape == parts.levels.shape == (2, 23, T)
    assert parts.cepstra.shape == (2, 13, T)
    assert parts.energy.shape == (2, T)
    assert parts.features.shape == (2, 26, T)
    np.testing.assert_array_equal(parts.statics[:, 0], parts.energy)
    np.testing.assert_array_equal(parts.features[1], oracle.features(y[1], 16000, stages))
    # Parseval, on windowed frames.
    power = parts.spectrum.sum(axis=1) * 2 - parts.spectrum[:, 0] - parts.spectrum[:, -1]
    np.testing.assert_allclose(power, 512 * (parts.windowed**2).sum(axis=-1), rtol=1e-12)


def test_noise_is_added_where_it_belongs(rng):
    y = rng.normal(size=3000)
    T = 1 + (3000 - 400) // 160
    per_frame = merged(KALDI, preprocessing={"dither": 0.5})
    noise = rng.normal(size=(T, 400))
    parts = oracle.run(y, 16000, per_frame, noise)
    clean = oracle.run(y, 16000, KALDI)
    expected = clean.frames[0] + 0.5 * (noise - noise.mean(axis=1, keepdims=True))
    np.testing.assert_allclose(parts.frames[0], expected, rtol=0, atol=1e-14)
    whole = merged(KALDI, preprocessing={"dither": 0.5, "dither_scope": "signal"})
    added = rng.normal(size=3000)
    got = oracle.features(y, 16000, whole, added)
    np.testing.assert_array_equal(got, oracle.features(y + 0.5 * added, 16000, KALDI))


@pytest.mark.parametrize("rule", melfeat_stages.FRAME_RULES)
def test_frames_exist_for_every_length(rule):
    for align in ("left", "center"):
        framing = {**oracle.DEFAULTS["framing"], "n_fft": 16, "win_length": 10, "hop_length": 4}
        framing |= {"frames": rule, "window_align": align}
        f = oracle.complete({"framing": framing}).framing
        for n in range(70):
            x = np.arange(1.0, n + 1)
            starts = oracle.frame_starts(n, f)
            frames = oracle.cut(x, starts, f)
            assert frames.shape == (len(starts), 10 if align == "left" else 16)
            for start, frame in zip(starts, frames, strict=True):
                inside = (np.arange(frame.size) + start >= 0) & (np.arange(frame.size) + start < n)
                np.testing.assert_array_equal(frame[inside], x[max(start, 0) : max(0, start + frame.size)])
                assert not frame[~inside].any()
