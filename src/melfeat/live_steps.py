"""The steps of live audio that remember something: filters of the signal, and what looks at neighbouring frames."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from .config import Config
from .dsp.delta import delta_reach
from .dsp.post import append_frames, stack_frames
from .plan import fuses_affine
from .rows import fast_deltas
from .sliding import Windows
from .stages import Preprocessing

__all__ = ["Deltas", "Groups", "LiveSteps", "Sliding", "Step"]


class LiveSteps:
    """What `signal_steps.condition` does, piece by piece: dither, offset filter, pre-emphasis."""

    def __init__(self, p: Preprocessing, rows: int, dtype: np.dtype) -> None:
        self.p, self.position = p, 0
        self.dithers = p.dither > 0 and p.dither_scope == "signal"
        self.emphasises = p.preemphasis > 0 and p.preemphasis_scope == "signal"
        self.memory = np.zeros((rows, 17))  # kernels.rows.OFFSET_STATE
        self.before = np.zeros((rows, 1), dtype=dtype)
        self.first: np.ndarray | None = None

    def push(self, x: np.ndarray) -> np.ndarray:
        """Return the samples ``(rows, n)``, already scaled, after all steps; `x` may be written to."""
        n = x.shape[1]
        if n == 0:
            return x
        if self.dithers:
            from .kernels.prepare import add_noise

            for row in x:
                add_noise(row, self.p.dither_seed, self.position, self.p.dither, self.p.dither_kind == "gaussian")
        if self.p.offset_filter is not None:
            from .kernels.rows import remove_offset

            x, source = np.empty_like(x), x
            for row, memory, out in zip(source, self.memory, x, strict=True):
                remove_offset(row, self.p.offset_filter, memory, out)
        start, self.position = self.position, self.position + n
        return self._emphasised(x, start) if self.emphasises else x

    def flush(self) -> np.ndarray:
        """Return what was held back."""
        held = self.first
        self.first = None
        return held if held is not None else np.empty((self.before.shape[0], 0), dtype=self.before.dtype)

    def _emphasised(self, x: np.ndarray, start: int) -> np.ndarray:
        k = x.dtype.type(self.p.preemphasis)
        if self.p.preemphasis_first == "extrapolate" and self.position <= 1:
            self.first = x.copy()  # the rule looks at the second sample
            self.before = x[:, -1:].copy()
            return x[:, :0]
        out = np.empty_like(x)
        np.multiply(x[:, :-1], -k, out=out[:, 1:])
        out[:, 1:] += x[:, 1:]
        if start > 0:
            np.multiply(self.before, -k, out=out[:, :1])
            out[:, :1] += x[:, :1]
        elif self.p.preemphasis_first == "zero":
            out[:, 0] = x[:, 0]
        elif self.p.preemphasis_first == "scaled":
            out[:, 0] = x[:, 0] - k * x[:, 0]
        else:
            out[:, 0] = 3 * x[:, 0] - x[:, 1]
        if self.first is not None:
            out = np.concatenate([3 * self.first - x[:, :1], out], axis=1)
            self.first = None
        self.before = x[:, -1:].copy()
        return out


class Step(Protocol):
    """A step that looks at several frames."""

    def push(self, x: np.ndarray, last: bool) -> np.ndarray: ...


class Sliding:
    """Normalisation over a window of frames; each channel has a slot of the table."""

    def __init__(self, post: dict[str, Any], energy_row: int | None) -> None:
        self.options = {
            name: post[f"cmn_{name}"] for name in ("ddof", "eps", "eps_kind", "window", "min_window", "center")
        }
        self.options |= {"kind": post["cmn"], "skip": energy_row if post["cmn_columns"] == "no_energy" else None}
        self.table: Windows | None = None

    def windows(self, n_channels: int, n_rows: int, dtype: np.dtype) -> Windows:
        """Return the table, made when the first frames tell what it holds."""
        if self.table is None:
            self.table = Windows(n_rows, dtype, **self.options)
            self.table.grow(n_channels)
        return self.table

    def push(self, x: np.ndarray, last: bool) -> np.ndarray:
        n_channels, n_rows, _ = x.shape
        ((_, out),) = self.windows(n_channels, n_rows, x.dtype).push(np.arange(n_channels), x, last)
        return out

    def __getstate__(self) -> dict[str, Any]:
        """What is pickled: the frames that matter instead of the table, which is made for any that may come."""
        table = self.table
        if table is None:
            return vars(self)
        shape = len(table.total), table.recent.shape[1], table.recent.dtype
        frames = [table.frames(slot) for slot in range(len(table.total))]
        return {**vars(self), "table": None, "held": (shape, frames)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        shape, frames = state.pop("held", (None, ()))
        vars(self).update(state)
        for slot, held in enumerate(frames):
            self.windows(*shape).remember(slot, *held)


class Deltas:
    """Deltas behind the features they belong to."""

    def __init__(self, post: dict[str, Any]) -> None:
        self.order, self.edges = post["delta_order"], post["delta_edges"]
        self.options = {"window": post["delta_window"], "window_2": post["delta_window_2"], "edges": self.edges}
        self.reach = delta_reach(self.order, post["delta_window"], post["delta_window_2"])
        self.held: np.ndarray | None = None
        self.offset = self.done = 0

    def push(self, x: np.ndarray, last: bool) -> np.ndarray:
        self.held = x if self.held is None else np.concatenate([self.held, x], axis=-1)
        total = self.offset + self.held.shape[-1]
        ready = total if last else max(self.done, total - self.reach)
        here = slice(self.done - self.offset, ready - self.offset)
        if ready <= self.done:
            rows = self.held.shape[-2] * (self.order + 1)
            return np.empty((*self.held.shape[:-2], rows, 0), dtype=self.held.dtype)
        every = [self.held, *fast_deltas(self.held, self.order, **self.options)]
        out = np.concatenate([part[..., here] for part in every], axis=-2)
        self.done = ready
        drop = self.done - self.reach - self.offset
        if drop > 0:
            self.held, self.offset = self.held[..., drop:].copy(), self.offset + drop
        return out


class Groups:
    """Shift and scale, padding at the end, stacking."""

    def __init__(self, post: dict[str, Any], config: Config) -> None:
        fused = fuses_affine(config)
        self.shift: float = 0.0 if fused else post["shift"]
        self.scale: float = 1.0 if fused else post["scale"]
        self.pad_to, self.stack, self.value = post["pad_to"], post["stack"], post["pad_value"]
        self.n_dropped = 0
        self.held: np.ndarray | None = None
        self.count = 0

    def push(self, x: np.ndarray, last: bool) -> np.ndarray:
        if last:
            x = append_frames(x, self.n_dropped, self.value)
        if self.shift != 0.0 or self.scale != 1.0:
            x = (x + x.dtype.type(self.shift)) * x.dtype.type(self.scale)
        self.count += x.shape[-1]
        if last:
            x = append_frames(x, -self.count % self.pad_to, self.value)
        if self.stack == 1:
            return x
        x = x if self.held is None else np.concatenate([self.held, x], axis=-1)
        whole = x.shape[-1] - x.shape[-1] % self.stack
        self.held = x[..., whole:].copy()
        return stack_frames(x[..., :whole], self.stack)
