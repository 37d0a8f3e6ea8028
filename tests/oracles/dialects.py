"""Every front end from its definition: float64, one frame, band or coefficient at a time, nothing of melfeat.

`features(y, sr, stages)` is the whole of it; `run` returns what lies between the stages too. `stages` holds a dict of
fields, or None, for each stage of `melfeat.stages`; a field that is missing has its value in `DEFAULTS`. A stage that
is missing altogether has its defaults, or is left out if it is one of `OPTIONAL`.

The definitions are those of the references: HTK's channel map, Kaldi's piecewise warp, python_speech_features' and
ETSI's loops over bins, deltas as recursions on a sequence that is defined for every integer.
"""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy import fft, signal

DEFAULTS: dict[str, dict[str, Any]] = {
    "preprocessing": {
        "input_scale": 1.0,
        "fixed_samples": None,
        "normalize_signal": False,
        "dither": 0.0,
        "dither_kind": "gaussian",
        "dither_scope": "frame",
        "dither_seed": 0,
        "offset_filter": None,
        "remove_dc": False,
        "preemphasis": 0.0,
        "preemphasis_scope": "signal",
        "preemphasis_first": "zero",
    },
    "framing": {
        "n_fft": 2048,
        "hop_length": 512,
        "win_length": None,
        "window": "hann",
        "frames": "center",
        "pad_mode": "constant",
        "window_symmetric": False,
        "window_align": "center",
        "window_scale": None,
        "drop_last": 0,
    },
    "spectrum": {"power": 2.0, "spectrum_scale": None},
    "filterbank": {
        "n_mels": 128,
        "fmin": 0.0,
        "fmax": None,
        "mel_scale": "slaney",
        "mel_norm": "slaney",
        "triangles": "hz",
        "bins": "all",
        "band_edges": None,
        "nyquist": "exact",
        "weights_dtype": None,
        "band_power": 1,
        "vtln_warp": 1.0,
        "vtln_kind": "kaldi",
        "vtln_low": 100.0,
        "vtln_high": -500.0,
    },
    "compression": {
        "logarithm": "db",
        "floor": 1e-10,
        "floor_kind": "clamp",
        "top_db": 80.0,
        "peak_scope": "channel",
    },
    "cepstrum": {
        "n_mfcc": 20,
        "dct_type": 2,
        "dct_norm": "ortho",
        "lifter": 0.0,
        "lifter_kind": "sine",
        "lifter_offset": 1,
        "c0": "first",
        "c0_scale": 1.0,
    },
    "energy": {
        "energy_place": "replace_c0",
        "energy_point": "raw",
        "energy_eps": 2.0**-23,
        "energy_eps_kind": "clamp",
        "energy_floor": 0.0,
        "energy_normalize": False,
        "energy_scale": 0.1,
        "energy_silence_floor": 50.0,
    },
    "post": {
        "cmn": None,
        "cmn_columns": "static",
        "cmn_ddof": 0,
        "cmn_eps": 0.0,
        "cmn_eps_kind": "var_clamp",
        "cmn_window": 600,
        "cmn_min_window": 100,
        "cmn_center": False,
        "delta_order": 0,
        "delta_window": 2,
        "delta_window_2": None,
        "delta_edges": "replicate",
        "pad_dropped": False,
        "fixed_frames": None,
        "pad_to": 1,
        "pad_value": 0.0,
        "stack": 1,
        "shift": 0.0,
        "scale": 1.0,
    },
}
OPTIONAL = ("filterbank", "compression", "cepstrum", "energy")


