"""Pictures of a report: those the device made, or, for a run that kept none, recomputed ones."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_results import changed
from made_up_studies import candidate, rich_study

from models.quality import psnr_y_db
from reports.facts import gather
from reports.pictures import crop_data, gallery, spread, stored_crops
from reports.sections import sections_of
from search.study.recomputed import recomputed_crops
from search.study.run_directory import RunDirectory

# A real search, exports included.
pytestmark = pytest.mark.timeout(900)
PLENTY = 10_000_000


def test_recomputed_pictures_are_told_apart_and_close_to_the_devices(
    host_run: RunDirectory, tmp_path: Path
) -> None:
    run = RunDirectory(shutil.copytree(host_run.path, tmp_path / "run"))
    (section,) = sections_of([gather(run)])
    kept = stored_crops(run.pictures, [r.number for r in section.group.front])
    assert kept is not None
    shutil.rmtree(run.pictures)
    found = gallery(section, PLENTY)
    assert "kept no pictures: these were recomputed on this computer" in found.origin
    assert [row.image for row in found.rows] == ["stripes", "waves"]
    again = recomputed_crops(RunDirectory(section.facts.run_path), section.group.front)
    assert again.places == kept.places
    for one, other in zip(again.truth, kept.truth, strict=True):
        assert np.array_equal(one, other)
    for number, crops in kept.outputs.items():
        for mine, device in zip(again.outputs[number], crops, strict=True):
            # Tiles of 16 x 16 have seams that a whole image has not.
            assert psnr_y_db(mine, device, border=0) > 25


def test_changed_photographs_are_not_shown_as_the_old_ones(
    host_run: RunDirectory, tmp_path: Path
) -> None:
    run = RunDirectory(shutil.copytree(host_run.path, tmp_path / "run"))
    shutil.rmtree(run.pictures)
    text = run.spec_path.read_text().replace("photos", "photos-moved")
    run.spec_path.write_text(text)
    photos = host_run.path.parent / "photos"
    moved = shutil.copytree(photos, tmp_path / "photos-moved")
    run.spec_path.write_text(text.replace(str(photos) + "-moved", str(moved)))
    shutil.copyfile(moved / "waves.png", moved / "stripes.png")
    (section,) = sections_of([gather(run)])
    assert gallery(section, PLENTY).rows == ()
    assert "evaluation images have changed" in gallery(section, PLENTY).origin


def test_a_damaged_crop_is_told_and_the_report_goes_on(
    host_run: RunDirectory, tmp_path: Path
) -> None:
    run = RunDirectory(shutil.copytree(host_run.path, tmp_path / "run"))
    (run.pictures / "truth-0.png").write_bytes(b"no picture")
    (section,) = sections_of([gather(run)])
    found = gallery(section, PLENTY)
    assert found.rows == ()
    assert "truth-0.png" in found.origin


def test_a_run_without_pictures_and_weights_says_so() -> None:
    (section,) = sections_of([replace(rich_study(), run_path=Path("nowhere"))])
    assert gallery(section, PLENTY).origin.startswith("This run kept no pictures")


@given(st.integers(1, 40), st.integers(0, 39))
def test_the_shown_ones_span_the_front(size: int, at: int) -> None:
    front = [candidate(i, (10.0 + i, 28.0 + i)) for i in range(size)]
    chosen = front[at % size]
    shown = spread(front, chosen, 6)
    assert len(shown) == min(size, 6)
    assert shown[0] is front[0]
    assert shown[-1] is front[-1]
    assert any(one is chosen for one in shown)
    assert [one.number for one in shown] == sorted({one.number for one in shown})


def test_every_candidate_can_be_chosen_until_the_page_is_full(host_run: RunDirectory) -> None:
    (section,) = sections_of([gather(host_run)])
    measured = {str(r.number) for r in section.group.measured}
    front = {str(r.number) for r in section.group.front}
    full = gallery(section, PLENTY)
    for row in full.rows:
        assert {one.key for one in row.choosable} == measured | {"bicubic", "truth"}
        assert len({one.key for one in row.choosable}) == len(row.choosable)
    assert f"of {len(measured)} of {len(measured)} judged candidates" in full.extent
    small = gallery(section, 0)
    assert [row.others for row in small.rows] == [()] * len(small.rows)
    assert {one.key for one in small.rows[0].choosable} == front | {"bicubic", "truth"}
    left = len(measured) - len(front)
    assert ("the pictures of the others lie in" in small.extent) == (left > 0)
    data = crop_data(full)["crops"][0]
    assert set(data["others"]) == measured - front
    assert set(data["words"]) == measured | {"bicubic", "truth"}


def test_beside_a_finetuned_choice_the_pictures_are_told_as_those_of_slices(
    host_run: RunDirectory,
) -> None:
    (section,) = sections_of([gather(host_run)])
    best = section.choice.result
    assert best is not None
    assert "slices of the supernet" not in gallery(section, PLENTY).extent
    finetuned = changed(best, sha256="finetuned")
    of_it = replace(section, choice=replace(section.choice, result=finetuned))
    found = gallery(of_it, PLENTY)
    assert f"of finetuned weights, also of trial {best.number}'s, no pictures are" in found.extent
    (marked,) = {one.key for row in found.rows for one in row.shown if one.role == "chosen"}
    assert marked == str(best.number)
