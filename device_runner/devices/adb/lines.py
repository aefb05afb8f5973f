"""What `adb devices -l` says, line by line; every string is a device's own, hence untrusted."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace

NO_SERIAL = "(no serial number)"
# Made here, of what adb cannot tell apart.
SAME_SERIAL, WITHOUT_SERIAL = "same serial", "no serial"
_WORDS = (
    "device", "offline", "unauthorized", "authorizing", "connecting", "bootloader", "recovery",
    "rescue", "sideload", "host", "detached",
)  # fmt: skip
# A serial may hold spaces, brackets and adb's own words: a state is one only where nothing but
# facts (`product:x`) follows it.
_LINE = re.compile(
    rf"(?P<serial>\S(?:.*?\S)?)\s+(?:(?P<state>{'|'.join(_WORDS)})(?P<facts>(?:\s+[a-z_]+:\S*)*)"
    r"|(?P<denied>no permissions)(?P<reason>.*))\s*"
)
# An address; or the name under which a phone announces itself for wireless debugging.
_NETWORK_SERIAL = re.compile(r".+:\d{1,5}|.+\._adb(?:-tls-connect|-tls-pairing)?\._tcp\.?")
_MAX_LINES, _MAX_CHARACTERS = 1000, 1000


@dataclass(frozen=True)
class Listed:
    """One device as adb has it."""

    serial: str
    state: str
    details: str


def is_network(serial: str) -> bool:
    """Whether a device of this name is reached over a network: there is no cable to look at."""
    return _NETWORK_SERIAL.fullmatch(serial) is not None


def listed_devices(text: str) -> list[Listed]:
    """The devices of adb's long listing, each line one; what is no such line is skipped.

    Devices that adb cannot tell apart, as they have one serial or none, get a state of their own:
    whatever is asked of them, another might answer.
    """
    found = []
    for whole in text.splitlines()[:_MAX_LINES]:
        line = whole[:_MAX_CHARACTERS]
        match = _LINE.fullmatch(line.strip())
        if match is None:
            serial, _, rest = line.strip().partition(" ")
            state, _, details = rest.strip().partition(" ")
            if serial and state:
                found.append(Listed(serial[:200], state[:60], details.strip()[:500]))
            continue
        state = match["state"] or match["denied"]
        details = (match["facts"] or match["reason"] or "").strip()
        found.append(Listed(match["serial"][:200], state, details[:500]))
    times = Counter(one.serial for one in found)
    return [_doubted(one, times[one.serial]) for one in found]


def _doubted(one: Listed, times: int) -> Listed:
    if one.state == "device" and one.serial == NO_SERIAL:
        return replace(one, state=WITHOUT_SERIAL)
    if times > 1 and one.serial != NO_SERIAL:
        return replace(one, state=SAME_SERIAL)
    return one
