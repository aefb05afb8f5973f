"""What can go wrong with a nightly besides the models it watches."""

from __future__ import annotations

from foundation.errors import RequestError

# What `git bisect run` takes for a commit that cannot be tried.
CANNOT_TELL = 125


class SuiteError(RequestError):
    """The suite file cannot be used; the message names the file and the key."""


class HistoryError(RequestError):
    """The history cannot be used as it is; nothing in it was changed."""


class HistoryBusyError(HistoryError):
    """Another nightly is writing into the same history."""


class BaselineError(RequestError):
    """The baseline that was asked for does not fit what is measured tonight."""
