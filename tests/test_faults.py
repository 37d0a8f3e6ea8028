"""Faults in the middle: files that vanish or shrink while read, full disks, kills. Never a half that looks whole.

`melfeat.extract_file` has tests of its own, in test_long_files.py.
"""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import melfeat
from melfeat.errors import AudioFileError
from tests.places import LIMIT, LINUX, POSIX, SCRIPTS, child, enclosed, environment, work
from tests.support import needs_jit

pytestmark = needs_jit


def sound(folder: Path, kind: str, subtype: str, n: int = 200_000) -> Path:
    path = folder / f"sound.{kind.lower()}"
    y = np.random.default_rng(7).integers(-9999, 9999, n).astype(np.int16)
    soundfile.write(path, y, 8000, format=kind, subtype=subtype)
    return path


KINDS = [("WAV", "PCM_16"), ("WAV", "PCM_24"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("AIFF", "PCM_16")]


class TestReading:
    @POSIX
    @pytest.mark.parametrize(("kind", "subtype"), KINDS)
    def test_a_file_that_vanishes(self, tmp_path, kind, subtype):
        """What is open stays readable where a name is not the file itself."""
        path = sound(tmp_path, kind, subtype)
        expected = melfeat.load(path, sr=None)[0]
        blocks = melfeat.stream(path, 100, 256, 256)
        first = next(blocks)
        path.unlink()
        np.testing.assert_array_equal(np.concatenate([first, *blocks]), expected)

    @POSIX
    @pytest.mark.parametrize(("kind", "subtype"), KINDS)
    def test_a_file_that_shrinks(self, tmp_path, kind, subtype):
        """It is not taken for a recording that ends there."""
        path = sound(tmp_path, kind, subtype)
        blocks = melfeat.stream(path, 100, 256, 256)
        next(blocks)
        os.truncate(path, path.stat().st_size // 2)
        with pytest.raises(AudioFileError, match=r"sound\.\w+': became shorter while it was read"):
            list(blocks)

    def test_a_file_that_was_cut_before_is_a_recording_that_ends_there(self, tmp_path):
        path = sound(tmp_path, "WAV", "PCM_24")
        os.truncate(path, path.stat().st_size // 2)
        assert sum(block.size for block in melfeat.stream(path, 100, 256, 256)) == pytest.approx(100_000, abs=20)

    @pytest.mark.parametrize(("kind", "subtype"), KINDS)
    @pytest.mark.parametrize("after", [0, 1, 7])
    @pytest.mark.parametrize("error", [OSError(5, "Input/output error"), RuntimeError("no connection"), EOFError()])
    def test_a_file_object_that_fails(self, tmp_path, capfd, kind, subtype, after, error):
        """The decoder's callbacks would print the exception, go on without the data and say that all is well."""

        class Failing(io.BytesIO):
            reads = 0

            def readinto(self, buffer: Any) -> int:
                self.reads += 1
                if self.reads > after:
                    raise error
                return super().readinto(buffer)

        path = sound(tmp_path, kind, subtype)
        with pytest.raises(AudioFileError, match=rf"cannot be read \({type(error).__name__}") as caught:
            melfeat.load(Failing(path.read_bytes()))
        assert caught.value.__cause__ is error
        assert capfd.readouterr() == ("", "")

    def test_ctrl_c_in_a_file_object_is_ctrl_c(self, tmp_path, capfd):
        class Interrupted(io.BytesIO):
            def readinto(self, buffer: Any) -> int:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            melfeat.load(Interrupted(sound(tmp_path, "FLAC", "PCM_16").read_bytes()))
        assert capfd.readouterr() == ("", "")

    @pytest.mark.parametrize(
        "wrong",
        [lambda self, n=-1: None, lambda self, n=-1: "text", lambda self, n=-1: bytes(n + 1), lambda self, n=-1: b""],
        ids=["None", "text", "more", "nothing"],
    )
    def test_file_objects_that_misbehave(self, capfd, wrong):
        reader = type("Reader", (), {"read": wrong, "seek": lambda self, *_: 0, "tell": lambda self: 0})
        with pytest.raises(AudioFileError):
            melfeat.load(reader())
        assert capfd.readouterr() == ("", "")

    def test_file_objects_that_only_read(self, tmp_path):
        """Without `readinto`, with a `seek` that returns nothing."""
        path = sound(tmp_path, "FLAC", "PCM_16")

        class Plain:
            def __init__(self) -> None:
                file = self.file = io.BytesIO(path.read_bytes())
                self.read, self.tell = file.read, file.tell

            def seek(self, *args: Any) -> None:
                self.file.seek(*args)

        np.testing.assert_array_equal(melfeat.load(Plain(), sr=None)[0], melfeat.load(path, sr=None)[0])

    @LINUX
    def test_no_more_open_files(self, tmp_path):
        code = (
            "import resource, sys, melfeat, soundfile\n"
            "melfeat.load(sys.argv[1])\n"
            "resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))\n"
            "try: melfeat.load(sys.argv[1])\n"
            "except melfeat.AudioFileError as error: print(error)\n"
        )
        for kind, subtype in KINDS[:3]:
            path = sound(tmp_path, kind, subtype, n=100)
            command = [sys.executable, "-c", code, str(path)]
            done = subprocess.run(command, env={**os.environ}, capture_output=True, text=True, timeout=LIMIT)
            assert "cannot be read" in done.stdout, done.stderr
            assert "Too many open files" in done.stdout


class TestWriting:
    """Every file that the library writes; the script tells what is left of each."""

    @POSIX
    def test_kill_9(self, tmp_path, warm):
        found = json.loads(child("killed.py", "kill", str(tmp_path), MELFEAT_CACHE_DIR=warm))
        assert len({entry["name"] for entry in found}) == 7
        assert {entry["step"] for entry in found} == {"1", "700", "sync", "rename"}
        for entry in found:
            if entry["ended"] == 0:  # all of the file was shorter than that
                assert entry["step"] == "700", entry
                continue
            assert entry["ended"] == -signal.SIGKILL, entry
            assert entry["same"], entry
            assert all(Path(name).name.startswith(".melfeat-") for name in entry["others"]), entry
            assert entry["again"], entry
        assert sum(entry["ended"] == 0 for entry in found) <= 2

    @LINUX
    def test_a_limit_on_sizes(self, tmp_path, warm):
        """Fails inside write(), at a byte in the middle."""
        self.check(json.loads(child("killed.py", "limit", str(tmp_path), MELFEAT_CACHE_DIR=warm)))

    @LINUX
    def test_a_full_disk(self, tmp_path, warm):
        """16 kB; the recording lies beside it."""
        folder = tmp_path / "full"
        folder.mkdir()
        prefix = enclosed(f"mount -t tmpfs -o size=16k none '{folder}'")
        self.check(json.loads(child("killed.py", "full", str(folder), prefix=prefix, MELFEAT_CACHE_DIR=warm)))

    def check(self, found: list[dict[str, Any]]) -> None:
        assert len(found) == 14
        for entry in found:
            if entry["name"] == "stats" and entry["step"] == "full":
                continue  # small enough to fit
            assert entry["ended"] == 5, entry
            assert entry["same"], entry
            assert entry["others"] == [], "nothing of it stays"


class TestCache:
    """Kernels are files too."""

    @POSIX
    def test_kill_9_while_a_kernel_is_saved(self, tmp_path):
        """Before it gets its name: the next process compiles it again and never looks at what is left."""
        code = (
            "import os, signal\n"
            "os.replace = lambda *args: os.kill(os.getpid(), signal.SIGKILL)\n"
            "import work\n"
            "work.bank()\n"
        )
        env = environment(MELFEAT_CACHE_DIR=tmp_path)
        done = subprocess.run([sys.executable, "-c", code], env=env, cwd=SCRIPTS, capture_output=True, timeout=LIMIT)
        assert done.returncode == -signal.SIGKILL, done.stderr
        assert {path.suffix for path in tmp_path.rglob("*.*")} == {".tmp"}
        assert work("bank", MELFEAT_CACHE_DIR=tmp_path)["compiled"] > 0
        assert work("bank", MELFEAT_CACHE_DIR=tmp_path)["compiled"] == 0

    @LINUX
    def test_a_limit_on_sizes(self, tmp_path):
        """No kernel fits: it is as if there were no cache, and nothing is left of the attempts."""
        code = (
            "import resource, work\nresource.setrlimit(resource.RLIMIT_FSIZE, (900, 900))\nwork.report(work.bank())\n"
        )
        env = environment(MELFEAT_CACHE_DIR=tmp_path)
        done = subprocess.run([sys.executable, "-c", code], env=env, cwd=SCRIPTS, capture_output=True, timeout=LIMIT)
        assert (done.returncode, done.stderr) == (0, b"")
        assert json.loads(done.stdout)["compiled"] > 0
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
