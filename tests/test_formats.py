"""HTK parameter files and Kaldi archives: against what HTK's and Kaldi's own programs wrote, and against damage.

`tests/golden/foreign` was written by HCopy, by Kaldi's code and by kaldiio, see `scripts/golden_foreign.py`.
"""

from __future__ import annotations

import contextlib
import io
import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from melfeat.errors import FormatError, ParameterError
from melfeat.formats import HTKHeader, read_ark, read_htk, read_kaldi, read_scp, write_ark, write_htk
from scripts.golden_foreign import COMPRESSIONS, HTK, features, items
from tests.support import assert_same_bytes

GOLDEN = Path(__file__).parent / "golden" / "foreign"
HTK_FILES = sorted((GOLDEN / "htk").glob("*.htk"))
ARCHIVES = sorted((GOLDEN / "kaldi").glob("*.ark"))

MATRICES = arrays(
    st.sampled_from([np.float32, np.float64]),
    array_shapes(min_dims=2, max_dims=2, max_side=6),
    elements=st.floats(-(2.0**60), 2.0**60, width=32),
)


def htk_bytes(x: np.ndarray, kind: str, period: float = 0.01) -> bytes:
    file = io.BytesIO()
    write_htk(file, x, kind=kind, period=period)
    return file.getvalue()


def ark_bytes(things: dict[str, np.ndarray], **options: object) -> bytes:
    file = io.BytesIO()
    write_ark(file, things, **options)
    return file.getvalue()


