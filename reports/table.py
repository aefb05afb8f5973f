"""The study as one table: a row a candidate, columns that keep their names.

`COLUMNS` is the contract with whoever reads `candidates.csv` or `candidates.json`: columns may
be added at the end, none is renamed or reused. What is unknown is an empty cell or null.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from foundation.files import atomic_path, write_json
from foundation.wording import plain
from reports.facts import ProfileGroup
from reports.report import Report
from search.study.records import CandidateResult

JSON_SCHEMA = "candidate-table/1"


class Column(NamedTuple):
    """A column: its name with the unit, its pandas type, and what it holds."""

    name: str
    dtype: str
    meaning: str


COLUMNS = (
    Column("trial", "Int64", "number of the Optuna trial"),
    Column("key", "str", "canonical identity of the candidate"),
    Column("n_feats", "Int64", "channels of the body"),
    Column("n_heads", "Int64", "attention heads"),
    Column("depth", "Int64", "number of blocks"),
    Column("ratios", "str", "expansion of each block, joined by dots"),
    Column("window_size", "Int64", "side of the attention window, LR pixels"),
    Column("body_passes", "Int64", "how often the body runs"),
    Column("scale", "Int64", "upscaling factor"),
    Column("lr_height", "Int64", "height of the input, pixels"),
    Column("lr_width", "Int64", "width of the input, pixels"),
    Column("precision", "str", "number format of the exported model"),
    Column("backend", "str", "ExecuTorch backend"),
    Column("graph", "str", "deploy or reference form of the graph"),
    Column("status", "str", "ok, failed (see reason) or stopped (timed, not judged)"),
    Column("reason", "str", "why it failed or stopped"),
    Column("on_front", "bool", "no feasible candidate of this profile dominates it"),
    Column("front_undecided", "bool", "a tie: front_probability lies between 5 and 95 %"),
    Column("feasible", "boolean", "every judged constraint holds; empty where it failed"),
    Column("latency_ms", "float64", "median over sessions, drift-corrected"),
    Column("latency_low_ms", "float64", "lower end of the latency interval"),
    Column("latency_high_ms", "float64", "upper end of the latency interval"),
    Column("first_run_ms", "float64", "first execution after loading"),
    Column("load_ms", "float64", "loading the program"),
    Column("peak_memory_mb", "float64", "peak memory of the runner"),
    Column("psnr_y_db", "float64", "mean per-image PSNR on Y, outputs of the device"),
    Column("bicubic_psnr_y_db", "float64", "the same for bicubic upscaling"),
    Column("gain_over_bicubic_db", "float64", "psnr_y_db - bicubic_psnr_y_db"),
    Column("psnr_rgb_db", "float64", "mean per-image PSNR on RGB"),
    Column("ssim_y", "float64", "mean per-image SSIM on Y"),
    Column("parameters", "Int64", "number of weights"),
    Column("gmacs", "float64", "10^9 multiply-accumulates of one forward pass"),
    Column("size_kb", "float64", "size of the .pte, 1000 bytes"),
    Column("delegates", "Int64", "delegated partitions in the .pte"),
    Column("delegated_ops", "Int64", "operators run by the backend"),
    Column("undelegated_ops", "Int64", "operators left to portable kernels"),
    Column("max_abs_error", "float64", "largest difference to eager PyTorch"),
    Column("flags", "str", "what disturbed the measurement, joined by spaces"),
    Column("device", "str", "serial of the device"),
    Column("profile", "str", "device profile; never compare across profiles"),
    Column("stand_in", "str", "empty for a phone, else the sentence that says what stood in"),
    Column("artifact_sha256", "str", "checksum of the .pte"),
    Column("weights_sha256", "str", "checksum of the weights"),
    Column("measurement_file", "str", "raw samples, relative to the run directory"),
    Column("export_s", "float64", "time to export"),
    Column("device_s", "float64", "time the device was occupied"),
    Column("finished_at", "str", "when the record was written"),
    Column("run", "str", "name of the run directory"),
    Column("delegated_share", "float64", "share of the operators that the backend runs, 0 to 1"),
    Column("front_probability", "float64", "probability of being on the front, 0 to 1"),
    Column("lowering", "str", "how the .pte was made: direct or standard"),
    Column("strip_kb", "Int64", "cache the strips of a direct graph are cut for, kB"),
    Column(
        "psnr_origin",
        "str",
        "origin of the weights: shipped, trained here, checkpoint, "
        "published, finetuned; empty where the record does not say",
    ),
    Column("sessions", "Int64", "how many the latency is estimated from"),
    Column("pictures", "Int64", "how many psnr_y_db is the mean of"),
)


def candidate_table(report: Report) -> pd.DataFrame:
    """One row a candidate, in order of run, profile and trial. Front flags are per profile."""
    rows = [
        row(result, section.group) | {"run": section.facts.name}
        for section in report.sections
        for result in section.group.results
    ]
    return pd.DataFrame(
        {
            column.name: pd.Series([r[column.name] for r in rows], dtype=column.dtype)
            for column in COLUMNS
        }
    )


def row(result: CandidateResult, group: ProfileGroup) -> dict[str, Any]:
    """The cells of one candidate, None where nothing is known; text is made harmless."""
    cells = _measured(result) | _identity(result)
    cells["on_front"] = any(member is result for member in group.front)
    cells["front_undecided"] = result.number in group.undecided_numbers
    cells["front_probability"] = group.front_probability(result)
    cells["run"] = ""
    return {column.name: _cell(cells[column.name]) for column in COLUMNS}


def write_csv(table: pd.DataFrame, target: Path) -> None:
    """Write atomically. Text a spreadsheet would run as a formula gets a leading quote.

    Raises:
        RequestError: the file cannot be written.
    """
    harmless = table.copy()
    for column in COLUMNS:
        if column.dtype == "str":
            harmless[column.name] = [_no_formula(cell) for cell in table[column.name]]
    with atomic_path(target) as temporary:
        harmless.to_csv(temporary, index=False, lineterminator="\n")


def write_parquet(table: pd.DataFrame, target: Path) -> None:
    """Write atomically, with the columns' types; what is unknown is null.

    Raises:
        RequestError: the file cannot be written.
    """
    with atomic_path(target) as temporary:
        table.to_parquet(temporary, engine="pyarrow", index=False)


def write_json_table(table: pd.DataFrame, target: Path) -> None:
    """Write `{schema, columns, rows}` atomically; unknown is null, never NaN.

    Raises:
        RequestError: the file cannot be written.
    """
    meanings = {column.name: column.meaning for column in COLUMNS}
    write_json(target, {"schema": JSON_SCHEMA, "columns": meanings, "rows": records(table)})


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as plain Python values, None where a cell is empty."""
    return [
        {str(name): None if pd.isna(value) else value for name, value in cells.items()}
        for cells in table.astype(object).to_dict(orient="records")
    ]


