"""`models.training.display`: what a training says of its time."""

from models.training.display import announcement, progress_line
from models.training.supernet import TrainingProgress


def progress(step, steps, steps_per_s):
    return TrainingProgress(step, steps, 0.05, steps_per_s=steps_per_s)


def test_a_long_training_says_how_long_it_will_take():
    told = announcement(progress(30, 20_030, 2.5))
    assert told.startswith("20000 steps to go at 2.50 steps/s: about 2 h 13 min.")
    assert "the same command goes on" in told


def test_what_is_soon_done_or_not_known_yet_is_not_announced():
    assert announcement(progress(480, 500, 2.0)) == ""
    assert announcement(progress(1, 500, 0.0)) == ""


def test_the_line_has_speed_and_time_left():
    assert progress_line(progress(100, 700, 2.0)).endswith("2.00 steps/s, 5 min left")
