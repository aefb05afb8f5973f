"""Compiles the native runner for a bundle, from the sources beside this package."""

from __future__ import annotations

import hashlib
from pathlib import Path

from device_runner.bundles.host_tools import run
from device_runner.bundles.pins import EXECUTORCH_VERSION

SOURCES = Path(__file__).resolve().parents[1] / "runner"
RUNNER_NAME = "runner"
# Matrix products under BLAS's names, which some wheels want.
BLAS_LIBRARY = "libgemm.so"
BLAS_SYMBOLS = frozenset({"sgemm_", "dgemm_", "cgemm_", "zgemm_"})


def source_sha256() -> str:
    """One checksum of all the runner's sources."""
    digest = hashlib.sha256()
    for path in sorted(SOURCES.rglob("*")):
        if path.suffix in (".cpp", ".h"):
            digest.update(f"{path.relative_to(SOURCES).as_posix()}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def compile_runner(compiler: str, include: Path, libraries: list[Path], folder: Path) -> None:
    """Compile and link `folder/runner` against `libraries`, which lie in `folder` as well.

    Raises:
        BundleBuildError: the compiler refuses; its last words are in the message.
    """
    c10 = include / "executorch/runtime/core/portable_type/c10"
    run(
        [
            compiler, "-std=c++17", "-O2", "-fno-exceptions", "-fno-rtti", "-fPIE", "-pie", "-s",
            "-DC10_USING_CUSTOM_GENERATED_MACROS",
            f'-DMOBILESR_EXECUTORCH_VERSION="{EXECUTORCH_VERSION}"',
            f"-ffile-prefix-map={SOURCES}=runner",
            "-isystem", str(include), "-isystem", str(c10),
            *(str(path) for path in sorted(SOURCES.glob("*.cpp"))),
            "-o", str(folder / RUNNER_NAME),
            "-Wl,--no-as-needed", "-Wl,--allow-shlib-undefined", "-Wl,--build-id=none",
            f"-Wl,-rpath-link,{folder}", f"-L{folder}",
            *(f"-l:{path.name}" for path in libraries),
        ],
        "compiling the native runner",
    )  # fmt: skip


def compile_blas(compiler: str, folder: Path) -> Path:
    """Compile `folder/BLAS_LIBRARY`, which offers `BLAS_SYMBOLS`.

    Raises:
        BundleBuildError: the compiler refuses.
    """
    target = folder / BLAS_LIBRARY
    run(
        [
            compiler, "-std=c++17", "-O3", "-fcx-limited-range", "-fPIC", "-shared", "-s",
            "-fvisibility=hidden", f"-ffile-prefix-map={SOURCES}=runner",
            f"-Wl,-soname,{BLAS_LIBRARY}", "-Wl,--build-id=none",
            str(SOURCES / "blas" / "gemm.cpp"), "-o", str(target),
        ],
        f"compiling {BLAS_LIBRARY}",
    )  # fmt: skip
    return target
