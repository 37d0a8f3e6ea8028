"""Kaldi's descendants as they are: kaldi-native-fbank and torchaudio.compliance.kaldi. Imported by `run.py` only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np


def _set(options: Any, values: dict[str, Any]) -> None:
    for name, value in values.items():
        if isinstance(value, dict):
            _set(getattr(options, name), value)
        else:
            getattr(options, name)  # an unknown name is an error, not a new attribute
            setattr(options, name, value)


def _frames(extractor: Any, y: np.ndarray, sr: float) -> np.ndarray:
    if len(y):
        extractor.accept_waveform(sr, y.astype(np.float32))
    extractor.input_finished()
    rows = [extractor.get_frame(t) for t in range(extractor.num_frames_ready)]
    return np.array(rows, dtype=np.float32).reshape(len(rows), extractor.dim)


def knf(
    y: np.ndarray,
    sr: float,
    kind: str = "fbank",
    delta_order: int = 0,
    delta_window: int = 2,
    cmvn: str | None = None,
    **options: Any,
) -> np.ndarray:
    """kaldi-native-fbank with dither 0; `options` by the names of its option structs; deltas and CMVN by its own."""
    import kaldi_native_fbank as native

    chosen = native.FbankOptions() if kind == "fbank" else native.MfccOptions()
    chosen.frame_opts.dither = 0.0
    chosen.frame_opts.samp_freq = sr
    _set(chosen, options)
    extractor = native.OnlineFbank(chosen) if kind == "fbank" else native.OnlineMfcc(chosen)
    rows = _frames(extractor, y, sr)
    if cmvn is not None:
        stats = native.compute_cmvn_stats(rows)
        rows = np.asarray(native.apply_cmvn(stats, native.CmvnOptions(norm_vars=cmvn == "mean_var"), rows))
    if delta_order:
        rows = np.asarray(native.compute_deltas(native.DeltaOptions(order=delta_order, window=delta_window), rows))
    return rows.T


def knf_nemo(y: np.ndarray, sr: float, **options: Any) -> np.ndarray:
    """The log mel spectrogram of kaldi-native-fbank's NeMo front end, before normalisation."""
    import kaldi_native_fbank as native

    chosen = native.NemoFbankOptions()
    chosen.samp_freq = sr
    _set(chosen, options)
    extractor = native.OnlineNemoFbank(chosen)
    if len(y):
        extractor.accept_waveform(sr, y.astype(np.float32))
    extractor.input_finished()
    n_frames = extractor.num_frames_ready
    if n_frames == 0:
        return np.zeros((extractor.dim, 0), dtype=np.float32)
    return np.asarray(extractor.get_frames(0, n_frames, is_final=True)[0]).T


@contextmanager
def tables_in(dtype: np.dtype) -> Iterator[None]:
    """Let torch make its tables (windows, filterbanks, cosines) in a dtype: else they are float32 for any signal."""
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64 if dtype == np.float64 else torch.float32)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def compliance(
    y: np.ndarray,
    sr: float,
    kind: str = "fbank",
    delta_order: int = 0,
    sliding: dict[str, Any] | None = None,
    exact: bool = False,
    **options: Any,
) -> np.ndarray:
    """torchaudio.compliance.kaldi; `delta_order` and `sliding` by torchaudio.functional; `exact`: tables in float64."""
    import torch
    import torchaudio.compliance.kaldi as ta
    from torchaudio.functional import compute_deltas, sliding_window_cmn

    with tables_in(y.dtype if exact else np.dtype(np.float32)):
        rows = getattr(ta, kind)(torch.from_numpy(y)[None], sample_frequency=float(sr), **options)
    if sliding is not None:
        rows = sliding_window_cmn(rows, **sliding)
    return _with_deltas(rows.T, delta_order, compute_deltas).numpy()


def _with_deltas(features: Any, order: int, compute_deltas: Any) -> Any:
    import torch

    blocks = [features]
    for _ in range(order):
        blocks.append(compute_deltas(blocks[-1][None], win_length=5)[0])
    return torch.cat(blocks)


def transforms(
    y: np.ndarray, sr: float, kind: str = "MFCC", delta_order: int = 0, exact: bool = False, **options: Any
) -> np.ndarray:
    """torchaudio.transforms.MelSpectrogram or MFCC, in the dtype of `y`; `exact`: tables in float64 too."""
    import torch
    import torchaudio
    from torchaudio.functional import compute_deltas

    with tables_in(y.dtype if exact else np.dtype(np.float32)):
        module = getattr(torchaudio.transforms, kind)(sample_rate=sr, **options).to(torch.from_numpy(y).dtype)
    return _with_deltas(module(torch.from_numpy(y)), delta_order, compute_deltas).numpy()


PEERS = {"knf": knf, "knf-nemo": knf_nemo, "compliance": compliance, "torchaudio": transforms}
