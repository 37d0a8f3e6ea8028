"""How a table of features is made: everything that its bytes depend on besides the sources."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from typing import Any

from .. import __version__
from ..config import Config
from ..errors import FormatError, SpecMismatch

__all__ = ["INDEX", "Spec", "key_of", "mismatch"]

#: What is known of each clip besides its id, its path and its labels, and of which kind it is.
INDEX = (("sample_rate", "int"), ("duration", "float"), ("n_frames", "int"))

_VERSION = 1


@dataclass(frozen=True)
class Spec:
    """The features, the statistics of them, the format, and the columns that are carried along.

    `columns` are pairs of a name and a kind: ``int``, ``float``, ``bool`` or ``str``. `stats` is None for frames.
    """

    config: str
    fingerprint: str
    stats: tuple[str, ...] | None
    format: str
    columns: tuple[tuple[str, str], ...]
    rows_per_shard: int
    res_type: str
    melfeat: str = __version__

    @classmethod
    def of(cls, config: Config, **options: Any) -> Spec:
        """Return a specification from a configuration."""
        return cls(json.dumps(json.loads(config.to_json())), config.fingerprint, **options)

    def with_format(self, name: str) -> Spec:
        """Return the same in another format."""
        return replace(self, format=name)

    @cached_property
    def parsed(self) -> Config:
        """The configuration."""
        return Config.from_json(self.config)

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the features of a frame."""
        return tuple(self.parsed.feature_names)

    @cached_property
    def value_names(self) -> tuple[str, ...]:
        """The names of the values of a clip: ``c0_mean``, …, or the features of a frame."""
        if self.stats is None:
            return self.feature_names
        return tuple(f"{name}_{stat}" for stat in self.stats for name in self.feature_names)

    @cached_property
    def index(self) -> tuple[tuple[str, str], ...]:
        """The columns in front of the values."""
        return (("id", "str"), ("path", "str"), *self.columns, *INDEX)

    def to_dict(self) -> dict[str, Any]:
        """Return what `from_dict` takes, fit for JSON."""
        values = {name: value for name, value in asdict(self).items() if name != "config"}
        return {"melfeat_dataset": _VERSION, **values, "config": json.loads(self.config)}

    @cached_property
    def text(self) -> str:
        """The same as JSON text, on one line: what files of features carry with them."""
        return json.dumps(self.to_dict(), ensure_ascii=True)

    @classmethod
    def from_dict(cls, found: Any, where: str) -> Spec:
        """Return the specification that `to_dict` gave; `where` it comes from is for the error."""
        names = {field.name for field in fields(cls)}
        if not isinstance(found, dict) or found.get("melfeat_dataset") != _VERSION or not names <= set(found):
            raise FormatError(f"{where}: not the description of a table of features that this melfeat can read")
        values = {name: found[name] for name in names}
        values["config"] = json.dumps(found["config"])
        values["stats"] = None if found["stats"] is None else tuple(found["stats"])
        values["columns"] = tuple((str(name), str(kind)) for name, kind in found["columns"])
        return cls(**values)


def key_of(spec: Spec, rows: Iterable[tuple[Any, ...]]) -> str:
    """Return a digest of all that the bytes of a shard depend on."""
    digest = hashlib.sha256(f"{spec.fingerprint} {spec.text}\n".encode())
    for row in rows:
        digest.update(repr(row).encode("utf-8", "surrogatepass") + b"\n")
    return digest.hexdigest()[:32]


def mismatch(found: Spec, wanted: Spec, where: str) -> SpecMismatch | None:
    """Return the error that says what tells the specification of `where` from the one that is wanted, if anything."""
    lines = []
    if found.fingerprint != wanted.fingerprint:
        lines.append(f"config\n{config_difference(found.parsed, wanted.parsed)}")
    for name in ("stats", "format", "columns", "rows_per_shard", "res_type", "melfeat"):
        a, b = getattr(found, name), getattr(wanted, name)
        if a != b:
            lines.append(f"{name}: {_shown(a)} there, {_shown(b)} now")
    if not lines:
        return None
    text = "\n".join(lines)
    return SpecMismatch(
        f"{where} was made in another way; choose another folder, or resume=False (--overwrite) to make it anew\n{text}"
    )


def config_difference(found: Config, wanted: Config) -> str:
    """Return in words what tells two configurations apart, that of a file and the one that is expected."""
    from ..config.explain import diff

    text = re.sub(r"^a( +)", r"found   \1", diff(found, wanted), count=1)
    return re.sub(r"^b( +)", r"expected\1", text, count=1, flags=re.MULTILINE) + "\n(a is what was found, b expected)"


def _shown(value: Any) -> str:
    if isinstance(value, tuple) and value and isinstance(value[0], tuple):
        return "(" + ", ".join(f"{name}: {kind}" for name, kind in value) + ")"
    return repr(value)
