"""`models.export`: one delegate, a complete manifest, content-addressed, never half-written."""

import importlib.metadata
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from host_answer import host_answer

from foundation import RequestError, load_artifact, sha256_of
from models import export as export_module
from models.config import MobileSRConfig
from models.cost import macs
from models.deployment import Candidate, Deployment
from models.errors import ExportError, WeightsError
from models.export import artifact_folder, check_input, export
from models.lowering.lowered import Lowered
from models.network import parameter_count
from models.origin import WeightsOrigin
from models.weights import build_model

ARTIFACTS = ["small_artifact", "odd_artifact", "standard_artifact"]


@pytest.fixture(params=ARTIFACTS)
def deployed(request):
    return request.getfixturevalue(request.param)


def config_of(artifact):
    return MobileSRConfig.build(**artifact.manifest.config)


def candidate_of(artifact):
    return Candidate(config_of(artifact), Deployment.build(**artifact.manifest.deployment))


def eager_output(artifact, random_weights):
    candidate = candidate_of(artifact)
    with torch.inference_mode():
        model = build_model(candidate.config, random_weights(candidate.config))
        return model(check_input(candidate)).numpy()


def run_program(artifact, image):
    return host_answer(artifact.model_path, image).numpy()


def test_the_deploy_graph_is_one_delegate_and_nothing_else(deployed):
    manifest = deployed.manifest
    assert manifest.delegates == 1
    assert manifest.undelegated_ops == {}
    assert manifest.undelegated_op_count == 0
    assert manifest.delegated_op_count > 10


def test_the_reference_graph_leaves_operators_to_portable_kernels(reference_artifact):
    manifest = reference_artifact.manifest
    assert manifest.delegates > 1
    assert manifest.undelegated_ops["native_layer_norm"] == 2
    assert manifest.deployment["graph"] == "reference"


def test_the_manifest_is_complete_and_true(deployed, random_weights):
    manifest, candidate = deployed.manifest, candidate_of(deployed)
    config, deployment = candidate.config, candidate.deployment
    height, width, scale = deployment.lr_height, deployment.lr_width, config.scale
    assert manifest.candidate_key == candidate.key
    assert manifest.sha256 == sha256_of(deployed.model_path)
    assert manifest.size_bytes == deployed.model_path.stat().st_size
    assert manifest.check_input_sha256 == sha256_of(deployed.check_input_path)
    assert manifest.check_output_sha256 == sha256_of(deployed.check_output_path)
    assert [t.model_dump() for t in manifest.inputs] == [
        {"shape": (1, 3, height, width), "dtype": "float32"}
    ]
    assert [t.model_dump() for t in manifest.outputs] == [
        {"shape": (1, 3, scale * height, scale * width), "dtype": "float32"}
    ]
    assert manifest.parameters == parameter_count(config)
    assert manifest.macs == macs(config, height, width)
    assert manifest.weights_sha256 == random_weights(config).sha256
    assert manifest.weights_source == "random"
    assert manifest.weights_origin is None
    assert manifest.torch_version == torch.__version__
    assert manifest.executorch_version == importlib.metadata.version("executorch")
    assert manifest.planned_memory_bytes >= 4 * 3 * height * width * (1 + scale**2)
    assert 0 < manifest.check_tolerance <= 1e-4
    assert manifest.export_s > 0
    assert load_artifact(deployed.folder).manifest == manifest
    assert sorted(p.name for p in deployed.folder.iterdir()) == [
        "README.md", "check_input.bin", "check_output.bin", "manifest.json", "model.pte",
    ]  # fmt: skip


def test_the_check_tensors_are_eager_pytorch(deployed, random_weights):
    given = np.fromfile(deployed.check_input_path, "<f4")
    expected = np.fromfile(deployed.check_output_path, "<f4")
    assert (given == check_input(candidate_of(deployed)).numpy().ravel()).all()
    assert given.min() >= 0
    assert given.max() <= 1
    np.testing.assert_allclose(
        expected, eager_output(deployed, random_weights).ravel(), atol=1e-6, rtol=1e-6
    )


