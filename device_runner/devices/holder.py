"""Who holds a device: enough to say whom to wait for, and to tell the dead from the living."""

from __future__ import annotations

import contextlib
import functools
import os
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from foundation.wording import shown

_MAX_BYTES = 4096
# Two readings of when a process began may differ by the clock's resolution, and by a correction.
_SAME_START_S = 5.0


class Holder(BaseModel):
    """A process that holds a lease. `system` tells process numbers of one computer from others'."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    pid: int = Field(ge=1, le=2**31)
    command: str = Field(max_length=200)
    since: datetime | None = None
    host: str = Field(default="", max_length=255)
    system: str = Field(default="", max_length=200)
    began_s: float = Field(default=0.0, ge=0, le=1e12)
    # Since the start of the computer: a clock that is set moves `began_s`, and this not.
    began_ticks: int | None = Field(default=None, ge=0, le=2**62)
    token: str = Field(default="", max_length=64)

    def __str__(self) -> str:
        """In words; the time is this host's local one."""
        since = ""
        if self.since is not None:
            # A date at the edge of what can be told has no local time.
            with contextlib.suppress(OverflowError, ValueError, OSError):
                since = f" since {self.since.astimezone():%H:%M:%S}"
        where = f" on {shown(self.host)}" if self.host and self.host != socket.gethostname() else ""
        return f"process {self.pid}{where} ({shown(self.command)}){since}"

    @property
    def is_dead(self) -> bool:
        """Whether it is known to have ended; a process of another computer never is."""
        if not self.system or self.system != own_system():
            return False
        try:
            process = psutil.Process(self.pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                return True  # ended, and nobody has asked yet how
            if self.began_ticks is not None and (ticks := _began_ticks(self.pid)) is not None:
                return ticks != self.began_ticks
            return abs(process.create_time() - self.began_s) > _SAME_START_S
        except psutil.NoSuchProcess:
            return not _is_hidden(self.pid)
        except psutil.Error:
            return False


def own_holder(token: str = "") -> Holder:
    """This process, from now on."""
    return Holder(
        pid=os.getpid(),
        command=_own_command(),
        since=datetime.now(UTC),
        host=socket.gethostname()[:255],
        system=own_system(),
        began_s=psutil.Process().create_time(),
        began_ticks=_began_ticks(os.getpid()),
        token=token,
    )


def parsed_holder(text: bytes | str) -> Holder | None:
    """A holder as it was written down; None for anything else."""
    try:
        return Holder.model_validate_json(text[:_MAX_BYTES])
    except (ValidationError, RecursionError):
        return None


@functools.cache
def own_system() -> str:
    """This boot of this computer and its space of process numbers; empty where it is not told."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{socket.gethostname()} {boot} {Path('/proc/self/ns/pid').readlink()}"[:200]
    except OSError:
        return ""


def _is_hidden(pid: int) -> bool:
    """Whether there is a process that /proc does not show, as of other users under `hidepid`."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True


def _began_ticks(pid: int) -> int | None:
    """When a process began, as the kernel counts (proc(5), `starttime`); None where untold."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        # The name before it may hold spaces and brackets.
        return int(told.rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return None


def _own_command() -> str:
    # The subcommand and no more: options may hold a storage URL with a password.
    words = [Path(sys.argv[0]).name, *sys.argv[1:2]] if sys.argv else ["python"]
    return " ".join(words)[:200]
