from __future__ import annotations

import pytest

pytest_plugins = ["lab_fixtures"]


@pytest.fixture(autouse=True)
def _no_phones_of_the_user(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing listens there, and a server elsewhere is never started. The lab's fixtures differ.
    monkeypatch.setenv("ANDROID_ADB_SERVER_HOST", "127.0.0.2")
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", "9")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
