"""Which nights a judgement reads: a baseline's and the last ones, however long the history is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

# Nights before tonight that are read besides the baselines': what the recent past, the noise and
# the date of a change are taken from.
LAST_NIGHTS = 120


def nights_to_read(
    every: Sequence[int],
    ours: Mapping[int, Sequence[int]],
    pins: Mapping[int, int],
    unclean: Mapping[int, Collection[int]],
    *,
    baseline_nights: int,
    baseline: int | None,
) -> set[int]:
    """The last `LAST_NIGHTS`, and per series its baseline with the first clean nights after it.

    These do not move as nights are added, so nothing that creeps can move a baseline.

    Args:
        every: finished nights of the device, in any epoch, oldest first.
        ours: per series its finished nights in tonight's epoch, oldest first.
        pins: per series the night that was accepted last.
        unclean: per series nights that are no part of a baseline's level.
        baseline_nights: how many nights make up a level.
        baseline: a night that stands in for every pin, or None.
    """
    found = {*every[-LAST_NIGHTS:], *pins.values()}
    for series, nights in ours.items():
        pin = pins.get(series)
        first = baseline if baseline is not None else pin if pin in nights else None
        since = [night for night in nights if first is None or night >= first]
        clean = [night for night in since if night not in unclean.get(series, ())]
        found |= {*since[:1], *clean[:baseline_nights], *nights[-LAST_NIGHTS:]}
    return found


def by_series(rows: Iterable[tuple[int, int]]) -> dict[int, list[int]]:
    """(series, night) pairs as the nights of each series, in their order, each once."""
    found: dict[int, list[int]] = {}
    for series, night in rows:
        nights = found.setdefault(series, [])
        if not nights or nights[-1] != night:
            nights.append(night)
    return found
