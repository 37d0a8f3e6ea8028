"""Threads and chunks: how many there are, and that they change no bit."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import melfeat
from melfeat import pipeline, workers
from melfeat.errors import ParameterError

SHAPE = {"n_fft": 64, "hop_length": 16, "n_mels": 8}


@pytest.fixture(autouse=True)
def as_before(monkeypatch):
    monkeypatch.setattr(workers, "_chosen", None)
    monkeypatch.delenv("MELFEAT_NUM_THREADS", raising=False)


@pytest.fixture
def eager(monkeypatch):
    """Make every amount of work worth a thread, and count the ranges."""
    monkeypatch.setattr(workers, "_WORTH", 1)
    seen = []
    original = workers.run_ranges

    def counted(*args):
        results = original(*args)
        seen.append(len(results))
        return results

    monkeypatch.setattr(pipeline, "run_ranges", counted)
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
        ("text", "expected"), [("max 100000", math.inf), ("150000 100000", 1.5), ("50000 100000", 0.5)]
    )
    def test_quota(self, monkeypatch, text, expected):
        monkeypatch.setattr(workers.Path, "read_text", lambda self: text)
        assert workers._cgroup_quota() == expected

    def test_quota_rounds_up_and_affinity_counts(self, monkeypatch):
        monkeypatch.setattr(workers, "_cgroup_quota", lambda: 1.5)
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2, 3}, raising=False)
        assert workers.available_cpus() == 2
        monkeypatch.setattr(workers, "_cgroup_quota", lambda: 0.2)
        assert workers.available_cpus() == 1

    def test_one_thread_in_the_workers_of_a_process_pool(self):
        code = (
            "import multiprocessing as mp, melfeat\n"
            "if __name__ == '__main__':\n"
            "    with mp.get_context('spawn').Pool(1) as pool: print(pool.apply(melfeat.get_num_threads))"
        )
        assert run_python(code) == "1"


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
            assert set(eager) == {1}
            with melfeat.threads(n_threads):
                got = call()
            assert eager[-1] == n_threads
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
        monkeypatch.setattr(workers, "_executor", lambda size: pytest.fail("a pool for one second of audio"))
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


class TestRanges:
    def test_cover_everything_once(self, monkeypatch):
        monkeypatch.setattr(workers, "_WORTH", 1)
        for n_blocks in (1, 2, 3, 10, 101):
            for n_threads in (1, 2, 3, 8):
                with melfeat.threads(n_threads):
                    ranges = workers.run_ranges(n_blocks, 10, lambda first, last: (first, last))
                assert [i for first, last in ranges for i in range(first, last)] == list(range(n_blocks))

    @pytest.mark.parametrize("bad", [0, 5])
    def test_an_error_is_raised_when_all_have_ended(self, monkeypatch, bad):
        monkeypatch.setattr(workers, "_WORTH", 1)
        ended = []

        def run(first, last):
            if first <= bad < last:
                raise MemoryError(f"range {first}")
            ended.append(first)

        with melfeat.threads(3), pytest.raises(MemoryError, match="range"):
            workers.run_ranges(9, 10, run)
        assert len(ended) == 2

    def test_no_threads_to_be_had(self, monkeypatch):
        def refuse(size):
            raise RuntimeError("can't start new thread")

        monkeypatch.setattr(workers, "_WORTH", 1)
        monkeypatch.setattr(workers, "_executor", refuse)
        with melfeat.threads(2):
            assert workers.run_ranges(4, 10, lambda first, last: (first, last)) == [(0, 4)]

    def test_threads_that_run_out_half_way(self, monkeypatch):
        """The system gives one thread and no more: nothing is left behind that could run later."""
        monkeypatch.setattr(workers, "_WORTH", 1)
        monkeypatch.setattr(workers, "_pool", None)
        monkeypatch.setattr(workers, "_pool_size", 0)
        original, started = threading.Thread.start, []

        def start(self):
            if started:
                raise RuntimeError("can't start new thread")
            started.append(self)
            original(self)

        monkeypatch.setattr(threading.Thread, "start", start)
        calls = []
        with melfeat.threads(4):
            assert workers.run_ranges(8, 10, lambda *ends: calls.append(ends) or ends) == [(0, 8)]
        for thread in started:
            thread.join(10)
        assert len(started) == 1
        assert calls == [(0, 8)]
        assert workers._pool is None


def swell(n):
    return np.linspace(0, 1, n) ** 6


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
