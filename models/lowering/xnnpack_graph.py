"""A writer of XNNPACK graphs: values, the operators between them, constants by content.

Shapes are those of XNNPACK, NHWC where an operator has a picture's two sides. What a graph says
is ExecuTorch's own schema (`backends/xnnpack/serialization/schema.fbs`); node and field names
are the schema's. Nothing here needs ExecuTorch: `executorch_internals` turns a graph into bytes.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from models.lowering.xnnpack_values import (
    NONE,
    TORCH_TYPES,
    DataType,
    Entry,
    Kernel,
    Node,
    Padding,
    Value,
)
from models.quantization.grids import Grid, Grids
from models.quantization.int8 import quantised_weight
from models.quantization.static_int8 import least_scales, quantised_bias

_EXTERNAL_INPUT, _EXTERNAL_OUTPUT = 1, 2
_TRANSPOSE_B = 1
_TRANSIENT_INDIRECTION = 0x20
# XNNPACK concatenates up to so many tensors at once.
MOST_PARTS = 5


@dataclass
class XnnpackGraph:
    """The graph as it is written, one method an operator; each returns the operator's output.

    `constants` are (key, size in bytes) of what `blobs` holds; number 0 is the schema's word for
    "not constant". Weights and biases are of type `float_type`, and an operator computes in the
    type of its inputs, with two exceptions. GELU in float16, which XNNPACK has not, is computed in
    float32. An operator with a kernel in static int8 takes and gives QINT8, whatever comes in.
    """

    float_type: DataType = DataType.FP32

    nodes: list[Node] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    constants: list[tuple[str, int]] = field(default_factory=lambda: [("", 0)])
    blobs: dict[str, bytes] = field(default_factory=dict)
    inputs: list[int] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    _known: dict[tuple[int, int, tuple[int, ...]], Value] = field(default_factory=dict)
    _converted: dict[tuple[int, DataType, Grid | None], Value] = field(default_factory=dict)

    @property
    def operators(self) -> dict[str, int]:
        """Operator to how often it occurs."""
        return dict(Counter(node.kind.removeprefix("XNN") for node in self.nodes))

    def input(self, shape: Sequence[int], dtype: DataType = DataType.FP32) -> Value:
        """The next input of the graph."""
        value = self._value(shape, dtype)
        entry = self.entries[value.number]
        entry.external_id, entry.flags = len(self.inputs), _EXTERNAL_INPUT
        self.inputs.append(value.number)
        return value

    def output(self, value: Value) -> None:
        """Make `value` the next output. All inputs must have been declared."""
        entry = self.entries[value.number]
        entry.external_id = len(self.inputs) + len(self.outputs)
        entry.flags = _EXTERNAL_OUTPUT
        self.outputs.append(value.number)

    def constant(self, tensor: Tensor) -> Value:
        """A constant of `float_type`; one whose content is there already is used again."""
        return self._constant(tensor, self.float_type)

    def number(self, tensor: Tensor) -> Value:
        """A constant of float32, whatever `float_type` is."""
        return self._constant(tensor, DataType.FP32)

    def kernel(self, weight: Tensor, bias: Tensor | None) -> Kernel:
        """Weights in XNNPACK's layout: (out, in), (out, height, width, in) or (1, h, w, out).

        Those of convolutions are float32 always: XNNPACK turns them into what it computes in.
        """
        dtype = self.float_type if weight.dim() == 2 else DataType.FP32
        return Kernel(
            self._constant(weight, dtype), None if bias is None else self._constant(bias, dtype)
        )

    def int8_kernel(self, weight: Tensor, bias: Tensor | None) -> Kernel:
        """(out, in) in int8 with a scale for each output channel; a float32 bias."""
        quantised, scales = quantised_weight(weight)
        value = self._constant(quantised, DataType.QCINT8, self._blob(scales, DataType.FP32))
        return Kernel(value, None if bias is None else self._constant(bias, DataType.FP32))

    def static_kernel(self, weight: Tensor, bias: Tensor | None, grids: Grids, axis: int) -> Kernel:
        """Weights as `kernel` has them, in int8 with a scale for each channel of `axis`."""
        moved = weight.movedim(axis, 0)
        own = moved.new_zeros(moved.shape[0]) if bias is None else bias
        flat, scales = quantised_weight(moved.flatten(1), least_scales(own, grids.takes))
        quantised = flat.reshape(moved.shape).movedim(0, axis)
        sums = scales * grids.takes.scale
        return Kernel(
            self._constant(quantised, DataType.QCINT8, self._blob(scales, DataType.FP32), axis),
            self._constant(
                quantised_bias(own, sums), DataType.QCINT32, self._blob(sums, DataType.FP32)
            ),
            grids,
        )

    def _constant(
        self, tensor: Tensor, dtype: DataType, scales: int = 0, channel_axis: int = 0
    ) -> Value:
        number = self._blob(tensor, dtype)
        shape = tuple(tensor.shape)
        known = (number, scales, shape)
        if known not in self._known:
            value = self._known[known] = self._value(shape, dtype)
            entry = self.entries[value.number]
            entry.constant, entry.scales = number, scales
            entry.channel_axis = channel_axis
        return self._known[known]

    def _blob(self, tensor: Tensor, dtype: DataType) -> int:
        """The number of the constant of this content and type."""
        blob = tensor.detach().to(TORCH_TYPES[dtype]).contiguous().numpy().tobytes()
        key = hashlib.sha256(dtype.name.encode() + blob).hexdigest()
        if key not in self.blobs:
            self.blobs[key] = blob
            self.constants.append((key, len(blob)))
        return self.constants.index((key, len(blob)))

    def _value(
        self, shape: Sequence[int], dtype: DataType = DataType.FP32, grid: Grid | None = None
    ) -> Value:
        value = Value(len(self.entries), tuple(int(side) for side in shape), dtype, grid)
        self.entries.append(Entry(value.shape, dtype, grid=grid))
        return value

    def _node(self, kind: str, x: Value, shape: Sequence[int], **fields: Any) -> Value:
        """An operator whose result is of the type and on the grid of `x`, an input of its."""
        return self._typed_node(kind, (x.dtype, x.grid), shape, **fields)

    def _typed_node(
        self, kind: str, made: tuple[DataType, Grid | None], shape: Sequence[int], **fields: Any
    ) -> Value:
        output = self._value(shape, *made)
        self.nodes.append(Node(kind, {"flags": 0, **fields, "output_id": output.number}))
        return output

    def convert(self, x: Value, dtype: DataType, grid: Grid | None = None) -> Value:
        """`x` in another type; converted once for all that read it.

        To QUINT8 it is clamped, and rounded to the nearest, ties to even.
        """
        if x.dtype is dtype and x.grid == grid:
            return x
        known = (x.number, dtype, grid)
        if known not in self._converted:
            self._converted[known] = self._typed_node(
                "XNNConvert", (dtype, grid), x.shape, input_id=x.number
            )
        return self._converted[known]

    def on_grid(self, x: Value, grid: Grid | None) -> Value:
        """`x` as QINT8 on this grid, through float from another; as it is without one."""
        if grid is None or x.grid == grid:
            return x
        return self.convert(self.as_float(x), DataType.QINT8, grid)

    def as_float(self, x: Value) -> Value:
        """QINT8 in `float_type`; what is float already as it is."""
        return self.convert(x, self.float_type) if x.dtype is DataType.QINT8 else x

    def _unary(self, kind: str, x: Value, **fields: Any) -> Value:
        return self._node(kind, x, x.shape, input_id=x.number, **fields)

    def _binary(self, kind: str, a: Value, b: Value) -> Value:
        # Of equal rank, and a side of 1 is repeated.
        shape = tuple(map(max, a.shape, b.shape))
        return self._node(kind, a, shape, input1_id=a.number, input2_id=b.number)

    def add(self, a: Value, b: Value) -> Value:
        return self._binary("XNNAdd", a, b)

    def subtract(self, a: Value, b: Value) -> Value:
        return self._binary("XNNSubtract", a, b)

    def divide(self, a: Value, b: Value) -> Value:
        return self._binary("XNNDiv", a, b)

    def multiply(self, a: Value, b: Value) -> Value:
        return self._binary("XNNMultiply", a, b)

    def softmax(self, x: Value) -> Value:
        return self._unary("XNNSoftmax", x)

    def gelu(self, x: Value, gives: Grid | None = None) -> Value:
        """QINT8 becomes QINT8 on the grid `gives`, or float without one."""
        if x.dtype is DataType.QINT8 and gives is not None:
            return self._typed_node("XNNGelu", (DataType.QINT8, gives), x.shape, input_id=x.number)
        x = self.as_float(x)
        exact = self.convert(x, DataType.FP32)
        return self.convert(self._unary("XNNGelu", exact), x.dtype)

    def exponential(self, x: Value) -> Value:
        return self._unary("XNNExp", x)

    def reciprocal_square_root(self, x: Value) -> Value:
        return self._unary("XNNReciprocalSquareRoot", x)

    def leaky_relu(self, x: Value, slope: float, gives: Grid | None = None) -> Value:
        """QINT8 becomes QINT8 on the grid `gives`, or float without one."""
        if x.dtype is DataType.QINT8 and gives is not None:
            return self._typed_node(
                "XNNLeakyReLU", (DataType.QINT8, gives), x.shape,
                input_id=x.number, negative_slope=slope,
            )  # fmt: skip
        return self._unary("XNNLeakyReLU", self.as_float(x), negative_slope=slope)

    def linear(self, x: Value, kernel: Kernel) -> Value:
        """(..., in) -> (..., out); a dynamic int8 kernel's input is quantised row by row."""
        shape = (*x.shape[:-1], kernel.weight.shape[0])
        x, made = self._taken(x, kernel)
        if kernel.weight.dtype is DataType.QCINT8 and kernel.grids is None:
            x = self.convert(x, DataType.QDINT8)
        return self._typed_node(
            "XNNFullyConnected", made, shape,
            input1_id=x.number, filter_id=kernel.weight.number, bias_id=_number(kernel.bias),
        )  # fmt: skip

    def _taken(self, x: Value, kernel: Kernel) -> tuple[Value, tuple[DataType, Grid | None]]:
        """`x` as the kernel's operator takes it, and type and grid of what that makes of it."""
        if kernel.grids is None:
            x = self.as_float(x)
            return x, (x.dtype, None)
        return self.on_grid(x, kernel.grids.takes), (DataType.QINT8, kernel.grids.gives)

    def batch_matmul(self, a: Value, b: Value, *, transpose_b: bool = False) -> Value:
        """(batch, m, k) and (batch, k, n), or (batch, n, k) if transposed, -> (batch, m, n)."""
        columns = b.shape[1] if transpose_b else b.shape[2]
        return self._node(
            "XNNBatchMatrixMultiply", a,
            (a.shape[0], a.shape[1], columns),
            input1_id=a.number, input2_id=b.number, flags=_TRANSPOSE_B if transpose_b else 0,
        )  # fmt: skip

    def convolution(
        self, x: Value, kernel: Kernel, padding: Padding, *, held: bool = True
    ) -> Value:
        """(1, H, W, in) -> (1, H', W', out), stride 1; the kernel is (out, h, w, in).

        XNNPACK has an address for each pixel of the result and each of the kernel. Not `held` they
        are written anew each time, in memory that others use before and after.
        """
        outputs = kernel.weight.shape[0]
        fields = {
            "groups": 1,
            "group_input_channels": x.shape[3],
            "group_output_channels": outputs,
            "flags": _addresses(held),
        }
        return self._convolve("XNNConv2d", x, kernel, padding, outputs, fields)

    def depthwise_convolution(self, x: Value, kernel: Kernel, padding: Padding) -> Value:
        """(1, H, W, C) -> (1, H', W', C), each channel by itself; the kernel is (1, h, w, C)."""
        channels = x.shape[3]
        groups = {"groups": channels, "group_input_channels": 1, "group_output_channels": 1}
        return self._convolve("XNNDepthwiseConv2d", x, kernel, padding, channels, groups)

    def _convolve(
        self, kind: str, x: Value, kernel: Kernel, padding: Padding, outputs: int,
        groups: dict[str, int],
    ) -> Value:  # fmt: skip
        height = x.shape[1] + padding.above + padding.below - kernel.weight.shape[1] + 1
        width = x.shape[2] + 2 * padding.beside - kernel.weight.shape[2] + 1
        x, made = self._taken(x, kernel)
        return self._typed_node(
            kind, made, (1, height, width, outputs),
            padding_top=padding.above, padding_right=padding.beside,
            padding_bottom=padding.below, padding_left=padding.beside,
            kernel_height=kernel.weight.shape[1], kernel_width=kernel.weight.shape[2],
            subsampling_height=1, subsampling_width=1, dilation_height=1, dilation_width=1,
            adjustment_height=0, adjustment_width=0, **groups,
            input1_id=x.number, filter_id=kernel.weight.number, bias_id=_number(kernel.bias),
        )  # fmt: skip

    def resize_bilinear(self, x: Value, height: int, width: int, *, held: bool = True) -> Value:
        """(1, H, W, C) -> (1, height, width, C), pixel centres aligned as PyTorch's default.

        XNNPACK has four addresses and two weights for each pixel of the result; `held` as of a
        convolution.
        """
        return self._node(
            "XNNStaticResizeBilinear2D", x,
            (x.shape[0], height, width, x.shape[3]),
            input_id=x.number, new_height=height, new_width=width,
            flags=_addresses(held),
        )  # fmt: skip

    def reshape(self, x: Value, shape: Sequence[int]) -> Value:
        if tuple(shape) == x.shape:
            return x
        return self._node(
            "XNNStaticReshape", x, shape,
            num_dims=len(shape), new_shape=[int(side) for side in shape], input_id=x.number,
        )  # fmt: skip

    def transpose(self, x: Value, order: Sequence[int]) -> Value:
        """Axis i of the result is axis `order[i]` of `x`."""
        return self._node(
            "XNNStaticTranspose", x, [x.shape[axis] for axis in order],
            num_dims=len(order), perm=list(order), input_id=x.number,
        )  # fmt: skip

    def slice(self, x: Value, axis: int, start: int, stop: int) -> Value:
        """`x[start:stop]` along one axis; all of it is `x` itself."""
        if start == 0 and stop == x.shape[axis]:
            return x
        offsets, sizes = [0] * len(x.shape), list(x.shape)
        offsets[axis], sizes[axis] = start, stop - start
        return self._node(
            "XNNStaticSlice", x, sizes,
            num_dims=len(sizes), offsets=offsets, sizes=sizes, input_id=x.number,
        )  # fmt: skip

    def pad(self, x: Value, axis: int, before: int, after: int) -> Value:
        """Zeros along one axis; none of them is `x` itself."""
        if before == after == 0:
            return x
        shape, ahead, behind = list(x.shape), [0] * len(x.shape), [0] * len(x.shape)
        ahead[axis], behind[axis] = before, after
        shape[axis] += before + after
        return self._node(
            "XNNStaticConstantPad", x, shape,
            pre_paddings=ahead, post_paddings=behind, padding_value=0.0, input_id=x.number,
        )  # fmt: skip

    def concatenate(self, parts: Sequence[Value], axis: int) -> Value:
        """All parts along one axis; a single one is itself."""
        parts = list(parts)
        while len(parts) > 1:
            groups = [parts[at : at + MOST_PARTS] for at in range(0, len(parts), MOST_PARTS)]
            parts = [self._join(group, axis) for group in groups]
        return parts[0]

    def _join(self, parts: Sequence[Value], axis: int) -> Value:
        if len(parts) == 1:
            return parts[0]
        shape = list(parts[0].shape)
        shape[axis] = sum(part.shape[axis] for part in parts)
        numbers = [part.number for part in parts] + [NONE] * (MOST_PARTS - len(parts))
        inputs = {f"input{at}_id": number for at, number in enumerate(numbers, 1)}
        return self._node(f"XNNConcatenate{len(parts)}", parts[0], shape, axis=axis, **inputs)


def _addresses(held: bool) -> int:
    return 0 if held else _TRANSIENT_INDIRECTION


def _number(value: Value | None) -> int:
    return NONE if value is None else value.number
