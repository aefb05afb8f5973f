"""Questions to a history. Only finished nights answer, and only sound rows count."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from nightly.history import tables as t
from nightly.history.trouble import trouble
from nightly.history.window import by_series, nights_to_read
from nightly.records import Epoch, Night, NightStatus, Point, SeriesKey, Status, of_both_looks


@dataclass
class Trail:
    """What is known of one series: points a metric, how its runs ended, what was said of it.

    Attributes:
        points: per metric, oldest night first; a night's two looks, where there were two, are one
            point.
        outcomes: night to outcome.
        artifacts: night to the artifact's sha256.
        epochs: night to epoch number.
        blamed, praised: per metric the nights on which it was called a regression, or improved.
        pinned: the night that was last accepted as baseline.
    """

    points: dict[str, list[Point]] = field(default_factory=lambda: defaultdict(list))
    outcomes: dict[int, str] = field(default_factory=dict)
    artifacts: dict[int, str] = field(default_factory=dict)
    epochs: dict[int, int] = field(default_factory=dict)
    blamed: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    praised: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    pinned: int | None = None
    damaged: int = 0


class HistoryReader:
    """The reading half of a history; see the package for the whole life cycle."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine
        self.name = name

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with trouble(self.name), self._engine.connect() as connection:
            yield connection

    def nights(self, suite: str, *, last: int | None = None) -> list[Night]:
        """Every night of a suite, oldest first; the `last` so many. Unfinished ones too."""
        query = sa.select(t.night).where(t.night.c.suite == suite).order_by(t.night.c.id.desc())
        if last is not None:
            query = query.limit(last)
        with self._reading() as connection:
            return [_night(row) for row in reversed(connection.execute(query).all())]

    def night_at(self, suite: str, when: datetime) -> int | None:
        """The first finished night that began at `when` or later, by number."""
        query = (
            sa.select(sa.func.min(t.night.c.id))
            .where(t.night.c.suite == suite)
            .where(t.night.c.status == NightStatus.FINISHED)
            # SQLite keeps no offsets: all that stands there is UTC.
            .where(t.night.c.started_at >= when.astimezone(UTC))
        )
        with self._reading() as connection:
            return connection.scalar(query)

    def epochs(self, suite: str) -> list[Epoch]:
        """Every epoch of a suite, oldest first."""
        with self._reading() as connection:
            return epochs_of(connection, suite)

    def series(self, suite: str) -> list[SeriesKey]:
        """Every series that the suite ever had."""
        query = sa.select(t.series.c.model, t.series.c.device, t.series.c.condition)
        with self._reading() as connection:
            rows = connection.execute(query.where(t.series.c.suite == suite)).all()
        return sorted(SeriesKey(*row) for row in rows)

    def last_measured(self, suite: str) -> tuple[int, dict[SeriesKey, str]]:
        """The last finished night, and how each series ended in it; night 0 where there is none."""
        m, s, n = t.measurement, t.series, t.night
        last = sa.select(sa.func.max(n.c.id)).where(
            n.c.suite == suite, n.c.status == NightStatus.FINISHED
        )
        with self._reading() as connection:
            night = connection.scalar(last) or 0
            query = (
                sa.select(s.c.model, s.c.device, s.c.condition, m.c.outcome)
                .select_from(m.join(s, s.c.id == m.c.series))
                .where(m.c.night == night)
                .order_by(m.c.attempt)
            )
            return night, {SeriesKey(*row[:3]): row[3] for row in connection.execute(query)}

    def last_candidates(self, suite: str) -> dict[str, str]:
        """Model to the key of the candidate that was measured of it last, in finished nights."""
        m, s, a = t.measurement, t.series, t.artifact
        query = (
            sa.select(s.c.model, a.c.candidate_key)
            .select_from(
                m.join(s, s.c.id == m.c.series)
                .join(a, a.c.id == m.c.artifact)
                .join(t.night, t.night.c.id == m.c.night)
            )
            .where(s.c.suite == suite, t.night.c.status == NightStatus.FINISHED)
            .order_by(m.c.night)
        )
        with self._reading() as connection:
            return {row.model: row.candidate_key for row in connection.execute(query)}

    def trails(
        self,
        suite: str,
        device: str,
        condition: str,
        *,
        since: int = 0,
        model: str | None = None,
        nights: Collection[int] | None = None,
    ) -> dict[str, Trail]:
        """The trails of every model on one device under one condition.

        From night `since` on, and of `nights` only where they are given.
        """
        with self._reading() as connection:
            wanted = series_query(suite, device, condition, model)
            names = {row.id: row.model for row in connection.execute(wanted)}
            trails: dict[str, Trail] = {name: Trail() for name in names.values()}
            for row in connection.execute(readings_query(list(names), since, nights)):
                _take(trails[names[row.series]], row)
            for row in connection.execute(blames_query(list(names), since)):
                trail = trails[names[row.series]]
                # What was unconfirmed is stored for people: the judge weighs the nights themselves.
                told = {Status.REGRESSION: trail.blamed, Status.IMPROVED: trail.praised}
                nights_told = told.get(Status(row.status))
                if nights_told is not None:
                    nights_told[t.METRIC_NAMES.get(row.metric, "")].add(row.night)
            for row in connection.execute(pins_query(list(names))):
                trails[names[row.series]].pinned = row.night
        return trails

    def judged_nights(
        self,
        suite: str,
        device: str,
        condition: str,
        epoch: int,
        *,
        baseline_nights: int,
        baseline: int | None = None,
    ) -> set[int]:
        """Those that a night of this epoch is judged by; see `nights_to_read`."""
        restless = self.restless_nights(suite, device, condition)
        with self._reading() as connection:
            series = [
                row.id for row in connection.execute(series_query(suite, device, condition, None))
            ]
            ours = by_series(
                (row.series, row.night) for row in connection.execute(epoch_query(series, epoch))
            )
            told = by_series(
                (row.series, row.night)
                for row in connection.execute(blames_query(series, 0).order_by("series", "night"))
                if row.status != Status.UNCONFIRMED
            )
            pins = {row.series: row.night for row in connection.execute(pins_query(series))}
            every = list(connection.scalars(measured_query(suite, device, condition)))
        return nights_to_read(
            every,
            ours,
            pins,
            {one: restless | set(told.get(one, ())) for one in series},
            baseline_nights=baseline_nights,
            baseline=baseline,
        )

    def verdicts(self, suite: str, *, last_nights: int) -> dict[int, list[dict[str, object]]]:
        """What was said in the last nights, other than that all is well, as stored."""
        with self._reading() as connection:
            least = connection.scalar(
                sa.select(sa.func.min(sa.text("id"))).select_from(
                    sa.select(t.night.c.id)
                    .where(t.night.c.suite == suite, t.night.c.status == NightStatus.FINISHED)
                    .order_by(t.night.c.id.desc())
                    .limit(last_nights)
                    .subquery()
                )
            )
            query = (
                sa.select(t.verdict.c.night, t.verdict.c.facts)
                .join(t.series, t.series.c.id == t.verdict.c.series)
                .where(t.series.c.suite == suite, t.verdict.c.night >= (least or 0))
                .order_by(t.verdict.c.night)
            )
            found: dict[int, list[dict[str, object]]] = defaultdict(list)
            for row in connection.execute(query):
                found[row.night].append(json.loads(row.facts))
        return dict(found)

    def restless_nights(self, suite: str, device: str, condition: str) -> set[int]:
        """Nights that were unsteady on this device."""
        d = t.device_night
        query = (
            sa.select(d.c.night)
            .join(t.night, t.night.c.id == d.c.night)
            .where(t.night.c.suite == suite, d.c.device == device, d.c.condition == condition)
            .where(d.c.unsteady > 1.0)
        )
        with self._reading() as connection:
            return set(connection.scalars(query))

    def boots(self, suite: str, device: str, condition: str) -> dict[int, datetime]:
        """When the device was started, by finished night; nights that do not tell are left out."""
        d = t.device_night
        query = (
            sa.select(d.c.night, d.c.booted_at)
            .join(t.night, t.night.c.id == d.c.night)
            .where(t.night.c.suite == suite, t.night.c.status == NightStatus.FINISHED)
            .where(d.c.device == device, d.c.condition == condition)
            .where(d.c.booted_at.is_not(None))
        )
        with self._reading() as connection:
            return {row.night: _aware(row.booted_at) for row in connection.execute(query)}

    def last_session_s(self, suite: str, device: str, condition: str) -> float | None:
        """Seconds that a session took on this device when it was last measured."""
        d = t.device_night
        query = (
            sa.select(d.c.session_s)
            .join(t.night, t.night.c.id == d.c.night)
            .where(t.night.c.suite == suite, d.c.device == device, d.c.condition == condition)
            .where(d.c.session_s.is_not(None))
            .order_by(d.c.night.desc())
            .limit(1)
        )
        with self._reading() as connection:
            return connection.scalar(query)


