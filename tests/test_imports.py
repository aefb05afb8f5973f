"""The plan of the house: imports flow down, and none of them closes a circle.

Every import counts, also one inside a function or for type checkers only.
"""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
# Of search, reports may know what a study left behind, and the arithmetic of the front.
LEARNT = (
    "search.study",
    "search.front.belief",
    "search.front.dominance",
    "search.front.probability",
)
# Each room, and the rooms below it that it may import.
BELOW = {
    "foundation": (),
    "models": ("foundation",),
    "device_runner": ("foundation",),
    "search": ("models", "device_runner", "foundation"),
    "nightly": ("models", "device_runner", "foundation"),
    "reports": (*LEARNT, "models", "device_runner", "foundation"),
    "mobilesr_tune": ("reports", "search", "nightly", "models", "device_runner", "foundation"),
}


def module_name(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def import_graph(root: Path) -> dict[str, set[str]]:
    """Each module of the house -> the modules of the house that it imports."""
    files = [path for room in BELOW for path in (root / room).rglob("*.py")]
    files += [path for room in BELOW if (path := root / f"{room}.py").is_file()]
    names = {module_name(path, root): path for path in files}
    graph = {}
    for name, path in names.items():
        found = set()
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert not node.level, f"{path}: relative imports hide where a name comes from"
                inner = {f"{node.module}.{alias.name}" for alias in node.names}
                # `from package import module` is about the module.
                found |= {one if one in names else str(node.module) for one in inner}
        graph[name] = {one for one in found if one in names}
    return graph


def climbing(graph: dict[str, set[str]]) -> list[str]:
    """Imports that the plan does not allow."""

    def within(name: str, room: str) -> bool:
        return name == room or name.startswith(f"{room}.")

    return sorted(
        f"{name} imports {other}"
        for name, others in graph.items()
        for room in [name.partition(".")[0]]
        for other in others
        if not any(within(other, one) for one in (room, *BELOW[room]))
    )


def test_imports_flow_down_only() -> None:
    assert climbing(import_graph(REPOSITORY)) == []


def test_no_imports_close_a_circle() -> None:
    graph = import_graph(REPOSITORY)
    # Raises where there is a circle, and says which.
    assert set(TopologicalSorter(graph).static_order()) >= set(graph)


@pytest.mark.parametrize(
    ("at", "source"),
    [
        ("foundation/new.py", "def late():\n    from models import config"),
        ("models/new.py", "import device_runner.records"),
        ("device_runner/new.py", "from models.config import MobileSRConfig"),
        ("nightly/new.py", "from search import study"),
        ("search/new.py", "from nightly.records import Verdict"),
        ("reports/new.py", "from search.space import SearchSpace"),
    ],
)
def test_an_import_up_or_aside_is_found(tmp_path: Path, at: str, source: str) -> None:
    for room in (*BELOW, "search/study"):
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").touch()
    for other in ("models/config", "device_runner/records", "nightly/records", "search/space"):
        (tmp_path / f"{other}.py").touch()
    assert climbing(import_graph(tmp_path)) == []
    (tmp_path / at).write_text(source, "utf-8")
    assert len(climbing(import_graph(tmp_path))) == 1


def test_a_circle_is_found_though_one_half_is_late(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "one.py").write_text("import models.two", "utf-8")
    late = "def later():\n    from models import one"
    (tmp_path / "models" / "two.py").write_text(late, "utf-8")
    with pytest.raises(CycleError):
        tuple(TopologicalSorter(import_graph(tmp_path)).static_order())
