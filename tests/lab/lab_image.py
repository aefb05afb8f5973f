"""A phone-like root: real adbd, a shell and tools, and small scripts for what only Android has.

The scripts answer from files in /lab, which is a folder of the test on the host.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

import lab_old
from filelock import FileLock
from lab_packages import LabUnavailable, cache_folder, unpacked_packages

CHROOT = "/usr/sbin/chroot"

# adbd listens on all addresses; the lab stays on loopback. Children do not inherit the shim.
_BIND_SHIM = r"""
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
__attribute__((constructor)) static void forget(void) { unsetenv("LD_PRELOAD"); }
int bind(int fd, const struct sockaddr *address, socklen_t length) {
  static int (*real)(int, const struct sockaddr *, socklen_t);
  if (!real) real = (int (*)(int, const struct sockaddr *, socklen_t))dlsym(RTLD_NEXT, "bind");
  if (address->sa_family == AF_INET) {
    struct sockaddr_in local = *(const struct sockaddr_in *)address;
    local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return real(fd, (struct sockaddr *)&local, sizeof local);
  }
  if (address->sa_family == AF_INET6) {
    struct sockaddr_in6 local = *(const struct sockaddr_in6 *)address;
    int no = 0;
    inet_pton(AF_INET6, "::ffff:127.0.0.1", &local.sin6_addr);
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
    return real(fd, (struct sockaddr *)&local, sizeof local);
  }
  if (address->sa_family == AF_UNIX) return real(fd, address, length);
  errno = EADDRNOTAVAIL;
  return -1;
}
"""

_SCRIPTS = {
    "getprop": """\
if [ $# = 0 ]; then
  while IFS= read -r line; do echo "[${line%%=*}]: [${line#*=}]"; done < /lab/props
else
  while IFS= read -r line; do [ "${line%%=*}" = "$1" ] && echo "${line#*=}"; done < /lab/props
fi
exit 0
""",
    "setprop": 'echo "$1=$2" >> /lab/props\n',
    "dumpsys": """\
[ -f "/lab/dumpsys/$1" ] || { echo "Can't find service: $1"; exit 0; }
exec cat "/lab/dumpsys/$1"
""",
    "cmd": """\
echo "cmd $*" >> /lab/calls
[ "$1 $2" = "power set-fixed-performance-mode-enabled" ] || exit 255
[ -f /lab/no_fixed_performance ] && { echo "Unknown command: $2"; exit 255; }
echo "$3" > /lab/fixed_performance
""",
    "svc": """\
echo "svc $*" >> /lab/calls
[ "$1 $2" = "power stayon" ] || exit 1
case "$3" in true) n=7;; false) n=0;; ac) n=1;; usb) n=2;; wireless) n=4;; *) exit 1;; esac
echo $n > /lab/settings/stay_on_while_plugged_in
""",
    "settings": """\
echo "settings $*" >> /lab/calls
[ "$2" = global ] || exit 1
case "$1" in
  get) if [ -f "/lab/settings/$3" ]; then cat "/lab/settings/$3"; else echo null; fi;;
  put) echo "$4" > "/lab/settings/$3";;
  delete) rm -f "/lab/settings/$3"; echo "Deleted 1 rows";;
  *) exit 1;;
esac
""",
}

# What runs as process 1 of a device. It reaps what others leave behind, as init does.
_INIT = r"""#!/bin/sh
set -e
home=$1 image=$2 port=$3 data_mb=$4 qemu=$5 old=$6 cpu=$7 data_options=$8
root=$home/root
mount -t overlay overlay -o "lowerdir=$image,upperdir=$home/upper,workdir=$home/work" "$root"
mount -t proc proc "$root/proc"
if [ "$data_mb" -gt 0 ]; then mount -t tmpfs -o "size=${data_mb}m,$data_options" tmpfs "$root/data"
else mount --bind "$home/data" "$root/data"; fi
mkdir -p "$root/data/local/tmp" && chmod 1777 "$root/data/local/tmp"
mount --bind "$home/lab" "$root/lab"
if [ "$old" = old ]; then
  mount --bind "$root/system/old" "$root/system/bin"
  mount --bind "$root/usr/bin/mksh-old" "$root/usr/bin/mksh"
