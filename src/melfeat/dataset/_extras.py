"""Optional packages: imported when needed, with an error that says how to get them."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from ..errors import MissingExtraError

__all__ = ["extra", "is_there"]

_EXTRA_OF = {"pyarrow": "parquet", "h5py": "hdf5", "distributed": "dask", "tqdm": "progress", "pandas": "pandas"}


def is_there(module: str) -> bool:
    """Return whether an optional package is installed."""
    return find_spec(module) is not None


def extra(module: str, purpose: str) -> Any:
    """Return a module of an optional package, or raise the error that names the extra that brings it."""
    package = module.partition(".")[0]
    try:
        return import_module(module)
    except ImportError:
        raise MissingExtraError(
            f"{purpose} needs {package}, which is not installed; get it with: "
            f'pip install "melfeat[{_EXTRA_OF[package]}]"'
        ) from None
