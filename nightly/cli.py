"""The command `nightly` with its parts: run (by default), init, accept, history."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from foundation.usage import is_usage_problem
from foundation.wording import without_passwords
from nightly.errors import CANNOT_TELL

if TYPE_CHECKING:
    from device_runner import Progress
    from nightly.history import History
    from nightly.night import NightResult, NightRun
    from nightly.outputs import NightFiles
    from nightly.suite import Suite

# Below the suite's folder of outputs.
BISECTED = "bisect"
SuiteArgument = Annotated[Path, typer.Argument(help="The suite file.", show_default=False)]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]
OnlyOption = Annotated[
    list[str] | None, typer.Option("--only", metavar="MODEL", help="Only this model; repeatable.")
]


class RunByDefault(TyperGroup):
    """`nightly SUITE.toml` means `nightly run SUITE.toml`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `run` where no command stands."""
        if args and args[0] not in self.commands and args[0] not in ("--help", "-h"):
            args = ["run", *args]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """With `--bisect`, every end but good, bad and stopped is `CANNOT_TELL`.

        `git bisect run` takes 2 to 124 for a bad commit: a wrong option, a device that failed or
        a fault of ours would each accuse the commit that happens to be checked out.
        """
        if "--bisect" not in sys.argv:
            return super().invoke(ctx)
        from foundation.console import err
        from foundation.errors import MobileSRTuneError
        from foundation.exits import internal_error

        try:
            return super().invoke(ctx)
        except typer.Exit as end:
            raise typer.Exit(end.exit_code if end.exit_code in (0, 1) else CANNOT_TELL) from None
        except typer.Abort:
            raise
        except MobileSRTuneError as error:
            why = without_passwords(str(error))
        except Exception as error:
            why = error.format_message() if is_usage_problem(error) else internal_error(error)
        err.say(f"cannot tell: {why}")
        raise typer.Exit(CANNOT_TELL)


nightly = typer.Typer(
    cls=RunByDefault,
    help="Measure a suite of models every night, and say when one got worse.\n\n"
    "Example: mobilesr-tune nightly suite.toml",
    no_args_is_help=True,
    rich_markup_mode="rich",
)


def register(app: typer.Typer) -> None:
    """Mount `nightly` on the application."""
    app.add_typer(nightly, name="nightly")


@nightly.command()
def run(
    suite: SuiteArgument,
    only: OnlyOption = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="NIGHT|DATE", help="Compare with this night, or the first since this date."
        ),
    ] = None,
    bisect: Annotated[
        bool,
        typer.Option(
            "--bisect",
            help="For 'git bisect run': the night joins no history, and the exit code is 0 good, "
            "1 bad, 125 cannot tell.",
        ),
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for the outputs.")
    ] = None,
    wait_s: Annotated[
        float, typer.Option(min=0, help="Seconds to wait for another nightly to finish.")
    ] = 3600.0,
    json: JsonOption = False,
) -> None:
    """Measure the suite, compare with earlier nights. The word `run` may be left out.

    Exit codes: 0 green, 1 a regression, 2 the request is wrong, 3 a device failed.

    Example: mobilesr-tune nightly suite.toml --only published --since 2026-11-01
    """
    from foundation.files import require_writable
    from foundation.places import expanded
    from foundation.streams import require_told
    from nightly.history import open_history
    from nightly.night import NightRun
    from nightly.outputs import write_outputs
    from nightly.suite import load_suite
    from nightly.tonight import Choices

    # What is there is looked at where it is known which models were measured before.
    loaded = load_suite(suite, files=False)
    # The row's last night is what is looked at while commits are tried.
    usual = loaded.output / BISECTED if bisect else loaded.output
    folder = expanded(output or usual).absolute()
    require_writable(folder / "index.html")
    with open_history(loaded.history_url) as history:
        number = None if since is None else _night_of(history, loaded, since)
        choices = Choices(tuple(_named(only, loaded)), number, bisect, wait_s)
        result = _with_progress(NightRun(loaded, history, choices, suite_path=suite))
        with _agreeing(history, result.night.number):
            files = write_outputs(result, history, folder)
            _show(result, files, as_json=json)
            if result.exit_code == 0:
                require_told()
    raise typer.Exit(result.exit_code)


@nightly.command()
def init(
    path: Annotated[Path, typer.Argument(help="Where to write the suite.")] = Path("suite.toml"),
    json: JsonOption = False,
) -> None:
    """Write an example suite that explains itself and can be run at once.

    Example: mobilesr-tune nightly init suite.toml
    """
    from foundation.console import out, print_json
    from foundation.files import write_text
    from foundation.wording import shell_line
    from nightly.errors import SuiteError
    from nightly.outputs.page import TEMPLATES

    if path.exists():
        raise SuiteError(f"{path} exists: choose another name, or remove it first")
    write_text(path, (TEMPLATES / "suite.toml").read_text("utf-8").replace("{name}", path.name))
    command = shell_line(["mobilesr-tune", "nightly", str(path)])
    if json:
        print_json({"path": str(path), "next": command})
        return
    out.say(f"{path}: edit it, then: {command}")


@nightly.command()
def accept(
    suite: SuiteArgument,
    night: Annotated[
        int | None, typer.Option(min=1, help="The night to pin; default: the last one.")
    ] = None,
    only: OnlyOption = None,
    wait_s: Annotated[
        float, typer.Option(min=0, help="Seconds to wait for a nightly to finish.")
    ] = 3600.0,
    json: JsonOption = False,
) -> None:
    """Pin a night as the baseline: what it measured is right from now on.

    Example: mobilesr-tune nightly accept suite.toml --night 41 --only published
    """
    from foundation.console import out, print_json
    from nightly.history import open_history
    from nightly.suite import load_suite

    loaded = load_suite(suite, files=False)
    names = _named(only, loaded)
    with open_history(loaded.history_url) as history, history.lock(wait_s):
        number, pinned = history.accept(loaded.name, night, names, datetime.now(UTC))
    if json:
        print_json({"night": number, "pinned": [series.words() for series in pinned]})
        return
    for series in pinned:
        out.say(f"night {number} is the baseline of {series.words()}")


@nightly.command()
def history(
    suite: SuiteArgument,
    last: Annotated[int, typer.Option(min=1, help="How many nights.")] = 30,
    json: JsonOption = False,
) -> None:
    """List the last nights: when, how they ended, what was said.

    Example: mobilesr-tune nightly history suite.toml --json
    """
    from foundation.console import out, print_json
    from nightly.history import open_history
    from nightly.outputs.nights import nights_data, nights_table
    from nightly.suite import load_suite

    loaded = load_suite(suite, files=False)
    with open_history(loaded.history_url) as opened:
        nights = opened.nights(loaded.name, last=last)
        verdicts = opened.verdicts(loaded.name, last_nights=last)
    if json:
        print_json(nights_data(loaded.name, nights, verdicts))
    else:
        out.print(nights_table(loaded.name, nights, verdicts))


@contextmanager
def _agreeing(history: History, night: int) -> Iterator[None]:
    """Inside, an end that the finished night does not know of is written into its record too."""
    from foundation.errors import MobileSRTuneError
    from foundation.exits import INTERNAL, STOPPED

    try:
        yield
    except MobileSRTuneError as error:
        history.amend_exit(night, error.exit_code)
        raise
    except KeyboardInterrupt:
        history.amend_exit(night, STOPPED)
        raise
    except Exception:
        history.amend_exit(night, INTERNAL)
        raise


def _named(only: list[str] | None, suite: Suite) -> list[str]:
    """Names of models as the suite spells them: the same letters may come composed or not."""
    spelled = {unicodedata.normalize("NFC", model.name): model.name for model in suite.models}
    return [spelled.get(unicodedata.normalize("NFC", name), name) for name in only or []]


def _night_of(history: History, suite: Suite, text: str) -> int:
    from nightly.errors import BaselineError

    if re.fullmatch(r"\d{1,9}", text):
        return int(text)
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise BaselineError(
            f"--since {text}: give a night's number, or a date such as 2026-11-01"
        ) from None
    found = history.night_at(suite.name, when if when.tzinfo else when.replace(tzinfo=UTC))
    if found is None:
        raise BaselineError(
            f"--since {text}: no night of the suite {suite.name!r} was finished since then"
        )
    return found


def _with_progress(night: NightRun) -> NightResult:
    from foundation.console import err, progress_bar

    with progress_bar("launches") as bar:
        task = bar.add_task("starting", total=None)

        def say(text: str) -> None:
            bar.update(task, description=text[:100])
            if not err.is_terminal:
                err.say(text)

        def progress(now: Progress) -> None:
            bar.update(task, completed=now.done, total=now.total, description=now.next_step[:100])

        night.listener.stage = say
        night.listener.progress = progress
        night.listener.warning = lambda text: err.tell(text, style="yellow")
        night.listener.waiting = lambda who: say(f"another nightly writes into this history: {who}")
        return night.run()


def _show(result: NightResult, files: NightFiles, *, as_json: bool) -> None:
    from foundation.console import out, print_json
    from nightly.outputs.record import night_record
    from nightly.outputs.terminal import night_lines

    if as_json:
        print_json(night_record(result) | {"page": str(files.page), "junit": str(files.junit)})
        return
    for line in night_lines(result):
        out.print(line, soft_wrap=True)
    out.say(f"Page: {files.page}")
    out.say(f"JUnit: {files.junit}")
