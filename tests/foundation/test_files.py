"""`foundation.files`: a file is whole or absent, and trouble is a sentence."""

import errno
import hashlib
import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation import (
    RequestError,
    atomic_path,
    read_json,
    require_writable,
    sha256_of,
    write_json,
    write_text,
)
from foundation.files import explain_os_error

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_folders_are_made_and_nothing_lies_beside_the_file(tmp_path):
    write_text(tmp_path / "a/b/c.txt", "größer\n")
    assert (tmp_path / "a/b/c.txt").read_text(encoding="utf-8") == "größer\n"
    assert names(tmp_path / "a/b") == ["c.txt"]


def test_a_result_is_as_readable_as_any_file(tmp_path):
    (tmp_path / "plain").touch()
    write_text(tmp_path / "ours", "x")
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "ours")}
    assert len(modes) == 1


@pytest.mark.parametrize("error", [ValueError("wrong"), KeyboardInterrupt(), OSError(28, "full")])
def test_a_failed_write_leaves_the_old_content_and_no_traces(tmp_path, error):
    target = tmp_path / "result.json"
    target.write_text("old")
    wanted = RequestError if isinstance(error, OSError) else type(error)

    def write_half():
        with atomic_path(target) as temporary:
            temporary.write_text("half")
            assert temporary.suffix == ".json"
            raise error

    with pytest.raises(wanted):
        write_half()
    assert target.read_text() == "old"
    assert names(tmp_path) == ["result.json"]


def test_what_is_renamed_was_synced_before(tmp_path, monkeypatch):
    done = []
    monkeypatch.setattr(
        os, "fsync", lambda fd: done.append(("sync", stat.S_ISDIR(os.fstat(fd).st_mode)))
    )
    with atomic_path(tmp_path / "a") as temporary:
        temporary.write_text("x")
    assert done == [("sync", False), ("sync", True)]


def test_a_disk_that_fills_at_the_last_moment_changes_nothing(tmp_path, monkeypatch):
    """File systems that allocate late report a full disk at fsync."""

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RequestError, match="no space left on the disk that holds"):
        write_text(tmp_path / "a", "x")
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("call", "number"),
    [("chmod", errno.EPERM), ("chmod", errno.ENOTSUP), ("fsync", errno.EINVAL)],
)
def test_a_drive_without_rights_or_synced_folders_is_written_all_the_same(
    tmp_path, monkeypatch, call, number
):
    """A stick that root has mounted refuses chmod; CIFS and 9p refuse to sync a folder."""
    real = {"chmod": os.chmod, "fsync": os.fsync}[call]

    def refuses(what, *rest, **named):
        if call == "fsync" and not stat.S_ISDIR(os.fstat(what).st_mode):
            return real(what)
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, call, refuses)
    write_text(tmp_path / "a", "x")
    assert (tmp_path / "a").read_text() == "x"
    assert names(tmp_path) == ["a"]


def test_a_name_as_long_as_a_file_system_takes(tmp_path):
    name = "n" * 251 + ".txt"
    write_text(tmp_path / name, "x")
    assert names(tmp_path) == [name]


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "no space left on the disk"),
        (errno.EDQUOT, "no space left on the disk"),
        (errno.EACCES, "permission denied; choose another folder"),
        (errno.EROFS, "permission denied; choose another folder"),
        (errno.ENOTDIR, "a file stands where a folder is needed"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_every_trouble_has_its_sentence(tmp_path, number, sentence):
    error = explain_os_error(OSError(number, os.strerror(number)), tmp_path / "f")
    assert sentence in str(error)
    assert error.exit_code == 2


def test_a_file_in_the_way_of_a_folder(tmp_path):
    (tmp_path / "f").touch()
    with pytest.raises(RequestError, match="a file stands where a folder is needed"):
        write_text(tmp_path / "f/x.txt", "x")


def test_whether_a_file_could_be_written_is_known_without_a_trace(tmp_path):
    (tmp_path / "f").touch()
    require_writable(tmp_path / "deep/er/x.txt")
    require_writable(tmp_path / "x.txt")
    assert names(tmp_path) == ["f"]
    with pytest.raises(RequestError, match="a file stands where a folder is needed"):
        require_writable(tmp_path / "f/x.txt")
    with pytest.raises(RequestError, match="cannot write /proc/deep/x"):
        require_writable(tmp_path.__class__("/proc/deep/x"))


@given(value=json_values)
def test_json_comes_back(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("json") / "v.json"
    write_json(path, value)
    assert read_json(path) == value


def test_what_is_no_json_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "v.json", {"psnr": float("nan")})
    assert names(tmp_path) == []


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"{'a': 1}"])
def test_unreadable_json_is_a_sentence(tmp_path, content):
    (tmp_path / "v.json").write_bytes(content)
    with pytest.raises(RequestError, match=r"v\.json cannot be read as JSON"):
        read_json(tmp_path / "v.json")


def test_missing_files_are_sentences(tmp_path):
    with pytest.raises(RequestError, match="does not exist"):
        read_json(tmp_path / "v.json")
    with pytest.raises(RequestError, match=r"cannot read .*No such file"):
        sha256_of(tmp_path / "v.json")
    with pytest.raises(RequestError, match="Is a directory"):
        sha256_of(tmp_path)


@given(content=st.binary(max_size=100))
def test_sha256_is_that_of_the_content(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("sha") / "f"
    path.write_bytes(content)
    assert sha256_of(path) == hashlib.sha256(content).hexdigest()
