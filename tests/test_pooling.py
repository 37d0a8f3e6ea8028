"""One vector per file: what one call does equals the loop that a reader would write, on any number of threads."""

from __future__ import annotations

import inspect
import io
import os
import threading
import time
import warnings
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf

import melfeat
from melfeat import pooling
from melfeat.errors import (
    AudioFileError,
    AudioFileMissingError,
    EmptyFilterWarning,
    ParameterError,
)
from melfeat.pooling import mfcc_stats
from tests.oracles import pooling as oracle
from tests.support import assert_same_bytes, eps, fewer

STATS = tuple(oracle.STATS)
SMALL = {"n_fft": 256, "hop_length": 64, "n_mels": 20, "n_mfcc": 7}

# (format, subtype, rate, channels)
FILES = [
    ("WAV", "PCM_16", 44100, 2),
    ("WAV", "PCM_16", 22050, 1),
    ("WAV", "PCM_16", 48000, 6),
    ("WAV", "PCM_24", 48000, 2),
    ("WAV", "FLOAT", 16000, 1),
    ("WAV", "DOUBLE", 22050, 2),
    ("WAV", "ULAW", 8000, 1),
    ("AIFF", "PCM_16", 32000, 2),
    ("FLAC", "PCM_16", 44100, 1),
    ("FLAC", "PCM_24", 22050, 2),
    ("OGG", "VORBIS", 48000, 2),
    ("MP3", "MPEG_LAYER_III", 44100, 2),
]


def sound(n: int, channels: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (0.2 * np.sin(np.arange(n) / (3 + seed))[:, None] + 0.05 * rng.standard_normal((n, channels))) * 0.8


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sounds")


@pytest.fixture(scope="module")
def paths(folder: Path) -> list[Path]:
    """Files of several formats, rates and lengths."""
    made = []
    for i, (fmt, subtype, rate, channels) in enumerate(fewer(FILES, 4)):
        if subtype not in sf.available_subtypes(fmt):
            continue
        made.append(folder / f"{i}.{fmt.lower()}")
        sf.write(made[-1], sound(3000 + 700 * i, channels, i), rate, format=fmt, subtype=subtype)
    return made


@pytest.fixture(scope="module")
def expected(paths: list[Path]) -> np.ndarray:
    return np.stack([naive(path) for path in paths])


@pytest.fixture(params=[1, 2, 4])
def n_threads(request: pytest.FixtureRequest) -> Iterator[int]:
    with melfeat.threads(request.param):
        yield request.param


@pytest.fixture(autouse=True)
def none_left_running() -> Iterator[None]:
    yield
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("melfeat-file")]


def naive(path: Any, sr: float | None = 22050, load: dict[str, Any] | None = None, **options: Any) -> np.ndarray:
    y, rate = melfeat.load(path, sr, **(load or {}))
    M = melfeat.mfcc(y, rate, **{**SMALL, **options})
    return M.mean(axis=-1, dtype=np.float64).astype(M.dtype)


# ---------------------------------------------------------------- the loop


def test_one_file(paths: list[Path]) -> None:
    got = mfcc_stats(paths[0])
    assert got.shape == (40,)
    M = melfeat.mfcc(*melfeat.load(paths[0]), n_mfcc=40)
    assert_same_bytes(got, M.mean(axis=-1, dtype=np.float64).astype(np.float32))
    # NumPy's mean in float32 is the same up to its own rounding: pairwise sums of few terms.
    assert np.abs(got - M.mean(axis=-1)).max() <= 8 * eps(np.float32) * np.abs(M).max()


def test_many_files(paths: list[Path], expected: np.ndarray, n_threads: int) -> None:
    for sources in (paths, tuple(paths), iter(paths), (str(p) for p in paths), np.array([str(p) for p in paths])):
        assert_same_bytes(mfcc_stats(sources, **SMALL), expected)
    assert_same_bytes(mfcc_stats(paths[::-1] * 3, **SMALL), np.tile(expected[::-1], (3, 1)))
    assert_same_bytes(mfcc_stats(paths[:1], **SMALL), expected[:1])


def test_real_recordings(shared_data: Path, n_threads: int) -> None:
    found = sorted(shared_data.glob("speech_digits/*.wav"))[::400] + sorted(shared_data.glob("sounds/*/*"))[::60]
    files = fewer([path for path in found if path.suffix in {".wav", ".ogg", ".flac"}], 2)
    assert len({path.suffix for path in files}) > 1 or len(files) == 2
    options = {"load": {"duration": 1.0}}
    got = mfcc_stats(files, 16000, duration=1.0, **SMALL)
    assert_same_bytes(got, np.stack([naive(path, 16000, **options) for path in files]))


