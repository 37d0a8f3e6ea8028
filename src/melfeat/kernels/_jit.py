"""The one place that configures Numba: the `kernel` decorator and the cache of compiled kernels.

Why a cache of our own instead of ``cache=True``:

* Numba keys a cached kernel by the date of its own source file. Editing a kernel that it *calls* in another file leaves
  it on stale code, silently. Here the key is a digest of every kernel source (`source_digest`).
* Numba's index file can pair one process's entry with another's code when two processes compile at once. Here one
  file holds one kernel, with a checksum, written beside and renamed.
* A cache that cannot be written, a truncated file or a missing home directory must never stop the library: every
  failure here means "compile again", silently.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import stat
import sys
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import llvmlite
import numba
from numba.core import config
from numba.core.caching import CompileResultCacheImpl, FunctionCache
from numba.core.ccallback import CFunc
from numba.core.runtime import rtsys

__all__ = [
    "JIT_DISABLED",
    "KERNELS",
    "Entry",
    "cache_folders",
    "cpu_info",
    "entry",
    "entry_at",
    "kernel",
    "source_digest",
    "writable_cache_folder",
]

JIT_DISABLED = bool(config.DISABLE_JIT)

_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": False}

#: Every kernel by qualified name, in order of definition (dispatchers, or plain functions without the JIT).
KERNELS: dict[str, Any] = {}

F = TypeVar("F", bound=Callable[..., Any])


def _kernel_sources() -> Iterator[tuple[str, bytes]]:
    """Yield ``(name, source)`` of every file of the kernels package; works in a zip archive too."""
    from importlib.resources import files

    folder = files(__package__)
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        if entry.name.endswith(".py"):
            yield entry.name, entry.read_bytes()


@lru_cache(maxsize=1)
def source_digest() -> str:
    """Return a digest of all kernel sources, the JIT's options and the versions that shape the machine code."""
    digest = hashlib.sha256()
    versions = (numba.__version__, llvmlite.__version__, sys.implementation.cache_tag)
    switches = (sorted(_OPTIONS.items()), config.BOUNDSCHECK, str(config.OPT), os.environ.get("MELFEAT_VECTOR_BITS"))
    digest.update(repr((versions, switches)).encode())
    for name, source in _kernel_sources():
        digest.update(name.encode() + b"\0" + source + b"\0")
    return digest.hexdigest()[:16]


def _user_cache_root() -> Path | None:
    """Return the user's cache directory as the platform defines it, or None where there is no home."""
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return Path(local) if local else None
    if xdg := os.environ.get("XDG_CACHE_HOME"):
        return Path(xdg)
    try:
        home = Path.home()
    except (RuntimeError, OSError):
        return None
    if not home.is_dir():
        return None
    return home / "Library" / "Caches" if sys.platform == "darwin" else home / ".cache"


@lru_cache(maxsize=1)
def cache_folders() -> tuple[Path, ...]:
    """Return the folders that may hold compiled kernels, in order of preference.

    ``MELFEAT_CACHE_DIR`` or ``NUMBA_CACHE_DIR``, when set, is the only one. Otherwise: beside the installed kernels
    (so that ``melfeat warmup`` in an image build serves a read-only container), the user's cache, a private temporary
    folder.
    """
    tail = f"melfeat-{source_digest()}"
    for variable in ("MELFEAT_CACHE_DIR", "NUMBA_CACHE_DIR"):
        if chosen := os.environ.get(variable):
            return (Path(chosen) / tail,)
    folders = [Path(__file__).resolve().parent / "__pycache__" / tail]
    if (root := _user_cache_root()) is not None:
        folders.append(root / "melfeat" / tail)
    if hasattr(os, "getuid"):
        folders.append(Path(tempfile.gettempdir()) / f"melfeat-{os.getuid()}" / tail)
    return tuple(folders)


def _is_private(folder: Path) -> bool:
    """Return whether nobody but us and root can have written `folder`: unpickling runs code."""
    if not hasattr(os, "getuid"):
        return True
    try:
        info = os.stat(folder)
    except OSError:
        return False
    return info.st_uid in (0, os.getuid()) and not info.st_mode & stat.S_IWOTH


def _make_writable(folder: Path) -> bool:
    """Create `folder` with its parents, private to the user, and return whether files can be written there."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return False
    return _is_private(folder) and os.access(folder, os.W_OK | os.X_OK)


def writable_cache_folder() -> Path | None:
    """Return the folder that new kernels are saved to, or None if there is none."""
    return next((folder for folder in cache_folders() if _make_writable(folder)), None)


class _Store:
    """One file per compiled kernel and signature: a checksum, then the pickled code."""

    def __init__(self, name: str) -> None:
        self._name = name

    def _file(self, folder: Path, key: object) -> Path:
        return folder / f"{self._name}-{hashlib.sha256(repr(key).encode()).hexdigest()[:24]}.kernel"

    def load(self, key: object) -> Any:
        for folder in cache_folders():
            try:
                blob = self._file(folder, key).read_bytes()
            except OSError:
                continue
            if _is_private(folder) and hashlib.sha256(blob[32:]).digest() == blob[:32]:
                return pickle.loads(blob[32:])
        return None

    def save(self, key: object, payload: Any) -> None:
        body = numba.core.serialize.dumps(payload)
        for folder in cache_folders():
            if not _make_writable(folder):
                continue
            target = self._file(folder, key)
            beside = target.with_suffix(f".{uuid.uuid4().hex[:12]}.tmp")
            try:
                beside.write_bytes(hashlib.sha256(body).digest() + body)
                os.replace(beside, target)
            except OSError:
                beside.unlink(missing_ok=True)
                continue
            return

    def flush(self) -> None:
        """Part of Numba's interface; files of another digest are never read, so there is nothing to flush."""


