"""The sentinel: always the same, and small beside what it accompanies."""

from __future__ import annotations

from models.config import MobileSRConfig
from models.cost import macs
from models.deployment import Deployment
from models.sentinel import export_sentinel, sentinel_candidate


def test_it_is_exported_once_and_the_same_everywhere(tmp_path):
    deployment = Deployment.choose(lr_height=8, lr_width=8)
    made = export_sentinel(deployment, tmp_path / "a", scale=2)
    again = export_sentinel(deployment, tmp_path / "a", scale=2)
    elsewhere = export_sentinel(deployment, tmp_path / "b", scale=2)
    assert made.folder == again.folder
    assert made.manifest.sha256 == elsewhere.manifest.sha256
    assert made.manifest.delegates == 1
    assert made.manifest.weights_source == "sentinel"


def test_it_is_a_deploy_graph_lowered_as_the_deployment_is():
    size = {"lr_height": 8, "lr_width": 8}
    written = sentinel_candidate(Deployment.build(**size, graph="reference")).deployment
    assert (written.graph, written.lowering) == ("deploy", "standard")
    # The key it had when there was but one lowering: a study of that time finds its sentinel.
    assert written.key == "8x8_fp32_xnnpack_deploy"
    direct = sentinel_candidate(Deployment.choose(**size)).deployment
    assert (direct.graph, direct.lowering) == ("deploy", "direct")


def test_it_costs_little_beside_the_published_model():
    config = sentinel_candidate(Deployment.build(lr_height=180, lr_width=320)).config
    assert macs(config, 180, 320) < 0.15 * macs(MobileSRConfig(), 180, 320)
