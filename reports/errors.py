"""What can go wrong with a report."""

from __future__ import annotations

from foundation.errors import RequestError


class ReportError(RequestError):
    """A report cannot be made as asked."""


class NothingToReport(ReportError):
    """The study holds no candidate that was timed."""
