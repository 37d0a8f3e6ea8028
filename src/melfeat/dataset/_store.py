"""The folder of a table: names in it, records of finished shards, the manifest.

``part-00000…`` hold the features, ``_manifest.json`` says what they are and appears last, ``_errors.jsonl`` lists what
failed, ``_melfeat/`` has one record per shard. Names that begin with an underscore are passed over by readers of
folders of Parquet files.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .._atomic import open_atomic
from ..errors import FormatError, ParameterError
from ._spec import Spec

__all__ = ["ERRORS", "MANIFEST", "Record", "Store", "digest", "part_name"]

MANIFEST, ERRORS, _INNER, _SPEC, _LOCK = "_manifest.json", "_errors.jsonl", "_melfeat", "spec.json", "lock"


def part_name(number: int) -> str:
    """Return the name of a shard."""
    return f"part-{number:05d}"


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Let a file reach the disk."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())


@dataclass
class Record:
    """A finished shard. `files` are ``[name, bytes, SHA-256]``, `errors` ``[number, id, path, reason]``."""

    number: int
    key: str
    n_rows: int
    n_ok: int
    files: list[list[Any]] = field(default_factory=list)
    errors: list[list[Any]] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """Return what the manifest says of the shard: the checksum of several files is one of all of theirs."""
        if len(self.files) == 1:
            sha = self.files[0][2]
        else:
            sha = hashlib.sha256("".join(f"{sha} {name}\n" for name, _, sha in self.files).encode()).hexdigest()
        size = sum(size for _, size, _ in self.files)
        name = part_name(self.number)
        counts = {"n_rows": self.n_rows, "n_ok": self.n_ok, "n_failed": len(self.errors)}
        return {"name": name, **counts, "bytes": size, "sha256": sha}


class Store:
    """A folder that holds, or will hold, a table."""

    def __init__(self, out: str | os.PathLike[str]) -> None:
        self.path = Path(os.path.abspath(out))
        self.inner = self.path / _INNER

    def create(self) -> None:
        """Make the folder."""
        if self.path.exists() and not self.path.is_dir():
            raise ParameterError(f"out={str(self.path)!r} is a file: expected the name of a folder for the table")
        self.inner.mkdir(parents=True, exist_ok=True)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Let no second run write here, where the system has locks; they end with the process."""
        try:
            import fcntl
        except ImportError:
            yield
            return
        path = self.inner / _LOCK
        with open(path, "wb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ParameterError(
                    f"out={str(self.path)!r}: another run is writing into this folder; wait for its end or stop it"
                ) from None
            except OSError:
                pass  # a file system without locks
            yield
        with contextlib.suppress(OSError):
            path.unlink()

    def spec(self) -> Spec | None:
        """Return the specification of the run that was begun here, or None."""
        path = self.inner / _SPEC
        try:
            text = path.read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            return None
        return Spec.from_dict(_parsed(text, path), str(path))

    def begin(self, spec: Spec) -> None:
        """Note the specification, and remove what an unfinished run left."""
        self.write_text(f"{_INNER}/{_SPEC}", spec.text + "\n")
        self.sweep()

    def sweep(self) -> None:
        """Remove what workers left that did not come to an end."""
        for path in self.inner.iterdir():
            if path.name.startswith("tmp-"):
                shutil.rmtree(path, ignore_errors=True)
            elif path.suffix == ".at" or path.name.endswith(".part"):
                path.unlink(missing_ok=True)
        for path in self.path.glob(".melfeat-*.part"):
            path.unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove the table, and nothing else that may be in the folder."""
        for name in (MANIFEST, ERRORS):
            (self.path / name).unlink(missing_ok=True)
        shutil.rmtree(self.inner, ignore_errors=True)
        for path in [*self.path.glob("part-[0-9]*"), self.path / "feats.scp"]:
            remove(path)

    def write_text(self, name: str, text: str) -> None:
        """Write a file that is there as a whole or not at all."""
        with open_atomic(self.path / name) as file:
            file.write(text.encode())

    def temporary(self, number: int) -> Path:
        """Make a folder for the files of a shard that is being written."""
        path = self.inner / f"tmp-{part_name(number)}-{uuid.uuid4().hex[:12]}"
        path.mkdir()
        return path

    def record_path(self, number: int) -> Path:
        """Return where the record of a shard is."""
        return self.inner / f"{part_name(number)}.json"

    def crumb_path(self, number: int) -> Path:
        """Return where a careful worker notes which row it is at."""
        return self.inner / f"{part_name(number)}.at"

    def record(self, number: int) -> Record | None:
        """Return the record of a shard, or None if there is none that can be read."""
        try:
            return Record(**json.loads(self.record_path(number).read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def valid(self, number: int, key: str) -> Record | None:
        """Return the record of a shard that is there, with this key and all of its files in full length."""
        found = self.record(number)
        if found is None or found.key != key:
            return None
        for name, size, _ in found.files:
            try:
                if (self.path / name).stat().st_size != size:
                    return None
            except OSError:
                return None
        return found

    def forget(self, number: int) -> None:
        """Remove the record of a shard, so that its files count for nothing."""
        self.record_path(number).unlink(missing_ok=True)

    def publish(self, folder: Path, names: list[str], record: Record) -> None:
        """Give the files of a shard their places, and record it."""
        for name in names:
            path = folder / name
            sync(path)
            record.files.append([name, path.stat().st_size, digest(path)])
        for top in dict.fromkeys(name.partition("/")[0] for name in names):
            _rename(folder / top, self.path / top)
        self.write_text(f"{_INNER}/{part_name(record.number)}.json", json.dumps(asdict(record)) + "\n")
        shutil.rmtree(folder, ignore_errors=True)

    def numbers(self) -> list[int]:
        """Return the numbers of all shards that have a record, in order."""
        names = (path.stem.removeprefix("part-") for path in self.inner.glob("part-*.json"))
        return sorted(int(name) for name in names if name.isdecimal())

    def drop_beyond(self, n_shards: int) -> None:
        """Remove shards that the source no longer has."""
        for path in [*self.path.glob("part-[0-9]*"), *self.inner.glob("part-[0-9]*")]:
            number = path.name.removeprefix("part-").partition(".")[0]
            if number.isdecimal() and int(number) >= n_shards:
                remove(path)

    def manifest(self) -> dict[str, Any]:
        """Return the manifest.

        Raises
        ------
        FormatError
            If there is none: the run was not finished, or this is no table.
        """
        path = self.path / MANIFEST
        try:
            found = _parsed(path.read_text(encoding="utf-8"), path)
        except FileNotFoundError:
            why = "its run was not finished: start it again" if self.inner.is_dir() else "no table of features"
            raise FormatError(f"{self.path}: has no {MANIFEST}; {why}") from None
        if not isinstance(found, dict) or not {"spec", "shards"} <= set(found):
            raise FormatError(f"{path}: not the manifest of a table of features")
        return found


def _parsed(text: str, path: Path) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise FormatError(f"{path}: not JSON ({error}); it is damaged") from None


def _rename(path: Path, target: Path) -> None:
    """Give a file or a folder its place; what is there already makes room."""
    for _ in range(3):
        try:
            os.replace(path, target)
            return
        except OSError:
            if not target.exists():
                raise
            remove(target)
    os.replace(path, target)


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
