"""A night as JUnit XML, as CI systems read it: one test case a model, device and metric.

A `testsuite` is a device under a condition. A regression is a `failure`; a device that could not
be measured on is an `error` of every model that was to run there.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

from foundation.wording import plain, shorten
from nightly.metrics import LATENCY, RUNS
from nightly.night import NightResult
from nightly.outputs.least import least_words
from nightly.outputs.told import least_of, metric_title, next_steps, stand_in_sentences
from nightly.records import DeviceNight, Status, Verdict

_TEXT = 4000


def junit_xml(result: NightResult, page: Path | None = None) -> str:
    """The whole document; a failure names the next steps, and the `page` that shows it."""
    night = result.night
    after = "".join(f"\n{words}: {command}" for words, command in next_steps(result))
    after += f"\nPage: {page}" if page is not None else ""
    root = ET.Element("testsuites", name=_attribute(f"nightly {result.suite}"))
    for device in result.devices:
        verdicts = [
            verdict
            for verdict in result.verdicts
            if (verdict.series.device, verdict.series.condition)
            == (device.device, device.condition)
        ]
        suite = ET.SubElement(
            root,
            "testsuite",
            name=_attribute(f"{device.device} ({device.condition})"),
            timestamp=night.started_at.strftime("%Y-%m-%dT%H:%M:%S"),
            hostname=_attribute(device.device),
            time=f"{sum(_seconds(result, device).values()):.1f}",
        )
        properties = ET.SubElement(suite, "properties")
        told = [("night", str(night.number)), ("suite", result.suite)]
        told += [("stand-in", sentence) for sentence in stand_in_sentences(result, device)]
        if sentence := least_of(result, device):
            told.append(("could-have-found", sentence))
        for name, value in told:
            ET.SubElement(properties, "property", name=name, value=_attribute(value))
        cases = _cases(suite, result, device, verdicts, after)
        _count(suite, cases)
    totals = {
        name: sum(int(suite.get(name, "0")) for suite in root)
        for name in ("tests", "failures", "errors", "skipped")
    }
    for name, total in totals.items():
        root.set(name, str(total))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, "unicode") + "\n"


def _cases(
    suite: ET.Element,
    result: NightResult,
    device: DeviceNight,
    verdicts: Sequence[Verdict],
    after: str,
) -> int:
    where = f"{result.suite}.{device.device}.{device.condition}"
    if device.failure:
        for model in result.models:
            case = _case(suite, where, model, "measured")
            error = ET.SubElement(
                case, "error", type="device", message=_attribute(shorten(device.failure))
            )
            error.text = _text(device.failure)
        return len(result.models)
    seconds = _seconds(result, device)
    for verdict in verdicts:
        case = _case(suite, where, verdict.series.model, metric_title(verdict.metric))
        # All metrics come from the same sessions: their time stands once, so that times add up.
        if verdict.metric == RUNS:
            case.set("time", f"{seconds.get(verdict.series.model, 0.0):.1f}")
        if verdict.status is Status.REGRESSION:
            failure = ET.SubElement(
                case, "failure", type="regression", message=_attribute(shorten(verdict.sentence))
            )
            failure.text = _text(f"{verdict.series.words()}: {verdict.sentence}{after}")
        else:
            words = [f"{verdict.status}: {verdict.sentence}", least_words(verdict)]
            ET.SubElement(case, "system-out").text = _text("; ".join(filter(None, words)))
    return len(verdicts)


def _seconds(result: NightResult, device: DeviceNight) -> dict[str, float]:
    """How long each model took on a device: its sessions, each as long as the usual one there."""
    found: dict[str, float] = {}
    for seen in result.observations:
        if (seen.series.device, seen.series.condition) == (device.device, device.condition):
            sessions = len(seen.readings.get(LATENCY.name, ()))
            took_s = sessions * (device.session_s or 0.0)
            found[seen.series.model] = found.get(seen.series.model, 0.0) + took_s
    return found


def _case(suite: ET.Element, where: str, model: str, what: str) -> ET.Element:
    return ET.SubElement(
        suite,
        "testcase",
        classname=_attribute(f"{where}.{model}"),
        name=_attribute(f"{model}: {what}"),
        time="0",
    )


def _count(suite: ET.Element, cases: int) -> None:
    suite.set("tests", str(cases))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("errors", str(len(suite.findall("testcase/error"))))
    suite.set("skipped", "0")


def _attribute(text: str) -> str:
    """Without what XML 1.0 cannot hold: device names are not ours."""
    return _legal(plain(text))[:500]


def _text(text: str) -> str:
    return "\n".join(_legal(plain(line)) for line in text.splitlines())[:_TEXT]


def _legal(text: str) -> str:
    ranges = ((" ", "\ud7ff"), ("\ue000", "\ufffd"), ("\U00010000", "\U0010ffff"))
    return "".join(c for c in text if any(low <= c <= high for low, high in ranges))
