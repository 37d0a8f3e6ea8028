"""Array helpers: definitions, librosa over drawn arguments, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from melfeat import ParameterError, util


@given(n=st.integers(1, 60), length=st.integers(1, 60), hop=st.integers(1, 70))
def test_frame_is_its_definition(n, length, hop):
    x = np.arange(n)
    if n < length:
        with pytest.raises(
            ParameterError, match=f"frame_length={length}: expected at most the {n} samples along axis -1"
        ):
            util.frame(x, length, hop)
        return
    got = util.frame(x, length, hop)
    starts = range(0, n - length + 1, hop)
    assert got.T.tolist() == [x[s : s + length].tolist() for s in starts]
    assert np.shares_memory(got, x)
    assert not got.flags.writeable
    np.testing.assert_array_equal(util.frame(x, length, hop, axis=0), got.T)


def test_frame_options():
    x = np.zeros((3, 20))
    util.frame(x, 4, 2, writeable=True)[1, 3, 0] = 7.0
    assert x[1, 3] == 7.0
    assert util.frame(x[::2, ::-3], 2, 2).shape == (2, 2, 3)
    np.testing.assert_array_equal(util.frame(np.arange(9)[::-2], 2, 2), [[8, 4], [6, 2]])
    masked = np.ma.array(np.arange(6), mask=False)
    assert isinstance(util.frame(masked, 2, 1, subok=True), np.ma.MaskedArray)
    assert not isinstance(util.frame(masked, 2, 1), np.ma.MaskedArray)


def test_padding():
    x = np.array([1.0, 2.0, 3.0])
    assert util.fix_length(x, 3) is x
    assert np.shares_memory(util.fix_length(x, 2), x)
    assert util.fix_length(x, 0).shape == (0,)
    assert util.fix_length(x, 5, mode="edge").tolist() == [1, 2, 3, 3, 3]
    assert util.fix_length(x, 5, constant_values=9).tolist() == [1, 2, 3, 9, 9]
    assert util.fix_length(np.zeros((2, 3)), 4, axis=0).shape == (4, 3)
    assert util.pad_center(x, 3).tolist() == [1, 2, 3]
    assert util.pad_center(x, 6).tolist() == [0, 1, 2, 3, 0, 0]
    assert util.pad_center(x, 7, mode="linear_ramp", end_values=-1).tolist() == [-1, 0, 1, 2, 3, 1, -1]
    assert util.pad_center(x, 5, mode="reflect", reflect_type="odd").tolist() == [0, 1, 2, 3, 4]
    assert util.pad_center(x, 5, mode="maximum", stat_length=2).tolist() == [2, 1, 2, 3, 3]

    def fill(vector, widths, _axis, _keywords):
        vector[: widths[0]] = 5

    assert util.pad_center(x, 5, mode=fill).tolist() == [5, 1, 2, 3, 0]


NORMS = [None, 0, 0.5, 1, 2, 3.0, np.inf, -np.inf]


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("fill", [None, False, True])
@pytest.mark.parametrize("axis", [0, 1, -1, None])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64])
def test_normalize_is_its_definition(norm, fill, axis, dtype):
    S = np.random.default_rng(1).normal(size=(4, 5)).astype(dtype)
    S[:, 2] = 0
    S[1] = 0
    before = S.copy()
    if norm == 0 and fill:
        with pytest.raises(ParameterError, match=r"fill=True: no constant has the unit norm when norm=0"):
            util.normalize(S, norm, axis, fill=fill)
        return
    got = util.normalize(S, norm, axis, fill=fill)
    np.testing.assert_array_equal(S, before)
    assert got.dtype == dtype
    assert got.shape == S.shape
    vectors = (
        [(S.ravel(), got.ravel())] if axis is None else zip(*(np.moveaxis(a, axis, -1) for a in (S, got)), strict=True)
    )
    for vector, result in vectors:
        wide = np.abs(vector).astype(np.float64)
        if norm is None:
            expected = vector
        else:
            length = wide.max() if norm == np.inf else wide.min() if norm == -np.inf else (wide > 0).sum()
            if norm not in (0, np.inf, -np.inf):
                length = (wide**norm).sum() ** (1 / norm)
            constant = np.ones_like(vector) if norm in (0, np.inf, -np.inf) else wide.size ** (-1 / norm)
            expected = vector / length if length else {None: vector, False: 0 * vector, True: constant}[fill]
        # One rounding to dtype of a float64 quotient, itself good to a few eps.
        np.testing.assert_allclose(result, expected, rtol=2 * np.finfo(dtype).eps, atol=0)


def test_normalize_details():
    assert util.normalize(np.array([1, 2, 4])).tolist() == [0.25, 0.5, 1.0]
    assert util.normalize(np.zeros((0, 3))).shape == (0, 3)
    x = np.array([[1e-3, 1.0], [0.0, 1.0]])
    assert util.normalize(x, threshold=0.01).tolist() == [[1e-3, 1.0], [0.0, 1.0]]
    copy = util.normalize(x, None)
    assert copy is not x


def test_valid_audio():
    for y in (np.zeros(0), np.zeros(1, np.float32), np.zeros((2, 3))[:, ::2], np.zeros(3, np.float16)):
        assert util.valid_audio(y) is True


def test_dtypes_and_small_things():
    assert util.dtype_r2c(np.float32) == np.complex64
    assert util.dtype_r2c("f8") == np.complex128
    assert util.dtype_r2c(np.complex128) == np.complex128
    assert util.dtype_r2c(np.int16, default=np.complex128) == np.complex128
    assert util.dtype_c2r(np.complex64) == np.float32
    assert util.dtype_c2r(complex) == np.float64
    assert util.dtype_c2r(np.float16) == np.float16
    assert util.dtype_c2r(int) == np.float32
    assert util.tiny(np.zeros(1, np.complex128)) == np.finfo(np.float64).tiny
    assert util.tiny(3) == np.finfo(np.float32).tiny
    assert [util.is_positive_int(x) for x in (1, np.int8(2), 0, -1, 2.0, None)] == [
        True,
        True,
        False,
        False,
        False,
        False,
    ]
    assert util.buf_to_float(np.array([-32768, 16384], np.int16)).tolist() == [-1.0, 0.5]
    assert util.buf_to_float(b"\x40", n_bytes=1, dtype=np.float64).tolist() == [0.5]
    x = np.arange(6).reshape(2, 3)
    assert util.expand_to(x, ndim=4, axes=(1, 3)).shape == (1, 2, 1, 3)
    assert util.expand_to(x, ndim=3, axes=[-3, -1]).shape == (2, 1, 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: util.frame(np.zeros(5), 0, 1), r"frame_length=0: expected an integer >= 1 \[samples\]"),
        (lambda: util.frame(np.zeros(5), 2, 0), r"hop_length=0: expected an integer >= 1 \[samples\]"),
        (lambda: util.frame(np.zeros(5), 2, 1, axis=1), "axis=1: expected an integer with -1 <= value <= 0"),
        (lambda: util.frame(np.zeros(()), 1, 1), "axis=-1: expected an array with at least one dimension"),
        (lambda: util.fix_length(np.zeros(3), -1), "size=-1: expected an integer >= 0"),
        (lambda: util.fix_length(np.zeros(3), 4, mode="no such"), "mode='no such': expected one of 'constant'"),
        (lambda: util.fix_length(np.zeros(0), 4, mode="edge"), r"mode='edge': cannot pad an array of shape \(0,\)"),
        (
            lambda: util.fix_length(np.zeros(3), 4, mode="edge", constant_values=1),
            "constant_values=1: has no effect with",
        ),
        (lambda: util.fix_length(np.zeros(3), 4, stat_length=2), "stat_length=2: has no effect with mode='constant'"),
        (lambda: util.fix_length(np.zeros(3), 4, reflect_type="other"), "reflect_type='other': expected one of 'even'"),
        (lambda: util.pad_center(np.zeros(3), 2), "size=2: expected an integer >= 3; data has 3 values along axis 0"),
        (lambda: util.normalize(np.array([1.0, np.nan])), "S is not finite everywhere: 1 NaN"),
        (lambda: util.normalize(np.ones(3), norm="l2"), "norm='l2': expected None, 0, a positive number"),
        (lambda: util.normalize(np.ones(3), norm=-2), "norm=-2: expected None, 0, a positive number"),
        (lambda: util.normalize(np.ones(3), threshold=0), "threshold=0: expected a finite number > 0"),
        (lambda: util.normalize(np.ones(3), fill=3), "fill=3: expected True or False"),
        (lambda: util.normalize(np.ones(3), axis=1), "axis=1: expected an integer"),
        (lambda: util.normalize(np.array(["a"])), "S has dtype <U1: expected real or complex numbers"),
        (lambda: util.valid_audio([0.0]), "y has type list: expected a numpy.ndarray"),
        (lambda: util.valid_audio(np.zeros(3, np.int16)), "y has dtype int16: expected floating point"),
        (lambda: util.valid_audio(np.zeros(3, np.complex64)), "y has dtype complex64: expected floating point"),
        (lambda: util.valid_audio(np.array(1.0)), r"y has shape \(\): expected at least one dimension"),
        (lambda: util.valid_audio(np.array([0.0, -np.inf])), r"the first at index \(1,\)"),
        (lambda: util.buf_to_float(b"abc", n_bytes=3), "n_bytes=3: expected one of 1, 2, 4, 8"),
        (lambda: util.buf_to_float(b"abc"), r"x: expected a contiguous buffer of integers of 2 byte\(s\)"),
        (lambda: util.expand_to(np.zeros((2, 3)), ndim=3, axes=1), r"axes=1: expected 2 place\(s\)"),
        (lambda: util.expand_to(np.zeros((2, 3)), ndim=1, axes=(0, 1)), "ndim=1: expected an integer >= 2"),
        (lambda: util.expand_to(np.zeros((2, 3)), ndim=3, axes=(0, -3)), r"axes=\(0, -3\): expected distinct places"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ParameterError, match=message):
        call()


@given(seed=st.integers(0, 10**6))
@settings(deadline=None, max_examples=60)
def test_equals_librosa(seed):
    librosa = pytest.importorskip("librosa")
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(3, 9, rng.integers(1, 4)))
    axis = int(rng.integers(-len(shape), len(shape)))
    x = rng.normal(size=shape).astype([np.float32, np.float64][rng.integers(2)])
    x[rng.random(shape) < 0.3] = 0
    n = shape[axis]
    mode = ["constant", "edge", "reflect", "wrap", "mean"][rng.integers(5)]
    length, hop = int(rng.integers(1, n + 1)), int(rng.integers(1, 4))
    size = int(rng.integers(0, 14))
    norm = NORMS[rng.integers(len(NORMS))]
    fill = None if norm == 0 else [None, False, True][rng.integers(3)]
    across = None if rng.integers(4) == 0 else axis
    for got, expected in (
        (
            util.frame(x, length, hop, axis=axis),
            librosa.util.frame(x, frame_length=length, hop_length=hop, axis=axis),
        ),
        (util.fix_length(x, size, axis=axis, mode=mode), librosa.util.fix_length(x, size=size, axis=axis, mode=mode)),
        (
            util.pad_center(x, n + size, axis=axis, mode=mode),
            librosa.util.pad_center(x, size=n + size, axis=axis, mode=mode),
        ),
        (
            util.normalize(x, norm=norm, axis=across, fill=fill),
            librosa.util.normalize(x, norm=norm, axis=across, fill=fill),
        ),
        (
            util.normalize(x, norm=2, axis=across, threshold=0.5, fill=fill),
            librosa.util.normalize(x, norm=2, axis=across, threshold=0.5, fill=fill),
        ),
    ):
        np.testing.assert_array_equal(got, expected, strict=True)
    pcm = rng.integers(-32768, 32768, 9).astype(np.int16)
    for dtype in (np.float32, np.float64):
        np.testing.assert_array_equal(
            util.buf_to_float(pcm, dtype=dtype), librosa.util.buf_to_float(pcm, dtype=dtype), strict=True
        )


def test_small_things_equal_librosa():
    librosa = pytest.importorskip("librosa")
    for dtype in (np.float16, np.float32, np.float64, np.complex64, np.complex128, np.int8, np.int64, bool):
        assert util.dtype_r2c(dtype) == librosa.util.dtype_r2c(dtype)
        assert util.dtype_c2r(dtype) == librosa.util.dtype_c2r(dtype)
        assert util.tiny(np.zeros(1, dtype)) == librosa.util.tiny(np.zeros(1, dtype))
    x = np.zeros((2, 3))
    for ndim, axes in ((2, (0, 1)), (4, (1, 2)), (3, (-3, -1))):
        assert util.expand_to(x, ndim=ndim, axes=axes).shape == librosa.util.expand_to(x, ndim=ndim, axes=axes).shape
