"""Files of any length: the bytes of loading and calling the extractor, in memory that does not grow, or nothing."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import melfeat
from melfeat import _spool, long_files
from melfeat._resample import PieceResampler
from melfeat.cli import _long, main
from melfeat.config.presets import presets
from melfeat.dsp.sums import in_order, total
from melfeat.errors import AudioFileError, AudioFileMissingError, ParameterError
from melfeat.extractor import Extractor
from melfeat.kernels._jit import JIT_DISABLED
from melfeat.long_files import extract_file
from melfeat.stages import Framing
from tests.support import assert_same_bytes, slow_interpreted
from tests.test_extractor import config_of, draw, small, tune

N_DRAWS = 8 if JIT_DISABLED else 220

#: Format, encoding and how each draw writes its file.
KINDS = [
    ("WAV", "PCM_16"),
    ("WAV", "PCM_16"),
    ("WAV", "PCM_24"),
    ("WAV", "FLOAT"),
    ("RF64", "PCM_16"),
    ("W64", "DOUBLE"),
    ("FLAC", "PCM_16"),
    ("AIFF", "PCM_16"),
    ("OGG", "VORBIS"),
    ("MP3", "MPEG_LAYER_III"),
]


def write(path: Path, y: np.ndarray, sr: int, kind: tuple[str, str] = ("WAV", "PCM_16")) -> Path:
    soundfile.write(path, y.T, sr, format=kind[0], subtype=kind[1])
    return path


def in_memory(path: Any, fx: Extractor, **options: Any) -> np.ndarray:
    return fx(melfeat.load(path, sr=fx.config.sr, **options)[0])


def npy_bytes(x: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, x)
    return stream.getvalue()


def assert_same_file(path: Path, expected: np.ndarray) -> None:
    assert path.read_bytes() == npy_bytes(expected)


@pytest.fixture
def wav(tmp_path, rng):
    """Three seconds of 16-bit stereo at 16 kHz."""
    return write(tmp_path / "a.wav", tune(rng, (2, 48000)), 16000)


def outcome(function: Any, *args: Any, **options: Any) -> np.ndarray | str:
    """Return what a function returns, or what its ParameterError says."""
    try:
        return function(*args, **options)
    except ParameterError as error:
        return str(error)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@slow_interpreted
@pytest.mark.filterwarnings("ignore")
class TestSameBytes:
    @pytest.mark.parametrize("seed", range(N_DRAWS))
    def test_drawn(self, seed, tmp_path):
        rng = np.random.default_rng([seed, 22])

        def one(*choices: Any) -> Any:
            return choices[rng.integers(len(choices))]

        sr, stages = draw(rng)
        post: dict[str, Any] = stages["post"] or {}
        if post and rng.random() < 0.4:
            post["cmn"] = one("all_mean_var", "sliding_mean", "sliding_mean_var")
            post |= {"cmn_window": int(rng.integers(1, 12)), "cmn_min_window": int(rng.integers(1, 12))}
            post |= {"cmn_center": bool(rng.random() < 0.5), "pad_dropped": bool(rng.random() < 0.5)}
        try:
            fx = Extractor(config_of(sr, stages))
            if rng.random() < 0.2:
                fx = Extractor(fx.config.replace(dither=0.1, dither_scope=one("frame", "signal")))
        except ParameterError:
            pytest.skip("this combination is refused")
        kind = KINDS[seed % len(KINDS)]
        native = int(one(sr, sr, 8000, 11025, 16000, 22050, 44100))
        n = int(rng.integers(1, 2500)) * (2 if kind[0] in ("OGG", "MP3") else 1)
        y = tune(rng, (int(one(1, 1, 2, 3 if kind[0] != "MP3" else 2)), n))
        path = write(tmp_path / "a.audio", y, native, kind)
        options: dict[str, Any] = {"mono": bool(rng.random() < 0.6), "dtype": one(np.float32, np.float64)}
        options["res_type"] = one("soxr_hq", "soxr_hq", "soxr_vhq", "soxr_mq", "soxr_lq", "soxr_qq")
        if rng.random() < 0.3:
            options |= {"offset": float(rng.uniform(0, 0.06)), "duration": one(None, 0.05)}
        block = int(one(rng.integers(1, 40), rng.integers(40, 1000), 1 << 20))
        with np.errstate(all="ignore"):
            expected = outcome(in_memory, path, fx, **options)
            got = outcome(extract_file, path, None, fx, block=block, **options)
            if isinstance(got, str) and "preemphasis_first='previous': not defined for a stream" in got:
                return
            if isinstance(expected, str):
                assert got == expected
                return
            assert_same_bytes(got, expected)
            target = extract_file(path, tmp_path / "a.npy", fx, block=block, **options)
            assert_same_file(target, expected)
        assert names(tmp_path) == {"a.audio", "a.npy"}

    @pytest.mark.parametrize("name", list(presets()))
    def test_presets(self, name, tmp_path, rng):
        path = write(tmp_path / "a.wav", tune(rng, (2, 9000)), 22050)
        fx = Extractor(name)
        for mono in (True, False):
            expected = in_memory(path, fx, mono=mono)
            assert_same_bytes(extract_file(path, config=name, mono=mono, block=1234), expected)

    @pytest.mark.parametrize("n", [0, 1, 2, 15, 31, 32, 33, 100])
    @pytest.mark.parametrize("frames", ["center", "valid", "pad_end", "pad_all", "no_snip", "center_ceil"])
    def test_short_files(self, frames, n, tmp_path, rng):
        path = write(tmp_path / "a.wav", tune(rng, (n,)), 8000)
        changes = {"framing": Framing(32, 8, frames=frames), "cmn": "mean_var", "normalize_signal": n % 2 == 0}
        fx = Extractor(small(delta_order=2).config.replace(**changes))
        for block in (1, 7, 1000):
            assert_same_bytes(extract_file(path, config=fx, block=block), in_memory(path, fx))

    def test_levels_all_at_the_floor(self, tmp_path):
        """Digital silence: the logarithm of the floor, also of 1 and with its signs of zero."""
        path = write(tmp_path / "a.wav", np.zeros(4000), 8000)
        for floor in (1.0, 1e-10):
            for cepstrum in ({}, {"cepstrum": None, "energy": None, "scale": 0.25, "shift": 4.0}):
                fx = small(floor=floor, top_db=80.0, **cepstrum)
                assert_same_bytes(extract_file(path, config=fx, block=300), in_memory(path, fx))

    def test_loud_at_the_end(self, tmp_path, rng):
        """The floor that the last frames raise holds for the first."""
        y = tune(rng, (30000,)) * np.geomspace(1e-3, 1, 30000)
        path = write(tmp_path / "a.wav", y, 8000, ("WAV", "FLOAT"))
        for scope in ("channel", "array"):
            fx = small(top_db=20.0, peak_scope=scope)
            assert_same_bytes(extract_file(path, config=fx, block=1000), in_memory(path, fx))

    def test_blocks_of_many_frames(self, tmp_path, rng, monkeypatch):
        path = write(tmp_path / "a.wav", tune(rng, (2, 20000)), 8000)
        fx = small(delta_order=1, cmn="all_mean_var", top_db=50.0)
        expected = in_memory(path, fx, mono=False)
        for size in (1, 100, 5000):
            monkeypatch.setattr(long_files, "_BLOCK", size)
            assert_same_bytes(extract_file(path, config=fx, mono=False), expected)

    def test_long_rows(self, tmp_path, rng):
        """More frames than NumPy sums at once, in blocks that end anywhere."""
        path = write(tmp_path / "a.wav", tune(rng, (70000,)), 8000)
        for cmn in ("mean_var", "all_mean_var"):
            changes = {"framing": Framing(16, 4), "n_mels": 4, "n_mfcc": 3, "normalize_signal": True, "cmn": cmn}
            fx = Extractor(small().config.replace(**changes))
            got = extract_file(path, config=fx, block=9999)
            assert got.shape[1] > 2 * 8192
            assert_same_bytes(got, in_memory(path, fx))


@pytest.mark.parametrize("quality", ["soxr_vhq", "soxr_hq", "soxr_mq", "soxr_lq", "soxr_qq"])
@pytest.mark.parametrize("rates", [(44100, 22050), (44100, 16000), (8000, 44100), (16000, 22050), (44100, 16001.5)])
def test_resampling_in_pieces(rates, quality, rng):
    for dtype in (np.float32, np.float64):
        for n in (0, 1, 2, 777, 50021):
            y = rng.standard_normal((2, n)).astype(dtype)
            expected = melfeat.resample(y, *rates, res_type=quality)
            for longest in (n or 1, 4000, 70000):
                resampler = PieceResampler(*rates, quality, 2, np.dtype(dtype))
                parts, at = [], 0
                while at < n:
                    count = int(rng.integers(1, longest + 1))
                    parts.append(resampler.push(y[:, at : at + count], last=False))
                    at += count
                parts.append(resampler.push(y[:, :0], last=True))
                assert_same_bytes(np.concatenate(parts, axis=1), expected)


class TestSums:
    @pytest.mark.parametrize("n", [0, 1, 7, 8, 129, 8191, 8192])
    def test_short_rows_are_summed_by_numpy(self, n, rng):
        x = rng.standard_normal(n)
        assert total(in_order(x), n) == x.sum()

    @pytest.mark.parametrize("n", [8193, 16384, 50001, 300007])
    def test_long_rows_are_pairwise(self, n, rng):
        x = np.exp(3 * rng.standard_normal(n)) * rng.choice([-1, 1], n)

        def pairwise(x):
            half = x.size // 2 - x.size // 2 % 8
            return x.sum() if x.size <= 128 else pairwise(x[:half]) + pairwise(x[half:])

        assert total(in_order(x), n) == pairwise(x)


class TestSources:
    @slow_interpreted
    @pytest.mark.parametrize("kind", [("WAV", "PCM_16"), ("MP3", "MPEG_LAYER_III"), ("OGG", "VORBIS")])
    def test_everything_that_load_takes(self, kind, tmp_path, rng):
        path = write(tmp_path / "a.audio", tune(rng, (2, 30000)), 16000, kind)
        fx = small(sr=16000.0)
        expected = in_memory(path, fx)
        assert_same_bytes(extract_file(str(path), config=fx, block=700), expected)
        assert_same_bytes(extract_file(path.read_bytes(), config=fx, block=700), expected)
        with open(path, "rb") as stream:
            assert_same_bytes(extract_file(stream, config=fx, block=700), expected)
        with open(path, "rb") as stream:
            assert_same_bytes(extract_file(stream.fileno(), config=fx, block=700), expected)
        with soundfile.SoundFile(path) as handle:
            assert_same_bytes(extract_file(handle, config=fx, block=700), expected)
            assert handle.seekable()
            assert "seekable" not in vars(handle)

    @slow_interpreted
    def test_rate_and_overrides(self, wav):
        fx = Extractor("librosa", n_mfcc=13)
        assert_same_bytes(extract_file(wav, config="librosa", n_mfcc=13), in_memory(wav, fx))
        for sr, config in ((None, "kaldi-fbank"), (None, Extractor("librosa")), (8000, "kaldi-fbank")):
            fx = Extractor(config if isinstance(config, str) else config.config, sr=sr or 16000, n_mels=30)
            assert_same_bytes(extract_file(wav, config=config, sr=sr, n_mels=30), in_memory(wav, fx))

    @slow_interpreted
    @pytest.mark.parametrize("kind", [("WAV", "PCM_16"), ("MP3", "MPEG_LAYER_III")])
    def test_a_file_that_was_cut_off_gives_what_is_there(self, kind, tmp_path, rng):
        """As `load` does. The header of the MP3 promises more: the rows of the array move together."""
        path = write(tmp_path / "a.audio", tune(rng, (2, 48000)), 16000, kind)
        os.truncate(path, path.stat().st_size * 2 // 3)
        for overrides in ({}, {"delta_order": 1, "cmn": "mean"}):
            fx = Extractor("librosa", sr=22050, hop_length=16, n_fft=64, n_mels=10, **overrides)
            expected = in_memory(path, fx)
            assert 2000 < expected.shape[1] < 3500
            assert_same_bytes(extract_file(path, config=fx, block=5000), expected)
            assert_same_file(extract_file(path, tmp_path / "a.npy", fx, block=5000), expected)

    @pytest.mark.parametrize("step", [8, 64, 1 << 22])
    def test_rows_move_together(self, step, tmp_path, rng, monkeypatch):
        monkeypatch.setattr(_spool, "_BYTES", step)
        x = rng.standard_normal((3, 50))
        with open(tmp_path / "a.npy", "x+b") as stream:
            columns = _spool.NpyColumns(stream, (3,), 10**9, x.dtype)
            for begin in range(0, 50, 20):
                columns.append(x[:, begin : begin + 20])
            columns.close_up()
        assert_same_file(tmp_path / "a.npy", x)


class TestFaults:
    """A clear error or nothing: what was at the target stays, and nothing lies about."""

    @pytest.fixture
    def out(self, wav):
        target = wav.parent / "x.npy"
        target.write_bytes(b"before")
        yield target
        assert target.read_bytes() == b"before"
        assert names(wav.parent) <= {"a.wav", "a.rf64", "x.npy"}

    @pytest.fixture(params=["librosa", "whisper", "kaldi-mfcc"])
    def fx(self, request):
        """Levels that wait, levels that are the result, and nothing that waits."""
        return Extractor(request.param)

    @pytest.mark.parametrize("kind", ["WAV", "RF64"])
    def test_becoming_shorter_while_read(self, wav, out, fx, rng, kind):
        path = write(wav.parent / f"a.{kind.lower()}", tune(rng, (2, 480000)), 16000, (kind, "PCM_16"))

        def progress(done, _):
            if done > 1:
                os.truncate(path, path.stat().st_size // 2)

        with pytest.raises(AudioFileError, match=r"a\.\w+': became shorter while it was read"):
            extract_file(path, out, fx, block=8000, progress=progress)

    def test_vanishing_while_read(self, wav, tmp_path, fx, rng):
        """On POSIX an open file outlives its name; what is read from it is whole."""
        write(wav, tune(rng, (2, 200000)), 16000)
        expected = in_memory(wav, fx)
        target = tmp_path / "y.npy"
        extract_file(wav, target, fx, block=8000, progress=lambda *_: wav.unlink(missing_ok=True))
        assert_same_file(target, expected)

    @pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
    @pytest.mark.parametrize("after", [0, 3])
    def test_no_room(self, wav, out, fx, monkeypatch, code, after):
        count, write_at = 0, _spool._write_at

        def failing(*args):
            nonlocal count
            count += 1
            if count > after:
                raise OSError(code, os.strerror(code))
            write_at(*args)

        monkeypatch.setattr(_spool, "_write_at", failing)
        with pytest.raises(OSError, match=os.strerror(code)) as caught:
            extract_file(wav, out, fx, block=8000)
        waits = fx.config.needs_whole_signal
        assert caught.value.filename == (str(wav.parent / "(temporary file)") if waits else str(out))

    @pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="no limit of file sizes on this system")
    @slow_interpreted
    def test_a_limit_of_the_system(self, wav, out):
        code = (
            "import resource, signal, sys, melfeat\n"
            "from melfeat.long_files import extract_file\n"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            "extract_file(sys.argv[1], config='whisper', fixed_samples=None, fixed_frames=None)\n"  # compiles
            "resource.setrlimit(resource.RLIMIT_FSIZE, (10000, 10000))\n"
            "extract_file(sys.argv[1], sys.argv[2], 'kaldi-fbank')\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, str(wav), str(out)], capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 1
        assert f"File too large: '{out}'" in done.stderr

    def test_out_of_range_samples_end_it(self, wav, out, fx, rng):
        y = tune(rng, (2, 100000))
        y[1, 70001] = np.nan
        path = write(wav, y, 16000, ("WAV", "FLOAT"))
        for options, where in (({}, "70001"), ({"mono": False}, r"\(1, 70001\)")):
            with pytest.raises(ParameterError, match=rf"a.wav' is not finite everywhere: sample {where} of .* nan"):
                extract_file(path, out, fx, block=8000, **options)

    def test_what_progress_raises_ends_it(self, wav, out, fx):
        def progress(done, _):
            if done > 1:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            extract_file(wav, out, fx, block=8000, progress=progress)

    def test_a_damaged_file(self, wav, out, fx):
        flac = io.BytesIO()
        soundfile.write(flac, soundfile.read(wav)[0], 16000, format="FLAC")
        with pytest.raises(AudioFileError, match="damaged, decoding failed after frame"):
            extract_file(flac.getvalue()[:-60000], out, fx, block=8000)

    @slow_interpreted
    def test_no_thread_reads_on(self, wav, out, monkeypatch):
        """What goes wrong while the next block is being read waits for that: the file can then be closed."""

        class Slow(io.FileIO):
            closing = False

            def readinto(self, buffer):
                time.sleep(0.01)
                assert not self.closing
                return super().readinto(buffer)

        def progress(done, _):
            raise RuntimeError("enough")

        monkeypatch.setattr(long_files, "get_num_threads", lambda: 2)
        with Slow(wav) as file:
            with pytest.raises(RuntimeError, match="enough") as caught:
                extract_file(file, out, "librosa", block=4000, progress=progress)
            assert caught.tb is not None  # what the exception holds does not keep the thread
            file.closing = True
            assert not [thread for thread in threading.enumerate() if "melfeat-reader" in thread.name]

    def test_missing(self, wav, out):
        with pytest.raises(AudioFileMissingError, match="no such file"):
            extract_file(wav.parent / "b.wav", out)


@slow_interpreted
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
@pytest.mark.parametrize("existing", [True, False])
@pytest.mark.parametrize("preset", ["librosa", "kaldi-mfcc"])
def test_kill(wav, existing, preset):
    """Killed in the middle: what was there stays; what is left behind is hidden and does not end in .npy."""
    out = wav.parent / "x.npy"
    if existing:
        out.write_bytes(b"before")
    code = (
        "import os, signal, sys\n"
        "from melfeat.long_files import extract_file\n"
        "def progress(done, total):\n"
        "    if done > 1: os.kill(os.getpid(), signal.SIGKILL)\n"
        "extract_file(sys.argv[1], sys.argv[2], sys.argv[3], block=8000, progress=progress)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(wav), str(out), preset], timeout=300)
    assert done.returncode == -signal.SIGKILL
    left = names(wav.parent) - {"a.wav"}
    if existing:
        assert out.read_bytes() == b"before"
        left -= {"x.npy"}
    assert all(name.startswith(".melfeat-") and name.endswith(".part") for name in left)


def test_progress(wav):
    seen: list[tuple[float, float]] = []
    extract_file(wav, None, "kaldi-mfcc", block=8000, progress=lambda *args: seen.append(args))
    assert seen == [(0.5, 3.0), (1.0, 3.0), (1.5, 3.0), (2.0, 3.0), (2.5, 3.0), (3.0, 3.0)]
    seen.clear()
    extract_file(wav, None, "whisper", fixed_samples=4000, block=8000, progress=lambda *args: seen.append(args))
    assert seen[-1] == (3.0, 3.0)


@slow_interpreted
@pytest.mark.parametrize(
    ("name", "overrides"),
    [
        ("librosa", {}),
        ("kaldi-mfcc", {"cmn": "mean_var", "delta_order": 2, "cmn_columns": "all", "energy_normalize": True}),
        ("whisper", {"fixed_samples": None, "fixed_frames": None, "normalize_signal": True}),
    ],
)
def test_memory_does_not_grow(name, overrides, tmp_path, monkeypatch):
    """Ten times the audio, about the same memory, and less than the signal has."""
    monkeypatch.setattr(_spool, "_BYTES", 1 << 16)  # so that a minute fills it
    fx = Extractor(name, **overrides)

    def peak(minutes: int) -> int:
        path = tmp_path / f"{minutes}.wav"
        with soundfile.SoundFile(path, "w", 16000, 2, "PCM_16") as file:
            for _ in range(minutes):
                file.write((np.sin(np.arange(960000) ** 2.0 / 1e7)[:, np.newaxis] * [8000, 100]).astype(np.int16))
        tracemalloc.start()
        try:
            extract_file(path, tmp_path / "a.npy", fx, block=1 << 16)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(1)
    short, long = peak(1), peak(10)
    assert long <= 1.25 * short + 1e5
    assert long < 10 * 960000 * 4 / 2


class TestParameters:
    @pytest.mark.parametrize(
        ("options", "text"),
        [
            ({"out": "x.csv"}, r"out='x.csv': expected a name that ends in \.npy, or None"),
            ({"out": 3}, "out has type int: expected the name of an .npy file"),
            ({"sr": "native"}, r"sr='native': expected a rate \[Hz\], 'config', or None"),
            ({"sr": -1}, "sr=-1"),
            ({"block": 0}, "block=0"),
            ({"mono": 2}, "mono=2"),
            ({"offset": -1}, "offset=-1"),
            ({"dtype": np.int16}, "dtype="),
            ({"config": 3}, "config has type int"),
            ({"n_mel": 3}, "'n_mel' .did you mean 'n_mels'"),
            ({"config": "wisper"}, "did you mean 'whisper'"),
            ({"res_type": "soxr"}, "res_type='soxr'"),
            (
                {"res_type": "kaiser_best"},
                "res_type='kaiser_best': needs the whole signal in memory; use one of 'soxr_vhq'",
            ),
            ({"pad_mode": lambda *args: None}, "pad_mode is a function.*collect the signal and call the extractor"),
        ],
    )
    def test_refused(self, wav, options, text):
        with pytest.raises(ParameterError, match=text):
            extract_file(wav, **options)
        assert names(wav.parent) == {"a.wav"}

    def test_any_method_will_do_where_nothing_is_resampled(self, wav):
        extract_file(wav, config="kaldi-fbank", res_type="fft")

    def test_missing_folder(self, wav):
        with pytest.raises(FileNotFoundError) as caught:
            extract_file(wav, wav.parent / "none" / "x.npy", "kaldi-fbank")
        assert caught.value.filename == str(wav.parent / "none" / "x.npy")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class TestCommandLine:
    @pytest.fixture(autouse=True)
    def long(self, monkeypatch):
        monkeypatch.setattr(_long, "LONG", 1.0)
        calls = []
        monkeypatch.setattr(
            "melfeat.long_files.extract_file",
            lambda *args, **options: calls.append(args) or extract_file(*args, **options),
        )
        return calls

    def same(self, monkeypatch, wav, options, out="x.npy"):
        """Run the command on both ways and compare the files."""
        folder = wav.parent / "both"
        folder.mkdir()
        made = []
        for limit in (1.0, 1e9):
            monkeypatch.setattr(_long, "LONG", limit)
            monkeypatch.chdir(folder)
            assert main(["mfcc", str(wav), "-o", out, *options]) == 0
            (path,) = [path for path in folder.rglob("*") if path.is_file()]
            made.append(path.read_bytes())
            path.unlink()
        assert made[0] == made[1]

    @slow_interpreted
    @pytest.mark.filterwarnings("ignore::melfeat.errors.EmptyFilterWarning")
    @pytest.mark.parametrize(
        "options",
        [
            [],
            ["--sr", "native"],
            ["--offset", "0.3", "--duration", "1.2", "--dtype", "float64", "--res-type", "soxr_vhq"],
            ["--window", "kaiser:14", "--no-center", "--top-db", "none", "--norm", "none", "--htk", "--n-mels", "40"],
            ["--preset", "kaldi-mfcc", "--set", "cmn=mean_var"],
            ["--preset", "whisper"],
        ],
    )
    def test_writes_the_same(self, wav, options, monkeypatch, long):
        self.same(monkeypatch, wav, options)
        assert len(long) == 1

    @slow_interpreted
    def test_into_a_folder(self, wav, monkeypatch, long):
        self.same(monkeypatch, wav, [], "x/")
        assert len(long) == 1

    @slow_interpreted
    @pytest.mark.parametrize(
        ("out", "options"),
        [
            ("x.npz", []),
            ("x.csv", []),
            ("x.npy", ["--res-type", "fft"]),
            ("x.npy", ["--duration", "0.9"]),
            ("x.npy", ["--offset", "2.5"]),
            ("x.npy", ["--preset", "kaldi-mfcc", "--set", "preemphasis_first=previous", "--set", "pad_mode=reflect"]),
        ],
    )
    def test_other_ways_are_as_before(self, wav, out, options, monkeypatch, long):
        self.same(monkeypatch, wav, options, out)
        assert not long

    @slow_interpreted
    def test_report(self, wav, monkeypatch, capsys):
        monkeypatch.chdir(wav.parent)
        reports = []
        for limit in (1.0, 1e9):
            monkeypatch.setattr(_long, "LONG", limit)
            assert main(["mfcc", "a.wav", "-o", "x.npy", "--json"]) == 0
            reports.append(json.loads(capsys.readouterr().out)["inputs"])
        assert reports[0] == reports[1]
        assert reports[0][0]["shape"] == [20, 130]
        assert main(["mfcc", "a.wav", "-o", "x.npy"]) == 0
        assert capsys.readouterr().err == "melfeat: x.npy: 20 features x 130 frames\n"

    @slow_interpreted
    @pytest.mark.filterwarnings("default")
    def test_warnings(self, wav, monkeypatch, capsys):
        monkeypatch.chdir(wav.parent)
        for rate in ("native", "16000"):
            assert main(["mfcc", "a.wav", "-o", "x.npy", "--sr", rate, "--n-fft", "256"]) == 0
            assert capsys.readouterr().err.count("mel bands contain no FFT bin") == 1

    @slow_interpreted
    def test_bad_files_and_too_short_ones(self, wav, monkeypatch, capsys):
        monkeypatch.chdir(wav.parent)
        Path("b.wav").write_bytes(wav.read_bytes()[:-60001])
        Path("c.wav").write_bytes(b"RIFF nothing")
        assert main(["mfcc", "c.wav", "b.wav", "a.wav", "none.wav", "-o", "x/", "--n-fft", "60000", "--no-center"]) == 1
        err = capsys.readouterr().err
        assert "none.wav': no such file" in err
        assert "c.wav': has a RIFF/WAV header, but" in err
        assert "b.wav: n_fft=60000 is too large for uncentred frames of a signal of 45476 samples" in err
        assert names(Path("x")) == {"a.npy"}

    @slow_interpreted
    @pytest.mark.parametrize("out", ["x.npy", "x/"])
    def test_no_room(self, wav, out, monkeypatch, capsys):
        def failing(*_):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.chdir(wav.parent)
        monkeypatch.setattr(_spool, "_write_at", failing)
        assert main(["mfcc", "a.wav", "-o", out]) == 3
        assert "(temporary file): No space left on device" in capsys.readouterr().err
        monkeypatch.setattr(_spool, "_write_at", failing)
        assert main(["mfcc", "a.wav", "-o", out, "--top-db", "none"]) == 3
        where = "x.npy" if out == "x.npy" else os.path.join("x", "a.npy")
        assert f"error: {where}: No space left on device" in capsys.readouterr().err
        assert not [path for path in wav.parent.rglob("*") if path.is_file() and path.name != "a.wav"]

    @slow_interpreted
    def test_line(self, wav, monkeypatch):
        monkeypatch.setitem(sys.modules, "tqdm", None)
        monkeypatch.setattr(_long, "_DELAY", 0.0)
        monkeypatch.setattr(_long, "_EVERY", 0.0)
        monkeypatch.setattr(sys, "stderr", Terminal())
        assert main(["mfcc", str(wav), "-o", str(wav.parent / "x.npy")]) == 0
        *shown, last, end = sys.stderr.getvalue().split("\r")
        assert shown[1] == "a.wav: 100 % of 0:03, 0:00 left"
        assert last.strip() == ""
        assert end.startswith("melfeat: ")

    @slow_interpreted
    def test_bar(self, wav, monkeypatch):
        class Tqdm:
            def __init__(self, **options):
                made.append(self)
                assert options["total"] == 3.0
                assert options["file"] is sys.stderr
                self.n, self.closed = 0.0, False

            def update(self, n):
                self.n += n

            def close(self):
                self.closed = True

        made: list[Tqdm] = []
        monkeypatch.setitem(sys.modules, "tqdm", types.SimpleNamespace(tqdm=Tqdm))
        monkeypatch.setattr(sys, "stderr", Terminal())
        assert main(["mfcc", str(wav), "-o", str(wav.parent / "x.npy")]) == 0
        assert [(bar.n, bar.closed) for bar in made] == [(3.0, True)]

    def test_silent_where_nobody_watches(self, monkeypatch):
        for stream in (None, io.StringIO()):
            monkeypatch.setattr(sys, "stderr", stream)
            with _long.bar("a.wav") as progress:
                assert progress is None

    @pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (61.6, "1:02"), (36000, "10:00:00")])
    def test_clock(self, seconds, text):
        assert _long._clock(seconds) == text
