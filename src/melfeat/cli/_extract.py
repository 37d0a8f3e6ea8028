"""`melfeat extract`: a table of features of a folder, a list or a manifest of sound files, restartable."""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ._common import CannotRunError, Exit, UsageError, print_json, say

if TYPE_CHECKING:
    from ..config import Config

__all__ = ["DESCRIPTION", "add_extract", "errors_told"]

DESCRIPTION = """\
Make a table of features of many sound files. Started again after an interruption, go on where it was.

SOURCE is one of
  a folder            every sound file below it
  'a/**/*.wav'        files that match
  x.csv .tsv .jsonl .parquet   a manifest with a column of paths; others are carried along
  a Kaldi folder, wav.scp      with segments and utt2spk beside it
  UrbanSound8K, or its CSV     class, fold and the rest are carried along
  x.tar ...           archives of samples (WebDataset)
  several files

OUT is a folder of shards, part-00000 and so on, with _manifest.json and _errors.jsonl, the list of what failed.
"""

_FORMATS = ("parquet", "csv", "jsonl", "npz", "npy", "hdf5", "ark", "htk")
_STATS = ("mean", "std", "var", "min", "max", "median", "skew", "kurtosis")

#: Options of the configuration that have a flag of their own; --set has all of them.
_FLAGS = {"sr": float, "n_mfcc": int, "n_mels": int, "n_fft": int, "hop_length": int, "fmin": float, "fmax": float}

#: Failures that are shown at the end.
_SHOWN = 10


def add_extract(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("source", nargs="+", metavar="SOURCE", help="folder, pattern, manifest, list, ... (see above)")
    parser.add_argument("-o", "--out", required=True, metavar="OUT", help="folder of the table")
    parser.add_argument("--format", choices=_FORMATS, help="of the shards (parquet if pyarrow is there, else csv, npz)")

    front = parser.add_argument_group("features")
    which = front.add_mutually_exclusive_group()
    which.add_argument("--preset", metavar="NAME", help="a front end by name (melfeat presets lists them) (librosa)")
    which.add_argument("--config", metavar="FILE", help="a front end as JSON (melfeat explain NAME --json)")
    for name, kind in _FLAGS.items():
        front.add_argument(f"--{name.replace('_', '-')}", type=kind, metavar="N", help="change this option of it")
    front.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="change any other option")
    front.add_argument(
        "--stats", nargs="+", choices=_STATS, metavar="STAT", help=f"one row per clip: {', '.join(_STATS)}"
    )
    front.add_argument("--res-type", default="soxr_hq", metavar="NAME", help="resampler, as in melfeat.load (soxr_hq)")

    rows = parser.add_argument_group("source")
    rows.add_argument("--labels", metavar="A,B", help="columns to carry along (all), or 'parent': the file's folder")
    rows.add_argument("--root", metavar="DIR", help="what relative paths of a manifest are relative to (its folder)")

    work = parser.add_argument_group("work")
    work.add_argument("--jobs", type=_jobs, default="auto", metavar="N", help="processes; 0 for this one (one per CPU)")
    work.add_argument(
        "--dask", metavar="SCHEDULER", help="let the workers of a Dask cluster do it (host:port, or a file)"
    )
    again = work.add_mutually_exclusive_group()
    again.add_argument("--resume", action="store_true", help="keep shards that are finished (the default)")
    again.add_argument("--overwrite", action="store_true", help="remove the table that is there")
    again.add_argument("--retry-failed", action="store_true", help="do shards with failures again")
    work.add_argument("--rows-per-shard", type=int, default=500, metavar="N", help="clips per shard (500)")
    work.add_argument("--quiet", action="store_true", help="no progress")
    work.add_argument("--json", action="store_true", help="print a report on stdout as JSON")
    parser.set_defaults(run=_run)


def _jobs(text: str) -> int | str:
    try:
        return text if text == "auto" else int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number of processes, or auto") from None


def _config(args: argparse.Namespace) -> Config:
    from ._dialects import read_config

    given = args.config if args.config is not None else (args.preset or "librosa")
    if args.config is not None and not os.path.isfile(args.config):
        raise UsageError(f"--config {args.config}: there is no such file; names of presets go with --preset")
    config = read_config(given, args.set)
    changes = {name: getattr(args, name) for name in _FLAGS if getattr(args, name) is not None}
    return config.replace(**changes) if changes else config


@contextlib.contextmanager
def errors_told() -> Iterator[None]:
    """Turn errors of tables into those that the command line tells without a traceback."""
    from ..errors import FormatError, MelfeatError, MissingExtraError, ParameterError, SpecMismatch

    try:
        yield
    except SpecMismatch as error:
        raise UsageError(str(error)) from error
    except (ParameterError, MissingExtraError):
        raise
    except (FormatError, MelfeatError) as error:
        raise CannotRunError(str(error)) from error


@contextlib.contextmanager
def _executor(address: str | None) -> Iterator[Any]:
    """Yield an executor of the Dask cluster at an address, None without one."""
    if address is None:
        yield None
        return
    from ..dataset._extras import extra

    distributed = extra("distributed", "--dask")
    try:
        options = {"scheduler_file": address} if os.path.isfile(address) else {"address": address}
        client = distributed.Client(**options, timeout="10s")
    except (OSError, ValueError, TimeoutError) as error:
        raise CannotRunError(f"--dask {address}: no scheduler answers there ({error})") from error
    with client:
        yield client.get_executor()


def _run(args: argparse.Namespace) -> int:
    from ..dataset import extract

    labels = args.labels if args.labels in (None, "parent") else args.labels.split(",")
    source = args.source[0] if len(args.source) == 1 else args.source
    try:
        with errors_told():
            config = _config(args)
            with _executor(args.dask) as executor:
                report = extract(
                    source,
                    args.out,
                    config,
                    pool=args.stats,
                    labels=labels,
                    format=args.format,
                    n_jobs=args.jobs,
                    executor=executor,
                    resume=not args.overwrite,
                    retry_failed=args.retry_failed,
                    progress=not args.quiet,
                    root=args.root,
                    rows_per_shard=args.rows_per_shard,
                    res_type=args.res_type,
                )
    except KeyboardInterrupt:
        say(f"stopped; finished shards are kept in {args.out}: the same command goes on from there")
        return Exit.INTERRUPTED
    if args.json:
        print_json(vars(report))
    _tell(args.out, report)
    if report.n_ok == 0:
        return Exit.CANNOT
    return Exit.SOME_FAILED if report.n_failed else Exit.OK


def _tell(out: str, report: Any) -> None:
    from itertools import islice

    from ..dataset._features import errors_of

    if report.n_rows == 0:
        say(f"error: the source has no sound files; {out} holds an empty table")
        return
    for error in islice(errors_of(out), _SHOWN):
        say(f"failed: {error['path']}: {error['reason']}")
    if report.n_failed > _SHOWN:
        say(f"... and {report.n_failed - _SHOWN} more: {os.path.join(out, '_errors.jsonl')}")
    kept = f", {report.n_reused} of them kept from before" if report.n_reused else ""
    text = f"{out}: {report.n_ok} of {report.n_rows} clips as {report.format}{kept}, {report.n_failed} failed"
    say(f"{text}, {report.seconds:.1f} s")
