"""From a folder of audio to a table of features: `extract`, restartable, and what reads, checks and converts a table.

* `_sources` and what it uses: rows of clips, from folders, manifests, Kaldi's lists, archives;
* `_spec`: everything the bytes of a table depend on; `_store`: the folder of a table, its records and its manifest;
* `_shard` and `_clips`: what a worker does; `_run`: which shards are made, by any `concurrent.futures.Executor`;
* `_formats` and what it uses: writers and readers of shards; `_features`: a table in memory.

Names are imported when they are used: a worker needs few of these files.
"""

from __future__ import annotations

from importlib import import_module as _import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._extract import extract as extract
    from ._features import Features as Features, load_features as load_features
    from ._maintain import Checked as Checked, check as check, convert as convert
    from ._progress import Progress as Progress
    from ._run import Report as Report

__all__ = ["Checked", "Features", "Progress", "Report", "check", "convert", "extract", "load_features"]

_HOME = {
    "Checked": "_maintain",
    "Features": "_features",
    "Progress": "_progress",
    "Report": "_run",
    "check": "_maintain",
    "convert": "_maintain",
    "extract": "_extract",
    "load_features": "_features",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(_import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
