"""Commands of `search`: `search`, `train`, `upscale`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from device_runner.commands.cli import RunnerOption, WaitOption
from foundation.console import out, print_json, progress_bar
from models.cli import ConfigOption, JsonOption, KeyOption, PresetOption, choose_config
from search.display import SearchDisplay
from search.search_command import DEVICE_HELP, Choices, numbers, search_command


def register(app: typer.Typer, after_search: Callable[[Path, bool], None]) -> None:
    """Mount the commands. `after_search(run_dir, json)` compiles and prints the report."""
    app.command()(search_command(after_search))
    app.command()(train)
    app.command()(upscale)


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
    with SearchDisplay() as display:
        weights = trainer.run(display.training)
    save_weights(weights, output)
    checkpoint.unlink(missing_ok=True)
    out.say(f"{output}: {request.space.size} configs, largest {request.space.largest().key}")


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
    out.say(
        f"{facts['output']}  {facts['width']}x{facts['height']} px, {facts['tiles']} tiles on "
        f"{facts['device']}"
    )
