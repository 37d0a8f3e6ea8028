"""A folder with what real sets of recordings contain, good and bad, and what is to be expected of each file."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import soundfile

#: Kinds of good files: name, ending, format, subtype.
GOOD = (
    ("u8", ".wav", "WAV", "PCM_U8"),
    ("s16", ".wav", "WAV", "PCM_16"),
    ("s24", ".wav", "WAV", "PCM_24"),
    ("s32", ".wav", "WAV", "PCM_32"),
    ("float", ".wav", "WAV", "FLOAT"),
    ("double", ".WAV", "WAV", "DOUBLE"),
    ("ima", ".wav", "WAV", "IMA_ADPCM"),
    ("ms", ".wav", "WAV", "MS_ADPCM"),
    ("ulaw", ".wav", "WAV", "ULAW"),
    ("wavex", ".wav", "WAVEX", "PCM_24"),
    ("flac", ".flac", "FLAC", "PCM_16"),
    ("flac24", ".flac", "FLAC", "PCM_24"),
    ("ogg", ".ogg", "OGG", "VORBIS"),
    ("mp3", ".mp3", "MP3", "MPEG_LAYER_III"),
    ("aiff", ".aiff", "AIFF", "PCM_16"),
)
RATES = (8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000, 96000)
#: MP3 has neither 96 kHz nor anything between.
MP3_RATES = (8000, 16000, 22050, 44100, 48000)
#: What follows the kinds of good files in turn: names of bad ones, and words of the reason.
BAD = {
    "empty": "is empty",
    "text": "not an audio file but text",
    "html": "not an audio file",
    "zip": "not an audio file",
    "no-samples": "holds no samples",
    "nan": "not finite",
    "inf": "not finite",
    "cut-flac": "",
    "noise": "not in a known audio format",
    "gone": "no such file",
    "header": "",
}


def sound(rng: np.random.Generator, n: int, channels: int) -> np.ndarray:
    """A tone in noise, ``(n, channels)``."""
    tone = 0.3 * np.sin(2 * np.pi * rng.uniform(0.005, 0.2) * np.arange(n))[:, np.newaxis]
    return np.clip(tone + 0.05 * rng.standard_normal((n, channels)), -0.99, 0.99)


def write_good(path: Path, kind: tuple[str, str, str, str], k: int, rng: np.random.Generator) -> None:
    _, _, container, subtype = kind
    rates = MP3_RATES if container == "MP3" else RATES
    rate = rates[k % len(rates)]
    lossy = subtype in ("VORBIS", "MPEG_LAYER_III", "IMA_ADPCM", "MS_ADPCM")
    # One sample, and clips shorter than a window, where the format can hold them.
    n = (1, 100, 1500)[k % 3] if k % 4 == 1 and not lossy else int(rate * rng.uniform(0.12, 0.5))
    soundfile.write(path, sound(rng, n, 1 + k % 2), rate, format=container, subtype=subtype)


def write_bad(path: Path, name: str, rng: np.random.Generator) -> None:
    samples = sound(rng, 4000, 1)
    if name == "empty":
        path.write_bytes(b"")
    elif name == "text":
        path.write_text("this is not a recording\n")
    elif name == "html":
        path.write_text("<!DOCTYPE html><html><body>404</body></html>")
    elif name == "zip":
        path.write_bytes(b"PK\x03\x04" + bytes(100))
    elif name == "no-samples":
        soundfile.write(path, samples[:0], 16000, subtype="PCM_16")
    elif name in ("nan", "inf"):
        samples[1000] = np.nan if name == "nan" else np.inf
        soundfile.write(path, samples, 44100 if len(path.name) % 2 else 22050, subtype="FLOAT")
    elif name == "cut-flac":
        soundfile.write(path, samples, 16000, format="FLAC", subtype="PCM_16")
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif name == "noise":
        path.write_bytes(b"\x91\x92" + rng.bytes(3000))
    elif name == "gone":
        path.symlink_to(path.with_name("nowhere.wav"))
    elif name == "header":
        path.write_bytes(b"RIFF\x24\x00\x00\x00WAVEfmt ")
    else:
        raise ValueError(name)


#: Names that give trouble elsewhere, for some of the files.
STEMS = ("clip", "with spaces", "größe", "音", "a.b.c", "quote'\"", "comma,semi;", "%percent", "#hash", "-dash")


def make_tree(folder: Path, n: int, seed: int = 5) -> tuple[list[str], dict[str, str]]:
    """Write `n` files and return the names of the good ones, and of the bad ones with words of the reason.

    One in nine is bad. Names come again in other folders.
    """
    rng = np.random.default_rng(seed)
    good, bad = [], {}
    names = list(BAD)
    for k in range(n):
        place = folder / f"class {k % 7}" / f"fold{k % 3}"
        place.mkdir(parents=True, exist_ok=True)
        stem = f"{STEMS[k % len(STEMS)]}-{k // 40}"
        if k % 9 == 4:
            kind = names[(k // 9) % len(names)]
            path = place / f"{stem}-{kind}{k}{'.flac' if kind == 'cut-flac' else '.wav'}"
            write_bad(path, kind, rng)
            bad[path.relative_to(folder).as_posix()] = BAD[kind]
        else:
            kind_of = GOOD[k % len(GOOD)]
            path = place / f"{stem}-{kind_of[0]}{k}{kind_of[1]}"
            write_good(path, kind_of, k // len(GOOD) + k, rng)
            good.append(path.relative_to(folder).as_posix())
    (folder / "notes.txt").write_text("no sound, and no ending of one\n")
    (folder / ".hidden.wav").write_bytes(b"")
    os.makedirs(folder / "folder.wav", exist_ok=True)
    return good, bad


def contents(folder: Path) -> dict[str, bytes]:
    """Return the bytes of all files below a folder by their names."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(paths)}
