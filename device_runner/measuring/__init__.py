"""Measuring artifacts on a device: first whether the answer is right, then how fast it is.

`verify`, `measure`, `measure_together` and `infer` take the device's lease themselves; a caller
that wants several of them without another process in between holds the lease around them.
"""

from device_runner.measuring.combining import combined
from device_runner.measuring.comparing import compare_together, measure_until_told
from device_runner.measuring.estimates import estimate_of, flags_of
from device_runner.measuring.gate import Gate
from device_runner.measuring.inferring import infer
from device_runner.measuring.progress import Progress
from device_runner.measuring.together import measure, measure_together
from device_runner.measuring.verifying import verify

__all__ = [
    "Gate",
    "Progress",
    "combined",
    "compare_together",
    "estimate_of",
    "flags_of",
    "infer",
    "measure",
    "measure_together",
    "measure_until_told",
    "verify",
]
