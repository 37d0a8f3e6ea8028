"""Places where libraries that compile break: what happens in each is a test. Every child has a time limit.

The children are the scripts in tests/hostile. They take few kernels, compiled once (`warm`) where the cache is not what
is tested. A place that this machine cannot make is skipped and says so.
"""

from __future__ import annotations

import compileall
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import melfeat
from melfeat import workers
from tests.places import (
    ALL_READ_ONLY,
    LIMIT,
    LINUX,
    PACKAGE,
    POSIX,
    ROOT,
    SOMEBODY,
    SOMEBODY_ELSE,
    child,
    enclosed,
    environment,
    read_only,
    work,
)
from tests.support import needs_jit

pytestmark = needs_jit


def kernels(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.kernel"))


def copy_of_package(folder: Path) -> Path:
    return Path(shutil.copytree(PACKAGE, folder / "melfeat", ignore=shutil.ignore_patterns("__pycache__")))


@pytest.fixture(scope="module")
def expected(warm) -> str:
    """The digest of the results, the same in every place."""
    return work(MELFEAT_CACHE_DIR=warm)["digest"]


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder that other users can reach, which those of pytest are not."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The package as a wheel, made by hand: building one needs an index."""
    path = tmp_path_factory.mktemp("wheel") / f"melfeat-{melfeat.__version__}-py3-none-any.whl"
    facts = f"melfeat-{melfeat.__version__}.dist-info"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(PACKAGE.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                archive.write(file, Path("melfeat") / file.relative_to(PACKAGE))
        archive.writestr(f"{facts}/METADATA", f"Metadata-Version: 2.1\nName: melfeat\nVersion: {melfeat.__version__}\n")
        archive.writestr(f"{facts}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{facts}/RECORD", "")
    return path


class TestReadOnly:
    """What was compiled serves where nothing can be written; what was not is compiled, and not said a word about."""

    @LINUX
    def test_site_packages(self, tmp_path, expected):
        """A warm cache beside the package, made while the image was built; new kernels would go elsewhere."""
        package = copy_of_package(tmp_path / "site")
        changes: dict[str, Any] = {"PYTHONPATH": package.parent, "HOME": tmp_path, "PYTHONDONTWRITEBYTECODE": "1"}
        built = work("bank", **changes)
        assert Path(built["cache"]).is_relative_to(package), "beside the package, whoever has a home"
        prefix = read_only(package)
        run = work("bank", str(package), prefix=prefix, **changes)
        assert (run["compiled"], run["digest"], run["writable"]) == (0, built["digest"], [])
        assert Path(run["cache"]).is_relative_to(tmp_path / ".cache")

    @LINUX
    def test_everything(self, tmp_path, warm, expected):
        prefix = enclosed(ALL_READ_ONLY)
        package = copy_of_package(tmp_path)
        places = ("/tmp", "/var/tmp", "/dev/shm", str(Path.home()), str(tmp_path))
        changes: dict[str, Any] = {"PYTHONPATH": tmp_path, "PYTHONDONTWRITEBYTECODE": "1"}
        run = work("bank", *places, prefix=prefix, **changes)
        assert (run["writable"], run["cache"], run["cached"]) == ([], None, 0)
        assert run["compiled"] > 0
        shutil.copytree(next(warm.iterdir()), package / "kernels" / "__pycache__" / next(warm.iterdir()).name)
        run = work("both", prefix=prefix, **changes)
        assert (run["compiled"], run["cache"], run["digest"]) == (0, None, expected)

    @ROOT
    @LINUX
    def test_a_container(self, shared_folder, warm, expected):
        """Built by root, run by a user without a name, everything read-only: docs/deploy.md's recipe."""
        package = copy_of_package(shared_folder)
        cache = package / "kernels" / "__pycache__" / next(warm.iterdir()).name
        shutil.copytree(next(warm.iterdir()), cache)
        changes: dict[str, Any] = {"PYTHONPATH": shared_folder, "HOME": None, "PYTHONDONTWRITEBYTECODE": "1"}
        run = work("both", "/tmp", str(shared_folder), prefix=enclosed(ALL_READ_ONLY), user=SOMEBODY, **changes)
        assert (run["uid"], run["writable"], run["cache"]) == (SOMEBODY, [], None)
        assert (run["compiled"], run["digest"]) == (0, expected)

    @LINUX
    def test_doctor_says_what_is_wrong(self, tmp_path, warm):
        prefix = enclosed(ALL_READ_ONLY)
        command = [*prefix, sys.executable, "-m", "melfeat", "doctor", "--json"]
        for folder, healthy in ((warm, True), (tmp_path, False)):
            env = environment(MELFEAT_CACHE_DIR=folder)
            done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=LIMIT)
            report = json.loads(done.stdout)
            assert report["cache"]["writable"] is None
            assert (report["cache"]["kernels"] > 0) == healthy
            assert done.returncode == (0 if healthy else 1), report["problems"]
            assert healthy == (report["problems"] == [])
        assert "no cache folder can be written" in report["problems"][0]

    @LINUX
    def test_a_cache_that_is_full(self, expected):
        """16 kB of room: some kernels fit, others do not, and all work."""
        run = work("bank", prefix=enclosed("mount -t tmpfs -o size=16k none /mnt"), MELFEAT_CACHE_DIR="/mnt")
        assert run["compiled"] > 0
        assert run["cache"].startswith("/mnt")


class TestUsers:
    @ROOT
    @LINUX
    def test_nobody_in_particular(self, shared_folder, expected):
        """No name, no home, package of root: the kernels go to a folder of one's own in the temporary one."""
        shared_folder.chmod(0o777)
        changes: dict[str, Any] = {"HOME": None, "TMPDIR": shared_folder, "PYTHONDONTWRITEBYTECODE": "1"}
        changes["PYTHONPATH"] = copy_of_package(shared_folder / "site").parent
        first = work("bank", str(changes["PYTHONPATH"]), user=SOMEBODY, **changes)
        assert first["uid"] == SOMEBODY
        assert first["writable"] == []
        assert first["cache"].startswith(f"{shared_folder}/melfeat-{SOMEBODY}/")
        assert work("bank", user=SOMEBODY, **changes)["compiled"] == 0

    @ROOT
    @LINUX
    def test_what_root_compiled_serves_all(self, shared_folder, warm, expected):
        """As in an image that is built by root and run by somebody else; also by permissions alone."""
        work("bank", MELFEAT_CACHE_DIR=shared_folder)
        assert all(path.stat().st_mode & 0o005 for path in shared_folder.rglob("*"))
        run = work("bank", user=SOMEBODY, HOME=None, MELFEAT_CACHE_DIR=shared_folder)
        assert (run["compiled"], run["cache"]) == (0, None)

    @ROOT
    @LINUX
    def test_what_the_owner_of_the_package_compiled_serves_all(self, shared_folder, warm, expected):
        """Whose code is run anyway."""
        package = copy_of_package(shared_folder)
        shutil.copytree(next(warm.iterdir()), package / "kernels" / "__pycache__" / next(warm.iterdir()).name)
        for path in (package, *package.rglob("*")):
            os.chown(path, SOMEBODY_ELSE, SOMEBODY_ELSE)
        changes: dict[str, Any] = {"PYTHONPATH": shared_folder, "HOME": None, "PYTHONDONTWRITEBYTECODE": "1"}
        changes["TMPDIR"] = shared_folder
        run = work("both", user=SOMEBODY, **changes)
        assert (run["compiled"], run["digest"]) == (0, expected)

    @ROOT
    @LINUX
    def test_somebody_elses_kernels_are_not_run(self, shared_folder, warm):
        """Loading a kernel runs what is in the file: a folder or file of a third user is none."""
        folder = Path(shutil.copytree(next(warm.iterdir()), shared_folder / next(warm.iterdir()).name))
        for path in (folder, *folder.iterdir()):
            os.chown(path, SOMEBODY_ELSE, SOMEBODY_ELSE)
        for user in (SOMEBODY, None):  # nobody else's for root either
            run = work("bank", user=user, HOME=None, MELFEAT_CACHE_DIR=shared_folder)
            assert (run["cached"], run["cache"]) == (0, None)
        os.chown(folder, SOMEBODY, SOMEBODY)
        run = work("bank", user=SOMEBODY, HOME=None, MELFEAT_CACHE_DIR=shared_folder)
        assert run["cached"] == 0, "the folder is one's own, its files are not"
        assert {path.stat().st_uid for path in folder.iterdir()} == {SOMEBODY, SOMEBODY_ELSE}
        again = work("bank", user=SOMEBODY, HOME=None, MELFEAT_CACHE_DIR=shared_folder)
        assert (again["compiled"], again["digest"]) == (0, run["digest"])


class TestCaches:
    def test_kernels_of_other_sources_and_processors_are_not_read(self, warm, tmp_path):
        """Another digest is another folder; another processor is another file."""
        folder = next(warm.iterdir())
        shutil.copytree(folder, tmp_path / "melfeat-0123456789abcdef")
        run = work("bank", MELFEAT_CACHE_DIR=tmp_path)
        assert run["cached"] == 0
        shutil.copytree(folder, tmp_path / folder.name, dirs_exist_ok=True)
        before = set(kernels(tmp_path))
        general = {
            "NUMBA_CPU_NAME": "x86-64-v3" if platform.machine() == "x86_64" else "generic",
            "NUMBA_CPU_FEATURES": "",
        }
        other = work("bank", MELFEAT_CACHE_DIR=tmp_path, **general)
        assert (other["cached"], other["digest"]) == (0, run["digest"])
        assert len(set(kernels(tmp_path)) - before) == other["compiled"]

    def test_four_processes_compile_at_once(self, tmp_path, expected):
        with ThreadPoolExecutor(4) as starters:
            runs = [starters.submit(work, "bank", MELFEAT_CACHE_DIR=tmp_path) for _ in range(4)]
            assert len({run.result()["digest"] for run in runs}) == 1
        assert not [path for path in tmp_path.rglob("*.*") if path.suffix != ".kernel"]
        assert work("bank", MELFEAT_CACHE_DIR=tmp_path)["compiled"] == 0


class TestProcesses:
    @POSIX
    @pytest.mark.parametrize("kind", ["fork", "spawn", "forkserver", "futures", "threads"])
    def test_pools(self, warm, kind):
        found = json.loads(child("pools.py", kind, MELFEAT_CACHE_DIR=warm, MELFEAT_NUM_THREADS=None))
        own = workers.available_cpus() if kind == "threads" else 1
        assert found == {"same": True, "threads": [own]}, "a process of a pool uses one thread"

    @POSIX
    @pytest.mark.parametrize(("kind", "package"), [("loky", "joblib"), ("torch", "torch")])
    def test_pools_of_other_packages(self, warm, kind, package):
        pytest.importorskip(package)
        found = json.loads(child("pools.py", kind, MELFEAT_CACHE_DIR=warm))
        assert found == {"same": True, "threads": [1]}

    @POSIX
    def test_forks_while_threads_compute(self, warm):
        assert set(json.loads(child("forks.py", "computing", MELFEAT_CACHE_DIR=warm))) == {0}

    @POSIX
    def test_a_fork_while_a_thread_compiles(self, tmp_path):
        """Numba's lock is held by a thread that the child does not have."""
        assert json.loads(child("forks.py", "compiling", MELFEAT_CACHE_DIR=tmp_path)) == [0]

    def test_subinterpreters_are_refused(self):
        pytest.importorskip("_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters")
        said = child("inside.py")
        assert said.startswith("SubinterpreterError melfeat works in the main interpreter of a process only")
        assert "use processes" in said

    @POSIX
    @pytest.mark.parametrize("kind", ["idle", "daemon", "thread", "interrupt"])
    def test_the_end(self, warm, kind):
        """With a pool that waits, in the middle of a call of a thread, by Ctrl-C: soon, and without a word."""
        child("ending.py", kind, MELFEAT_CACHE_DIR=warm, options=("-X", "dev"))

    @LINUX
    def test_memory_runs_out(self, warm):
        found = json.loads(child("memory.py", MELFEAT_CACHE_DIR=warm))
        assert found["worked"] > 0
        assert found["failed"] > 0


class TestPython:
    @pytest.mark.parametrize("options", [("-O",), ("-OO",), ("-X", "dev"), ("-W", "error")], ids=" ".join)
    def test_options(self, warm, expected, options):
        run = work(MELFEAT_CACHE_DIR=warm, options=options)
        assert (run["digest"], run["compiled"]) == (expected, 0)

    def test_variables(self, warm, expected):
        changes = {"PYTHONOPTIMIZE": "2", "PYTHONWARNINGS": "error", "PYTHONHASHSEED": "7", "LC_ALL": "C"}
        assert work(MELFEAT_CACHE_DIR=warm, **changes)["digest"] == expected

    def test_interpreted(self, warm):
        run = work(NUMBA_DISABLE_JIT="1", MELFEAT_CACHE_DIR=warm)
        assert (run["compiled"], run["cached"]) == (0, 0)

    def test_zipped(self, warm, expected, wheel):
        run = work(MELFEAT_CACHE_DIR=warm, PYTHONPATH=wheel)
        assert (run["digest"], run["compiled"]) == (expected, 0), "the same sources, so the same kernels"
        assert run["file"].startswith(str(wheel))
        code = "import melfeat, json; print(json.dumps(melfeat.load(melfeat.demo_path(), sr=None)[0].shape))"
        env = environment(PYTHONPATH=wheel)
        done = subprocess.run([sys.executable, "-W", "error", "-c", code], env=env, capture_output=True, timeout=LIMIT)
        assert (done.stdout.strip(), done.stderr) == (b"[110250]", b"")

    def test_zipped_with_a_cache_of_its_own(self, wheel, tmp_path):
        """There is no folder beside the kernels: the user's is taken."""
        run = work("bank", PYTHONPATH=wheel, HOME=tmp_path, XDG_CACHE_HOME="relative, so of no meaning")
        assert Path(run["cache"]).parent == tmp_path / ".cache" / "melfeat"
        assert work("bank", PYTHONPATH=wheel, HOME=tmp_path)["compiled"] == 0

    def test_in_a_folder_of_its_own(self, warm, expected, wheel, tmp_path):
        """`pip install --target`, as for AWS Lambda."""
        target = tmp_path / "target"
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--no-deps",
            "--no-index",
            "--target",
            str(target),
            str(wheel),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT)
        if "No module named pip" in done.stderr:
            pytest.skip("this environment has no pip")
        assert done.returncode == 0, done.stderr
        run = work(MELFEAT_CACHE_DIR=warm, PYTHONPATH=target)
        assert (run["digest"], run["compiled"]) == (expected, 0)
        assert run["file"].startswith(str(target))

    def test_without_sources(self, tmp_path):
        """Only compiled files: what they are names the cache, so that another version does not meet these kernels."""
        package = copy_of_package(tmp_path / "site")
        assert compileall.compile_dir(package, quiet=2, legacy=True)
        for path in package.rglob("*.py"):
            path.unlink()
        changes: dict[str, Any] = {"PYTHONPATH": package.parent, "MELFEAT_CACHE_DIR": tmp_path / "cache"}
        assert work("bank", **changes)["compiled"] > 0
        (package / "kernels" / "another.pyc").write_bytes(b"a version with one kernel more")
        assert work("bank", **changes)["cached"] == 0


