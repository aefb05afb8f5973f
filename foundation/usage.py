"""What a command line was given that it does not take."""

from __future__ import annotations

from typing import Any, TypeGuard

import typer

# Of the parser that typer carries or depends on, by its version.
_PROBLEM: type[Exception] = next(
    base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException"
)


def is_usage_problem(error: Exception) -> TypeGuard[Any]:
    """Whether typer's parser refused an option, an argument or a command.

    Such an error has `format_message()` and, mostly, the context `ctx` of its command.
    """
    return isinstance(error, _PROBLEM)
