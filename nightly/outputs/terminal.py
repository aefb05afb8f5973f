"""A night on a terminal."""

from __future__ import annotations

from rich.text import Text

from foundation.wording import plain
from nightly.night import NightResult
from nightly.outputs.told import headline, next_steps, stand_in_sentences, with_status
from nightly.records import Status

_STYLES = {
    Status.REGRESSION: "red", Status.UNCONFIRMED: "yellow", Status.IMPROVED: "green",
}  # fmt: skip
SHOWN = 40


def night_lines(result: NightResult) -> list[Text]:
    """The headline, and a line for whatever is not as it was."""
    style = "bold red" if result.exit_code else "bold green"
    lines = [Text(f"Night {result.night.number}. {headline(result)}.", style=style)]
    for status in _STYLES:
        for verdict in with_status(result, status)[:SHOWN]:
            words = f"{verdict.status}: {verdict.series.words()}: {verdict.sentence}"
            lines.append(Text(plain(words), style=_STYLES[status]))
    for device in result.devices:
        if device.failure:
            words = f"not measured: {device.device} ({device.condition}): {device.failure}"
            lines.append(Text(plain(words), style="red"))
    lines += [Text(plain(sentence), style="yellow") for sentence in stand_in_sentences(result)]
    lines += [Text(f"{words}: {plain(command)}") for words, command in next_steps(result)]
    lines += [Text(plain(note)) for note in result.notes]
    return lines
