"""Whether what adb reaches is a phone, an emulator or a container, and how sure that is.

No property is a promise: images are told to pretend. So many are looked at, and what points
neither way is said to be doubtful.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from device_runner.records import DeviceKind

# A property that begins so, and is neither empty nor 0, is what only the system named has.
_MARKS = {
    "ro.kernel.qemu": "QEMU",
    "ro.boot.qemu": "QEMU",
    "ro.boot.container": "a container",
    "ro.boot.redroid": "redroid",
    "ro.genymotion.": "Genymotion",
    "waydroid.": "Waydroid",
    "persist.waydroid.": "Waydroid",
    "ro.anbox": "Anbox",
    "bst.": "BlueStacks",
}
# Where a system is called by its name.
_NAMING = (
    "ro.hardware", "ro.boot.hardware", "ro.product.manufacturer", "ro.product.model",
    "ro.product.brand", "ro.product.device", "ro.product.board", "ro.product.name",
    "ro.board.platform", "ro.build.product", "ro.build.flavor", "ro.build.fingerprint",
    "ro.bootimage.build.fingerprint", "ro.odm.build.fingerprint",
)  # fmt: skip
_WORDS = {
    "Android's emulator": r"goldfish|ranchu|sdk_g?phone\w*|google_sdk|emulator(?:64)?_\w+|"
    r"android sdk built for \w+|sdk_gwear\w*|gphone\w*",
    "Cuttlefish": r"cuttlefish|cutf_?\w*|vsoc_\w+|aosp_cf_\w+",
    "Genymotion": r"genymotion|vbox86\w*",
    "Waydroid": r"waydroid\w*|lineage_waydroid\w*",
    "redroid": r"redroid\w*",
    "Anbox": r"anbox\w*",
    "Windows Subsystem for Android": r"subsystem for android(?:\(tm\))?|windows_(?:x86_64|arm64)",
    "Android on ChromeOS": r"cheets|bertha|\w+_cheets|arcvm\w*",
    "Android-x86": r"android_x86\w*|bliss_?os\w*",
    "BlueStacks": r"bluestacks\w*|bst\w*_x86\w*",
    "Nox": r"nox(?:d)?|ttvm_\w+",
    "MuMu": r"mumu\w*|nemu\w*",
    "LDPlayer": r"ldplayer\w*|leidian\w*",
    "MEmu": r"memu(?:hy)?",
}
_NAMED = {
    name: re.compile(rf"(?<![a-z0-9])(?:{words})(?![a-z0-9])", re.IGNORECASE)
    for name, words in _WORDS.items()
}
_SOFTWARE_GRAPHICS = re.compile(r"swiftshader|mesa|emulation|angle_emu", re.IGNORECASE)
_MEANT_FOR_EMULATORS = "emulator"


@dataclass(frozen=True)
class Kind:
    """What a device is. `because` says what it was concluded from, or why it is doubtful; empty
    for a plain phone.
    """

    kind: DeviceKind
    because: str = ""
    sure: bool = True


def kind_of(properties: Mapping[str, str], serial: str, abi: str) -> Kind:
    """Conclude from all that `getprop` tells, the adb serial and the ABI."""
    for key, value in properties.items():
        name = next((name for mark, name in _MARKS.items() if key.startswith(mark)), None)
        if name is not None and value not in ("", "0", "false"):
            return Kind("emulator", f"in {name} by {key}")
    for key in _NAMING:
        for name, words in _NAMED.items():
            if words.search(properties.get(key, "")):
                return Kind("emulator", f"in {name} by {key}")
    if _MEANT_FOR_EMULATORS in properties.get("ro.build.characteristics", "").split(","):
        return Kind("emulator", "in an emulator by ro.build.characteristics")
    if re.fullmatch(r"emulator-\d+", serial):
        return Kind("emulator", "in an emulator by its adb serial")
    if abi.startswith("x86"):
        return Kind("phone", f"perhaps no phone, for it has the ABI {abi}", sure=False)
    if _SOFTWARE_GRAPHICS.search(properties.get("ro.hardware.egl", "")):
        return Kind("phone", "perhaps no phone, by ro.hardware.egl", sure=False)
    if not any(map(properties.get, ("ro.hardware", "ro.boot.hardware", "ro.board.platform"))):
        return Kind("phone", "perhaps no phone, for it names no hardware", sure=False)
    return Kind("phone")
