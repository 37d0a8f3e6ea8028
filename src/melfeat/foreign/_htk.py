"""HTK's HCopy: its configuration files, from waveform to MFCC, log filterbank or mel spectrum."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .._checks import check_float
from ..config import Config
from ..errors import ParameterError
from ..stages import Cepstrum, Compression, Energy, Filterbank, Framing, Post, Preprocessing, Spectrum
from ._options import Options, read_text

__all__ = ["config_from_htk"]

_BOOLEANS = {"t": True, "true": True, "f": False, "false": False}
_MODULES = ("HPARM", "HSIGP", "HWAVE", "HCOPY", "HSHELL", "HAUDIO")  # those that take part in coding a waveform
_OTHER_MODULES = (
    *("HADAPT", "HARC", "HDICT", "HFB", "HFBLAT", "HGRAF", "HLABEL", "HLAT", "HLM", "HMAP", "HMATH", "HMEM", "HMODEL"),
    *("HNET", "HREC", "HTRAIN", "HUTIL", "HVQ", "HBUILD", "HCOMPV", "HDMAN", "HEADAPT", "HEREST", "HERST", "HHED"),
    *("HINIT", "HLED", "HLIST", "HLSTATS", "HPARSE", "HQUANT", "HREST", "HRESULTS", "HSGEN", "HSLAB", "HSMOOTH"),
    *("HVITE", "HDECODE", "HLRESCORE", "HMMIREST"),
)
_FILE = (  # how files are found, read and written
    *("SOURCEFORMAT", "SOURCEKIND", "BYTEORDER", "HEADERSIZE", "NSAMPLES", "TARGETFORMAT", "SAVECOMPRESSED"),
    *("SAVEWITHCRC", "NATURALREADORDER", "NATURALWRITEORDER", "TRACE", "MAXTRYOPEN", "NONUMESCAPES", "EXTENDFILENAMES"),
)
_DETECTOR = (  # the speech detector, which is off
    *("SPEECHTHRESH", "SILDISCARD", "SILENERGY", "SPCSEQCOUNT", "SPCGLCHCOUNT", "SILGLCHCOUNT", "SILSEQCOUNT"),
    *("SILMARGIN", "MEASURESIL", "OUTSILWARN", "SELFCALSILDET", "AUDIOSIG"),
)
_OTHER_KINDS = ("LPCORDER", "COMPRESSFACT", "VQTABLE", "FOURTHWINDOW")
_REFUSED = {
    "STEREOMODE": "pass one channel, or melfeat.to_mono(y)",
    "MATTRANFN": "multiply the features by the transform",
    "MATTRAN": "multiply the features by the transform",
    "VARSCALEFN": "scale the features",
    "VARSCALEDIR": "scale the features",
    "VARSCALEMASK": "scale the features",
    "VARSCALEPATHMASK": "scale the features",
    "CMEANDIR": "subtract the stored means from features without _Z",
    "CMEANMASK": "subtract the stored means from features without _Z",
    "CMEANPATHMASK": "subtract the stored means from features without _Z",
    "SIDEXFORMMASK": "multiply the features by the transform",
    "SIDEXFORMEXT": "multiply the features by the transform",
    "HPARMFILTER": "filter the file before",
    "HWAVEFILTER": "filter the file before",
    "HPARMOFILTER": "filter the file afterwards",
    "FORCEPKIND": "set TARGETKIND",
}
_BASES = ("MFCC", "FBANK", "MELSPEC")
_SMALLEST = 2.0**-126


def _is_text(config: str) -> bool:
    return "=" in config or "\n" in config or config.lstrip().startswith("#")


def _parse(text: str) -> dict[str, str]:
    values = {}
    for number, line in enumerate(text.splitlines(), 1):
        line = line.partition("#")[0].strip()
        if not line:
            continue
        found = re.fullmatch(r"(?:\w+\s*:\s*)?\w+\s*=\s*(\"[^\"]*\"|'[^']*'|\S+)", line)
        if found is None:
            raise ParameterError(f"line {number} of the HTK configuration is {line!r}: expected NAME = value")
        values[line.partition("=")[0]] = found.group(1).strip("\"'")
    return values


def _by_name(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that HCopy sees; one with the name of a module in front of it comes before one without."""
    general, specific = {}, {}
    for name, value in config.items():
        module, colon, parameter = str(name).upper().rpartition(":")
        if not colon:
            general[parameter.strip()] = value
        elif module.strip() in _MODULES:
            specific[parameter.strip()] = value
        elif module.strip() not in _OTHER_MODULES:
            raise ParameterError(f"HTK parameter {name!r}: no module of HTK is called {module.strip()!r}; remove it")
    return {**general, **specific}


