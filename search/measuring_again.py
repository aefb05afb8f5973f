"""A run that has ended, measured on again: on the device it was measured on, as it was judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from device_runner import Device
from models.images import ImagePair
from models.origin import WeightsOrigin
from models.sentinel import export_sentinel
from search.candidates.evaluation import Evaluator
from search.candidates.placement import measure_plan, placement_of
from search.constraints import Constraints
from search.errors import RunError
from search.request import SearchRequest
from search.study.records import CandidateResult
from search.study.run_directory import RunDirectory


def require_one_study(run: RunDirectory) -> None:
    """Raises `RunError` for a run that holds a study for each of several profiles."""
    if run.parts:
        names = " or ".join(str(part.path) for part in run.parts)
        raise RunError(f"{run.path} holds a study for each device profile: name one, {names}")


def same_device(devices: Sequence[Device], members: Sequence[CandidateResult]) -> Device:
    """A device of the profile that these were measured on: others do not compare.

    Raises:
        RunError: there is none.
    """
    wanted = members[0].profile_key
    for device in devices:
        if device.profile().key == wanted:
            return device
    raise RunError(
        f"the run was measured on {wanted}, and no such device is there: connect it, or name it "
        "with --device"
    )


def evaluator_of_run(
    run: RunDirectory,
    search: SearchRequest,
    device: Device,
    member: CandidateResult,
    measurements: Path,
    *,
    pairs: Sequence[ImagePair] = (),
    origin: WeightsOrigin | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Evaluator:
    """As the search measured: the same plan, threads and sentinel; no candidate is set aside.

    Args:
        run, search: the run, and what was asked of it.
        device: of the run's profile.
        member: a candidate of the run, for its deployment.
        measurements: the folder for raw samples.
        pairs: the pictures, where any is judged.
        origin: of the weights that are judged.
        say: told what is being done.
    """
    placement = placement_of(run.path, device, search.threads)
    evaluator = Evaluator(
        device=device,
        plan=measure_plan(search, placement),
        pairs=pairs,
        constraints=Constraints.of(search),
        measurements=measurements,
        best_psnr_db=float("inf"),
        # What it takes is known; a slow moment now is no reason.
        sets_aside=False,
        overlap=search.overlap,
        origin=origin,
        sentinel=export_sentinel(member.deployment, run.artifacts, search.space.scale),
        say=say,
    )
    # They show the speed that the run's latencies are told for.
    evaluator.remember(run.results())
    return evaluator
