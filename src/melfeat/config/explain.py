"""A configuration in words and numbers, and in words what tells two of them apart."""

from __future__ import annotations

import inspect
import math
import textwrap
from typing import Any

from ..dsp.bank import bin_rate
from ..errors import ParameterError
from ..stages import Cepstrum, Compression, Energy, Filterbank, Post
from ._config import Config
from ._difference import differences, in_short
from ._geometry import first_time

__all__ = ["diff", "explain"]

_WIDTH, _LABEL = 100, 10

_SCALES = {"slaney": "Slaney's mel scale", "htk": "HTK's mel scale (2595 log10)", "htk_ln": "HTK's mel scale (1127 ln)"}
_SIDES = {
    "hz": "sides linear in Hz",
    "mel": "sides linear in mel",
    "htk": "sides linear in mel, the ends of the band rounded to bins as HTK does",
    "psf": "edges rounded down to bins, sides linear in bins",
    "etsi": "edges rounded to bins, sides linear in bins, as in ES 201 108",
}
_BINS = {"all": "", "no_nyquist": "the bin at sr/2 unused", "no_dc": "the bin at 0 Hz unused"}
_BINS["inner"] = "the bins at 0 Hz and sr/2 unused"
_PADDING = {"constant": "zeros", "edge": "the first and last sample repeated", "empty": "anything"}
_PADDING |= {"reflect": "the signal mirrored about its first and last sample", "linear_ramp": "a ramp to zero"}
_PADDING |= {"symmetric": "the signal mirrored, first and last sample repeated"}
_LOGS = {"db": "10 log10", "db20": "20 log10", "ln": "ln", "log10": "log10"}
_FIRST = {
    "zero": "the sample before the first is 0",
    "scaled": "the first sample times 1 - {k:g}",
    "extrapolate": "the sample before the first on the line through the first two",
    "previous": "the sample before a frame is that of the signal",
}
_NORMS = {"ortho": "orthonormal", "htk": "times sqrt(2 / {b})", "unit": "plain cosines", None: "times 2, as SciPy"}
_POINTS = {
    "raw": "the sum of squares of a frame, before pre-emphasis and window",
    "windowed": "the sum of squares of a frame, after pre-emphasis and window",
    "spectrum": "the sum of the spectrum's bins",
}
_PLACES = {"replace_c0": "in place of c0", "first": "before all others", "last": "behind all others"}


def _ms(samples: float, sr: float) -> str:
    return f"{1000 * samples / sr:.4g} ms"


def _signal(config: Config) -> str:
    p, sr = config.preprocessing, config.sr
    parts = [f"{sr:g} Hz, samples in [-1, 1)" + (f" times {p.input_scale:g}" if p.input_scale != 1 else "")]
    if p.fixed_samples is not None:
        parts.append(f"cut, or completed by zeros, to {p.fixed_samples} samples ({p.fixed_samples / sr:g} s)")
    if p.normalize_signal:
        parts.append("mean 0 and variance 1")
    if p.dither > 0 and p.dither_scope == "signal":
        parts.append(_dither(config))
    if p.offset_filter is not None:
        parts.append(f"offset removed by y[n] = x[n] - x[n-1] + {p.offset_filter:g} y[n-1]")
    if p.preemphasis > 0 and p.preemphasis_scope == "signal":
        parts.append(_preemphasis(config))
    return "; ".join(parts)


def _dither(config: Config) -> str:
    p = config.preprocessing
    size = f"of deviation {p.dither:g}" if p.dither_kind == "gaussian" else f"of up to ±{p.dither:g}"
    return f"{p.dither_kind} noise {size} added (seed {p.dither_seed})"


def _preemphasis(config: Config) -> str:
    p = config.preprocessing
    return f"pre-emphasis x[n] - {p.preemphasis:g} x[n-1], {_FIRST[p.preemphasis_first].format(k=p.preemphasis)}"


def _frames(config: Config) -> str:
    f, first = config.framing, config.first_sample()
    hop, length = f.hop_length or 0, f.win_length or 0
    padding = "what a function puts there" if callable(f.pad_mode) else _PADDING[f.pad_mode]
    rules = {
        "center": f"frame t is centred at sample {hop} t; beyond the ends {padding}",
        "valid": f"frame t begins at sample {hop} t; only those that lie in the signal",
        "valid_minus_one": f"frame t begins at sample {hop} t; those that lie in the signal, without the last",
        "pad_end": f"frame t begins at sample {hop} t; zeros complete the last",
        "pad_all": f"frame t begins at sample {hop} t, as long as that is in the signal; zeros behind its end",
        "no_snip": f"frame t begins at sample {hop} t - {-first}; beyond the ends {padding}",
        "center_ceil": f"frame t is centred at sample {hop} t, up to the first at or behind the end; there {padding}",
    }
    sizes = f"{length} samples ({_ms(length, config.sr)}) every {hop} ({_ms(hop, config.sr)})"
    return f"{sizes}; {rules[f.frames]}" + (f"; the last {f.drop_last} left out" if f.drop_last else "")


