"""Writing into a history: each call is one transaction, and a night counts when it is finished."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import numpy as np
import sqlalchemy as sa

from foundation.environment import environment
from nightly.errors import BaselineError, HistoryError
from nightly.history import tables as t
from nightly.history.lock import only_one
from nightly.history.reading import HistoryReader, epochs_of
from nightly.history.trouble import trouble
from nightly.records import (
    DeviceNight,
    Epoch,
    NightStatus,
    Observation,
    SeriesKey,
    Status,
    Verdict,
    error_of_middle,
    middle,
)

_TEXT = 2000
_SAME_MEMORY = 0.03
# What makes two nights on one device comparable, and what to call it when it changes.
_PROFILE_WORDS = {
    "os_build": "operating system", "runtime": "runtime", "runner": "runner", "model": "device",
    "soc": "processor", "abi": "ABI", "cores": "cores", "ram_mb": "memory", "kind": "kind",
    "threads": "threads", "cpus": "CPUs",
}  # fmt: skip


class History(HistoryReader):
    """A history that can be written to; see the package for the life cycle."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._engine.dispose()

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with trouble(self.name), self._engine.begin() as connection:
            yield connection

    def lock(
        self, wait_s: float = 0.0, on_wait: Callable[[str], None] = lambda who: None
    ) -> AbstractContextManager[None]:
        """Be the only one who writes. Raises `HistoryBusyError`, which names the other."""
        return only_one(self._engine, self.name, wait_s, on_wait)

    def abandon_open(self, suite: str) -> list[int]:
        """Mark nights whose process ended before them; call it under the lock. Their numbers."""
        n = t.night
        with self._writing() as connection:
            open_ones = (n.c.suite == suite) & (n.c.status == NightStatus.OPEN)
            numbers = list(connection.scalars(sa.select(n.c.id).where(open_ones)))
            connection.execute(sa.update(n).where(open_ones).values(status=NightStatus.ABANDONED))
        return numbers

    def begin(self, suite: str, now: datetime) -> int:
        """Open a night; its number is above that of every earlier one."""
        with self._writing() as connection:
            result = connection.execute(
                sa.insert(t.night).values(
                    suite=suite, status=NightStatus.OPEN, started_at=now, notes="[]",
                    environment=json.dumps(environment()),
                )
            )  # fmt: skip
            assert result.inserted_primary_key is not None
            return int(result.inserted_primary_key[0])

    def epoch(
        self,
        suite: str,
        night: int,
        device: str,
        condition: str,
        profile: Mapping[str, Any],
        sentinel_sha256: str,
    ) -> tuple[Epoch, bool]:
        """The epoch that the device as it is belongs to, and whether this night began it."""
        fingerprint = _fingerprint(profile, sentinel_sha256)
        with self._writing() as connection:
            known = epochs_of(connection, suite, device, condition)
            for one in known:
                # Of two sides of a rounding the memory is the same, and its fingerprint is not.
                as_then = dict(profile)
                if _same_memory(one.profile, profile):
                    as_then["ram_mb"] = one.profile.get("ram_mb", 0)
                then = _fingerprint(one.profile, one.sentinel_sha256)
                if _fingerprint(as_then, sentinel_sha256) == then:
                    return one, False
            reason = _what_changed(known[-1] if known else None, profile, sentinel_sha256)
            result = connection.execute(
                sa.insert(t.epoch).values(
                    suite=suite, device=device, condition=condition, fingerprint=fingerprint,
                    profile=json.dumps(dict(profile)), sentinel_sha256=sentinel_sha256,
                    first_night=night, reason=reason,
                )
            )  # fmt: skip
            assert result.inserted_primary_key is not None
            number = int(result.inserted_primary_key[0])
        return (
            Epoch(number, device, condition, dict(profile), sentinel_sha256, None, night, reason),
            True,
        )

    def set_sentinel_reference(self, epoch: int, reference_ms: float) -> None:
        """What the sentinel takes on this device, fixed by the epoch's first night."""
        with self._writing() as connection:
            connection.execute(
                sa.update(t.epoch)
                .where(t.epoch.c.id == epoch, t.epoch.c.sentinel_reference_ms.is_(None))
                .values(sentinel_reference_ms=reference_ms)
            )

    def add(
        self,
        suite: str,
        night: int,
        epoch: int | None,
        device_night: DeviceNight,
        observations: Sequence[Observation],
    ) -> None:
        """Write down what one device gave in a night: all of it or nothing."""
        with self._writing() as connection:
            connection.execute(
                sa.insert(t.device_night).values(
                    night=night,
                    device=device_night.device,
                    condition=device_night.condition,
                    failure=device_night.failure[:_TEXT],
                    sentinel_ms=device_night.sentinel_ms,
                    session_s=device_night.session_s,
                    unsteady=device_night.unsteady,
                    flags=",".join(device_night.flags)[:_TEXT],
                    booted_at=device_night.booted_at,
                )
            )
            for observation in observations:
                assert epoch is not None
                self._add_one(connection, suite, night, epoch, observation)

    def _add_one(
        self, connection: sa.Connection, suite: str, night: int, epoch: int, found: Observation
    ) -> None:
        result = connection.execute(
            sa.insert(t.measurement).values(
                night=night,
                series=series_id(connection, suite, found.series),
                epoch=epoch,
                artifact=_artifact_id(connection, found),
                attempt=found.attempt,
                outcome=found.outcome,
                message=found.message[:_TEXT] or None,
                flags=",".join(found.flags)[:_TEXT] or None,
            )
        )
        assert result.inserted_primary_key is not None
        rows = [
            {
                "measurement": int(result.inserted_primary_key[0]),
                "metric": t.METRIC_NUMBERS[name],
                "value": middle(sessions),
                "error": error_of_middle(sessions),
                "sessions": np.asarray(sessions, "<f4").tobytes(),
            }
            for name, sessions in found.readings.items()
            if sessions
        ]
        if rows:
            connection.execute(sa.insert(t.reading), rows)

    def finish(
        self,
        suite: str,
        night: int,
        now: datetime,
        exit_code: int,
        verdicts: Sequence[Verdict],
        notes: Sequence[str] = (),
        *,
        aside: bool = False,
    ) -> None:
        """Let the night count, with what was said of it; `aside` keeps it out of the row."""
        with self._writing() as connection:
            for verdict in verdicts:
                if verdict.status is Status.FINE:
                    continue
                facts = dataclasses.asdict(verdict) | {"status": str(verdict.status)}
                connection.execute(
                    sa.insert(t.verdict).values(
                        series=series_id(connection, suite, verdict.series),
                        night=night,
                        metric=t.METRIC_NUMBERS[verdict.metric],
                        status=str(verdict.status),
                        facts=json.dumps(facts, allow_nan=False),
                    )
                )
            connection.execute(
                sa.update(t.night)
                .where(t.night.c.id == night)
                .values(
                    status=NightStatus.ASIDE if aside else NightStatus.FINISHED,
                    finished_at=now,
                    exit_code=exit_code,
                    notes=json.dumps(list(notes)),
                )
            )

    def amend_exit(self, night: int, exit_code: int) -> None:
        """Correct how a finished night's command ended, where it ended otherwise after all."""
        with self._writing() as connection:
            connection.execute(
                sa.update(t.night).where(t.night.c.id == night).values(exit_code=exit_code)
            )

    def accept(
        self, suite: str, night: int | None, models: Sequence[str], now: datetime
    ) -> tuple[int, list[SeriesKey]]:
        """Pin a night (the last by default) as baseline of all models, or of those named.

        Raises:
            BaselineError: no such night, it never finished, or a model was not measured in it.
        """
        with self._writing() as connection:
            number = _finished_night(connection, suite, night, self.name)
            query = (
                sa.select(t.series.c.id, t.series.c.model, t.series.c.device, t.series.c.condition)
                .join(t.measurement, t.measurement.c.series == t.series.c.id)
                .where(t.measurement.c.night == number, t.measurement.c.attempt == 0)
            )
            rows = connection.execute(query).all()
            measured = {row.model for row in rows}
            if missing := [model for model in models if model not in measured]:
                raise BaselineError(
                    f"night {number} did not measure the model {missing[0]!r}: it measured "
                    f"{', '.join(sorted(measured)) or 'none'}"
                )
            chosen = [row for row in rows if not models or row.model in models]
            if not chosen:
                raise BaselineError(f"night {number} measured nothing: choose another night")
            connection.execute(
                sa.insert(t.pin),
                [{"series": row.id, "night": number, "pinned_at": now} for row in chosen],
            )
        return number, sorted(SeriesKey(row.model, row.device, row.condition) for row in chosen)


