"""Feed damaged and invented inputs to what reads files, options and configurations, and keep what melfeat cannot take.

    python scripts/fuzz.py                                   # all targets, one minute each
    python scripts/fuzz.py load --seconds 7200 --seed 7 --out findings
    python scripts/fuzz.py load --replay findings/load-3f2a90c1.bin

An input is good or one of melfeat's own errors. A finding is any other exception, also one that Python only prints
because it was raised in a callback, a warning from inside melfeat, a crash, more than 4 GB of memory, or a call that
lasts too long. Each finding is written to a file of its own.

Inputs begin as files of every format that libsndfile writes here, command lines, and the configurations of all presets.
Each round changes one of them: bits, numbers, pieces cut out, doubled, moved from one input to another. What reaches a
line of melfeat in a new way, or ends in a way not seen before, is kept and changed further. Targets run in a process of
their own, which may die or hang. The same seed and number of runs give the same inputs.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import hashlib
import io
import json
import os
import random
import re
import select
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

LIMIT_BYTES = 4 << 30
_HEAD = 4  # bytes of the length before each message between the two processes
_SPLIT = b"\n\0file\0\n"  # between the options and the file of a command line


# ---------------------------------------------------------------------------------------------------------------------
# Where inputs come from
# ---------------------------------------------------------------------------------------------------------------------


def sound_seeds() -> list[bytes]:
    """Return a short file of each format and encoding that libsndfile writes."""
    import numpy as np
    import soundfile

    noise = 0.2 * np.random.default_rng(3).standard_normal((700, 2))
    found = []
    kinds = soundfile.available_formats().keys() - {"SD2"}  # which writes a second file, into the current folder
    for kind in sorted(kinds):
        for subtype in soundfile.available_subtypes(kind):
            for channels in (1, 2):
                file = io.BytesIO()
                with contextlib.suppress(Exception):  # not every encoding takes every rate and number of channels
                    soundfile.write(file, noise[:, :channels], 8000, format=kind, subtype=subtype)
                    found.append(file.getvalue())
                    break
    return found


def config_seeds() -> list[bytes]:
    """Return the configuration of each preset as JSON, and what a reader may stumble over."""
    from melfeat.config import Config
    from melfeat.config.presets import presets

    own = [Config.preset(name).to_json() for name in presets()]
    own += ['{"melfeat_config": 1}', '{"melfeat_config": 1, "sr": 1e400, "framing": {"n_fft": 1e3}}', "[" * 3000, "1"]
    return [text.encode() for text in own]


def command_seeds() -> list[bytes]:
    """Return command lines, each with the content of the file ``in.wav`` that it may name."""
    lines = (
        "mfcc in.wav",
        "mfcc in.wav -o out.npz --sr native --json --dtype float64",
        "mfcc in.wav -o out.npy --n-fft 512 --hop-length 160 --win-length 400 --window kaiser:14 --n-mels 40",
        "mfcc in.wav -o out.csv --no-center --power 1 --fmin 20 --fmax 4000 --htk --mel-norm none --top-db none",
        "mfcc in.wav -o folder --offset 0.01 --duration 0.05 --n-mfcc 13 --dct-type 3 --norm none --lifter 22",
        "mfcc in.wav --pad-mode reflect --res-type soxr_qq --sr 4000",
        "mfcc in.wav --preset kaldi-mfcc --sr 8000",
        "info in.wav in.wav --json",
        "explain whisper --set n_mels=40 --set sr=8000",
        "explain in.wav --json",
        "diff kaldi-mfcc htk --set window=kaiser:14",
        "presets --json",
        "doctor --json",
    )
    files = sound_seeds()[::9] + config_seeds()[:2]
    return [line.replace(" ", "\0").encode() + _SPLIT + files[i % len(files)] for i, line in enumerate(lines)]


def format_seeds() -> list[bytes]:
    """Return archives and statistics, as they are written."""
    import numpy as np

    from melfeat.formats import write_ark, write_htk
    from melfeat.normalization import CmvnStats

    x = np.random.default_rng(4).standard_normal((5, 7)).astype(np.float32)
    found = []
    for options in ({}, {"text": True}, {"compression": "auto"}, {"compression": "one_byte_auto"}):
        file = io.BytesIO()
        write_ark(file, {"a": x, "b": x[0]}, **options)
        found.append(file.getvalue())
    for kind in ("MFCC_0", "FBANK_C_K"):
        file = io.BytesIO()
        write_htk(file, x, kind=kind, period=0.01)
        found.append(file.getvalue())
    with tempfile.TemporaryDirectory() as folder:
        for name in ("stats.json", "stats.npz", "stats.ark"):
            with contextlib.suppress(Exception):
                CmvnStats(5).update(x).save(Path(folder, name))
                found.append(Path(folder, name).read_bytes())
    return found


# ---------------------------------------------------------------------------------------------------------------------
# What is called with them
# ---------------------------------------------------------------------------------------------------------------------


def _each(*calls: Callable[[], Any]) -> None:
    """Make every call, also after one that melfeat refuses; then raise the first of its errors."""
    from melfeat.errors import MelfeatError

    refused = None
    for call in calls:
        try:
            call()
        except MelfeatError as error:
            refused = refused or error
    if refused is not None:
        raise refused


def run_load(data: bytes) -> None:
    """Read a sound file in every way there is."""
    import melfeat
    from melfeat.io import describe

    path = Path("sound.wav")
    path.write_bytes(data)

    def some_blocks() -> None:
        for i, block in enumerate(melfeat.stream(data, 4, 256, 128, fill_value=0.0)):
            assert block.dtype == "float32"
            if i > 50:
                break

    def facts() -> None:
        told = describe(io.BytesIO(data))
        assert told["readable"] == (told["error"] is None)

    _each(
        lambda: melfeat.load(data, sr=None, mono=False),
        lambda: melfeat.load(path, sr=None, offset=0.01, duration=0.5, dtype="float64"),
        lambda: melfeat.load(io.BytesIO(data), sr=4000),
        lambda: melfeat.get_duration(path=path),
        some_blocks,
        facts,
    )


def run_config(data: bytes) -> None:
    """Read a configuration; one that is taken must come back the same, and compute if it is not huge."""
    import numpy as np

    from melfeat import explain
    from melfeat.config import Config
    from melfeat.extractor import Extractor

    config = Config.from_json(data)
    again = Config.from_json(config.to_json())
    assert again == config
    assert again.fingerprint == config.fingerprint
    explain(config)
    if config.n_frames(16000) < 1 << 20:
        assert len(config.times(16000)) == config.n_frames(16000)
    framing, bank = config.framing, config.filterbank
    fixed = config.preprocessing.fixed_samples or 0, config.post.fixed_frames or 0, config.post.stack
    if (framing.n_fft or 0) <= 8192 and (bank is None or bank.n_mels <= 512) and max(fixed) <= 1 << 16:
        x = Extractor(config)(np.linspace(-0.5, 0.5, 3000, dtype=np.float32))
        assert x.dtype == np.float32


def run_cli(data: bytes) -> None:
    """Run a command line in this process; the options may be anything, but no path out of this folder."""
    from melfeat.cli import main
    from melfeat.errors import ParameterError

    options, _, content = data.partition(_SPLIT)
    Path("in.wav").write_bytes(content)
    argv = [token.decode("utf-8", "surrogateescape").replace("/", "_") for token in options.split(b"\0")]
    if argv[0] not in ("mfcc", "info", "explain", "diff", "presets", "doctor") or argv.count("-o") > 1:
        argv[0] = "info"
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(argv)
        except SystemExit as error:
            code = int(error.code or 0)
    if "defect of melfeat" in err.getvalue() or "unexpected " in err.getvalue():
        raise AssertionError(f"{argv}: {err.getvalue()}")
    assert code in (0, 1, 2, 3), (argv, code)
    if code:
        raise ParameterError(f"exit code {code}: {err.getvalue()[-200:]}")


def run_formats(data: bytes) -> None:
    """Read features and statistics."""
    from melfeat.formats import read_ark, read_htk
    from melfeat.normalization import CmvnStats

    Path("stats.json").write_bytes(data)
    _each(
        lambda: list(read_ark(io.BytesIO(data))),
        lambda: read_htk(io.BytesIO(data)),
        lambda: CmvnStats.load("stats.json"),
    )


def run_self_test(data: bytes) -> None:
    """Do what the input says: so that a test can see whether each kind of finding is found."""
    word = data.partition(b" ")[0]
    if word == b"crash":
        os.abort()
    if word == b"hang":
        time.sleep(1000)
    if word == b"raise":
        raise ZeroDivisionError


Target = tuple[Callable[[], list[bytes]], Callable[[bytes], None]]

TARGETS: dict[str, Target] = {
    "load": (sound_seeds, run_load),
    "config": (config_seeds, run_config),
    "cli": (command_seeds, run_cli),
    "formats": (format_seeds, run_formats),
}
SELF_TEST = {"self-test": ((lambda: [b"good", b"raise it", b"crash now", b"hang on", b"good again"]), run_self_test)}


# ---------------------------------------------------------------------------------------------------------------------
# How inputs are changed
# ---------------------------------------------------------------------------------------------------------------------

_NUMBERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**63 - 1)
_WORDS = (b"null", b"-1", b"0", b"1e308", b"1e-320", b"1e999", b"9" * 30, b"nan", b"inf", b'"', b"{}", b"[]", b"true",
          b"-", b"--", b".5", b"", b"\xff", b"\0", b"e", b"none", b"native", b"\xed\xb3\xbf", b"\\ud800")  # fmt: skip


def mutate(data: bytes, others: list[bytes], dice: random.Random) -> bytes:
    """Return `data` with a few things changed."""
    made = bytearray(data)
    for _ in range(1 + int(dice.expovariate(0.7))):
        n = len(made)
        at = dice.randrange(min(n, 96) if dice.random() < 0.6 and n else n) if n else 0  # headers are worth more
        size = 1 + int(dice.expovariate(0.1))
        match dice.randrange(10):
            case 0 if n:
                made[at] ^= 1 << dice.randrange(8)
            case 1 if n:
                made[at] = dice.randrange(256)
            case 2:
                width = dice.choice((1, 2, 4, 8))
                number = dice.choice(_NUMBERS) if dice.random() < 0.7 else dice.getrandbits(8 * width)
                made[at : at + width] = (number % 256**width).to_bytes(width, dice.choice(("little", "big")))
            case 3:
                del made[at : at + size]
            case 4:
                made[at:at] = made[at : at + size]
            case 5:
                made[at:at] = dice.randbytes(min(size, 8))
            case 6 if dice.random() < 0.3:
                del made[dice.randrange(n + 1) :]
            case 7:
                other = dice.choice(others)
                begin = dice.randrange(len(other) + 1)
                made[at : at + size] = other[begin : begin + size]
            case 8:
                made[at:at] = dice.choice(_WORDS)
            case 9:
                numbers = list(re.finditer(rb"-?\d+(\.\d+)?|\"[^\"]*\"|true|false|null", bytes(made[: 1 << 14])))
                if numbers:
                    found = dice.choice(numbers)
                    made[found.start() : found.end()] = dice.choice(_WORDS)
    return bytes(made[: 1 << 17])


# ---------------------------------------------------------------------------------------------------------------------
# The process that runs a target
# ---------------------------------------------------------------------------------------------------------------------


class Tracer:
    """Notes which line of melfeat follows which."""

    def __init__(self) -> None:
        import melfeat

        self._root = str(Path(melfeat.__file__).parent)
        self._is_ours: dict[str, bool] = {}
        self.seen: set[int] = set()

    def __call__(self, frame: Any, event: str, arg: Any) -> Any:
        name = frame.f_code.co_filename
        ours = self._is_ours.get(name)
        if ours is None:
            ours = self._is_ours[name] = name.startswith(self._root) and "kernels" not in name
        if not ours:
            return None
        code, seen = hash(frame.f_code), self.seen
        before = frame.f_lineno

        def local(frame: Any, event: str, arg: Any) -> Any:
            nonlocal before
            if event == "line":
                seen.add(hash((code, before, frame.f_lineno)))
                before = frame.f_lineno
            return local

        return local


_unraisable: list[str] = []


def _note_unraisable(unraisable: Any) -> None:
    """Keep what Python would print and forget: exceptions in callbacks and finalisers."""
    _unraisable.append(f"printed, not raised: {unraisable.err_msg}: {unraisable.exc_value!r}")


def _outcome(target: Callable[[bytes], None], data: bytes) -> tuple[str, str]:
    """Return a short name of how the call ends, and the traceback if that is a finding."""
    from melfeat.errors import MelfeatError

    _unraisable.clear()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if target is not run_config:  # any number may stand there, and some overflow
                warnings.filterwarnings("error", category=RuntimeWarning, module="melfeat")
            target(data)
        if _unraisable:
            return "finding", _unraisable[0]
    except MelfeatError as error:
        if _unraisable:
            return "finding", _unraisable[0]
        told = re.sub(r"'[^']*'|\"[^\"]*\"", "", str(error))  # without what it quotes
        return f"{type(error).__name__} {re.sub(r'[^a-zA-Z ]+', '', told)[:60]}", ""
    except BaseException:
        return "finding", traceback.format_exc()
    return "good", ""


def work(name: str) -> None:
    """Take inputs from stdin and answer on stdout: how each ended, and how many new ways through melfeat it found."""
    faulthandler.enable()
    sys.unraisablehook = _note_unraisable
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever is printed must not get between the answers
    with contextlib.suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (LIMIT_BYTES, LIMIT_BYTES))
    _, target = {**TARGETS, **SELF_TEST}[name]
    tracer = Tracer()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        while head := sys.stdin.buffer.read(_HEAD):
            data = sys.stdin.buffer.read(int.from_bytes(head, "little"))
            before = len(tracer.seen)
            sys.settrace(tracer)
            outcome, details = _outcome(target, data)
            sys.settrace(None)
            answer = json.dumps([outcome, details, len(tracer.seen) - before]).encode()
            answers.write(len(answer).to_bytes(_HEAD, "little") + answer)
            answers.flush()


class Worker:
    """That process, seen from here; a new one is started after it died."""

    def __init__(self, name: str, limit: float) -> None:
        self._name, self._limit = name, limit
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the worker
        self._start()

    def _start(self) -> None:
        self._served = 0
        command = [sys.executable, __file__, self._name, "--work"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, bufsize=0
        )

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _read(self, n: int, end: float) -> bytes:
        found = b""
        while len(found) < n:
            ready, _, _ = select.select([self._process.stdout], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                raise TimeoutError
            piece = os.read(self._process.stdout.fileno(), n - len(found))
            if not piece:
                raise EOFError
            found += piece
        return found

    def run(self, data: bytes) -> tuple[str, str, int]:
        """Return outcome, details of a finding, and the number of new ways found."""
        end = time.monotonic() + self._limit * (1 if self._served > 20 else 10)  # at first it compiles
        self._served += 1
        try:
            self._process.stdin.write(len(data).to_bytes(_HEAD, "little"))
            rest = memoryview(data)
            while rest:
                rest = rest[self._process.stdin.write(rest) :]
            size = int.from_bytes(self._read(_HEAD, end), "little")
            outcome, details, new = json.loads(self._read(size, end))
            return outcome, details, new
        except (TimeoutError, EOFError, BrokenPipeError) as error:
            self.close()
            reason = "hang" if isinstance(error, TimeoutError) else f"crash, exit code {self._process.returncode}"
            self._errors.seek(0)
            details = f"{reason}\n{self._errors.read()[-3000:].decode(errors='replace')}"
            self._errors.truncate(0)
            self._start()
            return "finding", details, 0


# ---------------------------------------------------------------------------------------------------------------------


def fuzz(name: str, *, seconds: float, runs: int, seed: int, limit: float, out: Path) -> int:
    """Fuzz one target and return how many findings of different kinds there were."""
    dice = random.Random(seed)
    corpus = list({**TARGETS, **SELF_TEST}[name][0]())
    n_seeds, kinds, outcomes = len(corpus), set(), set()
    worker, start, done = Worker(name, limit), time.monotonic(), 0
    try:
        while done < runs and time.monotonic() - start < seconds:
            # Half of all are made of good inputs: most that are kept, because they ended in a new way, are refused.
            chosen = corpus if dice.random() < 0.5 else corpus[:n_seeds]
            data = corpus[done] if done < n_seeds else mutate(dice.choice(chosen), corpus, dice)
            outcome, details, new = worker.run(data)
            if details:
                kind = re.sub(r"0x[0-9a-f]+|\d+", "#", "\n".join(details.strip().splitlines()[-3:]))
                if kind not in kinds:
                    kinds.add(kind)
                    out.mkdir(parents=True, exist_ok=True)
                    path = out / f"{name}-{hashlib.sha256(data).hexdigest()[:8]}.bin"
                    path.write_bytes(data)
                    print(f"{name}: {path}\n{details}", flush=True)
            elif done >= n_seeds and (new or outcome not in outcomes):
                corpus.append(data)
            outcomes.add(outcome)
            done += 1
    finally:
        worker.close()
    lasted = time.monotonic() - start
    print(f"{name}: {done} inputs in {lasted:.0f} s, {n_seeds} seeds, {len(corpus) - n_seeds} kept, "
          f"{len(outcomes)} outcomes, {len(kinds)} kinds of findings")  # fmt: skip
    return len(kinds)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", help=f"of {', '.join(TARGETS)} (all)")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each target (60)")
    parser.add_argument("--runs", type=int, default=sys.maxsize, help="at most, for each target")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=float, default=30.0, help="seconds that one input may take (30)")
    parser.add_argument("--out", type=Path, default=Path("findings"), help="folder for inputs that are findings")
    parser.add_argument("--replay", type=Path, help="run the target on this file, in this process")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    unknown = set(args.targets) - {*TARGETS, *SELF_TEST}
    if unknown:
        parser.error(f"unknown targets: {', '.join(sorted(unknown))}")
    if args.work:
        work(args.targets[0])
        return 0
    if args.replay:
        data = args.replay.read_bytes()
        sys.unraisablehook = _note_unraisable
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            outcome, details = _outcome(TARGETS[args.targets[0]][1], data)
        print(details or outcome)
        return int(bool(details))
    options = {name: getattr(args, name) for name in ("seconds", "runs", "seed", "limit", "out")}
    found = [fuzz(name, **options) for name in args.targets or TARGETS]
    return int(any(found))


if __name__ == "__main__":
    sys.exit(main())
