"""What nobody could do better: claims about nights and rounds, for a judge that knows the noise.

    python benchmarks/bounds.py
    python benchmarks/bounds.py --seed 7 --draws 20000

`claims.py` says where the tool misses a goal. This says how much of it could be met at all: by a
judge that knows the law of the noise, the level of the baseline and the size of the change, none of
which the tool is told. Numbers of a night are those of `rack.py`.

1. Red until it is gone: of the nights on which a change lasts, how many are red, beside how many
   changes are green within three nights of their end, for every threshold of the likelihood.
2. Found within four nights at a rate of false alarms that 20 models may have.
3. How often so few rounds meet none of the disturbances that the next ones will.
4. How far probabilities of being on the front are off for a judge that knows the law of sessions
   and every PSNR, and holds every latency for as likely as any other: what it lacks is only what
   candidates of the space are like.
5. The nightly's own rule where it is told the noise, but neither baseline nor size of a change:
   what it falls behind 1 and 2 by is the price of those two, and what `claims.py` shows beside
   this that of learning the noise. And the same rule, were it to stay red down to lower odds.
"""

from __future__ import annotations

import argparse
import math
import secrets

import numpy as np
from claims_sessions import FRONT_SESSION_SD, candidates, worst_bin
from rack import BASELINE_NIGHTS, SESSION_SD, SESSIONS
from rich.console import Console
from rich.table import Table

from device_runner.devices.simulated.foreign import Launches, Nights, launch_noise, night_noise
from nightly.judging.belief import RED_ODDS, STAYING_ODDS, beliefs
from nightly.judging.cases import Rules
from nightly.judging.spread import Spread
from nightly.metrics import LATENCY
from nightly.records import Point
from search.front.probability import on_front

# Standard error of a night's middle of sessions.
WITHIN = SESSION_SD * math.sqrt(math.pi / 3 / SESSIONS)
# False alarms that begin, a model and night: alpha 0.05 over three metrics of 20 models.
ALARMS = 0.05 / 3 / 20
WINDOW = 13
LASTS, AFTER = 40, 5
MODELS, BEFORE, SOON = 20, 25, 4
# Of the nightly's own rule: what a night of a rough phone adds.
ROUGH = 0.02


def red_and_gone(
    rng: np.random.Generator, draws: int, size: float, sd: float, enough: float
) -> tuple[float, float]:
    """Shares of red nights while a change lasts, and of changes that are green in time.

    The sum of log likelihood ratios, level zero over level `size`, kept between nothing and
    `enough`: at `enough` it is green, and one night may turn it red again.
    """
    noise = math.hypot(sd, WITHIN)
    level = math.log1p(size)
    nights = noise * rng.standard_normal((draws, LASTS + AFTER))
    nights[:, :LASTS] += level
    gains = ((nights - level) ** 2 - nights**2) / (2 * noise**2)
    evidence, red = np.zeros(draws), []
    for gain in gains.T:
        evidence = np.clip(evidence + gain, 0.0, enough)
        red.append(evidence < enough)
    state = np.array(red)
    return float(state[5:LASTS].mean()), float((~state[LASTS : LASTS + 3]).any(axis=0).mean())


def found_within(
    rng: np.random.Generator, draws: int, size: float, sd: float, kept: float, nights: int = 4
) -> float:
    """The share of changes that the likelihood finds within so many nights.

    The largest of the ratios for changes that began in one of the last `WINDOW` nights, on what is
    left of each night after its neighbour; its threshold is that of `ALARMS` on quiet nights.
    """
    spread = math.sqrt((1 - kept**2) * sd**2 + (1 + kept**2) * WITHIN**2)
    level = math.log1p(size)
    begin = 2 * WINDOW
    quiet = _loudest(spread * rng.standard_normal((draws, 100)), level, kept, spread)[:, WINDOW:]
    # An alarm lasts for as long as its nights are in the window: only beginnings count.
    threshold = _threshold(quiet)
    rest = spread * rng.standard_normal((draws, begin + nights))
    rest[:, begin] += level
    rest[:, begin + 1 :] += level * (1 - kept)
    loud = _loudest(rest, level, kept, spread)
    return float((loud[:, begin:] > threshold).any(axis=1).mean())


def _loudest(rest: np.ndarray, level: float, kept: float, spread: float) -> np.ndarray:
    """(series, nights): the largest log likelihood ratio over changes in the last nights."""
    first = (rest * level - level**2 / 2) / spread**2
    later_level = level * (1 - kept)
    later = (rest * later_level - later_level**2 / 2) / spread**2
    found = first.copy()
    for back in range(1, WINDOW):
        since = np.cumsum(later, axis=1)
        ratio = first[:, :-back] + since[:, back:] - since[:, :-back]
        found[:, back:] = np.maximum(found[:, back:], ratio)
    return found


def _threshold(quiet: np.ndarray) -> float:
    """The least level above which alarms begin as rarely as `ALARMS`."""
    low, high = 0.0, 30.0
    for _ in range(30):
        middle = (low + high) / 2
        above = quiet > middle
        begins = float((above[:, 1:] & ~above[:, :-1]).mean())
        low, high = (middle, high) if begins > ALARMS else (low, middle)
    return high


def unmet(rng: np.random.Generator, draws: int, rounds: int) -> float:
    """The share of comparisons of which no launch was disturbed."""
    noise = launch_noise(Launches.OUTLIERS, rng, (draws, 2 * rounds), 1.0)
    return float((noise.max(axis=1) < 4.0).mean())


