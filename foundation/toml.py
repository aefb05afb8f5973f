"""TOML files as people's editors write them."""

from __future__ import annotations

import codecs
import tomllib
from pathlib import Path
from typing import Any

from foundation.errors import RequestError
from foundation.wording import shown

# Far beyond any configuration; whatever is larger is another file.
MAX_BYTES = 2**20
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)  # fmt: skip


def read_toml(path: Path) -> dict[str, Any]:
    """Parse a TOML file; a byte-order mark, as editors on Windows put it, says the encoding.

    Raises:
        RequestError: it cannot be read, is larger than a MiB, or is no TOML.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise RequestError(f"{shown(str(path))} cannot be read as TOML: {error}") from error
    if len(content) > MAX_BYTES:
        raise RequestError(f"{path} is larger than any configuration: is it the right file?")
    mark, encoding = next((m for m in _MARKS if content.startswith(m[0])), (b"", "utf-8"))
    try:
        return tomllib.loads(content[len(mark) :].decode(encoding))
    # Wrong dates and numbers are plain ValueErrors; what is nested too deep is none.
    except (ValueError, RecursionError) as error:
        said = "nested too deep" if isinstance(error, RecursionError) else shown(str(error))
        raise RequestError(f"{path} cannot be read as TOML: {said}") from error
