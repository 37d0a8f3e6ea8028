"""What a table can be made of: which rows come out, in which order, with which columns, and what is refused."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

import melfeat
from melfeat.cli import main
from melfeat.dataset import extract, load_features
from melfeat.dataset._kaldi_lists import kaldi_source
from melfeat.dataset._manifests import _number
from melfeat.dataset._rows import numbered, survey
from melfeat.dataset._sources import resolve
from melfeat.errors import FormatError, MissingExtraError, ParameterError

SR = 16000


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def wav(path, seconds=0.1):
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.1 * np.random.default_rng(3).standard_normal(int(seconds * SR)), SR)
    return str(path)


def rows_of(source, **options):
    found = resolve(source, **options)
    seen = survey(found)
    rows = list(numbered(found, seen))
    assert len(rows) == seen.n_rows
    return rows, seen.columns


class TestFolders:
    def test_order_and_endings(self, folder):
        for name in ("b.wav", "a.WAV", "x/c.flac", "x/y/d.ogg", "w/z.mp3", "n.txt", ".hidden/e.wav", "x/.f.wav"):
            path = folder / name
            path.parent.mkdir(exist_ok=True, parents=True)
            path.write_bytes(b"")
        rows, columns = rows_of(folder)
        assert [row.id for row in rows] == ["a.WAV", "b.wav", "w/z.mp3", "x/c.flac", "x/y/d.ogg"]
        assert [row.shown for row in rows] == [row.id for row in rows]
        assert rows[3].real == str(folder / "x" / "c.flac")
        assert columns == ()
        rows, _ = rows_of(folder, extensions=["TXT"])
        assert [row.id for row in rows] == ["n.txt"]

    def test_links_in_circles_and_pipes(self, folder):
        wav("a/b.wav")
        os.symlink(folder, folder / "a" / "again")
        os.mkfifo(folder / "pipe.wav")
        rows, _ = rows_of(folder)
        assert [row.id for row in rows] == ["a/b.wav"]

    def test_names_that_are_not_text(self, folder):
        name = os.fsencode(str(folder)) + b"/\xff.wav"
        try:
            with open(name, "wb"):
                pass
        except OSError:
            pytest.skip("this file system takes UTF-8 only")
        with open(wav("good.wav"), "rb") as good, open(name, "wb") as file:
            file.write(good.read())
        assert extract(folder, "t", pool="mean", format="jsonl", n_jobs=0).n_ok == 2
        assert load_features("t").ids == ["good.wav", "\\xff.wav"]

    def test_parents_as_labels(self, folder):
        wav("dog/1.wav")
        wav("cat/2.wav")
        rows, columns = rows_of(folder, labels="parent")
        assert [row.labels for row in rows] == [("cat",), ("dog",)]
        assert columns == (("label", "str"),)

    def test_empty(self, folder):
        assert rows_of(folder) == ([], ())
        (folder / "e").mkdir()
        assert extract("e", "t", pool="mean", format="csv", n_jobs=0).n_rows == 0
        assert load_features("t").X.shape == (0, 20)


class TestListsAndPatterns:
    def test_pattern(self, folder):
        wav("a/1.wav")
        wav("a/b/2.wav")
        rows, _ = rows_of("a/**/*.wav")
        assert [row.id for row in rows] == ["a/1.wav", "a/b/2.wav"]

    def test_list(self, folder):
        rows, _ = rows_of(["z.wav", Path("a.wav"), "z.wav"])
        assert [row.id for row in rows] == ["z.wav", "a.wav", "z.wav#2"]
        assert [row.shown for row in rows] == ["z.wav", "a.wav", "z.wav"]
        assert rows[0].real == str(folder / "z.wav")
        rows, _ = rows_of(name for name in ("a.wav", "b.wav"))
        assert len(rows) == 2

    def test_one_file(self, folder):
        rows, _ = rows_of(wav("a.wav"))
        assert [row.real for row in rows] == [str(folder / "a.wav")]

    @pytest.mark.parametrize("source", [{"a": 1}, 3, [1, 2], ["a", {"path": "b"}]])
    def test_what_is_no_source(self, source):
        with pytest.raises(ParameterError, match="source has"):
            resolve(source)

    def test_nothing_there(self, folder):
        with pytest.raises(ParameterError, match=r"'nowhere': there is no such file or folder \(looked in"):
            resolve("nowhere")


class TestManifests:
    def test_csv(self, folder):
        Path("m").mkdir()
        text = 'path,class,fold,note,code\na.wav,dog,1,"x, ""y""",007\nb c.wav,cat,2,,010\n'
        Path("m/m.csv").write_text(text, encoding="utf-8-sig")
        rows, columns = rows_of("m/m.csv")
        assert columns == (("class", "str"), ("fold", "int"), ("note", "str"), ("code", "str"))
        assert [row.labels for row in rows] == [("dog", 1, 'x, "y"', "007"), ("cat", 2, None, "010")]
        assert rows[1].real == str(folder / "m" / "b c.wav")
        rows, _ = rows_of("m/m.csv", root=folder / "elsewhere", labels=["fold", "class"])
        assert rows[0].real == str(folder / "elsewhere" / "a.wav")
        assert rows[0].labels == (1, "dog")
        with pytest.raises(ParameterError, match="no column 'size'; it has: class, fold, note, code"):
            rows_of("m/m.csv", labels="size")

    @pytest.mark.parametrize(("name", "mark"), [("m.tsv", "\t"), ("m.csv", ";")])
    def test_other_marks(self, folder, name, mark):
        Path(name).write_text(mark.join(("file", "x")) + "\n" + mark.join(("a.wav", "1.5")) + "\n")
        rows, columns = rows_of(name)
        assert columns == (("x", "float"),)
        assert rows[0].labels == (1.5,)

    def test_json_lines_of_nemo(self, folder):
        lines = [
            {"audio_filepath": "a.wav", "duration": 2.5, "offset": 1, "text": "é"},
            {"audio_filepath": "a.wav", "duration": None, "text": "b", "more": [1, 2]},
        ]
        Path("m.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + "\n")
        rows, columns = rows_of("m.jsonl")
        assert columns == (("text", "str"), ("more", "str"))
        assert [(row.offset, row.duration) for row in rows] == [(1.0, 2.5), (0.0, None)]
        assert rows[1].labels == ("b", "[1, 2]")

    def test_parquet(self, folder):
        parquet = pytest.importorskip("pyarrow.parquet")
        pa = pytest.importorskip("pyarrow")
        parquet.write_table(pa.table({"path": ["a.wav", "b.wav"], "fold": [1, None], "ok": [True, False]}), "m.parquet")
        rows, columns = rows_of("m.parquet")
        assert columns == (("fold", "int"), ("ok", "bool"))
        assert [row.labels for row in rows] == [(1, True), (None, False)]

    def test_ids(self, folder):
        Path("m.csv").write_text("id,path\n1,a.wav\n02,b.wav\n1,c.wav\n,d.wav\n")
        rows, _ = rows_of("m.csv")
        assert [row.id for row in rows] == ["1", "02", "1", "d.wav"]
        assert [row.problem is None for row in rows] == [True, True, False, True]
        assert rows[2].problem == "the id '1' was given before; expected an id of its own"

    def test_names_of_the_table_itself(self, folder):
        Path("m.csv").write_text("path,n_frames,sample_rate\na.wav,3,44100\n")
        assert rows_of("m.csv")[1] == (("source_n_frames", "int"), ("source_sample_rate", "int"))

    def test_bad_rows_are_listed(self, folder):
        wav("a.wav")
        Path("m.csv").write_text("path,offset,x\na.wav,0,1\n,0,2\na.wav,minus,3\nb.wav,0,4\n")
        report = extract("m.csv", "t", pool="mean", format="csv", n_jobs=0)
        assert (report.n_ok, report.n_failed) == (1, 3)
        assert [error["row"] for error in load_features("t").errors] == [1, 2, 3]

    @pytest.mark.parametrize(
        ("name", "text", "words"),
        [
            ("m.csv", "a,b\n1,2\n", "no column of paths; expected one of path, file"),
            ("m.csv", "", "no column of paths"),
            ("m.csv", "path\na,b\n", "line 2: has 2 cells, the first line 1"),
            ("m.jsonl", '{"path": "a"}\n{\n', "line 2: not JSON"),
            ("m.jsonl", "[1]\n", "line 1: expected an object"),
        ],
    )
    def test_damaged(self, folder, name, text, words):
        Path(name).write_text(text)
        with pytest.raises((FormatError, ParameterError), match=words):
            rows_of(name)

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("", None), ("0", 0), ("-12", -12), ("007", "007"), ("1.50", 1.5), ("1e5", "1e5"), ("-.5", -0.5),
            ("1.2.3", "1.2.3"), ("nan", "nan"), ("1_0", "1_0"), ("٣", "٣"), (" 1", " 1"), ("-", "-"),
            ("2.5e-3", 0.0025),
        ],
    )  # fmt: skip
    def test_numbers(self, text, value):
        found = _number(text)
        assert found == value
        assert type(found) is type(value)

    def test_numbers_that_are_too_large_stay_text(self, folder):
        Path("m.csv").write_text("path,n\na.wav,99999999999999999999\nb.wav,1\n")
        rows, columns = rows_of("m.csv")
        assert columns == (("n", "str"),)
        assert [row.labels for row in rows] == [("99999999999999999999",), ("1",)]


