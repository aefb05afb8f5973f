"""One network in fp32, int8 and fp16, timed side by side on this host.

    python benchmarks/precision.py
    python benchmarks/precision.py --precisions int8 fp16 --lr-size 90x160 --rounds 5
    python benchmarks/precision.py --pixels
    python benchmarks/precision.py --stages

`as written` is the network as published, by ExecuTorch's partitioner; the others are our own
XNNPACK graph. All hold the same weights (seeded: neither time nor memory depends on their values).
Each round launches one process of each, in alternating order; ratios are taken round by round.
`--stages` tells instead where int8 gains and where it does not: each kind of linear layer of one
block by itself, at the sizes of the strips that the graph is cut into, its input quantised first.
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
from models.quantization.layers import INT8_LAYERS, LayerKind


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
        fp32, int8 = _least_us(shape, sides[1], rounds)
        found[kind] = {
            "strip": list(shape), "outputs": sides[1], "fp32_us": round(fp32), "int8_us":
            round(int8), "times_as_fast": round(fp32 / int8, 2), "in_int8": kind in INT8_LAYERS,
        }  # fmt: skip
    return {"config": config.key, "lr_size": list(size), "rounds": rounds, "layers": found}


def _least_us(shape: tuple[int, ...], outputs: int, rounds: int) -> list[float]:
    """In float32 and in int8, taken in turns."""
    from executorch.runtime import Runtime

    torch.manual_seed(0)
    x, weight = torch.rand(shape), torch.randn(outputs, shape[-1])
    programs, methods = [], []
    for int8 in (False, True):
        graph = XnnpackGraph()
        value = graph.input(shape)
        kernel = (graph.int8_kernel if int8 else graph.kernel)(weight, None)
        # One pixel of the result: all of it would be copied out of the runtime.
        answer = graph.slice(graph.linear(value, kernel), 1, 0, 1)
        graph.output(graph.slice(answer, 2, 0, 1))
        programs.append(make_program(graph)[0])
        methods.append(Runtime.get().load_program(programs[-1]).load_method("forward"))
    least = [float("inf")] * len(methods)
    for _ in range(rounds * 5):
        for at, method in enumerate(methods):
            started_s = time.perf_counter()
            method.execute([x])
            least[at] = min(least[at], (time.perf_counter() - started_s) * 1e6)
    return least


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
