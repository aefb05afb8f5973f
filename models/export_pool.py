"""A pool of export processes: lowering is seconds of pure Python, one core each.

The pool never exports while the host is measured: the search loop waits for a batch before it
measures (see `search.scheduling.loop`). A worker that dies takes only its candidate with it.
"""

from __future__ import annotations

import logging
import multiprocessing
import signal
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from foundation.artifact import Artifact, load_artifact
from foundation.errors import RequestError
from foundation.process import die_with_parent
from models.deployment import Candidate

if TYPE_CHECKING:
    from models.weights import Weights

Export = Artifact | str
"""An artifact, or the sentence why there is none."""


class ExportPool:
    """Exports candidates into one store with the weights of one file."""

    def __init__(self, weights: Path, store: Path, jobs: int = 2, timeout_s: float = 900.0) -> None:
        self.weights, self.store, self.jobs, self.timeout_s = weights, store, jobs, timeout_s
        self._pool: ProcessPoolExecutor | None = None
        self._stopped = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None and self._pool is not None:
            self._pool.shutdown()
            self._pool = None
        self._stop()

    def export_all(
        self,
        candidates: Sequence[Candidate],
        on_done: Callable[[Candidate], None] = lambda _: None,
    ) -> list[Export]:
        """Export all, in parallel; returns when every one is done, in the order given.

        Raises:
            RequestError: the store cannot be written or the disk is full: no later candidate
                would fare better.
        """
        try:
            futures = [self._submit(candidate) for candidate in candidates]
            for future, candidate in zip(futures, candidates, strict=True):
                future.add_done_callback(lambda _, c=candidate: on_done(c))  # type: ignore[misc]  # as a default binds the loop variable
            waited = wait(futures, timeout=self.timeout_s)
            exports = [self._outcome(f, c) for f, c in zip(futures, candidates, strict=True)]
        except (KeyboardInterrupt, BrokenProcessPool):
            self._stop()
            raise
        broken = [index for index, f in enumerate(futures) if f.done() and _broke(f)]
        if waited.not_done or broken:
            self._stop()  # a stuck or dead worker: the next batch gets fresh ones
        if len(candidates) > 1:
            # A dead worker breaks its whole pool: alone, each shows whether it was to blame.
            for index in broken:
                exports[index] = self.export_all([candidates[index]])[0]
                self._stop()
        return exports

    def stop(self) -> None:
        """End what another thread exports now; nothing is exported afterwards."""
        self._stopped = True
        self._stop()

    def _submit(self, candidate: Candidate) -> Future[Path]:
        if self._stopped:
            raise CancelledError
        if self._pool is None:
            # spawn: torch and its threads do not survive a fork.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(
                self.jobs, mp_context=context, initializer=_start_worker
            )
        # Workers that start inherit the mask: a Ctrl-C before they can ignore it would have each
        # print a traceback.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return self._pool.submit(_export, candidate, self.weights, self.store)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _outcome(self, future: Future[Path], candidate: Candidate) -> Export:
        from models.errors import ModelError

        if not future.done():
            return f"export of {candidate.key} took more than {self.timeout_s:.0f} s"
        try:
            return load_artifact(future.result())
        except ModelError as error:
            return str(error)
        except RequestError:
            raise
        except BrokenProcessPool:
            return f"the process that exported {candidate.key} died, most likely for lack of memory"

    def _stop(self) -> None:
        if self._pool is None:
            return
        workers = list((self._pool._processes or {}).values())
        self._pool.shutdown(wait=False, cancel_futures=True)
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.join(5)
        self._pool = None


def _broke(future: Future[Path]) -> bool:
    return isinstance(future.exception(), BrokenProcessPool)


def _start_worker() -> None:
    """In the worker: one thread, quiet libraries, Ctrl-C left to the parent."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    logging.disable(logging.WARNING)
    # They would be printed into the parent's progress line.
    warnings.filterwarnings("ignore")
    import torch

    torch.set_num_threads(1)


@lru_cache(maxsize=1)
def _weights(path: Path) -> Weights:
    from models.weights import load_weights

    return load_weights(path)


def _export(candidate: Candidate, weights: Path, store: Path) -> Path:
    from models.export import export

    return export(candidate, _weights(weights), store).folder