@pytest.mark.parametrize("name", [*ARTIFACTS, "reference_artifact"])
def test_the_program_computes_what_the_network_computes(request, random_weights, name):
    artifact = request.getfixturevalue(name)
    found = run_program(artifact, check_input(candidate_of(artifact)))
    assert np.abs(found - eager_output(artifact, random_weights)).max() <= 1e-4


@pytest.fixture
def no_lowering(monkeypatch):
    def refuse(*_):
        raise AssertionError("lowered again")

    monkeypatch.setattr(export_module, "_lower", refuse)


@pytest.fixture
def own_store(small_artifact, tmp_path):
    """A store of this test's own, with `small_artifact` in it."""
    shutil.copytree(small_artifact.folder, tmp_path / "store" / small_artifact.folder.name)
    return tmp_path / "store"


def test_the_same_request_exports_nothing(small_artifact, own_store, random_weights, no_lowering):
    again = export(
        candidate_of(small_artifact), random_weights(config_of(small_artifact)), own_store
    )
    assert again.folder == own_store / small_artifact.folder.name
    assert again.manifest == small_artifact.manifest


def test_the_manifest_tells_the_origin_of_the_weights(tmp_path, random_weights):
    config = MobileSRConfig(n_feats=4, n_heads=2, ratios=(1,), window_size=4, scale=2)
    candidate = Candidate(config, Deployment.choose(lr_height=8, lr_width=8))
    weights = replace(random_weights(config), origin=WeightsOrigin.TRAINED_HERE)
    artifact = export(candidate, weights, tmp_path)
    assert load_artifact(artifact.folder).manifest.weights_origin == "trained here"
    assert "Trained by the user's own search" in (artifact.folder / "README.md").read_text()


def test_a_slice_of_a_supernet_is_the_same_artifact_as_the_config_itself(
    small_artifact, own_store, random_weights, no_lowering
):
    """Content-addressed: what counts is the weights exported, not where they came from."""
    config = config_of(small_artifact)
    weights = random_weights(config)
    wide = config.model_copy(update={"window_size": 8})
    as_part = type(weights)(weights.state, wide, "a supernet")
    assert export(candidate_of(small_artifact), as_part, own_store).folder.parent == own_store


def test_the_folder_tells_candidates_weights_and_revisions_apart(monkeypatch, small_artifact):
    candidate = candidate_of(small_artifact)
    turned = Candidate(candidate.config, Deployment(lr_height=8, lr_width=16))
    folders = {artifact_folder(Path("s"), c, sha) for c in (candidate, turned) for sha in "ab"}
    standard = Candidate(candidate.config, Deployment(lr_height=16, lr_width=16))
    folders.add(artifact_folder(Path("s"), standard, "a"))
    monkeypatch.setitem(export_module.GRAPH_REVISIONS, "direct", 999)
    folders.add(artifact_folder(Path("s"), candidate, "a"))
    assert len(folders) == 6
    assert artifact_folder(Path("s"), standard, "a") in folders


@pytest.mark.parametrize("name", ["model.pte", "manifest.json"])
def test_a_damaged_artifact_is_made_anew(
    small_artifact, own_store, random_weights, monkeypatch, name
):
    lowered = []
    real = export_module._lower

    def spy(*arguments):
        lowered.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(export_module, "_lower", spy)
    folder = own_store / small_artifact.folder.name
    (folder / name).write_bytes(b"damaged" + (folder / name).read_bytes()[7:])
    again = export(
        candidate_of(small_artifact), random_weights(config_of(small_artifact)), own_store
    )
    assert len(lowered) == 1
    assert load_artifact(folder).manifest == again.manifest
    assert again.manifest.delegates == 1
    assert [p.name for p in own_store.iterdir()] == [folder.name]


