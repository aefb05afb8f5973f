"""What a training shows while it goes on, on the terminal, in a log and in TensorBoard."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from foundation.console import err, progress_bar
from foundation.wording import count_of
from models.errors import TrainingError
from models.training.supernet import TrainingProgress

SECONDS_A_LOG_LINE = 30.0
# The first steps are slower than the rest; after so many seconds the speed is told.
SECONDS_TO_KNOW_THE_SPEED = 10.0


class TrainingDisplay:
    """A bar on a terminal; elsewhere a line every half minute. Probe scores are always a line."""

    def __init__(self, tensorboard: Path | None = None) -> None:
        """Raises `TrainingError` where TensorBoard is asked for and not installed."""
        self.bar = progress_bar("steps")
        self.task = self.bar.add_task("training", total=None)
        self.began_s = self.told_s = time.monotonic()
        self.announced = False
        self.told: set[str] = set()
        self.writer: Any = None if tensorboard is None else _writer(tensorboard)

    def __enter__(self) -> TrainingDisplay:
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()
        if self.writer is not None:
            self.writer.close()

    def step(self, progress: TrainingProgress) -> None:
        """Show one step."""
        self.bar.update(
            self.task, total=progress.steps, completed=progress.step,
            description=f"training, L1 {progress.loss:.4f}",
        )  # fmt: skip
        now_s = time.monotonic()
        if not self.announced and now_s - self.began_s > SECONDS_TO_KNOW_THE_SPEED:
            self.announced = True
            if sentence := announcement(progress):
                err.say(sentence)
        quiet_for_s = now_s - self.told_s
        judged = progress.probe_psnr_y_db is not None
        if judged or (not err.is_terminal and quiet_for_s > SECONDS_A_LOG_LINE):
            err.say(progress_line(progress))
            self.told_s = now_s
        for name, reason in progress.left_out.items():
            if name not in self.told:
                self.told.add(name)
                err.say(f"left out from now on: {reason}")
        if self.writer is not None:
            self._log(progress)

    def _log(self, progress: TrainingProgress) -> None:
        self.writer.add_scalar("l1", progress.loss, progress.step)
        self.writer.add_scalar("learning_rate", progress.learning_rate, progress.step)
        self.writer.add_scalar("steps_per_s", progress.steps_per_s, progress.step)
        for key, psnr_y_db in (progress.probe_psnr_y_db or {}).items():
            self.writer.add_scalar(f"psnr_y_db/{key}", psnr_y_db, progress.step)


def announcement(progress: TrainingProgress) -> str:
    """How long the training will take, for who decides whether to wait; empty below a minute."""
    if progress.left_s is None or progress.left_s < 60:
        return ""
    to_go = count_of(progress.steps - progress.step, "step")
    return (
        f"{to_go} to go at {progress.steps_per_s:.2f} steps/s: about "
        f"{_duration(progress.left_s)}. Stop it whenever you like: the same command goes on"
    )


def progress_line(progress: TrainingProgress) -> str:
    """Loss, probe PSNR, speed and time left in one line."""
    parts = [f"step {progress.step}/{progress.steps}", f"L1 {progress.loss:.4f}"]
    parts += [f"{key} {db:.2f} dB" for key, db in (progress.probe_psnr_y_db or {}).items()]
    if progress.left_s is not None:
        parts.append(f"{progress.steps_per_s:.2f} steps/s, {_duration(progress.left_s)} left")
    if progress.rejected:
        parts.append(f"{progress.rejected} steps left out, no finite gradient")
    return ", ".join(parts)


def _duration(seconds: float) -> str:
    minutes = int(seconds / 60 + 0.5)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


def _writer(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise TrainingError(
            "TensorBoard is not installed: pip install 'mobilesr-tune[tensorboard]', or leave "
            "--tensorboard out"
        ) from None
    return SummaryWriter(str(folder))
