"""Stand-ins for the libraries that a phone does not need: PyTorch's and Python's.

The wheel's runtime is a Python extension and names PyTorch's libraries. A runner calls none of
what it wants from them, so each such symbol becomes a trap that says its name and aborts. Nothing
else is ever trapped: kernels that the wheel expects in PyTorch's library have to be there for real.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from device_runner.bundles.errors import BundleBuildError
from device_runner.bundles.host_tools import run
from device_runner.bundles.manifest import TrappedSymbols

LIBRARIES = ("libtorch_python.so", "libtorch.so", "libtorch_cpu.so", "libc10.so")
# The one that carries the traps; the others only answer to their names.
_CARRIER = "libtorch_cpu.so"
# Whose a symbol is, by its name. In C++ it is mangled: PyTorch's namespaces at, c10, torch, caffe2.
_OWNERS = {
    "Python": re.compile(r"_?Py[A-Z_]"),
    "PyTorch": re.compile(r"_Z\w*?(2at|3c10|5torch|6caffe2)"),
}

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


def sort_by_owner(wanted: Mapping[str, frozenset[str]]) -> tuple[TrappedSymbols, ...]:
    """Whose symbols these are and which file wants them; `wanted` is by file.

    Raises:
        BundleBuildError: a symbol is neither PyTorch's nor Python's, or has a version, which only
            its own library can give. A trap in its place would break on the phone.
    """
    found, strange = [], set()
    for file, symbols in sorted(wanted.items()):
        by_owner: dict[str, list[str]] = {}
        for symbol in sorted(symbols):
            owner = next((name for name, form in _OWNERS.items() if form.match(symbol)), None)
            if owner is None or "@" in symbol:
                strange.add(symbol)
            else:
                by_owner.setdefault(owner, []).append(symbol)
        found += [
            TrappedSymbols(owner=owner, wanted_by=file, symbols=tuple(symbols))
            for owner, symbols in by_owner.items()
        ]
    if strange:
        raise BundleBuildError(
            f"ExecuTorch wants {len(strange)} symbols that are neither PyTorch's nor Python's and "
            f"that none of the bundle's libraries has ({', '.join(sorted(strange)[:3])}, ...): the "
            "packages do not fit together. Update mobilesr-tune; a runner that was built before "
            "goes on working"
        )
    return tuple(found)


def make_stand_ins(symbols: set[str], compiler: str, work: Path, into: Path) -> None:
    """Compile the stand-ins into `into`."""
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
