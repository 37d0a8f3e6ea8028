"""Everything that writes files, killed at each step of writing, or out of room. Prints what is left, as JSON.

python killed.py kill | limit | full FOLDER
"""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
from work import SHAPE

import melfeat
from melfeat import _atomic
from melfeat.cli import main
from melfeat.formats import read_ark, read_htk, write_ark, write_htk
from melfeat.normalization import CmvnStats

X = np.random.default_rng(0).standard_normal((13, 4000))
SMALL = [word for name, value in SHAPE.items() for word in (f"--{name.replace('_', '-')}", str(value))]


def command(out: str) -> Callable[[], object]:
    def run() -> None:
        code = main(["mfcc", "../sound.wav", "-o", out, "--n-mfcc", "3", *SMALL])
        if code == 3:
            raise OSError(errno.EFBIG, "as the command line said")
        assert code == 0, code

    return run


def archive() -> None:
    write_ark("x.ark", ((f"utt{i}", X) for i in range(3)), scp="x.scp")


#: What writes, the file that it writes, and how it is read back.
WRITERS: dict[str, tuple[Callable[[], object], tuple[str, ...], Callable[[], object]]] = {
    "npy": (command("x.npy"), ("x.npy",), lambda: np.load("x.npy").shape),
    "npz": (command("x.npz"), ("x.npz",), lambda: sorted(np.load("x.npz").keys())),
    "csv": (command("x.csv"), ("x.csv",), lambda: np.loadtxt("x.csv", delimiter=",", skiprows=1).shape),
    "folder": (command("x/"), ("x/sound.npy",), lambda: np.load("x/sound.npy").shape),
    "ark": (archive, ("x.ark", "x.scp"), lambda: sum(x.size for _, x in read_ark("x.ark"))),
    "htk": (lambda: write_htk("x.htk", X, kind="MFCC", period=0.01), ("x.htk",), lambda: read_htk("x.htk")[0].shape),
    "stats": (lambda: CmvnStats(13).update(X).save("x.json"), ("x.json",), lambda: CmvnStats.load("x.json").count),
}


class Deadly(io.BufferedRandom):
    """A file that kills its process after so many bytes, all of which have reached the system."""

    left = 0

    def write(self, data: object) -> int:
        piece = memoryview(data).cast("B")
        done = super().write(piece[: Deadly.left])
        Deadly.left -= done
        if Deadly.left <= 0:
            self.flush()
            die()
        return done


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def deadly_open(path: Path, mode: str) -> Deadly:
    return Deadly(io.FileIO(path, "x+"))


def arm(step: str) -> None:
    """Let this process be killed at a step of writing."""
    if step == "sync":
        os.fsync = die
    elif step == "rename":
        os.replace = die
    else:
        Deadly.left = int(step)
        _atomic.open = deadly_open  # type: ignore[attr-defined]


def in_child(prepare: Callable[[], None], call: Callable[[], object]) -> int:
    """Run a call in a fork and return how it ended: 0, -9 if killed, 5 with an `OSError`."""
    pid = os.fork()
    if pid == 0:
        try:
            prepare()
            call()
            os._exit(0)
        except OSError:
            os._exit(5)
        except BaseException as error:
            os.write(2, repr(error).encode())
            os._exit(7)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def left(files: tuple[str, ...], before: dict[str, bytes]) -> dict[str, object]:
    """Return whether the files are as before, and the names of all others."""
    same = all((Path(name).read_bytes() if Path(name).exists() else None) == before.get(name) for name in files)
    others = sorted(str(path) for path in Path().rglob("*") if path.is_file() and str(path) not in files)
    return {"same": same, "others": others}


def limit_size() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600))


def runs(kind: str, name: str) -> list[dict[str, object]]:
    """Write to nothing and over an older file, with something going wrong; then see that it can be done again."""
    write, files, read = WRITERS[name]
    steps: dict[str, list[str]] = {"kill": ["1", "700", "sync", "rename"], "limit": ["limit"], "full": ["full"]}
    found = []
    for step in steps[kind]:
        for old in (False, True):
            before = {}
            if old:
                for file in files:
                    Path(file).parent.mkdir(exist_ok=True)
                    Path(file).write_bytes(b"precious")
                    before[file] = b"precious"
            prepare = {"kill": lambda step=step: arm(step), "limit": limit_size, "full": lambda: None}[kind]
            ended = in_child(prepare, write)
            found.append({"name": name, "step": step, "old": old, "ended": ended, **left(files, before)})
            for path in Path().rglob("*"):
                if path.is_file():
                    path.unlink()
            if kind != "full":
                write()
                found[-1]["again"] = repr(read())
                for path in Path().rglob("*"):
                    if path.is_file():
                        path.unlink()
    return found


if __name__ == "__main__":
    kind, folder = sys.argv[1:]
    os.chdir(folder)
    noise = (3000 * np.random.default_rng(1).standard_normal(40000)).astype(np.int16)
    sound = Path("../sound.wav")
    if not sound.exists():
        soundfile.write(sound, noise, 22050)
    melfeat.mfcc(np.zeros(100, np.float32), n_mfcc=3, **SHAPE)  # the children find everything loaded
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - the command line says what is wrong, many times
    print(json.dumps([entry for name in WRITERS for entry in runs(kind, name)]))
