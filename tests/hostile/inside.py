"""Import melfeat in a subinterpreter, by whatever interface this Python has; prints what happened there."""

from __future__ import annotations

import sys

CODE = f"""
import sys
sys.path[:] = {sys.path!r}
try:
    import melfeat
    print("imported")
except ImportError as error:
    print(type(error).__name__, error)
"""

try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters

own = interpreters.create()
run = getattr(interpreters, "exec", None) or interpreters.run_string
run(own, CODE)
