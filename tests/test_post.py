"""What is done to the features of all frames: deltas, normalisation, statistics, cutting and stacking."""

from __future__ import annotations

import itertools
import json
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from melfeat import ParameterError
from melfeat.dsp import post
from melfeat.dsp.delta import DELTA_EDGES, delta_reach, regression_deltas
from melfeat.normalization import CmvnStats, cmvn
from melfeat.temporal import delta, regression_delta
from tests.oracles import delta as savgol_oracle, dialects as oracle

EPS = np.finfo(np.float64).eps
#: Ten values and what torchaudio 2.11 makes of them.
X = np.array([1.0, 4, -2, 7, 0, 3, 8, -5, 2, 6])


def post_fields(**fields):
    return SimpleNamespace(**{**oracle.DEFAULTS["post"], **fields})


class TestRegressionDeltas:
    @pytest.mark.parametrize("edges", DELTA_EDGES)
    @pytest.mark.parametrize(("window", "window_2"), [(1, None), (2, None), (2, 3), (4, 1), (9, None)])
    def test_are_the_oracle(self, window, window_2, edges, dtype, rng):
        fields = post_fields(delta_order=3, delta_window=window, delta_window_2=window_2, delta_edges=edges)
        for n in (0, 1, 2, 3, 4, 5, 9, 17, 31):
            x = rng.normal(size=(2, 3, n)).astype(dtype)
            got = regression_deltas(x, 3, window=window, window_2=window_2, edges=edges)
            for channel in range(2):
                expected = oracle.deltas(x[channel].astype(np.float64), fields)
                for order in range(3):
                    assert got[order].dtype == dtype
                    # Sums of 2 W terms up to 4 in float64, then one rounding.
                    np.testing.assert_allclose(
                        got[order][channel], expected[order], rtol=np.finfo(dtype).eps, atol=64 * EPS
                    )

    def test_known_values(self):
        first, second = regression_deltas(X, 2)
        np.testing.assert_allclose(first, [-0.3, 0.9, 0.1, 0.0, 1.6, -1.6, -0.4, 0.0, 0.7, 2.6], rtol=0, atol=8 * EPS)
        np.testing.assert_allclose(
            second, [0.2, 0.1, 0.29, -0.35, -0.26, -0.2, -0.02, 0.95, 0.86, 0.71], rtol=0, atol=8 * EPS
        )
        # Kaldi convolves the weights with themselves and repeats the first and last frame of the features.
        weights = np.array([-2, -1, 0, 1, 2]) / 10
        extended = np.pad(X, 4, mode="edge")
        composite = np.correlate(extended, np.convolve(weights, weights), "valid")
        np.testing.assert_allclose(regression_deltas(X, 2, edges="kaldi")[1], composite, rtol=0, atol=16 * EPS)
        mixed = regression_deltas(X, 2, edges="opensmile")[1]
        np.testing.assert_array_equal(mixed[:6], second[:6])
        np.testing.assert_allclose(mixed[4:], composite[4:], rtol=0, atol=16 * EPS)
        assert np.abs(second - composite).max() > 0.1

    @given(
        n=st.integers(1, 40),
        cut=st.integers(0, 40),
        window=st.integers(1, 4),
        order=st.integers(1, 3),
        edges=st.sampled_from(DELTA_EDGES),
    )
    def test_frames_depend_on_their_reach_alone(self, n, cut, window, order, edges):
        x = np.random.default_rng(n).normal(size=(2, n + cut)).astype(np.float32)
        reach = delta_reach(order, window)
        assert reach == order * window
        whole, part = (regression_deltas(v, order, window=window, edges=edges)[-1] for v in (x, x[:, :n]))
        keep = max(0, n - reach)
        np.testing.assert_array_equal(whole[:, :keep], part[:, :keep])
        behind = regression_deltas(x[:, cut:], order, window=window, edges=edges)[-1]
        np.testing.assert_array_equal(whole[:, cut + reach :], behind[:, reach:])
        inner = regression_deltas(x, order, window=window)[-1][:, reach : n + cut - reach]
        np.testing.assert_array_equal(whole[:, reach : n + cut - reach], inner)

    def test_rows_are_alone(self, rng, dtype):
        x = rng.normal(size=(2, 40, 4000)).astype(dtype)  # more than one block of rows
        got = regression_deltas(x, 2)
        for row in (0, 15, 16, 39):
            for order in range(2):
                np.testing.assert_array_equal(got[order][1, row], regression_deltas(x[1, row], 2)[order])

    def test_nothing_to_do(self):
        assert regression_deltas(X, 0) == []
        assert delta_reach(0, 2) == 0
        assert delta_reach(3, 2, 5) == 12
        with pytest.raises(ParameterError, match="edges='htk': expected one of 'replicate', 'kaldi', 'opensmile'"):
            regression_deltas(X, edges="htk")

    def test_infinite_levels_become_nan_without_a_warning(self):
        assert np.isnan(regression_deltas(np.full(9, -np.inf))[0]).all()
        assert np.isnan(post.normalize_frames(np.full((1, 9), -np.inf))).all()

    def test_door(self, rng):
        x = rng.normal(size=(5, 20, 3))
        got = regression_delta(x, 4, axis=1)
        np.testing.assert_allclose(got, delta(x, 9, axis=1, mode="nearest"), rtol=0, atol=64 * EPS)
        np.testing.assert_allclose(got[2, :, 1], savgol_oracle.regression(x[2, :, 1], 4), rtol=0, atol=64 * EPS)
        assert got.flags.c_contiguous
        second = regression_delta(np.moveaxis(x, 1, 2), 4, 2, edges="kaldi")
        np.testing.assert_array_equal(second, regression_deltas(np.moveaxis(x, 1, 2), 2, window=4, edges="kaldi")[1])
        assert regression_delta(np.float32([1, 2, 4])).dtype == np.float32
        assert regression_delta([1, 2, 4]).dtype == np.float64
        assert regression_delta(np.zeros((3, 0))).shape == (3, 0)
        for options, message in (
            ({"window": 0}, r"window=0: expected an integer >= 1 \[frames\]"),
            ({"order": 0}, "order=0: expected an integer >= 1"),
            ({"edges": "nearest"}, "edges='nearest': expected one of 'replicate'"),
            ({"axis": 1}, "axis=1: expected"),
        ):
            with pytest.raises(ParameterError, match=message):
                regression_delta(X, **options)
        with pytest.raises(ParameterError, match="complex128: expected real"):
            regression_delta(X + 1j)


