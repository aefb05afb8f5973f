"""`runner export` and `runner import`: an archive carries a bundle, and nothing else."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from device_runner import bundles
from device_runner.bundles import (
    Bundle,
    BundleDamagedError,
    BundleError,
    export_bundle,
    import_bundle,
    store,
)

pytestmark = pytest.mark.usefixtures("own_cache")


def test_archive_carries_a_bundle_and_is_reproducible(small: Bundle, tmp_path: Path) -> None:
    first = export_bundle(small, tmp_path / "a.tar.gz")
    second = export_bundle(small, tmp_path / "b.tar.gz")
    assert first.read_bytes() == second.read_bytes()
    for _ in range(2):
        imported = import_bundle(first)
        assert imported.manifest == small.manifest
        assert imported.folder.parent == store.store_folder()
    assert bundles.stored().bundles == (imported,)
    assert bundles.find("x86_64") == imported


def test_damaged_bundle_is_not_exported(small: Bundle, tmp_path: Path) -> None:
    (small.folder / "lib/libx.so").write_bytes(b"changed")
    with pytest.raises(BundleDamagedError):
        export_bundle(small, tmp_path / "a.tar.gz")
    assert not (tmp_path / "a.tar.gz").exists()


def _rewritten(source: Path, change: Callable[[list[tuple[tarfile.TarInfo, bytes]]], None]) -> Path:
    members = []
    with tarfile.open(source) as archive:
        for item in archive:
            stream = archive.extractfile(item)
            assert stream is not None
            members.append((item, stream.read()))
    change(members)
    target = source.with_name("hostile.tar.gz")
    with tarfile.open(target, "w:gz") as archive:
        for item, content in members:
            item.size = len(content) if item.isreg() else 0
            archive.addfile(item, io.BytesIO(content))
    return target


def _file(name: str, content: bytes = b"x") -> tuple[tarfile.TarInfo, bytes]:
    return tarfile.TarInfo(name), content


def _symlink(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    item = members[1][0]
    item.type, item.linkname = tarfile.SYMTYPE, "/etc/passwd"


@pytest.mark.parametrize(
    "change",
    [
        lambda members: members.append(_file("../escaped")),
        lambda members: members.append(_file("/tmp/escaped")),
        lambda members: members.append(_file("extra")),
        lambda members: members.append(members[1]),
        lambda members: members.pop(),
        lambda members: members.pop(0),
        lambda members: members.reverse(),
        lambda members: members.__setitem__(1, (members[1][0], b"L" + members[1][1][1:])),
        lambda members: members.__setitem__(0, (members[0][0], b"[" * 100_000)),
        lambda members: members.__setitem__(
            0, (members[0][0], members[0][1].replace(b"lib/libx.so", b"../libx.so"))
        ),
        _symlink,
    ],
)
def test_hostile_archive_leaves_nothing_behind(
    small: Bundle,
    tmp_path: Path,
    change: Callable[[list[tuple[tarfile.TarInfo, bytes]]], None],
) -> None:
    hostile = _rewritten(export_bundle(small, tmp_path / "good.tar.gz"), change)
    before = set(tmp_path.rglob("*"))
    with pytest.raises(BundleDamagedError):
        import_bundle(hostile)
    assert bundles.stored() == bundles.Stored((), ())
    left = set(tmp_path.rglob("*")) - before
    assert left <= {tmp_path / "cache", tmp_path / "cache/mobilesr-tune", store.store_folder()}


def test_what_is_no_archive(small: Bundle, tmp_path: Path) -> None:
    whole = export_bundle(small, tmp_path / "good.tar.gz").read_bytes()
    bad = tmp_path / "bad.tar.gz"
    for content in (b"", b"text", whole[: len(whole) // 2], gzip.compress(b"x" * 2000)):
        bad.write_bytes(content)
        with pytest.raises(BundleDamagedError):
            import_bundle(bad)
    with pytest.raises(BundleError, match="cannot read"):
        import_bundle(tmp_path / "absent.tar.gz")
