"""Make the recording of `melfeat demo`: five seconds of synthetic speech, of our own making.

A source-filter synthesiser: a train of glottal pulses (Rosenberg's shape) with a falling, slightly vibrating pitch runs
through a cascade of second-order resonators whose frequencies glide from vowel to vowel; fricatives are noise through
one broad resonator. The first three formants of each vowel are near the averages of adult speakers that Peterson and
Barney (1952) measured. Everything is drawn from one seeded generator, so the file can be made again.

Run from the root of the project: ``python scripts/make_demo_sound.py``
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile as sf
from scipy.signal import lfilter

SR = 22050  # [Hz]
SEED = 20240117
BLOCK = 64  # samples between two updates of a resonator: 2.9 ms

# Formants F1..F5 [Hz] of the vowels; their bandwidths [Hz] are common to all.
VOWELS = {
    "a": (730.0, 1150.0, 2500.0, 3600.0, 4600.0),
    "e": (500.0, 1850.0, 2550.0, 3600.0, 4600.0),
    "i": (290.0, 2250.0, 3000.0, 3700.0, 4700.0),
    "o": (500.0, 880.0, 2450.0, 3500.0, 4500.0),
    "u": (320.0, 880.0, 2300.0, 3500.0, 4500.0),
    "m": (270.0, 1050.0, 2150.0, 3300.0, 4400.0),
}
BANDWIDTHS = (70.0, 90.0, 130.0, 220.0, 350.0)

# Centre and bandwidth [Hz] of the noise of each fricative.
FRICATIVES = {"s": (6800.0, 2600.0), "S": (3300.0, 1500.0), "f": (5200.0, 6000.0)}

# (sound, duration [s], level): " " is a pause. Read aloud: "mamo shia, sue, fai ... soua mi".
SCORE = [
    (" ", 0.15, 0.0),
    ("m", 0.10, 0.35), ("a", 0.26, 1.0), ("m", 0.09, 0.35), ("o", 0.30, 0.9),
    (" ", 0.06, 0.0),
    ("S", 0.17, 0.30), ("i", 0.24, 0.7), ("a", 0.34, 1.0),
    (" ", 0.16, 0.0),
    ("s", 0.18, 0.34), ("u", 0.26, 0.8), ("e", 0.30, 0.9),
    (" ", 0.14, 0.0),
    ("f", 0.14, 0.16), ("a", 0.26, 1.0), ("i", 0.30, 0.7),
    (" ", 0.20, 0.0),
    ("s", 0.16, 0.34), ("o", 0.24, 0.9), ("u", 0.22, 0.8), ("a", 0.30, 1.0), ("m", 0.10, 0.35), ("i", 0.30, 0.6),
]  # fmt: skip
TOTAL = 5.0  # [s]


def resonate(x: np.ndarray, centre: np.ndarray, bandwidth: float) -> np.ndarray:
    """Run `x` through a unit-gain second-order resonator whose centre [Hz] may change every `BLOCK` samples."""
    out = np.empty_like(x)
    state = np.zeros(2)
    radius = np.exp(-np.pi * bandwidth / SR)
    for start in range(0, x.size, BLOCK):
        b1 = 2 * radius * np.cos(2 * np.pi * centre[start] / SR)
        b2 = -radius * radius
        out[start : start + BLOCK], state = lfilter([1 - b1 - b2], [1, -b1, -b2], x[start : start + BLOCK], zi=state)
    return out


def glottal_flow(pitch: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the derivative of Rosenberg's glottal pulse for a pitch contour [Hz], with a little breath in it."""
    phase = np.cumsum(pitch / SR) % 1.0
    opening, closing = 0.4, 0.16
    flow = np.where(phase < opening, 0.5 - 0.5 * np.cos(np.pi * phase / opening), 0.0)
    falling = (phase >= opening) & (phase < opening + closing)
    flow = np.where(falling, np.cos(0.5 * np.pi * (phase - opening) / closing), flow)
    breath = 0.012 * rng.standard_normal(pitch.size) * (0.3 + flow)
    return np.diff(flow + breath, prepend=0.0)


def smooth(x: np.ndarray, seconds: float) -> np.ndarray:
    """Smooth a contour with a Hann kernel, holding its ends."""
    n = int(seconds * SR) | 1
    kernel = np.hanning(n + 2)[1:-1]
    return np.convolve(np.pad(x, n // 2, mode="edge"), kernel / kernel.sum(), mode="valid")


def synthesise() -> np.ndarray:
    """Return the recording as int16 samples."""
    rng = np.random.default_rng(SEED)
    n = int(TOTAL * SR)
    t = np.arange(n) / SR
    voiced = np.zeros(n)
    formants = np.full((5, n), np.nan)
    hiss = {name: np.zeros(n) for name in FRICATIVES}

    at = 0
    for sound, seconds, level in SCORE:
        part = slice(at, at + int(seconds * SR))
        at = part.stop
        if sound in VOWELS:
            voiced[part] = level
            formants[:, part] = np.array(VOWELS[sound])[:, None]
        elif sound in FRICATIVES:
            hiss[sound][part] = level
    assert at <= n, "the score is longer than the recording"

    # The tongue moves through pauses and fricatives too: interpolate the formants between vowels, then smooth.
    for row in formants:
        known = np.flatnonzero(~np.isnan(row))
        row[:] = smooth(np.interp(np.arange(n), known, row[known]), 0.14)

    pitch = 132.0 - 7.0 * t + 9.0 * np.sin(2 * np.pi * 0.55 * t) + 2.0 * np.sin(2 * np.pi * 5.2 * t)
    pitch *= 1 + 0.004 * smooth(rng.standard_normal(n), 0.02)
    y = glottal_flow(pitch, rng) * smooth(voiced, 0.05)
    for row, bandwidth in zip(formants, BANDWIDTHS, strict=True):
        y = resonate(y, row, bandwidth)
    y /= np.abs(y).max()

    for name, (centre, bandwidth) in FRICATIVES.items():
        noise = resonate(rng.standard_normal(n), np.full(n, centre), bandwidth)
        y += 0.45 * smooth(hiss[name], 0.045) * noise / (3 * noise.std())

    y = 0.6 * y / np.abs(y).max() + 2e-4 * rng.standard_normal(n)  # a room's noise at about -74 dB
    return np.round(y * 32767).astype(np.int16)


def main() -> None:
    samples = synthesise()
    target = Path(__file__).parents[1] / "src" / "melfeat" / "data" / "demo.flac"
    sf.write(target, samples, SR, subtype="PCM_16")
    print(f"{target.name}: {samples.size / SR:g} s, {SR} Hz, {target.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
