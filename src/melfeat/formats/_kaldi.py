"""Kaldi archives (ark) and script files (scp): features of many utterances, one after the other, by key."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np

from .._checks import check_bool, check_choice
from ..errors import FormatError, ParameterError
from ._files import BinaryFile, Source, open_output, open_source
from ._kaldi_matrices import COMPRESSIONS, as_object, read_object, write_object

__all__ = ["read_ark", "read_kaldi", "read_scp", "write_ark"]

#: What is written: keys and features, as a mapping or one after the other.
Items: TypeAlias = Mapping[str, np.ndarray] | Iterable[tuple[str, np.ndarray]]

_LONGEST_KEY = 4096  # a foreign file is told by a first "word" longer than that
_LOCATION = re.compile(r"(?P<file>.+?)(?::(?P<offset>\d+))?(?:\[(?P<range>[^\[\]]*)\])?$")
_TOLERANCE = 3  # frames that a range may reach beyond the end, as in Kaldi: segments are rounded


def _check_dtype(dtype: Any) -> np.dtype | None:
    if dtype is None:
        return None
    with contextlib.suppress(TypeError):
        if np.dtype(dtype) in (np.dtype(np.float32), np.dtype(np.float64)):
            return np.dtype(dtype)
    raise ParameterError(f"dtype={dtype!r}: expected np.float32, np.float64, or None for what is stored")


def _as_features(rows: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(rows.T)


def _check_key(key: Any) -> str:
    if not isinstance(key, str) or key.split() != [key] or "\0" in key:
        raise ParameterError(f"key={key!r}: expected text without spaces, such as an utterance's name")
    return key


def _check_scp(path: BinaryFile, scp: BinaryFile | None) -> str:
    """Return the name of the archive as the lines of `scp` give it."""
    if scp is None:
        return ""
    if not isinstance(path, str | os.PathLike):
        raise ParameterError(f"scp with path={path!r}: lines of a script file name the archive; give path as a name")
    name = os.fspath(path)
    if not isinstance(name, str) or name != name.strip() or "\n" in name:
        raise ParameterError(f"path={path!r}: expected a name without spaces at its ends, or Kaldi misreads the scp")
    return name


def write_ark(
    path: BinaryFile,
    items: Items,
    scp: BinaryFile | None = None,
    *,
    text: bool = False,
    compression: str | None = None,
) -> int:
    """Write features of many utterances as a Kaldi archive, and a script file that says where each begins.

    One item at a time is held, so that `items` may be a generator over any number of recordings.

    Parameters
    ----------
    path : path or open binary file
        The archive; a named file appears complete or not at all.
    items : mapping or iterable of (key, features)
        Keys without spaces; features of shape (n_features, n_frames), stored with frames as rows as Kaldi does, or
        vectors. float32 and float64 are kept.
    scp : path or open binary file, optional
        Script file with a line ``key path:offset`` for each item; `path` stands there as it was given, relative to the
        folder in which Kaldi will run.
    text : bool
        Write Kaldi's text form, with as many digits as give the same numbers back.
    compression : {'auto', 'speech_feature', 'two_byte_auto', 'two_byte_signed_integer', 'one_byte_auto', \
'one_byte_unsigned_integer', 'one_byte_zero_one'}, optional
        Kaldi's lossy compression of matrices; 'auto' is what Kaldi's ``--compress=true`` does. Empty matrices and
        vectors are stored as they are.

    Returns
    -------
    int
        Number of items written.

    Raises
    ------
    ParameterError
        If a key is empty or has spaces, an array is not floating-point with one or two dimensions, values that are to
        be compressed are not finite, `text` and `compression` are combined, or `scp` is given for an open file.
    OSError
        If a file cannot be written.

    Notes
    -----
    Kaldi has no empty matrix with a number of columns: shape (13, 0) is read back as (0, 0).

    References
    ----------
    D. Povey et al., The Kaldi speech recognition toolkit, ASRU 2011; kaldi-asr.org, "Kaldi I/O mechanisms".

    Examples
    --------
    >>> import numpy as np
    >>> from melfeat.formats import read_scp, write_ark
    >>> write_ark("feats.ark", {"a": np.ones((13, 5)), "b": np.zeros((13, 7))}, scp="feats.scp")
    2
    >>> print(open("feats.scp").read(), end="")
    a feats.ark:2
    b feats.ark:539
    >>> [(key, features.shape) for key, features in read_scp("feats.scp")]
    [('a', (13, 5)), ('b', (13, 7))]
    """
    text = check_bool("text", text)
    compression = check_choice("compression", compression, (None, *COMPRESSIONS))
    if text and compression is not None:
        raise ParameterError(
            f"text=True with compression={compression!r}: expected one of them; Kaldi's text is not compressed"
        )
    name = _check_scp(path, scp)
    count = 0
    with contextlib.ExitStack() as stack:
        # Entered first, so that it gets its name last: a script file never points into an archive that is not there.
        script = None if scp is None else stack.enter_context(open_output(scp))
        stream = stack.enter_context(open_output(path))
        position = 0
        for key, array in items.items() if isinstance(items, Mapping) else items:
            head = _check_key(key).encode() + b" "
            body = write_object(as_object(key, array), text=text, compression=compression)
            stream.write(head)
            stream.write(body)
            if script is not None:
                script.write(f"{key} {name}:{position + len(head)}\n".encode())
            position += len(head) + len(body)
            count += 1
    return count


def _take_key(source: Source) -> str | None:
    """Return the next key, None at the end of the archive."""
    while source.peek(1) in (b"\n", b"\r"):  # what a text editor leaves behind the last item
        source.skip(1)
    ahead = source.peek(_LONGEST_KEY)
    if not ahead:
        return None
    if ahead[:2] == b"\0B":
        raise source.error("a single matrix or vector without a key, no archive; melfeat.formats.read_kaldi reads it")
    key = re.match(rb"[^\s\0]+(?=[ \t])", ahead)
    if key is None:
        raise source.error(f"expected a key and a space, got {ahead[:16]!r}; not a Kaldi archive, or damaged")
    try:
        name = key.group().decode()
    except UnicodeDecodeError:
        raise source.error(f"the key {key.group()[:32]!r} is no UTF-8; not a Kaldi archive, or damaged") from None
    source.skip(len(key.group()) + 1)
    return name


def _read_ark(path: BinaryFile, dtype: np.dtype | None) -> Iterator[tuple[str, np.ndarray]]:
    with open_source(path) as source:
        while (key := _take_key(source)) is not None:
            if source.peek(4) in (b"RIFF", b"fLaC"):
                raise source.error(f"item {key!r} is audio, no features; compute them first")
            yield key, _as_features(read_object(source, dtype))


def read_ark(path: BinaryFile, *, dtype: Any = None) -> Iterator[tuple[str, np.ndarray]]:
    """Read a Kaldi archive, one utterance after the other.

    Binary and text form are told apart item by item; compressed matrices are expanded. One item at a time is held.

    Parameters
    ----------
    path : path or open binary file
        The archive. An open file is read to its end, and may be ahead of the item that was given last.
    dtype : np.float32, np.float64 or None
        Type of the arrays; None is what is stored, and float32 for text, as Kaldi has it.

    Yields
    ------
    key : str
        The utterance's name.
    features : np.ndarray, shape (n_features, n_frames) or (n,)
        A matrix, its columns becoming rows, or a vector.

    Raises
    ------
    FormatError
        If the archive is cut off, damaged, or something else; the message names the byte. An empty file is an archive
        without items.
    OSError
        If it cannot be opened.

    References
    ----------
    kaldi-asr.org, "Kaldi I/O mechanisms".

    Examples
    --------
    >>> import io
    >>> from melfeat.formats import read_ark
    >>> for key, features in read_ark(io.BytesIO(b"utt1  [\\n  1 2 3\\n  4 5 6 ]\\n")):
    ...     print(key, features.shape, features[:, 0])
    utt1 (3, 2) [1. 2. 3.]
    """
    if not isinstance(path, str | os.PathLike) and not hasattr(path, "read"):
        raise ParameterError(f"path={path!r}: expected a file name or an open binary file (mode 'rb')")
    return _read_ark(path, _check_dtype(dtype))


def _bounds(text: str, length: int, tolerance: int) -> slice | None:
    """Return the slice of ``first:last``, both included, or None if it makes no sense for `length`."""
    if text in ("", ":"):
        return slice(0, length)
    numbers = re.fullmatch(r"(\d+):(\d+)", text)
    if numbers is None:
        return None
    first, last = (int(number) for number in numbers.groups())
    return slice(first, last + 1) if first <= last < length + tolerance and first < length else None


def _cut(rows: np.ndarray, text: str) -> np.ndarray | None:
    """Return the part of `rows` that Kaldi's ``first:last[,first:last]`` means, None if it does not fit."""
    parts = text.split(",")
    if len(parts) > rows.ndim:
        return None
    slices = [_bounds(part, rows.shape[i], 0 if i else _TOLERANCE) for i, part in enumerate(parts)]
    return None if None in slices else rows[tuple(slices)]


