"""Where devices agree on the order of candidates, and what it costs to carry a choice over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_studies import candidate, study

from models.config import MobileSRConfig
from reports.agreement import Agreement, agreements
from reports.agreement_view import agreement_views
from reports.document import report_document
from reports.facts import StudyFacts
from reports.report import report_of
from reports.sections import sections_of
from search.study.records import ImageQuality

Places = list[tuple[float, float]]


def on(profile: str, places: Places, **known: Any) -> Any:
    results = [
        candidate(
            i,
            place,
            config=MobileSRConfig(n_feats=8, ratios=(1,) * (i + 1)),
            profile_key=profile,
            device_serial=profile,
            **known,
        )
        for i, place in enumerate(places)
    ]
    return study(*results, run_path=Path(f"runs/{profile}"))


def compared(first: Places, second: Places) -> Agreement:
    (found,) = agreements(sections_of([on("phone-a", first), on("phone-b", second)]))
    return found


def views(*studies: StudyFacts) -> list[dict[str, Any]]:
    return agreement_views(report_of(studies).agreements)


RISING = [(10.0, 28.0), (20.0, 29.0), (30.0, 30.0), (40.0, 31.0)]


def test_the_same_order_is_agreement() -> None:
    found = compared(RISING, [(3 * ms, db) for ms, db in RISING])
    assert (found.shared, found.pairs, found.swapped) == (4, 6, 0)
    assert found.tau_latency == pytest.approx(1.0)
    assert found.swaps == ()
    # The choice of each is the choice of both.
    assert [transfer.better for transfer in found.transfers] == [None, None]


def test_one_swap_is_found_and_its_certainty_told() -> None:
    sure = compared(RISING, [(10.0, 28.0), (30.0, 29.0), (20.0, 30.0), (40.0, 31.0)])
    assert (sure.swapped, sure.surely_swapped) == (1, 1)
    (swap,) = sure.swaps
    assert (swap.left[0].number, swap.right[0].number) == (1, 2)
    assert swap.size == pytest.approx(1.5)
    close = compared(RISING, [(10.0, 28.0), (20.2, 29.0), (20.0, 30.0), (40.0, 31.0)])
    assert (close.swapped, close.surely_swapped) == (1, 0)
    assert sure.tau_latency == pytest.approx(4 / 6)


def test_a_choice_carried_over_is_told_its_price() -> None:
    first = [(10.0, 29.0), (11.0, 30.5), (60.0, 31.0)]
    second = [(10.0, 29.0), (80.0, 30.5), (60.0, 31.0)]
    found = compared(first, second)
    transfer = found.transfers[0]
    assert transfer.here.number == 1
    assert transfer.here.latency_ms == 80.0
    assert transfer.better is not None
    assert transfer.better.number == 2
    (texts,) = agreement_views([found])
    assert "takes 80.0 ms on phone-b" in texts["transfers"][0]
    assert "gives 31.00 dB there, in 60.0 ms" in texts["transfers"][0]


def test_too_little_in_common_is_said() -> None:
    (view,) = views(on("phone-a", RISING[:2]), on("phone-b", RISING))
    assert view["agreement"].tau_latency is None
    assert "share 2 timed candidates: too few for a rank correlation" in view["sentence"]


def test_two_runs_of_one_device_are_compared_and_not_merged() -> None:
    one, other = on("phone-a", RISING), on("phone-a", RISING)
    sections = sections_of([one, other])
    assert len(sections) == 2
    assert all("run phone-a" in section.name for section in sections)


def test_other_weights_are_told_only_on_the_same_images() -> None:
    def images(bicubic: float) -> tuple[ImageQuality, ...]:
        return (ImageQuality(name="a", psnr_y_db=29.0, psnr_rgb_db=27.0, ssim_y=0.8,
                             bicubic_psnr_y_db=bicubic),)  # fmt: skip

    before = on("phone-a", RISING, images=images(28.0))
    better = [(ms, db + 0.4) for ms, db in RISING]
    finetuned = on("phone-a", better, images=images(28.0), weights_sha256="ef" * 32)
    elsewhere = on("phone-a", better, images=images(27.0), weights_sha256="ef" * 32)
    rows = views(before, finetuned)[0]["retrained"]
    assert [row[1:] for row in rows[:1]] == [("28.00", "28.40", "+0.40")]
    assert len(rows) == 4
    assert views(before, elsewhere)[0]["retrained"] == []
    assert views(before, before)[0]["retrained"] == []


def test_the_document_tells_it_too() -> None:
    studies = [on("phone-a", RISING), on("phone-b", RISING[::-1])]
    (found,) = report_document(report_of(studies))["comparisons"]
    assert found["swapped"] == 6
    assert found["tau_latency"] == pytest.approx(-1.0)


@given(st.lists(st.integers(1, 50), min_size=3, max_size=9), st.randoms(use_true_random=False))
def test_tau_counts_the_swaps(latencies: list[int], random: Any) -> None:
    """Without ties, tau is 1 - 2 * discordant / pairs; and it does not matter who is first."""
    first = [float(10 * i + 1) for i in range(len(latencies))]
    second = random.sample(first, len(first))
    one = compared([(a, 29.0 + i) for i, a in enumerate(first)],
                   [(b, 29.0 + i) for i, b in enumerate(second)])  # fmt: skip
    other = compared([(b, 29.0 + i) for i, b in enumerate(second)],
                     [(a, 29.0 + i) for i, a in enumerate(first)])  # fmt: skip
    assert one.tau_latency == pytest.approx(1 - 2 * one.swapped / one.pairs)
    assert one.tau_latency == pytest.approx(other.tau_latency)
    assert one.swapped == other.swapped
