"""Where front ends are known by name: each is a function of the sampling rate that returns options."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .._checks import check_float
from ..errors import ParameterError
from ._config import Config
from ._fields import STAGE_OF, STAGES, build_stage, check_names, refuse_unknown

__all__ = ["ALIASES", "PRESETS", "Preset", "build", "find", "register"]

Options = dict[str, Any]


@dataclass(frozen=True)
class Preset:
    """A front end: what it is, its sampling rate [Hz], its options as a function of that, the stages it leaves out."""

    name: str
    about: str
    sr: float
    options: Callable[..., Options]
    without: tuple[str, ...]

    @property
    def parameters(self) -> tuple[str, ...]:
        """What `options` takes besides the sampling rate: options that others follow, and lengths in milliseconds."""
        return tuple(inspect.signature(self.options).parameters)[1:]


PRESETS: dict[str, Preset] = {}
ALIASES: dict[str, str] = {}


def _key(name: str) -> str:
    return re.sub(r"[-_.\s]+", "-", name.strip().lower())


def register(
    name: str, about: str, *, sr: float, without: tuple[str, ...] = (), aliases: tuple[str, ...] = ()
) -> Callable[[Callable[..., Options]], Callable[..., Options]]:
    """Return a decorator that makes a function of the sampling rate known as a preset.

    Parameters
    ----------
    name : str
        How it is called; case does not count, and ``_`` is ``-``.
    about : str
        What it is, in one line.
    sr : float > 0 [Hz]
        The sampling rate it has if none is asked for.
    without : tuple of str
        Stages that are left out although the function gives options for them. An override of such an option brings the
        stage, with the others as the function has them.
    aliases : tuple of str
        Other names.

    Returns
    -------
    decorator : callable
        Takes a function ``options(sr, ...)`` that returns a dict of options, and returns it unchanged. Further
        parameters of the function, which must have defaults, are given what an override of their name says.

    Raises
    ------
    ParameterError
        If the name is that of one of melfeat's presets, or another name of a preset. One of your own is replaced.

    Examples
    --------
    >>> from melfeat.config.presets import preset, register
    >>> @register("half-kaldi", "Kaldi's bands, every 20 ms", sr=16000)
    ... def half_kaldi(sr):
    ...     return {"frames": "valid", "win_length": int(0.025 * sr), "n_fft": None, "hop_length": int(0.02 * sr),
    ...             "n_mels": 23, "logarithm": "ln", "top_db": None}
    >>> preset("half-kaldi", sr=8000).framing.hop_length
    160
    """
    keys = [_key(other) for other in (name, *aliases)]
    for key in keys:
        owner = ALIASES.get(key, name)
        if owner != name or (owner in PRESETS and (PRESETS[owner].options.__module__ or "").startswith(__package__)):
            raise ParameterError(f"preset {name!r}: {key!r} is taken by another preset; choose another name")

    def add(options: Callable[..., Options]) -> Callable[..., Options]:
        PRESETS[name] = Preset(name, about, float(sr), options, without)
        ALIASES.update(dict.fromkeys(keys, name))
        return options

    return add


def find(name: str) -> Preset:
    """Return the preset of that name."""
    if not isinstance(name, str):
        raise ParameterError(f"preset {name!r}: expected a name, one of {', '.join(PRESETS)}")
    try:
        return PRESETS[ALIASES[_key(name)]]
    except KeyError:
        raise refuse_unknown("preset", name, ALIASES) from None


def build(entry: Preset, overrides: Mapping[str, Any]) -> Config:
    """Return the configuration of a preset in which some options are others."""
    check_names(overrides, entry.parameters)
    sr = check_float("sr", overrides.get("sr", entry.sr), low=0, strict=True, unit="Hz")
    for name in entry.parameters:
        samples = name.removesuffix("_ms")
        if name != samples and name in overrides and samples in overrides:
            raise ParameterError(
                f"{name}={overrides[name]!r} and {samples}={overrides[samples]!r}: expected one of them"
            )
    options = entry.options(sr, **{name: overrides[name] for name in entry.parameters if name in overrides})
    check_names(options)
    changed = {name: value for name, value in overrides.items() if name in STAGE_OF or name in STAGES}
    stages = {}
    for stage, kind in STAGES.items():
        named = stage in changed or any(STAGE_OF.get(name) == stage for name in changed)
        if stage in changed or (stage in entry.without and not named):
            stages[stage] = build_stage(stage, None, changed)
            continue
        own = {name: value for name, value in {**options, **changed}.items() if STAGE_OF.get(name) == stage}
        stages[stage] = kind(**own) if own or stage in ("preprocessing", "framing", "spectrum", "post") else None
    return Config(sr, **stages, based_on=entry.name)
