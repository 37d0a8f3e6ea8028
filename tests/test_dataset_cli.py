"""`melfeat extract`, `check`, `convert` and `head`: exit codes, what is said, and how a run is stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import melfeat
from melfeat.cli import main
from melfeat.dataset import load_features
from tests.dataset_tree import contents, make_tree


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    path = tmp_path_factory.mktemp("tree")
    return path, *make_tree(path, 24)


OPTIONS = ["--jobs", "0", "--format", "csv"]


class TestExtract:
    def test_some_failed(self, tree, folder, capsys):
        source, good, bad = tree
        argv = [
            "extract",
            str(source),
            "-o",
            "t",
            "--n-mfcc",
            "13",
            "--stats",
            "mean",
            "std",
            "--labels",
            "parent",
            *OPTIONS,
        ]
        assert main(argv) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert f"melfeat: t: {len(good)} of 24 clips as csv, {len(bad)} failed" in err
        for name in bad:
            assert f"failed: {name}: " in err
        table = load_features("t", expect=melfeat.Config.preset("librosa", n_mfcc=13))
        assert table.X.shape == (len(good), 26)
        assert main(argv) == 1
        assert "24 of them kept from before" in capsys.readouterr().err

    def test_clean(self, tree, folder, capsys):
        files = [str(tree[0] / name) for name in tree[1][:6:2]]
        options = ["--preset", "whisper", "--jobs", "0", "--format", "npz", "--json"]
        assert main(["extract", *files, "-o", "t", *options]) == 0
        report = json.loads(capsys.readouterr().out)
        assert (report["n_ok"], report["n_failed"], report["format"]) == (3, 0, "npz")

    def test_nothing_done(self, folder, capsys):
        Path("e").mkdir()
        assert main(["extract", "e", "-o", "t", "--stats", "mean", *OPTIONS]) == 3
        assert "no sound files" in capsys.readouterr().err
        Path("bad.wav").write_bytes(b"")
        assert main(["extract", "bad.wav", "-o", "u", "--stats", "mean", *OPTIONS]) == 3
        assert main(["extract", "nowhere", "-o", "v"]) == 2
        assert "no such file or folder" in capsys.readouterr().err
        assert not Path("v").exists()

    def test_front_ends(self, tree, folder, capsys):
        Path("mine.json").write_text(melfeat.Config.preset("htk", sr=8000).to_json())
        argv = ["extract", str(tree[0]), "-o", "t", "--stats", "mean", *OPTIONS]
        main([*argv, "--config", "mine.json", "--set", "n_mfcc=10", "--n-mels", "22"])
        assert load_features("t").config == melfeat.Config.preset("htk", sr=8000, n_mfcc=10, n_mels=22)
        assert main([*argv, "--config", "nowhere.json"]) == 2
        assert main([*argv, "--preset", "librosa", "--set", "n_mel=3"]) == 2
        assert "did you mean 'n_mels'" in capsys.readouterr().err

    def test_another_configuration(self, tree, folder, capsys):
        argv = ["extract", str(tree[0]), "-o", "t", "--stats", "mean", *OPTIONS, "--quiet"]
        main(argv)
        capsys.readouterr()
        assert main([*argv, "--n-mfcc", "13"]) == 2
        err = capsys.readouterr().err
        assert "n_mfcc  20 | 13" in err
        assert "--overwrite" in err
        assert main([*argv, "--n-mfcc", "13", "--overwrite"]) == 1

    def test_not_writable(self, tree, folder, capsys):
        Path("file").write_text("")
        assert main(["extract", str(tree[0]), "-o", "file", "--stats", "mean", *OPTIONS]) == 2
        assert "is a file" in capsys.readouterr().err
        assert main(["extract", str(tree[0]), "-o", "file/t", "--stats", "mean", *OPTIONS]) == 3

    def test_progress_in_lines(self, tree, folder, capsys):
        main(["extract", str(tree[0]), "-o", "t", "--stats", "mean", *OPTIONS])
        assert "melfeat: 24 of 24 clips, " in capsys.readouterr().err
        main(["extract", str(tree[0]), "-o", "u", "--stats", "mean", *OPTIONS, "--quiet"])
        assert "24 of 24 clips, " not in capsys.readouterr().err

    @pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
    @pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
    def test_stopped_and_begun_again(self, tree, folder, number, code):
        slow = "import time\nfrom melfeat.dataset import _clips\nload = _clips.Maker._load\n"
        slow += "def late(self, number, row):\n    time.sleep(0.05)\n    return load(self, number, row)\n"
        Path("sitecustomize.py").write_text(slow + "_clips.Maker._load = late\n")
        argv = ["extract", str(tree[0]), "-o", "t", "--stats", "mean", "--format", "csv", "--rows-per-shard", "3"]
        path = os.pathsep.join([str(folder), *filter(None, sys.path)])
        process = subprocess.Popen(
            [sys.executable, "-m", "melfeat", *argv, "--jobs", "2"],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )
        deadline = time.monotonic() + 60
        while not list(Path("t").glob("part-*")):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(number)
        err = process.communicate(timeout=60)[1]
        assert process.returncode == code, err
        if number == signal.SIGINT:
            assert "the same command goes on from there" in err
        assert not Path("t/_manifest.json").exists()
        assert main([*argv, "--jobs", "0"]) == 1
        assert main([*argv[:3], "u", *argv[4:], "--jobs", "0"]) == 1
        assert contents(Path("t")) == contents(Path("u"))


class TestTables:
    @pytest.fixture
    def table(self, tree, folder, capsys):
        main(
            [
                "extract",
                str(tree[0]),
                "-o",
                "t",
                "--stats",
                "mean",
                "--labels",
                "parent",
                *OPTIONS,
                "--rows-per-shard",
                "5",
            ]
        )
        capsys.readouterr()
        return Path("t")

    def test_check(self, table, tree, capsys):
        assert main(["check", "t"]) == 0
        assert f"t: {len(tree[1])} of 24 clips, {len(tree[2])} failed; all files are as they" in capsys.readouterr().err
        (table / "part-00001.csv").write_text("")
        assert main(["check", "t", "--json"]) == 1
        out, err = capsys.readouterr()
        assert json.loads(out)["problems"][0].startswith("part-00001.csv: has 0 bytes, expected")
        assert "error: part-00001.csv" in err
        assert main(["check", "nothing"]) == 3

    def test_convert(self, table, capsys):
        assert main(["convert", "t", "t.jsonl"]) == 0
        np.testing.assert_array_equal(load_features("t.jsonl").X, load_features("t").X)
        assert main(["convert", "t", "t.jsonl"]) == 2
        assert main(["convert", "t", "t.xyz"]) == 2
        assert main(["convert", "t", "u", "--format", "npy"]) == 0
        assert main(["check", "u"]) == 0

    def test_head(self, table, capsys):
        assert main(["head", "t", "-n", "2"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 4
        assert lines[0].startswith("csv: mean of 20 features, Config.preset('librosa'), ")
        assert lines[1].split()[:3] == ["id", "label", "sample_rate"]
        assert main(["head", "t", "--json", "-n", "3"]) == 0
        rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert rows[2]["features"] == load_features("t").X[2].tolist()
        assert main(["head", "nothing"]) == 3

    def test_dask_that_is_not_there(self, tree, folder, capsys):
        pytest.importorskip("distributed")
        argv = ["extract", str(tree[0]), "-o", "t", "--stats", "mean", *OPTIONS, "--dask", "nonsense://127.0.0.1:1"]
        assert main(argv) == 3
        assert "no scheduler answers there" in capsys.readouterr().err
