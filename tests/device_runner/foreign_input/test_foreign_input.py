"""Whatever others write, it is read or refused with a sentence."""

from __future__ import annotations

import contextlib
import gzip
import tempfile
from collections.abc import Iterator

import pytest
from foreign_parsers import TARGETS, Target, mutated
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foundation import MobileSRTuneError


@pytest.fixture(scope="module", autouse=True)
def _own_store() -> Iterator[None]:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_CACHE_HOME", "XDG_STATE_HOME", "MOBILESR_TUNE_LOCK_DIR"):
            patch.setenv(name, folder)
        yield


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_what_is_nearly_right_or_nonsense(target: Target) -> None:
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(mutated(target))
    def survives(data: bytes) -> None:
        target.survives(data)

    survives()


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_examples_are_taken(target: Target) -> None:
    """Else mutations of them would never get past the first check."""
    if target.name in ("artifact folder", "tuning report", "replay json", "lock on the device"):
        with contextlib.suppress(MobileSRTuneError):
            target.read(target.examples[0])
        return
    target.read(target.examples[0])


@pytest.mark.parametrize("depth", [100, 1000, 100_000])
def test_what_is_nested_too_deep(depth: int) -> None:
    for target in TARGETS:
        for example in (
            b"[" * depth,
            b'{"a":' * depth,
            b'{"schema":' * depth + b"1" + b"}" * depth,
        ):
            target.survives(example)


@given(st.integers(0, 512), st.binary(min_size=1, max_size=12))
@settings(deadline=None)
def test_odd_headers_of_a_tar(at: int, junk: bytes) -> None:
    target = next(one for one in TARGETS if one.name == "tar in an archive")
    whole = target.examples[0]
    target.survives(whole[:at] + junk + whole[at + len(junk) :])


def test_a_tar_of_nothing_but_long_names() -> None:
    target = next(one for one in TARGETS if one.name == "bundle archive")
    header = bytearray(512)
    header[:13] = b"././@LongLink"
    header[124:136] = b"00000000001\0"
    header[156:157] = b"L"
    header[257:265] = b"ustar  \0"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    assert not target.survives(gzip.compress((bytes(header) + bytes(512)) * 3000, 1))


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
@pytest.mark.parametrize(
    "unit", [b"\n", b" ", b"\t\n", b"a ", b"x:", b"0-1,", b"[a]: [", b"level:\n"]
)
def test_no_answer_takes_for_ever(target: Target, unit: bytes) -> None:
    """A megabyte of what a pattern could try in many ways; the test's own limit is the judge."""
    size = 1 << (14 if "protocol" in target.name else 20)
    target.survives(unit * (size // len(unit)))
