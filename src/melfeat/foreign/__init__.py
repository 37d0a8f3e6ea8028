"""Configurations of other programs, read as they are: each function returns the `Config` that computes the same.

Nothing is guessed and nothing ignored: an option that melfeat does not reproduce is refused by its name, with what to
do instead, and so is a name that the program does not know. Options that cannot change a feature (names of files,
messages, …) are listed in each function and accepted.
"""

from __future__ import annotations

from ._hf import config_from_hf
from ._htk import config_from_htk
from ._kaldi import config_from_kaldi
from ._librosa import config_from_librosa
from ._nemo import config_from_nemo
from ._psf import config_from_psf
from ._torchaudio import config_from_torchaudio

__all__ = [
    "config_from_hf",
    "config_from_htk",
    "config_from_kaldi",
    "config_from_librosa",
    "config_from_nemo",
    "config_from_psf",
    "config_from_torchaudio",
]
