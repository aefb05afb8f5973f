"""`models.weights`: checkpoints are read, never executed, and fit or are refused by tensor."""

import os
import pickle

import pytest
import torch
from config_strategies import configs, parts_of
from hypothesis import given, settings
from hypothesis import strategies as st

from foundation import RequestError
from models import weights as weights_module
from models.config import PRESETS, MobileSRConfig
from models.errors import ConfigError, WeightsError
from models.network import MobileSR
from models.weights import (
    FORMAT,
    Weights,
    build_model,
    load_weights,
    save_weights,
    state_sha256,
)

CONFIG = MobileSRConfig(n_feats=8, n_heads=2, ratios=(2, 1))


@pytest.fixture
def ours(random_weights):
    return random_weights(CONFIG)


@pytest.fixture
def saved(tmp_path):
    def save(content):
        torch.save(content, tmp_path / "weights.pth")
        return tmp_path / "weights.pth"

    return save


def equal(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[n], other[n]) for n in one)


def test_what_is_saved_is_read_back(tmp_path, ours):
    path = tmp_path / "deep/w.pt"
    save_weights(Weights(ours.state, CONFIG, "here", {"steps": 7}), path)
    read = load_weights(path)
    assert equal(read.state, ours.state)
    assert (read.config, read.training, read.source) == (CONFIG, {"steps": 7}, str(path))
    assert read.sha256 == ours.sha256
    assert [p.name for p in path.parent.iterdir()] == ["w.pt"]


def test_weights_of_unknown_architecture_are_not_saved(tmp_path, ours):
    with pytest.raises(ConfigError, match="without a config"):
        save_weights(Weights(ours.state, None, "here"), tmp_path / "w.pt")
    assert not list(tmp_path.iterdir())


def test_the_published_form_loads_strictly(saved, random_weights):
    """A dict of `net`, `optimizer` and `epoch`; it says nothing of the architecture."""
    state = random_weights(PRESETS["ntire2022"]).state
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(2))]).state_dict()
    read = load_weights(saved({"net": state, "optimizer": optimizer, "epoch": 9}))
    assert read.config is None
    model = build_model(PRESETS["ntire2022"], read)
    assert equal(dict(model.state_dict()), state)
    assert not model.training


@pytest.mark.parametrize("name", ["params_ema", "params", "state_dict", "model"])
def test_other_names_for_the_state_dict_are_known(saved, ours, name):
    assert equal(load_weights(saved({name: ours.state})).state, ours.state)


def test_a_bare_state_dict_of_a_data_parallel_model_is_taken(saved, ours):
    parallel = torch.nn.DataParallel(build_model(CONFIG, ours)).state_dict()
    assert all(name.startswith("module.") for name in parallel)
    assert equal(load_weights(saved(parallel)).for_config(CONFIG), ours.state)


def test_half_precision_becomes_single(saved, ours):
    halves = {name: tensor.half() for name, tensor in ours.state.items()}
    assert {t.dtype for t in load_weights(saved(halves)).state.values()} == {torch.float32}


class Bomb:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.mkdir, (self.target,)


@pytest.mark.parametrize("write", [torch.save, "old", pickle.dump])
def test_a_pickle_that_runs_code_is_refused_and_not_run(tmp_path, write):
    path, trace = tmp_path / "evil.pth", tmp_path / "was-run"
    content = {"net": {"head.weight": Bomb(str(trace))}}
    if write is torch.save:
        torch.save(content, path)
    elif write == "old":
        torch.save(content, path, _use_new_zipfile_serialization=False)
    else:
        path.write_bytes(pickle.dumps(content))
    with pytest.raises(WeightsError, match=r"evil\.pth is no PyTorch checkpoint") as refused:
        load_weights(path)
    assert "\n" not in str(refused.value)
    assert not trace.exists()
    # The bomb is live: unpickled carelessly it goes off.
    pickle.loads(pickle.dumps(content))
    assert trace.exists()


