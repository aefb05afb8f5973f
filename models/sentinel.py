"""The sentinel: the fixed reference model whose latency tells how fast a device is just now.

Small, so that it costs little beside what it accompanies; of the same kind as the candidates, so
that heat and busy cores slow it down as they do them. Its weights are random: they do not change
how long it takes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import torch

from foundation.artifact import Artifact
from models.config import MobileSRConfig
from models.deployment import Candidate, Deployment
from models.export import export
from models.network import MobileSR
from models.weights import Weights

_SEED = 20220


def sentinel_candidate(deployment: Deployment, scale: Literal[2, 3, 4] = 4) -> Candidate:
    """The sentinel at a deployment's LR size, as a deploy graph in fp32 whatever that is.

    Lowered as the deployment is: a study's latencies are of one lowering, the sentinel's with them.

    Never change it: latencies of different days are compared by it. A change is a new sentinel,
    which its artifact's sha256 shows, and starts new references.
    """
    config = MobileSRConfig(n_feats=16, n_heads=4, ratios=(2, 2), window_size=8, scale=scale)
    return Candidate(config, deployment.model_copy(update={"graph": "deploy", "precision": "fp32"}))


def export_sentinel(deployment: Deployment, store: Path, scale: Literal[2, 3, 4] = 4) -> Artifact:
    """Export the sentinel into `store`, or return the artifact that is there already.

    Raises:
        ExportError: ExecuTorch cannot lower it.
        RequestError: the store cannot be written or the disk is full.
    """
    candidate = sentinel_candidate(deployment, scale)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED)
        state = MobileSR(candidate.config).state_dict()
    return export(candidate, Weights(dict(state), candidate.config, "sentinel"), store)
