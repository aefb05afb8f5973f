"""Everything that leans on what ExecuTorch does not promise: its XNNPACK schema and file format.

A graph becomes the delegate's bytes by ExecuTorch's own `schema.fbs` and `flatc`. Around it goes
a program that only calls the delegate, made by ExecuTorch from a `LoweredBackendModule`; it
depends on nothing but the shapes of input and output, so it is made once for each.

All of it was read and tried for one version. For any other `unfit` says so in a sentence, and
models are lowered by ExecuTorch's partitioner instead.
"""

from __future__ import annotations

import copy
import hashlib
import importlib.metadata
import importlib.util
import json
import struct
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.errors import ExportError
from models.lowering.xnnpack_values import DataType
from models.quantization.grids import Grid

if TYPE_CHECKING:
    from torch import Tensor

    from models.lowering.xnnpack_graph import XnnpackGraph
    from models.lowering.xnnpack_values import Entry, Node

VERSION = "1.4.1"
# What the bytes depend on, as that version has it.
_FILES = {
    "schema.fbs": "a4dca505a91b7c9ff690d0f58d5f2a49dc044a44d9261743fc32331eb644102d",
    "xnnpack_graph_serialize.py": (
        "06105346ebec145493657f22bd9dac54668654e937ccc547a6fba66a0e77bd5a"
    ),
}
_SERIALIZATION = Path("backends", "xnnpack", "serialization")
_BACKEND = "XnnpackBackend"
# `XNNHeader` of xnnpack_graph_serialize.py: magic at byte 4, then the header's own length, offset
# and size of the flatbuffer, offset and size of constants that follow it (here: none do).
_HEADER = struct.Struct("<4x4sHIIIQ")
_HEADER_MAGIC = b"XH00"
_ALIGNMENT = 16
_NO_OFFSET = 2**64 - 1
_NO_DEBUG_HANDLE = 65535


@lru_cache(maxsize=1)
def unfit() -> str:
    """Why graphs cannot be written directly here, in words; empty where they can.

    Imports nothing of ExecuTorch.
    """
    found = importlib.metadata.version("executorch")
    if found != VERSION:
        return f"the direct lowering was made for executorch {VERSION}, and {found} is installed"
    for name, sha256 in _FILES.items():
        try:
            content = (_folder() / name).read_bytes()
        except OSError:
            content = b""
        if hashlib.sha256(content).hexdigest() != sha256:
            return (
                f"the direct lowering was made for executorch {VERSION}, and the {name} that is "
                "installed is another"
            )
    return ""


def _folder() -> Path:
    spec = importlib.util.find_spec("executorch")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(next(iter(spec.submodule_search_locations))) / _SERIALIZATION


def make_program(graph: XnnpackGraph) -> tuple[bytes, int]:
    """The `.pte` whose only delegate is `graph`, and the bytes the runtime plans around it.

    Raises:
        ExportError: `unfit` says why not.
    """
    if reason := unfit():
        raise ExportError(f"{reason}: export by lowering standard instead")
    from executorch.exir._serialize._named_data_store import NamedDataStore
    from executorch.exir._serialize._program import PTEFile, serialize_pte_binary

    store = NamedDataStore()
    for key, blob in graph.blobs.items():
        store.add_named_data(key, blob, alignment=_ALIGNMENT)
    shell = _shell(*(_outside(graph, numbers) for numbers in (graph.inputs, graph.outputs)))
    program = copy.copy(shell)
    delegate = copy.copy(shell.backend_delegate_data[0])
    delegate.data = _delegate_bytes(graph)
    program.backend_delegate_data = [delegate]
    pte = serialize_pte_binary(
        PTEFile(program=program, named_data=store.get_named_data_store_output()),
        extract_delegate_segments=True,
    )
    return bytes(pte), sum(shell.execution_plan[0].non_const_buffer_sizes)


@dataclass(frozen=True)
class _Outside:
    """The one input or output of a graph, as its caller sees it."""

    shape: tuple[int, ...]
    is_uint8: bool


def _outside(graph: XnnpackGraph, numbers: list[int]) -> _Outside:
    (number,) = numbers
    entry = graph.entries[number]
    return _Outside(entry.shape, entry.dtype is DataType.QUINT8)


_shells: dict[tuple[_Outside, _Outside], Any] = {}
_shells_lock = threading.Lock()


def _shell(given: _Outside, made: _Outside) -> Any:
    """ExecuTorch's program around one delegate of this form, whose bytes are to be exchanged."""
    with _shells_lock:
        known = (given, made)
        if known not in _shells:
            _shells[known] = _make_shell(given, made)
        return _shells[known]


