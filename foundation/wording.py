"""How numbers and names are written for people, the same in terminal, Markdown and page."""

from __future__ import annotations

import math
import re
import shlex
import unicodedata
from collections.abc import Sequence

MINUS = "−"
MISSING = "–"
# As SQLAlchemy reads a URL, there is no "@" in a password; as people write one, there may be.
_URL_PASSWORD = re.compile(r"(\w://[^:/@\s]*:)[^@\n]*@(?:[^\s@?'\"]*@)*")
_QUERY_PASSWORD = re.compile(r"(?i)([?&;](?:ssl)?(?:password|passwd|pwd|passphrase)=)[^&;\s'\"]*")
# An underscore between two letters or digits is one: GitHub's Markdown never makes it emphasis.
_MARKDOWN_SPECIAL = re.compile(r"([\\`*\[\]|~]|(?<![^\W_])_|_(?![^\W_]))")
# What a browser would read as a character of another name.
_ENTITY = re.compile(r"&(?=#?\w+;)")


# Control and format characters, lone surrogates, line and paragraph separators, and what this
# Python's Unicode does not know, which may be any of them.
_INERT = frozenset({"Cc", "Cf", "Cn", "Cs", "Zl", "Zp"})


def inert(text: str, instead: str = "?", *, keep: str = "") -> str:
    """`text` with nothing in it that a terminal obeys instead of showing it.

    Names and reasons may come from a device, a file or a database: escape sequences and
    bidirectional overrides would let them rewrite what stands around them. `instead` takes the
    place of each such character; those in `keep` stay.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        instead if unicodedata.category(c) in _INERT and c not in keep else c for c in text
    )


def shown(text: str, limit: int = 200) -> str:
    """A foreign string as a message may print it: inert, on one line, `limit` characters at most.

    Foreign is whatever this tool did not write itself: what a device or its runner says, serials,
    names of files, fields of artifacts and bundles, words of a database or another library.
    """
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return inert(cut)


def plain(text: str) -> str:
    """`text` on one line, `inert`, and without runs of blanks."""
    return " ".join(inert(text, " ").split())


def escaped(text: str) -> str:
    """Text that Markdown shows as it is: no markup, no HTML, no link, no image, one line.

    Only what Markdown would take for something else is changed: most texts stay as they are.
    """
    harmless = _ENTITY.sub("&amp;", plain(text)).replace("<", "&lt;")
    harmless = _MARKDOWN_SPECIAL.sub(r"\\\1", harmless)
    harmless = re.sub(r"^([>#+-]|\d+[.)])(?=\s|>|#|$)", r"\\\1", harmless)
    return harmless.replace("@", "&#64;")


def coded(text: str) -> str:
    """Text as Markdown's inline code, in which nothing but the fence has a meaning."""
    words = plain(text)
    longest = max((len(run) for run in re.findall(r"`+", words)), default=0)
    fence = "`" * (longest + 1)
    room = " " if words.startswith("`") or words.endswith("`") else ""
    return f"{fence}{room}{words}{room}{fence}"


def shorten(text: str, length: int = 300) -> str:
    """`plain` text of at most `length` characters, cut with an ellipsis."""
    text = plain(text)
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def shell_line(words: Sequence[str]) -> str:
    """A command that a POSIX shell splits back into these words, in characters that can be shown.

    Names with characters that a terminal would obey are written in octal. (A newline at the very
    end of such a name is lost: `$(...)` takes it away.)
    """
    return " ".join(_shell_word(word) for word in words)


def _shell_word(word: str) -> str:
    if inert(word, "") == word:
        return shlex.quote(word)
    octal = "".join(
        chr(byte) if chr(byte).isalnum() and byte < 128 else f"\\{byte:03o}"
        for byte in word.encode("utf-8", "surrogateescape")
    )
    return f"\"$(printf '{octal}')\""


def without_passwords(text: str) -> str:
    """`text` in which the password of every URL is `***`: what is printed or written outlives us.

    Both places of a password are known: `user:password@host`, and a field of the query.
    """
    text = _URL_PASSWORD.sub(r"\1***@", text)
    return _QUERY_PASSWORD.sub(r"\1***", text)


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


def amount(value: float) -> str:
    """Three significant digits, or all before the point: `0.00123`, `12.3`, `1234`."""
    return number(value, 0 if abs(value) >= 1000 else max(0, 2 - _magnitude(value)))


def _magnitude(value: float) -> int:
    """The power of ten of the first digit, once rounded to three; 0 for 0."""
    return int(f"{value:.2e}".partition("e")[2]) if value and math.isfinite(value) else 0


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


def duration(seconds: float) -> str:
    """`45 s`, `2 min 20 s`, `1 h 5 min`: two units at most."""
    whole = round(max(0.0, seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, rest = divmod(round(whole / 60), 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"
