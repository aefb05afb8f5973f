"""What goes wrong on a simulated phone, and when."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """What happens. `LOST` is the device's fault; the others befall the candidate."""

    LOST = "lost"
    CRASH = "crash"
    HANG = "hang"
    OUT_OF_MEMORY = "out_of_memory"
    # The runner's own timer leaps in the middle of the timed iterations.
    TIMER_LEAP = "timer_leap"


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong, at the launches `first` to `first + times - 1` of what it is for.

    `step` is `push`, `run` or `pull`: before the file is there, while it runs, or when its
    outputs should come back. `candidate_key` None means any artifact. A lost device is back after
    `returns_after_s`; `timed_only` leaves launches alone that are for outputs. `leap_s` is how far
    a timer leaps.
    """

    kind: FaultKind
    step: str = "run"
    first: int = 1
    times: float = math.inf
    candidate_key: str | None = None
    timed_only: bool = False
    returns_after_s: float = math.inf
    leap_s: float = 3600.0


class Faults:
    """The faults of one device, and which of them is due."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self._faults = faults
        self._launches = [0] * len(faults)

    def due(self, step: str, candidate_key: str, *, timed: bool) -> Fault | None:
        """The first fault that strikes now. To be asked once a launch and step."""
        struck = None
        for index, fault in enumerate(self._faults):
            if (
                fault.step != step
                or fault.candidate_key not in (None, candidate_key)
                or (fault.timed_only and not timed)
            ):
                continue
            self._launches[index] += 1
            if struck is None and fault.first <= self._launches[index] < fault.first + fault.times:
                struck = fault
        return struck
