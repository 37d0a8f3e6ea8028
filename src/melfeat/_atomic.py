"""Writing files that are either complete or not there: write beside the target, then rename."""

from __future__ import annotations

import contextlib
import os
import stat
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

__all__ = ["open_atomic"]


def _is_special(path: Path) -> bool:
    """Return whether `path` is a device or a pipe, such as /dev/null, which must be written to and never replaced."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


@contextlib.contextmanager
def open_atomic(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a new binary file beside `path`; when the block ends well it becomes `path`, else it is removed.

    At no moment does `path` hold half of the data: not after an exception, a full disk or a killed process. What was
    there before stays until the very end. A symbolic link keeps pointing where it points; an existing file's
    permissions are kept.

    Raises
    ------
    OSError
        If the folder is missing or not writable, `path` is a folder, or there is no room; it names `path`.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(f"{os.fspath(path)}: is a folder, expected a file name")
    if _is_special(target):
        with open(target, "wb") as device:
            yield device
        return

    beside = target.with_name(f".melfeat-{uuid.uuid4().hex[:12]}.part")
    try:
        stream = open(beside, "x+b")  # noqa: SIM115 - closed below, before the rename
    except OSError as error:
        error.filename = os.fspath(path)  # the user knows this name, not ours
        raise
    try:
        with stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())  # or a crash soon after the rename could leave an empty file
        with contextlib.suppress(OSError):
            os.chmod(beside, stat.S_IMODE(target.stat().st_mode))
        os.replace(beside, target)
    except BaseException as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        if isinstance(error, OSError) and error.filename in (None, str(beside), os.fspath(beside)):
            error.filename = os.fspath(path)
            error.filename2 = None
        raise
