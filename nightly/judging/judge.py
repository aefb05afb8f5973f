"""Tonight against the past, on one device under one condition. Pure: no clock, no files.

A regression is a change for the worse that is likelier than not by all nights since the baseline
(`belief`), larger than the suite's floor, and seen again in a second look of the same night. What
loses an improvement that nobody accepted is looked for against the recent past, by windows of the
last nights; they tell how large a change is as well.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from scipy import special

from nightly import metrics
from nightly.history.reading import Trail
from nightly.judging.belief import RED_ODDS, SECOND_LOOK_ODDS, STAYING_ODDS, SUSPECT_ODDS
from nightly.judging.case import Case
from nightly.judging.cases import CaseBuilder, Rules
from nightly.judging.changes import Change, last_change
from nightly.judging.least import least_size
from nightly.judging.relevel import restarted
from nightly.judging.shift import Shift, largest_shift, level, shift
from nightly.judging.spread import unsteadiness
from nightly.metrics import Metric
from nightly.records import OK, Observation, Point, SeriesKey, Status, Verdict, middle
from nightly.sentences import outcome_sentence, verdict_sentence

# Of an improvement that is lost: how sure it must be, and how large as a share of the floor.
SUSPECT_P, CONFIRM_P, SUSPECT_FLOOR_SHARE = 0.01, 0.05, 0.75
RECENT_NIGHTS = 14
LATELY_NIGHTS = 3
# How far back a change is dated: weighing every pair of nights takes the square of their number.
DATED_NIGHTS = 300
# What a rough night disturbs; files and arithmetic are not among it.
_TIMED = (metrics.LATENCY, metrics.FIRST_RUN)


@dataclass
class DeviceJudge:
    """Judges every model on one device; made anew each night. See `CaseBuilder` for the past."""

    device: str
    condition: str
    night: int
    past: Mapping[str, Trail]
    looks: Mapping[str, Observation]
    epoch: int
    rules: Rules
    restless: Collection[int] = ()
    boots: Mapping[int, datetime] = field(default_factory=dict)
    _cases: CaseBuilder = field(init=False)

    def __post_init__(self) -> None:
        self._cases = CaseBuilder(
            self.past, self.looks, self.epoch, self.night, self.rules, self.restless, self.boots
        )

    @cached_property
    def unsteady(self) -> float:
        """By how much more than usual the models' latencies scatter tonight."""
        standardised, scatter = [], []
        for model in self.looks:
            case = self._cases.build(model, metrics.LATENCY)
            if case is not None and len(case.before) >= 2 and case.spread.within > 0:
                lately = [point.value for point in case.before[-LATELY_NIGHTS:]]
                standardised.append((case.first.value - level(lately)[0]) / case.spread.sd)
                scatter.append(case.first.error / case.spread.within)
        return unsteadiness(standardised, scatter)

    @property
    def new_levels(self) -> list[int]:
        """Nights since which the device has another level, as is seen tonight; see `relevel`."""
        return self._cases.new_level_nights if self.unsteady == 1.0 else []

    @property
    def restarted(self) -> bool | None:
        """Whether the device was started since it was last measured; None where it is unknown."""
        before = max((n for trail in self.past.values() for n in trail.outcomes), default=None)
        return None if before is None else restarted(self.boots, before, self.night)

    def _doubt(self, case: Case) -> float:
        """By how much more doubt a latency of tonight is judged."""
        moved = self._cases.level_nights.get(self.night, 0.0)
        if self.unsteady > 1.0 or not moved:
            return self.unsteady
        sd = case.spread.sd if case.metric == metrics.LATENCY else self._cases.usual_latency_sd
        return max(1.0, moved / sd)

    def suspects(self) -> list[str]:
        """Models that deserve a second look, by a generous measure."""
        return [model for model, look in self.looks.items() if self._suspicious(model, look)]

    def _suspicious(self, model: str, look: Observation) -> bool:
        if look.outcome != OK:
            return not self._known_failure(model)
        for metric in metrics.METRICS:
            case = self._case(model, metric, None)
            if case is None or metric.exact:
                continue
            if self._odds(case, case.first) > SUSPECT_ODDS:
                return True
            least = SUSPECT_FLOOR_SHARE * case.floor
            lately = self._lately(case, least) if any(case.praised) else None
            if lately is not None and lately.size > least and lately.p < SUSPECT_P:
                return True
        return False

    def verdicts(self, second: Mapping[str, Observation]) -> list[Verdict]:
        """What is said of every metric of every model that was measured tonight.

        `second` holds the second looks; a suspect without one stays unconfirmed.
        """
        found = []
        for model, look in self.looks.items():
            again = second.get(model)
            found.append(self._runs(model, look, again))
            for metric in metrics.METRICS:
                if metric.name in look.readings:
                    found.append(self._judge(model, metric, look, again))
        return found

    def _key(self, model: str) -> SeriesKey:
        return SeriesKey(model, self.device, self.condition)

    def _case(self, model: str, metric: Metric, again: Observation | None) -> Case | None:
        case = self._cases.build(model, metric, again)
        if case is None or metric not in _TIMED:
            return case
        return replace(case, unsteady=self._doubt(case))

    def _against_baseline(self, case: Case) -> Shift:
        """What the windows that end tonight say beside the baseline."""
        return largest_shift(
            case.before,
            case.changed,
            case.tonight,
            case.spread,
            choose=lambda values: values[: self.rules.baseline_nights],
            floor=case.floor,
            unsteady=case.unsteady,
        ) or self._alone(case, "baseline")

    def _lately(self, case: Case, floor: float) -> Shift | None:
        """The same beside the recent past, which knows of improvements that nobody accepted."""
        return largest_shift(
            case.before,
            case.blamed,
            case.tonight,
            case.spread,
            choose=lambda values: values[-RECENT_NIGHTS:],
            floor=floor,
            unsteady=case.unsteady,
        )

    def _judge(
        self, model: str, metric: Metric, look: Observation, again: Observation | None
    ) -> Verdict:
        case = self._case(model, metric, again)
        if case is None:
            value = middle(look.readings[metric.name])
            return _told(
                metric, Verdict(self._key(model), metric.name, Status.NEW, "", value=value)
            )
        if metric.exact:
            return self._judge_exact(model, case)
        if self._still_red(case):
            status, name, found = Status.REGRESSION, "baseline", self._since_red(case)
        else:
            status, name, found = self._status(case)
        # What tonight shows alone is told as such; the windows speak where it does not suffice.
        alone = self._alone(case, name)
        if status is not Status.REGRESSION or self._counts(case, alone):
            found = alone
        return self._verdict(model, case, found, name, status)

    def _reference(self, case: Case) -> list[Point]:
        """Nights that are as the baseline, or what comes next to them."""
        unchanged = case.unchanged[: self.rules.baseline_nights]
        return unchanged or case.recent[-RECENT_NIGHTS:] or [case.before[0]]

    def _alone(self, case: Case, against: str) -> Shift:
        """Tonight against one of the references."""
        lately = case.recent[-RECENT_NIGHTS:]
        reference = lately if against == "recent" else self._reference(case)
        return shift(reference, [case.tonight], case.spread, unsteady=case.unsteady)

    def _counts(self, case: Case, found: Shift) -> bool:
        return found.size > case.floor and found.p < self.rules.needed_p

    def _status(self, case: Case) -> tuple[Status, str, Shift]:
        """What is said of what was not red, beside which reference, and the shift told with it."""
        worse = max(self._odds(case, case.tonight), self._odds(case, case.first))
        found = self._against_baseline(case) if worse > STAYING_ODDS else None
        large = found is not None and found.size > case.floor
        if found is not None and large and worse > RED_ODDS and self._seen_twice(case):
            return Status.REGRESSION, "baseline", found
        lately = self._lately(case, case.floor) if any(case.praised) else None
        if lately is not None and self._counts(case, lately):
            confirmed = self._confirmed(case, lately)
            return Status.REGRESSION if confirmed else Status.UNCONFIRMED, "recent", lately
        alone = self._alone(case, "baseline")
        if large:
            return Status.UNCONFIRMED, "baseline", alone
        if alone.size < -case.floor and alone.p_better < self.rules.needed_p:
            return Status.IMPROVED, "baseline", alone
        return Status.FINE, "baseline", alone

    def _still_red(self, case: Case) -> bool:
        """Whether it was red on its last night, and the nights do not say that it is back."""
        return bool(case.red_nights) and (
            case.red_on_another_level or self._odds(case, case.tonight) > STAYING_ODDS
        )

    def _odds(self, case: Case, point: Point) -> float:
        """The logarithm of the odds that it is worse, with this for tonight."""
        assert case.believed is not None
        return case.believed.then(point, unsteady=case.unsteady).log_odds

    def _seen_twice(self, case: Case) -> bool:
        """Whether it is worse by both looks together, and were so with the second one alone."""
        if case.second is None or self._odds(case, case.tonight) <= RED_ODDS:
            return False
        return self._odds(case, case.second) > SECOND_LOOK_ODDS

    def _since_red(self, case: Case) -> Shift:
        """The last nights of the red stretch, tonight among them, against the baseline."""
        lately = [*case.red_nights[-(LATELY_NIGHTS - 1) :], case.tonight]
        return shift(self._reference(case), lately, case.spread, unsteady=case.unsteady)

    def _confirmed(self, case: Case, found: Shift) -> bool:
        """The second look alone lies on the worse side of the reference, beyond chance.

        How well the reference is known was weighed before.
        """
        if case.second is None:
            return False
        spread, second = case.spread, case.second
        night = max(spread.variance(second.sessions) ** 0.5 * case.unsteady, second.error)
        size = second.value - found.reference
        error = math.hypot(night, (1 - second.beside) * spread.common)
        p = float(special.stdtr(min(spread.dof, spread.tail), -size / error)) if error else 0.0
        return size > SUSPECT_FLOOR_SHARE * case.floor and p < CONFIRM_P

    def _judge_exact(self, model: str, case: Case) -> Verdict:
        """Against the baseline's own value: what is exact needs neither statistics nor a look."""
        reference = case.before[0].value
        size = case.tonight.value - reference
        error = 1e-9
        found = Shift(1, reference, size, error, math.inf, 0.0 if size > 0 else 1.0)
        status = Status.FINE
        if size > case.floor:
            status = Status.REGRESSION
        elif size < -case.floor:
            status = Status.IMPROVED
        return self._verdict(model, case, found, "baseline", status)

    def _verdict(
        self, model: str, case: Case, found: Shift, against: str, status: Status
    ) -> Verdict:
        metric, least = case.metric, None
        if not metric.exact:
            least = self._least(case)
        low, high = (found.size, found.size) if metric.exact else found.interval()
        bounds = sorted(_change(metric, size) for size in (low, high))
        change = self._since(case, found) if status is Status.REGRESSION else None
        nights = (*(point.night for point in case.before), self.night)[-DATED_NIGHTS:]
        return _told(
            metric,
            Verdict(
                series=self._key(model),
                metric=metric.name,
                status=status,
                sentence="",
                value=metric.value(case.tonight.value),
                reference=metric.value(found.reference),
                change=_change(metric, found.size),
                low=bounds[0],
                high=bounds[1],
                p=None if metric.exact else found.p,
                needed_p=None if metric.exact else self.rules.needed_p,
                nights=found.nights,
                compared_with=against,
                baseline_night=case.baseline_night,
                since=None if change is None else nights[change.at],
                since_low=None if change is None else nights[change.low],
                since_high=None if change is None else nights[change.high],
                creep=None
                if change is None or change.slope is None
                else _change(metric, change.slope),
                least_change=least,
            ),
        )

    def _least(self, case: Case) -> float | None:
        """The least change that tonight would have found, as a change of the metric."""
        assert case.believed is not None
        alone = self._alone(case, "baseline")
        needed = case.believed.least_worse(case.tonight, unsteady=case.unsteady) - alone.reference
        size = least_size(alone, needed, case.floor)
        return _change(case.metric, size) if math.isfinite(size) else None

    def _since(self, case: Case, found: Shift) -> Change:
        values = [*(point.value for point in case.before), case.tonight.value][-DATED_NIGHTS:]
        change = last_change(values, 0.0 if case.metric.exact else case.spread.sd)
        if change is None or change.size <= 0:
            at = len(values) - found.nights
            return Change(at, at, at, found.size)
        return change

    def _known_failure(self, model: str) -> bool:
        trail = self.past.get(model)
        if trail is None or trail.pinned is None:
            return False
        return (
            trail.epochs.get(trail.pinned) == self.epoch
            and trail.outcomes.get(trail.pinned, OK) != OK
        )

    def _runs(self, model: str, look: Observation, again: Observation | None) -> Verdict:
        """Whether it ran, twice where it did not at first."""
        trail = self.past.get(model) or Trail()
        ours = [night for night in sorted(trail.outcomes) if trail.epochs[night] == self.epoch]
        failed = look.outcome != OK
        since = None
        if not failed:
            broken = bool(ours) and trail.outcomes[ours[-1]] != OK
            status = Status.IMPROVED if broken else Status.FINE
        elif self._known_failure(model):
            status = Status.FINE
        elif again is None or again.outcome == OK:
            status = Status.UNCONFIRMED
        else:
            status = Status.REGRESSION
            since = self.night
            for night in reversed(ours):
                if trail.outcomes[night] == OK:
                    break
                since = night
        ever = any(trail.outcomes[night] == OK for night in ours)
        sentence = outcome_sentence(look, status, since, self.night, ever)
        return Verdict(self._key(model), metrics.RUNS, status, sentence, since=since)


def _change(metric: Metric, badness: float) -> float:
    """A difference of badness as a relative or absolute change of the metric itself."""
    plain = metric.worse * badness
    return math.expm1(plain) if metric.scale is metrics.Scale.RATIO else plain


def _told(metric: Metric, verdict: Verdict) -> Verdict:
    return replace(verdict, sentence=verdict_sentence(metric, verdict))
