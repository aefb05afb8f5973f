"""From a request to a searched run directory: the order of a search's life."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from device_runner import Device, open_devices
from device_runner.devices.claiming import claim
from device_runner.devices.discovery import ALL
from device_runner.measuring.tuned import tuned_strip_kb
from foundation.artifact import Artifact
from foundation.environment import environment
from foundation.errors import DeviceFailure
from foundation.files import write_json
from foundation.wording import count_of, without_passwords
from models.deployment import Deployment, fallback_sentence
from models.export_process import ExportProcess
from models.origin import WeightsOrigin
from models.sentinel import export_sentinel
from models.training.supernet import TrainingProgress
from search.candidates.evaluation import Evaluator
from search.candidates.placement import Placement, measure_plan, placement_of
from search.constraints import Constraints
from search.errors import RunError
from search.forecast.plan import SearchPlan, plan_of
from search.front.settling import Settling
from search.inputs import SearchInputs, best_psnr_db, load_inputs
from search.occupancy import Occupancy, only_one_here
from search.request import SearchRequest
from search.scheduling.devices import group_by_profile, record_uses, sentences
from search.scheduling.lane import Lane
from search.scheduling.loop import LoopEvents, SearchLoop
from search.scheduling.station import LEASE_WAIT_S, Patience, Station
from search.study.crops import CropKeeper
from search.study.identity import identity_of
from search.study.run_directory import RunDirectory
from search.study.storage import require_reachable, storage_trouble
from search.study.study import first_trials_of, open_study
from search.study.troubles import append_trouble
from search.weights import weights_of_run


@dataclass
class SearchEvents(LoopEvents):
    """`LoopEvents`, and what happens before the first trial and after the last.

    Attributes:
        opened: the run, and which device was chosen and why.
        planned: what will be done, before any of it.
        training: a step of the supernet's training.
        settling: of a profile's front, how many of at most how many sessions were spent.
    """

    opened: Callable[[RunDirectory, str], None] = lambda run, device_sentence: None
    planned: Callable[[SearchPlan], None] = lambda plan: None
    settling: Callable[[str, int, int], None] = lambda profile_key, spent, most: None
    training: Callable[[TrainingProgress], None] = lambda progress: None


@dataclass(frozen=True)
class SearchOutcome:
    """Where the run lies, why it ended, and what is to be said of its devices."""

    run: RunDirectory
    why: str
    devices: Sequence[str] = ()


@dataclass(frozen=True)
class _Preparation:
    """What all devices of a search share, made before the first trial.

    Attributes:
        hold: that the run is ours.
        best_db: PSNR of the supernet's largest config.
        origin: of the weights.
        stop_at_s: `time.monotonic()` after which nothing more is begun; None for never.
    """

    hold: Occupancy
    request: SearchRequest
    inputs: SearchInputs
    weights_sha256: str
    best_db: float
    origin: WeightsOrigin | None
    stop_at_s: float | None
    events: SearchEvents


def run_search(
    request: SearchRequest, command: Sequence[str], events: SearchEvents
) -> SearchOutcome:
    """Search, or continue the search that the run directory holds.

    Raises:
        RequestError: the request is wrong; nothing was written.
        DeviceFailure: the devices failed for good; the same command continues.
        KeyboardInterrupt: stopped by the user; the same command continues.
    """
    started_s = time.monotonic()
    inputs = load_inputs(request)
    with contextlib.closing(open_devices(request.device, runner=request.runner)) as chosen:
        groups = group_by_profile(chosen.devices)
        facts = {
            "command": [without_passwords(word) for word in command],
            "device": chosen.sentence,
            "inputs": inputs.fingerprint(),
        }
        path = request.run_dir or request.default_run_dir
        with only_one_here(path), contextlib.ExitStack() as held:
            if request.storage is not None:
                require_reachable(request.storage, path)
            hold, known = Occupancy(path, events.note), RunDirectory(path).spec_path.is_file()
            if known:
                held.enter_context(hold)
            run, runs = _enter(path, request, facts, groups)
            if not known:
                held.enter_context(hold)
            events.opened(run, chosen.sentence)
            # An estimate is no reason to stop: trouble of the study is told where it is opened,
            # which also settles what a kill left half-written.
            with contextlib.suppress(RunError):
                events.planned(plan_of(request, inputs, groups, path))
            asked = request.deployment(lowering=request.lowering, strip_kb=request.strip_kb)
            if sentence := fallback_sentence(asked):
                events.note(sentence)
            prepared = _prepare(run, hold, request, inputs, started_s, events)
            lanes = [_lane(part, key, groups[key], prepared) for key, part in runs.items()]
            try:
                whys = _try_candidates(run, lanes, prepared)
                for lane, part in zip(lanes, runs.values(), strict=True):
                    _settle(lane, part, prepared)
            finally:
                stations = [station for lane in lanes for station in lane.stations]
                record_uses(stations, run.devices_path)
    why = (
        whys[0]
        if len(whys) == 1
        else "; ".join(f"{key}: {one}" for key, one in zip(groups, whys, strict=True))
    )
    return SearchOutcome(run, why, sentences(stations))


def _prepare(
    run: RunDirectory,
    hold: Occupancy,
    request: SearchRequest,
    inputs: SearchInputs,
    started_s: float,
    events: SearchEvents,
) -> _Preparation:
    """Weights, and how good they can be at best."""
    weights = weights_of_run(run.weights, request, inputs, events.stage, events.training)
    events.stage("judging the supernet's largest config")
    best_db = best_psnr_db(request, weights, inputs.pairs)
    budget_s = request.time_budget_s
    stop_at_s = None if budget_s is None else started_s + budget_s
    return _Preparation(
        hold, request, inputs, weights.sha256, best_db, weights.origin, stop_at_s, events
    )


def _try_candidates(run: RunDirectory, lanes: list[Lane], prepared: _Preparation) -> list[str]:
    """Every lane's trials; why each lane ended, in words."""
    request = prepared.request
    exporter = ExportProcess(run.weights, run.artifacts, request.export_timeout_s)
    whys = SearchLoop(lanes, exporter, request.time_budget_s, prepared.events).run()
    with storage_trouble(run):
        return [why + _repeats(lane) for lane, why in zip(lanes, whys, strict=True)]


