"""Reading sound files through libsndfile: one handle per call, block by block, one pass from PCM to floats."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

import numpy as np

from ._checks import check_float
from ._diagnose import explain, source_name
from ._wav import PlainWav, convert_pcm16, open_plain_wav
from .errors import AudioFileError, ParameterError

if TYPE_CHECKING:
    import soundfile

__all__ = ["AudioSource", "Reader", "check_dtype", "check_span", "count_frames", "open_audio", "open_signal"]

AudioSource: TypeAlias = (
    "str | os.PathLike[str] | int | bytes | bytearray | memoryview | BinaryIO | soundfile.SoundFile"
)

# Frames per call of the decoder, which costs about 7 µs: 4 s of 16-bit stereo take 0.09 ms, with 8192 frames 0.22 ms.
BLOCK_FRAMES = 1 << 16

# More frames than this in a header mean "unknown" (streamed FLAC: 2**63 - 1) or damage: such frames are counted.
_PLAUSIBLE_FRAMES = 1 << 33


def check_dtype(dtype: Any) -> np.dtype[Any]:
    """Return `dtype` if it is one that signals can have."""
    try:
        kind = np.dtype(dtype)
    except TypeError:
        kind = np.dtype(object)
    if kind not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise ParameterError(f"dtype={dtype!r}: expected np.float32 or np.float64; integers are scaled to them")
    return kind


def check_span(offset: Any, duration: Any) -> tuple[float, float | None]:
    """Return `offset` and `duration` in seconds if they are times that a file can have."""
    start = check_float("offset", offset, low=0, unit="s")
    if duration is None:
        return start, None
    return start, check_float("duration", duration, low=0, unit="s", remedy="or None to read to the end")


class Watched:
    """A file object whose exceptions are kept, for the decoder's callbacks lose them: a read would just seem to end."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._refused = False
        self.failure: BaseException | None = None

    def _guarded(self, call: Callable[..., Any], *args: Any) -> int:
        if self.failure is None:
            try:
                return int(call(*args))
            except BaseException as error:
                self.failure = error
        return 0

    def tell(self) -> int:
        """Return the position, or once -1 after a refused `seek`: soundfile asks it right after each."""
        refused, self._refused = self._refused, False
        return -1 if refused else self._guarded(self._file.tell)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._guarded(self._seek, offset, whence)

    def read(self, n: int) -> bytes:
        """Return the next `n` bytes; soundfile wants this method to be there, and uses `readinto`."""
        buffer = bytearray(n)
        return bytes(buffer[: self.readinto(buffer)])

    def readinto(self, buffer: Any) -> int:
        return self._guarded(self._readinto, buffer)

    def _seek(self, offset: int, whence: int) -> int:
        try:
            self._file.seek(offset, whence)  # some objects return None, but soundfile does not look at it
        except (ValueError, OSError) as error:
            if isinstance(error, OSError) and error.errno != errno.EINVAL:
                raise
            self._refused = True  # before the first byte, as a damaged header says: no failure of the file
        return 0

    def _readinto(self, buffer: Any) -> int:
        if callable(getattr(self._file, "readinto", None)):
            return int(self._file.readinto(buffer))
        data = self._file.read(len(buffer))
        if len(data) > len(buffer):
            raise ValueError(f"read({len(buffer)}) returned {len(data)} bytes")
        buffer[: len(data)] = data
        return len(data)

    def raise_failure(self, name: str) -> None:
        """Raise what went wrong, as the library's error if it is an error of the file."""
        failure, self.failure = self.failure, None
        if isinstance(failure, Exception):
            raise AudioFileError(f"{name}: cannot be read ({type(failure).__name__}: {failure})") from failure
        if failure is not None:
            raise failure


def source_size(source: Any) -> int:
    """Return the size in bytes of what is a file by its name or number, else -1."""
    try:
        return os.stat(source).st_size if isinstance(source, (str, os.PathLike, int)) else -1
    except (OSError, ValueError):
        return -1


