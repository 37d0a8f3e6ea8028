"""Live audio: however the signal is cut into chunks, the bits are those of the whole signal at once."""

from __future__ import annotations

import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import melfeat
from melfeat.config import Config
from melfeat.config.presets import presets
from melfeat.errors import ParameterError
from melfeat.extractor import Extractor
from melfeat.kernels._jit import JIT_DISABLED
from melfeat.stages import Compression, Filterbank, Framing
from tests.support import assert_same_bytes, slow_interpreted
from tests.test_extractor import config_of, draw, small, tune

#: Chunkings of each drawn configuration; with `N_DRAWS` configurations these are the 2,000 cases and more.
N_CHUNKINGS = 8
N_DRAWS = 10 if JIT_DISABLED else 260


def live(fx: Extractor, **overrides: Any) -> Extractor:
    """Return the extractor without what needs the whole signal."""
    safe: dict[str, Any] = {"fixed_samples": None, "normalize_signal": False, "fixed_frames": None}
    if fx.config.compression is not None:
        safe["top_db"] = None
    if fx.config.energy is not None:
        safe["energy_normalize"] = False
    if fx.config.post.cmn is not None:
        safe["cmn"] = None
    return Extractor(fx.config.replace(**safe).replace(**overrides))


def streamed(fx: Extractor, y: np.ndarray, ends: Any, **options: Any) -> np.ndarray:
    with fx.stream(**options) as stream:
        parts, begin = [], 0
        for end in [*ends, y.shape[-1]]:
            parts.append(stream.push(y[..., begin:end]))
            begin = end
        parts.append(stream.flush())
        assert stream.frames_ready == sum(part.shape[-1] for part in parts)
    return np.concatenate(parts, axis=-1)


def chunkings(rng: np.random.Generator, n: int) -> list[list[int]]:
    """Return ways of cutting n samples: none, one by one at first, even chunks, random ones, empty ones among them."""
    ways: list[list[int]] = [[], list(range(min(n, 40))), [n, n], list(range(0, n, 160)), list(range(0, n, 7))[:60]]
    while len(ways) < N_CHUNKINGS:
        cuts = rng.integers(0, n + 1, int(rng.integers(1, 9)))
        ways.append(sorted([*cuts.tolist(), *cuts[:2].tolist()]))
    return ways


@slow_interpreted
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(N_DRAWS))
def test_drawn(seed):
    rng = np.random.default_rng([seed, 21])
    sr, stages = draw(rng)
    sliding = rng.random() < 0.3
    extra: dict[str, Any] = {}
    if sliding:
        extra = {
            "cmn": ["sliding_mean", "sliding_mean_var"][rng.integers(2)],
            "cmn_window": int(rng.integers(1, 12)),
            "cmn_min_window": int(rng.integers(1, 12)),
            "cmn_center": bool(rng.random() < 0.5),
            "cmn_columns": ["static", "all"][rng.integers(2)],
        }
    if rng.random() < 0.2:
        extra |= {"dither": 0.1, "dither_scope": ["frame", "signal"][rng.integers(2)]}
    try:
        fx = live(Extractor(config_of(sr, stages)), **extra)
        fx.stream()
    except ParameterError:
        pytest.skip("this combination is refused")
    dtype = [np.float32, np.float64][rng.integers(2)]
    y = tune(rng, (int(rng.integers(1, 1500)),)).astype(dtype)
    with np.errstate(all="ignore"):
        expected = fx(y)
        for ends in chunkings(rng, y.size):
            got = streamed(fx, y, ends, dtype=dtype)
            assert_same_bytes(got, expected)


@slow_interpreted
@pytest.mark.parametrize("name", list(presets()))
def test_presets(name, rng):
    fx = Extractor(name)
    y = tune(rng, (7000,)).astype(np.float32)
    if fx.config.needs_whole_signal:
        with pytest.raises(ParameterError, match="only when the whole signal is"):
            fx.stream()
        fx = live(fx)
    expected = fx(y)
    for ends in (range(0, 7000, 160), [1, 2, 3, 5000]):
        assert_same_bytes(streamed(fx, y, ends), expected)
        pcm = (y * 32768).astype(np.int16)
        assert_same_bytes(streamed(fx, pcm, ends), fx(pcm))


