"""How long a device may say nothing before it counts as lost."""

from __future__ import annotations

from dataclasses import dataclass

# A transfer as a whole may take a second for every so many bytes, beside `Bounds.transfer_s`.
_SLOWEST_BYTES_PER_S = 1_000_000


@dataclass(frozen=True)
class Bounds:
    """Bounds on the conversations with one device, in seconds.

    Generous: a loaded phone answers late, and a candidate that is wrongly lost is measured again.

    Attributes:
        shell_s: a command that does next to nothing.
        stall_s: a file transfer in which not one byte moves.
        transfer_s: a file transfer as a whole, beside the time that its size takes.
        probe_every_s: silence of a run, after which the device is asked whether it is there.
            That starts a process on it, so it is not done more often than it must be.
        probe_s: the answer to that.
        answer_s: a run's words, once it has begun to say them.
    """

    shell_s: float = 10.0
    stall_s: float = 10.0
    transfer_s: float = 15.0
    probe_every_s: float = 15.0
    probe_s: float = 5.0
    answer_s: float = 20.0

    def transfer_limit_s(self, size: int) -> float:
        """How long a transfer of so many bytes may take as a whole."""
        return self.transfer_s + size / _SLOWEST_BYTES_PER_S


DEFAULT_BOUNDS = Bounds()
