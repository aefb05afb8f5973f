"""How much of what the sentinel lost a model lost: what correction the evidence supports.

The sentinel is another model than the one that is corrected by it, and need not react to heat as
that does. So nothing is taken for granted but that both met the same device:

    model's session = level + b * heat of the round + luck
    sentinel's      = reference + heat of the round + luck

with luck of the same size in both, on logarithms. `b` is learnt by Deming's regression (W. E.
Deming, "Statistical Adjustment of Data", 1943: both sides have errors), pooled over the models
that ran beside the sentinel and drawn towards 1 by a normal prior of deviation `PRIOR_SD`, with
the size of the luck integrated out. Whether there was any heat at all is weighed beside it: by
how far the sentinel lay from its reference, and by whether model and sentinel moved together. The
factor that is used is the mean over both doubts, so that a calm device is hardly corrected (the
luck of the sentinel would only be added), and their spread goes into the interval.

Where it can fail: a model whose `b` lies far from 1 (below .5) on a device that is steadily hot
from the first round on: nothing within the measurement shows `b` then. `Reaction.unlike` says
where the evidence is against b = 1.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

PRIOR_SD = 0.35
# Evidence for heat, in natural logarithms of likelihood, at which its being there or not is open:
# what two free parameters gain by chance, and half as much again.
_OPEN_AT = 3.0
_GRID = np.linspace(0.0, 2.0, 81)
# Nothing is known better than to one part in a million.
_LEAST_VARIANCE = 1e-12
# From here on the sentinel is called unlike the model: its b is improbable by so many deviations.
_UNLIKE_SDS = 2.0
_SURELY_HOT = 0.9

Pair = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Reaction:
    """What share of the sentinel's loss is taken off a model's sessions.

    Attributes:
        factor: that share; 1 takes the sentinel at its word, 0 corrects nothing.
        sd: its standard deviation, i.e. what is not known of it.
        unlike: the model reacts to heat otherwise than the sentinel, beyond doubt.
    """

    factor: float = 1.0
    sd: float = 0.0
    unlike: bool = False


# What was done before reactions were learnt, and is done where too little is known.
ALIKE = Reaction()


def reaction(pairs: Sequence[Pair]) -> Reaction:
    """The reaction of the models that ran beside one sentinel.

    Args:
        pairs: for each model its sessions' logarithms and, for each of them, the logarithm of
            the sentinel's session of the round over the reference: two rows of one length.

    Below three sessions of each it gives up and takes the sentinel at its word.
    """
    pairs = [(ours, heat) for ours, heat in pairs if ours.size >= 3]
    if not pairs:
        return ALIKE
    log_likelihood = np.zeros(_GRID.size)
    for ours, heat in pairs:
        variances = _luck(ours, heat)
        log_likelihood -= (ours.size - 1) / 2 * np.log(variances)
    probability = np.exp(log_likelihood - log_likelihood.max())
    probability *= np.exp(-0.5 * ((_GRID - 1.0) / PRIOR_SD) ** 2)
    probability /= probability.sum()
    # They share the sentinel, and most of its evidence: a mean over them, not a sum.
    evidence = statistics.fmean(
        _evidence(ours, heat, float(probability @ _luck(ours, heat))) for ours, heat in pairs
    )
    mean = float(probability @ _GRID)
    variance = float(probability @ (_GRID - mean) ** 2)
    hot = 1.0 / (1.0 + np.exp(min(_OPEN_AT - evidence, 700.0)))
    factor = hot * mean
    spread = hot * (variance + mean**2) - factor**2
    unlike = hot > _SURELY_HOT and abs(mean - 1.0) > _UNLIKE_SDS * variance**0.5
    return Reaction(float(factor), float(max(spread, 0.0)) ** 0.5, bool(unlike))


def _luck(ours: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """The variance of a session's luck that each `b` of the grid leaves, (grid,)."""
    mine, theirs = ours - ours.mean(), heat - heat.mean()
    left = mine @ mine - 2.0 * _GRID * (mine @ theirs) + _GRID**2 * (theirs @ theirs)
    found = left / (1.0 + _GRID**2) / (ours.size - 1)
    return np.asarray(np.maximum(found, _LEAST_VARIANCE))


def _evidence(ours: np.ndarray, heat: np.ndarray, luck: float) -> float:
    """How much likelier the sessions are with heat than without, as a logarithm."""
    count = ours.size
    away = count / 2 * np.log1p(count * heat.mean() ** 2 / luck / (count - 1))
    mine, theirs = ours - ours.mean(), heat - heat.mean()
    both = float(mine @ theirs)
    if both <= 0:
        return float(away)
    shared = min(both**2 / float((mine @ mine) * (theirs @ theirs)), 1.0 - 1e-9)
    return float(away - (count - 1) / 2 * np.log1p(-shared))
