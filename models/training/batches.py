"""Batches made ahead in a thread, so that no step waits for its pictures."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

AHEAD = 3
Drawn = TypeVar("Drawn")


class _Stopped(Exception):
    """The consumer has gone."""


@contextmanager
def batches(
    draw: Callable[[int, int, int], Drawn], count: int, seed: int, first: int, end: int
) -> Iterator[Iterator[Drawn]]:
    """What `draw(count, seed, step)` gives for the steps `first` to `end - 1`, in order.

    The thread ends with the context, and sleeps while enough is ready. What it raises is raised
    by the iterator.
    """
    ready: queue.Queue[Drawn | BaseException] = queue.Queue(maxsize=AHEAD)
    stop = threading.Event()

    def put(item: Drawn | BaseException) -> None:
        while not stop.is_set():
            try:
                return ready.put(item, timeout=0.5)
            except queue.Full:
                continue
        raise _Stopped

    def produce() -> None:
        try:
            for step in range(first, end):
                put(draw(count, seed, step))
        except _Stopped:
            return
        except BaseException as error:  # passed on to the consumer
            with_error = error
            try:
                put(with_error)
            except _Stopped:
                return

    def consume() -> Iterator[Drawn]:
        for _ in range(first, end):
            item = ready.get()
            if isinstance(item, BaseException):
                raise item
            yield item

    thread = threading.Thread(target=produce, name="training crops", daemon=True)
    thread.start()
    try:
        yield consume()
    finally:
        stop.set()
        thread.join()
