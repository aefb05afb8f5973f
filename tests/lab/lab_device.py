"""One device of the lab: a real adbd in namespaces of its own, and the ways to make it fail."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
from lab_image import emulator_binary, phone_image
from lab_packages import LabUnavailable

PROPS = {
    "sys.boot_completed": "1",
    "ro.product.manufacturer": "Lab",
    "ro.product.model": "Lab Phone",
    "ro.soc.manufacturer": "Debian",
    "ro.soc.model": "LAB100",
    "ro.build.version.release": "15",
    "ro.build.version.sdk": "35",
    "ro.build.fingerprint": "lab/phone/phone:15/LAB/1:user/release-keys",
    "ro.build.type": "user",
    "ro.debuggable": "0",
}
BATTERY = """Current Battery Service state:
  AC powered: false
  USB powered: true
  Wireless powered: false
  Max charging current: 500000
  status: 2
  health: 2
  present: true
  level: 83
  scale: 100
  temperature: 284
"""
THERMAL = """IsStatusOverride: false
HAL Ready: true
ThermalEventListeners:
Thermal Status: 0
Cached temperatures:
	Temperature{mValue=31.4, mType=3, mName=skin, mStatus=0}
Current temperatures from HAL:
	Temperature{mValue=38.25, mType=0, mName=cpu0, mStatus=0}
	Temperature{mValue=31.5, mType=3, mName=skin, mStatus=0}
Temperature static thresholds from HAL:
"""
POWER = """POWER MANAGER (dumpsys power)

Power Manager State:
  mDirty=0x0
  mWakefulness=Awake
  mWakefulnessChanging=false
"""
_START_S = 20.0


def free_port() -> int:
    """A port that nobody listens on, outside the range that adb takes for emulators."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if not 5554 <= port <= 5700:
            return port


class LabDevice:
    """Start it, break it, start it again with the same /data.

    An `old` one has the shell and the tools of Android 8.
    """

    def __init__(
        self, home: Path, *, abi: str = "x86_64", data_mb: int = 0, old: bool = False,
        cpu: str = "cortex-a76", data_options: str = "rw",
    ) -> None:  # fmt: skip
        """`cpu` is the processor that an arm64 one has; `data_options` mount a small /data."""
        self.home, self.abi, self.old, self.cpu = home, abi, old, cpu
        self.port = free_port()
        self._data_mb, self._data_options = data_mb, data_options
        self._props: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None
        for name in ("data", "lab/settings", "lab/dumpsys"):
            (home / name).mkdir(parents=True)
        (home / "lab/dumpsys/battery").write_text(BATTERY)
        (home / "lab/dumpsys/thermalservice").write_text(THERMAL)
        (home / "lab/dumpsys/power").write_text(POWER)
        (home / "lab/settings/stay_on_while_plugged_in").write_text("0\n")
        self.set_props(**PROPS, **{"ro.product.cpu.abi": abi})
        if old:
            self.set_props(**{"ro.build.version.release": "8.0.0", "ro.build.version.sdk": "26"})

    @property
    def serial(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def storage(self) -> Path:
        """Our folder on the device, seen from the host. Not there with a small /data."""
        return self.home / "data/local/tmp/mobilesr-tune"

    @property
    def calls(self) -> list[str]:
        """What was asked of the device's services so far."""
        path = self.home / "lab/calls"
        return path.read_text().splitlines() if path.exists() else []

    def setting(self, name: str) -> str:
        return (self.home / "lab" / name).read_text().strip()

    def set_props(self, **props: str) -> None:
        self._props |= props
        text = "".join(f"{key}={value}\n" for key, value in self._props.items())
        (self.home / "lab/props").write_text(text)

    def start(self) -> None:
        """Boot; returns when the port answers."""
        for name in ("upper", "work", "root"):
            shutil.rmtree(self.home / name, ignore_errors=True)
            (self.home / name).mkdir()
        image = phone_image()
        qemu = str(emulator_binary()) if self.abi == "arm64-v8a" else "none"
        age = "old" if self.old else "new"
        arguments = [self.home, image, self.port, self._data_mb, qemu, age, self.cpu]
        arguments.append(self._data_options)
        with (self.home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["unshare", "-U", "-r", "-m", "-p", "--fork", "--kill-child", "sh",
                 image / "init.sh", *map(str, arguments)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + _START_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                words = (self.home / "log").read_text(errors="replace")[-500:]
                self.kill()
                raise LabUnavailable(f"a device of the lab did not start: {words}")
            time.sleep(0.02)

    def _answers(self) -> bool:
        # Read from the kernel's table: a connection would be an adb client that says nothing.
        port = f"0100007F:{self.port:04X}"
        return any(
            port in line and line.split()[3] == "0A"
            for table in ("tcp", "tcp6")
            for line in Path("/proc/net", table).read_text().splitlines()
        )

    def processes(self) -> list[psutil.Process]:
        """Everything that runs on the device, its process 1 included."""
        if self._process is None or self._process.poll() is not None:
            return []
        with contextlib.suppress(psutil.NoSuchProcess):
            return psutil.Process(self._process.pid).children(recursive=True)
        return []

    def runs(self) -> list[str]:
        """The command lines of what runs beside process 1 and adbd; the dead do not count."""
        found = []
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                line = process.cmdline()
                init = len(line) > 1 and line[1].endswith("init.sh")
                alive = bool(line) and process.status() != psutil.STATUS_ZOMBIE
                if alive and not init and "adbd" not in line[0]:
                    found.append(" ".join(line))
        return found

    def await_idle(self, seconds: float = 30.0) -> None:
        """Nothing runs beside process 1 and adbd, within so many seconds."""
        deadline = time.monotonic() + seconds
        while left := self.runs():
            assert time.monotonic() < deadline, f"still running after {seconds:.0f} s: {left}"
            time.sleep(0.05)

    def adbd(self) -> psutil.Process:
        return next(p for p in self.processes() if p.name() == "adbd")

    def kill(self) -> None:
        """The cable is pulled: everything on the device is gone at once; /data stays."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def reboot(self) -> None:
        self.kill()
        self.start()

    def freeze(self) -> None:
        self.adbd().send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.adbd().send_signal(signal.SIGCONT)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        self.freeze()
        try:
            yield
        finally:
            with contextlib.suppress(StopIteration, psutil.NoSuchProcess):
                self.thaw()
