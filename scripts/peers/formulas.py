"""Front ends that cannot be installed, from their published definitions, in float64 and plain NumPy.

HTK's HCopy (The HTK Book 3.4, chapter 5), the Auditory Toolbox's mfcc (Slaney 1998), rastamat's melfcc (Ellis 2005),
ETSI ES 201 108, and NeMo's AudioToMelSpectrogramPreprocessor with the normalisations and the padding that its port in
transformers leaves out. Each takes a signal in the scale that the original takes and returns
``(n_features, n_frames)``. They are written to be read beside those documents, frame by frame, and share nothing with
melfeat.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter


def _cut(x: np.ndarray, length: int, hop: int, count: int | None = None) -> np.ndarray:
    if count is None:
        count = 1 + (len(x) - length) // hop if len(x) >= length else 0
    return np.array([x[t * hop : t * hop + length] for t in range(count)]).reshape(count, length)


def _mel(f: np.ndarray | float) -> np.ndarray:
    return 2595.0 * np.log10(1.0 + np.asarray(f) / 700.0)


def _hertz(m: np.ndarray) -> np.ndarray:
    return 700.0 * (10.0 ** (m / 2595.0) - 1.0)


def _cosines(n_out: int, n_in: int) -> np.ndarray:
    return np.cos(np.pi / n_in * np.outer(np.arange(n_out), np.arange(n_in) + 0.5))


def _triangles(f: np.ndarray, edges: np.ndarray) -> np.ndarray:
    bank = np.zeros((len(edges) - 2, len(f)))
    for row, low, middle, high in zip(bank, edges, edges[1:], edges[2:], strict=False):
        row[:] = np.maximum(0.0, np.minimum((f - low) / (middle - low), (high - f) / (high - middle)))
    return bank


def _regress(features: np.ndarray, width: int) -> np.ndarray:
    steps = np.arange(1, width + 1)
    padded = np.pad(features, ((0, 0), (width, width)), mode="edge")
    n = features.shape[1]
    total = sum(k * (padded[:, width + k : width + k + n] - padded[:, width - k : width - k + n]) for k in steps)
    return total / (2.0 * (steps**2).sum())


def _htk_warp(f: np.ndarray, warp: float, low: float, high: float, ends: tuple[float, float]) -> np.ndarray:
    if warp == 1.0:
        return f
    s = 1.0 / warp
    upper, lower = 2.0 * high / (1.0 + s), 2.0 * low / (1.0 + s)
    above = (ends[1] - s * upper) / (ends[1] - upper)
    below = (s * lower - ends[0]) / (lower - ends[0])
    return np.where(
        f > upper,
        above * (f - upper) + s * upper,
        np.where(f < lower, below * (f - ends[0]) + ends[0], s * f),
    )


def htk(
    y: np.ndarray,
    sr: float,
    target: str = "MFCC_0",
    window_seconds: float = 0.0256,
    step_seconds: float = 0.01,
    preemcoef: float = 0.97,
    usehamming: bool = True,
    usepower: bool = False,
    numchans: int = 20,
    numceps: int = 12,
    ceplifter: float = 22.0,
    lofreq: float = -1.0,
    hifreq: float = -1.0,
    zmeansource: bool = False,
    rawenergy: bool = True,
    enormalise: bool = True,
    escale: float = 0.1,
    silfloor: float = 50.0,
    deltawindow: int = 2,
    accwindow: int = 2,
    warpfreq: float = 1.0,
    warplcutoff: float = 0.0,
    warpucutoff: float = 0.0,
) -> np.ndarray:
    """HCopy on int16 samples; `target` is the kind with its qualifiers, such as ``MFCC_0_D_A``."""
    period = 1e7 / sr
    length, hop = int(window_seconds * 1e7 / period + 1e-6), int(step_seconds * 1e7 / period + 1e-6)
    n_fft = 1 << max(1, (length - 1).bit_length())
    frames = _cut(y, length, hop)
    if zmeansource:
        frames = frames - frames.mean(axis=1, keepdims=True)
    energy = (frames**2).sum(axis=1)
    emphasised = frames.copy()
    if preemcoef:
        emphasised[:, 1:] -= preemcoef * frames[:, :-1]
        emphasised[:, 0] *= 1.0 - preemcoef
    if usehamming:
        emphasised *= 0.54 - 0.46 * np.cos(2.0 * np.pi * np.arange(length) / (length - 1))
    if not rawenergy:
        energy = (emphasised**2).sum(axis=1)
    spectrum = np.abs(np.fft.rfft(emphasised, n_fft))
    if usepower:
        spectrum = spectrum**2

    first, last, low, high = 2, n_fft // 2, 0.0, sr / 2.0
    if lofreq >= 0:
        low = lofreq
        first = max(2, int(low * n_fft / sr + 2.5))
    if hifreq >= 0:
        high = hifreq
        last = min(n_fft // 2, int(high * n_fft / sr + 0.5))
    m_low, m_high = 1127.0 * np.log1p(low / 700.0), 1127.0 * np.log1p(high / 700.0)
    centres = m_low + np.arange(1, numchans + 2) / (numchans + 1) * (m_high - m_low)
    if warpfreq != 1.0:
        hertz = 700.0 * np.expm1(centres / 1127.0)
        centres = 1127.0 * np.log1p(_htk_warp(hertz, warpfreq, warplcutoff, warpucutoff, (low, high)) / 700.0)
    edges = np.concatenate([[m_low], centres])
    bank = np.zeros((numchans + 2, n_fft // 2 + 1))
    for j in range(first - 1, last):
        m = 1127.0 * np.log1p(j * sr / n_fft / 700.0)
        channel = int((centres < m).sum())
        below = (edges[min(channel + 1, numchans + 1)] - m) / (
            edges[min(channel + 1, numchans + 1)] - edges[min(channel, numchans)]
        )
        bank[channel, j] += below
        bank[min(channel + 1, numchans + 1), j] += 1.0 - below
    levels = np.log(np.maximum(spectrum @ bank[1 : numchans + 1].T, 1.0)).T
    base, *qualifiers = target.split("_")
    if base == "FBANK":
        return levels
    cepstra = np.sqrt(2.0 / numchans) * _cosines(numceps + 1, numchans) @ levels
    rows = cepstra[1:]
    if ceplifter:
        i = np.arange(1, numceps + 1)[:, None]
        rows = rows * (1.0 + ceplifter / 2.0 * np.sin(np.pi * i / ceplifter))
    if "0" in qualifiers:
        rows = np.concatenate([rows, cepstra[:1]])
    if "Z" in qualifiers and rows.shape[1]:
        rows = rows - rows.mean(axis=1, keepdims=True)
    if "E" in qualifiers:
        level = np.log(np.maximum(energy, 1e-300))
        level[level < np.log(1e-10)] = -1e10
        if enormalise and level.size:
            peak = level.max()
            level = 1.0 - (peak - np.maximum(level, peak - silfloor * np.log(10.0) / 10.0)) * escale
        rows = np.concatenate([rows, level[None]])
    blocks = [rows]
    if "D" in qualifiers:
        blocks.append(_regress(blocks[-1], deltawindow))
    if "A" in qualifiers:
        blocks.append(_regress(blocks[-1], accwindow))
    return np.concatenate(blocks)


def slaney(y: np.ndarray, sr: float, frame_rate: float = 100.0) -> np.ndarray:
    """The Auditory Toolbox's 13 coefficients, on samples in any scale; bands above half the rate meet mirrored bins."""
    linear = 133.3333 + 66.66666666 * np.arange(13)
    edges = np.concatenate([linear, linear[-1] * 1.0711703 ** np.arange(1, 30)])
    f = np.arange(512) / 512.0 * sr
    bank = _triangles(f, edges) * (2.0 / (edges[2:] - edges[:-2]))[:, None]
    hop = int(sr / frame_rate)
    frames = _cut(lfilter([1.0, -0.97], [1.0], y), 256, hop, max(0, int((len(y) - 256) / hop)))
    window = 0.54 - 0.46 * np.cos(2.0 * np.pi * np.arange(256) / 256.0)
    levels = np.log10(np.abs(np.fft.fft(frames * window, 512)) @ bank.T).T
    scale = np.full((13, 1), np.sqrt(2.0 / 40.0))
    scale[0] = np.sqrt(1.0 / 40.0)
    return scale * _cosines(13, 40) @ levels


