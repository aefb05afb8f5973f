"""Launches of the native runner out of its bundle, and what they told."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

from device_runner.bundles import Bundle
from device_runner.bundles.trial import environment
from device_runner.launching.protocol import Transcript, parse_transcript

LAUNCH_S = 120
QUICK = ("--min-warmup", "2", "--max-warmup", "5", "--min-iterations", "4", "--min-time-s", "0")
Launch = Callable[..., "subprocess.CompletedProcess[bytes]"]


def launcher(bundle: Bundle, command: tuple[str, ...]) -> Launch:
    def launch(*arguments: object) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [*command, *map(str, arguments)],
            cwd=bundle.folder,
            env=environment(),
            capture_output=True,
            timeout=LAUNCH_S,
            check=False,
        )

    return launch


def told(finished: subprocess.CompletedProcess[bytes]) -> Transcript:
    transcript = parse_transcript(finished.stdout)
    assert finished.returncode == (0 if transcript.session else 1), finished.stderr.decode()
    return transcript


def error_kind(finished: subprocess.CompletedProcess[bytes]) -> str:
    transcript = told(finished)
    assert transcript.error is not None
    return transcript.error.kind
