"""What can go wrong between this tool and a device, and whose turn it is to act.

A candidate that crashes, hangs or runs out of memory is not here: that is an answer about the
candidate (`records.Outcome`), and a `RunReport` carries it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from foundation import DeviceFailure, MobileSRTuneError, RequestError

if TYPE_CHECKING:
    from device_runner.launching.launches import RunReport
    from device_runner.records import Verification


class DeviceRunnerError(MobileSRTuneError):
    """Base of this package's errors."""


class DeviceUnknownError(DeviceRunnerError, RequestError):
    """No device answers to the name that was asked for."""


class InputRefusedError(DeviceRunnerError, RequestError):
    """The input files, or another part of the request, do not fit the artifact."""


class ArtifactChangedError(DeviceRunnerError, RequestError):
    """The `.pte` on disk is not the one its manifest describes."""


class DeviceBusy(DeviceRunnerError, DeviceFailure):
    """Another process, or another object of this one, holds the device's lease.

    `holder` says who, as `process 4711 (mobilesr-tune bench) since 18:59:03`.
    """

    def __init__(self, message: str, *, holder: str = "another process") -> None:
        super().__init__(message)
        self.holder = holder


class DeviceNotLeasedError(DeviceRunnerError, DeviceFailure):
    """`run` or `push` was called outside `lease`: a fault in the calling code."""


class DeviceLost(DeviceRunnerError, DeviceFailure):
    """The device stopped answering; what ran on it is unknown."""


class DeviceStorageError(DeviceRunnerError, DeviceFailure):
    """The device could not store a file: no space, or no permission."""


class DeviceUnfitError(DeviceRunnerError, DeviceFailure):
    """The device lacks a program that running models there takes."""


class RunnerBrokenError(DeviceRunnerError, DeviceFailure):
    """The runner did not start, or does not speak the protocol: no candidate is to blame."""


class MeasurementFailed(DeviceRunnerError, DeviceFailure):
    """An artifact gave no measurement: it did not run, or its answer was wrong.

    `report` is the run that ended it, with the outcome; `verification` is there when the
    artifact did run and its output was wrong.
    """

    def __init__(
        self,
        message: str,
        *,
        report: RunReport,
        verification: Verification | None = None,
    ) -> None:
        super().__init__(message)
        self.report = report
        self.verification = verification
