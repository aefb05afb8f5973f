"""`StudyFacts`: all that a report may know of a study, grouped so that nothing mixes.

Results of different device profiles never share a front, a baseline or a plot: whoever shows
something asks `StudyFacts.groups` and treats each group alone.
"""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from foundation.errors import RequestError
from foundation.wording import plain, shorten
from search.front.belief import belief_of, psnrs_of, source_error_of
from search.front.dominance import pareto_front
from search.front.probability import LatencyBelief, front_probability, winners_log_latency
from search.study.anew import fresh_sessions
from search.study.finetuned import FinetunedResult, finetuned_in
from search.study.records import CandidateResult
from search.study.troubles import Trouble, read_troubles
from search.study.usual_speed import StudySpeeds

# A latency that is put right by less, as a share, is not mentioned.
WORTH_A_WORD = 0.005
# Between this and one minus this, the probability of being on the front leaves a tie.
DOUBT = 0.05


class Run(Protocol):
    """What is needed of a run directory; `search.study.run_directory.RunDirectory` is one."""

    @property
    def path(self) -> Path: ...

    def results(self) -> list[CandidateResult]: ...

    def spec(self) -> dict[str, Any]: ...

    def facts(self) -> dict[str, Any]: ...

    def environment(self) -> dict[str, Any]: ...

    @property
    def troubles(self) -> Path: ...


@dataclass(frozen=True)
class Limits:
    """The constraints the study was given; None where there was none."""

    max_latency_ms: float | None = None
    max_memory_mb: float | None = None
    min_psnr_db: float | None = None

    def sentences(self) -> list[str]:
        """Each given constraint in words."""
        given = (
            ("latency at most {:g} ms", self.max_latency_ms),
            ("peak memory at most {:g} MB", self.max_memory_mb),
            ("PSNR at least {:g} dB", self.min_psnr_db),
        )
        return [words.format(value) for words, value in given if value is not None]


@dataclass(frozen=True)
class ProfileGroup:
    """The candidates of one device profile: the only ones that may be compared."""

    profile_key: str
    results: tuple[CandidateResult, ...]
    name: str = ""

    def with_status(self, status: str) -> list[CandidateResult]:
        return [result for result in self.results if result.status == status]

    @cached_property
    def measured(self) -> list[CandidateResult]:
        """Timed and judged: what has a place in the plane of latency and PSNR."""
        return [result for result in self.results if _has_place(result)]

    @cached_property
    def timed(self) -> list[CandidateResult]:
        """What has a latency and did not fail: judged, or stopped before."""
        return [
            result
            for result in self.results
            if result.status != "failed"
            and result.latency_ms is not None
            and math.isfinite(result.latency_ms)
        ]

    @cached_property
    def front(self) -> list[CandidateResult]:
        """Feasible candidates that no feasible one dominates, fastest first; ties are kept."""
        return [self._feasible[i] for i in pareto_front([_place(r) for r in self._feasible])]

    @cached_property
    def undecided_numbers(self) -> frozenset[int]:
        """Trials that are neither surely on the front nor surely off it: the ties."""
        return frozenset(n for n, p in self._probabilities.items() if DOUBT < p < 1 - DOUBT)

    def has(self, result: CandidateResult) -> bool:
        """Whether it is a candidate of this group as the search judged it, not finetuned."""
        return any(result is one for one in self.results)

    def front_probability(self, result: CandidateResult) -> float | None:
        """Probability that a feasible, measured candidate is on the front; None for others."""
        return self._probabilities.get(result.number)

    @cached_property
    def _probabilities(self) -> dict[int, float]:
        members = self._feasible
        if not members:
            return {}
        source, _ = source_error_of(members)
        found = front_probability(self.belief, psnrs_of(members), source=source)
        return {r.number: float(p) for r, p in zip(members, found, strict=True)}

    @cached_property
    def belief(self) -> LatencyBelief:
        """What is known of the latencies of the feasible candidates, in their order."""
        return belief_of(self._feasible)

    def expected_latency_ms(self, result: CandidateResult) -> float | None:
        """What to expect of one that was picked from its near ties for being fast.

        None for what is not feasible, and where it makes no difference worth a word.
        """
        # A finetuned one is timed by its trial.
        place = (result.number, result.latency_ms)
        places = [
            at for at, one in enumerate(self._feasible) if (one.number, one.latency_ms) == place
        ]
        if not places or not result.latency_ms:
            return None
        found = math.exp(winners_log_latency(self.belief, places[0]))
        return found if found > (1 + WORTH_A_WORD) * result.latency_ms else None

    @property
    def front_and_ties(self) -> list[CandidateResult]:
        """The front and what may yet belong to it, fastest first."""
        front = {id(result) for result in self.front}
        close = [r for r in self._feasible if id(r) in front or r.number in self.undecided_numbers]
        return sorted(close, key=_place)

    @cached_property
    def _feasible(self) -> list[CandidateResult]:
        return [result for result in self.measured if result.feasible]

    @property
    def serials(self) -> list[str]:
        return sorted({plain(result.device_serial) for result in self.results})

    @property
    def device(self) -> str:
        """The device in words: what it is, and which one of them it was."""
        words = plain(self.name or self.profile_key)
        others = [serial for serial in self.serials if serial and serial not in words]
        return f"{words}, serial {', '.join(others)}" if others else words

    @property
    def bicubic_db(self) -> list[float]:
        """PSNR of bicubic upscaling; one value, unless candidates saw different images."""
        values = (r.bicubic_psnr_y_db for r in self.measured)
        return sorted({round(value, 2) for value in values if value is not None})

    @property
    def stand_in(self) -> str:
        """The sentence that says these are no phone's numbers; empty when they are."""
        notes = {result.stand_in_note for result in self.results if result.stand_in_note}
        return " ".join(plain(note) for note in sorted(notes))

    def failure_reasons(self) -> list[tuple[str, int]]:
        """Why candidates failed, the commonest first."""
        reasons = (
            shorten(r.reason) or "no reason was recorded" for r in self.with_status("failed")
        )
        return Counter(reasons).most_common()


