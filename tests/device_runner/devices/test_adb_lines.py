"""What adb lists, its environment, and what is advised: every kind of device in every state."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_runner.devices.adb.lines import Listed, is_network, listed_devices
from device_runner.devices.adb.server import AdbServerError, server_address
from device_runner.devices.adb.states import advice_for

_WIRELESS = "adb-ab12-xY (2)._adb-tls-connect._tcp"
_PIXEL = "product:shiba model:Pixel_8 device:shiba transport_id:1"


@pytest.mark.parametrize(
    ("line", "serial", "state"),
    [
        (f"3A021FDJH00ABC         device usb:1-1 {_PIXEL}", "3A021FDJH00ABC", "device"),
        (f"192.168.1.7:5555       device {_PIXEL}", "192.168.1.7:5555", "device"),
        (f"[fe80::1%eth0]:5555    device {_PIXEL}", "[fe80::1%eth0]:5555", "device"),
        (f"{_WIRELESS} device {_PIXEL}", _WIRELESS, "device"),
        (f"adb-3A02-Qz9._adb-tls-connect._tcp device {_PIXEL}",
         "adb-3A02-Qz9._adb-tls-connect._tcp", "device"),
        ("emulator-5554          device product:sdk model:sdk_gphone64 transport_id:2",
         "emulator-5554", "device"),
        ("R58N12ABCDE            unauthorized usb:1-1 transport_id:1", "R58N12ABCDE",
         "unauthorized"),
        ("R58N12ABCDE            no permissions (user in plugdev group; are your udev rules wrong?)"
         "; see [http://developer.android.com/tools/device.html] usb:1-4 transport_id:3",
         "R58N12ABCDE", "no permissions"),
        ("????????????           no permissions", "????????????", "no permissions"),
        ("(no serial number)     no permissions; see [http://x] usb:1-4", "(no serial number)",
         "no permissions"),
        ("(no serial number)     device usb:1-4 transport_id:9", "(no serial number)", "no serial"),
        ("R58N12ABCDE            offline", "R58N12ABCDE", "offline"),
        ("0123456789ABCDEF       recovery usb:3-2 product:omni model:x", "0123456789ABCDEF",
         "recovery"),
        ("R58N12ABCDE            sideload usb:3-2", "R58N12ABCDE", "sideload"),
        ("R58N12ABCDE            detached usb:3-2 transport_id:4", "R58N12ABCDE", "detached"),
        ("my device offline      device usb:1 transport_id:4", "my device offline", "device"),
        ("127.0.0.1:5601         connecting", "127.0.0.1:5601", "connecting"),
        ("R58N12ABCDE            hibernating usb:3-2", "R58N12ABCDE", "hibernating"),
        ("R58N12ABCDE\tdevice", "R58N12ABCDE", "device"),
    ],
)  # fmt: skip
def test_lines_of_adb(line: str, serial: str, state: str) -> None:
    (found,) = listed_devices(line + "\n")
    assert (found.serial, found.state) == (serial, state)
    assert advice_for(state, serial)


def test_two_of_one_serial_cannot_be_told_apart() -> None:
    one = "0123456789ABCDEF       device usb:1-{} transport_id:{}\n"
    found = listed_devices(one.format(1, 1) + one.format(2, 2) + "R58   device usb:1-3\n")
    assert [each.state for each in found] == ["same serial", "same serial", "device"]
    assert "cable" not in advice_for("same serial", "0123456789ABCDEF")


@given(st.text(max_size=400))
def test_any_text_is_read(text: str) -> None:
    assert all(isinstance(one, Listed) and one.serial for one in listed_devices(text))


_NAMES = st.text(st.characters(codec="ascii", categories=("L", "N", "P", "Zs")), min_size=1)


@given(_NAMES.filter(lambda name: name == name.strip()), st.sampled_from(["device", "offline"]))
def test_any_serial_comes_back_whole(serial: str, state: str) -> None:
    line = f"{serial:<22} {state} usb:1-1 {_PIXEL}"
    assert [(one.serial, one.details) for one in listed_devices(line)] == [
        (serial, f"usb:1-1 {_PIXEL}")
    ]


@pytest.mark.parametrize(
    ("environment", "address"),
    [
        ({}, ("127.0.0.1", 5037)),
        ({"ANDROID_ADB_SERVER_PORT": "5038"}, ("127.0.0.1", 5038)),
        ({"ANDROID_ADB_SERVER_ADDRESS": "rack-2"}, ("rack-2", 5037)),
        ({"ANDROID_ADB_SERVER_HOST": "rack-2"}, ("rack-2", 5037)),
        ({"ANDROID_ADB_SERVER_HOST": "a", "ANDROID_ADB_SERVER_ADDRESS": "b"}, ("b", 5037)),
        ({"ADB_SERVER_SOCKET": "tcp:5039"}, ("127.0.0.1", 5039)),
        ({"ADB_SERVER_SOCKET": "tcp:rack-2:5039"}, ("rack-2", 5039)),
        ({"ADB_SERVER_SOCKET": "tcp:[::1]:5039"}, ("::1", 5039)),
        (
            {"ADB_SERVER_SOCKET": "tcp:rack-2:5039", "ANDROID_ADB_SERVER_PORT": "5040",
             "ANDROID_ADB_SERVER_ADDRESS": "rack-3"}, ("rack-2", 5039),
        ),
        ({"ADB_SERVER_SOCKET": "", "ANDROID_ADB_SERVER_PORT": ""}, ("127.0.0.1", 5037)),
    ],
)  # fmt: skip
def test_the_server_is_where_adb_looks_for_it(
    environment: dict[str, str], address: tuple[str, int]
) -> None:
    assert server_address(environment) == address


@pytest.mark.parametrize(
    "environment",
    [
        {"ADB_SERVER_SOCKET": "localfilesystem:/run/adb"},
        {"ADB_SERVER_SOCKET": "tcp:rack-2"},
        {"ADB_SERVER_SOCKET": "5037"},
        {"ANDROID_ADB_SERVER_PORT": "many"},
        {"ANDROID_ADB_SERVER_PORT": "70000"},
        {"ANDROID_ADB_SERVER_PORT": "²"},
    ],
)
def test_an_address_that_is_none_is_refused(environment: dict[str, str]) -> None:
    with pytest.raises(AdbServerError, match=next(iter(environment))):
        server_address(environment)


@pytest.mark.parametrize(
    ("serial", "network"),
    [
        ("192.168.1.7:5555", True), ("localhost:5555", True), ("[fe80::1]:5555", True),
        (_WIRELESS, True), ("adb-3A02-Qz9._adb-tls-connect._tcp.", True), ("R58N12ABCDE", False),
        ("emulator-5554", False), ("(no serial number)", False), ("a:b", False),
    ],
)  # fmt: skip
def test_no_cable_is_looked_for_where_there_is_none(serial: str, network: bool) -> None:
    assert is_network(serial) == network
    for state in ("device", "broken off", "offline", "absent", "unauthorized"):
        words = advice_for(state, serial)
        if network:
            assert "cable" not in words
            assert serial in words or state == "broken off"
        elif serial.startswith("emulator") and state != "unauthorized":
            assert "emulator" in words
            assert "cable" not in words
