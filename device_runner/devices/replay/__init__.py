"""A recorded table of measurements as a device: for experiments with the search itself."""

from device_runner.devices.replay.device import ReplayDevice, open_replay
from device_runner.devices.replay.table import RecordedTable, Recording, load_table

__all__ = ["RecordedTable", "Recording", "ReplayDevice", "load_table", "open_replay"]
