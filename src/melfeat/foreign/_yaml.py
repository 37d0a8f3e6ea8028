"""As much of YAML as the preprocessor section of a model's configuration needs: nested names, scalars, references."""

from __future__ import annotations

import re
from typing import Any

from ..errors import ParameterError

__all__ = ["parse_yaml", "resolve"]

_LINE = re.compile(r"(?P<indent> *)(?P<name>[^\s:#'\"\-\[{][^:#]*?) *:(?: +(?P<value>.*))?$")
_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False, "null": None, "~": None}
_REFERENCE = re.compile(r"\$\{([\w.]+)\}$")


def _scalar(text: str, anchors: dict[str, Any]) -> Any:
    """Return the value of a scalar: a word, number or text, perhaps with an anchor (``&a 1``) or an alias (``*a``)."""
    if text.startswith("&"):
        name, _, rest = text[1:].partition(" ")
        anchors[name] = _scalar(rest.strip(), anchors)
        return anchors[name]
    if text.startswith("*"):
        return anchors.get(text[1:], text)  # an anchor in a list is not seen; `resolve` complains where it matters
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _without_comment(line: str) -> str:
    quoted = re.match(r"(?:[^'\"#]|'[^']*'|\"[^\"]*\"|(?<=\S)#)*", line)
    return (quoted.group() if quoted else line).rstrip()


def parse_yaml(text: str) -> dict[str, Any]:
    """Return nested mappings of scalars; lists and blocks of text, which this cannot read, are left as their text."""
    root: dict[str, Any] = {}
    anchors: dict[str, Any] = {}
    stack: list[tuple[int, dict[str, Any]]] = [(-1, root)]
    for raw in text.splitlines():
        line = _without_comment(raw)
        found = _LINE.match(line)
        if found is None:
            continue
        indent = len(found["indent"])
        while stack[-1][0] >= indent:
            stack.pop()
        value = (found["value"] or "").strip()
        if value:
            stack[-1][1][found["name"]] = _scalar(value, anchors)
        else:
            inner: dict[str, Any] = {}
            stack[-1][1][found["name"]] = inner
            stack.append((indent, inner))
    return root


def resolve(value: Any, root: Any) -> Any:
    """Return what a reference such as ``${model.sample_rate}`` points to in `root`; other values as they are."""
    if isinstance(value, str) and value.startswith("*"):
        raise ParameterError(
            f"the YAML has the alias {value!r}, but no anchor '&{value[1:]}' that was read; give the value"
        )
    found = _REFERENCE.match(value) if isinstance(value, str) else None
    if found is None:
        return value
    node = root
    for part in found.group(1).split("."):
        if not isinstance(node, dict) or part not in node:
            raise ParameterError(
                f"the configuration has the reference {value!r}, but no such value; give the whole configuration, or "
                "the value itself"
            )
        node = node[part]
    return resolve(node, root)
