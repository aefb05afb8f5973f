"""A supernet: one set of weights, trained so that every config of a space is worth measuring.

Each step trains the largest config on the ground truth and some others (`students.py`) on a mix
of the ground truth and the largest's output (in-place distillation: Yu & Huang, ICCV 2019,
arXiv:1903.05134), and sums the gradients. The result is the moving average of the weights
(Polyak & Juditsky, 1992).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import functional_call

from models.config import MobileSRConfig
from models.errors import TrainingError
from models.images import ImagePair
from models.network import MobileSR
from models.slicing import slice_state
from models.training.batches import batches
from models.training.checkpoint import TrainingState, load_training, save_training
from models.training.crops import Crops, CropSampler, Placement
from models.training.graphs import GraphedPasses, Pass
from models.training.numerics import Numerics, choose_numerics
from models.training.photographs import DEFAULT_CACHE_BYTES, Photograph
from models.training.plan import TrainingPlan
from models.training.probe import Probe
from models.training.resident import ResidentPhotographs
from models.training.space import ConfigSpace, choices_digest
from models.training.start import start_from
from models.training.students import Students
from models.weights import ALONE, SUPERNET, State, Weights, build_model

GRADIENT_LIMIT = 1.0
# A single step without a finite gradient happens; this many in a row are a training that failed.
MOST_REJECTED_IN_A_ROW = 20
# Between a checkpoint's identity and the digest of its space's choices.
CHOICES = ", choices "


@dataclass(frozen=True)
class TrainingOptions:
    """How a training runs; none of it changes what a step computes, but for `numerics`.

    Attributes:
        checkpoint: file that a later run goes on from.
        checkpoint_every_s: a kill loses at most this much training.
        cache_bytes: bound on the memory that photographs take.
        held_back: pairs on which the probe configs are judged now and then.
        probe_configs: these; by default the largest and the smallest.
    """

    checkpoint: Path | None = None
    checkpoint_every_s: float = 20.0
    cache_bytes: int = DEFAULT_CACHE_BYTES
    held_back: Sequence[ImagePair] = ()
    probe_configs: Sequence[MobileSRConfig] = ()
    numerics: Numerics = field(default_factory=choose_numerics)


@dataclass(frozen=True)
class TrainingProgress:
    """Told after every step.

    Attributes:
        loss: L1 of the largest config, smoothed.
        steps_per_s: since this run began; 0 at its first step.
        probe_psnr_y_db: config key -> PSNR, where the probe was judged at this step.
        rejected: steps so far that were left out because their gradient was not finite.
        left_out: file name -> why it could not be read.
    """

    step: int
    steps: int
    loss: float
    learning_rate: float = 0.0
    steps_per_s: float = 0.0
    probe_psnr_y_db: dict[str, float] | None = None
    rejected: int = 0
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def left_s(self) -> float | None:
        """Seconds until the end at the speed so far."""
        return (self.steps - self.step) / self.steps_per_s if self.steps_per_s else None


class SupernetTrainer:
    """Trains a supernet over a space; resumable from its checkpoint file."""

    def __init__(
        self,
        space: ConfigSpace,
        photographs: Sequence[Photograph],
        plan: TrainingPlan,
        options: TrainingOptions | None = None,
        start: Weights | None = None,
        teacher: Weights | None = None,
    ) -> None:
        """`photographs` are large enough for a crop, as `select` gives them.

        `teacher`, of any config of the same scale, takes the largest's part: every config,
        the largest too, is trained on a mix of the ground truth and the teacher's output.

        Raises:
            ImageError: there are none.
            WeightsError: `start` shares nothing with the space.
        """
        self.space, self.plan, self.options = space, plan, options or TrainingOptions()
        self.full = space.largest()
        self.crops = CropSampler(
            photographs, self.full.scale, plan.crop, plan.texture_draws, self.options.cache_bytes
        )
        self.numerics = self.options.numerics
        self.model = self._fresh(start).to(self.numerics.device)
        self.model = self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # as in `_frozen`
        self.resident = None
        if self.numerics.device == "cuda" and self.crops.holds_all:
            self.resident = ResidentPhotographs(self.crops, self.numerics.device)
        self.parameters = dict(self.model.named_parameters())
        self.average = {name: p.detach().clone() for name, p in self.parameters.items()}
        self.optimizer = torch.optim.Adam(
            self.model.parameters(), lr=plan.learning_rate, fused=True
        )
        self.scaler = torch.amp.GradScaler(
            self.numerics.device, enabled=self.numerics.precision == "float16"
        )
        probes = self.options.probe_configs or (self.full, space.smallest())
        self.teacher = None if teacher is None else self._frozen(teacher)
        given = {"started_from": start, "taught_by": teacher}
        self.parents = {name: w.sha256 for name, w in given.items() if w is not None}
        # What a checkpoint must agree with besides the plan.
        self.identity = self.full.key
        self.identity += "" if start is None else f" from {start.sha256[:16]}"
        self.identity += "" if teacher is None else f" taught by {teacher.sha256[:16]}"
        self.choices = choices_digest(space)
        self.probe = Probe(self.options.held_back, probes)
        self.step, self.loss = 0, 0.0
        self.rejected, self.rejected_in_a_row = 0, 0
        self.shells: dict[str, MobileSR] = {}
        self.students = Students(space, plan)
        self.pass_of: Pass = self._backward
        self.graphed = self.numerics.device == "cuda" and not self.scaler.is_enabled()

    def _fresh(self, start: Weights | None) -> MobileSR:
        torch.manual_seed(self.plan.seed)
        model = MobileSR(self.full)
        # From zero the first output is the bilinear image, which is already close.
        torch.nn.init.zeros_(model.tail.weight)
        torch.nn.init.zeros_(cast(Tensor, model.tail.bias))
        if start is not None:
            state = model.state_dict()
            start_from(start, self.full, state)
            model.load_state_dict(state)
        return model

    def _frozen(self, teacher: Weights) -> MobileSR:
        if teacher.config is None or teacher.config.scale != self.full.scale:
            raise TrainingError(
                f"{teacher.source} cannot teach {self.full.key}: a teacher says its architecture "
                "and has the same scale"
            )
        model = build_model(teacher.config, teacher).requires_grad_(False)
        return model.to(self.numerics.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub knows no memory_format

    def run(self, on_step: Callable[[TrainingProgress], None] = lambda _: None) -> Weights:
        """Train to the end of the plan, from the checkpoint where there is one.

        Raises:
            TrainingError: the checkpoint is damaged or of another training, or the loss is no
                number any more.
            ImageError: no photograph can be decoded.
        """
        self._restore()
        if not self.graphed:
            return self._run(on_step)
        # A graph is captured on a stream of its own, and sees what was queued there before.
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]  # torch's stub
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            self.pass_of = GraphedPasses(self._backward, stream)
            return self._run(on_step)

    def _run(self, on_step: Callable[[TrainingProgress], None]) -> Weights:
        first, began = self.step, time.monotonic()
        saved = began
        draw: Callable[[int, int, int], Crops | list[Placement]] = self.crops.draw
        if self.resident is not None:
            draw = self.crops.place
        ahead = batches(draw, self.plan.batch_size, self.plan.seed, first, self.plan.steps)
        with ahead as prepared:
            for drawn in prepared:
                self._train_step(drawn)
                self.step += 1
                if time.monotonic() - saved > self.options.checkpoint_every_s:
                    self.save()
                    saved = time.monotonic()
                on_step(self._progress((self.step - first) / (time.monotonic() - began)))
        return self.weights()

    def weights(self) -> Weights:
        """The average so far, on the CPU, with what a record should say about its making."""
        training: dict[str, Any] = {
            **self.plan.model_dump(mode="json"),
            "step": self.step,
            "l1": self.loss,
            "numerics": self.numerics.sentence,
            "rejected_steps": self.rejected,
            "photographs": len(self.crops.photographs),
            "unreadable": dict(self.crops.left_out),
            **self.parents,
        }
        if self.full != self.space.smallest():
            return Weights(_plain(self.average), self.full, SUPERNET, training)
        # Nothing was sampled, whatever the plan says: these are meant for one config.
        return Weights(_plain(self.average), self.full, ALONE, training | {"random_configs": 0})

    def save(self) -> None:
        """Write the checkpoint, where one is wanted."""
        if self.options.checkpoint is None:
            return
        identity = f"{self.identity}{CHOICES}{self.choices}"
        state = TrainingState(
            self.plan, identity, self.numerics.precision, self.step, self.loss,
            (self.rejected, self.rejected_in_a_row), _plain(self.model.state_dict()),
            _plain(self.average), self.optimizer.state_dict(),
        )  # fmt: skip
        save_training(state, self.options.checkpoint)

    def _progress(self, steps_per_s: float) -> TrainingProgress:
        judged = None
        if self.probe.due or (self.step == self.plan.steps and self.probe.pairs):
            judged = self.probe.judge(_plain(self.average), self.full)
        return TrainingProgress(
            self.step, self.plan.steps, self.loss, self.plan.learning_rate_at(self.step - 1),
            steps_per_s, judged, self.rejected, dict(self.crops.left_out),
        )  # fmt: skip

    def _train_step(self, drawn: Crops | list[Placement]) -> None:
        low, high = (self._tensor(images) for images in self._images(drawn))
        self.optimizer.zero_grad(set_to_none=not self.graphed)
        if self.teacher is None:
            taught, loss = self.pass_of(self.full, low, high)
            target = torch.lerp(high, taught, self.plan.distill)
        else:
            with torch.no_grad(), self.numerics.autocast():
                taught = self.teacher(low).float()
            target = torch.lerp(high, taught, self.plan.distill)
            _, loss = self.pass_of(self.full, low, target)
        for config in self.students.of_step(self.step):
            self.pass_of(config, low, target)
        self._update(float(loss))

    def _backward(
        self, config: MobileSRConfig, low: Tensor, target: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Add the gradient of one config's L1; gives its output and loss, both detached."""
        with self.numerics.autocast():
            output = self._forward(config, low)
        output = output.float()
        loss = F.l1_loss(output, target)
        torch.autograd.backward(self.scaler.scale(loss))
        return output.detach(), loss.detach()

    def _update(self, loss: float) -> None:
        self.scaler.unscale_(self.optimizer)
        norm = float(torch.nn.utils.clip_grad_norm_(self.model.parameters(), GRADIENT_LIMIT))
        if not (math.isfinite(loss) and math.isfinite(norm)):
            self._reject()
            return
        self.rejected_in_a_row = 0
        self.loss = loss if self.step == 0 else 0.95 * self.loss + 0.05 * loss
        for group in self.optimizer.param_groups:
            group["lr"] = self.plan.learning_rate_at(self.step)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        # A young average forgets faster, or the untrained weights would stay in it.
        keep = min(self.plan.ema, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(
            list(self.average.values()), [p.detach() for p in self.parameters.values()], 1.0 - keep
        )

    def _reject(self) -> None:
        self.rejected += 1
        self.rejected_in_a_row += 1
        if self.scaler.is_enabled():
            self.scaler.update()
        if self.rejected_in_a_row > MOST_REJECTED_IN_A_ROW:
            raise TrainingError(
                f"the training's gradient has not been finite for {self.rejected_in_a_row} steps, "
                f"up to step {self.step}: train with a lower --learning-rate (now "
                f"{self.plan.learning_rate:g}), from the start"
            )

    def _images(self, drawn: Crops | list[Placement]) -> tuple[Tensor, Tensor]:
        """LR and HR crops, (batch, 3, height, width), uint8."""
        if isinstance(drawn, list):
            assert self.resident is not None
            return self.resident.cut(drawn)
        low, high = (torch.from_numpy(images).permute(0, 3, 1, 2) for images in drawn)
        return low, high

    def _tensor(self, images: Tensor) -> Tensor:
        planes = images.to(self.numerics.device)
        return planes.to(torch.float32, memory_format=torch.channels_last).div_(255.0)

    def _forward(self, config: MobileSRConfig, low: Tensor) -> Tensor:
        """Run `config` on slices of the supernet's own parameters."""
        if config == self.full:
            return self.model(low)
        if config.key not in self.shells:
            with torch.device("meta"):
                self.shells[config.key] = MobileSR(config)
        cut = slice_state(cast(State, self.parameters), self.full, config)
        return functional_call(self.shells[config.key], cut, (low,))

    def _restore(self) -> None:
        path = self.options.checkpoint
        if path is None or not path.is_file():
            return
        state = load_training(path)
        identity, _, choices = state.identity.partition(CHOICES)
        # Checkpoints of before do not say the choices.
        same = identity == self.identity and choices in ("", self.choices)
        if not same or not self.plan.continues(state.plan, state.step):
            raise TrainingError(
                f"the training checkpoint {path} belongs to another training (of "
                f"{state.identity}, with {state.plan.model_dump()}): give the same options, or "
                "delete it to train from the start"
            )
        try:
            self.model.load_state_dict(state.model)
            for name, tensor in self.average.items():
                tensor.copy_(state.average[name])
            self.optimizer.load_state_dict(state.optimizer)
        except (KeyError, ValueError, RuntimeError) as error:
            raise TrainingError(
                f"the training checkpoint {path} is damaged: delete it to train from the start"
            ) from error
        self.step, self.loss = state.step, state.loss
        self.rejected, self.rejected_in_a_row = state.rejected


def _plain(state: Any) -> State:
    """Detached copies on the CPU, in the ordinary memory layout."""
    return {
        name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in state.items()
    }
