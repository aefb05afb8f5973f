"""Puts a bundle together from public packages: no NDK, no ExecuTorch build.

the executorch wheel (runtime, XNNPACK, kernels, headers)      by pip, checksum pinned
libc with its loader, libstdc++, libgcc, cpuinfo, pthreadpool  by a private apt, pinned
stand-ins for PyTorch and Python                               compiled
the runner                                                     compiled
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from filelock import FileLock

from device_runner.bundles import elf, host_tools, native_runner, store
from device_runner.bundles.debian import FetchedPackage, PrivateApt, unpack
from device_runner.bundles.errors import BundleBuildError, BundleDamagedError, BundleMissingError
from device_runner.bundles.manifest import BundleManifest, BundleSource
from device_runner.bundles.native_runner import RUNNER_NAME
from device_runner.bundles.pins import EXECUTORCH_VERSION, PLATFORMS, Platform
from device_runner.bundles.stand_ins import LIBRARIES, make_stand_ins, trap_source
from device_runner.bundles.store import Bundle
from device_runner.bundles.wheel import fetch_wheel, unpack_wheel
from device_runner.launching.protocol import PROTOCOL_VERSION

# Bump when this module puts the same packages together in another way.
_RECIPE_REVISION = 1
_LICENCES = "licences"
# The wheel finds these two inside PyTorch's library and does not name them: the runner does.
_BENEATH_XNNPACK = ("libpthreadpool.so.0", "libcpuinfo.so.0")
STEPS = 5

Tell = Callable[[str], None]


def recipe(abi: str) -> str:
    """Names what `build` would make: sources, packages and method. Equal recipes, equal bundles."""
    built = (native_runner.source_sha256(), trap_source(set()))
    parts = (_RECIPE_REVISION, PLATFORMS[abi], PROTOCOL_VERSION, *built)
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def build(
    abi: str,
    *,
    force: bool = False,
    allow_newer: bool = False,
    tell: Tell = lambda step: None,
) -> Bundle:
    """The bundle for `abi`, built unless this very one is here already.

    `tell` hears of each of the `STEPS` steps as it begins. `allow_newer` takes a Debian package
    that its suite has replaced since it was pinned.

    Raises:
        HostToolMissingError: this system cannot build; the message says what works here.
        BundleBuildError: a step failed. RequestError: the cache cannot be written.
    """
    platform = PLATFORMS[abi]
    wanted = recipe(abi)
    root = store.store_folder()
    root.mkdir(parents=True, exist_ok=True)
    with FileLock(root / f".{abi}.lock"):
        existing = None if force else _existing(abi, wanted)
        if existing is not None:
            return existing
        # Everything that may be missing is asked for before anything is fetched.
        for program in ("apt-get", "apt-cache", "dpkg-deb", "readelf"):
            host_tools.require(program)
        compiler = host_tools.compiler(platform)
        with store.staging() as work:
            return _Build(platform, compiler, work, tell).run(wanted, allow_newer)


def _existing(abi: str, wanted: str) -> Bundle | None:
    try:
        bundle = store.find(abi, recipe=wanted)
        if bundle.manifest.recipe != wanted:
            return None
        store.verify(bundle)
    except (BundleMissingError, BundleDamagedError):
        return None
    return bundle


class _Build:
    """One build in its own folder: `work/bundle` becomes the bundle."""

    def __init__(self, platform: Platform, compiler: str, work: Path, tell: Tell) -> None:
        self._platform = platform
        self._compiler = compiler
        self._work = work
        self._tell = tell
        self._bundle = work / "bundle"
        self._wheel = work / "wheel"
        self._debian = work / "debian"
        self._origins: dict[str, str] = {}

    def run(self, wanted: str, allow_newer: bool) -> Bundle:
        (self._bundle / _LICENCES).mkdir(parents=True)
        abi = self._platform.abi
        self._tell(f"fetching executorch {EXECUTORCH_VERSION} for {abi}")
        unpack_wheel(fetch_wheel(self._platform, self._work / "pip"), self._wheel)
        self._tell("fetching libraries from Debian")
        packages = self._fetch_packages(allow_newer)
        self._tell("gathering what the runtime needs")
        linked = [*self._take_wheel(), *map(self._find_library, _BENEATH_XNNPACK)]
        self._take_closure(linked)
        sources = tuple(self._sources(packages))
        self._tell("compiling stand-ins")
        trapped = self._make_stand_ins()
        self._tell("compiling the runner")
        native_runner.compile_runner(
            self._compiler, self._wheel / "executorch/include", linked, self._bundle
        )
        self._check_complete()
        manifest = BundleManifest(
            abi=abi,
            executorch_version=EXECUTORCH_VERSION,
            protocol=PROTOCOL_VERSION,
            recipe=wanted,
            compiler=host_tools.run([self._compiler, "--version"], "asking g++").splitlines()[0],
            trapped_symbols=trapped,
            command=(f"./{self._platform.loader}", "--library-path", ".", f"./{RUNNER_NAME}"),
            sources=sources,
            files=tuple(
                store.describe_files(
                    self._bundle, self._origins, {self._platform.loader, RUNNER_NAME}
                )
            ),
        )
        return store.install(self._bundle, manifest)

    def _fetch_packages(self, allow_newer: bool) -> list[FetchedPackage]:
        pins = self._platform.packages
        apt = PrivateApt(
            self._work / "apt",
            self._platform.debian_architecture,
            tuple(dict.fromkeys(pin.suite for pin in pins)),
        )
        apt.update()
        packages = [apt.download(pin, self._work / "deb", allow_newer=allow_newer) for pin in pins]
        for package in packages:
            unpack(package, self._debian / package.name)
        return packages

    def _take(self, path: Path, name: str, origin: str) -> None:
        shutil.copyfile(path, self._bundle / name)
        self._origins[name] = origin

    def _take_wheel(self) -> list[Path]:
        """Copy the wheel's libraries; the runner links them in this order."""
        root = self._wheel / "executorch"
        found = [
            *root.glob("extension/pybindings/_portable_lib.*.so"),
            *root.glob("backends/qualcomm/libqnn_executorch_backend.so"),
        ]
        if not found or not found[0].name.startswith("_portable_lib."):
            raise BundleBuildError("the executorch wheel has no _portable_lib: its layout changed")
        for path in found:
            self._take(path, path.name, "executorch")
        for path in self._wheel.glob("*.dist-info/licenses/*"):
            self._take(path, f"{_LICENCES}/executorch.txt", "executorch")
        return found

    def _take_closure(self, start: Iterable[Path]) -> None:
        """Copy every library that is needed, directly or through another, and Debian has."""
        waiting = list(start)
        seen: set[str] = set(LIBRARIES)
        while waiting:
            path = waiting.pop()
            if path.name not in self._origins:
                self._take(path, path.name, self._package_of(path))
            for name in elf.inspect(path).needed:
                if name not in seen and name not in self._origins:
                    seen.add(name)
                    waiting.append(self._find_library(name))

    def _find_library(self, name: str) -> Path:
        for path in sorted(self._debian.rglob(name)):
            target = path.resolve()
            if target.is_file() and target.is_relative_to(self._debian.resolve()):
                return path
        raise BundleBuildError(f"none of the pinned packages has {name}")

    def _package_of(self, path: Path) -> str:
        return path.relative_to(self._debian).parts[0]

    def _libraries(self) -> list[Path]:
        return [path for path in sorted(self._bundle.iterdir()) if path.is_file()]

    def _make_stand_ins(self) -> int:
        symbols = elf.still_wanted(elf.inspect(path) for path in self._libraries())
        make_stand_ins(symbols, self._compiler, self._work / "stand-ins", self._bundle)
        return len(symbols)

    def _check_complete(self) -> None:
        missing = elf.still_wanted(elf.inspect(path) for path in self._libraries())
        if missing:
            raise BundleBuildError(
                f"the bundle would lack {len(missing)} symbols ({', '.join(sorted(missing)[:3])}): "
                "this system's compiler is newer than the pinned libraries; use a Debian stable"
            )

    def _sources(self, packages: list[FetchedPackage]) -> list[BundleSource]:
        found = [
            BundleSource(
                name="executorch",
                kind="wheel",
                version=EXECUTORCH_VERSION,
                sha256=self._platform.wheel_sha256,
                pinned=True,
                licence=f"{_LICENCES}/executorch.txt",
            )
        ]
        for package in packages:
            found.append(
                BundleSource(
                    name=package.name,
                    kind="debian",
                    version=package.version,
                    sha256=package.sha256,
                    pinned=package.pinned,
                    licence=self._take_licence(package.name),
                )
            )
        return found

    def _take_licence(self, package: str) -> str:
        """Copy a package's copyright file; gcc's libraries point to the one of gcc-14-base."""
        own = self._debian / package / "usr/share/doc" / package
        shared = own.readlink().name if own.is_symlink() else package
        path = self._debian / shared / "usr/share/doc" / shared / "copyright"
        if not path.is_file():
            raise BundleBuildError(f"Debian's {package} has no copyright file where it should be")
        name = f"{_LICENCES}/{shared}.txt"
        self._take(path, name, shared)
        return name
