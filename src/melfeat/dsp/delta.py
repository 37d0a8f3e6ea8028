"""Differences along an axis: Savitzky-Golay differentiators, and the regression deltas of speech recognition.

References
----------
S. Young et al., The HTK Book, version 3.4, Cambridge University, 2006, section 5.9 (regression deltas). The ends as in
D. Povey et al., Kaldi, 2011 (``feature-functions.cc``), and F. Eyben et al., openSMILE, 2010.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np

from ..errors import ParameterError

__all__ = [
    "DELTA_EDGES",
    "DeltaMode",
    "delta_reach",
    "extend",
    "regression_deltas",
    "regression_windows",
    "savgol_weights",
]

#: What lies beyond the ends: a polynomial fitted to the first and last `width` values, or an extension of the data.
DeltaMode = Literal["interp", "nearest", "mirror", "constant", "wrap"]


@lru_cache(maxsize=64)
def savgol_weights(width: int, polyorder: int, deriv: int, spacing: float) -> tuple[np.ndarray, np.ndarray]:
    """Return read-only float64 ``(centre, edges)`` of a least-squares polynomial differentiator.

    With h = width // 2: ``centre`` (h + 1,) are the weights at distance 0 ... h, those on the left being the same times
    (-1)**deriv; ``edges`` (h, width) estimate the derivative at each of the first h points of a window. Both from a QR
    factorisation in a Legendre basis, well conditioned where the powers of a Vandermonde matrix are not.
    """
    from numpy.polynomial import legendre

    half = width // 2
    if deriv > polyorder:
        centre, edges = np.zeros(half + 1), np.zeros((half, width))
    else:
        u = np.arange(-half, half + 1) / half
        q, r = np.linalg.qr(legendre.legvander(u, polyorder))
        slopes = legendre.legvander(u, polyorder - deriv) @ legendre.legder(np.eye(polyorder + 1), deriv)
        weights = np.linalg.solve(r.T, slopes.T).T @ q.T / (half * spacing) ** deriv
        sign = -1.0 if deriv % 2 else 1.0
        # Exact symmetry: the derivative of a constant is then exactly zero for odd orders.
        centre = 0.5 * (weights[half, half:] + sign * weights[half, half::-1])
        edges = np.ascontiguousarray(weights[:half])
    centre.setflags(write=False)
    edges.setflags(write=False)
    return centre, edges


def extend(x: np.ndarray, start: int, stop: int, mode: DeltaMode, cval: float) -> np.ndarray:
    """Return the values of `x` ``(rows, n, inner)``, n > 0, at any positions `start` to `stop` of axis 1."""
    n = x.shape[1]
    position = np.arange(start, stop)
    if mode == "mirror":
        folded = position % max(2 * n - 2, 1)
        source = np.minimum(folded, 2 * n - 2 - folded)
    elif mode == "wrap":
        source = position % n
    else:
        source = np.clip(position, 0, n - 1)
    out = np.take(x, source, axis=1)
    if mode == "constant":
        out[:, source != position] = cval
    return out


#: What regression deltas take for frames beyond the ends. 'replicate': each delta is computed from the one before it,
#: whose first and last frame are repeated (HTK). 'kaldi': only the features are repeated, deltas of deltas reach beyond
#: the ends. 'opensmile': the first at the beginning, the second at the end.
DELTA_EDGES = ("replicate", "kaldi", "opensmile")

_BLOCK = 1 << 16  # values of a block of rows: bounds the temporary arrays


def regression_windows(order: int, window: int, window_2: int | None) -> tuple[int, ...]:
    """Return how many frames to either side enter the delta of each order."""
    return (window,) + (window if window_2 is None else window_2,) * (order - 1) if order else ()


def delta_reach(order: int, window: int, window_2: int | None = None) -> int:
    """Return how many frames to either side of frame t its delta of `order` depends on."""
    return sum(regression_windows(order, window, window_2))


def _regress(x: np.ndarray, window: int) -> np.ndarray:
    """Return ``sum k (x[t + k] - x[t - k]) / (2 sum k^2)``, k = 1 ... window, at the n - 2 window inner frames.

    Term by term and element by element, so that no frame's rounding depends on its place or on the length.
    """
    n = x.shape[-1] - 2 * window
    total = x[..., window + 1 : window + 1 + n] - x[..., window - 1 : window - 1 + n]
    for k in range(2, window + 1):
        total += k * (x[..., window + k : window + k + n] - x[..., window - k : window - k + n])
    total /= 2 * sum(k * k for k in range(1, window + 1))
    return total


def _repeat_ends(x: np.ndarray, before: int, after: int) -> np.ndarray:
    return np.take(x, np.clip(np.arange(-before, x.shape[-1] + after), 0, x.shape[-1] - 1), axis=-1)


def _deltas(x: np.ndarray, windows: tuple[int, ...], edges: str) -> list[np.ndarray]:
    n = x.shape[-1]
    reach = sum(windows)
    before, after = {"replicate": (0, 0), "kaldi": (reach, reach), "opensmile": (0, reach)}[edges]
    x = _repeat_ends(x, before, after)
    found = []
    for window in windows:
        x = _regress(_repeat_ends(x, 0 if before else window, 0 if after else window), window)
        before, after = max(0, before - window), max(0, after - window)
        found.append(x[..., before : before + n])
    return found


def regression_deltas(
    x: np.ndarray, order: int = 1, *, window: int = 2, window_2: int | None = None, edges: str = "replicate"
) -> list[np.ndarray]:
    """Return the deltas of order 1 ... `order` of float32 or float64 `x` along the last axis, in its shape and dtype.

    `window` frames to either side enter a delta, `window_2` (by default as many) those of order 2 and above. All sums
    are float64 until the end. Frames that lie `delta_reach` or more from both ends are the same for all `edges`.
    """
    if edges not in DELTA_EDGES:
        raise ParameterError(f"edges={edges!r}: expected one of {', '.join(map(repr, DELTA_EDGES))}")
    windows = regression_windows(order, window, window_2)
    out = [np.empty(x.shape, dtype=x.dtype) for _ in windows]
    n = x.shape[-1]
    if x.size == 0 or not windows:
        return out
    rows = x.reshape(-1, n)
    targets = [array.reshape(-1, n) for array in out]
    step = max(1, _BLOCK // n)
    with np.errstate(invalid="ignore"):  # the difference of two infinite levels is NaN, here as anywhere
        for begin in range(0, len(rows), step):
            block = slice(begin, begin + step)
            for target, values in zip(targets, _deltas(rows[block].astype(np.float64), windows, edges), strict=True):
                target[block] = values
    return out