class TestHTK:
    @pytest.mark.parametrize("path", HTK_FILES, ids=[path.stem for path in HTK_FILES])
    def test_rewriting_what_hcopy_wrote_gives_its_bytes(self, path):
        x, header = read_htk(path)
        assert x.shape == (header.n_features, header.n_frames)
        assert x.dtype == np.float32
        assert x.flags.c_contiguous
        if "_C" not in header.kind:
            assert htk_bytes(x, header.kind, header.period) == path.read_bytes()

    @pytest.mark.parametrize(("form", "kind"), [("plain", ""), ("k", "_K"), ("c", "_C"), ("ck", "_C_K")])
    def test_every_form_of_the_file_is_hcopys(self, form, kind):
        """Scale, offset and checksum of HCopy to the last bit, from the same features."""
        path = GOLDEN / "htk" / f"form_{form}.htk"
        x = features(13, 20)
        assert htk_bytes(x, f"MFCC_0{kind}") == path.read_bytes()
        got, header = read_htk(path)
        assert header == HTKHeader(f"MFCC{kind}_0", 20, 13, 0.01)
        step = (x.max(axis=1) - x.min(axis=1)) / 65534
        assert (np.abs(got - x) <= (step[:, np.newaxis] * 0.51 if "C" in kind else 0)).all()

    def test_the_references_of_htk(self, shared_data):
        paths = sorted((shared_data / "reference" / "htk").glob("test.wav.*_htk.*"))
        assert len(paths) >= 6
        for path in paths:
            x, header = read_htk(path)
            assert header.n_frames == 142
            assert header.period == 0.01
            assert header.kind == (
                "FBANK" if "fbank" in path.name else "MFCC_D_A_0" if path.name[-1] == "1" else "MFCC_E_D_A"
            )
            assert htk_bytes(x, header.kind, header.period) == path.read_bytes()

    @given(x=MATRICES, checked=st.booleans(), period=st.integers(1, 2**31 - 1))
    def test_round_trip(self, x, checked, period):
        raw = htk_bytes(x, "USER" + "_K" * checked, period / 1e7)
        got, header = read_htk(io.BytesIO(raw))
        assert_same_bytes(got, x.astype(np.float32))
        assert round(header.period * 1e7) == period
        assert len(raw) == 12 + 4 * x.size + 2 * checked

    @given(
        x=arrays(np.int8, array_shapes(min_dims=2, max_dims=2, max_side=7), elements=st.integers(-64, 64)),
        scale=st.floats(2.0**-10, 2.0**10, width=32),
    )
    def test_compressed_round_trip(self, x, scale):
        x = (x * scale).astype(np.float32)
        got, header = read_htk(io.BytesIO(htk_bytes(x, "USER_C_K")))
        width = x.max(axis=1, keepdims=True) - x.min(axis=1, keepdims=True)
        # Half a step of 65534, and roundings of the float32 offset, which is level / width * 32767.
        level = np.abs(x).max(axis=1, keepdims=True)
        assert (np.abs(got - x) <= width / 65534 * 0.51 + 4 * 2.0**-23 * level).all()
        assert header.kind == "USER_C_K"

    @pytest.mark.parametrize("kind", ["USER", "USER_K", "USER_C", "USER_C_K"])
    def test_no_frames(self, kind):
        got, header = read_htk(io.BytesIO(htk_bytes(np.zeros((4, 0)), kind)))
        assert got.shape == (4, 0)
        assert (header.n_features, header.n_frames) == (4, 0)

    def test_codes_are_those_of_the_htk_book(self):
        names = {
            "MFCC_E_D_A": 0o1506,
            "FBANK": 7,
            "MELSPEC_Z": 0o4010,
            "MFCC_0_D_A_T_K_C": 0o133406,
            "PLP_E_D_N": 0o713,
        }
        assert {name: HTKHeader(name, 0, 1, 0.01).code for name in names} == names
        assert {name: read_htk(io.BytesIO(htk_bytes(features(24, 3)[: 24 - ("N" in name)], name)))[1].code
                for name in names} == names  # fmt: skip

    def test_non_contiguous_and_foreign_order(self):
        x = features(6, 8)
        raw = htk_bytes(x, "USER")
        assert htk_bytes(np.asfortranarray(x), "USER") == raw
        assert htk_bytes(x.astype(">f8"), "user") == raw
        assert htk_bytes(np.repeat(x, 2, axis=1)[:, ::2], "USER") == raw
        assert htk_bytes((x * 2**20).astype(np.int64), "USER") == htk_bytes(x * 2**20, "USER")

    def test_discrete_and_irefc_are_read(self):
        rows = np.array([[1, -2], [3, 32767], [5, 6]], np.int16)
        header = np.array([3, 100000], ">i4").tobytes() + np.array([4], ">i2").tobytes()
        x, about = read_htk(io.BytesIO(header + b"\0\x0a" + rows.astype(">i2").tobytes()))
        assert_same_bytes(x, np.ascontiguousarray(rows.T))
        assert about.kind == "DISCRETE"
        x, _ = read_htk(io.BytesIO(header + b"\0\x05" + rows.astype(">i2").tobytes()))
        assert_same_bytes(x, np.ascontiguousarray(rows.T.astype(np.float32) / np.float32(32767)))

    def test_open_files_and_paths(self, tmp_path):
        x = features(3, 4)
        with open(tmp_path / "a.htk", "wb") as file:
            write_htk(file, x, kind="USER", period=0.01)
            file.write(b"behind")
        with open(tmp_path / "a.htk", "rb") as file:
            assert_same_bytes(read_htk(file)[0], x)
            assert file.read() == b"behind"
        write_htk(tmp_path / "b.htk", x, kind="USER", period=0.01)
        write_htk(str(tmp_path / "c.htk"), x, kind="USER", period=0.01)
        assert read_htk(str(tmp_path / "b.htk"))[1] == read_htk(tmp_path / "c.htk")[1]

    @pytest.mark.parametrize(
        ("kind", "shape", "message"),
        [
            ("MFCCC", (13, 2), r"kind='MFCCC'.*did you mean 'MFCC'"),
            ("MFCC_X", (13, 2), "qualifier '_X'"),
            (6, (13, 2), "kind=6: expected a parameter kind"),
            ("WAVEFORM", (1, 2), "write audio with the soundfile package"),
            ("DISCRETE", (1, 2), "read only"),
            ("IREFC", (1, 2), "write 'LPREFC'"),
            ("MFCC_A", (26, 2), "_A only with _D"),
            ("MFCC_D_T", (26, 2), "_T only with _A"),
            ("MFCC_D_N", (26, 2), "_N only with _D and one of _E and _0"),
            ("MFCC_V", (26, 2), "_V"),
            ("MFCC_D", (25, 2), r"expected a multiple of 2"),
            ("MFCC_E_D_N", (26, 2), r"expected a multiple of 2 minus 1"),
            ("USER", (2, 3, 4), "shape"),
            ("USER", (5,), "shape"),
            ("USER", (8192, 1), "bytes per frame"),
            ("USER", (0, 1), "bytes per frame"),
        ],
    )
    def test_refuses_to_write(self, kind, shape, message):
        with pytest.raises(ParameterError, match=message):
            htk_bytes(np.zeros(shape), kind)

    @pytest.mark.parametrize(
        ("x", "kind", "period", "message"),
        [
            (np.full((1, 2), np.nan), "USER_C", 0.01, "not finite"),
            (np.array([[1e300]]), "USER", 0.01, "beyond the range of float32"),
            (np.array([[1e8, 1e8 + 8]]), "USER_C", 0.01, "feature 0 varies too little"),
            (np.ones((1, 2), complex), "USER", 0.01, "real numbers"),
            (np.ones((1, 2)), "USER", 100000, "is in seconds"),
            (np.ones((1, 2)), "USER", 0.0, "period=0.0"),
            (np.ones((1, 2)), "USER", 1e-8, "100 ns"),
        ],
    )
    def test_refuses_values(self, x, kind, period, message):
        with pytest.raises(ParameterError, match=message):
            htk_bytes(x, kind, period)

    def test_infinite_values_are_kept_without_compression(self):
        x = np.array([[np.inf, -np.inf, np.nan, -0.0]], np.float32)
        assert_same_bytes(read_htk(io.BytesIO(htk_bytes(x, "USER_K")))[0], x)

    def test_refuses_what_is_no_features(self, tmp_path):
        raw = htk_bytes(features(3, 4), "USER_K")
        little = (
            np.frombuffer(raw[:8], ">i4").astype("<i4").tobytes()
            + np.frombuffer(raw[8:12], ">i2").astype("<i2").tobytes()
        )
        cases = {
            "empty": (b"", "byte 0: the file ends after 0 of the 12 bytes of the header"),
            "header": (raw[:7], "byte 0: the file ends after 7 of the 12"),
            "cut": (raw[:-9], "byte 12: the file ends after 41 of the 48 bytes of 4 frames"),
            "no checksum": (raw[:-2], "byte 60: the file ends after 0 of the 2 bytes of the checksum"),
            "damaged": (raw[:20] + b"\xff" + raw[21:], "byte 60: the checksum is"),
            "longer": (raw + b"x", "byte 62: 1 bytes follow"),
            "little": (little + raw[12:], "byte 0: little-endian"),
            "wav": (b"RIFF" + bytes(40), "not an HTK parameter file"),
            "waveform": (raw[:10] + bytes(2) + raw[12:-2], "byte 10: an HTK waveform"),
            "negative": (b"\xff" + raw[1:], "not an HTK parameter file"),
            "kind": (raw[:11] + b"\x3f" + raw[12:], "not an HTK parameter file"),
            "odd": (raw[:8] + b"\0\x0b" + raw[10:], "byte 8: 11 bytes per frame are no whole number of 32-bit values"),
            "small": (b"\0\0\0\2" + raw[4:10] + b"\x04\x09" + raw[12:36], "byte 0: compressed, but 2 rows"),
            "promise": (b"\x7f\xff\xff\xff" + raw[4:], "is cut off or damaged"),
        }
        for name, (content, message) in cases.items():
            path = tmp_path / f"{name}.htk"
            path.write_bytes(content)
            with pytest.raises(FormatError, match=message) as caught:
                read_htk(path)
            assert str(caught.value).startswith(str(path))

    def test_names_open_files_too(self):
        file = io.BytesIO(bytes(9))
        file.seek(5)
        with pytest.raises(FormatError, match="<BytesIO>, byte 5: "):
            read_htk(file)

    def test_refuses_text_files_and_other_things(self, tmp_path):
        (tmp_path / "a").write_text("text", encoding="utf-8")
        with open(tmp_path / "a", encoding="utf-8") as file, pytest.raises(ParameterError, match="mode 'rb'"):
            read_htk(file)
        with pytest.raises(ParameterError, match="path=5: expected a file name"):
            read_htk(5)
        with pytest.raises(ParameterError, match="path=None: expected a file name"):
            write_htk(None, np.zeros((1, 1)), kind="USER", period=0.01)
        with pytest.raises(FileNotFoundError):
            read_htk(tmp_path / "missing")

    def test_a_failure_leaves_no_file(self, tmp_path):
        with pytest.raises(ParameterError):
            write_htk(tmp_path / "a.htk", np.full((1, 2), np.nan), kind="USER_C", period=0.01)
        assert list(tmp_path.iterdir()) == []


