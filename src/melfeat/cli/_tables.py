"""`melfeat check`, `melfeat convert` and `melfeat head`: what can be done with a table that is there."""

from __future__ import annotations

import argparse
from typing import Any

from ._common import Exit, print_json, say
from ._extract import _FORMATS, errors_told

__all__ = ["CONVERT", "add_check", "add_convert", "add_head"]

CONVERT = """\
Write a table in another format: as one file (.csv, .jsonl, .parquet, .h5, .ark; TARGET's ending decides), or with
--format as a folder of shards.
"""

#: Values of a row that are shown.
_VALUES = 4


def add_check(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `melfeat check`."""
    parser.add_argument("out", metavar="OUT", help="folder of a table")
    parser.add_argument("--json", action="store_true", help="print counts and problems as JSON")
    parser.set_defaults(run=_check)


def add_convert(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `melfeat convert`."""
    parser.add_argument("out", metavar="OUT", help="folder of a table")
    parser.add_argument("target", metavar="TARGET", help="file or folder to be made")
    parser.add_argument("--format", choices=_FORMATS, help="make a folder of shards of this format")
    parser.set_defaults(run=_convert)


def add_head(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `melfeat head`."""
    parser.add_argument("out", metavar="OUT", help="folder of a table, or a file that convert made")
    parser.add_argument("-n", type=int, default=5, metavar="N", help="rows (5)")
    parser.add_argument("--json", action="store_true", help="print whole rows as JSON, one per line")
    parser.set_defaults(run=_head)


def _check(args: argparse.Namespace) -> int:
    from ..dataset import check

    with errors_told():
        found = check(args.out)
    if args.json:
        print_json(vars(found))
    for problem in found.problems:
        say(f"error: {problem}")
    if not found.problems:
        counts = f"{found.n_ok} of {found.n_rows} clips, {found.n_failed} failed"
        say(f"{args.out}: {counts}; all files are as they were written")
    return Exit.SOME_FAILED if found.problems else Exit.OK


def _convert(args: argparse.Namespace) -> int:
    from ..dataset import convert

    with errors_told():
        n = convert(args.out, args.target, args.format)
    say(f"{args.target}: {n} clips")
    return Exit.OK


def _head(args: argparse.Namespace) -> int:
    import json

    from ..dataset._features import blocks_of, spec_of

    with errors_told():
        spec = spec_of(args.out)
        rows: list[tuple[dict[str, Any], Any]] = []
        for block in blocks_of(args.out, spec):
            for row, values in zip(zip(*block.columns.values(), strict=True), block.values, strict=True):
                rows.append((dict(zip(block.columns, row, strict=True)), values))
                if len(rows) >= args.n:
                    break
            if len(rows) >= args.n:
                break
    rows = rows[: max(0, args.n)]
    if args.json:
        for index, values in rows:
            found = values if spec.stats is not None else values.T
            print(json.dumps({**index, "features": found.tolist()}, default=str))
        return Exit.OK
    stats = "frames" if spec.stats is None else ", ".join(spec.stats)
    print(f"{spec.format}: {stats} of {len(spec.feature_names)} features, {spec.parsed!r}, {spec.fingerprint}")
    names = [*(name for name, _ in spec.index if name != "path"), *spec.value_names[:_VALUES], "..."]
    cells = [names, *([*_shown(index), *_first(values), "..."] for index, values in rows)]
    widths = [max(len(row[k]) for row in cells) for k in range(len(names))]
    for line in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    return Exit.OK


def _shown(index: dict[str, Any]) -> list[str]:
    values = (value for name, value in index.items() if name != "path")
    return ["" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value) for value in values]


def _first(values: Any) -> list[str]:
    """Return the first values of a clip: statistics, or the first frame."""
    some = values[:_VALUES] if values.ndim == 1 else values[:_VALUES, 0]
    return [f"{value:.6g}" for value in some.tolist()]
