"""What can go wrong with a runner bundle. All of it is the request's side: no device is touched."""

from __future__ import annotations

from device_runner.errors import DeviceRunnerError
from foundation import RequestError

ELSEWHERE = (
    "build the bundle on a Debian machine or container, carry it over as one file "
    "('mobilesr-tune runner export' there, 'mobilesr-tune runner import' here)"
)


class BundleError(DeviceRunnerError, RequestError):
    """Base of what `bundles` raises."""


class HostToolMissingError(BundleError):
    """This system lacks a program that building needs."""


class BundleBuildError(BundleError):
    """A step of building failed, or what it fetched is not what is pinned."""


class BundleMissingError(BundleError):
    """No bundle for that ABI is here."""


class BundleDamagedError(BundleError):
    """A bundle or an archive of one is not what its manifest says."""
