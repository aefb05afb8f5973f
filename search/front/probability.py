"""How surely each candidate is on the front, where neither objective is known exactly.

Pure functions over arrays. Monte Carlo over what is believed of the candidates, as in
probabilistic dominance (Hughes, "Evolutionary multi-objective ranking with uncertainty and
noise", EMO 2001). There is one such probability: settling, reports and the recommendation use it.

Latency is known from a few sessions. How much sessions differ is a matter of the device more than
of the candidate, so candidates lend each other what they know of it, and what stays unknown makes
the tails of Student's t. PSNR is known from a few pictures; what others would say is in `pictures`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.stats

from device_runner.statistics.intervals import median_variance_ratio
from device_runner.statistics.moderation import shared_variance
from search.front.frontier import fitted_frontier
from search.front.modes import Modes, launch_modes
from search.front.pictures import draw_psnrs

Row = Sequence[float] | np.ndarray

DRAWS = 2000
# How many degrees of freedom the noise of all lends to the noise of one, at least and at most, by
# how alike the candidates' noises are; from so many candidates on that can be told.
POOLED_FREEDOM, MOST_POOLED_FREEDOM = 4.0, 60.0
LEAST_POOLED = 8
# What sessions are assumed to differ by where nothing is known, and how little that is believed:
# the sessions of one model on an idle host differed by 1.7 %.
ASSUMED_SD = 0.017
ASSUMED_FREEDOM = 4.0
_PROPOSALS = 8


@dataclass(frozen=True)
class LatencyBelief:
    """What is known of the logarithms of some candidates' latencies: Student's t each, (n,).

    `modes` are in its place where launches are of two kinds; mean and deviation are theirs then.
    `doubt`, (n,), is a normal deviation on top, of no session's making: how a candidate reacts to
    a speed of the device that it was hardly measured at.

    Raises:
        ValueError: rows of unlike length, not finite, or a scale or freedom below zero.
    """

    mean: np.ndarray
    scale: np.ndarray
    freedom: np.ndarray
    modes: Modes | None = None
    doubt: np.ndarray | None = None

    def __post_init__(self) -> None:
        rows = (self.mean, self.scale, self.freedom)
        if any(row.ndim != 1 or row.shape != self.mean.shape for row in rows):
            raise ValueError("a belief needs one mean, scale and freedom a candidate")
        if not all(np.isfinite(row).all() for row in rows):
            raise ValueError("a belief must be finite")
        if (self.scale < 0).any() or (self.freedom <= 0).any():
            raise ValueError("a scale is not negative, and a freedom above zero")

    @property
    def sd(self) -> np.ndarray:
        """Its standard deviation; of one that has none (two degrees or fewer), of three's."""
        freedom = np.maximum(self.freedom, 3.0)
        luck = self.scale * np.sqrt(freedom / (freedom - 2.0))
        if self.modes is not None:
            luck = self.modes.sd
        return np.asarray(luck if self.doubt is None else np.hypot(luck, self.doubt))

    def drawn(self, random: np.random.Generator, draws: int) -> np.ndarray:
        """Possible log latencies: (draws, n)."""
        if self.modes is not None:
            found = self.modes.drawn(random, draws)
        else:
            luck = random.standard_t(self.freedom, (draws, self.mean.size))
            found = self.mean + self.scale * luck
        if self.doubt is not None and self.doubt.any():
            found = found + self.doubt * random.standard_normal(found.shape)
        return np.asarray(found)


@dataclass(frozen=True)
class SourceError:
    """How far PSNRs may be from those of the configs trained alone, by the origin of the weights.

    Attributes:
        sd_db: standard deviation of each candidate's error, (n,); 0 where there is none.
        config: candidates with the same number, (n,), are one config and share their error.

    Raises:
        ValueError: rows of unlike length, or a deviation that is not finite or below zero.
    """

    sd_db: np.ndarray
    config: np.ndarray

    def __post_init__(self) -> None:
        if self.sd_db.ndim != 1 or self.sd_db.shape != self.config.shape:
            raise ValueError("a source's error needs one deviation and config a candidate")
        if not np.isfinite(self.sd_db).all() or (self.sd_db < 0).any():
            raise ValueError("a source's deviations must be finite, no less than zero")

    def drawn(self, *, draws: int = DRAWS, seed: int = 0) -> np.ndarray:
        """(draws, n), normal, in dB."""
        _, place = np.unique(self.config, return_inverse=True)
        each = np.random.default_rng([seed, 3]).standard_normal((draws, self.config.size))
        return np.asarray(each[:, place] * self.sd_db)


