"""Where candidates are measured: devices, the program that runs on them, measuring, statistics.

Importing this package is cheap: torch and the ExecuTorch runtime load only in the runner's own
process.
"""

from device_runner.clock import SYSTEM_CLOCK, Clock
from device_runner.device import Device, PushReport, PushTotals, ThreadChoice
from device_runner.devices.discovery import (
    Selection,
    Selections,
    open_device,
    open_devices,
)
from device_runner.devices.host import HostDevice
from device_runner.errors import (
    ArtifactChangedError,
    DeviceBusy,
    DeviceLost,
    DeviceNotLeasedError,
    DeviceRunnerError,
    DeviceStorageError,
    DeviceUnknownError,
    InputRefusedError,
    MeasurementFailed,
    RunnerBrokenError,
)
from device_runner.launching.launches import RunReport, RunRequest
from device_runner.measuring import (
    Gate,
    Progress,
    combined,
    compare_together,
    infer,
    measure,
    measure_together,
    verify,
)
from device_runner.records import (
    DeviceProfile,
    Estimate,
    Measurement,
    MeasurePlan,
    Outcome,
    SentinelTrack,
    SessionRecord,
    SessionSlot,
    TimingPlan,
    Verification,
)

__all__ = [
    "SYSTEM_CLOCK",
    "ArtifactChangedError",
    "Clock",
    "Device",
    "DeviceBusy",
    "DeviceLost",
    "DeviceNotLeasedError",
    "DeviceProfile",
    "DeviceRunnerError",
    "DeviceStorageError",
    "DeviceUnknownError",
    "Estimate",
    "Gate",
    "HostDevice",
    "InputRefusedError",
    "MeasurePlan",
    "Measurement",
    "MeasurementFailed",
    "Outcome",
    "Progress",
    "PushReport",
    "PushTotals",
    "RunReport",
    "RunRequest",
    "RunnerBrokenError",
    "Selection",
    "Selections",
    "SentinelTrack",
    "SessionRecord",
    "SessionSlot",
    "ThreadChoice",
    "TimingPlan",
    "Verification",
    "combined",
    "compare_together",
    "infer",
    "measure",
    "measure_together",
    "open_device",
    "open_devices",
    "verify",
]
