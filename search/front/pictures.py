"""What each candidate's PSNR would be over other pictures than the few that were taken.

Pure functions over arrays. All candidates saw the same pictures, so what other pictures would have
done to one they would have done to its neighbour, too: a draw is a reweighting of the pictures,
common to all candidates (the Bayesian bootstrap of Rubin, Ann. Stat. 9, 1981, with normal weights).

Five pictures make some candidates look better than they are, and those are the ones that seem to
dominate. So each is believed as far as the others bear it out (empirical Bayes: Efron and Morris,
JASA 70, 1975): candidates lie below the best that can be had at their latency, many near it and
few far off, none much above. That is the stochastic frontier of Aigner, Lovell and Schmidt (J.
Econometrics 6, 1977): a parabola over log latency, less an exponential, with normal deviations.

Candidates that the pictures treat alike (`_twins`) err together: they are drawn as one, and what
tells them apart is kept. Where it can fail: candidates that are somewhat alike are drawn towards
each other by more than they should be; and with fewer than `LEAST_FITTED` there is no frontier, and
each is believed as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.optimize
import scipy.sparse.csgraph
import scipy.special
import scipy.stats

from device_runner.statistics.moderation import shared_variance

# From so many candidates on, they say together what PSNR goes with a latency.
LEAST_FITTED = 8
# Candidates that differ by less differ by nothing that one could see.
_LEAST_DB = 0.005
# What the deviations beside the frontier are at first, as a share of all, and by how much of a
# factor both scales may be off: weak, so that eight candidates do not run away.
_DEVIATION, _FACTOR = 1 / 3, np.e
# Twins differ by less than this share of the variance by which two of their kind would.
_TWIN = 0.02
# So many equal shares stand for what is believed of one candidate.
_SHARES = 400
_MOST_FREEDOM = 1000.0


def draw_psnrs(
    pictures_db: np.ndarray, log_latency: np.ndarray, *, draws: int, seed: int = 0
) -> np.ndarray:
    """Possible mean PSNRs of each candidate over pictures of the kind: (draws, n).

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
        return np.tile(mean, (draws, 1))
    # What a picture does to all of them orders none of them.
    own = table - mean
    own = own - np.median(own, axis=1, keepdims=True)
    own = own - own.mean(axis=0)
    random = np.random.default_rng([seed, 2])
    weights = random.standard_normal((draws, count)) / np.sqrt(count)
    units = _twins(own)
    places = log_latency @ units
    if units.shape[1] < LEAST_FITTED or np.ptp(places) == 0:
        few = np.sqrt(random.chisquare(count - 1, (draws, 1)) / (count - 1))
        return np.asarray(mean + weights @ own / np.sqrt(count - 1) / few)
    shared = own @ units
    variance, freedom = _moderated(shared)
    error = np.sqrt(variance / count + _LEAST_DB**2)
    frontier = _fitted(mean @ units, error, places)
    off = mean - frontier.level(log_latency)
    drawn = _believed(off @ units, error, freedom, frontier, weights @ _directions(shared))
    # What tells twins apart is known from the pictures as it is.
    member = units > 0
    apart = (
        off - (off @ units) @ member.T + weights @ (own - shared @ member.T) / np.sqrt(count - 1)
    )
    return np.asarray(frontier.level(log_latency) + drawn @ member.T + apart)


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


@dataclass(frozen=True)
class _Frontier:
    """Where the best candidates lie, how far others lie below, and normal deviations, dB.

    `curve` are coefficients over log latency, the highest power first.
    """

    curve: np.ndarray
    below: float
    deviation: float

    def level(self, log_latency: np.ndarray) -> np.ndarray:
        """The best that can be had at these latencies, but for deviations."""
        return np.asarray(np.polyval(self.curve, log_latency))

    def log_density(self, off: np.ndarray) -> np.ndarray:
        """Of lying `off` the frontier, up to a constant."""
        tail = -off / self.deviation - self.deviation / self.below
        return np.asarray(off / self.below + scipy.special.log_ndtr(tail))


def _moderated(own: np.ndarray) -> tuple[np.ndarray, float]:
    """How much a picture moves each candidate (variance), and the freedom it is known with.

    Drawn towards what is usual by as much as the candidates are alike in it (G. K. Smyth, Stat.
    Appl. Genet. Mol. Biol. 3, 2004, section 6.2).
    """
    freedom = own.shape[0] - 1
    variance = np.square(own).sum(axis=0) / freedom
    usual, lent = shared_variance(np.maximum(variance, _LEAST_DB**2), freedom)
    return (lent * usual + freedom * variance) / (lent + freedom), min(
        _MOST_FREEDOM, lent + freedom
    )


def _fitted(mean: np.ndarray, error: np.ndarray, log_latency: np.ndarray) -> _Frontier:
    """The likeliest frontier, with weak assumptions about both scales."""
    middle, width = log_latency.mean(), np.ptp(log_latency)
    design = np.vander((log_latency - middle) / width, 3)
    first = np.linalg.lstsq(design, mean, rcond=None)[0]
    spread = max(float((mean - design @ first).std()), _LEAST_DB)
    assumed = np.log([spread, _DEVIATION * spread])

    def cost(guess: np.ndarray) -> float:
        below, deviation = np.exp(guess[3:])
        off = mean - design @ guess[:3]
        noise = np.hypot(deviation, error)
        density = (
            -np.log(below)
            + noise**2 / (2 * below**2)
            + off / below
            + scipy.special.log_ndtr(-off / noise - noise / below)
        )
        return float(-density.sum() + np.square((guess[3:] - assumed) / np.log(_FACTOR)).sum() / 2)

    # The middle of the candidates lies about as far below the frontier as they scatter.
    begin = np.array([*first, *assumed])
    begin[2] += spread
    found = scipy.optimize.minimize(cost, begin, method="BFGS", options={"maxiter": 60}).x
    if not np.isfinite(found).all() or cost(found) > cost(begin):
        found = begin
    below, deviation = np.exp(found[3:])
    curve = np.poly1d(found[:3])(np.poly1d([1 / width, -middle / width])).coeffs
    return _Frontier(np.asarray(curve), float(below), float(np.hypot(deviation, _LEAST_DB)))


def _believed(
    off: np.ndarray, error: np.ndarray, freedom: float, frontier: _Frontier, luck: np.ndarray
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
