"""How common trainers wrap a network's tensors: containers, prefixes, and what stands beside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from foundation.wording import shown
from models.errors import WeightsError

# Where several hold a network, the earlier is taken: averages before what they average.
CONTAINERS = (
    "params_ema", "net_g_ema", "ema", "state_dict_ema", "model_ema", "ema_state_dict",
    "model_ema_state_dict", "ema_model", "net", "net_g", "params", "generator", "state_dict",
    "model_state_dict", "model",
)  # fmt: skip
# A table in a table in a table: deeper, nobody keeps a network.
_DEEPEST = 3
# A tensor that every MobileSR has, and no discriminator or loss beside it.
LANDMARK = "head.weight"
# Wrappers put these before every name: DataParallel, torch.compile, Lightning, averaging.
WRAPPERS = re.compile(r"((module|_orig_mod|net|net_g|model|generator|ema)\.)*")
# What the unpickler says of an object that is no tensor.
_FOREIGN_OBJECT = re.compile(r"(?:\b(?:GLOBAL|class):?\s+)+`?([A-Za-z_][\w.]*)", re.IGNORECASE)


@dataclass(frozen=True)
class FoundState:
    """A network's tensors as a checkpoint held them.

    Attributes:
        where: the container and the prefix taken off, for people; empty where there was neither.
        beside: names of tensors of the container that are not the network's.
    """

    state: dict[str, Tensor]
    where: str = ""
    beside: tuple[str, ...] = ()


def find_state(content: Any, source: str) -> FoundState:
    """The one network in a checkpoint's content.

    Raises:
        WeightsError: there is none, or several and nothing says which is meant.
    """
    found = list(_containers(content))
    if not found:
        raise WeightsError(
            f"{source} holds no state dict: expected named tensors, and it holds {_said(content)}; "
            "save the network with torch.save(model.state_dict(), ...)"
        )
    networks = [(name, state) for name, state in found if _prefixes(state)]
    if len(networks) > 1:
        known = [n for n in networks if _last(n[0]) in CONTAINERS]
        if not known:
            names = ", ".join(name for name, _ in networks)
            raise WeightsError(
                f"{source} holds several networks ({names}) and does not say which is meant: save "
                "the one alone, with torch.save(model.state_dict(), ...)"
            )
        networks = known
    name, state = (networks or found)[0]
    return _unwrapped(name, state, source)


def foreign_object(reason: str) -> str | None:
    """The name of what a checkpoint holds besides tensors, from the unpickler's refusal."""
    match = _FOREIGN_OBJECT.search(reason)
    return None if match is None else match[1]


def _containers(content: Any) -> list[tuple[str, dict[str, Tensor]]]:
    """The content itself, or those of the tables in it that are state dicts, known names first."""
    if not isinstance(content, dict):
        return []
    own = _tensors(content)
    if own:
        return [("", own)]
    named = list(_tables(content, _DEEPEST))
    ranks = {name: rank for rank, name in enumerate(CONTAINERS)}
    named.sort(key=lambda item: ranks.get(_last(item[0]), len(ranks)))
    # An optimizer's or a schedule's tensors are no network, whatever their container is called.
    return [n for n in named if _last(n[0]) in ranks or _prefixes(n[1])]


def _tables(content: dict[Any, Any], depth: int) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """State dicts among the values, by the names that lead there."""
    for name, value in content.items():
        if not isinstance(value, dict):
            continue
        if tensors := _tensors(value):
            yield str(name), tensors
        elif depth > 1:
            yield from ((f"{name}/{rest}", found) for rest, found in _tables(value, depth - 1))


def _last(path: str) -> str:
    return path.rpartition("/")[2]


def _tensors(value: dict[Any, Any]) -> dict[str, Tensor]:
    """The value as a state dict, or nothing: all of it tensors, or a network with notes beside."""
    items = {str(name): item for name, item in value.items() if not isinstance(item, int | float)}
    tensors = {name: item for name, item in items.items() if isinstance(item, Tensor)}
    return tensors if len(tensors) == len(items) or _prefixes(tensors) else {}


def _said(content: Any) -> str:
    """What there is instead, by name and kind, as far as a sentence goes."""
    if not isinstance(content, dict):
        return f"a {type(content).__name__}"
    named = [f"{shown(str(name), 40)} ({type(one).__name__})" for name, one in content.items()]
    return ", ".join(named[:5]) + (" ..." if len(named) > 5 else "") if named else "nothing"


def _prefixes(state: dict[str, Tensor]) -> list[str]:
    return sorted(
        name.removesuffix(LANDMARK)
        for name in state
        if name == LANDMARK or name.endswith(f".{LANDMARK}")
    )


def _unwrapped(container: str, state: dict[str, Tensor], source: str) -> FoundState:
    prefixes = _prefixes(state)
    if len(prefixes) > 1:
        raise WeightsError(
            f"{source} holds {len(prefixes)} networks, under "
            f"{', '.join(repr(p) for p in prefixes[:4])}: save the one that is meant alone"
        )
    if prefixes:
        prefix = prefixes[0]
    else:  # another architecture: take off what wraps all names, so that messages compare
        longest = [_wrapper(name) for name in state]
        prefix = min(longest, key=len) if len(set(longest)) == 1 else ""
    inside = {n.removeprefix(prefix): t for n, t in state.items() if n.startswith(prefix)}
    beside = tuple(n for n in state if not n.startswith(prefix))
    where = [f"its {container}"] if container not in ("", "net") else []
    where += [f"names without {prefix!r}"] if prefix else []
    return FoundState(inside, ", ".join(where), beside)


def _wrapper(name: str) -> str:
    match = WRAPPERS.match(name)
    return match[0] if match else ""
