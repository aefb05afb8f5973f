"""Devices, evaluators and exporters that cost nothing: what the search loop needs of them."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from device_runner import Device, DeviceProfile, PushReport, RunReport, RunRequest, ThreadChoice
from foundation.artifact import Artifact, ArtifactManifest
from search.study.records import ArtifactFacts, CandidateResult, PictureQuality, Timing

NO_ARTIFACT = Artifact(Path("nowhere"), ArtifactManifest.model_construct())
ARTIFACT_FACTS = ArtifactFacts(
    sha256="ab" * 32, weights_sha256="cd" * 32, parameters=60_000, macs=4_200_000_000,
    size_bytes=512_000, delegates=1, delegated_ops=240, undelegated_ops=2, export_s=1.5,
)  # fmt: skip
# Part of a result -> what it is made from where a test names only some of its fields.
_PARTS: dict[str, tuple[type[Any], dict[str, Any]]] = {
    "artifact": (ArtifactFacts, ARTIFACT_FACTS.model_dump()),
    "timing": (Timing, {}),
    "quality": (PictureQuality, {}),
}


def result_of(number: int, candidate: Any, **fields: Any) -> CandidateResult:
    """A result of `candidate`; `fields` are its own or those of its parts, by their plain names."""
    return CandidateResult(
        **{
            "number": number,
            "config": candidate.config,
            "deployment": candidate.deployment,
            "device_serial": "fake",
            "profile_key": "fake",
            **_in_parts(fields, {}),
        }
    )


def changed(result: CandidateResult, **fields: Any) -> CandidateResult:
    """The result with other fields, its own or those of its parts, by their plain names."""
    before = {part: getattr(result, part) for part in _PARTS}
    return result.model_copy(update=_in_parts(fields, before))


def _in_parts(fields: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    own = dict(fields)
    for name, (kind, made_up) in _PARTS.items():
        given = {field: own.pop(field) for field in kind.model_fields if field in own}
        if given:
            earlier = before.get(name)
            known = made_up if earlier is None else dict(earlier)
            own[name] = kind(**(known | given))
    return own


class FakeEvaluator:
    """Latency and PSNR grow with the config; `on_evaluate` may interfere."""

    def __init__(self, on_evaluate: Callable[[int], None] = lambda count: None) -> None:
        self.measured: list[str] = []
        self.failures: list[str] = []
        self.remembered: list[CandidateResult] = []
        self.on_evaluate = on_evaluate

    def evaluate(self, number: int, candidate: Any, artifact: Artifact) -> CandidateResult:
        assert artifact is NO_ARTIFACT
        self.on_evaluate(len(self.measured) + 1)
        self.measured.append(candidate.config.key)
        size = candidate.config.n_feats * sum(candidate.config.ratios)
        return result_of(
            number, candidate, status="ok", latency_ms=float(size), psnr_y_db=20 + size / 100
        )

    def failure(self, number: int, candidate: Any, reason: str) -> CandidateResult:
        self.failures.append(candidate.config.key)
        return result_of(number, candidate, status="failed", reason=reason)

    def remember(self, results: list[CandidateResult]) -> None:
        self.remembered += results

    def why_stop(self, result: CandidateResult) -> str:
        return result.reason

    def sharpen(
        self, results: Sequence[CandidateResult], artifacts: Sequence[Artifact], rounds: int
    ) -> list[CandidateResult]:
        return list(results)


class FakeExporter:
    """Exports at no cost; candidates whose config key is in `broken` do not lower."""

    def __init__(self, broken: frozenset[str] = frozenset()) -> None:
        self.broken = broken
        self.exported: list[str] = []

    def __enter__(self) -> FakeExporter:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""

    def stop(self) -> None:
        """Nothing goes on."""

    def export(self, candidate: Any) -> Artifact | str:
        self.exported.append(candidate.config.key)
        return "ExecuTorch cannot lower it" if candidate.config.key in self.broken else NO_ARTIFACT


class FakeTime:
    """Hours that pass at once, for the thread that sleeps."""

    def __init__(self) -> None:
        self.at_s = 0.0

    def monotonic_s(self) -> float:
        return self.at_s

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.at_s)

    def sleep(self, seconds: float) -> None:
        self.at_s += seconds


class FakeDevice(Device):
    """A device that can be claimed unless `on_claim` raises; what it measures is its judge's."""

    def __init__(
        self,
        serial: str = "phone",
        kind: str = "phone",
        on_claim: Callable[[FakeTime], None] = lambda time: None,
    ) -> None:
        self._serial, self._kind, self._on_claim = serial, kind, on_claim
        self.time = FakeTime()
        self.held, self.claims, self.cleaned = False, 0, 0
        self.threads: set[str] = set()

    @property
    def serial(self) -> str:
        return self._serial

    @property
    def clock(self) -> FakeTime:
        return self.time

    def profile(self) -> DeviceProfile:
        return DeviceProfile(
            kind=self._kind, model="m", soc="s", abi="a", os_build="o", cores=8, ram_mb=8192,
            runtime="r", runner="r",
        )  # fmt: skip

    def suggest_threads(self) -> ThreadChoice:
        return ThreadChoice(1, "one")

    @contextlib.contextmanager
    def lease(self, wait_s: float = 0.0) -> Iterator[None]:
        self.threads.add(threading.current_thread().name)
        self._on_claim(self.time)
        assert not self.held
        self.held, self.claims = True, self.claims + 1
        try:
            yield
        finally:
            self.held = False

    def push(self, artifact: Artifact) -> PushReport:
        raise NotImplementedError

    def run(self, request: RunRequest) -> RunReport:
        raise NotImplementedError

    def clean(self) -> int:
        self.cleaned += 1
        return 1_000_000

    def close(self) -> None:
        """Nothing is open."""
