"""The exceptions and warnings of melfeat: everything it raises on purpose is one of these."""

from __future__ import annotations

__all__ = [
    "AudioFileError",
    "AudioFileMissingError",
    "EmptyFilterWarning",
    "FormatError",
    "MelfeatError",
    "MelfeatWarning",
    "MissingExtraError",
    "ParameterError",
    "SubinterpreterError",
]


class MelfeatError(Exception):
    """Base class of every exception that melfeat raises on purpose."""


class ParameterError(MelfeatError, ValueError):
    """An argument has a value that the function cannot work with; the message names value and remedy."""


class AudioFileError(MelfeatError, RuntimeError):
    """A file cannot be read as audio; the message names the file, the reason and the remedy."""


class AudioFileMissingError(AudioFileError, FileNotFoundError):
    """The audio file does not exist."""


class FormatError(MelfeatError, RuntimeError):
    """A file of features is damaged, cut off or of another format; the message names the file and the byte."""


class SpecMismatch(MelfeatError, ValueError):
    """Features were made in another way than is expected; the message says what differs."""


class MissingExtraError(MelfeatError, ImportError):
    """An optional dependency is not installed; the message names the extra that brings it."""


class SubinterpreterError(MelfeatError, ImportError):
    """melfeat was imported in a subinterpreter, where NumPy and Numba do not work."""


class MelfeatWarning(UserWarning):
    """Base class of every warning: a legal but suspicious result."""


class EmptyFilterWarning(MelfeatWarning):
    """Some mel bands contain no FFT bin and are zero everywhere."""
