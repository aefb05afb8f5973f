"""The best PSNR that can be had at a latency, and how candidates lie below it. Pure functions.

Candidates of one study lie below the best that can be had at their latency, many near it and few
far off, none much above. That is the stochastic frontier of Aigner, Lovell and Schmidt (J.
Econometrics 6, 1977): a parabola over log latency (from 16 candidates on a cubic), less an
exponential, with normal deviations. It is what candidates say of each other: one that lies above
it owes that to luck, of its pictures or of its sessions.

Where it can fail: with fewer than `LEAST_FITTED` candidates there is none; where candidates follow
no such law, deviations are found to be large, and it says little; and latencies that lie in
clusters narrower than their noise are known better than it says, for it takes every latency to be
as likely as its neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.optimize
import scipy.special

# From so many candidates on, they say together what PSNR goes with a latency.
LEAST_FITTED = 8
# As many curve it further: the best rises steeply among the fastest and hardly among the slowest.
_LEAST_CUBIC = 16
# Candidates that differ by less differ by nothing that one could see.
LEAST_DB = 0.005
# What the deviations beside the frontier are at first, as a share of all, and by how much of a
# factor both scales may be off: weak, so that eight candidates do not run away.
_DEVIATION, _FACTOR = 1 / 3, np.e
# How much PSNR a latency e times as long may bring, before candidates have shown it: in a narrow
# range, or among few clusters, they cannot.
_DB_AN_E_FOLD = 2.0
# So many candidates follow no frontier.
_ANYWHERE = 0.01


@dataclass(frozen=True)
class Frontier:
    """Where the best candidates lie, how far others lie below, and normal deviations, dB.

    `curve` are coefficients over log latency, the highest power first; `span` is how far apart
    candidates lie in all.
    """

    curve: np.ndarray
    below: float
    deviation: float
    span: float

    def level(self, log_latency: np.ndarray) -> np.ndarray:
        """The best that can be had at these latencies, but for deviations."""
        return np.asarray(np.polyval(self.curve, log_latency))

    def rises(self, log_latency: np.ndarray) -> bool:
        """Whether more can be had at the slowest of these than at the fastest.

        One that falls is luck: what can be had faster can be had as slowly.
        """
        fastest, slowest = self.level(np.array([log_latency.min(), log_latency.max()]))
        return bool(slowest > fastest)

    def log_density(self, off: np.ndarray) -> np.ndarray:
        """Of lying `off` the frontier, up to a constant."""
        tail = -off / self.deviation - self.deviation / self.below
        return np.asarray(off / self.below + scipy.special.log_ndtr(tail))

    def log_density_or_none(self, off: np.ndarray) -> np.ndarray:
        """The same where one candidate in a hundred follows no frontier but may lie anywhere."""
        own = self.log_density(off) + self.deviation**2 / (2 * self.below**2) - np.log(self.below)
        return np.logaddexp(own, np.log(_ANYWHERE / (self.span + self.below)))


def fitted_frontier(
    mean_db: np.ndarray, error_db: np.ndarray, log_latency: np.ndarray
) -> Frontier | None:
    """The likeliest frontier, with weak assumptions about both scales.

    Args:
        mean_db: PSNR of each candidate, (n,). One of 0 dB or less has none, and is no part of it.
        error_db: standard error of each; 0 where it is exact.
        log_latency: of each. Its error is taken to be small beside what candidates lie below.

    None with fewer than `LEAST_FITTED` candidates, or with no two latencies.
    """
    known = mean_db > 0
    if known.sum() < LEAST_FITTED or np.ptp(log_latency[known]) == 0:
        return None
    mean, log_latency = mean_db[known], log_latency[known]
    error = np.hypot(error_db[known], LEAST_DB)
    middle, width = log_latency.mean(), np.ptp(log_latency)
    terms = 4 if mean.size >= _LEAST_CUBIC else 3
    design = np.vander((log_latency - middle) / width, terms)
    first = np.linalg.lstsq(design, mean, rcond=None)[0]
    spread = max(float((mean - design @ first).std()), LEAST_DB)
    assumed = np.log([spread, _DEVIATION * spread])

    def cost(guess: np.ndarray) -> float:
        below, deviation = np.exp(guess[terms:])
        off = mean - design @ guess[:terms]
        noise = np.hypot(deviation, error)
        density = (
            -np.log(below)
            + noise**2 / (2 * below**2)
            + off / below
            + scipy.special.log_ndtr(-off / noise - noise / below)
        )
        scales = (guess[terms:] - assumed) / np.log(_FACTOR)
        bends = guess[: terms - 1] / (_DB_AN_E_FOLD * width)
        return float(-density.sum() + np.square([*scales, *bends]).sum() / 2)

    # The middle of the candidates lies about as far below the frontier as they scatter.
    begin = np.array([*first, *assumed])
    begin[terms - 1] += spread
    found = scipy.optimize.minimize(cost, begin, method="BFGS", options={"maxiter": 60}).x
    if not np.isfinite(found).all() or cost(found) > cost(begin):
        found = begin
    below, deviation = np.exp(found[terms:])
    curve = np.poly1d(found[:terms])(np.poly1d([1 / width, -middle / width])).coeffs
    return Frontier(
        np.asarray(curve), float(below), float(np.hypot(deviation, LEAST_DB)), float(np.ptp(mean))
    )
