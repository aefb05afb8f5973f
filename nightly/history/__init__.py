"""What earlier nights found: one SQL database, SQLite beside the suite or PostgreSQL by URL.

Life cycle: `open_history(url)`, then `with history.lock(...)` around a night that writes::

    history.abandon_open()      nights whose process died
    night = history.begin(...)
    history.add(night, ...)     as often as there are devices; each call is one transaction
    history.finish(night, ...)  from here on the night counts; before, it never does

Reading needs no lock. Nights are ordered by their number, never by their date.
"""

from nightly.history.opening import open_history
from nightly.history.store import History

__all__ = ["History", "open_history"]
