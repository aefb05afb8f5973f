"""The look that every page of ours shares, as one style sheet to be put into the page."""

from __future__ import annotations

from pathlib import Path


def page_style() -> str:
    """The style sheet's text; a page adds its own after it."""
    return (Path(__file__).parent / "templates" / "page.css").read_text("utf-8")
