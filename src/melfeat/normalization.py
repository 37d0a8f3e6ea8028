"""Cepstral mean and variance normalisation: per utterance, in a sliding window, or by statistics of many utterances."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from ._arrays import as_float_array, check_finite
from ._atomic import open_atomic
from ._checks import check_bool, check_choice, check_float, check_int
from .dsp.post import CMN_KINDS, inverse_scale
from .errors import ParameterError
from .rows import fast_normalize

__all__ = ["CmvnStats", "cmvn"]

#: By each row's mean, or mean and deviation; by one mean and deviation of all rows; by those of a window of frames.
CmvnKind = Literal["mean", "mean_var", "all_mean_var", "sliding_mean", "sliding_mean_var"]
#: Where `eps` stands: ``sqrt(var) + eps``, ``sqrt(var + eps)`` or ``sqrt(max(var, eps))``.
EpsKind = Literal["std_add", "var_add", "var_clamp"]
_EPS_KINDS = ("std_add", "var_add", "var_clamp")
#: Which features: all (None), those of a slice, or those with the given indices.
Columns: TypeAlias = slice | Sequence[int] | np.ndarray | None

_FORMAT = "melfeat-cmvn"
_VERSION = 1


def _rows(columns: Columns, n_features: int) -> np.ndarray:
    if columns is None:
        return np.arange(n_features)
    if isinstance(columns, slice):
        return np.arange(n_features)[columns]
    indices = np.asarray(columns)
    bad = indices.dtype.kind not in "iu" and indices.size > 0
    if bad or indices.ndim != 1 or not ((indices >= -n_features) & (indices < n_features)).all():
        raise ParameterError(
            f"columns={columns!r}: expected None, a slice, or indices of the {n_features} features, from "
            f"{-n_features} to {n_features - 1}"
        )
    indices = indices.astype(np.int64) % max(n_features, 1)
    if np.unique(indices).size != indices.size:
        raise ParameterError(f"columns={columns!r}: expected each feature once")
    return indices


def cmvn(
    features: np.ndarray,
    kind: CmvnKind = "mean_var",
    *,
    ddof: int = 0,
    eps: float = 0.0,
    eps_kind: EpsKind = "var_clamp",
    window: int = 600,
    min_window: int = 100,
    center: bool = False,
    columns: Columns = None,
    stats: CmvnStats | None = None,
) -> np.ndarray:
    """Return features with their mean over the frames removed and their variance made 1.

    Each utterance (each entry of the leading axes) is normalised by itself, unless `stats` brings the statistics of
    many. A feature that does not vary becomes zero.

    Parameters
    ----------
    features : np.ndarray, shape (..., n_features, n_frames)
        Real floating-point features.
    kind : {'mean_var', 'mean', 'all_mean_var', 'sliding_mean_var', 'sliding_mean'}
        'mean' only removes the mean. 'all_mean_var' uses one mean and one deviation for all features of an utterance.
        The sliding kinds use a window of frames around or before each frame.
    ddof : {0, 1}
        The sum of squares is divided by the number of values less this.
    eps : float, >= 0
        Keeps the scale finite where a feature hardly varies, in the unit of the features ('std_add') or its square.
    eps_kind : {'var_clamp', 'var_add', 'std_add'}
        Divide by ``sqrt(max(var, eps))``, ``sqrt(var + eps)`` or ``sqrt(var) + eps``.
    window : int, >= 1
        Length of the sliding window [frames]; if not `center`, the number of frames before the current one in it.
    min_window : int, >= 1
        The first frames use at least so many [frames], if there are; only if not `center`.
    center : bool
        Whether the sliding window lies around the current frame, not before it.
    columns : slice, sequence of int, or None
        The features to normalise; the others are returned unchanged. None is all.
    stats : CmvnStats, optional
        Use these statistics; `kind` is then 'mean' or 'mean_var'.

    Returns
    -------
    np.ndarray, shape (..., n_features, n_frames)
        Normalised features, float32 for float32 `features`, else float64. Statistics are float64 for both.

    Raises
    ------
    ParameterError
        If `features` are not floating point or have fewer than two axes, a parameter is out of its range, a column does
        not exist, or `stats` is of another number of features or given together with another `kind`.

    References
    ----------
    O. Viikki and K. Laurila, Cepstral domain segmental feature vector normalization for noise robust speech
    recognition, Speech Communication 25, 1998, pp. 133-147. The sliding window is Kaldi's `SlidingWindowCmn`, whose
    floor is ``eps=1e-10``.

    Examples
    --------
    >>> import numpy as np
    >>> import melfeat
    >>> melfeat.cmvn(np.array([[1.0, 2.0, 3.0, 6.0]]), "mean").tolist()
    [[-2.0, -1.0, 0.0, 3.0]]
    """
    x = as_float_array(features, name="features", min_ndim=2)
    kind = check_choice("kind", kind, CMN_KINDS)
    ddof = check_choice("ddof", ddof, (0, 1))
    eps = check_float("eps", eps, low=0)
    eps_kind = check_choice("eps_kind", eps_kind, _EPS_KINDS)
    window = check_int("window", window, low=1, unit="frames")
    min_window = check_int("min_window", min_window, low=1, unit="frames")
    center = check_bool("center", center)
    rows = _rows(columns, x.shape[-2])
    if stats is not None:
        if kind not in ("mean", "mean_var"):
            raise ParameterError(f"kind={kind!r}: expected 'mean' or 'mean_var' together with stats")
        return stats._applied(x, rows, kind == "mean_var", ddof, eps, eps_kind)
    settings: dict[str, Any] = {"ddof": ddof, "eps": eps, "eps_kind": eps_kind}
    settings |= {"window": window, "min_window": min_window, "center": center}
    if columns is None:
        return fast_normalize(x, kind, **settings)
    out = x.copy()
    out[..., rows, :] = fast_normalize(np.ascontiguousarray(x[..., rows, :]), kind, **settings)
    return out


class CmvnStats:
    """Means and variances of features over many utterances, gathered piece by piece, saved and loaded.

    Updates merge counts, means and sums of squared deviations, not sums of squares: a large mean costs no digits of the
    variance. Two objects are equal if all three are.

    Parameters
    ----------
    n_features : int, >= 1
        Number of features.

    Attributes
    ----------
    count : int
        Number of frames seen.
    mean : np.ndarray, shape (n_features,), float64
        Mean of each feature, 0 before the first frame.

    References
    ----------
    T. F. Chan, G. H. Golub, R. J. LeVeque, Updating formulae and a pairwise algorithm for computing sample variances,
    Stanford University, STAN-CS-79-773, 1979.

    Examples
    --------
    >>> import numpy as np
    >>> from melfeat import CmvnStats
    >>> stats = CmvnStats(1)
    >>> for utterance in (np.array([[1.0, 2.0]]), np.array([[3.0, 6.0]])):
    ...     stats = stats.update(utterance)
    >>> stats.count, stats.mean.tolist(), stats.variance().tolist()
    (4, [3.0], [3.5])
    """

    def __init__(self, n_features: int) -> None:
        n = check_int("n_features", n_features, low=1)
        self.count = 0
        self._mean = np.zeros(n)
        self._squares = np.zeros(n)

    @property
    def n_features(self) -> int:
        """Number of features."""
        return self._mean.size

    @property
    def mean(self) -> np.ndarray:
        """Mean of each feature, a copy."""
        return self._mean.copy()

    def variance(self, ddof: int = 0) -> np.ndarray:
        """Return the variance of each feature ``(n_features,)``, sums divided by ``count - ddof``; 0 without frames."""
        return self._squares / max(self.count - check_choice("ddof", ddof, (0, 1)), 1)

    def std(self, ddof: int = 0) -> np.ndarray:
        """Return the standard deviation of each feature ``(n_features,)``."""
        return np.sqrt(self.variance(ddof))

    def _checked(self, features: Any) -> np.ndarray:
        x = as_float_array(features, name="features", min_ndim=2)
        if x.shape[-2] != self.n_features:
            raise ParameterError(
                f"features have shape {x.shape}: expected (..., {self.n_features}, n_frames) as these statistics"
            )
        return x

    def _merge(self, count: int, mean: np.ndarray, squares: np.ndarray) -> None:
        if count == 0:
            return
        total = self.count + count
        difference = mean - self._mean
        self._mean = self._mean + difference * (count / total)
        self._squares = self._squares + squares + difference * difference * (self.count * (count / total))
        self.count = total

    def update(self, features: np.ndarray) -> CmvnStats:
        """Add the frames of ``features (..., n_features, n_frames)`` and return self.

        Raises
        ------
        ParameterError
            If there are not `n_features` features, or one is NaN or infinite; nothing is added then.
        """
        x = self._checked(features)
        check_finite(x, name="features")
        n = x.shape[-1]
        for utterance in x.reshape(-1, *x.shape[-2:]) if n else ():
            values = utterance.astype(np.float64)
            mean = values.mean(axis=1)
            values -= mean[:, np.newaxis]
            values *= values
            self._merge(n, mean, values.sum(axis=1))
        return self

    def merge(self, other: CmvnStats) -> CmvnStats:
        """Add the frames that `other` has seen and return self."""
        if not isinstance(other, CmvnStats) or other.n_features != self.n_features:
            raise ParameterError(f"other={other!r}: expected statistics of {self.n_features} features")
        self._merge(other.count, other._mean, other._squares)
        return self

    def apply(
        self,
        features: np.ndarray,
        kind: Literal["mean", "mean_var"] = "mean_var",
        *,
        ddof: int = 0,
        eps: float = 0.0,
        eps_kind: EpsKind = "var_clamp",
        columns: Columns = None,
    ) -> np.ndarray:
        """Return `features` normalised by these statistics: `cmvn` with ``stats=self``, whose options these are."""
        return cmvn(features, kind, ddof=ddof, eps=eps, eps_kind=eps_kind, columns=columns, stats=self)

    def _applied(
        self, x: np.ndarray, rows: np.ndarray, variance: bool, ddof: int, eps: float, eps_kind: str
    ) -> np.ndarray:
        self._checked(x)
        if self.count == 0:
            raise ParameterError("stats have seen no frame: expected at least one; update them first")
        scale = inverse_scale(self.variance(ddof), eps, eps_kind) if variance else np.ones(self.n_features)
        out = x.copy()
        for utterance in out.reshape(-1, *x.shape[-2:]):
            for row in rows:
                utterance[row] = (utterance[row].astype(np.float64) - self._mean[row]) * scale[row]
        return out

    def to_kaldi(self) -> np.ndarray:
        """Return Kaldi's matrix ``(2, n_features + 1)``: sums and the count, sums of squares and 0."""
        matrix = np.zeros((2, self.n_features + 1))
        matrix[0, :-1] = self.count * self._mean
        matrix[0, -1] = self.count
        matrix[1, :-1] = self._squares + self.count * self._mean**2
        return matrix

    @classmethod
    def from_kaldi(cls, matrix: np.ndarray) -> CmvnStats:
        """Return the statistics in a matrix as `to_kaldi` makes it, and ``compute-cmvn-stats``."""
        values = np.asarray(matrix, dtype=np.float64)
        if values.ndim != 2 or values.shape[0] != 2 or values.shape[1] < 2:
            raise ParameterError(f"matrix has shape {values.shape}: expected (2, n_features + 1)")
        count = values[0, -1]
        if not (np.isfinite(values).all() and count >= 0 and count == np.round(count)):
            raise ParameterError(f"matrix[0, -1]={count!r}: expected the number of frames, and finite sums beside it")
        stats = cls(values.shape[1] - 1)
        if count:
            mean = values[0, :-1] / count
            stats._merge(int(count), mean, np.maximum(values[1, :-1] - count * mean**2, 0.0))
        return stats

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the statistics to a file, which is complete or not there: JSON if its name ends so, else NPZ.

        Raises
        ------
        ParameterError
            If the name ends in neither '.json' nor '.npz'.
        OSError
            If the file cannot be written.
        """
        kind = _file_kind(path)
        with open_atomic(path) as stream:
            if kind == ".json":
                values: dict[str, Any] = {"format": _FORMAT, "version": _VERSION, "count": self.count}
                values |= {"mean": self._mean.tolist(), "squares": self._squares.tolist()}
                stream.write((json.dumps(values) + "\n").encode())
            else:
                np.savez(
                    stream, format=_FORMAT, version=_VERSION, count=self.count, mean=self._mean, squares=self._squares
                )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> CmvnStats:
        """Return the statistics that `save` wrote, to the last bit.

        Raises
        ------
        ParameterError
            If the file is not one of `save`.
        OSError
            If it cannot be read.
        """
        name = os.fspath(path)
        try:
            if _file_kind(path) == ".json":
                stored = json.loads(Path(path).read_text(encoding="utf-8"))
            else:
                with np.load(path, allow_pickle=False) as archive:
                    stored = {key: archive[key][()] for key in archive.files}
            if stored["format"] != _FORMAT or stored["version"] != _VERSION:
                raise ParameterError(
                    f"{name}: has format {stored['format']} version {stored['version']}, expected {_FORMAT} {_VERSION}"
                )
            mean, squares = (np.asarray(stored[key], dtype=np.float64) for key in ("mean", "squares"))
            stats = cls(mean.size)
            stats.count = check_int("count", int(stored["count"]), low=0)
            if mean.shape != squares.shape or mean.ndim != 1 or not np.isfinite([mean, squares]).all():
                raise ParameterError(f"{name}: mean and squares are not finite vectors of one length")
        except (KeyError, TypeError, EOFError, ValueError) as error:
            if isinstance(error, ParameterError):
                raise
            raise ParameterError(f"{name}: not a file of CmvnStats.save ({error})") from error
        stats._mean, stats._squares = mean, squares
        return stats

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CmvnStats):
            return NotImplemented
        same = np.array_equal(self._mean, other._mean) and np.array_equal(self._squares, other._squares)
        return same and self.count == other.count

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"CmvnStats(n_features={self.n_features}, count={self.count})"


def _file_kind(path: str | os.PathLike[str]) -> str:
    kind = Path(path).suffix.lower()
    if kind not in (".json", ".npz"):
        raise ParameterError(f"{os.fspath(path)}: expected a name ending in .json or .npz")
    return kind
