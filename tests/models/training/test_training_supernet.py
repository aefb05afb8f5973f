"""`models.training.supernet`: a supernet that learns, and refuses to go wrong silently."""

import random

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from training_spaces import FLOAT32, SHORT, SPACE, Killed, kill_after, states_equal, trainer

from models.errors import ImageError, TrainingError
from models.images import make_pair
from models.training.crops import CropSampler
from models.training.numerics import Numerics
from models.training.photographs import Photograph, photographs_of
from models.training.plan import TrainingPlan
from models.training.space import OneConfig
from models.training.supernet import SupernetTrainer, TrainingOptions
from models.weights import build_model, load_weights, save_weights


@pytest.fixture(scope="module")
def images(picture):
    return [picture(48, 40, 1), picture(36, 52, 2)]


def drawn(images):
    crops = CropSampler(photographs_of(images), 2, 16).draw(16, seed=5, step=0)
    return [torch.from_numpy(c).permute(0, 3, 1, 2).float().div(255) for c in crops]


def bilinear(low):
    return F.interpolate(low, scale_factor=2, mode="bilinear", align_corners=False)


def error_of(weights, config, images):
    low, high = drawn(images)
    with torch.inference_mode():
        return float(F.l1_loss(build_model(config, weights)(low), high))


@pytest.fixture(scope="module", params=["float32", "bfloat16"])
def trained(images, request):
    plan = TrainingPlan(steps=160, batch_size=4, crop=8, learning_rate=5e-3)
    told = []
    learner = trainer(images, plan, numerics=Numerics("cpu", request.param))
    return learner.run(told.append), told


def test_before_the_first_step_the_output_is_the_bilinear_image(images):
    low, _ = drawn(images)
    with torch.inference_mode():
        torch.testing.assert_close(trainer(images).model(low), bilinear(low))


def test_training_teaches_the_largest_and_the_smallest(trained, images):
    weights, _ = trained
    low, high = drawn(images)
    start = float(F.l1_loss(bilinear(low), high))
    assert error_of(weights, SPACE.largest(), images) < 0.9 * start
    assert error_of(weights, SPACE.smallest(), images) < 0.97 * start


def test_every_step_is_told(trained):
    _, told = trained
    assert [p.step for p in told] == list(range(1, 161))
    assert {p.steps for p in told} == {160}
    assert told[-1].loss < told[0].loss
    assert told[-1].left_s == 0.0
    assert all(p.rejected == 0 and not p.left_out for p in told)


def test_the_weights_hold_the_whole_space_and_say_how_they_were_made(trained, tmp_path):
    weights, _ = trained
    assert weights.config == SPACE.largest()
    assert weights.training["steps"] == 160
    assert weights.training["photographs"] == 2
    for config in (SPACE.largest(), SPACE.smallest(), SPACE.sample(random.Random(1))):
        build_model(config, weights)
    save_weights(weights, tmp_path / "w.pt")
    read = load_weights(tmp_path / "w.pt")
    assert read.training == weights.training
    assert states_equal(read.state, weights.state)


def test_the_same_plan_gives_the_same_weights_and_another_seed_does_not(images):
    one, same = (trainer(images).run() for _ in range(2))
    assert states_equal(one.state, same.state)
    other = SHORT.model_copy(update={"seed": 1})
    assert not states_equal(trainer(images, other).run().state, one.state)


def test_a_single_config_is_trained_like_any_network(images):
    """Without students a step is plain Adam on the L1 of the one config."""
    config = SPACE.largest()
    weights = trainer(images, space=OneConfig(config)).run()
    assert weights.config == config


def test_what_was_trained_alone_is_meant_and_no_supernet(images, tmp_path):
    """So `export`, `evaluate` and `upscale` take it as it is, and ask for a key of a supernet."""
    for name, space, supernet in (
        ("alone", OneConfig(SPACE.largest()), False),
        ("all", SPACE, True),
    ):
        weights = trainer(images, space=space).run()
        save_weights(weights, tmp_path / f"{name}.pt")
        assert weights.is_supernet == load_weights(tmp_path / f"{name}.pt").is_supernet == supernet


def test_a_config_is_taught_by_another_network(images, random_weights):
    """With `distill` 1 only the teacher's output counts: the loss to it falls."""
    teacher = random_weights(SPACE.largest())
    plan = TrainingPlan(steps=60, batch_size=2, crop=8, learning_rate=5e-3, distill=1.0)
    told = []
    space = OneConfig(SPACE.smallest())
    trainer(images, plan, space=space, teacher=teacher).run(told.append)
    assert told[-1].loss < 0.7 * told[0].loss


def test_a_teacher_of_another_scale_is_refused(images, random_weights):
    other = random_weights(SPACE.largest().model_copy(update={"scale": 3}))
    with pytest.raises(TrainingError, match="cannot teach"):
        trainer(images, teacher=other)


def test_weights_tell_what_they_started_from_and_who_taught_them(images, random_weights):
    start, teacher = (random_weights(SPACE.largest(), seed) for seed in (1, 2))
    taught = trainer(images, start=start, teacher=teacher).run().training
    assert (taught["started_from"], taught["taught_by"]) == (start.sha256, teacher.sha256)
    assert not {"started_from", "taught_by"} & trainer(images).run().training.keys()


