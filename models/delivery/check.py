"""A delivery is tried as its reader will try it: by its own check, on this computer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from foundation.wording import shorten
from models.errors import ExportError

# Loading the runtime takes seconds, and minutes where other work takes the processor.
_TIMEOUT_S = 600


def require_right(folder: Path) -> None:
    """Run `check.py` of the delivery in `folder`.

    Raises:
        ExportError: the model answers otherwise than it did when it was exported, or not at all.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-P", "check.py"],
            cwd=folder, capture_output=True, text=True, errors="replace", timeout=_TIMEOUT_S,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise ExportError(
            f"the golden check did not end within {_TIMEOUT_S} s: try again"
        ) from None
    if done.returncode == 0:
        return
    said = (done.stdout.strip() or done.stderr.strip()).splitlines()
    reason = shorten(said[-1] if said else f"exit code {done.returncode}", 200)
    raise ExportError(
        f"the model fails its own golden check on this computer ({reason}): export it again, with "
        "the ExecuTorch that is installed"
    )
