"""Phones that do not exist, to try the tool without one and to test it in milliseconds.

`spec` says what a phone is made of, `presets` has a few, `body` is its state over time (heat,
battery, drift), `speed` how long an artifact takes on it, `launch` one launch of a runner,
`faults` what goes wrong, `answers` where outputs come from, `device` puts them together, and
`synthetic` makes artifacts that need neither torch nor a file.
"""

from device_runner.devices.simulated.clock import SimulatedClock
from device_runner.devices.simulated.device import SimulatedDevice
from device_runner.devices.simulated.faults import Fault, FaultKind
from device_runner.devices.simulated.options import open_simulated
from device_runner.devices.simulated.presets import PRESETS
from device_runner.devices.simulated.spec import PhoneSpec
from device_runner.devices.simulated.synthetic import synthetic_artifact

__all__ = [
    "PRESETS",
    "Fault",
    "FaultKind",
    "PhoneSpec",
    "SimulatedClock",
    "SimulatedDevice",
    "open_simulated",
    "synthetic_artifact",
]
