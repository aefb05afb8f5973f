from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
import typer
from typer.testing import CliRunner

from device_runner import bundles
from device_runner.bundles import (
    Bundle,
    BundleBuildError,
    BundleDamagedError,
    BundleError,
    BundleMissingError,
    HostToolMissingError,
    StockRunner,
    adopt,
    choose_runner,
    debian,
    elf,
    export_bundle,
    import_bundle,
    open_bundle,
    stand_ins,
    store,
    verify,
)
from device_runner.bundles.checking import Checked, check
from device_runner.bundles.pins import PLATFORMS
from device_runner.commands import runner_cli
from foundation import RequestError

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    runner_cli.register(app)
    return app


def test_adopted_bundle_is_whole_and_says_that_it_is_the_users(small: Bundle) -> None:
    verify(small)
    assert open_bundle(small.folder).manifest == small.manifest
    assert [source.kind for source in small.manifest.sources] == ["user"]
    assert {path.name for path in small.paths} == {"runner", "libx.so"}


@pytest.mark.parametrize(
    "command", [("./absent",), ("./lib/libx.so",), ("/bin/sh", "-c", "true"), ("./runner", "-x")]
)
def test_only_the_bundles_own_programs_can_be_started(
    small: Bundle, command: tuple[str, ...]
) -> None:
    with pytest.raises(BundleError, match="command"):
        adopt(small.folder, abi="x86_64", executorch_version="1", command=command)


def test_names_that_a_shell_could_misread_are_refused(small: Bundle) -> None:
    (small.folder / "a b;$(id)").write_text("x")
    with pytest.raises(BundleError, match="name"):
        adopt(small.folder, abi="x86_64", executorch_version="1", command=("./runner",))


def test_digest_names_content_and_rights(small: Bundle) -> None:
    before = small.manifest.digest
    (small.folder / "lib" / "libx.so").chmod(0o755)
    again = adopt(small.folder, abi="x86_64", executorch_version="1", command=("./runner",))
    assert again.manifest.digest != before


def _change(folder: Path) -> None:
    (folder / "lib" / "libx.so").write_bytes(b"Library")


def _remove(folder: Path) -> None:
    (folder / "runner").unlink()


def _add(folder: Path) -> None:
    (folder / "lib" / "extra.so").write_bytes(b"")


def _link(folder: Path) -> None:
    (folder / "lib" / "libx.so").unlink()
    (folder / "lib" / "libx.so").symlink_to("/etc/passwd")


def _take_right(folder: Path) -> None:
    (folder / "runner").chmod(0o644)


@pytest.mark.parametrize("harm", [_change, _remove, _add, _link, _take_right])
def test_verify_finds_what_differs(small: Bundle, harm: Callable[[Path], None]) -> None:
    harm(small.folder)
    with pytest.raises(BundleDamagedError):
        verify(small)


def test_manifest_of_another_version_is_refused(small: Bundle) -> None:
    path = small.folder / "manifest.json"
    value = json.loads(path.read_text())
    path.write_text(json.dumps(value | {"schema": "runner-bundle/3"}))
    with pytest.raises(RequestError, match="runner-bundle/3"):
        open_bundle(small.folder)


def test_choice_of_a_runner(small: Bundle, tmp_path: Path) -> None:
    with pytest.raises(BundleMissingError, match="runner build --abi x86_64"):
        choose_runner("x86_64")
    assert choose_runner("x86_64", str(small.folder)) == small
    with pytest.raises(BundleError, match="is for x86_64"):
        choose_runner("arm64-v8a", str(small.folder))
    with pytest.raises(BundleMissingError):
        choose_runner("x86_64", str(tmp_path))
    with pytest.raises(BundleError, match="armeabi"):
        choose_runner("armeabi-v7a")
    program = tmp_path / "executor_runner"
    with pytest.raises(BundleError, match="no executor_runner"):
        choose_runner("armeabi-v7a", f"executor_runner={program}")
    program.touch()
    assert choose_runner("armeabi-v7a", f"executor_runner={program}") == StockRunner(program)


def test_bundle_of_another_executorch_is_no_default(small: Bundle, tmp_path: Path) -> None:
    import_bundle(export_bundle(small, tmp_path / "old.tar.gz"))
    with pytest.raises(BundleMissingError, match=r"of ExecuTorch 1\.1\.0"):
        choose_runner("x86_64")
    adopt(small.folder, abi="x86_64", executorch_version="1.4.1", command=("./runner",))
    imported = import_bundle(export_bundle(open_bundle(small.folder), tmp_path / "new.tar.gz"))
    assert choose_runner("x86_64") == imported


def test_what_a_killed_build_left_is_swept_a_day_later(small: Bundle, tmp_path: Path) -> None:
    left = store.store_folder() / ".staging-old"
    young = store.store_folder() / ".staging-young"
    for folder in (left, young):
        folder.mkdir(parents=True)
    os.utime(left, (0, 0))
    import_bundle(export_bundle(small, tmp_path / "a.tar.gz"))
    assert not left.exists()
    assert young.exists()


