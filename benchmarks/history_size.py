"""A history of a million readings: its size, a night's judgement on it, its page, its queries.

    python benchmarks/history_size.py
    python benchmarks/history_size.py --readings 100000

Simulated nights of 25 models on 8 devices, four readings a model and night. Rows are written in
bulk, as `History.add` would write them one night after the other; then one more night goes through
the real judging, history and page.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from nightly.history import History, open_history
from nightly.history import tables as t
from nightly.history.reading import (
    blames_query,
    pins_query,
    readings_query,
    series_query,
)
from nightly.judging.cases import Rules
from nightly.look import Look
from nightly.metrics import METRICS
from nightly.night import NightResult
from nightly.outputs.page import render_page
from nightly.records import (
    OK,
    Night,
    NightStatus,
    Observation,
    SeriesKey,
    error_of_middle,
    middle,
)
from nightly.turn import DeviceTurn, TurnResult

SUITE, CONDITION = "rack", "default"
MODELS, DEVICES, SESSIONS = 25, 8, 7
METRICS_A_MODEL = ("latency", "first_run", "memory", "delegation")
START = datetime(2024, 1, 1, 2, tzinfo=UTC)
PROFILE: dict[str, object] = {"kind": "simulated", "ram_mb": 8192}


def session_values(metric: str, model: int, rng: np.random.Generator) -> tuple[float, ...]:
    """One model's sessions in one night."""
    if metric == "delegation":
        return (98.0,)
    centre = {"latency": 20.0, "first_run": 60.0, "memory": 100.0}[metric] * (1 + 0.1 * model)
    return tuple(map(float, centre * np.exp(rng.normal(0, 0.01, SESSIONS))))


def observations(device: str, rng: np.random.Generator, attempt: int = 0) -> dict[str, Observation]:
    """What one look at every model sees."""
    return {
        f"model {model:02d}": Observation(
            SeriesKey(f"model {model:02d}", device, CONDITION), attempt, OK, "", "ab" * 32, "key",
            readings={m: session_values(m, model, rng) for m in METRICS_A_MODEL},
        )
        for model in range(MODELS)
    }  # fmt: skip


def fill(history: History, readings: int, rng: np.random.Generator) -> int:
    """Write so many readings; the number of nights that took."""
    nights = max(2, round(readings / (MODELS * DEVICES * len(METRICS_A_MODEL))))
    # The first night goes the usual way: it makes series, epochs and the artifact.
    judge_night(history, 1, rng)
    engine = history._engine
    with engine.connect() as connection:
        series = connection.execute(sa.select(t.series.c.id, t.series.c.device)).all()
        epochs = dict(connection.execute(sa.select(t.epoch.c.device, t.epoch.c.id)).all())
        measurement = connection.scalar(sa.select(sa.func.max(t.measurement.c.id))) or 0
    for number in range(2, nights + 1):
        with engine.begin() as connection:
            connection.execute(
                sa.insert(t.night).values(
                    suite=SUITE, status=NightStatus.FINISHED, exit_code=0, notes="[]",
                    environment="{}", started_at=START + timedelta(days=number),
                )
            )  # fmt: skip
            connection.execute(
                sa.insert(t.device_night),
                [{"night": number, "device": d, "condition": CONDITION, "failure": "",
                  "sentinel_ms": 5.0, "session_s": 2.0, "unsteady": 1.0, "flags": ""}
                 for d in epochs],
            )  # fmt: skip
            rows, values = [], []
            for place, one in enumerate(series):
                measurement += 1
                rows.append(
                    {"id": measurement, "night": number, "series": one.id,
                     "epoch": epochs[one.device], "artifact": 1, "attempt": 0, "outcome": OK,
                     "message": None, "flags": "simulated"}
                )  # fmt: skip
                for metric in METRICS_A_MODEL:
                    sessions = session_values(metric, place % MODELS, rng)
                    values.append(
                        {"measurement": measurement, "metric": t.METRIC_NUMBERS[metric],
                         "value": middle(sessions), "error": error_of_middle(sessions),
                         "sessions": np.asarray(sessions, "<f4").tobytes()}
                    )  # fmt: skip
            connection.execute(sa.insert(t.measurement), rows)
            connection.execute(sa.insert(t.reading), values)
    return nights