class _Archives:
    """The archive that was used last stays open: the lines of a script file mostly follow each other in one."""

    def __init__(self, base: str | None) -> None:
        self._base = base
        self._name = ""
        self._stream: Any = None

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
        self._stream = None

    def read(self, location: str, dtype: np.dtype | None, where: str) -> np.ndarray:
        """Return the rows at a `location` ``file:offset[range]``; `where` names it in messages."""
        found = _LOCATION.match(location)
        if found is None or location[0] == "|" or location[-1] == "|" or location == "-" or "\0" in location:
            raise FormatError(
                f"{where}: {location!r} is not 'file', 'file:offset' or 'file:offset[0:10]'; commands and pipes are "
                "not run"
            )
        name = found["file"] if self._base is None else os.path.join(self._base, found["file"])
        if name != self._name or self._stream is None:
            self.close()
            self._stream, self._name = open(name, "rb"), name  # noqa: SIM115 - closed by `close`
        offset = int(found["offset"] or 0)
        self._stream.seek(offset)
        source = Source(self._stream, name, offset)
        rows = read_object(source, dtype)
        if found["range"] is None:
            return rows
        part = _cut(rows, found["range"])
        if part is None:
            raise FormatError(
                f"{where}: range [{found['range']}] does not fit {rows.shape}; expected [first:last] or "
                "[first:last,first:last], frames and features, both ends included"
            )
        return part


