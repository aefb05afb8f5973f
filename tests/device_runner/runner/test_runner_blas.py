"""The matrix products that a bundle brings for wheels that take them from PyTorch."""

from __future__ import annotations

import ctypes
import shutil
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np
import pytest

from device_runner.bundles.native_runner import compile_blas


@pytest.fixture(scope="module")
def blas(
    tmp_path_factory: pytest.TempPathFactory, lab_lacks: Callable[[str], NoReturn]
) -> ctypes.CDLL:
    compiler = shutil.which("g++")
    if compiler is None:
        lab_lacks("g++ is not here")
    return ctypes.CDLL(str(compile_blas(compiler, tmp_path_factory.mktemp("blas"))))


def _op(matrix: np.ndarray, op: str) -> np.ndarray:
    return {"N": matrix, "T": matrix.T, "C": matrix.conj().T}[op.upper()]


@pytest.mark.parametrize("ops", ["NN", "TN", "NT", "CC", "tn"])
@pytest.mark.parametrize(
    ("name", "dtype"),
    [("sgemm_", "f4"), ("dgemm_", "f8"), ("cgemm_", "c8"), ("zgemm_", "c16")],
)
def test_product_is_numpys(blas: ctypes.CDLL, name: str, dtype: str, ops: str) -> None:
    random = np.random.default_rng(3)

    def some(*shape: int) -> np.ndarray:
        values = random.standard_normal(shape) + 1j * random.standard_normal(shape)
        return np.asfortranarray((values if dtype[0] == "c" else values.real).astype(dtype))

    m, n, k = 5, 7, 6
    a = some(*((m, k) if ops[0] in "Nn" else (k, m)))
    b = some(*((k, n) if ops[1] in "Nn" else (n, k)))
    for alpha, beta in ((1, 0), (0.5, 2), (0, 1), (1, 1)):
        # Rows beyond m belong to somebody else; what beta = 0 hides may be no number.
        c = some(m + 3, n)
        if beta == 0:
            c[:m] = np.nan
        before = c.copy()
        given: list[Any] = [ctypes.c_char(ops[0].encode()), ctypes.c_char(ops[1].encode())]
        given += [ctypes.c_int(size) for size in (m, n, k)]
        scalars = [np.array(value, dtype) for value in (alpha, beta)]
        call: list[Any] = [ctypes.byref(value) for value in given]
        call += [scalars[0].ctypes.data_as(ctypes.c_void_p), a.ctypes.data_as(ctypes.c_void_p)]
        call += [ctypes.byref(ctypes.c_int(a.shape[0])), b.ctypes.data_as(ctypes.c_void_p)]
        call += [ctypes.byref(ctypes.c_int(b.shape[0])), scalars[1].ctypes.data_as(ctypes.c_void_p)]
        call += [c.ctypes.data_as(ctypes.c_void_p), ctypes.byref(ctypes.c_int(m + 3))]
        getattr(blas, name)(*call)
        kept = 0 if beta == 0 else beta * before[:m]
        expected = alpha * (_op(a, ops[0]) @ _op(b, ops[1])) + kept
        np.testing.assert_allclose(c[:m], expected, rtol=1e-5, atol=1e-5)
        np.testing.assert_array_equal(c[m:], before[m:])
