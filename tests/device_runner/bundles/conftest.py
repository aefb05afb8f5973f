from __future__ import annotations

from pathlib import Path

import pytest

from device_runner.bundles import Bundle, adopt


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def small(tmp_path: Path) -> Bundle:
    """A bundle of a user's own, small enough to break."""
    folder = tmp_path / "own"
    (folder / "lib").mkdir(parents=True)
    (folder / "runner").write_text("#!/bin/sh\necho own runner\n")
    (folder / "runner").chmod(0o755)
    (folder / "lib" / "libx.so").write_bytes(b"library")
    return adopt(folder, abi="x86_64", executorch_version="1.1.0", command=("./runner",))
