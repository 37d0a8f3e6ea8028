"""The stages of a feature, one frozen dataclass each: every option a named value that is checked when it is made.

Names are unique across the stages, so that `Config.replace` and `Extractor` take them flat. Lengths are in samples,
frequencies in Hz, levels in the unit of the compression.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._checks import check_bool, check_choice, check_float, check_int
from .dsp.framing import FRAME_RULES, check_pad_mode
from .dsp.mel import check_band_edges, check_mel_norm
from .dsp.windows import samples_of_window, window as make_window
from .errors import ParameterError

__all__ = ["Cepstrum", "Compression", "Energy", "Filterbank", "Framing", "Post", "Preprocessing", "Spectrum"]

DCT_TYPES = (1, 2, 3)
DCT_NORMS = ("ortho", "htk", "unit", None)
LOGARITHMS = ("db", "db20", "ln", "log10", None)


#: The longest transform: six minutes at 44.1 kHz.
_LONGEST = 1 << 24

#: The largest exponent of magnitudes: far beyond any use, and float32 holds it.
_MOST_POWER = 1000


def _hashable(value: Any) -> Any:
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    return tuple(map(_hashable, value)) if isinstance(value, (list, tuple)) else value


def hashable_window(window: Any) -> Any:
    """Return a window specification in a form that can be a key: arrays and lists of samples become tuples.

    A tuple of samples is told from a named window with parameters by its first entry.
    """
    if isinstance(window, str):
        return window
    if isinstance(window, (list, np.ndarray)):
        return ("samples", tuple(samples_of_window(window).tolist()))
    found = _hashable(window)
    try:
        hash(found)
    except TypeError:
        raise ParameterError(
            f"window={window!r}: expected a name, (name, number, ...), a number, a function or an array of samples"
        ) from None
    return found


def window_values(window: Any, win_length: int, symmetric: bool) -> np.ndarray:
    """Return the float64 samples of a window in that form, or raise the error that says what is wrong with it."""
    if isinstance(window, tuple) and window[:1] == ("samples",):
        if len(window) != 2 or not isinstance(window[1], tuple):
            raise ParameterError(f"window={window!r}: expected ('samples', values), or the values as an array")
        window = list(window[1])
    return make_window(window, win_length, fftbins=not symmetric)


def _set(stage: Any, **values: Any) -> None:
    for name, value in values.items():
        object.__setattr__(stage, name, value)


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """What happens to the samples before they are windowed: scale, filters of the signal, steps of each frame.

    In this order: cut to `fixed_samples`, `input_scale`, `normalize_signal`, zeros up to `fixed_samples`, dither of the
    signal, `offset_filter`, pre-emphasis of the signal; then in each frame: dither, `remove_dc`, pre-emphasis.
    """

    input_scale: float = 1.0
    fixed_samples: int | None = None
    normalize_signal: bool = False
    dither: float = 0.0
    dither_kind: str = "gaussian"
    dither_scope: str = "frame"
    dither_seed: int = 0
    offset_filter: float | None = None
    remove_dc: bool = False
    preemphasis: float = 0.0
    preemphasis_scope: str = "signal"
    preemphasis_first: str = "zero"

    def __post_init__(self) -> None:
        _set(
            self,
            input_scale=check_float("input_scale", self.input_scale, low=0, strict=True),
            normalize_signal=check_bool("normalize_signal", self.normalize_signal),
            dither=check_float("dither", self.dither, low=0, remedy="0 is no dither"),
            dither_kind=check_choice("dither_kind", self.dither_kind, ("gaussian", "uniform")),
            dither_scope=check_choice("dither_scope", self.dither_scope, ("frame", "signal")),
            dither_seed=check_int("dither_seed", self.dither_seed, low=0, high=2**63 - 1),
            remove_dc=check_bool("remove_dc", self.remove_dc),
            preemphasis=check_float("preemphasis", self.preemphasis, low=0, high=1, remedy="0 is no pre-emphasis"),
            preemphasis_scope=check_choice("preemphasis_scope", self.preemphasis_scope, ("frame", "signal")),
            preemphasis_first=check_choice(
                "preemphasis_first", self.preemphasis_first, ("zero", "scaled", "extrapolate", "previous")
            ),
        )
        if self.fixed_samples is not None:
            _set(self, fixed_samples=check_int("fixed_samples", self.fixed_samples, low=1, unit="samples"))
        if self.offset_filter is not None:
            _set(self, offset_filter=check_float("offset_filter", self.offset_filter, low=0, high=1))
        wrong = {"frame": ("extrapolate",), "signal": ("previous",)}[self.preemphasis_scope]
        if self.preemphasis_first in wrong:
            raise ParameterError(
                f"preemphasis_first={self.preemphasis_first!r}: not defined for preemphasis_scope="
                f"{self.preemphasis_scope!r}; use 'zero' or 'scaled'"
            )


@dataclass(frozen=True, slots=True)
class Framing:
    """Frames of `win_length` samples every `hop_length`, weighted by a window, transformed with length `n_fft`.

    `frames` is the rule of how many frames there are and where they begin, see `dsp.framing.FRAME_RULES`; the first
    `n_frames - drop_last` of them are kept. `window_align` says whether the window stands in the middle of the `n_fft`
    samples (librosa, torch) or at their beginning, zeros behind it (Kaldi, HTK).
    """

    n_fft: int | None = 2048
    hop_length: int | None = 512
    win_length: int | None = None
    window: Any = "hann"
    frames: str = "center"
    pad_mode: str | Callable[..., Any] = "constant"
    window_symmetric: bool = False
    window_align: str = "center"
    window_scale: str | None = None
    drop_last: int = 0

    def __post_init__(self) -> None:
        n_fft = self.n_fft
        if n_fft is None:
            if self.win_length is None:
                raise ParameterError("n_fft=None and win_length=None: expected at least one of them [samples]")
            n_fft = 1 << (check_int("win_length", self.win_length, low=1, unit="samples") - 1).bit_length()
        n_fft = check_int("n_fft", n_fft, low=1, unit="samples")
        if n_fft > _LONGEST:
            raise ParameterError(f"n_fft={n_fft}: expected at most {_LONGEST} [samples]")
        align = check_choice("window_align", self.window_align, ("center", "left"))
        win_length = n_fft if self.win_length is None else self.win_length
        win_length = check_int(
            "win_length", win_length, low=1, high=n_fft, unit="samples", remedy="raise n_fft or shorten the window"
        )
        hop_length = max(1, win_length // 4) if self.hop_length is None else self.hop_length
        window = hashable_window(self.window)
        symmetric = check_bool("window_symmetric", self.window_symmetric)
        scale = check_choice("window_scale", self.window_scale, (None, "2/sum"))
        values = window_values(window, win_length, symmetric)
        if scale is not None and values.sum() == 0:
            raise ParameterError(
                f"window: the sum of its samples is 0; expected another one for window_scale={scale!r}"
            )
        _set(
            self,
            n_fft=n_fft,
            win_length=win_length,
            hop_length=check_int("hop_length", hop_length, low=1, unit="samples"),
            window=window,
            frames=check_choice("frames", self.frames, FRAME_RULES),
            pad_mode=check_pad_mode(self.pad_mode),
            window_symmetric=symmetric,
            window_align=align,
            window_scale=scale,
            drop_last=check_int("drop_last", self.drop_last, low=0, unit="frames"),
        )

    @property
    def frame_length(self) -> int:
        """Samples that the rule of framing counts with: the window's length where it stands left, else `n_fft`."""
        length = self.win_length if self.window_align == "left" else self.n_fft
        assert length is not None
        return length