def _read_scp(path: BinaryFile, dtype: np.dtype | None, base: str | None) -> Iterator[tuple[str, np.ndarray]]:
    with open_source(path) as source, contextlib.closing(_Archives(base)) as archives:
        number = 0
        while source.peek(1):
            number += 1
            at = source.position
            line = source.take_until(b"\n", "a line", or_end=True)
            try:
                key, location = line.decode().strip().split(maxsplit=1)
            except ValueError:  # UnicodeDecodeError is one
                raise source.error(
                    f"line {number} is not 'key file' or 'key file:offset', but {line[:40]!r}", at
                ) from None
            yield key, _as_features(archives.read(location, dtype, f"{source.name}, line {number}"))


def read_scp(
    path: BinaryFile, *, dtype: Any = None, base: str | os.PathLike[str] | None = None
) -> Iterator[tuple[str, np.ndarray]]:
    """Read the features that a Kaldi script file lists, one utterance after the other.

    Parameters
    ----------
    path : path or open binary file
        The script file: lines ``key file``, ``key file:offset`` or with a range of frames, and perhaps of features,
        ``key file:offset[0:10,0:12]``. Both ends of a range are included; as in Kaldi it may reach up to three frames
        beyond the end.
    dtype : np.float32, np.float64 or None
        Type of the arrays; None is what is stored, and float32 for text, as Kaldi has it.
    base : path or None
        Folder from which relative names of archives start; None is the current folder, as in Kaldi.

    Yields
    ------
    key : str
        The utterance's name.
    features : np.ndarray, shape (n_features, n_frames) or (n,)
        A matrix, its columns becoming rows, or a vector.

    Raises
    ------
    FormatError
        If a line is not of that form, is a command (commands are not run), or what it points to is damaged; the message
        names line or byte.
    OSError
        If the script file or an archive cannot be opened.

    References
    ----------
    kaldi-asr.org, "Kaldi I/O mechanisms".

    Examples
    --------
    >>> import io
    >>> import numpy as np
    >>> from melfeat.formats import read_scp, write_ark
    >>> write_ark("feats.ark", {"a": np.arange(39.0).reshape(3, 13)})
    1
    >>> for key, features in read_scp(io.BytesIO(b"a feats.ark:2[0:10]")):
    ...     print(key, features.shape)
    a (3, 11)
    """
    if not isinstance(path, str | os.PathLike) and not hasattr(path, "read"):
        raise ParameterError(f"path={path!r}: expected a file name or an open binary file (mode 'rb')")
    return _read_scp(path, _check_dtype(dtype), None if base is None else os.fspath(base))


def read_kaldi(location: str | os.PathLike[str], *, dtype: Any = None) -> np.ndarray:
    """Read one matrix or vector from a file of Kaldi, such as global statistics, or from a place in an archive.

    Parameters
    ----------
    location : path
        ``file``, ``file:offset`` or ``file:offset[0:10]``, as in the lines of a script file.
    dtype : np.float32, np.float64 or None
        Type of the array; None is what is stored, and float32 for text, as Kaldi has it.

    Returns
    -------
    np.ndarray, shape (n_columns, n_rows) or (n,)
        The matrix, transposed as everywhere in melfeat (features, frames), or the vector.

    Raises
    ------
    FormatError
        If it is no matrix or vector, or damaged; the message names the byte.
    OSError
        If the file cannot be opened.

    References
    ----------
    kaldi-asr.org, "Kaldi I/O mechanisms".

    Examples
    --------
    >>> import numpy as np
    >>> from melfeat.formats import read_kaldi, write_ark
    >>> write_ark("feats.ark", {"a": np.arange(39.0).reshape(3, 13)})
    1
    >>> read_kaldi("feats.ark:2[3:4]").tolist()
    [[3.0, 4.0], [16.0, 17.0], [29.0, 30.0]]
    """
    if not isinstance(location, str | os.PathLike):
        raise ParameterError(f"location={location!r}: expected the name of a file, perhaps with ':offset'")
    text = os.fspath(location)
    with contextlib.closing(_Archives(None)) as archives:
        return _as_features(archives.read(text, _check_dtype(dtype), text))