def test_every_kind_of_source(paths: list[Path], expected: np.ndarray, n_threads: int) -> None:
    for path, row in zip(paths, expected, strict=True):
        data = path.read_bytes()
        sources: list[Any] = [path, str(path), data, bytearray(data), memoryview(data), io.BytesIO(data)]
        with path.open("rb") as file, sf.SoundFile(path) as handle:
            sources += [file, handle, melfeat.load(path)[0]]
            assert_same_bytes(mfcc_stats(sources, **SMALL), np.tile(row, (9, 1)))
            assert not file.closed
            assert not handle.closed
        for source in (*sources[:5], io.BytesIO(data), melfeat.load(path)[0]):
            assert_same_bytes(mfcc_stats(source, **SMALL), row)
        with path.open("rb") as file:
            assert_same_bytes(mfcc_stats(file, **SMALL), row)
        with path.open("rb") as file:
            assert_same_bytes(mfcc_stats(file.fileno(), **SMALL), row)


def test_options_of_loading(paths: list[Path]) -> None:
    for sr in (None, 16000, 8000.0):
        for options in (
            {"offset": 0.03},
            {"duration": 0.05},
            {"offset": 0.01, "duration": 0.04},
            {"dtype": np.float64},
            {"res_type": "soxr_vhq"},
        ):
            got = mfcc_stats(paths, sr, **options, **SMALL)
            assert_same_bytes(got, np.stack([naive(path, sr, options) for path in paths]))


def test_signals(rng: np.random.Generator, dtype: np.dtype, n_threads: int) -> None:
    lengths = [0, 1, 255, 256, 257, 1009, 3000]
    signals = [rng.standard_normal(n).astype(dtype) for n in lengths]
    signals.append(rng.standard_normal((500, 2)).astype(dtype)[:, 1])
    copies = [y.copy() for y in signals]
    got = mfcc_stats(signals, 16000, **SMALL)
    rows = [melfeat.mfcc(y, 16000, **SMALL).mean(axis=-1, dtype=np.float64).astype(dtype) for y in signals]
    assert_same_bytes(got, np.stack(rows))
    for y, copy in zip(signals, copies, strict=True):
        np.testing.assert_array_equal(y, copy)
    both = np.stack([signals[-2][:900], signals[-2][900:1800]])
    assert_same_bytes(mfcc_stats(both, 16000, **SMALL), mfcc_stats(list(both), 16000, **SMALL))
    part = mfcc_stats(signals[-2], 16000, offset=0.05, duration=0.1, **SMALL)
    assert_same_bytes(part, mfcc_stats(signals[-2][800:2400], 16000, **SMALL))


def test_neighbours_change_nothing(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, n_threads: int) -> None:
    """Clips share calls, but those of other rates and dtypes do not."""
    monkeypatch.setattr(pooling, "_WORTH_SAMPLES", 1)
    signals = [rng.standard_normal(n).astype(rng.choice([np.float32, np.float64])) for n in rng.integers(0, 5000, 150)]
    alone = [mfcc_stats(y, **SMALL) for y in signals]
    got = mfcc_stats(signals, **SMALL)
    for row, y, expected in zip(got, signals, alone, strict=True):
        assert_same_bytes(row.astype(y.dtype), expected)
    files = []
    for y in signals[:60]:
        file = io.BytesIO()
        sf.write(file, np.clip(y / 8, -1, 1), int(rng.choice([8000, 11025])), format="WAV")
        files.append(file.getvalue())
    alone = [mfcc_stats(file, None, **SMALL) for file in files]
    assert_same_bytes(mfcc_stats(files, None, **SMALL), np.stack(alone))
    signals = [y for y in signals if y.size >= 400]
    alone = [mfcc_stats(y, 16000, extractor="whisper") for y in signals]
    got = mfcc_stats(signals, 16000, extractor="whisper")
    for row, y, expected in zip(got, signals, alone, strict=True):
        assert_same_bytes(row.astype(y.dtype), expected)


