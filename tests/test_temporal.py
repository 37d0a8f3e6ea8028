"""Deltas and stacking: oracles, golden values of librosa 0.11.0, librosa itself, accuracy, layouts, refusals."""

from __future__ import annotations

import subprocess
import sys
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from melfeat import ParameterError, temporal
from melfeat.dsp.delta import DeltaMode, extend, savgol_weights
from tests.oracles import delta as oracle

MODES = get_args(DeltaMode)
EPS64 = np.finfo(np.float64).eps


def tolerance(width, degree, order, scale, dtype):
    """Return the rounding of a sum: float64 terms and weights, whose QR is good to some 64 eps, then one of dtype."""
    edge = np.abs([oracle.weights(width, degree, order, at) for at in (0, -(width // 2))]).sum(axis=1).max()
    return edge * scale * (64 * EPS64 + np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("width", "degree", "order"), [(3, 1, 1), (3, 2, 2), (5, 2, 1), (9, 1, 1), (9, 2, 2), (9, 4, 3)]
)
def test_delta_is_its_definition(width, degree, order, mode, dtype):
    rng = np.random.default_rng(width + order)
    sizes = {1, 2, 3, width - 1, width, width + 1, 2 * width - 1, 31, 600}
    for n in sorted(sizes):
        if (mode == "interp" and n < width) or (mode == "mirror" and n == 1):
            continue
        x = rng.normal(size=(2, n)).astype(dtype)
        got = temporal.delta(x, width, order, mode=mode, polyorder=degree, cval=0.5)
        assert got.dtype == dtype
        for row, result in zip(x, got, strict=True):
            expected = oracle.savgol(row.astype(np.float64), width, degree, order, mode, 0.5)
            np.testing.assert_allclose(result, expected, rtol=0, atol=tolerance(width, degree, order, 5, dtype))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, [-7 / 60] * 5 + [1 / 15] * 5),
        ({"order": 2}, [-0.30519480519480519] * 5 + [0.14718614718614719] * 5),
        ({"width": 5, "mode": "nearest"}, [-0.3, 0.9, 0.1, 0.0, 1.6, -1.6, -0.4, 0.0, 0.7, 2.6]),
        ({"width": 3, "mode": "wrap"}, [-1.0, -1.5, 1.5, 1.0, -2.0, 4.0, -4.0, -3.0, 5.5, -0.5]),
        ({"width": 5, "mode": "constant", "cval": 2.0}, [-0.6, 0.7, 0.1, 0.0, 1.6, -1.6, -0.4, 0.0, -0.1, 1.4]),
    ],
)
def test_delta_golden_values(arguments, expected):
    x = np.array([1.0, 4, -2, 7, 0, 3, 8, -5, 2, 6])
    # Weights of at most 1 on values up to 8.
    np.testing.assert_allclose(temporal.delta(x, **arguments), expected, rtol=0, atol=64 * EPS64)


def test_delta_of_polynomials():
    t = np.arange(40.0)
    # Exact derivatives of a cubic fitted by a cubic; weights times values up to 40**3.
    got = temporal.delta(t**3 - 2 * t, 9, 2, polyorder=3)
    np.testing.assert_allclose(got, 6 * t, rtol=0, atol=64 * EPS64 * 40**3)
    assert not temporal.delta(np.full((3, 20), 1234.567), mode="nearest").any()
    np.testing.assert_allclose(temporal.delta(t, delta=0.01), 100.0, rtol=1e-12)
    np.testing.assert_allclose(temporal.delta(t**2, order=2, delta=-0.5), 8.0, rtol=1e-10)
    assert not temporal.delta(t**3, order=2, polyorder=1).any()
    assert not temporal.delta(t**3, order=1, polyorder=0).any()


def test_delta_is_the_regression_of_speech_recognition():
    x = np.random.default_rng(8).normal(size=50)
    expected = oracle.regression(x, 4)
    np.testing.assert_allclose(temporal.delta(x, mode="nearest"), expected, rtol=0, atol=64 * EPS64)
    np.testing.assert_allclose(temporal.delta(x)[4:-4], expected[4:-4], rtol=0, atol=64 * EPS64)


@given(width=st.sampled_from([3, 5, 9, 15]), order=st.integers(1, 4), more=st.integers(0, 2))
@settings(deadline=None, max_examples=40)
def test_weights_are_exact_fractions_rounded(width, order, more):
    degree = order + more
    if degree >= width:
        return
    centre, edges = savgol_weights(width, degree, order, 1.0)
    half = width // 2
    for got, at in [(centre, 0), *((edges[i], i - half) for i in range(half))]:
        expected = oracle.weights(width, degree, order, at)
        expected = expected[half:] if at == 0 else expected
        np.testing.assert_allclose(got, expected, rtol=0, atol=64 * EPS64 * np.abs(expected).max())
    assert not centre.flags.writeable
    assert not edges.flags.writeable


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_delta_bits_do_not_depend_on_layout_or_neighbours(mode, dtype):
    x = np.random.default_rng(4).normal(size=(3, 21, 33)).astype(dtype)
    before = x.copy()
    for axis in (0, 1, 2):
        width = 3 if axis == 0 else 9
        got = temporal.delta(x, width, axis=axis, mode=mode)
        assert got.shape == x.shape
        assert got.flags.c_contiguous
        for same in (
            temporal.delta(np.asfortranarray(x), width, axis=axis, mode=mode),
            temporal.delta(x, width, axis=axis - 3, mode=mode),
            temporal.delta(x[:, ::-1][:, ::-1], width, axis=axis, mode=mode),
            temporal.delta(x.astype(x.dtype.newbyteorder()), width, axis=axis, mode=mode),
            np.moveaxis(temporal.delta(np.moveaxis(x, axis, -1), width, mode=mode), -1, axis),
            np.moveaxis(temporal.delta(np.moveaxis(x, axis, 0), width, axis=0, mode=mode), 0, axis),
        ):
            np.testing.assert_array_equal(got, same, strict=True)
        vectors, results = np.moveaxis(x, axis, -1).reshape(-1, x.shape[axis]), np.moveaxis(got, axis, -1)
        for vector, result in list(zip(vectors, results.reshape(vectors.shape), strict=True))[::50]:
            np.testing.assert_array_equal(temporal.delta(vector, width, mode=mode), result)
    np.testing.assert_array_equal(x, before)


def test_delta_interior_does_not_see_the_ends():
    x = np.random.default_rng(6).normal(size=1100).astype(np.float32)
    whole = temporal.delta(x)
    for start, stop in ((0, 9), (7, 600), (511, 1100), (100, 113)):
        part = temporal.delta(x[start:stop], mode="nearest")
        np.testing.assert_array_equal(part[4:-4], whole[start + 4 : stop - 4])


def test_delta_dtypes_and_degenerate_shapes():
    assert temporal.delta(np.arange(12)).dtype == np.float64
    assert temporal.delta(np.arange(12, dtype=np.float16)).dtype == np.float64
    assert temporal.delta(list(range(12))).tolist() == pytest.approx([1.0] * 12)
    assert temporal.delta(3.0, mode="nearest").tolist() == [0.0]
    assert temporal.delta(np.zeros((20, 0)), mode="nearest").shape == (20, 0)
    assert temporal.delta(np.zeros((0, 20))).shape == (0, 20)
    assert temporal.delta(np.zeros((20, 1), np.float32), mode="mirror").shape == (20, 1)
    for bad in (np.nan, np.inf):
        x = np.zeros(40)
        x[20] = bad
        with np.errstate(invalid="ignore"):  # 0 * inf, where kernels run interpreted
            finite = np.isfinite(temporal.delta(x))
        assert finite.sum() == 31
        assert not finite[16:25].any()


@pytest.mark.parametrize("mode", ["nearest", "mirror", "constant", "wrap"])
def test_extend_is_numpys_padding(mode):
    x = np.random.default_rng(2).normal(size=(2, 5, 3))
    keywords = {"constant_values": 7.0} if mode == "constant" else {}
    expected = np.pad(x, [(0, 0), (13, 13), (0, 0)], mode=oracle.EXTENSIONS[mode], **keywords)
    for start, stop in ((-13, 18), (-4, 4), (2, 9), (0, 5), (17, 18), (3, 3)):
        np.testing.assert_array_equal(extend(x, start, stop, mode, 7.0), expected[:, start + 13 : stop + 13])


def drawn(rng):
    width = int(rng.choice([3, 5, 7, 9, 11]))
    order = int(rng.integers(1, min(width, 4)))
    mode = MODES[rng.integers(len(MODES))]
    axis = int(rng.integers(-3, 3))
    shape = rng.integers(1, 9, 3)
    shape[axis] = rng.integers(width if mode == "interp" else 2, 40)
    keywords = {"width": width, "order": order, "mode": mode, "axis": axis}
    if rng.integers(2):
        keywords["polyorder"] = int(rng.integers(0, width))
    if rng.integers(2):
        keywords["delta"] = float(rng.uniform(0.5, 2))
    if mode == "constant":
        keywords["cval"] = float(rng.integers(-3, 3))
    return rng.normal(size=shape), keywords


@pytest.mark.filterwarnings("ignore:Polyfit may be poorly conditioned")
def test_delta_equals_librosa():
    librosa = pytest.importorskip("librosa")
    rng = np.random.default_rng(11)
    worst = []
    for _ in range(150):
        x, keywords = drawn(rng)
        truth = librosa.feature.delta(x, **keywords)
        degree = keywords.get("polyorder", keywords["order"])
        scale = max(np.abs(truth).max(), 1.0)
        # SciPy solves for its weights in powers: with a degree up to width - 1 they lose a few digits more than ours.
        loss = 256 * 4.0**degree
        np.testing.assert_allclose(
            temporal.delta(x, **keywords), truth, rtol=0, atol=loss * EPS64 * scale, err_msg=str(keywords)
        )
        x32 = x.astype(np.float32)
        truth = temporal.delta(x32.astype(np.float64), **keywords)
        ours = np.abs(temporal.delta(x32, **keywords) - truth).max()
        theirs = np.abs(librosa.feature.delta(x32, **keywords) - truth).max()
        assert ours <= 2 * theirs + EPS64 * scale, keywords
        worst.append(theirs / max(ours, EPS64))
    assert np.median(worst) >= 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"width": 8}, r"width=8: expected an odd integer >= 3 \[frames\]; use 7 or 9"),
        ({"width": 1}, r"width=1: expected an integer >= 3 \[frames\]"),
        ({"width": 9.0}, "width=9.0: expected an integer >= 3"),
        ({"order": 0}, "order=0: expected an integer >= 1"),
        ({"order": 1.0}, "order=1.0: expected an integer"),
        ({"order": 9}, "order=9: expected a polynomial degree below width=9"),
        ({"polyorder": 9}, "polyorder=9: expected a polynomial degree below width=9"),
        ({"polyorder": -1}, "polyorder=-1: expected an integer >= 0"),
        ({"mode": "reflect"}, "mode='reflect': expected one of 'interp', 'nearest', 'mirror', 'constant', 'wrap'"),
        ({"axis": 2}, "axis=2: expected an integer with -2 <= value <= 1"),
        ({"axis": 0}, "width=9: expected at most the 2 values along axis 0 when mode='interp'"),
        ({"delta": 0}, "delta=0: expected a nonzero distance"),
        ({"cval": np.nan, "mode": "constant"}, "cval=nan: expected a finite number"),
        ({"data": np.zeros(12, complex)}, "data has dtype complex128: expected real numbers"),
        ({"data": 1.0}, "width=9: expected at most the 1 values along axis 0"),
    ],
)
def test_delta_refusals(arguments, message):
    with pytest.raises(ParameterError, match=message):
        temporal.delta(**{"data": np.zeros((2, 30)), **arguments})


