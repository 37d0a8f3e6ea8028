"""`melfeat presets`, `melfeat explain` and `melfeat diff`: which front ends are known, and what they compute."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from ._common import Exit, UsageError, print_json

if TYPE_CHECKING:
    from ..config import Config

__all__ = ["DIFF", "EXPLAIN", "add_diff", "add_explain", "add_presets", "read_config", "read_settings"]

EXPLAIN = """\
Say what a front end computes, step by step, in words and numbers.

CONFIG is the name of a preset (melfeat presets lists them) or a file with a configuration as JSON, which
melfeat explain CONFIG --json writes.
"""
DIFF = """\
Say what tells two front ends apart, and what each difference does to the output.

A and B are names of presets (melfeat presets lists them) or files with configurations as JSON.
"""

_WORDS = {"none": None, "true": True, "false": False, "inf": float("inf")}


def add_presets(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `melfeat presets`."""
    parser.add_argument("--json", action="store_true", help="print a JSON object, what each is by its name")
    parser.set_defaults(run=_presets)


def add_explain(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `melfeat explain`."""
    parser.add_argument("config", metavar="CONFIG", help="a preset, or a JSON file")
    _add_set(parser)
    parser.add_argument("--json", action="store_true", help="print the configuration as JSON, to be kept")
    parser.set_defaults(run=_explain)


def add_diff(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `melfeat diff`."""
    parser.add_argument("a", metavar="A", help="a preset, or a JSON file")
    parser.add_argument("b", metavar="B", help="the other one")
    _add_set(parser)
    parser.set_defaults(run=_diff)


def _add_set(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="change an option, as in --set n_mels=40"
    )


def _value(text: str) -> Any:
    """Return the value that `text` stands for: JSON, none, true or false, a window as in kaiser:14, else itself."""
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    try:
        value = json.loads(text)
    except ValueError:
        name, *parameters = text.split(":")
        try:
            return (name, *map(float, parameters)) if parameters else text
        except ValueError:
            return text
    return tuple(value) if isinstance(value, list) else value


def read_settings(settings: list[str]) -> dict[str, Any]:
    """Return the options of ``NAME=VALUE`` arguments."""
    found: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals or not name:
            raise UsageError(f"--set {setting}: expected NAME=VALUE, as in --set n_mels=40")
        found[name.strip().replace("-", "_")] = _value(text.strip())
    return found


def read_config(given: str, settings: list[str]) -> Config:
    """Return the configuration of a preset's name or a JSON file, with the options of `settings`."""
    import os

    from ..config import Config
    from ..errors import ParameterError

    options = read_settings(settings)
    if not (given.lower().endswith(".json") or os.sep in given or os.path.isfile(given)):
        return Config.preset(given, **options)
    with open(given, "rb") as file:
        text = file.read()
    try:
        config = Config.from_json(text)
    except ParameterError as error:
        raise UsageError(f"{given}: {error}") from error
    return config.replace(**options)


def _presets(args: argparse.Namespace) -> int:
    from ..config.presets import presets

    known = presets()
    if args.json:
        print_json(known)
        return Exit.OK
    width = max(map(len, known))
    for name, about in known.items():
        print(f"{name.ljust(width)}  {about}")
    return Exit.OK


def _explain(args: argparse.Namespace) -> int:
    from ..config.explain import explain

    config = read_config(args.config, args.set)
    print(config.to_json() if args.json else explain(config))
    return Exit.OK


def _diff(args: argparse.Namespace) -> int:
    from ..config.explain import diff

    print(diff(read_config(args.a, args.set), read_config(args.b, args.set)))
    return Exit.OK
