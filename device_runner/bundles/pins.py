"""What a bundle is put together from: names, and the versions and checksums that were tested.

When ExecuTorch moves, its wheels' checksums change here together with the version in
`pyproject.toml`; what the wheels then still want is checked at build time, symbol by symbol.

A wheel is a file that stays; a package of Debian is replaced at each point release of a stable
suite, and any week in a suite that is still being tested. So a package's version here is the one
that was tested, not the only one that is taken: see `debian.PrivateApt.download`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Abi = Literal["arm64-v8a", "x86_64"]
EXECUTORCH_VERSION = "1.4.1"


@dataclass(frozen=True)
class DebianPin:
    """One binary package of a Debian suite, at the version that was tested."""

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
    # The largest page of a device of this ABI. Phones come with pages of 16 KiB; an x86-64
    # processor has none but 4 KiB.
    page_bytes: int
    # How many bytes `cpuinfo_isa` has, which XNNPACK reads in place: with another size its layout
    # is another.
    cpuinfo_isa_bytes: int
    packages: tuple[DebianPin, ...]
    # A package with a static archive of kernels that the wheel calls and does not carry.
    kernels: DebianPin | None = None


def _packages(**sha256: str) -> tuple[DebianPin, ...]:
    """The same packages for each architecture: libc and compiler runtime of the stable suite.

    The two libraries beneath XNNPACK come from the suite after it: stable's libpthreadpool lacks
    functions that ExecuTorch 1.4 calls (19 of them), and stable's libcpuinfo lays out
    `cpuinfo_isa` otherwise than the headers ExecuTorch was compiled with. That suite moves until it
    is stable itself; what a newer package must have in common with the tested one is checked at
    each build. Both want no more of glibc than 2.34. gcc-14-base carries the licence of the
    compiler's runtime.
    """
    versions = {
        "libc6": ("trixie", "2.41-12+deb13u5"),
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
        page_bytes=16384,
        cpuinfo_isa_bytes=32,
        # Arm's KleidiAI, whose functions the wheel takes from PyTorch on processors with dot
        # products.
        kernels=DebianPin(
            name="libkleidiai-dev",
            suite="trixie",
            version="1.8.0+ds-1",
            sha256="e1a2dcc8cf08fa3fbf6b0a6886d4f667fac740fe59a2ef601b72c2de879d68bc",
        ),
        packages=_packages(
            libc6="0966fc3da1a26cc57647c68b5736f791b6e7eb498173a7993f63b6c89b4ed4f5",
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
        page_bytes=4096,
        cpuinfo_isa_bytes=85,
        packages=_packages(
            libc6="b59b0625cd1a791375d40dab23a4d5d3d0641e3d0a773501becdc3725b7f99cf",
            libstdcxx6="ab1fa05837aa7a92aae748fd07a18a35f7d18bb4a71c4724fe2bbf0e32089de0",
            libgcc_s1="3c71917b490d1a17aed43196a2787a256ecf060526cdb20216a74bedc061b150",
            gcc_14_base="5b6825de4263824b78c4c51f6476414f3b4e89c2ab63e81dc8b9b5501e867cf6",
            libcpuinfo0="41a8f898590339342ac9e214646774a75c1c5cf134c08a8ba93e957da34fcc61",
            libpthreadpool0="377f2a2f541a8965e98d3eea14dd56b4474e2dc92d530cff00ed9d8548f19566",
        ),
    ),
}
