"""The one table of peers: how to install each, what it runs for each quantity, how exact its result must be.

`PEERS` feeds the correctness checks and the timings of all benchmarks. A peer *prepares* a workload: constants that its
users would keep (filterbanks, windows, plans) are made there, and what is timed is the call that a signal costs. Each
result is checked against a float64 definition (`truth.py`) of what that peer says it computes.
"""

from __future__ import annotations

import harness  # isort: skip

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

import numpy as np
import truth

__all__ = ["PEERS", "Case", "Job", "Peer", "error_of", "signal"]


@cache
def signal(seconds: float, sr: int, dtype: str = "float32") -> np.ndarray:
    """Return a voice-like signal: harmonics of a gliding pitch that come and go, in noise 30 dB below."""
    n = round(seconds * sr)
    t = np.arange(n) / sr
    phase = 2 * np.pi * (140 * t + 6 * np.sin(2 * np.pi * 0.7 * t))
    voice = sum(np.sin(k * phase) / k for k in range(1, 20) if 170 * k < sr / 2)
    y = 0.2 * voice * (0.55 + 0.45 * np.sin(2 * np.pi * 2.3 * t)) + 0.01 * np.random.default_rng(1).standard_normal(n)
    return np.asarray(y, dtype=dtype)


@dataclass(frozen=True)
class Job:
    """A quantity (``mfcc``, ``mel``, ``logmel``, ``rfft``, …) of a signal, with librosa's parameter names."""

    quantity: str
    sr: int
    seconds: float
    parameters: Mapping[str, Any] = field(default_factory=dict)
    dtype: str = "float32"

    @property
    def n_fft(self) -> int:
        """Length of the transform."""
        return int(self.parameters.get("n_fft", 2048))

    @property
    def hop(self) -> int:
        """Distance of neighbouring frames."""
        return int(self.parameters.get("hop_length", 512))

    @property
    def length(self) -> int:
        """Length of the window."""
        return int(self.parameters.get("win_length") or self.n_fft)

    @property
    def n_mels(self) -> int:
        """Number of mel bands."""
        return int(self.parameters.get("n_mels", 128))

    @property
    def n_mfcc(self) -> int:
        """Number of coefficients."""
        return int(self.parameters.get("n_mfcc", 20))

    @cached_property
    def y(self) -> np.ndarray:
        """The signal."""
        return signal(self.seconds, self.sr, self.dtype)

    @cached_property
    def padded(self) -> np.ndarray:
        """The signal extended by half a frame of zeros on both sides, for peers that cannot centre frames."""
        return np.pad(self.y, self.n_fft // 2)

    @cached_property
    def windowed_frames(self) -> np.ndarray:
        """The frames ``(t, n_fft)`` of the signal, windowed, in its dtype."""
        window = truth.centred(truth.hann(self.length), self.n_fft)
        mode = self.parameters.get("pad_mode", "constant")
        return (truth.framed(self.y, self.n_fft, self.hop, pad=self.n_fft // 2, mode=mode) * window).astype(self.dtype)

    @cached_property
    def expected(self) -> np.ndarray:
        """What librosa's definition of the quantity gives in float64."""
        if self.quantity == "rfft":
            return np.fft.rfft(self.windowed_frames.astype(np.float64))
        if self.quantity == "mfcc":
            return truth.mfcc(self.y, self.sr, **self.parameters)
        S = truth.melspectrogram(self.y, self.sr, **self.parameters)
        return truth.decibels(S) if self.quantity == "logmel" else S


@dataclass(frozen=True)
class Case:
    """What is timed, how its result is seen for the comparison, and with what it is compared (None: the job's)."""

    run: Callable[[], Any]
    view: Callable[[Any], np.ndarray] = np.asarray
    expected: Callable[[], np.ndarray] | None = None


@dataclass(frozen=True)
class Peer:
    """A library, how it is installed, and what it can compute.

    `prepare` gives for each quantity a function from a `Job` to a `Case`; `tolerance` the largest error of its results
    in float32, as a part of the largest value, and `tolerance64` in float64.
    """

    name: str
    distribution: str
    module: str
    install: str
    prepare: Mapping[str, Callable[[Job], Case]]
    tolerance: float = 2e-5
    tolerance64: float = 1e-9
    note: str = ""

    def absent(self) -> str | None:
        """Return why the peer cannot run here, or None."""
        try:
            importlib.import_module(self.module)
        except Exception as error:  # a broken installation is absent too, and says why
            return f"{type(error).__name__}: {error} (install: {self.install})".replace("\n", " ")
        return None

    def limit(self, job: Job) -> float:
        """Return the tolerance for a job."""
        return self.tolerance64 if job.dtype == "float64" else self.tolerance


def error_of(case: Case, job: Job) -> float:
    """Return the largest difference between what a case computes and what it should, relative to the largest value."""
    got = np.asarray(case.view(case.run()))
    expected = job.expected if case.expected is None else case.expected()
    if got.shape != expected.shape:
        raise ValueError(f"shape {got.shape}, expected {expected.shape}")
    return float(np.abs(got - expected).max() / np.abs(expected).max())


# ---------------------------------------------------------------------------------------------------------------------
# melfeat and librosa: one vocabulary
# ---------------------------------------------------------------------------------------------------------------------


def _melfeat_mfcc(job: Job) -> Case:
    import melfeat

    return Case(lambda: melfeat.mfcc(job.y, job.sr, **job.parameters))


def _melfeat_kaldi(job: Job) -> Case:
    import melfeat

    fx = melfeat.Extractor(
        "kaldi-mfcc", sr=job.sr, win_length=job.length, hop_length=job.hop, n_fft=job.n_fft, n_mels=job.n_mels,
        n_mfcc=job.n_mfcc, input_scale=1.0,
    )  # fmt: skip
    return Case(lambda: fx(job.y).T, expected=lambda: truth.kaldi_mfcc(job.y, job.sr, **_own_frames(job)))


def _melfeat_psf(job: Job) -> Case:
    import melfeat

    fx = melfeat.Extractor(
        "python_speech_features", sr=job.sr, win_length=job.length, hop_length=job.hop, n_fft=job.n_fft,
        n_mels=job.n_mels, n_mfcc=job.n_mfcc, input_scale=1.0,
    )  # fmt: skip
    return Case(lambda: fx(job.y).T, expected=lambda: truth.psf_mfcc(job.y, job.sr, **_own_frames(job)))


def _melfeat_whisper(job: Job) -> Case:
    import melfeat

    fx = melfeat.Extractor("whisper", n_mels=job.n_mels)
    # Whisper leaves the last frame out; its result is a scale and an offset away from decibels.
    levels = Job("logmel", job.sr, job.seconds, job.parameters, job.dtype)
    return Case(lambda: fx(job.y), view=lambda result: result * 40 - 40, expected=lambda: levels.expected[:, :-1])


def _melfeat_mel(job: Job) -> Case:
    import melfeat

    return Case(lambda: melfeat.melspectrogram(job.y, job.sr, **job.parameters))


def _melfeat_logmel(job: Job) -> Case:
    import melfeat

    return Case(lambda: melfeat.power_to_db(melfeat.melspectrogram(job.y, job.sr, **job.parameters)))


def _librosa_mfcc(job: Job) -> Case:
    import librosa

    return Case(lambda: librosa.feature.mfcc(y=job.y, sr=job.sr, **job.parameters))


def _librosa_mel(job: Job) -> Case:
    import librosa

    return Case(lambda: librosa.feature.melspectrogram(y=job.y, sr=job.sr, **job.parameters))


def _librosa_logmel(job: Job) -> Case:
    import librosa

    def run() -> Any:
        return librosa.power_to_db(librosa.feature.melspectrogram(y=job.y, sr=job.sr, **job.parameters))

    return Case(run)


# ---------------------------------------------------------------------------------------------------------------------
# torch: the operations of torchaudio.transforms.MFCC and of Whisper's log_mel_spectrogram, on MKL
# ---------------------------------------------------------------------------------------------------------------------


def _torch() -> Any:
    import torch

    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    return torch


def _torch_mel_of(job: Job) -> Callable[[], Any]:
    torch = _torch()
    kind = getattr(torch, job.dtype)
    y = torch.from_numpy(job.y)
    window = torch.from_numpy(truth.hann(job.length)).to(kind)
    bank = truth.mel_matrix(job.sr, job.n_fft, job.n_mels, job.parameters.get("fmin", 0.0), job.parameters.get("fmax"))
    weights = torch.from_numpy(bank.T.copy()).to(kind)
    mode = job.parameters.get("pad_mode", "constant")

    def run() -> Any:
        spectrum = torch.stft(
            y, job.n_fft, job.hop, job.length, window, center=True, pad_mode=mode, normalized=False, onesided=True,
            return_complex=True,
        )  # fmt: skip
        return torch.matmul(spectrum.abs().pow(2.0).transpose(-1, -2), weights).transpose(-1, -2)

    return run


def _torch_mel(job: Job) -> Case:
    return Case(_torch_mel_of(job), view=lambda result: result.numpy())


def _torch_mfcc(job: Job) -> Case:
    torch = _torch()
    mel = _torch_mel_of(job)
    rows = torch.from_numpy(truth.cosines(job.n_mfcc, job.n_mels).T.copy()).to(getattr(torch, job.dtype))

    def run() -> Any:
        level = 10.0 * torch.log10(torch.clamp(mel(), min=1e-10))
        level = torch.max(level, level.max() - 80.0)
        return torch.matmul(level.transpose(-1, -2), rows).transpose(-1, -2)

    return Case(run, view=lambda result: result.numpy())


def _torch_logmel(job: Job) -> Case:
    torch = _torch()
    y = torch.from_numpy(job.y)
    window = torch.hann_window(job.n_fft)
    weights = torch.from_numpy(truth.mel_matrix(job.sr, job.n_fft, job.n_mels)).to(torch.float32)

    def run() -> Any:
        spectrum = torch.stft(y, job.n_fft, job.hop, window=window, return_complex=True)
        level = torch.clamp(weights @ (spectrum.abs() ** 2), min=1e-10).log10()
        return (torch.maximum(level, level.max() - 8.0) + 4.0) / 4.0

    return Case(run, view=lambda result: result.numpy() * 40 - 40)


def _torch_rfft(job: Job) -> Case:
    torch = _torch()
    frames = torch.from_numpy(job.windowed_frames)
    return Case(lambda: torch.fft.rfft(frames), view=lambda result: result.numpy())


def _torch_rfft_blocks(job: Job) -> Case:
    torch = _torch()
    frames = torch.from_numpy(job.windowed_frames)
    blocks = [frames[i : i + 64] for i in range(0, len(frames), 64)]
    outs = [torch.empty(len(block), job.n_fft // 2 + 1, dtype=torch.fft.rfft(block).dtype) for block in blocks]
    # All whole blocks share one piece of memory, which stays in the cache: what a tuned caller of MKL would do.
    targets = [outs[0] if out.shape == outs[0].shape else out for out in outs]

    def run() -> None:
        for block, out in zip(blocks, targets, strict=True):
            torch.fft.rfft(block, out=out)

    def view(nothing: object) -> np.ndarray:
        return np.concatenate([torch.fft.rfft(block, out=out).numpy() for block, out in zip(blocks, outs, strict=True)])

    return Case(run, view=view)


def _scipy_rfft(job: Job) -> Case:
    import scipy.fft

    frames = job.windowed_frames
    return Case(lambda: scipy.fft.rfft(frames))


# ---------------------------------------------------------------------------------------------------------------------
# Peers with a dialect of their own: checked against their own definition, on frames of the same number and length
# ---------------------------------------------------------------------------------------------------------------------


def _audioflux_mfcc(job: Job) -> Case:
    import audioflux as af

    kinds = af.type
    # Real results: the complex default sums phases (and takes ten times as long).
    bands = af.BFT(
        num=job.n_mels,
        radix2_exp=job.n_fft.bit_length() - 1,
        samplate=job.sr,
        low_fre=0.0,
        high_fre=job.sr / 2,
        window_type=kinds.WindowType.HANN,
        slide_length=job.hop,
        scale_type=kinds.SpectralFilterBankScaleType.MEL,
        style_type=kinds.SpectralFilterBankStyleType.SLANEY,
        normal_type=kinds.SpectralFilterBankNormalType.AREA,
        data_type=kinds.SpectralDataType.POWER,
    )
    cepstra = af.XXCC(job.n_mels)
    cepstra.set_time_length(1 + (job.padded.size - job.n_fft) // job.hop)

    def expected() -> np.ndarray:
        return truth.audioflux_mfcc(
            job.padded, job.sr, n_fft=job.n_fft, hop=job.hop, n_mels=job.n_mels, n_mfcc=job.n_mfcc
        )

    return Case(lambda: cepstra.xxcc(bands.bft(job.padded, result_type=1), cc_num=job.n_mfcc), expected=expected)


def _kaldi_mfcc(job: Job) -> Case:
    import kaldi_native_fbank as knf

    options = knf.MfccOptions()
    options.frame_opts.samp_freq = job.sr
    options.frame_opts.frame_length_ms = 1000 * job.length / job.sr
    options.frame_opts.frame_shift_ms = 1000 * job.hop / job.sr
    options.frame_opts.dither = 0
    options.mel_opts.num_bins = job.n_mels
    options.num_ceps = job.n_mfcc

    def run() -> np.ndarray:
        engine = knf.OnlineMfcc(options)
        engine.accept_waveform(job.sr, job.y)
        engine.input_finished()
        return np.stack([engine.get_frame(i) for i in range(engine.num_frames_ready)])

    return Case(run, expected=lambda: truth.kaldi_mfcc(job.y, job.sr, **_own_frames(job)))


def _psf_mfcc(job: Job) -> Case:
    import python_speech_features as psf

    def run() -> Any:
        return psf.mfcc(
            job.y, job.sr, winlen=job.length / job.sr, winstep=job.hop / job.sr, numcep=job.n_mfcc, nfilt=job.n_mels,
            nfft=job.n_fft,
        )  # fmt: skip

    return Case(run, expected=lambda: truth.psf_mfcc(job.y, job.sr, **_own_frames(job)))


def _own_frames(job: Job) -> dict[str, int]:
    return {"length": job.length, "hop": job.hop, "n_fft": job.n_fft, "n_mels": job.n_mels, "n_mfcc": job.n_mfcc}


def _essentia_mfcc(job: Job) -> Case:
    import essentia

    essentia.log.infoActive = False  # before the algorithms are loaded: they report what they miss
    import essentia.standard as es

    essentia.log.warningActive = False
    windowing = es.Windowing(
        type="hann", size=job.length, zeroPadding=job.n_fft - job.length, symmetric=False, normalized=False,
        zeroPhase=False,
    )  # fmt: skip
    spectrum = es.Spectrum(size=job.n_fft)
    # Its settings for librosa's numbers, as its documentation gives them; it has no floor below the peak.
    cepstra = es.MFCC(
        inputSize=job.n_fft // 2 + 1, sampleRate=job.sr, numberBands=job.n_mels, numberCoefficients=job.n_mfcc,
        lowFrequencyBound=0, highFrequencyBound=job.sr / 2, warpingFormula="slaneyMel", weighting="linear",
        normalize="unit_tri", type="power", logType="dbpow", dctType=2, liftering=0,
    )  # fmt: skip

    def run() -> np.ndarray:
        frames = es.FrameGenerator(job.y, frameSize=job.length, hopSize=job.hop)
        return np.array([cepstra(spectrum(windowing(frame)))[1] for frame in frames])

    def expected() -> np.ndarray:
        return truth.mfcc(job.y, job.sr, top_db=None, **job.parameters)

    n_frames = 1 + job.y.size // job.hop
    return Case(run, view=lambda result: result[:n_frames].T, expected=expected)


PEERS = (
    Peer(
        "melfeat",
        "melfeat",
        "melfeat",
        "pip install -e .",
        {
            "mfcc": _melfeat_mfcc,
            "mel": _melfeat_mel,
            "logmel": _melfeat_logmel,
            "kaldi": _melfeat_kaldi,
            "psf": _melfeat_psf,
            "whisper": _melfeat_whisper,
        },
    ),
    Peer(
        "librosa",
        "librosa",
        "librosa",
        "pip install librosa==0.11.0",
        {"mfcc": _librosa_mfcc, "mel": _librosa_mel, "logmel": _librosa_logmel},
        tolerance64=1e-6,
        note="its mel basis is float32 for float64 signals too",
    ),
    Peer(
        "torch",
        "torch",
        "torch",
        "pip install torch==2.13.0",
        {"mfcc": _torch_mfcc, "mel": _torch_mel, "logmel": _torch_logmel},
        note="the operations of torchaudio.transforms.MFCC (or of Whisper), FFT by MKL",
    ),
    Peer(
        "audioflux",
        "audioflux",
        "audioflux",
        "pip install audioflux==0.1.9",
        {"mfcc": _audioflux_mfcc},
        note="its own dialect, in C; plan kept",
    ),
    Peer(
        "essentia",
        "essentia",
        "essentia",
        "pip install essentia==2.1b6.dev1389",
        {"mfcc": _essentia_mfcc},
        tolerance=1e-3,
        note="librosa's parameters without top_db; C++ called frame by frame; frames from its FrameGenerator",
    ),
    Peer(
        "kaldi-native-fbank",
        "kaldi-native-fbank",
        "kaldi_native_fbank",
        "pip install kaldi-native-fbank",
        {"kaldi": _kaldi_mfcc},
        note="its own dialect, dither off",
    ),
    Peer(
        "python_speech_features",
        "python_speech_features",
        "python_speech_features",
        "pip install python_speech_features==0.6",
        {"psf": _psf_mfcc},
        tolerance=1e-4,
        note="its own dialect, NumPy",
    ),
    Peer(
        "MKL rfft",
        "torch",
        "torch",
        "pip install torch==2.13.0",
        {"rfft": _torch_rfft},
        tolerance=2e-6,
        tolerance64=1e-13,
        note="torch.fft.rfft of the windowed frames: the FFT alone",
    ),
    Peer(
        "MKL rfft, blocks",
        "torch",
        "torch",
        "pip install torch==2.13.0",
        {"rfft": _torch_rfft_blocks},
        tolerance=2e-6,
        tolerance64=1e-13,
        note="the same in blocks of 64 frames into one piece of memory, results thrown away",
    ),
    Peer(
        "SciPy rfft",
        "scipy",
        "scipy.fft",
        "pip install scipy",
        {"rfft": _scipy_rfft},
        tolerance=2e-6,
        tolerance64=1e-13,
        note="scipy.fft.rfft of the windowed frames: the FFT alone",
    ),
)
assert harness.RESULTS  # imported for what it does to the threads
