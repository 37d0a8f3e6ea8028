"""Measure every preset against its reference on real recordings, and write the table of docs/dialects.md.

::

    python scripts/dialect_table.py [--venv FOLDER] [--hcopy PROGRAM] [--files 60] [--draws 40]
                                     [--only PEER ...] [--table-only]

needs the recordings of ``../shared/data`` (or MELFEAT_SHARED). Peers run in their own environment, see
`scripts/peers/environment.py`; HTK's HCopy is built by hand. Recordings are resampled to the reference's sampling rate
and rounded to 16 bits, so that both sides get the same numbers; of long ones the first four seconds count. Results go
to docs/dialects.json, and from there between the markers of docs/dialects.md and README.md.

`clear` values are those that float32 roundings cannot move by more than the error that was measured when the formulas
were verified (`scripts/peers/roundings.py`): all but bands far below their frame, which hold the noise of the
reference's own transform.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

import melfeat
from melfeat.extractor import Extractor
from scripts.peers import report
from scripts.peers.cases import ERRORS, EXACT, INT16, UNIT
from scripts.peers.draws import DRAWS, Drawer
from scripts.peers.environment import DEFAULT, python, run_jobs
from scripts.peers.files import htk_references, kaldi_references
from scripts.peers.roundings import roundings
from scripts.peers.translate import TRANSLATORS

PROJECT = Path(__file__).parents[1]
RESULTS = PROJECT / "docs" / "dialects.json"
SECONDS = 4.0
SEED = 20261121
EPS32, EPS64 = float(np.finfo(np.float32).eps), float(np.finfo(np.float64).eps)


@dataclass
class Measure:
    """Errors of one row, collected recording by recording; `relative` ones are divided by the largest value."""

    figure: float
    relative: bool = False
    errors: list[np.ndarray] = field(default_factory=list)
    clear: list[float] = field(default_factory=list)
    n_clear: int = 0
    n_beyond: int = 0

    def add(self, got: np.ndarray, expected: np.ndarray, allowed: np.ndarray | float, factor: float) -> None:
        """Take the values of one recording."""
        scale = np.abs(expected).max(initial=0.0)
        unit = scale if self.relative and scale > 0 else 1.0
        error = np.abs(got.astype(np.float64) - expected) / unit
        if not np.isfinite(error).all():
            raise ValueError("a difference is not finite")
        least = 16 * (EPS32 if factor == 4 else EPS64) * scale / unit
        allowed = np.broadcast_to(np.asarray(allowed) / unit, error.shape)
        clear = allowed <= self.figure
        self.errors.append(error.ravel())
        self.clear.append(float(error[clear].max(initial=0.0)))
        self.n_clear += int(clear.sum())
        self.n_beyond += int((error > max(factor * self.figure, least) + allowed).sum())

    def summary(self) -> dict[str, float | int]:
        """Return the figures of the row."""
        every = np.concatenate(self.errors)
        return {
            "max": float(every.max()),
            "rms": float(np.sqrt((every**2).mean())),
            "q999": float(np.quantile(every, 0.999)),
            "values": every.size,
            "clear_max": max(self.clear),
            "clear_share": self.n_clear / every.size,
            "beyond": self.n_beyond,
        }


@dataclass(frozen=True)
class Live:
    """A row of the table that a peer or a formula answers: which, at what rate and scale, with what options."""

    title: str
    peer: str
    row: str
    sr: int
    scale: float
    options: dict[str, Any]
    dtype: str = "float32"


def _hub(title: str, name: str, row: str, exact: bool = False) -> Live:
    options: dict[str, Any] = {"extractor": f"{name}FeatureExtractor", **({"exact": True} if exact else {})}
    return Live(title, "transformers", row, 16000, UNIT, options, "float64" if exact else "float32")


def _both(title: str, peer: str, row: str, scale: float, options: dict[str, Any]) -> tuple[Live, Live]:
    """Return a reference as it is, and the same code run in float64."""
    exact = Live(title, peer, "exact", 16000, scale, {**options, **EXACT.get(peer, {})}, "float64")
    return Live(title, peer, row, 16000, scale, options), exact


ROWS = [
    Live("feature.mfcc in float64", "librosa", "librosa", 22050, UNIT, {}, "float64"),
    Live(
        "feature.mfcc in float64, basis too", "librosa", "librosa, float64 bank", 22050, UNIT, {"float64_bank": True},
        "float64",
    ),
    Live("MFCC_0_D_A", "hcopy", "htk", 16000, INT16, {"target": "MFCC_0_D_A"}),
    Live("MFCC_E_D_A_Z", "hcopy", "htk", 16000, INT16, {"target": "MFCC_E_D_A_Z"}),
    Live("FBANK", "hcopy", "htk fbank", 16000, INT16, {"target": "FBANK"}),
    Live("HTK, MFCC_0_D_A", "formula", "formula", 16000, INT16, {"kind": "htk", "target": "MFCC_0_D_A"}, "float64"),
    Live("OnlineFbank", "knf", "kaldi fbank", 16000, INT16, {}),
    Live("OnlineMfcc", "knf", "kaldi mfcc", 16000, INT16, {"kind": "mfcc"}),
    *_both("compliance.kaldi.fbank", "compliance", "compliance fbank", INT16, {}),
    *_both("compliance.kaldi.mfcc", "compliance", "compliance mfcc", INT16, {"kind": "mfcc"}),
    *_both("transforms.MFCC", "torchaudio", "torchaudio mfcc", UNIT, {}),
    *_both("transforms.MFCC, log_mels, 23 bands", "torchaudio", "torchaudio mfcc, log_mels", UNIT,
           {"log_mels": True, "n_mfcc": 13, "melkwargs": {"n_mels": 23, "hop_length": 160}}),
    *_both("Whisper's formula, 80 bands", "whisper", "whisper", UNIT, {}),
    *_both("Whisper's formula, 128 bands", "whisper", "whisper-v3", UNIT, {"n_mels": 128}),
    _hub("WhisperFeatureExtractor, padded to 30 s", "Whisper", "whisper"),
    _hub("ParakeetFeatureExtractor", "Parakeet", "nemo"),
    Live("OnlineNemoFbank", "knf-nemo", "kaldi-native-fbank nemo", 16000, UNIT, {}),
    Live("NeMo's class defaults", "formula", "formula", 16000, UNIT, {"kind": "nemo"}, "float64"),
    _hub("SeamlessM4TFeatureExtractor", "SeamlessM4T", "seamless"),
    _hub("ASTFeatureExtractor", "AST", "ast"),
    _hub("ASTFeatureExtractor", "AST", "ast, exact", exact=True),
    _hub("Speech2TextFeatureExtractor", "Speech2Text", "speech2text"),
    _hub("Speech2TextFeatureExtractor", "Speech2Text", "speech2text, exact", exact=True),
    Live("mfcc", "python_speech_features", "python_speech_features", 16000, INT16, {}, "float64"),
    Live("FrameGenerator to MFCC", "essentia", "essentia", 44100, UNIT, {}),
    Live("MFCC12_0_D_A", "opensmile", "opensmile", 16000, INT16, {}),
    Live("MFCC12_E_D_A", "opensmile", "opensmile", 16000, INT16, {"energy": True}),
    *_both("stft to mfccs", "tf.signal", "tf", UNIT, {"frame_length": 1024, "frame_step": 256}),
    Live("Auditory Toolbox", "formula", "slaney", 16000, UNIT, {"kind": "slaney"}, "float64"),
    Live("rastamat", "formula", "rastamat", 16000, UNIT, {"kind": "rastamat"}, "float64"),
    Live("ETSI ES 201 108", "formula", "formula", 8000, INT16, {"kind": "etsi"}, "float64"),
]  # fmt: skip


def shared_data() -> Path:
    """Return the folder of recordings."""
    return Path(os.environ.get("MELFEAT_SHARED", PROJECT.parent / "shared")) / "data"


def recordings(count: int) -> list[Path]:
    """Return speech, spoken digits of all speakers, and sounds of all classes, evenly chosen."""
    folder = shared_data()
    speech = sorted(p for p in (folder / "speech").iterdir() if p.suffix in (".flac", ".ogg"))
    speech += [folder / "reference" / "htk" / "test.wav"]
    rest = (count - len(speech)) // 2
    digits, sounds = sorted((folder / "speech_digits").glob("*.wav")), sorted((folder / "sounds").rglob("*.ogg"))

    def spread(paths: list[Path], n: int) -> list[Path]:
        return [paths[i * len(paths) // n] for i in range(n)]

    return [*speech, *spread(digits, rest), *spread(sounds, count - len(speech) - rest)]


class Recordings:
    """The recordings at any sampling rate, int16."""

    def __init__(self, files: list[Path]) -> None:
        self.files = files
        self._made: dict[tuple[int, int], np.ndarray] = {}

    def get(self, number: int, sr: int) -> np.ndarray:
        """Return samples of a recording at `sr`."""
        key = (number, sr)
        if key not in self._made:
            y, _ = melfeat.load(self.files[number], sr=sr, duration=SECONDS, dtype=np.float64)
            y = y / max(1.0, np.abs(y).max(initial=0.0) * 1.0001)
            self._made[key] = np.clip(np.round(y * 32768.0), -32768, 32767).astype(np.int16)
        return self._made[key]


@dataclass(frozen=True)
class Question:
    """One job for a peer and what melfeat is to be for it."""

    name: str
    live: Live
    number: int

    def job(self) -> dict[str, Any]:
        """Return the job as `run.py` reads it."""
        live = self.live
        asked = {"name": self.name, "peer": live.peer, "options": live.options, "signal": f"{self.number}@{live.sr}"}
        return {**asked, "sr": live.sr, "scale": live.scale, "dtype": live.dtype}


def measure(
    questions: Iterable[Question], sounds: Recordings, interpreter: Path
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the figures of some questions as one row, and the peers' versions."""
    questions = list(questions)
    signals = {f"{q.number}@{q.live.sr}": sounds.get(q.number, q.live.sr) for q in questions}
    answers, refusals, versions = run_jobs(interpreter, [q.job() for q in questions], signals)
    made: dict[str, tuple[Measure, Measure]] = {}
    extractors: dict[str, Extractor] = {}
    for q in questions:
        if q.name not in answers:
            continue
        expected = answers[q.name].astype(np.float64)
        if expected.size == 0 or not np.isfinite(expected).all():
            refusals[q.name] = "no frames, or digital silence without a floor"
            continue
        key = json.dumps([q.live.peer, q.live.options, q.live.sr])
        if key not in extractors:
            preset, fields = TRANSLATORS[q.live.peer](q.live.sr, q.live.scale, q.live.options)
            extractors[key] = Extractor(preset, **fields)
        fx = extractors[key]
        y = signals[f"{q.number}@{q.live.sr}"] / 32768.0
        got, single = fx(y), fx(y.astype(np.float32))
        if got.shape != expected.shape:
            raise ValueError(f"{q.name}: shape {got.shape}, the peer's {expected.shape}; {q.live}")
        relative = q.live.row.split()[-1] == "mel"
        figure = ERRORS[q.live.row]
        both = made.setdefault(q.live.row, (Measure(figure, relative), Measure(figure, relative)))
        own = EPS32 if answers[q.name].dtype == np.float32 else EPS64
        noise = roundings(fx, y, own)
        both[0].add(got, expected, noise, 2)
        both[1].add(single, expected, noise * (EPS32 / own), 4)
    row: dict[str, Any] = {"refused": len(refusals), "asked": len(questions)}
    row["parts"] = {
        name: {"figure": ERRORS[name], "draws": len(a.errors), "float64": a.summary(), "float32": b.summary()}
        for name, (a, b) in made.items()
    }
    return row, versions


