"""What can be done with a table that is there: `check` and `convert`."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import FormatError, MelfeatError, ParameterError
from ._features import blocks_of, errors_of, spec_of, write_sidecar
from ._formats import FORMATS, check_format, open_writer, read_blocks
from ._spec import Spec
from ._store import ERRORS, MANIFEST, Record, Store, digest, part_name

__all__ = ["Checked", "check", "convert"]

_SUFFIXES = {".parquet": "parquet", ".csv": "csv", ".jsonl": "jsonl", ".h5": "hdf5", ".hdf5": "hdf5", ".ark": "ark"}


@dataclass(frozen=True)
class Checked:
    """What `check` found: rows in all, in the table, failed; and what is wrong, one text each, none if all is well."""

    n_rows: int
    n_ok: int
    n_failed: int
    problems: list[str] = field(default_factory=list)


def check(out: str | os.PathLike[str]) -> Checked:
    """Read a table back, and compare its checksums and counts with the manifest.

    Parameters
    ----------
    out : path
        The folder of the table.

    Returns
    -------
    Checked
        Counts, and `problems`: an empty list if all is well.

    Raises
    ------
    FormatError
        If there is no table, or its run was not finished.
    MissingExtraError
        If the package that reads the format is not installed.

    Examples
    --------
    >>> import melfeat
    >>> from melfeat.dataset import check, extract
    >>> _ = extract([melfeat.demo_path(), "missing.wav"], "two", pool="mean", format="csv", n_jobs=0)
    >>> check("two")
    Checked(n_rows=2, n_ok=1, n_failed=1, problems=[])
    """
    store = Store(out)
    manifest = store.manifest()
    spec = Spec.from_dict(manifest["spec"], str(store.path))
    check_format(spec.format, spec.stats)
    problems: list[str] = []
    n_rows = n_ok = n_failed = 0
    for number, shard in enumerate(manifest["shards"]):
        record = store.record(number)
        if record is None or record.summary() != shard:
            problems.append(
                f"{shard['name']}: its record is missing or is not what the manifest says; run extract again"
            )
            continue
        problems += _files(store, record) or _contents(store, spec, record)
        n_rows, n_ok, n_failed = n_rows + record.n_rows, n_ok + record.n_ok, n_failed + len(record.errors)
    found = {"n_rows": n_rows, "n_ok": n_ok, "n_failed": n_failed}
    for name, count in found.items():
        if not problems and manifest[name] != count:
            problems.append(f"{MANIFEST}: {name} is {manifest[name]}, that of all shards {count}")
    if not problems and sum(1 for _ in errors_of(out)) != n_failed:
        problems.append(f"{ERRORS}: does not list the {n_failed} clips that failed")
    known = {str(shard["name"]) for shard in manifest["shards"]}
    for path in sorted(store.path.glob("part-[0-9]*")):
        if path.name.partition(".")[0] not in known:
            problems.append(f"{path.name}: is no shard of this table")
    return Checked(**found, problems=problems)


def _files(store: Store, record: Record) -> list[str]:
    """Return what is wrong with the bytes of a shard."""
    problems = []
    for name, size, sha in record.files:
        path = store.path / name
        if not path.is_file():
            problems.append(f"{name}: is missing")
        elif path.stat().st_size != size:
            problems.append(f"{name}: has {path.stat().st_size} bytes, expected {size}")
        elif digest(path) != sha:
            problems.append(f"{name}: its checksum is another; it was changed or is damaged")
    return problems


def _contents(store: Store, spec: Spec, record: Record) -> list[str]:
    """Return what is wrong with the rows of a shard."""
    name = part_name(record.number)
    try:
        n = 0
        for block in read_blocks(spec, store.path, name):
            if len(block.values) != len(block):
                return [f"{name}: has values of {len(block.values)} clips for {len(block)} rows"]
            n += len(block)
            if spec.stats is None and any(
                x.shape != (len(spec.feature_names), count)
                for x, count in zip(block.values, block.columns["n_frames"], strict=True)
            ):
                return [f"{name}: has frames of another shape than its index says"]
    except (MelfeatError, OSError) as error:
        return [f"{name}: cannot be read: {error}"]
    return [] if n == record.n_ok else [f"{name}: has {n} rows, expected {record.n_ok}"]


def convert(out: str | os.PathLike[str], target: str | os.PathLike[str], format: str | None = None) -> int:
    """Write a table in another format: as one file, or as a folder of shards.

    Parameters
    ----------
    out : path
        The folder of the table, or a file that was made from it.
    target : path
        A file, whose ending decides (``.csv``, ``.jsonl``, ``.parquet``, ``.h5``, ``.ark``), with a file of how the
        features were made beside it; or, with `format`, the folder of a new table.
    format : {'parquet', 'csv', 'jsonl', 'npz', 'npy', 'hdf5', 'ark', 'htk'}, optional
        The format of the new folder.

    Returns
    -------
    int
        Number of clips.

    Raises
    ------
    ParameterError
        If the target is there already or its ending is unknown, or the format cannot hold the table.
    FormatError
        If there is no table, or it is damaged.
    MissingExtraError
        If the package behind a format is not installed.

    Examples
    --------
    >>> import melfeat
    >>> from melfeat.dataset import convert, extract
    >>> _ = extract([melfeat.demo_path()], "clips", pool="mean", format="npz", n_jobs=0)
    >>> convert("clips", "clips.csv")
    1
    """
    spec = spec_of(out)
    path = Path(os.path.abspath(target))
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise ParameterError(f"target={os.fspath(target)!r}: is there already; choose another name or remove it")
    if format is not None:
        if not Path(out).is_dir():
            raise ParameterError(
                f"out={os.fspath(out)!r} is a file: expected a folder of shards, to make another of it"
            )
        return _to_folder(Store(out), spec, spec.with_format(check_format(format, spec.stats)), path)
    kind = _SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise ParameterError(
            f"target={os.fspath(target)!r}: expected a name that ends in {', '.join(_SUFFIXES)}, "
            "or format=... for a folder of shards"
        )
    path = path.with_suffix(FORMATS[kind].suffix)
    return _to_file(out, spec, spec.with_format(check_format(kind, spec.stats)), path)


def _copy(out: Any, spec: Spec, writer: Any) -> int:
    n = 0
    for block in blocks_of(out, spec) if not isinstance(out, tuple) else read_blocks(spec, *out):
        for index, values in zip(zip(*block.columns.values(), strict=True), block.values, strict=True):
            writer.add(list(index), values)
            n += 1
    return n


def _to_file(out: Any, spec: Spec, new: Spec, path: Path) -> int:
    """Write one file, and beside it how it was made; they get their names when they are complete."""
    if not path.parent.is_dir():
        raise ParameterError(f"target={str(path)!r}: the folder {str(path.parent)!r} does not exist; create it first")
    folder = path.with_name(f".melfeat-{path.name}.part")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        writer = open_writer(new, folder, path.name.removesuffix(path.suffix))
        n = _copy(out, spec, writer)
        names = writer.close()
        write_sidecar(folder / path.name, new)
        for each in sorted(folder.iterdir(), key=lambda each: each.name == names[0]):
            os.replace(each, path.parent / each.name)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return n


def _to_folder(store: Store, spec: Spec, new: Spec, path: Path) -> int:
    """Write a table with the same shards."""
    import json

    manifest = store.manifest()
    target = Store(path)
    target.create()
    n = 0
    with target.locked():
        target.begin(new)
        shards = []
        scripts = ""
        for number, shard in enumerate(manifest["shards"]):
            record = store.record(number)
            if record is None or record.summary() != shard:
                raise FormatError(f"{store.record_path(number)}: is missing or changed; melfeat check says more")
            folder = target.temporary(number)
            writer = open_writer(new, folder, shard["name"])
            n += _copy((store.path, shard["name"]), spec, writer)
            made = Record(number, record.key, record.n_rows, record.n_ok, [], record.errors)
            target.publish(folder, writer.close(), made)
            shards.append(made.summary())
            if new.format == "ark":
                scripts += (target.path / f"{shard['name']}.scp").read_text(encoding="utf-8")
        if new.format == "ark":
            target.write_text("feats.scp", scripts)
        target.write_text(ERRORS, (store.path / ERRORS).read_text(encoding="utf-8"))
        manifest = {**manifest, "spec": new.to_dict(), "shards": shards}
        target.write_text(MANIFEST, json.dumps(manifest, indent=1) + "\n")
    return n
