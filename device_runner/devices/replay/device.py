"""A device whose every session was read on another one before."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from device_runner.conditions import Reading
from device_runner.device import Device, PushReport, ThreadChoice
from device_runner.devices.lease import Lease
from device_runner.devices.replay.table import RecordedTable, Recording, load_table
from device_runner.devices.simulated.answers import Answers
from device_runner.devices.simulated.clock import SimulatedClock
from device_runner.errors import DeviceNotLeasedError
from device_runner.flags import Flag, recorded
from device_runner.launching.checks import check_request, name_of
from device_runner.launching.launches import RunReport, RunRequest
from device_runner.records import DeviceProfile, Outcome, SessionRecord
from foundation import Artifact

PREFIX = "replay:"


def open_replay(name: str) -> ReplayDevice:
    """The device that `replay:PATH` means. Raises `RequestError` as `load_table` does."""
    return ReplayDevice(load_table(Path(name.removeprefix(PREFIX))))


class ReplayDevice(Device):
    """Gives each candidate's recorded sessions, one a launch, and starts again at their end.

    Everything measured here is flagged `replayed`, `replay_repeats` once sessions came a second
    time, and `recorded_...` for each flag of the recording. A candidate of which nothing was
    recorded does not run: its outcome says so. Outputs are computed on the host.
    """

    def __init__(self, table: RecordedTable) -> None:
        self._table = table
        self._clock = SimulatedClock()
        self._answers = Answers()
        self._lease = Lease(self.serial)
        self._launches: dict[str, int] = {}
        self._repeats = False
        self._last_flags: tuple[str, ...] = ()

    @property
    def serial(self) -> str:
        return f"{PREFIX}{self._table.source}"[:200]

    @property
    def clock(self) -> SimulatedClock:
        return self._clock

    def profile(self) -> DeviceProfile:
        recorded = self._table.profile
        return recorded.model_copy(
            update={"kind": "simulated", "os_build": f"replay of {recorded.key}"[:200]}
        )

    def suggest_threads(self) -> ThreadChoice:
        return ThreadChoice(self._table.threads, "as the recorded sessions had")

    def conditions(self) -> list[Reading]:
        repeats = (Flag.REPLAY_REPEATS,) if self._repeats else ()
        flags = (Flag.REPLAYED, *repeats, *self._last_flags)
        return [Reading("replay", f"sessions recorded in {self._table.source}", flags)]

    def lease(self, wait_s: float = 0.0) -> AbstractContextManager[None]:
        return self._lease.hold(wait_s)

    def push(self, artifact: Artifact) -> PushReport:
        self._require_lease()
        return PushReport(bytes_pushed=0, already_there=True)

    def run(self, request: RunRequest) -> RunReport:
        self._require_lease()
        check_request(request)
        manifest, name = request.artifact.manifest, name_of(request.artifact)
        recording = self._table.find(manifest.candidate_key, manifest.sha256)
        if recording is None:
            said = (
                f"{name} was not recorded: {self._table.source} holds "
                f"{len(self._table.candidates)} other candidates, so there is nothing to replay "
                f"on device {self.serial}"
            )
            return RunReport(Outcome.BAD_FILE, said, 0.0)
        if request.timing is None:
            return self._answer(request, recording)
        session = self._next(manifest.sha256, recording)
        if request.memory_limit_mb and session.peak_memory_mb > request.memory_limit_mb:
            said = f"{name} ran out of memory within its limit of {request.memory_limit_mb} MB"
            return RunReport(Outcome.OUT_OF_MEMORY, f"{said} on device {self.serial}", 0.0)
        took_s = self._pass(session)
        return RunReport(
            Outcome.OK, f"{name} was replayed on device {self.serial}", took_s, session
        )

    def close(self) -> None:
        """The table is in memory: nothing is open."""

    def _answer(self, request: RunRequest, recording: Recording) -> RunReport:
        answer = self._answers.give(request)
        if answer.outcome is not Outcome.OK:
            message = f"{answer.message}, which computes the answers of device {self.serial}"
            return RunReport(answer.outcome, message, 0.0)
        session = recording.sessions[0].model_copy(
            update={
                "warmup_ms": (),
                "warmup_settled": False,
                "iteration_ns": (),
                "iteration_start_ns": (),
            }
        )
        took_s = self._pass(session)
        return RunReport(Outcome.OK, "it ran", took_s, session, answer.outputs)

    def _next(self, sha256: str, recording: Recording) -> SessionRecord:
        launch = self._launches.get(sha256, 0)
        self._launches[sha256] = launch + 1
        self._repeats = self._repeats or launch >= len(recording.sessions)
        self._last_flags = tuple(
            recorded(flag) for flag in recording.flags if flag != Flag.SIMULATED
        )
        return recording.sessions[launch % len(recording.sessions)]

    def _pass(self, session: SessionRecord) -> float:
        """Let the time of a session pass, s."""
        ms = session.load_ms + session.first_run_ms + sum(session.warmup_ms)
        took_s = ms / 1e3 + sum(session.iteration_ns) / 1e9
        self._clock.sleep(took_s)
        return took_s

    def _require_lease(self) -> None:
        if not self._lease.held:
            raise DeviceNotLeasedError(
                f"device {self.serial} was used without its lease: call inside 'with "
                "device.lease():'"
            )