class TestUrbanSound:
    def make(self, folder):
        table = [
            ("100-3-0-0.wav", 100, 0.0, 0.3, 1, 5, 3, "dog_bark"),
            ("200-1-0-0.wav", 200, 1.2, 4.1, 1, 10, 1, "horn"),
        ]
        out = io.StringIO()
        names = ["slice_file_name", "fsID", "start", "end", "salience", "fold", "classID", "class"]
        csv.writer(out).writerows([names, *table])
        (folder / "metadata").mkdir()
        (folder / "metadata" / "UrbanSound8K.csv").write_text(out.getvalue())
        wav(folder / "audio" / "fold5" / "100-3-0-0.wav", 0.3)
        wav(folder / "audio" / "fold10" / "200-1-0-0.wav", 0.5)

    @pytest.mark.parametrize("source", ["UrbanSound8K", "UrbanSound8K/metadata/UrbanSound8K.csv"])
    def test_as_it_is_laid_out(self, folder, source):
        (folder / "UrbanSound8K").mkdir()
        self.make(folder / "UrbanSound8K")
        config = melfeat.Config.preset("librosa", n_mfcc=40)
        report = extract(source, "t", config, pool="mean", format="csv", n_jobs=0)
        assert (report.n_ok, report.n_failed) == (2, 0)
        table = load_features("t")
        assert table.paths == ["fold5/100-3-0-0.wav", "fold10/200-1-0-0.wav"]
        assert table.labels["fold"] == [5, 10]
        assert table.labels["class"] == ["dog_bark", "horn"]
        assert table.duration == [0.3, 0.5]  # start and end are those in the recording it was cut from

    def test_the_recipe(self, folder, rng, capsys):
        """The page's commands and code, from the folder to a classifier; sounds that differ are told apart."""
        pytest.importorskip("sklearn")
        out = io.StringIO()
        rows = csv.writer(out)
        rows.writerow(["slice_file_name", "fsID", "start", "end", "salience", "fold", "classID", "class"])
        (folder / "UrbanSound8K" / "metadata").mkdir(parents=True)
        for k in range(60):
            kind, fold, name = k % 3, 1 + k // 6, f"{k}-{k % 3}-0-0.wav"
            y = 0.1 * rng.standard_normal(8000)
            y = np.convolve(y, np.ones((1, 8, 40)[kind]))[:8000]  # each class has a spectrum of its own
            path = folder / "UrbanSound8K" / "audio" / f"fold{fold}" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, y / np.abs(y).max() / 2, 22050)
            rows.writerow([name, k, 0, 0.36, 1, fold, kind, ("hiss", "rumble", "drone")[kind]])
        (folder / "UrbanSound8K" / "metadata" / "UrbanSound8K.csv").write_text(out.getvalue())
        page = (Path(__file__).parents[1] / "docs" / "datasets.md").read_text(encoding="utf-8")
        command = re.search(r"^    melfeat (extract UrbanSound8K -o us8k .*)$", page, re.MULTILINE)
        code = re.search(r"^```py\n([^`]*make_pipeline[^`]*)^```$", page, re.MULTILINE)
        assert command
        assert code
        assert main([*command[1].split(), "--jobs", "0"]) == 0
        names = {}
        exec(code[1], names)
        assert len(names["scores"]) == 10
        assert np.mean(names["scores"]) > 0.9
        assert re.fullmatch(r"[01]\.\d{3} ± 0\.\d{3}\n", capsys.readouterr().out)


