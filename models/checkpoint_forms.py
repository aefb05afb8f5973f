"""How common trainers wrap a network's tensors: containers, prefixes, and what stands beside."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from models.errors import WeightsError

# Where several hold a network, the earlier is taken: averages before what they average.
CONTAINERS = (
    "params_ema", "net_g_ema", "ema", "net", "net_g", "params", "generator", "state_dict",
    "model_state_dict", "model",
)  # fmt: skip
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
        raise WeightsError(f"{source} holds no state dict: expected named tensors")
    networks = [(name, state) for name, state in found if _prefixes(state)]
    if len(networks) > 1:
        known = [n for container in CONTAINERS for n in networks if n[0] == container]
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
    """The content itself, or those of its values that are state dicts, known names first."""
    if not isinstance(content, dict):
        return []
    own = _tensors(content)
    if own:
        return [("", own)]
    named = [
        (str(name), tensors)
        for name, value in content.items()
        if isinstance(value, dict) and (tensors := _tensors(value))
    ]
    ranks = {name: rank for rank, name in enumerate(CONTAINERS)}
    named.sort(key=lambda item: ranks.get(item[0], len(ranks)))
    # An optimizer's or a schedule's tensors are no network, whatever their container is called.
    return [n for n in named if n[0] in ranks or _prefixes(n[1])]


def _tensors(value: dict[Any, Any]) -> dict[str, Tensor]:
    """The value as a state dict, or nothing: all of it tensors, counters left aside."""
    items = {str(name): item for name, item in value.items() if not isinstance(item, int | float)}
    if not items or not all(isinstance(item, Tensor) for item in items.values()):
        return {}
    return items


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
