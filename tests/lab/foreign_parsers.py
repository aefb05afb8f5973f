"""Everything in `device_runner` that reads what others wrote, with an example of what it takes.

A target is a function of bytes. It may answer or raise an error of ours; any other exception is a
fault. `mutated` makes bytes that are nearly right, which reach deeper than random ones.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import socket
import tarfile
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st
from plain_phone import PHONE

from device_runner import DeviceProfile, Outcome, RunnerBrokenError, RunRequest, TimingPlan
from device_runner.bundles.archive import import_bundle
from device_runner.bundles.manifest import BundleManifest
from device_runner.bundles.stock import StockLogError, parse_log
from device_runner.conditions.held import CONDITIONS
from device_runner.conditions.journal import Journal
from device_runner.conditions.journal_copy import JournalCopy
from device_runner.device import ThreadChoice
from device_runner.devices.adb.bounds import Bounds
from device_runner.devices.adb.claim import DeviceClaim
from device_runner.devices.adb.connection import Connection
from device_runner.devices.adb.lines import listed_devices
from device_runner.devices.adb.profile import hardware_of
from device_runner.devices.adb.server import server_address
from device_runner.devices.adb.states import advice_for
from device_runner.devices.adb.storage import Storage
from device_runner.devices.adb.wire import Deadline, ShellStream, Sync, Wire
from device_runner.devices.holder import parsed_holder
from device_runner.devices.replay.table import load_table
from device_runner.launching.outcomes import Ended, judge
from device_runner.launching.reporting import check_timed, run_report
from device_runner.measuring.tuned import TuningReport
from foundation import Artifact, ArtifactManifest, MobileSRTuneError, load_artifact
from foundation.wording import shown


@dataclass(frozen=True)
class Target:
    """A parser, and whole examples of what it is made for."""

    name: str
    read: Callable[[bytes], object]
    examples: tuple[bytes, ...]

    def survives(self, data: bytes) -> bool:
        """Whether it was read; False where an error of ours refuses it. Raises any other."""
        try:
            self.read(data)
        except MobileSRTuneError:
            return False
        return True


def mutated(target: Target) -> st.SearchStrategy[bytes]:
    """Examples with pieces cut out, doubled, moved between them, or replaced."""
    pieces = st.one_of(
        st.binary(max_size=12),
        st.sampled_from(
            [b"\n", b"\0", b'"', b"{", b"[" * 1200, b"-1", b"0", b"1e999", b"NaN", b"9" * 5000,
             b"\xff\xfe", b"\x1b]0;x\x07", b"null", b"true", b"\xed\xa0\x80", b"../", b"2147483648",
             b"18446744073709551616", "²٣".encode(), b" " * 300]
        ),
    )  # fmt: skip
    edit = st.tuples(
        st.floats(0, 1), st.integers(0, 40), st.sampled_from(["cut", "put", "swap", "copy"]), pieces
    )

    def apply(base: bytes, edits: list[tuple[float, int, str, bytes]]) -> bytes:
        data = bytearray(base)
        for where, length, kind, piece in edits:
            at = int(where * len(data))
            if kind == "cut":
                del data[at : at + length]
            elif kind == "put":
                data[at:at] = piece
            elif kind == "swap":
                data[at : at + length] = piece
            else:
                data[at:at] = data[at : at + 4 * length]
        return bytes(data)

    nearly = st.builds(apply, st.sampled_from(target.examples), st.lists(edit, max_size=6))
    return st.one_of(nearly, nearly, nearly, st.binary(max_size=300))


_EVENTS = (
    {"event": "start", "protocol": 1, "runner": "native", "runtime_version": "1.4.1", "threads": 2,
     "affinity": [0, 1]},
    {"event": "load", "program_load_ms": 1.5, "method_load_ms": 2.5, "rss_before_mb": 10.0,
     "rss_after_load_mb": 20.0, "peak_reset": True},
    {"event": "first_run", "ms": 3.5},
    {"event": "output", "index": 0, "name": "out-0.bin", "bytes": 48},
    {"event": "conditions", "cpu_freq_mhz": [1800.0], "temperature_c": [38.5]},
    {"event": "warmup", "ms": [3.0, 3.0], "settled": True},
    {"event": "iterations", "ns": [3000000, 3000001], "start_ns": [5, 3000010]},
    {"event": "conditions", "cpu_freq_mhz": [], "temperature_c": []},
    {"event": "timing", "cpu_time_ms": 6.0, "minor_faults": 1, "major_faults": 0},
    {"event": "memory", "rss_after_mb": 20.0, "peak_rss_mb": 25.0},
    {"event": "done"},
)  # fmt: skip
_SAID = b"".join(json.dumps(event).encode() + b"\n" for event in _EVENTS)
_FAILED = _SAID.split(b"\n")[0] + b'\n{"event":"error","kind":"output","message":"no space"}\n'


def _manifest(**changes: object) -> bytes:
    spec = {"shape": [1, 3, 4, 4], "dtype": "float32"}
    facts = {
        "schema": "artifact/1", "candidate_key": "k", "config": {}, "deployment": {},
        "sha256": "0" * 64, "size_bytes": 1, "inputs": [spec], "outputs": [spec], "parameters": 1,
        "macs": 1, "weights_sha256": "0" * 64, "weights_source": "x", "torch_version": "2",
        "executorch_version": "1", "delegates": 1, "delegated_ops": {}, "undelegated_ops": {},
        "planned_memory_bytes": 1, "check_tolerance": 0.1, "check_input_sha256": "0" * 64,
        "check_output_sha256": "0" * 64, "export_s": 1.0,
    }  # fmt: skip
    return json.dumps(facts | changes).encode()


_ARTIFACT = Artifact(
    Path("/nowhere"), ArtifactManifest.from_dict(json.loads(_manifest()), where="here")
)
_REQUEST = RunRequest(_ARTIFACT, (Path("/nowhere/in"),), timing=TimingPlan())


def _launch(data: bytes) -> object:
    """The way of a launch's words to a session whose numbers can be used."""
    session = None
    for code in (0, 1, 139):
        verdict = judge(Ended(code, False, data, data[-80:], True), "R5")
        report = run_report(_REQUEST, verdict, 1.0, "R5")
        if report.outcome is Outcome.OK:
            session = report.session
            assert session is not None
            assert session.median_ms > 0
    return session


