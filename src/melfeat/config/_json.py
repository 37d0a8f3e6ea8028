"""A configuration as JSON text and back, every value exact."""

from __future__ import annotations

import json
import math
from dataclasses import fields
from typing import Any

from ..errors import ParameterError
from ._fields import OPTIONAL, STAGES, refuse_unknown

__all__ = ["VERSION", "from_text", "to_text"]

VERSION = 1

_KEY = "melfeat_config"
_INFINITIES = {"inf": math.inf, "-inf": -math.inf}


def _encode_window(window: Any) -> Any:
    if callable(window):
        raise ParameterError(
            f"window={window!r}: a function cannot be written as JSON; give its samples, window(win_length), instead"
        )
    if isinstance(window, tuple) and len(window) == 2 and window[0] == "samples":
        return {"samples": list(window[1])}
    return window


def _decode_window(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) != {"samples"} or not isinstance(value["samples"], list):
            raise ParameterError('window: expected a name, a number, [name, parameter, ...] or {"samples": [...]}')
        return value["samples"]
    return _as_tuple(value)


def _as_tuple(value: Any) -> Any:
    return tuple(map(_as_tuple, value)) if isinstance(value, list) else value


def _encode(name: str, value: Any) -> Any:
    if name == "window":
        return _encode_window(value)
    if name == "pad_mode" and callable(value):
        raise ParameterError(f"pad_mode={value!r}: a function cannot be written as JSON; use a named mode")
    if name == "mel_norm" and isinstance(value, float) and math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return value


def _decode(name: str, value: Any) -> Any:
    if name == "window":
        return _decode_window(value)
    if name == "mel_norm" and isinstance(value, str):
        return _INFINITIES.get(value, value)
    return _as_tuple(value)


def to_text(values: dict[str, Any]) -> str:
    """Return the fields of a `Config` as JSON text."""
    data: dict[str, Any] = {_KEY: VERSION, "based_on": values["based_on"], "sr": values["sr"]}
    for stage, kind in STAGES.items():
        part = values[stage]
        data[stage] = part and {f.name: _encode(f.name, getattr(part, f.name)) for f in fields(kind)}
    try:
        return json.dumps(data, indent=2, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ParameterError(
            f"window={values['framing'].window!r}: cannot be written as JSON ({error}); give its samples instead"
        ) from None


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ParameterError(f"configuration: {twice!r} is given twice")
    return found


def _refuse_constant(text: str) -> Any:
    raise ParameterError(f"configuration: {text} is not a number in JSON")


def _stage_from(stage: str, part: Any) -> Any:
    if part is None:
        if stage in OPTIONAL:
            return None
        raise ParameterError(f"configuration: {stage} is null: expected an object; only {', '.join(OPTIONAL)} may be")
    if not isinstance(part, dict):
        raise ParameterError(f"configuration: {stage} is {part!r}: expected an object of options")
    known = [f.name for f in fields(STAGES[stage])]
    for name in part:
        if name not in known:
            raise refuse_unknown(f"option of {stage}", name, known)
    return STAGES[stage](**{name: _decode(name, value) for name, value in part.items()})


def from_text(text: str | bytes) -> dict[str, Any]:
    """Return the fields of a `Config` from JSON text; what is not there is left out."""
    try:
        data = json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_refuse_constant)
    except ParameterError:
        raise
    except (ValueError, TypeError, RecursionError) as error:
        raise ParameterError(f"configuration: not JSON ({error})") from None
    if not isinstance(data, dict) or _KEY not in data:
        raise ParameterError(f"configuration: expected an object with the key {_KEY!r}, as Config.to_json writes it")
    version = data.pop(_KEY)
    if version != VERSION or isinstance(version, bool):
        raise ParameterError(f"{_KEY}={version!r}: expected {VERSION}; a newer melfeat may be able to read it")
    known = ["based_on", "sr", *STAGES]
    for name in data:
        if name not in known:
            raise refuse_unknown("key", name, known)
    return {name: _stage_from(name, data[name]) if name in STAGES else data[name] for name in known if name in data}
