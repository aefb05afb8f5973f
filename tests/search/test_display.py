"""`search.display`: each stage shows its own numbers."""

from __future__ import annotations

import io

from foundation.console import GateConsole
from models.training.supernet import TrainingProgress
from search.display import SearchDisplay
from search.forecast.remaining import RemainingTime
from search.request import SearchRequest


def test_trainings_numbers_do_not_outlive_it() -> None:
    display = SearchDisplay(RemainingTime(SearchRequest()))
    events = display.events()
    events.stage("training the supernet")
    events.training(TrainingProgress(step=30, steps=30, loss=0.02))
    training = [task for task in display.bar.tasks if task.total == 30]
    assert [task.completed for task in training] == [30]
    events.stage("exporting n8_h2_r1_w4_x2_p1")
    (whole, stage) = display.bar.tasks
    assert whole.description == "whole search"
    assert (stage.description, stage.total) == ("exporting n8_h2_r1_w4_x2_p1", None)
    # Exported: the line goes.
    events.stage("")
    assert not stage.visible


def test_only_the_whole_search_has_a_time_left() -> None:
    display = SearchDisplay(RemainingTime(SearchRequest()))
    display.remaining.left_s = lambda: 61.0
    display.events().device("phone", "measuring")
    screen = GateConsole(file=io.StringIO(), width=80)
    screen.print(display.bar.get_renderable())
    whole, *others = screen.file.getvalue().splitlines()
    assert "whole search" in whole
    assert whole.rstrip().endswith("0:01:01 left")
    assert "0/1" not in whole
    assert not any("left" in line for line in others)
