"""`melfeat mfcc`: coefficients, or other features, of audio files, into an array, an archive, a table or a folder."""

from __future__ import annotations

import argparse
import json
import warnings
from typing import TYPE_CHECKING, Any

from ._common import CannotRunError, Exit, UsageError, print_json, say, writing_to

if TYPE_CHECKING:
    import numpy as np

    from ..extractor import Extractor
    from ._outputs import Result

__all__ = ["DESCRIPTION", "add_mfcc"]

DESCRIPTION = """\
Compute the MFCCs of audio files (WAV, FLAC, OGG, MP3, ...). Channels are averaged.

OUT decides what is written, always complete or not at all:
  x.npy     one array (n_mfcc, n_frames), of one input
  x.npz     one array per input, under its short name, and 'metadata' (JSON text)
  x.csv     one row per frame: [file,] time of its centre [s], mfcc_0, mfcc_1, ...
  folder/   one .npy per input
  -         CSV on stdout (the default)

The parameters are those of melfeat.load and melfeat.mfcc, with the same defaults. With --preset they are those of a
front end that is known by name (melfeat presets), or of a JSON file (melfeat explain NAME --json); --set changes them.
"""

#: The default rate: one that is given is another object.
_SR = float(22050)


def _rate(text: str) -> float | None:
    if text == "native":
        return None
    try:
        number = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a rate [Hz], or native") from None
    return int(number) if number.is_integer() else number


def _float_or_none(text: str) -> float | None:
    return None if text.lower() == "none" else float(text)


def _norm_or_none(text: str) -> str | float | None:
    if text.lower() == "none":
        return None
    try:
        return float(text)
    except ValueError:
        return text


def _window(text: str) -> str | tuple[str | float, ...]:
    name, *rest = text.split(":")
    try:
        return (name, *map(float, rest)) if rest else name
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a name, or name:number as in kaiser:14") from None


def add_mfcc(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("inputs", nargs="+", metavar="IN", help="audio files")
    parser.add_argument("-o", "--out", metavar="OUT", help="where to: .npy, .npz, .csv, folder/ or - (see above)")
    parser.add_argument("--json", action="store_true", help="print a report on stdout as JSON (needs -o)")

    dialect = parser.add_argument_group("another front end")
    dialect.add_argument("--preset", metavar="NAME", help="kaldi-mfcc, whisper, ... (melfeat presets), or a JSON file")
    dialect.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="change one of its options (n_mels=40)"
    )

    audio = parser.add_argument_group("audio")
    audio.add_argument("--sr", type=_rate, default=_SR, metavar="HZ", help="resample to this, or native (22050)")
    audio.add_argument("--offset", type=float, default=0.0, metavar="S", help="start reading here [s] (0)")
    audio.add_argument("--duration", type=float, metavar="S", help="read at most this much [s] (all)")
    audio.add_argument("--res-type", default="soxr_hq", metavar="NAME", help="resampler, as in melfeat.load (soxr_hq)")
    audio.add_argument("--dtype", choices=("float32", "float64"), default="float32", help="precision (float32)")

    frames = parser.add_argument_group("frames and spectrum")
    frames.add_argument("--n-fft", type=int, default=2048, metavar="N", help="FFT length [samples] (2048)")
    frames.add_argument("--hop-length", type=int, default=512, metavar="N", help="between frames [samples] (512)")
    frames.add_argument("--win-length", type=int, metavar="N", help="window length [samples] (n-fft)")
    frames.add_argument("--window", type=_window, default="hann", metavar="NAME", help="hann, hamming, kaiser:14, ...")
    frames.add_argument("--no-center", dest="center", action="store_false", help="frame t starts at t*hop, unpadded")
    frames.add_argument(
        "--pad-mode", default="constant", metavar="MODE", help="constant, reflect, edge, ... (constant)"
    )
    frames.add_argument("--power", type=float, default=2.0, metavar="P", help="exponent of the magnitude (2)")

    mel = parser.add_argument_group("mel bands")
    mel.add_argument("--n-mels", type=int, default=128, metavar="N", help="number of bands (128)")
    mel.add_argument("--fmin", type=float, default=0.0, metavar="HZ", help="lowest frequency [Hz] (0)")
    mel.add_argument("--fmax", type=_float_or_none, metavar="HZ", help="highest frequency [Hz] (half the rate)")
    mel.add_argument("--htk", action="store_true", help="HTK's mel formula instead of Slaney's")
    mel.add_argument(
        "--mel-norm", type=_norm_or_none, default="slaney", metavar="NORM", help="slaney, none or a number"
    )

    cepstrum = parser.add_argument_group("decibels and coefficients")
    cepstrum.add_argument("--top-db", type=_float_or_none, default=80.0, metavar="DB", help="range, or none (80)")
    cepstrum.add_argument("--n-mfcc", type=int, default=20, metavar="N", help="number of coefficients (20)")
    cepstrum.add_argument("--dct-type", type=int, choices=(1, 2, 3), default=2, help="(2)")
    cepstrum.add_argument("--norm", choices=("ortho", "none"), default="ortho", help="of the DCT (ortho)")
    cepstrum.add_argument("--lifter", type=float, default=0.0, metavar="L", help="cepstral lifter, 0 for none (0)")
    parser.set_defaults(run=_run)


