"""Tar archives of samples, as WebDataset has them: files of one sample share a name up to the first dot."""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Iterator
from typing import Any

from ..errors import FormatError
from ._manifests import _scalar
from ._rows import Row, Source

__all__ = ["is_tar", "tar_source"]

#: Endings of sound, and of what is carried along.
_SOUND = ("wav", "flac", "ogg", "mp3", "opus", "aif", "aiff", "au", "caf", "w64")
_TEXTS = ("txt", "text", "transcript", "lab", "lbl")
_MOST_TEXT = 1 << 20


def is_tar(path: str) -> bool:
    """Return whether a name is that of an archive; compressed ones are refused later, with advice."""
    return path.lower().endswith((".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz"))


def tar_source(paths: list[str]) -> Source:
    """Return the rows of archives, in their order."""
    for path in paths:
        if not path.lower().endswith(".tar"):
            raise FormatError(f"{path}: compressed archives cannot be read from the middle; unpack it to a .tar first")
    columns: dict[str, None] = {}
    for sample in _all(paths):
        columns.update(dict.fromkeys(sample.labels))
    names = tuple(columns)

    def rows() -> Iterator[Row]:
        for sample in _all(paths):
            labels = tuple(sample.labels.get(name) for name in names)
            shown = f"{os.path.basename(sample.archive)}/{sample.member}"
            yield Row(sample.key, shown, os.path.abspath(sample.archive), labels, begin=sample.begin, size=sample.size)

    return Source(names, rows)


class _Sample:
    """What an archive has under one name."""

    def __init__(self, archive: str, key: str) -> None:
        self.archive, self.key = archive, key
        self.member, self.begin, self.size = "", -1, 0
        self.labels: dict[str, Any] = {}


def _all(paths: list[str]) -> Iterator[_Sample]:
    for path in paths:
        yield from _samples(path)


def _samples(path: str) -> Iterator[_Sample]:
    """Yield the samples of an archive that have sound."""
    current: _Sample | None = None
    try:
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                archive.members = []  # type: ignore[attr-defined] # or it would remember all of them
                if not member.isreg():
                    continue
                folder, _, name = member.name.rpartition("/")
                stem, _, ending = name.partition(".")
                key = f"{folder}/{stem}" if folder else stem
                if not stem:
                    continue
                if current is None or key != current.key:
                    if current is not None and current.begin >= 0:
                        yield current
                    current = _Sample(path, key)
                _take(current, archive, member, ending.lower())
    except (tarfile.TarError, EOFError) as error:
        raise FormatError(f"{path}: not a tar archive, or damaged ({error})") from None
    if current is not None and current.begin >= 0:
        yield current


def _take(sample: _Sample, archive: tarfile.TarFile, member: tarfile.TarInfo, ending: str) -> None:
    if ending.rpartition(".")[2] in _SOUND:
        if sample.begin < 0:
            sample.member, sample.begin, sample.size = member.name, member.offset_data, member.size
        return
    if member.size > _MOST_TEXT or not (ending in ("json", "cls", "id", "index") or ending in _TEXTS):
        return
    file = archive.extractfile(member)
    text = b"" if file is None else file.read()
    if ending == "json":
        try:
            found = json.loads(text)
        except ValueError as error:
            raise FormatError(f"{archive.name!s}: {member.name} is not JSON ({error})") from None
        for name, value in found.items() if isinstance(found, dict) else (("json", found),):
            sample.labels[name] = _scalar(value)
        return
    value = text.decode("utf-8", "surrogateescape").strip()
    is_number = ending in ("cls", "id", "index") and value.lstrip("-").isdecimal()
    sample.labels[ending] = int(value) if is_number else value