@dataclass(frozen=True, slots=True)
class Spectrum:
    """The magnitude of the spectrum to the power `power`, divided by `n_fft` if `spectrum_scale` says so."""

    power: float = 2.0
    spectrum_scale: str | None = None

    def __post_init__(self) -> None:
        remedy = "use stft for the complex spectrum" if self.power is None else "2 is power, 1 is magnitude"
        power = check_float("power", self.power, low=0, strict=True, remedy=remedy)
        if power > _MOST_POWER:
            raise ParameterError(f"power={power:g}: expected at most {_MOST_POWER}; {remedy}")
        _set(
            self,
            power=power,
            spectrum_scale=check_choice("spectrum_scale", self.spectrum_scale, (None, "1/n_fft")),
        )


@dataclass(frozen=True, slots=True)
class Filterbank:
    """Triangular bands between `fmin` and `fmax` [Hz], equally spaced on a mel scale or at explicit `band_edges`.

    `fmax` None is half the sampling rate; zero or below counts from there (Kaldi). `triangles` says in what the sides
    are linear: in Hz, in HTK's mel ('mel', and 'htk' with HTK's choice of bins), or in bin numbers as
    python_speech_features ('psf') and ETSI round them. `mel_norm`: 'slaney' scales by 2 / width in Hz, 'tri' by 2 /
    width in what the sides are linear in, 'sum' to a sum of 1, a number to that vector norm. `bins` are the bins that a
    band may use. `nyquist` is where the last bin lies: at sr/2, at its 'floor' (torchaudio), or where it lies for a
    'period' of whole units of 100 ns (HTK). `band_power` 2 squares the bands (rastamat's sumpower=0, with power=1).
    """

    n_mels: int = 128
    fmin: float = 0.0
    fmax: float | None = None
    mel_scale: str = "slaney"
    mel_norm: Any = "slaney"
    triangles: str = "hz"
    bins: str = "all"
    band_edges: tuple[float, ...] | None = None
    nyquist: str = "exact"
    weights_dtype: str | None = None
    band_power: int = 1
    vtln_warp: float = 1.0
    vtln_kind: str = "kaldi"
    vtln_low: float = 100.0
    vtln_high: float = -500.0

    def __post_init__(self) -> None:
        _set(
            self,
            n_mels=check_int("n_mels", self.n_mels, low=1),
            fmin=check_float("fmin", self.fmin, low=0, unit="Hz"),
            mel_scale=check_choice("mel_scale", self.mel_scale, ("slaney", "htk", "htk_ln")),
            mel_norm=check_mel_norm(self.mel_norm),
            triangles=check_choice("triangles", self.triangles, ("hz", "mel", "htk", "psf", "etsi")),
            bins=check_choice("bins", self.bins, ("all", "no_nyquist", "no_dc", "inner")),
            nyquist=check_choice("nyquist", self.nyquist, ("exact", "floor", "period")),
            weights_dtype=check_choice("weights_dtype", self.weights_dtype, (None, "float32", "float64")),
            band_power=check_int("band_power", self.band_power, low=1, high=2),
            vtln_warp=check_float("vtln_warp", self.vtln_warp, low=0, strict=True, remedy="1 is no warp"),
            vtln_kind=check_choice("vtln_kind", self.vtln_kind, ("kaldi", "htk")),
            vtln_low=check_float("vtln_low", self.vtln_low, unit="Hz"),
            vtln_high=check_float("vtln_high", self.vtln_high, unit="Hz"),
        )
        if self.fmax is not None:
            _set(self, fmax=check_float("fmax", self.fmax, unit="Hz"))
        if self.band_edges is not None:
            _set(self, band_edges=check_band_edges(self.band_edges, self.n_mels))


