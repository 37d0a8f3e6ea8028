"""Loops over rows of features and of signals: normalisation, regression deltas, pre-emphasis, the offset filter.

The first three have the bits of the NumPy code that defines them, in `dsp`: sums in NumPy's pairwise order, and
everything else element by element, rounded as written. Here vectors run along a row; scratch is float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ._jit import kernel
from ._lanes import load, load_as, store, store_as
from ._simd import codelet, lanes, raw
from ._words import put

__all__ = ["OFFSET_STATE", "delta_rows", "emphasize", "inverse_scale", "normalize_rows", "remove_offset"]


# ---------------------------------------------------------------------------------------------------------------------
# Normalisation
# ---------------------------------------------------------------------------------------------------------------------

_LEAF = 128  # up to so many values are summed by eight running sums


@codelet(returns=1)
def _term(like: Any, x: Any, at: Any, origin: Any, mean: Any) -> Any:
    return load_as(x, at, like) - origin - mean


@codelet(returns=1)
def _add_term(like: Any, total: Any, x: Any, at: Any, origin: Any, mean: Any) -> Any:
    return total + (load_as(x, at, like) - origin - mean)


@codelet(returns=1)
def _square_term(like: Any, x: Any, at: Any, origin: Any, mean: Any) -> Any:
    value = load_as(x, at, like) - origin - mean
    return value * value


@codelet(returns=1)
def _add_square(like: Any, total: Any, x: Any, at: Any, origin: Any, mean: Any) -> Any:
    value = load_as(x, at, like) - origin - mean
    return total + value * value


@codelet()
def _scale_to(like: Any, x: Any, at: Any, origin: Any, mean: Any, scale: Any, out: Any) -> None:
    store_as(out, at, (load_as(x, at, like) - origin - mean) * scale)


@kernel
def _scalar(x, at, origin, mean, squared):  # type: ignore[no-untyped-def]
    value = (np.float64(x[at]) - origin) - mean
    return value * value if squared else value


@kernel
def _leaf(x, start, n, origin, mean, squared, eight):  # type: ignore[no-untyped-def]
    """Return the sum of at most `_LEAF` values less origin and mean, or of their squares, in NumPy's order.

    `eight` is scratch of eight numbers.
    """
    if n < 8:
        few = -0.0
        for i in range(start, start + n):
            few += _scalar(x, i, origin, mean, squared)
        return few
    like, values, step = raw(eight), raw(x), lanes(eight)
    whole = start + n - n % 8
    for half in range(0, 8, step):  # once where a vector has eight lanes
        at = start + half
        if squared:
            total = _square_term(like, values, at, origin, mean)
            for i in range(at + 8, whole, 8):
                total = _add_square(like, total, values, i, origin, mean)
        else:
            total = _term(like, values, at, origin, mean)
            for i in range(at + 8, whole, 8):
                total = _add_term(like, total, values, i, origin, mean)
        put(like, half, total)
    together = ((eight[0] + eight[1]) + (eight[2] + eight[3])) + ((eight[4] + eight[5]) + (eight[6] + eight[7]))
    for i in range(whole, start + n):
        together += _scalar(x, i, origin, mean, squared)
    return together


@kernel
def _pairwise(x, start, n, origin, mean, squared, eight):  # type: ignore[no-untyped-def]
    """Return the sum of n > 0 terms, as `_leaf`, in NumPy's pairwise order, without recursion."""
    starts, counts = np.zeros(64, np.int64), np.zeros(64, np.int64)
    halves, lefts = np.zeros(64, np.int64), np.zeros(64, np.float64)
    top = 0
    starts[0], counts[0] = start, n
    while True:
        if counts[top] > _LEAF:
            half = counts[top] // 2
            starts[top + 1], counts[top + 1] = starts[top], half - half % 8
            halves[top] = 1
            top += 1
            continue
        value = _leaf(x, starts[top], counts[top], origin, mean, squared, eight)
        top -= 1
        while top >= 0 and halves[top] == 2:
            value = lefts[top] + value
            top -= 1
        if top < 0:
            return value
        lefts[top], halves[top] = value, 2
        half = counts[top] // 2
        half -= half % 8
        starts[top + 1], counts[top + 1] = starts[top] + half, counts[top] - half
        top += 1


