"""`mobilesr-tune`: the command line. Mounts what each package offers; turns errors into exits.

Exit codes: 0 fine, 1 the answer is no, 2 the request is wrong, 3 a device failed, 70 a fault of
ours, 130 stopped.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType, TracebackType


def _tell_early_stop(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Ctrl-C while the rest is imported, which takes a second: there is no more to say of it."""
    if issubclass(kind, KeyboardInterrupt):
        sys.stderr.write("stopped before anything was begun\n")
    else:
        sys.__excepthook__(kind, error, trace)


class _OurPackages(MetaPathFinder):
    """Finds our packages beside this file, whatever else on the path has their names.

    `models` and `search` are common ones: a PYTHONPATH that names another project would hide ours.
    """

    names = frozenset({"foundation", "models", "device_runner", "search", "nightly", "reports"})
    home = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120  # before all else

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if path is not None or fullname not in self.names:
            return None
        return PathFinder.find_spec(fullname, [self.home])


sys.excepthook = _tell_early_stop
sys.meta_path.insert(0, _OurPackages())

import collections
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

import device_runner.commands.cli
import device_runner.commands.runner_cli
import models.cli
import models.delivery.command
import models.export_command
import nightly.cli
import reports.cli
import search.cli
import search.confirm_command
import search.finetune_command
from foundation.console import err, out, print_json, quiet_libraries
from foundation.environment import version_of
from foundation.errors import AnswerIsNo, MobileSRTuneError
from foundation.exits import FINE, INTERNAL, STOPPED, WRONG, internal_error, refused_by_system
from foundation.places import cache_folder, require_working_folder
from foundation.signals import signals_end
from foundation.streams import flush_streams, prepare_streams, require_told
from foundation.usage import is_usage_problem
from foundation.wording import without_passwords

if TYPE_CHECKING:
    from foundation import Artifact
    from models.export_command import FoundBySearch
    from search.study.records import CandidateResult
    from search.study.run_directory import RunDirectory

NAME = "mobilesr-tune"

app = typer.Typer(
    name=NAME,
    help="Choose super-resolution models by measuring them on the phone that will run them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        out.say(f"{NAME} {version_of(NAME)}")
        raise typer.Exit


@app.callback()
def _options(
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose", "-v",
            help="Show what the libraries say, and tracebacks; may also follow the command.",
        ),
    ] = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:  # fmt: skip
    if not verbose:
        quiet_libraries()


def _after_search(run: RunDirectory, json: bool) -> None:
    """Report on the run; the answer is no where no candidate is worth recommending."""
    results = run.results()
    reasons = collections.Counter(result.reason for result in results if result.reason)
    why = "; ".join(f"{count} x {reason}" for reason, count in reasons.most_common(3))
    sentence = f"no candidate meets the request ({len(results)} tried{': ' + why if why else ''})"
    if not any(result.timing and result.status != "failed" for result in results):
        raise AnswerIsNo(sentence)
    report = reports.cli.make_report([run.path], None, json, run.storage)
    if any(section.choice.result for section in report.sections):
        return
    if any(section.group.front for section in report.sections):
        sentence = "no candidate is better than bicubic upscaling, so none is recommended"
    err.tell(sentence, style="red")
    raise typer.Exit(AnswerIsNo.exit_code)


def _default_artifacts() -> dict[int, Artifact]:
    """What a device is tuned with when nobody says: the sentinel, exported once on this host.

    By the kB of cache that it is cut for, the usual first. At the article's input size: a tiny
    model would find that one thread is best for all.
    """
    from models.deployment import STRIPS_TRIED_KB, Deployment, fallback_sentence
    from models.sentinel import export_sentinel

    usual = Deployment.choose(lr_height=180, lr_width=320)
    if sentence := fallback_sentence(usual):
        err.say(sentence)
    sizes = {usual.strip_kb: None} | dict.fromkeys(
        STRIPS_TRIED_KB if usual.lowering == "direct" else ()
    )
    return {
        kb: export_sentinel(usual.model_copy(update={"strip_kb": kb}), cache_folder() / "sentinels")
        for kb in sizes
    }


def _find_in_run(run_dir: Path, trial: int | None, storage: str | None) -> FoundBySearch:
    from reports.found import found_by_search

    return found_by_search(run_dir, trial, storage)