#: What is installed for a peer, if not what it is called.
DISTRIBUTION = {"knf": "kaldi-native-fbank", "knf-nemo": "kaldi-native-fbank", "compliance": "torchaudio"}
DISTRIBUTION |= {"whisper": "torch", "tf.signal": "tensorflow-cpu"}


#: What has no version of its own here.
FIXED = {"formula": "formula", "hcopy": "HTK 3.4.1 HCopy"}


def product(live: Live, versions: dict[str, str]) -> str:
    """Return the name and the version of what answers."""
    if live.peer in FIXED:
        return FIXED[live.peer]
    name = DISTRIBUTION.get(live.peer, live.peer)
    return f"{name} {versions[name].split('+')[0]}"


def measured(sounds: Recordings, interpreter: Path, n_draws: int, peers: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the rows of some peers: files of the references, presets on recordings, drawn options."""
    if "files" in peers:
        yield from file_rows()
    for live in ROWS:
        if live.peer not in peers:
            continue
        preset, _ = TRANSLATORS[live.peer](live.sr, live.scale, live.options)
        questions = [Question(f"{i}", live, i) for i in range(len(sounds.files))]
        row, versions = measure(questions, sounds, interpreter)
        yield {
            "kind": "recordings", "preset": preset, "reference": f"{product(live, versions)}: {live.title}",
            "peer": live.peer, "options": live.options, "files": row["asked"] - row["refused"], **row,
            "versions": versions,
        }  # fmt: skip
    for peer, draw in DRAWS.items():
        if peer not in peers:
            continue
        drawer = Drawer(SEED)
        questions = []
        for i in range(n_draws):
            sr, scale, dtype, row_name, options = draw(drawer)
            number = int(drawer.rng.integers(len(sounds.files)))
            questions.append(Question(f"{i}", Live("", peer, row_name, sr, scale, options, dtype), number))
        row, versions = measure(questions, sounds, interpreter)
        yield {"kind": "draws", "reference": product(questions[0].live, versions), "peer": peer, **row}


def file_rows() -> Iterator[dict[str, Any]]:
    """Yield the rows of what HCopy and Kaldi's programs themselves wrote."""
    references = (("HTK's HCopy 3.4, its files", htk_references), ("Kaldi's programs, their text", kaldi_references))
    for title, read in references:
        parts: dict[str, tuple[Measure, Measure]] = {}
        count = 0
        for row, y, expected, (preset, fields) in read(shared_data() / "reference"):
            fx = Extractor(preset, **fields)
            both = parts.setdefault(row, (Measure(ERRORS[row]), Measure(ERRORS[row])))
            noise = roundings(fx, y, EPS32)
            both[0].add(fx(y), expected, noise, 2)
            both[1].add(fx(y.astype(np.float32)), expected, noise, 4)
            count += 1
        summaries = {
            name: {"figure": ERRORS[name], "float64": a.summary(), "float32": b.summary()}
            for name, (a, b) in parts.items()
        }
        yield {
            "kind": "files",
            "peer": "files",
            "reference": title,
            "files": count,
            "asked": count,
            "refused": 0,
            "parts": summaries,
        }


def place(row: dict[str, Any]) -> tuple[int, int]:
    """Return where a row stands in the stored results."""
    if row["kind"] == "recordings":
        titles = [(live.peer, live.title) for live in ROWS]
        return 1, titles.index((row["peer"], row["reference"].partition(": ")[2]))
    return (2, list(DRAWS).index(row["peer"])) if row["kind"] == "draws" else (0, 0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--venv", type=Path, default=DEFAULT, help="the peers' environment (default: %(default)s)")
    parser.add_argument("--hcopy", default=os.environ.get("HCOPY"), help="HTK's program (default: $HCOPY)")
    parser.add_argument("--files", type=int, default=60, help="recordings per row (default: %(default)s)")
    parser.add_argument("--draws", type=int, default=40, help="drawn options per peer (default: %(default)s)")
    parser.add_argument("--table-only", action="store_true", help="write the tables from the stored results")
    peers = ["files", *dict.fromkeys(live.peer for live in ROWS)]
    parser.add_argument("--only", nargs="+", choices=peers, help="measure these again, keep what is stored of others")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    if chosen.hcopy:
        os.environ["HCOPY"] = chosen.hcopy
    if not chosen.table_only:
        sounds = Recordings(recordings(chosen.files))
        if not chosen.hcopy:
            peers.remove("hcopy")
        asked = chosen.only or peers
        stored = json.loads(RESULTS.read_text(encoding="utf-8")) if chosen.only else {"rows": [], "peers": {}}
        rows, versions = [row for row in stored["rows"] if row["peer"] not in asked], stored["peers"]
        for row in measured(sounds, python(chosen.venv), chosen.draws, asked):
            versions |= row.pop("versions", {})
            rows.append(row)
            for name, part in row["parts"].items():
                double, single = part["float64"], part["float32"]
                print(
                    f"{row['kind']:10} {row.get('reference') or row['peer']:38} {name:26} figure {part['figure']:.1e}  "
                    f"float64 max {double['max']:.1e} 99.9% {double['q999']:.1e} clear {double['clear_max']:.1e} "
                    f"({double['clear_share']:.0%}) beyond {double['beyond']}  float32 max {single['max']:.1e} "
                    f"99.9% {single['q999']:.1e} beyond {single['beyond']}  n={row['asked'] - row['refused']}",
                    flush=True,
                )
        about = {"melfeat": melfeat.__version__, "python": platform.python_version(), "peers": versions, "seed": SEED}
        rows.sort(key=place)
        RESULTS.write_text(json.dumps({**about, "rows": rows}, indent=1) + "\n", encoding="utf-8")
    report.write(json.loads(RESULTS.read_text(encoding="utf-8")), PROJECT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