class TestKaldiGolden:
    @pytest.mark.parametrize("name", ["float", "double", "text", "kaldiio", "kaldiio_text"])
    def test_matrices_are_read(self, name):
        dtype = np.float64 if name == "double" else np.float32
        got = dict(read_ark(GOLDEN / "kaldi" / f"{name}.ark"))
        assert list(got) == list(items())
        for key, x in items().items():
            if "text" not in name:
                assert_same_bytes(got[key], x.astype(dtype))
            assert got[key].shape == x.shape
            assert (np.abs(got[key] - x) <= 1e-5 * np.abs(x)).all()  # Kaldi's text has six digits

    def test_vectors_are_read(self):
        got = dict(read_ark(GOLDEN / "kaldi" / "vector.ark"))
        for key, x in items().items():
            assert_same_bytes(got[key], x[0])

    @pytest.mark.parametrize("name", COMPRESSIONS)
    def test_compressed_matrices_are_expanded_as_kaldi_does(self, name):
        expanded = dict(read_ark(GOLDEN / "kaldi" / "expanded.ark"))
        for key, x in read_ark(GOLDEN / "kaldi" / f"{name}.ark"):
            assert_same_bytes(x, expanded[f"{name}/{key}"])

    @pytest.mark.parametrize("name", COMPRESSIONS)
    def test_compressed_bytes_are_kaldis(self, name):
        assert ark_bytes(items(), compression=name) == (GOLDEN / "kaldi" / f"{name}.ark").read_bytes()

    @pytest.mark.parametrize("name", ["float", "double", "vector", "kaldiio"])
    def test_bytes_are_kaldis(self, name):
        dtype = np.float64 if name == "double" else np.float32
        things = {key: x.astype(dtype)[0] if name == "vector" else x.astype(dtype) for key, x in items().items()}
        assert ark_bytes(things) == (GOLDEN / "kaldi" / f"{name}.ark").read_bytes()

    def test_references_of_kaldi(self, shared_data):
        shapes = {}
        for path in sorted((shared_data / "reference" / "kaldi").glob("*.txt")):
            ((key, x),) = read_ark(path)
            shapes[path.stem] = (key, *x.shape)
            assert x[0, 0] == pytest.approx(float(path.read_text(encoding="utf-8").split()[2]))
        assert shapes["test"] == ("1", 23, 118)
        assert shapes["test-mfcc"] == ("1", 13, 118)
        assert shapes["test-40-no-snip-edges"] == ("1", 40, 120)


