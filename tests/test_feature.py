"""The doors `melspectrogram` and `mfcc`: values, shapes, refusals, and the same bits for the same frame everywhere."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import melfeat
from melfeat import EmptyFilterWarning, ParameterError, pipeline
from melfeat.kernels._jit import JIT_DISABLED
from melfeat.kernels.framing import JOB
from tests.oracles import librosa_like as oracle
from tests.support import assert_near, assert_same_bytes, eps, fewer, needs_jit, slow_interpreted

#: Small enough to run interpreted too.
SMALL = {"n_fft": 64, "hop_length": 16, "n_mels": 8}
MFCC = {**SMALL, "n_mfcc": 5}

FRAMINGS = [
    {"n_fft": 64, "hop_length": 16},
    {"n_fft": 64, "hop_length": 100, "center": False},
    {"n_fft": 63, "hop_length": 20, "win_length": 40, "window": "hamming", "pad_mode": "reflect"},
    {"n_fft": 61, "hop_length": 7, "window": ("kaiser", 6.0), "pad_mode": "edge"},
    {"n_fft": 80, "hop_length": 32, "win_length": 33, "window": np.hanning(33), "pad_mode": "symmetric"},
    {"n_fft": 96, "hop_length": 24, "window": np.bartlett, "pad_mode": "linear_ramp"},
]
BANKS = [
    {"n_mels": 8},
    {"n_mels": 11, "htk": True, "norm": None, "power": 1.0},
    {"n_mels": 5, "fmin": 300.0, "fmax": 6000.0, "norm": 1, "power": 1.5},
    {"n_mels": 1, "norm": np.inf, "power": 3.0},
]
CEPSTRA = [
    {},
    {"n_mfcc": 3, "lifter": 22, "top_db": None},
    {"dct_type": 1, "norm": None},
    {"dct_type": 3, "norm": "ortho", "lifter": 5.5, "top_db": 20.0},
    {"dct_type": 2, "norm": None, "n_mfcc": 500},
]

quiet = pytest.mark.filterwarnings("ignore::melfeat.errors.EmptyFilterWarning")


@pytest.fixture
def y(rng, dtype):
    """Two channels of 500 samples of noise."""
    return rng.standard_normal((2, 500)).astype(dtype)


@quiet
class TestValues:
    @pytest.mark.parametrize("bank", BANKS, ids=range(len(BANKS)))
    @pytest.mark.parametrize("framing", FRAMINGS, ids=range(len(FRAMINGS)))
    def test_melspectrogram(self, y, dtype, framing, bank):
        expected = oracle.melspectrogram(y, 16000, **framing, **bank)
        # The transform's 10 eps, three times over for the cube, and its root where bands see little: c = 60.
        assert_near(melfeat.melspectrogram(y, 16000, **framing, **bank), expected, 60 * eps(dtype) * expected.max())

    @pytest.mark.parametrize("cepstrum", CEPSTRA, ids=range(len(CEPSTRA)))
    @pytest.mark.parametrize("framing", FRAMINGS, ids=range(len(FRAMINGS)))
    def test_mfcc(self, y, dtype, framing, cepstrum):
        bank = {"n_mels": 8}
        expected = oracle.mfcc(y, 16000, **framing, **bank, **cepstrum)
        got = melfeat.mfcc(y, 16000, **framing, **bank, **cepstrum)
        # 8 bands of up to 60 dB, each off by up to 4.3 dB times 60 eps times the frame's peak over the band's power.
        assert_near(got, expected, 2000 * eps(dtype) * max(1, np.abs(expected).max()))

    @pytest.mark.parametrize("power", [2.0, 1.0])
    def test_defaults(self, rng, dtype, power):
        y = (0.1 * rng.standard_normal(2500)).astype(dtype)
        expected = oracle.melspectrogram(y, power=power)
        assert_near(melfeat.melspectrogram(y, power=power), expected, 60 * eps(dtype) * expected.max())
        expected = oracle.mfcc(y, power=power)
        assert_near(melfeat.mfcc(y, power=power), expected, 500 * eps(dtype) * np.abs(expected).max())

    def test_of_given_spectra(self, rng, dtype):
        S = (rng.standard_normal((2, 33, 11)) ** 2).astype(dtype)
        from tests.oracles import bank

        expected = bank.mel(16000, 64, 8, 0.0, 8000.0, False, "slaney") @ S
        assert_near(melfeat.melspectrogram(S=S, sr=16000, n_mels=8), expected, 40 * eps(dtype) * expected.max())
        assert melfeat.melspectrogram(S=S, sr=16000, n_mels=8).dtype == dtype
        assert melfeat.melspectrogram(S=S[:, :, :0], sr=16000, n_mels=8).shape == (2, 8, 0)

    @pytest.mark.parametrize("cepstrum", CEPSTRA, ids=range(len(CEPSTRA)))
    def test_of_given_levels(self, rng, dtype, cepstrum):
        S = rng.uniform(-80, 0, (2, 8, 11)).astype(dtype)
        cepstrum = {name: value for name, value in cepstrum.items() if name != "top_db"}
        expected = oracle.cepstra(S, **cepstrum)
        assert_near(melfeat.mfcc(S=S, **cepstrum), expected, 40 * eps(dtype) * np.abs(expected).max())
        assert melfeat.mfcc(S=S, **cepstrum).dtype == dtype

    def test_steps_equal_the_whole(self, y):
        mel = melfeat.melspectrogram(y, **SMALL)
        steps = melfeat.mfcc(S=melfeat.power_to_db(mel), n_mfcc=5)
        assert_same_bytes(melfeat.mfcc(y, **MFCC), steps)

    def test_more_coefficients_than_bands_are_bands(self, y):
        assert melfeat.mfcc(y, **SMALL, n_mfcc=100).shape[-2] == 8


@quiet
class TestShapes:
    @pytest.mark.parametrize("lead", [(), (1,), (3,), (2, 3), (2, 1, 2), (0,), (2, 0)])
    def test_leading_dimensions(self, rng, dtype, lead):
        y = rng.standard_normal((*lead, 100)).astype(dtype)
        assert melfeat.mfcc(y, **MFCC).shape == (*lead, 5, 7)
        mel = melfeat.melspectrogram(y, **SMALL)
        assert mel.shape == (*lead, 8, 7)
        assert mel.dtype == dtype
        assert mel.flags.c_contiguous
        assert mel.flags.writeable

    @pytest.mark.parametrize("n", [0, 1, 63, 64, 65, 127, 128, 129, 499])
    def test_lengths(self, rng, dtype, n):
        y = rng.standard_normal(n).astype(dtype)
        got = melfeat.mfcc(y, **MFCC)
        assert got.shape == (5, 1 + n // 16)
        assert_near(got, oracle.mfcc(y, **MFCC), 3000 * eps(dtype) * max(1, np.abs(got).max()))
        if n >= 64:
            assert melfeat.mfcc(y, **MFCC, center=False).shape == (5, 1 + (n - 64) // 16)
        else:
            with pytest.raises(ParameterError, match=f"n_fft=64 is too large for uncentred frames of a signal of {n}"):
                melfeat.mfcc(y, **MFCC, center=False)

    def test_no_samples_are_one_frame_of_silence(self, dtype):
        got = melfeat.mfcc(np.zeros(0, dtype), **MFCC)
        expected = np.zeros((5, 1))
        expected[0] = -100 * np.sqrt(8)
        assert_near(got, expected, 100 * eps(dtype) * 300)
        assert not melfeat.melspectrogram(np.zeros(0, dtype), **SMALL).any()

    def test_positional_calls(self, y):
        expected = melfeat.mfcc(y=y, sr=16000, n_mfcc=6, dct_type=3, norm=None, lifter=4, mel_norm=None)
        assert_same_bytes(melfeat.mfcc(y, 16000, None, 6, 3, None, 4, None), expected)
        expected = melfeat.melspectrogram(
            y=y, sr=16000, n_fft=64, hop_length=20, win_length=50, window="hamming", center=False, pad_mode="edge",
            power=1.0, n_mels=4,
        )  # fmt: skip
        got = melfeat.melspectrogram(y, 16000, None, 64, 20, 50, "hamming", False, "edge", 1.0, n_mels=4)
        assert_same_bytes(got, expected)

    def test_feature_module_has_the_same_functions(self):
        assert melfeat.feature.mfcc is melfeat.mfcc
        assert melfeat.feature.melspectrogram is melfeat.melspectrogram


@quiet
class TestInputs:
    def test_layout_changes_nothing(self, y):
        expected = melfeat.mfcc(y, **MFCC)
        wide = np.repeat(y, 2, axis=1)
        turned = np.asfortranarray(y)
        backwards = np.ascontiguousarray(y[:, ::-1])[:, ::-1]
        swapped = np.ascontiguousarray(y.T).T
        for same in (wide[:, ::2], turned, backwards, swapped, y.byteswap().view(y.dtype.newbyteorder())):
            assert_same_bytes(melfeat.mfcc(same, **MFCC), expected)

    def test_input_is_untouched_and_may_be_read_only(self, y):
        before = y.copy()
        y.setflags(write=False)
        melfeat.mfcc(y, **MFCC)
        melfeat.melspectrogram(y, **SMALL, pad_mode="reflect")
        assert_same_bytes(y, before)

    def test_results_are_independent(self, y):
        first = melfeat.mfcc(y, **MFCC)
        kept = first.copy()
        melfeat.mfcc(-y[::-1], **MFCC)[:] = np.nan
        assert_same_bytes(first, kept)

    def test_other_floats(self, rng):
        y = rng.standard_normal(200)
        half, long = y.astype(np.float16), y.astype(np.longdouble)
        assert_same_bytes(melfeat.mfcc(half, **MFCC), melfeat.mfcc(half.astype(np.float32), **MFCC))
        assert_same_bytes(melfeat.mfcc(long, **MFCC), melfeat.mfcc(y, **MFCC))

    def test_numbers_may_be_numpys(self, y):
        given = {name: np.int64(value) for name, value in MFCC.items()}
        assert_same_bytes(melfeat.mfcc(y, np.float32(22050), **given), melfeat.mfcc(y, **MFCC))


WRONG = [
    ({"n_fft": 0}, r"n_fft=0: expected an integer >= 1 \[samples\]"),
    ({"n_fft": -8}, "n_fft=-8: expected an integer >= 1"),
    ({"n_fft": 64.0}, "n_fft=64.0: expected an integer"),
    ({"hop_length": 0}, "hop_length=0: expected an integer >= 1"),
    ({"win_length": 65}, "win_length=65: .*<= 64 .*raise n_fft or shorten the window"),
    ({"win_length": 0}, "win_length=0"),
    ({"fmax": 11026.0}, r"fmax=11026.0: expected fmin < fmax <= sr/2.* 11025 \[Hz\]"),
    ({"fmin": 500.0, "fmax": 400.0}, "fmax=400.0: expected fmin < fmax"),
    ({"fmin": -1.0}, "fmin=-1.0"),
    ({"fmin": 12000.0}, "fmin=12000.0: expected fmin < sr/2"),
    ({"sr": 0}, "sr=0"),
    ({"sr": float("nan")}, "sr=nan"),
    ({"window": "hanning"}, "window='hanning': .*did you mean 'hann'"),
    ({"window": np.ones(7)}, r"shape \(7,\); expected \(64,\)"),
    ({"window": np.ones((2, 32))}, r"window: the array has shape \(2, 32\)"),
    ({"pad_mode": "wrap"}, "pad_mode='wrap': expected one of 'constant', 'edge'"),
    ({"center": "yes"}, "center='yes': expected True or False"),
    ({"power": 0}, "power=0"),
    ({"power": None}, "power=None: .*use stft"),
    ({"n_mels": 0}, "n_mels=0: expected an integer >= 1"),
    ({"htk": 2}, "htk=2"),
]
WRONG_MEL = [({"norm": "slany"}, "norm='slany': expected 'slaney'")]
WRONG_MFCC = [
    ({"mel_norm": "slany"}, "norm='slany': expected 'slaney'"),
    ({"n_mfcc": 0}, "n_mfcc=0"),
    ({"dct_type": 4}, "dct_type=4: expected one of 1, 2, 3"),
    ({"norm": "Ortho"}, "norm='Ortho': expected one of 'ortho', None"),
    ({"lifter": -1}, "lifter=-1: .*0 is no liftering"),
    ({"top_db": -3}, r"top_db=-3: .*\[dB\]"),
    ({"dct_type": 1, "n_mels": 1}, "n_mels=1: expected at least 2 bands for dct_type=1"),
]
SIGNALS = [
    (np.zeros(300, np.int16), r"y has dtype int16: expected floating point; divide .* / 32768"),
    (np.zeros(300, bool), "y has dtype bool"),
    (np.zeros(300, complex), "y has dtype complex128: .*real part"),
    (np.array(["a"]), "y has dtype <U1"),
    (np.float32(1), "y has type float32: expected a numpy.ndarray"),
    (np.array(1.0), r"y has shape \(\): expected at least 1 dimension"),
    ([0.0] * 300, "y has type list: expected a numpy.ndarray; use np.asarray"),
    (None, "y=None and S=None: expected a signal y or"),
]


class TestRefusals:
    @pytest.mark.parametrize(("options", "text"), WRONG + WRONG_MEL)
    def test_melspectrogram(self, options, text):
        with pytest.raises(ParameterError, match=text):
            melfeat.melspectrogram(np.ones(300), **{**SMALL, **options})

    @pytest.mark.parametrize(("options", "text"), WRONG + WRONG_MFCC)
    def test_mfcc(self, options, text):
        with pytest.raises(ParameterError, match=text):
            melfeat.mfcc(np.ones(300), **{**MFCC, **options})

    @pytest.mark.parametrize(("y", "text"), SIGNALS)
    def test_signals(self, y, text):
        for door, options in ((melfeat.mfcc, MFCC), (melfeat.melspectrogram, SMALL)):
            with pytest.raises(ParameterError, match=text):
                door(y, **options)

    @pytest.mark.parametrize("mode", ["reflect", "edge", "symmetric", "linear_ramp"])
    def test_nothing_to_extend(self, mode):
        with pytest.raises(ParameterError, match=f"y has 0 samples: pad_mode='{mode}' has nothing to extend"):
            melfeat.mfcc(np.zeros(0), **MFCC, pad_mode=mode)

    def test_given_spectra(self):
        for door in (melfeat.mfcc, melfeat.melspectrogram):
            with pytest.raises(ParameterError, match=r"S has shape \(5,\): expected at least 2"):
                door(S=np.ones(5))
            with pytest.raises(ParameterError, match="S has dtype complex128"):
                door(S=np.ones((5, 4), complex))
            with pytest.raises(ParameterError, match=r"S has shape \(0, 4\): expected"):
                door(S=np.ones((0, 4)))

    def test_parameter_error_is_a_value_error(self):
        with pytest.raises(ValueError, match="n_fft=0"):
            melfeat.mfcc(np.ones(300), n_fft=0)

    def test_only_numbers_have_units(self):
        with pytest.raises(TypeError, match="unexpected keyword"):
            melfeat.mfcc(np.ones(300), hop=3)


@quiet
class TestFiniteCheck:
    """NaN and infinity are refused wherever they are, in a frame or between frames, and named; huge numbers are not."""

    FRAMINGS = (
        {"n_fft": 64, "hop_length": 16},
        {"n_fft": 64, "hop_length": 16, "center": False},
        {"n_fft": 32, "hop_length": 50},
        {"n_fft": 32, "hop_length": 50, "center": False},
        {"n_fft": 33, "hop_length": 10, "win_length": 11, "center": False},
        {"n_fft": 32, "hop_length": 32, "window": "boxcar", "pad_mode": "reflect"},
        {"n_fft": 61, "hop_length": 30, "pad_mode": "edge"},
    )

    @pytest.mark.parametrize("framing", fewer(list(FRAMINGS), 3), ids=str)
    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_anywhere(self, dtype, rng, framing, bad):
        n = 333
        places = [0, 1, 31, 32, 40, 49, 50, 64, 65, 200, 320, n - 2, n - 1]
        for at in places[:: 3 if JIT_DISABLED else 1]:
            y = rng.standard_normal((2, n)).astype(dtype)
            y[1, at] = bad
            with np.errstate(all="ignore"):
                for door in (melfeat.mfcc, melfeat.melspectrogram):
                    with pytest.raises(ParameterError, match=rf"y is not finite everywhere: 1 .* index \(1, {at}\)"):
                        door(y, **framing, n_mels=4)
                with pytest.raises(ParameterError, match=rf"index \(1, {at}\)"):
                    melfeat.stft(y, **framing)

    @needs_jit
    def test_at_every_sample(self, dtype):
        for at in range(150):
            y = np.ones(150, dtype)
            y[at] = np.nan
            with pytest.raises(ParameterError, match=rf"index \((0, )?{at},?\)"):
                melfeat.mfcc(y, n_fft=32, hop_length=40, n_mels=4, center=False)

    def test_huge_is_finite(self, rng):
        """1e30 is a float32, its power is not: nothing is refused, and nothing is hidden."""
        y = (1e30 * rng.standard_normal(333)).astype(np.float32)
        with np.errstate(all="ignore"):
            mel = melfeat.melspectrogram(y, **SMALL)
            assert np.isinf(mel).any()
            assert melfeat.mfcc(y, **MFCC).shape == (5, 21)
            assert np.isfinite(melfeat.stft(y, n_fft=64)).all()
        double = melfeat.mfcc(y.astype(np.float64), **MFCC)
        assert_near(double, oracle.mfcc(y, **MFCC), 1e-9 * np.abs(double).max())

    def test_tiny_is_not_lost_in_float64(self, rng):
        y = 1e-150 * rng.standard_normal(333)
        expected = oracle.melspectrogram(y, **SMALL)
        assert_near(melfeat.melspectrogram(y, **SMALL), expected, 1e-9 * expected.max())


@quiet
class TestOneFrameOneAnswer:
    """Bits depend on the frame alone: not on channels, positions, blocks, threads or the width of the vectors."""

    @pytest.mark.parametrize("n", [1, 64, 100, 333])
    @pytest.mark.parametrize("door", ["mfcc", "melspectrogram"])
    def test_a_channel_of_a_batch_is_the_channel_alone(self, rng, dtype, n, door):
        y = rng.standard_normal((7, n)).astype(dtype) * 10.0 ** rng.integers(-4, 4, (7, 1)).astype(dtype)
        function, options = getattr(melfeat, door), MFCC if door == "mfcc" else SMALL
        batch = function(y, **options)
        for channel, expected in zip(y, batch, strict=True):
            assert_same_bytes(function(channel, **options), expected)
        order = rng.permutation(7)
        assert_same_bytes(function(y[order], **options), batch[order])
        assert_same_bytes(function(y[:6].reshape(2, 3, n), **options), batch[:6].reshape(2, 3, *batch.shape[1:]))

    @pytest.mark.parametrize("framing", [{"n_fft": 64, "hop_length": 16}, {"n_fft": 61, "hop_length": 7}])
    def test_a_frame_has_the_same_bits_wherever_it_stands(self, rng, dtype, framing):
        y = rng.standard_normal(1000).astype(dtype)
        options = {**framing, "n_mels": 8, "n_mfcc": 5, "center": False, "top_db": None}
        whole = melfeat.mfcc(y, **options)
        hop = framing["hop_length"]
        for first in (1, 2, 3, 5, 8, 13, 21, 31):
            count = min(11, whole.shape[1] - first)
            piece = y[first * hop : (first + count - 1) * hop + framing["n_fft"]]
            assert_same_bytes(melfeat.mfcc(piece, **options), whole[:, first : first + count])

    def test_centred_frames_are_those_of_the_padded_signal(self, rng, dtype):
        y = rng.standard_normal(777).astype(dtype)
        for mode in ("constant", "reflect", "edge"):
            padded = np.pad(y, 32, mode=mode)
            expected = melfeat.mfcc(padded, **MFCC, center=False)
            assert_same_bytes(melfeat.mfcc(y, **MFCC, pad_mode=mode), expected)

    @pytest.mark.parametrize("piece", [1, 2, 3, 100])
    def test_pieces_of_blocks(self, rng, dtype, piece, monkeypatch):
        """Pieces of any size, with scratch that holds NaN before each call, write what one piece writes."""
        y = rng.standard_normal((3, 333)).astype(dtype)
        expected = melfeat.mfcc(y, **MFCC), melfeat.melspectrogram(y, **SMALL), melfeat.stft(y, n_fft=64, hop_length=16)

        def in_pieces(job, work, run):
            job[JOB.index("piece")] = piece
            assert run()
            assert job[JOB.index("done")] == job[JOB.index("end")] - job[JOB.index("first")]

        def dirty(name, size, kind):
            return np.full(size, np.nan, kind)

        monkeypatch.setattr(pipeline, "share", in_pieces)
        monkeypatch.setattr(pipeline, "scratch", dirty)
        assert_same_bytes(melfeat.mfcc(y, **MFCC), expected[0])
        assert_same_bytes(melfeat.melspectrogram(y, **SMALL), expected[1])
        assert_same_bytes(melfeat.stft(y, n_fft=64, hop_length=16), expected[2])

    @slow_interpreted
    def test_threads(self, rng, dtype):
        """Four threads at once, sizes mixed, so that scratch of different shapes is used again and again."""
        signals = [rng.standard_normal((c, n)).astype(dtype) for c, n in ((1, 900), (3, 200), (2, 64), (1, 1))]
        tasks = [(s, {**MFCC, "n_fft": n_fft}) for s in signals for n_fft in (64, 48, 61)]
        expected = [melfeat.mfcc(s, **options) for s, options in tasks]
        repeats = 1 if JIT_DISABLED else 20
        with ThreadPoolExecutor(4) as pool:
            jobs = [pool.submit(melfeat.mfcc, s, **options) for _ in range(repeats) for s, options in tasks]
        for job, bits in zip(jobs, expected * repeats, strict=True):
            assert_same_bytes(job.result(), bits)

    @needs_jit
    def test_width_of_the_vectors(self):
        """A machine with 512-bit registers computes the bits of one with 256."""
        code = (
            "import hashlib, numpy as np, melfeat\n"
            "rng, digest = np.random.default_rng(3), hashlib.sha256()\n"
            "for kind in (np.float32, np.float64):\n"
            "    y = rng.standard_normal((3, 777)).astype(kind)\n"
            "    for n_fft in (64, 61):\n"
            "        digest.update(melfeat.mfcc(y, n_fft=n_fft, hop_length=50, n_mels=8).tobytes())\n"
            "print(digest.hexdigest())"
        )
        digests = set()
        for bits in ("256", "512"):
            env = {**os.environ, "MELFEAT_VECTOR_BITS": bits}
            done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], env=env, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            digests.add(done.stdout)
        assert len(digests) == 1


class TestTopDb:
    def test_floor_is_per_channel(self, rng, dtype):
        loud, quiet = rng.standard_normal(300).astype(dtype), 1e-5 * rng.standard_normal(300).astype(dtype)
        both = melfeat.mfcc(np.stack([loud, quiet]), **MFCC, sr=8000)
        assert_same_bytes(both[1], melfeat.mfcc(quiet, **MFCC, sr=8000))

    def test_padding_lanes_do_not_count(self, rng, dtype):
        """The zeros behind the last frame are no frames: their floor, -100 dB, is above the peak of this signal."""
        y = 1e-7 * rng.standard_normal((1, 64)).astype(dtype)
        got = melfeat.mfcc(y, **MFCC, center=False, top_db=0.5, sr=8000)
        assert_near(got, oracle.mfcc(y, **MFCC, center=False, top_db=0.5, sr=8000), 3e4 * eps(dtype))


MANY = {"n_fft": 64, "hop_length": 16, "n_mels": 60}


class TestEmptyBands:
    def test_warns_and_points_here(self):
        for door in (melfeat.mfcc, melfeat.melspectrogram):
            with pytest.warns(EmptyFilterWarning, match=r"\d+ of 60 mel bands contain no FFT bin") as caught:
                door(np.ones(200), **MANY)
            assert len(caught) == 1
            assert caught[0].filename == __file__

    def test_warns_for_given_spectra_and_points_here(self):
        with pytest.warns(EmptyFilterWarning, match="of 60 mel bands") as caught:
            melfeat.melspectrogram(S=np.ones((33, 4)), n_mels=60)
        assert caught[0].filename == __file__

    def test_can_be_filtered(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", EmptyFilterWarning)
            got = melfeat.melspectrogram(np.ones(200), **MANY)
        assert (got == 0).all(axis=1).any()

    def test_enough_bins_do_not_warn(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            melfeat.mfcc(np.ones(200), n_fft=512, n_mels=10, sr=8000)
