"""Threads and chunks: how many there are, and that they change no bit."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import melfeat
from melfeat import pipeline, workers
from melfeat.errors import ParameterError
from melfeat.kernels.framing import CLIPS, DONE, END, FIRST, NEXT, PIECE
from tests.support import slow_interpreted

SHAPE = {"n_fft": 64, "hop_length": 16, "n_mels": 8}


@pytest.fixture(autouse=True)
def as_before(monkeypatch):
    monkeypatch.setattr(workers, "_chosen", None)
    monkeypatch.setattr(workers, "_by_default", None)
    monkeypatch.delenv("MELFEAT_NUM_THREADS", raising=False)


@pytest.fixture
def eager(monkeypatch):
    """Make every amount of work worth a thread, and note whether a call was cut into pieces."""
    monkeypatch.setattr(workers, "_WORTH", 1)
    seen = []
    original = workers.share

    def counted(job, work, run):
        original(job, work, run)
        blocks = int(job[END] - job[FIRST])
        seen.append(blocks > int(job[PIECE]))

    monkeypatch.setattr(pipeline, "share", counted)
    return seen


def run_python(code, **env):
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **env}, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class TestHowMany:
    def test_default_is_what_the_process_may_use(self):
        assert melfeat.get_num_threads() == workers.available_cpus() >= 1

    def test_environment(self, monkeypatch):
        monkeypatch.setenv("MELFEAT_NUM_THREADS", "3")
        assert melfeat.get_num_threads() == 3

    @pytest.mark.parametrize("value", ["0", "-1", "two", "1.5"])
    def test_environment_refused(self, monkeypatch, value):
        monkeypatch.setenv("MELFEAT_NUM_THREADS", value)
        with pytest.raises(ParameterError, match=rf"MELFEAT_NUM_THREADS='?{value}.*expected an integer"):
            melfeat.get_num_threads()

    def test_set(self):
        melfeat.set_num_threads(5)
        assert melfeat.get_num_threads() == 5

    @pytest.mark.parametrize("value", [0, -2, 1.0, "2", None, True])
    def test_set_refused(self, value):
        with pytest.raises(ParameterError, match=r"n=.*expected an integer >= 1"):
            melfeat.set_num_threads(value)

    def test_context_is_of_one_thread_and_ends(self):
        melfeat.set_num_threads(2)
        with melfeat.threads(7):
            assert melfeat.get_num_threads() == 7
            with melfeat.threads(3):
                assert melfeat.get_num_threads() == 3
            assert melfeat.get_num_threads() == 7
            with ThreadPoolExecutor(1) as other:
                assert other.submit(melfeat.get_num_threads).result() == 2
        assert melfeat.get_num_threads() == 2

    @pytest.mark.parametrize(
        ("text", "expected"), [("max 100000", None), ("150000 100000", 1.5), ("50000 100000", 0.5)]
    )
    def test_quota(self, monkeypatch, text, expected):
        monkeypatch.setattr(workers.Path, "read_text", lambda self: text)
        assert workers.cpu_quota() == expected

    def test_quota_rounds_up_and_affinity_counts(self, monkeypatch):
        monkeypatch.setattr(workers, "cpu_quota", lambda: 1.5)
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2, 3}, raising=False)
        assert workers.available_cpus() == 2
        monkeypatch.setattr(workers, "cpu_quota", lambda: 0.2)
        assert workers.available_cpus() == 1

    def test_one_thread_in_the_workers_of_a_process_pool(self):
        code = (
            "import multiprocessing as mp, melfeat\n"
            "if __name__ == '__main__':\n"
            "    with mp.get_context('spawn').Pool(1) as pool: print(pool.apply(melfeat.get_num_threads))"
        )
        assert run_python(code) == "1"


@slow_interpreted
class TestBits:
    @pytest.mark.parametrize("n_threads", [2, 4])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_threads_change_nothing(self, eager, rng, dtype, n_threads):
        y = rng.standard_normal((3, 3001)).astype(dtype)
        calls = (
            lambda: melfeat.mfcc(y, n_mfcc=5, **SHAPE),
            lambda: melfeat.melspectrogram(y, **SHAPE),
            lambda: melfeat.stft(y, n_fft=64, hop_length=16),
        )
        for call in calls:
            with melfeat.threads(1):
                expected = call()
            assert set(eager) == {False}
            with melfeat.threads(n_threads):
                got = call()
            assert eager[-1] is True
            assert got.tobytes() == expected.tobytes()
            eager.clear()

    def test_callers_at_once_share_the_pool(self, eager, rng):
        signals = [rng.standard_normal(500 + 321 * i).astype(np.float32) for i in range(12)]
        with melfeat.threads(1):
            expected = [melfeat.mfcc(y, n_mfcc=5, **SHAPE).tobytes() for y in signals]

        def call(y):
            with melfeat.threads(3):
                return melfeat.mfcc(y, n_mfcc=5, **SHAPE).tobytes()

        with ThreadPoolExecutor(4) as callers:
            assert list(callers.map(call, signals * 3)) == expected * 3

    def test_nan_in_any_range_is_found(self, eager):
        y = np.ones(3000, np.float32)
        y[2900] = np.nan
        with melfeat.threads(4), pytest.raises(ParameterError, match="2900"):
            melfeat.mfcc(y, n_mfcc=5, **SHAPE)

    def test_short_clips_stay_on_one_thread(self, monkeypatch):
        monkeypatch.setattr(workers._Pool, "grow", lambda self, size: pytest.fail("threads for a fifth of a second"))
        with melfeat.threads(8):
            melfeat.mfcc(np.ones(4000, np.float32), n_mfcc=5, **SHAPE)

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
    def test_after_a_fork(self):
        """The child of a process whose pool was running makes a pool of its own, and gets the same bytes."""
        code = (
            "import hashlib, os, numpy as np, melfeat\n"
            "from melfeat import workers\n"
            "workers._WORTH = 1\n"
            "y = np.random.default_rng(0).standard_normal(20000).astype(np.float32)\n"
            "call = lambda: hashlib.sha256(melfeat.mfcc(y, n_fft=64, n_mels=8).tobytes()).hexdigest()\n"
            "melfeat.set_num_threads(3)\n"
            "parent = call()\n"
            "read, write = os.pipe()\n"
            "if os.fork() == 0:\n"
            "    os.write(write, call().encode()); os._exit(0)\n"
            "os.wait()\n"
            "print(os.read(read, 100).decode() == parent)"
        )
        assert run_python(code) == "True"


def job_of(n_blocks, first=0):
    job = np.zeros(CLIPS, dtype=np.int64)
    job[[FIRST, END, PIECE, NEXT]] = first, first + n_blocks, n_blocks, first
    return job


class Taker:
    """Takes pieces of a job as the kernels do, and notes who took what; a block may wait for something or fail."""

    def __init__(self, job, block=lambda index: None):
        self.job, self.block, self.lock, self.taken = job, block, threading.Lock(), []

    def add(self, index, amount):
        with self.lock:
            before = int(self.job[index])
            self.job[index] += amount
        return before

    def __call__(self):
        end, piece = int(self.job[END]), int(self.job[PIECE])
        while (first := self.add(NEXT, piece)) < end:
            last = min(first + piece, end)
            for index in range(first, last):
                self.block(index)
                self.taken.append((index, threading.get_ident()))
            self.add(DONE, last - first)
        return self.job[DONE] == end - self.job[FIRST]

    @property
    def blocks(self):
        return sorted(index for index, _ in self.taken)


class TestSharing:
    @pytest.mark.parametrize("n_threads", [1, 2, 3, 8])
    @pytest.mark.parametrize("n_blocks", [1, 2, 3, 10, 101])
    def test_every_block_once(self, monkeypatch, n_blocks, n_threads):
        monkeypatch.setattr(workers, "_WORTH", 1)
        run = Taker(job_of(n_blocks, 7))
        with melfeat.threads(n_threads):
            workers.share(run.job, 10 * n_blocks, run)
        assert run.blocks == list(range(7, 7 + n_blocks))

    def test_threads_help(self, monkeypatch):
        """Blocks that wait until three threads have come are done: the caller's and two of the pool."""
        monkeypatch.setattr(workers, "_WORTH", 1)
        together = threading.Barrier(3, timeout=30)
        run = Taker(job_of(3), lambda index: together.wait())
        with melfeat.threads(3):
            workers.share(run.job, 3, run)
        assert len({thread for _, thread in run.taken}) == 3

    def test_nobody_waits_for_a_thread_that_does_not_come(self, monkeypatch):
        """The pool is busy with something else for ever: the caller does everything itself."""
        monkeypatch.setattr(workers, "_WORTH", 1)
        monkeypatch.setattr(workers, "_pool", workers._Pool())
        workers._pool.grow(1)
        release = threading.Event()
        workers._pool.tasks.put(release.wait)
        run = Taker(job_of(20))
        with melfeat.threads(2):
            workers.share(run.job, 20, run)
        assert run.blocks == list(range(20))
        assert {thread for _, thread in run.taken} == {threading.get_ident()}
        release.set()

    def test_the_caller_waits_for_pieces_in_other_hands(self, monkeypatch):
        monkeypatch.setattr(workers, "_WORTH", 1)
        caller, came = threading.get_ident(), threading.Event()

        def block(index):
            if threading.get_ident() == caller:
                came.wait(30)
            else:
                came.set()
                time.sleep(0.05)

        run = Taker(job_of(2), block)
        with melfeat.threads(2):
            workers.share(run.job, 2, run)
        assert run.blocks == [0, 1]

    def test_an_error_of_another_thread_is_raised(self, monkeypatch):
        monkeypatch.setattr(workers, "_WORTH", 1)
        caller, came = threading.get_ident(), threading.Event()

        def block(index):
            if threading.get_ident() != caller:
                came.set()
                raise MemoryError("no room for scratch")
            came.wait(30)

        run = Taker(job_of(2), block)
        with melfeat.threads(2), pytest.raises(MemoryError, match="no room"):
            workers.share(run.job, 2, run)

    def test_no_threads_to_be_had(self, monkeypatch):
        def refuse(self):
            raise RuntimeError("can't start new thread")

        monkeypatch.setattr(workers, "_WORTH", 1)
        monkeypatch.setattr(workers, "_pool", workers._Pool())
        monkeypatch.setattr(threading.Thread, "start", refuse)
        run = Taker(job_of(4))
        with melfeat.threads(2):
            workers.share(run.job, 4, run)
        assert run.blocks == [0, 1, 2, 3]
        assert workers._pool.size == 0

    def test_a_late_thread_holds_nothing(self, monkeypatch):
        """What is left in the queue after a call keeps no array alive."""
        monkeypatch.setattr(workers, "_WORTH", 1)
        monkeypatch.setattr(workers, "_pool", workers._Pool())
        workers._pool.size = 1  # a thread that never takes anything
        run = Taker(job_of(4))
        with melfeat.threads(2):
            workers.share(run.job, 4, run)
        task = workers._pool.tasks.get_nowait()
        assert task.run is None
        task()
        assert run.blocks == [0, 1, 2, 3]


