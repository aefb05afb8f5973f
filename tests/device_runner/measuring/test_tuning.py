"""The sweep over threads and cores: it finds what is best on phones whose truth is known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import mobilesr_tune
from device_runner import DeviceLost, MeasurementFailed, MeasurePlan, TimingPlan
from device_runner.devices.simulated import (
    PRESETS,
    Fault,
    FaultKind,
    SimulatedDevice,
    synthetic_artifact,
)
from device_runner.measuring.tuned import (
    TuningReport,
    remember,
    tuned_choice,
    tuned_strip_kb,
    tuning_file,
)
from device_runner.measuring.tuning import UNDECIDED, settings_of, tune
from foundation import Artifact

PLAN = MeasurePlan(sessions=7, timing=TimingPlan(min_iterations=10, min_time_s=0.5))


@pytest.fixture
def artifact(tmp_path: Path) -> Artifact:
    return synthetic_artifact(tmp_path, "tuned with this", 60.0)


def test_settings_cover_every_kind_of_core() -> None:
    found = settings_of(SimulatedDevice(PRESETS["pixel"]))
    assert {one.placement for one in found} == {"any", "big", "fastest", "little"}
    assert {one.threads for one in found if one.placement == "any"} == {1, 2, 4, 7, 8}
    assert all(one.threads <= (len(one.cpus) or 8) for one in found)
    one_kind = settings_of(SimulatedDevice(PRESETS["watch"]))
    assert {one.placement for one in one_kind} == {"any"}


@pytest.mark.parametrize("preset", sorted(PRESETS))
@pytest.mark.parametrize("latency_ms", [9.8, 60.0])
@pytest.mark.parametrize("seed", [0, 1])
def test_chosen_setting_is_near_the_true_best(
    tmp_path: Path, preset: str, latency_ms: float, seed: int
) -> None:
    device = SimulatedDevice(PRESETS[preset], seed=seed)
    artifact = synthetic_artifact(tmp_path, "model", latency_ms)
    report = tune(device, artifact, PLAN)
    truths = [device.true_latency_ms(artifact, one.threads, one.cpus) for one in report.settings]
    assert truths[report.chosen] <= UNDECIDED * min(truths)


def test_of_settings_as_fast_the_fewest_threads_win(tmp_path: Path) -> None:
    device = SimulatedDevice(PRESETS["pixel"])
    # Nearly all waiting: two and three threads are equal, as its truth says.
    artifact = synthetic_artifact(tmp_path, "model", 9.8)
    two, three = (device.true_latency_ms(artifact, threads, (4, 5, 6, 7)) for threads in (2, 3))
    assert three == pytest.approx(two, rel=0.02)
    assert tune(device, artifact, PLAN).best.threads == 2


def test_hopeless_settings_are_given_up_and_say_so(artifact: Artifact) -> None:
    report = tune(SimulatedDevice(PRESETS["pixel"]), artifact, PLAN)
    crowded = next(one for one in report.settings if (one.threads, one.placement) == (8, "any"))
    assert crowded.sessions == 1
    assert crowded.latency_ms is not None
    assert crowded.low_ms is None
    assert report.best.sessions == PLAN.sessions
    assert report.best.low_ms is not None
    assert report.best.latency_ms is not None
    assert report.best.high_ms is not None
    assert report.best.low_ms <= report.best.latency_ms <= report.best.high_ms


def test_a_hot_device_is_tuned_within_bounds_and_flagged(artifact: Artifact) -> None:
    device = SimulatedDevice(PRESETS["watch"])
    report = tune(device, artifact, PLAN)
    assert {"simulated", "throttled"} <= set(report.flags)
    assert device.clock.monotonic_s() < PLAN.cooldown_s + 600


def test_artifact_that_does_not_run_is_an_error(artifact: Artifact) -> None:
    device = SimulatedDevice(PRESETS["pixel"], faults=(Fault(FaultKind.CRASH),))
    with pytest.raises(MeasurementFailed, match="SIGSEGV"):
        tune(device, artifact, PLAN)


@pytest.mark.parametrize("launch", range(1, 6))
def test_setting_that_fails_loses(artifact: Artifact, launch: int) -> None:
    # Any of the first round's five, the sentinel among them: the sweep goes on.
    fault = Fault(FaultKind.HANG, first=launch, times=1, timed_only=True)
    device = SimulatedDevice(PRESETS["watch"], seed=3, faults=(fault,))
    report = tune(device, artifact, PLAN)
    failed = [one for one in report.settings if one.failure]
    assert len(failed) + ("sentinel_failed" in report.flags) == 1
    assert all("stopped at its limit" in one.failure for one in failed)
    assert not report.best.failure


def forms(folder: Path, latencies_ms: dict[int, float]) -> dict[int, Artifact]:
    return {kb: synthetic_artifact(folder, f"cut for {kb}", ms) for kb, ms in latencies_ms.items()}


@pytest.mark.parametrize(
    ("latencies_ms", "best_kb"),
    [
        ({3072: 60.0, 512: 48.0, 0: 75.0}, 512),
        ({3072: 60.0, 512: 75.0, 0: 48.0}, 0),
        # As fast: the usual one stays.
        ({3072: 60.0, 512: 60.0, 0: 60.0}, 3072),
        ({3072: 48.0, 512: 60.0, 0: 75.0}, 3072),
    ],
)
def test_the_cut_that_is_fastest_is_kept_for_the_profile(
    tmp_path: Path, latencies_ms: dict[int, float], best_kb: int
) -> None:
    cut = forms(tmp_path, latencies_ms)
    device = SimulatedDevice(PRESETS["pixel"])
    assert tuned_strip_kb(device.profile()) is None
    report = tune(device, cut[3072], PLAN, cut=cut)
    assert report.strip_kb == best_kb
    assert [one.strip_kb for one in report.strips] == list(latencies_ms)
    assert {(one.threads, one.cpus) for one in report.strips} == {
        (report.best.threads, report.best.cpus)
    }
    remember(report)
    assert tuned_strip_kb(device.profile()) == best_kb
    assert tuned_strip_kb(SimulatedDevice(PRESETS["watch"]).profile()) is None


def test_a_form_that_does_not_run_is_not_chosen(tmp_path: Path) -> None:
    cut = forms(tmp_path, {3072: 60.0, 512: 48.0})
    fault = Fault(FaultKind.CRASH, candidate_key="cut for 512", timed_only=True)
    report = tune(SimulatedDevice(PRESETS["pixel"], faults=(fault,)), cut[3072], PLAN, cut=cut)
    assert report.strip_kb == 3072
    assert "SIGSEGV" in report.strips[1].failure
    never = Fault(FaultKind.CRASH, candidate_key="cut for 512")
    with pytest.raises(MeasurementFailed, match="SIGSEGV"):
        tune(SimulatedDevice(PRESETS["pixel"], faults=(never,)), cut[3072], PLAN, cut=cut)


def test_a_report_from_before_strips_is_read(artifact: Artifact) -> None:
    report = tune(SimulatedDevice(PRESETS["pixel"]), artifact, PLAN)
    old = report.to_dict() | {"schema": "tuning/1"}
    for setting in old["settings"]:
        del setting["strip_kb"]
    del old["strips"], old["strip_kb"]
    path = tuning_file(report.profile)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(old))
    assert TuningReport.load(path) == report
    assert tuned_choice(report.profile) is not None
    assert tuned_strip_kb(report.profile) is None


def test_lost_device_is_an_error_and_the_lease_is_free(artifact: Artifact) -> None:
    device = SimulatedDevice(PRESETS["pixel"], faults=(Fault(FaultKind.LOST, first=9),))
    with pytest.raises(DeviceLost):
        tune(device, artifact, PLAN)
    with SimulatedDevice(PRESETS["pixel"]).lease():
        pass


class TestRemembering:
    @pytest.fixture
    def report(self, artifact: Artifact) -> TuningReport:
        return tune(SimulatedDevice(PRESETS["midrange"]), artifact, PLAN)

    def test_device_of_the_profile_suggests_it(self, report: TuningReport) -> None:
        device = SimulatedDevice(PRESETS["midrange"], seed=9)
        before = device.suggest_threads()
        remember(report)
        after = device.suggest_threads()
        assert (after.threads, after.cpus) == (report.best.threads, report.best.cpus)
        assert "tuned" in after.why
        assert "tuned" not in before.why

    def test_another_profile_does_not(self, report: TuningReport) -> None:
        remember(report)
        assert tuned_choice(SimulatedDevice(PRESETS["pixel"]).profile()) is None

    @pytest.mark.parametrize("content", ["", "{}", '{"schema": "tuning/99"}', "\x00"])
    def test_damaged_memory_counts_as_none(self, report: TuningReport, content: str) -> None:
        tuning_file(report.profile).parent.mkdir(parents=True)
        tuning_file(report.profile).write_text(content)
        assert tuned_choice(report.profile) is None
        remember(report)
        assert tuned_choice(report.profile) is not None

    def test_report_reads_back(self, report: TuningReport) -> None:
        assert TuningReport.load(remember(report)) == report


@pytest.mark.usefixtures("_loud_again")
class TestCommand:
    def test_tells_the_best_and_keeps_it(self, small_artifact: Artifact) -> None:
        done = CliRunner().invoke(
            mobilesr_tune.app,
            ["devices", "--tune", "sim:pixel", "--artifact", str(small_artifact.folder)],
        )
        assert done.exit_code == 0, done.output
        assert "Best:" in done.output
        assert "simulated" in done.output
        kept = tuned_choice(SimulatedDevice(PRESETS["pixel"]).profile())
        assert kept is not None
        assert f"Best: {kept.threads} thread" in done.output
