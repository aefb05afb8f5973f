"""What `devices --tune` does and prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_runner.flags import flag_sentence
from device_runner.measuring.tuned import TunedSetting, TuningReport, remember

if TYPE_CHECKING:
    from rich.table import Table

    from foundation import Artifact


def tune_and_show(device: str, artifact: Artifact, *, as_json: bool) -> None:
    """Sweep, remember what was found, and print it.

    Raises:
        DeviceUnknownError, MeasurementFailed, foundation.DeviceFailure: see `tuning.tune`.
    """
    from device_runner.devices.discovery import open_device
    from device_runner.measuring import Progress
    from device_runner.measuring.tuning import tune
    from foundation.console import err, out, print_json, progress_bar

    selection = open_device(device)
    with selection.device as opened, progress_bar("sessions") as bar:
        err.print(selection.sentence, markup=False)
        task = bar.add_task("starting", total=None)

        def show(progress: Progress) -> None:
            bar.update(
                task,
                completed=progress.done,
                total=progress.total,
                description=progress.next_step,
            )

        report = tune(opened, artifact, on_progress=show)
    path = remember(report)
    if as_json:
        print_json(report.to_dict())
        return
    out.print(_table(report))
    best = report.best
    bound = f" on CPUs {', '.join(map(str, best.cpus))}" if best.cpus else ""
    out.print(f"Best: {_counted(best.threads, 'thread')}{bound} ({report.why}).", markup=False)
    for flag in report.flags:
        out.print(flag_sentence(flag), markup=False, highlight=False)
    if report.profile.stand_in_note:
        out.print(report.profile.stand_in_note, markup=False)
    out.print(
        f"From now on this is what 'bench' and 'search' use on such a device; remove {path} to "
        "undo it. Larger models may want more threads: tune with one like yours (--artifact).",
        markup=False,
        soft_wrap=True,
    )


def _counted(number: int, thing: str) -> str:
    """The number with its noun, in the plural where there are several."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _table(report: TuningReport) -> Table:
    from rich.markup import escape
    from rich.table import Table

    name = f"{report.candidate_key[:120]} on {report.serial}"
    table = Table("threads", "cores", "CPUs", "latency", "95 % interval", "", title=escape(name))
    for number, one in enumerate(report.settings):
        table.add_row(
            str(one.threads),
            escape(one.placement),
            ", ".join(map(str, one.cpus)) or "-",
            "-" if one.latency_ms is None else f"{one.latency_ms:.2f} ms",
            "-" if one.low_ms is None else f"{one.low_ms:.2f} to {one.high_ms:.2f}",
            escape(_remark(one, chosen=number == report.chosen)),
        )
    return table


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
