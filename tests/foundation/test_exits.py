"""Ends that nobody planned, and the folders of a user who has none."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import pytest

from foundation import places
from foundation.errors import RequestError
from foundation.exits import internal_error, refused_by_system


def fault(message: str) -> Exception:
    try:
        raise KeyError(message)
    except KeyError as error:
        return error


def saved_in(sentence: str) -> Path:
    found = re.search(r"its traceback is in (\S+);", sentence)
    assert found, sentence
    return Path(found[1])


def test_a_fault_of_ours_is_one_sentence_and_a_saved_traceback():
    sentence = internal_error(fault("lr\x1b[2J"))
    assert sentence.startswith("internal error: KeyError ('lr")
    assert "\x1b" not in sentence
    text = saved_in(sentence).read_text()
    assert "Traceback (most recent call last)" in text
    assert "test_exits.py" in text
    assert "'python':" in text


def test_no_password_is_kept_with_a_fault():
    sentence = internal_error(fault("postgresql://me:s3cret@host/db refused"))
    assert "s3cret" not in sentence + saved_in(sentence).read_text()


def test_only_the_latest_faults_are_kept():
    for number in range(25):
        path = saved_in(internal_error(fault(str(number))))
        path.rename(path.with_name(f"20200101-0000{number:02}.txt"))
    kept = saved_in(internal_error(fault("last"))).parent
    assert 1 < len(list(kept.iterdir())) <= 21


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OSError(errno.EACCES, "no", "a\x1b/b"), r"cannot use a\?/b \(no\): see who owns it"),
        (OSError(errno.ELOOP, "no", b"a/b"), r"cannot use a/b \(no\): its links lead in a circle"),
        (OSError(errno.ENOSPC, "full"), r"cannot use a file \(full\): free some"),
        (OSError(errno.EMFILE, "many"), r"raise the limit"),
        (OSError(errno.ESTALE, "stale", 7), r"cannot use 7 .*the network drive is connected"),
    ],
)
def test_what_the_system_refuses_is_no_fault_of_ours(error, sentence):
    told = refused_by_system(error)
    assert told is not None
    assert re.search(sentence, told)


@pytest.mark.parametrize(
    "error",
    [
        OSError("of a library"),
        FileNotFoundError(errno.ENOENT, "no", "ours"),
        PermissionError(errno.EACCES, "of no file"),
        BrokenPipeError(errno.EPIPE, "pipe"),
    ],
)
def test_what_we_should_have_known_stays_a_fault_of_ours(error):
    assert refused_by_system(error) is None


@pytest.fixture
def homeless(monkeypatch, tmp_path):
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda uid: {}[uid])
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_without_a_home_there_are_folders_all_the_same(homeless):
    for folder in (places.cache_folder(), places.state_folder()):
        assert folder.is_relative_to(homeless / f"mobilesr-tune-{os.getuid()}")
    assert "s3cret" not in internal_error(fault("x"))
    assert (homeless / f"mobilesr-tune-{os.getuid()}").stat().st_mode & 0o077 == 0


def test_a_home_that_is_not_there_is_none(homeless, monkeypatch):
    monkeypatch.setenv("HOME", "/nonexistent")
    assert places.cache_folder().is_relative_to(homeless)


def test_what_stands_in_for_a_home_must_be_ours(homeless):
    (homeless / "elsewhere").mkdir()
    (homeless / f"mobilesr-tune-{os.getuid()}").symlink_to(homeless / "elsewhere")
    with pytest.raises(RequestError, match="set HOME"):
        places.cache_folder()


def test_a_tilde_without_a_home_is_a_sentence(homeless):
    assert places.expanded(Path("a/~b")) == Path("a/~b")
    with pytest.raises(RequestError, match=r"~/x: nothing says where the home folder of ~ is"):
        places.expanded(Path("~/x"))


def test_variables_win_when_they_are_absolute(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert places.state_folder() == tmp_path / "mobilesr-tune"
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert places.state_folder().is_absolute()
