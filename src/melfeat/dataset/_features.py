"""A table in memory: ids, labels, values, and how they were made."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..config import Config
from ..errors import FormatError, ParameterError, SpecMismatch
from ..extractor import Extractor
from ._extras import extra
from ._formats import FORMATS, Block, read_blocks
from ._spec import Spec, config_difference
from ._store import ERRORS, Store

__all__ = ["Features", "blocks_of", "load_features", "spec_of"]


@dataclass(repr=False)
class Features:
    """A table of features.

    Attributes
    ----------
    ids, paths : list of str
        What each clip is called, and where it was.
    labels : dict of str to list
        The columns that were carried along.
    X : np.ndarray (n_clips, n_stats * n_features), float32, or list of np.ndarray (n_features, n_frames)
        Statistics, or the frames of each clip.
    names : tuple of str
        The names of the columns of statistics, or of the features of a frame.
    sample_rate, duration, n_frames : list
        Of each clip: the rate of its file [Hz], its length [s], how many frames there were.
    config : Config
        How the features were made.
    stats : tuple of str, or None
        The statistics, None for frames.
    errors : list of dict
        The clips that failed: ``row``, ``id``, ``path``, ``reason``.
    """

    ids: list[str]
    paths: list[str]
    labels: dict[str, list[Any]]
    X: Any
    names: tuple[str, ...]
    sample_rate: list[int]
    duration: list[float]
    n_frames: list[int]
    config: Config
    stats: tuple[str, ...] | None
    errors: list[dict[str, Any]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        what = "frames" if self.stats is None else ", ".join(self.stats)
        return f"Features({len(self)} clips, {what} of {self.config!r}, {len(self.errors)} failed)"

    def to_pandas(self) -> Any:
        """Return the table as a pandas.DataFrame: a column for each statistic, or one of arrays of frames.

        Returns
        -------
        pandas.DataFrame
            ``id``, ``path``, the labels, ``sample_rate`` [Hz], ``duration`` [s], ``n_frames``, and the values.

        Raises
        ------
        MissingExtraError
            If pandas is not installed.
        """
        pandas = extra("pandas", "to_pandas()")
        front = {"id": self.ids, "path": self.paths, **self.labels, "sample_rate": self.sample_rate}
        frame = pandas.DataFrame({**front, "duration": self.duration, "n_frames": self.n_frames})
        if self.stats is None:
            frame["features"] = self.X
            return frame
        return pandas.concat([frame, pandas.DataFrame(self.X, columns=list(self.names))], axis=1)


def load_features(out: str | os.PathLike[str], expect: Config | Extractor | str | None = None) -> Features:
    """Read a table of features that `melfeat.dataset.extract` made, or a file that `convert` made of it.

    Parameters
    ----------
    out : path
        The folder, or the file.
    expect : Config, Extractor or str, optional
        How the features must have been made: a configuration, or the name of a preset.

    Returns
    -------
    Features
        `ids`, `labels`, `X`, `names`, `config` and more, in the order of the source.

    Raises
    ------
    SpecMismatch
        If the features were made in another way than expected; the message says what differs, and what that does.
    FormatError
        If there is no table, its run was not finished, or a file is damaged.
    MissingExtraError
        If the package that reads the format is not installed.

    Examples
    --------
    >>> import melfeat
    >>> from melfeat.dataset import extract, load_features
    >>> _ = extract([melfeat.demo_path()], "frames", "whisper", format="npz", n_jobs=0)
    >>> load_features("frames", expect="whisper").X[0].shape
    (80, 500)
    """
    spec = spec_of(out)
    wanted = _as_config(expect)
    if wanted is not None and wanted.fingerprint != spec.fingerprint:
        difference = config_difference(spec.parsed, wanted)
        raise SpecMismatch(f"{os.fspath(out)} holds features that were made in another way than expected\n{difference}")
    columns: dict[str, list[Any]] = {name: [] for name, _ in spec.index}
    values: list[Any] = []
    for block in blocks_of(out, spec):
        for name, column in block.columns.items():
            columns[name] += column
        values.append(block.values) if spec.stats is not None else values.extend(block.values)
    X: Any = values
    if spec.stats is not None:
        X = np.concatenate(values) if values else np.empty((0, len(spec.value_names)), np.float32)
    labels = {name: columns[name] for name, _ in spec.columns}
    return Features(
        columns["id"],
        columns["path"],
        labels,
        X,
        spec.value_names,
        columns["sample_rate"],
        columns["duration"],
        columns["n_frames"],
        spec.parsed,
        spec.stats,
        list(errors_of(out)),
    )


def _as_config(expect: Any) -> Config | None:
    if expect is None:
        return None
    return expect.config if isinstance(expect, Extractor) else Extractor(expect).config


def _sidecar(path: Path) -> Path:
    return path.with_name(f"{path.name}.melfeat.json")


def write_sidecar(path: Path, spec: Spec) -> Path:
    """Write how the features in a file were made into a file beside it, and return that one's path."""
    beside = _sidecar(path)
    beside.write_text(spec.text + "\n", encoding="utf-8")
    return beside


def spec_of(out: str | os.PathLike[str]) -> Spec:
    """Return how a table was made."""
    path = Path(out)
    if path.is_dir():
        return Spec.from_dict(Store(path).manifest()["spec"], str(path))
    if not path.exists():
        raise FormatError(f"{path}: there is no such table")
    beside = _sidecar(path)
    try:
        return Spec.from_dict(json.loads(beside.read_text(encoding="utf-8")), str(beside))
    except FileNotFoundError:
        raise FormatError(f"{path}: expected a folder, or a file with {beside.name} beside it") from None
    except ValueError as error:
        raise FormatError(f"{beside}: not JSON ({error}); it is damaged") from None


def blocks_of(out: str | os.PathLike[str], spec: Spec) -> Iterator[Block]:
    """Yield the rows of a table, some at a time."""
    path = Path(out)
    if path.is_dir():
        for shard in Store(path).manifest()["shards"]:
            yield from read_blocks(spec, path, shard["name"])
        return
    suffix = FORMATS[spec.format].suffix
    if path.suffix != suffix:
        raise ParameterError(f"{path}: expected a name that ends in {suffix}, as it was written")
    yield from read_blocks(spec, path.parent, path.name.removesuffix(suffix))


def errors_of(out: str | os.PathLike[str]) -> Iterator[dict[str, Any]]:
    """Yield the clips that failed."""
    try:
        with open(Path(out) / ERRORS, encoding="utf-8") as file:
            for line in file:
                yield json.loads(line)
    except (FileNotFoundError, NotADirectoryError):
        return
