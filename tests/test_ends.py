"""How commands end: by their own answer, whoever reads, and never by a traceback."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import mobilesr_tune
from device_runner.devices.lease import lock_folder, lock_name
from foundation.errors import DeviceFailure
from foundation.locks import take_lock

REPOSITORY = Path(__file__).resolve().parents[1]
Run = Callable[[list[str]], tuple[int, str, str]]


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], _loud_again: None
) -> Run:
    """The command line in this process: exit code, stdout, stderr."""

    def run(arguments: list[str]) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mobilesr-tune", *arguments])
        with pytest.raises(SystemExit) as ended:
            mobilesr_tune.main()
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return run


def in_shell(line: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A line of bash in which `$T` is the command, wherever this interpreter lies."""
    command = "\n".join([sys.executable, "-m", "mobilesr_tune"])
    return subprocess.run(
        ["bash", "-c", f"IFS=$'\\n'; {line}"],
        cwd=cwd,
        env={**os.environ, "T": command, "PYTHONPATH": str(REPOSITORY), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Makes every listing of devices raise."""

    def fail(error: BaseException) -> None:
        def raises(*_: object, **__: object) -> object:
            raise error

        monkeypatch.setattr("device_runner.devices.discovery.survey", raises)

    return fail


LONG = "n" * 300


@pytest.mark.parametrize(
    "arguments",
    [
        ["evaluate", "--key", "n8_h8_r1_w4_x4_p1", "--weights", LONG],
        ["search", "--dry-run", "--hr", LONG],
        ["search", "--dry-run", "--config", LONG],
        ["report", LONG],
        ["bench", LONG],
        ["nightly", LONG],
        ["deliver", LONG, "-o", "x"],
    ],
    ids=lambda arguments: " ".join(arguments).replace(LONG, "LONG"),
)
def test_a_path_that_the_system_refuses_is_a_wrong_request(run, arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, err = run(arguments)
    assert code == 2, err
    assert err.startswith("error: ")
    assert "n" * 100 in err
    assert "fault of mobilesr-tune" not in err


def test_a_folder_of_another_user_is_a_wrong_request(tmp_path):
    (tmp_path / "locked").mkdir(mode=0)
    # Root without its powers is as anyone else.
    drop = "setpriv --bounding-set=-all --inh-caps=-all" if os.geteuid() == 0 else ""
    line = f"{drop} $T evaluate --key n8_h8_r1_w4_x4_p1 --weights locked/w.pth"
    done = in_shell(line, tmp_path)
    (tmp_path / "locked").chmod(0o700)
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot use locked/w.pth (Permission denied): see who owns it" in done.stderr


def test_packages_of_another_project_do_not_hide_ours(tmp_path):
    for name in ("models", "search", "foundation"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit(1)")
    # Both the working folder and PYTHONPATH stand before ours.
    done = in_shell("$T --version", tmp_path, PYTHONPATH=f"{tmp_path}:{REPOSITORY}")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("mobilesr-tune ")


@pytest.mark.parametrize("error", [KeyError("lr"), BrokenPipeError(32, "Broken pipe"), EOFError()])
def test_a_fault_of_ours_is_70_and_never_an_answer(run, failing, error):
    failing(error)
    code, out, err = run(["devices"])
    assert (code, out) == (70, "")
    assert err.startswith(f"internal error: {type(error).__name__}")
    assert err.count("\n") == 1
    saved = re.search(r"traceback is in (\S+);", err)
    assert saved
    assert "Traceback" in Path(saved[1]).read_text()


def test_verbose_shows_the_traceback_and_keeps_the_code(run, failing):
    failing(DeviceFailure("phone lost"))
    for arguments in (["-v", "devices"], ["devices", "-v"], ["devices", "--verbose"]):
        code, _, err = run(arguments)
        assert code == 3
        assert "Traceback" in err
        assert err.endswith("error: phone lost\n")
    assert "Traceback" not in run(["devices"])[2]


@pytest.mark.parametrize(("error", "code"), [(DeviceFailure("phone lost"), 3), (KeyError("x"), 70)])
def test_errors_are_json_where_json_was_asked_for(run, failing, error, code):
    failing(error)
    ended, out, err = run(["devices", "--json"])
    document = json.loads(out)
    assert ended == document["exit_code"] == code
    assert document["schema"] == "error/1"
    assert document["error"] in err


@pytest.mark.parametrize(
    "arguments",
    [["bench", "--json"], ["bench", "nowhere", "--json"], ["search", "--json", "--nosuch"]],
)
def test_wrong_requests_are_json_too(run, arguments):
    code, out, _ = run(arguments)
    assert code == 2
    assert json.loads(out)["exit_code"] == 2


def test_nothing_foreign_is_obeyed_in_an_error(run):
    hostile = "no\x1b]0;owned\x07\x1b[2J[bold]where[/bold]:car:"
    for arguments in (["bench", hostile], ["search", f"--{hostile}"], [hostile]):
        _, _, err = run(arguments)
        assert "\x1b" not in err
        assert "[bold]where[/bold]:car:" in err


def test_version_and_help_by_their_short_names(run):
    code, out, _ = run(["--version"])
    assert code == 0
    assert re.fullmatch(r"mobilesr-tune \S.*\n", out)
    for arguments in (["-h"], ["search", "-h"], ["nightly", "-h"], ["runner", "build", "-h"]):
        code, out, err = run(arguments)
        assert (code, err) == (0, "")
        assert "Usage" in out


def test_completion_knows_the_commands(tmp_path):
    done = in_shell(
        "$T", tmp_path, _MOBILESR_TUNE_COMPLETE="complete_bash",
        COMP_WORDS="mobilesr-tune nig", COMP_CWORD="1",
    )  # fmt: skip
    assert done.stdout.split() == ["nightly"]


def test_the_answer_stands_whoever_reads(tmp_path):
    readers = ("$T --help | true; echo ${PIPESTATUS[0]}", "$T --version >/dev/full; echo $?",
               "$T -h >&-; echo $?")  # fmt: skip
    done = in_shell("; ".join(readers), tmp_path)
    assert done.stdout.split() == ["0", "2", "2"]
    assert "could not be written to stdout (No space left on device)" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_locale_that_cannot_say_it(tmp_path):
    (tmp_path / "suite★.toml").write_text("name =")
    done = in_shell("$T nightly suite★.toml; echo $?", tmp_path, PYTHONIOENCODING="latin-1")
    assert done.stdout == "2\n"
    assert "suite*.toml cannot be read as TOML" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    ["nowhere.toml --bisect", "--bisect --nosuch x", "suite.toml --bisect --only b", "--bisect"],
)
def test_a_bisect_takes_no_fault_for_a_bad_commit(run, tmp_path, monkeypatch, arguments):
    """`git bisect run` reads 1 to 124 as bad, 125 as cannot tell."""
    monkeypatch.chdir(tmp_path)
    Path("suite.toml").write_text('name = "s"\n[[models]]\nname = "a"\nkey = "n8_h8_r1_w4_x4_p1"')
    code, _, err = run(["nightly", *arguments.split()])
    assert code == 125
    assert err.startswith("cannot tell: ")


def test_a_bisect_takes_no_fault_of_ours_for_a_bad_commit(run, monkeypatch):
    monkeypatch.setattr("nightly.suite.load_suite", lambda path, **kwargs: {}["fault"])
    code, _, err = run(["nightly", "suite.toml", "--bisect"])
    assert code == 125
    assert "internal error: KeyError" in err


@pytest.mark.parametrize("one", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_stops_a_command_is_one_sentence(run, monkeypatch, one):
    def stop(*_: object, **__: object) -> None:
        os.kill(os.getpid(), one)
        time.sleep(5)

    monkeypatch.setattr("device_runner.devices.discovery.survey", stop)
    ended, out, err = run(["devices"])
    assert (ended, out) == (130, "")
    assert err.startswith("stopped; ")
    assert err.count("\n") == 1


def test_ctrl_c_while_the_program_is_still_loading(tmp_path):
    code = """
import os, signal, sys
class Stopping:
    def find_spec(self, name, *_):
        if name == "typer":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Stopping())
import mobilesr_tune
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    assert done.returncode == -signal.SIGINT
    assert done.stderr == "stopped before anything was begun\n"


def test_a_folder_that_is_gone_is_one_sentence(tmp_path):
    done = in_shell("mkdir gone; cd gone; rmdir ../gone; $T evaluate --hr x --weights y", tmp_path)
    assert done.returncode == 2
    assert "the folder that this was started in is gone" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_run_under_two_names_is_one_run(run, tmp_path):
    """Two searches in it would answer each other's trials."""
    (tmp_path / "run").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "run")
    name = lock_name(f"run {(tmp_path / 'run').resolve()}")
    lock = take_lock(lock_folder() / f"{name}.lock", instead="")
    code, _, err = run(
        ["search", "--device", "sim:pixel", "--lr-size", "16x16", "--trials", "1",
         "--run-dir", str(tmp_path / "link")]
    )  # fmt: skip
    lock.release()
    assert code == 2
    assert "another search, finetune or confirm is at work in" in err
