"""The vocabulary of codelets: words that work on symbols, while a codelet is traced, and on NumPy values.

A symbol emits an LLVM instruction for each operation. No fast-math flag is ever set: the order of operations written is
the order executed, so a frame has the same bits wherever it stands. Fused multiply-adds are written out (`fma`).
"""

from __future__ import annotations

import os
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir

from ._jit import JIT_DISABLED


def _vector_bits() -> int:
    """Return the width of a lane vector: 512 bits where registers are so wide, 256 elsewhere (or as a test asks).

    Lanes never mix, so the width changes no bit of any result.
    """
    asked = os.environ.get("MELFEAT_VECTOR_BITS")
    if asked in ("256", "512"):
        return int(asked)
    features = llvm.get_host_cpu_features()
    return 512 if all(features.get(name) for name in ("avx512f", "avx512vl", "avx512dq")) else 256


_BITS = 256 if JIT_DISABLED else _vector_bits()

#: Lanes per vector by dtype.
LANES = {"float32": _BITS // 32, "float64": _BITS // 64}

_ITEMSIZE = {"float32": 4, "float64": 8}

INT64 = ir.IntType(64)
_INT32 = ir.IntType(32)


# ---------------------------------------------------------------------------------------------------------------------
# Symbols: what a codelet's arguments are while it is traced
# ---------------------------------------------------------------------------------------------------------------------


class IntSymbol:
    """A 64-bit integer symbol."""

    __slots__ = ("b", "v")

    def __init__(self, builder: ir.IRBuilder, value: ir.Value) -> None:
        self.b, self.v = builder, value

    def _raw(self, other: Any) -> ir.Value:
        return other.v if isinstance(other, IntSymbol) else ir.Constant(INT64, int(other))

    def __add__(self, other: Any) -> IntSymbol:
        return IntSymbol(self.b, self.b.add(self.v, self._raw(other)))

    def __sub__(self, other: Any) -> IntSymbol:
        return IntSymbol(self.b, self.b.sub(self.v, self._raw(other)))

    def __rsub__(self, other: Any) -> IntSymbol:
        return IntSymbol(self.b, self.b.sub(self._raw(other), self.v))

    def __mul__(self, other: Any) -> IntSymbol:
        return IntSymbol(self.b, self.b.mul(self.v, self._raw(other)))

    __radd__ = __add__
    __rmul__ = __mul__


class LaneSymbol:
    """A lane vector symbol; scalars and Python floats are broadcast."""

    __slots__ = ("b", "v")
    __array_ufunc__ = None

    def __init__(self, builder: ir.IRBuilder, value: ir.Value) -> None:
        self.b, self.v = builder, value

    def _raw(self, other: Any) -> ir.Value:
        if isinstance(other, LaneSymbol):
            return other.v
        return ir.Constant(self.v.type, [float(other)] * self.v.type.count)

    def _new(self, value: ir.Value) -> LaneSymbol:
        return LaneSymbol(self.b, value)

    def __add__(self, other: Any) -> LaneSymbol:
        return self._new(self.b.fadd(self.v, self._raw(other)))

    def __sub__(self, other: Any) -> LaneSymbol:
        return self._new(self.b.fsub(self.v, self._raw(other)))

    def __rsub__(self, other: Any) -> LaneSymbol:
        return self._new(self.b.fsub(self._raw(other), self.v))

    def __mul__(self, other: Any) -> LaneSymbol:
        return self._new(self.b.fmul(self.v, self._raw(other)))

    def __truediv__(self, other: Any) -> LaneSymbol:
        return self._new(self.b.fdiv(self.v, self._raw(other)))

    def __neg__(self) -> LaneSymbol:
        return self._new(self.b.fneg(self.v))

    __radd__ = __add__
    __rmul__ = __mul__

    def _call(self, name: str, *others: Any) -> LaneSymbol:
        """Call the LLVM intrinsic `name` on this vector and `others`."""
        raws = [self.v, *(self._raw(other) for other in others)]
        kind = self.v.type
        suffix = f"v{kind.count}f{32 if isinstance(kind.element, ir.FloatType) else 64}"
        full_name = f"llvm.{name}.{suffix}"
        declared = self.b.module.globals.get(full_name)
        if declared is None:
            declared = ir.Function(self.b.module, ir.FunctionType(kind, [kind] * len(raws)), full_name)
        return self._new(self.b.call(declared, raws))


class ArraySymbol:
    """An array symbol: a bare pointer to elements. Bounds are checked when codelets are interpreted."""

    __slots__ = ("b", "data", "elem", "name")

    def __init__(self, builder: ir.IRBuilder, name: str, data: ir.Value) -> None:
        self.b, self.name, self.data = builder, name, data
        self.elem = data.type.pointee

    def at(self, index: Any) -> ir.Value:
        return self.b.gep(self.data, [index.v if isinstance(index, IntSymbol) else ir.Constant(INT64, int(index))])

    def read(self, index: Any, count: int) -> ir.Value:
        kind = self.elem if count == 1 else ir.VectorType(self.elem, count)
        loaded = self.b.load(self.b.bitcast(self.at(index), kind.as_pointer()))
        loaded.align = _ITEMSIZE[self.name]
        return loaded

    def write(self, index: Any, value: ir.Value) -> None:
        target = self.b.bitcast(self.at(index), value.type.as_pointer())
        self.b.store(value, target).align = _ITEMSIZE[self.name]


class _View:
    """What `cursor` returns when interpreted: an array and an offset."""

    __slots__ = ("array", "dtype", "offset")

    def __init__(self, array: np.ndarray, offset: int) -> None:
        self.array, self.offset, self.dtype = array, offset, array.dtype


def _shuffle(builder: ir.IRBuilder, first: ir.Value, second: ir.Value, order: list[int]) -> ir.Value:
    return builder.shuffle_vector(first, second, ir.Constant(ir.VectorType(_INT32, len(order)), order))


def _join(builder: ir.IRBuilder, first: ir.Value, second: ir.Value) -> ir.Value:
    """Return two vectors as one of twice the length."""
    return _shuffle(builder, first, second, list(range(2 * first.type.count)))


def _quarters(count: int, order: list[int]) -> list[int]:
    """Repeat a shuffle of four elements for every four of `count`."""
    return [offset + i for offset in range(0, count, 4) for i in order]


def broadcast(builder: ir.IRBuilder, scalar: ir.Value, count: int) -> ir.Value:
    kind = ir.VectorType(scalar.type, count)
    single = builder.insert_element(ir.Constant(kind, ir.Undefined), scalar, ir.Constant(_INT32, 0))
    return _shuffle(builder, single, ir.Constant(kind, ir.Undefined), [0] * count)


# ---------------------------------------------------------------------------------------------------------------------
# The vocabulary of codelets: each word works on symbols (traced) and on NumPy values (interpreted)
# ---------------------------------------------------------------------------------------------------------------------


def width(array: Any) -> int:
    """Return the lanes of a vector of the dtype of `array`, inside a codelet."""
    return LANES[scalar_name(array)]


def store_interleaved(array: Any, index: Any, first: Any, second: Any) -> None:
    """Write ``first[0], second[0], first[1], …`` to ``array[index : index + 2 L]``."""
    count = width(array)
    if not isinstance(array, ArraySymbol):
        target = _slot(array, index, 2 * count)
        target[0::2], target[1::2] = first, second
        return
    half = count // 2
    for part in (0, 1):
        order = [lane for j in range(part * half, (part + 1) * half) for lane in (j, j + count)]
        array.write(index + part * count, _shuffle(array.b, first.v, second.v, order))


def scalar_name(array: Any) -> str:
    """Return the name of the dtype of `array`, inside a codelet."""
    name: str = array.name if isinstance(array, ArraySymbol) else array.dtype.name
    return name


def _slot(array: Any, index: Any, count: int) -> np.ndarray:
    """Return the interpreted elements ``[index, index + count)``, refusing what lies outside."""
    if isinstance(array, _View):
        array, index = array.array, index + array.offset
    if index < 0 or index + count > array.size:
        raise IndexError("lane vector out of bounds")
    part: np.ndarray = array[index : index + count]
    return part


def cursor(array: Any, index: Any) -> Any:
    """Return `array` seen from `index` on: a pointer that several offsets share."""
    if isinstance(array, ArraySymbol):
        return ArraySymbol(array.b, array.name, array.at(index))
    if isinstance(array, _View):
        return _View(array.array, array.offset + index)
    return _View(array, index)


def load(array: Any, index: Any) -> Any:
    """Return the lane vector at ``array[index : index + L]``."""
    count = width(array)
    if isinstance(array, ArraySymbol):
        return LaneSymbol(array.b, array.read(index, count))
    return _slot(array, index, count).copy()


def store(array: Any, index: Any, value: Any) -> None:
    """Write the lane vector `value` to ``array[index : index + L]``."""
    if isinstance(array, ArraySymbol):
        array.write(index, value.v)
    else:
        _slot(array, index, width(array))[:] = value


def _converted(builder: ir.IRBuilder, value: ir.Value, elem: ir.Type) -> ir.Value:
    """Return a vector with its elements in another floating-point type."""
    if value.type.element == elem:
        return value
    kind = ir.VectorType(elem, value.type.count)
    return builder.fpext(value, kind) if isinstance(elem, ir.DoubleType) else builder.fptrunc(value, kind)


def load_as(array: Any, index: Any, like: Any) -> Any:
    """Return as many elements of `array` as a vector of the dtype of `like` has, converted to that."""
    count = width(like)
    if isinstance(array, ArraySymbol):
        return LaneSymbol(array.b, _converted(array.b, array.read(index, count), like.elem))
    return _slot(array, index, count).astype(like.dtype)


def store_as(array: Any, index: Any, value: Any) -> None:
    """Write a vector of any dtype to ``array[index:]``, converted."""
    if isinstance(array, ArraySymbol):
        array.write(index, _converted(array.b, value.v, array.elem))
    else:
        _slot(array, index, value.size)[:] = value


def splat(array: Any, index: Any, *, constant: bool = False) -> Any:
    """Return the scalar ``array[index]`` in every lane.

    `constant` promises that nothing is ever written there, so that a loop need not read it again.
    """
    count = width(array)
    if isinstance(array, ArraySymbol):
        scalar = array.read(index, 1)
        if constant:
            scalar.set_metadata("invariant.load", array.b.module.add_metadata([]))
        return LaneSymbol(array.b, broadcast(array.b, scalar, count))
    return np.full(count, _slot(array, index, 1)[0])


def zero(array: Any, value: float = 0.0) -> Any:
    """Return a lane vector of the dtype of `array` with `value` in every lane."""
    count = width(array)
    if isinstance(array, ArraySymbol):
        return LaneSymbol(array.b, ir.Constant(ir.VectorType(array.elem, count), [float(value)] * count))
    return np.full(count, value, dtype=array.dtype)


def fma(a: Any, b: Any, c: Any) -> Any:
    """Return ``a * b + c`` rounded once (interpreted: twice)."""
    if isinstance(a, LaneSymbol):
        return a._call("fma", b, c)
    return a * b + c


def vmax(a: Any, b: Any) -> Any:
    """Return the larger of each lane; NaN where either is NaN."""
    if isinstance(a, LaneSymbol):
        raw = a._raw(b)
        # (a > b or a is NaN) ? a : b  — one compare and one blend; a NaN in b compares false and is taken.
        take_a = a.b.fcmp_unordered("!=", a.v, a.v)
        take_a = a.b.or_(take_a, a.b.fcmp_ordered(">", a.v, raw))
        return a._new(a.b.select(take_a, a.v, raw))
    return np.maximum(a, b)


def vsqrt(a: Any) -> Any:
    """Return the square root of each lane."""
    return a._call("sqrt") if isinstance(a, LaneSymbol) else np.sqrt(a)


def select_less(a: Any, b: Any, if_less: Any, otherwise: Any) -> Any:
    """Return ``if_less`` where ``a < b``, else ``otherwise``, lane by lane."""
    if isinstance(a, LaneSymbol):
        less = a.b.fcmp_ordered("<", a.v, a._raw(b))
        return a._new(a.b.select(less, a._raw(if_less), a._raw(otherwise)))
    return np.where(a < b, if_less, otherwise).astype(a.dtype)


def imin(a: Any, b: Any) -> Any:
    """Return the smaller of two integers."""
    if isinstance(a, IntSymbol) or isinstance(b, IntSymbol):
        symbol = a if isinstance(a, IntSymbol) else b
        left, right = symbol._raw(a), symbol._raw(b)
        return IntSymbol(symbol.b, symbol.b.select(symbol.b.icmp_signed("<", left, right), left, right))
    return min(a, b)


def cmul(ar: Any, ai: Any, br: Any, bi: Any) -> tuple[Any, Any]:
    """Return the complex product ``(ar + i ai)(br + i bi)``: two multiplications, two fused multiply-adds."""
    return fma(ar, br, -(ai * bi)), fma(ar, bi, ai * br)


def frexp_sqrt2(x: Any) -> tuple[Any, Any]:
    """Return ``(m, e)`` with ``x = m * 2**e`` and ``sqrt(1/2) <= m < sqrt(2)``, for normal positive finite x.

    Both are lane vectors. Subtracting the bits of sqrt(1/2) before the shift puts the fraction's range where the
    logarithm's series converges fastest.
    """
    if not isinstance(x, LaneSymbol):
        m, e = np.frexp(x)
        low = m < x.dtype.type(np.sqrt(0.5))
        return np.where(low, m * 2, m).astype(x.dtype), (e - low).astype(x.dtype)
    builder, kind = x.b, x.v.type
    single = isinstance(kind.element, ir.FloatType)
    width, fraction = (32, 23) if single else (64, 52)
    half = int(np.float32(np.sqrt(0.5)).view(np.int32)) if single else int(np.float64(np.sqrt(0.5)).view(np.int64))
    integers = ir.VectorType(ir.IntType(width), kind.count)

    def constant(value: int) -> ir.Constant:
        return ir.Constant(integers, [value] * kind.count)

    bits = builder.bitcast(x.v, integers)
    exponent = builder.ashr(builder.sub(bits, constant(half)), constant(fraction))
    mantissa = builder.bitcast(builder.sub(bits, builder.shl(exponent, constant(fraction))), kind)
    return LaneSymbol(builder, mantissa), LaneSymbol(builder, builder.sitofp(exponent, kind))


def load_tile(array: Any, index: Any, stride: Any, weights: Any, at: Any) -> list[Any]:
    """Gather four consecutive samples of L frames, weighted, as four lane vectors (a transposition).

    Frame ``l`` starts at ``array[index + l * stride]``; sample ``j`` is multiplied by ``weights[at + j]``.
    """
    count = width(array)
    if not isinstance(array, ArraySymbol):
        rows = np.stack([_slot(array, index + lane * stride, 4) for lane in range(count)])
        return list((rows * _slot(weights, at, 4)).T.copy())
    b = array.b
    quads = []
    here = array
    for lane in range(count):
        if lane % 4 == 0:
            here = cursor(array, index + stride * lane if lane else index)
        quads.append(here.read(stride * (lane % 4) if lane % 4 else 0, 4))
    # Frames l, l + 4, l + 8 … share a register, each in a quarter of its own.
    window = weights.read(at, 4)
    while window.type.count < count:
        window = _join(b, window, window)
    joined = []
    for lane in range(4):
        parts = quads[lane::4]
        while len(parts) > 1:
            parts = [_join(b, parts[i], parts[i + 1]) for i in range(0, len(parts), 2)]
        joined.append(b.fmul(parts[0], window))
    if array.name == "float32":
        # Two interleavings within every quarter: samples 0 1 and 2 3 of frames in pairs, then of all four.
        low, high = _quarters(count, [0, count, 1, count + 1]), _quarters(count, [2, count + 2, 3, count + 3])
        pairs = [
            (_shuffle(b, joined[i], joined[i + 1], low), _shuffle(b, joined[i], joined[i + 1], high)) for i in (0, 2)
        ]
        first, second = _quarters(count, [0, 1, count, count + 1]), _quarters(count, [2, 3, count + 2, count + 3])
        merged = [(0, first), (0, second), (1, first), (1, second)]
        return [LaneSymbol(b, _shuffle(b, pairs[0][part], pairs[1][part], order)) for part, order in merged]
    low, high = _quarters(count, [0, count, 2, count + 2]), _quarters(count, [1, count + 1, 3, count + 3])
    both = [[_shuffle(b, joined[i], joined[i + 1], order) for order in (low, high)] for i in (0, 2)]
    first, second = _quarters(count, [0, 1, count, count + 1]), _quarters(count, [2, 3, count + 2, count + 3])
    merged = [(0, first), (1, first), (0, second), (1, second)]
    return [LaneSymbol(b, _shuffle(b, both[0][part], both[1][part], order)) for part, order in merged]
