"""Every family of kernels on every level, with the real bundles."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
from host_answer import host_answer

from device_runner.bundles import Bundle, BundleDamagedError, store
from device_runner.bundles.checking import check
from device_runner.bundles.kernel_trials import levels, require_right, try_kernels
from device_runner.bundles.kernels.families import EXPECTED, FAMILIES, FOLDER, INPUT
from device_runner.bundles.pins import PLATFORMS
from device_runner.bundles.stand_ins import trap_source
from device_runner.bundles.static_kernels import LIBRARY
from device_runner.bundles.trial import start_command


@pytest.fixture(params=["x86_64", "arm64-v8a"])
def bundle(
    request: pytest.FixtureRequest,
    runner_bundle: Callable[[str], Bundle],
    lab_lacks: Callable[[str], NoReturn],
) -> Bundle:
    found = runner_bundle(request.param)
    if start_command(found) is None:
        lab_lacks(f"this machine cannot start {request.param}: install qemu-user-static")
    return found


def test_every_family_is_right_on_every_level(bundle: Bundle) -> None:
    checked = check(bundle)
    assert checked.trials is not None
    assert len(checked.trials) == len(FAMILIES) * len(levels(bundle))
    unsupported = {(one.family, one.level) for one in checked.trials if one.outcome != "right"}
    assert unsupported <= {("fp16", level.name) for level in levels(bundle) if not level.has_fp16}
    assert "on no others" in checked.in_words()


def test_int8_is_the_same_with_dot_products_and_without(
    runner_bundle: Callable[[str], Bundle], lab_lacks: Callable[[str], NoReturn]
) -> None:
    """KleidiAI's kernels run on the second and third level only; the first has XNNPACK's own."""
    bundle = runner_bundle("arm64-v8a")
    trials = try_kernels(bundle)
    if trials is None or len(levels(bundle)) < 3:
        lab_lacks("this machine cannot emulate arm64: install qemu-user-static")
    errors = [one.error for one in trials if one.family == "int8"]
    assert all(error is not None for error in errors)
    assert np.ptp(np.array(errors, dtype=float)) < 1e-6


def test_trapped_kernels_make_a_bundle_that_is_not_whole(
    runner_bundle: Callable[[str], Bundle], tmp_path: Path, lab_lacks: Callable[[str], NoReturn]
) -> None:
    whole = runner_bundle("arm64-v8a")
    compiler = shutil.which(f"{PLATFORMS['arm64-v8a'].triplet}-g++")
    if compiler is None or start_command(whole) is None:
        lab_lacks("no cross compiler or no qemu-user-static is here")
    folder = tmp_path / "bundle"
    shutil.copytree(whole.folder, folder)
    listed = subprocess.check_output(
        ["readelf", "--dyn-syms", "--wide", folder / LIBRARY], text=True
    )
    symbols = {word for word in listed.split() if word.startswith("kai_")}
    assert len(symbols) == 6
    (tmp_path / "trap.c").write_text(trap_source(symbols))
    subprocess.run(
        [compiler, "-x", "c", "-w", "-fno-builtin", "-shared", "-fPIC", "-s",
         f"-Wl,-soname,{LIBRARY}", "-o", folder / LIBRARY, tmp_path / "trap.c"],
        check=True,
    )  # fmt: skip
    files = tuple(store.describe_files(folder, {}, {"runner", PLATFORMS["arm64-v8a"].loader}))
    broken = Bundle(folder, whole.manifest.model_copy(update={"files": files}))
    trials = try_kernels(broken)
    assert trials is not None
    wrong = {(one.family, one.level) for one in trials if one.outcome == "wrong"}
    assert {family for family, _ in wrong} == {"int8"}
    assert len(wrong) == len(levels(broken)) - 1
    assert any("kai_run_lhs_quant_pack_qai8dxp_f32" in one.detail for one in trials)
    with pytest.raises(BundleDamagedError, match=r"int8 kernels fail on ARMv8\.2"):
        require_right(broken, trials)


def test_wrong_numbers_are_wrong(
    runner_bundle: Callable[[str], Bundle], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bundle = runner_bundle("x86_64")
    expected = np.fromfile(FOLDER / EXPECTED, "<f4")
    for name in (INPUT, *(family.file for family in FAMILIES)):
        shutil.copy(FOLDER / name, tmp_path)
    monkeypatch.setattr("device_runner.bundles.kernel_trials.FOLDER", tmp_path)
    for change in (np.float32(0.01), np.float32("nan")):
        moved = expected.copy()
        moved[1000] += change
        moved.tofile(tmp_path / EXPECTED)
        trials = try_kernels(bundle)
        if trials is not None:
            assert {one.outcome for one in trials if one.family != "fp16"} == {"wrong"}


def test_the_programs_are_what_they_say() -> None:
    """The host's own runtime computes them as expected: the files and the tolerances fit."""
    import torch

    x = torch.from_numpy(np.fromfile(FOLDER / INPUT, "<f4").reshape(1, 4, 12, 12))
    expected = np.fromfile(FOLDER / EXPECTED, "<f4")
    errors = {}
    for family in FAMILIES:
        if family.name == "fp16":
            continue
        answer = host_answer(FOLDER / family.file, x)
        errors[family.name] = np.abs(answer.numpy().ravel() - expected).max()
        assert errors[family.name] < family.tolerance
    # int8 really is quantised.
    assert errors["int8"] > 100 * errors["fp32"]
