"""Runs every family of kernels that a precision may reach, on each level of processors.

XNNPACK chooses its kernels by what the processor has: a bundle that runs on one phone may abort on
the next. So a bundle is whole only when each family has run on each level, and computed what eager
PyTorch does. A computer of another kind needs qemu for that.
"""

from __future__ import annotations

import array
import math
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from device_runner.bundles import trial
from device_runner.bundles.errors import BundleDamagedError
from device_runner.bundles.kernels.families import EXPECTED, FAMILIES, FOLDER, INPUT, Family
from device_runner.bundles.manifest import KernelTrial
from device_runner.bundles.store import Bundle
from device_runner.launching.protocol import ProtocolError, parse_transcript

_OPTIONAL = frozenset({"fp16"})


@dataclass(frozen=True)
class Level:
    """What a processor has. `cpu` is qemu's model for it; None is this computer's own."""

    name: str
    cpu: str | None
    has_fp16: bool


# qemu 7.2 and 10.0 compute all of these rightly, `max` as it is they do not (SME). No model of
# theirs but `max` has int8 matrix products.
_EMULATED = {
    "arm64-v8a": (
        Level("ARMv8.0 (cortex-a57)", "cortex-a57", has_fp16=False),
        Level("ARMv8.2 with dot products (cortex-a76)", "cortex-a76", has_fp16=True),
        Level("ARMv8.6 with int8 matrix products", "max,sve=off,sme=off", has_fp16=True),
    )
}
_OWN = (Level("this computer's processor", None, has_fp16=False),)


def levels(bundle: Bundle) -> tuple[Level, ...]:
    """The levels that can be tried here; empty where the bundle cannot be started."""
    if trial.start_command(bundle) is None:
        return ()
    return _OWN if trial.is_native(bundle) else _EMULATED.get(bundle.manifest.abi, ())


def try_kernels(bundle: Bundle) -> tuple[KernelTrial, ...] | None:
    """What each family did on each level; None where this computer cannot start the runner."""
    found = levels(bundle)
    if not found:
        return None
    return tuple(_try(bundle, family, level) for level in found for family in FAMILIES)


def require_right(bundle: Bundle, trials: Sequence[KernelTrial]) -> None:
    """Refuse a bundle of which a kernel computed wrongly, or did not run where it should.

    Raises:
        BundleDamagedError: it names the family, the level and what happened.
    """
    for found in trials:
        if found.outcome == "wrong":
            raise BundleDamagedError(
                f"the runner in {bundle.folder} is not whole: its {found.family} kernels fail on "
                f"{found.level} ({found.detail}). Build it again with 'mobilesr-tune runner build "
                f"--abi {bundle.manifest.abi} --force'"
            )


def in_words(trials: Sequence[KernelTrial] | None) -> str:
    """One sentence of what was tried, for a person."""
    if trials is None:
        return "its kernels were not tried: this computer cannot run them"
    by_level: dict[str, list[str]] = {}
    for found in trials:
        word = {"right": "", "unsupported": " not supported", "wrong": f" WRONG ({found.detail})"}
        by_level.setdefault(found.level, []).append(found.family + word[found.outcome])
    return "; ".join(f"{level}: {', '.join(words)}" for level, words in by_level.items())


def _try(bundle: Bundle, family: Family, level: Level) -> KernelTrial:
    with tempfile.TemporaryDirectory() as folder:
        arguments = [
            "--model", str(FOLDER / family.file), "--inputs", str(FOLDER / INPUT),
            "--output-dir", folder, "--threads", "2", "--no-timing",
        ]  # fmt: skip
        finished = trial.launch(bundle, arguments, cpu=level.cpu)
        try:
            transcript = parse_transcript(finished.stdout)
        except ProtocolError as error:
            return _wrong(family, level, f"it does not speak the protocol: {error}")
        if transcript.error is not None:
            refused = family.name in _OPTIONAL and not level.has_fp16
            if refused and transcript.error.kind == "bad_file":
                return KernelTrial(family=family.name, level=level.name, outcome="unsupported")
            return _wrong(family, level, transcript.error.message)
        if transcript.session is None:
            words = trial.last_words(finished)
            return _wrong(family, level, f"exit code {finished.returncode}: {words}")
        distance = _distance(Path(folder) / "out-0.bin")
    if distance is None:
        return _wrong(family, level, "its output has another size")
    if distance > family.tolerance:
        return _wrong(family, level, f"its output is off by {distance:g}")
    return KernelTrial(family=family.name, level=level.name, outcome="right", error=distance)


def _wrong(family: Family, level: Level, detail: str) -> KernelTrial:
    return KernelTrial(family=family.name, level=level.name, outcome="wrong", detail=detail[:600])


def _distance(output: Path) -> float | None:
    """The largest distance to the expected values; None for another number of values."""
    values = []
    for path in (output, FOLDER / EXPECTED):
        found = array.array("f")
        content = path.read_bytes() if path.is_file() else b""
        found.frombytes(content[: len(content) // 4 * 4])
        if sys.byteorder == "big":
            found.byteswap()
        values.append(found)
    mine, expected = values
    if len(mine) != len(expected):
        return None
    distances = (abs(a - b) for a, b in zip(mine, expected, strict=True))
    return max((math.inf if math.isnan(one) else one for one in distances), default=0.0)
