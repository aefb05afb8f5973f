"""How a command ends: its exit codes, and what is said and kept of an end that nobody planned."""

from __future__ import annotations

import contextlib
import os
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

from foundation.environment import environment
from foundation.errors import MobileSRTuneError, RequestError
from foundation.files import write_text
from foundation.places import state_folder
from foundation.wording import shown, without_passwords

FINE, WRONG = 0, 2
# EX_SOFTWARE of sysexits.h: no answer, whatever a script takes 1 for.
INTERNAL = 70
STOPPED = 130  # 128 + SIGINT, as a shell says it
_KEPT = 20


def internal_error(error: BaseException) -> str:
    """One sentence on a fault of ours; its traceback is saved, and the sentence says where."""
    # The type is what a reader of the sentence can search for; the message may be pages long.
    what = type(error).__name__
    said = shown(without_passwords(str(error)).partition("\n")[0], 160)
    where = _save(error)
    kept = f"its traceback is in {where}" if where else "its traceback could not be saved"
    return (
        f"internal error: {what}{f' ({said})' if said else ''}. This is a fault of mobilesr-tune, "
        f"not of the request: {kept}; please report it with that"
    )


def _save(error: BaseException) -> Path | None:
    """Keep the traceback among this user's state, else in the temporary folder."""
    trace = "".join(traceback.format_exception(error))
    facts = environment()
    text = without_passwords(f"{trace}\n{facts}\n").encode("utf-8", "replace").decode("utf-8")
    now = datetime.now(UTC)
    name = f"{now:%Y%m%d-%H%M%S}-{os.getpid()}.txt"
    with contextlib.suppress(MobileSRTuneError, OSError):
        folder = state_folder() / "errors"
        write_text(folder / name, text)
        for old in sorted(folder.glob("*.txt"))[:-_KEPT]:
            old.unlink(missing_ok=True)
        return folder / name
    with contextlib.suppress(OSError, RequestError):
        handle, path = tempfile.mkstemp(prefix="mobilesr-tune-", suffix=".txt")
        os.close(handle)
        write_text(Path(path), text)
        return Path(path)
    return None
