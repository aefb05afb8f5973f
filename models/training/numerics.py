"""Where and in which number format a training computes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

Precision = Literal["float32", "bfloat16", "float16"]
# As Linux names what multiplies bfloat16 natively: x86-64's AVX-512 and AMX, arm64's extension.
NATIVE_BFLOAT16 = frozenset({"avx512_bf16", "amx_bf16", "bf16"})


@dataclass(frozen=True)
class Numerics:
    """Device and autocast format of a training. Weights and Adam's state stay float32."""

    device: str
    precision: Precision

    @property
    def sentence(self) -> str:
        if self.precision == "float32":
            return f"float32 on {self.device}"
        return f"{self.precision} autocast on {self.device}, weights in float32"

    def autocast(self) -> torch.autocast:
        return torch.autocast(
            self.device,
            torch.bfloat16 if self.precision == "bfloat16" else torch.float16,
            enabled=self.precision != "float32",
        )


def choose_numerics() -> Numerics:
    """The first GPU where there is one, in bfloat16 where the processor has it natively.

    A CPU without native bfloat16 emulates it, which is slower than float32.
    """
    if torch.cuda.is_available():
        native = torch.cuda.is_bf16_supported(including_emulation=False)
        return Numerics("cuda", "bfloat16" if native else "float16")
    return Numerics("cpu", "bfloat16" if cpu_has_bfloat16() else "float32")


def cpu_has_bfloat16(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether the kernel lists an instruction set that multiplies bfloat16."""
    try:
        text = cpuinfo.read_text(errors="replace")
    except OSError:
        return False
    flags = (
        line.partition(":")[2].split()
        for line in text.splitlines()
        if line.startswith(("flags", "Features"))
    )
    return bool(NATIVE_BFLOAT16 & set(next(flags, [])))
