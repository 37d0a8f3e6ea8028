"""Damaged files, invented options and configurations: nothing but melfeat's own errors, no crash, no hang.

Two kinds of runs: hypothesis, which makes what it finds small, and a short one of scripts/fuzz.py, which follows the
lines that inputs reach. docs/deploy.md says how to run the latter for longer.
"""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import melfeat
from melfeat.config import Config
from melfeat.config.presets import presets
from melfeat.errors import MelfeatError, ParameterError
from melfeat.io import describe
from scripts import fuzz

SCRIPT = Path(fuzz.__file__)
SOUNDS = fuzz.sound_seeds()

#: Changes of a file: a place, what is done there, a value.
CHANGES = st.lists(
    st.tuples(st.floats(0, 1), st.sampled_from(("byte", "number", "cut", "double")), st.integers(0, 2**32 - 1)),
    min_size=1,
    max_size=4,
)


def changed(data: bytes, changes: list[tuple[float, str, int]]) -> bytes:
    made = bytearray(data)
    for where, what, value in changes:
        at = int(where**3 * len(made))  # headers are worth more
        if what == "byte":
            made[at : at + 1] = bytes([value % 256])
        elif what == "number":
            made[at : at + 4] = value.to_bytes(4, "little" if value % 2 else "big")
        elif what == "cut":
            del made[at : at + value % 100]
        else:
            made[at:at] = made[at : at + value % 100]
    return bytes(made)


def outcome(source: Any) -> tuple[str, bytes]:
    """Return how loading ends: samples, or the error without what it calls the source."""
    try:
        y, sr = melfeat.load(source, sr=None)
    except MelfeatError as error:
        return type(error).__name__, str(error).partition(": ")[2].encode()
    return str(sr), y.tobytes()


#: An exception in a callback of the decoder is printed, not raised.
quiet = pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")


@quiet
class TestLoad:
    @settings(max_examples=200)
    @given(data=st.sampled_from(SOUNDS), changes=CHANGES)
    def test_changed_files(self, data, changes):
        damaged = changed(data, changes)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            facts = describe(damaged)
            try:
                y, sr = melfeat.load(damaged, sr=None, mono=False)
                short, _ = melfeat.load(io.BytesIO(damaged), sr=None, duration=0.01)
            except MelfeatError as error:
                message = str(error)
            else:
                message = ""
        assert len(message) < 1000, "a message that can be read"
        if message:
            return
        assert facts["samplerate"] == sr
        assert y.dtype == np.float32
        assert short.shape[-1] <= 0.01 * sr

    @settings(max_examples=100)
    @given(data=st.binary(max_size=300))
    def test_noise(self, data):
        with contextlib.suppress(MelfeatError):
            melfeat.load(data)
        assert describe(data)["readable"] in (True, False)

    @given(name=st.text(max_size=30))
    def test_names(self, name):
        """Whatever the name is, it is no file, or not one that is audio."""
        with pytest.raises(MelfeatError):
            melfeat.load(f"no such folder/{name}")

    def test_places_before_the_first_byte(self, tmp_path, capfd):
        """A damaged header sends the decoder there; bytes, open files and paths must agree on what that means."""
        data = next(data for data in SOUNDS if data[:4] == b"FORM")
        path = tmp_path / "sound.aiff"
        for at in range(4, 60):
            for number in (b"\xff\xff\xff\xff", b"\x80\0\0\0", b"\0\0\0\0"):
                path.write_bytes(data[:at] + number + data[at + 4 :])
                with open(path, "rb") as file:
                    outcomes = [outcome(source) for source in (path, path.read_bytes(), file)]
                assert outcomes[0] == outcomes[1] == outcomes[2], (at, number)
        assert capfd.readouterr() == ("", "")

    def test_a_dash_is_a_name(self, tmp_path, monkeypatch):
        """libsndfile would wait for a recording on stdin."""
        monkeypatch.chdir(tmp_path)
        with pytest.raises(melfeat.AudioFileMissingError):
            melfeat.load("-")
        Path("-").write_bytes(SOUNDS[0])
        assert melfeat.load("-")[0].size > 0

    def test_headers_that_promise_any_length_or_rate(self):
        """FLAC has 36 bits for its length, and decoders believe them; a rate of 1 Hz would fill the memory."""
        import soundfile

        file = io.BytesIO()
        y = np.random.default_rng(1).integers(-999, 999, 3000).astype(np.int16)
        soundfile.write(file, y, 8000, format="FLAC", subtype="PCM_16")
        data = bytearray(file.getvalue())
        data[21], data[22:26] = data[21] & 0xF0 | 1, b"\xff\xff\xff\xff"  # 2**33 - 1 frames: 32 GB
        np.testing.assert_array_equal(melfeat.load(bytes(data), sr=None)[0], y / np.float32(2**15))
        got = melfeat.load(bytes(data), sr=None)[0]
        assert got.base is None or got.base.size == y.size, "no gigabytes behind it"
        slow = io.BytesIO()
        soundfile.write(slow, y, 7, format="WAV", subtype="PCM_16")
        with pytest.raises(
            melfeat.AudioFileError, match=r"its rate is 7 Hz, of which 22050 Hz would be more than 1000"
        ):
            melfeat.load(slow.getvalue())
        assert melfeat.load(slow.getvalue(), sr=None)[1] == 7


