"""Where devices agree on the order of the candidates, and where they do not.

Numbers of two devices never meet in one front. What may be compared is the *order* in which each
puts the candidates that both measured: Kendall's tau-b (Kendall, "The treatment of ties in
ranking problems", Biometrika 33, 1945), and the pairs that swap places.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reports.facts import latency_interval
from reports.sections import Section
from search.study.records import CandidateResult

LEAST_SHARED = 3
SWAPS_SHOWN = 10

Pair = tuple[CandidateResult, CandidateResult]


@dataclass(frozen=True)
class Swap:
    """Two candidates that the devices put in opposite order.

    Attributes:
        left: (on the first device, on the second) of the one that the first calls faster.
        right: the same of the one that the second calls faster.
        sure: their latency intervals lie apart on both devices.
    """

    left: Pair
    right: Pair
    sure: bool

    @property
    def size(self) -> float:
        """The smaller of the two ratios by which the devices differ, above 1."""
        ratios = (
            (self.right[0].latency_ms or 0.0) / (self.left[0].latency_ms or 1.0),
            (self.left[1].latency_ms or 0.0) / (self.right[1].latency_ms or 1.0),
        )
        return min(ratios)


@dataclass(frozen=True)
class Transfer:
    """What it costs to choose on one device and run on another.

    Attributes:
        here: the recommended candidate of `chosen_on`, as measured on `run_on`.
        better: what `run_on` offers within that latency, None where that is the same one.
    """

    chosen_on: str
    run_on: str
    here: CandidateResult
    better: CandidateResult | None


@dataclass(frozen=True)
class Agreement:
    """Two devices over the candidates that both timed. Taus are None where there are too few.

    `retrained` are the candidates that both judged on the same images with different weights,
    such as a supernet's and finetuned ones.
    """

    first: str
    second: str
    shared: int
    tau_latency: float | None
    tau_psnr: float | None
    p_latency: float | None
    pairs: int
    swapped: int
    surely_swapped: int
    swaps: tuple[Swap, ...]
    transfers: tuple[Transfer, ...]
    retrained: tuple[Pair, ...]


def agreements(sections: Sequence[Section]) -> list[Agreement]:
    """Every two sections once. Two runs on one device are compared too: does it repeat itself?"""
    return [agreement(one, other) for one, other in itertools.combinations(sections, 2)]


def agreement(one: Section, other: Section) -> Agreement:
    """Compare the order of the shared candidates: same config, same deployment."""
    there = {r.key: r for r in other.group.results if _timed(r)}
    shared = [(r, there[r.key]) for r in one.group.results if _timed(r) and r.key in there]
    swaps = _swaps(shared)
    tau, p = _tau([(a.latency_ms, b.latency_ms) for a, b in shared])
    judged = [(a.psnr_y_db, b.psnr_y_db) for a, b in shared]
    return Agreement(
        first=one.name,
        second=other.name,
        shared=len(shared),
        tau_latency=tau,
        tau_psnr=_tau(judged)[0],
        p_latency=p,
        pairs=len(shared) * (len(shared) - 1) // 2,
        swapped=len(swaps),
        surely_swapped=sum(swap.sure for swap in swaps),
        swaps=tuple(sorted(swaps, key=lambda s: (-s.sure, -s.size))[:SWAPS_SHOWN]),
        retrained=tuple(pair for pair in shared if _other_weights(*pair)),
        transfers=tuple(t for t in (_transfer(one, other), _transfer(other, one)) if t),
    )


def _tau(pairs: Sequence[tuple[float | None, float | None]]) -> tuple[float | None, float | None]:
    from device_runner.statistics.ranking import kendall_tau

    known = [(a, b) for a, b in pairs if a is not None and b is not None]
    if len(known) < LEAST_SHARED:
        return None, None
    try:
        found = kendall_tau([a for a, _ in known], [b for _, b in known])
    except ValueError:
        # All alike on one of them: there is no order to compare.
        return None, None
    return found.value, found.p_value


def _swaps(shared: Sequence[Pair]) -> list[Swap]:
    first = np.array([a.latency_ms for a, _ in shared])
    second = np.array([b.latency_ms for _, b in shared])
    opposite = np.less.outer(first, first) & np.greater.outer(second, second)
    found = []
    for left, right in np.argwhere(opposite):
        a, b = shared[left], shared[right]
        sure = _before(a[0], b[0]) and _before(b[1], a[1])
        found.append(Swap(a, b, sure))
    return found


def _before(fast: CandidateResult, slow: CandidateResult) -> bool:
    return latency_interval(fast)[1] < latency_interval(slow)[0]


def _transfer(chosen_on: Section, run_on: Section) -> Transfer | None:
    best = chosen_on.choice.result
    if best is None:
        return None
    here = next((r for r in run_on.group.measured if r.key == best.key), None)
    if here is None or here.latency_ms is None:
        return None
    offers = [r for r in run_on.group.front if (r.latency_ms or 0.0) <= here.latency_ms]
    better = max(offers, key=lambda r: r.psnr_y_db or 0.0, default=None)
    return Transfer(
        chosen_on.name, run_on.name, here, None if better is None or better is here else better
    )


def _other_weights(one: CandidateResult, other: CandidateResult) -> bool:
    images = [tuple((i.name, i.bicubic_psnr_y_db) for i in r.images) for r in (one, other)]
    return (
        one.status == other.status == "ok"
        and images[0] == images[1]
        and one.artifact is not None
        and other.artifact is not None
        and one.artifact.weights_sha256 != other.artifact.weights_sha256
    )


def _timed(result: CandidateResult) -> bool:
    known = result.latency_ms is not None and math.isfinite(result.latency_ms)
    return known and result.status != "failed"
