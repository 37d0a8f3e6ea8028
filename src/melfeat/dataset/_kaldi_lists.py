"""Kaldi's lists of recordings: ``wav.scp``, and beside it ``segments`` and ``utt2spk``."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from typing import Any

from ..errors import FormatError
from ._rows import Row, Source

__all__ = ["is_kaldi", "kaldi_source"]


def is_kaldi(path: str) -> bool:
    """Return whether a path is a folder with a ``wav.scp``, or such a file."""
    return os.path.isfile(os.path.join(path, "wav.scp")) or (os.path.isfile(path) and path.endswith(".scp"))


def _pairs(path: str) -> Iterator[tuple[str, str]]:
    """Yield the first word of each line, and the rest."""
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        for number, line in enumerate(file, 1):
            words = line.split(None, 1)
            if len(words) == 1:
                raise FormatError(f"{path}, line {number}: expected a name and something behind it, found {line!r}")
            if words:
                yield words[0], words[1].strip()


def kaldi_source(path: str, root: Any) -> Source:
    """Return the utterances of a folder, or of a ``wav.scp`` with what lies beside it.

    Relative paths are relative to the current folder, as they are for Kaldi, or to `root`.
    """
    scp = os.path.join(path, "wav.scp") if os.path.isdir(path) else path
    folder = os.path.dirname(scp)
    base = os.path.abspath(os.curdir if root is None else os.fspath(root))
    segments, speakers = (os.path.join(folder, name) for name in ("segments", "utt2spk"))
    has_segments, has_speakers = os.path.isfile(segments), os.path.isfile(speakers)
    columns = (*(("recording",) if has_segments else ()), *(("speaker",) if has_speakers else ()))

    def rows() -> Iterator[Row]:
        speaker_of = dict(_pairs(speakers)) if has_speakers else {}
        if not has_segments:
            for name, where in _pairs(scp):
                yield _row(name, where, base, (speaker_of.get(name),) if has_speakers else ())
            return
        recordings = dict(_pairs(scp))
        for name, rest in _pairs(segments):
            words = rest.split()
            labels = (words[0], *((speaker_of.get(name),) if has_speakers else ()))
            yield _segment(name, words, recordings, base, labels, segments)

    return Source(columns, rows)


def _row(name: str, where: str, base: str, labels: tuple[Any, ...]) -> Row:
    problem = None
    if where.endswith("|"):
        problem = "is a command, and commands of lists are not run; let it write a file, and list that"
    return Row(name, where, os.path.join(base, where), labels, problem=problem)


def _segment(
    name: str, words: list[str], recordings: dict[str, str], base: str, labels: tuple[Any, ...], path: str
) -> Row:
    if len(words) < 3:
        raise FormatError(f"{path}: expected 'utterance recording start end', found {' '.join([name, *words])!r}")
    where = recordings.get(words[0])
    if where is None:
        return Row(name, words[0], "", labels, problem=f"wav.scp has no recording {words[0]!r}")
    row = _row(name, where, base, labels)
    try:
        start, end = float(words[1]), float(words[2])
    except ValueError:
        start = end = math.nan
    to_the_end = end == -1  # Kaldi's way to say so
    if not (math.isfinite(start) and math.isfinite(end) and start >= 0 and (to_the_end or end > start)):
        problem = f"its segment is from {words[1]} to {words[2]}: expected 0 <= start < end [s], or -1 for the end"
        return row._replace(problem=row.problem or problem)
    return row._replace(offset=start, duration=None if to_the_end else round(end - start, 9))  # 0.3 - 0.2 is 0.1
