"""What a search measured of an artifact, in words and numbers that may travel with the file."""

from __future__ import annotations

from dataclasses import dataclass

from foundation.wording import MISSING, count_of, ms, number, plain, signed_db


@dataclass(frozen=True)
class Measured:
    """Of one artifact on one device. None, or empty, is what the record does not tell.

    Attributes:
        artifact_sha256: of the file that was measured; no other file has these numbers.
        device: what it was measured on, in words.
        stand_in_note: says that this was no phone; empty where it was one.
        timed_sha256: of the file that was timed, where that was another: the same graph with other
            weights, which take as long; empty where it was this one.
        when: date and time in UTC.
        pictures_when: the same of its pictures, where they were judged at another time.
        threads: how many the runner was given.
        latency_notes: what else there is to know of the latency, a sentence each.
        flags: a sentence each.
    """

    artifact_sha256: str
    run: str
    trial: int
    device: str
    stand_in_note: str = ""
    timed_sha256: str = ""
    when: str = ""
    pictures_when: str = ""
    threads: int | None = None
    latency_ms: float | None = None
    latency_low_ms: float | None = None
    latency_high_ms: float | None = None
    sessions: int | None = None
    first_run_ms: float | None = None
    load_ms: float | None = None
    peak_memory_mb: float | None = None
    psnr_y_db: float | None = None
    bicubic_psnr_y_db: float | None = None
    pictures: int = 0
    latency_notes: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()

    def rows(self) -> list[tuple[str, str]]:
        """What was measured and how much it came to; a dash where it was not."""
        mean = f", mean of {count_of(self.pictures, 'picture')}" if self.pictures else ""
        return [
            ("device", plain(self.device)),
            ("when", self._when()),
            ("threads", MISSING if self.threads is None else str(self.threads)),
            ("latency of one tile, and its interval", self._latency()),
            *(("of that latency", plain(note)) for note in self.latency_notes),
            ("first run after loading", _unit(self.first_run_ms, "ms")),
            ("loading", _unit(self.load_ms, "ms")),
            ("peak memory above that before loading", _unit(self.peak_memory_mb, "MB")),
            (f"PSNR on Y{mean}", self._psnr()),
        ]

    def _when(self) -> str:
        """`2026-11-26 23:39 UTC`, and when its pictures were judged."""
        when = plain(self.when) or MISSING
        return f"{when}; pictures {plain(self.pictures_when)}" if self.pictures_when else when

    def _latency(self) -> str:
        """`38.2 ms (37.9 to 38.6, 9 launches)`."""
        if self.latency_low_ms is None or self.latency_high_ms is None:
            return _unit(self.latency_ms, "ms")
        known = f"{ms(self.latency_low_ms)} to {ms(self.latency_high_ms)}"
        if self.sessions is not None:
            known += f", {count_of(self.sessions, 'launch', 'launches')}"
        return f"{_unit(self.latency_ms, 'ms')} ({known})"

    def _psnr(self) -> str:
        """`30.47 dB, +2.04 dB against bicubic upscaling`."""
        if self.psnr_y_db is None:
            return MISSING
        told = f"{number(self.psnr_y_db, 2)} dB"
        if self.bicubic_psnr_y_db is None:
            return told
        gain_db = self.psnr_y_db - self.bicubic_psnr_y_db
        return f"{told}, {signed_db(gain_db)} dB against bicubic upscaling"


def _unit(value: float | None, unit: str) -> str:
    return MISSING if value is None else f"{ms(value)} {unit}"