class TestKaldiLive:
    """Both directions with kaldiio, both forms."""

    @pytest.mark.parametrize("text", [False, True])
    def test_kaldiio(self, tmp_path, monkeypatch, text):
        kaldiio = pytest.importorskip("kaldiio")
        monkeypatch.chdir(tmp_path)
        things = items()
        write_ark("ours.ark", things, scp="ours.scp", text=text)
        for theirs in (dict(kaldiio.load_ark("ours.ark")), dict(kaldiio.load_scp("ours.scp"))):
            assert list(theirs) == list(things)
            for key, x in things.items():
                assert_same_bytes(np.ascontiguousarray(theirs[key].T), x)
        with kaldiio.WriteHelper(
            "ark,t,scp:theirs.ark,theirs.scp" if text else "ark,scp:theirs.ark,theirs.scp"
        ) as file:
            for key, x in things.items():
                file(key, np.ascontiguousarray(x.T))
        for got in (dict(read_ark("theirs.ark")), dict(read_scp("theirs.scp"))):
            for key, x in things.items():
                assert_same_bytes(got[key], x)

    @pytest.mark.parametrize("method", [2, 3, 5])
    def test_kaldiio_compressed(self, tmp_path, method):
        kaldiio = pytest.importorskip("kaldiio")
        path = str(tmp_path / "theirs.ark")
        with kaldiio.WriteHelper(f"ark:{path}", compression_method=method) as file:
            for key, x in items().items():
                file(key, np.ascontiguousarray(x.T))
        theirs = dict(kaldiio.load_ark(path))
        for key, x in read_ark(path):
            scale = np.abs(items()[key]).max() + 1
            assert np.abs(x - theirs[key].T).max() <= 8 * 2.0**-23 * scale


