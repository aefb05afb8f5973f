"""How alike the variances of several rows are. Pure functions."""

from __future__ import annotations

import numpy as np
import scipy.optimize
import scipy.special

# Rows that are hardly told apart are worth so much and no more.
_MOST = 1e6


def shared_variance(variances: np.ndarray, freedom: float | np.ndarray) -> tuple[float, float]:
    """The variance that is usual among rows, and how many degrees of freedom it is worth.

    Where the logarithms of the variances differ by no more than their freedom explains, all rows
    share one variance, and it is worth a million. The fewer it is worth, the more each row has a
    noise of its own (G. K. Smyth, "Linear models and empirical Bayes methods", Stat. Appl. Genet.
    Mol. Biol. 3, 2004, section 6.2). Assumed: rows of normal values.

    Args:
        variances: of each row, (n,), above zero; two at least.
        freedom: degrees of freedom of each, (n,), or of all.
    """
    half = np.asarray(freedom, dtype=np.float64) / 2
    logs = np.log(variances) - scipy.special.digamma(half) + np.log(half)
    luck = float(np.mean(np.broadcast_to(scipy.special.polygamma(1, half), logs.shape)))
    rest = float(np.var(logs, ddof=1)) - luck
    if rest <= scipy.special.polygamma(1, _MOST / 2):
        return float(np.exp(logs.mean())), _MOST
    lent = float(
        scipy.optimize.brentq(
            lambda x: scipy.special.polygamma(1, x) - rest, 1e-3, _MOST, xtol=1e-6
        )
    )
    usual = float(np.exp(logs.mean() + scipy.special.digamma(lent) - np.log(lent)))
    return usual, 2 * lent
