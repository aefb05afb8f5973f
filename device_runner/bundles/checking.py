"""Everything that can be found out here about a bundle: its files, its segments, its kernels."""

from __future__ import annotations

from dataclasses import dataclass

from device_runner.bundles import elf, kernel_trials, store
from device_runner.bundles.errors import BundleDamagedError
from device_runner.bundles.manifest import KernelTrial
from device_runner.bundles.pins import PLATFORMS
from device_runner.bundles.store import Bundle
from device_runner.bundles.trial import try_start


@dataclass(frozen=True)
class Checked:
    """What was found. `starts` and `trials` are None where this computer cannot start it."""

    bundle: Bundle
    starts: str | None
    trials: tuple[KernelTrial, ...] | None
    # Files that a device with large pages cannot load; only a user's own bundle may have any.
    unaligned: tuple[str, ...]

    def in_words(self) -> str:
        """What a person should know, in one paragraph."""
        words = [f"{self.bundle.folder}: its files are those of its manifest"]
        if self.starts is None:
            words.append("this computer cannot start it, so whether its kernels run is unknown")
        else:
            words += [f"it starts here: {self.starts}", kernel_trials.in_words(self.trials)]
        page = PLATFORMS[self.bundle.manifest.abi].page_bytes
        if self.unaligned:
            words.append(f"{', '.join(self.unaligned)} cannot be loaded with pages of {page} bytes")
        words.append(_traps(self.bundle))
        return "; ".join(words)


def check(bundle: Bundle) -> Checked:
    """Check a bundle; one that was built by `runner build` must pass in everything.

    Raises:
        BundleDamagedError: it is not what its manifest says, or does not start; or it is one of
            ours, and a kernel fails or a segment is not aligned.
    """
    store.verify(bundle)
    page = PLATFORMS[bundle.manifest.abi].page_bytes
    unaligned = tuple(
        path.relative_to(bundle.folder).as_posix()
        for path in bundle.paths
        if not elf.is_aligned(path, page)
    )
    ours = any(source.kind != "user" for source in bundle.manifest.sources)
    if ours and unaligned:
        raise BundleDamagedError(
            f"the runner in {bundle.folder} is not whole: {unaligned[0]} is not aligned to "
            f"{page} bytes, and phones with such pages cannot load it. Build it again with "
            f"'mobilesr-tune runner build --abi {bundle.manifest.abi} --force'"
        )
    starts = try_start(bundle)
    trials = kernel_trials.try_kernels(bundle)
    if ours:
        kernel_trials.require_right(bundle, trials or ())
    return Checked(bundle, starts, trials, unaligned)


def _traps(bundle: Bundle) -> str:
    manifest = bundle.manifest
    if manifest.trapped is None:
        if any(source.kind != "user" for source in manifest.sources):
            return (
                f"it aborts on {manifest.trapped_symbols} symbols, and whose they are is unknown: "
                "an older mobilesr-tune built it"
            )
        return "what it lacks is unknown: it is your own"
    by_owner: dict[str, int] = {}
    for found in manifest.trapped:
        by_owner[found.owner] = by_owner.get(found.owner, 0) + len(found.symbols)
    counts = ", ".join(f"{count} of {owner}" for owner, count in sorted(by_owner.items()))
    return f"it aborts on {manifest.trapped_symbols} symbols ({counts or 'none'}), on no others"
