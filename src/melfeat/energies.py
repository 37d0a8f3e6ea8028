"""The energy of each frame: its logarithm, and its place among the features."""

from __future__ import annotations

import math

import numpy as np

from .config import Config
from .dsp.post import normalize_energy

__all__ = ["energy_row", "log_energy", "place_energy"]


def log_energy(energy: np.ndarray, config: Config) -> np.ndarray:
    """Return the natural logarithm of energies as `stages.Energy` says, not yet normalised, in float64."""
    e = config.energy
    assert e is not None
    values = energy.astype(np.float64)
    if e.energy_eps_kind == "if_zero":
        values[values == 0] = e.energy_eps
    else:
        np.maximum(values, e.energy_eps, out=values)
    with np.errstate(divide="ignore"):
        level = np.log(values)
    if e.energy_floor > 0:
        np.maximum(level, math.log(e.energy_floor), out=level)
    return level


def energy_row(config: Config, n_rows: int) -> int | None:
    """Return the row of the energy among the static features, of which `n_rows` are not energies; None without one."""
    energy, cepstrum = config.energy, config.cepstrum
    if energy is None:
        return None
    if energy.energy_place == "replace_c0":
        return n_rows - 1 if cepstrum is not None and cepstrum.c0 == "last" else 0
    return 0 if energy.energy_place == "first" else n_rows


def place_energy(x: np.ndarray, energy: np.ndarray, config: Config, peak: np.ndarray | None = None) -> np.ndarray:
    """Return features ``(..., n_rows, n_frames)`` with the logarithm of energies ``(..., n_frames)`` in its place.

    Where it replaces a row, `x` is written to. The `peak` ``(..., 1)`` of `log_energy` is that of all frames, if these
    are only some.
    """
    e = config.energy
    assert e is not None
    level = log_energy(energy, config)
    if e.energy_normalize:
        level = normalize_energy(level, e.energy_scale, e.energy_silence_floor, peak)
    level = level.astype(energy.dtype)
    if e.energy_place == "replace_c0":
        x[..., energy_row(config, x.shape[-2]), :] = level
        return x
    both = [level[..., np.newaxis, :], x]
    return np.concatenate(both if e.energy_place == "first" else both[::-1], axis=-2)
