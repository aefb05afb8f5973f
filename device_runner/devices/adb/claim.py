"""The lease on the device itself: a folder that one user can make, whatever host it comes from.

The host's own lock (`devices.lease`) ends with its holder and costs nothing, but another host, a
second user or a second address of one phone do not meet at it. So the device has a folder `lock`
with who holds it and a heartbeat: since when, and how long it holds without another word. A
heartbeat is sent where the device is spoken to anyway and never in the middle of a run, where it
would disturb; so each promises as much time as the next run may take.

A lock whose promise has passed, or whose holder is a process of this host that has ended, is taken
over. All times are the device's own since it started: no clock that is set can free a lock, and a
device that has started anew has none.
"""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import dataclass

from device_runner.devices.adb.connection import Connection
from device_runner.devices.adb.storage import ROOT, storage_refusal
from device_runner.devices.holder import Holder, own_holder, parsed_holder
from device_runner.devices.lease import busy_error
from device_runner.errors import DeviceBusy, DeviceLost

# How long a lock holds after a sign of life, beside what a run may take. A host that dies keeps
# the device from others for so long; one that only thinks for so long loses nothing.
PROMISE_S = 600.0
_POLL_S = 2.0
# What this process holds on devices now.
_OURS: set[str] = set()

# $1 our folder, $2 our token, $3 the promise in seconds, $4 who we are, $5 a token known to be of
# a dead process. Says "held", or "busy AGE LEFT TOKEN" and who it is.
_TAKE = """\
umask 022
mkdir -p "$1" && cd "$1" || exit 1
token=$2 promise=$3 holder=$4 dead=$5
now=; { read -r now rest < /proc/uptime; } 2>/dev/null; now=${now%%.*}
[ -n "$now" ] || now=$(date +%s)
mine() {
  print -r -- "$holder" > "lock/holder.$token" && mv -f "lock/holder.$token" lock/holder || exit 1
  echo "$token $now $promise" > "lock/beat.$token" && mv -f "lock/beat.$token" lock/beat || exit 1
  echo held; exit 0
}
busy() { echo "busy $1 $2 $whose"; cat lock/holder 2>/dev/null; exit 0; }
mkdir lock 2>/dev/null && mine
[ -d lock ] || { mkdir lock; exit 1; }
look() {
  whose= at= lasts= rest=; { read -r whose at lasts rest < lock/beat; } 2>/dev/null
  case "$whose" in *[!0-9a-f]*) whose=0;; esac
  case "$at$lasts" in *[!0-9]*) at= lasts=;; esac
}
look
[ "$whose" = "$token" ] && mine
if [ -z "$at" ] || [ -z "$lasts" ]; then
  # Made and not yet written, or left so.
  age=$(($(date +%s) - $(stat -c %Y lock || echo 0)))
  [ "$age" -ge 0 ] && [ "$age" -lt 10 ] && busy 0 10
elif [ "$whose" != "$dead" ] && [ "$now" -ge "$at" ] && [ $((now - at)) -lt "$lasts" ]; then
  busy $((now - at)) $((at + lasts - now))
fi
was=$whose
if ! mkdir "lock/over.$was" 2>/dev/null; then
  age=$(($(date +%s) - $(stat -c %Y "lock/over.$was" || echo 0)))
  [ "$age" -gt 60 ] && rmdir "lock/over.$was" 2>/dev/null
  busy 0 10
fi
look
[ "$whose" = "$was" ] || { rmdir "lock/over.$was"; busy 0 10; }
mine
"""
# $1 our folder, $2 our token. The folder itself goes where nothing else is in it.
_LEAVE = """\
cd "$1" 2>/dev/null || exit 0
read -r whose rest < lock/beat && [ "$whose" = "$2" ] && rm -rf lock
cd / && rmdir "$1" 2>/dev/null
exit 0
"""
# $1 our folder. Changes nothing.
_LOOK = """\
cd "$1/lock" 2>/dev/null || exit 0
now=; { read -r now rest < /proc/uptime; } 2>/dev/null; now=${now%%.*}
[ -n "$now" ] || now=$(date +%s)
read -r whose at lasts rest < beat || exit 0
case "$at$lasts" in ''|*[!0-9]*) exit 0;; esac
[ "$now" -ge "$at" ] && [ $((now - at)) -lt "$lasts" ] && { echo busy; cat holder; }
"""
_BUSY = re.compile(r"busy (\d{1,12}) (\d{1,12}) ([0-9a-f]{0,64})")


