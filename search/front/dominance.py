"""The front of two objectives, latency minimised and PSNR maximised: pure functions of points.

A point is `(latency_ms, psnr_db)`. Nothing here knows what a candidate is.

Sources: dominance and the sorted sweep, Kung, Luccio and Preparata, "On finding the maxima of a
set of vectors", J. ACM 22(4), 1975; the hypervolume, Zitzler and Thiele, "Multiobjective
optimization using evolutionary algorithms", PPSN V, 1998, computed in two dimensions as the sum
of the rectangles under the staircase (Fonseca, Paquete, López-Ibáñez, CEC 2006, section III).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

Point = tuple[float, float]


def dominates(a: Point, b: Point) -> bool:
    """Whether `a` is at least as good as `b` in both objectives and better in one."""
    return a[0] <= b[0] and a[1] >= b[1] and a != b


def pareto_front(points: Sequence[Point]) -> list[int]:
    """Indices of the points that no other dominates, fastest first, in O(n log n).

    Equal points do not dominate each other, so ties are all kept, in the order given.

    Raises:
        ValueError: a point that is not finite has no place in an order.
    """
    _require_finite(points)
    order = sorted(range(len(points)), key=lambda i: (points[i][0], -points[i][1], i))
    front: list[int] = []
    best = -math.inf
    for index in order:
        if points[index][1] > best or (front and points[index] == points[front[-1]]):
            front.append(index)
            best = points[index][1]
    return front


def hypervolume(points: Sequence[Point], reference: Point) -> float:
    """Area (ms x dB) that the points dominate, up to `reference`, a worst acceptable point.

    Points not better than the reference in both objectives add nothing; no points, no area.

    Raises:
        ValueError: a point or the reference is not finite.
    """
    _require_finite([reference])
    area = 0.0
    floor = reference[1]
    for index in pareto_front(points):
        latency, psnr = points[index]
        if latency < reference[0] and psnr > floor:
            area += (reference[0] - latency) * (psnr - floor)
            floor = psnr
    return area


def _require_finite(points: Sequence[Point]) -> None:
    for point in points:
        if not all(map(math.isfinite, point)):
            raise ValueError(f"{point} is no point: latency and PSNR must be finite")
