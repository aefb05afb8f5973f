"""`models.training`: a supernet that learns, and that a kill does not set back."""

import random
from dataclasses import dataclass

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from models.config import MobileSRConfig
from models.errors import ImageError, WeightsError
from models.training import CropSampler, SupernetTrainer, TrainingPlan
from models.weights import build_model, load_weights, save_weights


@dataclass(frozen=True)
class TinySpace:
    channels: tuple[int, ...] = (4, 8)
    scale: int = 2

    def config(self, n_feats, ratios):
        return MobileSRConfig(
            n_feats=n_feats, n_heads=2, ratios=ratios, window_size=4, scale=self.scale
        )

    def largest(self):
        return self.config(max(self.channels), (2, 2))

    def smallest(self):
        return self.config(min(self.channels), (1,))

    def sample(self, rng: random.Random):
        ratios = tuple(rng.choice((1, 2)) for _ in range(rng.choice((1, 2))))
        return self.config(rng.choice(self.channels), ratios)


SPACE = TinySpace()
# Written after every step.
SHORT = TrainingPlan(steps=8, batch_size=2, crop=8, checkpoint_every_s=-1.0)


@pytest.fixture(scope="module")
def images(picture):
    return [picture(48, 40, 1), picture(36, 52, 2)]


def states_equal(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[n], other[n]) for n in one)


def error_of(weights, config, images):
    low, high = CropSampler(images, config.scale, 16).draw(16, random.Random(5))
    with torch.inference_mode():
        return float(F.l1_loss(build_model(config, weights)(low), high))


@pytest.fixture(scope="module")
def trained(images):
    plan = TrainingPlan(steps=160, batch_size=4, crop=8, learning_rate=5e-3)
    losses = []
    weights = SupernetTrainer(SPACE, images, plan).run(lambda p: losses.append(p))
    return weights, losses


def test_training_teaches_the_largest_and_the_smallest(trained, images):
    weights, _ = trained
    untrained = SupernetTrainer(SPACE, images, SHORT)
    # Before the first step the output is the bilinear image, whatever the config.
    low, high = untrained.crops.draw(16, random.Random(5))
    bilinear = F.interpolate(low, scale_factor=2, mode="bilinear", align_corners=False)
    with torch.inference_mode():
        torch.testing.assert_close(untrained.model(low), bilinear)
    low, high = CropSampler(images, 2, 16).draw(16, random.Random(5))
    bilinear = F.interpolate(low, scale_factor=2, mode="bilinear", align_corners=False)
    start = float(F.l1_loss(bilinear, high))
    assert error_of(weights, SPACE.largest(), images) < 0.9 * start
    assert error_of(weights, SPACE.smallest(), images) < 0.97 * start


def test_every_step_is_told(trained):
    _, told = trained
    assert [p.step for p in told] == list(range(1, 161))
    assert {p.steps for p in told} == {160}
    assert told[-1].loss < told[0].loss


def test_the_weights_hold_the_whole_space_and_say_how_they_were_made(trained, tmp_path):
    weights, _ = trained
    assert weights.config == SPACE.largest()
    assert weights.training["steps"] == 160
    for config in (SPACE.largest(), SPACE.smallest(), SPACE.sample(random.Random(1))):
        build_model(config, weights)
    save_weights(weights, tmp_path / "w.pt")
    read = load_weights(tmp_path / "w.pt")
    assert read.training == weights.training
    assert states_equal(read.state, weights.state)


def test_the_same_plan_gives_the_same_weights_and_another_seed_does_not(images):
    one, same = (SupernetTrainer(SPACE, images, SHORT).run() for _ in range(2))
    assert states_equal(one.state, same.state)
    plan = TrainingPlan(**{**SHORT.__dict__, "seed": 1})
    assert not states_equal(SupernetTrainer(SPACE, images, plan).run().state, one.state)


class Killed(BaseException):
    pass


def kill_after(step):
    def on_step(progress):
        if progress.step == step:
            raise Killed

    return on_step


