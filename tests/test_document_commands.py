"""Every command in every document: run here, or said why not.

What would take long is run with options appended that make it small: of two the last counts.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer
from commands import command_here

import mobilesr_tune
from device_runner.measuring import tuning
from models.config import PRESETS
from models.images import save_rgb
from nightly.suite import load_suite

REPOSITORY = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted(
    [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *(REPOSITORY / "docs").glob("*.md")]
)
# Real exports, trainings and searches.
pytestmark = pytest.mark.timeout(900)

FEW = (
    "--n-feats 8 --trials 2 --sessions 1 --settle-sessions 0 --min-iterations 1 --min-time-s 0.01 "
    "--threads 1"
)
# Two photographs, where the bundled ones are not the point.
TWO = f"{FEW} --hr photos/judge"
SHORT = "--steps 10 --batch-size 1 --crop 8"


@dataclass(frozen=True)
class Here:
    """Run here, with options that make it small; `codes` are the ends that are right."""

    options: str = ""
    codes: tuple[int, ...] = (0,)
    in_empty_folder: bool = False


@dataclass(frozen=True)
class NotHere:
    """Not run here, and why."""

    why: str


# The first pattern that matches from its beginning counts.
RULES: dict[str, Here | NotHere] = {
    r"mobilesr-tune (evaluate|export)$": NotHere("a command's name in a sentence"),
    r"mobilesr-tune search --dry-run": Here(),
    # No candidate may be better than bicubic after so little training.
    r"mobilesr-tune search .*--train ": Here(
        f"{FEW} --train-steps 10 --batch-size 1 --crop 8", (0, 1)
    ),
    r"mobilesr-tune search .*--max-latency-ms": Here(f"{TWO} --run-dir limited", (0, 1)),
    r"mobilesr-tune search --weights": Here(f"{TWO} --run-dir given", (0, 1)),
    r"mobilesr-tune search --device sim:pixel": Here(f"{TWO} --run-dir simulated"),
    r"mobilesr-tune search --device all": Here(f"{TWO} --run-dir all"),
    r"mobilesr-tune search": Here(FEW),
    r"mobilesr-tune train ": Here(SHORT),
    r"mobilesr-tune finetune ": Here(f"{SHORT} --top 1"),
    r"mobilesr-tune confirm ": Here("--sessions 1"),
    r"mobilesr-tune bench .*--against": Here("--iterations 1 --min-time-s 0 --sessions 3"),
    r"mobilesr-tune bench ": Here("--iterations 1 --min-time-s 0 --sessions 1"),
    # What it writes is what later commands measure.
    r"mobilesr-tune export --preset": Here("--lr-size 24x24"),
    r"mobilesr-tune devices --tune": Here(),
    r"mobilesr-tune nightly init": Here(in_empty_folder=True),
    # What is measured has its luck, on a simulated phone as well: red is an answer.
    r"mobilesr-tune nightly (suite|SUITE)\.toml": Here(codes=(0, 1)),
    r"mobilesr-tune (report|export|evaluate|upscale|devices|deliver|nightly)\b": Here(),
    r"mobilesr-tune runner build": NotHere("fetches packages and compiles: tests of bundles do"),
    r"mobilesr-tune runner verify": NotHere("needs the runner that 'runner build' makes"),
    r"(/srv/rack/)?\.venv/bin/mobilesr-tune": NotHere("the rack's own path; the rest is run above"),
    r"git bisect": NotHere("walks a user's repository; what it runs is run above"),
    r"sudo |systemctl |loginctl ": NotHere("changes the computer"),
    r"python3 -m venv|\. \.venv|pip install|pre-commit |optuna-dashboard ": NotHere(
        "installs, or is installed by it: .ci/run does in a fresh environment"
    ),
    r"pytest|ruff |mypy|\.ci/run": NotHere("the tests themselves"),
    r"python benchmarks/|benchmarks/": NotHere("minutes to hours; its options are checked below"),
    r"python docs/generate.py": NotHere("its --check is a test of the documents"),
    r"python -m models.quantization.sensitivity": NotHere("minutes; a test has it small"),
    r"python -m models.recipes.photographs": NotHere("reads Debian's packages of photographs"),
    r"python tests/lab/lab_up.py": NotHere("starts a phone for a person to try things on"),
    r"mkdir |cd |cat |sed ": NotHere("the shell's own; the suite that they make is read below"),
}
# What stands for something of the user's.
FILLED_IN = {
    "RUN_DIRECTORY...": "RUN_DIRECTORY", "RUN": "RUN_DIRECTORY", "SERIAL": "sim:pixel",
    "SUITE.toml": "suite.toml", "SUITE.TOML": "suite.toml", "41": "1",
    "delivered/artifact": "published",
}  # fmt: skip

SUITE = """
name = "rack"
devices = ["sim:pixel"]
[[models]]
name = "published"
artifact = "published"
[measure]
sessions = 3
min_iterations = 2
min_time_s = 0.01
"""


def console_blocks(document: Path) -> list[str]:
    return re.findall(r"```console\n(.*?)```", document.read_text("utf-8"), re.DOTALL)


def lines_of(block: str) -> list[str]:
    """The commands of a block: comments and the inside of heredocs left out, `&&` taken apart."""
    block = re.sub(r"<<'(\w+)'\n.*?\n\1\n", "\n", block.replace("\\\n", " "), flags=re.DOTALL)
    found = []
    for line in block.splitlines():
        words = re.sub(r"\s+#.*", "", line).strip().removeprefix("git bisect run ")
        found += [part.strip() for part in words.split("&&") if part.strip()]
    return found


def inline(text: str) -> list[str]:
    """Commands between backticks and in blocks that are no console's."""
    text = re.sub(r"```console\n.*?```", "", text, flags=re.DOTALL)
    other = re.findall(r"(?:run: |ExecStart=|&& )(\S*mobilesr-tune [^>\n]*)", text)
    found = re.findall(r"`((?:mobilesr-tune|python|git bisect run) [^`]+)`", text)
    return [" ".join(one.split()) for one in found + other]


