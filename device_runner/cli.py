"""The commands `devices` and `bench`. Heavy modules load in their bodies, so --help is quick."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.table import Table

    from device_runner.device import Device
    from device_runner.measuring import Progress
    from device_runner.records import Measurement, MeasurePlan
    from foundation import Artifact


# What `devices --tune` times when nobody says; see `register`.
_default_artifact: Callable[[], Artifact] | None = None


def register(app: typer.Typer, default_artifact: Callable[[], Artifact] | None = None) -> None:
    """Mount this package's commands. `default_artifact` makes what a device is tuned with."""
    global _default_artifact
    _default_artifact = default_artifact
    app.command()(devices)
    app.command()(bench)


def devices(
    clean: Annotated[
        bool, typer.Option("--clean", help="Remove our files from every phone, then list.")
    ] = False,
    tune: Annotated[
        str | None,
        typer.Option(
            metavar="SERIAL",
            help="Find this device's best threads and cores, and keep them; 'auto' chooses it.",
        ),
    ] = None,
    artifact: Annotated[
        Path | None, typer.Option(help="With --tune: what to time, an exported artifact.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")] = False,
) -> None:
    """List the devices that candidates can be measured on, and what keeps others from it.

    Example: mobilesr-tune devices --json

    Example: mobilesr-tune devices --tune auto --artifact exported/ntire2022
    """
    if tune is not None:
        from device_runner.tuning_cli import tune_and_show

        return tune_and_show(tune, _to_time(artifact), as_json=json)
    from device_runner.device_list import clean_all, look, show
    from device_runner.discovery import survey
    from foundation.console import print_json

    found = survey()
    if clean:
        clean_all(found)
    rows = look(found)
    if json:
        print_json([row.to_dict() for row in rows])
    else:
        show(rows, found.problem)
    return None


def _to_time(path: Path | None) -> Artifact:
    """The artifact that a device is tuned with. Raises `RequestError`."""
    from foundation import RequestError, load_artifact

    if path is not None:
        return load_artifact(path)
    if _default_artifact is None:
        raise RequestError("say what to time with --artifact: an exported artifact's folder")
    return _default_artifact()


def bench(
    artifact: Annotated[
        Path, typer.Argument(help="An artifact's folder, or the .pte inside.", show_default=False)
    ],
    device: Annotated[str, typer.Option(help="Serial of a device, or 'auto'.")] = "auto",
    threads: Annotated[
        int | None,
        typer.Option(min=1, help="Threads; default: what the device suggests, usually its cores."),
    ] = None,
    sessions: Annotated[int, typer.Option(min=1, max=1000, help="Launches of the runner.")] = 3,
    iterations: Annotated[
        int, typer.Option(min=1, max=1_000_000, help="Timed runs a session, at least.")
    ] = 10,
    min_time_s: Annotated[
        float, typer.Option(min=0, help="Timed seconds a session, at least.")
    ] = 1.0,
    timeout_s: Annotated[float, typer.Option(min=1, help="Limit for one session.")] = 300.0,
    json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")] = False,
    output: Annotated[
        Path | None, typer.Option(help="Write the measurement, raw samples included, here.")
    ] = None,
) -> None:
    """Verify an exported artifact on a device, then time it.

    Nothing is timed before the device's answer equals eager PyTorch's.

    Example: mobilesr-tune bench exported/ntire2022 --threads 2 --sessions 5
    """
    from device_runner.discovery import open_device
    from device_runner.records import MeasurePlan, TimingPlan
    from foundation import load_artifact, require_writable
    from foundation.console import err

    loaded = load_artifact(artifact)
    if output is not None:
        require_writable(output)
    selection = open_device(device)
    with selection.device as opened:
        err.print(selection.sentence, markup=False)
        choice = opened.suggest_threads()
        if threads is None:
            err.print(f"Threads: {choice.threads}, {choice.why}.", markup=False)
        plan = MeasurePlan(
            sessions=sessions,
            timing=TimingPlan(min_iterations=iterations, min_time_s=min_time_s),
            threads=threads or choice.threads,
            cpus=() if threads else choice.cpus,
            timeout_s=timeout_s,
        )
        measurement = _measure_with_progress(opened, loaded, plan)
    if output is not None:
        measurement.save(output)
    _show(loaded, measurement, as_json=json)


def _show(artifact: Artifact, measurement: Measurement, *, as_json: bool) -> None:
    from foundation.console import out, print_json

    note = measurement.device.stand_in_note
    if as_json:
        print_json(
            {
                "measurement": measurement.to_dict(),
                "delegated_ops": artifact.manifest.delegated_op_count,
                "undelegated_ops": artifact.manifest.undelegated_op_count,
                "note": note,
            }
        )
        return
    out.print(_bench_table(artifact, measurement))
    if note:
        out.print(note)


def _measure_with_progress(device: Device, artifact: Artifact, plan: MeasurePlan) -> Measurement:
    from device_runner.measuring import measure
    from foundation.console import progress_bar

    with progress_bar("launches") as bar:
        task = bar.add_task("starting", total=plan.sessions + 1)

        def show(progress: Progress) -> None:
            speed = bar.tasks[0].speed
            rate = f", {60 * speed:.1f} a minute" if speed else ""
            bar.update(
                task,
                completed=progress.done,
                total=progress.total,
                description=progress.next_step + rate,
            )

        return measure(device, artifact, plan, on_progress=show)


def _bench_table(artifact: Artifact, measurement: Measurement) -> Table:
    from rich.markup import escape
    from rich.table import Table

    estimate, verification = measurement.estimate, measurement.verification
    manifest = artifact.manifest
    confidence = f"{100 * measurement.plan.confidence:g} % interval"
    if "few_sessions" in measurement.flags:
        confidence = "range of the sessions"
    table = Table(
        title=escape(f"{manifest.candidate_key} on {measurement.serial}"), show_header=False
    )
    rows = {
        "load": f"{estimate.load_ms:.2f} ms",
        "first run": f"{estimate.first_run_ms:.2f} ms",
        "median": f"{estimate.latency_ms:.2f} ms",
        confidence: f"{estimate.latency_low_ms:.2f} to {estimate.latency_high_ms:.2f} ms",
        "p10 / p90": f"{estimate.p10_ms:.2f} / {estimate.p90_ms:.2f} ms",
        "peak memory": f"{estimate.peak_memory_mb:.1f} MB",
        "sessions, iterations": f"{estimate.sessions}, {estimate.iterations}",
        "threads": str(measurement.threads),
        "delegated ops": str(manifest.delegated_op_count),
        "undelegated ops": str(manifest.undelegated_op_count),
        "max abs error": f"{verification.max_abs_error:.3g} (allowed {verification.tolerance:.3g})",
        "flags": ", ".join(measurement.flags) or "none",
        "device": f"{measurement.device.model}, {measurement.device.soc}",
        "runtime": measurement.device.runtime,
    }
    for name, value in rows.items():
        table.add_row(name, escape(value))
    return table
