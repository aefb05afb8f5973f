"""What a process may do about its own memory while it is at hard work for a few seconds."""

from __future__ import annotations

import contextlib
import ctypes
import gc
from collections.abc import Iterator

# glibc's malloc.h, and what it sets by itself.
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4
_OWN_TRIM_THRESHOLD, _OWN_MMAP_MAX = 128 * 1024, 65536
_NEVER = 2**31 - 1


@contextlib.contextmanager
def no_garbage_collection() -> Iterator[None]:
    """Nothing is looked for in cycles: for when many objects come and all of them stay.

    Importing ExecuTorch takes a third less time so.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextlib.contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Large blocks that are freed are used again, and go back to the system only at the end.

    Otherwise glibc fetches each large tensor anew, page by page. Where the C library is another,
    nothing changes.
    """
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallopt") or not hasattr(libc, "malloc_trim"):
        yield
        return
    libc.mallopt(_M_MMAP_MAX, 0)
    libc.mallopt(_M_TRIM_THRESHOLD, _NEVER)
    try:
        yield
    finally:
        libc.mallopt(_M_MMAP_MAX, _OWN_MMAP_MAX)
        libc.mallopt(_M_TRIM_THRESHOLD, _OWN_TRIM_THRESHOLD)
        libc.malloc_trim(0)
