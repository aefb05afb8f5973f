"""`models.weights`: checkpoints are read, never executed, and fit or are refused by tensor."""

import os
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from config_strategies import configs, parts_of
from hypothesis import given, settings
from hypothesis import strategies as st

from foundation import RequestError
from models import weights as weights_module
from models.checkpoint_forms import CONTAINERS
from models.config import PRESETS, MobileSRConfig
from models.errors import ConfigError, WeightsError
from models.network import MobileSR
from models.origin import WeightsOrigin
from models.weights import (
    FORMAT,
    Weights,
    build_model,
    how_read,
    load_given_weights,
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


@pytest.mark.parametrize("name", CONTAINERS)
def test_other_names_for_the_state_dict_are_known(saved, ours, name):
    assert equal(load_weights(saved({name: ours.state})).state, ours.state)


def test_a_bare_state_dict_of_a_data_parallel_model_is_taken(saved, ours):
    parallel = torch.nn.DataParallel(build_model(CONFIG, ours)).state_dict()
    assert all(name.startswith("module.") for name in parallel)
    assert equal(load_weights(saved(parallel)).for_config(CONFIG), ours.state)


@pytest.mark.parametrize(
    "prefix",
    ["module.", "_orig_mod.", "module._orig_mod.", "net.", "model.", "net_g.", "any.thing.at.all."],
)
def test_prefixes_of_common_wrappers_are_taken_off_and_said(saved, ours, prefix):
    wrapped = {f"{prefix}{name}": tensor for name, tensor in ours.state.items()}
    read = load_weights(saved({"state_dict": wrapped, "epoch": 3}))
    assert equal(read.for_config(CONFIG), ours.state)
    words = f"weights.pth (its state_dict, names without {prefix!r})"
    assert read.source.endswith(words)
    path = Path(read.source.partition(" (")[0])
    assert how_read(read, path) == f"Weights: {path.parent}/{words}."
    assert how_read(load_weights(saved(ours.state)), path) == ""


def test_a_compiled_and_an_averaged_model_are_read(saved, ours):
    model = build_model(CONFIG, ours)
    averaged = torch.optim.swa_utils.AveragedModel(model).state_dict()
    assert "n_averaged" in averaged
    assert equal(load_weights(saved(averaged)).for_config(CONFIG), ours.state)
    compiled = torch.compile(model).state_dict()
    assert all(name.startswith("_orig_mod.") for name in compiled)
    assert equal(load_weights(saved(compiled)).for_config(CONFIG), ours.state)


def test_a_loss_network_beside_the_network_is_left_aside(saved, ours):
    """As Lightning saves a module with a perceptual loss."""
    names = {f"net.{name}": tensor for name, tensor in ours.state.items()}
    content = {"state_dict": names | {"loss.vgg.0.weight": torch.zeros(3)}, "global_step": 9}
    assert equal(load_weights(saved(content)).for_config(CONFIG), ours.state)


def test_of_two_networks_the_known_name_wins_and_an_unknown_one_is_refused(saved, ours):
    other = {name: tensor + 1 for name, tensor in ours.state.items()}
    both = {"params": other, "params_ema": ours.state}
    assert equal(load_weights(saved(both)).state, ours.state)
    with_discriminator = {"net_d": {"0.weight": torch.zeros(2)}, "net_g": ours.state}
    assert equal(load_weights(saved(with_discriminator)).state, ours.state)
    with pytest.raises(WeightsError, match=r"several networks \(one, two\)"):
        load_weights(saved({"one": ours.state, "two": other}))
    inside = {f"a.{n}": t for n, t in ours.state.items()} | {f"b.{n}": t for n, t in other.items()}
    with pytest.raises(WeightsError, match=r"holds 2 networks, under 'a\.', 'b\.'"):
        load_weights(saved(inside))


@pytest.mark.parametrize(
    ("extra", "name"),
    [(np.float64(1.0), r"numpy\.[\w.]*scalar"), (Path("/somewhere"), r"pathlib\.[\w.]*PosixPath")],
)
def test_what_is_no_tensor_beside_the_weights_gets_our_own_sentence(saved, ours, extra, name):
    words = rf"holds a {name} beside them.*state_dict"
    with pytest.raises(WeightsError, match=words) as refused:
        load_weights(saved({"net": ours.state, "best": extra}))
    assert "\n" not in str(refused.value)
    assert "\x1b" not in str(refused.value)


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_values_that_are_not_finite_are_refused_by_name(saved, ours, value):
    broken = {name: tensor.clone() for name, tensor in ours.state.items()}
    broken["fuse.weight"][0, 0, 1, 1] = value
    with pytest.raises(WeightsError, match=r"1 of \d+ values of fuse\.weight are not finite"):
        load_weights(saved({"net": broken}))


def test_doubles_beyond_single_precision_are_not_finite_either(saved, ours):
    broken = {name: tensor.double() for name, tensor in ours.state.items()}
    broken["tail.bias"][0] = 1e300
    with pytest.raises(WeightsError, match=r"values of tail\.bias are not finite"):
        load_weights(saved(broken))


@pytest.mark.parametrize("origin", [None, *WeightsOrigin])
def test_the_origin_is_kept(tmp_path, ours, origin):
    save_weights(replace(ours, origin=origin), tmp_path / "w.pt")
    assert load_weights(tmp_path / "w.pt").origin == origin
    # A file that a user names is a checkpoint, whatever made it.
    assert load_given_weights(tmp_path / "w.pt").origin == WeightsOrigin.CHECKPOINT


@pytest.mark.parametrize(
    ("config", "supernet"),
    [
        (MobileSRConfig(n_feats=8, n_heads=8, ratios=(1,)), False),
        (MobileSRConfig(n_feats=8, n_heads=8, ratios=(1, 1)), True),
        (MobileSRConfig(n_feats=8, n_heads=4, ratios=(1,)), True),
        (MobileSRConfig(n_feats=8, n_heads=8, ratios=(2,)), True),
    ],
)
def test_what_holds_no_other_config_is_no_supernet_whatever_its_record_says(
    tmp_path, random_weights, config, supernet
):
    """Earlier versions noted what they trained alone as they did a supernet."""
    save_weights(replace(random_weights(config), training={"random_configs": 2}), tmp_path / "w.pt")
    assert load_weights(tmp_path / "w.pt").is_supernet == supernet


def test_the_published_weights_are_known_by_their_values(saved, ours, monkeypatch):
    monkeypatch.setattr(weights_module, "PUBLISHED_SHA256", ours.sha256)
    assert load_given_weights(saved({"net": ours.state})).origin == WeightsOrigin.PUBLISHED


def test_an_origin_that_makes_no_sense_is_refused(saved, ours):
    config = CONFIG.model_dump(mode="json")
    content = {"format": FORMAT, "net": ours.state, "config": config, "origin": "the moon"}
    with pytest.raises(WeightsError, match="its origin is 'the moon'"):
        load_weights(saved(content))


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


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "it is empty"),
        (b"root:x:0:0:root:/root:/bin/bash\n", "it is another kind of file"),
        (b"\x89PNG\r\n\x1a\n", "it is another kind of file"),
        (b"PK\x03\x04 and no more", "a part of it is missing"),
        (pickle.dumps([1, 2]), "other things than tensors"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "run 'git lfs pull'"),
        (b"\n<!DOCTYPE html><html>", "it is a web page"),
        (b'\x40\0\0\0\0\0\0\0{"head.weight":{"dtype"', "safetensors.torch.load_file"),
        (b"\x1f\x8b\x08", "unpack it first"),
    ],
)
def test_what_is_no_checkpoint_is_named_as_what_it_is(tmp_path, content, sentence):
    path = tmp_path / "w.pt"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=sentence):
        load_weights(path)