fi
for node in null zero urandom random; do mount --bind "/dev/$node" "$root/dev/$node"; done
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
mount --rbind /sys/devices/system/cpu "$root/sys/devices/system/cpu"
# For a stand-in of the runner that needs this host's Python. Read only, as far as the kernel lets.
mount --rbind / "$root/host" && mount -o remount,bind,ro "$root/host" || true
if [ "$qemu" != none ]; then
  mount -t binfmt_misc binfmt_misc "$root/proc/sys/fs/binfmt_misc"
  elf='\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00'
  mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
  printf '%s' ":aarch64:M::$elf:$mask:$qemu:F" > "$root/proc/sys/fs/binfmt_misc/register"
fi
cd "$root"
env -i PATH=/system/bin HOME=/data TMPDIR=/data/local/tmp ADBD_PORT="$port" QEMU_CPU="$cpu" \
  /usr/sbin/chroot "$root" /system/bin/sh -c 'LD_PRELOAD=/lib/bind_shim.so exec /usr/sbin/adbd' \
  < /dev/null &
wait $!
"""


def _scripts(folder: Path) -> None:
    for name, body in _SCRIPTS.items():
        path = folder / name
        path.unlink(missing_ok=True)
        path.write_text(f"#!/system/bin/sh\n{body}")
        path.chmod(0o755)


def _compile_shim(target: Path) -> None:
    done = subprocess.run(
        ["cc", "-shared", "-fPIC", "-O1", "-x", "c", "-", "-o", str(target), "-ldl"],
        input=_BIND_SHIM,
        text=True,
        capture_output=True,
    )
    if done.returncode:
        raise LabUnavailable(f"the C compiler failed: {done.stderr[-300:]}")


def _build(packages: Path, root: Path) -> None:
    # Merged-usr, as in the packages; Android's own paths beside it.
    shutil.copytree(packages / "usr", root / "usr", symlinks=True, ignore=shutil.ignore_patterns(
        "share", "qemu-*", "systemd"))  # fmt: skip
    for name in ("bin", "lib", "lib64", "sbin"):
        (root / name).symlink_to(f"usr/{name}")
    cpus = "sys/devices/system/cpu"
    for name in ("data", "lab", "host", "proc", "dev/pts", "system/bin", cpus, "etc"):
        (root / name).mkdir(parents=True)
    for name in ("null", "zero", "urandom", "random"):
        (root / "dev" / name).touch()
    (root / "dev/ptmx").symlink_to("pts/ptmx")
    tools = root / "system/bin"
    shell = root / "usr/bin/sh"
    shell.unlink(missing_ok=True)
    shell.symlink_to("mksh")
    (tools / "sh").symlink_to("/usr/bin/mksh")
    # What toybox does not offer comes from busybox.
    for program in ("busybox", "toybox"):
        option = ["--list"] if program == "busybox" else []
        listed = subprocess.run(
            ["unshare", "-U", "-r", CHROOT, str(root), f"/usr/bin/{program}", *option],
            capture_output=True, text=True, check=True,
        ).stdout.split()  # fmt: skip
        for name in listed:
            if name in ("sh", "bash", "chroot", program) or "/" in name:
                continue
            (tools / name).unlink(missing_ok=True)
            (tools / name).symlink_to(f"/usr/bin/{program}")
    _scripts(tools)
    with tempfile.TemporaryDirectory() as work:
        lab_old.build_shell(Path(work), root / "usr/bin/mksh-old")
    lab_old.cut_down(tools, root / "system/old")
    _compile_shim(root / "usr/lib/bind_shim.so")
    init = root / "init.sh"
    init.write_text(_INIT)
    init.chmod(0o755)


def phone_image() -> Path:
    """The image's folder; built once, then kept.

    Raises:
        LabUnavailable: this machine lacks what it takes.
    """
    packages = unpacked_packages()
    if shutil.which("cc") is None:
        raise LabUnavailable("this machine has no C compiler (cc)")
    if not Path(CHROOT).exists() or shutil.which("unshare") is None:
        raise LabUnavailable("this machine has no chroot or no unshare")
    recipe = hashlib.sha256(packages.name.encode())
    for source in (__file__, lab_old.__file__):
        recipe.update(Path(source).read_bytes())
    root = cache_folder() / f"image-{recipe.hexdigest()[:12]}"
    with FileLock(root.with_suffix(".lock"), timeout=300):
        if not root.is_dir():
            work = root.with_suffix(".work")
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir()
            _build(packages, work)
            work.rename(root)
    return root


def emulator_binary() -> Path:
    """qemu for arm64 programs."""
    return unpacked_packages() / "usr/bin/qemu-aarch64"