class TestKaldi:
    @given(x=MATRICES, text=st.booleans())
    def test_round_trip(self, x, text):
        ((key, got),) = read_ark(io.BytesIO(ark_bytes({"utt-1": x}, text=text)), dtype=x.dtype)
        assert key == "utt-1"
        assert_same_bytes(got, x)

    @given(x=arrays(np.float32, st.integers(0, 9), elements=st.floats(width=32, allow_nan=False)), text=st.booleans())
    def test_vectors_round_trip(self, x, text):
        if text and not x.size:
            return  # in text an empty vector looks like an empty matrix
        ((_, got),) = read_ark(io.BytesIO(ark_bytes({"a": x}, text=text)))
        assert_same_bytes(got, x)

    @settings(max_examples=50)
    @given(
        x=arrays(
            np.float32, array_shapes(min_dims=2, max_dims=2, max_side=20), elements=st.floats(-100, 100, width=16)
        ),
        method=st.sampled_from(["auto", "speech_feature", "two_byte_auto", "one_byte_auto"]),
    )
    def test_compressed_values_are_near(self, x, method):
        ((_, got),) = read_ark(io.BytesIO(ark_bytes({"a": x}, compression=method)))
        width = float(x.max() - x.min()) or 1 + float(np.abs(x).max())
        assert got.shape == x.shape
        # Steps of the whole range; of 'speech_feature' at most half a step of 63 between two quartiles of a feature.
        steps = {"two_byte_auto": 65535, "one_byte_auto": 255, "speech_feature": 63}
        steps["auto"] = 63 if x.shape[1] > 8 else 65535
        assert np.abs(got - x).max() <= 0.52 * width / steps[method] + 6 * width / 65535 + 1e-5

    def test_not_a_number_in_text(self):
        x = np.array([[np.nan, np.inf, -np.inf, -0.0]], np.float32)
        ((_, got),) = read_ark(io.BytesIO(ark_bytes({"a": x}, text=True)))
        np.testing.assert_array_equal(got, x)

    def test_empty_matrix(self):
        for options in ({}, {"text": True}, {"compression": "auto"}):
            ((_, got),) = read_ark(io.BytesIO(ark_bytes({"a": np.zeros((13, 0), np.float32)}, **options)))
            assert got.shape == (0, 0)

    def test_kaldis_own_empty_compressed_matrix(self):
        """Kaldi writes 20 bytes of header instead of 16, and misreads what follows; melfeat does not."""
        raw = b"a \0BCM " + bytes(20) + ark_bytes({"b": features(2, 3)})
        got = dict(read_ark(io.BytesIO(raw)))
        assert got["a"].shape == (0, 0)
        assert_same_bytes(got["b"], features(2, 3))

    def test_no_items(self, tmp_path):
        assert write_ark(tmp_path / "a.ark", {}, scp=tmp_path / "a.scp") == 0
        assert list(read_ark(tmp_path / "a.ark")) == []
        assert list(read_scp(tmp_path / "a.scp")) == []

    def test_binary_and_text_in_one_archive(self):
        raw = (
            ark_bytes({"a": features(2, 3)})
            + ark_bytes({"b": features(2, 4)}, text=True)
            + ark_bytes({"c": features(2, 5)})
        )
        assert {key: x.shape[1] for key, x in read_ark(io.BytesIO(raw))} == {"a": 3, "b": 4, "c": 5}

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            (b"a  [ 1 2 3 ]\n", [1, 2, 3]),
            (b"a [ 1 2 3 ]", [1, 2, 3]),
            (b"a\t[\n1 2 3\n4 5 6]\r\n", [[1, 4], [2, 5], [3, 6]]),
            (b"a  [\n  1 2 ; 3 4 ]\n\n", [[1, 3], [2, 4]]),
            (b"a []\n", np.zeros((0, 0))),
            (b"a  [\n 1e3 -1.5e-3 Infinity ]\n", [[1000], [-0.0015], [np.inf]]),
        ],
    )
    def test_forms_of_text(self, text, expected):
        ((key, got),) = read_ark(io.BytesIO(text))
        assert key == "a"
        np.testing.assert_array_equal(got, np.array(expected, np.float32))

    def test_items_stream(self, tmp_path):
        """Neither side holds more than a few items of many."""
        x = np.zeros((40, 25_000), np.float32)  # 4 MB
        path = tmp_path / "long.ark"

        def made():
            for i in range(12):
                x[0, 0] = i
                yield f"utt-{i}", x

        tracemalloc.start()
        try:
            assert write_ark(path, made(), scp=tmp_path / "long.scp") == 12
            assert [int(got[0, 0]) for _, got in read_ark(path)] == list(range(12))
            assert [int(got[0, 0]) for _, got in read_scp(tmp_path / "long.scp")] == list(range(12))
            assert tracemalloc.get_traced_memory()[1] < 6 * x.nbytes
        finally:
            tracemalloc.stop()
        assert path.stat().st_size > 12 * x.nbytes

    def test_open_files_and_paths(self, tmp_path):
        with open(tmp_path / "a.ark", "wb") as file:
            write_ark(file, [("a", features(2, 3))])
            write_ark(file, [("b", features(2, 4))])
        assert [key for key, _ in read_ark(tmp_path / "a.ark")] == ["a", "b"]
        assert [key for key, _ in read_ark(str(tmp_path / "a.ark"))] == ["a", "b"]
        with open(tmp_path / "a.ark", "rb") as file:
            assert [key for key, _ in read_ark(file)] == ["a", "b"]
            assert not file.closed

    def test_a_failure_leaves_no_files(self, tmp_path):
        def made():
            yield "a", features(2, 3)
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            write_ark(tmp_path / "a.ark", made(), scp=tmp_path / "a.scp")
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("things", "options", "message"),
        [
            ({"": features(2, 3)}, {}, "key=''"),
            ({"a b": features(2, 3)}, {}, "key='a b'"),
            ([(1, features(2, 3))], {}, "key=1"),
            ({"a": np.zeros((2, 3), int)}, {}, "'a': shape .* dtype int64; expected float32"),
            ({"a": np.zeros((2, 3, 4))}, {}, "'a': shape"),
            ({"a": features(2, 3)}, {"compression": "gzip"}, "compression='gzip': expected one of None, 'auto'"),
            ({"a": features(2, 3)}, {"compression": "auto", "text": True}, "text=True with compression='auto'"),
            ({"a": np.full((2, 3), np.inf)}, {"compression": "auto"}, "not finite"),
            ({"a": np.array([[-3e38, 3e38]])}, {"compression": "auto"}, "wider than float32"),
            ({"a": features(2, 3)}, {"scp": "a.scp"}, "lines of a script file name the archive"),
        ],
    )
    def test_refuses_to_write(self, things, options, message):
        with pytest.raises(ParameterError, match=message):
            write_ark(io.BytesIO(), things, **options)

    @pytest.mark.parametrize("dtype", [np.int16, "float16", "text", object()])
    def test_refuses_dtypes(self, dtype):
        with pytest.raises(ParameterError, match=r"expected np\.float32, np\.float64, or None"):
            read_ark(io.BytesIO(), dtype=dtype)

    def test_refuses_what_is_no_file(self):
        for function in (read_ark, read_scp):
            with pytest.raises(ParameterError, match="path=5"):
                function(5)
        with pytest.raises(ParameterError, match="location=5"):
            read_kaldi(5)

    def test_refuses_damage(self, tmp_path):
        raw = ark_bytes({"utt-1": features(2, 3), "utt-2": features(2, 4)})
        second = raw.index(b"utt-2")
        cases = {
            "cut in the data": (
                raw[:-5],
                rf"byte {second + 21}: the file ends after 27 of the 32 bytes of a matrix \(FM\)",
            ),
            "cut in the size": (raw[: second + 15], "the file ends after 4 of the 5 bytes of the size of a matrix"),
            "cut in the key": (raw[: second + 3], f"byte {second}: expected a key and a space, got b'utt'"),
            "nothing behind the key": (raw[: second + 6], r"byte \d+: expected '\[' .* the file ends"),
            "size": (raw[:11] + b"\5" + raw[12:], "byte 11: expected the size"),
            "negative": (raw[:15] + b"\xff" + raw[16:], "expected the size"),
            "promise": (raw[:15] + b"\x7f" + raw[16:], "cut off or damaged"),
            "token": (raw[:8] + b"X" + raw[9:], r"byte 8: expected a matrix or vector \(FM, DM.* begins with b'XM "),
            "sparse": (b"a \0BSM " + bytes(20), "got a sparse matrix"),
            "alignment": (b"a \0B\4\1\0\0\0", "an integer or a vector of integers"),
            "single": (raw[6:], "byte 0: a single matrix or vector without a key"),
            "audio": (b"a RIFF....WAVE", "item 'a' is audio"),
            "text": (b"a [ 1 2 x ]\n", "byte 2: .* no number"),
            "ragged": (b"a [\n 1 2\n 3 ]\n", r"byte 2: rows of \[1, 2\] values"),
            "open": (b"a [\n 1 2\n 3 4\n", r"the file ends within a matrix in text form: no '\]' follows"),
            "words": (b"hello world, this is a letter", "byte 6: expected '\\['"),
            "picture": (b"\x89PNG\r\n\x1a\n" + bytes(100), "byte 0: expected a key and a space"),
            "latin": (b"\xe4\xf6 [ 1 ]", "no UTF-8"),
            "columns": (b"a \0BCM2 " + bytes(8) + b"\xff\xff\xff\xff\1\0\0\0", "would have -1 rows"),
            "compressed": (
                ark_bytes({"a": features(5, 9)}, compression="auto")[:-1],
                r"a matrix \(CM\) of 9 rows and 5",
            ),
        }
        for name, (content, message) in cases.items():
            path = tmp_path / "damaged.ark"
            path.write_bytes(content)
            with pytest.raises(FormatError, match=message) as caught:
                list(read_ark(path))
            assert str(caught.value).startswith(f"{path}, byte "), name

    def test_what_comes_before_the_damage_is_given(self):
        raw = ark_bytes({"a": features(2, 3), "b": features(2, 4)})[:-1]
        reader = read_ark(io.BytesIO(raw))
        assert next(reader)[0] == "a"
        with pytest.raises(FormatError):
            next(reader)


