"""Writes the parts of the documents that the code knows better.

    python docs/generate.py            writes them
    python docs/generate.py --check    says which are not current, and ends with 1

A part stands between `<!-- NAME: ... -->` and `<!-- NAME: end -->`.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
if __name__ == "__main__":
    sys.path.insert(0, str(DOCS.parent))

import typer
from pydantic import BaseModel

import mobilesr_tune
from device_runner.flags import Flag
from models.training.plan import TrainingPlan
from models.training.recipe import SpaceTable, TrainingRecipe
from nightly import suite as nightly
from nightly.metrics import METRICS
from nightly.outputs.page import TEMPLATES
from search.request import SearchRequest
from search.space import SearchSpace


@dataclass(frozen=True)
class Part:
    """A generated part: its name in the marks, the document it stands in, what makes it."""

    name: str
    document: Path
    make: Callable[[], str]


def flag_tables() -> str:
    """Every flag, those that make a number doubtful first."""
    doubtful = [flag for flag in Flag if flag.doubtful]
    origin = [flag for flag in Flag if not flag.doubtful]
    return "\n".join(
        [
            "These say that the number may be off:", "", *_table(doubtful), "",
            "These only say where it comes from:", "", *_table(origin),
        ]
    )  # fmt: skip


def _table(flags: list[Flag]) -> list[str]:
    rows = [f"| `{flag}` | {flag.meaning} | {flag.advice} |" for flag in flags]
    return ["| flag | what it means | what to do |", "|---|---|---|", *rows]


def search_toml() -> str:
    """What `search --config` reads, in the words of the command's own options."""
    helps, defaults = _options("search")
    space = {**helps, **_attributes(SearchSpace)}
    lines = _keys(SearchRequest, helps, defaults, leave_out={"space"})
    return "\n".join([*lines, "", "`[space]`:", "", *_keys(SearchSpace, space)])


def suite_toml() -> str:
    """What a nightly suite holds, in the words of its classes and of the example suite."""
    example = _example_comments((TEMPLATES / "suite.toml").read_text("utf-8"))
    tables: dict[str, type[BaseModel]] = {
        "Each `[[models]]`:": nightly.ModelSpec,
        "Each `[[conditions]]`:": nightly.ConditionSpec,
        "`[measure]`:": nightly.MeasureSpec,
        "`[judge]`:": nightly.JudgeSpec,
        "`[images]`:": nightly.ImagesSpec,
    }
    inner = {"models", "conditions", "measure", "judge", "floors", "images"}
    lines = ["At the top:", "", *_keys(nightly.Suite, example, leave_out=inner), ""]
    for title, model in tables.items():
        lines += [title, "", *_keys(model, {**example, **_attributes(model)}), ""]
    floors = ", ".join(f"`{metric.name}`" for metric in METRICS)
    return "\n".join([*lines, f'`[floors]`: {floors}; a number, or a text as `"2 %"`.'])


def recipe_toml() -> str:
    """What `train --recipe` reads."""
    helps, _ = _options("train")
    lines = _keys(TrainingRecipe, _attributes(TrainingRecipe), leave_out={"space", "plan"})
    for name, told, model in (
        ("space", _attributes(SearchSpace), SpaceTable),
        ("plan", {}, TrainingPlan),
    ):
        lines += ["", f"`[{name}]`:", "", *_keys(model, {**helps, **told, **_attributes(model)})]
    return "\n".join(lines)


def _options(command: str) -> tuple[dict[str, str], dict[str, str]]:
    """Of each option its help, and the default that stands in it in brackets."""
    commands: Mapping[str, Any] = typer.main.get_command(mobilesr_tune.app).commands  # type: ignore[attr-defined]  # a group
    helps, defaults = {}, {}
    for parameter in commands[command].params:
        text = getattr(parameter, "help", None) or ""
        if match := re.search(r"\s*\\?\[([^]]*)\]", text):
            defaults[parameter.name] = match[1]
            text = text.replace(match[0], "")
        helps[parameter.name] = text
    return helps, defaults


