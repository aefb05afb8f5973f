"""What `devices --tune` does and prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from device_runner.flags import flag_sentence
from device_runner.measuring.tuned import TunedSetting, TuningReport, remember, tuning_file
from foundation.files import require_writable

if TYPE_CHECKING:
    from rich.table import Table

    from foundation import Artifact


def tune_and_show(
    device: str, artifact: Artifact, cut: Mapping[int, Artifact], *, as_json: bool
) -> None:
    """Sweep, remember what was found, and print it. For `cut` see `tuning.tune`.

    Raises:
        DeviceUnknownError, MeasurementFailed, foundation.DeviceFailure: see `tuning.tune`.
    """
    from device_runner.commands.ending import telling_what_is_left
    from device_runner.devices.discovery import open_device
    from device_runner.measuring import Progress
    from device_runner.measuring.tuning import tune
    from foundation.console import err, out, print_json, progress_bar

    selection = open_device(device)
    with selection.device as opened, progress_bar("sessions") as bar:
        err.say(selection.sentence)
        task = bar.add_task("starting", total=None)

        def show(progress: Progress) -> None:
            bar.update(
                task,
                completed=progress.done,
                total=progress.total,
                description=progress.next_step,
            )

        require_writable(tuning_file(opened.profile()))
        with telling_what_is_left(opened):
            report = tune(opened, artifact, cut=cut, on_progress=show)
    path = remember(report)
    if as_json:
        print_json(report.to_dict())
        return
    out.print(_table(report))
    best = report.best
    bound = f" on CPUs {', '.join(map(str, best.cpus))}" if best.cpus else ""
    out.say(f"Best: {_counted(best.threads, 'thread')}{bound} ({report.why}).")
    if report.strips:
        out.print(_strips_table(report))
        out.say(f"Best cut for {report.strip_kb} kB of cache.")
    else:
        out.say(
            "How the model is best cut for the caches was not tried: for that, give no --artifact."
        )
    for flag in report.flags:
        out.say(flag_sentence(flag))
    if report.profile.stand_in_note:
        out.say(report.profile.stand_in_note)
    out.say(
        f"From now on this is what 'bench' and 'search' use on such a device; remove {path} to "
        "undo it. Larger models may want more threads: tune with one like yours (--artifact)."
    )


def _counted(number: int, thing: str) -> str:
    """The number with its noun, in the plural where there are several."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _table(report: TuningReport) -> Table:
    from rich.table import Table
    from rich.text import Text

    name = f"{report.candidate_key[:120]} on {report.serial}"
    table = Table("threads", "cores", "CPUs", "latency", "95 % interval", "", title=Text(name))
    for number, one in enumerate(report.settings):
        table.add_row(
            str(one.threads),
            Text(one.placement),
            ", ".join(map(str, one.cpus)) or "-",
            *_timed(one),
            Text(_remark(one, chosen=number == report.chosen)),
        )
    return table


def _strips_table(report: TuningReport) -> Table:
    from rich.table import Table

    table = Table("strips for", "latency", "95 % interval", "")
    for one in report.strips:
        table.add_row(
            f"{one.strip_kb} kB" if one.strip_kb else "none: whole",
            *_timed(one),
            _remark(one, chosen=one.strip_kb == report.strip_kb),
        )
    return table


def _timed(setting: TunedSetting) -> tuple[str, str]:
    """Latency and interval, for a cell each."""
    return (
        "-" if setting.latency_ms is None else f"{setting.latency_ms:.2f} ms",
        "-" if setting.low_ms is None else f"{setting.low_ms:.2f} to {setting.high_ms:.2f}",
    )


def _remark(setting: TunedSetting, *, chosen: bool) -> str:
    if chosen:
        return "best"
    if setting.failure:
        return f"failed: {setting.failure}"
    return (
        ""
        if setting.low_ms is not None
        else (f"given up after {_counted(setting.sessions, 'session')}")
    )
