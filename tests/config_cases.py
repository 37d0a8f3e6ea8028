"""Which options make a difference to the output, and when: one list for fingerprints, `diff` and the features."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from melfeat.config import Config


@dataclass(frozen=True)
class Case:
    """`preset` with `start` against the same with `change` as well: is the output another one?"""

    preset: str
    change: dict[str, Any]
    start: dict[str, Any] = field(default_factory=dict)
    matters: bool = True

    def configs(self) -> tuple[Config, Config]:
        start = Config.preset(self.preset, **self.start)
        return start, start.replace(**self.change)

    def __str__(self) -> str:
        text = ",".join(f"{name}={value}" for name, value in {**self.start, **self.change}.items())
        return f"{self.preset}-{text[:60]}-{'matters' if self.matters else 'idle'}"


def _both(preset: str, start: dict[str, Any], idle: dict[str, Any], **change: Any) -> list[Case]:
    """Return cases for options that matter after `start` and do not after `idle`."""
    pairs = change.items()
    return [
        *(Case(preset, {name: value}, start) for name, value in pairs),
        *(Case(preset, {name: value}, idle, matters=False) for name, value in pairs),
    ]


EDGES = (0.0, 200.0, 500.0, 1000.0, 2000.0, 4000.0)
SLIDING = {"cmn": "sliding_mean_var", "cmn_window": 8, "cmn_min_window": 4}

CASES = [
    # Preprocessing
    *(Case("kaldi-mfcc", change) for change in ({"input_scale": 1.0}, {"remove_dc": False}, {"dither": 0.5})),
    *(Case("whisper", change) for change in ({"fixed_samples": 8000}, {"normalize_signal": True})),
    Case("whisper", {"preemphasis": 0.97}),
    Case("etsi", {"offset_filter": None}),
    *_both("kaldi-mfcc", {"dither": 0.5}, {}, dither_kind="uniform", dither_scope="signal", dither_seed=2**63 - 1),
    *_both("htk", {}, {"preemphasis": 0.0}, preemphasis_scope="signal", preemphasis_first="zero"),
    # Framing
    *(Case("htk", change) for change in ({"hop_length": 161}, {"win_length": 400}, {"n_fft": 1024}, {"sr": 16001})),
    Case("htk", {"n_fft": None}, matters=False),
    *(Case("htk", {"window": name}) for name in ("hann", "povey", ("kaiser", 5.0), "boxcar")),
    Case("htk", {"window": ("kaiser", 5)}, {"window": 5.0}, matters=False),
    Case("htk", {"window": "hamm_symmetric", "window_symmetric": False}, matters=False),
    *_both("htk", {}, {"window": "boxcar"}, window_symmetric=False),
    *_both("htk", {}, {"win_length": 512}, window_align="center"),
    *_both("librosa", {}, {"frames": "valid"}, pad_mode="reflect"),
    *(Case("kaldi-mfcc", {"frames": rule}) for rule in ("no_snip", "pad_end", "center")),
    Case("essentia", {"window_scale": None}),
    Case("whisper", {"drop_last": 2}),
    # Spectrum
    Case("kaldi-mfcc", {"power": 1.0}),
    Case("kaldi-mfcc", {"spectrum_scale": "1/n_fft"}),
    # Filterbank
    *(Case("kaldi-fbank", {"n_mels": n}) for n in (22, 24)),
    *(Case("kaldi-fbank", change) for change in ({"fmin": 21.0}, {"fmax": 7999.0}, {"fmax": -1.0})),
    *(Case("kaldi-fbank", {"fmax": value}, matters=False) for value in (0.0, 8000.0)),
    Case("kaldi-fbank", {"fmax": 7600.0}, {"fmax": -400.0}, matters=False),
    *(Case("kaldi-fbank", {"mel_scale": scale}) for scale in ("slaney", "htk")),
    *(Case("kaldi-fbank", {"mel_norm": norm}) for norm in ("slaney", "tri", "sum", 2.0, float("inf"))),
    *(Case("kaldi-fbank", {"triangles": kind}) for kind in ("hz", "htk", "psf", "etsi")),
    Case("kaldi-fbank", {"bins": "all"}, {"fmax": 8000.0, "triangles": "etsi"}),
    Case("htk", {"bins": "all"}, matters=False),
    Case("kaldi-fbank", {"band_edges": EDGES, "n_mels": 4}),
    *_both("librosa", {"n_mels": 4}, {"n_mels": 4, "band_edges": EDGES}, fmin=100.0, fmax=5000.0, mel_scale="htk"),
    Case("torchaudio", {"nyquist": "exact"}, {"sr": 11025, "n_mels": 40}),
    Case("kaldi-fbank", {"nyquist": "period"}, {"sr": 22050}),
    Case("kaldi-fbank", {"nyquist": "period"}, matters=False),
    Case("whisper", {"weights_dtype": None}),
    Case("rastamat", {"band_power": 2}),
    Case("kaldi-fbank", {"vtln_warp": 1.1}),
    *_both("kaldi-fbank", {"vtln_warp": 1.1}, {}, vtln_kind="htk", vtln_low=60.0, vtln_high=7000.0),
    Case("kaldi-fbank", {"vtln_high": 7500.0}, {"vtln_warp": 1.1}, matters=False),
    # Compression
    *(Case("kaldi-fbank", {"logarithm": kind}) for kind in ("log10", "db", "db20", None)),
    *(Case("kaldi-fbank", {"floor": value}) for value in (1e-3, None)),
    *_both("kaldi-fbank", {}, {"floor": None}, floor_kind="add"),
    *(Case("librosa", {"top_db": value}) for value in (20.0, None)),
    *_both("librosa", {"top_db": 20.0}, {"top_db": None}, peak_scope="array"),
    # Cepstrum
    Case("librosa", {"n_mfcc": 19}),
    Case("librosa", {"n_mfcc": 30}, {"n_mels": 20}, matters=False),
    *(Case("librosa", {"dct_type": kind}) for kind in (1, 3)),
    *(Case("librosa", {"dct_norm": norm}) for norm in ("htk", "unit", None)),
    Case("librosa", {"lifter": 22.0}),
    *_both("librosa", {"lifter": 2.5}, {}, lifter_kind="exponential", lifter_offset=0),
    Case("rastamat", {"lifter_offset": 1}, matters=False),
    *(Case("librosa", {"c0": place}) for place in ("last", "none")),
    *_both("torchaudio-kaldi-mfcc", {}, {"c0": "none"}, c0_scale=2.0),
    Case("kaldi-mfcc", {"c0_scale": 2.0}, matters=False),
    # Energy
    *(Case("kaldi-mfcc", {"energy_place": place}) for place in ("first", "last")),
    *(Case("kaldi-mfcc", {"energy_point": point}) for point in ("windowed", "spectrum")),
    Case("kaldi-mfcc", {"energy_eps": 1e-3}),
    *_both("kaldi-mfcc", {"remove_dc": False, "energy_eps": 100.0}, {"energy_eps": 0.0}, energy_eps_kind="if_zero"),
    Case("kaldi-mfcc", {"energy_floor": 1.0}),
    Case("kaldi-mfcc", {"energy_normalize": True}),
    *_both("kaldi-mfcc", {"energy_normalize": True}, {}, energy_scale=0.2, energy_silence_floor=20.0),
    # Post
    *(Case("kaldi-mfcc", {"cmn": kind}) for kind in ("mean", "mean_var", "all_mean_var", "sliding_mean")),
    *_both("kaldi-mfcc", {"cmn": "mean_var", "delta_order": 1}, {}, cmn_columns="all"),
    *_both("kaldi-mfcc", {"cmn": "mean_var"}, {}, cmn_columns="no_energy"),
    Case("kaldi-mfcc", {"cmn_columns": "all"}, {"cmn": "mean_var"}, matters=False),
    Case("kaldi-fbank", {"cmn_columns": "no_energy"}, {"cmn": "mean_var"}, matters=False),
    *_both("kaldi-mfcc", {"cmn": "mean_var"}, {"cmn": "mean"}, cmn_ddof=1, cmn_eps=1e4),
    *_both(
        "kaldi-mfcc", {"cmn": "mean_var", "cmn_eps": 0.5}, {"cmn": "mean_var", "cmn_eps": 0.0}, cmn_eps_kind="std_add"
    ),
    *_both("kaldi-mfcc", SLIDING, {"cmn": "mean_var"}, cmn_window=5, cmn_min_window=6, cmn_center=True),
    Case("kaldi-mfcc", {"cmn_min_window": 6}, {**SLIDING, "cmn_center": True}, matters=False),
    *(Case("kaldi-mfcc", {"delta_order": order}) for order in (1, 2, 3)),
    *_both("kaldi-mfcc", {"delta_order": 1}, {}, delta_window=3),
    *_both("kaldi-mfcc", {"delta_order": 2}, {"delta_order": 1}, delta_window_2=3, delta_edges="replicate"),
    Case("kaldi-mfcc", {"delta_window_2": 2}, {"delta_order": 2}, matters=False),
    *_both("whisper", {}, {"drop_last": 0}, pad_dropped=True),
    *(Case("whisper", change) for change in ({"fixed_frames": 40}, {"pad_to": 16}, {"shift": 0.0}, {"scale": 1.0})),
    Case("whisper", {"shift": -0.0}, {"shift": 0.0}, matters=False),
    *_both("whisper", {"pad_to": 16}, {}, pad_value=1.0),
    *_both("whisper", {"pad_dropped": True}, {"pad_dropped": True, "drop_last": 0}, pad_value=1.0),
    Case("whisper", {"stack": 2}),
    # Whole stages
    *(Case("kaldi-mfcc", change) for change in ({"energy": None}, {"energy": None, "cepstrum": None})),
]


def signal() -> np.ndarray:
    """Return two channels of 0.3 s at 16 kHz: noise, loud and very quiet, an offset, and digital silence."""
    rng = np.random.default_rng(1977)
    y = 0.1 * rng.standard_normal((2, 4800))
    y[1] *= 0.02
    y[:, 1600:2400] *= 1e-4
    y[:, :1600] += 0.05
    y[:, 2400:3300] = 0.0
    return y
