"""The order of a night, on simulated phones with a clock of their own."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from device_runner import DeviceUnknownError
from device_runner.devices.simulated import (
    PRESETS,
    Fault,
    FaultKind,
    SimulatedDevice,
    synthetic_artifact,
)
from device_runner.records import DeviceKind
from foundation import load_artifact, sha256_of
from foundation.errors import DeviceFailure, RequestError
from nightly import night as night_module
from nightly.errors import BaselineError, SuiteError
from nightly.history import open_history
from nightly.night import NightRun
from nightly.outputs.told import headline
from nightly.records import NightStatus, Status
from nightly.suite import load_suite
from nightly.tonight import Choices

SUITE = """
name = "rack"
devices = ["sim:one"]
sentinel = "steady"
artifacts = "store"

[[models]]
name = "steady"
artifact = "steady"

[[models]]
name = "other"
artifact = "other"

[measure]
sessions = 3
min_iterations = 3
min_time_s = 0.01
"""


class Evening:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.date = datetime(2026, 5, 1, 2, tzinfo=UTC)

    def now(self) -> datetime:
        self.date += timedelta(seconds=1)
        return self.date

    def monotonic_s(self) -> float:
        return self.date.timestamp()

    def sleep(self, seconds: float) -> None:
        self.date += timedelta(seconds=seconds)


def lay_artifact(folder, name: str, latency_ms: float = 20.0) -> None:
    """An artifact that only a simulated phone can run, with checksums that hold."""
    made = synthetic_artifact(folder / name, name, latency_ms)
    made.model_path.write_bytes(name.encode())
    manifest = made.manifest.model_copy(update={"sha256": sha256_of(made.model_path)})
    manifest.save(made.folder / "manifest.json")


class OfKind(SimulatedDevice):
    """A simulated phone that calls itself something else."""

    def __init__(self, kind: DeviceKind, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self._kind = kind

    def profile(self):
        return super().profile().model_copy(update={"kind": self._kind})


class Rack:
    """A suite, its history and its phones; every night opens fresh ones."""

    def __init__(self, folder, text=SUITE) -> None:
        for name in ("steady", "other"):
            lay_artifact(folder, name)
        self.path = folder / "suite.toml"
        self.path.write_text(text)
        self.clock = Evening()
        self.spec = PRESETS["pixel"]
        self.faults: dict[str, tuple[Fault, ...]] = {}
        self.serials: dict[str, str] = {}
        self.kind: DeviceKind = "simulated"
        self.gone: set[str] = set()
        self.unknown: set[str] = set()
        self.refused: set[str] = set()
        self.up_s: float | None = None
        self.opened: list[str] = []
        self.lenient = False

    def open(self, name):
        self.opened.append(name)
        if name in self.gone:
            raise DeviceFailure(f"device {name} does not answer: look at its cable")
        if name in self.unknown:
            raise DeviceUnknownError(f"no device is called {name!r}: choose one of auto, host")
        if name in self.refused:
            raise RequestError(f"no runner fits {name}")
        serial = self.serials.get(name, name)
        faults = self.faults.get(name, ())
        return OfKind(self.kind, self.spec, serial=serial, faults=faults, up_s=self.up_s)

    def night(self, choices=Choices()):  # noqa: B008
        suite = load_suite(self.path, files=not self.lenient)
        with open_history(suite.history_url) as history:
            return NightRun(suite, history, choices, clock=self.clock, open_device=self.open).run()

    def history(self):
        return open_history(load_suite(self.path).history_url)


@pytest.fixture
def rack(tmp_path):
    return Rack(tmp_path)


def test_a_night_measures_judges_and_stores(rack):
    first, second = rack.night(), rack.night()
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert {v.status for v in first.verdicts if v.metric != "runs"} == {Status.NEW}
    assert {v.series.device for v in second.verdicts} == {"sim:one"}
    assert {v.metric for v in second.verdicts} == {
        "latency", "first_run", "memory", "delegation", "runs",
    }  # fmt: skip
    assert second.devices[0].sentinel_ms > 0
    with rack.history() as history:
        trail = history.trails("rack", "sim:one", "default")["other"]
        (epoch,) = history.epochs("rack")
    assert [p.night for p in trail.points["latency"]] == [1, 2]
    assert epoch.sentinel_reference_ms == pytest.approx(first.devices[0].sentinel_ms)


def test_a_clock_that_was_set_back_is_told_and_loses_nothing(rack):
    rack.night()
    rack.clock.date -= timedelta(days=400)
    result = rack.night()
    assert result.night.number == 2
    assert any("which is before night 1" in note for note in result.notes)
    assert {v.baseline_night for v in result.verdicts if v.metric == "latency"} == {1}


def test_a_baseline_of_the_device_as_it_was_is_told_and_not_compared_with(rack):
    rack.night()
    with rack.history() as history:
        history.accept("rack", 1, [], rack.clock.now())
    rack.spec = replace(rack.spec, model="another phone in the same place")
    result = rack.night()
    assert any("a new baseline starts on sim:one: device changed from" in n for n in result.notes)
    assert any(
        "the baseline of night 1 was measured on sim:one as it was before" in note
        and "accept a night since night 2 instead" in note
        for note in result.notes
    )
    assert {v.status for v in result.verdicts if v.metric == "latency"} == {Status.NEW}


def test_a_lost_device_is_exit_3_and_the_other_is_measured(tmp_path):
    text = SUITE.replace('["sim:one"]', '["sim:one", "sim:two"]')
    rack = Rack(tmp_path, text)
    rack.faults["sim:one"] = (Fault(FaultKind.LOST, step="run"),)
    result = rack.night()
    assert result.exit_code == 3
    assert ["does not answer" in device.failure for device in result.devices] == [True, False]
    assert {v.series.device for v in result.verdicts} == {"sim:two"}
    rack.faults.clear()
    assert rack.night().exit_code == 0


def two_phones(tmp_path):
    return Rack(tmp_path, SUITE.replace('["sim:one"]', '["sim:one", "sim:two"]'))


@pytest.mark.parametrize("missing", ["sim:one", "sim:two"])
def test_an_unplugged_device_is_exit_3_and_the_other_is_measured(tmp_path, missing):
    """adb does not list it at all, so that nothing answers to its name."""
    rack = two_phones(tmp_path)
    rack.unknown = {missing}
    for number in (1, 2):
        result = rack.night()
        assert (result.night.number, result.exit_code) == (number, 3)
        assert {one.device for one in result.devices if one.failure} == {missing}
        assert {v.series.device for v in result.verdicts} == {"sim:one", "sim:two"} - {missing}
    rack.unknown = {"sim:one", "sim:two"}
    assert rack.night().exit_code == 3
    with rack.history() as history:
        assert [night.exit_code for night in history.nights("rack")] == [3, 3, 3]


def test_a_request_that_does_not_fit_one_device_leaves_the_others(tmp_path):
    rack = two_phones(tmp_path)
    rack.refused = {"sim:two"}
    result = rack.night()
    assert [one.failure for one in result.devices] == ["", "no runner fits sim:two"]
    assert result.exit_code == 3


def test_a_suite_that_fits_no_device_and_never_did_is_wrong(rack):
    rack.unknown = {"sim:one"}
    with pytest.raises(DeviceUnknownError, match="no device is called 'sim:one'"):
        rack.night()


def test_auto_is_no_computer_where_it_was_a_phone(tmp_path):
    rack = Rack(tmp_path, SUITE.replace("sim:one", "auto"))
    rack.serials["auto"], rack.kind = "R58", "phone"
    assert rack.night().exit_code == 0
    rack.serials["auto"], rack.kind = "host", "host"
    for _ in range(2):
        result = rack.night()
        assert result.exit_code == 3
        (device,) = result.devices
        assert "'auto' would be host tonight, and earlier nights were measured on R58" in (
            device.failure
        )
        assert (result.verdicts, result.notes) == ((), ())
    # Named, it is meant.
    rack.path.write_text(rack.path.read_text().replace("auto", "host"))
    assert rack.night().exit_code == 0


def test_another_phone_in_the_place_of_the_first_is_told(tmp_path):
    rack = Rack(tmp_path, SUITE.replace("sim:one", "auto"))
    rack.serials["auto"] = "R58"
    rack.night()
    rack.serials["auto"] = "R59"
    result = rack.night()
    assert result.notes[-1] == (
        "night 1 measured on R58 (default), which is none of tonight's devices: nothing is said "
        "of it"
    )
    assert rack.night().notes == ()


def test_a_model_that_the_suite_has_no_more_is_told(rack):
    rack.night()
    rack.path.write_text(rack.path.read_text().replace('name = "other"', 'name = "renamed"'))
    result = rack.night()
    assert result.notes[-1] == (
        "night 1 measured other, which the suite does not have any more: nothing is said of it"
    )
    assert rack.night().notes == ()


@pytest.mark.parametrize("file", ["model.pte", "manifest.json", "."])
def test_a_model_whose_file_is_gone_is_red_and_the_others_are_measured(rack, tmp_path, file):
    """As where one of many exports failed in the evening."""
    rack.night()
    gone = tmp_path / "other" / file
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    rack.lenient = True
    result = rack.night()
    assert result.exit_code == 1
    (red,) = [one for one in result.verdicts if one.status is Status.REGRESSION]
    assert (red.series.model, red.metric) == ("other", "runs")
    assert "does not run (export_failed)" in red.sentence
    assert {one.series.model for one in result.verdicts} == {"steady", "other"}


def test_a_file_that_never_was_there_is_a_wrong_request(rack, tmp_path):
    shutil.rmtree(tmp_path / "other")
    rack.lenient = True
    with pytest.raises(SuiteError, match=r"model 'other': artifact: .* does not exist"):
        rack.night()


def test_waiting_for_the_device_makes_no_session_longer(rack, monkeypatch):
    usual = rack.night().devices[0].session_s
    lease, waited = SimulatedDevice.lease, []

    def after_an_hour(device, wait_s=0.0):
        if not waited:
            waited.append(device)
            device.clock.sleep(3600)
        return lease(device, wait_s)

    monkeypatch.setattr(SimulatedDevice, "lease", after_an_hour)
    assert rack.night().devices[0].session_s == pytest.approx(usual, rel=0.2)


def test_a_device_named_twice_is_refused_and_that_night_counts_for_nothing(rack, tmp_path):
    rack.path.write_text(rack.path.read_text().replace('["sim:one"]', '["sim:one", "auto"]'))
    rack.serials["auto"] = "sim:one"
    with pytest.raises(SuiteError, match="names device sim:one twice: as 'sim:one' and as 'auto'"):
        rack.night()
    rack.path.write_text(rack.path.read_text().replace(', "auto"', ""))
    result = rack.night()
    assert any("night 1 never finished" in note for note in result.notes)
    with rack.history() as history:
        assert [night.status for night in history.nights("rack")] == [
            NightStatus.ABANDONED, NightStatus.FINISHED,
        ]  # fmt: skip


def test_a_night_beside_the_row_is_compared_and_never_compared_with(rack):
    rack.night()
    result = rack.night(Choices(only=("other",), since=1, aside=True))
    assert {v.series.model for v in result.verdicts} == {"other"}
    assert {v.baseline_night for v in result.verdicts if v.metric == "latency"} == {1}
    with rack.history() as history:
        trail = history.trails("rack", "sim:one", "default")["other"]
    assert [p.night for p in trail.points["latency"]] == [1]


def test_a_commit_at_which_the_model_cannot_be_exported_is_not_the_bad_one(rack, monkeypatch):
    prepare = night_module.prepare

    def broken(*arguments):
        made = prepare(*arguments)
        return replace(made, models=made.models | {"other": "no such operator"})

    rack.night()
    aside = Choices(only=("other",), aside=True)
    monkeypatch.setattr(night_module, "prepare", broken)
    tried = rack.night(aside)
    assert tried.exit_code == 125
    assert headline(tried) == "Cannot tell: what looks worse could not be exported"
    # In the row of nights it is red, and then it is what is looked for.
    assert rack.night().exit_code == 1
    assert rack.night(aside).exit_code == 1


def test_a_budget_shrinks_the_sessions_and_says_so(rack):
    rack.path.write_text(
        rack.path.read_text().replace("sessions = 3", "sessions = 50\nbudget_min = 1")
    )
    rack.night()
    result = rack.night()
    (note,) = [note for note in result.notes if "to fit the night's 1 minutes" in note]
    sessions = int(note.split()[0])
    assert 3 <= sessions < 50
    assert {len(seen.readings["latency"]) for seen in result.observations if seen.attempt == 0} == {
        sessions
    }


def test_a_clock_that_is_set_in_the_night_spends_no_budget(tmp_path):
    """As on a computer that learns the date from the network, a while after its start."""
    rack = two_phones(tmp_path)
    rack.path.write_text(rack.path.read_text() + "budget_min = 600\n")

    class LearnsTheDate(Evening):
        def now(self):
            return super().now() + timedelta(days=20_000 if rack.opened else 0)

    rack.clock = LearnsTheDate()
    assert rack.night().exit_code == 0


@pytest.mark.parametrize(
    ("choices", "error", "sentence"),
    [
        (Choices(only=("nobody",)), SuiteError, "has no model 'nobody': it has steady, other"),
        (Choices(since=9), BaselineError, "night 9 is no finished night"),
    ],
)
def test_choices_that_cannot_be(rack, choices, error, sentence):
    with pytest.raises(error, match=sentence):
        rack.night(choices)
    with rack.history() as history:
        assert history.nights("rack") == []


def test_a_model_of_another_precision_is_not_compared_with_itself(rack, tmp_path):
    def become(precision, pixels=""):
        artifact = load_artifact(tmp_path / "other")
        key = f"n8_h8_r1_w4_x4_p1_64x64_{precision}_xnnpack_direct3072{pixels}"
        artifact.manifest.model_copy(update={"candidate_key": key}).save(
            artifact.folder / "manifest.json"
        )

    become("fp32")
    rack.night()
    become("int8")
    with pytest.raises(SuiteError, match="model 'other' is int8 now, and its earlier nights were "
                       "fp32: nights of two precisions are not compared"):  # fmt: skip
        rack.night()
    become("fp32", "_uint8")
    with pytest.raises(SuiteError, match=r"'other' is fp32 on pixels now, .* nights were fp32: "):
        rack.night()
    with rack.history() as history:
        assert len(history.nights("rack")) == 1
    become("fp32")
    assert rack.night().exit_code == 0
