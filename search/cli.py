"""Commands of `search`: `search`, `upscale`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from device_runner.commands.cli import RunnerOption, WaitOption
from foundation.console import err, out, print_json, progress_bar
from models.cli import (
    ConfigOption,
    JsonOption,
    KeyOption,
    PrecisionOption,
    PresetOption,
    choose_config,
)
from search.search_command import DEVICE_HELP, search_command

if TYPE_CHECKING:
    from search.study.run_directory import RunDirectory


def register(app: typer.Typer, after_search: Callable[[RunDirectory, bool], None]) -> None:
    """Mount the commands. `after_search(run, json)` compiles and prints the report."""
    app.command()(search_command(after_search))
    app.command()(upscale)


def upscale(
    image: Annotated[Path, typer.Argument(help="The photograph.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the result goes (.png).")],
    artifact: Annotated[
        Path | None, typer.Option(help="An exported artifact, instead of --weights.")
    ] = None,
    weights: Annotated[Path | None, typer.Option(help="A checkpoint to export.")] = None,
    preset: PresetOption = None,
    key: KeyOption = None,
    changes: ConfigOption = None,
    tile: Annotated[str, typer.Option(help="HEIGHTxWIDTH of the LR tile to export.")] = "128x128",
    precision: PrecisionOption = None,
    device: Annotated[str, typer.Option(help=DEVICE_HELP)] = "auto",
    runner: RunnerOption = None,
    wait: WaitOption = 0.0,
    background: Annotated[
        str | None,
        typer.Option(
            metavar="COLOUR",
            help="Lay a transparent photograph on this colour, instead of upscaling its "
            "transparency beside it.",
        ),
    ] = None,
    threads: Annotated[int | None, typer.Option(help="Runtime threads.")] = None,
    timeout_s: Annotated[float, typer.Option(help="Bound on one launch of the runner.")] = 900.0,
    json: JsonOption = False,
) -> None:
    """Upscale a photograph of any size on a device, with the exported model, in tiles.

    Example: mobilesr-tune upscale photo.jpg -o photo_x4.png --preset ntire2022
    --weights mobilesr_x4.pth
    """
    from search.upscaling import UpscaleRequest, upscale_photo

    request = UpscaleRequest(
        image=image, output=output, artifact=artifact, weights=weights, tile=tile,
        precision=precision,
        device=device, threads=threads, timeout_s=timeout_s, runner=runner, wait_s=wait,
        background=background,
    )  # fmt: skip
    with progress_bar("tiles") as bar:
        task = bar.add_task("upscaling", total=None)
        facts = upscale_photo(
            request,
            lambda loaded: choose_config(preset, key, changes, loaded),
            lambda text: bar.update(task, description=text),
            lambda done, total: bar.update(task, completed=done, total=total),
            lambda text: err.tell(text, style="yellow"),
        )
    for note in facts["notes"]:
        err.say(f"{image}: {note}", style="yellow")
    if json:
        print_json(facts)
        return
    out.say(
        f"{facts['output']}  {facts['width']}x{facts['height']} px, {facts['tiles']} tiles on "
        f"{facts['device']}"
    )
