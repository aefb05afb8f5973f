"""A bundle as one file, to be carried to a machine that cannot build: `.tar.gz`, read with care."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zlib
from pathlib import Path
from typing import IO, cast

from device_runner.bundles import store
from device_runner.bundles.errors import BundleDamagedError, BundleError
from device_runner.bundles.manifest import MANIFEST_NAME, MAX_BYTES, MAX_FILES, BundleManifest
from device_runner.bundles.store import Bundle
from foundation import RequestError, atomic_path

_MAX_MANIFEST_BYTES = 2**20
# Beside the files: headers, the manifest, and what fills the blocks.
_MAX_UNPACKED_BYTES = MAX_BYTES + 2**22
# What Python's reader makes of headers with numbers that are none, of another character set, or in
# a chain without end.
_ODD_HEADERS = (ValueError, OverflowError, RecursionError, KeyError, IndexError)


class _Bounded(io.RawIOBase):
    """A stream that ends with an error where it is longer than any bundle: a header may promise as
    much as it likes, and a few bytes unpack to gigabytes.
    """

    def __init__(self, stream: gzip.GzipFile) -> None:
        super().__init__()
        self._stream = stream

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._stream.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_SET or not 0 <= offset <= _MAX_UNPACKED_BYTES:
            raise EOFError("it reaches beyond what a bundle may hold")
        return self._stream.seek(offset)

    def read(self, size: int = -1) -> bytes:
        left = _MAX_UNPACKED_BYTES - self._stream.tell()
        if size > left:
            raise EOFError("it promises more than a bundle may hold")
        return self._stream.read(left if size < 0 else size)


def export_bundle(bundle: Bundle, target: Path) -> Path:
    """Write a verified bundle to `target`; the same bundle gives the same bytes.

    Raises:
        BundleDamagedError: its files are not those of its manifest.
        RequestError: the target cannot be written.
    """
    store.verify(bundle)
    if not target.name.endswith(".tar.gz"):
        raise BundleError(f"{target} must end in .tar.gz")
    with (
        atomic_path(target) as temporary,
        temporary.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        # The manifest comes first: a reader knows what to expect before it unpacks.
        _add(archive, MANIFEST_NAME, (bundle.folder / MANIFEST_NAME).read_bytes(), 0o644)
        for file in bundle.manifest.files:
            content = (bundle.folder / file.name).read_bytes()
            _add(archive, file.name, content, 0o755 if file.executable else 0o644)
    return target


def _add(archive: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), mode
    archive.addfile(member, io.BytesIO(content))


def import_bundle(source: Path) -> Bundle:
    """Unpack an archive into the store, once its every file proved to be the manifest's.

    The archive may come from anywhere: only the files that its manifest lists are written, each
    under a plain name and of the promised size. Whether to trust who made it stays the user's
    decision, for a device will run what is in it.

    Raises:
        BundleDamagedError: it is no archive of a bundle, or not what its manifest says.
        RequestError: it cannot be read, or the cache cannot be written.
    """
    try:
        packed = source.open("rb")
    except OSError as error:
        raise BundleError(f"cannot read {source}: {error.strerror or error}") from error
    with packed, store.staging() as work:
        folder = work / "bundle"
        folder.mkdir()
        try:
            with (
                gzip.open(packed) as plain,
                tarfile.open(fileobj=cast("IO[bytes]", _Bounded(plain)), mode="r:") as archive,
            ):
                manifest = _unpack(archive, folder, source)
        except (*_ODD_HEADERS, tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise BundleDamagedError(f"{source} is no whole .tar.gz: export it again") from error
        for file in manifest.files:
            if not (folder / file.name).is_file():
                raise BundleDamagedError(f"{source} lacks {file.name}: export it again")
        return store.install(folder, manifest)


def _unpack(archive: tarfile.TarFile, folder: Path, source: Path) -> BundleManifest:
    first = archive.next()
    if first is None or first.name != MANIFEST_NAME or first.size > _MAX_MANIFEST_BYTES:
        raise BundleDamagedError(f"{source} is no archive of a runner bundle")
    manifest = _read_manifest(_content(archive, first, source), source)
    sizes = {file.name: file.size_bytes for file in manifest.files}
    for _ in range(MAX_FILES):
        member = archive.next()
        if member is None:
            return manifest
        if not member.isreg() or sizes.pop(member.name, None) != member.size:
            raise BundleDamagedError(
                f"{source} holds {ascii(member.name)[:80]}, which its manifest does not describe: "
                "nothing was imported"
            )
        target = folder / member.name
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(_content(archive, member, source))
    raise BundleDamagedError(f"{source} holds more than {MAX_FILES} files: nothing was imported")


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo, source: Path) -> bytes:
    stream = archive.extractfile(member) if member.isreg() and member.size <= MAX_BYTES else None
    if stream is None:
        raise BundleDamagedError(f"{source} is no archive of a runner bundle")
    return stream.read()


def _read_manifest(content: bytes, source: Path) -> BundleManifest:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BundleDamagedError(f"the manifest in {source} is no JSON") from error
    try:
        return BundleManifest.from_dict(value, where=f"the manifest in {source}")
    except RequestError as error:
        raise BundleDamagedError(str(error)) from error