def _target(options: Options) -> tuple[str, set[str]]:
    kind = options.get("TARGETKIND")
    if kind is None:
        raise ParameterError("HTK option TARGETKIND is missing: expected e.g. MFCC_0_D_A; without it HCopy only copies")
    base, *letters = str(kind).upper().split("_")
    name = f"HTK option TARGETKIND={kind!r}"
    if base not in _BASES:
        raise ParameterError(f"{name}: {base!r} is not computed by melfeat; expected one of {', '.join(_BASES)}")
    quals = set(letters) - {"C", "K"}  # compressed, with checksum: the form of the file
    if unknown := quals - set("E0DATZ"):
        remedy = {"N": "HCopy does not write it either", "V": "no vector quantisation"}
        letter = sorted(unknown)[0]
        raise ParameterError(f"{name}: qualifier '_{letter}' is not supported; {remedy.get(letter, 'remove it')}")
    if ("A" in quals and "D" not in quals) or ("T" in quals and "A" not in quals):
        raise ParameterError(f"{name}: HTK knows _A only with _D, and _T only with _A; add what is missing")
    if "0" in quals and base != "MFCC":
        raise ParameterError(f"{name}: only cepstra have a zeroth coefficient; drop _0")
    if {"E", "0", "D"} <= quals:
        raise ParameterError(f"{name}: HTK refuses _E together with _0 and _D; drop _E or _0")
    return base, quals


def _rate(options: Options, sr: Any) -> tuple[float, float]:
    """Return the sampling rate and HTK's sampling period [100 ns]."""
    period = options.float("SOURCERATE", 0.0, low=0, unit="100 ns")
    if sr is None:
        if period == 0:
            raise ParameterError("sr=None, and HTK option SOURCERATE is missing: expected one of them; pass sr [Hz]")
        rate = 1e7 / period
        return (float(round(rate)) if abs(rate - round(rate)) < 1e-3 else rate), period
    sr = check_float("sr", sr, low=0, strict=True, unit="Hz")
    if period and abs(period * sr / 1e7 - 1) > 1e-4:
        raise ParameterError(
            f"sr={sr:g} Hz, but HTK option SOURCERATE={period:g} [100 ns] means {1e7 / period:g} Hz; give the signal's"
        )
    return sr, 1e7 / sr


