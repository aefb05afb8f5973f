from __future__ import annotations

import os
import signal
import threading

import pytest

from foundation.signals import Ended, signals_deferred, signals_end


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_an_end_from_outside_is_as_ctrl_c(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    tidied = []

    def work() -> None:
        with signals_end():
            try:
                signal.raise_signal(number)
            finally:
                # A supervisor that loses patience does not stop the tidying.
                signal.raise_signal(number)
                tidied.append(number)

    with pytest.raises(KeyboardInterrupt) as caught:
        work()
    assert isinstance(caught.value, Ended)
    assert tidied == [number]
    assert signal.getsignal(number) is before


def test_what_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals_end():
            signal.raise_signal(signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_forked_child_ends_as_it_would_without_us() -> None:
    with signals_end():
        child = os.fork()
        if child == 0:
            os.kill(os.getpid(), signal.SIGTERM)
            os._exit(1)
        status = os.waitpid(child, 0)[1]
    assert os.WTERMSIG(status) == signal.SIGTERM


def test_bounded_work_is_done_before_the_signal_is_heard() -> None:
    done = []

    def work() -> None:
        with signals_end(), signals_deferred():
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGINT)
            done.append(1)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == [1]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_other_threads_are_left_alone() -> None:
    seen = []

    def work() -> None:
        with signals_end(), signals_deferred():
            seen.append(signal.getsignal(signal.SIGTERM))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]
