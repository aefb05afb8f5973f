"""Who is to blame when a device fails under a candidate: the one, or the other?

One failure tells nothing: cables come loose. A candidate under which devices failed `MOST_LOSSES`
times is under suspicion, and put aside while the device that failed last tries another one. Works
that, then it was the candidate. Fails the device as often under the other one, then it was the
device, and both candidates are as good as new. Where nothing is left to try, it is the candidate.

Pure: devices and candidates are known by their names.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

MOST_LOSSES = 3


class Ruling(Enum):
    """What follows from a failure."""

    TRY_AGAIN = auto()
    # The candidate is put aside until the device has tried another one.
    SUSPECTED = auto()
    # The device is left alone; no candidate is suspected any more.
    DEVICE = auto()


@dataclass
class Blame:
    """The failures of one lane: of candidates that were under way, on devices of one profile."""

    _losses: dict[str, int] = field(default_factory=dict)
    _suspects: dict[str, str] = field(default_factory=dict)
    _errors: dict[str, str] = field(default_factory=dict)

    @property
    def suspects(self) -> list[str]:
        """Candidates of which it is open whether they or their device are to blame."""
        return list(self._suspects.values())

    def met_trouble(self, candidate: str) -> bool:
        """Whether a device ever failed under it."""
        return candidate in self._errors

    def failed(self, device: str, candidate: str, error: str) -> Ruling:
        """The device failed under the candidate, with this error."""
        self._errors[candidate] = error
        self._losses[candidate] = self._losses.get(candidate, 0) + 1
        if self._losses[candidate] < MOST_LOSSES:
            return Ruling.TRY_AGAIN
        if device not in self._suspects:
            self._suspects[device] = candidate
            return Ruling.SUSPECTED
        self._losses.pop(candidate)
        return Ruling.DEVICE

    def worked(self, device: str) -> str | None:
        """The device ran a candidate to its end; the suspect that is thereby to blame, if any."""
        return self._suspects.pop(device, None)

    def gave_up(self, device: str) -> str | None:
        """The device is not used any more; the suspect that goes free, if there was one."""
        candidate = self._suspects.pop(device, None)
        if candidate is not None:
            self._losses.pop(candidate)
        return candidate

    def nothing_left(self) -> list[str]:
        """Nothing is left that could show whether a device is to blame: the suspects are."""
        suspects = self.suspects
        self._suspects.clear()
        return suspects

    def sentence(self, candidate: str) -> str:
        """Why a candidate that is to blame has no result."""
        return (
            f"its device failed {self._losses[candidate]} times under it, other candidates ran "
            f"there; the last time: {self._errors[candidate]}"
        )
