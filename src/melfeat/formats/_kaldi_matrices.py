"""One matrix or vector in Kaldi's forms: binary in float, double or compressed, or text. Rows are frames here."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ParameterError
from ._files import Source

__all__ = ["COMPRESSIONS", "as_object", "read_object", "write_object"]

#: Kaldi's names of its compression methods (`CompressionMethod`), by their numbers there.
COMPRESSIONS = {
    "auto": 1,
    "speech_feature": 2,
    "two_byte_auto": 3,
    "two_byte_signed_integer": 4,
    "one_byte_auto": 5,
    "one_byte_unsigned_integer": 6,
    "one_byte_zero_one": 7,
}
_FIXED_RANGE = {
    "two_byte_signed_integer": (-32768.0, 65535.0),
    "one_byte_unsigned_integer": (0.0, 255.0),
    "one_byte_zero_one": (0.0, 1.0),
}
_PLAIN = {b"FM": ("<f4", 2), b"DM": ("<f8", 2), b"FV": ("<f4", 1), b"DV": ("<f8", 1)}
_COMPRESSED = (b"CM", b"CM2", b"CM3")
_OTHERS = {b"SM": "a sparse matrix", b"FP": "a packed matrix", b"DP": "a packed matrix"}
_STEP_16 = np.float32(1.52590218966964e-05)  # 1/65535, as Kaldi writes it
_GLOBAL_BYTES = 16


# ---- compressed matrices. The roundings are Kaldi's: float32, except where its C++ has a double constant.


def _header_values(rows: np.ndarray, method: str) -> tuple[np.float32, np.float32]:
    """Return the smallest value and the range that the steps of a matrix ``(n_frames, n_features)`` stand for."""
    if method in _FIXED_RANGE:
        low, width = _FIXED_RANGE[method]
        return np.float32(low), np.float32(width)
    low, high = rows.min(), rows.max()
    if high == low:
        high = np.float32(np.float64(low) + (1.0 + abs(np.float64(low))))
    return low, high - low


def _to_steps(values: np.ndarray, low: np.float32, width: np.float32, top: int) -> np.ndarray:
    fraction = np.clip((values - low) / width, np.float32(0), np.float32(1))
    return np.trunc((fraction * np.float32(top)).astype(np.float64) + 0.499).astype(np.int64)


def _corners(steps: np.ndarray, low: np.float32, width: np.float32) -> np.ndarray:
    """Return the values of the four corners of each column, shape (4, n_features, 1)."""
    return (low + (width * _STEP_16) * steps.T.astype(np.float32))[:, :, np.newaxis]


def _corner_steps(rows: np.ndarray, low: np.float32, width: np.float32) -> np.ndarray:
    """Return 16-bit steps of minimum, quartiles and maximum of each column, strictly increasing, (n_features, 4)."""
    n = len(rows)
    ordered = np.sort(rows, axis=0)
    places = (0, n // 4, 3 * (n // 4), n - 1) if n >= 5 else range(min(n, 4))
    steps = np.zeros((rows.shape[1], 4), dtype=np.int64)
    for i in range(4):
        if i < len(places):
            steps[:, i] = _to_steps(ordered[places[i]], low, width, 65535)
            if i:
                steps[:, i] = np.maximum(steps[:, i], steps[:, i - 1] + 1)
        else:
            steps[:, i] = steps[:, i - 1] + 1
        if i < min(len(places), 3):
            steps[:, i] = np.minimum(steps[:, i], 65532 + i)
    return steps


def _part(values: np.ndarray, start: np.ndarray, stop: np.ndarray, first: int, count: int) -> np.ndarray:
    """Return the steps first … first + count of values between two corners, rounded to the nearest."""
    with np.errstate(all="ignore"):
        fraction = (values - start) / (stop - start)
        steps = np.trunc((fraction * np.float32(count)).astype(np.float64) + 0.5)
    # Corners that float32 cannot tell apart: what Kaldi's conversion to int gives on x86.
    steps[~np.isfinite(steps)] = 0
    return np.clip(steps, 0, count) + first


def _speech_bytes(rows: np.ndarray, low: np.float32, width: np.float32) -> bytes:
    steps = _corner_steps(rows, low, width)
    p0, p25, p75, p100 = _corners(steps, low, width)
    values = np.ascontiguousarray(rows.T)
    lower, middle, upper = (
        _part(values, p0, p25, 0, 64),
        _part(values, p25, p75, 64, 128),
        _part(values, p75, p100, 192, 63),
    )
    data = np.where(values < p25, lower, np.where(values < p75, middle, upper))
    return steps.astype("<u2").tobytes() + data.astype(np.uint8).tobytes()


def _compress(rows: np.ndarray, method: str) -> bytes:
    if not np.isfinite(rows).all():
        raise ParameterError("features are not finite everywhere: compression cannot hold that; use compression=None")
    if method == "auto":
        method = "speech_feature" if len(rows) > 8 else "two_byte_auto"
    with np.errstate(over="ignore"):
        low, width = _header_values(rows, method)
    if not np.isfinite(width):
        raise ParameterError("features range wider than float32 goes: compression cannot hold that; scale them")
    if method == "speech_feature":
        token, data = b"CM ", _speech_bytes(rows, low, width)
    elif method.startswith("two_byte"):
        token, data = b"CM2 ", _to_steps(rows, low, width, 65535).astype("<u2").tobytes()
    else:
        token, data = b"CM3 ", _to_steps(rows, low, width, 255).astype(np.uint8).tobytes()
    header = np.array([low, width], "<f4").tobytes() + np.array(rows.shape, "<i4").tobytes()
    return token + header + data


def _expand_speech(data: bytes, low: np.float32, width: np.float32, n_frames: int, n_features: int) -> np.ndarray:
    steps = np.frombuffer(data, "<u2", 4 * n_features).reshape(n_features, 4)
    p0, p25, p75, p100 = _corners(steps, low, width)
    code = np.frombuffer(data, np.uint8, offset=8 * n_features).reshape(n_features, n_frames).astype(np.float32)
    lower = p0 + ((p25 - p0) * code).astype(np.float64) * (1 / 64.0)
    middle = p25 + ((p75 - p25) * (code - 64)).astype(np.float64) * (1 / 128.0)
    upper = p75 + ((p100 - p75) * (code - 192)).astype(np.float64) * (1 / 63.0)
    return np.where(code <= 64, lower, np.where(code <= 192, middle, upper)).astype(np.float32).T


def _read_compressed(source: Source, token: bytes, what: str) -> np.ndarray:
    at = source.position
    raw = source.take(_GLOBAL_BYTES, f"the header of {what}")
    low, width = np.frombuffer(raw, "<f4", 2).astype(np.float32)
    n_frames, n_features = (int(n) for n in np.frombuffer(raw, "<i4", 2, offset=8))
    if n_features == 0:
        if source.peek(4) == bytes(4):  # Kaldi writes the header of an empty matrix four bytes too long
            source.skip(4)
        return np.zeros((0, 0), np.float32)
    if n_frames < 0 or n_features < 0:
        raise source.error(f"{what} would have {n_frames} rows and {n_features} columns; damaged", at)
    size = {b"CM": (8 + n_frames) * n_features, b"CM2": 2 * n_frames * n_features, b"CM3": n_frames * n_features}[token]
    data = source.take(size, f"{what} of {n_frames} rows and {n_features} columns")
    with np.errstate(all="ignore"):
        if token == b"CM":
            return _expand_speech(data, low, width, n_frames, n_features)
        top = 65535.0 if token == b"CM2" else 255.0
        steps = np.frombuffer(data, "<u2" if token == b"CM2" else np.uint8).reshape(n_frames, n_features)
        return low + steps.astype(np.float32) * np.float32(np.float64(width) * (1.0 / top))


# ---- plain matrices and vectors


def _read_count(source: Source, what: str) -> int:
    at = source.position
    raw = source.take(5, f"the size of {what}")
    count = int.from_bytes(raw[1:], "little", signed=True)
    if raw[0] != 4 or count < 0:
        raise source.error(f"expected the size of {what}, a 4 and a count in 4 bytes, got {raw.hex(' ')}; damaged", at)
    return count


def _read_binary(source: Source) -> np.ndarray:
    at = source.position
    head = source.peek(4)
    token, space, _ = head.partition(b" ")
    if not space or token not in (*_PLAIN, *_COMPRESSED):
        if head[:1] == b"\4":
            raise source.error("an integer or a vector of integers (an alignment?), no features", at)
        found = _OTHERS.get(token, f"something that begins with {head!r}") if space else f"bytes {head.hex(' ')}"
        raise source.error(f"expected a matrix or vector (FM, DM, FV, DV, CM, CM2, CM3), got {found}", at)
    source.skip(len(token) + 1)
    what = f"a {'vector' if token.endswith(b'V') else 'matrix'} ({token.decode()})"
    if token in _COMPRESSED:
        return _read_compressed(source, token, what)
    kind, n_axes = _PLAIN[token]
    shape = [_read_count(source, what) for _ in range(n_axes)]
    size = int(np.dtype(kind).itemsize) * int(np.prod(shape, dtype=object))
    data = source.take(size, f"{what} of shape {tuple(shape)}")
    return np.frombuffer(data, kind).reshape(shape)


def _read_text(source: Source, dtype: np.dtype) -> np.ndarray:
    at = source.position
    while source.peek(1) in (b" ", b"\t"):
        source.skip(1)
    begin = source.peek(1)
    if begin != b"[":
        found = "the file ends" if not begin else f"got {source.peek(8)!r}"
        raise source.error(f"expected '[' of a matrix in text form, or the two bytes of a binary one; {found}")
    source.skip(1)
    body = source.take_until(b"]", "a matrix in text form")
    while (after := source.peek(1)) in (b" ", b"\t", b"\r"):
        source.skip(1)
    if after == b"\n":
        source.skip(1)
    rows = [row.split() for row in body.replace(b";", b"\n").split(b"\n")]
    is_vector = len(rows) == 1 and bool(rows[0])  # as both are written: a matrix begins on a new line
    rows = [row for row in rows if row]
    widths = {len(row) for row in rows}
    if len(widths) > 1:
        raise source.error(f"rows of {sorted(widths)} values in one matrix; damaged", at)
    try:
        values = np.array(rows, dtype="S").astype(np.float64) if rows else np.zeros((0, 0))
    except ValueError as error:
        raise source.error(f"a matrix in text form holds something that is no number ({error})", at) from None
    with np.errstate(over="ignore"):
        values = values.astype(dtype)
    return values[0] if is_vector else values


def read_object(source: Source, dtype: np.dtype | None) -> np.ndarray:
    """Read one matrix ``(n_frames, n_features)`` or vector, binary or text; `dtype` None is float32 for text."""
    if source.peek(2) == b"\0B":
        source.skip(2)
        array = _read_binary(source)
        return array.astype(array.dtype.newbyteorder("=") if dtype is None else dtype, copy=False)
    return _read_text(source, np.dtype(np.float32) if dtype is None else dtype)


# ---- writing


def as_object(key: str, array: Any) -> np.ndarray:
    """Return features ``(n_features, n_frames)`` as rows of frames, or a vector, little-endian float32 or float64."""
    values = np.asarray(array)
    if values.ndim not in (1, 2) or values.dtype.kind != "f":
        raise ParameterError(
            f"{key!r}: shape {values.shape} and dtype {values.dtype}; expected float32 or float64 features of shape "
            "(n_features, n_frames), or a vector"
        )
    kind = "<f4" if values.dtype.itemsize <= 4 else "<f8"
    if max(values.shape) > 2**31 - 1:
        raise ParameterError(f"{key!r}: shape {values.shape}; Kaldi counts in 32 bits: split it")
    if values.ndim == 2 and values.size == 0:
        return np.zeros((0, 0), kind)  # Kaldi knows no other empty matrix
    return np.ascontiguousarray(values.T, dtype=kind)


def _text(rows: np.ndarray) -> bytes:
    """Return Kaldi's text form, with the fewest digits that give the same number back."""
    if rows.ndim == 1:
        return b" [ " + b"".join(f"{value} ".encode() for value in rows.astype(str)) + b"]\n"
    if not rows.size:
        return b" [ ]\n"
    return b" [" + b"".join(f"\n  {' '.join(row)} ".encode() for row in rows.astype(str)) + b"]\n"


def write_object(rows: np.ndarray, *, text: bool, compression: str | None) -> bytes:
    """Return the bytes of a matrix ``(n_frames, n_features)`` or vector behind its key."""
    if text:
        return _text(rows)
    if compression is not None and rows.ndim == 2 and rows.size:
        with np.errstate(over="ignore"):
            return b"\0B" + _compress(rows.astype(np.float32), compression)
    token = ("F" if rows.dtype.itemsize == 4 else "D") + ("M" if rows.ndim == 2 else "V")
    sizes = b"".join(b"\4" + n.to_bytes(4, "little") for n in rows.shape)
    return b"\0B" + f"{token} ".encode() + sizes + rows.tobytes()
