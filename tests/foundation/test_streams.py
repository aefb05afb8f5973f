"""stdout and stderr that outlive their readers, tried in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = """
import os, sys
from foundation.errors import RequestError
from foundation.streams import prepare_streams, require_told
prepare_streams()
for _ in range(3):
    print("x" * 200_000)
    sys.stderr.write("working\\n")
lost = False
try:
    require_told()
except RequestError:
    lost = True
opened = os.open("kept", os.O_CREAT | os.O_WRONLY)
assert opened > 2, "a file took the place of a standard stream"
os._exit(40 + lost)
"""


def run(redirections: str, folder: Path, program: str = PROGRAM, **environment: str):
    return subprocess.run(
        ["bash", "-c", f'exec 3>&1; "$0" -c "$1" {redirections}', sys.executable, program],
        cwd=folder, capture_output=True, check=False, timeout=60,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("redirections", "code"),
    [
        ("", 40),
        ("> >(true)", 40),  # a reader that left is content
        (">/dev/full", 41),
        (">&-", 41),
        ("2>&-", 40),
        ("2>/dev/full", 40),
        (">&- 2>&-", 41),
    ],
)
def test_a_program_reaches_its_end_whoever_reads(tmp_path, redirections, code):
    done = run(redirections, tmp_path)
    assert done.returncode == code, done.stderr
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-8", "★ … ≈ −1 好 ?"),
        ("latin-1", "* ... ~ -1 ? ?"),
        ("ascii", "* ... ~ -1 ? ?"),
        ("cp1252", "* … ~ -1 ? ?"),
    ],
)
def test_every_locale_takes_every_text(tmp_path, encoding, said):
    program = (
        "from foundation.streams import prepare_streams; prepare_streams(); "
        r"print('\u2605 \u2026 \u2248 \u22121 \u597d \udcff')"
    )
    done = run("", tmp_path, program, PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode(encoding).strip() == said


def test_a_pipe_that_does_not_wait_gets_all(tmp_path):
    program = """
import os, sys
os.set_blocking(1, False)
from foundation.streams import prepare_streams, require_told
prepare_streams()
print("y" * 1_000_000)
require_told()
"""
    done = run("| (sleep 0.3; wc -c) >&3; exit ${PIPESTATUS[0]}", tmp_path, program)
    assert (done.returncode, done.stdout.strip()) == (0, b"1000001"), done.stderr
