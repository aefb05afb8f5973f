"""Claims about sessions: intervals, comparisons, the front. See `claims.py`."""

from __future__ import annotations

from functools import partial

import numpy as np
from claim import Claim, Line, at_least, at_most, told

from device_runner.devices.simulated.foreign import Course, Launches, course, launch_noise
from device_runner.statistics import corrected_interval, paired_ratio, session_interval
from device_runner.statistics.paired import compare_log_ratios, signed_rank_tail
from device_runner.statistics.power import detectable_difference
from device_runner.statistics.reaction import reaction
from device_runner.statistics.sequential import LookPlan, decide
from search.front.probability import (
    front_probability,
    on_front,
    pooled_belief,
    winners_log_latency,
    with_modes,
)

# As `bench --against` has it unless told otherwise.
ROUNDS = 9
SESSION_SD = 0.015
FRONT_SESSION_SD = 0.02
DRIFT = 0.08
# A quarter of the product's: each probability is off by 2 points at most for it, and no bin is.
FRONT_DRAWS = 500
# Of so many comparisons the power is read.
POWER_DRAWS = 2000
# False alarms are counted in so many times as many pairs; errors of a percent, and probabilities
# in tenths, need some times as many, too, or chance misses their goals.
IN_BULK, FOR_ERRORS, FOR_TENTHS = 20, 8, 3


def places(rng: np.random.Generator, draws: int, rounds: int, items: int) -> np.ndarray:
    """When each item of each round runs, as a share of the whole: (draws, rounds, items)."""
    order = rng.random((draws, rounds, items)).argsort(axis=2)
    return (order + items * np.arange(rounds)[:, None]) / (rounds * items)


def heat(kind: Course, rng: np.random.Generator, at: np.ndarray, size: float = DRIFT) -> np.ndarray:
    """What the device does at these moments, (draws, rounds, items)."""
    draws, rounds, _ = at.shape
    flat = at.reshape(draws, -1)
    order = flat.argsort(axis=1)
    rising = course(kind, rng, np.take_along_axis(flat, order, axis=1), rounds, size)
    found = np.empty_like(flat)
    np.put_along_axis(found, order, rising, axis=1)
    return found.reshape(at.shape)


HELD = "95 % interval holds the truth"


def coverage(seed: int, draws: int) -> list[Line]:
    """1: the corrected 95 % interval, and what correction costs where nothing is to correct."""
    reactions = [(rounds, reacts) for rounds in (5, 9, 20) for reacts in (1.0, 0.75, 0.5, 0.0)]
    others = (Course.STEPS, Course.WANDER, Course.SINE, Course.TRIANGLE)
    return [
        *(partial(_holds_under_drift, seed, draws, *one) for one in reactions),
        *(partial(_holds, seed, draws, kind, b) for kind in others for b in (1.0, 0.5)),
        *(partial(_costs, seed, draws, rounds) for rounds in (5, 9, 20)),
        *(partial(_holds_when_calm, seed, draws, launches) for launches in Launches),
    ]


def _holds_under_drift(seed: int, draws: int, rounds: int, reacts: float) -> list[Claim]:
    rng = np.random.default_rng([seed, 1, rounds, int(100 * reacts)])
    held, _, _ = _corrected(rng, draws, rounds, reacts, Course.LINEAR)
    under = f"8 % linear drift, b = {reacts:g}, {rounds} sessions"
    if reacts >= 0.5:
        return [at_least(HELD, under, 0.90, held)]
    return [told(HELD, under, f"{held:.3f}")]


def _holds(seed: int, draws: int, kind: Course, reacts: float) -> list[Claim]:
    rng = np.random.default_rng([seed, 2, list(Course).index(kind), int(100 * reacts)])
    held, _, _ = _corrected(rng, draws, 9, reacts, kind)
    return [told(HELD, f"8 % {kind}, b = {reacts:g}, 9 sessions", f"{held:.3f}")]


def _costs(seed: int, draws: int, rounds: int) -> list[Claim]:
    rng = np.random.default_rng([seed, 3, rounds])
    _, error, raw = _corrected(rng, FOR_ERRORS * draws, rounds, 1.0, Course.CALM)
    return [at_most("error, corrected over raw", f"calm, {rounds} sessions", 1.1, error / raw)]


def _holds_when_calm(seed: int, draws: int, launches: Launches) -> list[Claim]:
    rng = np.random.default_rng([seed, 4, list(Launches).index(launches)])
    rows = launch_noise(launches, rng, (draws, 5), SESSION_SD)
    held = float(np.mean([1.0 in session_interval(np.exp(row)) for row in rows]))
    return [told(HELD, f"calm, {launches}, 5 sessions", f"{held:.3f}")]