def test_rows_of_two_dtypes_are_promoted(rng: np.random.Generator) -> None:
    y = rng.standard_normal(2000)
    got = mfcc_stats([y.astype(np.float32), y], **SMALL)
    assert got.dtype == np.float64
    np.testing.assert_array_equal(got[0], mfcc_stats(y.astype(np.float32), **SMALL))
    np.testing.assert_array_equal(got[1], mfcc_stats(y, **SMALL))


CHANGES: dict[str, Any] = {
    "n_mfcc": 5,
    "dct_type": 3,
    "norm": None,
    "lifter": 9,
    "mel_norm": None,
    "n_fft": 300,
    "hop_length": 99,
    "win_length": 200,
    "window": "hamming",
    "center": False,
    "pad_mode": "reflect",
    "power": 1.0,
    "n_mels": 24,
    "fmin": 100.0,
    "fmax": 5000.0,
    "htk": True,
    "top_db": 20.0,
}


def test_it_has_all_parameters_of_mfcc() -> None:
    ours, theirs = (inspect.signature(function).parameters for function in (mfcc_stats, melfeat.mfcc))
    names = [name for name in theirs if name not in ("y", "sr", "S")]
    assert set(names) == set(CHANGES)
    for name in ["sr", *names]:
        assert ours[name].default == (40 if name == "n_mfcc" else theirs[name].default)
        assert ours[name].annotation == theirs[name].annotation or name == "sr"


@pytest.mark.parametrize("name", CHANGES)
def test_every_parameter_arrives(name: str, rng: np.random.Generator) -> None:
    y = rng.standard_normal(3000).astype(np.float32)
    y[1500:] *= 1e-3  # for top_db to cut off
    change = {**SMALL, name: CHANGES[name]}
    M = melfeat.mfcc(y, 16000, **change)
    expected = M.mean(axis=-1, dtype=np.float64).astype(np.float32)
    assert_same_bytes(mfcc_stats(y, 16000, **change), expected)
    assert not np.array_equal(expected, mfcc_stats(y, 16000, **SMALL))


def test_windows_that_are_no_keys(rng: np.random.Generator) -> None:
    y = rng.standard_normal(3000).astype(np.float32)
    for window in (np.hanning(256), list(np.hamming(256)), ("kaiser", 4.0), np.hanning):
        got = mfcc_stats([y], 16000, window=window, **SMALL)
        M = melfeat.mfcc(y, 16000, window=window, **SMALL)
        assert_same_bytes(got[0], M.mean(axis=-1, dtype=np.float64).astype(np.float32))


# ---------------------------------------------------------------- statistics


@pytest.mark.parametrize("t", [1, 2, 3, 10, 501])
def test_statistics(rng: np.random.Generator, dtype: np.dtype, t: int) -> None:
    x = (rng.standard_normal((5, t)) * [[1], [30], [1e-3], [1e6], [1]] + [[0], [-700], [5], [0], [0]]).astype(dtype)
    got = pooling.pooled(x, STATS).reshape(len(STATS), 5)
    assert got.dtype == dtype
    for name, row in zip(STATS, got, strict=True):
        for i in range(5):
            values = [float(value) for value in x[i]]
            if t == 1 and name in ("skew", "kurtosis"):
                assert row[i] == 0
                continue
            scale = {"var": oracle.moment(values, 2), "skew": 1.0, "kurtosis": 3.0}.get(name, max(map(abs, values)))
            # Rounding to dtype, and some t operations in float64 on values up to 1e5 times as large as what is left.
            tolerance = eps(dtype) * max(scale, abs(row[i])) + 1e5 * t * eps(np.float64) * scale
            assert abs(row[i] - oracle.STATS[name](values)) <= tolerance, name


@pytest.mark.parametrize("t", [2, 7, 1000, 1009])
def test_features_that_never_change(dtype: np.dtype, t: int) -> None:
    x = np.full((3, t), 0.1, dtype) * np.array([[1], [-3], [1e4]], dtype)
    got = pooling.pooled(x, STATS).reshape(len(STATS), 3)
    mean = got[STATS.index("mean")]
    # A float64 sum of equal float64 numbers is rounded: pairwise, at most 16 + log2(t / 128) times on the way of each.
    assert (np.abs(mean - x[:, 0]) <= (0 if dtype == np.float32 else 20) * eps(dtype) * np.abs(x[:, 0])).all()
    mean[:] = x[:, 0]
    for name, row in zip(STATS, got, strict=True):
        np.testing.assert_array_equal(row, x[:, 0] if name in ("mean", "min", "max", "median") else 0)


