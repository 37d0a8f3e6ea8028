"""melfeat beside installed librosa: one configuration, one signal, both dtypes. Shared by two test files.

librosa 0.11 multiplies float32 signals by a float64 window, so its FFT runs in float64 and only the result is rounded:
its float32 spectra are off by half a unit in the last place. A transform that is float32 throughout adds a little
noise, a few eps of the length of the frame as a vector, to every bin, 130 to 140 dB below the frame. `Float32Bound`
carries that noise through the chain; all else is compared with librosa's own error.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import melfeat
from tests.support import direct_terms, eps, growth

FRAMING = ("n_fft", "hop_length", "win_length", "window", "center", "pad_mode")
CEPSTRUM = ("n_mfcc", "dct_type", "norm", "lifter")
STAGES = ("stft", "mel", "mfcc")

DEFAULTS: dict[str, Any] = {
    "n_fft": 2048,
    "hop_length": 512,
    "win_length": None,
    "window": "hann",
    "center": True,
    "pad_mode": "constant",
    "power": 2.0,
    "n_mels": 128,
    "fmin": 0.0,
    "fmax": None,
    "htk": False,
    "mel_norm": "slaney",
    "top_db": 80.0,
    "n_mfcc": 20,
    "dct_type": 2,
    "norm": "ortho",
    "lifter": 0,
}


def _framing(c: dict[str, Any]) -> dict[str, Any]:
    return {name: c[name] for name in FRAMING}


def _bank(c: dict[str, Any]) -> dict[str, Any]:
    return {"n_mels": c["n_mels"], "fmin": c["fmin"], "fmax": c["fmax"], "htk": c["htk"], "norm": c["mel_norm"]}


def _reflects_too_little(n: int, c: dict[str, Any]) -> bool:
    """Whether librosa 0.11 cuts the end of a signal too short before it mirrors it.

    It pads the last frames apart from the rest, from the first sample of theirs; where the last frame that touches the
    padding begins there is no more than half a frame left, which mirrors once and then back again.
    """
    half, hop = c["n_fft"] // 2, c["hop_length"]
    tail = (n + half - c["n_fft"]) // hop + 1
    apart = tail > -(-half // hop)
    return c["center"] and c["pad_mode"] in ("reflect", "symmetric") and apart and n - (tail * hop - half) <= half


def librosa_chain(y: np.ndarray, sr: float, c: dict[str, Any]) -> dict[str, np.ndarray]:
    """Return what librosa makes of ``(..., n)``, channel by channel; for float64 with a float64 filterbank."""
    import librosa

    if _reflects_too_little(y.shape[-1], c):
        half = c["n_fft"] // 2
        y = np.pad(y, [(0, 0)] * (y.ndim - 1) + [(half, half)], mode=c["pad_mode"])
        c = {**c, "center": False}

    def one(row: np.ndarray) -> tuple[np.ndarray, ...]:
        D = librosa.stft(row, **_framing(c))
        mel = librosa.feature.melspectrogram(y=row, sr=sr, power=c["power"], dtype=y.dtype, **_framing(c), **_bank(c))
        levels = librosa.power_to_db(mel, top_db=c["top_db"])
        return D, mel, librosa.feature.mfcc(S=levels, **{name: c[name] for name in CEPSTRUM})

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = [one(row) for row in y.reshape(int(np.prod(y.shape[:-1])), y.shape[-1])]
    return {
        stage: np.stack([row[i] for row in rows]).reshape(*y.shape[:-1], *rows[0][i].shape)
        for i, stage in enumerate(STAGES)
    }


def melfeat_chain(y: np.ndarray, sr: float, c: dict[str, Any]) -> dict[str, np.ndarray]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", melfeat.EmptyFilterWarning)
        return {
            "stft": melfeat.stft(y, **_framing(c)),
            "mel": melfeat.melspectrogram(y, sr, power=c["power"], **_framing(c), **_bank(c)),
            "mfcc": melfeat.mfcc(y, sr, **c),
        }


def _mel_bank(sr: float, c: dict[str, Any]) -> np.ndarray:
    from tests.oracles import bank

    return np.asarray(bank.mel(sr, c["n_fft"], c["n_mels"], c["fmin"], c["fmax"] or sr / 2, c["htk"], c["mel_norm"]))


def _largest_sum(sr: float, c: dict[str, Any]) -> float:
    return float(_mel_bank(sr, c).sum(axis=1).max())


class Float32Bound:
    """How far a float32 chain may be from the truth: the FFT's noise carried on, and the roundings of each stage."""

    def __init__(self, truth: dict[str, np.ndarray], sr: float, c: dict[str, Any]) -> None:
        from tests.oracles import cepstrum, decibels

        unit, n_fft = eps(np.float32), c["n_fft"]
        magnitude = np.abs(truth["stft"])
        energy = 2 * (magnitude**2).sum(axis=-2) - magnitude[..., 0, :] ** 2
        if n_fft % 2 == 0:
            energy -= magnitude[..., -1, :] ** 2
        noise = growth(n_fft) * unit * np.sqrt(np.maximum(energy, 0) / n_fft)[..., np.newaxis, :]
        # Where one bin holds the frame, the last passes round numbers half as large as that on the way to others, and
        # the partial sums of a direct sum are nearly as large.
        peak = magnitude.max(axis=-2, initial=0, keepdims=True)
        self.stft = noise + unit * (magnitude + (0.5 + 0.25 * np.sqrt(direct_terms(n_fft))) * peak)

        p = c["power"]
        low, high = np.maximum(magnitude - self.stft, 0) ** p, (magnitude + self.stft) ** p
        weights = _mel_bank(sr, c)
        terms = 8 + 0.5 * np.count_nonzero(weights, axis=1)[:, np.newaxis]
        mel = weights @ magnitude**p
        self.mel = weights @ (high - low) + terms * unit * mel

        # Decibels with floors are monotone, so the ends of the interval bound what is in between.
        levels = decibels.power_to_db(mel, top_db=c["top_db"])
        top = decibels.power_to_db(mel + self.mel, top_db=c["top_db"])
        bottom = decibels.power_to_db(np.maximum(mel - self.mel, 0), top_db=c["top_db"])
        of_levels = np.maximum(top - levels, levels - bottom) + 4 * unit * np.maximum(1, np.abs(levels))
        rows = min(c["n_mfcc"], c["n_mels"])
        matrix = cepstrum.dct(rows, c["n_mels"], c["dct_type"], c["norm"])
        matrix = np.abs(matrix * cepstrum.lifter(rows, c["lifter"])[:, np.newaxis])
        # Sums of equal terms, as silence has, round in one direction: n / 2 roundings at most, a quarter is seen.
        self.mfcc = matrix @ (of_levels + (4 + min(c["n_mels"], 48) / 6) * unit * np.abs(levels))


