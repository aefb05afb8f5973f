"""How much of what the sentinel lost a model lost: what correction the evidence supports.

The sentinel is another model than the one that is corrected by it, and need not react to heat as
that does. So nothing is taken for granted but that both met the same device:

    model's session = level + b * heat of the round + luck
    sentinel's      = reference + heat of the round + luck

with luck of the same size in both, on logarithms; but for a few rounds, in which something met
one of the two and not the other (a slow spell that began between them) and which tell nothing.
`b` is learnt by Deming's regression (W. E. Deming, "Statistical Adjustment of Data", 1943: both
sides have errors), with the size of the luck integrated out.

Models of one device react alike, but not the same: on a shared virtual machine small ones lost a
factor of 2.7 where the sentinel lost 2.0 and others 1.7. So each model's b is drawn towards the
device's, and that towards 1 (`Population`; normal at both levels, as in A. Gelman et al.,
"Bayesian Data Analysis", 2013, chapter 5): b ~ N(device's, spread between models), device's ~
N(1, `PRIOR_SD`), the spread itself learnt. Only models whose sessions met more than one speed tell
of the device. A model that was never seen at two speeds is carried
from one to the other by the device's b, with the spread between models as its doubt.

Whether there was any heat at all is weighed beside it: by how far the sentinel lay from its
reference, and by whether model and sentinel moved together. The factor that is used is the mean
over both doubts, so that a calm device is hardly corrected (the luck of the sentinel would only
be added), and their spread goes into the interval.

Where it can fail: a model whose `b` lies far from all others' and that was measured far from the
reference throughout: nothing shows its `b` then. `Reaction.unlike` says where the evidence is
against b = 1 and that matters.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

PRIOR_SD = 0.35
# Evidence for heat, in natural logarithms of likelihood, at which its being there or not is open:
# what two free parameters gain by chance, and half as much again.
_OPEN_AT = 3.0
_GRID = np.linspace(0.0, 2.0, 81)
# What the device's b and the spread between its models may be.
_DEVICE = np.linspace(0.0, 2.0, 41)
_SPREAD = np.array([0.03, 0.06, 0.12, 0.25, 0.4])
# Sizes that luck may have, and the share of rounds in which model and sentinel met different
# devices; where in such a round a session may lie is anywhere within a factor of e.
_LUCK = np.geomspace(0.001, 0.5, 26)
_APART_SHARE, _APART_DENSITY = 0.05, 0.5
# By what factor the sentinel's luck may well be greater than a model's.
_LUCKS = 1.5
# Nothing is known better than to one part in a million.
_LEAST_VARIANCE = 1e-12
# From here on the sentinel is called unlike the model: its b is improbable by so many deviations,
# and the latency is another for it by so much.
_UNLIKE_SDS, _UNLIKE_SHARE = 2.0, 0.01
_SURELY_HOT = 0.9
_LEAST_SESSIONS = 3

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
    """The one reaction of models that ran beside one sentinel in the same rounds.

    Args:
        pairs: for each model its sessions' logarithms and, for each of them, the logarithm of
            the sentinel's session of the round over the reference: two rows of one length.

    Below three sessions of each it gives up and takes the sentinel at its word.
    """
    pairs = [(ours, heat) for ours, heat in pairs if ours.size >= _LEAST_SESSIONS]
    if not pairs:
        return ALIKE
    log = np.sum([np.log(_likelihood(ours, heat)) for ours, heat in pairs], axis=0)
    probability = np.exp(log - log.max() - 0.5 * ((_GRID - 1.0) / PRIOR_SD) ** 2)
    return _reaction(probability / probability.sum(), pairs)


@dataclass(frozen=True)
class Population:
    """What is known of how a device's models react: of the device's b and the spread around it.

    `probability` is (devices' b, spreads), flat: that of each pair of the grid.
    """

    probability: np.ndarray

    @classmethod
    def of(cls, pairs: Sequence[Pair]) -> Population:
        """From every model measured on the device, a pair each as `reaction` takes them.

        The order of the models does not matter. Without any, what is believed before.
        """
        log = np.repeat(-0.5 * ((_DEVICE - 1.0) / PRIOR_SD) ** 2, _SPREAD.size)
        for ours, heat in pairs:
            if ours.size >= _LEAST_SESSIONS:
                log = log + np.log(_marginal(_of_device(ours, heat)))
        probability = np.exp(log - log.max())
        return cls(probability / probability.sum())

    @property
    def device(self) -> float:
        """The mean of the device's b."""
        return float(self.probability.reshape(_DEVICE.size, -1).sum(axis=1) @ _DEVICE)

    def reaction(self, ours: np.ndarray, heat: np.ndarray, *, member: bool) -> Reaction:
        """The reaction of a model; `member`: of one that the population was learnt from.

        With less than three sessions it is the device's.
        """
        if ours.size < _LEAST_SESSIONS:
            return _reaction(_PRIORS @ self.probability, [(ours, heat)])
        # What the others say of the device, and then the model's own sessions.
        own = _marginal(_of_device(ours, heat)) if member else 1.0
        probability = _likelihood(ours, heat) * (_PRIORS @ (self.probability / own))
        return _reaction(probability / probability.sum(), [(ours, heat)])


def _priors() -> np.ndarray:
    """The probability of each b of the grid where device and spread are known: (grid, pairs)."""
    apart = (_GRID[:, None, None] - _DEVICE[None, :, None]) / _SPREAD
    found = np.exp(-0.5 * apart**2).reshape(_GRID.size, -1)
    return np.asarray(found / found.sum(axis=0))


_PRIORS = _priors()


def _likelihood(ours: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Of each b of the grid, its mean being 1."""
    # The same for any reference, which only moves the level: a study asks for it again and again.
    rows = np.round([ours, heat - heat[0]], 12)
    return _kept_likelihood(rows.tobytes(), ours.size)


@lru_cache(maxsize=4096)
def _kept_likelihood(rows: bytes, count: int) -> np.ndarray:
    ours, heat = np.frombuffer(rows).reshape(2, count)
    log = _log_likelihood(ours, heat)
    found = np.exp(log - log.max())
    return np.asarray(found / found.mean())


def _of_device(ours: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """The likelihood as far as it is of any account for other models.

    Where the speed did not change between the sessions they tell nothing of b, and what they seem
    to tell is whose luck is the greater, which many models would add up to a certainty.
    """
    seen = _sigmoid(_contrast(ours, heat) - _OPEN_AT)
    return np.asarray(seen * _likelihood(ours, heat) + (1.0 - seen))


def _contrast(ours: np.ndarray, heat: np.ndarray) -> float:
    """How likely it is that the speed changed between the sessions, as a logarithm.

    It shows where both moved together, or where the sentinel moved by more than `_LUCKS` times the
    model's luck explains, one session left out.
    """
    together = _moved_together(ours, heat)
    most = np.delete(heat, np.argmax(np.abs(heat - np.median(heat))))
    alone = float(most.var() / max(_LUCKS**2 * ours.var(), _LEAST_VARIANCE))
    return max(together, (ours.size - 1) / 2 * float(np.log(max(alone, 1.0))))


def _marginal(likelihood: np.ndarray) -> np.ndarray:
    """Of each pair of device's b and spread."""
    return np.asarray(np.maximum(likelihood @ _PRIORS, np.finfo(float).tiny))


def _log_likelihood(ours: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Of each b of the grid, the model's level and the size of the luck integrated out."""
    apart = (ours[:, None] - _GRID * heat[:, None]) / np.sqrt(1.0 + _GRID**2)
    apart = apart - np.median(apart, axis=0)
    normal = np.exp(-0.5 * (apart[..., None] / _LUCK) ** 2) / _LUCK / np.sqrt(2.0 * np.pi)
    each = np.log((1.0 - _APART_SHARE) * normal + _APART_SHARE * _APART_DENSITY)
    # The level takes a degree of freedom: one power of the luck, by Laplace.
    log = each.sum(axis=0) + np.log(_LUCK)
    most = log.max(axis=1, keepdims=True)
    return np.asarray(most[:, 0] + np.log(np.exp(log - most).sum(axis=1)))


def _reaction(probability: np.ndarray, pairs: Sequence[Pair]) -> Reaction:
    """What a distribution of b over the grid comes to for the models in `pairs`."""
    mean = float(probability @ _GRID)
    variance = float(probability @ (_GRID - mean) ** 2)
    # They share the sentinel, and most of its evidence: a mean over them, not a sum.
    evidence = statistics.fmean(
        _evidence(ours, heat, float(probability @ _variance(ours, heat))) for ours, heat in pairs
    )
    hot = _sigmoid(evidence - _OPEN_AT)
    factor = hot * mean
    spread = hot * (variance + mean**2) - factor**2
    unlike = (
        hot > _SURELY_HOT
        and abs(mean - 1.0) > _UNLIKE_SDS * variance**0.5
        and any(_moved(ours, heat, 1.0, mean) > _UNLIKE_SHARE for ours, heat in pairs)
    )
    return Reaction(float(factor), float(max(spread, 0.0)) ** 0.5, bool(unlike))


def off_reference(heat: np.ndarray) -> float:
    """How probable it is that the sentinel lay off its reference, by its own sessions: 0 to 1.

    `heat` are the logarithms of its sessions over the reference. What lies within their luck is
    none: to take it off would only add that luck.
    """
    if heat.size < 2:
        return 0.0
    luck = max(float(heat.var(ddof=1)), _LEAST_VARIANCE)
    return _sigmoid(_away(heat, luck) - _OPEN_AT)


def _moved(ours: np.ndarray, heat: np.ndarray, one: float, other: float) -> float:
    """By how much the logarithm of the latency differs between two reactions."""
    return abs(float(np.median(ours - one * heat) - np.median(ours - other * heat)))


def log_doubt(ours: np.ndarray, heat: np.ndarray, found: Reaction) -> float:
    """Standard deviation of the latency's logarithm from what is not known of the reaction."""
    return _moved(ours, heat, found.factor - found.sd, found.factor + found.sd) / 2


def _variance(ours: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """The variance of a session's luck that each `b` of the grid leaves, (grid,)."""
    mine, theirs = ours - ours.mean(), heat - heat.mean()
    left = mine @ mine - 2.0 * _GRID * (mine @ theirs) + _GRID**2 * (theirs @ theirs)
    found = left / (1.0 + _GRID**2) / max(ours.size - 1, 1)
    return np.asarray(np.maximum(found, _LEAST_VARIANCE))


def _evidence(ours: np.ndarray, heat: np.ndarray, luck: float) -> float:
    """How much likelier the sessions are with heat than without, as a logarithm."""
    return _away(heat, luck) + _moved_together(ours, heat) if ours.size > 1 else 0.0


def _away(heat: np.ndarray, luck: float) -> float:
    """How much likelier the sentinel's sessions are with a level of their own, as a logarithm."""
    count = heat.size
    return float(count / 2 * np.log1p(count * heat.mean() ** 2 / luck / (count - 1)))


def _moved_together(ours: np.ndarray, heat: np.ndarray) -> float:
    """How much likelier the sessions are as correlated than as independent, as a logarithm."""
    mine, theirs = ours - ours.mean(), heat - heat.mean()
    both = float(mine @ theirs)
    if both <= 0:
        return 0.0
    shared = min(both**2 / float((mine @ mine) * (theirs @ theirs)), 1.0 - 1e-9)
    return float(-(ours.size - 1) / 2 * np.log1p(-shared))


def _sigmoid(log_odds: float) -> float:
    return float(1.0 / (1.0 + np.exp(min(-log_odds, 700.0))))
