"""A supernet: one set of weights, trained so that every config of a space is worth measuring.

Sandwich rule (Yu & Huang, ICCV 2019, arXiv:1903.05134): each step trains the largest config on
the ground truth, the smallest and some random ones on a mix of the ground truth and the
largest's output (in-place distillation), and sums the gradients.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import functional_call

from foundation.files import atomic_path
from models.bicubic import downscale
from models.config import MobileSRConfig
from models.errors import ImageError, WeightsError
from models.network import MobileSR
from models.slicing import slice_state
from models.weights import Weights

CHECKPOINT_FORMAT = "mobilesr-tune/training/1"


class ConfigSpace(Protocol):
    """What training needs of a search space."""

    def largest(self) -> MobileSRConfig:
        """A config that contains all others."""

    def smallest(self) -> MobileSRConfig:
        """The config with the fewest channels, blocks and hidden channels."""

    def sample(self, rng: random.Random) -> MobileSRConfig:
        """A uniformly drawn config."""


@dataclass(frozen=True)
class TrainingPlan:
    """Schedule of a supernet training.

    Attributes:
        steps: optimizer steps.
        batch_size: crops a step.
        crop: side of a crop, in LR pixels.
        learning_rate: peak of a OneCycle schedule (Smith & Topin, arXiv:1708.07120).
        random_configs: configs a step besides the largest and the smallest.
        distill: share of the largest's output in the target of the others.
        checkpoint_every_s: a kill loses at most this much training.
    """

    steps: int = 400
    batch_size: int = 8
    crop: int = 24
    learning_rate: float = 2e-3
    random_configs: int = 1
    distill: float = 0.5
    seed: int = 0
    checkpoint_every_s: float = 20.0


@dataclass(frozen=True)
class TrainingProgress:
    """Told after every step; `loss` is the L1 of the largest config, smoothed."""

    step: int
    steps: int
    loss: float


class CropSampler:
    """Random aligned LR/HR crops with flips and transposes, from images held in memory."""

    def __init__(self, images: Sequence[np.ndarray], scale: int, crop: int) -> None:
        self.scale, self.crop = scale, crop
        self.pairs: list[tuple[np.ndarray, np.ndarray]] = []
        least = crop * scale
        for image in images:
            height, width = (side // scale * scale for side in image.shape[:2])
            if height >= least and width >= least:
                hr = image[:height, :width]
                self.pairs.append((downscale(hr, scale), hr))
        if not self.pairs:
            raise ImageError(
                f"none of the {len(images)} training images is as large as one training crop: "
                f"{least}x{least} px HR (crop {crop} at x{scale}); give larger images or a "
                "smaller --crop"
            )
        # Large images are drawn more often: crops, not images, are the samples.
        self.weights = [lr.shape[0] * lr.shape[1] for lr, _ in self.pairs]

    def draw(self, count: int, rng: random.Random) -> tuple[Tensor, Tensor]:
        """(count, 3, crop, crop) and (count, 3, scale*crop, scale*crop), float32 in [0, 1]."""
        lows: list[np.ndarray] = []
        highs: list[np.ndarray] = []
        for lr, hr in rng.choices(self.pairs, weights=self.weights, k=count):
            top = rng.randrange(lr.shape[0] - self.crop + 1)
            left = rng.randrange(lr.shape[1] - self.crop + 1)
            low = lr[top : top + self.crop, left : left + self.crop]
            window = [slice(start * self.scale, (start + self.crop) * self.scale)
                      for start in (top, left)]  # fmt: skip
            high = hr[window[0], window[1]]
            turns, mirror = rng.randrange(4), rng.random() < 0.5
            for crops, image in ((lows, low), (highs, high)):
                turned = np.rot90(image, turns)
                crops.append(np.ascontiguousarray(turned[:, ::-1] if mirror else turned))
        return _batch(lows), _batch(highs)


def _batch(images: Sequence[np.ndarray]) -> Tensor:
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float().div(255)


class SupernetTrainer:
    """Trains a supernet over a space; resumable from its checkpoint file."""

    def __init__(
        self,
        space: ConfigSpace,
        images: Sequence[np.ndarray],
        plan: TrainingPlan,
        checkpoint: Path | None = None,
    ) -> None:
        """Raises `ImageError` when no image is large enough for a crop."""
        self.space, self.plan, self.checkpoint = space, plan, checkpoint
        self.full = space.largest()
        self.crops = CropSampler(images, self.full.scale, plan.crop)
        self.rng = random.Random(plan.seed)
        torch.manual_seed(plan.seed)
        self.model = MobileSR(self.full)
        # From zero the first output is the bilinear image, which is already close.
        torch.nn.init.zeros_(self.model.tail.weight)
        torch.nn.init.zeros_(cast(Tensor, self.model.tail.bias))
        self.parameters = dict(self.model.named_parameters())
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=plan.learning_rate)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, plan.learning_rate, total_steps=plan.steps,
            pct_start=max(0.1, 2 / plan.steps),  # a rise of no step divides by zero
        )  # fmt: skip
        self.step, self.loss = 0, 0.0
        self.shells: dict[str, MobileSR] = {}

    def run(self, on_step: Callable[[TrainingProgress], None] = lambda _: None) -> Weights:
        """Train to the end of the plan, from the checkpoint where there is one."""
        self._restore()
        saved = time.monotonic()
        while self.step < self.plan.steps:
            loss = self._train_step()
            self.loss = loss if self.step == 0 else 0.95 * self.loss + 0.05 * loss
            self.step += 1
            if time.monotonic() - saved > self.plan.checkpoint_every_s:
                self._save()
                saved = time.monotonic()
            on_step(TrainingProgress(self.step, self.plan.steps, self.loss))
        state = {name: t.detach().clone() for name, t in self.model.state_dict().items()}
        return Weights(state, self.full, "supernet", {**asdict(self.plan), "l1": self.loss})

    def _train_step(self) -> float:
        low, high = self.crops.draw(self.plan.batch_size, self.rng)
        self.optimizer.zero_grad(set_to_none=True)
        teacher = self.model(low)
        loss = F.l1_loss(teacher, high)
        torch.autograd.backward(loss)
        target = torch.lerp(high, teacher.detach(), self.plan.distill)
        students = [self.space.smallest()]
        students += [self.space.sample(self.rng) for _ in range(self.plan.random_configs)]
        for config in students:
            torch.autograd.backward(F.l1_loss(self._forward(config, low), target))
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.schedule.step()
        return float(loss.detach())

    def _forward(self, config: MobileSRConfig, low: Tensor) -> Tensor:
        """Run `config` on slices of the supernet's own parameters."""
        if config.key not in self.shells:
            with torch.device("meta"):
                self.shells[config.key] = MobileSR(config)
        cut = slice_state(self.parameters, self.full, config)  # type: ignore[arg-type]  # Parameter is a Tensor; dicts are invariant
        return functional_call(self.shells[config.key], cut, (low,))

    def _identity(self) -> dict[str, Any]:
        return {"plan": asdict(self.plan), "config": self.full.key}

    def _save(self) -> None:
        if self.checkpoint is None:
            return
        content = {
            "format": CHECKPOINT_FORMAT,
            "identity": self._identity(),
            "step": self.step,
            "loss": self.loss,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "rng": list(self.rng.getstate()[1]),
        }
        with atomic_path(self.checkpoint) as temporary, temporary.open("wb") as stream:
            torch.save(content, stream)

    def _restore(self) -> None:
        if self.checkpoint is None or not self.checkpoint.is_file():
            return
        try:
            content = torch.load(self.checkpoint, map_location="cpu", weights_only=True)
            if content["identity"] != self._identity():
                return  # another plan or space: begin anew
            self.model.load_state_dict(content["model"])
            self.optimizer.load_state_dict(content["optimizer"])
            self.schedule.load_state_dict(content["schedule"])
            self.rng.setstate((3, tuple(content["rng"]), None))
            self.step, self.loss = content["step"], content["loss"]
        except Exception as error:  # at damaged bytes the unpickler raises all kinds
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise WeightsError(
                f"the training checkpoint {self.checkpoint} is damaged ({reason[:160]}): delete it "
                "to train from the start"
            ) from error
