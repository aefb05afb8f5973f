"""What the last night measured and this one was not asked for: an edited suite, another phone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from device_runner.devices.discovery import AUTO
from foundation.wording import plain
from nightly.records import SeriesKey
from nightly.suite import Suite
from nightly.turn import TurnResult


def gone_sentences(
    night: int, measured: Collection[SeriesKey], suite: Suite, found: Sequence[TurnResult]
) -> list[str]:
    """A sentence for the models and one for the devices of the last finished `night`.

    `measured` is what was measured in it, `found` is what tonight's places gave. A model that
    was red and is renamed is not red any more: whoever reads the night has to know.
    """
    models = {key.model for key in measured} - {model.name for model in suite.models}
    tonight = {(one.device_night.device, one.device_night.condition) for one in found}
    places = {(key.device, key.condition) for key in measured} - tonight
    if any(device == AUTO for device, _ in tonight):
        # It was not found out which device that is.
        places = set()
    where = _listed(f"{device} ({condition})" for device, condition in places)
    sentences = []
    if models:
        sentences.append(
            f"night {night} measured {_listed(models)}, which the suite does not have any more: "
            "nothing is said of it"
        )
    if places:
        sentences.append(
            f"night {night} measured on {where}, which is none of tonight's devices: nothing is "
            "said of it"
        )
    return sentences


def _listed(names: Iterable[str]) -> str:
    return ", ".join(plain(name) for name in sorted(names))