def test_system_without_apt_hears_what_works_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HostToolMissingError, match="runner import"):
        bundles.build("arm64-v8a")


def test_system_without_the_compiler_hears_which_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("apt-get", "apt-cache", "dpkg-deb", "readelf"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HostToolMissingError, match="apt-get install g\\+\\+-x86-64-linux-gnu"):
        bundles.build("x86_64")


def test_mirrors_are_the_systems_own(monkeypatch: pytest.MonkeyPatch) -> None:
    listing = (
        "mirror+file:/etc/m.list stable main\nhttp://a.example/debian/ stable main\n"
        "http://a.example/debian/ stable-updates main\nhttp://s.example/ stable-security main\n"
        "http://b.example/other stable contrib\n"
    )
    monkeypatch.setattr(debian, "require", lambda program: program)
    monkeypatch.setattr(debian, "run", lambda command, doing, **options: listing)
    assert debian.mirrors() == ["mirror+file:/etc/m.list", "http://a.example/debian/"]
    monkeypatch.setattr(debian, "run", lambda command, doing, **options: "")
    with pytest.raises(BundleBuildError, match="no archive"):
        debian.mirrors()


def test_symbols_of_nobody_known_stop_the_build() -> None:
    vital = ("pthreadpool_create_v2", "memcpy@GLIBC_2.99", "kai_run_x", "_ZN10executorch3runEv")
    for symbol in vital:
        with pytest.raises(BundleBuildError, match="neither PyTorch's nor Python's"):
            stand_ins.sort_by_owner({"runtime.so": frozenset({"PyList_New", symbol})})


def test_trapped_symbols_are_listed_by_owner_and_by_who_wants_them() -> None:
    sorted_ = stand_ins.sort_by_owner(
        {
            "a.so": frozenset({"PyList_New", "_Py_Dealloc", "_ZN3c106detail14torchCheckFailE"}),
            "b.so": frozenset({"_ZN2at4_ops5clone4callE"}),
        }
    )
    assert [(found.owner, found.wanted_by, found.symbols) for found in sorted_] == [
        ("Python", "a.so", ("PyList_New", "_Py_Dealloc")),
        ("PyTorch", "a.so", ("_ZN3c106detail14torchCheckFailE",)),
        ("PyTorch", "b.so", ("_ZN2at4_ops5clone4callE",)),
    ]


def test_bundle_of_the_version_before_is_read_and_says_what_is_unknown(small: Bundle) -> None:
    value = json.loads((small.folder / "manifest.json").read_text())
    for name in ("trapped", "tried"):
        del value[name]
    source = value["sources"][0]
    del source["tested"]
    source |= {"kind": "debian", "sha256": "0" * 64}
    value |= {"schema": "runner-bundle/1", "trapped_symbols": 169}
    (small.folder / "manifest.json").write_text(json.dumps(value))
    old = open_bundle(small.folder)
    assert old.manifest.trapped is None
    assert old.manifest.tried is None
    words = Checked(old, None, None, ()).in_words()
    assert "169 symbols, and whose they are is unknown" in words
    assert "whether its kernels run is unknown" in words


def _elf(alignment: int) -> bytes:
    """An ELF header and one loadable segment, which is all that is read."""
    head = b"\x7fELF\x02\x01\x01" + bytes(25) + (64).to_bytes(8, "little") + bytes(14)
    head += (56).to_bytes(2, "little") + (1).to_bytes(2, "little") + bytes(6)
    words = (0, 0x4000, 0x4000, 8, 8, alignment)
    return (
        head
        + (1).to_bytes(4, "little")
        + bytes(4)
        + b"".join(word.to_bytes(8, "little") for word in words)
    )


@pytest.mark.parametrize(
    ("alignment", "aligned"), [(0x1000, False), (0x2000, False), (0x4000, True), (0x10000, True)]
)
def test_segments_are_held_against_the_largest_page(
    small: Bundle, alignment: int, aligned: bool
) -> None:
    (small.folder / "lib/libx.so").write_bytes(_elf(alignment))
    again = adopt(small.folder, abi="arm64-v8a", executorch_version="1", command=("./runner",))
    assert elf.is_aligned(small.folder / "lib/libx.so", 16384) is aligned
    # One's own is used all the same, on phones with small pages; one of ours would be refused.
    words = Checked(again, None, None, () if aligned else ("lib/libx.so",)).in_words()
    assert ("cannot be loaded with pages of 16384 bytes" in words) is not aligned
    ours = again.manifest.model_copy(
        update={
            "sources": (again.manifest.sources[0].model_copy(update={"kind": "debian"}),),
        }
    )
    if not aligned:
        with pytest.raises(BundleDamagedError, match="16384"):
            check(Bundle(small.folder, ours))


