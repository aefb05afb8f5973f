from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import typer
from scripted_device import FakeClock, ScriptedDevice
from typer.testing import CliRunner

from device_runner import (
    HostDevice,
    InputRefusedError,
    Measurement,
    MeasurementFailed,
    MeasurePlan,
    Outcome,
    Progress,
    RunReport,
    RunRequest,
    SessionRecord,
    TimingPlan,
    infer,
    measure,
    measure_together,
    verify,
)
from device_runner.commands.bench_output import BenchResult, show
from device_runner.commands.cli import register
from device_runner.measuring import estimate_of, flags_of
from device_runner.records import OutputSeen, SentinelTrack
from foundation import Artifact

QUICK = TimingPlan(min_warmup=1, max_warmup=30, min_iterations=3, min_time_s=0.0)


def session(*iteration_ms: float, settled: bool = True, peak_reset: bool = True) -> SessionRecord:
    return SessionRecord(
        program_load_ms=1.0,
        method_load_ms=2.0,
        first_run_ms=5.0,
        warmup_settled=settled,
        iteration_ns=tuple(int(ms * 1e6) for ms in iteration_ms),
        iteration_start_ns=tuple(range(len(iteration_ms))),
        rss_before_mb=100.0,
        rss_after_load_mb=110.0,
        rss_after_mb=120.0,
        peak_rss_mb=160.0,
        peak_reset=peak_reset,
        threads=2,
        runtime_version="1.4.1",
        outputs_seen=(OutputSeen(digest="same", executions=1 + len(iteration_ms)),),
    )