def _conditions(data: bytes) -> None:
    """Every condition reads it, and says what it does not know."""
    text = data.decode("utf-8", "replace")
    for kind in CONDITIONS:
        reading = kind().reading(text, PHONE)
        assert reading.text
        assert bool(reading.flags) == bool(reading.advice)


def _hardware(data: bytes) -> None:
    found = hardware_of(data.decode("utf-8", "replace"), "R5")
    profile = DeviceProfile(
        kind=found.kind, model=found.model, soc=found.soc, abi=found.abi, os_build=found.os_build,
        cores=found.cores, ram_mb=found.ram_mb, runtime="r", runner="r",
    )  # fmt: skip
    assert profile.key
    assert ThreadChoice(len(found.big_cpus), "why").threads >= 1


def _stock_log(data: bytes) -> None:
    try:
        found = parse_log(data.decode("utf-8", "replace"), threads=1, runtime_version="1")
    except StockLogError as error:
        # As the device says it.
        raise RunnerBrokenError(str(error)) from error
    check_timed(_REQUEST, found.session, "R5")


def _environment(data: bytes) -> object:
    names = ("ADB_SERVER_SOCKET", "ANDROID_ADB_SERVER_ADDRESS", "ANDROID_ADB_SERVER_PORT")
    return server_address(
        dict(zip(names, data.decode("utf-8", "replace").split("\n"), strict=False))
    )


def _devices(data: bytes) -> None:
    for one in listed_devices(data.decode("utf-8", "replace")):
        assert advice_for(one.state, one.serial)


def _in_file(name: str, read: Callable[[Path], object]) -> Callable[[bytes], object]:
    def of_bytes(data: bytes) -> object:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_bytes(data)
            return read(path)

    return of_bytes


def _import(path: Path) -> object:
    """Into a store of its own, which the caller's environment names."""
    return import_bundle(path)


