"""The stages of a `Config` and the names of their options, and what `Config.replace` does with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from difflib import get_close_matches
from typing import Any

from ..errors import ParameterError
from ..stages import Cepstrum, Compression, Energy, Filterbank, Framing, Post, Preprocessing, Spectrum

__all__ = [
    "OPTIONAL",
    "STAGES",
    "STAGE_OF",
    "build_stage",
    "check_names",
    "check_stages",
    "refuse_unknown",
    "replaced",
    "suggestion",
]

#: The stages in order, and their classes.
STAGES: dict[str, type[Any]] = {
    "preprocessing": Preprocessing,
    "framing": Framing,
    "spectrum": Spectrum,
    "filterbank": Filterbank,
    "compression": Compression,
    "cepstrum": Cepstrum,
    "energy": Energy,
    "post": Post,
}

#: Those that a configuration can do without.
OPTIONAL = ("filterbank", "compression", "cepstrum", "energy")

#: Which stage an option belongs to.
STAGE_OF: dict[str, str] = {field.name: stage for stage, kind in STAGES.items() for field in fields(kind)}

#: What others call our options, for suggestions only.
_ELSEWHERE = {
    **dict.fromkeys(("sample_rate", "samplerate", "sampling_rate", "sample_frequency", "fs", "rate"), "sr"),
    **dict.fromkeys(("nfft", "fft_size", "fft_length"), "n_fft"),
    **dict.fromkeys(("hop", "hop_size", "frame_shift", "frame_step", "winstep", "window_stride"), "hop_length"),
    **dict.fromkeys(("frame_length", "win_size", "winlen", "window_size"), "win_length"),
    **dict.fromkeys(("window_type", "winfunc", "window_fn"), "window"),
    **dict.fromkeys(("center", "snip_edges", "framing_rule"), "frames"),
    **dict.fromkeys(("nfilt", "n_filters", "num_mel_bins", "num_mels", "nbands", "numchans", "feature_size"), "n_mels"),
    **dict.fromkeys(("low_freq", "lowfreq", "f_min", "lofreq", "minfreq"), "fmin"),
    **dict.fromkeys(("high_freq", "highfreq", "f_max", "hifreq", "maxfreq"), "fmax"),
    **dict.fromkeys(("num_ceps", "numcep", "numceps", "ncep"), "n_mfcc"),
    **dict.fromkeys(("cepstral_lifter", "ceplifter", "lifterexp"), "lifter"),
    **dict.fromkeys(("preemph", "preemcoef", "preemphasis_coefficient", "preemph_coeff"), "preemphasis"),
    **dict.fromkeys(("remove_dc_offset", "zmeansource"), "remove_dc"),
    **dict.fromkeys(("amin", "mel_floor", "log_offset"), "floor"),
    **dict.fromkeys(("use_energy", "append_energy", "appendenergy"), "energy"),
    **dict.fromkeys(("usepower", "use_power", "mag_power"), "power"),
    **dict.fromkeys(("norm",), "dct_norm"),
    **dict.fromkeys(("htk",), "mel_scale"),
}


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return ``" (did you mean 'x'?)"`` for the known name nearest to `name`, or nothing."""
    options = list(known)
    folded = name.lower().replace("-", "_")
    meant = _ELSEWHERE.get(folded)
    if meant not in options:
        near = get_close_matches(folded, options, n=1)
        meant = near[0] if near else None
    return "" if meant is None else f" (did you mean {meant!r}?)"


def refuse_unknown(what: str, name: str, known: Iterable[str]) -> ParameterError:
    """Return the error for an unknown `name`, with the nearest known one."""
    return ParameterError(f"unknown {what} {name!r}{suggestion(name, known)}; see docs/config.md for all names")


def check_names(names: Iterable[str], also: Iterable[str] = ()) -> None:
    """Raise `ParameterError` for the first of `names` that is neither an option, a stage, ``sr`` nor in `also`."""
    known = ["sr", *STAGES, *STAGE_OF, *also]
    for name in names:
        if name not in known:
            raise refuse_unknown("option", name, known)


def build_stage(stage: str, current: Any, changes: Mapping[str, Any]) -> Any:
    """Return the stage that `changes` (options of this stage, or the stage itself) make of `current`."""
    if stage in changes:
        current = changes[stage]
    options = {name: changes[name] for name in changes if STAGE_OF.get(name) == stage}
    if not options:
        return current
    if stage in changes and current is None:
        name = next(iter(options))
        raise ParameterError(f"{stage}=None and {name}={options[name]!r}: expected the stage left out, or its options")
    if current is None:
        return STAGES[stage](**options)
    _check_stage(stage, current)
    if stage == "framing" and options.get("n_fft") is not None and current.win_length == current.n_fft:
        options.setdefault("win_length", None)
    return replace(current, **options)


def _check_stage(stage: str, value: Any) -> None:
    kind = STAGES[stage]
    if not (isinstance(value, kind) or (value is None and stage in OPTIONAL)):
        also = " or None" if stage in OPTIONAL else ""
        raise ParameterError(f"{stage}={value!r}: expected a {kind.__name__}{also}; its options are set by their names")


def check_stages(stages: Mapping[str, Any]) -> None:
    """Raise `ParameterError` if a stage is not of its class, or None where it is needed."""
    for stage in STAGES:
        _check_stage(stage, stages[stage])


def replaced(current: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return all stages after `changes`, see `Config.replace`."""
    check_names(changes)
    return {stage: build_stage(stage, current[stage], changes) for stage in STAGES}