def test_blocks_of_features_change_nothing(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    x = rng.standard_normal((13, 77)).astype(np.float32)
    whole = pooling.pooled(x, STATS)
    for size in (1, 76, 154, 400):
        monkeypatch.setattr(pooling, "_POOLED", size)
        assert_same_bytes(pooling.pooled(x, STATS), whole)


def test_features_without_a_floor() -> None:
    x = np.array([[-np.inf, 1.0, 2.0], [1.0, 2.0, 3.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got = pooling.pooled(x, STATS).reshape(len(STATS), 2)
    named = dict(zip(STATS, got, strict=True))
    assert [named[name][0] for name in ("mean", "min", "max", "median")] == [-np.inf, -np.inf, 2.0, 1.0]
    assert all(np.isnan(named[name][0]) for name in ("std", "var", "skew", "kurtosis"))
    assert np.isfinite(got[:, 1]).all()


def test_order_of_the_columns(paths: list[Path]) -> None:
    X = mfcc_stats(paths, stats=("max", "mean", "max"), **SMALL)
    assert X.shape == (len(paths), 21)
    for name, columns in (("max", X[:, :7]), ("mean", X[:, 7:14]), ("max", X[:, 14:])):
        np.testing.assert_array_equal(columns, mfcc_stats(paths, stats=name, **SMALL))
    np.testing.assert_array_equal(X[0], mfcc_stats(paths[0], stats=iter(["max", "mean", "max"]), **SMALL))


# ---------------------------------------------------------------- extractors


@pytest.mark.parametrize("preset", ["kaldi-mfcc", "whisper"])
def test_an_extractor(paths: list[Path], preset: str, n_threads: int) -> None:
    fx = melfeat.Extractor(preset)
    features = [fx(melfeat.load(path, 16000)[0]) for path in paths]
    expected = np.stack([x.mean(axis=-1, dtype=np.float64).astype(np.float32) for x in features])
    for extractor in (fx, fx.config, preset):
        assert_same_bytes(mfcc_stats(paths, 16000, extractor=extractor), expected)
    samples = (melfeat.load(paths[0], 16000)[0] * 32767).astype(np.int16)
    row = fx(samples).mean(axis=-1, dtype=np.float64).astype(np.float32)
    assert_same_bytes(mfcc_stats(samples, 16000, extractor=fx), row)
    assert mfcc_stats([], 16000, extractor=fx).shape == (0, fx.n_features)


def test_an_extractor_has_its_own_options() -> None:
    y = np.zeros(16000, np.float32)
    for name, value in CHANGES.items():
        with pytest.raises(ParameterError, match=rf"{name}=.*: expected its default where an extractor is given"):
            mfcc_stats(y, 16000, extractor="whisper", **{name: value})
    for sr in (22050, None):
        with pytest.raises(ParameterError, match=rf"sr={sr}: expected sr=16000, the rate of the extractor"):
            mfcc_stats(y, sr, extractor="whisper")
    with pytest.raises(ParameterError, match="config has type int"):
        mfcc_stats(y, 16000, extractor=3)
    with pytest.raises(ParameterError, match=r"source\[1\]: a signal of 100 samples is too short for a frame"):
        mfcc_stats([y, y[:100]], 16000, extractor="kaldi-mfcc")


# ---------------------------------------------------------------- what there is not


def test_no_sources(n_threads: int) -> None:
    for nothing in ([], (), iter([]), np.empty(0, object)):
        got = mfcc_stats(nothing, stats=("mean", "std"))
        assert (got.shape, got.dtype) == ((0, 80), np.float32)
    assert mfcc_stats([], n_mfcc=50, n_mels=30).shape == (0, 30)
    assert mfcc_stats([], None, n_mfcc=13, dtype=np.float64).shape == (0, 13)
    assert mfcc_stats([], None, dtype=np.float64).dtype == np.float64


def test_signals_without_a_frame(tmp_path: Path) -> None:
    sf.write(tmp_path / "empty.wav", np.zeros((0, 1)), 22050, subtype="PCM_16")
    assert_same_bytes(mfcc_stats(tmp_path / "empty.wav", **SMALL), naive(tmp_path / "empty.wav"))
    sf.write(tmp_path / "short.wav", np.zeros((100, 1)), 22050, subtype="PCM_16")
    with pytest.raises(ParameterError, match=r"'.*short\.wav': n_fft=256 is too large for uncentred .* 100 samples"):
        mfcc_stats(tmp_path / "short.wav", center=False, **SMALL)
    with pytest.raises(ParameterError, match=r"source\[0\]: '.*short\.wav': n_fft=256 is too large"):
        mfcc_stats([tmp_path / "short.wav"], center=False, **SMALL)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"stats": "mode"}, "stats='mode': expected one of 'mean', 'std'"),
        ({"stats": ("mean", None)}, "stats=None: expected one of"),
        ({"stats": ()}, r"stats=\(\): expected at least one of 'mean'"),
        ({"stats": 3}, "stats=3: expected one of"),
        ({"sr": 0}, r"sr=0: expected a finite number > 0 \[Hz\]; or None for the rate of each file"),
        ({"sr": "16k"}, "sr='16k': expected"),
        ({"n_mfcc": 0}, "n_mfcc=0: expected"),
        ({"sr": None, "n_mfcc": 0}, "n_mfcc=0: expected"),
        ({"fmax": 30000.0}, "fmax=30000"),
        ({"offset": -1}, "offset=-1: expected"),
        ({"duration": -1}, "duration=-1: expected"),
        ({"dtype": np.int16}, "expected np.float32 or np.float64"),
        ({"res_type": "best"}, "res_type='best': expected one of"),
    ],
)
def test_parameters_are_refused_before_any_file(options: dict[str, Any], text: str) -> None:
    def sources() -> Iterator[str]:
        raise AssertionError("a source was taken")
        yield ""

    with pytest.raises(ParameterError, match=text):
        mfcc_stats(sources(), **options)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ({"a.wav"}, "source has type set: expected an order, e.g. a list of paths"),
        ({"a": "a.wav"}, "source has type dict: expected an order"),
        (None, "path has type NoneType: expected a path, an open binary file"),
        (3.5, "path has type float: expected"),
        ([None], r"source\[0\]: <NoneType>: path has type NoneType: expected"),
        (np.zeros(300, int), "y has dtype int64: expected floating point; divide integer PCM"),
        (np.float32(3), "path has type float32"),
        (np.array(3.0), r"the signal has shape \(\): expected one dimension of samples"),
        (np.zeros((1, 2, 300)), r"source\[0\]: the signal has shape \(2, 300\): .* melfeat\.to_mono mixes channels"),
        ([np.zeros(300), [0.0, 0.0]], r"source\[1\]: <list>: path has type list"),
        ([np.zeros(300), np.full(300, np.nan)], r"source\[1\]: .*not finite everywhere: 300 NaN"),
        (io.StringIO("RIFF"), "open in text mode"),
    ],
)
def test_sources_are_refused(source: Any, text: str, n_threads: int) -> None:
    with pytest.raises(ParameterError, match=text):
        mfcc_stats(source, **SMALL)


