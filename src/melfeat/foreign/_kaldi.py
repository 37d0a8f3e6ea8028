"""Kaldi's `compute-mfcc-feats` and `compute-fbank-feats`, and torchaudio's and others' ports of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from .._checks import check_float
from ..config import Config
from ..errors import ParameterError
from ..stages import Cepstrum, Compression, Energy, Filterbank, Framing, Post, Preprocessing, Spectrum
from ._options import Options, check_feature, read_text

__all__ = ["build_kaldi", "config_from_kaldi"]

EPSILON = 2.0**-23  # std::numeric_limits<float>::epsilon()
_BOOLEANS = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}
_WINDOWS = {"hanning": "hann", "rectangular": "boxcar", "povey": "povey", "hamming": "hamming", "sine": "sine"}
_REFUSED = {"plp": "perceptual linear prediction is not computed by melfeat", "pitch": "melfeat computes no pitch"}

#: Options that change no feature, and why.
_NO_EFFECT = (
    *("max-feature-vectors", "debug-mel", "verbose", "print-args"),  # memory and messages
    *("output-format", "write-utt2dur"),  # what files are written
    *("allow-downsample", "allow-upsample"),  # what Kaldi does to recordings that are not at sample-frequency
)


def _is_text(config: str) -> bool:
    text = config.strip()
    return not text or "\n" in config or text.startswith(("--", "#"))


def _parse(text: str) -> dict[str, str]:
    """Return the options of a Kaldi configuration: lines ``--name=value``, ``--name`` meaning true, comments."""
    values = {}
    for number, line in enumerate(text.splitlines(), 1):
        line = line.partition("#")[0].strip()
        if not line:
            continue
        name, equals, value = line.removeprefix("--").partition("=")
        if not line.startswith("--") or not name.strip() or name.split() != [name]:
            raise ParameterError(
                f"line {number} of the Kaldi configuration is {line!r}: expected --option=value, one to a line"
            )
        if " --" in value:
            raise ParameterError(f"line {number} of the Kaldi configuration is {line!r}: expected one option to a line")
        values[name] = value.strip() if equals else "true"
    return values


def config_from_kaldi(config: Any, *, feature: str = "mfcc", dither: float | None = None) -> Config:
    """Return the configuration that computes what Kaldi computes with a configuration of its own.

    Options that are not given have Kaldi's defaults, with one exception: `dither`.

    Parameters
    ----------
    config : str, path or dict
        Options of ``compute-mfcc-feats`` or ``compute-fbank-feats``: the text of a file such as ``conf/mfcc.conf``
        (``--option=value`` lines, comments), its path, or names and values; ``-`` and ``_`` are the same.
    feature : {'mfcc', 'fbank'}
        Which of the two programs the options are for.
    dither : float, >= 0, optional
        Amplitude of the noise that is added to the frames [16-bit units], instead of what `config` says. Kaldi's
        default is 1, but its noise cannot be reproduced by anyone: here noise is added only if `config` asks for it
        with ``--dither``, from a generator with a seed of its own.

    Returns
    -------
    Config
        Configuration at the rate ``--sample-frequency``. Float signals in [-1, 1) are scaled to Kaldi's 16-bit units.

    Raises
    ------
    ParameterError
        If an option is unknown, out of its range or not supported; each is refused by its name, none is ignored.
    OSError
        If the file cannot be read.

    Notes
    -----
    Accepted because they cannot change features of a signal at ``--sample-frequency``: ``--allow-downsample``,
    ``--allow-upsample`` (resample with `melfeat.resample`), ``--debug-mel``, ``--max-feature-vectors``,
    ``--output-format``, ``--print-args``, ``--verbose``, ``--write-utt2dur``.

    References
    ----------
    D. Povey et al., The Kaldi speech recognition toolkit, ASRU 2011; options and defaults of ``feature-window.h``,
    ``mel-computations.h``, ``feature-mfcc.h`` and ``feature-fbank.h``.

    Examples
    --------
    >>> from melfeat.foreign import config_from_kaldi
    >>> config = config_from_kaldi("--use-energy=false\\n--num-mel-bins=40\\n--num-ceps=40\\n--high-freq=-400\\n")
    >>> config.framing.win_length, config.framing.hop_length, config.cepstrum.n_mfcc
    (400, 160, 40)
    """
    feature = check_feature(feature, ("mfcc", "fbank"), _REFUSED)
    if not isinstance(config, Mapping):
        config = _parse(read_text(config, "Kaldi options", is_text=_is_text))
    values = {}
    for name, value in config.items():
        key = str(name).removeprefix("--").replace("_", "-").lower()
        if key in values:
            raise ParameterError(f"Kaldi option --{key} is given twice; keep one")
        values[key] = value
    options = Options("Kaldi", values, spell=lambda name: f"--{name}", booleans=_BOOLEANS)
    options.refuse(
        {
            "config": "read that file, and pass its options",
            "vtln-map": "give one --vtln-warp, and make one Config per speaker",
            "utt2spk": "give one --vtln-warp, and make one Config per speaker",
        }
    )
    options.only("channel", (-1, 0), "pass y[channel]")
    options.only("min-duration", (0.0,), "leave out short recordings before")
    options.no_effect(*_NO_EFFECT)
    # Kaldi's own default is 1.0: see the docstring.
    amount = options.float("dither", 0.0, low=0)
    if dither is not None:
        amount = check_float("dither", dither, low=0, remedy="0 is no dither")
    return build_kaldi(options, feature, dither=amount)


def build_kaldi(
    options: Options,
    feature: str,
    *,
    dither: float,
    input_scale: float = 32768.0,
    energy_floor: float = 0.0,
    use_energy: bool | None = None,
    spelling: str = "-",
    windows: tuple[str, ...] = ("povey", "hamming", "hanning", "rectangular", "blackman", "sine"),
    fewest_bands: int = 3,
) -> Config:
    """Return the configuration for `options`, whose words are joined by `spelling`; defaults differ between ports."""

    def key(name: str) -> str:
        return name.replace("-", spelling)

    sr = options.float(key("sample-frequency"), 16000.0, low=0, strict=True, unit="Hz")
    is_mfcc = feature == "mfcc"
    window = options.choice(key("window-type"), "povey", windows)
    coefficient = options.float(key("blackman-coeff"), 0.42)
    snip = options.bool(key("snip-edges"), True)
    # The product and the truncation are Kaldi's: 22.05 kHz has frames of 551 samples.
    n = int(sr * 0.001 * options.float(key("frame-length"), 25.0, low=0, strict=True, unit="ms"))
    hop = int(sr * 0.001 * options.float(key("frame-shift"), 10.0, low=0, strict=True, unit="ms"))
    if n < 2 or hop < 1:
        raise ParameterError(
            f"frames of {n} samples every {hop} at {sr:g} Hz: expected at least 2 every 1; raise "
            f"{options.name(key('frame-length'))} or {options.name(key('frame-shift'))} [ms]"
        )
    if not options.bool(key("round-to-power-of-two"), True):
        if n % 2:
            raise ParameterError(
                f"{options.name(key('round-to-power-of-two'))}=false and frames of {n} samples: expected an even number"
            )
        n_fft: int | None = n
    else:
        n_fft = None
    htk = options.bool(key("htk-compat"), False)
    n_mels = options.int(key("num-mel-bins"), 23, low=fewest_bands)
    high = options.float(key("high-freq"), 0.0, unit="Hz")
    filterbank = Filterbank(
        n_mels=n_mels,
        fmin=options.float(key("low-freq"), 20.0, low=0, unit="Hz"),
        fmax=high if high != 0 else None,
        mel_scale="htk_ln",
        mel_norm=None,
        triangles="mel",
        bins="no_nyquist",
        vtln_warp=options.float(key("vtln-warp"), 1.0, low=0, strict=True),
        vtln_low=options.float(key("vtln-low"), 100.0, unit="Hz"),
        vtln_high=options.float(key("vtln-high"), -500.0, unit="Hz"),
    )
    with_energy = options.bool(key("use-energy"), is_mfcc if use_energy is None else use_energy)
    energy = Energy(
        energy_place="replace_c0" if is_mfcc else "last" if htk else "first",
        energy_point="raw" if options.bool(key("raw-energy"), True) else "windowed",
        energy_eps=EPSILON,
        energy_floor=options.float(key("energy-floor"), energy_floor, low=0),
    )
    compression, cepstrum, power = Compression("ln", EPSILON, top_db=None), None, 2.0
    if is_mfcc:
        n_mfcc = options.int(key("num-ceps"), 13, low=1)
        if n_mfcc > n_mels:
            name, bands = options.name(key("num-ceps")), options.name(key("num-mel-bins"))
            raise ParameterError(f"{name}={n_mfcc}: expected at most {bands} = {n_mels}; lower it, or raise the bands")
        if n_mfcc == 1 and htk:
            raise ParameterError(f"{options.name(key('num-ceps'))}=1 with htk-compat: expected at least 2")
        cepstrum = Cepstrum(
            n_mfcc=n_mfcc - htk,
            lifter=options.float(key("cepstral-lifter"), 22.0, low=0),
            lifter_offset=0,
            c0="last" if htk else "first",
            c0_scale=math.sqrt(2.0) if htk and not with_energy else 1.0,
        )
    else:
        power = 2.0 if options.bool(key("use-power"), True) else 1.0
        if not options.bool(key("use-log-fbank"), True):
            compression = None  # type: ignore[assignment]
    subtract = options.bool(key("subtract-mean"), False)
    preprocessing = Preprocessing(
        input_scale=input_scale,
        dither=dither,
        remove_dc=options.bool(key("remove-dc-offset"), True),
        preemphasis=options.float(key("preemphasis-coefficient"), 0.97, low=0, high=1),
        preemphasis_scope="frame",
        preemphasis_first="scaled",
    )
    options.finish()
    return Config(
        sr=sr,
        preprocessing=preprocessing,
        framing=Framing(
            n_fft=n_fft,
            hop_length=hop,
            win_length=n,
            window=("blackman", coefficient) if window == "blackman" else _WINDOWS[window],
            frames="valid" if snip else "no_snip",
            pad_mode="symmetric",
            window_symmetric=True,
            window_align="left",
        ),
        spectrum=Spectrum(power=power),
        filterbank=filterbank,
        compression=compression,
        cepstrum=cepstrum,
        energy=energy if with_energy else None,
        post=Post(cmn="mean") if subtract else Post(),
    )
