"""The `.pte` around one delegate with one input and one output, by ExecuTorch's `program.fbs`.

A program of one call: what ExecuTorch 1.4.1 itself composes around a `LoweredBackendModule`, field
by field, without the four seconds that importing it takes. The flatbuffer says where the
segments behind it lie: an empty one for the constants that there are none of, the delegate's
bytes, and each named constant.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

BACKEND = "XnnpackBackend"
# Of tensors in the planned memory, and what ExecuTorch leaves behind the last.
_PLAN_ALIGNMENT, _PLAN_END = 16, 64
_SEGMENT_ALIGNMENT = 128
# `_ExtendedHeader` of _program.py, put between a flatbuffer's magic and its content: magic, own
# length, size of header and flatbuffer, where segments begin, and their size.
_HEADER = struct.Struct("<4sIQQQ")
_HEADER_MAGIC = b"eh00"
_FLATBUFFER_MAGIC = b"ET12"
_MAGIC_END = 8
# How PyTorch writes down that one tensor goes in and one comes out.
_LEAF = '{"type": null, "context": null, "children_spec": []}'
_ONE_IN = (
    '[1, {"type": "builtins.tuple", "context": "null", "children_spec": '
    f'[{{"type": "builtins.tuple", "context": "null", "children_spec": [{_LEAF}]}}, '
    '{"type": "builtins.dict", "context": "[]", "children_spec": []}]}]'
)
_ONE_OUT = f"[1, {_LEAF}]"


@dataclass(frozen=True)
class Outside:
    """The one input or output of a program, as its caller sees it."""

    shape: tuple[int, ...]
    is_uint8: bool

    @property
    def planned_bytes(self) -> int:
        return aligned(prod(self.shape) * (1 if self.is_uint8 else 4), _PLAN_ALIGNMENT)


def planned_memory_bytes(given: Outside, made: Outside) -> int:
    """What the runtime sets aside for input and output."""
    return given.planned_bytes + made.planned_bytes + _PLAN_END


def program_file(
    given: Outside, made: Outside, delegate: bytes, named_data: Mapping[str, bytes],
    to_flatbuffer: Callable[[Mapping[str, Any]], bytes],
) -> bytes:  # fmt: skip
    """The whole `.pte`; `to_flatbuffer` turns the schema's `Program` as JSON into bytes."""
    offsets, segments = _laid_out([b"", delegate, *named_data.values()])
    program = _program(given, made)
    program["segments"] = offsets
    program["named_data"] = [
        {"key": key, "segment_index": index} for index, key in enumerate(named_data, 2)
    ]
    flatbuffer = to_flatbuffer(program)
    assert flatbuffer[4:_MAGIC_END] == _FLATBUFFER_MAGIC
    size = _HEADER.size + len(flatbuffer)
    base = aligned(size, _SEGMENT_ALIGNMENT)
    root = int.from_bytes(flatbuffer[:4], "little") + _HEADER.size
    header = _HEADER.pack(_HEADER_MAGIC, _HEADER.size, size, base, len(segments))
    head = root.to_bytes(4, "little") + _FLATBUFFER_MAGIC + header + flatbuffer[_MAGIC_END:]
    return head.ljust(base, b"\0") + segments


def _laid_out(parts: list[bytes]) -> tuple[list[dict[str, int]], bytes]:
    """Offset and size of each part, and all of them, aligned, in one piece."""
    offsets, all_parts = [], bytearray()
    for part in parts:
        all_parts.extend(bytes(aligned(len(all_parts), _SEGMENT_ALIGNMENT) - len(all_parts)))
        offsets.append({"offset": len(all_parts), "size": len(part)})
        all_parts.extend(part)
    return offsets, bytes(all_parts)


def _program(given: Outside, made: Outside) -> dict[str, Any]:
    """The schema's `Program`; what is left out has the schema's default."""
    plan = {
        "name": "forward",
        "container_meta_type": {"encoded_inp_str": _ONE_IN, "encoded_out_str": _ONE_OUT},
        # What comes out lies first: it is the larger one.
        "values": [_tensor(given, made.planned_bytes), _tensor(made, 0)],
        "inputs": [0],
        "outputs": [1],
        "chains": [
            {
                "inputs": [],
                "outputs": [],
                "instructions": [
                    {
                        "instr_args_type": "DelegateCall",
                        "instr_args": {"delegate_index": 0, "args": [0, 1]},
                    }
                ],
            }
        ],
        "operators": [],
        "delegates": [
            {
                "id": BACKEND,
                "processed": {"location": "SEGMENT", "index": 1},
                "compile_specs": [],
            }
        ],
        "non_const_buffer_sizes": [0, planned_memory_bytes(given, made)],
    }
    return {
        "version": 0,
        "execution_plan": [plan],
        "constant_buffer": [],
        "backend_delegate_data": [],
        "constant_segment": {"segment_index": 0, "offsets": [0]},
    }


def _tensor(outside: Outside, offset: int) -> dict[str, Any]:
    """The schema's `EValue` of a tensor at `offset` of the planned memory."""
    tensor = {
        "scalar_type": "BYTE" if outside.is_uint8 else "FLOAT",
        "sizes": outside.shape,
        "dim_order": list(range(len(outside.shape))),
        "allocation_info": {
            "memory_id": 1,
            "memory_offset_low": offset & 0xFFFFFFFF,
            "memory_offset_high": offset >> 32,
        },
    }
    return {"val_type": "Tensor", "val": tensor}


def aligned(size: int, alignment: int) -> int:
    """The least multiple of `alignment` that holds `size`."""
    return -(-size // alignment) * alignment
