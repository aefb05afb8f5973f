"""Which devices there are, and which one a name means."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from device_runner.commands.runner_option import STOCK, runner_finder
from device_runner.device import Device
from device_runner.devices.host import SERIAL as HOST
from device_runner.devices.host import HostDevice
from device_runner.errors import DeviceLost, DeviceUnknownError
from foundation import RequestError
from foundation.wording import shown

if TYPE_CHECKING:
    from device_runner.devices.adb.bundle import BundleFinder
    from device_runner.devices.adb.listing import Listing

AUTO = "auto"
ALL = "all"
# By which adb and what stands on it know the phone that is meant.
SERIAL_VARIABLE = "ANDROID_SERIAL"


@dataclass(frozen=True)
class Selection:
    """The device that a name came to mean, and the sentence that says so."""

    device: Device
    sentence: str


@dataclass(frozen=True)
class Selections:
    """The devices that a name came to mean, one at least, and the sentence that says so."""

    devices: tuple[Device, ...]
    sentence: str

    def close(self) -> None:
        """Close every device."""
        for device in self.devices:
            device.close()


@dataclass(frozen=True)
class Unready:
    """A device that adb lists but that cannot be used as it is."""

    serial: str
    state: str
    advice: str


@dataclass(frozen=True)
class Survey:
    """Everything that was found: what can be opened, what cannot, and why adb says nothing."""

    devices: tuple[Device, ...]
    unready: tuple[Unready, ...]
    problem: str = ""


def survey(*, bundles: BundleFinder | None = None) -> Survey:
    """Look for devices. Starts adb's server where it does not run. The caller closes them."""
    listing = _adb()
    devices = [_open_adb(found.serial, None, bundles) for found in listing.devices if found.ready]
    unready = tuple(
        Unready(found.serial, found.state, found.advice)
        for found in listing.devices
        if not found.ready
    )
    return Survey((*devices, HostDevice()), unready, listing.problem)


def open_device(
    name: str = AUTO, *, runner: str | None = None, bundles: BundleFinder | None = None
) -> Selection:
    """Open a device by serial, or let `auto` choose: a phone, then an emulator, then the host.

    Where `ANDROID_SERIAL` names one, `auto` is that one, as it is for adb itself.
    `sim:NAME` is a simulated phone, `replay:PATH` a recorded table of measurements; neither is
    ever chosen by `auto`. adb is asked only for other names than these and `host`. A network
    device (`address:port`) is connected to if need be. `runner` is what `--runner` says;
    `bundles` finds runners otherwise.

    Raises:
        DeviceUnknownError: nothing answers to that name.
        DeviceLost: a device of that name is there, but not ready; says what to do.
        RequestError: the runner asked for does not fit the device, there is nothing to replay, or
            the name is `all`.
    """
    if name == ALL:
        raise RequestError("'--device all' is for search and bench: name one device here")
    if name == HOST:
        return _host(f"Device: {HOST}, as asked for.", runner)
    if name.startswith(("sim:", "replay:")):
        return _made_up(name, runner)
    from device_runner.devices.adb.lines import is_network

    listing, asked = _adb(), "asked for"
    if name == AUTO:
        name, asked = os.environ.get(SERIAL_VARIABLE, ""), f"{SERIAL_VARIABLE} says"
        if not name:
            return _choose(listing, runner, bundles)
    by_serial = {found.serial: found for found in listing.devices}
    if name not in by_serial and not is_network(name):
        # As a shell takes them: a phone's name for itself may hold spaces and brackets.
        known = ", ".join([AUTO, HOST, *(shlex.quote(shown(serial)) for serial in by_serial)])
        why = f"; {listing.problem}" if listing.problem else ""
        whence = "" if asked == "asked for" else f", or unset {SERIAL_VARIABLE}, which names it"
        raise DeviceUnknownError(
            f"no device is called {name[:200]!r}: choose one of {known} (see 'mobilesr-tune "
            f"devices'){whence}{why}"
        )
    device = _open_adb(name, runner, bundles)
    # Here, where the user waits for an answer, and not in the middle of a search.
    device.profile()
    return Selection(device, f"Device: {name}, as {asked}.")


