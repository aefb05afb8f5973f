"""What is set is restored, or said to be left: on phones that refuse one or the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from plain_phone import PHONE

from device_runner.conditions import Conditions
from device_runner.conditions.journal import Journal, JournalFile
from device_runner.conditions.journal_copy import READ
from device_runner.devices.lease import lock_name

COPY = "/data/conditions"


@dataclass(frozen=True)
class Answer:
    text: str
    exit_code: int = 0


@dataclass
class Phone:
    """A shell that knows two settings and a file; `refuses` says what it does not obey."""

    refuses: Callable[[str], bool] = lambda script: False
    stays_on: str = "0"
    fixed: str = "false"
    file: str = ""
    uptime_s: int | None = None
    asked: list[str] = field(default_factory=list)

    def script(self, script: str, *arguments: str) -> Answer:
        self.asked.append(script)
        if arguments[:1] == (COPY,):
            if script != READ:
                self.file = arguments[1] if len(arguments) > 1 else ""
            return Answer(self.file)
        if self.refuses(f"{script} {arguments}"):
            if "fixed-performance" in script:
                return Answer("java.lang.SecurityException: denied\n", 255)
            return Answer(self.stays_on + "\n")
        if "/proc/uptime" in script and self.uptime_s is not None:
            return Answer(f"{arguments[0]}\n{self.uptime_s}.00 9.00\n")
        if "fixed-performance" in script:
            self.fixed = arguments[0]
        elif "svc power" in script:
            self.stays_on = "7"
        elif "settings put" in script:
            self.stays_on = arguments[0]
        return Answer(self.stays_on + "\n")


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def flags(conditions: Conditions) -> set[str]:
    return {flag for one in conditions.read(PHONE) for flag in one.flags}


def test_set_and_restored() -> None:
    phone = Phone()
    conditions = Conditions("R58", phone, COPY)
    conditions.set(PHONE)
    assert (phone.stays_on, phone.fixed) == ("7", "true")
    assert set(conditions.left_behind()) == {"fixed_performance", "stay_awake"}
    conditions.restore()
    assert (phone.stays_on, phone.fixed) == ("0", "false")
    assert conditions.left_behind() == ()


def test_a_phone_that_has_started_anew_meanwhile_is_set_anew() -> None:
    phone = Phone(uptime_s=90_000)
    conditions = Conditions("R58", phone, COPY)
    conditions.read(PHONE)
    conditions.set(PHONE)
    # It restarts, and adb is back before anyone has asked it anything.
    phone.fixed, phone.uptime_s = "false", 400
    conditions.read(PHONE)
    conditions.set(PHONE)
    assert phone.fixed == "true"
    asked = len(phone.asked)
    phone.uptime_s = 401
    conditions.read(PHONE)
    conditions.set(PHONE)
    assert len(phone.asked) == asked + 1


def test_what_a_phone_refuses_to_set_is_told_and_not_restored() -> None:
    phone = Phone(refuses=lambda script: "svc power" in script or "fixed" in script)
    conditions = Conditions("R58", phone, COPY)
    conditions.set(PHONE)
    assert conditions.left_behind() == ()
    said = {one.name: one for one in conditions.read(PHONE)}
    assert said["fixed_performance"].flags == ("clocks_free",)
    conditions.restore()
    assert not any("settings put" in script for script in phone.asked)


def test_a_screen_that_may_not_be_kept_on_is_flagged() -> None:
    from device_runner.conditions.awake import StayAwake

    stay = StayAwake()
    assert not stay.set(Phone(refuses=lambda script: "svc power" in script))
    assert stay.reading("0\n", PHONE).flags == ("may_sleep",)


@pytest.mark.parametrize("refused", ["settings put", "'false'"])
def test_what_it_refuses_to_restore_stays_in_the_journal(refused: str) -> None:
    phone = Phone(refuses=lambda script: refused in script)
    conditions = Conditions("R58", phone, COPY)
    conditions.set(PHONE)
    conditions.restore()
    (left,) = conditions.left_behind()
    phone.refuses = lambda script: False
    # The next one to claim it, be it another process, makes it good.
    again = Conditions("R58", phone, COPY)
    assert again.left_behind() == (left,)
    again.restore()
    assert (phone.stays_on, phone.fixed) == ("0", "false")
    assert again.left_behind() == ()


def test_one_phone_under_another_address_has_the_same_journal() -> None:
    Conditions("localhost:5555", Phone(), COPY, "R58").set(PHONE)
    found = Conditions("127.0.0.1:5555", Phone(), COPY, "R58").left_behind()
    assert set(found) == {"fixed_performance", "stay_awake"}


def test_the_journal_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    old = tmp_path / "mobilesr-tune/conditions" / f"{lock_name('localhost:5555')}.json"
    old.parent.mkdir(parents=True)
    Journal(serial="localhost:5555", prior={"stay_awake": "0"}).save(old)
    journal = JournalFile("R58", "localhost:5555")
    assert journal.read() == {"stay_awake": "0"}
    journal.write({})
    assert not old.exists()


def on_another_computer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another computer's"))


def test_another_computer_restores_what_a_dead_one_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = Phone(stays_on="null")
    Conditions("R58", phone, COPY).set(PHONE)
    on_another_computer(tmp_path, monkeypatch)
    conditions = Conditions("R58", phone, COPY)
    conditions.restore()
    assert (phone.stays_on, phone.fixed, phone.file) == ("null", "false", "")
    assert conditions.left_behind() == ()


def test_what_another_computer_left_is_the_owners_not_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = Phone(refuses=lambda script: "settings put" in script)
    Conditions("R58", phone, COPY).set(PHONE)
    on_another_computer(tmp_path, monkeypatch)
    # It cannot be undone now, and is kept for the one after.
    conditions = Conditions("R58", phone, COPY)
    conditions.restore()
    conditions.set(PHONE)
    conditions.restore()
    assert conditions.left_behind() == ("stay_awake",)
    phone.refuses = lambda script: False
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "a third one's"))
    Conditions("R58", phone, COPY).restore()
    assert (phone.stays_on, phone.file) == ("0", "")


@pytest.mark.parametrize(
    "file",
    [
        "{",
        "[" * 100_000,
        '{"schema":"conditions-journal/1","serial":"R58","prior":{"stay_awake":"; reboot"}}',
        '{"schema":"conditions-journal/1","serial":"R58","prior":{"made_up":"1"}}',
        '{"schema":"another/1","serial":"R58","prior":{"stay_awake":"0"}}',
        '{"schema":"conditions-journal/1","serial":"R58","prior":{"stay_awake":7}}',
        "\x00\ufffd",
    ],
)
def test_a_copy_that_makes_no_sense_changes_nothing(file: str) -> None:
    phone = Phone(stays_on="3", file=file)
    conditions = Conditions("R58", phone, COPY)
    conditions.restore()
    assert phone.stays_on == "3"
    assert conditions.left_behind() == ()
