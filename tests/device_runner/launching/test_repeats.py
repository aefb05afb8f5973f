"""Whether outputs repeat: what a runner sees, what is told of it, and whom that accuses."""

from __future__ import annotations

import importlib
import json

import numpy as np
import pytest
import unstable_runner
from hypothesis import given
from hypothesis import strategies as st

from device_runner import HostDevice, Outcome, RunRequest, TimingPlan
from device_runner.bundles.kernels.families import EXPECTED, FOLDER, INPUT
from device_runner.devices.host import runner
from device_runner.flags import Flag
from device_runner.launching.protocol import ProtocolError, parse_transcript
from device_runner.launching.repeats import FURTHER, MAX_DIGESTS, OutputWatch, repeats_of
from device_runner.measuring.estimates import estimate_of, flags_of
from device_runner.records import DeviceKind, MeasurePlan, OutputSeen, SessionRecord
from foundation import Artifact

_LINES = (
    {"event": "start", "protocol": 1, "runner": "x", "runtime_version": "1", "threads": 1,
     "affinity": []},
    {"event": "load", "program_load_ms": 1.0, "method_load_ms": 1.0, "rss_before_mb": 1.0,
     "rss_after_load_mb": 1.0, "peak_reset": True},
    {"event": "first_run", "ms": 1.0},
    {"event": "iterations", "ns": [5], "start_ns": [1]},
    {"event": "timing", "cpu_time_ms": 1.0, "minor_faults": 0, "major_faults": 0},
    {"event": "memory", "rss_after_mb": 1.0, "peak_rss_mb": 1.0},
    {"event": "done"},
)  # fmt: skip


def told(**seen: object) -> SessionRecord:
    lines = list(_LINES)
    if seen:
        lines.insert(5, {"event": "outputs_seen", **seen})
    found = parse_transcript("".join(json.dumps(line) + "\n" for line in lines).encode()).session
    assert found is not None
    return found


def flags(*sessions: SessionRecord, kind: DeviceKind = "phone") -> set[str]:
    return set(flags_of(kind, sessions, estimate_of(sessions), 1))


def test_what_a_runner_tells_becomes_a_record() -> None:
    seen = told(digest=["a1", "b2"], executions=[7, 1]).outputs_seen
    assert seen == (
        OutputSeen(digest="a1", executions=7),
        OutputSeen(digest="b2", executions=1),
    )
    for broken in (
        {"digest": ["a1"], "executions": [1, 2]},
        {"digest": ["../x"], "executions": [1]},
        {"digest": ["a1"], "executions": [0]},
        {"digest": ["a" * 17], "executions": [1]},
    ):
        with pytest.raises(ProtocolError):
            told(**broken)


def test_runner_that_does_not_tell_is_read_and_unknown() -> None:
    old = told()
    assert old.outputs_seen is None
    assert repeats_of([old, old]) is None
    assert Flag.REPEATS_UNKNOWN in flags(old)
    # One that could have told and did not is not covered by its neighbours.
    new = told(digest=["a1"], executions=[7])
    assert Flag.REPEATS_UNKNOWN in flags(new, old)
    assert not {Flag.REPEATS_UNKNOWN, Flag.UNSTABLE} & flags(new, new)
    # The stock runner has its own flag, and a simulated phone runs nothing.
    stock = old.model_copy(update={"unknown": ("outputs_seen",)})
    assert Flag.REPEATS_UNKNOWN not in flags(stock)
    assert Flag.REPEATS_UNKNOWN not in flags(old, kind="simulated")
    assert SessionRecord.model_validate_json(old.model_dump_json(exclude={"outputs_seen"})) == old


