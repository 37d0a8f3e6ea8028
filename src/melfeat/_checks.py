"""Checks of single arguments: each returns the value in its plain Python type or raises `ParameterError`."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from typing import Any

from .errors import ParameterError

__all__ = ["check_bool", "check_choice", "check_float", "check_int"]


def _range_text(low: float | None, high: float | None, *, strict: bool = False) -> str:
    less = "<" if strict else "<="
    if low is not None and high is not None:
        return f" with {low:g} {less} value <= {high:g}"
    if low is not None:
        return f" {'>' if strict else '>='} {low:g}"
    if high is not None:
        return f" <= {high:g}"
    return ""


def check_int(
    name: str,
    value: Any,
    *,
    low: int | None = None,
    high: int | None = None,
    unit: str = "",
    remedy: str = "",
) -> int:
    """Return `value` as an ``int`` in ``[low, high]``; floats, booleans and strings are refused."""
    suffix = f" [{unit}]" if unit else ""
    tail = f"; {remedy}" if remedy else ""
    expected = f"expected an integer{_range_text(low, high)}{suffix}{tail}"
    try:
        number = operator.index(value)
    except TypeError:
        raise ParameterError(f"{name}={value!r}: {expected}") from None
    if number.bit_length() > 63:  # not even the message may write it: Python refuses numbers of 4300 digits
        raise ParameterError(f"{name} is an integer of {number.bit_length()} bits: {expected}")
    if isinstance(value, bool) or (low is not None and number < low) or (high is not None and number > high):
        raise ParameterError(f"{name}={value!r}: {expected}")
    return number


def check_float(
    name: str,
    value: Any,
    *,
    low: float | None = None,
    high: float | None = None,
    strict: bool = False,
    unit: str = "",
    remedy: str = "",
) -> float:
    """Return `value` as a finite ``float`` in ``[low, high]`` (``(low, high]`` if `strict`)."""
    suffix = f" [{unit}]" if unit else ""
    tail = f"; {remedy}" if remedy else ""
    expected = f"expected a finite number{_range_text(low, high, strict=strict)}{suffix}{tail}"
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ParameterError(f"{name}={value!r}: {expected}") from None
    too_low = low is not None and (number <= low if strict else number < low)
    if not math.isfinite(number) or too_low or (high is not None and number > high):
        raise ParameterError(f"{name}={value!r}: {expected}")
    return number


def check_bool(name: str, value: Any) -> bool:
    """Return `value` as a ``bool``; only real booleans (and NumPy's) and 0/1 are taken."""
    if value is True or value is False:
        return bool(value)
    try:
        if value in (0, 1):
            return bool(value)
    except (TypeError, ValueError):
        pass
    raise ParameterError(f"{name}={value!r}: expected True or False")


def check_choice(name: str, value: Any, choices: Iterable[Any]) -> Any:
    """Return `value` if it is one of `choices`."""
    options = list(choices)
    for option in options:
        if type(value) is type(option) and value == option:
            return option
    listed = ", ".join(repr(option) for option in options)
    raise ParameterError(f"{name}={value!r}: expected one of {listed}")
