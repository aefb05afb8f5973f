"""Another ExecuTorch than the one the direct lowering was made for: `standard`, and a sentence."""

import importlib.metadata
import shutil
from pathlib import Path

import pytest

from models.config import MobileSRConfig
from models.deployment import Candidate, Deployment, fallback_sentence
from models.errors import ConfigError, ExportError
from models.export import export
from models.lowering import executorch_internals

SIZE = {"lr_height": 16, "lr_width": 16}


@pytest.fixture
def another_version(monkeypatch):
    real = importlib.metadata.version
    monkeypatch.setattr(
        importlib.metadata, "version", lambda name: "1.5.1" if name == "executorch" else real(name)
    )
    executorch_internals.unfit.cache_clear()
    yield
    executorch_internals.unfit.cache_clear()


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """A copy of what the direct lowering reads of executorch, in place of it."""
    real = executorch_internals._folder()
    for name in (*executorch_internals._FILES, executorch_internals._FLATC):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(real / name, tmp_path / name)
    monkeypatch.setattr(executorch_internals, "_folder", lambda: tmp_path)
    executorch_internals.unfit.cache_clear()
    yield tmp_path
    executorch_internals.unfit.cache_clear()


def test_it_fits_the_executorch_that_is_pinned():
    assert executorch_internals.unfit() == ""
    assert Deployment.choose(**SIZE).lowering == "direct"
    assert fallback_sentence(Deployment.choose(**SIZE)) == ""


def test_another_version_is_lowered_by_the_partitioner(another_version):
    deployment = Deployment.choose(**SIZE)
    assert (deployment.lowering, deployment.strip_kb) == ("standard", 0)
    sentence = fallback_sentence(deployment)
    assert "made for executorch 1.4.1, and 1.5.1 is installed: ExecuTorch's own" in sentence
    assert "\n" not in sentence


def test_a_copy_fits(installed):
    assert executorch_internals.unfit() == ""


@pytest.mark.parametrize("name", executorch_internals._FILES)
def test_another_schema_is_lowered_by_the_partitioner(name, installed):
    (installed / name).write_text("table XNNGraph {}")
    assert Deployment.choose(**SIZE).lowering == "standard"
    assert f"the {Path(name).name} that is installed is another" in fallback_sentence(
        Deployment.choose(**SIZE)
    )


def test_without_its_compiler_of_schemas_it_is_the_partitioner(installed):
    (installed / executorch_internals._FLATC).unlink()
    assert Deployment.choose(**SIZE).lowering == "standard"
    assert "needs executorch's data/bin/flatc" in fallback_sentence(Deployment.choose(**SIZE))


def test_what_was_asked_for_by_name_is_refused(another_version):
    with pytest.raises(ConfigError, match=r"1\.5\.1 is installed: leave the lowering out"):
        Deployment.choose(**SIZE, lowering="direct")


def test_a_record_of_a_direct_artifact_is_read_and_not_made_anew(
    another_version, small_artifact, random_weights, tmp_path
):
    deployment = Deployment.build(**small_artifact.manifest.deployment)
    assert deployment.lowering == "direct"
    config = MobileSRConfig.build(**small_artifact.manifest.config)
    with pytest.raises(ExportError, match=r"made for executorch 1\.4\.1"):
        export(Candidate(config, deployment), random_weights(config), tmp_path / "store")


def test_a_precision_needs_the_executorch_it_was_made_for(another_version):
    with pytest.raises(ConfigError, match=r"1\.5\.1 is installed: leave precision int8 out"):
        Deployment.choose(**SIZE, precision="int8")