def series_id(connection: sa.Connection, suite: str, key: SeriesKey) -> int:
    """The number of a series, given to it at its first night."""
    s = t.series
    found = connection.scalar(
        sa.select(s.c.id).where(
            s.c.suite == suite,
            s.c.device == key.device,
            s.c.condition == key.condition,
            s.c.model == key.model,
        )
    )
    if found is not None:
        return int(found)
    result = connection.execute(
        sa.insert(s).values(
            suite=suite, model=key.model, device=key.device, condition=key.condition
        )
    )
    assert result.inserted_primary_key is not None
    return int(result.inserted_primary_key[0])


def _artifact_id(connection: sa.Connection, found: Observation) -> int | None:
    if not found.artifact_sha256:
        return None
    a = t.artifact
    known = connection.scalar(sa.select(a.c.id).where(a.c.sha256 == found.artifact_sha256))
    if known is not None:
        return int(known)
    result = connection.execute(
        sa.insert(a).values(sha256=found.artifact_sha256, candidate_key=found.candidate_key[:_TEXT])
    )
    assert result.inserted_primary_key is not None
    return int(result.inserted_primary_key[0])


def _finished_night(connection: sa.Connection, suite: str, night: int | None, name: str) -> int:
    n = t.night
    last = connection.scalar(
        sa.select(sa.func.max(n.c.id)).where(n.c.suite == suite, n.c.status == NightStatus.FINISHED)
    )
    if night is None:
        if last is None:
            raise BaselineError(
                f"the history {name} holds no finished night of the suite {suite!r}: run the "
                "nightly first"
            )
        return int(last)
    row = connection.execute(sa.select(n.c.suite, n.c.status).where(n.c.id == night)).one_or_none()
    if row is None or row.suite != suite:
        raise BaselineError(
            f"the history {name} has no night {night} of the suite {suite!r}: "
            + ("none was finished yet" if last is None else f"the last finished one is {last}")
        )
    if row.status != NightStatus.FINISHED:
        raise BaselineError(
            f"night {night} is {row.status}, so it cannot be a baseline: choose a finished one"
        )
    return night


def _fingerprint(profile: Mapping[str, Any], sentinel_sha256: str) -> str:
    # A kernel update may shift the memory by some MB.
    fields = dict(profile) | {"ram_mb": round(int(profile.get("ram_mb", 0)) / 1024)}
    text = json.dumps([fields, sentinel_sha256], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _same_memory(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether both may be one device's: the kernel takes a little more or less at each start."""
    one, other = int(before.get("ram_mb", 0)), int(now.get("ram_mb", 0))
    return abs(one - other) <= _SAME_MEMORY * max(one, other)


def _what_changed(before: Epoch | None, profile: Mapping[str, Any], sentinel: str) -> str:
    if before is None:
        return "first night on this device"
    changes = [
        f"{words} changed from {str(before.profile.get(name))[:80]!r} to "
        f"{str(profile.get(name))[:80]!r}"
        for name, words in _PROFILE_WORDS.items()
        if before.profile.get(name) != profile.get(name)
        and not (name == "ram_mb" and _same_memory(before.profile, profile))
    ]
    if before.sentinel_sha256 != sentinel:
        changes.append("the sentinel is another artifact")
    return "; ".join(changes) or "the device is not what it was"


__all__ = ["History", "HistoryError"]
