"""The search: ask, export, measure, tell; one thread decides, each device has one of its own.

Exports run one after the other in a process of their own, one candidate ahead of each phone: a
phone measures meanwhile. A device that shares this computer's cores is never measured while one
runs: its lane asks for a candidate, and the next only when that one has its result.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol

from foundation.errors import DeviceFailure
from models.deployment import Candidate
from models.export_process import Export
from search.scheduling.blame import MOST_LOSSES, Ruling
from search.scheduling.lane import Lane
from search.scheduling.station import (
    STOP_S,
    Broke,
    DeviceGone,
    Event,
    Finished,
    Gone,
    Job,
    Lost,
    Ready,
    Station,
)
from search.study.records import CandidateResult

_NO_DEVICE = "no device is left"
_LOOK_S = 1.0


@dataclass
class LoopEvents:
    """What the search tells whoever watches. Called from several threads.

    Attributes:
        stage: what is being done now, for a line that is overwritten; empty when it has ended.
        device: the same for one device, by its serial.
        note: something worth a line of its own.
        finished: a candidate's result, and how many of how many are known in its study.
    """

    stage: Callable[[str], None] = lambda text: None
    device: Callable[[str, str], None] = lambda serial, text: None
    note: Callable[[str], None] = lambda text: None
    finished: Callable[[CandidateResult, int, int], None] = lambda result, done, total: None


class Exporter(Protocol):
    """What the loop needs of `models.export_process.ExportProcess`."""

    def __enter__(self) -> object: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def export(self, candidate: Candidate) -> Export: ...

    def stop(self) -> None: ...


@dataclass(frozen=True)
class Exported:
    """A job's candidate has an artifact, or a reason why there is none."""

    job: Job
    export: Export


