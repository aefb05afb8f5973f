"""Which devices there are, and which one a name means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from device_runner.device import Device
from device_runner.errors import DeviceLost, DeviceUnknownError
from device_runner.host import SERIAL as HOST
from device_runner.host import HostDevice

if TYPE_CHECKING:
    from device_runner.adb.bundle import BundleFinder
    from device_runner.adb.listing import Found, Listing

AUTO = "auto"


@dataclass(frozen=True)
class Selection:
    """The device that a name came to mean, and the sentence that says so."""

    device: Device
    sentence: str


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
    devices = [_open_adb(found.serial, bundles) for found in listing.devices if found.ready]
    unready = tuple(
        Unready(found.serial, found.state, found.advice)
        for found in listing.devices
        if not found.ready
    )
    return Survey((*devices, HostDevice()), unready, listing.problem)


def list_devices(*, bundles: BundleFinder | None = None) -> list[Device]:
    """Every device that can be opened now. The caller closes them."""
    return list(survey(bundles=bundles).devices)


def open_device(name: str = AUTO, *, bundles: BundleFinder | None = None) -> Selection:
    """Open a device by serial, or let `auto` choose: a phone, then an emulator, then the host.

    `sim:NAME` is a simulated phone, `replay:PATH` a recorded table of measurements; neither is
    ever chosen by `auto`. adb is asked only for other names than these and `host`. A network
    device (`address:port`) is connected to if need be.

    Raises:
        DeviceUnknownError: nothing answers to that name.
        RequestError: there is nothing to replay.
        DeviceLost: a device of that name is there, but not ready; says what to do.
    """
    if name == HOST:
        return Selection(HostDevice(), f"Device: {HOST}, as asked for.")
    if name.startswith(("sim:", "replay:")):
        return Selection(_open_made_up(name), f"Device: {name[:200]}, a simulated one.")
    listing = _adb()
    if name == AUTO:
        return _choose(listing, bundles)
    by_serial = {found.serial: found for found in listing.devices}
    if name not in by_serial and not _is_address(name):
        known = ", ".join([AUTO, HOST, *by_serial])
        why = f"; {listing.problem}" if listing.problem else ""
        raise DeviceUnknownError(
            f"no device is called {name[:200]!r}: choose one of {known} (see 'mobilesr-tune "
            f"devices'){why}"
        )
    device = _open_adb(name, bundles)
    # Here, where the user waits for an answer, and not in the middle of a search.
    device.profile()
    return Selection(device, f"Device: {name}, as asked for.")


def _adb() -> Listing:
    from device_runner.adb.listing import list_adb

    return list_adb()


def _open_adb(serial: str, bundles: BundleFinder | None) -> Device:
    from device_runner.adb.device import AdbDevice
    from device_runner.adb.native import find_native

    return AdbDevice(serial, bundles=bundles or find_native)


def _open_made_up(name: str) -> Device:
    from device_runner.replay import open_replay
    from device_runner.simulated import open_simulated

    return open_simulated(name) if name.startswith("sim:") else open_replay(name)


def _is_address(name: str) -> bool:
    host, _, port = name.rpartition(":")
    return bool(host) and port.isdigit()


def _choose(listing: Listing, bundles: BundleFinder | None) -> Selection:
    from device_runner.adb.bundle import NO_RUNNER

    ready = [found for found in listing.devices if found.ready]
    kinds: list[tuple[Found, str]] = []
    passed_over = [f"{one.serial} is {one.state}" for one in listing.devices if not one.ready]
    for found in ready:
        with _open_adb(found.serial, bundles) as device:
            try:
                profile = device.profile()
                if profile.runner == NO_RUNNER:
                    passed_over.append(
                        f"{found.serial} has no runner yet, make it with 'mobilesr-tune runner "
                        f"build --abi {profile.abi}'"
                    )
                    continue
                kinds.append((found, profile.kind))
            except DeviceLost:
                passed_over.append(f"{found.serial} does not answer")
    reason = f" ({', '.join(passed_over)}: see 'mobilesr-tune devices')" if passed_over else ""
    for kind, called, because in (
        ("phone", "a phone", ""),
        ("emulator", "an emulator", ", because no phone is ready"),
    ):
        fit = [found.serial for found, its_kind in kinds if its_kind == kind]
        if fit:
            count = f", the first of {len(fit)}" if len(fit) > 1 else ""
            sentence = f"Device: {fit[0]}, {called}{count}{because}{reason}."
            return Selection(_open_adb(fit[0], bundles), sentence)
    why = "no phone or emulator is ready" if listing.devices else "adb lists no phone or emulator"
    if listing.problem:
        why = f"adb cannot be asked: {listing.problem}"
    return Selection(HostDevice(), f"Device: {HOST}, because {why}{reason}.")
