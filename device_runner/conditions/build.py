"""What the system image itself means for a measurement."""

from __future__ import annotations

from device_runner.conditions.base import Condition, Facts, Reading


class BuildKind(Condition):
    """Emulators, containers and debug builds are not what users hold in their hands."""

    name = "build"

    def reading(self, answer: str, facts: Facts) -> Reading:
        said = f"{facts.build_type} build" if facts.build_type else "build not told"
        flags, advice = [], []
        if facts.kind_because:
            said += f", {facts.kind_because}"
        if facts.kind == "emulator":
            flags.append("emulator")
            advice.append("an emulator's times say nothing about a phone")
        elif not facts.kind_is_sure:
            flags.append("kind_unknown")
            advice.append("make sure that this is a phone: it may be an emulator or a container")
        if facts.debuggable or facts.build_type not in ("user", ""):
            flags.append("debug_build")
            advice.append("this is not the system that users have: its times may differ")
        elif not facts.build_type or facts.debuggable is None:
            flags.append("build_unknown")
            advice.append("it does not say whether this is the system that users have")
        return Reading(self.name, said, tuple(flags), "; ".join(advice))
