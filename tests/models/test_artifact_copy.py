"""`models.artifact_copy`: an artifact where the user wants it, or nothing at all."""

import shutil

import pytest

from foundation import RequestError
from models.artifact_copy import copy_artifact
from models.errors import ExportError


@pytest.fixture
def make(small_artifact):
    """An export into a store, without its cost."""
    from foundation import load_artifact

    def export(store):
        return load_artifact(shutil.copytree(small_artifact.folder, store / "made"))

    return export


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_new_folder_holds_the_artifact_and_nothing_lies_beside_it(tmp_path, make, small_artifact):
    artifact = copy_artifact(make, tmp_path / "deep/published")
    assert artifact.folder == tmp_path / "deep/published"
    assert artifact.manifest == small_artifact.manifest
    assert names(tmp_path / "deep") == ["published"]
    assert names(artifact.folder) == names(small_artifact.folder)


def test_an_empty_folder_and_an_artifact_are_replaced(tmp_path, make):
    output = tmp_path / "published"
    output.mkdir()
    copy_artifact(make, output)
    (output / "note-of-the-old-one").touch()
    copy_artifact(make, output)
    assert "note-of-the-old-one" not in names(output)
    assert names(tmp_path) == ["published"]


def test_anything_else_is_left_alone(tmp_path, make):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis/chapter1.tex").write_text("work of years")
    (tmp_path / "file").write_text("a file")
    for name in ("thesis", "file"):
        with pytest.raises(ExportError, match=f"{name} exists and is no artifact"):
            copy_artifact(make, tmp_path / name)
    assert (tmp_path / "thesis/chapter1.tex").read_text() == "work of years"
    assert (tmp_path / "file").read_text() == "a file"
    assert names(tmp_path) == ["file", "thesis"]


@pytest.mark.parametrize("error", [ExportError("cannot lower"), KeyboardInterrupt()])
def test_a_failed_export_leaves_the_old_one_and_no_traces(tmp_path, make, error):
    copy_artifact(make, tmp_path / "published")

    def fail(store):
        (store / "half").write_text("written")
        raise error

    with pytest.raises(type(error)):
        copy_artifact(fail, tmp_path / "published")
    assert names(tmp_path) == ["published"]
    assert "model.pte" in names(tmp_path / "published")


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path, make):
    (tmp_path / "file").touch()
    with pytest.raises(RequestError, match="a file stands where a folder is needed"):
        copy_artifact(make, tmp_path / "file/published")
    with pytest.raises(RequestError, match="cannot write /proc/published"):
        copy_artifact(make, tmp_path.__class__("/proc/published"))
