"""Presets: the front ends of other libraries and models as configurations, by name.

>>> from melfeat.config.presets import preset
>>> preset("kaldi-mfcc", sr=8000, frames="no_snip").n_frames(8000)
100

Each preset is a function that returns options, in `presets_toolkits` and `presets_models`. Another one is a function in
a file of your own, see `register` and docs/config.md.
"""

from __future__ import annotations

from typing import Any

from . import presets_models, presets_toolkits  # noqa: F401  they register themselves
from ._config import Config
from ._registry import PRESETS, build, find, register

__all__ = ["preset", "presets", "register"]


def presets() -> dict[str, str]:
    """Return the names of all presets, and one line about each.

    Returns
    -------
    about : dict of str to str
        In the order in which they were registered.

    Examples
    --------
    >>> from melfeat.config.presets import presets
    >>> print(presets()["whisper"])
    OpenAI Whisper: 80 log-mel bands, 100 frames a second
    >>> len(presets()) >= 20
    True
    """
    return {name: entry.about for name, entry in PRESETS.items()}


def preset(name: str, **overrides: Any) -> Config:
    """Return the configuration of a known front end.

    Everything is as the reference has it by default, at its own sampling rate. With another `sr`, lengths that the
    reference defines in time follow, rounded as it rounds them; so do others that it derives, as an FFT length that is
    the next power of two. What is overridden is taken as it is.

    Parameters
    ----------
    name : str
        One of `presets`; case does not count, and ``_`` is ``-``.
    **overrides : any options
        As in `Config.replace`. Those of a stage that the preset leaves out bring it as the reference has it:
        ``preset('htk', energy_place='last')`` is HTK's normalised energy. Where lengths follow the sampling rate,
        ``win_length_ms`` and ``hop_length_ms`` [ms] are options too.

    Returns
    -------
    config : Config

    Raises
    ------
    ParameterError
        If the name, or the name or value of an option, is not known; the message suggests the nearest name.

    Examples
    --------
    >>> from melfeat.config.presets import preset
    >>> preset("kaldi_fbank", n_mels=80, sr=8000).framing.win_length
    200
    >>> preset("wisper")
    Traceback (most recent call last):
    melfeat.errors.ParameterError: unknown preset 'wisper' (did you mean 'whisper'?); see docs/config.md for all names
    """
    return build(find(name), overrides)
