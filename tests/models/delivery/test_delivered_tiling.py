"""The delivered tilings, Kotlin and Python, against `models.inference`: number for number."""

from __future__ import annotations

import runpy
import subprocess
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from delivered_kotlin import Compiled
from hypothesis import assume, example, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tiling_cases import CASES, TilingCase

from models.delivery.folder import TEMPLATES
from models.photo import Photo, composited

# A compiler's start takes long where other work takes the cores.
pytestmark = pytest.mark.timeout(900)
CHECK = runpy.run_path(str(TEMPLATES / "check.py"))
WHITE = 0xFFFFFF


def random_cases(count: int) -> list[TilingCase]:
    rng = np.random.default_rng(15)
    found: list[TilingCase] = []
    while len(found) < count:
        sides = [int(side) for side in rng.integers(1, 60, 4)]
        case = TilingCase(*sides, window_size=int(rng.choice([1, 2, 4, 8])),
                          scale=int(rng.choice([2, 3, 4])))  # fmt: skip
        if case.possible:
            found.append(case)
    return found


def kotlin(
    jar: Path,
    folder: Path,
    cases: list[TilingCase],
    pictures: list[NDArray[np.uint8]],
    background: int = WHITE,
) -> subprocess.CompletedProcess[str]:
    """The driver's run over pictures of (height, width, RGBA); its answers lie in `answers`."""
    words = [np.array([len(cases)], ">i4")]
    for case, picture in zip(cases, pictures, strict=True):
        head = (case.height, case.width, case.tile_height, case.tile_width, case.window_size,
                case.scale, background)  # fmt: skip
        red, green, blue, alpha = (picture[..., k].astype(np.uint32) for k in range(4))
        pixels = alpha << 24 | red << 16 | green << 8 | blue
        words += [np.array(head, ">i4"), pixels.ravel().astype(">u4").view(">i4")]
    (folder / "cases").write_bytes(b"".join(part.tobytes() for part in words))
    return subprocess.run(
        ["java", "-cp", str(jar), "mobilesr.TilingDriverKt", str(folder / "cases"),
         str(folder / "answers")],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def answers(folder: Path, cases: list[TilingCase]) -> list[NDArray[np.uint8]]:
    """(height, width, RGB) of each; every pixel is opaque."""
    pixels = np.frombuffer((folder / "answers").read_bytes(), ">u4")
    found, first = [], 0
    for case in cases:
        size = (case.scale * case.height, case.scale * case.width)
        one = pixels[first : first + size[0] * size[1]].reshape(size)
        assert (one >> 24 == 255).all()
        found.append(np.stack([one >> shift & 255 for shift in (16, 8, 0)], -1).astype(np.uint8))
        first += one.size
    assert first == pixels.size
    return found


def opaque(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])


def test_kotlin_computes_what_upscale_does(compiled: Compiled, tmp_path: Path) -> None:
    cases = CASES + random_cases(40)
    pictures = [case.picture(seed) for seed, case in enumerate(cases)]
    done = kotlin(compiled.jar, tmp_path, cases, [opaque(picture) for picture in pictures])
    assert done.returncode == 0, done.stderr
    for case, picture, answer in zip(cases, pictures, answers(tmp_path, cases), strict=True):
        np.testing.assert_array_equal(answer, case.upscaled(picture), str(case))


def test_kotlin_lays_transparency_on_the_background(compiled: Compiled, tmp_path: Path) -> None:
    case = CASES[3]
    alpha = np.random.default_rng(1).integers(0, 256, (case.height, case.width), np.uint8)
    picture = case.picture()
    done = kotlin(compiled.jar, tmp_path, [case], [np.dstack([picture, alpha])], 0x205090)
    assert done.returncode == 0, done.stderr
    laid = composited(Photo(picture, alpha, None), "#205090").rgb
    np.testing.assert_array_equal(answers(tmp_path, [case])[0], case.upscaled(laid))


def test_kotlin_refuses_tiles_without_a_whole_window(compiled: Compiled, tmp_path: Path) -> None:
    case = TilingCase(20, 20, 6, 6, 8, 2)
    assert not case.possible
    done = kotlin(compiled.jar, tmp_path, [case], [opaque(case.picture())])
    assert done.returncode != 0
    assert "IllegalArgumentException" in done.stderr
    assert "a tile of 6 pixels holds no window of 8" in done.stderr


sides = st.integers(1, 60)


@given(st.builds(TilingCase, sides, sides, sides, sides, st.sampled_from([1, 2, 4, 8]),
                 st.sampled_from([2, 3, 4])))  # fmt: skip
@example(CASES[1])
@example(CASES[5])
@example(CASES[6])
def test_python_computes_what_upscale_does(case: TilingCase) -> None:
    assume(case.possible)
    picture = case.picture()
    tile = (case.tile_height, case.tile_width)
    levels_of = partial(CHECK["by_planes"], case.network)
    result = CHECK["upscale"](picture, levels_of, tile, case.window_size, case.scale)
    np.testing.assert_array_equal(result, case.upscaled(picture))


def test_python_lays_transparency_as_upscale_does() -> None:
    picture = CASES[3].picture()
    alpha = np.random.default_rng(1).integers(0, 256, picture.shape[:2], np.uint8)
    laid = CHECK["on_background"](np.dstack([picture, alpha]), (0x20, 0x50, 0x90))
    np.testing.assert_array_equal(laid, composited(Photo(picture, alpha, None), "#205090").rgb)
