"""`models.export_pool` with real processes: an artifact, or the sentence why there is none."""

import os
import shutil
import signal
import threading
import time

import psutil
import pytest

from foundation import Artifact, RequestError
from models.config import MobileSRConfig
from models.deployment import Candidate, Deployment
from models.export_pool import ExportPool
from models.weights import save_weights


def candidate_of(artifact):
    manifest = artifact.manifest
    return Candidate(
        MobileSRConfig.build(**manifest.config), Deployment.build(**manifest.deployment)
    )


@pytest.fixture
def prepared(small_artifact, random_weights, tmp_path):
    """Weights on disk, and a store that holds their artifact already."""
    weights = tmp_path / "w.pt"
    save_weights(random_weights(candidate_of(small_artifact).config), weights)
    shutil.copytree(small_artifact.folder, tmp_path / "store" / small_artifact.folder.name)
    return weights, tmp_path / "store"


def larger(candidate):
    return Candidate(candidate.config.model_copy(update={"n_feats": 64}), candidate.deployment)


def workers():
    return [p for p in psutil.Process().children() if "spawn_main" in " ".join(p.cmdline())]


def test_a_candidate_that_cannot_be_exported_takes_no_other_with_it(prepared, small_artifact):
    good, done = candidate_of(small_artifact), []
    with ExportPool(*prepared, jobs=1) as pool:
        exports = pool.export_all([larger(good), good, larger(good)], done.append)
    assert isinstance(exports[1], Artifact)
    assert exports[1].manifest == small_artifact.manifest
    for sentence in (exports[0], exports[2]):
        assert isinstance(sentence, str)
        assert "does not fit n64_h2_r1_w4_x2_p1" in sentence
        assert "head.weight is (8, 3, 3, 3), needed (64, 3, 3, 3)" in sentence
    assert done == [larger(good), good, larger(good)]
    assert workers() == []


def test_a_killed_worker_costs_no_candidate_but_its_own(prepared, small_artifact):
    good = candidate_of(small_artifact)

    def kill_the_first():
        deadline = time.monotonic() + 60
        while not workers() and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(workers()[0].pid, signal.SIGKILL)

    killer = threading.Thread(target=kill_the_first)
    with ExportPool(*prepared, jobs=1) as pool:
        killer.start()
        exports = pool.export_all([good, larger(good)])
        killer.join()
        # Whichever was in its hands, the other has the answer it would have had.
        assert "does not fit" in exports[1] or "died" in exports[1]
        assert isinstance(exports[0], Artifact) or "died" in exports[0]
        assert not ("died" in str(exports[0]) and "died" in exports[1])
        # And the next batch finds fresh workers.
        assert isinstance(pool.export_all([good])[0], Artifact)


def test_a_stuck_worker_is_given_up_and_stopped(prepared, small_artifact):
    good = candidate_of(small_artifact)
    with ExportPool(*prepared, jobs=1, timeout_s=0.01) as pool:
        (sentence,) = pool.export_all([good])
        assert sentence == f"export of {good.key} took more than 0 s"
        assert workers() == []
        pool.timeout_s = 120
        assert isinstance(pool.export_all([good])[0], Artifact)


def test_a_store_that_cannot_be_written_ends_the_search(prepared, small_artifact, tmp_path):
    (tmp_path / "file").touch()
    with (
        ExportPool(prepared[0], tmp_path / "file/store", jobs=1) as pool,
        pytest.raises(RequestError, match="a file stands where a folder is needed"),
    ):
        pool.export_all([candidate_of(small_artifact)])
    assert workers() == []


def test_workers_that_start_know_no_ctrl_c(prepared, small_artifact, capfd):
    """A terminal's Ctrl-C reaches the workers too, also while they are still being born."""
    weights, store = prepared
    with ExportPool(weights, store) as pool:
        future = pool._submit(candidate_of(small_artifact))
        assert workers()
        for born in workers():
            born.send_signal(signal.SIGINT)
        assert future.result(timeout=200).name == small_artifact.folder.name
    assert "KeyboardInterrupt" not in capfd.readouterr().err