_PROGRAM = b"#!/system/bin/sh\nexit 0\n"
BUNDLE = {
    "schema": "runner-bundle/1", "abi": "arm64-v8a", "executorch_version": "1.4.1", "protocol": 1,
    "recipe": "0" * 64, "compiler": "none", "trapped_symbols": 0, "command": ["./run"],
    "files": [{"name": "run", "sha256": hashlib.sha256(_PROGRAM).hexdigest(),
               "size_bytes": len(_PROGRAM), "executable": True, "origin": "built"}],
    "sources": [],
}  # fmt: skip


def _tar(*members: tuple[str, bytes]) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return raw.getvalue()


_ARCHIVE = _tar(("manifest.json", json.dumps(BUNDLE).encode()), ("run", _PROGRAM))


def _import_tar(data: bytes) -> object:
    """A tar that is packed here: what is odd is in its headers, not in gzip's checksum."""
    return _in_file("runner.tar.gz", _import)(gzip.compress(data, 1))


class _Script:
    """A connection whose every answer is these bytes."""

    shown, serial = "R5", "R5"
    bounds = Bounds()

    def __init__(self, data: bytes) -> None:
        from device_runner.devices.adb.connection import ShellResult

        self._answer = ShellResult(data[-1] & 1 if data else 0, data, data[:200])

    def script(self, *_: object, **__: object) -> object:
        return self._answer


def _storage(data: bytes) -> None:
    connection: Connection = _Script(data)  # type: ignore[assignment]
    storage = Storage(connection)
    storage.stored()
    for ask in (storage.free_bytes, storage.refusal, storage.prepare, storage.clean):
        try:
            ask()
        except MobileSRTuneError:
            continue


def _claim(data: bytes) -> None:
    connection: Connection = _Script(data)  # type: ignore[assignment]
    claim = DeviceClaim(connection)
    claim.holder()
    claim.take()


def _journal_copy(data: bytes) -> None:
    shell: Connection = _Script(data)  # type: ignore[assignment]
    copy = JournalCopy(shell, "/data/conditions", "R5")
    copy.write(copy.read() | {"stay_awake": "0"})


def _with_server(talk: Callable[[Wire], object]) -> Callable[[bytes], object]:
    """An adb server that says these bytes, whatever it is asked, and hangs up."""

    def of_bytes(data: bytes) -> object:
        from device_runner.devices.adb.wire import LOSSES, RefusedByDevice

        with socket.create_server(("127.0.0.1", 0)) as listener:

            def answer() -> None:
                # One who has read enough hangs up in the middle.
                with contextlib.suppress(OSError), listener.accept()[0] as stream:
                    stream.sendall(data)
                    stream.shutdown(socket.SHUT_WR)
                    # Until the client goes: a reset would cut off what it has not read.
                    while stream.recv(65536):
                        pass

            thread = threading.Thread(target=answer, daemon=True)
            thread.start()
            try:
                with Wire("127.0.0.1", listener.getsockname()[1], Deadline(5.0)) as wire:
                    return talk(wire)
            except (*LOSSES, RefusedByDevice):
                # What `Connection` turns into an error of ours.
                return None
            finally:
                thread.join(5.0)

    return of_bytes


def _shell(wire: Wire) -> None:
    stream = ShellStream(wire, "R5", "true", 1 << 20)
    while stream.step():
        pass


def _sync(wire: Wire) -> None:
    sync = Sync(wire, "R5")
    sync.size_of("/x")
    list(sync.read("/x"))
    sync.write(io.BytesIO(b"abc"), "/x", 0o644)


def _ask(wire: Wire) -> object:
    wire.request("host:devices-l")
    return listed_devices(wire.read(wire.length()).decode("utf-8", "replace"))