@kernel
def inverse_scale(variance, eps, eps_kind):  # type: ignore[no-untyped-def]
    """Return the factor that makes a variance 1, as `dsp.post.inverse_scale` defines it.

    `eps_kind`: 0 added to the deviation, 1 added to the variance, 2 the least variance.
    """
    if eps_kind == 0:
        deviation = np.sqrt(variance) + eps
    elif eps_kind == 1:
        deviation = np.sqrt(variance + eps)
    else:
        deviation = np.sqrt(eps if variance < eps else variance)
    return 1.0 / deviation if deviation > 0.0 else 1.0


@kernel
def normalize_rows(x, n_rows, scaled, ddof, eps, eps_kind, out):  # type: ignore[no-untyped-def]
    """Write `n_rows` > 0 rows of the flat `x`, not empty, normalised, as `dsp.post.frame_statistics` defines it."""
    n = x.size // n_rows
    eight = np.empty(8, np.float64)
    step = lanes(eight)
    for row in range(n_rows):
        base = row * n
        origin = np.float64(x[base])
        mean = _pairwise(x, base, n, origin, 0.0, False, eight) / n
        scale = 1.0
        if scaled:
            variance = _pairwise(x, base, n, origin, mean, True, eight) / max(n - ddof, 1)
            scale = inverse_scale(variance, eps, eps_kind)
        whole = n - n % step
        for i in range(base, base + whole, step):
            _scale_to(raw(eight), raw(x), i, origin, mean, scale, raw(out))
        for i in range(base + whole, base + n):
            out[i] = _scalar(x, i, origin, mean, False) * scale


# ---------------------------------------------------------------------------------------------------------------------
# Regression deltas
# ---------------------------------------------------------------------------------------------------------------------


@codelet()
def _difference(out: Any, to: Any, x: Any, left: Any, right: Any) -> None:
    store(out, to, load(x, right) - load(x, left))


@codelet()
def _add_difference(out: Any, to: Any, x: Any, left: Any, right: Any, k: Any) -> None:
    store(out, to, load(out, to) + (load(x, right) - load(x, left)) * k)


@codelet()
def _divide_by(out: Any, to: Any, divisor: Any) -> None:
    store(out, to, load(out, to) / divisor)


@codelet()
def _narrow(x: Any, at: Any, out: Any, to: Any) -> None:
    store_as(out, to, load(x, at))


@kernel
def _regress(x, n, window, divisor, out):  # type: ignore[no-untyped-def]
    """Write the slopes at the ``n - 2 window`` inner frames of ``x[:n]`` to `out`; both have room for a vector more."""
    source, target, step = raw(x), raw(out), lanes(x)
    for t in range(0, n - 2 * window, step):
        _difference(target, t, source, t + window - 1, t + window + 1)
        for k in range(2, window + 1):
            _add_difference(target, t, source, t + window - k, t + window + k, 1.0 * k)
        _divide_by(target, t, divisor)


@kernel
def delta_rows(x, windows, divisors, before, after, scratch, out):  # type: ignore[no-untyped-def]
    """Write deltas of rows ``(rows, n)`` to ``out[order, row]``, as `dsp.delta.regression_deltas` defines them.

    The features are repeated `before` and `after` times beyond the ends; where these are used up, each delta is.
    `scratch` is ``(2, n + 2 reach + 2 window + 32)``, finite.
    """
    n = x.shape[1]
    here, other = scratch[0], scratch[1]
    step = lanes(here)
    whole = n - n % step
    for row in range(x.shape[0]):
        left, right = before, after
        for i in range(left):
            here[i] = x[row, 0]
        for i in range(n):
            here[left + i] = x[row, i]
        for i in range(right):
            here[left + n + i] = x[row, n - 1]
        length = left + n + right
        for order in range(windows.size):
            window = windows[order]
            more_left, more_right = (0 if left > 0 else window), (0 if right > 0 else window)
            for i in range(more_left):
                other[i] = here[0]
            for i in range(length):
                other[more_left + i] = here[i]
            for i in range(more_right):
                other[more_left + length + i] = here[length - 1]
            length += more_left + more_right
            _regress(other, length, window, divisors[order], here)
            length -= 2 * window
            left, right = max(0, left - window), max(0, right - window)
            to = (order * x.shape[0] + row) * n
            for i in range(0, whole, step):
                _narrow(raw(here), left + i, raw(out), to + i)
            for i in range(whole, n):
                out[order, row, i] = here[left + i]


