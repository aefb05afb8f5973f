"""Each test that `WORLD.md` names is there, so that the list of situations stays true."""

import re
from pathlib import Path

HERE = Path(__file__).parent


def test_every_situation_has_its_test():
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", (HERE / "WORLD.md").read_text())
    assert len(named) > 50
    missing = [
        f"{file}::{name}"
        for file, name in named
        if not re.search(rf"^ *(?:async )?def {name}\b", (HERE / file).read_text(), re.M)
    ]
    assert missing == []
