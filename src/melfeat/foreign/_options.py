"""Options of another program: each is asked for once, and what nobody asked for is refused by name."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from .._checks import check_bool, check_choice, check_float, check_int
from ..errors import ParameterError

__all__ = ["Options", "check_feature", "read_text"]


def read_text(config: Any, what: str, *, is_text: Callable[[str], bool]) -> str:
    """Return the text of a configuration that is given as text or as a path; `is_text` tells one from the other."""
    if isinstance(config, str) and is_text(config):
        return config
    if isinstance(config, str | os.PathLike):
        return Path(config).read_text(encoding="utf-8")
    raise ParameterError(f"config has type {type(config).__name__}: expected {what} as text, a path or a dict")


def check_feature(feature: Any, choices: Iterable[str], refused: Mapping[str, str]) -> str:
    """Return `feature` if it is one of `choices`; `refused` says of others why not."""
    if isinstance(feature, str) and feature in refused:
        raise ParameterError(
            f"feature={feature!r}: {refused[feature]}; expected one of {', '.join(map(repr, choices))}"
        )
    return str(check_choice("feature", feature, choices))


class Options:
    """The options of one configuration, by name.

    Values may be of their own type or text, as in a file. `finish` refuses whatever is left over.
    """

    def __init__(
        self,
        origin: str,
        values: Mapping[str, Any],
        *,
        spell: Callable[[str], str] = str,
        booleans: Mapping[str, bool] | None = None,
    ) -> None:
        self._origin = origin
        self._values = dict(values)
        self._spell = spell
        self._booleans = booleans or {}
        self._known: set[str] = set()

    def name(self, name: str) -> str:
        """Return how messages call an option."""
        return f"{self._origin} option {self._spell(name)}"

    def has(self, name: str) -> bool:
        """Return whether an option is given."""
        self._known.add(name)
        return name in self._values

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value as it stands there."""
        self._known.add(name)
        return self._values.get(name, default)

    def _number(self, name: str, default: Any, kind: type) -> Any:
        value = self.get(name, default)
        if isinstance(value, str):
            for parse in (kind, float):
                with contextlib.suppress(ValueError):
                    return parse(value)
        return value  # the check of the caller says what is expected

    def float(self, name: str, default: Any, **limits: Any) -> float:
        """Return a finite number."""
        value = self._number(name, default, float)
        if isinstance(value, bool):
            raise ParameterError(f"{self.name(name)}={value!r}: expected a number")
        return check_float(self.name(name), value, **limits)

    def int(self, name: str, default: Any, **limits: Any) -> int:
        """Return an integer; 400.0 is one."""
        value = self._number(name, default, int)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        return check_int(self.name(name), value, **limits)

    def bool(self, name: str, default: bool) -> bool:
        """Return a boolean, in the words of the program if the value is text."""
        value = self.get(name, default)
        if isinstance(value, str):
            if value.lower() in self._booleans:
                return self._booleans[value.lower()]
            words = ", ".join(self._booleans) or "True or False"
            raise ParameterError(f"{self.name(name)}={value!r}: expected one of {words}")
        return check_bool(self.name(name), value)

    def choice(self, name: str, default: Any, choices: Iterable[Any]) -> Any:
        """Return one of `choices`."""
        return check_choice(self.name(name), self.get(name, default), choices)

    def no_effect(self, *names: str) -> None:
        """Accept options that cannot change the features."""
        self._known.update(names)

    def only(self, name: str, allowed: tuple[Any, ...], remedy: str) -> None:
        """Refuse an option unless its value is one that changes nothing."""
        value = self.get(name, allowed[0])
        if isinstance(value, str) and not isinstance(allowed[0], str):
            if isinstance(allowed[0], bool):
                value = self._booleans.get(value.lower(), value)
            else:
                value = self._number(name, value, type(allowed[0]))
        if not any(value is option or value == option for option in allowed):
            raise ParameterError(f"{self.name(name)}={self.get(name)!r} is not supported; {remedy}")

    def refuse(self, names: Mapping[str, str]) -> None:
        """Refuse options at any value; `names` gives the remedy for each."""
        for name, remedy in names.items():
            if self.has(name):
                raise ParameterError(f"{self.name(name)}={self.get(name)!r} is not supported; {remedy}")

    def finish(self) -> None:
        """Refuse every option that nobody asked for, suggesting the nearest known name."""
        for name in self._values:
            if name not in self._known:
                near = get_close_matches(str(name), sorted(self._known), n=1)
                hint = f"did you mean {self._spell(near[0])}?" if near else "it would be ignored; remove it"
                raise ParameterError(f"{self.name(str(name))} is unknown; {hint}")
