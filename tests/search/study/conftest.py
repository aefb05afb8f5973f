"""A run directory in which nothing was tried yet."""

import pytest
from asked_trials import REQUEST

from search.study.run_directory import RunDirectory


@pytest.fixture
def run(tmp_path):
    return RunDirectory.create(tmp_path / "run", REQUEST, {})
