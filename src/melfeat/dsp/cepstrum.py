"""Cosine transforms and liftering as matrices.

References
----------
N. Ahmed, T. Natarajan, K. R. Rao, "Discrete cosine transform", IEEE Trans. Computers C-23, 1974; types and scaling as
``scipy.fft.dct`` defines them. Liftering: B.-H. Juang, L. R. Rabiner, J. G. Wilpon, "On the use of bandpass liftering
in speech recognition", IEEE TASSP 35, 1987.
"""

from __future__ import annotations

import numpy as np

__all__ = ["dct_matrix", "lifter_weights", "packed"]


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


def lifter_weights(n_mfcc: int, lifter: float) -> np.ndarray:
    """Return ``1 + (lifter / 2) sin(pi (i + 1) / lifter)`` for i = 0 …, as librosa counts; ones if `lifter` is 0."""
    if lifter == 0:
        return np.ones(n_mfcc)
    i = np.arange(1, n_mfcc + 1, dtype=np.float64)
    return 1 + (lifter / 2) * np.sin(np.pi * i / lifter)


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
