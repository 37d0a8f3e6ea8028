"""Front ends of speech models: Whisper's formula in torch, the feature extractors of transformers. For `run.py`."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from kaldi import tables_in


@cache
def _whisper_bank(n_mels: int) -> np.ndarray:
    import librosa

    return librosa.filters.mel(sr=16000, n_fft=400, n_mels=n_mels)  # equals Whisper's own file bit by bit


def whisper(y: np.ndarray, sr: float, n_mels: int = 80, length: int | None = None) -> np.ndarray:
    """What OpenAI's `log_mel_spectrogram` computes, in the dtype of `y`, of the signal cut or padded to `length`."""
    import torch

    if length is not None:
        y = np.pad(y[:length], (0, max(0, length - len(y))))
    signal = torch.from_numpy(y)
    window = torch.hann_window(400, dtype=signal.dtype)
    spectrum = torch.stft(signal, 400, 160, window=window, return_complex=True)
    bands = torch.from_numpy(_whisper_bank(n_mels)).to(signal.dtype) @ spectrum[:, :-1].abs().square()
    levels = bands.clamp(min=1e-10).log10()
    return ((torch.maximum(levels, levels.max() - 8.0) + 4.0) / 4.0).numpy()


@cache
def _extractor(name: str, options: tuple[tuple[str, Any], ...]) -> Any:
    import transformers

    return getattr(transformers, name)(**dict(options))


def transformers(
    y: np.ndarray,
    sr: float,
    extractor: str,
    call: dict[str, Any] | None = None,
    numpy_path: bool = False,
    exact: bool = False,
    **options: Any,
) -> np.ndarray:
    """A feature extractor of transformers, `extractor` its class; `options` are its own, `call` those of the call.

    `exact` runs the same methods on float64, which the call itself would round first.
    """
    made = _extractor(extractor, tuple(options.items()))
    if numpy_path:
        return made._np_extract_fbank_features(y[None], "cpu")[0]
    if exact:
        return _in_float64(made, y)
    out = made(y.astype(np.float32), sampling_rate=int(sr), return_tensors="np", **(call or {}))
    features = out["input_features"] if "input_features" in out else out["input_values"]
    features = np.asarray(features)[0]
    return features if extractor == "WhisperFeatureExtractor" else features.T


def _in_float64(made: Any, y: np.ndarray) -> np.ndarray:
    with tables_in(y.dtype):
        if hasattr(made, "max_length"):  # AST
            rows = made._extract_fbank_features(y, max_length=made.max_length)
            return (made.normalize(rows) if made.do_normalize else rows).T
        rows = made._extract_fbank_features(y)
        return made.normalize([rows])[0].astype(np.float64).T if made.do_ceptral_normalize else rows.T


PEERS = {"whisper": whisper, "transformers": transformers}
