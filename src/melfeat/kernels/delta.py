"""Finite impulse responses along one axis: the loops of the Savitzky-Golay differentiator."""

from __future__ import annotations

import numpy as np

from ._jit import kernel

__all__ = ["edge_dot", "mirrored_fir"]

_BLOCK = 512  # float64 sums in flight: 4 KB, a fraction of L1


@kernel
def mirrored_fir(
    x: np.ndarray, centre: np.ndarray, sign: float, step: int, out: np.ndarray, first: int, count: int
) -> None:
    """Write the FIR with weights ``centre[k]`` at +k and ``sign * centre[k]`` at -k into ``out[:, first:first+count]``.

    x (rows, count + 2 h step) with h = len(centre) - 1, out (rows, >= first + count), both C-contiguous; neighbours
    along the axis lie `step` elements apart. Sums are float64 in an order that depends on nothing but h.
    """
    half = centre.shape[0] - 1
    total = np.empty(_BLOCK, np.float64)
    for row in range(x.shape[0]):
        for begin in range(0, count, _BLOCK):
            m = min(_BLOCK, count - begin)
            middle = begin + half * step
            here = x[row, middle : middle + m]
            for j in range(m):
                total[j] = centre[0] * np.float64(here[j])
            for k in range(1, half + 1):
                right = x[row, middle + k * step : middle + k * step + m]
                left = x[row, middle - k * step : middle - k * step + m]
                weight = centre[k]
                for j in range(m):
                    total[j] += weight * (np.float64(right[j]) + sign * np.float64(left[j]))
            target = out[row, first + begin : first + begin + m]
            for j in range(m):
                target[j] = total[j]


@kernel
def edge_dot(
    x: np.ndarray,
    source: int,
    weights: np.ndarray,
    backward: bool,
    scale: float,
    step: int,
    out: np.ndarray,
    first: int,
) -> None:
    """Write ``scale * weights @ window`` into ``out[:, first:]``, the window starting at ``x[:, source]``.

    x, out (rows, n step) C-contiguous, weights (h, width) float64; with `backward` both its axes run in reverse.
    """
    points, width = weights.shape
    for row in range(x.shape[0]):
        for i in range(points):
            for s in range(step):
                total = np.float64(0.0)
                for k in range(width):
                    if backward:
                        weight = weights[points - 1 - i, width - 1 - k]
                    else:
                        weight = weights[i, k]
                    total += weight * np.float64(x[row, source + k * step + s])
                out[row, first + i * step + s] = scale * total
