"""Refuses to be imported where NumPy and Numba do not work: in a subinterpreter."""

from __future__ import annotations

from importlib import import_module

from .errors import SubinterpreterError

__all__ = ["is_subinterpreter", "refuse_subinterpreter"]


def is_subinterpreter() -> bool:
    """Return whether this is another interpreter than the process's first one; False where Python cannot tell."""
    for name in ("_interpreters", "_xxsubinterpreters"):  # since Python 3.13, and before
        try:
            known = import_module(name)
            return bool(known.get_current() != known.get_main())
        except (ImportError, AttributeError):
            continue
    return False


def refuse_subinterpreter() -> None:
    """Raise in a subinterpreter, in which Numba's first compilation waits for ever (Python 3.11) or NumPy fails."""
    if is_subinterpreter():
        raise SubinterpreterError(
            "melfeat works in the main interpreter of a process only, because NumPy and Numba do: use processes "
            "(concurrent.futures.ProcessPoolExecutor) or threads instead of subinterpreters; under mod_wsgi, set "
            "WSGIApplicationGroup %{GLOBAL}"
        )