def commands() -> list[str]:
    """Every command of the documents, once."""
    found: list[str] = []
    for document in DOCUMENTS:
        for block in console_blocks(document):
            found += lines_of(block)
        found += inline(document.read_text("utf-8"))
    return [one for one in dict.fromkeys(found) if "…" not in one]


def rule_of(command: str) -> Here | NotHere | None:
    return next((rule for pattern, rule in RULES.items() if re.match(pattern, command)), None)


def run_here() -> list[str]:
    return [one for one in commands() if isinstance(rule_of(one), Here)]


@pytest.fixture(scope="module")
def world(tmp_path_factory, smooth_picture, small_artifact, random_weights):
    """A folder with all that the documents' commands name."""
    import torch

    from models.weights import save_weights

    root = tmp_path_factory.mktemp("reader")
    for number in range(2):
        for folder in ("photos/judge", "photos/train", "photos", "train"):
            save_rgb(root / folder / f"{number}.png", smooth_picture(272, 264, number))
        save_rgb(root / f"set5/HR/{number}.png", smooth_picture(64, 64, number))
        save_rgb(root / f"set5/LR_x4/{number}.png", smooth_picture(16, 16, number))
    save_rgb(root / "photo.jpg", smooth_picture(20, 30, 1))
    save_weights(random_weights(PRESETS["ntire2022"]), root / "alone.pt")
    torch.save({"net": random_weights(PRESETS["ntire2022"]).state}, root / "mobilesr_x4.pth")
    for name in ("published", "new", "old", "best", "small", "alone"):
        shutil.copytree(small_artifact.folder, root / name)
    (root / "suite.toml").write_text(SUITE)
    (root / "models").symlink_to(REPOSITORY / "models")
    shipped = REPOSITORY / "models/shipped_weights/supernet_x4.pt"
    shutil.copy(shipped, root / "supernet.pt")
    for command in (
        f"search --device sim:pixel {TWO} --run-dir RUN_DIRECTORY", "nightly suite.toml"
    ):  # fmt: skip
        done = command_here(*command.split(), cwd=root)
        assert done.returncode == 0, done.stderr
    shutil.copytree(root / "RUN_DIRECTORY", root / "sim")
    return root


