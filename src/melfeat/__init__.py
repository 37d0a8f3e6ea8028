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

if TYPE_CHECKING:  # for type checkers and for packagers that look for imports
    from . import (
        convert as convert,
    )
    from . import (
        display as display,
    )
    from . import (
        errors as errors,
    )
    from . import (
        feature as feature,
    )
    from . import (
        filters as filters,
    )
    from . import (
        io as io,
    )
    from . import (
        spectrum as spectrum,
    )
    from . import (
        util as util,
    )
    from .convert import (
        fft_frequencies as fft_frequencies,
    )
    from .convert import (
        frames_to_samples as frames_to_samples,
    )
    from .convert import (
        frames_to_time as frames_to_time,
    )
    from .convert import (
        hz_to_mel as hz_to_mel,
    )
    from .convert import (
        mel_frequencies as mel_frequencies,
    )
    from .convert import (
        mel_to_hz as mel_to_hz,
    )
    from .convert import (
        samples_like as samples_like,
    )
    from .convert import (
        samples_to_frames as samples_to_frames,
    )
    from .convert import (
        samples_to_time as samples_to_time,
    )
    from .convert import (
        time_to_frames as time_to_frames,
    )
    from .convert import (
        time_to_samples as time_to_samples,
    )
    from .convert import (
        times_like as times_like,
    )
    from .demo import (
        demo_path as demo_path,
    )
    from .errors import (
        AudioFileError as AudioFileError,
    )
    from .errors import (
        AudioFileMissingError as AudioFileMissingError,
    )
    from .errors import (
        EmptyFilterWarning as EmptyFilterWarning,
    )
    from .errors import (
        MelfeatError as MelfeatError,
    )
    from .errors import (
        MelfeatWarning as MelfeatWarning,
    )
    from .errors import (
        MissingExtraError as MissingExtraError,
    )
    from .errors import (
        ParameterError as ParameterError,
    )
    from .feature import (
        delta as delta,
    )
    from .feature import (
        melspectrogram as melspectrogram,
    )
    from .feature import (
        mfcc as mfcc,
    )
    from .feature import (
        stack_memory as stack_memory,
    )
    from .io import (
        get_duration as get_duration,
    )
    from .io import (
        get_samplerate as get_samplerate,
    )
    from .io import (
        load as load,
    )
    from .io import (
        resample as resample,
    )
    from .io import (
        stream as stream,
    )
    from .io import (
        to_mono as to_mono,
    )
    from .spectrum import (
        amplitude_to_db as amplitude_to_db,
    )
    from .spectrum import (
        db_to_amplitude as db_to_amplitude,
    )
    from .spectrum import (
        db_to_power as db_to_power,
    )
    from .spectrum import (
        istft as istft,
    )
    from .spectrum import (
        magphase as magphase,
    )
    from .spectrum import (
        power_to_db as power_to_db,
    )
    from .spectrum import (
        stft as stft,
    )

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
_MODULES = ("convert", "display", "errors", "feature", "filters", "io", "spectrum", "util")

__all__ = ["__version__", *sorted(_HOME), *_MODULES]


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