@dataclass(frozen=True)
class StudyFacts:
    """The candidates of a study, what was asked for, and where it ran.

    Attributes:
        spec: the resolved request; constraints stand in it by name, or under `constraints`.
        command: the command line of the study, empty when it was not recorded.
        profile: the device profile of the study as recorded at its start.
        troubles: each time that a device failed in the middle, oldest first.
        finetuned: what finetuning made of candidates, by trial.
        anew: candidates by sessions that took no part in any choice, the earliest first.
    """

    results: list[CandidateResult]
    spec: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    title: str = "MobileSR study"
    run_path: Path = Path("runs/study")
    command: tuple[str, ...] = ()
    profile: Mapping[str, Any] = field(default_factory=dict)
    troubles: tuple[Trouble, ...] = ()
    finetuned: tuple[FinetunedResult, ...] = ()
    anew: tuple[CandidateResult, ...] = ()

    @cached_property
    def speeds(self) -> StudySpeeds:
        """The speeds for which latencies are told."""
        return StudySpeeds(self.results)

    def finetuned_of(self, group: ProfileGroup) -> list[FinetunedResult]:
        """The candidates of a group that were finetuned, by trial."""
        return [one for one in self.finetuned if one.after.profile_key == group.profile_key]

    @cached_property
    def groups(self) -> tuple[ProfileGroup, ...]:
        """One group a device profile, each in order of its trials; the largest first."""
        by_profile: dict[str, list[CandidateResult]] = {}
        for result in sorted(self.results, key=lambda result: result.number):
            by_profile.setdefault(result.profile_key, []).append(result)
        # What was recorded of the device describes it only while there is just one profile.
        name = _profile_words(self.profile) if len(by_profile) == 1 else ""
        groups = [ProfileGroup(key, tuple(found), name) for key, found in by_profile.items()]
        return tuple(sorted(groups, key=lambda group: (-len(group.measured), group.profile_key)))

    @property
    def name(self) -> str:
        """The run in a word: the name of its folder."""
        return plain(self.run_path.name) or "run"

    @property
    def limits(self) -> Limits:
        given = {**self.spec, **(self.spec.get("constraints") or {})}
        return Limits(**{name: _limit(given, name) for name in Limits.__dataclass_fields__})

    @property
    def lr_size(self) -> tuple[int, int] | None:
        """Height and width of the LR input, where the study fixed one."""
        value = self.spec.get("lr_size")
        if isinstance(value, list | tuple) and len(value) == 2:
            return int(value[0]), int(value[1])
        return None


def gather(run: Run) -> StudyFacts:
    """Read a run directory once.

    Raises:
        RequestError: its request or its records cannot be read.
    """
    spec = run.spec()
    # Only the reproduction hints are lost with these notes, never a result.
    notes: dict[str, Any] = {}
    with contextlib.suppress(RequestError):
        notes = run.facts()
    results = run.results()
    name = str(spec.get("study") or run.path.resolve().name)
    return StudyFacts(
        results=results,
        spec=spec,
        environment=run.environment(),
        title=f"MobileSR study {plain(name)}",
        run_path=run.path,
        command=tuple(map(str, notes.get("command") or spec.get("command") or ())),
        profile=notes.get("profile") or {},
        troubles=tuple(read_troubles(run.troubles)),
        finetuned=tuple(finetuned_in(run.path, results)),
        anew=tuple(fresh_sessions(run.path, results)),
    )


def _profile_words(profile: Mapping[str, Any]) -> str:
    """`Pixel 8 (Tensor G3)`; the host by its processor, as its name tells nothing."""
    model, soc = str(profile.get("model") or ""), str(profile.get("soc") or "")
    if profile.get("kind") == "host":
        return f"host {soc}" if soc else ""
    return f"{model} ({soc})" if model and soc else model or soc


def latency_interval(result: CandidateResult) -> tuple[float, float]:
    """The interval of a measured latency; a point where none was estimated."""
    middle = _place(result)[0]
    ends = (result.latency_low_ms, result.latency_high_ms)
    known = [middle, *(end for end in ends if end is not None and math.isfinite(end))]
    return min(known), max(known)


def _has_place(result: CandidateResult) -> bool:
    return result.status == "ok" and all(map(math.isfinite, _place(result)))


def _place(result: CandidateResult) -> tuple[float, float]:
    return (
        math.nan if result.latency_ms is None else result.latency_ms,
        math.nan if result.psnr_y_db is None else result.psnr_y_db,
    )


def _limit(given: Mapping[str, Any], name: str) -> float | None:
    value = given.get(name)
    return float(value) if isinstance(value, int | float) else None
