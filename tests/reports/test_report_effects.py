"""What each parameter does: effects that were put in come out, with their doubt."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_studies import candidate, study

from models.config import MobileSRConfig
from reports.effects import TargetEffects, additive_effects, effects
from search.study.records import CandidateResult


def made(noise: float = 0.0) -> list[TargetEffects]:
    """Latency doubles with n_feats and grows by half with depth; the window does nothing."""
    rng = np.random.default_rng(1)
    results: list[CandidateResult] = []
    for n, depth, window in itertools.product((16, 32), (1, 2, 3), (4, 8)):
        latency = 10 * (n / 16) * 1.5 ** (depth - 1) * math.exp(noise * rng.normal())
        config = MobileSRConfig(n_feats=n, n_heads=4, ratios=(2,) * depth, window_size=window)
        place = (latency, 28.0 + 0.1 * depth)
        results.append(candidate(len(results), place, config=config, peak_memory_mb=50.0))
    return effects(study(*results).groups[0])


def test_effects_that_were_put_in_come_out() -> None:
    latency, psnr, memory = made()
    by_name = {parameter.name: parameter for parameter in latency.parameters}
    # The ratios are all alike and the heads too: there is nothing to learn of them.
    assert set(by_name) == {"n_feats", "depth", "window_size"}
    assert latency.explained == pytest.approx(1.0)
    small, large = by_name["n_feats"].levels
    assert (1 + large.effect / 100) / (1 + small.effect / 100) == pytest.approx(2.0)
    assert [level.candidates for level in by_name["depth"].levels] == [4, 4, 4]
    assert by_name["window_size"].importance == pytest.approx(0.0, abs=1e-9)
    assert sum(p.importance for p in latency.parameters) == pytest.approx(1.0)
    assert psnr.parameters[0].name == "depth"
    assert [level.effect for level in psnr.parameters[0].levels] == pytest.approx([-0.1, 0, 0.1])
    assert memory.missing == "every candidate has the same"


def test_intervals_hold_the_effect_and_widen_with_noise() -> None:
    def width(found: TargetEffects) -> float:
        level = next(p for p in found.parameters if p.name == "n_feats").levels[1]
        assert level.low <= level.effect <= level.high
        return level.high - level.low

    assert width(made(0.0)[0]) < width(made(0.05)[0]) < width(made(0.3)[0])


def test_the_sampler_may_linger_without_being_believed() -> None:
    """Levels weigh alike, however often they were tried."""
    often = [
        candidate(i, (20.0, 29.0), config=MobileSRConfig(n_feats=32, ratios=(1,)))
        for i in range(20)
    ]
    once = [candidate(20 + i, (10.0, 28.0), config=MobileSRConfig(n_feats=16, ratios=(1,)))
            for i in range(2)]  # fmt: skip
    latency = effects(study(*often, *once).groups[0])[0]
    low, high = latency.parameters[0].levels
    assert 1 + low.effect / 100 == pytest.approx(1 / (1 + high.effect / 100))


def test_too_few_candidates_say_so() -> None:
    latency, psnr, _ = effects(
        study(candidate(0, (10.0, 29.0)), candidate(1, (12.0, 29.1))).groups[0]
    )
    assert "2 candidates are too few: it takes at least" in latency.missing
    assert psnr.parameters == ()


def test_a_dozen_candidates_say_less_but_something() -> None:
    """Five parameters of which n_feats alone matters: with joined levels it still comes out."""
    rng = np.random.default_rng(3)
    results: list[CandidateResult] = []
    for number in range(12):
        config = MobileSRConfig(
            n_feats=(8, 16, 24, 32)[number % 4], n_heads=(2, 4, 8)[int(rng.integers(3))],
            ratios=((1,), (2,), (1, 2), (2, 2, 2), (1, 2, 1))[int(rng.integers(5))],
            window_size=(4, 8)[int(rng.integers(2))],
        )  # fmt: skip
        results.append(
            candidate(number, (0.5 * config.n_feats, 29.0 + 0.1 * number), config=config)
        )
    latency = effects(study(*results).groups[0])[0]
    assert latency.missing == ""
    assert latency.joined == 2
    assert latency.parameters[0].name == "n_feats"
    assert [level.words for level in latency.parameters[0].levels] == ["8–16", "24–32"]
    assert made()[0].joined == 0


def test_nothing_varies() -> None:
    alike = [candidate(4 * i, (10.0 + i, 29.0)) for i in range(5)]
    assert effects(study(*alike).groups[0])[0].missing == "no parameter varies"


def test_many_values_become_ranges() -> None:
    many = [
        candidate(i, (10.0 + i, 29.0), config=MobileSRConfig(n_feats=16, ratios=(2,) * (i + 1)))
        for i in range(9)
    ]
    levels = effects(study(*many).groups[0])[0].parameters[0].levels
    assert [level.words for level in levels] == ["1–3", "4–6", "7–9"]


@given(st.integers(0, 2**32 - 1))
def test_an_additive_table_is_recovered_from_any_design(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = [part - part.mean() for part in (rng.normal(size=3), rng.normal(size=4))]
    codes = np.array(list(itertools.product(range(3), range(4))))
    codes = np.vstack([codes, codes[rng.integers(0, 12, size=10)]])
    target = 5 + sum(part[column] for part, column in zip(truth, codes.T, strict=True))
    found = additive_effects(codes, target, rng.uniform(0.1, 3, size=(2, len(codes))))
    for part, expected in zip(found, truth, strict=True):
        assert part[0] == pytest.approx(expected, abs=1e-7)
