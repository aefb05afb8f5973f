"""`search.study.run_directory`: a run is re-entered by its own search and by no other."""

import shutil
from pathlib import Path

import pytest
from made_up_results import result_of

from foundation import RequestError
from models.deployment import Candidate, Deployment
from search.errors import RunError
from search.request import SearchRequest
from search.space import SearchSpace
from search.study.run_directory import RunDirectory
from search.study.study import open_study, record

SPACE = SearchSpace()
REQUEST = SearchRequest(seed=1)
FACTS = {"inputs": {"evaluation images": "aa", "training images": "bb"}}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep/run"


def test_a_run_is_made_and_read_back(path):
    run = RunDirectory.create(path, REQUEST, FACTS)
    assert RunDirectory.open(path) == run
    assert run.facts() == FACTS
    assert run.environment() == {}
    assert run.spec()["seed"] == 1
    assert run.shared_storage is None
    assert sorted(p.name for p in path.iterdir()) == ["facts.json", "run.toml", "study.json"]


def test_an_empty_folder_will_do(path):
    path.mkdir(parents=True)
    assert RunDirectory.create(path, REQUEST, FACTS).spec_path.is_file()


def test_the_same_search_re_enters_with_another_budget(path):
    RunDirectory.create(path, REQUEST, FACTS)
    longer = REQUEST.model_copy(update={"trials": 99, "settle_sessions": 1})
    assert RunDirectory.create(path, longer, FACTS).spec()["trials"] == 99


def test_a_foreign_folder_is_left_alone(path):
    path.mkdir(parents=True)
    (path / "thesis.tex").write_text("years")
    with pytest.raises(RunError, match="is not empty and holds no run: choose another --run-dir"):
        RunDirectory.create(path, REQUEST, FACTS)
    assert [p.name for p in path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"seed": 2}, "a search with seed=1, this one has seed=2"),
        ({"lowering": "direct"}, "with lowering=standard, this one has lowering=direct"),
        ({"lr_size": (8, 8)}, r"lr_size=\[64, 64\], this one has lr_size=\[8, 8\]"),
        ({"max_latency_ms": 4.0}, "max_latency_ms=None, this one has max_latency_ms=4.0"),
    ],
)
def test_another_search_is_refused_and_changes_nothing(path, change, sentence):
    run = RunDirectory.create(path, REQUEST, FACTS)
    before = run.spec_path.read_bytes()
    with pytest.raises(RunError, match=f"belongs to {sentence}: choose|{sentence}"):
        RunDirectory.create(path, REQUEST.model_copy(update=change), FACTS)
    assert run.spec_path.read_bytes() == before


@pytest.mark.parametrize("name", ["evaluation images", "training images"])
def test_changed_inputs_are_refused(path, name):
    RunDirectory.create(path, REQUEST, FACTS)
    changed = {"inputs": {**FACTS["inputs"], name: "other"}}
    with pytest.raises(RunError, match=f"was made with other {name}: the files have changed"):
        RunDirectory.create(path, REQUEST, changed)
    assert RunDirectory.open(path).facts() == FACTS


def test_lost_facts_do_not_lock_the_run(path):
    """Killed between its two files, the first run left no facts."""
    run = RunDirectory.create(path, REQUEST, FACTS)
    (path / "facts.json").unlink()
    assert RunDirectory.create(path, REQUEST, FACTS).facts() == FACTS
    (path / "facts.json").write_text("{")
    with pytest.raises(RequestError, match=r"facts\.json cannot be read"):
        run.facts()
    assert RunDirectory.create(path, REQUEST, FACTS).facts() == FACTS


def test_what_is_no_run_is_said(tmp_path):
    with pytest.raises(RunError, match=r"no run directory at .*'mobilesr-tune search' makes one"):
        RunDirectory.open(tmp_path / "nowhere")
    with pytest.raises(RunError, match=r"is no run directory: it holds no run\.toml"):
        RunDirectory.open(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="no run directory at"):
        RunDirectory.open(tmp_path / "file")
    with pytest.raises(RequestError, match="a file stands where a folder is needed"):
        RunDirectory.create(tmp_path / "file", REQUEST, FACTS)


