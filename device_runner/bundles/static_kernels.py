"""Kernels out of a static archive, as the shared object that the wheel's runtime looks for.

On arm64 processors with dot products XNNPACK calls KleidiAI, Arm's kernels, and the wheel expects
them in PyTorch's library. Debian has them as a static archive, of which the few functions that are
called, and what those need, make a library of some 70 KB.
"""

from __future__ import annotations

from pathlib import Path

from device_runner.bundles.host_tools import run

PREFIX = "kai_"
LIBRARY = "libkleidiai.so"
ARCHIVE = "libkleidiai.a"


def link_kernels(symbols: set[str], archive: Path, compiler: str, work: Path, into: Path) -> Path:
    """Link `into`/`LIBRARY`, which offers these symbols alone.

    Raises:
        BundleBuildError: the archive lacks one of them.
    """
    work.mkdir(parents=True, exist_ok=True)
    exports = work / "exports.map"
    names = "".join(f" {symbol};" for symbol in sorted(symbols))
    exports.write_text(f"{{ global:{names} local: *; }};\n")
    target = into / LIBRARY
    run(
        [
            compiler, "-shared", "-s", f"-Wl,-soname,{LIBRARY}", "-Wl,--build-id=none",
            f"-Wl,--version-script={exports}", "-Wl,--gc-sections", "-Wl,-z,defs",
            *(f"-Wl,--require-defined={symbol}" for symbol in sorted(symbols)),
            str(archive), "-o", str(target),
        ],
        f"linking {LIBRARY}",
    )  # fmt: skip
    return target
