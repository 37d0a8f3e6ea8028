"""melfeat: mel and cepstral features of audio, exact and fast.

>>> import melfeat
>>> y, sr = melfeat.load(melfeat.demo_path())
>>> melfeat.mfcc(y, sr).shape[0]
20

Names and values are those of librosa 0.11; see ``docs/compatibility.md``. Importing this package loads NumPy only:
every public name below is imported from its module when it is first used.
"""

from __future__ import annotations

from importlib import import_module as _import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    name: module
    for module, names in {
        "convert": (
            "fft_frequencies",
            "frames_to_samples",
            "frames_to_time",
            "hz_to_mel",
            "mel_frequencies",
            "mel_to_hz",
            "samples_like",
            "samples_to_frames",
            "samples_to_time",
            "time_to_frames",
            "time_to_samples",
            "times_like",
        ),
        "errors": (
            "AudioFileError",
            "AudioFileMissingError",
            "EmptyFilterWarning",
            "MelfeatError",
            "MelfeatWarning",
            "MissingExtraError",
            "ParameterError",
        ),
        "feature": ("delta", "melspectrogram", "mfcc", "stack_memory"),
        "io": ("get_duration", "get_samplerate", "load", "resample", "stream", "to_mono"),
        "demo": ("demo_path",),
        "spectrum": (
            "amplitude_to_db",
            "db_to_amplitude",
            "db_to_power",
            "istft",
            "magphase",
            "power_to_db",
            "stft",
        ),
    }.items()
    for name in names
}
_MODULES = ("convert", "errors", "feature", "filters", "io", "spectrum", "util")

__all__ = ["__version__", *sorted(_HOME), *_MODULES]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(_import_module(f"{__name__}.{_HOME[name]}"), name)
    elif name in _MODULES:
        value = _import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