def swell(n):
    return np.linspace(0, 1, n) ** 6


@slow_interpreted
class TestChunks:
    """The levels of a long signal are never held whole; the bits are those of doing so."""

    @pytest.mark.parametrize("top_db", [None, 80.0, 20.0, 0.0])
    @pytest.mark.parametrize("envelope", [np.ones_like, swell, lambda n: swell(n)[::-1]], ids=["flat", "up", "down"])
    @pytest.mark.parametrize("shape", [(5003,), (3, 1201)])
    def test_chunks_change_nothing(self, monkeypatch, rng, shape, envelope, top_db):
        y = rng.standard_normal(shape).astype(np.float32)
        y *= (envelope(np.arange(5003.0)) if envelope is np.ones_like else envelope(5003))[: shape[-1]]
        y[..., 700:900] = 0
        expected = melfeat.mfcc(y, n_mfcc=5, top_db=top_db, **SHAPE)
        for frames in (16, 48, 160):
            monkeypatch.setattr(pipeline, "CHUNK", frames * SHAPE["n_mels"])
            assert melfeat.mfcc(y, n_mfcc=5, top_db=top_db, **SHAPE).tobytes() == expected.tobytes()

    def test_chunks_and_threads(self, monkeypatch, eager, rng):
        y = rng.standard_normal((2, 4001)) * swell(4001)
        with melfeat.threads(1):
            expected = melfeat.mfcc(y, n_mfcc=5, **SHAPE)
        monkeypatch.setattr(pipeline, "CHUNK", 64 * SHAPE["n_mels"])
        with melfeat.threads(3):
            assert melfeat.mfcc(y, n_mfcc=5, **SHAPE).tobytes() == expected.tobytes()

    def test_scratch_stays_small(self, monkeypatch, rng):
        asked = []
        original = pipeline.scratch
        monkeypatch.setattr(pipeline, "scratch", lambda name, size, dtype: (
            asked.append((name, size)), original(name, size, dtype))[1])  # fmt: skip
        monkeypatch.setattr(pipeline, "CHUNK", 64 * SHAPE["n_mels"])
        melfeat.mfcc(rng.standard_normal(20000), n_mfcc=5, **SHAPE)
        assert max(size for name, size in asked if name == "levels") <= 64 * SHAPE["n_mels"]
