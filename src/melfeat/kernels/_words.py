"""The codelets that every stage needs: a vector moved, made or added."""

from __future__ import annotations

from typing import Any

from ._lanes import load, store, zero
from ._simd import codelet

__all__ = ["add", "copy", "get", "put", "zeros"]


@codelet(returns=1)
def get(work: Any, at: Any) -> Any:
    """Return the vector at ``work[at]``."""
    return load(work, at)


@codelet()
def put(work: Any, at: Any, lane: Any) -> None:
    """Write a vector at ``work[at]``."""
    store(work, at, lane)


@codelet()
def copy(out: Any, to: Any, work: Any, at: Any) -> None:
    """Write the vector at ``work[at]`` to ``out[to]``."""
    store(out, to, load(work, at))


@codelet(returns=1)
def zeros(work: Any) -> Any:
    """Return a vector of zeros of the dtype of `work`."""
    return zero(work)


@codelet(returns=1)
def add(work: Any, a: Any, b: Any) -> Any:
    """Return the sum of two vectors of the dtype of `work`."""
    return a + b
