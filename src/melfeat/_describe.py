"""What a sound file is: the facts that ``melfeat info`` prints."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from ._decode import Reader, count_frames, open_audio
from ._diagnose import source_name
from .errors import AudioFileError

if TYPE_CHECKING:
    from ._decode import AudioSource

__all__ = ["describe"]


def describe(path: AudioSource) -> dict[str, Any]:
    """Return what a sound file's header says, and whether its sound can be decoded at both ends.

    Parameters
    ----------
    path : path, file descriptor, open binary file, bytes of a file, or soundfile.SoundFile
        The sound file.

    Returns
    -------
    facts : dict
        ``path``, ``format``, ``subtype``, ``endianness``, ``channels``, ``samplerate`` [Hz], ``frames``,
        ``duration`` [s], ``readable`` (bool) and ``error`` (str or None); what is not known is None.

    Examples
    --------
    >>> from melfeat.io import describe
    >>> facts = describe("no-such-file.wav")
    >>> facts["readable"], facts["error"].split(" (")[0]
    (False, "'no-such-file.wav': no such file")
    """
    fields = ("path", "format", "subtype", "endianness", "channels", "samplerate", "frames", "duration")
    facts: dict[str, Any] = {**dict.fromkeys(fields), "readable": False, "error": None}
    facts["path"] = os.fspath(path) if isinstance(path, (str, os.PathLike)) else source_name(path)
    try:
        with open_audio(path) as handle:
            frames, rate = count_frames(handle), int(handle.samplerate)
            facts.update(format=handle.format, subtype=handle.subtype, endianness=handle.endian.lower())
            facts.update(channels=int(handle.channels), samplerate=rate, frames=frames, duration=frames / rate)
            Reader(handle, mono=False, dtype=np.dtype(np.float32)).probe()
            facts["readable"] = True
    except AudioFileError as error:
        facts["error"] = str(error)
    return facts
