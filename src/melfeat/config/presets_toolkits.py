"""Presets of toolkits: librosa, HTK, Kaldi, torchaudio, python_speech_features, … Options only, no computation.

References
----------
Formulas and defaults: librosa 0.11 (``feature.mfcc``); S. Young et al., The HTK Book, version 3.4, 2006, chapter 5 and
the defaults of ``HParm.c``; Kaldi (``feature-window.h``, ``mel-computations.h``, ``feature-mfcc.h``); torchaudio 2
(``transforms.MFCC``, ``compliance.kaldi``); python_speech_features 0.6 (``base.py``); M. Slaney, Auditory Toolbox
version 2, Interval Research TR 1998-010 (``mfcc.m``); D. Ellis, rastamat, 2005-2012 (``melfcc.m``); Essentia 2.1
(``MFCC``, ``Windowing``, ``FrameGenerator``); openSMILE 3 (``config/mfcc``); TensorFlow 2 (the example of
``tf.signal.mfccs_from_log_mel_spectrograms``); ETSI ES 201 108 v1.1.3, 2003.
"""

from __future__ import annotations

import math
from typing import Any

from ..errors import ParameterError
from ._registry import Options, register

INT16 = 32768.0  # full scale of 16-bit samples
EPS_32 = 2.0**-23  # of float32: Kaldi's floor
EPS_64 = 2.0**-52  # of float64: python_speech_features' replacement of zeros

#: Frames that begin with the signal, and a window at their beginning, zeros behind it up to the FFT's length.
FROM_START: Options = {"frames": "valid", "window_align": "left"}


def half_up(x: float) -> int:
    """Return `x` rounded to the nearest integer, halves up."""
    return math.floor(x + 0.5)


@register("librosa", "librosa 0.11 feature.mfcc: 20 MFCCs of 128 bands in dB", sr=22050)
def librosa(sr: float) -> Options:
    """The peak of `top_db` is that of each channel, as in librosa 1.0; 0.11 takes peak_scope='array'."""
    return {
        "n_fft": 2048,
        "hop_length": 512,
        "window": "hann",
        "frames": "center",
        "n_mels": 128,
        "weights_dtype": "float32",
        "logarithm": "db",
        "floor": 1e-10,
        "top_db": 80.0,
        "n_mfcc": 20,
        "lifter_offset": 1,
        "delta_window": 4,  # equal to Savitzky and Golay's 9 points but for the ends, and for order 1 only
    }


@register(
    "htk",
    "HTK's HCopy, target kind MFCC: 12 MFCCs of 20 magnitude bands, no C0 and no energy",
    sr=16000,
    without=("energy",),
)
def htk(sr: float, win_length_ms: float = 25.6, hop_length_ms: float = 10.0) -> Options:
    """MFCC_0 is c0='last', _E energy_place='last', _D delta_order=1, _D_A delta_order=2, _Z cmn='mean'."""
    period = 1e7 / sr  # [100 ns], as HTK counts; for its bands in whole units
    return {
        "input_scale": INT16,
        "dither_kind": "uniform",
        "preemphasis": 0.97,
        "preemphasis_scope": "frame",
        "preemphasis_first": "scaled",
        "win_length": int(win_length_ms * 1e4 / period),
        "hop_length": int(hop_length_ms * 1e4 / period),
        "n_fft": None,
        "window": "hamming",
        "window_symmetric": True,
        **FROM_START,
        "power": 1.0,
        **HTK_BANK,
        "nyquist": "exact" if period.is_integer() else "period",
        "n_mels": 20,
        **HTK_LEVELS,
        **HTK_CEPSTRA,
        "c0": "none",
        "energy_place": "last",
        "energy_eps": FLOAT32_MIN,
        "energy_normalize": True,
        "energy_scale": 0.1,
        "energy_silence_floor": 50.0,
        "cmn_columns": "no_energy",
    }


