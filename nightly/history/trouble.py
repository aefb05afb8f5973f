"""A database's errors as sentences."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError

from foundation.wording import shell_line
from nightly.errors import HistoryError


def damaged(name: str, why: str) -> HistoryError:
    """A database that contradicts itself."""
    why = " ".join(why.split())[:200]
    return HistoryError(
        f"the history {name} is damaged ({why}): nothing was changed; restore a backup, or save "
        f"what can be read: {shell_line(['sqlite3', name, '.recover'])}"
    )


@contextmanager
def trouble(name: str) -> Iterator[None]:
    """Turn a database's errors into the sentence a user needs."""
    try:
        yield
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or type(error).__name__)
        if any(word in cause for word in ("malformed", "not a database", "corrupt")):
            raise damaged(name, cause) from error
        advice = "what was measured before is safe"
        if any(word in cause for word in ("locked", "disk I/O error")):
            advice = (
                "end what else has it open; or its folder is on a file system without locks, as "
                f"some network drives are: keep it on a disk of this computer; {advice}"
            )
        raise HistoryError(
            f"the history {name} cannot be used: {' '.join(cause.split())[:300]}; {advice}"
        ) from error
