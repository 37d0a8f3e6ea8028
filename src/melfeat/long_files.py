"""Files of any length: what loading the file and calling the extractor gives, computed in constant memory.

The samples come in pieces, are resampled in a stream and go through a live stream of the same configuration. What needs
the whole signal (a floor below the peak, normalisation by all frames) waits in a temporary file and is finished from
there, block by block. Every step computes what the extractor does, with its functions or its kernels: the bytes are
the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, TypeAlias, overload

import numpy as np

from ._atomic import open_atomic
from ._checks import check_bool, check_float, check_int
from ._decode import check_dtype, check_span
from ._long_reading import Pieces, ahead, open_pieces
from ._resample import check_res_type
from ._spool import NpyColumns, Spool
from .config import Config
from .dsp.framing import count_frames
from .dsp.post import append_frames, frame_statistics
from .energies import energy_row, log_energy, place_energy
from .errors import ParameterError
from .extractor import Extractor
from .live_steps import Deltas, Groups, Sliding, Step
from .pipeline import Clips, analyse, features_of_levels, levels
from .plan import fuses_affine, stream_plan
from .signal_steps import leveled, signal_level
from .streaming import Stream
from .workers import get_num_threads

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from ._decode import AudioSource
    from ._resample import ResType

__all__ = ["extract_file"]

Blocks: TypeAlias = Iterable[np.ndarray]
Rate: TypeAlias = float | Literal["config"] | None
Progress: TypeAlias = Callable[[float, float], object]

#: Levels that are held at once, in elements: 4 MB of float32.
_BLOCK = 1 << 20


class _Front(Stream):
    """A stream of what the kernels give: rows, or levels that wait for their floor, and behind them the energies."""

    def __init__(self, config: Config, n_channels: int, dtype: np.dtype) -> None:
        waits = config.compression is not None and config.compression.top_db is not None
        super().__init__(config.replace(top_db=None) if waits else config, n_channels, dtype)
        self.plan = self._plan = stream_plan(config, dtype)
        self.tops = np.full(n_channels, -np.inf, dtype=dtype)
        self._stages = []

    def _checked(self, chunk: np.ndarray) -> np.ndarray:
        """Return a chunk in its scale. Unlike other streams', its samples are finite and nobody else's."""
        if self.config.preprocessing.input_scale == 1.0:
            return chunk
        return super()._checked(chunk)

    def _features_of(self, clips: Clips, k: int) -> np.ndarray:
        made = self._plan
        if made.has_floor:
            flat, tops, energies = levels(clips, made)
            self.tops = np.maximum(self.tops, tops)
        else:
            flat, energies = analyse(clips, made)
        return np.concatenate([flat, energies[: clips.n_frames]]) if made.has_energy else flat

    def run(self, signal: Blocks) -> Iterator[tuple[np.ndarray, int]]:
        """Yield what there is of the next k > 0 frames, flat, and k, of a signal that comes as ``(n_channels, n)``."""
        n_channels = self._channels or 1
        step = max(1, _BLOCK // n_channels // max(self._plan.n_rows, self._plan.n_levels)) * self._hop

        def found() -> Iterator[np.ndarray]:
            for y in signal:
                for begin in range(0, y.shape[1], step):
                    yield self.push(y[:, begin : begin + step])
            yield self.flush()

        done = 0
        for x in found():
            if self._analysed > done:
                yield x, self._analysed - done
            done = self._analysed


class _Ends:
    """Frames that framing left out come back as padding, and all are cut or padded to a fixed number."""

    def __init__(self, post: dict[str, Any], n_dropped: Callable[[], int]) -> None:
        self.post, self.n_dropped, self.count = post, n_dropped, 0

    def push(self, x: np.ndarray, last: bool) -> np.ndarray:
        """Return the next frames."""
        fixed, value = self.post["fixed_frames"], self.post["pad_value"]
        if last and self.post["pad_dropped"]:
            x = append_frames(x, self.n_dropped(), value)
        if fixed is not None:
            x = x[..., : fixed - self.count]
            if last:
                x = append_frames(x, fixed - self.count - x.shape[-1], value)
        self.count += x.shape[-1]
        return x


def _through(step: Step, blocks: Blocks) -> Iterator[np.ndarray]:
    """Yield what a step makes of blocks, of which there is at least one."""
    for x in blocks:
        y = step.push(x, False)
        if y.shape[-1]:
            yield y
    yield step.push(x[..., :0], True)


class _Run:
    """One file: its configuration, the folder of temporary files, and the chain of steps."""

    def __init__(self, config: Config, n_channels: int, dtype: np.dtype, folder: str | None, stack: ExitStack) -> None:
        self.config, self.n_channels, self.dtype, self.folder, self.stack = config, n_channels, dtype, folder, stack
        energy = config.energy
        self.normalizes_energy = energy is not None and energy.energy_normalize
        self.post = asdict(config.post)
        self.front = _Front(self._front_config(), n_channels, dtype)
        self.plan = self.front.plan

    def _front_config(self) -> Config:
        """Return the configuration without what comes before and after the frames."""
        config = self.config
        idle = {"cmn": None, "delta_order": 0, "pad_dropped": False, "fixed_frames": None, "pad_to": 1, "stack": 1}
        changes: dict[str, Any] = dict(idle, fixed_samples=None, normalize_signal=False)
        if not fuses_affine(config):
            changes |= {"shift": 0.0, "scale": 1.0}
        if config.preprocessing.normalize_signal:
            changes["input_scale"] = 1.0
        if self.normalizes_energy:
            changes["energy_normalize"] = False
        return config.replace(**changes)

    def features(self, signal: Blocks) -> Iterator[np.ndarray]:
        """Yield the features ``(n_channels, n_features, k)`` of a signal, block by block."""
        post = self.post
        steps: list[Callable[[Blocks], Blocks]] = []
        if post["cmn"] is not None:
            row = energy_row(self.config, self.plan.n_rows)
            sliding = post["cmn"].startswith("sliding")
            steps.append(partial(_through, Sliding(post, row)) if sliding else partial(self._normalized, row))
        if post["delta_order"]:
            deltas = partial(_through, Deltas(post))
            steps.insert(0 if post["cmn_columns"] == "all" else len(steps), deltas)
        steps.append(partial(_through, _Ends(post, self._n_dropped)))
        steps.append(partial(_through, Groups(post, self.config)))
        blocks: Blocks = self._statics(self._conditioned(signal))
        for step in steps:
            blocks = step(blocks)
        yield from blocks

    def _n_dropped(self) -> int:
        framing, n = self.config.framing, self.front.samples_pushed
        whole = count_frames(n, framing.frames, framing.frame_length, framing.n_fft or 1, framing.hop_length or 1)
        return whole - self.config.n_analysis_frames(n)

    def _spool(self, blocks: Blocks) -> Spool:
        return self.stack.enter_context(Spool(self.folder)).fill(blocks)

    # ------------------------------------------------------------------------------------------------ the signal

    def _conditioned(self, signal: Blocks) -> Iterator[np.ndarray]:
        """Yield the signal after its steps that need more than the samples before: its level and its length."""
        p, given = self.config.preprocessing, 0
        if p.fixed_samples is not None:
            signal = _first_samples(signal, p.fixed_samples)
        if p.normalize_signal:
            signal = self._leveled(signal)
        for y in signal:
            given += y.shape[1]
            yield y
        while p.fixed_samples is not None and given < p.fixed_samples:
            count = min(p.fixed_samples - given, _BLOCK)
            yield np.zeros((self.n_channels, count), self.dtype)
            given += count

    def _leveled(self, signal: Blocks) -> Iterator[np.ndarray]:
        scale = self.dtype.type(self.config.preprocessing.input_scale)
        spool = self._spool(y * scale for y in signal)
        if spool.n_columns == 0:
            return
        found = [signal_level(partial(spool.in_order, [row]), spool.n_columns) for row in range(self.n_channels)]
        for y in spool:
            yield np.stack([leveled(row, *level) for row, level in zip(y, found, strict=True)])

    # ------------------------------------------------------------------------------------------------ the frames

    def _statics(self, signal: Blocks) -> Iterator[np.ndarray]:
        """Yield what the extractor has before `Post`."""
        made, n_channels = self.plan, self.n_channels
        peaks, counts = np.full((n_channels, 1), -np.inf), list[int]()
        found: Iterable[tuple[np.ndarray, int]] = self.front.run(signal)

        def watched() -> Iterator[np.ndarray]:
            for flat, k in self.front.run(signal):
                counts.append(k)
                if self.normalizes_energy:
                    level = log_energy(flat[-n_channels * k :].reshape(n_channels, k), self.config)
                    np.maximum(peaks, level.max(axis=1, keepdims=True), out=peaks)
                yield flat

        if made.has_floor or self.normalizes_energy:
            found = zip(self._spool(watched()), counts, strict=True)  # all are in the spool before the first comes back
        for flat, k in found:
            n = n_channels * k
            rows = features_of_levels(flat, self.front.tops, k, made) if made.has_floor else flat[: n * made.n_rows]
            x = rows.reshape(n_channels, made.n_rows, k)
            yield place_energy(x, flat[-n:].reshape(n_channels, k), self.config, peaks) if made.has_energy else x
        yield np.empty((n_channels, self.front._n_statics(), 0), dtype=self.dtype)

    def _normalized(self, energy: int | None, blocks: Blocks) -> Iterator[np.ndarray]:
        """Yield blocks normalised by the statistics of all of them."""
        spool, post = self._spool(blocks), self.post
        n_rows = spool.lead[1]
        skipped = energy if post["cmn_columns"] == "no_energy" else None
        rows = [row for row in range(n_rows) if row != skipped]
        together = [rows] if post["cmn"] == "all_mean_var" else [[row] for row in rows]
        options = {"ddof": post["cmn_ddof"], "eps": post["cmn_eps"], "eps_kind": post["cmn_eps_kind"]}
        found = {}
        with np.errstate(invalid="ignore"):  # as in `normalize_frames`
            for channel in range(self.n_channels if spool.n_columns else 0):
                for group in together if rows else ():
                    begin = partial(spool.in_order, [channel * n_rows + row for row in group])
                    statistics = frame_statistics(begin, len(group) * spool.n_columns, post["cmn"], **options)
                    found.update({(channel, row): statistics for row in group})
            for x in spool:
                for (channel, row), statistics in found.items():
                    x[channel, row] = statistics.normalized(x[channel, row])
                yield x


def _first_samples(signal: Blocks, count: int) -> Iterator[np.ndarray]:
    for y in signal:
        yield y[:, :count]
        count -= y.shape[1]
        if count <= 0:
            return


def _config_of(config: Config | Extractor | str, sr: float | None, overrides: dict[str, Any]) -> Config:
    changes = overrides if sr is None else {"sr": sr, **overrides}
    if isinstance(config, Extractor):
        config = config.config
    return Extractor(config, **changes).config


def _check_target(out: Any) -> Any:
    """Return a path, an open file or None, as `out` is."""
    if out is None or all(callable(getattr(out, method, None)) for method in ("write", "seek", "readinto")):
        return out
    if not isinstance(out, (str, os.PathLike)):
        raise ParameterError(
            f"out has type {type(out).__name__}: expected the name of an .npy file, a binary file that is open for "
            "reading and writing, or None"
        )
    path = Path(out)
    if path.suffix.lower() != ".npy":
        raise ParameterError(f"out={os.fspath(out)!r}: expected a name that ends in .npy, or None to return the array")
    return path


@overload
def extract_file(
    path: AudioSource, out: None = None, config: Config | Extractor | str = ..., *, sr: Rate = ..., mono: bool = ...,
    offset: float = ..., duration: float | None = ..., dtype: DTypeLike = ..., res_type: ResType = ...,
    block: int = ..., progress: Progress | None = ..., **overrides: Any,
) -> np.ndarray: ...  # fmt: skip


@overload
def extract_file(
    path: AudioSource, out: str | os.PathLike[str], config: Config | Extractor | str = ..., *, sr: Rate = ...,
    mono: bool = ..., offset: float = ..., duration: float | None = ..., dtype: DTypeLike = ...,
    res_type: ResType = ..., block: int = ..., progress: Progress | None = ..., **overrides: Any,
) -> Path: ...  # fmt: skip


@overload
def extract_file(
    path: AudioSource, out: BinaryIO, config: Config | Extractor | str = ..., *, sr: Rate = ..., mono: bool = ...,
    offset: float = ..., duration: float | None = ..., dtype: DTypeLike = ..., res_type: ResType = ...,
    block: int = ..., progress: Progress | None = ..., **overrides: Any,
) -> BinaryIO: ...  # fmt: skip


def extract_file(
    path: AudioSource,
    out: str | os.PathLike[str] | BinaryIO | None = None,
    config: Config | Extractor | str = "librosa",
    *,
    sr: Rate = "config",
    mono: bool = True,
    offset: float = 0.0,
    duration: float | None = None,
    dtype: DTypeLike = np.float32,
    res_type: ResType = "soxr_hq",
    block: int = 1 << 19,
    progress: Progress | None = None,
    **overrides: Any,
) -> np.ndarray | Path | BinaryIO:
    """Compute the features of a sound file of any length, in memory that does not grow with it.

    The result has the bytes of ``Extractor(config)(load(path, sr=config.sr)[0])``. What needs the whole signal (a floor
    below its peak as librosa's `top_db` and Whisper's, normalisation by all frames) waits in a temporary file.

    Parameters
    ----------
    path : path, file descriptor, open binary file, bytes of a file, or soundfile.SoundFile
        What to read; see `load`.
    out : path or binary file open for reading and writing, optional
        An .npy file to write, for ``numpy.load(out, mmap_mode="r")``. It appears when it is complete, and only then. An
        open file is written to as it is, from its beginning.
    config : Config, Extractor or str
        What to compute: a configuration, an extractor, or the name of a preset.
    sr : float > 0 [Hz], 'config' or None
        Sampling rate of the features; that of the configuration by default, the file's with None.
    mono : bool
        Average the channels.
    offset : float >= 0 [s]
        Where to start.
    duration : float >= 0 [s] or None
        How much to read at most; None reads to the end.
    dtype : np.float32 or np.float64
        Type of signal and features.
    res_type : {'soxr_hq', 'soxr_vhq', 'soxr_mq', 'soxr_lq', 'soxr_qq'}
        How to resample if `sr` is not the file's rate; see `resample`. Others need the whole signal.
    block : int > 0 [samples]
        How much is read at once, for each channel. It makes no difference to the result.
    progress : callable, optional
        Called as ``progress(done, total)`` [s] after each block, and with ``done == total`` when all is computed. What
        it raises ends the computation, and there is no file.
    **overrides
        Options of any stage by their names, as in `Extractor`; unknown names are refused.

    Returns
    -------
    np.ndarray, shape (n_features, n_frames) or (n_channels, n_features, n_frames), pathlib.Path or file
        The features, or where they are.

    Raises
    ------
    AudioFileMissingError, AudioFileError
        As in `load`; also if the file becomes shorter while it is read.
    ParameterError
        If an argument is out of its range, the file holds NaN or infinite samples, or a method of resampling or an
        option cannot do without the whole signal in memory (padding by a function).
    OSError
        If there is no room for the file or the temporary one, or no permission; `out` is then as it was before.

    Examples
    --------
    >>> import melfeat
    >>> import numpy as np
    >>> fx = melfeat.Extractor("whisper", fixed_samples=None, fixed_frames=None)
    >>> x = melfeat.extract_file(melfeat.demo_path(), config=fx)
    >>> x.shape[0], bool((x == fx(melfeat.load(melfeat.demo_path(), sr=16000)[0])).all())
    (80, True)
    >>> target = melfeat.extract_file(melfeat.demo_path(), "features.npy", "kaldi-fbank", n_mels=40)
    >>> np.load(target, mmap_mode="r").shape[0]
    40
    """
    target = _check_target(out)
    mono = check_bool("mono", mono)
    span, kind = check_span(offset, duration), check_dtype(dtype)
    check_res_type(res_type)
    block = check_int("block", block, low=1, unit="samples")
    if sr is not None and not isinstance(sr, str):
        check_float("sr", sr, low=0, strict=True, unit="Hz")
    elif sr not in (None, "config"):
        raise ParameterError(f"sr={sr!r}: expected a rate [Hz], 'config', or None for the file's own")
    chosen = None if sr is None else _config_of(config, None if sr == "config" else sr, overrides)  # type: ignore[arg-type]
    with ExitStack() as stack:
        pieces = stack.enter_context(open_pieces(path, mono=mono, span=span, dtype=kind))
        if chosen is None:
            chosen = _config_of(config, float(pieces.native), overrides)
        pieces.resample(chosen.sr, res_type)
        name = target if isinstance(target, Path) else getattr(target, "name", None)
        folder = os.path.dirname(os.path.realpath(name)) if isinstance(name, (str, Path)) else None
        run, total = _Run(chosen, pieces.n_rows, kind, folder, stack), pieces.seconds
        features = run.features(_read(pieces, block, progress, stack))
        n_frames = chosen.n_frames(pieces.n_samples)
        lead = (chosen.n_features,) if pieces.n_rows == 1 else (pieces.n_rows, chosen.n_features)
        if target is None:
            result: np.ndarray | Path | BinaryIO = _collected(features, lead, n_frames, kind)
        else:
            file = stack.enter_context(open_atomic(target)) if isinstance(target, Path) else target
            _written(features, file, lead, n_frames, kind)
            result = target
        if progress is not None:
            progress(total, total)
    return result


def _read(pieces: Pieces, block: int, progress: Progress | None, stack: ExitStack) -> Iterator[np.ndarray]:
    """Yield the pieces of a signal, read by a thread of their own if there may be two, and tell how far they are."""
    total, items = pieces.seconds, pieces.read(block)
    if get_num_threads() > 1:
        items = ahead(items)
        stack.enter_context(closing(items))  # before the file is closed, the thread must have ended
    for y, done in items:
        yield y
        if progress is not None and done < total:
            progress(done, total)


def _collected(blocks: Blocks, lead: tuple[int, ...], n_frames: int, dtype: np.dtype) -> np.ndarray:
    out, done = np.empty((*lead, n_frames), dtype), 0
    for x in blocks:
        out[..., done : done + x.shape[-1]] = x.reshape(*lead, -1) if x.size else 0
        done += x.shape[-1]
    return out if done == n_frames else np.ascontiguousarray(out[..., :done])


def _written(blocks: Blocks, file: Any, lead: tuple[int, ...], n_frames: int, dtype: np.dtype) -> None:
    columns = NpyColumns(file, lead, n_frames, dtype)
    for x in blocks:
        columns.append(x)
    columns.close_up()