@dataclass
class Tally:
    """Errors collected over many cases: the worst of float64, and float32's ratios to librosa's."""

    float64: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    ratios: dict[str, list[float]] = field(default_factory=lambda: {stage: [] for stage in STAGES})

    def lines(self) -> list[str]:
        lines = []
        for stage in STAGES:
            r = np.array(self.ratios[stage] or [np.nan])
            lines.append(
                f"{stage:5s} float64 {self.float64[stage]:.1e} of the scale; float32 RMS error / librosa's: median "
                f"{np.median(r):.2f}, 95 % {np.quantile(r, 0.95):.2f}, worst {r.max():.2f} ({len(r)} cases)"
            )
        return lines


def scale_of(expected: np.ndarray) -> float:
    return float(np.abs(expected).max()) if expected.size else 0.0


def compare(y: np.ndarray, sr: float, c: dict[str, Any], tally: Tally, *, float64: bool = True) -> None:
    """Assert that melfeat is with librosa on ``y``, in float64 (1e-9 of the scale) and in float32."""
    single = y.astype(np.float32)
    double = single.astype(np.float64)
    truth = librosa_chain(double, sr, c)
    if float64:
        for stage, got in melfeat_chain(double, sr, c).items():
            assert got.shape == truth[stage].shape, stage
            assert got.dtype == truth[stage].dtype, stage
            scale = scale_of(truth[stage])
            if stage == "mel":  # bands may see nothing but the rounding of what is outside of them
                scale = max(scale, scale_of(truth["stft"]) ** c["power"] * _largest_sum(sr, c))
            error = scale_of(got - truth[stage]) / (scale or 1)
            tally.float64[stage] = max(tally.float64[stage], error)
            assert error <= 1e-9, f"{stage}: float64 is {error:.2g} of the scale away from librosa"
    theirs, bound = librosa_chain(single, sr, c), Float32Bound(truth, sr, c)
    for stage, got in melfeat_chain(single, sr, c).items():
        assert got.shape == theirs[stage].shape, stage
        assert got.dtype == theirs[stage].dtype, stage
        expected = truth[stage]
        ours, own = np.abs(got - expected), np.abs(theirs[stage] - expected)
        peak = scale_of(truth["stft"]) ** c["power"] * _largest_sum(sr, c)
        if scale_of(expected) > (1e-12 * peak if stage == "mel" else 1e-30):
            # No result is nearer than the truth rounded: eps / 5 of it, in the mean.
            tally.ratios[stage].append(_rms(ours) / max(_rms(own), eps(np.float32) / 5 * _rms(expected)))
        allowed = np.maximum(2 * own, getattr(bound, stage))
        excess = ours - allowed
        worst = excess.argmax() if excess.size else 0
        assert not (excess > 0).any(), (
            f"{stage}: float32 is {ours.flat[worst]:.2g} from the truth, librosa {own.flat[worst]:.2g}, "
            f"allowed {allowed.flat[worst]:.2g}"
        )


def _rms(error: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.abs(error).astype(np.float64) ** 2))) if error.size else 0.0


def show(request: Any, title: str, tally: Tally) -> None:
    """Write the figures to the terminal, whatever is captured."""
    plugins = request.config.pluginmanager
    reporter, capture = plugins.get_plugin("terminalreporter"), plugins.get_plugin("capturemanager")
    if reporter is None or capture is None:
        return
    with capture.global_and_fixture_disabled():
        reporter.write_line(f"\n{title}:")
        for line in tally.lines():
            reporter.write_line(f"  {line}")