def _make_shell(given: _Outside, made: _Outside) -> Any:
    import torch
    from executorch.exir import to_edge
    from executorch.exir.lowered_backend_module import LoweredBackendModule

    grown = [new - old for old, new in zip(given.shape, made.shape, strict=True)]
    of_type = {False: torch.float32, True: torch.uint8}

    class Reshaping(torch.nn.Module):
        """Any network of this form: the delegate's interface is read off it."""

        def forward(self, x: Tensor) -> Tensor:
            larger = torch.nn.functional.pad(
                x, [side for more in reversed(grown) for side in (0, more)]
            )
            return larger.to(of_type[made.is_uint8])

    class Calling(torch.nn.Module):
        def __init__(self, delegate: torch.nn.Module) -> None:
            super().__init__()
            self.delegate = delegate

        def forward(self, x: Tensor) -> Tensor:
            return self.delegate(x)

    example = (torch.zeros(given.shape, dtype=of_type[given.is_uint8]),)
    interface = to_edge(torch.export.export(Reshaping(), example, strict=False))
    delegate = LoweredBackendModule(
        edge_program=interface.exported_program(),
        backend_id=_BACKEND, processed_bytes=b"", compile_specs=[],
    )  # fmt: skip
    calling = to_edge(torch.export.export(Calling(delegate), example, strict=False))
    return calling.to_executorch().executorch_program


def _delegate_bytes(graph: XnnpackGraph) -> bytes:
    """Header and flatbuffer; the constants lie beside them in the `.pte`, by name."""
    from executorch.exir._serialize._flatbuffer import _flatc_compile

    with tempfile.TemporaryDirectory() as folder:
        schema, data = Path(folder, "schema.fbs"), Path(folder, "graph.json")
        schema.write_bytes((_folder() / "schema.fbs").read_bytes())
        data.write_text(json.dumps(_as_json(graph)), encoding="ascii")
        _flatc_compile(folder, str(schema), str(data))
        flatbuffer = data.with_suffix(".bin").read_bytes()
    start = _aligned(_HEADER.size)
    end = start + _aligned(len(flatbuffer))
    header = _HEADER.pack(_HEADER_MAGIC, _HEADER.size, start, len(flatbuffer), end, 0)
    return (header.ljust(start, b"\0") + flatbuffer).ljust(end, b"\0")


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT


def _as_json(graph: XnnpackGraph) -> dict[str, Any]:
    """The schema's `XNNGraph`, as `flatc` reads it; what is left out has the schema's default."""
    return {
        "version": "0",
        "xnodes": [_node_json(node) for node in graph.nodes],
        "xvalues": [_value_json(number, entry) for number, entry in enumerate(graph.entries)],
        "num_externs": len(graph.inputs) + len(graph.outputs),
        "input_ids": graph.inputs,
        "output_ids": graph.outputs,
        "constant_data": [
            {"offset": _NO_OFFSET if key else 0, "size": size, "named_key": key}
            for key, size in graph.constants
        ],
    }


def _node_json(node: Node) -> Mapping[str, Any]:
    return {
        "xnode_union_type": node.kind,
        "xnode_union": node.fields,
        "debug_handle": _NO_DEBUG_HANDLE,
    }


def _value_json(number: int, entry: Entry) -> Mapping[str, Any]:
    tensor = {
        "datatype": int(entry.dtype),
        "num_dims": len(entry.shape),
        "dims": entry.shape,
        "constant_buffer_idx": entry.constant,
        "external_id": entry.external_id,
        "flags": entry.flags,
        "id_out": number,
    }
    quantised = _quantised_json(entry)
    if quantised is None:
        return {"xvalue_union_type": "XNNTensorValue", "xvalue_union": tensor}
    return {
        "xvalue_union_type": "XNNQuantizedTensorValue",
        "xvalue_union": {"tensor_value": tensor, **quantised},
    }


def _quantised_json(entry: Entry) -> Mapping[str, Any] | None:
    """How the numbers of an int8 value are to be read; None for others."""
    if entry.scales:
        return {
            "quant_params_type": "PerChannelQuant",
            "quant_params": {
                "scale_buffer_idx": entry.scales, "channel_dim": entry.channel_axis,
                "num_scales": entry.shape[entry.channel_axis],
            },
        }  # fmt: skip
    if entry.dtype in (DataType.QUINT8, DataType.QINT8):
        grid = entry.grid or Grid(1.0, 0)
        return {
            "quant_params_type": "PerTensorQuant",
            "quant_params": {"scale": grid.scale, "zero_point": grid.zero_point},
        }
    if entry.dtype is DataType.QDINT8:
        # Each row of the last dimension by itself.
        return {
            "quant_params_type": "PerTokenDynamicQuant", "quant_params": {"num_nonbatch_dims": 1}
        }  # fmt: skip
    return None
