"""Claims about nights: false alarms, delays, and red that stays red. See `claims.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import rack
import scipy.stats
from claim import Claim, Line, at_least, at_most, told

from device_runner.devices.simulated.foreign import Nights, device_restarts, night_noise
from device_runner.statistics.change_points import change_points

MODELS, NIGHTS = 20, 60
# What a night adds of its own on a calm phone, and on a rough one.
CALM, ROUGH = 0.005, 0.02
# A table of nights stands for so many measurements of a session.
DRAWS_A_TABLE = 40
# One model in so many has something planted, which lasts for so many nights.
ONE_IN, LASTS = 5, 25


@dataclass(frozen=True)
class Found:
    """What a judge made of one table of nights with a change planted from night `start` on.

    Attributes:
        delays: of each changed model, nights from the change until red; infinite if never.
        later: of each that was found, the share of red nights from then on while it lasted.
        gone: of each that was found, nights from the end of the change until green.
        false_alarms, model_nights: red nights on which nothing was wrong, and of how many.
    """

    delays: np.ndarray
    later: np.ndarray
    gone: np.ndarray
    false_alarms: int
    model_nights: int


def planted(
    noise: np.ndarray, start: int, size: float, *, stop: int | None = None, creep: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """The noise with a slowdown of every fifth model, and which those are."""
    models, nights = noise.shape
    hit = np.arange(models) % ONE_IN == 0
    added = np.zeros(nights)
    end = nights if stop is None else stop
    lasting = np.arange(1, end - start + 1) if creep else np.ones(end - start)
    added[start:end] = np.log1p(size) * lasting
    return noise + hit[:, None] * added, hit


def judged(red: np.ndarray, hit: np.ndarray, start: int, stop: int | None = None) -> Found:
    """What a table of red nights, (models, nights), says of a change at `start`."""
    end = red.shape[1] if stop is None else stop
    delays, later, gone = [], [], []
    for row in red[hit]:
        found = np.flatnonzero(row[start:end])
        delays.append(float(found[0]) if found.size else np.inf)
        if found.size:
            later.append(float(row[start + found[0] : end].mean()))
            green = np.flatnonzero(~row[end:])
            gone.append(float(green[0]) if green.size else np.inf)
    quiet = int(red[~hit].sum() + red[hit, :start].sum())
    return Found(
        np.array(delays), np.array(later), np.array(gone), quiet,
        int(red[~hit].size + red[hit, :start].size),
    )  # fmt: skip


def many(
    seed: list[int], times: int, kind: Nights, sd: float, start: int, size: float,
    *, lasts: int = LASTS, stop: int | None = None, creep: bool = False, models: int = 25,
) -> Found:  # fmt: skip
    """Several racks of models in one."""
    parts = []
    for number in range(times):
        rng = np.random.default_rng([*seed, number])
        noise = night_noise(kind, rng, models, start + lasts, sd)
        table, hit = planted(noise, start, size, stop=stop, creep=creep)
        parts.append(judged(rack.run(table, rng), hit, start, stop))
    return Found(
        np.concatenate([one.delays for one in parts]),
        np.concatenate([one.later for one in parts]),
        np.concatenate([one.gone for one in parts]),
        sum(one.false_alarms for one in parts),
        sum(one.model_nights for one in parts),
    )


def nights(seed: int, draws: int) -> list[Line]:
    """3: nights that are falsely red, and how soon a change is found."""
    times = max(1, draws // DRAWS_A_TABLE)
    worlds = [World(kind, sd) for kind in Nights for sd in (ROUGH, CALM)]
    worlds.append(World(Nights.NEIGHBOURS, ROUGH, shared=0.5))
    # A device that does not tell when it was started.
    worlds += [World(Nights.REBOOTS, sd, tells=False) for sd in (ROUGH, CALM)]
    steps = [
        (Nights.INDEPENDENT, ROUGH, 0.05, 4),
        (Nights.INDEPENDENT, CALM, 0.05, 1),
        (Nights.INDEPENDENT, CALM, 0.10, 1),
        (Nights.NEIGHBOURS, ROUGH, 0.05, 0),
    ]
    return [
        *(partial(_falsely_red, seed, times, *one) for one in enumerate(worlds)),
        *(partial(_step_found, seed, times, *one) for one in steps),
        partial(_creep_found, seed, times),
    ]


@dataclass(frozen=True)
class World:
    """Nights of a kind: see `night_noise`; `tells` is whether restarts are told."""

    kind: Nights
    sd: float
    shared: float = 0.0
    tells: bool = True

    def __str__(self) -> str:
        shared = f", half of it shared by all {MODELS} models" * bool(self.shared)
        return f"{self.kind}, {self.sd:.1%}{shared}" + ", uptime unknown" * (not self.tells)


def _falsely_red(seed: int, times: int, number: int, world: World) -> list[Claim]:
    falsely = []
    for time in range(times):
        rng = np.random.default_rng([seed, 50, number, time])
        restarts = device_restarts(rng, NIGHTS)
        noise = night_noise(
            world.kind, rng, MODELS, NIGHTS, world.sd, shared=world.shared, restarts=restarts
        )
        falsely.append(rack.run(noise, rng, restarts=restarts if world.tells else None))
    by_table = np.array(falsely).any(axis=1).mean(axis=1)
    error = float(by_table.std() / by_table.size**0.5)
    told_with = f"nights falsely red ({by_table.size} tables, standard error {error:.3f})"
    return [at_most(told_with, str(world), 0.07, float(by_table.mean()))]


def _step_found(
    seed: int, times: int, kind: Nights, sd: float, size: float, within: int
) -> list[Claim]:
    found = many([seed, 51, int(1000 * sd), int(100 * size)], times, kind, sd, 25, size)
    middle = f"median {np.median(found.delays):.0f} nights later"
    under = f"{kind}, {sd:.1%}, {found.delays.size} models"
    if not within:
        ever = f"{np.mean(np.isfinite(found.delays)):.0%} within {LASTS}"
        return [told(f"{size:.0%} found", under, f"{middle}, {ever}")]
    share = float(np.mean(found.delays < within))
    return [at_least(f"{size:.0%} found within {within} ({middle})", under, 0.5, share)]


def _creep_found(seed: int, times: int) -> list[Claim]:
    found = many([seed, 52], times, Nights.INDEPENDENT, CALM, 25, 0.005, creep=True)
    late = float(np.median(found.delays))
    return [at_most("creep of 0.5 % a night: median delay", f"{CALM:.1%}", 6, late, "{:.0f}")]


def early(seed: int, draws: int) -> list[Line]:
    """4: a step before the baseline is full."""
    return [partial(_early, seed, max(1, draws // DRAWS_A_TABLE))]


def _early(seed: int, times: int) -> list[Claim]:
    found = many([seed, 60], times, Nights.INDEPENDENT, CALM, 4, 0.03, models=50)
    under = f"{CALM:.1%} a night, {found.delays.size} models"
    rate = 1000 * found.false_alarms / found.model_nights
    return [
        at_least("3 % at night 5 found within 5", under, 0.9, float(np.mean(found.delays < 5))),
        at_most("false alarms per 1,000 model-nights", under, 1.0, rate, "{:.2f}"),
    ]


def memory(seed: int, draws: int) -> list[Line]:
    """5: red until it is gone, and then green."""
    times = max(1, draws // DRAWS_A_TABLE)
    steps = ((CALM, 0.03), (ROUGH, 0.03), (ROUGH, 0.05))
    return [partial(_memory, seed, times, *one) for one in steps]


def _memory(seed: int, times: int, sd: float, size: float) -> list[Claim]:
    key = [seed, 70, int(1000 * sd), int(100 * size)]
    found = many(key, times, Nights.INDEPENDENT, sd, 20, size, lasts=40, stop=45)
    under = f"{size:.0%} step, {sd:.1%} a night, {found.later.size} found"
    if not found.later.size:
        return [told("later nights red", under, "none was found")]
    green = float(np.mean(found.gone < 3))
    return [
        at_least("later nights red", under, 0.95, float(found.later.mean())),
        at_least("gone: green within 3", under, 0.9, green)
        if sd == CALM
        else told("gone: green within 3", under, f"{green:.3f}"),
    ]


# A rival sees the nights of one series so far, and says whether the last one is red.
Rival = Callable[[np.ndarray], bool]


def fixed_threshold(values: np.ndarray) -> bool:
    """5 % above the mean of the nights before."""
    return values.size > 3 and bool(values[-1] > values[:-1].mean() + np.log1p(0.05))


def mann_whitney(values: np.ndarray) -> bool:
    """The last five nights against the fourteen before, at one in a thousand, and 2 % above."""
    if values.size < 12:
        return False
    late, before = values[-5:], values[-19:-5]
    p_value = scipy.stats.mannwhitneyu(late, before, alternative="greater").pvalue
    return bool(p_value < 1e-3 and np.median(late) > np.median(before) + np.log1p(0.02))


def pelt(values: np.ndarray) -> bool:
    """Penalised change points: the last level lies 2 % above the first."""
    if values.size < 8:
        return False
    ratio = float(np.prod([one.ratio for one in change_points(np.exp(values))]))
    return ratio > 1.02


RIVALS: dict[str, Rival] = {
    "5 % above the mean": fixed_threshold,
    "Mann-Whitney": mann_whitney,
    "change points (PELT's penalty)": pelt,
}


def rivals(seed: int, draws: int) -> list[Line]:
    """9: the same nights through other rules: false alarms per 1,000, and the delay of 5 %."""
    times = max(1, draws // DRAWS_A_TABLE // 2)
    kinds = ((Nights.INDEPENDENT, CALM), (Nights.INDEPENDENT, ROUGH), (Nights.NEIGHBOURS, ROUGH),
             (Nights.REBOOTS, ROUGH))  # fmt: skip
    return [partial(_rivals, seed, times, *one) for one in kinds]


def _rivals(seed: int, times: int, kind: Nights, sd: float) -> list[Claim]:
    tables = []
    for number in range(times):
        rng = np.random.default_rng([seed, 80, number, int(1000 * sd)])
        noise = night_noise(kind, rng, 25, 45, sd)
        tables.append((*planted(noise, 25, 0.05), rng))
    under = f"{kind}, {sd:.1%}"
    ours = [judged(rack.run(table, rng), hit, 25) for table, hit, rng in tables]
    found = [told("nightly", under, _told(ours))]
    for name, rival in RIVALS.items():
        theirs = [judged(_through(rival, table), hit, 25) for table, hit, _ in tables]
        found.append(told(name, under, _told(theirs)))
    return found


def _through(rival: Rival, table: np.ndarray) -> np.ndarray:
    """(models, nights): red nights. A night's sessions add what the nightly's middle has left."""
    rng = np.random.default_rng(0)
    seen = table + rng.normal(0, rack.SESSION_SD / rack.SESSIONS**0.5, table.shape)
    return np.array([[rival(row[: night + 1]) for night in range(row.size)] for row in seen])


def _told(found: list[Found]) -> str:
    delays = np.concatenate([one.delays for one in found])
    rate = 1000 * sum(f.false_alarms for f in found) / sum(f.model_nights for f in found)
    middle = np.median(delays)
    return (
        f"{rate:.1f} false per 1,000, 5 % after {middle:.0f} nights (median), "
        f"{np.mean(np.isfinite(delays)):.0%} found"
    )
