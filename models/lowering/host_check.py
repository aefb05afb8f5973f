"""A `.pte` runs once on this host, and must answer as eager PyTorch does.

Eager PyTorch is the network as written. So that judging costs no more than the judged, features
lie channels last, and what is computed token by token or window by window is computed a piece at
a time: tensors that stay in the caches and come from memory that was used before.
"""

from __future__ import annotations

import contextlib
import copy
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from models.errors import ExportError
from models.network import MobileSR, WindowTransformer

# Of the scores of one piece's windows, or of the hidden values of one piece's rows.
_PIECE_BYTES = 4 * 2**20
_FP32_BYTES = 4


class _InPieces(nn.Module):
    """A module that treats what lies along `axis` alike and apart, `count` of it at a time."""

    def __init__(self, whole: nn.Module, axis: int, count: int) -> None:
        super().__init__()
        self.whole, self.axis, self.count = whole, axis, count

    def forward(self, x: Tensor) -> Tensor:
        parts = torch.split(x, self.count, self.axis)
        return torch.cat([self.whole(part) for part in parts], self.axis)


def eager_answer(model: MobileSR, example: Tensor) -> Tensor:
    """What eager PyTorch answers to `example`, (1, 3, H, W); contiguous."""
    judge, config = copy.deepcopy(model).eval(), model.config
    judge.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's stubs
    scores_bytes = config.n_heads * config.window_size**4 * _FP32_BYTES
    for layer, ratio in zip(judge.body.layers, config.ratios, strict=True):
        block = layer[0]
        assert isinstance(block, WindowTransformer)
        row_bytes = example.shape[3] * config.n_feats * ratio * _FP32_BYTES
        # (windows, tokens, C) and (1, H, W, C).
        block.attn = _InPieces(block.attn, 0, max(1, _PIECE_BYTES // scores_bytes))  # type: ignore[assignment]  # as good as the module it holds
        block.mlp = _InPieces(block.mlp, 1, max(1, _PIECE_BYTES // row_bytes))  # type: ignore[assignment]
    with torch.inference_mode():
        return judge(example.contiguous(memory_format=torch.channels_last)).contiguous()


def require_right(
    path: Path, name: str, example: Tensor, expected: Tensor, tolerance: float
) -> None:
    """Load the program at `path`, run it on `example` and compare.

    Raises:
        ExportError: it does not load or run, or an output differs by more than `tolerance`.
    """
    from executorch.runtime import Runtime

    try:
        with _silent():
            method = Runtime.get().load_program(path).load_method("forward")
            assert method is not None
            (answer,) = method.execute([example])
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise ExportError(
            f"{name} was lowered, and the runtime of this host cannot run it: {reason[:200]}"
        ) from error
    largest = float((answer - expected).abs().max())
    # A comparison with NaN is never true.
    if answer.shape != expected.shape or not largest <= tolerance:
        raise ExportError(
            f"{name} was lowered, and answers wrongly on this host: off by up to {largest:.3g}, "
            f"at most {tolerance:g} is allowed"
        )


_one_at_a_time = threading.Lock()


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Without what the runtime writes to the process's stderr about this host's CPU."""
    sys.stderr.flush()
    with _one_at_a_time, Path(os.devnull).open("wb") as nowhere:
        kept = os.dup(2)
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
