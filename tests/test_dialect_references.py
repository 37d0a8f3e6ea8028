"""HTK's and Kaldi's own files, and outputs of peers on a real recording: where `../shared/data` is, else skipped.

HCopy's parameter files and the text that Kaldi's programs wrote are the judges of those two dialects.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from melfeat.extractor import Extractor
from scripts.peers.cases import ERRORS, INT16, UNIT
from scripts.peers.files import HTK_FILES, KALDI_FILES, htk_reference, kaldi_reference, recording
from scripts.peers.roundings import roundings
from scripts.peers.translate import TRANSLATORS
from tests.support import eps, slow_interpreted

pytestmark = slow_interpreted


@pytest.fixture
def reference(shared_data) -> Path:
    return shared_data / "reference"


def made(peer: str, scale: float, **options: Any) -> Extractor:
    preset, fields = TRANSLATORS[peer](16000, scale, options)
    return Extractor(preset, **fields)


def check(fx: Extractor, y: np.ndarray, expected: np.ndarray, error: float, dtype: type, noise: bool = True) -> None:
    """``(n_features, n_frames)`` within the error of the table, twice in float64, four times in float32."""
    got = fx(y.astype(dtype))
    assert got.shape == expected.shape
    single = dtype == np.float32
    allowed = max(4 * error, 8 * eps(np.float32) * np.abs(expected).max()) if single else 2 * error
    if noise or single:
        allowed = allowed + roundings(fx, y, eps(np.float32))
    off = np.abs(got.astype(np.float64) - expected)
    assert (off <= allowed).all(), f"error {off.max():.3g} with {np.max(allowed):.3g} allowed there or elsewhere"


@pytest.mark.parametrize(("conf", "file"), HTK_FILES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
def test_htk(reference, conf, file, dtype):
    """HCopy's own files: no allowance for roundings in float64, HCopy's are in the figure."""
    row, y, expected, (preset, fields) = htk_reference(reference, conf, file)
    check(Extractor(preset, **fields), y, expected, ERRORS[row], dtype, noise=False)


@pytest.mark.parametrize("file", KALDI_FILES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
def test_kaldi(reference, file, dtype):
    """Kaldi's programs on a sine sweep: its quiet bands, 90 dB below, hold the noise of Kaldi's float32 transform."""
    row, y, expected, (preset, fields) = kaldi_reference(reference, file)
    factor = 2 if dtype == np.float64 else 4
    got = Extractor(preset, **fields)(y.astype(dtype)).astype(np.float64)
    assert got.shape == expected.shape
    off = np.abs(got - expected)
    assert off.max() <= factor * ERRORS[row]
    if "mfcc" not in file:
        loud = expected > expected.max(axis=0) - 12
        assert loud.mean() > 0.1
        assert off[loud].max() <= factor * 1e-4


# ---------------------------------------------------------------------------------------------------------------------
# Outputs of peers that were frozen on a real recording
# ---------------------------------------------------------------------------------------------------------------------

SPEECH_MEL = {"n_fft": 400, "hop_length": 160, "n_mels": 23, "center": False}
FROZEN: dict[str, tuple[str, float, str, dict[str, Any]]] = {
    "librosa_mfcc": ("librosa", UNIT, "librosa, float32", {}),
    "librosa_mfcc_lifter22_htk": (
        "librosa", UNIT, "librosa, float32",
        {"n_mfcc": 13, "lifter": 22, "htk": True, "n_fft": 512, "win_length": 400, "hop_length": 160, "n_mels": 40},
    ),
    "knf_fbank80_int16": ("knf", INT16, "kaldi fbank", {"mel_opts": {"num_bins": 80}}),
    "knf_fbank80_float": ("knf", UNIT, "kaldi fbank", {"mel_opts": {"num_bins": 80}}),
    "knf_mfcc_int16": ("knf", INT16, "kaldi mfcc", {"kind": "mfcc"}),
    "knf_mfcc_c0_htkcompat_int16": (
        "knf", INT16, "kaldi mfcc", {"kind": "mfcc", "use_energy": False, "htk_compat": True},
    ),
    "psf_mfcc_int16": ("python_speech_features", INT16, "python_speech_features", {}),
    "psf_logfbank_int16": ("python_speech_features", INT16, "python_speech_features", {"kind": "logfbank"}),
    "ta_kaldi_fbank23_int16": ("compliance", INT16, "compliance fbank", {}),
    "ta_kaldi_mfcc_int16": ("compliance", INT16, "compliance mfcc", {"kind": "mfcc"}),
    "ta_MFCC_default": ("torchaudio", UNIT, "torchaudio mfcc", {}),
    "ta_MFCC_logmels": (
        "torchaudio", UNIT, "torchaudio mfcc, log_mels", {"n_mfcc": 13, "log_mels": True, "melkwargs": SPEECH_MEL},
    ),
    "hf_whisper80_first200": ("whisper", UNIT, "whisper", {"length": 480000}),
    "hf_whisper128_first200": ("whisper", UNIT, "whisper-v3", {"n_mels": 128, "length": 480000}),
    "hf_seamless": ("transformers", UNIT, "seamless", {"extractor": "SeamlessM4TFeatureExtractor"}),
    "hf_ast_first200": ("transformers", UNIT, "ast", {"extractor": "ASTFeatureExtractor"}),
    "hf_s2t": ("transformers", UNIT, "speech2text", {"extractor": "Speech2TextFeatureExtractor"}),
    "hf_parakeet_nemo": ("transformers", UNIT, "nemo", {"extractor": "ParakeetFeatureExtractor"}),
    "opensmile_MFCC12_0_D_A": ("opensmile", INT16, "opensmile", {}),
    "opensmile_MFCC12_E_D_A": ("opensmile", INT16, "opensmile", {"energy": True}),
    "opensmile_MFCC12_0_D_A_Z": ("opensmile", INT16, "opensmile", {"mean": True}),
    "opensmile_MFCC12_E_D_A_Z": ("opensmile", INT16, "opensmile", {"energy": True, "mean": True}),
    "essentia_mfcc_2048_512": ("essentia", UNIT, "essentia", {"hop": 512, "highFrequencyBound": 8000}),
}  # fmt: skip


@pytest.mark.parametrize("name", FROZEN)
@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
def test_frozen_peers(reference, name, dtype):
    peer, scale, row, options = FROZEN[name]
    with np.load(reference / "peers" / "golden_peers.npz") as stored:
        expected = stored[name].astype(np.float64)
    y = recording(reference / "htk" / "test.wav")
    fx = made(peer, scale, **options)
    if expected.shape[0] != fx.n_features:
        expected = expected.T
    if name.endswith("first200"):
        whole = fx(y.astype(dtype))
        off = np.abs(whole[:, :200] - expected).max()
        assert off <= (2 if dtype == np.float64 else 4) * ERRORS[row]
        return
    check(fx, y, expected, ERRORS[row], dtype)


TF = {"mfcc": {}, "log_mel": {"n_mfcc": None}, "mfcc_pad_end": {"pad_end": True}}


@pytest.mark.parametrize("name", TF)
@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
def test_frozen_tf(reference, name, dtype):
    with np.load(reference / "peers" / "tf_signal_golden.npz") as stored:
        expected = stored[name].T.astype(np.float64)
    check(made("tf.signal", UNIT, **TF[name]), recording(reference / "htk" / "test.wav"), expected, ERRORS["tf"], dtype)
