"""A night as GitHub-flavoured Markdown: for a job's summary, a pull request, a chat."""

from __future__ import annotations

from foundation.wording import coded, escaped
from nightly.night import NightResult
from nightly.outputs.told import (
    headline,
    least_of,
    metric_title,
    next_steps,
    stand_in_sentences,
    with_status,
)
from nightly.records import Status, Verdict

SHOWN = 50


def markdown_summary(result: NightResult, page: str = "") -> str:
    """The headline, what is red, what deserves a word, and what every model took.

    `page` is where the page lies, seen from the summary; empty where there is none.
    """
    night = result.night
    lines = [
        f"# Nightly {escaped(result.suite)}, night {night.number}",
        "",
        f"**{escaped(headline(result))}.** {night.started_at:%Y-%m-%d %H:%M} UTC.",
        "",
    ]
    if page:
        lines += [f"[The page of this night]({page}) has the plots.", ""]
    for sentence in stand_in_sentences(result):
        lines += [f"> {escaped(sentence)}", ""]
    lines += _section("Got worse", with_status(result, Status.REGRESSION))
    if steps := next_steps(result):
        lines += [f"- {words}: {coded(command)}" for words, command in steps]
        lines.append("")
    failed = [device for device in result.devices if device.failure]
    if failed:
        lines += ["## Could not be measured", ""]
        lines += [
            f"- {escaped(f'{one.device} ({one.condition})')}: {escaped(one.failure)}"
            for one in failed
        ]
        lines.append("")
    lines += _section("Looks worse, not sure", with_status(result, Status.UNCONFIRMED))
    lines += _section("Got better", with_status(result, Status.IMPROVED))
    lines += [
        f"- {escaped(f'{device.device} ({device.condition})')}: {escaped(sentence)}."
        for device in result.devices
        if (sentence := least_of(result, device))
    ]
    lines.append("")
    if result.notes:
        lines += ["## Notes", "", *(f"- {escaped(note)}" for note in result.notes), ""]
    return "\n".join(lines + _table(result))


def _section(title: str, verdicts: list[Verdict]) -> list[str]:
    if not verdicts:
        return []
    lines = [f"## {title}", ""]
    lines += [f"- **{escaped(v.series.words())}**: {escaped(v.sentence)}" for v in verdicts[:SHOWN]]
    if len(verdicts) > SHOWN:
        lines.append(f"- and {len(verdicts) - SHOWN} more")
    return [*lines, ""]


def _table(result: NightResult) -> list[str]:
    rows = sorted(result.verdicts, key=lambda v: (v.series, v.metric))
    if not rows:
        return []
    lines = [
        "<details><summary>Every model</summary>", "",
        "| Model | Device | | Status | |", "| --- | --- | --- | --- | --- |",
    ]  # fmt: skip
    for verdict in rows[:1000]:
        where = f"{verdict.series.device} ({verdict.series.condition})"
        cells = (
            verdict.series.model, where, metric_title(verdict.metric), str(verdict.status),
            verdict.sentence,
        )  # fmt: skip
        lines.append(f"| {' | '.join(map(escaped, cells))} |")
    return [*lines, "", "</details>", ""]
