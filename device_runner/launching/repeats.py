"""Whether a runner's outputs repeat: what it saw of them, and what that adds up to.

Kernels are known that err in some executions only. A runner therefore hashes the output of several
executions of one input in each session, between the executions, never within a timed one, and only
as long as hashing takes no more than `HASHING_SHARE` of the time. Two outputs of one input that
differ in a single bit have different digests; whose digest is the right one is not for a hash to
say, and the check against eager PyTorch tells of one execution only.

Digests of different runners are of different methods, and are never compared.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from device_runner.records import OutputSeen, SessionRecord

# Of all time since the load.
HASHING_SHARE = 0.01
# So many different outputs are told apart; what comes beyond is counted as one more.
MAX_DIGESTS = 64
FURTHER = "further"


class OutputWatch:
    """The Python runner's side: digests of outputs, within the share of time."""

    def __init__(self, clock_ns: Callable[[], int]) -> None:
        self._clock_ns = clock_ns
        self._begin_ns = clock_ns()
        self._last_ns = 0
        self.spent_ns = 0
        self._seen: dict[str, int] = {}

    def see(self, fetch: Callable[[], memoryview | bytes]) -> None:
        """Hash what `fetch` gives, unless that would take too much of the time so far."""
        begin_ns = self._clock_ns()
        allowed_ns = HASHING_SHARE * (begin_ns - self._begin_ns)
        if self._seen and self.spent_ns + self._last_ns > allowed_ns:
            return
        digest = f"{zlib.crc32(fetch()):08x}"
        if digest not in self._seen and len(self._seen) >= MAX_DIGESTS:
            digest = FURTHER
        self._seen[digest] = self._seen.get(digest, 0) + 1
        self._last_ns = self._clock_ns() - begin_ns
        self.spent_ns += self._last_ns

    def told(self) -> dict[str, list[object]]:
        """The fields of the protocol's event `outputs_seen`."""
        return {"digest": [*self._seen], "executions": [*self._seen.values()]}


@dataclass(frozen=True)
class Repeats:
    """How many executions of one input were looked at, and how many gave another output."""

    executions: int
    differing: int

    @property
    def unstable(self) -> bool:
        """Whether the same input ever gave different outputs."""
        return self.differing > 0

    def in_words(self) -> str:
        """For a person."""
        if not self.unstable:
            return f"equal in all {self.executions} executions that were compared"
        return f"differed in {self.differing} of {self.executions} executions of the same input"


def repeats_of(sessions: Sequence[SessionRecord]) -> Repeats | None:
    """What the sessions of one artifact on one device say together; None where none tells.

    Differing are those executions that did not give the most frequent output of all sessions.
    """
    counts: dict[str, int] = {}
    for session in sessions:
        for seen in session.outputs_seen or ():
            counts[seen.digest] = counts.get(seen.digest, 0) + seen.executions
    if not counts:
        return None
    executions = sum(counts.values())
    # Outputs beyond MAX_DIGESTS are not known to equal each other.
    most = max((count for digest, count in counts.items() if digest != FURTHER), default=1)
    return Repeats(executions, executions - most)


def outputs_seen(digests: Sequence[str], executions: Sequence[int]) -> tuple[OutputSeen, ...]:
    """What a runner told, as the record holds it."""
    return tuple(
        OutputSeen(digest=digest, executions=count)
        for digest, count in zip(digests, executions, strict=True)
    )