def test_stack_memory_is_its_definition():
    x = np.arange(24).reshape(2, 2, 6)
    for n_steps in (1, 2, 4, 9):
        for delay in (1, 2, -1, -3, 7):
            got = temporal.stack_memory(x, n_steps, delay)
            assert got.dtype == x.dtype
            assert got.shape == (2, 2 * n_steps, 6)
            for step in range(n_steps):
                for t in range(6):
                    source = t - step * delay
                    expected = x[..., source] if 0 <= source < 6 else np.zeros((2, 2))
                    np.testing.assert_array_equal(got[:, 2 * step : 2 * step + 2, t], expected)
    assert temporal.stack_memory(np.arange(3.0), mode="edge").tolist() == [[0, 1, 2], [0, 0, 1]]
    assert temporal.stack_memory(np.ones((0, 3))).shape == (0, 3)
    assert temporal.stack_memory(5).tolist() == [[5], [0]]
    assert not np.shares_memory(temporal.stack_memory(x, 1), x)


def test_stack_memory_equals_librosa():
    librosa = pytest.importorskip("librosa")
    rng = np.random.default_rng(9)
    for _ in range(60):
        shape = tuple(int(n) for n in rng.integers(1, 8, rng.integers(1, 4)))
        x = rng.normal(size=shape).astype(np.float32)
        x = x[..., ::-1] if rng.integers(2) else x
        keywords = [
            {},
            {"mode": "constant", "constant_values": 2},
            {"mode": "edge"},
            {"mode": "wrap"},
            {"mode": "reflect"},
            {"mode": "symmetric", "reflect_type": "odd"},
            {"mode": "mean", "stat_length": 2},
            {"mode": "linear_ramp", "end_values": 1},
        ][rng.integers(8)]
        arguments = {"n_steps": int(rng.integers(1, 5)), "delay": int(rng.choice([-5, -2, -1, 1, 2, 5])), **keywords}
        expected = librosa.feature.stack_memory(x, **arguments)
        np.testing.assert_array_equal(
            temporal.stack_memory(x, **arguments), expected, strict=True, err_msg=str(arguments)
        )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_steps": 0}, r"n_steps=0: expected an integer >= 1 \[copies\]"),
        ({"delay": 0}, r"delay=0: expected a nonzero integer \[frames\]"),
        ({"delay": 1.5}, "delay=1.5: expected an integer"),
        ({"mode": "no such"}, "mode='no such': expected one of 'constant'"),
        ({"mode": "edge", "constant_values": 3}, "constant_values=3: has no effect with mode='edge'"),
        ({"data": np.zeros((3, 0))}, r"data has shape \(3, 0\): expected at least one column"),
    ],
)
def test_stack_memory_refusals(arguments, message):
    with pytest.raises(ParameterError, match=message):
        temporal.stack_memory(**{"data": np.zeros((2, 5)), **arguments})


def test_importing_the_doors_loads_neither_numba_nor_scipy():
    code = (
        "import sys; from melfeat import convert, filters, temporal, util; "
        "sys.exit(', '.join({'numba', 'scipy', 'soundfile', 'soxr'} & set(sys.modules)) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
