"""The command `deliver`: from a run, or an artifact, to what an app developer drops in."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from foundation.artifact import MANIFEST_NAME
from foundation.console import err, out, print_json
from foundation.errors import RequestError
from foundation.wording import shell_line
from models.cli import JsonOption

if TYPE_CHECKING:
    from models.delivery.folder import Goods
    from models.delivery.record import Delivery
    from models.export_command import FindInRun


def deliver_command(find_in_run: FindInRun) -> Callable[..., None]:
    """The command; `find_in_run` answers for a run directory."""

    def deliver(
        source: Annotated[
            Path,
            typer.Argument(
                metavar="RUN", help="Run directory of a search; or an exported artifact's folder."
            ),
        ],
        output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the delivery.")],
        trial: Annotated[
            int | None, typer.Option(help=r"Of a run: this trial \[the recommended one].")
        ] = None,
        chosen: Annotated[
            bool, typer.Option("--chosen", help="Of a run: the recommended one.")
        ] = False,
        storage: Annotated[
            str | None,
            typer.Option(metavar="URL", help="Where the study lies, if not in the run."),
        ] = None,
        json: JsonOption = False,
    ) -> None:
        """Hand a model to an Android developer: .pte, Kotlin, Gradle lines, golden test, README.

        The folder holds all that an app needs, and a check on a desktop. The model runs once on
        this computer first, and must answer as it did when it was exported.

        Example: mobilesr-tune deliver runs/pixel8 --chosen -o delivered
        """
        from models.delivery.check import require_right
        from models.delivery.folder import deliver as put_together
        from models.delivery.record import require_replaceable

        require_replaceable(output)
        is_artifact = (source / MANIFEST_NAME).is_file()
        if chosen and trial is not None:
            raise RequestError("--chosen and --trial were both given: choose one")
        if is_artifact and (trial is not None or chosen or storage is not None):
            raise RequestError(f"{source} is an artifact: --trial, --chosen, --storage are of runs")
        with tempfile.TemporaryDirectory() as store:
            with err.status(f"preparing {source}"):
                if is_artifact:
                    goods = _of_artifact(source)
                else:
                    goods = _of_run(find_in_run, source, trial, storage, Path(store))
            with err.status("running its check on this computer"):
                delivery = put_together(goods, output, require_right)
        _tell(delivery, goods, output, json)

    return deliver


def _of_artifact(folder: Path) -> Goods:
    from foundation.artifact import load_artifact
    from models.delivery.folder import Goods

    return Goods(load_artifact(folder))


def _of_run(
    find_in_run: FindInRun, run: Path, trial: int | None, storage: str | None, store: Path
) -> Goods:
    from models.delivery.folder import Goods

    found = find_in_run(run, trial, storage)
    if found.note:
        err.say(found.note)
    return Goods(found.put_into(store), found.measured)


def _tell(delivery: Delivery, goods: Goods, output: Path, json: bool) -> None:
    if json:
        print_json({"path": str(output), "measured": goods.own_measured is not None}
                   | delivery.to_dict())  # fmt: skip
        return
    out.say(f"{output}: {delivery.candidate_key}", style="bold")
    out.say(
        "It answers on this computer as it did when it was exported. README.md says how to go on."
    )
    if goods.own_measured is None:
        out.say(
            "Nothing is known here of its speed: deliver from a run, and README.md has what was "
            "measured"
        )
    out.say(
        f"Check it on a phone: {shell_line(['mobilesr-tune', 'bench', str(output / 'artifact')])}"
    )
