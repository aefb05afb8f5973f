"""The tables of a history. Change them only together with `SCHEMA`.

A night of 25 models on 8 devices is 200 measurements with up to five readings each: what is
stored once a reading is kept small, and every query a nightly makes has its index.
"""

from __future__ import annotations

from sqlalchemy import (
    Column,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

SCHEMA = "mobilesr-tune/nightly-history/1"
# Numbers in the column `metric`: append, never renumber.
METRIC_NUMBERS = {"latency": 1, "first_run": 2, "memory": 3, "psnr": 4, "delegation": 5, "runs": 6}
METRIC_NAMES = {number: name for name, number in METRIC_NUMBERS.items()}

metadata = MetaData()

about = Table(
    "nightly_about",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", Text, nullable=False),
)

night = Table(
    "nightly_night",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("suite", String(80), nullable=False),
    Column("status", String(12), nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("finished_at", DateTime(timezone=True)),
    Column("exit_code", SmallInteger),
    Column("notes", Text, nullable=False, default="[]"),
    Column("environment", Text, nullable=False, default="{}"),
    Index("nightly_night_by_suite", "suite", "status", "id"),
    # A number that was given once is never given again, even after a night was removed.
    sqlite_autoincrement=True,
)

series = Table(
    "nightly_series",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("suite", String(80), nullable=False),
    Column("model", String(80), nullable=False),
    Column("device", String(200), nullable=False),
    Column("condition", String(80), nullable=False),
    UniqueConstraint("suite", "device", "condition", "model"),
)

epoch = Table(
    "nightly_epoch",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("suite", String(80), nullable=False),
    Column("device", String(200), nullable=False),
    Column("condition", String(80), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("profile", Text, nullable=False),
    Column("sentinel_sha256", String(64), nullable=False),
    Column("sentinel_reference_ms", Double),
    Column("first_night", ForeignKey("nightly_night.id"), nullable=False),
    Column("reason", Text, nullable=False),
    Index("nightly_epoch_by_device", "suite", "device", "condition"),
)

device_night = Table(
    "nightly_device_night",
    metadata,
    Column("night", ForeignKey("nightly_night.id"), primary_key=True),
    Column("device", String(200), primary_key=True),
    Column("condition", String(80), primary_key=True),
    Column("failure", Text, nullable=False, default=""),
    Column("sentinel_ms", Double),
    Column("session_s", Double),
    Column("unsteady", Double, nullable=False, default=1.0),
    Column("flags", Text, nullable=False, default=""),
    # When the device was started; empty where it does not tell, and in older rows.
    Column("booted_at", DateTime(timezone=True)),
)
# Columns that a history of an earlier version lacks; they are added when it is opened.
ADDED = (device_night.c.booted_at,)

artifact = Table(
    "nightly_artifact",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("candidate_key", Text, nullable=False),
)

measurement = Table(
    "nightly_measurement",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("night", ForeignKey("nightly_night.id"), nullable=False),
    Column("series", ForeignKey("nightly_series.id"), nullable=False),
    Column("epoch", ForeignKey("nightly_epoch.id"), nullable=False),
    Column("artifact", ForeignKey("nightly_artifact.id")),
    # 0 the night's measurement, 1 the second look at a suspect.
    Column("attempt", SmallInteger, nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("message", Text),
    Column("flags", Text),
    UniqueConstraint("series", "night", "attempt"),
    Index("nightly_measurement_by_night", "night"),
)

reading = Table(
    "nightly_reading",
    metadata,
    Column("measurement", ForeignKey("nightly_measurement.id"), primary_key=True),
    Column("metric", SmallInteger, primary_key=True),
    Column("value", Double, nullable=False),
    Column("error", Double, nullable=False),
    # The sessions' values, float32, little-endian.
    Column("sessions", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

verdict = Table(
    "nightly_verdict",
    metadata,
    # Only what is not plain `ok` is written down.
    Column("series", ForeignKey("nightly_series.id"), primary_key=True),
    Column("night", ForeignKey("nightly_night.id"), primary_key=True),
    Column("metric", SmallInteger, primary_key=True),
    Column("status", String(16), nullable=False),
    Column("facts", Text, nullable=False),
    Index("nightly_verdict_by_night", "night"),
)

pin = Table(
    "nightly_pin",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("series", ForeignKey("nightly_series.id"), nullable=False),
    Column("night", ForeignKey("nightly_night.id"), nullable=False),
    Column("pinned_at", DateTime(timezone=True), nullable=False),
    Index("nightly_pin_by_series", "series", "id"),
)
