"""The commands `evaluate` and `train`, and options that commands about a checkpoint share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foundation.console import err, out, print_json, progress_bar
from foundation.errors import RequestError
from models.training.command import train

if TYPE_CHECKING:
    from models.config import MobileSRConfig
    from models.evaluation import Evaluation
    from models.weights import Weights

PresetOption = Annotated[
    str | None, typer.Option("--preset", help="ntire2022 (published) or article.")
]
KeyOption = Annotated[
    str | None, typer.Option("--key", help="Config by its key, as reports print it.")
]
ConfigOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="NAME=VALUE",
        help="Change one field of the config: n_feats=32, ratios=2,2,1, window_size=4, ...",
    ),
]  # fmt: skip
PrecisionOption = Annotated[
    str | None,
    typer.Option("--precision", help=r"fp32, fp16 or int8, of a direct graph. \[fp32]"),
]
IoOption = Annotated[
    str | None,
    typer.Option(
        "--io",
        help="float: planes of 0 to 1. uint8: an app's own pixels in and out, of a direct graph. "
        r"\[float]",
    ),
]
WeightsOption = Annotated[Path, typer.Option(help="Checkpoint: published .pth or ours.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]


def choose_config(
    preset_name: str | None, key: str | None, changes: list[str] | None, weights: Weights
) -> MobileSRConfig:
    """The config a user means: a key, a preset, or the checkpoint's own; then `--set` changes.

    Raises:
        ConfigError: nothing says which architecture, or a change makes none.
    """
    from models.config import PRESETS, MobileSRConfig, preset
    from models.config_of_state import config_of_state
    from models.errors import ConfigError

    if preset_name is not None and key is not None:
        raise ConfigError("--preset and --key were both given: choose one")
    if key is not None:
        config = MobileSRConfig.from_key(key)
    elif preset_name is not None:
        config = preset(preset_name)
    elif weights.is_supernet and weights.config is not None:
        raise ConfigError(
            f"{weights.source} is a supernet, which contains many configs: say which with --key "
            f"(reports print it), for example its largest, --key {weights.config.key}; that is "
            "also the one of a file in which one config was trained alone"
        )
    elif weights.config is not None:
        config = weights.config
    else:
        by_shapes = config_of_state(weights.state, MobileSRConfig())
        fits = f" (its shapes are those of {by_shapes.key})" if by_shapes is not None else ""
        raise ConfigError(
            f"{weights.source} does not say which architecture it is: add --preset "
            f"({' or '.join(PRESETS)}) or --key{fits}, and --set where it differs"
        )
    fields: dict[str, Any] = config.model_dump()
    for change in changes or []:
        name, _, value = change.partition("=")
        if name not in fields or not value:
            raise ConfigError(f"--set {change}: use NAME=VALUE with one of {', '.join(fields)}")
        try:
            numbers = tuple(int(part) for part in value.split(","))
        except ValueError:
            raise ConfigError(f"--set {change}: the value must be whole numbers") from None
        fields[name] = numbers if name == "ratios" else numbers[0]
    return MobileSRConfig.build(**fields)


def evaluate(
    weights: WeightsOption,
    hr: Annotated[
        Path | None,
        typer.Option(help=r"Folder of ground-truth images \[the bundled ones of a search]."),
    ] = None,
    lr: Annotated[
        Path | None, typer.Option(help="Folder of LR inputs; default: MATLAB-style bicubic.")
    ] = None,
    preset: PresetOption = None,
    key: KeyOption = None,
    changes: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """PSNR and SSIM of a checkpoint in eager PyTorch, image by image, bicubic beside it.

    Y is BT.601 studio range, `scale` pixels are shaved, outputs are uint8.

    Example: mobilesr-tune evaluate --preset ntire2022 --weights mobilesr_x4.pth
    --hr set5/HR --lr set5/LR_x4
    """
    from models.evaluation import evaluate as run
    from models.images import load_pairs
    from models.samples import sample_pairs
    from models.weights import build_model, how_read, load_weights

    loaded = load_weights(weights)
    if sentence := how_read(loaded, weights):
        err.say(sentence)
    config = choose_config(preset, key, changes, loaded)
    model = build_model(config, loaded)
    if hr is None and lr is not None:
        raise RequestError("--lr was given without --hr: PSNR needs the HR images too")
    pairs = sample_pairs(config.scale) if hr is None else load_pairs(hr, lr, config.scale)
    with progress_bar("images") as bar:
        task = bar.add_task("evaluating", total=len(pairs))
        result = run(model, pairs, lambda _: bar.advance(task))
    if json:
        print_json(_as_data(result, config))
        return
    _print_evaluation(result, config)


def _as_data(result: Evaluation, config: MobileSRConfig) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "config": config.model_dump(mode="json"),
        "key": config.key,
        "images": [asdict(image) for image in result.images],
        "mean": {"model": asdict(result.model), "bicubic": asdict(result.bicubic)},
    }


def _print_evaluation(result: Evaluation, config: MobileSRConfig) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=Text(f"{config.key}, border {config.scale} px shaved"), title_justify="left"
    )
    table.add_column("image")
    for column in (
        "PSNR Y dB",
        "PSNR RGB dB",
        "SSIM Y",
        "bicubic Y",
        "bicubic RGB",
        "bicubic SSIM",
    ):
        table.add_column(column, justify="right")
    rows = [(image.name, image.model, image.bicubic) for image in result.images]
    for name, model, bicubic in [*rows, ("mean", result.model, result.bicubic)]:
        if name == "mean":
            table.add_section()
        table.add_row(
            Text(name),
            *(f"{s:.{d}f}" for b in (model, bicubic)
              for s, d in ((b.psnr_y_db, 2), (b.psnr_rgb_db, 2), (b.ssim_y, 4))),
        )  # fmt: skip
    out.print(table)


def register(app: typer.Typer) -> None:
    """Mount `evaluate` and `train`; `export` is `models.export_command`."""
    app.command()(evaluate)
    app.command()(train)
