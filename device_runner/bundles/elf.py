"""What a shared object wants and offers, by binutils' readelf, which reads every architecture.

How its segments are aligned is read from the file itself: a bundle is checked on systems without
binutils as well.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from device_runner.bundles.errors import BundleBuildError
from device_runner.bundles.host_tools import require, run

_NEEDED = re.compile(r"\(NEEDED\).*\[(.+)\]")
_COLUMNS = 8
_MAGIC = b"\x7fELF\x02\x01"
_LOAD = 1


@dataclass(frozen=True)
class SharedObject:
    """The names of libraries it needs, the symbols it wants, and those it defines.

    Symbols are `name` or `name@VERSION`. Weak wants are left out: nobody has to fulfil them.
    `sizes` has the bytes of each symbol that it defines, by plain name.
    """

    needed: tuple[str, ...]
    wanted: frozenset[str]
    defined: frozenset[str]
    sizes: Mapping[str, int] = field(default_factory=dict)


def inspect(path: Path) -> SharedObject:
    """Read a shared object or an executable.

    Raises:
        BundleBuildError: it is no ELF file.
    """
    readelf = require("readelf")
    dynamic = run([readelf, "--dynamic", "--wide", str(path)], f"reading {path.name}")
    table = run([readelf, "--dyn-syms", "--wide", str(path)], f"reading {path.name}")
    wanted, defined, sizes = set(), set(), {}
    for line in table.splitlines():
        # Num: Value Size Type Bind Vis Ndx Name [(version number)]
        parts = line.split()
        if len(parts) < _COLUMNS or not parts[0][:-1].isdigit():
            continue
        binding, section, name = parts[4], parts[6], parts[7]
        if section != "UND":
            defined.add(name.replace("@@", "@"))
            sizes[name.partition("@")[0]] = int(parts[2], 0)
        elif binding == "GLOBAL":
            wanted.add(name)
    if not table.strip():
        raise BundleBuildError(f"{path.name} is no shared object")
    return SharedObject(
        needed=tuple(_NEEDED.findall(dynamic)),
        wanted=frozenset(wanted),
        defined=frozenset(defined),
        sizes=sizes,
    )


def still_wanted(objects: Iterable[SharedObject]) -> set[str]:
    """Symbols that one of these objects wants and none defines."""
    found = list(objects)
    offered = {symbol for item in found for symbol in item.defined}
    offered |= {symbol.partition("@")[0] for symbol in offered}
    return {symbol for item in found for symbol in item.wanted} - offered


def is_aligned(path: Path, page_bytes: int) -> bool:
    """Whether a kernel with such pages can map the file's segments; true of what is no ELF file.

    A loadable segment must be aligned to a page at least, and its place in the file and in memory
    must agree modulo that (System V ABI, "Program Header").
    """
    with path.open("rb") as file:
        head = file.read(64)
        if len(head) < 64 or not head.startswith(_MAGIC):
            return True
        (offset,) = struct.unpack_from("<Q", head, 32)
        size, count = struct.unpack_from("<HH", head, 54)
        for index in range(count):
            file.seek(offset + index * size)
            entry = file.read(56)
            if len(entry) < 56:
                return False
            kind, _, at, address, _, _, _, alignment = struct.unpack("<IIQQQQQQ", entry)
            if kind == _LOAD and (alignment % page_bytes or (at - address) % page_bytes):
                return False
    return True
