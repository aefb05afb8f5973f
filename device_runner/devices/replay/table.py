"""What was measured once, as a table by candidate.

Read from a run directory (its `measurements/*.json`), from a folder of such files, from one such
file, or from a CSV with one row a session: columns `candidate_key` and `latency_ms`, and, where
known, `first_run_ms`, `load_ms`, `peak_memory_mb` and `threads`.
"""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from device_runner.records import DeviceProfile, Measurement, SessionRecord
from foundation import RequestError

_MAX_FILES = 10_000
_MAX_ROWS = 1_000_000
_MAX_BYTES = 256 * 2**20
# A median that was recorded without its iterations is given as so many equal ones.
_ITERATIONS = 10


@dataclass(frozen=True)
class Recording:
    """The sessions of one candidate, in the order in which they ran."""

    sessions: tuple[SessionRecord, ...]
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class RecordedTable:
    """Recordings of one device profile, by candidate and, for sentinels, by sha256."""

    source: Path
    profile: DeviceProfile
    candidates: dict[str, Recording]
    sentinels: dict[str, Recording]

    @property
    def threads(self) -> int:
        """The number of threads that most sessions ran with."""
        counts = Counter(
            session.threads for one in self.candidates.values() for session in one.sessions
        )
        return counts.most_common(1)[0][0]

    def find(self, candidate_key: str, sha256: str) -> Recording | None:
        """The recording of a candidate or sentinel; None where there is none."""
        return self.candidates.get(candidate_key) or self.sentinels.get(sha256)


def load_table(path: Path) -> RecordedTable:
    """Read a recorded table.

    Raises:
        RequestError: nothing there, a damaged file, or measurements of several device profiles.
    """
    if path.suffix.lower() == ".csv":
        return _from_csv(path)
    folder = path / "measurements" if (path / "measurements").is_dir() else path
    files = [folder] if folder.is_file() else sorted(folder.glob("*.json"))
    if len(files) > _MAX_FILES:
        raise RequestError(
            f"{folder} holds {len(files)} measurements, more than {_MAX_FILES}: split it"
        )
    if not files:
        raise RequestError(
            f"{path} holds no measurements to replay: give a run directory, a measurement's JSON "
            "file, or a CSV with candidate_key and latency_ms"
        )
    return _from_measurements(path, [Measurement.load(file) for file in files])


def _from_measurements(path: Path, measurements: list[Measurement]) -> RecordedTable:
    profiles = {one.device.key: one.device for one in measurements}
    if len(profiles) > 1:
        raise RequestError(
            f"{path} holds measurements of several devices ({', '.join(sorted(profiles))}): "
            "replay one at a time"
        )
    sessions: dict[str, list[SessionRecord]] = {}
    beside: dict[str, list[SessionRecord]] = {}
    flags: dict[str, tuple[str, ...]] = {}
    for one in sorted(measurements, key=lambda found: found.started_at):
        sessions.setdefault(one.candidate_key, []).extend(one.sessions)
        flags[one.candidate_key] = (*flags.get(one.candidate_key, ()), *one.flags)
        if one.sentinel is not None:
            beside.setdefault(one.sentinel.artifact_sha256, []).extend(
                _constant(one.sessions[0], median_ms) for median_ms in one.sentinel.median_ms
            )
    return RecordedTable(
        source=path,
        profile=next(iter(profiles.values())),
        candidates={
            key: Recording(tuple(found), tuple(dict.fromkeys(flags[key])))
            for key, found in sessions.items()
        },
        sentinels={sha256: Recording(tuple(found)) for sha256, found in beside.items()},
    )


def _constant(like: SessionRecord, median_ms: float) -> SessionRecord:
    each_ns = round(median_ms * 1e6)
    return like.model_copy(
        update={
            "first_run_ms": median_ms,
            "warmup_ms": (median_ms,) * 3,
            "warmup_settled": True,
            "iteration_ns": (each_ns,) * _ITERATIONS,
            "iteration_start_ns": tuple(index * each_ns for index in range(_ITERATIONS)),
        }
    )


def _from_csv(path: Path) -> RecordedTable:
    sessions: dict[str, list[SessionRecord]] = {}
    for number, row in _rows(path):
        key = (row.get("candidate_key") or "").strip()
        if not key or len(key) > 1000:
            raise RequestError(f"{path}, line {number}: no candidate_key")
        sessions.setdefault(key, []).append(_session(path, number, row))
    if not sessions:
        raise RequestError(f"{path} has no rows: one a session is wanted")
    profile = DeviceProfile(
        kind="simulated", model=path.stem[:200] or "table", soc="unknown", abi="unknown",
        os_build="a table", cores=1024, ram_mb=1, runtime="unknown", runner="unknown",
    )  # fmt: skip
    return RecordedTable(
        path, profile, {key: Recording(tuple(found)) for key, found in sessions.items()}, {}
    )


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise RequestError(f"{path} is larger than {_MAX_BYTES // 2**20} MB: split it")
        # Spreadsheets put a byte-order mark before the first column's name.
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            if not {"candidate_key", "latency_ms"} <= set(reader.fieldnames or ()):
                raise RequestError(f"{path} lacks the columns candidate_key and latency_ms")
            for count, row in enumerate(reader):
                if count >= _MAX_ROWS:
                    raise RequestError(f"{path} has more than {_MAX_ROWS} rows: split it")
                yield reader.line_num, row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RequestError(f"{path} cannot be read as CSV: {error}") from error


# What is not known of a session without this column, by the fields of its record.
_NOT_TOLD_WITHOUT = {
    "load_ms": ("program_load_ms", "method_load_ms"),
    "first_run_ms": ("first_run_ms",),
    "peak_memory_mb": ("rss_before_mb", "rss_after_load_mb", "rss_after_mb", "peak_rss_mb"),
    "threads": ("threads",),
}


def _session(path: Path, number: int, row: dict[str, str]) -> SessionRecord:
    def value(column: str, default: float, least: float = 0.0) -> float:
        text = row.get(column)
        if text is None or not text.strip():
            found = default
        else:
            try:
                found = float(text)
            except ValueError:
                found = math.nan
        if not least <= found < 1e12:
            raise RequestError(f"{path}, line {number}: {column} is {str(text)[:40]!r}")
        return found

    latency_ms = value("latency_ms", math.nan, 1e-6)
    memory_mb = value("peak_memory_mb", 0.0)
    lacking = [name for name in _NOT_TOLD_WITHOUT if not (row.get(name) or "").strip()]
    plain = SessionRecord(
        program_load_ms=0.0,
        method_load_ms=value("load_ms", 0.0),
        first_run_ms=latency_ms,
        rss_before_mb=0.0,
        rss_after_load_mb=memory_mb,
        rss_after_mb=memory_mb,
        peak_rss_mb=memory_mb,
        peak_reset=True,
        threads=min(1024, int(value("threads", 1.0, 1.0))),
        runtime_version="recorded",
        unknown=tuple(field for name in lacking for field in _NOT_TOLD_WITHOUT[name]),
    )
    first_run_ms = value("first_run_ms", latency_ms)
    return _constant(plain, latency_ms).model_copy(update={"first_run_ms": first_run_ms})
