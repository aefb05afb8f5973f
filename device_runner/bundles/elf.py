"""What a shared object wants and offers, by binutils' readelf, which reads every architecture."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from device_runner.bundles.errors import BundleBuildError
from device_runner.bundles.host_tools import require, run

_NEEDED = re.compile(r"\(NEEDED\).*\[(.+)\]")
_COLUMNS = 8


@dataclass(frozen=True)
class SharedObject:
    """The names of libraries it needs, the symbols it wants, and those it defines.

    Symbols are `name` or `name@VERSION`. Weak wants are left out: nobody has to fulfil them.
    """

    needed: tuple[str, ...]
    wanted: frozenset[str]
    defined: frozenset[str]


def inspect(path: Path) -> SharedObject:
    """Read a shared object or an executable.

    Raises:
        BundleBuildError: it is no ELF file.
    """
    readelf = require("readelf")
    dynamic = run([readelf, "--dynamic", "--wide", str(path)], f"reading {path.name}")
    table = run([readelf, "--dyn-syms", "--wide", str(path)], f"reading {path.name}")
    wanted, defined = set(), set()
    for line in table.splitlines():
        # Num: Value Size Type Bind Vis Ndx Name [(version number)]
        parts = line.split()
        if len(parts) < _COLUMNS or not parts[0].endswith(":"):
            continue
        binding, section, name = parts[4], parts[6], parts[7]
        if section != "UND":
            defined.add(name.replace("@@", "@"))
        elif binding == "GLOBAL":
            wanted.add(name)
    if not table.strip():
        raise BundleBuildError(f"{path.name} is no shared object")
    return SharedObject(
        needed=tuple(_NEEDED.findall(dynamic)),
        wanted=frozenset(wanted),
        defined=frozenset(defined),
    )


def still_wanted(objects: Iterable[SharedObject]) -> set[str]:
    """Symbols that one of these objects wants and none defines."""
    found = list(objects)
    offered = {symbol for item in found for symbol in item.defined}
    offered |= {symbol.partition("@")[0] for symbol in offered}
    return {symbol for item in found for symbol in item.wanted} - offered
