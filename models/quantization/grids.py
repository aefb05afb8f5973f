"""Static int8: the grid that a tensor's values lie on, and how it is found from samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

Activation = Callable[[Tensor], Tensor]
_LOW, _HIGH = -128, 127
# Of the range that was seen, what the grid may cover: what lies outside is cut off, and all that
# lies inside is rounded more finely.
_SHARES = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2)
# Channels of zeros, and tensors of zeros, stay zero with any scale.
_LEAST_SCALE = 1e-8


@dataclass(frozen=True)
class Grid:
    """The value of step `q`, -128 to 127, is `scale * (q - zero_point)`; zero lies on it."""

    scale: float
    zero_point: int

    @property
    def farthest(self) -> float:
        """The value on it that is farthest from zero."""
        return self.scale * max(_LOW - self.zero_point, _HIGH - self.zero_point, key=abs)

    def narrowed(self, factor: float) -> Grid:
        """So many times as wide, and as fine."""
        return replace(self, scale=self.scale * factor)

    def steps(self, x: Tensor) -> Tensor:
        """Steps away from zero, whole numbers in float32; ties to even, what is outside cut off."""
        return self._within(x * (1.0 / self.scale))

    def rounded_steps(self, steps: Tensor) -> Tensor:
        """The values of the grid that are nearest to so many steps away from zero."""
        return self._within(steps) * self.scale

    def _within(self, steps: Tensor) -> Tensor:
        return (torch.round(steps) + self.zero_point).clamp(_LOW, _HIGH) - self.zero_point

    def rounded(self, x: Tensor) -> Tensor:
        """`x` as values of the grid."""
        return self.steps(x) * self.scale


@dataclass(frozen=True)
class Grids:
    """The grids of a layer's input and output."""

    takes: Grid
    gives: Grid


def fitted(samples: Tensor, through: Activation | None = None) -> Grid:
    """The grid of the least mean square error on these values, of some that cover their range.

    What counts is the error of what `through` makes of them, where that comes next. Both ends are
    drawn in together first, then each by itself.
    """
    values = samples.float()
    exact = values if through is None else through(values)
    low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))

    def error(shares: tuple[float, float]) -> float:
        made = _covering(low * shares[0], high * shares[1]).rounded(values)
        made = made if through is None else through(made)
        return float((made - exact).square().mean())

    below, above = min(((share, share) for share in _SHARES), key=error)
    below, _ = min(((share, above) for share in _SHARES), key=error)
    _, above = min(((below, share) for share in _SHARES), key=error)
    return _covering(low * below, high * above)


def _covering(low: float, high: float) -> Grid:
    # As a float32, which is what a file holds.
    scale = float(torch.tensor(max((high - low) / (_HIGH - _LOW), _LEAST_SCALE)))
    return Grid(scale, max(_LOW, min(_HIGH, round(_LOW - low / scale))))


def thinned(values: Tensor, most: int) -> Tensor:
    """About `most` of the values, evenly spread, with the least and the largest of all."""
    flat = values.detach().flatten()
    step = max(1, flat.numel() // most)
    return torch.cat([flat[::step], flat.min()[None], flat.max()[None]])
