"""What a search is going to do, read from its request, its inputs and what its run holds already.

Nothing is written, and nothing is asked of a device but what it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from device_runner import Device
from device_runner.devices.discovery import ALL
from search.errors import RunError
from search.forecast.rates import Rates, rates_for, rates_from
from search.forecast.work import (
    LaneWork,
    Seconds,
    Work,
    candidate_sessions,
    seconds_of,
)
from search.inputs import SearchInputs
from search.request import SearchRequest
from search.scheduling.station import ON_THIS_COMPUTER
from search.study.records import CandidateResult
from search.study.run_directory import PROFILES, RunDirectory
from search.study.study import load_study, results_of
from search.weights import DEFAULT_TRAIN_STEPS

RUN = "as in this run"


@dataclass(frozen=True)
class SearchPlan:
    """What is left to do, what is known already, and at which rates it goes.

    Attributes:
        run_path: the run directory, which need not be there yet.
        rates, known: by device profile.
    """

    run_path: Path
    work: Work
    rates: Mapping[str, Rates]
    known: Mapping[str, Sequence[CandidateResult]]

    @property
    def seconds(self) -> Seconds:
        """How long it will take."""
        return seconds_of(self.work, self.rates)


def plan_of(
    request: SearchRequest,
    inputs: SearchInputs,
    groups: Mapping[str, Sequence[Device]],
    path: Path,
) -> SearchPlan:
    """The plan of a search in the run directory `path`, whether it is there or not.

    Raises:
        RunError: the run's study cannot be read.
        DeviceFailure: a device does not answer.
    """
    run = RunDirectory(path, request.storage)
    parts = {
        key: RunDirectory(path / PROFILES / key, request.storage) if request.device == ALL else run
        for key in groups
    }
    known = {key: _known(part) for key, part in parts.items()}
    lanes = tuple(
        _lane_work(request, parts[key], devices, known[key]) for key, devices in groups.items()
    )
    trained = inputs.weights is not None or run.weights.is_file()
    steps = 0 if trained else request.train_steps or DEFAULT_TRAIN_STEPS
    rates = {}
    for lane in lanes:
        device = groups[lane.profile_key][0]
        by_rule = rates_for(request, lane.profile_key, device.profile().kind)
        sessions = candidate_sessions(request.sessions)
        rates[lane.profile_key] = rates_from(known[lane.profile_key], by_rule, sessions, RUN)
    preparing = any(lane.candidates for lane in lanes)
    return SearchPlan(path, Work(steps, preparing, lanes), rates, known)


def _known(part: RunDirectory) -> list[CandidateResult]:
    if not (part.spec_path.is_file() and part.begun):
        return []
    try:
        return results_of(load_study(part), part.path)
    except RunError:
        if part.shared_storage is None:
            raise
        return []  # a database that others use too, in which this study has not begun


def _lane_work(
    request: SearchRequest,
    part: RunDirectory,
    devices: Sequence[Device],
    known: Sequence[CandidateResult],
) -> LaneWork:
    profile = devices[0].profile()
    wanted = min(request.trials, request.space.size)
    settled = sum(max(0, r.sessions - request.sessions) for r in known if r.status == "ok")
    return LaneWork(
        profile_key=profile.key,
        known=len(known),
        candidates=max(0, wanted - len(known)),
        sessions=request.sessions,
        settle_sessions=max(0, request.settle_sessions - settled),
        stations=len(devices),
        on_this_computer=profile.kind in ON_THIS_COMPUTER,
    )
