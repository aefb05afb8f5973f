"""No string becomes anything but an argument, whatever is in it."""

from __future__ import annotations

import subprocess
import unicodedata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from lab_bundles import script_bundle
from lab_device import LabDevice
from lab_fixtures import MakeDevice
from lab_server import LabServer

from device_runner import DeviceLost, InputRefusedError
from device_runner.commands.runner_option import runner_finder
from device_runner.devices.adb.connection import Connection
from device_runner.devices.adb.device import AdbDevice
from device_runner.devices.adb.quoting import command_line, script_line
from device_runner.devices.adb.server import AdbServer
from foundation.wording import shown

_PRINT = 'for word in "$@"; do printf "%s\\0" "$word"; done'
HOSTILE = (
    "$(touch /tmp/x)",
    "`id`",
    "a'b\"c",
    "\n; rm -rf /",
    "-n",
    "",
    "\\",
    "a\tb\r",
    "é☃\U0001f4a5",
    "*",
    "~",
    "!!",
)
# No NUL and no lone surrogate: those are refused.
arguments = st.lists(
    st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",))), max_size=6
)
hostile = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def words(output: bytes) -> list[str]:
    return [word.decode() for word in output.split(b"\0")[:-1]]


@given(arguments)
@example(list(HOSTILE))
@hostile
def test_a_shell_of_this_host_gives_them_back(given_arguments: list[str]) -> None:
    line = script_line(_PRINT, given_arguments)
    found = subprocess.run(["sh", "-c", line], capture_output=True, check=True)
    assert words(found.stdout) == given_arguments


@pytest.fixture(scope="module")
def quoting_phone(make_device_module: MakeDevice) -> LabDevice:
    return make_device_module()


@pytest.fixture
def line(quoting_phone: LabDevice, lab_server: LabServer) -> Connection:
    found = Connection(quoting_phone.serial, AdbServer())
    found.revive()
    return found


@given(arguments)
@example(list(HOSTILE))
@hostile
def test_a_phones_shell_gives_them_back(line: Connection, given_arguments: list[str]) -> None:
    assert words(line.script(_PRINT, *given_arguments).stdout) == given_arguments


@given(st.text(max_size=40))
@example("127.0.0.1:1'; touch /tmp/x; '")
@example("0001\n0002")
@hostile
def test_hostile_serials_reach_nothing(lab_server: LabServer, serial: str) -> None:
    with AdbDevice(serial, bundles=runner_finder(None), patience_s=0.0) as device:
        with pytest.raises((DeviceLost, InputRefusedError)) as caught:
            device.profile()
        assert "\n" not in str(caught.value)


def test_hostile_properties_stay_data(
    lab_server: LabServer, make_device: MakeDevice, tmp_path: Path
) -> None:
    phone = make_device()
    phone.set_props(**{"ro.product.model": "$(touch /data/x)'\";\x1b[31m`id` é" + "x" * 500})
    bundle = script_bundle(tmp_path / "bundle")
    with AdbDevice(phone.serial, bundles=lambda abi: bundle) as device:
        profile = device.profile()
        assert "$(touch /data/x)" in profile.model
        assert profile.model.isprintable()
        assert len(profile.model) <= 200
    assert not (phone.home / "data/x").exists()


@pytest.mark.parametrize("bad", ["a\0b", "a\ud800"])
def test_what_no_process_can_be_given_is_refused(bad: str) -> None:
    with pytest.raises(InputRefusedError):
        command_line(["true", bad])


@given(st.text())
def test_shown_is_one_printable_line(text: str) -> None:
    # Spaces of all widths and characters of private use stay: no terminal obeys them.
    assert all(c.isprintable() or unicodedata.category(c) in ("Zs", "Co") for c in shown(text, 50))
    assert len(shown(text, 50)) <= 50
