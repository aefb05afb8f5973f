"""The order of a night: from a suite to what is said of its models, stored and handed back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from device_runner import SYSTEM_CLOCK, Clock, Device
from device_runner.devices.discovery import open_device
from foundation.artifact import Artifact
from foundation.wording import shell_line
from models.images import load_pairs
from nightly.artifacts import Prepared, prepare
from nightly.errors import CANNOT_TELL, BaselineError, SuiteError
from nightly.gone import gone_sentences
from nightly.history import History
from nightly.listener import NightListener
from nightly.look import EXPORT_FAILED, Pairs, scale_of
from nightly.place import Place
from nightly.precision import require_same_precisions
from nightly.records import (
    DeviceNight,
    Epoch,
    Night,
    NightStatus,
    Observation,
    SeriesKey,
    Status,
    Verdict,
)
from nightly.sentences import common_sentences
from nightly.suite import Suite, require_files
from nightly.tonight import Choices, Tonight
from nightly.turn import TurnResult

GREEN, RED, DEVICE_FAILED = 0, 1, 3


@dataclass(frozen=True)
class NightResult:
    """A night, and everything that is told of it."""

    suite: str
    night: Night
    verdicts: tuple[Verdict, ...]
    devices: tuple[DeviceNight, ...]
    epochs: tuple[Epoch, ...]
    observations: tuple[Observation, ...]
    notes: tuple[str, ...]
    # What was asked for, measured or not.
    models: tuple[str, ...]
    # Where the suite lies, for the commands that come next.
    suite_path: Path = Path("suite.toml")
    # Per metric the smallest change that counts, where the suite says another than the usual.
    floors: Mapping[str, float] = field(default_factory=dict)
    # A commit that is tried, at which all that looks worse could not even be exported.
    cannot_tell: bool = False

    @property
    def exit_code(self) -> int:
        """0 green, 1 a regression, 3 a device that could not be measured on, 125 `cannot_tell`."""
        if self.cannot_tell:
            return CANNOT_TELL
        if any(verdict.status is Status.REGRESSION for verdict in self.verdicts):
            return RED
        return DEVICE_FAILED if any(device.failure for device in self.devices) else GREEN


@dataclass
class NightRun:
    """One night in the making."""

    suite: Suite
    history: History
    choices: Choices = field(default_factory=Choices)
    listener: NightListener = field(default_factory=NightListener)
    clock: Clock = SYSTEM_CLOCK
    open_device: Callable[[str], Device] = lambda name: open_device(name).device
    suite_path: Path = Path("suite.toml")
    _notes: list[str] = field(default_factory=list)

    def run(self) -> NightResult:
        """Measure, judge and store one night.

        Raises:
            RequestError: the suite, the history or a baseline cannot be used, or the suite fits
                no device and never did; no night counts.
            KeyboardInterrupt: stopped; the night stays unfinished and is never compared with.
        """
        self._check_names()
        with self.history.lock(self.choices.wait_s, self.listener.waiting):
            if lost := self.history.abandon_open(self.suite.name):
                self._notes.append(
                    f"night {', '.join(map(str, lost))} never finished: what it measured is kept "
                    "and compared with nothing"
                )
            self._check_since()
            earlier = self.history.last_candidates(self.suite.name)
            require_files(self.suite, self.suite_path, earlier)
            before, measured = self.history.last_measured(self.suite.name)
            tonight = self._begin(earlier)
            found = [
                Place(tonight, name, condition).run()
                for name in self.suite.devices
                for condition in self.suite.conditions
            ]
            self._require_any(found)
            self._notes += gone_sentences(before, measured, self.suite, found)
            return self._finish(tonight, found, measured)

    def _begin(self, earlier: Mapping[str, str]) -> Tonight:
        """From here on the night has a number."""
        prepared = prepare(
            self.suite, self.choices.only, self.listener.stage, self.listener.warning, earlier
        )
        require_same_precisions(
            {name: one for name, one in prepared.models.items() if isinstance(one, Artifact)},
            earlier,
        )
        pairs = self._pairs(prepared)
        now = self._now()
        self._check_clock(now)
        return Tonight(
            suite=self.suite,
            choices=self.choices,
            history=self.history,
            number=self.history.begin(self.suite.name, now),
            started_at=now,
            started_s=self.clock.monotonic_s(),
            prepared=prepared,
            pairs=pairs,
            listener=self.listener,
            clock=self.clock,
            open_device=self.open_device,
        )

    def _finish(
        self, tonight: Tonight, found: Sequence[TurnResult], before: Mapping[SeriesKey, str]
    ) -> NightResult:
        verdicts = tuple(verdict for one in found for verdict in one.verdicts)
        for one in found:
            self._notes += one.notes
        self._notes += common_sentences(verdicts)
        finished_at = self._now()
        status = NightStatus.ASIDE if self.choices.aside else NightStatus.FINISHED
        result = NightResult(
            suite=self.suite.name,
            night=Night(tonight.number, self.suite.name, status, tonight.started_at, finished_at),
            verdicts=verdicts,
            devices=tuple(one.device_night for one in found),
            epochs=tuple(one.epoch for one in found if one.epoch is not None),
            observations=tuple(seen for one in found for seen in one.observations),
            notes=tuple(dict.fromkeys(self._notes)),
            models=tuple(self.choices.only or (model.name for model in self.suite.models)),
            suite_path=self.suite_path.absolute(),
            floors=self.suite.floors,
            cannot_tell=self.choices.aside and _only_unexported(verdicts, found, before),
        )
        self.history.finish(
            self.suite.name, tonight.number, finished_at, result.exit_code, verdicts, result.notes,
            aside=self.choices.aside,
        )  # fmt: skip
        return result

    def _require_any(self, found: Sequence[TurnResult]) -> None:
        """A suite that never measured anything, and cannot now, is wrong itself.

        Raises:
            RequestError: why nothing fits.
        """
        refusals = [one.refusal for one in found if one.refusal is not None]
        if len(refusals) == len(found) and not self.history.series(self.suite.name):
            raise refusals[0]

    def _check_names(self) -> None:
        known = [model.name for model in self.suite.models]
        for name in self.choices.only:
            if name not in known:
                raise SuiteError(
                    f"the suite {self.suite.name!r} has no model {name!r}: it has "
                    f"{', '.join(known)}"
                )

    def _check_since(self) -> None:
        for wanted in (self.choices.since, self.suite.judge.baseline):
            if wanted is None:
                continue
            finished = [
                night.number
                for night in self.history.nights(self.suite.name)
                if night.status is NightStatus.FINISHED
            ]
            if wanted not in finished:
                listing = ["mobilesr-tune", "nightly", "history", str(self.suite_path)]
                raise BaselineError(
                    f"night {wanted} is no finished night of the suite {self.suite.name!r} in "
                    f"{self.history.name}: '{shell_line(listing)}' lists them"
                )

    def _check_clock(self, now: datetime) -> None:
        last = self.history.nights(self.suite.name, last=1)
        if last and now < last[0].started_at:
            self._notes.append(
                f"the clock of this computer says {now:%Y-%m-%d %H:%M}, which is before night "
                f"{last[0].number} ({last[0].started_at:%Y-%m-%d %H:%M}): nights are ordered by "
                "their number, so nothing is lost; set the clock"
            )

    def _pairs(self, prepared: Prepared) -> Pairs:
        """The suite's pictures for every scale that a judged model has."""
        images = self.suite.images
        if images is None:
            return {}
        scales = {
            scale_of(export)
            for name, export in prepared.models.items()
            if isinstance(export, Artifact) and name not in prepared.seeded
        }
        return {scale: load_pairs(images.hr, images.lr, scale) for scale in sorted(scales)}

    def _now(self) -> datetime:
        return self.clock.now().astimezone(UTC)


def _only_unexported(
    verdicts: Sequence[Verdict], found: Sequence[TurnResult], before: Mapping[SeriesKey, str]
) -> bool:
    """Whether all that looks worse could not be exported, and that is not what is looked for.

    It is, where the last night of the row, which `before` tells of, ended so as well.
    """
    unexported = {
        seen.series for one in found for seen in one.observations if seen.outcome == EXPORT_FAILED
    }
    worse = [one.series for one in verdicts if one.status is Status.REGRESSION]
    return bool(worse) and all(
        series in unexported and before.get(series) != EXPORT_FAILED for series in worse
    )
