"""A call of everything that computes, on short signals: what `melfeat warmup` compiles, and what its check counts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from io import BytesIO
from typing import Any

import numpy as np

from ._common import CannotRunError

__all__ = ["DTYPES", "calls", "check_in_fresh_process", "count_kernels", "exercise"]

DTYPES = ("float32", "float64")

_N = 8192
_SR = 16000

#: Options of `mfcc` that take another way through the kernels: exponents, floors, lengths of each kind of transform.
_OPTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"power": 1.0},
    {"power": 1.5, "lifter": 22, "top_db": None},
    {"n_fft": 512, "hop_length": 160, "win_length": 400, "n_mels": 40, "pad_mode": "reflect"},
    {"n_fft": 1200, "center": False, "htk": True, "mel_norm": None, "dct_type": 3, "norm": None},
    {"n_fft": 1001, "n_mels": 40},
    {"n_fft": 2 * 1009, "n_mels": 40},
    {"n_fft": 1009, "n_mels": 40, "dct_type": 1},
)

#: Stages that few presets have, on top of one that has frames of its own.
_STAGES: tuple[dict[str, Any], ...] = (
    {"dither": 0.1},
    {"dither": 0.1, "dither_kind": "uniform", "dither_scope": "signal"},
    {"preemphasis": 0.9, "preemphasis_scope": "frame", "preemphasis_first": "previous"},
    {"preemphasis": 0.9, "preemphasis_scope": "signal"},
    {"cmn": "sliding_mean", "cmn_window": 20, "cmn_min_window": 5},
)

Call = tuple[str, Callable[[], Any]]


def _files() -> Iterator[tuple[str, bytes]]:
    """Yield sound files of each way in which samples are read."""
    import soundfile

    noise = 0.1 * np.random.default_rng(0).standard_normal((2000, 2))
    for kind, subtype in (("WAV", "PCM_16"), ("FLAC", "PCM_16"), ("WAV", "PCM_24"), ("WAV", "DOUBLE")):
        for channels in (1, 2):
            file = BytesIO()
            soundfile.write(file, noise[:, :channels], 8000, format=kind, subtype=subtype)
            yield f"{kind} {subtype}, {channels} channels", file.getvalue()


def _audio_calls(dtype: Any) -> Iterator[Call]:
    from .. import io
    from ..long_files import extract_file

    for name, data in _files():
        for mono in (True, False):
            yield f"load {name}", partial(io.load, data, sr=None, mono=mono, dtype=dtype)
        yield f"stream {name}", partial(lambda data: list(io.stream(data, 4, 100, 50, dtype=dtype)), data)
        yield f"extract_file {name}", partial(extract_file, data, None, "librosa", sr=8000, n_mels=20, dtype=dtype)
    yield "load resampled", partial(io.load, data, sr=_SR, dtype=dtype)
    y = _signal(dtype)
    yield "resample", partial(io.resample, y, _SR, 8000)
    yield "to_mono", partial(io.to_mono, np.stack([y, y]))


def _signal(dtype: Any, seed: int = 1) -> np.ndarray:
    """Return noise that becomes louder, so that levels below the peak have something to be raised."""
    noise = 0.1 * np.random.default_rng(seed).standard_normal(_N) * np.linspace(1e-5, 1, _N)
    return noise.astype(dtype)


def _librosa_calls(dtype: Any) -> Iterator[Call]:
    """Yield calls of what has librosa's names, on arrays of every kind that people pass."""
    from .. import batching, feature, pooling, spectrum, temporal

    y = _signal(dtype)
    both = np.stack([y, y[::-1]])
    frozen = y.copy()
    frozen.setflags(write=False)
    arrays = {"1-D": y, "read-only": frozen, "strided": both[:, ::2], "Fortran": np.asfortranarray(both)}
    for kind, signal in arrays.items():
        yield f"mfcc of a {kind} array", partial(feature.mfcc, signal, _SR, n_fft=512)
    for options in _OPTIONS:
        yield f"mfcc {options}", partial(feature.mfcc, both, _SR, **options)
        yield f"batch {options}", partial(batching.batch, [y, y[:4000], y[:3000]], _SR, **options)
    for power in (1.0, 1.5, 2.0):
        yield f"melspectrogram power={power}", partial(feature.melspectrogram, both, _SR, power=power)
    D = spectrum.stft(both, n_fft=512)
    S = D.real**2 + D.imag**2
    yield "stft", partial(spectrum.stft, both)
    yield "istft", partial(spectrum.istft, D)
    yield "magphase", partial(spectrum.magphase, D)
    broadcast = np.broadcast_to(S, (3, *S.shape))
    for kind, levels in {"C": S, "Fortran": np.asfortranarray(S), "broadcast": broadcast}.items():
        yield f"melspectrogram of {kind} spectra", partial(feature.melspectrogram, S=levels, sr=_SR, n_mels=20)
        yield f"mfcc of {kind} levels", partial(feature.mfcc, S=levels)
        for top_db in (None, 60.0):
            yield f"power_to_db of {kind}, {top_db}", partial(spectrum.power_to_db, levels, top_db=top_db)
            yield f"amplitude_to_db of {kind}, {top_db}", partial(spectrum.amplitude_to_db, levels, top_db=top_db)
    yield "power_to_db ref=max", partial(spectrum.power_to_db, S, ref=np.max)
    yield "db_to_power", partial(spectrum.db_to_power, 1 - S)
    yield "db_to_amplitude", partial(spectrum.db_to_amplitude, 1 - S)
    for mode in ("interp", "nearest", "mirror", "constant", "wrap"):
        yield f"delta {mode}", partial(temporal.delta, S, mode=mode)
    yield "delta along frequency", partial(temporal.delta, S, axis=-2, order=2)
    yield "regression_delta", partial(temporal.regression_delta, S)
    yield "stack_memory", partial(temporal.stack_memory, S, n_steps=3)
    yield "mfcc_stats", partial(pooling.mfcc_stats, [y, y[:5000]], _SR, stats=("mean", "std", "skew"))
    from ..normalization import cmvn

    yield "cmvn", partial(cmvn, S[0])
    yield "cmvn in a window", partial(cmvn, S[0], "sliding_mean_var")