def test_what_cannot_be_lowered_leaves_nothing_behind(tmp_path, random_weights, monkeypatch):
    def burst(*_, **__):
        raise RuntimeError("no such operator\nand a long trace")

    monkeypatch.setattr(torch.export, "export", burst)
    config = MobileSRConfig(n_feats=4, n_heads=1, ratios=(1,))
    candidate = Candidate(config, Deployment(lr_height=8, lr_width=8))
    with pytest.raises(ExportError, match=r"cannot lower n4_h1.*RuntimeError: no such operator$"):
        export(candidate, random_weights(config), tmp_path / "store")
    assert not list((tmp_path / "store").iterdir())


def test_what_answers_wrongly_is_no_artifact(tmp_path, small_artifact, random_weights, monkeypatch):
    """A program of other weights: it loads, runs, and is found out."""
    candidate = candidate_of(small_artifact)
    other = Lowered(small_artifact.model_path.read_bytes, 1, 0)
    monkeypatch.setattr(export_module, "_lower", lambda *_: other)
    with pytest.raises(ExportError, match=r"answers wrongly on this host: off by up to 0\.\d+, at"):
        export(candidate, random_weights(candidate.config, seed=1), tmp_path / "store")
    assert not list((tmp_path / "store").iterdir())


def test_what_the_runtime_cannot_load_is_no_artifact(
    tmp_path, small_artifact, random_weights, monkeypatch
):
    candidate = candidate_of(small_artifact)
    broken = Lowered(lambda: small_artifact.model_path.read_bytes()[:3000], 1, 0)
    monkeypatch.setattr(export_module, "_lower", lambda *_: broken)
    with pytest.raises(ExportError, match="the runtime of this host cannot run it"):
        export(candidate, random_weights(candidate.config), tmp_path / "store")
    assert not list((tmp_path / "store").iterdir())


def test_an_artifact_from_before_there_were_two_lowerings_is_of_the_standard_one(
    standard_artifact, own_store, random_weights, no_lowering
):
    """Its manifest does not name one; it is read, and used again."""
    folder = own_store / standard_artifact.folder.name
    shutil.copytree(standard_artifact.folder, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    for field in ("lowering", "strip_kb"):
        del manifest["deployment"][field]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    old = load_artifact(folder)
    assert candidate_of(old) == candidate_of(standard_artifact)
    assert candidate_of(old).key == old.manifest.candidate_key
    assert candidate_of(old).deployment.lowering == "standard"
    again = export(candidate_of(old), random_weights(config_of(old)), own_store)
    assert again.manifest == old.manifest


def test_a_store_that_cannot_be_written_is_told_before_the_work(
    small_artifact, tmp_path, random_weights, no_lowering
):
    (tmp_path / "file").touch()
    config = config_of(small_artifact)
    with pytest.raises(RequestError, match="a file stands where a folder is needed"):
        export(candidate_of(small_artifact), random_weights(config), tmp_path / "file/store")


def test_a_full_disk_leaves_nothing_behind(small_artifact, tmp_path, random_weights, monkeypatch):
    def full():
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export_module, "_lower", lambda *_: Lowered(full, 1, 0))
    config = config_of(small_artifact)
    with pytest.raises(RequestError, match="no space left on the disk"):
        export(candidate_of(small_artifact), random_weights(config), tmp_path / "store")
    assert not list((tmp_path / "store").iterdir())


def test_weights_that_do_not_contain_it_are_refused(tmp_path, random_weights):
    small = MobileSRConfig(n_feats=4, n_heads=1, ratios=(1,))
    large = Candidate(
        MobileSRConfig(n_feats=8, n_heads=1, ratios=(1,)), Deployment(lr_height=8, lr_width=8)
    )
    with pytest.raises(WeightsError, match=r"head\.weight is \(4"):
        export(large, random_weights(small), tmp_path / "store")
    assert not (tmp_path / "store").exists()