def complete(stages: dict[str, dict[str, Any] | None]) -> SimpleNamespace:
    """Return all stages with all their fields; refuse names that do not exist."""
    unknown = set(stages) - set(DEFAULTS)
    assert not unknown, f"no such stage: {unknown}"
    result = {}
    for name, defaults in DEFAULTS.items():
        given = stages.get(name, None if name in OPTIONAL else {})
        if given is None:
            result[name] = None
            continue
        unknown = set(given) - set(defaults)
        assert not unknown, f"no such field of {name}: {unknown}"
        result[name] = SimpleNamespace(**{**defaults, **given})
    f = result["framing"]
    f.n_fft = f.n_fft or 2 ** math.ceil(math.log2(f.win_length))
    f.win_length = f.win_length or f.n_fft
    f.hop_length = f.hop_length or max(1, f.win_length // 4)
    return SimpleNamespace(**result)


# ---------------------------------------------------------------------------------------------- signal and frames


def prepared_signal(y: np.ndarray, p: SimpleNamespace, noise: np.ndarray | None = None) -> np.ndarray:
    """Return one channel after all that happens before it is cut; `noise` is added times `dither` if that is its scope.

    Statistics of `normalize_signal` are those of the samples that exist, as in Hugging Face's extractors: what
    `fixed_samples` adds is added behind it and stays zero.
    """
    x = np.array(y, dtype=np.float64)
    if p.fixed_samples is not None:
        x = x[: p.fixed_samples]
    x = x * p.input_scale
    if p.normalize_signal and x.size:
        x = (x - x.mean()) / np.sqrt(x.var() + 1e-7)
    if p.fixed_samples is not None:
        x = np.concatenate([x, np.zeros(p.fixed_samples - x.size)])
    if p.dither and p.dither_scope == "signal":
        x = x + p.dither * noise
    if p.offset_filter is not None:
        x = signal.lfilter([1.0, -1.0], [1.0, -p.offset_filter], x)
    if p.preemphasis and p.preemphasis_scope == "signal" and x.size:
        z = x.copy()
        z[1:] = x[1:] - p.preemphasis * x[:-1]
        if p.preemphasis_first == "scaled":
            z[0] = (1 - p.preemphasis) * x[0]
        elif p.preemphasis_first == "extrapolate" and x.size > 1:
            z[0] = 3 * x[0] - x[1]
        x = z
    return x


def frame_starts(n: int, f: SimpleNamespace) -> list[int]:
    """Return where the frames of a signal of n samples begin: those which each rule admits, found by trying."""
    M, H = f.n_fft, f.hop_length
    N = f.win_length if f.window_align == "left" else M
    starts: list[int] = []
    if f.frames == "center":
        while len(starts) * H + M <= n + 2 * (M // 2):
            starts.append(len(starts) * H - M // 2)
    elif f.frames in ("valid", "valid_minus_one"):
        while len(starts) * H + N <= n:
            starts.append(len(starts) * H)
        if f.frames == "valid_minus_one":
            starts = starts[:-1]
    elif f.frames == "pad_end":
        while n > 0 and (not starts or starts[-1] + N < n):
            starts.append(len(starts) * H)
    elif f.frames == "pad_all":
        while len(starts) * H < n:
            starts.append(len(starts) * H)
    elif f.frames == "no_snip":
        # Frame t stands around sample t H + H/2, which has to exist.
        while len(starts) * H + (H - H // 2) <= n:
            starts.append(H // 2 - N // 2 + len(starts) * H)
    elif f.frames == "center_ceil":
        # Essentia's generator: a frame more while its predecessor's middle, and its own first sample, are not too late.
        start = -((N + 1) // 2)
        while start < n and (not starts or starts[-1] + N // 2 < n):
            starts.append(start)
            start += H
    else:
        raise AssertionError(f.frames)
    return starts[: max(0, len(starts) - f.drop_last)]


def cut(x: np.ndarray, starts: list[int], f: SimpleNamespace) -> np.ndarray:
    """Return the frames ``(T, N)``, N the window's length if it stands left, else n_fft."""
    N = f.win_length if f.window_align == "left" else f.n_fft
    if not starts:
        return np.zeros((0, N))
    before = max(0, -starts[0])
    after = max(0, starts[-1] + N - x.size)
    if f.frames == "center":
        before = after = f.n_fft // 2
    mode = "constant" if f.frames in ("valid", "valid_minus_one", "pad_end", "pad_all") else f.pad_mode
    padded = np.pad(x, (before, after), mode=mode)
    return np.stack([padded[s + before : s + before + N] for s in starts])


def window(f: SimpleNamespace) -> np.ndarray:
    """Return the `win_length` values of the window, scaled."""
    N, spec = f.win_length, f.window
    k = np.arange(N)
    a = 2 * math.pi / ((N - 1 if f.window_symmetric else N) or 1)
    if isinstance(spec, tuple) and spec[0] == "samples":
        values = np.array(spec[1], dtype=np.float64)
    elif isinstance(spec, (list, np.ndarray)):
        values = np.array(spec, dtype=np.float64)
    elif N == 1:
        values = np.ones(1)
    elif spec == "hann":
        values = 0.5 - 0.5 * np.cos(a * k)
    elif spec == "hamming":
        values = 0.54 - 0.46 * np.cos(a * k)
    elif spec == "povey":
        values = (0.5 - 0.5 * np.cos(a * k)).clip(0) ** 0.85
    elif spec == "sine":
        values = np.sin(0.5 * a * k)
    elif spec == "matlab_hanning":
        if f.window_symmetric:
            values = 0.5 - 0.5 * np.cos(2 * math.pi * (k + 1) / (N + 1))
        else:
            values = 0.5 - 0.5 * np.cos(2 * math.pi * k / N)
    elif isinstance(spec, tuple) and spec[0] == "blackman" and len(spec) == 2:
        values = spec[1] - 0.5 * np.cos(a * k) + (0.5 - spec[1]) * np.cos(2 * a * k)
    elif isinstance(spec, tuple) and spec[0] == "general_hamming":
        values = spec[1] - (1 - spec[1]) * np.cos(a * k)
    else:
        values = signal.get_window(spec, N, fftbins=not f.window_symmetric)
    return values * 2 / values.sum() if f.window_scale == "2/sum" else values


def windowed_frames(
    x: np.ndarray, starts: list[int], stages: SimpleNamespace, noise: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return ``(raw, windowed)``: the frames before pre-emphasis ``(T, N)``, and the windowed ones ``(T, n_fft)``."""
    p, f = stages.preprocessing, stages.framing
    raw = cut(x, starts, f)
    w = window(f)
    place = (f.n_fft - f.win_length) // 2 if f.window_align == "center" else 0
    out = np.zeros((len(raw), f.n_fft))
    for t, frame in enumerate(raw):
        if p.dither and p.dither_scope == "frame":
            frame += p.dither * noise[t]
        mean = frame.mean() if p.remove_dc else 0.0
        frame -= mean
        emphasized = frame.copy()
        if p.preemphasis and p.preemphasis_scope == "frame":
            emphasized[1:] -= p.preemphasis * frame[:-1]
            if p.preemphasis_first == "scaled":
                emphasized[0] -= p.preemphasis * frame[0]
            elif p.preemphasis_first == "previous":
                at = starts[t] - 1
                emphasized[0] -= p.preemphasis * ((x[at] if 0 <= at < x.size else 0.0) - mean)
        inner = emphasized if f.window_align == "left" else emphasized[place : place + f.win_length]
        out[t, place : place + f.win_length] = w * inner
    return raw, out


# ------------------------------------------------------------------------------------------------------ filterbank


def mel(f: Any, scale: str) -> Any:
    f = np.asarray(f, dtype=np.float64)
    if scale == "htk":
        return 2595.0 * np.log10(1.0 + f / 700.0)
    if scale == "htk_ln":
        return 1127.0 * np.log1p(f / 700.0)
    return np.where(f < 1000.0, 3.0 * f / 200.0, 15.0 + 27.0 * np.log(np.maximum(f, 1.0) / 1000.0) / math.log(6.4))


def hz(m: Any, scale: str) -> Any:
    m = np.asarray(m, dtype=np.float64)
    if scale == "htk":
        return 700.0 * (10.0 ** (m / 2595.0) - 1.0)
    if scale == "htk_ln":
        return 700.0 * np.expm1(m / 1127.0)
    return np.where(m < 15.0, 200.0 * m / 3.0, 1000.0 * np.exp((m - 15.0) * math.log(6.4) / 27.0))


def warp_kaldi(f: float, low: float, high: float, a: float, cut_low: float, cut_high: float) -> float:
    left, right = cut_low * max(1.0, a), cut_high * min(1.0, a)
    if f < left:
        return low + (left / a - low) / (left - low) * (f - low)
    if f < right:
        return f / a
    return high + (high - right / a) / (high - right) * (f - high)


def warp_htk(f: float, low: float, high: float, a: float, cut_low: float, cut_high: float) -> float:
    scale = 1.0 / a
    upper, lower = cut_high * 2 / (1 + scale), cut_low * 2 / (1 + scale)
    if f > upper:
        return (high - upper * scale) / (high - upper) * (f - upper) + scale * upper
    if f < lower:
        return (lower * scale - low) / (lower - low) * (f - low) + low
    return scale * f


def edges_hz(sr: float, b: SimpleNamespace) -> np.ndarray:
    if b.band_edges is not None:
        edges = np.array(b.band_edges, dtype=np.float64)
    else:
        high = b.fmax
        if high is None:
            high = sr // 2 if b.nyquist == "floor" else sr / 2
        elif high <= 0:
            high += sr / 2
        ends = mel([b.fmin, high], b.mel_scale)
        # linspace as in python_speech_features: where edges are rounded to bins, its last bits can decide
        edges = hz(np.linspace(ends[0], ends[1], b.n_mels + 2), b.mel_scale)
    if b.vtln_warp == 1.0:
        return edges
    cut_high = b.vtln_high + sr / 2 if b.vtln_high < 0 else b.vtln_high
    warp = {"kaldi": warp_kaldi, "htk": warp_htk}[b.vtln_kind]
    ends = edges[0], edges[-1]
    warped = [warp(e, *ends, b.vtln_warp, b.vtln_low, cut_high) for e in edges]
    return np.array([edges[0], *warped[1:]])


def _between(x: np.ndarray, left: float, centre: float, right: float) -> np.ndarray:
    w = np.zeros(x.size)
    up, down = (x > left) & (x <= centre), (x > centre) & (x < right)
    w[up] = (x[up] - left) / (centre - left)
    w[down] = (right - x[down]) / (right - centre)
    return w


def _htk_weights(sr: float, M: int, edges: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return HTK's channel map as weights: a bin gives a share to the channel below it, the rest to the one above."""
    n_mels = len(edges) - 2
    cf = mel(edges, "htk_ln")  # cf[0] is the lower end, cf[1] ... the centres, as in HTK
    weights = np.zeros((n_mels, 1 + M // 2))
    first, last = max(2, int(low * M / sr + 2.5)), min(M // 2, int(high * M / sr + 0.5))
    for k in range(first, last + 1):
        here = float(mel((k - 1) * sr / M, "htk_ln"))
        chan = 1
        while chan <= n_mels + 1 and cf[chan] < here:
            chan += 1
        below = chan - 1
        if below > n_mels:
            continue
        share = (cf[below + 1] - here) / (cf[below + 1] - cf[below])
        if below > 0:
            weights[below - 1, k - 1] += share
        if below < n_mels:
            weights[below, k - 1] += 1.0 - share
    return weights


def filterbank(sr: float, M: int, b: SimpleNamespace) -> np.ndarray:
    """Return the weights ``(n_mels, 1 + n_fft // 2)``."""
    if b.nyquist == "period":  # HTK keeps the sampling period as an integer, in units of 100 ns
        sr = 1e7 / int(1e7 // sr)
    edges, half = edges_hz(sr, b), 1 + M // 2
    side = "htk" if b.mel_scale == "slaney" else b.mel_scale
    full = np.zeros((b.n_mels, M + 1))
    j = np.arange(M if b.band_edges is not None else half)
    f = j * (sr // 2) / (M // 2) if b.nyquist == "floor" else j * sr / M
    if b.triangles == "htk":
        low, high = (edges[0], edges[-1]) if b.band_edges is not None else (b.fmin, b.fmax)
        high = sr / 2 if high is None else high + sr / 2 if high <= 0 else high
        full[:, :half] = _htk_weights(sr, M, edges, low, high)
    for m in range(b.n_mels):
        corners = edges[m : m + 3]
        if b.triangles == "hz":
            full[m, : j.size] = _between(f, *corners)
        elif b.triangles == "mel":
            full[m, : j.size] = _between(mel(f, side), *mel(corners, side))
        elif b.triangles == "psf":
            one, two, three = np.floor((M + 1) * corners / sr).astype(int)
            for i in range(one, min(two, half)):
                full[m, i] = (i - one) / (two - one)
            for i in range(two, min(three, half)):
                full[m, i] = (three - i) / (three - two)
        elif b.triangles == "etsi":
            one, two, three = (int(M * c / sr + 0.5) for c in corners)
            for i in range(one, two + 1):
                full[m, i] = (i - one + 1) / (two - one + 1)
            for i in range(two + 1, min(three, M // 2) + 1):
                full[m, i] = 1 - (i - two) / (three - two + 1)
    weights = full[:, :half].copy()
    for k in range(half, M):  # the magnitudes of the mirrored half are those of the first
        weights[:, M - k] += full[:, k]
    if b.bins in ("no_dc", "inner"):
        weights[:, 0] = 0.0
    if b.bins in ("no_nyquist", "inner") and M % 2 == 0:
        weights[:, M // 2] = 0.0
    plain = b.triangles == "hz" and b.band_edges is None and b.mel_scale != "htk_ln" and b.bins == "all"
    if b.weights_dtype == "float32" and plain and b.nyquist == "exact" and b.vtln_warp == 1.0:
        weights = weights.astype(np.float32).astype(np.float64)  # librosa rounds before it scales, and again after
    for m in range(b.n_mels):
        width = edges[m + 2] - edges[m]
        if b.mel_norm == "tri" and b.triangles in ("mel", "htk"):
            width = mel(edges[m + 2], side) - mel(edges[m], side)
        row = weights[m]
        if b.mel_norm in ("slaney", "tri"):
            row *= 2.0 / width
        elif b.mel_norm is not None and row.any():
            order = 1 if b.mel_norm == "sum" else b.mel_norm
            row /= np.linalg.norm(row, order)
    return weights.astype(b.weights_dtype).astype(np.float64) if b.weights_dtype else weights


# ------------------------------------------------------------------------------------------ levels, cepstra, energy


def levels(bands: np.ndarray, c: SimpleNamespace) -> np.ndarray:
    """Return the levels of ``bands (n_channels, n_mels, T)``."""
    x = bands
    if c.floor is not None:
        x = {
            "clamp": lambda: np.maximum(x, c.floor),
            "add": lambda: x + c.floor,
            "if_zero": lambda: np.where(x == 0.0, c.floor, x),
        }[c.floor_kind]()
    unit = {"db": 1.0, "db20": 1.0, "log10": 0.1, "ln": math.log(10) / 10, None: 1.0}[c.logarithm]
    with np.errstate(divide="ignore"):
        if c.logarithm in ("db", "db20", "log10"):
            x = {"db": 10.0, "db20": 20.0, "log10": 1.0}[c.logarithm] * np.log10(x)
        elif c.logarithm == "ln":
            x = np.log(x)
    if c.top_db is not None and x.size:
        axes = (-2, -1) if c.peak_scope == "channel" else None
        x = np.maximum(x, x.max(axis=axes, keepdims=True) - c.top_db * unit)
    return x


def cepstra(level: np.ndarray, c: SimpleNamespace) -> np.ndarray:
    """Return the cepstra of ``level (..., n_mels, T)`` in the order of the output."""
    B = level.shape[-2]
    if c.dct_norm in ("ortho", None):
        rows = fft.dct(level, type=c.dct_type, norm=c.dct_norm, axis=-2)
    else:
        rows = 0.5 * fft.dct(level, type=c.dct_type, norm=None, axis=-2)
        if c.dct_norm == "htk":
            rows = rows * math.sqrt(2 / B)
    for i in range(B):
        factor = c.c0_scale if i == 0 else 1.0
        if c.lifter and c.lifter_kind == "sine":
            factor *= 1 + c.lifter / 2 * math.sin(math.pi * (i + c.lifter_offset) / c.lifter)
        elif c.lifter and i > 0:
            factor *= i**c.lifter
        rows[..., i, :] *= factor
    if c.c0 == "first":
        return rows[..., : c.n_mfcc, :]
    order = [*range(1, min(c.n_mfcc, B - 1) + 1), *([0] if c.c0 == "last" else [])]
    return rows[..., order, :]


def log_energy(energy: np.ndarray, e: SimpleNamespace) -> np.ndarray:
    """Return the feature of the frames' energies ``(T,)``."""
    smallest = np.maximum(energy, e.energy_eps)
    if e.energy_eps_kind == "if_zero":
        smallest = np.where(energy == 0, e.energy_eps, energy)
    with np.errstate(divide="ignore"):
        level = np.log(smallest)
    if e.energy_floor > 0:
        level = np.maximum(level, math.log(e.energy_floor))
    if e.energy_normalize and level.size:
        peak = level.max()
        floor = peak - e.energy_silence_floor * math.log(10) / 10
        level = np.array([1.0 - (peak - max(value, floor)) * e.energy_scale for value in level])
    return level


def with_energy(
    x: np.ndarray, row: np.ndarray, e: SimpleNamespace, c: SimpleNamespace | None
) -> tuple[np.ndarray, int]:
    """Return the features with the energy in its place, and its row."""
    if e.energy_place == "replace_c0":
        at = {"first": 0, "last": len(x) - 1}[c.c0]
        x = x.copy()
        x[at] = row
        return x, at
    return (np.vstack([row, x]), 0) if e.energy_place == "first" else (np.vstack([x, row]), len(x))


# ------------------------------------------------------------------------------------------------------------ post


def deltas(x: np.ndarray, p: SimpleNamespace) -> list[np.ndarray]:
    """Return the deltas of order 1 ... of ``x (n_features, T)``: d(i, t) is defined for every integer t."""
    T = x.shape[1]
    known: dict[tuple[int, int], np.ndarray] = {}

    def at(i: int, t: int) -> np.ndarray:
        clamps_start = i == 0 or p.delta_edges in ("replicate", "opensmile")
        clamps_end = i == 0 or p.delta_edges == "replicate"
        if t < 0 and clamps_start:
            t = 0
        if t >= T and clamps_end:
            t = T - 1
        if i == 0:
            return x[:, t]
        if (i, t) not in known:
            W = p.delta_window if i == 1 or p.delta_window_2 is None else p.delta_window_2
            slope = sum(k * at(i - 1, t + k) for k in range(-W, W + 1))
            known[i, t] = slope / (2 * sum(k * k for k in range(1, W + 1)))
        return known[i, t]

    return [np.array([at(i, t) for t in range(T)]).reshape(T, len(x)).T for i in range(1, p.delta_order + 1)]


def normalized(x: np.ndarray, p: SimpleNamespace) -> np.ndarray:
    """Return ``x (n_features, T)`` normalised over frames."""
    if not x.size:
        return x

    def scaled(difference: np.ndarray, variance: np.ndarray) -> np.ndarray:
        deviation = {
            "std_add": np.sqrt(variance) + p.cmn_eps,
            "var_add": np.sqrt(variance + p.cmn_eps),
            "var_clamp": np.sqrt(np.maximum(variance, p.cmn_eps)),
        }[p.cmn_eps_kind]
        return difference / np.where(deviation == 0, 1.0, deviation)

    def variance(values: np.ndarray, axis: int | None) -> np.ndarray:
        count = values.size if axis is None else values.shape[axis]
        total = ((values - values.mean(axis=axis, keepdims=True)) ** 2).sum(axis=axis, keepdims=True)
        return total / max(count - p.cmn_ddof, 1)

    if not p.cmn.startswith("sliding"):
        axis = None if p.cmn == "all_mean_var" else 1
        centred = x - x.mean(axis=axis, keepdims=True)
        return centred if p.cmn == "mean" else scaled(centred, variance(x, axis))
    T = x.shape[1]
    out = np.zeros_like(x)
    for t in range(T):
        begin = t - p.cmn_window // 2 if p.cmn_center else t - p.cmn_window
        end = begin + p.cmn_window if p.cmn_center else t + 1
        if begin < 0:
            begin, end = 0, end - begin
        if not p.cmn_center:
            end = max(t + 1, p.cmn_min_window)
        if end > T:
            begin, end = max(0, begin - (end - T)), T
        part = x[:, begin:end]
        out[:, t] = x[:, t] - part.mean(axis=1)
        if p.cmn == "sliding_mean_var":
            out[:, t] = scaled(out[:, t], variance(part, 1)[:, 0])
    return out


def post(x: np.ndarray, p: SimpleNamespace, energy_row: int | None, n_dropped: int) -> np.ndarray:
    """Return what becomes of ``x (n_features, T)`` of one channel."""
    x = x.astype(np.float64)
    if p.cmn is not None and p.cmn_columns != "all":
        energy = x[energy_row].copy() if p.cmn_columns == "no_energy" and energy_row is not None else None
        rows = [i for i in range(len(x)) if energy is None or i != energy_row]
        x[rows] = normalized(x[rows], p)
    x = np.vstack([x, *deltas(x, p)])
    if p.cmn is not None and p.cmn_columns == "all":
        x = normalized(x, p)

    def padded(count: int) -> np.ndarray:
        return np.hstack([x, np.full((len(x), max(0, count)), p.pad_value)])

    if p.pad_dropped:
        x = padded(n_dropped)
    if p.fixed_frames is not None:
        x = padded(p.fixed_frames - x.shape[1])[:, : p.fixed_frames]
    x = (x + p.shift) * p.scale
    x = padded(-x.shape[1] % p.pad_to)
    columns = [np.concatenate(x[:, t : t + p.stack].T) for t in range(0, x.shape[1] - p.stack + 1, p.stack)]
    return np.array(columns).reshape(-1, p.stack * len(x)).T


# ------------------------------------------------------------------------------------------------------------- all


def run(
    y: np.ndarray, sr: float, stages: dict[str, dict[str, Any] | None], noise: np.ndarray | None = None
) -> SimpleNamespace:
    """Return everything from the signal ``(n,)`` or ``(n_channels, n)`` to the features, with a channel axis in front.

    `noise`, of unit scale, is what `dither` multiplies: ``(n_channels, n)`` or ``(n_channels, T, N)`` by its scope, n
    and N as in the signal after `fixed_samples` and in `cut`.
    """
    s = complete(stages)
    channels = np.atleast_2d(np.asarray(y))
    noises: Any = [None] * len(channels) if noise is None else np.reshape(noise, (len(channels), *np.shape(noise)[-2:]))
    if noise is not None and s.preprocessing.dither_scope == "signal":
        noises = np.reshape(noise, (len(channels), -1))
    signals = [prepared_signal(c, s.preprocessing, z) for c, z in zip(channels, noises, strict=True)]
    starts = frame_starts(signals[0].size, s.framing)
    every = [windowed_frames(x, starts, s, z) for x, z in zip(signals, noises, strict=True)]
    raw, windowed = (np.stack([pair[i] for pair in every]) for i in (0, 1))
    spectrum = np.abs(fft.rfft(windowed, axis=-1)).swapaxes(-2, -1) ** s.spectrum.power
    if s.spectrum.spectrum_scale == "1/n_fft":
        spectrum = spectrum / s.framing.n_fft

    out = SimpleNamespace(stages=s, signal=np.stack(signals), frames=raw, windowed=windowed, spectrum=spectrum)
    out.bands = out.levels = out.cepstra = out.energy = None
    result = spectrum
    if s.filterbank is not None:
        out.weights = filterbank(sr, s.framing.n_fft, s.filterbank)
        result = out.bands = (out.weights @ spectrum) ** s.filterbank.band_power
    if s.compression is not None:
        result = out.levels = levels(result, s.compression)
    if s.cepstrum is not None:
        result = out.cepstra = cepstra(result, s.cepstrum)
    energy_row = None
    if s.energy is not None:
        energies = {
            "raw": lambda: (raw**2).sum(axis=-1),
            "windowed": lambda: (windowed**2).sum(axis=-1),
            "spectrum": lambda: spectrum.sum(axis=-2),
        }[s.energy.energy_point]()
        out.energy = np.stack([log_energy(e, s.energy) for e in energies])
        pairs = [with_energy(x, e, s.energy, s.cepstrum) for x, e in zip(result, out.energy, strict=True)]
        result, energy_row = np.stack([pair[0] for pair in pairs]), pairs[0][1]
    whole = SimpleNamespace(**{**vars(s.framing), "drop_last": 0})
    n_dropped = len(frame_starts(signals[0].size, whole)) - len(starts)
    out.statics = result
    out.features = np.stack([post(x, s.post, energy_row, n_dropped) for x in result])
    return out


def features(
    y: np.ndarray, sr: float, stages: dict[str, dict[str, Any] | None], noise: np.ndarray | None = None
) -> np.ndarray:
    """Return the features ``(n_features, n_frames)`` of a signal ``(n,)``; of ``(n_channels, n)``, one such each."""
    result = run(y, sr, stages, noise).features
    return result if np.ndim(y) > 1 else result[0]
