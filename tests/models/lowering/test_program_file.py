"""The program around a delegate, held against the one that ExecuTorch composes itself."""

import copy
import subprocess
import sys

import pytest
import torch

from models.lowering.executorch_internals import make_program
from models.lowering.xnnpack_graph import XnnpackGraph
from models.lowering.xnnpack_values import DataType


def grown(shape, larger, dtype):
    """A graph that pads its input: its constants are the numbers of a linear layer."""
    graph = XnnpackGraph()
    x = graph.input(shape, dtype)
    value = graph.convert(x, DataType.FP32)
    value = graph.linear(value, graph.kernel(torch.eye(shape[-1]), torch.zeros(shape[-1])))
    for axis, (side, more) in enumerate(zip(shape, larger, strict=True)):
        value = graph.pad(value, axis, 0, more - side)
    graph.output(graph.convert(value, dtype))
    return graph


def composed(shape, larger, dtype):
    """ExecuTorch's own program around one delegate: its interface is read off any network."""
    from executorch.exir import to_edge
    from executorch.exir.lowered_backend_module import LoweredBackendModule

    class Growing(torch.nn.Module):
        def forward(self, x):
            sides = [side for a, b in zip(shape, larger, strict=True) for side in (b - a, 0)]
            return torch.nn.functional.pad(x, sides[::-1])

    class Calling(torch.nn.Module):
        def __init__(self, delegate):
            super().__init__()
            self.delegate = delegate

        def forward(self, x):
            return self.delegate(x)

    example = (torch.zeros(shape, dtype=dtype),)
    delegate = LoweredBackendModule(
        edge_program=to_edge(
            torch.export.export(Growing(), example, strict=False)
        ).exported_program(),
        backend_id="XnnpackBackend", processed_bytes=b"the delegate", compile_specs=[],
    )  # fmt: skip
    calling = to_edge(torch.export.export(Calling(delegate), example, strict=False))
    return calling.to_executorch().executorch_program


@pytest.mark.parametrize(
    ("shape", "larger", "dtype"),
    [
        ((1, 3, 64, 64), (1, 3, 256, 256), DataType.FP32),
        ((1, 3, 13, 7), (1, 3, 39, 21), DataType.FP32),
        ((1, 13, 7, 3), (1, 26, 14, 3), DataType.QUINT8),
    ],
)
def test_it_is_what_executorch_composes(shape, larger, dtype):
    from executorch.exir._serialize._named_data_store import NamedDataStore
    from executorch.exir._serialize._program import (
        PTEFile,
        deserialize_pte_binary,
        serialize_pte_binary,
    )

    graph = grown(shape, larger, dtype)
    ours, planned_bytes = make_program(graph)
    read = deserialize_pte_binary(ours)
    (delegate,) = read.program.backend_delegate_data

    program = copy.copy(
        composed(shape, larger, torch.uint8 if dtype is DataType.QUINT8 else torch.float32)
    )
    program.backend_delegate_data = [delegate]
    store = NamedDataStore()
    for key, blob in graph.blobs.items():
        store.add_named_data(key, blob, alignment=16)
    theirs = bytes(
        serialize_pte_binary(
            PTEFile(program=program, named_data=store.get_named_data_store_output()),
            extract_delegate_segments=True,
        )
    )
    assert read == deserialize_pte_binary(theirs)
    assert planned_bytes == sum(program.execution_plan[0].non_const_buffer_sizes)
    # Behind the flatbuffer, whose tables another writer orders otherwise: byte by byte.
    segments = [int.from_bytes(pte[24:32], "little") for pte in (ours, theirs)]
    assert ours[segments[0] :] == theirs[segments[1] :]
    assert ours[8:16] == theirs[8:16]


def test_nothing_of_executorch_that_lowers_is_imported(tmp_path):
    """Its import takes longer than all else that an export does."""
    script = f"""
import sys
from pathlib import Path
from models.config import MobileSRConfig
from models.deployment import Deployment
from models.sentinel import export_sentinel
export_sentinel(Deployment.choose(lr_height=8, lr_width=8), Path({str(tmp_path)!r}))
sys.exit("executorch.exir" in sys.modules)
"""
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, timeout=120)
