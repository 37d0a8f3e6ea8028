"""Ordinary WAV files read without the decoder: the decoder's bits, its errors for all others, and kept memory."""

from __future__ import annotations

import io
import os
import struct
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import melfeat
from melfeat import _decode, _wav
from melfeat.errors import AudioFileError, MelfeatError
from tests.oracles import pcm as oracle
from tests.support import assert_same_bytes

FLOAT32 = np.dtype(np.float32)


def frames_of(n: int, channels: int, seed: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).integers(-32768, 32768, (n, channels)).astype(np.int16)


def wav(n: int, channels: int, rate: int = 8000, before_data: bytes = b"") -> bytes:
    data = oracle.wav_bytes(frames_of(n, channels).tobytes(), tag=1, bits=16, channels=channels, rate=rate)
    whole = data[:36] + before_data + data[36:]
    return whole[:4] + struct.pack("<I", len(whole) - 8) + whole[8:]


def chunk(name: bytes, length: int) -> bytes:
    return name + struct.pack("<I", length) + bytes(length)


def is_plain(data: bytes) -> bool:
    with _wav.open_plain_wav(data, mono=True, dtype=FLOAT32) as plain:
        return plain is not None


def outcome(source: object, **options: object) -> object:
    try:
        return melfeat.load(source, **options)
    except MelfeatError as error:
        return type(error)


def assert_same_outcome(data: bytes, **options: object) -> None:
    """What `bytes` give is what the decoder gives, which reads them from an open file."""
    got, expected = outcome(data, **options), outcome(io.BytesIO(data), **options)
    if isinstance(expected, type):
        assert got is expected
    else:
        assert got[1] == expected[1]
        assert_same_bytes(got[0], expected[0])


@pytest.fixture
def no_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: object) -> None:
        raise AssertionError("the decoder was called")

    monkeypatch.setattr(_decode, "open_audio", refuse)


@pytest.fixture(params=[None, 97, 4096], ids=["default", "97 bytes", "4096 bytes"])
def blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param:
        monkeypatch.setattr(_wav, "_BLOCK_BYTES", request.param)


