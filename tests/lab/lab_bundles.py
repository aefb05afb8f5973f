"""Stand-ins for a runner bundle, for what is tested is the way to the device and back."""

from __future__ import annotations

import hashlib
import os
import shlex
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from device_runner.devices.adb.bundle import BundleFile
from foundation import sha256_of

# Speaks the protocol, computes nothing. `--min-time-s` above 1000 makes it work for ever. A model
# whose first 32 bytes are "DEED at STAGE" makes it do that deed before that stage.
_SCRIPT = r"""
at() {
  [ "$1" = "$stage" ] || return 0
  case "$deed" in
    crash) kill -SEGV $$;;
    die) kill -KILL $$;;
    hang) sleep 3600;;
    starve) echo '{"event":"error","kind":"out_of_memory","message":"as asked"}'; exit 1;;
    fill) dd 2>/dev/null if=/dev/zero of=/data/local/tmp/other bs=65536 count=1600;;
  esac
}
dir= dtype=float32 threads=1 timing=1 long=0 n=0
while [ $# -gt 0 ]; do
  case "$1" in
    --model) model=$2; shift;; --inputs) last=$2; n=$((n + 1)); shift;;
    --output-dir) dir=$2; shift;; --threads) threads=$2; shift;;
    --no-timing) timing=0;; --min-time-s) case "$2" in 1e+0[3-9]|1000*) long=1;; esac; shift;;
    *) shift;;
  esac
  shift
done
echo '{"event":"start","protocol":1,"runner":"script","runtime_version":"none",'\
'"threads":'$threads',"affinity":[]}'
set -- $(dd if="$model" bs=32 count=1 2> /dev/null) && deed=$1 stage=$3
at load
echo '{"event":"load","program_load_ms":1.0,"method_load_ms":1.0,"rss_before_mb":1.0,'\
'"rss_after_load_mb":2.0,"peak_reset":true}'
at run
echo '{"event":"first_run","ms":1.0}'
if [ -n "$dir" ]; then
  i=0
  while [ $i -lt $n ]; do
    cat "$last" > "$dir/out-$i.bin" || {
      echo '{"event":"error","kind":"output","message":"no space"}'; exit 1; }
    echo '{"event":"output","index":'$i',"name":"out-'$i'.bin","bytes":'$(wc -c < "$last")'}'
    i=$((i + 1))
    at output
  done
fi
at timing
[ $long = 1 ] && sleep 3600
if [ $timing = 1 ]; then
  echo '{"event":"warmup","ms":[1.0],"settled":true}'
  echo '{"event":"iterations","ns":[1000000],"start_ns":[5]}'
  echo '{"event":"timing","cpu_time_ms":1.0,"minor_faults":0,"major_faults":0}'
fi
echo '{"event":"outputs_seen","digest":["same"],"executions":[1]}'
echo '{"event":"memory","rss_after_mb":2.0,"peak_rss_mb":3.0}'
echo '{"event":"done"}'
"""


@dataclass(frozen=True)
class StandInBundle:
    """A `device_runner.devices.adb.bundle.RunnerBundle` made by a test."""

    folder: Path
    abi: str
    runtime: str
    start: tuple[str, ...]

    @property
    def files(self) -> tuple[BundleFile, ...]:
        paths = sorted(path for path in self.folder.rglob("*") if path.is_file())
        return tuple(
            BundleFile(
                path.relative_to(self.folder).as_posix(), sha256_of(path), os.access(path, os.X_OK)
            )
            for path in paths
        )

    @property
    def key(self) -> str:
        words = [f"{file.path} {file.sha256} {file.executable}" for file in self.files]
        return hashlib.sha256("\n".join([*words, *self.start]).encode()).hexdigest()


def script_bundle(folder: Path, abi: str = "x86_64") -> StandInBundle:
    """A runner that is a script of the device's own shell: it runs on every device of the lab."""
    (folder / "part").mkdir(parents=True)
    (folder / "part/runner.sh").write_text(_SCRIPT)
    program = folder / "run"
    program.write_text('#!/system/bin/sh\nexec sh part/runner.sh "$@"\n')
    program.chmod(0o755)
    return StandInBundle(folder, abi, "script 1", ("./run",))


def python_bundle(folder: Path) -> StandInBundle:
    """The host's own Python runner, started inside the device with this host's files.

    It loads and runs real programs, so that an answer from the lab can be held against PyTorch.
    """
    folder.mkdir(parents=True)
    interpreter = Path(sys.executable).resolve()
    libraries = [sysconfig.get_config_var("LIBDIR") or "/usr/lib", "/lib/x86_64-linux-gnu",
                 "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/usr/lib"]  # fmt: skip
    here = Path(__file__).resolve().parents[2]
    site = [here, sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    host = [f"/host{path}" for path in libraries]
    # Resolved here: an absolute link would lead to the device's own loader.
    loader = Path("/lib64/ld-linux-x86-64.so.2").resolve()
    program = folder / "run"
    program.write_text(
        "#!/system/bin/sh\n"
        f"export PYTHONHOME=/host{sys.base_prefix} PYTHONDONTWRITEBYTECODE=1\n"
        f"export PYTHONPATH={shlex.quote(':'.join(f'/host{path}' for path in site))}\n"
        f"exec /host{loader} --library-path {':'.join(host)} "
        f'/host{interpreter} -P -m device_runner.devices.host.runner "$@"\n'
    )
    program.chmod(0o755)
    return StandInBundle(folder, "x86_64", "executorch 1.4.1", ("./run",))
