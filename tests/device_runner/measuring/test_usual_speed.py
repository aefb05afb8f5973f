"""Latencies of one device told for one speed, though it was measured in slow spells as well."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from device_runner.flags import Flag
from device_runner.measuring.usual_speed import SessionsBeside, UsualSpeed, told_at
from device_runner.statistics.reaction import Reaction

SENTINEL_MS, LUCK = 4.0, 0.01


def sessions(
    rng: np.random.Generator, latency_ms: float, slower: list[float], b: float = 1.0
) -> SessionsBeside:
    """A model of `latency_ms` at the usual speed, measured while the device was so much slower."""
    count = len(slower)
    luck = np.exp(rng.normal(0, LUCK, (2, count)))
    return SessionsBeside(
        session_ms=tuple(latency_ms * np.power(slower, b) * luck[0]),
        sentinel_ms=tuple(SENTINEL_MS * np.array(slower) * luck[1]),
        sentinel_session=tuple(range(count)),
        sentinel_sha256="s" * 64,
        threads=2,
    )


def study(seed: int, b_of=lambda number: 1.0) -> tuple[list[SessionsBeside], list[float]]:
    """Twelve models; the first three in a slow spell, as a shared virtual machine has them."""
    rng = np.random.default_rng(seed)
    truth = [1.5 * 1.2**number for number in range(12)]
    found = []
    for number, latency_ms in enumerate(truth):
        slower = [2.0] * 5 if number < 3 else [1.0] * 5
        if number >= 8:
            slower[int(rng.integers(5))] = 2.0
        found.append(sessions(rng, latency_ms, slower, b_of(number)))
    return found, truth


@pytest.mark.parametrize("seed", range(5))
def test_a_first_slow_spell_changes_neither_values_nor_order(seed: int) -> None:
    every, truth = study(seed)
    speed = UsualSpeed.of(every)
    assert speed.reference_ms == pytest.approx(SENTINEL_MS, rel=0.02)
    told = [speed.told(one) for one in every]
    assert [one.latency_ms for one in told] == pytest.approx(truth, rel=0.12)
    assert np.argsort([one.latency_ms for one in told]).tolist() == list(range(12))
    for one, true_ms in zip(told, truth, strict=True):
        assert one.low_ms <= true_ms * 1.01
        assert one.high_ms >= true_ms * 0.99


def test_who_was_measured_in_the_spell_only_is_told_with_doubt_and_says_so() -> None:
    every, _ = study(1, b_of=lambda number: 1.0 + 0.25 * (-1) ** number)
    told = [UsualSpeed.of(every).told(one) for one in every]
    for one in told[:3]:
        assert Flag.UNUSUAL_SPEED in one.flags
        assert one.log_doubt > 0.03
        assert one.high_ms / one.low_ms > 1.12
    for one in told[3:]:
        assert Flag.UNUSUAL_SPEED not in one.flags
        assert one.log_doubt < 0.02


def test_sessions_at_the_usual_speed_take_the_doubt_away() -> None:
    every, truth = study(2, b_of=lambda number: 1.0 + 0.25 * (-1) ** number)
    before = UsualSpeed.of(every).told(every[0])
    more = sessions(np.random.default_rng(9), truth[0], [1.0] * 4, b=1.25)
    both = every[0].model_copy(
        update={
            "session_ms": every[0].session_ms + more.session_ms,
            "sentinel_ms": every[0].sentinel_ms + more.sentinel_ms,
            "sentinel_session": tuple(range(9)),
        }
    )
    after = UsualSpeed.of([both, *every[1:]]).told(both)
    assert after.log_doubt < before.log_doubt / 2
    assert after.latency_ms == pytest.approx(truth[0], rel=0.03)


@given(st.integers(0, 50), st.permutations(range(12)))
def test_the_order_of_the_records_does_not_matter(seed: int, order: list[int]) -> None:
    every, _ = study(seed % 5)
    one, other = UsualSpeed.of(every), UsualSpeed.of([every[place] for place in order])
    assert other.reference_ms == pytest.approx(one.reference_ms, rel=1e-12)
    for beside in every:
        assert other.told(beside).latency_ms == pytest.approx(one.told(beside).latency_ms)


@given(st.floats(0.3, 1.5), st.floats(1.0, 20.0), st.floats(1.0, 20.0))
def test_where_the_reference_lies_changes_no_order_of_models_that_react_alike(
    b: float, one_ms: float, other_ms: float
) -> None:
    every, _ = study(3)
    alike = Reaction(b, 0.0)
    first = [told_at(beside, one_ms, alike).latency_ms for beside in every]
    second = [told_at(beside, other_ms, alike).latency_ms for beside in every]
    assert np.divide(first, second) == pytest.approx(np.full(12, (one_ms / other_ms) ** b))


def test_each_measurement_moves_the_reference_a_little_and_none_far() -> None:
    rng = np.random.default_rng(5)
    every = [sessions(rng, 5.0, [2.0] * 5) for _ in range(10)]
    references = []
    for _ in range(20):
        every.append(sessions(rng, 5.0, [1.0] * 5))
        references.append(UsualSpeed.of(every).reference_ms)
    assert references[0] == pytest.approx(2 * SENTINEL_MS, rel=0.03)
    assert references[-1] == pytest.approx(SENTINEL_MS, rel=0.03)
    assert np.max(np.abs(np.diff(np.log(references)))) < np.log(1.4)


def test_a_calm_device_is_told_as_it_was_read() -> None:
    rng = np.random.default_rng(6)
    every = [sessions(rng, 5.0 + number, [1.0] * 5) for number in range(10)]
    speed = UsualSpeed.of(every)
    for one in every:
        told = speed.told(one)
        assert told.latency_ms == pytest.approx(float(np.median(one.session_ms)), rel=0.01)
        assert not {Flag.DRIFTED, Flag.UNUSUAL_SPEED, Flag.SENTINEL_UNLIKE} & set(told.flags)


def test_one_alone_is_told_for_the_speed_it_met() -> None:
    (one,) = [sessions(np.random.default_rng(7), 5.0, [2.0] * 5)]
    told = UsualSpeed.of([one]).told(one)
    assert told.latency_ms == pytest.approx(10.0, rel=0.03)
    assert Flag.UNUSUAL_SPEED not in told.flags


def test_a_stranger_is_told_as_a_member_would_be_but_for_what_it_adds() -> None:
    every, _ = study(4)
    without = UsualSpeed.of(every[1:])
    assert dataclasses.replace(without).told(every[0]).latency_ms == pytest.approx(
        UsualSpeed.of(every).told(every[0]).latency_ms, rel=0.1
    )


def test_sessions_without_their_sentinels_are_no_record() -> None:
    with pytest.raises(ValidationError, match="one session of the sentinel"):
        SessionsBeside(
            session_ms=(1.0, 2.0), sentinel_ms=(1.0,), sentinel_session=(0,),
            sentinel_sha256="s", threads=1,
        )  # fmt: skip


def test_several_measurements_joined_are_told_as_one() -> None:
    every, _ = study(4)
    first, second = every[0], every[0].model_copy(update={"seed": 5})
    joined = SessionsBeside.joined([first, second])
    assert joined.session_ms == first.session_ms + second.session_ms
    # No session of the sentinel is shared between the two.
    assert joined.shared.shape[1] == first.shared.shape[1] + second.shared.shape[1]
    assert SessionsBeside.joined([first]) == first
    speed = UsualSpeed.of(every)
    alone, both = speed.told(first), speed.told(joined)
    assert both.latency_ms == pytest.approx(alone.latency_ms, rel=0.02)
    assert both.high_ms - both.low_ms < alone.high_ms - alone.low_ms


@pytest.mark.parametrize("other", [{"threads": 9}, {"sentinel_sha256": "another"}])
def test_sessions_of_other_conditions_are_not_joined(other: dict[str, object]) -> None:
    one = study(4)[0][0]
    with pytest.raises(ValueError, match="one sentinel and of one thread count"):
        SessionsBeside.joined([one, one.model_copy(update=other)])
