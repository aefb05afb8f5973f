"""What a search shows while it goes on: bars that are overwritten, and lines that stay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from foundation.console import err, progress_bar
from foundation.wording import duration

if TYPE_CHECKING:
    from rich.progress import Task, TaskID

    from models.training.supernet import TrainingProgress
    from search.forecast.plan import SearchPlan
    from search.forecast.remaining import RemainingTime
    from search.life import SearchEvents
    from search.study.records import CandidateResult

HOST = "host"
EARLY_STEPS = 10


class SearchDisplay:
    """A bar for each study's trials, a line for each device, and one for what goes on beside."""

    def __init__(self, remaining: RemainingTime) -> None:
        self.remaining = remaining
        self.bar = progress_bar(left_of=self._left_of)
        self.whole = self.bar.add_task("whole search", total=1.0, is_share=True)
        self.stage_task = self.bar.add_task("starting", total=None)
        self.training_task: TaskID | None = None
        self.tasks: dict[str, TaskID] = {}
        self.announced = 0

    def __enter__(self) -> SearchDisplay:
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def events(self) -> SearchEvents:
        """The events of a search, as this display shows them."""
        from search.life import SearchEvents

        return SearchEvents(
            stage=self._stage, device=self._device, note=self._note, finished=self._finished,
            opened=self._opened, planned=self._planned, training=self.training,
            settling=self._settling,
        )  # fmt: skip

    def _left_of(self, task: Task) -> float | None:
        """One estimate, of the whole: no part of the search has one of its own."""
        return self.remaining.left_s() if task.id == self.whole else None

    def _planned(self, plan: SearchPlan) -> None:
        self.remaining.planned(plan)
        if not err.is_terminal and plan.seconds.total:
            err.say(f"About {duration(plan.seconds.total)} to go, an estimate.")

    def _settling(self, profile_key: str, spent: int, most: int) -> None:
        self.remaining.settling(profile_key, spent, most)
        self._move()

    def _move(self) -> None:
        self.bar.update(self.whole, completed=self.remaining.done_share())

    def _task(self, name: str, text: str) -> TaskID:
        if name not in self.tasks:
            self.tasks[name] = self.bar.add_task(text, total=None)
        return self.tasks[name]

    def _stage(self, text: str) -> None:
        if self.training_task is not None:
            # Its numbers are no other stage's.
            self.bar.remove_task(self.training_task)
            self.training_task = None
        self.bar.update(self.stage_task, description=text, visible=bool(text))
        if not text:
            self.remaining.exported()
        if not err.is_terminal and text.startswith("training"):
            err.say(text)

    def _device(self, serial: str, text: str) -> None:
        self.bar.update(self._task(f"device {serial}", text), description=text)
        self._move()

    def _note(self, text: str) -> None:
        err.tell(text, style="yellow")

    def _opened(self, run: Any, sentence: str) -> None:
        err.say(f"Run directory: {run.path}")
        err.tell(sentence)

    def training(self, progress: TrainingProgress) -> None:
        """Show a step of the supernet's training."""
        self.remaining.training(progress)
        self._move()
        if self.training_task is None:
            self.training_task = self.bar.add_task("training", total=progress.steps)
        self.bar.update(
            self.training_task, completed=progress.step, description=f"L1 {progress.loss:.4f}"
        )
        # A log has no moving bar: one line every tenth of the way, and one early that says how
        # long it will take.
        tenth = progress.step * 10 // progress.steps
        early = progress.step == EARLY_STEPS
        if not err.is_terminal and (tenth > self.announced or early):
            from models.training.display import progress_line

            err.say(f"training: {progress_line(progress)}")
        self.announced = max(self.announced, tenth)

    def _finished(self, result: CandidateResult, done: int, total: int) -> None:
        self.remaining.finished(result)
        self._move()
        task = self._task(f"candidates {result.profile_key}", "candidates")
        self.bar.update(task, completed=done, total=total)
        if result.status == "ok":
            memory = result.peak_memory_mb
            text = f"{result.latency_ms:8.2f} ms  {result.psnr_y_db:.2f} dB  "
            text += "memory not told" if memory is None else f"{memory:.0f} MB"
        else:
            text = f"{result.status}: {result.reason}"
        where = "" if result.device_serial == HOST else f"  on {result.device_serial}"
        left_s = self.remaining.left_s()
        # A terminal has it in its bars.
        if not err.is_terminal and left_s is not None:
            where += f"  about {duration(left_s)} left"
        precision = result.deployment.precision
        name = result.config.key + ("" if precision == "fp32" else f" {precision}")
        err.tell(f"{done:>3}/{total}  {name:<26} {text}{where}", indent=8)
