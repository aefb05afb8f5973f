"""How surely one config's PSNR is above another's: a pure function of their pictures' scores.

Which pictures were taken shifts all candidates together (one network's PSNR varies by about 5 dB
from picture to picture, a difference of two by tenths), so they are compared on the same pictures:
Student's interval of paired differences ("The probable error of a mean", Biometrika 6, 1908). The
bootstrap over pictures (Efron & Tibshirani, 1993) is too narrow for the dozen used here.

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
    """How much better the first of two candidates is, in dB, with its interval.

    Attributes:
        seen_in_pictures: whether the pictures alone tell the two apart, the error of the weights'
            origin aside.
    """

    mean_db: float
    low_db: float
    high_db: float
    seen_in_pictures: bool

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
    table = _checked_table(np.stack([np.asarray(one_db, float), np.asarray(other_db, float)], 1))
    differences = table[:, 0] - table[:, 1]
    count = differences.size
    mean = float(differences.mean())
    sampling = float(differences.std(ddof=1)) / math.sqrt(count)
    source = math.sqrt(2.0) * _checked_sd(source_sd_db)
    variance = sampling**2 + source**2
    # Welch-Satterthwaite: the source's deviation is taken as known, the pictures' is estimated.
    freedom = (count - 1) * (variance / sampling**2) ** 2 if sampling > 0.0 else math.inf
    half = float(stats.t.ppf(0.5 + level / 2.0, freedom)) * math.sqrt(variance)
    luck = float(stats.t.ppf(0.5 + level / 2.0, count - 1)) * sampling
    return PsnrDifference(mean, mean - half, mean + half, abs(mean) > luck)


def _checked_table(table_db: ArrayLike) -> Table:
    """(pictures, 2). Raises `ValueError` for fewer than two pictures, or values not finite."""
    table = np.asarray(table_db, dtype=np.float64)
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
