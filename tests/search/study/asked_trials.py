"""Trials of a small space, asked of a real study, for the tests of what a study keeps."""

from made_up_results import result_of

from models.deployment import Candidate, Deployment
from search.request import SearchRequest
from search.space import SearchSpace

SPACE = SearchSpace(n_feats=(8, 16), depths=(1,), ratios=(1, 2), window_sizes=(4,))
REQUEST = SearchRequest(space=SPACE, max_latency_ms=50)
DEPLOYMENT = Deployment(lr_height=16, lr_width=16)


def asked(study, config):
    study.enqueue_trial(SPACE.parameters_of(config))
    trial = study.ask()
    return trial, Candidate(SPACE.suggest(trial), DEPLOYMENT)


def ok(trial, candidate, **fields):
    return result_of(
        trial.number, candidate, status="ok", latency_ms=10.0, psnr_y_db=30.0, **fields
    )
