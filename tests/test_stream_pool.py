"""Streams that come and go in a pool, in any company and by any chunks: each has the bits of its whole signal."""

from __future__ import annotations

import pickle
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from melfeat import pool_frames
from melfeat.config import Config
from melfeat.config.presets import presets
from melfeat.dsp.framing import FRAME_RULES
from melfeat.errors import ParameterError
from melfeat.extractor import Extractor
from melfeat.kernels._jit import JIT_DISABLED
from melfeat.pool_frames import counts_of_frames
from melfeat.stages import Compression, Filterbank, Framing
from melfeat.stream_pool import StreamPool
from tests.support import assert_same_bytes, slow_interpreted
from tests.test_extractor import config_of, draw, small, tune
from tests.test_streaming import live

N_DRAWS = 8 if JIT_DISABLED else 200


class Server:
    """Feeds signals to streams of a pool and keeps what comes, to be compared with the whole."""

    def __init__(self, fx: Extractor, dtype: Any = np.float32) -> None:
        self.fx, self.dtype, self.pool = fx, dtype, fx.pool(dtype=dtype)
        self.signals: dict[int, np.ndarray] = {}
        self.at: dict[int, int] = {}
        self.parts: dict[int, list[np.ndarray]] = {}

    def join(self, y: np.ndarray) -> int:
        i = self.pool.open()
        assert i not in self.signals, "an id came twice"
        self.signals[i], self.at[i], self.parts[i] = y, 0, []
        return i

    def push(self, ids: list[int], counts: list[int], form: str = "list") -> None:
        chunks = []
        for i, count in zip(ids, counts, strict=True):
            chunks.append(self.signals[i][self.at[i] : self.at[i] + count])
            self.at[i] += chunks[-1].size
        given: Any = np.array(chunks) if form != "list" and len({chunk.size for chunk in chunks}) == 1 else chunks
        if form == "pad":
            frames, counts = self.pool.push(ids, given, pad=True)
            assert frames.shape[2] == max(counts, default=0)
            assert all(not rows[:, count:].any() for rows, count in zip(frames, counts, strict=True))
            found = [rows[:, :count] for rows, count in zip(frames, counts, strict=True)]
        else:
            found = self.pool.push(ids, given)
        assert len(found) == len(ids)
        for i, frames in zip(ids, found, strict=True):
            self.parts[i].append(frames)

    def move(self, i: int, way: str) -> int:
        """Let a stream go on elsewhere: in another slot, or in a `Stream` for some samples and then back."""
        state = pickle.loads(pickle.dumps(self.pool.state(i)))
        self.pool.close(i)
        if way == "stream":
            stream = self.fx.stream(dtype=self.dtype)
            stream.restore(state)
            assert stream.samples_pushed == self.at[i]
            assert stream.frames_ready == sum(part.shape[1] for part in self.parts[i])
            self.parts[i].append(stream.push(self.signals[i][self.at[i] : self.at[i] + 37]))
            self.at[i] = min(self.at[i] + 37, self.signals[i].size)
            state = stream.state()
        new = self.pool.restore(state)
        self.signals[new], self.at[new], self.parts[new] = self.signals.pop(i), self.at.pop(i), self.parts.pop(i)
        return new

    def leave(self, i: int) -> None:
        """Flush a stream and compare all that came with the whole."""
        whole = self.signals[i][: self.at[i]]
        try:
            expected = self.fx(whole)
        except ParameterError:
            with pytest.raises(ParameterError, match="0 samples"):
                self.pool.flush(i)
            assert i in self.pool
            self.pool.close(i)
        else:
            assert_same_bytes(np.concatenate([*self.parts[i], self.pool.flush(i)], axis=1), expected)
        assert i not in self.pool
        for table in (self.signals, self.at, self.parts):
            del table[i]


def serve(server: Server, signals: list[np.ndarray], rng: np.random.Generator, longest: int) -> None:
    """Let streams join, push, move and leave at random until all signals have been through."""
    waiting, forms = list(signals), ["list", "array", "pad"]
    while waiting or server.signals:
        while waiting and rng.random() < 0.6:
            server.join(waiting.pop())
        ids = [i for i in server.signals if rng.random() < 0.8]
        rng.shuffle(ids)
        if rng.random() < 0.5:
            counts = [int(rng.integers(0, longest))] * len(ids)
        else:
            counts = [int(n) for n in rng.integers(0, longest, len(ids)) * (rng.random(len(ids)) < 0.8)]
        server.push(ids, counts, forms[rng.integers(3)])
        for i in list(server.signals):
            if server.at[i] == server.signals[i].size or rng.random() < 0.03:
                server.leave(i)
            elif rng.random() < 0.1:
                server.move(i, ["pool", "stream"][rng.integers(2)])
    assert len(server.pool) == 0


