"""The host as a device: its profile, its runner program, and the two ways to launch that."""

from device_runner.devices.host.device import SERIAL, HostDevice

__all__ = ["SERIAL", "HostDevice"]
