"""The cosine transform of lane blocks, as a dense product in groups of eight rows."""

from __future__ import annotations

from typing import Any

from ._jit import kernel
from ._simd import codelet, cursor, fma, load, splat, store, vmax, width, zero

__all__ = ["GROUP", "block_cosines"]

#: Rows computed together; `dsp.cepstrum` packs the matrix accordingly.
GROUP = 8


#: Bands summed before their sum joins the total: with all 128 in one chain, the equal levels of a silent frame drift
#: one way and float32 loses a digit. Sixteen measured within twice the error of SciPy's fast transform.
_CHAIN = 16


@codelet(returns=8)
def _zeros(work: Any) -> tuple[Any, ...]:
    return (zero(work),) * GROUP


@codelet(returns=8)
def _mac8(
    work: Any, at: Any, floor: Any, matrix: Any, w: Any,
    a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any,
) -> tuple[Any, ...]:  # fmt: skip
    """Add one band, raised to the floor, to eight sums."""
    level = vmax(load(work, at), load(work, floor))
    factors = cursor(matrix, w)
    return tuple(fma(level, splat(factors, i), total) for i, total in enumerate((a, b, c, d, e, f, g, h)))


@codelet()
def _put8(work: Any, out: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any) -> None:
    here = cursor(work, out)
    for i, total in enumerate((a, b, c, d, e, f, g, h)):
        store(here, width(work) * i, total)


@codelet()
def _add8(work: Any, out: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any) -> None:
    here = cursor(work, out)
    for i, total in enumerate((a, b, c, d, e, f, g, h)):
        store(here, width(work) * i, load(here, width(work) * i) + total)


@kernel
def block_cosines(work, bands, n_bands, step, floor, matrix, n_groups, out):  # type: ignore[no-untyped-def]
    """Write ``(8 n_groups, L)`` at ``work[out]``: the packed `matrix` times ``max(bands, floor)``, all in `work`."""
    for group in range(n_groups):
        w = group * n_bands * 8
        to = out + group * 8 * step
        for first in range(0, n_bands, _CHAIN):
            a, b, c, d, e, f, g, h = _zeros(work)
            for band in range(first, min(first + _CHAIN, n_bands)):
                a, b, c, d, e, f, g, h = _mac8(
                    work, bands + band * step, floor, matrix, w + band * 8, a, b, c, d, e, f, g, h
                )
            if first == 0:
                _put8(work, to, a, b, c, d, e, f, g, h)
            else:
                _add8(work, to, a, b, c, d, e, f, g, h)
