"""Why a file cannot be read as audio, and what to do about it: the texts of `AudioFileError`."""

from __future__ import annotations

import os
from typing import Any

from .errors import AudioFileError, AudioFileMissingError

__all__ = ["explain", "source_name"]

_HEAD_BYTES = 64

# (position, bytes there, name): formats that libsndfile does not read.
_FOREIGN = (
    (4, b"ftyp", "MP4/M4A (AAC or ALAC in an MPEG-4 container)"),
    (0, b"\x1a\x45\xdf\xa3", "Matroska/WebM"),
    (0, b"\x30\x26\xb2\x75", "WMA (ASF)"),
    (0, b"#!AMR", "AMR"),
    (0, b"wvpk", "WavPack"),
    (0, b"MAC ", "Monkey's Audio (APE)"),
    (0, b"TTA1", "True Audio"),
    (0, b"ajkg", "Shorten"),
    (0, b"DSD ", "DSD"),
    (0, b"FLV\x01", "Flash video"),
    (8, b"AVI ", "AVI"),
    (0, b"ADIF", "AAC (ADIF)"),
    (0, b"\xff\xf1", "AAC (ADTS)"),
    (0, b"\xff\xf9", "AAC (ADTS)"),
)

# Formats that libsndfile reads: such a beginning means damage, or an encoding inside that it does not know.
_KNOWN = (
    (8, b"WAVE", "WAV"),
    (0, b"RIFF", "RIFF/WAV"),
    (0, b"RF64", "RF64/WAV"),
    (0, b"FORM", "AIFF"),
    (0, b"fLaC", "FLAC"),
    (0, b"OggS", "OGG"),
    (0, b"ID3", "MP3"),
    (0, b"\xff\xfb", "MP3"),
    (0, b"\xff\xfa", "MP3"),
    (0, b"\xff\xf3", "MP3"),
    (0, b"\xff\xf2", "MP3"),
    (0, b".snd", "AU"),
    (0, b"caff", "CAF"),
    (0, b"riff\x2e\x91", "W64"),
)

_NOT_AUDIO = (
    (0, b"version https://git-lfs", "a Git LFS pointer, not the recording: run git lfs pull"),
    (0, b"\x89PNG", "a PNG image"),
    (0, b"\xff\xd8\xff", "a JPEG image"),
    (0, b"%PDF", "a PDF document"),
    (0, b"PK\x03\x04", "a ZIP archive: unpack it first"),
    (0, b"\x1f\x8b", "gzip data: unpack it first"),
    (0, b"MThd", "a MIDI file (notes, no samples): render it with a synthesiser first"),
    (0, b"\x93NUMPY", "a NumPy array: use np.load"),
    (0, b"<!DOCTYPE", "a web page: the download probably failed"),
    (0, b"<!doctype", "a web page: the download probably failed"),
    (0, b"<html", "a web page: the download probably failed"),
)

_WAV_CODECS = {0x0055: "MP3", 0x00FF: "AAC", 0x0161: "WMA", 0x0162: "WMA", 0x2000: "AC-3", 0x2001: "DTS"}


def source_name(source: Any) -> str:
    """Return how messages call an audio source: its quoted path, or what kind of object it is."""
    if isinstance(source, (str, os.PathLike)):
        return repr(os.fspath(source))
    if isinstance(source, (bytes, bytearray, memoryview)):
        return f"<{len(source)} bytes>"
    if isinstance(source, int):
        return f"<file descriptor {source}>"
    name = getattr(source, "name", None)
    return repr(name) if isinstance(name, str) else f"<{type(source).__name__}>"


def explain(source: Any, reason: BaseException) -> AudioFileError:
    """Return the exception that says why `source` could not be opened, given the decoder's `reason`."""
    name = source_name(source)
    if isinstance(source, (str, os.PathLike)):
        path = os.fspath(source)
        if not os.path.exists(path):
            folder = os.path.dirname(os.path.abspath(path))
            where = f"the folder {folder!r} does not exist" if not os.path.isdir(folder) else f"looked in {folder!r}"
            return AudioFileMissingError(f"{name}: no such file ({where})")
        if os.path.isdir(path):
            return AudioFileError(f"{name}: is a directory; expected one audio file, so loop over its files")
    try:
        head, size = _head(source)
    except PermissionError:
        return AudioFileError(f"{name}: permission denied; make the file readable for this user")
    except (OSError, ValueError) as error:
        return AudioFileError(f"{name}: cannot be read ({error})")
    if size == 0:
        return AudioFileError(f"{name}: is empty (0 bytes)")
    return AudioFileError(f"{name}: {_describe_head(head, size, _decoder_text(reason))}")


def _head(source: Any) -> tuple[bytes, int]:
    """Return the first bytes of `source` and its size in bytes (-1 if unknown)."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source[:_HEAD_BYTES]), len(source)
    if isinstance(source, (str, os.PathLike)):
        with open(source, "rb") as file:
            return file.read(_HEAD_BYTES), os.fstat(file.fileno()).st_size
    if isinstance(source, int):
        return b"", os.fstat(source).st_size
    if callable(getattr(source, "seek", None)):
        size = source.seek(0, os.SEEK_END)
        source.seek(0)
        return source.read(_HEAD_BYTES), size
    return b"", -1


def _decoder_text(reason: BaseException) -> str:
    """Return the decoder's own words, without the path it repeats in front of them."""
    text = str(getattr(reason, "error_string", "") or reason).strip()
    if "possibly a pipe" in text:  # what libsndfile says of MP3 data without a whole frame
        return "no sound found in it"
    return text.rstrip(".") or "no reason given"


def _describe_head(head: bytes, size: int, reason: str) -> str:
    for position, magic, name in _NOT_AUDIO:
        if head.startswith(magic, position):
            return f"not an audio file but {name}"
    for position, magic, name in _FOREIGN:
        if head.startswith(magic, position):
            return f"{name} cannot be read; convert it first, e.g. ffmpeg -i in.{_suffix(name)} out.wav"
    for position, magic, name in _KNOWN:
        if head.startswith(magic, position):
            codec = _WAV_CODECS.get(int.from_bytes(head[20:22], "little")) if head[12:16] == b"fmt " else None
            if codec is not None:
                return f"{codec} inside a {name} file cannot be read; convert it first, e.g. ffmpeg -i in.wav out.wav"
            return (
                f"has a {name} header, but its {size} bytes are damaged, truncated or in an unknown encoding "
                f"({reason}); fetch it again, or try ffmpeg -i in out.wav"
            )
    if _looks_like_text(head):
        return "not an audio file but text"
    return (
        f"not in a known audio format ({reason}); WAV, FLAC, OGG, MP3, AIFF and others of libsndfile can be read, "
        "anything else must be converted first, e.g. ffmpeg -i in.m4a out.wav"
    )


def _suffix(name: str) -> str:
    """Return the usual file suffix of a foreign format, for the example command."""
    table = {"MP4": "m4a", "Matroska": "webm", "WMA": "wma", "AMR": "amr", "WavPack": "wv", "Monkey": "ape"}
    table |= {"True": "tta", "Shorten": "shn", "DSD": "dsf", "Flash": "flv", "AVI": "avi", "AAC": "aac"}
    return next(suffix for start, suffix in table.items() if name.startswith(start))


def _looks_like_text(head: bytes) -> bool:
    printable = sum(32 <= byte < 127 or byte in b"\t\r\n" for byte in head)
    return len(head) > 0 and printable == len(head)