FLOAT32_MIN = 2.0**-126  # an energy of zero, whose logarithm is -1e10 in HTK, is raised to this

HTK_BANK: Options = {"mel_scale": "htk_ln", "mel_norm": None, "triangles": "htk", "bins": "inner", "vtln_kind": "htk"}
HTK_LEVELS: Options = {"logarithm": "ln", "floor": 1.0, "top_db": None}
HTK_CEPSTRA: Options = {"n_mfcc": 12, "dct_norm": "htk", "lifter": 22.0, "lifter_offset": 0}


def kaldi_frames(win_length: int, hop_length: int) -> Options:
    """Return the options of Kaldi's frames, for samples in [-1, 1)."""
    return {
        "input_scale": INT16,
        "remove_dc": True,
        "preemphasis": 0.97,
        "preemphasis_scope": "frame",
        "preemphasis_first": "scaled",
        "win_length": win_length,
        "hop_length": hop_length,
        "n_fft": None,
        "window": "povey",
        "window_symmetric": True,
        "pad_mode": "symmetric",  # for frames='no_snip'
        **FROM_START,
        "power": 2.0,
    }


def kaldi_levels(n_mels: int, floor: float = EPS_32) -> Options:
    """Return the options of Kaldi's bands and their logarithm."""
    return {
        "n_mels": n_mels,
        "fmin": 20.0,
        "mel_scale": "htk_ln",
        "mel_norm": None,
        "triangles": "mel",
        "bins": "no_nyquist",
        "logarithm": "ln",
        "floor": floor,
        "top_db": None,
    }


KALDI_CEPSTRA: Options = {"n_mfcc": 13, "dct_norm": "ortho", "lifter": 22.0, "lifter_offset": 0}


def kaldi_rest(cmn: str | None) -> Options:
    """Return the options of Kaldi's deltas and normalisation, whose floors of the variance differ."""
    sliding = cmn is not None and cmn.startswith("sliding")
    return {"delta_edges": "kaldi", "cmn_eps": 1e-10 if sliding else 1e-20, "cmn_eps_kind": "var_clamp"}


def kaldi(sr: float, win_length_ms: float, hop_length_ms: float, cmn: str | None) -> Options:
    """Return the options of Kaldi's features but for the place of the energy."""
    frames = kaldi_frames(int(sr * 0.001 * win_length_ms), int(sr * 0.001 * hop_length_ms))
    return {
        **frames,
        **kaldi_levels(23),
        **KALDI_CEPSTRA,
        "energy_point": "raw",
        "energy_eps": EPS_32,
        **kaldi_rest(cmn),
    }


@register(
    "kaldi-fbank", "Kaldi compute-fbank-feats: 23 log-mel bands", sr=16000, without=("cepstrum", "energy"),
    aliases=("kaldi",),
)  # fmt: skip
def kaldi_fbank(sr: float, win_length_ms: float = 25.0, hop_length_ms: float = 10.0, cmn: str | None = None) -> Options:
    """--use-energy is energy_place='first', --htk-compat then 'last'; --snip-edges=false frames='no_snip'."""
    return {**kaldi(sr, win_length_ms, hop_length_ms, cmn), "energy_place": "first"}


@register("kaldi-mfcc", "Kaldi compute-mfcc-feats: 13 MFCCs of 23 bands, the energy in place of C0", sr=16000)
def kaldi_mfcc(sr: float, win_length_ms: float = 25.0, hop_length_ms: float = 10.0, cmn: str | None = None) -> Options:
    """--use-energy=false is energy=None; --htk-compat c0='last', n_mfcc=12, without energy also c0_scale=2 ** 0.5."""
    return {**kaldi(sr, win_length_ms, hop_length_ms, cmn), "energy_place": "replace_c0"}


