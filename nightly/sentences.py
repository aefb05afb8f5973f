"""What is said of a model, in words: which, how much, how sure, since when."""

from __future__ import annotations

from collections.abc import Sequence

from foundation.wording import count_of, plain, shorten
from nightly.metrics import BY_NAME, Metric, Scale
from nightly.records import OK, Observation, Status, Verdict


def signed(metric: Metric, change: float, unit: bool = True) -> str:
    """A change in the metric's own unit, with its sign; no sign for nothing."""
    if metric.scale is Scale.RATIO:
        text, end = f"{100 * change:+.1f}", " %"
    else:
        text, end = f"{change:+.{1 if metric.unit == '%' else 3}f}", f" {metric.unit}"
    if not text.strip("+-0."):
        text = text.lstrip("+-")  # no sign for nothing
    return (text + (end if unit else "")).replace("-", "−")


def verdict_sentence(metric: Metric, verdict: Verdict) -> str:
    """One line about a metric: `latency +4.9 % (+3.9 to +5.9 %): 10.49 ms against ...`."""
    if verdict.value is None:
        return f"{metric.title} is not known"
    value = metric.value_words(verdict.value)
    if verdict.status is Status.NEW or verdict.change is None or verdict.reference is None:
        return f"{metric.title} is {value}; there is no earlier night to compare with"
    text = f"{metric.title} {signed(metric, verdict.change)}"
    if not metric.exact and verdict.low is not None and verdict.high is not None:
        low = signed(metric, verdict.low, unit=False)
        text += f" ({low} to {signed(metric, verdict.high)})"
    text += f": {value} tonight, {metric.value_words(verdict.reference)} {_reference(verdict)}"
    if verdict.status is Status.REGRESSION:
        text += f"; {_since(metric, verdict)}; {_how_sure(verdict)}"
    elif verdict.status is Status.UNCONFIRMED:
        text += "; looks worse, and is not sure: the next nights decide"
    elif verdict.status is Status.IMPROVED:
        text += "; 'nightly accept' would hold it to that"
    return text


def _reference(verdict: Verdict) -> str:
    if verdict.compared_with == "recent":
        return "in the recent past"
    return f"at the baseline (from night {verdict.baseline_night})"


def _since(metric: Metric, verdict: Verdict) -> str:
    if verdict.since is None:
        return "since tonight"
    when = f"night {verdict.since}"
    if verdict.since_low != verdict.since_high:
        when += f" (between nights {verdict.since_low} and {verdict.since_high})"
    if verdict.creep is not None:
        return f"creeping by {signed(metric, verdict.creep)} a night since {when}"
    return f"since {when}"


def _how_sure(verdict: Verdict) -> str:
    if verdict.p is None:
        return "read from the file, so certain"
    nights = "" if verdict.nights == 1 else f" over {count_of(verdict.nights, 'night')}"
    return f"seen twice tonight, p {p_words(verdict.p)}{nights}"


def p_words(p: float) -> str:
    """`= 0.0021`, `< 1e-9`."""
    return "< 1e-9" if p < 1e-9 else f"= {p:.2g}"


def outcome_sentence(
    look: Observation, status: Status, since: int | None, night: int, ever_ran: bool
) -> str:
    """One line about whether the model ran."""
    if look.outcome == OK:
        return "runs again" if status is Status.IMPROVED else "runs"
    words = shorten(
        f"does not run ({look.outcome}): {look.message or 'nothing more is known'}", 500
    )
    if status is Status.UNCONFIRMED:
        return f"{words}; it is not known whether it would have a second time"
    if status is Status.FINE:
        return f"{words}; accepted as known"
    when = "since tonight" if since == night else f"since night {since}"
    return f"{words}; tried twice; {when if ever_ran else 'it never ran on this device'}"


def common_sentences(verdicts: Sequence[Verdict]) -> list[str]:
    """Where most models of a device got worse at once: look at the device first."""
    found = []
    groups: dict[tuple[str, str, str], list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.metric in BY_NAME and verdict.status is not Status.NEW:
            key = (verdict.series.device, verdict.series.condition, verdict.metric)
            groups.setdefault(key, []).append(verdict)
    for (device, condition, metric), group in groups.items():
        worse = [v for v in group if v.status is Status.REGRESSION]
        if len(group) >= 4 and len(worse) > len(group) / 2:
            found.append(
                f"{len(worse)} of {len(group)} models on {plain(device)} ({plain(condition)}) got "
                f"worse in {BY_NAME[metric].title} together: look at the device, or at what all "
                "of them share, before you look at a model"
            )
    return found
