"""A chosen candidate measured anew: sessions that took no part in the choice of it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from device_runner import open_devices
from device_runner.devices.claiming import claim
from search.errors import RunError
from search.measuring_again import evaluator_of_run, require_one_study, same_device
from search.occupancy import held
from search.request import SearchRequest
from search.scheduling.station import LEASE_WAIT_S
from search.study.anew import FOLDER, MeasuredAnew, next_anew_path
from search.study.artifacts import artifacts_in
from search.study.records import CandidateResult
from search.study.run_directory import RunDirectory
from search.study.usual_speed import StudySpeeds


def confirm(
    run: RunDirectory,
    chosen: CandidateResult,
    sessions: int,
    device: str | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> CandidateResult:
    """Time a candidate of a run in so many fresh sessions; kept in the run, beside its trial's.

    What was measured anew of the same trial before stays, and is told together with it.

    Args:
        run: that it is of.
        chosen: as the study or finetuning left it.
        sessions: 3 or more say how sure they are.
        device: another name of a device of the run's profile; None: the search's.
        say: told what is being done.

    Raises:
        RunError: it was never timed, its file is gone, no device of the run's profile is there, or
            another command is at work in the run.
        DeviceFailure: the device is in trouble, or the candidate gave no measurement this time.
    """
    require_one_study(run)
    artifact = artifacts_in(run.artifacts).get(chosen.artifact.sha256 if chosen.artifact else "")
    if chosen.timing is None or artifact is None:
        raise RunError(
            f"trial {chosen.number} of {run.path} was not timed, or its file is no longer there: "
            "choose another with --trial N, or search again"
        )
    search = SearchRequest.stored(run.spec_path)
    with (
        held(run.whole, say) as hold,
        contextlib.closing(
            open_devices(device or search.device, runner=search.runner)
        ) as connected,
    ):
        found = same_device(connected.devices, [chosen])
        with claim(found, LEASE_WAIT_S, say):
            evaluator = evaluator_of_run(
                run, search, found, chosen, run.path / FOLDER / "measurements", say=say
            )
            evaluator.plan = evaluator.plan.model_copy(
                # An order that no earlier session ran in.
                update={"sessions": sessions, "seed": time.time_ns() % 2**32}
            )
            anew = evaluator.time_anew(chosen, artifact)
        hold.require()
        record = MeasuredAnew(result=anew.seen_from_above(FOLDER))
        record.save(next_anew_path(run.path, chosen.number))
    return StudySpeeds(run.results()).told(record.result)