_NAMES = (
    *("n_mfcc", "dct_type", "lifter", "mel_norm", "n_fft", "hop_length", "win_length", "window", "center"),
    *("pad_mode", "power", "n_mels", "fmin", "fmax", "htk", "top_db"),
)


def _mfcc_parameters(args: argparse.Namespace) -> dict[str, Any]:
    return {"norm": None if args.norm == "none" else args.norm, **{name: getattr(args, name) for name in _NAMES}}


def _load_parameters(args: argparse.Namespace) -> dict[str, Any]:
    load = {name: getattr(args, name) for name in ("sr", "offset", "duration", "res_type", "dtype")}
    return load if load["sr"] is not _SR else {**load, "sr": 22050}


def _extractor(args: argparse.Namespace) -> Extractor | None:
    """Return what --preset and --set ask for, or None without them; refuse options that belong to `melfeat.mfcc`."""
    from ._dialects import read_config

    if args.preset is None:
        if args.set:
            raise UsageError(f"--set {args.set[0]}: expected --preset NAME with it; melfeat presets lists the names")
        return None
    plain = argparse.ArgumentParser()
    add_mfcc(plain)
    given = [name for name in (*_NAMES, "norm") if getattr(args, name) != plain.get_default(name)]
    if args.sr is not _SR:
        given.append("sr")
    if given:
        name, value = given[0], getattr(args, given[0])
        option = "--no-center" if name == "center" else f"--{name.replace('_', '-')}"
        raise UsageError(f"{option} is an option of melfeat.mfcc: with --preset write --set {name}={value}")
    from ..extractor import Extractor

    return Extractor(read_config(args.preset, args.set))


def _check_parameters(load: dict[str, Any], parameters: dict[str, Any]) -> None:
    """Raise `ParameterError` for options that no file could satisfy, before any file is decoded: on one frame of zeros.

    With ``--sr native`` nobody knows the rate yet; one high enough for any `fmax` is taken.
    """
    import numpy as np

    from .._checks import check_float, check_int
    from ..errors import MissingExtraError
    from ..feature import mfcc
    from ..io import resample

    check_float("offset", load["offset"], low=0, unit="s")
    if load["duration"] is not None:
        check_float("duration", load["duration"], low=0, unit="s")
    n_fft = check_int("n_fft", parameters["n_fft"], low=1, high=2**26, unit="samples")
    sr = load["sr"]
    if sr is not None:
        check_float("sr", sr, low=0, strict=True, unit="Hz")
    with warnings.catch_warnings():
        if sr is None:
            warnings.simplefilter("ignore")
            sr = max(192001.0, 2 * (parameters["fmax"] or 0), 4 * parameters["fmin"])
        else:
            try:
                resample(np.zeros(64, dtype=np.float32), orig_sr=2 * sr, target_sr=sr, res_type=load["res_type"])
            except MissingExtraError:
                pass  # matters only if a file has another rate
        mfcc(np.zeros(n_fft, dtype=load["dtype"]), sr, **parameters)


def _frame_times(n_frames: int, sr: float, parameters: dict[str, Any], offset: float) -> np.ndarray:
    """Return the centre [s] of each frame, counted from the start of the file."""
    import numpy as np

    first = 0 if parameters["center"] else parameters["n_fft"] // 2
    return offset + (np.arange(n_frames) * parameters["hop_length"] + first) / sr


