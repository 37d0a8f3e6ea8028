"""Write `tests/golden/*.npz`: what librosa 0.11.0 makes of drawn signals, for machines without librosa.

Run it in an environment with ``librosa==0.11.0``::

    python scripts/make_golden.py

A file holds one case: the signal as float32, the options as JSON, librosa's stft, melspectrogram and mfcc of the signal
in float64 with a float64 filterbank, the spectra of a few frames only, and its mfcc in float32. `versions.json` has the
versions and the seed.
"""

from __future__ import annotations

import json
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

LIBROSA = "0.11.0"
SEED = 1966
FOLDER = Path(__file__).parents[1] / "tests" / "golden"

#: Spectra are kept of these frames only: first, last, and some between.
MAX_SPECTRA = 6

CASES: dict[str, dict[str, Any]] = {
    "defaults": {"n": 6000},
    "power_1": {"n": 4000, "power": 1.0},
    "speech": {
        "n": 8000,
        "sr": 16000,
        "n_fft": 512,
        "hop_length": 160,
        "win_length": 400,
        "window": "hamming",
        "n_mels": 40,
        "n_mfcc": 13,
        "lifter": 22,
        "htk": True,
    },
    "whisper": {"n": 6400, "sr": 16000, "n_fft": 400, "hop_length": 160, "n_mels": 80, "pad_mode": "reflect"},
    "odd": {"n": 3000, "n_fft": 1103, "hop_length": 441, "n_mels": 26, "pad_mode": "edge", "dct_type": 3},
    "prime": {"n": 5000, "sr": 8000, "n_fft": 2039, "hop_length": 800, "n_mels": 23, "center": False, "norm": None},
    "uncentred": {"n": 4001, "n_fft": 1024, "hop_length": 300, "center": False, "mel_norm": None, "dct_type": 1},
    "gaps": {"n": 4000, "n_fft": 200, "hop_length": 333, "n_mels": 12, "window": ["kaiser", 8.6], "top_db": None},
    "narrow": {"n": 4000, "sr": 44100, "n_fft": 2048, "n_mels": 16, "fmin": 300.0, "fmax": 3400.0, "mel_norm": 1},
    "exponent": {"n": 3000, "n_fft": 600, "hop_length": 200, "n_mels": 20, "power": 1.5, "pad_mode": "symmetric"},
    "stereo": {"n": 2500, "channels": 2, "n_fft": 256, "hop_length": 128, "n_mels": 10, "n_mfcc": 10},
    "short": {"n": 100, "n_fft": 512, "n_mels": 20, "pad_mode": "linear_ramp"},
    "one_sample": {"n": 1, "n_fft": 512, "n_mels": 20},
    "empty": {"n": 0, "n_fft": 512, "n_mels": 20},
}


def make_signal(rng: np.random.Generator, sr: int, n: int, channels: int) -> np.ndarray:
    """Return a chirp in noise with a silent last fifth, in float32."""
    t = np.arange(n) / sr
    y = 0.3 * np.sin(2 * np.pi * (150 + 1500 * t) * t) + 0.02 * rng.standard_normal((channels, n))
    y[:, n - n // 5 :] *= 1e-4
    return (y if channels > 1 else y[0]).astype(np.float32)


def librosa_values(y: np.ndarray, sr: int, o: dict[str, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return stft, melspectrogram and mfcc of every channel, with librosa's defaults for what is not in `o`."""
    import librosa

    framing = {k: o[k] for k in ("n_fft", "hop_length", "win_length", "window", "center", "pad_mode") if k in o}
    framing.setdefault("hop_length", 512)
    bank = {k: o[k] for k in ("n_mels", "fmin", "fmax", "htk", "power") if k in o}
    cepstrum = {k: o[k] for k in ("n_mfcc", "dct_type", "norm", "lifter") if k in o}
    rows = []
    for row in np.atleast_2d(y):
        mel = librosa.feature.melspectrogram(
            y=row, sr=sr, dtype=y.dtype, norm=o.get("mel_norm", "slaney"), **framing, **bank
        )
        levels = librosa.power_to_db(mel, top_db=o.get("top_db", 80.0))
        rows.append((librosa.stft(row, **framing), mel, librosa.feature.mfcc(S=levels, **cepstrum)))
    stacked = [np.stack(values) for values in zip(*rows, strict=True)]
    return tuple(values if y.ndim > 1 else values[0] for values in stacked)  # type: ignore[return-value]


def main() -> int:
    if version("librosa") != LIBROSA:
        print(f"librosa {version('librosa')} is installed: expected {LIBROSA}", file=sys.stderr)
        return 1
    FOLDER.mkdir(exist_ok=True)
    for index, (name, case) in enumerate(CASES.items()):
        options = {"sr": 22050, **case}
        n, channels, sr = options.pop("n"), options.pop("channels", 1), options.pop("sr")
        y = make_signal(np.random.default_rng([SEED, index]), sr, n, channels)
        plain = {k: tuple(v) if isinstance(v, list) else v for k, v in options.items()}
        D, mel, mfcc = librosa_values(y.astype(np.float64), sr, plain)
        frames = np.unique(np.linspace(0, D.shape[-1] - 1, MAX_SPECTRA).astype(int))
        np.savez_compressed(
            FOLDER / f"{name}.npz",
            y=y,
            sr=sr,
            options=json.dumps(options),
            frames=frames,
            stft=D[..., frames],
            mel=mel[..., frames],
            mfcc=mfcc,
            mfcc32=librosa_values(y, sr, plain)[2],
        )
    names = ("librosa", "numpy", "scipy")
    about = {"seed": SEED, "python": platform.python_version(), **{package: version(package) for package in names}}
    (FOLDER / "versions.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    size = sum(path.stat().st_size for path in FOLDER.iterdir())
    print(f"{len(CASES)} cases, {size / 1024:.0f} KB in {FOLDER}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
