"""From what a launch left behind to its outcome: one rule for every device."""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass

from device_runner.errors import DeviceStorageError, InputRefusedError, RunnerBrokenError
from device_runner.launching.protocol import ProtocolError, Transcript, parse_transcript
from device_runner.records import Outcome
from foundation.wording import shown

# What ExecuTorch, XNNPACK, libc and C++ say when an allocation fails (error.h: 0x21, 0x31).
_OUT_OF_MEMORY = re.compile(
    rb"out[ _]of[ _]memory|bad_alloc|cannot allocate|failed to allocate|allocation failed"
    rb"|MemoryError|error:? 0x:?(21|31)\b",
    re.IGNORECASE,
)
_MESSAGE_CHARACTERS = 1000
_KILLED = 128 + signal.SIGKILL


# What a shell or a loader says of a program that it cannot start.
_FORBIDDEN = re.compile(rb"permission denied|not permitted|failed to map segment", re.IGNORECASE)
_FOREIGN = re.compile(rb"exec format error|not executable|wrong elf|unexpected e_machine", re.I)


@dataclass(frozen=True)
class Ended:
    """How a launch ended, as far as the outside can see it."""

    exit_code: int
    timed_out: bool
    stdout: bytes
    stderr: bytes
    memory_limited: bool


@dataclass(frozen=True)
class LaunchOutcome:
    """The outcome, the clause that explains it, and what the runner said."""

    outcome: Outcome
    reason: str
    transcript: Transcript


def judge(ended: Ended, device: str) -> LaunchOutcome:
    """Name the outcome of a launch.

    Raises:
        RunnerBrokenError: the runner did not start, or broke the protocol in a sound exit.
        DeviceStorageError: it could not write its outputs.
        InputRefusedError: it could not read its inputs.
    """
    try:
        transcript = parse_transcript(ended.stdout)
    except ProtocolError as error:
        if ended.exit_code in (0, 1) and not ended.timed_out:
            raise RunnerBrokenError(
                f"the runner on device {device} does not speak the protocol: {error}; use the "
                "runner that belongs to this version of mobilesr-tune"
            ) from error
        transcript = Transcript(last_event="garbled")
    where = f"after {transcript.last_event!r}" if transcript.started else "before it started"
    if ended.timed_out:
        return LaunchOutcome(Outcome.TIMED_OUT, f"was stopped {where}", transcript)
    if not transcript.started:
        raise RunnerBrokenError(
            f"the runner on device {device} did not start (exit code {ended.exit_code}): "
            f"{last_line(ended.stderr)}{_why_not_started(ended.stderr)}"
        )
    if transcript.error is not None:
        return _judge_error(ended, device, transcript)
    if ended.exit_code == 0 and transcript.session is not None:
        return LaunchOutcome(Outcome.OK, "ran", transcript)
    return _judge_death(ended, where, transcript)


def why_forbidden(stderr: bytes) -> str:
    """What it means that a device does not let a program run; empty where it said nothing so."""
    if not _FORBIDDEN.search(stderr):
        return ""
    return (
        "programs may not run from its folder there: the disk is mounted noexec, or the device's "
        "rules forbid it, as on phones that a company manages; take another device"
    )


def _why_not_started(stderr: bytes) -> str:
    why = why_forbidden(stderr)
    if not why and _FOREIGN.search(stderr):
        why = (
            "it is a program for another processor: make one with 'mobilesr-tune runner build "
            "--abi ABI' for the ABI that 'mobilesr-tune devices' tells"
        )
    return f"; {why}" if why else ""


def _judge_error(ended: Ended, device: str, transcript: Transcript) -> LaunchOutcome:
    error = transcript.error
    assert error is not None
    said = shown(error.message, _MESSAGE_CHARACTERS)
    if error.kind == "output":
        advice = "look at the folder it was to write to"
        if re.search("no space|quota", said, re.IGNORECASE):
            advice = "free some space there"
        raise DeviceStorageError(f"device {device} could not store an output: {said}; {advice}")
    if error.kind == "bad_input":
        raise InputRefusedError(f"device {device} refused an input: {said}")
    words = error.message.encode("utf-8", "replace") + b"\n" + ended.stderr
    if error.kind == "out_of_memory" or _OUT_OF_MEMORY.search(words):
        return LaunchOutcome(Outcome.OUT_OF_MEMORY, "ran out of memory", transcript)
    detail = f"{said} ({last_line(ended.stderr)})"
    if error.kind == "bad_file":
        return LaunchOutcome(Outcome.BAD_FILE, f"could not be loaded: {detail}", transcript)
    return LaunchOutcome(Outcome.CRASHED, f"failed: {detail}", transcript)


def _judge_death(ended: Ended, where: str, transcript: Transcript) -> LaunchOutcome:
    # Nobody here sent this SIGKILL: it is the system's own out-of-memory killer.
    killed = ended.exit_code in (-signal.SIGKILL, _KILLED)
    starved = ended.memory_limited and ended.exit_code in (-signal.SIGABRT, 128 + signal.SIGABRT)
    if killed or starved or _OUT_OF_MEMORY.search(ended.stderr):
        return LaunchOutcome(Outcome.OUT_OF_MEMORY, f"ran out of memory {where}", transcript)
    return LaunchOutcome(
        Outcome.CRASHED, f"ended with {exit_words(ended.exit_code)} {where}", transcript
    )


def exit_words(exit_code: int) -> str:
    """An exit code in words: signals by name, whether negative or the shell's 128 + n."""
    number = -exit_code if exit_code < 0 else exit_code - 128
    try:
        return f"signal {signal.Signals(number).name}"
    except ValueError:
        return f"exit code {exit_code}"


def last_line(stderr: bytes) -> str:
    """The last words on stderr, printable and short."""
    lines = [line for line in stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    if not lines:
        return "it said nothing"
    return shown(lines[-1].strip(), 300)
