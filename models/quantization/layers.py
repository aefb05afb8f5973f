"""The linear layers of the deployed network by kind, and which of them int8 is good enough for."""

from __future__ import annotations

from enum import StrEnum


class LayerKind(StrEnum):
    """A linear layer of the deploy graph; a model has one of each for every block, or one at all.

    The norms' matmuls are none of them: they are arithmetic of LayerNorm, not weights.
    """

    QUERY = "query"
    KEY = "key"
    VALUE = "value"
    PROJECTION = "projection"
    MLP_IN = "mlp_in"
    MLP_OUT = "mlp_out"
    EXPAND = "expand"
    REDUCE = "reduce"
    UPSAMPLING = "upsampling"
    PATCHES = "patches"


# By the rule of `models.quantization.sensitivity` on training crops: docs/quality.md has the table.
INT8_LAYERS: frozenset[LayerKind] = frozenset(LayerKind) - {LayerKind.VALUE}
