"""A nightly whose history asks for a password leaves it nowhere, in a night that ends well too."""

from __future__ import annotations

import shutil

import pytest
from commands import command_here

pytestmark = pytest.mark.timeout(900)
SECRET = "n1ght-Pa55"
SUITE = """
name = "secret"
devices = ["sim:pixel"]
sentinel = "none"
history = "{history}"

[[models]]
name = "watched"
artifact = "watched"

[measure]
sessions = 3
min_iterations = 3
min_time_s = 0.01
"""


def test_a_night_in_a_database_with_a_password_writes_it_nowhere(
    postgresql, small_artifact, tmp_path
):
    # The server trusts everyone here; the address is written as one that asks.
    address = postgresql.replace("tuner@", f"tuner:{SECRET}@")
    assert SECRET in address
    (tmp_path / "suite.toml").write_text(SUITE.format(history=address))
    shutil.copytree(small_artifact.folder, tmp_path / "watched")

    said = ""
    for command in (["suite.toml"], ["suite.toml", "--json"], ["history", "suite.toml"],
                    ["accept", "suite.toml"]):  # fmt: skip
        done = command_here("nightly", *command, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        said += done.stdout + done.stderr

    assert SECRET not in said
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) > 5
    holding = [path.name for path in written if SECRET.encode() in path.read_bytes()]
    assert holding == ["suite.toml"]
