"""Threads and CPUs of a study are those it began with."""

from __future__ import annotations

import pytest
from scripted_device import ScriptedDevice

from device_runner import ThreadChoice
from foundation.errors import RequestError
from search.candidates.placement import FILE_NAME, placement_of


class Tuned(ScriptedDevice):
    choice = ThreadChoice(2, "one for each core")

    def suggest_threads(self) -> ThreadChoice:
        return self.choice


@pytest.fixture
def device():
    return Tuned(lambda artifact, clock: 1.0)


def test_a_resumed_study_goes_on_as_it_began_whatever_was_tuned_since(device, tmp_path):
    assert placement_of(tmp_path, device, None).threads == 2
    device.choice = ThreadChoice(4, "tuned", cpus=(4, 5, 6, 7))
    assert placement_of(tmp_path, device, None).threads == 2
    fresh = placement_of(tmp_path / "other", device, None)
    assert (fresh.threads, fresh.cpus, fresh.why) == (4, (4, 5, 6, 7), "tuned")


def test_the_cut_is_kept_as_the_threads_are(device, tmp_path):
    assert placement_of(tmp_path, device, None, 512).strip_kb == 512
    assert placement_of(tmp_path, device, None, 3072).strip_kb == 512


def test_a_study_from_before_cuts_goes_on_without(device, tmp_path):
    (tmp_path / FILE_NAME).write_text('{"schema": "placement/1", "threads": 2, "why": "old"}')
    assert placement_of(tmp_path, device, None, 3072).strip_kb is None


def test_what_was_asked_for_counts(device, tmp_path):
    device.choice = ThreadChoice(4, "tuned", cpus=(4, 5))
    found = placement_of(tmp_path, device, 1)
    assert (found.threads, found.cpus) == (1, ())


def test_a_damaged_file_is_a_sentence(device, tmp_path):
    (tmp_path / FILE_NAME).write_text("[]")
    with pytest.raises(RequestError, match=r"placement\.json"):
        placement_of(tmp_path, device, None)