@register("torchaudio", "torchaudio.transforms.MFCC: 40 MFCCs of 128 bands in dB", sr=16000)
def torchaudio(sr: float, n_fft: int = 400, win_length: int | None = None) -> Options:
    """log_mels=True is logarithm='ln', floor=1e-6, floor_kind='add', top_db=None."""
    return {
        "n_fft": n_fft,
        "win_length": win_length,
        "hop_length": (n_fft if win_length is None else win_length) // 2,
        "window": "hann",
        "frames": "center",
        "pad_mode": "reflect",
        "n_mels": 128,
        "mel_scale": "htk",
        "mel_norm": None,
        "nyquist": "floor",
        "logarithm": "db",
        "floor": 1e-10,
        "top_db": 80.0,
        "peak_scope": "array",
        "n_mfcc": 40,
        "lifter_offset": 0,
    }


def torchaudio_kaldi(sr: float, win_length_ms: float, hop_length_ms: float) -> Options:
    """Return the options of torchaudio.compliance.kaldi but for the place of the energy."""
    frames = kaldi_frames(int(sr * win_length_ms * 0.001), int(sr * hop_length_ms * 0.001))
    energy = {"energy_point": "raw", "energy_eps": EPS_32, "energy_floor": 1.0}
    return {**frames, **kaldi_levels(23), **KALDI_CEPSTRA, **energy, "delta_edges": "replicate"}


@register(
    "torchaudio-kaldi-fbank", "torchaudio.compliance.kaldi.fbank: 23 log-mel bands", sr=16000,
    without=("cepstrum", "energy"), aliases=("ta-kaldi-fbank", "torchaudio-compliance-fbank"),
)  # fmt: skip
def torchaudio_kaldi_fbank(sr: float, win_length_ms: float = 25.0, hop_length_ms: float = 10.0) -> Options:
    """use_energy=True is energy_place='first'; its floor is then 1, where Kaldi has none."""
    return {**torchaudio_kaldi(sr, win_length_ms, hop_length_ms), "energy_place": "first"}


@register(
    "torchaudio-kaldi-mfcc", "torchaudio.compliance.kaldi.mfcc: 13 MFCCs of 23 bands, C0 kept", sr=16000,
    without=("energy",), aliases=("ta-kaldi-mfcc", "torchaudio-compliance-mfcc"),
)  # fmt: skip
def torchaudio_kaldi_mfcc(sr: float, win_length_ms: float = 25.0, hop_length_ms: float = 10.0) -> Options:
    """use_energy=True is energy_place='replace_c0'."""
    return {**torchaudio_kaldi(sr, win_length_ms, hop_length_ms), "energy_place": "replace_c0"}


@register(
    "python_speech_features", "python_speech_features 0.6 mfcc: 13 MFCCs of 26 bands, energy in place of C0", sr=16000,
    aliases=("psf",),
)  # fmt: skip
def python_speech_features(
    sr: float,
    win_length_ms: float = 25.0,
    hop_length_ms: float = 10.0,
    win_length: int | None = None,
    n_fft: int = 512,
) -> Options:
    """On the scale of int16, as scipy.io.wavfile reads; for features of samples in [-1, 1) input_scale=1."""
    length = half_up(win_length_ms * 0.001 * sr) if win_length is None else win_length
    if n_fft is not None and length > n_fft:
        raise ParameterError(
            f"win_length={length}: python_speech_features cuts frames that are longer than n_fft={n_fft} [samples]; "
            f"give n_fft={1 << (length - 1).bit_length()} for whole frames, or win_length={n_fft}"
        )
    return {
        "input_scale": INT16,
        "preemphasis": 0.97,
        "win_length": length,
        "hop_length": half_up(hop_length_ms * 0.001 * sr),
        "n_fft": n_fft,
        "window": "boxcar",
        "window_symmetric": True,  # as NumPy's windows, which people give for winfunc
        **FROM_START,
        "frames": "pad_end",
        "spectrum_scale": "1/n_fft",
        "n_mels": 26,
        "mel_scale": "htk",
        "mel_norm": None,
        "triangles": "psf",
        "logarithm": "ln",
        "floor": EPS_64,
        "floor_kind": "if_zero",
        "top_db": None,
        "n_mfcc": 13,
        "lifter": 22.0,
        "lifter_offset": 0,
        "energy_place": "replace_c0",
        "energy_point": "spectrum",
        "energy_eps": EPS_64,
        "energy_eps_kind": "if_zero",
    }