def series_query(
    suite: str, device: str, condition: str, model: str | None
) -> sa.Select[tuple[int, str]]:
    """Series of a device, by the index over (suite, device, condition, model)."""
    query = sa.select(t.series.c.id, t.series.c.model).where(
        t.series.c.suite == suite, t.series.c.device == device, t.series.c.condition == condition
    )
    return query if model is None else query.where(t.series.c.model == model)


def measured_query(suite: str, device: str, condition: str) -> sa.Select[int]:
    """The finished nights in which a device took part, oldest first."""
    d = t.device_night
    return (
        sa.select(d.c.night)
        .join(t.night, t.night.c.id == d.c.night)
        .where(t.night.c.suite == suite, t.night.c.status == NightStatus.FINISHED)
        .where(d.c.device == device, d.c.condition == condition)
        .order_by(d.c.night)
    )


def epoch_query(series: list[int], epoch: int) -> sa.Select[tuple[int, int]]:
    """The finished nights of these series in one epoch, oldest first for each."""
    m = t.measurement
    return (
        sa.select(m.c.series, m.c.night)
        .join(t.night, t.night.c.id == m.c.night)
        .where(m.c.series.in_(series), m.c.epoch == epoch)
        .where(t.night.c.status == NightStatus.FINISHED)
        .order_by(m.c.series, m.c.night)
    )