def test_still_wanted_knows_versions() -> None:
    def item(wanted: set[str], defined: set[str]) -> elf.SharedObject:
        return elf.SharedObject((), frozenset(wanted), frozenset(defined))

    offers = item(set(), {"a@V1", "b@V1", "c"})
    assert elf.still_wanted([item({"a@V1", "b", "c"}, set()), offers]) == set()
    assert elf.still_wanted([item({"a@V2", "d"}, set()), offers]) == {"a@V2", "d"}


def test_built_bundle(
    runner_bundle: Callable[[str], Bundle],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    app: typer.Typer,
) -> None:
    bundle = runner_bundle("x86_64")
    manifest = bundle.manifest
    verify(bundle)
    assert manifest.recipe == bundles.recipe("x86_64")
    assert {"executorch", "libc6", "libpthreadpool0"} < {item.name for item in manifest.sources}
    names = {file.name for file in manifest.files}
    assert {source.licence for source in manifest.sources} <= names
    assert {file.name for file in manifest.files if file.executable} == {
        "runner",
        PLATFORMS["x86_64"].loader,
    }
    text = (bundle.folder / "manifest.json").read_text()
    assert "://" not in text
    assert str(bundle.folder) not in text
    assert all(source.tested for source in manifest.sources)
    assert {found.owner for found in manifest.trapped or ()} == {"Python", "PyTorch"}
    assert {found.outcome for found in manifest.tried or ()} <= {"right", "unsupported"}
    # Carried to a system that can build nothing, it is the one that `build` would make.
    archive = export_bundle(bundle, tmp_path / "runner.tar.gz")
    assert CliRunner().invoke(app, ["runner", "import", str(archive)]).exit_code == 0
    monkeypatch.setenv("PATH", str(tmp_path))
    again = bundles.build("x86_64")
    assert again.manifest == manifest
    assert again.folder.is_relative_to(tmp_path)


def test_wanted_symbol_that_is_called_says_so(
    tmp_path: Path, lab_lacks: Callable[[str], NoReturn]
) -> None:
    compiler = shutil.which("g++")
    if compiler is None:
        lab_lacks("g++ is not here")
    stand_ins.make_stand_ins({"PyList_New"}, compiler, tmp_path / "work", tmp_path)
    (tmp_path / "main.c").write_text("void PyList_New(void); int main(void) { PyList_New(); }\n")
    library = tmp_path / "libtorch_cpu.so"
    subprocess.run(
        [compiler, "-x", "c", tmp_path / "main.c", "-x", "none", library, "-o", tmp_path / "main"],
        check=True,
    )
    environment = {"LD_LIBRARY_PATH": str(tmp_path)}
    finished = subprocess.run([tmp_path / "main"], env=environment, capture_output=True)
    assert finished.returncode < 0
    assert b"PyList_New" in finished.stderr


def test_commands(small: Bundle, tmp_path: Path, app: typer.Typer) -> None:
    def call(*arguments: object) -> str:
        result = CliRunner().invoke(app, ["runner", *map(str, arguments)])
        assert result.exit_code == 0, result.output
        return result.stdout

    archive = tmp_path / "runner.tar.gz"
    assert json.loads(call("list", "--json")) == []
    assert "runner.tar.gz" in call("export", small.folder, "--output", archive)
    (imported,) = json.loads(call("import", archive, "--json"))
    assert json.loads(call("list", "--json")) == [imported]
    assert imported["digest"] == small.manifest.digest
    assert imported["pinned"] is False
    assert "its files are those of its manifest" in call("verify", "x86_64")
    own = ("--abi", "x86_64", "--executorch", "1.1.0")
    (adopted,) = json.loads(call("adopt", small.folder, *own, "--json"))
    assert adopted["digest"] == small.manifest.digest
    for name in ("build", "list", "verify", "export", "import", "adopt"):
        assert "Example" in call(name, "--help")


def test_bundle_that_cannot_be_read_is_told(
    small: Bundle, tmp_path: Path, app: typer.Typer
) -> None:
    archive = export_bundle(small, tmp_path / "runner.tar.gz")
    whole = import_bundle(archive)
    newer = store.store_folder() / "of-another-version"
    shutil.copytree(whole.folder, newer)
    manifest = newer / "manifest.json"
    value = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(value | {"schema": "runner-bundle/99"}))
    emptied = store.store_folder() / "emptied"
    emptied.mkdir()

    listed = CliRunner().invoke(app, ["runner", "list"])
    assert listed.exit_code == 0
    for folder in (newer, emptied):
        assert f"{folder} cannot be used" in listed.stderr.replace("\n", "")
    facts = json.loads(CliRunner().invoke(app, ["runner", "list", "--json"]).stdout)
    assert [fact["folder"] for fact in facts if "problem" in fact] == [str(emptied), str(newer)]
    with pytest.raises(BundleMissingError, match="2 cannot be read"):
        choose_runner("arm64-v8a")
    checked = CliRunner().invoke(app, ["runner", "verify", "--json"])
    assert isinstance(checked.exception, BundleDamagedError)
    assert "runner-bundle/99" in str(checked.exception)
    assert json.loads(checked.stdout)[0]["folder"] == str(whole.folder)
