"""A phone, an emulator or a board behind adb, as the device that the rest of the tool knows."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from device_runner.conditions import Conditions, Reading
from device_runner.device import Device, PushReport, PushTotals, ThreadChoice
from device_runner.devices.adb.bounds import DEFAULT_BOUNDS, Bounds
from device_runner.devices.adb.bundle import (
    NO_RUNNER,
    BundleFinder,
    RunnerBundle,
    RunnerMissingError,
)
from device_runner.devices.adb.claim import DeviceClaim
from device_runner.devices.adb.connection import Connection
from device_runner.devices.adb.launch import (
    Launched,
    RunClearedError,
    kill_leftovers,
    launch,
    new_run,
    remove_run,
)
from device_runner.devices.adb.profile import Hardware, read_hardware
from device_runner.devices.adb.server import AdbServer
from device_runner.devices.adb.storage import CONDITIONS_COPY, DEFAULT_BUDGET_BYTES, Storage
from device_runner.devices.adb.tools import require_tools
from device_runner.devices.lease import Lease
from device_runner.errors import (
    DeviceLost,
    DeviceStorageError,
    InputRefusedError,
    RunnerBrokenError,
)
from device_runner.launching.checks import check_artifact, check_cpus, check_request
from device_runner.launching.kernel_facts import UPTIME, parsed_uptime_s
from device_runner.launching.launches import RunReport, RunRequest
from device_runner.launching.outcomes import Ended, LaunchOutcome, judge
from device_runner.launching.reporting import (
    output_bytes,
    run_report,
    runner_arguments,
    wrong_outputs,
)
from device_runner.measuring.tuned import tuned_choice
from device_runner.records import DeviceProfile, Outcome
from foundation import Artifact, sha256_of
from foundation.signals import signals_deferred

_LAST_WORD_S = 2.0
# What a run may take beside its own limit: outputs come back, and what it left is removed.
_RUN_GRACE_S = 120.0


class AdbDevice(Device):
    """Runs artifacts on an Android device; each launch is a process of its own there.

    Nothing is asked of the device before the first call. A device that went away is waited for,
    `patience_s` at most, at the start of each later call; one that came back is tidied up first.
    `bundles` finds its runner: by default this host's own for its ABI.
    """

    def __init__(
        self,
        serial: str,
        *,
        server: AdbServer | None = None,
        bundles: BundleFinder,
        patience_s: float = 10.0,
        budget_bytes: int = DEFAULT_BUDGET_BYTES,
        bounds: Bounds = DEFAULT_BOUNDS,
    ) -> None:
        self._connection = Connection(
            serial, server or AdbServer(), patience_s=patience_s, bounds=bounds
        )
        self._storage = Storage(self._connection, budget_bytes=budget_bytes)
        self._claim = DeviceClaim(self._connection)
        self._conditions_held: Conditions | None = None
        self._lease = Lease(serial)
        self._bundles = bundles
        self._hardware: Hardware | None = None
        self._bundle: RunnerBundle | None = None
        self._pushed = PushTotals()
        self._fit = False

    @property
    def pushed(self) -> PushTotals:
        return self._pushed

    @property
    def serial(self) -> str:
        return self._connection.serial

    @property
    def _conditions(self) -> Conditions:
        # Whatever address it is reached by, what was changed on it is kept in one place.
        if self._conditions_held is None:
            identity = self.hardware().identity
            self._conditions_held = Conditions(
                self.serial, self._connection, CONDITIONS_COPY, identity
            )
        return self._conditions_held

    def hardware(self) -> Hardware:
        """What the device is, beside the runner. Raises `DeviceLost`."""
        if self._hardware is None:
            self._revive()
            self._hardware = read_hardware(self._connection)
        return self._hardware

    def profile(self) -> DeviceProfile:
        hardware = self.hardware()
        try:
            bundle: RunnerBundle | None = self._runner()
        except RunnerMissingError:
            bundle = None
        return DeviceProfile(
            kind=hardware.kind,
            model=hardware.model,
            soc=hardware.soc,
            abi=hardware.abi,
            os_build=hardware.os_build,
            cores=hardware.cores,
            ram_mb=hardware.ram_mb,
            runtime=bundle.runtime if bundle else NO_RUNNER,
            runner=f"bundle {bundle.key[:12]}" if bundle else NO_RUNNER,
        )

    def suggest_threads(self) -> ThreadChoice:
        if (tuned := tuned_choice(self.profile())) is not None:
            return tuned
        hardware = self.hardware()
        big, unknown = len(hardware.big_cpus), len(hardware.unknown_cpus)
        if not hardware.clusters:
            return ThreadChoice(big, "one for each core, for it does not tell which are fast")
        but = hardware.cores - big - unknown
        left_out = [f"the {but} slowest"] if but else []
        if unknown:
            left_out.append(f"{unknown} that do not tell how fast they are")
        if left_out:
            return ThreadChoice(big, f"one for each core but {' and '.join(left_out)}")
        return ThreadChoice(big, "one for each core, for all are of one kind")

    def clusters(self) -> tuple[tuple[int, ...], ...]:
        return tuple(cluster.cpus for cluster in self.hardware().clusters)

    def conditions(self) -> list[Reading]:
        """What may disturb a measurement now. Raises `DeviceLost`."""
        self._revive()
        return self._conditions.read(self.hardware())

    def uptime_s(self) -> float | None:
        self._revive()
        # Where it is hidden from the shell, `cat` says so on the other stream.
        answer = self._connection.script(f"cat {UPTIME}")
        return None if answer.exit_code else parsed_uptime_s(answer.text)

    def lease(self, wait_s: float = 0.0) -> AbstractContextManager[None]:
        return self._claimed(wait_s)

    @contextmanager
    def _claimed(self, wait_s: float) -> Iterator[None]:
        if self._lease.held:
            with self._lease.hold():
                yield
            return
        # By what the device calls itself, which costs one question the first time.
        identity = self.hardware().identity
        deadline = time.monotonic() + wait_s
        with self._lease.hold(wait_s, identity):
            self._connection.doubtful = True
            try:
                self._ready(max(0.0, deadline - time.monotonic()))
                yield
            finally:
                with signals_deferred():
                    self._leave()

    def _leave(self) -> None:
        """Restore what we changed and let go; what is not done stands in the journal."""
        if not self._answers():
            return
        try:
            # What another holds by now is not ours to restore, until the next claim.
            self._claim.keep(_LAST_WORD_S)
            if self._claim.held:
                self._conditions.restore()
            self._claim.leave()
        except DeviceLost:
            return

    def left_behind(self) -> tuple[str, ...]:
        return () if self._hardware is None else self._conditions.left_behind()

    def user(self) -> str:
        """Who uses it now, in words; empty where nobody does. Raises `DeviceLost`."""
        holder = self._lease.holder(self.hardware().identity) or self._claim.holder()
        return str(holder) if holder is not None else ""

    def push(self, artifact: Artifact) -> PushReport:
        return self._push(artifact, ())

    def _push(self, artifact: Artifact, keep: Collection[str]) -> PushReport:
        self._lease.require()
        check_artifact(artifact)
        self._ready()
        self._claim.keep(_RUN_GRACE_S)
        pushed = self._storage.ensure_blobs([(artifact.model_path, artifact.manifest.sha256)], keep)
        self._pushed.model(artifact.manifest.sha256, pushed)
        return PushReport(bytes_pushed=pushed, already_there=pushed == 0)

    def run(self, request: RunRequest) -> RunReport:
        self._lease.require()
        check_request(request)
        check_cpus(request, self.hardware().all_cpus, self._connection.shown)
        bundle = self._runner()
        inputs = [(path, sha256_of(path)) for path in request.inputs]
        keep = {bundle.key, request.artifact.manifest.sha256, *(sha256 for _, sha256 in inputs)}
        return self._once_more_if_cleared(
            lambda: self._once(request, bundle, inputs, keep),
            [request.artifact.manifest.sha256, *(sha256 for _, sha256 in inputs)],
        )

    def _once(
        self,
        request: RunRequest,
        bundle: RunnerBundle,
        inputs: list[tuple[Path, str]],
        keep: Collection[str],
    ) -> RunReport:
        self._push(request.artifact, keep)
        folder, pushed = self._storage.ensure_bundle(bundle, keep)
        self._pushed.runner_bytes += pushed
        self._pushed.inputs_bytes += self._storage.ensure_blobs(inputs, keep)
        if request.timing is not None:
            self._conditions.set(self.hardware())
        run = new_run()
        wants_outputs = request.output_dir is not None
        command = [
            *bundle.start,
            *runner_arguments(
                request,
                model=self._storage.blob(request.artifact.manifest.sha256),
                inputs=[self._storage.blob(sha256) for _, sha256 in inputs],
                output_dir=f"{run}/out" if wants_outputs else None,
            ),
        ]
        needed = output_bytes(request) * len(inputs) if wants_outputs else 0
        launched = self._launch(run, folder, command, request.timeout_s, needed, keep)
        try:
            return self._report(request, run, launched)
        finally:
            if not self._connection.doubtful:
                self._tidy(run, ended=True)

    def _once_more_if_cleared(self, do: Callable[[], RunReport], blobs: list[str]) -> RunReport:
        """`do`, and again where it failed and what it needs is not on the device any more.

        Many a script clears /data/local/tmp, which is no fault of the candidate's.
        """
        try:
            report = do()
            if report.outcome is Outcome.OK or not self._cleared(blobs):
                return report
        except RunClearedError:
            pass
        except (DeviceStorageError, InputRefusedError, RunnerBrokenError):
            if self._connection.doubtful or not self._cleared(blobs):
                raise
        # The lock was there as well: another may have taken the device since.
        self._claim.renew(_RUN_GRACE_S)
        self._storage.prepare()
        return do()

    def _cleared(self, blobs: list[str]) -> bool:
        self._storage.forget()
        return self._storage.lacks(blobs, self._runner())

    def clean(self) -> int:
        with self.lease():
            return self._storage.clean()

    def close(self) -> None:
        """Every conversation has ended with its call: nothing is open."""

    def _launch(
        self,
        run: str,
        folder: str,
        command: list[str],
        timeout_s: float,
        needed: int,
        keep: Collection[str],
    ) -> Launched:
        self._claim.keep(timeout_s + _RUN_GRACE_S)

        def once() -> Launched:
            return launch(
                self._connection, run, folder, command, timeout_s=timeout_s, needed_bytes=needed
            )

        try:
            try:
                return once()
            except RunClearedError:
                raise
            except DeviceStorageError:
                self._tidy(run)
                if (refusal := self._storage.refusal()) is not None:
                    raise refusal from None
                self._storage.make_room(needed + (1 << 20), keep=keep)
                return once()
        except DeviceLost:
            # Its own watch ends it there, and the next claim makes sure.
            raise
        except BaseException:
            self._tidy(run)
            raise

    def _report(self, request: RunRequest, run: str, launched: Launched) -> RunReport:
        if launched.exit_code and self._claim.held:
            # One who took the device from us may have ended it: that is no fault of a candidate's.
            self._claim.renew(_RUN_GRACE_S)
        judged = judge(
            Ended(
                exit_code=launched.exit_code,
                timed_out=launched.timed_out,
                stdout=launched.stdout,
                stderr=launched.stderr,
                memory_limited=request.memory_limit_mb is not None,
            ),
            self._connection.shown,
        )
        self._fetch(request, run, judged)
        return run_report(request, judged, launched.duration_s, self._connection.shown)

    def _fetch(self, request: RunRequest, run: str, judged: LaunchOutcome) -> None:
        if request.output_dir is None or judged.outcome is not Outcome.OK:
            return
        size, files = output_bytes(request), judged.transcript.outputs
        if len(files) != len(request.inputs) or any(file.bytes != size for file in files):
            raise wrong_outputs(request, len(files), self._connection.shown)
        self._connection.pull(
            [(f"{run}/out/{file.name}", request.output_dir / file.name) for file in files],
            size=size,
        )

    def _runner(self) -> RunnerBundle:
        if self._bundle is None:
            self._bundle = self._bundles(self.hardware().abi)
        return self._bundle

    def _revive(self) -> None:
        if self._connection.doubtful and not self._lease.held:
            self._connection.revive()
            # Nobody tidied up: whoever claims it has to.
            self._connection.doubtful = True

    def _ready(self, wait_s: float = 0.0) -> None:
        """After a loss, and when it is claimed: the device answers, is ours, and runs nothing."""
        if not self._connection.doubtful:
            return
        self._connection.revive()
        try:
            if not self._fit:
                require_tools(self._connection)
                self._fit = True
            # What runs there may be another's, until this says that it is not.
            self._claim.take(wait_s)
            kill_leftovers(self._connection)
            self._storage.prepare()
            self._conditions.restore()
        except BaseException:
            self._connection.doubtful = True
            raise

    def _tidy(self, run: str, *, ended: bool = False) -> None:
        """Nothing of a run stays, neither process nor file; a loss now is the next call's."""
        try:
            remove_run(self._connection, run, ended=ended)
        except DeviceLost:
            return

    def _answers(self) -> bool:
        """Whether it is worth the time to say more; the journal remembers what was not said."""
        if not self._connection.doubtful:
            return True
        try:
            self._connection.script("", timeout_s=_LAST_WORD_S)
        except DeviceLost:
            return False
        return True
