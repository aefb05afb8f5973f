"""A kill loses at most the steps since the last checkpoint, and the rest is bit-equal."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from training_spaces import SHORT, Killed, TinySpace, kill_after, states_equal, trainer

from models.errors import TrainingError
from models.images import save_rgb
from models.training.numerics import Numerics
from models.weights import load_weights

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def images(picture):
    return [picture(48, 40, 1), picture(36, 52, 2)]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("step", [1, 5, 8])
def test_an_interrupted_training_ends_with_exactly_the_same_weights(
    images, tmp_path, step, precision
):
    checkpoint, numerics = tmp_path / "training.pt", Numerics("cpu", precision)
    uninterrupted = trainer(images, numerics=numerics).run()
    with pytest.raises(Killed):
        trainer(images, checkpoint=checkpoint, numerics=numerics).run(kill_after(step))
    # Whoever else draws numbers in between must not matter.
    torch.manual_seed(99)
    steps = []
    resumed = trainer(images, checkpoint=checkpoint, numerics=numerics).run(
        lambda progress: steps.append(progress.step)
    )
    assert steps == list(range(step + 1, 9))
    assert states_equal(resumed.state, uninterrupted.state)
    assert resumed.training == uninterrupted.training


def test_photographs_that_do_not_fit_into_memory_resume_bit_equal(picture, tmp_path):
    images = [picture(48, 40, seed) for seed in range(6)]
    plan = SHORT.model_copy(update={"steps": 20})
    checkpoint, small = tmp_path / "training.pt", {"cache_bytes": 30_000}
    uninterrupted = trainer(images, plan, **small)
    assert uninterrupted.crops.capacity < len(images)
    expected = uninterrupted.run()
    with pytest.raises(Killed):
        trainer(images, plan, checkpoint=checkpoint, **small).run(kill_after(11))
    resumed = trainer(images, plan, checkpoint=checkpoint, **small).run()
    assert states_equal(resumed.state, expected.state)


def test_before_the_rate_falls_the_end_may_be_moved(images, tmp_path):
    checkpoint = tmp_path / "training.pt"
    longer = SHORT.model_copy(update={"steps": 12})
    with pytest.raises(Killed):
        trainer(images, checkpoint=checkpoint).run(kill_after(4))
    moved = trainer(images, longer, checkpoint=checkpoint).run()
    assert states_equal(moved.state, trainer(images, longer).run().state)


@pytest.mark.parametrize(
    ("change", "killed_at"),
    [({"steps": 12}, 6), ({"crop": 6}, 2), ({"seed": 1}, 2), ({"learning_rate": 1e-3}, 2)],
)
def test_the_checkpoint_of_another_plan_is_refused(images, tmp_path, change, killed_at):
    checkpoint = tmp_path / "training.pt"
    with pytest.raises(Killed):
        trainer(images, checkpoint=checkpoint).run(kill_after(killed_at))
    kept = checkpoint.read_bytes()
    with pytest.raises(TrainingError, match=r"training\.pt belongs to another training"):
        trainer(images, SHORT.model_copy(update=change), checkpoint=checkpoint).run()
    assert checkpoint.read_bytes() == kept


def test_a_checkpoint_of_before_students_were_a_choice_goes_on_as_a_sandwich(images, tmp_path):
    checkpoint = tmp_path / "training.pt"
    plan = SHORT.model_copy(update={"students": "sandwich", "random_configs": 1})
    with pytest.raises(Killed):
        trainer(images, plan, checkpoint=checkpoint).run(kill_after(3))
    content = torch.load(checkpoint)
    del content["plan"]["students"]
    torch.save(content, checkpoint)
    resumed = trainer(images, plan, checkpoint=checkpoint).run()
    assert states_equal(resumed.state, trainer(images, plan).run().state)


def test_the_checkpoint_of_another_choice_of_the_same_size_is_refused(images, tmp_path):
    checkpoint = tmp_path / "training.pt"
    with pytest.raises(Killed):
        trainer(images, checkpoint=checkpoint).run(kill_after(3))
    other = TinySpace(channels=(8, 4, 4))
    with pytest.raises(TrainingError, match=r"training\.pt belongs to another training"):
        trainer(images, space=other, checkpoint=checkpoint).run()


def test_a_checkpoint_of_before_that_names_no_choices_is_gone_on_with(images, tmp_path):
    checkpoint = tmp_path / "training.pt"
    with pytest.raises(Killed):
        trainer(images, checkpoint=checkpoint).run(kill_after(3))
    content = torch.load(checkpoint)
    content["config"] = content["config"].partition(", choices")[0]
    torch.save(content, checkpoint)
    resumed = trainer(images, checkpoint=checkpoint).run()
    assert states_equal(resumed.state, trainer(images).run().state)


def test_the_checkpoint_of_another_space_is_refused(images, tmp_path):
    checkpoint = tmp_path / "training.pt"
    with pytest.raises(Killed):
        trainer(images, checkpoint=checkpoint).run(kill_after(3))
    wider = TinySpace(channels=(4, 8, 12))
    with pytest.raises(TrainingError, match=r"belongs to another training.*n8_h2_r2\.2"):
        trainer(images, space=wider, checkpoint=checkpoint).run()


@pytest.mark.parametrize("damage", ["junk", "cut", "list", "fields", "tensor"])
def test_a_damaged_checkpoint_is_a_sentence(images, tmp_path, damage):
    checkpoint = tmp_path / "training.pt"
    with pytest.raises(Killed):
        trainer(images, checkpoint=checkpoint).run(kill_after(2))
    if damage == "junk":
        checkpoint.write_bytes(b"no checkpoint at all")
    elif damage == "cut":
        checkpoint.write_bytes(checkpoint.read_bytes()[:-500])
    elif damage == "list":
        torch.save([1, 2], checkpoint)
    else:
        content = torch.load(checkpoint, weights_only=True)
        if damage == "fields":
            del content["optimizer"]
        else:
            del content["average"]["tail.bias"]
        torch.save(content, checkpoint)
    with pytest.raises(TrainingError, match=r"training\.pt is damaged.*delete it to train") as told:
        trainer(images, checkpoint=checkpoint).run()
    assert "\n" not in str(told.value)


def test_a_checkpoint_of_an_older_format_is_refused(images, tmp_path):
    torch.save({"format": "mobilesr-tune/training/1"}, tmp_path / "training.pt")
    with pytest.raises(TrainingError, match=r"format 'mobilesr-tune/training/1'.*delete it"):
        trainer(images, checkpoint=tmp_path / "training.pt").run()


def test_kill_minus_nine_in_the_middle_of_the_command_loses_nothing(picture, tmp_path):
    """The real command, killed while it trains, ends with the weights of one never killed."""
    for number in range(3):
        save_rgb(tmp_path / f"photos/{number}.png", picture(64, 72, number))
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    fixed = {
        "--steps": 24, "--batch-size": 1, "--crop": 8, "--scale": 2, "--n-heads": 2,
        "--n-feats": "4,8", "--depths": 1, "--checkpoint-every-s": 0.01,
        "--images": tmp_path / "photos",
    }  # fmt: skip
    options = [str(part) for option in fixed.items() for part in option]

    def command(output):
        start = [sys.executable, "-m", "mobilesr_tune", "train"]
        return [*start, *options, "-o", str(tmp_path / output)]

    whole = subprocess.run(command("whole.pt"), env=environment, capture_output=True, check=True)
    assert b"largest config n8_h2_r2_w8_x2_p1" in whole.stdout
    killed = subprocess.Popen(command("killed.pt"), env=environment, stderr=subprocess.DEVNULL)
    checkpoint = tmp_path / ".killed.pt.training"
    deadline = time.monotonic() + 120
    while not checkpoint.is_file() and time.monotonic() < deadline:
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert checkpoint.is_file()
    assert not (tmp_path / "killed.pt").exists()
    subprocess.run(command("killed.pt"), env=environment, capture_output=True, check=True)
    one, other = (load_weights(tmp_path / name) for name in ("whole.pt", "killed.pt"))
    assert states_equal(one.state, other.state)
    assert not checkpoint.exists()
