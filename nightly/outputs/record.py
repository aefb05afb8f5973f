"""A night as JSON, for whatever comes after."""

from __future__ import annotations

import dataclasses
from typing import Any

from nightly.night import NightResult
from nightly.outputs.told import headline, worst_first

SCHEMA = "nightly/1"


def night_record(result: NightResult) -> dict[str, Any]:
    """Everything that is said of a night; numbers in the units that the names carry."""
    night = result.night
    return {
        "schema": SCHEMA,
        "suite": result.suite,
        "night": night.number,
        "status": str(night.status),
        "started_at": night.started_at.isoformat(timespec="seconds"),
        "finished_at": None
        if night.finished_at is None
        else night.finished_at.isoformat(timespec="seconds"),
        "exit_code": result.exit_code,
        "headline": headline(result),
        "notes": list(result.notes),
        "devices": [
            dataclasses.asdict(device)
            | {
                "booted_at": None
                if device.booted_at is None
                else device.booted_at.isoformat(timespec="seconds")
            }
            for device in result.devices
        ],
        "epochs": [dataclasses.asdict(epoch) for epoch in result.epochs],
        "verdicts": [
            dataclasses.asdict(verdict) | {"status": str(verdict.status)}
            for verdict in worst_first(result.verdicts)
        ],
    }
