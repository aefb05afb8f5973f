"""What is a phone, what is none, and what nobody can tell: properties that systems are known by."""

from __future__ import annotations

import pytest

from device_runner import DeviceLost
from device_runner.devices.adb.kind import kind_of
from device_runner.devices.adb.profile import Hardware, hardware_of

_PIXEL = {
    "ro.product.manufacturer": "Google", "ro.product.model": "Pixel 8", "ro.hardware": "shiba",
    "ro.boot.hardware": "shiba", "ro.board.platform": "zuma", "ro.hardware.egl": "mali",
    "ro.build.fingerprint": "google/shiba/shiba:15/AP3A/1:user/release-keys",
    "ro.kernel.qemu": "0", "ro.build.characteristics": "nosdcard", "qemu.hw.mainkeys": "0",
}  # fmt: skip
_GALAXY = {
    "ro.product.manufacturer": "samsung", "ro.product.model": "SM-S911B",
    "ro.hardware": "qcom", "ro.board.platform": "kalama", "ro.hardware.egl": "adreno",
}  # fmt: skip
# Told to pretend that it is a Pixel 5, as people do to pass an app's checks.
_WAYDROID_IN_DISGUISE = _PIXEL | {"waydroid.tools_version": "1.6.2", "ro.hardware.egl": "mesa"}


@pytest.mark.parametrize(
    ("properties", "serial", "abi", "named"),
    [
        (_PIXEL, "3A021FDJH00ABC", "arm64-v8a", ""),
        (_GALAXY, "192.168.1.7:5555", "arm64-v8a", ""),
        ({"ro.kernel.qemu": "1"}, "R5", "arm64-v8a", "QEMU"),
        (_PIXEL | {"ro.boot.qemu": "1"}, "R5", "arm64-v8a", "QEMU"),
        ({"ro.hardware": "ranchu"}, "R5", "arm64-v8a", "Android's emulator"),
        ({"ro.product.model": "sdk_gphone64_arm64"}, "R5", "arm64-v8a", "Android's emulator"),
        ({"ro.product.model": "Android SDK built for x86"}, "R5", "x86", "Android's emulator"),
        ({"ro.product.brand": "waydroid"}, "R5", "x86_64", "Waydroid"),
        ({"ro.product.model": "WayDroid x86_64 Device"}, "R5", "x86_64", "Waydroid"),
        (
            {"ro.build.fingerprint": "waydroid/lineage_waydroid_x86_64/waydroid_x86_64:11/R/1"},
            "192.168.240.112:5555", "x86_64", "Waydroid",
        ),
        (_WAYDROID_IN_DISGUISE, "192.168.240.112:5555", "arm64-v8a", "Waydroid"),
        ({"ro.product.model": "redroid13_arm64"}, "R5", "arm64-v8a", "redroid"),
        (_PIXEL | {"ro.boot.redroid_width": "720"}, "R5", "arm64-v8a", "redroid"),
        ({"ro.hardware": "vbox86"}, "R5", "x86", "Genymotion"),
        ({"ro.product.model": "Subsystem for Android(TM)"}, "R5", "x86_64", "Windows Subsystem"),
        ({"ro.hardware": "cutf_cvm"}, "R5", "arm64-v8a", "Cuttlefish"),
        ({"ro.product.device": "nautilus_cheets"}, "R5", "x86_64", "ChromeOS"),
        ({"ro.hardware": "android_x86_64"}, "R5", "x86_64", "Android-x86"),
        ({"ro.product.device": "anbox_x86_64"}, "R5", "x86_64", "Anbox"),
        (_PIXEL | {"ro.boot.container": "1"}, "R5", "arm64-v8a", "container"),
        (_PIXEL | {"ro.build.characteristics": "tablet,emulator"}, "R5", "arm64-v8a", "emulator"),
        (_PIXEL, "emulator-5554", "arm64-v8a", "adb serial"),
    ],
)  # fmt: skip
def test_known_systems(properties: dict[str, str], serial: str, abi: str, named: str) -> None:
    found = kind_of(properties, serial, abi)
    assert found.sure
    assert found.kind == ("emulator" if named else "phone")
    assert named in found.because
    assert bool(named) == bool(found.because)


@pytest.mark.parametrize(
    ("properties", "abi", "because"),
    [
        (_GALAXY, "x86_64", "the ABI x86_64"),
        (_PIXEL | {"ro.hardware.egl": "mesa"}, "arm64-v8a", "ro.hardware.egl"),
        (_PIXEL | {"ro.hardware.egl": "swiftshader"}, "arm64-v8a", "ro.hardware.egl"),
        ({}, "arm64-v8a", "names no hardware"),
    ],
)
def test_what_points_neither_way_is_said_to_be_doubtful(
    properties: dict[str, str], abi: str, because: str
) -> None:
    found = kind_of(properties, "R5", abi)
    assert (found.kind, found.sure) == ("phone", False)
    assert because in found.because


_ANSWER = """\
[ro.build.fingerprint]: [google/shiba/shiba:15/AP3A/1:user/release-keys]
[ro.build.type]: [user]
[ro.build.version.release]: [15]
[ro.build.version.sdk]: [35]
[ro.debuggable]: [0]
[ro.hardware]: [shiba]
[ro.product.cpu.abi]: [arm64-v8a]
[ro.product.manufacturer]: [Google]
[ro.product.model]: [Pixel 8]
[ro.serialno]: [3A021FDJH00ABC]
[persist.vendor.note]: [first line
second line]
ram_kb=7654321
core=0|400|1800000|0
core=1|1024|2800000|1
"""


def test_a_phone_is_what_it_says() -> None:
    found = hardware_of(_ANSWER, "10.0.0.7:5555")
    assert (found.kind, found.model, found.abi, found.sdk) == (
        "phone", "Google Pixel 8", "arm64-v8a", 35,
    )  # fmt: skip
    assert (found.ram_mb, found.cores, found.debuggable) == (7474, 2, False)
    # However it is reached.
    assert found.identity == hardware_of(_ANSWER, "3A021FDJH00ABC").identity == "3A021FDJH00ABC"


@pytest.mark.parametrize("lacking", ["ro.product.cpu.abi", "ram_kb", "core="])
def test_what_results_are_kept_by_is_not_made_up(lacking: str) -> None:
    kept = [line for line in _ANSWER.splitlines() if lacking not in line]
    with pytest.raises(DeviceLost, match="R5 does not say"):
        hardware_of("\n".join(kept), "R5")


def test_what_is_not_told_is_not_guessed() -> None:
    words = ("ro.build.type", "ro.debuggable", "ro.build.version.sdk")
    kept = [line for line in _ANSWER.splitlines() if not any(word in line for word in words)]
    found: Hardware = hardware_of("\n".join(kept), "R5")
    assert (found.sdk, found.debuggable, found.build_type) == (None, None, "")


@pytest.mark.parametrize(
    "serial", ["", "unknown", "0123456789ABCDEF", "EMULATOR36X4X10X0", "00000000", "android"]
)
def test_a_serial_that_many_devices_have_identifies_none(serial: str) -> None:
    answer = _ANSWER.replace("3A021FDJH00ABC", serial)
    one, other = hardware_of(answer, "emulator-5554"), hardware_of(answer, "emulator-5556")
    assert one.identity != other.identity
