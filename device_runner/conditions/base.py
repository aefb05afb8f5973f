"""What a condition is."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from device_runner.flags import flag_words, require_known

_UNKNOWN = "_unknown"
_DENIED = re.compile(r"permission|denied|denial|not allowed|SecurityException", re.IGNORECASE)
_NO_SERVICE = re.compile(r"can't find service|not found|unknown service", re.IGNORECASE)
_TOO_LATE = re.compile(r"timed? ?out|timeout", re.IGNORECASE)


class ShellAnswer(Protocol):
    """What a script on the device came to."""

    @property
    def exit_code(self) -> int: ...

    @property
    def text(self) -> str: ...


class Shell(Protocol):
    """A device that runs constant scripts; arguments are quoted by it. Raises `DeviceLost`."""

    def script(self, script: str, *arguments: str) -> ShellAnswer: ...


class Facts(Protocol):
    """What is known of the device beforehand; None is what it does not tell."""

    @property
    def kind(self) -> str: ...

    @property
    def kind_because(self) -> str:
        """What its kind was concluded from, or why it is doubtful; empty for a plain phone."""

    @property
    def kind_is_sure(self) -> bool: ...

    @property
    def sdk(self) -> int | None: ...

    @property
    def build_type(self) -> str: ...

    @property
    def debuggable(self) -> bool | None: ...

    @property
    def unknown_cpus(self) -> tuple[int, ...]:
        """Cores that do not tell how fast they are."""


class State(StrEnum):
    """Whether a condition is as measuring wants it. What nobody knows is neither good nor bad."""

    FINE = "fine"
    DISTURBS = "disturbs"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Reading:
    """One condition as it is now.

    `flags` travel into every result measured under it. Raises `ValueError` for a flag that has
    no meaning (`device_runner.flags`).
    """

    name: str
    text: str
    flags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for flag in self.flags:
            require_known(flag)

    @property
    def advice(self) -> str:
        """What to do about its flags; empty where all is well."""
        return "; ".join(dict.fromkeys(flag_words(flag).advice for flag in self.flags))

    @property
    def state(self) -> State:
        """What is known to disturb comes before what is not known."""
        if not self.flags:
            return State.FINE
        unknown = all(flag.endswith(_UNKNOWN) for flag in self.flags)
        return State.UNKNOWN if unknown else State.DISTURBS


def why_not_told(answer: str) -> str:
    """Why the device's answer holds nothing that was looked for, as far as it can be seen."""
    if not answer.strip():
        return "it says nothing"
    if _DENIED.search(answer[:2000]):
        return "it does not let the shell ask"
    if _NO_SERVICE.search(answer[:2000]):
        return "it has no such service"
    if _TOO_LATE.search(answer[:2000]):
        return "its service does not answer in time"
    return "its words for it are not known"


class Condition(ABC):
    """One thing that disturbs a measurement: whether a device has it, and its state.

    All questions go to the device in one script (`Conditions.read`): a process for each would
    itself disturb what is measured.
    """

    name: str
    # A constant script whose output tells the state; empty where nothing has to be asked.
    question: str = ""

    @abstractmethod
    def reading(self, answer: str, facts: Facts) -> Reading:
        """What the answer to `question` says.

        The answer is the device's own text, and may be anything: what it does not tell is a
        reading that says so, with a flag that ends in `_unknown`, and never a good one.
        """


class Settable(Condition):
    """A condition that we may change for as long as we hold the device.

    Life cycle: `prior` state, which goes into the journal; only then `set`; and `restore` with
    that state, be it by this process or, after a SIGKILL, by the next one.
    """

    def available(self, facts: Facts) -> bool:
        """Whether such a device may have this at all; one that does not tell is tried."""
        return True

    @abstractmethod
    def prior(self, shell: Shell) -> str | None:
        """The state to restore later; None where `set` has nothing to change."""

    @abstractmethod
    def set(self, shell: Shell) -> bool:
        """Make it as measuring wants it; False where the device refuses, and stays as it is."""

    @abstractmethod
    def restore(self, shell: Shell, prior: str) -> bool:
        """Make it as it was; False where the device refuses, and it stays as we made it.

        `prior` comes from a file: what makes no sense is checked, dropped, and counts as done.
        """
