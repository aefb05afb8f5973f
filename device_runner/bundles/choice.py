"""Which runner a device gets: what `--runner` says, or the bundle for its ABI."""

from __future__ import annotations

from pathlib import Path

from device_runner.bundles import store
from device_runner.bundles.building import recipe
from device_runner.bundles.errors import BundleError, BundleMissingError
from device_runner.bundles.pins import EXECUTORCH_VERSION, PLATFORMS
from device_runner.bundles.stock import StockRunner
from device_runner.bundles.store import Bundle
from device_runner.launching.protocol import PROTOCOL_VERSION

_STOCK = "executor_runner="


def how_to_have(abi: str) -> str:
    """What to do where a device of `abi` has no runner, as a part of a sentence."""
    if abi in PLATFORMS:
        return f"make its runner with 'mobilesr-tune runner build --abi {abi}'"
    return (
        f"there are runners for {' and '.join(PLATFORMS)}, not for {ascii(abi)[:40]}: a device "
        "of another ABI needs '--runner executor_runner=PATH', a program that was built for it"
    )


def choose_runner(abi: str, runner: str | None = None) -> Bundle | StockRunner:
    """The runner for a device of `abi`; `runner` is a bundle's folder or `executor_runner=PATH`.

    Raises:
        BundleMissingError: no bundle is there, or none for this ABI; the message says how to
            come by one.
        BundleDamagedError: its files are not those of its manifest.
        BundleError: an ABI that no runner is made for, a bundle of another ABI, or no such file.
    """
    if runner is not None and runner.startswith(_STOCK):
        path = Path(runner.removeprefix(_STOCK))
        if not path.is_file():
            raise BundleError(f"there is no executor_runner at {path}")
        return StockRunner(path)
    if abi not in PLATFORMS:
        raise BundleError(how_to_have(abi))
    if runner is None:
        bundle = store.find(abi, recipe=recipe(abi))
        made_for = bundle.manifest.executorch_version
        if made_for != EXECUTORCH_VERSION or bundle.manifest.protocol != PROTOCOL_VERSION:
            raise BundleMissingError(
                f"the runner for {abi} on this computer is of ExecuTorch {made_for} and protocol "
                f"{bundle.manifest.protocol}, this version of mobilesr-tune uses "
                f"{EXECUTORCH_VERSION} and {PROTOCOL_VERSION}: make the new one with "
                f"'mobilesr-tune runner build --abi {abi}'"
            )
    else:
        bundle = store.open_bundle(Path(runner))
    if bundle.manifest.protocol != PROTOCOL_VERSION:
        raise BundleError(
            f"the runner in {bundle.folder} speaks protocol {bundle.manifest.protocol}, this "
            f"version of mobilesr-tune {PROTOCOL_VERSION}: build it anew from the sources here"
        )
    if bundle.manifest.abi != abi:
        raise BundleError(
            f"the runner in {bundle.folder} is for {bundle.manifest.abi}, the device is {abi}"
        )
    store.verify(bundle)
    return bundle
