"""A runner bundle of an earlier version, as a folder and as an archive, is read and taken in.

`tests/old_bundle` was described by `runner adopt`, and packed by `runner export`.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from device_runner.bundles.archive import import_bundle
from device_runner.bundles.store import find, open_bundle, stored, verify

OLD = Path(__file__).parents[2] / "old_bundle"
DIGEST = "bf16e82d0184"


@pytest.fixture
def old_folder(tmp_path: Path) -> Path:
    shutil.copytree(OLD, tmp_path / "bundle")
    # A checkout may have another mask of rights.
    (tmp_path / "bundle" / "runner").chmod(0o755)
    return tmp_path / "bundle"


def test_its_folder_is_read_and_holds_what_it_says(old_folder: Path) -> None:
    bundle = open_bundle(old_folder)
    verify(bundle)
    assert bundle.manifest.digest.startswith(DIGEST)
    assert [path.name for path in bundle.paths] == ["libpart.so", "runner"]


def test_its_archive_is_taken_in_and_found() -> None:
    bundle = import_bundle(OLD.with_suffix(".tar.gz"))
    assert [one.folder for one in stored().bundles] == [bundle.folder]
    assert find("arm64-v8a").manifest.digest.startswith(DIGEST)