def test_another_output_accuses_within_a_session_and_between_them() -> None:
    right, odd = told(digest=["a"], executions=[9]), told(digest=["a", "b"], executions=[8, 1])
    other = told(digest=["c"], executions=[9])
    for sessions, differing in (((right, odd), 1), ((right, right, other), 9)):
        found = repeats_of(sessions)
        assert found is not None
        assert (found.unstable, found.differing) == (True, differing)
        assert Flag.UNSTABLE in flags(*sessions)
        assert f"in {differing} of {found.executions} executions" in found.in_words()
    # What was beyond counting is not known to be one output.
    many = told(digest=[FURTHER], executions=[9])
    assert repeats_of([many]).differing == 8  # type: ignore[union-attr]


class _Clock:
    def __init__(self) -> None:
        self.ns = 0

    def now_ns(self) -> int:
        return self.ns


@given(st.lists(st.integers(1, 50_000_000), min_size=1, max_size=200), st.integers(1, 20_000_000))
def test_hashing_takes_no_more_than_its_share(durations: list[int], hashing_ns: int) -> None:
    clock = _Clock()
    watch = OutputWatch(clock.now_ns)

    def fetch() -> bytes:
        clock.ns += hashing_ns
        return b"output"

    for duration in durations:
        clock.ns += duration
        watch.see(fetch)
    counted = watch.told()["executions"]
    assert counted[0] >= 1  # type: ignore[operator]
    assert watch.spent_ns == counted[0] * hashing_ns  # type: ignore[operator]
    # The first output is always looked at.
    assert watch.spent_ns - hashing_ns <= 0.01 * clock.ns


def test_no_more_digests_than_can_be_told() -> None:
    clock = _Clock()
    watch = OutputWatch(clock.now_ns)
    for number in range(MAX_DIGESTS + 10):
        clock.ns += 1000
        watch.see(lambda number=number: bytes([number]))  # type: ignore[misc]
    seen = watch.told()
    assert len(seen["digest"]) == MAX_DIGESTS + 1
    assert seen["digest"][-1] == FURTHER
    assert seen["executions"][-1] == 10


@pytest.mark.parametrize("latency_ms", [5.0, 60.0])
def test_errors_in_five_of_a_hundred_are_found_and_right_ones_not_accused(
    latency_ms: float,
) -> None:
    """A shorter `benchmarks/unstable.py`: the chance to miss one is 0.95 ** 105 at most."""
    rng, plan = np.random.default_rng(11), MeasurePlan()
    for share, expected in ((0.05, True), (0.0, False)):
        for _ in range(20):
            sessions = unstable_runner.sessions(rng, plan, latency_ms=latency_ms, wrong_share=share)
            assert (Flag.UNSTABLE in flags(*sessions)) is expected


def test_every_execution_has_the_input_anew() -> None:
    """Of this program the input's memory is another tensor's before an execution ends."""
    events = unstable_runner._Lines()
    binding = importlib.import_module("executorch.extension.pybindings._portable_lib")
    program = binding._load_program(str(FOLDER / "fp32.pte"))
    arguments = runner._arguments(
        ["--model", "x", "--inputs", str(FOLDER / INPUT), "--min-iterations", "30",
         "--min-time-s", "0.1"]
    )  # fmt: skip
    method = program.load_method("forward")
    fed = runner._run_inputs(arguments, method, events)  # type: ignore[arg-type]
    runner._time_iterations(arguments, fed, events, 0)  # type: ignore[arg-type]
    output = np.frombuffer(fed._output(), "<f4")
    np.testing.assert_allclose(output, np.fromfile(FOLDER / EXPECTED, "<f4"), atol=1e-5)
    assert len(fed.watch.told()["digest"]) == 1


def test_host_tells(host: HostDevice, artifact: Artifact) -> None:
    with host.lease():
        report = host.run(
            RunRequest(
                artifact=artifact,
                inputs=(artifact.check_input_path,),
                timing=TimingPlan(min_time_s=0.2),
                timeout_s=120,
            )
        )
    assert report.outcome is Outcome.OK
    assert report.session is not None
    found = repeats_of([report.session])
    assert found is not None
    assert not found.unstable
    assert found.executions >= 2