class TestStreams:
    """What a service has closed or set up otherwise."""

    def run(
        self, *args: str, redirect: str = "", cwd: Path | None = None, **changes: str
    ) -> subprocess.CompletedProcess:
        command = ["sh", "-c", f'exec "$0" -m melfeat "$@" {redirect}', sys.executable, *args]
        return subprocess.run(command, env=environment(**changes), cwd=cwd, capture_output=True, timeout=LIMIT)

    @POSIX
    @pytest.mark.parametrize("redirect", [">&-", "2>&-", ">&- 2>&- <&-"])
    def test_closed(self, redirect):
        assert self.run("info", str(melfeat.demo_path()), redirect=redirect).returncode == 0
        done = self.run("info", "gone.wav", redirect=redirect)
        assert done.returncode == 1
        assert done.stdout == b"", "a message does not go where data belongs"

    @POSIX
    def test_csv_has_nowhere_to_go(self, warm):
        small = ("--n-fft", "16", "--hop-length", "8", "--n-mels", "3", "--n-mfcc", "3")
        done = self.run("mfcc", str(melfeat.demo_path()), *small, redirect=">&-", MELFEAT_CACHE_DIR=str(warm))
        assert (done.returncode, done.stdout) == (3, b"")
        assert done.stderr.startswith(b"melfeat: error: stdout is closed")

    @LINUX
    def test_names_that_are_no_text(self, tmp_path):
        """A name in another encoding comes out as its bytes; one that stdout has no characters for, as escapes."""
        for name in (b"caf\xe9.flac", "café.flac".encode()):
            shutil.copy(melfeat.demo_path(), os.path.join(os.fsencode(tmp_path), name))
        assert melfeat.load(os.path.join(tmp_path, os.fsdecode(b"caf\xe9.flac")), sr=None)[0].shape == (110250,)
        done = self.run("info", *sorted(os.listdir(tmp_path)), cwd=tmp_path, PYTHONIOENCODING="utf-8")
        assert done.returncode == 0, done.stderr
        assert {line.partition(b":")[0] for line in done.stdout.splitlines()} == {b"caf\xe9.flac", "café.flac".encode()}
        done = self.run("info", "café.flac", "gone-é", cwd=tmp_path, PYTHONIOENCODING="ascii")
        assert (done.returncode, done.stdout.partition(b":")[0]) == (1, rb"caf\xe9.flac")

    @POSIX
    def test_a_current_folder_that_is_gone(self, tmp_path):
        code = "import os, sys, melfeat.io; os.rmdir(sys.argv[1]); melfeat.load('a.wav')"
        command = [sys.executable, "-c", code, str(tmp_path)]
        done = subprocess.run(command, env=environment(), cwd=tmp_path, capture_output=True, text=True, timeout=LIMIT)
        assert done.stderr.splitlines()[-1].startswith("melfeat.errors.AudioFileMissingError: 'a.wav': no such file")