@slow_interpreted
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(N_DRAWS))
def test_drawn(seed, monkeypatch):
    if seed % 2:
        monkeypatch.setattr(pool_frames, "_ROOM", 1)  # slots are full more often
    rng = np.random.default_rng([seed, 25])
    sr, stages = draw(rng)
    extra: dict[str, Any] = {}
    if rng.random() < 0.4:
        extra = {
            "cmn": ["sliding_mean", "sliding_mean_var"][rng.integers(2)],
            "cmn_window": int(rng.integers(1, 12)),
            "cmn_min_window": int(rng.integers(1, 20)),
            "cmn_center": bool(rng.random() < 0.5),
            "cmn_columns": ["static", "all", "no_energy"][rng.integers(3)],
        }
    if rng.random() < 0.2:
        extra |= {"dither": 0.1, "dither_scope": ["frame", "signal"][rng.integers(2)]}
    try:
        fx = live(Extractor(config_of(sr, stages)), **extra)
        fx.pool()
    except ParameterError:
        pytest.skip("this combination is refused")
    dtype = [np.float32, np.float64][rng.integers(2)]
    signals = [tune(rng, (int(rng.integers(0, 1500)),)).astype(dtype) for _ in range(12)]
    longest = [3, 90, 400, 3000][rng.integers(4)]
    if longest == 3:
        signals = [y[:100] for y in signals]
    with np.errstate(all="ignore"):
        serve(Server(fx, dtype), signals, rng, longest)


@slow_interpreted
@pytest.mark.parametrize("name", list(presets()))
def test_presets(name, rng):
    """Chunks of 10 ms; streams begin and end at different times."""
    fx = Extractor(name)
    if fx.config.needs_whole_signal:
        with pytest.raises(ParameterError, match="only when the whole signal is"):
            fx.pool()
        fx = live(fx)
    server, lengths = Server(fx), [5000, 3333, 7000, 100, 6400]
    signals = [(tune(rng, (n,)) * 32768).astype(np.int16) for n in lengths]
    signals[1] = (signals[1] / 32768).astype(np.float32)
    for begin in range(0, 12000, 160):
        if begin % 800 == 0 and signals:
            server.join(signals.pop())
        server.push(list(server.signals), [160] * len(server.signals))
        for i in list(server.signals):
            if server.at[i] == server.signals[i].size:
                server.leave(i)
    assert not server.signals


@pytest.mark.parametrize("pad_mode", ["constant", "reflect", "symmetric", "edge", "linear_ramp"])
@pytest.mark.parametrize("frames", ["center", "no_snip", "center_ceil", "valid", "pad_end"])
def test_short_signals(frames, pad_mode, rng):
    """The padding in front is made of samples that come later; streams come to it at different times."""
    framing = Framing(64, 16, frames=frames, pad_mode=pad_mode)
    fx = Extractor(Config(8000.0, framing=framing, filterbank=Filterbank(6), compression=Compression(top_db=None)))
    server = Server(fx, np.float64)
    ids = [server.join(tune(rng, (n,))) for n in (0, 1, 2, 31, 32, 33, 64, 65, 100)]
    for count in (0, 1, 1, 5, 30):
        server.push(ids, [count] * len(ids))
        server.push(ids[::2], [count] * len(ids[::2]))
    for i in ids:
        server.leave(i)


@pytest.mark.parametrize("rule", FRAME_RULES)
@pytest.mark.parametrize(
    ("n_fft", "hop", "win_length", "drop_last"), [(64, 16, 50, 0), (61, 7, 61, 2), (32, 90, 20, 1)]
)
def test_counts_of_frames(rule, n_fft, hop, win_length, drop_last):
    for align in ("left", "center"):
        framing = Framing(n_fft, hop, win_length, window_align=align, frames=rule, drop_last=drop_last)
        config, n = Config(8000.0, framing=framing), np.arange(400)
        assert counts_of_frames(n, config).tolist() == [config.n_analysis_frames(int(i)) for i in n]


