"""What one metric of one model is compared with tonight: its own past, on the scale of badness."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from itertools import pairwise, takewhile

from nightly.history.reading import Trail
from nightly.judging.belief import SURE_ODDS, beliefs
from nightly.judging.case import Case
from nightly.judging.changes import last_change
from nightly.judging.common import Common, common
from nightly.judging.relevel import new_levels
from nightly.judging.shift import EFFECTIVE_WINDOWS, WINDOWS
from nightly.judging.spread import (
    Spread,
    memory_of,
    moderated,
    own_spread,
    pool,
    tail_of,
)
from nightly.metrics import LATENCY, Metric, Scale
from nightly.records import Observation, Point, error_of_middle, middle

# So many red nights say what the red level is like.
_LATELY = 6
# However steady a metric was, the next night may differ by so much of what is usual.
LEAST_SD_SHARE = 0.1
# Changes are expected so many times as often as the suite allows false alarms; see `Rules.chance`.
_CHANCES, _MOST_CHANCE = 7.0, 0.02
# Another level of the device may show so many nights after it began.
_LEVEL_SEEN_LATE = 10


@dataclass(frozen=True)
class Rules:
    """What the suite asks for.

    Attributes:
        alpha: chance of a false alarm a night, over all tests of the suite.
        tests: how many comparisons the suite makes a night.
        floors: per metric the smallest change that counts, on the metric's own scale.
        baseline_nights: nights from the baseline on that make up its level.
        baseline: a night that stands in for every pin, or None.
    """

    alpha: float
    tests: int
    floors: Mapping[str, float]
    baseline_nights: int
    baseline: int | None = None

    @property
    def needed_p(self) -> float:
        """Bonferroni: every test and its windows share `alpha`.

        The two references are not counted: they are nearly the same nights where nothing changed.
        """
        return self.alpha / (max(1, self.tests) * EFFECTIVE_WINDOWS)

    def chance(self, memory: float) -> float:
        """Of a change for the worse a night, so that no more than `alpha` of the nights are red.

        Shiryaev's rule at even odds raises no more false alarms a night than this chance (M.
        Pollak, Ann. Stat. 13, 1985), and in simulations far fewer, which are red for two or three
        nights by the mean; so more changes are expected than false alarms are allowed. Fewer
        where neighbouring nights are alike, by their correlation `memory`: how much they are so is
        an estimate, and a false alarm lasts for as long as they are. By simulation, for both: by
        `1 / (1 + memory)` less, as in a mean (Bartlett, JRSS 98, 1935), finds a step later by a
        quarter of the nights.
        """
        worth = 1 - memory
        return min(_MOST_CHANCE, _CHANCES * self.alpha / max(1, self.tests)) * worth


@dataclass
class CaseBuilder:
    """Builds the cases of one device; keeps what its models have in common.

    Attributes:
        looks: tonight's first look at every model.
        past: each model's trail: finished nights only, tonight not among them.
        epoch: the epoch that tonight belongs to; nights of others are not compared with.
        restless: nights that were unsteady on this device: neither reference nor evidence.
        boots: when the device was last started, by night, as far as it told; tonight's as well.
    """

    past: Mapping[str, Trail]
    looks: Mapping[str, Observation]
    epoch: int
    night: int
    rules: Rules
    restless: Collection[int] = ()
    boots: Mapping[int, datetime] = field(default_factory=dict)
    _nights: dict[str, _Nights] = field(default_factory=dict)
    _pools: dict[str, Spread] = field(default_factory=dict)
    _characters: dict[str, tuple[float, float]] = field(default_factory=dict)
    # A night asks for the same past several times.
    _built: dict[str, dict[str, Case]] = field(default_factory=dict)

    def build(self, model: str, metric: Metric, again: Observation | None = None) -> Case | None:
        """None where there is nothing to compare, tonight or before."""
        first = self._tonight(model, metric)
        if first is None:
            return None
        past = self._pasts(metric).get(model)
        second = None if again is None else again.readings.get(metric.name)
        freed = self._all(metric).common.taken_out
        return past and replace(
            past,
            first=freed(first),
            second=freed(seen_tonight(metric, second, self.night, beside=0.0)) if second else None,
        )

    def _pasts(self, metric: Metric) -> dict[str, Case]:
        """Of every model that has a past, a case whose tonight is still to come."""
        if metric.name not in self._built:
            found = {model: self._past(model, metric) for model in self.looks}
            cases = {model: case for model, case in found.items() if case is not None}
            if cases and not metric.exact:
                some = next(iter(cases.values()))
                rows = [case.before for case in cases.values()]
                chance = self.rules.chance(self._character(metric)[0])
                spreads = [case.spread for case in cases.values()]
                believed = beliefs(rows, spreads, some.floor, chance)
                cases = {
                    model: replace(case, believed=one)
                    for (model, case), one in zip(cases.items(), believed, strict=True)
                }
            self._built[metric.name] = cases
        return self._built[metric.name]

    def _tonight(self, model: str, metric: Metric) -> Point | None:
        look = self.looks.get(model)
        sessions = None if look is None else look.readings.get(metric.name)
        return seen_tonight(metric, sessions, self.night) if sessions else None

    def _past(self, model: str, metric: Metric) -> Case | None:
        """A case whose tonight is still to come."""
        trail = self.past.get(model)
        baseline = None if trail is None else self.baseline_night(trail)
        if trail is None or baseline is None:
            return None
        ours = self._all(metric).rows.get((model, self.epoch), [])
        whole = tuple(point for point in ours if point.night >= baseline)
        begins = max([night for night in self.level_nights if night < self.night], default=0)
        before = tuple(point for point in whole if point.night >= begins)
        if not before:
            return None
        # The baseline itself is right by decree, whatever was said of it that night.
        blamed = trail.blamed.get(metric.name, set()) - {baseline}
        floor = metric.badness_of_change(self.rules.floors.get(metric.name, metric.floor))
        stretch = _last_stretch(whole, blamed)
        if stretch and not self._stands(metric, whole, stretch, floor):
            blamed -= {point.night for point in stretch}
            stretch = ()
        blamed |= self._held_back(metric, before, stretch) - {baseline}
        praised = trail.praised.get(metric.name, set()) - {baseline}
        spread = self._spread(metric, [p for p in before if p.night not in blamed])
        return Case(
            metric=metric,
            before=before,
            blamed=tuple(point.night in blamed for point in before),
            praised=tuple(point.night in praised for point in before),
            # Blamed beside another baseline than the one that is asked for tonight.
            red_nights=() if self.rules.baseline is not None else stretch,
            baseline_night=max(baseline, before[0].night),
            first=before[-1],
            second=None,
            spread=spread,
            floor=floor,
            unsteady=1.0,
            believed=None,
        )

    def _stands(
        self, metric: Metric, nights: Sequence[Point], red: Sequence[Point], floor: float
    ) -> bool:
        """Whether what turned red was worse by its own level of the device, as is known today.

        A level may be seen some nights after it began: what turned red meanwhile was compared with
        another one, and is put down to the device. On tonight's level tonight decides; an earlier
        one must have ended with its being surely worse.
        """
        first = red[0].night
        begins = max((night for night in self.level_nights if night <= first), default=0)
        ends = min((night for night in self.level_nights if night > first), default=self.night)
        if first == begins:
            return False
        if metric.exact or ends == self.night:
            return True
        level = [point for point in nights if begins <= point.night < ends]
        spread = self._spread(metric, [point for point in level if point.night < first])
        chance = self.rules.chance(self._character(metric)[0])
        return beliefs([level], [spread], floor, chance)[0].log_odds > SURE_ODDS

    def _held_back(self, metric: Metric, nights: Sequence[Point], red: Sequence[Point]) -> set[int]:
        """Nights before the red ones that were changed already, by the likeliest date of it."""
        if not red or metric.exact:
            return set()
        # A window found it, so it is no older than the longest; the level before is needed, too.
        earlier = [point for point in nights if point.night < red[0].night][-2 * max(WINDOWS) :]
        if len(earlier) < 2:
            return set()
        row = [*earlier, *red[:_LATELY]]
        change = last_change([point.value for point in row], self._usual_sd(metric))
        if change is None or change.size <= 0 or change.at < 1:
            return set()
        return {point.night for point in earlier[change.at :]}

    def _usual_sd(self, metric: Metric) -> float:
        """Of a night of any model of the device."""
        assumed = metric.badness_of_change(metric.night_sd)
        if metric.name not in self._pools:
            self._pools[metric.name] = pool(self._own_spreads(metric), assumed)
        return max(self._pools[metric.name].sd, LEAST_SD_SHARE * assumed)

    @property
    def usual_latency_sd(self) -> float:
        """Of a night's latency of any model of the device."""
        return self._usual_sd(LATENCY)

    @cached_property
    def level_nights(self) -> Mapping[int, float]:
        """Nights with which the device's level changed in tonight's epoch; see `new_levels`."""
        return new_levels(self._latencies(with_tonight=True), self.boots)

    @cached_property
    def new_level_nights(self) -> list[int]:
        """Those of them that nobody could see before tonight."""
        lately = [night for night in self.level_nights if night > self.night - _LEVEL_SEEN_LATE]
        known = new_levels(self._latencies(with_tonight=False), self.boots) if lately else {}
        return [night for night in lately if night not in known]

    def _latencies(self, *, with_tonight: bool) -> dict[str, list[Point]]:
        rows: dict[str, list[Point]] = {}
        for model, trail in self.past.items():
            points = trail.points.get(LATENCY.name, [])
            rows[model] = [
                as_badness(LATENCY, point)
                for point in points
                if point.night not in self.restless and trail.epochs.get(point.night) == self.epoch
            ]
            tonight = self._tonight(model, LATENCY) if with_tonight else None
            if tonight is not None:
                rows[model].append(tonight)
        return rows

    def baseline_night(self, trail: Trail) -> int | None:
        """The night that is compared with: asked for, pinned, or the epoch's first."""
        ours = [night for night, epoch in trail.epochs.items() if epoch == self.epoch]
        if self.rules.baseline is not None:
            return min((night for night in ours if night >= self.rules.baseline), default=None)
        return trail.pinned if trail.pinned in ours else min(ours, default=None)

    def _spread(self, metric: Metric, steady: Sequence[Point]) -> Spread:
        assumed = metric.badness_of_change(metric.night_sd)
        self._usual_sd(metric)
        own = own_spread([point.value for point in steady], self._character(metric)[0])
        found = moderated(own, self._pools[metric.name])
        usual = min((point.sessions for point in steady), default=1)
        errors = [point.error for point in steady if point.sessions == usual]
        return replace(
            found,
            sd=max(found.sd, LEAST_SD_SHARE * assumed),
            within=statistics.median(errors) if errors else 0.0,
            sessions=usual,
            common=self._all(metric).common.sd,
            memory=self._character(metric)[0],
            tail=self._character(metric)[1],
        )

    def _character(self, metric: Metric) -> tuple[float, float]:
        """What nights of the device share with their neighbours, and how wild single ones are."""
        if metric.name not in self._characters:
            rows = self._stretches(metric)
            self._characters[metric.name] = (memory_of(rows), tail_of(rows))
        return self._characters[metric.name]

    def _own_spreads(self, metric: Metric) -> list[Spread]:
        """Of every model, in every epoch of the device: an update changes levels, not noise."""
        memory = self._character(metric)[0]
        found = [own_spread(row, memory) for row in self._stretches(metric)]
        return [spread for spread in found if spread is not None]

    def _stretches(self, metric: Metric) -> list[list[float]]:
        """Every model's nights at one level of the device, as far as that is known."""
        found: list[list[float]] = []
        for (_, epoch), row in self._all(metric).rows.items():
            cuts = [n for n in self.level_nights if n <= self.night] if epoch == self.epoch else []
            bounds = [0, *sorted(cuts), 1 << 62]
            found += [
                [point.value for point in row if first <= point.night < last]
                for first, last in pairwise(bounds)
            ]
        return found

    def _all(self, metric: Metric) -> _Nights:
        """Every night of every model, without what the night did to all of them."""
        if metric.name not in self._nights:
            rows: dict[tuple[str, int], list[Point]] = {}
            for model, trail in self.past.items():
                for point in trail.points.get(metric.name, []):
                    if point.night not in self.restless and point.night in trail.epochs:
                        row = rows.setdefault((model, trail.epochs[point.night]), [])
                        row.append(as_badness(metric, point))
            self._nights[metric.name] = self._without_common(metric, rows)
        return self._nights[metric.name]

    def _without_common(self, metric: Metric, rows: dict[tuple[str, int], list[Point]]) -> _Nights:
        if not metric.by_sentinel:
            return _Nights(rows)
        shared = {
            epoch: self._common(
                metric, epoch, {m: row for (m, e), row in rows.items() if e == epoch}
            )
            for epoch in {self.epoch, *(epoch for _, epoch in rows)}
        }
        freed = {
            (model, epoch): [shared[epoch].taken_out(point) for point in row]
            for (model, epoch), row in rows.items()
        }
        return _Nights(freed, shared[self.epoch])

    def _common(self, metric: Metric, epoch: int, rows: Mapping[str, Sequence[Point]]) -> Common:
        """From nights on which a model was as its baseline; tonight too, for tonight's epoch."""
        steady = []
        for model, row in rows.items():
            trail = self.past[model]
            baseline = row[0].night
            if epoch == self.epoch:
                baseline = self.baseline_night(trail) or baseline
            told = trail.blamed.get(metric.name, set()) | trail.praised.get(metric.name, set())
            told -= {baseline}
            kept = [point for point in row if point.night >= baseline and point.night not in told]
            tonight = self._tonight(model, metric) if epoch == self.epoch else None
            # What was changed the last time still is, as far as anyone knows.
            if tonight is not None and row[-1].night not in told:
                kept.append(tonight)
            steady.append(kept)
        night = self.night if epoch == self.epoch else None
        return common(steady, night, self.rules.baseline_nights)


def _last_stretch(nights: Sequence[Point], blamed: Collection[int]) -> tuple[Point, ...]:
    """The nights at the end that were all called a regression."""
    kept = list(takewhile(lambda point: point.night in blamed, reversed(nights)))
    return tuple(reversed(kept))


@dataclass(frozen=True)
class _Nights:
    """One metric's nights, oldest first, by model and epoch, and what those of tonight's share."""

    rows: Mapping[tuple[str, int], Sequence[Point]]
    common: Common = field(default_factory=Common)


def as_badness(metric: Metric, point: Point) -> Point:
    """A stored point where differences add up and more is worse."""
    ratio = metric.scale is Scale.RATIO
    error = point.error / max(abs(point.value), 1e-9) if ratio else point.error
    return Point(point.night, metric.badness(point.value), error, point.sessions, point.beside)


def seen_tonight(
    metric: Metric, sessions: tuple[float, ...], night: int, *, beside: float = 1.0
) -> Point:
    """One look as badness."""
    value, error = middle(sessions), error_of_middle(sessions)
    return as_badness(metric, Point(night, value, error, len(sessions), beside))
