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

import contextlib
import hashlib
import os
import pickle
import stat
import sys
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
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target
from numba.core.runtime import rtsys

from .._forks import hold_during_forks

__all__ = [
    "JIT_DISABLED",
    "KERNELS",
    "Entry",
    "cache_folders",
    "cached_kernels",
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
    """Yield ``(name, source)`` of every file of the kernels package; works in a zip archive too.

    Where an installation has compiled files only (``compileall -b``), those are the sources.
    """
    from importlib.resources import files

    entries = sorted(files(__package__).iterdir(), key=lambda item: item.name)
    for suffix in (".py", ".pyc"):
        found = [entry for entry in entries if entry.name.endswith(suffix)]
        if found:
            yield from ((entry.name, entry.read_bytes()) for entry in found)
            return
    raise FileNotFoundError(f"no sources of {__package__}")  # nothing to tell versions apart by: no cache


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
    xdg = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(xdg):  # others are to be ignored, says the standard
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
        # Not tempfile.gettempdir(): that fails where nothing can be written, and falls back to the current folder.
        temporary = next(filter(os.path.isabs, map(os.environ.get, ("TMPDIR", "TEMP", "TMP"), [""] * 3)), "/tmp")
        folders.append(Path(temporary) / f"melfeat-{os.getuid()}" / tail)
    return tuple(folders)


@lru_cache(maxsize=1)
def _trusted_owners() -> frozenset[int]:
    """Return who may have written what is run here: root, this user, and the owner of this very file."""
    owners = {0, os.geteuid()}
    with contextlib.suppress(OSError):  # in a zip archive there is no such file
        owners.add(os.stat(__file__).st_uid)
    return frozenset(owners)


def _is_trusted(info: os.stat_result) -> bool:
    """Return whether nobody else can have written a folder or file: unpickling runs code."""
    if not hasattr(os, "geteuid"):
        return True
    return info.st_uid in _trusted_owners() and not info.st_mode & stat.S_IWOTH


def _make_writable(folder: Path) -> bool:
    """Create `folder` with its parents, and return whether it can be trusted and written to.

    It is as readable as the package is: what root compiled while an image was built serves every user of it.
    """
    try:
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        info = os.stat(folder)
    except OSError:
        return False
    return _is_trusted(info) and os.access(folder, os.W_OK | os.X_OK)


def _read_trusted(file: Path) -> bytes:
    """Return the content of a file in a cache folder; OSError if it is not there or not to be trusted."""
    if not _is_trusted(os.stat(file.parent)):
        raise PermissionError(f"{file.parent} belongs to somebody else")
    with open(file, "rb") as stream:
        # The open file is asked, not its name, which could mean another one by now.
        if not _is_trusted(os.fstat(stream.fileno())):
            raise PermissionError(f"{file} belongs to somebody else")
        return stream.read()


def writable_cache_folder() -> Path | None:
    """Return the folder that new kernels are saved to, or None if there is none."""
    return next((folder for folder in cache_folders() if _make_writable(folder)), None)


def _short_digest(value: object, length: int) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()[:length]


def _file_suffix(processor: object) -> str:
    return f"-{_short_digest(processor, 8)}.kernel"


def cached_kernels() -> tuple[int, int]:
    """Return how many compiled kernels the cache holds for this processor, and how many for others."""
    suffix = _file_suffix(cpu_target.target_context.codegen().magic_tuple())
    names = []
    for folder in cache_folders():
        with contextlib.suppress(OSError):
            if _is_trusted(os.stat(folder)):
                names += [name for name in os.listdir(folder) if name.endswith(".kernel")]
    ours = sum(name.endswith(suffix) for name in names)
    return ours, len(names) - ours


class _Store:
    """One file per compiled kernel, signature and processor: a checksum, then the pickled code."""

    def __init__(self, name: str) -> None:
        self._name = name

    def _file(self, folder: Path, key: tuple[object, object]) -> Path:
        return folder / f"{self._name}-{_short_digest(key[0], 24)}{_file_suffix(key[1])}"

    def load(self, key: tuple[object, object]) -> Any:
        for folder in cache_folders():
            try:
                blob = _read_trusted(self._file(folder, key))
            except OSError:
                continue
            if hashlib.sha256(blob[32:]).digest() == blob[:32]:
                return pickle.loads(blob[32:])
        return None

    def save(self, key: tuple[object, object], payload: Any) -> None:
        body = numba.core.serialize.dumps(payload)
        for folder in cache_folders():
            if not _make_writable(folder):
                continue
            target = self._file(folder, key)
            beside = target.with_suffix(f".{uuid.uuid4().hex[:12]}.tmp")
            try:
                beside.write_bytes(hashlib.sha256(body).digest() + body)
                os.replace(beside, target)
                return
            except OSError:
                continue
            finally:
                with contextlib.suppress(OSError):  # renamed, if all is well
                    beside.unlink()

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
        return (str(sig), self._py_func.__module__, self._py_func.__qualname__), codegen.magic_tuple()

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
        _ENTRIES.append(self)

    def __call__(self, *args: Any) -> int:
        return self.func(*args)

    def address(self, dtype: str) -> int:
        """Return the address for ``float32`` or ``float64``, compiling it if need be (interpreted: a number)."""
        if JIT_DISABLED:
            return _ENTRIES.index(self)
        with _entry_lock:
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
_entry_lock = threading.RLock()


hold_during_forks(_entry_lock, global_compiler_lock)


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
