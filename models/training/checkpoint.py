"""Training checkpoints: written atomically, read without executing them, bit-equal resumed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from foundation.files import atomic_path
from models.errors import TrainingError
from models.training.plan import TrainingPlan
from models.weights import State

FORMAT = "mobilesr-tune/training/2"
# What a plan that does not say it was: all were, before it was a choice.
BEFORE_STUDENTS = {"students": "sandwich"}


@dataclass(frozen=True)
class TrainingState:
    """Everything that a step depends on besides its photographs.

    Attributes:
        identity: the largest config, what it started from, who teaches it, which choices are
            drawn.
        step: steps done.
        loss: smoothed L1 of the largest config.
        rejected: steps whose gradient was not finite, and how many of them were the last ones.
    """

    plan: TrainingPlan
    identity: str
    precision: str
    step: int
    loss: float
    rejected: tuple[int, int]
    model: State
    average: State
    optimizer: dict[str, Any]


def save_training(state: TrainingState, path: Path) -> None:
    """Write atomically. Raises `RequestError` when the folder is not writable."""
    content = {
        "format": FORMAT,
        "plan": state.plan.model_dump(mode="json"),
        "config": state.identity,
        "precision": state.precision,
        "step": state.step,
        "loss": state.loss,
        "rejected": list(state.rejected),
        "model": state.model,
        "average": state.average,
        "optimizer": state.optimizer,
    }
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        torch.save(content, stream)


def load_training(path: Path) -> TrainingState:
    """Raises `TrainingError` at a file that is damaged or not of this format."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        if content["format"] == FORMAT:
            return TrainingState(
                plan=TrainingPlan.build(**BEFORE_STUDENTS | content["plan"]),
                identity=str(content["config"]),
                precision=str(content["precision"]),
                step=int(content["step"]),
                loss=float(content["loss"]),
                rejected=(int(content["rejected"][0]), int(content["rejected"][1])),
                model=dict(content["model"]),
                average=dict(content["average"]),
                optimizer=dict(content["optimizer"]),
            )
    except Exception as error:  # at damaged bytes the unpickler raises all kinds
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise TrainingError(
            f"the training checkpoint {path} is damaged ({reason[:160]}): delete it to train from "
            "the start"
        ) from error
    raise TrainingError(
        f"the training checkpoint {path} has the format {str(content['format'])[:60]!r}, which "
        "this version does not continue: delete it to train from the start"
    )
