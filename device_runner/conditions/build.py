"""What the system image itself means for a measurement."""

from __future__ import annotations

from device_runner.conditions.base import Condition, Facts, Reading


class BuildKind(Condition):
    """Emulators and debug builds are not what users hold in their hands."""

    name = "build"

    def reading(self, answer: str, facts: Facts) -> Reading | None:
        flags, advice = [], []
        if facts.kind == "emulator":
            flags.append("emulator")
            advice.append("an emulator's times say nothing about a phone")
        if facts.debuggable or facts.build_type not in ("user", ""):
            flags.append("debug_build")
            advice.append("this is not the system that users have: its times may differ")
        said = f"{facts.build_type or 'unknown'} build"
        return Reading(self.name, said, tuple(flags), "; ".join(advice))
