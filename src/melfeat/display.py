"""Drawing of spectrograms and coefficients with matplotlib, which the ``display`` extra brings."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np

from ._checks import check_choice, check_float, check_int
from .convert import hz_to_mel, mel_to_hz
from .errors import MissingExtraError, ParameterError

__all__ = ["specshow"]

XAxis = Literal["time", "frames"]
YAxis = Literal["mel", "linear", "coeff"]

_HZ_TICKS = (0, 250, 500, 1000, 2000, 4000, 8000, 16000, 32000, 64000)  # octaves: even steps to the ear


def _require_matplotlib() -> None:
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise MissingExtraError(
            'drawing needs matplotlib, which is not installed; get it with: pip install "melfeat[display]"'
        ) from None


def _mel_edges(n_bands: int, fmin: float, fmax: float, htk: bool) -> np.ndarray:
    """Return the ``n_bands + 1`` borders [Hz] between bands whose centres are evenly spaced in mel."""
    low, high = float(hz_to_mel(fmin, htk=htk)), float(hz_to_mel(fmax, htk=htk))
    step = (high - low) / (n_bands + 1)
    return np.asarray(mel_to_hz(low + step * (np.arange(n_bands + 1) + 0.5), htk=htk))


def _format_hz_axis(ax: Any, low: float, high: float) -> None:
    from matplotlib.ticker import FixedLocator, NullLocator

    ax.yaxis.set_major_locator(FixedLocator([tick for tick in _HZ_TICKS if low <= tick <= high]))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter("{x:.0f}")
    ax.set_ylabel("frequency [Hz]")


def specshow(
    data: np.ndarray,
    *,
    sr: float = 22050,
    hop_length: int = 512,
    x_axis: XAxis | None = "time",
    y_axis: YAxis | None = None,
    fmin: float = 0.0,
    fmax: float | None = None,
    htk: bool = False,
    first_row: int = 0,
    cmap: str | None = None,
    vmin: float | None = None,
    vmax: float | None = None,
    ax: Any = None,
) -> Any:
    """Draw a spectrogram, a mel spectrogram or coefficients over time.

    Parameters
    ----------
    data : np.ndarray, shape (n_rows, n_frames), real
        What to draw; decibels look better than power. Row 0 is drawn at the bottom.
    sr : float > 0 [Hz]
        Sampling rate of the signal.
    hop_length : int > 0 [samples]
        Distance between frames.
    x_axis : {'time', 'frames'} or None
        Seconds, frame numbers, or an axis without labels. Frames are drawn around their centres.
    y_axis : {'mel', 'linear', 'coeff'} or None
        What the rows are: mel bands from `fmin` to `fmax` (the axis is in Hz, stretched to be even in mel), the
        ``1 + n_fft // 2`` bins of a spectrum, or coefficients.
    fmin, fmax : float [Hz]
        Range of the mel bands; `fmax` is ``sr / 2`` if None.
    htk : bool
        The mel bands follow HTK's formula instead of Slaney's.
    first_row : int >= 0
        Number of the first coefficient, for ``data[1:]`` and the like.
    cmap, vmin, vmax
        Passed to matplotlib. The default map is ``'magma'``, or ``'RdBu_r'`` for coefficients.
    ax : matplotlib.axes.Axes, optional
        Where to draw; the current axes of pyplot if None.

    Returns
    -------
    mesh : matplotlib.collections.QuadMesh
        For ``figure.colorbar(mesh, ax=ax)``.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    ParameterError
        If `data` is not a real matrix, or an argument is out of range.

    Examples
    --------
    >>> import melfeat
    >>> from matplotlib.figure import Figure
    >>> from melfeat.display import specshow
    >>> y, sr = melfeat.load(melfeat.demo_path())
    >>> level = melfeat.power_to_db(melfeat.melspectrogram(y, sr))
    >>> mesh = specshow(level, sr=sr, y_axis="mel", ax=Figure().subplots())
    >>> mesh.get_array().size == level.size
    True
    """
    data = np.asarray(data)
    if data.ndim != 2 or np.iscomplexobj(data) or not data.size:
        raise ParameterError(
            f"data has shape {data.shape} and dtype {data.dtype}: expected a real matrix (n_rows, n_frames) with at "
            "least one frame; draw one channel at a time, and the magnitude of complex values"
        )
    sr = check_float("sr", sr, low=0, strict=True, unit="Hz")
    hop_length = check_int("hop_length", hop_length, low=1, unit="samples")
    check_choice("x_axis", x_axis, (*get_args(XAxis), None))
    check_choice("y_axis", y_axis, (*get_args(YAxis), None))
    if fmax is None:
        fmax = sr / 2
    if y_axis == "mel" and not 0 <= fmin < fmax:
        raise ParameterError(f"fmin={fmin!r}, fmax={fmax!r}: expected 0 <= fmin < fmax [Hz]")
    _require_matplotlib()

    n_rows, n_frames = data.shape
    x = np.arange(n_frames + 1) - 0.5
    if x_axis == "time":
        x = x * (hop_length / sr)
    if y_axis == "mel":
        y = _mel_edges(n_rows, fmin, fmax, htk)
    elif y_axis == "linear":
        y = (np.arange(n_rows + 1) - 0.5) * (sr / 2 / max(n_rows - 1, 1))
    else:
        y = np.arange(n_rows + 1) - 0.5 + first_row

    if ax is None:
        from matplotlib import pyplot

        ax = pyplot.gca()
    if cmap is None:
        cmap = "RdBu_r" if y_axis == "coeff" else "magma"
    mesh = ax.pcolormesh(x, y, data, cmap=cmap, vmin=vmin, vmax=vmax, shading="flat", rasterized=True)

    ax.set_xlim(max(x[0], 0.0) if n_frames > 1 else x[0], x[-1])
    if y_axis == "mel":
        ax.set_yscale("function", functions=(lambda f: hz_to_mel(f, htk=htk), lambda m: mel_to_hz(m, htk=htk)))
        _format_hz_axis(ax, y[0], y[-1])
    elif y_axis == "linear":
        ax.set_ylabel("frequency [Hz]")
    elif y_axis == "coeff":
        ax.set_ylabel("coefficient")
        ax.yaxis.get_major_locator().set_params(integer=True)
    ax.set_ylim(max(y[0], 0.0) if y_axis == "linear" else y[0], y[-1])
    if x_axis is not None:
        ax.set_xlabel("time [s]" if x_axis == "time" else "frame")
    return mesh