_CSV = b"candidate_key,latency_ms,first_run_ms,threads\nk,1.5,2.5,2\nk,1.6,,2\n"
_JOURNAL = b'{"schema": "conditions-journal/1", "serial": "R5", "prior": {"stay_awake": "0"}}'
_GETPROP = b"""[ro.product.cpu.abi]: [arm64-v8a]
[ro.build.version.sdk]: [35]
[ro.serialno]: [R5]
ram_kb=7654321
core=0|400|1800000|0 1
core=1|1024|2800000|1
"""
_DUMPS = b"""IsStatusOverride: false
Thermal Status: 1
HAL Ready: true
	Temperature{mValue=31.5, mType=3, mName=SKIN, mStatus=0}
  AC powered: true
  status: 2
  present: true
  level: 83
  scale: 100
  temperature: 284
saver: 0
  mWakefulness=Awake
online=0-7
present=0-7
cpu=0|walt|1800000|2800000
"""
_LISTED = b"""R58N12ABCDE            device usb:1-1 product:x model:y device:z transport_id:1
adb-ab12-xY (2)._adb-tls-connect._tcp device product:x
(no serial number)     no permissions (user in plugdev group); see [http://x] usb:1-4
"""
_LOG = b"""I 00:00:00.1 executorch:executor_runner.cpp:1] Iteration 1 of 2: 12.500000 ms
I 00:00:00.2 executorch:executor_runner.cpp:1] Iteration 2 of 2: 11.500000 ms
I 00:00:00.2 executorch:x.cpp:1] Model executed successfully 2 time(s) in 24.000000 ms.
"""
_TAKEN = b"busy 12 300 abcdef\n" + json.dumps(
    {"pid": 4711, "command": "mobilesr-tune bench", "since": "2026-01-01T00:00:00Z",
     "host": "rack-2", "system": "s", "began_s": 1.0, "token": "ab"}
).encode()  # fmt: skip
_JOURNAL = b'{"schema":"conditions-journal/1","serial":"R5","prior":{"stay_awake":"0"}}'

TARGETS = (
    Target("runner protocol", _launch, (_SAID, _FAILED)),
    Target("dumpsys and sysfs", _conditions, (_DUMPS,)),
    Target("getprop", _hardware, (_GETPROP,)),
    Target("adb devices -l", _devices, (_LISTED,)),
    Target("adb's environment", _environment, (b"tcp:rack:5037\nrack\n5037", b"\n[::1]\n1")),
    Target("shell protocol", _with_server(_shell),
           (b"OKAYOKAY\x01\x02\0\0\0hi\x03\x01\0\0\0\0", b"OKAYFAIL0004nope")),
    Target("sync protocol", _with_server(_sync),
           (b"OKAYOKAYSTAT\xa4\x81\0\0\x03\0\0\0\0\0\0\0DATA\x03\0\0\0abcDONE\0\0\0\0OKAY\0\0\0\0",)),
    Target("server protocol", _with_server(_ask), (b"OKAY0010R5        device", b"FAIL0002no")),
    Target("lock on the device", _claim, (_TAKEN, b"held\n")),
    Target("journal on the device", _journal_copy, (_JOURNAL,)),
    Target("holder's file", lambda data: str(parsed_holder(data)), (_TAKEN.partition(b"\n")[2],)),
    Target("df and du", _storage,
           (b"Filesystem 1K-blocks Used Available\n/data 100 50 50 50% /data\n",
            b"100 1700000000 blobs/abc\n12 1700000000 bundles/x\n")),
    Target("stock log", _stock_log, (_LOG,)),
    Target("bundle manifest", _in_file("manifest.json", BundleManifest.load),
           (json.dumps(BUNDLE).encode(),)),
    Target("bundle archive", _in_file("runner.tar.gz", _import), (gzip.compress(_ARCHIVE, 1),)),
    Target("tar in an archive", _import_tar, (_ARCHIVE,)),
    Target("artifact manifest", _in_file("manifest.json", ArtifactManifest.load), (_manifest(),)),
    Target("artifact folder", _in_file("manifest.json", load_artifact), (_manifest(),)),
    Target("conditions journal", _in_file("journal.json", Journal.load), (_JOURNAL,)),
    Target("tuning report", _in_file("tuning.json", TuningReport.load), (b"{}",)),
    Target("replay csv", _in_file("table.csv", load_table), (_CSV,)),
    Target("replay json", _in_file("one.json", load_table), (b"{}",)),
    Target("printed text", lambda data: shown(data.decode("utf-8", "replace")), (_LISTED,)),
)  # fmt: skip