class TestDataFrames:
    @pytest.mark.parametrize("pool", ["mean", None])
    def test_of_a_table(self, folder, pool):
        pytest.importorskip("pandas")
        wav("a.wav", 0.3)
        rows = [{"path": "a.wav", "label": "x"}, {"path": "a.wav", "offset": 0.1, "label": "y"}]
        extract(rows, "t", "kaldi-mfcc", pool=pool, format="jsonl", n_jobs=0)
        table = load_features("t")
        frame = table.to_pandas()
        assert list(frame["id"]) == ["a.wav", "a.wav#2"]
        assert list(frame["label"]) == ["x", "y"]
        assert list(frame["duration"]) == [0.3, 0.2]
        if pool is None:
            assert all(np.array_equal(got, x) for got, x in zip(frame["features"], table.X, strict=True))
        else:
            assert np.array_equal(frame[list(table.names)].to_numpy(), table.X)

    def test_without_the_package(self, folder, monkeypatch):
        wav("a.wav", 0.3)
        extract(["a.wav"], "t", pool="mean", format="csv", n_jobs=0)
        monkeypatch.setitem(sys.modules, "pandas", None)
        with pytest.raises(MissingExtraError, match=r"to_pandas\(\) needs pandas.*melfeat\[pandas\]"):
            load_features("t").to_pandas()

    def test_of_parquet_without_melfeat(self, folder):
        pandas = pytest.importorskip("pandas")
        pytest.importorskip("pyarrow")
        for k in range(3):
            wav(f"clips/{k}.wav", 0.3)
        extract("clips", "t", pool="mean", format="parquet", rows_per_shard=2, n_jobs=0)
        frame, table = pandas.read_parquet("t"), load_features("t")
        assert list(frame["id"]) == table.ids
        assert np.array_equal(frame[list(table.names)].to_numpy(), table.X)


