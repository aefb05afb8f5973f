"""The families of kernels that a precision may reach, each with a program that runs them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
INPUT, EXPECTED = "input.bin", "expected.bin"


@dataclass(frozen=True)
class Family:
    """One precision's kernels. `tolerance` bounds the distance to eager float32 of any value."""

    name: str
    file: str
    tolerance: float


# Outputs lie within ±0.44. The tolerances are three times (fp32: a hundred times) what XNNPACK's
# kernels come to on x86-64 and arm64.
FAMILIES = (
    Family("fp32", "fp32.pte", 1e-5),
    Family("int8", "int8.pte", 3e-3),
    Family("static int8", "static_int8.pte", 7e-3),
    Family("fp16", "fp16.pte", 2e-3),
)
