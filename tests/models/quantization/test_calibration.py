"""Making a network ready for int8: the same answers, known grids, pictures that are named."""

from collections import defaultdict

import numpy as np
import pytest
import torch

from models.check_tensors import check_input
from models.config import MobileSRConfig
from models.deploy_graph import DeployMobileSR
from models.deployment import Candidate, Deployment
from models.images import to_uint8
from models.quantization import calibration
from models.quantization.calibration import (
    CROP,
    CROPS,
    calibrated,
    calibration_crops,
    calibration_pixels,
)
from models.quantization.layers import LayerKind, Place
from models.weights import build_model

CONFIG = MobileSRConfig(n_feats=8, n_heads=2, ratios=(2, 1), window_size=4)


@pytest.fixture(scope="module")
def model(random_weights):
    return build_model(CONFIG, random_weights(CONFIG)).eval()


@pytest.fixture(scope="module")
def ready(model):
    return calibrated(model)


def test_the_network_answers_as_before_and_is_left_as_it_was(model, ready):
    crop = calibration_crops(4)[0]
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with torch.inference_mode():
        one, other = (DeployMobileSR(m, CROP, CROP).eval()(crop) for m in (model, ready.model))
    torch.testing.assert_close(one, other, atol=1e-5, rtol=0)
    calibrated(model)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_channels_of_a_resblock_are_of_more_equal_size(model, ready):
    # Drawn weights are alike in all channels: make one of them large.
    strange = build_model(CONFIG, _weights_of(model)).eval()
    with torch.no_grad():
        first = strange.body.layers[0][1].net[0]
        first.weight[0].mul_(30)
        first.bias[0].mul_(30)
    spread = []
    for one in (strange, calibrated(strange).model):
        seen = []
        hook = (
            one.body.layers[0][1]
            .net[0]
            .register_forward_hook(
                lambda _layer, _given, made, seen=seen: seen.append(made.abs().amax(dim=(0, 2, 3)))
            )
        )
        with torch.inference_mode():
            DeployMobileSR(one, CROP, CROP).eval()(calibration_crops(4)[0])
        hook.remove()
        spread.append(float(seen[0].max() / seen[0].median()))
    assert spread[1] < 0.5 * spread[0]


def test_queries_and_keys_of_a_channel_are_of_one_size(model):
    strange = build_model(CONFIG, _weights_of(model)).eval()
    channels = CONFIG.n_feats
    with torch.no_grad():
        strange.body.layers[0][0].attn.qkv.weight[0].mul_(50)
    sizes = defaultdict(list)
    network = DeployMobileSR(calibrated(strange).model, CROP, CROP).eval()
    for layer in (network.body[0].q, network.body[0].k):
        layer.register_forward_hook(
            lambda layer, _given, made: sizes[layer].append(
                made.abs().reshape(-1, channels).amax(0)
            )
        )
    with torch.inference_mode():
        for crop in calibration_crops(4):
            network(crop)
    queries, keys = (torch.stack(seen).amax(0) for seen in sizes.values())
    torch.testing.assert_close(queries, keys, rtol=1e-3, atol=0)


def _weights_of(model):
    from models.weights import Weights

    return Weights(state=dict(model.state_dict()), config=CONFIG, source="test")


def test_every_layer_has_its_grids_once_for_what_three_layers_read(ready):
    blocks = {Place(at, kind) for at in (0, 2) for kind in list(LayerKind)[:6]}
    blocks |= {Place(at, kind) for at in (1, 3) for kind in list(LayerKind)[6:9]}
    outside = {Place(None, kind) for kind in list(LayerKind)[9:]}
    assert set(ready.grids) == blocks | outside
    read = {ready.grids[Place(0, kind)].takes for kind in list(LayerKind)[:3]}
    assert len(read) == 1


def test_the_pictures_are_named_by_their_content(ready):
    assert (ready.calibration.crops, ready.calibration.crop) == (CROPS, CROP)
    assert len(ready.calibration.sha256) == 64
    assert calibration_pixels(4).shape == (CROPS, CROP, CROP, 3)


def test_the_pictures_are_those_that_come_for_training_alone(monkeypatch):
    """None of which is judged by: tests/models/test_samples.py."""
    grey = np.full((4 * CROP, 4 * CROP, 3), 77, np.uint8)
    monkeypatch.setattr(calibration, "sample_training_images", lambda: [grey])
    assert (calibration_pixels.__wrapped__(4) == 77).all()


@pytest.mark.parametrize("size", [(7, 5), (48, 48), (100, 130)])
def test_int8_is_checked_with_pictures_of_its_size(size):
    of = {
        io: check_input(
            Candidate(CONFIG, Deployment.choose(
                lr_height=size[0], lr_width=size[1], precision="int8", io=io,
            ))
        )
        for io in ("float", "uint8")
    }  # fmt: skip
    assert of["float"].shape == (1, 3, *size)
    assert of["uint8"].shape == (1, *size, 3)
    assert (to_uint8(of["float"].numpy()) == of["uint8"][0].numpy()).all()
    height, width = (min(side, CROP) for side in size)
    assert (
        of["uint8"][0, :height, :width].numpy() == calibration_pixels(4)[0, :height, :width]
    ).all()
