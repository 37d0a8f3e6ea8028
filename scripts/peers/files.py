"""What the references themselves wrote: HTK's parameter files and Kaldi's text, with the melfeat configuration of each.

In ``../shared/data/reference``, not part of the project.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .cases import INT16
from .translate import TRANSLATORS, Translation

Reference = tuple[str, np.ndarray, np.ndarray, Translation]
"""Row of `cases.ERRORS`, samples in [-1, 1), features ``(n_features, n_frames)``, melfeat's configuration."""


def recording(path: Path) -> np.ndarray:
    """Return the samples of a 16 kHz recording of 16 bits."""
    import soundfile

    y, sr = soundfile.read(path, dtype="int16")
    if sr != 16000:
        raise ValueError(f"{path}: {sr} Hz, expected 16000")
    return y / 32768.0


def read_htk(path: Path) -> np.ndarray:
    """Return the features ``(n_features, n_frames)`` of an HTK parameter file, by its definition."""
    data = path.read_bytes()
    n_frames, width = int.from_bytes(data[:4], "big"), int.from_bytes(data[8:10], "big") // 4
    return np.frombuffer(data, ">f4", n_frames * width, 12).reshape(n_frames, width).T.astype(np.float64)


def read_kaldi_text(path: Path) -> np.ndarray:
    """Return the features ``(n_features, n_frames)`` of the one utterance of a Kaldi text archive."""
    body = path.read_text(encoding="utf-8").partition("[")[2].partition("]")[0]
    return np.array([line.split() for line in body.splitlines() if line.strip()], dtype=np.float64).T


def read_conf(path: Path) -> dict[str, str]:
    """Return the assignments of an HTK configuration."""
    lines = [line.partition("#")[0].partition("=") for line in path.read_text(encoding="utf-8").splitlines()]
    return {name.strip(): value.strip() for name, equals, value in lines if equals}


def htk_options(conf: dict[str, str]) -> dict[str, Any]:
    """Return the options of `formulas.htk` that a configuration means; HTK orders the qualifiers itself."""
    flags = {"T": True, "F": False}
    base, *qualifiers = conf["TARGETKIND"].split("_")
    options: dict[str, Any] = {
        "target": "_".join([base, *(q for q in "0EDAZ" if q in qualifiers)]),
        "window_seconds": float(conf["WINDOWSIZE"]) * 1e-7,
        "step_seconds": float(conf["TARGETRATE"]) * 1e-7,
        "preemcoef": float(conf["PREEMCOEF"]),
        "usehamming": flags[conf["USEHAMMING"]],
        "usepower": flags[conf["USEPOWER"]],
        "numchans": int(conf["NUMCHANS"]),
        "lofreq": float(conf["LOFREQ"]),
        "hifreq": float(conf["HIFREQ"]),
        "rawenergy": flags[conf["RAWENERGY"]],
        "enormalise": flags[conf["ENORMALISE"]],
    }
    if base == "MFCC":
        options |= {"numceps": int(conf["NUMCEPS"]), "ceplifter": float(conf["CEPLIFTER"])}
    return options


HTK_FILES = [("hcopy1", "fea_htk.1"), ("hcopy2", "fea_htk.2"), ("hcopy3", "fea_htk.3"), ("hcopy4", "fea_htk.4")]
HTK_FILES += [("fbank1", "fbank_htk.1"), ("fbank2", "fbank_htk.2")]

KALDI_FILES: dict[str, dict[str, Any]] = {
    "test.txt": {},
    "test-40.txt": {"mel_opts": {"num_bins": 40}},
    "test-40-no-snip-edges.txt": {"mel_opts": {"num_bins": 40}, "frame_opts": {"snip_edges": False}},
    "test-with-energy.txt": {"use_energy": True},
    "test-mfcc.txt": {"kind": "mfcc"},
}


def htk_reference(folder: Path, conf: str, file: str) -> Reference:
    """Return one of HCopy's files."""
    options = htk_options(read_conf(folder / "htk" / f"{conf}.conf"))
    made = TRANSLATORS["formula"](16000, INT16, {"kind": "htk", **options})
    row = "htk fbank" if conf.startswith("fbank") else "htk"
    return row, recording(folder / "htk" / "test.wav"), read_htk(folder / "htk" / f"test.wav.{file}"), made


def kaldi_reference(folder: Path, file: str) -> Reference:
    """Return one of the texts of Kaldi's programs."""
    made = TRANSLATORS["knf"](16000, INT16, KALDI_FILES[file])
    row = "kaldi text, mfcc" if "mfcc" in file else "kaldi text"
    return row, recording(folder / "kaldi" / "test.wav"), read_kaldi_text(folder / "kaldi" / file), made


def htk_references(folder: Path) -> Iterator[Reference]:
    """Yield all files of HCopy."""
    for conf, file in HTK_FILES:
        yield htk_reference(folder, conf, file)


def kaldi_references(folder: Path) -> Iterator[Reference]:
    """Yield all texts of Kaldi's programs."""
    for file in KALDI_FILES:
        yield kaldi_reference(folder, file)
