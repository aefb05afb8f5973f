"""Shell, push and pull on one device: bounded in time, and honest about losing it."""

from __future__ import annotations

import io
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from device_runner.devices.adb.bounds import DEFAULT_BOUNDS, Bounds
from device_runner.devices.adb.lines import SAME_SERIAL, WITHOUT_SERIAL, is_network
from device_runner.devices.adb.quoting import MAX_COMMAND_BYTES, command_line, script_line
from device_runner.devices.adb.server import AdbServer, AdbServerError
from device_runner.devices.adb.states import READY, advice_for
from device_runner.devices.adb.wire import (
    LOSSES,
    Deadline,
    RefusedByDevice,
    ShellStream,
    Sync,
    Wire,
)
from device_runner.errors import (
    DeviceLost,
    DeviceStorageError,
    InputRefusedError,
    RunnerBrokenError,
)
from foundation import atomic_path
from foundation.wording import shown

MAX_OUTPUT_BYTES = 4 << 20

# What no waiting changes.
_WAITS_FOR_A_HAND = ("unauthorized", "no permissions", SAME_SERIAL, WITHOUT_SERIAL)

_T = TypeVar("_T")


@dataclass(frozen=True)
class ShellResult:
    """What a command on the device came to."""

    exit_code: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        """stdout as text; a device may send anything."""
        return self.stdout.decode("utf-8", "replace")


