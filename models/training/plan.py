"""What a training does, fixed before its first step: `TrainingPlan` and its learning rate."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from foundation.records import first_problem
from models.errors import TrainingError

# Share of the steps in which the learning rate falls, and what is left of it at the end.
DECAY_SHARE = 0.4
FINAL_SHARE = 0.01
MOST_WARM_UP_STEPS = 200


class TrainingPlan(BaseModel):
    """Schedule of a training.

    The learning rate rises, stays and falls (Hägele et al., "Scaling laws and compute-optimal
    training beyond fixed training durations", NeurIPS 2024, arXiv:2405.18392). While it stays,
    nothing depends on where the training will end, so `steps` may change when it is continued.

    Attributes:
        steps: optimizer steps.
        batch_size: crops a step.
        crop: side of a crop, in LR pixels.
        learning_rate: of Adam, while it stays.
        students: what a step trains besides the largest: `dealt`, random configs, each width as
            often as the space names it; `sandwich`, the smallest and random ones.
        random_configs: random configs a step.
        config_pool: those random configs are of so many, drawn once: each of few can be kept as a
            CUDA graph. 0: of the whole space.
        distill: share of the largest's output in the target of the others.
        texture_draws: each crop is the most textured of so many drawn; 1 draws blindly.
        ema: most that the moving average of the weights keeps of itself a step.
        seed: of crops, configs and initial weights.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: Annotated[int, Field(ge=1, le=100_000_000)] = 500
    batch_size: Annotated[int, Field(ge=1, le=4096)] = 8
    crop: Annotated[int, Field(ge=4, le=512)] = 24
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 2e-3
    students: Literal["dealt", "sandwich"] = "dealt"
    random_configs: Annotated[int, Field(ge=0, le=64)] = 2
    config_pool: Annotated[int, Field(ge=0, le=10_000)] = 0
    distill: Annotated[float, Field(ge=0, le=1)] = 0.5
    texture_draws: Annotated[int, Field(ge=1, le=64)] = 4
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.999
    seed: int = 0

    @classmethod
    def build(cls, **fields: Any) -> Self:
        """Validate `fields`. Raises `TrainingError` with one sentence."""
        try:
            return cls(**fields)
        except ValidationError as error:
            raise TrainingError(first_problem(error)) from error

    @property
    def warm_up_steps(self) -> int:
        return max(1, min(MOST_WARM_UP_STEPS, self.steps // 10))

    @property
    def decay_from(self) -> int:
        """The step at which the learning rate begins to fall."""
        return self.steps - round(DECAY_SHARE * self.steps)

    def learning_rate_at(self, step: int) -> float:
        """Learning rate of step `step`, counted from 0."""
        if step < self.warm_up_steps:
            return self.learning_rate * (step + 1) / self.warm_up_steps
        if step < self.decay_from:
            return self.learning_rate
        done = (step - self.decay_from + 1) / (self.steps - self.decay_from)
        fall = (1.0 + math.cos(math.pi * min(done, 1.0))) / 2.0
        return self.learning_rate * (FINAL_SHARE + (1.0 - FINAL_SHARE) * fall)

    def continues(self, other: TrainingPlan, step: int) -> bool:
        """Whether `step` steps of `other` are also the first `step` steps of this plan."""
        if self == other:
            return True
        same_but_length = self == other.model_copy(update={"steps": self.steps})
        ends = min(self.decay_from, other.decay_from)
        return same_but_length and self.warm_up_steps == other.warm_up_steps and step <= ends