class TestScript:
    @pytest.fixture
    def archive(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        os.mkdir("sub folder")
        write_ark("sub folder/a.ark", items(), scp="a.scp")
        return {line.split(maxsplit=1)[0]: line.split(maxsplit=1)[1] for line in open("a.scp", encoding="utf-8")}

    def read(self, location: str) -> np.ndarray:
        ((key, x),) = read_scp(io.BytesIO(f"key {location}".encode()))
        assert key == "key"
        assert_same_bytes(read_kaldi(location.strip()), x)
        return x

    def test_offsets(self, archive):
        for key, location in archive.items():
            assert_same_bytes(self.read(location), items()[key])
        assert [key for key, _ in read_scp("a.scp")] == list(items())

    @pytest.mark.parametrize(
        ("text", "rows", "columns"),
        [
            ("0:10", slice(0, 11), slice(None)),
            ("5:5", slice(5, 6), slice(None)),
            ("3:25", slice(3, 23), slice(None)),  # up to three frames beyond the end, as in Kaldi
            (":,1:3", slice(None), slice(1, 4)),
            (",1:3", slice(None), slice(1, 4)),
            ("2:4,0:0", slice(2, 5), slice(0, 1)),
            (":", slice(None), slice(None)),
        ],
    )
    def test_ranges_include_both_ends(self, archive, text, rows, columns):
        got = self.read(f"{archive['utt-23'].strip()}[{text}]")
        assert_same_bytes(got, np.ascontiguousarray(items()["utt-23"][columns, rows]))

    @pytest.mark.parametrize("text", ["10:5", "0:26", "23:24", "0:1,0:5", "a:b", "1", "0:1,0:1,0:1", "-1:3", ""])
    def test_ranges_that_do_not_fit(self, archive, text):
        location = f"{archive['utt-23'].strip()}[{text}]"
        if text == "":
            assert self.read(location).shape == (5, 23)
            return
        with pytest.raises(FormatError, match=r"range \[.*\] does not fit \(23, 5\); expected \[first:last\]"):
            self.read(location)

    def test_base(self, tmp_path, monkeypatch):
        write_ark(tmp_path / "a.ark", items())
        lines = b"k a.ark:6\n"
        assert_same_bytes(dict(read_scp(io.BytesIO(lines), base=tmp_path))["k"], items()["utt-1"])
        with pytest.raises(FileNotFoundError):
            list(read_scp(io.BytesIO(lines)))

    def test_single_matrix_files(self, tmp_path):
        raw = ark_bytes({"a": features(3, 4)})
        (tmp_path / "m.mat").write_bytes(raw[2:])
        assert_same_bytes(read_kaldi(tmp_path / "m.mat"), features(3, 4))
        assert_same_bytes(read_kaldi(f"{tmp_path}/m.mat[1:2]"), np.ascontiguousarray(features(3, 4)[:, 1:3]))
        assert_same_bytes(read_kaldi(tmp_path / "m.mat", dtype=np.float64), features(3, 4).astype(np.float64))

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            (b"onlykey\n", "byte 0: line 1 is not 'key file' or 'key file:offset', but b'onlykey'"),
            (b"\xff\xfe x\n", "line 1 is not"),
            (b"k a\0b\n", r"'a\\x00b' is not 'file'"),
            (b"k gunzip -c a.ark.gz |\n", "commands and pipes are not run"),
            (b"k | cat\n", "commands and pipes are not run"),
            (b"k -\n", "commands and pipes are not run"),
            (b"\n", "line 1 is not .*, but b''"),
        ],
    )
    def test_refuses_lines(self, line, message):
        with pytest.raises(FormatError, match=message):
            list(read_scp(io.BytesIO(line)))

    def test_damage_names_the_archive(self, archive):
        with pytest.raises(FormatError, match=r"sub folder/a.ark, byte 7: expected '\['"):
            self.read("sub folder/a.ark:7")
        with pytest.raises(FormatError, match=r"byte 100000: .*the file ends"):
            self.read("sub folder/a.ark:100000")

    def test_names_that_a_script_cannot_hold(self, tmp_path):
        with pytest.raises(ParameterError, match="Kaldi misreads the scp"):
            write_ark(f"{tmp_path}/a.ark ", items(), scp=tmp_path / "a.scp")