class TestNormalize:
    @pytest.mark.parametrize("eps_kind", ["std_add", "var_add", "var_clamp"])
    @pytest.mark.parametrize("kind", post.CMN_KINDS)
    def test_is_the_oracle(self, kind, eps_kind, dtype, rng):
        sizes, windows = (0, 1, 2, 7, 8, 9, 39, 40), ((8, 5), (3, 9))
        for n, ddof, eps, center in itertools.product(sizes, (0, 1), (0.0, 0.1), (False, True)):
            window, min_window = windows[n % 2]
            x = (rng.normal(size=(2, 3, n)) * [[[1], [50], [0]]] + 20).astype(dtype)
            fields = {
                "ddof": ddof,
                "eps": eps,
                "eps_kind": eps_kind,
                "window": window,
                "min_window": min_window,
                "center": center,
            }
            got = cmvn(x, kind, **fields)
            assert got.dtype == dtype
            named = post_fields(cmn=kind, **{f"cmn_{name}": value for name, value in fields.items()})
            for channel in range(2):
                expected = oracle.normalized(x[channel].astype(np.float64), named)
                # Deviations of values up to 200 around 20; the smallest scale is that of two neighbours.
                tight = np.abs(expected[:2]).max(initial=1.0) * 1e4 * EPS + 200 * 64 * EPS
                np.testing.assert_allclose(
                    got[channel, :2], expected[:2], rtol=2 * np.finfo(dtype).eps, atol=max(tight, 1e-11)
                )
                if kind != "all_mean_var":
                    assert not got[channel, 2].any()  # the constant row, exactly

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ({"kind": "sliding_mean", "window": 3, "min_window": 2},
             [-1.5, 1.5, -3.0, 4.5, -2.25, 1.0, 3.5, -6.5, 0.0, 3.25]),
            ({"kind": "sliding_mean", "window": 4, "center": True},
             [-1.5, 1.5, -4.5, 4.75, -2.0, -1.5, 6.5, -7.0, -0.75, 3.25]),
            ({"kind": "sliding_mean_var", "window": 4, "min_window": 3, "eps": 1e-10},
             [0.0, 1.22474487, -1.22474487, 1.34164079, -0.63245553, 0.19127301, 1.24101046, -1.59725914, 0.09470274,
              0.71987403]),
            ({"kind": "sliding_mean_var", "window": 5, "center": True, "eps": 1e-10},
             [-0.31622777, 0.63245553, -1.26491106, 1.46642644, -0.8273403, 0.08406627, 1.51524392, -1.75469296,
              -0.17996851, 0.71987403]),
        ],
    )  # fmt: skip
    def test_sliding_is_torchaudios(self, options, expected):
        np.testing.assert_allclose(cmvn(X[np.newaxis], **options)[0], expected, rtol=0, atol=1e-8)

    def test_known_values(self):
        x = np.array([[1.0, 2, 3, 6], [0, 0, 4, 4]])
        assert cmvn(x, "mean").tolist() == [[-2, -1, 0, 3], [-2, -2, 2, 2]]
        assert cmvn(x)[1].tolist() == [-1, -1, 1, 1]
        np.testing.assert_allclose(cmvn(x, ddof=1)[0], np.array([-2, -1, 0, 3]) / np.sqrt(14 / 3), rtol=8 * EPS)
        np.testing.assert_allclose(cmvn(x, eps=0.5, eps_kind="std_add")[1], np.array([-2, -2, 2, 2]) / 2.5)
        np.testing.assert_allclose(cmvn(x, eps=5.0, eps_kind="var_add")[1], np.array([-2, -2, 2, 2]) / 3)
        np.testing.assert_allclose(cmvn(x, eps=16.0)[1], np.array([-2, -2, 2, 2]) / 4)
        np.testing.assert_allclose(cmvn(x, "all_mean_var"), (x - 2.5) / x.std(), rtol=16 * EPS)

    @pytest.mark.parametrize("kind", post.CMN_KINDS)
    def test_channels_and_rows_are_alone(self, kind, dtype, rng):
        x = rng.normal(size=(3, 2, 13, 701)).astype(dtype)
        before = x.copy()
        options = {"window": 90, "min_window": 30}
        got = cmvn(x, kind, **options)
        assert got.shape == x.shape
        np.testing.assert_array_equal(got[2, 1], cmvn(x[2, 1], kind, **options))
        np.testing.assert_array_equal(cmvn(np.asfortranarray(x), kind, **options), got)
        if kind != "all_mean_var":
            np.testing.assert_array_equal(got[0, 1, 4:5], cmvn(x[0, 1, 4:5], kind, **options))
        np.testing.assert_array_equal(x, before)

    @given(n=st.integers(1, 90), more=st.integers(0, 60), window=st.integers(1, 20), shortest=st.integers(1, 30))
    def test_a_window_that_looks_back_never_looks_ahead(self, n, more, window, shortest):
        x = np.random.default_rng(n).normal(size=(1, n + more))
        options = {"kind": "sliding_mean_var", "window": window, "min_window": shortest}
        whole, part = cmvn(x, **options), cmvn(x[:, :n], **options)
        if n >= shortest:
            np.testing.assert_array_equal(whole[:, :n], part)

    @given(n=st.integers(1, 60), window=st.integers(1, 70), shortest=st.integers(1, 70), center=st.booleans())
    def test_windows_lie_inside(self, n, window, shortest, center):
        start, stop = post.sliding_bounds(n, window, shortest, center)
        t = np.arange(n)
        assert (start >= 0).all()
        assert (stop <= n).all()
        assert ((start <= t) & (t < stop)).all()
        assert (stop - start <= max(window + 1, shortest)).all()
        if center:
            assert (stop - start == min(n, window)).all()

    def test_long_signals_lose_no_digits(self):
        x = np.concatenate([np.full(50_000, 1e8), np.random.default_rng(1).normal(size=2000)])[np.newaxis]
        got = cmvn(x, "sliding_mean", window=100, min_window=1)[0, -1000:]
        expected = [x[0, t] - x[0, t - 100 : t + 1].mean() for t in range(51_000, 52_000)]
        # The level before is taken out of every value, 1e8 eps; what lies further back leaves no other trace.
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e8 * 4 * EPS)

    def test_columns(self, rng):
        x = rng.normal(size=(2, 5, 30)).astype(np.float32)
        whole = cmvn(x)
        for columns, rows in ((slice(1, 4), [1, 2, 3]), ([0, -1], [0, 4]), (np.array([2]), [2]), ([], [])):
            got = cmvn(x, columns=columns)
            others = np.setdiff1d(np.arange(5), rows)
            np.testing.assert_array_equal(got[:, rows], whole[:, rows])
            np.testing.assert_array_equal(got[:, others], x[:, others])
            assert got is not x

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"kind": "var"}, "kind='var': expected one of 'mean', 'mean_var'"),
            ({"ddof": 2}, "ddof=2: expected one of 0, 1"),
            ({"eps": -1.0}, "eps=-1.0: expected a finite number >= 0"),
            ({"eps_kind": "add"}, "eps_kind='add': expected one of 'std_add'"),
            ({"window": 0}, r"window=0: expected an integer >= 1 \[frames\]"),
            ({"min_window": 2.0}, "min_window=2.0: expected an integer"),
            ({"center": "no"}, "center='no': expected True or False"),
            ({"columns": [3]}, r"columns=\[3\]: expected None, a slice, or indices of the 3 features, from -3 to 2"),
            ({"columns": [0.5]}, "columns="),
            ({"columns": 1}, "columns=1: expected None, a slice"),
            ({"columns": [0, -3]}, "expected each feature once"),
            ({"kind": "sliding_mean", "stats": CmvnStats(3)}, "expected 'mean' or 'mean_var' together with stats"),
            ({"stats": CmvnStats(3)}, "stats have seen no frame"),
            ({"stats": CmvnStats(4).update(np.ones((4, 1)))}, r"shape \(3, 10\): expected \(..., 4, n_frames\)"),
        ],
    )
    def test_refusals(self, options, message):
        with pytest.raises(ParameterError, match=message):
            cmvn(np.ones((3, 10)), **options)

    def test_refused_arrays(self):
        for features, message in (
            (np.ones((3, 4), dtype=int), "features has dtype int64: expected floating point"),
            (np.ones(3), r"features has shape \(3,\): expected at least 2"),
            ([[1.0]], "features has type list"),
        ):
            with pytest.raises(ParameterError, match=message):
                cmvn(features)


