"""Ordinary 16-bit and 24-bit WAV files, which need no decoder, and the memory that a thread keeps for loading files."""

from __future__ import annotations

import io
import os
import stat
import struct
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from ._diagnose import source_name
from .errors import AudioFileError

__all__ = ["PlainWav", "borrowed", "convert_pcm16", "convert_pcm24", "open_plain_wav"]

# Bytes read at once: what the second cache still holds when they are converted, 1.5 s of 16-bit stereo at 44.1 kHz.
_BLOCK_BYTES = 1 << 18

# The beginning of a file in which the samples must begin, and its part from the size to the bits of a sample.
_HEAD_BYTES = 1 << 12
_FORMAT = struct.Struct("<I12xHHIIHH")

# The tag of formats that are described at more length, and the rest of one that is PCM after all: 22 more bytes, the
# bits of a sample again, speakers (which do not matter here) and an identifier.
_EXTENSIBLE = 0xFFFE
_PCM_IDENTIFIER = bytes.fromhex("0100000000001000800000aa00389b71")
_MOST_CHANNELS, _MOST_HZ = 1024, 1 << 20

# The largest memory that a thread keeps of each name: 23 s of a float32 signal at 44.1 kHz.
_KEPT_BYTES = 1 << 22

_kept = threading.local()


@contextmanager
def borrowed(name: str, n: int, dtype: np.dtype[Any]) -> Iterator[np.ndarray]:
    """Lend an uninitialised array ``(n,)`` for a ``with`` block: this thread's own of that name, if it is not lent.

    Large memory that is freed after each file goes back to the system, and the next file pays for every page of it.
    """
    size = n * dtype.itemsize
    held: np.ndarray | None = _kept.__dict__.pop(name, None)
    if held is None or held.size < size:
        held = np.empty(size, np.uint8)
    try:
        yield held[:size].view(dtype)
    finally:
        if held.size <= _KEPT_BYTES:
            _kept.__dict__[name] = held


def convert_pcm16(samples: np.ndarray, n_channels: int, out: np.ndarray, start: int, n: int) -> None:
    """Write `n` frames of interleaved 16-bit samples to ``out[..., start : start + n]``, mixed down if it is 1-D."""
    from .kernels import pcm

    kind = out.dtype.type
    if out.ndim == 1:
        pcm.pcm16_to_mono(samples, n_channels, kind(2.0**-15), kind(n_channels), out[start : start + n])
    else:
        pcm.pcm16_to_channels(samples, n_channels, kind(2.0**-15), start, out)


