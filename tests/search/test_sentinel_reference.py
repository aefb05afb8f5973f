"""The reference of a study's sentinel, on devices written down."""

from __future__ import annotations

import math

from scripted_device import ScriptedDevice

from device_runner import MeasurePlan
from search.sentinel import FILE_NAME, reference_ms


def test_a_sentinel_that_does_not_run_leaves_a_study_without_correction(small_artifact, tmp_path):
    said = []
    device = ScriptedDevice(lambda artifact, clock: math.inf)
    assert reference_ms(tmp_path, device, small_artifact, MeasurePlan(), said.append) is None
    assert "not corrected" in said[-1]
    assert not (tmp_path / FILE_NAME).exists()


def test_the_reference_is_what_it_took(small_artifact, tmp_path):
    device = ScriptedDevice(lambda artifact, clock: 7.0)
    assert reference_ms(tmp_path, device, small_artifact, MeasurePlan()) == 7.0