class _KernelCache(FunctionCache):
    """Numba's function cache with our store and keys; any failure is a miss."""

    def __init__(self, py_func: Callable[..., Any]) -> None:
        # Not the base class's __init__: it looks for a writable folder of its own and raises where there is none.
        self._name = repr(py_func)
        self._py_func = py_func
        self._impl = object.__new__(CompileResultCacheImpl)
        self._cache_path = str(cache_folders()[0])
        self._cache_file = _Store(f"{py_func.__module__.rpartition('.')[2]}.{py_func.__qualname__}")
        self.enable()

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        # Sources are in the folder's digest, so the name stands for the code, closures included.
        return (str(sig), codegen.magic_tuple(), self._py_func.__module__, self._py_func.__qualname__)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        # Not target_context.refresh(), which Numba calls here: it loads what compiling needs, scipy.linalg included,
        # most of the start of a fresh process. Finished code needs the reference-counting runtime alone.
        try:
            rtsys.initialize(target_context)
            return self._load_overload(sig, target_context)
        except Exception:  # a foreign or damaged file: compile instead
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            if self._enabled and self._impl.check_cachable(data):
                self._cache_file.save(self._index_key(sig, data.codegen), self._impl.reduce(data))
        except Exception:  # no room, no rights, …: the kernel works all the same, uncached
            return


def kernel(func: F) -> F:
    """Compile `func` with melfeat's options on first call; without the JIT return it as it is."""
    name = f"{func.__module__}.{func.__qualname__}"
    if JIT_DISABLED:
        KERNELS[name] = func
        return func
    dispatcher = numba.njit(**_OPTIONS)(func)
    try:
        dispatcher._cache = _KernelCache(func)
    except Exception:  # another Numba with another inside: uncached is better than not at all
        pass
    KERNELS[name] = dispatcher
    return dispatcher


class Entry:
    """A kernel that others call by its address, compiled alone and only when a plan needs it.

    Numba links what a kernel calls into the caller and optimises it all again, level upon level; called by address, a
    kernel is optimised once. Arguments are bare pointers and integers, the result an integer.

    `pattern` has a letter per argument: ``f`` pointer to floats of the dtype, ``q`` pointer to int64, ``i`` int64.
    """

    def __init__(self, func: Callable[..., int], pattern: str) -> None:
        self.func, self.pattern = func, pattern
        self.compiled: dict[str, Any] = {}
        self._lock = threading.Lock()
        _ENTRIES.append(self)

    def __call__(self, *args: Any) -> int:
        return self.func(*args)

    def address(self, dtype: str) -> int:
        """Return the address for ``float32`` or ``float64``, compiling it if need be (interpreted: a number)."""
        if JIT_DISABLED:
            return _ENTRIES.index(self)
        with self._lock:
            if dtype not in self.compiled:
                self.compiled[dtype] = self._compile(dtype)
            return int(self.compiled[dtype].address)

    def _compile(self, dtype: str) -> Any:
        real = numba.core.types.CPointer(getattr(numba.core.types, dtype))
        kinds = {"f": real, "q": numba.core.types.CPointer(numba.core.types.int64), "i": numba.core.types.int64}
        signature = numba.core.types.int64(*(kinds[letter] for letter in self.pattern))
        options = {name: value for name, value in _OPTIONS.items() if name != "nogil"}
        compiled = CFunc(self.func, (signature.args, signature.return_type), {}, options)
        try:
            compiled._cache = _KernelCache(self.func)
        except Exception:
            pass
        compiled.compile()
        return compiled


_ENTRIES: list[Entry] = []


def entry(pattern: str) -> Callable[[Callable[..., int]], Entry]:
    """Make a function an `Entry` with the argument pattern given."""

    def decorate(func: Callable[..., int]) -> Entry:
        made = Entry(func, pattern)
        KERNELS[f"{func.__module__}.{func.__qualname__}"] = made
        return made

    return decorate


def entry_at(address: int) -> Entry:
    """Return the entry that an interpreted "address" stands for."""
    return _ENTRIES[address]


def cpu_info() -> dict[str, Any]:
    """Return the CPU as the compiler sees it: ``name``, ``features`` and the lanes of each dtype."""
    import llvmlite.binding as llvm

    from ._lanes import LANES

    features = sorted(name for name, present in llvm.get_host_cpu_features().items() if present)
    return {
        "name": llvm.get_host_cpu_name(),
        "features": features,
        "lanes32": LANES["float32"],
        "lanes64": LANES["float64"],
    }
