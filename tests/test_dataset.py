"""Tables of features: what is in them, what is listed as failed, and that interruptions leave no trace."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile

import melfeat
from melfeat.cli import main
from melfeat.dataset import Progress, _clips, _local, _shard, check, convert, extract, load_features
from melfeat.dataset._extras import is_there
from melfeat.dataset._progress import shower
from melfeat.dataset._store import Store
from melfeat.errors import AudioFileError, FormatError, MelfeatError, MissingExtraError, ParameterError, SpecMismatch
from tests.dataset_tree import BAD, contents, make_tree

NEEDS = {"parquet": "pyarrow", "hdf5": "h5py"}
STATS_FORMATS = ["csv", "jsonl", "npz", "npy", "ark", "parquet", "hdf5"]
FRAME_FORMATS = ["jsonl", "npz", "npy", "ark", "htk", "parquet", "hdf5"]
#: Files of the tree; MELFEAT_FULL=1 makes it as large as the promises are.
N_FILES = 5000 if os.environ.get("MELFEAT_FULL") else 180


def need(format):
    if format in NEEDS:
        pytest.importorskip(NEEDS[format])


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tree")
    return folder, *make_tree(folder, N_FILES)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    return folder, *make_tree(folder, 30, seed=11)


@pytest.fixture(scope="module")
def undisturbed(small, tmp_path_factory):
    """The bytes of a table that nothing happened to."""
    out = tmp_path_factory.mktemp("undisturbed") / "table"
    extract(small[0], out, pool=("mean", "std"), format="npy", n_jobs=0, rows_per_shard=4)
    return contents(out)


def alone(path, fx, stats=None):
    """The definition: what `load` and the extractor give for one file."""
    x = fx(melfeat.load(path, sr=fx.config.sr)[0])
    if stats is None:
        return x
    x = x.astype(np.float64)
    return np.concatenate([getattr(x, name)(axis=1) for name in stats]).astype(np.float32)


class TestTable:
    def test_every_good_file_is_in_it_and_every_bad_one_listed(self, tree, tmp_path):
        folder, good, bad = tree
        fx = melfeat.Extractor("librosa", n_mfcc=13)
        report = extract(folder, tmp_path / "t", fx, pool=("mean", "std"), format="csv", labels="parent", n_jobs=1)
        table = load_features(tmp_path / "t", expect=fx)
        assert sorted(table.ids) == sorted(good)
        assert (report.n_rows, report.n_ok, report.n_failed) == (N_FILES, len(good), len(bad))
        assert table.X.shape == (len(good), 26)
        assert table.X.dtype == np.float32
        for name, row, label in zip(table.ids, table.X, table.labels["label"], strict=True):
            # The deviation is taken about the first frame: another order of roundings in float64, then one to float32.
            np.testing.assert_allclose(row, alone(folder / name, fx, ("mean", "std")), rtol=3e-7, atol=1e-6)
            assert label == name.split("/")[1]
        failed = {error["id"]: error["reason"] for error in table.errors}
        assert set(failed) == set(bad)
        assert set(bad.values()) <= set(BAD.values())
        for name, words in bad.items():
            assert words in failed[name], (name, failed[name])
            assert str(folder) not in failed[name].split(";")[0].split("(")[0]
        assert check(tmp_path / "t").problems == []

    def test_frames_are_those_of_the_extractor(self, small, tmp_path):
        folder, good, _ = small
        extract(folder, tmp_path / "t", "kaldi-fbank", format="npz", n_jobs=0, rows_per_shard=7)
        table = load_features(tmp_path / "t", expect="kaldi-fbank")
        fx = melfeat.Extractor("kaldi-fbank")
        long = [name for name in good if alone(folder / name, fx).shape[1]]
        assert table.ids == sorted(long, key=table.ids.index)
        assert sorted(table.ids) == sorted(long)
        for name, x, n in zip(table.ids, table.X, table.n_frames, strict=True):
            np.testing.assert_array_equal(x, alone(folder / name, fx))
            assert x.shape == (23, n)
        short = {error["id"]: error["reason"] for error in table.errors}
        for name in set(good) - set(long):
            assert "too short for a frame" in short[name]

    def test_real_recordings(self, shared_data, tmp_path):
        files = sorted((shared_data / "sounds").rglob("*.ogg"))[::12]
        files += sorted((shared_data / "speech_digits").glob("*.wav"))[::100]
        files += sorted((shared_data / "speech").iterdir())
        report = extract(files, tmp_path / "t", pool="mean", format="jsonl", n_jobs=0)
        assert (report.n_ok, report.n_failed) == (len(files), 0)
        table = load_features(tmp_path / "t")
        np.testing.assert_array_equal(table.X, melfeat.mfcc_stats(files, n_mfcc=20))

    def test_names_of_columns(self, small, tmp_path):
        extract(small[0], tmp_path / "t", "kaldi-mfcc", pool=("max", "mean"), format="csv", n_jobs=0)
        header = (tmp_path / "t" / "part-00000.csv").read_text().split("\n")[0].split(",")
        assert header[:5] == ["id", "path", "sample_rate", "duration", "n_frames"]
        assert header[5:7] == ["energy_max", "c1_max"]
        assert header[-1] == "c12_mean"

    def test_long_clips_are_not_held(self, small, tmp_path, monkeypatch):
        folder, *_ = small
        for stats in ("mean", None):
            whole, pieces = tmp_path / f"whole-{stats}", tmp_path / f"pieces-{stats}"
            extract(folder, whole, pool=stats, format="npy", n_jobs=0)
            with monkeypatch.context() as patched:
                patched.setattr(_clips, "_LONG_SECONDS", 0.0)
                extract(folder, pieces, pool=stats, format="npy", n_jobs=0)
            ours, theirs = contents(whole), contents(pieces)
            assert set(ours) == set(theirs)
            assert all(ours[name] == theirs[name] for name in ours if name.endswith(".npy"))

    def test_parts_of_files(self, tmp_path, rng):
        y = (0.1 * rng.standard_normal(22050)).astype(np.float32)
        soundfile.write(tmp_path / "a.wav", y, 22050, subtype="FLOAT")
        rows = [
            {"path": "a.wav", "offset": 0.25, "duration": 0.5, "who": "x"},
            {"path": "a.wav", "who": "y"},
            {"path": "a.wav", "offset": 3.0},
            {"path": "a.wav", "offset": -1.0},
            {"path": "a.wav", "duration": "long"},
        ]
        extract(rows, tmp_path / "t", format="npy", n_jobs=0, root=tmp_path)
        table = load_features(tmp_path / "t")
        fx = melfeat.Extractor("librosa")
        assert table.ids == ["a.wav", "a.wav#2"]
        assert table.labels == {"who": ["x", "y"]}
        assert table.duration == [11025 / 22050, 1.0]
        np.testing.assert_array_equal(table.X[0], fx(y[5512 : 5512 + 11025]))
        np.testing.assert_array_equal(table.X[1], fx(y))
        reasons = [error["reason"] for error in table.errors]
        assert "no samples from 3 s on" in reasons[0]
        assert reasons[1].startswith("offset=-1.0: expected a number >= 0")
        assert reasons[2].startswith("duration='long'")

    def test_progress_is_told(self, small, tmp_path):
        told: list[Progress] = []
        extract(small[0], tmp_path / "t", pool="mean", format="csv", n_jobs=0, rows_per_shard=10, progress=told.append)
        assert [p.n_done for p in told] == [10, 20, 30]
        assert told[-1].n_failed == len(small[2])
        assert "30 of 30 clips" in str(told[-1])

    def test_bar(self, small, tmp_path):
        pytest.importorskip("tqdm")

        class Terminal(io.StringIO):
            def isatty(self):
                return True

        terminal = Terminal()
        bar = shower(True, terminal)
        extract(small[0], tmp_path / "t", pool="mean", format="csv", n_jobs=0, rows_per_shard=10, progress=bar)
        assert "30/30" in terminal.getvalue()
        assert f"{len(small[2])} failed" in terminal.getvalue()

    def test_lines(self):
        stream = io.StringIO()
        lines = shower(True, stream, every=0)
        for done, seconds in ((0, 0.0), (500, 2.0), (10_000_000, 3.0)):
            lines(Progress(done, 10_000_000, 7, 100, seconds))
        assert stream.getvalue().splitlines() == [
            "melfeat: 0 of 10000000 clips, 0/s, 7 failed",
            "melfeat: 500 of 10000000 clips, 200/s, 13:53:18 left, 7 failed",
            "melfeat: 10000000 of 10000000 clips, 3333300/s, 7 failed",
        ]
        with pytest.raises(ParameterError, match="progress=3: expected True"):
            shower(3)

    def test_first_failure_ends_the_run_if_that_is_wanted(self, small, tmp_path):
        with pytest.raises(AudioFileError, match=r"fold\d/"):
            extract(small[0], tmp_path / "t", pool="mean", format="csv", n_jobs=0, on_error="raise")
        with pytest.raises(FormatError, match="not finished"):
            load_features(tmp_path / "t")

    def test_a_run_that_is_not_finished_leaves_the_number_of_threads(self, small, tmp_path, monkeypatch):
        """Whoever asks for features while the results of a shard come, or after they were left, has all threads."""
        seen = []
        monkeypatch.setattr(_shard, "_index_of", lambda made: seen.append(melfeat.get_num_threads()) or 1 / 0)
        melfeat_threads = melfeat.get_num_threads()
        with melfeat.threads(3):
            try:
                extract(small[0], tmp_path / "t", pool="mean", format="csv", n_jobs=0)
            except ZeroDivisionError as error:
                kept = error  # and with it the frames of the run, which a collector would close
            assert seen == [3]
            assert melfeat.get_num_threads() == 3
        assert melfeat.get_num_threads() == melfeat_threads
        del kept


class TestFormats:
    @pytest.mark.parametrize("format", STATS_FORMATS)
    def test_statistics(self, format, small, tmp_path):
        need(format)
        options = {"pool": ("mean", "skew"), "labels": "parent", "n_jobs": 0, "rows_per_shard": 8}
        extract(small[0], tmp_path / "t", format=format, **options)
        extract(small[0], tmp_path / "u", format="csv", **options)
        table, other = load_features(tmp_path / "t"), load_features(tmp_path / "u")
        np.testing.assert_array_equal(table.X, other.X)
        for name in ("ids", "paths", "labels", "duration", "sample_rate", "n_frames", "names", "errors"):
            assert getattr(table, name) == getattr(other, name), name
        assert check(tmp_path / "t").problems == []
        extract(small[0], tmp_path / "again", format=format, **options)
        assert contents(tmp_path / "again") == contents(tmp_path / "t")

    @pytest.mark.parametrize("format", FRAME_FORMATS)
    def test_frames(self, format, small, tmp_path):
        need(format)
        extract(small[0], tmp_path / "t", "whisper", format=format, n_jobs=0, rows_per_shard=8)
        extract(small[0], tmp_path / "u", "whisper", format="npy", n_jobs=0, rows_per_shard=8)
        table, other = load_features(tmp_path / "t"), load_features(tmp_path / "u")
        assert table.ids == other.ids
        assert len(table.X) == len(other.X) > 20
        for a, b in zip(table.X, other.X, strict=True):
            np.testing.assert_array_equal(a, b)
        assert check(tmp_path / "t").problems == []

    @pytest.mark.parametrize("format", ["parquet", "hdf5", "csv", "jsonl", "ark", "npz"])
    def test_missing_labels_and_all_kinds(self, format, tmp_path):
        need(format)
        path = melfeat.demo_path()
        rows = [
            {"path": path, "n": 1, "x": 0.5, "ok": True, "text": 'a, "b"\nc é'},
            {"path": path, "n": None, "x": 2, "ok": None, "text": None},
            {"path": path, "n": -3, "x": None, "ok": False, "text": "7"},
        ]
        extract(rows, tmp_path / "t", pool="mean", format=format, n_jobs=0)
        labels = load_features(tmp_path / "t").labels
        assert labels["n"] == [1, None, -3]
        assert labels["x"] == [0.5, 2.0, None]
        assert labels["ok"] == [True, None, False]
        assert labels["text"] == ['a, "b"\nc é', "" if format == "csv" else None, "7"]

    def test_parquet_is_read_by_its_own_reader(self, small, tmp_path):
        parquet = pytest.importorskip("pyarrow.parquet")
        extract(small[0], tmp_path / "t", pool="mean", format="parquet", n_jobs=0, rows_per_shard=8)
        table = parquet.read_table(tmp_path / "t")  # the folder: manifest and errors do not disturb
        assert table.column("id").to_pylist() == load_features(tmp_path / "t").ids
        found = json.loads(table.schema.metadata[b"melfeat"])
        assert found["fingerprint"] == melfeat.Config.preset("librosa").fingerprint
        assert melfeat.Config.from_json(json.dumps(found["config"])) == melfeat.Config.preset("librosa")

    def test_frames_in_parquet(self, small, tmp_path):
        parquet = pytest.importorskip("pyarrow.parquet")
        extract(small[0], tmp_path / "t", format="parquet", n_jobs=0)
        table = load_features(tmp_path / "t")
        frames = parquet.read_table(tmp_path / "t").column("features")
        for found, x in zip(frames.to_pylist(), table.X, strict=True):
            np.testing.assert_array_equal(np.array(found, np.float32), x.T)

    def test_ark_is_read_by_kaldiio(self, small, tmp_path, monkeypatch):
        kaldiio = pytest.importorskip("kaldiio")
        extract(small[0], tmp_path / "t", format="ark", n_jobs=0, rows_per_shard=8)
        monkeypatch.chdir(tmp_path / "t")
        found = kaldiio.load_scp("feats.scp")
        table = load_features(tmp_path / "t")
        assert list(found) == [name.replace("%", "%25").replace(" ", "%20") for name in table.ids]
        for key, x in zip(found, table.X, strict=True):
            np.testing.assert_array_equal(found[key], x.T)

    def test_hdf5_is_read_by_h5py(self, small, tmp_path):
        h5py = pytest.importorskip("h5py")
        extract(small[0], tmp_path / "t", format="hdf5", n_jobs=0)
        table = load_features(tmp_path / "t")
        with h5py.File(tmp_path / "t" / "part-00000.h5") as file:
            assert file["index/id"].asstr()[:].tolist() == table.ids
            first, n = file["first_frame"][3], file["index/n_frames"][3]
            np.testing.assert_array_equal(file["features"][first : first + n], table.X[3].T)
            assert json.loads(file.attrs["melfeat"])["fingerprint"] == table.config.fingerprint

    def test_htk_and_npz_are_read_by_their_readers(self, small, tmp_path):
        extract(small[0], tmp_path / "h", format="htk", n_jobs=0)
        extract(small[0], tmp_path / "z", format="npz", n_jobs=0)
        table = load_features(tmp_path / "h")
        paths = sorted((tmp_path / "h" / "part-00000").glob("*.htk"))
        x, header = melfeat.read_htk(paths[0])
        np.testing.assert_array_equal(x, table.X[0])
        assert header.period == pytest.approx(512 / 22050, abs=1e-7)
        with np.load(sorted((tmp_path / "z" / "part-00000").glob("*.npz"))[0]) as archive:
            np.testing.assert_array_equal(archive["features"], table.X[0])
            assert json.loads(str(archive["melfeat"]))["fingerprint"] == table.config.fingerprint
            assert str(archive["id"]) == table.ids[0]

    def test_formats_that_cannot_hold_it(self, small, tmp_path):
        with pytest.raises(ParameterError, match="holds statistics"):
            extract(small[0], tmp_path / "t", format="csv")
        with pytest.raises(ParameterError, match="holds frames"):
            extract(small[0], tmp_path / "t", pool="mean", format="htk")
        with pytest.raises(ParameterError, match="format='xls'"):
            extract(small[0], tmp_path / "t", pool="mean", format="xls")
        assert not (tmp_path / "t").exists()

    def test_missing_package_is_named(self, small, tmp_path, monkeypatch):
        monkeypatch.setitem(sys.modules, "pyarrow", None)
        with pytest.raises(MissingExtraError, match=r'pip install "melfeat\[parquet\]"'):
            extract(small[0], tmp_path / "t", format="parquet")

    @pytest.mark.parametrize("target", ["x.csv", "x.jsonl", "x.ark", "x.parquet", "x.h5"])
    def test_converted_to_a_file(self, target, small, tmp_path):
        need({".parquet": "parquet", ".h5": "hdf5"}.get(Path(target).suffix))
        extract(small[0], tmp_path / "t", pool="mean", format="npy", n_jobs=0, rows_per_shard=8)
        assert convert(tmp_path / "t", tmp_path / target) == len(small[1])
        table, other = load_features(tmp_path / "t"), load_features(tmp_path / target, expect="librosa")
        np.testing.assert_array_equal(table.X, other.X)
        assert table.ids == other.ids
        with pytest.raises(ParameterError, match="is there already"):
            convert(tmp_path / "t", tmp_path / target)

    def test_converted_to_a_folder(self, small, tmp_path):
        extract(small[0], tmp_path / "t", format="npz", n_jobs=0, rows_per_shard=8)
        convert(tmp_path / "t", tmp_path / "u", format="ark")
        assert check(tmp_path / "u").problems == []
        for a, b in zip(load_features(tmp_path / "t").X, load_features(tmp_path / "u").X, strict=True):
            np.testing.assert_array_equal(a, b)


class TestContract:
    def test_another_configuration_is_refused(self, small, tmp_path):
        out = tmp_path / "t"
        extract(small[0], out, "librosa", pool="mean", format="csv", n_jobs=0)
        before = contents(out)
        with pytest.raises(SpecMismatch, match=r"n_mfcc  20 \| 13") as caught:
            extract(small[0], out, melfeat.Config.preset("librosa", n_mfcc=13), pool="mean", n_jobs=0)
        assert "resume=False" in str(caught.value)
        with pytest.raises(SpecMismatch, match=r"stats: \('mean',\) there, \('std',\) now"):
            extract(small[0], out, pool="std", format="csv", n_jobs=0)
        with pytest.raises(SpecMismatch, match="preemphasis"):
            load_features(out, expect=melfeat.Config.preset("librosa", preemphasis=0.97))
        assert contents(out) == before
        extract(small[0], out, "whisper", pool="std", format="csv", n_jobs=0, resume=False)
        assert load_features(out, expect="whisper").stats == ("std",)

    def test_options_without_effect_are_no_mismatch(self, small, tmp_path):
        extract(small[0], tmp_path / "t", pool="mean", format="csv", n_jobs=0)
        load_features(tmp_path / "t", expect=melfeat.Config.preset("librosa", delta_window=3))

    def test_finished_shards_are_kept(self, small, tmp_path):
        folder = tmp_path / "source"
        shutil.copytree(small[0], folder, symlinks=True)
        out = tmp_path / "t"
        options = {"pool": "mean", "format": "csv", "n_jobs": 0, "rows_per_shard": 4}
        extract(folder, out, **options)
        times = {path.name: path.stat().st_mtime_ns for path in out.glob("part-*")}
        report = extract(folder, out, **options)
        assert report.n_reused == report.n_rows == 30
        assert times == {path.name: path.stat().st_mtime_ns for path in out.glob("part-*")}
        # Files that come, and files that go, and a shard that is cut off.
        (folder / "zzz").mkdir()
        soundfile.write(folder / "zzz" / "z.wav", np.zeros(4000), 16000)
        (folder / load_features(out).ids[-1]).unlink()
        (out / "part-00001.csv").write_bytes((out / "part-00001.csv").read_bytes()[:-1])
        report = extract(folder, out, **options)
        assert 0 < report.n_reused < 30
        extract(folder, tmp_path / "u", **options)
        assert contents(out) == contents(tmp_path / "u")

    def test_fewer_rows_leave_no_shards(self, small, tmp_path):
        files = sorted(str(small[0] / name) for name in small[1])
        options = {"pool": "mean", "format": "npy", "n_jobs": 0, "rows_per_shard": 4}
        extract(files, tmp_path / "t", **options)
        extract(files[:9], tmp_path / "t", **options)
        extract(files[:9], tmp_path / "u", **options)
        assert contents(tmp_path / "t") == contents(tmp_path / "u")

    def test_failures_are_tried_again_if_that_is_wanted(self, tmp_path):
        (tmp_path / "a.wav").write_bytes(b"")
        options = {"pool": "mean", "format": "csv", "n_jobs": 0}
        assert extract([tmp_path / "a.wav"], tmp_path / "t", **options).n_failed == 1
        shutil.copy(melfeat.demo_path(), tmp_path / "a.wav")
        assert extract([tmp_path / "a.wav"], tmp_path / "t", **options).n_failed == 1
        assert extract([tmp_path / "a.wav"], tmp_path / "t", retry_failed=True, **options).n_failed == 0

    def test_what_is_not_ours_stays(self, small, tmp_path):
        out = tmp_path / "t"
        out.mkdir()
        (out / "diary.txt").write_text("mine")
        extract(small[0], out, pool="mean", format="csv", n_jobs=0)
        extract(small[0], out, pool="std", format="csv", n_jobs=0, resume=False)
        assert (out / "diary.txt").read_text() == "mine"

    def test_damage_is_found(self, small, tmp_path):
        out = tmp_path / "t"
        extract(small[0], out, pool="mean", format="csv", n_jobs=0, rows_per_shard=8)
        path = out / "part-00001.csv"
        data = path.read_bytes()
        path.write_bytes(data.replace(b"1", b"2", 1))
        assert "checksum" in check(out).problems[0]
        path.write_bytes(data[:-5])
        assert "bytes, expected" in check(out).problems[0]
        path.unlink()
        assert check(out).problems == ["part-00001.csv: is missing"]
        path.write_bytes(data)
        (out / "part-00009.csv").write_bytes(data)
        assert check(out).problems == ["part-00009.csv: is no shard of this table"]

    def test_two_runs_at_once_are_refused(self, small, tmp_path):
        pytest.importorskip("fcntl")
        store = Store(tmp_path / "t")
        store.create()
        with store.locked(), pytest.raises(ParameterError, match="another run"):
            extract(small[0], tmp_path / "t", pool="mean", format="csv", n_jobs=0)

    def test_not_a_table(self, tmp_path):
        with pytest.raises(FormatError, match="no such table"):
            load_features(tmp_path / "nothing")
        with pytest.raises(FormatError, match="no table of features"):
            load_features(tmp_path)
        with pytest.raises(FormatError, match="no table of features"):
            check(tmp_path)


POISON = """
import os, sys
from melfeat.dataset import _clips
load = _clips.Maker._load
def deadly(self, number, row):
    if "s16" in row.shown and row.shown.endswith(os.environ["POISON"]):
        os.kill(os.getpid(), 11)
    return load(self, number, row)
