"""What all outputs say alike: the headline, the order of verdicts, what counts as red."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from device_runner.flags import STAND_INS, flag_words
from foundation.wording import count_of, plain, shell_line
from nightly.metrics import BY_NAME, RUNS
from nightly.night import NightResult
from nightly.outputs.least import least_sentence
from nightly.records import DeviceNight, NightStatus, Status, Verdict

# A command that names more models than these is no command to read.
MODELS_NAMED = 10
# Worst first.
ORDER = (
    Status.REGRESSION, Status.NOT_MEASURED, Status.UNCONFIRMED, Status.IMPROVED, Status.NEW,
    Status.FINE,
)  # fmt: skip


def metric_title(name: str) -> str:
    """A metric as people call it."""
    return "runs at all" if name == RUNS else BY_NAME[name].title


def with_status(result: NightResult, status: Status) -> list[Verdict]:
    """The verdicts of one kind, by model."""
    found = [verdict for verdict in result.verdicts if verdict.status is status]
    return sorted(found, key=lambda verdict: (verdict.series, verdict.metric))


def worst_first(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """In the order in which a reader wants them."""
    return sorted(verdicts, key=lambda v: (ORDER.index(v.status), v.series, v.metric))


def headline(result: NightResult) -> str:
    """One sentence that answers whether anybody has to get up."""
    red = with_status(result, Status.REGRESSION)
    if result.cannot_tell:
        return "Cannot tell: what looks worse could not be exported"
    failed = {device.device for device in result.devices if device.failure}
    models = len({verdict.series for verdict in result.verdicts})
    after = ""
    if failed:
        after = f"; {count_of(len(failed), 'device')} could not be measured on"
    if red:
        by_metric = Counter(metric_title(verdict.metric) for verdict in red)
        what = ", ".join(f"{name} {number}" for name, number in by_metric.items())
        which = len({verdict.series for verdict in red})
        return f"Red: {count_of(which, 'model')} of {models} got worse ({what}){after}"
    if failed:
        return f"Not measured: {count_of(len(failed), 'device')} failed; nothing else got worse"
    if not result.verdicts:
        return "Nothing was measured"
    if doubted := {verdict.series for verdict in with_status(result, Status.UNCONFIRMED)}:
        return (
            f"Green: none of {count_of(models, 'model')} surely got worse; "
            f"{count_of(len(doubted), 'looks', 'look')} worse, and the next nights decide"
        )
    if all(verdict.status in (Status.NEW, Status.FINE) for verdict in result.verdicts) and any(
        verdict.status is Status.NEW for verdict in result.verdicts
    ):
        return f"Green: {count_of(models, 'model')} measured; a baseline starts with this night"
    return f"Green: none of {count_of(models, 'model')} got worse"


def stand_in_sentences(result: NightResult, of: DeviceNight | None = None) -> list[str]:
    """A sentence for each device that is no phone, or for one of them."""
    found = []
    for device in result.devices if of is None else (of,):
        for flag in STAND_INS.intersection(device.flags):
            found.append(f"{plain(device.device)}: {flag_words(flag).meaning}.")
    return list(dict.fromkeys(found))


def next_steps(result: NightResult) -> list[tuple[str, str]]:
    """What to do about a red night, and the command that does it; nothing where none is red.

    Nothing either of a commit that is being tried: it is one of these steps itself.
    """
    if result.night.status is NightStatus.ASIDE:
        return []
    red = list(dict.fromkeys(v.series.model for v in with_status(result, Status.REGRESSION)))
    if not red:
        return []
    suite = str(result.suite_path)
    only = [word for model in red[:MODELS_NAMED] for word in ("--only", model)]
    night = ["mobilesr-tune", "nightly", suite]
    return [
        ("Measure what is red once more", shell_line([*night, *only])),
        (
            "Find the commit that did it",
            shell_line(["git", "bisect", "run", *night, "--bisect", *only]),
        ),
        ("If it is meant to be so", shell_line([*night[:-1], "accept", suite, *only])),
    ]


def least_of(result: NightResult, device: DeviceNight) -> str:
    """What this night could have found on a device, see `least`."""
    of_device = [
        verdict
        for verdict in result.verdicts
        if (verdict.series.device, verdict.series.condition) == (device.device, device.condition)
    ]
    return least_sentence(of_device)


def profile_words(profile: Mapping[str, object]) -> str:
    """A device as it was: `model Pixel 8, os_build ..., threads 4`; what is empty is left out."""
    return ", ".join(f"{name} {value}" for name, value in profile.items() if value not in ("", []))
