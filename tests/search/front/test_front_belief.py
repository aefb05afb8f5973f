"""What a study's results say of latencies."""

from __future__ import annotations

import numpy as np
import pytest
from made_up_results import result_of

from models.config import MobileSRConfig
from models.deployment import Candidate, Deployment
from search.front.belief import belief_of
from search.study.records import CandidateResult

CANDIDATE = Candidate(
    MobileSRConfig(n_feats=8, n_heads=2, ratios=(1, 2), window_size=4, scale=2),
    Deployment(lr_height=16, lr_width=24),
)


def timed(number: int, session_ms: np.ndarray, *, kept: bool = True) -> CandidateResult:
    middle = float(np.median(session_ms))
    return result_of(
        number, CANDIDATE, status="ok", latency_ms=middle, latency_low_ms=0.95 * middle,
        latency_high_ms=1.05 * middle, sessions=session_ms.size,
        session_ms=tuple(map(float, session_ms)) if kept else (),
    )  # fmt: skip


def test_launches_of_two_kinds_are_known_from_the_sessions_that_records_hold() -> None:
    random = np.random.default_rng(21)
    truth = np.linspace(10.0, 50.0, 20)
    slow = random.random((20, 5)) < 0.3
    rows = truth[:, None] * np.exp(0.04 * slow + 0.003 * random.standard_normal((20, 5)))
    belief = belief_of([timed(at, row) for at, row in enumerate(rows)])
    assert belief.modes is not None
    off = np.abs(belief.mean - np.log(truth))
    plain = belief_of([timed(at, row, kept=False) for at, row in enumerate(rows)])
    assert plain.modes is None
    assert off.max() < 0.5 * np.abs(plain.mean - np.log(truth)).max()
    # One old record among them, and nothing is known of any.
    mixed = [timed(at, row, kept=at > 0) for at, row in enumerate(rows)]
    assert belief_of(mixed).modes is None


def test_what_is_not_known_of_a_reaction_stays_however_many_sessions_there_are() -> None:
    random = np.random.default_rng(3)
    rows = 10.0 * np.exp(0.01 * random.standard_normal((6, 40)))
    results = [timed(at, row) for at, row in enumerate(rows)]
    assert results[0].timing is not None
    doubtful = results[0].timing.model_copy(
        update={"log_doubt": 0.2, "latency_low_ms": 6.7, "latency_high_ms": 14.9}
    )
    results[0] = results[0].model_copy(update={"timing": doubtful})
    belief = belief_of(results)
    assert belief.sd[0] == pytest.approx(0.2, abs=0.02)
    assert belief.sd[1:].max() < 0.05
    # It is not taken for luck of sessions, which further ones would lessen.
    assert belief.scale[0] < 0.05
    drawn = belief.drawn(random, 4000)
    assert drawn[:, 0].std() == pytest.approx(0.2, abs=0.02)
