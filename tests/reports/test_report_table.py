"""The table: stable columns, true front flags, files that can be read back."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pandas as pd
import pytest
from made_up_studies import HOSTILE, PHONE, candidate, images, rich_study, stopped, study

from foundation.errors import RequestError
from reports.headline import counts, headline
from reports.report import report_of
from reports.table import (
    COLUMNS,
    candidate_table,
    records,
    write_csv,
    write_json_table,
    write_parquet,
)

# Whoever reads the files relies on these: extend at the end, never rename.
PROMISED = [
    "trial",
    "key",
    "n_feats",
    "n_heads",
    "depth",
    "ratios",
    "window_size",
    "body_passes",
    "scale",
    "lr_height",
    "lr_width",
    "precision",
    "backend",
    "graph",
    "status",
    "reason",
    "on_front",
    "front_undecided",
    "feasible",
    "latency_ms",
    "latency_low_ms",
    "latency_high_ms",
    "first_run_ms",
    "load_ms",
    "peak_memory_mb",
    "psnr_y_db",
    "bicubic_psnr_y_db",
    "gain_over_bicubic_db",
    "psnr_rgb_db",
    "ssim_y",
    "parameters",
    "gmacs",
    "size_kb",
    "delegates",
    "delegated_ops",
    "undelegated_ops",
    "max_abs_error",
    "flags",
    "device",
    "profile",
    "stand_in",
    "artifact_sha256",
    "weights_sha256",
    "measurement_file",
    "export_s",
    "device_s",
    "finished_at",
    "run",
    "delegated_share",
    "front_probability",
    "lowering",
    "strip_kb",
]


def test_columns_are_the_promised_ones_and_documented() -> None:
    table = candidate_table(report_of([rich_study()]))
    assert list(table.columns)[: len(PROMISED)] == PROMISED
    assert all(column.meaning for column in COLUMNS)
    assert len(table) == 13


def test_front_is_of_feasible_measured_candidates_only() -> None:
    table = candidate_table(report_of([rich_study()])).set_index("trial")
    assert list(table.index[table["on_front"]]) == [0, 1, 3, 4]
    # Trial 7 has the best PSNR, and breaks the limit.
    assert not table.loc[7, "feasible"]
    assert not table.loc[8, "feasible"]
    assert pd.isna(table.loc[10, "feasible"])
    # Within half a millisecond of trial 1, which dominates it on paper.
    assert list(table.index[table["front_undecided"]]) == [2]


def test_what_is_unknown_is_empty_and_not_zero() -> None:
    table = candidate_table(
        report_of([study(candidate(0, (10.0, 29.0)), stopped(1, 50.0), candidate(2))])
    )
    failed = records(table)[2]
    for name in ("latency_ms", "psnr_y_db", "parameters", "gmacs", "size_kb", "delegates"):
        assert failed[name] is None
    assert records(table)[1]["latency_ms"] == 50.0
    assert records(table)[1]["gain_over_bicubic_db"] is None
    assert records(table)[0]["gain_over_bicubic_db"] == pytest.approx(0.57)


def test_profiles_never_share_a_front() -> None:
    facts = study(
        candidate(0, (10.0, 30.0)),
        candidate(1, (50.0, 29.0), profile_key="host-epyc-1"),
        candidate(2, (60.0, 28.0), profile_key="host-epyc-1"),
    )
    table = candidate_table(report_of([facts])).set_index("trial")
    # The phone would dominate the host's best, were they ever compared.
    assert dict(table["on_front"]) == {0: True, 1: True, 2: False}
    assert {group.profile_key for group in facts.groups} == {PHONE, "host-epyc-1"}


def test_json_is_strict_and_complete(tmp_path: Path) -> None:
    facts = study(candidate(0, (10.0, 29.0), ssim_y=math.nan), candidate(1, reason=HOSTILE))
    write_json_table(candidate_table(report_of([facts])), tmp_path / "candidates.json")

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    text = (tmp_path / "candidates.json").read_text()
    loaded = json.loads(text, parse_constant=refuse)
    assert loaded["schema"] == "candidate-table/1"
    assert set(loaded["columns"]) == {column.name for column in COLUMNS}
    assert loaded["rows"][0]["ssim_y"] is None
    assert loaded["rows"][0]["latency_ms"] == 10.0
    assert loaded["rows"][0]["on_front"] is True
    assert "\\u001b" not in text


def test_csv_comes_back_as_it_went(tmp_path: Path) -> None:
    table = candidate_table(report_of([rich_study()]))
    write_csv(table, tmp_path / "candidates.csv")
    types = {column.name: column.dtype for column in COLUMNS}
    back = pd.read_csv(tmp_path / "candidates.csv", dtype=types, keep_default_na=False, na_values={
        column.name: [""] for column in COLUMNS if column.dtype != "str"
    })  # fmt: skip
    pd.testing.assert_frame_equal(back, table)


def test_parquet_keeps_types_and_what_is_unknown(tmp_path: Path) -> None:
    table = candidate_table(report_of([rich_study()]))
    write_parquet(table, tmp_path / "candidates.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "candidates.parquet"), table)


def test_several_studies_are_one_table_with_fronts_of_their_own() -> None:
    one = study(candidate(0, (10.0, 30.0)), run_path=Path("runs/a"))
    other = study(candidate(0, (50.0, 29.0)), candidate(1, (60.0, 28.0)), run_path=Path("runs/b"))
    table = candidate_table(report_of([one, other]))
    assert list(table["run"]) == ["a", "b", "b"]
    # On one device even: another day and other weights are not compared.
    assert list(table["on_front"]) == [True, True, False]


@pytest.mark.parametrize("reason", ["=HYPERLINK(1)", "+1", "-1+cmd|' /C calc'!A0", "@SUM(A1)"])
def test_csv_holds_no_formula(tmp_path: Path, reason: str) -> None:
    write_csv(
        candidate_table(report_of([study(candidate(0, reason=reason))])),
        tmp_path / "candidates.csv",
    )
    back = pd.read_csv(tmp_path / "candidates.csv", keep_default_na=False)
    assert back["reason"][0] == f"'{reason}"


def test_a_folder_that_cannot_be_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RequestError, match="file stands where a folder"):
        write_csv(candidate_table(report_of([rich_study()])), tmp_path / "file" / "candidates.csv")


def test_over_how_much_a_number_is_a_mean_is_told() -> None:
    """What the record does not count is unknown, and not none."""
    known = candidate(0, (10.0, 30.0), sessions=7, images=images(29.5, 30.5))
    unknown = candidate(1, (20.0, 31.0))
    about = report_of([study(known, unknown)])
    first, second = records(candidate_table(about))
    assert (first["sessions"], first["pictures"]) == (7, 2)
    assert (second["sessions"], second["pictures"]) == (None, None)
    best = report_of([study(known)]).sections[0]
    assert "PSNR 30.00 dB (mean of 2 pictures), 1.57 dB above" in headline(best.group, best.choice)
    best = report_of([study(unknown)]).sections[0]
    assert "PSNR 31.00 dB, 2.57 dB above" in headline(best.group, best.choice)
    assert counts(best.group).endswith("Each PSNR is a mean over pictures that are not recorded")
    (group,) = study(known, unknown).groups
    assert counts(group).endswith("the mean over 2 pictures, of 1 candidate not recorded")
    (group,) = study(known).groups
    assert counts(group).endswith("Each PSNR is the mean over 2 pictures")
