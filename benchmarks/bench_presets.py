"""Time every preset beside the librosa-shaped pipeline on the same frames: what its dialect costs.

    python benchmarks/bench_presets.py [--quick] [--json OUT]

30 s of noise at the preset's rate, float32, one thread. The other side is an `Extractor` of plain stages with the same
FFT, window and hop, the same power, bands and coefficients, with zero padding, decibels and `top_db`. Presets with
deltas, normalisation or stacking at the end do more than that.
"""

from __future__ import annotations

import harness  # isort: skip

from typing import Any

import numpy as np
from peers import signal


def plain(config: Any) -> Any:
    """Return the librosa-shaped configuration on the frames of another."""
    from melfeat.config import Config
    from melfeat.stages import Cepstrum, Compression, Filterbank, Framing, Spectrum

    f = config.framing
    return Config(
        config.sr,
        framing=Framing(f.n_fft, f.hop_length, f.win_length),
        spectrum=Spectrum(config.spectrum.power),
        filterbank=Filterbank(config.filterbank.n_mels),
        compression=Compression(),
        cepstrum=None if config.cepstrum is None else Cepstrum(config.cepstrum.n_mfcc),
    )


def more(config: Any) -> str:
    """Return what a preset does to all frames together, in words."""
    post = config.post
    steps = [
        (post.cmn is not None, "normalises"),
        (post.delta_order > 0, f"{post.delta_order} x deltas"),
        (post.stack > 1, f"stacks {post.stack}"),
        (config.preprocessing.offset_filter is not None, "filters the signal"),
    ]
    return ", ".join(text for there, text in steps if there)


def main() -> None:
    import melfeat

    options = harness.parser(__doc__, "presets.json").parse_args()
    melfeat.set_num_threads(1)
    rows = {}
    for name in melfeat.presets():
        fx = melfeat.Extractor(name)
        base = melfeat.Extractor(plain(fx.config))
        y = signal(30, int(fx.config.sr))
        got, expected = fx(y), base(y)
        if not (np.isfinite(got).all() and got.shape == (fx.n_features, fx.n_frames(y.size))):
            raise SystemExit(f"{name}: wrong shape or not finite")
        runs = {"preset": lambda fx=fx, y=y: fx(y), "plain": lambda base=base, y=y: base(y)}
        rows[name] = harness.summary(harness.interleaved(runs, rounds=9 if options.quick else 41), "plain")["preset"]
        rows[name] |= {"plain_ms": rows[name]["ms"] / rows[name]["ratio"], "frames": got.shape[1]}
        rows[name] |= {"plain_frames": expected.shape[1], "more": more(fx.config), "at_most": 1.3}
        print(f"{name:26} {rows[name]['ms']:7.3f} ms  {rows[name]['ratio']:5.2f}x  {rows[name]['more']}")
    harness.store(options.json, "presets", options.quick, {"rows": rows})


if __name__ == "__main__":
    main()
