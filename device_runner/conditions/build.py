"""What the system image itself means for a measurement."""

from __future__ import annotations

from device_runner.conditions.base import Condition, Facts, Reading
from device_runner.flags import Flag


class BuildKind(Condition):
    """Emulators and debug builds are not what users hold in their hands."""

    name = "build"

    def reading(self, answer: str, facts: Facts) -> Reading | None:
        found = {
            Flag.EMULATOR: facts.kind == "emulator",
            Flag.DEBUG_BUILD: facts.debuggable or facts.build_type not in ("user", ""),
        }
        said = f"{facts.build_type or 'unknown'} build"
        return Reading(self.name, said, tuple(flag for flag, holds in found.items() if holds))