class CountingHost(HostDevice):
    """The host, remembering what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[RunRequest] = []

    def run(self, request: RunRequest) -> RunReport:
        self.requests.append(request)
        return super().run(request)


def test_measurement_is_whole_and_survives_its_file(artifact: Artifact, tmp_path: Path) -> None:
    seen: list[Progress] = []
    measurement = measure(
        HostDevice(),
        artifact,
        MeasurePlan(sessions=2, timing=QUICK, threads=2),
        on_progress=seen.append,
    )
    assert measurement.verification.passed
    assert measurement.verification.max_abs_error < 1e-5
    assert [len(s.iteration_ns) for s in measurement.sessions] == [3, 3]
    estimate = measurement.estimate
    assert estimate.latency_low_ms <= estimate.latency_ms <= estimate.latency_high_ms
    assert estimate.iterations == 6
    assert {"host", "few_sessions"} <= set(measurement.flags)
    assert measurement.threads == 2
    assert measurement.started_at < measurement.finished_at
    assert [(slot.round, slot.position) for slot in measurement.slots] == [(0, 0), (1, 0)]
    assert measurement.sentinel is None
    assert [(p.done, p.total) for p in seen] == [(0, 3), (1, 3), (2, 3), (3, 3)]
    measurement.save(tmp_path / "m.json")
    assert Measurement.load(tmp_path / "m.json") == measurement


@pytest.mark.parametrize("disturbance", [0.01, float("nan"), float("inf")])
def test_wrong_answer_is_not_timed(
    artifact: Artifact, altered: Callable[[str, bytes], Artifact], disturbance: float
) -> None:
    expected = np.fromfile(artifact.check_output_path, "<f4")
    expected[7] += disturbance
    wrong = altered("check_output.bin", expected.tobytes())
    device = CountingHost()
    with pytest.raises(MeasurementFailed, match="answers wrongly") as caught:
        measure(device, wrong, MeasurePlan(timing=QUICK))
    assert caught.value.verification is not None
    assert not caught.value.verification.passed
    if disturbance == 0.01:
        assert caught.value.verification.max_abs_error == pytest.approx(0.01, rel=0.01)
    assert [request.timing for request in device.requests] == [None]


def test_verify_reports_the_error_against_the_tolerance(
    artifact: Artifact, with_tolerance: Callable[[float], Artifact]
) -> None:
    found = verify(HostDevice(), with_tolerance(0.5), threads=1, timeout_s=120)
    assert found.passed
    assert found.tolerance == 0.5


def test_candidate_that_fails_carries_its_report(altered: Callable[[str, bytes], Artifact]) -> None:
    with pytest.raises(MeasurementFailed, match="host") as caught:
        measure(HostDevice(), altered("model.pte", b"nothing"), MeasurePlan())
    assert caught.value.report.outcome is Outcome.BAD_FILE
    assert caught.value.exit_code == 3


def test_check_output_of_another_size_is_refused(
    artifact: Artifact, altered: Callable[[str, bytes], Artifact]
) -> None:
    short = altered("check_output.bin", artifact.check_output_path.read_bytes()[:-4])
    with pytest.raises(InputRefusedError, match="export the candidate again"):
        verify(HostDevice(), short, threads=1, timeout_s=120)


def test_infer_is_one_launch_of_rounded_images(artifact: Artifact) -> None:
    shape = artifact.manifest.inputs[0].shape
    image = np.fromfile(artifact.check_input_path, "<f4").reshape(shape)
    expected = np.fromfile(artifact.check_output_path, "<f4").reshape(3, 2 * shape[2], 2 * shape[3])
    device = CountingHost()
    found = infer(device, artifact, [image, image * 0, image], threads=1, timeout_s=120)
    assert len(device.requests) == 1
    assert [(a.shape, a.dtype) for a in found] == [(expected.shape, np.uint8)] * 3
    rounded = np.rint(np.clip(expected, 0, 1) * 255).astype(np.int16)
    # A float error of 1e-6 may cross one rounding edge.
    assert np.abs(found[0] - rounded).max() <= 1
    np.testing.assert_array_equal(found[0], found[2])
    assert infer(device, artifact, [], threads=1, timeout_s=1) == []


def test_pixels_go_in_and_come_out(pixel_artifact: Artifact, tmp_path: Path) -> None:
    found = verify(HostDevice(), pixel_artifact, threads=1, timeout_s=120)
    assert (found.passed, found.tolerance) == (True, 1.0)
    given = np.fromfile(pixel_artifact.check_input_path, np.uint8).reshape(1, 16, 16, 3)
    expected = np.fromfile(pixel_artifact.check_output_path, np.uint8).reshape(32, 32, 3)
    (answer,) = infer(HostDevice(), pixel_artifact, [given], threads=1, timeout_s=120)
    assert answer.shape == expected.shape
    assert np.abs(answer.astype(int) - expected).max() <= 1
    with pytest.raises(InputRefusedError, match=r"input 0 is float32 .* takes uint8 of shape"):
        infer(HostDevice(), pixel_artifact, [given.astype(np.float32)], threads=1, timeout_s=10)
    half = tmp_path / "half.bin"
    half.write_bytes(given.tobytes()[:384])
    sentence = "takes 768: give raw uint8 of shape 1x16x16x3"
    device = HostDevice()
    with device.lease(), pytest.raises(InputRefusedError, match=sentence):
        device.run(RunRequest(pixel_artifact, (half,)))


def test_a_level_that_is_off_by_four_is_wrong(pixel_artifact: Artifact, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(pixel_artifact.folder, tmp_path / "wrong"))
    levels = np.fromfile(folder / "check_output.bin", np.uint8)
    levels[7] = levels[7] + 4 if levels[7] < 128 else levels[7] - 4
    levels.tofile(folder / "check_output.bin")
    found = verify(
        HostDevice(), Artifact(folder, pixel_artifact.manifest), threads=1, timeout_s=120
    )
    assert not found.passed
    assert 3 <= found.max_abs_error <= 5


@pytest.mark.parametrize("change", ["shape", "dtype"])
def test_infer_refuses_what_does_not_fit(artifact: Artifact, change: str) -> None:
    shape = artifact.manifest.inputs[0].shape
    wrong = np.zeros((1, 3, 4, 4) if change == "shape" else shape, np.float64)
    if change == "shape":
        wrong = wrong.astype(np.float32)
    with pytest.raises(InputRefusedError, match="input 0"):
        infer(HostDevice(), artifact, [wrong], threads=1, timeout_s=10)


def test_estimate_and_its_flags() -> None:
    steady = [session(10, 10, 12), session(10, 10, 11), session(10, 10, 10)]
    estimate = estimate_of(steady)
    assert (estimate.latency_ms, estimate.peak_memory_mb, estimate.load_ms) == (10.0, 60.0, 3.0)
    assert flags_of("phone", steady, estimate, 2) == ()
    assert flags_of("host", steady, estimate, 4) == ("host", "threads_differ")
    shaky = [session(10), session(15), session(20, settled=False, peak_reset=False)]
    flags = flags_of("emulator", shaky, estimate_of(shaky), 2)
    assert flags == ("emulator", "noisy", "warmup_unsettled", "peak_memory_inexact")
    assert "few_sessions" in flags_of("phone", steady[:1], estimate, 2)


def test_what_lies_apart_is_flagged_and_stays_in() -> None:
    calm = [session(*[m - 0.1, m, m + 0.1] * 4) for m in (9.9, 9.95, 10, 10.05, 10.1)]
    assert flags_of("phone", calm, estimate_of(calm), 2) == ()
    slow = [*calm, session(*[14.9, 15, 15.1] * 4)]
    assert flags_of("phone", slow, estimate_of(slow), 2) == ("noisy", "outlying_session")
    assert estimate_of(slow).sessions == 6
    busy = [session(*[m - 0.1, m, m + 0.1] * 4, *[13] * 4) for m in (9.9, 9.95, 10, 10.05, 10.1)]
    assert flags_of("phone", busy, estimate_of(busy), 2) == ("disturbed",)
    # A slow round that the sentinel saw as well is no session apart.
    track = SentinelTrack(
        artifact_sha256="0" * 64,
        reference_ms=1.0,
        rounds=tuple(range(6)),
        started_s=tuple(float(second) for second in range(6)),
        median_ms=(1.0,) * 5 + (1.5,),
        drift=(1.0,) * 5 + (1.5,),
    )
    flags = flags_of("phone", slow, estimate_of(calm), 2, sentinel=track)
    assert flags == ("drifted",)


def test_session_without_timing_has_no_median() -> None:
    with pytest.raises(ValueError, match="nothing was timed"):
        _ = session().median_ms


@pytest.fixture
def app() -> typer.Typer:
    made = typer.Typer()
    register(made)
    return made


def test_bench_prints_a_table_or_only_json(
    app: typer.Typer, artifact: Artifact, tmp_path: Path
) -> None:
    arguments = ["bench", str(artifact.folder), "--sessions", "1", "--iterations", "2"]
    arguments += ["--min-time-s", "0", "--threads", "2"]
    plain = CliRunner().invoke(app, arguments, catch_exceptions=False, env={"COLUMNS": "120"})
    assert "numbers of the host computer, not of a phone" in " ".join(plain.stdout.split())
    for word in ("load", "first run", "median", "p10 / p90", "peak memory", "max abs error"):
        assert word in plain.stdout
    written = tmp_path / "m.json"
    machine = CliRunner().invoke(
        app, [*arguments, "--json", "--output", str(written)], catch_exceptions=False
    )
    answer = json.loads(machine.stdout)
    assert answer["measurement"] == Measurement.load(written).to_dict()
    assert answer["delegated_ops"] == 2
    assert "not of a phone" in answer["note"]


def test_bench_against_itself_claims_nothing_and_says_what_it_could_find(
    app: typer.Typer, artifact: Artifact
) -> None:
    arguments = ["bench", str(artifact.folder), "--against", str(artifact.folder)]
    arguments += ["--device", "host", "--iterations", "2", "--min-time-s", "0"]
    few = CliRunner().invoke(app, [*arguments, "--sessions", "2"], catch_exceptions=False)
    assert "2 rounds cannot tell them apart" in " ".join(few.stdout.split())
    some = CliRunner().invoke(app, [*arguments, "--sessions", "3", "--json"])
    found = json.loads(some.stdout)["against"]
    assert found["method"] == "t"
    assert found["low"] <= found["ratio"] <= found["high"]
    assert found["measurement"]["artifact_sha256"] == artifact.manifest.sha256


@pytest.mark.parametrize(
    ("second_ms", "said"),
    [(10.0, "No difference can be claimed"), (10.5, "is 4.8 % faster than"), (9.5, "slower than")],
)
def test_two_are_told_apart_only_by_evidence(
    artifact: Artifact, capsys: pytest.CaptureFixture[str], second_ms: float, said: str
) -> None:
    # Each session 0.1 % slower than the one before: no noise but drift.
    def latency_ms(one: Artifact, clock: FakeClock) -> float:
        device.count += 1
        base = second_ms if one is second else 10.0
        return base * (1 + 0.001 * device.count)

    device = ScriptedDevice(latency_ms)
    device.count = 0
    second = dataclasses.replace(artifact, folder=artifact.folder / ".")
    plan = MeasurePlan(sessions=8)
    pair = [
        m for m in measure_together(device, [artifact, second], plan) if isinstance(m, Measurement)
    ]
    show([artifact, second], BenchResult(tuple(pair), None))
    text = " ".join(capsys.readouterr().out.split())
    assert said in text
    assert "8 rounds find" in text


@pytest.mark.parametrize(("second_ms", "which"), [(13.0, "faster"), (7.0, "slower")])
def test_what_the_rounds_find_is_told_on_the_side_of_the_difference(
    artifact: Artifact, capsys: pytest.CaptureFixture[str], second_ms: float, which: str
) -> None:
    luck = iter(np.random.default_rng(3).lognormal(0, 0.15, 100))
    second = dataclasses.replace(artifact, folder=artifact.folder / ".")
    device = ScriptedDevice(lambda one, clock: next(luck) * (second_ms if one is second else 10.0))
    pair = measure_together(device, [artifact, second], MeasurePlan(sessions=8))
    result = BenchResult(tuple(m for m in pair if isinstance(m, Measurement)), None)
    show([artifact, second], result)
    text = " ".join(capsys.readouterr().out.split())
    # A slowdown is its ratio less one; as a speed-up the same ratio is fewer percent.
    ratio = 1 + result.detectable
    least = 100 * (ratio - 1 if which == "slower" else 1 - 1 / ratio)
    assert ratio > 1.2
    assert f"8 rounds find {least:.1f} % {which} or more in 95 cases of 100" in text


def test_devices_lists_the_host(app: typer.Typer) -> None:
    found = json.loads(CliRunner().invoke(app, ["devices", "--json"]).stdout)
    assert [device["serial"] for device in found] == ["host"]
    assert found[0]["threads"] >= 1
    assert "host" in CliRunner().invoke(app, ["devices"]).stdout


@pytest.mark.parametrize("command", ["devices", "bench"])
def test_help_has_an_example(app: typer.Typer, command: str) -> None:
    assert "Example" in CliRunner().invoke(app, [command, "--help"]).stdout
