"""The look that every page of ours shares, as style sheets to be put into the page."""

from __future__ import annotations

from pathlib import Path

_TEMPLATES = Path(__file__).parent / "templates"


def palette() -> str:
    """The colours by their names: light, dark and printed. Whatever names one needs this."""
    return (_TEMPLATES / "palette.css").read_text("utf-8")


def page_style() -> str:
    """The palette and the look of a page; a page adds its own after it."""
    return palette() + (_TEMPLATES / "page.css").read_text("utf-8")
