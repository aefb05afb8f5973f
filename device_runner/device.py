"""The seam between what is measured and where: one abstract device, its requests and reports."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from device_runner.clock import SYSTEM_CLOCK, Clock
from device_runner.conditions import Reading
from device_runner.launching.launches import RunReport, RunRequest
from device_runner.records import DeviceProfile
from foundation import Artifact

MIB = 2**20


@dataclass(frozen=True)
class PushReport:
    """What it took to have an artifact on the device."""

    bytes_pushed: int
    already_there: bool


@dataclass
class PushTotals:
    """What one device object has sent to its device so far, by kind, in bytes.

    Attributes:
        sent, found: sha256 of the artifacts that had to be sent, and of those that were there.
    """

    runner_bytes: int = 0
    models_bytes: int = 0
    inputs_bytes: int = 0
    sent: set[str] = field(default_factory=set)
    found: set[str] = field(default_factory=set)

    @property
    def total_bytes(self) -> int:
        """All kinds together."""
        return self.runner_bytes + self.models_bytes + self.inputs_bytes

    def model(self, sha256: str, pushed_bytes: int) -> None:
        """Count one call of `push`; an artifact sent here is not one that was there."""
        self.models_bytes += pushed_bytes
        if pushed_bytes:
            self.sent.add(sha256)
        elif sha256 not in self.sent:
            self.found.add(sha256)

    def to_dict(self) -> dict[str, int]:
        """JSON-ready form; artifacts are counted."""
        return {
            "total_bytes": self.total_bytes,
            "runner_bytes": self.runner_bytes,
            "models_bytes": self.models_bytes,
            "inputs_bytes": self.inputs_bytes,
            "artifacts_sent": len(self.sent),
            "artifacts_there_already": len(self.found),
        }

    def sentence(self, serial: str) -> str:
        """What a person is told at the end of a command."""
        mb = [n / 1e6 for n in (self.runner_bytes, self.models_bytes, self.inputs_bytes)]
        there = len(self.found)
        return (
            f"Pushed {self.total_bytes / 1e6:.1f} MB to {serial} (runner {mb[0]:.1f}, models "
            f"{mb[1]:.1f}, inputs {mb[2]:.1f}); {there} artifact{'' if there == 1 else 's'} "
            f"{'was' if there == 1 else 'were'} there already."
        )


@dataclass(frozen=True)
class ThreadChoice:
    """A number of threads, why it is that one, and the cores they belong on (empty: any)."""

    threads: int
    why: str
    cpus: tuple[int, ...] = ()


class Device(ABC):
    """Something that runs an artifact: the host, a phone, an emulator, a simulated phone.

    Life cycle, in the order in which a caller goes through it::

        device = discovery.open_device(name).device     nothing is claimed yet
        device.profile()                                may be asked at any time, also unleased
        with device.lease(wait_s=60):                   from here on it is ours
            device.push(artifact)                       optional: `run` pushes what is missing
            device.run(request)                         as often as wanted, one at a time
        device.close()                                  or `with device:`

    `measuring.verify`, `measure` and `infer` are the usual callers of `run`; they take the lease
    themselves, and a lease that this object holds already is entered again at no cost.

    What may be raised: everything is bounded in time, and device trouble is an exception below
    `foundation.DeviceFailure` (`DeviceBusy`, `DeviceLost`, `DeviceStorageError`,
    `RunnerBrokenError`) that names the device. A request that cannot be right is a
    `foundation.RequestError`. What the *candidate* does, be it a crash, a hang, running out of
    memory or a file that will not load, is no exception but `RunReport.outcome`.

    After any exception, Ctrl-C included, no runner of ours is left running and the lease is free
    once its `with` block is left. One object serves one thread.
    """

    @property
    @abstractmethod
    def serial(self) -> str:
        """What the device is called; unique on this host, and untrusted where it is a phone's."""

    @abstractmethod
    def profile(self) -> DeviceProfile:
        """What results on this device depend on. Constant while the device stays connected.

        Raises:
            DeviceLost: it does not answer.
        """

    @abstractmethod
    def suggest_threads(self) -> ThreadChoice:
        """How many threads to use when nobody says, and why; what `devices --tune` found, if so."""

    def clusters(self) -> tuple[tuple[int, ...], ...]:
        """CPU numbers by kind of core, slowest kind first; empty where it does not tell.

        Raises:
            DeviceLost: it does not answer.
        """
        return ()

    def conditions(self) -> list[Reading]:
        """What may disturb a measurement now; empty where the device tells nothing.

        Raises:
            DeviceLost: it does not answer.
        """
        return []

    def uptime_s(self) -> float | None:
        """Seconds since it was started; None where it does not tell, which is no "long ago".

        Raises:
            DeviceLost: it does not answer.
        """
        return None

    @property
    def clock(self) -> Clock:
        """The time that passes on this device: a simulated one brings its own."""
        return SYSTEM_CLOCK

    @property
    def pushed(self) -> PushTotals | None:
        """What this object has sent to the device so far; None where nothing has to be sent."""
        return None

    @abstractmethod
    def lease(self, wait_s: float = 0.0) -> AbstractContextManager[None]:
        """Claim the device for this object, host-wide; re-entrant. Freed on exit, or by our death.

        Raises:
            DeviceBusy: another holds it, still after `wait_s`.
            DeviceLost, DeviceStorageError: it could not be made ready.
        """

    @abstractmethod
    def push(self, artifact: Artifact) -> PushReport:
        """Have the artifact's `.pte` on the device, addressed by its sha256; idempotent.

        Raises:
            ArtifactChangedError: the local file is not what its manifest says.
            DeviceNotLeasedError, DeviceLost, DeviceStorageError.
        """

    @abstractmethod
    def run(self, request: RunRequest) -> RunReport:
        """Launch the runner once and wait for its end, `request.timeout_s` at most.

        Outputs are in `request.output_dir` on this host when it returns.

        Raises:
            InputRefusedError: the request does not fit the artifact.
            DeviceNotLeasedError, DeviceLost, DeviceStorageError, RunnerBrokenError.
        """

    def left_behind(self) -> tuple[str, ...]:
        """What is still as we made it for measuring, as its conditions are named.

        Within a lease that is as it should be; outside, the device went away before it could be
        restored, or a process was killed. The next lease restores it.
        """
        return ()

    def clean(self) -> int:
        """Remove everything of ours from the device; returns the bytes that were in use.

        Raises:
            DeviceLost, DeviceBusy, DeviceStorageError.
        """
        return 0

    @abstractmethod
    def close(self) -> None:
        """Let go of connections; idempotent. The object is not used afterwards."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
