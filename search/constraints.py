"""Constraints on a candidate: what the phone's owner will not pay for a better picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from foundation.wording import amount
from search.request import SearchRequest


@dataclass(frozen=True)
class Constraints:
    """Bounds; None means unbounded."""

    max_latency_ms: float | None = None
    max_memory_mb: float | None = None
    min_psnr_db: float | None = None

    @classmethod
    def of(cls, request: SearchRequest) -> Self:
        """Those of a search."""
        return cls(request.max_latency_ms, request.max_memory_mb, request.min_psnr_db)

    def violations(
        self,
        latency_ms: float | None = None,
        memory_mb: float | None = None,
        psnr_y_db: float | None = None,
    ) -> dict[str, float]:
        """Constraint -> excess in its own unit (<= 0 holds), for those that can be judged."""
        found: dict[str, float] = {}
        if self.max_latency_ms is not None and latency_ms is not None:
            found["latency_ms"] = latency_ms - self.max_latency_ms
        if self.max_memory_mb is not None and memory_mb is not None:
            found["memory_mb"] = memory_mb - self.max_memory_mb
        if self.min_psnr_db is not None and psnr_y_db is not None:
            found["psnr_y_db"] = self.min_psnr_db - psnr_y_db
        return found

    def unjudged(self, memory_mb: float | None) -> str:
        """Why it stays open whether a timed candidate keeps the limits; empty where it does not.

        What nobody measured is no limit that is kept.
        """
        if self.max_memory_mb is None or memory_mb is not None:
            return ""
        return (
            f"its peak memory is not told there, so nobody knows whether it keeps to "
            f"{self.max_memory_mb} MB"
        )

    def sentence(self, violations: dict[str, float]) -> str:
        """Why a candidate is set aside; empty when it is not."""
        texts = {
            "latency_ms": f"slower than {self.max_latency_ms} ms by {{}} ms",
            "memory_mb": f"over {self.max_memory_mb} MB by {{}} MB",
            "psnr_y_db": f"below {self.min_psnr_db} dB by {{}} dB",
        }
        return ", ".join(
            texts[name].format(amount(excess)) for name, excess in violations.items() if excess > 0
        )
