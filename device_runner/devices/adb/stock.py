"""A stock `executor_runner` on an Android device: one launch an input, its log instead of ours.

It takes float32 only, has no warm-up of its own and bounds no memory; what its log does not tell
stays unknown in the session (`SessionRecord.unknown`).
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from device_runner.bundles.stock import StockLogError, StockSession, arguments, parse_log
from device_runner.devices.adb.bundle import BundleFile
from device_runner.devices.adb.device import AdbDevice
from device_runner.devices.adb.launch import Launched, new_run
from device_runner.errors import InputRefusedError, RunnerBrokenError
from device_runner.launching.checks import check_request, element_count, name_of
from device_runner.launching.launches import RunReport, RunRequest
from device_runner.launching.outcomes import exit_words, last_line, why_forbidden
from device_runner.launching.protocol import MAX_ITERATIONS
from device_runner.launching.reporting import check_timed
from device_runner.records import DeviceProfile, Outcome, SessionRecord
from foundation import sha256_of

NAME = "executor_runner"
# As long as nothing is known of a model's speed.
_FIRST_GUESS = 10
_LOG_BYTES = 1 << 20
# Of the process that the run's folder names; nothing where this Android has no such option.
_LOGCAT = """\
read -r pid < "$1/runner" && logcat -d --pid="$pid" 2> /dev/null | tail -c "$2"
"""
# What its shell says when the program cannot be started at all.
_CANNOT_START = (126, 127)
_BAD_FILE = (b"Failed to parse model file", b"Loading of method", b"Program::load")
_RUNTIME = "executorch, version not told"


@dataclass(frozen=True)
class StockBundle:
    """A `RunnerBundle` of one file: the program that `--runner executor_runner=PATH` names."""

    path: Path

    @property
    def folder(self) -> Path:
        return self.path.parent

    @property
    def abi(self) -> str:
        """Whatever it was built for: a wrong one does not start."""
        return "any"

    @property
    def key(self) -> str:
        return sha256_of(self.path)

    @property
    def runtime(self) -> str:
        return _RUNTIME

    @property
    def files(self) -> tuple[BundleFile, ...]:
        return (BundleFile(self.path.name, self.key, True),)

    @property
    def start(self) -> tuple[str, ...]:
        return (f"./{self.path.name}",)


class StockAdbDevice(AdbDevice):
    """An Android device on which `executor_runner` runs the artifacts."""

    _iteration_ms: float | None = None

    def profile(self) -> DeviceProfile:
        profile = super().profile()
        return profile.model_copy(update={"runner": f"stock {NAME} {self._runner().key[:12]}"})

    def run(self, request: RunRequest) -> RunReport:
        self._lease.require()
        check_request(request)
        if request.artifact.manifest.takes_pixels:
            raise InputRefusedError(
                f"{name_of(request.artifact)} takes uint8, and {NAME} is fed float32 only: use our "
                "own runner, or export it with --io float"
            )
        if request.cpus or request.memory_limit_mb is not None:
            raise InputRefusedError(
                f"{NAME} can neither be given CPUs nor a memory limit: leave them out, or use our "
                "own runner"
            )
        # Its times come from a launch of their own, as an output is written once a launch.
        only_times = request.timing is not None and request.output_dir is None
        reports = [
            self._one(request, index, path)
            for index, path in enumerate(() if only_times else request.inputs)
        ]
        failed = [report for report in reports if report.outcome is not Outcome.OK]
        if failed:
            return failed[0]
        timed = self._one(request, None, request.inputs[0]) if request.timing else reports[0]
        return RunReport(
            outcome=timed.outcome,
            message=timed.message,
            duration_s=timed.duration_s,
            session=timed.session,
            outputs=tuple(path for report in reports for path in report.outputs)
            if timed.outcome is Outcome.OK
            else (),
        )

    def _one(self, request: RunRequest, index: int | None, source: Path) -> RunReport:
        """One launch: for the output of input `index`, or with None for its times."""
        sha256 = sha256_of(source)
        return self._once_more_if_cleared(
            lambda: self._one_launch(request, index, source, sha256),
            [request.artifact.manifest.sha256, sha256],
        )

    def _one_launch(
        self, request: RunRequest, index: int | None, source: Path, sha256: str
    ) -> RunReport:
        bundle = self._runner()
        keep = {bundle.key, request.artifact.manifest.sha256, sha256}
        folder = self._place(request, bundle_keep=keep, inputs=[(source, sha256)])
        run = new_run()
        command = [
            *bundle.start,
            *arguments(
                self._storage.blob(request.artifact.manifest.sha256),
                [self._storage.blob(sha256)],
                output_base=f"{run}/out/stock",
                executions=1 if index is not None else self._executions(request),
                threads=request.threads,
            ),
        ]
        launched = self._launch(
            run, folder, command, request.timeout_s, 4 * _output_elements(request), keep
        )
        try:
            return self._judged(request, run, launched, index)
        finally:
            if not self._connection.doubtful:
                self._tidy(run)

    def _place(
        self, request: RunRequest, *, bundle_keep: Collection[str], inputs: list[tuple[Path, str]]
    ) -> str:
        """Have everything there; returns the runner's folder."""
        self._push(request.artifact, bundle_keep)
        folder, pushed = self._storage.ensure_bundle(self._runner(), bundle_keep)
        self._pushed.runner_bytes += pushed
        self._pushed.inputs_bytes += self._storage.ensure_blobs(inputs, bundle_keep)
        if request.timing is not None:
            self._conditions.set(self.hardware())
        return folder

    def _executions(self, request: RunRequest) -> int:
        """The first run, a warm-up, and as many as the time asked for needs, by the last launch."""
        timing = request.timing
        assert timing is not None
        by_time = (
            math.ceil(timing.min_time_s * 1e3 / self._iteration_ms)
            if self._iteration_ms
            else _FIRST_GUESS
        )
        wanted = 1 + timing.min_warmup + max(timing.min_iterations, by_time)
        return min(wanted, MAX_ITERATIONS)

    def _judged(
        self, request: RunRequest, run: str, launched: Launched, index: int | None
    ) -> RunReport:
        told = launched.stdout + b"\n" + launched.stderr
        if b"Model executed successfully" not in told:
            told += b"\n" + self._logcat(run)
        shown, name = self._connection.shown, name_of(request.artifact)

        def ended(outcome: Outcome, words: str) -> RunReport:
            return RunReport(outcome, f"{name} {words} on device {shown}", launched.duration_s)

        if launched.timed_out:
            return ended(Outcome.TIMED_OUT, f"was stopped at its limit of {request.timeout_s:g} s")
        if launched.exit_code in _CANNOT_START:
            why = why_forbidden(launched.stderr) or f"is it built for {self.hardware().abi}?"
            raise RunnerBrokenError(
                f"{NAME} does not start on device {shown} ({last_line(launched.stderr)}): {why}"
            )
        if launched.exit_code:
            words = exit_words(launched.exit_code)
            if "SIGKILL" in words:
                return ended(Outcome.OUT_OF_MEMORY, "ran out of memory")
            outcome = Outcome.BAD_FILE if any(b in told for b in _BAD_FILE) else Outcome.CRASHED
            return ended(outcome, f"ended with {words} ({last_line(launched.stderr)})")
        try:
            stock = parse_log(
                told[:_LOG_BYTES].decode("utf-8", "replace"),
                threads=request.threads,
                runtime_version=_RUNTIME,
            )
        except StockLogError as error:
            raise RunnerBrokenError(
                f"{NAME} on device {shown} ended well, but {error}: build it with "
                "-DEXECUTORCH_ENABLE_LOGGING=ON and -DEXECUTORCH_PAL_DEFAULT=posix"
            ) from error
        session = self._session(request, stock, timed=index is None)
        if index is None:
            check_timed(request, session, shown)
        wanted = index is not None and request.output_dir is not None
        outputs = (self._output(request, run, index or 0),) if wanted else ()
        return RunReport(
            Outcome.OK, f"{name} ran on device {shown}", launched.duration_s,
            session, outputs,
        )  # fmt: skip

    def _session(self, request: RunRequest, stock: StockSession, *, timed: bool) -> SessionRecord:
        """Its iterations as ours: the first few are the warm-up; whether it sufficed is unknown."""
        session = stock.session
        if not timed:
            return session.model_copy(update={"iteration_ns": (), "unknown": stock.unknown})
        assert request.timing is not None
        each = session.iteration_ns
        self._iteration_ms = max(sum(each) / len(each) / 1e6, 1e-6) if each else None
        skip = min(request.timing.min_warmup, max(0, len(each) - 1))
        unknown = tuple(name for name in stock.unknown if name != "warmup_ms" or not skip)
        return session.model_copy(
            update={
                "warmup_ms": tuple(ns / 1e6 for ns in each[:skip]),
                "iteration_ns": each[skip:],
                "unknown": unknown,
            }
        )

    def _output(self, request: RunRequest, run: str, index: int) -> Path:
        """Fetch the one output; `uint8` is made here, as our runner makes it there."""
        assert request.output_dir is not None
        raw = request.output_dir / f"out-{index}.f32"
        path = request.output_dir / f"out-{index}.bin"
        size = 4 * _output_elements(request)
        self._connection.pull([(f"{run}/out/stock-0.bin", raw)], size=size)
        values = np.fromfile(raw, "<f4")
        if request.output_dtype == "uint8":
            # As the runner: clamp to [0, 1], scale, round.
            scaled = np.nan_to_num(values, nan=0.0).clip(0, 1) * np.float32(255)
            np.rint(scaled).astype(np.uint8).tofile(path)
            raw.unlink()
        else:
            raw.replace(path)
        return path

    def _logcat(self, run: str) -> bytes:
        return self._connection.script(
            _LOGCAT, run, str(_LOG_BYTES), doing="asked for a log"
        ).stdout


def _output_elements(request: RunRequest) -> int:
    return element_count(request.artifact.manifest.outputs[0].shape)
