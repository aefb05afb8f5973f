"""The command `search`: its options, by what they are about."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from device_runner.commands.cli import RUNNER_HELP
from foundation.console import err, out, print_json
from models.cli import JsonOption
from search.display import SearchDisplay

if TYPE_CHECKING:
    from search.request import SearchRequest
    from search.study.run_directory import RunDirectory


def _panel(name: str) -> Callable[..., Any]:
    """Options of one panel of the help; a default in brackets is no markup."""

    def option(*, help: str, metavar: str | None = None) -> Any:
        return typer.Option(help=help.replace("[", r"\["), metavar=metavar, rich_help_panel=name)

    return option


_device = _panel("Device")
_space = _panel("Search space")
_images = _panel("Images and weights")
_limit = _panel("Constraints")
_sampling = _panel("Sampling")
_measuring = _panel("Measuring and exporting")

DEVICE_HELP = "'auto', 'host', or a serial that 'mobilesr-tune devices' shows."
DEVICES_HELP = (
    f"{DEVICE_HELP[:-1]}; 'all' for every phone and emulator that is ready, with a study for each "
    "profile."
)
Choices = Annotated[str | None, typer.Option(metavar="A,B,...")]
SpaceChoices = Annotated[str | None, _space(help="Choices of the space.", metavar="A,B,...")]


def numbers(option: str, text: str | None) -> tuple[int, ...] | None:
    """`8,16,24` as numbers. Raises `SpaceError` for anything else."""
    from search.errors import SpaceError

    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise SpaceError(f"{option} {text}: give whole numbers with commas between") from None


def search_command(after_search: Callable[[RunDirectory, bool], None]) -> Callable[..., None]:
    """The command; `after_search(run, json)` compiles and prints the report."""

    def search(
        config: Annotated[
            Path | None, typer.Option(help="TOML file with any of these options; flags win.")
        ] = None,
        run_dir: Annotated[
            Path | None,
            typer.Option(help="Where everything goes. The same command finds its run again."),
        ] = None,
        device: Annotated[str | None, _device(help=DEVICES_HELP)] = None,
        runner: Annotated[
            str | None, _device(metavar="DIR|executor_runner=PATH", help=RUNNER_HELP)
        ] = None,
        wait_for_device: Annotated[
            float | None,
            _device(metavar="SECONDS", help="How long a lost device is waited for [600]."),
        ] = None,
        trials: Annotated[
            int | None, _sampling(help="Distinct candidates, earlier runs counted [12].")
        ] = None,
        time_budget_s: Annotated[
            float | None, _sampling(help="Start no candidate after this many seconds.")
        ] = None,
        hr: Annotated[Path | None, _images(help="Evaluation images [bundled samples].")] = None,
        lr: Annotated[
            Path | None, _images(help="Their LR versions [MATLAB-style bicubic].")
        ] = None,
        train: Annotated[Path | None, _images(help="Training images [bundled samples].")] = None,
        weights: Annotated[
            Path | None, _images(help="A checkpoint to slice from [the package's own].")
        ] = None,
        train_steps: Annotated[
            int | None,
            _images(help="Train a supernet for so many steps [none: the shipped one; else 500]."),
        ] = None,
        batch_size: Annotated[int | None, _images(help="Crops a step [8].")] = None,
        crop: Annotated[int | None, _images(help="Crop side, LR pixels [24].")] = None,
        lr_size: Annotated[str | None, _space(help="HEIGHTxWIDTH of the LR input [64x64].")] = None,
        scale: Annotated[int | None, _space(help="2, 3 or 4 [4].")] = None,
        n_feats: SpaceChoices = None,
        depths: SpaceChoices = None,
        ratios: SpaceChoices = None,
        window_sizes: SpaceChoices = None,
        precisions: Annotated[
            str | None,
            _space(help="Among fp32, fp16, int8: each a candidate [fp32].", metavar="A,B,..."),
        ] = None,
        n_heads: Annotated[int | None, _space(help="Attention heads [8].")] = None,
        body_passes: Annotated[int | None, _space(help="Body passes [1].")] = None,
        max_latency_ms: Annotated[float | None, _limit(help="Constraint.")] = None,
        max_memory_mb: Annotated[float | None, _limit(help="Constraint.")] = None,
        min_psnr_db: Annotated[float | None, _limit(help="Constraint, PSNR on Y.")] = None,
        sampler: Annotated[str | None, _sampling(help="tpe, nsga2, gp or random [tpe].")] = None,
        seed: Annotated[int | None, _sampling(help="Of training and sampling [0].")] = None,
        threads: Annotated[
            int | None, _measuring(help="Runtime threads [as the device suggests].")
        ] = None,
        sessions: Annotated[
            int | None, _measuring(help="Runner launches a measurement [5].")
        ] = None,
        settle_sessions: Annotated[
            int | None, _measuring(help="More launches, where the front is open [40].")
        ] = None,
        min_iterations: Annotated[
            int | None, _measuring(help="Timed runs a session, at least [10].")
        ] = None,
        min_time_s: Annotated[
            float | None, _measuring(help="Timed seconds a session, at least [0.5].")
        ] = None,
        session_timeout_s: Annotated[
            float | None, _measuring(help="Bound on one runner launch [300].")
        ] = None,
        export_timeout_s: Annotated[
            float | None, _measuring(help="Bound on one export [900].")
        ] = None,
        overlap: Annotated[
            int | None, _measuring(help="LR pixels shared by neighbouring tiles [auto].")
        ] = None,
        graph: Annotated[str | None, _space(help="deploy or reference [deploy].")] = None,
        lowering: Annotated[
            str | None, _space(help="direct or standard [direct for graph deploy].")
        ] = None,
        strip_kb: Annotated[
            int | None, _space(help="Cache in kB a direct graph is cut for; 0: uncut [3072].")
        ] = None,
        storage: Annotated[
            str | None, typer.Option(help=r"Optuna storage URL \[study.db in the run].")
        ] = None,
        dry_run: Annotated[
            bool,
            typer.Option("--dry-run", help="Say what would be done and for how long; do nothing."),
        ] = False,
        json: JsonOption = False,
    ) -> None:
        """Find the MobileSR configs worth having on a device: latency against PSNR.

        With no options: the host, bundled photographs, a small space, 12 candidates, about three
        minutes on two cores that do little else; --dry-run says it for any options. Ctrl-C or a
        kill loses at most the candidate in flight; the same command goes on.

        Example: mobilesr-tune search --hr set5/HR --lr set5/LR_x4 --train photos
        --lr-size 48x48 --trials 30 --max-latency-ms 40
        """
        given = {name: value for name, value in locals().items() if name not in _OWN_FLAGS}
        for name in ("n_feats", "depths", "ratios", "window_sizes"):
            given[name] = numbers(f"--{name.replace('_', '-')}", given[name])
        if precisions is not None:
            given["precisions"] = tuple(part.strip() for part in precisions.split(","))
        request = _resolved(given, config)
        if dry_run:
            _tell_plan(request, json)
        else:
            _run_search(request, json, after_search)

    return search


# Flags of `search` that are not fields of the request.
_OWN_FLAGS = {"config", "dry_run", "json", "after_search"}


def _resolved(flags: dict[str, Any], config: Path | None) -> SearchRequest:
    from models.window_padding import padding_sentence
    from search.request import SearchRequest

    request = SearchRequest.resolve(flags, config)
    if sentence := padding_sentence(request.lr_size, request.space.window_sizes):
        err.tell(sentence, style="yellow")
    return request


def _tell_plan(request: SearchRequest, json: bool) -> None:
    from search.forecast.dry_run import dry_run, dry_run_lines, dry_run_record

    found = dry_run(request)
    if json:
        print_json(dry_run_record(found))
        return
    for line in dry_run_lines(found):
        out.tell(line, indent=2)


def _run_search(
    request: SearchRequest, json: bool, after_search: Callable[[RunDirectory, bool], None]
) -> None:
    from search.forecast.rates import remember
    from search.forecast.remaining import RemainingTime
    from search.life import run_search

    with SearchDisplay(RemainingTime(request)) as display:
        outcome = run_search(request, ["mobilesr-tune", *sys.argv[1:]], display.events())
    for profile_key, rates in display.remaining.measured().items():
        remember(profile_key, rates)
    for sentence in outcome.devices:
        err.tell(sentence)
    err.tell(f"Search ended: {outcome.why}.")
    after_search(outcome.run, json)
