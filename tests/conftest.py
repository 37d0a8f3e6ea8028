"""What all tests share: a seeded generator, both dtypes, the folder of real recordings, hypothesis profiles."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

os.environ.setdefault("MPLBACKEND", "Agg")

# Compiling on first call makes every deadline meaningless.
settings.register_profile("dev", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


def pytest_configure(config: pytest.Config) -> None:
    # A shell starts what runs in the background with Ctrl-C ignored, and so would be every process started from here.
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL)):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, handler)
    config.addinivalue_line("markers", "kernels: in a file that imports melfeat.kernels; repeated without JIT")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    uses_kernels: dict[Path, bool] = {}
    for item in items:
        if item.path not in uses_kernels:
            text = item.path.read_text(encoding="utf-8")
            uses_kernels[item.path] = bool(
                re.search(r"from melfeat\.kernels(?! import _jit$|\._jit)", text, re.MULTILINE)
            )
        if uses_kernels[item.path]:
            item.add_marker("kernels")


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator with the same seed in every test."""
    return np.random.default_rng(20240117)


@pytest.fixture(params=[np.float32, np.float64], ids=["float32", "float64"])
def dtype(request: pytest.FixtureRequest) -> np.dtype:
    """Both dtypes, one after the other."""
    return np.dtype(request.param)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real recordings, beside the project or where MELFEAT_SHARED says; skips where there is none."""
    folder = Path(os.environ.get("MELFEAT_SHARED", Path(__file__).parents[2] / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip("real recordings (../shared/data) are not here")
    return folder


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with the kernels that tests/hostile needs, compiled by a process in which every warning is an error."""
    from tests.places import work

    folder: Path = tmp_path_factory.mktemp("warm")
    assert work(MELFEAT_CACHE_DIR=folder, options=("-W", "error"))["compiled"] > 0
    assert work(MELFEAT_CACHE_DIR=folder)["compiled"] == 0
    return folder
