"""What a table can be made of: a folder, a pattern, a list, a manifest, Kaldi's lists, archives."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from ..errors import ParameterError
from ._archives import is_tar, tar_source
from ._kaldi_lists import is_kaldi, kaldi_source
from ._manifests import MANIFESTS, columns_of, manifest_source, mappings_source
from ._rows import Row, Source

__all__ = ["EXTENSIONS", "AnySource", "resolve"]

AnySource: TypeAlias = "str | os.PathLike[str] | Iterable[str | os.PathLike[str] | Mapping[str, Any]]"

#: What is taken for sound in a folder. Whether it is will be seen.
EXTENSIONS = (
    *(".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".au", ".snd", ".caf"),
    *(".w64", ".rf64", ".sph", ".nist", ".voc", ".gsm", ".m4a", ".aac", ".wma"),
)

_URBAN_SOUND = ("slice_file_name", "fold", "class")


def resolve(
    source: AnySource,
    *,
    labels: Any = None,
    root: str | os.PathLike[str] | None = None,
    extensions: Sequence[str] | None = None,
) -> Source:
    """Return the rows of whatever a table is to be made of."""
    found = _resolved(source, root, extensions or EXTENSIONS)
    if labels is None:
        return found
    if labels == "parent":
        return _with_parents(found)
    return _selected(found, labels)


def _resolved(source: AnySource, root: Any, extensions: Sequence[str]) -> Source:
    if not isinstance(source, (str, os.PathLike)):
        return _from_list(source, root)
    path = os.fspath(source)
    if not isinstance(path, str):
        raise ParameterError(f"source={source!r}: expected text; os.fsdecode makes it of bytes")
    if os.path.isdir(path):
        if is_kaldi(path):
            return kaldi_source(path, root)
        metadata = os.path.join(path, "metadata", "UrbanSound8K.csv")
        if os.path.isfile(metadata):
            return _urban_sound(metadata, root)
        return _from_folder(path, extensions)
    if not os.path.exists(path):
        if glob.has_magic(path):
            return _from_glob(path)
        where = os.path.dirname(os.path.abspath(path))
        raise ParameterError(f"source={path!r}: there is no such file or folder (looked in {where!r})")
    if is_kaldi(path):
        return kaldi_source(path, root)
    if is_tar(path):
        return tar_source([path])
    if os.path.splitext(path)[1].lower() in MANIFESTS:
        return _manifest(path, root)
    return _from_list([path], None)


def _manifest(path: str, root: Any) -> Source:
    columns = columns_of(path)
    if set(_URBAN_SOUND) <= set(columns):
        return _urban_sound(path, root)
    return manifest_source(path, root)


def _urban_sound(path: str, root: Any) -> Source:
    """Return the rows of UrbanSound8K's own table: files are in ``audio/fold<n>``, start and end tell of others."""
    if root is None:
        root = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(path))), "audio")

    def where(row: Mapping[str, Any]) -> str:
        return f"fold{row['fold']}/{row['slice_file_name']}"

    return manifest_source(path, root, where=where)


def _from_folder(folder: str, extensions: Sequence[str]) -> Source:
    endings = tuple(ending.lower() if ending.startswith(".") else f".{ending.lower()}" for ending in extensions)
    if not next(_walk(folder, "", endings, {""}), None):
        tars = [path for path in sorted(os.listdir(folder)) if is_tar(path)]
        if tars:
            return tar_source([os.path.join(folder, name) for name in tars])

    def rows() -> Iterator[Row]:
        for relative in _walk(folder, "", endings, {os.path.realpath(folder)}):
            yield Row(None, relative, os.path.join(os.path.abspath(folder), relative))

    return Source((), rows)


def _walk(folder: str, inside: str, endings: tuple[str, ...], above: set[str]) -> Iterator[str]:
    """Yield the files below a folder, its own first, in the order of their names; links in circles are not followed."""
    folders = []
    files = []
    with os.scandir(os.path.join(folder, inside)) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                folders.append(entry.name)
            elif entry.name.lower().endswith(endings) and (entry.is_file() or entry.is_symlink()):  # a pipe would wait
                files.append(entry.name)
    for name in sorted(files):
        yield f"{inside}{name}"
    for name in sorted(folders):
        real = os.path.realpath(os.path.join(folder, inside, name))
        if real not in above:
            yield from _walk(folder, f"{inside}{name}/", endings, above | {real})


def _from_glob(pattern: str) -> Source:
    def rows() -> Iterator[Row]:
        for path in sorted(glob.glob(pattern, recursive=True)):
            if not os.path.isdir(path):
                yield Row(None, path, os.path.abspath(path))

    found = [path for path in glob.glob(pattern, recursive=True) if is_tar(path)]
    return tar_source(sorted(found)) if found else Source((), rows)


def _from_list(source: Any, root: Any) -> Source:
    if isinstance(source, Mapping) or not isinstance(source, Iterable):
        raise ParameterError(f"source has type {type(source).__name__}: expected a path, or a list of paths or of rows")
    items = source if isinstance(source, Sequence) else list(source)
    base = os.path.abspath(os.curdir if root is None else root)
    if items and all(isinstance(item, Mapping) for item in items):
        names = list(dict.fromkeys(name for item in items for name in item))
        return mappings_source(names, lambda: iter(items), base)
    for item in items:
        if not isinstance(item, (str, os.PathLike)):
            raise ParameterError(f"source has an item of type {type(item).__name__}: expected paths, or rows as dicts")
    paths = [os.fsdecode(item) for item in items]
    if paths and all(map(is_tar, paths)):
        return tar_source(paths)
    return Source((), lambda: (Row(None, path, os.path.join(base, path)) for path in paths))


def _with_parents(source: Source) -> Source:
    """Return a source with a column ``label``: the folder that a file is in, as sets are often laid out."""

    def rows() -> Iterator[Row]:
        for row in source.rows():
            label = os.path.basename(os.path.dirname(row.real if row.begin < 0 else row.shown))
            yield row._replace(labels=(*row.labels, label))

    return Source((*source.columns, "label"), rows)


def _selected(source: Source, labels: Any) -> Source:
    """Return a source with these columns only."""
    names = (labels,) if isinstance(labels, str) else tuple(labels)
    for name in names:
        if name not in source.columns:
            known = ", ".join(source.columns) or "none"
            raise ParameterError(f"labels={labels!r}: the source has no column {name!r}; it has: {known}")
    places = [source.columns.index(name) for name in names]

    def rows() -> Iterator[Row]:
        for row in source.rows():
            yield row._replace(labels=tuple(row.labels[k] for k in places))

    return Source(names, rows)
