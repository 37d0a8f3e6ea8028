"""The door `extract`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from typing import Any, Literal, cast, get_args

from .._checks import check_bool, check_choice, check_int
from .._resample import ResType, check_res_type
from ..config import Config
from ..errors import ParameterError
from ..extractor import Extractor
from ..pooling import Stat
from ..workers import available_cpus
from ._formats import check_format
from ._progress import Progress, shower
from ._rows import Survey
from ._run import Report, Run
from ._sources import AnySource, resolve
from ._spec import Spec
from ._store import Store

__all__ = ["extract"]

Formats = Literal["parquet", "csv", "jsonl", "npz", "npy", "hdf5", "ark", "htk"]


def extract(
    source: AnySource,
    out: str | os.PathLike[str],
    config: Config | Extractor | str = "librosa",
    *,
    pool: Stat | Iterable[Stat] | None = None,
    labels: str | Sequence[str] | None = None,
    format: Formats | None = None,
    n_jobs: int | Literal["auto"] = "auto",
    executor: Executor | None = None,
    resume: bool = True,
    retry_failed: bool = False,
    on_error: Literal["record", "raise"] = "record",
    progress: bool | Callable[[Progress], None] | None = None,
    root: str | os.PathLike[str] | None = None,
    extensions: Sequence[str] | None = None,
    rows_per_shard: int = 500,
    res_type: ResType = "soxr_hq",
) -> Report:
    """Make a table of features of many sound files, in shards; started again, go on where it was.

    Values are those of ``Extractor(config)(melfeat.load(path, sr=config.sr)[0])``. Started again with the same source
    and configuration, finished shards are kept. The bytes of all files are the same however often the run was
    interrupted, and for any number of jobs and any executor.

    Parameters
    ----------
    source : path, or iterable of paths or of dicts
        A folder (all sound files below it); a pattern such as ``"clips/**/*.wav"``; a list of paths; a manifest
        (``.csv``, ``.tsv``, ``.jsonl``, ``.parquet``) with a column of paths, or the same as dicts; a Kaldi folder or
        ``wav.scp``, with ``segments`` and ``utt2spk`` beside it; UrbanSound8K's folder or CSV; a ``.tar`` of samples,
        or several. Columns ``id``, ``offset`` [s] and ``duration`` [s] of a manifest say which part of the file a row
        is; others are carried along.
    out : path
        The folder of the table; it is created.
    config : Config, Extractor or str
        What is computed, or the name of a preset (see `melfeat.presets`).
    pool : {'mean', 'std', 'var', 'min', 'max', 'median', 'skew', 'kurtosis'} or iterable of them, optional
        Statistics over the frames of a clip, as in `melfeat.mfcc_stats`; None keeps the frames.
    labels : str or sequence of str, optional
        The columns to be carried along, by default all; ``'parent'`` adds a column ``label``, the folder of the file.
    format : {'parquet', 'csv', 'jsonl', 'npz', 'npy', 'hdf5', 'ark', 'htk'}, optional
        What shards are; by default that of the table in `out` if there is one, else Parquet if pyarrow is installed,
        else CSV for statistics and npz for frames. CSV has statistics only, HTK frames only.
    n_jobs : int, >= 0, or 'auto'
        Processes, one thread each: 'auto' is one per CPU that this process may use. 0 works in this process.
    executor : concurrent.futures.Executor, optional
        Who does the work instead, such as ``dask.distributed.Client(...).get_executor()``. Source and `out` must have
        the same paths for all of its workers.
    resume : bool
        Keep finished shards; False removes the table that is there.
    retry_failed : bool
        Do shards again in which a clip failed.
    on_error : {'record', 'raise'}
        Whether a clip that fails is listed, with the reason, or ends the run.
    progress : bool or callable, optional
        True shows a bar (with tqdm, on a terminal) or lines; a function is called with a `Progress` at each shard.
    root : path, optional
        What relative paths of a manifest or a list are relative to, instead of the manifest's folder.
    extensions : sequence of str, optional
        Endings of the files that are taken from a folder, instead of those of sound files.
    rows_per_shard : int, >= 1
        Clips per shard: what is lost at most, per process, when a run is interrupted.
    res_type : str
        How files are resampled, see `melfeat.resample`.

    Returns
    -------
    Report
        `out`, `format`, `n_rows`, `n_ok`, `n_failed`, `n_reused` (of a run before), `seconds`.

    Raises
    ------
    SpecMismatch
        If `out` holds a table that was made in another way; the message says what differs.
    ParameterError
        If an argument is out of its range, or the source is none.
    FormatError
        If a manifest or an archive is damaged.
    MissingExtraError
        If the package behind `format` or `res_type` is not installed.
    AudioFileError
        If a clip fails, with ``on_error='raise'``.

    Notes
    -----
    A worker process that dies costs the clip that it was at. The shard is done again clip by clip; the clip at which a
    worker dies once more is listed as failed.

    Examples
    --------
    >>> import melfeat
    >>> from melfeat.dataset import extract, load_features
    >>> report = extract([melfeat.demo_path()], "table", pool=("mean", "std"), format="csv", n_jobs=0)
    >>> report.n_ok, report.n_failed
    (1, 0)
    >>> load_features("table").X.shape
    (1, 40)
    """
    found = config.config if isinstance(config, Extractor) else Extractor(config).config
    stats = None if pool is None else _checked_stats(pool)
    rows_per_shard = check_int("rows_per_shard", rows_per_shard, low=1)
    check_choice("on_error", on_error, ("record", "raise"))
    check_res_type(res_type)
    jobs = available_cpus() if n_jobs == "auto" else check_int("n_jobs", n_jobs, low=0, remedy="or 'auto'")
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise ParameterError(f"executor={executor!r}: expected a concurrent.futures.Executor, or None")
    rows = resolve(source, labels=labels, root=root, extensions=extensions)
    store = Store(out)
    before = store.spec() if check_bool("resume", resume) else None
    if format is None and before is not None and before.stats == stats:
        format = cast(Formats, before.format)
    kind = check_format(format, stats)

    def spec(survey: Survey) -> Spec:
        if kind == "htk":
            _check_htk(found)
        return Spec.of(
            found, stats=stats, format=kind, columns=survey.columns, rows_per_shard=rows_per_shard, res_type=res_type
        )

    if not resume and store.path.is_dir():
        store.clear()
    return Run(
        rows,
        store,
        spec,
        n_jobs=jobs,
        executor=executor,
        stop_at_error=on_error == "raise",
        retry_failed=check_bool("retry_failed", retry_failed),
        show=shower(progress),
    ).run()


def _checked_stats(pool: Any) -> tuple[str, ...]:
    names = (pool,) if isinstance(pool, str) or not isinstance(pool, Iterable) else tuple(pool)
    if not names or len(set(names)) != len(names):
        raise ParameterError(f"pool={pool!r}: expected one or more of {', '.join(get_args(Stat))}, each once; or None")
    return tuple(check_choice("pool", name, get_args(Stat)) for name in names)


def _check_htk(config: Config) -> None:
    if config.n_features > 8191:
        raise ParameterError(f"n_features={config.n_features}: expected at most 8191 for format='htk'; use another one")