@dataclass(frozen=True, slots=True)
class Compression:
    """The logarithm of the bands: decibels of power ('db'), of amplitude ('db20'), 'ln', 'log10', or None.

    `floor_kind` 'clamp' raises bands to `floor` first, 'add' adds it to them, 'if_zero' replaces exact zeros by it. At
    last levels are raised to at most `top_db` decibels below the peak of their channel, or of the whole array.
    """

    logarithm: str | None = "db"
    floor: float | None = 1e-10
    floor_kind: str = "clamp"
    top_db: float | None = 80.0
    peak_scope: str = "channel"

    def __post_init__(self) -> None:
        _set(
            self,
            logarithm=check_choice("logarithm", self.logarithm, LOGARITHMS),
            floor_kind=check_choice("floor_kind", self.floor_kind, ("clamp", "add", "if_zero")),
            peak_scope=check_choice("peak_scope", self.peak_scope, ("channel", "array")),
        )
        if self.floor is not None:
            _set(self, floor=check_float("floor", self.floor, low=0, strict=True))
        if self.top_db is not None:
            _set(self, top_db=check_float("top_db", self.top_db, low=0, unit="dB"))


@dataclass(frozen=True, slots=True)
class Cepstrum:
    """The first `n_mfcc` rows of a cosine transform of the levels, liftered.

    `dct_norm`: 'ortho', 'htk' (every row times sqrt(2 / n_mels)), 'unit' (plain cosines) or None (SciPy's factor 2).
    The lifter multiplies row i by ``1 + L/2 sin(pi (i + lifter_offset) / L)``, or ('exponential') by ``i ** L``, i > 0.
    `c0` says where row 0 stands, if anywhere; unless it stands first, `n_mfcc` counts the rows from c1 on. It is
    multiplied by `c0_scale` too.
    """

    n_mfcc: int = 20
    dct_type: int = 2
    dct_norm: str | None = "ortho"
    lifter: float = 0.0
    lifter_kind: str = "sine"
    lifter_offset: int = 1
    c0: str = "first"
    c0_scale: float = 1.0

    def __post_init__(self) -> None:
        _set(
            self,
            n_mfcc=check_int("n_mfcc", self.n_mfcc, low=1),
            dct_type=check_choice("dct_type", self.dct_type, DCT_TYPES),
            dct_norm=check_choice("dct_norm", self.dct_norm, DCT_NORMS),
            lifter=check_float("lifter", self.lifter, low=0, remedy="0 is no liftering"),
            lifter_kind=check_choice("lifter_kind", self.lifter_kind, ("sine", "exponential")),
            lifter_offset=check_choice("lifter_offset", self.lifter_offset, (0, 1)),
            c0=check_choice("c0", self.c0, ("first", "last", "none")),
            c0_scale=check_float("c0_scale", self.c0_scale, low=0, strict=True),
        )