def bytes_of(result: Any) -> bytes:
    """Return the bytes of whatever a call returns."""
    if isinstance(result, np.ndarray | np.generic | float | int):
        return np.ascontiguousarray(result).tobytes()
    return b"|".join(map(bytes_of, result))


@pytest.mark.filterwarnings("ignore::melfeat.EmptyFilterWarning")
@pytest.mark.parametrize("dtype", ["float32"])
def test_eight_threads_call_everything(monkeypatch, dtype):
    """Every public function at once, each thread in another order, with inner threads: what one after another gives."""
    from melfeat.cli._exercise import calls

    todo: list[tuple[str, Callable[[], Any]]] = list(calls(dtype))
    expected = [bytes_of(call()) for _, call in todo]
    monkeypatch.setattr(workers, "_WORTH", 1 << 12)
    start, wrong = threading.Barrier(8), []

    def everything(first: int) -> None:
        start.wait()
        with melfeat.threads(2):
            for i in range(len(todo)):
                name, call = todo[k := (i * 7 + first * 29) % len(todo)]
                if bytes_of(call()) != expected[k]:
                    wrong.append(name)

    with ThreadPoolExecutor(8) as callers:
        list(callers.map(everything, range(8)))
    assert wrong == []


def test_every_public_function_that_computes_is_among_them():
    """So that the check of `melfeat warmup` speaks for all of them."""
    from melfeat.cli._exercise import calls

    called = {name.split()[0].split(".")[0] for name, _ in calls("float32")}
    idle = {"config", "config.explain", "config.presets", "convert", "dataset", "demo", "errors", "formats", "workers"}
    computing = {name for name, home in melfeat._HOME.items() if home not in idle}
    assert computing - called == {"CmvnStats", "get_duration", "get_samplerate"}, "which compile nothing"
