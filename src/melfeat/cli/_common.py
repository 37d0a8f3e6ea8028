"""What every command shares: exit codes, messages, JSON."""

from __future__ import annotations

import codecs
import contextlib
import io
import json
import sys
from collections.abc import Iterator
from enum import IntEnum
from typing import Any

__all__ = ["CannotRunError", "Exit", "UsageError", "any_text", "print_json", "say", "writing_to"]


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


@contextlib.contextmanager
def writing_to(where: str) -> Iterator[None]:
    """Let what goes wrong while something is written, a full disk say, tell where; a reader may go away."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CannotRunError(f"{where}: {error.strerror or error}") from error


def say(text: str) -> None:
    """Print one message to stderr, under the name of the program; nowhere if stderr is closed."""
    if sys.stderr is not None:  # print() would take None for stdout
        print(f"melfeat: {text}", file=sys.stderr, flush=True)


def _write_anyhow(error: UnicodeError) -> tuple[str | bytes, int]:
    try:
        return codecs.lookup_error("surrogateescape")(error)
    except UnicodeError:
        return codecs.lookup_error("backslashreplace")(error)


codecs.register_error("melfeat.cli", _write_anyhow)


@contextlib.contextmanager
def any_text() -> Iterator[None]:
    """Let stdout take any file name: bytes that are no text as they are, characters it has no bytes for as escapes."""
    stdout = sys.stdout
    if not isinstance(stdout, io.TextIOWrapper):
        yield
        return
    before = stdout.errors
    stdout.reconfigure(errors="melfeat.cli")
    try:
        yield
    finally:
        with contextlib.suppress(OSError, ValueError):  # full, or closed
            stdout.reconfigure(errors=before)


def print_json(value: Any) -> None:
    """Print `value` to stdout as JSON; file names that are not valid text survive as escapes."""
    print(json.dumps(value, indent=2, default=str))
