"""The banded product: each band is a weighted sum of a few neighbouring bins."""

from __future__ import annotations

from typing import Any

from ._jit import kernel
from ._lanes import cursor, fma, load, splat, store, width
from ._simd import codelet, peek
from ._words import zeros

__all__ = ["apply_bank"]


@codelet(returns=2)
def _mac4(work: Any, bins: Any, weights: Any, w: Any, even: Any, odd: Any) -> tuple[Any, Any]:
    """Add four bins, alternating between two sums so that neither waits for the other."""
    step = width(work)
    here, factors = cursor(work, bins), cursor(weights, w)
    even = fma(load(here, 0), splat(factors, 0), even)
    odd = fma(load(here, step), splat(factors, 1), odd)
    even = fma(load(here, 2 * step), splat(factors, 2), even)
    odd = fma(load(here, 3 * step), splat(factors, 3), odd)
    return even, odd


@codelet(returns=1)
def _mac(work: Any, at: Any, weights: Any, w: Any, total: Any) -> Any:
    return fma(load(work, at), splat(weights, w), total)


@codelet()
def _put_sum(work: Any, out: Any, even: Any, odd: Any) -> None:
    store(work, out, even + odd)


@kernel
def apply_bank(work, bins, step, bands, n_bands, weights, out):  # type: ignore[no-untyped-def]
    """Write the bands ``(n_bands, L)`` at ``work[out]`` from the bins ``(k, L)`` at ``work[bins]``; raw pointers.

    `bands` holds ``(first bin, number of bins, offset in weights)`` of each band, flat.
    """
    for band in range(n_bands):
        first, count, w = peek(bands, 3 * band), peek(bands, 3 * band + 1), peek(bands, 3 * band + 2)
        even = zeros(work)
        odd = zeros(work)
        at = bins + first * step
        j = 0
        while j + 4 <= count:
            even, odd = _mac4(work, at + j * step, weights, w + j, even, odd)
            j += 4
        while j < count:
            even = _mac(work, at + j * step, weights, w + j, even)
            j += 1
        _put_sum(work, out + band * step, even, odd)