def config_from_htk(config: Any, *, sr: float | None = None, dither: float | None = None) -> Config:
    """Return the configuration that computes what HTK's HCopy computes with a configuration file of its own.

    Parameters that are not given have HTK's defaults (a magnitude spectrum, 20 bands, normalised energy, …).

    Parameters
    ----------
    config : str, path or dict
        HTK's configuration: the text of a file (``NAME = value`` lines, comments), its path, or names and values. Names
        may have a module in front (``HPARM: NUMCHANS``), which HTK prefers to one without.
    sr : float, > 0 [Hz], optional
        Sampling rate; by default that of ``SOURCERATE``.
    dither : float, >= 0, optional
        Amplitude of the noise that is added to the samples [16-bit units], instead of ``ADDDITHER``; its values are
        those of melfeat's generator.

    Returns
    -------
    Config
        Configuration; the columns are in HTK's order. Float signals in [-1, 1) are scaled to 16-bit units.

    Raises
    ------
    ParameterError
        If ``TARGETKIND`` is missing or not one of MFCC, FBANK and MELSPEC with ``_E _0 _D _A _T _Z``, if a parameter is
        unknown, out of its range or not supported (each is refused by its name, none is ignored; HTK itself ignores
        names that it does not know), or if the rate is not given.
    OSError
        If the file cannot be read.

    Notes
    -----
    Accepted because they cannot change the features: parameters of files (``SOURCEFORMAT``, ``SOURCEKIND``,
    ``BYTEORDER``, ``HEADERSIZE``, ``NSAMPLES``, ``TARGETFORMAT``, ``SAVECOMPRESSED``, ``SAVEWITHCRC``, ``_C``, ``_K``,
    ``NATURALREADORDER``, ``NATURALWRITEORDER``), ``TRACE``, those of the speech detector while ``USESILDET`` is off,
    those of other kinds (``LPCORDER``, ``COMPRESSFACT``, …), and those of modules that do not code waveforms.

    The logarithm of an energy of exactly 0 is that of 2**-126, where HTK writes -1e10.

    References
    ----------
    S. Young et al., The HTK Book, version 3.4, chapter 5 and section 18.1 (configuration variables and defaults).

    Examples
    --------
    >>> from melfeat.foreign import config_from_htk
    >>> text = "TARGETKIND = MFCC_0_D_A\\nTARGETRATE = 100000\\nWINDOWSIZE = 250000\\nNUMCHANS = 26\\n"
    >>> config = config_from_htk(text, sr=16000)
    >>> config.framing.win_length, config.filterbank.n_mels, config.spectrum.power
    (400, 26, 1.0)
    """
    if not isinstance(config, Mapping):
        config = _parse(read_text(config, "an HTK configuration", is_text=_is_text))
    options = Options("HTK", _by_name(config), booleans=_BOOLEANS)
    options.refuse(_REFUSED)
    base, quals = _target(options)
    if str(options.get("SOURCEKIND", "WAVEFORM")).upper() not in ("WAVEFORM", "ANON"):
        raise ParameterError(f"HTK option SOURCEKIND={options.get('SOURCEKIND')!r}: expected WAVEFORM; pass a signal")
    for name in ("V1COMPAT", "SIMPLEDIFFS", "USESILDET"):
        options.only(name, (False,), "melfeat has only the behaviour of F")
    options.only("CEPSCALE", (1.0,), "multiply the cepstra afterwards")
    options.no_effect(*_FILE, *_DETECTOR, *_OTHER_KINDS)
    rate, period = _rate(options, sr)
    result = Config(
        sr=rate,
        preprocessing=_preprocessing(options, dither),
        framing=_framing(options, period),
        spectrum=Spectrum(power=2.0 if options.bool("USEPOWER", False) else 1.0),
        filterbank=_filterbank(options, period),
        compression=None if base == "MELSPEC" else Compression("ln", 1.0, top_db=None),
        cepstrum=_cepstrum(options, "0" in quals, base == "MFCC"),
        energy=_energy(options, "E" in quals),
        post=_post(options, quals),
    )
    options.finish()
    return result


def _preprocessing(options: Options, dither: float | None) -> Preprocessing:
    amount = options.float("ADDDITHER", 0.0, low=0)
    return Preprocessing(
        input_scale=32768.0,
        dither=amount if dither is None else check_float("dither", dither, low=0, remedy="0 is no dither"),
        dither_kind="uniform",
        remove_dc=options.bool("ZMEANSOURCE", False),
        preemphasis=options.float("PREEMCOEF", 0.97, low=0, high=1),
        preemphasis_scope="frame",
        preemphasis_first="scaled",
    )


def _framing(options: Options, period: float) -> Framing:
    if not options.has("TARGETRATE"):
        raise ParameterError("HTK option TARGETRATE is missing: expected the time between frames [100 ns], e.g. 100000")
    n = int(options.float("WINDOWSIZE", 256000.0, low=0, strict=True, unit="100 ns") / period)
    hop = int(options.float("TARGETRATE", 0.0, low=0, strict=True, unit="100 ns") / period)
    if n < 2 or hop < 1:
        raise ParameterError(
            f"frames of {n} samples every {hop}: expected at least 2 every 1; WINDOWSIZE and TARGETRATE are in 100 ns"
        )
    n_fft = max(2, 1 << (n - 1).bit_length())
    return Framing(
        n_fft=2 * n_fft if options.bool("DOUBLEFFT", False) else n_fft,
        hop_length=hop,
        win_length=n,
        window="hamming" if options.bool("USEHAMMING", True) else "boxcar",
        frames="valid",
        window_symmetric=True,
        window_align="left",
    )


