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

from ._interpreter import refuse_subinterpreter as _refuse_subinterpreter

_refuse_subinterpreter()

__version__ = "0.1.0"

if TYPE_CHECKING:  # for type checkers and for packagers that look for imports
    from . import (
        convert as convert,
        dataset as dataset,
        display as display,
        errors as errors,
        feature as feature,
        filters as filters,
        foreign as foreign,
        formats as formats,
        io as io,
        normalization as normalization,
        spectrum as spectrum,
        stages as stages,
        util as util,
    )
    from .batching import batch as batch
    from .config import Config as Config
    from .config.explain import diff as diff, explain as explain
    from .config.presets import presets as presets
    from .convert import (
        fft_frequencies as fft_frequencies,
        frames_to_samples as frames_to_samples,
        frames_to_time as frames_to_time,
        hz_to_mel as hz_to_mel,
        mel_frequencies as mel_frequencies,
        mel_to_hz as mel_to_hz,
        samples_like as samples_like,
        samples_to_frames as samples_to_frames,
        samples_to_time as samples_to_time,
        time_to_frames as time_to_frames,
        time_to_samples as time_to_samples,
        times_like as times_like,
    )
    from .dataset import load_features as load_features
    from .demo import (
        demo_path as demo_path,
    )
    from .errors import (
        AudioFileError as AudioFileError,
        AudioFileMissingError as AudioFileMissingError,
        EmptyFilterWarning as EmptyFilterWarning,
        FormatError as FormatError,
        MelfeatError as MelfeatError,
        MelfeatWarning as MelfeatWarning,
        MissingExtraError as MissingExtraError,
        ParameterError as ParameterError,
        SpecMismatch as SpecMismatch,
    )
    from .extractor import Extractor as Extractor
    from .feature import (
        delta as delta,
        melspectrogram as melspectrogram,
        mfcc as mfcc,
        stack_memory as stack_memory,
    )
    from .formats import (
        HTKHeader as HTKHeader,
        read_ark as read_ark,
        read_htk as read_htk,
        read_kaldi as read_kaldi,
        read_scp as read_scp,
        write_ark as write_ark,
        write_htk as write_htk,
    )
    from .io import (
        get_duration as get_duration,
        get_samplerate as get_samplerate,
        load as load,
        resample as resample,
        stream as stream,
        to_mono as to_mono,
    )
    from .long_files import extract_file as extract_file
    from .normalization import CmvnStats as CmvnStats, cmvn as cmvn
    from .pooling import mfcc_stats as mfcc_stats
    from .spectrum import (
        amplitude_to_db as amplitude_to_db,
        db_to_amplitude as db_to_amplitude,
        db_to_power as db_to_power,
        istft as istft,
        magphase as magphase,
        power_to_db as power_to_db,
        stft as stft,
    )
    from .temporal import regression_delta as regression_delta
    from .workers import get_num_threads as get_num_threads, set_num_threads as set_num_threads, threads as threads

_HOME = {
    name: module
    for module, names in {
        "batching": ("batch",),
        "config": ("Config",),
        "dataset": ("load_features",),
        "config.explain": ("diff", "explain"),
        "config.presets": ("presets",),
        "extractor": ("Extractor",),
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
            "FormatError",
            "MelfeatError",
            "MelfeatWarning",
            "MissingExtraError",
            "ParameterError",
            "SpecMismatch",
        ),
        "formats": ("HTKHeader", "read_ark", "read_htk", "read_kaldi", "read_scp", "write_ark", "write_htk"),
        "long_files": ("extract_file",),
        "normalization": ("CmvnStats", "cmvn"),
        "pooling": ("mfcc_stats",),
        "temporal": ("regression_delta",),
        "feature": ("delta", "melspectrogram", "mfcc", "stack_memory"),
        "io": ("get_duration", "get_samplerate", "load", "resample", "stream", "to_mono"),
        "demo": ("demo_path",),
        "workers": ("get_num_threads", "set_num_threads", "threads"),
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
_MODULES = (
    *("convert", "dataset", "display", "errors", "feature", "filters", "foreign", "formats", "io", "normalization"),
    *("spectrum", "stages", "util"),
)

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