def slaney_edges() -> tuple[float, ...]:
    """Return the edges of the Auditory Toolbox's 40 bands [Hz]."""
    linear = [133.3333 + 66.66666666 * k for k in range(13)]
    return (*linear, *(linear[-1] * 1.0711703**k for k in range(1, 30)))


@register("slaney", "Slaney's Auditory Toolbox mfcc.m: 13 MFCCs of 40 magnitude bands", sr=16000,
          aliases=("auditory-toolbox",))  # fmt: skip
def slaney(sr: float, hop_length: int | None = None) -> Options:
    """Windows of 256 samples at any sampling rate, 100 a second; the last possible frame is left out."""
    if hop_length is None and sr % 100:
        raise ParameterError(
            f"sr={sr:g}: the Auditory Toolbox advances by sr/100 = {sr / 100:g} samples, which is not whole; give "
            "hop_length, or resample"
        )
    return {
        "preemphasis": 0.97,
        "win_length": 256,
        "hop_length": int(sr / 100) if hop_length is None else hop_length,
        "n_fft": 512,
        "window": "hamming",
        **FROM_START,
        "frames": "valid_minus_one",
        "power": 1.0,
        "n_mels": 40,
        "band_edges": slaney_edges(),
        "mel_norm": "slaney",
        "logarithm": "log10",
        "floor": None,
        "top_db": None,
        "n_mfcc": 13,
        "lifter_offset": 0,
    }


@register("rastamat", "Ellis' rastamat melfcc.m: 13 MFCCs of 40 bands up to 4 kHz", sr=16000)
def rastamat(sr: float, win_length_ms: float = 25.0, hop_length_ms: float = 10.0) -> Options:
    """fbtype 'htkmel' is mel_scale='htk', mel_norm=None; sumpower=0 power=1, band_power=2; before 2012-09 hamming."""
    return {
        "input_scale": INT16,
        "preemphasis": 0.97,
        "win_length": half_up(win_length_ms * 0.001 * sr),
        "hop_length": half_up(hop_length_ms * 0.001 * sr),
        "n_fft": None,
        "window": "matlab_hanning",
        "window_symmetric": True,
        **FROM_START,
        "n_mels": 40,
        "fmax": 4000.0,
        "logarithm": "ln",
        "floor": None,
        "top_db": None,
        "n_mfcc": 13,
        "lifter": 0.6,
        "lifter_kind": "exponential",
        "lifter_offset": 0,  # for a negative lifterexp, which is a sine
        "delta_window": 4,
    }


@register("essentia", "Essentia 2.1 MFCC: 13 MFCCs of 40 bands up to 11 kHz", sr=44100)
def essentia(sr: float) -> Options:
    """FrameGenerator, Windowing (hann), Spectrum, MFCC; logType 'dbpow' is logarithm='db', dctType 3 dct_norm='htk'."""
    return {
        "n_fft": 2048,
        "hop_length": 1024,
        "window": "hann",
        "window_symmetric": True,
        "window_scale": "2/sum",
        "frames": "center_ceil",
        "n_mels": 40,
        "fmax": 11000.0,
        "mel_scale": "htk_ln",
        "mel_norm": "sum",
        "triangles": "mel",
        "logarithm": "db20",
        "floor": 1e-10,
        "top_db": None,
        "n_mfcc": 13,
        "lifter_offset": 0,
    }


