"""`search --dry-run`: what would be done and how long it would take, told; nothing is written."""

from __future__ import annotations

import contextlib
from dataclasses import asdict, dataclass
from typing import Any

from device_runner import Device, open_devices
from foundation.wording import count_of, duration
from models.training.checkpoint import load_training
from search.candidates.placement import FILE_NAME as PLACEMENT_FILE
from search.candidates.placement import Placement
from search.forecast.plan import SearchPlan, plan_of
from search.forecast.work import LaneWork, total_launches
from search.inputs import SearchInputs, load_inputs
from search.request import SearchRequest
from search.scheduling.devices import group_by_profile
from search.study.run_directory import RunDirectory


@dataclass(frozen=True)
class DryRun:
    """A search that was thought through.

    Attributes:
        threads: by profile, of each session.
        weights: whose they are or would be.
    """

    request: SearchRequest
    device: str
    threads: dict[str, int]
    weights: str
    pictures: int
    plan: SearchPlan


def dry_run(request: SearchRequest) -> DryRun:
    """Check the request and its inputs as the search would, and plan it.

    Raises:
        RequestError, DeviceFailure: as the search would.
    """
    inputs = load_inputs(request)
    with contextlib.closing(open_devices(request.device, runner=request.runner)) as chosen:
        groups = group_by_profile(chosen.devices)
        path = request.run_dir or request.default_run_dir
        run = RunDirectory(path, request.storage)
        if run.spec_path.is_file():
            run.require_same(request, {"inputs": inputs.fingerprint()})
        plan = plan_of(request, inputs, groups, path)
        threads = {key: _threads(run, devices[0], request) for key, devices in groups.items()}
        weights = _weights(inputs, run, plan.work.training_steps)
        return DryRun(request, chosen.sentence, threads, weights, len(inputs.pairs), plan)


def _threads(run: RunDirectory, device: Device, request: SearchRequest) -> int:
    if (run.path / PLACEMENT_FILE).is_file():
        return Placement.load(run.path / PLACEMENT_FILE).threads
    return request.threads or device.suggest_threads().threads


def _weights(inputs: SearchInputs, run: RunDirectory, steps: int) -> str:
    if run.weights.is_file():
        return f"nothing: the weights are there ({run.weights})"
    if inputs.weights is not None:
        return f"nothing: the weights are those of {inputs.weights.source}"
    checkpoint = run.weights.with_name("training.pt")
    on = ""
    if checkpoint.is_file():
        on = f", of which {load_training(checkpoint).step} were made before it was stopped"
    pictures = count_of(len(inputs.photographs), "picture")
    return f"a supernet, {count_of(steps, 'step')} on {pictures}{on}"


def dry_run_lines(found: DryRun) -> list[str]:
    """For a person."""
    request, plan = found.request, found.plan
    there = "continued" if (plan.run_path / "run.toml").is_file() else "new"
    lines = [
        "Dry run: nothing is written, trained, exported or measured.",
        f"Run directory: {plan.run_path} ({there})",
        found.device,
        f"Train: {found.weights}",
    ]
    for lane in plan.work.lanes:
        where = f"On {lane.profile_key}: " if len(plan.work.lanes) > 1 else ""
        lines += [where + line for line in _lane_lines(found, lane)]
    seconds = plan.seconds
    parts = [f"{name} {duration(value)}" for name, value in asdict(seconds).items() if value >= 0.5]
    lines.append(f"Sessions: at most {total_launches(plan.work.lanes)}, the sentinel's included")
    lines.append(
        f"Time: about {duration(seconds.total)}, an estimate"
        + (f": {', '.join(parts)}" if parts else "")
    )
    if request.time_budget_s is not None:
        lines.append(f"--time-budget-s {request.time_budget_s:g}: no candidate is begun after that")
    for rates in {str(rates.sources()): rates for rates in plan.rates.values()}.values():
        lines += [f"  {sentence}" for sentence in rates.sources(bool(plan.work.training_steps))]
    return lines


def _lane_lines(found: DryRun, lane: LaneWork) -> list[str]:
    request = found.request
    height, width = request.lr_size
    threads = count_of(found.threads[lane.profile_key], "thread")
    known = f"; {lane.known} are known" if lane.known else ""
    if not lane.candidates:
        return [f"Export and measure: nothing more{known}", f"Settle: {_settle(lane)}"]
    more = f"{lane.candidates} more " if lane.known else f"{lane.candidates} "
    return [
        f"Export: {more}of {request.space.size} configs, at {height}x{width}{known}",
        f"Measure: each in {count_of(lane.sessions, 'session')} beside as many of the sentinel, "
        f"{threads}; then on {count_of(found.pictures, 'picture')}",
        f"Settle: {_settle(lane)}",
    ]


def _settle(lane: LaneWork) -> str:
    if not lane.settle_sessions:
        return "nothing"
    return (
        f"at most {count_of(lane.settle_sessions, 'session')} where the front is open, and "
        f"{lane.settle_sentinels} of the sentinel"
    )


def dry_run_record(found: DryRun) -> dict[str, Any]:
    """For a machine."""
    plan = found.plan
    return {
        "schema": "search-plan/1",
        "run_dir": str(plan.run_path),
        "device": found.device,
        "weights": found.weights,
        "training_steps": plan.work.training_steps,
        "pictures": found.pictures,
        "profiles": [
            {
                "profile_key": lane.profile_key,
                "devices": lane.stations,
                "threads": found.threads[lane.profile_key],
                "known": lane.known,
                "to_export": lane.candidates,
                "to_measure": lane.candidates,
                "sessions_each": lane.sessions,
                "settle_sessions_at_most": lane.settle_sessions,
                "sessions_at_most": lane.launches,
                "rates": {
                    name: {"seconds": rate["seconds"], "source": rate["source"]}
                    for name, rate in asdict(plan.rates[lane.profile_key]).items()
                },
            }
            for lane in plan.work.lanes
        ],
        "estimate_s": {**asdict(plan.seconds), "total": plan.seconds.total},
    }
