"""The command line: what is written where, exit codes, and that nothing half-written ever stays."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

import melfeat
from melfeat import workers
from melfeat._atomic import open_atomic
from melfeat.cli import _mfcc, main
from melfeat.cli._outputs import unique_names
from tests.support import needs_jit

SR = 22050


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def wav(folder, rng):
    return write_wav("a.wav", rng)


def write_wav(name, rng, seconds=0.25, sr=SR, channels=1):
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    samples = 0.1 * rng.standard_normal((int(seconds * sr), channels))
    samples[: len(samples) // 3] = 0  # so that top_db has something to cut
    soundfile.write(name, samples, sr, subtype="PCM_16")
    return name


def expected(path, sr=SR, **parameters):
    y, rate = melfeat.load(path, sr=sr)
    return melfeat.mfcc(y, rate, **parameters)


def files():
    """Every file below the current folder, hidden ones too."""
    return sorted(str(path) for path in Path().rglob("*") if path.is_file())


def melfeat_process(*arguments, **options):
    command = [sys.executable, "-m", "melfeat", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, **options)


class TestOutputs:
    def test_npy(self, wav, capsys):
        assert main(["mfcc", wav, "-o", "out.npy"]) == 0
        np.testing.assert_array_equal(np.load("out.npy"), expected(wav))
        out, err = capsys.readouterr()
        assert out == ""
        assert err == "melfeat: out.npy: 20 features x 11 frames\n"
        assert files() == ["a.wav", "out.npy"]

    def test_preset(self, wav, capsys):
        assert main(["mfcc", wav, "-o", "out.npy", "--preset", "kaldi-mfcc", "--set", "n_mels=30"]) == 0
        y, _ = melfeat.load(wav, sr=16000)
        np.testing.assert_array_equal(np.load("out.npy"), melfeat.Extractor("kaldi-mfcc", n_mels=30)(y))
        assert "out.npy: 13 features x" in capsys.readouterr().err

    def test_preset_of_a_file_with_names_and_times(self, wav, capsys):
        fx = melfeat.Extractor("htk", delta_order=1)
        Path("front.json").write_text(fx.config.to_json())
        assert main(["mfcc", wav, "--preset", "front.json", "--offset", "0.1", "--dtype", "float64"]) == 0
        lines = capsys.readouterr().out.splitlines()
        y, _ = melfeat.load(wav, sr=16000, offset=0.1, dtype="float64")
        assert lines[0].split(",") == ["time", *fx.feature_names]
        table = np.array([[float(x) for x in line.split(",")] for line in lines[1:]])
        np.testing.assert_array_equal(table[:, 1:].T, fx(y))
        np.testing.assert_allclose(table[:, 0], 0.1 + fx.times(y.size), atol=1e-6)

    def test_preset_in_the_metadata(self, wav):
        assert main(["mfcc", wav, "-o", "out.npz", "--preset", "whisper"]) == 0
        with np.load("out.npz") as archive:
            parameters = json.loads(str(archive["metadata"]))["parameters"]
        config = melfeat.Config.preset("whisper")
        assert parameters["fingerprint"] == config.fingerprint
        assert melfeat.Config.from_json(json.dumps(parameters["config"])) == config

    @pytest.mark.parametrize(
        ("options", "text"),
        [
            (["--preset", "wisper"], "wisper.*whisper"),
            (["--preset", "whisper", "--n-mels", "40"], "--n-mels is an option of melfeat.mfcc.*--set n_mels=40"),
            (["--preset", "whisper", "--sr", "22050"], "--set sr=22050"),
            (["--preset", "whisper", "--no-center"], "--no-center"),
            (["--preset", "whisper", "--set", "n_mel=40"], "n_mel"),
            (["--preset", "whisper", "--set", "n_mels"], "expected NAME=VALUE"),
            (["--preset", "absent.json"], "absent.json"),
            (["--set", "n_mels=40"], "expected --preset"),
        ],
    )
    def test_presets_refused(self, wav, capsys, options, text):
        assert main(["mfcc", wav, *options]) in (2, 3)
        assert re.search(text, capsys.readouterr().err)

    def test_npz_of_many(self, wav, rng, capsys):
        other = write_wav("b.flac", rng, seconds=0.4)
        assert main(["mfcc", wav, other, "-o", "out.npz", "--n-mels", "40"]) == 0
        with np.load("out.npz") as archive:
            assert sorted(archive.files) == ["a", "b", "metadata"]
            np.testing.assert_array_equal(archive["a"], expected(wav, n_mels=40))
            np.testing.assert_array_equal(archive["b"], expected(other, n_mels=40))
            metadata = json.loads(str(archive["metadata"]))
        assert metadata["melfeat"] == melfeat.__version__
        assert metadata["parameters"]["n_mels"] == 40
        assert metadata["files"]["b"] == {"path": "b.flac", "sr": SR, "shape": [20, 18]}

    def test_npz_has_the_same_bytes_again(self, wav):
        assert main(["mfcc", wav, "-o", "one.npz"]) == main(["mfcc", wav, "-o", "two.npz"]) == 0
        assert Path("one.npz").read_bytes() == Path("two.npz").read_bytes()
        with zipfile.ZipFile("one.npz") as archive:  # entries without a date: the same bytes tomorrow too
            assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_csv_reads_back_to_the_same_bits(self, wav, dtype):
        assert main(["mfcc", wav, "-o", "out.csv", "--dtype", dtype]) == 0
        with open("out.csv", encoding="utf-8", newline="") as stream:
            header, *rows = csv.reader(stream)
        assert header == ["time", *(f"mfcc_{k}" for k in range(20))]
        values = np.array(rows, dtype=np.float64).astype(dtype)
        y, sr = melfeat.load(wav, dtype=dtype)
        np.testing.assert_array_equal(values[:, 1:].T, melfeat.mfcc(y, sr))
        np.testing.assert_allclose(values[:, 0], np.arange(len(rows)) * 512 / SR, atol=5.1e-7)  # printed to 1 us

    def test_csv_of_many_names_the_file(self, wav, rng):
        other = write_wav("sub/b, c.wav", rng)
        assert main(["mfcc", wav, other, "-o", "out.csv"]) == 0
        with open("out.csv", encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        assert [row["file"] for row in rows] == ["a.wav"] * 11 + ["sub/b, c.wav"] * 11

    @pytest.mark.parametrize("option", [[], ["-o", "-"]])
    def test_stdout(self, wav, option, capsys):
        assert main(["mfcc", wav, *option]) == 0
        out, err = capsys.readouterr()
        assert main(["mfcc", wav, "-o", "out.csv"]) == 0
        assert out == Path("out.csv").read_text(encoding="utf-8")
        assert err == ""

    def test_times_are_frame_centres_in_the_file(self, wav, capsys):
        assert main(["mfcc", wav, "--no-center", "--n-fft", "1024", "--offset", "0.1"]) == 0
        first = next(csv.DictReader(io.StringIO(capsys.readouterr().out)))
        assert float(first["time"]) == pytest.approx(0.1 + 512 / SR, abs=5.1e-7)

    def test_folder_is_made_and_holds_one_array_each(self, wav, rng):
        names = [wav, write_wav("x/a.wav", rng), write_wav("y/a.wav", rng)]
        assert main(["mfcc", *names, "-o", "out/"]) == 0
        assert sorted(os.listdir("out")) == ["a.npy", "x_a.npy", "y_a.npy"]
        np.testing.assert_array_equal(np.load("out/y_a.npy"), expected("y/a.wav"))

    def test_existing_folder_needs_no_slash(self, wav):
        os.mkdir("out")
        assert main(["mfcc", wav, "-o", "out"]) == 0
        assert os.listdir("out") == ["a.npy"]

    def test_json_report(self, wav, capsys):
        assert main(["mfcc", wav, "missing.wav", "-o", "out.npz", "--json"]) == 1
        report = json.loads(capsys.readouterr().out)
        assert (report["done"], report["failed"], report["parameters"]["hop_length"]) == (1, 1, 512)
        good, bad = report["inputs"]
        assert good == {"path": "a.wav", "ok": True, "name": "a", "out": "out.npz", "shape": [20, 11], "sr": SR}
        assert (bad["path"], bad["ok"]) == ("missing.wav", False)
        assert "missing.wav" in bad["error"]

    def test_channels_are_averaged_and_rate_kept_on_request(self, folder, rng):
        stereo = write_wav("s.wav", rng, sr=16000, channels=2)
        assert main(["mfcc", stereo, "-o", "out.npy", "--sr", "native"]) == 0
        np.testing.assert_array_equal(np.load("out.npy"), expected(stereo, sr=None))


@pytest.mark.parametrize(
    ("options", "parameters"),
    [
        (["--n-mfcc", "13"], {"n_mfcc": 13}),
        (["--dct-type", "3", "--norm", "none"], {"dct_type": 3, "norm": None}),
        (["--lifter", "22"], {"lifter": 22}),
        (["--n-fft", "512", "--hop-length", "160", "--win-length", "400", "--n-mels", "40"],
         {"n_fft": 512, "hop_length": 160, "win_length": 400, "n_mels": 40}),
        (["--window", "hamming"], {"window": "hamming"}),
        (["--window", "kaiser:14"], {"window": ("kaiser", 14.0)}),
        (["--no-center"], {"center": False}),
        (["--pad-mode", "reflect"], {"pad_mode": "reflect"}),
        (["--power", "1"], {"power": 1.0}),
        (["--fmin", "100", "--fmax", "4000", "--htk"], {"fmin": 100.0, "fmax": 4000.0, "htk": True}),
        (["--mel-norm", "none"], {"mel_norm": None}),
        (["--mel-norm", "1"], {"mel_norm": 1.0}),
        (["--top-db", "none"], {"top_db": None}),
        (["--top-db", "30"], {"top_db": 30.0}),
        (["--sr", "8000"], {"sr": 8000}),
    ],
)  # fmt: skip
def test_options_are_the_parameters(wav, options, parameters):
    assert main(["mfcc", wav, "-o", "out.npy", *options]) == 0
    got = np.load("out.npy")
    np.testing.assert_array_equal(got, expected(wav, **parameters))
    default = expected(wav)
    assert got.shape != default.shape or not np.array_equal(got, default), "the option changes nothing"


def test_options_of_load(wav):
    options = ["--offset", "0.05", "--duration", "0.1", "--res-type", "soxr_lq", "--sr", "11025", "--dtype", "float64"]
    assert main(["mfcc", wav, "-o", "out.npy", *options]) == 0
    y, sr = melfeat.load(wav, sr=11025, offset=0.05, duration=0.1, res_type="soxr_lq", dtype=np.float64)
    np.testing.assert_array_equal(np.load("out.npy"), melfeat.mfcc(y, sr))
    assert np.load("out.npy").dtype == np.float64


class TestBadInput:
    def test_others_are_still_processed(self, wav, capsys):
        Path("text.wav").write_text("no sound")
        Path("empty.wav").touch()
        assert main(["mfcc", "text.wav", "gone.wav", wav, "empty.wav", ".", "-o", "out.npz"]) == 1
        err = capsys.readouterr().err
        for name in ("text.wav", "gone.wav", "empty.wav"):
            assert sum(name in line for line in err.splitlines()) == 1
        assert "melfeat: out.npz: 1 of 5 files" in err
        with np.load("out.npz") as archive:
            assert sorted(archive.files) == ["a", "metadata"]

    @pytest.mark.parametrize("out", ["out.npy", "out.npz", "out.csv"])
    def test_nothing_good_nothing_written(self, folder, out, capsys):
        Path("bad.wav").write_bytes(b"RIFF....WAVE")
        before = files()
        assert main(["mfcc", "bad.wav", "-o", out]) == 1
        assert files() == before
        assert "bad.wav" in capsys.readouterr().err

    def test_what_fits_no_file_of_this_length_is_its_failure(self, wav, rng, capsys):
        short = write_wav("short.wav", rng, seconds=0.01)
        assert main(["mfcc", short, wav, "-o", "out.npz", "--no-center"]) == 1
        assert "short.wav" in capsys.readouterr().err

    def test_unexpected_errors_are_named_and_do_not_stop_the_rest(self, wav, rng, monkeypatch, capsys):
        other, compute = write_wav("b.wav", rng), _mfcc._compute

        def sometimes(name, path, *rest):
            if path == wav:
                raise ZeroDivisionError("oops")
            return compute(name, path, *rest)

        monkeypatch.setattr(_mfcc, "_compute", sometimes)
        assert main(["mfcc", wav, other, "-o", "out/"]) == 1
        assert "a.wav: unexpected ZeroDivisionError: oops" in capsys.readouterr().err
        assert os.listdir("out") == ["b.npy"]


class TestUsage:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (["-o", "out.txt"], "-o out.txt: expected a name that ends in .npy, .npz or .csv"),
            (["b.wav", "-o", "out.npy"], "an .npy file holds one array, 2 files were given"),
            (["--json"], "--json prints a report on stdout"),
            (["--n-fft", "0"], "n_fft"),
            (["--n-fft", "-5"], "n_fft"),
            (["--hop-length", "0"], "hop_length"),
            (["--fmax", "20000"], "fmax"),
            (["--fmin", "5000", "--fmax", "4000"], "fmin"),
            (["--window", "hanning-ish"], "window"),
            (["--pad-mode", "mirror-ish"], "pad_mode"),
            (["--lifter", "-1"], "lifter"),
            (["--sr", "-1"], "sr"),
            (["--offset", "-1"], "offset"),
            (["--duration", "nan"], "duration"),
            (["--res-type", "soxr_best"], "res_type"),
            (["--sr", "native", "--n-mels", "0"], "n_mels"),
        ],
    )
    def test_options_that_cannot_work_stop_everything(self, wav, options, message, capsys):
        before = files()
        out = [] if "-o" in options or "--json" in options else ["-o", "out.npz"]
        assert main(["mfcc", wav, *options, *out]) == 2
        err = capsys.readouterr().err
        assert message in err
        assert err.count("\n") == 1  # one line, no traceback
        assert files() == before

    @pytest.mark.parametrize(
        "argv", [["mfcc"], ["mfcc", "a.wav", "--n-mfc", "1.5"], ["nonsense"], ["mfcc", "a.wav", "--window", "kaiser:x"]]
    )
    def test_argparse_agrees_on_the_code(self, folder, argv):
        with pytest.raises(SystemExit, match="2"):
            main(argv)

    def test_no_command_prints_help(self, capsys):
        assert main([]) == 2
        assert "commands:" in capsys.readouterr().err

    @pytest.mark.parametrize("command", [[], ["mfcc"], ["info"], ["warmup"], ["doctor"], ["demo"]])
    def test_help_documents_the_exit_codes(self, command, capsys):
        with pytest.raises(SystemExit, match="0"):
            main([*command, "--help"])
        assert "exit codes:" in capsys.readouterr().out


class TestNothingHalfWritten:
    @pytest.mark.parametrize("out", ["no/out.npy", "no/out.npz", "no/out.csv", "no/out/"])
    def test_missing_folder(self, wav, out, capsys):
        before = files()
        assert main(["mfcc", wav, "-o", out]) == 3
        assert "the folder no does not exist; create it first" in capsys.readouterr().err
        assert files() == before

    @pytest.mark.skipif(sys.platform == "win32", reason="no limits on file sizes there")
    @pytest.mark.parametrize("out", ["out.npy", "out.npz", "out.csv", "out/"])
    def test_full_disk(self, wav, out):
        """A limit on file sizes fails inside write(), as a full disk does."""
        if out != "out/":
            Path(out).write_text("precious")
        before = files()
        code = (
            "import resource, sys, melfeat.cli, melfeat\n"
            "melfeat.mfcc(*melfeat.load('a.wav'))\n"  # kernels are saved before the limit holds
            "resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600))\n"
            f"sys.exit(melfeat.cli.main(['mfcc', 'a.wav', '-o', {out!r}]))"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
        assert done.returncode == 3, done.stderr
        assert done.stderr == f"melfeat: error: {out}: File too large\n"
        assert files() == before
        assert out == "out/" or Path(out).read_text() == "precious"

    @pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
    def test_full_stdout(self, wav):
        with open("/dev/full", "w") as full:
            command = [sys.executable, "-m", "melfeat", "mfcc", wav]
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=300)
        assert (done.returncode, done.stderr) == (3, "melfeat: error: stdout: No space left on device\n")

    @pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
    @pytest.mark.parametrize("out", ["out.npz", "out.csv"])
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_signals(self, wav, rng, out, number, monkeypatch):
        """The second of two files is interrupted: the output would have held half."""
        other, compute = write_wav("b.wav", rng), _mfcc._compute
        before = files()

        def interrupted(name, path, *rest):
            if path == other:
                os.kill(os.getpid(), number)
            return compute(name, path, *rest)

        monkeypatch.setattr(_mfcc, "_compute", interrupted)
        if number == signal.SIGTERM:
            with pytest.raises(SystemExit, match="143"):
                main(["mfcc", wav, other, "-o", out])
        else:
            assert main(["mfcc", wav, other, "-o", out]) == 130
        assert files() == before
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL

    @pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")
    def test_reader_that_goes_away(self, folder, rng):
        write_wav("long.wav", rng, seconds=20)
        command = [sys.executable, "-m", "melfeat", "mfcc", "long.wav"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            process.stdout.read(100)
            process.stdout.close()
            assert process.stderr.read() == b""
            assert process.wait(timeout=300) == 141


class TestOpenAtomic:
    def test_replaces_only_when_all_is_well(self, folder):
        Path("x").write_text("old")
        with pytest.raises(TypeError), open_atomic("x") as stream:
            stream.writelines([b"new", "text, not bytes"])
        assert (Path("x").read_text(), files()) == ("old", ["x"])
        with open_atomic("x") as stream:
            stream.write(b"new")
            assert Path("x").read_text() == "old"
        assert (Path("x").read_text(), files()) == ("new", ["x"])

    @pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
    def test_keeps_links_and_permissions(self, folder):
        Path("target").write_text("old")
        os.chmod("target", 0o640)
        os.symlink("target", "link")
        with open_atomic("link") as stream:
            stream.write(b"new")
        assert os.path.islink("link")
        assert Path("target").read_text() == "new"
        assert os.stat("target").st_mode & 0o777 == 0o640

    @pytest.mark.skipif(not os.path.exists("/dev/null"), reason="needs /dev/null")
    def test_writes_to_devices_in_place(self):
        with open_atomic("/dev/null") as stream:
            stream.write(b"x")
        assert not os.path.isfile("/dev/null")

    def test_names_the_target_in_errors(self, folder):
        with pytest.raises(FileNotFoundError) as caught, open_atomic("no/x"):
            pass
        assert caught.value.filename == "no/x"
        with pytest.raises(IsADirectoryError, match="is a folder"), open_atomic("."):
            pass


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["a.wav", "b.wav"], ["a", "b"]),
        (["x/a.wav", "y/a.wav", "y/b.wav"], ["x_a", "y_a", "b"]),
        (["x/1/a.wav", "y/1/a.wav"], ["x_1_a", "y_1_a"]),
        (["a.wav", "a.flac", "A.ogg"], ["a", "a_2", "A_3"]),
        (["a.wav", "a.wav"], ["a", "a_2"]),
        (["metadata.wav"], ["metadata_2"]),
        (["/a.wav", "../a.wav"], ["a", "a_2"]),
        ([], []),
    ],
)
def test_unique_names(paths, names):
    assert unique_names(paths) == names


class TestInfo:
    def test_text(self, wav, capsys):
        assert main(["info", wav]) == 0
        assert capsys.readouterr().out == "a.wav: WAV PCM_16, 22050 Hz, 1 channel, 5512 samples, 0.250 s\n"

    def test_bad_files_are_reported(self, wav, capsys):
        Path("text.wav").write_text("no sound")
        assert main(["info", "text.wav", wav, "gone.wav"]) == 1
        out, err = capsys.readouterr()
        assert out.count("\n") == 1
        assert "text.wav" in err
        assert "gone.wav" in err

    def test_json(self, wav, capsys):
        assert main(["info", wav, "gone.wav", "--json"]) == 1
        good, bad = json.loads(capsys.readouterr().out)
        assert (good["path"], good["frames"], good["duration"]) == ("a.wav", 5512, 0.24997732426303854)
        assert (bad["path"], bad["readable"], bad["frames"]) == ("gone.wav", False, None)


@pytest.fixture(scope="module")
def warmed(tmp_path_factory):
    """A cache that one process has filled, the environment that leads there, and what that process said."""
    folder = tmp_path_factory.mktemp("warmed")
    environment = {**os.environ, "MELFEAT_CACHE_DIR": str(folder)}
    environment.pop("NUMBA_DISABLE_JIT", None)
    done = melfeat_process("warmup", "--dtype", "float32", "--check", "--json", env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    return folder, environment, json.loads(done.stdout)


class TestWarmup:
    @needs_jit
    def test_compiles_everything_and_proves_it_in_a_fresh_process(self, warmed):
        folder, environment, report = warmed
        assert report["compiled"] > 50
        assert report["cache"].startswith(str(folder))
        assert report["check"]["compiled"] == 0
        assert report["check"]["calls"] == {}
        assert report["check"]["from_cache"] > 30
        again = melfeat_process("warmup", "--dtype", "float32", "--check", env=environment)
        assert (again.returncode, again.stderr) == (0, "")
        assert again.stdout.startswith("0 kernels compiled, ")
        last = again.stdout.splitlines()[-1]
        assert re.fullmatch(r"check: a fresh process compiled nothing: \d+ kernels, all read from the cache", last)

    @needs_jit
    def test_leaves_out_no_kernel(self, warmed):
        """Each that exists is in the cache, so a new one that nothing in the exercise calls is found here."""
        folder, environment, _ = warmed
        code = (
            "import importlib, pkgutil, melfeat.kernels as package\n"
            "for found in pkgutil.iter_modules(package.__path__, 'melfeat.kernels.'):\n"
            "    importlib.import_module(found.name)\n"
            "from melfeat.kernels._jit import KERNELS; print(*KERNELS)"
        )
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
        known = {name.removeprefix("melfeat.kernels.") for name in done.stdout.split()}
        assert len(known) > 50
        assert known == {path.name.split("-")[0] for path in folder.rglob("*.kernel")}

    @needs_jit
    def test_check_says_what_is_still_compiled(self, warmed, tmp_path, monkeypatch, capsys):
        """A cache that loses a file between the two processes."""
        from melfeat.cli import _exercise, _machine

        copy = shutil.copytree(warmed[0], tmp_path / "cache")
        lost = list(copy.rglob("delta.edge_dot-*.kernel"))
        assert lost
        for path in lost:
            path.unlink()
        monkeypatch.setenv("MELFEAT_CACHE_DIR", str(copy))
        found = _exercise.check_in_fresh_process(["float32"])
        assert found["compiled"] == len(lost)
        assert {kernel for kernels in found["calls"].values() for kernel in kernels} == {
            "melfeat.kernels.delta.edge_dot"
        }
        assert _machine._verdict(found, False) == 1
        said = capsys.readouterr().err
        assert "check: a fresh process still compiled" in said
        assert "delta interp (float32): melfeat.kernels.delta.edge_dot" in said

    def test_check_without_a_python_to_start(self, monkeypatch):
        from melfeat.cli import _exercise
        from melfeat.cli._common import CannotRunError

        monkeypatch.setattr(sys, "executable", "")
        with pytest.raises(CannotRunError, match="there is no Python to start a fresh process with"):
            _exercise.check_in_fresh_process(["float32"])

    @needs_jit
    def test_nowhere_to_keep_anything(self, tmp_path):
        """A file is where the folder should be: every process compiles again, so there is nothing to prove."""
        (tmp_path / "file").touch()
        environment = {**os.environ, "MELFEAT_CACHE_DIR": str(tmp_path / "file")}
        code = (
            "import sys; from melfeat.cli import main, _exercise\n"
            "_exercise.calls = lambda dtype: [('delta', lambda: __import__('melfeat').delta([0.0] * 9))]\n"
            "_exercise._compile_passes = lambda dtype: None\n"
            "sys.exit(main(['warmup', '--check', '--json']))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 3
        assert json.loads(done.stdout)["cache"] is None
        assert "check" not in json.loads(done.stdout)
        assert "no cache folder can be written" in done.stderr

    def test_without_jit_there_is_nothing_to_warm(self, monkeypatch, capsys):
        from melfeat.kernels import _jit

        monkeypatch.setattr(_jit, "JIT_DISABLED", True)
        assert main(["warmup"]) == 3
        assert "NUMBA_DISABLE_JIT is set" in capsys.readouterr().err


class TestDoctor:
    def test_json(self, capsys, monkeypatch):
        monkeypatch.setenv("NUMBA_OPT", "3")
        code = main(["doctor", "--json"])
        report = json.loads(capsys.readouterr().out)
        assert code == (1 if report["problems"] else 0)
        assert report["versions"]["melfeat"] == melfeat.__version__
        assert report["versions"]["numpy"] == np.__version__
        assert report["versions"]["libsndfile"]
        assert report["environment"]["NUMBA_OPT"] == "3"
        assert report["cpu"]["lanes32"] == 2 * report["cpu"]["lanes64"]

    def test_text_has_every_section(self, capsys):
        main(["doctor"])
        out = capsys.readouterr().out
        for title in ("versions:", "extras:", "cpu:", "threads:", "cache:", "environment:", "problems:"):
            assert f"\n{title}" in f"\n{out}"

    @pytest.mark.parametrize(
        ("kernels", "problem"),
        [
            ((0, 0), "no cache folder can be written, so every process compiles again"),
            ((0, 7), "no cache folder can be written, and the kernels there are for another processor, so every"),
            ((50, 0), None),
        ],
    )
    def test_a_cache_that_cannot_be_written(self, monkeypatch, capsys, kernels, problem):
        """Which matters only if what is needed is not in it."""
        from melfeat.kernels import _jit

        monkeypatch.setattr(_jit, "writable_cache_folder", lambda: None)
        monkeypatch.setattr(_jit, "cached_kernels", lambda: kernels)
        assert main(["doctor"]) == (0 if problem is None else 1)
        out = capsys.readouterr().out
        assert ("set MELFEAT_CACHE_DIR" in out) == (problem is not None)
        assert problem is None or problem in out

    def test_threads_that_nobody_can_have(self, monkeypatch, capsys):
        monkeypatch.setattr(workers, "_chosen", None)
        monkeypatch.setattr(workers, "_by_default", None)
        monkeypatch.setenv("MELFEAT_NUM_THREADS", "many")
        assert main(["doctor"]) == 1
        assert "MELFEAT_NUM_THREADS='many': expected an integer >= 1" in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("texts", "quota"),
        [
            ({"/sys/fs/cgroup/cpu.max": "150000 100000\n"}, 1.5),
            ({"/sys/fs/cgroup/cpu.max": "max 100000\n"}, None),
            (
                {
                    "/proc/self/cgroup": "0::/pod/box\n",
                    "/sys/fs/cgroup/pod/box/cpu.max": "max 100000",
                    "/sys/fs/cgroup/pod/cpu.max": "200000 100000",
                },
                2.0,
            ),
            (
                {
                    "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000",
                    "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
                },
                0.5,
            ),
            ({"/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1"}, None),
            ({}, None),
        ],
    )
    def test_quota(self, texts, quota):
        def read(path):
            if path not in texts:
                raise FileNotFoundError(path)
            return texts[path]

        assert workers.cpu_quota(read) == quota


def test_module_and_version():
    done = melfeat_process("--version")
    assert (done.returncode, done.stdout) == (0, f"melfeat {melfeat.__version__}\n")


def test_demo(tmp_path, capsys):
    assert main(["demo", "-o", str(tmp_path)]) == 0
    assert "(20, 216)" in capsys.readouterr().out
    assert main(["demo", "-o", str(tmp_path / "nowhere")]) == 3


def test_defects_are_said_to_be_ours(wav, monkeypatch, capsys):
    monkeypatch.setattr(_mfcc, "_check_parameters", lambda *_: 1 // 0)
    assert main(["mfcc", wav]) == 3
    assert "this is a defect of melfeat" in capsys.readouterr().err


def test_real_recordings(shared_data, folder, capsys):
    recordings = sorted(str(path) for path in (shared_data / "speech").iterdir())
    assert main(["mfcc", *recordings, "-o", "out.npz"]) == 0
    with np.load("out.npz") as archive:
        for name, path in zip(unique_names(recordings), recordings, strict=True):
            np.testing.assert_array_equal(archive[name], expected(path))
