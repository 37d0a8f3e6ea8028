"""Small discrete Fourier transforms on lane vectors: the straight-line arithmetic inside the passes.

Everything here runs while a codelet is traced (or interpreted): lists of ``(re, im)`` lane vectors in and out, loops
and constants vanish. Sizes 2 to 5 are written out; 8 and 16 are composed of them (Cooley and Tukey 1965); real input
follows the same recursion and keeps the non-redundant half (Sorensen et al. 1987).
"""

from __future__ import annotations

import math
from typing import Any

from ._lanes import cmul, fma

__all__ = ["dft", "real_dft"]

Complex = tuple[Any, Any]


def _add(a: Complex, b: Complex) -> Complex:
    return a[0] + b[0], a[1] + b[1]


def _sub(a: Complex, b: Complex) -> Complex:
    return a[0] - b[0], a[1] - b[1]


def _unit(numerator: int, denominator: int) -> tuple[float, float]:
    """Return cosine and minus sine of the turn ``numerator / denominator``."""
    angle = 2 * math.pi * (numerator % denominator) / denominator
    return math.cos(angle), -math.sin(angle)


def _rotate(z: Complex, numerator: int, denominator: int) -> Complex:
    """Return ``z * exp(-2 pi i numerator / denominator)``, free for quarter turns, cheap for eighths."""
    eighths, rest = divmod(8 * (numerator % denominator), denominator)
    re, im = z
    if rest:
        c, s = _unit(numerator, denominator)
        return cmul(re, im, _like(re, c), _like(re, s))
    if eighths == 0:
        return z
    if eighths == 2:
        return im, -re
    if eighths == 4:
        return -re, -im
    if eighths == 6:
        return -im, re
    h = math.sqrt(0.5)
    if eighths == 1:
        return (re + im) * h, (im - re) * h
    if eighths == 3:
        return (im - re) * h, (re + im) * -h
    if eighths == 5:
        return (re + im) * -h, (re - im) * h
    return (re - im) * h, (re + im) * h


def _like(lane: Any, value: float) -> Any:
    """Return `value` in the form that multiplies `lane` in its own dtype."""
    return lane._new(lane._raw(value)) if hasattr(lane, "_raw") else lane.dtype.type(value)


def _dft3(x: list[Complex]) -> list[Complex]:
    s, d = _add(x[1], x[2]), _sub(x[1], x[2])
    h = math.sqrt(0.75)
    mid = fma(s[0], _like(s[0], -0.5), x[0][0]), fma(s[1], _like(s[1], -0.5), x[0][1])
    turn = d[1] * h, d[0] * -h
    return [_add(x[0], s), _add(mid, turn), _sub(mid, turn)]


def _dft5(x: list[Complex]) -> list[Complex]:
    s1, d1, s2, d2 = _add(x[1], x[4]), _sub(x[1], x[4]), _add(x[2], x[3]), _sub(x[2], x[3])
    c1, c2 = math.cos(2 * math.pi / 5), math.cos(4 * math.pi / 5)
    n1, n2 = math.sin(2 * math.pi / 5), math.sin(4 * math.pi / 5)

    def mix(a: Any, b: Any, p: float, q: float, base: Any) -> Any:
        first = fma(a, _like(a, p), base) if base is not None else a * p
        return fma(b, _like(b, q), first)

    even1 = tuple(mix(s1[i], s2[i], c1, c2, x[0][i]) for i in (0, 1))
    even2 = tuple(mix(s1[i], s2[i], c2, c1, x[0][i]) for i in (0, 1))
    odd1 = mix(d1[1], d2[1], n1, n2, None), mix(d1[0], d2[0], -n1, -n2, None)
    odd2 = mix(d1[1], d2[1], n2, -n1, None), mix(d1[0], d2[0], -n2, n1, None)
    total = _add(x[0], _add(s1, s2))
    return [total, _add(even1, odd1), _add(even2, odd2), _sub(even2, odd2), _sub(even1, odd1)]


def dft(x: list[Complex]) -> list[Complex]:
    """Return the transform of 1, 2, 3, 4, 5, 8 or 16 complex lane vectors."""
    n = len(x)
    if n == 1:
        return x
    if n == 2:
        return [_add(x[0], x[1]), _sub(x[0], x[1])]
    if n == 3:
        return _dft3(x)
    if n == 5:
        return _dft5(x)
    if n == 4:
        ac, amc, bd, bmd = _add(x[0], x[2]), _sub(x[0], x[2]), _add(x[1], x[3]), _sub(x[1], x[3])
        turn = bmd[1], -bmd[0]
        return [_add(ac, bd), _add(amc, turn), _sub(ac, bd), _sub(amc, turn)]
    r = 2 if n == 8 else 4
    m = n // r
    parts = [dft(x[j::r]) for j in range(r)]
    out: list[Complex] = [x[0]] * n
    for k in range(m):
        out[k::m] = dft([_rotate(parts[j][k], j * k, n) for j in range(r)])
    return out


def real_dft(x: list[Any]) -> list[Complex]:
    """Return bins ``0 … n//2`` of the transform of n = 1, 2, 4, 8 or 16 real lane vectors; None is an exact zero."""
    n = len(x)
    if n == 1:
        return [(x[0], None)]
    if n == 2:
        return [(x[0] + x[1], None), (x[0] - x[1], None)]
    even, odd = real_dft(x[0::2]), real_dft(x[1::2])
    out: list[Complex] = [(None, None)] * (n // 2 + 1)
    out[0] = even[0][0] + odd[0][0], None
    out[n // 2] = even[0][0] - odd[0][0], None
    for k in range(1, n // 4):
        turned = _rotate(odd[k], k, n)
        out[k] = _add(even[k], turned)
        re, im = _sub(even[k], turned)
        out[n // 2 - k] = re, -im
    out[n // 4] = even[n // 4][0], -odd[n // 4][0]
    return out