class TestStats:
    def test_pieces_make_the_whole(self, rng):
        x = rng.normal(size=(3, 5, 200)) * [[[1], [100], [1e-3], [1], [0]]] + [[[0], [1e6], [5], [-3], [7]]]
        frames = x.swapaxes(0, 1).reshape(5, -1)
        stats = (
            CmvnStats(5).update(x[0, :, :0]).update(x[:2]).update(x[2, :, :1]).update(x[2, :, 1:].astype(np.float64))
        )
        assert stats.count == 600
        np.testing.assert_allclose(stats.mean, frames.mean(axis=1), rtol=64 * EPS, atol=64 * EPS)
        for ddof in (0, 1):
            # A mean of 1e6 costs no digits: its variance is 1e4.
            np.testing.assert_allclose(stats.variance(ddof)[:4], frames.var(axis=1, ddof=ddof)[:4], rtol=1e-10)
            np.testing.assert_allclose(stats.std(ddof) ** 2, stats.variance(ddof), rtol=4 * EPS)
        assert stats.variance()[4] == 0.0
        other = CmvnStats(5).update(x[2])
        merged = CmvnStats(5).update(x[0]).update(x[1]).merge(other)
        np.testing.assert_allclose(merged.variance(), stats.variance(), rtol=1e-10)
        assert other == CmvnStats(5).update(x[2])
        assert other != merged
        assert other != 5
        assert repr(merged) == "CmvnStats(n_features=5, count=600)"

    def test_apply(self, dtype, rng):
        x = (rng.normal(size=(2, 3, 400)) * [[[2], [5], [0]]] + 10).astype(dtype)
        stats = CmvnStats(3).update(x)
        got = stats.apply(x)
        assert got.dtype == dtype
        np.testing.assert_allclose(got.mean(axis=(0, 2)), 0.0, atol=40 * np.finfo(dtype).eps)
        np.testing.assert_allclose(got.std(axis=(0, 2)), [1, 1, 0], atol=40 * np.finfo(dtype).eps)
        np.testing.assert_array_equal(got, cmvn(x, stats=stats))
        np.testing.assert_allclose(stats.apply(x, "mean"), x - stats.mean[:, None], atol=40 * np.finfo(dtype).eps)
        some = stats.apply(x, columns=[1])
        np.testing.assert_array_equal(some[:, 1], got[:, 1])
        np.testing.assert_array_equal(some[:, ::2], x[:, ::2])
        np.testing.assert_allclose(stats.apply(x, eps=3.0, eps_kind="std_add")[:, 0], got[:, 0] * 0.4, atol=0.05)
        before = stats.mean
        stats.mean[:] = 0  # a copy
        np.testing.assert_array_equal(stats.mean, before)

    @pytest.mark.parametrize("suffix", [".json", ".npz"])
    def test_saved_and_loaded_is_the_same(self, tmp_path, suffix, rng):
        stats = CmvnStats(4).update(rng.normal(size=(4, 33)) / 3)
        path = tmp_path / f"stats{suffix}"
        stats.save(path)
        loaded = CmvnStats.load(str(path))
        assert loaded == stats
        assert loaded.count == 33
        loaded.update(rng.normal(size=(4, 3)))
        assert loaded.count == 36
        CmvnStats(4).save(path)
        assert CmvnStats.load(path) == CmvnStats(4)
        assert [file.name for file in tmp_path.iterdir()] == [path.name]

    def test_files_that_are_something_else(self, tmp_path):
        good = {"format": "melfeat-cmvn", "version": 1, "count": 2, "mean": [1.0, 2.0], "squares": [0.0, 1.0]}
        path = tmp_path / "stats.json"
        for change, message in (
            ({"version": 2}, "has format melfeat-cmvn version 2, expected melfeat-cmvn 1"),
            ({"format": "other"}, "has format other"),
            ({"squares": [1.0]}, "not finite vectors of one length"),
            ({"mean": [1.0, float("nan")]}, "not finite vectors"),
            ({"mean": "abc"}, "not a file of CmvnStats.save"),
            ({"count": -1}, "count=-1: expected an integer >= 0"),
        ):
            path.write_text(json.dumps({**good, **change}), encoding="utf-8")
            with pytest.raises(ParameterError, match=message):
                CmvnStats.load(path)
        for text in ("", "[1]", "{}", "{"):
            path.write_text(text, encoding="utf-8")
            with pytest.raises(ParameterError, match=r"stats.json: not a file of CmvnStats.save"):
                CmvnStats.load(path)
        archive = tmp_path / "stats.npz"
        archive.write_bytes(b"no archive")
        with pytest.raises(ParameterError, match=r"stats.npz: not a file"):
            CmvnStats.load(archive)
        for action in (CmvnStats.load, CmvnStats(2).save):
            with pytest.raises(ParameterError, match=r"stats.txt: expected a name ending in .json or .npz"):
                action(tmp_path / "stats.txt")
        with pytest.raises(FileNotFoundError):
            CmvnStats.load(tmp_path / "missing.json")

    def test_kaldis_matrix(self):
        x = np.array([[1.0, 2.0, 6.0], [0.0, -1.0, -2.0]])
        stats = CmvnStats(2).update(x)
        np.testing.assert_allclose(stats.to_kaldi(), [[9, -3, 3], [41, 5, 0]], rtol=8 * EPS)
        again = CmvnStats.from_kaldi(np.array([[9, -3, 3], [41, 5, 0]], dtype=np.float32))
        assert again.count == 3
        np.testing.assert_allclose(again.mean, [3, -1], rtol=4 * EPS)
        np.testing.assert_allclose(again.variance(), [14 / 3, 2 / 3], rtol=16 * EPS)
        assert CmvnStats.from_kaldi(np.zeros((2, 3))) == CmvnStats(2)
        for matrix, message in (
            (np.zeros((3, 3)), r"matrix has shape \(3, 3\): expected \(2, n_features \+ 1\)"),
            (np.zeros((2, 1)), "expected"),
            ([[1.0, 1.5], [1.0, 0.0]], r"matrix\[0, -1\]=.*1.5.*expected the number of frames"),
            ([[np.nan, 1], [1.0, 0.0]], "finite"),
        ):
            with pytest.raises(ParameterError, match=message):
                CmvnStats.from_kaldi(matrix)

    def test_refusals_leave_no_trace(self, rng):
        stats = CmvnStats(2).update(rng.normal(size=(2, 5)))
        bad = np.ones((2, 2, 3))
        bad[1, 0, 1] = np.inf
        with pytest.raises(ParameterError, match="features is not finite"):
            stats.update(bad)
        with pytest.raises(ParameterError, match=r"features have shape \(3, 4\)"):
            stats.update(np.ones((3, 4)))
        with pytest.raises(ParameterError, match="expected statistics of 2 features"):
            stats.merge(CmvnStats(3))
        with pytest.raises(ParameterError, match="n_features=0"):
            CmvnStats(0)
        assert stats.count == 5
        with pytest.raises(TypeError, match="unhashable"):
            hash(stats)