@dataclass(frozen=True, slots=True)
class Energy:
    """The natural logarithm of each frame's energy as a feature, replacing c0 or beside the others.

    `energy_point` is where it is measured: on the frame after `remove_dc` ('raw'), after pre-emphasis and window
    ('windowed'), or as the sum of the scaled spectrum's bins ('spectrum'). `energy_eps` replaces a smaller energy
    before the logarithm, `energy_floor` (0 is none) a smaller one whose logarithm has been taken. `energy_normalize` is
    HTK's ENORMALISE: the utterance's peak becomes 1, the rest at most `energy_silence_floor` dB below it, times
    `energy_scale`.
    """

    energy_place: str = "replace_c0"
    energy_point: str = "raw"
    energy_eps: float = 1.1920928955078125e-07
    energy_eps_kind: str = "clamp"
    energy_floor: float = 0.0
    energy_normalize: bool = False
    energy_scale: float = 0.1
    energy_silence_floor: float = 50.0

    def __post_init__(self) -> None:
        _set(
            self,
            energy_place=check_choice("energy_place", self.energy_place, ("replace_c0", "first", "last")),
            energy_point=check_choice("energy_point", self.energy_point, ("raw", "windowed", "spectrum")),
            energy_eps=check_float("energy_eps", self.energy_eps, low=0),
            energy_eps_kind=check_choice("energy_eps_kind", self.energy_eps_kind, ("clamp", "if_zero")),
            energy_floor=check_float("energy_floor", self.energy_floor, low=0, remedy="0 is no floor"),
            energy_normalize=check_bool("energy_normalize", self.energy_normalize),
            energy_scale=check_float("energy_scale", self.energy_scale, low=0),
            energy_silence_floor=check_float("energy_silence_floor", self.energy_silence_floor, low=0, unit="dB"),
        )


@dataclass(frozen=True, slots=True)
class Post:
    """What happens to the features of all frames, in this order.

    Normalisation of the statics (`cmn_columns` 'static', or 'no_energy' leaves the energy out) or after the deltas
    ('all'); deltas; `pad_dropped` brings back as padding the frames that `drop_last` left out (NeMo masks its last
    frame); cut or pad to `fixed_frames`; ``(x + shift) * scale``; pad to a multiple of `pad_to`; stack
    `stack` frames every `stack`. Padding is `pad_value`.
    """

    cmn: str | None = None
    cmn_columns: str = "static"
    cmn_ddof: int = 0
    cmn_eps: float = 0.0
    cmn_eps_kind: str = "var_clamp"
    cmn_window: int = 600
    cmn_min_window: int = 100
    cmn_center: bool = False
    delta_order: int = 0
    delta_window: int = 2
    delta_window_2: int | None = None
    delta_edges: str = "replicate"
    pad_dropped: bool = False
    fixed_frames: int | None = None
    pad_to: int = 1
    pad_value: float = 0.0
    stack: int = 1
    shift: float = 0.0
    scale: float = 1.0

    def __post_init__(self) -> None:
        kinds = (None, "mean", "mean_var", "all_mean_var", "sliding_mean", "sliding_mean_var")
        _set(
            self,
            cmn=check_choice("cmn", self.cmn, kinds),
            cmn_columns=check_choice("cmn_columns", self.cmn_columns, ("static", "no_energy", "all")),
            cmn_ddof=check_choice("cmn_ddof", self.cmn_ddof, (0, 1)),
            cmn_eps=check_float("cmn_eps", self.cmn_eps, low=0),
            cmn_eps_kind=check_choice("cmn_eps_kind", self.cmn_eps_kind, ("std_add", "var_add", "var_clamp")),
            cmn_window=check_int("cmn_window", self.cmn_window, low=1, unit="frames"),
            cmn_min_window=check_int("cmn_min_window", self.cmn_min_window, low=1, unit="frames"),
            cmn_center=check_bool("cmn_center", self.cmn_center),
            delta_order=check_int("delta_order", self.delta_order, low=0, high=3),
            delta_window=check_int("delta_window", self.delta_window, low=1, unit="frames"),
            delta_edges=check_choice("delta_edges", self.delta_edges, ("replicate", "kaldi", "opensmile")),
            pad_dropped=check_bool("pad_dropped", self.pad_dropped),
            pad_to=check_int("pad_to", self.pad_to, low=1, unit="frames", remedy="1 is no padding"),
            pad_value=check_float("pad_value", self.pad_value),
            stack=check_int("stack", self.stack, low=1, unit="frames", remedy="1 is no stacking"),
            shift=check_float("shift", self.shift),
            scale=check_float("scale", self.scale),
        )
        if self.delta_window_2 is not None:
            _set(self, delta_window_2=check_int("delta_window_2", self.delta_window_2, low=1, unit="frames"))
        if self.fixed_frames is not None:
            _set(self, fixed_frames=check_int("fixed_frames", self.fixed_frames, low=1, unit="frames"))