def _attributes(model: type[BaseModel]) -> dict[str, str]:
    """Field -> what the docstring's `Attributes` say of it."""
    _, _, rest = inspect.getdoc(model).partition("Attributes:")  # type: ignore[union-attr]  # all have one
    found: dict[str, str] = {}
    for part in re.split(r"\n    (?=\S)", rest):
        names, colon, text = part.strip().partition(":")
        if colon:
            found |= {name.strip(): " ".join(text.split()) for name in names.split(",")}
    return found


def _example_comments(toml: str) -> dict[str, str]:
    """Key -> the comment on its line in the example, else the lines of comment above it."""
    found: dict[str, str] = {}
    above: list[str] = []
    for line in toml.splitlines():
        match = re.match(r"(?:# )?(\w+) = .*?(?:\s{2,}# (.*))?$", line)
        if match:
            found.setdefault(match[1], match[2] or " ".join(above))
            above = []
        elif line.startswith("# ") and not line.startswith("# [["):
            above.append(line.removeprefix("# "))
        else:
            above = []
    return {name: text for name, text in found.items() if text}


def _keys(
    model: type[BaseModel],
    told: Mapping[str, str],
    defaults: Mapping[str, str] | None = None,
    leave_out: Collection[str] = (),
) -> list[str]:
    """A table of a model's keys; `defaults` are those that are more than a value."""
    properties = model.model_json_schema()["properties"]
    rows = []
    for name, field in model.model_fields.items():
        if name in leave_out:
            continue
        default = "needed" if field.is_required() else _toml_value(name, field.default)
        default = (defaults or {}).get(name, default)
        text = told.get(name, "").replace("|", "\\|").rstrip(".")
        rows.append(f"| `{name}` | {_kind(name, properties[name])} | {default} | {text} |")
    return ["| key | value | default | what it is |", "|---|---|---|---|", *rows]


def _toml_value(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name == "lr_size":
        return f'`"{value[0]}x{value[1]}"`'
    if isinstance(value, tuple):
        return f"`[{', '.join(_toml_value('', item).strip('`') for item in value)}]`"
    return f"`{value}`" if isinstance(value, int | float) else f'`"{value}"`'


def _kind(name: str, schema: Mapping[str, Any]) -> str:
    """A field's kind and range, in words."""
    if name == "lr_size":
        return "text, height x width"
    for one in schema.get("anyOf", ()):
        if one.get("type") != "null":
            return _kind(name, one)
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array":
        items = schema.get("items", {})
        return f"list: {_kind('', items)}"
    word = {"integer": "whole number", "number": "number", "string": "text"}.get(
        schema.get("type", ""), "table"
    )
    return word + _range(schema)


def _range(schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f", {low} to {high}"
    if low is not None:
        return f", at least {low}"
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if above is None:
        return ""
    ends = below if below is not None else high
    return f", above {above}" + (f", below {ends}" if ends is not None else "")


PARTS = (
    Part("flags", DOCS / "measuring.md", flag_tables),
    Part("search", DOCS / "toml.md", search_toml),
    Part("suite", DOCS / "toml.md", suite_toml),
    Part("recipe", DOCS / "toml.md", recipe_toml),
)


def filled(part: Part, text: str) -> str:
    """The document's text with its part made anew. Raises `ValueError` where the marks lack."""
    begin, end = f"<!-- {part.name}: written by docs/generate.py -->", f"<!-- {part.name}: end -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    made = f"{begin}\n{part.make()}\n{end}"
    found, times = pattern.subn(lambda _: made, text)
    if times != 1:
        raise ValueError(f"{part.document} holds {begin} {times} times instead of once")
    return found


def stale() -> list[Part]:
    """The parts that are not what the code says now."""
    return [
        part for part in PARTS if (text := part.document.read_text("utf-8")) != filled(part, text)
    ]


def main(arguments: list[str]) -> int:
    """Write or check; 0 where all is current."""
    found = stale()
    for part in found:
        if "--check" in arguments:
            print(f"{part.document.name}: {part.name} is not current: run docs/generate.py")
        else:
            text = filled(part, part.document.read_text("utf-8"))
            part.document.write_text(text, "utf-8")
            print(f"{part.document.name}: {part.name} written")
    return 1 if found and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