PRESETS = [json.loads(Config.preset(name).to_json()) for name in presets()]

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(-3, 3) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=2),
    max_leaves=4,
)


class TestConfig:
    @settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
    @given(data=st.data())
    def test_changed_options(self, data):
        """An option of a preset gets any value there is in JSON: it is refused, or the configuration comes back."""
        options: dict[str, Any] = json.loads(json.dumps(data.draw(st.sampled_from(PRESETS))))
        for _ in range(data.draw(st.integers(1, 3))):
            inside = data.draw(
                st.sampled_from([options, *(part for part in options.values() if isinstance(part, dict))])
            )
            name = data.draw(st.sampled_from([*inside, "sr"]) | st.text(max_size=8))
            if data.draw(st.booleans()):
                inside[name] = data.draw(VALUES)
            else:
                inside.pop(name, None)
        text = json.dumps(options)
        try:
            config = Config.from_json(text)
        except ParameterError:
            return
        again = Config.from_json(config.to_json())
        assert again == config
        assert again.fingerprint == config.fingerprint
        assert "features" in str(melfeat.explain(config))
        assert str(melfeat.diff(config, "kaldi-mfcc"))

    @settings(max_examples=200)
    @given(text=st.text(max_size=60) | st.binary(max_size=60) | VALUES.map(json.dumps))
    def test_noise(self, text):
        with pytest.raises(ParameterError):
            Config.from_json(text)

    @pytest.mark.parametrize("text", ["[" * 100_000, '{"melfeat_config": ' + "9" * 5000 + "}", "{" * 2000, "\ud800"])
    def test_depths_and_lengths(self, text):
        with pytest.raises(ParameterError):
            Config.from_json(text)


class TestCommandLine:
    OPTIONS = (
        *("--sr", "--offset", "--duration", "--res-type", "--dtype", "--n-fft", "--hop-length", "--win-length"),
        *("--window", "--no-center", "--pad-mode", "--power", "--n-mels", "--fmin", "--fmax", "--htk", "--mel-norm"),
        *("--top-db", "--n-mfcc", "--dct-type", "--norm", "--lifter", "--json", "--preset"),
    )
    WORDS = (
        *("0", "-1", "1", "7", "64", "1e9", "1e-9", "nan", "inf", "none", "native", "hann", "kaiser:", "kaiser:nan"),
        *("ortho", "reflect", "", "é", "whisper", "float64", "\udce9"),
    )

    @settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
    @given(
        chosen=st.lists(st.tuples(st.sampled_from(OPTIONS), st.none() | st.sampled_from(WORDS)), max_size=3),
        sound=st.sampled_from(SOUNDS),
        out=st.sampled_from(("x.npy", "x.csv", "x.npz", "-")),
    )
    def test_options(self, chosen, sound, out, tmp_path):
        """Exit codes are those that are documented, and no message blames melfeat."""
        from melfeat.cli import main

        (tmp_path / "in.wav").write_bytes(sound)
        target = out if out == "-" else str(tmp_path / out)
        argv = ["mfcc", str(tmp_path / "in.wav"), "-o", target, "--n-mels", "8", "--n-mfcc", "4"]
        argv += [word for name, value in chosen for word in (name, value) if word is not None]
        said, printed = io.StringIO(), io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(printed):
            try:
                code = main(argv)
            except SystemExit as error:
                code = error.code
        assert code in (0, 1, 2, 3)
        assert "defect" not in said.getvalue()
        assert "unexpected" not in said.getvalue(), argv
        assert (code == 0) <= (out == "-" or (tmp_path / out).exists())


def run_script(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *args]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize(("target", "runs"), [("load", 500), ("config", 1500), ("formats", 400), ("cli", 60)])
def test_the_script_finds_nothing(target, runs, tmp_path):
    done = run_script(target, "--runs", str(runs), "--seconds", "15", "--seed", "20261121", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 kinds of findings" in done.stdout


def test_the_script_finds_what_there_is(tmp_path):
    """An exception, a crash and a hang, each written to a file; what follows them is run."""
    done = run_script("self-test", "--runs", "5", "--limit", "0.3", cwd=tmp_path)
    assert done.returncode == 1
    assert "self-test: 5 inputs" in done.stdout
    assert "3 kinds of findings" in done.stdout
    found = sorted(path.read_bytes() for path in (tmp_path / "findings").iterdir())
    assert found == [b"crash now", b"hang on", b"raise it"]
    for text in ("ZeroDivisionError", "crash, exit code -6", "hang\n"):
        assert text in done.stdout


def test_the_same_seed_gives_the_same_inputs():
    import random

    first, second = random.Random(3), random.Random(3)
    assert [fuzz.mutate(data, SOUNDS, first) for data in SOUNDS] == [
        fuzz.mutate(data, SOUNDS, second) for data in SOUNDS
    ]
