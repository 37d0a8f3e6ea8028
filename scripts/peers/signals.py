"""The signals of the golden cases, int16: synthetic speech at five sampling rates, and what breaks front ends.

The speech is a piece of the recording that `melfeat demo` plays, which is synthetic itself (`make_demo_sound.py`).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

DEMO = Path(__file__).parents[2] / "src" / "melfeat" / "data" / "demo.flac"
START, SECONDS = 0.35, 0.55  # of the demo: a vowel, a fricative, a pause
SEED = 1966


def _int16(y: np.ndarray) -> np.ndarray:
    return np.clip(np.round(y * 32768.0), -32768, 32767).astype(np.int16)


def make_signals() -> dict[str, tuple[int, np.ndarray]]:
    """Return sampling rate and samples of every signal by its name."""
    import soundfile
    import soxr

    y, sr = soundfile.read(DEMO, dtype="float64")
    y = y[int(START * sr) : int((START + SECONDS) * sr)]
    rng = np.random.default_rng(SEED)
    out = {}
    rates = {"voice8": 8000, "voice11": 11025, "voice16": 16000, "voice22": 22050, "voice44": 44100}
    for name, rate in rates.items():
        z = y if rate == sr else soxr.resample(y, sr, rate)
        # A little noise: resampled speech has bands without any energy, where every peer shows its own roundings.
        out[name] = (rate, _int16(0.7 * z + 3e-4 * rng.standard_normal(len(z))))
    out["voice11k"] = (11000, out["voice11"][1])  # ETSI's middle rate, a trifle faster
    out["silence16"] = (16000, np.zeros(2000, dtype=np.int16))
    out["noise16"] = (16000, rng.integers(-32768, 32768, 2400).astype(np.int16))
    out["dc16"] = (16000, np.full(2400, 12345, dtype=np.int16))
    clicks = np.zeros(3000, dtype=np.int16)
    # Nowhere within 40 samples of the ends of frames of 400 every 160: there, torch's float32 windows are off by 1e-4.
    clicks[[40, 680, 681, 1480, 2920]] = (32767, 32767, -32768, 20000, -32768)
    out["clicks16"] = (16000, clicks)
    return out
