"""A configuration as the expression that makes it, as short as it can be."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from ..errors import ParameterError
from ._fields import STAGE_OF, STAGES

if TYPE_CHECKING:
    from ._config import Config

__all__ = ["changes_from_preset", "text_of"]

_LONG = 8  # samples of a window that are still written out


def _value(name: str, value: Any) -> str:
    if name == "window" and isinstance(value, tuple) and value[:1] == ("samples",):
        return f"<{len(value[1])} samples>" if len(value[1]) > _LONG else repr(list(value[1]))
    if isinstance(value, tuple(STAGES.values())):
        return _stage(value)
    return repr(value)


def _stage(stage: Any) -> str:
    return f"{type(stage).__name__}({_arguments(_changed(stage, type(stage)()))})"


def _changed(stage: Any, other: Any) -> dict[str, Any]:
    """Return the options of `stage` that are not as in another of its class."""
    names = [f.name for f in fields(stage)]
    return {name: getattr(stage, name) for name in names if getattr(stage, name) != getattr(other, name)}


def _arguments(values: dict[str, Any]) -> str:
    return ", ".join(f"{name}={_value(name, value)}" for name, value in values.items())


def _differences(config: Config, base: Config) -> dict[str, Any]:
    """Return what to give to `base`'s preset so that `base` becomes `config`."""
    found: dict[str, Any] = {} if config.sr == base.sr else {"sr": config.sr}
    for stage, kind in STAGES.items():
        mine, its = getattr(config, stage), getattr(base, stage)
        if mine == its:
            continue
        if mine is None:
            found[stage] = None
            continue
        changed = _changed(mine, kind() if its is None else its)
        found.update(changed if changed or its is not None else {stage: mine})
    return found


def changes_from_preset(config: Config) -> dict[str, Any] | None:
    """Return the fewest options with which the preset gives `config`; None if there is no such preset.

    One option of a preset can move others (`sr` all lengths in milliseconds, `n_fft` the window), so the options that
    differ are collected until nothing does, and those that follow from others are taken out again.
    """
    from .presets import preset

    if config.based_on is None:
        return None
    changes: dict[str, Any] = {} if not _known_rate(config) else {"sr": config.sr}
    try:
        for _ in range(8):
            base = preset(config.based_on, **changes)
            if base == config:
                break
            more = _differences(config, base)
            if not more.keys() - changes.keys():  # the preset fills a stage in its own way: give it whole
                differing = [stage for stage in STAGES if getattr(config, stage) != getattr(base, stage)]
                more = {stage: getattr(config, stage) for stage in differing}
                changes = {name: changes[name] for name in changes if STAGE_OF.get(name) not in differing}
            changes |= more
        else:
            return None
        for name in reversed(list(changes)):
            fewer = {other: value for other, value in changes.items() if other != name}
            if _gives(config, fewer):
                changes = fewer
    except ParameterError:
        return None
    return changes


def _known_rate(config: Config) -> bool:
    from .presets import preset

    try:
        return preset(str(config.based_on)).sr != config.sr
    except ParameterError:
        return False


def _gives(config: Config, changes: dict[str, Any]) -> bool:
    from .presets import preset

    try:
        return preset(str(config.based_on), **changes) == config
    except ParameterError:
        return False


def text_of(config: Config) -> str:
    """Return an expression that evaluates to `config`, unless its window is long or a function."""
    changes = changes_from_preset(config)
    if changes is not None:
        arguments = _arguments(changes)
        return f"Config.preset({config.based_on!r}{', ' if arguments else ''}{arguments})"
    changed: dict[str, Any] = {"sr": config.sr}
    for stage, kind in STAGES.items():
        value = getattr(config, stage)
        if value != (kind() if stage in ("preprocessing", "framing", "spectrum", "post") else None):
            changed[stage] = value
    if config.based_on is not None:
        changed["based_on"] = config.based_on
    return f"Config({_arguments(changed)})"
