"""One network in fp32, int8 and fp16, timed side by side on this host.

    python benchmarks/precision.py
    python benchmarks/precision.py --precisions int8 fp16 --lr-size 90x160 --rounds 5
    python benchmarks/precision.py --pixels
    python benchmarks/precision.py --stages

`as written` is the network as published, by ExecuTorch's partitioner; the others are our own
XNNPACK graph. All hold the same weights (seeded: neither time nor memory depends on their values).
Each round launches one process of each, in alternating order; ratios are taken round by round.
`--stages` tells instead where int8 gains and where it does not: each kind of layer of one block by
itself, at the sizes of the strips that the graph is cut into, in float32, in dynamic int8 and in
static int8, its input converted first in both.
x86-64 emulates fp16: its time there says nothing of a phone.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import torch
from graphs import Session, interleave, make, run_artifact, summary

from device_runner import HostDevice
from foundation.console import quiet_libraries
from models.config import MobileSRConfig, preset
from models.deployment import DEFAULT_STRIP_KB, Deployment, parse_lr_size
from models.lowering.executorch_internals import make_program
from models.lowering.strips import plan_for
from models.lowering.xnnpack_graph import XnnpackGraph
from models.lowering.xnnpack_values import Padding
from models.quantization.grids import Grid, Grids
from models.quantization.layers import CONVOLUTIONS, INT8_LAYERS, LayerKind


def compare(
    config: MobileSRConfig, size: tuple[int, int], ways: dict[str, dict[str, Any]], threads: int,
    rounds: int,
) -> dict[str, Any]:  # fmt: skip
    """Latency, memory and file of each, and how each stands to the others."""
    with tempfile.TemporaryDirectory() as folder, HostDevice() as device, device.lease(600):
        made = {
            name: make(
                config,
                Deployment.choose(lr_height=size[0], lr_width=size[1], **one),
                Path(folder),
            ).artifact
            for name, one in ways.items()
        }
        sessions: dict[str, Session] = {
            name: partial(run_artifact, device, one, threads) for name, one in made.items()
        }
        found = interleave(sessions, rounds)
    told = {
        name: summary(found, name)
        | {
            "size_kb": round(artifact.manifest.size_bytes / 1024, 1),
            "delegates": artifact.manifest.delegates,
            "undelegated_ops": artifact.manifest.undelegated_op_count,
        }
        for name, artifact in made.items()
    }
    return {
        "config": config.key, "lr_size": list(size), "threads": threads, "rounds": rounds,
        "ways": told,
    }  # fmt: skip


def ways_of(precisions: list[str], pixels: bool) -> dict[str, dict[str, Any]]:
    """What is timed: its name, and what its deployment has that others have not."""
    ways: dict[str, dict[str, Any]] = {"as written": {"graph": "reference"}}
    ways |= {name: {"precision": name} for name in ("fp32", *precisions)}
    if pixels:
        ways |= {
            f"{name} on pixels": {"precision": name, "io": "uint8"}
            for name in ("fp32", *precisions)
        }
    return ways


def layer_sides(config: MobileSRConfig) -> dict[LayerKind, tuple[int, int]]:
    """Input and output channels of each kind, in a block of the widest ratio."""
    n, wide = config.n_feats, config.n_feats * max(config.ratios)
    pixels = n * config.scale**2
    attention = dict.fromkeys(
        (LayerKind.QUERY, LayerKind.KEY, LayerKind.VALUE, LayerKind.PROJECTION), (n, n)
    )
    return attention | {
        LayerKind.MLP_IN: (n, wide), LayerKind.MLP_OUT: (wide, n),
        LayerKind.EXPAND: (n, wide), LayerKind.REDUCE: (wide, n),
        LayerKind.DEPTHWISE: (wide, wide), LayerKind.FUSE: (2 * n, n),
        LayerKind.UPSAMPLING: (n, pixels),
        LayerKind.PATCHES: (pixels, 3 * (config.scale + 2) ** 2),
    }  # fmt: skip


def stages(config: MobileSRConfig, size: tuple[int, int], rounds: int) -> dict[str, Any]:
    """Microseconds of each kind of layer for one strip, the least of the rounds."""
    plan = plan_for(config, *size, DEFAULT_STRIP_KB * 1024)
    rows = {
        kind: plan.tail_rows if kind in (LayerKind.UPSAMPLING, LayerKind.PATCHES)
        else plan.window_rows * config.window_size
        for kind in LayerKind
    }  # fmt: skip
    found: dict[str, Any] = {}
    for kind, sides in layer_sides(config).items():
        shape = (1, min(rows[kind], size[0]), size[1], sides[0])
        found[kind] = {
            "strip": list(shape), "outputs": sides[1],
            "in_int8": "static" if kind in INT8_LAYERS.static else "dynamic",
        } | _least_us(kind, shape, sides[1], rounds)  # fmt: skip
    return {"config": config.key, "lr_size": list(size), "rounds": rounds, "layers": found}


def _least_us(kind: LayerKind, shape: tuple[int, ...], outputs: int, rounds: int) -> dict[str, int]:
    """In each way that this kind can be computed in, taken in turns."""
    from executorch.runtime import Runtime

    torch.manual_seed(0)
    x, methods, programs = torch.rand(shape), {}, []
    for way in ("fp32", "dynamic", "static"):
        if way == "dynamic" and kind in CONVOLUTIONS:
            continue
        programs.append(_one_layer(kind, shape, outputs, way))
        methods[way] = Runtime.get().load_program(programs[-1]).load_method("forward")
    least = dict.fromkeys(methods, float("inf"))
    for _ in range(rounds * 5):
        for way, method in methods.items():
            started_s = time.perf_counter()
            method.execute([x])
            least[way] = min(least[way], (time.perf_counter() - started_s) * 1e6)
    return {f"{way}_us": round(one) for way, one in least.items()}


def _one_layer(kind: LayerKind, shape: tuple[int, ...], outputs: int, way: str) -> bytes:
    """A program of this layer alone; in static int8 its input is converted first."""
    graph, grid = XnnpackGraph(), Grid(1 / 64, 0)
    weight, axis = torch.randn(outputs, shape[-1]), 0
    if kind is LayerKind.FUSE:
        weight = torch.randn(outputs, 3, 3, shape[-1])
    elif kind is LayerKind.DEPTHWISE:
        weight, axis = torch.randn(1, 3, 3, outputs), 3
    value = graph.input(shape)
    if way == "static":
        value = graph.on_grid(value, grid)
        kernel = graph.static_kernel(weight, None, Grids(grid, grid), axis)
    else:
        kernel = (graph.int8_kernel if way == "dynamic" else graph.kernel)(weight, None)
    if kind is LayerKind.FUSE:
        made = graph.convolution(value, kernel, Padding(1, 1, 1))
    elif kind is LayerKind.DEPTHWISE:
        made = graph.depthwise_convolution(value, kernel, Padding(1, 1, 1))
    else:
        made = graph.linear(value, kernel)
    # One pixel of the result: all of it would be copied out of the runtime.
    graph.output(graph.as_float(graph.slice(graph.slice(made, 1, 0, 1), 2, 0, 1)))
    return make_program(graph)[0]


def main() -> None:
    """Parse the command line, compare, print JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="ntire2022")
    parser.add_argument("--key", help="a config by its key, instead of a preset")
    parser.add_argument("--lr-size", default="180x320")
    parser.add_argument("--precisions", nargs="+", default=["int8"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--pixels", action="store_true", help="each with io uint8 as well")
    parser.add_argument("--stages", action="store_true", help="layer by layer, not the network")
    arguments = parser.parse_args()
    quiet_libraries()
    config = MobileSRConfig.from_key(arguments.key) if arguments.key else preset(arguments.preset)
    size = parse_lr_size(arguments.lr_size)
    if arguments.stages:
        found = stages(config, size, arguments.rounds)
    else:
        ways = ways_of(arguments.precisions, arguments.pixels)
        found = compare(config, size, ways, arguments.threads, arguments.rounds)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
