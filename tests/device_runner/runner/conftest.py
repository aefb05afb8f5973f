from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

import pytest

from device_runner.bundles import Bundle
from device_runner.bundles.trial import start_command


@pytest.fixture
def native(runner_bundle: Callable[[str], Bundle], lab_lacks: Callable[[str], NoReturn]) -> Bundle:
    bundle = runner_bundle("x86_64")
    if start_command(bundle) != bundle.manifest.command:
        lab_lacks("this machine is no x86-64 Linux")
    return bundle