def test_a_checkpoint_knows_its_teacher(images, random_weights, tmp_path):
    path, one, other = tmp_path / "t.pt", *(random_weights(SPACE.largest(), s) for s in (1, 2))
    with pytest.raises(Killed):
        trainer(images, checkpoint=path, teacher=one).run(kill_after(2))
    with pytest.raises(TrainingError, match="belongs to another training"):
        trainer(images, checkpoint=path, teacher=other).run()
    trainer(images, checkpoint=path, teacher=one).run()


def test_the_average_follows_the_weights(images):
    learner = trainer(images, SHORT.model_copy(update={"ema": 0.0}))
    average = learner.run().state
    assert states_equal(average, dict(learner.model.state_dict()))
    smooth = trainer(images, SHORT.model_copy(update={"ema": 0.999}))
    assert not states_equal(smooth.run().state, dict(smooth.model.state_dict()))


def test_the_probe_judges_held_back_pictures_at_the_end_at_least(images, picture):
    told = []
    pairs = [make_pair("held", picture(32, 32, 7), 2)]
    trainer(images, held_back=pairs).run(told.append)
    scores = told[-1].probe_psnr_y_db
    assert set(scores) == {SPACE.largest().key, SPACE.smallest().key}
    assert all(10 < db < 60 for db in scores.values())


def test_a_training_without_held_back_pictures_tells_no_probe(images):
    told = []
    trainer(images).run(told.append)
    assert {p.probe_psnr_y_db for p in told} == {None}


def test_a_gradient_that_is_no_number_changes_nothing(images):
    learner = trainer(images)
    before = {name: t.clone() for name, t in learner.model.state_dict().items()}
    crops = learner.crops.draw(2, 0, 0)
    with torch.no_grad():
        learner.model.tail.bias.fill_(torch.nan)
    learner._train_step(crops)
    with torch.no_grad():
        learner.model.tail.bias.copy_(before["tail.bias"])
    assert learner.rejected == 1
    assert states_equal(before, dict(learner.model.state_dict()))
    assert all(torch.isfinite(t).all() for t in learner.average.values())


def test_a_training_that_stays_without_a_gradient_is_refused(images):
    plan = SHORT.model_copy(update={"steps": 60})
    learner = trainer(images, plan)
    with torch.no_grad():
        learner.model.tail.bias.fill_(torch.inf)
    with pytest.raises(TrainingError, match=r"not been finite for 21 steps.*--learning-rate"):
        learner.run()


def broken(name):
    def load():
        raise ImageError(f"{name} is damaged or cut short: told by a test")

    return Photograph(name, 48, 40, load)


def test_a_picture_that_breaks_in_the_middle_is_left_out_and_told(images):
    told = []
    photographs = [*photographs_of(images), broken("bad.jpg")]
    options = TrainingOptions(numerics=FLOAT32)
    weights = SupernetTrainer(SPACE, photographs, SHORT, options).run(told.append)
    assert told[-1].left_out == {"bad.jpg": "bad.jpg is damaged or cut short: told by a test"}
    assert list(weights.training["unreadable"]) == ["bad.jpg"]
    assert states_equal(
        SupernetTrainer(SPACE, photographs, SHORT, options).run().state, weights.state
    )


def test_only_broken_pictures_are_refused_from_the_thread_that_met_them():
    options = TrainingOptions(numerics=FLOAT32)
    learner = SupernetTrainer(SPACE, [broken("a.jpg"), broken("b.jpg")], SHORT, options)
    with pytest.raises(ImageError, match=r"none of the 2 training images tried can be read"):
        learner.run()


def test_the_training_forward_equals_the_ordinary_one(random_weights):
    """The network scales attention elsewhere while it trains: the same function."""
    config = SPACE.largest()
    model = build_model(config, random_weights(config))
    low = torch.from_numpy(np.random.default_rng(0).random((2, 3, 9, 11), np.float32))
    with torch.inference_mode():
        torch.testing.assert_close(model.train()(low), model.eval()(low))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="CUDA graphs need a GPU")
def test_passes_kept_as_graphs_train_the_same_weights(images):
    plan = TrainingPlan(steps=30, batch_size=4, crop=8, config_pool=3)
    numerics = Numerics("cuda", "bfloat16")
    graphed, eager = (trainer(images, plan, numerics=numerics) for _ in range(2))
    eager.graphed = False
    assert states_equal(graphed.run().state, eager.run().state)


def test_random_configs_may_be_of_a_few_drawn_once(images, monkeypatch):
    plan = TrainingPlan(steps=40, batch_size=1, crop=8, config_pool=2)
    learner = trainer(images, plan)
    passed = []
    backward = learner._backward
    monkeypatch.setattr(
        learner,
        "pass_of",
        lambda config, *images: passed.append(config) or backward(config, *images),
    )
    learner.run()
    assert set(passed) == {SPACE.largest(), *learner.students.pool}
    assert len(learner.students.pool) == 2
