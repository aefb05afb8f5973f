"""Everything that leans on what ExecuTorch does not promise: its schemas and file formats.

A graph becomes the delegate's bytes, and the program around it a file, by ExecuTorch's own schemas
and `flatc`. Nothing of ExecuTorch is imported: that takes four seconds, and would be all that this
needs of it.

All of it was read and tried for one version. For any other `unfit` says so in a sentence, and
models are lowered by ExecuTorch's partitioner instead.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import struct
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.errors import ExportError
from models.lowering.program_file import Outside, aligned, planned_memory_bytes, program_file
from models.lowering.xnnpack_values import DataType
from models.quantization.grids import Grid

if TYPE_CHECKING:
    from models.lowering.xnnpack_graph import XnnpackGraph
    from models.lowering.xnnpack_values import Entry, Node

VERSION = "1.4.1"
_DELEGATE_SCHEMAS = ("backends/xnnpack/serialization/schema.fbs",)
_PROGRAM_SCHEMAS = ("exir/_serialize/program.fbs", "exir/_serialize/scalar_type.fbs")
_FLATC = "data/bin/flatc"
# What the bytes depend on, as that version has it.
_FILES = {
    "backends/xnnpack/serialization/schema.fbs": (
        "a4dca505a91b7c9ff690d0f58d5f2a49dc044a44d9261743fc32331eb644102d"
    ),
    "backends/xnnpack/serialization/xnnpack_graph_serialize.py": (
        "06105346ebec145493657f22bd9dac54668654e937ccc547a6fba66a0e77bd5a"
    ),
    "exir/_serialize/program.fbs": (
        "da7b809b497abea70e813cb23f39e46b6c76e2501d66ef3e91d4f9e1c9cfd62f"
    ),
    "exir/_serialize/scalar_type.fbs": (
        "a4c83c25ee7da8eedf61f04fe3df979e5866035763f0ee8d3ed68463e3baad8f"
    ),
    "exir/_serialize/_program.py": (
        "0f9b042c85b7f8be9f27942e89b6f3fe9382b47442009d216d051f8552cb0686"
    ),
}
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
                f"the direct lowering was made for executorch {VERSION}, and the "
                f"{Path(name).name} that is installed is another"
            )
    if not os.access(_folder() / _FLATC, os.X_OK):
        return f"the direct lowering needs executorch's {_FLATC}, and it is not there to be run"
    return ""


def _folder() -> Path:
    spec = importlib.util.find_spec("executorch")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(next(iter(spec.submodule_search_locations)))


def make_program(graph: XnnpackGraph) -> tuple[bytes, int]:
    """The `.pte` whose only delegate is `graph`, and the bytes the runtime plans around it.

    Raises:
        ExportError: `unfit` says why not.
    """
    if reason := unfit():
        raise ExportError(f"{reason}: export by lowering standard instead")
    given, made = (_outside(graph, numbers) for numbers in (graph.inputs, graph.outputs))
    pte = program_file(
        given, made, _delegate_bytes(graph), graph.blobs,
        lambda program: _flatbuffer(_PROGRAM_SCHEMAS, program, "pte"),
    )  # fmt: skip
    return pte, planned_memory_bytes(given, made)


def _outside(graph: XnnpackGraph, numbers: list[int]) -> Outside:
    (number,) = numbers
    entry = graph.entries[number]
    return Outside(entry.shape, entry.dtype is DataType.QUINT8)


def _flatbuffer(schemas: Sequence[str], content: Mapping[str, Any], suffix: str) -> bytes:
    """`content` as the root type of the first of `schemas`, which may include the others."""
    with tempfile.TemporaryDirectory() as folder:
        for name in schemas:
            Path(folder, Path(name).name).write_bytes((_folder() / name).read_bytes())
        data = Path(folder, "content.json")
        data.write_text(json.dumps(content), encoding="ascii")
        subprocess.run(
            [_folder() / _FLATC, "--binary", "-o", folder, Path(folder, Path(schemas[0]).name),
             data],
            check=True, capture_output=True,
        )  # fmt: skip
        return data.with_suffix(f".{suffix}").read_bytes()


def _delegate_bytes(graph: XnnpackGraph) -> bytes:
    """Header and flatbuffer; the constants lie beside them in the `.pte`, by name."""
    flatbuffer = _flatbuffer(_DELEGATE_SCHEMAS, _as_json(graph), "bin")
    start = aligned(_HEADER.size, _ALIGNMENT)
    end = start + aligned(len(flatbuffer), _ALIGNMENT)
    header = _HEADER.pack(_HEADER_MAGIC, _HEADER.size, start, len(flatbuffer), end, 0)
    return (header.ljust(start, b"\0") + flatbuffer).ljust(end, b"\0")


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