@pytest.mark.parametrize("content", [b"seed = ", b"\xff\xff"])
def test_a_damaged_request_is_a_sentence(path, content):
    run = RunDirectory.create(path, REQUEST, FACTS)
    run.spec_path.write_bytes(content)
    with pytest.raises(RunError, match=r"run\.toml cannot be read"):
        run.spec()
    with pytest.raises(RequestError, match=r"run\.toml cannot be read"):
        RunDirectory.create(path, REQUEST, FACTS)


def test_results_of_another_device_are_not_added(path):
    RunDirectory.create(path, REQUEST, {**FACTS, "profile_key": "phone-a-1"})
    with pytest.raises(RunError, match="holds results of phone-a-1, this device is phone-b-2"):
        RunDirectory.create(path, REQUEST, {**FACTS, "profile_key": "phone-b-2"})
    assert RunDirectory.open(path).facts()["profile_key"] == "phone-a-1"
    RunDirectory.create(path, REQUEST, {**FACTS, "profile_key": "phone-a-1"})


def finished(run, number, measurement_file=""):
    candidate = Candidate(SPACE.smallest(), Deployment(lr_height=16, lr_width=16))
    record(
        open_study(run, REQUEST).ask(),
        result_of(
            number, candidate, status="failed", latency_ms=1.0, measurement_file=measurement_file
        ),
    )


def test_the_runs_of_several_profiles_are_read_together_and_each_alone(path):
    run = RunDirectory.create(path, REQUEST, FACTS)
    parts = [run.create_part(key, REQUEST, FACTS) for key in ("phone-b", "phone-a")]
    run.create_part("phone-c", REQUEST, FACTS)  # got as far as no trial
    assert [part.path.name for part in run.parts] == ["phone-a", "phone-b", "phone-c"]
    for part in parts:
        finished(part, 0, "measurements/trial-00000.json")
    assert len(run.results()) == 2
    assert [r.timing.measurement_file for r in run.results()] == [
        f"profiles/{name}/measurements/trial-00000.json" for name in ("phone-a", "phone-b")
    ]
    assert len(parts[0].results()) == 1
    # What both share lies in the run above, wherever all of it is moved.
    (run.artifacts / "one").mkdir()
    moved = RunDirectory(path.rename(path.with_name("moved")))
    assert [[p.name for p in part.artifacts.iterdir()] for part in moved.parts] == [["one"]] * 3


def test_a_copy_whose_links_became_folders_goes_on_with_one_store(path, tmp_path):
    """As `cp -rL`, an archive and a drive without links leave it."""
    RunDirectory.create(path, REQUEST, FACTS).create_part("phone-a", REQUEST, FACTS)
    copied = RunDirectory(shutil.copytree(path, tmp_path / "copied", symlinks=False))
    assert not (copied.parts[0].path / "artifacts").is_symlink()
    part = copied.create_part("phone-a", REQUEST, FACTS)
    assert (part.artifacts, part.weights) == (copied.artifacts, copied.weights)
    (part.path / "artifacts").rmdir()
    assert part.artifacts == copied.artifacts
    # Taken out, it has what it took along.
    alone = RunDirectory(part.path.rename(tmp_path / "alone"))
    assert alone.artifacts == alone.path / "artifacts"


def test_profiles_do_not_meet_in_a_storage_of_ones_own(path, tmp_path):
    request = REQUEST.model_copy(update={"storage": f"sqlite:///{tmp_path}/shared.db"})
    run = RunDirectory.create(path, request, FACTS)
    for key in ("phone-a", "phone-b"):
        finished(run.create_part(key, request, FACTS), 0)
    assert [len(part.results()) for part in run.parts] == [1, 1]


def test_the_run_of_a_profile_is_held_with_the_whole(tmp_path, monkeypatch):
    """However it is named: a search of all devices holds the run above."""
    run = RunDirectory.create(tmp_path / "run", REQUEST, {})
    part = run.create_part("phone-a", REQUEST, {})
    (tmp_path / "link").symlink_to(part.path)
    monkeypatch.chdir(part.path)
    for path in (part.path, tmp_path / "link", Path(), Path("../phone-a")):
        assert RunDirectory.open(path).whole == run.path
    assert RunDirectory.open(Path("../..")).whole.resolve() == run.path
    # Taken out by itself it is a whole.
    shutil.copytree(part.path, tmp_path / "profiles/phone-a")
    assert RunDirectory.open(tmp_path / "profiles/phone-a").whole == tmp_path / "profiles/phone-a"