def convert_pcm24(samples: np.ndarray, n_channels: int, out: np.ndarray, start: int, n: int) -> None:
    """Write `n` frames of interleaved 24-bit samples, as bytes, like `convert_pcm16`."""
    from .kernels import pcm

    words = samples[: samples.size // 12 * 12].view(np.int32)
    if not words.flags.aligned:  # after chunks of odd lengths
        words = np.empty(0, np.int32)
    scale = out.dtype.type(2.0**-23)
    if out.ndim == 1 and n_channels == 1:
        pcm.pcm24_to_float(samples, words, scale, out[start : start + n])
        return
    if out.ndim == 1 and n_channels == 2:
        pcm.pcm24_to_mono2(samples, words, scale / 2, out[start : start + n])
        return
    with borrowed("floats", n * n_channels, out.dtype) as floats:
        pcm.pcm24_to_float(samples, words, scale, floats)
        if out.ndim == 1:
            pcm.float_to_mono(floats, n_channels, out.dtype.type(n_channels), out[start : start + n])
        else:
            pcm.float_to_channels(floats, n_channels, start, out)


class Header(NamedTuple):
    """What the beginning of an ordinary file says: the byte where samples begin, and what they are."""

    begin: int
    n_channels: int
    samplerate: int
    n_frames: int
    n_bytes: int


def read_header(head: bytes, size: int) -> Header | None:
    """Return the header of a file of `size` bytes that begins with `head`, or None if it is not an ordinary one.

    An ordinary one is a format, a chunk of text or padding perhaps, and the samples up to the end, all lengths right.
    """
    if len(head) < 44 or head[:4] != b"RIFF" or head[8:16] != b"WAVEfmt ":
        return None
    riff_size, tag, n_channels, samplerate, byte_rate, width, bits = _FORMAT.unpack_from(head, 4)
    n_bytes = bits // 8
    if bits not in (16, 24) or (riff_size, width, byte_rate) != (size - 8, n_bytes * n_channels, samplerate * width):
        return None
    at = 20 + int.from_bytes(head[16:20], "little")
    if tag == _EXTENSIBLE:
        described = int.from_bytes(head[36:38], "little"), int.from_bytes(head[38:40], "little"), head[44:60]
        if at != 60 or described != (22, bits, _PCM_IDENTIFIER):
            return None
    elif tag != 1 or at != 36:
        return None
    while at + 8 <= len(head):
        name, length = head[at : at + 4], int.from_bytes(head[at + 4 : at + 8], "little")
        at += 8
        if name == b"data":
            known = 0 < n_channels <= _MOST_CHANNELS and 0 < samplerate <= _MOST_HZ
            whole = known and length == size - at and length % width == 0
            return Header(at, n_channels, samplerate, length // width, n_bytes) if whole else None
        if name not in (b"LIST", b"JUNK", b"fact" if tag == _EXTENSIBLE else b"") or length % 2:
            return None
        at += length
    return None


@contextmanager
def open_plain_wav(source: Any, *, mono: bool, dtype: np.dtype[Any], whole: bool = True) -> Iterator[PlainWav | None]:
    """Open `source` if it is an ordinary file; whatever is unusual gives None and is left to the decoder.

    If the `whole` file is wanted, as much as possible is read with the header.
    """
    file, size = _as_file(source)
    if file is None:
        yield None
        return
    with file, borrowed("bytes", _BLOCK_BYTES, np.dtype(np.uint8)) as buffer:
        try:
            held = file.readinto(buffer if whole else buffer[:_HEAD_BYTES])
        except OSError:  # the decoder will say what is wrong
            held = 0
        header = read_header(buffer[: min(held, _HEAD_BYTES)].tobytes(), size)
        yield header and PlainWav(file, buffer, held, header, source_name(source), mono=mono, dtype=dtype)


def _as_file(source: Any) -> tuple[Any, int]:
    """Return `source` as an unbuffered binary file, with its size, if its name or its first bytes are those of WAV."""
    if sys.byteorder != "little":
        return None, 0
    if isinstance(source, bytes):
        return (io.BytesIO(source), len(source)) if source[:4] == b"RIFF" else (None, 0)
    path = os.fspath(source) if isinstance(source, (str, os.PathLike)) else None
    if not isinstance(path, str) or path[-4:].lower() != ".wav":
        return None, 0
    try:
        facts = os.stat(path)
        if stat.S_ISREG(facts.st_mode):  # a pipe would give its bytes only once
            return open(path, "rb", buffering=0), facts.st_size
    except (OSError, ValueError):  # the decoder will say what is wrong
        pass
    return None, 0


class PlainWav:
    """Reads an ordinary file as `_decode.Reader` reads the others.

    Each of a decoder's calls gives the interpreter's lock away and takes it back, and threads that load files queue
    for it. Here that is one call to read and one to convert per 1.5 s.
    """

    finite = True

    def __init__(
        self, file: Any, buffer: np.ndarray, held: int, header: Header, name: str, *, mono: bool, dtype: np.dtype[Any]
    ) -> None:
        self._file, self._name, self._dtype = file, name, dtype
        self._buffer, self._first, self._held = buffer, 0, held  # which bytes of the file the buffer has
        self._at, self._channels, self.samplerate, self._total, self._bytes = header
        self.n_rows = 1 if mono else self._channels

    def begin(self, offset: float, duration: float | None) -> int:
        """Go `offset` seconds into the file and return how many frames to read from there."""
        start = min(int(offset * self.samplerate), self._total)
        self._at += self._bytes * self._channels * start
        left = self._total - start
        return left if duration is None else min(left, int(duration * self.samplerate))

    def count_rest(self, n: int) -> int:
        """Return how many of the next `n` frames there are: all, as the size of the file said."""
        return n

    def read_into(self, out: np.ndarray, start: int, n: int) -> int:
        """Fill ``out[..., start : start + n]`` with the next frames and return how many there were."""
        width, done = self._bytes * self._channels, 0
        while done < n:
            got = min(n - done, (self._first + self._held - self._at) // width)
            if got < 1:
                self._fill((n - done) * width, width)
                continue
            place = self._at - self._first
            samples = self._buffer[place : place + got * width]
            if self._bytes == 2:
                convert_pcm16(samples.view(np.int16), self._channels, out, start + done, got)
            else:
                convert_pcm24(samples, self._channels, out, start + done, got)
            done, self._at = done + got, self._at + got * width
        return done

    def _fill(self, size: int, least: int) -> None:
        """Read up to `size` of the next bytes, and `least`, which were there when the file was opened."""
        try:
            self._first = self._file.seek(self._at)
            self._held = self._file.readinto(self._buffer[:size])
        except OSError as error:
            raise AudioFileError(f"{self._name}: cannot be read ({error})") from error
        if self._held < least:
            raise AudioFileError(
                f"{self._name}: became shorter while it was read, it ends before byte {self._first + least} now"
            )
