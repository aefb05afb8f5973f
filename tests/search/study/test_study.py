"""`search.study.study` on a real SQLite file: a kill loses nothing, damage is a sentence."""

import gc
import sqlite3
import subprocess
import sys

import optuna
import pytest
import sqlalchemy.exc
from made_up_results import changed, result_of
from optuna.trial import TrialState

from foundation.errors import RequestError
from models.deployment import Candidate, Deployment
from search.errors import RunError
from search.request import SearchRequest
from search.space import SearchSpace
from search.study.identity import identity_of
from search.study.run_directory import RunDirectory
from search.study.storage import storage_trouble
from search.study.study import (
    RESULT_ATTRIBUTE,
    known_results,
    load_study,
    make_sampler,
    open_study,
    own,
    record,
    recover,
    refine,
    results_of,
)

SPACE = SearchSpace(n_feats=(8, 16), depths=(1,), ratios=(1, 2), window_sizes=(4,))
REQUEST = SearchRequest(space=SPACE, max_latency_ms=50)
DEPLOYMENT = Deployment(lr_height=16, lr_width=16)


@pytest.fixture
def run(tmp_path):
    return RunDirectory.create(tmp_path / "run", REQUEST, {})


def asked(study, config):
    study.enqueue_trial(SPACE.parameters_of(config))
    trial = study.ask()
    return trial, Candidate(SPACE.suggest(trial), DEPLOYMENT)


def ok(trial, candidate, **fields):
    return result_of(
        trial.number, candidate, status="ok", latency_ms=10.0, psnr_y_db=30.0, **fields
    )


def test_results_are_told_by_their_kind(run):
    study = open_study(run, REQUEST)
    configs = list(SPACE.configs())
    trial, candidate = asked(study, configs[0])
    record(trial, ok(trial, candidate, constraint_violations={"latency_ms": -40.0}))
    trial, candidate = asked(study, configs[1])
    record(
        trial,
        result_of(
            trial.number, candidate, status="stopped", latency_ms=60.0,
            constraint_violations={"latency_ms": 10.0},
        ),
    )  # fmt: skip
    trial, candidate = asked(study, configs[2])
    record(trial, result_of(trial.number, candidate, status="failed", reason="crashed"))
    again = load_study(run)
    assert [trial.state for trial in again.trials] == [
        TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL,
    ]  # fmt: skip
    assert again.trials[0].values == [10.0, 30.0]
    assert [result.status for result in results_of(again)] == ["ok", "stopped", "failed"]
    assert run.results() == results_of(again)
    assert set(known_results(again)) == {
        Candidate(config, DEPLOYMENT).key for config in configs[:3]
    }


def test_what_a_kill_left_open_is_settled(run):
    study = open_study(run, REQUEST)
    configs = list(SPACE.configs())
    # Killed between storing the result and telling it; while measuring; before suggesting.
    trial, candidate = asked(study, configs[0])
    stored = ok(trial, candidate)
    trial.set_user_attr(RESULT_ATTRIBUTE, stored.to_dict())
    asked(study, configs[1])
    study.ask()
    del study, trial
    gc.collect()

    reopened = open_study(run, REQUEST)
    assert {t.state for t in reopened.trials} == {TrialState.RUNNING}
    assert recover(reopened) == [SPACE.parameters_of(configs[1])]
    assert [t.state for t in reopened.trials] == [
        TrialState.COMPLETE, TrialState.FAIL, TrialState.FAIL,
    ]  # fmt: skip
    assert results_of(reopened) == [stored]
    assert recover(reopened) == []


def test_a_stored_failure_is_told_as_one(run):
    study = open_study(run, REQUEST)
    trial, candidate = asked(study, SPACE.smallest())
    failed = result_of(trial.number, candidate, status="failed", reason="crashed")
    trial.set_user_attr(RESULT_ATTRIBUTE, failed.to_dict())
    assert recover(study) == []
    assert known_results(study) == {candidate.key: failed}


