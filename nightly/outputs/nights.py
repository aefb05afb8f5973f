"""The row of nights, as a table and as data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from foundation.wording import plain, shorten
from nightly.records import Night

Said = Mapping[int, Sequence[Mapping[str, object]]]


def nights_data(suite: str, nights: Sequence[Night], said: Said) -> dict[str, Any]:
    """For a machine: every night, and what was said of whatever was not simply fine."""
    return {
        "schema": "nightly-history/1",
        "suite": suite,
        "nights": [
            {
                "night": night.number,
                "status": str(night.status),
                "started_at": night.started_at.isoformat(timespec="seconds"),
                "exit_code": night.exit_code,
                "notes": list(night.notes),
                "verdicts": [dict(one) for one in said.get(night.number, ())],
            }
            for night in nights
        ],
    }


def nights_table(suite: str, nights: Sequence[Night], said: Said) -> Table:
    """For people."""
    table = Table(title=Text(f"Nights of {plain(suite)}"), title_justify="left")
    for column in ("night", "began (UTC)", "status", "exit", "what was said"):
        table.add_column(column, overflow="fold")
    for night in nights:
        found = said.get(night.number, ())
        counts = Counter(str(one["status"]) for one in found)
        words = [f"{number} {status}" for status, number in counts.items()]
        words += [
            shorten(f"{_name(one)}: {one['sentence']}", 160)
            for one in found
            if one["status"] == "regression"
        ][:5]
        table.add_row(
            str(night.number),
            f"{night.started_at:%Y-%m-%d %H:%M}",
            str(night.status),
            "–" if night.exit_code is None else str(night.exit_code),
            Text("\n".join([*words, *(shorten(note, 160) for note in night.notes)])),
        )
    return table


def _name(said: Mapping[str, object]) -> str:
    series = said["series"]
    return str(series["model"]) if isinstance(series, Mapping) else str(series)
