"""What a number may have to say about itself: every flag, what it means and what to do about it.

A flag travels with a measurement into every record and report. A new one is a member here and the
place that emits it; readers, reports and the table in docs/measuring.md follow
(`python docs/generate.py` writes the table).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

_RECORDED = "recorded_"


class Flag(StrEnum):
    """A flag is its name: records hold the string.

    Attributes:
        meaning: what is the matter, a clause that can stand after the name.
        advice: what to do about it, an imperative.
        doubtful: whether the number may be off; False where the flag only says where the number
            comes from, or how it came about.
    """

    meaning: str
    advice: str
    doubtful: bool

    def __new__(cls, name: str, meaning: str, advice: str, doubtful: bool) -> Flag:
        flag = str.__new__(cls, name)
        flag._value_ = name
        flag.meaning = meaning
        flag.advice = advice
        flag.doubtful = doubtful
        return flag

    # Where the number comes from.
    HOST = (
        "host",
        "measured on the host computer, not on a phone",
        "measure on the phone before you choose: the host ranks models differently",
        False,
    )
    EMULATOR = (
        "emulator",
        "measured on an emulator or a container, not on a phone",
        "measure on a phone: an emulator's times say nothing about one",
        False,
    )
    SIMULATED = (
        "simulated",
        "the times come from a simulated device: no model was timed",
        "use it to try the tool, not to choose a model",
        False,
    )
    REPLAYED = (
        "replayed",
        "a session that was recorded earlier, given once more",
        "look at the flags of the recording: they stand beside it, beginning with recorded_",
        False,
    )
    REPLAY_REPEATS = (
        "replay_repeats",
        "the recording was too short: its sessions were given more than once",
        "ask for fewer sessions, or record more of them: the interval is too narrow",
        True,
    )
    STOCK_RUNNER = (
        "stock_runner",
        "run by ExecuTorch's own executor_runner, which tells less and has no warm-up of its own",
        "use the runner that 'mobilesr-tune runner build' makes to learn the rest",
        False,
    )
    FP16_EMULATED = (
        "fp16_emulated",
        "computed in fp16 on an x86-64 processor, where XNNPACK emulates it",
        "measure fp16 on a phone: its time here means nothing",
        True,
    )
    DEBUG_BUILD = (
        "debug_build",
        "the device runs a debug build, not the system that users have",
        "measure on a user build: its times may differ",
        False,
    )
    BUILD_UNKNOWN = (
        "build_unknown",
        "the device does not tell whether it runs the system that users have",
        "look in its settings whether it runs a release build",
        False,
    )
    KIND_UNKNOWN = (
        "kind_unknown",
        "the device may be no phone but an emulator or a container",
        "make sure what it is: no such thing's times say anything about a phone",
        True,
    )
    DEVICE_LOST = (
        "device_lost",
        "the device went away under this candidate and came back; it was measured anew",
        "look at the cable and its port where many candidates carry this",
        False,
    )
    # What disturbed the device.
    THROTTLED = (
        "throttled",
        "the device throttled: it was hot after the wait for it to cool, or in every repetition",
        "take it out of its case and off the charger, let it cool, and measure again",
        True,
    )
    THERMAL_UNKNOWN = (
        "thermal_unknown",
        "the device does not tell whether it throttles",
        "let it rest before measuring, and give more sessions",
        True,
    )
    BATTERY_UNKNOWN = (
        "battery_unknown",
        "the device does not tell all of its battery's charge, heat and saver",
        "see on its screen that it is charged and cool and that no saver is on, and measure again",
        True,
    )
    BATTERY_HOT = (
        "battery_hot",
        "the battery was hotter than 40 °C, and a hot battery slows the phone down",
        "let it cool, and measure again",
        True,
    )
    LOW_BATTERY = (
        "low_battery",
        "the battery was below 25 %, where phones begin to save",
        "charge it to 25 % or more, and measure again",
        True,
    )
    BATTERY_SAVER = (
        "battery_saver",
        "battery saver was on, which slows the phone down",
        "switch battery saver off, and measure again",
        True,
    )
    JUST_STARTED = (
        "just_started",
        "the device had started less than 3 minutes before, or had not finished, and was busy "
        "with that",
        "leave it alone for some minutes after each start, and measure again",
        True,
    )
    START_UNKNOWN = (
        "start_unknown",
        "the device does not tell whether it has finished starting",
        "see that its home screen shows and is at rest, and measure again",
        True,
    )
    SCREEN_OFF = (
        "screen_off",
        "the screen was off, and with it Android takes clocks and big cores away",
        "switch the screen on, keep it on, and measure again",
        True,
    )
    SCREEN_UNKNOWN = (
        "screen_unknown",
        "the device does not tell whether its screen was on; with it off it is slower",
        "see that its screen is on and stays on, and measure again",
        True,
    )
    MAY_SLEEP = (
        "may_sleep",
        "the screen could go off at any time: the device does not let us keep it on, or is "
        "not on power, without which Android keeps none on",
        "put it on power, or set its screen timeout to the longest by hand, and measure again",
        True,
    )
    STAY_AWAKE_UNKNOWN = (
        "stay_awake_unknown",
        "the device does not tell whether its screen stays on",
        "set its screen timeout to the longest by hand, and measure again",
        True,
    )
    CLOCKS_UNKNOWN = (
        "clocks_unknown",
        "the device does not tell for all its cores whether their clocks are held down",
        "let it rest before measuring, and give more sessions",
        True,
    )
    CORES_UNKNOWN = (
        "cores_unknown",
        "the device does not tell how fast some of its cores are, so that threads were chosen "
        "without them, or for all alike",
        "find its best threads and cores with 'mobilesr-tune devices --tune', and measure again",
        True,
    )
    CLOCKS_CAPPED = (
        "clocks_capped",
        "a core was not allowed its full clock",
        "switch battery saver off, let it cool, and measure again",
        True,
    )
    CLOCKS_FREE = (
        "clocks_free",
        "the phone has no fixed-performance mode: times include bursts that it cannot sustain",
        "give more sessions, so that short bursts weigh less",
        True,
    )
    CORES_OFFLINE = (
        "cores_offline",
        "some cores were switched off",
        "switch battery saver off, and measure again",
        True,
    )
    # What the sessions show.
    FEW_SESSIONS = (
        "few_sessions",
        "fewer than three sessions: the interval is their range",
        "give --sessions 5 or more",
        True,
    )
    UNSTABLE = (
        "unstable",
        "the same input gave different outputs in different executions",
        "do not ship it before you know why: see how often in the measurement, and try one thread, "
        "another runtime and another device",
        True,
    )
    REPEATS_UNKNOWN = (
        "repeats_unknown",
        "the runner does not tell whether its outputs repeat",
        "make the runner anew with 'mobilesr-tune runner build', and measure again",
        True,
    )
    NOISY = (
        "noisy",
        "the interval is wider than 10 % of the latency",
        "give more sessions, on a device that does nothing else",
        True,
    )
    DRIFTED = (
        "drifted",
        "the reference model saw the device's speed change by more than 10 %; this is corrected",
        "trust it less than one without; find out what changes on the device (heat, other work)",
        True,
    )
    OUTLYING_SESSION = (
        "outlying_session",
        "of five sessions or more, one lies apart from its fellows; it stays in, and the median "
        "hardly sees it",
        "look whether something else ran on the device; give more sessions",
        True,
    )
    DISTURBED = (
        "disturbed",
        "more than 20 % of the iterations lie apart from the rest of their session: something else "
        "was running",
        "close other programs on the device, and measure again",
        True,
    )
    WARMUP_UNSETTLED = (
        "warmup_unsettled",
        "a session was timed before its warm-up had settled",
        "measure again on a calmer device; the interval shows how much it matters",
        True,
    )
    THREADS_DIFFER = (
        "threads_differ",
        "the runtime did not take the number of threads asked for",
        "ask for a number of threads that the device has cores for",
        True,
    )
    PEAK_MEMORY_INEXACT = (
        "peak_memory_inexact",
        "the peak of memory could not be reset, so it may hold what was there before the model",
        "read the memory as an upper bound; the latency is not touched",
        True,
    )
    CLOCK_JUMPED = (
        "clock_jumped",
        "a session's own times cannot be true, in every repetition",
        "restart the device, and measure again",
        True,
    )
    SENTINEL_FAILED = (
        "sentinel_failed",
        "the reference model did not run, so the latency is not corrected for drift",
        "measure again; compare it only with what carries this as well",
        True,
    )
    SENTINEL_UNLIKE = (
        "sentinel_unlike",
        "this model reacts to heat otherwise than the reference model by which it is corrected; "
        "the correction was fitted to it, and the interval holds what is not known of that",
        "measure on a cool device, where little is corrected, or give more sessions",
        True,
    )
    UNUSUAL_SPEED = (
        "unusual_speed",
        "most of its sessions ran while the device was more than 10 % slower or faster than it "
        "usually was in this study; it is told for the usual speed, and the interval holds what "
        "is not known of how this model reacts",
        "measure it anew: more --settle-sessions do so where the front turns on it",
        True,
    )
    REFERENCE_KEPT = (
        "reference_kept",
        "an earlier version measured it and kept too little to tell it for the speed that the "
        "device usually had in this study: it stands as it was told when it was measured",
        "compare it only with others that carry this, or search again in another --run-dir",
        True,
    )


# What stands in for a phone: reports say so once, above everything else.
STAND_INS = frozenset({Flag.HOST, Flag.EMULATOR, Flag.SIMULATED})


@dataclass(frozen=True)
class FlagWords:
    """What a reader is told of a flag; see `Flag` for what each field is."""

    meaning: str
    advice: str
    doubtful: bool


def known_flag(name: str) -> Flag | None:
    """The flag of that name; None where this version has none, as in a record of another one."""
    try:
        return Flag(name)  # type: ignore[call-arg]  # by value, which mypy takes for __new__
    except ValueError:
        return None


def flag_words(name: str) -> FlagWords:
    """The words for any flag that a record may hold, also one that is not, or no more, known."""
    flag = known_flag(name)
    if flag is not None:
        return FlagWords(flag.meaning, flag.advice, flag.doubtful)
    if name.startswith(_RECORDED):
        words = flag_words(name.removeprefix(_RECORDED))
        return FlagWords(f"in the recording: {words.meaning}", words.advice, words.doubtful)
    return FlagWords(
        "not known to this version of mobilesr-tune",
        "look it up in the version that measured this; until then take the number as doubtful",
        True,
    )


def flag_sentence(name: str) -> str:
    """What a terminal shows of a flag: its name, its meaning, its advice."""
    words = flag_words(name)
    return f"{name}: {words.meaning}; {words.advice}."


def stand_in_flags(kind: str) -> tuple[Flag, ...]:
    """What a device kind (`records.DeviceKind`) says of its numbers; nothing for a phone."""
    return () if kind == "phone" else (Flag(kind),)  # type: ignore[call-arg]  # by value, as above


def recorded(name: str) -> str:
    """The flag that says of a replay that its recording carried `name`."""
    return name if name.startswith(_RECORDED) else f"{_RECORDED}{name}"


def require_known(name: str) -> None:
    """Raises `ValueError` for what may not be emitted: a flag without meaning and advice."""
    if known_flag(name) is None and not name.startswith(_RECORDED):
        raise ValueError(f"{name!r} is no flag: give it a member in device_runner/flags.py")