def _in_frame(config: Config) -> str:
    p, parts = config.preprocessing, []
    if p.dither > 0 and p.dither_scope == "frame":
        parts.append(_dither(config))
    if p.remove_dc:
        parts.append("its mean subtracted")
    if p.preemphasis > 0 and p.preemphasis_scope == "frame":
        parts.append(_preemphasis(config))
    return "; ".join(parts)


def window_name(spec: Any) -> str:
    """Return a window specification in a few words."""
    if callable(spec):
        return "a function of its length"
    if isinstance(spec, str):
        return spec
    if not isinstance(spec, tuple):
        return f"kaiser, beta {spec:g}"
    return "given by its samples" if spec[0] == "samples" else f"{spec[0]} ({', '.join(map(str, spec[1:]))})"


def _window(config: Config) -> str:
    f = config.framing
    name = window_name(f.window)
    has_forms = name not in ("boxcar", "rectangular") and not name.startswith(("given", "a function"))
    form = f", {'symmetric' if f.window_symmetric else 'periodic'}" if has_forms else ""
    parts = [f"{name}{form}, {f.win_length} samples"]
    if f.window_scale is not None:
        parts.append("scaled to a sum of 2")
    if f.win_length != f.n_fft:
        place = "in the middle" if f.window_align == "center" else "at the beginning"
        parts.append(f"{place} of the FFT's {f.n_fft}, zeros elsewhere")
    return "; ".join(parts)


def _fft(config: Config) -> str:
    n_fft, power = config.framing.n_fft or 1, config.spectrum.power
    kind = {1.0: "magnitude |X|", 2.0: "power |X|²"}.get(power, f"|X| to the power {power:g}")
    over = f" / {n_fft}" if config.spectrum.spectrum_scale == "1/n_fft" else ""
    return f"{n_fft} points: {1 + n_fft // 2} bins every {config.sr / n_fft:.6g} Hz; {kind}{over}"


def _bands(config: Config, bank: Filterbank) -> str:
    centres, rate = config.mel_frequencies, bin_rate(config.sr, bank.nyquist)
    if bank.band_edges is not None:
        span = f"between given edges from {bank.band_edges[0]:.6g} to {bank.band_edges[-1]:.6g} Hz"
    else:
        half = config.sr // 2 if bank.nyquist == "floor" and bank.fmax is None else rate / 2
        top = bank.fmax if bank.fmax is not None and bank.fmax > 0 else half + (bank.fmax or 0.0)
        span = f"from {bank.fmin:g} to {top:g} Hz, equally spaced on {_SCALES[bank.mel_scale]}"
    parts = [f"{bank.n_mels} triangles {span}", _SIDES[bank.triangles]]
    parts.append(f"centres {in_short(tuple(f'{centre:.5g}' for centre in centres))} Hz")
    norms: dict[Any, str] = {"slaney": "heights 2 / width in Hz", "tri": "heights 2 / width", None: "heights 1"}
    norms["sum"] = "weights of a band sum up to 1"
    parts.append(norms.get(bank.mel_norm, f"weights of {bank.mel_norm!s}-norm 1"))
    if bank.triangles != "htk" and _BINS[bank.bins]:
        parts.append(_BINS[bank.bins])
    if rate != config.sr:
        parts.append(f"for bins of a sampling rate of {rate:.8g} Hz, whose period HTK can count")
    if bank.weights_dtype is not None:
        parts.append(f"weights rounded to {bank.weights_dtype}")
    if bank.vtln_warp != 1:
        parts.append(f"warped by {bank.vtln_warp:g} as {'Kaldi' if bank.vtln_kind == 'kaldi' else 'HTK'} does")
    if bank.band_power == 2:
        parts.append("then squared")
    return "; ".join(parts)


def _levels(level: Compression) -> str:
    floor = level.floor
    inner = {"clamp": f"max(x, {floor:.6g})", "add": f"x + {floor:.6g}"} if floor is not None else {}
    text = inner.get(level.floor_kind, "x")
    zeros = f", zeros as {floor:.6g}" if floor is not None and level.floor_kind == "if_zero" else ""
    if level.logarithm is None:
        return f"bands as they are: {text}{zeros}"
    parts = [f"{_LOGS[level.logarithm]}({text}){' [dB]' if level.logarithm.startswith('db') else ''}{zeros}"]
    if floor is None:
        parts[0] += ", no floor: -inf for empty bands"
    if level.top_db is not None:
        unit = {"log10": level.top_db / 10, "ln": level.top_db * math.log(10) / 10}.get(level.logarithm)
        depth = f"{level.top_db:g} dB" if unit is None else f"{unit:.4g} ({level.top_db:g} dB)"
        scope = "its channel" if level.peak_scope == "channel" else "the whole array"
        parts.append(f"raised to {depth} below the peak of {scope}")
    return "; ".join(parts)


