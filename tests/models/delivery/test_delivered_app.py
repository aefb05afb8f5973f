"""The delivered Android class, run on a JVM: Android and ExecuTorch are stubs, the rest is real.

The steps of the app, and what must go wrong in which words, stand in `stubs/AppDriver.kt`.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from delivered_kotlin import Compiled
from tiling_cases import TilingCase

from foundation.artifact import Artifact
from models.contract import TensorContract
from models.photo import Photo, composited

pytestmark = pytest.mark.timeout(900)


def test_an_app_loads_upscales_stops_and_closes(
    compiled: Compiled, small_artifact: Artifact, tmp_path: Path
) -> None:
    contract = TensorContract.of(small_artifact.manifest)
    case = TilingCase(
        37, 53, contract.lr_height, contract.lr_width, contract.window_size, contract.scale
    )
    picture = case.picture()
    alpha = np.random.default_rng(2).integers(0, 256, picture.shape[:2], np.uint8)
    red, green, blue = (picture[..., k].astype(np.uint32) for k in range(3))
    pixels = alpha.astype(np.uint32) << 24 | red << 16 | green << 8 | blue
    head = np.array([case.height, case.width], ">u4")
    (tmp_path / "picture").write_bytes(head.tobytes() + pixels.astype(">u4").tobytes())
    done = subprocess.run(
        ["java", "-cp", str(compiled.jar), "mobilesr.AppDriverKt",
         str(compiled.delivered / "android/app/src/main/assets"), str(tmp_path / "files"),
         str(tmp_path / "picture"), str(tmp_path / "answer")],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == "all went well\n"
    size = (case.scale * case.height, case.scale * case.width)
    answer = np.frombuffer((tmp_path / "answer").read_bytes(), ">u4").reshape(size)
    rgb = np.stack([answer >> shift & 255 for shift in (16, 8, 0)], -1).astype(np.uint8)
    laid = composited(Photo(picture, alpha, None), "#205090").rgb
    np.testing.assert_array_equal(rgb, case.upscaled(laid))