def test_an_open_duplicate_is_forgotten_not_counted(run):
    study = open_study(run, REQUEST)
    trial, candidate = asked(study, SPACE.smallest())
    first = ok(trial, candidate)
    record(trial, first)
    twin, _ = asked(study, SPACE.smallest())
    twin.set_user_attr("duplicate_of", trial.number)
    twin.set_user_attr(RESULT_ATTRIBUTE, first.to_dict())
    recover(study)
    assert results_of(study) == [first]


DAMAGES = {
    "junk": b"this is no database" * 100,
    "cut": None,
    "empty": b"",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_an_unreadable_study_is_one_sentence(run, damage):
    study = open_study(run, REQUEST)
    trial, candidate = asked(study, SPACE.smallest())
    record(trial, ok(trial, candidate))
    del study, trial
    gc.collect()
    content = DAMAGES[damage]
    if content is None:
        content = run.study_path.read_bytes()[:5000]
    run.study_path.write_bytes(content)
    for read in (load_study, RunDirectory.results):
        with pytest.raises(RunError, match=r"study\.db cannot be read .*--run-dir") as refused:
            read(run)
        assert "\n" not in str(refused.value)
    if damage != "empty":  # an empty file is a database without a study: it is made anew
        with pytest.raises(RunError, match=r"study\.db cannot be read"):
            open_study(run, REQUEST)


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        ("database is locked", "another program holds it"),
        ("attempt to write a readonly database", "who owns it"),
        ("unable to open database file", "its folder is there"),
        (
            'connection to server at "10.0.0.9", port 5432 failed: Connection refused',
            "does not answer",
        ),
        (
            "failed to resolve host 'nosuch': [Errno -2] Name or service not known",
            "does not answer",
        ),
        ('password authentication failed for user "me"', "correct the user and password"),
        ('connection failed: FATAL:  database "none" does not exist', "createdb"),
        ("permission denied for schema public", "what its owner allows"),
        ("cannot execute CREATE TABLE in a read-only transaction", "name the one that does"),
        ("terminating connection due to administrator command", "does not answer"),
    ],
)
def test_trouble_that_passes_sends_nobody_to_the_backups(run, words, advice):
    with pytest.raises(RunError, match=advice) as caught, storage_trouble(run):
        raise sqlalchemy.exc.OperationalError("SELECT 1", {}, sqlite3.OperationalError(words))
    assert "from a copy" not in str(caught.value)


def shared(tmp_path, address):
    request = REQUEST.model_copy(update={"storage": address})
    return request, RunDirectory.create(tmp_path / "run", request, {})


def test_a_study_outlives_the_connections_that_it_began_with(tmp_path, postgresql, cut_connections):
    """As after hours of measuring, behind a firewall that forgets who is silent."""
    request, run = shared(tmp_path, postgresql)
    study = open_study(run, request)
    trial, candidate = asked(study, next(iter(SPACE.configs())))
    assert cut_connections(postgresql) > 0
    record(trial, ok(trial, candidate))
    assert cut_connections(postgresql) > 0
    assert [one.number for one in results_of(study)] == [0]


def test_an_address_with_an_at_sign_in_its_password_shows_nothing_of_it(tmp_path):
    request, run = shared(tmp_path, "postgresql://me:pass@wo@rd@127.0.0.1:1/x")
    with pytest.raises(RequestError, match="write '@' as %40") as raised:
        open_study(run, request)
    assert "wo@rd" not in str(raised.value)
    assert "wo@" not in run.spec_path.read_text()


def test_tables_of_an_older_optuna_are_brought_up_to_date_and_not_restored(tmp_path):
    request, run = shared(tmp_path, f"sqlite:///{tmp_path}/shared.db")
    open_study(run, request)
    with sqlite3.connect(tmp_path / "shared.db") as database:
        database.execute("UPDATE alembic_version SET version_num = 'v3.0.0.d'")
    with pytest.raises(RunError, match=r"cannot be used now .*optuna storage upgrade"):
        open_study(run, request)


def test_a_run_without_a_study_says_so(run):
    with pytest.raises(RunError, match=r"holds no study\.db: the search did not get as far"):
        load_study(run)
    assert not run.study_path.exists()


