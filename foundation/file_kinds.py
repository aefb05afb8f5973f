"""What a file is that was taken for another: told by its first bytes.

A download that went wrong, a clone without its large files, a picture whose suffix lies: people
meet these more often than a file that is damaged, and what helps is another thing each time.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

HEAD_BYTES = 512
_WEB_PAGE = re.compile(rb"\s*(<!doctype html|<html|<\?xml[^>]*>\s*<!doctype html)", re.IGNORECASE)
_SAFETENSORS = re.compile(rb"[\s\S]{6}\0\0\{\s*\"")
# ISO base media files name their kind after `ftyp`.
_BRANDS = {
    b"heic": "HEIC", b"heix": "HEIC", b"hevc": "HEIC", b"heim": "HEIC", b"mif1": "HEIC",
    b"msf1": "HEIC", b"avif": "AVIF", b"avis": "AVIF",
}  # fmt: skip
_PICTURES = (
    (b"\xff\x0a", "JPEG XL"), (b"\0\0\0\x0cJXL ", "JPEG XL"), (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"8BPS", "Photoshop"),
)  # fmt: skip
_PACKED = (
    (b"\x1f\x8b", "gzip"), (b"\xfd7zXZ\0", "xz"), (b"\x28\xb5\x2f\xfd", "zstd"), (b"BZh", "bzip2"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip"), (b"Rar!", "RAR"),
)  # fmt: skip


def told_by_content(path: Path) -> str:
    """What the file is and what to do, as the end of a sentence; empty where it is not known.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    if not head:
        return "it is empty; copy it again"
    if head.startswith(b"version https://git-lfs"):
        return "it is a pointer of Git LFS to the file itself; run 'git lfs pull' in its clone"
    if _WEB_PAGE.match(head):
        return "it is a web page; download the file itself, by the link behind 'raw' or 'download'"
    if _SAFETENSORS.match(head):
        return (
            "it is a safetensors file; convert it with torch.save(safetensors.torch.load_file("
            f"{path.name!r}), 'weights.pth')"
        )
    picture = _BRANDS.get(head[8:12], "") if head[4:8] == b"ftyp" else ""
    picture = picture or next((name for mark, name in _PICTURES if head.startswith(mark)), "")
    if picture:
        return f"it is a picture in {picture}, whatever its name says; save it as PNG"
    if packed := next((name for mark, name in _PACKED if head.startswith(mark)), ""):
        return f"it is packed with {packed}; unpack it first"
    return _archive(path) if head.startswith(b"PK\x03\x04") else ""


def _archive(path: Path) -> str:
    """A ZIP archive, as `torch.save` writes one, or of another kind; empty where it is torch's."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return ""
    if any(name.endswith("/constants.pkl") for name in names):
        return (
            "it is a TorchScript program; save the network's tensors instead, with "
            "torch.save(model.state_dict(), ...)"
        )
    if any(name.endswith("data.pkl") for name in names):
        return ""
    inside = f" (with {names[0]!a} in it)" if names else ""
    return f"it is an archive of another kind{inside}; unpack it first"