def _corrected(
    rng: np.random.Generator, draws: int, rounds: int, reacts: float, kind: Course
) -> tuple[float, float, float]:
    """How often the interval held the truth, and the errors, corrected and raw."""
    hot = heat(kind, rng, places(rng, draws, rounds, 2))
    ours = reacts * hot[..., 0] + launch_noise(Launches.NORMAL, rng, (draws, rounds), SESSION_SD)
    seen = hot[..., 1] + launch_noise(Launches.NORMAL, rng, (draws, rounds), SESSION_SD)
    held, corrected = [], []
    for mine, its in zip(ours, seen, strict=True):
        found = reaction([(mine, its)])
        held.append(1.0 in corrected_interval(np.exp(mine), np.exp(its), np.eye(rounds), found))
        corrected.append(np.median(mine - found.factor * its))
    raw = np.median(ours, axis=1)
    errors = [float(np.mean(np.square(e)) ** 0.5) for e in (corrected, raw)]
    return float(np.mean(held)), errors[0], errors[1]


def against(seed: int, draws: int) -> list[Line]:
    """2: `bench --against` at its own settings: false alarms, and power beside all rounds."""
    return [partial(_against, seed, draws, *one) for one in enumerate(_worlds())]


def _against(seed: int, draws: int, number: int, world: tuple[Course, Launches]) -> list[Claim]:
    plan = LookPlan.up_to(ROUNDS)
    rng = np.random.default_rng([seed, 10, number])
    rows = _pairs(rng, draws, *world)
    under = "{}, {}".format(*world)
    many = _pairs(rng, IN_BULK * draws, *world)
    alarms = _claims_in_bulk(plan, many)
    few, _ = _claims(plan, many[:draws], 0.0)
    assert few == _claims_in_bulk(plan, many[:draws]), "these are the product's own claims"
    power, rounds = _claims(plan, rows, 0.04)
    fixed = np.mean([paired_ratio(np.exp(a + 0.04), np.exp(b)).differs() for a, b in rows])
    return [
        at_most("false alarms of --against", under, 0.06, alarms),
        at_least(
            f"4 % found (mean of {rounds:.1f} rounds), all {ROUNDS} rounds find it in {fixed:.3f}",
            under, float(fixed) - 0.05, power,
        ),
    ]  # fmt: skip


