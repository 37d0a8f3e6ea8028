"""Tables with an entry for each of many streams, and groups of those for which the same has to be done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

__all__ = ["Part", "Slots", "split"]

#: Slots ``(m,)``, each at most once, and as many frames of each, ``(m, n_rows, k)``.
Part = tuple[np.ndarray, np.ndarray]


def split(key: np.ndarray) -> Iterator[tuple[int, Any]]:
    """Yield each value of the integers `key` and an index of the places that have it."""
    if key.size and (key == key[0]).all():
        yield int(key[0]), slice(None)
        return
    for value in np.unique(key).tolist():
        yield value, np.flatnonzero(key == value)


class Slots:
    """Its attributes that are arrays have one entry per slot, zero for a stream that begins."""

    def grow(self, n_slots: int) -> None:
        """Make room for slots up to `n_slots`."""
        for name, array in vars(self).items():
            if isinstance(array, np.ndarray):
                larger = np.zeros((n_slots, *array.shape[1:]), dtype=array.dtype)
                larger[: len(array)] = array
                setattr(self, name, larger)

    def clear(self, slot: int) -> None:
        """Let a stream begin in a slot."""
        for array in vars(self).values():
            if isinstance(array, np.ndarray):
                array[slot] = 0