def front_off(rng: np.random.Generator, worlds: int, sessions: int) -> float:
    """The distance of such probabilities from the truth, in the worst tenth."""
    said, truth = [], []
    for _ in range(worlds):
        log_latency, psnr, _ = candidates(rng)
        truth.append(on_front(np.exp(log_latency)[None], psnr)[0])
        error = FRONT_SESSION_SD / math.sqrt(sessions)
        seen = log_latency + error * rng.standard_normal(log_latency.size)
        drawn = seen + error * rng.standard_normal((1000, log_latency.size))
        said.append(on_front(np.exp(drawn), psnr).mean(axis=0))
    return worst_bin(np.concatenate(said), np.concatenate(truth))


def by_our_rule(
    rng: np.random.Generator, draws: int, size: float, kind: Nights, staying: float
) -> tuple[float, float, float, float]:
    """By the nightly's own rule, told the noise; second looks and restarts left out.

    What is red stays so down to odds of `staying`, a logarithm.

    Shares of nights falsely red of `MODELS` models, of changes found within `SOON` nights, of
    nights red while a found one lasts, and of such that are green within three nights of their end.
    """
    kept = 0.6 if kind is Nights.NEIGHBOURS else 0.0
    spread = Spread(math.hypot(ROUGH, WITHIN), 200.0, memory=kept)
    rules = Rules(0.05, 3 * MODELS, {}, BASELINE_NIGHTS)

    def odds(table: np.ndarray, nights: int) -> np.ndarray:
        rows = [[Point(at, float(v)) for at, v in enumerate(row[:nights], 1)] for row in table]
        found = beliefs(rows, [spread] * len(rows), math.log1p(LATENCY.floor), rules.chance(kept))
        return np.array([one.log_odds for one in found])

    end = BEFORE + LASTS
    table = night_noise(kind, rng, draws, end + 3, ROUGH)
    table += WITHIN * rng.standard_normal(table.shape)
    falsely = np.mean([odds(table, night) > RED_ODDS for night in range(10, 60, 10)])
    table[:, BEFORE:end] += math.log1p(size)
    soon = np.array([odds(table, BEFORE + 1 + night) > RED_ODDS for night in range(SOON)]).any(0)
    lasting = np.array([odds(table, night) > staying for night in range(BEFORE + 16, end + 1, 4)])
    after = np.array([odds(table, end + 1 + night) <= staying for night in range(3)])
    return (
        1 - (1 - float(falsely)) ** MODELS,
        float(soon.mean()),
        float(lasting.mean()),
        float(after[:, lasting[-1]].any(axis=0).mean()),
    )


def main() -> None:
    """Print a table for each question."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, help="of everything; default: a fresh one, printed")
    parser.add_argument("--draws", type=int, default=10_000, help="series a line")
    arguments = parser.parse_args()
    seed = secrets.randbits(32) if arguments.seed is None else arguments.seed
    rng, draws, console = np.random.default_rng(seed), arguments.draws, Console()
    console.print(f"seed {seed}, {draws} series a line")
    table = Table(
        "change", "noise of a night", "times likelier", "red while it lasts", "green in 3"
    )
    for size, sd in ((0.03, 0.005), (0.03, 0.02), (0.05, 0.02)):
        for times in (5, 7.5, 20, 100):
            red, green = red_and_gone(rng, draws, size, sd, math.log(times))
            table.add_row(f"{size:.0%}", f"{sd:.1%}", f"{times:g}", f"{red:.3f}", f"{green:.3f}")
    console.print(table)
    table = Table("change", "noise of a night", "alike", "found within 4 nights")
    for size, sd, kept in ((0.05, 0.02, 0.0), (0.05, 0.02, 0.6), (0.03, 0.02, 0.0)):
        share = found_within(rng, draws, size, sd, kept)
        table.add_row(f"{size:.0%}", f"{sd:.1%}", f"{kept:g}", f"{share:.3f}")
    console.print(table)
    table = Table("rounds", "met no disturbed launch (one in twelve is)")
    for rounds in (5, 9):
        table.add_row(str(rounds), f"{unmet(rng, draws, rounds):.3f}")
    console.print(table)
    table = Table("sessions", "front probabilities off, worst tenth")
    for sessions in (1, 3, 5):
        table.add_row(str(sessions), f"{front_off(rng, draws // 4, sessions):.3f}")
    console.print(table)
    columns = (
        "falsely red nights",
        f"found within {SOON} nights",
        "red while it lasts",
        "green in 3",
    )
    table = Table("the nightly's rule, told the noise", "change", "red down to odds of", *columns)
    rules = [(kind, STAYING_ODDS) for kind in (Nights.INDEPENDENT, Nights.NEIGHBOURS)]
    rules += [(Nights.INDEPENDENT, STAYING_ODDS + more) for more in (0.5, -0.5, -1.5)]
    for kind, staying in rules:
        for size in (0.03, 0.05):
            found = by_our_rule(rng, draws // 16, size, kind, staying)
            row = f"{ROUGH:.0%} a night, {kind}", f"{size:.0%}", f"{math.exp(staying):.2f}"
            table.add_row(*row, *(f"{one:.3f}" for one in found))
    console.print(table)


if __name__ == "__main__":
    main()
