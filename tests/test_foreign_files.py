"""Every file that is read may hold anything: it is understood, or refused in our own words."""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foundation.artifact import ArtifactManifest, load_artifact
from foundation.errors import MobileSRTuneError
from foundation.files import read_json
from foundation.toml import read_toml
from models.training.recipe import TrainingRecipe
from nightly.suite import load_suite
from search.request import SearchRequest
from search.study.crops import CropPlaces
from search.study.records import CandidateResult
from search.study.run_directory import RunDirectory
from search.study.troubles import read_troubles

OLD = Path(__file__).parent / "old_run"
MANIFEST = {
    "schema": "artifact/1", "candidate_key": "n8_h2_r1_w4_x2_p1_16x16", "config": {"n_feats": 8},
    "deployment": {"lr_height": 16}, "sha256": "0", "size_bytes": 1,
    "inputs": [{"shape": [1, 3, 16, 16], "dtype": "float32"}],
    "outputs": [{"shape": [1, 3, 32, 32], "dtype": "float32"}], "parameters": 1, "macs": 1,
    "weights_sha256": "0", "weights_source": "x", "torch_version": "2", "executorch_version": "1",
    "delegates": 1, "delegated_ops": {"conv": 1}, "undelegated_ops": {},
    "planned_memory_bytes": 1, "check_tolerance": 1e-4, "check_input_sha256": "0",
    "check_output_sha256": "0", "export_s": 1.0,
}  # fmt: skip
RESULT = {
    "schema": "candidate-result/2", "number": 0, "key": "n8_h2_r1_w4_x2_p1_16x16",
    "config": {
        "n_feats": 8, "n_heads": 2, "ratios": [1], "window_size": 4, "scale": 2, "body_passes": 1,
    },
    "deployment": {"lr_height": 16, "lr_width": 16}, "status": "ok", "device_serial": "host",
    "profile_key": "host", "latency_ms": 1.0, "latency_low_ms": 0.9, "latency_high_ms": 1.1,
    "psnr_y_db": 30.0, "psnr_rgb_db": 28.0, "ssim_y": 0.9, "bicubic_psnr_y_db": 29.0,
    "images": [], "constraint_violations": {"latency_ms": -1.0}, "flags": ["host"],
    "parameters": 5, "macs": 7, "size_bytes": 9, "delegates": 1, "artifact_sha256": "0",
}  # fmt: skip
SUITE = {
    "name": "s", "history": "h.db", "devices": ["auto"], "sentinel": "none",
    "models": [{"name": "m", "key": "n8_h2_r1_w4_x2_p1", "lr_size": "16x16"}],
    "conditions": [{"name": "default", "threads": 1, "cpus": [0]}],
    "measure": {"sessions": 3, "budget_min": 1.0}, "judge": {"alpha": 0.05, "baseline": 1},
    "floors": {"latency": "2 %"}, "images": {"hr": "/tmp", "lr": "/tmp"}, "output": "o",
}  # fmt: skip
REQUEST = {
    "lr_size": "16x16", "trials": 3, "hr": "hr", "storage": "sqlite:///x.db", "runner": "r",
    "sampler": "tpe", "run_dir": "run", "max_latency_ms": 1.0,
    "space": {"n_feats": [8], "depths": [1], "ratios": [1], "window_sizes": [4], "n_heads": 2},
}  # fmt: skip
RECIPE = {
    "key": "n8_h2_r1_w4_x2_p1", "plan": {"steps": 20, "crop": 8, "learning_rate": 1e-3},
    "space": {"n_feats": [8], "depths": [1], "ratios": [1], "window_sizes": [4], "n_heads": 2},
}  # fmt: skip
PLACES = {
    "schema": "picture-crops/1", "places": [{"image": "a", "top": 0, "left": 0, "side": 9}],
}  # fmt: skip


def everything_of_a_run(path: Path) -> None:
    run = RunDirectory.open(path.parent)
    for read in (run.spec, run.facts, run.environment, run.devices, lambda: run.study_name):
        with contextlib.suppress(MobileSRTuneError):
            read()
    run.results()


def from_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def from_toml(value: Any) -> bytes:
    return tomli_w.dumps(value).encode("utf-8", "replace")


# What reads it, what the file is called, a sound content, how it is written.
PARSERS: dict[str, tuple[Callable[[Path], Any], str, Any, Callable[[Any], bytes]]] = {
    "JSON": (read_json, "a.json", MANIFEST, from_json),
    "TOML": (read_toml, "a.toml", SUITE, from_toml),
    "manifest": (ArtifactManifest.load, "a.json", MANIFEST, from_json),
    "artifact": (lambda p: load_artifact(p.parent), "manifest.json", MANIFEST, from_json),
    "result": (CandidateResult.load, "a.json", RESULT, from_json),
    "recipe": (
        lambda p: TrainingRecipe.resolve(p, {"steps": 20, "n_feats": (8,)}),
        "a.toml",
        RECIPE,
        from_toml,
    ),
    "crops": (CropPlaces.load, "a.json", PLACES, from_json),
    "suite": (load_suite, "suite.toml", SUITE, from_toml),
    "request": (lambda p: SearchRequest.resolve({}, p), "a.toml", REQUEST, from_toml),
    "stored request": (SearchRequest.stored, "run.toml", REQUEST, from_toml),
    "run": (everything_of_a_run, "run.toml", REQUEST, from_toml),
    "facts": (everything_of_a_run, "facts.json", {"command": ["x"], "inputs": {}}, from_json),
    "devices": (everything_of_a_run, "devices.json", {"devices": [{}]}, from_json),
    "study": (everything_of_a_run, "study.json", {"name": "a", "owner": "b"}, from_json),
    "environment": (everything_of_a_run, "environment.json", {"python": "3"}, from_json),
    "troubles": (read_troubles, "troubles.jsonl", {"serial": "a", "what": "b"}, from_json),
}

SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=30)
    | st.sampled_from(["~", "~nobody/x", "a\0b", "\ud800", "../..", "sqlite://", "x://[", "1e999"])
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=8,
)


@st.composite
def changed(draw: st.DrawFn, sound: Any) -> Any:
    """A sound content of which a few values are anything, gone, or come under another name."""
    value = copy.deepcopy(sound)
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(value))
        if not places:
            break
        container, key = draw(st.sampled_from(places))
        what = draw(st.integers(0, 4))
        if what == 0:
            del container[key]
        elif what == 1 and isinstance(container, dict):
            container[draw(st.text(max_size=12))] = draw(VALUES)
        else:
            container[key] = draw(VALUES)
    return value


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    keys = list(value) if isinstance(value, dict) else range(len(value))
    for key in keys:
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key])


@pytest.mark.parametrize("name", PARSERS)
@settings(suppress_health_check=list(HealthCheck), deadline=None)
@given(data=st.data())
def test_no_file_makes_an_error_that_is_not_ours(tmp_path_factory, name, data):
    parse, file, sound, write = PARSERS[name]
    folder = tmp_path_factory.mktemp("foreign")
    if parse is everything_of_a_run:
        (folder / "run.toml").write_bytes(from_toml(REQUEST))
    content = data.draw(changed(sound) | st.binary(max_size=60) | st.just(b"[" * 100_000))
    if not isinstance(content, bytes):
        try:
            content = write(content)
        except (ValueError, TypeError, AttributeError):
            return  # no such document can be written
    (folder / file).write_bytes(content)
    # Any other exception fails the test.
    with contextlib.suppress(MobileSRTuneError):
        parse(folder / file)
