"""The bundled recording, and `melfeat demo`: MFCCs of real sound in one command."""

from __future__ import annotations

import atexit
import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import lru_cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np

from . import __version__
from ._atomic import open_atomic
from .errors import MissingExtraError
from .feature import melspectrogram, mfcc
from .io import load
from .spectrum import power_to_db

__all__ = ["demo_path", "run_demo"]

PICTURE = "melfeat-demo.png"
ROWS_SHOWN = 6


@lru_cache(maxsize=1)
def _demo_file() -> Path:
    recording = files(__package__) / "data" / "demo.flac"
    if isinstance(recording, Path):
        return recording
    unpacked = ExitStack()  # the package is in an archive: a copy in a temporary folder, until the process ends
    atexit.register(unpacked.close)
    return unpacked.enter_context(as_file(recording))


def demo_path() -> Path:
    """Return the path of the bundled recording: five seconds of synthetic speech, 22050 Hz, mono, FLAC.

    Returns
    -------
    path : pathlib.Path
        A file inside the installed package, or a copy if that is in a zip archive; do not write to it.

    Examples
    --------
    >>> import melfeat
    >>> y, sr = melfeat.load(melfeat.demo_path())
    >>> y.shape, sr
    ((110250,), 22050)
    """
    return _demo_file()


def _seconds(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _best_seconds(call: Callable[[], Any]) -> float:
    """Return the shortest of up to 50 calls, trying for at most a third of a second."""
    best = _seconds(call)
    end = time.perf_counter() + 0.33
    for _ in range(49):
        if time.perf_counter() > end:
            break
        best = min(best, _seconds(call))
    return best


def _folder_for_picture() -> Path:
    """Return the current folder if it can be written, else the system's temporary folder."""
    here = Path.cwd()
    return here if os.access(here, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())


def _table(coefficients: np.ndarray) -> str:
    lines = ["coefficient      mean       std       min       max"]
    for k, row in enumerate(coefficients[:ROWS_SHOWN]):
        numbers = "".join(f"{float(value):10.2f}" for value in (row.mean(), row.std(), row.min(), row.max()))
        lines.append(f"{k:11d}{numbers}")
    return "\n".join(lines)


def _draw(y: np.ndarray, sr: float, coefficients: np.ndarray, target: Path) -> None:
    """Draw waveform, log-mel spectrogram and MFCCs into a PNG; without pyplot, so no screen and no state is touched."""
    from .display import _require_matplotlib, specshow

    _require_matplotlib()
    from matplotlib.figure import Figure

    level = power_to_db(melspectrogram(y, sr), ref=np.max)
    figure = Figure(figsize=(10, 7.5), dpi=110, layout="constrained")
    wave, mel, cepstrum = figure.subplots(3, 1, sharex=True, height_ratios=[1, 2.4, 2.4])

    wave.plot(np.arange(y.size) / sr, y, linewidth=0.4, color="#3b528b")
    wave.set(ylabel="amplitude", ylim=(-0.75, 0.75), yticks=(-0.5, 0, 0.5))
    wave.set_title(f"{y.size / sr:g} s of synthetic speech, {sr:g} Hz", fontsize=11)

    mesh = specshow(level, sr=sr, y_axis="mel", ax=mel)
    figure.colorbar(mesh, ax=mel, pad=0.01, label="level [dB re peak]")
    mel.set_title(f"log-mel spectrogram, {level.shape[0]} bands", fontsize=11)
    mel.set_xlabel("")

    # Coefficient 0 is the level, hundreds below the others: on the same colours it would hide them.
    rest = coefficients[1:]
    limit = float(np.percentile(np.abs(rest), 95))
    mesh = specshow(rest, sr=sr, y_axis="coeff", first_row=1, vmin=-limit, vmax=limit, ax=cepstrum)
    figure.colorbar(mesh, ax=cepstrum, pad=0.01, label="value [dB]", extend="both")
    cepstrum.set_title(f"MFCC 1 to {len(rest)} (0, the level, is left out)", fontsize=11)
    cepstrum.set_yticks([1, *range(5, len(rest) + 1, 5)])
    wave.set_xlim(0, y.size / sr)
    figure.align_ylabels([wave, mel, cepstrum])

    with open_atomic(target) as stream:
        figure.savefig(stream, format="png")


def run_demo(folder: str | os.PathLike[str] | None = None) -> dict[str, Any]:
    """Compute MFCCs of the bundled recording, print what came out and draw it.

    Parameters
    ----------
    folder : path, optional
        Where to put the picture: an existing folder. If None, the current one, or the system's temporary folder if the
        current one cannot be written.

    Returns
    -------
    report : dict
        ``shape``, ``sr`` [Hz], ``first_call`` [s], ``repeated_call`` [s], and ``picture`` (a path, or None without
        matplotlib).

    Raises
    ------
    OSError
        If the picture cannot be written.

    Examples
    --------
    >>> from melfeat.demo import run_demo
    >>> report = run_demo(folder)  # doctest: +SKIP
    """
    target = Path(folder if folder is not None else _folder_for_picture()) / PICTURE
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{target.parent}: no such folder; create it first")

    y, sr = load(demo_path())
    first = _seconds(lambda: mfcc(y, sr))
    repeated = _best_seconds(lambda: mfcc(y, sr))
    coefficients = mfcc(y, sr)
    n_mfcc, n_frames = coefficients.shape

    print(f"melfeat {__version__}: {y.size / sr:g} s of synthetic speech at {sr:g} Hz")
    print()
    print(">>> y, sr = melfeat.load(melfeat.demo_path())")
    print(">>> melfeat.mfcc(y, sr).shape")
    print(f"({n_mfcc}, {n_frames})    # coefficients x frames, {coefficients.dtype}")
    print()
    print(_table(coefficients))
    print()
    print(f"first call     {1e3 * first:8.1f} ms  (loads the compiled kernels, or compiles them once)")
    print(f"repeated call  {1e3 * repeated:8.2f} ms  ({y.size / sr / repeated:,.0f} times faster than real time)")

    picture: Path | None = target.resolve()
    try:
        _draw(y, sr, coefficients, target)
        print(f"picture        {picture}")
    except MissingExtraError:
        picture = None
        print('for a picture of it: pip install "melfeat[display]"', file=sys.stderr)
    return {
        "shape": [n_mfcc, n_frames],
        "sr": sr,
        "first_call": first,
        "repeated_call": repeated,
        "picture": None if picture is None else str(picture),
    }
