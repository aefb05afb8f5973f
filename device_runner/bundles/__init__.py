"""Runner bundles: the native runner with the libraries of its exact ExecuTorch, for one ABI.

bundle = build("arm64-v8a")          from public packages, once; or find("arm64-v8a")
verify(bundle)                       the files are those of the manifest
bundle.manifest.command              how to start it from within its folder on the device
bundle.manifest.digest               equal digests are equal content: push it once
choose_runner(abi, "--runner's text")    what a device should use
export_bundle(bundle, file)          one archive; import_bundle(file) on another machine
"""

from device_runner.bundles.adopt import adopt
from device_runner.bundles.archive import export_bundle, import_bundle
from device_runner.bundles.building import build, recipe
from device_runner.bundles.choice import choose_runner
from device_runner.bundles.errors import (
    BundleBuildError,
    BundleDamagedError,
    BundleError,
    BundleMissingError,
    HostToolMissingError,
)
from device_runner.bundles.manifest import BundleFile, BundleManifest, BundleSource
from device_runner.bundles.pins import EXECUTORCH_VERSION, PLATFORMS, Abi
from device_runner.bundles.stock import StockLogError, StockRunner, StockSession
from device_runner.bundles.store import (
    BrokenBundle,
    Bundle,
    Stored,
    find,
    open_bundle,
    store_folder,
    stored,
    verify,
)

__all__ = [
    "EXECUTORCH_VERSION",
    "PLATFORMS",
    "Abi",
    "BrokenBundle",
    "Bundle",
    "BundleBuildError",
    "BundleDamagedError",
    "BundleError",
    "BundleFile",
    "BundleManifest",
    "BundleMissingError",
    "BundleSource",
    "HostToolMissingError",
    "StockLogError",
    "StockRunner",
    "StockSession",
    "Stored",
    "adopt",
    "build",
    "choose_runner",
    "export_bundle",
    "find",
    "import_bundle",
    "open_bundle",
    "recipe",
    "store_folder",
    "stored",
    "verify",
]