def readings_query(
    series: list[int], since: int, nights: Collection[int] | None = None
) -> sa.Select[tuple[object, ...]]:
    """Readings of these series in finished nights, in the order of the nights."""
    m, r = t.measurement, t.reading
    query = (
        sa.select(
            m.c.series, m.c.night, m.c.attempt, m.c.epoch, m.c.outcome, t.artifact.c.sha256,
            r.c.metric, r.c.value, r.c.error, sa.func.length(r.c.sessions).label("bytes"),
        )
        .select_from(
            m.join(t.night, t.night.c.id == m.c.night)
            .outerjoin(r, r.c.measurement == m.c.id)
            .outerjoin(t.artifact, t.artifact.c.id == m.c.artifact)
        )
        .where(m.c.series.in_(series), m.c.night >= since)
        .where(t.night.c.status == NightStatus.FINISHED)
        .order_by(m.c.series, m.c.night, m.c.attempt)
    )  # fmt: skip
    return query if nights is None else query.where(m.c.night.in_(sorted(nights)))


def blames_query(series: list[int], since: int) -> sa.Select[tuple[object, ...]]:
    """Nights on which something of these series was called other than well."""
    v = t.verdict
    return sa.select(v.c.series, v.c.night, v.c.metric, v.c.status).where(
        v.c.series.in_(series),
        v.c.night >= since,
        v.c.status.in_([Status.REGRESSION, Status.IMPROVED, Status.UNCONFIRMED]),
    )


def pins_query(series: list[int]) -> sa.Select[tuple[object, ...]]:
    """Every pin of these series; the last one of each holds."""
    return (
        sa.select(t.pin.c.series, t.pin.c.night)
        .where(t.pin.c.series.in_(series))
        .order_by(t.pin.c.series, t.pin.c.id)
    )


def epochs_of(
    connection: sa.Connection, suite: str, device: str | None = None, condition: str | None = None
) -> list[Epoch]:
    """Epochs of a suite, or of one device and condition of it, oldest first."""
    e = t.epoch
    query = sa.select(e).where(e.c.suite == suite).order_by(e.c.id)
    if device is not None:
        query = query.where(e.c.device == device, e.c.condition == condition)
    return [
        Epoch(
            number=row.id, device=row.device, condition=row.condition,
            profile=json.loads(row.profile), sentinel_sha256=row.sentinel_sha256,
            sentinel_reference_ms=row.sentinel_reference_ms, first_night=row.first_night,
            reason=row.reason,
        )
        for row in connection.execute(query)
    ]  # fmt: skip


def _take(trail: Trail, row: sa.Row[tuple[object, ...]]) -> None:
    trail.outcomes[row.night] = row.outcome
    trail.epochs[row.night] = row.epoch
    if row.sha256 is not None:
        trail.artifacts[row.night] = row.sha256
    if row.metric is None:
        return
    name = t.METRIC_NAMES.get(row.metric)
    sound = (
        name is not None
        and isinstance(row.value, float)
        and isinstance(row.error, float)
        and math.isfinite(row.value)
        and row.error >= 0
        and row.bytes >= 4
        and row.bytes % 4 == 0
    )
    if not sound:
        # A torn or foreign row is left out and counted, never guessed at.
        trail.damaged += 1
        return
    points = trail.points[str(name)]
    beside = 0.0 if row.attempt else 1.0
    point = Point(row.night, row.value, row.error, row.bytes // 4, beside)
    if points and points[-1].night == row.night:
        points[-1] = of_both_looks(points[-1], point)
    else:
        points.append(point)


def _night(row: sa.Row[tuple[object, ...]]) -> Night:
    return Night(
        number=row.id,
        suite=row.suite,
        status=NightStatus(row.status),
        started_at=_aware(row.started_at),
        finished_at=None if row.finished_at is None else _aware(row.finished_at),
        exit_code=row.exit_code,
        notes=tuple(json.loads(row.notes)),
    )


def _aware(moment: datetime) -> datetime:
    """SQLite gives back what was UTC without saying so."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