def test_a_checkpoint_cut_anywhere_is_refused(tmp_path, ours):
    path = tmp_path / "w.pt"
    save_weights(ours, path)
    whole = path.read_bytes()
    for length in [0, 1, 2, 30, *range(100, len(whole), len(whole) // 12), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(WeightsError, match=r"w\.pt is no PyTorch checkpoint") as refused:
            load_weights(path)
        assert "\n" not in str(refused.value)


@settings(max_examples=60)
@given(st.binary(max_size=200))
def test_any_other_bytes_are_refused(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("junk") / "w.pt"
    path.write_bytes(content)
    with pytest.raises(WeightsError):
        load_weights(path)


@pytest.mark.parametrize(
    "content",
    [
        {},
        [],
        {"net": {}},
        {"epoch": 3},
        {"net": {"head.weight": 3}},
        torch.zeros(3),
        "text",
        None,
    ],
)
def test_what_holds_no_state_dict_is_refused(saved, content):
    with pytest.raises(WeightsError, match="holds no state dict"):
        load_weights(saved(content))


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"config": None},
        {"config": [8, 2]},
        {"config": {"n_feats": 9, "n_heads": 2}},
        {"config": {"colour": 1}},
        {"config": {1: 2}},
        {"config": CONFIG.model_dump(mode="json"), "training": "long"},
    ],
)
def test_a_header_of_ours_that_makes_no_sense_is_refused(saved, ours, header):
    with pytest.raises(RequestError) as refused:
        load_weights(saved({"format": FORMAT, "net": ours.state, **header}))
    assert "\n" not in str(refused.value)


def test_missing_and_huge_files_are_refused(tmp_path, ours, monkeypatch):
    with pytest.raises(WeightsError, match="no weights at"):
        load_weights(tmp_path / "w.pt")
    with pytest.raises(WeightsError, match="no weights at"):
        load_weights(tmp_path)
    save_weights(ours, tmp_path / "w.pt")
    monkeypatch.setattr(weights_module, "MAX_CHECKPOINT_BYTES", 100)
    with pytest.raises(WeightsError, match=r"larger than .* GiB: refused"):
        load_weights(tmp_path / "w.pt")


def test_another_architecture_is_told_by_its_tensors(ours):
    foreign = Weights(ours.state, None, "theirs.pth")
    with pytest.raises(WeightsError) as refused:
        foreign.for_config(CONFIG.model_copy(update={"n_feats": 16}))
    message = str(refused.value)
    assert message.startswith("theirs.pth does not fit n16_h2_r2.1_w8_x4_p1: ")
    assert "tensors of another shape: head.weight is (8, 3, 3, 3), needed (16, 3, 3, 3)" in message
    with pytest.raises(
        WeightsError, match=r"19 not of this network: body\.layers\.1\.0\.pos_embed"
    ):
        foreign.for_config(CONFIG.model_copy(update={"ratios": (2,)}))
    with pytest.raises(WeightsError, match=r"19 missing: body\.layers\.2\.0\.pos_embed.*\.\.\."):
        foreign.for_config(CONFIG.model_copy(update={"ratios": (2, 1, 1)}))
    with pytest.raises(WeightsError, match=r"upsapling\.0\.weight is \(32, 8, 1, 1\), needed \(72"):
        foreign.for_config(CONFIG.model_copy(update={"scale": 3}))


@settings(max_examples=40)
@given(st.data(), configs())
def test_weights_that_know_their_config_give_every_part(random_weights, data, full):
    part = data.draw(parts_of(full))
    weights = random_weights(full)
    assert equal(dict(build_model(part, weights).state_dict()), weights.for_config(part))


def test_a_larger_config_is_refused_by_weights_that_know_theirs(ours):
    with pytest.raises(WeightsError, match=r"does not fit n8_h2_r2\.2"):
        ours.for_config(CONFIG.model_copy(update={"ratios": (2, 2)}))


def test_the_hash_sees_names_shapes_and_values_and_nothing_else(ours):
    state = ours.state
    assert state_sha256(dict(reversed(state.items()))) == ours.sha256
    changed = state | {"tail.bias": state["tail.bias"] + 1e-6}
    renamed = {name.replace("tail.bias", "tail.bios"): t for name, t in state.items()}
    reshaped = state | {"head.weight": state["head.weight"].reshape(8, 27)}
    hashes = {state_sha256(s) for s in (state, changed, renamed, reshaped)}
    assert len(hashes) == 4


def test_building_leaves_the_weights_alone(ours):
    model = build_model(CONFIG, ours)
    assert isinstance(model, MobileSR)
    before = ours.state["tail.bias"].clone()
    with torch.no_grad():
        model.tail.bias.add_(1)
    assert torch.equal(ours.state["tail.bias"], before)
