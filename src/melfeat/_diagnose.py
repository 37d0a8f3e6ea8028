"""Why a file cannot be read as audio, and what to do about it: the texts of `AudioFileError`."""

from __future__ import annotations

import os
from typing import Any

from .errors import AudioFileError, AudioFileMissingError

__all__ = ["explain", "source_name"]

_HEAD_BYTES = 4096

# (position, bytes there, name, usual suffix): formats that libsndfile does not read. The first that fits counts.
_FOREIGN = (
    (4, b"ftypM4A", "MP4/M4A (AAC or ALAC in an MPEG-4 container)", "m4a"),
    (4, b"ftypM4B", "MP4/M4B (an audio book in an MPEG-4 container)", "m4b"),
    (4, b"ftypqt", "QuickTime video", "mov"),
    (4, b"ftyp3g", "3GP (AMR or AAC in a phone's container)", "3gp"),
    (4, b"ftyp", "MP4 (an MPEG-4 container: video, AAC, ALAC)", "mp4"),
    (4, b"moov", "QuickTime video", "mov"),
    (0, b"\x1a\x45\xdf\xa3", "Matroska/WebM", "webm"),
    (0, b"\x30\x26\xb2\x75", "WMA (ASF)", "wma"),
    (0, b"#!AMR", "AMR", "amr"),
    (0, b"#!SILK", "SILK", "silk"),
    (1, b"#!SILK", "SILK", "silk"),
    (0, b"#!EVS", "EVS", "evs"),
    (0, b"wvpk", "WavPack", "wv"),
    (0, b"MAC ", "Monkey's Audio (APE)", "ape"),
    (0, b"MP+", "Musepack", "mpc"),
    (0, b"MPCK", "Musepack", "mpc"),
    (0, b"TTA1", "True Audio", "tta"),
    (0, b"tBaK", "TAK", "tak"),
    (0, b"OFR ", "OptimFROG", "ofr"),
    (0, b"ajkg", "Shorten", "shn"),
    (0, b"DSD ", "DSD", "dsf"),
    (0, b"FRM8", "DSD (DSDIFF)", "dff"),
    (0, b"qoaf", "QOA", "qoa"),
    (0, b".RMF", "RealMedia", "rm"),
    (0, b".ra\xfd", "RealAudio", "ra"),
    (0, b"FLV\x01", "Flash video", "flv"),
    (8, b"AVI ", "AVI", "avi"),
    (0, b"\x00\x00\x01\xba", "MPEG video", "mpg"),
    (0, b"\x00\x00\x01\xb3", "MPEG video", "mpg"),
    (0, b"ADIF", "AAC (ADIF)", "aac"),
    (0, b"\xff\xf1", "AAC (ADTS)", "aac"),
    (0, b"\xff\xf9", "AAC (ADTS)", "aac"),
    (0, b"\x56\xe0", "AAC (LOAS)", "aac"),
    (0, b"\x0b\x77", "AC-3", "ac3"),
    (0, b"\x7f\xfe\x80\x01", "DTS", "dts"),
    (28, b"Speex   ", "Speex inside an OGG file", "spx"),
    (28, b"\x80theora", "Theora video inside an OGG file", "ogv"),
    (28, b"\x01video", "video inside an OGG file", "ogm"),
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
    (0, b"GIF8", "a GIF image"),
    (4, b"ftyphei", "a HEIF image"),
    (4, b"ftypmif1", "a HEIF image"),
    (4, b"ftypavif", "an AVIF image"),
    (0, b"PK\x03\x04", "a ZIP archive: unpack it first"),
    (0, b"\x1f\x8b", "gzip data: unpack it first"),
    (0, b"BZh", "bzip2 data: unpack it first"),
    (0, b"\xfd7zXZ", "xz data: unpack it first"),
    (0, b"\x28\xb5\x2f\xfd", "zstd data: unpack it first"),
    (0, b"7z\xbc\xaf", "a 7-Zip archive: unpack it first"),
    (0, b"Rar!", "a RAR archive: unpack it first"),
    (257, b"ustar", "a tar archive: unpack it first"),
    (0, b"PAR1", "a Parquet table"),
    (0, b"\x89HDF", "an HDF5 file"),
    (0, b"MThd", "a MIDI file (notes, no samples): render it with a synthesiser first"),
    (0, b"\x93NUMPY", "a NumPy array: use np.load"),
    (0, b"<!DOCTYPE", "a web page: the download probably failed"),
    (0, b"<!doctype", "a web page: the download probably failed"),
    (0, b"<html", "a web page: the download probably failed"),
)

# Format tags of WAV files (Microsoft's mmreg.h) that libsndfile does not decode.
_WAV_CODECS = {
    0x0014: "G.723",
    0x0042: "G.723.1",
    0x0045: "G.726",
    0x0050: "MPEG layer 1 or 2",
    0x0055: "MP3",
    0x0057: "AMR",
    0x0083: "G.729",
    0x00FF: "AAC",
    0x0160: "WMA",
    0x0161: "WMA",
    0x0162: "WMA",
    0x0163: "WMA",
    0x028F: "G.722",
    0x1600: "AAC",
    0x1610: "AAC",
    0x2000: "AC-3",
    0x2001: "DTS",
    0x674F: "Vorbis",
    0xA106: "AAC",
}


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
            folder = os.path.dirname(_absolute(path))
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


def _absolute(path: str) -> str:
    try:
        return os.path.abspath(path)
    except OSError:  # the current folder has been deleted
        return os.path.join(os.curdir, path)


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
    for position, magic, name, suffix in _FOREIGN:
        if head.startswith(magic, position):
            return f"{name} cannot be read; {_conversion(suffix)}"
    if _is_transport_stream(head):
        return f"MPEG transport stream cannot be read; {_conversion('ts')}"
    for position, magic, name in _KNOWN:
        if head.startswith(magic, position):
            codec = _WAV_CODECS.get(_wav_tag(head))
            if codec is not None:
                return f"{codec} inside a {name} file cannot be read; {_conversion('wav')}"
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


def _conversion(suffix: str) -> str:
    return (
        f"convert it first, e.g. ffmpeg -i in.{suffix} out.wav (ffmpeg is in apt, brew, conda and winget), or decode "
        "it with PyAV (pip install av) and give melfeat the samples"
    )


def _is_transport_stream(head: bytes) -> bool:
    """Return whether packets of 188 bytes begin as those of MPEG transport streams do."""
    return len(head) > 188 * 4 and all(head[i] == 0x47 for i in range(0, len(head), 188))


def _wav_tag(head: bytes) -> int:
    """Return the format tag of a WAV file, that of the subformat if it is an extensible one, 0 if there is none."""
    at = 12
    while head[8:12] == b"WAVE" and at + 8 <= len(head):
        size = int.from_bytes(head[at + 4 : at + 8], "little")
        if head[at : at + 4] == b"fmt ":
            tag = int.from_bytes(head[at + 8 : at + 10], "little")
            return int.from_bytes(head[at + 32 : at + 34], "little") if tag == 0xFFFE else tag
        at += 8 + size + size % 2
    return 0


def _looks_like_text(head: bytes) -> bool:
    head = head[:64]
    printable = sum(32 <= byte < 127 or byte in b"\t\r\n" for byte in head)
    return len(head) > 0 and printable == len(head)