def test_a_signal_has_a_rate() -> None:
    with pytest.raises(ParameterError, match=r"sr=None: expected the sampling rate \[Hz\] of a signal"):
        mfcc_stats(np.zeros(300, np.float32), None)


# ---------------------------------------------------------------- errors among many


def test_errors_name_file_and_place(paths: list[Path], tmp_path: Path, n_threads: int) -> None:
    (tmp_path / "bad.wav").write_bytes(b"no sound")
    sf.write(tmp_path / "nan.wav", np.full(300, np.nan), 22050, subtype="FLOAT")
    for path, kind, text in [
        (tmp_path / "no.wav", AudioFileMissingError, r"source\[2\]: '.*no\.wav': no such file"),
        (tmp_path / "bad.wav", AudioFileError, r"source\[2\]: '.*bad\.wav': not an audio file but text"),
        (tmp_path / "nan.wav", ParameterError, r"source\[2\]: '.*nan\.wav': y is not finite everywhere: 300 NaN"),
    ]:
        with pytest.raises(kind, match=text) as caught:
            mfcc_stats([*paths[:2], path, *paths], **SMALL)
        assert type(caught.value) is kind
        assert type(caught.value.__cause__) is kind
        with pytest.raises(kind, match=text.replace(r"source\[2\]: ", "^")):
            mfcc_stats(path, **SMALL)


