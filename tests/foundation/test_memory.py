"""`foundation.memory`: what is switched for a while is as it was afterwards."""

import gc

import pytest

from foundation.memory import freed_memory_kept, no_garbage_collection


def test_garbage_is_collected_again_afterwards_also_after_an_error():
    assert gc.isenabled()
    with no_garbage_collection():
        assert not gc.isenabled()
        with no_garbage_collection():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ValueError, match="no"), no_garbage_collection():
        raise ValueError("no")
    assert gc.isenabled()


def test_what_was_computed_in_kept_memory_is_there_afterwards():
    with freed_memory_kept():
        large = bytearray(b"x") * (64 * 2**20)
        for _ in range(3):
            bytearray(32 * 2**20)
    assert large.count(b"x") == 64 * 2**20
    with pytest.raises(ValueError, match="no"), freed_memory_kept():
        raise ValueError("no")
