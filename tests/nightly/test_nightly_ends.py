"""What a night's record says of its end is what its command ended with."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from foundation.errors import RequestError
from nightly.cli import _agreeing
from nightly.history import open_history


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RequestError("the page cannot be written"), 2),
        (KeyError("x"), 70),
        (KeyboardInterrupt(), 130),
    ],
)
def test_an_end_after_the_night_is_in_its_record(tmp_path, error, code):
    now = datetime(2026, 11, 1, tzinfo=UTC)
    with open_history(f"sqlite:///{tmp_path}/h.db") as history:
        night = history.begin("s", now)
        history.finish("s", night, now, 0, [])
        with _agreeing(history, night):
            pass
        assert history.nights("s")[0].exit_code == 0
        with pytest.raises(type(error)), _agreeing(history, night):
            raise error
        assert history.nights("s")[0].exit_code == code


@pytest.mark.parametrize("name", ["a?b.db", "a%2Fb.db", "a#b.db", "{x}.db"])
def test_a_history_lies_where_its_suite_says(tmp_path, name):
    from nightly.suite import load_suite

    text = f'name = "s"\nhistory = "{name}"\n[[models]]\nname = "m"\nkey = "n8_h8_r1_w4_x4_p1"\n'
    (tmp_path / "suite.toml").write_text(text, encoding="utf-8-sig")
    with open_history(load_suite(tmp_path / "suite.toml").history_url):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "suite.toml"])


def test_a_tilde_in_every_path_of_a_suite(tmp_path, monkeypatch):
    from nightly.suite import load_suite

    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("hr", "lr", "artifact"):
        (tmp_path / name).mkdir()
    (tmp_path / "w.pt").touch()
    (tmp_path / "suite.toml").write_text(
        'name = "s"\nhistory = "~/h.db"\noutput = "~/o"\nartifacts = "~/a"\n'
        'sentinel = "~/artifact"\n'
        'images = {hr = "~/hr", lr = "~/lr"}\n'
        '[[models]]\nname = "m"\nweights = "~/w.pt"\n'
        '[[models]]\nname = "n"\nartifact = "~/artifact"\n'
    )
    assert "~" not in repr(load_suite(tmp_path / "suite.toml"))
