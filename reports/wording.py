"""How numbers and names are written for people, the same in terminal, Markdown and page."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping

from search.records import CandidateResult

MINUS = "−"
MISSING = "–"


def plain(text: str) -> str:
    """`text` on one line without control characters or invisible direction switches.

    Reasons and names may come from a device: terminal escapes and bidirectional overrides would
    let them rewrite what stands around them.
    """
    cleaned = "".join(
        " " if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} else c for c in text
    )
    return " ".join(cleaned.split())


def shorten(text: str, length: int = 300) -> str:
    """`plain` text of at most `length` characters, cut with an ellipsis."""
    text = plain(text)
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def number(value: float | None, digits: int) -> str:
    """A fixed number of decimals, a real minus sign, or a dash where nothing is known."""
    if value is None or not math.isfinite(value):
        return MISSING
    return f"{value:.{digits}f}".replace("-", MINUS)


def ms(value: float | None) -> str:
    """Milliseconds (or MB) with about three significant digits, without the unit."""
    if value is None or not math.isfinite(value):
        return MISSING
    return number(value, 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2)


def interval(result: CandidateResult) -> str:
    """`38.2 (37.9–38.6)`: the latency and the interval it is known within."""
    if result.latency_low_ms is None or result.latency_high_ms is None:
        return ms(result.latency_ms)
    low, high = ms(result.latency_low_ms), ms(result.latency_high_ms)
    return f"{ms(result.latency_ms)} ({low}–{high})"


def percent(share: float | None) -> str:
    """A share of 0 to 1 in whole percent; what is neither none nor all never says it is."""
    if share is None or not math.isfinite(share):
        return MISSING
    if 0 < share < 0.005:
        return "<1 %"
    if 0.995 < share < 1:
        return ">99 %"
    return f"{100 * share:.0f} %"


def signed_db(value: float | None) -> str:
    """A gain in dB with its sign."""
    return f"+{number(value, 2)}" if value is not None and value >= 0 else number(value, 2)


def count_of(how_many: int, one: str, many: str = "") -> str:
    """`1 candidate`, `3 candidates`."""
    return f"{how_many} {one if how_many == 1 else many or one + 's'}"


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
