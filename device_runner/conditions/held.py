"""All conditions of one device together: read, set for a lease, restored after it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence

from device_runner.conditions.awake import Screen, StayAwake
from device_runner.conditions.base import Condition, Facts, Reading, Settable, Shell
from device_runner.conditions.battery import Battery
from device_runner.conditions.build import BuildKind
from device_runner.conditions.frequencies import CpuFrequencies
from device_runner.conditions.journal import JournalFile
from device_runner.conditions.journal_copy import READ, JournalCopy
from device_runner.conditions.performance import FixedPerformance
from device_runner.conditions.start import Started, uptime_in
from device_runner.conditions.thermal import ThermalStatus
from device_runner.errors import DeviceLost

CONDITIONS: tuple[type[Condition], ...] = (
    Started, ThermalStatus, Battery, FixedPerformance, StayAwake, Screen, CpuFrequencies, BuildKind,
)  # fmt: skip


# By so much the phone's clock and ours may disagree on how long a while was.
_SAME_START_S = 60.0


def _questions(conditions: Sequence[Condition]) -> str:
    """One script that asks all of them, and last for the copy at $2; $1 is before each answer."""
    asked = [f"( {one.question or ':'}\n) 2>&1" for one in conditions]
    script = "".join(f'echo "$1"\n{one}\n' for one in asked)
    return f'{script}echo "$1"\nset -- "$2"\n{READ}'


class Conditions:
    """The conditions of one device. `set`, `restore` and `recover` need its lease."""

    def __init__(self, serial: str, shell: Shell, copy_path: str, identity: str = "") -> None:
        self._shell = shell
        self._journal = JournalFile(identity or serial, serial)
        self._copy = JournalCopy(shell, copy_path, identity or serial)
        self._all: tuple[Condition, ...] = tuple(kind() for kind in CONDITIONS)
        self._is_set = False
        # When the phone started, by our clock, as far as it has told.
        self._began_s: float | None = None

    def read(self, facts: Facts) -> list[Reading]:
        """One reading for each condition, in one round trip. Raises `DeviceLost`."""
        # The device's own text cannot hold a mark that it did not know before.
        mark = secrets.token_hex(8)
        script = _questions(self._all)
        answers = self._shell.script(script, mark, self._copy.path).text.split(f"{mark}\n")[1:]
        answers += [""] * (len(self._all) + 1 - len(answers))
        self._copy.learn(answers[len(self._all)])
        told = list(zip(self._all, answers, strict=False))
        self._notice_restart(next(answer for one, answer in told if isinstance(one, Started)))
        return [one.reading(answer, facts) for one, answer in told]

    def _notice_restart(self, answer: str) -> None:
        """A start undoes what was set, and adb may be back before anyone has missed it."""
        uptime_s = uptime_in(answer)
        if uptime_s is None:
            return
        began_s, before_s = time.monotonic() - uptime_s, self._began_s
        if before_s is not None and began_s - before_s > _SAME_START_S:
            self._is_set = False
        self._began_s = began_s

    def set(self, facts: Facts) -> None:
        """Make them as measuring wants them, once a lease.

        Raises:
            DeviceLost: what was set by then stands in the journal.
        """
        if self._is_set:
            return
        prior = self._journal.read() | self._copy.known
        for condition in self._all:
            if not isinstance(condition, Settable) or not condition.available(facts):
                continue
            found = condition.prior(self._shell)
            if found is None:
                continue
            # What stood there first is the owner's; ours must not replace it.
            owner = prior.get(condition.name)
            self._write(prior | {condition.name: found if owner is None else owner})
            if condition.set(self._shell) or owner is not None:
                prior[condition.name] = found if owner is None else owner
            self._write(prior)
        self._is_set = True

    def _write(self, prior: dict[str, str]) -> None:
        self._journal.write(prior)
        self._copy.write(prior)

    def restore(self) -> None:
        """Undo what stands in the journal; what cannot be stays there, for the next claim.

        Where another computer has left its own on the device, that is the newer one.
        """
        self._is_set = False
        prior = self._journal.read()
        # What no condition of ours answers to was another version's.
        ours = {one.name: one for one in self._all if isinstance(one, Settable)}
        try:
            prior |= self._copy.read()
            left = {name: state for name, state in prior.items() if name in ours}
            for name in reversed(ours):
                if name in left and ours[name].restore(self._shell, left[name]):
                    del left[name]
                    self._journal.write(left)
            self._write(left)
        except DeviceLost:
            return

    def left_behind(self) -> tuple[str, ...]:
        """The conditions that are still as we made them, by their names."""
        return tuple(self._journal.read() | self._copy.known)


def left_behind_sentence(serial: str, left: tuple[str, ...]) -> str:
    """What a person is told of settings that are still as measuring wanted them."""
    return (
        f"On device {serial} {', '.join(left)} is still as it was set for timing: the next command "
        "that uses the device restores it, or run 'mobilesr-tune devices --clean'."
    )
