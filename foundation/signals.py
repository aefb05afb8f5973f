"""Ends that come from outside take the same clean way out as Ctrl-C, and never interrupt it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_CTRL_C = (signal.SIGINT,)
# A service that is stopped, a shutdown; a terminal that is closed, a connection that is lost.
_ENDS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


def _in_main_thread() -> bool:
    # Only there can handlers be set, and only there do they run.
    return threading.current_thread() is threading.main_thread()


class Ended(KeyboardInterrupt):
    """SIGTERM or SIGHUP came: whatever tidies up after Ctrl-C does so here."""


@contextmanager
def signals_end() -> Iterator[None]:
    """Inside, SIGTERM and SIGHUP raise `Ended`.

    What holds a device then restores it and lets go of it, as on Ctrl-C. A signal that is ignored
    (`nohup`) stays so; one that comes again while the first is being answered is dropped. Child
    processes that inherit this end as they would without it.
    """
    if not _in_main_thread():
        yield
        return
    owner, ended = os.getpid(), False

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal ended
        if os.getpid() != owner:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        elif not ended:
            ended = True
            raise Ended

    before = {one: signal.getsignal(one) for one in _ENDS}
    taken = [one for one, handler in before.items() if handler is not signal.SIG_IGN]
    for one in taken:
        signal.signal(one, end)
    try:
        yield
    finally:
        for one in taken:
            signal.signal(one, before[one] or signal.SIG_DFL)


@contextmanager
def signals_deferred() -> Iterator[None]:
    """Inside, no signal interrupts; what came is delivered at the end. For bounded work only."""
    if not _in_main_thread():
        yield
        return
    came: list[int] = []
    before = {one: signal.getsignal(one) for one in (*_CTRL_C, *_ENDS)}
    # A handler that is not Python's cannot be put back, and does not interrupt Python either.
    taken = [one for one, handler in before.items() if callable(handler)]
    for one in taken:
        signal.signal(one, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        for one in taken:
            signal.signal(one, before[one])
        for one in dict.fromkeys(came):
            signal.raise_signal(one)
