"""Fixtures of the device lab. Devices are cheap (0.3 s): a test that breaks one gets its own."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from lab_device import LabDevice
from lab_packages import LabUnavailable
from lab_server import LabServer, UnauthorizedDevice

from device_runner.bundles import Bundle, BundleBuildError, HostToolMissingError, build

REQUIRE_VARIABLE = "MOBILESR_TUNE_REQUIRE_LAB"
TEST_CACHE = "MOBILESR_TUNE_TEST_CACHE"

MakeDevice = Callable[..., LabDevice]


@functools.cache
def _why_not(abi: str) -> str:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        device = LabDevice(Path(folder) / "probe", abi=abi)
        try:
            device.start()
        except (LabUnavailable, OSError) as error:
            return str(error)
        finally:
            device.kill()
    return ""


def need_lab(abi: str = "x86_64") -> None:
    """Skip where this machine cannot be a lab, or fail where it has been promised to be one."""
    if reason := _why_not(abi):
        sentence = f"no device lab ({abi}) on this machine: {reason}"
        if os.environ.get(REQUIRE_VARIABLE) == "1":
            pytest.fail(sentence)
        pytest.skip(sentence)


@pytest.fixture(scope="session")
def lab_server_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    need_lab()
    server = LabServer(tmp_path_factory.mktemp("adb-server"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def lab_server(lab_server_session: LabServer, monkeypatch: pytest.MonkeyPatch) -> LabServer:
    """The worker's adb server; clients of this test find it by the environment."""
    for name, value in lab_server_session.environment.items():
        monkeypatch.setenv(name, value)
    return lab_server_session


@pytest.fixture
def own_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LabServer]:
    """A server that a test may kill."""
    need_lab()
    server = LabServer(tmp_path)
    server.start()
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def make_device_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeDevice]:
    yield from _maker(tmp_path_factory)


@pytest.fixture
def make_device(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeDevice]:
    """Makes started devices; all are gone at the end of the test."""
    yield from _maker(tmp_path_factory)


def _maker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeDevice]:
    made: list[LabDevice] = []

    def make(
        abi: str = "x86_64", data_mb: int = 0, old: bool = False, data_options: str = "rw"
    ) -> LabDevice:
        need_lab(abi)
        device = LabDevice(
            tmp_path_factory.mktemp("phone"), abi=abi, data_mb=data_mb, old=old,
            data_options=data_options,
        )  # fmt: skip
        made.append(device)
        device.start()
        return device

    yield make
    for device in made:
        device.kill()


@pytest.fixture
def phone(make_device: MakeDevice) -> LabDevice:
    """An x86-64 device that a test may break."""
    return make_device()


@pytest.fixture
def unauthorized() -> Iterator[UnauthorizedDevice]:
    device = UnauthorizedDevice()
    yield device
    device.close()


@pytest.fixture(scope="session")
def lab_lacks() -> Callable[[str], NoReturn]:
    """Skip for want of something this machine lacks; a failure where the lab is required."""

    def lacks(reason: str) -> NoReturn:
        if os.environ.get(REQUIRE_VARIABLE) == "1":
            pytest.fail(f"{reason} ({REQUIRE_VARIABLE} is set)")
        pytest.skip(reason)

    return lacks


@pytest.fixture(scope="session")
def runner_bundle(
    tmp_path_factory: pytest.TempPathFactory, lab_lacks: Callable[[str], NoReturn]
) -> Callable[[str], Bundle]:
    """The runner bundle for an ABI, built once for all workers; kept where TEST_CACHE says so."""
    base = os.environ.get(TEST_CACHE) or str(tmp_path_factory.getbasetemp().parent / "cache")
    built: dict[str, Bundle | str] = {}

    def bundle(abi: str) -> Bundle:
        if abi not in built:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("XDG_CACHE_HOME", str(Path(base).absolute()))
                try:
                    built[abi] = build(abi)
                except (HostToolMissingError, BundleBuildError) as error:
                    built[abi] = str(error)
        found = built[abi]
        if isinstance(found, str):
            lab_lacks(f"no runner bundle for {abi}: {found}")
        return found

    return bundle
