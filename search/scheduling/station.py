"""One device at work: a thread that claims it, works off candidates, and bears with its trouble.

A device that is lost in the middle of a candidate costs neither: the candidate goes back to its
lane, where another device of the same profile may take it, and this one is waited for. Everything
that is decided about candidates is decided by the loop (`search.scheduling.loop`); a station only
reports.
"""

from __future__ import annotations

import contextlib
import ctypes
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import optuna

from device_runner import Device, DeviceBusy, DeviceLost, DeviceStorageError, RunnerBrokenError
from device_runner.devices.claiming import claim
from foundation.artifact import Artifact
from foundation.errors import DeviceFailure
from models.deployment import Candidate
from search.study.records import CandidateResult
from search.study.troubles import Trouble

# Another search or bench on the same device ends, as a rule, within the hour.
LEASE_WAIT_S = 3600.0
# A stopped thread notices within its longest blocking call; beyond this it is left to die with us.
STOP_S = 60.0
# Kinds of device that share the computer's own cores: nothing else may run while they measure.
ON_THIS_COMPUTER = ("host", "emulator")

_TROUBLES = (DeviceLost, DeviceStorageError, RunnerBrokenError)
_COUNTDOWN_S = 1.0


@dataclass(frozen=True)
class Patience:
    """How much trouble is borne.

    Attributes:
        wait_s: how long a device that went away is waited for.
        first_pause_s, longest_pause_s: between two looks; each pause is twice the one before.
    """

    wait_s: float = 600.0
    first_pause_s: float = 1.0
    longest_pause_s: float = 10.0

    def pauses(self) -> Iterator[float]:
        """Seconds between looks, without end."""
        pause = self.first_pause_s
        while True:
            yield pause
            pause = min(2 * pause, self.longest_pause_s)


@dataclass(eq=False)
class Job:
    """A candidate that was asked for and is not settled yet."""

    trial: optuna.Trial
    candidate: Candidate
    artifact: Artifact | None = None


class Judge(Protocol):
    """What a station needs of `search.candidates.evaluation.Evaluator`."""

    def evaluate(
        self, number: int, candidate: Candidate, artifact: Artifact
    ) -> CandidateResult: ...

    def failure(self, number: int, candidate: Candidate, reason: str) -> CandidateResult: ...

    def remember(self, results: list[CandidateResult]) -> None: ...

    def why_stop(self, result: CandidateResult) -> str: ...

    def sharpen(
        self, results: Sequence[CandidateResult], artifacts: Sequence[Artifact], rounds: int
    ) -> list[CandidateResult]: ...


class DeviceGone(DeviceFailure):
    """A device was waited for in vain; the search can go on when it is there again."""


@dataclass(frozen=True)
class Ready:
    """The station's device is ours and answers."""

    station: Station


@dataclass(frozen=True)
class Finished:
    """A candidate has its result; the station is ready again."""

    station: Station
    job: Job
    result: CandidateResult


@dataclass(frozen=True)
class Lost:
    """The device failed under a candidate; the station is busy with getting it back."""

    station: Station
    job: Job
    error: DeviceFailure


@dataclass(frozen=True)
class Gone:
    """The station has ended: its device did not come back."""

    station: Station
    error: DeviceGone


@dataclass(frozen=True)
class Broke:
    """What no station and no exporter is made to bear."""

    error: BaseException


Event = Ready | Finished | Lost | Gone | Broke


