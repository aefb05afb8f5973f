"""Commands of `search`: `search`, `train`, `upscale`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from device_runner.cli import RunnerOption, WaitOption
from foundation.console import err, out, print_json, progress_bar
from models.cli import ConfigOption, JsonOption, KeyOption, PresetOption, choose_config

if TYPE_CHECKING:
    from search.records import CandidateResult
    from search.session import Watcher

Choices = Annotated[str | None, typer.Option(metavar="A,B,...")]
DEVICE_HELP = "'auto', 'host', or a serial that 'mobilesr-tune devices' shows."


def numbers(option: str, text: str | None) -> tuple[int, ...] | None:
    """`8,16,24` as numbers. Raises `SpaceError` for anything else."""
    from search.errors import SpaceError

    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise SpaceError(f"{option} {text}: give whole numbers with commas between") from None


def register(app: typer.Typer, after_search: Callable[[Path, bool], None]) -> None:
    """Mount the commands. `after_search(run_dir, json)` compiles and prints the report."""
    app.command()(_search_command(after_search))
    app.command()(train)
    app.command()(upscale)


def _search_command(after_search: Callable[[Path, bool], None]) -> Callable[..., None]:
    def search(
        config: Annotated[
            Path | None, typer.Option(help="TOML file with any of these options; flags win.")
        ] = None,
        run_dir: Annotated[
            Path | None,
            typer.Option(help="Where everything goes. The same command finds its run again."),
        ] = None,
        device: Annotated[str | None, typer.Option(help=DEVICE_HELP)] = None,
        trials: Annotated[
            int | None, typer.Option(help="Distinct candidates, earlier runs counted [12].")
        ] = None,
        time_budget_s: Annotated[
            float | None, typer.Option(help="Start no candidate after this many seconds.")
        ] = None,
        hr: Annotated[
            Path | None, typer.Option(help="Evaluation images [bundled samples].")
        ] = None,
        lr: Annotated[
            Path | None, typer.Option(help="Their LR versions [MATLAB-style bicubic].")
        ] = None,
        train: Annotated[
            Path | None, typer.Option(help="Training images [bundled samples].")
        ] = None,
        weights: Annotated[
            Path | None, typer.Option(help="A checkpoint to slice from, instead of training.")
        ] = None,
        train_steps: Annotated[int | None, typer.Option(help="Supernet steps [500].")] = None,
        batch_size: Annotated[int | None, typer.Option(help="Crops a step [8].")] = None,
        crop: Annotated[int | None, typer.Option(help="Crop side, LR pixels [24].")] = None,
        lr_size: Annotated[
            str | None, typer.Option(help="HEIGHTxWIDTH of the LR input [64x64].")
        ] = None,
        scale: Annotated[int | None, typer.Option(help="2, 3 or 4 [4].")] = None,
        n_feats: Choices = None,
        depths: Choices = None,
        ratios: Choices = None,
        window_sizes: Choices = None,
        n_heads: Annotated[int | None, typer.Option(help="Attention heads [8].")] = None,
        body_passes: Annotated[int | None, typer.Option(help="Body passes [1].")] = None,
        max_latency_ms: Annotated[float | None, typer.Option(help="Constraint.")] = None,
        max_memory_mb: Annotated[float | None, typer.Option(help="Constraint.")] = None,
        min_psnr_db: Annotated[float | None, typer.Option(help="Constraint, PSNR on Y.")] = None,
        sampler: Annotated[str | None, typer.Option(help="tpe, nsga2, gp or random [tpe].")] = None,
        seed: Annotated[int | None, typer.Option(help="Of training and sampling [0].")] = None,
        threads: Annotated[
            int | None, typer.Option(help="Runtime threads [as the device suggests].")
        ] = None,
        sessions: Annotated[
            int | None, typer.Option(help="Runner launches a measurement [3].")
        ] = None,
        min_iterations: Annotated[
            int | None, typer.Option(help="Timed runs a session, at least [10].")
        ] = None,
        min_time_s: Annotated[
            float | None, typer.Option(help="Timed seconds a session, at least [0.5].")
        ] = None,
        session_timeout_s: Annotated[
            float | None, typer.Option(help="Bound on one runner launch [300].")
        ] = None,
        export_jobs: Annotated[
            int | None, typer.Option(help="Export processes, never while measuring [2].")
        ] = None,
        export_timeout_s: Annotated[
            float | None, typer.Option(help="Bound on a batch of exports [900].")
        ] = None,
        overlap: Annotated[
            int | None, typer.Option(help="LR pixels shared by neighbouring tiles [auto].")
        ] = None,
        graph: Annotated[str | None, typer.Option(help="deploy or reference [deploy].")] = None,
        storage: Annotated[
            str | None, typer.Option(help="Optuna storage URL [study.db in the run].")
        ] = None,
        json: JsonOption = False,
    ) -> None:
        """Find the MobileSR configs worth having on a device: latency against PSNR.

        With no options: the host, bundled photographs, a small space, 12 candidates, about ten
        minutes on two cores. Ctrl-C or a kill loses at most the candidate in flight; the same
        command goes on.

        Example: mobilesr-tune search --hr set5/HR --lr set5/LR_x4 --train photos
        --lr-size 48x48 --trials 30 --max-latency-ms 40
        """
        given = {name: value for name, value in locals().items() if name not in _OWN_FLAGS}
        for name in ("n_feats", "depths", "ratios", "window_sizes"):
            given[name] = numbers(f"--{name.replace('_', '-')}", given[name])
        _run_search(given, config, json, after_search)

    return search


# Flags of `search` that are not fields of the request.
_OWN_FLAGS = {"config", "json", "after_search"}


def _run_search(
    flags: dict[str, Any],
    config: Path | None,
    json: bool,
    after_search: Callable[[Path, bool], None],
) -> None:
    from search.request import SearchRequest

    request = SearchRequest.resolve(flags, config)
    from search.session import run_search

    with SearchDisplay(request.trials) as display:
        outcome = run_search(request, ["mobilesr-tune", *sys.argv[1:]], display.watcher())
    err.print(f"Search ended: {outcome.why}.")
    after_search(outcome.run.path, json)


class SearchDisplay:
    """A bar for the trials, one for the training, and a line for each finished candidate."""

    def __init__(self, trials: int) -> None:
        self.bar = progress_bar()
        self.trials = trials
        self.task = self.bar.add_task("candidates", total=trials, visible=False)
        self.stage_task = self.bar.add_task("starting", total=None)
        self.announced = 0

    def __enter__(self) -> SearchDisplay:
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def watcher(self) -> Watcher:
        from search.session import Watcher

        return Watcher(
            stage=self._stage, finished=self._finished, opened=self._opened,
            training=self._training,
        )  # fmt: skip

    def _stage(self, text: str) -> None:
        self.bar.update(self.stage_task, description=text[:70], total=None, completed=0)
        if not err.is_terminal and text.startswith("training"):
            err.print(text)

    def _opened(self, run: Any, sentence: str) -> None:
        err.print(f"Run directory: {run.path}", soft_wrap=True)
        err.print(sentence, soft_wrap=True)

    def _training(self, progress: Any) -> None:
        self.bar.update(
            self.stage_task, total=progress.steps, completed=progress.step,
            description=f"training the supernet, L1 {progress.loss:.4f}",
        )  # fmt: skip
        # A log has no moving bar: one line every tenth of the way.
        tenth = progress.step * 10 // progress.steps
        if not err.is_terminal and tenth > self.announced:
            err.print(f"training: step {progress.step}/{progress.steps}, L1 {progress.loss:.4f}")
        self.announced = max(self.announced, tenth)

    def _finished(self, result: CandidateResult, done: int, total: int) -> None:
        from models.config import MobileSRConfig

        key = MobileSRConfig.build(**result.config).key
        self.bar.update(self.task, completed=done, total=total, visible=True)
        if result.status == "ok":
            text = (
                f"{result.latency_ms:8.2f} ms  {result.psnr_y_db:.2f} dB  "
                f"{result.peak_memory_mb:.0f} MB"
            )
        else:
            text = f"{result.status}: {result.reason}"
        err.print(f"{done:>3}/{total}  {key:<34} {text}", soft_wrap=True, highlight=False)


def train(
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the weights go (.pt).")],
    images: Annotated[Path | None, typer.Option(help="Training images [bundled samples].")] = None,
    steps: Annotated[int, typer.Option(help="Optimizer steps.")] = 500,
    batch_size: Annotated[int, typer.Option(help="Crops a step.")] = 8,
    crop: Annotated[int, typer.Option(help="Crop side, LR pixels.")] = 24,
    seed: Annotated[int, typer.Option(help="Of crops, configs and initial weights.")] = 0,
    scale: Annotated[int, typer.Option(help="2, 3 or 4.")] = 4,
    n_feats: Choices = None,
    depths: Choices = None,
    ratios: Choices = None,
    window_sizes: Choices = None,
    n_heads: Annotated[int, typer.Option(help="Attention heads.")] = 8,
) -> None:
    """Train a supernet: one set of weights that contains every config of the space.

    Stopped or killed, the same command goes on from its checkpoint beside the output.

    Example: mobilesr-tune train --images photos --steps 20000 --n-feats 16,32,48 -o supernet.pt
    """
    from foundation.files import require_writable
    from models.images import image_files, load_rgb
    from models.samples import sample_training_images
    from models.training import SupernetTrainer, TrainingPlan
    from models.weights import save_weights
    from search.request import SearchRequest

    flags = {
        "n_feats": numbers("--n-feats", n_feats), "depths": numbers("--depths", depths),
        "ratios": numbers("--ratios", ratios), "n_heads": n_heads, "scale": scale,
        "window_sizes": numbers("--window-sizes", window_sizes), "seed": seed, "crop": crop,
        "train_steps": steps, "batch_size": batch_size,
    }  # fmt: skip
    request = SearchRequest.resolve(flags)
    require_writable(output)
    photos = (
        sample_training_images() if images is None else [load_rgb(p) for p in image_files(images)]
    )
    plan = TrainingPlan(steps=steps, batch_size=batch_size, crop=crop, seed=seed)
    checkpoint = output.with_name(f".{output.name}.training")
    trainer = SupernetTrainer(request.space, photos, plan, checkpoint)
    with SearchDisplay(0) as display:
        weights = trainer.run(display._training)
    save_weights(weights, output)
    checkpoint.unlink(missing_ok=True)
    out.print(f"{output}: {request.space.size} configs, largest {request.space.largest().key}")


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
    device: Annotated[str, typer.Option(help=DEVICE_HELP)] = "auto",
    runner: RunnerOption = None,
    wait: WaitOption = 0.0,
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
        device=device, threads=threads, timeout_s=timeout_s, runner=runner, wait_s=wait,
    )  # fmt: skip
    with progress_bar("tiles") as bar:
        task = bar.add_task("upscaling", total=None)
        facts = upscale_photo(
            request,
            lambda loaded: choose_config(preset, key, changes, loaded),
            lambda text: bar.update(task, description=text),
            lambda done, total: bar.update(task, completed=done, total=total),
        )
    if json:
        print_json(facts)
        return
    out.print(
        f"[bold]{facts['output']}[/bold]  {facts['width']}x{facts['height']} px, "
        f"{facts['tiles']} tiles on {facts['device']}"
    )
