"""The lane vector: one register that holds the same sample, bin or band of `L` consecutive frames.

A `codelet` is a straight-line piece of lane arithmetic written once, as plain Python on values:

* under the JIT it is *traced*: called once per specialisation with symbols instead of numbers, each operation emitting
  one LLVM vector instruction. Python loops and lists inside a codelet are thereby unrolled, constants folded;
* with ``NUMBA_DISABLE_JIT=1`` it simply runs, and a lane vector is a slice of a NumPy array.

Loops with run-time bounds stay outside, in kernels. The words a codelet is written in are those of `_lanes`.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from llvmlite import ir
from numba.core import types
from numba.core.typing import signature
from numba.extending import intrinsic, models, register_model

from ._jit import JIT_DISABLED, entry_at
from ._lanes import INT64, LANES, ArraySymbol, IntSymbol, LaneSymbol, broadcast, width

__all__ = ["codelet", "fetch_add", "invoke7", "invoke8", "invoke10", "lanes", "part", "peek", "raw"]

F = TypeVar("F", bound=Callable[..., Any])


class LaneType(types.Type):
    """The type of a lane vector of `elem` in Numba's type system."""

    def __init__(self, elem: types.Float) -> None:
        self.elem = elem
        self.count = LANES[elem.name]
        super().__init__(name=f"Lanes({elem.name} x {self.count})")


@register_model(LaneType)
class _LaneModel(models.PrimitiveModel):
    def __init__(self, manager: Any, lane_type: LaneType) -> None:
        elem = manager.lookup(lane_type.elem).get_value_type()
        super().__init__(manager, lane_type, ir.VectorType(elem, lane_type.count))


# ---------------------------------------------------------------------------------------------------------------------
# The decorator
# ---------------------------------------------------------------------------------------------------------------------


def _symbol(context: Any, builder: ir.IRBuilder, kind: Any, value: ir.Value, elem: Any) -> Any:
    if isinstance(kind, types.CPointer):
        return ArraySymbol(builder, kind.dtype.name, value)
    if isinstance(kind, types.Array):
        return ArraySymbol(builder, kind.dtype.name, context.make_array(kind)(context, builder, value).data)
    if isinstance(kind, LaneType):
        return LaneSymbol(builder, value)
    if isinstance(kind, types.Integer):
        return IntSymbol(builder, context.cast(builder, value, kind, types.int64))
    scalar = context.cast(builder, value, kind, elem)
    return LaneSymbol(builder, broadcast(builder, scalar, LANES[elem.name]))


