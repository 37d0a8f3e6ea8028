"""python_speech_features, Essentia, librosa, openSMILE, tf.signal as they are, and formulas. For `run.py`."""

from __future__ import annotations

import os
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import formulas
import numpy as np


def psf(
    y: np.ndarray,
    sr: float,
    kind: str = "mfcc",
    winfunc: str | None = None,
    deltas: tuple[int, ...] = (),
    **options: Any,
) -> np.ndarray:
    """python_speech_features' mfcc, fbank (the bands alone) or logfbank; `deltas` are the N of each order."""
    import python_speech_features as peer

    if winfunc is not None:
        options["winfunc"] = getattr(np, winfunc)
    out = getattr(peer, kind)(y, samplerate=sr, **options)
    blocks = [out[0] if kind == "fbank" else out]
    for width in deltas:
        blocks.append(peer.delta(blocks[-1], width))
    return np.concatenate(blocks, axis=1).T


def essentia(
    y: np.ndarray,
    sr: float,
    frame: int = 2048,
    hop: int = 1024,
    window: dict[str, Any] | None = None,
    cut: dict[str, Any] | None = None,
    bands: bool = False,
    **options: Any,
) -> np.ndarray:
    """Essentia's FrameGenerator, Windowing, Spectrum, MFCC; `bands` for the mel bands before the logarithm."""
    import essentia
    import essentia.standard as peer

    essentia.log.infoActive = False
    windowing = peer.Windowing(**(window or {}))
    zeros = (window or {}).get("zeroPadding", 0)
    spectrum = peer.Spectrum(size=frame + zeros)
    mfcc = peer.MFCC(inputSize=(frame + zeros) // 2 + 1, sampleRate=sr, **options)
    rows = []
    for samples in peer.FrameGenerator(y.astype(np.float32), frameSize=frame, hopSize=hop, **(cut or {})):
        rows.append(mfcc(spectrum(windowing(samples)))[0 if bands else 1])
    return np.array(rows, dtype=np.float32).reshape(len(rows), -1).T


def librosa(y: np.ndarray, sr: float, kind: str = "mfcc", float64_bank: bool = False, **options: Any) -> np.ndarray:
    """librosa's mfcc or melspectrogram, in the dtype of `y`; its filterbank is float32 unless asked for."""
    import librosa as peer

    if float64_bank:
        options["dtype"] = np.float64
    return getattr(peer.feature, kind)(y=y, sr=sr, **options)


def tf_signal(
    y: np.ndarray,
    sr: float,
    frame_length: int = 400,
    frame_step: int = 160,
    fft_length: int | None = None,
    pad_end: bool = False,
    n_mels: int = 80,
    low: float = 80.0,
    high: float = 7600.0,
    n_mfcc: int | None = 13,
) -> np.ndarray:
    """The pipeline of tf.signal's documentation: stft, magnitude, mel matrix, log(x + 1e-6), mfccs."""
    import tensorflow as tf

    spectrum = tf.abs(tf.signal.stft(tf.constant(y), frame_length, frame_step, fft_length, pad_end=pad_end))
    bank = tf.signal.linear_to_mel_weight_matrix(n_mels, spectrum.shape[-1], sr, low, high, dtype=spectrum.dtype)
    levels = tf.math.log(tf.tensordot(spectrum, bank, 1) + 1e-6)
    rows = levels if n_mfcc is None else tf.signal.mfccs_from_log_mel_spectrograms(levels)[..., :n_mfcc]
    return rows.numpy().T


def _smile_config(parts: dict[str, tuple[str, dict[str, Any]]]) -> str:
    lines = ["[componentInstances:cComponentManager]", "instance[dataMemory].type=cDataMemory"]
    lines += [f"instance[{name}].type={kind}" for name, (kind, _) in parts.items()]
    lines += ["nThreads=1", "printLevelStats=0"]
    for name, (kind, values) in parts.items():
        lines += [f"[{name}:{kind}]"] + [f"{key}={value}" for key, value in values.items()]
    return "\n".join(lines) + "\n"


def _regression(source: str, target: str) -> tuple[str, dict[str, Any]]:
    dynamic = {"writer.levelconf.growDyn": 1, "writer.levelconf.isRb": 0, "buffersize": 1000}
    return "cDeltaRegression", {
        "reader.dmLevel": source, "writer.dmLevel": target, **dynamic, "noPostEOIprocessing": 0, "deltawin": 2,
        "blocksize": 1,
    }  # fmt: skip


def _smile_parts(energy: bool, mean: bool, k: float, mel: dict[str, Any], mfcc: dict[str, Any], end: dict) -> dict:
    dynamic = {"writer.levelconf.growDyn": 1, "writer.levelconf.isRb": 0, "buffersize": 1000}

    def link(source: str, target: str, **values: Any) -> dict[str, Any]:
        return {"reader.dmLevel": source, "writer.dmLevel": target, **values}

    parts: dict[str, tuple[str, dict[str, Any]]] = {
        "source": ("cWaveSource", {"writer.dmLevel": "wave", "monoMixdown": 1, **end["source"]}),
        "frame": ("cFramer", link("wave", "frames", noPostEOIprocessing=1, frameSize=0.025, frameStep=0.01,
                                  frameMode="fixed", frameCenterSpecial="left")),
        "pre": ("cVectorPreemphasis", link("frames", "pre", k=k, de=0)),
        "window": ("cWindower", link("pre", "win", winFunc="ham", gain=1.0, offset=0)),
        "fft": ("cTransformFFT", link("win", "fft", inverse=0, zeroPadSymmetric=0)),
        "magnitude": ("cFFTmagphase", link("fft", "mag", magnitude=1, phase=0)),
        "mel": ("cMelspec", link("mag", "mel", htkcompatible=1, specScale="mel", **mel)),
        "mfcc": ("cMfcc", link("mel", "c", htkcompatible=1, **dynamic, **mfcc)),
        "d": _regression("c", "cd"),
        "a": _regression("cd", "ca"),
    }  # fmt: skip
    levels = "c;cd;ca"
    if energy:
        parts["energy"] = ("cEnergy", link("frames", "e", htkcompatible=1, rms=0, log=1, **dynamic))
        parts["ed"] = _regression("e", "ed")
        parts["ea"] = _regression("ed", "ea")
        levels = "c;e;cd;ed;ca;ea"
    if mean:
        parts["mean"] = ("cFullinputMean", link("c", "cm"))
        levels = levels.replace("c;", "cm;", 1)
    parts["sink"] = ("cHtkSink", {"reader.dmLevel": levels, "append": 0, "parmKind": 6, **end["sink"]})
    return parts


def opensmile(
    y: np.ndarray,
    sr: float,
    energy: bool = False,
    mean: bool = False,
    k: float = 0.97,
    mel: dict[str, Any] | None = None,
    lifter: float = 22.0,
) -> np.ndarray:
    """openSMILE's HTK-like MFCC, 12 and c0 or energy, deltas of two orders: its components, connected as it does."""
    import soundfile
    from opensmile.core.lib import OpenSMILE

    bands = {"nBands": 26, "usePower": 1, "lofreq": 0, "hifreq": 8000, **(mel or {})}
    with tempfile.TemporaryDirectory() as folder:
        wave, out, config = (Path(folder) / name for name in ("in.wav", "out.htk", "mfcc.conf"))
        soundfile.write(wave, np.round(y).astype(np.int16), int(sr), subtype="PCM_16")
        cepstra = {"firstMfcc": int(energy), "lastMfcc": 12, "cepLifter": lifter}
        end = {"source": {"filename": wave}, "sink": {"filename": out}}
        config.write_text(_smile_config(_smile_parts(energy, mean, k, bands, cepstra, end)), encoding="utf-8")
        smile = OpenSMILE()
        smile.initialize(str(config), {}, loglevel=0)
        smile.run()
        smile.free()
        return read_htk(out)


def read_htk(path: Path) -> np.ndarray:
    """Return the features ``(n_features, n_frames)`` of an HTK parameter file."""
    data = path.read_bytes()
    n_frames, size = int.from_bytes(data[:4], "big"), int.from_bytes(data[8:10], "big")
    return np.frombuffer(data, ">f4", n_frames * size // 4, 12).reshape(n_frames, -1).astype(np.float32).T


def hcopy(y: np.ndarray, sr: float, **options: Any) -> np.ndarray:
    """HTK's HCopy, the program that the environment variable HCOPY names; options by its own names in lower case."""
    import soundfile

    values = {"target": "MFCC_0", "window_seconds": 0.0256, "step_seconds": 0.01, **options}
    lines = ["SOURCEFORMAT = WAV", f"TARGETKIND = {values.pop('target')}"]
    for name, unit in (("WINDOWSIZE", "window_seconds"), ("TARGETRATE", "step_seconds")):
        lines.append(f"{name} = {values.pop(unit) * 1e7:.1f}")
    for name, value in values.items():
        text = "TF"[not value] if isinstance(value, bool) else f"{value:g}"
        lines.append(f"{name.upper()} = {text}")
    with tempfile.TemporaryDirectory() as folder:
        wave, out, config = (Path(folder) / name for name in ("in.wav", "out.htk", "hcopy.conf"))
        soundfile.write(wave, np.round(y).astype(np.int16), int(sr), subtype="PCM_16")
        config.write_text("\n".join(lines) + "\n", encoding="utf-8")
        command = [os.environ["HCOPY"], "-C", str(config), str(wave), str(out)]
        subprocess.run(command, check=True, capture_output=True)
        return read_htk(out)


@cache
def _formula(kind: str) -> Any:
    return getattr(formulas, kind)


def formula(y: np.ndarray, sr: float, kind: str, **options: Any) -> np.ndarray:
    """A front end that cannot run here, computed from its published definition in float64."""
    return np.asarray(_formula(kind)(y.astype(np.float64), sr, **options))


PEERS = {
    "python_speech_features": psf,
    "essentia": essentia,
    "librosa": librosa,
    "tf.signal": tf_signal,
    "opensmile": opensmile,
    "hcopy": hcopy,
    "formula": formula,
}
