"""`foundation.records` and the artifact format: what is not understood is refused."""

import json
import shutil
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation import RequestError, VersionedRecord, load_artifact


class Note(VersionedRecord):
    kind: ClassVar[str] = "note"
    version: ClassVar[int] = 3

    text: str
    numbers: tuple[int, ...] = ()


@given(st.text(), st.lists(st.integers()))
def test_a_record_comes_back(text, numbers):
    note = Note(text=text, numbers=tuple(numbers))
    assert Note.from_dict(json.loads(json.dumps(note.to_dict())), where="memory") == note


def test_a_record_file_says_what_it_is(tmp_path):
    Note(text="a").save(tmp_path / "n.json")
    assert json.loads((tmp_path / "n.json").read_text())["schema"] == "note/3"
    assert Note.load(tmp_path / "n.json") == Note(text="a")


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ([], "is no note record"),
        ({}, "is no note record"),
        (None, "is no note record"),
        ({"schema": "note/4", "text": "a"}, "holds 'note/4', .* reads 'note/3': use the version"),
        ({"schema": "measurement/3"}, "holds 'measurement/3'"),
        ({"schema": "note/3"}, "is damaged: text: is missing"),
        ({"schema": "note/3", "text": "a", "mood": 1}, "is damaged: mood: "),
        ({"schema": "note/3", "text": "a", "numbers": [1, "x"]}, r"is damaged: numbers\.1: "),
    ],
)
def test_what_is_not_known_is_refused_with_a_sentence(tmp_path, value, sentence):
    path = tmp_path / "n.json"
    path.write_text(json.dumps(value))
    with pytest.raises(RequestError, match=sentence) as refused:
        Note.load(path)
    assert str(refused.value).startswith(str(path))
    assert "\n" not in str(refused.value)


@pytest.fixture
def own(small_artifact, tmp_path):
    return shutil.copytree(small_artifact.folder, tmp_path / "published")


def test_an_artifact_is_found_by_folder_and_by_file(own):
    assert load_artifact(own) == load_artifact(own / "model.pte")


@pytest.mark.parametrize("name", ["model.pte", "check_input.bin", "check_output.bin"])
def test_a_changed_or_missing_file_is_named(own, name):
    content = bytearray((own / name).read_bytes())
    content[len(content) // 2] ^= 1
    (own / name).write_bytes(content)
    with pytest.raises(RequestError, match=f"{name} is not the file its manifest describes"):
        load_artifact(own)
    (own / name).unlink()
    with pytest.raises(RequestError, match=f"lacks {name}|no artifact at"):
        load_artifact(own)


def test_a_pte_without_its_manifest_is_refused(own):
    (own / "manifest.json").unlink()
    with pytest.raises(RequestError, match=r"holds no manifest\.json.*mobilesr-tune export"):
        load_artifact(own / "model.pte")
    with pytest.raises(RequestError, match=r"no artifact at .*nowhere"):
        load_artifact(own / "nowhere")
