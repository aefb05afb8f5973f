"""`search.display`: each stage shows its own numbers."""

from __future__ import annotations

from models.training.supernet import TrainingProgress
from search.display import SearchDisplay


def test_trainings_numbers_do_not_outlive_it() -> None:
    display = SearchDisplay()
    events = display.events()
    events.stage("training the supernet")
    events.training(TrainingProgress(step=30, steps=30, loss=0.02))
    training = [task for task in display.bar.tasks if task.total == 30]
    assert [task.completed for task in training] == [30]
    events.stage("exporting n8_h2_r1_w4_x2_p1")
    (stage,) = display.bar.tasks
    assert (stage.description, stage.total) == ("exporting n8_h2_r1_w4_x2_p1", None)
