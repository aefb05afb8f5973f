"""`search.occupancy`: one writer in a run directory, from whatever computer or container."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from device_runner.devices.holder import own_holder
from search import occupancy
from search.errors import RunError
from search.occupancy import HOLDER, Occupancy, RunHolder

HOLD = """
import sys
from pathlib import Path
from search.occupancy import Occupancy
with Occupancy(Path(sys.argv[1]), print):
    print("held", flush=True)
    sys.stdin.read()
"""


def silent(text: str) -> None:
    raise AssertionError(text)


@pytest.fixture
def other_process(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the run, with locks of its own as a container has them."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


@pytest.fixture
def shared_drive(monkeypatch: pytest.MonkeyPatch) -> None:
    """The drive is one that other computers write to, whose locks may hold on each alone."""
    monkeypatch.setattr(occupancy, "is_on_own_disk", lambda path: False)


def of_another_computer(beat: int = 3) -> RunHolder:
    there = own_holder("ab").model_copy(update={"host": "rack", "system": "rack 1", "pid": 77})
    return RunHolder(holder=there, beat=beat)


def test_a_run_is_held_and_left_without_a_trace(tmp_path: Path) -> None:
    with Occupancy(tmp_path, silent) as hold:
        hold.require()
        assert RunHolder.load(tmp_path / HOLDER).holder.pid == own_holder().pid
        with pytest.raises(RunError, match="confirm is at work in"):
            Occupancy(tmp_path, silent).__enter__()
    assert not (tmp_path / HOLDER).exists()
    with Occupancy(tmp_path, silent):
        pass


def test_another_process_is_named(tmp_path: Path, other_process: subprocess.Popen[str]) -> None:
    with pytest.raises(RunError, match=rf"at work in .* \(process {other_process.pid} "):
        Occupancy(tmp_path, silent).__enter__()


@pytest.mark.parametrize("drive", ["own", "shared"])
def test_one_that_was_killed_is_not_waited_for(
    tmp_path: Path, other_process: subprocess.Popen[str], drive: str, request: pytest.FixtureRequest
) -> None:
    if drive == "shared":
        request.getfixturevalue("shared_drive")
    other_process.kill()
    other_process.wait()
    assert (tmp_path / HOLDER).exists()
    with Occupancy(tmp_path, silent) as hold:
        hold.require()


@pytest.mark.usefixtures("shared_drive")
def test_another_computer_that_is_at_work_keeps_its_run(tmp_path: Path) -> None:
    found, said = of_another_computer(), list[str]()
    found.save(tmp_path / HOLDER)

    def say(text: str) -> None:
        said.append(text)
        of_another_computer(found.beat + 1).save(tmp_path / HOLDER)

    with pytest.raises(RunError, match=r"at work in .* \(process 77 on rack "):
        Occupancy(tmp_path, say, watch_s=20.0).__enter__()
    assert "was last used by process 77 on rack" in said[0]
    assert RunHolder.load(tmp_path / HOLDER).beat == found.beat + 1


@pytest.mark.usefixtures("shared_drive")
def test_what_is_just_being_written_is_a_sign_of_life(tmp_path: Path) -> None:
    of_another_computer().save(tmp_path / HOLDER)

    def say(text: str) -> None:
        (tmp_path / HOLDER).write_text("{")

    with pytest.raises(RunError, match="process 77 on rack"):
        Occupancy(tmp_path, say, watch_s=20.0).__enter__()


@pytest.mark.usefixtures("shared_drive")
@pytest.mark.parametrize("ends", ["silent", "leaves"])
def test_another_computer_that_has_ended_gives_way(tmp_path: Path, ends: str) -> None:
    of_another_computer().save(tmp_path / HOLDER)
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        if ends == "leaves":
            (tmp_path / HOLDER).unlink()

    began = time.monotonic()
    with Occupancy(tmp_path, say, watch_s=0.3 if ends == "silent" else 60.0):
        assert len(said) == 1
        assert RunHolder.load(tmp_path / HOLDER).holder.pid == own_holder().pid
    assert time.monotonic() - began < 30


def test_on_a_disk_of_its_own_the_lock_decides(tmp_path: Path) -> None:
    """After this computer was started anew, or its container was."""
    of_another_computer().save(tmp_path / HOLDER)
    with Occupancy(tmp_path, silent):
        assert RunHolder.load(tmp_path / HOLDER).holder.host != "rack"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(occupancy, "BEAT_S", 0.02)


@pytest.mark.usefixtures("quick")
def test_who_was_not_heard_for_long_notices_that_it_was_taken_over(
    tmp_path: Path, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    with Occupancy(tmp_path, silent) as hold:
        eventually(lambda: json.loads((tmp_path / HOLDER).read_text() or "{}").get("beat", 0) > 1)
        of_another_computer().save(tmp_path / HOLDER)
        eventually(lambda: not any(t.name == "run-holder" for t in threading.enumerate()))
        with pytest.raises(RunError, match="taken over by process 77 on rack"):
            hold.require()
    assert RunHolder.load(tmp_path / HOLDER).holder.host == "rack"


def test_a_search_in_a_run_that_another_holds_is_refused(
    tmp_path: Path, run_command: Callable[[list[str]], tuple[int, str, str]]
) -> None:
    (tmp_path / "run.toml").write_text("trials = 1\n")
    with Occupancy(tmp_path, silent):
        code, _, err = run_command(
            ["search", "--device", "sim:pixel", "--lr-size", "16x16", "--run-dir", str(tmp_path)]
        )
    assert code == 2
    assert f"finetune or confirm is at work in {tmp_path} (process " in err.replace("\n", " ")