def test_archives_of_another_kind_are_told_by_what_is_in_them(tmp_path):
    program, numbers = tmp_path / "program.pt", tmp_path / "numbers.pt"
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), program)
    with pytest.raises(WeightsError, match="it is a TorchScript program"):
        load_weights(program)
    with numbers.open("wb") as stream:
        np.savez(stream, weight=np.zeros(3))
    with pytest.raises(WeightsError, match=r"another kind \(with 'weight\.npy' in it\)"):
        load_weights(numbers)


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        (lambda t: t.to(torch.int8), "int8"),
        (lambda t: t.to(torch.complex64), "complex64"),
        (lambda t: t.to_sparse(), "float32, sparse_coo"),
        (lambda t: t.to("meta"), "float32, "),
        (lambda t: torch.quantize_per_tensor(t, 0.1, 0, torch.qint8), "qint8"),
    ],
)
def test_tensors_that_are_no_plain_numbers_are_refused_by_name(saved, ours, made, kind):
    state = {**ours.state, "head.weight": made(ours.state["head.weight"])}
    with pytest.raises(WeightsError, match=rf"head\.weight holds no plain .* \({kind}"):
        load_weights(saved(state))


def test_a_small_file_of_endless_weights_is_refused(saved, ours):
    state = {**ours.state, "head.weight": torch.zeros(1).expand(1 << 20, 1 << 20)}
    with pytest.raises(WeightsError, match="holds more than 2 GiB of weights"):
        load_weights(saved(state))


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
    with pytest.raises(WeightsError, match=r"larger than .* GiB, and .*: save it alone"):
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