@pytest.mark.parametrize(
    "url", ["nonsense", "postgresql://nobody@127.0.0.1:1/x", "sqlite:////proc/x"]
)
def test_a_storage_that_cannot_be_reached_is_one_sentence(tmp_path, url):
    request = REQUEST.model_copy(update={"storage": url})
    run = RunDirectory.create(tmp_path / "run", request, {})
    with pytest.raises(RunError, match=r"cannot be (read|used)") as refused:
        open_study(run, request)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["tpe", "nsga2", "gp", "random"])
def test_every_sampler_asks_for_configs_of_the_space(name):
    request = REQUEST.model_copy(update={"sampler": name, "trials": 6})
    study = optuna.create_study(
        directions=["minimize", "maximize"], sampler=make_sampler(request, 0)
    )
    for value in range(6):
        trial = study.ask()
        assert SPACE.suggest(trial) in SPACE
        trial.set_constraint("latency_ms", value - 3.0)
        study.tell(trial, [float(value), -float(value)])


def test_a_resumed_random_search_does_not_repeat_its_draws():
    request = REQUEST.model_copy(update={"sampler": "random"})

    def draws(done):
        study = optuna.create_study(sampler=make_sampler(request, done))
        return [study.ask().suggest_float("x", 0, 1) for _ in range(3)]

    assert draws(0) == draws(0)
    assert not set(draws(0)) & set(draws(3))


def test_a_sharpened_result_replaces_the_first_and_survives_reopening(run):
    study = open_study(run, REQUEST)
    trial, candidate = asked(study, next(iter(SPACE.configs())))
    first = ok(trial, candidate)
    record(trial, first)
    refine(study, changed(first, latency_ms=9.5, sessions=9))
    (found,) = run.results()
    assert (found.latency_ms, found.sessions) == (9.5, 9)
    # Optuna's own value stays what the trial was told.
    assert load_study(run).trials[0].values[0] == 10.0


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


@pytest.mark.parametrize("name", ["a?b", "a%2Fb", "a#b", "{x}", "a b&c=d", "ä'\"", "~x"])
def test_a_study_lies_in_its_own_run_whatever_its_name(tmp_path, name):
    run = RunDirectory.create(tmp_path / name, REQUEST, {})
    trial, candidate = asked(open_study(run, REQUEST), SPACE.smallest())
    record(trial, ok(trial, candidate))
    assert (tmp_path / name / "study.db").is_file()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert len(run.results()) == 1


def test_reading_makes_and_changes_nothing(tmp_path):
    run = RunDirectory.create(tmp_path / "run", REQUEST, {})
    trial, candidate = asked(open_study(run, REQUEST), SPACE.smallest())
    record(trial, ok(trial, candidate))
    before = run.study_path.read_bytes()
    run.study_path.chmod(0o444)
    assert len(run.results()) == 1
    assert run.study_path.read_bytes() == before
    run.study_path.unlink()
    run.study_path.touch()
    with pytest.raises(RunError, match="cannot be read"):
        run.results()
    assert run.study_path.read_bytes() == b""


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


HALF_A_WRITE = """
import os, sqlite3, sys
study = sqlite3.connect(sys.argv[1], isolation_level=None)
study.execute("PRAGMA cache_size = 1")
study.execute("BEGIN IMMEDIATE")
study.execute("CREATE TABLE scratch (text)")
study.executemany("INSERT INTO scratch VALUES (?)", [("x" * 1000,)] * 2000)
os._exit(9)
"""


def test_a_write_that_a_kill_cut_short_is_settled_by_the_search_alone(tmp_path):
    run = RunDirectory.create(tmp_path / "run", REQUEST, {})
    trial, candidate = asked(open_study(run, REQUEST), SPACE.smallest())
    record(trial, ok(trial, candidate))
    subprocess.run([sys.executable, "-c", HALF_A_WRITE, str(run.study_path)], check=False)
    with pytest.raises(RunError, match="left in the middle of a write"):
        run.results()
    open_study(run, REQUEST)
    assert len(run.results()) == 1
