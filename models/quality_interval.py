"""How surely one config's PSNR is above another's: pure functions over tables of scores.

A table has a row for each picture and a column for each candidate, PSNR in dB. Which pictures
were taken shifts all candidates together (one network's PSNR varies by about 5 dB from picture to
picture, a difference of two by tenths), so candidates are always compared on the same pictures.

The mean over n pictures, centred and studentised, follows Hotelling's multivariate t with n - 1
degrees of freedom where scores are normal (Hotelling, "The generalization of Student's ratio",
Ann. Math. Stat. 2, 1931); a pair's interval is Student's for paired differences. The bootstrap
over pictures (Efron & Tibshirani, 1993) is too narrow for the dozen or fewer pictures used here.

What the pictures cannot tell is the error of the source: a supernet's slice ranks a config not
quite as a network trained alone would. `source_sd_db` adds it, independent between candidates.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

FEWEST_PICTURES = 2
Table = NDArray[np.float64]


@dataclass(frozen=True)
class PsnrDifference:
    """How much better the first of two candidates is, in dB, with its interval."""

    mean_db: float
    low_db: float
    high_db: float

    @property
    def is_tie(self) -> bool:
        """Whether the interval holds no difference as well."""
        return self.low_db <= 0.0 <= self.high_db


def psnr_difference(
    one_db: ArrayLike, other_db: ArrayLike, *, source_sd_db: float = 0.0, level: float = 0.95
) -> PsnrDifference:
    """Interval of the mean difference over pictures like these.

    Args:
        one_db, other_db: PSNR of each picture, the same pictures in the same order.
        source_sd_db: standard deviation of each candidate's error by the origin of its weights.

    Raises:
        ValueError: fewer than two pictures, rows of unlike length, or values that are not finite.
    """
    table = checked_table(np.stack([np.asarray(one_db, float), np.asarray(other_db, float)], 1))
    differences = table[:, 0] - table[:, 1]
    count = differences.size
    mean = float(differences.mean())
    sampling = float(differences.std(ddof=1)) / math.sqrt(count)
    source = math.sqrt(2.0) * _checked_sd(source_sd_db)
    variance = sampling**2 + source**2
    # Welch-Satterthwaite: the source's deviation is taken as known, the pictures' is estimated.
    freedom = (count - 1) * (variance / sampling**2) ** 2 if sampling > 0.0 else math.inf
    half = float(stats.t.ppf(0.5 + level / 2.0, freedom)) * math.sqrt(variance)
    return PsnrDifference(mean, mean - half, mean + half)


def psnr_draws(
    table_db: ArrayLike,
    *,
    draws: int,
    rng: np.random.Generator,
    source_sd_db: float = 0.0,
) -> Table:
    """Possible mean PSNRs of all candidates together: (draws, candidates), dB.

    Each draw shifts the pictures once, for all candidates: what they have in common cancels.

    Args:
        table_db: (pictures, candidates).

    Raises:
        ValueError: fewer than two pictures, or values that are not finite.
    """
    table = checked_table(table_db)
    count, candidates = table.shape
    mean = table.mean(axis=0)
    centred = (table - mean) / math.sqrt(count * (count - 1))
    pictures = rng.standard_normal((draws, count))
    spread = np.sqrt(rng.chisquare(count - 1, size=(draws, 1)) / (count - 1))
    source = _checked_sd(source_sd_db) * rng.standard_normal((draws, candidates))
    return mean + pictures @ centred / spread + source


def checked_table(table_db: ArrayLike) -> Table:
    """A table of scores as float64.

    Raises:
        ValueError: not two-dimensional, fewer than two pictures, or values that are not finite.
    """
    table = np.asarray(table_db, dtype=np.float64)
    if table.ndim != 2:
        raise ValueError(f"scores need the shape (pictures, candidates), not {table.shape}")
    if table.shape[0] < FEWEST_PICTURES:
        raise ValueError(
            f"{table.shape[0]} pictures say nothing about others: at least {FEWEST_PICTURES}"
        )
    if not np.isfinite(table).all():
        raise ValueError("PSNRs must be finite")
    return table


def _checked_sd(sd_db: float) -> float:
    if not (math.isfinite(sd_db) and sd_db >= 0.0):
        raise ValueError(f"a standard deviation of {sd_db} dB does not exist")
    return sd_db
