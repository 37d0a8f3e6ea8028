"""The tables of docs/dialects.md and README.md, made of docs/dialects.json."""

from __future__ import annotations

from pathlib import Path
from typing import Any

#: What of a product a peer is.
PARTS = {"torchaudio": "transforms"}

#: Rows of `cases.ERRORS` for references that were run in float64.
EXACT = ("exact", "ast, exact", "speech2text, exact", "exact, norm None", "exact, sliding variance")


def _number(x: float | None) -> str:
    if x is None:
        return "–"
    return "0" if x == 0 else f"{x:.1e}".replace("e-0", "e-").replace("e+0", "e+")


def _table(head: list[str], rows: list[list[str]], left: int) -> str:
    rule = ["---"] * left + ["---:"] * (len(head) - left)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, rule, *rows])


def _only(row: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return next(iter(row["parts"].items()))


def _errors(part: dict[str, Any]) -> list[str]:
    double, single = part["float64"], part["float32"]
    clear = f"{_number(double['clear_max'])} ({double['clear_share']:.0%})"
    if part["figure"] < 1e-8 or double["clear_share"] < 0.005:  # a reference in float64, or nothing of it is certain
        clear = "–"
    floats = [double["q999"], double["max"], single["q999"], single["max"]]
    return [_number(part["figure"]), clear, *map(_number, floats)]


ERROR_HEAD = ["figure", "float64: clear values", "99.9 %", "largest", "float32: 99.9 %", "largest"]


def _joined(results: dict[str, Any]) -> list[tuple[dict[str, Any], dict[str, Any] | None]]:
    """Return rows on recordings, each with the row of the same reference run in float64."""
    rows = [row for row in results["rows"] if row["kind"] == "recordings"]
    exact = {row["reference"]: row for row in rows if _only(row)[0] in EXACT}
    return [(row, exact.get(row["reference"])) for row in rows if _only(row)[0] not in EXACT]


def recordings(results: dict[str, Any]) -> str:
    """Return the table of presets beside their references on recordings."""
    lines = []
    for row, exact in _joined(results):
        _, part = _only(row)
        best = _number(_only(exact)[1]["float64"]["max"]) if exact else "–"
        lines.append([f"`{row['preset']}`", row["reference"], str(row["files"]), *_errors(part), best])
    head = ["preset", "reference", "recordings", *ERROR_HEAD, "reference run in float64"]
    return _table(head, lines, 2)


def files(results: dict[str, Any]) -> str:
    """Return the table of the references' own files."""
    lines = []
    for row in results["rows"]:
        if row["kind"] == "files":
            for name, part in row["parts"].items():
                lines.append([row["reference"], name, *_errors(part)])
    return _table(["reference", "features", *ERROR_HEAD], lines, 2)


def draws(results: dict[str, Any]) -> str:
    """Return the table of drawn options."""
    lines = []
    for row in results["rows"]:
        if row["kind"] == "draws":
            for name, part in row["parts"].items():
                kind = f"{PARTS.get(row['peer'], row['peer'])}, run in float64" if name in EXACT else name
                lines.append([row["reference"], kind, str(part["draws"]), *_errors(part)])
    return _table(["reference", "features", "draws", *ERROR_HEAD], lines, 2)


def short(results: dict[str, Any]) -> str:
    """Return the README's table: one line per preset, its best proof."""
    lines: dict[str, list[str]] = {}
    for row, exact in _joined(results):
        if row["preset"] in lines or (row["peer"] == "formula" and row["preset"] == "nemo"):
            continue
        _, part = _only(row)
        best = _number(_only(exact)[1]["float64"]["max"]) if exact else "–"
        lines[row["preset"]] = [f"`{row['preset']}`", row["reference"], _number(part["float64"]["q999"]), best]
    head = ["preset", "compared with", "error, 99.9 % of values", "largest, reference run in float64"]
    count = min(row["files"] for row, _ in _joined(results))
    note = (
        f"Absolute errors of the float64 path on at least {count} recordings each. References compute in float32,\n"
        "mostly: where one can be run in float64, what is left is in the last column. float32, drawn options and\n"
        "known differences: [dialects](docs/dialects.md)."
    )
    title = "## Other libraries' features"
    about = "Presets compute what other front ends compute: `melfeat.Extractor(name)(y)`."
    return f"{title}\n\n{about}\n\n{_table(head, list(lines.values()), 2)}\n\n{note}"


def insert(page: Path, name: str, text: str) -> bool:
    """Put a text between ``<!-- name:begin -->`` and ``<!-- name:end -->`` of a page; return whether they are there."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    content = page.read_text(encoding="utf-8")
    if begin not in content or end not in content:
        return False
    before, rest = content.split(begin, 1)
    after = rest.split(end, 1)[1]
    page.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", encoding="utf-8")
    return True


def write(results: dict[str, Any], project: Path) -> None:
    """Write all tables."""
    peers = results["peers"]
    about = ", ".join(f"{name} {peers[name]}" for name in peers if name != "python")
    said = f"melfeat {results['melfeat']}, Python {results['python']}; peers: Python {peers['python']}, {about}."
    for name, text in {
        "recordings": recordings(results),
        "files": files(results),
        "draws": draws(results),
        "versions": said,
    }.items():
        if not insert(project / "docs" / "dialects.md", f"dialects-{name}", text):
            raise ValueError(f"docs/dialects.md has no markers dialects-{name}:begin and :end")
    if not insert(project / "README.md", "dialects", short(results)):
        raise ValueError("README.md has no markers dialects:begin and dialects:end")
