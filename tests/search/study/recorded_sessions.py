"""Results made from the sessions of real searches that lie beside this file."""

from __future__ import annotations

from typing import Any

from made_up_results import result_of

from device_runner.measuring.usual_speed import SessionsBeside
from models.config import MobileSRConfig
from models.deployment import Candidate, Deployment
from search.study.records import CandidateResult


def recorded(row: dict[str, Any], **fields: Any) -> CandidateResult:
    """A candidate with its own sessions and the sentinel's; `fields` as of `result_of`."""
    beside = SessionsBeside(
        session_ms=row["session_ms"], sentinel_ms=row["sentinel_ms"],
        sentinel_session=row["sentinel_session"], sentinel_sha256="s" * 64, threads=2,
    )  # fmt: skip
    found = result_of(
        row["trial"],
        Candidate(MobileSRConfig.from_key(row["config"]), Deployment(lr_height=64, lr_width=64)),
        status="ok", latency_ms=row["told_ms"], psnr_y_db=row["psnr_y_db"],
        sessions=len(row["session_ms"]), **fields,
    )  # fmt: skip
    assert found.timing is not None
    return found.model_copy(update={"timing": found.timing.model_copy(update={"beside": beside})})
