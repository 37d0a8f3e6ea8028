"""Write `tests/golden/foreign`: files of features as HTK's and Kaldi's own programs write them.

::

    python scripts/golden_foreign.py --hcopy HCOPY

needs HTK's HCopy (version 3.4), and the packages kaldi_native_io (Kaldi's own code for its files) and kaldiio. Arrays
are `scripts.golden_foreign.features`, signals `signal`, both exact on every machine.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import wave
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parents[1] / "tests" / "golden" / "foreign"

#: Configurations of HCopy, with the rate of the signal: what files may hold, and each default at least once.
HTK: dict[str, tuple[int, str]] = {
    "defaults": (16000, "TARGETKIND = MFCC_E_D_A_Z\nTARGETRATE = 100000.0\nSOURCERATE = 625\n"),
    "third_order": (
        16000,
        "TARGETKIND = MFCC_0_D_A_T_Z\nTARGETRATE = 100000\nWINDOWSIZE = 250000\nUSEPOWER = T\nNUMCHANS = 26\n"
        "DELTAWINDOW = 3\nACCWINDOW = 2\nTHIRDWINDOW = 2\n",
    ),
    "both_energies": (
        16000,
        "TARGETKIND = MFCC_E_0_Z\nTARGETRATE = 80000\nENORMALISE = F\nZMEANSOURCE = T\nCEPLIFTER = 0\nNUMCEPS = 19\n",
    ),
    "filterbank": (
        16000,
        "TARGETKIND = FBANK_E_D_A\nTARGETRATE = 100000\nNUMCHANS = 24\nUSEHAMMING = F\nPREEMCOEF = 0.9\nRAWENERGY = F\n"
        "ESCALE = 1.0\nSILFLOOR = 12.0\n",
    ),
    "mel_spectrum": (16000, "TARGETKIND = MELSPEC\nTARGETRATE = 100000\nNUMCHANS = 24\nLOFREQ = 125\nHIFREQ = 3800\n"),
    "warped": (
        16000,
        "TARGETKIND = MFCC_0\nTARGETRATE = 100000\nNUMCHANS = 26\nWARPFREQ = 0.88\nWARPLCUTOFF = 300\n"
        "WARPUCUTOFF = 3000\nLOFREQ = 64\nHIFREQ = 7000\n",
    ),
    "double_fft": (16000, "TARGETKIND = MFCC_0\nTARGETRATE = 100000\nDOUBLEFFT = T\nNUMCHANS = 40\nNUMCEPS = 24\n"),
    "modules": (
        16000,
        "# A module's own parameters come before those without one.\nNUMCHANS = 40 # not this\nHPARM: NUMCHANS = 22\n"
        "TARGETKIND = FBANK\nHPARM: TARGETKIND = MFCC_0_D\nHSHELL: TRACE = 0\nHREC: FORCEOUT = T\n"
        "TARGETRATE = 100000\n",
    ),
    "rate_22050": (
        22050,
        "TARGETKIND = MFCC_0_E\nTARGETRATE = 100000\nENORMALISE = F\nNUMCHANS = 26\nLOFREQ = 125\nHIFREQ = 9000\n",
    ),
    "rate_44100": (44100, "TARGETKIND = MFCC_0\nTARGETRATE = 100000\nNUMCHANS = 30\nUSEPOWER = T\n"),
}

#: Names of files of features, and what Kaldi's code is told to write.
COMPRESSIONS = {"auto": 1, "speech_feature": 2, "two_byte_auto": 3, "two_byte_signed_integer": 4, "one_byte_auto": 5}
COMPRESSIONS |= {"one_byte_unsigned_integer": 6, "one_byte_zero_one": 7}
LENGTHS = (1, 2, 3, 4, 5, 8, 9, 23)


def features(n_features: int, n_frames: int) -> np.ndarray:
    """Return irregular features (n_features, n_frames) of different sizes, which float32 holds exactly."""
    k = np.arange(n_features * n_frames, dtype=np.int64).reshape(n_features, n_frames)
    lattice = (k * k * 7919 + k * 104729 + 13) % 2003 - 1001
    return (lattice / 64.0 * 2.0 ** (np.arange(n_features) % 7 - 3)[:, np.newaxis]).astype(np.float32)


def items() -> dict[str, np.ndarray]:
    """Return keys and features of the archives."""
    made = {f"utt-{n}": features(5, n) for n in LENGTHS}
    return {**made, "constant": np.full((3, 12), 2.5, np.float32), "zeros": np.zeros((2, 3), np.float32)}


def signal(sr: int) -> np.ndarray:
    """Return 0.3 s of int16 samples: a buzz that fades in and out above some noise, without a zero frame."""
    n = np.arange(3 * sr // 10, dtype=np.int64)
    buzz = (n * 131 % sr) * 16000 // sr - 8000 + (n * 2411 % sr) * 4000 // sr
    noise = (n * n * 7919 + n * 104729) % 2003 - 1001
    rise = np.minimum(n, len(n) - n) * 256 // len(n)
    return (buzz * rise // 256 + noise).astype(np.int16)


def write_wav(path: Path, sr: int) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sr)
        file.writeframes(signal(sr).astype("<i2").tobytes())


def hcopy(program: str, config: str, source: Path, target: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        conf = Path(folder) / "hcopy.conf"
        conf.write_text(config, encoding="utf-8")
        subprocess.run([program, "-C", str(conf), str(source), str(target)], check=True)


def make_htk(program: str) -> None:
    folder = FOLDER / "htk"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        sound, rows = Path(scratch) / "signal.wav", Path(scratch) / "features.htk"
        for name, (sr, config) in HTK.items():
            write_wav(sound, sr)
            hcopy(program, f"{config}SOURCEFORMAT = WAV\n", sound, folder / f"{name}.htk")
            (folder / f"{name}.conf").write_text(config, encoding="utf-8")
        # The same features in every form of the file, from a plain one: 12 bytes of header, big-endian rows.
        x = features(13, 20)
        header = np.array([20, 100000], ">i4").tobytes() + np.array([4 * 13, 6 + 0o20000], ">i2").tobytes()
        rows.write_bytes(header + x.T.astype(">f4").tobytes())
        for name, packed, checked in (("plain", "F", "F"), ("k", "F", "T"), ("c", "T", "F"), ("ck", "T", "T")):
            config = f"TARGETKIND = MFCC_0\nSAVECOMPRESSED = {packed}\nSAVEWITHCRC = {checked}\n"
            hcopy(program, config, rows, folder / f"form_{name}.htk")


def make_kaldi() -> None:
    import kaldi_native_io as kaldi
    import kaldiio

    folder = FOLDER / "kaldi"
    folder.mkdir(parents=True, exist_ok=True)
    float_writer, double_writer = kaldi.FloatMatrixWriter, kaldi.DoubleMatrixWriter
    for name, writer, dtype in (("float", float_writer, np.float32), ("double", double_writer, np.float64)):
        with writer(f"ark:{folder / name}.ark") as file:
            for key, x in items().items():
                file.write(key, np.ascontiguousarray(x.T, dtype=dtype))
    with float_writer(f"ark,t:{folder}/text.ark") as file:
        for key, x in items().items():
            file.write(key, np.ascontiguousarray(x.T))
    with kaldi.FloatVectorWriter(f"ark:{folder}/vector.ark") as file:
        for key, x in items().items():
            file.write(key, np.ascontiguousarray(x[0]))
    for name, method in COMPRESSIONS.items():
        with kaldi.CompressedMatrixWriter(f"ark:{folder / name}.ark") as file:
            for key, x in items().items():
                file.write(key, np.ascontiguousarray(x.T), kaldi.CompressionMethod(method))
    # What Kaldi makes of the compressed archives: float32, all methods in one file.
    with float_writer(f"ark:{folder}/expanded.ark") as file:
        for name in COMPRESSIONS:
            for key, rows in kaldi.SequentialFloatMatrixReader(f"ark:{folder / name}.ark"):
                file.write(f"{name}/{key}", np.array(rows))
    for name, form in (("kaldiio", "ark"), ("kaldiio_text", "ark,t")):
        with kaldiio.WriteHelper(f"{form}:{folder / name}.ark") as file:
            for key, x in items().items():
                file(key, np.ascontiguousarray(x.T))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hcopy", required=True, help="HTK's program HCopy")
    arguments = parser.parse_args()
    make_htk(arguments.hcopy)
    make_kaldi()


if __name__ == "__main__":
    main()
