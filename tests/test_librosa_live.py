"""Drawn configurations against installed librosa 0.11: its values in float64, its accuracy in float32, its refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import melfeat
from melfeat import ParameterError
from tests.librosa_peer import DEFAULTS, Tally, compare, librosa_chain, melfeat_chain, show
from tests.support import assert_near, slow_interpreted

librosa = pytest.importorskip("librosa")

pytestmark = slow_interpreted

SEED = 20261121
CHUNKS, PER_CHUNK = 26, 20

PRIMES = (17, 19, 23, 31, 37, 61, 67, 101, 127, 131, 251, 257, 509, 521, 1009, 1021, 2039, 2053, 4093)
WINDOWS = ("hann", "hann", "hamming", "blackman", "boxcar", "bartlett", "nuttall", ("kaiser", 8.6), 4.5, ("tukey", 0.3))
TALLY = Tally()


def draw_n_fft(rng: np.random.Generator) -> int:
    kind = rng.integers(4)
    if kind == 0:
        return int(2 ** rng.integers(4, 13))
    if kind == 1:
        return int(rng.choice(PRIMES))
    if kind == 2:
        return int(rng.choice([200, 240, 320, 400, 441, 480, 600, 800, 882, 1000, 1103, 1200, 1764, 2205, 3000, 4095]))
    return int(np.exp(rng.uniform(np.log(16), np.log(4097))))


def draw_signal(rng: np.random.Generator, sr: int, n_fft: int) -> np.ndarray:
    """Noise, coloured noise or a chirp in noise, at any level, maybe silence behind; 0 to 3 s, 1 to 3 channels."""
    lengths = [0, 1, n_fft // 2, n_fft - 1, n_fft, n_fft + 1, 2 * n_fft + 7, 997]
    n = int(rng.choice(lengths)) if rng.random() < 0.4 else int(3 * sr * rng.random() ** 3)
    lead = ((), (), (), (2,), (3,), (1, 2))[rng.integers(6)]
    y = rng.standard_normal((*lead, n))
    kind = rng.integers(4)
    if kind == 1:
        y = np.cumsum(y, axis=-1) * 0.02
    elif kind == 2:
        t = np.arange(n) / sr
        y = np.sin(2 * np.pi * (200 + 900 * t) * t) + 10 ** rng.uniform(-4, -1) * y
    if rng.random() < 0.15:
        y[..., n // 3 :] = 0
    return y * 10 ** rng.uniform(-3, 0.5)


def draw(index: int) -> tuple[np.ndarray, int, dict[str, Any]]:
    rng = np.random.default_rng([SEED, index])
    n_fft = draw_n_fft(rng)
    sr = int(rng.choice([8000, 11025, 16000, 22050, 44100, 48000]))
    y = draw_signal(rng, sr, n_fft)
    win_length = None if rng.random() < 0.5 else int(rng.integers(max(2, n_fft // 8), n_fft + 1))
    hop = max(1, int(rng.uniform(0.05, 1.3) * n_fft), y.shape[-1] // 300)
    fmin = 0.0 if rng.random() < 0.5 else float(rng.uniform(0, sr / 4))
    n_mels = int(np.exp(rng.uniform(0, np.log(161))))
    options = {
        "n_fft": n_fft,
        "hop_length": hop,
        "win_length": win_length,
        "window": WINDOWS[rng.integers(len(WINDOWS))],
        "center": bool(rng.random() < 0.75),
        "pad_mode": str(rng.choice(["constant", "constant", "reflect", "edge", "symmetric", "linear_ramp"])),
        "power": float(rng.choice([2, 2, 2, 1, 1, 0.8, 1.5, 3])),
        "n_mels": n_mels,
        "fmin": fmin,
        "fmax": None if rng.random() < 0.5 else float(rng.uniform(fmin + sr / 16, sr / 2)),
        "htk": bool(rng.random() < 0.3),
        "mel_norm": ("slaney", "slaney", None, 1, 2, np.inf)[rng.integers(6)],
        "n_mfcc": int(rng.integers(1, n_mels + 1)),
        "dct_type": int(rng.choice([1, 2, 2, 2, 3])),
        "norm": None if rng.random() < 0.3 else "ortho",
        "lifter": float(rng.choice([0, 0, 22, rng.uniform(0.5, 60)])),
        "top_db": None if rng.random() < 0.4 else 80.0,
    }
    if y.shape[-1] == 1 and options["pad_mode"] != "constant":
        # One sample, repeated, has no spectrum beyond that of the window: roots of rounding noise compare to nothing.
        options["power"] = max(2.0, options["power"])
    return y, sr, options


@pytest.fixture(scope="module", autouse=True)
def report(request):
    yield
    show(request, "drawn configurations", TALLY)


def check_case(y: np.ndarray, sr: int, options: dict[str, Any]) -> None:
    try:
        librosa_chain(y, sr, options)
    except Exception:  # whatever it is that librosa's insides raise
        with pytest.raises(ParameterError, match=r"expected|too large|nothing to extend|needs at least"):
            melfeat_chain(y, sr, options)
        return
    compare(y, sr, options, TALLY)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_drawn_configurations(chunk):
    failures = []
    for index in range(chunk * PER_CHUNK, (chunk + 1) * PER_CHUNK):
        y, sr, options = draw(index)
        try:
            check_case(y, sr, options)
        except (AssertionError, pytest.fail.Exception, ParameterError) as error:
            failures.append(f"draw({index}): {error}\n    y {y.shape}, sr {sr}, {options}")
    assert not failures, f"{len(failures)} of {PER_CHUNK} configurations:\n" + "\n".join(failures)


def test_mel_spectra_are_typically_as_near_as_librosas():
    ratios = TALLY.ratios["mel"]
    if len(ratios) < 100:
        pytest.skip("needs the drawn configurations, run together")
    assert np.median(ratios) < 2


def test_enough_is_drawn_and_little_of_it_refused():
    assert CHUNKS * PER_CHUNK >= 500
    lengths = [draw(i)[0].shape[-1] for i in range(CHUNKS * PER_CHUNK)]
    assert min(lengths) == 0
    assert max(lengths) > 2 * 44100


class TestDefaults:
    """Called as the tutorials call librosa, nothing spelled out."""

    @pytest.fixture
    def y(self, rng):
        return (0.1 * rng.standard_normal(30000)).astype(np.float32)

    def test_mfcc(self, y):
        assert_near(melfeat.mfcc(y=y, sr=22050), librosa.feature.mfcc(y=y, sr=22050), 2e-3)
        assert_near(melfeat.feature.mfcc(y=y), librosa.feature.mfcc(y=y), 2e-3)

    def test_melspectrogram(self, y):
        expected = librosa.feature.melspectrogram(y=y)
        assert_near(melfeat.melspectrogram(y=y), expected, 1e-5 * expected.max())

    def test_stft_istft(self, y):
        D = librosa.stft(y)
        assert_near(melfeat.stft(y), D, 1e-5 * np.abs(D).max())
        assert_near(melfeat.istft(D), librosa.istft(D), 1e-6)
        assert_near(melfeat.istft(D, length=29000), librosa.istft(D, length=29000), 1e-6)
        assert_near(melfeat.istft(D, length=40000), librosa.istft(D, length=40000), 1e-6)

    @pytest.mark.parametrize(
        "options",
        [
            {"n_fft": 512},
            {"n_fft": 512, "hop_length": 100, "win_length": 400},
            {"n_fft": 511, "hop_length": 120},
            {"n_fft": 512, "center": False},
            {"n_fft": 400, "window": "hamming", "hop_length": 160},
        ],
    )
    def test_istft_options(self, y, options):
        y = y.astype(np.float64)
        D = librosa.stft(y, **options)
        back = {name: value for name, value in options.items() if name != "n_fft" or value % 2}
        for length in (None, 29000, len(y)):
            expected = librosa.istft(D, **back, length=length)
            got = melfeat.istft(D, **back, length=length)
            # Where the windows' sum is next to nothing both divide noise by it: librosa's last half frame, uncentred.
            assert_near(got, expected, 1e-9 * max(1, np.abs(expected).max()))

    def test_decibels(self, y):
        S = np.abs(librosa.stft(y)) ** 2
        for options in ({}, {"ref": np.max}, {"ref": 2.0}, {"top_db": None}, {"amin": 1e-3, "top_db": 20}):
            assert_near(melfeat.power_to_db(S, **options), librosa.power_to_db(S, **options), 2e-5)
            expected = librosa.amplitude_to_db(np.sqrt(S), **options)
            assert_near(melfeat.amplitude_to_db(np.sqrt(S), **options), expected, 2e-5)
        L = librosa.power_to_db(S.astype(np.float64))
        assert_near(melfeat.db_to_power(L), librosa.db_to_power(L), 1e-12 * S.max())
        assert_near(melfeat.db_to_amplitude(L, ref=3.0), librosa.db_to_amplitude(L, ref=3.0), 1e-9)

    def test_magphase(self, y):
        D = librosa.stft(y)
        for power in (1, 2, 0.5):
            for got, expected in zip(melfeat.magphase(D, power), librosa.magphase(D, power=power), strict=True):
                assert_near(got, expected, 1e-6 * max(1, np.abs(expected).max()))

    def test_mfcc_of_levels(self, y):
        S = librosa.power_to_db(librosa.feature.melspectrogram(y=y))
        for options in ({}, {"n_mfcc": 13, "lifter": 22}, {"dct_type": 3, "norm": None}):
            expected = librosa.feature.mfcc(S=S, **options)
            assert_near(melfeat.mfcc(S=S, **options), expected, 1e-5 * np.abs(expected).max())

    def test_melspectrogram_of_a_spectrogram(self, y):
        S = np.abs(librosa.stft(y)) ** 2
        expected = librosa.feature.melspectrogram(S=S, n_mels=40, fmax=8000)
        assert_near(melfeat.melspectrogram(S=S, n_mels=40, fmax=8000), expected, 1e-5 * expected.max())


NOISE = np.random.default_rng(5).standard_normal(4000)
REFUSED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"y": NOISE.astype(np.int16)}, {}),
    ({"y": np.float64(3)}, {}),
    ({"y": np.array(3.0)}, {}),
    ({"y": np.where(np.arange(4000) == 77, np.nan, NOISE)}, {}),
    ({"y": np.where(np.arange(4000) == 3999, np.inf, NOISE)}, {}),
    ({"y": list(NOISE)}, {}),
    ({}, {"n_fft": 0}),
    ({}, {"n_fft": -4}),
    ({}, {"n_fft": 512.0}),
    ({}, {"hop_length": 0}),
    ({}, {"hop_length": -1}),
    ({}, {"win_length": 4096}),
    ({}, {"win_length": 0}),
    ({}, {"window": "no such window"}),
    ({}, {"pad_mode": "wrap"}),
    ({}, {"pad_mode": "maximum"}),
    ({}, {"pad_mode": "no such mode"}),
    ({}, {"center": False, "n_fft": 4001}),
    ({}, {"mel_norm": "no such norm"}),
    ({}, {"dct_type": 5}),
    ({}, {"norm": "no such norm"}),
    ({}, {"lifter": -1}),
    ({}, {"top_db": -1}),
    ({}, {"n_mels": 0}),
    ({}, {"n_mels": -3}),
    ({"sr": 0}, {}),
    ({}, {"dct_type": 1, "n_mels": 1, "n_mfcc": 1}),
]


@pytest.mark.parametrize(("main", "options"), REFUSED, ids=[str(i) for i in range(len(REFUSED))])
def test_what_librosa_refuses_is_refused(main, options):
    y, sr = main.get("y", NOISE), main.get("sr", 22050)
    options = {**DEFAULTS, **options}
    try:
        with np.errstate(all="ignore"):
            librosa_chain(y, sr, options)
    except Exception:
        pass
    else:
        pytest.skip("this librosa takes it")
    with pytest.raises(ParameterError):
        melfeat.mfcc(y, sr, **options)
