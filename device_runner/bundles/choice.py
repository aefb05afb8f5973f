"""Which runner a device gets: what `--runner` says, or the bundle for its ABI."""

from __future__ import annotations

from pathlib import Path

from device_runner.bundles import store
from device_runner.bundles.building import recipe
from device_runner.bundles.errors import BundleError
from device_runner.bundles.pins import PLATFORMS
from device_runner.bundles.stock import StockRunner
from device_runner.bundles.store import Bundle

_STOCK = "executor_runner="


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
        raise BundleError(
            f"there are runners for {' and '.join(PLATFORMS)}, not for {ascii(abi)[:40]}: a device "
            "of another ABI needs '--runner executor_runner=PATH'"
        )
    bundle = (
        store.find(abi, recipe=recipe(abi)) if runner is None else store.open_bundle(Path(runner))
    )
    if bundle.manifest.abi != abi:
        raise BundleError(
            f"the runner in {bundle.folder} is for {bundle.manifest.abi}, the device is {abi}"
        )
    store.verify(bundle)
    return bundle
