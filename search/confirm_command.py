"""The command `confirm`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foundation.console import err, progress_bar
from foundation.wording import count_of, ms

if TYPE_CHECKING:
    from search.study.records import CandidateResult
    from search.study.run_directory import RunDirectory

# The run and a trial, or None for the recommended one: the study that it is in, and its result.
ChooseCandidate = Callable[["RunDirectory", "int | None"], "tuple[RunDirectory, CandidateResult]"]
DEFAULT_SESSIONS = 9


def confirm_command(
    choose: ChooseCandidate, after: Callable[[RunDirectory, bool], None]
) -> Callable[..., None]:
    """The command; `choose` finds the candidate, `after(run, json)` reports on the run."""

    def confirm(
        run: Annotated[Path, typer.Argument(help="Run directory that a search left behind.")],
        trial: Annotated[
            int | None, typer.Option(help=r"Another than the recommended one \[that].")
        ] = None,
        sessions: Annotated[
            int, typer.Option(min=1, max=1000, help="Fresh launches of the runner.")
        ] = DEFAULT_SESSIONS,
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
        """Measure the recommended candidate anew, in sessions that took no part in its choice.

        The fastest of several near ties looks faster than it is. Its trial stays as it is, the
        report tells the fresh latency beside it, and nothing is chosen anew. Given again, it adds
        its sessions to those of before.

        Example: mobilesr-tune confirm runs/pixel8 --sessions 15
        """
        from search.confirming import confirm as measured_anew
        from search.study.run_directory import RunDirectory

        opened, chosen = choose(RunDirectory.open(run, storage), trial)
        with progress_bar("sessions") as bar:
            task = bar.add_task(f"trial {chosen.number}", total=None)
            found = measured_anew(
                opened, chosen, sessions, device,
                lambda text: bar.update(task, description=text[:70]),
            )  # fmt: skip
        err.say(
            f"trial {chosen.number}, {chosen.config.key}: measured anew, {_told(found)}; by the "
            f"sessions it was chosen by {_told(chosen)}"
        )
        after(opened, json)

    return confirm


def _told(result: CandidateResult) -> str:
    """`4.96 ms (4.90 to 5.03), 9 sessions`."""
    low, high = result.latency_low_ms, result.latency_high_ms
    known = "" if low is None or high is None else f" ({ms(low)} to {ms(high)})"
    counted = f", {count_of(result.sessions, 'session')}" if result.sessions else ""
    return f"{ms(result.latency_ms)} ms{known}{counted}"
