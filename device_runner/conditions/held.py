"""All conditions of one device together: read, set for a lease, restored after it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from device_runner.conditions.awake import Screen, StayAwake
from device_runner.conditions.base import Condition, Facts, Reading, Settable, Shell
from device_runner.conditions.battery import Battery
from device_runner.conditions.build import BuildKind
from device_runner.conditions.frequencies import CpuFrequencies
from device_runner.conditions.journal import JournalFile
from device_runner.conditions.performance import FixedPerformance
from device_runner.conditions.thermal import ThermalStatus
from device_runner.errors import DeviceLost

CONDITIONS: tuple[type[Condition], ...] = (
    ThermalStatus, Battery, FixedPerformance, StayAwake, Screen, CpuFrequencies, BuildKind,
)  # fmt: skip


def _questions(conditions: Sequence[Condition]) -> str:
    """One script that asks all of them; $1 stands before each answer."""
    return "".join(f'echo "$1"\n( {one.question or ":"}\n)\n' for one in conditions)


class Conditions:
    """The conditions of one device. `set`, `restore` and `recover` need its lease."""

    def __init__(self, serial: str, shell: Shell) -> None:
        self._shell = shell
        self._journal = JournalFile(serial)
        self._all: tuple[Condition, ...] = tuple(kind() for kind in CONDITIONS)
        self._is_set = False

    def read(self, facts: Facts) -> list[Reading]:
        """Each that the device has and tells, in one round trip. Raises `DeviceLost`."""
        having = [condition for condition in self._all if condition.available(facts)]
        # The device's own text cannot hold a mark that it did not know before.
        mark = secrets.token_hex(8)
        answers = self._shell.script(_questions(having), mark).text.split(f"{mark}\n")[1:]
        answers += [""] * (len(having) - len(answers))
        readings = (
            condition.reading(answer, facts)
            for condition, answer in zip(having, answers, strict=False)
        )
        return [reading for reading in readings if reading is not None]

    def set(self, facts: Facts) -> None:
        """Make them as measuring wants them, once a lease.

        Raises:
            DeviceLost: what was set by then stands in the journal.
        """
        if self._is_set:
            return
        prior = self._journal.read()
        for condition in self._all:
            if not isinstance(condition, Settable) or not condition.available(facts):
                continue
            found = condition.prior(self._shell)
            if found is None:
                continue
            # What stood there first is the owner's; ours must not replace it.
            prior.setdefault(condition.name, found)
            self._journal.write(prior)
            condition.set(self._shell)
        self._is_set = True

    def restore(self) -> None:
        """Undo what stands in the journal; where the device is gone, the next claim does."""
        self._is_set = False
        prior = self._journal.read()
        try:
            for condition in reversed(self._all):
                if isinstance(condition, Settable) and condition.name in prior:
                    condition.restore(self._shell, prior[condition.name])
                    del prior[condition.name]
                    self._journal.write(prior)
        except DeviceLost:
            return
        # What no condition of ours answers to was another version's.
        self._journal.write({})

    def recover(self) -> None:
        """At a claim: undo what a killed process, or a lost device, left behind."""
        self.restore()