def _dialect_calls(dtype: Any) -> Iterator[Call]:
    """Yield calls of every preset: whole, in a batch, as a stream."""
    from ..config.presets import presets
    from ..extractor import Extractor

    y = _signal(dtype)
    pcm = (y.astype(np.float64) * 2**15).astype(np.int16)

    def stream(fx: Extractor) -> list[np.ndarray]:
        with fx.stream(dtype=dtype) as live:
            return [live.push(y[:3000]), live.push(y[3000:]), live.flush()]

    def pool(fx: Extractor) -> list[np.ndarray]:
        streams = fx.pool(dtype=dtype)
        ids = [streams.open(), streams.open()]
        return [*streams.push(ids, [y[:3000], y[:4000]]), *(streams.flush(i) for i in ids)]

    front_ends = [(name, Extractor(name)) for name in presets()]
    front_ends += [(f"kaldi-mfcc {options}", Extractor("kaldi-mfcc", **options)) for options in _STAGES]
    for name, fx in front_ends:
        yield f"Extractor {name}", partial(fx, y)
        if dtype == np.float32:  # what 16-bit samples become
            yield f"Extractor {name} of int16", partial(fx, pcm)
        yield f"Extractor.batch {name}", partial(fx.batch, [y, y[:5000]])
        if not fx.config.whole_signal_reasons:
            yield f"Extractor.stream {name}", partial(stream, fx)
    yield "Extractor.pool", partial(pool, Extractor("kaldi-mfcc"))


def calls(dtype: str) -> Iterator[Call]:
    """Yield a name, which begins with that of the public function, and a call without arguments, of everything."""
    kind = np.dtype(dtype)
    yield from _audio_calls(kind)
    yield from _librosa_calls(kind)
    yield from _dialect_calls(kind)


def count_kernels() -> tuple[dict[str, int], int]:
    """Return what has been compiled in this process, by kernel, and how much was read from the cache."""
    from ..kernels._jit import KERNELS, Entry

    compiled: dict[str, int] = {}
    cached = 0
    for name, kernel in KERNELS.items():
        if isinstance(kernel, Entry):
            hits = sum(function.cache_hits for function in kernel.compiled.values())
            misses = len(kernel.compiled) - hits
        elif hasattr(kernel, "stats"):
            hits, misses = sum(kernel.stats.cache_hits.values()), sum(kernel.stats.cache_misses.values())
        else:
            continue
        cached += hits
        if misses:
            compiled[name] = misses
    return compiled, cached


def exercise(dtype: str) -> dict[str, list[str]]:
    """Make every call, and compile the FFT's passes of all lengths; return which kernels each call had to compile."""
    found: dict[str, list[str]] = {}
    before, _ = count_kernels()

    def note(name: str) -> None:
        nonlocal before
        now, _ = count_kernels()
        new = [kernel for kernel, count in now.items() if count > before.get(kernel, 0)]
        if new:
            found[f"{name} ({dtype})"] = new
        before = now

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of empty bands; nobody sees these results
        for name, call in calls(dtype):
            call()
            note(name)
    _compile_passes(dtype)
    note("FFT of another length")
    return found


def _compile_passes(dtype: str) -> None:
    """Compile all passes of the FFT: which of them are needed depends on its length."""
    from ..kernels._jit import KERNELS, Entry

    for kernel in list(KERNELS.values()):
        if isinstance(kernel, Entry):
            kernel.address(dtype)


def _report(dtypes: list[str]) -> None:
    """Print what the calls compiled as JSON: the task of the fresh process."""
    found = [exercise(dtype) for dtype in dtypes]
    compiled, cached = count_kernels()
    names = {name: kernels for each in found for name, kernels in each.items()}
    print(json.dumps({"compiled": sum(compiled.values()), "from_cache": cached, "calls": names}))


def check_in_fresh_process(dtypes: list[str]) -> dict[str, Any]:
    """Make every call in a new process and return ``compiled``, ``from_cache`` and ``calls``: which compiled what."""
    code = (
        "import json, sys; sys.path[:] = json.loads(sys.argv[1])\n"
        "from melfeat.cli._exercise import _report; _report(sys.argv[2:])"
    )
    paths = [os.path.abspath(path) for path in sys.path]
    if not sys.executable:
        raise CannotRunError("check: there is no Python to start a fresh process with (sys.executable is empty)")
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(paths), *dtypes],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        last = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise CannotRunError(f"check: the fresh process failed: {last[0]}") from None
    return report
