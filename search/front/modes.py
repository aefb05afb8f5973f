"""Launches of two kinds: a layout in memory that suits a program, and one that does not.

Launches of one program may fall into two groups, a few percent apart and each far narrower than
that. Then the median of three sessions is right or wrong by the whole distance, and a spread
between them tells neither which nor how far. All candidates of a device together do tell: how far
the groups lie apart, how many launches are slow, and how narrow a group is are taken to be the
same for all, so that of each candidate only its level is left, and how many of its sessions were
slow. Both are weighed by Bayes' theorem, with no slower group said to be the commoner one.

Source: a mixture of two normal distributions by expectation and maximisation (A. P. Dempster, N. M.
Laird, D. B. Rubin, JRSS B 39, 1977), each candidate's slow sessions being its slowest ones.

Where it can fail: candidates whose groups lie apart by unlike distances, and tails. Then no two
narrow groups are found (`_LEAST_APART`, `_LEAST_SLOW`), and the belief is Student's t. Nor is
anything known from single sessions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.optimize
import scipy.stats

# Fewer degrees of freedom, over all candidates, say nothing of two groups.
LEAST_FREEDOM = 16
# Groups lie apart by so many deviations of one, and the slow one has so many of the launches.
_LEAST_APART, _LEAST_SLOW = 8.0, 0.1
# Log likelihood that two groups must gain beside one, a logarithm of the degrees of freedom: half
# of one for each of three parameters (G. Schwarz, Ann. Stat. 6, 1978), and as much again.
_GAIN = 3.0
# Where the search begins: share of slow launches, and distance in deviations of all.
_BEGINS = ((0.15, 2.0), (0.35, 2.0), (0.35, 3.5))
_STEPS = 40
# A group is no narrower than this share of all sessions' deviation.
_LEAST_WIDTH = 0.05


@dataclass(frozen=True)
class Modes:
    """What is believed of each candidate's log latency: a mixture of Student's t, (n,).

    Attributes:
        level: of each number of slow sessions, the log latency that it would mean, (n, cases).
        weight: how likely each is, (n, cases); rows add up to 1.
        scale: of each candidate's level, where the number of slow sessions is known, (n,).
        freedom: degrees of freedom of that.
    """

    level: np.ndarray
    weight: np.ndarray
    scale: np.ndarray
    freedom: float

    @property
    def mean(self) -> np.ndarray:
        """Over the cases, (n,)."""
        return np.asarray((self.weight * self.level).sum(axis=1))

    @property
    def sd(self) -> np.ndarray:
        """Over the cases and of each, (n,)."""
        between = (self.weight * np.square(self.level - self.mean[:, None])).sum(axis=1)
        return np.asarray(np.sqrt(between + self.scale**2 * self.freedom / (self.freedom - 2)))

    def drawn(self, random: np.random.Generator, draws: int) -> np.ndarray:
        """Possible log latencies: (draws, n)."""
        share = random.random((draws, self.scale.size))
        case = np.zeros(share.shape, dtype=int)
        for bound in np.cumsum(self.weight, axis=1).T[:-1]:
            case += share > bound
        level = self.level[np.arange(self.scale.size), case]
        return np.asarray(level + self.scale * random.standard_t(self.freedom, share.shape))


@dataclass(frozen=True)
class _Law:
    """Share of slow launches, how much slower they are, and the variance of either group."""

    slow: float
    apart: float
    variance: float

    def median(self) -> float:
        """Of all launches, beside the middle of the fast ones."""
        width = self.variance**0.5

        def above(at: float) -> float:
            fast, slow = scipy.stats.norm.cdf([at / width, (at - self.apart) / width])
            return float((1 - self.slow) * fast + self.slow * slow - 0.5)

        return float(scipy.optimize.brentq(above, -self.apart, 2 * self.apart))


def launch_modes(log_sessions: Sequence[np.ndarray]) -> Modes | None:
    """What is believed of candidates whose launches are of two kinds; None where they are not.

    Args:
        log_sessions: of each candidate its sessions' logarithms, corrected for drift, one at least.
    """
    counts = np.array([row.size for row in log_sessions])
    freedom = int((counts - 1).sum())
    if freedom < LEAST_FREEDOM:
        return None
    cases = _Cases.of(log_sessions, counts)
    if cases.within == 0:
        return None
    found = [cases.fitted(slow, apart) for slow, apart in _BEGINS]
    likelihood, law = max(found, key=lambda one: one[0])
    alone = -freedom / 2 * (np.log(cases.within) + 1)
    surely = likelihood - alone > _GAIN * np.log(freedom)
    narrow = law.apart > _LEAST_APART * law.variance**0.5
    if not (surely and narrow and law.slow >= _LEAST_SLOW):
        return None
    _, weight = cases.weighed(law)
    level = cases.levels(law)[0] + law.median()
    return Modes(level, weight, np.sqrt(law.variance / counts), float(freedom))


@dataclass(frozen=True)
class _Cases:
    """Every number of slow sessions that each candidate may have had.

    Attributes:
        sessions: sorted, less their mean, (n, most); 0 where a candidate had fewer.
        had: which of those there are.
        means: of each candidate, (n,).
        slow: which sessions are slow in each case, less their share, (n, cases, most).
        numbers: how many are slow in each case; `possible`, (n, cases): and whether it had so many.
        within: variance of a session about its candidate's mean.
    """

    sessions: np.ndarray
    had: np.ndarray
    means: np.ndarray
    slow: np.ndarray
    numbers: np.ndarray
    possible: np.ndarray
    within: float

    @classmethod
    def of(cls, rows: Sequence[np.ndarray], counts: np.ndarray) -> _Cases:
        most = int(counts.max())
        sessions, means = np.zeros((len(rows), most)), np.array([row.mean() for row in rows])
        for row, mean, values in zip(rows, means, sessions, strict=True):
            values[: row.size] = np.sort(row) - mean
        had = np.arange(most) < counts[:, None]
        numbers = np.arange(most + 1)
        slow = np.arange(most) >= (counts[:, None] - numbers)[..., None]
        share = np.minimum(numbers / counts[:, None], 1.0)[..., None]
        centred = np.where(had[:, None, :], slow - share, 0.0)
        within = float(np.square(sessions).sum() / (counts - 1).sum())
        possible = numbers <= counts[:, None]
        return cls(sessions, had, means, centred, numbers, possible, within)

    @property
    def counts(self) -> np.ndarray:
        """Sessions of each candidate, (n,)."""
        return np.asarray(self.had.sum(axis=1))

    def levels(self, law: _Law) -> tuple[np.ndarray, np.ndarray]:
        """The middle of fast launches in each case, and the squares that are left: (n, cases)."""
        left = self.sessions[:, None, :] - law.apart * self.slow
        squares = np.square(left).sum(axis=2)
        slower = law.apart * self.numbers / self.counts[:, None]
        return self.means[:, None] - slower, squares

    def weighed(self, law: _Law) -> tuple[float, np.ndarray]:
        """The logarithm of how likely all sessions are, and how likely each case is."""
        _, squares = self.levels(law)
        counts = self.counts[:, None]
        log = self.numbers * np.log(law.slow) + (counts - self.numbers) * np.log1p(-law.slow)
        log = log - squares / (2 * law.variance) - (counts - 1) / 2 * np.log(law.variance)
        log = np.where(self.possible, log, -np.inf)
        top = log.max(axis=1, keepdims=True)
        weight = np.exp(log - top)
        total = weight.sum(axis=1, keepdims=True)
        return float((top + np.log(total)).sum()), weight / total

    def fitted(self, slow: float, apart: float) -> tuple[float, _Law]:
        """The likeliest law near this one: a share, and a distance in deviations of all."""
        freedom = float((self.counts - 1).sum())
        law = _Law(slow, apart * self.within**0.5, self.within / 6)
        for _ in range(_STEPS):
            _, weight = self.weighed(law)
            share = float((weight * self.numbers).sum() / self.counts.sum())
            over = (weight[..., None] * self.slow**2).sum()
            moved = (weight[..., None] * self.slow * self.sessions[:, None, :]).sum()
            squares = (weight * self.levels(law)[1]).sum() / freedom
            law = _Law(
                min(0.5, max(0.01, share)),
                float(moved / max(over, 1e-12)),
                max(float(squares), _LEAST_WIDTH**2 * self.within),
            )
        return self.weighed(law)[0], law
