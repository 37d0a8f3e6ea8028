"""The function `preset` of `melfeat.config.presets`, where the presets are."""

from __future__ import annotations

from .config.presets import preset

__all__ = ["preset"]