class Connection:
    """The calls that this tool makes to one device.

    Every call ends within its bound. `DeviceLost` names the device, what was being done, what
    adb says about the device now, and what to do. `patience_s` is how long a device that went
    away is waited for when `revive` is called; 0 looks once.
    """

    def __init__(
        self,
        serial: str,
        server: AdbServer,
        *,
        patience_s: float = 10.0,
        bounds: Bounds = DEFAULT_BOUNDS,
    ) -> None:
        self.serial, self.server, self.patience_s = serial, server, patience_s
        self.bounds = bounds
        # Set by a loss: what was known of the device may not hold any more.
        self.doubtful = True

    @property
    def is_network(self) -> bool:
        """Whether the serial is an address that adb connects to by itself."""
        return is_network(self.serial)

    @property
    def shown(self) -> str:
        """The serial as a message may print it."""
        return shown(self.serial)

    def shell(self, arguments: Sequence[str], *, timeout_s: float | None = None) -> ShellResult:
        """Run one program. Raises `DeviceLost`."""
        return self._shell(command_line(arguments), timeout_s)

    def script(
        self, script: str, *arguments: str, timeout_s: float | None = None, doing: str = "asked"
    ) -> ShellResult:
        """Run a constant script with arguments. Raises `DeviceLost`."""
        return self._shell(script_line(script, arguments), timeout_s, doing)

    def _shell(self, line: str, timeout_s: float | None, doing: str = "asked") -> ShellResult:
        if len(line.encode()) > MAX_COMMAND_BYTES:
            raise InputRefusedError(f"a command for device {self.shown} is too long")

        def talk(deadline: Deadline) -> ShellResult:
            with Wire(self.server.host, self.server.port, deadline) as wire:
                stream = ShellStream(wire, self.serial, line, MAX_OUTPUT_BYTES)
                while stream.step():
                    pass
                assert stream.exit_code is not None
                return ShellResult(stream.exit_code, bytes(stream.stdout), bytes(stream.stderr))

        limit_s = self.bounds.shell_s if timeout_s is None else timeout_s
        return self.bounded(talk, limit_s, doing)

    def push(self, source: bytes | Path, remote: str, *, mode: int = 0o644) -> int:
        """Write a file; the caller verifies and renames it. Returns the bytes sent.

        Raises:
            DeviceLost: a part of the file may have stayed behind.
            DeviceStorageError: it could not be stored.
        """
        opened = io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")
        with opened as stream:
            size = stream.seek(0, io.SEEK_END)
            stream.seek(0)

            def talk(deadline: Deadline) -> int:
                with Wire(self.server.host, self.server.port, deadline) as wire:
                    return Sync(wire, self.serial).write(stream, remote, mode)

            try:
                return self._transfer(talk, size, "given a file")
            except RefusedByDevice as error:
                raise DeviceStorageError(
                    f"device {self.shown} could not store a file of {size} bytes: "
                    f"{shown(str(error))}; free some space there, or run 'mobilesr-tune devices "
                    "--clean'"
                ) from error

    def pull(self, files: Sequence[tuple[str, Path]], *, size: int) -> None:
        """Fetch files that must have this size, in one conversation; each is whole or absent.

        Raises:
            RunnerBrokenError: one is not what the runner said that it wrote.
            DeviceLost.
        """

        def talk(deadline: Deadline) -> str:
            """What is wrong with a file, or nothing."""
            with Wire(self.server.host, self.server.port, deadline) as wire:
                sync = Sync(wire, self.serial)
                for remote, local in files:
                    content = bytearray()
                    # A pull of what is not there would not fail, so its size is asked first.
                    found = sync.size_of(remote)
                    if found is None:
                        return f"there is no file {remote}, at most a link or a folder"
                    if found != size:
                        return f"{remote} has {found} bytes"
                    for chunk in sync.read(remote):
                        content += chunk
                        if len(content) > size:
                            break
                    if len(content) != size:
                        return f"{remote} changed while it was read"
                    contents.append((local, bytes(content)))
            return ""

        contents: list[tuple[Path, bytes]] = []
        try:
            problem = self._transfer(talk, size * len(files), "asked for its outputs")
        except RefusedByDevice as error:
            raise DeviceLost(
                f"device {self.shown} would not give back a file: {shown(str(error))}"
            ) from error
        if problem:
            raise RunnerBrokenError(
                f"the runner on device {self.shown} said that it wrote an output of {size} bytes, "
                f"but {problem}: use the runner that belongs to this version of mobilesr-tune"
            )
        for local, content in contents:
            with atomic_path(local) as temporary:
                temporary.write_bytes(content)

    def _transfer(self, talk: Callable[[Deadline], _T], size: int, doing: str) -> _T:
        limit_s = self.bounds.transfer_limit_s(size)
        return self.bounded(talk, limit_s, doing, stall_s=self.bounds.stall_s)

    def bounded(
        self,
        talk: Callable[[Deadline], _T],
        timeout_s: float,
        doing: str,
        *,
        stall_s: float = math.inf,
    ) -> _T:
        """Have a conversation; whatever a loss looks like, it becomes `DeviceLost`."""
        if not self.server.is_running():
            # adbutils would start one by itself, on streams that are ours.
            raise self.lost(doing, EOFError("the adb server is gone"))
        try:
            return talk(Deadline(timeout_s, stall_s))
        except LOSSES as error:
            raise self.lost(doing, error) from error

    def lost(self, doing: str, error: BaseException) -> DeviceLost:
        """The error for a device that went away: looks what adb says about it now."""
        self.doubtful = True
        try:
            state = self.server.state_of(self.serial)
        except AdbServerError:
            state = "server frozen" if self.server.is_running() else "no server"
        # What ended at once was no want of time.
        if state == READY and not isinstance(error, TimeoutError):
            state = "broken off"
        why = shown(str(error) or type(error).__name__)
        return DeviceLost(
            f"device {self.shown} was lost while it was {doing} ({why}): "
            f"{advice_for(state, self.serial)}"
        )

    def revive(self) -> None:
        """Have a device that answers, `patience_s` at most: start the server, connect, wait.

        Raises:
            DeviceLost: it did not come back; says what its state is and what to do.
        """
        deadline = time.monotonic() + self.patience_s
        pause = 0.05
        while True:
            try:
                self.server.ensure()
                state = self.server.state_of(self.serial)
                if state == "device":
                    answer_s = min(self.bounds.shell_s, max(2.0, self.patience_s))
                    self._shell(command_line(["true"]), answer_s)
                    self.doubtful = False
                    return
                problem = DeviceLost(
                    f"device {self.shown} is not ready: {advice_for(state, self.serial)}"
                )
                if self.is_network and state in ("offline", "absent"):
                    if state == "offline":
                        self.server.disconnect(self.serial)
                    self.server.connect(self.serial)
            except DeviceLost as error:
                problem, state = error, "unknown"
            if time.monotonic() + pause > deadline or state in _WAITS_FOR_A_HAND:
                raise problem
            time.sleep(pause)
            pause = min(2 * pause, 1.0)