@slow_interpreted
@pytest.mark.parametrize(
    "overrides",
    [
        {"dither": 1.0, "dither_scope": "frame"},
        {"dither": 1.0, "dither_scope": "signal"},
        {"offset_filter": 0.999},
        {"preemphasis_scope": "signal", "preemphasis_first": "extrapolate"},
        {"preemphasis_scope": "signal", "preemphasis_first": "zero", "offset_filter": 0.9},
        {"preemphasis_first": "previous", "pad_mode": "constant"},
        {"hop_length": 150},
        {"hop_length": 60, "frames": "center", "pad_mode": "reflect"},
        {"drop_last": 7, "pad_dropped": True},
        {"cmn": "sliding_mean_var", "cmn_window": 5, "cmn_min_window": 17, "cmn_columns": "no_energy"},
        {"cmn": "sliding_mean", "cmn_window": 1, "cmn_min_window": 1},
        {"cmn": "sliding_mean", "cmn_window": 12, "cmn_center": True, "cmn_columns": "all", "stack": 3, "pad_to": 4},
        {"cmn": "sliding_mean_var", "cmn_window": 6, "cmn_min_window": 30, "cmn_center": True, "delta_order": 0},
        {"delta_order": 3, "delta_window": 3, "stack": 2, "shift": 4.0, "scale": 0.25},
        {"input_scale": 32768.0, "energy_place": "first"},
    ],
    ids=str,
)
@pytest.mark.parametrize("longest", [4, 300, 4000])
def test_every_step(overrides, longest, rng, monkeypatch):
    """A step may wait for its first samples or frames; streams move while it does."""
    monkeypatch.setattr(pool_frames, "_ROOM", 1)
    fx = live(small(), **overrides)
    lengths = [0, 1, 2, 30, 70, 100, 180] if longest == 4 else [1, 2, 500, 1000, 2222, 3000, 4096]
    signals = [tune(rng, (n,)).astype(np.float32) for n in lengths]
    serve(Server(fx), signals, rng, longest)


@slow_interpreted
@pytest.mark.parametrize("hop", [3, 16, 60, 150])
@pytest.mark.parametrize("pad_mode", ["constant", "reflect", "symmetric"])
def test_every_end(hop, pad_mode, rng, monkeypatch):
    """Whatever a slot has let go of, the padding behind the last sample is made of what is left."""
    monkeypatch.setattr(pool_frames, "_ROOM", 1)
    fx = live(small(frames="center", pad_mode=pad_mode, hop_length=hop, delta_order=0))
    y, pool, stream = tune(rng, (1400,)).astype(np.float32), fx.pool(), fx.stream()
    i, parts = pool.open(), []
    for end in range(7, y.size, 7):
        parts += pool.push([i], y[np.newaxis, end - 7 : end])
        stream.restore(pool.state(i))
        assert_same_bytes(np.concatenate([*parts, stream.flush()], axis=1), fx(y[:end]))


