"""Noise that the tool's own statistics do not assume, to try them under.

Three places where a measurement meets it: the luck of a launch (`Launches`), what the device does
while it is measured (`Course`), and what a night does to a model (`Nights`). Everything is a
natural logarithm that is added to a latency's. Pure functions of a generator: the same seed gives
the same noise. `spec.NoiseSpec` has the first two for a simulated phone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np

# Two standard deviations of a lognormal's logarithm beside each other: a long tail to the right.
_SKEW = 0.9
_TAIL_DOF = 3.0
# Of the launches, how many meet the slower of two modes, and how far it lies off, in standard
# deviations of all.
_SLOW_SHARE = 0.3
_OUTLIER_SHARE = 0.08
_STEPS = 2
# Slow spells in the course of a measurement: shares of it that the device stays usual and slow.
_USUAL, _SLOW = 0.3, 0.1
_REMEMBERED = 0.6
_NIGHTS_A_REBOOT = 10.0
_WEEK = 7


class Launches(StrEnum):
    """How launches of one program differ. Each has a median of 0 and the same deviation."""

    NORMAL = "normal"
    LOGNORMAL = "lognormal"
    # Student's t of three degrees of freedom.
    TAILS = "heavy tails"
    # A memory layout that suits in seven of ten launches, and one that does not.
    BIMODAL = "two modes"
    # One in twelve is slower by many deviations: something else ran.
    OUTLIERS = "outliers"


class Course(StrEnum):
    """What the device does in the course of a measurement."""

    CALM = "calm"
    # Steadily slower, or faster.
    LINEAR = "linear"
    # Up and down once in two rounds: follows whoever runs in mirrored pairs of rounds.
    TRIANGLE = "triangle"
    # It wanders, and remembers where it was.
    WANDER = "autoregressive"
    # Throttled and released at moments of their own.
    STEPS = "steps"
    SINE = "sine"
    # Slower by the whole size for a while, as a virtual machine whose neighbours are busy.
    SPELLS = "slow spells"


@dataclass(frozen=True)
class SlowSpells:
    """A device that is now as usual, now slower by `factor`, as a shared virtual machine is.

    Each state lasts for an exponential time, `usual_s` and `slow_s` on average (a telegraph
    process). The defaults are about those of the machine this was met on: in a first search of two
    minutes four spells, together a fifth of the time.
    """

    factor: float = 2.0
    usual_s: float = 40.0
    slow_s: float = 10.0

    def slow_after(self, slow: np.ndarray, passed_s: np.ndarray) -> np.ndarray:
        """The chance of being slow so long after a moment at which it was `slow` or not."""
        share = self.slow_s / (self.usual_s + self.slow_s)
        kept = np.exp(-passed_s * (1 / self.usual_s + 1 / self.slow_s))
        return np.asarray(share + (slow - share) * kept)


class Nights(StrEnum):
    """What a night adds to a model, beyond the sessions within it."""

    INDEPENDENT = "independent"
    # Neighbours resemble each other: autoregressive, 0.6.
    NEIGHBOURS = "neighbours alike"
    # Another level after each restart of the device, every ten nights or so.
    REBOOTS = "reboots"
    WEEKLY = "weekly rhythm"
    TAILS = "heavy tails"


@lru_cache(maxsize=8)
def _centre_and_scale(kind: Launches) -> tuple[float, float]:
    """Median and standard deviation of the raw draws, by a million of them."""
    if kind is Launches.NORMAL:
        return 0.0, 1.0
    drawn = _raw(kind, np.random.default_rng(0), (1_000_000,))
    # The variance of a t with three degrees of freedom hardly settles: it is known to be 3.
    scale = math.sqrt(_TAIL_DOF) if kind is Launches.TAILS else float(drawn.std())
    return float(np.median(drawn)), scale


def _raw(kind: Launches, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    if kind is Launches.LOGNORMAL:
        return rng.lognormal(0.0, _SKEW, shape)
    if kind is Launches.TAILS:
        return rng.standard_t(_TAIL_DOF, shape)
    drawn = rng.standard_normal(shape)
    if kind is Launches.BIMODAL:
        return 0.3 * drawn + 3.0 * (rng.random(shape) < _SLOW_SHARE)
    if kind is Launches.OUTLIERS:
        return drawn + (rng.random(shape) < _OUTLIER_SHARE) * rng.uniform(3.0, 15.0, shape)
    return drawn


def launch_noise(
    kind: Launches, rng: np.random.Generator, shape: tuple[int, ...], sd: float
) -> np.ndarray:
    """What launches are off by, of median 0 and standard deviation `sd`.

    Outliers come on top of `sd`: it is the deviation of the others.
    """
    if kind is Launches.OUTLIERS:
        return sd * _raw(kind, rng, shape)
    centre, scale = _centre_and_scale(kind)
    return sd * (_raw(kind, rng, shape) - centre) / scale


def course(
    kind: Course, rng: np.random.Generator, times: np.ndarray, rounds: int, size: float
) -> np.ndarray:
    """How much slower the device is at `times`, in each of a number of measurements.

    Args:
        kind: what it does.
        rng: the luck of it.
        times: (measurements, times), rising, as a share of the whole measurement.
        rounds: how many rounds the whole has.
        size: how much it comes to: from end to end, top to bottom, or one standard deviation.
    """
    many = times.shape[0]
    if kind is Course.CALM:
        return np.zeros(times.shape)
    if kind is Course.LINEAR:
        return size * times
    phase = rng.uniform(0.0, 1.0, (many, 1))
    if kind is Course.TRIANGLE:
        turns = times * rounds / 2 + phase
        away: np.ndarray = np.abs(2.0 * (turns - np.floor(turns)) - 1.0)
        return size * away
    if kind is Course.SINE:
        return size / 2 * np.sin(2 * np.pi * (times * rng.uniform(0.5, 3.0, (many, 1)) + phase))
    if kind is Course.STEPS:
        begins = rng.uniform(0.0, 0.8, (_STEPS, many, 1))
        ends = begins + rng.uniform(0.1, 0.5, (_STEPS, many, 1))
        slow = (times > begins) & (times < ends)
        return size * slow.max(axis=0).astype(float)
    if kind is Course.SPELLS:
        return size * _spells(rng, times)
    return _wander(rng, times.shape, size)


def _spells(rng: np.random.Generator, times: np.ndarray) -> np.ndarray:
    """1 where the device is slow and 0 where it is not, (measurements, times)."""
    spells = SlowSpells(usual_s=_USUAL, slow_s=_SLOW)
    found = np.empty(times.shape)
    slow, since = np.full(times.shape[0], _SLOW / (_USUAL + _SLOW)), times[:, 0]
    for at in range(times.shape[1]):
        chance = spells.slow_after(slow, times[:, at] - since)
        slow, since = (rng.random(times.shape[0]) < chance).astype(float), times[:, at]
        found[:, at] = slow
    return found


def _wander(rng: np.random.Generator, shape: tuple[int, ...], sd: float) -> np.ndarray:
    """Autoregressive along the last axis, stationary (Gaussian, 0.9 from one to the next)."""
    kept = 0.9
    found = rng.standard_normal(shape)
    for at in range(1, shape[-1]):
        found[..., at] = kept * found[..., at - 1] + math.sqrt(1 - kept**2) * found[..., at]
    return sd * found


def night_noise(
    kind: Nights,
    rng: np.random.Generator,
    models: int,
    nights: int,
    sd: float,
    *,
    shared: float = 0.0,
    restarts: np.ndarray | None = None,
) -> np.ndarray:
    """What each night adds to each model: (models, nights), standard deviation `sd`.

    `shared` is the correlation between models: which of it one cause brings to all of them.
    `restarts`, (nights,), is before which nights the device restarts; by chance without it. Only
    `Nights.REBOOTS` asks.
    """
    if restarts is None:
        restarts = device_restarts(rng, nights)
    own = _nights(kind, rng, models, restarts)
    common = _nights(kind, rng, 1, restarts)
    return sd * (math.sqrt(1 - shared) * own + math.sqrt(shared) * common)


def device_restarts(rng: np.random.Generator, nights: int) -> np.ndarray:
    """Before which nights a device restarts, every ten nights or so: (nights,)."""
    return np.asarray(rng.random(nights) < 1 / _NIGHTS_A_REBOOT)


def _nights(
    kind: Nights, rng: np.random.Generator, models: int, restarts: np.ndarray
) -> np.ndarray:
    nights = restarts.size
    shape = (models, nights)
    if kind is Nights.TAILS:
        return rng.standard_t(_TAIL_DOF, shape) / math.sqrt(_TAIL_DOF)
    if kind is Nights.NEIGHBOURS:
        found = rng.standard_normal(shape)
        for night in range(1, nights):
            fresh = math.sqrt(1 - _REMEMBERED**2) * found[:, night]
            found[:, night] = _REMEMBERED * found[:, night - 1] + fresh
        return found
    if kind is Nights.REBOOTS:
        # The device restarts, so all models get another level in the same night.
        boots = np.cumsum(restarts)
        levels = rng.standard_normal((models, int(boots[-1]) + 1))
        return levels[:, boots] + 0.3 * rng.standard_normal(shape)
    if kind is Nights.WEEKLY:
        phase = rng.uniform(0, 2 * np.pi, (models, 1))
        wave = math.sqrt(2.0) * np.sin(2 * np.pi * np.arange(nights) / _WEEK + phase)
        return 0.95 * wave + 0.3 * rng.standard_normal(shape)
    return rng.standard_normal(shape)
