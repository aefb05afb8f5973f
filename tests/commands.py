"""The command line in the test's own process.

A process of its own costs three seconds, most of them imports. `tests/test_command_line.py`,
`test_ends.py` and `test_errors_table.py` start real ones.
"""

from __future__ import annotations

import contextlib
import io
import logging
import sys
import warnings
from pathlib import Path
from subprocess import CompletedProcess
from unittest import mock


def command_here(*arguments: str, cwd: Path) -> CompletedProcess[str]:
    """`mobilesr-tune` with these arguments in that folder: exit code, stdout, stderr."""
    import mobilesr_tune

    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(cwd),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        mock.patch.object(sys, "argv", ["mobilesr-tune", *arguments]),
        warnings.catch_warnings(),
    ):
        try:
            mobilesr_tune.main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        else:
            raise AssertionError("the command did not end with an exit code")
        finally:
            logging.disable(logging.NOTSET)
    return CompletedProcess(list(arguments), code, out.getvalue(), err.getvalue())
