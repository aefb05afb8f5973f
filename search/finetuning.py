"""Finetuning: chosen configs of a run are cut out, trained on, exported and measured again."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from device_runner import Device, open_devices
from device_runner.devices.claiming import claim
from models.config import MobileSRConfig
from models.export import export
from models.images import look_through
from models.origin import WeightsOrigin
from models.samples import sample_training_images
from models.training.photographs import Photograph, photographs_in, photographs_of, select
from models.training.plan import TrainingPlan
from models.training.space import OneConfig
from models.training.supernet import SupernetTrainer, TrainingOptions, TrainingProgress
from models.weights import Weights, load_given_weights, load_weights, save_weights
from search.candidates.evaluation import Evaluator
from search.errors import RunError
from search.measuring_again import evaluator_of_run, require_one_study, same_device
from search.occupancy import Occupancy, held
from search.request import SearchRequest
from search.scheduling.station import LEASE_WAIT_S
from search.study.finetuned import FOLDER, FinetunedResult, finetuned_in, finetuned_path
from search.study.images import evaluation_pairs, images_sha256
from search.study.records import CandidateResult
from search.study.run_directory import RunDirectory


@dataclass(frozen=True)
class FinetuneRequest:
    """What is finetuned and how.

    Attributes:
        trials: numbers of candidates that were measured and judged.
        images: training images; None: those of the search.
        teacher: a checkpoint that says its architecture; None: the run's largest config.
    """

    trials: Sequence[int]
    plan: TrainingPlan
    images: Path | None = None
    teacher: Path | None = None
    device: str | None = None


@dataclass(frozen=True)
class FinetuneEvents:
    """What a display hears: what is being done, and each step of training."""

    say: Callable[[str], None] = lambda text: None
    training: Callable[[TrainingProgress], None] = lambda progress: None


def finetune_run(
    run: RunDirectory, request: FinetuneRequest, events: FinetuneEvents
) -> list[FinetunedResult]:
    """Finetune the trials of a run; each result is kept in it as soon as it is known.

    Stopped, the same request goes on where it was.

    Raises:
        RunError: a trial was not measured and judged, the device is another than the run's, or
            another command is at work in the run.
        RequestError: images or weights cannot be used.
        DeviceFailure: the device is in trouble.
    """
    require_one_study(run)
    with held(run.whole, events.say) as hold:
        return _finetune(run, request, events, hold)


def _finetune(
    run: RunDirectory, request: FinetuneRequest, events: FinetuneEvents, hold: Occupancy
) -> list[FinetunedResult]:
    search = SearchRequest.stored(run.spec_path)
    members = [_member(run, number) for number in request.trials]
    supernet = load_weights(run.weights)
    teacher = supernet if request.teacher is None else load_given_weights(request.teacher)
    photographs = _photographs(search, request, events)
    trained = []
    for member in members:
        events.say(f"finetuning trial {member.number}, {member.config.key}")
        began = time.monotonic()
        hold.require()
        weights = _trained(run, member, supernet, teacher, photographs, request.plan, events)
        trained.append((member, weights, time.monotonic() - began))
    wanted = request.device or search.device
    with contextlib.closing(open_devices(wanted, runner=search.runner)) as chosen:
        device = same_device(chosen.devices, members)
        with claim(device, LEASE_WAIT_S, events.say):
            evaluator = _evaluator(run, search, device, members[0], events)
            for member, weights, training_s in trained:
                events.say(f"exporting trial {member.number}, finetuned")
                artifact = export(member.candidate, weights, run.artifacts)
                after = evaluator.evaluate(member.number, member.candidate, artifact)
                result = FinetunedResult(
                    before=member, after=after.seen_from_above(FOLDER), steps=request.plan.steps,
                    photographs=int(weights.training["photographs"]), teacher=teacher.source,
                    training_s=training_s,
                )  # fmt: skip
                hold.require()
                result.save(finetuned_path(run.path, member.number))
    found = {one.after.number: one for one in finetuned_in(run.path, run.results())}
    return [found[member.number] for member in members]


def _member(run: RunDirectory, number: int) -> CandidateResult:
    results = {result.number: result for result in run.results()}
    member = results.get(number)
    if member is None or member.status != "ok":
        known = ", ".join(str(r.number) for r in results.values() if r.status == "ok")
        raise RunError(
            f"trial {number} of {run.path} was not measured and judged; these were: {known or '-'}"
        )
    return member


def trials_of_keys(run: RunDirectory, keys: Sequence[str]) -> list[int]:
    """The trials of configs named by their keys. Raises `RunError` for one that has none."""
    found = []
    for key in keys:
        config = MobileSRConfig.from_key(key)
        numbers = [r.number for r in run.results() if r.config == config and r.status == "ok"]
        if not numbers:
            raise RunError(f"{run.path} has no measured and judged candidate of {key}")
        found.append(numbers[-1])
    return found


def _photographs(
    search: SearchRequest, request: FinetuneRequest, events: FinetuneEvents
) -> Sequence[Photograph]:
    folder = request.images or search.train
    found = photographs_of(sample_training_images()) if folder is None else photographs_in(folder)
    selection = select(found, request.plan.crop * search.space.scale)
    not_read = "" if folder is None else look_through(folder).sentence
    for sentence in filter(None, [not_read, *selection.sentences()]):
        events.say(sentence)
    return selection.used


def _trained(
    run: RunDirectory,
    member: CandidateResult,
    supernet: Weights,
    teacher: Weights,
    photographs: Sequence[Photograph],
    plan: TrainingPlan,
    events: FinetuneEvents,
) -> Weights:
    """The config's own weights: read back where this plan already made them."""
    path = finetuned_path(run.path, member.number, ".pt")
    cut = replace(supernet, state=supernet.for_config(member.config), config=member.config)
    checkpoint = TrainingOptions(path.with_suffix(".training"))
    trainer = SupernetTrainer(
        OneConfig(member.config), photographs, plan, checkpoint, start=cut, teacher=teacher
    )
    if path.is_file():
        earlier = load_weights(path)
        # Of one config none is drawn, whatever the plan says of that.
        asked = plan.model_dump(mode="json", exclude={"students", "random_configs", "config_pool"})
        if earlier.training.get("identity") == trainer.identity and all(
            earlier.training.get(name) == value for name, value in asked.items()
        ):
            return earlier
    weights = trainer.run(events.training)
    weights = replace(
        weights,
        origin=WeightsOrigin.FINETUNED,
        training=weights.training | {"identity": trainer.identity},
    )
    save_weights(weights, path)
    path.with_suffix(".training").unlink(missing_ok=True)
    return weights


def _evaluator(
    run: RunDirectory,
    search: SearchRequest,
    device: Device,
    member: CandidateResult,
    events: FinetuneEvents,
) -> Evaluator:
    """As the search judged, by the same pictures."""
    pairs = evaluation_pairs(search)
    known = run.facts().get("inputs", {}).get("evaluation images")
    if known is not None and known != images_sha256(pairs):
        raise RunError(f"{run.path} was judged on other images: they have changed since")
    return evaluator_of_run(
        run, search, device, member, run.path / FOLDER / "measurements",
        pairs=pairs, origin=WeightsOrigin.FINETUNED, say=events.say,
    )  # fmt: skip
