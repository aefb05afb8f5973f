"""What can be wrong with a search."""

from foundation.errors import RequestError


class SearchError(RequestError):
    """Root of the errors of `search`."""


class SpaceError(SearchError):
    """A search space that cannot be."""


class RunError(SearchError):
    """A run directory or study that cannot be used."""
