"""The cache of compiled kernels: never stale, never in the way, and hit. Each case is a process of its own."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import melfeat
from tests.support import needs_jit

PACKAGE = Path(melfeat.__file__).parent

pytestmark = needs_jit

#: Runs two kernels, of which one calls the other from another file, and an entry called by its address.
PROGRAM = """
import json, sys, warnings
import numpy as np, melfeat
warnings.simplefilter("ignore")
sums = [float(melfeat.melspectrogram(S=np.ones((9, 4)), sr=8000, n_mels=3).sum())]
hits = misses = 0
if "mfcc" in sys.argv:
    y = np.random.default_rng(1).standard_normal(100).astype(np.float32)
    sums.append(float(melfeat.mfcc(y, n_fft=16, hop_length=8, n_mels=3, n_mfcc=3).astype(float).sum()))
from melfeat.kernels._jit import KERNELS, Entry
for value in KERNELS.values():
    for stats in value.compiled.values() if isinstance(value, Entry) else [value.stats]:
        found = stats.cache_hits
        if isinstance(value, Entry):
            hits, misses = hits + (found > 0), misses + (found == 0)
        else:
            hits, misses = hits + sum(found.values()), misses + sum(stats.cache_misses.values())
print(json.dumps({"sums": sums, "hits": hits, "misses": misses, "file": melfeat.__file__}))
"""

CACHES = ("MELFEAT_CACHE_DIR", "NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "NUMBA_DISABLE_JIT")


def environment(**changes: str | Path | None) -> dict[str, str]:
    """Return this process's environment without its caches, importing the very package under test."""
    env = {name: value for name, value in os.environ.items() if name not in CACHES}
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(PACKAGE.parent), env.get("PYTHONPATH")]))
    for name, value in changes.items():
        env.pop(name, None)
        if value is not None:
            env[name] = str(value)
    return env


def start(*args: str, **changes: str | Path | None) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *args],
        env=environment(**changes),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen) -> dict:
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert err == "", "a cache that does not work is not the user's problem"
    return json.loads(out)


def run(*args: str, **changes: str | Path | None) -> dict:
    return finish(start(*args, **changes))


