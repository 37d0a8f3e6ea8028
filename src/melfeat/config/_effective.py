"""What of a configuration decides about the output: resolved values, without options that have no effect."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from ..dsp.bank import bin_rate
from ..dsp.cepstrum import n_cepstra
from ..dsp.framing import PLAIN_RULES
from ..dsp.mel import resolve_band
from ..dsp.windows import _ALIASES, _strip_suffix
from ..errors import ParameterError

if TYPE_CHECKING:
    from ._config import Config

__all__ = ["effective", "fingerprint"]

_BOTH_FORMS_EQUAL = ("boxcar", "samples")  # windows that are the same, periodic or symmetric


def _without(part: dict[str, Any], *names: str) -> None:
    for name in names:
        del part[name]


def _number(value: Any) -> Any:
    """Return equal floats as one, and infinities as text."""
    if not isinstance(value, float):
        return value
    return str(value) if math.isinf(value) else value + 0.0  # -0.0 becomes 0.0


def _preprocessing(config: Config) -> dict[str, Any]:
    part = asdict(config.preprocessing)
    if part["dither"] == 0:
        _without(part, "dither_kind", "dither_scope", "dither_seed")
    if part["preemphasis"] == 0:
        _without(part, "preemphasis_scope", "preemphasis_first")
    return part


def _floats(value: Any) -> Any:
    return list(map(_floats, value)) if isinstance(value, (tuple, list)) else float(value)


def _window(spec: Any, symmetric: bool, length: int) -> tuple[list[Any], bool | None]:
    """Return the window as ``[name, parameter, ...]`` and whether it is symmetric, None if that is all the same."""
    if callable(spec):
        spec = ("samples", tuple(spec(length)))
    if not isinstance(spec, (str, tuple)):
        spec = ("kaiser", spec)
    name, *parameters = (spec,) if isinstance(spec, str) else spec
    if name != "samples":
        name, periodic = _strip_suffix(name, not symmetric)
        name, symmetric = _ALIASES.get(name, name), not periodic
    return [name, *map(_floats, parameters)], None if name in _BOTH_FORMS_EQUAL else symmetric


def _framing(config: Config) -> dict[str, Any]:
    part = {field.name: getattr(config.framing, field.name) for field in fields(config.framing)}
    if callable(part["pad_mode"]):
        raise ParameterError(
            f"pad_mode={part['pad_mode']!r}: configurations with a function for padding cannot be told apart by their "
            "values; use a named mode"
        )
    part["window"], symmetric = _window(part["window"], part["window_symmetric"], part["win_length"])
    part["window_symmetric"] = symmetric
    if symmetric is None:
        _without(part, "window_symmetric")
    if part["frames"] in PLAIN_RULES:
        _without(part, "pad_mode")
    if part["win_length"] == part["n_fft"]:
        _without(part, "window_align")
    return part


def _filterbank(config: Config) -> dict[str, Any] | None:
    if config.filterbank is None:
        return None
    part, sr = asdict(config.filterbank), bin_rate(config.sr, config.filterbank.nyquist)
    if part["nyquist"] == "period" and sr == config.sr and part["triangles"] != "hz":
        part["nyquist"] = "exact"
    if part["band_edges"] is None:
        fmax = float(sr // 2) if part["fmax"] is None and part["nyquist"] == "floor" else part["fmax"]
        part["fmin"], part["fmax"] = resolve_band(sr, part["fmin"], fmax)
        _without(part, "band_edges")
    else:
        part["band_edges"] = list(part["band_edges"])
        _without(part, "fmin", "fmax")
        if part["triangles"] not in ("mel", "htk"):
            _without(part, "mel_scale")
    if part["triangles"] == "htk":
        _without(part, "bins")
    if part["vtln_warp"] == 1:
        _without(part, "vtln_kind", "vtln_low", "vtln_high")
    elif part["vtln_high"] < 0:
        part["vtln_high"] += sr / 2
    return part


def _compression(config: Config) -> dict[str, Any] | None:
    if config.compression is None:
        return None
    part = asdict(config.compression)
    if part["floor"] is None:
        _without(part, "floor_kind")
    if part["top_db"] is None:
        _without(part, "peak_scope")
    return part


def _cepstrum(config: Config) -> dict[str, Any] | None:
    if config.cepstrum is None or config.filterbank is None:
        return None
    part = asdict(config.cepstrum)
    part["n_mfcc"] = n_cepstra(config.filterbank.n_mels, part["n_mfcc"], part["c0"]) - (part["c0"] == "last")
    if part["lifter"] == 0:
        _without(part, "lifter_kind", "lifter_offset")
    elif part["lifter_kind"] == "exponential":
        _without(part, "lifter_offset")
    if part["c0"] == "none" or (config.energy is not None and config.energy.energy_place == "replace_c0"):
        _without(part, "c0_scale")
    return part


def _energy(config: Config) -> dict[str, Any] | None:
    if config.energy is None:
        return None
    part = asdict(config.energy)
    if part["energy_eps"] == 0:
        _without(part, "energy_eps_kind")
    if not part["energy_normalize"]:
        _without(part, "energy_scale", "energy_silence_floor")
    return part


def _cmn(part: dict[str, Any], *, has_energy: bool) -> None:
    """Take out what the chosen normalisation does not look at."""
    kind = part["cmn"]
    if kind is None:
        _without(part, *(name for name in list(part) if name.startswith("cmn_")))
        return
    if not kind.endswith("var"):
        _without(part, "cmn_ddof", "cmn_eps", "cmn_eps_kind")
    elif part["cmn_eps"] == 0:
        _without(part, "cmn_eps_kind")
    if not kind.startswith("sliding"):
        _without(part, "cmn_window", "cmn_min_window", "cmn_center")
    elif part["cmn_center"]:
        _without(part, "cmn_min_window")
    alone = part["cmn_columns"] == "all" and part["delta_order"] == 0
    if alone or (part["cmn_columns"] == "no_energy" and not has_energy):
        part["cmn_columns"] = "static"


def _post(config: Config) -> dict[str, Any]:
    part = asdict(config.post)
    _cmn(part, has_energy=config.energy is not None)
    if part["delta_window_2"] is None:
        part["delta_window_2"] = part["delta_window"]
    if part["delta_order"] == 0:
        _without(part, "delta_window")
    if part["delta_order"] < 2:
        _without(part, "delta_window_2", "delta_edges")
    masked = part["pad_dropped"] and config.framing.drop_last > 0
    if config.framing.drop_last == 0:
        _without(part, "pad_dropped")
    if part["fixed_frames"] is None and part["pad_to"] == 1 and not masked:
        _without(part, "pad_value")
    return part


def effective(config: Config) -> dict[str, Any]:
    """Return ``{"sr": ..., stage: {option: value} or None}``: equal for two configurations if their output must be."""
    return {
        "sr": config.sr,
        "preprocessing": _preprocessing(config),
        "framing": _framing(config),
        "spectrum": asdict(config.spectrum),
        "filterbank": _filterbank(config),
        "compression": _compression(config),
        "cepstrum": _cepstrum(config),
        "energy": _energy(config),
        "post": _post(config),
    }


def fingerprint(config: Config) -> str:
    """Return 32 hexadecimal digits of a digest of `effective`."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: plain(inner) for name, inner in value.items()}
        return [plain(inner) for inner in value] if isinstance(value, list) else _number(value)

    text = json.dumps(["melfeat config 1", plain(effective(config))], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]
