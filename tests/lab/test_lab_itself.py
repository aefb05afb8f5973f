"""The lab is what it claims to be: seen through plain adb, without any code of ours."""

from __future__ import annotations

import shlex
import subprocess

import psutil
import pytest
from adbutils import AdbClient, AdbError, adb_path
from lab_device import LabDevice
from lab_fixtures import MakeDevice
from lab_server import LabServer, UnauthorizedDevice


def adb(server: LabServer, *arguments: str) -> str:
    done = subprocess.run(
        [adb_path(), "-P", str(server.port), *arguments],
        capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    return done.stdout + done.stderr


def connected(server: LabServer, device: LabDevice) -> str:
    assert "connected" in adb(server, "connect", device.serial)
    adb(server, "-s", device.serial, "wait-for-device")
    return device.serial


def test_it_looks_like_a_phone(lab_server: LabServer, phone: LabDevice) -> None:
    serial = connected(lab_server, phone)
    script = (
        "getprop ro.product.model; id -u; which sha256sum stat df timeout; echo $KSH_VERSION;"
        "dumpsys battery | grep level; ls /sys/devices/system/cpu | head -1; cd /data/local/tmp"
    )
    words = adb(lab_server, "-s", serial, "shell", script)
    assert "Lab Phone" in words
    assert "level: 83" in words
    assert "MIRBSD KSH" in words
    assert "cpu0" in words
    assert "not found" not in words
    assert words.count("/system/bin/") == 4


def test_old_phone_has_the_old_shell_and_the_old_tools(
    lab_server: LabServer, make_device: MakeDevice
) -> None:
    serial = connected(lab_server, make_device(old=True))
    # A subshell that SIGTERM ends passes it on: the main shell hears of it.
    script = """
      trap 'echo passed on' TERM
      ( cat /dev/zero; : ) > /dev/null & sub=$!
      sleep 0.3; kill -TERM $sub; sleep 0.1; pkill -KILL -P $sub; sleep 0.3
      echo abc | head -c 1; echo code $?; which timeout sha256sum; which shuf
    """
    words = adb(lab_server, "-s", serial, "shell", f"exec sh -c {shlex.quote(script)}")
    assert "passed on" in words
    assert "Unknown option -c" in words
    assert "code 1" in words
    assert words.count("/system/bin/") == 2


def test_reboot_keeps_data(lab_server: LabServer, phone: LabDevice) -> None:
    serial = connected(lab_server, phone)
    adb(lab_server, "-s", serial, "shell", "echo kept > /data/local/tmp/it; echo gone > /etc/it")
    phone.reboot()
    adb(lab_server, "connect", serial)
    adb(lab_server, "-s", serial, "wait-for-device")
    words = adb(lab_server, "-s", serial, "shell", "cat /data/local/tmp/it /etc/it")
    assert "kept" in words
    assert "gone" not in words


def test_frozen_device_answers_nothing(lab_server: LabServer, phone: LabDevice) -> None:
    serial = connected(lab_server, phone)
    client = AdbClient(port=lab_server.port)
    with phone.frozen(), pytest.raises(AdbError, match="timeout"):
        client.device(serial).shell2("true", v2=True, timeout=1)
    assert client.device(serial).shell2("echo back", v2=True, timeout=10).output == "back\n"


def test_small_disk_fills_up(lab_server: LabServer, make_device: MakeDevice) -> None:
    serial = connected(lab_server, make_device(data_mb=2))
    words = adb(
        lab_server, "-s", serial, "shell", "head -c 9000000 /dev/zero > /data/local/tmp/big"
    )
    assert "No space left" in words


def test_unauthorized_is_listed_so(lab_server: LabServer, unauthorized: UnauthorizedDevice) -> None:
    adb(lab_server, "connect", unauthorized.serial)
    assert f"{unauthorized.serial}\tunauthorized" in adb(lab_server, "devices")


def test_nothing_listens_beyond_loopback(phone: LabDevice) -> None:
    found = [c.laddr for c in psutil.net_connections("tcp") if c.laddr and c.laddr[1] == phone.port]
    assert found
    assert {address[0] for address in found} <= {"127.0.0.1", "::ffff:127.0.0.1"}


def test_arm64_programs_run(lab_server: LabServer, make_device: MakeDevice) -> None:
    device = make_device(abi="arm64-v8a")
    serial = connected(lab_server, device)
    # The smallest arm64 program: exit(42).
    code = bytes.fromhex("400580d2a80b80d2010000d4")
    header = (
        b"\x7fELF\x02\x01\x01" + bytes(9)
        + bytes.fromhex("0200b70001000000780040000000000040000000000000000000000000000000")
        + bytes.fromhex("00000000400038000100000000000000")
        + bytes.fromhex("0100000005000000000000000000000000004000000000000000400000000000")
        + (120 + len(code)).to_bytes(8, "little") * 2 + (4096).to_bytes(8, "little")
    )  # fmt: skip
    program = device.home / "data/local/tmp/answer"
    program.write_bytes(header + code)
    program.chmod(0o755)
    assert "42" in adb(lab_server, "-s", serial, "shell", "/data/local/tmp/answer; echo $?")
