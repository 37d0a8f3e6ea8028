"""Frames of a signal, one by one, as each rule of framing defines them; names of features, written out."""

from __future__ import annotations

import itertools


def frame_starts(n: int, rule: str, length: int, n_fft: int, hop: int) -> list[int]:
    """Return where each frame of `length` samples (`n_fft` if centred as librosa does) begins in a signal of n."""
    if rule == "center":
        half = n_fft // 2
        return list(itertools.takewhile(lambda s: s + n_fft <= n + half, itertools.count(-half, hop)))
    if rule == "no_snip":  # Kaldi: hop t + hop // 2 is the middle of frame t, as many as round to whole hops
        count = len([t for t in range(n + 1) if (t + 1) * hop <= n + hop // 2])
        return [t * hop + hop // 2 - length // 2 for t in range(count)]
    if rule == "center_ceil":
        first = -((length + 1) // 2)
        starts = list(itertools.takewhile(lambda s: s < n, itertools.count(first, hop)))
        return [s for s in starts if s == first or s - hop + length // 2 < n]
    whole = [s for s in range(0, n, hop) if s + length <= n]
    if rule == "valid":
        return whole
    if rule == "valid_minus_one":
        return whole[:-1]
    if rule == "pad_all":
        return list(range(0, n, hop))
    starts = [0] if n else []
    while starts and starts[-1] + length < n:
        starts.append(starts[-1] + hop)
    return starts


def n_output_frames(n_analysed: int, n_dropped: int, post: dict) -> int:
    """Return the frames after padding and stacking, by doing it to a list."""
    frames = ["x"] * n_analysed + (["0"] * n_dropped if post.get("pad_dropped") else [])
    if post.get("fixed_frames") is not None:
        frames = (frames + ["0"] * post["fixed_frames"])[: post["fixed_frames"]]
    while len(frames) % post.get("pad_to", 1):
        frames.append("0")
    count = 0
    while len(frames) >= post.get("stack", 1):
        del frames[: post.get("stack", 1)]
        count += 1
    return count