@pytest.mark.parametrize("n", [0, 1, 2, 7, 8, 9, 31, 32, 33, 64, 65, 100])
@pytest.mark.parametrize("pad_mode", ["constant", "reflect", "symmetric", "edge", "linear_ramp"])
@pytest.mark.parametrize("frames", ["center", "no_snip", "center_ceil", "valid", "pad_end"])
def test_short_signals(frames, pad_mode, n, rng):
    """The padding in front is made of samples that come later, the one behind of those that came before."""
    framing = Framing(64, 16, frames=frames, pad_mode=pad_mode)
    fx = Extractor(Config(8000.0, framing=framing, filterbank=Filterbank(6), compression=Compression(top_db=None)))
    y = tune(rng, (n,))
    if n == 0 and pad_mode != "constant" and frames in ("center", "center_ceil"):
        for call in (lambda: fx(y), lambda: streamed(fx, y, [], dtype=np.float64)):
            with pytest.raises(ParameterError, match="0 samples"):
                call()
        return
    expected = fx(y)
    for ends in ([], list(range(n)), [n // 2], [n // 3, n // 3, n]):
        assert_same_bytes(streamed(fx, y, ends, dtype=np.float64), expected)


def test_channels_advance_together(rng):
    fx = live(small())
    y = tune(rng, (3, 900)).astype(np.float32)
    assert_same_bytes(streamed(fx, y, [10, 333, 334, 800], channels=3), fx(y))


def test_streams_side_by_side(rng):
    fx = live(small())
    signals = [tune(rng, (500 + 77 * i,)).astype(np.float32) for i in range(6)]
    streams, parts = [fx.stream() for _ in signals], [[] for _ in signals]
    for begin in range(0, 1000, 50):
        for i, y in enumerate(signals):
            parts[i].append(streams[i].push(y[begin : begin + 50]))
    for i, y in enumerate(signals):
        assert_same_bytes(np.concatenate([*parts[i], streams[i].flush()], axis=1), fx(y))


def test_latency_is_what_it_says(rng):
    """In the middle of a signal a frame comes exactly `latency_samples` after its centre, not a sample earlier."""
    for overrides in ({}, {"delta_order": 2}, {"cepstrum": None, "energy_place": "last", "stack": 2}):
        fx = live(small(**overrides))
        y = tune(rng, (900,))
        stream, times = fx.stream(dtype=np.float64), fx.times(900)
        came = []
        for n in range(900):
            came += [n + 1] * stream.push(y[n : n + 1]).shape[1]
        centres = times[: len(came)] * 8000
        waits = (np.array(came) - centres)[12:]
        assert waits.max() <= stream.latency_samples + 0.5 <= waits.max() + 1.5


class TestState:
    @pytest.mark.parametrize("at", [0, 1, 30, 200, 555, 900])
    def test_goes_on_in_a_copy(self, rng, at):
        extra = {"cmn": "sliding_mean_var", "cmn_window": 7, "cmn_min_window": 3, "stack": 2, "offset_filter": 0.999}
        fx = live(small(delta_order=2), **extra)
        y = tune(rng, (900,)).astype(np.float32)
        expected = fx(y)
        stream = fx.stream()
        before = stream.push(y[:at])
        state = pickle.loads(pickle.dumps(stream.state()))
        for other in (fx.stream(), stream, fx.stream()):
            other.restore(state)
            assert other.samples_pushed == at
            got = np.concatenate([before, other.push(y[at:]), other.flush()], axis=1)
            assert_same_bytes(got, expected)

    def test_goes_on_in_another_process(self, rng, tmp_path):
        fx = live(small(delta_order=2))
        y = tune(rng, (900,)).astype(np.float32)
        stream = fx.stream()
        before = stream.push(y[:300])
        (tmp_path / "state").write_bytes(pickle.dumps((fx, stream.state(), y[300:])))
        code = (
            "import pickle, sys, numpy as np\n"
            "from pathlib import Path\n"
            "folder = Path(sys.argv[1])\n"
            "fx, state, y = pickle.loads((folder / 'state').read_bytes())\n"
            "stream = fx.stream(); stream.restore(state)\n"
            "np.save(folder / 'rest.npy', np.concatenate([stream.push(y), stream.flush()], axis=1))"
        )
        subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, timeout=300)
        assert_same_bytes(np.concatenate([before, np.load(tmp_path / "rest.npy")], axis=1), fx(y))

    def test_a_state_is_not_touched_by_going_on(self, rng):
        fx = live(small())
        y = tune(rng, (600,)).astype(np.float32)
        stream = fx.stream()
        stream.push(y[:200])
        state = stream.state()
        once = stream.push(y[200:])
        stream.restore(state)
        assert_same_bytes(stream.push(y[200:]), once)
        stream.restore(state)
        assert_same_bytes(stream.push(y[200:]), once)

    def test_of_another_stream(self):
        fx = live(small())
        state = fx.stream().state()
        with pytest.raises(ParameterError, match="fingerprint"):
            live(small(n_mels=13)).stream().restore(state)
        with pytest.raises(ParameterError, match="channels=None: this one has 2"):
            fx.stream(channels=2).restore(state)
        with pytest.raises(ParameterError, match="dtype='float32': this one has 'float64'"):
            fx.stream(dtype=np.float64).restore(state)
        with pytest.raises(ParameterError, match=r"expected what Stream\.state"):
            fx.stream().restore({"x": 1})


class TestRefusals:
    @pytest.mark.parametrize(
        ("overrides", "text"),
        [
            ({"top_db": 80.0}, r"top_db=80.*use top_db=None"),
            ({"cmn": "mean"}, r"cmn='mean'.*use cmn='sliding_mean' or cmn=None"),
            (
                {"energy_normalize": True, "cmn": "mean"},
                r"energy_normalize=True, cmn='mean'.*and energy_normalize=False",
            ),
            ({"normalize_signal": True}, "use normalize_signal=False"),
            ({"fixed_samples": 100}, "use fixed_samples=None"),
            ({"fixed_frames": 100}, "use fixed_frames=None"),
            ({"pad_mode": lambda *args: None}, "a named pad_mode"),
            ({"preemphasis_first": "previous"}, "pad_mode='symmetric' with preemphasis_first='previous'"),
        ],
    )
    def test_whole_signal(self, overrides, text):
        with pytest.raises(ParameterError, match=text):
            Extractor(live(small()).config.replace(**overrides)).stream()

    @pytest.mark.parametrize(
        ("chunk", "text"),
        [
            ([1.0], "chunk has type list"),
            (np.zeros((2, 3), np.float32), r"chunk has shape \(2, 3\): expected \(n,\)"),
            (np.zeros(3), "chunk has dtype float64: this stream is of float32; .* dtype=np.float64"),
            (np.zeros(3, np.int32), "chunk has dtype int32"),
            (np.float32([1, np.inf, 2]), r"chunk is not finite everywhere: 1 .* index \(1,\)"),
            (np.float32([1, 2, 3e38]), r"chunk is not finite everywhere: 1 .* index \(2,\)"),
        ],
    )
    def test_a_chunk_that_is_refused_is_not_taken(self, rng, chunk, text):
        fx = live(small(input_scale=32768.0))
        y = tune(rng, (500,)).astype(np.float32)
        stream = fx.stream()
        first = stream.push(y[:200])
        with pytest.raises(ParameterError, match=text):
            stream.push(chunk)
        assert stream.samples_pushed == 200
        assert_same_bytes(np.concatenate([first, stream.push(y[200:]), stream.flush()], axis=1), fx(y))

    def test_after_the_end(self):
        fx = live(small())
        stream = fx.stream()
        stream.push(np.zeros(100, np.float32))
        stream.flush()
        for call in (lambda: stream.push(np.zeros(1, np.float32)), stream.flush):
            with pytest.raises(ParameterError, match="has ended: call reset"):
                call()
        stream.reset()
        assert stream.push(np.zeros(100, np.float32)).shape[1] > 0
        with fx.stream() as stream:
            pass
        with pytest.raises(ParameterError, match="has ended"):
            stream.flush()

    def test_parameters(self):
        fx = live(small())
        with pytest.raises(ParameterError, match="dtype"):
            fx.stream(dtype=np.int16)
        with pytest.raises(ParameterError, match=r"chunk has shape \(3,\): expected \(2, n\)"):
            fx.stream(channels=2).push(np.zeros(3, np.float32))
        for bad in (0, -1, 1.5):
            with pytest.raises(ParameterError, match="channels="):
                fx.stream(channels=bad)


def test_the_buffer_does_not_grow(rng):
    fx = live(small(delta_order=2), cmn="sliding_mean", cmn_window=20, cmn_min_window=5)
    stream, y = fx.stream(), tune(rng, (160,)).astype(np.float32)
    sizes = []
    for i in range(60 if JIT_DISABLED else 600):
        stream.push(y)
        if i % 20 == 19:
            sizes.append(len(pickle.dumps(stream.state())))
    assert max(sizes[1:]) <= 1.5 * min(sizes[1:])


@pytest.mark.parametrize("center", [False, True])
def test_a_window_longer_than_any_signal(rng, center):
    """Its sums take the room of the frames that came."""
    options = {"cmn": "sliding_mean_var", "cmn_window": 10**9, "cmn_min_window": 3, "cmn_center": center}
    fx, y = live(small(), **options), tune(rng, (20_000,)).astype(np.float32)
    stream, pool = fx.stream(), fx.pool()
    streams = [pool.open(), pool.open()]
    parts, pooled = [], []
    for begin in range(0, y.size, 1999):
        chunk = y[begin : begin + 1999]
        parts.append(stream.push(chunk))
        pooled.append(pool.push(streams, [chunk, chunk[:7]])[0])
    again = fx.stream()
    again.restore(stream.state())
    for found, rest in ((parts, again.flush()), (pooled, pool.flush(streams[0]))):
        assert_same_bytes(np.concatenate([*found, rest], axis=1), fx(y))


class Session(RuleBasedStateMachine):
    """A user who pushes, looks, saves, restores, resets and flushes in any order."""

    @initialize(seed=st.integers(0, 2**32 - 1), kind=st.sampled_from(["plain", "deltas", "sliding"]))
    def begin(self, seed, kind):
        overrides = {
            "plain": {"delta_order": 0},
            "deltas": {"delta_order": 2, "stack": 3, "pad_to": 2},
            "sliding": {"cmn": "sliding_mean", "cmn_window": 5, "cmn_min_window": 4, "cmn_columns": "no_energy"},
        }[kind]
        self.fx = live(small(), **overrides)
        self.y = tune(np.random.default_rng(seed), (700,)).astype(np.float32)
        self.stream, self.at, self.parts, self.saved = self.fx.stream(), 0, [], None
        self.ended = False

    @precondition(lambda self: not self.ended)
    @rule(n=st.one_of(st.integers(0, 20), st.integers(0, 300)))
    def push(self, n):
        chunk = self.y[self.at : self.at + n]
        self.parts.append(self.stream.push(chunk))
        self.at += chunk.size

    @precondition(lambda self: not self.ended)
    @rule()
    def save(self):
        self.saved = pickle.dumps((self.stream.state(), self.at, self.parts))

    @precondition(lambda self: self.saved is not None)
    @rule(fresh=st.booleans())
    def restore(self, fresh):
        state, self.at, self.parts = pickle.loads(self.saved)
        if fresh:
            self.stream = self.fx.stream()
        self.stream.restore(state)
        self.ended = False

    @rule()
    def reset(self):
        self.stream.reset()
        self.at, self.parts, self.ended = 0, [], False

    @precondition(lambda self: not self.ended)
    @rule()
    def flush(self):
        self.parts.append(self.stream.flush())
        self.ended = True
        assert_same_bytes(np.concatenate(self.parts, axis=1), self.fx(self.y[: self.at]))

    @invariant()
    def what_came_is_the_beginning_of_what_the_whole_gives(self):
        if hasattr(self, "parts") and self.parts and not self.ended:
            got = np.concatenate(self.parts, axis=1)
            assert got.shape[1] == self.stream.frames_ready


TestSession = slow_interpreted(Session.TestCase)
TestSession.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def test_the_readme_example(rng):
    fx = melfeat.Extractor("kaldi-mfcc")
    y = tune(rng, (16000,)).astype(np.float32)
    assert_same_bytes(streamed(fx, y, range(0, 16000, 160)), fx(y))
