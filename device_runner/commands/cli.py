"""The commands `devices` and `bench`. Heavy modules load in their bodies, so --help is quick."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from device_runner.commands.bench_output import BenchResult
    from device_runner.device import Device
    from device_runner.measuring import Progress
    from device_runner.records import Measurement, MeasurePlan
    from foundation import Artifact, DeviceFailure

RUNNER_HELP = (
    "Run with this instead of our own runner: the folder of a bundle, or executor_runner=PATH for "
    "ExecuTorch's stock program. Phones only."
)
RunnerOption = Annotated[
    str | None, typer.Option(metavar="DIR|executor_runner=PATH", help=RUNNER_HELP)
]
WaitOption = Annotated[
    float,
    typer.Option(
        "--wait", min=0, metavar="SECONDS", help="Wait so long for a device that is in use."
    ),
]


# What `devices --tune` times when nobody says, by the kB of cache it is cut for; see `register`.
_default_artifacts: Callable[[], Mapping[int, Artifact]] | None = None


def register(
    app: typer.Typer, default_artifacts: Callable[[], Mapping[int, Artifact]] | None = None
) -> None:
    """Mount this package's commands.

    `default_artifacts` makes what a device is tuned with: one model, by the kB of cache that it is
    cut for, the usual one first.
    """
    global _default_artifacts
    _default_artifacts = default_artifacts
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
        from device_runner.commands.tuning_cli import tune_and_show

        return tune_and_show(tune, *_to_time(artifact), as_json=json)
    from device_runner.devices.discovery import survey
    from device_runner.devices.listing import clean_all, look, show
    from foundation.console import print_json

    found = survey()
    rows = look(found, clean_all(found) if clean else {})
    if json:
        print_json([row.to_dict() for row in rows])
    else:
        show(rows, found.problem)
    return None


def _to_time(path: Path | None) -> tuple[Artifact, Mapping[int, Artifact]]:
    """The artifact that a device is tuned with, and its forms where there are several.

    Raises:
        RequestError: there is none, or it cannot be read.
    """
    from foundation import RequestError, load_artifact

    if path is not None:
        return load_artifact(path), {}
    if _default_artifacts is None:
        raise RequestError("say what to time with --artifact: an exported artifact's folder")
    forms = _default_artifacts()
    return next(iter(forms.values())), forms if len(forms) > 1 else {}


def bench(
    artifact: Annotated[
        Path, typer.Argument(help="An artifact's folder, or the .pte inside.", show_default=False)
    ],
    device: Annotated[
        str, typer.Option(help="'auto', 'host', a serial, or 'all' that are ready.")
    ] = "auto",
    runner: RunnerOption = None,
    wait: WaitOption = 0.0,
    threads: Annotated[
        int | None,
        typer.Option(min=1, help="Threads; default: what the device suggests, usually its cores."),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            help="A second artifact, timed in the same rounds: which is faster, how sure?"
        ),
    ] = None,
    sessions: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=1000,
            help=r"Launches of the runner, of each \[5]; with --against at most so many \[9].",
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=2**32, help="Repeat the order of another run's launches."),
    ] = None,
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

    Nothing is timed before the device's answer equals eager PyTorch's. With --against, both run in
    the same rounds, and no more rounds than it takes to tell them apart.

    Example: mobilesr-tune bench exported/ntire2022 --threads 2 --sessions 9

    Example: mobilesr-tune bench exported/new --against exported/old
    """
    from device_runner.commands.bench_output import show
    from device_runner.devices.discovery import ALL, open_devices
    from device_runner.measuring.order import fresh_seed
    from device_runner.records import MeasurePlan, TimingPlan
    from foundation import RequestError, load_artifact, require_writable
    from foundation.console import err, print_json

    loaded = [load_artifact(path) for path in (artifact, against) if path is not None]
    if output is not None:
        if device == ALL:
            raise RequestError("--output holds one measurement: name one device instead of 'all'")
        require_writable(output)
    plan = MeasurePlan(
        sessions=sessions or (5 if against is None else 9),
        timing=TimingPlan(min_iterations=iterations, min_time_s=min_time_s),
        timeout_s=timeout_s,
        seed=fresh_seed() if seed is None else seed,
    )
    selections = open_devices(device, runner=runner)
    err.say(selections.sentence)
    results, last_failure = _bench_each(selections.devices, loaded, plan, threads, wait)
    for result in results:
        if output is not None:
            result.measurements[0].save(output)
        if not json:
            show(loaded, result)
    if json:
        documents = [result.to_dict(loaded) for result in results]
        print_json({"devices": documents} if device == ALL else documents[0])
    if last_failure is not None:
        raise last_failure


def _bench_each(
    devices: tuple[Device, ...],
    artifacts: list[Artifact],
    plan: MeasurePlan,
    threads: int | None,
    wait_s: float,
) -> tuple[list[BenchResult], DeviceFailure | None]:
    """Measure on one device after the other; a failure is told, and the last one returned.

    Raises:
        DeviceFailure: no device gave a measurement.
    """
    from device_runner.commands.ending import telling_what_is_left
    from foundation import DeviceFailure
    from foundation.console import err

    results: list[BenchResult] = []
    failures: list[DeviceFailure] = []
    for number, device in enumerate(devices):
        try:
            with device, telling_what_is_left(device):
                results.append(_bench_one(device, artifacts, plan, threads, wait_s))
        except DeviceFailure as error:
            failures.append(error)
            if number + 1 < len(devices):
                err.say(str(error), style="red")
    if failures and not results:
        raise failures[-1]
    return results, failures[-1] if failures else None


def _bench_one(
    device: Device,
    artifacts: list[Artifact],
    plan: MeasurePlan,
    threads: int | None,
    wait_s: float,
) -> BenchResult:
    from device_runner.commands.bench_output import BenchResult
    from device_runner.devices.claiming import claim
    from device_runner.errors import DeviceBusy
    from foundation.console import err

    choice = device.suggest_threads()
    if threads is None:
        err.say(f"Threads: {choice.threads}, {choice.why}.")
    plan = plan.model_copy(
        update={
            "threads": threads or choice.threads,
            "cpus": choice.cpus if threads is None else (),
        }
    )
    try:
        with claim(device, wait_s, lambda text: err.say(text)):
            measurements, level = _measure_with_progress(device, artifacts, plan)
    except DeviceBusy as error:
        raise DeviceBusy(
            f"{error}; or have this command wait, with --wait SECONDS", holder=error.holder
        ) from None
    return BenchResult(measurements, device.pushed, level, plan.sessions)


def _measure_with_progress(
    device: Device, artifacts: list[Artifact], plan: MeasurePlan
) -> tuple[tuple[Measurement, ...], float]:
    from device_runner.measuring import measure, measure_until_told
    from foundation.console import progress_bar

    with progress_bar("launches") as bar:
        task = bar.add_task("starting", total=(plan.sessions + 1) * len(artifacts))

        def show(progress: Progress) -> None:
            speed = bar.tasks[0].speed
            rate = f", {60 * speed:.1f} a minute" if speed else ""
            bar.update(
                task,
                completed=progress.done,
                total=progress.total,
                description=progress.next_step + rate,
            )

        if len(artifacts) > 1:
            return measure_until_told(device, artifacts, plan, show)
        one = measure(device, artifacts[0], plan, on_progress=show)
        return (one,), 1 - plan.confidence
