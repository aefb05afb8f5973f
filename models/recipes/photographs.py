"""Make the training folder of the shipped supernet from Debian packages and installed wheels.

Unpack each package that `photographs.toml` names, `apt-get download NAME && dpkg -x NAME_*.deb
PACKAGES/NAME`, then:

    python -m models.recipes.photographs PACKAGES OUTPUT

OUTPUT/train and OUTPUT/held_back are written as PNG. JPEG XL needs the pillow-jxl-plugin.
"""

from __future__ import annotations

import bz2
import importlib
import importlib.util
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

LIST = Path(__file__).with_name("photographs.toml")
# scipy.misc's raccoon: bzip2 over the bare pixels.
RAW_SHAPES = {"face.dat": (768, 1024, 3)}


def sources(packages: Path) -> Iterator[tuple[dict[str, Any], Path]]:
    """Each entry of the list with each of its files' path."""
    for source in tomllib.loads(LIST.read_text())["source"]:
        if "wheel" in source:
            spec = importlib.util.find_spec(source["wheel"])
            if spec is None or spec.origin is None:
                raise SystemExit(f"the Python package {source['wheel']} is not installed")
            root = Path(spec.origin).parent
        else:
            root = packages / source["package"]
        for name in source["files"]:
            yield source, root / source["folder"] / name


def load(path: Path) -> Image.Image:
    """One photograph as RGB."""
    if path.name in RAW_SHAPES:
        pixels = np.frombuffer(bz2.decompress(path.read_bytes()), np.uint8)
        return Image.fromarray(pixels.reshape(RAW_SHAPES[path.name]))
    return Image.open(path).convert("RGB")


def main(packages: Path, output: Path) -> None:
    """Write every photograph at every side that does not enlarge it."""
    if importlib.util.find_spec("pillow_jxl") is not None:
        importlib.import_module("pillow_jxl")
    for source, path in sources(packages):
        folder = output / ("held_back" if source.get("held_back") else "train")
        folder.mkdir(parents=True, exist_ok=True)
        image = load(path)
        stem = "_".join(
            p for p in path.with_suffix("").parts[-4:] if p not in ("contents", "images")
        )
        for side in source["sides"]:
            share = side / max(image.size)
            if share > 1.0:
                raise SystemExit(
                    f"{path} is {image.size}, smaller than {side}: nothing is enlarged"
                )
            size = (round(image.width * share), round(image.height * share))
            shrunk = image if share == 1.0 else image.resize(size, Image.Resampling.LANCZOS)
            shrunk.save(folder / f"{stem}_{side}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
