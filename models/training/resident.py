"""Photographs that lie on the training device: crops are gathered there, and no step waits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.training.crops import CropSampler, Placement


class ResidentPhotographs:
    """The photographs of a sampler that holds them all, as one run of pixels on a device."""

    def __init__(self, crops: CropSampler, device: str) -> None:
        """Raises as `CropSampler.draw`; `ValueError` where the sampler does not hold all."""
        if not crops.holds_all:
            raise ValueError("not all photographs are held")
        held = crops.at_first()
        self.device = device
        self.row = {number: row for row, (number, _, _) in enumerate(held)}
        self.low = _Images([low for _, low, _ in held], crops.crop, device)
        self.high = _Images([high for _, _, high in held], crops.crop * crops.scale, device)
        self.scale = crops.scale

    def cut(self, placements: Sequence[Placement]) -> tuple[Tensor, Tensor]:
        """(count, 3, crop, crop) and (count, 3, scale * crop, scale * crop), uint8, as `draw`."""
        numbers = torch.tensor(
            [(self.row[p.photograph], p.top, p.left, 4 * p.mirror + p.turns) for p in placements]
        ).to(self.device)
        image, top, left, form = numbers.unbind(1)
        return (
            self.low.cut(image, top, left, form),
            self.high.cut(image, top * self.scale, left * self.scale, form),
        )


class _Images:
    """Images of one kind, (height, width, 3) each, and the forms in which a crop is read."""

    def __init__(self, images: Sequence[NDArray[np.uint8]], side: int, device: str) -> None:
        flat = np.concatenate([image.reshape(-1, 3) for image in images])
        self.pixels = torch.from_numpy(flat).to(device)
        areas = [image.shape[0] * image.shape[1] for image in images]
        self.first = torch.tensor([0, *np.cumsum(areas)[:-1].tolist()], device=device)
        self.width = torch.tensor([image.shape[1] for image in images], device=device)
        rows, columns = np.mgrid[:side, :side]
        # Which row and column of the square a pixel of the crop comes from, by form.
        turned = [[np.rot90(grid, turns) for turns in range(4)] for grid in (rows, columns)]
        forms = [np.stack([*plain, *(grid[:, ::-1] for grid in plain)]) for plain in turned]
        self.rows, self.columns = (torch.from_numpy(grids.copy()).to(device) for grids in forms)

    def cut(self, image: Tensor, top: Tensor, left: Tensor, form: Tensor) -> Tensor:
        row = self.rows[form] + top[:, None, None]
        column = self.columns[form] + left[:, None, None]
        at = self.first[image][:, None, None] + row * self.width[image][:, None, None] + column
        return self.pixels[at].permute(0, 3, 1, 2)