# ---------------------------------------------------------------------------------------------------------------------
# Signals
# ---------------------------------------------------------------------------------------------------------------------


@codelet()
def _emphasize_to(out: Any, to: Any, x: Any, at: Any, scale: Any, minus_k: Any) -> None:
    store(out, to, load(x, at) * scale + load(x, at - 1) * scale * minus_k)


@kernel
def emphasize(x, scale, minus_k, scaled_first, out):  # type: ignore[no-untyped-def]
    """Write ``s x[n] - k s x[n - 1]`` of a signal to `out`; ``x[-1]`` is x[0] with `scaled_first`, else 0."""
    n, step = x.size, lanes(out)
    if n == 0:
        return
    start = x[0] * scale
    out[0] = start + start * minus_k if scaled_first else start
    at = 1
    while at + step <= n:
        _emphasize_to(raw(out), at, raw(x), at, scale, minus_k)
        at += step
    for i in range(at, n):
        out[i] = x[i] * scale + x[i - 1] * scale * minus_k


#: Numbers that `remove_offset` remembers: the last sample, 8 differences, 8 results.
OFFSET_STATE = 17

_PIECE = 1024


@codelet()
def _difference_as(out: Any, to: Any, x: Any, at: Any) -> None:
    store(out, to, load_as(x, at, out) - load_as(x, at - 1, out))


@codelet()
def _add_delayed(out: Any, to: Any, x: Any, at: Any, before: Any, factor: Any) -> None:
    store(out, to, load(x, at) + load(x, before) * factor)


@codelet()
def _recur(y: Any, to: Any, x: Any, at: Any, before: Any, factor: Any, eighth: Any) -> None:
    store(y, to, (load(x, at) + load(x, before) * factor) + load(y, to - 8) * eighth)


@kernel
def remove_offset(x, a, state, out):  # type: ignore[no-untyped-def]
    """Write ``y[n] = x[n] - x[n - 1] + a y[n - 1]`` of a signal to `out`, in float64 until the end.

    Eight steps at once: with ``d[n] = x[n] - x[n - 1]`` and sums w of 8 of its neighbours, weighted by powers of a,
    ``y[n] = w[n] + a^8 y[n - 8]``. Each value is rounded alike wherever a signal is cut: `state`, zeros at the
    beginning, is left as the next piece needs it.
    """
    d, one = np.zeros(_PIECE + 16, np.float64), np.zeros(_PIECE + 16, np.float64)
    two, y = np.zeros(_PIECE + 16, np.float64), np.zeros(_PIECE + 16, np.float64)
    step = lanes(d)
    a2 = a * a
    a4 = a2 * a2
    before = state[0]
    for i in range(8):
        d[i], y[i] = state[1 + i], state[9 + i]
    for first in range(0, x.size, _PIECE):
        n = min(_PIECE, x.size - first)
        d[8] = np.float64(x[first]) - before
        i = 1
        while i + step <= n:
            _difference_as(raw(d), 8 + i, raw(x), first + i)
            i += step
        for j in range(i, n):
            d[8 + j] = np.float64(x[first + j]) - np.float64(x[first + j - 1])
        before = np.float64(x[first + n - 1])
        # Whole vectors: what lies behind the last sample is never used.
        for i in range(1, n + 8, step):
            _add_delayed(raw(one), i, raw(d), i, i - 1, a)
        for i in range(3, n + 8, step):
            _add_delayed(raw(two), i, raw(one), i, i - 2, a2)
        for i in range(0, n, step):
            _recur(raw(y), 8 + i, raw(two), 8 + i, 4 + i, a4, a4 * a4)
        whole = n - n % step
        for i in range(0, whole, step):
            _narrow(raw(y), 8 + i, raw(out), first + i)
        for i in range(whole, n):
            out[first + i] = y[8 + i]
        for i in range(8):
            d[i], y[i] = d[n + i], y[n + i]
    state[0] = before
    for i in range(8):
        state[1 + i], state[9 + i] = d[i], y[i]
