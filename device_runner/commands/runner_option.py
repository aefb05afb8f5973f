"""What `--runner` says, as a device asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from device_runner.devices.adb.bundle import BundleFinder, RunnerBundle

STOCK = "executor_runner="


def runner_finder(runner: str | None) -> BundleFinder:
    """From an ABI to the runner for it: the option's, or this host's own for that ABI.

    `runner` is a bundle's folder, or `executor_runner=PATH`. What the finder raises is a
    `RequestError`: `RunnerMissingError` where there is none, `BundleError` where the one asked
    for does not fit.
    """

    def find(abi: str) -> RunnerBundle:
        # Here, as most commands never ask for a phone.
        from device_runner.bundles.choice import choose_runner
        from device_runner.bundles.errors import BundleError
        from device_runner.bundles.stock import StockRunner
        from device_runner.devices.adb.bundle import RunnerMissingError
        from device_runner.devices.adb.native import NativeBundle
        from device_runner.devices.adb.stock import StockBundle

        try:
            chosen = choose_runner(abi, runner)
        except BundleError as error:
            if runner is not None:
                raise
            # A phone without a runner can still be looked at.
            raise RunnerMissingError(str(error)) from error
        return StockBundle(chosen.path) if isinstance(chosen, StockRunner) else NativeBundle(chosen)

    return find
