"""`models.evaluation`: a checkpoint's quality, image by image, bicubic beside it."""

import numpy as np
import pytest
import torch

from models.bicubic import upscale
from models.config import MobileSRConfig
from models.evaluation import compare, evaluate, run_eager
from models.images import make_pair
from models.network import MobileSR
from models.quality import mean_score, score

CONFIG = MobileSRConfig(n_feats=4, n_heads=1, ratios=(1,), window_size=4, scale=2)


@pytest.fixture(scope="module")
def bilinear_model():
    """A network whose learnt part is nothing."""
    torch.manual_seed(0)
    model = MobileSR(CONFIG).eval()
    torch.nn.init.zeros_(model.tail.weight)
    torch.nn.init.zeros_(model.tail.bias)
    return model


@pytest.fixture(scope="module")
def pairs(picture):
    return [make_pair("a", picture(41, 50, 1), 2), make_pair("b", picture(30, 36, 2), 2)]


def test_the_output_is_clamped_and_rounded(bilinear_model, pairs):
    output = run_eager(bilinear_model, pairs[0].lr)
    low = torch.from_numpy(pairs[0].lr.transpose(2, 0, 1)[None].astype(np.float32))
    expected = torch.nn.functional.interpolate(low, scale_factor=2, mode="bilinear")
    assert output.dtype == np.uint8
    assert output.shape == pairs[0].hr.shape
    # Rounding a value of exactly one half may fall either way.
    close = np.abs(output - expected[0].numpy().transpose(1, 2, 0)) <= 0.5001
    assert close.all()
    with torch.no_grad():
        bilinear_model.tail.bias.fill_(2.0)
    assert (run_eager(bilinear_model, pairs[0].lr) == 255).all()
    with torch.no_grad():
        bilinear_model.tail.bias.zero_()


def test_scores_are_those_of_each_image_and_their_means(bilinear_model, pairs):
    told = []
    result = evaluate(bilinear_model, pairs, told.append)
    assert told == [image.name for image in result.images] == ["a", "b"]
    for image, pair in zip(result.images, pairs, strict=True):
        assert image.model == score(run_eager(bilinear_model, pair.lr), pair.hr, border=2)
        assert image.bicubic == score(upscale(pair.lr, 2), pair.hr, border=2)
    assert result.model == mean_score([image.model for image in result.images])
    assert result.model.psnr_y_db == pytest.approx(
        (result.images[0].model.psnr_y_db + result.images[1].model.psnr_y_db) / 2
    )
    assert result.bicubic.ssim_y == pytest.approx(
        (result.images[0].bicubic.ssim_y + result.images[1].bicubic.ssim_y) / 2
    )


def test_what_lies_in_the_border_is_not_judged(pairs):
    pair = pairs[0]
    output = upscale(pair.lr, 2)
    spoilt = output.copy()
    spoilt[:2], spoilt[-2:], spoilt[:, :2], spoilt[:, -2:] = 0, 0, 0, 0
    assert compare(pair, spoilt, 2) == compare(pair, output, 2)
    assert compare(pair, output, 2).model == compare(pair, output, 2).bicubic
    spoilt[2, 2] ^= 255
    assert compare(pair, spoilt, 2) != compare(pair, output, 2)
