"""Evaluators and pools without a device: what the search loop needs of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from foundation.artifact import Artifact, ArtifactManifest
from search.records import CandidateResult

NO_ARTIFACT = Artifact(Path("nowhere"), ArtifactManifest.model_construct())


def result_of(number: int, candidate: Any, **fields: Any) -> CandidateResult:
    known: dict[str, Any] = {
        "number": number,
        "key": candidate.key,
        "config": candidate.config.model_dump(mode="json"),
        "deployment": candidate.deployment.model_dump(mode="json"),
        "device_serial": "fake",
        "profile_key": "fake",
    }
    return CandidateResult(**(known | fields))


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


class FakePool:
    """Exports at no cost; candidates whose config key is in `broken` do not lower."""

    def __init__(self, jobs: int = 2, broken: frozenset[str] = frozenset()) -> None:
        self.jobs, self.broken = jobs, broken
        self.batches: list[list[str]] = []

    def export_all(self, candidates: Any) -> list[Artifact | str]:
        self.batches.append([candidate.config.key for candidate in candidates])
        return [
            "ExecuTorch cannot lower it" if candidate.config.key in self.broken else NO_ARTIFACT
            for candidate in candidates
        ]