def kernels(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.kernel"))


@pytest.fixture(scope="module")
def filled(tmp_path_factory) -> Path:
    """A cache that one process has filled."""
    folder = tmp_path_factory.mktemp("filled")
    first = run(MELFEAT_CACHE_DIR=folder)
    assert first["hits"] == 0
    assert first["misses"] > 0
    return folder


@pytest.fixture
def copy(filled, tmp_path) -> Path:
    """A copy of the filled cache, to be damaged."""
    return Path(shutil.copytree(filled, tmp_path / "cache"))


def test_the_second_process_compiles_nothing(filled):
    before = {path: path.stat().st_mtime_ns for path in kernels(filled)}
    assert before
    second = run(MELFEAT_CACHE_DIR=filled)
    assert second["misses"] == 0
    assert second["hits"] > 0
    assert {path: path.stat().st_mtime_ns for path in kernels(filled)} == before


def test_a_whole_mfcc_is_cached(tmp_path):
    """Kernels that call others by address are: the address is an argument, not a constant in the code."""
    first = run("mfcc", MELFEAT_CACHE_DIR=tmp_path)
    second = run("mfcc", MELFEAT_CACHE_DIR=tmp_path)
    assert second["misses"] == 0
    assert second["hits"] > 0
    assert second["sums"] == first["sums"]


def test_an_edited_callee_is_compiled_again(filled, tmp_path):
    """What Numba's own cache gets wrong: the edited file is not that of the kernel Python calls."""
    changed = Path(shutil.copytree(PACKAGE, tmp_path / "melfeat", ignore=shutil.ignore_patterns("__pycache__")))
    unchanged = run(MELFEAT_CACHE_DIR=filled, PYTHONPATH=tmp_path)
    assert unchanged["misses"] == 0, "the same sources in another place are the same code"
    assert unchanged["file"].startswith(str(tmp_path))
    callee = changed / "kernels" / "filterbank.py"
    callee.write_text(
        callee.read_text(encoding="utf-8")
        + "\n\n@codelet()\ndef _put_sum(work, out, even, odd):\n    store(work, out, (even + odd) * 2.0)\n",
        encoding="utf-8",
    )
    edited = run(MELFEAT_CACHE_DIR=filled, PYTHONPATH=tmp_path)
    assert edited["hits"] == 0
    assert edited["sums"][0] == pytest.approx(2 * unchanged["sums"][0])
    assert run(MELFEAT_CACHE_DIR=filled)["misses"] == 0, "the old code is still there for the old sources"


def test_damaged_files_are_replaced(copy):
    """Each in another way: cut short, empty, one bit flipped, another's content under a right checksum."""
    foreign = b"not a pickle"
    files = kernels(copy)
    assert len(files) >= 4
    for i, path in enumerate(files):
        blob = path.read_bytes()
        path.write_bytes(
            [
                blob[: len(blob) // 2],
                b"",
                blob[:-9] + bytes([blob[-9] ^ 1]) + blob[-8:],
                hashlib.sha256(foreign).digest() + foreign,
            ][i % 4]
        )
    assert run(MELFEAT_CACHE_DIR=copy)["hits"] == 0
    assert run(MELFEAT_CACHE_DIR=copy)["misses"] == 0


def test_two_processes_at_once(tmp_path):
    """Both work, no half-written file stays, and a third finds everything."""
    results = [finish(process) for process in [start(MELFEAT_CACHE_DIR=tmp_path) for _ in range(2)]]
    assert results[0]["sums"] == results[1]["sums"]
    assert not list(tmp_path.rglob("*.tmp"))
    assert run(MELFEAT_CACHE_DIR=tmp_path)["misses"] == 0


def test_a_folder_that_cannot_be_made(tmp_path):
    """A file where the folder should be: nobody can write there, not even root."""
    (tmp_path / "file").write_text("")
    assert run(MELFEAT_CACHE_DIR=tmp_path / "file" / "cache")["misses"] > 0


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_still_serves(copy):
    for folder in (copy, *copy.rglob("*/")):
        folder.chmod(0o500)
    try:
        assert run(MELFEAT_CACHE_DIR=copy)["misses"] == 0
    finally:
        for folder in (copy, *copy.rglob("*/")):
            folder.chmod(0o700)


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="POSIX permissions")
def test_a_folder_that_others_may_write_is_not_trusted(copy):
    for folder in copy.glob("melfeat-*"):
        folder.chmod(0o777)
    assert run(MELFEAT_CACHE_DIR=copy)["hits"] == 0


def test_no_home(tmp_path):
    """The package read-only, no home, no temporary folder but this: something is found or nothing, and it works."""
    package = Path(shutil.copytree(PACKAGE, tmp_path / "melfeat", ignore=shutil.ignore_patterns("__pycache__")))
    (package / "kernels" / "__pycache__").write_text("no folder can be made here")
    scratch = tmp_path / "scratch"
    scratch.mkdir(mode=0o700)
    changes = {"HOME": "/nonexistent", "TMPDIR": scratch, "PYTHONPATH": tmp_path, "PYTHONDONTWRITEBYTECODE": "1"}
    assert run(**changes)["misses"] > 0
    assert kernels(scratch)
    assert run(**changes)["misses"] == 0


def test_numbas_variable_is_respected(filled, tmp_path):
    assert run(NUMBA_CACHE_DIR=filled)["misses"] == 0
    assert run(NUMBA_CACHE_DIR=tmp_path, MELFEAT_CACHE_DIR=filled)["misses"] == 0, "our own variable comes first"
    assert not kernels(tmp_path)


def test_beside_the_package_by_default(tmp_path):
    package = Path(shutil.copytree(PACKAGE, tmp_path / "melfeat", ignore=shutil.ignore_patterns("__pycache__")))
    run(HOME=tmp_path / "home", PYTHONPATH=tmp_path)
    assert kernels(package / "kernels" / "__pycache__")


#: Two dtypes, and whatever else people pass: read-only, transposed, strided, broadcast.
EXERCISE = """
import json, warnings
import numpy as np, melfeat
from melfeat.kernels._jit import KERNELS, Entry
warnings.simplefilter("ignore")
rng = np.random.default_rng(0)
for kind in (np.float32, np.float64):
    y = rng.standard_normal((2, 300)).astype(kind)
    frozen = y.copy()
    frozen.setflags(write=False)
    for signal in (y, frozen, y[0], np.asfortranarray(y), y[:, ::2]):
        melfeat.mfcc(signal, n_fft=64, n_mels=8)
        melfeat.melspectrogram(signal, n_fft=64, n_mels=8, power=1.5, pad_mode="reflect")
        S = np.abs(melfeat.stft(signal, n_fft=64))
        for levels in (S, np.broadcast_to(S, (3, *S.shape)), np.broadcast_to(S, S.shape)):
            melfeat.melspectrogram(S=levels, n_mels=8)
            melfeat.mfcc(S=levels)
            melfeat.power_to_db(levels)
            melfeat.amplitude_to_db(levels, top_db=None)
print(json.dumps({
    name: [str(s) for s in (value.compiled if isinstance(value, Entry) else value.signatures)]
    for name, value in KERNELS.items()
}))
"""


def test_at_most_two_specialisations_of_each_kernel():
    """Two dtypes, so two machine codes: a third costs a user seconds in the middle of their work."""
    env = {name: value for name, value in os.environ.items() if name != "NUMBA_DISABLE_JIT"}
    done = subprocess.run([sys.executable, "-c", EXERCISE], env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    compiled = json.loads(done.stdout)
    assert sum(len(signatures) > 0 for signatures in compiled.values()) > 5
    assert not {name: signatures for name, signatures in compiled.items() if len(signatures) > 2}


def test_loading_does_not_prepare_for_compiling_but_compiling_still_works(tmp_path):
    """A process that finds its kernels starts without what only compiling needs; one that then compiles gets it."""
    program = """
import sys, numpy as np, melfeat
y = np.random.default_rng(1).standard_normal(200)
call = lambda kind: melfeat.mfcc(y.astype(kind), n_fft=16, hop_length=8, n_mels=3, n_mfcc=3).astype(float)
single = call(np.float32)
prepared = "scipy.linalg" in sys.modules
if "both" in sys.argv:
    assert np.abs(call(np.float64) - single).max() < 1e-3 * np.abs(single).max()
print(prepared)
"""

    def run(*args: str) -> str:
        env = environment(MELFEAT_CACHE_DIR=tmp_path)
        done = subprocess.run(
            [sys.executable, "-c", program, *args], env=env, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    assert run() == "True"
    assert run("both") == "False"
    assert run("both") == "False"