class TestFuzz:
    """Mutated files raise `FormatError` or give arrays; they never raise anything else, hang, or fill the memory."""

    SEEDS = (*HTK_FILES[:3], *(path for path in ARCHIVES if path.stat().st_size < 3000))

    @settings(max_examples=150)
    @given(
        path=st.sampled_from(SEEDS),
        places=st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 255)), min_size=1, max_size=4),
        cut=st.integers(0, 200),
    )
    def test_mutations(self, path, places, cut):
        raw = bytearray(path.read_bytes())
        for place, value in places:
            raw[min(place % 80 if value % 2 else place, len(raw) - 1)] = value
        file = io.BytesIO(bytes(raw[: len(raw) - cut]))
        try:
            got = [read_htk(file)[0]] if path.suffix == ".htk" else [x for _, x in read_ark(file)]
        except FormatError:
            return
        assert all(isinstance(x, np.ndarray) and x.nbytes < 2**20 for x in got)

    @given(raw=st.binary(max_size=64))
    def test_noise(self, raw):
        for read in (lambda file: read_htk(file), lambda file: list(read_ark(file)), lambda file: list(read_scp(file))):
            with contextlib.suppress(FormatError, OSError):  # a name in a script file may be any file that is not there
                read(io.BytesIO(raw))


def test_the_golden_files_are_here_and_small():
    files = [path for path in GOLDEN.rglob("*") if path.is_file()]
    assert {f"{name}.htk" for name in HTK} < {path.name for path in files}
    assert sum(path.stat().st_size for path in files) < 100_000
