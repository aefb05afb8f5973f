"""What adb calls a device's state, and what a person does about it."""

from __future__ import annotations

from device_runner.devices.adb.quoting import shown

READY = "device"

_ADVICE = {
    "device": "adb lists it as connected, but it does not answer in time; unplug the cable and "
    "plug it in again, or restart the phone",
    "unauthorized": "the phone has not allowed this computer: unlock its screen and tap 'Allow' "
    "under 'Allow USB debugging?'; if it does not ask, tap Settings, Developer options, 'Revoke "
    "USB debugging authorisations', and plug the cable in again",
    "authorizing": "the phone is just deciding about this computer: unlock its screen and look "
    "whether it asks",
    "offline": "adb sees it but gets no answer: unplug the cable and plug it in again, keep the "
    "screen on, and if that does not help restart the phone or run 'adb reconnect offline'",
    "no permissions": "this user may not open the phone's USB port: on Debian and Ubuntu install "
    "the package android-sdk-platform-tools-common, add yourself to the group plugdev, log in "
    "again and plug the cable in again",
    "absent": "adb does not list it any more: check the cable, and on the phone Settings, "
    "Developer options, 'USB debugging'",
    "no server": "the adb server on this computer has ended: run the same command again, it "
    "starts the server by itself",
    "recovery": "it is in recovery mode: choose 'Reboot system now' on it",
    "sideload": "it waits for an update in sideload mode: reboot it into Android",
    "bootloader": "it is in its bootloader: reboot it into Android",
    "host": "it is not an Android device but a computer",
}


# Where there is no cable to pull. The address is appended.
_NETWORK_ADVICE = {
    "device": "adb lists it as connected, but it does not answer in time; see that it is awake and "
    "in this network, then run 'adb disconnect' and 'adb connect' with {0}",
    "offline": "adb sees it but gets no answer; see that it is awake and in this network, then run "
    "'adb disconnect' and 'adb connect' with {0}",
    "absent": "adb does not list it any more; see that it is on and in this network, and that "
    "'adb connect {0}' reaches it",
}


def advice_for(state: str, serial: str) -> str:
    """The sentence for a state; `serial` tells a cable from a network."""
    if state in _NETWORK_ADVICE and ":" in serial:
        return _NETWORK_ADVICE[state].format(shown(serial))
    if state in _ADVICE:
        return _ADVICE[state]
    return f"adb says it is {shown(state, 60)!r}: wait, or plug it in again"
