"""The suite file: what it may say, and the sentence for what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from nightly.errors import SuiteError
from nightly.suite import load_suite

LEAST = 'name = "s"\n[[models]]\nname = "a"\npreset = "ntire2022"\n'


@pytest.fixture
def suite_file(tmp_path):
    def write(text: str) -> Path:
        path = tmp_path / "deep/suite.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_short_suite_has_every_default(suite_file):
    path = suite_file(LEAST)
    suite = load_suite(path)
    assert suite.devices == ("auto",)
    assert [condition.name for condition in suite.conditions] == ["default"]
    assert suite.floor("latency") == 0.02
    assert suite.history_url == f"sqlite:///{path.parent / 'nightly.db'}"
    assert suite.output == path.parent / "nightly"


def test_paths_count_from_the_suites_own_folder(suite_file, tmp_path):
    (tmp_path / "deep/built").mkdir(parents=True)
    path = suite_file('name = "s"\nhistory = "sqlite:///h.db"\n[[models]]\nname = "a"\n'
                      'artifact = "built"\n')  # fmt: skip
    suite = load_suite(path)
    assert suite.models[0].artifact == path.parent / "built"
    assert suite.history_url == f"sqlite:///{path.parent / 'h.db'}"


def test_a_postgresql_address_is_left_alone(suite_file):
    address = "postgresql://tuner@rack/nights"
    assert load_suite(suite_file(f'history = "{address}"\n' + LEAST)).history_url == address


@pytest.mark.parametrize(
    ("metric", "text", "floor"),
    [
        ("latency", '"3 %"', 0.03),
        ("latency", "0.04", 0.04),
        ("psnr", '"0.1 dB"', 0.1),
        ("delegation", '"2 %"', 2.0),
        ("memory", "0", 0.0),
    ],
)
def test_floors(suite_file, metric, text, floor):
    suite = load_suite(suite_file(LEAST + f"[floors]\n{metric} = {text}\n"))
    assert suite.floor(metric) == pytest.approx(floor)


WRONG = [
    ("no TOML", "name = ", "cannot be read as TOML"),
    ("no models", 'name = "s"', "models: is missing"),
    ("an unknown key", "devicess = []\n" + LEAST, "unknown key devicess: did you mean devices?"),
    ("an unknown key of a model", LEAST + 'wieghts = "x"\n',
     r"unknown key models\[0\].wieghts: did you mean models\[0\].weights\?"),
    ("an unknown key of a table", LEAST + "[measure]\nsession = 3\n",
     "unknown key measure.session: did you mean measure.sessions?"),
    ("a value out of range", LEAST + "[judge]\nalpha = 2.0\n", "judge.alpha"),
    ("too few sessions", LEAST + "[measure]\nsessions = 1\n", "measure.sessions"),
    ("a second look after the night",
     LEAST + "[measure]\nbudget_min = 60\nlook_again_after_min = 90\n",
     "look_again_after_min = 90 does not fit into budget_min = 60"),
    ("a model that says nothing", 'name = "s"\n[[models]]\nname = "a"\n',
     "says nothing of what to measure"),
    ("a model that says too much", LEAST + 'artifact = "x"\n', "give either artifact, or preset"),
    ("a model twice", LEAST + '[[models]]\nname = "a"\npreset = "article"\n',
     "models names 'a' twice"),
    ("an artifact that is not there", 'name = "s"\n[[models]]\nname = "a"\nartifact = "gone"\n',
     "model 'a': artifact: .*deep/gone does not exist"),
    ("weights that are not there", LEAST + 'weights = "gone.pt"\n',
     "model 'a': weights: .*gone.pt does not exist"),
    ("pictures that are not there", LEAST + '[images]\nhr = "gone"\n', "images.hr: .*gone does"),
    ("a sentinel that is not there", 'sentinel = "gone"\n' + LEAST,
     "sentinel .*gone does not exist"),
    ("a floor in no unit", LEAST + '[floors]\nlatency = "much"\n', "latency = 'much' is no floor"),
    ("a floor of no metric", LEAST + "[floors]\ncolour = 1\n", "knows no metric 'colour'"),
    ("an LR size that is none", LEAST + 'lr_size = "big"\n', "LR size 'big' is not HEIGHTxWIDTH"),
    ("a name with a line break", LEAST.replace('"a"', '"a\\nb"'), "models.0.name"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "text", "sentence"), WRONG, ids=[row[0] for row in WRONG])
def test_what_is_wrong_is_named_with_its_file(suite_file, what, text, sentence):
    path = suite_file(text)
    with pytest.raises(SuiteError, match=sentence) as raised:
        load_suite(path)
    assert str(path) in str(raised.value)
    assert raised.value.exit_code == 2


def test_a_suite_that_is_not_there_says_how_to_make_one(tmp_path):
    with pytest.raises(SuiteError, match=r"no suite at .*nightly init"):
        load_suite(tmp_path / "none.toml")
