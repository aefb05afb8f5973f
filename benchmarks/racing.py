"""Sessions that racing needs to find the front, beside spending them on all alike.

    python benchmarks/racing.py
    python benchmarks/racing.py --noise 0.03 --seeds 200

Made-up candidates on a made-up device: a few near a curve of PSNR over latency, most behind it,
session noise lognormal, drift taken as corrected. Both ways begin with five sessions of each and
go on by rounds: uniform measures all in each, racing those that `search.front.racing.allocate`
names, for two rounds and then anew, until its race is over. Two errors of the front that is found:
the area (hypervolume) that its true points lack of the true front's, and how many candidates are
wrongly on it or off it. For each budget of uniform allocation, the table says how many sessions
racing takes to an error as small, over seeds.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.table import Table

from search.front.dominance import hypervolume, pareto_front
from search.front.probability import pooled_belief, with_modes
from search.front.racing import RacePlan, allocate
from search.front.settling import BATCH, ROUNDS

# As a search has it.
FIRST_SESSIONS = 5
# How many more uniform allocation goes on for.
UNIFORM_ROUNDS = 13


TITLES = {
    "lost_area": "hypervolume error of the front that is found",
    "wrong_members": "candidates wrongly on the front or off it",
}


@dataclass(frozen=True)
class Truth:
    """Candidates as they are: latency in ms, PSNR in dB."""

    latency_ms: np.ndarray
    psnr_db: np.ndarray

    @property
    def reference(self) -> tuple[float, float]:
        return float(1.1 * self.latency_ms.max()), float(self.psnr_db.min() - 0.05)

    def front(self, latency_ms: np.ndarray) -> list[int]:
        return pareto_front(list(zip(latency_ms, self.psnr_db, strict=True)))

    def area(self, places: list[int]) -> float:
        """What these candidates truly dominate together."""
        points = [(self.latency_ms[i], self.psnr_db[i]) for i in places]
        return hypervolume(points, self.reference)


@dataclass
class Course:
    """What a way of spending sessions reached: after each round, sessions and errors."""

    sessions: list[int]
    lost_area: list[float]
    wrong_members: list[int]


def candidates(random: np.random.Generator, count: int, waste_db: float) -> Truth:
    """PSNR grows with the logarithm of latency and saturates; most waste some of it."""
    log_latency = random.uniform(np.log(8.0), np.log(80.0), count)
    best = 32.0 - 4.0 * np.exp(-(log_latency - np.log(8.0)))
    return Truth(np.exp(log_latency), best - random.exponential(waste_db, count))


def run(truth: Truth, noise: float, seed: int, racing: bool) -> Course:
    """Rounds until the uniform budget is spent, or the race is over."""
    random = np.random.default_rng(seed)
    count = truth.latency_ms.size

    def session(place: int) -> float:
        return float(truth.latency_ms[place] * np.exp(random.normal(0, noise)))

    taken = [[session(place) for _ in range(FIRST_SESSIONS)] for place in range(count)]
    plan = RacePlan(count * (FIRST_SESSIONS + UNIFORM_ROUNDS))
    right = truth.front(truth.latency_ms)
    course = Course([], [], [])
    while True:
        rows = [np.log(row) for row in taken]
        belief = pooled_belief(
            [float(np.median(row)) for row in rows],
            [float(row.std(ddof=1)) for row in rows],
            [row.size for row in rows],
        )
        belief = with_modes(belief, rows)
        found = truth.front(np.exp(belief.mean))
        spent = sum(map(len, taken))
        course.sessions.append(spent)
        course.lost_area.append(1 - truth.area(found) / truth.area(right))
        course.wrong_members.append(len(set(found) ^ set(right)))
        if spent >= plan.total_sessions:
            return course
        places: tuple[int, ...] = tuple(range(count))
        if racing:
            had = [len(row) for row in taken]
            allocation = allocate(belief, truth.psnr_db, had, plan, batch=BATCH, seed=spent)
            places = allocation.places * ROUNDS
            if not places:
                return course
        for place in places:
            taken[place].append(session(place))


def mean_at(courses: list[Course], sessions: int, what: str) -> float:
    """Mean over seeds after the last round within the budget; a race that ended keeps its end."""
    found = []
    for course in courses:
        place = int(np.searchsorted(course.sessions, sessions, side="right")) - 1
        found.append(getattr(course, what)[place])
    return float(np.mean(found))


def spent_at(courses: list[Course], sessions: int) -> float:
    """Mean sessions really spent within the budget: a race may end before."""
    return float(np.mean([min(course.sessions[-1], sessions) for course in courses]))


def first_as_good(courses: list[Course], error: float, what: str) -> float | None:
    """The fewest mean sessions after which the mean error is `error` at most, and stays there."""
    grid = range(courses[0].sessions[0], max(c.sessions[-1] for c in courses) + 1)
    good = [mean_at(courses, budget, what) <= error for budget in grid]
    for budget, still in zip(grid, np.logical_and.accumulate(good[::-1])[::-1], strict=True):
        if still:
            return spent_at(courses, budget)
    return None


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--first-seed", type=int, default=3000)
    parser.add_argument("--candidates", type=int, default=40)
    parser.add_argument("--noise", type=float, default=0.02, help="of a session's logarithm")
    parser.add_argument("--waste", type=float, default=0.4, help="mean dB short of the best")
    arguments = parser.parse_args()
    uniform, racing = [], []
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
        truth = candidates(np.random.default_rng([seed, 1]), arguments.candidates, arguments.waste)
        uniform.append(run(truth, arguments.noise, seed, racing=False))
        racing.append(run(truth, arguments.noise, seed, racing=True))
    for what, title in TITLES.items():
        table = Table(title=f"{title}, {arguments.seeds} seeds, noise {arguments.noise:.1%}")
        for column in ("uniform: sessions", "its error", "racing as good after", "share"):
            table.add_column(column, justify="right")
        for rounds in (6, 8, 10, 12, 15):
            budget = arguments.candidates * rounds
            error = mean_at(uniform, budget, what)
            needed = first_as_good(racing, error, what)
            shown = "not reached" if needed is None else f"{needed:.0f}"
            share = "" if needed is None else f"{needed / budget:.2f}"
            table.add_row(
                str(budget),
                f"{error:.2f}" if what == "wrong_members" else f"{error:.4%}",
                shown,
                share,
            )
        Console().print(table)
    ended = [course.sessions[-1] for course in racing]
    Console().print(f"racing ended by itself after {np.median(ended):.0f} sessions (median)")


if __name__ == "__main__":
    main()