def _cepstrum(config: Config, cepstrum: Cepstrum, bank: Filterbank) -> str:
    names = config.replace(energy=None, post=Post()).feature_names
    kind = {1: "I", 2: "II", 3: "III"}[cepstrum.dct_type]
    parts = [f"{in_short(names)} of a DCT-{kind}, {_NORMS[cepstrum.dct_norm].format(b=bank.n_mels)}"]
    if cepstrum.lifter > 0 and cepstrum.lifter_kind == "sine":
        row = "(i + 1)" if cepstrum.lifter_offset else "i"
        wave = f"{cepstrum.lifter / 2:g} sin(pi {row} / {cepstrum.lifter:g})"
        parts.append(f"lifter {cepstrum.lifter:g}: row i times 1 + {wave}")
    elif cepstrum.lifter > 0:
        parts.append(f"lifter: row i > 0 times i ** {cepstrum.lifter:g}")
    if cepstrum.c0_scale != 1 and cepstrum.c0 != "none":
        parts.append(f"c0 times {cepstrum.c0_scale:.6g}")
    return "; ".join(parts)


def _energy(energy: Energy) -> str:
    parts = [f"ln of {_POINTS[energy.energy_point]}, {_PLACES[energy.energy_place]}"]
    if energy.energy_eps > 0:
        what = "zeros as" if energy.energy_eps_kind == "if_zero" else "at least"
        parts.append(f"{what} {energy.energy_eps:.6g}")
    if energy.energy_floor > 0:
        parts.append(f"not below ln({energy.energy_floor:g})")
    if energy.energy_normalize:
        parts.append(
            f"the peak of the signal at 1, the rest {energy.energy_scale:g} times its distance below, at most "
            f"{energy.energy_silence_floor:g} dB of it"
        )
    return "; ".join(parts)


def _post(config: Config) -> list[str]:
    post, parts = config.post, []
    if post.cmn is not None:
        kinds = {
            "mean": "mean of each row subtracted",
            "mean_var": "each row to mean 0 and variance 1",
            "all_mean_var": "all rows together to mean 0 and variance 1",
            "sliding_mean": "mean of a window subtracted",
            "sliding_mean_var": "each row to mean 0 and variance 1 of a window",
        }
        where = {"static": "", "no_energy": ", without the energy", "all": ", deltas included"}[post.cmn_columns]
        window = f" ({post.cmn_window} frames{', centred' if post.cmn_center else ''})" if "sliding" in post.cmn else ""
        eps = {"std_add": "deviation + {}", "var_add": "variance + {}", "var_clamp": "variance at least {}"}
        small = f"; {eps[post.cmn_eps_kind].format(f'{post.cmn_eps:g}')}" if "var" in post.cmn and post.cmn_eps else ""
        less = "; variance over n - 1 frames" if "var" in post.cmn and post.cmn_ddof else ""
        parts.append(f"{kinds[post.cmn]}{window}{where}{less}{small}")
    if post.delta_order:
        second = post.delta_window if post.delta_window_2 is None else post.delta_window_2
        windows = f"±{post.delta_window}" + (f" and ±{second}" if post.delta_order > 1 else "")
        edges = {"replicate": "HTK", "kaldi": "Kaldi", "opensmile": "openSMILE"}[post.delta_edges]
        parts.append(f"deltas of order 1 to {post.delta_order} over {windows} frames, at the ends as {edges} does")
    if post.pad_dropped and config.framing.drop_last:
        parts.append(f"frames that were left out as {post.pad_value:g}")
    if post.fixed_frames is not None:
        parts.append(f"cut, or completed by {post.pad_value:g}, to {post.fixed_frames} frames")
    if post.shift or post.scale != 1:
        parts.append(f"(x + {post.shift:g}) times {post.scale:.6g}")
    if post.pad_to > 1:
        parts.append(f"completed by {post.pad_value:g} to a multiple of {post.pad_to} frames")
    if post.stack > 1:
        parts.append(f"{post.stack} frames stacked into one")
    return parts


def _features(config: Config) -> str:
    step = (config.framing.hop_length or 0) * config.post.stack / config.sr
    return f"{config.n_features} in a frame: {in_short(config.feature_names)}; {1 / step:.6g} frames a second"


