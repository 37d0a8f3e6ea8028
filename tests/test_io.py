"""Reading sound files: every format against librosa and against the definition, spans, streams, and what goes wrong."""

from __future__ import annotations

import gc
import io
import os
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given, settings, strategies as st

import melfeat
from melfeat import _decode
from melfeat.errors import AudioFileError, AudioFileMissingError, ParameterError
from melfeat.io import describe
from melfeat.kernels import pcm
from tests.oracles import pcm as oracle

DATA = Path(os.environ.get("MELFEAT_SHARED", Path(__file__).parents[2] / "shared")) / "data"
RNG_SEED = 20261121

# (format, subtype, rate, channels): what users have, from 8 to 96 kHz.
FILES = [
    ("WAV", "PCM_16", 44100, 2),
    ("WAV", "PCM_16", 48000, 6),
    ("WAV", "PCM_16", 8000, 1),
    ("WAV", "PCM_U8", 11025, 2),
    ("WAV", "PCM_24", 96000, 2),
    ("WAV", "PCM_24", 44100, 1),
    ("WAV", "PCM_32", 16000, 3),
    ("WAV", "FLOAT", 22050, 2),
    ("WAV", "FLOAT", 32000, 9),
    ("WAV", "DOUBLE", 44100, 2),
    ("WAV", "DOUBLE", 44100, 17),
    ("WAV", "ULAW", 8000, 1),
    ("WAV", "ALAW", 8000, 2),
    ("WAV", "IMA_ADPCM", 44100, 2),
    ("WAV", "MS_ADPCM", 22050, 1),
    ("WAVEX", "PCM_16", 48000, 6),
    ("WAVEX", "PCM_24", 48000, 2),
    ("RF64", "PCM_16", 44100, 1),
    ("AIFF", "PCM_16", 44100, 2),
    ("AU", "PCM_16", 8000, 1),
    ("CAF", "ALAC_16", 44100, 2),
    ("FLAC", "PCM_16", 44100, 2),
    ("FLAC", "PCM_24", 96000, 2),
    ("OGG", "VORBIS", 44100, 2),
    ("OGG", "OPUS", 48000, 1),
    ("MP3", "MPEG_LAYER_III", 44100, 1),
    ("MP3", "MPEG_LAYER_III", 48000, 2),
    ("SDS", "PCM_16", 8000, 1),
]
IDS = ["-".join(map(str, case)) for case in FILES]


def sound(n: int, channels: int, seed: int = RNG_SEED) -> np.ndarray:
    """Noise with an envelope, ``(n, channels)``, no two channels alike."""
    rng = np.random.default_rng(seed)
    return 0.3 * rng.standard_normal((n, channels)) * np.sin(np.linspace(0, np.pi, max(n, 1)))[:n, None]


def write(folder: Path, fmt: str, subtype: str, rate: int, channels: int, n: int = 6000) -> Path:
    if subtype not in sf.available_subtypes(fmt):
        pytest.skip(f"this libsndfile does not write {fmt}/{subtype}")
    path = folder / f"{fmt}_{subtype}_{rate}_{channels}_{n}"
    sf.write(path, sound(n, channels), rate, format=fmt, subtype=subtype)
    return path


