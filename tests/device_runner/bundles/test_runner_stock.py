from __future__ import annotations

import pytest

from device_runner.bundles.stock import UNKNOWN, StockLogError, arguments, parse_log

LOG = """\
I 00:00:00.000412 executorch:executor_runner.cpp:380] Model file /m.pte is loaded.
I 00:00:00.912000 executorch:executor_runner.cpp:420] Iteration 1 of 3: 21.500000 ms
I 00:00:00.932000 executorch:executor_runner.cpp:420] Iteration 2 of 3: 10.250000 ms
I 00:00:00.942000 executorch:executor_runner.cpp:420] Iteration 3 of 3: 10.000000 ms
I 00:00:00.950000 executorch:executor_runner.cpp:431] Model executed successfully 3 time(s) in \
41.750000 ms.
"""


def test_first_execution_is_apart_from_the_timed_ones() -> None:
    found = parse_log(LOG, threads=4, runtime_version="1.4.1")
    assert found.session.first_run_ms == 21.5
    assert found.session.iteration_ns == (10_250_000, 10_000_000)
    assert found.session.threads == 4
    assert found.session.warmup_ms == ()


def test_what_the_log_cannot_tell_is_said_and_empty() -> None:
    found = parse_log(LOG, threads=1, runtime_version="")
    assert set(UNKNOWN) < set(found.unknown)
    assert "first_run_ms" not in found.unknown
    for name in found.unknown:
        if name != "threads":
            assert not getattr(found.session, name)


def test_logcat_lines_and_totals_alone() -> None:
    log = "11-22 17:00:00.1  42  42 I ExecuTorch: Model executed successfully 4 time(s) in 40.0 ms."
    found = parse_log(log, threads=1, runtime_version="1.1")
    assert found.session.median_ms == 10.0
    assert "first_run_ms" in found.unknown


@pytest.mark.parametrize(
    "log",
    [
        "",
        "Execution of method forward failed with status 0x12",
        LOG.replace("Iteration 2 of 3", "Repetition 2 of 3"),
        "Model executed successfully 0 time(s) in 0.0 ms.",
        "Model executed successfully 999999999 time(s) in 1.0 ms.",
        "Model executed successfully 1 time(s) in nan ms.",
    ],
)
def test_log_of_no_good_run(log: str) -> None:
    with pytest.raises(StockLogError):
        parse_log(log, threads=1, runtime_version="1.4.1")


def test_arguments() -> None:
    flags = arguments("/m.pte", ["/a.bin"], output_base="/out", executions=5, threads=2)
    assert "--inputs=/a.bin" in flags
    assert "--num_executions=5" in flags
    with pytest.raises(ValueError, match="comma"):
        arguments("/m.pte", ["/a,b.bin"], output_base="/out", executions=1, threads=1)