def _chosen_trials(run: RunDirectory, top: int) -> list[int]:
    from reports.found import chosen_trials

    return chosen_trials(run, top)


def _candidate_in(run: RunDirectory, trial: int | None) -> tuple[RunDirectory, CandidateResult]:
    from reports.found import candidate_in

    return candidate_in(run, trial)


def _report_again(run: RunDirectory, json: bool) -> None:
    reports.cli.make_report([run.path], None, json, run.storage)


search.cli.register(app, _after_search)
app.command()(search.finetune_command.finetune_command(_chosen_trials, _report_again))
app.command()(search.confirm_command.confirm_command(_candidate_in, _report_again))
models.cli.register(app)
app.command()(models.export_command.export_command(_find_in_run))
app.command()(models.delivery.command.deliver_command(_find_in_run))
device_runner.commands.cli.register(app, _default_artifacts)
device_runner.commands.runner_cli.register(app)
reports.cli.register(app)
nightly.cli.register(app)
sys.excepthook = sys.__excepthook__

_VERBOSE = ("-v", "--verbose")


def main() -> None:
    """Run the command line; every expected end is one sentence and an exit code."""
    # Threads that spin while they wait halve the speed of training beside any other work (15
    # steps: 14.7 s spinning, 5.9 s not, on a loaded machine); read when torch is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if f"_{NAME}_COMPLETE".replace("-", "_").upper() in os.environ:
        app(prog_name=NAME)
    prepare_streams()
    code = _code_of(_hoisted(sys.argv[1:]))
    flush_streams()
    sys.exit(code)


def _hoisted(arguments: list[str]) -> list[str]:
    """`-v` before the command, wherever it stood: it is the application's option."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    before, rest = arguments[:end], arguments[end:]
    kept = [argument for argument in before if argument not in _VERBOSE]
    return ["--verbose"] * (len(kept) < len(before)) + kept + rest


def _code_of(arguments: list[str]) -> int:
    """Run what the arguments say, tell how it ended, and give the exit code of that."""
    verbose, as_json = arguments[:1] == ["--verbose"], "--json" in arguments
    try:
        require_working_folder()
        code = _invoke(arguments)
        if code == FINE:
            require_told()
        return code
    except MobileSRTuneError as error:
        if verbose:
            traceback.print_exc()
        return _tell(str(error), error.exit_code, as_json)
    except KeyboardInterrupt:
        err.say("stopped; a search or a training goes on where it ended: run the same command")
        return STOPPED
    except Exception as error:
        if is_usage_problem(error):
            return _tell_usage(error, as_json)
        if verbose:
            traceback.print_exc()
        if isinstance(error, OSError) and (sentence := refused_by_system(error)) is not None:
            return _tell(sentence, WRONG, as_json)
        return _tell(internal_error(error), INTERNAL, as_json)


def _invoke(arguments: list[str]) -> int:
    # Not through the application's own `main`: that one answers a pipe closed anywhere with 1.
    command = typer.main.get_command(app)
    try:
        # A service that is stopped, a terminal that is closed: devices are left as on Ctrl-C.
        with signals_end(), command.make_context(NAME, list(arguments)) as context:
            command.invoke(context)
    except typer.Exit as end:
        return end.exit_code
    except typer.Abort:
        return STOPPED
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else FINE if end.code is None else INTERNAL
    return FINE


def _tell(sentence: str, code: int, as_json: bool) -> int:
    sentence = without_passwords(sentence)
    if as_json:
        print_json({"schema": "error/1", "error": sentence, "exit_code": code})
    prefix = "" if code == AnswerIsNo.exit_code or code == INTERNAL else "error: "
    err.tell(f"{prefix}{sentence}", style="red")
    return code


def _tell_usage(problem: Any, as_json: bool) -> int:
    """Where no command was given, the help; else the usage in a line, and what is wrong."""
    sentence, context = problem.format_message(), getattr(problem, "ctx", None)
    if type(problem).__name__ == "NoArgsIsHelpError" and context is not None:
        out.print(Text(context.get_help()), end="")
        return WRONG
    if context is not None:
        err.say(" ".join(context.get_usage().split()))
        sentence += f" (see '{context.command_path} --help')"
    return _tell(sentence, WRONG, as_json)


if __name__ == "__main__":
    main()
