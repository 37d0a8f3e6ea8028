"""`melfeat info`: format, rate, channels and length of audio files, and whether they can be read."""

from __future__ import annotations

import argparse
from typing import Any

from ._common import Exit, print_json, say

__all__ = ["add_info"]


def add_info(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="any audio file that libsndfile reads")
    parser.add_argument("--json", action="store_true", help="print a JSON list, one object per file")
    parser.set_defaults(run=_run)


def _print_text(facts: dict[str, Any]) -> None:
    channels = facts["channels"]
    print(
        f"{facts['path']}: {facts['format']} {facts['subtype']}, {facts['samplerate']:g} Hz, "
        f"{channels} channel{'s' * (channels != 1)}, {facts['frames']} samples, {facts['duration']:.3f} s"
    )


def _run(args: argparse.Namespace) -> int:
    from ..io import describe

    found: list[dict[str, Any]] = []
    failed = False
    for path in args.files:
        facts = describe(path)
        found.append(facts)
        if facts["format"] is not None and not args.json:
            _print_text(facts)
        if not facts["readable"]:
            failed = True
            say(f"error: {facts['error']}")
    if args.json:
        print_json(found)
    return Exit.SOME_FAILED if failed else Exit.OK
