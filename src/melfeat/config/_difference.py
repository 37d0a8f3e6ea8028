"""What tells two configurations apart, and what each difference does to the output, in plain words."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ._config import Config
from ._effective import effective

__all__ = ["differences", "in_short"]

_MISSING = object()

#: Natural logarithm of a power, in units of a level: what a level changes by when power grows by a factor e.
_PER_NEPER = {"db": 10 / math.log(10), "db20": 20 / math.log(10), "ln": 1.0, "log10": 1 / math.log(10)}
_UNITS = {"db": " dB", "db20": " dB", "ln": " (ln)", "log10": " (log10)"}

Effect = Callable[[Any, Any, Config, Config], str]


def _levels_move(nepers: float, config: Config) -> str:
    """Return what a constant factor of the bands, given by its natural logarithm, does to the features of `config`."""
    level = config.compression
    if level is None or level.logarithm is None:
        factor = f"{math.exp(nepers):.6g}" if abs(nepers) < 700 else f"10^{nepers / math.log(10):.4g}"
        return f"all values of b are {factor} times those of a"
    shift = nepers * _PER_NEPER[level.logarithm]
    text = f"levels of b are {abs(shift):.4g}{_UNITS[level.logarithm]} {'higher' if shift > 0 else 'lower'}"
    if level.floor is not None:
        text += " but for those at the floor"
    if config.cepstrum is not None:
        text += "; of the cepstrum that moves c0 alone"
    return text


def _input_scale(x: float, y: float, a: Config, b: Config) -> str:
    nepers = math.log(y) - math.log(x)
    text = _levels_move(nepers * a.spectrum.power, a)
    if a.energy is not None and b.energy is not None:
        text += f"; the energy by {2 * nepers:.4g}"
    return text


def _spectrum_scale(x: str | None, y: str | None, a: Config, b: Config) -> str:
    nepers = math.log(a.framing.n_fft or 1)
    return _levels_move(-nepers if y else nepers, a)


def _preemphasis(x: float, y: float, a: Config, b: Config) -> str:
    def gain(k: float) -> float:
        return 20 * math.log10((1 + k) / max(1 - k, 1e-6))

    return f"between 0 Hz and sr/2 a raises levels by {gain(x):.3g} dB, b by {gain(y):.3g} dB"


def _n_fft(x: int, y: int, a: Config, b: Config) -> str:
    return f"bins every {a.sr / x:.5g} Hz | {b.sr / y:.5g} Hz: narrow bands have other weights, or none"


def _hop_length(x: int, y: int, a: Config, b: Config) -> str:
    return f"{a.sr / x:.6g} | {b.sr / y:.6g} frames a second: frame t is at another time"


def _win_length(x: int, y: int, a: Config, b: Config) -> str:
    return f"{1000 * x / a.sr:.4g} | {1000 * y / b.sr:.4g} ms: more or less of the signal in a frame"


def _frames(x: str, y: str, a: Config, b: Config) -> str:
    n = 100 * max(a.framing.n_fft or 1, b.framing.n_fft or 1)
    first, other = a.times(n)[:1] * a.sr, b.times(n)[:1] * b.sr
    where = f"frame 0 is centred at sample {first[0]:g} | {other[0]:g}; " if len(first) and len(other) else ""
    ends = {"valid": "none", "valid_minus_one": "none", "pad_end": "zeros", "pad_all": "zeros"}
    beyond = [ends.get(rule, str(config.framing.pad_mode)) for rule, config in ((x, a), (y, b))]
    return f"{where}samples beyond the ends: {beyond[0]} | {beyond[1]}"


def _drop_last(x: int, y: int, a: Config, b: Config) -> str:
    return "frames at the end that are not put out, and do not count for peaks and means"


def _pad_mode(x: str, y: str, a: Config, b: Config) -> str:
    return "other samples beyond the ends: only frames that reach there differ"


def _window(x: list[Any], y: list[Any], a: Config, b: Config) -> str:
    if "boxcar" in (x[0], y[0]):
        return "without a window strong frequencies leak into all others: weak bands are louder"
    return "strong frequencies leak into their neighbours in another way: weak bands differ by some dB"


def _symmetric(x: Any, y: Any, a: Config, b: Config) -> str:
    n = a.framing.win_length or 1
    return f"a period of {n - 1} samples if symmetric, {n} if periodic: values differ by about 1/{n}, a little"


def _align(x: Any, y: Any, a: Config, b: Config) -> str:
    shift = ((a.framing.n_fft or 0) - (a.framing.win_length or 0)) // 2
    return f"the window {shift} samples later where it stands in the middle: other samples in frame t"


def _power(x: float, y: float, a: Config, b: Config) -> str:
    if a.compression is None or a.compression.logarithm is None:
        return "bands of another unit"
    return (
        f"levels of b are about {y / x:g} times those of a (not exactly: bands add up other values), and reach the "
        "floor at another loudness"
    )


def _logarithm(x: str | None, y: str | None, a: Config, b: Config) -> str:
    if x is None or y is None:
        return "bands as they are on one side"
    return f"levels and cepstra of b are {_PER_NEPER[y] / _PER_NEPER[x]:.6g} times those of a"


def _bands(x: Any, y: Any, a: Config, b: Config) -> str:
    return "other bands: mel_0 of a and of b are not the same frequencies"


def _mel_scale(x: str, y: str, a: Config, b: Config) -> str:
    if "slaney" in (x, y):
        return "Slaney's scale is linear up to 1 kHz, HTK's is not: other bands"
    return "2595 log10 and 1127 ln differ by a factor of 1 + 5e-6: equal edges but for roundings"


def _mel_norm(x: Any, y: Any, a: Config, b: Config) -> str:
    if "sum" in (x, y) or {x, y} <= {"slaney", "tri"}:
        text = "bands are scaled by other constants"
    else:
        text = "area against height: wide bands, high in frequency, are lower with 'slaney'"
    return f"{text}; each level moves by a constant, and with it every cepstrum"


def _triangles(x: str, y: str, a: Config, b: Config) -> str:
    if {x, y} == {"mel", "htk"}:
        return "HTK rounds the ends of the range to bins and leaves bins out: the outer bands differ"
    if {x, y} & {"psf", "etsi"}:
        return "edges at whole bins on one side: narrow bands differ much, wide ones little"
    return "sides of triangles linear in Hz | mel: weights differ by some percent, levels by hundredths"


def _bins(x: str, y: str, a: Config, b: Config) -> str:
    return "the outermost bands, as far as they reach to 0 Hz or sr/2"


def _floor(x: Any, y: Any, a: Config, b: Config) -> str:
    return "quiet bands and digital silence only; where bands are far above it, nothing"


def _top_db(x: Any, y: Any, a: Config, b: Config) -> str:
    return "bands far below the peak; with a peak frames depend on the whole signal"


def _dct_norm(x: str | None, y: str | None, a: Config, b: Config) -> str:
    n_mels = a.filterbank.n_mels if a.filterbank is not None else 1

    def sizes(norm: str | None) -> tuple[float, float]:
        row = {"ortho": math.sqrt(2 / n_mels), "htk": math.sqrt(2 / n_mels), "unit": 1.0, None: 2.0}[norm]
        return row, row / math.sqrt(2) if norm == "ortho" else row

    (rest, c0), (other, other_c0) = sizes(x), sizes(y)
    if rest == other:
        return f"C0 of {'b' if other_c0 > c0 else 'a'} is larger by sqrt(2); the rest is equal"
    return f"coefficients of b are {other / rest:.6g} times those of a, C0 {other_c0 / c0:.6g} times"


def _lifter_offset(x: int, y: int, a: Config, b: Config) -> str:
    one = "a" if x == 1 else "b"
    return f"librosa's lifter is off by one: {one} gives row i the factor that others give row i + 1, and C0 one too"


def _lifter(x: float, y: float, a: Config, b: Config) -> str:
    return "each coefficient is multiplied by another constant"


def _c0(x: str, y: str, a: Config, b: Config) -> str:
    return "where C0 stands among the rows, or whether it is there: other columns"


def _delta_edges(x: str, y: str, a: Config, b: Config) -> str:
    return "deltas of deltas of the first and last few frames only"


def _sr(x: float, y: float, a: Config, b: Config) -> str:
    return "signals of another sampling rate: resample; lengths in samples and bands in Hz are not comparable"


def _constant(text: str) -> Effect:
    return lambda x, y, a, b: text


_ENERGY = "the energy's column only"
_EFFECTS: dict[str, Effect] = {
    "sr": _sr,
    "input_scale": _input_scale,
    "fixed_samples": _constant("another length of the signal, so another number of frames"),
    "normalize_signal": _constant("the level of the signal does not count on one side"),
    "dither": _constant("noise: quiet bands rise; values are random, but the same for the same seed"),
    "dither_kind": _constant("noise of another distribution"),
    "dither_scope": _constant("noise of each frame its own, or one for the signal"),
    "dither_seed": _constant("other random numbers"),
    "offset_filter": _constant("frequencies near 0 Hz, and the energy where there is an offset"),
    "remove_dc": _constant("bands near 0 Hz, and the energy, where frames have an offset"),
    "preemphasis": _preemphasis,
    "preemphasis_scope": _constant("the first sample of each frame only: little, after a window"),
    "preemphasis_first": _constant("the first sample of each frame (of the signal, if that is filtered whole) only"),
    "n_fft": _n_fft,
    "hop_length": _hop_length,
    "win_length": _win_length,
    "window": _window,
    "frames": _frames,
    "pad_mode": _pad_mode,
    "window_symmetric": _symmetric,
    "window_align": _align,
    "window_scale": _constant("levels move by a constant; of the cepstrum that moves c0 alone"),
    "drop_last": _drop_last,
    "power": _power,
    "spectrum_scale": _spectrum_scale,
    "n_mels": _bands,
    "fmin": _bands,
    "fmax": _bands,
    "band_edges": _bands,
    "mel_scale": _mel_scale,
    "mel_norm": _mel_norm,
    "triangles": _triangles,
    "bins": _bins,
    "nyquist": _constant("bins at slightly other frequencies, unless sr and n_fft are such that they are the same"),
    "weights_dtype": _constant("roundings of the weights, 6e-8 of each if they are float32"),
    "band_power": _constant("bands are squared on one side: levels twice as large"),
    **dict.fromkeys(("vtln_warp", "vtln_kind", "vtln_low", "vtln_high"), _constant("bands at warped frequencies")),
    "logarithm": _logarithm,
    "floor": _floor,
    "floor_kind": _floor,
    "top_db": _top_db,
    "peak_scope": _constant("signals of several channels only: one peak for all of them, or each its own"),
    "n_mfcc": _constant("more or fewer rows; those that both have are the same"),
    "dct_type": _constant("another basis: no coefficient is comparable"),
    "dct_norm": _dct_norm,
    "lifter": _lifter,
    "lifter_kind": _lifter,
    "lifter_offset": _lifter_offset,
    "c0": _c0,
    "c0_scale": _constant("C0 only"),
    "energy_place": _constant("where the energy stands: other columns"),
    "energy_point": _constant("the energy before or after pre-emphasis and window: its column only"),
    **dict.fromkeys(("energy_eps", "energy_eps_kind", "energy_floor"), _constant("the energy of quiet frames only")),
    **dict.fromkeys(("energy_normalize", "energy_scale", "energy_silence_floor"), _constant(_ENERGY)),
    "cmn": _constant("other means, or variances, are taken out"),
    "cmn_columns": _constant("which columns are normalised"),
    "cmn_ddof": _constant("values smaller by sqrt((n - 1) / n) of n frames where ddof is 1"),
    **dict.fromkeys(("cmn_eps", "cmn_eps_kind"), _constant("rows that hardly vary only")),
    **dict.fromkeys(("cmn_window", "cmn_min_window", "cmn_center"), _constant("other frames enter the means")),
    "delta_order": _constant("more or fewer rows of deltas"),
    **dict.fromkeys(("delta_window", "delta_window_2"), _constant("deltas over more or fewer frames: smoother or not")),
    "delta_edges": _delta_edges,
    "pad_dropped": _constant("frames at the end that are padding, or missing"),
    "fixed_frames": _constant("another number of frames, and at last another shape"),
    "pad_to": _constant("frames of padding at the end"),
    "pad_value": _constant("the value of frames that are padding"),
    "stack": _constant("frames side by side: other rows, other frames"),
    "shift": _constant("every value moves by a constant"),
    "scale": _constant("every value is multiplied by a constant"),
}

_WITHOUT = {
    "filterbank": "without bands the features are the spectrum's bins",
    "compression": "without a logarithm the features are bands",
    "cepstrum": "without a cepstrum the features are levels of bands",
    "energy": "one side has the energy of each frame as a feature",
}


def in_short(names: tuple[str, ...]) -> str:
    """Return the first names and the last."""
    return ", ".join(names) if len(names) < 5 else f"{names[0]}, {names[1]}, ..., {names[-1]}"


def _text(value: Any) -> str:
    if isinstance(value, list):
        if value and value[0] == "samples":
            return f"{len(value[1])} samples"
        if len(value) > 6:
            return f"{len(value)} edges"
        return value[0] if len(value) == 1 else str(tuple(value))
    return f"{value:.7g}" if isinstance(value, float) else str(value)


def differences(a: Config, b: Config) -> list[tuple[str, str, str]]:
    """Return ``(option, "value in a | value in b", effect)`` for all that makes the output differ, shape first."""
    mine, its = effective(a), effective(b)
    found = []
    if a.feature_names != b.feature_names:
        rows = [f"{config.n_features} ({in_short(config.feature_names)})" for config in (a, b)]
        found.append(("features", " | ".join(rows), ""))
    second = round(a.sr), round(b.sr)
    if (counts := (a.n_frames(second[0]), b.n_frames(second[1])))[0] != counts[1]:
        found.append(("frames of 1 s", f"{counts[0]} | {counts[1]}", ""))
    if mine["sr"] != its["sr"]:
        found.append(("sr", f"{a.sr:g} | {b.sr:g} Hz", _sr(a.sr, b.sr, a, b)))
    for stage in [name for name in mine if name != "sr"]:
        one, other = mine[stage], its[stage]
        if (one is None) != (other is None):
            found.append((stage, "no | yes" if one is None else "yes | no", _WITHOUT[stage]))
            continue
        for name in dict.fromkeys([*(one or {}), *(other or {})]):
            x, y = (one or {}).get(name, _MISSING), (other or {}).get(name, _MISSING)
            # An option that is there on one side only follows from another that differs.
            if x is not _MISSING and y is not _MISSING and x != y:
                found.append((name, f"{_text(x)} | {_text(y)}", _EFFECTS[name](x, y, a, b)))
    return found
