"""The programs of a device that our scripts use, and what each must be able to do.

This is the whole list; scripts use nothing else but the shell's own words (mksh R56, Android 8).
What only tells of conditions (dumpsys, settings, svc, cmd) is not here: where it is missing, a
condition is unknown, and is said to be.
"""

from __future__ import annotations

from device_runner.devices.adb.connection import Connection
from device_runner.errors import DeviceUnfitError

# How each is used, as a probe that must end well. $1 is a file that is there.
TOOLS = {
    "cat": "cat /dev/null",
    "chmod": "command -v chmod",
    "date": "date +%s",
    "dd": 'dd if="$1" bs=16 count=1',
    "df": "df -Pk /data",
    "du": 'du -sk "$1"',
    "getprop": "getprop ro.build.version.sdk",
    "mkdir": "mkdir -p /",
    "mv": "command -v mv",
    "rmdir": "command -v rmdir",
    "rm": "rm -rf /data/local/tmp/.mobilesr-tune-none",
    "sha256sum": 'sha256sum "$1"',
    "sleep": "sleep 0.01",
    "stat": 'stat -c %Y "$1"',
    "tail": "echo | tail -c 1 && echo | tail -n 1",
    "touch": "touch -c /data/local/tmp/.mobilesr-tune-none",
    "wc": "wc -c",
}
_FILE = "/system/bin/sh"


def _script() -> str:
    probes = "".join(f"{{ {probe}; }} || echo {name} >&3\n" for name, probe in TOOLS.items())
    return f"exec 3>&1 > /dev/null 2>&1 < /dev/null\n{probes}exit 0\n"


_PROBE = _script()


def require_tools(connection: Connection) -> None:
    """Check that the device has all that we use; one round trip.

    Raises:
        DeviceLost.
        DeviceUnfitError: a tool is missing, or cannot do what we need; the message names each.
    """
    answer = connection.script(_PROBE, _FILE, doing="asked for its tools")
    lacking = [name for name in TOOLS if name in answer.text.split()]
    if lacking:
        uses = ", ".join(f"{name} ({TOOLS[name]})" for name in lacking)
        raise DeviceUnfitError(
            f"device {connection.shown} lacks what running models there takes: {uses}. Android 8 "
            "and later have it all; on a device that was put together otherwise, put toybox first "
            "in the shell's PATH"
        )
