"""HTK parameter files: twelve bytes of header and one row per frame, everything big-endian."""

from __future__ import annotations

import contextlib
import os
import struct
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np

from .._checks import check_float, check_int
from ..errors import ParameterError
from ._files import BinaryFile, Source, open_output, open_source

__all__ = ["HTKHeader", "read_htk", "write_htk"]

KINDS = (
    *("WAVEFORM", "LPC", "LPREFC", "LPCEPSTRA", "LPDELCEP", "IREFC"),
    *("MFCC", "FBANK", "MELSPEC", "USER", "DISCRETE", "PLP"),
)
#: Letters after the kind and their bits, in the order in which HTK's own tools print them.
QUALIFIERS = {
    "E": 0o100,
    "D": 0o400,
    "N": 0o200,
    "A": 0o1000,
    "T": 0o100000,
    "C": 0o2000,
    "K": 0o10000,
    "Z": 0o4000,
    "0": 0o20000,
    "V": 0o40000,
}
_BASE = 0o77
_COMPRESSED, _CHECKSUM = QUALIFIERS["C"], QUALIFIERS["K"]
_HEADER = struct.Struct(">iihH")
_WAVEFORM, _IREFC, _DISCRETE = (KINDS.index(name) for name in ("WAVEFORM", "IREFC", "DISCRETE"))
_MODULUS = 36897
_FULL_SCALE = 32767


@dataclass(frozen=True, slots=True)
class HTKHeader:
    """What an HTK parameter file says of itself.

    Attributes
    ----------
    kind : str
        Parameter kind with its qualifiers, such as ``"MFCC_E_D_A"``.
    n_frames, n_features : int
        Size; scale and offset of a compressed file are not counted.
    period : float [s]
        Time from frame to frame.
    """

    kind: str
    n_frames: int
    n_features: int
    period: float

    @property
    def code(self) -> int:
        """The kind as the 16-bit number in the file."""
        return parse_kind(self.kind)


def kind_name(code: int) -> str:
    """Return a kind's name, such as ``"MFCC_E_D"``, from its 16-bit code."""
    return "".join([KINDS[code & _BASE], *(f"_{letter}" for letter, bit in QUALIFIERS.items() if code & bit)])