def _filterbank(options: Options, period: float) -> Filterbank:
    low = options.float("LOFREQ", -1.0, unit="Hz")
    high = options.float("HIFREQ", -1.0, unit="Hz")
    if 0 <= high <= max(low, 0.0):
        raise ParameterError(f"HTK option HIFREQ={high:g}: expected a frequency above LOFREQ={low:g} [Hz], or -1")
    warp = options.float("WARPFREQ", 1.0, low=0.5, high=2.0)
    cuts = [options.float(name, 0.0, low=0, unit="Hz") for name in ("WARPLCUTOFF", "WARPUCUTOFF")]
    if warp != 1.0 and not 0 < cuts[0] <= cuts[1]:
        raise ParameterError(
            f"HTK option WARPFREQ={warp:g} with WARPLCUTOFF={cuts[0]:g} and WARPUCUTOFF={cuts[1]:g}: expected "
            "0 < WARPLCUTOFF <= WARPUCUTOFF [Hz]"
        )
    return Filterbank(
        n_mels=options.int("NUMCHANS", 20, low=2, high=1000),
        fmin=max(low, 0.0),
        fmax=high if high > 0 else None,
        mel_scale="htk_ln",
        mel_norm=None,
        triangles="htk",
        # HTK lays its bands out for a period that is cut off to whole units: at 22 050 Hz for 453, not 453.5.
        nyquist="exact" if abs(period - round(period)) < 1e-9 * period else "period",
        vtln_warp=warp,
        vtln_kind="htk",
        vtln_low=cuts[0] if warp != 1.0 else 100.0,
        vtln_high=cuts[1] if warp != 1.0 else -500.0,
    )


def _cepstrum(options: Options, with_c0: bool, wanted: bool) -> Cepstrum | None:
    n_mfcc = options.int("NUMCEPS", 12, low=2)
    lifter = options.int("CEPLIFTER", 22, low=0, high=1000)
    if not wanted:
        return None
    n_mels = options.int("NUMCHANS", 20)
    if n_mfcc >= n_mels:
        raise ParameterError(
            f"HTK option NUMCEPS={n_mfcc}: expected less than NUMCHANS = {n_mels}; the last would be 0 in every frame"
        )
    return Cepstrum(n_mfcc, dct_norm="htk", lifter=lifter, lifter_offset=0, c0="last" if with_c0 else "none")


def _energy(options: Options, wanted: bool) -> Energy | None:
    energy = Energy(
        energy_place="last",
        energy_point="raw" if options.bool("RAWENERGY", True) else "windowed",
        energy_eps=_SMALLEST,
        energy_normalize=options.bool("ENORMALISE", True),
        energy_scale=options.float("ESCALE", 0.1, low=0),
        energy_silence_floor=options.float("SILFLOOR", 50.0, low=0, unit="dB"),
    )
    return energy if wanted else None


def _post(options: Options, quals: set[str]) -> Post:
    delta, accs = (options.int(name, 2, low=1, unit="frames") for name in ("DELTAWINDOW", "ACCWINDOW"))
    third = options.int("THIRDWINDOW", 2, low=1, unit="frames")
    order = sum(letter in quals for letter in "DAT")
    if order == 3 and third != accs:
        raise ParameterError(
            f"HTK option THIRDWINDOW={third} with ACCWINDOW={accs} is not supported for _T; make them equal"
        )
    return Post(
        cmn="mean" if "Z" in quals else None,
        cmn_columns="no_energy" if "Z" in quals else "static",
        delta_order=order,
        delta_window=delta,
        delta_window_2=None if accs == delta else accs,
    )