def _identity(result: CandidateResult) -> dict[str, Any]:
    config, deployment = result.config, result.deployment
    artifact, timing = result.artifact, result.timing
    return {
        "trial": result.number,
        "key": result.key,
        **config.model_dump(),
        "depth": config.depth,
        "ratios": ".".join(map(str, config.ratios)),
        **deployment.model_dump(),
        "status": result.status,
        "reason": result.reason,
        "flags": " ".join(result.flags),
        "device": result.device_serial,
        "profile": result.profile_key,
        "stand_in": result.stand_in_note,
        "artifact_sha256": artifact.sha256 if artifact else "",
        "weights_sha256": artifact.weights_sha256 if artifact else "",
        "measurement_file": timing.measurement_file if timing else "",
        "finished_at": result.finished_at,
    }


def _measured(result: CandidateResult) -> dict[str, Any]:
    """What the parts of a result hold; every cell of a part that is not there is empty."""
    cells: dict[str, Any] = dict.fromkeys(column.name for column in COLUMNS)
    for part in (result.artifact, result.timing, result.quality):
        cells |= part.model_dump() if part is not None else {}
    cells["device_s"] = result.device_s
    cells["feasible"] = None if result.status == "failed" else result.feasible
    cells["gain_over_bicubic_db"] = result.gain_db
    cells["pictures"] = len(result.images) or None
    origin = result.quality.origin if result.quality else None
    cells["psnr_origin"] = "" if origin is None else origin.value
    if (artifact := result.artifact) is not None:
        cells["delegated_share"] = artifact.delegated_share
        cells["gmacs"] = artifact.macs / 1e9
        cells["size_kb"] = artifact.size_bytes / 1000
    return cells


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _no_formula(cell: str) -> str:
    return f"'{cell}" if cell[:1] in tuple("=+-@") else cell