@dataclass
class SearchLoop:
    """Works off lanes until each has what it asked for, or no device any more.

    `time_s` bounds when a candidate may be started. The exporter is entered and left.
    """

    lanes: list[Lane]
    exporter: Exporter
    time_s: float | None = None
    events: LoopEvents = field(default_factory=LoopEvents)

    _inbox: queue.SimpleQueue[Event | Exported] = field(default_factory=queue.SimpleQueue)
    _to_export: queue.SimpleQueue[Job | None] = field(default_factory=queue.SimpleQueue)
    _unexported: deque[Job] = field(default_factory=deque)
    _exporting: bool = False
    _lost_for_good: list[DeviceGone] = field(default_factory=list)

    def run(self) -> list[str]:
        """Search; returns why each lane ended, in words.

        Raises:
            DeviceGone: a lane lost its last device; the other lanes were finished first.
            KeyboardInterrupt, RequestError, DeviceFailure: trouble that is no candidate's. Open
                trials are closed before, to be tried again next time.
        """
        self._started = time.monotonic()
        self._exports = threading.Thread(target=self._export, name="exports", daemon=True)
        try:
            for lane in self.lanes:
                lane.begin()
            self._exports.start()
            for station in self._stations:
                station.start(self._inbox.put)
            while True:
                self._advance()
                if all(lane.why for lane in self.lanes):
                    break
                with contextlib.suppress(queue.Empty):
                    # Not for ever: the time may be up while nothing happens.
                    self._handle(self._inbox.get(timeout=_LOOK_S))
        finally:
            self._stop()
            for lane in self.lanes:
                lane.close()
        if any(lane.why == _NO_DEVICE for lane in self.lanes):
            raise self._lost_for_good[-1]
        return [lane.why for lane in self.lanes]

    @property
    def _stations(self) -> list[Station]:
        return [station for lane in self.lanes for station in lane.stations]

    @property
    def _time_is_up(self) -> bool:
        return self.time_s is not None and time.monotonic() - self._started > self.time_s

    def _stop(self) -> None:
        for station in self._stations:
            station.stop()
        if self._exporting:
            self.exporter.stop()
        self._to_export.put(None)
        for station in self._stations:
            station.join()
        if self._exports.ident is not None:
            self._exports.join(STOP_S)

    def _advance(self) -> None:
        """Start whatever can be started now."""
        going_on = [lane for lane in self.lanes if not lane.why]
        if not self._time_is_up:
            for lane in going_on:
                self._unexported += lane.ask(self._wanted(lane))
            self._start_export()
            for lane in going_on:
                self._hand_out(lane)
        for lane in going_on:
            lane.why = self._why_ended(lane)
            if lane.why:
                # Others may use these devices while the other lanes go on.
                for station in lane.stations:
                    station.stop()

    def _wanted(self, lane: Lane) -> int:
        """How many candidates to ask for now: enough that no device waits for an export."""
        if not lane.alive:
            return 0
        if lane.working and any(station.on_this_computer for station in lane.alive):
            return 0
        return len(lane.alive) - lane.waiting

    def _start_export(self) -> None:
        busy = any(
            lane.working and any(station.on_this_computer for station in lane.alive)
            for lane in self.lanes
        )
        if self._exporting or busy or not self._unexported:
            return
        job = self._unexported.popleft()
        self._exporting = True
        self.events.stage(f"exporting {job.candidate.config.key}")
        self._to_export.put(job)

    def _export(self) -> None:
        """One thread for the whole search: the process dies with the thread it stems from."""
        try:
            with self.exporter:
                while (job := self._to_export.get()) is not None:
                    self._inbox.put(Exported(job, self.exporter.export(job.candidate)))
        except BaseException as error:
            self._inbox.put(Broke(error))

    def _hand_out(self, lane: Lane) -> None:
        for station in lane.alive:
            if not lane.ready or not station.idle:
                continue
            if station.on_this_computer and self._exporting:
                continue
            station.idle = False
            lane.working += 1
            station.give(lane.ready.popleft())

    def _why_ended(self, lane: Lane) -> str:
        if lane.working:
            return ""
        if not lane.alive:
            return _NO_DEVICE
        if not lane.waiting and lane.exhausted:
            for suspect in lane.blame.nothing_left():
                lane.give_up(suspect)
        if len(lane.known) >= lane.trials:
            return f"{len(lane.known)} candidates are known, as many as were asked for"
        if len(lane.known) >= lane.space.size:
            what = "configs" if len(lane.space.precisions) == 1 else "candidates"
            return f"all {lane.space.size} {what} of the space are known"
        if self._time_is_up:
            return f"the time budget of {self.time_s:.0f} s is spent"
        return ""

    def _lane_of(self, job_or_station: Job | Station) -> Lane:
        if isinstance(job_or_station, Station):
            return next(lane for lane in self.lanes if job_or_station in lane.stations)
        job = job_or_station
        return next(lane for lane in self.lanes if lane.open.get(job.candidate.key) is job)

    def _handle(self, event: Event | Exported) -> None:
        match event:
            case Ready(station):
                station.idle = not station.gone
            case Exported(job, export):
                self._exported(job, export)
            case Finished(station, job, result):
                self._finished(station, job, result)
            case Lost(station, job, error):
                self._lost(station, job, error)
            case Gone(station, gone):
                self._retire(station, gone)
            case Broke(broken):
                raise broken

    def _exported(self, job: Job, export: Export) -> None:
        self._exporting = False
        self.events.stage("")
        lane = self._lane_of(job)
        if isinstance(export, str):
            lane.fail(job, export)
        else:
            job.artifact = export
            lane.ready.append(job)

    def _finished(self, station: Station, job: Job, result: CandidateResult) -> None:
        lane = self._lane_of(station)
        lane.working -= 1
        station.idle = True
        if (guilty := lane.blame.worked(station.serial)) is not None:
            lane.give_up(guilty)
        lane.settle(job, result, by=station)

    def _lost(self, station: Station, job: Job, error: DeviceFailure) -> None:
        lane = self._lane_of(station)
        lane.working -= 1
        match lane.blame.failed(station.serial, job.candidate.key, str(error)):
            case Ruling.TRY_AGAIN:
                lane.ready.appendleft(job)
            case Ruling.SUSPECTED:
                pass
            case Ruling.DEVICE:
                lane.ready.appendleft(job)
                self._retire(
                    station,
                    DeviceGone(
                        f"{error}. Device {station.serial} failed {MOST_LOSSES} times under each "
                        "of two candidates and is left alone: see to it, then give the same "
                        "command again"
                    ),
                )
                station.stop()

    def _retire(self, station: Station, error: DeviceGone) -> None:
        if station.gone:
            return
        lane = self._lane_of(station)
        station.gone, station.idle = True, False
        if (freed := lane.blame.gave_up(station.serial)) is not None:
            lane.ready.append(lane.open[freed])
        self._lost_for_good.append(error)
        if lane.alive:
            others = ", ".join(other.serial for other in lane.alive)
            self.events.note(f"{error}. The search goes on with {others}.")
