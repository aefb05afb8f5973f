"""What adb calls a device's state, and what a person does about it."""

from __future__ import annotations

import shlex

from device_runner.devices.adb.lines import SAME_SERIAL, WITHOUT_SERIAL, is_network
from foundation.wording import shown

READY = "device"

_RECONNECT = (
    "see that it is awake and in this network, then run: adb disconnect {0}; adb connect {0}"
)
_ADVICE = {
    "device": "adb lists it as connected, but it does not answer in time; unplug the cable and "
    "plug it in again, or restart the phone",
    "broken off": "adb lists it as connected, so the connection broke only for a moment; look at "
    "the cable and its port where this happens again",
    "unauthorized": "the phone has not allowed this computer: unlock its screen and tap 'Allow' "
    "under 'Allow USB debugging?'; if it does not ask, tap Settings, Developer options, 'Revoke "
    "USB debugging authorisations', and plug the cable in again",
    "authorizing": "the phone is just deciding about this computer: unlock its screen and look "
    "whether it asks",
    "connecting": "adb is only just connecting to it: wait a moment, and give the command again",
    "offline": "adb sees it but gets no answer: unplug the cable and plug it in again, keep the "
    "screen on, and if that does not help restart the phone or run 'adb reconnect offline'",
    "no permissions": "this user may not open the phone's USB port: on Debian and Ubuntu install "
    "the package android-sdk-platform-tools-common, add yourself to the group plugdev, log in "
    "again and plug the cable in again",
    "absent": "adb does not list it any more: check the cable, and on the phone Settings, "
    "Developer options, 'USB debugging'",
    "no server": "the adb server has ended; where it is this computer's, the same command starts "
    "it again by itself",
    "server frozen": "end it with 'adb kill-server', or by its process number if it does not "
    "listen to that, and give the command again",
    SAME_SERIAL: "two devices have this serial, so that adb cannot tell them apart: connect one of "
    "them at a time, or all but one over the network ('adb tcpip 5555', then 'adb connect')",
    WITHOUT_SERIAL: "it has no serial number, so that adb cannot name it: connect it over the "
    "network ('adb -d tcpip 5555', then 'adb connect' with its address)",
    "recovery": "it is in recovery mode: choose 'Reboot system now' on it",
    "rescue": "it is in rescue mode: choose 'Reboot system now' on it",
    "sideload": "it waits for an update in sideload mode: reboot it into Android",
    "bootloader": "it is in its bootloader: reboot it into Android",
    "detached": "adb was told to let go of it: run 'adb attach', or plug it in again",
    "host": "it is not an Android device but a computer",
}
# Where there is no cable to pull. The address is put in.
_NETWORK_ADVICE = {
    "device": f"adb lists it as connected, but it does not answer in time; {_RECONNECT}",
    "broken off": "adb lists it as connected, so the connection broke only for a moment; look at "
    "the network between where this happens again",
    "unauthorized": "the phone has not allowed this computer: unlock its screen and tap 'Allow'; "
    f"if it does not ask, {_RECONNECT}",
    "offline": f"adb sees it but gets no answer; {_RECONNECT}",
    "absent": "adb does not list it any more; see that it is on and in this network, that wireless "
    "debugging is on (it goes off when the phone starts anew), then run: adb connect {0}",
}
_EMULATOR_ADVICE = {
    state: f"{words}; look at the emulator's window, or start it again"
    for state, words in {
        "device": "adb lists it as connected, but it does not answer in time",
        "broken off": "adb lists it as connected, so the connection broke only for a moment",
        "offline": "adb sees it but gets no answer",
        "absent": "adb does not list it any more",
    }.items()
}


def advice_for(state: str, serial: str) -> str:
    """The sentence for a state; `serial` tells a cable from a network and from an emulator."""
    if state in _NETWORK_ADVICE and is_network(serial):
        return _NETWORK_ADVICE[state].format(shlex.quote(shown(serial)))
    if state in _EMULATOR_ADVICE and serial.startswith("emulator-"):
        return _EMULATOR_ADVICE[state]
    if state in _ADVICE:
        return _ADVICE[state]
    return f"adb says it is {shown(state, 60)!r}: wait, or connect it again"
