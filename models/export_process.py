"""A process that exports, one candidate after the other, and stays warm in between.

Lowering may take minutes, gigabytes, or the process down with it, which costs only the candidate
in hand: the next one finds a new process. One is enough. torch is imported once, by which time most
of what an export by `direct` takes is paid; `standard` takes seconds, and a phone takes longer than
that over a candidate.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import signal
import sys
import warnings
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from pathlib import Path
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Self

from foundation.artifact import Artifact, load_artifact
from foundation.errors import RequestError
from foundation.process import die_with_parent
from models.deployment import Candidate

if TYPE_CHECKING:
    from models.weights import Weights

Export = Artifact | str
"""An artifact, or the sentence why there is none."""


class ExportProcess:
    """Exports candidates into one store with the weights of one file.

    Attributes:
        timeout_s: how long one candidate may take, torch's import with the first.
    """

    def __init__(self, weights: Path, store: Path, timeout_s: float = 900.0) -> None:
        self.weights, self.store, self.timeout_s = weights, store, timeout_s
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
        self._end()

    def export(self, candidate: Candidate) -> Export:
        """Export, or find what is in the store already.

        Raises:
            RequestError: the store cannot be written or the disk is full: no later candidate
                would fare better.
            CancelledError: `stop` was called.
        """
        try:
            future = self._submit(candidate)
            wait([future], timeout=self.timeout_s)
        except KeyboardInterrupt:
            self._end()
            raise
        if self._stopped:
            raise CancelledError
        if not future.done():
            self._end()
            return f"export of {candidate.key} took more than {self.timeout_s:.0f} s"
        return self._outcome(future, candidate)

    def stop(self) -> None:
        """End what another thread exports now; nothing is exported afterwards."""
        self._stopped = True
        self._end()

    def _submit(self, candidate: Candidate) -> Future[Path]:
        if self._stopped:
            raise CancelledError
        # A process that starts inherits the mask: a Ctrl-C before it can ignore it would have it
        # print a traceback.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            with _nothing_run_again():
                return self._running().submit(_export, candidate, self.weights, self.store)
        except BrokenProcessPool:
            # It died while it had nothing to do.
            self._end()
            with _nothing_run_again():
                return self._running().submit(_export, candidate, self.weights, self.store)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _running(self) -> ProcessPoolExecutor:
        if self._pool is None:
            # spawn: torch and its threads do not survive a fork.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(1, mp_context=context, initializer=_start)
        return self._pool

    def _outcome(self, future: Future[Path], candidate: Candidate) -> Export:
        from models.errors import ModelError

        try:
            return load_artifact(future.result())
        except ModelError as error:
            return str(error)
        except RequestError:
            raise
        except BrokenProcessPool:
            self._end()
            return f"the process that exported {candidate.key} died, most likely for lack of memory"

    def _end(self) -> None:
        pool, self._pool = self._pool, None
        if pool is None:
            return
        processes = list((pool._processes or {}).values())
        pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.terminate()
        for process in processes:
            process.join(5)


@contextlib.contextmanager
def _nothing_run_again() -> Iterator[None]:
    """Inside, a process that starts imports nothing of the program that started it.

    It would run that program's main module first. A script that searches without asking whether it
    is the main module would search once more in there, in the same folders.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _start() -> None:
    """In the process: one thread, quiet libraries, Ctrl-C left to the parent."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    # A library's lock (tqdm's, when torch traces) would else be named in the parent's tracker of
    # resources, which calls it leaked when this process is ended. After a fork none is named.
    multiprocessing.set_start_method("fork", force=True)
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
