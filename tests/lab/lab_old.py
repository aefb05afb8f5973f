"""The shell and the tools of Android 8 and 9, for a device of the lab that is of that age.

Their shell is mksh R56 or R57, of which Debian has no source any more. It differs from today's in
one thing that scripts felt: a subshell that SIGTERM ends passes it on to its whole process group.
So the shell here is Debian's mksh, compiled with that put back. The tools are today's toybox, cut
down to the commands that Android 8 had, without the options that came later.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from lab_packages import LabUnavailable, mksh_source

# Of Android 8.0's toybox and toolbox; the shell has its own kill, echo, printf, test and the like.
_TOOL_NAMES = """
base64 basename cal cat chcon chgrp chmod chown chrt cksum clear cmp comm cp cpio cut date dd df
dirname dmesg dos2unix du env expand expr false file find flock free grep groups gunzip gzip
head hostname hwclock id ifconfig ionice iorenice kill killall ln log logname ls lsmod lsof
md5sum mkdir mkfifo mknod mktemp more mount mountpoint mv nc netstat nice nl nohup od paste
patch pgrep pidof pkill pmap printenv printf ps pwd readlink realpath renice rm rmdir sed seq
setsid sha1sum sha224sum sha256sum sha384sum sha512sum sleep sort split stat strings swapoff
swapon sync sysctl tac tail tar taskset tee time timeout top touch tr true truncate tty ulimit
umount uname uniq unix2dos uptime usleep uudecode uuencode vmstat wc which whoami xargs xxd yes
zcat
"""
TOOLS = frozenset(_TOOL_NAMES.split())
# Options that came later, by tool: these words are refused.
_LATER = {"head": "-c*", "df": "*T*", "ps": "*-Z*", "sort": "-V*", "stat": "-t*", "du": "*-b*"}

# Put before the shell's own end. `kshpid` is the main shell's number, `procpid` this process's.
_BEFORE = "\t\tif (shf)\n\t\t\tshf_close(shf);\n\t\treclaim();\n#ifdef DEBUG_LEAKS"
_PASSED_ON = """\
\t\tif (exstat == 128 + SIGTERM && procpid != kshpid && kshpgrp == kshpid) {
\t\t\tsetsig(&sigtraps[SIGTERM], SIG_DFL, SS_RESTORE_CURR | SS_FORCE);
\t\t\tkill(0, SIGTERM);
\t\t}
"""


def build_shell(work: Path, target: Path) -> None:
    """Compile the old shell to `target`.

    Raises:
        LabUnavailable: no source, no compiler, or the source has changed.
    """
    # By tar itself: Python's extraction knows a filter, and warns without one, by point releases.
    subprocess.run(["tar", "-xzf", mksh_source(), "-C", work], check=True)
    (main,) = work.glob("*/main.c")
    text = main.read_text()
    if text.count(_BEFORE) != 1:
        raise LabUnavailable("Debian's mksh has changed: the old shell's way cannot be put back")
    main.write_text(text.replace(_BEFORE, _PASSED_ON + _BEFORE))
    built = work / "built"
    built.mkdir()
    done = subprocess.run(
        ["sh", main.parent / "Build.sh", "-r"],
        cwd=built,
        env={"PATH": "/usr/bin:/bin", "CC": "cc", "LDFLAGS": "-static", "CFLAGS": "-O1"},
        capture_output=True,
        text=True,
    )
    if done.returncode or not (built / "mksh").is_file():
        raise LabUnavailable(f"mksh did not compile: {(done.stdout + done.stderr)[-300:]}")
    shutil.copy(built / "mksh", target)


def cut_down(tools: Path, old: Path) -> None:
    """Fill `old` with what of `tools` Android 8 had."""
    old.mkdir()
    for path in sorted(tools.iterdir()):
        if not path.is_symlink():
            shutil.copy(path, old)
        elif path.name == "sh" or path.name in TOOLS - set(_LATER):
            (old / path.name).symlink_to(path.readlink())
    for name, words in _LATER.items():
        wrapper = old / name
        program = (tools / name).readlink()
        wrapper.write_text(
            f'#!/system/bin/sh\nfor word; do case "$word" in {words})\n'
            f'echo "{name}: Unknown option $word" >&2; exit 1;; esac; done\n'
            f'exec {program} {name} "$@"\n'
        )
        wrapper.chmod(0o755)
