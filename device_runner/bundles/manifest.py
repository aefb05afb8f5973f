"""What a bundle says of itself: `manifest.json` in its folder."""

from __future__ import annotations

import hashlib
import re
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from device_runner.bundles.pins import Abi
from foundation import VersionedRecord

MANIFEST_NAME = "manifest.json"
MAX_FILES = 200
MAX_BYTES = 512 * 2**20
# Names are fit for any shell and any archive: one folder deep at most, no dot in front.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*(/[A-Za-z0-9_][A-Za-z0-9._+-]*)?\Z")
_LIBRARY_PATH = ("--library-path", ".")

_Text = Annotated[str, Field(max_length=300)]
_Symbol = Annotated[str, Field(max_length=2000)]
_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class BundleFile(BaseModel):
    """One file of the bundle. `origin` is the name of a source, or `built`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: _Text
    sha256: _Sha256
    size_bytes: int = Field(ge=0, le=MAX_BYTES)
    executable: bool
    origin: _Text

    @field_validator("name")
    @classmethod
    def _plain(cls, name: str) -> str:
        if not _NAME.match(name) or name == MANIFEST_NAME:
            raise ValueError(f"{name[:80]!r} is no name that a bundle's file may have")
        return name


class BundleSource(BaseModel):
    """Where files came from: a package, its version, its checksum, its licence in the bundle."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: _Text
    kind: Literal["wheel", "debian", "user"]
    version: _Text
    sha256: _Sha256 | None
    # False: another version than the tested one, or a user's own.
    pinned: bool
    licence: _Text = ""
    # The version that mobilesr-tune was tested with. None: a user's own, or told by nobody.
    tested: _Text | None = None


class TrappedSymbols(BaseModel):
    """Symbols of one owner (PyTorch, Python) that a file wants and that abort when called."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    owner: _Text
    wanted_by: _Text
    symbols: tuple[_Symbol, ...] = Field(max_length=5000)


class KernelTrial(BaseModel):
    """What one family of kernels did on processors of one level."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    family: _Text
    level: _Text
    # right, unsupported (this level has no such arithmetic, and the runner said so), or wrong.
    outcome: Literal["right", "unsupported", "wrong"]
    # The largest distance to eager float32; what went wrong, in words.
    error: float | None = Field(default=None, ge=0)
    detail: Annotated[str, Field(max_length=600)] = ""


class BundleManifest(VersionedRecord):
    """A runner and its libraries for one ABI: which ExecuTorch it is, and where it came from."""

    kind: ClassVar[str] = "runner-bundle"
    version: ClassVar[int] = 2
    also_reads: ClassVar[tuple[int, ...]] = (1,)

    abi: Abi
    executorch_version: _Text
    protocol: int = Field(ge=1)
    # What was asked to be built: equal recipes need no second build.
    recipe: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    compiler: _Text
    # How many symbols abort the runner, should anything call them, and whose they are; None where
    # an older version put the bundle together, which did not ask.
    trapped_symbols: int = Field(ge=0)
    trapped: tuple[TrappedSymbols, ...] | None = Field(default=None, max_length=400)
    # What the kernels did when it was built; None where nothing could run them, or nobody tried.
    tried: tuple[KernelTrial, ...] | None = Field(default=None, max_length=100)
    # How to start it from within its folder; the protocol's arguments follow.
    command: tuple[_Text, ...] = Field(min_length=1, max_length=8)
    files: tuple[BundleFile, ...] = Field(min_length=1, max_length=MAX_FILES)
    sources: tuple[BundleSource, ...] = Field(max_length=50)

    @model_validator(mode="after")
    def _fits_together(self) -> BundleManifest:
        names = [file.name for file in self.files]
        if len(set(names)) != len(names):
            raise ValueError("a file is listed twice")
        if sum(file.size_bytes for file in self.files) > MAX_BYTES:
            raise ValueError(f"more than {MAX_BYTES // 2**20} MB")
        runnable = {f"./{file.name}" for file in self.files if file.executable}
        programs = [word for word in self.command if word not in _LIBRARY_PATH]
        if self.command[0] not in runnable or not set(programs) <= runnable:
            raise ValueError("the command starts something that is no program of the bundle")
        return self

    @property
    def digest(self) -> str:
        """Names the content: equal digests are equal files with equal rights, started equally."""
        lines = [f"{file.sha256} {file.executable:d} {file.name}" for file in self.files]
        text = "\n".join([" ".join(self.command), *sorted(lines)])
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)

    @property
    def name(self) -> str:
        """Short, stable and fit for folder names."""
        version = re.sub(r"[^0-9A-Za-z.]", "-", self.executorch_version)[:20]
        return f"{self.abi}-executorch-{version}-{self.digest[:12]}"
