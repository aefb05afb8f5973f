"""What each parameter does to latency, PSNR and memory, and how sure that is.

Each target is explained by the sum of one effect a parameter level (an additive model, fitted by
least squares; latency and memory as logarithms, as architectures multiply rather than add). A
level's effect is the difference to the mean over the levels of its parameter, each weighing the
same, so that where a sampler lingered does not count. A parameter's importance is the variance
of its effects as a share of all parameters': the first-order term of functional ANOVA (Hutter,
Hoos, Leyton-Brown, "An efficient approach for assessing hyperparameter importance", ICML 2014),
here in closed form. How much such a model explains at all is told beside it. Intervals are the
2.5th and 97.5th percentile of a Bayesian bootstrap over the candidates (Rubin, Annals of
Statistics 9, 1981), which never loses a level as drawing with replacement does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reports.facts import ProfileGroup
from search.study.records import CandidateResult

RESAMPLES = 400
# Levels that a parameter may keep apart, and into how many it is joined where it has more. Few
# candidates tell less: the finest that they can bear is taken.
LEVELS = ((6, 3), (3, 3), (2, 2))
# Candidates there must be for each free coefficient, for the effects to mean something.
CANDIDATES_PER_COEFFICIENT = 1.5

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Level:
    """A parameter's value (or range of values), its effect with an interval, and how many
    candidates had it."""

    words: str
    effect: float
    low: float
    high: float
    candidates: int


@dataclass(frozen=True)
class ParameterEffect:
    """Importance is a share of 0 to 1 of what the parameters explain together."""

    name: str
    importance: float
    importance_low: float
    importance_high: float
    levels: tuple[Level, ...]


@dataclass(frozen=True)
class TargetEffects:
    """Effects on one target, the most important parameter first.

    Attributes:
        unit: `%` (effects are percent of the target) or `dB`.
        explained: R squared of the additive model.
        joined: into how many each parameter's levels were joined because the candidates are few;
            0 where they were not.
        missing: why there are no effects; empty where there are.
    """

    target: str
    unit: str
    candidates: int
    explained: float = 0.0
    parameters: tuple[ParameterEffect, ...] = ()
    joined: int = 0
    missing: str = ""


def effects(group: ProfileGroup) -> list[TargetEffects]:
    """Effects on latency and memory over all timed candidates, on PSNR over all judged ones."""
    timed = [r for r in group.results if _known(r.latency_ms) and r.status != "failed"]
    heavy = [r for r in timed if _known(r.peak_memory_mb)]
    return [
        _effects_on("latency", "%", timed, lambda r: math.log(r.latency_ms or 1.0)),
        _effects_on("PSNR on Y", "dB", group.measured, lambda r: r.psnr_y_db or 0.0),
        _effects_on("peak memory", "%", heavy, lambda r: math.log(r.peak_memory_mb or 1.0)),
    ]


def features(result: CandidateResult) -> dict[str, float | str]:
    """The parameters of a candidate whose effects are asked for."""
    config, deployment = result.config, result.deployment
    return {
        "n_feats": float(config.n_feats),
        "n_heads": float(config.n_heads),
        "window_size": float(config.window_size),
        "body_passes": float(config.body_passes),
        "depth": float(config.depth),
        "mean ratio": round(sum(config.ratios) / config.depth, 2),
        "graph": deployment.graph,
        "precision": deployment.precision,
        "backend": deployment.backend,
    }


def additive_effects(codes: NDArray[np.intp], target: Floats, weights: Floats) -> list[Floats]:
    """Least-squares effect of each level of each parameter, centred over its levels.

    `codes` is (candidates, parameters), each column holding levels 0 .. k-1, all of them used;
    `weights` is (fits, candidates). Gives (fits, levels) for each parameter. What the data cannot
    tell apart shares its effect (the solution of least norm, by the normal equations: they are
    as small as the model, however many candidates and fits there are).
    """
    blocks = [np.eye(int(column.max()) + 1)[column] for column in codes.T]
    design = np.hstack([np.ones((len(codes), 1)), *blocks])
    products = (design[:, :, None] * design[:, None, :]).reshape(len(codes), -1)
    normal = (weights @ products).reshape(len(weights), design.shape[1], design.shape[1])
    right = weights @ (design * target[:, None])
    inverse = np.linalg.pinv(normal, rcond=1e-10, hermitian=True)
    solution = np.einsum("fij,fj->fi", inverse, right)
    starts = np.cumsum([block.shape[1] for block in blocks])[:-1]
    parts = np.split(solution[:, 1:], starts, axis=1)
    return [part - part.mean(axis=1, keepdims=True) for part in parts]


def _effects_on(
    target: str,
    unit: str,
    results: Sequence[CandidateResult],
    value: Callable[[CandidateResult], float],
) -> TargetEffects:
    rows = [features(result) for result in results]
    design, joined = _coded(rows, *LEVELS[0]), 0
    for most, parts in LEVELS[1:]:
        if len(results) >= design.candidates_needed:
            break
        design, joined = _coded(rows, most, parts), parts
    if not design.names:
        return TargetEffects(target, unit, len(results), missing="no parameter varies")
    if len(results) < design.candidates_needed:
        return TargetEffects(
            target, unit, len(results),
            missing=f"{len(results)} candidates are too few: it takes at least "
            f"{design.candidates_needed}",
        )  # fmt: skip
    values = np.array([value(result) for result in results])
    if np.ptp(values) == 0:
        return TargetEffects(target, unit, len(results), missing="every candidate has the same")
    # Centred, so that rounding is relative to the spread and not to the level.
    values -= values.mean()
    fitted = [part[0] for part in additive_effects(design.codes, values, np.ones((1, len(values))))]
    drawn = _bootstrap(design.codes, values)
    return TargetEffects(
        target=target,
        unit=unit,
        candidates=len(results),
        explained=_explained(design.codes, values, fitted),
        parameters=_ranked(design, fitted, drawn, unit),
        joined=joined,
    )


@dataclass(frozen=True)
class _Design:
    """Names of the parameters that vary, the words of their levels, and each candidate's levels.

    `codes` is (candidates, parameters), see `additive_effects`.
    """

    names: list[str]
    labels: list[list[str]]
    codes: NDArray[np.intp]

    @property
    def candidates_needed(self) -> int:
        """So that there are enough for each free coefficient."""
        free = 1 + sum(len(levels) - 1 for levels in self.labels)
        return math.ceil(CANDIDATES_PER_COEFFICIENT * free)


def _coded(rows: Sequence[dict[str, float | str]], most: int, parts: int) -> _Design:
    names: list[str] = []
    labels: list[list[str]] = []
    columns: list[list[int]] = []
    for name in dict.fromkeys(name for row in rows for name in row):
        if any(name not in row for row in rows):
            continue
        values = [row[name] for row in rows]
        levels = sorted(set(values), key=lambda v: (isinstance(v, str), v))
        if len(levels) < 2:
            continue
        groups = _binned(levels, most, parts)
        names.append(name)
        labels.append([_words(part) for part in groups])
        place = {level: i for i, part in enumerate(groups) for level in part}
        columns.append([place[v] for v in values])
    codes = np.array(columns, dtype=np.intp).T.reshape(len(rows), len(names))
    return _Design(names, labels, codes)


def _binned(levels: list[float | str], most: int, parts: int) -> list[list[float | str]]:
    """Each level alone; neighbours joined into `parts` where there are more than `most`."""
    if len(levels) <= most or isinstance(levels[0], str):
        return [[level] for level in levels]
    return [list(part) for part in np.array_split(np.array(levels, dtype=object), parts)]


def _words(levels: list[float | str]) -> str:
    ends = [level if isinstance(level, str) else f"{level:g}" for level in levels]
    return ends[0] if len(ends) == 1 else f"{ends[0]}–{ends[-1]}"


def _bootstrap(codes: NDArray[np.intp], values: Floats) -> list[Floats]:
    generator = np.random.default_rng(0)
    weights = generator.dirichlet(np.ones(len(values)), size=RESAMPLES) * len(values)
    return additive_effects(codes, values, weights)


def _explained(codes: NDArray[np.intp], values: Floats, fitted: list[Floats]) -> float:
    told = sum(part[column] for part, column in zip(fitted, codes.T, strict=True))
    return max(0.0, 1.0 - float(np.var(values - told) / np.var(values)))


def _shares(parts: list[Floats]) -> Floats:
    """Of each parameter, in the last axis its levels: its share of the variance."""
    variances = np.array([np.mean(part**2, axis=-1) for part in parts])
    total = variances.sum(axis=0)
    return variances / np.where(total > 0, total, 1.0)


def _ranked(
    design: _Design, fitted: list[Floats], drawn: list[Floats], unit: str
) -> tuple[ParameterEffect, ...]:
    shares, drawn_shares = _shares(fitted), _shares(drawn)
    found = []
    for at, name in enumerate(design.names):
        spread = np.percentile(drawn[at], [2.5, 97.5], axis=0)
        counts = np.bincount(design.codes[:, at], minlength=len(design.labels[at]))
        ends = np.percentile(drawn_shares[at], [2.5, 97.5])
        levels = tuple(
            _level(words, (fitted[at][i], spread[0, i], spread[1, i]), int(counts[i]), unit)
            for i, words in enumerate(design.labels[at])
        )
        found.append(
            ParameterEffect(name, float(shares[at]), float(ends[0]), float(ends[1]), levels)
        )
    return tuple(sorted(found, key=lambda parameter: -parameter.importance))


def _level(words: str, place: tuple[float, float, float], count: int, unit: str) -> Level:
    effect, low, high = (_told(value, unit) for value in place)
    return Level(words, effect, low, high, count)


def _told(effect: float, unit: str) -> float:
    return 100.0 * math.expm1(effect) if unit == "%" else float(effect)


def _known(value: float | None) -> bool:
    return value is not None and math.isfinite(value) and value > 0