def _repeats(lane: Lane) -> str:
    """Why the trials' numbers run higher than the candidates."""
    repeated = len(first_trials_of(lane.study))
    if not repeated:
        return ""
    return f" ({count_of(repeated, 'trial')} proposed one that was known or under way, at no cost)"


def _enter(
    path: Path, request: SearchRequest, facts: dict[str, Any], groups: dict[str, list[Device]]
) -> tuple[RunDirectory, dict[str, RunDirectory]]:
    """The run, and for each profile the run with its study: the same one, but for `all`."""

    def about(key: str) -> dict[str, Any]:
        profile = groups[key][0].profile()
        return {**facts, "profile_key": key, "profile": profile.model_dump(mode="json")}

    if request.device != ALL:
        (key,) = groups
        run = RunDirectory.create(path, request, about(key))
        runs = {key: run}
    else:
        run = RunDirectory.create(path, request, facts)
        runs = {key: run.create_part(key, request, about(key)) for key in groups}
    for one in {run.path, *(part.path for part in runs.values())}:
        write_json(one / "environment.json", environment())
    return run, runs


@contextlib.contextmanager
def _guarded(run: RunDirectory, hold: Occupancy) -> Iterator[None]:
    """Around every use of a study: it is still ours, and its trouble is put into words."""
    hold.require()
    with storage_trouble(run):
        yield


def _deployment(run: RunDirectory, request: SearchRequest, device: Device) -> Deployment:
    """What the study exports, cut for the caches of its devices."""
    strip_kb = _placement(run, request, device).strip_kb
    return request.deployment(lowering=request.lowering, strip_kb=strip_kb)


def _placement(run: RunDirectory, request: SearchRequest, device: Device) -> Placement:
    wanted_kb = request.strip_kb
    if wanted_kb is None and request.lowering == "direct":
        wanted_kb = tuned_strip_kb(device.profile())
    chosen = request.deployment(lowering=request.lowering, strip_kb=wanted_kb)
    return placement_of(run.path, device, request.threads, chosen.strip_kb)


def _settle(lane: Lane, run: RunDirectory, prepared: _Preparation) -> None:
    """More sessions where the lane's front is open. Trouble ends it: the search itself is done."""
    request, events = prepared.request, prepared.events
    if not request.settle_sessions or not lane.alive:
        return
    station = lane.alive[0]
    settling = Settling(
        study=lane.study,
        sharpener=station.judge,
        run_path=run.path,
        artifacts=run.artifacts,
        first_sessions=request.sessions,
        extra_sessions=request.settle_sessions,
        stop_at_s=prepared.stop_at_s,
        say=station.say,
        spent=partial(events.settling, station.device.profile().key),
    )
    try:
        with claim(station.device, LEASE_WAIT_S, events.note), storage_trouble(run):
            ended = settling.run()
    except DeviceFailure as error:
        events.note(f"{error}. The front stays as undecided as it is.")
        return
    events.note(f"The front: {ended.reason}, {ended.sessions} more sessions.")


def _lane(
    run: RunDirectory, profile_key: str, devices: Sequence[Device], prepared: _Preparation
) -> Lane:
    request = prepared.request
    deployment = _deployment(run, request, devices[0])
    prepared.events.stage("exporting the sentinel")
    sentinel = export_sentinel(deployment, run.artifacts, request.space.scale)
    identity = identity_of(request, run.facts()["inputs"], prepared.weights_sha256, profile_key)
    # As resolved: the device may have been tuned to other strips since.
    identity["strip_kb"] = deployment.strip_kb
    run.name_study(identity)
    return Lane(
        study=open_study(run, request, identity),
        space=request.space,
        deployment=deployment,
        stations=[_station(run, device, sentinel, prepared) for device in devices],
        trials=request.trials,
        seed=request.seed,
        run_path=run.path,
        owner=run.owner,
        finished=prepared.events.finished,
        guard=partial(_guarded, run, prepared.hold),
    )


def _station(
    run: RunDirectory, device: Device, sentinel: Artifact, prepared: _Preparation
) -> Station:
    request, inputs, events = prepared.request, prepared.inputs, prepared.events
    say = partial(events.device, device.serial)
    placement = _placement(run, request, device)
    evaluator = Evaluator(
        device=device,
        plan=measure_plan(request, placement, request.seed % 2**32),
        pairs=inputs.pairs,
        constraints=Constraints.of(request),
        measurements=run.measurements,
        best_psnr_db=prepared.best_db,
        origin=prepared.origin,
        overlap=request.overlap,
        crops=CropKeeper(run.pictures, inputs.pairs),
        sentinel=sentinel,
        say=say,
    )
    return Station(
        device=device,
        judge=evaluator,
        patience=Patience(wait_s=request.wait_for_device),
        say=say,
        note=events.note,
        record=partial(append_trouble, run.troubles),
    )