def _compute(
    name: str, path: str, load: dict[str, Any], parameters: dict[str, Any], extractor: Extractor | None
) -> Result:
    from .. import feature, io
    from ._outputs import Result

    if extractor is not None:
        rate = extractor.config.sr
        y, sr = io.load(path, mono=True, **{**load, "sr": int(rate) if rate.is_integer() else rate})
        times = extractor.times(y.size) + load["offset"]
        return Result(name, path, extractor(y), times, sr, extractor.feature_names)
    y, sr = io.load(path, mono=True, **load)
    values = feature.mfcc(y, sr, **parameters)
    return Result(name, path, values, _frame_times(values.shape[-1], sr, parameters, load["offset"]), sr)


def _explain(path: str, error: Exception) -> str:
    from ..errors import MelfeatError, MelfeatWarning

    text = str(error)
    if not isinstance(error, MelfeatError | MelfeatWarning):
        text = f"unexpected {type(error).__name__}: {text}"
    return text if path in text else f"{path}: {text}"


def _process(
    args: argparse.Namespace,
    load: dict[str, Any],
    parameters: dict[str, Any],
    extractor: Extractor | None,
    report: list[Any],
) -> int:
    """Compute and write every input, append one entry each to `report`, and return how many failed."""
    from ..errors import MissingExtraError
    from ._long import config_if_long, extract_into
    from ._outputs import NothingToWrite, open_writer, unique_names

    failed = 0
    writing = open_writer(args.out, len(args.inputs), {**load, **parameters})
    if extractor is None:
        _check_parameters(load, parameters)
    try:
        with writing() as writer:
            for name, path in zip(unique_names(args.inputs), args.inputs, strict=True):
                try:
                    config = config_if_long(path, load, parameters, extractor) if writer.room is not None else None
                    if writer.room is not None and config is not None:
                        with writer.room(name) as (file, where):
                            shape = list(extract_into(file, where, path, config, load))
                        sr = load["sr"] or int(config.sr)
                        report.append({"path": path, "ok": True, "name": name, "out": where, "shape": shape, "sr": sr})
                        continue
                    result = _compute(name, path, load, parameters, extractor)
                except (MissingExtraError, CannotRunError):
                    raise
                except Exception as error:  # one bad file must not lose the others
                    failed += 1
                    message = _explain(path, error)
                    say(f"error: {message}")
                    report.append({"path": path, "ok": False, "error": message})
                    continue
                with writing_to(args.out or "stdout"):
                    placed = writer.add(result)
                shape = list(result.values.shape)
                report.append({"path": path, "ok": True, "name": name, "out": placed, "shape": shape, "sr": result.sr})
            if failed == len(args.inputs):
                raise NothingToWrite
    except NothingToWrite:
        pass
    return failed


def _run(args: argparse.Namespace) -> int:
    import time

    from .. import __version__

    if args.json and args.out in (None, "-"):
        raise UsageError("--json prints a report on stdout, where the coefficients would go; name a file with -o OUT")
    load, parameters = _load_parameters(args), _mfcc_parameters(args)
    extractor = _extractor(args)
    if extractor is not None:
        load["sr"] = extractor.config.sr
        parameters = {"fingerprint": extractor.config.fingerprint, "config": json.loads(extractor.config.to_json())}
    inputs: list[dict[str, Any]] = []
    start = time.perf_counter()

    said: set[str] = set()

    def show(message: Warning | str, *_: object, **__: object) -> None:
        if str(message) not in said:
            said.add(str(message))
            say(f"warning: {message}")

    with warnings.catch_warnings():
        warnings.showwarning = show
        failed = _process(args, load, parameters, extractor, inputs)

    done = len(inputs) - failed
    if args.json:
        print_json(
            {
                "melfeat": __version__,
                "out": args.out,
                "done": done,
                "failed": failed,
                "seconds": round(time.perf_counter() - start, 6),
                "parameters": {**load, **parameters},
                "inputs": inputs,
            }
        )
    elif args.out not in (None, "-") and done:
        if len(inputs) == 1:
            say(f"{inputs[0]['out']}: {inputs[0]['shape'][0]} features x {inputs[0]['shape'][1]} frames")
        else:
            say(f"{args.out}: {done} of {len(inputs)} files")
    return Exit.SOME_FAILED if failed else Exit.OK
