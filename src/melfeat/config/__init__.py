"""What is computed, as one value: `Config`, its presets, and what can be said about it.

* `_config`: the class; `_fields`: names of options, and what may be set; `_json`: text and back;
* `_geometry`: frames, times, names of features, how far a frame sees; `_effective`: what decides about the output;
* `presets` and `presets_*`: the front ends that are known by name; `explain` and `_difference`: in words.
"""

from ._config import Config as Config

__all__ = ["Config"]
