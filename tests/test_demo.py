"""The bundled recording, what `melfeat demo` makes of it, and drawing."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import numpy as np
import pytest

import melfeat
from melfeat import demo
from melfeat.errors import MissingExtraError, ParameterError

PROJECT = Path(__file__).parents[1]


def test_demo_path_is_a_small_mono_file_of_five_seconds():
    import soundfile

    path = melfeat.demo_path()
    assert isinstance(path, Path)
    assert path.stat().st_size < 200_000
    facts = soundfile.info(path)
    assert (facts.format, facts.subtype, facts.channels, facts.samplerate, facts.frames) == (
        *("FLAC", "PCM_16", 1, 22050),
        110250,
    )


def test_recording_can_be_made_again():
    import soundfile

    spec = importlib.util.spec_from_file_location("make_demo_sound", PROJECT / "scripts" / "make_demo_sound.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    bundled, _ = soundfile.read(melfeat.demo_path(), dtype="int16")
    # Another machine's exp and cos may round a sample the other way, not more.
    assert np.abs(script.synthesise().astype(int) - bundled).max() <= 1


def test_run_demo_prints_and_draws(tmp_path, capsys):
    report = demo.run_demo(tmp_path)
    out, err = capsys.readouterr()
    assert "(20, 216)" in out
    assert str(tmp_path / "melfeat-demo.png") in out
    assert err == ""
    assert report["shape"] == [20, 216]
    assert (tmp_path / "melfeat-demo.png").read_bytes().startswith(b"\x89PNG")
    assert os.listdir(tmp_path) == ["melfeat-demo.png"]
    row = next(line.split() for line in out.splitlines() if line.split()[:1] == ["1"])
    y, sr = melfeat.load(melfeat.demo_path())
    values = melfeat.mfcc(y, sr)[1]
    expected = [values.mean(), values.std(), values.min(), values.max()]
    np.testing.assert_allclose(np.array(row[1:], dtype=float), expected, atol=0.0051)  # two decimals are printed


def test_run_demo_draws_in_the_current_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert demo.run_demo()["picture"] == str(tmp_path.resolve() / "melfeat-demo.png")


def test_run_demo_falls_back_to_the_temporary_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(demo.os, "access", lambda path, mode: False)
    monkeypatch.setattr(demo.tempfile, "gettempdir", lambda: str(tmp_path))
    assert demo._folder_for_picture() == tmp_path


def test_run_demo_without_matplotlib_says_how_to_get_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert demo.run_demo(tmp_path)["picture"] is None
    out, err = capsys.readouterr()
    assert "(20, 216)" in out
    assert 'pip install "melfeat[display]"' in err
    assert os.listdir(tmp_path) == []


def test_run_demo_refuses_a_missing_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such folder"):
        demo.run_demo(tmp_path / "nowhere")


class TestSpecshow:
    @pytest.fixture
    def ax(self):
        return pytest.importorskip("matplotlib.figure").Figure().subplots()

    def show(self, ax, data, **options):
        from melfeat.display import specshow

        return specshow(data, ax=ax, **options)

    def test_mel_rows_lie_between_their_neighbours_in_hz(self, ax):
        mesh = self.show(ax, np.zeros((40, 10)), sr=16000, hop_length=160, y_axis="mel", fmin=50, fmax=7000)
        edges = mesh.get_coordinates()[:, 0, 1]
        centres = melfeat.mel_frequencies(42, fmin=50, fmax=7000)[1:-1]
        assert edges.shape == (41,)
        assert np.all((edges[:-1] < centres) & (centres < edges[1:]))
        assert ax.get_ylabel() == "frequency [Hz]"
        assert all(edges[0] <= tick <= edges[-1] for tick in ax.get_yticks())

    def test_frames_are_drawn_around_their_centres_in_seconds(self, ax):
        mesh = self.show(ax, np.zeros((3, 10)), sr=1000, hop_length=100)
        np.testing.assert_allclose(mesh.get_coordinates()[0, :, 0], np.arange(11) * 0.1 - 0.05)
        assert ax.get_xlabel() == "time [s]"
        assert ax.get_xlim() == pytest.approx((0, 0.95))

    def test_linear_rows_are_bins(self, ax):
        mesh = self.show(ax, np.zeros((513, 4)), sr=16000, y_axis="linear")
        edges = mesh.get_coordinates()[:, 0, 1]
        np.testing.assert_allclose((edges[:-1] + edges[1:]) / 2, np.arange(513) * 16000 / 1024, atol=1e-9)

    def test_coefficients_are_numbered(self, ax):
        mesh = self.show(ax, np.zeros((12, 4)), y_axis="coeff", first_row=1, x_axis="frames")
        assert mesh.get_coordinates()[0, 0, 1] == 0.5
        assert (ax.get_ylabel(), ax.get_xlabel()) == ("coefficient", "frame")

    def test_values_are_those_of_the_data(self, ax, rng):
        data = rng.standard_normal((5, 7))
        np.testing.assert_array_equal(np.ravel(self.show(ax, data).get_array()), data.ravel())

    @pytest.mark.parametrize("data", [np.zeros(5), np.zeros((2, 3, 4)), np.zeros((3, 0)), np.zeros((3, 4), complex)])
    def test_other_shapes_are_refused(self, ax, data):
        with pytest.raises(ParameterError, match="expected a real matrix"):
            self.show(ax, data)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"y_axis": "chroma"}, "y_axis='chroma': expected one of 'mel'"),
            ({"x_axis": "s"}, "x_axis='s': expected one of 'time'"),
            ({"sr": 0}, "sr=0: expected"),
            ({"hop_length": 0}, "hop_length=0: expected"),
            ({"y_axis": "mel", "fmin": 100, "fmax": 100}, "expected 0 <= fmin < fmax"),
        ],
    )
    def test_nonsense_is_refused(self, ax, options, message):
        with pytest.raises(ParameterError, match=message):
            self.show(ax, np.zeros((3, 4)), **options)

    def test_without_matplotlib_the_extra_is_named(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "matplotlib", None)
        with pytest.raises(MissingExtraError, match=r"melfeat\[display\]"):
            self.show(None, np.zeros((3, 4)))