def write_pcm16(path: Path, frames: np.ndarray, rate: int = 8000) -> Path:
    sf.write(path, frames, rate, format="WAV", subtype="PCM_16")
    return path


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks so small that every file has many."""
    monkeypatch.setattr(_decode, "BLOCK_FRAMES", 1000)


# ---------------------------------------------------------------- against librosa


@pytest.mark.parametrize("case", FILES, ids=IDS)
@pytest.mark.usefixtures("small_blocks")
def test_load_has_the_bits_of_librosa(tmp_path: Path, case: tuple[str, str, int, int]) -> None:
    librosa = pytest.importorskip("librosa")
    path = write(tmp_path, *case)
    spans = [{}, {"offset": 0.05}, {"duration": 0.0321}, {"offset": 0.01, "duration": 0.02}]
    for dtype in (np.float32, np.float64):
        for mono in (True, False):
            for span in spans:
                expected, rate = librosa.load(path, sr=None, mono=mono, dtype=dtype, **span)
                got, sr = melfeat.load(path, sr=None, mono=mono, dtype=dtype, **span)
                assert (sr, got.dtype, got.shape) == (rate, expected.dtype, expected.shape)
                np.testing.assert_array_equal(got, expected)
                assert got.flags.c_contiguous
    expected, rate = librosa.load(path)
    got, sr = melfeat.load(path)
    assert sr == rate == 22050
    np.testing.assert_array_equal(got, expected)


def real_files() -> list[Path]:
    """A few of each kind; all of them are compared by the benchmarks."""
    some = [sorted((DATA / "speech_digits").glob("*.wav"))[::300], sorted(DATA.glob("sounds/*/*"))[::20]]
    some += [sorted((DATA / "speech").glob("*.*")), sorted(DATA.glob("reference/*/test.wav"))]
    return [path for group in some for path in group if path.suffix in {".wav", ".ogg", ".flac"}]


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no real recordings at {DATA}")
def test_real_recordings_have_the_bits_of_librosa() -> None:
    librosa = pytest.importorskip("librosa")
    files = real_files()
    assert {path.suffix for path in files} == {".wav", ".ogg", ".flac"}
    for path in files:
        for kwargs in ({"sr": None, "mono": False}, {"sr": 16000, "duration": 2.0}):
            expected, rate = librosa.load(path, **kwargs)
            got, sr = melfeat.load(path, **kwargs)
            assert sr == rate
            np.testing.assert_array_equal(got, expected, err_msg=str(path))


def test_stream_has_the_blocks_of_librosa(tmp_path: Path) -> None:
    librosa = pytest.importorskip("librosa")
    for case in [("WAV", "PCM_16", 8000, 2), ("FLAC", "PCM_24", 8000, 1), ("OGG", "VORBIS", 44100, 2)]:
        path = write(tmp_path, *case)
        for geometry in ((4, 512, 128), (1, 400, 400), (7, 100, 37), (100, 2048, 512)):
            for options in (
                {},
                {"mono": False, "fill_value": 0.25},
                {"offset": 0.02, "duration": 0.1, "dtype": np.float64},
                {"duration": 1.5, "fill_value": -1},
            ):
                named = dict(zip(("block_length", "frame_length", "hop_length"), geometry, strict=True))
                expected = list(librosa.stream(path, **named, **options))
                got = list(melfeat.stream(path, *geometry, **options))
                assert len(got) == len(expected)
                for ours, theirs in zip(got, expected, strict=True):
                    assert ours.dtype == theirs.dtype
                    np.testing.assert_array_equal(ours, theirs)


def test_get_duration_and_samplerate_as_librosa(tmp_path: Path) -> None:
    librosa = pytest.importorskip("librosa")
    path = write(tmp_path, "WAV", "PCM_16", 44100, 2)
    y = np.zeros((2, 12345), np.float32)
    S = np.zeros((3, 5, 77))
    assert melfeat.get_samplerate(path) == librosa.get_samplerate(path) == 44100
    assert melfeat.get_duration(path=path) == librosa.get_duration(path=path) == 6000 / 44100
    assert melfeat.get_duration(y, 44100) == librosa.get_duration(y=y, sr=44100)
    for kwargs in ({}, {"center": False}, {"n_fft": 401, "hop_length": 160, "sr": 16000}):
        assert melfeat.get_duration(S=S, **kwargs) == librosa.get_duration(S=S, **kwargs)


# ---------------------------------------------------------------- against the definition


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("channels", [1, 2, 3, 6, 8, 19])
def test_pcm16_kernels(dtype: type, channels: int) -> None:
    frames = np.random.default_rng(channels).integers(-32768, 32768, (301, channels)).astype(np.int16)
    frames[:3] = [[-32768], [32767], [0]]
    flat, scale = frames.ravel(), dtype(2.0**-15)
    mono = np.full(301, np.nan, dtype)
    pcm.pcm16_to_mono(flat, channels, scale, dtype(channels), mono)
    # Sums of integers are exact: one rounding, that of the quotient to dtype.
    np.testing.assert_array_equal(mono, oracle.mean_of_pcm16(frames).astype(dtype))
    rows = np.full((channels, 310), np.nan, dtype)
    pcm.pcm16_to_channels(flat, channels, scale, 5, rows)
    np.testing.assert_array_equal(rows[:, 5:306], oracle.channels_of_pcm16(frames))
    assert np.isnan(rows[:, :5]).all()
    assert np.isnan(rows[:, 306:]).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("channels", [2, 3, 6, 7, 8, 9, 16, 17, 129])
def test_float_kernels(dtype: type, channels: int) -> None:
    frames = np.random.default_rng(channels).standard_normal((203, channels)).astype(dtype)
    mono = np.full(203, np.nan, dtype)
    pcm.float_to_mono(frames.ravel(), channels, dtype(channels), mono)
    # At most `channels` additions and a division, each half an ulp of a partial sum <= sum |x|; bits as NumPy's mean.
    bound = (channels + 1) * np.finfo(dtype).eps * np.abs(frames).sum(axis=1) / channels
    assert (np.abs(mono - oracle.mean_of_floats(frames)) <= bound).all()
    if channels <= 128:
        np.testing.assert_array_equal(mono, np.mean(frames.T, axis=0))
    rows = np.full((channels, 210), np.nan, dtype)
    pcm.float_to_channels(frames.ravel(), channels, 4, rows)
    np.testing.assert_array_equal(rows[:, 4:207], frames.T)
    assert np.isnan(rows[:, [0, 3, 207, 209]]).all()


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("n", [0, 1, 999, 1000, 1001, 2003])
def test_lengths_around_a_block(tmp_path: Path, n: int) -> None:
    for channels in (1, 2):
        frames = np.random.default_rng(n).integers(-32768, 32768, (n, channels)).astype(np.int16)
        path = write_pcm16(tmp_path / f"{n}_{channels}.wav", frames)
        y, sr = melfeat.load(path, sr=None)
        assert sr == 8000
        np.testing.assert_array_equal(y, oracle.mean_of_pcm16(frames))
        y, _ = melfeat.load(path, sr=None, mono=False)
        assert y.shape == ((n,) if channels == 1 else (2, n))
        np.testing.assert_array_equal(np.atleast_2d(y), oracle.channels_of_pcm16(frames))
        for sr in (22050, 1000, 8000):
            y, rate = melfeat.load(path, sr=sr)
            assert (y.shape, y.dtype, rate) == ((-(-n * sr // 8000),), np.float32, sr)


def test_samples_of_every_width_have_full_scale_one() -> None:
    expected = np.array([-1.0, -0.5, 0.0, 0.25, 0.5])
    files = {
        8: oracle.wav_bytes((expected * 128 + 128).astype(np.uint8).tobytes(), tag=1, bits=8),
        16: oracle.wav_bytes((expected * 2**15).astype("<i2").tobytes(), tag=1, bits=16),
        24: oracle.wav_bytes(oracle.pcm24_bytes(expected * 2**23), tag=1, bits=24),
        32: oracle.wav_bytes((expected * 2**31).astype("<i4").tobytes(), tag=1, bits=32),
        -32: oracle.wav_bytes(expected.astype("<f4").tobytes(), tag=3, bits=32),
        -64: oracle.wav_bytes(expected.astype("<f8").tobytes(), tag=3, bits=64),
    }
    for bits, data in files.items():
        for dtype in ("float32", np.float64):
            y, sr = melfeat.load(data, sr=None, dtype=dtype)
            assert (sr, y.dtype) == (8000, np.dtype(dtype))
            np.testing.assert_array_equal(y, expected, err_msg=f"{bits} bits")


def test_nan_in_a_float_file_comes_back_unless_resampled() -> None:
    samples = np.array([0.5, np.nan, np.inf, -0.25], "<f4")
    data = oracle.wav_bytes(samples.tobytes(), tag=3, bits=32)
    for sr in (None, 8000):
        np.testing.assert_array_equal(melfeat.load(data, sr=sr)[0], samples)
    with pytest.raises(ParameterError, match=r"not finite everywhere: 2 NaN.*the first at index \(1,\)"):
        melfeat.load(data, sr=16000)


def test_spans(tmp_path: Path) -> None:
    frames = np.arange(8000, dtype=np.int16)[:, None]
    for suffix in ("WAV", "FLAC", "AIFF"):
        path = tmp_path / f"ramp.{suffix.lower()}"
        sf.write(path, frames, 8000, format=suffix, subtype="PCM_16")
        for offset, duration, first, n in [
            (0.25, None, 2000, 6000),
            (0.25, 0.5, 2000, 4000),
            (0.999, 5.0, 7992, 8),
            (0, 0, 0, 0),
            (1.0, None, 0, 0),
            (7.5, 1.0, 0, 0),
            (0.00019, 0.00026, 1, 2),  # int(1.52), int(2.08)
        ]:
            y, _ = melfeat.load(path, sr=None, offset=offset, duration=duration)
            np.testing.assert_array_equal(y * 32768, np.arange(first, first + n))
            assert y.base is None or y.base.size == n  # no more memory than samples


@given(
    n=st.integers(0, 400),
    block_length=st.integers(1, 5),
    frame_length=st.integers(1, 60),
    hop_length=st.integers(1, 80),
    channels=st.integers(1, 3),
)
@settings(max_examples=60, deadline=None)
def test_stream_is_the_file_cut_up(
    n: int, block_length: int, frame_length: int, hop_length: int, channels: int
) -> None:
    frames = np.random.default_rng(n).integers(-32768, 32768, (n, channels)).astype(np.int16)
    data = oracle.wav_bytes(frames.tobytes(), tag=1, bits=16, channels=channels)
    whole, _ = melfeat.load(data, sr=None)
    geometry = (block_length, frame_length, hop_length)
    got = list(melfeat.stream(data, *geometry))
    expected = oracle.blocks(whole, *geometry)
    assert [block.tolist() for block in got] == [block.tolist() for block in expected]
    filled = list(melfeat.stream(data, *geometry, fill_value=9))
    size = frame_length + (block_length - 1) * hop_length
    for block, short in zip(filled, expected, strict=True):
        assert block.shape == (size,)
        np.testing.assert_array_equal(block[: len(short)], short)
        assert (block[len(short) :] == 9).all()


def test_a_stream_gives_away_its_blocks_and_closes_its_file(tmp_path: Path) -> None:
    path = write_pcm16(tmp_path / "a.wav", np.arange(100, dtype=np.int16)[:, None])
    blocks = []
    for block in melfeat.stream(path, 2, 10, 5):
        blocks.append(block.copy())
        block[:] = 77  # the overlap of the next block must not see this
    expected = oracle.blocks(np.arange(100) / 32768, 2, 10, 5)
    assert [block.tolist() for block in blocks] == [block.tolist() for block in expected]
    stream = melfeat.stream(path, 2, 10, 5)
    next(stream)
    stream.close()
    with pytest.raises(StopIteration):
        next(stream)
    assert list(melfeat.stream(path, 2, 10, 5, duration=0)) == []
    assert list(melfeat.stream(path, 2, 10, 5, offset=1.0)) == []


# ---------------------------------------------------------------- sources


def test_every_kind_of_source_gives_the_same(tmp_path: Path) -> None:
    path = write(tmp_path, "FLAC", "PCM_16", 16000, 2)
    expected, _ = melfeat.load(path)
    data = path.read_bytes()
    for source in (str(path), data, bytearray(data), memoryview(data), io.BytesIO(data)):
        np.testing.assert_array_equal(melfeat.load(source)[0], expected)
    with path.open("rb") as file:
        np.testing.assert_array_equal(melfeat.load(file)[0], expected)
        assert not file.closed
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        np.testing.assert_array_equal(melfeat.load(descriptor)[0], expected)
        os.fstat(descriptor)  # still open
    finally:
        os.close(descriptor)
    with sf.SoundFile(path) as handle:
        np.testing.assert_array_equal(melfeat.load(handle)[0], expected)
        assert handle.tell() == handle.frames
        handle.seek(1000)
        y, _ = melfeat.load(handle, sr=None, duration=0.0625)
        np.testing.assert_array_equal(y, melfeat.load(path, sr=None)[0][1000:2000])
        assert handle.tell() == 2000
        assert melfeat.get_duration(path=handle) == 6000 / 16000
        assert melfeat.get_samplerate(handle) == 16000


def test_mp3_blocks_equal_one_read(tmp_path: Path, small_blocks: None) -> None:
    path = write(tmp_path, "MP3", "MPEG_LAYER_III", 44100, 1, n=20000)
    expected, _ = sf.read(path, dtype="float32")
    np.testing.assert_array_equal(melfeat.load(path, sr=None)[0], expected)
    np.testing.assert_array_equal(np.concatenate(list(melfeat.stream(path, 1, 700, 700))), expected)
    with sf.SoundFile(path) as handle:
        np.testing.assert_array_equal(melfeat.load(handle, sr=None)[0], expected)


def test_a_codec_that_cannot_seek(tmp_path: Path, small_blocks: None) -> None:
    """librosa raises ValueError on such files."""
    path = write(tmp_path, "WAV", "GSM610", 8000, 1)
    assert not sf.SoundFile(path).seekable()
    expected, _ = sf.read(path, dtype="float32")
    np.testing.assert_array_equal(melfeat.load(path, sr=None)[0], expected)
    np.testing.assert_array_equal(melfeat.load(path, sr=None, offset=0.3, duration=0.25)[0], expected[2400:4400])
    blocks = list(melfeat.stream(path, 1, 100, 700, offset=0.1))
    np.testing.assert_array_equal(blocks, [expected[i : i + 100] for i in range(800, len(expected), 700)])
    assert melfeat.get_duration(path=path) == len(expected) / 8000
    assert describe(path)["subtype"] == "GSM610"


def test_flac_of_unknown_length(tmp_path: Path) -> None:
    """Streaming encoders leave the number of samples at 0; soundfile then reports 2**63 − 1 frames."""
    path = write(tmp_path, "FLAC", "PCM_16", 16000, 2)
    expected, _ = melfeat.load(path, sr=None)
    data = bytearray(path.read_bytes())
    data[21] &= 0xF0  # STREAMINFO: 36 bits of length
    data[22:26] = bytes(4)
    assert sf.info(io.BytesIO(data)).frames > 2**60
    np.testing.assert_array_equal(melfeat.load(data, sr=None)[0], expected)
    np.testing.assert_array_equal(melfeat.load(data, sr=None, offset=0.1, duration=0.1)[0], expected[1600:3200])
    assert melfeat.load(data, sr=None, offset=9)[0].shape == (0,)
    assert melfeat.get_duration(path=data) == 6000 / 16000
    assert describe(data)["readable"]
    blocks = list(melfeat.stream(data, 1, 4000, 4000, fill_value=0.0))
    np.testing.assert_array_equal(np.concatenate(blocks)[:6000], expected)
    assert len(blocks) == 2


def test_threads_read_what_one_reads(tmp_path: Path) -> None:
    paths = [write_pcm16(tmp_path / f"{i}.wav", (sound(3000, 2, i) * 9999).astype(np.int16)) for i in range(6)]
    expected = [melfeat.load(path)[0] for path in paths]
    wrong: list[int] = []

    def work(shift: int) -> None:
        for k in range(30):
            i = (k + shift) % 6
            if not np.array_equal(melfeat.load(paths[i])[0], expected[i]):
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_no_handle_is_left_open(tmp_path: Path) -> None:
    folder = Path("/proc/self/fd")
    if not folder.is_dir():
        pytest.skip("no /proc/self/fd here")
    path = write_pcm16(tmp_path / "a.wav", np.zeros((50, 1), np.int16))
    (tmp_path / "bad.wav").write_bytes(b"RIFF")
    gc.collect()
    before = len(list(folder.iterdir()))
    for _ in range(5):
        melfeat.load(path)
        list(melfeat.stream(path, 1, 10, 10))
        melfeat.get_duration(path=path)
        describe(path)
        with pytest.raises(AudioFileError):
            melfeat.load(tmp_path / "bad.wav")
    assert len(list(folder.iterdir())) == before


# ---------------------------------------------------------------- what goes wrong


def test_missing_directory_and_empty(tmp_path: Path) -> None:
    for function in (melfeat.load, melfeat.get_samplerate, lambda p: melfeat.get_duration(path=p)):
        with pytest.raises(AudioFileMissingError, match=r"nope\.wav': no such file \(looked in"):
            function(tmp_path / "nope.wav")
        with pytest.raises(FileNotFoundError, match=r"no such file \(the folder '.*no' does not exist\)"):
            function(str(tmp_path / "no" / "nope.wav"))
        with pytest.raises(AudioFileError, match="is a directory; expected one audio file"):
            function(tmp_path)
        (tmp_path / "empty.wav").touch()
        with pytest.raises(AudioFileError, match=r"empty\.wav': is empty \(0 bytes\)"):
            function(tmp_path / "empty.wav")
    with pytest.raises(AudioFileMissingError, match="no such file"):
        melfeat.stream(tmp_path / "nope.wav", 1, 1, 1)  # at the call, not at the first block


HEADS = {
    b"\0\0\0\x20ftypM4A ": r"MP4/M4A .* cannot be read; convert it first, e\.g\. ffmpeg -i in\.m4a out\.wav",
    b"\x1a\x45\xdf\xa3" + bytes(20): r"Matroska/WebM cannot be read; .*in\.webm out\.wav",
    b"\x30\x26\xb2\x75" + bytes(20): r"WMA \(ASF\) cannot be read",
    b"#!AMR\n" + bytes(20): "AMR cannot be read",
    b"wvpk" + bytes(20): "WavPack cannot be read",
    b"\xff\xf1" + bytes(20): r"AAC \(ADTS\) cannot be read; .*in\.aac",
    b"version https://git-lfs.github.com/spec/v1\n": "a Git LFS pointer, not the recording: run git lfs pull",
    b"<!DOCTYPE html><html>": "a web page: the download probably failed",
    b"\x93NUMPY\x01\0": r"a NumPy array: use np\.load",
    b"PK\x03\x04" + bytes(20): "a ZIP archive: unpack it first",
    b"some words\n": "not an audio file but text",
    bytes(range(128, 228)): r"not in a known audio format .*ffmpeg -i in\.m4a out\.wav",
    b"RIFF\x24\0\0\0WAVE": "has a WAV header, but its 12 bytes are damaged",
    b"fLaC" + bytes(16): "has a FLAC header, but its 20 bytes are damaged",
    b"OggS" + bytes(16): "OGG header, but its 20 bytes are damaged",
    b"ID3\x04" + bytes(6): "MP3 header, but its 10 bytes are damaged",
    oracle.wav_bytes(bytes(64), tag=0x161, bits=16): "WMA inside a WAV file cannot be read",
}


@pytest.mark.parametrize("head", HEADS, ids=[repr(head[:12]) for head in HEADS])
def test_no_audio(tmp_path: Path, head: bytes) -> None:
    path = tmp_path / "file.wav"
    path.write_bytes(head)
    for source in (path, head, io.BytesIO(head)):
        with pytest.raises(AudioFileError, match=HEADS[head]) as caught:
            melfeat.load(source)
        assert not isinstance(caught.value, FileNotFoundError)
        assert ("file.wav" in str(caught.value)) == (source is path)
    facts = describe(path)
    assert facts["readable"] is False
    assert facts["samplerate"] is None
    assert "file.wav" in facts["error"]


def test_headerless(tmp_path: Path) -> None:
    path = tmp_path / "a.raw"
    path.write_bytes(bytes(100))
    with pytest.raises(AudioFileError, match="headerless audio says neither its rate nor its encoding"):
        melfeat.load(path)


def test_permission_denied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret.wav"
    path.write_bytes(b"?")
    path.chmod(0)
    if os.access(path, os.R_OK):  # root may read everything: let the system refuse all the same

        def refuse(*args: object, **kwargs: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(AudioFileError, match=r"secret\.wav': permission denied; make the file readable"):
        melfeat.load(path)


def test_sources_that_do_not_answer() -> None:
    descriptor = os.open(os.devnull, os.O_RDONLY)
    with pytest.raises(AudioFileError, match=rf"<file descriptor {descriptor}>: is empty"):
        melfeat.load(descriptor)
    os.close(descriptor)
    with pytest.raises(AudioFileError, match=rf"<file descriptor {descriptor}>: cannot be read"):
        melfeat.load(descriptor)

    class Broken(io.BytesIO):
        name = "far away"

    with pytest.raises(AudioFileError, match="'far away': not an audio file but text"):
        melfeat.load(Broken(b"not a sound"))


def test_truncated_files(tmp_path: Path) -> None:
    wav = write(tmp_path, "WAV", "PCM_16", 8000, 2).read_bytes()
    whole, _ = melfeat.load(wav, sr=None)
    for n in (2000, 1, 0):
        y, _ = melfeat.load(wav[: 44 + 4 * n], sr=None)
        np.testing.assert_array_equal(y, whole[:n])
    assert len(list(melfeat.stream(wav[: 44 + 4 * 2000], 1, 1500, 1500))) == 2
    for n in (5, 20, 35):
        with pytest.raises(AudioFileError, match=f"its {n} bytes are damaged, truncated"):
            melfeat.load(wav[:n])
    flac = write(tmp_path, "FLAC", "PCM_16", 8000, 2, n=40000).read_bytes()
    with pytest.raises(AudioFileError, match=r"damaged, decoding failed after frame \d+ of 40000 .*duration="):
        melfeat.load(flac[: len(flac) // 2])
    np.testing.assert_array_equal(
        melfeat.load(flac[: len(flac) // 2], sr=None, duration=1.0)[0], melfeat.load(flac, sr=None, duration=1.0)[0]
    )
    assert describe(flac[: len(flac) // 2])["readable"] is False
    assert describe(flac)["readable"] is True


@pytest.mark.parametrize("channels", [1, 2])
def test_header_that_promises_too_much(tmp_path: Path, channels: int) -> None:
    """An MP3 header tells the length; the decoder finds less when the file was cut."""
    data = write(tmp_path, "MP3", "MPEG_LAYER_III", 44100, channels, n=40000).read_bytes()
    cut = data[: len(data) // 2]
    promised = sf.info(io.BytesIO(cut)).frames
    y, _ = melfeat.load(cut, sr=None)
    assert 0 < y.shape[-1] < promised
    blocks = list(melfeat.stream(cut, 1, 3000, 3000))
    np.testing.assert_array_equal(np.concatenate(blocks), y)


@pytest.mark.parametrize(
    ("kwargs", "text"),
    [
        ({"sr": 0}, r"sr=0: expected a finite number > 0 \[Hz\]; or None for the file's own rate"),
        ({"sr": -8000}, "sr=-8000: expected"),
        ({"sr": float("nan")}, "sr=nan: expected a finite number"),
        ({"sr": "16k"}, "sr='16k': expected"),
        ({"mono": "yes"}, "mono='yes': expected True or False"),
        ({"offset": -0.5}, r"offset=-0.5: expected a finite number >= 0 \[s\]"),
        ({"duration": -1}, r"duration=-1: expected a finite number >= 0 \[s\]; or None to read to the end"),
        ({"duration": float("inf")}, "duration=inf: expected"),
        ({"dtype": np.int16}, r"dtype=.*int16.*: expected np\.float32 or np\.float64"),
        ({"dtype": "float16"}, "dtype='float16': expected"),
        ({"dtype": "nonsense"}, "dtype='nonsense': expected"),
        ({"res_type": "best"}, "res_type='best': expected one of 'soxr_vhq', 'soxr_hq'.*'kaiser_best'.*'sinc_best'"),
        ({"sr": 22050.5, "res_type": "polyphase"}, r"target_sr=22050\.5: expected a whole number of Hz"),
    ],
)
def test_load_refuses(kwargs: dict[str, object], text: str) -> None:
    data = oracle.wav_bytes(bytes(200), tag=1, bits=16)
    with pytest.raises(ParameterError, match=text):
        melfeat.load(data, **kwargs)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (3.5, "path has type float: expected a path, an open binary file"),
        (None, "path has type NoneType"),
        (True, "path has type bool"),
        (np.zeros(3), "path has type ndarray"),
        (io.StringIO("RIFF"), "open in text mode; open it with mode 'rb'"),
    ],
)
def test_load_refuses_what_is_no_source(source: object, text: str) -> None:
    with pytest.raises(ParameterError, match=text):
        melfeat.load(source)


def test_load_refuses_closed_files(tmp_path: Path) -> None:
    path = write_pcm16(tmp_path / "a.wav", np.zeros((5, 1), np.int16))
    with path.open("rb") as file, sf.SoundFile(path) as handle:
        pass
    with pytest.raises(ParameterError, match="the file is closed; open it again"):
        melfeat.load(file)
    with pytest.raises(ParameterError, match="the SoundFile is closed; open it again"):
        melfeat.load(handle)
    with (
        sf.SoundFile(tmp_path / "b.wav", "w", 8000, 1) as writer,
        pytest.raises(ParameterError, match="open for writing"),
    ):
        melfeat.load(writer)


@pytest.mark.parametrize(
    ("kwargs", "text"),
    [
        ({"block_length": 0}, r"block_length=0: expected an integer >= 1 \[frames\]"),
        ({"frame_length": 2.5}, r"frame_length=2\.5: expected an integer >= 1 \[samples\]"),
        ({"hop_length": -1}, r"hop_length=-1: expected an integer >= 1 \[samples\]"),
        ({"fill_value": "x"}, "fill_value='x': expected a number, or None"),
        ({"offset": -1}, "offset=-1"),
        ({"dtype": int}, "dtype=.*int.*: expected"),
    ],
)
def test_stream_refuses(kwargs: dict[str, object], text: str) -> None:
    data = oracle.wav_bytes(bytes(200), tag=1, bits=16)
    with pytest.raises(ParameterError, match=text):
        melfeat.stream(data, **{"block_length": 2, "frame_length": 8, "hop_length": 4, **kwargs})


def test_get_duration_refuses() -> None:
    with pytest.raises(ParameterError, match="neither y, S nor path is given"):
        melfeat.get_duration()
    with pytest.raises(ParameterError, match="sr=0: expected"):
        melfeat.get_duration(np.zeros(3), sr=0)
    with pytest.raises(ParameterError, match=r"y has shape \(\)"):
        melfeat.get_duration(np.float32(1))
    with pytest.raises(ParameterError, match="hop_length=0"):
        melfeat.get_duration(S=np.zeros((3, 3)), hop_length=0)
    assert melfeat.get_duration(np.zeros(0)) == 0.0
    assert melfeat.get_duration(S=np.zeros((3, 0))) == 0.0


# ---------------------------------------------------------------- the rest


def test_to_mono() -> None:
    librosa = pytest.importorskip("librosa")
    rng = np.random.default_rng(3)
    for dtype in (np.float32, np.float64):
        for shape in ((50,), (2, 50), (3, 1), (2, 5, 50), (8, 0), (13, 40)):
            y = rng.standard_normal(shape).astype(dtype)
            for layout in (y, np.asfortranarray(y), y[..., ::-1]):
                got = melfeat.to_mono(layout)
                assert got.dtype == dtype
                np.testing.assert_array_equal(got, librosa.to_mono(layout))
    y = np.ones(4, np.float32)
    assert melfeat.to_mono(y) is y
    for bad, text in [
        (np.ones(3, int), "y has dtype int64: expected floating point"),
        ([1.0], "y has type list"),
        (np.array([1.0, np.nan]), r"not finite everywhere: 1 NaN.*index \(1,\)"),
        (np.ones((0, 4)), r"y has shape \(0, 4\): expected at least one channel"),
    ]:
        with pytest.raises(ParameterError, match=text):
            melfeat.to_mono(bad)


def test_describe(tmp_path: Path) -> None:
    path = write(tmp_path, "WAV", "PCM_24", 48000, 6, n=4800)
    assert describe(path) == {
        "path": str(path),
        "format": "WAV",
        "subtype": "PCM_24",
        "endianness": "file",
        "channels": 6,
        "samplerate": 48000,
        "frames": 4800,
        "duration": 0.1,
        "readable": True,
        "error": None,
    }
    with sf.SoundFile(path) as handle:
        handle.seek(77)
        assert describe(handle)["readable"]
        assert handle.tell() == 77
    facts = describe(tmp_path / "nope.wav")
    assert (facts["readable"], facts["frames"], facts["path"]) == (False, None, str(tmp_path / "nope.wav"))
    assert "no such file" in facts["error"]
    with pytest.raises(ParameterError, match="path has type float"):
        describe(1.5)


def test_header_functions_do_not_load_numba(tmp_path: Path) -> None:
    import subprocess

    path = write_pcm16(tmp_path / "a.wav", np.zeros((800, 2), np.int16))
    code = (
        "import sys, melfeat, melfeat.io as io\n"
        "assert not {'numba', 'scipy', 'soundfile', 'soxr'} & set(sys.modules)\n"
        f"p = {str(path)!r}\n"
        "print(io.describe(p)['frames'], melfeat.get_duration(path=p), melfeat.get_samplerate(p))\n"
        "assert not {'numba', 'scipy', 'soxr'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "800 0.1 8000\n", "")


def test_load_warns_of_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, "WAV", "PCM_16", 44100, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        melfeat.load(path)
