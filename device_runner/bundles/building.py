"""Puts a bundle together from public packages: no NDK, no ExecuTorch build.

the executorch wheel (runtime, XNNPACK, kernels, headers)      by pip, checksum pinned
libc with its loader, libstdc++, libgcc, cpuinfo, pthreadpool  by a private apt, tested versions
kernels that the wheel expects in PyTorch's library            linked from a package, or compiled
stand-ins for PyTorch and Python                               compiled
the runner                                                     compiled

A package of Debian that is newer than the tested one is taken: apt has verified who made it. That
it fits is checked here: the names of its libraries, every symbol, the layout of what XNNPACK reads
in place, the alignment of all segments, and at last each family of kernels on each level of
processors, where this computer can run them.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from device_runner.bundles import (
    elf,
    host_tools,
    kernel_trials,
    native_runner,
    static_kernels,
    store,
)
from device_runner.bundles.debian import FetchedPackage, PrivateApt, unpack
from device_runner.bundles.errors import BundleBuildError, BundleDamagedError, BundleMissingError
from device_runner.bundles.manifest import BundleManifest, TrappedSymbols
from device_runner.bundles.native_runner import RUNNER_NAME
from device_runner.bundles.pins import EXECUTORCH_VERSION, PLATFORMS, Platform
from device_runner.bundles.provenance import LICENCES, debian_source, wheel_source
from device_runner.bundles.stand_ins import (
    LIBRARIES,
    make_stand_ins,
    sort_by_owner,
    trap_source,
)
from device_runner.bundles.store import Bundle
from device_runner.bundles.wheel import fetch_wheel, unpack_wheel
from device_runner.launching.protocol import PROTOCOL_VERSION
from foundation.files import explain_os_error
from foundation.locks import take_lock

# Bump when this module puts the same packages together in another way.
_RECIPE_REVISION = 2
# The wheel finds these two inside PyTorch's library and does not name them: the runner does.
_BENEATH_XNNPACK = ("libpthreadpool.so.0", "libcpuinfo.so.0")
_CPUINFO_ISA = "cpuinfo_isa"
STEPS = 6

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
    pinned: bool = False,
    tell: Tell = lambda step: None,
) -> Bundle:
    """The bundle for `abi`, built unless this very one is here already.

    `tell` hears of each of the `STEPS` steps as it begins. `pinned` takes no Debian package but
    those that were tested, and so gives the same bundle as before, or none.

    Raises:
        HostToolMissingError: this system cannot build; the message says what works here.
        BundleBuildError: a step failed. BundleDamagedError: its kernels do not run, or compute
            wrongly. RequestError: the cache cannot be written.
    """
    platform = PLATFORMS[abi]
    wanted = recipe(abi)
    root = store.store_folder()
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise explain_os_error(error, root) from error
    lock = take_lock(root / f".{abi}.lock", None, instead="set XDG_CACHE_HOME")
    try:
        existing = None if force else _existing(abi, wanted, pinned=pinned)
        if existing is not None:
            return existing
        # Everything that may be missing is asked for before anything is fetched.
        for program in ("apt-get", "apt-cache", "dpkg-deb", "readelf"):
            host_tools.require(program)
        compiler = host_tools.compiler(platform)
        with store.staging() as work:
            return _Build(platform, compiler, work, tell).run(wanted, pinned=pinned)
    finally:
        lock.release()


def _existing(abi: str, wanted: str, *, pinned: bool) -> Bundle | None:
    try:
        bundle = store.find(abi, recipe=wanted)
        if bundle.manifest.recipe != wanted:
            return None
        if pinned and not all(source.pinned for source in bundle.manifest.sources):
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
        # Packages whose upstream is another than the tested one: the first to suspect.
        self._moved: list[str] = []

    def run(self, wanted: str, *, pinned: bool) -> Bundle:
        (self._bundle / LICENCES).mkdir(parents=True)
        abi = self._platform.abi
        self._tell(f"fetching executorch {EXECUTORCH_VERSION} for {abi}")
        unpack_wheel(fetch_wheel(self._platform, self._work / "pip"), self._wheel)
        self._tell("fetching libraries from Debian")
        packages = self._fetch_packages(pinned=pinned)
        self._tell("gathering what the runtime needs")
        linked = [*self._take_wheel(), *map(self._find_library, _BENEATH_XNNPACK)]
        self._take_closure(linked)
        linked += self._link_kernels()
        self._check_layout()
        sources = [debian_source(package, self._debian, self._take) for package in packages]
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
            trapped_symbols=sum(len(found.symbols) for found in trapped),
            trapped=trapped,
            command=(f"./{self._platform.loader}", "--library-path", ".", f"./{RUNNER_NAME}"),
            sources=(wheel_source(self._platform), *sources),
            files=tuple(
                store.describe_files(
                    self._bundle, self._origins, {self._platform.loader, RUNNER_NAME}
                )
            ),
        )
        self._tell("trying its kernels")
        return store.install(self._bundle, self._tried(manifest))

    def _tried(self, manifest: BundleManifest) -> BundleManifest:
        bundle = Bundle(self._bundle, manifest)
        store.set_rights(bundle)
        trials = kernel_trials.try_kernels(bundle)
        kernel_trials.require_right(bundle, trials or ())
        return manifest.model_copy(update={"tried": trials})

    def _fetch_packages(self, *, pinned: bool) -> list[FetchedPackage]:
        pins = self._platform.packages
        if self._platform.kernels is not None:
            pins = (*pins, self._platform.kernels)
        apt = PrivateApt(
            self._work / "apt",
            self._platform.debian_architecture,
            tuple(dict.fromkeys(pin.suite for pin in pins)),
        )
        apt.update()
        packages = [apt.download(pin, self._work / "deb", pinned=pinned) for pin in pins]
        for package in packages:
            unpack(package, self._debian / package.name)
        self._moved = [
            f"{package.name} {package.version} (tested: {package.tested})"
            for package in packages
            if not package.same_upstream
        ]
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
            self._take(path, f"{LICENCES}/executorch.txt", "executorch")
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
        raise BundleBuildError(
            f"none of the packages has {name}, which the runtime needs{self._suspects()}: update "
            "mobilesr-tune; a runner that was built before goes on working"
        )

    def _suspects(self) -> str:
        return f"; newer than what was tested: {', '.join(self._moved)}" if self._moved else ""

    def _package_of(self, path: Path) -> str:
        return path.relative_to(self._debian).parts[0]

    def _libraries(self) -> list[Path]:
        return [path for path in sorted(self._bundle.iterdir()) if path.is_file()]

    def _wanted(self) -> dict[str, frozenset[str]]:
        """By file, the symbols that no file of the bundle defines."""
        objects = {path.name: elf.inspect(path) for path in self._libraries()}
        missing = elf.still_wanted(objects.values())
        found = {name: frozenset(item.wanted & missing) for name, item in objects.items()}
        return {name: symbols for name, symbols in found.items() if symbols}

    def _link_kernels(self) -> list[Path]:
        """What the wheel expects in PyTorch's library and computes with: for real."""
        wanted = {symbol for symbols in self._wanted().values() for symbol in symbols}
        found = []
        if wanted & native_runner.BLAS_SYMBOLS:
            found.append(native_runner.compile_blas(self._compiler, self._bundle))
        kernels = {symbol for symbol in wanted if symbol.startswith(static_kernels.PREFIX)}
        if kernels and self._platform.kernels is not None:
            archive = self._find_library(static_kernels.ARCHIVE)
            library = static_kernels.link_kernels(
                kernels, archive, self._compiler, self._work / "kernels", self._bundle
            )
            self._origins[library.name] = self._platform.kernels.name
            found.append(library)
        return found

    def _check_layout(self) -> None:
        library = self._bundle / _BENEATH_XNNPACK[1]
        size = elf.inspect(library).sizes.get(_CPUINFO_ISA)
        expected = self._platform.cpuinfo_isa_bytes
        if size != expected:
            raise BundleBuildError(
                f"{library.name} lays out {_CPUINFO_ISA} in {size or 'no'} bytes, ExecuTorch "
                f"{EXECUTORCH_VERSION} reads {expected}{self._suspects()}: XNNPACK would choose "
                "kernels that the processor has not. Update mobilesr-tune; a runner that was built "
                "before goes on working"
            )

    def _make_stand_ins(self) -> tuple[TrappedSymbols, ...]:
        trapped = sort_by_owner(self._wanted())
        symbols = {symbol for found in trapped for symbol in found.symbols}
        make_stand_ins(symbols, self._compiler, self._work / "stand-ins", self._bundle)
        return trapped

    def _check_complete(self) -> None:
        missing = {symbol for symbols in self._wanted().values() for symbol in symbols}
        if missing:
            raise BundleBuildError(
                f"the bundle would lack {len(missing)} symbols ({', '.join(sorted(missing)[:3])}): "
                "this system's compiler is newer than the packages' libraries; use a Debian stable"
            )
        page = self._platform.page_bytes
        for path in self._libraries():
            if not elf.is_aligned(path, page):
                raise BundleBuildError(
                    f"{path.name} has segments that are not aligned to {page} bytes"
                    f"{self._suspects()}: phones with such pages would not load it"
                )
