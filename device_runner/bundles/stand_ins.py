"""Stand-ins for the libraries that a phone does not need: PyTorch's and Python's.

The wheel's runtime is a Python extension and names PyTorch's libraries. A runner calls none of
what it wants from them, so each such symbol becomes a trap that says its name and aborts.
"""

from __future__ import annotations

from pathlib import Path

from device_runner.bundles.errors import BundleBuildError
from device_runner.bundles.host_tools import run

LIBRARIES = ("libtorch_python.so", "libtorch.so", "libtorch_cpu.so", "libc10.so")
# The one that carries the traps; the others only answer to their names.
_CARRIER = "libtorch_cpu.so"
# Without these nothing runs: a trap in their place would be a bundle that breaks on the phone.
_VITAL = ("pthreadpool_", "cpuinfo_", "xnn_", "_ZN10executorch", "_ZN5torch8executor")

_HEAD = """\
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static void trap(const char* name) {
  static const char words[] = "runner: no PyTorch and no Python here, but something called ";
  if (write(2, words, sizeof words - 1) < 0 || write(2, name, strlen(name)) < 0 ||
      write(2, "\\n", 1) < 0) {
  }
  abort();
}
"""


def trap_source(symbols: set[str]) -> str:
    """C source that defines each symbol as a function which never returns."""
    lines = [_HEAD]
    for index, symbol in enumerate(sorted(symbols)):
        lines.append(f'void trap_{index}(void) __asm__("{symbol}");')
        lines.append(f'void trap_{index}(void) {{ trap("{symbol}"); }}')
    return "\n".join(lines) + "\n"


def make_stand_ins(symbols: set[str], compiler: str, work: Path, into: Path) -> None:
    """Compile the stand-ins into `into`.

    Raises:
        BundleBuildError: a symbol is among them that must not trap, or that has a version, which
            only its own library can give.
    """
    vital = sorted(symbol for symbol in symbols if symbol.startswith(_VITAL) or "@" in symbol)
    if vital:
        raise BundleBuildError(
            f"ExecuTorch wants {len(vital)} symbols that none of the bundle's libraries has "
            f"({', '.join(vital[:3])}, ...): the pinned packages do not fit together"
        )
    work.mkdir(parents=True, exist_ok=True)
    for name in LIBRARIES:
        source = work / f"{name}.c"
        source.write_text(trap_source(symbols if name == _CARRIER else set()))
        run(
            [
                compiler, "-x", "c", "-O1", "-w", "-fno-builtin", "-shared", "-fPIC", "-s",
                f"-Wl,-soname,{name}", "-Wl,--build-id=none", "-o", str(into / name), str(source),
            ],
            f"compiling the stand-in for {name}",
        )  # fmt: skip