def open_devices(
    name: str = AUTO, *, runner: str | None = None, bundles: BundleFinder | None = None
) -> Selections:
    """As `open_device`; `all` opens every phone and emulator that is ready, else the host.

    Raises:
        DeviceUnknownError, DeviceLost, RequestError: see `open_device`.
    """
    if name != ALL:
        one = open_device(name, runner=runner, bundles=bundles)
        return Selections((one.device,), one.sentence)
    listing = _adb()
    fit = _fit(listing, runner, bundles)
    if not fit.found:
        one = _host(f"Device: {HOST}, because {fit.why_none(listing)}{fit.reason}.", runner)
        return Selections((one.device,), one.sentence)
    serials = [serial for serial, _ in fit.found]
    devices = tuple(_open_adb(serial, runner, bundles) for serial in serials)
    return Selections(devices, f"Devices: {', '.join(serials)}, all that are ready{fit.reason}.")


def _host(sentence: str, runner: str | None) -> Selection:
    if runner is not None:
        raise RequestError(
            "--runner is for phones, and the device is the host, which runs models in Python: name "
            f"a phone with --device, or leave --runner out ({sentence.rstrip('.')})"
        )
    return Selection(HostDevice(), sentence)


def _adb() -> Listing:
    from device_runner.devices.adb.listing import list_adb

    return list_adb()


def _open_adb(serial: str, runner: str | None, bundles: BundleFinder | None) -> Device:
    from device_runner.devices.adb.device import AdbDevice
    from device_runner.devices.adb.stock import StockAdbDevice

    kind = StockAdbDevice if runner is not None and runner.startswith(STOCK) else AdbDevice
    return kind(serial, bundles=bundles or runner_finder(runner))


def _made_up(name: str, runner: str | None) -> Selection:
    from device_runner.devices.replay import open_replay
    from device_runner.devices.simulated import open_simulated

    if runner is not None:
        raise RequestError("--runner is for phones, and this device is simulated: leave it out")
    device = open_simulated(name) if name.startswith("sim:") else open_replay(name)
    return Selection(device, f"Device: {device.serial}, a simulated one, as asked for.")


@dataclass(frozen=True)
class _Fit:
    """Which of the listed devices can be used, with their kinds, and why the others cannot."""

    found: list[tuple[str, str]]
    passed_over: list[str]

    @property
    def reason(self) -> str:
        """The others, in brackets."""
        if not self.passed_over:
            return ""
        return f" ({', '.join(self.passed_over)}: see 'mobilesr-tune devices')"

    @staticmethod
    def why_none(listing: Listing) -> str:
        """Why there is no phone or emulator."""
        if listing.problem:
            return f"adb cannot be asked: {listing.problem}"
        return (
            "no phone or emulator is ready" if listing.devices else "adb lists no phone or emulator"
        )


def _fit(listing: Listing, runner: str | None, bundles: BundleFinder | None) -> _Fit:
    from device_runner.bundles.choice import how_to_have
    from device_runner.devices.adb.bundle import NO_RUNNER

    found: list[tuple[str, str]] = []
    passed_over = [f"{one.serial} is {one.state}" for one in listing.devices if not one.ready]
    for serial in [one.serial for one in listing.devices if one.ready]:
        with _open_adb(serial, runner, bundles) as device:
            try:
                profile = device.profile()
            except DeviceLost:
                passed_over.append(f"{serial} does not answer")
                continue
            except RequestError as error:
                passed_over.append(f"{serial}: {error}")
                continue
            if profile.runner == NO_RUNNER:
                passed_over.append(f"{serial} has no runner, {how_to_have(profile.abi)}")
                continue
            found.append((serial, profile.kind))
    return _Fit(found, passed_over)


def _choose(listing: Listing, runner: str | None, bundles: BundleFinder | None) -> Selection:
    fit = _fit(listing, runner, bundles)
    for kind, called, because in (
        ("phone", "a phone", ""),
        ("emulator", "an emulator", ", because no phone is ready"),
    ):
        serials = [serial for serial, its_kind in fit.found if its_kind == kind]
        if serials:
            count = f", the first of {len(serials)}" if len(serials) > 1 else ""
            sentence = f"Device: {serials[0]}, {called}{count}{because}{fit.reason}."
            return Selection(_open_adb(serials[0], runner, bundles), sentence)
    return _host(f"Device: {HOST}, because {fit.why_none(listing)}{fit.reason}.", runner)