def pooled_belief(log_latency: Row, session_sd: Row, sessions: Row) -> LatencyBelief:
    """From each candidate's middle, its sessions' deviation, and their number.

    The noise of one leans on that of all on the device, because three sessions that agree by
    chance must not decide anything (moderated variance: Smyth, "Linear models and empirical Bayes
    methods", 2004), and all lean a little on `ASSUMED_SD`, which is all there is where every
    candidate had a single session: such a belief is wide, and as good as that assumption.

    Args:
        log_latency: median over sessions of the logarithm, drift-corrected.
        session_sd: standard deviation between the sessions' logarithms; of no account for one.
        sessions: how many there were, 1 at least.

    Raises:
        ValueError: rows of unlike length, not finite, a deviation below zero or no session.
    """
    mean, sd, count = (
        np.asarray(row, dtype=np.float64) for row in (log_latency, session_sd, sessions)
    )
    if not (mean.shape == sd.shape == count.shape) or mean.ndim != 1:
        raise ValueError("a belief needs one middle, deviation and number of sessions a candidate")
    if not np.isfinite([mean, sd, count]).all() or (sd < 0).any() or (count < 1).any():
        raise ValueError("middles, deviations and numbers of sessions must be finite, no less")
    own = count - 1
    squares = own * sd**2
    # The assumption fades as sessions come.
    assumed = ASSUMED_FREEDOM**2 / (ASSUMED_FREEDOM + float(own.sum()))
    pooled = (assumed * ASSUMED_SD**2 + squares.sum()) / (assumed + own.sum())
    # What all together know bounds what they can lend.
    lent = min(_lent(sd[sd > 0] ** 2, own[sd > 0]), assumed + float(own.sum()))
    variance = (lent * pooled + squares) / (lent + own)
    ratio = np.array([median_variance_ratio(int(one)) for one in count])
    return LatencyBelief(mean, np.sqrt(ratio * variance / count), lent + own)


def with_modes(belief: LatencyBelief, log_sessions: Sequence[np.ndarray]) -> LatencyBelief:
    """The belief by the sessions themselves, where they show that launches are of two kinds.

    `log_sessions` are the logarithms of each candidate's sessions, corrected for drift.
    """
    modes = launch_modes(log_sessions)
    if modes is None:
        return belief
    return LatencyBelief(modes.mean, belief.scale, belief.freedom, modes)


def _lent(variances: np.ndarray, freedom: np.ndarray) -> float:
    """Degrees of freedom that the noise of all is worth to one, by how alike they are in it."""
    if variances.size < LEAST_POOLED:
        return POOLED_FREEDOM
    _, worth = shared_variance(variances[freedom > 0], freedom[freedom > 0])
    return min(MOST_POOLED_FREEDOM, max(POOLED_FREEDOM, worth))


