"""Batches made ahead in a thread, so that no step waits for its pictures."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from models.training.crops import Crops, CropSampler

AHEAD = 3


class _Stopped(Exception):
    """The consumer has gone."""


@contextmanager
def batches(
    crops: CropSampler, count: int, seed: int, first: int, end: int
) -> Iterator[Iterator[Crops]]:
    """Crops of the steps `first` to `end - 1`, in order; the thread ends with the context.

    The thread sleeps while enough is ready. What it raises is raised by the iterator.
    """
    ready: queue.Queue[Crops | BaseException] = queue.Queue(maxsize=AHEAD)
    stop = threading.Event()

    def put(item: Crops | BaseException) -> None:
        while not stop.is_set():
            try:
                return ready.put(item, timeout=0.5)
            except queue.Full:
                continue
        raise _Stopped

    def produce() -> None:
        try:
            for step in range(first, end):
                put(crops.draw(count, seed, step))
        except _Stopped:
            return
        except BaseException as error:  # passed on to the consumer
            with_error = error
            try:
                put(with_error)
            except _Stopped:
                return

    def consume() -> Iterator[Crops]:
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
