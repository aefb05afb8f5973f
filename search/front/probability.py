"""How surely each candidate is on the front, where latencies are known with noise only.

Pure functions over arrays. PSNR is exact: the same outputs give the same decibels each time.
Monte Carlo over the latencies' posterior, as in probabilistic dominance (Hughes, "Evolutionary
multi-objective ranking with uncertainty and noise", EMO 2001).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Row = Sequence[float] | np.ndarray

DRAWS = 2000
# The slowest and the fastest 2.5 % of a normal: an interval this wide either way is a 95 % one.
NORMAL_95 = 1.96


def log_latency_of(latency_ms: Row, low_ms: Row, high_ms: Row) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of log latency from estimates and their 95 % intervals."""
    centre, low, high = (np.log(np.asarray(row, float)) for row in (latency_ms, low_ms, high_ms))
    return centre, (high - low) / (2 * NORMAL_95)


def draw_latencies(
    log_mean: Row, log_sd: Row, psnrs: Row, *, draws: int = DRAWS, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Checked means and PSNRs with `draws` possible latencies of each: (n,), (n,), (draws, n).

    Raises:
        ValueError: rows of unlike length, not finite, or a negative standard deviation.
    """
    mean, sd, psnr = (np.asarray(row, dtype=np.float64) for row in (log_mean, log_sd, psnrs))
    if mean.ndim != 1 or mean.shape != sd.shape or mean.shape != psnr.shape:
        raise ValueError("latencies and PSNRs need one number a candidate")
    if not all(np.isfinite(row).all() for row in (mean, sd, psnr)) or (sd < 0).any():
        raise ValueError(
            "latency, its deviation and PSNR must be finite, the deviation not negative"
        )
    normals = np.random.default_rng(seed).standard_normal((draws, mean.size))
    return mean, psnr, np.exp(mean + sd * normals)


def on_front(latencies: np.ndarray, psnrs: np.ndarray) -> np.ndarray:
    """Who is on the front of each draw: (draws, n), as `search.front.dominance.dominates` has it.

    Args:
        latencies: (draws, n), any unit.
        psnrs: (n,), dB.
    """
    member = np.zeros(latencies.shape, dtype=bool)
    fastest_above = np.full(latencies.shape[0], np.inf)
    for psnr in np.unique(psnrs)[::-1]:
        alike = np.flatnonzero(psnrs == psnr)
        fastest = latencies[:, alike].min(axis=1)
        leads = (fastest < fastest_above)[:, None] & (latencies[:, alike] <= fastest[:, None])
        member[:, alike] = leads
        fastest_above = np.minimum(fastest_above, fastest)
    return member


def front_probability(
    log_latency_mean: Row,
    log_latency_sd: Row,
    psnrs: Row,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> np.ndarray:
    """For each candidate, the probability that no other dominates it: (n,), 0 to 1.

    Latencies are independent and lognormal; PSNRs, in dB, are exact. Two candidates that cannot
    be told apart at equal PSNR share the place, e.g. 0.5 each. A standard deviation of zero is an
    exact latency. The error of `draws` draws is at most 0.5 / sqrt(draws), i.e. 0.011.

    Raises:
        ValueError: rows of unlike length, not finite, or a negative standard deviation.
    """
    _, psnr, latencies = draw_latencies(
        log_latency_mean, log_latency_sd, psnrs, draws=draws, seed=seed
    )
    return on_front(latencies, psnr).mean(axis=0)
