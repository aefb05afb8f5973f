from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_runner.launching import protocol
from device_runner.launching.protocol import ProtocolError, parse_transcript

START = {
    "event": "start",
    "protocol": 1,
    "runner": "test",
    "runtime_version": "1.4.1",
    "threads": 2,
    "affinity": [0, 1],
}
LOAD = {
    "event": "load",
    "program_load_ms": 1.5,
    "method_load_ms": 2,
    "rss_before_mb": 100.0,
    "rss_after_load_mb": 110.0,
    "peak_reset": True,
}
FIRST = {"event": "first_run", "ms": 3.5}
CONDITIONS = {"event": "conditions", "cpu_freq_mhz": [1800.0], "temperature_c": []}
WARMUP = {"event": "warmup", "ms": [1.0, 1.1], "settled": True}
ITERATIONS = {"event": "iterations", "ns": [10, 20, 30], "start_ns": [1, 12, 40]}
TIMING = {"event": "timing", "cpu_time_ms": 1.0, "minor_faults": 5, "major_faults": 0}
MEMORY = {"event": "memory", "rss_after_mb": 120.0, "peak_rss_mb": 150.0}
DONE = {"event": "done"}
WHOLE = [START, LOAD, FIRST, CONDITIONS, WARMUP, ITERATIONS, TIMING, CONDITIONS, MEMORY, DONE]


def lines(*events: object) -> bytes:
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


def complaint(stdout: bytes) -> str:
    """What the parser has against this stream; any error but its own goes through."""
    try:
        parse_transcript(stdout)
    except ProtocolError as error:
        return str(error)
    return ""


def test_a_sensor_that_is_not_connected_spoils_no_session() -> None:
    odd = CONDITIONS | {"temperature_c": [31.5, -2147483.648, 2147483.647, -274.0]}
    events = [odd if event is CONDITIONS else event for event in WHOLE]
    session = parse_transcript(lines(*events)).session
    assert session is not None
    assert session.temperature_c_before == (31.5, -2147483.648, 2147483.647, -274.0)


def test_a_whole_session() -> None:
    session = parse_transcript(lines(*WHOLE)).session
    assert session is not None
    assert session.median_ms == 20e-6
    assert session.peak_memory_mb == 50.0
    assert session.load_ms == 3.5
    assert session.cpu_freq_mhz_after == (1800.0,)
    assert session.affinity == (0, 1)


def test_iterations_come_in_chunks() -> None:
    events = [*WHOLE[:6], ITERATIONS, *WHOLE[6:]]
    session = parse_transcript(lines(*events)).session
    assert session is not None
    assert session.iteration_ns == (10, 20, 30, 10, 20, 30)


def test_newer_runner_may_say_more() -> None:
    events = [START | {"colour": "blue"}, {"event": "weather"}, *WHOLE[1:]]
    assert parse_transcript(lines(*events)).session is not None


@pytest.mark.parametrize("cut", range(0, len(lines(*WHOLE)), 37))
def test_a_cut_stream_is_no_session_and_no_error(cut: int) -> None:
    transcript = parse_transcript(lines(*WHOLE)[:cut])
    assert transcript.session is None
    assert transcript.error is None


@pytest.mark.parametrize(
    "events",
    [
        [LOAD],
        [START, START],
        [START | {"protocol": 2}],
        [START, DONE],
        [START, LOAD, LOAD],
        [START, {"event": "output", "index": 1, "name": "out-1.bin", "bytes": 4}],
        [START, {"event": "output", "index": 0, "name": "../out-0.bin", "bytes": 4}],
        [START, CONDITIONS, CONDITIONS, CONDITIONS],
        [START, ITERATIONS | {"ns": [1]}],
        [START, ITERATIONS | {"ns": [-1, 1, 1]}],
        [START, FIRST | {"ms": float("nan")}],
        [START, FIRST | {"ms": "3"}],
        [START, FIRST | {"ms": 1e300}],
        [START, {"event": "error", "kind": "joke", "message": ""}],
        [["start"]],
        [{"event": None}],
    ],
)
def test_broken_rules_are_refused(events: list[object]) -> None:
    with pytest.raises(ProtocolError):
        parse_transcript(lines(*events))


def test_lines_and_streams_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ProtocolError, match="a line of"):
        parse_transcript(b" " * (protocol.MAX_LINE_BYTES + 1) + b"\n")
    monkeypatch.setattr(protocol, "MAX_STDOUT_BYTES", 10)
    with pytest.raises(ProtocolError, match="more than 10 bytes"):
        parse_transcript(b"x" * 11)
    monkeypatch.setattr(protocol, "MAX_STDOUT_BYTES", 10_000)
    monkeypatch.setattr(protocol, "MAX_ITERATIONS", 5)
    with pytest.raises(ProtocolError, match="5 iterations"):
        parse_transcript(lines(START, ITERATIONS, ITERATIONS))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
_NAMES = st.sampled_from([str(event["event"]) for event in WHOLE] + ["output", "error", "x"])
_HOSTILE_EVENT = st.builds(
    lambda base, name, extra: {**base, **extra, "event": name},
    st.sampled_from(WHOLE),
    _NAMES,
    st.dictionaries(st.sampled_from(sorted({key for e in WHOLE for key in e})), _JSON, max_size=3),
)


@given(st.lists(st.sampled_from(WHOLE) | _HOSTILE_EVENT | _JSON, max_size=14))
def test_hostile_events_end_in_a_transcript_or_a_protocol_error(events: list[object]) -> None:
    assert len(complaint(lines(START, *events))) < 2000


@given(st.lists(st.binary(max_size=200) | st.sampled_from([lines(event) for event in WHOLE])))
def test_hostile_bytes_end_in_a_transcript_or_a_protocol_error(parts: list[bytes]) -> None:
    assert len(complaint(b"".join(parts))) < 2000


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 100_000,
        b'{"event":' * 20_000,
        b"9" * 10_000,
        b'{"event":"\\ud800"}',
        b"\xff\xfe",
        b"",
    ],
)
def test_json_made_to_hurt_is_refused(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse_transcript(line + b"\n")
