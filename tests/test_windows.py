"""Windows: closed forms against the literature and SciPy, the rest handed over to SciPy, refusals."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import signal

from melfeat import ParameterError, filters
from melfeat.dsp.windows import _ALIASES, _CLOSED, _DIALECTS, COSINE_SUMS, window
from tests.oracles import dialects, windows as oracle

EPS = np.finfo(np.float64).eps
LENGTHS = [1, 2, 3, 4, 5, 31, 64, 400, 401, 2048]


@pytest.mark.parametrize("fftbins", [True, False])
@pytest.mark.parametrize("name", sorted({*_CLOSED, *_ALIASES}))
def test_equals_scipy_to_the_last_bit(name, fftbins):
    for length in LENGTHS:
        got = window(name, length, fftbins=fftbins)
        np.testing.assert_array_equal(got, signal.get_window(name, length, fftbins), strict=True)
        assert got.flags.c_contiguous
        assert got.flags.writeable
        assert got.flags.owndata


@pytest.mark.parametrize("fftbins", [True, False])
@pytest.mark.parametrize("name", sorted(COSINE_SUMS))
def test_cosine_sums_are_their_definitions(name, fftbins):
    # Phases up to 4 * 2 pi carry 8 pi eps / 2, the sum of |a_k| is at most 1 (flat top: 1): 16 eps in all.
    for length in (2, 3, 31, 64, 401):
        got = window(name, length, fftbins=fftbins)
        np.testing.assert_allclose(got, oracle.cosine_sum(name, length, fftbins), rtol=0, atol=16 * EPS)


def test_known_values():
    assert window("hann", 4).tolist() == [0.0, 0.5, 1.0, 0.5]
    assert window("hamming", 3, fftbins=False) == pytest.approx([0.08, 1.0, 0.08])
    assert window("ones", 3).tolist() == [1.0, 1.0, 1.0]
    assert window("bartlett", 4).tolist() == [0.0, 0.5, 1.0, 0.5]
    assert window("triang", 3, fftbins=False).tolist() == [0.5, 1.0, 0.5]
    assert window("triang", 4, fftbins=False).tolist() == [0.25, 0.75, 0.75, 0.25]
    assert window("hann_symmetric", 3).tolist() == [0.0, 1.0, 0.0]
    assert window("hann_periodic", 2, fftbins=False).tolist() == [0.0, 1.0]


@given(name=st.sampled_from(sorted(_CLOSED)), length=st.integers(1, 600))
def test_symmetric_and_periodic(name, length):
    symmetric = window(name, length + 1, fftbins=False)
    np.testing.assert_allclose(symmetric, symmetric[::-1], rtol=0, atol=16 * EPS)
    if length > 1:
        np.testing.assert_array_equal(window(name, length), symmetric[:-1])


@pytest.mark.parametrize("fftbins", [True, False])
@pytest.mark.parametrize(
    "spec",
    [
        ("kaiser", 4.0),
        4.0,
        7,
        np.float32(2.5),
        "tukey",
        ("tukey", 0.25),
        "parzen",
        "bohman",
        "cosine",
        "lanczos",
        ("gaussian", 30.0),
        ("hann",),
        ("general_hamming", 0.7),
        ("exponential", None, 20.0),
    ],
)
def test_the_rest_is_scipys(spec, fftbins):
    for length in (1, 2, 3, 100, 101):
        got = window(spec, length, fftbins=fftbins)
        np.testing.assert_array_equal(got, signal.get_window(spec, length, fftbins), strict=True)


class TestDialects:
    """The windows that SciPy does not have, or not with a parameter."""

    SPECS = (*sorted(_DIALECTS), ("blackman", 0.42), ("blackman", 0.4), ("general_hamming", 0.53836))

    @pytest.mark.parametrize("symmetric", [True, False])
    @pytest.mark.parametrize("spec", SPECS)
    def test_are_the_oracle(self, spec, symmetric):
        for length in LENGTHS:
            fields = {"n_fft": length, "win_length": length, "window": spec, "window_symmetric": symmetric}
            expected = dialects.window(dialects.complete({"framing": fields}).framing)
            got = window(spec, length, fftbins=not symmetric)
            assert got.shape == (length,)
            assert got.flags.writeable
            # Near its zeros the power 0.85 turns an error of eps into one of eps ** 0.85.
            atol = 64 * EPS**0.85 if spec == "povey" else 16 * EPS
            np.testing.assert_allclose(got, expected, rtol=0, atol=atol)
            if symmetric:
                np.testing.assert_allclose(got, got[::-1], rtol=0, atol=atol)

    @pytest.mark.parametrize("spec", SPECS)
    def test_periodic_is_symmetric_of_one_more(self, spec):
        for length in (2, 3, 64, 401):
            got, longer = window(spec, length), window(spec, length + 1, fftbins=False)
            expected = window("hann", length) if spec == "matlab_hanning" else longer[:-1]
            np.testing.assert_array_equal(got, expected)
        assert window("sine_symmetric", 3).tolist() == [0.0, 1.0, 0.0]

    def test_known_values(self):
        assert window("matlab_hanning", 3, fftbins=False) == pytest.approx([0.5, 1.0, 0.5])
        assert window("matlab_hanning", 4).tolist() == [0.0, 0.5, 1.0, 0.5]
        assert window("povey", 5, fftbins=False) == pytest.approx([0.0, 0.5**0.85, 1.0, 0.5**0.85, 0.0])
        assert window("sine", 5, fftbins=False) == pytest.approx([0.0, 0.5**0.5, 1.0, 0.5**0.5, 0.0])
        assert window(("blackman", 0.5), 3, fftbins=False) == pytest.approx([0.0, 1.0, 0.0])
        assert window(("general_hamming", 0.53836), 3, fftbins=False) == pytest.approx([0.07672, 1.0, 0.07672])
        np.testing.assert_allclose(window(("blackman", 0.42), 31), window("blackman", 31), rtol=0, atol=4 * EPS)

    @pytest.mark.parametrize(
        ("spec", "message"),
        [
            (("povey", 0.9), r"window=\('povey', 0.9\): this window takes no parameters"),
            (("blackman", "a"), r"window=\('blackman', 'a'\): coefficient='a': expected a finite number"),
            (("blackman", 0.4, 1), "this window takes no parameters"),
            ("povy", "did you mean 'povey'"),
        ],
    )
    def test_refusals(self, spec, message):
        with pytest.raises(ParameterError, match=message):
            window(spec, 8)


def test_functions_and_arrays():
    assert window(np.hanning, 5).tolist() == np.hanning(5).tolist()
    values = np.arange(4, dtype=np.float32)
    got = window(values, 4)
    assert got.dtype == np.float64
    got[0] = 9.0
    assert values[0] == 0.0
    assert window([1, 2, 3], 3).tolist() == [1.0, 2.0, 3.0]
    assert window(values[::-2], 2).tolist() == [3.0, 1.0]


@pytest.mark.parametrize(
    ("spec", "length", "message"),
    [
        ("hanning", 8, r"window='hanning': .*did you mean 'hann(ing)?'"),
        ("no such", 8, "window='no such': no such window of 8 samples"),
        ("blackmann", 8, "did you mean 'blackman'"),
        ("kaiser", 8, "window='kaiser': no such window"),
        (("hann", 3.0), 8, r"window=\('hann', 3.0\): this window takes no parameters"),
        ((), 8, r"window=\(\): the first entry of a tuple is the window's name"),
        ((3.0, 1), 8, "the first entry of a tuple is the window's name"),
        (None, 8, "window=None: a window cannot be given as NoneType"),
        (True, 8, "window=True: a window cannot be given as bool"),
        (1j, 8, "a window cannot be given as complex"),
        ({"hann"}, 8, "a window cannot be given as set"),
        ([1.0, 2.0], 3, r"window: the array has shape \(2,\); expected \(3,\)"),
        (np.ones((2, 2)), 4, r"window: the array has shape \(2, 2\)"),
        (np.ones(2, dtype=complex), 2, "window: the array has dtype complex128; expected real"),
        ([[1.0], [2.0, 3.0]], 2, "window: the array is not an array of numbers"),
        ([1.0, np.nan], 2, "window: the array is not finite everywhere"),
        (np.hanning, 0, r"window length=0: expected an integer >= 1 \[samples\]"),
        (lambda n: np.ones(n + 1), 3, r"window: the function's result has shape \(4,\)"),
        ("hann", 0, "window length=0: expected an integer >= 1"),
        ("hann", 4.0, "window length=4.0: expected an integer >= 1"),
    ],
)
def test_refusals(spec, length, message):
    with pytest.raises(ParameterError, match=message):
        window(spec, length)


def test_fftbins_is_a_boolean():
    with pytest.raises(ParameterError, match="fftbins=None: expected True or False"):
        window("hann", 4, fftbins=None)


def test_closed_forms_do_not_import_scipy():
    names = ["hann", "povey", ("blackman", 0.42), ("general_hamming", 0.54)]
    code = f"import sys; from melfeat import filters; [filters.get_window(name, 8) for name in {names}]"
    code += "; sys.exit('scipy' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_equals_librosa():
    librosa = pytest.importorskip("librosa")
    specs = ["hann", "flattop", ("kaiser", 5.0), 3.0, np.hanning, np.arange(17.0), list(np.arange(17.0)), "parzen"]
    for spec in specs:
        for fftbins in (True, False):
            got = filters.get_window(spec, 17, fftbins=fftbins)
            np.testing.assert_array_equal(got, librosa.filters.get_window(spec, 17, fftbins=fftbins), strict=True)
    for spec in ("no such", ("hann", 3.0), "kaiser", [1.0, 2.0], None):
        with pytest.raises(Exception):  # noqa: B017, PT011
            librosa.filters.get_window(spec, 17)
        with pytest.raises(ParameterError, match="window"):
            filters.get_window(spec, 17)
