"""`mobilesr-tune`: the command line. Mounts what each package offers; turns errors into exits.

Exit codes: 0 fine, 1 the answer is no, 2 the request is wrong, 3 a device failed, 130 stopped.
"""

from __future__ import annotations

import collections
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import device_runner.commands.cli
import device_runner.commands.runner_cli
import models.cli
import nightly.cli
import reports.cli
import search.cli
from foundation.console import err, quiet_libraries
from foundation.errors import MobileSRTuneError

if TYPE_CHECKING:
    from foundation import Artifact

app = typer.Typer(
    name="mobilesr-tune",
    help="Choose super-resolution models by measuring them on the phone that will run them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


@app.callback()
def _options(
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show what the libraries say, and tracebacks.")
    ] = False,
) -> None:
    if not verbose:
        quiet_libraries()


def _after_search(run_dir: Path, json: bool) -> None:
    """Report on the run; the answer is no where no candidate was judged or none is feasible."""
    from search.study.run_directory import RunDirectory

    results = RunDirectory.open(run_dir).results()
    judged = [result for result in results if result.status == "ok"]
    if judged:
        reports.cli.report([run_dir], None, json)
        if any(result.feasible for result in judged):
            return
    reasons = collections.Counter(result.reason for result in results if result.reason)
    why = "; ".join(f"{count} x {reason}" for reason, count in reasons.most_common(3))
    err.print(
        f"no candidate meets the request ({len(results)} tried{': ' + why if why else ''})",
        markup=False, soft_wrap=True, style="red",
    )  # fmt: skip
    raise typer.Exit(1)


def _default_artifact() -> Artifact:
    """What a device is tuned with when nobody says: the sentinel, exported once on this host.

    At the article's input size: a tiny model would find that one thread is best for all.
    """
    from models.deployment import Deployment, fallback_sentence
    from models.sentinel import export_sentinel

    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    deployment = Deployment.choose(lr_height=180, lr_width=320)
    if sentence := fallback_sentence(deployment):
        err.print(sentence, markup=False, soft_wrap=True)
    return export_sentinel(deployment, Path(base) / "mobilesr-tune" / "sentinels")


search.cli.register(app, _after_search)
models.cli.register(app)
device_runner.commands.cli.register(app, _default_artifact)
device_runner.commands.runner_cli.register(app)
reports.cli.register(app)
nightly.cli.register(app)


STOPPED = 130  # 128 + SIGINT, as a shell says it


def main() -> None:
    """Run the command line; every expected error is one sentence and an exit code."""
    # Threads that spin while they wait halve the speed of training beside any other work (15
    # steps: 14.7 s spinning, 5.9 s not, on a loaded machine); read when torch is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    verbose = any(argument in ("-v", "--verbose") for argument in sys.argv[1:2])
    try:
        app(standalone_mode=True)
    except MobileSRTuneError as error:
        if verbose:
            raise
        err.print(f"error: {error}", markup=False, highlight=False, soft_wrap=True, style="red")
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, SystemExit) as end:
        # Typer turns Ctrl-C into this exit code, without a word.
        if isinstance(end, SystemExit) and end.code != STOPPED:
            raise
        err.print("stopped; a search or a training goes on where it ended: run the same command")
        sys.exit(STOPPED)


if __name__ == "__main__":
    main()
