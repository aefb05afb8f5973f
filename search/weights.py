"""The supernet of a search: the package's, the user's, or one trained for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from models.errors import WeightsError
from models.origin import WeightsOrigin
from models.shipped import FILES, shipped_weights
from models.training.photographs import select
from models.training.plan import TrainingPlan
from models.training.start import common_part
from models.training.supernet import SupernetTrainer, TrainingOptions, TrainingProgress
from models.weights import Weights, load_weights, save_weights
from search.inputs import SearchInputs
from search.request import SearchRequest

DEFAULT_TRAIN_STEPS = 500


def weights_of_run(
    path: Path,
    request: SearchRequest,
    inputs: SearchInputs,
    say: Callable[[str], None],
    training: Callable[[TrainingProgress], None],
) -> Weights:
    """The supernet at `path`, read back, or put there: as given, or trained here.

    Raises:
        WeightsError, TrainingError, ImageError: as the training does.
    """
    if path.is_file():
        return load_weights(path)
    weights = inputs.weights
    checkpoint = path.with_name("training.pt")
    if weights is None:
        weights = _trained(request, inputs, checkpoint, say, training)
    save_weights(weights, path)
    checkpoint.unlink(missing_ok=True)
    return weights


def _trained(
    request: SearchRequest,
    inputs: SearchInputs,
    checkpoint: Path,
    say: Callable[[str], None],
    training: Callable[[TrainingProgress], None],
) -> Weights:
    plan = TrainingPlan(
        steps=request.train_steps or DEFAULT_TRAIN_STEPS,
        batch_size=request.batch_size,
        crop=request.crop,
        seed=request.seed,
    )
    selection = select(inputs.photographs, request.crop * request.space.scale)
    for sentence in filter(None, [inputs.left_out, *selection.sentences()]):
        say(sentence)
    start = _start(request)
    words = f"training the supernet: {plan.steps} steps"
    if start is not None and start.config is not None:
        shared = common_part(start.config, request.space.largest())
        words += f", from what the shipped one contains ({shared.key if shared else ''})"
    say(words)
    trainer = SupernetTrainer(
        request.space, selection.used, plan, TrainingOptions(checkpoint), start
    )
    return replace(trainer.run(training), origin=WeightsOrigin.TRAINED_HERE)


def _start(request: SearchRequest) -> Weights | None:
    """The shipped supernet, where it shares anything with the space."""
    largest = request.space.largest()
    if largest.scale not in FILES:
        return None
    try:
        shipped = shipped_weights(largest.scale)
    except WeightsError:
        return None
    if shipped.config is None or common_part(shipped.config, largest) is None:
        return None
    return shipped