_clips.Maker._load = deadly
"""


class TestWorkers:
    def test_any_executor_gives_the_same_bytes(self, small, tmp_path, undisturbed):
        options = {"pool": ("mean", "std"), "format": "npy", "rows_per_shard": 4}
        with ThreadPoolExecutor(3) as threads:
            extract(small[0], tmp_path / "threads", executor=threads, **options)
        assert contents(tmp_path / "threads") == undisturbed
        extract(small[0], tmp_path / "two", n_jobs=2, **options)
        assert contents(tmp_path / "two") == undisturbed

    def test_a_worker_that_dies_costs_its_file(self, small, tmp_path, monkeypatch):
        folder, good, bad = small
        (tmp_path / "sitecustomize.py").write_text(POISON)
        monkeypatch.setenv("POISON", ".wav")
        monkeypatch.syspath_prepend(str(tmp_path))
        report = extract(folder, tmp_path / "t", pool="mean", format="csv", n_jobs=2, rows_per_shard=10)
        table = load_features(tmp_path / "t")
        dead = {error["id"] for error in table.errors if error["reason"] == "its worker process died (SIGSEGV)"}
        assert dead == {name for name in good if "s16" in name} != set()
        assert sorted(table.ids) == sorted(set(good) - dead)
        assert report.n_failed == len(dead) + len(bad)
        assert check(tmp_path / "t").problems == []

    def test_a_worker_that_dies_once_costs_nothing(self, small, tmp_path, monkeypatch, undisturbed):
        once = tmp_path / "once"
        (tmp_path / "sitecustomize.py").write_text(
            POISON.replace(
                'if "s16"', f'if not os.path.exists({str(once)!r}) and not os.mkdir({str(once)!r}) or False and "s16"'
            )
        )
        monkeypatch.setenv("POISON", "")
        monkeypatch.syspath_prepend(str(tmp_path))
        extract(small[0], tmp_path / "t", pool=("mean", "std"), format="npy", n_jobs=1, rows_per_shard=4)
        assert once.exists()
        assert contents(tmp_path / "t") == undisturbed

    def test_a_pool_that_breaks_is_replaced(self, small, tmp_path, undisturbed):
        with ProcessPoolExecutor(1) as pool:
            pool.submit(os.getpid).result()
            next(iter(pool._processes.values())).kill()
            options = {"pool": ("mean", "std"), "format": "npy", "n_jobs": 1, "rows_per_shard": 4}
            extract(small[0], tmp_path / "t", executor=pool, **options)
        assert contents(tmp_path / "t") == undisturbed

    def test_the_executor_of_processes(self):
        with _local.LocalProcesses(1) as pool:
            assert pool.submit(abs, -3).result() == 3
            with pytest.raises(ZeroDivisionError):
                pool.submit(divmod, 1, 0).result()
            with pytest.raises(_local.WorkerDiedError, match="exit code 5"):
                pool.submit(os._exit, 5).result()
            with pytest.raises(_local.WorkerDiedError, match="SIGKILL, perhaps out of memory"):
                pool.submit(signal.raise_signal, signal.SIGKILL).result()
            assert pool.submit(os.getenv, "MELFEAT_NUM_THREADS").result() == "1"

    @pytest.mark.parametrize("value", [-1, 1.5, "two"])
    def test_number_of_jobs(self, value, small, tmp_path):
        with pytest.raises(ParameterError, match="n_jobs"):
            extract(small[0], tmp_path / "t", n_jobs=value)

    def test_dask(self, small, tmp_path, undisturbed):
        distributed = pytest.importorskip("distributed")
        options = {"pool": ("mean", "std"), "format": "npy", "rows_per_shard": 4}
        with (
            distributed.LocalCluster(
                n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, silence_logs=50
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            pids = list(client.run(os.getpid).values())

            def kill_one(progress):
                if pids:
                    os.kill(pids.pop(), signal.SIGKILL)

            extract(small[0], tmp_path / "t", executor=client.get_executor(), progress=kill_one, **options)
            argv = ["extract", str(small[0]), "-o", str(tmp_path / "u"), "--stats", "mean", "std", "--format", "npy"]
            assert main([*argv, "--rows-per-shard", "4", "--quiet", "--dask", cluster.scheduler_address]) == 1
        assert len(pids) == 0
        assert contents(tmp_path / "t") == undisturbed
        assert contents(tmp_path / "u") == undisturbed

    def test_a_cluster_that_gives_a_shard_up(self, small, tmp_path):
        """As Dask does with one whose clip kills every worker: the exception of another package, known by its name."""

        class KilledWorker(Exception):
            pass

        class Cluster(Executor):
            def submit(self, fn, job):
                future = Future()
                if job.number == 2 and 1 not in job.skip:
                    if job.careful:
                        Store(job.out).crumb_path(2).write_text("1   ")
                    future.set_exception(KilledWorker("run_shard"))
                else:
                    future.set_result(fn(job))
                return future

        options = {"pool": "mean", "format": "csv", "rows_per_shard": 4}
        report = extract(small[0], tmp_path / "t", executor=Cluster(), **options)
        extract(small[0], tmp_path / "u", n_jobs=0, **options)
        assert report.n_failed == len(small[2]) + 1
        errors = load_features(tmp_path / "t").errors
        assert next(error for error in errors if error["row"] == 9)["reason"] == "its worker process died"
        whole, left = load_features(tmp_path / "u"), load_features(tmp_path / "t")
        assert set(whole.ids) - set(left.ids) == {error["id"] for error in errors if error["row"] == 9}
        assert not list((tmp_path / "t" / "_melfeat").glob("*.at"))

    def test_workers_that_die_whatever_is_left_out(self, small, tmp_path):
        class Broken(Executor):
            def submit(self, fn, job):
                future = Future()
                future.set_exception(BrokenExecutor("gone"))
                return future

        with pytest.raises(MelfeatError, match="workers died 4 times at shard 0, which begins with 'class 0"):
            extract(small[0], tmp_path / "t", pool="mean", format="csv", executor=Broken())

    def test_a_full_disk_ends_the_run(self, small, tmp_path, monkeypatch):
        def full(path):
            raise OSError(28, "No space left on device", str(path))

        with monkeypatch.context() as patched:
            patched.setattr("melfeat.dataset._store.sync", full)
            with pytest.raises(OSError, match="No space left"):
                extract(small[0], tmp_path / "t", pool="mean", format="csv", n_jobs=0)
        assert not list((tmp_path / "t").glob("part-*"))
        assert not list((tmp_path / "t" / "_melfeat").glob("tmp-*"))


KILLED = """
import sys
from melfeat.dataset import extract
extract(sys.argv[1], sys.argv[2], pool=("mean", "std"), format="npy", n_jobs=int(sys.argv[3]), rows_per_shard=4)
"""


class TestKilled:
    def test_killed_and_resumed_is_as_if_nothing_had_happened(self, small, tmp_path, undisturbed, rng):
        """The process and its workers, at random moments, each time in the middle of what the last one left."""
        times = 20 if os.environ.get("MELFEAT_FULL") else 3
        interrupted = 0
        for k in range(times):
            out = tmp_path / f"t{k}"
            for jobs in (1, 2):
                command = [sys.executable, "-c", KILLED, str(small[0]), str(out), str(jobs)]
                process = subprocess.Popen(command)
                deadline = time.monotonic() + 60
                wanted = int(rng.integers(0, 6))  # shards that are there when the moment comes
                while len(list(out.glob("part-*"))) < wanted and process.poll() is None:
                    assert time.monotonic() < deadline
                    time.sleep(0.002)
                time.sleep(float(rng.uniform(0, 0.05)))
                process.kill()
                process.wait()
                interrupted += not (out / "_manifest.json").exists()
            extract(small[0], out, pool=("mean", "std"), format="npy", n_jobs=0, rows_per_shard=4)
            assert contents(out) == undisturbed
        assert interrupted

    def test_workers_end_with_whoever_started_them(self, tmp_path):
        code = (
            "import os, time\nfrom melfeat.dataset._local import LocalProcesses\n"
            "pool = LocalProcesses(1)\nprint(pool.submit(os.getpid).result(), flush=True)\n"
            "pool.submit(time.sleep, 60)\ntime.sleep(60)\n"
        )
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        worker = int(process.stdout.readline())
        process.kill()
        process.wait()
        process.stdout.close()
        for _ in range(500):
            try:
                os.kill(worker, 0)
            except ProcessLookupError:
                return
            if (Path(f"/proc/{worker}/stat").exists()) and ") Z" in Path(f"/proc/{worker}/stat").read_text():
                return
            time.sleep(0.02)
        pytest.fail("the worker goes on")


def test_extras_are_known():
    assert is_there("numpy")
    assert not is_there("no_such_package")