class TestFrames:
    def test_energy(self):
        energy = np.array([[0.0, 2.0, -20.0], [1.0, 1.0, 1.0]])
        floor = 2 - 5 * np.log(10)
        got = post.normalize_energy(energy, 0.1, 50.0)
        np.testing.assert_allclose(got, [[0.8, 1.0, 1 - (2 - floor) * 0.1], [1, 1, 1]], rtol=0, atol=8 * EPS)
        named = SimpleNamespace(**{**oracle.DEFAULTS["energy"], "energy_normalize": True, "energy_eps": 0.0})
        np.testing.assert_allclose(oracle.log_energy(np.exp(energy[0]), named), got[0], rtol=0, atol=16 * EPS)
        assert post.normalize_energy(np.float32([]), 0.1, 50.0).shape == (0,)
        assert post.normalize_energy(energy.astype(np.float32), 0.1, 50.0).dtype == np.float32

    def test_cut_pad_stack(self):
        x = np.arange(10.0).reshape(1, 2, 5)
        assert post.fix_frames(x, 3, 9.0)[0].tolist() == [[0, 1, 2], [5, 6, 7]]
        assert post.fix_frames(x, 6, 9.0)[0].tolist() == [[0, 1, 2, 3, 4, 9], [5, 6, 7, 8, 9, 9]]
        assert post.pad_frames(x, 3, -1.0).shape == (1, 2, 6)
        assert post.pad_frames(x, 5, 0.0) is x
        stacked = post.stack_frames(x, 2)
        assert stacked[0].tolist() == [[0, 2], [5, 7], [1, 3], [6, 8]]
        assert post.stack_frames(x, 6).shape == (1, 12, 0)
        assert post.stack_frames(x, 1) is x

    @settings(max_examples=150)
    @given(
        n=st.integers(0, 25),
        energy_row=st.sampled_from([None, 0, 2]),
        n_dropped=st.integers(0, 2),
        fields=st.fixed_dictionaries(
            {},
            optional={
                "cmn": st.sampled_from([None, *post.CMN_KINDS]),
                "cmn_columns": st.sampled_from(["static", "no_energy", "all"]),
                "cmn_ddof": st.integers(0, 1),
                "cmn_eps": st.sampled_from([0.0, 0.1]),
                "cmn_eps_kind": st.sampled_from(["std_add", "var_add", "var_clamp"]),
                "cmn_window": st.integers(1, 12),
                "cmn_min_window": st.integers(1, 12),
                "cmn_center": st.booleans(),
                "delta_order": st.integers(0, 3),
                "delta_window": st.integers(1, 3),
                "delta_window_2": st.sampled_from([None, 1, 2]),
                "delta_edges": st.sampled_from(DELTA_EDGES),
                "pad_dropped": st.booleans(),
                "fixed_frames": st.sampled_from([None, 1, 8, 30]),
                "pad_to": st.integers(1, 4),
                "pad_value": st.sampled_from([0.0, -3.0]),
                "stack": st.integers(1, 3),
                "shift": st.sampled_from([0.0, 1.5]),
                "scale": st.sampled_from([1.0, -0.5]),
            },
        ),
    )
    def test_all_of_it_is_the_oracle(self, n, energy_row, n_dropped, fields):
        x = np.random.default_rng(n).normal(size=(2, 3, n))
        before = x.copy()
        got = post.postprocess(x, energy_row=energy_row, n_dropped=n_dropped, **fields)
        for channel in range(2):
            expected = oracle.post(x[channel], post_fields(**fields), energy_row, n_dropped)
            assert got[channel].shape == expected.shape
            # A window's variance is a difference of squares: two frames that are nearly equal leave half of the digits.
            np.testing.assert_allclose(got[channel], expected, rtol=1e-7, atol=1e-7)
        np.testing.assert_array_equal(x, before)
