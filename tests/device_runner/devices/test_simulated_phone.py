"""What the simulated phone does over time, as seen through the seam of a device."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_runner import (
    DeviceLost,
    DeviceUnknownError,
    InputRefusedError,
    MeasurePlan,
    Outcome,
    RunReport,
    RunRequest,
    TimingPlan,
    measure,
    open_device,
)
from device_runner.devices.discovery import Survey
from device_runner.devices.listing import look, show
from device_runner.devices.simulated import (
    PRESETS,
    Fault,
    FaultKind,
    PhoneSpec,
    SimulatedClock,
    SimulatedDevice,
    synthetic_artifact,
)
from foundation import Artifact

PIXEL = PRESETS["pixel"]
TIMING = TimingPlan(min_iterations=10, min_time_s=1.0)


@pytest.fixture
def model(tmp_path: Path) -> Artifact:
    return synthetic_artifact(tmp_path, "made-up", 50.0)


def timed(device: SimulatedDevice, artifact: Artifact, **changes: object) -> RunReport:
    request = RunRequest(
        artifact, (artifact.check_input_path,), threads=1, timing=TIMING, timeout_s=1000.0
    )
    with device.lease():
        return device.run(replace(request, **changes))  # type: ignore[arg-type]


def medians_ms(device: SimulatedDevice, artifact: Artifact, sessions: int) -> list[float]:
    found = []
    for _ in range(sessions):
        session = timed(device, artifact).session
        assert session is not None
        found.append(session.median_ms)
    return found


def quiet(spec: PhoneSpec) -> PhoneSpec:
    noise = replace(
        spec.noise, iteration_sigma=0, spike_chance=0, launch_sigma=0, misplaced_chance=0,
        drift_sigma=0,
    )  # fmt: skip
    return replace(spec, noise=noise)


def flags(device: SimulatedDevice) -> set[str]:
    return {flag for reading in device.conditions() for flag in reading.flags}


def test_same_seed_same_numbers_another_seed_others(model: Artifact) -> None:
    first, again, other = (
        medians_ms(SimulatedDevice(PIXEL, seed=seed), model, 3) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_measures_the_truth_when_nothing_disturbs(model: Artifact) -> None:
    device = SimulatedDevice(quiet(PIXEL))
    assert medians_ms(device, model, 1)[0] == pytest.approx(device.true_latency_ms(model), 1e-4)


def test_threads_scale_as_reported_of_a_pixel_6(tmp_path: Path) -> None:
    device, artifact = SimulatedDevice(PIXEL), synthetic_artifact(tmp_path, "reported", 9.8)
    found = [device.true_latency_ms(artifact, threads) for threads in (1, 4, 8)]
    assert found == pytest.approx([9.8, 6.7, 79.0], rel=0.02)


def test_slow_cores_are_slow_and_power_less(model: Artifact) -> None:
    device = SimulatedDevice(PIXEL)
    slowest, *_, fastest = device.clusters()
    assert device.true_latency_ms(model, 2, slowest) > 2 * device.true_latency_ms(model, 2, fastest)
    hot, cool = (SimulatedDevice(quiet(PIXEL)) for _ in range(2))
    long = TimingPlan(min_time_s=120.0)
    reports = [
        timed(one, model, threads=2, cpus=cpus, timing=long)
        for one, cpus in ((hot, fastest), (cool, slowest))
    ]
    sessions = [report.session for report in reports]
    assert sessions[0] is not None
    assert sessions[1] is not None
    assert sessions[0].temperature_c_after[0] > sessions[1].temperature_c_after[0] + 2


def test_iterations_are_skewed_and_their_median_is_not_moved(model: Artifact) -> None:
    spec = replace(PIXEL, noise=replace(PIXEL.noise, launch_sigma=0, drift_sigma=0))
    device = SimulatedDevice(replace(spec, noise=replace(spec.noise, misplaced_chance=0)))
    report = timed(device, model, timing=TimingPlan(min_iterations=3000, min_time_s=0))
    assert report.session is not None
    logs = np.log(np.array(report.session.iteration_ns) / 1e6)
    low, middle, high = np.percentile(logs, [5, 50, 95])
    assert high - middle > 2 * (middle - low)
    # Heat moves it a little; noise does not.
    assert middle == pytest.approx(np.log(device.true_latency_ms(model)), abs=0.03)


def test_launches_differ_more_than_the_halves_of_one(model: Artifact) -> None:
    device = SimulatedDevice(PIXEL, seed=5)
    sessions = [timed(device, model, timing=TimingPlan(min_iterations=200)) for _ in range(12)]
    halves = []
    for report in sessions:
        assert report.session is not None
        times = np.array(report.session.iteration_ns)
        halves.append([np.median(times[::2]), np.median(times[1::2])])
    logs = np.log(np.array(halves))
    assert logs.mean(axis=1).std() > 2 * (logs[:, 0] - logs[:, 1]).std()


def test_load_heats_throttles_and_idling_cools(model: Artifact) -> None:
    device = SimulatedDevice(quiet(PIXEL))
    cold = medians_ms(device, model, 1)[0]
    for _ in range(20):
        timed(device, model, threads=4, timing=TimingPlan(min_time_s=60.0))
    assert "throttled" in flags(device)
    hot = medians_ms(device, model, 1)[0]
    assert hot > 1.15 * cold
    device.clock.sleep(3600)
    assert not flags(device)
    assert medians_ms(device, model, 1)[0] == pytest.approx(cold, rel=0.01)


def test_slows_down_before_it_says_so(model: Artifact) -> None:
    device = SimulatedDevice(quiet(PIXEL))
    cold = medians_ms(device, model, 1)[0]
    for _ in range(200):
        if medians_ms(device, model, 1)[0] > 1.05 * cold:
            break
        timed(device, model, threads=4, timing=TimingPlan(min_time_s=10.0))
    else:
        pytest.fail("it did not slow down")
    assert not flags(device)


@given(st.lists(st.tuples(st.floats(0, 2000), st.booleans()), max_size=20))
def test_temperature_stays_between_ambient_and_full_load(steps: list[tuple[float, bool]]) -> None:
    from device_runner.devices.simulated.body import Body

    clock = SimulatedClock()
    body = Body(PIXEL, clock, np.random.default_rng(0))
    for seconds, busy in steps:
        if busy:
            body.work(seconds, 1.0)
        else:
            clock.sleep(seconds)
        body.catch_up()
        heat = PIXEL.heat
        assert heat.ambient_c <= body.temperature_c <= heat.ambient_c + heat.rise_c
        assert 0.3 <= body.speed() <= 1.0
        assert 0 < body.percent <= 100
        assert 0 <= body.status <= 6


def test_battery_drains_saves_and_is_flagged(model: Artifact) -> None:
    spec = replace(quiet(PIXEL), battery=replace(PIXEL.battery, percent=16.0, charging=False))
    device = SimulatedDevice(spec)
    assert flags(device) == {"low_battery"}
    full = medians_ms(device, model, 1)[0]
    timed(device, model, timing=TimingPlan(min_time_s=900.0))
    device.clock.sleep(3600)
    assert medians_ms(device, model, 1)[0] > 1.2 * full
    charging = SimulatedDevice(replace(spec, battery=replace(spec.battery, charging=True)))
    charging.clock.sleep(3600)
    assert not flags(charging)


def test_screen_goes_off_and_the_phone_slows_down(model: Artifact) -> None:
    device = SimulatedDevice(replace(quiet(PIXEL), screen_off_after_s=100.0))
    lit = medians_ms(device, model, 1)[0]
    device.clock.sleep(100)
    assert flags(device) == {"screen_off"}
    assert medians_ms(device, model, 1)[0] > 1.5 * lit


@pytest.mark.parametrize("step", ["push", "run", "pull"])
def test_lost_device_is_back_after_its_time(model: Artifact, step: str, tmp_path: Path) -> None:
    fault = Fault(FaultKind.LOST, step=step, times=1, returns_after_s=25.0)
    device = SimulatedDevice(PIXEL, faults=(fault,))
    with pytest.raises(DeviceLost, match="sim:pixel"):
        timed(device, model, output_dir=tmp_path / "out")
    with pytest.raises(DeviceLost):
        device.profile()
    device.clock.sleep(30)
    assert timed(device, model, output_dir=tmp_path / "out").outcome is Outcome.OK


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        (FaultKind.CRASH, Outcome.CRASHED),
        (FaultKind.HANG, Outcome.TIMED_OUT),
        (FaultKind.OUT_OF_MEMORY, Outcome.OUT_OF_MEMORY),
    ],
)
def test_faults_of_a_candidate_are_outcomes(
    tmp_path: Path, kind: FaultKind, outcome: Outcome
) -> None:
    bad, good = (synthetic_artifact(tmp_path, name, 20.0) for name in ("bad", "good"))
    device = SimulatedDevice(PIXEL, faults=(Fault(kind, candidate_key="bad", first=2, times=1),))
    outcomes = [timed(device, artifact).outcome for artifact in (bad, good, bad, bad)]
    assert outcomes == [Outcome.OK, Outcome.OK, outcome, Outcome.OK]


def test_hang_costs_its_limit_on_the_phones_clock_only(model: Artifact) -> None:
    device = SimulatedDevice(PIXEL, faults=(Fault(FaultKind.HANG),))
    before = device.clock.monotonic_s()
    report = timed(device, model, timeout_s=7200.0)
    assert report.outcome is Outcome.TIMED_OUT
    assert report.duration_s == pytest.approx(7200.0)
    assert device.clock.monotonic_s() - before == pytest.approx(7200.0)


def test_synthetic_artifact_has_no_answer_to_another_input(model: Artifact, tmp_path: Path) -> None:
    other = tmp_path / "other.bin"
    other.write_bytes(bytes(48))
    with pytest.raises(InputRefusedError, match="check input only"):
        timed(SimulatedDevice(PIXEL), model, inputs=(other,), output_dir=tmp_path / "out")


def test_truth_of_a_real_manifest_follows_its_work(model: Artifact) -> None:
    device = SimulatedDevice(PIXEL)
    found = []
    for macs in (0, 10**9, 10**10):
        manifest = model.manifest.model_copy(update={"deployment": {}, "macs": macs})
        found.append(device.true_latency_ms(replace(model, manifest=manifest)))
    assert all(fast < slow for fast, slow in itertools.pairwise(found))


def test_measured_numbers_are_marked_as_simulated(model: Artifact) -> None:
    found = measure(SimulatedDevice(PIXEL), model, MeasurePlan(sessions=3))
    assert found.device.kind == "simulated"
    assert "simulated" in found.flags
    assert "simulated" in found.device.stand_in_note


class TestNames:
    def test_preset_with_options(self) -> None:
        device = open_device("sim:pixel?ambient_c=40&battery_percent=20&charging=0&seed=3").device
        assert device.serial.startswith("sim:pixel?")
        assert "low_battery" in {flag for one in device.conditions() for flag in one.flags}
        assert device.profile().key != open_device("sim:pixel").device.profile().key

    def test_another_seed_is_another_specimen_of_the_same_profile(self) -> None:
        keys = {open_device(f"sim:pixel?seed={seed}").device.profile().key for seed in (1, 2)}
        assert len(keys) == 1

    @pytest.mark.parametrize(
        ("name", "hint"),
        [
            ("sim:", "sim:pixel"),
            ("sim:nokia", "sim:midrange"),
            ("sim:pixel?colour=red", "battery_percent"),
            ("sim:pixel?ambient_c=hot", "from -20 to 60"),
            ("sim:pixel?ambient_c=nan", "from -20 to 60"),
            ("sim:pixel?seed", "write them as"),
            ("sim:pixel?seed=-1", "from 0"),
            ("sim:" + "x" * 10_000, "choose one of"),
        ],
    )
    def test_wrong_name_says_what_is_right(self, name: str, hint: str) -> None:
        with pytest.raises(DeviceUnknownError, match=hint) as caught:
            open_device(name)
        assert len(str(caught.value)) < 1000


def test_list_of_devices_names_them_without_listing_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show(look(Survey(devices=(open_device("host").device,), unready=())), "")
    listed, _, hint = " ".join(capsys.readouterr().out.split()).partition("No phone at hand?")
    assert "simulated" in hint
    assert all(f"sim:{name}" in hint for name in PRESETS)
    assert "sim:" not in listed


def test_clock_jumps_in_its_date_only() -> None:
    clock = SimulatedClock()
    before = clock.now()
    clock.jump(-3600)
    assert (clock.now() - before).total_seconds() == -3600
    assert clock.monotonic_s() == 0
    with pytest.raises(ValueError, match="backwards"):
        clock.sleep(-1)