def draw_points(
    belief: LatencyBelief, psnrs_db: np.ndarray, *, draws: int = DRAWS, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Possible latencies and PSNRs of each candidate: (draws, n) each, in the belief's unit and dB.

    `psnrs_db` is (n,), exact, or (pictures, n). A candidate whose sessions make it look better than
    any other can be at its PSNR owes that to luck, so latencies are drawn by what is believed of
    them and by the frontier that all candidates make up (`frontier`). Where there is none, or one
    that falls, by what is believed alone.
    """
    if psnrs_db.ndim == 1:
        exact = np.zeros(psnrs_db.size)
        psnrs = np.tile(psnrs_db, (draws, 1))
        frontier = fitted_frontier(psnrs_db, exact, belief.mean)
    else:
        psnrs, frontier = draw_psnrs(psnrs_db, belief.mean, draws=draws, seed=seed)
    random = np.random.default_rng([seed, 1])
    drawn = belief.drawn(random, draws)
    if frontier is None or not frontier.rises(belief.mean):
        return np.exp(drawn), psnrs
    # Metropolis' algorithm with proposals from the belief (L. Tierney, Ann. Stat. 22, 1994, the
    # independence sampler): the frontier is much wider than the belief, so few are enough.
    density = frontier.log_density_or_none(psnrs - frontier.level(drawn))
    for _ in range(_PROPOSALS):
        other = belief.drawn(random, draws)
        its = frontier.log_density_or_none(psnrs - frontier.level(other))
        better = np.log(random.random(psnrs.shape)) < its - density
        drawn, density = np.where(better, other, drawn), np.where(better, its, density)
    return np.exp(drawn), psnrs


def on_front(latencies: np.ndarray, psnrs: np.ndarray) -> np.ndarray:
    """Who is on the front of each draw: (draws, n), as `dominance.dominates` has it.

    Args:
        latencies: (draws, n), any unit.
        psnrs: (n,) or (draws, n), dB.
    """
    psnrs = np.broadcast_to(psnrs, latencies.shape)
    order = np.lexsort((-psnrs, latencies), axis=-1)
    fast = np.take_along_axis(latencies, order, axis=1)
    good = np.take_along_axis(psnrs, order, axis=1)
    before = np.full(good.shape, -np.inf)
    before[:, 1:] = np.maximum.accumulate(good, axis=1)[:, :-1]
    leads = good > before
    # Equal points do not dominate each other: one equal to the last leader is on the front as well.
    last = np.maximum.accumulate(np.where(leads, np.arange(good.shape[1]), 0), axis=1)
    alike = (good == before) & (fast == np.take_along_axis(fast, last, axis=1))
    member = np.zeros(latencies.shape, dtype=bool)
    np.put_along_axis(member, order, leads | alike, axis=1)
    return member


def front_probability(
    belief: LatencyBelief,
    psnrs_db: Row | np.ndarray,
    *,
    source: SourceError | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> np.ndarray:
    """For each candidate, the probability that no other dominates it: (n,), 0 to 1.

    `psnrs_db` is (n,), exact, or (pictures, n), as the pictures of one kind that were taken. Two
    candidates that cannot be told apart at equal PSNR share the place, e.g. 0.5 each. The error of
    `draws` draws is at most 0.5 / sqrt(draws), i.e. 0.011. With `source` it is the front of the
    configs as they would be when trained alone; without, of the weights as they are.

    Assumed: latencies err independently of each other (the correction by a common sentinel makes
    them err together, which moves no order), and the pictures are a fair sample.

    Raises:
        ValueError: rows of unlike length, or not finite.
    """
    psnrs = np.asarray(psnrs_db, dtype=np.float64)
    if psnrs.ndim not in (1, 2) or psnrs.shape[-1] != belief.mean.size:
        raise ValueError("latencies and PSNRs need one number a candidate")
    if not np.isfinite(psnrs).all():
        raise ValueError("PSNRs must be finite")
    latencies, drawn = draw_points(belief, psnrs, draws=draws, seed=seed)
    if source is not None:
        if source.sd_db.shape != belief.mean.shape:
            raise ValueError("a source's error needs one deviation a candidate")
        drawn = drawn + source.drawn(draws=draws, seed=seed)
    return np.asarray(on_front(latencies, drawn).mean(axis=0))


def winners_log_latency(belief: LatencyBelief, place: int) -> float:
    """The log latency to expect of one that was chosen for being fast, among its near ties.

    The fastest of ten equals owes its place to luck as well, and looks faster than it is. Its
    estimate is drawn towards the middle of those it cannot be told apart from, by as much of their
    differences as luck explains (empirical Bayes for normal means: Efron and Morris, JASA 70,
    1975, with the moment estimate of DerSimonian and Laird, 1986). Alone it stays where it is.
    """
    sd = belief.sd
    apart = np.abs(belief.mean - belief.mean[place])
    near = apart <= scipy.stats.norm.ppf(0.975) * np.hypot(sd, sd[place])
    if near.sum() < 2:
        return float(belief.mean[place])
    means, variances = belief.mean[near], sd[near] ** 2
    between = max(0.0, float(np.var(means, ddof=1) - variances.mean()))
    own = float(sd[place]) ** 2
    if own == 0:
        return float(belief.mean[place])
    weights = 1 / (variances + between)
    middle = float(weights @ means / weights.sum())
    luck = own / (own + between)
    return float(middle * luck + belief.mean[place] * (1 - luck))
