"""The kernels that run along rows: the bits of NumPy's definitions, and filters against SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter

from melfeat.dsp.delta import DELTA_EDGES, regression_deltas
from melfeat.dsp.post import normalize_frames
from melfeat.kernels.rows import OFFSET_STATE, emphasize, remove_offset
from melfeat.rows import fast_deltas, fast_normalize
from tests.support import assert_near, assert_same_bytes, eps, fewer

DTYPES = [np.float32, np.float64]
LENGTHS = fewer([1, 2, 3, 7, 8, 9, 15, 16, 17, 100, 127, 128, 129, 135, 136, 137, 255, 256, 257, 1000, 3001, 20011], 9)

#: Lengths of sliding windows, their least, and whether they are centred.
WINDOWS = [
    *((1, 1, False), (1, 1, True), (2, 1, True), (5, 2, True), (6, 3, False), (7, 40, False), (130, 9, False)),
    *((131, 1, True), (300, 100, False), (10**9, 7, False), (10**9, 7, True)),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", LENGTHS)
class TestSameBits:
    @pytest.mark.parametrize("kind", ["mean", "mean_var", "all_mean_var"])
    @pytest.mark.parametrize("eps_kind", ["std_add", "var_add", "var_clamp"])
    def test_normalize(self, rng, n, dtype, kind, eps_kind):
        x = (10 * rng.standard_normal((2, 3, n)) + [[[1e3], [0], [-7]]]).astype(dtype)
        x[1, 1] = 4.5
        for ddof in (0, 1):
            options = {"ddof": ddof, "eps": 1e-5, "eps_kind": eps_kind}
            assert_same_bytes(fast_normalize(x, kind, **options), normalize_frames(x, kind, **options))

    @pytest.mark.parametrize("kind", ["sliding_mean", "sliding_mean_var"])
    @pytest.mark.parametrize(("window", "min_window", "center"), fewer(WINDOWS, 6))
    def test_sliding(self, rng, n, dtype, kind, window, min_window, center):
        x = (10 * rng.standard_normal((2, 3, n)) + [[[1e3], [0], [-7]]]).astype(dtype)
        x[1, 1] = 4.5
        options = {"window": window, "min_window": min_window, "center": center}
        for ddof, eps_kind in enumerate(("std_add", "var_add")):
            options |= {"ddof": ddof, "eps": 1e-5, "eps_kind": eps_kind}
            assert_same_bytes(fast_normalize(x, kind, **options), normalize_frames(x, kind, **options))
        options |= {"eps": 0.0, "eps_kind": "var_clamp"}
        assert_same_bytes(fast_normalize(x, kind, **options), normalize_frames(x, kind, **options))

    @pytest.mark.parametrize("edges", DELTA_EDGES)
    @pytest.mark.parametrize(("order", "window", "window_2"), [(1, 2, None), (2, 2, None), (3, 1, 4), (2, 3, 2)])
    def test_deltas(self, rng, n, dtype, edges, order, window, window_2):
        x = rng.standard_normal((2, 3, n)).astype(dtype)
        options = {"window": window, "window_2": window_2, "edges": edges}
        expected = regression_deltas(x, order, **options)
        for got, other in zip(fast_deltas(x, order, **options), expected, strict=True):
            assert_same_bytes(got, other)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.0, -0.0])
def test_what_is_not_finite(value):
    x = np.linspace(-1, 1, 300).reshape(2, 150)
    x[0, 77] = value
    x[1] = value
    for kind in ("mean", "mean_var", "sliding_mean", "sliding_mean_var"):
        for window in (5, 600):
            options = {"window": window, "min_window": 3}
            np.testing.assert_array_equal(fast_normalize(x, kind, **options), normalize_frames(x, kind, **options))
    for got, other in zip(fast_deltas(x, 2), regression_deltas(x, 2), strict=True):
        np.testing.assert_array_equal(got, other)


def test_empty_and_read_only(rng):
    assert fast_normalize(np.zeros((3, 0)), "mean").shape == (3, 0)
    assert [part.shape for part in fast_deltas(np.zeros((3, 0), np.float32), 2)] == [(3, 0), (3, 0)]
    x = rng.standard_normal((4, 30))
    x.setflags(write=False)
    assert_same_bytes(fast_normalize(x, "mean"), normalize_frames(x, "mean"))
    assert_same_bytes(fast_normalize(x[:, ::2], "mean"), normalize_frames(x[:, ::2].copy(), "mean"))
    options = {"window": 5, "min_window": 2, "center": True}
    for part in (x, x[:, ::2], np.asfortranarray(x)):
        expected = normalize_frames(np.ascontiguousarray(part), "sliding_mean", **options)
        assert_same_bytes(fast_normalize(part, "sliding_mean", **options), expected)


@pytest.mark.parametrize("dtype", DTYPES)
class TestSignals:
    @pytest.mark.parametrize("n", [1, 2, 8, 9, 40, 333])
    def test_emphasize(self, rng, n, dtype):
        x = rng.standard_normal(n).astype(dtype)
        for scaled_first in (False, True):
            for scale in (1.0, 32768.0, 0.3):
                out = np.full(n, np.nan, dtype)
                emphasize(x, dtype(scale), dtype(-0.97), scaled_first, out)
                y = x * dtype(scale)
                expected = y.copy()
                expected[1:] += y[:-1] * dtype(-0.97)
                if scaled_first:
                    expected[0] += y[0] * dtype(-0.97)
                assert_same_bytes(out, expected)

    @pytest.mark.parametrize("a", [0.0, 0.5, 0.98, 0.999, 1.0])
    @pytest.mark.parametrize("n", [1, 7, 8, 9, 1000, 1023, 1024, 1025, 5000])
    def test_remove_offset(self, rng, n, a, dtype):
        x = (rng.standard_normal(n) + 30).astype(dtype)
        out = np.full(n, np.nan, dtype)
        remove_offset(x, a, np.zeros(OFFSET_STATE), out)
        expected = lfilter([1.0, -1.0], [1.0, -a], x.astype(np.float64))
        # The float64 sums are rounded once to the dtype; both ways of summing are off by some roundings of the largest.
        scale = np.abs(expected).max() + np.abs(x).max()
        assert_near(out.astype(np.float64), expected, eps(dtype) * scale + 200 * eps(np.float64) * scale)

    def test_an_offset_is_removed_in_pieces(self, rng, dtype):
        """Any cut gives the same bits; what was given is not written to."""
        x = (rng.standard_normal(4000) + 3).astype(dtype)
        before, whole = x.copy(), np.empty_like(x)
        remove_offset(x, 0.999, np.zeros(OFFSET_STATE), whole)
        for step in (1, 3, 160, 1024, 3999) if x.size else ():
            state, out = np.zeros(OFFSET_STATE), np.empty_like(x)
            for begin in range(0, 4000 if step > 3 else 60, step):
                remove_offset(x[begin : begin + step], 0.999, state, out[begin : begin + step])
            n = 4000 if step > 3 else 60
            assert_same_bytes(out[:n].copy(), whole[:n].copy())
        assert_same_bytes(x, before)