def codelet(returns: int = 0) -> Callable[[F], F]:
    """Make a function on lane values callable from kernels; it returns `returns` lane vectors (1: bare, else a tuple).

    The first array argument fixes the dtype. Arguments are arrays, integers, floats (broadcast) and lane vectors.
    """

    def decorate(func: F) -> F:
        if JIT_DISABLED:
            return func

        def typed(typingctx: Any, *args: Any) -> Any:
            elem = next(arg.dtype for arg in args if isinstance(arg, (types.Array, types.CPointer)))
            lane_type = LaneType(elem)
            result = types.none if returns == 0 else lane_type if returns == 1 else types.UniTuple(lane_type, returns)

            def generate(context: Any, builder: ir.IRBuilder, sig: Any, values: Any) -> Any:
                symbols = [
                    _symbol(context, builder, kind, value, elem) for kind, value in zip(sig.args, values, strict=True)
                ]
                produced = func(*symbols)
                if returns == 0:
                    return context.get_dummy_value()
                if returns == 1:
                    return produced.v
                return context.make_tuple(builder, sig.return_type, [lane.v for lane in produced])

            return signature(result, *args), generate

        parameters = list(inspect.signature(func).parameters.values())
        first = inspect.Parameter("typingctx", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        typed.__signature__ = inspect.Signature([first, *parameters])  # type: ignore[attr-defined]
        typed.__name__, typed.__qualname__ = func.__name__, func.__qualname__
        typed.__module__, typed.__doc__ = func.__module__, func.__doc__
        return intrinsic(typed)  # type: ignore[no-any-return]

    return decorate


def _lanes(array: Any) -> Any:
    """Return the number of lanes of the dtype of `array`, a constant under the JIT."""
    return width(array)


def _traced_lanes(typingctx: Any, array: Any) -> Any:
    def generate(context: Any, builder: ir.IRBuilder, sig: Any, values: Any) -> Any:
        return ir.Constant(INT64, LANES[array.dtype.name])

    return signature(types.int64, array), generate


def _raw(array: Any) -> Any:
    """Return the bare pointer to the data of `array`: no reference counts, one register instead of seven.

    Interpreted, it is the array itself, flat.
    """
    return array.reshape(-1)


def _traced_raw(typingctx: Any, array: Any) -> Any:
    def generate(context: Any, builder: ir.IRBuilder, sig: Any, values: Any) -> Any:
        return context.make_array(array)(context, builder, values[0]).data

    return signature(types.CPointer(array.dtype), array), generate


def _peek(array: Any, index: Any) -> Any:
    """Return ``array[index]`` of an integer array or the pointer to one."""
    return int(array[index])


def _traced_peek(typingctx: Any, array: Any, index: Any) -> Any:
    def generate(context: Any, builder: ir.IRBuilder, sig: Any, values: Any) -> Any:
        data = values[0]
        if isinstance(array, types.Array):
            data = context.make_array(array)(context, builder, data).data
        return builder.load(builder.gep(data, [context.cast(builder, values[1], index, types.int64)]))

    return signature(types.int64, array, index), generate


def _part(array: Any, offset: Any) -> Any:
    """Return the bare pointer to ``array[offset]``; interpreted, the flat array from there on."""
    return array.reshape(-1)[offset:]


def _traced_part(typingctx: Any, array: Any, offset: Any) -> Any:
    def generate(context: Any, builder: ir.IRBuilder, sig: Any, values: Any) -> Any:
        data = values[0]
        if isinstance(array, types.Array):
            data = context.make_array(array)(context, builder, data).data
        return builder.gep(data, [context.cast(builder, values[1], offset, types.int64)])

    return signature(types.CPointer(array.dtype), array, offset), generate


_one_at_a_time = threading.Lock()


def _fetch_add(array: Any, index: Any, amount: Any) -> Any:
    """Add `amount` to ``array[index]`` of an int64 array, whatever other threads do, and return what was there."""
    with _one_at_a_time:
        before = int(array[index])
        array[index] = before + amount
    return before


def _traced_fetch_add(typingctx: Any, array: Any, index: Any, amount: Any) -> Any:
    def generate(context: Any, builder: ir.IRBuilder, sig: Any, values: Any) -> Any:
        data = context.make_array(array)(context, builder, values[0]).data
        target = builder.gep(data, [context.cast(builder, values[1], index, types.int64)])
        return builder.atomic_rmw("add", target, context.cast(builder, values[2], amount, types.int64), "seq_cst")

    return signature(types.int64, array, index, amount), generate


def _make_invoke(n_args: int) -> Callable[..., int]:
    """Return ``invoke(address, *args)`` for `n_args` arguments: call an `entry` by its address."""
    if JIT_DISABLED:
        return lambda address, *args: entry_at(int(address))(*args)

    def typed(typingctx: Any, address: Any, *args: Any) -> Any:
        kinds = [types.int64 if isinstance(arg, types.Integer) else arg for arg in args]

        def generate(context: Any, builder: ir.IRBuilder, sig: Any, values: Any) -> Any:
            raws = [
                context.cast(builder, value, old, new) for value, old, new in zip(values[1:], args, kinds, strict=True)
            ]
            kind = ir.FunctionType(INT64, [value.type for value in raws])
            return builder.call(builder.inttoptr(values[0], kind.as_pointer()), raws)

        return signature(types.int64, types.int64, *args), generate

    names = ["typingctx", "address", *(f"a{i}" for i in range(n_args))]
    parameters = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in names]
    typed.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return intrinsic(typed)  # type: ignore[no-any-return]


#: Calls of entries by address, by number of arguments.
invoke7, invoke8, invoke10 = (_make_invoke(n) for n in (7, 8, 10))

lanes: Callable[[Any], int] = _lanes if JIT_DISABLED else intrinsic(_traced_lanes)
raw: Callable[[Any], Any] = _raw if JIT_DISABLED else intrinsic(_traced_raw)
peek: Callable[[Any, Any], int] = _peek if JIT_DISABLED else intrinsic(_traced_peek)
part: Callable[[Any, Any], Any] = _part if JIT_DISABLED else intrinsic(_traced_part)
fetch_add: Callable[[Any, Any, Any], int] = _fetch_add if JIT_DISABLED else intrinsic(_traced_fetch_add)
