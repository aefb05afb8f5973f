"""Where a PSNR comes from, and PSNR picture by picture."""

import pytest
from made_up_results import result_of

from models.config import MobileSRConfig
from models.deployment import Candidate, Deployment
from models.origin import WeightsOrigin
from reports.facts import ProfileGroup
from reports.headline import counts, psnr_origins
from reports.picture_scores import MOST_CANDIDATES, picture_rows
from reports.table import row
from search.study.records import ImageQuality


def judged(number, **fields):
    config = MobileSRConfig(n_feats=8 + 8 * number)
    images = tuple(
        ImageQuality(name=name, psnr_y_db=30.0 + number, psnr_rgb_db=28.0, ssim_y=0.9,
                     bicubic_psnr_y_db=27.5)
        for name in ("cat", "coins")
    )  # fmt: skip
    return result_of(
        number, Candidate(config, Deployment(lr_height=16, lr_width=16)), status="ok",
        latency_ms=5.0 + number, **({"images": images, "psnr_y_db": 30.0 + number} | fields),
    )  # fmt: skip


@pytest.mark.parametrize("origin", WeightsOrigin)
def test_the_origin_stands_in_table_and_headline(origin):
    group = ProfileGroup("fake", (judged(0, origin=origin),))
    assert row(group.results[0], group)["psnr_origin"] == origin.value
    assert psnr_origins(group) == f"PSNR of {origin.value} weights ({origin.sentence})"
    assert psnr_origins(group) in counts(group)


def test_an_older_record_does_not_say():
    group = ProfileGroup("fake", (judged(0), judged(1, origin=WeightsOrigin.SHIPPED)))
    assert row(group.results[0], group)["psnr_origin"] == ""
    assert "of unknown weights (an older record) for 1" in psnr_origins(group)
    assert "of shipped weights" in psnr_origins(group)


def test_pictures_are_rows_and_the_front_columns():
    scores = picture_rows(ProfileGroup("fake", (judged(0), judged(1))))
    assert scores.headings == ("Picture", "Bicubic", "Trial 0", "Trial 1")
    assert scores.rows == (("cat", "27.50", "30.00", "31.00"), ("coins", "27.50", "30.00", "31.00"))


def test_a_long_front_is_thinned_and_keeps_its_ends():
    scores = picture_rows(ProfileGroup("fake", tuple(judged(n) for n in range(20))))
    assert len(scores.headings) == 2 + MOST_CANDIDATES
    assert scores.headings[2] == "Trial 0"
    assert scores.headings[-1] == "Trial 19"


def test_the_recommended_one_is_among_the_columns():
    group = ProfileGroup("fake", tuple(judged(n) for n in range(20)))
    for chosen in group.front:
        headings = picture_rows(group, chosen).headings
        assert f"Trial {chosen.number}" in headings
        assert len(headings) == 2 + MOST_CANDIDATES


def test_results_without_pictures_give_no_table():
    assert picture_rows(ProfileGroup("fake", (judged(0, images=()),))) is None


def test_a_finetuned_choice_stands_beside_its_slice_and_is_called_what_it_is():
    group = ProfileGroup("fake", (on_pictures(0, [30.0] * 3), on_pictures(1, [31.0] * 3)))
    finetuned = on_pictures(1, [31.5] * 3)
    table = picture_rows(group, finetuned)
    assert table.headings[2:] == ("Trial 0", "Trial 1", "Trial 1, finetuned")
    assert table.rows[0][2:] == ("30.00", "31.00", "31.50")
    assert picture_rows(group, group.results[1]).headings[2:] == ("Trial 0", "Trial 1")


def on_pictures(number, psnrs_db):
    images = tuple(
        ImageQuality(name=f"picture {at}", psnr_y_db=psnr, psnr_rgb_db=28.0, ssim_y=0.9,
                     bicubic_psnr_y_db=27.5)
        for at, psnr in enumerate(psnrs_db)
    )  # fmt: skip
    return judged(
        number, images=images, psnr_y_db=sum(psnrs_db) / len(psnrs_db),
        origin=WeightsOrigin.FINETUNED, sessions=5,
        latency_low_ms=4.99 + number, latency_high_ms=5.01 + number,
    )  # fmt: skip


def test_two_that_the_pictures_do_not_tell_apart_are_a_tie():
    """The second takes a fifth longer, and is 0.02 dB better by pictures that differ by 0.3 dB."""
    fast = [30.0] * 6
    close = on_pictures(1, [30.32, 29.72] * 3)
    group = ProfileGroup("fake", (on_pictures(0, fast), close, on_pictures(2, [33.0] * 6)))
    assert group.undecided_numbers == {1}
    assert 0.4 < group.front_probability(close) < 0.8
    surely = ProfileGroup("fake", (on_pictures(0, fast), on_pictures(1, [30.02] * 6)))
    assert surely.undecided_numbers == set()