class TestKaldi:
    def make(self):
        Path("data").mkdir()
        wav("wavs/r1.wav", 1.0)
        wav("wavs/r 2.wav", 0.5)
        Path("data/wav.scp").write_text("r1 wavs/r1.wav\nr2 wavs/r 2.wav\nr3 sph2pipe -f wav x.sph |\n")

    def test_recordings(self, folder):
        self.make()
        Path("data/utt2spk").write_text("r1 anna\nr2 bert\n")
        for source in ("data", "data/wav.scp"):
            rows, columns = rows_of(source)
            assert [row.id for row in rows] == ["r1", "r2", "r3"]
            assert columns == (("speaker", "str"),)
            assert [row.labels for row in rows] == [("anna",), ("bert",), (None,)]
            assert rows[1].real == str(folder / "wavs" / "r 2.wav")
            assert "commands of lists are not run" in rows[2].problem

    def test_segments(self, folder):
        self.make()
        lines = ["u1 r1 0.2 0.3", "u2 r1 0.5 -1", "u3 r9 0 1", "u4 r1 0.5 0.1", "u5 r3 0 1", "u6 r2 0 0.25"]
        Path("data/segments").write_text("\n".join(lines) + "\n")
        report = extract("data", "t", "kaldi-mfcc", format="ark", n_jobs=0)
        assert (report.n_ok, report.n_failed) == (3, 3)
        table = load_features("t")
        assert table.ids == ["u1", "u2", "u6"]
        assert table.labels == {"recording": ["r1", "r1", "r2"]}
        assert table.duration == [0.1, 0.5, 0.25]
        y = melfeat.load("wavs/r1.wav", sr=None)[0]
        np.testing.assert_array_equal(table.X[0], melfeat.Extractor("kaldi-mfcc")(y[3200:4800]))
        assert [error["id"] for error in table.errors] == ["u3", "u4", "u5"]
        assert "no recording 'r9'" in table.errors[0]["reason"]
        assert "expected 0 <= start < end" in table.errors[1]["reason"]

    def test_damaged(self, folder):
        Path("wav.scp").write_text("r1\n")
        with pytest.raises(FormatError, match="line 1: expected a name and something behind it"):
            list(kaldi_source("wav.scp", None).rows())


