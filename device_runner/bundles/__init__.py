"""Runner bundles: the native runner with the libraries of its exact ExecuTorch, for one ABI.

    bundle = build("arm64-v8a")          from public packages, once; or find("arm64-v8a")
    verify(bundle)                       the files are those of the manifest
    bundle.manifest.command              how to start it from within its folder on the device
    export_bundle(bundle, file)          one archive; import_bundle(file) on another machine
"""

from device_runner.bundles.archive import export_bundle, import_bundle
from device_runner.bundles.build import build, recipe
from device_runner.bundles.errors import (
    BundleBuildError,
    BundleDamagedError,
    BundleError,
    BundleMissingError,
    HostToolMissingError,
)
from device_runner.bundles.manifest import BundleFile, BundleManifest, BundleSource
from device_runner.bundles.pins import EXECUTORCH_VERSION, PLATFORMS, Abi
from device_runner.bundles.store import Bundle, bundles, find, open_bundle, store_folder, verify

__all__ = [
    "EXECUTORCH_VERSION",
    "PLATFORMS",
    "Abi",
    "Bundle",
    "BundleBuildError",
    "BundleDamagedError",
    "BundleError",
    "BundleFile",
    "BundleManifest",
    "BundleMissingError",
    "BundleSource",
    "HostToolMissingError",
    "build",
    "bundles",
    "export_bundle",
    "find",
    "import_bundle",
    "open_bundle",
    "recipe",
    "store_folder",
    "verify",
]