def _timing(config: Config) -> str:
    sr, reasons = config.sr, config.whole_signal_reasons
    parts = [f"frame 0 is centred at {1000 * first_time(config):.5g} ms"]
    if reasons:
        parts.append(f"needs the whole signal: {', '.join(reasons)}")
    else:
        seen, delay = config.receptive_field, config.latency or 0
        if seen is None:
            parts.append("a frame depends on all samples before it (offset_filter)")
        else:
            parts.append(f"a frame depends on {seen} samples ({_ms(seen, sr)})")
        parts.append(f"is known {delay} samples ({_ms(delay, sr)}) after its centre")
    return "; ".join(parts)


def about(name: str) -> str:
    """Return what is known about a preset: its line, and the note of its function; nothing if it is not known."""
    from .presets import find  # a configuration can come from a file, before any preset was asked for

    try:
        entry = find(name)
    except ParameterError:
        return ""
    return f"{entry.about}. {inspect.getdoc(entry.options) or ''}".rstrip()


def as_config(given: Any) -> Config:
    """Return `given` as a configuration: itself, that of an extractor, or that of a preset's name."""
    if isinstance(given, str):
        return Config.preset(given)
    config = getattr(given, "config", given)
    if not isinstance(config, Config):
        raise ParameterError(f"config has type {type(given).__name__}: expected a Config, or the name of a preset")
    return config


def explain(config: Config | str) -> str:
    """Return what a configuration computes, step by step, in words and numbers.

    Parameters
    ----------
    config : Config, str or Extractor
        A configuration, the name of a preset, or an extractor.

    Returns
    -------
    text : str
        A few lines: the signal, frames, window, FFT, bands, levels, cepstrum, energy, what follows, and the features.

    Raises
    ------
    ParameterError
        If there is no such preset, or `config` is something else.

    Examples
    --------
    >>> from melfeat.config.explain import explain
    >>> print(explain("whisper"))  # doctest: +ELLIPSIS
    Config.preset('whisper')
    OpenAI Whisper: 80 log-mel bands, 100 frames a second. ...
    <BLANKLINE>
    signal    16000 Hz, samples in [-1, 1)
    frames    400 samples (25 ms) every 160 (10 ms); frame t is centred at sample 160 t; ...
    """
    config = as_config(config)
    rows = [("signal", _signal(config)), ("frames", _frames(config)), ("each", _in_frame(config))]
    rows += [("window", _window(config)), ("FFT", _fft(config))]
    if config.filterbank is not None:
        rows.append(("bands", _bands(config, config.filterbank)))
        if config.compression is not None:
            rows.append(("levels", _levels(config.compression)))
            if config.cepstrum is not None:
                rows.append(("cepstrum", _cepstrum(config, config.cepstrum, config.filterbank)))
    if config.energy is not None:
        rows.append(("energy", _energy(config.energy)))
    rows += [("then", part) for part in _post(config)]
    rows += [("features", _features(config)), ("timing", _timing(config))]
    lines = [repr(config), *(textwrap.wrap(about(config.based_on), _WIDTH) if config.based_on else []), ""]
    for label, text in rows:
        if text:
            indent = " " * _LABEL
            lines.append(textwrap.fill(text, _WIDTH, initial_indent=label.ljust(_LABEL), subsequent_indent=indent))
    return "\n".join(lines)


def diff(a: Config | str, b: Config | str) -> str:
    """Return what tells two configurations apart, and what that does to the output.

    Options without effect on the output are not compared: the kind of a lifter where there is none.

    Parameters
    ----------
    a, b : Config, str or Extractor
        Configurations, names of presets, or extractors.

    Returns
    -------
    text : str
        First how many features and frames each gives; then for each option that differs its two values and, indented,
        the effect.

    Raises
    ------
    ParameterError
        If there is no such preset, or `a` or `b` is something else.

    Examples
    --------
    >>> from melfeat.config.explain import diff
    >>> print(diff("whisper", "whisper-v3"))
    a  Config.preset('whisper')
    b  Config.preset('whisper-v3')
    <BLANKLINE>
    features  80 (mel_0, mel_1, ..., mel_79) | 128 (mel_0, mel_1, ..., mel_127)
    n_mels  80 | 128
        other bands: mel_0 of a and of b are not the same frequencies
    """
    a, b = as_config(a), as_config(b)
    lines = [f"a  {a!r}", f"b  {b!r}", ""]
    found = differences(a, b)
    for name, values, effect in found:
        lines.append(f"{name}  {values}")
        if effect:
            lines.append(textwrap.fill(effect, _WIDTH, initial_indent="    ", subsequent_indent="    "))
    return "\n".join([*lines, *([] if found else ["no difference in the output"])])
