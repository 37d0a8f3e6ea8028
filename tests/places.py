"""Children of the tests of hostile places: where they run, as whom, and what must come out. Each has a time limit."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import melfeat

PACKAGE = Path(melfeat.__file__).parent
SCRIPTS = Path(__file__).parent / "hostile"
LIMIT = 150.0  # seconds that a child may take on a machine that has much else to do

VARIABLES = ("MELFEAT_CACHE_DIR", "NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "NUMBA_DISABLE_JIT", "MELFEAT_NUM_THREADS")

POSIX = pytest.mark.skipif(os.name != "posix", reason="processes, users and signals of POSIX")
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="mounts and limits of Linux")
ROOT = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become somebody else")

SOMEBODY, SOMEBODY_ELSE = 54321, 54322  # users without a name and a home, as container platforms invent them


def environment(**changes: str | Path | None) -> dict[str, str]:
    """Return this process's environment without any cache, importing the very package under test."""
    env = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    paths = [str(PACKAGE.parent), *filter(None, [env.get("PYTHONPATH")])]
    env["PYTHONPATH"] = os.pathsep.join(paths)
    for name, value in changes.items():
        env.pop(name, None)
        if value is not None:
            env[name] = str(value)
    return env


def child(
    script: str,
    *args: str,
    options: tuple[str, ...] = (),
    prefix: tuple[str, ...] = (),
    user: int | None = None,
    cwd: str | Path | None = None,
    **changes: str | Path | None,
) -> str:
    """Run a script of tests/hostile and return what it prints; it must succeed and say nothing else."""
    command = [*prefix, *(as_user(user) if user is not None else ()), sys.executable, *options, str(SCRIPTS / script)]
    done = subprocess.run(
        [*command, *args], env=environment(**changes), cwd=cwd, capture_output=True, text=True, timeout=LIMIT
    )
    assert done.returncode == 0, f"exit code {done.returncode}: {done.stderr or done.stdout}"
    assert done.stderr == "", "nothing is said where nothing is wrong"
    return done.stdout


def work(*args: str, **options: Any) -> dict[str, Any]:
    """Run work.py and return its report."""
    return json.loads(child("work.py", *args, **options))


def as_user(user: int) -> tuple[str, ...]:
    """Return the command that makes another user of what follows; one who may read everything, as the interpreter."""
    command = ("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups")
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is not here")
    readable = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
    for prefix in (command, (*command, *readable)):
        if subprocess.run([*prefix, sys.executable, "-c", "import numpy"], capture_output=True).returncode == 0:
            return prefix
    pytest.skip("this interpreter cannot be run by another user")


def enclosed(commands: str) -> tuple[str, ...]:
    """Return the command that runs what follows with mounts of its own, made by shell commands."""
    if shutil.which("unshare") is not None:
        for how in ("-m", "-rm"):  # by right, or as root of a name space of its own
            prefix = ("unshare", how, "sh", "-c", f'set -e; {commands}; exec "$@"', "sh")
            if subprocess.run([*prefix, "true"], capture_output=True).returncode == 0:
                return prefix
    pytest.skip("this process may not make mounts of its own")


def read_only(folder: Path) -> tuple[str, ...]:
    return enclosed(f"mount --bind '{folder}' '{folder}'; mount -o remount,bind,ro '{folder}'")


ALL_READ_ONLY = """while read -r _ place kind _; do
    case $kind in proc|sysfs|devpts|cgroup*) ;; *) mount -o remount,bind,ro "$place" 2>/dev/null || true ;; esac
done </proc/self/mounts; ! touch /tmp/x 2>/dev/null"""
