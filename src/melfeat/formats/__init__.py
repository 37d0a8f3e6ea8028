"""Files of features of other tools: HTK parameter files, and Kaldi archives and script files."""

from __future__ import annotations

from ._htk import HTKHeader, read_htk, write_htk
from ._kaldi import read_ark, read_kaldi, read_scp, write_ark

__all__ = ["HTKHeader", "read_ark", "read_htk", "read_kaldi", "read_scp", "write_ark", "write_htk"]
