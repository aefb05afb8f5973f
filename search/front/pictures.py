"""What each candidate's PSNR would be over other pictures than the few that were taken.

Pure functions over arrays. All candidates saw the same pictures, so what other pictures would have
done to one they would have done to its neighbour, too: a draw is a reweighting of the pictures,
common to all candidates (the Bayesian bootstrap of Rubin, Ann. Stat. 9, 1981, with normal weights).

Five pictures make some candidates look better than they are, and those are the ones that seem to
dominate. So each is believed as far as the others bear it out (empirical Bayes: Efron and Morris,
JASA 70, 1975), by the `frontier` that they make up together.

Candidates that the pictures treat alike (`_twins`) err together: they are drawn as one, and what
tells them apart is kept. Where it can fail: candidates that are somewhat alike are drawn towards
each other by more than they should be; and where there is no frontier each is believed as it is.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse.csgraph
import scipy.special
import scipy.stats

from device_runner.statistics.moderation import shared_variance
from search.front.frontier import LEAST_DB, Frontier, fitted_frontier

# Twins differ by less than this share of the variance by which two of their kind would.
_TWIN = 0.02
# So many equal shares stand for what is believed of one candidate.
_SHARES = 400
_MOST_FREEDOM = 1000.0


def draw_psnrs(
    pictures_db: np.ndarray, log_latency: np.ndarray, *, draws: int, seed: int = 0
) -> tuple[np.ndarray, Frontier | None]:
    """Possible mean PSNRs of each candidate over pictures of the kind, (draws, n).

    With it the frontier that the candidates make up together; None where there is none.

    Args:
        pictures_db: (pictures, n), the same pictures for all candidates.
        log_latency: of each candidate, (n,).
        draws: how many.
        seed: of the draws.

    A single picture shows nothing of what others would: its PSNRs are taken as they are.

    Raises:
        ValueError: no table of finite numbers.
    """
    table = np.asarray(pictures_db, dtype=np.float64)
    if table.ndim != 2 or 0 in table.shape or not np.isfinite(table).all():
        raise ValueError("PSNRs of pictures are a table of finite numbers, pictures by candidates")
    count = table.shape[0]
    mean = table.mean(axis=0)
    if count < 2:
        return np.tile(mean, (draws, 1)), fitted_frontier(mean, np.zeros(mean.size), log_latency)
    # What a picture does to all of them orders none of them.
    own = table - mean
    own = own - np.median(own, axis=1, keepdims=True)
    own = own - own.mean(axis=0)
    random = np.random.default_rng([seed, 2])
    weights = random.standard_normal((draws, count)) / np.sqrt(count)
    units = _twins(own)
    places = log_latency @ units
    shared = own @ units
    variance, freedom = _moderated(shared) if units.shape[1] > 1 else (np.zeros(1), 1.0)
    error = np.sqrt(variance / count)
    frontier = fitted_frontier(mean @ units, error, places)
    if frontier is None:
        few = np.sqrt(random.chisquare(count - 1, (draws, 1)) / (count - 1))
        return np.asarray(mean + weights @ own / np.sqrt(count - 1) / few), None
    error = np.hypot(error, LEAST_DB)
    off = mean - frontier.level(log_latency)
    drawn = _believed(off @ units, error, freedom, frontier, weights @ _directions(shared))
    # What tells twins apart is known from the pictures as it is.
    member = units > 0
    apart = (
        off - (off @ units) @ member.T + weights @ (own - shared @ member.T) / np.sqrt(count - 1)
    )
    return np.asarray(frontier.level(log_latency) + drawn @ member.T + apart), frontier


def _directions(own: np.ndarray) -> np.ndarray:
    """Each column with a standard deviation of 1; one that no picture moves stays zero."""
    length = np.sqrt(np.square(own).mean(axis=0))
    return np.asarray(own / np.where(length > 0, length, 1.0))


def _twins(own: np.ndarray) -> np.ndarray:
    """Candidates that pictures treat alike as units: weights to average by, (n, units).

    Two that differ by much less than either differs from the others err together, so that what
    is said of one is said of both, and their difference is known.
    """
    variance = np.square(own).mean(axis=0)
    apart = np.square(own[:, :, None] - own[:, None, :]).mean(axis=0)
    alike = apart < _TWIN * (variance[:, None] + variance[None, :])
    count, names = scipy.sparse.csgraph.connected_components(alike, directed=False)
    member = names[:, None] == np.arange(count)
    return np.asarray(member / member.sum(axis=0))


def _moderated(own: np.ndarray) -> tuple[np.ndarray, float]:
    """How much a picture moves each candidate (variance), and the freedom it is known with.

    Drawn towards what is usual by as much as the candidates are alike in it (G. K. Smyth, Stat.
    Appl. Genet. Mol. Biol. 3, 2004, section 6.2).
    """
    freedom = own.shape[0] - 1
    variance = np.square(own).sum(axis=0) / freedom
    usual, lent = shared_variance(np.maximum(variance, LEAST_DB**2), freedom)
    return (lent * usual + freedom * variance) / (lent + freedom), min(
        _MOST_FREEDOM, lent + freedom
    )


def _believed(
    off: np.ndarray, error: np.ndarray, freedom: float, frontier: Frontier, luck: np.ndarray
) -> np.ndarray:
    """Draws of how far off the frontier each is: (draws, n), by standard normal `luck`."""
    shares = scipy.stats.t.ppf((np.arange(_SHARES) + 0.5) / _SHARES, freedom)
    nodes = off[:, None] + error[:, None] * shares
    density = frontier.log_density(nodes)
    # One that the frontier knows nothing of keeps its own.
    weights = np.exp(density - density.max(axis=1, keepdims=True)) + 1e-12
    below = (np.cumsum(weights, axis=1) - weights / 2) / weights.sum(axis=1, keepdims=True)
    places = scipy.special.ndtr(luck)
    drawn = np.empty(places.shape)
    for at in range(off.size):
        drawn[:, at] = np.interp(places[:, at], below[at], nodes[at])
    return drawn