@dataclass(frozen=True)
class _Taken:
    """Someone else's lock: seconds since its heartbeat, seconds that it still holds, and whose."""

    age_s: int
    left_s: int
    token: str
    holder: Holder | None


class DeviceClaim:
    """Our lock on one device. Used inside the host's own lease only."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._token = ""
        self._until_s = 0.0

    @property
    def held(self) -> bool:
        """Whether it is ours, for all we know."""
        return bool(self._token)

    def holder(self) -> Holder | None:
        """Who holds it now: nobody whose promise has passed, or who is known to have ended.

        Raises:
            DeviceLost.
        """
        match, _, rest = self._connection.script(_LOOK, ROOT).text.partition("\n")
        found = parsed_holder(rest) if match == "busy" else None
        return None if found is None or _is_left(found, found.token) else found

    def take(self, wait_s: float = 0.0) -> None:
        """Have the lock, of which nothing else of ours on the device is sure without it.

        Raises:
            DeviceBusy: another holds it, still after `wait_s`; says who, and for how long at most.
            DeviceLost, DeviceStorageError.
        """
        token = self._token = self._token or secrets.token_hex(8)
        deadline = time.monotonic() + wait_s
        # Before it is asked for: another thread would else take what we have just been given for
        # something that this process has lost.
        _OURS.add(token)
        try:
            while (taken := self._ask(PROMISE_S)) is not None:
                left_s = deadline - time.monotonic()
                if left_s <= 0:
                    self._token = ""
                    raise self._busy(taken, wait_s)
                time.sleep(min(_POLL_S, left_s))
        except BaseException:
            _OURS.discard(token)
            raise

    def keep(self, seconds: float) -> None:
        """Make sure that the lock is ours for so long from now on; costs nothing where it is.

        Raises:
            DeviceLost: also where it ran out while we were not heard, and another took it.
            DeviceStorageError.
        """
        if self._token and _now_s() + seconds >= self._until_s:
            self.renew(seconds)

    def renew(self, seconds: float) -> None:
        """As `keep`, and find out whether it is ours still. Raises as `keep` does."""
        taken = self._ask(seconds + PROMISE_S)
        if taken is not None:
            _OURS.discard(self._token)
            self._token = ""
            self._connection.doubtful = True
            raise DeviceLost(
                f"device {self._connection.shown} was lost to {taken.holder or 'another host'}, "
                "which took it as this computer had not been heard there for longer than it had "
                "promised (was it asleep?): claim it again when that one has ended"
            )

    def leave(self) -> None:
        """Let go of it. Raises `DeviceLost`: it then runs out by itself."""
        token, self._token, self._until_s = self._token, "", 0.0
        _OURS.discard(token)
        if token:
            self._connection.script(_LEAVE, ROOT, token, doing="let go of")

    def _ask(self, promise_s: float) -> _Taken | None:
        """None where it is ours now; whose it is otherwise."""
        taken = self._once(promise_s, "")
        if taken is not None and taken.holder is not None and _is_left(taken.holder, taken.token):
            taken = self._once(promise_s, taken.token)
        return taken

    def _once(self, promise_s: float, dead: str) -> _Taken | None:
        asked_s = _now_s()
        holder = own_holder(self._token).model_dump_json()
        done = self._connection.script(
            _TAKE, ROOT, self._token, str(int(promise_s)), holder, dead, doing="claimed"
        )
        words, _, rest = done.text.partition("\n")
        if done.exit_code == 0 and words == "held":
            self._until_s = asked_s + promise_s
            return None
        match = _BUSY.fullmatch(words)
        if match is None:
            raise storage_refusal(self._connection.shown, "the folder " + ROOT, done.stderr)
        return _Taken(int(match[1]), int(match[2]), match[3], parsed_holder(rest))

    def _busy(self, taken: _Taken, wait_s: float) -> DeviceBusy:
        who = str(taken.holder) if taken.holder else "another host"
        then = (
            f" (its last sign of life is {taken.age_s} s old; without another it is free in "
            f"{taken.left_s} s)"
        )
        return busy_error(self._connection.shown, who, wait_s, then)


def _is_left(holder: Holder, token: str) -> bool:
    """Whether that process has ended, or is this one and has lost the device it held."""
    own = own_holder()
    ourselves = (holder.system, holder.pid) == (own.system, own.pid) and bool(own.system)
    return holder.is_dead or (ourselves and token not in _OURS)


def _now_s() -> float:
    """Seconds that pass also while this computer sleeps, where it counts them."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)
