"""A storage that several runs use: no search answers another, and none is dialled unasked."""

import pytest
from asked_trials import DEPLOYMENT, REQUEST, ok
from optuna.trial import TrialState

from models.deployment import Candidate
from search.errors import RunError
from search.request import SearchRequest
from search.space import SearchSpace
from search.study.identity import identity_of
from search.study.run_directory import RunDirectory
from search.study.study import (
    known_results,
    open_study,
    own,
    record,
    recover,
)

SHARED = SearchSpace(n_feats=(8, 16), depths=(1,), ratios=(1,), window_sizes=(4,))


def shared_run(folder, url, *, weights="w1", profile="pixel", **changes):
    """A run whose study lies in a storage that others use too, and its study."""
    request = SearchRequest(space=SHARED, storage=url, **changes)
    run = RunDirectory.create(folder, request, {})
    identity = identity_of(request, {"evaluation images": "i"}, weights, profile)
    run.name_study(identity)
    return run, open_study(run, request, identity)


def finish_one(study, owner=""):
    trial = study.ask()
    own(trial, owner)
    candidate = Candidate(SHARED.suggest(trial), DEPLOYMENT)
    record(trial, ok(trial, candidate))


@pytest.mark.parametrize(
    "other", [{"weights": "w2"}, {"profile": "galaxy"}, {"seed": 1}, {"max_latency_ms": 5.0}]
)
def test_a_shared_storage_answers_no_other_search(tmp_path, other):
    url = f"sqlite:///{tmp_path}/shared.db"
    first, study = shared_run(tmp_path / "a", url)
    finish_one(study, first.owner)
    _, stranger = shared_run(tmp_path / "b", url, **other)
    assert known_results(stranger) == {}
    # The same search from another folder is the same study.
    _, twin = shared_run(tmp_path / "c", url)
    assert len(known_results(twin)) == 1


def test_only_trials_of_this_run_are_recovered(tmp_path):
    url = f"sqlite:///{tmp_path}/shared.db"
    ours, study = shared_run(tmp_path / "a", url)
    theirs, beside = shared_run(tmp_path / "b", url)
    assert ours.owner != theirs.owner
    for run, one in ((ours, study), (theirs, beside)):
        trial = one.ask()
        own(trial, run.owner)
        SHARED.suggest(trial)
    assert len(recover(study, ours.owner)) == 1
    assert [t.state for t in beside.trials] == [TrialState.FAIL, TrialState.RUNNING]


def test_a_study_that_is_another_searchs_is_refused(tmp_path):
    run = RunDirectory.create(tmp_path / "a", REQUEST, {})
    images = {"evaluation images": "i"}
    open_study(run, REQUEST, identity_of(REQUEST, images, "w1", "pixel"))
    with pytest.raises(RunError, match=r"a search with other weights \(w1, here w2\)"):
        open_study(run, REQUEST, identity_of(REQUEST, images, "w2", "pixel"))
    # What an earlier version did not ask for makes no other study.
    later = identity_of(REQUEST, images, "w1", "pixel") | {"asked since": 1}
    open_study(run, REQUEST, later)


def test_no_database_is_dialled_because_a_file_names_it(tmp_path):
    url = f"sqlite:///{tmp_path}/shared.db"
    run, study = shared_run(tmp_path / "a", url)
    finish_one(study, run.owner)
    named = RunDirectory.open(run.path)
    with pytest.raises(RunError, match="give that address, with its password, as --storage"):
        named.results()
    spec = run.spec_path.read_text().replace("shared.db", "elsewhere.db")
    run.spec_path.write_text(spec)
    with pytest.raises(RunError, match="as --storage"):
        named.results()
    assert not (tmp_path / "elsewhere.db").exists()
    assert len(RunDirectory.open(run.path, url).results()) == 1
    with pytest.raises(RunError, match="unable to open database file"):
        RunDirectory.open(run.path, f"sqlite:///{tmp_path}/elsewhere.db").results()
    assert not (tmp_path / "elsewhere.db").exists()


def test_a_study_does_not_move_unnoticed(tmp_path):
    url = f"sqlite:///{tmp_path}/shared.db"
    RunDirectory.create(tmp_path / "own", REQUEST, {})
    with pytest.raises(RunError, match=r"in its own study\.db: leave --storage out"):
        RunDirectory.create(tmp_path / "own", REQUEST.model_copy(update={"storage": url}), {})
    shared_run(tmp_path / "a", url)
    with pytest.raises(RunError, match=r"shared\.db: give --storage again"):
        RunDirectory.create(tmp_path / "a", SearchRequest(space=SHARED), {})


def test_passwords_of_earlier_versions_are_not_shown(tmp_path):
    run = RunDirectory.create(
        tmp_path / "run", REQUEST, {"command": ["x", "--storage=a://u:pw1@h"]}
    )
    text = run.spec_path.read_text() + "\n"
    run.spec_path.write_text('storage = "postgresql://u:pw1@h/db"\n' + text)
    assert run.spec()["storage"] == "postgresql://u:***@h/db"
    assert "pw1" not in str(run.facts())
