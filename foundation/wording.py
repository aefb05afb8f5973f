"""How numbers and names are written for people, the same in terminal, Markdown and page."""

from __future__ import annotations

import html
import math
import re
import unicodedata

MINUS = "−"
MISSING = "–"
_MARKDOWN_SPECIAL = re.compile(r"([\\`*_\[\]|~])")


def plain(text: str) -> str:
    """`text` on one line without control characters or invisible direction switches.

    Reasons and names may come from a device: terminal escapes and bidirectional overrides would
    let them rewrite what stands around them.
    """
    cleaned = "".join(
        " " if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} else c for c in text
    )
    return " ".join(cleaned.split())


def escaped(text: str) -> str:
    """Text that Markdown shows as it is: no markup, no HTML, no link, no image, one line."""
    harmless = _MARKDOWN_SPECIAL.sub(r"\\\1", html.escape(plain(text), quote=False))
    return harmless.replace("@", "&#64;")


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