def test_one_of_the_clips_that_share_a_call(monkeypatch: pytest.MonkeyPatch, n_threads: int) -> None:
    monkeypatch.setattr(pooling, "_WORTH_SAMPLES", 1)
    signals = [np.zeros(300 + i, np.float32) for i in range(100)]
    signals[70], signals[71] = signals[70][:100], np.full(300, np.nan, np.float32)
    with pytest.raises(ParameterError, match=r"source\[70\]: n_fft=256 is too large for uncentred"):
        mfcc_stats(signals, center=False, **SMALL)
    with pytest.raises(ParameterError, match=r"source\[71\]: .*not finite everywhere: 300 NaN"):
        mfcc_stats(signals, **SMALL)


def test_the_first_error_is_told(paths: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a later one comes first: here number 2 fails while 1 is still being read."""
    later = threading.Event()
    original = pooling.load

    def slow(source: Any, *args: Any) -> Any:
        if source == "slow.wav":
            assert later.wait(20)
        elif source == "fast.wav":
            later.set()
        return original(source, *args)

    monkeypatch.setattr(pooling, "load", slow)
    with melfeat.threads(3), pytest.raises(AudioFileMissingError, match=r"source\[1\]: 'slow\.wav'"):
        mfcc_stats([paths[0], "slow.wav", "fast.wav", *paths], **SMALL)


def test_the_rest_is_not_begun(paths: list[Path], n_threads: int) -> None:
    taken = []

    def sources() -> Iterator[Any]:
        for i in range(1000):
            taken.append(i)
            yield "no.wav" if i == 5 else paths[0]

    with pytest.raises(AudioFileMissingError, match=r"source\[5\]: "):
        mfcc_stats(sources(), **SMALL)
    assert 6 <= len(taken) < 500


@pytest.mark.parametrize("error", [RuntimeError("no more"), KeyboardInterrupt(), SystemExit(3)])
def test_errors_of_an_iterator_are_its_own(paths: list[Path], error: BaseException, n_threads: int) -> None:
    def sources() -> Iterator[Path]:
        yield from paths[:3]
        raise error

    with pytest.raises(type(error)) as caught:
        mfcc_stats(sources(), **SMALL)
    assert caught.value is error
    assert not hasattr(error, "__notes__")


def test_other_errors_have_a_note(paths: list[Path], monkeypatch: pytest.MonkeyPatch, n_threads: int) -> None:
    def full(source: Any, *args: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(pooling, "load", full)
    with pytest.raises(MemoryError) as caught:
        mfcc_stats(paths, **SMALL)
    assert caught.value.__notes__ == [f"melfeat.mfcc_stats: source[0]: {str(paths[0])!r}"]


def test_an_interrupt_goes_before_errors(paths: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(source: Any, *args: Any) -> Any:
        if threading.current_thread() is not threading.main_thread():
            main.wait(20)
            raise AudioFileError("broken")
        main.set()
        raise KeyboardInterrupt

    main = threading.Event()
    monkeypatch.setattr(pooling, "load", interrupted)
    with melfeat.threads(3), pytest.raises(KeyboardInterrupt):
        mfcc_stats(paths * 3, **SMALL)


def test_a_warning_comes_once_and_names_the_caller(paths: list[Path], n_threads: int) -> None:
    for sr in (22050, None):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            mfcc_stats(paths, sr, n_fft=256, n_mels=120)
        (only,) = caught
        assert only.category is EmptyFilterWarning
        assert only.filename == __file__


# ---------------------------------------------------------------- threads


class Watch:
    """Notes how many sources are being worked on at a time, and how many signals are alive."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lock, self.at_work, self.most = threading.Lock(), 0, 0
        self.alive, self.most_alive, self.threads, self.allowed = 0, 0, set(), set()
        rows = pooling._Recipe.rows

        def watched(recipe: Any, signals: list[np.ndarray], sr: float) -> list[np.ndarray]:
            with self.lock:
                self.at_work += 1
                self.most = max(self.most, self.at_work)
                self.threads.add(threading.get_ident())
                self.allowed.add(melfeat.get_num_threads())
            time.sleep(0.002)
            try:
                return rows(recipe, signals, sr)
            finally:
                with self.lock:
                    self.at_work -= 1

        monkeypatch.setattr(pooling._Recipe, "rows", watched)

    def count(self, y: np.ndarray) -> np.ndarray:
        with self.lock:
            self.alive += 1
            self.most_alive = max(self.most_alive, self.alive)
        weakref.finalize(y, self.gone)
        return y

    def gone(self) -> None:
        with self.lock:
            self.alive -= 1


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch, n_threads: int) -> None:
    watch = Watch(monkeypatch)
    for n, count, together in ((1 << 16, 20, 1), (3000, 200, 16)):
        y = np.zeros(n, np.float32)
        got = mfcc_stats((watch.count(y + i) for i in range(count)), **SMALL)
        assert got.shape == (count, 7)
        assert watch.most <= n_threads
        assert watch.most_alive <= n_threads * together
        assert watch.alive == 0
        watch.most_alive = 0


