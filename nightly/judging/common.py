"""What all models of a device share in a night: the error of the sentinel. Pure functions.

Every latency of a night is held against the same few sentinel sessions, so their luck moves all
models alike. It shows as what the models' differences from their baselines have in common, and is
taken out - as far as a sentinel can err. A shift beyond that is no luck: it stays where it is,
and is told as what most models of the device have in common.
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from scipy import special

from nightly.judging.robust import hodges_lehmann
from nightly.judging.spread import Spread, moderated, own_spread
from nightly.records import Point
from nightly.rounds import LEAST_MODELS

# A common shift that luck makes so rarely is none of the sentinel's.
_IMPLAUSIBLE_P = 0.01
# What is assumed of the sentinel's error is believed as if so many nights' worth had shown it:
# hardly, for rooms and phones move all models by more than luck between sessions.
_ASSUMED_DOF = 2.0


@dataclass(frozen=True)
class Common:
    """What the nights of one epoch had in common.

    Attributes:
        effects: night to what is taken off each of its values.
        sd: standard deviation of the sentinel's own luck in a night; 0 where too few models ran to
            know it, and it is part of their own spread.
        lasting: which share of an effect is none of the sentinel's luck but the night's own, so
            that a second look of the night has it as well.
    """

    effects: Mapping[int, float] = field(default_factory=dict)
    sd: float = 0.0
    lasting: float = 0.0

    def taken_out(self, point: Point) -> Point:
        """The point without what its night shared; as far as that is known, see `Point.beside`."""
        effect = self.effects.get(point.night)
        if effect is None:
            return Point(point.night, point.value, point.error, point.sessions, 0.0)
        value = point.value - effect * (point.beside + (1 - point.beside) * self.lasting)
        return Point(point.night, value, point.error, point.sessions, point.beside)


def common(rows: Sequence[Sequence[Point]], tonight: int | None, baseline_nights: int) -> Common:
    """From the models' nights.

    Args:
        rows: a model's nights from its baseline on, oldest first, as badness, without those on
            which it was said to have changed.
        tonight: the night that is judged, which is no part of any level; None for nights gone by.
        baseline_nights: how many nights make up a model's level.
    """
    differences: dict[int, list[float]] = defaultdict(list)
    earlier = [[point for point in row if point.night != tonight] for row in rows]
    for row, before in zip(rows, earlier, strict=True):
        if before:
            level = hodges_lehmann([point.value for point in before[:baseline_nights]])
            for point in row:
                differences[point.night].append(point.value - level)
    shifts = {
        night: statistics.median(found)
        for night, found in sorted(differences.items())
        if len(found) >= LEAST_MODELS
    }
    if not shifts:
        return Common()
    past = [shift for night, shift in shifts.items() if night != tonight]
    errors = {night: _error_of_median(differences[night]) for night in shifts}
    luck = statistics.median([point.error for row in earlier for point in row[:1]])
    sd = _sentinel_sd(luck, past)
    # The level holds the luck of its own nights, too.
    nights = max(1, min(baseline_nights, len(past)))
    reach = sd.sd * math.sqrt(1 + 1 / nights)
    reach *= float(special.stdtrit(sd.dof, 1 - _IMPLAUSIBLE_P / 2))
    own = min(luck, sd.sd)
    lasting = 1 - (own / sd.sd) ** 2 if sd.sd > 0 else 0.0
    # What the models' own nights make of a median is no luck of the sentinel's, and stays in.
    usual = statistics.median(errors.values())
    shared = max(0.0, sd.sd**2 - usual**2)
    effects = {
        night: one * shared / (shared + errors[night] ** 2) if shared else 0.0
        for night, one in shifts.items()
        if abs(one) <= reach
    }
    return Common(effects, own, lasting)


def _error_of_median(values: Sequence[float]) -> float:
    """Standard error of a median, from the median absolute deviation (Hampel 1974)."""
    centre = statistics.median(values)
    scatter = 1.4826 * statistics.median(abs(value - centre) for value in values)
    return math.sqrt(math.pi / 2 / len(values)) * scatter


def _sentinel_sd(luck: float, shifts: Sequence[float]) -> Spread:
    """Learnt from the nights; at first as uncertain as a model, which is measured as often."""
    return moderated(own_spread(shifts), Spread(luck, _ASSUMED_DOF))
