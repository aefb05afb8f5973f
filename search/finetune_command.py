"""The command `finetune`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foundation.console import err, progress_bar
from foundation.errors import RequestError

if TYPE_CHECKING:
    from search.study.run_directory import RunDirectory

# The run and how many: the trials to finetune, the recommended one first.
ChooseTrials = Callable[["RunDirectory", int], list[int]]
DEFAULT_TOP = 3


def finetune_command(
    choose: ChooseTrials, after: Callable[[RunDirectory, bool], None]
) -> Callable[..., None]:
    """The command; `choose` answers `--top`, `after(run, json)` reports on the run."""

    def finetune(
        run: Annotated[Path, typer.Argument(help="Run directory that a search left behind.")],
        top: Annotated[
            int | None,
            typer.Option(min=1, help=r"The recommended one and its neighbours on the front \[3]."),
        ] = None,
        keys: Annotated[
            list[str] | None, typer.Option("--key", help="A config by its key; may be repeated.")
        ] = None,
        teacher: Annotated[
            Path | None,
            typer.Option(help=r"Checkpoint to distil from \[the run's largest config]."),
        ] = None,
        images: Annotated[
            Path | None, typer.Option(help=r"Training images \[those of the search].")
        ] = None,
        steps: Annotated[int, typer.Option(help="Optimizer steps for each.")] = 1000,
        batch_size: Annotated[int, typer.Option(help="Crops a step.")] = 8,
        crop: Annotated[int, typer.Option(help="Crop side, LR pixels.")] = 24,
        learning_rate: Annotated[float, typer.Option(help="Of Adam.")] = 5e-4,
        seed: Annotated[int, typer.Option(help="Of crops.")] = 0,
        device: Annotated[
            str | None, typer.Option(help=r"Where to measure \[as the search].")
        ] = None,
        storage: Annotated[
            str | None,
            typer.Option(metavar="URL", help="Where the study lies, if not in the run."),
        ] = None,
        json: Annotated[
            bool, typer.Option("--json", help="Print the report's front as JSON on stdout.")
        ] = False,
    ) -> None:
        """Train chosen candidates of a search on, each by itself, and measure them again.

        A slice of a supernet ranks configs, and undersells each: what will be deployed is better.
        Weights, records and report stay in the run directory; stopped, the same command goes on.

        Example: mobilesr-tune finetune runs/pixel8 --top 3 --images photos
        """
        from models.training.plan import TrainingPlan
        from search.finetuning import (
            FinetuneEvents,
            FinetuneRequest,
            finetune_run,
            trials_of_keys,
        )
        from search.study.run_directory import RunDirectory

        if keys and top is not None:
            raise RequestError("--top and --key were both given: choose one")
        opened = RunDirectory.open(run, storage)
        trials = trials_of_keys(opened, keys) if keys else choose(opened, top or DEFAULT_TOP)
        plan = TrainingPlan.build(
            steps=steps, batch_size=batch_size, crop=crop, learning_rate=learning_rate, seed=seed
        )
        request = FinetuneRequest(trials, plan, images, teacher, device)
        with progress_bar("steps") as bar:
            task = bar.add_task("finetuning", total=None)
            said: list[str] = []

            def say(text: str) -> None:
                bar.update(task, description=text[:70], total=None, completed=0)
                if not err.is_terminal and text.startswith("finetuning") and text not in said:
                    said.append(text)
                    err.say(text)

            events = FinetuneEvents(
                say, lambda p: bar.update(task, total=p.steps, completed=p.step)
            )
            found = finetune_run(opened, request, events)
        for result in found:
            err.say(f"trial {result.after.number}, {result.after.config.key}: {result.verdict}")
        after(opened, json)

    return finetune
