"""What the system image itself means for a measurement."""

from __future__ import annotations

from device_runner.conditions.base import Condition, Facts, Reading
from device_runner.flags import Flag


class BuildKind(Condition):
    """Emulators, containers and debug builds are not what users hold in their hands."""

    name = "build"

    def reading(self, answer: str, facts: Facts) -> Reading:
        said = f"{facts.build_type} build" if facts.build_type else "build not told"
        if facts.kind_because:
            said += f", {facts.kind_because}"
        debug = facts.debuggable or facts.build_type not in ("user", "")
        found = {
            Flag.EMULATOR: facts.kind == "emulator",
            Flag.KIND_UNKNOWN: not facts.kind_is_sure,
            Flag.DEBUG_BUILD: debug,
            Flag.BUILD_UNKNOWN: not debug and (not facts.build_type or facts.debuggable is None),
        }
        return Reading(self.name, said, tuple(flag for flag, holds in found.items() if holds))
