"""The other end of `_local`: a process that takes calls from its standard input until that ends."""

from __future__ import annotations

import os
import pickle
import queue
import struct
import threading
from typing import Any

__all__ = ["LENGTH", "main", "read_message"]

LENGTH = struct.Struct("<Q")


def read_message(file: Any) -> bytes | None:
    """Return the next message of an unbuffered or buffered file, None at its end."""
    head = file.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    size = LENGTH.unpack(head)[0]
    body = file.read(size)
    return body if len(body) == size else None


def _answer(message: bytes) -> bytes:
    try:
        function, arguments = pickle.loads(message)
        result = True, function(*arguments)
    except Exception as error:
        result = False, error
    try:
        return pickle.dumps(result)
    except Exception:  # an exception of another package that cannot be sent
        return pickle.dumps((False, RuntimeError(f"{type(result[1]).__name__}: {result[1]}")))


def main() -> None:
    """Answer calls. When whoever asks is gone, stop at once, in the middle of a call too."""
    calls = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not get among the answers
    messages: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def listen() -> None:
        while (message := read_message(calls)) is not None:
            messages.put(message)
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    while True:
        body = _answer(messages.get())
        answers.write(LENGTH.pack(len(body)) + body)
        answers.flush()
