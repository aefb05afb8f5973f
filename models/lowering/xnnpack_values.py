"""What an XNNPACK graph is made of: values of a type, constants, operators.

Numbers and names are those of ExecuTorch's schema (`backends/xnnpack/serialization/schema.fbs`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import torch

from models.quantization.grids import Grid, Grids

# The schema's number for "no value" and "no external id".
NONE = 2**32 - 1


class DataType(IntEnum):
    """Element types, by the schema's numbers.

    QINT8 is int8 on a grid that the graph knows. QCINT8 are int8 weights with a scale for each
    output channel, QCINT32 biases likewise. QDINT8 is int8 whose scale and zero point are found
    anew in each row when the program runs. QUINT8 are a picture's levels, 0 to 255, each of which
    counts as 1.
    """

    FP32 = 1
    FP16 = 2
    QINT8 = 3
    QUINT8 = 4
    QCINT8 = 6
    QCINT32 = 7
    QDINT8 = 9


TORCH_TYPES = {
    DataType.FP32: torch.float32,
    DataType.FP16: torch.float16,
    DataType.QCINT8: torch.int8,
    DataType.QCINT32: torch.int32,
}


@dataclass(frozen=True)
class Value:
    """A tensor of the graph, by its number; `grid` is that of QINT8."""

    number: int
    shape: tuple[int, ...]
    dtype: DataType = DataType.FP32
    grid: Grid | None = None


@dataclass(frozen=True)
class Node:
    """An operator: its name in the schema, and its fields there."""

    kind: str
    fields: dict[str, Any]


@dataclass
class Entry:
    """A value as the schema describes it.

    Attributes:
        constant: number of the constant that it is; 0 for what is computed.
        scales: number of the constant that holds the channels' scales; 0 where there are none.
        channel_axis: the axis that those scales are of.
    """

    shape: tuple[int, ...]
    dtype: DataType
    constant: int = 0
    scales: int = 0
    channel_axis: int = 0
    grid: Grid | None = None
    external_id: int = NONE
    flags: int = 0


@dataclass(frozen=True)
class Kernel:
    """Weights of a linear layer or a convolution, and their bias; shared by all that use them.

    Attributes:
        grids: of the layer's input and output, where it is in static int8.
    """

    weight: Value
    bias: Value | None
    grids: Grids | None = None

    @property
    def takes(self) -> Grid | None:
        """The grid that the input has to lie on; None where it may be anything."""
        return None if self.grids is None else self.grids.takes


@dataclass(frozen=True)
class Padding:
    """Zeros around a picture: rows above and below, columns at either side."""

    above: int
    below: int
    beside: int
