"""The sentinel: always the same, and small beside what it accompanies."""

from __future__ import annotations

from models.config import MobileSRConfig
from models.cost import macs
from models.deployment import Deployment
from models.sentinel import export_sentinel, sentinel_candidate


def test_it_is_exported_once_and_the_same_everywhere(tmp_path):
    deployment = Deployment.build(lr_height=8, lr_width=8, graph="reference")
    made = export_sentinel(deployment, tmp_path / "a", scale=2)
    again = export_sentinel(deployment, tmp_path / "a", scale=2)
    elsewhere = export_sentinel(deployment, tmp_path / "b", scale=2)
    assert made.folder == again.folder
    assert made.manifest.sha256 == elsewhere.manifest.sha256
    assert made.manifest.delegates == 1
    assert made.manifest.weights_source == "sentinel"


def test_it_costs_little_beside_the_published_model():
    config = sentinel_candidate(Deployment.build(lr_height=180, lr_width=320)).config
    assert macs(config, 180, 320) < 0.15 * macs(MobileSRConfig(), 180, 320)