class TestCompany:
    def test_many_streams(self, rng):
        """More streams than there is room for at first, all at different places, are each alone."""
        fx, server = live(small(delta_order=2)), None
        server = Server(fx)
        for _ in range(20 if JIT_DISABLED else 150):
            server.join(tune(rng, (int(rng.integers(1, 600)),)).astype(np.float32))
            server.push(list(server.signals), [16] * len(server.signals), "array")
        assert len(server.pool) == len(server.signals) == len(server.pool.ids)
        for i in list(server.signals):
            server.leave(i)

    def test_order_of_ids(self, rng):
        fx = live(small())
        y = tune(rng, (5, 400)).astype(np.float32)
        expected = [fx.stream().push(row) for row in y]
        for order in ([0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [3, 0, 4, 1, 2]):
            for chunks in (y[order], [y[i] for i in order], np.asfortranarray(y[order])):
                pool = fx.pool()
                ids = [pool.open() for _ in range(5)]
                given = np.array(ids, dtype=[np.int64, np.uint8][order[0] % 2])[order]
                for got, i in zip(pool.push(given, chunks), order, strict=True):
                    assert_same_bytes(got, expected[i])

    def test_what_came_before_in_a_slot(self, rng):
        """A stream is not touched by one that had its slot, nor by loud neighbours."""
        fx = live(small(frames="center", n_fft=64, win_length=50))
        pool, quiet = fx.pool(), (1e-6 * tune(rng, (700,))).astype(np.float32)
        loud = np.full(700, 3e37, np.float32)
        ids = [pool.open() for _ in range(3)]
        with np.errstate(all="ignore"):
            pool.push(ids, [loud] * 3)
            pool.close(ids[1])
            new = pool.open()
            assert new not in ids
            parts = [
                pool.push([new, ids[0]], [quiet[i : i + 99], loud[i : i + 99]])[0] for i in range(0, quiet.size, 99)
            ]
        assert_same_bytes(np.concatenate([*parts, pool.flush(new)], axis=1), fx(quiet))

    def test_int16_and_float_in_one_call(self, rng):
        fx = live(small(input_scale=3.0))
        y = tune(rng, (400,)).astype(np.float32)
        pcm = (y * 32768).astype(np.int16)
        pool = fx.pool()
        a, b, c = (pool.open() for _ in range(3))
        one, two, _ = pool.push([a, b, c], [y, pcm, y[:0]])
        assert_same_bytes(one, fx.stream().push(y))
        assert_same_bytes(two, fx.stream().push(pcm))

    def test_results_and_chunks_are_their_own(self, rng):
        fx = live(small())
        y = tune(rng, (2, 400)).astype(np.float32)
        y.setflags(write=False)
        expected = fx.pool()
        first = expected.push([expected.open(), expected.open()], y)
        pool = fx.pool()
        ids = [pool.open(), pool.open()]
        got = pool.push(ids, y)
        assert all(frames.base is None for frames in got)
        got[0][:] = np.nan
        assert_same_bytes(got[1], first[1])
        nothing = pool.push(ids, y[:, :0])
        assert [frames.shape for frames in nothing] == [(fx.n_features, 0)] * 2
        assert pool.push([], []) == []
        assert pool.push([], np.zeros((0, 5), np.float32), pad=True)[0].shape == (0, fx.n_features, 0)

    def test_latency(self):
        fx = live(small(delta_order=2))
        assert fx.pool().latency_samples == fx.stream().latency_samples == fx.config.latency


class TestState:
    @pytest.mark.parametrize("at", [0, 1, 31, 33, 200, 555])
    def test_a_state_is_not_touched_by_going_on(self, rng, at):
        extra = {"cmn": "sliding_mean_var", "cmn_window": 7, "cmn_min_window": 3, "stack": 2, "offset_filter": 0.999}
        fx = live(small(delta_order=2), **extra)
        y = tune(rng, (900,)).astype(np.float32)
        pool = fx.pool()
        i = pool.open()
        before = pool.push([i], [y[:at]])[0]
        state = pool.state(i)
        for _ in range(2):
            new = pool.restore(state)
            after = pool.push([i, new], [y[at : at + 100], y[at:]])[1]
            assert_same_bytes(np.concatenate([before, after, pool.flush(new)], axis=1), fx(y))

    @pytest.mark.parametrize("at", [0, 1, 2])
    def test_a_first_sample_that_is_held_back(self, rng, at):
        fx = live(small(preemphasis_scope="signal", preemphasis_first="extrapolate"))
        y = tune(rng, (200,)).astype(np.float32)
        pool, parts = fx.pool(), []
        ids = [pool.open(), pool.open()]
        pool.push(ids, y[np.newaxis, :at].repeat(2, axis=0))
        ids[0] = pool.restore(pool.state(ids[0]))
        stream = fx.stream()
        stream.restore(pool.state(ids[1]))
        parts = [pool.push(ids[:1], y[np.newaxis, at:])[0], stream.push(y[at:])]
        for part, end in zip(parts, (pool.flush(ids[0]), stream.flush()), strict=True):
            assert_same_bytes(np.concatenate([part, end], axis=1), fx(y))

    def test_goes_from_streams_to_pools(self, rng):
        fx = live(small(delta_order=2, stack=2))
        y = tune(rng, (900,)).astype(np.float32)
        stream, pool = fx.stream(), fx.pool()
        parts = [stream.push(y[:333])]
        i = pool.restore(stream.state())
        parts += [pool.push([i], [y[333:700]])[0]]
        stream.restore(pool.state(i))
        parts += [stream.push(y[700:]), stream.flush()]
        assert_same_bytes(np.concatenate(parts, axis=1), fx(y))

    def test_of_another_stream(self):
        fx = live(small())
        pool = fx.pool()
        with pytest.raises(ParameterError, match="fingerprint"):
            live(small(n_mels=13)).pool().restore(fx.stream().state())
        with pytest.raises(ParameterError, match="channels=2"):
            pool.restore(fx.stream(channels=2).state())
        with pytest.raises(ParameterError, match="dtype='float64'"):
            pool.restore(fx.stream(dtype=np.float64).state())
        with pytest.raises(ParameterError, match="expected what"):
            pool.restore({})
        stream = fx.stream()
        stream.flush()
        with pytest.raises(ParameterError, match="has ended"):
            pool.restore(stream.state())
        assert len(pool) == 0


class TestRefusals:
    BAD: tuple[tuple[Any, str], ...] = (
        (np.zeros((2, 9), np.float32), r"chunks has shape \(2, 9\): expected \(3, n\)"),
        (np.zeros(9, np.float32), r"chunks has shape \(9,\)"),
        (np.zeros((3, 9)), r"chunks has dtype float64: this pool is of float32.* dtype=np\.float64"),
        (np.zeros((3, 9), np.int32), "chunks has dtype int32"),
        ([np.zeros(9, np.float32)] * 2, r"chunks has 2 chunks: expected an array \(3, n\), or a list of 3"),
        (None, "chunks has type NoneType"),
        ([np.zeros(9, np.float32), [1.0], np.zeros(9, np.float32)], r"chunks\[1\] has type list"),
        ([np.zeros((1, 9), np.float32)] * 3, r"chunks\[0\] has shape \(1, 9\)"),
        ([np.zeros(9, np.float32), np.zeros(9), np.zeros(9, np.float32)], r"chunks\[1\] has dtype float64"),
        (
            [np.zeros(9, np.float32), np.float32([1, np.nan]), np.zeros(9, np.int16)],
            r"chunks\[1\] is not finite .*\(1,\)",
        ),
        (np.float32([[1, 2], [1, 2], [3, -np.inf]]), r"chunks\[2\] is not finite everywhere: 1 .* index \(1,\)"),
        (np.float32([[1, 2], [1, 2], [3, 3e38]]), r"samples of 3e\+38: scaled and filtered, they overflow float32"),
    )

    @pytest.mark.parametrize(("chunks", "text"), BAD)
    def test_a_push_that_is_refused_changes_no_stream(self, rng, chunks, text):
        fx = live(small(input_scale=32768.0, offset_filter=0.99))
        y = tune(rng, (3, 500)).astype(np.float32)
        pool = fx.pool()
        ids = [pool.open() for _ in range(3)][::-1]
        first = pool.push(ids, y[:, :200])
        with pytest.raises(ParameterError, match=text):
            pool.push(ids, chunks)
        for row, i, before, after in zip(y, ids, first, pool.push(ids, y[:, 200:]), strict=True):
            assert_same_bytes(np.concatenate([before, after, pool.flush(i)], axis=1), fx(row))

    def test_what_overflows_in_a_filter(self):
        fx = live(small(preemphasis_scope="signal", preemphasis_first="zero"))
        pool = fx.pool()
        i = pool.open()
        with pytest.raises(ParameterError, match="overflow float32"):
            pool.push([i], np.float32([[3e38, -3e38]]))
        assert (
            fx.stream().push(np.ones(64, np.float32)).tobytes()
            == pool.push([i], np.ones((1, 64), np.float32))[0].tobytes()
        )

    def test_ids(self):
        pool = live(small()).pool()
        a, b, c = pool.open(), pool.open(), pool.open()
        pool.close(b)
        d = pool.open()
        x = np.zeros((1, 99), np.float32)
        for bad in (b, -1, 10**6, d + 2**32, 2**62):
            assert bad not in pool
            with pytest.raises(ParameterError, match=f"no stream {bad} is open"):
                pool.push([bad], x)
            for call in (pool.close, pool.flush, pool.state):
                with pytest.raises(ParameterError, match=f"no stream {bad} is open"):
                    call(bad)
        for bad in (1.0, "a", None, True, [a]):
            with pytest.raises(ParameterError, match="expected the integer"):
                pool.close(bad)
            assert bad not in pool
        for bad in (a, [[a]], [a, [a]], [1.5], "ab", None, [True], {a}):
            with pytest.raises(ParameterError, match="expected the integers"):
                pool.push(bad, x)
        with pytest.raises(ParameterError, match=f"stream {d} is there twice"):
            pool.push([d, a, d], np.zeros((3, 99), np.float32))
        assert sorted(pool.ids) == sorted([a, c, d])
        assert all(i in pool for i in (a, c, d))
        for i in (a, c, d):
            assert pool.push([i], x)[0].shape[1] > 0

    def test_configurations(self):
        with pytest.raises(ParameterError, match="use top_db=None"):
            small(top_db=80.0).pool()
        with pytest.raises(ParameterError, match="dtype"):
            live(small()).pool(dtype=np.int16)


@pytest.mark.parametrize("kind", ["pool", "stream"])
def test_nothing_grows(kind, rng):
    """The memory that Python and NumPy hold is the same after some pushes and after many more."""
    fx = live(small(delta_order=2), cmn="sliding_mean", cmn_window=20, cmn_min_window=5)
    y = tune(rng, (4, 80)).astype(np.float32)
    if kind == "pool":
        pool = fx.pool()
        ids = [pool.open() for _ in range(4)]
        push: Any = lambda: pool.push(ids, y)  # noqa: E731
    else:
        stream = fx.stream()
        push = lambda: stream.push(y[0])  # noqa: E731

    def held(count: int) -> int:
        for _ in range(count):
            push()
        return tracemalloc.get_traced_memory()[0]

    n = 20 if JIT_DISABLED else 150
    push()
    tracemalloc.start()
    try:
        before = held(n)
        after = held(5 * n)
    finally:
        tracemalloc.stop()
    assert after - before < 20_000


class Calls(RuleBasedStateMachine):
    """A server whose clients come, send, move and go in any order."""

    @initialize(seed=st.integers(0, 2**32 - 1), kind=st.sampled_from(["plain", "deltas", "sliding", "signal"]))
    def begin(self, seed, kind):
        overrides: dict[str, Any] = {
            "plain": {"delta_order": 0},
            "deltas": {"delta_order": 2, "stack": 3, "pad_to": 2},
            "sliding": {"cmn": "sliding_mean", "cmn_window": 5, "cmn_min_window": 4, "cmn_columns": "no_energy"},
            "signal": {
                "preemphasis_scope": "signal",
                "preemphasis_first": "extrapolate",
                "offset_filter": 0.99,
                "frames": "center",
                "pad_mode": "reflect",
            },
        }[kind]
        self.rng = np.random.default_rng(seed)
        self.server = Server(live(small(), **overrides))

    @rule()
    def join(self):
        self.server.join(tune(self.rng, (600,)).astype(np.float32))

    @precondition(lambda self: self.server.signals)
    @rule(data=st.data(), n=st.one_of(st.integers(0, 20), st.integers(0, 300)), form=st.sampled_from(["array", "pad"]))
    def push(self, data, n, form):
        ids = data.draw(st.lists(st.sampled_from(sorted(self.server.signals)), unique=True))
        self.server.push(ids, [n] * len(ids), form)

    @precondition(lambda self: self.server.signals)
    @rule(data=st.data())
    def push_ragged(self, data):
        ids = data.draw(st.lists(st.sampled_from(sorted(self.server.signals)), unique=True))
        self.server.push(ids, [data.draw(st.integers(0, 200)) for _ in ids])

    @precondition(lambda self: self.server.signals)
    @rule(data=st.data(), way=st.sampled_from(["pool", "stream"]))
    def move(self, data, way):
        self.server.move(data.draw(st.sampled_from(sorted(self.server.signals))), way)

    @precondition(lambda self: self.server.signals)
    @rule(data=st.data())
    def leave(self, data):
        self.server.leave(data.draw(st.sampled_from(sorted(self.server.signals))))

    @invariant()
    def the_pool_knows_who_is_there(self):
        if hasattr(self, "server"):
            assert sorted(self.server.pool.ids) == sorted(self.server.signals)
            assert len(self.server.pool) == len(self.server.signals)

    def teardown(self):
        if hasattr(self, "server"):
            for i in list(self.server.signals):
                self.server.leave(i)


TestCalls = slow_interpreted(Calls.TestCase)
TestCalls.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)


def test_repr():
    pool = live(small()).pool()
    pool.open()
    assert isinstance(pool, StreamPool)
    assert repr(pool).startswith("<StreamPool of 1 streams, Config(")