def _slaney_mel(f: np.ndarray | float) -> np.ndarray:
    f = np.asarray(f, dtype=np.float64)
    return np.where(f < 1000.0, f * 3.0 / 200.0, 15.0 + 27.0 * np.log(np.maximum(f, 1.0) / 1000.0) / np.log(6.4))


def _slaney_hertz(m: np.ndarray) -> np.ndarray:
    return np.where(m < 15.0, m * 200.0 / 3.0, 1000.0 * np.exp(np.log(6.4) / 27.0 * (m - 15.0)))


def rastamat(
    y: np.ndarray,
    sr: float,
    wintime: float = 0.025,
    hoptime: float = 0.01,
    numcep: int = 13,
    lifterexp: float = 0.6,
    sumpower: bool = True,
    preemph: float = 0.97,
    minfreq: float = 0.0,
    maxfreq: float = 4000.0,
    nbands: int = 40,
    dcttype: int = 2,
    fbtype: str = "mel",
    old_window: bool = False,
) -> np.ndarray:
    """Dan Ellis' melfcc on samples in [-1, 1)."""
    length, hop = round(wintime * sr), round(hoptime * sr)
    n_fft = 1 << (length - 1).bit_length()
    x = lfilter([1.0, -preemph], [1.0], y) * 32768.0
    k = np.arange(length)
    window = 0.5 - 0.5 * np.cos(2.0 * np.pi * (k + 1) / (length + 1))
    if old_window:
        window = 0.54 - 0.46 * np.cos(2.0 * np.pi * k / (length - 1))
    power = np.abs(np.fft.rfft(_cut(x, length, hop) * window, n_fft)) ** 2
    to_mel, to_hertz = (_slaney_mel, _slaney_hertz) if fbtype == "mel" else (_mel, _hertz)
    edges = to_hertz(np.linspace(to_mel(minfreq), to_mel(maxfreq), nbands + 2))
    bank = _triangles(np.arange(n_fft // 2 + 1) * sr / n_fft, edges)
    if fbtype != "htkmel":
        bank *= (2.0 / (edges[2:] - edges[:-2]))[:, None]
    bands = power @ bank.T if sumpower else (np.sqrt(power) @ bank.T) ** 2
    levels = np.log(bands).T
    if dcttype == 1:
        matrix = np.cos(np.pi / (nbands - 1) * np.outer(np.arange(numcep), np.arange(nbands))) / (nbands - 1)
        matrix[:, [0, -1]] /= 2.0
    else:
        matrix = np.sqrt(2.0 / nbands) * _cosines(numcep, nbands)
        if dcttype == 2:
            matrix[0] /= np.sqrt(2.0)
    i = np.arange(numcep)
    lift = np.ones(numcep)
    if lifterexp > 0:
        lift[1:] = i[1:] ** lifterexp
    elif lifterexp < 0:
        lift = 1.0 - lifterexp / 2.0 * np.sin(np.pi * i / -lifterexp)
    return lift[:, None] * (matrix @ levels)


def etsi(y: np.ndarray, sr: float) -> np.ndarray:
    """ES 201 108 on int16 samples at 8, 11 or 16 kHz: c1 to c12, c0, ln E; 16 kHz with bands up to 8 kHz."""
    length, hop, n_fft = {8000: (200, 80, 256), 11000: (256, 110, 256), 16000: (400, 160, 512)}[int(sr)]
    x = lfilter([1.0, -1.0], [1.0, -0.999], y)
    energy = (_cut(x, length, hop) ** 2).sum(axis=1)
    emphasised = _cut(np.append(x[:1], x[1:] - 0.97 * x[:-1]), length, hop)
    window = 0.54 - 0.46 * np.cos(2.0 * np.pi * np.arange(length) / (length - 1))
    magnitude = np.abs(np.fft.rfft(emphasised * window, n_fft))
    centres = _hertz(np.linspace(_mel(64.0), _mel(sr / 2.0), 25))
    bins = [int(n_fft * f / sr + 0.5) for f in centres]
    bank = np.zeros((23, n_fft // 2 + 1))
    for row, a, b, d in zip(bank, bins, bins[1:], bins[2:], strict=False):
        for j in range(a, b + 1):
            row[j] = (j - a + 1) / (b - a + 1)
        for j in range(b + 1, d + 1):
            row[j] = 1.0 - (j - b) / (d - b + 1)
    with np.errstate(divide="ignore"):
        levels = np.maximum(np.log(magnitude @ bank.T), -50.0).T
        level = np.maximum(np.log(energy), -50.0)
    cepstra = _cosines(13, 23) @ levels
    return np.concatenate([cepstra[1:], cepstra[:1], level[None]])


def nemo(
    y: np.ndarray,
    sr: float,
    window_size: float = 0.02,
    window_stride: float = 0.01,
    features: int = 64,
    n_fft: int | None = None,
    preemph: float | None = 0.97,
    normalize: str | None = "per_feature",
    pad_to: int = 16,
    mag_power: float = 2.0,
    lowfreq: float = 0.0,
    highfreq: float | None = None,
    log: bool = True,
) -> np.ndarray:
    """NeMo's preprocessor in eval mode, on samples in [-1, 1), with the filterbank that it takes from librosa."""
    from librosa.filters import mel

    length, hop = int(window_size * sr), int(window_stride * sr)
    n_fft = n_fft or 1 << (length - 1).bit_length()
    x = y if preemph is None else np.append(y[:1], y[1:] - preemph * y[:-1])
    window = np.zeros(n_fft)
    start = (n_fft - length) // 2
    window[start : start + length] = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(length) / (length - 1))
    frames = _cut(np.pad(x, n_fft // 2), n_fft, hop)
    spectrum = np.abs(np.fft.rfft(frames * window)) ** mag_power
    bank = mel(sr=sr, n_fft=n_fft, n_mels=features, fmin=lowfreq, fmax=highfreq).astype(np.float64)
    levels = (spectrum @ bank.T).T
    if log:
        levels = np.log(levels + 2.0**-24)
    valid = len(y) // hop
    kept = levels[:, :valid]
    if normalize is not None:
        axis = 1 if normalize == "per_feature" else None
        mean, std = kept.mean(axis=axis, keepdims=True), kept.std(axis=axis, ddof=1, keepdims=True)
        levels = (levels - mean) / (std + 1e-5)
    levels[:, valid:] = 0.0
    missing = -levels.shape[1] % pad_to if pad_to > 1 else 0
    return np.pad(levels, ((0, 0), (0, missing)))
