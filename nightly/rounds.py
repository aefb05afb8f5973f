"""What the device was slower by in each round of a look, by all that ran in it. Pure functions.

The sentinel alone tells it with the luck of its own few sessions, and dividing by them doubles
the scatter of every model's. All models of a round together tell it far better; the sentinel is
then needed only for what the models cannot know: how this night lies to other nights.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from device_runner.statistics.reaction import off_reference
from nightly.judging.robust import hodges_lehmann

# With fewer models than these a single one that changed within the look would bend the rounds.
LEAST_MODELS = 5
# The fit settles after a few turns; more of them change nothing that could be measured.
_TURNS = 4


@dataclass(frozen=True)
class Row:
    """One model's (or the sentinel's) sessions: the round of each, and its latency in ms."""

    rounds: tuple[int, ...]
    ms: tuple[float, ...]


def corrected_ms(
    models: Sequence[Row], sentinel: Row, reference_ms: float
) -> list[tuple[float, ...]] | None:
    """Every model's sessions on a device on which the sentinel takes `reference_ms`.

    The two-way fit of J. W. Tukey's median polish ("Exploratory Data Analysis", 1977) on
    logarithms, a latency being model times round times luck; a model's own level is the
    Hodges-Lehmann estimate. None where there are fewer than `LEAST_MODELS` models.
    """
    if len(models) < LEAST_MODELS or not sentinel.ms:
        return None
    rows = [np.log(row.ms) for row in (*models, sentinel)]
    number = {r: place for place, r in enumerate(sorted({r for m in models for r in m.rounds}))}
    # A sentinel's session in a round that no model saw the end of tells nothing of any model.
    kept = np.array([r in number for r in sentinel.rounds])
    if not kept.any():
        return None
    rows[-1] = rows[-1][kept]
    sentinel_rounds = [r for r in sentinel.rounds if r in number]
    places = [
        np.array([number[r] for r in rounds])
        for rounds in (*(row.rounds for row in models), sentinel_rounds)
    ]
    effects = _round_effects(rows, places, len(number))
    night = hodges_lehmann(list(rows[-1] - effects[places[-1]])) - float(np.log(reference_ms))
    return [
        tuple(map(float, np.exp(row - effects[place] - night)))
        for row, place in zip(rows[:-1], places[:-1], strict=True)
    ]


def carried_ms(rows: Sequence[Row], sentinel: Row, reference_ms: float) -> list[tuple[float, ...]]:
    """What was corrected within a night, on a device on which the sentinel takes `reference_ms`.

    For fewer models than `corrected_ms` asks for. All are carried by one factor, as there: how far
    this night's sentinel lies from the reference, as far as that is beyond its luck. So a reference
    of a slow first night moves every later night alike, and no night by what it happened to show of
    how a model reacts. Assumed: models react to the device's nights as the sentinel does; one that
    does not looks worse in a slow night, as it is then.
    """
    heat = np.log(sentinel.ms) - np.log(reference_ms)
    factor = float(np.exp(off_reference(heat) * np.median(heat)))
    return [tuple(ms / factor for ms in row.ms) for row in rows]


def _round_effects(
    rows: Sequence[np.ndarray], places: Sequence[np.ndarray], rounds: int
) -> np.ndarray:
    """How much slower each round was, as a logarithm; the median round is 0."""
    effects = np.zeros(rounds)
    for _ in range(_TURNS):
        seen: list[list[float]] = [[] for _ in range(rounds)]
        for row, place in zip(rows, places, strict=True):
            rest = row - hodges_lehmann(list(row - effects[place]))
            for at, value in zip(place, rest, strict=True):
                seen[at].append(float(value))
        effects = np.array([statistics.median(values) for values in seen])
        effects -= np.median(effects)
    return effects
