"""How a candidate is written for people: its architecture, its latency."""

from __future__ import annotations

from collections.abc import Mapping

from foundation.wording import ms, plain
from search.study.records import CandidateResult


def interval(result: CandidateResult) -> str:
    """`38.2 (37.9–38.6)`: the latency and the interval it is known within."""
    if result.latency_low_ms is None or result.latency_high_ms is None:
        return ms(result.latency_ms)
    low, high = ms(result.latency_low_ms), ms(result.latency_high_ms)
    return f"{ms(result.latency_ms)} ({low}–{high})"


def config_code(config: Mapping[str, object]) -> str:
    """The same in fewer columns, as in a candidate's key: `n32 h4 r2.2.2 w8`."""
    ratios = config.get("ratios")
    parts = [
        f"n{config.get('n_feats', '?')}",
        f"h{config.get('n_heads', '?')}",
        f"r{'.'.join(map(str, ratios)) if isinstance(ratios, list | tuple) else '?'}",
        f"w{config.get('window_size', '?')}",
    ]
    passes = config.get("body_passes", 1)
    return plain(" ".join(parts + ([f"p{passes}"] if passes != 1 else [])))


def config_text(config: Mapping[str, object]) -> str:
    """An architecture in a few words: `n_feats 32, heads 4, ratios 2·2·2, window 8`."""
    ratios = config.get("ratios")
    parts = [
        f"n_feats {config.get('n_feats', '?')}",
        f"heads {config.get('n_heads', '?')}",
        f"ratios {'·'.join(map(str, ratios)) if isinstance(ratios, list | tuple) else '?'}",
        f"window {config.get('window_size', '?')}",
    ]
    passes = config.get("body_passes", 1)
    if passes != 1:
        parts.append(f"body {passes} times")
    return plain(", ".join(parts))