def parse_kind(kind: Any) -> int:
    """Return the 16-bit code of a kind such as ``"MFCC_0_D_A_Z"``; the order of the qualifiers does not matter."""
    if not isinstance(kind, str):
        raise ParameterError(f"kind={kind!r}: expected a parameter kind such as 'MFCC_0_D_A' or 'FBANK'")
    base, *letters = kind.upper().split("_")
    if base not in KINDS:
        near = get_close_matches(base, KINDS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ParameterError(f"kind={kind!r}: {base!r} is not one of {', '.join(KINDS)}{hint}")
    code = KINDS.index(base)
    for letter in letters:
        if letter not in QUALIFIERS:
            raise ParameterError(f"kind={kind!r}: qualifier '_{letter}' is not one of _{', _'.join(QUALIFIERS)}")
        code |= QUALIFIERS[letter]
    return code


def _blocks(code: int) -> int:
    """Return how many blocks a row has: the statics, and one for each order of differences."""
    return 1 + sum(bool(code & QUALIFIERS[letter]) for letter in "DAT")


def _check_writable(kind: str, code: int, n_features: int) -> None:
    base = code & _BASE
    if base in (_WAVEFORM, _IREFC, _DISCRETE):
        remedy = {
            _WAVEFORM: "write audio with the soundfile package",
            _IREFC: "write 'LPREFC' (with '_C' in 16 bits)",
            _DISCRETE: "vector-quantised symbols are read only",
        }[base]
        raise ParameterError(f"kind={kind!r}: expected a kind with one row of floating-point features; {remedy}")
    has = {letter: bool(code & bit) for letter, bit in QUALIFIERS.items()}
    if (has["A"] and not has["D"]) or (has["T"] and not has["A"]):
        raise ParameterError(f"kind={kind!r}: HTK knows _A only with _D, and _T only with _A; add what is missing")
    if has["N"] and not (has["D"] and (has["E"] or has["0"])):
        raise ParameterError(f"kind={kind!r}: HTK knows _N only with _D and one of _E and _0; drop _N or add them")
    if has["V"]:
        raise ParameterError(f"kind={kind!r}: files with vector-quantised symbols (_V) are not written; drop _V")
    blocks = _blocks(code)
    if (n_features + has["N"]) % blocks:
        raise ParameterError(
            f"kind={kind!r} says {blocks} blocks of equal size{', one value less for _N' * has['N']}, "
            f"but features have {n_features} rows: expected a multiple of {blocks}{' minus 1' * has['N']}"
        )


def _as_rows(features: Any) -> np.ndarray:
    array = np.asarray(features)
    if array.ndim != 2 or array.dtype.kind not in "fiu":
        raise ParameterError(
            f"features have shape {array.shape} and dtype {array.dtype}: expected real numbers of shape "
            "(n_features, n_frames)"
        )
    with np.errstate(over="ignore"):
        rows = np.ascontiguousarray(array.T, dtype=np.float32)
    if np.isinf(rows).any() and not np.isinf(array).any():
        raise ParameterError("features hold values beyond the range of float32, the type of HTK's files; scale them")
    return rows


def _scale_and_offset(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return scale a and offset b of each feature: ``a x - b`` runs from -32767 to 32767."""
    n_features = rows.shape[1]
    if not len(rows):
        return np.ones(n_features, np.float32), np.zeros(n_features, np.float32)
    low, high = rows.min(axis=0), rows.max(axis=0)
    width = np.where(high > low, high - low, np.float32(1)).astype(np.float64)
    scale = np.where(high > low, 2.0 * _FULL_SCALE / width, 1.0)
    offset = np.where(high > low, (high + low).astype(np.float64) * _FULL_SCALE / width, high)
    with np.errstate(over="ignore"):
        return scale.astype(np.float32), offset.astype(np.float32)


def _compress(rows: np.ndarray) -> bytes:
    """Return scale, offset and the rows in 16 bits, with the roundings of HTK: everything in float32."""
    if not np.isfinite(rows).all():
        raise ParameterError("features are not finite everywhere: 16 bits (_C) cannot hold that; write without _C")
    with np.errstate(over="ignore", invalid="ignore"):
        scale, offset = _scale_and_offset(rows)
        value = (rows * scale - offset).astype(np.float64)
        steps = np.trunc(value + np.copysign(0.5, value))
    wrong = ~(np.abs(steps) <= _FULL_SCALE).all(axis=0)
    if wrong.any():
        raise ParameterError(
            f"feature {int(wrong.argmax())} varies too little around its level for HTK's 16 bits (_C); write without _C"
        )
    return scale.astype(">f4").tobytes() + offset.astype(">f4").tobytes() + steps.astype(">i2").tobytes()


def checksum(payload: bytes) -> int:
    """Return HTK's checksum: what follows the header, taken as one big-endian number, modulo 36897."""
    rest = 0
    view = memoryview(payload)
    for start in range(0, len(view), 1 << 16):
        piece = view[start : start + (1 << 16)]
        rest = ((rest << 8 * len(piece)) + int.from_bytes(piece, "big")) % _MODULUS
    return rest


def write_htk(path: BinaryFile, features: np.ndarray, *, kind: str, period: float) -> None:
    """Write features as an HTK parameter file.

    Parameters
    ----------
    path : path or open binary file
        Where to; a named file appears complete or not at all.
    features : np.ndarray, shape (n_features, n_frames), real
        Features; they are stored as float32, or with ``_C`` as 16-bit integers, scaled for each feature.
    kind : str
        HTK's name of what the features are, such as ``"MFCC_0_D_A"``, ``"FBANK"`` or ``"USER"``. Qualifiers: ``_E`` log
        energy, ``_0`` the zeroth cepstral coefficient, ``_D`` ``_A`` ``_T`` first, second and third differences, ``_N``
        static energy left out, ``_Z`` mean removed, ``_C`` compressed to 16 bits, ``_K`` with a checksum.
    period : float, > 0 [s]
        Time from frame to frame, ``hop_length / sr``; stored in units of 100 ns.

    Returns
    -------
    None
        Nothing; the file is there.

    Raises
    ------
    ParameterError
        If the kind is unknown, contradicts itself or the number of features, or is not one of float rows (WAVEFORM,
        IREFC, DISCRETE); if features are not real, two-dimensional and within float32, or with ``_C`` not finite, or
        vary too little around their level; if `period` is not between 100 ns and 214 s.
    OSError
        If the file cannot be written.

    References
    ----------
    S. Young et al., The HTK Book, version 3.4, section 5.10.

    Examples
    --------
    >>> import numpy as np
    >>> from melfeat.formats import read_htk, write_htk
    >>> write_htk("speech.mfc", np.arange(26.0).reshape(13, 2), kind="MFCC_0", period=0.01)
    >>> features, header = read_htk("speech.mfc")
    >>> features.shape, header.kind, header.period
    ((13, 2), 'MFCC_0', 0.01)
    """
    rows = _as_rows(features)
    code = parse_kind(kind)
    _check_writable(kind, code, rows.shape[1])
    period = check_float("period", period, low=0, strict=True, unit="s", remedy="it is hop_length / sr")
    units = round(period * 1e7)
    check_int("period in units of 100 ns", units, low=1, high=2**31 - 1, remedy=f"period={period!r} is in seconds")
    compressed = bool(code & _COMPRESSED)
    frame_bytes = rows.shape[1] * (2 if compressed else 4)
    check_int("bytes per frame", frame_bytes, low=1, high=2**15 - 1, remedy="HTK counts them in 16 bits")
    count = len(rows) + 4 * compressed  # scale and offset, two float32 rows, count as four rows of 16 bits
    check_int("n_frames", count, high=2**31 - 1)
    payload = _compress(rows) if compressed else rows.astype(">f4").tobytes()
    with open_output(path) as stream:
        stream.write(_HEADER.pack(count, units, frame_bytes, code))
        stream.write(payload)
        if code & _CHECKSUM:
            stream.write(checksum(payload).to_bytes(2, "big"))


def _file_size(path: BinaryFile) -> int | None:
    with contextlib.suppress(OSError, TypeError):
        if isinstance(path, str | os.PathLike) and os.path.isfile(path):
            return os.stat(path).st_size
    return None


def _total(header: tuple[int, int, int, int]) -> int:
    count, _, frame_bytes, code = header
    return _HEADER.size + count * frame_bytes + 2 * bool(code & _CHECKSUM)


def _check_header(source: Source, raw: bytes, size: int | None) -> tuple[int, int, int, int]:
    count, units, frame_bytes, code = header = _HEADER.unpack(raw)
    if size is not None and size != _total(header):
        swapped = struct.unpack("<iihH", raw)
        if size == _total(swapped):
            raise source.error(
                "little-endian (written with NATURALWRITEORDER = T): HTK's files are big-endian, and this one does not "
                "say that it is not; let HCopy write it without that option",
                0,
            )
    base = code & _BASE
    if count < 0 or units < 0 or frame_bytes <= 0 or base >= len(KINDS):
        raise source.error(
            f"not an HTK parameter file: the header would mean {count} frames of {frame_bytes} bytes every {units} * "
            f"100 ns, kind {base}",
            0,
        )
    if base == _WAVEFORM:
        raise source.error("an HTK waveform, no features; melfeat.load reads audio (WAV, FLAC, SPHERE ...)", 10)
    narrow = bool(code & _COMPRESSED) or base in (_IREFC, _DISCRETE)
    if frame_bytes % (2 if narrow else 4):
        raise source.error(f"{frame_bytes} bytes per frame are no whole number of {16 if narrow else 32}-bit values", 8)
    if code & _COMPRESSED and base not in (_IREFC, _DISCRETE) and count < 4:
        raise source.error(f"compressed, but {count} rows do not even hold scale and offset (4 rows)", 0)
    if size is not None and size > _total(header):
        raise source.error(
            f"{size - _total(header)} bytes follow after the last of {count} frames ({kind_name(code)}); the header is "
            "damaged, or the file is of another kind",
            _total(header),
        )
    return count, units, frame_bytes, code


def _rows(payload: bytes, frame_bytes: int, code: int) -> np.ndarray:
    base = code & _BASE
    if base in (_DISCRETE, _IREFC):
        steps = np.frombuffer(payload, ">i2").reshape(-1, frame_bytes // 2)
        return steps.astype(np.int16) if base == _DISCRETE else steps.astype(np.float32) / np.float32(_FULL_SCALE)
    if not code & _COMPRESSED:
        return np.frombuffer(payload, ">f4").reshape(-1, frame_bytes // 4)
    n = frame_bytes // 2
    scale, offset = np.frombuffer(payload, ">f4", 2 * n).reshape(2, n).astype(np.float32)
    steps = np.frombuffer(payload, ">i2", offset=8 * n).reshape(-1, n)
    with np.errstate(all="ignore"):  # a damaged scale of 0 gives what it gives
        return (steps.astype(np.float32) + offset) / scale


def read_htk(path: BinaryFile) -> tuple[np.ndarray, HTKHeader]:
    """Read an HTK parameter file.

    Compressed files (``_C``) are expanded, a checksum (``_K``) is checked.

    Parameters
    ----------
    path : path or open binary file
        What to read; an open file is left behind the last byte of the features.

    Returns
    -------
    features : np.ndarray, shape (n_features, n_frames), float32
        Features; int16 for the kind DISCRETE.
    header : HTKHeader
        Kind, size and period.

    Raises
    ------
    FormatError
        If the file is empty, cut off, damaged, little-endian, a waveform or no HTK file; the message names the byte.
    OSError
        If it cannot be opened.

    References
    ----------
    S. Young et al., The HTK Book, version 3.4, section 5.10.

    Examples
    --------
    >>> import io
    >>> from melfeat.formats import read_htk
    >>> file = io.BytesIO(bytes([0, 0, 0, 2, 0, 1, 134, 160, 0, 4, 0, 9]) + bytes(8))
    >>> features, header = read_htk(file)
    >>> features.shape, header.kind, header.period
    ((1, 2), 'USER', 0.01)
    """
    size = _file_size(path)
    with open_source(path) as source:
        raw = source.take(_HEADER.size, "the header")
        count, units, frame_bytes, code = _check_header(source, raw, size)
        payload = source.take(count * frame_bytes, f"{count} frames of {frame_bytes} bytes ({kind_name(code)})")
        if code & _CHECKSUM:
            at = source.position
            stored = int.from_bytes(source.take(2, "the checksum"), "big")
            if stored != checksum(payload):
                raise source.error(f"the checksum is {stored}, that of the features {checksum(payload)}: damaged", at)
    rows = _rows(payload, frame_bytes, code)
    features = np.ascontiguousarray(rows.T, dtype=rows.dtype.newbyteorder("="))
    return features, HTKHeader(kind_name(code), features.shape[1], features.shape[0], units / 1e7)
