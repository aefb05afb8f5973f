"""The reference of a study's sentinel, on devices written down."""

from __future__ import annotations

import math

import pytest
from scripted_device import ScriptedDevice

from device_runner import MeasurePlan
from foundation.errors import RequestError
from search.candidates.sentinel import FILE_NAME, StudySentinel

PLAN = MeasurePlan()


def test_a_sentinel_that_does_not_run_leaves_a_study_without_correction(small_artifact, tmp_path):
    said: list[str] = []
    device = ScriptedDevice(lambda artifact, clock: math.inf)
    assert StudySentinel(small_artifact, tmp_path).reference_ms(device, PLAN, said.append) is None
    assert "no correction" in said[-1]
    assert not (tmp_path / FILE_NAME).exists()


def test_the_reference_is_what_it_took_first_whatever_it_takes_later(small_artifact, tmp_path):
    at_first = ScriptedDevice(lambda artifact, clock: 7.0)
    assert StudySentinel(small_artifact, tmp_path).reference_ms(at_first, PLAN) == 7.0
    later = ScriptedDevice(lambda artifact, clock: 9.0)
    assert StudySentinel(small_artifact, tmp_path).reference_ms(later, PLAN) == 7.0
    assert later.ran == []
    # Other threads are another condition.
    more = PLAN.model_copy(update={"threads": 2})
    assert StudySentinel(small_artifact, tmp_path).reference_ms(later, more) == 9.0


def test_a_damaged_reference_is_a_sentence(small_artifact, tmp_path):
    (tmp_path / FILE_NAME).write_text("{")
    device = ScriptedDevice(lambda artifact, clock: 7.0)
    with pytest.raises(RequestError, match=r"sentinel\.json"):
        StudySentinel(small_artifact, tmp_path).reference_ms(device, PLAN)