@lru_cache(maxsize=1)
def _forward_class() -> type[soundfile.SoundFile]:
    import soundfile

    class ForwardSoundFile(soundfile.SoundFile):
        """A handle that soundfile does not reposition after every read; it knows what it was opened on.

        It seeks to where it already is, which restarts the MP3 decoder: blocks then differ from one whole read by 4e-8.
        """

        source: Any = None
        watched: Watched | None = None
        size = -1

        def seekable(self) -> bool:
            return False

    return ForwardSoundFile


@contextmanager
def open_audio(source: Any) -> Iterator[soundfile.SoundFile]:
    """Open `source` for reading; a handle that the caller passed in stays open."""
    import soundfile

    if isinstance(source, soundfile.SoundFile):
        if source.closed:
            raise ParameterError(f"path={source!r}: the SoundFile is closed; open it again or pass its path")
        if "r" not in source.mode and "+" not in source.mode:
            raise ParameterError(f"path={source!r}: the SoundFile is open for writing; close it and pass its path")
        yield source
        return
    handle = _open(source)
    try:
        yield handle
    finally:
        handle.close()


def _open(source: Any) -> soundfile.SoundFile:
    """Return a new handle on `source`, or raise the `AudioFileError` that says why not."""
    import soundfile

    file = _check_source(source)
    try:
        handle = _forward_class()(file, closefd=False)
    except (soundfile.SoundFileError, OSError, UnicodeError) as error:
        if isinstance(file, Watched):
            file.raise_failure(source_name(source))
        raise explain(source, error) from error
    except TypeError as error:  # soundfile on a headerless .raw file: it asks for rate, channels and encoding
        raise AudioFileError(
            f"{source_name(source)}: headerless audio says neither its rate nor its encoding; read the samples with "
            "np.fromfile, or convert the file to a named format first, e.g. ffmpeg -f s16le -ar 16000 -i in.raw out.wav"
        ) from error
    handle.source, handle.size = source, source_size(source)
    handle.watched = file if isinstance(file, Watched) else None
    return handle


def _check_source(source: Any) -> Any:
    """Return what soundfile can open for `source`; refuse what is no audio source at all."""
    if isinstance(source, (str, os.PathLike)):
        return _check_path(os.fspath(source))
    if isinstance(source, (bytes, bytearray, memoryview)):
        return Watched(io.BytesIO(source))
    if isinstance(source, int) and not isinstance(source, bool):
        return source
    if not all(callable(getattr(source, method, None)) for method in ("read", "seek", "tell")):
        raise ParameterError(
            f"path has type {type(source).__name__}: expected a path, an open binary file, the bytes of a file "
            "or a soundfile.SoundFile"
        )
    if getattr(source, "closed", False):
        raise ParameterError(f"path={source!r}: the file is closed; open it again or pass its path")
    if isinstance(source, io.TextIOBase):
        raise ParameterError(f"path={source!r}: the file is open in text mode; open it with mode 'rb'")
    return Watched(source)


def _check_path(path: str | bytes) -> str | bytes:
    """Return the name of a file as soundfile takes it."""
    if isinstance(path, str) and "\0" in path:
        raise ParameterError(f"path={path!r}: expected a path; a file name cannot hold a null character")
    if path == "-":
        return os.path.join(os.curdir, path)  # libsndfile would read stdin, and wait for it
    if isinstance(path, str) and not path.isascii() and os.name != "nt":
        return os.fsencode(path)  # a name that is not valid text has characters that soundfile does not encode
    return path


@contextmanager
def open_signal(source: Any, *, mono: bool, dtype: np.dtype[Any], whole: bool = True) -> Iterator[Reader | PlainWav]:
    """Open `source` and return what reads it as a signal; the `whole` of it is read best if that is known."""
    with open_plain_wav(source, mono=mono, dtype=dtype, whole=whole) as plain:
        if plain is not None:
            yield plain
            return
    with open_audio(source) as handle:
        yield Reader(handle, mono=mono, dtype=dtype)


