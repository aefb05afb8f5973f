"""Flags have one home: none is emitted without a meaning and an advice."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from device_runner.conditions import Reading
from device_runner.conditions.battery import HOT_C, LOW_PERCENT
from device_runner.flags import (
    STAND_INS,
    Flag,
    flag_sentence,
    flag_words,
    known_flag,
    recorded,
    stand_in_flags,
)
from device_runner.measuring.estimates import (
    DISTURBED_SHARE,
    DRIFTED_RATIO,
    NOISY_RELATIVE_WIDTH,
)
from device_runner.records import DeviceKind
from device_runner.statistics import MIN_SESSIONS_FOR_BOOTSTRAP
from device_runner.statistics.outliers import MIN_SESSIONS_TO_JUDGE

REPOSITORY = Path(__file__).resolve().parents[2]
EMITTING = ("device_runner", "search", "nightly", "reports")
NUMBERS = {3: "three", 5: "five"}


@pytest.mark.parametrize("flag", list(Flag))
def test_every_flag_has_a_meaning_and_an_advice(flag: Flag) -> None:
    for words in (flag.meaning, flag.advice):
        assert len(words) > 15
        assert words[-1] not in ".;"
    assert flag.meaning != flag.advice
    assert flag_sentence(flag).startswith(f"{flag.value}: ")


def test_a_reading_with_a_flag_that_nobody_explains_is_refused() -> None:
    with pytest.raises(ValueError, match=r"device_runner/flags\.py"):
        Reading("dust", "much", ("dusty",))
    reading = Reading("battery", "3 %", (Flag.LOW_BATTERY, recorded("noisy")))
    assert reading.advice == f"{Flag.LOW_BATTERY.advice}; {Flag.NOISY.advice}"
    assert Reading("battery", "90 %").advice == ""


def test_no_source_emits_a_flag_by_a_string_of_its_own() -> None:
    found = [
        f"{path.relative_to(REPOSITORY)}:{line}: {text!r}"
        for package in EMITTING
        for path in sorted((REPOSITORY / package).rglob("*.py"))
        if path.name != "flags.py"
        for line, text in _strings_for_flags(ast.parse(path.read_text("utf-8")))
    ]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "Reading('dust', said, ('dusty',))",
        "found(flags=(*flags, 'dusty'))",
        "model_copy(update={'flags': ('dusty',)})",
        "flags.append('dusty')",
        "self._flags['dusty'] = None",
        "flags = (*flags, 'dusty')",
        "say('throttled')",
    ],
)
def test_such_a_string_would_be_found(source: str) -> None:
    assert [text for _, text in _strings_for_flags(ast.parse(source))] in (["dusty"], ["throttled"])


def _strings_for_flags(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """String constants where a flag is meant, and names of flags anywhere."""
    places: list[ast.AST] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            places += [one.value for one in node.keywords if one.arg == "flags"]
            places += node.args[2:3] if name.endswith("Reading") else []
            places += node.args if name.endswith(("flags.append", "flags.add")) else []
        elif isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            places += [v for k, v in pairs if isinstance(k, ast.Constant) and k.value == "flags"]
        elif isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("flags"):
            places.append(node.slice)
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).endswith("flags"):
            places.append(node.value)
    # These are also device kinds and an outcome, and named as such.
    doubles = {*STAND_INS, Flag.DEVICE_LOST}
    names = {flag.value for flag in Flag if flag not in doubles}
    meant = {id(node) for place in places for node in _emitted(place)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            continue
        if id(node) in meant or node.value in names:
            yield node.lineno, node.value


def _emitted(place: ast.AST) -> Iterator[ast.AST]:
    """What a value is made of, without what it is only joined or looked up by."""
    if isinstance(place, ast.Constant):
        yield place
    elif isinstance(place, ast.Tuple | ast.List | ast.Set):
        for one in place.elts:
            yield from _emitted(one)
    elif isinstance(place, ast.Starred):
        yield from _emitted(place.value)
    elif isinstance(place, ast.IfExp):
        yield from _emitted(place.body)
        yield from _emitted(place.orelse)


def test_every_device_kind_but_a_phone_says_what_it_is() -> None:
    for kind in get_args(DeviceKind):
        assert stand_in_flags(kind) == (() if kind == "phone" else (Flag(kind),))


def test_sentences_name_the_bounds_that_hold() -> None:
    assert f"{LOW_PERCENT} %" in Flag.LOW_BATTERY.meaning
    assert f"{LOW_PERCENT} %" in Flag.LOW_BATTERY.advice
    assert f"{HOT_C:g} °C" in Flag.BATTERY_HOT.meaning
    assert f"{100 * NOISY_RELATIVE_WIDTH:g} %" in Flag.NOISY.meaning
    assert f"{100 * (DRIFTED_RATIO - 1):.0f} %" in Flag.DRIFTED.meaning
    assert f"{100 * DISTURBED_SHARE:g} %" in Flag.DISTURBED.meaning
    assert f"fewer than {NUMBERS[MIN_SESSIONS_FOR_BOOTSTRAP]} " in Flag.FEW_SESSIONS.meaning
    assert f"of {NUMBERS[MIN_SESSIONS_TO_JUDGE]} sessions" in Flag.OUTLYING_SESSION.meaning


def test_a_flag_of_another_version_is_told_as_unknown_and_doubtful() -> None:
    assert known_flag("of_another_age") is None
    words = flag_words("of_another_age")
    assert "not known to this version" in words.meaning
    assert words.doubtful
    assert words.advice


def test_a_flag_of_a_recording_keeps_its_meaning() -> None:
    words = flag_words(recorded(Flag.THROTTLED))
    assert words.meaning == f"in the recording: {Flag.THROTTLED.meaning}"
    assert words.doubtful
    assert not flag_words(recorded(Flag.HOST)).doubtful
    assert recorded(recorded("noisy")) == recorded("noisy")