class TestArchives:
    def make(self, name, keys, **more):
        with tarfile.open(name, "w") as archive:
            for key in keys:
                wav("tmp.wav", 0.2)
                archive.add("tmp.wav", f"{key}.wav")
                for ending, text in more.items():
                    info = tarfile.TarInfo(f"{key}.{ending}")
                    info.size = len(text)
                    archive.addfile(info, io.BytesIO(text))

    def test_samples(self, folder):
        Path("tars").mkdir()
        self.make("tars/0.tar", ["s/a", "s/b"], cls=b"7", txt="größe\n".encode(), json=b'{"who": "x", "n": [1]}')
        self.make("tars/1.tar", ["c"], cls=b"8")
        report = extract("tars", "t", format="npy", n_jobs=0)
        assert (report.n_ok, report.n_failed) == (3, 0)
        table = load_features("t")
        assert table.ids == ["s/a", "s/b", "c"]
        assert table.paths == ["0.tar/s/a.wav", "0.tar/s/b.wav", "1.tar/c.wav"]
        assert table.labels == {
            "cls": [7, 7, 8], "txt": ["größe", "größe", None], "who": ["x", "x", None], "n": ["[1]", "[1]", None],
        }  # fmt: skip
        x = melfeat.Extractor("librosa")(melfeat.load("tmp.wav")[0])
        for found in table.X:
            np.testing.assert_array_equal(found, x)
        assert rows_of("tars/*.tar")[0] == rows_of("tars")[0]
        assert len(rows_of(["tars/1.tar"])[0]) == 1

    def test_bad_sound_in_an_archive(self, folder):
        with tarfile.open("x.tar", "w") as archive:
            info = tarfile.TarInfo("a.wav")
            info.size = 5
            archive.addfile(info, io.BytesIO(b"hello"))
        assert extract("x.tar", "t", pool="mean", format="csv", n_jobs=0).n_failed == 1
        assert load_features("t").errors[0]["reason"] == "not an audio file but text"

    def test_refused(self, folder):
        Path("x.tar.gz").write_bytes(b"")
        with pytest.raises(FormatError, match="unpack it"):
            resolve("x.tar.gz")
        Path("y.tar").write_bytes(b"nothing of the kind" * 100)
        with pytest.raises(FormatError, match="not a tar archive"):
            resolve("y.tar")
