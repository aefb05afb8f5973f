"""What a condition is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Protocol

from device_runner.flags import flag_words, require_known


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
    """What is known of the device beforehand."""

    @property
    def kind(self) -> str: ...

    @property
    def sdk(self) -> int: ...

    @property
    def build_type(self) -> str: ...

    @property
    def debuggable(self) -> bool: ...


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


class Condition(ABC):
    """One thing that disturbs a measurement: whether a device has it, and its state.

    All questions go to the device in one script (`Conditions.read`): a process for each would
    itself disturb what is measured.
    """

    name: str
    # A constant script whose output tells the state; empty where nothing has to be asked.
    question: str = ""

    def available(self, facts: Facts) -> bool:
        """Whether such a device has this at all."""
        return True

    @abstractmethod
    def reading(self, answer: str, facts: Facts) -> Reading | None:
        """What the answer to `question` says.

        The answer is the device's own text: None where it tells nothing.
        """


class Settable(Condition):
    """A condition that we may change for as long as we hold the device.

    Life cycle: `prior` state, which goes into the journal; only then `set`; and `restore` with
    that state, be it by this process or, after a SIGKILL, by the next one.
    """

    @abstractmethod
    def prior(self, shell: Shell) -> str | None:
        """The state to restore later; None where `set` has nothing to change."""

    @abstractmethod
    def set(self, shell: Shell) -> None:
        """Make it as measuring wants it. A device that refuses is left as it is."""

    @abstractmethod
    def restore(self, shell: Shell, prior: str) -> None:
        """Make it as it was. `prior` comes from a file: it is checked, not trusted."""