@register("opensmile", "openSMILE 3 MFCC12_0_D_A: 12 MFCCs and C0 of 26 bands, two orders of deltas", sr=16000,
          without=("energy",))  # fmt: skip
def opensmile(sr: float, win_length_ms: float = 25.0, hop_length_ms: float = 10.0) -> Options:
    """MFCC12_E is c0='none', energy_place='last'; _Z is cmn='mean'."""
    return {
        "input_scale": INT16,
        "preemphasis": 0.97,
        "preemphasis_scope": "frame",
        "preemphasis_first": "scaled",
        "win_length": half_up(win_length_ms * 0.001 * sr),
        "hop_length": half_up(hop_length_ms * 0.001 * sr),
        "n_fft": None,
        "window": "hamming",
        "window_symmetric": True,
        **FROM_START,
        **HTK_BANK,
        "n_mels": 26,
        "fmax": min(8000.0, sr / 2),
        **HTK_LEVELS,
        **HTK_CEPSTRA,
        "c0": "last",
        "energy_place": "last",
        "energy_eps": 1.0,
        "delta_order": 2,
        "delta_edges": "opensmile",
        "cmn_columns": "no_energy",
    }


@register("tf", "tf.signal, as its documentation puts it together: 13 MFCCs of 80 magnitude bands", sr=16000,
          aliases=("tensorflow", "tf-signal"))  # fmt: skip
def tf(sr: float, win_length: int = 1024) -> Options:
    """stft(1024, 256), linear_to_mel_weight_matrix(80, ..., 80, 7600), log(x + 1e-6), mfccs[..., :13]."""
    return {
        "win_length": win_length,
        "hop_length": 256,
        "n_fft": None,
        "window": "hann",
        "window_symmetric": win_length % 2 == 1,  # its periodic windows are that for even lengths only
        **FROM_START,
        "power": 1.0,
        "n_mels": 80,
        "fmin": 80.0,
        "fmax": 7600.0,
        "mel_scale": "htk_ln",
        "mel_norm": None,
        "triangles": "mel",
        "bins": "no_dc",
        "logarithm": "ln",
        "floor": 1e-6,
        "floor_kind": "add",
        "top_db": None,
        "n_mfcc": 13,
        "dct_norm": "htk",
        "lifter_offset": 0,
    }


ETSI_LENGTHS = {8000: (200, 80), 11000: (256, 110), 16000: (400, 160)}  # samples of a frame and between frames, by rate


@register("etsi", "ETSI ES 201 108 front end: c1 to c12, c0 and log energy, 23 bands", sr=8000,
          aliases=("etsi-es-201-108",))  # fmt: skip
def etsi(sr: float) -> Options:
    """Defined for 8, 11 and 16 kHz; bands reach up to sr/2 in each, also where the standard splits the signal."""
    if sr not in ETSI_LENGTHS:
        raise ParameterError(f"sr={sr:g}: ES 201 108 is defined for 8000, 11000 and 16000 [Hz]; resample")
    win_length, hop_length = ETSI_LENGTHS[int(sr)]
    lowest: dict[str, Any] = {"floor": math.exp(-50.0), "energy_eps": math.exp(-50.0)}
    return {
        "input_scale": INT16,
        "offset_filter": 0.999,
        "preemphasis": 0.97,
        "preemphasis_scope": "frame",
        "preemphasis_first": "previous",
        "win_length": win_length,
        "hop_length": hop_length,
        "n_fft": None,
        "window": "hamming",
        "window_symmetric": True,
        **FROM_START,
        "power": 1.0,
        "n_mels": 23,
        "fmin": 64.0,
        "mel_scale": "htk",
        "mel_norm": None,
        "triangles": "etsi",
        "logarithm": "ln",
        "top_db": None,
        **lowest,
        "n_mfcc": 12,
        "dct_norm": "unit",
        "lifter_offset": 0,
        "c0": "last",
        "energy_place": "last",
        "energy_point": "raw",
    }