@dataclass(eq=False)
class Station:
    """A device, the judge of what it measures, and the thread that both belong to.

    `start` it once with the place where its events go; `give` it a job when it is `Ready`; `stop`
    it in any state. `say` hears what it is doing, for a progress line; `note` what is worth a
    line of its own; `record` gets each trouble when it has ended.
    """

    device: Device
    judge: Judge
    patience: Patience = Patience()
    say: Callable[[str], None] = lambda text: None
    note: Callable[[str], None] = lambda text: None
    record: Callable[[Trouble], None] = lambda trouble: None
    # The loop's own notes on this station; the thread does not touch them.
    idle: bool = False
    gone: bool = False
    # Counted by the thread, read when it has ended.
    troubles: int = 0

    _post: Callable[[Event], None] = lambda event: None
    _jobs: queue.SimpleQueue[Job | None] = field(default_factory=queue.SimpleQueue)
    _lease: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _thread: threading.Thread | None = None
    _waiting: threading.Event = field(default_factory=threading.Event)
    _made_room: bool = False
    _stopped: bool = False

    @property
    def serial(self) -> str:
        """What the device is called."""
        return self.device.serial

    @property
    def on_this_computer(self) -> bool:
        """Whether work on this computer would disturb its measurements."""
        return self.device.profile().kind in ON_THIS_COMPUTER

    def start(self, post: Callable[[Event], None]) -> None:
        """Begin: claim the device, then wait for jobs."""
        self._post = post
        # A daemon: a second Ctrl-C must not have to wait for a device.
        self._thread = threading.Thread(target=self._run, name=f"device {self.serial}", daemon=True)
        self._thread.start()

    def give(self, job: Job) -> None:
        """Hand over a candidate; only when `Ready`."""
        self._jobs.put(job)

    def stop(self) -> None:
        """Ask for the end, in the middle of a run if need be; the device is tidied up and freed."""
        if self._stopped:
            # Twice would disturb the tidying up.
            return
        self._stopped = True
        self._jobs.put(None)
        thread = self._thread
        if thread is None or thread.ident is None or not thread.is_alive():
            return
        if not self._waiting.is_set():
            # As Ctrl-C would in the main thread: what runs on the device is ended on the way out.
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(thread.ident), ctypes.py_object(KeyboardInterrupt)
            )

    def join(self) -> None:
        """Wait for the end, after `stop`."""
        if self._thread is not None:
            self._thread.join(STOP_S)

    def _run(self) -> None:
        try:
            with contextlib.closing(self._lease):
                self._first_claim()
                while (job := self._next()) is not None:
                    self._work_on(job)
        except DeviceGone as error:
            self._post(Gone(self, error))
        except BaseException as error:
            self._post(Broke(error))

    def _next(self) -> Job | None:
        self._waiting.set()
        job = self._jobs.get()
        self._waiting.clear()
        return job

    def _first_claim(self) -> None:
        try:
            self._claim()
        except _TROUBLES as error:
            self._get_back(error, None)
        self._post(Ready(self))

    def _work_on(self, job: Job) -> None:
        assert job.artifact is not None
        try:
            result = self.judge.evaluate(job.trial.number, job.candidate, job.artifact)
        except _TROUBLES as error:
            # Told at once: another device of this profile may be free to take it.
            self._post(Lost(self, job, error))
            self._get_back(error, job)
            self._post(Ready(self))
        else:
            self._made_room = False
            self._post(Finished(self, job, result))

    def _claim(self) -> None:
        """Hold the lease; what a lost device needs is done when it is claimed anew."""
        self._lease.close()
        try:
            self._lease.enter_context(claim(self.device, LEASE_WAIT_S, self.note))
        except DeviceBusy as error:
            raise _gone(error) from error

    def _get_back(self, error: DeviceFailure, job: Job | None) -> None:
        """Have a device that is ready again.

        Raises:
            DeviceGone: not within the bounds of `patience`.
        """
        clock = self.device.clock
        at, started_s = clock.now(), clock.monotonic_s()
        ended = "stopped"
        self.troubles += 1
        waits = isinstance(error, DeviceLost)
        bound = f"; it is waited for, {_minutes(self.patience.wait_s)} at most"
        self.note(f"{error}{bound if waits else ''}")
        try:
            self._wait_for(error, started_s)
            ended = "back"
        except DeviceGone:
            ended = "gone"
            raise
        finally:
            after_s = clock.monotonic_s() - started_s
            self.record(
                Trouble(
                    at=at,
                    serial=self.serial[:200],
                    error=type(error).__name__,
                    message=str(error)[:1000],
                    candidate_key=job.candidate.key if job else "",
                    trial=job.trial.number if job else None,
                    ended=ended,
                    after_s=after_s,
                )
            )
        self.note(f"Device {self.serial} is ready again after {after_s:.0f} s.")

    def _wait_for(self, error: DeviceFailure, started_s: float) -> None:
        clock, latest = self.device.clock, error
        for pause_s in self.patience.pauses():
            left_s = started_s + self.patience.wait_s - clock.monotonic_s()
            self.say(f"{self.serial} is away, {_minutes(left_s)} left for it to come back")
            try:
                self._claim()
                if isinstance(error, DeviceStorageError):
                    self._make_room(error)
                return
            except _TROUBLES as again:
                latest = again
            left_s = started_s + self.patience.wait_s - clock.monotonic_s()
            if left_s <= 0 or isinstance(latest, DeviceStorageError):
                raise _gone(latest, self.patience.wait_s) from latest
            self._pause(min(pause_s, left_s), started_s + self.patience.wait_s)

    def _make_room(self, error: DeviceStorageError) -> None:
        """Free what we hold there, once between two candidates that went well."""
        if self._made_room:
            raise error
        self._made_room = True
        freed = self.device.clean()
        self.note(
            f"Removed our own {freed / 1e6:.1f} MB from {self.serial}: what is needed is pushed "
            "anew."
        )
        # The next claim lays our folder out again.
        self._claim()

    def _pause(self, seconds: float, deadline_s: float) -> None:
        clock = self.device.clock
        until_s = clock.monotonic_s() + seconds
        while (rest_s := until_s - clock.monotonic_s()) > 0:
            left_s = deadline_s - clock.monotonic_s()
            self.say(f"{self.serial} is away, {_minutes(left_s)} left for it to come back")
            clock.sleep(min(_COUNTDOWN_S, rest_s))


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(max(0, round(seconds)), 60)
    return f"{minutes}:{rest:02d}"


def _gone(error: DeviceFailure, waited_s: float | None = None) -> DeviceGone:
    waited = ""
    if isinstance(error, DeviceLost) and waited_s is not None:
        waited = f" (waited for it {waited_s:g} s)"
    return DeviceGone(
        f"{error}{waited}. Then give the same command again: it goes on where this one ended"
    )
