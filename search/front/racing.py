"""Which candidates deserve the next rounds: those that the front still turns on.

Pure: no device, no clock, no candidate; only beliefs in, places out. PSNR is taken as it is, for
no session makes it better known.

Two candidates race when one would be off the front if the other is faster: the other's PSNR is
at least as good, and their latencies cannot yet be told apart. Whoever is beaten for certain, or
leads for certain, leaves the race (Hoeffding races: Maron and Moore, NIPS 1994; here with the
normal noise of logarithms in place of Hoeffding's bound). Among those that race, the next
sessions go where they would make the most wrong orders right: the budget allocation of Chen et
al. (OCBA, 2000), for two objectives Lee et al. (MOCBA, 2010), reduced to its greedy step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.stats

from search.front.probability import LatencyBelief, Row, draw_points, on_front

# Enough to say who is doubtful: the error of a probability is at most 0.022.
DRAWS = 500


@dataclass(frozen=True)
class RacePlan:
    """When a candidate is settled, and what a race may cost.

    A candidate is settled when its probability of being on the front is below `doubt` or above
    `1 - doubt`, and two are a tie when their latencies surely differ by less than `tie_share`:
    no more is spent on telling them apart. `total_sessions` bounds the sessions of all together.
    """

    total_sessions: int
    doubt: float = 0.01
    tie_share: float = 0.01
    most_sessions_each: int = 30


@dataclass(frozen=True)
class Allocation:
    """Who is measured in the next round, and how things stand.

    `places` is empty when the race is over; `reason` then says why. `undecided` are the places
    whose membership of the front is open, ties included.
    """

    places: tuple[int, ...]
    undecided: tuple[int, ...]
    probability: np.ndarray
    reason: str


def allocate(
    belief: LatencyBelief,
    psnrs: Row,
    sessions: Row,
    plan: RacePlan,
    *,
    batch: int = 8,
    seed: int = 0,
) -> Allocation:
    """Who runs in the next round: at most `batch` of those that still race, the weightiest first.

    Args:
        belief: what is known of each candidate's latency.
        psnrs: mean dB of each.
        sessions: how many sessions each has had.
        plan: when to stop.
        batch: how many candidates a round takes.
        seed: of the drawn latencies.

    Raises:
        ValueError: rows of unlike length, or not finite.
    """
    mean, sd = belief.mean, belief.sd
    psnr, had = np.asarray(psnrs, dtype=np.float64), np.asarray(sessions)
    if had.shape != mean.shape or psnr.shape != mean.shape or not np.isfinite(psnr).all():
        raise ValueError("sessions and PSNRs need one finite number a candidate")
    member = on_front(*draw_points(belief, psnr, draws=DRAWS, seed=seed))
    probability = member.mean(axis=0)
    undecided = np.flatnonzero((probability > plan.doubt) & (probability < 1 - plan.doubt))
    contest = _contests(mean, sd, psnr, probability, undecided, plan)
    racing = np.flatnonzero(contest.any(axis=1) | contest.any(axis=0))
    left = int(plan.total_sessions - had.sum())

    def over(reason: str) -> Allocation:
        return Allocation((), tuple(map(int, undecided)), probability, reason)

    if racing.size == 0:
        return over("what is open is a tie" if undecided.size else "the front is decided")
    racing = racing[had[racing] < plan.most_sessions_each]
    if left <= 0 or racing.size == 0:
        return over("the sessions are spent")
    stakes = _stakes(contest, mean, sd, psnr) * sd**2 / (had + 1)
    doubts = probability * (1 - probability) / (had + 1)
    chosen = _in_turn(racing, stakes, doubts)[: min(batch, left)]
    return Allocation(chosen, tuple(map(int, undecided)), probability, "the front is open")


def _in_turn(racing: np.ndarray, stakes: np.ndarray, doubts: np.ndarray) -> tuple[int, ...]:
    """Places in turn by what they have at stake and by how doubtful they are, each once.

    The stakes alone would never settle a member of little consequence.
    """
    by_stake = racing[np.argsort(-stakes[racing], kind="stable")]
    by_doubt = racing[np.argsort(-doubts[racing], kind="stable")]
    pairs = np.column_stack([by_stake, by_doubt]).ravel()
    return tuple(dict.fromkeys(int(place) for place in pairs))


def _contests(
    mean: np.ndarray,
    sd: np.ndarray,
    psnr: np.ndarray,
    probability: np.ndarray,
    undecided: np.ndarray,
    plan: RacePlan,
) -> np.ndarray:
    """(n, n): whether the row, undecided and no tie, turns on the column, its rival."""
    alive = probability > plan.doubt
    apart = mean[:, None] - mean[None, :]
    error = np.sqrt(sd[:, None] ** 2 + sd[None, :] ** 2)
    quantile = float(scipy.stats.norm.ppf(1 - plan.doubt))
    open_order = np.abs(apart) < quantile * error
    tied = np.abs(apart) + quantile * error < np.log1p(plan.tie_share)
    contest = open_order & ~tied & (psnr[None, :] >= psnr[:, None]) & alive[None, :]
    np.fill_diagonal(contest, False)
    settled = np.ones(mean.size, dtype=bool)
    settled[undecided] = False
    contest[settled] = False
    return contest


def _stakes(contest: np.ndarray, mean: np.ndarray, sd: np.ndarray, psnr: np.ndarray) -> np.ndarray:
    """How much each candidate's noise blurs the contests it is in, (n,).

    The derivative of the chance of a wrong order by the variance of its latency: the density of
    the difference at zero (the greedy step of OCBA, Chen et al. 2000, section 3).
    """
    error = np.sqrt(sd[:, None] ** 2 + sd[None, :] ** 2)
    apart = (mean[:, None] - mean[None, :]) / np.maximum(error, np.finfo(float).tiny)
    blur = np.where(contest, np.exp(-(apart**2) / 2) / np.maximum(error**2, 1e-300), 0.0)
    return blur.sum(axis=0) + blur.sum(axis=1)
