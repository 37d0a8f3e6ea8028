"""What every command shares: exit codes, messages, JSON."""

from __future__ import annotations

import json
import sys
from enum import IntEnum
from typing import Any

__all__ = ["CannotRunError", "Exit", "UsageError", "print_json", "say"]


class Exit(IntEnum):
    """Exit codes; docs/cli.md explains them."""

    OK = 0
    SOME_FAILED = 1
    USAGE = 2
    CANNOT = 3
    INTERRUPTED = 130  # 128 + SIGINT, as a shell reports it
    PIPE = 141  # 128 + SIGPIPE
    TERMINATED = 143  # 128 + SIGTERM


class UsageError(Exception):
    """An option has a value that cannot work, whatever the input is."""


class CannotRunError(Exception):
    """Nothing could be done here: no room, no right to write, something not installed."""


def say(text: str) -> None:
    """Print one message to stderr, under the name of the program."""
    print(f"melfeat: {text}", file=sys.stderr, flush=True)


def print_json(value: Any) -> None:
    """Print `value` to stdout as JSON; file names that are not valid text survive as escapes."""
    print(json.dumps(value, indent=2, default=str))
