"""The command `train`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foundation.console import err, out, print_json
from foundation.wording import count_of
from models.errors import TrainingError

if TYPE_CHECKING:
    from models.images import ImagePair
    from models.training.photographs import Photograph
    from models.training.recipe import TrainingRecipe
    from models.training.space import ConfigSpace
    from models.training.supernet import SupernetTrainer
    from models.weights import Weights

Numbers = Annotated[str | None, typer.Option(help="Comma-separated choices.")]
# `--from` of weights that are trained already: a rate at which they are not unlearnt.
FINE_LEARNING_RATE = 2e-4


def train(
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the weights go (.pt).")],
    images: Annotated[
        Path | None, typer.Option(help=r"Training images \[bundled samples].")
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option(help="TOML with the tables space and plan.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="Train this config only, no supernet.")] = None,
    start: Annotated[
        Path | None, typer.Option("--from", help="Start from what this checkpoint contains.")
    ] = None,
    held_back: Annotated[
        Path | None, typer.Option(help=r"Images to judge progress on \[some of them].")
    ] = None,
    steps: Annotated[int | None, typer.Option(help=r"Optimizer steps \[500].")] = None,
    batch_size: Annotated[int | None, typer.Option(help=r"Crops a step \[8].")] = None,
    crop: Annotated[int | None, typer.Option(help=r"Crop side, LR pixels \[24].")] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help=r"Of Adam \[2e-3; 2e-4 with --from].")
    ] = None,
    seed: Annotated[int | None, typer.Option(help=r"Of crops, configs, weights \[0].")] = None,
    scale: Annotated[int | None, typer.Option(help=r"2, 3 or 4 \[4].")] = None,
    n_feats: Numbers = None,
    depths: Numbers = None,
    ratios: Numbers = None,
    window_sizes: Numbers = None,
    n_heads: Annotated[int | None, typer.Option(help=r"Attention heads \[8].")] = None,
    cache_mb: Annotated[int, typer.Option(help="Memory for images, MB.")] = 2048,
    checkpoint_every_s: Annotated[
        float, typer.Option(help="A kill loses at most so many seconds.")
    ] = 20.0,
    tensorboard: Annotated[
        Path | None, typer.Option(help="Folder for TensorBoard logs (needs the extra).")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Train a supernet, one set of weights that contains every config of the space; or one config.

    On a GPU if there is one; how long it takes is told after ten seconds. Stopped or killed, the
    same command goes on from its checkpoint beside the output, to the same weights. --steps may
    change until the learning rate begins to fall, at 60 % of them.

    Example: mobilesr-tune train --images photos --steps 20000 --n-feats 16,32,48 -o supernet.pt

    Example: mobilesr-tune train --key n32_h8_r2.1_w4_x4_p1 --images photos --steps 20000
    -o alone.pt
    """
    from foundation.files import require_writable
    from models.training.recipe import TrainingRecipe
    from models.training.supernet import SupernetTrainer, TrainingOptions
    from models.weights import load_weights

    require_writable(output)
    flags: dict[str, Any] = {
        "key": key, "steps": steps, "batch_size": batch_size, "crop": crop, "seed": seed,
        "learning_rate": learning_rate, "scale": scale, "n_heads": n_heads,
        "n_feats": _numbers("--n-feats", n_feats), "depths": _numbers("--depths", depths),
        "ratios": _numbers("--ratios", ratios),
        "window_sizes": _numbers("--window-sizes", window_sizes),
    }  # fmt: skip
    if recipe is None and start is not None and learning_rate is None:
        flags["learning_rate"] = FINE_LEARNING_RATE
    resolved = TrainingRecipe.resolve(recipe, flags)
    space = resolved.config_space()
    photographs, pairs = _pictures(images, held_back, resolved, space)
    options = TrainingOptions(
        output.with_name(f".{output.name}.training"), checkpoint_every_s, cache_mb * 2**20, pairs
    )
    weights = None if start is None else load_weights(start)
    trainer = SupernetTrainer(space, photographs, resolved.plan, options, weights)
    trained = _run(trainer, output, tensorboard)
    if json:
        facts = {"path": str(output), "largest": trainer.full.key, "sha256": trained.sha256}
        print_json(facts | {"training": trained.training})
        return
    meant = "largest config" if trained.is_supernet else "config"
    out.say(f"{output}: {meant} {trainer.full.key}")


def _pictures(
    images: Path | None, held_back: Path | None, recipe: TrainingRecipe, space: ConfigSpace
) -> tuple[Sequence[Photograph], Sequence[ImagePair]]:
    """What is trained on and what progress is judged on; says what of the images is not used."""
    from models.images import look_through
    from models.samples import sample_training_images
    from models.training.photographs import hold_back, photographs_in, photographs_of, select
    from models.training.probe import probe_pairs

    scale = space.largest().scale
    found = photographs_of(sample_training_images()) if images is None else photographs_in(images)
    selection = select(found, recipe.plan.crop * scale)
    not_read = "" if images is None else look_through(images).sentence
    for sentence in filter(None, [not_read, *selection.sentences()]):
        err.say(sentence, style="yellow")
    used, judged = list(selection.used), []
    if held_back is not None:
        judged = photographs_in(held_back)
    else:
        used, judged = hold_back(used, recipe.plan.seed)
    return used, probe_pairs(judged, scale)


def _run(trainer: SupernetTrainer, output: Path, tensorboard: Path | None) -> Weights:
    from models.training.display import TrainingDisplay
    from models.weights import save_weights

    err.say(
        f"{count_of(len(trainer.crops.photographs), 'image')} "
        f"({len(trainer.probe.pairs)} held back), "
        f"{trainer.numerics.sentence}"
    )
    with TrainingDisplay(tensorboard) as display:
        trained = trainer.run(display.step)
    save_weights(trained, output)
    if trainer.options.checkpoint is not None:
        trainer.options.checkpoint.unlink(missing_ok=True)
    return trained


def _numbers(flag: str, text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise TrainingError(f"{flag} {text}: comma-separated whole numbers are needed") from None
