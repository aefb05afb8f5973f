"""The journal's copy on the device: what a computer that died has left set, another restores.

It lies in our folder there, beside the lock, and whoever holds the lock reads and writes it. It is
a help and no promise: where it cannot be written, the journal on the host's disk stands alone.
"""

from __future__ import annotations

import json

from device_runner.conditions.base import Shell
from device_runner.conditions.journal import Journal
from foundation import RequestError

# $1 the copy. What no version of ours would write is not read to its end.
READ = '[ -f "$1" ] && dd if="$1" bs=16384 count=1 2> /dev/null'
_WRITE = 'umask 022; print -r -- "$2" > "$1.new" && mv -f "$1.new" "$1"'
_REMOVE = 'rm -f "$1" "$1.new"'


class JournalCopy:
    """The copy at `path` on one device. `known` is what stood there when it was last looked at."""

    def __init__(self, shell: Shell, path: str, identity: str) -> None:
        self._shell, self._identity = shell, identity
        self.path = path
        self.known: dict[str, str] = {}

    def read(self) -> dict[str, str]:
        """What stands there now. Raises `DeviceLost`."""
        return self.learn(self._shell.script(READ, self.path).text)

    def learn(self, text: str) -> dict[str, str]:
        """What `READ` has answered; nothing, where that makes no sense."""
        self.known = _parsed(text)
        return self.known

    def write(self, prior: dict[str, str]) -> None:
        """Replace it; an empty one is removed. Raises `DeviceLost`."""
        if prior == self.known:
            return
        if prior:
            record = Journal(serial=self._identity[:200], prior=prior)
            self._shell.script(_WRITE, self.path, json.dumps(record.to_dict()))
        else:
            self._shell.script(_REMOVE, self.path)
        self.known = dict(prior)


def _parsed(text: str) -> dict[str, str]:
    try:
        return Journal.from_dict(json.loads(text), where="the journal's copy").prior
    # Anyone with a cable can write there: each condition checks what it is given once more.
    except (RequestError, ValueError, RecursionError):
        return {}