def test_files_in_flight_are_bounded(paths: list[Path], monkeypatch: pytest.MonkeyPatch, n_threads: int) -> None:
    watch = Watch(monkeypatch)
    monkeypatch.setattr(pooling, "_TOGETHER_SAMPLES", 1000)
    original = pooling.load

    def counted(*args: Any) -> Any:
        y, sr = original(*args)
        return watch.count(y), sr

    monkeypatch.setattr(pooling, "load", counted)
    mfcc_stats(paths * 4, **SMALL)
    assert watch.most_alive <= n_threads
    assert watch.alive == 0
    assert len(watch.threads) == n_threads or watch.most < n_threads


def test_threads_are_shared_out(paths: list[Path]) -> None:
    for sources, inside in [(paths[:2], 2), (paths[:1], 4), (paths[:3], 1), (iter(paths), 1)]:
        with pytest.MonkeyPatch.context() as patch, melfeat.threads(4):
            watch = Watch(patch)
            mfcc_stats(sources, **SMALL)
            assert melfeat.get_num_threads() == 4
        assert watch.allowed == {inside}


def test_short_signals_are_worth_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    for n, count, most in [(1000, 30, 1), (1 << 17, 3, 1), (1 << 17, 4, 2), (1 << 18, 2, 2)]:
        assert pooling._worth([np.zeros(n, np.float32)] * count, 9) == most
    assert pooling._worth(["a.wav", np.zeros(1000), Path("b.wav")], 9) == 2
    assert pooling._worth(iter([]), 9) == 9


def test_an_iterator_keeps_its_own_number_of_threads(paths: list[Path]) -> None:
    seen = set()

    def sources() -> Iterator[Path]:
        for path in paths:
            if threading.current_thread() is threading.main_thread():
                seen.add(melfeat.get_num_threads())
            yield path

    with melfeat.threads(2):
        mfcc_stats(sources(), **SMALL)
    assert seen <= {2}


def test_open_files_are_read_one_at_a_time(paths: list[Path], expected: np.ndarray, n_threads: int) -> None:
    """Members of an archive are views of one file."""
    busy, overlaps = threading.Lock(), []

    class Member(io.BytesIO):
        def readinto(self, buffer: Any) -> int:
            if not busy.acquire(blocking=False):
                overlaps.append(self)
                return 0
            time.sleep(1e-4)
            busy.release()
            return super().readinto(buffer)

    def members() -> Iterator[io.BytesIO]:
        for path in paths:
            with busy:
                time.sleep(1e-3)
                member = Member(path.read_bytes())
            yield member

    assert_same_bytes(mfcc_stats(members(), **SMALL), expected)
    assert not overlaps


def test_one_handle_again_and_again(paths: list[Path], expected: np.ndarray, n_threads: int) -> None:
    with sf.SoundFile(paths[0]) as handle:

        def again() -> Iterator[sf.SoundFile]:
            for _ in range(8):
                handle.seek(0)
                yield handle

        assert_same_bytes(mfcc_stats(again(), **SMALL), np.tile(expected[0], (8, 1)))


def test_where_no_more_threads_are_to_be_had(
    paths: list[Path], expected: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, started = threading.Thread.start, []

    def start(thread: threading.Thread) -> None:
        if started:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        original(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    with melfeat.threads(4):
        assert_same_bytes(mfcc_stats(paths, **SMALL), expected)
    assert len(started) == 1


def test_no_file_is_left_open(paths: list[Path], n_threads: int) -> None:
    folder = Path("/proc/self/fd")
    if not folder.is_dir():
        pytest.skip("no /proc/self/fd here")
    mfcc_stats(paths, **SMALL)
    before = len(os.listdir(folder))
    mfcc_stats(paths * 2, **SMALL)
    with pytest.raises(AudioFileMissingError):
        mfcc_stats([*paths, "no.wav"], **SMALL)
    assert len(os.listdir(folder)) == before