def wavex(n: int, channels: int, bits: int, described: int | None = None, identifier: int = 1) -> bytes:
    """Return a file whose format is described at length, with the number of its frames in front of them."""
    samples = np.random.default_rng(7).bytes(n * channels * bits // 8)
    data = oracle.wav_bytes(samples, tag=0xFFFE, bits=bits, channels=channels, rate=8000)
    more = struct.pack("<HHIH", 22, described or bits, 3, identifier) + bytes.fromhex("000000001000800000aa00389b71")
    fact = b"fact" + struct.pack("<II", 4, n)
    whole = data[:16] + struct.pack("<I", 40) + data[20:36] + more + fact + data[36:]
    return whole[:4] + struct.pack("<I", len(whole) - 8) + whole[8:]


def wav24(n: int, channels: int) -> bytes:
    samples = np.random.default_rng(6).bytes(3 * n * channels)
    return oracle.wav_bytes(samples, tag=1, bits=24, channels=channels, rate=8000)


SPANS = [{}, {"offset": 0.1}, {"duration": 0.0321}, {"offset": 0.01, "duration": 0.2}, {"offset": 9}, {"duration": 0}]


@pytest.mark.parametrize("channels", [1, 2, 3, 6, 9])
@pytest.mark.usefixtures("blocks")
def test_the_bits_of_the_decoder(tmp_path: Path, channels: int, dtype: np.dtype) -> None:
    for n in (0, 1, 2500):
        data = wav(n, channels)
        path = tmp_path / "a.WAV"
        path.write_bytes(data)
        assert is_plain(data)
        for options in SPANS:
            for mono in (True, False):
                for sr in (None, 8000, 11025):
                    expected, rate = melfeat.load(io.BytesIO(data), sr, mono, dtype=dtype, **options)
                    for source in (data, path, str(path)):
                        got, sr_got = melfeat.load(source, sr, mono, dtype=dtype, **options)
                        assert sr_got == rate
                        assert type(sr_got) is type(rate)
                        assert_same_bytes(got, expected)


@pytest.mark.parametrize("channels", [1, 2, 3, 9])
@pytest.mark.parametrize(
    "make", [wav24, lambda n, c: wavex(n, c, 24), lambda n, c: wavex(n, c, 16)], ids=["24", "x24", "x16"]
)
@pytest.mark.usefixtures("blocks")
def test_24_bits_and_longer_descriptions(make: Callable[[int, int], bytes], channels: int, dtype: np.dtype) -> None:
    for n in (0, 1, 2, 1501):
        data = make(n, channels)
        assert is_plain(data)
        for options in SPANS:
            for mono in (True, False):
                expected, _ = melfeat.load(io.BytesIO(data), None, mono, dtype=dtype, **options)
                assert_same_bytes(melfeat.load(data, None, mono, dtype=dtype, **options)[0], expected)


@pytest.mark.usefixtures("no_decoder")
def test_it_is_not_called(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wav(300, 2))
    for source in (path, str(path), path.read_bytes()):
        for span in SPANS:
            assert melfeat.load(source, sr=None, **span)[0].dtype == np.float32


@pytest.mark.usefixtures("no_decoder")
@pytest.mark.parametrize("before", [chunk(b"LIST", 26), chunk(b"JUNK", 28) + chunk(b"LIST", 2000)])
def test_text_and_padding_before_the_samples(before: bytes) -> None:
    y, _ = melfeat.load(wav(300, 2, before_data=before), sr=None)
    np.testing.assert_array_equal(y, oracle.mean_of_pcm16(frames_of(300, 2)))


ORDINARY = wav(300, 2)
UNUSUAL = {
    "an unknown size": ORDINARY[:4] + b"\xff\xff\xff\xff" + ORDINARY[8:],
    "cut off": ORDINARY[:-8],
    "cut off inside a frame": ORDINARY[:-2],
    "something behind": ORDINARY + chunk(b"LIST", 4),
    "something behind, counted": ORDINARY[:4] + struct.pack("<I", len(ORDINARY) + 4) + ORDINARY[8:] + chunk(b"LIST", 4),
    "an unknown chunk": wav(300, 2, before_data=chunk(b"fact", 4)),
    "text of odd length": wav(300, 2, before_data=chunk(b"LIST", 3)),
    "samples far behind": wav(300, 2, before_data=chunk(b"JUNK", 5000)),
    "8 bit": oracle.wav_bytes(bytes(100), tag=1, bits=8),
    "32 bit": oracle.wav_bytes(bytes(100), tag=1, bits=32),
    "20 of 24 bits": wavex(300, 2, 24, described=20),
    "extensible float": wavex(300, 2, 24, identifier=3),
    "float": oracle.wav_bytes(bytes(100), tag=3, bits=32),
    "half a frame": oracle.wav_bytes(bytes(102), tag=1, bits=16, channels=2),
    "no channel": oracle.wav_bytes(bytes(100), tag=1, bits=16, channels=0),
    "many channels": oracle.wav_bytes(bytes(2 * 1025), tag=1, bits=16, channels=1025),
    "rate 0": oracle.wav_bytes(bytes(100), tag=1, bits=16, rate=0),
    "RIFX": b"RIFX" + ORDINARY[4:],
    "two formats": wav(300, 2, before_data=ORDINARY[12:36]),
    "only a header": ORDINARY[:44],
    "not even that": ORDINARY[:43],
    "nothing": b"",
}


@pytest.mark.parametrize("data", UNUSUAL.values(), ids=UNUSUAL)
def test_unusual_files_go_to_the_decoder(data: bytes) -> None:
    assert not is_plain(data)
    assert_same_outcome(data, sr=None)


@given(
    changes=st.lists(st.tuples(st.integers(0, 47), st.integers(0, 255)), min_size=1, max_size=3),
    cut=st.integers(-3, 3),
)
@settings(max_examples=300, deadline=None)
def test_damaged_headers_are_what_they_are_to_the_decoder(changes: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(wav(20, 2, before_data=chunk(b"LIST", 4)))
    for place, value in changes:
        data[place] = value
    damaged = bytes(data[: len(data) + min(cut, 0)]) + bytes(max(cut, 0))
    assert_same_outcome(damaged, sr=None)


def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes here")
    os.mkfifo(tmp_path / "a.wav")
    assert _wav._as_file(tmp_path / "a.wav") == (None, 0)  # opening it would wait for a writer


def test_paths_that_cannot_be_opened(tmp_path: Path) -> None:
    for source in (tmp_path / "no.wav", tmp_path, b"a.wav", 3.5, "a\0.wav", os.fsencode(tmp_path / "no.wav")):
        assert _wav._as_file(source) == (None, 0)


def test_a_file_that_becomes_shorter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_wav, "_BLOCK_BYTES", 100)
    path = tmp_path / "a.wav"
    path.write_bytes(wav(300, 2))
    with _wav.open_plain_wav(path, mono=True, dtype=FLOAT32) as plain:
        os.truncate(path, 44 + 4 * 77)
        out = np.full(300, 9, np.float32)
        with pytest.raises(AudioFileError, match=r"a\.wav.: became shorter while it was read, it ends before byte"):
            plain.read_into(out, 0, plain.begin(0, None))
    np.testing.assert_array_equal(out[:77], oracle.mean_of_pcm16(frames_of(300, 2))[:77])


def test_no_more_is_read_than_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []

    class Counting(io.BytesIO):
        def readinto(self, buffer: memoryview) -> int:
            sizes.append(len(buffer))
            return super().readinto(buffer)

    data = wav(100000, 2)
    monkeypatch.setattr(_wav, "_as_file", lambda source: (Counting(data), len(data)))
    y, _ = melfeat.load("a.wav", sr=None, offset=1.0, duration=0.5)
    np.testing.assert_array_equal(y, oracle.mean_of_pcm16(frames_of(100000, 2))[8000:12000])
    assert sizes == [4096, 4 * 4000]


def test_a_disk_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(io.BytesIO):
        broken = False

        def readinto(self, buffer: object) -> int:
            if self.broken:
                raise OSError(5, "Input/output error")
            return super().readinto(buffer)

    monkeypatch.setattr(_wav, "_BLOCK_BYTES", 100)
    for broken in (False, True):
        file = Failing(ORDINARY)
        file.broken = broken
        monkeypatch.setattr(_wav, "_as_file", lambda source, file=file: (file, len(ORDINARY)))
        with _wav.open_plain_wav("far.wav", mono=True, dtype=FLOAT32) as plain:
            assert (plain is None) == broken  # at once: the decoder says so
            if plain is not None:
                file.broken = True
                with pytest.raises(AudioFileError, match=r"'far\.wav': cannot be read \(.*Input/output error"):
                    plain.read_into(np.empty(300, np.float32), 0, 300)
        assert file.closed


# ---------------------------------------------------------------- memory that threads keep


@pytest.mark.parametrize("_again", [0, 1])
def test_memory_is_lent_once_at_a_time(_again: int) -> None:
    with _wav.borrowed("test", 100, FLOAT32) as first:
        with _wav.borrowed("test", 100, FLOAT32) as second, _wav.borrowed("other", 100, FLOAT32) as third:
            first[:], second[:], third[:] = 1, 2, 3
            assert (first.dtype, first.shape) == (FLOAT32, (100,))
        assert (first == 1).all()
        place = first.ctypes.data
    with _wav.borrowed("test", 10, np.dtype(np.float64)) as again:
        assert again.ctypes.data == place
        assert again.shape == (10,)

        def elsewhere() -> None:
            with _wav.borrowed("test", 10, FLOAT32) as other:
                places.append(other.ctypes.data)

        places: list[int] = []
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        assert places
        assert places[0] != place


def test_large_memory_is_not_kept() -> None:
    with _wav.borrowed("large", (1 << 20) + 1, FLOAT32):
        pass
    assert "large" not in _wav._kept.__dict__
    with _wav.borrowed("large", 1 << 20, FLOAT32):
        pass
    assert _wav._kept.__dict__.pop("large").nbytes == 1 << 22


def test_signals_do_not_share_it() -> None:
    datas = [wav(n, channels) for n, channels in ((3000, 2), (2000, 1), (4000, 2))]
    for sr in (None, 8000, 11025):
        for mono in (True, False):
            signals = [melfeat.load(data, sr, mono)[0] for data in datas]
            copies = [y.copy() for y in signals]
            melfeat.load(datas[0], 16000, mono)
            for y, copy in zip(signals, copies, strict=True):
                assert_same_bytes(y, copy)
                assert not any(np.may_share_memory(y, kept) for kept in _wav._kept.__dict__.values())
