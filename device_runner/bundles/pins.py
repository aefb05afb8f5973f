"""Exactly what a bundle is put together from: names, versions and checksums.

When ExecuTorch moves, its wheels' checksums change here together with the version in
`pyproject.toml`; what the wheels then still want is checked at build time, symbol by symbol.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Abi = Literal["arm64-v8a", "x86_64"]
EXECUTORCH_VERSION = "1.4.1"


@dataclass(frozen=True)
class DebianPin:
    """One binary package of a Debian suite."""

    name: str
    suite: str
    version: str
    sha256: str


@dataclass(frozen=True)
class Platform:
    """What differs between ABIs."""

    abi: Abi
    triplet: str
    debian_architecture: str
    wheel_platform: str
    wheel_sha256: str
    loader: str
    packages: tuple[DebianPin, ...]


def _packages(**sha256: str) -> tuple[DebianPin, ...]:
    """The same packages for each architecture: libc and compiler runtime of the stable suite.

    The two libraries beneath XNNPACK come from the suite after it: stable's libpthreadpool lacks
    functions that ExecuTorch 1.4 calls, and stable's libcpuinfo lays out `cpuinfo_isa`, which
    XNNPACK reads in place, otherwise than the headers ExecuTorch was compiled with. Both want no
    more of glibc than 2.34. gcc-14-base carries the licence of the compiler's runtime.
    """
    versions = {
        "libc6": ("trixie", "2.41-12+deb13u4"),
        "libstdc++6": ("trixie", "14.2.0-19"),
        "libgcc-s1": ("trixie", "14.2.0-19"),
        "gcc-14-base": ("trixie", "14.2.0-19"),
        "libcpuinfo0": ("forky", "0.0~git20250905.877328f-1+b1"),
        "libpthreadpool0": ("forky", "0.0~git20251020.0e6ca13-1.1"),
    }
    given = {
        "libc6": sha256["libc6"],
        "libstdc++6": sha256["libstdcxx6"],
        "libgcc-s1": sha256["libgcc_s1"],
        "gcc-14-base": sha256["gcc_14_base"],
        "libcpuinfo0": sha256["libcpuinfo0"],
        "libpthreadpool0": sha256["libpthreadpool0"],
    }
    return tuple(
        DebianPin(name, suite, version, given[name]) for name, (suite, version) in versions.items()
    )


PLATFORMS: dict[str, Platform] = {
    "arm64-v8a": Platform(
        abi="arm64-v8a",
        triplet="aarch64-linux-gnu",
        debian_architecture="arm64",
        wheel_platform="manylinux_2_28_aarch64",
        wheel_sha256="700cb8b959109e72b5ce3f2edf6643a7db9df4a82b5778cd84861c1acbe32a9c",
        loader="ld-linux-aarch64.so.1",
        packages=_packages(
            libc6="8784eda966b189c777a384dac5ce009e8fc9b52d006926c5a013e7fa8aa688cc",
            libstdcxx6="6669b0c52a2e7c6af9adfdabce3ff6e286065cdfbc7b85280862b5f799daebee",
            libgcc_s1="1108bc87879833d6d9a145f22a4a15cddb34e065b4b5f4b97bee586adbac2851",
            gcc_14_base="34ee90679b018c0e64234747a4c4c0ae6b7f63541115037465a8627c2dfbc594",
            libcpuinfo0="763981cfa24c03b3e00867c897c7b09aff863f991735f3a6ff3cbc65e9d19a7b",
            libpthreadpool0="2ea230752f31e9c0c9c2cc8177c5d3e7408e7a8a47d6a78931763600fe522301",
        ),
    ),
    "x86_64": Platform(
        abi="x86_64",
        triplet="x86_64-linux-gnu",
        debian_architecture="amd64",
        wheel_platform="manylinux_2_28_x86_64",
        wheel_sha256="92624b57111109bb6e470c145fd0e73de66549b0fcb04cfca4e55ecd8bfe3007",
        loader="ld-linux-x86-64.so.2",
        packages=_packages(
            libc6="967aa62605721081c3eb2a17650611a792aa802d76a6511d1840242623d204c9",
            libstdcxx6="ab1fa05837aa7a92aae748fd07a18a35f7d18bb4a71c4724fe2bbf0e32089de0",
            libgcc_s1="3c71917b490d1a17aed43196a2787a256ecf060526cdb20216a74bedc061b150",
            gcc_14_base="5b6825de4263824b78c4c51f6476414f3b4e89c2ab63e81dc8b9b5501e867cf6",
            libcpuinfo0="41a8f898590339342ac9e214646774a75c1c5cf134c08a8ba93e957da34fcc61",
            libpthreadpool0="377f2a2f541a8965e98d3eea14dd56b4474e2dc92d530cff00ed9d8548f19566",
        ),
    ),
}
