"""Normalisation and deltas by kernels, with the bits of the NumPy code in `dsp` that defines them."""

from __future__ import annotations

from typing import Any

import numpy as np

from .dsp.delta import regression_deltas, regression_windows
from .dsp.post import normalize_frames
from .sliding import EPS_KINDS, slide_whole

__all__ = ["fast_deltas", "fast_normalize"]


def fast_normalize(
    x: np.ndarray, kind: str, *, ddof: int = 0, eps: float = 0.0, eps_kind: str = "var_clamp", **sliding: Any
) -> np.ndarray:
    """Return what `dsp.post.normalize_frames` returns."""
    if x.size == 0:
        return normalize_frames(x, kind)
    if kind.startswith("sliding"):
        return slide_whole(x, kind, ddof=ddof, eps=eps, eps_kind=eps_kind, **sliding)
    from .kernels.rows import normalize_rows

    n_features, n = x.shape[-2:]
    length = n_features * n if kind == "all_mean_var" else n
    source = np.require(x, requirements=("C", "W")).reshape(-1)
    out = np.empty(x.shape, dtype=x.dtype)
    kind_of_eps = EPS_KINDS[eps_kind]
    with np.errstate(invalid="ignore"):
        n_rows = x.size // length
        normalize_rows(source, n_rows, kind.endswith("var"), ddof, float(eps), kind_of_eps, out.reshape(-1))
    return out


def fast_deltas(
    x: np.ndarray, order: int = 1, *, window: int = 2, window_2: int | None = None, edges: str = "replicate"
) -> list[np.ndarray]:
    """Return what `dsp.delta.regression_deltas` returns."""
    if x.size == 0 or order == 0:
        return regression_deltas(x, order, window=window, window_2=window_2, edges=edges)
    from .kernels.rows import delta_rows

    windows = regression_windows(order, window, window_2)
    reach, n = sum(windows), x.shape[-1]
    before, after = {"replicate": (0, 0), "kaldi": (reach, reach), "opensmile": (0, reach)}[edges]
    divisors = np.array([2.0 * sum(k * k for k in range(1, w + 1)) for w in windows])
    scratch = np.zeros((2, n + 2 * reach + 2 * max(windows) + 32))
    source = np.require(x, requirements=("C", "W")).reshape(-1, n)
    out = np.empty((order, *source.shape), dtype=x.dtype)
    with np.errstate(invalid="ignore"):
        delta_rows(source, np.array(windows), divisors, before, after, scratch, out)
    return [part.reshape(x.shape) for part in out]