def count_frames(handle: soundfile.SoundFile) -> int:
    """Return the number of frames of a file: from its header, or by decoding it where the header does not say."""
    if handle.frames <= _PLAUSIBLE_FRAMES:
        return int(handle.frames)
    reader = Reader(handle, mono=False, dtype=np.dtype(np.float32))
    place = reader.rewind(0)
    n = sum(block.shape[-1] for block in reader.blocks(handle.frames, BLOCK_FRAMES, 0, None))
    reader.rewind(place)
    return n


def _can_seek(handle: soundfile.SoundFile) -> bool:
    """Return whether the decoder can go to another frame, or tell where it is: GSM 6.10 and a few more cannot."""
    import soundfile

    return bool(soundfile.SoundFile.seekable(handle))  # not the method of ForwardSoundFile


class Reader:
    """Reads the frames of an open handle, one after the other, as float signals: ``(n,)``, or ``(channels, n)``."""

    def __init__(self, handle: soundfile.SoundFile, *, mono: bool, dtype: np.dtype[Any]) -> None:
        self._handle = handle
        self._source = getattr(handle, "source", handle.name)
        self._channels: int = handle.channels
        self._dtype = dtype
        self.n_rows = 1 if mono else self._channels
        self.samplerate = int(handle.samplerate)
        self.finite = handle.subtype.startswith("PCM_")  # integers cannot hold a NaN: no look at every sample
        # libsndfile's own conversion of 16-bit samples to float is nine times slower than reading them as they are.
        # (MIDI sample dumps keep their 16 bits in 21: the decoder's two conversions differ.)
        self._pcm16 = handle.subtype == "PCM_16" and handle.format != "SDS"
        self._scratch = np.empty(0, np.int16 if self._pcm16 else dtype)
        # A caller's own handle repositions itself after every read: read at once.
        self._block = BLOCK_FRAMES if isinstance(handle, _forward_class()) else None
        self._can_seek = _can_seek(handle)
        self._at: int = handle.tell() if self._can_seek else 0

    @cached_property
    def _total(self) -> int:
        return count_frames(self._handle)

    def begin(self, offset: float, duration: float | None, *, beyond: bool = False) -> int:
        """Go `offset` seconds into the file and return how many frames to read from there.

        That is to the end of the file or up to `duration` seconds, `beyond` its end if that is wanted.
        """
        handle = self._handle
        if offset:
            start = int(offset * handle.samplerate)
            if start >= self._total:
                return 0
            self._go_to(start)
        left = max(0, self._total - self._at)
        if duration is None:
            return left
        wanted = int(duration * handle.samplerate)
        return wanted if beyond else min(left, wanted)

    def rewind(self, frame: int) -> int:
        """Make `frame` the next one to be read, wherever the end is, and return which it was before."""
        place, self._at = self._at, self._call(self._handle.seek, frame)
        return place

    def count_rest(self, n: int) -> int:
        """Return how many of the next `n` frames there are, by decoding them, and go back to where it was."""
        place = self._at
        count = sum(block.shape[-1] for block in self.blocks(n, BLOCK_FRAMES, 0, None))
        self.rewind(place)
        return count

    def _go_to(self, frame: int) -> None:
        """Make `frame` the next one to be read, or the end of the file if that comes first."""
        if self._can_seek and frame < self._total:
            self.rewind(frame)
        while self._at < frame and self.read(min(frame - self._at, BLOCK_FRAMES)).size:
            pass  # what cannot seek is read through, as is the rest of a file

    def read(self, n: int) -> np.ndarray:
        """Return the next `n` frames, or fewer where the file ends."""
        out = self.empty(n)
        return out[..., : self.read_into(out, 0, n)]

    def empty(self, n: int) -> np.ndarray:
        """Return an uninitialised signal of `n` samples."""
        return np.empty(n if self.n_rows == 1 else (self.n_rows, n), self._dtype)

    def read_into(self, out: np.ndarray, start: int, n: int) -> int:
        """Fill ``out[..., start:start + n]`` with the next frames and return how many there were."""
        if self._channels == 1 and not self._pcm16:
            return self._read_frames(out[start : start + n]) if n else 0
        block = min(n, self._block or n)
        if self._scratch.size < block * self._channels:
            self._scratch = np.empty(block * self._channels, self._scratch.dtype)
        done = 0
        while done < n:
            wanted = min(block, n - done)
            samples = self._scratch[: wanted * self._channels]
            frames = samples if self._channels == 1 else samples.reshape(wanted, self._channels)
            got = self._read_frames(frames)
            self._convert(samples[: got * self._channels], out, start + done, got)
            done += got
            if got < wanted:
                break
        return done

    def _refuse_if_shrunk(self) -> None:
        """Raise if the file has lost a part since it was opened: that is no recording that was cut off at some time."""
        before, now = getattr(self._handle, "size", -1), source_size(self._source)
        if 0 <= now < before:
            raise AudioFileError(
                f"{source_name(self._source)}: became shorter while it was read, {before} bytes before and {now} now"
            )

    def blocks(self, n: int, size: int, overlap: int, fill: float | None) -> Iterator[np.ndarray]:
        """Yield blocks of `size` samples from the next `n` frames, each repeating the last `overlap` of the one before.

        A negative `overlap` leaves frames out. The last block is filled up with `fill`, or short if that is None.
        """
        tail = self.empty(0)
        while n > 0:
            kept = tail.shape[-1]
            wanted = min(size - kept, n)
            block = self.empty(size if fill is not None else kept + wanted)
            block[..., :kept] = tail
            got = self.read_into(block, kept, wanted)
            n -= wanted
            if fill is not None:
                block[..., kept + got :] = fill
            elif got < wanted:  # the header promised more than there is
                n = 0
                block = block[..., : kept + got]
            if got == 0 and fill is None:
                return
            if overlap > 0:
                tail = block[..., -overlap:].copy()  # a copy: the receiver may change its block
            yield block
            if overlap < 0 and n > 0:
                self._go_to(self._at + min(-overlap, n))
                n += overlap

    def probe(self) -> None:
        """Decode a little at both ends of the file, or here if it cannot seek, and return to the place of before."""
        place, frames = self._at, self._total
        some = np.empty((min(1024, frames), self._channels), np.float32)
        if not self._can_seek:
            self._read_frames(some)
            return
        for start in (0, frames - len(some)):
            self._go_to(start)
            self._read_frames(some)
        self._go_to(place)

    def _convert(self, samples: np.ndarray, out: np.ndarray, start: int, n: int) -> None:
        if self._pcm16:
            convert_pcm16(samples, self._channels, out, start, n)
            return
        from .kernels import pcm

        if out.ndim == 1:
            pcm.float_to_mono(samples, self._channels, self._dtype.type(self._channels), out[start : start + n])
        else:
            pcm.float_to_channels(samples, self._channels, start, out)

    def _read_frames(self, out: np.ndarray) -> int:
        got = len(self._call(self._handle.read, out=out))
        if got < len(out):
            self._refuse_if_shrunk()
        self._at += got
        return got

    def _call(self, method: Any, *args: Any, **kwargs: Any) -> Any:
        """Call the decoder; its complaints name the file and the place."""
        import soundfile

        watched: Watched | None = getattr(self._handle, "watched", None)
        try:
            result = method(*args, **kwargs)
        except soundfile.SoundFileError as error:
            if watched is not None:
                watched.raise_failure(source_name(self._source))
            self._refuse_if_shrunk()
            reason = str(error).rstrip(".") or "no reason given"
            frames = self._handle.frames
            many = frames if frames <= _PLAUSIBLE_FRAMES else "unknown many"
            raise AudioFileError(
                f"{source_name(self._source)}: damaged, decoding failed after frame {self._at} of {many} ({reason}); "
                "fetch the file again, or read the part before with duration="
            ) from error
        if watched is not None:
            watched.raise_failure(source_name(self._source))
        return result