def _claims_in_bulk(plan: LookPlan, rows: np.ndarray) -> float:
    """As `_claims` without an effect, for many pairs at once: a percent needs thousands of them."""
    differences = rows[:, 0] - rows[:, 1]
    claimed = np.zeros(len(rows), dtype=bool)
    for look, level in zip(plan.looks, plan.levels, strict=True):
        seen = differences[:, :look]
        ranks = np.abs(seen).argsort(axis=1).argsort(axis=1) + 1
        above = (ranks * (seen > 0)).sum(axis=1)
        tail = signed_rank_tail(look)[np.minimum(above, look * (look + 1) // 2 - above)]
        claimed |= 2 * tail <= level
    return float(claimed.mean())


def _worlds() -> list[tuple[Course, Launches]]:
    """Every course under normal launches, and every kind of launch on two courses."""
    found = [(kind, Launches.NORMAL) for kind in Course]
    found += [(Course.CALM, one) for one in Launches if one is not Launches.NORMAL]
    return [*found, (Course.LINEAR, Launches.LOGNORMAL), (Course.TRIANGLE, Launches.BIMODAL)]


def _pairs(rng: np.random.Generator, draws: int, kind: Course, launches: Launches) -> np.ndarray:
    """Two artifacts in the same rounds: (draws, 2, rounds)."""
    hot = heat(kind, rng, places(rng, draws, ROUNDS, 2), 2 * DRIFT)
    noise = launch_noise(launches, rng, (draws, ROUNDS, 2), SESSION_SD)
    return np.asarray((hot + noise).transpose(0, 2, 1))


def _claims(plan: LookPlan, rows: np.ndarray, effect: float) -> tuple[float, float]:
    """The share of pairs that are called different, and the rounds it took."""
    found, took = [], []
    for first, second in rows:
        for look in plan.looks:
            decision = decide(plan, np.exp(first[:look] + effect), np.exp(second[:look]))
            if not decision.go_on:
                break
        found.append(decision.differs)
        took.append(look)
    return float(np.mean(found)), float(np.mean(took))


def finds(seed: int, draws: int) -> list[Line]:
    """8: "rounds find X % in 95 of 100": the true power at the X told."""
    lines = [(launches, rounds) for launches in Launches for rounds in (5, 7, 9, 12)]
    return [partial(_finds, seed, draws, *one) for one in lines]


def _finds(seed: int, draws: int, launches: Launches, rounds: int) -> list[Claim]:
    rng = np.random.default_rng([seed, 20, list(Launches).index(launches), rounds])
    noise = launch_noise(launches, rng, (max(50, draws), 2, rounds), SESSION_SD)
    told_sizes = [detectable_difference(a - b) for a, b in noise]
    others = launch_noise(launches, rng, (POWER_DRAWS, 2, rounds), SESSION_SD)
    least = least_found(others[:, 0] - others[:, 1])
    # Power rises with the size, so it is enough at what is told where that is larger than this.
    good = float(np.mean(np.log1p(told_sizes) >= np.quantile(least, 0.9)))
    return [
        at_least(
            f"power at the X told is .90 or more (median X {np.median(told_sizes):.1%})",
            f"{launches}, {rounds} rounds", 0.8, good,
        )
    ]  # fmt: skip


def least_found(differences: np.ndarray) -> np.ndarray:
    """(comparisons,): the slowdown, as a logarithm, from which on each claims one.

    By `paired_ratio` on (comparisons, rounds): its interval lies above the negative of it.
    """
    lows = [compare_log_ratios(row).interval.low for row in differences]
    return -np.log(lows)


def front(seed: int, draws: int) -> list[Line]:
    """6: told probabilities of being on the front beside how often it was so."""
    lines = [
        (launches, sessions, few)
        for launches in (Launches.NORMAL, Launches.BIMODAL)
        for sessions in (1, 2, 3, 5, 9, 20)
        for few in (False, True)
    ]
    return [partial(_front, seed, draws, *one) for one in lines]


def _front(seed: int, draws: int, launches: Launches, sessions: int, few: bool) -> list[Claim]:
    rng = np.random.default_rng([seed, 30, launches is Launches.BIMODAL, sessions, few])
    pairs = [_world(rng, launches, sessions, few) for _ in range(FOR_TENTHS * draws)]
    said, truth = (np.concatenate(rows) for rows in zip(*pairs, strict=True))
    seen = "5 of 90 pictures" if few else "PSNR exact"
    return [
        at_most(
            f"front probability off, worst bin (Brier {np.mean((said - truth) ** 2):.3f})",
            f"{launches}, {sessions} sessions, {seen}", 0.05, worst_bin(said, truth),
        )
    ]  # fmt: skip


def candidates(
    rng: np.random.Generator, count: int = 24
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log latency and PSNR of made-up candidates, (n,), and their pictures, (90, n)."""
    log_latency = rng.uniform(np.log(8.0), np.log(80.0), count)
    best = 32.0 - 4.0 * np.exp(-(log_latency - np.log(8.0)))
    level = best - rng.exponential(0.4, count)
    # One picture is as hard for all; what is left of it is each candidate's own.
    own = rng.uniform(0.007, 0.66, count) / 2**0.5
    pictures = level + rng.normal(0, 4.7, (90, 1)) + own * rng.normal(0, 1, (90, count))
    return log_latency, pictures.mean(axis=0), pictures


def _world(
    rng: np.random.Generator, launches: Launches, sessions: int, few: bool, count: int = 24
) -> tuple[np.ndarray, np.ndarray]:
    """Candidates as a search has them: what is said of each, and whether it is so."""
    log_latency, _, pictures = candidates(rng, count)
    truth = on_front(np.exp(log_latency)[None], pictures.mean(axis=0))[0]
    noise = launch_noise(launches, rng, (count, sessions), FRONT_SESSION_SD)
    taken = log_latency[:, None] + noise
    spread = taken.std(axis=1, ddof=1) if sessions > 1 else np.zeros(count)
    belief = pooled_belief(np.median(taken, axis=1), spread, np.full(count, sessions))
    belief = with_modes(belief, list(taken))
    seen = pictures[rng.permutation(90)[:5]] if few else pictures.mean(axis=0)
    seed = int(rng.integers(2**31))
    return front_probability(belief, seen, draws=FRONT_DRAWS, seed=seed), truth


def worst_bin(said: np.ndarray, truth: np.ndarray, least: int = 1500) -> float:
    """The largest distance between what was said and what was so, over tenths.

    Neighbouring tenths count as one until there are `least` in it, so that none is left out and
    chance moves none by much: as likely as not, 1,500 are off by 1.3 points (one deviation).
    """
    bins = np.minimum((10 * said).astype(int), 9)
    off, begins = [], 0
    for end in range(1, 11):
        held = (bins >= begins) & (bins < end)
        rest = int((bins >= end).sum())
        if held.sum() >= least and (end == 10 or rest >= least):
            off.append(abs(float(said[held].mean() - truth[held].mean())))
            begins = end
    held = bins >= begins
    if held.any():
        off.append(abs(float(said[held].mean() - truth[held].mean())))
    return max(off)


def winner(seed: int, draws: int) -> list[Line]:
    """7: the latency told of the fastest of ten that are equal, and of one that is the fastest."""
    kinds = (Launches.NORMAL, Launches.BIMODAL, Launches.LOGNORMAL)
    return [partial(_winner, seed, draws, kind, count) for kind in kinds for count in (10, 20)]


def _winner(seed: int, draws: int, launches: Launches, count: int) -> list[Claim]:
    rng = np.random.default_rng([seed, 40, list(Launches).index(launches), count])
    naive, right = [], []
    for _ in range(draws):
        taken = launch_noise(launches, rng, (count, 5), 0.02)
        belief = pooled_belief(
            np.median(taken, axis=1), taken.std(axis=1, ddof=1), np.full(count, 5)
        )
        belief = with_modes(belief, list(taken))
        best = int(np.argmin(belief.mean))
        naive.append(np.median(taken[best]))
        right.append(winners_log_latency(belief, best))
    return [
        at_most(
            f"bias of the fastest (as it showed: {np.mean(naive):.2%})",
            f"{count} equals, {launches}, 5 sessions", 0.005, abs(float(np.mean(right))), "{:.2%}",
        )
    ]  # fmt: skip