@pytest.mark.parametrize("step", [1, 5, 8])
def test_an_interrupted_training_ends_with_exactly_the_same_weights(images, tmp_path, step):
    checkpoint = tmp_path / "training.pt"
    uninterrupted = SupernetTrainer(SPACE, images, SHORT).run()
    with pytest.raises(Killed):
        SupernetTrainer(SPACE, images, SHORT, checkpoint).run(kill_after(step))
    # Whoever else draws numbers in between must not matter.
    torch.manual_seed(99)
    steps = []
    resumed = SupernetTrainer(SPACE, images, SHORT, checkpoint).run(
        lambda progress: steps.append(progress.step)
    )
    assert steps == list(range(step + 1, 9))
    assert states_equal(resumed.state, uninterrupted.state)
    assert resumed.training == uninterrupted.training


def test_the_checkpoint_of_another_space_or_plan_is_not_continued(images, tmp_path):
    checkpoint = tmp_path / "training.pt"
    with pytest.raises(Killed):
        SupernetTrainer(SPACE, images, SHORT, checkpoint).run(kill_after(3))
    wider = TinySpace(channels=(4, 8, 12))
    steps = []
    fresh = SupernetTrainer(wider, images, SHORT, checkpoint).run(lambda p: steps.append(p.step))
    assert steps[0] == 1
    assert states_equal(fresh.state, SupernetTrainer(wider, images, SHORT).run().state)


@pytest.mark.parametrize("damage", ["junk", "cut", "list", "fields"])
def test_a_damaged_checkpoint_is_a_sentence(images, tmp_path, damage):
    checkpoint = tmp_path / "training.pt"
    with pytest.raises(Killed):
        SupernetTrainer(SPACE, images, SHORT, checkpoint).run(kill_after(2))
    if damage == "junk":
        checkpoint.write_bytes(b"no checkpoint at all")
    elif damage == "cut":
        checkpoint.write_bytes(checkpoint.read_bytes()[:-500])
    elif damage == "list":
        torch.save([1, 2], checkpoint)
    else:
        content = torch.load(checkpoint, weights_only=True)
        del content["optimizer"]
        torch.save(content, checkpoint)
    with pytest.raises(WeightsError, match=r"training\.pt is damaged .*delete it to train") as told:
        SupernetTrainer(SPACE, images, SHORT, checkpoint).run()
    assert "\n" not in str(told.value)


def test_images_smaller_than_a_crop_are_refused(picture):
    small = [picture(15, 40), picture(40, 15)]
    with pytest.raises(ImageError, match=r"none of the 2 training images.*16x16 px HR \(crop 8 at"):
        SupernetTrainer(SPACE, small, SHORT)
    # One that is large enough suffices, and small ones are left out.
    assert len(CropSampler([*small, picture(16, 16)], 2, 8).pairs) == 1


def test_crops_of_low_and_high_belong_together():
    """Seen through a nearest-neighbour image, LR and HR are the same picture, however turned."""
    rng = np.random.default_rng(0)
    flat = rng.integers(0, 256, (4, 5, 3), dtype=np.uint8).repeat(16, axis=0).repeat(16, axis=1)
    low, high = CropSampler([flat], 2, 8).draw(24, random.Random(0))
    assert low.shape == (24, 3, 8, 8)
    assert high.shape == (24, 3, 16, 16)
    # Far from edges bicubic downscaling keeps flat areas; anywhere it stays within a step.
    difference = (F.avg_pool2d(high, 2) - low).abs()
    assert difference.median() < 1 / 255
    assert difference.mean() < 0.05


def test_all_turns_and_mirrors_are_drawn():
    y, x = np.mgrid[0:16, 0:16]
    image = np.stack([x * 10, y * 10, x * 0], axis=-1).astype(np.uint8)
    _, high = CropSampler([image], 2, 8).draw(60, random.Random(0))
    corners = {tuple(crop[:2, 0, 0].mul(255).round().int().tolist()) for crop in high}
    slopes = {bool(crop[0, 0, -1] != crop[0, 0, 0]) for crop in high}
    assert len(corners) == 4
    assert slopes == {True, False}