@dataclass(frozen=True)
class DrawnLooks:
    """Looks at models that were never measured."""

    device: str
    rng: np.random.Generator

    def first(self) -> Look:
        """At every model."""
        return Look(observations(self.device, self.rng), session_s=2.0)

    def again(self, models: Sequence[str]) -> Look:
        """At suspects."""
        found = observations(self.device, self.rng, 1)
        return Look({name: found[name] for name in models})


def judge_night(history: History, number: int, rng: np.random.Generator) -> NightResult:
    """One night on every device through judging and history."""
    now = START + timedelta(days=number)
    stored = history.begin(SUITE, now)
    rules = Rules(
        alpha=0.05, tests=3 * MODELS * DEVICES, baseline_nights=14,
        floors={metric.name: metric.floor for metric in METRICS},
    )  # fmt: skip
    turns: list[TurnResult] = []
    for place in range(DEVICES):
        device = f"phone {place}"
        epoch, _ = history.epoch(SUITE, stored, device, CONDITION, PROFILE, "sentinel")
        turns.append(
            DeviceTurn(history, SUITE, stored, epoch, rules, DrawnLooks(device, rng)).run()
        )
    verdicts = tuple(verdict for one in turns for verdict in one.verdicts)
    history.finish(SUITE, stored, now, 0, verdicts)
    return NightResult(
        suite=SUITE, night=Night(stored, SUITE, NightStatus.FINISHED, now, now), verdicts=verdicts,
        devices=tuple(one.device_night for one in turns),
        epochs=tuple(one.epoch for one in turns if one.epoch), observations=(), notes=(),
        models=tuple(f"model {model:02d}" for model in range(MODELS)),
    )  # fmt: skip


def show_plans(history: History) -> None:
    """EXPLAIN QUERY PLAN of what a night and its page ask."""
    queries = {
        "series of a device": series_query(SUITE, "phone 1", CONDITION, None),
        "readings of a device": readings_query([1, 2, 3], 5),
        "verdicts of a device": blames_query([1, 2, 3], 5),
        "pins of a device": pins_query([1, 2, 3]),
    }
    for what, query in queries.items():
        text = query.compile(history._engine, compile_kwargs={"literal_binds": True})
        with history._engine.connect() as connection:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}").all()
        print(f"{what}:")
        for row in plan:
            print(f"  {row[3]}")


def main() -> None:
    """Fill, judge one more night, build its page, show."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--readings", type=int, default=1_000_000)
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "nights.db"
        with open_history(f"sqlite:///{path}") as history:
            started = time.monotonic()
            nights = fill(history, arguments.readings, rng)
            print(f"filled {nights} nights in {time.monotonic() - started:.0f} s")
        started = time.monotonic()
        with open_history(f"sqlite:///{path}") as history:
            print(f"opened and checked in {time.monotonic() - started:.1f} s")
            with history._engine.connect() as connection:
                count = connection.scalar(sa.select(sa.func.count()).select_from(t.reading))
            print(f"{count:,} readings, database {path.stat().st_size / 1e6:.0f} MB")
            started = time.monotonic()
            result = judge_night(history, nights + 1, rng)
            print(
                f"one night of {MODELS * DEVICES} models judged: {time.monotonic() - started:.1f} s"
            )
            started = time.monotonic()
            page = render_page(result, history)
            print(f"page of {len(page) / 1e6:.1f} MB built in {time.monotonic() - started:.1f} s")
            show_plans(history)


if __name__ == "__main__":
    main()
