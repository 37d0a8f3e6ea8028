"""Cosine transforms and liftering as matrices.

References
----------
N. Ahmed, T. Natarajan, K. R. Rao, "Discrete cosine transform", IEEE Trans. Computers C-23, 1974; types and scaling as
``scipy.fft.dct`` defines them. Liftering: B.-H. Juang, L. R. Rabiner, J. G. Wilpon, "On the use of bandpass liftering
in speech recognition", IEEE TASSP 35, 1987. HTK's scaling, with C0 last: S. Young et al., The HTK Book, version 3.4,
2006, section 5.6. Exponential liftering: D. Ellis, ``melfcc.m`` of rastamat, Columbia University, 2005.
"""

from __future__ import annotations

import numpy as np

from ..errors import ParameterError

__all__ = ["cepstral_matrix", "dct_matrix", "lifter_weights", "n_cepstra", "packed"]


def _cosines(numerator: np.ndarray, denominator: int) -> np.ndarray:
    """Return ``cos(pi numerator / denominator)``, the angle reduced exactly first."""
    return np.cos(np.pi * (numerator % (2 * denominator)) / denominator)


def dct_matrix(n_out: int, n_in: int, *, kind: int = 2, norm: str | None = "ortho") -> np.ndarray:
    """Return the first `n_out` rows of the cosine transform of type 1, 2 or 3 of `n_in` points, in float64."""
    k = np.arange(n_out, dtype=np.int64)[:, None]
    m = np.arange(n_in, dtype=np.int64)[None, :]
    if kind == 1:
        matrix = 2 * _cosines(k * m, n_in - 1)
        matrix[:, [0, -1]] *= 0.5
        if norm == "ortho":
            matrix[:, [0, -1]] *= np.sqrt(2)
            matrix *= np.sqrt(0.5 / (n_in - 1))
            matrix[(k[:, 0] == 0) | (k[:, 0] == n_in - 1)] *= np.sqrt(0.5)
        return matrix
    if kind == 2:
        matrix = 2 * _cosines(k * (2 * m + 1), 2 * n_in)
        if norm == "ortho":
            matrix *= np.sqrt(0.5 / n_in)
            matrix[:1] *= np.sqrt(0.5)
        return matrix
    matrix = 2 * _cosines((2 * k + 1) * m, 2 * n_in)
    matrix[:, 0] *= 0.5
    if norm == "ortho":
        matrix *= np.sqrt(0.5 / n_in)
        matrix[:, 0] *= np.sqrt(2)
    return matrix


def lifter_weights(n_mfcc: int, lifter: float, kind: str = "sine", offset: int = 1) -> np.ndarray:
    """Return the factors of rows 0 ... n_mfcc - 1; ones if `lifter` is 0.

    'sine' is ``1 + (lifter / 2) sin(pi (i + offset) / lifter)``: librosa counts from `offset` 1, all others from 0.
    'exponential' is ``i ** lifter``, and 1 for row 0.
    """
    if lifter == 0:
        return np.ones(n_mfcc)
    i = np.arange(n_mfcc, dtype=np.float64)
    if kind == "exponential":
        return np.where(i > 0, np.maximum(i, 1.0) ** lifter, 1.0)
    return 1 + (lifter / 2) * np.sin(np.pi * (i + offset) / lifter)


def n_cepstra(n_mels: int, n_mfcc: int, c0: str = "first") -> int:
    """Return the rows of `cepstral_matrix`: no more than bands, and `n_mfcc` does not count a C0 that stands last."""
    if c0 == "first":
        return min(n_mfcc, n_mels)
    return min(n_mfcc, n_mels - 1) + (c0 == "last")


def cepstral_matrix(
    n_mels: int,
    *,
    n_mfcc: int = 20,
    dct_type: int = 2,
    dct_norm: str | None = "ortho",
    lifter: float = 0.0,
    lifter_kind: str = "sine",
    lifter_offset: int = 1,
    c0: str = "first",
    c0_scale: float = 1.0,
) -> np.ndarray:
    """Return the float64 matrix ``(n_cepstra(n_mels, n_mfcc, c0), n_mels)`` that `stages.Cepstrum` describes.

    Rows stand in the order of the output: c0, c1, ... ('first'), c1, ..., cK, c0 ('last') or c1, ..., cK ('none'), with
    ``K = n_mfcc`` in the last two.

    Raises
    ------
    ParameterError
        If `n_mels` is too small: below 2 for `dct_type` 1, or for `c0` 'none', which would leave nothing.
    """
    if n_mels < 2 and (dct_type == 1 or c0 == "none"):
        why = "dct_type=1" if dct_type == 1 else "c0='none'"
        raise ParameterError(f"n_mels={n_mels}: expected at least 2 bands for {why}")
    n_rows = n_cepstra(n_mels, n_mfcc, c0) + (c0 == "none")
    scipy_norm = dct_norm if dct_norm == "ortho" else None
    matrix = dct_matrix(n_rows, n_mels, kind=dct_type, norm=scipy_norm)
    if dct_norm in ("htk", "unit"):
        matrix *= 0.5
    if dct_norm == "htk":
        matrix *= np.sqrt(2.0 / n_mels)
    matrix = matrix * lifter_weights(n_rows, lifter, lifter_kind, lifter_offset)[:, np.newaxis]
    matrix[0] *= c0_scale
    if c0 == "first":
        return matrix
    return np.concatenate([matrix[1:], matrix[:1]]) if c0 == "last" else matrix[1:].copy()


def packed(matrix: np.ndarray, group: int) -> np.ndarray:
    """Return ``[matrix, row sums]`` in groups of rows as ``(n_groups, n_in + 1, group)``, flat, filled with zeros.

    The kernel takes the mean out of its input first; the sums of the rows put its share back.
    """
    n_out, n_in = matrix.shape
    n_groups = -(-n_out // group)
    padded = np.zeros((n_groups * group, n_in + 1), dtype=matrix.dtype)
    padded[:n_out, :n_in] = matrix
    padded[:n_out, n_in] = matrix.sum(axis=1)
    return np.ascontiguousarray(padded.reshape(n_groups, group, n_in + 1).transpose(0, 2, 1)).reshape(-1)