@pytest.fixture
def run_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], _loud_again: None
) -> Callable[[list[str]], tuple[int, str]]:
    """The command line in this process: exit code and stderr."""

    def run(arguments: list[str]) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["mobilesr-tune", *arguments])
        with pytest.raises(SystemExit) as ended:
            mobilesr_tune.main()
        return int(ended.value.code or 0), capsys.readouterr().err

    return run


def test_every_command_is_run_or_it_is_said_why_not() -> None:
    assert [one for one in commands() if rule_of(one) is None] == []
    assert len(run_here()) >= 25


@pytest.mark.parametrize("pattern", RULES)
def test_no_rule_is_for_a_command_that_is_gone(pattern) -> None:
    assert any(re.match(pattern, one) for one in commands())


@pytest.mark.parametrize("command", run_here())
def test_it_works_as_printed(command, world, run_command, monkeypatch, tmp_path) -> None:
    rule = rule_of(command)
    assert isinstance(rule, Here)
    monkeypatch.chdir(tmp_path if rule.in_empty_folder else world)
    # No option says how long a sweep of threads and cores is.
    monkeypatch.setattr(tuning, "ROUNDS", 1)
    words = [FILLED_IN.get(word, word) for word in shlex.split(command)[1:]]
    code, told = run_command([*words, *rule.options.split()])
    assert code in rule.codes, told
    assert "Traceback" not in told


def test_the_options_of_benchmarks_are_those_of_the_scripts() -> None:
    named = {}
    for document in DOCUMENTS:
        text = " ".join(document.read_text("utf-8").split())
        for script, options in re.findall(r"(benchmarks/\w+\.py)((?: [^`]*)?)`", text):
            named.setdefault(script, set()).update(re.findall(r"--[a-z-]+", options))
    assert len(named) >= 8
    for script, options in named.items():
        source = (REPOSITORY / script).read_text("utf-8")
        assert {one for one in options if f'"{one}"' not in source} == set(), script


def test_options_that_a_text_names_are_those_of_the_command() -> None:
    known = typer.main.get_command(mobilesr_tune.app).commands
    wrong = []
    for document in DOCUMENTS:
        text = re.sub(r"```.*?```", "", document.read_text("utf-8"), flags=re.DOTALL)
        for name, rest in re.findall(r"`(?:mobilesr-tune )?(\w+) ([^`]*--[^`]*)`", text):
            command = known.get(name)
            if command is None or hasattr(command, "commands"):
                continue
            options = {option for one in command.params for option in one.opts}
            wrong += [
                f"{document.name}: {name} {one}"
                for one in re.findall(r"(?<!\S)--[a-z-]+", rest)
                if one not in options | {"--help", "--json", "--verbose"}
            ]
    assert wrong == []


def test_the_suites_that_a_document_makes_can_be_read(tmp_path) -> None:
    """Its shell commands as they stand, with a program in place of ours that does nothing."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/mobilesr-tune"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    (block,) = [
        block for block in console_blocks(REPOSITORY / "docs/nightly.md") if "cat > suite" in block
    ]
    subprocess.run(
        ["sh", "-e", "-c", f'PATH="{program.parent}:$PATH"\n{block}'], cwd=tmp_path, check=True
    )
    suite = load_suite(tmp_path / "demo/suite.toml")
    assert [(model.name, model.graph) for model in suite.models] == [
        ("published", "reference"), ("small", "deploy")
    ]  # fmt: skip
